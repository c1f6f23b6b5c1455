"""The audit trail: append-only entries, sealed into a hash chain after the fact so that no request waits
for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pgtrigger
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction

from park_portal.core import context
from park_portal.core.audit.chain import GENESIS, extend_chain, links, unsealed
from park_portal.core.audit.models import ERASABLE, Entry, Seal

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User

# Any constant will do, as long as nothing else takes the same advisory lock.
_SEAL_LOCK: Final = 0x5EA1


@dataclass(frozen=True)
class System:
    """The portal itself, acting by the clock or on an event rather than for a person."""

    pk: None = None
    is_active: bool = True

    def __str__(self) -> str:
        return "portal"


SYSTEM: Final = System()
if TYPE_CHECKING:
    Actor: TypeAlias = User | System
else:
    Actor = "User | System"


def record(
    action: str,
    obj: models.Model,
    *,
    actor: Actor,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Entry:
    """Write the entry for ``action`` on ``obj`` in the caller's transaction and return it."""
    entry = entry_of(action, obj, actor=actor, before=before, after=after, **facts)
    entry.save(force_insert=True)
    return entry


def record_all(entries: Iterable[Entry]) -> None:
    """Write some entries, made by ``entry_of``, in the caller's transaction."""
    Entry.objects.bulk_create(entries)


