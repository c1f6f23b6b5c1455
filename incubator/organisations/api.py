from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from incubator.organisations.models import Membership, Organisation
from incubator.organisations.services import (
    FIELDS,
    change_member_role,
    create_organisation,
    invitations_of,
    invite_member,
    remove_member,
    request_to_join,
    resend_invitation,
    revoke_member_invitation,
    update_organisation,
)
from incubator.organisations.states import OrganisationKind, OrganisationState, Role
from park_portal.core.accounts.api import InvitationSerializer
from park_portal.core.accounts.models import Invitation
from park_portal.core.accounts.states import Language
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Changeable, Removable, Resource, ResourceSerializer
from park_portal.core.views import visible_or_404
from park_portal.core.workflow import require

OF_MEMBERS = "incubator.see_organisation_members"


class OrganisationSerializer(ResourceSerializer):
    # What everyone may know of a university is not whom to call there.
    private = dict.fromkeys(("contact_name", "contact_phone", "contact_email"), OF_MEMBERS)

    class Meta:
        model = Organisation
        fields = ("id", *FIELDS, "state")
        read_only_fields = ("id", "state")


class OrganisationFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=OrganisationKind.choices)
    state = django_filters.ChoiceFilter(choices=OrganisationState.choices)

    class Meta:
        model = Organisation
        fields = ("kind", "state", "uscc")


class JoinSerializer(serializers.Serializer[Any]):
    uscc = serializers.CharField(max_length=18, help_text="The Unified Social Credit Code, as it is printed.")
    message = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")


class InviteSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=Role.choices)
    name = serializers.CharField(required=False, allow_blank=True, max_length=80, default="")
    language = serializers.ChoiceField(choices=Language.choices, required=False, default=Language.ZH_HANS)


class InvitationsSerializer(serializers.Serializer[Any]):
    results = InvitationSerializer(many=True)


class OrganisationResource(HasActs, Changeable, Resource):
    """The organisations you belong to, and the universities; park staff see all."""

    scope = "organisations"
    model = Organisation
    serializer_class = OrganisationSerializer
    filterset_class = OrganisationFilter
    queryset = Organisation.objects.none()

    def prepare(self, rows: Sequence[Organisation]) -> None:
        if not self.request.user.is_authenticated:
            return
        places = Membership.objects.filter(user=self.actor, organisation__in=rows)
        roles = dict(places.values_list("organisation", "role"))
        for row in rows:
            row.remember_role(self.actor, roles.get(row.pk))

    def change(self, row: Organisation, values: dict[str, Any]) -> Organisation:
        return update_organisation(row, actor=self.actor, **values)

    @extend_schema(responses={201: OrganisationSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Register an organisation that is not here yet; you become its first owner."""
        sent = OrganisationSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        made = create_organisation(actor=self.actor, **sent.validated_data)
        row = visible_or_404(self.rows(), pk=made.pk)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    @extend_schema(request=JoinSerializer, responses={204: None})
    @action(detail=False, methods=["post"])
    @idempotent
    def join(self, request: Request) -> Response:
        """Ask the owners of an organisation, named by its code, to let you in."""
        sent = JoinSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        # Whoever knows the code may ask; whether it is here is said on the page of registration, too.
        row = visible_or_404(Organisation.objects.in_use(), uscc=sent.validated_data["uscc"].strip().upper())
        request_to_join(row, actor=self.actor, message=sent.validated_data["message"])
        return Response(status=204)

    @extend_schema(responses=InvitationsSerializer)
    @action(detail=True, methods=["get"])
    def invitations(self, request: Request, pk: str) -> Response:
        """The invitations that were neither accepted nor revoked."""
        row = self.get_object()
        require(self.actor, OF_MEMBERS, row)
        return Response({"results": [self._invitation(one) for one in invitations_of(row)]})

    @extend_schema(request=InviteSerializer, responses={201: InvitationSerializer})
    @invitations.mapping.post
    @idempotent
    def invite(self, request: Request, pk: str) -> Response:
        """Invite a person by e-mail; an open invitation to the same address is replaced."""
        sent = InviteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = invite_member(self.get_object(), actor=self.actor, **sent.validated_data)
        return Response(self._invitation(made), status=201)

    @extend_schema(request=None, responses=InvitationSerializer)
    @action(detail=True, methods=["post"], url_path=r"invitations/(?P<invitation>[0-9]{1,18})/resend")
    @idempotent
    def resend(self, request: Request, pk: str, invitation: str) -> Response:
        """Send an invitation again with a new link; the old one dies."""
        row, found = self._invited(invitation)
        return Response(self._invitation(resend_invitation(row, found, actor=self.actor)))

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"], url_path=r"invitations/(?P<invitation>[0-9]{1,18})/revoke")
    @idempotent
    def revoke(self, request: Request, pk: str, invitation: str) -> Response:
        """Make an invitation worthless."""
        row, found = self._invited(invitation)
        revoke_member_invitation(row, found, actor=self.actor)
        return Response(status=204)

    def _invited(self, number: str) -> tuple[Organisation, Invitation]:
        row = self.get_object()
        require(self.actor, OF_MEMBERS, row)
        return row, visible_or_404(invitations_of(row), pk=number)

    def _invitation(self, invitation: Invitation) -> Any:
        return InvitationSerializer(invitation, context=self.get_serializer_context()).data


class MembershipSerializer(ResourceSerializer):
    name = serializers.CharField(source="user.name", read_only=True)
    email = serializers.CharField(source="user.email", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "organisation", "user", "name", "email", "role", "created_at")
        read_only_fields = ("id", "organisation", "user", "created_at")


class MembershipFilter(django_filters.FilterSet):
    organisation = django_filters.NumberFilter(field_name="organisation_id")
    role = django_filters.ChoiceFilter(choices=Role.choices)

    class Meta:
        model = Membership
        fields = ("organisation", "role")


class MembershipResource(Changeable, Removable, Resource):
    """Who belongs to your organisations, and as what. Removing your own membership is leaving."""

    scope = "organisations"
    model = Membership
    serializer_class = MembershipSerializer
    filterset_class = MembershipFilter
    queryset = Membership.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        rows = super().rows().select_related("user", "organisation")
        # The system administrator keeps accounts going and sees no organisation's people.
        return rows if not self.actor.is_staff or self.actor.has_perm("core.see_records") else rows.none()

    def change(self, row: Membership, values: dict[str, Any]) -> Membership:
        return change_member_role(row, actor=self.actor, role=values.get("role", row.role))

    def remove(self, row: Membership) -> None:
        remove_member(row, actor=self.actor)
