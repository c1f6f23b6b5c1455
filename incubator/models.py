"""Contents page: the tables of every room of the park."""

from incubator.organisations.models import Faculty, Liaison, LiaisonClaim, Membership, Organisation
from incubator.projects.models import ProjectMember, ResearchProject

__all__ = [
    "Faculty",
    "Liaison",
    "LiaisonClaim",
    "Membership",
    "Organisation",
    "ProjectMember",
    "ResearchProject",
]
