"""Decisions: the ranked table, verdicts kept pending together, letters checked, everything released at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call
from funding.calls.services import notify_of_call
from funding.calls.states import StageKind
from funding.decisions.models import Decision, Letter, LetterTemplate
from funding.decisions.notices import LETTER_KIND, LETTERS
from funding.decisions.outcomes import OUTCOMES
from funding.decisions.states import DecisionState, LetterState, Verdict
from funding.reviews.models import Review
from funding.reviews.services import Summary, complete_decision, summaries_of
from funding.reviews.states import ReviewState
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import Actor, record
from park_portal.core.documents.models import Document
from park_portal.core.documents.pdf import render_pdf
from park_portal.core.documents.services import readable, store_document
from park_portal.core.errors import Conflict, DomainError, IllegalTransition, Problem
from park_portal.core.money import format_yuan
from park_portal.core.outbox.registry import LANGUAGES, check_text, merge
from park_portal.core.text import both, clean
from park_portal.core.workflow import advance, require

_TRANSITION_OF = {Verdict.APPROVE: "approve", Verdict.RESERVE: "reserve", Verdict.DECLINE: "decline"}
_NOTICE_OF = {
    Verdict.APPROVE: "decision.approved",
    Verdict.RESERVE: "decision.reserved",
    Verdict.DECLINE: "decision.declined",
}


# --- the ranked table ----------------------------------------------------------------------------------------------


@dataclass
class Rank:
    """One line of the ranked table. Amounts in fen; ``cumulative`` is the sum asked for down to this line."""

    place: int
    application: Application
    summary: Summary | None
    reviews: list[Review]
    pending: Decision | None
    released: Decision | None
    amount_fen: int
    cumulative_fen: int
    within_budget: bool
    crosses_line: bool = False

    @property
    def decision(self) -> Decision | None:
        return self.pending or self.released

    @property
    def letter(self) -> Letter | None:
        return getattr(self.decision, "letter", None)

    @property
    def scored(self) -> list[Review]:
        """The experts' reviews."""
        return [review for review in self.reviews if review.run.stage.kind == StageKind.EXPERT]

    @property
    def others(self) -> list[Review]:
        """What was said in the other stages: the screening's pass, a liaison's or the panel's word."""
        return [review for review in self.reviews if review.run.stage.kind != StageKind.EXPERT]


def ranking(call: Call) -> list[Rank]:
    """Return the applications of ``call`` that await or have a decision, best first, in a fixed number of queries.

    Order: mean score, then the higher lowest score, then the earlier submission. The budget line falls after the last
    application whose amount (granted where decided, else asked for) still fits, counted down the table; declined ones
    do not count.
    """
    applications = list(
        Application.objects.filter(call=call)
        .filter(state__in=[ApplicationState.RESERVED, ApplicationState.APPROVED, ApplicationState.DECLINED])
        .select_related("call", "organisation", "project__university", "project__faculty", "current_stage")
    ) + list(
        Application.objects.filter(
            call=call, state=ApplicationState.IN_REVIEW, current_stage__kind=StageKind.DECISION
        ).select_related("call", "organisation", "project__university", "project__faculty", "current_stage")
    )
    ids = [application.pk for application in applications]
    summaries = summaries_of(applications)
    decisions: dict[int, dict[str, Decision]] = {}
    for one in (
        Decision.objects.filter(application__in=ids).select_related("letter", "decided_by").order_by("id")
    ):
        decisions.setdefault(one.application_id, {})[one.state] = one
    reviews: dict[int, list[Review]] = {}
    for review in (
        Review.objects.filter(application__in=ids, state=ReviewState.SUBMITTED)
        .select_related("reviewer", "run__stage")
        .order_by("run__stage__position", "id")
    ):
        reviews.setdefault(review.application_id, []).append(review)

    def order(application: Application) -> tuple[Any, ...]:
        summary = summaries.get(application.pk)
        if summary is None or summary.mean is None:
            return (1, Decimal(0), Decimal(0), application.submitted_at)
        return (0, -summary.mean, -(summary.lowest or Decimal(0)), application.submitted_at)

    rows: list[Rank] = []
    cumulative = 0
    for place, application in enumerate(sorted(applications, key=order), start=1):
        held = decisions.get(application.pk, {})
        pending, released = held.get(DecisionState.PENDING), held.get(DecisionState.RELEASED)
        decision = pending or released
        amount = application.amount_fen or 0
        if decision is not None and decision.verdict == Verdict.APPROVE:
            amount = decision.amount_fen or 0
        counts = decision is None or decision.verdict == Verdict.APPROVE
        before = cumulative
        cumulative += amount if counts else 0
        within = call.budget_fen is None or cumulative <= call.budget_fen
        rows.append(
            Rank(
                place=place,
                application=application,
                summary=summaries.get(application.pk),
                reviews=reviews.get(application.pk, []),
                pending=pending,
                released=released,
                amount_fen=amount,
                cumulative_fen=cumulative,
                within_budget=within,
                crosses_line=bool(
                    call.budget_fen is not None and counts and before <= call.budget_fen < cumulative
                ),
            )
        )
    return rows


