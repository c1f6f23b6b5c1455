"""Contents page: the admin pages of every room of calls and funds."""

from funding.awards.admin import AwardAdmin
from funding.calls.admin import CallAdmin, QuestionAdmin
from funding.decisions.admin import DecisionAdmin, LetterAdmin, LetterTemplateAdmin
from funding.funds.admin import FundAdmin

__all__ = ["AwardAdmin", "CallAdmin", "DecisionAdmin", "FundAdmin", "LetterAdmin", "LetterTemplateAdmin", "QuestionAdmin"]
