from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class StaffRole(models.TextChoices):
    """What a member of the park's staff is there for; each role is a group with the least rights it needs."""

    OFFICER = "officer", _("programme officer")
    LEAD = "lead", _("staff lead")
    FUND_MANAGER = "fund_manager", _("fund manager")
    FINANCE = "finance", _("finance officer")
    AUDITOR = "auditor", _("auditor")
    ADMINISTRATOR = "administrator", _("system administrator")


# Separated duties: who gives people their access and runs the machine neither decides nor audits.
STANDS_ALONE: Final = StaffRole.ADMINISTRATOR


class Language(models.TextChoices):
    ZH_HANS = "zh-hans", "简体中文"
    EN = "en", "English"


VIEW: Final = ("view",)
EDIT: Final = ("view", "add", "change")
FULL: Final = ("view", "add", "change", "delete")

# Model rights of each role in the admin ("app.model"; "app.*" is every model of the app). Acts have rules of their own.
ROLE_RIGHTS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    StaffRole.OFFICER: {
        "incubator.*": EDIT,
        "funding.*": EDIT,
        "core.job": VIEW,
        "core.document": VIEW,
        "core.specialday": VIEW,
        "core.policyvalue": VIEW,
        "core.invitation": EDIT,
        "core.importbatch": EDIT,
        "core.user": VIEW,
        "core.delivery": VIEW,
        "core.book": VIEW,
        "core.account": VIEW,
        "core.transfer": VIEW,
        "core.closedmonth": VIEW,
    },
    StaffRole.LEAD: {
        "incubator.*": FULL,
        "funding.*": FULL,
        "core.job": VIEW,
        "core.document": VIEW,
        "core.specialday": FULL,
        "core.policyvalue": EDIT,
        "core.invitation": EDIT,
        "core.importbatch": EDIT,
        "core.user": VIEW,
        "core.delivery": VIEW,
        "core.message": VIEW,
        "core.chatchannel": FULL,
        "core.entry": VIEW,
        "core.datarequest": VIEW,
        "core.book": VIEW,
        "core.account": VIEW,
        "core.transfer": VIEW,
        "core.closedmonth": VIEW,
        "core.accountcode": VIEW,
    },
    StaffRole.FUND_MANAGER: {
        "incubator.*": VIEW,
        "funding.*": VIEW,
        "funding.fund": EDIT,
        "funding.decision": EDIT,
        "funding.letter": EDIT,
        "funding.agreementtemplate": FULL,
        "core.job": VIEW,
        "core.book": VIEW,
        "core.account": VIEW,
        "core.transfer": VIEW,
        "core.closedmonth": VIEW,
        "core.document": VIEW,
        "core.policyvalue": VIEW,
    },
    StaffRole.FINANCE: {
        "incubator.organisation": VIEW,
        "funding.fund": VIEW,
        "funding.commitment": VIEW,
        "funding.budgetline": VIEW,
        "funding.call": VIEW,
        "funding.application": VIEW,
        "funding.award": VIEW,
        "funding.agreement": VIEW,
        "funding.milestone": VIEW,
        "funding.tranche": VIEW,
        "funding.amendment": VIEW,
        "funding.clawback": VIEW,
        "funding.report": VIEW,
        "funding.disbursement": VIEW,
        "funding.paymentbatch": VIEW,
        "funding.bankstatement": VIEW,
        "core.job": VIEW,
        "core.book": VIEW,
        "core.account": VIEW,
        "core.transfer": VIEW,
        "core.closedmonth": VIEW,
        "core.accountcode": FULL,
        "core.document": VIEW,
        "core.policyvalue": VIEW,
    },
    StaffRole.AUDITOR: {
        "incubator.*": VIEW,
        "funding.*": VIEW,
        "core.*": VIEW,
        "auth.group": VIEW,
    },
    # Separated duties: the system administrator keeps accounts and mail going and sees no application.
    StaffRole.ADMINISTRATOR: {
        "core.user": EDIT,
        "core.invitation": EDIT,
        "core.message": VIEW,
        "core.delivery": VIEW,
        "core.chatchannel": FULL,
        "core.job": VIEW,
        "core.specialday": FULL,
        "core.entry": VIEW,
        "core.datarequest": VIEW,
        "auth.group": VIEW,
    },
}
