"""Before the meeting: when and where, who sits on the panel, what is on the agenda and in which order."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from funding.applications.states import ApplicationState
from funding.calls.models import Stage
from funding.calls.states import StageKind
from funding.panels.agenda import Standing, by_line, by_spread
from funding.panels.models import AgendaItem, Meeting, PanelMember
from funding.panels.services.common import (
    is_present,
    lock_meeting,
    need_reason,
    note_standing,
    refuse_unless_under_way,
    show,
)
from funding.panels.services.telling import tell_panel
from funding.panels.states import (
    STILL_OPEN,
    AgendaOrder,
    ItemState,
    MeetingState,
    Movement,
    PanelRole,
)
from funding.reviews.models import Calculation, StageRun
from funding.reviews.models.records import fingerprint
from funding.reviews.services import ratings_of, summaries_of
from funding.reviews.states import CalculationKind, RunState
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import changes_of, record
from park_portal.core.errors import Conflict, DomainError, Problem
from park_portal.core.workflow import Actor, advance, require

FIELDS: Final = (
    "title_zh_hans",
    "title_en",
    "place",
    "link",
    "starts_at",
    "minutes_planned",
    "quorum",
    "vote_kind",
    "secret",
)
# What of these the panel must be told when it changes.
TOLD: Final = ("place", "link", "starts_at", "minutes_planned")


def plan_meeting(
    stage: Stage,
    *,
    actor: User,
    chair: User,
    members: Iterable[User] = (),
    secretary: User | None = None,
    order: str = AgendaOrder.STAFF,
    **values: Any,
) -> Meeting:
    """Plan a meeting on the applications that wait in ``stage``, all of them on its agenda, and invite the panel.

    ``values`` are those of ``FIELDS``. Raises ``DomainError`` with the field that is wrong.
    """
    require(actor, "funding.plan_panels")
    if stage.kind != StageKind.PANEL:
        raise DomainError(_("This stage is not worked by a panel."), code="no_panel", field="stage")
    seats: dict[int, tuple[User, str]] = {person.pk: (person, PanelRole.MEMBER) for person in members}
    if secretary is not None:
        seats[secretary.pk] = (secretary, PanelRole.SECRETARY)
    seats[chair.pk] = (chair, PanelRole.CHAIR)
    _refuse_past(values.get("starts_at"))
    _refuse_high_quorum(values.get("quorum"), [role for _person, role in seats.values()])
    with transaction.atomic():
        meeting = Meeting(stage=stage, call=stage.call, created_by=actor, **_with_titles(values, stage))
        _check(meeting)
        meeting.save(force_insert=True)
        record("meeting.plan", meeting, actor=actor, after={key: values.get(key) for key in FIELDS})
        people = sorted(seats.values(), key=lambda pair: list(PanelRole).index(PanelRole(pair[1])))
        for role in PanelRole:
            chosen = [person for person, its in people if its == role]
            if chosen:
                seat_members(meeting, chosen, actor=actor, role=role)
        put_on_agenda(meeting, waiting_runs(stage), actor=actor)
        if order != AgendaOrder.STAFF:
            order_agenda(meeting, actor=actor, order=order)
    meeting.refresh_from_db()
    return meeting


def _with_titles(values: Mapping[str, Any], stage: Stage) -> dict[str, Any]:
    named = {key: value for key, value in values.items() if key in FIELDS}
    if unknown := values.keys() - set(FIELDS):
        raise TypeError(f"not part of a meeting: {sorted(unknown)}")
    for code, word in (("zh_hans", "会议评审"), ("en", "Panel")):
        call = getattr(stage.call, f"title_{code}") or stage.call.title
        named[f"title_{code}"] = (named.get(f"title_{code}") or f"{call} · {word}")[:120]
    return named


def _refuse_past(moment: datetime | None) -> None:
    if moment is not None and moment <= timezone.now():
        raise DomainError(_("The meeting would begin in the past."), code="past", field="starts_at")


def _refuse_high_quorum(quorum: Any, roles: Sequence[str]) -> None:
    voters = sum(role in (PanelRole.CHAIR, PanelRole.MEMBER) for role in roles)
    if isinstance(quorum, int) and quorum > voters:
        raise DomainError(
            _("The quorum is %(quorum)d, but only %(voters)d people on the panel vote.")
            % {"quorum": quorum, "voters": voters},
            code="quorum",
            field="quorum",
        )


def _check(meeting: Meeting) -> None:
    try:
        meeting.clean_fields(exclude=["call", "stage", "created_by", "title"])
        meeting.validate_constraints()
    except ValidationError as error:
        problems = [
            Problem(text, field=field) for field, texts in error.message_dict.items() for text in texts
        ]
        raise DomainError(problems[0].message, field=problems[0].field, problems=problems) from error


def change_meeting(meeting: Meeting, *, actor: Actor, **values: Any) -> Meeting:
    """Change when, where or how a planned meeting is held; the panel is told of a new time or place."""
    require(actor, "funding.plan_panels", meeting)
    if unknown := values.keys() - set(FIELDS):
        raise TypeError(f"not part of a meeting: {sorted(unknown)}")
    with transaction.atomic():
        held = lock_meeting(meeting.pk)
        if held.state != MeetingState.PLANNED:
            raise DomainError(_("Only a meeting that is planned can be changed."), code="meeting_over")
        before, after = changes_of(held, values)
        if not after:
            return held
        if "starts_at" in after:
            _refuse_past(values["starts_at"])
        _refuse_high_quorum(values.get("quorum"), list(held.members.seated().values_list("role", flat=True)))
        for key in after:
            setattr(held, key, values[key])
        _check(held)
        held.version += 1
        held.save(update_fields=[*after, "version"])
        record("meeting.change", held, actor=actor, before=before, after=after)
        if set(after) & set(TOLD):
            tell_panel(held, "panel.changed", key=f"{held.pk}:{held.version}")
    return held


def cancel_meeting(meeting: Meeting, *, actor: Actor, reason: str) -> Meeting:
    """Cancel a planned meeting and tell the panel; its applications wait for another one."""
    why = need_reason(reason, _("Say why the meeting is cancelled: the panel reads it."))
    with transaction.atomic():
        held = lock_meeting(meeting.pk)
        if held.state == MeetingState.CANCELLED:
            return held
        for item in held.items.filter(state__in=STILL_OPEN):
            advance(item, "drop", actor=actor, changes={"reason": why}, reason=why)
        held = advance(held, "cancel", actor=actor, reason=why)
        tell_panel(held, "panel.cancelled", key=str(held.pk), reason=why)
    return held


# --- who sits on it ------------------------------------------------------------------------------------------------


def seat_members(
    meeting: Meeting, people: Iterable[User], *, actor: Actor, role: str = PanelRole.MEMBER
) -> list[PanelMember]:
    """Put ``people`` on the panel in ``role`` and invite them; who sits there already only changes the role."""
    require(actor, "funding.plan_panels", meeting)
    if role not in PanelRole.values:
        raise DomainError(_("There is no such role on a panel."), code="unknown_role", field="role")
    seated = []
    with transaction.atomic():
        held = lock_meeting(meeting.pk)
        refuse_unless_under_way(held)
        for person in people:
            if not person.is_active:
                raise DomainError(
                    _("%(person)s can no longer sign in.") % {"person": person},
                    code="inactive",
                    field="people",
                )
            seated.append(_seat(held, person, role, actor=actor))
        new = [member for member, is_new in seated if is_new]
        note_standing(held, held.items.filter(state__in=STILL_OPEN), [member for member, _new in seated])
        if new:
            key = f"{held.pk}:" + ",".join(
                f"{one.user_id}-{one.invited_at:%Y%m%d%H%M%S%f}" for one in new[:3]
            )
            tell_panel(held, "panel.invited", key=key[:180], people=[member.user for member in new])
        show(held)
    return [member for member, _new in seated]


def _seat(meeting: Meeting, person: User, role: str, *, actor: Actor) -> tuple[PanelMember, bool]:
    member = meeting.members.filter(user=person).first()
    is_new = member is None or member.removed_at is not None
    if role == PanelRole.CHAIR:
        # The one who was chair stays on the panel.
        for former in meeting.members.seated().filter(role=PanelRole.CHAIR).exclude(user=person):
            former.role = PanelRole.MEMBER
            former.save(update_fields=["role"])
            record(
                "meeting.seat", meeting, actor=actor, after={"person": former.user_id, "role": former.role}
            )
    if member is None:
        member = PanelMember.objects.create(meeting=meeting, user=person, role=role)
    elif member.role == role and member.removed_at is None:
        return member, False
    elif member.role == PanelRole.CHAIR and role != PanelRole.CHAIR:
        raise DomainError(
            _("Name another chair first; %(person)s stays on the panel then.") % {"person": person},
            code="chair",
            field="role",
        )
    else:
        member.role, member.removed_at = role, None
        member.invited_at = timezone.now() if is_new else member.invited_at
        member.save(update_fields=["role", "removed_at", "invited_at"])
    record("meeting.seat", meeting, actor=actor, after={"person": person.pk, "role": role})
    return member, is_new


def remove_member(member: PanelMember, *, actor: Actor, reason: str = "") -> PanelMember:
    """Take somebody off the panel; a ballot that they cast before stays. Refused where the quorum could not be met."""
    require(actor, "funding.plan_panels", member.meeting)
    with transaction.atomic():
        meeting = lock_meeting(member.meeting_id)
        held = meeting.members.select_related("user").get(pk=member.pk)
        if held.removed_at is not None:
            return held
        refuse_unless_under_way(meeting)
        if held.role == PanelRole.CHAIR:
            raise DomainError(_("A panel has a chair: name another one first."), code="chair", field="member")
        left = meeting.members.voting().exclude(pk=held.pk).count()
        if meeting.state == MeetingState.PLANNED and held.role == PanelRole.MEMBER and left < meeting.quorum:
            raise DomainError(
                _("Only %(left)d people who vote would be left, and the quorum is %(quorum)d.")
                % {"left": left, "quorum": meeting.quorum},
                code="quorum",
                field="member",
            )
        if meeting.state == MeetingState.OPEN and is_present(held):
            held.movements.create(kind=Movement.LEFT, noted_by_id=actor.pk)
        held.removed_at = timezone.now()
        held.save(update_fields=["removed_at"])
        record("meeting.unseat", meeting, actor=actor, after={"person": held.user_id}, reason=reason)
        tell_panel(
            meeting, "panel.removed", key=f"{held.pk}:{held.removed_at.isoformat()}", people=[held.user]
        )
        show(meeting)
    return held


# --- what is on it -------------------------------------------------------------------------------------------------


def waiting_runs(stage: Stage) -> models.QuerySet[StageRun]:
    """Return the applications that wait in ``stage`` and are on no other agenda, in the order of their numbers."""
    taken = AgendaItem.objects.filter(state__in=[*STILL_OPEN, ItemState.CLOSED], run=models.OuterRef("pk"))
    return (
        StageRun.objects.filter(
            stage=stage, state=RunState.ACTIVE, application__state=ApplicationState.IN_REVIEW
        )
        .exclude(models.Exists(taken))
        .select_related("application")
        .order_by("application__number", "pk")
    )


def put_on_agenda(meeting: Meeting, runs: Iterable[StageRun], *, actor: Actor) -> list[AgendaItem]:
    """Put applications of the panel's stage at the end of the agenda; those that are there already stay where they are."""
    require(actor, "funding.plan_panels", meeting)
    new: list[AgendaItem] = []
    with transaction.atomic():
        held = lock_meeting(meeting.pk)
        refuse_unless_under_way(held)
        known = {item.application_id: item for item in held.items.all()}
        position = max((item.position for item in known.values()), default=0)
        for run in runs:
            if run.stage_id != held.stage_id or run.state != RunState.ACTIVE:
                raise DomainError(
                    _("%(number)s does not wait for this panel.") % {"number": run.application.number},
                    code="not_in_panel",
                    field="runs",
                )
            earlier = known.get(run.application_id)
            if earlier is not None and earlier.state not in (ItemState.DROPPED, ItemState.POSTPONED):
                continue
            position += 1
            try:
                with transaction.atomic():
                    if earlier is not None:
                        advance(earlier, "resume", actor=actor, changes={"position": position, "reason": ""})
                        new.append(earlier)
                        continue
                    item = AgendaItem.objects.create(
                        meeting=held, run=run, application=run.application, position=position
                    )
            except IntegrityError as error:
                raise DomainError(
                    _("%(number)s is on the agenda of another meeting.") % {"number": run.application.number},
                    code="other_meeting",
                    field="runs",
                ) from error
            record("agenda_item.add", item, actor=actor, after={"position": position})
            new.append(item)
        note_standing(held, new, held.members.seated())
        show(held)
    return new


