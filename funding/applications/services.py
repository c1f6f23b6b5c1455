"""Applications: begun, written answer by answer, submitted once, returned, withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.core.files.base import File
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from funding.applications.eligibility import Case, Finding, evaluate_case
from funding.applications.models import (
    Answer,
    AnswerFile,
    Application,
    Extension,
    Return,
    ReturnItem,
    Version,
)
from funding.applications.sheet import Sheet, sheet_of
from funding.applications.snapshot import (
    LANGUAGES,
    digest_of,
    eligibility_of,
    form_of_application,
)
from funding.applications.states import EDITABLE, ApplicationState
from funding.calls.models import Call, CallQuestion, Stage
from funding.calls.questions import type_of
from funding.calls.services import follows, notify_of_call, title_of
from funding.calls.states import ApplicantKind, Purpose, QuestionKind, RuleKind
from incubator.organisations.models import Organisation
from incubator.projects.models import ResearchProject
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import System, entry_of, record, record_all
from park_portal.core.documents.formats import BY_NAME
from park_portal.core.documents.services import FileRefused, remove_document, store_document
from park_portal.core.errors import (
    Conflict,
    DeadlinePassed,
    DomainError,
    Forbidden,
    IllegalTransition,
    Problem,
)
from park_portal.core.outbox.services import absolute, publish
from park_portal.core.prepared import Prepared
from park_portal.core.text import clean
from park_portal.core.workflow import advance, require

MEGABYTE: Final = 1024 * 1024
# Longer values are cut in the audit entry: the versions hold what was submitted, the answer what is typed.
_AUDITED: Final = 600


# --- beginning -----------------------------------------------------------------------------------------------------


def preview_eligibility(
    call: Call, *, organisation: Organisation | None = None, project: ResearchProject | None = None
) -> list[Finding]:
    """Return what is known before anything is begun: the findings that do not hang on an answer still to be given."""
    kind = ApplicantKind.ORGANISATION if organisation is not None else ApplicantKind.PROJECT
    findings = evaluate_case(Case(call, kind, organisation=organisation, project=project))
    later = (RuleKind.MIN_AMOUNT, RuleKind.MAX_AMOUNT)
    return [finding for finding in findings if finding.rule.kind not in later]


def start_application(
    call: Call,
    *,
    actor: User,
    organisation: Organisation | None = None,
    project: ResearchProject | None = None,
) -> Application:
    """Begin an application of an organisation or of a research project and return it.

    An applicant has one draft a call: where there is one already, it is returned, so that a second click changes
    nothing. Raises ``Forbidden`` for who may not write for the applicant, ``DeadlinePassed`` outside the call's time,
    ``DomainError`` for a kind of applicant that the call does not take or one that has used up its applications.
    """
    if (organisation is None) == (project is None):
        raise DomainError(_("Choose who applies."), code="applicant", field="applicant")
    kind = ApplicantKind.ORGANISATION if organisation is not None else ApplicantKind.PROJECT
    require(actor, "funding.start_application", organisation or project)
    if kind not in call.applicants:
        raise DomainError(
            _("This call does not take applications of this kind of applicant."),
            code="applicant_kind",
            field="applicant",
        )
    with transaction.atomic():
        # Two clicks at once wait for each other here; the constraint on drafts stands behind.
        holder: type[models.Model] = Organisation if organisation is not None else ResearchProject
        holder._base_manager.select_for_update(no_key=True).get(pk=(organisation or project).pk)  # type: ignore[union-attr] # one is given
        place = {"call": call, "kind": kind, "organisation": organisation, "project": project}
        draft = Application.objects.filter(**place, state=ApplicationState.DRAFT).first()
        if draft is not None:
            return draft
        now = timezone.now()
        if not call.takes_new_drafts(now):
            if now < call.opens_at:
                raise DeadlinePassed(_("This call is not open yet."), code="call_not_open")
            raise DeadlinePassed(
                _("This call is closed; no new application can be begun."), code="call_closed"
            )
        for finding in preview_eligibility(call, organisation=organisation, project=project):
            if finding.rule.kind == RuleKind.MAX_APPLICATIONS and finding.met is False:
                raise DomainError(
                    _("%(rule)s: %(reason)s") % {"rule": finding.title, "reason": finding.reason},
                    code="max_applications",
                )
        application = Application.objects.create(**place, created_by=actor)
        record("application.start", application, actor=actor, after={"call": call.code, "kind": kind})
        if project is not None:
            _prefill(application, project, actor=actor)
    return application


def _prefill(application: Application, project: ResearchProject, *, actor: User) -> None:
    """Fill in what the portal already knows of a research project."""
    level = project.trl
    facts: dict[str, Any] = {}
    for question in application.call.questions.select_related("question"):
        raw: Any = None
        if question.purpose == Purpose.TITLE:
            raw = project.title
        elif question.purpose == Purpose.SUMMARY:
            raw = project.summary
        elif question.kind == QuestionKind.TRL:
            raw, level = (
                level,
                None,
            )  # the first such question asks for today's level, a second one for the aim
        if not raw:
            continue
        try:
            value = type_of(question.kind).clean(raw, question.settings)
        except DomainError:
            continue  # what does not fit this call's question is left for the applicant to write
        if value is not None:
            Answer.objects.create(application=application, question=question, value=value, updated_by=actor)
            facts |= _told_by(question, value)
    if facts:
        _set(application, facts)


# --- writing -------------------------------------------------------------------------------------------------------


_locked: Final = Prepared[Application](
    lambda pk: (
        Application.objects.select_for_update(of=("self",), no_key=True)
        .select_related("call")
        .filter(pk=pk)
        .order_by()
    ),
    pk=-1,
)


def _lock(application: Application, *, actor: User | System, rule: str) -> Application:
    """Lock the row and return it as stored, for ``actor`` who passes ``rule`` on it."""
    held = _locked.get(pk=application.pk)
    require(actor, rule, held)
    return held


def _lock_to_write(application: Application, *, actor: User | System) -> Application:
    """Lock the row for writing into it: the person may still write, it is open, its time is not over."""
    held = _locked.get(pk=application.pk)
    if not isinstance(actor, System) and held.role_of(actor) not in ("owner", "editor"):
        raise Forbidden(_("You may no longer change this application. Ask an owner of the applicant."))
    if held.state not in EDITABLE:
        raise IllegalTransition(
            _("This application has been submitted or closed meanwhile; nothing can be changed now."),
            code="not_editable",
            state=held.state,
        )
    _check_time(held)
    return held


def _check_time(application: Application) -> None:
    until = application.submit_until()
    if until is None or timezone.now() >= until:
        moment = timezone.localtime(until).strftime("%Y-%m-%d %H:%M") if until else ""
        raise DeadlinePassed(
            _(
                "The deadline passed at %(moment)s. What you typed is still on this page: copy it if you need it. "
                "The park office can extend the time of a single application."
            )
            % {"moment": moment}
        )


def _open_question(application: Application, key: str) -> CallQuestion:
    found = _open_questions(application, [key])[key]
    if isinstance(found, DomainError):
        raise found
    return found


def _open_questions(application: Application, keys: Iterable[str]) -> dict[str, CallQuestion | DomainError]:
    """Return the question of each key, or why it cannot be answered now."""
    known = {
        question.key: question
        for question in application.call.questions.select_related("question", "section").filter(
            question__key__in=[key for key in keys if "\x00" not in key]
        )
    }
    returned = application.state == ApplicationState.RETURNED
    open_keys = sheet_of(application).open_keys if returned else known.keys()
    found: dict[str, CallQuestion | DomainError] = {}
    for key in keys:
        if key not in known:
            found[key] = DomainError(_("This question is not in the form."), code="unknown_question")
        elif key not in open_keys:
            found[key] = DomainError(
                _("This question was not opened for changes."), code="question_closed", field=key
            )
        else:
            found[key] = known[key]
    return found


class Typed(NamedTuple):
    """What was typed in answer to one question, and the revision that its writer last saw (0: none)."""

    raw: Any
    revision: int | None = None


def save_answer(
    application: Application, key: str, raw: Any, *, actor: User | System, revision: int | None = None
) -> Answer:
    """Store what was typed in answer to question ``key`` and return the answer; see ``save_answers``.

    Raises ``DomainError`` when ``raw`` means nothing or the question is not open, ``Conflict``, ``Forbidden``,
    ``IllegalTransition`` once submitted, ``DeadlinePassed``.
    """
    key = str(key)[:80]
    saved = save_answers(application, {key: Typed(raw, revision)}, actor=actor)[key]
    if isinstance(saved, DomainError):
        raise saved
    return saved


def save_answers(
    application: Application, typed: Mapping[str, Typed], *, actor: User | System
) -> dict[str, Answer | DomainError]:
    """Store what was typed in answer to some questions; return by key the answer, or why it was not stored.

    Each stands on its own: one that is refused keeps no other back. When the stored answer is newer than ``revision``
    and says something else it stays, and the outcome is a ``Conflict`` with ``current`` the stored one. The same value
    again is no conflict, so a message that was lost on its way back can be repeated. No revision writes whatever is
    stored. As many statements for thirty new answers as for one.

    Raises ``Forbidden``, ``IllegalTransition`` once submitted, ``DeadlinePassed``: then nothing is stored.
    """
    now = timezone.now()
    with transaction.atomic():
        held = _lock_to_write(application, actor=actor)
        questions = _open_questions(held, typed)
        asked = [found.pk for found in questions.values() if isinstance(found, CallQuestion)]
        stored = {
            answer.question_id: answer
            for answer in held.answers.filter(question__in=asked).select_related("updated_by")
        }
        outcome: dict[str, Answer | DomainError] = {}
        written: list[tuple[CallQuestion, Answer, Any]] = []
        for key, one in typed.items():
            question = questions[key]
            if isinstance(question, DomainError):
                outcome[key] = question
                continue
            answer = stored.get(question.pk) or Answer(application=held, question=question, revision=0)
            before = answer.value
            try:
                value = _new_value(question, answer, one)
            except DomainError as error:
                outcome[key] = error
                continue
            outcome[key] = answer
            if before == value and type(before) is type(value):
                continue
            answer.value, answer.revision = value, answer.revision + 1
            answer.updated_by, answer.updated_at = None if isinstance(actor, System) else actor, now
            written.append((question, answer, before))
        if written:
            _write(held, written, actor=actor, at=now)
            for name in ("title", "amount_fen"):
                setattr(application, name, getattr(held, name))
            application.updated_at = now
    return outcome


def _new_value(question: CallQuestion, answer: Answer, typed: Typed) -> Any:
    """Return what was typed as it is stored; raise ``DomainError`` if it means nothing, ``Conflict`` if it came too late."""
    if question.kind == QuestionKind.FILES:
        raise DomainError(_("Add files with the button of this question."), code="type", field=question.key)
    value = type_of(question.kind).clean(typed.raw, question.settings)
    same = answer.value == value and type(answer.value) is type(value)
    if not same and typed.revision is not None and typed.revision != answer.revision:
        raise Conflict(current=answer if answer.revision else None, field=question.key)
    return value


def _write(
    application: Application,
    written: list[tuple[CallQuestion, Answer, Any]],
    *,
    actor: User | System,
    at: datetime,
) -> None:
    """Write the answers, each with its entry in the audit, and what the application says of itself by them."""
    facts: dict[str, Any] = {"updated_at": at}
    new: list[Answer] = []
    for question, answer, _before in written:
        facts |= _told_by(question, answer.value)
        if answer.pk is None:
            new.append(answer)
        else:
            answer.save(update_fields=["value", "revision", "updated_by", "updated_at"])
    Answer.objects.bulk_create(new)
    _set(application, facts)
    record_all(
        entry_of(
            "answer.save",
            answer,
            actor=actor,
            before={"value": _brief(before)},
            after={"value": _brief(answer.value), "revision": answer.revision},
            question=question.key,
        )
        for question, answer, before in written
    )


def _brief(value: Any) -> Any:
    text = value if isinstance(value, str) else repr(value)
    if len(text) <= _AUDITED:
        return value
    return {"begins": text[:_AUDITED], "length": len(text)}


def _set(application: Application, facts: Mapping[str, Any]) -> None:
    """Write these columns alone, whatever else of the row this copy holds."""
    for name, fact in facts.items():
        setattr(application, name, fact)
    Application.objects.filter(pk=application.pk).update(**facts)


def _told_by(question: CallQuestion, value: Any) -> dict[str, Any]:
    """Return the columns of the application that say the same as this answer: its title, its amount."""
    if question.purpose == Purpose.TITLE:
        text = type_of(question.kind).text(value, question.settings, "zh-hans")
        return {"title": " ".join(text.split())[:300]}
    if question.purpose == Purpose.AMOUNT and question.kind == QuestionKind.MONEY:
        return {"amount_fen": value}
    return {}


def add_file(application: Application, key: str, upload: File, *, actor: User) -> AnswerFile:
    """Keep ``upload`` in answer to a question of files and return it.

    Checked against the call's number and size of files and the question's own: what it is, is told from its bytes.
    Raises ``FileRefused`` and what ``save_answer`` raises.
    """
    with transaction.atomic():
        held = _lock_to_write(application, actor=actor)
        question = _open_question(held, key)
        if question.kind != QuestionKind.FILES:
            raise DomainError(_("This question is not answered with files."), code="type", field=key)
        settings, call = question.settings, held.call
        type_ = type_of(question.kind)
        current = held.files.filter(removed_at__isnull=True)
        most = type_.setting(settings, "max_files")
        if current.filter(question=question).count() >= most:
            raise FileRefused(
                _("At most %(number)d files are possible here. Remove one first.") % {"number": most},
                code="file_number",
                field=key,
            )
        if current.count() >= call.max_files:
            raise FileRefused(
                _("An application to this call has at most %(number)d files. Remove one first.")
                % {"number": call.max_files},
                code="file_number",
                field=key,
            )
        allowed = {BY_NAME[ending] for ending in type_.setting(settings, "extensions") if ending in BY_NAME}
        megabytes = min(call.max_file_mb, type_.setting(settings, "max_mb") or call.max_file_mb)
        document = store_document(
            upload,
            actor=actor,
            subject=held,
            kind=f"answer:{key}",
            allowed=allowed,
            max_bytes=megabytes * MEGABYTE,
        )
        file = AnswerFile.objects.create(application=held, question=question, document=document)
        Application.objects.filter(pk=held.pk).update(updated_at=timezone.now())
        record("answer.add_file", file, actor=actor, after={"name": document.name, "sha256": document.sha256})
    return file


def remove_file(file: AnswerFile, *, actor: User) -> AnswerFile:
    """Take one file out of the answer; versions already submitted keep it. Removing it twice changes nothing."""
    with transaction.atomic():
        held = _lock_to_write(file.application, actor=actor)
        _open_question(held, file.question.key)
        file = AnswerFile.objects.select_for_update().select_related("document", "question").get(pk=file.pk)
        if file.removed_at is not None:
            return file
        file.removed_at = timezone.now()
        file.save(update_fields=["removed_at"])
        submitted = any(
            str(file.document.public_id) in str(answers)
            for answers in held.versions.values_list("answers", flat=True)
        )
        if not submitted:
            remove_document(file.document, actor=actor)
        Application.objects.filter(pk=held.pk).update(updated_at=timezone.now())
        record("answer.remove_file", file, actor=actor, before={"name": file.document.name})
    return file


# --- submitting ----------------------------------------------------------------------------------------------------


def problems_of(application: Application) -> list[Problem]:
    """Return what stands against submitting, each with the anchor of the question (or the page) where it is mended."""
    return sheet_of(application).problems


def submit_application(
    application: Application, *, actor: User | System, version: int | None = None
) -> Version:
    """Freeze the application as its next version and hand it to the review; return the version.

    One transaction: number, immutable version, state, message to the drivers of the review, notice with the receipt.
    What is submitted already stays as it is and its version is returned; ``version`` names the one meant by the person
    (1, or 2 after a return), so that a form sent again later never submits the next one.

    Raises ``DomainError`` with ``problems``, ``DeadlinePassed``, ``Forbidden``, ``IllegalTransition`` once withdrawn.
    """
    with transaction.atomic():
        held = _lock(application, actor=actor, rule="funding.submit_application")
        last = held.versions.order_by("-number").first()
        submitted = held.state not in EDITABLE and held.state != ApplicationState.WITHDRAWN
        if last is not None and (submitted or (version is not None and version <= last.number)):
            return last
        if held.state not in EDITABLE:
            raise IllegalTransition(_("This application was withdrawn."), state=held.state)
        _check_time(held)
        sheet = sheet_of(held)
        if sheet.problems:
            raise DomainError(
                _("The application cannot be submitted yet."), code="incomplete", problems=sheet.problems
            )
        made = _freeze(held, sheet, actor=actor, number=last.number + 1 if last else 1)
    application.refresh_from_db()
    application.__dict__.pop("_roles", None)
    return made


def _freeze(held: Application, sheet: Sheet, *, actor: User | System, number: int) -> Version:
    first = number == 1
    now = timezone.now()
    form = form_of_application(held, sheet.sections, sheet.asked)
    form["eligibility"] = eligibility_of(held)
    changes: dict[str, Any] = {"updated_at": now, "due_at": None}
    if first:
        changes |= {"number": _next_number(held.call), "submitted_at": now}
    answers = sheet.asked_answers
    digest = digest_of(changes.get("number") or held.number or "", number, form, answers)
    returned = sheet.returned
    advance(
        held, "submit" if first else "resubmit", actor=actor, changes=changes, version=number, digest=digest
    )
    if returned is not None:
        Return.objects.filter(pk=returned.pk, answered_at__isnull=True).update(answered_at=now)
    person = held.created_by if isinstance(actor, System) else actor
    made = Version.objects.create(
        application=held,
        number=number,
        form=form,
        answers=answers,
        digest=digest,
        submitted_by=person,
        submitted_at=now,
    )
    payload = {"application": held.pk, "version": made.pk}
    publish(
        "application.submitted" if first else "application.resubmitted",
        key=f"application:{held.pk}:v{number}",
        payload=payload,
    )
    publish("application.receipt", key=f"application:{held.pk}:v{number}:receipt", payload=payload)
    notify_of_call(
        held.call,
        "application.received",
        recipients=held.people(),
        key=f"{held.pk}:v{number}",
        link=held.get_absolute_url(),
        context={
            **_names(held),
            "time": timezone.localtime(now).strftime("%Y-%m-%d %H:%M:%S"),
            "version": str(number),
            "digest": digest,
            "receipt": absolute(reverse("applications:receipt", args=[held.pk, number])),
        },
    )
    return made


def _next_number(call: Call) -> str:
    """Take the call's next number; whoever submits to the same call at the same moment waits for this transaction."""
    Call.objects.filter(pk=call.pk).update(last_number=models.F("last_number") + 1)
    last = Call.objects.values_list("last_number", flat=True).get(pk=call.pk)
    return f"{call.code}-{last:04d}"


