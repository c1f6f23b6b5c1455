"""The staff's pages of decision: the board, the ranked table, one verdict, the release."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404, HttpResponseBase, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from funding.applications.admin import NextStep, next_steps
from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call
from funding.decisions.forms import BudgetForm, PromoteForm, RowForm, VerdictForm
from funding.decisions.models import Decision
from funding.decisions.order import typed
from funding.decisions.services import (
    ON_THE_BOARD,
    Proposal,
    Rank,
    budget_of,
    change_budget,
    draw_line,
    drop_decision,
    lottery_of,
    mark_of,
    place_applications,
    plan_of_notice,
    problems_of_release,
    promote_reserve,
    propose_decisions,
    publish_notice,
    release_decisions,
    reserve_list,
    reset_order,
    seen_of,
    table_of,
    write_letters,
)
from funding.decisions.states import DecisionState, LetterState, Verdict
from funding.reviews.admin.shown import closed_to
from funding.reviews.states import NoticeLineState
from park_portal.core.admin import StaffPage, dress
from park_portal.core.errors import Conflict, DomainError
from park_portal.core.workflow import may


def _ranking_of(application: Application, user: Any) -> list[NextStep]:
    """The ranking of the call, where an application that waits for its decision is decided."""
    stage = application.current_stage
    if (
        application.state != ApplicationState.IN_REVIEW
        or stage is None
        or stage.kind not in ON_THE_BOARD
        or not user.has_perm(RankingPage.rule)
    ):
        return []
    address = reverse("admin:funding_decision_ranking", args=[application.call_id])
    theirs = user.has_perm("funding.propose_decisions")
    return [NextStep(str(BoardPage.title), address, BoardPage.icon, theirs=theirs)]


next_steps.append(_ranking_of)


class BoardPage(StaffPage):
    """The calls that have something to decide, with how far each is."""

    name, path = "board", "board/"
    rule, title, icon = "funding.see_ranking", _("Ranking and decisions"), "leaderboard"
    offered = "list"
    template_name = "admin/funding/decision/board.html"

    def context(self) -> dict[str, Any]:
        waiting = Q(
            applications__state=ApplicationState.IN_REVIEW,
            applications__current_stage__kind__in=ON_THE_BOARD,
        )
        pending = Q(applications__decisions__state=DecisionState.PENDING)
        noticed = Q(applications__notice_until__isnull=False)
        calls = (
            Call.objects.annotate(
                waiting=Count("applications", filter=waiting, distinct=True),
                reserved=Count(
                    "applications", filter=Q(applications__state=ApplicationState.RESERVED), distinct=True
                ),
                pending=Count("applications", filter=pending, distinct=True),
                noticed=Count("applications", filter=noticed, distinct=True),
                decided=Count(
                    "applications",
                    filter=Q(applications__state__in=[ApplicationState.APPROVED, ApplicationState.DECLINED]),
                    distinct=True,
                ),
            )
            .filter(Q(waiting__gt=0) | Q(reserved__gt=0) | Q(pending__gt=0) | Q(decided__gt=0))
            .order_by("-closes_at")
        )
        return {"calls": calls}


class CallPage(StaffPage):
    """What the pages about one call's decisions share: the call, from the address."""

    rule = "funding.see_ranking"
    menu = "admin:funding_decision_board"

    @property
    def call(self) -> Call:
        if not hasattr(self, "_call"):
            found = Call.objects.visible_to(self.request.user).filter(pk=self.kwargs["call"]).first()
            if found is None:
                raise Http404
            self._call = found
        return self._call

    def crumbs(self) -> list[Any]:
        return [
            (_("Ranking and decisions"), self.address("board")),
            (str(self.call), self.address("ranking", self.call.pk)),
            (self.get_title(), None),
        ]


def _is_open(application: Application) -> bool:
    return application.state in (ApplicationState.IN_REVIEW, ApplicationState.RESERVED)


