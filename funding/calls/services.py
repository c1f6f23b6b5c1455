"""Calls: made, copied, announced, opened and closed by the clock. Building the form is in ``building``."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.calls.checks import problems_of, time_problems
from funding.calls.conditions import condition_met, visible_keys, visible_questions
from funding.calls.models import Call, CallQuestion, CallText, EligibilityRule, Question, Section, Stage
from funding.calls.states import CallState
from funding.funds.models import Fund
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import SYSTEM, Actor, changes_of, record
from park_portal.core.calendar.services import working_calendar
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError, IllegalTransition
from park_portal.core.outbox.models import Message
from park_portal.core.outbox.registry import KINDS
from park_portal.core.outbox.services import notify
from park_portal.core.privacy.services import who_agreed
from park_portal.core.workflow import advance, require

__all__ = [
    "cancel_call",
    "change_call",
    "close_call",
    "condition_met",
    "copy_call",
    "correct_call",
    "create_call",
    "extend_call",
    "followers_of",
    "follows",
    "form_of",
    "minute_text",
    "notify_of_call",
    "open_call",
    "problems_of",
    "publish_call",
    "questions_of",
    "remind_of_closing",
    "run_clock",
    "texts_of",
    "visible_keys",
    "visible_questions",
]

# What staff write when they make a call; the rest follows from acts.
FIELDS: Final = (
    "code",
    "title_zh_hans",
    "title_en",
    "summary_zh_hans",
    "summary_en",
    "body_zh_hans",
    "body_en",
    "fund",
    "outcome",
    "track",
    "opens_at",
    "closes_at",
    "grace_minutes",
    "applicants",
    "budget_fen",
    "budget_line",
    "scoring",
    "min_amount_fen",
    "max_amount_fen",
    "max_files",
    "max_file_mb",
    "contact",
    "lead",
)
# What may still be changed when the call is no longer a draft: who answers for it and which
# budget pays, never what people apply under.
FIELDS_ONCE_PUBLISHED: Final = ("contact", "lead", "budget_line")
# Working days before the closing minute on which people with a draft are written to.
# The consent of those who hear of every new call.
NEWS: Final = "news_of_calls"
REMINDED: Final = (3, 1)


# --- making and changing -------------------------------------------------------------------------------------------


@transaction.atomic
def create_call(
    *, actor: Actor, code: str, fund: Fund, lead: User, opens_at: datetime, closes_at: datetime, **fields: Any
) -> Call:
    """Create a call as a draft with an empty form and return it.

    ``fields`` are further columns of ``FIELDS``. Raises ``DomainError`` naming each field that is wrong.
    """
    require(actor, "funding.build_call")
    if unknown := fields.keys() - set(FIELDS):
        raise TypeError(f"not fields of a call: {sorted(unknown)}")
    values = {
        "code": code,
        "fund": fund,
        "lead": lead,
        "opens_at": opens_at,
        "closes_at": closes_at,
        **fields,
    }
    call = Call(**values, created_by_id=actor.pk)
    _tidy_times(call)
    _check_times(call.opens_at, call.closes_at)
    checked(call)
    call.save(force_insert=True)
    record("call.create", call, actor=actor, after={name: getattr(call, name) for name in values})
    return call


@transaction.atomic
def change_call(call: Call, *, actor: Actor, **fields: Any) -> Call:
    """Change columns of a call and return it; once it is published only ``FIELDS_ONCE_PUBLISHED``."""
    locked = Call.objects.select_for_update(of=("self",)).get(pk=call.pk)
    before, after = changes_of(locked, fields)
    if not after:
        return call
    if locked.state == CallState.DRAFT:
        require(actor, "funding.build_call", locked)
        allowed: tuple[str, ...] = FIELDS
    else:
        require(actor, "funding.edit_call_texts", locked)
        allowed = FIELDS_ONCE_PUBLISHED
    if fixed := [name for name in after if name not in allowed]:
        raise DomainError(
            _("The call has been announced: what people apply under can no longer be changed."),
            code="call_fixed",
            field=fixed[0],
        )
    for name, value in fields.items():
        setattr(locked, name, value)
        setattr(call, name, value)
    _tidy_times(locked)
    if after.keys() & {"opens_at", "closes_at"}:
        _check_times(locked.opens_at, locked.closes_at)
    checked(locked)
    locked.save()
    record("call.change", locked, actor=actor, before=before, after=after)
    return call


def _tidy_times(call: Call) -> None:
    """Calls open and close at the minute."""
    for name in ("opens_at", "closes_at"):
        moment = getattr(call, name)
        if moment is not None:
            setattr(call, name, moment.replace(second=0, microsecond=0))


def _check_times(opens_at: datetime | None, closes_at: datetime | None) -> None:
    """Raise ``DomainError`` naming the moment that cannot be meant; one that is missing is said elsewhere."""
    if opens_at is None or closes_at is None:
        return
    if problems := time_problems(opens_at, closes_at):
        raise DomainError(problems[0].message, code="times", field=problems[0].field, problems=problems)


@transaction.atomic
def copy_call(
    call: Call, *, actor: Actor, code: str, opens_at: datetime, closes_at: datetime, lead: User | None = None
) -> Call:
    """Copy a call with its form, stages, rules and texts into a new draft and return it."""
    require(actor, "funding.copy_call", call)
    values = {
        name: getattr(call, name) for name in FIELDS if name not in ("code", "opens_at", "closes_at", "lead")
    }
    new = create_call(
        actor=actor, code=code, opens_at=opens_at, closes_at=closes_at, lead=lead or call.lead, **values
    )
    Call.objects.filter(pk=new.pk).update(copied_from=call)
    new.copied_from = call
    copy_parts(call, new)
    record("call.copy", new, actor=actor, after={"from": call.code})
    return new


def _columns(obj: models.Model, *skip: str) -> dict[str, Any]:
    """Return the columns of a row by name, without its key and those in ``skip``."""
    return {
        field.attname: getattr(obj, field.attname)
        for field in obj._meta.concrete_fields
        if not field.primary_key and field.name not in skip
    }


def copy_parts(source: Call, target: Call) -> None:
    """Copy sections, questions with their conditions, rules, stages with their criteria, and texts of notices."""
    questions: dict[int, CallQuestion] = {}
    hanging: list[tuple[CallQuestion, int]] = []
    for section in form_of(source):
        new_section = Section.objects.create(**{**_columns(section, "call"), "call": target})
        for question in section.questions.all():
            values = _columns(question, "call", "section", "condition_on")
            new = CallQuestion.objects.create(
                **_without_copies(values, question.question), call=target, section=new_section
            )
            questions[question.pk] = new
            if question.condition_on_id:
                hanging.append((new, question.condition_on_id))
    for question, on in hanging:
        question.condition_on = questions.get(on)
        question.save(update_fields=["condition_on"])
    for rule in source.eligibility_rules.all():
        EligibilityRule.objects.create(**{**_columns(rule, "call"), "call": target})
    for stage in source.stages.prefetch_related("criteria"):
        new_stage = Stage.objects.create(**{**_columns(stage, "call"), "call": target})
        for criterion in stage.criteria.all():
            type(criterion).objects.create(**{**_columns(criterion, "stage"), "stage": new_stage})
    for text in source.texts.all():
        CallText.objects.create(**{**_columns(text, "call"), "call": target})


def _without_copies(values: dict[str, Any], bank: Question) -> dict[str, Any]:
    """Drop from a question's own wording and settings what only repeats the bank's."""
    for own, there in (("own_label", "label"), ("help", "help")):
        names = [own, *(f"{own}_{code}" for code in ("zh_hans", "en"))]
        same = all(
            (values.get(f"{own}_{code}") or "") in ("", getattr(bank, f"{there}_{code}") or "")
            for code in ("zh_hans", "en")
        )
        if same:
            values.update({name: "" for name in names if name in values})
    values["config"] = {
        name: value for name, value in values["config"].items() if bank.config.get(name) != value
    }
    return values


# --- the life of a call --------------------------------------------------------------------------------------------


@transaction.atomic
def publish_call(call: Call, *, actor: Actor) -> Call:
    """Announce a call: fix its form and stages, tell the staff, and return it.

    Raises ``DomainError`` whose ``problems`` list everything that is still missing.
    """
    locked = Call.objects.select_for_update(of=("self",)).select_related("fund", "lead").get(pk=call.pk)
    require(actor, "funding.publish_call", locked)
    if locked.state == CallState.DRAFT:
        if problems := problems_of(locked):
            raise DomainError(
                _("The call cannot be published yet: %(first)s") % {"first": problems[0].message},
                code="incomplete",
                problems=problems,
            )
        _fix_wording(locked)
    advance(call, "publish", actor=actor, changes={"published_at": timezone.now()})
    notify_of_call(
        call,
        "call.published",
        recipients=User.objects.with_role(StaffRole.OFFICER, StaffRole.LEAD),
        key=str(call.pk),
        context={
            "opens": minute_text(call.opens_at),
            "actor": str(actor) if actor.pk else {"zh-hans": "系统", "en": "The portal"},
        },
        link=admin_link(call),
    )
    return call


def _fix_wording(call: Call) -> None:
    """Copy the bank's wording and settings into the call's questions: what is announced stays when the bank changes."""
    for question in call.questions.select_related("question"):
        bank = question.question
        for own, there in (("own_label", "label"), ("help", "help")):
            if not any(getattr(question, f"{own}_{code}") for code in ("zh_hans", "en")):
                for code in ("zh_hans", "en"):
                    setattr(question, f"{own}_{code}", getattr(bank, f"{there}_{code}") or "")
        question.config = question.settings
        question.save()


def open_call(call: Call, *, actor: Actor, now: datetime | None = None) -> Call:
    """Open an announced call and return it; before its minute, the opening is moved to now."""
    now = now or timezone.now()
    changes = {"opens_at": now} if call.opens_at > now else {}
    with transaction.atomic():
        advance(call, "open", actor=actor, changes=changes)
        notify_of_call(
            call, "call.opened", recipients=staff_of(call), key=str(call.pk), link=admin_link(call)
        )
        if wanted := list(who_agreed(NEWS)):
            notify_of_call(
                call, "call.news", recipients=wanted, key=str(call.pk), link=call.get_absolute_url()
            )
    return call


def close_call(call: Call, *, actor: Actor, now: datetime | None = None) -> Call:
    """Close an open call and return it; drafts stay, and one of them may still be let in by an extension of its own."""
    with transaction.atomic():
        advance(call, "close", actor=actor)
        notify_of_call(
            call,
            "call.closed",
            recipients=staff_of(call),
            key=f"{call.pk}:{call.closes_at.isoformat()}",
            context={"count": str(call.last_number)},
            link=admin_link(call),
        )
    return call


def extend_call(call: Call, *, actor: Actor, closes_at: datetime, reason: str) -> Call:
    """Move the closing minute later, reopening a call that has closed; tell everyone with a draft, and return it."""
    closes_at = closes_at.replace(second=0, microsecond=0)
    if not reason.strip():
        raise DomainError(
            _("Give the reason; it is sent to everyone with a draft."), code="reason", field="reason"
        )
    with transaction.atomic():
        locked = Call.objects.select_for_update(of=("self",)).get(pk=call.pk)
        if closes_at <= locked.closes_at:
            raise DomainError(
                _("The new closing minute must be later than the present one."),
                code="earlier",
                field="closes_at",
            )
        if closes_at <= timezone.now():
            raise DomainError(_("The closing minute lies in the past."), code="past", field="closes_at")
        _check_times(locked.opens_at, closes_at)
        if locked.state == CallState.CLOSED:
            advance(call, "reopen", actor=actor, changes={"closes_at": closes_at}, reason=reason)
        elif locked.state in (CallState.PUBLISHED, CallState.OPEN):
            require(actor, "funding.extend_call", locked)
            before = locked.closes_at
            locked.closes_at = closes_at
            locked.save(update_fields=["closes_at"])
            call.closes_at = closes_at
            record(
                "call.extend",
                locked,
                actor=actor,
                before={"closes_at": before},
                after={"closes_at": closes_at},
                reason=reason,
            )
        else:
            raise IllegalTransition(state=locked.state, transition="extend")
        notify_of_call(
            call,
            "call.extended",
            recipients=[*followers_of(call), *staff_of(call)],
            key=f"{call.pk}:{closes_at.isoformat()}",
            context={"reason": reason.strip()},
            link=call.get_absolute_url(),
        )
    return call


def refuse_correction(call: Call, actor: Any) -> None:
    """Raise ``DomainError`` when somebody has already applied by the dates that stand there."""
    if call.last_number:
        raise DomainError(
            _("Applications have been submitted: the closing minute can only be moved later. Use “Extend”."),
            code="submitted",
        )


def correct_call(
    call: Call, *, actor: Actor, closes_at: datetime, reason: str, opens_at: datetime | None = None
) -> Call:
    """Put right the minutes of an announced call, earlier too, as long as no application has been submitted.

    ``opens_at`` can only move before the call has opened. Tells everyone with a draft, and returns the call.
    """
    if not reason.strip():
        raise DomainError(
            _("Give the reason; it is sent to everyone with a draft."), code="reason", field="reason"
        )
    with transaction.atomic():
        locked = Call.objects.select_for_update(of=("self",)).get(pk=call.pk)
        require(actor, "funding.correct_call", locked)
        if locked.state not in (CallState.PUBLISHED, CallState.OPEN):
            raise IllegalTransition(state=locked.state, transition="correct")
        refuse_correction(locked, actor)
        before = {"opens_at": locked.opens_at, "closes_at": locked.closes_at}
        locked.closes_at = closes_at.replace(second=0, microsecond=0)
        if opens_at is not None and locked.state == CallState.PUBLISHED:
            locked.opens_at = opens_at.replace(second=0, microsecond=0)
        after = {"opens_at": locked.opens_at, "closes_at": locked.closes_at}
        if after == before:
            raise DomainError(_("These are the present dates."), code="same", field="closes_at")
        if locked.closes_at <= timezone.now():
            raise DomainError(_("The closing minute lies in the past."), code="past", field="closes_at")
        if locked.closes_at <= locked.opens_at:
            raise DomainError(_("A call closes after it opens."), code="order", field="closes_at")
        _check_times(locked.opens_at, locked.closes_at)
        locked.save(update_fields=["opens_at", "closes_at"])
        call.opens_at, call.closes_at = locked.opens_at, locked.closes_at
        record("call.correct", locked, actor=actor, before=before, after=after, reason=reason)
        notify_of_call(
            call,
            "call.corrected",
            recipients=[*followers_of(call), *staff_of(call)],
            key=f"{call.pk}:{call.opens_at.isoformat()}:{call.closes_at.isoformat()}",
            context={"reason": reason.strip(), "opens": minute_text(call.opens_at)},
            link=call.get_absolute_url(),
        )
    return call


def cancel_call(call: Call, *, actor: Actor, reason: str = "") -> Call:
    """Give up a call that has not opened; one that was announced needs a reason, which people are told."""
    announced = call.state == CallState.PUBLISHED
    if announced and not reason.strip():
        raise DomainError(_("Give the reason; people have seen this call."), code="reason", field="reason")
    with transaction.atomic():
        advance(call, "cancel", actor=actor, reason=reason)
        if announced:
            notify_of_call(
                call,
                "call.cancelled",
                recipients=[*followers_of(call), *staff_of(call)],
                key=str(call.pk),
                context={"reason": reason.strip()},
                link="/calls/",
            )
    return call


def run_clock(now: datetime | None = None) -> tuple[int, int]:
    """Open and close what is due at ``now``; return how many were (opened, closed). Safe to run twice, and late."""
    now = now or timezone.now()
    opened = closed = 0
    for call in Call.objects.due_to_open(now):
        opened += _unless_moved(open_call, call, now)
    for call in Call.objects.due_to_close(now):
        closed += _unless_moved(close_call, call, now)
    return opened, closed


def _unless_moved(act: Callable[..., Call], call: Call, now: datetime) -> int:
    try:
        act(call, actor=SYSTEM, now=now)
    except IllegalTransition:  # another clock, or a member of the staff, was faster
        return 0
    return 1


def remind_of_closing(now: datetime | None = None) -> int:
    """Write to people with drafts three and one working days before a call closes; return how many calls.

    Safe to run at any hour of those days: the message's key makes it once.
    """
    now = now or timezone.now()
    calls = Call.objects.filter(
        state=CallState.OPEN, closes_at__gt=now, closes_at__lt=now + timedelta(days=30)
    )
    if not calls:
        return 0
    calendar, written = working_calendar(), 0
    for call in calls:
        days = calendar.between(timezone.localdate(now), timezone.localdate(call.closes_at))
        if days not in REMINDED:
            continue
        people = list(followers_of(call))
        if people:
            notify_of_call(
                call,
                "call.closing_soon",
                recipients=people,
                key=f"{call.pk}:{call.closes_at.isoformat()}:{days}",
                context={"days": str(days)},
                link="/applications/",
            )
            written += 1
    return written


# --- reading -------------------------------------------------------------------------------------------------------


def form_of(call: Call) -> list[Section]:
    """Return the sections in order; ``section.questions.all()`` are their questions, without further queries."""
    sections = list(Section.objects.filter(call=call).with_questions())
    by_id = {question.pk: question for section in sections for question in section.questions.all()}
    for section in sections:
        section.call = call
        for question in section.questions.all():
            question.call = call
            question.section = section
            question.condition_on = by_id.get(question.condition_on_id)
    return sections


def questions_of(call: Call) -> list[CallQuestion]:
    """Return all questions of the form in order."""
    return [question for section in form_of(call) for question in section.questions.all()]


def texts_of(call: Call, kind: str) -> dict[str, dict[str, str]] | None:
    """Return the call's own text of a kind of notice as ``notify`` takes it, None when it has none."""
    text = CallText.objects.filter(call=call, kind=kind).first()
    if text is None:
        return None
    found = {
        part: {
            language: written
            for language, code in (("zh-hans", "zh_hans"), ("en", "en"))
            if (written := getattr(text, f"{part}_{code}"))
        }
        for part in ("subject", "body")
    }
    return found if any(found.values()) else None


