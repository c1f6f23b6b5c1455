"""Importing inside the admin's own frame: hand in a file, see what would happen, import, undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from unfold.decorators import display

from park_portal.core.admin import ReadOnly, StaffAdmin, StaffPage, dress, label_acts, state_label
from park_portal.core.errors import DomainError
from park_portal.core.imports.forms import OptionsForm, UploadForm
from park_portal.core.imports.models import ImportBatch
from park_portal.core.imports.registry import IMPORT_KINDS, ImportKind
from park_portal.core.imports.services import (
    LARGE,
    apply_batch,
    check_batch,
    choose_options,
    discard_batch,
    open_batch,
    undo_batch,
)
from park_portal.core.imports.states import ImportState
from park_portal.core.imports.tasks import APPLY, CHECK
from park_portal.core.imports.workbook import MAX_BYTES
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import start_job
from park_portal.core.jobs.states import OPEN
from park_portal.core.money import MoneyField, format_yuan
from park_portal.core.workflow import may


def import_pages(kind: str, rule: str) -> list[type[StaffPage]]:
    """Returns the pages of an import for a model's admin: put them among its `pages`."""
    attributes = {"kind_name": kind, "rule": rule}
    return [type("ImportPage", (UploadPage,), attributes), type("ImportBatchPage", (BatchPage,), attributes)]


def _check(batch: ImportBatch, *, actor: Any, options: Mapping[str, Any] | None = None) -> None:
    """Checks the file at once, or has a worker do it where it is large."""
    if batch.report.get("total", 0) > LARGE:
        if options is not None:
            choose_options(batch, actor=actor, options=options)
        start_job(CHECK, actor=actor, params={"batch": batch.pk})
    else:
        check_batch(batch, actor=actor, options=options)


class UploadPage(StaffPage):
    """Asks for the file."""

    name = "import_rows"
    path = "import/"
    title = gettext_lazy("Import from Excel")
    icon = "upload"
    offered = "list"
    template_name = "imports/upload.html"
    kind_name: ClassVar[str]

    @property
    def kind(self) -> ImportKind:
        return IMPORT_KINDS[self.kind_name]

    def context(self) -> Mapping[str, Any]:
        recent = ImportBatch.objects.visible_to(self.request.user).without_content()
        return {
            "form": dress(UploadForm()),
            "kind": self.kind,
            "columns": [
                (column.label, _examples(column.aliases), column.required) for column in self.kind.columns
            ],
            "recent": recent.filter(kind=self.kind_name).select_related("created_by")[:10],
            "list_url": self.address("changelist"),
        }

    def post(self) -> HttpResponseBase:
        form = dress(UploadForm(self.request.POST, self.request.FILES))
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                batch = open_batch(
                    # One byte more than is allowed is enough to refuse the rest unread.
                    file.read(MAX_BYTES + 1),
                    kind=self.kind_name,
                    file_name=file.name,
                    actor=self.request.user,
                )
            except DomainError as error:
                form.add_error("file", str(error))
            else:
                _check(batch, actor=self.request.user)
                return HttpResponseRedirect(batch.get_absolute_url())
        return self.render(form=form)


