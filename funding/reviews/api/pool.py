"""The pool of expert reviewers, and conflicts of interest."""

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

from funding.applications.models import Application
from funding.reviews.models import Conflict, Publication, Reviewer
from funding.reviews.services import (
    Match,
    add_publication,
    declare_tie,
    explain_match,
    paste_publications,
    records_of,
    remove_publication,
    update_publication,
    update_reviewer,
    withdraw_conflict,
)
from funding.reviews.services.publications import LONGEST_LIST, PUBLICATION_FIELDS
from funding.reviews.services.ties import KINDS
from funding.reviews.states import ConflictKind, ConflictSource, ConflictState
from park_portal.core.accounts.rules import sees_records
from park_portal.core.api.acts import HasActs, HasListActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Changeable, OfStaff, Removable, Resource, ResourceSerializer
from park_portal.core.views import visible_or_404
from park_portal.core.workflow import require


class ReviewerSerializer(ResourceSerializer):
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Reviewer
        fields = (
            *("id", "user", "name", "institution", "organisation", "faculty", "title", "kind", "orcid"),
            *("keywords", "statement", "capacity", "active"),
        )
        read_only_fields = ("id", "user")


class MatchingTermSerializer(serializers.Serializer[Any]):
    term = serializers.CharField()
    percent = serializers.FloatField(help_text="Of the score.")
    documents = serializers.ListField(child=serializers.CharField())


class NearDocumentSerializer(serializers.Serializer[Any]):
    document = serializers.CharField()
    nearness = serializers.FloatField(help_text="0 … 1")


class MatchSerializer(serializers.Serializer[Any]):
    """Why an application and a reviewer fit: the percents are of the score and add up to 100."""

    score = serializers.FloatField(help_text="0 … 1")
    terms = MatchingTermSerializer(many=True)
    rest = serializers.FloatField(help_text="Percent of further terms.")
    hidden = serializers.FloatField(help_text="Percent of terms of the text that may not be read yet.")
    meaning = serializers.FloatField(help_text="Percent of the meaning beyond words, where that is compared.")
    documents = NearDocumentSerializer(many=True)


def shown_match(match: Match) -> dict[str, Any]:
    """Return a match as ``MatchSerializer`` describes it."""
    return {
        "score": match.score,
        "terms": [
            {"term": one.term, "percent": one.percent, "documents": [str(label) for label in one.documents]}
            for one in match.terms
        ],
        "rest": match.rest,
        "hidden": match.hidden,
        "meaning": match.meaning,
        "documents": [{"document": str(label), "nearness": near} for label, near in match.documents],
    }


class PastedSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    known = serializers.IntegerField(help_text="On the list already.")
    unread = serializers.IntegerField(help_text="Could not be read.")


class PasteSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=LONGEST_LIST, help_text="A list in BibTeX or RIS.")


class FiguresSerializer(serializers.Serializer[Any]):
    invited = serializers.IntegerField()
    accepted = serializers.IntegerField()
    declined = serializers.IntegerField()
    conflicts = serializers.IntegerField()
    on_time = serializers.IntegerField()
    late = serializers.IntegerField()
    never = serializers.IntegerField(help_text="Accepted, the deadline is over, nothing came.")
    on_time_share = serializers.FloatField(
        allow_null=True, help_text="0 to 1, of those that have come to their end."
    )
    answered_days = serializers.FloatField(allow_null=True, help_text="Days until the answer, on average.")
    words = serializers.IntegerField(
        allow_null=True,
        help_text="Mean length of comments; each Chinese character and each other word counts one.",
    )
    characters = serializers.IntegerField(
        allow_null=True, help_text="The same in characters, without blanks."
    )
    usefulness = serializers.FloatField(
        allow_null=True, help_text="1 to 5: how useful members of panels found the reviews, on average."
    )
    usefulness_ratings = serializers.IntegerField(help_text="How many times they said so.")


class SeveritySerializer(serializers.Serializer[Any]):
    value = serializers.FloatField(help_text="Points of 100 above others; below zero is stricter.")
    stderr = serializers.FloatField(help_text="Its standard error.")
    parts = serializers.IntegerField(help_text="From how many calibrated stages.")


class RecordSerializer(serializers.Serializer[Any]):
    whole = FiguresSerializer(help_text="Over the years that the rule review.record_years says.")
    recent = FiguresSerializer(help_text="Over the last calls.")
    recent_calls = serializers.IntegerField()
    severity = SeveritySerializer(allow_null=True)


