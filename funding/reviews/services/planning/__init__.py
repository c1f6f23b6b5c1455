"""Plans: an assignment of reviewers from its criteria to the invitations, and the replacements that follow."""

from funding.reviews.services.planning.confirming import confirm_by_worker, confirm_plan
from funding.reviews.services.planning.drawing import draw_again, knows_names, record_of_draw
from funding.reviews.services.planning.editing import Effect, change_pairs, effect_of
from funding.reviews.services.planning.outcome import Quality, quality_of
from funding.reviews.services.planning.plans import (
    change_plan,
    create_plan,
    discard_plan,
    publish_by_worker,
    publish_draw,
    solve_plan,
    stop_solving,
)
from funding.reviews.services.planning.replacing import (
    answer,
    on_stepped_back,
    plan_of,
    tend_plans,
)
from funding.reviews.services.planning.solving import work_out

__all__ = [
    "Effect",
    "Quality",
    "answer",
    "change_pairs",
    "change_plan",
    "confirm_by_worker",
    "confirm_plan",
    "create_plan",
    "discard_plan",
    "draw_again",
    "effect_of",
    "knows_names",
    "on_stepped_back",
    "plan_of",
    "publish_by_worker",
    "publish_draw",
    "quality_of",
    "record_of_draw",
    "solve_plan",
    "stop_solving",
    "tend_plans",
    "work_out",
]