class BatchPage(StaffPage):
    """Shows what importing a file would do or did, and does or undoes it."""

    name = "import"
    path = "import/<int:batch_id>/"
    template_name = "imports/batch.html"
    kind_name: ClassVar[str]
    fullwidth = True

    def allowed(self, user: Any, obj: models.Model | None) -> bool:
        # Which batches one sees is asked of the batches themselves: auditors look on.
        return bool(user.is_staff)

    @property
    def batch(self) -> ImportBatch:
        found = self.__dict__.get("_batch")
        if found is None:
            visible = ImportBatch.objects.visible_to(self.request.user).filter(kind=self.kind_name)
            found = get_object_or_404(visible.select_related("created_by"), pk=self.kwargs["batch_id"])
            self.__dict__["_batch"] = found
        return found

    def get_title(self) -> str:
        return self.batch.file_name

    def post(self) -> HttpResponseBase:
        batch, user = self.batch, self.request.user
        if not may(user, "core.run_import", batch):
            raise PermissionDenied
        act = self.request.POST.get("act", "")
        if act == "check":
            form = self._options_form(self.request.POST)
            if form is not None and not form.is_valid():
                return self.render(options_form=form)
            _check(batch, actor=user, options=form.cleaned_data if form else {})
        elif act == "apply" and batch.report.get("total", 0) > LARGE:
            start_job(APPLY, actor=user, params={"batch": batch.pk})
        elif act == "apply":
            apply_batch(batch, actor=user)
            count = batch.rows_created + batch.rows_updated
            imported = ngettext("%(count)d row was imported.", "%(count)d rows were imported.", count)
            return self.redirect(message=imported % {"count": count})
        elif act == "undo" and batch.state == ImportState.APPLIED and not self.request.POST.get("confirmed"):
            return self.render(confirm_undo=True)
        elif act == "undo":
            undo_batch(batch, actor=user)
            return self.redirect(message=_("The import was undone."))
        elif act == "discard":
            discard_batch(batch, actor=user)
            put_aside = _("The file was put aside; nothing was imported.")
            return self.redirect(self.address("changelist"), message=put_aside)
        return self.redirect()

    def render(self, status: int = 200, **context: Any) -> Any:
        if context.get("problems") or context.get("error"):
            self.batch.refresh_from_db()
        return super().render(status, **context)

    def _options_form(self, data: Any = None) -> OptionsForm | None:
        batch = self.batch
        form = OptionsForm(
            data,
            kind=batch.definition,
            sheets=batch.report.get("sheets", []),
            initial={"sheet": batch.report.get("sheet"), **batch.options},
        )
        dress(form)
        return form if form.fields else None

    def context(self) -> Mapping[str, Any]:
        batch, report = self.batch, self.batch.report
        language = "en" if (get_language() or "").startswith("en") else "zh-hans"
        labels = {column.field: column.label for column in batch.definition.columns}

        def told(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [
                entry
                | {"message": entry["message"][language], "label_of_field": labels.get(entry["field"], "")}
                for entry in entries
            ]

        counts, name_of = report.get("counts", {}), _names()
        return {
            "batch": batch,
            "report": report,
            "running": Job.objects.filter(
                kind__in=(CHECK, APPLY), params={"batch": batch.pk}, state__in=OPEN
            ).first(),
            "layout": (report.get("layout") or {}).get(language),
            "columns": [
                column | {"label": labels.get(column["field"])} for column in report.get("columns", [])
            ],
            "errors": told(report.get("errors", [])),
            "warnings": told(report.get("warnings", [])),
            "rows": [
                _shown(batch.definition, row, name_of)
                for row in report.get("rows", [])
                if row["action"] != "unchanged"
            ],
            "options_form": self._options_form() if batch.state == ImportState.CHECKED else None,
            "ready": bool(report.get("checked")) and not report.get("errors"),
            "to_import": counts.get("created", 0) + counts.get("updated", 0),
            "unit": {"wan": _("万元 (ten thousand yuan)"), "yuan": _("元 (yuan)")}.get(
                batch.options.get("unit", "")
            ),
            "may_run": may(self.request.user, "core.run_import", batch),
            "list_url": self.address("changelist"),
        }


def _examples(aliases: tuple[str, ...]) -> list[str]:
    """Returns a few headings of each language."""
    english = [alias for alias in aliases if alias.isascii()]
    return [alias for alias in aliases if not alias.isascii()][:3] + english[:3]


def _shown(kind: ImportKind, row: dict[str, Any], name_of: Callable[[Any, Any], str]) -> dict[str, Any]:
    """Returns a row of the report with the names and values of its changes as people read them."""
    labels = {column.field: column.label for column in kind.columns}
    changes = []
    for field in kind.model._meta.concrete_fields:
        if field.attname not in row["changes"]:
            continue
        old, new = row["changes"][field.attname]
        label = labels.get(field.name) or labels.get(kind.sources.get(field.name, ""), field.verbose_name)
        changes.append((label, _readable(field, old, name_of), _readable(field, new, name_of)))
    return row | {"changes": changes}


def _readable(field: models.Field[Any, Any], value: Any, name_of: Callable[[Any, Any], str]) -> str:
    if value in (None, "", []):
        return "—"
    if isinstance(field, models.ForeignKey):
        return name_of(field.related_model, value)
    if isinstance(field, MoneyField):
        return format_yuan(value)
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _names() -> Callable[[Any, Any], str]:
    """Returns a function that names related records, asking for each only once."""

    @cache
    def name_of(model: Any, pk: Any) -> str:
        return str(model._base_manager.filter(pk=pk).first() or pk)

    return name_of


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnly, StaffAdmin):
    """Every import there was, to look up and to undo."""

    list_display = [
        "file_link",
        "kind_label",
        "state_shown",
        "rows_created",
        "rows_updated",
        "created_by",
        "created_at",
    ]
    list_display_links = None
    list_filter = ["state"]
    list_select_related = ["created_by"]
    state_shown = state_label()

    def rows_for(self, user: Any) -> models.QuerySet[ImportBatch]:
        return ImportBatch.objects.visible_to(user).without_content()

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(
            get_object_or_404(self.rows_for(request.user), pk=object_id).get_absolute_url()
        )

    @display(description=gettext_lazy("file"), ordering="file_name")
    def file_link(self, batch: ImportBatch) -> SafeString:
        return format_html('<a href="{}">{}</a>', batch.get_absolute_url(), batch.file_name)

    @display(description=gettext_lazy("kind"))
    def kind_label(self, batch: ImportBatch) -> Any:
        return batch.definition.label


label_acts({"import.open": gettext_lazy("file handed in for import")})
