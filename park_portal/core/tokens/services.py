"""Making, finding and revoking personal tokens."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from park_portal.core import context
from park_portal.core.accounts.models import User, keep_roles, roles_of
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError
from park_portal.core.prepared import Prepared
from park_portal.core.tokens.models import ApiToken
from park_portal.core.tokens.states import MOST_DAYS, MOST_TOKENS, Scope
from park_portal.core.workflow import require

PREFIX: Final = "park_"  # by it, whoever finds one in a log or a repository knows what it opens
BYTES: Final = 32
NOTED_EVERY: Final = timedelta(minutes=1)


def create_token(*, actor: User, name: str, scopes: Iterable[str], days: int) -> tuple[ApiToken, str]:
    """Make a token for ``actor`` and return it with its secret, which is told this once.

    Raises ``DomainError`` for an unknown scope, none, a time outside 1 to 366 days, or too many tokens.
    """
    require(actor, "core.create_token")
    wanted = sorted(set(scopes))
    if not wanted or set(wanted) - set(Scope.values):
        raise DomainError(_("Choose what the token may be used for."), code="scopes", field="scopes")
    if not 1 <= days <= MOST_DAYS:
        raise DomainError(
            _("A token is valid for 1 to %(most)d days.") % {"most": MOST_DAYS}, code="days", field="days"
        )
    secret = PREFIX + secrets.token_urlsafe(BYTES)
    now = timezone.now()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        if actor.api_tokens.usable().count() >= MOST_TOKENS:
            raise DomainError(
                _("You have %(most)d tokens. Revoke one that you no longer need.") % {"most": MOST_TOKENS},
                code="too_many",
            )
        if actor.api_tokens.usable().filter(name=name).exists():
            raise DomainError(
                _("You have a token of this name. Choose another name, or revoke that one first."),
                code="name_taken",
                field="name",
            )
        token = ApiToken.objects.create(
            user=actor,
            name=name,
            start=secret[:12],
            digest=ApiToken.hash(secret),
            scopes=wanted,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        after = {"name": name, "scopes": wanted, "expires_at": token.expires_at.isoformat()}
        record("token.create", token, actor=actor, after=after)
    return token, secret


def revoke_token(token: ApiToken, *, actor: User) -> ApiToken:
    """End a token at once. Revoking it again changes nothing."""
    require(actor, "core.revoke_token", token)
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().get(pk=token.pk)
        if token.revoked_at is None:
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
            record("token.revoke", token, actor=actor)
    return token


def find_token(secret: str) -> ApiToken | None:
    """Return the usable token with this secret, of a person who may still sign in, and note that it was used."""
    if not secret.startswith(PREFIX) or len(secret) > 100:
        return None
    token = _token_with(ApiToken.hash(secret))
    if token is not None:
        _note_use(token)
    return token


# What finds a usable token, its person and their roles at once.
_usable: Final = Prepared[ApiToken](
    lambda digest, now: (
        ApiToken.objects.usable(now)
        .filter(digest=digest, user__is_active=True)
        .select_related("user")
        .annotate(roles=roles_of(models.OuterRef("user_id")))
        .order_by()
    ),
    digest="the digest",
    now=datetime(1, 1, 1, tzinfo=UTC),
)


def _token_with(digest: str) -> ApiToken | None:
    token: Any = _usable.first(digest=digest, now=timezone.now())
    if token is not None:
        keep_roles(token.user, token.roles)
    return token


def _note_use(token: ApiToken) -> None:
    """Write down when and from where, at most once a minute: a program may ask many times a second."""
    now, address = timezone.now(), context.current().address
    if (
        token.last_used_at is not None
        and now - token.last_used_at < NOTED_EVERY
        and token.last_used_from == address
    ):
        return
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=now, last_used_from=address)
