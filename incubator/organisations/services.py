"""Organisations and their people: every write."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib.postgres.search import TrigramSimilarity
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incubator.organisations.merging import merges, move_rows
from incubator.organisations.models import Faculty, Liaison, LiaisonClaim, Membership, Organisation
from incubator.organisations.names import normalise_code, normalise_name
from incubator.organisations.states import OrganisationState, Role
from park_portal.core.accounts.models import Invitation, User
from park_portal.core.accounts.services import accepts, end_sessions, invite, revoke_invitation
from park_portal.core.accounts.states import StaffRole
from park_portal.core.accounts.university import follows_claims
from park_portal.core.audit.services import changes_of, record
from park_portal.core.errors import DomainError, Problem
from park_portal.core.imports.resource import snapshot
from park_portal.core.outbox.services import notify
from park_portal.core.relations import pointing_to
from park_portal.core.text import both
from park_portal.core.workflow import SYSTEM, Actor, advance, require

if TYPE_CHECKING:
    from collections.abc import Iterable

# Two names this alike (share of common three-character pieces) are shown to people as perhaps the same.
ALIKE: Final = 0.45
INVITATION: Final = "organisation_member"
# Whoever does not sign in with the university for so long is no longer known to belong there.
CLAIM_LASTS: Final = datetime.timedelta(days=90)
CLAIM_FIELDS: Final = ("value", "organisation", "faculty", "starts_on", "ends_on")

FIELDS: Final = (
    "name_zh_hans",
    "name_en",
    "uscc",
    "kind",
    "technology_field",
    "founded_on",
    "registered_address",
    "district",
    "website",
    "summary_zh_hans",
    "summary_en",
    "contact_name",
    "contact_phone",
    "contact_email",
)
_STRENGTH: Final = {Role.OWNER: 3, Role.EDITOR: 2, Role.VIEWER: 1}


# --- near duplicates -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """A stored organisation that may be the one meant, and how alike the names are (1 is the same)."""

    organisation: Organisation
    likeness: float
    same_code: bool = False

    @property
    def percent(self) -> int:
        return round(self.likeness * 100)


def near_duplicates(
    *, name: str = "", name_en: str = "", uscc: str | None = None, exclude: int | None = None, limit: int = 5
) -> list[Candidate]:
    """Returns the organisations with the same code or a name at least `ALIKE`, the likeliest first.

    Place, legal form, width and case do not count. Merged records are left out: their survivor is found instead.
    """
    code = normalise_code(uscc)
    stored = Organisation.objects.exclude(state=OrganisationState.MERGED)
    if exclude is not None:
        stored = stored.exclude(pk=exclude)
    found: dict[int, Candidate] = {}
    if code:
        found = {one.pk: Candidate(one, 1.0, same_code=True) for one in stored.filter(uscc=code)}
    zh, en = normalise_name(name), normalise_name(name_en)
    likeness: list[Any] = []
    alike = models.Q(pk__in=[])
    for wanted in filter(None, {zh, en}):
        for column in ("normalised_name", "normalised_name_en"):
            likeness.append(TrigramSimilarity(column, wanted))
            alike |= models.Q(**{f"{column}__trigram_similar": wanted})
    if likeness:
        score = Greatest(*likeness) if len(likeness) > 1 else likeness[0]
        ranked = stored.filter(alike).annotate(likeness=score).filter(likeness__gte=ALIKE)
        for one in ranked.order_by("-likeness", "pk")[: limit + len(found)]:
            # Two different codes are two legal bodies, however alike their names are.
            if one.pk not in found and not (code and one.uscc and one.uscc != code and one.likeness < 1):
                found[one.pk] = Candidate(one, float(one.likeness))
    return list(found.values())[:limit]


def pairs_alike(*, limit: int = 50) -> list[tuple[Organisation, Organisation, float]]:
    """Returns the pairs of organisations whose names are alike and whose codes do not differ, likeliest first."""
    sql = """
        SELECT a.id, b.id, similarity(a.normalised_name, b.normalised_name) AS likeness
        FROM incubator_organisation a
        JOIN incubator_organisation b ON a.normalised_name %% b.normalised_name AND a.id < b.id
        WHERE a.state <> 'merged' AND b.state <> 'merged'
          AND (a.uscc IS NULL OR b.uscc IS NULL OR a.uscc = b.uscc)
          AND similarity(a.normalised_name, b.normalised_name) >= %s
        ORDER BY likeness DESC, a.id, b.id LIMIT %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [ALIKE, limit])
        rows = cursor.fetchall()
    held = Organisation.objects.in_bulk({pk for row in rows for pk in row[:2]})
    return [(held[a], held[b], float(likeness)) for a, b, likeness in rows]


