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

from funding.calls.models import Criterion
from funding.calls.states import StageKind
from funding.reviews.models import Conflict, Objection, Review, Reviewer, StageRun
from funding.reviews.reading import answers_for_reviewer, applicant_of, brief_of, latest_version
from funding.reviews.rubric import fields_of
from funding.reviews.services import (
    accept_review,
    act_in_stage,
    decline_review,
    problems_of,
    record_objection,
    recuse,
    save_field,
    submit_review,
    update_reviewer,
)
from funding.reviews.states import ConflictKind, Opinion, ReviewState, RunState
from funding.reviews.views.notice import applicant_name, refuse_too_often, runs_under_notice
from funding.reviews.views.reviews import own_reviews
from park_portal.core.accounts.rules import sees_records
from park_portal.core.api.acts import HasActs, HasListActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.problems import ApiError
from park_portal.core.api.resource import Changeable, OfStaff, Resource, ResourceSerializer
from park_portal.core.errors import Conflict as SomebodyElseWas

READ = (ReviewState.ACCEPTED, ReviewState.SUBMITTED)


# --- what waits for an opinion: the university's queue, and the staff's ------------------------------------------


class CriterionSerializer(serializers.ModelSerializer[Criterion]):
    class Meta:
        model = Criterion
        fields = ("id", "kind", "label", "help", "weight", "max_score", "allow_na")
        read_only_fields = fields


class RunSerializer(ResourceSerializer):
    number = serializers.CharField(source="application.number", read_only=True)
    title = serializers.CharField(source="application.title", read_only=True)
    call = serializers.CharField(source="application.call.code", read_only=True)
    kind = serializers.ChoiceField(source="stage.kind", choices=StageKind.choices, read_only=True)
    acts = serializers.CharField(source="stage.acts", read_only=True, help_text="Who acts in it.")
    note = serializers.CharField(source="note_text", read_only=True)
    criteria = CriterionSerializer(source="stage.criteria", many=True, read_only=True)

    class Meta:
        model = StageRun
        fields = (
            *("id", "application", "number", "title", "call", "kind", "acts", "state"),
            *("entered_at", "due_at", "finished_at", "note", "criteria"),
        )
        read_only_fields = fields


class RunFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=RunState.choices)
    kind = django_filters.ChoiceFilter(field_name="stage__kind", choices=StageKind.choices)
    call = django_filters.CharFilter(field_name="application__call__code")
    application = django_filters.NumberFilter(field_name="application_id")

    class Meta:
        model = StageRun
        fields = ("state", "kind", "application")


class MarkSerializer(serializers.Serializer[Any]):
    criterion = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    value = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=10,
        help_text="A number; of a check “met”, “not_met” or “na”.",
    )
    not_applicable = serializers.BooleanField(required=False, default=False)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class OpeningSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=80)
    comment = serializers.CharField(allow_blank=True, required=False, default="", max_length=2000)


class OpinionSerializer(serializers.Serializer[Any]):
    opinion = serializers.ChoiceField(choices=Opinion.choices)
    marks = MarkSerializer(many=True, required=False, default=list)
    comment_committee = serializers.CharField(allow_blank=True, required=False, default="", max_length=4000)
    comment_applicant = serializers.CharField(allow_blank=True, required=False, default="", max_length=4000)
    open = OpeningSerializer(many=True, required=False, default=list, help_text="To return: what to change.")
    due_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="By when it is to be changed."
    )


