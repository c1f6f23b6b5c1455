"""Questions answered row by row: budgets, teams, milestones, intellectual property."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import get_language, ngettext_lazy, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from funding.calls.questions.base import (
    QuestionType,
    Settings,
    check_choices,
    check_texts,
    choice_labels,
    count_characters,
    in_language,
    in_order,
    is_empty,
    is_key,
    not_a_key,
    tidy,
    whole,
)
from funding.calls.questions.choices import foreign
from funding.calls.questions.simple import (
    date_text,
    is_number,
    money_raw,
    money_text,
    parse_date,
    parse_number,
    plain,
    too_large,
    too_small,
)
from funding.calls.states import QuestionKind
from park_portal.core.errors import DomainError, Problem, Text
from park_portal.core.money import format_yuan, parse_money

COLUMN_KINDS: Final[dict[str, Text]] = {
    "text": pgettext_lazy("kind of column", "text"),
    "number": pgettext_lazy("kind of question", "number"),
    "money": _("money"),
    "date": _("date"),
    "choice": _("choice"),
}
MOST_ROWS: Final = 200
MOST_COLUMNS: Final = 12
LONGEST_CELL: Final = 1000
_CELL: Final = re.compile(r"^(\d{1,4})-([a-z][a-z0-9_]{0,39})$")

Column = Mapping[str, Any]
Row = dict[str, Any]


class Table(QuestionType):
    """Rows of a fixed set of columns; one column of money or numbers may be added up."""

    kind = QuestionKind.TABLE
    grouped = True
    redactable = True
    defaults = {"columns": [], "min_rows": 0, "max_rows": 30, "total": None}

    def columns(self, settings: Settings) -> Sequence[Column]:
        return settings.get("columns") or ()

    def total_column(self, settings: Settings) -> str | None:
        return settings.get("total") or None

    def blinded(self, value: Any, settings: Settings) -> tuple[Any, Settings] | None:
        """Leave out the columns that name the applicant; None when no other is left."""
        columns = [column for column in self.columns(settings) if not column.get("names_applicant")]
        if settings.get("names_applicant") or not columns:
            return None
        keys = [column["key"] for column in columns]
        rows = [{key: row.get(key) for key in keys} for row in value or []] or None
        total = self.total_column(settings)
        return rows, {**settings, "columns": columns, "total": total if total in keys else None}

    def redacted(self, value: Any, settings: Settings, black_out: Callable[[str], str]) -> Any:
        texts = {column["key"] for column in self.columns(settings) if column["kind"] == "text"}
        return [
            {
                key: black_out(cell) if key in texts and isinstance(cell, str) else cell
                for key, cell in row.items()
            }
            for row in value or []
        ] or None

    def from_post(self, data: Any, prefix: str) -> list[Row]:
        """Return the rows of fields named ``<prefix>-<row>-<column>``, in the order of their row numbers."""
        rows: dict[int, Row] = {}
        for name in data:
            if not name.startswith(f"{prefix}-"):
                continue
            match = _CELL.match(name[len(prefix) + 1 :])
            if match:
                rows.setdefault(int(match.group(1)), {})[match.group(2)] = data.get(name)
        return [rows[number] for number in sorted(rows)]

    def clean(self, raw: Any, settings: Settings) -> list[Row] | None:
        if raw in (None, "", []):
            return None
        if not isinstance(raw, list | tuple):
            raise DomainError(_("This is not a table."), code="type")
        filled = [row for row in raw if not isinstance(row, Mapping) or any(map(_is_filled, row.values()))]
        most = min(self.setting(settings, "max_rows"), MOST_ROWS)
        if len(filled) > most:
            raise DomainError(
                _("At most %(most)s rows; there are %(count)s.") % {"most": most, "count": len(filled)},
                code="rows",
            )
        columns = self.columns(settings)
        known = {column["key"] for column in columns}
        rows: list[Row] = []
        for number, row in enumerate(filled, 1):
            if not isinstance(row, Mapping) or not row.keys() <= known:
                raise DomainError(
                    _("The columns of this table have changed. Reload the page."), code="columns"
                )
            rows.append(
                {column["key"]: self._cell(row.get(column["key"]), column, number) for column in columns}
            )
        return rows or None

    def _cell(self, raw: Any, column: Column, number: int) -> Any:
        try:
            return clean_cell(raw, column)
        except DomainError as error:
            raise DomainError(
                _("Row %(row)s, %(column)s: %(problem)s")
                % {"row": number, "column": in_language(column), "problem": error},
                code=error.code,
                field=f"{number - 1}-{column['key']}",
            ) from error

    def missing(self) -> Text:
        # The same words as below: one msgid must not be both a plural and a plain string.
        return ngettext_lazy("Fill in at least one row.", "Fill in at least %(count)s rows.", "count") % {
            "count": 1
        }

    def check(self, value: Any, settings: Settings) -> list[Text]:
        found: list[Text] = []
        low = self.setting(settings, "min_rows")
        if len(value) < low:
            message = ngettext_lazy("Fill in at least one row.", "Fill in at least %(count)s rows.", "count")
            found.append(message % {"count": low})
        for number, row in enumerate(value, 1):
            empty = [
                in_language(column)
                for column in self.columns(settings)
                if column.get("required") and is_empty(row.get(column["key"]))
            ]
            if empty:
                found.append(
                    _("Row %(row)s: fill in %(columns)s.")
                    % {"row": number, "columns": str(_(", ")).join(empty)}
                )
            for column in self.columns(settings):
                problem = _beyond(row.get(column["key"]), column)
                if problem is not None:
                    found.append(
                        _("Row %(row)s, %(column)s: %(problem)s")
                        % {"row": number, "column": in_language(column), "problem": problem}
                    )
        return found

    def total(self, value: Any, settings: Settings) -> int | Decimal | None:
        """Return the sum of the column that is added up (fen for money), None when there is none."""
        key = self.total_column(settings)
        if key is None:
            return None
        cells = [row.get(key) for row in value or [] if row.get(key) is not None]
        if self._column(settings, key)["kind"] == "money":
            return sum(cells)
        return sum(map(Decimal, cells), Decimal(0))

    def total_text(self, value: Any, settings: Settings, language: str) -> str:
        """Return the sum as it is shown; an empty string when no column is added up."""
        total = self.total(value, settings)
        if total is None:
            return ""
        column = self._column(settings, self.total_column(settings))
        if column["kind"] == "money":
            return money_text(int(total), column.get("unit") or "wan", language)
        return plain(Decimal(total))

    def _column(self, settings: Settings, key: str | None) -> Column:
        return next(column for column in self.columns(settings) if column["key"] == key)

    def text(self, value: Any, settings: Settings, language: str) -> str:
        between = "；" if language.startswith("zh") else "; "
        lines = []
        for number, row in enumerate(value or [], 1):
            cells = [
                f"{in_language(column, language)}: {cell_text(row.get(column['key']), column, language)}"
                for column in self.columns(settings)
                if not is_empty(row.get(column["key"]))
            ]
            lines.append(f"{number}. {between.join(cells)}")
        if value and self.total_column(settings):
            label = {"zh": "合计", "en": "Total"}
            lines.append(f"{in_language(label, language)}: {self.total_text(value, settings, language)}")
        return "\n".join(lines)

    def raw(self, value: Any, settings: Settings) -> list[Row]:
        return [
            {column["key"]: cell_raw(row.get(column["key"]), column) for column in self.columns(settings)}
            for row in value or []
        ]

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        """Return columns and rows to type in: those that are there, and some to spare for who has no JavaScript."""
        rows = [row for row in raw if isinstance(row, Mapping)] if isinstance(raw, list | tuple) else []
        most = min(self.setting(settings, "max_rows"), MOST_ROWS)
        spare = max(self.setting(settings, "min_rows"), len(rows) + 3 if rows else 4)
        columns = [_shown(column) for column in self.columns(settings)]
        numbered = []
        for number in range(max(len(rows), min(spare, most))):
            row = rows[number] if number < len(rows) else {}
            numbered.append(
                {"number": number, "cells": [_typed(column, row.get(column["key"])) for column in columns]}
            )
        key = self.total_column(settings)
        total_text = ""
        if key:
            try:
                value = self.clean(list(rows), settings)
            except DomainError:
                value = None
            total_text = self.total_text(value, settings, _language())
        return {
            "columns": columns,
            "rows": numbered,
            "template_cells": [_typed(column, "") for column in columns],
            "max_rows": most,
            "total_column": key,
            "total_text": total_text,
            "total_unit": (self._column(settings, key).get("unit") or "wan") if key else "",
        }

    def display(self, value: Any, settings: Settings) -> dict[str, Any]:
        language = _language()
        columns = [_shown(column) for column in self.columns(settings)]
        return {
            "columns": columns,
            "rows": [
                [
                    {
                        "label": column["label"],
                        "text": cell_text(row.get(column["key"]), column, language),
                        "numeric": column["numeric"],
                    }
                    for column in columns
                ]
                for row in value or []
            ],
            "total_column": self.total_column(settings),
            "total_text": self.total_text(value, settings, language),
        }

    def check_settings(self, settings: Settings) -> list[Problem]:
        return [
            *check_columns(settings.get("columns"), settings.get("total")),
            *whole(settings, "min_rows", 0, MOST_ROWS, _("fewest rows")),
            *whole(settings, "max_rows", 1, MOST_ROWS, _("most rows")),
            *in_order(settings, "min_rows", "max_rows"),
        ]


def _language() -> str:
    return get_language() or "zh-hans"


def _is_filled(cell: Any) -> bool:
    return cell is not None and str(cell).strip() != ""


def _shown(column: Column) -> dict[str, Any]:
    return {
        **column,
        "label": in_language(column),
        "numeric": column["kind"] in ("number", "money"),
        "options": [
            {"value": value, "label": label}
            for value, label in choice_labels(column.get("choices") or []).items()
        ],
    }


def _typed(column: Column, raw: Any) -> dict[str, Any]:
    return {**column, "raw": "" if raw is None else str(raw)}


def clean_cell(raw: Any, column: Column) -> Any:
    """Return the value of one cell, None when it is empty; raise ``DomainError`` when it means nothing."""
    if not _is_filled(raw):
        return None
    match column["kind"]:
        case "number":
            return plain(parse_number(raw, decimals=column.get("decimals", 2)))
        case "money":
            return parse_money(tidy(raw), unit=column.get("unit") or "wan")
        case "date":
            return parse_date(raw).isoformat()
        case "choice":
            value = tidy(raw)
            if value not in choice_labels(column["choices"]):
                raise foreign()
            return value
        case _:
            text = tidy(raw)
            if count_characters(text) > LONGEST_CELL:
                raise DomainError(
                    _("Write at most %(most)s characters in a cell.") % {"most": LONGEST_CELL},
                    code="too_long",
                )
            return text or None


def limit(column: Column, name: str) -> Decimal | None:
    """Return a number column's limit ``min`` or ``max``; None where there is none or it is still to be answered."""
    value = column.get(name)
    return Decimal(str(value)) if value is not None and is_number(value) else None


