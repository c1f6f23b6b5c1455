"""The public notice: objections that anyone may raise, and what staff make of them."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.calls.states import StageKind
from funding.reviews.models import Objection, StageRun
from funding.reviews.services.stages import _clean, _lock, _lock_run, on_stage_due
from funding.reviews.services.telling import link_of_run, staff_of, tell
from funding.reviews.states import RunState
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import record
from park_portal.core.errors import DeadlinePassed, DomainError
from park_portal.core.workflow import SYSTEM, Actor, require

LONGEST: Final = 4000
MOST_OPEN: Final = 50  # open objections an application: beyond that someone is flooding, not objecting


def record_objection(run: StageRun, *, name: str, email: str = "", text: str) -> Objection:
    """Keep an objection that came in through the public page and tell staff; the same text twice is kept once."""
    name, email, text = _clean(name)[:80], _clean(email), _clean(text)
    if not name:
        raise DomainError(_("Your name, please."), code="required", field="name")
    if not text:
        raise DomainError(_("Say what you object to, and why."), code="required", field="text")
    if len(text) > LONGEST:
        raise DomainError(
            _("At most %(most)d characters, please.") % {"most": LONGEST}, code="too_long", field="text"
        )
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            raise DomainError(_("This is not an e-mail address."), code="email", field="email") from error
    with transaction.atomic():
        application = _lock(run.application_id)
        held = _lock_run(run.pk, application)
        if (
            held.stage.kind != StageKind.NOTICE
            or held.state != RunState.ACTIVE
            or held.due_at <= timezone.now()
        ):
            raise DeadlinePassed(_("The public notice of this application is over."))
        same = Objection.objects.filter(run=held, name=name, text=text).first()
        if same is not None:
            return same
        if Objection.objects.filter(run=held, upheld__isnull=True).count() >= MOST_OPEN:
            raise DomainError(
                _("Many objections are waiting already. Please write to the park office instead."),
                code="too_many",
            )
        objection = Objection.objects.create(run=held, name=name, email=email[:254], text=text)
        record("objection.record", objection, actor=SYSTEM, after={"run": held.pk, "name": name})
        tell(
            "review.objection",
            application=application,
            recipients=staff_of(application.call, StaffRole.OFFICER),
            key=str(objection.pk),
            link=link_of_run(held),
            person=name,
        )
    return objection


def resolve_objection(objection: Objection, *, actor: Actor, upheld: bool, resolution: str) -> Objection:
    """Say what was found. Once none is open the notice passes by its period; an upheld one leaves the stage to
    staff.
    """
    require(actor, "funding.resolve_objection", objection)
    text = _clean(resolution)
    if not text:
        raise DomainError(_("Say what was found."), code="required", field="resolution")
    with transaction.atomic():
        _lock(objection.run.application_id)
        held = Objection.objects.select_for_update(of=("self",)).get(pk=objection.pk)
        if held.upheld is not None:
            if held.upheld == upheld and held.resolution == text:
                return held
            raise DomainError(_("This objection has been resolved already."), code="already_done")
        held.upheld, held.resolution = upheld, text[:LONGEST]
        held.resolved_by_id, held.resolved_at = actor.pk, timezone.now()
        held.save()
        record("objection.resolve", held, actor=actor, after={"upheld": upheld, "resolution": text})
        on_stage_due(held.run_id)
    return held
