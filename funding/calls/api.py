from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from funding.calls.models import Call, CallQuestion
from funding.calls.services import form_of
from funding.calls.states import CallState
from funding.funds.states import Track
from park_portal.core.api.acts import HasActs, HasListActs
from park_portal.core.api.resource import Resource, ResourceSerializer


class CallSerializer(ResourceSerializer):
    class Meta:
        model = Call
        fields = (
            *("id", "code", "title_zh_hans", "title_en", "summary_zh_hans", "summary_en"),
            *("body_zh_hans", "body_en", "track", "state", "opens_at", "closes_at", "grace_minutes"),
            *(
                "applicants",
                "budget_fen",
                "scoring",
                "min_amount_fen",
                "max_amount_fen",
                "max_files",
                "max_file_mb",
            ),
            "contact",
        )
        read_only_fields = fields


class ConditionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    value = serializers.CharField()


# Not a class: two of these names are a field's own.
QUESTION = inline_serializer(
    "Question",
    {
        "key": serializers.CharField(),
        "kind": serializers.CharField(),
        "label": serializers.CharField(),
        "help": serializers.CharField(),
        "required": serializers.BooleanField(),
        "settings": serializers.JSONField(),
        "asked_if": ConditionSerializer(allow_null=True),
    },
    many=True,
)


class SectionSerializer(serializers.Serializer[Any]):
    title_zh_hans = serializers.CharField()
    title_en = serializers.CharField(allow_null=True)
    questions = QUESTION


class FormSerializer(serializers.Serializer[Any]):
    sections = SectionSerializer(many=True)


class CallFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=CallState.choices)
    track = django_filters.ChoiceFilter(choices=Track.choices)

    class Meta:
        model = Call
        fields = ("state", "track")


class CallResource(HasActs, HasListActs, Resource):
    """Calls that were announced, open to everyone; park staff see drafts, too, and publish and close by ``acts/``."""

    scope = "calls"
    public = True
    model = Call
    serializer_class = CallSerializer
    filterset_class = CallFilter
    orders = ("id", "opens_at", "closes_at")
    lookup_field = "code"
    lookup_value_regex = "[A-Z0-9-]{1,24}"
    queryset = Call.objects.none()

    def rows(self) -> models.QuerySet[Call]:
        return Call.objects.visible_to(self.request.user)

    @extend_schema(responses=FormSerializer)
    @action(detail=True, methods=["get"])
    def form(self, request: Request, code: str) -> Response:
        """The questions of the call: their keys are those of the answers of its applications."""
        if not request.user.is_authenticated:
            raise NotAuthenticated
        call = self.get_object()
        return Response(
            {
                "sections": [
                    {
                        "title_zh_hans": section.title_zh_hans,
                        "title_en": section.title_en,
                        "questions": [_question(one) for one in section.questions.all()],
                    }
                    for section in form_of(call)
                ]
            }
        )


def _question(one: CallQuestion) -> dict[str, Any]:
    return {
        "key": one.key,
        "kind": one.kind,
        "label": one.label,
        "help": one.help_text,
        "required": one.required,
        "settings": one.settings,
        "asked_if": {"key": one.condition_on.key, "value": one.condition_value} if one.condition_on else None,
    }
