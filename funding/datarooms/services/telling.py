"""Who is told of what. Notices name the company and the person, never what is in the room: mails travel far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils import timezone

from funding.datarooms.models import DataRoomGrant, DataRoomInvestor, DataRoomRequest
from incubator.organisations.models import Organisation
from incubator.organisations.states import Role
from park_portal.core.accounts.models import User
from park_portal.core.outbox.services import notify
from park_portal.core.text import both


def owners_of(organisation: Organisation) -> models.QuerySet[User]:
    """Return who decides on the room, and is told."""
    return User.objects.filter(
        is_active=True, memberships__organisation=organisation, memberships__role=Role.OWNER
    )


def shared_url(organisation_id: int) -> str:
    return reverse("datarooms:shared", args=[organisation_id])


def _day(grants: Iterable[DataRoomGrant]) -> str:
    return str(min(grant.last_day for grant in grants))


def _tell(kind: str, investor: DataRoomInvestor, key: str, **context: Any) -> None:
    if investor.user is None or not investor.user.is_active:
        return
    notify(
        kind,
        recipients=[investor.user],
        key=key,
        link=shared_url(investor.organisation_id),
        context={"company": both(lambda: investor.organisation), **context},
    )


def tell_granted(investor: DataRoomInvestor, grants: list[DataRoomGrant]) -> None:
    """Tell an investor that something was shared, and until when; before an invitation is accepted nobody is told."""
    last = max(grant.pk for grant in grants)
    _tell("dataroom.granted", investor, f"{investor.pk}:{last}", until=_day(grants))


def tell_expiring(investor: DataRoomInvestor, grants: list[DataRoomGrant]) -> None:
    first = min(grants, key=lambda grant: (grant.ends_at, grant.pk))
    _tell("dataroom.expiring", investor, f"{investor.pk}:{first.pk}", until=_day(grants))


def tell_revoked(investor: DataRoomInvestor, grants: list[DataRoomGrant]) -> None:
    last = max(grant.pk for grant in grants)
    _tell("dataroom.revoked", investor, f"{investor.pk}:{last}")


def tell_opened(investor: DataRoomInvestor) -> None:
    """Tell the owners that an investor was in the room: once a day and investor."""
    notify(
        "dataroom.opened",
        recipients=owners_of(investor.organisation),
        key=f"{investor.pk}:{timezone.localdate()}",
        link=f"{reverse('datarooms:accesses')}?investor={investor.pk}",
        context={"company": both(lambda: investor.organisation), "person": investor.label},
    )


def tell_requested(asked: DataRoomRequest) -> None:
    company = asked.organisation
    assert company is not None
    notify(
        "dataroom.requested",
        recipients=owners_of(company),
        key=str(asked.pk),
        link=reverse("datarooms:room", args=[company.pk]),
        context={
            "company": both(lambda: company),
            "person": asked.person.name,
            "email": asked.person.email,
            "firm": asked.firm,
            "message": asked.message,
        },
    )


def tell_accepted(asked: DataRoomRequest) -> None:
    company = asked.organisation
    assert company is not None
    notify(
        "dataroom.request_accepted",
        recipients=[asked.person],
        key=str(asked.pk),
        link=reverse("datarooms:index"),
        context={"company": both(lambda: company)},
    )
