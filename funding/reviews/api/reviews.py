"""Reviews: answered, written, submitted."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from funding.calls.states import Blindness
from funding.reviews.api.pool import MatchSerializer, shown_match
from funding.reviews.models import Review, Reviewer
from funding.reviews.reading import (
    answers_for_reviewer,
    applicant_of,
    brief_of,
    latest_version,
    waits_for_files,
)
from funding.reviews.rubric import fields_of
from funding.reviews.services import (
    accept_review,
    ask_for_copies,
    current_pledge,
    declare_no_conflict,
    decline_review,
    explain_match,
    problems_of,
    recuse,
    save_field,
    submit_review,
)
from funding.reviews.states import ConflictKind, ReviewState
from funding.reviews.views.reviews import own_reviews
from park_portal.core.accounts.rules import sees_records
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.problems import ApiError
from park_portal.core.api.resource import Resource, ResourceSerializer
from park_portal.core.errors import Conflict as SomebodyElseWas

READ = (ReviewState.ACCEPTED, ReviewState.SUBMITTED)


class ReviewSerializer(ResourceSerializer):
    number = serializers.CharField(source="application.number", read_only=True)
    title = serializers.CharField(source="application.title", read_only=True)
    call = serializers.CharField(source="application.call.code", read_only=True)
    blindness = serializers.ChoiceField(
        source="run.stage.blindness", choices=Blindness.choices, read_only=True
    )
    reason = serializers.CharField(source="reason_text", read_only=True)
    opinion = serializers.CharField(read_only=True, allow_null=True)
    comment_committee = serializers.CharField(read_only=True, allow_null=True)
    comment_applicant = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = Review
        fields = (
            *("id", "run", "number", "title", "call", "blindness", "reviewer", "state", "due_at"),
            *("assigned_at", "declared_at", "accepted_at", "submitted_at", "suspended_at"),
            *("opinion", "confidence", "score"),
            *("comment_committee", "comment_applicant", "reason", "revision"),
        )
        read_only_fields = fields

    def to_representation(self, instance: Review) -> dict[str, Any]:
        shown = super().to_representation(instance)
        own = instance.reviewer_id == self.context["request"].user.pk
        if instance.state == ReviewState.SUSPENDED or (instance.state != ReviewState.SUBMITTED and not own):
            # A draft is its writer's; what is suspended says nothing to anybody.
            for name in ("opinion", "confidence", "score", "comment_committee", "comment_applicant"):
                if name in shown:
                    shown[name] = None
        return shown


class ReviewFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=ReviewState.choices)
    run = django_filters.NumberFilter(field_name="run_id")
    call = django_filters.CharFilter(field_name="application__call__code")

    class Meta:
        model = Review
        fields = ("state", "run")


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=400)


class RecuseSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=ConflictKind.choices)
    note = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")


class SubmitSerializer(serializers.Serializer[Any]):
    pledge = serializers.BooleanField(
        help_text="Your word that it is your own, independent and confidential."
    )
    revision = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0, max_value=2**31 - 1
    )


class PledgeSerializer(serializers.Serializer[Any]):
    pledge = serializers.BooleanField(help_text="Your signature under the pledge of integrity.")


class PledgeTextSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    text_zh_hans = serializers.CharField()
    text_en = serializers.CharField()


class FileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    link = serializers.CharField(help_text="Empty where there is none.")
    note = serializers.CharField(help_text="Why a double-blind reviewer does not get it.")


class ReadQuestionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # named as the API names it
    text = serializers.CharField()
    files = FileSerializer(many=True)


class ReadSectionSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    questions = ReadQuestionSerializer(many=True)


class ReadSerializer(serializers.Serializer[Any]):
    """What the reviewer may read of the application; before accepting, enough to know a conflict; the summary once declared."""

    title = serializers.CharField()
    summary = serializers.CharField()
    applicant = serializers.CharField(help_text="Empty in a double-blind stage.")
    people = serializers.ListField(child=serializers.CharField())
    sections = ReadSectionSerializer(many=True)


class FieldSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    part = serializers.CharField()
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # named as the API names it
    help = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment] # named as the API names it
    settings = serializers.JSONField()
    value = serializers.JSONField(allow_null=True)


class MissingFieldSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    detail = serializers.CharField()


class FieldsSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    results = FieldSerializer(many=True)
    problems = MissingFieldSerializer(many=True)


class ValueSerializer(serializers.Serializer[Any]):
    value = serializers.JSONField(allow_null=True, help_text="As it would be typed; null empties the field.")


class KeptSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    revision = serializers.IntegerField()


class ReviewResource(HasActs, Resource):
    """What you were asked to review; park staff see all, and what was submitted of them."""

    scope = "reviews"
    model = Review
    serializer_class = ReviewSerializer
    filterset_class = ReviewFilter
    orders = ("id", "due_at")
    queryset = Review.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        user = self.actor
        rows = Review.objects.visible_to(user) if sees_records(user) else own_reviews(user)
        return rows.select_related("application__call", "run__stage")

    @extend_schema(responses=ReadSerializer)
    @action(detail=True, methods=["get"])
    def application(self, request: Request, pk: str) -> Response:
        """What you may read of the application; in a double-blind stage without what tells who applies."""
        review = self._own()
        version = latest_version(review.application)
        brief, sections = brief_of(review, version), []
        if review.state in READ:
            sections = answers_for_reviewer(review, version)
            if waits_for_files(sections):
                ask_for_copies(review.application)
        elif not review.is_open:
            raise Http404
        return Response(
            {
                "title": brief.title,
                "summary": brief.summary,
                "applicant": applicant_of(review),
                "people": list(brief.people),
                "sections": [
                    {
                        "title": section["title"],
                        "questions": [
                            {
                                "key": one["key"],
                                "label": str(one["label"]),
                                "text": str(one["text"]),
                                "files": [
                                    {
                                        "name": str(file["name"]),
                                        "link": str(file["url"]),
                                        "note": str(file.get("note", "")),
                                    }
                                    for file in one["files"]
                                ],
                            }
                            for one in section["questions"]
                        ],
                    }
                    for section in sections
                ],
            }
        )

    @extend_schema(responses=MatchSerializer)
    @action(detail=True, methods=["get"])
    def match(self, request: Request, pk: str) -> Response:
        """Why you were asked: the terms that you and the application share; before accepting, those of its title."""
        review = self._own()
        reviewer = Reviewer.objects.filter(user_id=self.actor.pk).first()
        if reviewer is None or review.state not in (ReviewState.ASSIGNED, *READ):
            raise Http404
        only_title = review.state == ReviewState.ASSIGNED
        return Response(shown_match(explain_match(review.application, reviewer, only_title=only_title)))

    @extend_schema(responses=FieldsSerializer)
    @action(detail=True, methods=["get"])
    def fields(self, request: Request, pk: str) -> Response:
        """The rubric, the recommendation and the comments, as they are saved, and what is missing."""
        review = self._own()
        if review.state not in READ:
            raise Http404
        return Response(
            {
                "revision": review.revision,
                "results": [
                    {
                        "key": field.key,
                        "part": str(part),
                        "kind": str(field.kind),
                        "label": str(field.label),
                        "help": str(field.help),
                        "required": field.required,
                        "settings": field.settings,
                        "value": field.raw(),
                    }
                    for part, fields in fields_of(review)
                    for field in fields
                ],
                "problems": [
                    {"key": one.field or "", "detail": str(one.message)} for one in problems_of(review)
                ],
            }
        )

    @extend_schema(request=ValueSerializer, responses=KeptSerializer)
    @action(detail=True, methods=["put"], url_path=r"fields/(?P<key>[^/]{1,80})")
    def field(self, request: Request, pk: str, key: str) -> Response:
        """Save one field. ``If-Match`` is the review's revision that you last saw; 412 when it changed since."""
        sent = ValueSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            review = save_field(
                self._own(), key, sent.validated_data["value"], actor=self.actor, revision=self._revision()
            )
        except SomebodyElseWas as conflict:
            raise ApiError(412, "version", conflict.message, field=key) from conflict
        return Response({"key": key, "revision": review.revision}, headers={"ETag": f'"{review.revision}"'})

    @extend_schema(request=PledgeSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def declare(self, request: Request, pk: str) -> Response:
        """Declare to have no conflict of interest, and sign the pledge of integrity. From now on you see the summary."""
        sent = PledgeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return self._after(declare_no_conflict(self._own(), actor=self.actor, **sent.validated_data))

    @extend_schema(responses=PledgeTextSerializer)
    @action(detail=False, methods=["get"])
    def pledge(self, request: Request) -> Response:
        """The pledge of integrity that is signed today, in both languages."""
        held = current_pledge()
        return Response(
            {"version": held.version, "text_zh_hans": held.text_zh_hans, "text_en": held.text_en or ""}
        )

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def accept(self, request: Request, pk: str) -> Response:
        """Accept, once declared: you keep the text confidential. From now on it can be read."""
        return self._after(accept_review(self._own(), actor=self.actor))

    @extend_schema(request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def decline(self, request: Request, pk: str) -> Response:
        """Decline with a reason."""
        sent = ReasonSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return self._after(decline_review(self._own(), actor=self.actor, **sent.validated_data))

    @extend_schema(request=RecuseSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def conflict(self, request: Request, pk: str) -> Response:
        """Declare a conflict of interest."""
        sent = RecuseSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return self._after(recuse(self._own(), actor=self.actor, **sent.validated_data))

    @extend_schema(request=SubmitSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def submit(self, request: Request, pk: str) -> Response:
        """Submit the review as it is saved. What lacks is listed under ``errors``."""
        sent = SubmitSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return self._after(submit_review(self._own(), actor=self.actor, **sent.validated_data))

    def _own(self) -> Review:
        """Return the review for its reviewer; for everyone else it is not there."""
        review: Review = self.get_object()
        if review.reviewer_id != self.actor.pk:
            raise Http404
        review.run.application = review.application
        return review

    def _after(self, review: Review) -> Response:
        return Response(self.show(self.rows().get(pk=review.pk)))

    def _revision(self) -> int:
        given = self.request.headers.get("If-Match", "").strip().strip('"')
        if not (given.isascii() and given.isdecimal() and len(given) < 10):
            raise ApiError(
                428 if not given else 400, "version_required", "If-Match: “3” is a revision of the review."
            )
        return int(given)