# --- organisations -------------------------------------------------------------------------------------------------


def clean_or_refuse(instance: models.Model, exclude: Iterable[str] = ()) -> None:
    """Raises DomainError naming each field that does not pass the model's own checks."""
    try:
        instance.full_clean(exclude=set(exclude))
    except ValidationError as error:
        problems = [
            Problem(message, None if name == NON_FIELD_ERRORS else name)
            for name, messages in error.message_dict.items()
            for message in messages
        ]
        raise DomainError(
            problems[0].message, code="invalid", field=problems[0].field, problems=problems
        ) from error


def set_fields(instance: models.Model, values: Mapping[str, Any], allowed: Iterable[str]) -> None:
    unknown = values.keys() - set(allowed)
    if unknown:
        raise TypeError(f"not fields of {instance._meta.label}: {sorted(unknown)}")
    for name, value in values.items():
        setattr(instance, name, value)


def _code_taken() -> DomainError:
    return DomainError(
        _("An organisation with this Unified Social Credit Code is already registered."),
        code="uscc_taken",
        field="uscc",
    )


def create_organisation(*, actor: User, **values: Any) -> Organisation:
    """Registers an organisation and returns it; whoever is not park staff becomes its first owner.

    Takes the fields in `FIELDS`. Raises DomainError for invalid values and for a code already registered.
    """
    require(actor, "incubator.create_organisation")
    organisation = Organisation(created_by=actor)
    set_fields(organisation, values, FIELDS)
    organisation.uscc = normalise_code(organisation.uscc)
    clean_or_refuse(organisation)
    return _insert(organisation, actor=actor)


def _insert(organisation: Organisation, *, actor: User) -> Organisation:
    try:
        with transaction.atomic():
            organisation.save(force_insert=True)
            after = {name: getattr(organisation, name) for name in FIELDS if getattr(organisation, name)}
            record("organisation.create", organisation, actor=actor, after=after)
            if not actor.is_staff:
                Membership.objects.create(organisation=organisation, user=actor, role=Role.OWNER)
    except IntegrityError as error:
        if "organisation_uscc_once" in str(error):
            raise _code_taken() from error
        raise
    return organisation


def update_organisation(organisation: Organisation, *, actor: Actor, **values: Any) -> Organisation:
    """Changes fields in `FIELDS` and returns the organisation; nothing is written where nothing differs."""
    require(actor, "incubator.edit_organisation", organisation)
    try:
        with transaction.atomic():
            stored = Organisation.objects.select_for_update(of=("self",)).get(pk=organisation.pk)
            if "uscc" in values:
                values["uscc"] = normalise_code(values["uscc"])
            before, after = changes_of(stored, values)
            if not after:
                return stored
            set_fields(stored, values, FIELDS)
            clean_or_refuse(stored)
            stored.save()
            record("organisation.update", stored, actor=actor, before=before, after=after)
    except IntegrityError as error:
        if "organisation_uscc_once" in str(error):
            raise _code_taken() from error
        raise
    return stored


def keep_imported_organisation(
    organisation: Organisation, *, is_create: bool, actor: User, before: Mapping[str, Any]
) -> Organisation:
    """Stores an organisation that an import has filled and checked."""
    require(actor, "incubator.import_organisations")
    if is_create:
        organisation.created_by = actor
        return _insert(organisation, actor=actor)
    organisation.save()
    after = {
        name: value
        for name, value in snapshot(organisation, set(FIELDS)).items()
        if before.get(name) != value
    }
    changed = {name: before.get(name) for name in after}
    record("organisation.update", organisation, actor=actor, before=changed, after=after, by="import")
    return organisation


