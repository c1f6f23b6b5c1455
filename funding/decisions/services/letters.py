"""Letters: written from templates, read, checked, made into PDFs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from funding.decisions.models import Decision, Letter, LetterTemplate
from funding.decisions.notices import LETTER_KIND, LETTERS
from funding.decisions.states import DecisionState, LetterState
from funding.reviews.services import refuse_conflicted
from park_portal.core.audit.services import Actor, record
from park_portal.core.documents.models import Document
from park_portal.core.documents.pdf import render_pdf
from park_portal.core.documents.services import readable, store_document
from park_portal.core.errors import DomainError, IllegalTransition
from park_portal.core.money import format_yuan
from park_portal.core.outbox.registry import LANGUAGES, check_text, merge
from park_portal.core.text import both, clean
from park_portal.core.workflow import advance, require


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
        "partial": both(lambda: _partial(decision)),
        "conditions": decision.conditions,
        "comment": comment,
        "date": both(lambda: date_format(timezone.localdate(decision.decided_at), "DATE_FORMAT")),
    }


def _partial(decision: Decision) -> str:
    """Say which share of what was asked for is granted, and why; nothing where it is all."""
    asked, granted = decision.application.amount_fen or 0, decision.amount_fen or 0
    if not granted or granted >= asked:
        return ""
    return _("Requested: %(asked)s; granted: %(share)s %%. %(reason)s") % {
        "asked": format_yuan(asked),
        "share": granted * 100 // asked,
        "reason": decision.amount_reason,
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
        if not names or any(_says(context.get(name, True)) for name in names):
            kept.append(line)
    return "\n".join(kept)


def _says(value: Any) -> bool:
    """Whether a merge field is filled in, in any language."""
    return any(value.values()) if isinstance(value, Mapping) else bool(value)


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
        refuse_conflicted((decision.application for decision in waiting), actor)
        letters = [Letter.objects.create(decision=d, **letter_text(d, templates)) for d in waiting]
        for letter in letters:
            record("letter.write", letter, actor=actor)
    return letters


def edit_letter(
    letter: Letter, *, actor: Actor, subject: Mapping[str, str], body: Mapping[str, str]
) -> Letter:
    """Change the text of a letter that is still to be checked."""
    require(actor, "funding.write_letters", letter)
    refuse_conflicted([letter.decision.application], actor)
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
    refuse_conflicted([letter.decision.application], actor)
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
    refuse_conflicted([letter.decision.application], actor)
    return advance(letter, "reopen", actor=actor, changes={"checked_by": None, "checked_at": None})


@readable("funding.letter")
def reads_letter(user: Any, document: Document) -> bool:
    """Staff read every letter; applicants theirs once it is released, and only the PDF that was released."""
    return (
        Letter.objects.visible_to(user).filter(pk=document.subject_id).filter(document=document).exists()
        if user.is_authenticated
        else False
    )
