"""Erasing an account: what hinders it, and what it does.

What the registry (``core/personal.py``) says of each column is carried out in one transaction. What stays is what the
law makes the park keep; there the person is a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.postgres.fields import ArrayField
from django.core.mail import EmailMessage
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from park_portal.core.accounts.models import User
from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import Actor, erase_words, record
from park_portal.core.errors import DomainError, Problem
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.progress import Progress
from park_portal.core.jobs.services import job, start_job
from park_portal.core.outbox.services import sender
from park_portal.core.personal import HIDDEN, HINDERS, HOLDINGS, Erasure, Hindrance, Holding, Marks, patterns
from park_portal.core.policies.services import policy
from park_portal.core.privacy.models import DataRequest
from park_portal.core.privacy.retention import NOWHERE, months_before
from park_portal.core.privacy.services import close
from park_portal.core.privacy.states import RequestKind, RequestState
from park_portal.core.search.models import SearchEntry
from park_portal.core.search.services import KINDS as SEARCHED
from park_portal.core.search.services import index_object
from park_portal.core.workflow import require

SHORTEST_NUMBER: Final = 7
JOB: Final = "privacy.erase"


def hindrances(person: User) -> list[Hindrance]:
    """Return what must be settled before the account of ``person`` can be erased."""
    return [hindrance for ask in HINDERS for hindrance in ask(person)]


def refuse_erasure(asked: DataRequest, actor: Any) -> None:
    """Raise ``DomainError`` when ``asked`` is no open request to erase, or something stands against it."""
    require(actor, "core.answer_data_request", asked)
    if asked.kind != RequestKind.ERASURE:
        raise DomainError(_("Only a request for erasure is carried out so."), code="kind")
    if asked.state != RequestState.OPEN:
        raise DomainError(_("This request is answered."), code="closed")
    if found := hindrances(asked.person):
        raise DomainError(
            _("The account cannot be erased yet."),
            code="hindered",
            problems=[Problem(one.text) for one in found],
        )


def begin_erasure(asked: DataRequest, *, actor: User) -> Job:
    """Let the account of who asked be erased, and return the job that does it."""
    refuse_erasure(asked, actor)
    return start_job(JOB, actor=actor, params={"request": asked.pk})


@job(JOB, label=gettext_lazy("Erasing an account"), rule="core.answer_data_request")
def _erase(running: Job, progress: Progress) -> None:
    asked = DataRequest.objects.select_for_update(of=("self",)).get(pk=running.params["request"])
    if asked.state == RequestState.DONE:
        return
    assert running.owner is not None
    refuse_erasure(asked, running.owner)
    person = User.objects.select_for_update().get(pk=asked.person_id)
    address, language = person.email, person.language
    erase_person(person, actor=running.owner, progress=progress)
    asked.refresh_from_db()
    close(asked, actor=running.owner, fulfilled=True, text=str(_("The account is erased.")))
    transaction.on_commit(partial(_say_goodbye, address, language))


def _say_goodbye(address: str, language: str) -> None:
    """Send the last mail to an address that the portal no longer knows: it is written down nowhere."""
    with override(language):
        EmailMessage(
            subject=_("Your account is erased"),
            body=_(
                "Your account on the Qingpu Park Portal is erased, as you asked. What the law makes the park keep no "
                "longer leads to your name. You can no longer sign in, and get no more mail from us."
            ),
            from_email=sender(),
            to=[address],
        ).send(fail_silently=True)


# --- by what a person is known


def marks_of(person: User) -> Marks:
    """Return by what ``person`` is known, also formerly, and what stands in its place afterwards."""
    with override("zh-hans"):
        pseudonym = _("Erased person %(number)d") % {"number": person.pk}
    emails = {person.email.lower()}
    emails |= {
        mail.lower() for mail in EmailAddress.objects.filter(user=person).values_list("email", flat=True)
    }
    texts = {person.phone, *SocialAccount.objects.filter(user=person).values_list("uid", flat=True)}
    own = Entry.objects.filter(object_type=person._meta.label_lower, object_id=str(person.pk))
    for held in own.filter(action="user.update_profile").values_list("before", "after"):
        texts |= {str((values or {}).get("phone") or "") for values in held}
    texts = {text for text in texts if len(re.sub(r"\W", "", text)) >= SHORTEST_NUMBER}
    return Marks(
        person_id=person.pk,
        pseudonym=pseudonym,
        address=f"erased-{person.pk}@{NOWHERE}",
        emails=tuple(sorted(emails, key=len, reverse=True)),
        texts=tuple(sorted(texts, key=len, reverse=True)),
        name=person.name,
        name_is_theirs=_is_theirs(person),
    )


def _is_theirs(person: User) -> bool:
    """Return whether the name stands for nobody and nothing else: else it is taken out of the person's rows only."""
    name = person.name.strip()
    if len(name) < 2:
        return False
    if User.objects.exclude(pk=person.pk).filter(name__icontains=name).exists():
        return False
    shown = models.Q(title_zh__icontains=name) | models.Q(title_en__icontains=name)
    for kind, key in SearchEntry.objects.filter(shown).values_list("kind", "object_id"):
        known = SEARCHED.get(kind)
        holding = HOLDINGS.get(known.model._meta.label) if known else None
        if holding is None or not holding.rows_of(person).filter(pk=key).exists():
            return False
    return True


