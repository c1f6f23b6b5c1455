"""A plan in words: its criteria as they are read, why it is impossible, what else would give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from funding.reviews.criteria import PlanCriteria
from funding.reviews.models import AssignmentPlan, StageRun
from funding.reviews.states import PlanFloor, ReviewerKind
from park_portal.core.accounts.models import User
from park_portal.core.errors import Text


def criteria_in_words(plan: AssignmentPlan) -> list[tuple[Text, Text]]:
    """Return (label, value) of what a plan asks for; what it does not ask for is left out."""
    asked = plan.asked
    found: list[tuple[Text, Text]] = [
        (_("Method"), plan.get_method_display()),
        (_("Reviewers of each application"), asked.per_application),  # type: ignore[list-item] # a number is shown as it is
        (_("Applications of a reviewer"), _range(asked)),
    ]
    if not plan.is_draw:
        floor = PlanFloor(asked.floor).label
        if asked.floor == PlanFloor.NUMBER:
            floor = format_lazy("{floor}: {value}", floor=floor, value=asked.floor_value)
        found.append((_("Worst-served application"), floor))
    if asked.minimum:
        found.append((_("Weakest match that is allowed"), f"{asked.minimum:.3f}"))
    if asked.mix and any(asked.mix.values()):
        found.append((_("Mix"), mix_in_words(asked.mix)))
    rules = [
        (asked.one_per_institution, _("one reviewer of an institution for each application")),
        (asked.connected, _("all applications connected by shared reviewers")),
        (
            asked.max_shared is not None,
            _("two reviewers share at most %(number)s applications") % {"number": asked.max_shared},
        ),
        (
            asked.together,
            _("similar applications to the same reviewers (%(share)s %%)") % {"share": asked.together},
        ),
    ]
    if kept := [text for holds, text in rules if holds]:
        found.append((_("What else is kept"), "; ".join(kept)))
    found.append((_("Who is asked"), "; ".join(_pool(asked))))
    if plan.due_at is not None:
        found.append((_("Reviews due"), f"{plan.due_at:%Y-%m-%d}"))
    found.append((_("Seed"), str(plan.seed)))
    return found


def mix_in_words(mix: Mapping[str, int]) -> str:
    return "; ".join(
        _("%(kind)s: at least %(number)d") % {"kind": ReviewerKind(kind).label, "number": number}
        for kind, number in mix.items()
        if number
    )


def _range(asked: PlanCriteria) -> str:
    return f"{asked.min_load} – {asked.max_load}"


def _pool(asked: PlanCriteria) -> Iterator[str]:
    pool = asked.pool
    if pool.keywords:
        yield _("keywords: %(words)s") % {"words": ", ".join(pool.keywords)}
    if pool.institutions:
        yield _("institutions: %(names)s") % {"names": ", ".join(pool.institutions)}
    if pool.kinds:
        yield ", ".join(str(ReviewerKind(kind).label) for kind in pool.kinds)
    if pool.on_time:
        yield _("at least %(share)d %% of reviews on time") % {"share": pool.on_time}
    if pool.with_room:
        yield _("who can take on another review")
    if not (pool.keywords or pool.institutions or pool.kinds or pool.on_time or pool.with_room):
        yield _("everyone who is available")


# --- why not


@dataclass
class Knot:
    """Applications that together lack reviewers, with everyone who could read them."""

    runs: list[StageRun]
    more_runs: int
    people: list[User]
    more_people: int
    full: list[User]
    missing: int
    kind: str | None
    barred: Mapping[str, int]


def diagnosis_in_words(plan: AssignmentPlan) -> dict[str, Any] | None:
    """Return what the page says of a plan that is not possible: a sentence, the knots, what to loosen."""
    stored = plan.diagnosis
    if not stored:
        return None
    return {
        "sentence": _sentence(stored),
        "knots": list(_knots(stored)),
        "loosen": [_advice(name) for name in stored.get("loosen", ())],
        "problems": stored.get("problems", []),
        "is_reviewers": stored["code"] in ("reviewers", "small_pool"),
    }


def _sentence(stored: Mapping[str, Any]) -> str:
    code, missing = stored["code"], stored.get("missing") or 0
    sentences = {
        "reviewers": lambda: (
            ngettext(
                "%d review cannot be given to anybody.", "%d reviews cannot be given to anybody.", missing
            )
            % missing
        ),
        "min_load": lambda: _(
            "Some reviewers cannot get as many applications as the least load asks for: there is not enough that they "
            "may read."
        ),
        "floor": lambda: (
            _("No assignment matches every application that well. The most that is possible is %(bound)s.")
            % {"bound": f"{stored.get('bound') or 0:.3f}"}
        ),
        "kinds": lambda: _("The mix of reviewers cannot be kept for every application."),
        "institutions": lambda: _(
            "There are not enough reviewers of different institutions for every application."
        ),
        "groups": lambda: _("Similar applications cannot all go to the same few reviewers."),
        "max_shared": lambda: _("Two reviewers would have to share more applications than is allowed."),
        "connected": lambda: _("The applications cannot all be connected by shared reviewers."),
        "options": lambda: _("These criteria cannot be kept together, though each of them could be alone."),
        "out_of_time": lambda: (
            _("No result was found in %(seconds)s seconds, nor was it shown that there is none.")
            % {"seconds": stored.get("seconds")}
        ),
        "no_applications": lambda: _("No application is in this stage now: there is nothing to assign."),
        "small_pool": lambda: (
            _(
                "The pool has %(reviewers)d reviewers that match the criteria, and each application is to have %(asked)d."
            )
            % {"reviewers": stored.get("reviewers", 0), "asked": stored.get("asked", 0)}
        ),
        "impossible": lambda: _("Nobody was invited: some of these pairs have become impossible meanwhile."),
        "interrupted": lambda: _("The work was interrupted. Nothing was changed; have it worked out again."),
        "restless": lambda: _(
            "Reviewers stepped back faster than replacements could be worked out. Have it worked out again."
        ),
    }
    known = sentences.get(code)
    if known is None:
        return _("Something went wrong on our side. Nothing was changed; have it worked out again.")
    return str(known())


def _knots(stored: Mapping[str, Any]) -> Iterator[Knot]:
    knots = stored.get("knots", [])
    runs = StageRun.objects.select_related("application").in_bulk(
        [pk for knot in knots for pk in knot["runs"]]
    )
    people = User.objects.select_related("reviewer").in_bulk(
        [pk for knot in knots for pk in (*knot["people"], *knot["full"])]
    )
    for knot in knots:
        yield Knot(
            runs=[runs[pk] for pk in knot["runs"] if pk in runs],
            more_runs=knot["more_runs"],
            people=[people[pk] for pk in knot["people"] if pk in people],
            more_people=knot["more_people"],
            full=[people[pk] for pk in knot["full"] if pk in people],
            missing=knot["missing"],
            kind=str(ReviewerKind(knot["kind"]).label) if knot["kind"] else None,
            barred={name: number for name, number in knot["barred"].items() if number},
        )


def _advice(name: str) -> str:
    """Return what would help, for the name of a condition of ``assign``."""
    known = {
        "max_load": _("let each reviewer read more applications, or ask reviewers to take on more at a time"),
        "min_load": _("lower the least load"),
        "per_application": _("ask for fewer reviewers of each application"),
        "forbidden": _("lower the weakest match that is allowed, or bring in reviewers without conflicts"),
        "reviewers": _("invite more reviewers to the pool"),
        "pool": _("loosen the filter of the pool, or invite more reviewers"),
        "floor": _("ask for a weaker match of the worst-served application"),
        "kinds": _("ask for another mix"),
        "mix": _("ask for another mix"),
        "institutions": _("allow several reviewers of one institution"),
        "groups": _("do without giving similar applications to the same reviewers"),
        "group_strength": _("be less strict about similar applications"),
        "max_shared": _("let two reviewers share more applications"),
        "connected": _("do without connecting all applications"),
        "fixed": _("release somebody who is asked already"),
    }
    return known.get(name, name)


# --- what else would give


def alternatives_in_words(plan: AssignmentPlan) -> list[dict[str, Any]]:
    """Return the lines of the table that shows what other criteria would give."""
    lines = []
    for line in plan.figures.get("alternatives", []):
        labels = []
        for name, value in line["changes"].items():
            if name == "max_load":
                text = ngettext(
                    "at most %d application of a reviewer", "at most %d applications of a reviewer", value
                )
                labels.append(text % value)
            else:
                labels.append(str(PlanFloor(value).label))
        code = line.get("code")
        note = ""
        if code == "out_of_time":
            note = _("could not be worked out in time")
        elif code is not None:
            missing = line.get("missing") or 0
            note = (
                ngettext(
                    "not possible: %d review is lacking", "not possible: %d reviews are lacking", missing
                )
                % missing
                if missing
                else _("not possible")
            )
        lines.append({**line, "label": "; ".join(labels), "note": note})
    return lines
