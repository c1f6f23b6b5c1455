"""The audit trail: to look up who did what, and to prove that nothing in it was touched."""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import DropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from park_portal.core.accounts.models import User
from park_portal.core.accounts.rules import sees_records
from park_portal.core.admin import ReadOnly, StaffAdmin, StaffPage, dress, pretty_json
from park_portal.core.admin.history import shown
from park_portal.core.admin.labels import act_label, thing_label
from park_portal.core.admin.links import may_open
from park_portal.core.audit.models import Entry, Seal
from park_portal.core.audit.services import GENESIS, verify_chain

DOORS = {
    "web": pgettext_lazy("door", "portal"),
    "admin": pgettext_lazy("door", "administration"),
    "api": pgettext_lazy("door", "API"),
    "worker": pgettext_lazy("door", "worker"),
    "shell": pgettext_lazy("door", "shell"),
}


class ThingFilter(DropdownFilter):
    title = _("record type")
    parameter_name = "thing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        open_apps = ["core", "incubator", "funding"] if sees_records(request.user) else ["core"]
        kinds = [model for app in open_apps for model in apps.get_app_config(app).get_models()]
        return sorted(
            ((m._meta.label_lower, str(m._meta.verbose_name)) for m in kinds), key=lambda pair: pair[1]
        )

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(object_type=self.value()) if self.value() else queryset


class DoorFilter(DropdownFilter):
    title = pgettext_lazy("audit", "door")
    parameter_name = "door"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return list(DOORS.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(door=self.value()) if self.value() else queryset


class HeadForm(forms.Form):
    expected = forms.RegexField(
        r"^[0-9a-f]{64}$",
        label=_("head exported earlier"),
        required=False,
        help_text=_(
            "Also tells whether the newest entries were cut off since. Leave empty if you have none."
        ),
        error_messages={"invalid": _("A head has 64 characters of 0–9 and a–f.")},
    )


class VerifyPage(StaffPage):
    """Recomputes the hash chain and says whether it is whole; hands out its head."""

    name, path = "verify", "verify/"
    rule, title, icon = "core.view_entry", _("Check the chain"), "verified_user"
    offered = "list"
    template_name = "admin/audit_verify.html"

    def get(self) -> HttpResponseBase:
        head = Seal.objects.order_by("-position").first()
        if self.request.GET.get("export") == "1":
            body = f"{head.digest if head else GENESIS}  {head.position if head else 0}  {timezone.now().isoformat()}\n"
            response = HttpResponse(body, content_type="text/plain; charset=utf-8")
            response["Content-Disposition"] = 'attachment; filename="audit-head.txt"'
            return response
        return self.render(head=head, form=dress(HeadForm()))

    def post(self) -> HttpResponseBase:
        form = dress(HeadForm(self.request.POST))
        head = Seal.objects.order_by("-position").first()
        if not form.is_valid():
            return self.render(head=head, form=form)
        verdict = verify_chain(expected_head=form.cleaned_data["expected"] or None)
        broken = Entry.objects.filter(pk=verdict.broken_at).first() if verdict.broken_at else None
        return self.render(head=head, form=form, verdict=verdict, broken=broken)


@admin.register(Entry)
class EntryAdmin(ReadOnly, StaffAdmin):
    list_display = ["moment", "who", "act_shown", "thing", "door_shown", "address"]
    list_filter = [ThingFilter, DoorFilter, ("at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_select_related = ["actor"]
    list_display_links = ["moment"]
    search_fields = ["object_label"]
    search_help_text = _("Record, person, number of the record or of the request")
    ordering = ["-id"]
    sortable_by = ()
    pages = [VerifyPage]
    fieldsets = [
        (None, {"fields": ["moment", "who", "act_shown", "record_link"]}),
        (_("Values"), {"fields": ["values", "facts_shown"]}),
        (_("Origin"), {"fields": ["door_shown", "address", "request_id", "on_behalf_of"]}),
        (_("Chain"), {"fields": ["seal"]}),
    ]
    readonly_fields = [
        "moment",
        "who",
        "act_shown",
        "thing",
        "record_link",
        "values",
        "facts_shown",
        "door_shown",
        "seal",
    ]

    def rows_for(self, user: Any) -> models.QuerySet[Entry]:
        # The system administrator keeps accounts going and sees no application, in the audit trail neither.
        rows = Entry.objects.all()
        return rows if sees_records(user) else rows.filter(object_type__startswith="core.")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return super().change_view(
            request, object_id, form_url, {"show_history": False, **(extra_context or {})}
        )

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        people = list(
            User.objects.filter(models.Q(name__icontains=term) | models.Q(email__iexact=term)).values_list(
                "pk"
            )[:50]
        )
        wanted = models.Q(object_label__icontains=term) | models.Q(actor_id__in=[pk for (pk,) in people])
        if term.isdecimal():
            wanted |= models.Q(object_id=term)
        if len(term) >= 8:
            wanted |= models.Q(request_id__startswith=term)
        return queryset.filter(wanted), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        if not object_id.isdecimal() or len(object_id) > 18:
            return None
        return self.get_queryset(request).select_related("actor").filter(pk=object_id).first()

    @display(description=_("time"))
    def moment(self, entry: Entry) -> str:
        return timezone.localtime(entry.at).strftime("%Y-%m-%d %H:%M:%S")

    @display(description=_("who"))
    def who(self, entry: Entry) -> str:
        return str(entry.actor or _("the portal itself"))

    @display(description=_("act"))
    def act_shown(self, entry: Entry) -> str:
        return act_label(entry.action)

    @display(description=_("record"), header=True)
    def thing(self, entry: Entry) -> list[str]:
        return [entry.object_label, thing_label(entry.object_type)]

    @display(description=pgettext_lazy("audit", "door"))
    def door_shown(self, entry: Entry) -> str:
        return str(DOORS.get(entry.door, entry.door))

    @display(description=_("record"))
    def record_link(self, entry: Entry) -> str:
        app, _dot, model = entry.object_type.partition(".")
        try:
            address = reverse(f"admin:{app}_{model}_change", args=[entry.object_id])
            # Number 0 is nobody: somebody tried an account that does not exist.
            opens = entry.object_id != "0" and may_open(self.request, apps.get_model(entry.object_type))
        except (NoReverseMatch, LookupError, ValueError):
            opens = False
        if not opens:
            return f"{thing_label(entry.object_type)}: {entry.object_label}"
        kind = thing_label(entry.object_type)
        return format_html('{}: <a class="text-link" href="{}">{}</a>', kind, address, entry.object_label)

    @display(description=_("before and after"))
    def values(self, entry: Entry) -> str:
        found = shown(entry)["changes"]
        return render_to_string("admin/_changes.html", {"changes": found}) if found else "—"

    @display(description=_("facts"))
    def facts_shown(self, entry: Entry) -> str:
        return pretty_json(entry.facts)

    @display(description=_("seal"))
    def seal(self, entry: Entry) -> str:
        found = Seal.objects.filter(entry_id=entry.pk).first()
        if found is None:
            return str(_("Not sealed yet; that takes a few seconds."))
        return format_html(
            "<code>{}</code> · {}", found.digest, _("link %(number)d") % {"number": found.position}
        )
