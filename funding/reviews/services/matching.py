"""How well reviewers fit applications: which texts are compared, the affinities, and why a pair scores as it does.

Compared is what the reviewers of a blind stage read of an application's latest version, in words and choices, with what
a reviewer says of themselves: keywords, own words, publications. How much a term weighs is counted over all of the call's
submitted applications and the profiles of all available reviewers, so that a pair scores the same on every page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override
from redis.exceptions import RedisError

from funding.applications.models import Application, Version
from funding.applications.naming import names_in_form
from funding.applications.reading import Blinding, answers_of
from funding.calls.states import QuestionKind
from funding.reviews.models import Publication, Reviewer
from park_portal.core.errors import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from funding.reviews.affinity import Embedder, Weights

WORDED: Final = (
    QuestionKind.SHORT_TEXT,
    QuestionKind.LONG_TEXT,
    QuestionKind.SINGLE_CHOICE,
    QuestionKind.MULTIPLE_CHOICE,
)
SHOWN_TERMS: Final = 15
KEPT_SECONDS: Final = 24 * 3600


@dataclass(frozen=True)
class ProfileDocument:
    """One text of a reviewer's profile, and what it is called on a page."""

    label: Text
    text: str


@dataclass(frozen=True)
class MatchingTerm:
    """One term of an explanation: its part of the score in percent, and the documents that it comes from."""

    term: str
    percent: float
    documents: tuple[Text, ...]


@dataclass(frozen=True)
class Match:
    """Why a pair scores as it does; ``score`` is 0 … 1, and the percents are of it and add up to 100.

    ``rest`` is what terms beyond the first have, ``hidden`` what terms have that the reader may not see yet,
    ``meaning`` what the embedder adds. ``documents`` are those that count, with their similarity 0 … 1.
    """

    score: float
    terms: tuple[MatchingTerm, ...]
    rest: float
    hidden: float
    meaning: float
    documents: tuple[tuple[Text, float], ...]
    is_empty_profile: bool


def texts_of(applications: Sequence[Application]) -> list[str]:
    """Return the text of each application that affinities are counted from, in that order: one query.

    An application that was never submitted has none.
    """
    latest = {
        version.application_id: version
        for version in Version.objects.filter(application__in=applications)
        .order_by("application_id", "-number")
        .distinct("application_id")
    }
    return [
        _text_of(application.title, latest[application.pk]) if application.pk in latest else ""
        for application in applications
    ]


def _text_of(title: str, version: Version) -> str:
    # One language for all: the labels of choices must not depend on who asks.
    with override("zh-hans"):
        blinding = Blinding(names_in_form(version.form, version.answers), {})
        sections = answers_of(version, for_reviewers=True, blinding=blinding)
    lines = [
        str(question["text"])
        for section in sections
        for question in section["questions"]
        if question["kind"] in WORDED
    ]
    return "\n".join([title, *lines])


def documents_of(reviewers: Sequence[Reviewer]) -> list[list[ProfileDocument]]:
    """Return each reviewer's documents, in that order: keywords, own words, publications; one query."""
    written: dict[int, list[Publication]] = {}
    for publication in Publication.objects.filter(reviewer__in=reviewers).order_by("reviewer_id", "pk"):
        written.setdefault(publication.reviewer_id, []).append(publication)
    found = []
    for reviewer in reviewers:
        documents = [
            ProfileDocument(_("keywords"), "，".join(reviewer.keywords)),
            ProfileDocument(_("own words"), reviewer.statement),
            *(
                ProfileDocument(publication.title, f"{publication.title}\n{publication.abstract}")
                for publication in written.get(reviewer.pk, [])
            ),
        ]
        found.append([document for document in documents if document.text])
    return found


