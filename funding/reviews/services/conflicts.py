"""Conflicts of interest: what stands between people and applications, what is recorded, declared and taken back."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.reviews.models import Conflict
from funding.reviews.services.suspending import settle_suspensions
from funding.reviews.states import BASES, ConflictKind, ConflictSource, ConflictState
from incubator.organisations.merging import merges
from incubator.organisations.models import Faculty, Organisation
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError, Forbidden, Problem, Text
from park_portal.core.policies.services import policy
from park_portal.core.text import clean
from park_portal.core.workflow import SYSTEM, Actor, System, advance, require

# Kinds that end: whoever left an employer counts as its own for some years more.
ENDING: Final = (
    ConflictKind.EMPLOYER,
    ConflictKind.FACULTY,
    ConflictKind.COAUTHOR,
    ConflictKind.COINVESTIGATOR,
)
# What only the portal's own records say.
DERIVED: Final = (ConflictKind.MEMBER,)


@dataclass(frozen=True)
class Reason:
    """Why one person must not review one application; ``edge`` is the conflict on record, None where it is derived.

    ``for_all``: it bars in every stage, not experts alone.
    """

    kind: str
    basis: str
    detail: str
    expires_on: date | None
    edge: int | None
    for_all: bool

    @property
    def text(self) -> Text:
        """The reason in a few words: what, whom it is about, who says so, how long it counts."""
        found: Text = _WORDS.get((self.kind, self.basis)) or ConflictKind(self.kind).label
        if self.detail:
            found = format_lazy("{what}: {detail}", what=found, detail=self.detail)
        said = BASES.get(self.basis, self.basis)
        if self.expires_on is None:
            return format_lazy(_("{reason} ({said})"), reason=found, said=said)
        return format_lazy(
            _("{reason} ({said}; counts until {until})"), reason=found, said=said, until=self.expires_on
        )


_WORDS: Final[dict[tuple[str, str], Text]] = {
    (ConflictKind.MEMBER, ConflictSource.REGISTER): _("belongs to the applicant or its team"),
    (ConflictKind.EMPLOYER, ConflictSource.REGISTER): _("same employer as the applicant"),
    (ConflictKind.EMPLOYER, "name"): _("same employer as the applicant"),
    (ConflictKind.COINVESTIGATOR, ConflictSource.REGISTER): _("works on the same research project"),
    (ConflictKind.COMPETITOR, ConflictSource.REGISTER): _("belongs to another applicant of the call"),
}


def reasons_of(
    pairs: Iterable[tuple[int, int]], *, experts: bool = True
) -> dict[tuple[int, int], list[Reason]]:
    """Return {(application id, person id): reasons}, the weightiest first, for pairs (person id, application id).

    One query, whatever their number: the database's own ``funding_conflicts``, by which it refuses reviews too.
    ``experts=False`` leaves out what bars experts alone.
    """
    wanted = list(pairs)
    found: dict[tuple[int, int], list[Reason]] = defaultdict(list)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT application, person, kind, basis, detail, expires_on, edge, for_all "
            "FROM funding_conflicts(%s::bigint[], %s::bigint[]) WHERE for_all OR %s "
            "ORDER BY application, person, weight, kind, edge NULLS FIRST, detail",
            [[person for person, _a in wanted], [application for _p, application in wanted], experts],
        )
        for application, person, *rest in cursor.fetchall():
            found[application, person].append(Reason(*rest))
    return dict(found)


def conflicts_for(application: Application, people: Iterable[User]) -> dict[int, list[Text]]:
    """Return the reasons why each of ``people`` must not review ``application``; those without one are left out."""
    found = conflicts_of([application], people)
    return {person: reasons for (_application, person), reasons in found.items()}


def conflicts_of(
    applications: Sequence[Application], people: Iterable[User]
) -> dict[tuple[int, int], list[Text]]:
    """Return {(application id, person id): reasons} for every pair that must not meet, in one query."""
    pool = [person.pk for person in people]
    pairs = ((person, application.pk) for application in applications for person in pool)
    return {pair: [reason.text for reason in reasons] for pair, reasons in reasons_of(pairs).items()}


def kept_from(actor: Actor, applications: Iterable[int]) -> dict[int, Text]:
    """Return {application id: reason} of those that a standing conflict keeps a member of staff from. One query."""
    if isinstance(actor, System):
        return {}
    found = reasons_of([(actor.pk, pk) for pk in applications], experts=False)
    return {pk: reasons[0].text for (pk, _person), reasons in sorted(found.items())}


def refuse_conflicted(applications: Iterable[Application], actor: Actor) -> None:
    """Raise ``Forbidden`` with a problem for each of ``applications`` that a standing conflict keeps ``actor`` from."""
    rows = {application.pk: application for application in applications}
    if found := kept_from(actor, rows):
        raise Forbidden(
            _("You have a conflict of interest here; somebody else of the park has to do this."),
            code="conflict_of_interest",
            problems=[
                Problem(
                    format_lazy("{number}: {reason}", number=rows[pk].number or "—", reason=reason),
                    anchor=f"application-{pk}",
                )
                for pk, reason in found.items()
            ],
        )


def possible_of(
    applications: Sequence[Application], people: Iterable[User]
) -> dict[tuple[int, int], list[Conflict]]:
    """Return {(application id, person id): matches} that staff have not looked at; they bar nobody. One query."""
    rows = Conflict.objects.possible().filter(application__in=applications, person__in=list(people))
    found: dict[tuple[int, int], list[Conflict]] = defaultdict(list)
    for row in rows.order_by("pk"):
        assert row.application_id is not None
        found[row.application_id, row.person_id].append(row)
    return dict(found)


# --- what is written -----------------------------------------------------------------------------------------------


def expiry_of(kind: str, until: date | None) -> date | None:
    """Return the last day on which a tie of ``kind`` that ended on ``until`` still counts; None where it goes on."""
    if until is None or kind not in ENDING:
        return until
    years = int(policy("conflict.employer_years").number)
    day = min(until.day, calendar.monthrange(until.year + years, until.month)[1])
    return until.replace(year=until.year + years, day=day)


def conflict_with(person_id: int, application: models.F | models.Value) -> models.Func:
    """Return the expression of the weightiest kind of conflict that stands between them today, NULL where none does."""
    return models.Func(
        models.Value(person_id),
        application,
        models.Value(True),  # as for an expert: their employers count
        function="funding_conflict",
        output_field=models.CharField(),
    )


def record_conflict(
    application: Application, person: User, *, actor: Actor, kind: str, note: str = ""
) -> Conflict:
    """Write down a conflict with ``application`` that staff know of; the person's reviews of it are suspended."""
    return record_tie(person, actor=actor, kind=kind, application=application, note=note)