def _beyond(value: Any, column: Column) -> Text | None:
    """Return what is wrong with a number outside its column's limits."""
    if column["kind"] != "number" or value is None:
        return None
    low, high = limit(column, "min"), limit(column, "max")
    if low is not None and Decimal(value) < low:
        return too_small(plain(low))
    if high is not None and Decimal(value) > high:
        return too_large(plain(high))
    return None


def cell_raw(value: Any, column: Column) -> str:
    if value is None:
        return ""
    return money_raw(value, column.get("unit") or "wan") if column["kind"] == "money" else str(value)


def cell_text(value: Any, column: Column, language: str) -> str:
    """Return one cell as it is shown."""
    if is_empty(value):
        return ""
    match column["kind"]:
        case "money":
            if (column.get("unit") or "wan") == "wan" and language.startswith("zh"):
                return f"{money_raw(value, 'wan')} 万元"
            return format_yuan(value)
        case "date":
            return date_text(value)
        case "choice":
            return choice_labels(column["choices"], language).get(value, str(value))
        case _:
            return str(value)


def check_columns(columns: Any, total: str | None) -> list[Problem]:
    """Return what is wrong with the columns of a table."""
    if not isinstance(columns, Sequence) or isinstance(columns, str) or not columns:
        return [Problem(_("Give the table at least one column."), field="columns")]
    if len(columns) > MOST_COLUMNS:
        return [Problem(_("At most %(count)s columns.") % {"count": MOST_COLUMNS}, field="columns")]
    found: list[Problem] = []
    kinds: dict[str, str] = {}
    for column in columns:
        if not isinstance(column, Mapping):
            return [
                Problem(_("Give each column a key, a kind and its text in both languages."), field="columns")
            ]
        key = str(column.get("key") or "")
        if not is_key(key):
            found.append(Problem(not_a_key(key), field="columns"))
        if key in kinds:
            found.append(Problem(_("The column “%(key)s” is there twice.") % {"key": key}, field="columns"))
        kinds[key] = str(column.get("kind"))
        if column.get("kind") not in COLUMN_KINDS:
            found.append(
                Problem(
                    _("“%(kind)s” is no kind of column; there are %(kinds)s.")
                    % {"kind": column.get("kind"), "kinds": ", ".join(COLUMN_KINDS)},
                    field="columns",
                )
            )
        if column.get("kind") == "choice":
            found += check_choices(column.get("choices"), "columns")
        found += _check_limits(column)
        found += check_texts(column, key, "columns")
    if total and total not in kinds:
        message = _("The column added up, “%(key)s”, is not there: name another one, or none.")
        found.append(Problem(message % {"key": total}, field="total"))
    elif total and kinds[total] not in ("money", "number"):
        found.append(Problem(_("Only a column of money or numbers can be added up."), field="total"))
    return found


