"""What is booked for awards: promised from a budget, paid out, given back."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.ledger.registry import account_kind, transfer_code
from park_portal.core.ledger.states import Side

COMMITTED = account_kind("award.committed", _("promised to awards"), Side.CREDIT)
CLAWBACK = account_kind("award.clawback", _("to be paid back by awards"), Side.DEBIT)

COMMIT = transfer_code("award.commit", _("promised to an award"))
PAY = transfer_code("award.pay", _("payment to an award"))
RELEASE = transfer_code("award.release", _("rest of an award given back"))
CLAIM = transfer_code("award.claim_back", _("claimed back from an award"))
RECOVER = transfer_code("award.recover", _("paid back by an award"))
