"""Importing rows from a sheet: check, apply as a whole or not at all, undo."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from django.apps import apps
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tablib import Dataset

from park_portal.core.audit.services import Actor, record
from park_portal.core.errors import DomainError, Problem
from park_portal.core.imports.cells import is_empty
from park_portal.core.imports.headers import Match, match_headings, normalise_heading
from park_portal.core.imports.models import ImportBatch, ImportedRow
from park_portal.core.imports.registry import IMPORT_KINDS, ImportKind, Layout
from park_portal.core.imports.resource import ROW_NUMBER, SheetResource, reasons_of, snapshot
from park_portal.core.imports.states import ImportState, RowAction
from park_portal.core.imports.workbook import Sheet, read_workbook
from park_portal.core.relations import pointing_to
from park_portal.core.text import both
from park_portal.core.workflow import advance, require

Progress = Callable[[int, int], None]

# Above this the check takes longer than people wait for a page: a job does it.
LARGE: Final = 300
SHOWN_ROWS: Final = 300
SHOWN_ERRORS: Final = 500
SHOWN_REASONS: Final = 50
TOTAL_WORDS: Final = frozenset({"合计", "总计", "小计", "total", "sum", "grandtotal"})


def open_batch(
    content: bytes, *, kind: str, file_name: str, actor: Any, options: Mapping[str, Any] | None = None
) -> ImportBatch:
    """Returns a new batch of the file, read but not yet checked; `report["total"]` says how many rows it has.

    Raises DomainError for a file that cannot be read or whose headings say nothing.
    """
    definition = IMPORT_KINDS[kind]
    require(actor, definition.rule)
    sheets = read_workbook(content, file_name)
    chosen = dict(options or {})
    sheet, match = _choose(sheets, definition, chosen.get("sheet"))
    layout = _layout_of(definition, match)
    if layout is not None:
        chosen = {**layout.options, **chosen}
    batch = ImportBatch(
        kind=kind,
        file_name=file_name[-200:].replace("\0", "") or "import.xlsx",
        content=content,
        checksum=hashlib.sha256(content).hexdigest(),
        options=chosen,
        created_by=actor,
        report={"total": _count(sheet, match), "checked": False},
    )
    with transaction.atomic():
        batch.save()
        record("import.open", batch, actor=actor, after={"file": batch.file_name, "sha256": batch.checksum})
    return batch


def check_batch(
    batch: ImportBatch,
    *,
    actor: Any,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> ImportBatch:
    """Runs the import without keeping anything and stores what it would do in the batch's report."""
    require(actor, "core.run_import", batch)
    if batch.state != ImportState.CHECKED:
        raise DomainError(_("This import is finished; hand the file in again."), code="import_finished")
    if options is not None:
        choose_options(batch, actor=actor, options=options)
    batch.report = _run(batch, actor=actor, dry_run=True, progress=progress)
    batch.save(update_fields=["report"])
    return batch


def choose_options(batch: ImportBatch, *, actor: Any, options: Mapping[str, Any]) -> ImportBatch:
    """Stores how the sheet is to be read: `sheet`, `unit` of amounts, `source`."""
    require(actor, "core.run_import", batch)
    batch.options = {key: value for key, value in options.items() if value}
    batch.save(update_fields=["options"])
    return batch


def apply_batch(batch: ImportBatch, *, actor: Any, progress: Progress | None = None) -> ImportBatch:
    """Imports every row of the file; where one cannot be, none, and DomainError is raised: the report says why."""
    report: dict[str, Any] = {}
    try:
        with transaction.atomic():
            ImportBatch.objects.select_for_update().get(pk=batch.pk)
            batch.refresh_from_db()
            counts = {"rows_created": 0, "rows_updated": 0, "rows_unchanged": 0}
            # The transition comes first: it refuses a second click before anything is done twice.
            advance(batch, "apply", actor=actor, changes={"applied_at": timezone.now()}, file=batch.file_name)
            report = _run(batch, actor=actor, dry_run=False, progress=progress)
            if report["errors"]:
                raise DomainError(
                    _("Nothing was imported: since the check something has changed. See the list."),
                    code="import_errors",
                )
            counts = {f"rows_{name}": report["counts"][name] for name in ("created", "updated", "unchanged")}
            ImportBatch.objects.filter(pk=batch.pk).update(**counts, report=report)
    except DomainError:
        if report.get("errors"):
            ImportBatch.objects.filter(pk=batch.pk, state=ImportState.CHECKED).update(report=report)
        batch.refresh_from_db()
        raise
    batch.refresh_from_db()
    return batch


