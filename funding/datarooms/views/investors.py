"""What is shared with oneself: the list, a company's page, a document page by page; and asking to be let in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy

from funding.datarooms import services
from funding.datarooms.forms import AskForm
from funding.datarooms.models import DataRoomRequest, rooms_of
from funding.datarooms.states import RequestState
from funding.datarooms.views.founders import here
from funding.datarooms.views.menu import ROOMS
from incubator.organisations.models import Organisation
from park_portal.core.errors import Text
from park_portal.core.views import ActPage, Crumb, PortalMixin, visible_or_404
from park_portal.core.workflow import may

# As often as the viewer's name stands on a page of fields; what does not fit is cut off.
MARKS = range(40)


class IndexPage(PortalMixin):
    """One's own rooms, what is shared with oneself, and whom one has asked. The same for everybody who has none."""

    nav = ROOMS
    title = gettext_lazy("Data rooms")
    template_name = "funding/datarooms/index.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        user = self.request.user
        rooms = [] if services.is_looked_over() else list(rooms_of(user))
        grants = list(services.granted_to(user))
        shared = []
        for company in services.companies_for(user):
            held = [one for one in grants if one.item.organisation_id == company.pk]
            until = min((one.last_day for one in held), default=None)
            shared.append({"company": company, "count": len(held), "until": until})
        return self.render(
            rooms=rooms,
            shared=shared,
            asked=[] if services.is_looked_over() else requests_shown(user),
            can_ask=may(user, "funding.ask_for_data_room"),
        )


def requests_shown(user: Any) -> list[dict[str, Any]]:
    """Return what one asked: sent, or accepted. One that was declined says no more than one that nobody has read."""
    return [
        {
            "uscc": asked.uscc,
            "firm": asked.firm,
            "at": asked.created_at,
            "is_accepted": asked.state == RequestState.ACCEPTED,
        }
        for asked in DataRoomRequest.objects.filter(person=user)[:50]
    ]


class SharedPage(PortalMixin):
    """What one company shares with this person at this moment."""

    nav = ROOMS
    template_name = "funding/datarooms/shared.html"
    organisation: Organisation

    def prepare(self) -> None:
        self.organisation = visible_or_404(
            services.companies_for(self.request.user), pk=self.kwargs["organisation"]
        )

    def get_title(self) -> Text:
        return str(self.organisation)

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(str(self.organisation))]

    def get(self, request: HttpRequest, organisation: int) -> HttpResponse:
        grants = services.shared_items(self.request.user, self.organisation)
        return self.render(
            organisation=self.organisation,
            facts=services.read_facts(grants),
            documents=[grant for grant in grants if grant.item.is_document],
            mark=services.mark_for(self.request.user).text,
            marks=MARKS,
        )


class ItemPage(PortalMixin):
    """One document, page by page: each page is a picture that is asked for by itself."""

    nav = ROOMS
    template_name = "funding/datarooms/item.html"

    def get_title(self) -> Text:
        return self.grant.item.title

    def get_crumbs(self) -> Sequence[Crumb]:
        company = self.grant.item.organisation
        return [
            here(),
            Crumb(str(company), reverse("datarooms:shared", args=[company.pk])),
            Crumb(self.grant.item.title),
        ]

    def get(self, request: HttpRequest, item: Any) -> HttpResponse:
        found = services.open_item(item, actor=self.request.user)
        if found is None:
            raise Http404
        self.grant = found
        return self.render(
            grant=self.grant,
            item=self.grant.item,
            pages=range(1, self.grant.item.pages + 1),
            mark=services.mark_for(self.request.user).text,
        )


def sealed(response: HttpResponse) -> HttpResponse:
    """Let no cache keep what leaves a room, and no browser run it."""
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    return response


class PagePicture(PortalMixin):
    """One page of a document, with the viewer's name across it."""

    def get(self, request: HttpRequest, item: Any, number: int) -> HttpResponse:
        picture = services.show_page(item, number, actor=self.request.user)
        if picture is None:
            raise Http404
        response = sealed(HttpResponse(picture, content_type="image/jpeg"))
        response["Content-Disposition"] = "inline"
        return response


class FileCopy(PortalMixin):
    """A copy to keep, with the viewer's name on every page."""

    def get(self, request: HttpRequest, item: Any) -> HttpResponse:
        file = services.download_item(item, actor=self.request.user)
        if file is None:
            raise Http404
        response = sealed(HttpResponse(file.content, content_type=file.mime))
        response["Content-Disposition"] = content_disposition_header(True, file.name) or "attachment"
        return response


class AskPage(ActPage):
    """Asks a company to be let into its room; what is answered is always the same."""

    permission = "funding.ask_for_data_room"
    nav = ROOMS
    title = gettext_lazy("Ask for access to a data room")
    explain = gettext_lazy(
        "Name the company by the code on its business licence. If it is on the portal, its owners get your request with "
        "your name and e-mail address; you hear from us when they let you in."
    )
    form_class = AskForm
    submit_label = gettext_lazy("Send the request")
    success = gettext_lazy("The request was sent. If the company lets you in, you are told.")

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(self.title)]

    def act(self, form: Any) -> None:
        services.ask_for_room(actor=self.request.user, **form.cleaned_data)

    def success_url(self) -> str:
        return reverse("datarooms:index")

    cancel_url = success_url