def entry_of(
    action: str,
    obj: models.Model,
    *,
    actor: Actor,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Entry:
    """Return the entry for ``action`` on ``obj``, to be written with others by ``record_all``."""
    source = context.current()
    # Whoever views the portal as somebody else did it, not the person whose pages are shown.
    looked = source.viewer is not None and actor.pk == source.on_behalf_of
    return Entry(
        action=action,
        actor_id=source.viewer if looked else actor.pk,
        on_behalf_of=source.on_behalf_of,
        object_type=obj._meta.label_lower,
        object_id=str(obj.pk),
        object_label=str(obj)[:200],
        before=_plain(before),
        after=_plain(after),
        facts=_plain({key: value for key, value in facts.items() if value not in ("", None)}) or {},
        door=source.door,
        address=source.address,
        request_id=source.request_id,
    )


def changes_of(obj: models.Model, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (before, after) of the columns in ``values`` that would really change on ``obj``."""
    before, after = {}, {}
    for key, value in values.items():
        held = getattr(obj, key)
        if held != value:
            before[key] = held.pk if isinstance(held, models.Model) else held
            after[key] = value.pk if isinstance(value, models.Model) else value
    return before, after


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return ``value`` as the JSON that will be stored, so that hashing now and later gives the same
    bytes.
    """
    if value is None:
        return None
    plain: dict[str, Any] = json.loads(json.dumps(dict(value), cls=_Encoder).replace("\\u0000", ""))
    return plain


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if isinstance(o, models.Model):
            return o.pk
        if isinstance(o, set | frozenset):
            return sorted(o)
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def _hash(*parts: Any) -> str:
    body = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()


def _words(entry: Entry) -> str:
    """Return the fingerprint of what ``entry`` says in words; with its salt, nobody finds them by trying."""
    return _hash(
        entry.salt, entry.object_label, entry.before, entry.after, entry.facts, str(entry.address or "")
    )


def _digest(previous: str, entry: Entry, content: str) -> str:
    """Return the link of ``entry`` after ``previous``: over what stays for ever, and the fingerprint of its words."""
    return _hash(
        previous,
        entry.pk,
        entry.at.isoformat(),
        entry.action,
        entry.actor_id,
        entry.on_behalf_of,
        entry.object_type,
        entry.object_id,
        entry.door,
        entry.request_id,
        content,
    )


def _digest_of_whole(previous: str, entry: Entry) -> str:
    """Return the link of an entry as it was made before its words had a fingerprint of their own."""
    body = json.dumps(
        [
            entry.pk,
            entry.at.isoformat(),
            entry.action,
            entry.actor_id,
            entry.on_behalf_of,
            entry.object_type,
            entry.object_id,
            entry.object_label,
            entry.before,
            entry.after,
            entry.facts,
            entry.door,
            entry.address,
            entry.request_id,
        ],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()


def seal_entries(*, limit: int = 5000) -> int:
    """Add up to ``limit`` unsealed entries to the chain, oldest first; return how many.

    One sealer at a time (advisory lock); a second call meanwhile returns 0.
    """
    return extend_chain(
        Seal, Entry.objects.all(), sealed_by="entry_id", lock=_SEAL_LOCK, link=_link, limit=limit
    )


def _link(position: int, previous: str, entry: Entry) -> Seal:
    content = _words(entry)
    digest = _digest(previous, entry, content)
    return Seal(position=position, entry_id=entry.pk, digest=digest, content=content)


@dataclass(frozen=True)
class Verdict:
    """What a walk of the chain found; ``broken_at`` is the first entry that was touched, if any.

    ``erased`` entries have lost words that the law made the park erase; each is named by a later entry of the chain.
    """

    sealed: int
    unsealed: int
    head: str
    broken_at: int | None = None
    why: str = ""
    erased: int = 0

    @property
    def intact(self) -> bool:
        return self.broken_at is None and not self.why


def verify_chain(*, expected_head: str | None = None) -> Verdict:
    """Recompute the chain and return the verdict.

    Names the first entry whose content, order or existence differs from what was sealed. With
    ``expected_head`` (a head exported earlier) it also tells whether the chain still passes through it,
    which a cut of the newest links would not.
    """
    previous, position, passed, erased = GENESIS, 0, expected_head in (None, GENESIS), 0
    noted = _erasures()
    waiting = unsealed(Seal, Entry.objects.all(), sealed_by="entry_id").count()
    for seal, entry in links(Seal, Entry.objects.all(), sealed_by="entry_id"):
        position += 1
        if seal.position != position:
            return Verdict(position - 1, waiting, previous, seal.entry_id, f"link {position} is missing")
        if entry is None:
            return Verdict(position - 1, waiting, previous, seal.entry_id, "the entry is gone")
        is_erased = _words(entry) in noted.get(entry.pk, ())
        if not _holds(previous, seal, entry, is_erased=is_erased):
            return Verdict(position - 1, waiting, previous, entry.pk, "the entry or its seal was changed")
        erased += is_erased
        previous = seal.digest
        passed = passed or previous == expected_head
    if not passed:
        return Verdict(position, waiting, previous, None, "the chain does not contain the expected head")
    return Verdict(position, waiting, previous, erased=erased)


def _holds(previous: str, seal: Seal, entry: Entry, *, is_erased: bool) -> bool:
    """Return whether ``entry`` is as ``seal`` found it, but for words that an entry of the chain says were erased."""
    if not seal.content:
        # One fingerprint over all: of an entry whose words are gone, only the entry that says so vouches for the rest.
        return is_erased or _digest_of_whole(previous, entry) == seal.digest
    if _digest(previous, entry, seal.content) != seal.digest:
        return False
    return is_erased or _words(entry) == seal.content


# --- words that the law makes the park erase

ERASED: Final = "audit.erase"
_AT_ONCE: Final = 1000


def erase_words(
    entries: models.QuerySet[Entry], change: Callable[[Entry], bool], *, actor: Actor, about: models.Model
) -> int:
    """Let ``change`` take words out of ``entries`` and return how many it changed.

    It may touch ``ERASABLE`` columns only; the database refuses any other. For every thousand, an entry about ``about``
    names those changed and the fingerprint of what is left, so that the chain still proves all the rest.
    """
    changed = 0
    with transaction.atomic():
        while seal_entries():  # what is not sealed yet would be sealed without ever having had its words
            pass
        keys = list(entries.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(keys), _AT_ONCE):
            left: dict[str, str] = {}
            with pgtrigger.ignore("core.Entry:audit_entry_append_only"):
                for entry in Entry.objects.filter(pk__in=keys[start : start + _AT_ONCE]).order_by("pk"):
                    if change(entry):
                        entry.salt = ""
                        entry.save(update_fields=[*ERASABLE])
                        left[str(entry.pk)] = _words(entry)
            if left:
                record(ERASED, about, actor=actor, entries=left)
            changed += len(left)
    return changed


def _erasures() -> dict[int, set[str]]:
    """Return for each entry that lost words the fingerprints of what was left of it."""
    noted: dict[int, set[str]] = {}
    for facts in Entry.objects.filter(action=ERASED).values_list("facts", flat=True):
        for key, left in facts.get("entries", {}).items():
            noted.setdefault(int(key), set()).add(left)
    return noted
