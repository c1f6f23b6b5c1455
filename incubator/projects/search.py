from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from incubator.projects.models import ResearchProject
from park_portal.core.search.services import SearchText, searchable


@searchable(ResearchProject, label=_("Research projects"), related=["university", "faculty"])
def project_text(project: ResearchProject) -> SearchText:
    """Found by titles, investigator, numbers, keywords, institution and summary."""
    chinese, english = project.title_zh_hans or "", project.title_en or ""
    return SearchText(
        title={"zh-hans": chinese or english, "en": english or chinese},
        names=[name for name in (chinese, english, project.principal_investigator) if name],
        codes=[code for code in (project.code, project.grant_number) if code],
        body=[
            *project.keywords_zh,
            *project.keywords_en,
            *project.subject_names,
            project.discipline,
            project.programme,
            project.institution,
            project.summary_zh_hans or "",
            project.summary_en or "",
        ],
    )
