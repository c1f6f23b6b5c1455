"""Awards: the grant, its agreement, its plan, and what has to be given back."""

from funding.awards.models.agreements import Agreement, AgreementTemplate, Amendment, Signature
from funding.awards.models.awards import Award
from funding.awards.models.clawbacks import Clawback
from funding.awards.models.plans import BudgetCategory, BudgetShift, Milestone, Tranche

__all__ = [
    "Agreement",
    "AgreementTemplate",
    "Amendment",
    "Award",
    "BudgetCategory",
    "BudgetShift",
    "Clawback",
    "Milestone",
    "Signature",
    "Tranche",
]
