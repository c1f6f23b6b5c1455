"""What is held about people: their account, and how they sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from park_portal.core.accounts.models import Invitation
from park_portal.core.accounts.services import end_sessions
from park_portal.core.personal import Basis, Hindrance, Keep, Purpose, Retention, goes, hinders, holds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from park_portal.core.accounts.models import User
    from park_portal.core.personal import Marks


def _close_account(person: User, marks: Marks) -> None:
    """Leave of the account a number to which decisions, payments and the audit trail still point."""
    person.groups.clear()
    person.user_permissions.clear()
    person.email, person.name, person.phone = marks.address, marks.pseudonym, ""
    person.is_active = person.is_staff = person.is_superuser = False
    person.last_login = None
    person.set_unusable_password()
    person.save()


def _end_sessions(person: User, marks: Marks) -> None:
    end_sessions(person)
    now = timezone.now()
    over = [
        one.session_key
        for one in Session.objects.filter(expire_date__lte=now).iterator()
        if one.get_decoded().get("_auth_user_id") == str(person.pk)
    ]
    Session.objects.filter(session_key__in=over).delete()


def _invited(marks: Marks) -> models.Q:
    return models.Q(email__in=marks.emails)


holds(
    "core.User",
    people=("id",),
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    replaced="email name",
    emptied="password last_login phone is_superuser is_staff is_active language",
    plain="id date_joined",
    sensitive="phone",
    since="date_joined",
    deed=_close_account,
    untold="password",
)
holds(
    "core.User_groups",
    people=("user",),
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user group",
    plain="id",
)
holds(
    "core.User_user_permissions",
    people=("user",),
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user permission",
    plain="id",
)
holds(
    "core.Invitation",
    people=("accepted_by",),
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep="privacy.invitation_months",
    deleted="email name kind target_id target_label role language token_digest invited_by created_at expires_at "
    "accepted_at accepted_by revoked_at",
    plain="id",
    since="created_at",
    by_marks=_invited,
    untold="token_digest",
)
holds(
    "core.SavedView",
    people=("user",),
    purpose=Purpose.COMFORT,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user page name query",
    plain="id",
)
holds(
    "account.EmailAddress",
    people=("user",),
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user email verified primary",
    plain="id",
)
holds(
    "account.EmailConfirmation",
    people=("email_address__user",),
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="email_address created sent key",
    plain="id",
    since="created",
    untold="key",
)
holds(
    "mfa.Authenticator",
    people=("user",),
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user type data created_at last_used_at",
    plain="id",
    since="created_at",
    untold="data",
)
holds(
    "usersessions.UserSession",
    people=("user",),
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep=Keep.SESSION,
    deleted="user created_at ip last_seen_at session_key user_agent data",
    plain="id",
    since="created_at",
    untold="session_key data",
)
holds(
    "sessions.Session",
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep=Keep.SESSION,
    deleted="session_key session_data expire_date",
    deed=_end_sessions,
    untold="session_key session_data",
)
holds(
    "socialaccount.SocialAccount",
    people=("user",),
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user provider uid last_login date_joined extra_data",
    plain="id",
    since="date_joined",
)
holds(
    "socialaccount.SocialToken",
    people=("account__user",),
    purpose=Purpose.ACCOUNT,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="app account token token_secret expires_at",
    plain="id",
    untold="token token_secret app",
)
holds("socialaccount.SocialApp", plain="id provider provider_id name client_id secret key settings")
holds(
    "admin.LogEntry",
    people=("user",),
    purpose=Purpose.PROOF,
    basis=Basis.LAW,
    keep=Keep.TRAIL,
    linked="user",
    scrubbed="object_repr change_message",
    plain="id action_time content_type object_id action_flag",
    since="action_time",
    untold="object_repr change_message",
)
holds("auth.Group", plain="id name")
holds("auth.Group_permissions", plain="id group permission")
holds("auth.Permission", plain="id name content_type codename")
holds("contenttypes.ContentType", plain="id app_label model")


@hinders
def still_on_the_staff(person: User) -> Iterable[Hindrance]:
    """Who gives up an account that opens the administration hands the work over first."""
    if person.is_staff or person.is_superuser:
        yield Hindrance(_("This person still belongs to the park’s staff: take the staff roles off first."))


def _old_invitations(before: Any) -> models.QuerySet[Invitation]:
    settled = (
        models.Q(accepted_at__lt=before) | models.Q(revoked_at__lt=before) | models.Q(expires_at__lt=before)
    )
    return Invitation.objects.filter(settled)


goes(
    Retention(
        name="invitations",
        label=_("Invitations"),
        policy="privacy.invitation_months",
        explain=_(
            "Accepted, revoked or expired longer ago than that: the row is deleted, name and address with it."
        ),
        rows=_old_invitations,
    )
)