def request_to_join(organisation: Organisation, *, actor: User, message: str = "") -> None:
    """Asks the owners (or, without any, the programme officers) to let the actor in; once a day at most."""
    require(actor, "incubator.join_organisation", organisation)
    with transaction.atomic():
        owners = User.objects.filter(
            is_active=True, memberships__organisation=organisation, memberships__role=Role.OWNER
        )
        recipients = list(owners) or list(User.objects.with_role(StaffRole.OFFICER, StaffRole.LEAD))
        to_staff = not owners
        link = (
            reverse("admin:incubator_organisation_change", args=[organisation.pk])
            if to_staff
            else reverse("organisations:members", args=[organisation.pk])
        )
        record("organisation.join_request", organisation, actor=actor, message=message)
        notify(
            "organisation.join_request",
            recipients=recipients,
            key=f"{organisation.pk}:{actor.pk}:{timezone.localdate()}",
            link=link,
            context={
                "organisation": both(lambda: organisation),
                "person": actor.name,
                "email": actor.email,
                "message": message[:1000],
            },
        )


# --- members -------------------------------------------------------------------------------------------------------


def invite_member(
    organisation: Organisation,
    *,
    actor: User,
    email: str,
    role: str,
    name: str = "",
    language: str = "zh-hans",
) -> Invitation:
    """Invites a person by e-mail; an open invitation to the same address is replaced."""
    require(actor, "incubator.manage_organisation_members", organisation)
    _check_role(role)
    if organisation.memberships.filter(user__email__iexact=email).exists():
        raise DomainError(_("This person is already a member."), code="already_member", field="email")
    return invite(
        email, INVITATION, actor=actor, target=organisation, role=role, name=name, language=language
    )


def resend_invitation(organisation: Organisation, invitation: Invitation, *, actor: User) -> Invitation:
    """Sends the invitation again with a new link and a new term; the old link dies."""
    require(actor, "incubator.manage_organisation_members", organisation)
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        raise DomainError(_("This invitation is no longer open."), code="invitation_closed")
    return invite_member(
        organisation,
        actor=actor,
        email=invitation.email,
        role=invitation.role,
        name=invitation.name,
        language=invitation.language,
    )


def revoke_member_invitation(organisation: Organisation, invitation: Invitation, *, actor: User) -> None:
    """Makes an open invitation to the organisation worthless."""
    require(actor, "incubator.manage_organisation_members", organisation)
    revoke_invitation(invitation, actor=actor)


def invitations_of(organisation: Organisation) -> models.QuerySet[Invitation]:
    """Returns the invitations that were neither accepted nor revoked, also those whose time has run out."""
    return Invitation.objects.for_target(INVITATION, organisation.pk).filter(
        accepted_at__isnull=True, revoked_at__isnull=True
    )


@accepts(
    INVITATION,
    label=gettext_lazy("an organisation"),
    role_label=lambda role: Role(role).label if role else role,
)
def _accept_membership(invitation: Invitation, user: User) -> str:
    organisation = Organisation.objects.get(pk=invitation.target_id or 0).survivor
    membership, created = Membership.objects.get_or_create(
        organisation=organisation, user=user, defaults={"role": invitation.role}
    )
    if created:
        record("organisation.join", organisation, actor=user, after={"role": membership.role})
        owners = User.objects.filter(
            is_active=True, memberships__organisation=organisation, memberships__role=Role.OWNER
        ).exclude(pk=user.pk)
        notify(
            "organisation.member_joined",
            recipients=owners,
            key=str(membership.pk),
            link=reverse("organisations:members", args=[organisation.pk]),
            context={
                "organisation": both(lambda: organisation),
                "person": user.name,
                "role": both(lambda: str(membership.get_role_display())),
            },
        )
    return reverse("organisations:detail", args=[organisation.pk])


def change_member_role(membership: Membership, *, actor: User, role: str) -> Membership:
    """Gives a member another role; the last owner keeps it until there is another."""
    require(actor, "incubator.manage_organisation_members", membership.organisation)
    _check_role(role)
    with transaction.atomic():
        stored = _lock(membership)
        if stored.role == role:
            return stored
        if stored.role == Role.OWNER:
            _keep_an_owner(stored)
        before, stored.role = stored.role, role
        stored.save(update_fields=["role"])
        record(
            "organisation.change_role",
            stored.organisation,
            actor=actor,
            before={"role": before},
            after={"role": role},
            member=stored.user_id,
        )
        if stored.user_id != actor.pk:
            _tell_member(
                stored,
                actor,
                both(lambda: _("Your role is now: %(role)s.") % {"role": stored.get_role_display()}),
            )
    return stored


