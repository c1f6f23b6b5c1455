"""What is kept of deals: mandates, the flow of deals, rounds, and what funds hold."""

from funding.deals.models.flow import Deal, DealMove, DiligenceItem, Handover
from funding.deals.models.holdings import Distribution, RunwayFigure, Valuation
from funding.deals.models.mandate import Mandate
from funding.deals.models.rounds import Conversion, Investment, Round

__all__ = [
    "Conversion",
    "Deal",
    "DealMove",
    "DiligenceItem",
    "Distribution",
    "Handover",
    "Investment",
    "Mandate",
    "Round",
    "RunwayFigure",
    "Valuation",
]
