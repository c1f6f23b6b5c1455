"""Reviews as staff see them: released, reopened, replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from funding.calls.states import Acts
from funding.reviews.admin.shown import DueFilter, ShowsDue
from funding.reviews.forms import (
    ReasonForm,
)
from funding.reviews.models import Review, Reviewer, Score
from funding.reviews.services import (
    conflicts_of,
    explain_match,
    release_reviewer,
    reopen_review,
    replace_reviewer,
)
from funding.reviews.states import ReviewState
from park_portal.core.accounts.models import User
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, state_label
from park_portal.core.errors import DomainError


class ReplaceForm(forms.Form):
    """Who reviews instead."""

    needs_object = True
    person = forms.ModelChoiceField(label=gettext_lazy("Reviewer"), queryset=User.objects.none())

    def __init__(self, *args: Any, obj: Review | None = None, user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(reviewer__active=True, is_active=True).order_by("name")
        if obj is not None:
            people = people.exclude(reviews__run=obj.run_id)
            barred = conflicts_of([obj.application], list(people))
            people = people.exclude(pk__in=[person for _application, person in barred])
        offered: Any = self.fields["person"]
        offered.queryset = people


def replace_by(review: Review, *, actor: User, person: User) -> Review:
    return replace_reviewer(review, person, actor=actor)


class ReviewMatchPage(StaffPage):
    """Why this reviewer fits this application as well as they do."""

    name, path = "match", "<int:pk>/match/"
    rule, title, icon = "funding.see_reviews", gettext_lazy("Why this match"), "join_inner"
    offered = "record"
    template_name = "admin/funding/reviewer/match.html"
    object: Review

    def allowed(self, user: Any, obj: Any) -> bool:
        return super().allowed(user, obj) and bool(user.has_perm("funding.view_review"))

    def is_offered(self, user: Any, obj: Any) -> bool:
        return self.allowed(user, obj) and obj.run.stage.acts == Acts.EXPERT

    def context(self) -> Mapping[str, Any]:
        reviewer = Reviewer.objects.select_related("user").filter(user_id=self.object.reviewer_id).first()
        if reviewer is None:
            raise Http404
        application = self.object.application
        return {
            "reviewer": reviewer,
            "application": application,
            "match": explain_match(application, reviewer),
        }


@admin.register(Review)
class ReviewAdmin(ShowsDue, ReadOnly, StaffAdmin):
    """Reviews and opinions, read-only; who reviews can be released, replaced, or asked to open theirs again."""

    view_rule = "funding.see_reviews"
    list_display = [
        "application_shown",
        "reviewer",
        "stage_shown",
        "state_shown",
        "due_shown",
        "score",
        "opinion",
    ]
    list_filter = ["state", DueFilter, "run__stage__kind", "opinion", "application__call"]
    search_fields = ["application__number", "application__title", "reviewer__name", "reviewer__email"]
    list_select_related = ["application", "reviewer", "run__stage"]
    ordering = ["-pk"]
    fields = [
        "application",
        "reviewer",
        "state",
        "due_shown",
        "assigned_by",
        "assigned_at",
        "declared_at",
        "pledge",
        "accepted_at",
        "submitted_at",
        "suspended_at",
        "opinion",
        "confidence",
        "score",
        "marks",
        "comment_committee",
        "comment_applicant",
        "reason_shown",
    ]
    readonly_fields = ["marks", "due_shown", "reason_shown"]
    state_shown = state_label()
    pages = [ReviewMatchPage]
    acts = [
        Act(
            "release",
            release_reviewer,
            done=gettext_lazy(
                "The reviewer is released and is told. Where one is lacking now, assign another."
            ),
            form=ReasonForm,
            icon="person_remove",
            explain=gettext_lazy("The reviewer is told that the review is no longer needed."),
            bulk="each",
        ),
        Act(
            "replace",
            replace_by,
            label=gettext_lazy("Replace the reviewer"),
            done=gettext_lazy("The new reviewer is asked; the one before is expected no longer."),
            rule="funding.assign_reviews",
            form=ReplaceForm,
            icon="swap_horiz",
            sources=(
                ReviewState.ASSIGNED,
                ReviewState.ACCEPTED,
                ReviewState.DECLINED,
                ReviewState.RECUSED,
                ReviewState.SUSPENDED,
            ),
            explain=gettext_lazy("Only people of the pool without a known conflict of interest are offered."),
            check=lambda review, actor: _only_experts(review),
        ),
        Act(
            "reopen",
            reopen_review,
            done=gettext_lazy("The reviewer can change the review and has to submit it again."),
            form=ReasonForm,
            icon="lock_open",
            check=lambda review, actor: _only_experts(review),
        ),
    ]

    @display(description=gettext_lazy("application"), ordering="application__number", header=True)
    def application_shown(self, review: Review) -> tuple[str, str]:
        return review.application.number or "", review.application.title

    @display(description=gettext_lazy("stage"))
    def stage_shown(self, review: Review) -> str:
        return str(review.run.stage)

    @display(description=gettext_lazy("reason"))
    def reason_shown(self, review: Review) -> str:
        return review.reason_text

    @display(description=gettext_lazy("marks"))
    def marks(self, review: Review) -> str:
        rows = review.scores.select_related("criterion").order_by("criterion__position")
        return "; ".join(
            f"{row.criterion}: {_mark(row)}" + (f" ({row.note})" if row.note else "") for row in rows
        )


def _mark(score: Score) -> str:
    if score.not_applicable:
        return _("not applicable")
    return "—" if score.value is None else str(score.value)


def _only_experts(review: Review) -> None:
    if review.run.stage.acts != Acts.EXPERT:
        raise DomainError(_("This opinion was given from a queue; nobody was asked for it."))
