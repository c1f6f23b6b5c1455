"""The API of reviews: stages that wait, reviews, the pool, conflicts, calculations, public notices and objections."""

from funding.reviews.api.notice import NoticeResource, ObjectionResource
from funding.reviews.api.plans import AssignmentPlanResource
from funding.reviews.api.pool import ConflictResource, PublicationResource, ReviewerResource, TieResource
from funding.reviews.api.records import CalculationResource
from funding.reviews.api.reviews import ReviewResource
from funding.reviews.api.runs import RunResource

__all__ = [
    "AssignmentPlanResource",
    "CalculationResource",
    "ConflictResource",
    "NoticeResource",
    "ObjectionResource",
    "PublicationResource",
    "ReviewResource",
    "ReviewerResource",
    "RunResource",
    "TieResource",
]
