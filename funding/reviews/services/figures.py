"""Figures that others show: what the reviews of an application say together, and what waits for staff."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from funding.applications.models import Application
from funding.calls.states import Acts, StageKind
from funding.reviews.models import Objection, Review, StageRun
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
    scores, panel = [], []
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


@dataclass(frozen=True)
class StaffFigures:
    """What waits for one member of staff, and how applications stand."""

    mine: int
    due_today: int
    overdue: int
    reviews_overdue: int
    reviews_declined: int
    objections: int
    by_stage: list[tuple[str, int]]


def figures_for_staff(user: Any, *, now: datetime | None = None) -> StaffFigures:
    """Return the figures of the staff home in four queries.

    ``mine`` are the stages where the person's role acts; ``reviews_declined`` are stages with too few reviewers since
    someone stepped back.
    """
    now = now or timezone.now()
    tonight = datetime.combine(
        timezone.localdate(now) + timedelta(days=1), time.min, tzinfo=timezone.get_current_timezone()
    )
    acts = acts_of(user)
    runs = StageRun.objects.filter(state=RunState.ACTIVE)
    own = Q(stage__acts__in=acts)
    totals = runs.aggregate(
        mine=Count("pk", filter=own),
        due_today=Count("pk", filter=own & Q(due_at__gte=now, due_at__lt=tonight)),
        overdue=Count("pk", filter=own & Q(due_at__lt=now)),
    )
    reviews = Review.objects.filter(run__state=RunState.ACTIVE).aggregate(
        overdue=Count("pk", filter=Q(state__in=OPEN_REVIEWS, due_at__lt=now)),
        declined=Count("run", distinct=True, filter=Q(state__in=[ReviewState.DECLINED, ReviewState.RECUSED])),
    )
    by_stage = (
        runs.values_list("stage__kind").annotate(number=Count("pk")).values_list("stage__kind", "number")
    )
    counted = dict(by_stage)
    return StaffFigures(
        **totals,
        reviews_overdue=reviews["overdue"],
        reviews_declined=reviews["declined"],
        objections=Objection.objects.filter(upheld__isnull=True).count(),
        by_stage=[(kind.value, counted[kind.value]) for kind in StageKind if kind.value in counted],
    )


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
