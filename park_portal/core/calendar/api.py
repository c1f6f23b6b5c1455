from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django.db import models
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.api.resource import Resource, ResourceSerializer
from park_portal.core.calendar.models import SpecialDay
from park_portal.core.calendar.services import (
    add_working_days,
    is_working_day,
    working_calendar,
    working_days_between,
)

MOST_DAYS = 3660


class SpecialDaySerializer(ResourceSerializer):
    class Meta:
        model = SpecialDay
        fields = ("id", "date", "working", "name", "source")
        read_only_fields = fields


class SpecialDayFilter(django_filters.FilterSet):
    since = django_filters.DateFilter(field_name="date", lookup_expr="gte")
    until = django_filters.DateFilter(field_name="date", lookup_expr="lte")

    class Meta:
        model = SpecialDay
        fields = ("since", "until")


class CountSerializer(serializers.Serializer[Any]):
    """Which days to count: to a day, or a number of working days on."""

    start = serializers.DateField()
    end = serializers.DateField(required=False)
    days = serializers.IntegerField(required=False, min_value=-MOST_DAYS, max_value=MOST_DAYS)

    def validate_start(self, value: date) -> date:
        return _in_reach(value)

    def validate_end(self, value: date) -> date:
        return _in_reach(value)


class CountedSerializer(serializers.Serializer[Any]):
    start = serializers.DateField()
    start_is_worked = serializers.BooleanField()
    end = serializers.DateField()
    days = serializers.IntegerField(help_text="Working days after the start up to and including the end.")


def _in_reach(value: date) -> date:
    if not 2000 <= value.year <= 2100:
        raise serializers.ValidationError("2000–2100")
    return value


class CalendarResource(Resource):
    """Days that are worked, or not, whatever the published calendar of the State Council says; read by everyone."""

    scope = "park"
    public = True
    model = SpecialDay
    serializer_class = SpecialDaySerializer
    filterset_class = SpecialDayFilter
    orders = ("date",)
    default_order = "-date"
    queryset = SpecialDay.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return SpecialDay.objects.all()

    @extend_schema(
        parameters=[
            OpenApiParameter("start", OpenApiTypes.DATE, required=True),
            OpenApiParameter("end", OpenApiTypes.DATE, description="Up to and including this day, or …"),
            OpenApiParameter("days", OpenApiTypes.INT, description="… so many working days on."),
        ],
        filters=False,
        responses=CountedSerializer,
    )
    @action(detail=False, methods=["get"], pagination_class=None, filterset_class=None)
    def count(self, request: Request) -> Response:
        """Working days between two days, or the day so many working days on."""
        sent = CountSerializer(data=request.query_params)
        sent.is_valid(raise_exception=True)
        values, calendar = sent.validated_data, working_calendar()
        start = values["start"]
        end = values.get("end") or add_working_days(start, values.get("days", 0), calendar=calendar)
        return Response(
            {
                "start": start,
                "start_is_worked": is_working_day(start, calendar=calendar),
                "end": end,
                "days": working_days_between(start, end, calendar=calendar),
            }
        )
