"""The pool of expert reviewers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from funding.reviews.forms import (
    InviteReviewerForm,
)
from funding.reviews.models import Reviewer
from funding.reviews.services import (
    invite_reviewer,
    update_reviewer,
)
from funding.reviews.states import OPEN_REVIEWS
from park_portal.core.admin import Act, StaffAdmin


@admin.register(Reviewer)
class ReviewerAdmin(StaffAdmin):
    """The pool: people join by invitation; staff keep expertise, employer and capacity right."""

    change_rule = "funding.edit_reviewer"
    list_display = ["user", "institution", "keywords_shown", "load", "active"]
    list_filter = ["active"]
    search_fields = ["user__name", "user__email", "institution", "organisation__name_zh_hans"]
    list_select_related = ["user", "organisation"]
    ordering = ["user__name", "pk"]
    autocomplete_fields = ["organisation"]
    fields = ["user", "institution", "organisation", "title", "keywords", "capacity", "active"]
    readonly_fields = ["user"]
    update = staticmethod(update_reviewer)
    acts = [
        Act(
            "invite",
            invite_reviewer,
            label=gettext_lazy("Invite a reviewer"),
            rule="funding.invite_reviewers",
            form=InviteReviewerForm,
            on="list",
            icon="outgoing_mail",
            explain=gettext_lazy("They get a mail with a link, sign up, and fill in their own profile."),
            done=gettext_lazy("The invitation is on its way."),
        ),
    ]

    def has_add_permission(self, request: Any) -> bool:
        return False

    def get_queryset(self, request: Any) -> models.QuerySet[Reviewer]:
        rows = super().get_queryset(request)
        is_open = models.Q(user__reviews__state__in=OPEN_REVIEWS)
        return rows.annotate(open_reviews=models.Count("user__reviews", filter=is_open))

    @display(description=gettext_lazy("keywords"))
    def keywords_shown(self, reviewer: Reviewer) -> str:
        return ", ".join(reviewer.keywords)

    @display(description=gettext_lazy("open / at a time"), ordering="open_reviews")
    def load(self, reviewer: Any) -> str:
        return f"{reviewer.open_reviews} / {reviewer.capacity}"