def discard_batch(batch: ImportBatch, *, actor: Actor) -> ImportBatch:
    """Puts a checked file aside."""
    return advance(batch, "discard", actor=actor)


def undo_batch(batch: ImportBatch, *, actor: Any) -> ImportBatch:
    """Takes an import back: deletes what it created and restores what it changed.

    All or nothing: raises DomainError whose `problems` name each row that was changed, used or deleted since.
    """
    with transaction.atomic():
        advance(batch, "undo", actor=actor, changes={"undone_at": timezone.now()}, file=batch.file_name)
        rows = list(batch.rows.order_by("-id"))
        held = _hold(rows)
        problems = [
            *(problem for row in rows for problem in _changed_since(row, held)),
            *_used_since(rows),
        ]
        if problems:
            raise DomainError(
                _("The import cannot be undone: some of its rows have been changed or used since."),
                code="undo_refused",
                problems=problems[:SHOWN_REASONS],
            )
        for row in rows:
            instance = held[row.model, row.object_id]
            if row.action == RowAction.CREATED:
                record("import.undo", instance, actor=actor, before=row.after, batch=batch.pk)
                instance.delete()
            else:
                _restore(instance, row.before)
                record(
                    "import.undo", instance, actor=actor, before=row.after, after=row.before, batch=batch.pk
                )
    batch.refresh_from_db()
    return batch


# --- reading the sheet ---------------------------------------------------------------------------------------------


def _choose(sheets: list[Sheet], kind: ImportKind, wanted: str | None) -> tuple[Sheet, Match]:
    aliases = {column.field: column.aliases for column in kind.columns}
    found = [
        (sheet, match)
        for sheet in sheets
        if (match := match_headings([cells for _number, cells in sheet.rows], aliases)) is not None
    ]
    if wanted:
        found = [(sheet, match) for sheet, match in found if sheet.name == wanted] or found
    if not found:
        raise DomainError(
            _("No known heading was found in the first ten rows. Known ones are, for example: %(examples)s.")
            % {"examples": "、".join(column.aliases[0] for column in kind.columns[:6])},
            code="no_headings",
        )
    return found[0] if wanted else max(found, key=lambda pair: len(pair[1].columns))


def _count(sheet: Sheet, match: Match) -> int:
    return len(sheet.rows) - match.row - 1


def _layout_of(kind: ImportKind, match: Match) -> Layout | None:
    headings = {
        normalise_heading(heading.text)
        for heading in (*match.unknown, *(heading for found in match.columns.values() for heading in found))
    }
    return next((layout for layout in kind.layouts if layout.headings <= headings), None)


# --- running -------------------------------------------------------------------------------------------------------


