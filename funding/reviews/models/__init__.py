"""The tables of reviews: the pool, the stages of applications, reviews and their marks, conflicts, objections."""

from funding.reviews.models.conflicts import Conflict
from funding.reviews.models.notice import Objection
from funding.reviews.models.pool import Reviewer
from funding.reviews.models.reviews import Review, Score
from funding.reviews.models.runs import StageRun

__all__ = ["Conflict", "Objection", "Review", "Reviewer", "Score", "StageRun"]
