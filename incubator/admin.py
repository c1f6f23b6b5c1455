"""Contents page: the park's part of the admin."""

from incubator.organisations.admin import FacultyAdmin, LiaisonAdmin, OrganisationAdmin
from incubator.projects.admin import ResearchProjectAdmin

__all__ = ["FacultyAdmin", "LiaisonAdmin", "OrganisationAdmin", "ResearchProjectAdmin"]