# --- erasing


def erase_person(person: User, *, actor: Actor, progress: Callable[..., Any] | None = None) -> Marks:
    """Do with every column what the registry says of it, and return by what the person was known.

    Called inside a transaction, by who has checked that nothing hinders it.
    """
    marks = marks_of(person)
    ordered = sorted(HOLDINGS.values(), key=lambda one: _ORDER.get(one.label, 0))
    own = _own_records(person, marks)
    touched: list[models.Model] = []
    for number, holding in enumerate(ordered):
        if progress is not None:
            progress(number, len(ordered), holding.model._meta.verbose_name_plural)
        touched += _carry_out(holding, person, marks)
    _erase_from_trail(person, marks, own, actor=actor)
    for row in touched:
        row.refresh_from_db()
        index_object(row)
    record("user.erase", person, actor=actor)
    return marks


# The account itself last: until then it says whose the other rows are.
_ORDER: Final = {"core.User": 2, "account.EmailAddress": 1}


def _carry_out(holding: Holding, person: User, marks: Marks) -> list[models.Model]:
    """Carry out one table's part; return the rows whose entry in the search must be written anew."""
    touched: list[models.Model] = []
    if holding.names(Erasure.SCRUBBED) and holding.label not in _BY_HAND:
        changed = _scrub(holding, marks)
        if not marks.name_is_theirs and holding.people:
            own = holding.rows_of(person).values_list("pk", flat=True)
            changed |= _scrub(holding, replace(marks, name_is_theirs=True), only=list(own))
        if holding.model._meta.label_lower in SEARCHED:
            touched += list(holding.model._base_manager.filter(pk__in=changed))
    if holding.deed is not None:
        holding.deed(person, marks)
    if holding.names(Erasure.DELETED):
        _deleted_rows(holding, person, marks).delete()
    return touched


def _deleted_rows(holding: Holding, person: User, marks: Marks) -> models.QuerySet[Any]:
    rows = holding.rows_of(person)
    if holding.by_marks is not None:
        rows = rows | holding.model._base_manager.filter(holding.by_marks(marks))
    return rows


def _own_records(person: User, marks: Marks) -> set[tuple[str, str]]:
    """Return (type, key) of the records that are the person's alone, as the trail writes them."""
    own = {(person._meta.label_lower, str(person.pk))}
    files = {"subject_type": person._meta.label_lower, "subject_id": str(person.pk)}
    held = [HOLDINGS["core.Document"].model._base_manager.filter(**files)]
    held += [
        _deleted_rows(holding, person, marks)
        for holding in HOLDINGS.values()
        if holding.names(Erasure.DELETED)
    ]
    for rows in held:
        own |= {(rows.model._meta.label_lower, str(key)) for key in rows.values_list("pk", flat=True)}
    return own


# The trail is taken care of by the chain's own function, the search by the records it is made of.
_BY_HAND: Final = ("core.Entry", "core.SearchEntry")