class RankingPage(CallPage):
    """The ranked table of one call with the budget line, reviews beside it, verdicts kept pending together."""

    name, path = "ranking", "call/<int:call>/"
    title = _("Ranking and decisions")
    fullwidth = True
    template_name = "admin/funding/decision/ranking.html"

    def crumbs(self) -> list[Any]:
        return [(_("Ranking and decisions"), self.address("board")), (str(self.call), None)]

    def rows(self) -> list[dict[str, Any]]:
        self.table = table_of(self.call, self.request.user)
        may_propose = may(self.request.user, "funding.propose_decisions")
        data = self.request.POST if self.request.method == "POST" else None
        rows: list[dict[str, Any]] = [
            {
                "rank": rank,
                "form": self.row_form(rank, data)
                if may_propose and _is_open(rank.application) and not rank.closed
                else None,
                "place": rank.place,
            }
            for rank in self.table.ranks
        ]
        self.mark = mark_of([row["rank"] for row in rows])
        return rows

    def row_form(self, rank: Rank, data: Any = None, **chosen: Any) -> RowForm:
        initial = {**RowForm.initial_of(rank.application, rank.pending), **chosen}
        form = RowForm(data, prefix=f"row{rank.application.pk}", initial=initial)
        return dress(form)

    def choose_again(self, touched: dict[int, RowForm]) -> None:
        """Show what is stored now, with what this person chose on the lines they touched still chosen."""
        self._rows = self.rows()
        for row in self._rows:
            rank, form = row["rank"], touched.get(row["rank"].application.pk)
            if row["form"] is not None:
                chosen = (
                    {}
                    if form is None
                    else {
                        name: form[name].value()
                        for name in ("verdict", "amount", "amount_reason", "reserve_place")
                    }
                )
                row["form"] = self.row_form(rank, **chosen)

    def context(self) -> dict[str, Any]:
        rows = getattr(self, "_rows", None) or self.rows()
        ranks: list[Rank] = [row["rank"] for row in rows]
        pending = [rank.pending for rank in ranks if rank.pending]
        money = budget_of(self.call)
        letters = Counter(
            rank.letter.state for rank in ranks if rank.pending is not None and rank.letter is not None
        )
        plan = plan_of_notice(self.call)
        closed = [(rank.application.number, rank.closed) for rank in ranks if rank.closed]
        may_propose = may(self.request.user, "funding.propose_decisions")
        return {
            "call": self.call,
            "closed": closed,
            "mark": self.mark,
            "reason": self.request.POST.get("order_reason", ""),
            "previewed": getattr(self, "_previewed", False),
            "by_hand": sum(rank.placement is not None for rank in ranks),
            "reserves": reserve_list(self.call, self.request.user),
            "plan": plan,
            "notices": self.call.public_notices.all() if plan is not None else (),
            "under_notice": sum(
                rank.notice_line is not None and rank.notice_line.state == NoticeLineState.POSTED
                for rank in ranks
            ),
            "may_publish": may(self.request.user, "funding.publish_notice", self.call),
            "may_budget": may(self.request.user, "funding.change_budget", self.call),
            "rows": rows,
            "table": self.table,
            "ratings": self.table.ratings,
            "standing": self.table.standing,
            "lottery": lottery_of(self.call),
            "record_address": self.address("record", self.call.pk),
            "pending_count": len(pending),
            "without_letter": len(pending) - sum(letters.values()),
            "unchecked": letters[LetterState.DRAFT],
            "ready": letters[LetterState.CHECKED],
            "granted": money.released + money.pending,
            "left": money.left,
            "may_propose": may_propose,
            "may_order": may_propose and not closed,
            "may_write": may(self.request.user, "funding.write_letters"),
            "may_release": may(self.request.user, "funding.release_decisions"),
        }

    def post(self) -> HttpResponseBase:
        if self.request.POST.get("letters"):
            waiting = Decision.objects.visible_to(self.request.user).filter(
                application__call=self.call, state=DecisionState.PENDING
            )
            written = write_letters(waiting, actor=self.request.user)
            return self.redirect(
                message=ngettext("%d letter written.", "%d letters written.", len(written)) % len(written)
            )
        if self.request.POST.get("reset"):
            count = reset_order(self.call, actor=self.request.user, seen=self.request.POST.get("order_seen"))
            if not count:
                return self.redirect(message=_("Nothing was changed."), level=messages.INFO)
            return self.redirect(message=_("The applications are in the order of their scores again."))
        self._rows = self.rows()
        proposals, touched, wrong = [], {}, False
        for row in self._rows:
            form, rank = row["form"], row["rank"]
            if form is None or form["verdict"].data is None:
                continue
            if not form.is_valid():
                wrong = True
                continue
            if not form.is_touched:
                continue
            touched[rank.application.pk] = form
            proposals.append(self.proposal(rank, form))
        wanted = self.typed_order()
        if self.request.POST.get("preview"):
            return self.preview(wanted)
        if wrong:
            raise DomainError(_("Nothing was kept: look at the amounts marked below."))
        order = [row["rank"].application.pk for row in self._rows]
        if not proposals and wanted == order:
            return self.redirect(message=_("Nothing was changed."), level=messages.INFO)
        try:
            with transaction.atomic():
                if wanted != order:
                    place_applications(
                        self.call,
                        wanted,
                        actor=self.request.user,
                        reason=self.request.POST.get("order_reason", ""),
                        seen=self.request.POST.get("order_seen", ""),
                    )
                kept = propose_decisions(proposals, actor=self.request.user)
        except Conflict as conflict:
            self.choose_again(touched)
            if not conflict.problems:  # of the order
                raise
            raise Conflict(
                _(
                    "Nothing was kept: someone else has decided meanwhile. Your own choices are still in the table, "
                    "not stored; look at them again."
                ),
                problems=conflict.problems,
            ) from conflict
        except DomainError:
            self.arrange(wanted)  # as it was typed, not stored
            raise
        return self.redirect(message=self.said(len(kept), wanted != order))

    @staticmethod
    def said(verdicts: int, ordered: bool) -> str:
        words = [str(_("The order is kept."))] if ordered else []
        if verdicts:
            words.append(
                ngettext("%d verdict is kept pending.", "%d verdicts are kept pending.", verdicts) % verdicts
            )
        return " ".join(words)

    @staticmethod
    def proposal(rank: Rank, form: RowForm) -> Proposal:
        verdict, amount = form.chosen
        held = rank.pending
        return Proposal(
            rank.application,
            verdict,
            amount_fen=amount,
            amount_reason=form.cleaned_data["amount_reason"],
            reserve_place=form.cleaned_data["reserve_place"] if verdict == Verdict.RESERVE else None,
            conditions=held.conditions if held else "",
            comment_applicant=held.comment_applicant if held else "",
            note=held.note if held else "",
            seen=form.cleaned_data["seen"],
        )

    def typed_order(self) -> list[int]:
        """The order that the places typed into the lines make of the one that was shown."""
        shown = [row["rank"].application.pk for row in self._rows]
        sent = {}
        for key in shown:
            place = self.request.POST.get(f"place{key}", "")
            if place.isascii() and place.isdigit() and 1 <= int(place[:6]) <= len(shown):
                sent[key] = int(place[:6])
        return typed(shown, sent)

    def arrange(self, wanted: list[int]) -> None:
        """Show the lines in this order, with the amounts chosen, as they would stand."""
        self.mark = self.request.POST.get("order_seen", "")
        at = {key: place for place, key in enumerate(wanted, 1)}
        self._rows.sort(key=lambda row: at[row["rank"].application.pk])
        chosen = {}
        for row in self._rows:
            form, rank = row["form"], row["rank"]
            row["place"] = at[rank.application.pk]
            if form is not None and form.is_bound and form.is_valid():
                verdict, amount = form.chosen
                if verdict:
                    chosen[rank.application.pk] = (verdict, amount)
        draw_line([row["rank"] for row in self._rows], self.call.budget_fen, chosen)

    def preview(self, wanted: list[int]) -> HttpResponseBase:
        """The table as it would be, with nothing kept."""
        self.arrange(wanted)
        self._previewed = True
        return self.render()