class ReviewerResource(HasListActs, Changeable, Resource):
    """The pool of expert reviewers, for staff; a reviewer sees their own entry."""

    scope = "reviews"
    model = Reviewer
    serializer_class = ReviewerSerializer
    queryset = Reviewer.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("user")

    @extend_schema(responses=RecordSerializer)
    @action(detail=True, methods=["get"])
    def record(self, request: Request, pk: str) -> Response:
        """What the person's reviews come to in figures: for themselves and for staff."""
        reviewer: Reviewer = self.get_object()
        return Response(RecordSerializer(records_of([reviewer.user_id])[reviewer.user_id]).data)

    def change(self, row: Reviewer, values: dict[str, Any]) -> Reviewer:
        return update_reviewer(row, actor=self.actor, **values)

    @extend_schema(responses=MatchSerializer)
    @action(detail=True, methods=["get"], url_path=r"match/(?P<number>[^/]{1,40})")
    def match(self, request: Request, pk: str, number: str) -> Response:
        """How well the reviewer fits the application of this number, and why; for staff."""
        if not sees_records(self.actor):
            raise Http404
        rows = Application.objects.visible_to(self.actor).submitted()
        application = visible_or_404(rows, number__iexact=number)
        return Response(shown_match(explain_match(application, self.get_object())))

    @extend_schema(request=PasteSerializer, responses=PastedSerializer)
    @action(detail=True, methods=["post"], url_path="publications")
    @idempotent
    def publications(self, request: Request, pk: str) -> Response:
        """Add the publications of a list as reference managers export it."""
        sent = PasteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        done = paste_publications(self.get_object(), actor=self.actor, **sent.validated_data)
        return Response({"added": len(done.added), "known": done.known, "unread": done.unread})


class PublicationSerializer(ResourceSerializer):
    class Meta:
        model = Publication
        fields = ("id", "reviewer", *PUBLICATION_FIELDS, "created_at", "updated_at")
        read_only_fields = ("id", "reviewer", "created_at", "updated_at")


class NewPublicationSerializer(PublicationSerializer):
    class Meta(PublicationSerializer.Meta):
        read_only_fields = ("id", "created_at", "updated_at")  # type: ignore[assignment] # one less


class PublicationFilter(django_filters.FilterSet):
    reviewer = django_filters.NumberFilter(field_name="reviewer_id")

    class Meta:
        model = Publication
        fields = ("reviewer", "year")


class PublicationResource(HasActs, Changeable, Removable, Resource):
    """What reviewers have published: your own, for staff those of the whole pool."""

    scope = "reviews"
    model = Publication
    serializer_class = PublicationSerializer
    filterset_class = PublicationFilter
    queryset = Publication.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("reviewer")

    @extend_schema(request=NewPublicationSerializer, responses={201: PublicationSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Add a publication to a reviewer's list."""
        sent = NewPublicationSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        reviewer = visible_or_404(Reviewer.objects.visible_to(self.actor), pk=values.pop("reviewer").pk)
        made = add_publication(reviewer, actor=self.actor, **values)
        row = visible_or_404(self.rows(), pk=made.pk)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    def change(self, row: Publication, values: dict[str, Any]) -> Publication:
        return update_publication(row, actor=self.actor, **values)

    def remove(self, row: Publication) -> None:
        remove_publication(row, actor=self.actor)


class ConflictSerializer(ResourceSerializer):
    other_email = serializers.CharField(read_only=True)  # or empty
    note = serializers.CharField(source="note_text", read_only=True)

    class Meta:
        model = Conflict
        fields = (
            *("id", "person", "application", "organisation", "faculty", "other"),
            *("other_name", "other_email", "other_orcid", "kind", "source", "state", "note"),
            *("since", "expires_on", "recorded_by", "recorded_at", "decided_by", "decided_at"),
        )
        read_only_fields = fields


class ConflictFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=ConflictState.choices)
    kind = django_filters.ChoiceFilter(choices=ConflictKind.choices)
    source = django_filters.ChoiceFilter(choices=ConflictSource.choices)
    person = django_filters.NumberFilter(field_name="person_id")
    application = django_filters.NumberFilter(field_name="application_id")

    class Meta:
        model = Conflict
        fields = ("state", "kind", "source", "person", "application")


class ConflictResource(HasActs, HasListActs, OfStaff, Resource):
    """Ties between people, organisations and applications that forbid a review, or may: for staff."""

    scope = "reviews"
    model = Conflict
    serializer_class = ConflictSerializer
    filterset_class = ConflictFilter
    queryset = Conflict.objects.none()


class TieSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in KINDS])
    organisation = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True, default="")
    orcid = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    since = serializers.DateField(required=False, allow_null=True, default=None)
    until = serializers.DateField(required=False, allow_null=True, default=None)
    note = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")


class TieResource(Resource):
    """What ties you to organisations and people: you are not asked to review what it concerns."""

    scope = "reviews"
    model = Conflict
    serializer_class = ConflictSerializer
    queryset = Conflict.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        person = self.actor
        return Conflict.objects.filter(person=person.pk, recorded_by=person.pk, state=ConflictState.STANDING)

    @extend_schema(request=TieSerializer, responses={201: ConflictSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Write one down. An organisation for employer, shares and board; a person for the others."""
        require(self.actor, "funding.review")
        sent = TieSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = declare_tie(self.actor, actor=self.actor, **sent.validated_data)
        return Response(self.show(made), status=201)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    @idempotent
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take back what you wrote down by mistake; what you declared on an application stays."""
        withdraw_conflict(self.get_object(), actor=self.actor)
        return Response(status=204)