def order_mark(items: Iterable[int]) -> str:
    """Return what tells this order of the waiting items (by id) from any other."""
    return hashlib.sha256(",".join(map(str, items)).encode()).hexdigest()[:16]


def _refuse_other_order(meeting: Meeting, seen: str | None) -> None:
    if seen is None:
        return
    waiting = meeting.items.filter(state=ItemState.WAITING).order_by("position", "pk")
    if seen != order_mark(waiting.values_list("pk", flat=True)):
        raise Conflict(
            _("The agenda is another by now; your order is not stored. Look at the items and keep it again."),
            code="stale",
        )


def place_items(
    meeting: Meeting, places: Mapping[int, int], *, actor: Actor, seen: str | None = None
) -> Meeting:
    """Put the waiting items in the order of ``places`` ({item id: number}); those not named keep their number.

    ``seen`` is the ``order_mark`` of the items that were put in order: raises ``Conflict`` when it is another by now.
    """
    require(actor, "funding.run_panel", meeting)
    with transaction.atomic():
        held = lock_meeting(meeting.pk)
        refuse_unless_under_way(held)
        _refuse_other_order(held, seen)
        waiting = list(held.items.filter(state=ItemState.WAITING))
        if unknown := places.keys() - {item.pk for item in waiting}:
            raise DomainError(
                _("Only items that still wait can be moved."), code="not_waiting", items=sorted(unknown)
            )
        ordered = sorted(
            waiting, key=lambda item: (places.get(item.pk, item.position), item.position, item.pk)
        )
        _write_order(held, [item.pk for item in ordered], actor=actor, order=AgendaOrder.STAFF, ordering=None)
    return held


