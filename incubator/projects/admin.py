"""Staff's door to research projects."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from incubator.organisations.forms import ReasonForm
from incubator.projects.models import ProjectMember, ResearchProject
from incubator.projects.services import register_project, update_project
from park_portal.core.admin import Act, StaffAdmin, StaffTabularInline, label_acts, money, state_label
from park_portal.core.imports.admin import import_pages


class TeamInline(StaffTabularInline):
    model = ProjectMember
    rule = "incubator.manage_project_team"
    fields = ["name", "email", "role", "can_edit", "user"]
    autocomplete_fields = ["user"]


@admin.register(ResearchProject)
class ResearchProjectAdmin(StaffAdmin):
    create = register_project
    update = update_project
    change_rule = "incubator.edit_project"
    acts = [
        Act(
            "start",
            done=gettext_lazy("The project is marked as under way."),
            icon="play_arrow",
            bulk="each",
        ),
        Act(
            "complete",
            done=gettext_lazy("The project is marked as completed."),
            form=ReasonForm,
            icon="check",
            bulk="each",
        ),
        Act(
            "stop",
            done=gettext_lazy("The project is stopped; it can be resumed here."),
            form=ReasonForm,
            icon="block",
            danger=True,
        ),
        Act("resume", done=gettext_lazy("The project is under way again."), form=ReasonForm, icon="undo"),
    ]
    pages = import_pages("incubator.researchproject", "incubator.import_projects")
    formfield_overrides = {ArrayField: {"widget": UnfoldAdminTextInputWidget}}
    list_display = ["code", "title", "principal_investigator", "institution", "amount", "trl", "state_shown"]
    list_display_links = ["code", "title"]
    list_filter = ["state", "trl", ("university", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["university"]
    search_fields = [
        "code",
        "title_zh_hans",
        "title_en",
        "principal_investigator",
        "grant_number",
        "institution_text",
        "university__name_zh_hans",
    ]
    search_help_text = gettext_lazy("Number, title, principal investigator, grant number or institution")
    ordering = ["-id"]
    inlines = [TeamInline]
    autocomplete_fields = ["university", "faculty", "pi_user"]
    fieldsets = [
        (None, {"fields": [("code", "state"), "title", "summary"]}),
        (
            gettext_lazy("People and place"),
            {
                "fields": [
                    ("principal_investigator", "pi_user"),
                    ("university", "faculty"),
                    "institution_text",
                ]
            },
        ),
        (
            gettext_lazy("Grant"),
            {
                "fields": [
                    ("source", "programme"),
                    ("grant_number", "approval_year"),
                    "amount_fen",
                    ("starts_on", "ends_on"),
                ]
            },
        ),
        (
            gettext_lazy("Content"),
            {
                "fields": [
                    "trl",
                    "discipline",
                    ("subject_codes", "subject_names"),
                    ("keywords_zh", "keywords_en"),
                ]
            },
        ),
        (gettext_lazy("Record"), {"fields": [("created_by", "created_at")]}),
    ]
    readonly_fields = ["code", "created_by", "created_at"]
    state_shown = state_label()
    amount = money("amount_fen", gettext_lazy("amount"))

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return self.inlines if obj is not None else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A project is stopped; an import is undone.
        return False

    @display(description=gettext_lazy("university or institute"))
    def institution(self, obj: ResearchProject) -> str:
        return obj.institution


label_acts(
    {
        "project.register": gettext_lazy("registered"),
        "project.update": gettext_lazy("changed"),
        "project.add_member": gettext_lazy("team member added"),
        "project.change_member": gettext_lazy("team member changed"),
        "project.remove_member": gettext_lazy("team member removed"),
        "project.join": gettext_lazy("joined the team"),
    }
)
