"""What is booked for awards: promised from a budget, paid out, given back.

budget  →  committed  →  bank          promised at signing, paid tranche by tranche, the rest released back
clawback  →  recoverable               claimed back; what comes in is free in the budget again only then
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.ledger.registry import account_kind, transfer_code
from park_portal.core.ledger.states import Side

COMMITTED = account_kind("award.committed", _("promised to awards"), Side.CREDIT)
CLAWBACK = account_kind("award.clawback", _("to be paid back by awards"), Side.DEBIT)
RECOVERABLE = account_kind("award.recoverable", _("claimed back and not come in"), Side.CREDIT)

COMMIT = transfer_code("award.commit", _("promised to an award"))
SUPPLEMENT = transfer_code("award.supplement", _("promised to an award by an amendment"))
PAY = transfer_code("award.pay", _("payment to an award"))
RELEASE = transfer_code("award.release", _("rest of an award given back"))
CLAIM = transfer_code("award.claim_back", _("claimed back from an award"))
RECOVER = transfer_code("award.recover", _("paid back by an award"))
RESTORE = transfer_code("award.restore", _("free again after it was paid back"))