def remove_member(membership: Membership, *, actor: User) -> None:
    """Ends a membership; members may leave by themselves, only owners (and officers) remove others."""
    permission = (
        "incubator.leave_organisation"
        if membership.user_id == actor.pk
        else "incubator.manage_organisation_members"
    )
    require(actor, permission, membership.organisation)
    with transaction.atomic():
        stored = _lock(membership)
        if stored.role == Role.OWNER:
            _keep_an_owner(stored)
        record(
            "organisation.remove_member",
            stored.organisation,
            actor=actor,
            before={"role": stored.role},
            member=stored.user_id,
        )
        if stored.user_id != actor.pk:
            _tell_member(stored, actor, both(lambda: _("You are no longer a member.")), link="/")
        stored.delete()


def add_member(organisation: Organisation, *, actor: User, user: User, role: str) -> Membership:
    """Makes a person a member at once, without an invitation: for park staff."""
    require(actor, "incubator.close_organisation", organisation)
    _check_role(role)
    with transaction.atomic():
        membership, created = Membership.objects.get_or_create(
            organisation=organisation, user=user, defaults={"role": role}
        )
        if not created:
            raise DomainError(_("This person is already a member."), code="already_member", field="user")
        record("organisation.add_member", organisation, actor=actor, after={"role": role}, member=user.pk)
    return membership


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise DomainError(_("There is no such role."), code="unknown_role", field="role")


def _lock(membership: Membership) -> Membership:
    """Locks the organisation, then the membership: two owners leaving at once meet here one after the other."""
    Organisation.objects.select_for_update(of=("self",)).get(pk=membership.organisation_id)
    stored = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("organisation", "user")
        .filter(pk=membership.pk)
        .first()
    )
    if stored is None:
        raise DomainError(_("This person is no longer a member."), code="not_member")
    return stored


def _keep_an_owner(membership: Membership) -> None:
    others = membership.organisation.memberships.filter(role=Role.OWNER).exclude(pk=membership.pk)
    if not others.exists():
        raise DomainError(
            _("An organisation needs at least one owner. Make someone else owner first."), code="last_owner"
        )


def _tell_member(
    membership: Membership, actor: User, change: dict[str, str], link: str | None = None
) -> None:
    organisation = membership.organisation
    notify(
        "organisation.place_changed",
        recipients=[membership.user],
        key=f"{membership.pk}:{timezone.now().isoformat()}",
        link=link or reverse("organisations:detail", args=[organisation.pk]),
        context={"organisation": both(lambda: organisation), "person": actor.name, "change": change},
    )


# --- liaisons ------------------------------------------------------------------------------------------------------


def appoint_liaison(
    user: User, *, actor: User, organisation: Organisation, faculty: Faculty | None = None, **dates: Any
) -> Liaison:
    """Appoints a person liaison of a university or of one of its faculties; takes `starts_on` and `ends_on`."""
    require(actor, "incubator.appoint_liaison", organisation)
    liaison = Liaison(user=user, organisation=organisation, faculty=faculty, **dates)
    clean_or_refuse(liaison)
    with transaction.atomic():
        liaison.save()
        record(
            "liaison.appoint",
            liaison,
            actor=actor,
            after={
                "user": user.pk,
                "organisation": organisation.pk,
                "faculty": faculty.pk if faculty else None,
            },
        )
    return liaison


def update_liaison(liaison: Liaison, *, actor: User, **values: Any) -> Liaison:
    """Changes an appointment; when it is no longer in force there, the person's sessions end with it."""
    require(actor, "incubator.appoint_liaison", liaison.organisation)
    with transaction.atomic():
        liaison = Liaison.objects.select_for_update(of=("self",)).get(pk=liaison.pk)
        held = _held_by(liaison)
        before, after = changes_of(liaison, values)
        set_fields(liaison, values, ("user", "organisation", "faculty", "active", "starts_on", "ends_on"))
        clean_or_refuse(liaison)
        liaison.save()
        record("liaison.change", liaison, actor=actor, before=before, after=after)
        if held - _held_by(liaison):
            end_sessions(User.objects.get(pk=next(iter(held))[0]))
    return liaison


def remove_liaison(liaison: Liaison, *, actor: User) -> None:
    """Deletes an appointment that was made by mistake; the person's sessions end with it."""
    require(actor, "incubator.appoint_liaison", liaison.organisation)
    with transaction.atomic():
        record("liaison.delete", liaison, actor=actor, before=snapshot(liaison))
        liaison.delete()
        end_sessions(liaison.user)