class VerdictPage(StaffPage):
    """One application's verdict written out, beside its reviews."""

    name, path = "verdict", "application/<int:application>/"
    rule, title = "funding.propose_decisions", _("Verdict")
    template_name = "admin/funding/decision/verdict.html"

    @property
    def application(self) -> Application:
        if not hasattr(self, "_application"):
            found = (
                Application.objects.visible_to(self.request.user)
                .select_related("call", "organisation", "project", "current_stage")
                .filter(pk=self.kwargs["application"])
                .first()
            )
            if found is None:
                raise Http404
            self._application = found
        return self._application

    def get_title(self) -> str:
        return f"{self.application.number or ''} {self.application.title}".strip()

    def crumbs(self) -> list[Any]:
        call = self.application.call
        return [
            (_("Ranking and decisions"), self.address("board")),
            (str(call), self.address("ranking", call.pk)),
            (self.get_title(), None),
        ]

    def form(self) -> VerdictForm:
        rank = self.rank
        initial: dict[str, Any] = {"amount": self.application.amount_fen}
        if rank is not None and rank.pending is not None:
            held = rank.pending
            initial = {
                "verdict": held.verdict,
                "amount": held.amount_fen or self.application.amount_fen,
                "amount_reason": held.amount_reason,
                "reserve_place": held.reserve_place,
                "conditions": held.conditions,
                "comment_applicant": held.comment_applicant,
                "note": held.note,
            }
        initial["seen"] = seen_of(rank.pending if rank is not None else None)
        return dress(VerdictForm(self.request.POST or None, initial=initial))

    @property
    def rank(self) -> Rank | None:
        if not hasattr(self, "_rank"):
            ranks = table_of(self.application.call, self.request.user).ranks
            self._rank = next((r for r in ranks if r.application.pk == self.application.pk), None)
        return self._rank

    def context(self) -> dict[str, Any]:
        return {
            "application": self.application,
            "closed": closed_to(self.request.user, [self.application]),
            "rank": self.rank,
            "form": getattr(self, "_form", None) or self.form(),
            "back": self.address("ranking", self.application.call_id),
            "seen": seen_of(self.rank.pending if self.rank is not None else None),
        }

    def post(self) -> HttpResponseBase:
        back = self.address("ranking", self.application.call_id)
        if self.request.POST.get("drop"):
            rank = self.rank
            if rank is not None and rank.pending is not None:
                drop_decision(rank.pending, actor=self.request.user, seen=self.request.POST.get("seen", ""))
            return self.redirect(back, message=_("The verdict is taken back."))
        self._form = self.form()
        if not self._form.is_valid():
            return self.render(status=422)
        try:
            propose_decisions([self._form.proposal(self.application)], actor=self.request.user)
        except DomainError as error:
            self._form.take(error)
            if isinstance(error, Conflict):  # told who decided what, they may decide otherwise
                del self._rank
                data = QueryDict("", mutable=True)
                data.update(self._form.data)
                data["seen"] = seen_of(self.rank.pending if self.rank is not None else None)
                self._form.data = data
            return self.render(status=422)
        return self.redirect(back, message=_("The verdict is kept pending."))