def _names(application: Application) -> dict[str, Any]:
    """Return the merge fields that every notice about an application has."""
    call = application.call
    draft = {"zh-hans": "草稿", "en": "draft"}
    untitled = {"zh-hans": "未命名", "en": "untitled"}
    return {
        "number": application.number or draft,
        "title": application.title or untitled,
        "call": title_of(call),
    }


def _moment(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M")


# --- returning, withdrawing, rejecting -------------------------------------------------------------------------------


def return_application(
    application: Application,
    *,
    actor: User | System,
    items: Mapping[str, str],
    message: str = "",
    due_at: datetime,
    stage: Stage | None = None,
) -> Return:
    """Open the questions ``items`` ({key: comment}) of a submitted application for changes until ``due_at``.

    Raises ``DomainError`` when no question is named, one is not in the form, or the moment is past.
    """
    if not items:
        raise DomainError(_("Open at least one question."), code="no_items", field="items")
    if due_at <= timezone.now():
        raise DomainError(_("The day must lie in the future."), code="due_past", field="due_at")
    with transaction.atomic():
        held = _lock(application, actor=actor, rule="funding.return_application")
        questions = {
            question.key: question
            for question in held.call.questions.select_related("question").filter(question__key__in=items)
        }
        if unknown := items.keys() - questions.keys():
            raise DomainError(
                _("Not in the form: %(keys)s.") % {"keys": ", ".join(sorted(unknown))},
                code="unknown_question",
                field="items",
            )
        advance(held, "return", actor=actor, changes={"due_at": due_at, "updated_at": timezone.now()})
        returned = Return.objects.create(
            application=held,
            version=held.versions.latest("number"),
            stage=stage or held.current_stage,
            message=clean(message).strip(),
            due_at=due_at,
            returned_by=_person(held, actor),
        )
        ReturnItem.objects.bulk_create(
            ReturnItem(returned=returned, question=questions[key], comment=clean(comment).strip())
            for key, comment in items.items()
        )
        publish(
            "application.returned",
            key=f"application:{held.pk}:returned:{returned.pk}",
            payload={"application": held.pk},
        )
        notify_of_call(
            held.call,
            "application.returned",
            recipients=held.people(),
            key=f"{returned.pk}",
            link=held.get_absolute_url(),
            context={
                **_names(held),
                "due": _moment(due_at),
                "message": returned.message,
                "questions": {
                    language: ("、" if short == "zh" else ", ").join(
                        _label(questions[key], language) for key in items
                    )
                    for short, language in LANGUAGES.items()
                },
            },
        )
    application.refresh_from_db()
    return returned


def _label(question: CallQuestion, language: str) -> str:
    with override(language):
        return str(question.label)


def _person(application: Application, actor: User | System) -> User:
    """Return who is named in a row that needs a person: the portal itself acts for the call's staff lead."""
    return application.call.lead if isinstance(actor, System) else actor


def withdraw_application(application: Application, *, actor: User | System, reason: str = "") -> Application:
    """Withdraw the application for good. After submission a reason is asked for; a draft needs none."""
    reason = clean(reason).strip()
    with transaction.atomic():
        held = _lock(application, actor=actor, rule="funding.withdraw_application")
        if held.submitted_at is not None and not reason:
            raise DomainError(_("Say why the application is withdrawn."), code="reason", field="reason")
        advance(
            held,
            "withdraw",
            actor=actor,
            reason=reason,
            changes={"updated_at": timezone.now(), "due_at": None},
        )
        if held.submitted_at is not None:
            publish(
                "application.withdrawn",
                key=f"application:{held.pk}:withdrawn",
                payload={"application": held.pk},
            )
        person = actor.name if isinstance(actor, User) else _office()
        notify_of_call(
            held.call,
            "application.withdrawn",
            recipients=held.people(),
            key=f"{held.pk}",
            link=held.get_absolute_url(),
            context={**_names(held), "person": person, "reason": reason or "—"},
        )
    application.refresh_from_db()
    return application


def _office() -> dict[str, str]:
    return {"zh-hans": "园区办公室", "en": "The park office"}


def reject_application(application: Application, *, actor: User | System, reason: str) -> Application:
    """End the application at the screening, with the reason that the applicant reads."""
    reason = clean(reason).strip()
    if not reason:
        raise DomainError(_("Say why the application is rejected."), code="reason", field="reason")
    with transaction.atomic():
        held = _lock(application, actor=actor, rule="funding.reject_application")
        now = timezone.now()
        advance(
            held,
            "reject",
            actor=actor,
            reason=reason,
            changes={"updated_at": now, "decided_at": now, "due_at": None},
        )
        publish(
            "application.rejected", key=f"application:{held.pk}:rejected", payload={"application": held.pk}
        )
        notify_of_call(
            held.call,
            "application.rejected",
            recipients=held.people(),
            key=f"{held.pk}",
            link=held.get_absolute_url(),
            context={**_names(held), "reason": reason},
        )
    application.refresh_from_db()
    return application


def grant_extension(
    application: Application, *, actor: User | System, until: datetime, reason: str
) -> Extension:
    """Let this one application be submitted until ``until``, whatever its call says, and tell the applicant."""
    reason = clean(reason).strip()
    if not reason:
        raise DomainError(_("Give the reason for the extension."), code="reason", field="reason")
    with transaction.atomic():
        held = _lock(application, actor=actor, rule="funding.grant_extension")
        ends = held.submit_until()
        if ends is None:
            raise DomainError(
                _("Only a draft or a returned application can be extended."), code="not_editable"
            )
        if until <= timezone.now() or until <= ends:
            raise DomainError(
                _("The extension must end later than now and than %(moment)s, when it would end without.")
                % {"moment": _moment(ends)},
                code="until",
                field="until",
            )
        extension = Extension.objects.create(
            application=held, until=until, reason=reason[:400], granted_by=_person(held, actor)
        )
        if held.state == ApplicationState.RETURNED:
            Application.objects.filter(pk=held.pk).update(due_at=until)
        record(
            "application.extend",
            held,
            actor=actor,
            before={"until": ends},
            after={"until": until},
            reason=reason,
        )
        names = _names(held)
        del names["number"]
        notify_of_call(
            held.call,
            "application.extended",
            recipients=held.people(),
            key=f"{extension.pk}",
            link=held.get_absolute_url(),
            context={**names, "due": _moment(until), "reason": reason},
        )
    application.refresh_from_db()
    return extension


@follows
def people_with_drafts(call: Call) -> list[User]:
    """Return who is told when a call closes soon, is extended or cancelled: everyone who may finish a draft for it."""
    found: dict[int, User] = {}
    drafts = call.applications.filter(state=ApplicationState.DRAFT).select_related("organisation", "project")
    for application in drafts.iterator(chunk_size=500):
        found |= {person.pk: person for person in application.people()}
    return list(found.values())
