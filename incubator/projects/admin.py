"""Staff's door to research projects."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from incubator.projects.models import ProjectMember, ResearchProject
from incubator.projects.services import FIELDS, register_project, update_project
from park_portal.core.errors import DomainError
from park_portal.core.imports.admin import ImportMixin
from park_portal.core.money import fen_to_yuan, format_yuan, yuan_to_fen
from park_portal.core.workflow import advance


class TeamInline(TabularInline):  # type: ignore[misc]
    model = ProjectMember
    extra = 0
    fields = ["name", "email", "role", "can_edit", "user"]
    raw_id_fields = ["user"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("incubator.manage_project_team", obj)

    has_add_permission = has_delete_permission = has_change_permission


class ResearchProjectForm(forms.ModelForm):  # type: ignore[type-arg]
    """Takes the amount in yuan."""

    amount_fen = forms.DecimalField(
        label=gettext_lazy("Amount in yuan"), required=False, min_value=0, max_digits=13, decimal_places=2
    )

    class Meta:
        model = ResearchProject
        fields = (*FIELDS, "pi_user")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.amount_fen is not None:
            self.initial["amount_fen"] = fen_to_yuan(self.instance.amount_fen)

    def clean_amount_fen(self) -> int | None:
        amount = self.cleaned_data["amount_fen"]
        return None if amount is None else yuan_to_fen(amount)


@admin.register(ResearchProject)
class ResearchProjectAdmin(ImportMixin, ModelAdmin):  # type: ignore[misc]
    import_kind = "incubator.researchproject"
    form = ResearchProjectForm
    list_display = ["code", "title", "principal_investigator", "institution", "amount", "trl", "state_label"]
    list_display_links = ["code", "title"]
    list_filter = ["state", "source", "trl", ("university", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["university"]
    search_fields = [
        "code",
        "title_zh_hans",
        "title_en",
        "principal_investigator",
        "grant_number",
        "institution_text",
    ]
    search_help_text = gettext_lazy("Number, title, principal investigator, grant number or institution")
    ordering = ["-id"]
    show_full_result_count = False
    list_per_page = 50
    inlines = [TeamInline]
    actions_list = ["import_rows"]
    actions_detail = ["start", "complete", "stop", "resume"]
    autocomplete_fields = ["university", "faculty"]
    raw_id_fields = ["pi_user"]
    fieldsets = [
        (
            None,
            {"fields": ["code", "state_label", "title_zh_hans", "title_en", "summary_zh_hans", "summary_en"]},
        ),
        (
            gettext_lazy("People and place"),
            {"fields": ["principal_investigator", "pi_user", "university", "faculty", "institution_text"]},
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
            {"fields": ["trl", "discipline", "subject_codes", "subject_names", "keywords_zh", "keywords_en"]},
        ),
        (gettext_lazy("Record"), {"fields": ["created_by", "created_at"]}),
    ]
    readonly_fields = ["code", "state_label", "created_by", "created_at"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ResearchProject]:
        return ResearchProject.objects.visible_to(request.user)

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [TeamInline] if obj is not None else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(
        description=gettext_lazy("state"),
        ordering="state",
        label={"registered": "info", "active": "success", "completed": "default", "stopped": "warning"},
    )
    def state_label(self, obj: ResearchProject) -> tuple[str, str]:
        return obj.state, obj.get_state_display()

    @display(description=gettext_lazy("university or institute"))
    def institution(self, obj: ResearchProject) -> str:
        return obj.institution

    @display(description=gettext_lazy("amount"), ordering="amount_fen")
    def amount(self, obj: ResearchProject) -> str:
        return format_yuan(obj.amount_fen) or "—"

    def save_model(self, request: HttpRequest, obj: ResearchProject, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in FIELDS if name in form.cleaned_data}
        if change:
            kept = update_project(
                ResearchProject.objects.get(pk=obj.pk),
                actor=request.user,
                pi_user=form.cleaned_data.get("pi_user"),
                **values,
            )
        else:
            kept = register_project(actor=request.user, pi_user=form.cleaned_data.get("pi_user"), **values)
        obj.pk, obj.code, obj._state.adding = kept.pk, kept.code, False

    # --- acts ---

    def has_start_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "start")

    def has_complete_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "complete")

    def has_stop_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "stop")

    def has_resume_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "resume")

    @staticmethod
    def _may(request: HttpRequest, object_id: Any, name: str) -> bool:
        project = ResearchProject.objects.filter(pk=getattr(object_id, "pk", object_id)).first()
        return project is not None and name in {
            one.name for one in ResearchProject.machine.available(project, request.user)
        }

    @action(description=gettext_lazy("Mark as under way"), url_path="start", permissions=["start"])
    def start(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(request, object_id, "start")

    @action(description=gettext_lazy("Mark as completed"), url_path="complete", permissions=["complete"])
    def complete(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(request, object_id, "complete")

    @action(description=gettext_lazy("Stop"), url_path="stop", permissions=["stop"])
    def stop(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(request, object_id, "stop")

    @action(description=gettext_lazy("Resume"), url_path="resume", permissions=["resume"])
    def resume(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(request, object_id, "resume")

    def _move(self, request: HttpRequest, object_id: int, name: str) -> HttpResponse:
        project = get_object_or_404(ResearchProject.objects.visible_to(request.user), pk=object_id)
        transition = ResearchProject.machine.get(name)
        address = reverse("admin:incubator_researchproject_change", args=[project.pk])
        if request.method == "POST":
            try:
                advance(project, name, actor=request.user, reason=request.POST.get("reason", "")[:500])
            except DomainError as error:
                messages.error(request, str(error))
            else:
                messages.success(request, _("Done: %(act)s.") % {"act": transition.label})
            return HttpResponseRedirect(address)
        context = {
            "title": transition.label,
            "object": project,
            "transition": transition,
            "back": address,
            **self._context(request),
        }
        return TemplateResponse(request, "incubator/admin_move.html", context)
