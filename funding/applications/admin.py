"""Staff's door to applications: the list, the record, what staff do with one or with all that match."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.enums import ActionVariant

from funding.applications.forms import ExtensionForm, ReasonForm, ReturnForm
from funding.applications.models import Application, ReturnItem
from funding.applications.progress import StepsLine, state_line_of, timeline_of
from funding.applications.reading import compare_versions, present_form, typed_snapshot
from funding.applications.services import (
    grant_extension,
    reject_application,
    return_application,
    withdraw_application,
)
from funding.applications.sheet import sheet_of
from funding.applications.states import EDITABLE, ApplicationState
from funding.calls.models import Call
from funding.calls.states import StageKind
from funding.funds.states import Track
from park_portal.core.accounts.rules import is_officer
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, label_acts, money, state_label
from park_portal.core.admin.bulk import matching
from park_portal.core.admin.links import address_of
from park_portal.core.jobs.services import start_job
from park_portal.core.templatetags.portal import moment, until
from park_portal.core.workflow import may

label_acts(
    {
        "application.start": gettext_lazy("application begun"),
        "application.extend": gettext_lazy("extension granted"),
        "application.place": gettext_lazy("moved to a stage"),
        "answer.save": gettext_lazy("answer saved"),
        "answer.add_file": gettext_lazy("file added"),
        "answer.remove_file": gettext_lazy("file removed"),
    }
)


CALLS_OFFERED = 60


@dataclass(frozen=True)
class NextStep:
    """Where the work on an application goes on, for one person."""

    label: str
    url: str
    icon: str
    theirs: bool  # it is this person's turn


# Asked in order; the rooms above add their own, for where an application is in their hands.
next_steps: list[Callable[[Application, Any], list[NextStep]]] = []


class CallFilter(admin.SimpleListFilter):
    """By call, newest first."""

    title = gettext_lazy("call")
    parameter_name = "call"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        offered = Call.objects.exclude(state="draft").as_choices()[:CALLS_OFFERED]
        value = self.value() or ""
        if value.isdecimal() and len(value) < 19 and value not in {str(key) for key, _label in offered}:
            # An older one that a link asked for.
            offered = [*offered, *Call.objects.filter(pk=int(value)).as_choices()]
        return offered

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Application]
    ) -> models.QuerySet[Application]:
        value = self.value() or ""
        return queryset.filter(call=int(value)) if value.isdecimal() and len(value) < 19 else queryset


class StageFilter(admin.SimpleListFilter):
    """By the kind of stage where the application is now."""

    title = gettext_lazy("stage")
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Any]:
        return list(StageKind.choices)

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Application]
    ) -> models.QuerySet[Application]:
        value = self.value()
        return queryset.filter(current_stage__kind=value) if value in StageKind.values else queryset


class TrackFilter(admin.SimpleListFilter):
    """By the track of the call."""

    title = gettext_lazy("track")
    parameter_name = "track"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Any]:
        return list(Track.choices)

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Application]
    ) -> models.QuerySet[Application]:
        value = self.value()
        return queryset.filter(call__track=value) if value in Track.values else queryset


class DueFilter(admin.SimpleListFilter):
    """What is overdue, or due within a week."""

    title = gettext_lazy("due")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Any]:
        return [("over", _("overdue")), ("week", _("within seven days"))]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Application]
    ) -> models.QuerySet[Application]:
        now = timezone.now()
        waiting = queryset.under_way()  # type: ignore[attr-defined] # the model's own queryset
        if self.value() == "over":
            return waiting.filter(due_at__lt=now)
        if self.value() == "week":
            return waiting.filter(due_at__gte=now, due_at__lt=now + timedelta(days=7))
        return queryset


class SubmittedFilter(admin.SimpleListFilter):
    """Drafts are the applicants' own until they are submitted: they are asked for, not shown among the rest."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Any]:
        return list(ApplicationState.choices)

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Application]
    ) -> models.QuerySet[Application]:
        value = self.value()
        return queryset.filter(state=value) if value in ApplicationState.values else queryset