def notify_of_call(
    call: Call,
    kind: str,
    *,
    recipients: Iterable[Any],
    key: str,
    context: Mapping[str, Any] | None = None,
    link: str = "",
    addresses: Iterable[str] = (),
    calendar: bytes = b"",
) -> Message:
    """Write a notice with the call's own text where it has one.

    The merge fields call, code and closes are filled in when the kind knows them and ``context`` does not.
    """
    known = KINDS[kind].fields
    common = {"call": title_of(call), "code": call.code, "closes": minute_text(call.closes_at)}
    values = {**{name: value for name, value in common.items() if name in known}, **(context or {})}
    return notify(
        kind,
        recipients=recipients,
        key=key,
        context=values,
        link=link,
        texts=texts_of(call, kind),
        addresses=addresses,
        calendar=calendar,
    )


def title_of(call: Call) -> dict[str, str]:
    """Return the title in both languages, one standing in for the other where it is missing."""
    zh, en = getattr(call, "title_zh_hans", ""), getattr(call, "title_en", "")
    return {"zh-hans": zh or en or "", "en": en or zh or ""}


def minute_text(moment: datetime) -> dict[str, str]:
    """Return a moment to the minute in Asia/Shanghai as it is written in each language."""
    local = timezone.localtime(moment)
    clock = f"{local:%H:%M}"
    return {
        "zh-hans": f"{local.year}年{local.month}月{local.day}日 {clock}",
        "en": f"{local.day} {month_name[local.month]} {local.year}, {clock}",
    }


def staff_of(call: Call) -> list[User]:
    """Return who answers for a call: its staff lead and who made it."""
    people = {call.lead_id: call.lead}
    if call.created_by is not None:
        people[call.created_by.pk] = call.created_by
    return [person for person in people.values() if person.is_active]


def admin_link(call: Call) -> str:
    return reverse("admin:funding_call_change", args=[call.pk])


_following: list[Callable[[Call], Iterable[User]]] = []


def follows(finder: Callable[[Call], Iterable[User]]) -> Callable[[Call], Iterable[User]]:
    """Register who, beside the staff, is told when a call closes soon, is extended or cancelled.

    Rooms above know who has a draft; they say so here.
    """
    if all(known.__qualname__ != finder.__qualname__ for known in _following):
        _following.append(finder)
    return finder


def followers_of(call: Call) -> list[User]:
    """Return the people with something at stake in a call, each once."""
    return list({person.pk: person for finder in _following for person in finder(call)}.values())
