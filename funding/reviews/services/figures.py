"""Figures that others show: what the reviews of an application say together; whose turn staff may take; what lacks
reviewers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models.functions import Coalesce

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.states import Acts, StageKind
from funding.reviews.models import Review, StageRun
from funding.reviews.scoring import Spread, spread
from funding.reviews.states import OPEN_REVIEWS, Opinion, ReviewState, RunState
from park_portal.core.accounts.states import StaffRole

COUNTED = (*OPEN_REVIEWS, ReviewState.SUBMITTED)


@dataclass(frozen=True)
class Summary:
    """What the reviews of one application say together.

    ``scores`` are the expert reviews' weighted scores out of 100, ``panel`` the panel's; ``opinions`` counts what
    experts and panel recommend, ``others`` what everyone else said (a liaison's objection, say); ``open`` reviews
    are still expected.
    """

    scores: Spread = field(default_factory=Spread)
    panel: Spread = field(default_factory=Spread)
    opinions: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    open: int = 0

    @property
    def count(self) -> int:
        return self.scores.count

    @property
    def mean(self) -> Decimal | None:
        """The mean to rank by: the panel's where it scored, else the experts'."""
        return self.panel.mean if self.panel.mean is not None else self.scores.mean

    @property
    def deviation(self) -> Decimal | None:
        return self.scores.deviation

    @property
    def lowest(self) -> Decimal | None:
        return self.scores.lowest

    @property
    def highest(self) -> Decimal | None:
        return self.scores.highest

    @property
    def objections(self) -> int:
        return self.others[Opinion.OBJECT]


def summaries_of(applications: Iterable[Application | int]) -> dict[int, Summary]:
    """Return {application id: Summary}, in one query; an application nobody was asked about has an empty one."""
    ids = [one if isinstance(one, int) else one.pk for one in applications]
    rows = Review.objects.filter(application__in=ids, state__in=COUNTED).values_list(
        "application_id", "state", "score", "opinion", "run__stage__kind"
    )
    grouped = defaultdict(list)
    for application, *row in rows:
        grouped[application].append(row)
    return {pk: _summary(grouped.get(pk, [])) for pk in ids}


def _summary(rows: list[Any]) -> Summary:
    scores: list[Decimal] = []
    panel: list[Decimal] = []
    opinions: Counter[str] = Counter()
    others: Counter[str] = Counter()
    waiting = 0
    for state, score, opinion, kind in rows:
        if state != ReviewState.SUBMITTED:
            waiting += 1
        elif kind in (StageKind.EXPERT, StageKind.PANEL):
            opinions[opinion] += 1
            if score is not None:
                (panel if kind == StageKind.PANEL else scores).append(score)
        else:
            others[opinion] += 1
    return Summary(spread(scores), spread(panel), opinions, others, waiting)


def acts_of(user: Any) -> list[str]:
    """Return in the turn of which kinds of actors ``user`` may act as staff; experts' stages wait for officers'
    work.
    """
    roles = user.roles if not user.is_superuser else set(StaffRole.values)
    found: list[str] = []
    if roles & {StaffRole.OFFICER, StaffRole.LEAD}:
        found += [Acts.OFFICER, Acts.EXPERT]
    if StaffRole.LEAD in roles:
        found.append(Acts.LEAD)
    if roles & {StaffRole.FUND_MANAGER, StaffRole.LEAD}:
        found.append(Acts.FUND_MANAGER)
    return found


def runs_of_experts(*, short: bool = False) -> models.QuerySet[StageRun]:
    """Return the expert stages under way with ``asked`` and ``done``, the reviews that count; ``short`` leaves only
    those that still lack reviewers.
    """
    runs = StageRun.objects.filter(
        state=RunState.ACTIVE, stage__acts=Acts.EXPERT, application__state=ApplicationState.IN_REVIEW
    ).annotate(asked=_reviews_in(*COUNTED), done=_reviews_in(ReviewState.SUBMITTED))
    return runs.filter(asked__lt=models.F("stage__required_count")) if short else runs


def without_short(runs: models.QuerySet[StageRun]) -> models.QuerySet[StageRun]:
    """Return ``runs`` without the expert stages that lack reviewers, judged run by run: the first few of a long list
    are then found without looking at the rest.
    """
    return runs.annotate(asked=_reviews_in(*COUNTED)).exclude(
        stage__acts=Acts.EXPERT,
        application__state=ApplicationState.IN_REVIEW,
        asked__lt=models.F("stage__required_count"),
    )


def _reviews_in(*states: str) -> Any:
    """How many reviews of the run are in one of ``states``."""
    reviews = Review.objects.filter(run=models.OuterRef("pk"), state__in=states).order_by().values("run")
    return Coalesce(models.Subquery(reviews.annotate(n=models.Count("pk")).values("n")), 0)
