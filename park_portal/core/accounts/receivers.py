"""What follows when django-allauth has done something with an account: the audit trail knows, old sessions end."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.account.signals import (
    authentication_step_completed,
    email_added,
    email_changed,
    email_removed,
    password_changed,
    password_reset,
    password_set,
)
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from allauth.usersessions.models import UserSession
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from park_portal.core.accounts.devices import remember
from park_portal.core.accounts.middleware import BEGUN_AT, EXPIRED, SEEN_AT
from park_portal.core.accounts.models import User
from park_portal.core.accounts.second_factor import FACTORS
from park_portal.core.accounts.services import end_sessions, note_failed_sign_in
from park_portal.core.accounts.viewing import end
from park_portal.core.audit.services import SYSTEM, record


@receiver(authenticator_added)
def factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    """Note it; with the first factor every session ends that began without one."""
    record("user.add_factor", user, actor=user, kind=str(authenticator.type))
    if authenticator.type not in FACTORS:
        return
    if Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).count() == 1:
        end_sessions(user, keep=request.session.session_key)


@receiver(authenticator_removed)
def factor_removed(user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    record("user.remove_factor", user, actor=user, kind=str(authenticator.type))


@receiver(authenticator_reset)
def codes_made_anew(user: User, **kwargs: Any) -> None:
    record("user.new_recovery_codes", user, actor=user)


@receiver(user_logged_in)
def session_begun(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """From now on the session's age counts, whoever was in it before; the trail says how the person showed who they are."""
    remember(request, user)
    request.session[BEGUN_AT] = request.session[SEEN_AT] = int(time.time())
    ways = [one.get("type") or one["method"] for one in get_authentication_records(request, user)]
    record("user.sign_in", user, actor=user, by=", ".join(dict.fromkeys(ways)))


@receiver(authentication_step_completed)
def shown_again(request: HttpRequest, reauthenticated: bool = False, **kwargs: Any) -> None:
    """Give the session of who showed again who they are a new key: whoever has the old one did not."""
    if not reauthenticated:
        return
    old = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=old).update(session_key=request.session.session_key)


@receiver(user_login_failed)
def password_was_wrong(credentials: dict[str, Any], **kwargs: Any) -> None:
    """Note it, known account or not: both take the same statements."""
    note_failed_sign_in(str(credentials.get("email") or credentials.get("username") or ""))


@receiver(authentication_failed)
def second_step_was_wrong(
    user: User, authenticator: Authenticator, reauthentication: bool, **kwargs: Any
) -> None:
    """Note who had the password and not the second step: that is the graver failure."""
    kind = "reauthentication" if reauthentication else ""
    record("user.second_step_failed", user, actor=SYSTEM, by=str(authenticator.type), at=kind)


@receiver([password_changed, password_set])
def password_is_new(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Whoever knew the old password goes; who changed it stays."""
    record("user.change_password", user, actor=user)
    end_sessions(user, keep=request.session.session_key)


@receiver(password_reset)
def password_is_reset(request: HttpRequest, user: User, **kwargs: Any) -> None:
    remember(request, user)
    record("user.reset_password", user, actor=user)
    end_sessions(user)


@receiver(email_added)
def address_added(user: User, email_address: EmailAddress, **kwargs: Any) -> None:
    record("user.add_address", user, actor=user, after={"email": email_address.email})


@receiver(email_removed)
def address_removed(user: User, email_address: EmailAddress, **kwargs: Any) -> None:
    record("user.remove_address", user, actor=user, before={"email": email_address.email})


@receiver(email_changed)
def address_changed(
    user: User, from_email_address: EmailAddress | None, to_email_address: EmailAddress, **kwargs: Any
) -> None:
    """Note that the person signs in, and gets their mail, under another address from now on."""
    before = {"email": from_email_address.email} if from_email_address else None
    record("user.change_address", user, actor=user, before=before, after={"email": to_email_address.email})


@receiver(user_logged_out)
def session_is_over(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """Note it; who viewed the portal as somebody else no longer does."""
    if user is None:
        return
    end(request, user, why="signed out")
    if getattr(request, EXPIRED, False):
        record("user.session_expired", user, actor=SYSTEM)
    else:
        record("user.sign_out", user, actor=user)
