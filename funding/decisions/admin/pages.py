"""The staff's pages of decision: the board, the ranked table, one verdict, the release."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponseBase, QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from funding.applications.admin import NextStep, next_steps
from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call
from funding.calls.states import StageKind
from funding.decisions.forms import RowForm, VerdictForm
from funding.decisions.models import Decision
from funding.decisions.services import (
    Proposal,
    Rank,
    drop_decision,
    lottery_of,
    problems_of_release,
    propose_decisions,
    ranking,
    release_decisions,
    seen_of,
    table_of,
    write_letters,
)
from funding.decisions.states import DecisionState, LetterState, Verdict
from park_portal.core.admin import StaffPage, dress
from park_portal.core.errors import Conflict, DomainError
from park_portal.core.workflow import may


def _ranking_of(application: Application, user: Any) -> list[NextStep]:
    """The ranking of the call, where an application that waits for its decision is decided."""
    stage = application.current_stage
    if (
        application.state != ApplicationState.IN_REVIEW
        or stage is None
        or stage.kind != StageKind.DECISION
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
            applications__current_stage__kind=StageKind.DECISION,
        )
        pending = Q(applications__decisions__state=DecisionState.PENDING)
        calls = (
            Call.objects.annotate(
                waiting=Count("applications", filter=waiting, distinct=True),
                reserved=Count(
                    "applications", filter=Q(applications__state=ApplicationState.RESERVED), distinct=True
                ),
                pending=Count("applications", filter=pending, distinct=True),
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
        self.table = table_of(self.call)
        may_propose = may(self.request.user, "funding.propose_decisions")
        data = self.request.POST if self.request.method == "POST" else None
        return [
            {
                "rank": rank,
                "form": self.row_form(rank, data) if may_propose and _is_open(rank.application) else None,
            }
            for rank in self.table.ranks
        ]

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
                chosen = {} if form is None else {"verdict": form.chosen[0], "amount": form["amount"].value()}
                row["form"] = self.row_form(rank, **chosen)

    def context(self) -> dict[str, Any]:
        rows = getattr(self, "_rows", None) or self.rows()
        ranks: list[Rank] = [row["rank"] for row in rows]
        pending = [rank.pending for rank in ranks if rank.pending]
        decided = [(rank, rank.pending or rank.released) for rank in ranks]
        approved = [
            rank for rank, decision in decided if decision is not None and decision.verdict == Verdict.APPROVE
        ]
        granted = sum(rank.amount_fen for rank in approved)
        letters = Counter(
            rank.letter.state for rank in ranks if rank.pending is not None and rank.letter is not None
        )
        budget = self.call.budget_fen
        return {
            "call": self.call,
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
            "granted": granted,
            "left": budget - granted if budget is not None else None,
            "may_propose": may(self.request.user, "funding.propose_decisions"),
            "may_write": may(self.request.user, "funding.write_letters"),
            "may_release": may(self.request.user, "funding.release_decisions"),
        }

    def post(self) -> HttpResponseBase:
        if self.request.POST.get("letters"):
            waiting = Decision.objects.filter(application__call=self.call, state=DecisionState.PENDING)
            written = write_letters(waiting, actor=self.request.user)
            return self.redirect(
                message=ngettext("%d letter written.", "%d letters written.", len(written)) % len(written)
            )
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
            verdict, amount = form.chosen
            held = rank.pending
            touched[rank.application.pk] = form
            proposals.append(
                Proposal(
                    rank.application,
                    verdict,
                    amount_fen=amount,
                    conditions=held.conditions if held else "",
                    comment_applicant=held.comment_applicant if held else "",
                    note=held.note if held else "",
                    seen=form.cleaned_data["seen"],
                )
            )
        if wrong:
            raise DomainError(_("Nothing was kept: look at the amounts marked below."))
        if not proposals:
            return self.redirect(message=_("Nothing was changed."), level=messages.INFO)
        try:
            kept = propose_decisions(proposals, actor=self.request.user)
        except Conflict as conflict:
            self.choose_again(touched)
            raise Conflict(
                _(
                    "Nothing was kept: someone else has decided meanwhile. Your own choices are still in the table, "
                    "not stored; look at them again."
                ),
                problems=conflict.problems,
            ) from conflict
        return self.redirect(
            message=ngettext("%d verdict is kept pending.", "%d verdicts are kept pending.", len(kept))
            % len(kept)
        )


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
                "conditions": held.conditions,
                "comment_applicant": held.comment_applicant,
                "note": held.note,
            }
        initial["seen"] = seen_of(rank.pending if rank is not None else None)
        return dress(VerdictForm(self.request.POST or None, initial=initial))

    @property
    def rank(self) -> Rank | None:
        if not hasattr(self, "_rank"):
            ranks = ranking(self.application.call)
            self._rank = next((r for r in ranks if r.application.pk == self.application.pk), None)
        return self._rank

    def context(self) -> dict[str, Any]:
        return {
            "application": self.application,
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
            "counts": [(label, counts[value]) for value, label in Verdict.choices],
            "seen": [seen_of(decision) for decision in decisions],
            "granted": sum(decision.amount_fen or 0 for decision in decisions),
            "missing": problems_of_release(decisions),
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
