"""Rights come with roles alone."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from park_portal.core.accounts.models import rights_by_role


class RoleBackend(ModelBackend):
    """Django's own rights, of the groups that are the staff roles; none are given to a single person.

    So nobody keeps a right that no role explains, and who is not on the staff has none at all.
    """

    def authenticate(self, request: Any, **credentials: Any) -> None:  # type: ignore[override]
        """Let nobody in: the backend after this one does, and a password is hashed once, known account or not."""
        return None

    def _get_permissions(self, user_obj: Any, obj: Any, from_name: str) -> set[str]:
        if user_obj.is_superuser:
            return super()._get_permissions(user_obj, obj, from_name)  # type: ignore[misc]  # Private in Django.
        if not user_obj.is_active or not user_obj.is_staff or obj is not None or from_name == "user":
            return set()
        return set(rights_by_role(user_obj))
