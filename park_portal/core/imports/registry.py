"""What can be imported: a room declares a kind, with its columns and how a row is found and kept."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import models

from park_portal.core.errors import Text
from park_portal.core.imports.cells import Parser, parse_text

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column that a sheet may have: the field it fills, the headings it is known by, how a cell is read.

    A `virtual` column fills no field of that name; the kind's `complete` makes something of its value.
    """

    field: str
    label: Text
    aliases: tuple[str, ...]
    parse: Parser = parse_text
    required: bool = False
    virtual: bool = False
    money: bool = False


@dataclass(frozen=True)
class Layout:
    """A file that a well-known system exports, told by its headings, with the options that suit it."""

    label: Text
    headings: frozenset[str]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Warned:
    """A remark on a row that does not stop the import."""

    column: str | None
    message: Text
    params: Mapping[str, Any] = field(default_factory=dict)


class ImportKind:
    """How rows of one model come in from a sheet; a room subclasses it and registers an instance."""

    name: ClassVar[str]
    label: ClassVar[Text]
    model: ClassVar[type[models.Model]]
    rule: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    layouts: ClassVar[Sequence[Layout]] = ()
    # Fields that `complete` sets; compared, shown and undone like those of columns.
    derived: ClassVar[tuple[str, ...]] = ()
    # Fields that `complete` fills from another column: an error on the field is shown at that column.
    sources: ClassVar[Mapping[str, str]] = {}
    asks_unit: ClassVar[bool] = False
    asks_source: ClassVar[bool] = False
    explanation: ClassVar[Text] = ""

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.field == name), None)

    def begin(self, rows: Sequence[Values], options: Values) -> None:
        """Called once before the rows, with their parsed values: the place to look things up for all of them."""

    def describe(self, instance: models.Model) -> str:
        """Returns what people know the row by while it is not kept yet."""
        return str(instance)

    def key(self, values: Values, options: Values) -> Hashable | None:
        """Returns what makes a row one of a kind: two rows of a file with equal keys are refused; None never is."""
        raise NotImplementedError

    def find(self, values: Values, options: Values) -> models.Model | None:
        """Returns the stored row that these values describe, or None; raises ValidationError if it cannot be told."""
        raise NotImplementedError

    def complete(self, instance: models.Model, values: Values, options: Values) -> list[Warned]:
        """Sets what follows from several columns or from options, and returns remarks."""
        return []

    def save(
        self, instance: models.Model, *, is_create: bool, actor: Any, before: Values
    ) -> list[models.Model]:
        """Keeps the row through the room's service and returns whatever other rows that made, in order."""
        raise NotImplementedError


IMPORT_KINDS: dict[str, ImportKind] = {}


def register_import(kind: type[ImportKind]) -> type[ImportKind]:
    """Makes a kind of import known by its name."""
    IMPORT_KINDS[kind.name] = kind()
    return kind
