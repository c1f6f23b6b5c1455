"""One application as a form with answers: as it is typed now, or as it was frozen in a version. Both have one shape.

``form``::

    {"call": {"code", "title": {"zh", "en"}}, "applicant": {"kind", "id", "name": {"zh", "en"}, "code", "institution"},
     "eligibility": {"zh": [finding], "en": [finding]},
     "sections": [{"title": {"zh", "en"}, "questions": [{"key", "kind", "label": {…}, "help": {…}, "settings",
                   "required", "reviewers_see", "redacted", "purpose", "asked"}]}]}

``answers`` maps the key of a question to its value; a question of files has a list of
``{"id", "name", "bytes", "sha256", "mime"}``. Questions that their condition hides are not asked and have no answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import override

from funding.applications.eligibility import evaluate
from funding.applications.models import AnswerFile, Application
from funding.calls.models import CallQuestion, Section
from funding.calls.states import ApplicantKind

Form = dict[str, Any]
Answers = dict[str, Any]
LANGUAGES = {"zh": "zh-hans", "en": "en"}


def both(obj: models.Model, field: str) -> dict[str, str]:
    """Return one translated field of ``obj`` in both languages."""
    return {"zh": getattr(obj, f"{field}_zh_hans") or "", "en": getattr(obj, f"{field}_en") or ""}


def file_value(file: AnswerFile) -> dict[str, Any]:
    """Return what an answer says of one file."""
    document = file.document
    return {
        "id": str(document.public_id),
        "name": document.name,
        "bytes": document.size,
        "sha256": document.sha256,
        "mime": document.mime,
    }


def form_of_application(
    application: Application, sections: Iterable[tuple[Section, list[CallQuestion]]], asked: set[str]
) -> Form:
    """Return the form of ``application`` as it stands now, without the findings about eligibility."""
    return {
        "call": {"code": application.call.code, "title": both(application.call, "title")},
        "applicant": applicant_of(application),
        "sections": [
            {
                "title": both(section, "title"),
                "questions": [_question(question, question.key in asked) for question in questions],
            }
            for section, questions in sections
        ],
    }


def eligibility_of(application: Application) -> dict[str, list[dict[str, Any]]]:
    """Return the findings of today in both languages, to be frozen with a version."""
    found = {}
    for short, language in LANGUAGES.items():
        with override(language):
            found[short] = [finding.as_json() for finding in evaluate(application)]
    return found


def applicant_of(application: Application) -> dict[str, Any]:
    """Return who applies, as it is frozen with a version."""
    if application.kind == ApplicantKind.ORGANISATION:
        organisation = application.organisation
        assert organisation is not None
        return {
            "kind": application.kind,
            "id": organisation.pk,
            "name": both(organisation, "name"),
            "code": organisation.uscc or "",
            "institution": {"zh": "", "en": ""},
        }
    project = application.project
    assert project is not None
    institution = (
        both(project.university, "name")
        if project.university is not None
        else {"zh": project.institution_text, "en": project.institution_text}
    )
    return {
        "kind": application.kind,
        "id": project.pk,
        "name": both(project, "title"),
        "code": project.code,
        "institution": institution,
        "head": project.principal_investigator,
    }


def _question(question: CallQuestion, asked: bool) -> dict[str, Any]:
    helps = both(question, "help")
    bank = both(question.question, "help")
    return {
        "key": question.key,
        "kind": question.kind,
        "label": both(question.question, "label"),
        "help": {language: helps[language] or bank[language] for language in helps},
        "settings": question.settings,
        "required": question.required,
        "reviewers_see": question.reviewers_see,
        "redacted": question.redacted,
        "purpose": question.purpose,
        "asked": asked,
    }


def digest_of(number: str, version: int, form: Mapping[str, Any], answers: Mapping[str, Any]) -> str:
    """Return the SHA-256 over number, version, form and answers (the files by their own hashes)."""
    body = json.dumps(
        {"number": number, "version": version, "form": form, "answers": answers},
        cls=DjangoJSONEncoder,
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(body.encode()).hexdigest()