# --- verdicts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proposal:
    """One verdict to be kept pending; ``amount_fen`` only with an approval.

    ``seen`` is the ``seen_of`` the pending verdict that it replaces; None replaces whatever is there.
    """

    application: Application
    verdict: str
    amount_fen: int | None = None
    conditions: str = ""
    comment_applicant: str = ""
    note: str = ""
    seen: str | None = None


def seen_of(decision: Decision | None) -> str:
    """Return what tells this verdict from the one before it and after it; an empty text for none."""
    return f"{decision.pk}-{decision.decided_at.isoformat()}" if decision is not None else ""


def propose_decisions(proposals: Sequence[Proposal], *, actor: User) -> list[Decision]:
    """Keep these verdicts pending, all or none; a pending verdict of an application is replaced.

    Raises ``DomainError`` with a problem for each application that cannot be decided now, and ``Conflict`` with one for
    each on which someone else decided since ``seen``.
    """
    require(actor, "funding.propose_decisions")
    with transaction.atomic():
        ids = sorted({proposal.application.pk for proposal in proposals})
        if len(ids) != len(proposals):
            raise DomainError(_("One application has two verdicts."), code="two_verdicts")
        locked = {
            application.pk: application
            for application in Application.objects.select_for_update(of=("self",))
            .select_related("current_stage", "call")
            .filter(pk__in=ids)
            .order_by("pk")
        }
        problems = [
            problem for p in proposals if (problem := _problem_of(p, locked[p.application.pk])) is not None
        ]
        if problems:
            raise DomainError(
                _("Nothing was kept: some verdicts are not possible."), code="verdicts", problems=problems
            )
        held = {
            decision.application_id: decision
            for decision in Decision.objects.select_for_update(of=("self",))
            .filter(application__in=ids, state=DecisionState.PENDING)
            .select_related("decided_by")
            .order_by("pk")
        }
        if changed := [
            _changed(p, held.get(p.application.pk))
            for p in proposals
            if _is_stale(p, held.get(p.application.pk))
        ]:
            raise Conflict(
                _("Nothing was kept: someone else has decided meanwhile."), code="stale", problems=changed
            )
        return [_keep(proposal, held.get(proposal.application.pk), actor) for proposal in proposals]


def _is_stale(proposal: Proposal, held: Decision | None) -> bool:
    """Whether someone else decided otherwise in between; the same verdict again (a second click) is no quarrel."""
    if proposal.seen is None or proposal.seen == seen_of(held):
        return False
    values = _values(proposal)
    return held is None or {key: getattr(held, key) for key in values} != values


def _changed(proposal: Proposal, held: Decision | None) -> Problem:
    number = {"number": proposal.application.number}
    anchor = f"application-{proposal.application.pk}"
    if held is None:
        return Problem(_("%(number)s: the pending verdict was taken back.") % number, anchor=anchor)
    facts = {**number, **decided_facts(held)}
    return Problem(
        _("%(number)s: %(person)s chose “%(verdict)s” on %(when)s.") % facts,
        anchor=anchor,
    )


def decided_facts(decision: Decision) -> dict[str, str]:
    """Return who chose what and when, in words."""
    verdict = decision.get_verdict_display()
    if decision.amount_fen:
        verdict = f"{verdict} · {format_yuan(decision.amount_fen)}"
    return {
        "person": str(decision.decided_by),
        "verdict": verdict,
        "when": f"{timezone.localtime(decision.decided_at):%Y-%m-%d %H:%M}",
    }


def _problem_of(proposal: Proposal, application: Application) -> Problem | None:
    text = None
    anchor = f"application-{application.pk}"
    if proposal.verdict not in Verdict.values:
        text = _("%(number)s: choose a verdict.")
    elif not _is_decidable(application):
        text = _("%(number)s is not waiting for a decision.")
    elif application.state == ApplicationState.RESERVED and proposal.verdict == Verdict.RESERVE:
        text = _("%(number)s is on the reserve list already.")
    elif proposal.verdict == Verdict.APPROVE and not proposal.amount_fen:
        text = _("%(number)s: an approval needs an amount above zero.")
    elif (
        proposal.verdict == Verdict.APPROVE
        and application.call.max_amount_fen is not None
        and (proposal.amount_fen or 0) > application.call.max_amount_fen
    ):
        text = _("%(number)s: the amount is above the largest of this call.")
    return Problem(text % {"number": application.number}, anchor=anchor) if text else None


