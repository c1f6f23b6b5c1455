"""What the portal holds about people, said column by column: each room declares its tables in its ``privacy.py``.

    holds(
        "incubator.Membership",
        people=("user",),
        purpose=Purpose.PARK, basis=Basis.CONTRACT, keep=Keep.ACCOUNT,
        deleted=True,
        plain="id organisation role created_at",
    )

Every column of every table is in exactly one of the lists; a test fails for one that is in none. What is declared here is
what a person reads under “My data”, what their copy holds, and what erasing the account does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.db import models
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from park_portal.core.errors import Text

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User


class Purpose(models.TextChoices):
    """What something is held for."""

    ACCOUNT = "account", _("So that you can sign in, and nobody else does in your name.")
    NOTICES = "notices", _("So that you are told what concerns you.")
    PARK = "park", _("So that it is known who speaks for an organisation or a research project.")
    CALLS = "calls", _("For the work of the call you take part in: application, review, decision.")
    AWARDS = "awards", _("For paying what was awarded and accounting for it.")
    PROGRAMS = "programs", _("So that programs of yours can work in your name.")
    COMFORT = "comfort", _("So that you find the portal as you left it.")
    PROOF = "proof", _("So that it can be shown later who did what, and when.")
    RIGHTS = "rights", _("So that your requests and consents are answered and can be shown.")
    RUNNING = "running", _("So that the portal runs and nothing is lost.")


class Basis(models.TextChoices):
    """What allows it (Personal Information Protection Law, Article 13)."""

    CONTRACT = "contract", _("needed for what you asked for (Art. 13 no. 2)")
    LAW = "law", _("a duty of law (Art. 13 no. 3)")
    CONSENT = "consent", _("your consent (Art. 13 no. 1)")


class Law(models.TextChoices):
    """Why something stays when an account is erased."""

    ARCHIVES = "archives", _("Archives Law: records of publicly funded projects are kept.")
    ACCOUNTING = "accounting", _("Accounting Law: vouchers are kept for 30 years.")
    NETWORK = "network", _("Cybersecurity Law, Article 23: network logs are kept for at least six months.")
    PIPL = (
        "pipl",
        _("Personal Information Protection Law: how requests and consents were dealt with must be shown."),
    )


class Keep(models.TextChoices):
    """How long something is held, where no dated rule says so."""

    ACCOUNT = "account", _("as long as the account")
    SESSION = "session", _("until you sign out, or the session ends by itself")
    PROJECT = "project", _("as long as the record of the project is kept by law")
    TRAIL = "trail", _("as long as the audit trail; erasing the account takes your data out of it")
    WORK = "work", _("until the work is done")


class Erasure(models.TextChoices):
    """What erasing an account does with a column."""

    DELETED = "deleted", pgettext_lazy("on erasure", "deleted")
    EMPTIED = "emptied", pgettext_lazy("on erasure", "emptied")
    REPLACED = "replaced", pgettext_lazy("on erasure", "replaced by a number")
    SCRUBBED = "scrubbed", pgettext_lazy("on erasure", "your data are taken out of the text")
    KEPT = "kept", pgettext_lazy("on erasure", "kept by law")
    LINKED = "linked", pgettext_lazy("on erasure", "points to a number without a name")


@dataclass(frozen=True)
class Marks:
    """By what a person is known, and what stands in its place afterwards.

    ``texts`` are sought in free text of all rows, ``name`` only where it is nobody else's: two people may share one.
    """

    person_id: int
    pseudonym: str
    address: str
    emails: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    name: str = ""
    name_is_theirs: bool = False


HIDDEN: Final = "***"


def patterns(marks: Marks, *, with_name: bool | None = None, in_json: bool = False) -> list[tuple[str, str]]:
    """Return (regular expression, what replaces it) of each mark, for PostgreSQL and Python alike.

    The name only where it is nobody else's, unless ``with_name`` says; ``in_json`` as JSON writes them.
    """
    if with_name is None:
        with_name = marks.name_is_theirs
    found = [(mail, marks.address) for mail in marks.emails]
    found += [(text, HIDDEN) for text in marks.texts]
    if with_name and marks.name.strip():
        found.append((marks.name.strip(), marks.pseudonym))
    if in_json:
        found = [(json.dumps(text, ensure_ascii=False)[1:-1], put) for text, put in found]
    return [(_whole(text), put) for text, put in found]


def _whole(text: str) -> str:
    """Return an expression that finds ``text``, but not as a part of a longer Latin word or number."""
    escaped = "".join(char if char.isalnum() else f"\\{char}" if char.isascii() else char for char in text)
    before = r"(?<![A-Za-z0-9])" if text[:1].isascii() and text[:1].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if text[-1:].isascii() and text[-1:].isalnum() else ""
    return f"{before}{escaped}{after}"


@dataclass(frozen=True)
class Holding:
    """One table: whose rows they are, why and how long, and what erasing an account does with each column."""

    label: str
    purpose: Purpose | None
    basis: Basis | None
    keep: Keep | str | None
    people: tuple[str, ...]
    columns: Mapping[str, Erasure]
    laws: Mapping[str, Law]
    plain: frozenset[str]
    sensitive: frozenset[str]
    # Not in the copy that people get: keys and hashes, and what says more of others than of them.
    untold: frozenset[str]
    since: str
    deed: Callable[[User, Marks], Any] | None = None
    # A condition that finds rows by what a person is known by, where no column points to them.
    by_marks: Callable[[Marks], models.Q] | None = None

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.label)

    @property
    def is_personal(self) -> bool:
        return bool(self.columns)

    def field(self, name: str) -> models.Field[Any, Any]:
        """Return a column of the table itself."""
        found = self.model._meta.get_field(name)
        assert isinstance(found, models.Field)
        return found

    def names(self, *erasures: Erasure) -> list[str]:
        """Return the columns with which erasing does one of ``erasures``."""
        return [name for name, erasure in self.columns.items() if erasure in erasures]

    def erased(self) -> list[str]:
        """Return the columns whose content is gone for this person once the account is erased."""
        return self.names(Erasure.DELETED, Erasure.EMPTIED, Erasure.REPLACED, Erasure.SCRUBBED)

    def told(self) -> list[str]:
        """Return the columns that the person's own copy holds, in the table's order."""
        return [f.name for f in self.model._meta.local_concrete_fields if f.name not in self.untold]

    def rows_of(self, person: Any) -> models.QuerySet[Any]:
        """Return the rows that are about ``person``."""
        condition = models.Q(pk__in=[])
        for path in self.people:
            condition |= models.Q(**{path: person.pk})
        return self.model._base_manager.filter(condition)


HOLDINGS: Final[dict[str, Holding]] = {}


def holds(
    label: str,
    *,
    purpose: Purpose | None = None,
    basis: Basis | None = None,
    keep: Keep | str | None = None,
    people: Iterable[str] = (),
    deleted: str = "",
    emptied: str = "",
    replaced: str = "",
    scrubbed: str = "",
    linked: str = "",
    kept: Mapping[Law, str] | None = None,
    plain: str = "",
    sensitive: str = "",
    untold: str = "",
    since: str = "",
    deed: Callable[[User, Marks], Any] | None = None,
    by_marks: Callable[[Marks], models.Q] | None = None,
) -> None:
    """Declare a table, its columns named in words of one string for each list.

    ``people`` are the columns that say whose row it is, ``linked`` those that say who did something with it. With
    ``deleted`` the person's rows go as wholes. ``keep`` is a ``Keep`` or the key of a dated rule.
    """
    lists = {
        Erasure.DELETED: deleted,
        Erasure.EMPTIED: emptied,
        Erasure.REPLACED: replaced,
        Erasure.SCRUBBED: scrubbed,
        Erasure.LINKED: linked,
    }
    columns: dict[str, Erasure] = {}
    laws: dict[str, Law] = {}
    pairs = [(name, erasure) for erasure, names in lists.items() for name in names.split()]
    for law, names in (kept or {}).items():
        pairs += [(name, Erasure.KEPT) for name in names.split()]
        laws |= dict.fromkeys(names.split(), law)
    for name, erasure in pairs:
        if name in columns:
            raise ValueError(f"{label}.{name} is declared twice")
        columns[name] = erasure
    if columns and not (purpose and basis and keep):
        raise ValueError(f"{label} holds personal data: say what for, on which ground and how long")
    if label in HOLDINGS:
        raise ValueError(f"{label} is declared twice")
    HOLDINGS[label] = Holding(
        label=label,
        purpose=purpose,
        basis=basis,
        keep=keep,
        people=tuple(people),
        columns=columns,
        laws=laws,
        plain=frozenset(plain.split()),
        sensitive=frozenset(sensitive.split()),
        untold=frozenset(untold.split()),
        since=since,
        deed=deed,
        by_marks=by_marks,
    )


def undeclared() -> dict[str, list[str]]:
    """Return by table what no room has declared, and what is declared but not there or in two lists."""
    wrong: dict[str, list[str]] = {}
    tables = {model._meta.label: model for model in tables_of_the_portal()}
    for label, model in tables.items():
        there = {f.name for f in model._meta.local_concrete_fields}
        known = HOLDINGS.get(label)
        columns = set(known.columns) if known else set()
        plain = set(known.plain) if known else set()
        found = (there ^ (columns | plain)) | (columns & plain)
        if known:
            found |= (known.sensitive - columns) | (known.untold - there)
        if found:
            wrong[label] = sorted(found)
    for label in HOLDINGS.keys() - tables.keys():
        wrong[label] = ["no such table"]
    return wrong


def tables_of_the_portal() -> Iterator[type[models.Model]]:
    """Yield every model that has a table of its own, those of libraries and between two tables too."""
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy and model._meta.managed:
            yield model


def sensitive_columns(model: type[models.Model]) -> frozenset[str]:
    """Return the columns of ``model`` whose reading is noted: telephone numbers and addresses of people."""
    known = HOLDINGS.get(model._meta.label)
    return known.sensitive if known else frozenset()


# --- what hinders erasing an account


@dataclass(frozen=True)
class Hindrance:
    """One reason why an account cannot be erased yet, and what to do about it."""

    text: Text
    url: str = ""


Hinders = Callable[["User"], Iterable[Hindrance]]
HINDERS: Final[list[Hinders]] = []


def hinders(function: Hinders) -> Hinders:
    """Register a function that says what of its room must be settled before an account is erased."""
    HINDERS.append(function)
    return function


# --- what goes by itself


def delete_rows(rows: models.QuerySet[Any]) -> int:
    """Delete ``rows`` and return how many there were, with what hung on them."""
    return rows.delete()[0]


@dataclass(frozen=True)
class Retention:
    """One kind of data that goes when it is old enough: the dated rule, the rows, and what is done with them."""

    name: str
    label: Text
    policy: str
    explain: Text
    # rows(before) are those that are older than that moment and go.
    rows: Callable[[datetime], models.QuerySet[Any]]
    go: Callable[[models.QuerySet[Any]], int] = delete_rows
    since: str = field(default="created_at")


RETENTIONS: Final[dict[str, Retention]] = {}


def goes(retention: Retention) -> Retention:
    """Register a kind of data that goes by a dated rule."""
    if retention.name in RETENTIONS:
        raise ValueError(f"retention {retention.name} is declared twice")
    RETENTIONS[retention.name] = retention
    return retention


# --- what is worked out about people, and kept nowhere


@dataclass(frozen=True)
class WorkedOut:
    """Figures that the portal works out about a person whenever they are asked for; ``facts(person)`` are (label, value).

    No facts: nothing is worked out about this person.
    """

    name: str
    label: Text
    purpose: Purpose
    basis: Basis
    keep: Keep | str
    facts: Callable[[User], Iterable[tuple[Text, Any]]]


WORKED_OUT: Final[dict[str, WorkedOut]] = {}


def works_out(found: WorkedOut) -> WorkedOut:
    """Register figures about people; the person's copy of their data holds them."""
    if found.name in WORKED_OUT:
        raise ValueError(f"{found.name} is declared twice")
    WORKED_OUT[found.name] = found
    return found


# --- what people may consent to


@dataclass(frozen=True)
class ConsentPurpose:
    """One thing that is done with a person's data only as long as they want it.

    A new ``version`` of the text asks anew: who agreed to an earlier one has not agreed to this one.
    ``stop(person)`` ends at once what is under way.
    """

    name: str
    label: Text
    text: Mapping[str, str]
    version: int = 1
    stop: Callable[[User], Any] | None = None

    @property
    def text_shown(self) -> str:
        """What is asked, in the language being read."""
        return self.text.get(get_language() or "") or self.text["zh-hans"]


CONSENTS: Final[dict[str, ConsentPurpose]] = {}


def asks(purpose: ConsentPurpose) -> ConsentPurpose:
    """Register something that is done only with consent."""
    if purpose.name in CONSENTS:
        raise ValueError(f"consent {purpose.name} is declared twice")
    CONSENTS[purpose.name] = purpose
    return purpose
