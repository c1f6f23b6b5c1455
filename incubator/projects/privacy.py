"""What is held about those who lead and work in a research project."""

from __future__ import annotations

from django.db import models

from park_portal.core.personal import Basis, Keep, Law, Marks, Purpose, holds


def _on_a_team(marks: Marks) -> models.Q:
    return models.Q(email__in=marks.emails)


holds(
    "incubator.ResearchProject",
    people=("pi_user",),
    purpose=Purpose.PARK,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="pi_user created_by",
    kept={Law.ARCHIVES: "principal_investigator"},
    plain="id code title title_zh_hans title_en summary summary_zh_hans summary_en keywords_zh keywords_en trl university "
    "faculty institution_text source programme grant_number approval_year discipline subject_codes subject_names "
    "amount_fen starts_on ends_on state created_at updated_at",
    since="created_at",
)
holds(
    "incubator.ProjectMember",
    people=("user",),
    purpose=Purpose.PARK,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user project name email role can_edit created_at",
    plain="id",
    sensitive="email",
    since="created_at",
    by_marks=_on_a_team,
)