def record_tie(
    person: User,
    *,
    actor: Actor,
    kind: str,
    application: Application | None = None,
    organisation: Organisation | None = None,
    faculty: Faculty | None = None,
    other: User | None = None,
    other_name: str = "",
    other_email: str = "",
    other_orcid: str = "",
    since: date | None = None,
    until: date | None = None,
    note: str = "",
) -> Conflict:
    """Write down what ties ``person`` to one application, organisation or other person, and return it; twice is once.

    People write their own (``actor`` is ``person``), staff anybody's. It stands at once: reviews across it are suspended
    in the same moment, and who has to know is told. ``until`` is the day it ended; what ends counts for the years of the
    rule on. Raises ``DomainError`` with the field that is wrong.
    """
    own = not isinstance(actor, System) and actor.pk == person.pk
    require(
        actor, "funding.declare_tie" if own else "funding.record_conflict", person if own else application
    )
    if kind not in ConflictKind.values or kind in DERIVED:
        raise DomainError(_("There is no such kind of conflict."), code="unknown_kind", field="kind")
    ends = {
        "application": application,
        "organisation": organisation,
        "other": other,
        "other_name": clean(other_name)[:100],
        "other_email": other_email.strip().lower(),
        "other_orcid": other_orcid.strip().upper(),
    }
    _check_ends(person, ends)
    if since and until and until < since:
        raise DomainError(_("The end lies before the start."), code="dates", field="until")
    if since and since > timezone.localdate():
        raise DomainError(_("The start lies in the future."), code="future", field="since")
    if faculty is not None and (organisation is None or faculty.organisation_id != organisation.pk):
        raise DomainError(_("This faculty belongs to another university."), code="faculty", field="faculty")
    values = {
        "faculty": faculty,
        "expires_on": expiry_of(kind, until),
        "note": clean(note)[:400],
    }
    source = ConflictSource.PERSON if own else ConflictSource.STAFF
    return write_tie(person, actor=actor, kind=kind, source=source, since=since, ends=ends, values=values)


def _check_ends(person: User, ends: dict[str, Any]) -> None:
    named = any(ends[name] for name in ("other_name", "other_email", "other_orcid"))
    given = sum(ends[name] is not None for name in ("application", "organisation", "other")) + named
    if given != 1:
        raise DomainError(
            _("Name one of them: a person, an organisation or an application."),
            code="ends",
            field="other_name",
        )
    if ends["other"] == person or (ends["other_email"] and ends["other_email"] == person.email.lower()):
        raise DomainError(_("Nobody is in conflict with themself."), code="oneself", field="other_name")


