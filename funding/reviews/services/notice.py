"""The public notice: lists that staff publish, objections that anyone may raise, and what staff make of them.

Everything here locks the application first, as the stages do. An application's line is the truth; its stage of public
notice, where it is in one, passes with the line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call, Stage
from funding.calls.services import notify_of_call
from funding.calls.states import StageKind
from funding.reviews.models import NoticeLine, Objection, PublicNotice, StageRun
from funding.reviews.services.conflicts import refuse_conflicted
from funding.reviews.services.stages import _clean, _complete, _lock, _lock_run, _set_place
from funding.reviews.services.telling import day, fields_of, staff_of, tell
from funding.reviews.states import NoticeLineState, RunState
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import record
from park_portal.core.calendar.services import deadline
from park_portal.core.documents.models import Document
from park_portal.core.documents.pdf import render_pdf
from park_portal.core.documents.services import readable, store_document
from park_portal.core.errors import DeadlinePassed, DomainError
from park_portal.core.money import format_yuan
from park_portal.core.outbox.services import publish
from park_portal.core.policies.models import PolicyValue
from park_portal.core.policies.services import policy
from park_portal.core.text import both
from park_portal.core.workflow import SYSTEM, Actor, advance, require

LONGEST: Final = 4000
MOST_OPEN: Final = 50  # open objections an application: beyond that someone is flooding, not objecting
LEAST_DAYS: Final = "award_notice.days"
ANSWER_DAYS: Final = "award_notice.answer_days"

# What rooms further up do when a line is taken out, in the same transaction.
on_taken_out: list[Callable[..., None]] = []


def notice_days(stage: Stage) -> tuple[int, PolicyValue]:
    """Return the working days of a notice published now, and the rule that says how many it has at least."""
    least = policy(LEAST_DAYS)
    return max(stage.working_days, int(least.number)), least


def post_notice(call: Call, amounts: Mapping[Application, int], *, actor: User) -> PublicNotice:
    """Publish these applications of ``call`` with the amounts (fen) proposed for them, and return the notice.

    The caller has locked the applications and looked whether they may be proposed. The period is that of the call's
    stage, in working days of the calendar, and never shorter than the rule in force. Applicants are told.
    """
    require(actor, "funding.publish_notice", call)
    stage = call.stages.filter(kind=StageKind.NOTICE).first()
    if stage is None:
        raise DomainError(_("This call has no public notice."), code="no_notice")
    now = timezone.now()
    days, _least = notice_days(stage)
    with transaction.atomic():
        notice = PublicNotice.objects.create(
            call=call,
            published_at=now,
            working_days=days,
            ends_at=deadline(timezone.localtime(now), days),
            published_by_id=actor.pk,
        )
        for application, amount in sorted(amounts.items(), key=lambda item: item[0].pk):
            NoticeLine.objects.create(notice=notice, application=application, amount_fen=amount)
            _show(application, notice.ends_at)
            tell(
                "review.under_notice",
                application=application,
                recipients=application.people(),
                key=f"{notice.pk}:{application.pk}",
                link=notice.get_absolute_url(),
                due=day(notice.ends_at),
            )
        content = notice_pdf(notice)
        notice.document = store_document(
            content, actor=actor, subject=notice, kind="notice", name=f"{call.code}-{now:%Y%m%d}.pdf"
        )
        notice.save(update_fields=["document"])
        record(
            "notice.publish",
            notice,
            actor=actor,
            after={
                "call": call.code,
                "working_days": days,
                "ends_at": notice.ends_at,
                "applications": [application.number for application in amounts],
            },
        )
        publish(
            "review.notice_due",
            key=f"review.notice_due:{notice.pk}",
            payload={"notice": notice.pk},
            at=notice.ends_at,
        )
    return notice


def _show(application: Application, until: datetime | None) -> None:
    """Write down until when the application is under notice, where its stage is that of the notice as well."""
    before, application.notice_until = application.notice_until, until
    application.save(update_fields=["notice_until"])
    record(
        "application.notice",
        application,
        actor=SYSTEM,
        before={"notice_until": before},
        after={"notice_until": until},
    )
    run = _run_of(application)
    if run is not None and until is not None:
        run.due_at = until
        run.save(update_fields=["due_at"])
        _set_place(application, run.stage, until)


def _run_of(application: Application) -> StageRun | None:
    """Return the application's active stage of public notice."""
    found = application.runs.filter(state=RunState.ACTIVE, stage__kind=StageKind.NOTICE).first()
    return _lock_run(found.pk, application) if found is not None else None


# --- the end of a notice -------------------------------------------------------------------------------------------


def on_notice_due(notice_id: int, *, now: datetime | None = None) -> int:
    """Let the lines of a notice pass whose period is over and that nobody objects to; return how many did."""
    lines = NoticeLine.objects.filter(notice=notice_id, state=NoticeLineState.POSTED)
    return sum(end_line(pk, now=now) for pk in lines.order_by("application_id").values_list("pk", flat=True))


