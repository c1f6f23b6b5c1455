"""What an application is found by, and who reads its documents."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.calls.services import title_of
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import readable
from park_portal.core.search.services import SearchText, searchable


@searchable(Application, label=_("Application"), related=("organisation", "project", "call"))
def text_of_application(application: Application) -> SearchText:
    applicant = application.organisation or application.project
    names = [application.title]
    body = list(title_of(application.call).values())
    codes = [application.number or ""]
    if application.organisation is not None:
        names += [application.organisation.name_zh_hans or "", application.organisation.name_en or ""]
        codes.append(application.organisation.uscc or "")
    elif application.project is not None:
        names.append(application.project.principal_investigator)
        body += [application.project.title_zh_hans or "", application.project.title_en or ""]
        codes.append(application.project.code)
    return SearchText(title=application.title or str(applicant), names=names, codes=codes, body=body)


@readable("funding.application")
def reads_application(user: Any, document: Document) -> bool:
    """Whoever sees the application reads its files and receipts: while it is a draft, its own people and staff.

    Reviewers read by their review (that room adds a reader of its own).
    """
    if not document.kind.startswith(("answer:", "receipt:")) or not document.subject_id.isdecimal():
        return False
    return Application.objects.visible_to(user).filter(pk=document.subject_id).exists()
