from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Resource, ResourceSerializer
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import cancel_job, label_of, retry_job
from park_portal.core.jobs.states import JobState


class JobSerializer(ResourceSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    label = serializers.SerializerMethodField()  # type: ignore[assignment] # named as the API names it
    percent = serializers.IntegerField(read_only=True, allow_null=True)
    result = serializers.UUIDField(source="result.public_id", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Job
        fields = (
            *("id", "kind", "label", "state", "done", "total", "percent", "message", "error", "result"),
            *("created_at", "started_at", "finished_at"),
        )
        read_only_fields = fields

    def get_label(self, job: Job) -> str:
        """What was asked for, in words."""
        return str(label_of(job.kind))


class JobFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=JobState.choices)

    class Meta:
        model = Job
        fields = ("state", "kind")


class JobResource(Resource):
    """The long work that you asked for; its ``result`` is a document to be downloaded."""

    scope = "jobs"
    model = Job
    serializer_class = JobSerializer
    filterset_class = JobFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    orders = ("created_at",)
    default_order = "-created_at"
    queryset = Job.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("result")

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def cancel(self, request: Request, id: str) -> Response:
        """Cancel a job that waits or runs; what it did so far is undone."""
        cancel_job(self.get_object(), actor=self.actor)
        return Response(self.show(self.get_object()))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def retry(self, request: Request, id: str) -> Response:
        """Run a failed or cancelled job again, from the beginning."""
        retry_job(self.get_object(), actor=self.actor)
        return Response(self.show(self.get_object()))
