"""The engine: django-import-export's resource, fed with cells that a kind's columns understand."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, models, transaction
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.results import RowResult
from tablib import Dataset

from park_portal.core.errors import DomainError
from park_portal.core.imports.cells import Cell, is_empty
from park_portal.core.imports.models import ImportBatch, ImportedRow
from park_portal.core.imports.registry import ImportKind, Warned
from park_portal.core.imports.states import RowAction

log = logging.getLogger(__name__)

ROW_NUMBER = "row number"


def snapshot(instance: models.Model, names: set[str] | None = None) -> dict[str, Any]:
    """Returns the stored columns of a row (or the named ones) as they are kept in JSON, without its time stamps."""
    fields = instance._meta.concrete_fields
    own = {field.name for field in fields}
    values = {
        field.attname: getattr(instance, field.attname)
        for field in fields
        if not getattr(field, "auto_now", False)
        and not getattr(field, "auto_now_add", False)
        # The bare column of a text in two languages shows whichever language is active.
        and f"{field.name}_zh_hans" not in own
        and (names is None or field.name in names)
    }
    plain: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return plain


class SheetResource(ModelResource):
    """Imports the rows of one sheet for one kind; `outcomes` tells afterwards what became of each row."""

    def __init__(
        self,
        batch: ImportBatch,
        *,
        actor: Any,
        columns: list[str],
        unit: str | None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        super().__init__()
        self.batch = batch
        self.kind: ImportKind = batch.definition
        self.actor = actor
        self.options = batch.options
        self.cell = Cell(unit=unit, options=batch.options)
        self.progress = progress
        self.present = [column for column in self.kind.columns if column.field in columns]
        self.compared = [column.field for column in self.present if not column.virtual]
        self.compared += [name for name in self.kind.derived if name not in self.compared]
        self.fields = {name: Field(attribute=name, column_name=name) for name in self.compared}
        self.parsed: dict[int, tuple[dict[str, Any], dict[str, ValidationError]]] = {}
        self.repeated: dict[int, int] = {}
        self.outcomes: list[dict[str, Any]] = []
        # Of the row at hand: what was saved, what was remarked, what it held before.
        self.saved: tuple[models.Model, bool, list[models.Model]] | None = None
        self.warnings: list[Warned] = []
        self.before: dict[str, Any] = {}

    class Meta:
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = True
        use_transactions = True
        skip_html_diff = True
        store_instance = False
        import_id_fields = ["id"]

    def get_queryset(self) -> models.QuerySet[Any]:
        return self.kind.model._default_manager.all()

    def get_import_order(self) -> list[str]:
        return list(self.fields)

    def init_instance(self, row: Mapping[str, Any] | None = None) -> models.Model:
        return self.kind.model()

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        first: dict[Any, int] = {}
        for row in dataset.dict:
            number = row[ROW_NUMBER]
            values: dict[str, Any] = {}
            errors: dict[str, ValidationError] = {}
            for column in self.present:
                raw = row.get(column.field)
                if is_empty(raw):
                    continue
                try:
                    values[column.field] = column.parse(raw, self.cell)
                except ValidationError as error:
                    errors[column.field] = error
            self.parsed[number] = (values, errors)
            key = self.kind.key(values, self.options)
            if key is not None and number != first.setdefault(key, number):
                self.repeated[number] = first[key]
        self.kind.begin([values for values, _errors in self.parsed.values()], self.options)

    def after_import(self, dataset: Dataset, result: Any, **kwargs: Any) -> None:
        """Ids are never imported, so the library's reset of the table's sequence is not needed."""

    def get_instance(self, instance_loader: Any, row: Mapping[str, Any]) -> models.Model | None:
        number = row[ROW_NUMBER]
        if number in self.repeated:
            raise ValidationError(
                _("The same as row %(other)s: each may appear only once in a file."),
                code="repeated",
                params={"other": self.repeated[number]},
            )
        return self.kind.find(self.parsed[number][0], self.options)

    def import_instance(self, instance: models.Model, row: Mapping[str, Any], **kwargs: Any) -> None:
        values, errors = self.parsed[row[ROW_NUMBER]]
        self.before = snapshot(instance) if instance.pk else {}
        for name in (column.field for column in self.present if not column.virtual):
            # An empty cell says nothing; it never erases what is stored.
            if name in values:
                setattr(instance, name, values[name])
        self.warnings = self.kind.complete(instance, values, self.options)
        missing = {
            column.field: ValidationError(_("This cell is required."), code="required")
            for column in self.present
            if column.required and column.field not in values and column.field not in errors
        }
        if errors or missing:
            raise ValidationError({**missing, **errors})

    def do_instance_save(self, instance: models.Model, is_create: bool) -> None:
        with transaction.atomic():
            others = self.kind.save(instance, is_create=is_create, actor=self.actor, before=self.before)
        self.saved = (instance, is_create, others)

    def before_import_row(self, row: Mapping[str, Any], **kwargs: Any) -> None:
        self.saved, self.warnings, self.before = None, [], {}

    def after_import_row(self, row: Mapping[str, Any], row_result: RowResult, **kwargs: Any) -> None:
        number = row[ROW_NUMBER]
        changes: dict[str, list[Any]] = {}
        action, label = RowAction.UNCHANGED, ""
        if self.saved is not None:
            instance, is_create, others = self.saved
            action, label = (
                (RowAction.CREATED if is_create else RowAction.UPDATED),
                self.kind.describe(instance),
            )
            after = snapshot(instance)
            if is_create:
                self._keep(number, instance, action, {}, after)
                # What was read from the cells, so that a wrong unit or date is seen before anything is kept.
                read = snapshot(instance, set(self.compared))
                changes = {name: [None, value] for name, value in read.items() if value not in (None, "", [])}
            else:
                changes = {
                    name: [self.before.get(name), value]
                    for name, value in after.items()
                    if self.before.get(name) != value
                }
                self._keep(
                    number,
                    instance,
                    action,
                    {name: values[0] for name, values in changes.items()},
                    {name: values[1] for name, values in changes.items()},
                )
            for other in others:
                self._keep(number, other, RowAction.CREATED, {}, snapshot(other))
        self.outcomes.append(
            {
                "row": number,
                "action": str(action),
                "label": label,
                "changes": changes,
                "warnings": self.warnings,
            }
        )
        if self.progress:
            self.progress(len(self.outcomes), len(self.parsed))

    def _keep(
        self, number: int, instance: models.Model, action: str, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        ImportedRow.objects.create(
            batch=self.batch,
            number=number,
            model=instance._meta.label_lower,
            object_id=instance.pk,
            label=str(instance)[:200],
            action=action,
            before=before,
            after=after,
        )


def reasons_of(error: BaseException) -> list[tuple[str | None, Any, Mapping[str, Any]]]:
    """Returns (field, message, params) of each thing wrong with a row; the message is still lazy."""
    if isinstance(error, ValidationError):
        if hasattr(error, "error_dict"):
            return [
                (None if name == NON_FIELD_ERRORS else name, one.message, one.params or {})
                for name, errors in error.error_dict.items()
                for one in errors
            ]
        return [(None, one.message, one.params or {}) for one in error.error_list]
    if isinstance(error, DomainError):
        return [(error.field, error.message, {})]
    if isinstance(error, DatabaseError):
        log.warning("The database refused an imported row", exc_info=error)
        return [(None, _("The database refuses this row: it contradicts another record."), {})]
    raise error
