"""What the accounts of a fund are, and what moves between them.

pledged  →  bank          what partners have promised, and what of it has come in
unallotted  →  budget     what may be given to anything, and what is given to one year, track and purpose
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.ledger.registry import account_kind, transfer_code
from park_portal.core.ledger.states import Side

BANK = account_kind("fund.bank", _("bank account"), Side.DEBIT)
PLEDGED = account_kind("fund.pledged", _("commitments not paid in"), Side.DEBIT)
UNALLOTTED = account_kind("fund.unallotted", _("not allotted"), Side.CREDIT)
BUDGET = account_kind("fund.budget", pgettext_lazy("ledger", "budget"), Side.CREDIT)

COMMIT = transfer_code("contribution.commit", _("commitment to the fund"))
PAY_IN = transfer_code("contribution.pay_in", _("contribution paid in"))
ALLOT = transfer_code("budget.allot", _("allotted to a budget"))
RETURN = transfer_code("budget.return", _("returned from a budget"))
SHIFT = transfer_code("budget.shift", _("shifted between budgets"))
INTEREST = transfer_code("fund.interest", _("interest"))
COST = transfer_code("fund.cost", _("cost of running the fund"))
