"""The portal's pages of awards: the list, the whole life of one, and what its people do there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import django_filters
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.awards import services
from funding.awards.facts import holds_awards
from funding.awards.forms import AmendmentForm, EvidenceForm, ShiftForm
from funding.awards.hooks import parts_of, turns_of
from funding.awards.models import Amendment, Award, Milestone
from funding.awards.states import AwardState, MilestoneState
from park_portal.core.errors import Text
from park_portal.core.frame import Card, NavItem, Task, home_card, register_nav
from park_portal.core.ledger.models import Account, Transfer
from park_portal.core.ledger.states import MOVES, Standing
from park_portal.core.outbox.models import Delivery
from park_portal.core.outbox.states import Channel
from park_portal.core.tones import tone_of
from park_portal.core.views import ActPage, Column, Crumb, DetailPage, ListPage, StateLine, visible_or_404
from park_portal.core.workflow import may

NAV = "awards"
OVER = (AwardState.CLOSED, AwardState.LAPSED)


def has_awards(user: Any) -> bool:
    """Whether the person answers for an award; staff find them in the admin."""
    return bool(holds_awards(user))


register_nav(NavItem(NAV, gettext_lazy("My awards"), "awards:list", order=24, show=has_awards))


def end_of(day: date) -> datetime:
    """Return the last minute of a day, for deadlines that are days."""
    return timezone.make_aware(datetime.combine(day, time(23, 59)))


class AwardFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("State"), choices=AwardState)

    class Meta:
        model = Award
        fields = ("state",)


class AwardList(ListPage):
    """The awards of the organisations and projects that the person belongs to."""

    model = Award
    title = gettext_lazy("Awards")
    nav = NAV
    default_order = "-awarded_at"
    filterset = AwardFilter
    search_in = ("number", "title")
    search_label = gettext_lazy("Number or title")
    columns = (
        Column("title", gettext_lazy("Award"), kind="main", url=lambda row: row.get_absolute_url()),
        Column("number", gettext_lazy("Number"), order="number", kind="code"),
        Column("holder", gettext_lazy("Grantee"), lambda row: str(row.holder)),
        Column("amount_fen", gettext_lazy("Amount"), kind="money"),
        Column("state", gettext_lazy("State"), lambda row: row, kind="state"),
        Column("awarded_at", gettext_lazy("Awarded"), order="awarded_at", kind="date"),
    )
    empty_title = gettext_lazy("No award yet")
    empty_text = gettext_lazy("An approved application becomes an award; it is listed here.")

    def rows(self) -> models.QuerySet[Award]:
        rows = super().rows()
        return rows.select_related("organisation", "project__university", "project__faculty")


class LifePage(DetailPage):
    """An award's whole life: who has to act, its money, plan, reports, changes and letters."""

    model = Award
    nav = NAV
    template_name = "funding/awards/life.html"
    object: Award

    def rows(self) -> models.QuerySet[Award]:
        return (
            super()
            .rows()
            .select_related(
                *("fund", "organisation", "project__university", "project__faculty", "budget_line__fund"),
                *("application__call", "acceptance_call", "agreement__document", "acceptance"),
            )
            .prefetch_related(
                models.Prefetch(
                    "milestones",
                    Milestone.objects.select_related("technical_document", "market_document").order_by(
                        "number"
                    ),
                ),
                "tranches__milestone",
                "categories",
                "budget_shifts__source",
                "budget_shifts__target",
                "clawbacks",
                "agreement__signatures__scan",
                models.Prefetch("agreement__amendments", Amendment.objects.order_by("number")),
            )
        )

    def get_title(self) -> Text:
        return self.object.title

    def get_crumbs(self) -> Sequence[Crumb]:
        return (Crumb(_("Awards"), reverse("awards:list")), Crumb(self.object.number))

    def state_line(self) -> StateLine:
        turns = self.turns
        first = turns[0] if turns else None
        return StateLine(
            state=self.object.get_state_display(),
            tone=tone_of(self.object),
            turn=first.who if first else "",
            next_step=first.what if first else "",
            due=end_of(first.until) if first and first.until else None,
        )

    @property
    def turns(self) -> list[Any]:
        if not hasattr(self, "_turns"):
            self._turns = turns_of(self.object)
        return self._turns

    def get_context(self, **context: Any) -> dict[str, Any]:
        award, user = self.object, self.request.user
        agreement = getattr(award, "agreement", None)
        money = services.money_of(award)
        tranches = list(award.tranches.all())
        for tranche in tranches:
            tranche.award = award
        acts = [
            (reverse("awards:shift", args=[award.pk]), _("Shift budget"), "funding.shift_categories"),
            (
                reverse("awards:amend", args=[award.pk]),
                _("Ask for an amendment"),
                "funding.propose_amendment",
            ),
        ]
        transfers = _transfers(award)
        runs = award.state in (AwardState.RUNNING, AwardState.SUSPENDED)
        return super().get_context(
            award=award,
            agreement=agreement,
            money=money,
            figures=_figures(money),
            turns=self.turns,
            acts=[(url, label) for url, label, rule in acts if runs and may(user, rule, award)],
            may_send=runs and may(user, "funding.submit_milestone", award),
            admin_url=reverse("admin:funding_award_change", args=[award.pk]) if user.is_staff else "",
            tranches=[(tranche, services.stops_of(tranche)) for tranche in tranches]
            if runs
            else [(t, []) for t in tranches],
            trl=_trl(award, agreement),
            transfers=[(row, Standing(row.standing).label) for row in transfers],
            letters=_letters(award, user),
            parts=parts_of(award, user),
            **context,
        )