class PublishPage(CallPage):
    """The last look before what is proposed becomes public."""

    name, path = "publish", "call/<int:call>/notice/"
    rule, title = "funding.publish_notice", _("Publish the public notice")
    template_name = "admin/funding/decision/publish.html"

    def context(self) -> dict[str, Any]:
        plan = plan_of_notice(self.call)
        if plan is None:
            raise Http404
        return {
            "call": self.call,
            "plan": plan,
            "closed": closed_to(self.request.user, (decision.application for decision in plan.ready)),
            "seen": [seen_of(decision) for decision in plan.ready],
            "back": self.address("ranking", self.call.pk),
        }

    def post(self) -> HttpResponseBase:
        notice = publish_notice(self.call, actor=self.request.user, seen=self.request.POST.getlist("seen"))
        return self.redirect(
            self.address("ranking", self.call.pk),
            message=_("The notice is published. It ends on %(day)s.")
            % {"day": f"{timezone.localtime(notice.ends_at):%Y-%m-%d}"},
        )


class BudgetPage(CallPage):
    """Another budget for the call."""

    name, path = "budget", "call/<int:call>/budget/"
    rule, title = "funding.change_budget", _("Change the budget")
    template_name = "admin/funding/decision/form.html"

    def context(self) -> dict[str, Any]:
        form = getattr(self, "_form", None) or BudgetForm(initial={"budget_fen": self.call.budget_fen})
        return {
            "form": dress(form),
            "money": budget_of(self.call),
            "button": _("Change the budget"),
            "back": self.address("ranking", self.call.pk),
        }

    def post(self) -> HttpResponseBase:
        self._form = BudgetForm(self.request.POST)
        if not self._form.is_valid():
            return self.render(status=422)
        try:
            change_budget(self.call, actor=self.request.user, **self._form.cleaned_data)
        except DomainError as error:
            self._form.take(error)
            return self.render(status=422)
        return self.redirect(self.address("ranking", self.call.pk), message=_("The budget is changed."))


