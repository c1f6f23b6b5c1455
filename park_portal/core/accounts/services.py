"""Accounts: roles, invitations, profile."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override, pgettext

from park_portal.core import context
from park_portal.core.accounts.models import Invitation, SavedView, User
from park_portal.core.accounts.notices import FACTOR_RESET
from park_portal.core.accounts.states import ROLE_RIGHTS, STANDS_ALONE, Language, StaffRole
from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import SYSTEM, Actor, changes_of, record
from park_portal.core.errors import DomainError, Forbidden, Text
from park_portal.core.outbox.services import absolute, notify, seal
from park_portal.core.workflow import require

INVITATION_LASTS: Final = timedelta(days=14)
# A session's last use is noted every ten minutes: for so many seconds it may be younger than its row says.
NOTED_LATE: Final = 3600
LONGEST_QUERY: Final = 2000


# --- roles ---------------------------------------------------------------------------------------------------------


def sync_roles() -> None:
    """Give each staff group exactly the model rights that ``ROLE_RIGHTS`` lists."""
    for role, rights in ROLE_RIGHTS.items():
        group, _created = Group.objects.get_or_create(name=role)
        group.permissions.set(_permissions(rights))


def _permissions(rights: dict[str, tuple[str, ...]]) -> list[Permission]:
    wanted = models.Q(pk__in=[])
    for label, verbs in rights.items():
        app, name = label.split(".")
        names = [m._meta.model_name for m in apps.get_app_config(app).get_models()] if name == "*" else [name]
        codenames = [f"{verb}_{model}" for verb in verbs for model in names]
        wanted |= models.Q(content_type__app_label=app, codename__in=codenames)
    return list(Permission.objects.filter(wanted))


def set_roles(user: User, *, actor: Actor, roles: Iterable[str]) -> User:
    """Give ``user`` exactly these staff roles; none makes an ordinary person of a staff member.

    Where one is taken, sessions end at once, so that nothing of it stays open on a screen.
    """
    require(actor, "core.manage_accounts", user)
    wanted = set(roles)
    if wanted - set(StaffRole.values):
        raise DomainError(_("There is no such role."), code="unknown_role")
    refuse_own_roles(user, actor)
    _refuse_combined(wanted)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        before = sorted(user.groups.filter(name__in=StaffRole.values).values_list("name", flat=True))
        user.groups.remove(*user.groups.filter(name__in=set(StaffRole.values) - wanted))
        user.groups.add(*Group.objects.filter(name__in=wanted))
        user.is_staff = bool(wanted) or user.is_superuser
        user.save(update_fields=["is_staff"])
        record("user.set_roles", user, actor=actor, before={"roles": before}, after={"roles": sorted(wanted)})
        _tell_leads(user, actor=actor, gained=wanted - set(before))
        if set(before) - wanted:
            end_sessions(user)
    user.__dict__.pop("roles", None)
    return user


def refuse_own_roles(user: User, actor: Any) -> None:
    """Raise ``DomainError`` when ``actor`` would change the roles of nobody else: a second pair of eyes gives rights."""
    if actor.pk == user.pk:
        raise DomainError(
            _("You cannot change your own staff roles. Ask another system administrator."),
            code="own_roles",
            field="roles",
        )


def _refuse_combined(roles: set[str], field: str = "roles") -> None:
    """Raise ``DomainError`` when the system administrator would hold another role beside."""
    if STANDS_ALONE in roles and len(roles) > 1:
        raise DomainError(
            _(
                "A system administrator holds no other staff role: who gives people their access "
                "neither decides nor audits."
            ),
            code="roles_combined",
            field=field,
        )


def _tell_leads(user: User, *, actor: Actor | None, gained: Iterable[str]) -> None:
    """Tell the staff leads, but neither who did it nor whom it is about, that someone has new staff roles."""
    gained = sorted(gained)
    if not gained:
        return
    labels = {}
    for code in Language.values:
        with override(code):
            labels[code] = pgettext("between items", ", ").join(str(StaffRole(role).label) for role in gained)
    involved = [user.pk, *([actor.pk] if isinstance(actor, User) else [])]
    leads = list(User.objects.with_role(StaffRole.LEAD).exclude(pk__in=involved))
    if leads:
        notify(
            "account.staff_role",
            recipients=leads,
            # Given again after it was taken, it is told again.
            key=f"{user.pk}:{uuid.uuid4().hex}",
            link=reverse("admin:core_user_change", args=[user.pk]),
            context={
                "person": user.name or user.email,
                "email": user.email,
                "roles": labels,
                "giver": (actor.name or actor.email) if isinstance(actor, User) else "—",
            },
        )


def refuse_own_account(user: User, actor: Any) -> None:
    """Raise ``DomainError`` when ``actor`` would switch themselves off."""
    if actor.pk == user.pk:
        raise DomainError(_("You cannot switch off your own account."), code="own_account")


def set_active(user: User, *, actor: Actor, active: bool, reason: str = "") -> User:
    """Switch a person on or off; switching off ends every session at once."""
    require(actor, "core.manage_accounts", user)
    refuse_own_account(user, actor)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        before, user.is_active = user.is_active, active
        user.save(update_fields=["is_active"])
        record(
            "user.set_active",
            user,
            actor=actor,
            before={"is_active": before},
            after={"is_active": active},
            reason=reason,
        )
        if not active:
            end_sessions(user)
    return user


def end_sessions(user: User, *, keep: str | None = None) -> int:
    """Delete every session of ``user``, but the one with the key ``keep``, and return how many there were."""
    keys = [
        session.session_key
        for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator()
        if session.session_key != keep and session.get_decoded().get("_auth_user_id") == str(user.pk)
    ]
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(user=user).exclude(session_key=keep or "").delete()
    return len(keys)


def end_session(user: User, *, actor: Actor, session: UserSession) -> None:
    """Sign ``user`` out on the one device that ``session`` is."""
    require(actor, "core.edit_profile", user)
    if session.user_id != user.pk:
        raise Forbidden
    with transaction.atomic():
        record(
            "user.end_session", user, actor=actor, before={"address": session.ip, "began": session.created_at}
        )
        Session.objects.filter(session_key=session.session_key).delete()
        session.delete()


def end_other_sessions(user: User, *, actor: Actor, keep: str | None) -> int:
    """Sign ``user`` out everywhere but in the session with the key ``keep``; return how many sessions ended."""
    require(actor, "core.edit_profile", user)
    with transaction.atomic():
        ended = end_sessions(user, keep=keep)
        record("user.end_sessions", user, actor=actor, before={"sessions": ended})
    return ended


# What the owner of an account reads of its sign-ins.
SIGN_INS: Final = (
    "user.sign_in",
    "user.sign_in_failed",
    "user.second_step_failed",
    "user.sign_out",
    "user.session_expired",
    "user.end_session",
    "user.end_sessions",
)
NOBODY: Final = 0  # The number under which the trail notes attempts at accounts that do not exist.


def note_failed_sign_in(email: str) -> None:
    """Note an attempt to sign in as ``email`` that failed. Of an account that does not exist a mark is kept, by which
    several attempts at the same one are known: what was typed may be somebody's address, or their password.
    """
    typed = email.strip().lower()
    person = User.objects.filter(email=typed).first()
    if person is None:
        mark = salted_hmac("accounts.unknown", typed, algorithm="sha256").hexdigest()[:12]
        person = User(pk=NOBODY, name=f"? {mark}")
    record("user.sign_in_failed", person, actor=SYSTEM, by="password")


def sign_ins_of(user: User, *, limit: int = 20) -> list[Entry]:
    """Return the newest entries about how ``user`` signed in, tried to and signed out."""
    own = Entry.objects.filter(object_type=user._meta.label_lower, object_id=str(user.pk))
    return list(own.filter(action__in=SIGN_INS).order_by("-id")[:limit])


def sweep_sessions() -> int:
    """Delete the sessions that are over, by age or because nobody used them; return how many rows went."""
    now = timezone.now()
    idle = now - timedelta(seconds=settings.SESSION_IDLE_AGE + NOTED_LATE)
    left_alone = UserSession.objects.filter(last_seen_at__lt=idle).values("session_key")
    over = models.Q(expire_date__lt=now) | models.Q(session_key__in=left_alone)
    gone, _by_model = Session.objects.filter(over).delete()
    there = Session.objects.filter(session_key=models.OuterRef("session_key"))
    rows, _by_model = UserSession.objects.filter(~models.Exists(there)).delete()
    return gone + rows


def refuse_own_second_factor(user: User, actor: Any) -> None:
    """Raise ``DomainError`` when ``actor`` would reset their own second step, or there is none to reset."""
    if actor.pk == user.pk:
        raise DomainError(
            _("You cannot reset your own second step. Ask another system administrator."), code="own_factor"
        )
    if not Authenticator.objects.filter(user=user).exists():
        raise DomainError(_("This person has not set up a second step."), code="no_factor")


def reset_second_factor(user: User, *, actor: Actor, reason: str) -> User:
    """Take every second step and recovery code off ``user``, who lost them: sessions end, and the person is told."""
    require(actor, "core.manage_accounts", user)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        refuse_own_second_factor(user, actor)
        kinds = sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True))
        Authenticator.objects.filter(user=user).delete()
        end_sessions(user)
        record("user.reset_second_factor", user, actor=actor, before={"factors": kinds}, reason=reason)
        tell_of_security(user, FACTOR_RESET)
    return user


def tell_of_security(user: User, what: Mapping[str, str], *, address: str = "") -> None:
    """Tell ``user`` (at ``address``, if it is no longer theirs) what changed in how they sign in."""
    elsewhere = address and address.lower() != user.email.lower()
    notify(
        "account.security",
        recipients=() if elsewhere else [user],
        addresses=[address] if elsewhere else (),
        language=user.language,
        key=f"{user.pk}:{uuid.uuid4().hex}",
        link=reverse("mfa_index"),
        context={
            "what": dict(what),
            "moment": timezone.localtime().strftime("%Y-%m-%d %H:%M"),
            "address": context.current().address or "—",
        },
    )


def refuse_viewing(person: User | None, actor: Any) -> None:
    """Raise ``DomainError`` unless ``actor`` may see the portal as ``person`` sees it."""
    require(actor, "core.view_as", person)
    if person is None or not person.is_active:
        raise DomainError(_("This account is switched off."), code="view_off")
    if person.is_staff or person.is_superuser:
        raise DomainError(_("Nobody views the portal as a member of the staff."), code="view_staff")


def begin_viewing(person: User, *, actor: User, reason: str) -> User:
    """Note that ``actor`` sees the portal as ``person`` from now on, and why; nothing can be changed meanwhile."""
    refuse_viewing(person, actor)
    record("user.view_as", person, actor=actor, reason=reason)
    return person


def end_viewing(person: User, *, actor: User, why: str) -> None:
    """Note that ``actor`` no longer sees the portal as ``person``."""
    record("user.view_as_end", person, actor=actor, why=why)


def update_profile(user: User, *, actor: Actor, **values: Any) -> User:
    """Change name, phone and language of a person."""
    require(actor, "core.edit_profile", user)
    if values.keys() - {"name", "phone", "language"}:
        raise TypeError(f"not part of a profile: {sorted(values)}")
    before, after = changes_of(user, values)
    if not after:
        return user
    with transaction.atomic():
        for key, value in after.items():
            setattr(user, key, value)
        user.save(update_fields=[*after])
        record("user.update_profile", user, actor=actor, before=before, after=after)
    return user


def save_view(user: User, *, page: str, name: str, query: str) -> SavedView:
    """Keep the filters of one list page under a name, in the place of what had that name, and return the view."""
    name = name.replace("\x00", "").strip()[:60]
    if not name or len(query) > LONGEST_QUERY:
        raise DomainError(_("Give the view a name."), code="view", field="name")
    view, _made = SavedView.objects.update_or_create(
        user=user, page=page, name=name, defaults={"query": query}
    )
    return view


def drop_view(view: SavedView) -> None:
    """Forget a view. Doing so again changes nothing."""
    SavedView.objects.filter(pk=view.pk).delete()


# --- invitations ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InvitationKind:
    """What an accepted invitation of one kind does, and how its place is called."""

    name: str
    label: Text
    accept: Callable[[Invitation, User], str]
    role_label: Callable[[str], Text]


INVITATION_KINDS: dict[str, InvitationKind] = {}


def accepts(
    kind: str, *, label: Text, role_label: Callable[[str], Text] = str
) -> Callable[[Callable[[Invitation, User], str]], Callable[[Invitation, User], str]]:
    """Register what happens when an invitation of ``kind`` is accepted: called as (invitation, user), returns a path."""

    def register(function: Callable[[Invitation, User], str]) -> Callable[[Invitation, User], str]:
        INVITATION_KINDS[kind] = InvitationKind(kind, label, function, role_label)
        return function

    return register


def invite(
    email: str,
    kind: str,
    *,
    actor: User,
    target: models.Model | None = None,
    role: str = "",
    name: str = "",
    language: str = Language.ZH_HANS,
) -> Invitation:
    """Invite ``email`` and return the invitation; an open one to the same place is replaced, its old link dies.

    The caller has checked that ``actor`` may offer this place.
    """
    mark, token = seal(email)
    now = timezone.now()
    with transaction.atomic():
        earlier = Invitation.objects.select_for_update().filter(
            email__iexact=email,
            kind=kind,
            target_id=target.pk if target else None,
            accepted_at__isnull=True,
            revoked_at__isnull=True,
        )
        earlier.update(revoked_at=now)
        invitation = Invitation.objects.create(
            email=email.lower(),
            name=name,
            kind=kind,
            target_id=target.pk if target else None,
            target_label=str(target)[:200] if target else "",
            role=role,
            language=language,
            token_digest=Invitation.digest(token),
            invited_by=actor,
            expires_at=now + INVITATION_LASTS,
        )
        record("invitation.send", invitation, actor=actor, after={"email": email, "kind": kind, "role": role})
        _mail_invitation(invitation, mark, target)
    return invitation


def _mail_invitation(invitation: Invitation, mark: str, target: models.Model | str | None) -> None:
    """Write the invitation with the mark in place of its token, which only the mail itself holds."""
    known = INVITATION_KINDS[invitation.kind]
    labels = {}
    for code in Language.values:
        with override(code):
            labels[code] = (str(target or known.label), str(known.role_label(invitation.role)))
    path = reverse("invitation", args=[mark])
    notify(
        "account.invitation",
        recipients=(),
        addresses=[invitation.email],
        language=invitation.language,
        key=f"{invitation.pk}:{invitation.token_digest[:16]}",
        link=path,
        context={
            "name": invitation.name or invitation.email,
            "inviter": invitation.invited_by.name if invitation.invited_by else "",
            "target": {code: label[0] for code, label in labels.items()},
            "role": {code: label[1] for code, label in labels.items()},
            "until": timezone.localtime(invitation.expires_at).strftime("%Y-%m-%d"),
            "token_link": absolute(path),
        },
    )


def resend_invitation(invitation: Invitation, *, actor: Actor) -> Invitation:
    """Send an invitation again with a new link; the old one dies. The caller has checked that ``actor`` may."""
    mark, token = seal(invitation.email)
    with transaction.atomic():
        stored = (
            Invitation.objects.select_for_update(of=("self",))
            .select_related("invited_by")
            .get(pk=invitation.pk)
        )
        if stored.accepted_at is not None or stored.revoked_at is not None:
            raise DomainError(_("This invitation is no longer open."), code="invitation_closed")
        before = stored.expires_at
        stored.token_digest = Invitation.digest(token)
        stored.expires_at = timezone.now() + INVITATION_LASTS
        stored.save(update_fields=["token_digest", "expires_at"])
        record(
            "invitation.resend",
            stored,
            actor=actor,
            before={"expires_at": before},
            after={"expires_at": stored.expires_at},
        )
        _mail_invitation(stored, mark, stored.target_label)
    return stored


def revoke_invitation(invitation: Invitation, *, actor: Actor) -> Invitation:
    """Make an open invitation worthless. The caller has checked that ``actor`` may."""
    with transaction.atomic():
        changed = Invitation.objects.filter(
            pk=invitation.pk, accepted_at__isnull=True, revoked_at__isnull=True
        ).update(revoked_at=timezone.now())
        if not changed:
            raise DomainError(_("This invitation is no longer open."), code="invitation_closed")
        record("invitation.revoke", invitation, actor=actor)
    invitation.refresh_from_db()
    return invitation


def find_invitation(token: str) -> Invitation | None:
    """Return the invitation that ``token`` opens, whatever state it is in."""
    return (
        Invitation.objects.filter(token_digest=Invitation.digest(token)).select_related("invited_by").first()
    )


def accept_invitation(token: str, *, actor: User) -> str:
    """Accept for ``actor`` and return the path to go to next.

    Only the person with the invited address may (whoever else holds the link gets a ``DomainError`` that says so); a
    second acceptance by the same person leads to the same place.
    """
    with transaction.atomic():
        invitation = (
            Invitation.objects.select_for_update().filter(token_digest=Invitation.digest(token)).first()
        )
        if invitation is None or invitation.revoked_at is not None:
            raise DomainError(
                _("This invitation is no longer valid. Ask for a new one."), code="invitation_gone"
            )
        if invitation.email.lower() != actor.email.lower():
            raise DomainError(
                _("This invitation was sent to another address. Sign in with that one to accept it."),
                code="invitation_not_yours",
            )
        known = INVITATION_KINDS[invitation.kind]
        if invitation.accepted_at is not None:
            return known.accept(invitation, actor)
        if invitation.expires_at <= timezone.now():
            raise DomainError(_("This invitation has expired. Ask for a new one."), code="invitation_expired")
        path = known.accept(invitation, actor)
        invitation.accepted_at, invitation.accepted_by = timezone.now(), actor
        invitation.save(update_fields=["accepted_at", "accepted_by"])
        record("invitation.accept", invitation, actor=actor)
    return path


def _accept_staff(invitation: Invitation, user: User) -> str:
    # The link pressed again leads to the same place; it gives no role back that was taken meanwhile.
    if invitation.accepted_at is None:
        held = User.objects.select_for_update().get(pk=user.pk).roles
        _refuse_combined({*held, invitation.role})
        user.groups.add(Group.objects.get(name=invitation.role))
        User.objects.filter(pk=user.pk).update(is_staff=True)
        _tell_leads(user, actor=invitation.invited_by, gained={invitation.role} - held)
    return reverse("admin:index")


accepts("staff", label=gettext_lazy("the park's staff"), role_label=lambda role: StaffRole(role).label)(
    _accept_staff
)


def invite_staff(
    email: str, *, actor: User, role: str, name: str = "", language: str = Language.ZH_HANS
) -> Invitation:
    """Invite someone to the park's staff in ``role``."""
    require(actor, "core.invite_staff")
    if role not in StaffRole.values:
        raise DomainError(_("There is no such role."), code="unknown_role", field="role")
    known = User.objects.filter(email__iexact=email).first()
    if known is not None:
        if known.pk == actor.pk:
            raise DomainError(
                _("You cannot invite yourself. Ask another system administrator."),
                code="own_roles",
                field="email",
            )
        _refuse_combined({*known.roles, role}, field="role")
    return invite(email, "staff", actor=actor, role=role, name=name, language=language)
