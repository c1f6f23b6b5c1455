from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import admin
from django.db import models
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.accounts.models import Invitation, SavedView, User
from park_portal.core.accounts.services import accept_invitation, drop_view, save_view, update_profile
from park_portal.core.accounts.states import Language
from park_portal.core.api.acts import HasActs, HasListActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import (
    Changes,
    OfStaff,
    Removable,
    Resource,
    ResourceSerializer,
    Rows,
)
from park_portal.core.tokens.models import ApiToken


class MeSerializer(ResourceSerializer):
    roles = serializers.SerializerMethodField()
    scopes = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "name", "email", "phone", "language", "roles", "scopes")
        read_only_fields = ("id", "email")

    def get_roles(self, user: User) -> list[str]:
        """Staff roles; empty for everyone outside the staff."""
        return sorted(user.roles)

    def get_scopes(self, user: User) -> list[str] | None:
        """What the token may be used for; null for who signed in by the page."""
        auth = self.context["request"].auth
        return auth.scopes if isinstance(auth, ApiToken) else None


class MeResource(Changes, Rows):
    """The person in whose name you ask."""

    scope = "account"
    model = User
    serializer_class = MeSerializer
    pagination_class = None  # there is one
    filter_backends = ()
    queryset = User.objects.none()

    def get_object(self) -> User:
        return User.objects.get(pk=self.actor.pk)

    def locked(self) -> User:
        row = User.objects.select_for_update(no_key=True).get(pk=self.actor.pk)
        self.check_version(row)
        return row

    @extend_schema(responses=forced_singular_serializer(MeSerializer))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who you are, and what the token may be used for."""
        row = self.get_object()
        return Response(self.show(row), headers={"ETag": self.tag_of(row)})

    @extend_schema(request=MeSerializer, responses=MeSerializer)
    def update_listed(self, request: Request) -> Response:
        """Change your name, phone or language."""
        return self.make_change(request)

    def change(self, row: User, values: dict[str, Any]) -> User:
        return update_profile(row, actor=self.actor, **values)


class SavedViewSerializer(ResourceSerializer):
    class Meta:
        model = SavedView
        fields = ("id", "page", "name", "query")
        # A view is replaced by one of the same name.
        validators: list[Any] = []


class SavedViewFilter(django_filters.FilterSet):
    class Meta:
        model = SavedView
        fields = ("page",)


class SavedViewResource(Removable, Resource):
    """Your saved filters of the list pages."""

    scope = "account"
    model = SavedView
    serializer_class = SavedViewSerializer
    filterset_class = SavedViewFilter
    queryset = SavedView.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return SavedView.objects.filter(user=self.actor)

    @extend_schema(responses={201: SavedViewSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Keep filters under a name, in the place of what had that name on that page."""
        sent = SavedViewSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = save_view(self.actor, **{"query": "", **sent.validated_data})
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    def remove(self, row: SavedView) -> None:
        drop_view(row)


class InvitationSerializer(ResourceSerializer):
    open = serializers.BooleanField(source="is_open", read_only=True)

    class Meta:
        model = Invitation
        fields = (
            *("id", "email", "name", "kind", "target_label", "role", "language", "open"),
            *("created_at", "expires_at", "accepted_at", "revoked_at"),
        )
        read_only_fields = fields


class InvitationFilter(django_filters.FilterSet):
    class Meta:
        model = Invitation
        fields = ("kind", "role")


class AcceptSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=100, help_text="The last part of the link in the mail.")


class AcceptedSerializer(serializers.Serializer[Any]):
    link = serializers.CharField(help_text="Where to go next.")


class InvitationResource(HasActs, Resource):
    """Invitations to you; those who look after them see all, and send them again or revoke them by ``acts/``."""

    scope = "people"
    model = Invitation
    serializer_class = InvitationSerializer
    filterset_class = InvitationFilter
    queryset = Invitation.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        user = self.actor
        staff: Any = admin.site.get_model_admin(Invitation)
        if user.is_staff and staff.has_view_permission(self.request):
            found: models.QuerySet[Any] = staff.rows_for(user)
            return found
        return Invitation.objects.filter(email__iexact=user.email)

    @extend_schema(request=AcceptSerializer, responses=AcceptedSerializer)
    @action(detail=False, methods=["post"])
    @idempotent
    def accept(self, request: Request) -> Response:
        """Accept an invitation by the token that its mail holds."""
        sent = AcceptSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response({"link": accept_invitation(sent.validated_data["token"], actor=self.actor)})


class PersonSerializer(ResourceSerializer):
    roles = serializers.SerializerMethodField()
    language = serializers.ChoiceField(choices=Language.choices, read_only=True)

    class Meta:
        model = User
        fields = ("id", "name", "email", "phone", "language", "is_staff", "is_active", "roles", "date_joined")
        read_only_fields = fields

    def get_roles(self, user: User) -> list[str]:
        """Staff roles; empty for everyone outside the staff."""
        return sorted(group.name for group in user.groups.all()) if user.is_staff else []


class PersonFilter(django_filters.FilterSet):
    class Meta:
        model = User
        fields = ("is_staff", "is_active", "email")


class PersonResource(HasActs, HasListActs, OfStaff, Resource):
    """People, as the staff's administration shows them."""

    scope = "people"
    model = User
    serializer_class = PersonSerializer
    filterset_class = PersonFilter
    queryset = User.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().prefetch_related("groups")
