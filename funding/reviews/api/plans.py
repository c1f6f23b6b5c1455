"""Assignments of reviewers: made, worked out, changed by hand and confirmed by program, for staff."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from funding.calls.models import Stage
from funding.reviews.criteria import PlanCriteria, PoolFilter, criteria_of
from funding.reviews.models import AssignmentPlan, PlannedPair, StageRun
from funding.reviews.rules import barred_from
from funding.reviews.services import change_pairs, change_plan, create_plan, effect_of, record_of_draw
from funding.reviews.states import PlanFloor, PlanMethod, PlanState
from park_portal.core.accounts.models import User
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import (
    Changeable,
    OfStaff,
    Resource,
    ResourceSerializer,
    Strict,
)
from park_portal.core.views import visible_or_404
from park_portal.core.workflow import require

MOST_WORDS = 50
LARGEST_KEY = 2**63 - 1


class PoolFilterSerializer(Strict, serializers.Serializer[Any]):
    """Who of the pool is asked; an empty list leaves everyone in."""

    keywords = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=MOST_WORDS
    )
    institutions = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, max_length=MOST_WORDS
    )
    kinds = serializers.ListField(
        child=serializers.CharField(max_length=20), required=False, max_length=MOST_WORDS
    )
    with_room = serializers.BooleanField(required=False, help_text="Only who can take on another review.")
    on_time = serializers.IntegerField(
        required=False, min_value=0, max_value=100, help_text="Per cent handed in on time, at least."
    )


class CriteriaSerializer(Strict, serializers.Serializer[Any]):
    """What an assignment must keep; what is left out has its usual value."""

    per_application = serializers.IntegerField(required=False)
    max_load = serializers.IntegerField(required=False)
    min_load = serializers.IntegerField(required=False)
    floor = serializers.ChoiceField(choices=PlanFloor.choices, required=False)
    floor_value = serializers.FloatField(
        required=False, allow_null=True, help_text="With the floor “number”."
    )
    minimum = serializers.FloatField(required=False, help_text="Weakest match that is allowed, 0 to 1.")
    mix = serializers.DictField(
        child=serializers.IntegerField(min_value=0), required=False, help_text="By kind: reviewers, at least."
    )
    one_per_institution = serializers.BooleanField(required=False)
    together = serializers.IntegerField(required=False, help_text="Per cent.")
    connected = serializers.BooleanField(required=False)
    max_shared = serializers.IntegerField(required=False, allow_null=True)
    pool = PoolFilterSerializer(required=False)


def typed(sent: dict[str, Any], base: PlanCriteria) -> PlanCriteria:
    """Return ``base`` with what was sent in its place."""
    values = dict(sent)
    pool = values.pop("pool", None)
    if pool is not None:
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in pool.items()}
        values["pool"] = PoolFilter(**{**base.pool.__dict__, **given})
    return base.changed(**values)


class PlanSerializer(ResourceSerializer):
    criteria = CriteriaSerializer(required=False)

    class Meta:
        model = AssignmentPlan
        fields = (
            *("id", "call", "stage", "parent", "method", "criteria", "seed", "published_at", "due_at"),
            *("invites_replacements", "because", "state", "figures", "diagnosis", "revision"),
            *("created_by", "created_at", "solved_at", "confirmed_by", "confirmed_at"),
        )
        read_only_fields = (
            *("id", "call", "stage", "parent", "method", "published_at", "because", "state", "figures"),
            *(
                "diagnosis",
                "revision",
                "created_by",
                "created_at",
                "solved_at",
                "confirmed_by",
                "confirmed_at",
            ),
        )


class NewPlanSerializer(Strict, serializers.Serializer[Any]):
    stage = serializers.IntegerField(min_value=1, max_value=LARGEST_KEY, help_text="An expert stage.")
    method = serializers.ChoiceField(choices=PlanMethod.choices, required=False, default=PlanMethod.OPTIMAL)
    criteria = CriteriaSerializer(required=False)
    seed = serializers.IntegerField(required=False, allow_null=True, default=None)
    due_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    invites_replacements = serializers.BooleanField(required=False, default=False)


class PlannedPairSerializer(ResourceSerializer):
    application = serializers.IntegerField(source="run.application_id", read_only=True)
    number = serializers.CharField(source="run.application.number", read_only=True)
    name = serializers.CharField(source="person.name", read_only=True)

    class Meta:
        model = PlannedPair
        fields = ("id", "run", "application", "number", "person", "name", "affinity", "origin")
        read_only_fields = fields


class PeopleSerializer(Strict, serializers.Serializer[Any]):
    people = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_KEY),
        max_length=50,
        help_text="Who reads the application, beside those asked already.",
    )
    revision = serializers.IntegerField(min_value=1, help_text="Of the plan, as you know it.")
    preview = serializers.BooleanField(
        required=False, default=False, help_text="Only tell the effect; keep nothing."
    )


class QualitySerializer(serializers.Serializer[Any]):
    total = serializers.FloatField()
    mean = serializers.FloatField()
    worst = serializers.FloatField()
    short = serializers.IntegerField(help_text="Applications with fewer reviewers than asked for.")
    most = serializers.IntegerField(help_text="Largest load.")


class EffectSerializer(serializers.Serializer[Any]):
    before = QualitySerializer()
    after = QualitySerializer()
    added = serializers.ListField(child=serializers.IntegerField())
    removed = serializers.ListField(child=serializers.IntegerField())
    warnings = serializers.ListField(child=serializers.CharField())


class PlanFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=PlanState.choices)

    class Meta:
        model = AssignmentPlan
        fields = ("state", "call", "stage", "parent")


class AssignmentPlanResource(HasActs, OfStaff, Changeable, Resource):
    """Assignments of reviewers: made here, worked out, published, confirmed and discarded by ``acts/``."""

    scope = "reviews"
    model = AssignmentPlan
    serializer_class = PlanSerializer
    filterset_class = PlanFilter
    queryset = AssignmentPlan.objects.none()

    @extend_schema(request=NewPlanSerializer, responses={201: PlanSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Begin an assignment for an expert stage."""
        require(self.actor, "funding.assign_reviews")
        sent = NewPlanSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        stage = visible_or_404(Stage.objects.select_related("call"), pk=values.pop("stage"))
        given = values.pop("criteria", None)
        if given is not None:
            values["criteria"] = typed(given, PlanCriteria(per_application=stage.required_count))
        made = create_plan(stage, actor=self.actor, **values)
        row = visible_or_404(self.rows(), pk=made.pk)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    def change(self, row: AssignmentPlan, values: dict[str, Any]) -> AssignmentPlan:
        if "criteria" in values:
            values["criteria"] = typed(values["criteria"], criteria_of(row.criteria))
        return change_plan(row, actor=self.actor, **values)

    @extend_schema(responses=PlannedPairSerializer(many=True))
    @action(detail=True, methods=["get"], filterset_class=None)
    def pairs(self, request: Request, pk: str) -> Response:
        """Who is to read what, a page of it, without applications that a conflict of interest keeps you from."""
        rows = (
            PlannedPair.objects.filter(plan=self.get_object())
            .exclude(run__application_id__in=barred_from(self.actor))
            .select_related("run__application", "person")
        )
        page = self.paginate_queryset(rows) or []
        shown = PlannedPairSerializer(page, many=True, context=self.get_serializer_context()).data
        return self.get_paginated_response(shown)

    @extend_schema(
        request=PeopleSerializer,
        responses=EffectSerializer,
        parameters=[OpenApiParameter("run", OpenApiTypes.INT, OpenApiParameter.PATH)],
    )
    @action(
        detail=True, methods=["post"], url_path=r"applications/(?P<run>[0-9]{1,18})", url_name="change-pairs"
    )
    @idempotent
    def change_pairs(self, request: Request, pk: str, run: str) -> Response:
        """Say by hand who reads one application (``run`` is its stage run), and learn what that does to the whole."""
        plan = self.get_object()
        require(self.actor, "funding.assign_reviews", plan)
        sent = PeopleSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        data = sent.validated_data
        rows = StageRun.objects.filter(stage=plan.stage_id, planned__plan=plan).distinct()
        row = visible_or_404(rows.select_related("application"), pk=run)
        if data["preview"]:
            effect = effect_of(plan, row, data["people"], actor=self.actor)
        else:
            people = list(User.objects.filter(pk__in=data["people"]).order_by("pk"))
            effect = change_pairs(plan, row, people, actor=self.actor, revision=data["revision"])
        return Response(EffectSerializer(effect).data)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["get"])
    def draw(self, request: Request, pk: str) -> Response:
        """The record of a random draw: pool, hash, seed and result, as ``manage.py draw --file`` takes it."""
        return Response(record_of_draw(self.get_object(), self.actor))