def _figures(money: services.AwardMoney) -> list[tuple[str, int]]:
    """Return the amounts of an award with their names, those that say nothing left out."""
    rows = [
        (_("promised"), money.promised_fen),
        (_("paid"), money.paid_fen),
        (_("on its way"), money.held_fen),
        (_("still to be paid"), money.left_fen),
        (_("given back to the budget"), money.released_fen),
        (_("claimed back"), money.claimed_fen),
        (_("paid back"), money.recovered_fen),
    ]
    return [(label, fen) for n, (label, fen) in enumerate(rows) if fen or n in (0, 1, 3)]


def _trl(award: Award, agreement: Any) -> tuple[int, int, int] | None:
    """Return the TRL at the start, now (of the last milestone met) and to be reached; None without an agreement."""
    if agreement is None:
        return None
    met = [m.trl for m in award.milestones.all() if m.state == MilestoneState.MET and m.trl]
    return agreement.trl_start, max([agreement.trl_start, *met]), agreement.trl_target


def _transfers(award: Award) -> Any:
    """Return what was booked for an award and what is held for it, newest first; what only ended a hold is left out."""
    accounts = Account.objects.of(award)
    held = models.Q(pk__in=Transfer.objects.waiting().filter(debit__in=accounts).values("pk"))
    held |= models.Q(pk__in=Transfer.objects.waiting().filter(credit__in=accounts).values("pk"))
    mine = models.Q(subject_type=award._meta.label_lower, subject_id=str(award.pk))
    rows: Any = Transfer.objects.filter(mine | models.Q(debit__in=accounts) | models.Q(credit__in=accounts))
    rows = rows.filter(models.Q(step__in=MOVES) | held).with_standing()
    return rows.order_by("-business_date", "-id")[:60]


def _letters(award: Award, user: Any) -> models.QuerySet[Delivery]:
    """Return the notices about an award that a person may read: staff those to the grantee, others their own."""
    readers = award.application.people() if user.is_staff else [user]
    rows = Delivery.objects.filter(
        recipient__in=readers, channel=Channel.INBOX, link=award.get_absolute_url()
    )
    return rows.select_related("recipient").order_by("-pk")[:30]


