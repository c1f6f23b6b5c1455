"""What an applicant's team is known by, and where their names are left in what double-blind reviewers read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from funding.applications.models import Application
from funding.applications.redaction import Hit, Kind, Names, domains_of, find
from funding.calls.questions import Table, in_language, type_of
from funding.calls.states import ApplicantKind, Blindness, Purpose, QuestionKind
from incubator.organisations.models import Membership, Organisation

MOST: int = 100  # places named on a page; who has more has to read the text anyway


@dataclass(frozen=True)
class Left:
    """One name left in an answer: where, what, and the words around it."""

    key: str
    label: str
    place: str  # row and column of a table, or the number of a file
    kind: Kind
    text: str
    before: str
    after: str


def is_double_blind(application: Application) -> bool:
    """Return whether some stage of the call keeps from its reviewers who applies."""
    return bool(application.call.stages.filter(blindness=Blindness.DOUBLE).exists())


def names_of(
    application: Application, form: Mapping[str, Any] | None = None, answers: Mapping[str, Any] | None = None
) -> Names:
    """Return what the team of ``application`` is known by: on file and, with ``form``, in the answers that name it.

    Four queries at most.
    """
    people: set[str] = set()
    emails: set[str] = set()
    phones: set[str] = set()
    organisations: list[Organisation] = []
    texts: set[str] = set()  # names of organisations as somebody wrote them
    accounts: list[Any] = []
    if application.kind == ApplicantKind.ORGANISATION:
        assert application.organisation is not None
        organisations.append(application.organisation)
        accounts += [
            row.user
            for row in Membership.objects.filter(organisation=application.organisation_id).select_related(
                "user"
            )
        ]
    else:
        project = application.project
        assert project is not None
        people.add(project.principal_investigator)
        texts.add(project.institution_text)
        for row in project.team.select_related("user"):
            people.add(row.name)
            emails.add(row.email)
            if row.user is not None:
                accounts.append(row.user)
        if project.pi_user is not None:
            accounts.append(project.pi_user)
        if project.university is not None:
            organisations.append(project.university)
        if project.faculty is not None:
            texts |= {project.faculty.name_zh_hans or "", project.faculty.name_en or ""}
    for account in accounts:
        people.add(account.name)
        emails.add(account.email)
        phones.add(account.phone)
    codes: set[str] = set()
    addresses: set[str] = set()
    websites: set[str] = set()
    for one in organisations:
        texts |= {one.name_zh_hans or "", one.name_en or ""}
        codes.add(one.uscc or "")
        addresses.add(one.registered_address)
        websites.add(one.website)
        emails.add(one.contact_email)
        phones.add(one.contact_phone)
        people.add(one.contact_name)
    if form is not None:
        named_people, named_places = _named_in(form, answers or {})
        people |= named_people
        texts |= named_places
    codes |= domains_of(emails, websites)
    return Names(
        *(frozenset(filter(None, group)) for group in (people, texts, emails, phones, addresses, codes))
    )


def names_in_form(form: Mapping[str, Any], answers: Mapping[str, Any]) -> Names:
    """Return what a submitted form itself says of who applies: less than ``names_of``, and without a query."""
    applicant = form["applicant"]
    people, places = _named_in(form, answers)
    people.add(applicant.get("head", ""))
    places |= set(applicant["institution"].values())
    if applicant["kind"] == ApplicantKind.ORGANISATION:
        places |= set(applicant["name"].values())
    return Names(people=frozenset(filter(None, people)), organisations=frozenset(filter(None, places)))


_PLACES = (
    "employer",
    "institution",
    "organisation",
    "organization",
    "company",
    "affiliation",
    "单位",
    "机构",
    "公司",
)


def _named_in(form: Mapping[str, Any], answers: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the people and the organisations that the answers themselves name, where staff said that they do."""
    people: set[str] = set()
    places: set[str] = set()

    def take(key: str, label: Mapping[str, str], text: Any) -> None:
        words = f"{key} {label.get('zh', '')} {label.get('en', '')}".lower()
        if isinstance(text, str) and 2 <= len(text.strip()) <= 120:
            (places if any(word in words for word in _PLACES) else people).add(text.strip())

    for section in form["sections"]:
        for question in section["questions"]:
            settings, value = question["settings"], answers.get(question["key"])
            kind = type_of(question["kind"])
            if isinstance(kind, Table):
                for column in kind.columns(settings):
                    if column.get("names_applicant") and column.get("kind") == "text":
                        for row in value or []:
                            take(column["key"], column, row.get(column["key"]))
            elif settings.get("names_applicant") and question["kind"] == QuestionKind.SHORT_TEXT:
                take(question["key"], question["label"], value)
    return people, places


def names_left(form: Mapping[str, Any], answers: Mapping[str, Any], names: Names) -> list[Left]:
    """Return where double-blind reviewers would still read a name of the team, in the order of the form.

    Looked at is what they see: not what is hidden from them or blacked out. Of files, their names are not: reviewers get
    them under neutral ones.
    """
    found: list[Left] = []
    for section in form["sections"]:
        for question in section["questions"]:
            if not question["asked"] or not question["reviewers_see"] or question.get("redacted"):
                continue
            if question["purpose"] == Purpose.UNSUITABLE or question["kind"] == QuestionKind.FILES:
                continue
            kind = type_of(question["kind"])
            left = kind.blinded(answers.get(question["key"]), question["settings"])
            if left is None:
                continue
            label = in_language(question["label"])
            for place, text in _texts(kind, *left):
                found += [_left(question["key"], label, place, text, hit) for hit in find(text, names)]
                if len(found) >= MOST:
                    return found[:MOST]
    return found


def _texts(kind: Any, value: Any, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if isinstance(value, str) and kind.redactable:
        yield "", value
    elif isinstance(kind, Table):
        for number, row in enumerate(value or [], 1):
            for column in kind.columns(settings):
                if column.get("kind") == "text" and isinstance(row.get(column["key"]), str):
                    place = _("row %(number)d, %(column)s") % {
                        "number": number,
                        "column": in_language(column),
                    }
                    yield place, row[column["key"]]


AROUND = 24


def _left(key: str, label: str, place: str, text: str, hit: Hit) -> Left:
    before, after = text[max(0, hit.start - AROUND) : hit.start], text[hit.end : hit.end + AROUND]
    return Left(key, label, place, hit.kind, hit.text, _line(before), _line(after))


def _line(text: str) -> str:
    return " ".join(text.split("\n"))
