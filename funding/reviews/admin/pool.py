"""The pool of expert reviewers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from funding.applications.models import Application
from funding.reviews.admin.conflicts import TiesOfPersonPage
from funding.reviews.forms import InviteReviewerForm
from funding.reviews.models import Publication, Reviewer
from funding.reviews.pages import lines_of_record, severity_in_words
from funding.reviews.services import (
    add_publication,
    explain_match,
    invite_reviewer,
    records_of,
    remove_publication,
    update_publication,
    update_reviewer,
)
from funding.reviews.states import OPEN_REVIEWS
from park_portal.core.admin import Act, StaffAdmin, StaffPage, dress
from park_portal.core.admin.changelist import StaffChangeList
from park_portal.core.forms import TextField
from park_portal.core.policies.services import policy


class PairForm(forms.Form):
    """Which application a reviewer is compared with."""

    application = TextField(label=gettext_lazy("Number of the application"), max_length=32)


class PairPage(StaffPage):
    """How well one reviewer fits one application, and why."""

    name, path = "match", "<int:pk>/match/"
    rule, title, icon = "funding.see_reviews", gettext_lazy("Match with an application"), "join_inner"
    offered = "record"
    template_name = "admin/funding/reviewer/match.html"
    object: Reviewer

    def allowed(self, user: Any, obj: models.Model | None) -> bool:
        return super().allowed(user, obj) and bool(user.has_perm("funding.view_reviewer"))

    def context(self) -> Mapping[str, Any]:
        typed = self.request.GET.get("application", "").strip()
        form = dress(PairForm({"application": typed} if typed else None))
        found = None
        if typed and form.is_valid():
            rows = Application.objects.visible_to(self.request.user).submitted().select_related("call")
            found = rows.filter(number__iexact=form.cleaned_data["application"]).first()
            if found is None:
                form.add_error("application", _("There is no application with this number."))
        return {
            "form": form,
            "reviewer": self.object,
            "application": found,
            "match": explain_match(found, self.object) if found is not None else None,
        }


class RecordPage(StaffPage):
    """What one reviewer's reviews come to in figures, as they read it themselves."""

    name, path = "record", "<int:pk>/record/"
    rule, title, icon = "funding.see_reviews", gettext_lazy("Record"), "monitoring"
    offered = "record"
    template_name = "admin/funding/reviewer/record.html"

    def get_title(self) -> str:
        return f"{self.object.user.name} · {self.title}"

    def context(self) -> Mapping[str, Any]:
        record = records_of([self.object.user_id])[self.object.user_id]
        return {
            "record": record,
            "lines": lines_of_record(record),
            "severity": severity_in_words(record.severity),
            "years": policy("review.record_years"),
        }


class PoolList(StaffChangeList):
    """The pool with the record of everyone on the page, worked out for all of them at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        listed: Any = self
        entries = list(listed.result_list)
        records = records_of([entry.user_id for entry in entries])
        for entry in entries:
            entry.record = records[entry.user_id]
        listed.result_list = entries


@admin.register(Reviewer)
class ReviewerAdmin(StaffAdmin):
    """The pool: people join by invitation; staff keep expertise, employer and capacity right."""

    change_rule = "funding.edit_reviewer"
    list_display = ["user", "institution", "keywords_shown", "load", "on_time", "severity", "active"]
    list_filter = ["active", "kind"]
    search_fields = ["user__name", "user__email", "institution", "organisation__name_zh_hans"]
    list_select_related = ["user", "organisation"]
    ordering = ["user__name", "pk"]
    autocomplete_fields = ["organisation", "faculty"]
    fields = [
        "user",
        "institution",
        "organisation",
        "faculty",
        "title",
        "kind",
        "orcid",
        "keywords",
        "statement",
        "capacity",
        "active",
    ]
    pages = [PairPage, RecordPage, TiesOfPersonPage]
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

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[StaffChangeList]:
        return PoolList

    @display(description=gettext_lazy("handed in on time"))
    def on_time(self, reviewer: Any) -> str:
        figures = reviewer.record.whole
        share = figures.on_time_share
        return "—" if share is None else f"{share:.0%} ({figures.on_time} / {figures.due})"

    @display(description=gettext_lazy("marks above others"))
    def severity(self, reviewer: Any) -> str:
        found = reviewer.record.severity
        return "—" if found is None else found.shown

    @display(description=gettext_lazy("keywords"))
    def keywords_shown(self, reviewer: Reviewer) -> str:
        return ", ".join(reviewer.keywords)

    @display(description=gettext_lazy("open / at a time"), ordering="open_reviews")
    def load(self, reviewer: Any) -> str:
        return f"{reviewer.open_reviews} / {reviewer.capacity}"


@admin.register(Publication)
class PublicationAdmin(StaffAdmin):
    """What reviewers have published: read for their match with applications, and for whom they have written with."""

    create = staticmethod(add_publication)
    update = staticmethod(update_publication)
    add_rule = "funding.invite_reviewers"
    change_rule = "funding.edit_publication"
    list_display = ["title", "reviewer", "source", "year"]
    list_filter = ["year"]
    list_select_related = ["reviewer__user"]
    search_fields = ["title", "doi", "source", "reviewer__user__name"]
    search_help_text = gettext_lazy("Title, DOI, journal or reviewer")
    ordering = ["-pk"]
    autocomplete_fields = ["reviewer"]
    formfield_overrides = {ArrayField: {"widget": UnfoldAdminTextInputWidget}}
    fields = ["reviewer", "title", "authors", "year", "source", "doi", "abstract"]
    where_from = gettext_lazy("Reviewers enter their publications on their profile; you can add some here.")
    acts = [
        Act(
            "remove",
            remove_publication,
            label=gettext_lazy("Take off the list"),
            done=gettext_lazy("The publication is no longer on the reviewer's list."),
            rule="funding.edit_publication",
            icon="delete",
            danger=True,
            select_related=("reviewer",),
            explain=gettext_lazy("The reviewer's match with applications is then counted without it."),
            after=lambda obj, result: reverse("admin:funding_publication_changelist"),
        ),
    ]

    def get_readonly_fields(self, request: Any, obj: Publication | None = None) -> Any:
        return ["reviewer"] if obj is not None else []

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False