def _run(batch: ImportBatch, *, actor: Any, dry_run: bool, progress: Progress | None) -> dict[str, Any]:
    kind = batch.definition
    sheets = read_workbook(bytes(batch.content), batch.file_name)
    sheet, match = _choose(sheets, kind, batch.options.get("sheet"))
    body = sheet.rows[match.row + 1 :]
    layout = _layout_of(kind, match)
    report: dict[str, Any] = {
        "checked": True,
        "sheet": sheet.name,
        "sheets": [one.name for one in sheets],
        "heading_row": sheet.rows[match.row][0],
        "layout": _in_languages(layout.label, {}) if layout else None,
        "columns": [],
        "ignored": [],
        "empty": [],
        "missing": [],
        "skipped": [],
        "errors": [],
        "warnings": [],
        "rows": [],
        "counts": {"created": 0, "updated": 0, "unchanged": 0, "errors": 0, "warnings": 0},
        "total": len(body),
    }
    filled = Counter(
        index for _number, cells in body for index, cell in enumerate(cells) if not is_empty(cell)
    )
    for heading in match.unknown:
        if heading.text and not filled[heading.index]:
            report["empty"].append({"letter": heading.letter, "heading": heading.text})
        elif filled[heading.index]:
            report["ignored"].append(
                {"letter": heading.letter, "heading": heading.text, "filled": filled[heading.index]}
            )
    width = max((len(cells) for _number, cells in body), default=0)
    for index in range(len(sheet.rows[match.row][1]), width):
        if filled[index]:
            report["ignored"].append({"letter": _letter(index), "heading": "", "filled": filled[index]})
    for name, headings in match.columns.items():
        for heading in headings:
            report["columns"].append(
                {
                    "letter": heading.letter,
                    "heading": heading.text,
                    "field": name,
                    "filled": filled[heading.index],
                    "unit": heading.unit,
                }
            )
    missing = [column for column in kind.columns if column.required and column.field not in match.columns]
    report["missing"] = [column.field for column in missing]
    for column in missing:
        _error(
            report,
            kind,
            match,
            None,
            column.field,
            gettext_lazy("This column is missing; known headings: %(words)s."),
            {"words": "、".join(column.aliases[:6])},
        )
    if missing:
        report["counts"]["errors"] = len(report["errors"])
        return report
    dataset, contradictions = _dataset(body, match, report)
    unit = next(
        (
            heading.unit
            for column in kind.columns
            if column.money
            for heading in match.columns.get(column.field, [])
            if heading.unit
        ),
        None,
    )
    resource = SheetResource(batch, actor=actor, columns=list(match.columns), unit=unit, progress=progress)
    result = resource.import_data(
        dataset,
        dry_run=dry_run or bool(contradictions),
        use_transactions=True,
        rollback_on_validation_errors=True,
    )
    for number, name, message, params in contradictions:
        _error(report, kind, match, number, name, message, params)
    for base in result.base_errors:
        raise base.error
    cells_of = {row[ROW_NUMBER]: row for row in dataset.dict}
    for invalid in result.invalid_rows:
        _row_errors(report, kind, match, cells_of, dataset[invalid.number - 1][0], invalid.error)
    for number, errors in result.row_errors():
        for error in errors:
            _row_errors(report, kind, match, cells_of, dataset[number - 1][0], error.error)
    for outcome in resource.outcomes:
        report["counts"][outcome["action"]] += 1
        for warned in outcome.pop("warnings"):
            report["counts"]["warnings"] += 1
            if len(report["warnings"]) < SHOWN_ERRORS:
                report["warnings"].append(
                    _place(kind, match, outcome["row"], warned.column)
                    | {"message": _in_languages(warned.message, warned.params), "label": outcome["label"]}
                )
        if len(report["rows"]) < SHOWN_ROWS:
            report["rows"].append(outcome)
    report["errors"].sort(key=lambda error: (error["row"] or 0, error["letter"] or ""))
    report["counts"]["errors"] = len(report["errors"])
    report["errors"] = report["errors"][:SHOWN_ERRORS]
    return report


def _dataset(
    body: list[tuple[int, list[Any]]], match: Match, report: dict[str, Any]
) -> tuple[Dataset, list[tuple[int, str, Any, Mapping[str, Any]]]]:
    """Returns the rows with one cell a field; two columns of one field fill each other's gaps but may not disagree."""
    dataset = Dataset(headers=[ROW_NUMBER, *match.columns])
    contradictions: list[tuple[int, str, Any, Mapping[str, Any]]] = []
    for number, cells in body:
        if any(normalise_heading(cell) in TOTAL_WORDS for cell in cells[:3] if isinstance(cell, str)):
            report["skipped"].append(number)
            continue
        row: list[Any] = [number]
        for name, headings in match.columns.items():
            present = [
                cells[heading.index]
                for heading in headings
                if heading.index < len(cells) and not is_empty(cells[heading.index])
            ]
            if len({str(value).strip() for value in present}) > 1:
                contradictions.append(
                    (
                        number,
                        name,
                        gettext_lazy("The columns %(columns)s mean the same but disagree in this row."),
                        {"columns": ", ".join(heading.letter for heading in headings)},
                    )
                )
            row.append(present[0] if present else None)
        if all(is_empty(value) for value in row[1:]):
            continue
        dataset.append(row)
    return dataset, contradictions


