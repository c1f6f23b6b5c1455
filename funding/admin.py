"""Contents page: the admin pages of every room of calls and funds."""

from funding.applications.admin import ApplicationAdmin
from funding.awards.admin import AwardAdmin
from funding.calls.admin import CallAdmin, QuestionAdmin
from funding.datarooms.admin import DataRoomGrantAdmin
from funding.deals.admin import (
    DealAdmin,
    DiligenceItemAdmin,
    DistributionAdmin,
    HandoverAdmin,
    InvestmentAdmin,
    MandateAdmin,
    RoundAdmin,
    RunwayFigureAdmin,
    ValuationAdmin,
)
from funding.decisions.admin import DecisionAdmin, LetterAdmin, LetterTemplateAdmin
from funding.funds.admin import FundAdmin
from funding.panels.admin import MeetingAdmin
from funding.payments.admin import BankStatementAdmin, DisbursementAdmin, PaymentBatchAdmin
from funding.reports.admin import ReportAdmin
from funding.reviews.admin import (
    AssignmentPlanAdmin,
    CalculationAdmin,
    ConflictAdmin,
    NoticeLineAdmin,
    ObjectionAdmin,
    PublicationAdmin,
    PublicNoticeAdmin,
    ReviewAdmin,
    ReviewerAdmin,
    StageRunAdmin,
)

__all__ = [
    "ApplicationAdmin",
    "AssignmentPlanAdmin",
    "AwardAdmin",
    "BankStatementAdmin",
    "CalculationAdmin",
    "CallAdmin",
    "ConflictAdmin",
    "DataRoomGrantAdmin",
    "DealAdmin",
    "DecisionAdmin",
    "DiligenceItemAdmin",
    "DisbursementAdmin",
    "DistributionAdmin",
    "FundAdmin",
    "HandoverAdmin",
    "InvestmentAdmin",
    "LetterAdmin",
    "LetterTemplateAdmin",
    "MandateAdmin",
    "MeetingAdmin",
    "NoticeLineAdmin",
    "ObjectionAdmin",
    "PaymentBatchAdmin",
    "PublicNoticeAdmin",
    "PublicationAdmin",
    "QuestionAdmin",
    "ReportAdmin",
    "ReviewAdmin",
    "ReviewerAdmin",
    "RoundAdmin",
    "RunwayFigureAdmin",
    "StageRunAdmin",
    "ValuationAdmin",
]
