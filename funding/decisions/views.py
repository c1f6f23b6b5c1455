from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.applications.models import Application
from funding.decisions.services import outcome_of
from park_portal.core.views import Crumb, DetailPage


class OutcomePage(DetailPage):
    """What the applicant is told: the verdict, the letter, the comments meant for them, and what comes next."""

    model = Application
    permission = "funding.view_application_page"
    template_name = "funding/decisions/outcome.html"
    title = gettext_lazy("Outcome")

    def rows(self) -> Any:
        return super().rows().select_related("call__fund", "organisation", "project")

    def prepare(self) -> None:
        super().prepare()
        self.outcome = outcome_of(self.object)
        if self.outcome is None:
            raise Http404

    def get_title(self) -> str:
        return _("Outcome of %(number)s") % {"number": self.object.number}

    def get_crumbs(self) -> list[Crumb]:
        return [
            Crumb(_("My applications"), reverse("applications:list")),
            Crumb(str(self.object), self.object.get_absolute_url()),
            Crumb(_("Outcome")),
        ]

    def get_context(self, **context: Any) -> dict[str, Any]:
        return super().get_context(outcome=self.outcome, award=getattr(self.object, "award", None), **context)