class AwardAct(ActPage):
    """A form about one award."""

    nav = NAV
    model = Award

    def get_crumbs(self) -> Sequence[Crumb]:
        return (
            Crumb(_("Awards"), reverse("awards:list")),
            Crumb(self.object.number, self.object.get_absolute_url()),
            Crumb(self.get_title()),
        )

    def success_url(self) -> str:
        return str(self.object.get_absolute_url())

    def form_kwargs(self) -> dict[str, Any]:
        return {"award": self.object}


class MilestonePage(AwardAct):
    """Send the evidence of a milestone, technical and market."""

    permission = "funding.submit_milestone"
    form_class = EvidenceForm
    submit_label = gettext_lazy("Send for checking")
    success = gettext_lazy("The evidence is sent; the park office checks it.")
    explain = gettext_lazy("A milestone is met when both kinds of evidence were found good.")
    milestone: Milestone

    def prepare(self) -> None:
        super().prepare()
        self.milestone = visible_or_404(
            Milestone.objects.visible_to(self.request.user), award=self.object, number=self.kwargs["number"]
        )

    def get_title(self) -> Text:
        return _("Milestone %(milestone)s") % {"milestone": self.milestone}

    def form_kwargs(self) -> dict[str, Any]:
        return {"milestone": self.milestone}

    def initial(self) -> dict[str, Any]:
        return {
            "technical_evidence": self.milestone.technical_evidence,
            "market_evidence": self.milestone.market_evidence,
        }

    def act(self, form: Any) -> Any:
        return services.submit_milestone(self.milestone, actor=self.request.user, **form.cleaned_data)


class ShiftPage(AwardAct):
    """Shift budget between two categories."""

    permission = "funding.shift_categories"
    form_class = ShiftForm
    title = gettext_lazy("Shift budget")
    submit_label = gettext_lazy("Shift")
    success = gettext_lazy("The budget is shifted.")

    def act(self, form: Any) -> Any:
        return services.shift_categories(self.object, actor=self.request.user, **form.cleaned_data)


class AmendPage(AwardAct):
    """Ask for a change of the signed agreement."""

    permission = "funding.propose_amendment"
    form_class = AmendmentForm
    title = gettext_lazy("Ask for an amendment")
    submit_label = gettext_lazy("Ask for it")
    explain = gettext_lazy("Leave empty what stays as it is. A fund manager decides.")
    success = gettext_lazy("The amendment is asked for; a fund manager decides on it.")

    def act(self, form: Any) -> Any:
        return services.propose_amendment(self.object, actor=self.request.user, **form.cleaned_data)


class WithdrawAmendment(AwardAct):
    """Take back an amendment that is not decided."""

    permission = "funding.propose_amendment"
    title = gettext_lazy("Withdraw the amendment")
    submit_label = gettext_lazy("Withdraw")
    submit_tone = "danger"
    success = gettext_lazy("The amendment is withdrawn; the agreement stays as it is.")
    amendment: Amendment

    def prepare(self) -> None:
        super().prepare()
        self.amendment = visible_or_404(
            Amendment.objects.visible_to(self.request.user),
            agreement__award=self.object,
            number=self.kwargs["number"],
        )

    def act(self, form: Any) -> Any:
        return services.withdraw_amendment(self.amendment, actor=self.request.user)


@home_card(order=24)
def my_awards(user: Any) -> Card | None:
    """For who answers for awards: those under way, with the milestone that is due next."""
    if not has_awards(user):
        return None
    rows = (
        Award.objects.visible_to(user)
        .exclude(state__in=OVER)
        .annotate(
            next_due=models.Min(
                "milestones__due_on", filter=models.Q(milestones__state=MilestoneState.PLANNED)
            )
        )
        .order_by("next_due", "-awarded_at")[:5]
    )
    tasks = [
        Task(
            award.title,
            award.get_absolute_url(),
            detail=_("next milestone by %(day)s") % {"day": award.next_due.isoformat()}
            if award.next_due
            else "",
            state=award.get_state_display(),
            tone=tone_of(award),
            mine=False,
        )
        for award in rows
    ]
    return Card(
        _("My awards"),
        tasks,
        empty=_("No award is under way."),
        more_url=reverse("awards:list"),
        more_label=_("All awards"),
    )