def _is_decidable(application: Application) -> bool:
    if application.state == ApplicationState.RESERVED:
        return True
    stage = application.current_stage
    return (
        application.state == ApplicationState.IN_REVIEW
        and stage is not None
        and stage.kind == StageKind.DECISION
    )


def _values(proposal: Proposal) -> dict[str, Any]:
    return {
        "verdict": proposal.verdict,
        "amount_fen": proposal.amount_fen if proposal.verdict == Verdict.APPROVE else None,
        "conditions": clean(proposal.conditions),
        "comment_applicant": clean(proposal.comment_applicant),
        "note": clean(proposal.note),
    }


def _keep(proposal: Proposal, decision: Decision | None, actor: User) -> Decision:
    values = _values(proposal)
    if decision is None:
        decision = Decision.objects.create(application=proposal.application, decided_by_id=actor.pk, **values)
        record("decision.propose", decision, actor=actor, after=values)
        return decision
    before = {key: getattr(decision, key) for key in values}
    if before == values:
        return decision
    for key, value in values.items():
        setattr(decision, key, value)
    decision.decided_by_id, decision.decided_at = actor.pk, timezone.now()
    # A letter says what the verdict was; after a change it has to be written and checked anew.
    Letter.objects.filter(decision=decision).delete()
    decision.save()
    record("decision.propose", decision, actor=actor, before=before, after=values)
    return decision


def drop_decision(decision: Decision, *, actor: Actor, seen: str | None = None) -> None:
    """Take a pending verdict back, with its letter; raises ``Conflict`` when it is no longer the one ``seen``."""
    require(actor, "funding.propose_decisions", decision)
    with transaction.atomic():
        held = (
            Decision.objects.select_for_update(of=("self",))
            .select_related("decided_by", "application")
            .filter(pk=decision.pk, state=DecisionState.PENDING)
            .first()
        )
        if held is None:
            raise IllegalTransition()
        if seen is not None and seen != seen_of(held):
            problem = _changed(Proposal(held.application, held.verdict), held)
            raise Conflict(problem.message, code="stale")
        record(
            "decision.drop",
            held,
            actor=actor,
            before={"verdict": held.verdict, "amount_fen": held.amount_fen},
        )
        Letter.objects.filter(decision=held).delete()
        held.delete()


# --- letters -------------------------------------------------------------------------------------------------------


def letter_context(decision: Decision) -> dict[str, Any]:
    """Return the merge fields of the letter and the notice of one decision."""
    application = decision.application
    comment = decision.comment_applicant
    return {
        "number": application.number or "",
        "title": application.title,
        "applicant": both(lambda: application.applicant),
        "call": both(lambda: application.call.title),
        "fund": both(lambda: application.call.fund.name),
        "amount": format_yuan(decision.amount_fen),
        "conditions": decision.conditions,
        "comment": comment,
        "date": both(lambda: date_format(timezone.localdate(decision.decided_at), "DATE_FORMAT")),
    }


def letter_text(
    decision: Decision, templates: Mapping[tuple[int | None, str], LetterTemplate]
) -> dict[str, Any]:
    """Return {"subject": {language: text}, "body": …}: from the call's template, the park's, or the portal's."""
    template = templates.get((decision.application.call_id, decision.verdict)) or templates.get(
        (None, decision.verdict)
    )
    context = letter_context(decision)
    built_in = LETTERS[decision.verdict]
    texts: dict[str, dict[str, str]] = {"subject": {}, "body": {}}
    for language in LANGUAGES:
        suffix = language.replace("-", "_")
        for part in ("subject", "body"):
            own = getattr(template, f"{part}_{suffix}", None) if template else None
            merged = merge(_without_empty(own or built_in[part][language], context), context, language)
            paragraphs = [paragraph.strip() for paragraph in re.split(r"\n\s*\n", merged)]
            texts[part][language] = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    return texts


def _without_empty(text: str, context: Mapping[str, Any]) -> str:
    """Return ``text`` without the lines whose merge fields are all empty: “Conditions:” alone says nothing."""
    kept = []
    for line in text.replace("\r\n", "\n").split("\n"):
        names = re.findall(r"\{\{\s*(\w+)\s*\}\}", line)
        if not names or any(context.get(name, True) for name in names):
            kept.append(line)
    return "\n".join(kept)


