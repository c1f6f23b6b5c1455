"""The pages of an assignment: its criteria, the proposal, one application by hand, the pool, the draw."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django.db import models
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from funding.applications.models import Application
from funding.reviews.admin.plan_forms import CriteriaForm, NewPlanForm, stages_to_assign
from funding.reviews.admin.plan_texts import alternatives_in_words, criteria_in_words, diagnosis_in_words
from funding.reviews.criteria import PlanCriteria
from funding.reviews.models import AssignmentPlan, PlannedPair, PlanPool, Review, Reviewer, StageRun
from funding.reviews.models.assignment import CONFLICT, STEPPED_BACK
from funding.reviews.services import (
    change_pairs,
    change_plan,
    confirm_plan,
    create_plan,
    discard_plan,
    effect_of,
    kept_from,
    publish_draw,
    solve_plan,
    stop_solving,
)
from funding.reviews.states import PairOrigin, PlanState
from park_portal.core.accounts.models import User
from park_portal.core.admin import StaffPage, dress, state_label
from park_portal.core.errors import Conflict, DomainError, Text
from park_portal.core.workflow import may

PAGE: Final = 50  # applications, or reviewers, of a page
EXTREMES: Final = 5  # best and worst matches that are shown
OFFERED: Final = 30  # reviewers offered for one application, the best matches first
SHOWN_EXCLUDED: Final = 25  # applications of a page of conflicts
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
shown_state = state_label()


class PlanningPage(StaffPage):
    """What the pages of one plan share."""

    rule = "funding.see_reviews"
    menu = "admin:funding_assignmentplan_changelist"

    def get_object(self, pk: Any) -> models.Model:
        found = super().get_object(pk)
        return AssignmentPlan.objects.select_related("call", "stage", "parent", "job", "created_by").get(
            pk=found.pk
        )

    def crumbs(self) -> list[Any]:
        way: list[Any] = [(AssignmentPlan._meta.verbose_name_plural, self.address("changelist"))]
        if self.object is not None:
            way.append((str(self.object), self.address("plan", self.object.pk)))
        return [*way, (self.get_title(), None)]

    @property
    def may_change(self) -> bool:
        return bool(self.request.user.has_perm("funding.assign_reviews"))

    def sent_revision(self) -> int | None:
        """The revision that the person saw when they decided."""
        sent = self.request.POST.get("revision", "")
        return int(sent) if sent.isascii() and sent.isdecimal() and len(sent) < 10 else None

    def number_of_page(self, total: int, size: int = PAGE) -> int:
        """The page that the address asks for, among those that there are."""
        asked = self.request.GET.get("page", "")
        wanted = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
        return min(max(1, wanted), max(1, -(-total // size)))


class NewPlanPage(PlanningPage):
    """Begin an assignment."""

    name, path = "new", "new/"
    rule, title, icon = "funding.assign_reviews", gettext_lazy("New assignment"), "add"
    offered = "list"
    template_name = "admin/funding/assignmentplan/criteria.html"

    def form(self) -> NewPlanForm:
        chosen = self.request.GET.get("stage", "")
        stages = {str(stage.pk): stage for stage in stages_to_assign()}
        stage = stages.get(chosen) or next(iter(stages.values()), None)
        criteria = PlanCriteria(per_application=stage.required_count) if stage else PlanCriteria()
        initial = {**CriteriaForm.initial_of(criteria), "stage": stage}
        return dress(NewPlanForm(self.request.POST or None, initial=initial))

    def context(self) -> Mapping[str, Any]:
        return {
            "form": getattr(self, "_form", None) or self.form(),
            "nothing": not stages_to_assign().exists(),
            "back": self.address("changelist"),
        }

    def post(self) -> HttpResponseBase:
        self._form = self.form()
        if not self._form.is_valid():
            return self.render(status=422)
        data = self._form.cleaned_data
        try:
            plan = create_plan(
                data["stage"], actor=self.request.user, method=data["method"], **self._form.values()
            )
        except DomainError as error:
            self._form.take(error)
            return self.render(status=422)
        return self.redirect(
            self.address("plan", plan.pk),
            message=_("The criteria are kept. Have the assignment worked out next."),
        )


class CriteriaPage(PlanningPage):
    """Change what an assignment asks for."""

    name, path = "criteria", "<int:pk>/criteria/"
    rule, title, icon = "funding.assign_reviews", gettext_lazy("Change the criteria"), "tune"
    template_name = "admin/funding/assignmentplan/criteria.html"

    def form(self) -> CriteriaForm:
        initial = CriteriaForm.initial_of(self.object.asked, self.object)
        return dress(CriteriaForm(self.request.POST or None, initial=initial))

    def context(self) -> Mapping[str, Any]:
        return {
            "form": getattr(self, "_form", None) or self.form(),
            "plan": self.object,
            "back": self.address("plan", self.object.pk),
        }

    def post(self) -> HttpResponseBase:
        self._form = self.form()
        if not self._form.is_valid():
            return self.render(status=422)
        values = self._form.values()
        try:
            change_plan(self.object, actor=self.request.user, revision=self.sent_revision(), **values)
        except DomainError as error:
            self._form.take(error)
            self.object.refresh_from_db()
            return self.render(status=409 if isinstance(error, Conflict) else 422)
        return self.redirect(self.address("plan", self.object.pk), message=_("The criteria are changed."))


class PlanPage(PlanningPage):
    """One assignment: how far it is, what is proposed, and what to do next."""

    name, path = "plan", "<int:pk>/plan/"
    title, icon = gettext_lazy("Assignment of reviewers"), "hub"
    offered = "record"
    template_name = "admin/funding/assignmentplan/plan.html"
    fullwidth = True

    def get_title(self) -> str:
        return f"{self.object.call.code} · {self.object.stage}"

    def crumbs(self) -> list[Any]:
        return [
            (AssignmentPlan._meta.verbose_name_plural, self.address("changelist")),
            (str(self.object), None),
        ]

    def context(self) -> Mapping[str, Any]:
        plan: AssignmentPlan = self.object
        has_result = plan.state in (
            PlanState.READY,
            PlanState.CONFIRMING,
            PlanState.CONFIRMED,
        ) and bool(plan.figures)
        found: dict[str, Any] = {
            "plan": plan,
            "state": shown_state(None, plan),
            "criteria": criteria_in_words(plan),
            "diagnosis": diagnosis_in_words(plan),
            "may_change": self.may_change,
            "has_result": has_result,
            "working": plan.state in (PlanState.SOLVING, PlanState.CONFIRMING) or plan.is_being_published,
            "because": because_of(plan, self.request.user),
            "replacements": [(one, shown_state(None, one)) for one in plan.replacements.order_by("pk")],
            "has_pool": PlanPool.objects.filter(plan=plan).exists(),
        }
        return {**found, **(self.result() if has_result else {})}

    def result(self) -> dict[str, Any]:
        plan: AssignmentPlan = self.object
        runs = ranked_runs(plan)
        total = runs.count()
        number = self.number_of_page(total)
        shown = list(runs[(number - 1) * PAGE : number * PAGE])
        extremes = list(runs[:EXTREMES]), list(runs.order_by("-mean", "pk")[:EXTREMES])
        closed = kept_from(self.request.user, list(runs.order_by().values_list("application", flat=True)))
        lines = with_pairs(plan, [*shown, *extremes[0], *extremes[1]], closed)
        new = PlannedPair.objects.filter(plan=plan).exclude(origin=PairOrigin.KEPT)
        return {
            "closed": _numbered(closed),
            "figures": plan.figures,
            "alternatives": alternatives_in_words(plan),
            "loads": load_bars(plan),
            "lines": [lines[run.pk] for run in shown],
            "worst": [lines[run.pk] for run in extremes[0]],
            "best": [lines[run.pk] for run in extremes[1]],
            "new": new.count(),
            "numbers": page_links(number, total),
            "total": total,
            "change": self.may_change and plan.state == PlanState.READY,
        }

    def post(self) -> HttpResponseBase:
        plan, actor, what = self.object, self.request.user, self.request.POST.get("do", "")
        revision = self.sent_revision()
        if what == "solve":
            solve_plan(plan, actor=actor, revision=revision)
            return self.redirect()
        if what == "stop":
            stop_solving(plan, actor=actor)
            return self.redirect(message=_("The work is stopped."))
        if what == "publish":
            if publish_draw(plan, actor=actor).published_at is None:
                return self.redirect()
            return self.redirect(message=_("Pool and seed are published; neither can be changed any more."))
        if what == "discard":
            discard_plan(plan, actor=actor)
            return self.redirect(message=_("The assignment is discarded; it stays on record."))
        if what in ("switch_on", "switch_off"):
            change_plan(plan, actor=actor, invites_replacements=what == "switch_on")
            return self.redirect(message=_("The setting is kept."))
        if what == "confirm":
            return self.confirm(revision)
        raise DomainError(_("Choose what to do."), code="unknown")

    def confirm(self, revision: int | None) -> HttpResponseBase:
        try:
            done = confirm_plan(self.object, actor=self.request.user, revision=revision)
        except DomainError:
            self.object = self.get_object(self.object.pk)
            raise
        if done.state == PlanState.CONFIRMED:
            return self.redirect(message=_("The assignment is confirmed; the invitations are on their way."))
        return self.redirect()


class PlannedApplicationPage(PlanningPage):
    """Who reads one application: changed by hand, with the effect on the whole shown before it is kept."""

    name, path = "application", "<int:pk>/application/<int:run>/"
    rule, icon = "funding.assign_reviews", "edit"
    template_name = "admin/funding/assignmentplan/application.html"
    fullwidth = True

    @property
    def run(self) -> StageRun:
        if not hasattr(self, "_run"):
            found = (
                StageRun.objects.select_related(
                    "stage", "application__call", "application__organisation", "application__project"
                )
                .filter(pk=self.kwargs["run"], stage=self.object.stage_id)
                .first()
            )
            if found is None:
                raise Http404
            self._run = found
        return self._run

    def get_title(self) -> str:
        return f"{self.run.application.number} {self.run.application.title}"

    def allowed(self, user: Any, obj: models.Model | None) -> bool:
        return super().allowed(user, obj) and may(user, "funding.assign_reviews", self.run)

    def pool(self) -> PlanPool:
        found = PlanPool.objects.filter(plan=self.object).first()
        if found is None or self.run.pk not in found.row_of:
            raise Http404
        return found

    def chosen(self) -> list[int] | None:
        """The reviewers ticked, where something was sent."""
        if self.request.method != "POST":
            return None
        sent = self.request.POST.getlist("person")
        return [int(one) for one in sent if one.isascii() and one.isdecimal() and len(one) < 19]

    def context(self) -> Mapping[str, Any]:
        import numpy as np  # only plans wait for it

        plan, run, pool = self.object, self.run, self.pool()
        pairs = list(plan.pairs.filter(run=run).values_list("person_id", "origin"))
        kept = {person for person, origin in pairs if origin == PairOrigin.KEPT}
        planned = {person for person, _origin in pairs}
        chosen = self.chosen()
        ticked = planned if chosen is None else set(chosen) | kept
        word = self.request.GET.get("q", "").replace("\x00", "").strip().casefold()[:60]
        row = pool.row_of[run.pk]
        matches, closed = pool.matches[row], pool.closed[row]
        order = [pool.people[column] for column in np.argsort(-matches, kind="stable")]
        experts = {
            one.user_id: one
            for one in Reviewer.objects.filter(user__in=pool.people).select_related("user", "organisation")
        }
        open_to = [
            who
            for who in order
            if who in experts and (closed[pool.column_of[who]] != CONFLICT or who in planned)
        ]
        if word:
            open_to = [who for who in open_to if word in _words(experts[who])]
        listed = [*[who for who in order if who in ticked], *[who for who in open_to if who not in ticked]]
        listed = [who for who in listed if who in experts][: OFFERED + len(ticked)]
        loads = dict(
            plan.pairs.order_by().values("person").annotate(n=models.Count("pk")).values_list("person", "n")
        )
        return {
            "plan": plan,
            "run": run,
            "lines": [
                {
                    "entry": experts[who],
                    "match": matches[pool.column_of[who]],
                    "bar": round(100 * matches[pool.column_of[who]] / max(matches.max(), 1e-9)),
                    "load": loads.get(who, 0),
                    "limit": pool.terms["limit"][pool.column_of[who]],
                    "ticked": who in ticked,
                    "kept": who in kept,
                    "away": closed[pool.column_of[who]] == STEPPED_BACK,
                }
                for who in listed
            ],
            "barred": int((closed == CONFLICT).sum()),
            "effect": effect_of(plan, run, chosen, actor=self.request.user) if chosen is not None else None,
            "q": word,
            "editable": plan.state == PlanState.READY,
            "back": self.address("plan", plan.pk),
        }

    def post(self) -> HttpResponseBase:
        if getattr(self.request, "htmx", False):
            effect = effect_of(self.object, self.run, self.chosen() or [], actor=self.request.user)
            return TemplateResponse(
                self.request, "admin/funding/assignmentplan/_effect.html", {"effect": effect}
            )
        if "preview" in self.request.POST:
            return self.render()
        people = list(User.objects.filter(pk__in=self.chosen() or []).order_by("pk"))
        try:
            effect = change_pairs(
                self.object,
                self.run,
                people,
                actor=self.request.user,
                revision=self.sent_revision() or 0,
            )
        except DomainError:
            self.object = self.get_object(self.object.pk)
            raise
        if not effect.added and not effect.removed:
            return self.redirect(self.address("plan", self.object.pk), message=_("Nothing was changed."))
        return self.redirect(
            self.address("plan", self.object.pk),
            message=_("The change is kept: total %(total)s, worst-served application %(worst)s.")
            % {"total": f"{effect.after.total:.3f}", "worst": f"{effect.after.worst:.3f}"},
        )


def _words(reviewer: Reviewer) -> str:
    parts = (reviewer.user.name, reviewer.institution, str(reviewer.organisation or ""), *reviewer.keywords)
    return " ".join(parts).casefold()


# --- what the pages show


def ranked_runs(plan: AssignmentPlan) -> models.QuerySet[Any]:
    """Return the applications of a plan with ``mean``, the mean match of their reviewers, the worst-served first."""
    own = models.Q(planned__plan=plan)
    rows = StageRun.objects.filter(pk__in=PlanPool.objects.get(plan=plan).runs)
    if plan.parent_id is not None:  # of replacements, those where somebody is new
        rows = rows.filter(own & ~models.Q(planned__origin=PairOrigin.KEPT)).distinct()
        rows = StageRun.objects.filter(pk__in=rows.values("pk"))
    return (
        rows.annotate(
            mean=Coalesce(models.Avg("planned__affinity", filter=own), models.Value(Decimal(0))),
            have=models.Count("planned", filter=own),
        )
        .select_related("application")
        .order_by("mean", "pk")
    )


def _numbered(closed: Mapping[int, Text]) -> list[tuple[str, Text]]:
    """Return (number, reason) of applications, which are few if there are any."""
    rows = Application.objects.filter(pk__in=closed).order_by("number") if closed else ()
    return [(row.number or "—", closed[row.pk]) for row in rows]


def with_pairs(
    plan: AssignmentPlan, runs: Sequence[Any], closed: Mapping[int, Text]
) -> dict[int, dict[str, Any]]:
    """Return {run id: {run, mean, have, pairs, closed}}; ``closed`` ({application id: reason}) ones name nobody."""
    pairs: dict[int, list[PlannedPair]] = defaultdict(list)
    open_to = {run.pk for run in runs if run.application_id not in closed}
    rows = plan.pairs.filter(run__in=open_to).select_related("person__reviewer")
    for pair in rows.order_by("run", "-affinity", "pk"):
        pairs[pair.run_id].append(pair)
    return {
        run.pk: {
            "run": run,
            "mean": float(run.mean),
            "have": run.have,
            "pairs": pairs[run.pk],
            "closed": closed.get(run.application_id, ""),
        }
        for run in runs
    }


def load_bars(plan: AssignmentPlan) -> list[dict[str, Any]]:
    """Return how many reviewers read how many applications, as lines of a chart; nobody's load is 0 of the pool's rest."""
    given = Counter(
        plan.pairs.order_by().values("person").annotate(n=models.Count("pk")).values_list("n", flat=True)
    )
    idle = plan.figures.get("reviewers", 0) - sum(given.values())
    if idle > 0:
        given[0] = idle
    top = max(given.values(), default=1)
    return [
        {
            "load": load,
            "reviewers": given[load],
            "bar": max(1, round(100 * given[load] / top)),
            "text": ngettext("%d reviewer", "%d reviewers", given[load]) % given[load],
        }
        for load in sorted(given)
    ]


def because_of(plan: AssignmentPlan, viewer: User) -> list[dict[str, Any]]:
    """Return the reviews that replacements answer to, as far as ``viewer`` sees them, each with what happened."""
    reviews = (
        Review.objects.visible_to(viewer)
        .select_related("reviewer", "application")
        .in_bulk([one["review"] for one in plan.because])
    )
    found = []
    for one in plan.because:
        review = reviews.get(one["review"])
        if review is not None:
            is_late = one["why"] == "overdue"
            found.append({"review": review, "why": _("overdue") if is_late else review.get_state_display()})
    return found


def page_links(number: int, total: int, size: int = PAGE) -> list[dict[str, Any]]:
    """Return the pages near ``number``, the first and the last; nothing where there is one."""
    last = max(1, -(-total // size))
    if last == 1:
        return []
    near = sorted({1, last, *range(max(1, number - 2), min(last, number + 2) + 1)})
    return [
        {"number": one, "here": one == number, "gap": place > 0 and one - near[place - 1] > 1}
        for place, one in enumerate(near)
    ]