def write_tie(
    person: User,
    *,
    actor: Actor,
    kind: str,
    source: str,
    ends: dict[str, Any],
    values: dict[str, Any] | None = None,
    since: date | None = None,
    stands: bool = True,
) -> Conflict:
    """Write one tie, standing or possible; one that is there is brought to stand, never back. For services."""
    with transaction.atomic():
        if ends.get("application") is not None:
            # As every service that touches reviews: the application first.
            Application.objects.select_for_update(of=("self",)).get(pk=ends["application"].pk)
        same = {"person": person, "kind": kind, **ends}
        if ends.get("organisation") is not None:
            same["since"] = since
        held = Conflict.objects.select_for_update(of=("self",)).filter(**same).order_by("pk").first()
        if held is None:
            try:
                with transaction.atomic():
                    held = Conflict.objects.create(
                        **{**same, "since": since},
                        **(values or {}),
                        source=source,
                        recorded_by_id=actor.pk,
                    )
            except IntegrityError:  # somebody else wrote it meanwhile
                held = Conflict.objects.select_for_update(of=("self",)).get(**same)
            else:
                verb = "conflict.declare" if source == ConflictSource.PERSON else "conflict.record"
                facts = {"person": person.pk, "kind": kind, "source": source, "end": held.end}
                record(verb, held, actor=actor, after={**facts, **_plain(values)})
        elif values and stands and held.state == ConflictState.STANDING:
            _bring_up_to_date(held, values, actor=actor)
        if stands and held.state != ConflictState.STANDING:
            if held.state == ConflictState.DISMISSED:
                advance(held, "reopen", actor=SYSTEM)
            _stand(held, actor=actor, **(values or {}))
        settle_suspensions()
    return held


def _plain(values: dict[str, Any] | None) -> dict[str, Any]:
    return {key: getattr(value, "pk", value) for key, value in (values or {}).items()}


def _bring_up_to_date(held: Conflict, values: dict[str, Any], *, actor: Actor) -> None:
    changed = {key: value for key, value in values.items() if getattr(held, key) != value}
    if not changed:
        return
    before = {key: getattr(held, key) for key in changed}
    for key, value in changed.items():
        setattr(held, key, value)
    held.save(update_fields=[*changed])
    record("conflict.update", held, actor=actor, before=_plain(before), after=_plain(changed))


def _stand(conflict: Conflict, *, actor: Actor, **changes: Any) -> None:
    advance(
        conflict,
        "confirm",
        actor=SYSTEM if isinstance(actor, System) else actor,
        changes={"decided_by_id": actor.pk, "decided_at": timezone.now(), **changes},
    )


def confirm_conflict(conflict: Conflict, *, actor: Actor) -> Conflict:
    """Say that a possible match is the same person: from now on it stands; a second click changes nothing."""
    with transaction.atomic():
        held = _locked(conflict)
        if held.state == ConflictState.STANDING:
            return held
        require(actor, "funding.record_conflict", held)
        _stand(held, actor=actor)
        settle_suspensions()
    return held


def dismiss_conflict(conflict: Conflict, *, actor: Actor, reason: str = "") -> Conflict:
    """Say that a conflict does not stand: a match is somebody else, or it was recorded by mistake.

    Reviews that it suspended can be asked for again. What somebody declared on an application stays.
    """
    with transaction.atomic():
        held = _locked(conflict)
        if held.state == ConflictState.DISMISSED:
            return held
        require(actor, "funding.dismiss_conflict", held)
        if (
            held.state == ConflictState.STANDING
            and held.application_id is not None
            and held.recorded_by_id == held.person_id
        ):
            raise DomainError(
                _("What a reviewer declared on an application stays on record."), code="declared"
            )
        advance(
            held,
            "dismiss",
            actor=actor,
            changes={"decided_by_id": actor.pk, "decided_at": timezone.now()},
            reason=clean(reason)[:400],
        )
    return held


def withdraw_conflict(conflict: Conflict, *, actor: Actor, reason: str = "") -> Conflict:
    """Take a conflict back that was recorded by mistake; see ``dismiss_conflict``."""
    return dismiss_conflict(conflict, actor=actor, reason=reason)


def reopen_conflict(conflict: Conflict, *, actor: Actor) -> Conflict:
    """Put a dismissed conflict before staff again, as possible."""
    with transaction.atomic():
        held = _locked(conflict)
        if held.state == ConflictState.POSSIBLE:
            return held
        return advance(held, "reopen", actor=actor, changes={"decided_by_id": None, "decided_at": None})


def _locked(conflict: Conflict) -> Conflict:
    found = Conflict.objects.select_for_update(of=("self",)).select_related("person").get(pk=conflict.pk)
    return found


# Of two ties that say the same the one that bars most stays when their organisations become one.
_STRENGTH: Final = (ConflictState.DISMISSED, ConflictState.POSSIBLE, ConflictState.STANDING)


@merges("funding.Conflict", "organisation")
def _move_ties(loser: Organisation, survivor: Organisation) -> int:
    held = {
        (tie.person_id, tie.kind, tie.since): tie
        for tie in Conflict.objects.select_for_update(of=("self",)).filter(organisation=survivor)
    }
    moved = 0
    for tie in Conflict.objects.select_for_update(of=("self",)).filter(organisation=loser).order_by("pk"):
        same = held.get((tie.person_id, tie.kind, tie.since))
        if same is not None and _bars(same) >= _bars(tie):
            tie.delete()
        else:
            if same is not None:
                same.delete()
            tie.organisation = survivor
            tie.save(update_fields=["organisation"])
        moved += 1
    return moved


def _bars(tie: Conflict) -> tuple[int, date]:
    return _STRENGTH.index(ConflictState(tie.state)), tie.expires_on or date.max