def on_stage_due(run_id: int, *, now: datetime | None = None) -> bool:
    """Let the notice of a stage pass that was entered before notices were published as lists."""
    line = NoticeLine.objects.filter(
        application__runs=run_id, application__runs__state=RunState.ACTIVE, state=NoticeLineState.POSTED
    ).first()
    return line is not None and end_line(line.pk, now=now)


def end_line(line_id: int, *, now: datetime | None = None) -> bool:
    """Let a line pass when its period is over and no objection is open or upheld; return whether this call did it."""
    now = now or timezone.now()
    with transaction.atomic():
        found = NoticeLine.objects.filter(pk=line_id).values_list("application_id", flat=True).first()
        if found is None:
            return False
        application = _lock(found)
        line = _lock_line(line_id)
        if line.state != NoticeLineState.POSTED or line.notice.ends_at > now:
            return False
        if application.state not in (ApplicationState.IN_REVIEW, ApplicationState.RESERVED):
            return False
        if line.objections.exclude(upheld=False).exists():
            return False
        advance(line, "pass", actor=SYSTEM, changes={"ended_at": now})
        _show(application, None)
        run = _run_of(application)
        if run is not None:
            _complete(run, actor=SYSTEM, outcome=RunState.PASSED, note="")
        return True


def take_out(line: NoticeLine, *, actor: Actor, reason: str) -> NoticeLine:
    """Take an application off its notice, with a reason; it goes back to those who decide."""
    reason = _clean(reason)
    if not reason:
        raise DomainError(_("Say why it is taken out of the notice."), code="required", field="reason")
    with transaction.atomic():
        application = _lock(line.application_id)
        refuse_conflicted([application], actor)
        return _take_out(line, application, actor=actor, reason=reason)


def _take_out(line: NoticeLine, application: Application, *, actor: Actor, reason: str) -> NoticeLine:
    held = _lock_line(line.pk)
    if held.state == NoticeLineState.OUT:
        return held
    held.application = application
    if application.state not in (ApplicationState.APPROVED, ApplicationState.DECLINED):
        changes = {"ended_at": timezone.now(), "reason": reason}
        held = advance(held, "take_out", actor=actor, changes=changes, reason=reason)
        _show(application, None)
        for hook in on_taken_out:
            hook(application, actor=actor)
        return held
    raise DomainError(
        _("%(number)s has been decided already.") % {"number": application.number}, code="decided"
    )


def leave_notice(application_id: int) -> None:
    """Take out what is no longer under review: withdrawn, rejected, or with the applicant for changes."""
    gone = {
        ApplicationState.WITHDRAWN,
        ApplicationState.REJECTED,
        ApplicationState.RETURNED,
    }
    with transaction.atomic():
        application = _lock(application_id)
        line = application.notice_lines.standing().first()
        if line is not None and application.state in gone:
            _take_out(line, application, actor=SYSTEM, reason=str(application.get_state_display()))


def _lock_line(line_id: int) -> NoticeLine:
    return (
        NoticeLine.objects.select_for_update(of=("self",))
        .select_related("notice__call", "application")
        .get(pk=line_id)
    )


# --- objections ----------------------------------------------------------------------------------------------------


def record_objection(line: NoticeLine, *, name: str, email: str, text: str) -> Objection:
    """Keep an objection that came in through the public page and tell staff; the same text twice is kept once.

    The answer is due within the working days of the rule in force.
    """
    name, email, text = _clean(name)[:80], _clean(email), _clean(text)
    if not name:
        raise DomainError(_("Your name, please."), code="required", field="name")
    if not text:
        raise DomainError(_("Say what you object to, and why."), code="required", field="text")
    if len(text) > LONGEST:
        raise DomainError(
            _("At most %(most)d characters, please.") % {"most": LONGEST}, code="too_long", field="text"
        )
    if not email:
        raise DomainError(
            _("The answer is sent to you: your e-mail, please."), code="required", field="email"
        )
    try:
        validate_email(email)
    except ValidationError as error:
        raise DomainError(_("This is not an e-mail address."), code="email", field="email") from error
    with transaction.atomic():
        application = _lock(line.application_id)
        held = _lock_line(line.pk)
        now = timezone.now()
        if held.state != NoticeLineState.POSTED or held.notice.ends_at <= now:
            raise DeadlinePassed(_("The public notice of this application is over."))
        same = held.objections.filter(name=name, text=text).first()
        if same is not None:
            return same
        if held.objections.filter(upheld__isnull=True).count() >= MOST_OPEN:
            raise DomainError(
                _("Many objections are waiting already. Please write to the park office instead."),
                code="too_many",
            )
        objection = Objection.objects.create(
            run=application.runs.get(stage__kind=StageKind.NOTICE),
            line=held,
            name=name,
            email=email[:254],
            text=text,
            received_at=now,
            due_at=deadline(timezone.localtime(now), int(policy(ANSWER_DAYS).number)),
        )
        record("objection.record", objection, actor=SYSTEM, after={"line": held.pk, "name": name})
        tell(
            "review.objection",
            application=application,
            recipients=staff_of(application.call, StaffRole.OFFICER),
            key=str(objection.pk),
            link=reverse("admin:funding_objection_change", args=[objection.pk]),
            person=name,
        )
    return objection