def _check_limits(column: Column) -> list[Problem]:
    """Return what is wrong with a number column's limits: numbers, the upper one may be the key of a question."""
    low, high = column.get("min"), column.get("max")
    if (low is not None and not is_number(low)) or (
        high is not None and not is_number(high) and not is_key(str(high))
    ):
        return [Problem(_("A limit must be a number."), field="columns")]
    lowest, highest = limit(column, "min"), limit(column, "max")
    if lowest is not None and highest is not None and lowest > highest:
        return [Problem(_("The lower limit lies above the upper one."), field="columns")]
    return []


def check_named_limits(columns: Sequence[Column], numbers: Collection[str]) -> list[Problem]:
    """Return which columns take their upper limit from a question that is not among the keys ``numbers`` of a form."""
    message = _(
        "Column “%(column)s”: “%(limit)s” is no limit; enter a number, or the key of a question in this form "
        "that is answered with a number."
    )
    return [
        Problem(message % {"column": in_language(column), "limit": column["max"]}, field="columns")
        for column in columns
        if column["kind"] == "number"
        and column.get("max") is not None
        and not is_number(column["max"])
        and column["max"] not in numbers
    ]


def _choice(value: str, zh: str, en: str) -> dict[str, str]:
    return {"value": value, "zh": zh, "en": en}