def order_agenda(
    meeting: Meeting, *, actor: Actor, order: str, seed: int | None = None, seen: str | None = None
) -> Meeting:
    """Put the waiting items in an order that follows from their reviews; method, seed and figures are kept.

    ``seed`` breaks ties; without one it is drawn. ``seen`` as in ``place_items``.
    """
    require(actor, "funding.run_panel", meeting)
    if order not in (AgendaOrder.SPREAD, AgendaOrder.LINE):
        raise DomainError(_("There is no such order."), code="unknown_order", field="order")
    with transaction.atomic():
        held = lock_meeting(meeting.pk)
        refuse_unless_under_way(held)
        _refuse_other_order(held, seen)
        items = {
            item.application_id: item
            for item in held.items.filter(state=ItemState.WAITING).select_related("application")
        }
        found, ratings = summaries_of(items.keys()), ratings_of(held.call)
        standings = [
            Standing(
                pk,
                round(ratings.applications[pk].value, 6) if pk in ratings.applications else None,
                None if (spread := found[pk].deviation) is None else float(spread),
                item.application.amount_fen or 0,
            )
            for pk, item in sorted(items.items())
        ]
        drawn = secrets.randbelow(2**32) if seed is None else seed
        budget = held.call.budget_fen
        keys = (
            by_spread(standings, seed=drawn)
            if order == AgendaOrder.SPREAD
            else by_line(standings, budget=budget, seed=drawn)
        )
        ordering = Calculation.objects.create(
            call=held.call,
            stage=held.stage,
            kind=CalculationKind.AGENDA,
            method=METHODS[order],
            seed=str(drawn),
            inputs_sha256=fingerprint([[one.key, one.value, one.spread, one.amount] for one in standings]),
            parameters={"meeting": held.pk, "budget_fen": budget, "scoring": ratings.method},
            result={"order": [items[key].application.number for key in keys]},
            made_by_id=actor.pk,
        )
        _write_order(held, [items[key].pk for key in keys], actor=actor, order=order, ordering=ordering)
    return held


