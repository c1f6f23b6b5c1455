"""Documents: which there are and what they belong to; each opens only for who may read it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from park_portal.core.admin import ReadOnly, StaffAdmin
from park_portal.core.admin.labels import thing_label
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import NOBODY_ELSES, READERS, may_read


class SubjectFilter(DropdownFilter):
    title = _("record type")
    parameter_name = "subject"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return sorted(((name, thing_label(name)) for name in READERS), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(subject_type=self.value()) if self.value() else queryset


@admin.register(Document)
class DocumentAdmin(ReadOnly, StaffAdmin):
    list_display = [
        "name_and_kind",
        "belongs_to",
        "size_shown",
        "version",
        "uploaded_by",
        "created_at",
        "in_use",
    ]
    list_filter = [SubjectFilter]
    list_select_related = ["uploaded_by"]
    search_fields = ["name", "=sha256"]
    search_help_text = _("File name or SHA-256")
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "name",
                    "open_link",
                    "kind",
                    "belongs_to",
                    "size_shown",
                    "mime",
                    "version",
                    "replaces",
                ]
            },
        ),
        (_("Origin"), {"fields": ["uploaded_by", "created_at", "removed_at", "sha256"]}),
    ]
    readonly_fields = ["open_link", "belongs_to", "size_shown"]

    def rows_for(self, user: Any) -> models.QuerySet[Document]:
        return Document.objects.exclude(kind__in=NOBODY_ELSES)

    @display(description=_("file"), ordering="name", header=True)
    def name_and_kind(self, document: Document) -> list[str]:
        return [document.name, document.kind]

    @display(description=_("belongs to"))
    def belongs_to(self, document: Document) -> str:
        return f"{thing_label(document.subject_type)} {document.subject_id}"

    @display(description=_("size"), ordering="size")
    def size_shown(self, document: Document) -> str:
        return str(filesizeformat(document.size))

    @display(description=pgettext_lazy("document", "current"), boolean=True)
    def in_use(self, document: Document) -> bool:
        return document.removed_at is None

    @display(description=pgettext_lazy("document", "open"))
    def open_link(self, document: Document) -> str:
        if not may_read(self.request.user, document):
            return str(_("You may not open this file."))
        return format_html(
            '<a class="text-link" href="{}">{}</a> ({})',
            document.get_absolute_url(),
            document.name,
            _("opening it is recorded"),
        )