IP_COLUMNS: Final[tuple[Column, ...]] = (
    {
        "key": "type",
        "kind": "choice",
        "zh": "类型",
        "en": "Type",
        "required": True,
        "choices": [
            _choice("invention", "发明专利", "Invention patent"),
            _choice("utility_model", "实用新型专利", "Utility model"),
            _choice("design", "外观设计专利", "Design patent"),
            _choice("software", "计算机软件著作权", "Software copyright"),
            _choice("layout", "集成电路布图设计", "IC layout design"),
            _choice("plant", "植物新品种权", "Plant variety"),
            _choice("trademark", "商标", "Trademark"),
            _choice("secret", "技术秘密", "Trade secret"),
            _choice("other", "其他", "Other"),
        ],
    },
    {"key": "title", "kind": "text", "zh": "名称", "en": "Title", "required": True},
    {
        "key": "number",
        "kind": "text",
        "zh": "申请号/登记号",
        "en": "Application or registration no.",
        "names_applicant": True,
    },
    {
        "key": "owner",
        "kind": "text",
        "zh": "权利人",
        "en": "Owner",
        "required": True,
        "names_applicant": True,
    },
    {
        "key": "status",
        "kind": "choice",
        "zh": "状态",
        "en": "Status",
        "required": True,
        "choices": [
            _choice("planned", "拟申请", "To be filed"),
            _choice("filed", "已申请", "Filed"),
            _choice("granted", "已授权/已登记", "Granted or registered"),
            _choice("licensed_in", "被许可使用", "Licensed in"),
            _choice("expired", "已失效", "Expired"),
        ],
    },
    {"key": "date", "kind": "date", "zh": "申请日/登记日", "en": "Date of filing"},
)


class IntellectualProperty(Table):
    """A table whose columns are the same in every call, so that rights line up across applications."""

    kind = QuestionKind.IP
    defaults = {"min_rows": 0, "max_rows": 30}

    def columns(self, settings: Settings) -> Sequence[Column]:
        # Only ``blinded`` gives columns: staff cannot set them.
        return settings.get("columns") or IP_COLUMNS

    def total_column(self, settings: Settings) -> str | None:
        return None

    def check_settings(self, settings: Settings) -> list[Problem]:
        return [
            *whole(settings, "min_rows", 0, MOST_ROWS, _("fewest rows")),
            *whole(settings, "max_rows", 1, MOST_ROWS, _("most rows")),
            *in_order(settings, "min_rows", "max_rows"),
        ]