# Names of methods stay what they are in what was kept years ago: plain words of one language, translated when shown.
METHODS: Final[dict[str, str]] = {
    AgendaOrder.SPREAD: gettext_noop("standard deviation of the reviews' scores, largest first; ties by lot"),
    AgendaOrder.LINE: gettext_noop(
        "distance of the score by the call's method to the funding line, smallest first; ties by lot"
    ),
}


def _write_order(
    meeting: Meeting, keys: Sequence[int], *, actor: Actor, order: str, ordering: Calculation | None
) -> None:
    """Give the items with these keys the places that they have among them, in this order."""
    before = dict(meeting.items.filter(pk__in=keys).values_list("pk", "position"))
    places = sorted(before.values())
    # Numbers may repeat after items came and went: counted anew they do not.
    start = places[0] if places else 1
    after = {key: start + index for index, key in enumerate(keys)}
    for key, position in after.items():
        if before[key] != position:
            AgendaItem.objects.filter(pk=key).update(position=position)
    meeting.order, meeting.ordering = order, ordering
    meeting.version += 1
    meeting.save(update_fields=["order", "ordering", "version"])
    if before != after or ordering is not None:
        places_before, places_after = (
            {str(key): place for key, place in one.items()} for one in (before, after)
        )
        record("meeting.order", meeting, actor=actor, before=places_before, after=places_after, order=order)
