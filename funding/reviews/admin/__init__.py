"""The staff's pages of review: the queue of stages, the opinion page, assignment, reviewers, conflicts, objections."""

from funding.reviews.admin.conflicts import ConflictAdmin
from funding.reviews.admin.notice import NoticeLineAdmin, ObjectionAdmin, PublicNoticeAdmin
from funding.reviews.admin.plans import AssignmentPlanAdmin
from funding.reviews.admin.pool import PublicationAdmin, ReviewerAdmin
from funding.reviews.admin.records import CalculationAdmin, PledgeAdmin
from funding.reviews.admin.reviews import ReviewAdmin
from funding.reviews.admin.stages import StageRunAdmin

__all__ = [
    "AssignmentPlanAdmin",
    "CalculationAdmin",
    "ConflictAdmin",
    "NoticeLineAdmin",
    "ObjectionAdmin",
    "PledgeAdmin",
    "PublicNoticeAdmin",
    "PublicationAdmin",
    "ReviewAdmin",
    "ReviewerAdmin",
    "StageRunAdmin",
]