def end_terms() -> int:
    """Closes the appointments whose last day is over and ends the sessions of their people; returns how many there were.

    What they may do ended with the day itself (``Liaison.objects.current``).
    """
    with transaction.atomic():
        over = list(
            Liaison.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("user", "organisation", "faculty")
            .filter(active=True, ends_on__lt=timezone.localdate())
            .order_by("pk")
        )
        for liaison in over:
            close_liaison(liaison, actor=SYSTEM, reason="term over")
    return len(over)


def close_liaison(liaison: Liaison, *, actor: Actor, reason: str) -> None:
    """Ends an appointment now; the caller has locked it and checked that ``actor`` may."""
    liaison.active = False
    liaison.save(update_fields=["active"])
    record(
        "liaison.end",
        liaison,
        actor=actor,
        before={"active": True},
        after={"active": False},
        reason=reason,
    )
    end_sessions(liaison.user)


@follows_claims
def grant_by_claims(user: User, values: frozenset[str]) -> None:
    """Makes ``user`` liaison where the university's claims say so, for as long as it goes on saying it.

    Each sign-in renews the term; what no claim stands for any more ends at once. An appointment that staff made stays as
    it is. Staff roles never come from a claim.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two sign-ins at once
        wanted = {claim.pk: claim for claim in LiaisonClaim.objects.current().filter(value__in=values)}
        today = timezone.localdate()
        held = Liaison.objects.select_for_update(of=("self",)).filter(user=user, active=True)
        places = {(one.organisation_id, one.faculty_id) for one in held}
        for liaison in held.filter(by_claim__isnull=False):
            claim = wanted.get(liaison.by_claim_id or 0)
            if claim is None or (claim.organisation_id, claim.faculty_id) != (
                liaison.organisation_id,
                liaison.faculty_id,
            ):
                close_liaison(liaison, actor=SYSTEM, reason="claim gone")
                places.discard((liaison.organisation_id, liaison.faculty_id))
            else:
                liaison.ends_on = _term(claim, today)
                liaison.save(update_fields=["ends_on"])
        for claim in wanted.values():
            place = (claim.organisation_id, claim.faculty_id)
            if place in places:
                continue
            places.add(place)
            liaison = Liaison.objects.create(
                user=user,
                organisation_id=place[0],
                faculty_id=place[1],
                starts_on=today,
                ends_on=_term(claim, today),
                by_claim=claim,
            )
            record(
                "liaison.appoint",
                liaison,
                actor=SYSTEM,
                after={"user": user.pk, "organisation": place[0], "faculty": place[1]},
                claim=claim.value,
            )


def _term(claim: LiaisonClaim, today: datetime.date) -> datetime.date:
    last = today + CLAIM_LASTS
    return min(last, claim.ends_on) if claim.ends_on else last


def create_claim(*, actor: User, **values: Any) -> LiaisonClaim:
    """Says from now on that a claim makes liaisons of a place; it does at each person's next sign-in."""
    require(actor, "incubator.appoint_liaison")
    claim = LiaisonClaim()
    set_fields(claim, values, CLAIM_FIELDS)
    clean_or_refuse(claim)
    with transaction.atomic():
        claim.save()
        record("liaisonclaim.create", claim, actor=actor, after=snapshot(claim))
    return claim


def update_claim(claim: LiaisonClaim, *, actor: User, **values: Any) -> LiaisonClaim:
    """Changes what a claim stands for; who is liaison by it is so again, or no more, at their next sign-in."""
    require(actor, "incubator.appoint_liaison", claim.organisation)
    with transaction.atomic():
        claim = LiaisonClaim.objects.select_for_update(of=("self",)).get(pk=claim.pk)
        before, after = changes_of(claim, values)
        set_fields(claim, values, CLAIM_FIELDS)
        clean_or_refuse(claim)
        claim.save()
        record("liaisonclaim.change", claim, actor=actor, before=before, after=after)
        if after:
            _close_all(claim, actor)
    return claim


def remove_claim(claim: LiaisonClaim, *, actor: User) -> None:
    """Takes a claim out of the table, and with it what it gave."""
    require(actor, "incubator.appoint_liaison", claim.organisation)
    with transaction.atomic():
        _close_all(claim, actor)
        record("liaisonclaim.delete", claim, actor=actor, before=snapshot(claim))
        claim.delete()


