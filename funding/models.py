"""Contents page: the tables of every room of calls and funds."""

from funding.applications.models import (
    Answer,
    AnswerFile,
    Application,
    Extension,
    Return,
    ReturnItem,
    Version,
)
from funding.awards.models import Award
from funding.calls.models import (
    Call,
    CallQuestion,
    CallText,
    Criterion,
    EligibilityRule,
    Question,
    Section,
    Stage,
)
from funding.decisions.models import Decision, Letter, LetterTemplate
from funding.funds.models import Fund
from funding.reviews.models import (
    Calculation,
    Conflict,
    Objection,
    Pledge,
    Publication,
    Review,
    Reviewer,
    Score,
    StageRun,
)

__all__ = [
    "Answer",
    "AnswerFile",
    "Application",
    "Award",
    "Calculation",
    "Call",
    "CallQuestion",
    "CallText",
    "Conflict",
    "Criterion",
    "Decision",
    "EligibilityRule",
    "Extension",
    "Fund",
    "Letter",
    "LetterTemplate",
    "Objection",
    "Pledge",
    "Publication",
    "Question",
    "Return",
    "ReturnItem",
    "Review",
    "Reviewer",
    "Score",
    "Section",
    "Stage",
    "StageRun",
    "Version",
]
