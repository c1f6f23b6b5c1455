from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from incubator.projects.models import ProjectMember, ResearchProject
from incubator.projects.services import (
    FIELDS,
    add_team_member,
    change_team_member,
    invite_again,
    register_project,
    remove_team_member,
    update_project,
)
from incubator.projects.states import ProjectRole, ProjectState
from park_portal.core.accounts.states import Language
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Changeable, Removable, Resource, ResourceSerializer
from park_portal.core.views import visible_or_404


class ProjectSerializer(ResourceSerializer):
    class Meta:
        model = ResearchProject
        fields = ("id", "code", *FIELDS, "state", "created_at", "updated_at")
        read_only_fields = ("id", "code", "state", "created_at", "updated_at")


class NewProjectSerializer(ProjectSerializer):
    mine = serializers.BooleanField(
        write_only=True, default=False, help_text="Whether you are the principal investigator."
    )
    pi_email = serializers.EmailField(
        write_only=True, required=False, allow_blank=True, default="", help_text="Who is, to be invited."
    )

    class Meta(ProjectSerializer.Meta):
        fields = (*ProjectSerializer.Meta.fields, "mine", "pi_email")  # type: ignore[assignment] # two more
        # Yours if it is not named.
        extra_kwargs = {"principal_investigator": {"required": False}}


class ProjectFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=ProjectState.choices)

    class Meta:
        model = ResearchProject
        fields = ("state", "university", "faculty", "trl", "approval_year")


class NewMemberSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True, default="")
    role = serializers.ChoiceField(choices=ProjectRole.choices, required=False, default=ProjectRole.MEMBER)
    can_edit = serializers.BooleanField(default=False)
    language = serializers.ChoiceField(choices=Language.choices, required=False, default=Language.ZH_HANS)


class TeamMemberSerializer(ResourceSerializer):
    email = serializers.CharField(read_only=True)

    class Meta:
        model = ProjectMember
        fields = ("id", "project", "user", "name", "email", "role", "can_edit", "created_at")
        read_only_fields = ("id", "project", "user", "name", "email", "created_at")


class ProjectResource(HasActs, Changeable, Resource):
    """The research projects of your teams and of your care; park staff see all. They are moved on by ``acts/``."""

    scope = "projects"
    model = ResearchProject
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilter
    orders = ("id", "updated_at")
    queryset = ResearchProject.objects.none()

    def change(self, row: ResearchProject, values: dict[str, Any]) -> ResearchProject:
        return update_project(row, actor=self.actor, **values)

    @extend_schema(request=NewProjectSerializer, responses={201: ProjectSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Register a research project: yours, or another's whom you name or invite."""
        sent = NewProjectSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        lead = self.actor if values.pop("mine") else None
        made = register_project(actor=self.actor, pi_user=lead, **values)
        row = visible_or_404(self.rows(), pk=made.pk)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    @extend_schema(request=NewMemberSerializer, responses={201: TeamMemberSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def team(self, request: Request, pk: str) -> Response:
        """Add a person to the team and, with an e-mail address, invite them."""
        sent = NewMemberSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = add_team_member(self.get_object(), actor=self.actor, **sent.validated_data)
        return Response(TeamMemberSerializer(made, context=self.get_serializer_context()).data, status=201)


class TeamFilter(django_filters.FilterSet):
    project = django_filters.NumberFilter(field_name="project_id")

    class Meta:
        model = ProjectMember
        fields = ("project", "role")


class TeamResource(Changeable, Removable, Resource):
    """Who is on the teams of the projects you see. Removing your own place is leaving."""

    scope = "projects"
    model = ProjectMember
    serializer_class = TeamMemberSerializer
    filterset_class = TeamFilter
    queryset = ProjectMember.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        rows = super().rows().select_related("project")
        return rows if not self.actor.is_staff or self.actor.has_perm("core.see_records") else rows.none()

    def change(self, row: ProjectMember, values: dict[str, Any]) -> ProjectMember:
        wanted = {"role": row.role, "can_edit": row.can_edit, **values}
        return change_team_member(row, actor=self.actor, **wanted)

    def remove(self, row: ProjectMember) -> None:
        remove_team_member(row, actor=self.actor)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    @idempotent
    def invite(self, request: Request, pk: str) -> Response:
        """Send a team member without an account another invitation; the old link dies."""
        invite_again(self.get_object(), actor=self.actor)
        return Response(status=204)
