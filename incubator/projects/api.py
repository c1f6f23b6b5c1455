from __future__ import annotations

from typing import Any

import django_filters

from incubator.projects.models import ResearchProject
from incubator.projects.services import FIELDS, update_project
from incubator.projects.states import ProjectState
from park_portal.core.api.resource import Changeable, Resource, ResourceSerializer


class ProjectSerializer(ResourceSerializer):
    class Meta:
        model = ResearchProject
        fields = ("id", "code", *FIELDS, "state", "created_at", "updated_at")
        read_only_fields = ("id", "code", "state", "created_at", "updated_at")


class ProjectFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=ProjectState.choices)

    class Meta:
        model = ResearchProject
        fields = ("state", "university", "faculty", "trl", "approval_year")


class ProjectResource(Changeable, Resource):
    """The research projects of your teams and of your care; park staff see all."""

    scope = "projects"
    model = ResearchProject
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilter
    orders = ("id", "updated_at")
    queryset = ResearchProject.objects.none()

    def change(self, row: ResearchProject, values: dict[str, Any]) -> ResearchProject:
        return update_project(row, actor=self.request.user, **values)  # type: ignore[arg-type] # signed in