def _row_errors(
    report: dict[str, Any],
    kind: ImportKind,
    match: Match,
    cells_of: Mapping[int, Any],
    number: int,
    error: BaseException,
) -> None:
    for name, message, params in reasons_of(error):
        value = (
            cells_of[number].get(kind.sources.get(name, name)) or cells_of[number].get(name) if name else None
        )
        _error(report, kind, match, number, name, message, params, value)


def _error(
    report: dict[str, Any],
    kind: ImportKind,
    match: Match,
    number: int | None,
    name: str | None,
    message: Any,
    params: Mapping[str, Any],
    value: Any = None,
) -> None:
    # A text in two languages is checked under its bare name as well; people know only its columns.
    if name and kind.column(f"{name}_zh_hans"):
        name = f"{name}_zh_hans"
    entry = _place(kind, match, number, name) | {
        "message": _in_languages(message, params),
        "value": "" if value is None else str(value)[:60],
    }
    same = (entry["row"], entry["field"])
    if name and any((other["row"], other["field"]) == same for other in report["errors"][-12:]):
        return
    report["errors"].append(entry)


def _place(kind: ImportKind, match: Match, number: int | None, name: str | None) -> dict[str, Any]:
    heading = match.heading(name) if name else None
    if name and heading is None and name in kind.sources:
        name = kind.sources[name]
        heading = match.heading(name)
    return {
        "row": number,
        "field": name,
        "letter": heading.letter if heading else None,
        "heading": heading.text if heading else None,
    }


def _in_languages(message: Any, params: Mapping[str, Any]) -> dict[str, str]:
    # Not str(message) first: a text with a plural form chooses it by its parameters.
    return both(lambda: message % params if params else message)


def _letter(index: int) -> str:
    number, letters = index + 1, ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


# --- undoing -------------------------------------------------------------------------------------------------------

Held = dict[tuple[str, int], models.Model]


def _hold(rows: Iterable[ImportedRow]) -> Held:
    """Locks and returns the rows of an import as they are now, in a fixed order."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        wanted[row.model].add(row.object_id)
    held: Held = {}
    for label in sorted(wanted):
        stored = apps.get_model(label)._base_manager.select_for_update(of=("self",)).order_by("pk")
        for instance in stored.filter(pk__in=wanted[label]):
            held[label, instance.pk] = instance
    return held


def _changed_since(row: ImportedRow, held: Held) -> list[Problem]:
    instance = held.get((row.model, row.object_id))
    if instance is None:
        return [_problem(row, _("it has been deleted"))]
    names = {field.name for field in instance._meta.concrete_fields if field.attname in row.after}
    now = snapshot(instance, names)
    changed = [name for name, value in row.after.items() if now.get(name) != value]
    if not changed:
        return []
    by_column = {field.attname: field.verbose_name for field in instance._meta.concrete_fields}
    return [
        _problem(
            row, _("changed since: %(fields)s") % {"fields": ", ".join(str(by_column[c]) for c in changed)}
        )
    ]


def _used_since(rows: list[ImportedRow]) -> list[Problem]:
    created: dict[str, dict[int, ImportedRow]] = defaultdict(dict)
    for row in rows:
        if row.action == RowAction.CREATED:
            created[row.model][row.object_id] = row
    problems = []
    for label, by_id in created.items():
        for user_model, key in pointing_to(apps.get_model(label)):
            own = created.get(user_model._meta.label_lower, {})
            users = user_model._base_manager.filter(**{f"{key.name}__in": list(by_id)}).exclude(pk__in=own)
            counts = Counter(users.values_list(key.attname, flat=True))
            for object_id, count in counts.items():
                problems.append(
                    _problem(
                        by_id[object_id],
                        _("used since: %(things)s (%(count)d)")
                        % {"things": user_model._meta.verbose_name_plural, "count": count},
                    )
                )
    return problems


def _problem(row: ImportedRow, reason: str) -> Problem:
    return Problem(
        _("Row %(number)d, %(label)s: %(reason)s.")
        % {"number": row.number, "label": row.label, "reason": reason}
    )


def _restore(instance: models.Model, before: Mapping[str, Any]) -> None:
    by_column = {field.attname: field for field in instance._meta.concrete_fields}
    for name, value in before.items():
        setattr(instance, name, by_column[name].to_python(value))
    instance.save(update_fields=[by_column[name].name for name in before])
