"""A reviewer's own record, with what each figure means and how to object."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.reviews.models import Reviewer
from funding.reviews.pages import lines_of_record, severity_in_words
from funding.reviews.services import records_of
from funding.reviews.views.menu import REVIEWS
from park_portal.core.policies.services import policy
from park_portal.core.views import Crumb, PortalMixin, visible_or_404


class RecordPage(PortalMixin):
    """What staff see of one's own reviews in figures: nobody else sees it, and applicants never."""

    title = gettext_lazy("My record")
    nav = REVIEWS

    def prepare(self) -> None:
        visible_or_404(Reviewer.objects.all(), user_id=self.request.user.pk)

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("My reviews"), reverse("reviews:list")), Crumb(self.title)

    def get(self, request: HttpRequest) -> HttpResponse:
        record = records_of([request.user]).popitem()[1]
        return self.render(
            "funding/reviews/record.html",
            record=record,
            lines=lines_of_record(record),
            severity=severity_in_words(record.severity),
            years=policy("review.record_years"),
        )
