"""Whom a company lets into its room: invited by mail, or at their own request."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.datarooms.models import DataRoomGrant, DataRoomInvestor, DataRoomRequest
from funding.datarooms.services.grants import revoke_grants
from funding.datarooms.services.telling import shared_url, tell_accepted, tell_requested
from funding.datarooms.states import MOST_INVESTORS, MOST_REQUESTS, RequestState
from incubator.organisations.merging import merges
from incubator.organisations.models import Organisation, validate_code
from incubator.organisations.names import normalise_code
from park_portal.core.accounts.models import Invitation, User
from park_portal.core.accounts.services import accepts, invite, resend_invitation, revoke_invitation
from park_portal.core.audit.services import SYSTEM, Actor, record
from park_portal.core.errors import DomainError
from park_portal.core.workflow import advance, require

INVITATION: Final = "data_room"


def invite_investor(
    organisation: Organisation,
    *,
    actor: User,
    email: str,
    name: str,
    firm: str = "",
    language: str = "zh-hans",
) -> DataRoomInvestor:
    """Put an investor on the list and invite them by mail; what is shared with them waits until they accept."""
    require(actor, "funding.share_data_room", organisation)
    email = email.strip().lower()
    if organisation.memberships.filter(user__email__iexact=email).exists():
        raise DomainError(_("This person is already a member."), code="already_member", field="email")
    with transaction.atomic():
        investor = _add(
            organisation, email=email, name=name.strip(), firm=firm.strip(), user=None, actor=actor
        )
        invite(email, INVITATION, actor=actor, target=investor, name=investor.name, language=language)
    return investor


def _add(
    organisation: Organisation, *, email: str, name: str, firm: str, user: User | None, actor: User
) -> DataRoomInvestor:
    here = DataRoomInvestor.objects.filter(organisation=organisation, removed_at__isnull=True)
    if here.count() >= MOST_INVESTORS:
        raise DomainError(
            format_lazy(
                _("At most {number} investors are possible. Remove one first."), number=MOST_INVESTORS
            ),
            code="investors_full",
        )
    try:
        with transaction.atomic():
            investor = DataRoomInvestor.objects.create(
                organisation=organisation, email=email, name=name, firm=firm, user=user, invited_by=actor
            )
    except IntegrityError as error:
        raise DomainError(
            _("This investor is already on the list."), code="already_investor", field="email"
        ) from error
    record("data_room.invite", investor, actor=actor, after={"investor": investor.pk})
    return investor


def invitation_of(investor: DataRoomInvestor) -> Invitation | None:
    """Return the invitation that was neither accepted nor revoked; its time may have run out."""
    rows = Invitation.objects.for_target(INVITATION, investor.pk)
    return rows.filter(accepted_at__isnull=True, revoked_at__isnull=True).first()


def invite_again(investor: DataRoomInvestor, *, actor: User) -> DataRoomInvestor:
    """Send the invitation again with a new link; the old one dies."""
    require(actor, "funding.share_data_room", investor.organisation)
    invitation = invitation_of(investor)
    if investor.user_id is not None or investor.removed_at is not None or invitation is None:
        raise DomainError(_("This invitation is no longer open."), code="invitation_closed")
    resend_invitation(invitation, actor=actor)
    return investor


def remove_investor(investor: DataRoomInvestor, *, actor: User) -> DataRoomInvestor:
    """Take an investor off the list: all their access ends at once, an open invitation is worthless."""
    require(actor, "funding.share_data_room", investor.organisation)
    with transaction.atomic():
        stored = (
            DataRoomInvestor.objects.select_for_update(of=("self",))
            .select_related("organisation", "user")
            .get(pk=investor.pk)
        )
        if stored.removed_at is None:
            _remove(stored, actor=actor)
    return stored


def _remove(investor: DataRoomInvestor, *, actor: Actor) -> None:
    revoke_grants(DataRoomGrant.objects.filter(investor=investor), actor=actor)
    invitation = invitation_of(investor)
    if invitation is not None:
        revoke_invitation(invitation, actor=actor)
    investor.removed_at = timezone.now()
    investor.save(update_fields=["removed_at"])
    record("data_room.uninvite", investor, actor=actor, after={"investor": investor.pk})


@accepts(
    INVITATION,
    label=_("a data room"),
    role_label=lambda role: pgettext_lazy("data room", "investor"),
)
def _accept(invitation: Invitation, user: User) -> str:
    investor = (
        DataRoomInvestor.objects.select_for_update(of=("self",))
        .select_related("organisation")
        .get(pk=invitation.target_id or 0)
    )
    if investor.removed_at is not None or investor.email != user.email.lower():
        raise DomainError(_("This invitation is no longer valid. Ask for a new one."), code="invitation_gone")
    if investor.user_id is None:
        here = DataRoomInvestor.objects.filter(
            organisation=investor.organisation_id, user=user, removed_at__isnull=True
        )
        if here.exists():
            raise DomainError(
                _("You are already among the investors of this company."), code="already_investor"
            )
        investor.user = user
        investor.save(update_fields=["user"])
        record("data_room.join", investor, actor=user, after={"investor": investor.pk})
    return shared_url(investor.organisation_id)


@merges("funding.DataRoomInvestor", "organisation")
def _move_investors(loser: Organisation, survivor: Organisation) -> int:
    """Move the investors of a room; who is in both keeps the place in the one that stays, and is granted things anew."""
    there = DataRoomInvestor.objects.filter(organisation=survivor, removed_at__isnull=True)
    emails, people = set(), set()
    for one in there:
        emails.add(one.email.lower())
        people.add(one.user_id)
    moved = 0
    for one in DataRoomInvestor.objects.select_for_update(of=("self",)).filter(organisation=loser):
        twice = one.email.lower() in emails or (one.user_id is not None and one.user_id in people)
        if one.removed_at is None and twice:
            _remove(one, actor=SYSTEM)
        one.organisation = survivor
        one.save(update_fields=["organisation"])
        moved += 1
    return moved


# --- requests ----------------------------------------------------------------------------------------------------


def ask_for_room(*, actor: User, uscc: str, firm: str, message: str = "") -> DataRoomRequest:
    """Ask a company, named by its credit code, to be let into its data room; return the request.

    Whoever asks learns nothing: not whether the company is on the portal, has a room, or has read the request. Asked
    twice is asked once.
    """
    require(actor, "funding.ask_for_data_room")
    code = normalise_code(uscc) or ""
    try:
        validate_code(code)
    except ValidationError as error:
        raise DomainError(error.messages[0], code="uscc", field="uscc") from error
    with transaction.atomic():
        User.objects.select_for_update().get(pk=actor.pk)  # two clicks at once
        own = DataRoomRequest.objects.filter(person=actor)
        earlier = own.filter(uscc=code).exclude(state=RequestState.ACCEPTED).first()
        if earlier is not None:
            return earlier
        if own.filter(created_at__gt=timezone.now() - timedelta(days=1)).count() >= MOST_REQUESTS:
            raise DomainError(
                _("You have sent many requests today. Go on tomorrow."), code="too_many_requests"
            )
        company = Organisation.objects.in_use().filter(uscc=code).first()
        asked = DataRoomRequest.objects.create(
            person=actor, uscc=code, organisation=company, firm=firm.strip(), message=message.strip()
        )
        record("data_room.ask", asked, actor=actor)
        if company is not None:
            tell_requested(asked)
    return asked


def open_requests(organisation: Organisation) -> models.QuerySet[DataRoomRequest]:
    """Return the requests that wait for an answer of the company."""
    return DataRoomRequest.objects.filter(
        organisation=organisation, state=RequestState.PENDING
    ).select_related("person")


def accept_request(asked: DataRoomRequest, *, actor: User) -> DataRoomRequest:
    """Let the person in: they are on the list of investors, and see nothing until something is granted."""
    with transaction.atomic():
        asked = advance(
            asked, "accept", actor=actor, changes={"answered_at": timezone.now(), "answered_by": actor}
        )
        company = asked.organisation
        assert company is not None
        known = DataRoomInvestor.objects.filter(
            organisation=company, removed_at__isnull=True, email__iexact=asked.person.email
        ).first()
        if known is not None and known.user_id is None:
            invitation = invitation_of(known)
            if invitation is not None:
                revoke_invitation(invitation, actor=actor)
            known.user = asked.person
            known.save(update_fields=["user"])
        if known is None:
            _add(
                company,
                email=asked.person.email.lower(),
                name=asked.person.name,
                firm=asked.firm,
                user=asked.person,
                actor=actor,
            )
        tell_accepted(asked)
    return asked


def decline_request(asked: DataRoomRequest, *, actor: User) -> DataRoomRequest:
    """Put a request aside. Who asked is not told: an answer would say that the company is here."""
    return advance(
        asked, "decline", actor=actor, changes={"answered_at": timezone.now(), "answered_by": actor}
    )
