"""Staff's door to organisations, their people, faculties and liaisons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from incubator.organisations.forms import ReasonForm
from incubator.organisations.models import Faculty, Liaison, LiaisonClaim, Membership, Organisation
from incubator.organisations.services import (
    FIELDS,
    add_member,
    appoint_liaison,
    change_member_role,
    create_claim,
    create_organisation,
    merge_organisations,
    near_duplicates,
    pairs_alike,
    remove_claim,
    remove_liaison,
    remove_member,
    update_claim,
    update_liaison,
    update_organisation,
)
from incubator.organisations.states import OrganisationKind, OrganisationState, Role
from park_portal.core.accounts.models import User
from park_portal.core.admin import Act, StaffAdmin, StaffPage, StaffTabularInline, label_acts, state_label
from park_portal.core.imports.admin import import_pages


class MembershipInline(StaffTabularInline):
    model = Membership
    rule = "incubator.manage_organisation_members"
    fields = ["user", "role", "created_at"]
    readonly_fields = ["created_at"]
    autocomplete_fields = ["user"]


class FacultyInline(StaffTabularInline):
    model = Faculty
    fields = ["name", "code"]


class OrganisationForm(forms.ModelForm):
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
                    _("Is it one of these: %(links)s? If not, tick the box and save again.")
                    % {"links": links},
                )
        return cleaned


def _create(*, actor: Any, not_a_duplicate: bool = False, **values: Any) -> Organisation:
    return create_organisation(actor=actor, **values)


def _update(
    organisation: Organisation, *, actor: Any, not_a_duplicate: bool = False, **values: Any
) -> Organisation:
    return update_organisation(organisation, actor=actor, **values)


class DuplicatesPage(StaffPage):
    """Lists the pairs of records that look like one organisation."""

    name = "duplicates"
    path = "duplicates/"
    rule = "incubator.merge_organisation"
    title = gettext_lazy("Near duplicates")
    icon = "join"
    offered = "list"
    template_name = "incubator/organisations/admin_duplicates.html"

    def context(self) -> Mapping[str, Any]:
        return {"pairs": pairs_alike(), "list_url": self.address("changelist")}


class MergePage(StaffPage):
    """Finds the record to merge with."""

    name = "merge"
    path = "<int:pk>/merge/"
    rule = "incubator.merge_organisation"
    title = gettext_lazy("Merge with another record")
    icon = "join"
    offered = "record"
    template_name = "incubator/organisations/admin_merge.html"

    def allowed(self, user: Any, obj: models.Model | None) -> bool:
        return super().allowed(user, obj) and getattr(obj, "state", "") != OrganisationState.MERGED

    def context(self) -> Mapping[str, Any]:
        organisation = self.object
        return {
            "organisation": organisation,
            "candidates": near_duplicates(
                name=organisation.name_zh_hans,
                name_en=organisation.name_en or "",
                exclude=organisation.pk,
                limit=10,
            ),
            "found": self._search(),
            "query": self.request.GET.get("q", ""),
        }

    def _search(self) -> list[Organisation]:
        text = self.request.GET.get("q", "").replace("\0", "").strip()
        if not text:
            return []
        wanted = (
            models.Q(name_zh_hans__icontains=text)
            | models.Q(name_en__icontains=text)
            | models.Q(uscc__iexact=text)
        )
        stored = Organisation.objects.exclude(state=OrganisationState.MERGED).exclude(pk=self.object.pk)
        return list(stored.filter(wanted)[:10])


class ComparePage(StaffPage):
    """Shows two records side by side and merges them into the one chosen, with the values chosen."""

    name = "compare"
    path = "<int:pk>/compare/<int:other>/"
    rule = "incubator.merge_organisation"
    title = gettext_lazy("Compare and merge")
    template_name = "incubator/organisations/admin_compare.html"
    fullwidth = True

    def sides(self) -> tuple[Organisation, Organisation]:
        """Returns both records; a 404 where one of them is gone already."""
        rows = Organisation.objects.visible_to(self.request.user).exclude(state=OrganisationState.MERGED)
        if self.kwargs["pk"] == self.kwargs["other"] or self.object.state == OrganisationState.MERGED:
            raise Http404
        return self.object, get_object_or_404(rows, pk=self.kwargs["other"])

    def context(self) -> Mapping[str, Any]:
        left, right = self.sides()
        return {
            "left": left,
            "right": right,
            "rows": [_compared(name, left, right) for name in FIELDS],
            "counts": [_counts(left), _counts(right)],
            "two_bodies": bool(left.uscc and right.uscc and left.uscc != right.uscc),
            "list_url": self.address("changelist"),
        }

    def post(self) -> HttpResponseBase:
        left, right = self.sides()
        keep, gone = (right, left) if self.request.POST.get("keep") == "right" else (left, right)
        sides = {"left": left, "right": right}
        values = {
            name: getattr(sides[side], name)
            for name in FIELDS
            if (side := self.request.POST.get(f"value-{name}", "")) in sides
        }
        merge_organisations(gone, actor=self.request.user, into=keep, values=values)
        return self.redirect(self.address("change", keep.pk), message=_("The two records are now one."))


def _compared(name: str, left: Organisation, right: Organisation) -> dict[str, Any]:
    texts = [_text(one, name) for one in (left, right)]
    return {
        "name": name,
        "label": _label(name),
        "texts": texts,
        "same": texts[0] == texts[1],
        # The record that says something is offered first; where both do, the left one.
        "keep": "right" if not texts[0] and texts[1] else "left",
    }


def _label(name: str) -> str:
    field: Any = Organisation._meta.get_field(name)
    language = dict(settings.LANGUAGES).get(getattr(field, "language", ""))
    if language is None:
        return str(field.verbose_name)
    return f"{field.translated_field.verbose_name} ({language})"


def _text(organisation: Organisation, name: str) -> str:
    display_of = getattr(organisation, f"get_{name}_display", None)
    value = display_of() if display_of else getattr(organisation, name)
    return "" if value is None else str(value)


def _counts(organisation: Organisation) -> dict[str, int]:
    return {
        "members": organisation.memberships.count(),
        "projects": organisation.research_projects.count(),
    }


@admin.register(Organisation)
class OrganisationAdmin(StaffAdmin):
    form = OrganisationForm
    create = _create
    update = _update
    change_rule = "incubator.edit_organisation"
    acts = [
        Act(
            "close",
            done=gettext_lazy(
                "The organisation is marked as closed down: nobody edits it or applies for it until it is reopened here."
            ),
            form=ReasonForm,
            icon="block",
            danger=True,
        ),
        Act(
            "reopen",
            done=gettext_lazy("The organisation is in use again; its members can edit it and apply for it."),
            form=ReasonForm,
            icon="undo",
        ),
    ]
    pages = [
        *import_pages("incubator.organisation", "incubator.import_organisations"),
        DuplicatesPage,
        MergePage,
        ComparePage,
    ]
    list_display = ["name", "uscc", "kind", "technology_field", "district", "state_shown", "created_at"]
    list_filter = ["state", "kind", "technology_field"]
    list_select_related = False
    search_fields = ["name_zh_hans", "name_en", "uscc", "contact_name"]
    search_help_text = gettext_lazy("Name, credit code or contact person")
    ordering = ["-id"]
    inlines = [MembershipInline, FacultyInline]
    fieldsets = [
        (None, {"fields": ["name", "not_a_duplicate", "uscc", ("kind", "technology_field")]}),
        (gettext_lazy("Registration"), {"fields": [("founded_on", "district"), "registered_address"]}),
        (gettext_lazy("Summary"), {"fields": ["summary", "website"]}),
        (gettext_lazy("Contact"), {"fields": [("contact_name", "contact_phone"), "contact_email"]}),
        (gettext_lazy("Record"), {"fields": [("state", "merged_into_link"), ("created_by", "created_at")]}),
    ]
    readonly_fields = ["merged_into_link", "created_by", "created_at"]
    state_shown = state_label()

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        if obj is None:
            return []
        return self.inlines if obj.kind == OrganisationKind.UNIVERSITY else [MembershipInline]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # An organisation is closed or merged; what it did stays.
        return False

    @display(description=gettext_lazy("merged into"))
    def merged_into_link(self, obj: Organisation) -> Any:
        if obj.merged_into is None:
            return "—"
        return format_html('<a href="{}">{}</a>', self.address("change", obj.merged_into_id), obj.merged_into)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if formset.model is not Membership:
            super().save_formset(request, form, formset, change)
            return
        formset.save(commit=False)
        # New owners first, so that an owner may be replaced in one step.
        changed = sorted(
            (one for one, _fields in formset.changed_objects), key=lambda one: one.role != Role.OWNER
        )
        actor = cast(User, request.user)
        with transaction.atomic():
            for one in formset.new_objects:
                add_member(form.instance, actor=actor, user=one.user, role=one.role)
            for one in changed:
                change_member_role(Membership.objects.get(pk=one.pk), actor=actor, role=one.role)
            for one in formset.deleted_objects:
                remove_member(one, actor=actor)


@admin.register(Liaison)
class LiaisonAdmin(StaffAdmin):
    create, update, remove = appoint_liaison, update_liaison, remove_liaison
    list_display = ["user", "organisation", "faculty", "active", "starts_on", "ends_on"]
    list_filter = ["active", ("organisation", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["user", "organisation", "faculty"]
    search_fields = ["user__name", "user__email", "organisation__name_zh_hans", "faculty__name_zh_hans"]
    ordering = ["-id"]
    autocomplete_fields = ["user", "organisation", "faculty"]
    fields = ["user", ("organisation", "faculty"), "active", ("starts_on", "ends_on")]


@admin.register(LiaisonClaim)
class LiaisonClaimAdmin(StaffAdmin):
    create, update, remove = create_claim, update_claim, remove_claim
    list_display = ["value", "organisation", "faculty", "starts_on", "ends_on"]
    list_filter = [("organisation", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["organisation", "faculty"]
    search_fields = ["value", "organisation__name_zh_hans", "faculty__name_zh_hans"]
    ordering = ["-id"]
    autocomplete_fields = ["organisation", "faculty"]
    fields = ["value", ("organisation", "faculty"), ("starts_on", "ends_on")]


@admin.register(Faculty)
class FacultyAdmin(StaffAdmin):
    list_display = ["name", "code", "organisation"]
    list_filter = [("organisation", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["organisation"]
    search_fields = ["name_zh_hans", "name_en", "code"]
    ordering = ["-id"]
    autocomplete_fields = ["organisation"]
    fields = ["organisation", "name", "code"]


label_acts(
    {
        "organisation.update": gettext_lazy("changed"),
        "organisation.join_request": gettext_lazy("asked to join"),
        "organisation.join": gettext_lazy("joined"),
        "organisation.add_member": gettext_lazy("member added"),
        "organisation.change_role": gettext_lazy("role of a member changed"),
        "organisation.remove_member": gettext_lazy("member removed"),
        "organisation.merge_from": gettext_lazy("took over another record"),
        "liaison.appoint": gettext_lazy("liaison appointed"),
        "liaison.end": gettext_lazy("liaison's term ended"),
    }
)
