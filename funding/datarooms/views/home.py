"""What of data rooms stands on one's first page: who asks to be let in, and what is shared with oneself."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy

from funding.datarooms import services
from funding.datarooms.facts import fills_a_room, is_let_in
from funding.datarooms.models import DataRoomRequest
from funding.datarooms.states import RequestState
from incubator.organisations.states import Role
from park_portal.core.frame import Card, Task, home_card

SHOWN = 5


@home_card(order=62)
def requests_card(user: Any) -> Card | None:
    """Who asks the companies that one owns for access; nothing where nobody does."""
    if services.is_looked_over() or not fills_a_room(user):
        return None
    rows = DataRoomRequest.objects.filter(
        state=RequestState.PENDING,
        organisation__memberships__user=user,
        organisation__memberships__role=Role.OWNER,
    ).select_related("person", "organisation")
    tasks = [
        Task(
            f"{asked.person.name} · {asked.firm}",
            reverse("datarooms:room", args=[asked.organisation_id]),
            detail=str(asked.organisation),
        )
        for asked in rows[:SHOWN]
    ]
    return Card(title=gettext_lazy("Requests for your data room"), tasks=tasks) if tasks else None


@home_card(order=63)
def shared_card(user: Any) -> Card | None:
    """The companies that let one in."""
    if not is_let_in(user):
        return None
    tasks = [
        Task(str(company), reverse("datarooms:shared", args=[company.pk]), mine=False)
        for company in services.companies_for(user)[:SHOWN]
    ]
    return Card(
        title=gettext_lazy("Data rooms shared with you"),
        tasks=tasks,
        empty=gettext_lazy("Nothing is shared at the moment."),
        more_url=reverse("datarooms:index"),
    )
