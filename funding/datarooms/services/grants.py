"""Granting, to whom and for how long; revoking, at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from django.db import models, transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from funding.datarooms.models import DataRoomGrant, DataRoomInvestor, DataRoomItem
from funding.datarooms.services.telling import tell_expiring, tell_granted, tell_revoked
from funding.datarooms.states import MOST_DAYS, WARNED_DAYS, Level
from incubator.organisations.models import Organisation
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import Actor, System, entry_of, record_all
from park_portal.core.calendar.working_days import SHANGHAI
from park_portal.core.errors import DomainError
from park_portal.core.workflow import require


def end_of(day: date) -> datetime:
    """Return the moment at which a grant until ``day`` ends: when that day is over in Shanghai."""
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)


def grant_items(
    organisation: Organisation,
    *,
    actor: User,
    items: Sequence[DataRoomItem],
    investors: Sequence[DataRoomInvestor],
    level: str = Level.VIEW,
    until: date,
    unmarked: bool = False,
) -> list[DataRoomGrant]:
    """Let each of ``investors`` see (or download) each of ``items`` to the end of the day ``until``; return the grants.

    What somebody holds of an item already ends, and this takes its place. ``unmarked`` says that the company agrees to
    hand out, as they are, files that cannot carry a watermark. Raises ``DomainError`` without it, and for those files at
    the level of viewing.
    """
    require(actor, "funding.share_data_room", organisation)
    if not items or not investors:
        raise DomainError(
            _("Choose what to share, and with whom."),
            code="nothing_chosen",
            field="investors" if items else "items",
        )
    rooms = {*(one.organisation_id for one in items), *(one.organisation_id for one in investors)}
    if rooms != {organisation.pk}:
        raise LookupError("of another room")
    if level not in Level.values:
        raise DomainError(_("There is no such access."), code="level", field="level")
    now, ends_at = timezone.now(), end_of(until)
    if ends_at <= now:
        raise DomainError(_("This day is over."), code="over", field="until")
    if ends_at > now + timedelta(days=MOST_DAYS + 1):
        raise DomainError(
            format_lazy(_("Access is given for at most {days} days, and can be given anew."), days=MOST_DAYS),
            code="too_long",
            field="until",
        )
    with transaction.atomic():
        # In one order, so that two who share at once wait for each other and do not block each other.
        held = {
            one.pk: one
            for one in DataRoomItem.objects.select_for_update(of=("self",))
            .filter(pk__in=[one.pk for one in items], removed_at__isnull=True)
            .order_by("pk")
        }
        people = {
            one.pk: one
            for one in DataRoomInvestor.objects.select_for_update(of=("self",))
            .select_related("organisation", "user")
            .filter(pk__in=[one.pk for one in investors], removed_at__isnull=True)
            .order_by("pk")
        }
        if len(held) != len({one.pk for one in items}) or len(people) != len({one.pk for one in investors}):
            raise DomainError(
                _("Something of this has just been taken out of the room. Look again."), code="gone"
            )
        _check_marks(list(held.values()), level=level, unmarked=unmarked)
        replaced = DataRoomGrant.objects.filter(
            item__in=held, investor__in=people, revoked_at__isnull=True, ends_at__gt=now
        )
        _end(list(replaced.select_for_update(of=("self",)).order_by("pk")), actor=actor, at=now)
        made = DataRoomGrant.objects.bulk_create(
            DataRoomGrant(
                item=item,
                investor=investor,
                level=level if item.is_document else Level.VIEW,
                unmarked=item.is_document and not item.is_shown,
                starts_at=now,
                ends_at=ends_at,
                granted_by=actor,
            )
            for investor in people.values()
            for item in held.values()
        )
        record_all(
            entry_of(
                "data_room.grant",
                grant,
                actor=actor,
                after={
                    "item": grant.item_id,
                    "investor": grant.investor_id,
                    "level": grant.level,
                    "until": ends_at,
                },
            )
            for grant in made
        )
        for investor in people.values():
            tell_granted(investor, [grant for grant in made if grant.investor_id == investor.pk])
    return made


def _check_marks(items: Sequence[DataRoomItem], *, level: str, unmarked: bool) -> None:
    bare = [item.title for item in items if not item.is_shown]
    if not bare:
        return
    named = "”, “".join(bare[:5])
    if level == Level.VIEW:
        raise DomainError(
            format_lazy(
                _(
                    "“{names}” cannot be shown on a page: only PDFs and pictures can. Save it as a PDF, or let it be "
                    "downloaded."
                ),
                names=named,
            ),
            code="cannot_be_shown",
            field="level",
        )
    if not unmarked:
        raise DomainError(
            format_lazy(
                _("“{names}” leaves without a watermark. Confirm that, or save it as a PDF."), names=named
            ),
            code="unmarked",
            field="unmarked",
        )


def revoke_grant(grant: DataRoomGrant, *, actor: User) -> DataRoomGrant:
    """End a grant now: the next request finds nothing. A second revocation changes nothing."""
    require(actor, "funding.share_data_room", grant.item.organisation)
    with transaction.atomic():
        revoke_grants(DataRoomGrant.objects.filter(pk=grant.pk), actor=actor)
    grant.refresh_from_db()
    return grant


def revoke_grants(grants: models.QuerySet[DataRoomGrant], *, actor: Actor) -> int:
    """End those of ``grants`` that have not ended yet and tell their investors; the caller has checked that actor may."""
    now = timezone.now()
    rows = list(
        grants.filter(revoked_at__isnull=True, ends_at__gt=now)
        .select_for_update(of=("self",))
        .select_related("investor__organisation", "investor__user")
        .order_by("pk")
    )
    _end(rows, actor=actor, at=now)
    by_investor: dict[int, list[DataRoomGrant]] = defaultdict(list)
    for grant in rows:
        by_investor[grant.investor_id].append(grant)
    for ended in by_investor.values():
        tell_revoked(ended[0].investor, ended)
    return len(rows)


def _end(grants: list[DataRoomGrant], *, actor: Actor, at: datetime) -> None:
    who = None if isinstance(actor, System) else actor
    DataRoomGrant.objects.filter(pk__in=[grant.pk for grant in grants]).update(revoked_at=at, revoked_by=who)
    record_all(
        entry_of("data_room.revoke", grant, actor=actor, after={"investor": grant.investor_id})
        for grant in grants
    )


def warn_of_ends() -> int:
    """Tell investors whose access ends within ``WARNED_DAYS`` days; once for what ends first. Returns how many."""
    now = timezone.now()
    rows = (
        DataRoomGrant.objects.live(now)
        .filter(ends_at__lte=now + timedelta(days=WARNED_DAYS), investor__user__isnull=False)
        # Who was given a few days has just been told until when.
        .filter(starts_at__lt=models.F("ends_at") - timedelta(days=WARNED_DAYS + 1))
        .select_related("investor__organisation", "investor__user")
    )
    by_investor: dict[int, list[DataRoomGrant]] = defaultdict(list)
    for grant in rows:
        by_investor[grant.investor_id].append(grant)
    for ending in by_investor.values():
        with transaction.atomic():
            tell_expiring(ending[0].investor, ending)
    return len(by_investor)
