"""The receipt of a submission: a PDF in both languages, made once a version and kept as a document."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from funding.applications.models import Application, Version
from funding.applications.snapshot import LANGUAGES
from funding.calls.questions import in_language, type_of
from funding.calls.states import ApplicantKind, Purpose, QuestionKind
from park_portal.core.documents.models import Document
from park_portal.core.documents.pdf import render_pdf
from park_portal.core.documents.services import store_document
from park_portal.core.money import format_yuan
from park_portal.core.workflow import SYSTEM

# Enough of a long answer to recognise it; the whole text is in the version under the checksum.
_EXCERPT = 240


def receipt_pdf(version: Version) -> Document:
    """Return the receipt of ``version``, made now if nobody asked for it before. Safe to run twice or at once."""
    found = _kept(version)
    if found is not None:
        return found
    content = render_pdf("receipt", receipt_data(version))
    with transaction.atomic():
        Application.objects.select_for_update(no_key=True).get(pk=version.application_id)
        found = _kept(version)
        if found is not None:
            return found
        return store_document(
            content,
            actor=SYSTEM,
            subject=version.application,
            kind=f"receipt:{version.number}",
            name=f"{version.application.number}-v{version.number}.pdf",
        )


def _kept(version: Version) -> Document | None:
    return Document.objects.of(version.application).filter(kind=f"receipt:{version.number}").first()


def receipt_data(version: Version) -> dict[str, Any]:
    """Return what ``templates/pdf/receipt.typ`` prints: one part a language."""
    return {
        "reference": version.application.number,
        "foot": settings.SITE_URL.removeprefix("https://").removeprefix("http://"),
        "digest": version.digest,
        "parts": [_part(version, short, language) for short, language in LANGUAGES.items()],
    }


def _part(version: Version, short: str, language: str) -> dict[str, Any]:
    application, form = version.application, version.form
    with override(language):
        applicant = form["applicant"]
        is_project = applicant["kind"] == ApplicantKind.PROJECT
        time = timezone.localtime(version.submitted_at)
        facts = [
            [_("Call"), f"{in_language(form['call']['title'], language)} ({form['call']['code']})"],
            [
                _("Research project") if is_project else _("Applicant"),
                in_language(applicant["name"], language),
            ],
        ]
        if is_project:
            institution = in_language(applicant["institution"], language)
            facts.append([_("University or institute"), institution])
            facts.append([_("Principal investigator"), applicant.get("head", "")])
        facts.append([_("Project number") if is_project else _("Social credit code"), applicant["code"]])
        facts.append([_("Title"), _purpose_text(version, Purpose.TITLE, language)])
        amount = _purpose_value(version, Purpose.AMOUNT)
        if isinstance(amount, int):
            facts.append([_("Amount requested"), format_yuan(amount)])
        facts.append([_("Version"), str(version.number)])
        facts.append([_("Submitted by"), str(version.submitted_by)])
        return {
            "lang": short,
            "kind": _("Receipt"),
            "title": _("Receipt of an application"),
            "number": application.number,
            "number_label": _("Number"),
            "time": time.strftime("%Y-%m-%d %H:%M:%S"),
            "time_label": _("Submitted (Beijing time)"),
            "digest_label": _("Checksum of the content (SHA-256)"),
            "lead": _(
                "The park office has received this application. The number above stays the same until the end; "
                "please give it in every enquiry."
            ),
            "facts": [[label, value] for label, value in facts if value],
            "answers_label": _("What was submitted"),
            "sections": _sections(version, language),
            "note": _(
                "This receipt was made by the portal. Long answers are printed in part; the whole content is kept "
                "unchanged under the checksum above."
            ),
        }


def _questions(version: Version) -> list[dict[str, Any]]:
    return [question for section in version.form["sections"] for question in section["questions"]]


def _purpose_value(version: Version, purpose: str) -> Any:
    for question in _questions(version):
        if question["purpose"] == purpose and question["asked"]:
            return version.answers.get(question["key"])
    return None


def _purpose_text(version: Version, purpose: str, language: str) -> str:
    for question in _questions(version):
        if question["purpose"] == purpose and question["asked"]:
            value = version.answers.get(question["key"])
            return type_of(question["kind"]).text(value, question["settings"], language)
    return ""


def _sections(version: Version, language: str) -> list[dict[str, Any]]:
    sections = []
    for section in version.form["sections"]:
        rows = []
        for question in section["questions"]:
            value = version.answers.get(question["key"])
            if not question["asked"] or value is None:
                continue
            rows.append(
                {
                    "label": in_language(question["label"], language),
                    "text": _excerpt(question, value, language),
                }
            )
        if rows:
            sections.append({"title": in_language(section["title"], language), "rows": rows})
    return sections


def _excerpt(question: dict[str, Any], value: Any, language: str) -> str:
    if question["kind"] == QuestionKind.FILES:
        return "\n".join(
            f"{item['name']} · {item['bytes']:,} B · {item.get('sha256', '')[:16]}" for item in value
        )
    text = type_of(question["kind"]).text(value, question["settings"], language)
    if question["kind"] in (QuestionKind.LONG_TEXT, QuestionKind.SHORT_TEXT) and len(text) > _EXCERPT:
        with override(language):
            return _("%(beginning)s… (%(count)s characters)") % {
                "beginning": text[:_EXCERPT].rstrip(),
                "count": f"{len(text):,}",
            }
    return text