class RunResource(HasActs, Resource):
    """Applications in a stage: for liaisons those that wait, or waited, for their university's opinion; for staff all."""

    scope = "reviews"
    model = StageRun
    serializer_class = RunSerializer
    filterset_class = RunFilter
    orders = ("id", "due_at")
    queryset = StageRun.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        rows = super().rows().select_related("stage", "application__call", "application__project")
        return rows.prefetch_related("stage__criteria")

    @extend_schema(request=OpinionSerializer, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def opinion(self, request: Request, pk: str) -> Response:
        """Give your opinion where it is your turn: endorse or pass, object or reject, or return for changes."""
        run: StageRun = self.get_object()
        sent = OpinionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = sent.validated_data
        checked = {one.pk for one in run.stage.criteria.all() if one.kind == "check"}
        marks = values["marks"]
        act_in_stage(
            run,
            actor=self.actor,
            opinion=values["opinion"],
            checks={one["criterion"]: one.get("value") or "" for one in marks if one["criterion"] in checked},
            scores={one["criterion"]: one for one in marks if one["criterion"] not in checked},
            comment_committee=values["comment_committee"],
            comment_applicant=values["comment_applicant"],
            items={one["key"]: one["comment"] for one in values["open"]},
            due_at=values["due_at"],
        )
        return Response(self.show(self.get_object()))


# --- reviews -----------------------------------------------------------------------------------------------------


class ReviewSerializer(ResourceSerializer):
    number = serializers.CharField(source="application.number", read_only=True)
    title = serializers.CharField(source="application.title", read_only=True)
    call = serializers.CharField(source="application.call.code", read_only=True)
    blind = serializers.BooleanField(source="run.stage.blind", read_only=True)
    reason = serializers.CharField(source="reason_text", read_only=True)
    opinion = serializers.CharField(read_only=True, allow_null=True)
    comment_committee = serializers.CharField(read_only=True, allow_null=True)
    comment_applicant = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = Review
        fields = (
            *("id", "run", "number", "title", "call", "blind", "reviewer", "state", "due_at"),
            *("assigned_at", "accepted_at", "submitted_at", "opinion", "confidence", "score"),
            *("comment_committee", "comment_applicant", "reason", "revision"),
        )
        read_only_fields = fields

    def to_representation(self, instance: Review) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if (
            instance.state != ReviewState.SUBMITTED
            and instance.reviewer_id != self.context["request"].user.pk
        ):
            # A draft is its writer's.
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


class FileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    link = serializers.CharField()


class ReadQuestionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # named as the API names it
    text = serializers.CharField()
    files = FileSerializer(many=True)


class ReadSectionSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    questions = ReadQuestionSerializer(many=True)


class ReadSerializer(serializers.Serializer[Any]):
    """What the reviewer may read of the application; before accepting, enough to know a conflict."""

    title = serializers.CharField()
    summary = serializers.CharField()
    applicant = serializers.CharField(help_text="Empty in a blind stage.")
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
        """What you may read of the application; in a blind stage without what tells who applies."""
        review = self._own()
        version = latest_version(review.application)
        brief, sections = brief_of(review, version), []
        if review.state in READ:
            sections = answers_for_reviewer(review, version)
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
                                    {"name": str(file["name"]), "link": str(file["url"])}
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

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def accept(self, request: Request, pk: str) -> Response:
        """Accept: you know no conflict and keep the text confidential. From now on it can be read."""
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


# --- experts, conflicts ------------------------------------------------------------------------------------------


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


# --- the public notice -------------------------------------------------------------------------------------------


class ObjectionSerializer(ResourceSerializer):
    application = serializers.IntegerField(source="run.application_id", read_only=True)
    email = serializers.CharField(read_only=True)

    class Meta:
        model = Objection
        fields = (
            *("id", "run", "application", "name", "email", "text", "received_at"),
            *("resolution", "upheld", "resolved_by", "resolved_at"),
        )
        read_only_fields = fields


class ObjectionResource(HasActs, OfStaff, Resource):
    """Objections raised during a public notice, for staff; resolved by ``acts/``."""

    scope = "reviews"
    model = Objection
    serializer_class = ObjectionSerializer
    queryset = Objection.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("run__application")


class PublicNoticeSerializer(ResourceSerializer):
    number = serializers.CharField(source="application.number", read_only=True)
    title = serializers.CharField(source="application.title", read_only=True)
    call = serializers.CharField(source="application.call.code", read_only=True)
    applicant = serializers.SerializerMethodField()
    until = serializers.DateTimeField(source="due_at", read_only=True)

    class Meta:
        model = StageRun
        fields = ("id", "number", "title", "call", "applicant", "until")
        read_only_fields = fields

    def get_applicant(self, run: StageRun) -> str:
        """Who applies."""
        return applicant_name(run.application)


class NewObjectionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True, default="")
    text = serializers.CharField(max_length=4000)


class NoticeResource(Resource):
    """Applications under public notice: read by everyone, objected to by whoever signed in (others on the page)."""

    scope = "reviews"
    public = True
    model = StageRun
    serializer_class = PublicNoticeSerializer
    orders = ("due_at",)
    default_order = "due_at"
    queryset = StageRun.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return runs_under_notice()

    @extend_schema(request=NewObjectionSerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="objections", url_name="object")
    @idempotent
    def objections(self, request: Request, pk: str) -> Response:
        """Object, with a reason that can be checked."""
        sent = NewObjectionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        run = self.get_object()
        refuse_too_often()
        record_objection(run, **sent.validated_data)
        return Response(status=204)
