"""Reading applications: their answers section by section, and what changed from one version to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from funding.applications.diff import Span, compare_texts
from funding.applications.models import Application, Version
from funding.applications.redaction import Names, redact
from funding.applications.sheet import sheet_of
from funding.applications.snapshot import form_of_application
from funding.applications.states import EDITABLE
from funding.calls.questions import in_language, present, type_of
from funding.calls.states import CONFIDENTIAL, QuestionKind

__all__ = ["Blinding", "Change", "answers_of", "changed_keys", "compare_versions", "snapshot_of"]


def snapshot_of(source: Application | Version) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (form, answers) of a version, or of an application: what was submitted last, or what is typed so far."""
    if isinstance(source, Version):
        return source.form, source.answers
    if source.submitted_at is not None:
        last = source.versions.order_by("-number").first()
        if last is not None:
            return last.form, last.answers
    sheet = sheet_of(source)
    return form_of_application(source, sheet.sections, sheet.asked), sheet.asked_answers


def typed_snapshot(application: Application) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (form, answers) as they are typed now, whatever was submitted before."""
    if application.state not in EDITABLE:
        return snapshot_of(application)
    sheet = sheet_of(application)
    return form_of_application(application, sheet.sections, sheet.asked), sheet.asked_answers


@dataclass(frozen=True)
class Blinding:
    """How a double-blind stage changes what is read."""

    # What is blacked out in questions that say so.
    names: Names
    # By the address of a file as it was sent, what reviewers get for it: its address and size, or in words why nothing.
    files: Mapping[str, dict[str, Any]]


def answers_of(
    source: Application | Version, *, for_reviewers: bool = False, blinding: Blinding | None = None
) -> list[dict[str, Any]]:
    """Return the sections of what was submitted, for ``funding/applications/_answers.html``.

    A section is ``{"title", "questions"}``, a question what ``funding.calls.questions.present`` gives. An application
    stands for its latest version; a draft for what is typed so far. ``for_reviewers`` leaves out the questions that
    reviewers do not see; ``blinding`` (a double-blind stage) also questions and columns that name the applicant, blacks
    out names where the question says so, and puts clean copies in the place of files.
    """
    form, answers = snapshot_of(source)
    return present_form(form, answers, for_reviewers=for_reviewers, blinding=blinding)


def present_form(
    form: dict[str, Any],
    answers: dict[str, Any],
    *,
    for_reviewers: bool = False,
    blinding: Blinding | None = None,
) -> list[dict[str, Any]]:
    """Return the sections of a frozen form with its answers, without those that have nothing to show."""
    sections = []
    for section in form["sections"]:
        shown = []
        for question in section["questions"]:
            if not question["asked"] or (for_reviewers and not question["reviewers_see"]):
                continue
            if for_reviewers and question["purpose"] in CONFIDENTIAL:
                continue  # a reviewer never learns whom the applicant would rather not have, nor to whom it is tied
            value, settings = answers.get(question["key"]), question["settings"]
            kind = type_of(question["kind"])
            redacted = blinding is not None and question.get("redacted", False)
            files: Sequence[dict[str, Any]] = ()
            if blinding is not None:
                left = kind.blinded(value, settings)
                if left is None:
                    continue
                value, settings = left
                if redacted:
                    value = kind.redacted(value, settings, partial(redact, names=blinding.names))
            if question["kind"] == QuestionKind.FILES:
                files = _files(value) if blinding is None else _clean_files(value, blinding.files)
                # Their names as they were sent are in the value, too.
                value = value if blinding is None else None
            shown.append(
                present(
                    key=question["key"],
                    kind=question["kind"],
                    label=in_language(question["label"]),
                    settings=settings,
                    required=question["required"],
                    value=value,
                    to_read=True,
                    files=files,
                    redacted=redacted,
                )
            )
        if shown:
            sections.append({"title": in_language(section["title"]), "questions": shown})
    return sections


def _files(value: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": item["name"],
            "url": reverse("document", args=[item["id"]]),
            "bytes": item["bytes"],
            "sha256": item.get("sha256", ""),
        }
        for item in value or []
    ]


def _clean_files(value: Any, copies: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what reviewers get for the files of an answer: never the files themselves, nor anything said of them."""
    waits = {
        "url": "",
        "waits": True,
        "bytes": None,
        "note": _("It is being prepared for you. Look again in a few minutes."),
    }
    return [
        {**copies.get(item["id"], waits), "name": _("File %(number)d") % {"number": number}}
        for number, item in enumerate(value or [], 1)
    ]


@dataclass(frozen=True)
class Change:
    """What became of one question from one version to another."""

    key: str
    label: str
    section: str
    kind: str  # added, removed, changed, same
    spans: list[Span]

    @property
    def before(self) -> list[Span]:
        return [span for span in self.spans if span.kind != "added"]

    @property
    def after(self) -> list[Span]:
        return [span for span in self.spans if span.kind != "removed"]


def compare_versions(a: Version, b: Version) -> list[Change]:
    """Return, question by question in the order of ``b``'s form, what changed from version ``a`` to version ``b``."""
    return compare_snapshots((a.form, a.answers), (b.form, b.answers))


def compare_snapshots(
    before: tuple[dict[str, Any], dict[str, Any]], after: tuple[dict[str, Any], dict[str, Any]]
) -> list[Change]:
    """Return the changes between two (form, answers) pairs; see ``compare_versions``."""
    language = get_language() or "zh-hans"
    old, new = _rows(before[0]), _rows(after[0])
    changes = []
    for key in [*new, *(key for key in old if key not in new)]:
        section, question = new.get(key) or old[key]
        was = _text(old.get(key), before[1].get(key), language)
        now = _text(new.get(key), after[1].get(key), language)
        if not was and not now:
            continue
        if _same(old.get(key), before[1].get(key), new.get(key), after[1].get(key)):
            kind = "same"
        else:
            kind = "added" if not was else "removed" if not now else "changed"
        spans = compare_texts(was, now) if kind != "same" else [Span("same", now)]
        changes.append(Change(key, in_language(question["label"]), in_language(section), kind, spans))
    return changes


def changed_keys(a: Version, b: Version) -> list[str]:
    """Return the keys of the questions whose answers differ."""
    return [change.key for change in compare_versions(a, b) if change.kind != "same"]


Row = tuple[dict[str, str], dict[str, Any]]


def _rows(form: dict[str, Any]) -> dict[str, Row]:
    return {
        question["key"]: (section["title"], question)
        for section in form["sections"]
        for question in section["questions"]
    }


def _text(row: Row | None, value: Any, language: str) -> str:
    if row is None or not row[1]["asked"] or value is None:
        return ""
    _section, question = row
    if question["kind"] == QuestionKind.FILES:
        return "\n".join(_file_lines(value))
    return type_of(question["kind"]).text(value, question["settings"], language)


def _file_lines(value: Iterable[dict[str, Any]]) -> list[str]:
    """One line a file, with the beginning of its hash, so that a new file of an old name is seen."""
    return [f"{item['name']} ({item.get('sha256', '')[:12]})" for item in value]


def _same(old: Row | None, was: Any, new: Row | None, now: Any) -> bool:
    if old is None or new is None:
        return False
    return bool(was == now and old[1]["asked"] == new[1]["asked"])