def resolve_objection(objection: Objection, *, actor: Actor, upheld: bool, resolution: str) -> Objection:
    """Say what was found; who objected is answered by mail.

    An upheld one takes the application out of the notice, back to those who decide. Once none is open the line passes
    by its period.
    """
    require(actor, "funding.resolve_objection", objection)
    text = _clean(resolution)
    if not text:
        raise DomainError(_("Say what was found."), code="required", field="resolution")
    with transaction.atomic():
        application = _lock(objection.run.application_id)
        refuse_conflicted([application], actor)
        held = Objection.objects.select_for_update(of=("self",)).select_related("line").get(pk=objection.pk)
        if held.upheld is not None:
            if held.upheld == upheld and held.resolution == text:
                return held
            raise DomainError(_("This objection has been resolved already."), code="already_done")
        held.upheld, held.resolution = upheld, text[:LONGEST]
        held.resolved_by_id, held.resolved_at = actor.pk, timezone.now()
        held.save()
        record("objection.resolve", held, actor=actor, after={"upheld": upheld, "resolution": text})
        if held.email:
            _answer(held, application)
        line = held.line
        assert line is not None
        if upheld:
            _take_out(line, application, actor=actor, reason=text)
        else:
            end_line(line.pk)
    return held


def _answer(objection: Objection, application: Application) -> None:
    found = both(lambda: _("upheld") if objection.upheld else _("not upheld"))
    notify_of_call(
        application.call,
        "review.objection_answered",
        recipients=[],
        addresses=[objection.email],
        key=str(objection.pk),
        context={
            **fields_of(application),
            "person": objection.name,
            "found_zh": found["zh-hans"],
            "found_en": found["en"],
            "resolution": objection.resolution,
        },
    )


# --- the list as a document ----------------------------------------------------------------------------------------


def notice_pdf(notice: PublicNotice) -> bytes:
    """Return the notice as a PDF, Chinese first, then English: number, project, applicant and amount, no more."""
    lines = lines_of(notice)
    parts: list[dict[str, Any]] = []
    for language, short in (("zh-hans", "zh"), ("en", "en")):
        with override(language):
            rows = [
                [
                    line.application.number,
                    line.application.title,
                    line.application.applicant_line,
                    format_yuan(line.amount_fen) if line.amount_fen else "—",
                ]
                for line in lines
            ]
            period = ngettext("%(count)d working day", "%(count)d working days", notice.working_days)
            parts.append(
                {
                    "lang": short,
                    "kind": str(_("Public notice")),
                    "title": notice.call.title,
                    "paragraphs": [words_of(notice)],
                    "facts": [
                        [str(_("Published")), _date(notice.published_at)],
                        [str(_("Period")), period % {"count": notice.working_days}],
                        [str(_("Objections until")), _date(notice.ends_at)],
                    ],
                    "table": {
                        "head": [
                            str(_("Number")),
                            str(_("Project")),
                            str(_("Applicant")),
                            "#" + str(_("Amount proposed")),
                        ],
                        "rows": rows,
                    },
                    "signed": str(_("Qingpu Innovation Center, Fudan University National Science Park")),
                    "date": _date(notice.published_at),
                }
            )
    return render_pdf("letter", {"reference": str(notice), "parts": parts})


def words_of(notice: PublicNotice) -> str:
    """Return the sentence that says what the list is, in the language in use."""
    return _(
        "After review, the following projects are proposed for funding under %(call)s. Anyone may object until "
        "%(until)s, with a reason and an address for the answer. Every objection is looked into before a decision is "
        "made."
    ) % {"call": notice.call.title, "until": _date(notice.ends_at)}


def _date(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "DATE_FORMAT")


def lines_of(notice: PublicNotice) -> list[NoticeLine]:
    """Return the lines that stand, by number, with what a page shows of them: one query."""
    return list(
        notice.lines.standing()
        .select_related(
            "application__organisation", "application__project__university", "application__project__faculty"
        )
        .order_by("application__number")
    )


@readable("funding.publicnotice")
def reads_notice(user: Any, document: Document) -> bool:
    """Everyone reads what was published."""
    return PublicNotice.objects.filter(pk=document.subject_id, document=document).exists()
