"""What people do with their rights, and how staff answer them."""

from __future__ import annotations

from typing import Any, Final

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from park_portal.core import context
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import Language, StaffRole
from park_portal.core.audit.services import Actor, record
from park_portal.core.calendar.services import add_working_days
from park_portal.core.errors import DomainError
from park_portal.core.outbox.services import notify
from park_portal.core.personal import CONSENTS, ConsentPurpose
from park_portal.core.policies.services import policy
from park_portal.core.privacy.held import PAGE_READ
from park_portal.core.privacy.models import Consent, DataRequest
from park_portal.core.privacy.states import RequestKind, RequestState
from park_portal.core.reads import READ
from park_portal.core.workflow import advance, require

MOST_OPEN: Final = 5

# --- requests


def ask(person: User, *, actor: Actor, kind: str, text: str = "") -> DataRequest:
    """Ask the park to do something with one's data; who answers is told, and by when. Returns the request.

    A second request for erasure is the first. Raises ``DomainError`` when nothing is said, or too many are open.
    """
    require(actor, "core.use_data_rights")
    text = text.strip()
    if kind not in RequestKind.values:
        raise DomainError(_("There is no such request."), code="kind", field="kind")
    if kind != RequestKind.ERASURE and not text:
        raise DomainError(_("Say what is wrong, or what you ask for."), code="text", field="text")
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        own = DataRequest.objects.filter(person=person, state=RequestState.OPEN)
        same = own.filter(kind=kind, text=text) if kind != RequestKind.ERASURE else own.filter(kind=kind)
        if (found := same.first()) is not None:
            return found
        if own.count() >= MOST_OPEN:
            raise DomainError(_("You have several requests that wait for an answer."), code="too_many")
        days = policy("privacy.answer_days").number
        asked = DataRequest.objects.create(
            person=person, kind=kind, text=text, due_on=add_working_days(timezone.localdate(), days)
        )
        record("privacy_request.ask", asked, actor=actor, after={"kind": kind, "due_on": asked.due_on})
        _tell_officers(asked)
    return asked


def _tell_officers(asked: DataRequest) -> None:
    officers = User.objects.with_role(StaffRole.LEAD, StaffRole.ADMINISTRATOR).exclude(pk=asked.person_id)
    notify(
        "privacy.request",
        recipients=list(officers),
        key=str(asked.pk),
        link=reverse("admin:core_datarequest_change", args=[asked.pk]),
        context={
            "person": str(asked.person),
            "what": _in_both(RequestKind(asked.kind)),
            "due": asked.due_on.isoformat(),
        },
    )


def _in_both(choice: Any) -> dict[str, str]:
    found = {}
    for code in Language.values:
        with override(code):
            found[code] = str(choice.label)
    return found


def withdraw(asked: DataRequest, *, actor: Actor) -> DataRequest:
    """Take back a request that is not answered yet."""
    return advance(asked, "withdraw", actor=actor)


def answer(asked: DataRequest, *, actor: User, fulfilled: bool, text: str) -> DataRequest:
    """Answer a request and tell who asked. Erasing is a job of its own: see ``erasing``."""
    if not text.strip():
        raise DomainError(_("Give the answer; the person reads it."), code="text", field="text")
    with transaction.atomic():
        close(asked, actor=actor, fulfilled=fulfilled, text=text.strip())
        outcome = RequestState.DONE if fulfilled else RequestState.REFUSED
        notify(
            "privacy.answered",
            recipients=[asked.person],
            key=str(asked.pk),
            link=reverse("my-data"),
            context={
                "what": _in_both(RequestKind(asked.kind)),
                "outcome": _in_both(outcome),
                "answer": asked.answer,
            },
        )
    return asked


def close(asked: DataRequest, *, actor: User, fulfilled: bool, text: str) -> DataRequest:
    """Write down how ``asked`` was answered."""
    return advance(
        asked,
        "fulfil" if fulfilled else "refuse",
        actor=actor,
        changes={"answer": text, "answered_by": actor, "answered_at": timezone.now()},
    )


def fulfil(asked: DataRequest, *, actor: User, text: str) -> DataRequest:
    """Answer that what was asked is done."""
    if asked.kind == RequestKind.ERASURE:
        raise DomainError(_("An account is erased by its own act."), code="erase")
    return answer(asked, actor=actor, fulfilled=True, text=text)


def refuse(asked: DataRequest, *, actor: User, text: str) -> DataRequest:
    """Answer that what was asked is not done, and why."""
    return answer(asked, actor=actor, fulfilled=False, text=text)


def note_page_read(person: User, *, actor: User, reason: str) -> None:
    """Note that ``actor`` looks at what is held about ``person``, and what for."""
    require(actor, "core.see_holdings")
    record(PAGE_READ, person, actor=actor, reason=reason)


def note_viewing(person: User) -> None:
    """Note it where a member of the staff is shown what ``person`` reads of their own data; else nothing."""
    if context.current().viewer is not None:
        record(READ, person, actor=person, columns=["phone"])


# --- consents


def consents_of(person: User) -> list[tuple[ConsentPurpose, Consent | None]]:
    """Return every purpose, each with the consent of ``person`` that is in force."""
    held = {consent.purpose: consent for consent in Consent.objects.visible_to(person).in_force()}
    return [(purpose, held.get(name)) for name, purpose in CONSENTS.items()]


def give_consent(person: User, *, actor: User, purpose: str) -> Consent:
    """Note that ``person`` agrees to ``purpose`` as its text stands now. Agreeing again changes nothing."""
    known = _purpose(purpose)
    _refuse_for_others(person, actor)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        held = Consent.objects.filter(person=person, purpose=purpose, withdrawn_at__isnull=True).first()
        if held is not None and held.version == known.version:
            return held
        if held is not None:  # to an earlier text
            Consent.objects.filter(pk=held.pk).update(withdrawn_at=timezone.now())
        given = Consent.objects.create(
            person=person, purpose=purpose, version=known.version, text=dict(known.text)
        )
        record("consent.give", given, actor=actor, after={"purpose": purpose, "version": known.version})
    return given


def withdraw_consent(person: User, *, actor: User, purpose: str) -> bool:
    """End a consent and, at once, what was done by it; return whether there was one."""
    known = _purpose(purpose)
    _refuse_for_others(person, actor)
    with transaction.atomic():
        held = (
            Consent.objects.select_for_update()
            .filter(person=person, purpose=purpose, withdrawn_at__isnull=True)
            .first()
        )
        if held is None:
            return False
        Consent.objects.filter(pk=held.pk).update(withdrawn_at=timezone.now())
        record("consent.withdraw", held, actor=actor, before={"purpose": purpose, "version": held.version})
        if known.stop is not None:
            known.stop(person)
    return True


def _purpose(name: str) -> ConsentPurpose:
    if name not in CONSENTS:
        raise DomainError(_("There is no such purpose."), code="purpose")
    return CONSENTS[name]


def _refuse_for_others(person: User, actor: User) -> None:
    """Nobody agrees for somebody else."""
    require(actor, "core.edit_profile", person)


def who_agreed(purpose: str) -> models.QuerySet[User]:
    """Return the active people whose consent to ``purpose``, as its text stands now, is in force."""
    given = Consent.objects.in_force().filter(purpose=purpose, person=models.OuterRef("pk"))
    return User.objects.filter(models.Exists(given), is_active=True)
