"""What follows when django-allauth has done something with an account: the audit trail knows, old sessions end."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.dispatch import receiver
from django.http import HttpRequest

from park_portal.core.accounts.models import User
from park_portal.core.accounts.second_factor import FACTORS
from park_portal.core.accounts.services import end_sessions
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
