"""Rights come with roles alone."""

from __future__ import annotations

from typing import Any, Final

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.backends import ModelBackend

from park_portal.core.accounts.models import User, rights_by_role
from park_portal.core.prepared import Prepared

_person: Final = Prepared[User](lambda pk: User.objects.filter(pk=pk).order_by(), pk=-1)


class _Known:
    """How a request's person is found."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the person of this session if they may still sign in."""
        user = _person.first(pk=user_id)
        return user if user is not None and user.is_active else None


class AccountBackend(_Known, AuthenticationBackend):
    """Lets in by the e-mail address and the password."""


class RoleBackend(_Known, ModelBackend):
    """Django's own rights, of the groups that are the staff roles; none are given to a single person.

    So nobody keeps a right that no role explains, and who is not on the staff has none at all.
    """

    def authenticate(self, request: Any, **credentials: Any) -> None:  # type: ignore[override]
        """Let nobody in: the backend after this one does, and a password is hashed once, known account or not."""
        return None

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Return whether one of the person's roles gives the right."""
        return user_obj.is_active and perm in self.get_all_permissions(user_obj, obj)

    def _get_permissions(self, user_obj: Any, obj: Any, from_name: str) -> set[str]:
        if user_obj.is_superuser:
            return super()._get_permissions(user_obj, obj, from_name)  # type: ignore[misc]  # Private in Django.
        if not user_obj.is_active or not user_obj.is_staff or obj is not None or from_name == "user":
            return set()
        return set(rights_by_role(user_obj))
