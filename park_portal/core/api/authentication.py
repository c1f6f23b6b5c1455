"""Who asks: a program with a person's token, or the person in their browser."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from park_portal.core.accounts.middleware import SecondFactorMissing
from park_portal.core.accounts.models import User
from park_portal.core.accounts.second_factor import lacks_second_factor
from park_portal.core.api.problems import ApiError
from park_portal.core.tokens.models import ApiToken
from park_portal.core.tokens.services import find_token


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer park_…``."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        kind, _space, secret = get_authorization_header(request).partition(b" ")
        if kind.lower() != b"bearer":
            return None
        token = find_token(secret.decode("ascii", "replace").strip())
        if token is None:
            raise AuthenticationFailed(_("This token does not exist, has expired or was revoked."))
        if lacks_second_factor(token.user):
            # A token made before is no way round the second step.
            raise SecondFactorMissing
        if "Accept-Language" not in request.headers:
            translation.activate(token.user.language)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="park"'


class Scoped(BasePermission):
    """A token does what its scopes name; a person who is signed in does what they may. Public resources ask nobody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        reads = request.method in SAFE_METHODS
        if not request.user.is_authenticated:
            return bool(view.public and reads)
        if isinstance(request.auth, ApiToken):
            wanted = f"{view.scope}:{'read' if reads else 'write'}"
            if wanted not in request.auth.scopes:
                raise ApiError(
                    403,
                    "scope",
                    _("The token may not be used for this: it lacks %(scope)s.") % {"scope": wanted},
                )
        return True
