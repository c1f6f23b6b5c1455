"""Importing inside the admin's own frame: hand in a file, see what would happen, import, undo."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

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
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import start_job
from park_portal.core.jobs.states import OPEN
from park_portal.core.money import MoneyField, format_yuan


class ImportMixin:
    """Gives a model's admin the pages of its import; `import_kind` names the kind."""

    import_kind: str
    actions_list = ["import_rows"]

    @action(
        description=gettext_lazy("Import from Excel"),
        url_path="import",
        permissions=["import_rows"],
        icon="upload",
    )
    def import_rows(self, request: HttpRequest) -> HttpResponse:
        kind = self._kind(request)
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                batch = open_batch(
                    file.read() if file.size <= 11 * 1024 * 1024 else b"x" * (11 * 1024 * 1024),
                    kind=kind.name,
                    file_name=file.name,
                    actor=request.user,
                )
            except DomainError as error:
                form.add_error("file", str(error))
            else:
                return self._check(request, batch)
        context = {
            "title": _("Import from Excel: %(kind)s") % {"kind": kind.label},
            "form": form,
            "kind": kind,
            "columns": [(column.label, column.aliases[:4], column.required) for column in kind.columns],
            "recent": ImportBatch.objects.visible_to(request.user)
            .without_content()
            .filter(kind=kind.name)
            .select_related("created_by")[:10],
        }
        return TemplateResponse(request, "imports/upload.html", self._context(request) | context)

    def has_import_rows_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(IMPORT_KINDS[self.import_kind].rule)

    def get_urls(self) -> list[URLPattern]:
        meta = self.model._meta  # type: ignore[attr-defined]
        return [
            path(
                "import/<int:batch_id>/",
                self.admin_site.admin_view(self.batch_page),  # type: ignore[attr-defined]
                name=f"{meta.app_label}_{meta.model_name}_import",
            ),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def batch_page(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        visible = ImportBatch.objects.visible_to(request.user).filter(kind=self.import_kind)
        batch = get_object_or_404(visible.select_related("created_by"), pk=batch_id)
        may_run = request.user.has_perm("core.run_import", batch)
        problems: list[Any] = []
        if request.method == "POST":
            if not may_run:
                raise PermissionDenied
            try:
                return self._act(request, batch, request.POST.get("act", ""))
            except DomainError as error:
                messages.error(request, str(error))
                problems = [problem.message for problem in error.problems]
                batch.refresh_from_db()
        return TemplateResponse(
            request,
            "imports/batch.html",
            self._context(request)
            | self._batch_context(request, batch)
            | {"problems": problems, "may_run": may_run},
        )

    def _act(self, request: HttpRequest, batch: ImportBatch, act: str) -> HttpResponse:
        if act == "check":
            form = self._options_form(batch, request.POST)
            if form is None or form.is_valid():
                return self._check(request, batch, form.cleaned_data if form else {})
            raise DomainError(_("Choose one of the sheets of this file."))
        if act == "apply":
            if batch.report.get("total", 0) > LARGE:
                start_job(APPLY, actor=request.user, params={"batch": batch.pk})
                return HttpResponseRedirect(batch.get_absolute_url())
            apply_batch(batch, actor=request.user)
            count = batch.rows_created + batch.rows_updated
            messages.success(
                request,
                ngettext("%(count)d row was imported.", "%(count)d rows were imported.", count)
                % {"count": count},
            )
        elif act == "undo":
            undo_batch(batch, actor=request.user)
            messages.success(request, _("The import was undone."))
        elif act == "discard":
            discard_batch(batch, actor=request.user)
            messages.success(request, _("The file was put aside; nothing was imported."))
            return HttpResponseRedirect(self._list_url())
        return HttpResponseRedirect(batch.get_absolute_url())

    def _check(
        self, request: HttpRequest, batch: ImportBatch, options: dict[str, Any] | None = None
    ) -> HttpResponse:
        if batch.report.get("total", 0) > LARGE:
            if options is not None:
                choose_options(batch, actor=request.user, options=options)
            start_job(CHECK, actor=request.user, params={"batch": batch.pk})
        else:
            check_batch(batch, actor=request.user, options=options)
        return HttpResponseRedirect(batch.get_absolute_url())

    def _kind(self, request: HttpRequest) -> ImportKind:
        if not self.has_import_rows_permission(request):
            raise PermissionDenied
        return IMPORT_KINDS[self.import_kind]

    def _list_url(self) -> str:
        meta = self.model._meta  # type: ignore[attr-defined]
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": self.model._meta,  # type: ignore[attr-defined]
            "list_url": self._list_url(),
        }

    @staticmethod
    def _options_form(batch: ImportBatch, data: Any = None) -> OptionsForm | None:
        sheets = batch.report.get("sheets", [])
        initial = {"sheet": batch.report.get("sheet"), **batch.options}
        form = OptionsForm(data, kind=batch.definition, sheets=sheets, initial=initial)
        return form if form.fields else None

    def _batch_context(self, request: HttpRequest, batch: ImportBatch) -> dict[str, Any]:
        kind, report = batch.definition, batch.report
        language = "en" if (get_language() or "").startswith("en") else "zh-hans"
        labels = {column.field: column.label for column in kind.columns}

        def told(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [
                entry
                | {"message": entry["message"][language], "label_of_field": labels.get(entry["field"], "")}
                for entry in entries
            ]

        columns = [
            column | {"label": labels.get(column["field"], column["field"])}
            for column in report.get("columns", [])
        ]
        return {
            "title": batch.file_name,
            "batch": batch,
            "running": Job.objects.filter(
                kind__in=(CHECK, APPLY), params={"batch": batch.pk}, state__in=OPEN
            ).first(),
            "report": report,
            "layout": (report.get("layout") or {}).get(language),
            "columns": columns,
            "errors": told(report.get("errors", [])),
            "warnings": told(report.get("warnings", [])),
            "rows": [_shown(kind, row) for row in report.get("rows", []) if row["action"] != "unchanged"],
            "options_form": self._options_form(batch) if batch.state == ImportState.CHECKED else None,
            "ready": bool(report.get("checked")) and not report.get("errors"),
            "to_import": report.get("counts", {}).get("created", 0)
            + report.get("counts", {}).get("updated", 0),
            "unit": {"wan": _("万元"), "yuan": _("元")}.get(batch.options.get("unit", "")),
        }


def _shown(kind: ImportKind, row: dict[str, Any]) -> dict[str, Any]:
    """Returns a row of the report with the names and values of its changes as people read them."""
    fields = {field.attname: field for field in kind.model._meta.concrete_fields}
    changes = [
        (fields[name].verbose_name, _readable(fields[name], old), _readable(fields[name], new))
        for name, (old, new) in row["changes"].items()
        if name in fields
    ]
    return row | {"changes": changes}


def _readable(field: models.Field[Any, Any], value: Any) -> str:
    if value in (None, "", []):
        return "—"
    if isinstance(field, MoneyField):
        return format_yuan(value)
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@admin.register(ImportBatch)
class ImportBatchAdmin(ModelAdmin):  # type: ignore[misc]
    """Every import there was, to look up and to undo."""

    list_display = [
        "file_link",
        "kind_name",
        "state_label",
        "rows_created",
        "rows_updated",
        "created_by",
        "created_at",
    ]
    list_display_links = None
    list_filter = ["state", "kind"]
    list_select_related = ["created_by"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ImportBatch]:
        return ImportBatch.objects.visible_to(request.user).without_content()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        batch = get_object_or_404(self.get_queryset(request), pk=object_id)
        return HttpResponseRedirect(batch.get_absolute_url())

    @display(description=gettext_lazy("file"), ordering="file_name")
    def file_link(self, batch: ImportBatch) -> Any:
        return format_html('<a href="{}">{}</a>', batch.get_absolute_url(), batch.file_name)

    @display(description=gettext_lazy("kind"))
    def kind_name(self, batch: ImportBatch) -> Any:
        return batch.definition.label

    @display(
        description=gettext_lazy("state"),
        label={"checked": "info", "applied": "success", "undone": "warning", "discarded": "default"},
    )
    def state_label(self, batch: ImportBatch) -> tuple[str, str]:
        return batch.state, batch.get_state_display()
