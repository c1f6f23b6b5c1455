"""The tables of reviews: the pool, the stages of applications, reviews and their marks, conflicts, objections,
assignments, calculations.
"""

from funding.reviews.models.assignment import AssignmentPlan, PlannedPair, PlanPool
from funding.reviews.models.conflicts import Conflict
from funding.reviews.models.copies import CleanCopy
from funding.reviews.models.notice import NoticeLine, Objection, PublicNotice
from funding.reviews.models.pledges import Pledge
from funding.reviews.models.pool import Publication, Reviewer
from funding.reviews.models.records import Calculation, fingerprint
from funding.reviews.models.reviews import Review, Score
from funding.reviews.models.runs import StageRun

__all__ = [
    "AssignmentPlan",
    "Calculation",
    "CleanCopy",
    "Conflict",
    "NoticeLine",
    "Objection",
    "PlanPool",
    "PlannedPair",
    "Pledge",
    "PublicNotice",
    "Publication",
    "Review",
    "Reviewer",
    "Score",
    "StageRun",
    "fingerprint",
]