class ExportPage(StaffPage):
    """Starts the Excel export of all that match the filters of the list."""

    name, path = "export", "export/"
    rule = "funding.export_applications"
    title = gettext_lazy("Export to Excel")
    icon = "download"
    template_name = "admin/funding/application/export.html"

    def rows(self) -> models.QuerySet[Any]:
        assert self.admin is not None
        return matching(self.admin, self.request)

    def back(self) -> str:
        query = self.request.GET.urlencode()
        return f"{self.address('changelist')}{'?' if query else ''}{query}"

    def context(self) -> Mapping[str, Any]:
        return {"count": self.rows().order_by().count(), "back": self.back()}

    def post(self) -> HttpResponseBase:
        keys = list(self.rows().order_by("pk").values_list("pk", flat=True))
        if not keys:
            return self.redirect(self.back(), message=_("Nothing matches."), level=messages.WARNING)
        job = start_job("applications.export", actor=self.request.user, params={"keys": keys})
        return self.redirect(reverse("admin:core_job_change", args=[job.pk]))


class ChangesPage(StaffPage):
    """What changed from one version to the next."""

    name, path = "changes", "<int:pk>/versions/<int:number>/"
    rule = "funding.view_application_page"
    template_name = "admin/funding/application/changes.html"

    def get_title(self) -> str:
        return _("Version %(number)d") % {"number": self.kwargs["number"]}

    def context(self) -> Mapping[str, Any]:
        versions = {v.number: v for v in self.object.versions.select_related("submitted_by")}
        version = versions.get(self.kwargs["number"])
        if version is None:
            raise Http404
        before = versions.get(version.number - 1)
        changes = compare_versions(before, version) if before else []
        return {
            "version": version,
            "before": before,
            "changes": [change for change in changes if change.kind != "same"],
            "same": sum(1 for change in changes if change.kind == "same"),
            "sections": present_form(version.form, version.answers),
        }


def _for_officers(user: Any) -> bool:
    return bool(is_officer(user))


