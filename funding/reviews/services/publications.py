"""The publications of reviewers: entered one by one, pasted as a list, changed, taken off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.reviews.models import Publication, Reviewer
from funding.reviews.publications import Found, doi_of, read_list
from incubator.organisations.services import clean_or_refuse, set_fields
from park_portal.core.audit.services import changes_of, record
from park_portal.core.errors import DomainError
from park_portal.core.text import clean
from park_portal.core.workflow import Actor, require

PUBLICATION_FIELDS: Final = ("title", "authors", "year", "source", "doi", "abstract")
MAX_PUBLICATIONS: Final = 200
LONGEST_LIST: Final = 200_000  # characters that are pasted at once


@dataclass(frozen=True)
class Pasted:
    """What became of a pasted list: added, on the list already, and how many could not be read or kept."""

    added: tuple[Publication, ...]
    known: int
    unread: int


def add_publication(reviewer: Reviewer, *, actor: Actor, **values: Any) -> Publication:
    """Put a publication on the reviewer's list and return it; ``values`` are of ``PUBLICATION_FIELDS``.

    Raises ``DomainError`` for what does not pass, for one that is on the list, and for a full list.
    """
    require(actor, "funding.edit_reviewer", reviewer)
    with transaction.atomic():
        held = _locked(reviewer)
        if held.publications.count() >= MAX_PUBLICATIONS:
            raise _full()
        return _add(held, values, actor)


def update_publication(publication: Publication, *, actor: Actor, **values: Any) -> Publication:
    """Change a publication and return it."""
    require(actor, "funding.edit_publication", publication)
    with transaction.atomic():
        _locked(publication.reviewer)
        held = Publication.objects.select_for_update(of=("self",)).get(pk=publication.pk)
        values = _tidied(values)
        before, after = changes_of(held, values)
        if not after:
            return held
        set_fields(held, {key: values[key] for key in after}, PUBLICATION_FIELDS)
        held.updated_at = timezone.now()
        clean_or_refuse(held)
        held.save(update_fields=[*after, "updated_at"])
        record("publication.update", held, actor=actor, before=before, after=after)
    return held


def remove_publication(publication: Publication, *, actor: Actor) -> None:
    """Take a publication off the list. One that is gone already is no mistake."""
    require(actor, "funding.edit_publication", publication)
    with transaction.atomic():
        held = _locked(publication.reviewer)
        found = held.publications.filter(pk=publication.pk).first()
        if found is None:
            return
        record("publication.remove", found, actor=actor, before={"title": found.title, "doi": found.doi})
        found.delete()


def paste_publications(reviewer: Reviewer, *, actor: Actor, text: str) -> Pasted:
    """Add the publications of a BibTeX or RIS list; those on the list already are left as they are.

    Raises ``DomainError`` when there is no publication in ``text``, or more than fit on the list: then none is added.
    """
    require(actor, "funding.edit_reviewer", reviewer)
    if len(text) > LONGEST_LIST:
        raise DomainError(_("This list is too long. Paste it in parts."), code="too_long", field="text")
    found, unread = read_list(clean(text))
    if not found:
        raise DomainError(
            _("No publication was found. Paste a list as your reference manager exports it: BibTeX or RIS."),
            code="nothing_found",
            field="text",
        )
    with transaction.atomic():
        held = _locked(reviewer)
        there = list(held.publications.values_list("title", "doi"))
        titles, dois = {title.lower() for title, _doi in there}, {doi.lower() for _title, doi in there if doi}
        new: list[Found] = []
        known = 0
        for one in found:
            if one.title.lower() in titles or (one.doi and one.doi.lower() in dois):
                known += 1
                continue
            titles.add(one.title.lower())
            dois.add(one.doi.lower())
            new.append(one)
        if len(there) + len(new) > MAX_PUBLICATIONS:
            raise _full()
        added: list[Publication] = []
        for one in new:
            try:
                added.append(_add(held, vars(one) | {"authors": list(one.authors)}, actor))
            except DomainError:  # one entry out of bounds, an overlong title: counted, the others stay
                unread += 1
    return Pasted(tuple(added), known, unread)


def _add(reviewer: Reviewer, values: dict[str, Any], actor: Actor) -> Publication:
    made = Publication(reviewer=reviewer)
    set_fields(made, _tidied(values), PUBLICATION_FIELDS)
    clean_or_refuse(made)
    made.save()
    record("publication.add", made, actor=actor, after={"title": made.title, "doi": made.doi})
    return made


def _tidied(values: dict[str, Any]) -> dict[str, Any]:
    tidy = dict(values)
    for name in ("title", "source", "abstract"):
        if name in tidy:
            tidy[name] = (tidy[name] or "").strip()
    if "doi" in tidy:
        tidy["doi"] = doi_of(tidy["doi"] or "")
    if "authors" in tidy:
        tidy["authors"] = _names(tidy["authors"] or [])
    return tidy


def _names(authors: Iterable[str]) -> list[str]:
    return [name.strip() for name in authors if name.strip()]


def _locked(reviewer: Reviewer) -> Reviewer:
    """Return the reviewer's entry, locked: a list changes one step at a time, so two clicks add one publication."""
    return Reviewer.objects.select_for_update(of=("self",)).get(pk=reviewer.pk)


def _full() -> DomainError:
    return DomainError(
        _("A list holds at most %(number)d publications; those of the last years say most.")
        % {"number": MAX_PUBLICATIONS},
        code="too_many",
    )