def write_letters(decisions: Iterable[Decision], *, actor: Actor) -> list[Letter]:
    """Write the letter of each pending decision that has none yet, from its template, and return the new ones."""
    require(actor, "funding.write_letters")
    templates = {(t.call_id, t.verdict): t for t in LetterTemplate.objects.all()}
    ids = [decision.pk for decision in decisions]
    with transaction.atomic():
        waiting = (
            Decision.objects.select_for_update(of=("self",))
            .filter(pk__in=ids, state=DecisionState.PENDING, letter__isnull=True)
            .select_related("application__call__fund", "application__organisation", "application__project")
            .order_by("pk")
        )
        letters = [Letter.objects.create(decision=d, **letter_text(d, templates)) for d in waiting]
        for letter in letters:
            record("letter.write", letter, actor=actor)
    return letters


def edit_letter(
    letter: Letter, *, actor: Actor, subject: Mapping[str, str], body: Mapping[str, str]
) -> Letter:
    """Change the text of a letter that is still to be checked."""
    require(actor, "funding.write_letters", letter)
    for language in LANGUAGES:
        if not subject.get(language, "").strip() or not body.get(language, "").strip():
            raise DomainError(
                _("A letter needs a subject and a text in both languages."), code="letter_empty"
            )
        check_text(LETTER_KIND, subject[language])
        check_text(LETTER_KIND, body[language])
    with transaction.atomic():
        held = Letter.objects.select_for_update().get(pk=letter.pk)
        if held.state != LetterState.DRAFT:
            raise IllegalTransition(
                _("This letter was checked already. Put it back to checking to change it.")
            )
        before = {"subject": held.subject, "body": held.body}
        held.subject = {code: clean(subject[code]).strip() for code in LANGUAGES}
        held.body = {code: clean(body[code]).strip() for code in LANGUAGES}
        held.save(update_fields=["subject", "body"])
        record(
            "letter.edit",
            held,
            actor=actor,
            before=before,
            after={"subject": held.subject, "body": held.body},
        )
    return held


def letter_pdf(letter: Letter) -> bytes:
    """Return the letter as a PDF, Chinese first, then English."""
    decision = letter.decision
    application = decision.application
    parts = []
    for language, short in (("zh-hans", "zh"), ("en", "en")):
        with override(language):
            parts.append(
                {
                    "lang": short,
                    "kind": str(_("Decision on an application")),
                    "title": letter.subject[language],
                    "to": str(application.applicant),
                    "paragraphs": [line for line in letter.body[language].split("\n\n") if line.strip()],
                    "facts": [
                        [str(_("Application")), application.number],
                        [str(_("Title")), application.title],
                        [str(_("Call")), application.call.title],
                        [str(_("Decision")), decision.get_verdict_display()],
                        *(
                            [[str(_("Amount granted")), format_yuan(decision.amount_fen)]]
                            if decision.amount_fen
                            else []
                        ),
                    ],
                    "signed": str(_("Qingpu Innovation Center, Fudan University National Science Park")),
                    "date": date_format(timezone.localdate(decision.decided_at), "DATE_FORMAT"),
                }
            )
    return render_pdf("letter", {"reference": application.number, "parts": parts})


def check_letter(letter: Letter, *, actor: Actor) -> Letter:
    """Note that someone read the letter and found it right; makes its PDF."""
    require(actor, "funding.check_letters", letter)
    letter = Letter.objects.select_related(
        "decision__application__call", "decision__application__organisation", "decision__application__project"
    ).get(pk=letter.pk)
    content = letter_pdf(letter)
    with transaction.atomic():
        held = Letter.objects.select_for_update().get(pk=letter.pk)
        if (held.subject, held.body) != (letter.subject, letter.body):
            raise DomainError(_("The letter was changed meanwhile. Read it again."), code="letter_changed")
        document = store_document(
            content,
            actor=actor,
            subject=letter,
            kind="letter",
            name=f"{letter.decision.application.number}.pdf",
        )
        return advance(
            held,
            "check",
            actor=actor,
            changes={"document": document, "checked_by_id": actor.pk, "checked_at": timezone.now()},
        )


def reopen_letter(letter: Letter, *, actor: Actor) -> Letter:
    """Put a checked letter back to checking, so that it can be changed."""
    return advance(letter, "reopen", actor=actor, changes={"checked_by": None, "checked_at": None})


