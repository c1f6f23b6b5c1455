"""What the scores of a call say together: each application's value by the call's method, each reviewer's hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from funding.calls.models import Call, Stage
from funding.calls.states import Scoring, StageKind
from funding.reviews.calibration import Calibration, Component, Method, Score, calibrate
from funding.reviews.models import Review
from funding.reviews.states import Confidence
from park_portal.core.accounts.models import User

# How much a score weighs by what its reviewer says of their own knowledge. Nobody gains by calling the subject theirs.
WEIGHTS = {Confidence.LOW: 0.5, Confidence.FAIR: 0.75, Confidence.HIGH: 1.0, Confidence.EXPERT: 1.0}


@dataclass(frozen=True)
class Rating:
    """One application's value by the call's method, out of 100 (a calibrated one may lie beyond), and its error.

    ``error`` is the standard error, ``low`` and ``high`` the bounds of 90 %; None where nothing is known about them.
    ``plain`` is the plain mean of its ``count`` scores. ``reason`` says why it stands there although the call
    calibrates: a reason of ``calibration.Component``, else empty.
    """

    value: float
    error: float | None
    low: float | None
    high: float | None
    plain: float
    count: int
    reason: str = ""

    @property
    def bar(self) -> dict[str, float]:
        """Return value and bounds as they are drawn, between 0 and 100."""
        low, high = (
            (self.value, self.value) if self.low is None or self.high is None else (self.low, self.high)
        )
        drawn = {"low": low, "value": self.value, "high": high}
        return {name: min(max(value, 0.0), 100.0) for name, value in drawn.items()}


@dataclass(frozen=True)
class Hand:
    """How one reviewer marks in one stage, in points beside the others; ``severity`` is None where it is not known.

    ``error`` is its standard error; ``is_clear`` whether 90 % of what it may be lies on one side of zero.
    """

    person: int
    name: str
    stage: str
    reviews: int
    severity: float | None
    error: float | None
    is_clear: bool

    @property
    def points(self) -> str:
        """Return severity and error as they are shown, in points."""
        if self.severity is None or self.error is None:
            return "—"
        return f"{self.severity:+.1f} ± {self.error:.1f}".replace("-", "−")

    @property
    def words(self) -> str:
        """Return it in a sentence for people."""
        if self.severity is None:
            return _("too little in common with others to say")
        if not self.is_clear:
            return _("marks like the others, as far as one can tell")
        points = {"points": f"{abs(self.severity):.1f}"}
        if self.severity > 0:
            return _("marks %(points)s points higher than others") % points
        return _("marks %(points)s points lower than others") % points


@dataclass(frozen=True)
class Ratings:
    """The scores of one call taken together: ``calibration`` by the call's method, ``hands`` whatever that is.

    A reviewer is “stage/person” in ``calibration`` and ``scores``: who marks in two stages has a hand in each.
    """

    method: str
    calibration: Calibration | None
    applications: dict[int, Rating]
    hands: tuple[Hand, ...]
    components: tuple[Component, ...]
    scores: tuple[Score, ...] = ()

    @property
    def inputs(self) -> list[list[Any]]:
        """Return what everything was worked out from, in an order of its own: reviewer, application, score, weight."""
        return sorted([one.reviewer, one.application, one.value, one.confidence] for one in self.scores)

    @property
    def method_label(self) -> str:
        return str(Scoring(self.method).label)


def in_words(reasons: Iterable[str]) -> list[str]:
    """Return why applications keep their plain mean, a sentence for each reason; one of ``reasons`` an application."""
    counted = Counter(reasons)
    return [said(counted[reason]) for reason, said in _REASONS.items() if counted[reason]]


def _one_reviewer(count: int) -> str:
    return ngettext(
        "%d application was scored only by a reviewer who shares it with nobody.",
        "%d applications were scored only by a reviewer who shares them with nobody.",
        count,
    ) % (count,)


def _one_application(count: int) -> str:
    return ngettext(
        "The reviewers of %d application scored nothing else.",
        "The reviewers of %d applications each scored nothing else.",
        count,
    ) % (count,)


def _few_shared(count: int) -> str:
    return ngettext(
        "The reviewers of %d application have too few applications in common.",
        "The reviewers of %d applications have too few applications in common.",
        count,
    ) % (count,)


_REASONS = {
    "few_shared": _few_shared,
    "one_reviewer": _one_reviewer,
    "one_application": _one_application,
}


def ratings_of(call: Call, method: str | None = None) -> Ratings:
    """Return what the submitted scores of ``call`` say by ``method`` (else the call's own), in one query.

    An application counts with its panel's scores where it has any, else with the experts'. The scores of applications
    that are no longer ranked count too: they tell how their reviewers mark.
    """
    chosen: Any = method or call.scoring
    rows = _scores_of(call)
    if not rows:
        return Ratings(chosen, None, {}, (), ())
    people: dict[str, tuple[int, str, str]] = {}
    scores = []
    for row in rows:
        reviewer = f"{row.run__stage}/{row.reviewer}"
        if reviewer not in people:
            person = User(name=row.reviewer__name, email=row.reviewer__email)
            stage = Stage(name_zh_hans=row.run__stage__name_zh_hans, name_en=row.run__stage__name_en)
            people[reviewer] = (row.reviewer, str(person), stage.name)
        weight = WEIGHTS[Confidence(row.confidence)] if row.confidence else 1.0
        scores.append(Score(reviewer, row.application, float(row.score), weight))
    return _ratings(chosen, scores, people)


def _scores_of(call: Call) -> list[Any]:
    """Return the rows that count, as plain columns: a call has thousands, and a live page asks for them."""
    rows = list(
        Review.objects.submitted()
        .filter(
            application__call=call,
            score__isnull=False,
            run__stage__kind__in=[StageKind.EXPERT, StageKind.PANEL],
        )
        .order_by("application_id", "id")
        .values_list(
            *("application", "score", "confidence", "reviewer", "reviewer__name", "reviewer__email"),
            *("run__stage", "run__stage__kind", "run__stage__name_zh_hans", "run__stage__name_en"),
            named=True,
        )
    )
    by_panel = {row.application for row in rows if row.run__stage__kind == StageKind.PANEL}
    return [row for row in rows if row.run__stage__kind == StageKind.PANEL or row.application not in by_panel]


def _ratings(method: Method, scores: list[Score], people: dict[str, tuple[int, str, str]]) -> Ratings:
    calibrated = calibrate(scores)
    found = calibrated if method == "calibrated" else calibrate(scores, method=method)
    kept = {key: one.reason for one in calibrated.components for key in one.applications}
    reviews = Counter(one.reviewer for one in scores)
    reach = calibrated.quantile()
    hands = []
    for key, (person, name, stage) in people.items():
        severity, error = calibrated.severity.get(key), calibrated.severity_stderr.get(key)
        clear = severity is not None and error is not None and abs(severity) > reach * error
        hands.append(Hand(person, name, stage, reviews[key], severity, error, clear))
    applications = {}
    for pk, value in found.values.items():
        low, high = found.interval(pk) or (None, None)
        reason = kept[pk] if method == "calibrated" else ""
        applications[int(pk)] = Rating(
            value, found.stderr[pk], low, high, found.plain[pk], found.count[pk], reason
        )
    hands.sort(key=lambda one: (one.severity is None, -(one.severity or 0), one.name, one.person))
    return Ratings(method, found, applications, tuple(hands), calibrated.components, tuple(scores))