class PromotePage(CallPage):
    """The first reserve takes money that came back."""

    name, path = "promote", "call/<int:call>/reserve/"
    rule, title = "funding.propose_decisions", _("Promote the first reserve")
    template_name = "admin/funding/decision/form.html"

    def waiting(self) -> list[dict[str, Any]]:
        return [row for row in reserve_list(self.call) if row["pending"] is None]

    def first(self) -> Application | None:
        waiting = self.waiting()
        return waiting[0]["application"] if waiting else None

    def context(self) -> dict[str, Any]:
        first = self.first()
        closed = closed_to(self.request.user, (row["application"] for row in self.waiting()))
        form = getattr(self, "_form", None)
        if form is None and first is not None:
            form = PromoteForm(initial={"seen": first.pk, "amount_fen": first.amount_fen})
        if closed:
            form = None
        return {
            "form": dress(form) if form is not None else None,
            "money": budget_of(self.call),
            "first": first,
            "closed": closed,
            "button": _("Keep the approval pending"),
            "back": self.address("ranking", self.call.pk),
        }

    def post(self) -> HttpResponseBase:
        self._form = PromoteForm(self.request.POST)
        if not self._form.is_valid():
            return self.render(status=422)
        try:
            decision = promote_reserve(self.call, actor=self.request.user, **self._form.cleaned_data)
        except DomainError as error:
            self._form.take(error)
            return self.render(status=422)
        return self.redirect(
            self.address("ranking", self.call.pk),
            message=_("%(number)s is proposed for approval: write its letter, and release it.")
            % {"number": decision.application.number},
        )


class ReleasePage(CallPage):
    """The last look before everything goes out at once."""

    name, path = "release", "call/<int:call>/release/"
    rule, title = "funding.release_decisions", _("Release the decisions")
    template_name = "admin/funding/decision/release.html"

    def decisions(self) -> list[Decision]:
        return list(
            Decision.objects.filter(application__call=self.call, state=DecisionState.PENDING)
            .select_related(
                "letter",
                "application__organisation",
                "application__project__university",
                "application__project__faculty",
            )
            .order_by("verdict", "application__number")
        )

    def context(self) -> dict[str, Any]:
        decisions = self.decisions()
        counts = Counter(decision.verdict for decision in decisions)
        return {
            "call": self.call,
            "decisions": decisions,
            "closed": closed_to(self.request.user, (decision.application for decision in decisions)),
            "counts": [(label, counts[value]) for value, label in Verdict.choices],
            "seen": [seen_of(decision) for decision in decisions],
            "granted": sum(decision.amount_fen or 0 for decision in decisions),
            "missing": problems_of_release(decisions),
            "over": budget_of(self.call).over,
            "back": self.address("ranking", self.call.pk),
        }

    def post(self) -> HttpResponseBase:
        seen = self.request.POST.getlist("seen")
        released = release_decisions(self.decisions(), actor=self.request.user, seen=seen)
        back = self.address("ranking", self.call.pk)
        if not released:
            return self.redirect(back, message=_("There was nothing left to release."), level=messages.INFO)
        return self.redirect(
            back,
            message=ngettext(
                "%d decision is released; letters and notices are on their way.",
                "%d decisions are released; letters and notices are on their way.",
                len(released),
            )
            % len(released),
        )