@readable("funding.letter")
def reads_letter(user: Any, document: Document) -> bool:
    """Staff read every letter; applicants theirs once it is released, and only the PDF that was released."""
    return (
        Letter.objects.visible_to(user).filter(pk=document.subject_id).filter(document=document).exists()
        if user.is_authenticated
        else False
    )


# --- release -------------------------------------------------------------------------------------------------------


def problems_of_release(decisions: Iterable[Decision]) -> list[Problem]:
    """Return why these pending decisions cannot be released yet: a letter missing or not checked."""
    problems = []
    for decision in decisions:
        letter = getattr(decision, "letter", None)
        number = {"number": decision.application.number}
        if letter is None:
            problems.append(
                Problem(
                    _("%(number)s has no letter yet.") % number,
                    anchor=f"application-{decision.application_id}",
                )
            )
        elif letter.state != LetterState.CHECKED:
            problems.append(
                Problem(
                    _("The letter of %(number)s is not checked yet.") % number,
                    anchor=f"application-{decision.application_id}",
                )
            )
    return problems


def release_decisions(
    decisions: Iterable[Decision], *, actor: Actor, seen: Collection[str] | None = None
) -> list[Decision]:
    """Release these pending decisions together: states, letters, awards and notices in one transaction, or nothing.

    Decisions that are released already are left alone, so a second click changes nothing. Raises ``DomainError`` with a
    problem for each letter that is not checked, and ``Conflict`` with one for each verdict that is not among those
    ``seen`` (``seen_of`` each; None asks for no such look).
    """
    require(actor, "funding.release_decisions")
    ids = sorted({decision.pk for decision in decisions})
    with transaction.atomic():
        # The same lock order as everywhere: applications first, by id.
        list(
            Application.objects.select_for_update(of=("self",))
            .filter(decisions__in=ids)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        waiting = list(
            Decision.objects.select_for_update(of=("self",))
            .filter(pk__in=ids, state=DecisionState.PENDING)
            .select_related(
                "letter",
                "decided_by",
                "application__call__fund",
                "application__organisation",
                "application__project",
            )
            .order_by("application_id")
        )
        if changed := [one for one in waiting if seen is not None and seen_of(one) not in seen]:
            raise Conflict(
                gettext_lazy("Nothing was released: someone has decided meanwhile. Look at the list again."),
                code="stale",
                problems=[_changed(Proposal(one.application, one.verdict), one) for one in changed],
            )
        if problems := problems_of_release(waiting):
            raise DomainError(
                gettext_lazy("Nothing was released: some letters are not ready."),
                code="letters",
                problems=problems,
            )
        for decision in waiting:
            _release(decision, actor)
    return waiting


def _release(decision: Decision, actor: Actor) -> None:
    now = timezone.now()
    application = decision.application
    verdict = Verdict(decision.verdict)
    from_review = application.state == ApplicationState.IN_REVIEW
    advance(
        application,
        _TRANSITION_OF[verdict],
        actor=actor,
        changes={"decided_at": now, "current_stage": None, "due_at": None},
        amount_fen=decision.amount_fen,
    )
    advance(decision, "release", actor=actor, changes={"released_at": now})
    advance(decision.letter, "release", actor=actor, changes={"released_at": now})
    if from_review:
        complete_decision(application, actor=actor)
    if verdict == Verdict.APPROVE:
        OUTCOMES[application.call.outcome].open(decision, actor=actor)
    context = letter_context(decision)
    notify_of_call(
        application.call,
        _NOTICE_OF[verdict],
        recipients=application.people(),
        key=str(decision.pk),
        link=reverse("decisions:outcome", args=[application.pk]),
        context=context,
    )


# --- what the applicant sees ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OutcomePage:
    """What the applicant may read once a decision is released."""

    decision: Decision
    letter: Letter | None
    comments: list[str]


def outcome_of(application: Application) -> OutcomePage | None:
    """Return the newest released decision with the comments meant for the applicant, or None before the release.

    Reviewers stay unnamed; their order tells nothing (by id of the review, within the stage).
    """
    decision = (
        Decision.objects.filter(application=application, state=DecisionState.RELEASED)
        .select_related("letter__document")
        .order_by("-released_at")
        .first()
    )
    if decision is None:
        return None
    comments = [
        text
        for text in Review.objects.filter(application=application, state=ReviewState.SUBMITTED)
        .exclude(comment_applicant="")
        .order_by("run__stage__position", "id")
        .values_list("comment_applicant", flat=True)
        if text.strip()
    ]
    return OutcomePage(decision, getattr(decision, "letter", None), comments)
