"""The grantee's side of payments: what was asked for, where it stands, asking anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.awards.facts import holds_awards
from funding.awards.models import Award, Tranche
from funding.payments import services
from funding.payments.forms import AskForm, PaymentForm, ReasonPageForm, open_tranches, values_of
from funding.payments.models import Disbursement
from funding.payments.states import DISBURSEMENT_MACHINE, DisbursementState
from park_portal.core.accounts.rules import sees_records
from park_portal.core.errors import Forbidden, Text
from park_portal.core.frame import Card, NavItem, Task, home_card, register_nav
from park_portal.core.money import format_yuan
from park_portal.core.tones import tone_of
from park_portal.core.views import ActPage, Column, Crumb, DetailPage, ListPage, StateLine
from park_portal.core.workflow import may

NAV = "payments"
SHOWN = 5
ASK = "funding.ask_disbursement"
register_nav(NavItem(NAV, _("Payments"), "payments:list", order=30, show=holds_awards))

# Whose turn it is, as the grantee is told.
TURN: dict[str, Text] = {
    DisbursementState.ASKED: _("Programme officer: checks the evidence"),
    DisbursementState.CHECKED: _("Finance: approves"),
    DisbursementState.APPROVED: _("Finance: a second officer releases"),
    DisbursementState.RELEASED: _("The bank"),
    DisbursementState.RETURNED: _("You: correct it and ask again"),
    DisbursementState.BOUNCED: _("You: correct the account and ask again"),
}
YOURS = (DisbursementState.RETURNED, DisbursementState.BOUNCED)


class PaymentFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("State"), choices=DisbursementState.choices)

    class Meta:
        model = Disbursement
        fields = ("state",)


class PaymentList(ListPage):
    """The payments of one's awards."""

    model = Disbursement
    nav = NAV
    title = _("Payments")
    lead = _("What was asked for from your awards, and where it stands.")
    default_order = "-pk"
    search_in = ("number", "purpose")
    filterset = PaymentFilter
    can_save_views = False
    empty_title = _("No payment was asked for yet")
    empty_text = _("When an award is under way, ask for its money here.")
    columns = (
        Column("number", _("Number"), kind="main", url=lambda row: row.get_absolute_url()),
        Column("award", pgettext_lazy("payment", "Award"), lambda row: row.award.title),
        Column("purpose", _("Purpose")),
        Column("amount_fen", _("Amount"), kind="money"),
        Column("state", _("State"), value=lambda row: row, kind="state"),
        Column("asked_at", _("Asked for"), kind="date"),
        Column("paid_on", _("Paid on"), kind="date"),
    )

    def rows(self) -> models.QuerySet[Disbursement]:
        return Disbursement.objects.visible_to(self.request.user).select_related("award")

    def actions(self) -> Sequence[tuple[Text, str]]:
        return [(_("Ask for a payment"), reverse("payments:ask"))] if tranches_of(self.request.user) else []


def tranches_of(user: Any) -> list[Tranche]:
    """Return the tranches nobody has asked for of the awards under way that ``user`` answers for."""
    rows = open_tranches().filter(award__in=Award.objects.visible_to(user).values("pk"))
    rows = rows.select_related("award__application__organisation", "award__application__project")
    answers: dict[int, bool] = {}
    found = []
    for tranche in rows[:200]:
        if tranche.award_id not in answers:
            answers[tranche.award_id] = may(user, ASK, tranche)
        if answers[tranche.award_id]:
            found.append(tranche)
    return found


class PaymentAsk(ActPage):
    """Asks for a payment of an award."""

    nav = NAV
    title = _("Ask for a payment")
    explain = _(
        "A programme officer checks the evidence, two finance officers approve and release it, and you are told when the "
        "bank has paid."
    )
    form_class = AskForm
    submit_label = _("Ask for the payment")
    success = _("The payment is asked for. You are told of each step that needs you.")

    def check(self) -> None:
        self.tranches = tranches_of(self.request.user)
        if not self.tranches:
            raise Forbidden(rule=ASK)

    def get_crumbs(self) -> Sequence[Crumb]:
        return [Crumb(_("Payments"), reverse("payments:list")), Crumb(self.title)]

    def form_kwargs(self) -> dict[str, Any]:
        chosen = [tranche.pk for tranche in self.tranches]
        return {"tranches": open_tranches().filter(pk__in=chosen)}

    def initial(self) -> dict[str, Any]:
        asked = self.request.GET.get("tranche", "")
        chosen = next((one for one in self.tranches if str(one.pk) == asked), self.tranches[0])
        return {
            "tranche": chosen.pk,
            "amount_fen": chosen.amount_fen,
            "payee": str(chosen.award.application.applicant),
        }

    def act(self, form: Any) -> Disbursement:
        return services.ask_disbursement(actor=self.request.user, **form.cleaned_data)

    def cancel_url(self) -> str:
        return reverse("payments:list")


