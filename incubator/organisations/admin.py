"""Staff's door to organisations, their people, faculties and liaisons."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from incubator.organisations.models import Faculty, Liaison, Membership, Organisation
from incubator.organisations.services import (
    FIELDS,
    add_member,
    change_member_role,
    create_organisation,
    merge_organisations,
    near_duplicates,
    pairs_alike,
    remove_member,
    update_organisation,
)
from incubator.organisations.states import OrganisationState, Role
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError
from park_portal.core.imports.admin import ImportMixin
from park_portal.core.workflow import advance


class MembershipInline(TabularInline):  # type: ignore[misc]
    model = Membership
    extra = 0
    fields = ["user", "role", "created_at"]
    readonly_fields = ["created_at"]
    raw_id_fields = ["user"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("incubator.manage_organisation_members", obj)

    has_add_permission = has_delete_permission = has_change_permission


class FacultyInline(TabularInline):  # type: ignore[misc]
    model = Faculty
    extra = 0
    fields = ["name_zh_hans", "name_en", "code"]


class OrganisationForm(forms.ModelForm):  # type: ignore[type-arg]
    """Shows near duplicates once before a new record is kept."""

    not_a_duplicate = forms.BooleanField(
        label=gettext_lazy("None of these: it is another organisation"),
        required=False,
        widget=forms.HiddenInput,
    )

    class Meta:
        model = Organisation
        fields = FIELDS

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk is None and not self.errors and not cleaned.get("not_a_duplicate"):
            found = near_duplicates(
                name=cleaned.get("name_zh_hans", ""),
                name_en=cleaned.get("name_en") or "",
                uscc=cleaned.get("uscc"),
            )
            if found:
                links = ", ".join(f"{one.organisation} (No. {one.organisation.pk})" for one in found)
                self.fields["not_a_duplicate"].widget = forms.CheckboxInput()
                self.add_error(
                    "not_a_duplicate",
                    _("Is it one of these: %(links)s? If not, tick the box below the form and save again.")
                    % {"links": links},
                )
        return cleaned


@admin.register(Organisation)
class OrganisationAdmin(ImportMixin, ModelAdmin):  # type: ignore[misc]
    import_kind = "incubator.organisation"
    form = OrganisationForm
    list_display = ["name", "uscc", "kind", "technology_field", "district", "state_label", "created_at"]
    list_filter = ["state", "kind", "technology_field"]
    search_fields = ["name_zh_hans", "name_en", "uscc", "contact_name"]
    search_help_text = gettext_lazy("Name, credit code or contact person")
    ordering = ["-id"]
    show_full_result_count = False
    list_per_page = 50
    inlines = [MembershipInline, FacultyInline]
    actions_list = ["import_rows", "duplicates"]
    actions_detail = ["merge", "close", "reopen"]
    fieldsets = [
        (
            None,
            {"fields": ["name_zh_hans", "name_en", "uscc", "kind", "technology_field", "not_a_duplicate"]},
        ),
        (gettext_lazy("Registration"), {"fields": ["founded_on", "registered_address", "district"]}),
        (gettext_lazy("Summary"), {"fields": ["summary_zh_hans", "summary_en", "website"]}),
        (gettext_lazy("Contact"), {"fields": ["contact_name", "contact_phone", "contact_email"]}),
        (gettext_lazy("Record"), {"fields": ["state_label", "merged_into_link", "created_by", "created_at"]}),
    ]
    readonly_fields = ["state_label", "merged_into_link", "created_by", "created_at"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Organisation]:
        return Organisation.objects.visible_to(request.user).select_related("merged_into")

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        if obj is None:
            return []
        return [MembershipInline, FacultyInline] if obj.kind == "university" else [MembershipInline]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or request.user.has_perm("incubator.edit_organisation", obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(
        description=gettext_lazy("state"),
        ordering="state",
        label={"active": "success", "merged": "default", "closed": "warning"},
    )
    def state_label(self, obj: Organisation) -> tuple[str, str]:
        return obj.state, obj.get_state_display()

    @display(description=gettext_lazy("merged into"))
    def merged_into_link(self, obj: Organisation) -> Any:
        if obj.merged_into is None:
            return "—"
        address = reverse("admin:incubator_organisation_change", args=[obj.merged_into_id])
        return format_html('<a href="{}">{}</a>', address, obj.merged_into)

    def save_model(self, request: HttpRequest, obj: Organisation, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in FIELDS if name in form.cleaned_data}
        kept = (
            update_organisation(Organisation.objects.get(pk=obj.pk), actor=request.user, **values)
            if change
            else create_organisation(actor=request.user, **values)
        )
        obj.pk, obj._state.adding = kept.pk, False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if formset.model is Membership:
            self._save_members(request, form.instance, formset)
            return
        super().save_formset(request, form, formset, change)
        facts = {
            "added": [str(one) for one in formset.new_objects],
            "changed": [str(one) for one, _fields in formset.changed_objects],
            "removed": [str(one) for one in formset.deleted_objects],
        }
        if any(facts.values()):
            record("organisation.change_faculties", form.instance, actor=request.user, **facts)

    @staticmethod
    def _save_members(request: HttpRequest, organisation: Organisation, formset: Any) -> None:
        formset.save(commit=False)
        # New owners first, so that an owner may be replaced in one step.
        changed = sorted(
            (one for one, _fields in formset.changed_objects), key=lambda one: one.role != Role.OWNER
        )
        try:
            with transaction.atomic():
                for one in formset.new_objects:
                    add_member(organisation, actor=request.user, user=one.user, role=one.role)
                for one in changed:
                    change_member_role(Membership.objects.get(pk=one.pk), actor=request.user, role=one.role)
                for one in formset.deleted_objects:
                    remove_member(one, actor=request.user)
        except DomainError as error:
            messages.error(request, _("The members stay as they were: %(reason)s") % {"reason": error})

    # --- acts ---

    @action(
        description=gettext_lazy("Near duplicates"), url_path="duplicates", permissions=["merge"], icon="join"
    )
    def duplicates(self, request: HttpRequest) -> HttpResponse:
        if not self.has_merge_permission(request):
            raise PermissionDenied
        context = {"title": _("Near duplicates"), "pairs": pairs_alike(), **self._context(request)}
        return TemplateResponse(request, "incubator/organisations/admin_duplicates.html", context)

    def has_merge_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("incubator.merge_organisation"):
            return False
        return object_id is None or self._state(object_id) in (
            OrganisationState.ACTIVE,
            OrganisationState.CLOSED,
        )

    def has_close_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_move(request, object_id, OrganisationState.ACTIVE)

    def has_reopen_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_move(request, object_id, OrganisationState.CLOSED)

    def _may_move(self, request: HttpRequest, object_id: Any, state: str) -> bool:
        return request.user.has_perm("incubator.close_organisation") and self._state(object_id) == state

    @staticmethod
    def _state(object_id: Any) -> str | None:
        pk = getattr(object_id, "pk", object_id)
        return Organisation.objects.filter(pk=pk).values_list("state", flat=True).first()

    @action(
        description=gettext_lazy("Merge with another record"),
        url_path="merge",
        permissions=["merge"],
        icon="join",
    )
    def merge(self, request: HttpRequest, object_id: int) -> HttpResponse:
        organisation = get_object_or_404(Organisation.objects.visible_to(request.user), pk=object_id)
        other_id = request.GET.get("with", "")
        if other_id.isdigit():
            address = reverse("admin:incubator_organisation_compare", args=[organisation.pk, int(other_id)])
            return HttpResponseRedirect(address)
        candidates = near_duplicates(
            name=organisation.name_zh_hans,
            name_en=organisation.name_en or "",
            exclude=organisation.pk,
            limit=10,
        )
        context = {
            "title": _("Merge %(name)s") % {"name": organisation},
            "organisation": organisation,
            "candidates": candidates,
            "found": self._search(request, organisation),
            "query": request.GET.get("q", ""),
            **self._context(request),
        }
        return TemplateResponse(request, "incubator/organisations/admin_merge.html", context)

    @staticmethod
    def _search(request: HttpRequest, organisation: Organisation) -> list[Organisation]:
        text = request.GET.get("q", "").replace("\0", "").strip()
        if not text:
            return []
        wanted = (
            models.Q(name_zh_hans__icontains=text)
            | models.Q(name_en__icontains=text)
            | models.Q(uscc__iexact=text)
        )
        stored = Organisation.objects.exclude(state=OrganisationState.MERGED).exclude(pk=organisation.pk)
        return list(stored.filter(wanted)[:10])

    @action(
        description=gettext_lazy("Mark as closed down"), url_path="close", permissions=["close"], icon="block"
    )
    def close(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(request, object_id, "close")

    @action(description=gettext_lazy("Reopen"), url_path="reopen", permissions=["reopen"], icon="undo")
    def reopen(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(request, object_id, "reopen")

    def _move(self, request: HttpRequest, object_id: int, name: str) -> HttpResponse:
        organisation = get_object_or_404(Organisation.objects.visible_to(request.user), pk=object_id)
        transition = Organisation.machine.get(name)
        address = reverse("admin:incubator_organisation_change", args=[organisation.pk])
        if request.method == "POST":
            try:
                advance(organisation, name, actor=request.user, reason=request.POST.get("reason", "")[:500])
            except DomainError as error:
                messages.error(request, str(error))
            else:
                messages.success(request, _("Done: %(act)s.") % {"act": transition.label})
            return HttpResponseRedirect(address)
        context = {
            "title": transition.label,
            "object": organisation,
            "transition": transition,
            "back": address,
            **self._context(request),
        }
        return TemplateResponse(request, "incubator/admin_move.html", context)

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:left>/compare/<int:right>/",
                self.admin_site.admin_view(self.compare),
                name="incubator_organisation_compare",
            ),
            *super().get_urls(),
        ]

    def compare(self, request: HttpRequest, left: int, right: int) -> HttpResponse:
        """Shows two records side by side and merges them into the one chosen, with the values chosen."""
        if not self.has_merge_permission(request):
            raise PermissionDenied
        visible = Organisation.objects.visible_to(request.user).exclude(state=OrganisationState.MERGED)
        if left == right:
            raise Http404
        a, b = get_object_or_404(visible, pk=left), get_object_or_404(visible, pk=right)
        if request.method == "POST":
            keep, gone = (b, a) if request.POST.get("keep") == "right" else (a, b)
            sides = {"left": a, "right": b}
            values = {
                name: getattr(sides[side], name)
                for name in FIELDS
                if (side := request.POST.get(f"value-{name}", "")) in sides
            }
            try:
                merge_organisations(gone, actor=request.user, into=keep, values=values)
            except DomainError as error:
                messages.error(request, str(error))
            else:
                messages.success(request, _("The two records are now one."))
                return HttpResponseRedirect(reverse("admin:incubator_organisation_change", args=[keep.pk]))
        context = {
            "title": _("Compare and merge"),
            "left": a,
            "right": b,
            "rows": [_compared(name, a, b) for name in FIELDS],
            "counts": [_counts(a), _counts(b)],
            "two_bodies": bool(a.uscc and b.uscc and a.uscc != b.uscc),
            **self._context(request),
        }
        return TemplateResponse(request, "incubator/organisations/admin_compare.html", context)


def _compared(name: str, a: Organisation, b: Organisation) -> dict[str, Any]:
    field = Organisation._meta.get_field(name)
    texts = [_text(one, name) for one in (a, b)]
    return {
        "name": name,
        "label": field.verbose_name,
        "texts": texts,
        "same": texts[0] == texts[1],
        # The fuller record is offered first; where both say something the left one stays.
        "keep": "right" if not texts[0] and texts[1] else "left",
    }


def _text(organisation: Organisation, name: str) -> str:
    display_of = getattr(organisation, f"get_{name}_display", None)
    value = display_of() if display_of else getattr(organisation, name)
    return "" if value is None else str(value)


def _counts(organisation: Organisation) -> dict[str, int]:
    return {
        "members": organisation.memberships.count(),
        "projects": organisation.research_projects.count(),
    }


@admin.register(Liaison)
class LiaisonAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ["user", "organisation", "faculty", "active", "starts_on", "ends_on"]
    list_filter = ["active", "organisation"]
    list_select_related = ["user", "organisation", "faculty"]
    search_fields = ["user__name", "user__email"]
    raw_id_fields = ["user"]
    autocomplete_fields = ["organisation", "faculty"]
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Liaison, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {name: form.cleaned_data[name] for name in form.changed_data}
        record("liaison.change" if change else "liaison.appoint", obj, actor=request.user, after=after)


@admin.register(Faculty)
class FacultyAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ["name", "code", "organisation"]
    list_filter = ["organisation"]
    list_select_related = ["organisation"]
    search_fields = ["name_zh_hans", "name_en", "code"]
    autocomplete_fields = ["organisation"]
    fields = ["organisation", "name_zh_hans", "name_en", "code"]
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Faculty, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {name: form.cleaned_data[name] for name in form.changed_data}
        record("faculty.change" if change else "faculty.create", obj, actor=request.user, after=after)
