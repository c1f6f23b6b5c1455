"""What data rooms hold about investors, and about those who are named in them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from funding.datarooms.models import DataRoomAccess, DataRoomGrant, DataRoomInvestor
from funding.datarooms.services.grants import revoke_grants
from park_portal.core.audit.services import SYSTEM
from park_portal.core.personal import Basis, Keep, Purpose, Retention, goes, holds

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User
    from park_portal.core.personal import Marks


def _forget_investor(person: User, marks: Marks) -> None:
    """Leave a number in the place of an investor; their access ends."""
    rows = DataRoomInvestor.objects.filter(models.Q(user=person) | models.Q(email__in=marks.emails))
    revoke_grants(DataRoomGrant.objects.filter(investor__in=rows.values("pk")), actor=SYSTEM)
    rows.update(email=marks.address, name=marks.pseudonym, firm="")


holds(
    "funding.DataRoomItem",
    purpose=Purpose.PARK,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="created_by",
    scrubbed="title value",
    plain="id organisation kind folder document pages source as_of version created_at changed_at removed_at",
)
holds(
    "funding.DataRoomInvestor",
    people=("user",),
    purpose=Purpose.PARK,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    replaced="email name",
    emptied="firm",
    linked="user invited_by",
    plain="id organisation created_at removed_at",
    since="created_at",
    deed=_forget_investor,
)
holds(
    "funding.DataRoomGrant",
    people=("investor__user",),
    purpose=Purpose.PARK,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="investor granted_by revoked_by",
    plain="id item level unmarked starts_at ends_at revoked_at",
    since="starts_at",
    untold="item granted_by revoked_by",
)
holds(
    "funding.DataRoomAccess",
    people=("grant__investor__user",),
    purpose=Purpose.PROOF,
    basis=Basis.CONTRACT,
    keep="privacy.data_room_access_years",
    linked="grant",
    plain="id what at version page opening",
    since="at",
)
holds(
    "funding.DataRoomRequest",
    people=("person",),
    purpose=Purpose.PARK,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="person uscc organisation firm message state created_at answered_at answered_by",
    plain="id",
    since="created_at",
)


def _old_accesses(before: datetime) -> models.QuerySet[DataRoomAccess]:
    return DataRoomAccess.objects.filter(at__lt=before)


goes(
    Retention(
        name="data-room-accesses",
        label=_("Who was in which data room"),
        policy="privacy.data_room_access_years",
        explain=_("Longer ago than that: the note of who opened what, and when, is deleted."),
        rows=_old_accesses,
        since="at",
    )
)