def affinities(applications: Sequence[Application], reviewers: Sequence[Reviewer]) -> NDArray[np.float64]:
    """Return how well each application fits each reviewer: shape (applications, reviewers), 0 … 1, in that order.

    A fixed number of queries. The numbers are those that ``explain_match`` explains.
    """
    from funding.reviews.affinity import affinity  # numpy and scipy: only who matches waits for them.

    documents = [[document.text for document in one] for one in documents_of(reviewers)]
    weights = weights_of({application.call_id for application in applications})
    return affinity(texts_of(applications), documents, weights=weights, embedder=embedder())


def explain_match(application: Application, reviewer: Reviewer, *, only_title: bool = False) -> Match:
    """Return why the pair scores as it does; ``only_title`` for who may read no more of the application yet."""
    from funding.reviews.affinity import explain, terms_of

    (documents,), (text,) = documents_of([reviewer]), texts_of([application])
    told = explain(
        text,
        [document.text for document in documents],
        weights=weights_of([application.call_id]),
        embedder=embedder(),
    )
    readable = terms_of(application.title) if only_title else None
    open_terms = [one for one in told.terms if readable is None or one.term in readable]

    def percent(value: float) -> float:
        return 100 * value / told.score if told.score else 0.0

    shown = open_terms[:SHOWN_TERMS]
    hidden = sum(one.value for one in told.terms) - sum(one.value for one in open_terms)
    return Match(
        score=told.score,
        terms=tuple(
            MatchingTerm(
                one.term,
                percent(one.value),
                tuple(
                    documents[number].label
                    for number, _value in sorted(one.documents, key=lambda part: (-part[1], part[0]))
                ),
            )
            for one in shown
        ),
        rest=percent(sum(one.value for one in open_terms[SHOWN_TERMS:])),
        hidden=percent(hidden),
        meaning=percent(told.meaning),
        documents=tuple((documents[number].label, near) for number, near in told.documents),
        is_empty_profile=not documents,
    )


def weights_of(calls: Iterable[int]) -> Weights:
    """Return the weights of terms over these calls' submitted applications and the profiles of all who are available.

    They are kept until an application is submitted or a profile changes: counting them takes seconds in a large call.
    """
    from funding.reviews.affinity import weigh

    chosen = sorted(set(calls))
    key = _key_of(chosen)
    try:
        kept: Weights | None = cache.get(key)
    except RedisError:
        kept = None
    if kept is not None:
        return kept
    applications = Application.objects.submitted().filter(call__in=chosen).order_by("pk")
    profiles = documents_of(list(Reviewer.objects.active().order_by("pk")))
    weights = weigh(
        [
            *texts_of(list(applications.only("pk", "title"))),
            *(document.text for documents in profiles for document in documents),
        ]
    )
    with suppress(RedisError):  # the cache may be away at any time: whoever asks next counts again
        cache.set(key, weights, KEPT_SECONDS)
    return weights


def _key_of(calls: list[int]) -> str:
    """Return a key that changes with every text that the weights of ``calls`` are counted from."""
    versions = Version.objects.filter(application__call__in=calls).aggregate(models.Max("pk"))
    pool = Reviewer.objects.active().aggregate(models.Count("pk"), models.Max("updated_at"))
    papers = Publication.objects.filter(reviewer__in=Reviewer.objects.active()).aggregate(
        models.Count("pk"), models.Max("updated_at")
    )
    stamp = [*versions.values(), *pool.values(), *papers.values()]
    return f"affinity-terms:{'-'.join(map(str, calls))}:{':'.join(str(_plain(one)) for one in stamp)}"


def _plain(value: Any) -> Any:
    return value.timestamp() if hasattr(value, "timestamp") else value


def embedder() -> Embedder | None:
    """Return the embedder that ``AFFINITY_EMBEDDER`` names, made once a process, or None."""
    return _embedder(settings.AFFINITY_EMBEDDER)


@lru_cache(maxsize=1)
def _embedder(path: str) -> Embedder | None:
    if not path:
        return None
    try:
        made: Embedder = import_string(path)()
    except ImportError as error:
        raise ImproperlyConfigured(f"AFFINITY_EMBEDDER: {error}") from error
    return made
