"""What follows when django-allauth has done something with an account: the audit trail knows, old sessions end."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from park_portal.core.accounts.devices import remember
from park_portal.core.accounts.middleware import BEGUN_AT, SEEN_AT
from park_portal.core.accounts.models import User
from park_portal.core.accounts.second_factor import FACTORS
from park_portal.core.accounts.services import end_sessions
from park_portal.core.accounts.viewing import end
from park_portal.core.audit.services import record


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
    """From now on the session's age counts, whoever was in it before."""
    remember(request, user)
    request.session[BEGUN_AT] = request.session[SEEN_AT] = int(time.time())


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


@receiver(user_logged_out)
def viewing_ends_too(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        end(request, user, why="signed out")