def _close_all(claim: LiaisonClaim, actor: Actor) -> None:
    for liaison in Liaison.objects.select_for_update(of=("self",)).filter(by_claim=claim, active=True):
        close_liaison(liaison, actor=actor, reason="claim changed")


def _held_by(liaison: Liaison) -> set[tuple[int, int, int | None]]:
    """Returns (person, university, faculty) while the appointment is in force today, else nothing."""
    if not Liaison.objects.current().filter(pk=liaison.pk).exists():
        return set()
    return {(liaison.user_id, liaison.organisation_id, liaison.faculty_id)}


# --- merging -------------------------------------------------------------------------------------------------------


def merge_organisations(
    loser: Organisation, *, actor: User, into: Organisation, values: Mapping[str, Any] | None = None
) -> Organisation:
    """Makes one record of two and returns the survivor.

    Members, projects and all other rows of `loser` move to `into`; `loser` stays as a pointer to it. `values` are the
    fields the survivor is to carry; without them it fills its gaps from the other. Raises DomainError where the codes
    differ (two legal bodies) or rows of both cannot live together.
    """
    if loser.pk == into.pk:
        raise DomainError(_("An organisation cannot be merged with itself."), code="merge_itself")
    require(actor, "incubator.merge_organisation", into)
    try:
        with transaction.atomic():
            locked = {
                one.pk: one
                for one in Organisation.objects.select_for_update(of=("self",))
                .filter(pk__in=[loser.pk, into.pk])
                .order_by("pk")
            }
            gone, survivor = locked[loser.pk], locked[into.pk]
            if survivor.state == OrganisationState.MERGED:
                raise DomainError(
                    _("The record to keep has itself been merged into another."), code="merge_merged"
                )
            if gone.uscc and survivor.uscc and gone.uscc != survivor.uscc:
                raise DomainError(
                    _("These are two legal bodies: their Unified Social Credit Codes differ."),
                    code="merge_codes",
                )
            chosen = {name: getattr(survivor, name) or getattr(gone, name) for name in FIELDS}
            chosen |= {name: value for name, value in (values or {}).items() if name in FIELDS}
            chosen["uscc"] = survivor.uscc or gone.uscc
            advance(
                gone, "merge", actor=actor, changes={"merged_into": survivor, "uscc": None}, into=survivor.pk
            )
            moved = move_rows(gone, survivor)
            # `merged_from` was moved too; the pointer of this record itself must stay what it is.
            before, after = changes_of(survivor, chosen)
            for name, value in chosen.items():
                setattr(survivor, name, value)
            clean_or_refuse(survivor)
            survivor.save()
            record(
                "organisation.merge_from",
                survivor,
                actor=actor,
                before=before,
                after=after,
                merged=gone.pk,
                moved=moved,
            )
    except IntegrityError as error:
        raise DomainError(
            _(
                "The two records cannot be merged: both have something that may exist only once. Resolve it first."
            ),
            code="merge_conflict",
        ) from error
    loser.refresh_from_db()
    into.refresh_from_db()
    return into


@merges("incubator.Membership", "organisation")
def _move_memberships(loser: Organisation, survivor: Organisation) -> int:
    held = {membership.user_id: membership for membership in survivor.memberships.select_for_update()}
    moved = 0
    for membership in loser.memberships.select_for_update():
        own = held.get(membership.user_id)
        if own is None:
            membership.organisation = survivor
            membership.save(update_fields=["organisation"])
        else:
            if _STRENGTH[Role(membership.role)] > _STRENGTH[Role(own.role)]:
                own.role = membership.role
                own.save(update_fields=["role"])
            membership.delete()
        moved += 1
    return moved


@merges("incubator.Faculty", "organisation")
def _move_faculties(loser: Organisation, survivor: Organisation) -> int:
    by_name = {faculty.name_zh_hans: faculty for faculty in survivor.faculties.all()}
    moved = 0
    for faculty in loser.faculties.all():
        same = by_name.get(faculty.name_zh_hans)
        if same is None:
            faculty.organisation = survivor
            faculty.save(update_fields=["organisation"])
        else:
            for model, key in pointing_to(Faculty):
                model._base_manager.filter(**{key.name: faculty}).update(**{key.name: same})
            faculty.delete()
        moved += 1
    return moved
