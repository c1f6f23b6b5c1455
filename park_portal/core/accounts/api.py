from __future__ import annotations

from typing import Any

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from park_portal.core.accounts.models import User
from park_portal.core.tokens.models import ApiToken


class MeSerializer(serializers.ModelSerializer[User]):
    roles = serializers.SerializerMethodField()
    scopes = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "name", "email", "phone", "language", "roles", "scopes")
        read_only_fields = fields

    def get_roles(self, user: User) -> list[str]:
        """Staff roles; empty for everyone outside the staff."""
        return sorted(user.roles)

    def get_scopes(self, user: User) -> list[str] | None:
        """What the token may be used for; null for who signed in by the page."""
        auth = self.context["request"].auth
        return auth.scopes if isinstance(auth, ApiToken) else None


class MeResource(GenericViewSet[User]):
    """The person in whose name you ask."""

    scope = "account"
    public = False
    serializer_class = MeSerializer
    queryset = User.objects.none()

    @extend_schema(operation_id="me_retrieve", responses=forced_singular_serializer(MeSerializer))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who you are, and what the token may be used for."""
        return Response(self.get_serializer(request.user).data)
