"""The pool of expert reviewers, and conflicts of interest."""

from __future__ import annotations

from typing import Any

from django.db import models
from rest_framework import serializers

from funding.reviews.models import Conflict, Reviewer
from funding.reviews.services import (
    update_reviewer,
)
from park_portal.core.api.acts import HasActs, HasListActs
from park_portal.core.api.resource import Changeable, OfStaff, Resource, ResourceSerializer


class ReviewerSerializer(ResourceSerializer):
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Reviewer
        fields = ("id", "user", "name", "institution", "title", "keywords", "capacity", "active")
        read_only_fields = ("id", "user")


class ReviewerResource(HasListActs, Changeable, Resource):
    """The pool of expert reviewers, for staff; a reviewer sees their own entry."""

    scope = "reviews"
    model = Reviewer
    serializer_class = ReviewerSerializer
    queryset = Reviewer.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("user")

    def change(self, row: Reviewer, values: dict[str, Any]) -> Reviewer:
        return update_reviewer(row, actor=self.actor, **values)


class ConflictSerializer(ResourceSerializer):
    class Meta:
        model = Conflict
        fields = ("id", "person", "application", "kind", "note", "recorded_by", "recorded_at")
        read_only_fields = fields


class ConflictResource(HasActs, HasListActs, OfStaff, Resource):
    """Why somebody must not review an application, for staff."""

    scope = "reviews"
    model = Conflict
    serializer_class = ConflictSerializer
    queryset = Conflict.objects.none()
