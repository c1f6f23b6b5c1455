"""The call as each role will see it, and what is still missing before it can be published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.calls.admin.builder import OVERVIEW, STEPS, BuilderPage, where_of
from funding.calls.admin.questions import condition_text
from funding.calls.admin.stages import drawing_of
from funding.calls.checks import BASICS, problems_of, seen_by_reviewers, warnings_of
from funding.calls.facts import call_context, state_of
from funding.calls.models import CallQuestion, Stage
from funding.calls.questions import Table, in_language, present, type_of
from funding.calls.services import form_of
from funding.calls.states import Blindness, CallState, QuestionKind, StageKind
from park_portal.core.views import StateLine
from park_portal.core.workflow import may

ROLES = (
    ("public", gettext_lazy("Everyone")),
    ("applicant", gettext_lazy("Applicant")),
    ("liaison", gettext_lazy("Liaison")),
    ("reviewer", gettext_lazy("Reviewer")),
)


class PreviewPage(BuilderPage):
    """The call as each role will see it, in the portal's own frame."""

    name, path = "preview", "<int:pk>/preview/"
    title = gettext_lazy("Preview")
    template_name = "funding/calls/preview.html"

    def role(self) -> str:
        asked = self.request.GET.get("as", "public")
        return asked if asked in dict(ROLES) else "public"

    def get(self) -> HttpResponseBase:
        call, role = self.object, self.role()
        values: dict[str, Any] = {
            "title": call.title or call.code,
            "call": call,
            "role": role,
            "roles": ROLES,
            "preview": True,
            "back": self.address("check", call.pk),
        }
        if role == "public":
            state, tone = state_of(call, timezone.now())
            values |= {**call_context(call, timezone.now()), "state_line": StateLine(state=state, tone=tone)}
        else:
            values |= self._sections(role)
        return render(self.request, self.template_name, values)

    def _blindness(self, stage: Stage | None) -> str:
        """Return as which kind of stage reviewers' view is shown: as the stage is, or as staff ask to compare."""
        asked = self.request.GET.get("blindness", "")
        if asked in Blindness.values:
            return asked
        return stage.blindness if stage is not None else Blindness.SINGLE

    def _sections(self, role: str) -> dict[str, Any]:
        stages = list(self.object.stages.prefetch_related("criteria"))
        stage = next(
            (s for s in stages if s.kind == (StageKind.EXPERT if role == "reviewer" else role)), None
        )
        blindness = self._blindness(stage) if role == "reviewer" else ""
        blind = blindness == Blindness.DOUBLE
        sections, hidden = [], 0
        for section in form_of(self.object):
            rows = []
            for row in section.questions.all():
                without = _unseen(row, blind=blind) if role == "reviewer" else []
                if without is None:
                    hidden += 1
                    continue
                condition = condition_text(row)
                rows.append(
                    {
                        "q": _presented(row),
                        "row": row,
                        "condition": condition,
                        "without": _(", ").join(without),
                        "redacted": blind and row.redacted,
                        "cleaned": blind and row.kind == QuestionKind.FILES,
                    }
                )
            if rows:
                sections.append({"title": section.title, "questions": rows})
        return {
            "sections": sections,
            "stage": stage,
            "criteria": list(stage.criteria.all()) if stage is not None else [],
            "hidden": hidden,
            "blindness": blindness,
            "blindnesses": Blindness.choices,
            "own_blindness": stage.blindness if stage is not None else "",
        }


def _unseen(question: CallQuestion, *, blind: bool) -> list[str] | None:
    """Return the columns of a table that reviewers do not see; None when they see nothing of the question."""
    if not seen_by_reviewers(question):
        return None
    if not blind:
        return []
    left = type_of(question.kind).blinded(None, question.settings)
    if left is None:
        return None
    kind = type_of(question.kind)
    if not isinstance(kind, Table):
        return []
    seen = {column["key"] for column in kind.columns(left[1])}
    return [in_language(column) for column in kind.columns(question.settings) if column["key"] not in seen]


def _presented(question: CallQuestion) -> dict[str, Any]:
    return present(
        key=question.key,
        kind=question.kind,
        label=question.label,
        help=question.help_text,
        settings=question.settings,
        required=question.required,
    )


class CheckPage(BuilderPage):
    """What is still missing before the call can be published; afterwards, the call at a glance."""

    name, path = "check", "<int:pk>/check/"
    title = OVERVIEW
    icon = "fact_check"
    offered = "record"
    template_name = "admin/funding/call/check.html"

    def context(self) -> Mapping[str, Any]:
        call = self.object
        stages = list(call.stages.all())
        problems = problems_of(call) if call.state == CallState.DRAFT else []
        labels = {step: label for step, label, _page in STEPS}
        groups: dict[str, list[dict[str, Any]]] = {}
        for problem in problems:
            row = {"text": problem.message, "url": where_of(self.admin, call, problem)}
            groups.setdefault(problem.field or BASICS, []).append(row)
        warnings = warnings_of(call) if call.state == CallState.DRAFT else []
        return {
            **super().context(),
            "warnings": [
                {"text": warning.message, "url": where_of(self.admin, call, warning)} for warning in warnings
            ],
            "missing": [{"label": labels[step], "rows": rows} for step, rows in groups.items()],
            "missing_count": len(problems),
            "may_publish": may(self.request.user, "funding.publish_call", call)
            and call.state == CallState.DRAFT,
            "publish_url": self.address("act", call.pk, "publish"),
            "question_count": call.questions.count(),
            "stages": stages,
            "drawing": drawing_of(stages),
            "drawing_title": _("The way of an application through the stages"),
            "submitted": call.last_number,
            "ask_lead": call.state in (CallState.PUBLISHED, CallState.OPEN)
            and may(self.request.user, "funding.build_call")
            and not may(self.request.user, "funding.close_call", call),
        }