@admin.register(Application)
class ApplicationAdmin(ReadOnly, StaffAdmin):
    view_rule = "funding.export_applications"
    list_display = [
        "number_shown",
        "title_shown",
        "applicant_shown",
        "state_shown",
        "stage_shown",
        "due_shown",
        "amount_shown",
        "submitted_shown",
    ]
    list_display_links = ["number_shown", "title_shown"]
    list_filter = [CallFilter, SubmittedFilter, StageFilter, TrackFilter, "kind", DueFilter]
    list_select_related = [
        *("call", "organisation", "project__university", "project__faculty", "current_stage")
    ]
    list_fields = [
        *("kind", "number", "title", "state", "amount_fen", "due_at", "submitted_at"),
        *("call__code", "organisation__name_zh_hans", "organisation__name_en"),
        *("project__principal_investigator", "project__institution_text"),
        *("project__university__name_zh_hans", "project__university__name_en"),
        *("project__faculty__name_zh_hans", "project__faculty__name_en"),
        *("current_stage__kind", "current_stage__name_zh_hans", "current_stage__name_en"),
    ]
    search_fields = [
        "number",
        "title",
        "organisation__name_zh_hans",
        "organisation__name_en",
        "organisation__uscc",
        "project__title_zh_hans",
        "project__title_en",
        "project__principal_investigator",
    ]
    search_help_text = gettext_lazy("Number, title or applicant")
    ordering = ["-id"]
    change_form_template = "admin/funding/application/record.html"
    pages = [ExportPage, ChangesPage]
    acts = [
        Act(
            "return",
            return_application,
            form=ReturnForm,
            icon="undo",
            explain=gettext_lazy(
                "Opens the questions you choose for changes, with a comment for each. The applicant is told, and "
                "submits again; you then see what was changed."
            ),
            button=gettext_lazy("Return for changes"),
            done=gettext_lazy("The application is with the applicant for changes."),
        ),
        Act(
            "extend",
            grant_extension,
            label=gettext_lazy("Grant an extension"),
            rule="funding.grant_extension",
            sources=EDITABLE,
            form=ExtensionForm,
            icon="more_time",
            bulk="each",
            offered=_for_officers,
            explain=gettext_lazy(
                "Lets this one application be submitted until a later moment, whatever its call says. The applicant "
                "is told the reason."
            ),
            done=gettext_lazy("The extension was granted."),
        ),
        Act(
            "reject",
            reject_application,
            form=ReasonForm,
            icon="block",
            danger=True,
            bulk="each",
            offered=_for_officers,
            explain=gettext_lazy("Ends the application. The applicant reads the reason."),
            done=gettext_lazy("The application was rejected."),
        ),
        Act(
            "withdraw",
            withdraw_application,
            form=ReasonForm,
            icon="cancel",
            danger=True,
            bulk="each",
            offered=_for_officers,
            explain=gettext_lazy("Withdraws the application on behalf of the applicant, who is told."),
            done=gettext_lazy("The application was withdrawn."),
        ),
    ]

    state_shown = state_label(label=gettext_lazy("state"))
    amount_shown = money("amount_fen", gettext_lazy("amount requested"))

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.list_select_related, "created_by")

    # --- columns

    @display(description=gettext_lazy("number"), ordering="number")
    def number_shown(self, obj: Application) -> str:
        return obj.number or obj.call.code  # a number begins with its call's code

    @display(description=gettext_lazy("title"), ordering="title")
    def title_shown(self, obj: Application) -> str:
        return obj.title or _("Untitled application")

    @display(description=gettext_lazy("applicant"))
    def applicant_shown(self, obj: Application) -> str:
        return obj.applicant_line

    @display(description=gettext_lazy("stage"), ordering="current_stage__position")
    def stage_shown(self, obj: Application) -> str:
        return str(obj.current_stage) if obj.current_stage else "—"

    @display(description=gettext_lazy("due"), ordering="due_at")
    def due_shown(self, obj: Application) -> str:
        if obj.due_at is None:
            return "—"
        day, _space, clock = until(obj.due_at).partition(" ")
        # Digits; broken between day and minute alone.
        text = SafeString(f'<span><span class="staff-when">{day}</span> {clock}</span>')
        if obj.due_at < timezone.now() and obj.state in (
            ApplicationState.IN_REVIEW,
            ApplicationState.RETURNED,
        ):
            return format_html('<span class="staff-pill staff-pill-danger">{}</span>', text)
        return text

    @display(description=gettext_lazy("submitted"), ordering="submitted_at")
    def submitted_shown(self, obj: Application) -> str:
        day = moment(obj.submitted_at)[:10]  # the minute is on the record
        return SafeString(f'<span class="staff-when">{day}</span>') if day else "—"

    # --- the list

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if (
            isinstance(response, TemplateResponse)
            and response.context_data
            and may(request.user, ExportPage.rule)
        ):
            query = request.GET.copy()
            for key in ("p", "o"):
                query.pop(key, None)
            button = {
                "title": ExportPage.title,
                "icon": ExportPage.icon,
                "variant": None,
                "attrs": {},
                "dialog": None,
                "path": f"{self.address('export')}{'?' if query else ''}{query.urlencode()}",
            }
            response.context_data["actions_list"] = [
                button,
                *(response.context_data.get("actions_list") or []),
            ]
        return response

    # --- the record

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> TemplateResponse:
        obj: Application | None = kwargs.get("obj")
        if obj is not None:
            context.update(self._record(obj, request.user))
            found = [step for ask in next_steps for step in ask(obj, request.user)]
            context["actions_detail"] = [
                {
                    "title": step.label,
                    "icon": step.icon,
                    "variant": ActionVariant.PRIMARY if step.theirs else ActionVariant.DEFAULT,
                    "attrs": {},
                    "dialog": None,
                    "path": step.url,
                }
                for step in found
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    def _record(self, application: Application, user: Any) -> dict[str, Any]:
        versions = list(application.versions.select_related("submitted_by").order_by("-number"))
        form, answers = (versions[0].form, versions[0].answers) if versions else typed_snapshot(application)
        timeline = timeline_of(application, for_applicant=False)
        returns: list[Any] = []
        if any(event.action == "application.return" for event in timeline):
            items = models.Prefetch("items", ReturnItem.objects.select_related("question__question"))
            returns = list(application.returns.select_related("returned_by").prefetch_related(items))
        return {
            "application": application,
            "applicant": application.applicant_line,
            "applicant_url": _applicant_url(application, self.request),
            "state_line": state_line_of(application, user),
            "versions": versions,
            "sections": present_form(form, answers),
            "findings": [] if versions else sheet_of(application).findings,
            "eligibility": versions[0].form.get("eligibility", {}) if versions else {},
            "returns": returns,
            "steps": StepsLine.of(application),
            "timeline": timeline,
        }


def _applicant_url(application: Application, request: HttpRequest) -> str:
    holder: Iterable[Any] = (application.organisation, application.project)
    for one in holder:
        if one is not None:
            return address_of(request, one)
    return ""