class PaymentPage(DetailPage):
    """One payment: where it stands, whose turn it is, and the account that it goes to."""

    model = Disbursement
    nav = NAV
    template_name = "funding/payments/detail.html"

    def rows(self) -> models.QuerySet[Disbursement]:
        return Disbursement.objects.visible_to(self.request.user).select_related(
            "award__application__organisation", "award__application__project"
        )

    def get_title(self) -> Text:
        return str(self.object)

    def get_crumbs(self) -> Sequence[Crumb]:
        return [Crumb(_("Payments"), reverse("payments:list")), Crumb(str(self.object))]

    def state_line(self) -> StateLine:
        payment = self.object
        yours = payment.state in YOURS and may(self.request.user, ASK, payment)
        return StateLine(
            payment.get_state_display(), tone_of(payment), TURN.get(payment.state, ""), is_you=yours
        )

    def get_context(self, **context: Any) -> dict[str, Any]:
        payment = self.object
        acts = {act.name for act in DISBURSEMENT_MACHINE.available(payment, self.request.user)}
        facts = [
            (_("Award"), payment.award.title),
            (_("Amount"), format_yuan(payment.amount_fen)),
            (_("Purpose"), payment.purpose),
            (_("Payee"), payment.payee),
            (_("Bank"), payment.bank),
            (_("Account number"), payment.account_number),
            (_("Paid on"), payment.paid_on),
            (_("Bank reference"), payment.bank_reference),
        ]
        return super().get_context(
            facts=[(label, value) for label, value in facts if value],
            may_ask="ask_again" in acts,
            may_cancel="cancel" in acts,
            steps=steps_of(payment),
            **context,
        )


def steps_of(payment: Disbursement) -> list[tuple[Text, Any]]:
    """Return what was done, and when; who did it is the park's own affair."""
    steps = [
        (_("Asked for"), payment.asked_at),
        (_("Evidence checked"), payment.checked_at),
        (_("Approved"), payment.approved_at),
        (_("Released to the bank"), payment.released_at),
    ]
    return [(label, at) for label, at in steps if at]


class PaymentAct(ActPage):
    """Something done with one payment of one's award."""

    nav = NAV
    rule = ""

    def rows(self) -> models.QuerySet[Disbursement]:
        return Disbursement.objects.visible_to(self.request.user).select_related(
            "award__application__organisation", "award__application__project"
        )

    def check(self) -> None:
        if not may(self.request.user, self.rule, self.object):
            raise Forbidden(rule=self.rule)

    def get_crumbs(self) -> Sequence[Crumb]:
        return [
            Crumb(_("Payments"), reverse("payments:list")),
            Crumb(str(self.object), self.object.get_absolute_url()),
            Crumb(self.title),
        ]


class PaymentAgain(PaymentAct):
    """Asks anew for a payment that came back."""

    rule = ASK
    title = _("Correct it and ask again")
    form_class = PaymentForm
    submit_label = _("Ask again")
    success = _("The payment is asked for again.")

    def initial(self) -> dict[str, Any]:
        return values_of(self.object)

    def act(self, form: Any) -> Disbursement:
        return services.ask_again(self.object, actor=self.request.user, **form.cleaned_data)


class PaymentCancel(PaymentAct):
    """Gives a payment up that has not gone to the bank."""

    rule = "funding.cancel_disbursement"
    title = _("Cancel the payment")
    explain = _("Its amount may be asked for again later.")
    form_class = ReasonPageForm
    submit_label = _("Cancel the payment")
    submit_tone = "danger"
    success = _("The payment is cancelled.")

    def act(self, form: Any) -> Disbursement:
        return services.cancel_disbursement(self.object, actor=self.request.user, **form.cleaned_data)


@home_card(order=30)
def payments_back(user: Any) -> Card | None:
    """Payments that came back and wait for a correction; nothing where there is none."""
    if not holds_awards(user) or sees_records(user):
        return None
    rows = Disbursement.objects.visible_to(user).filter(state__in=YOURS).order_by("pk")[:SHOWN]
    tasks = [
        Task(
            payment.number,
            payment.get_absolute_url(),
            detail=payment.reason,
            state=payment.get_state_display(),
            tone=tone_of(payment),
        )
        for payment in rows
    ]
    return Card(_("Payments that came back"), tasks) if tasks else None
