"""Staff's pages of deals, rounds and holdings."""

from funding.deals.admin.flow import DealAdmin, DiligenceItemAdmin, HandoverAdmin
from funding.deals.admin.mandate import MandateAdmin
from funding.deals.admin.portfolio import DistributionAdmin, RunwayFigureAdmin, ValuationAdmin
from funding.deals.admin.rounds import InvestmentAdmin, RoundAdmin

__all__ = [
    "DealAdmin",
    "DiligenceItemAdmin",
    "DistributionAdmin",
    "HandoverAdmin",
    "InvestmentAdmin",
    "MandateAdmin",
    "RoundAdmin",
    "RunwayFigureAdmin",
    "ValuationAdmin",
]