def _scrub(holding: Holding, marks: Marks, *, only: Iterable[Any] | None = None) -> set[Any]:
    """Take the marks out of free text; return the keys of the rows that had any."""
    changed: set[Any] = set()
    meta = holding.model._meta
    quote = connection.ops.quote_name
    for name in holding.names(Erasure.SCRUBBED):
        field = holding.field(name)
        column = quote(str(field.column))
        in_json = isinstance(field, models.JSONField | ArrayField)
        pairs = patterns(marks, in_json=in_json)
        text = f"{column}::text"
        for _pair in pairs:
            text = f"regexp_replace({text}, %s, %s, 'gi')"
        if not in_json and (longest := getattr(field, "max_length", None)):
            text = f"left({text}, {int(longest)})"
        params: list[Any] = [value for pair in pairs for value in pair]
        where = f"{column}::text ~* %s"
        params.append("|".join(sought for sought, _put in pairs))
        if only is not None:
            where += f" AND {quote(str(meta.pk.column))} = ANY(%s)"
            params.append(list(only))
        sql = (
            f"UPDATE {quote(meta.db_table)} SET {column} = ({text})::{field.db_type(connection)} "
            f"WHERE {where} RETURNING {quote(str(meta.pk.column))}"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            changed |= {row[0] for row in cursor.fetchall()}
    return changed


def _as_text(column: str) -> Any:
    return models.functions.Cast(column, models.TextField())


# --- the audit trail


def _erase_from_trail(person: User, marks: Marks, own: set[tuple[str, str]], *, actor: Actor) -> None:
    """Take the person's words out of the trail: everywhere what is theirs alone, in their own entries the name too."""
    everywhere = [(re.compile(sought, re.IGNORECASE), put) for sought, put in patterns(marks)]
    in_own = [(re.compile(sought, re.IGNORECASE), put) for sought, put in patterns(marks, with_name=True)]
    sought = "|".join(sought for sought, _put in patterns(marks))
    words = ("object_label", "before", "after", "facts")
    by_type: dict[str, list[str]] = {}
    for kind, key in own:
        by_type.setdefault(kind, []).append(key)
    matching = models.Q(actor=person)
    for kind, keys in by_type.items():
        matching |= models.Q(object_type=kind, object_id__in=keys)
    entries = Entry.objects.annotate(**{f"{name}_text": _as_text(name) for name in words})
    for name in words:
        matching |= models.Q(**{f"{name}_text__iregex": sought})
    logs_until = months_before(timezone.now(), policy("network.log_months").number)
    # What goes from the table goes from what the trail says of it.
    gone = {holding.model._meta.label_lower: holding.names(Erasure.DELETED) for holding in HOLDINGS.values()}

    def change(entry: Entry) -> bool:
        is_about = (entry.object_type, entry.object_id) in own
        pairs = in_own if is_about or entry.actor_id == person.pk else everywhere
        had = [getattr(entry, name) for name in (*words, "address")]
        for name in words:
            setattr(entry, name, _replaced(getattr(entry, name), pairs))
        if is_about:
            # What it was called before, too: earlier names, files, tokens.
            entry.object_label = marks.pseudonym
            hidden = {*_NAMING, *gone.get(entry.object_type, ())}
            entry.before, entry.after = _without(entry.before, hidden), _without(entry.after, hidden)
        if entry.actor_id == person.pk and entry.at < logs_until:
            entry.address = None
        return had != [getattr(entry, name) for name in (*words, "address")]

    erase_words(
        Entry.objects.filter(pk__in=entries.filter(matching).values("pk")), change, actor=actor, about=person
    )


def _replaced(value: Any, pairs: list[tuple[re.Pattern[str], str]]) -> Any:
    if isinstance(value, str):
        for sought, put in pairs:
            value = sought.sub(put, value)
        return value
    if isinstance(value, dict):
        return {_replaced(key, pairs): _replaced(one, pairs) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, pairs) for one in value]
    return value


# What the trail calls a record by.
_NAMING: Final = ("name", "phone", "email", "url", "label")


def _without(values: Any, hidden: Collection[str]) -> Any:
    if not isinstance(values, dict):
        return values
    return {key: HIDDEN if key in hidden and one else one for key, one in values.items()}
