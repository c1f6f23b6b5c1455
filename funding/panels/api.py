"""Panels for programs: the same services as the pages. Minutes are signed by a person who has just signed in, on the page."""

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

from funding.panels import services
from funding.panels.models import AgendaItem, Meeting, PanelMember, Recusal
from funding.panels.reading import (
    Access,
    access_to,
    answers_for_panel,
    applicant_for_panel,
    people_of,
    reviews_for_panel,
)
from funding.panels.rules import member_of
from funding.panels.states import AgendaOrder, Choice, ItemState, MeetingState, PanelRole
from funding.reviews.api.reviews import ReasonSerializer
from funding.reviews.models import Review
from funding.reviews.rules import barred_from
from funding.reviews.states import ConflictKind, Opinion
from park_portal.core.api.acts import HasActs, HasListActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Resource, ResourceSerializer
from park_portal.core.errors import Forbidden
from park_portal.core.views import visible_or_404

KEY: Any = {"min_value": 1, "max_value": 2**63 - 1}


class SeatSerializer(serializers.Serializer[Any]):
    member = serializers.IntegerField(source="member.pk")
    person = serializers.IntegerField(source="member.user_id")
    name = serializers.CharField(source="member.user.name")
    role = serializers.ChoiceField(source="member.role", choices=PanelRole.choices)
    present = serializers.BooleanField(source="is_present")
    recused = serializers.BooleanField(source="is_recused")
    voted = serializers.BooleanField(source="has_voted")


class RoomSerializer(serializers.Serializer[Any]):
    """Who is on the panel, who is in the room, and whether they are enough, for the item on the table."""

    version = serializers.IntegerField(help_text="Counts up whenever something of the meeting changes.")
    item = serializers.IntegerField(allow_null=True, help_text="The item on the table.")
    quorum = serializers.IntegerField()
    present = serializers.IntegerField(help_text="Voting members who may stay in the room.")
    has_quorum = serializers.BooleanField()
    seats = SeatSerializer(many=True)


class MeetingSerializer(ResourceSerializer):
    call = serializers.CharField(source="call.code", read_only=True)

    class Meta:
        model = Meeting
        fields = (
            *(
                "id",
                "call",
                "stage",
                "title",
                "state",
                "starts_at",
                "minutes_planned",
                "place",
                "link",
                "quorum",
            ),
            *("vote_kind", "secret", "order", "ordering", "version", "opened_at", "closed_at"),
            *("signed_by", "signed_at", "signed_sha256"),
        )
        read_only_fields = fields


class MeetingFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=MeetingState.choices)
    call = django_filters.CharFilter(field_name="call__code")

    class Meta:
        model = Meeting
        fields = ("state",)


class AttendanceSerializer(serializers.Serializer[Any]):
    member = serializers.IntegerField(**KEY)
    present = serializers.BooleanField()


class PlaceSerializer(serializers.Serializer[Any]):
    item = serializers.IntegerField(**KEY)
    position = serializers.IntegerField(min_value=1, max_value=999)


class AgendaOrderSerializer(serializers.Serializer[Any]):
    """The order of what waits: worked out from the reviews, or ``staff`` with ``places``."""

    order = serializers.ChoiceField(choices=AgendaOrder.choices)
    seed = serializers.IntegerField(
        min_value=0, max_value=2**32 - 1, required=False, allow_null=True, default=None
    )
    places = PlaceSerializer(many=True, required=False, default=list)
    seen = serializers.ListField(
        child=serializers.IntegerField(**KEY),
        required=False,
        allow_null=True,
        default=None,
        max_length=999,
        help_text="The items that wait, in the order that you saw: refused with 409 when it is another by now.",
    )


class MeetingResource(HasActs, HasListActs, Resource):
    """Panel meetings: yours; park staff see all."""

    scope = "reviews"
    model = Meeting
    serializer_class = MeetingSerializer
    filterset_class = MeetingFilter
    orders = ("id", "starts_at")
    queryset = Meeting.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("call")

    @extend_schema(responses=RoomSerializer)
    @action(detail=True, methods=["get"])
    def room(self, request: Request, pk: str) -> Response:
        """Who is in the room, and what is on the table."""
        meeting: Meeting = self.get_object()
        table = meeting.items.filter(
            state__in=[ItemState.CURRENT, ItemState.VOTING, ItemState.COUNTED]
        ).first()
        room = services.room_of(meeting, table)
        shown = {
            "version": meeting.version,
            "item": table.pk if table is not None else None,
            "quorum": room.quorum,
            "present": len(room.present),
            "has_quorum": room.has_quorum,
            "seats": room.seats,
        }
        return Response(RoomSerializer(shown).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def open(self, request: Request, pk: str) -> Response:
        """Open the meeting."""
        return self._after(services.open_meeting(self.get_object(), actor=self.actor))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def close(self, request: Request, pk: str) -> Response:
        """Close the meeting: its minutes are written and go to the chair."""
        return self._after(services.close_meeting(self.get_object(), actor=self.actor))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def reopen(self, request: Request, pk: str) -> Response:
        """Open it again, while nobody has signed the minutes."""
        return self._after(services.reopen_meeting(self.get_object(), actor=self.actor))

    @extend_schema(request=AttendanceSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def attendance(self, request: Request, pk: str) -> Response:
        """Note that somebody has come or left: yourself, or whoever runs the meeting everyone."""
        meeting: Meeting = self.get_object()
        sent = AttendanceSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        member: PanelMember = visible_or_404(meeting.members.seated(), pk=sent.validated_data["member"])
        services.note_attendance(member, actor=self.actor, present=sent.validated_data["present"])
        return self._after(meeting)

    @extend_schema(request=AgendaOrderSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def order(self, request: Request, pk: str) -> Response:
        """Put what waits in order."""
        meeting: Meeting = self.get_object()
        sent = AgendaOrderSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = sent.validated_data
        seen = None if values["seen"] is None else services.order_mark(values["seen"])
        if values["order"] == AgendaOrder.STAFF:
            places = {one["item"]: one["position"] for one in values["places"]}
            services.place_items(meeting, places, actor=self.actor, seen=seen)
        else:
            services.order_agenda(
                meeting, actor=self.actor, order=values["order"], seed=values["seed"], seen=seen
            )
        return self._after(meeting)

    def _after(self, meeting: Meeting) -> Response:
        return Response(self.show(self.rows().get(pk=meeting.pk)))


# --- items of an agenda ------------------------------------------------------------------------------------------


class ItemSerializer(ResourceSerializer):
    number = serializers.CharField(source="application.number", read_only=True)
    title = serializers.CharField(source="application.title", read_only=True)
    opinion = serializers.CharField(read_only=True, allow_null=True)
    score = serializers.DecimalField(max_digits=5, decimal_places=2, read_only=True, allow_null=True)
    summary = serializers.CharField(read_only=True, allow_null=True)
    reason = serializers.CharField(source="reason_text", read_only=True, allow_null=True)

    class Meta:
        model = AgendaItem
        fields = (
            *("id", "meeting", "run", "application", "number", "title", "position", "state", "round"),
            *("called_at", "counted_at", "closed_at", "opinion", "score", "summary", "reason"),
        )
        read_only_fields = fields

    def to_representation(self, instance: AgendaItem) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if getattr(instance, "is_left", False):
            # Whoever left the room for it learns nothing of what was found there.
            for name in ("opinion", "score", "summary", "reason"):
                if name in shown:
                    shown[name] = None
        return shown


class ItemFilter(django_filters.FilterSet):
    meeting = django_filters.NumberFilter(field_name="meeting_id")
    state = django_filters.ChoiceFilter(choices=ItemState.choices)

    class Meta:
        model = AgendaItem
        fields = ("meeting", "state")


class ConcludeSerializer(serializers.Serializer[Any]):
    opinion = serializers.ChoiceField(choices=Opinion.choices)
    summary = serializers.CharField(max_length=8000)


class BallotSerializer(serializers.Serializer[Any]):
    """A score or a choice, as the meeting votes."""

    score = serializers.IntegerField(
        min_value=0, max_value=100, required=False, allow_null=True, default=None
    )
    choice = serializers.ChoiceField(choices=Choice.choices, required=False, allow_blank=True, default="")
    comment = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class RemarkSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=2000)


class RatingSerializer(serializers.Serializer[Any]):
    review = serializers.IntegerField(**KEY)
    value = serializers.IntegerField(min_value=1, max_value=5)


class PanelPledgeSerializer(serializers.Serializer[Any]):
    pledge = serializers.BooleanField(
        help_text="Your word: no conflict of interest is known to you, and you keep it confidential."
    )


class PanelConflictSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=ConflictKind.choices)
    note = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")


class ItemFileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    link = serializers.CharField()


class ItemQuestionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # named as the API names it
    text = serializers.CharField()
    files = ItemFileSerializer(many=True)


class ItemSectionSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    questions = ItemQuestionSerializer(many=True)


class PanelReviewSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    review = serializers.IntegerField(source="review.pk")
    opinion = serializers.CharField(source="review.opinion")
    score = serializers.DecimalField(source="review.score", max_digits=5, decimal_places=2, allow_null=True)
    comment = serializers.CharField(source="review.comment_committee")
    rating = serializers.IntegerField(allow_null=True, help_text="How useful you found it, 1 to 5.")


class PanelRemarkSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(source="member.user.name")
    text = serializers.CharField()
    at = serializers.DateTimeField()


class TallySerializer(serializers.Serializer[Any]):
    score = serializers.DecimalField(max_digits=5, decimal_places=2, allow_null=True)
    yes = serializers.IntegerField()
    no = serializers.IntegerField()
    abstained = serializers.IntegerField()
    ballots = serializers.IntegerField(source="count")


class ItemReadSerializer(serializers.Serializer[Any]):
    """What you may read of an item: team and title before you have declared, nothing where you left the room."""

    access = serializers.ChoiceField(choices=["open", "declare", "left"])
    applicant = serializers.CharField(help_text="Empty in a blind stage.")
    people = serializers.ListField(child=serializers.CharField())
    sections = ItemSectionSerializer(many=True)
    reviews = PanelReviewSerializer(many=True)
    remarks = PanelRemarkSerializer(many=True)
    tally = TallySerializer(allow_null=True, help_text="Once the vote is closed.")


class ItemResource(Resource):
    """Items of the agendas of your panels; park staff see all."""

    scope = "reviews"
    model = AgendaItem
    serializer_class = ItemSerializer
    filterset_class = ItemFilter
    orders = ("id", "position")
    queryset = AgendaItem.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        user: Any = self.request.user
        left = Recusal.objects.filter(item=models.OuterRef("pk"), member__user_id=user.pk)
        return (
            super()
            .rows()
            .select_related(
                "meeting",
                "run__stage",
                "application__call",
                "application__organisation",
                "application__project",
            )
            .annotate(
                is_left=models.Case(
                    models.When(
                        models.Exists(left) | models.Q(application_id__in=barred_from(user)),
                        then=models.Value(True),
                    ),
                    default=models.Value(False),
                )
            )
        )

    def _access(self, item: AgendaItem) -> tuple[Access, PanelMember | None]:
        member = member_of(self.actor, item.meeting)
        return access_to(item, self.actor, member), member

    @extend_schema(responses=ItemReadSerializer)
    @action(detail=True, methods=["get"])
    def read(self, request: Request, pk: str) -> Response:
        """The application, its reviews without names, what was said, and the count of a vote that is closed."""
        item: AgendaItem = self.get_object()
        access, member = self._access(item)
        is_closed = access.is_recused or access.is_barred
        shown: dict[str, Any] = {
            "access": "left" if is_closed else "open" if access.may_read else "declare",
            **{"applicant": "", "people": [], "sections": [], "reviews": [], "remarks": [], "tally": None},
        }
        if not is_closed:
            shown["applicant"], shown["people"] = people_of(item)
        if access.may_read:
            shown |= {
                "applicant": applicant_for_panel(item),
                "sections": [_section(section) for section in answers_for_panel(item)],
                "reviews": reviews_for_panel(item, member),
                "remarks": list(item.comments.select_related("member__user")),
                "tally": _tally(item),
            }
        return Response(ItemReadSerializer(shown).data)

    @extend_schema(request=PanelPledgeSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def pledge(self, request: Request, pk: str) -> Response:
        """Declare that you know of no conflict of interest: from now on the item can be read."""
        sent = self._sent(PanelPledgeSerializer)
        if not sent["pledge"]:
            raise serializers.ValidationError({"pledge": ["true"]})
        item = self.get_object()
        services.pledge_on(item, actor=self.actor)
        return self._after(item)

    @extend_schema(request=PanelConflictSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def conflict(self, request: Request, pk: str) -> Response:
        """Declare a conflict of interest: you leave the room for the item."""
        item = self.get_object()
        services.declare_conflict(item, actor=self.actor, **self._sent(PanelConflictSerializer))
        return self._after(item)

    @extend_schema(request=BallotSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def vote(self, request: Request, pk: str) -> Response:
        """Cast your ballot; one that was cast is not changed."""
        item = self.get_object()
        services.cast_ballot(item, actor=self.actor, **self._sent(BallotSerializer))
        return self._after(item)

    @extend_schema(request=RemarkSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def remark(self, request: Request, pk: str) -> Response:
        """Say something about the item, for everyone in the room."""
        item = self.get_object()
        services.comment_on(item, actor=self.actor, **self._sent(RemarkSerializer))
        return self._after(item)

    @extend_schema(request=RatingSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def rate(self, request: Request, pk: str) -> Response:
        """Say how useful one of the item's reviews was."""
        item = self.get_object()
        sent = self._sent(RatingSerializer)
        access, _member = self._access(item)
        if access.is_recused:
            raise Forbidden(code="recused")
        review = Review.objects.filter(application_id=item.application_id, pk=sent["review"]).first()
        if review is None:
            raise Http404
        services.rate_review(item, review, actor=self.actor, value=sent["value"])
        return self._after(item)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def call(self, request: Request, pk: str) -> Response:
        """Put the item on the table."""
        return self._after(services.call_item(self.get_object(), actor=self.actor))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"], url_path="open-vote", url_name="open-vote")
    @idempotent
    def open_vote(self, request: Request, pk: str) -> Response:
        """Open the vote."""
        return self._after(services.open_vote(self.get_object(), actor=self.actor))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def count(self, request: Request, pk: str) -> Response:
        """Close the vote and count."""
        return self._after(services.count_votes(self.get_object(), actor=self.actor))

    @extend_schema(request=ReasonSerializer)
    @action(detail=True, methods=["post"], url_path="vote-again", url_name="vote-again")
    @idempotent
    def vote_again(self, request: Request, pk: str) -> Response:
        """Go back to the discussion; the ballots so far do not count."""
        item = self.get_object()
        return self._after(services.vote_again(item, actor=self.actor, **self._sent(ReasonSerializer)))

    @extend_schema(request=ConcludeSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def conclude(self, request: Request, pk: str) -> Response:
        """Close the item with the panel's recommendation and the chair's summary."""
        item = self.get_object()
        return self._after(services.conclude_item(item, actor=self.actor, **self._sent(ConcludeSerializer)))

    @extend_schema(request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def postpone(self, request: Request, pk: str) -> Response:
        """Leave the item for later."""
        item = self.get_object()
        return self._after(services.postpone_item(item, actor=self.actor, **self._sent(ReasonSerializer)))

    @extend_schema(request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def drop(self, request: Request, pk: str) -> Response:
        """Take the item off the agenda."""
        item = self.get_object()
        return self._after(services.drop_item(item, actor=self.actor, **self._sent(ReasonSerializer)))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def resume(self, request: Request, pk: str) -> Response:
        """Put it back on the agenda, at the end."""
        return self._after(services.resume_item(self.get_object(), actor=self.actor))

    def _sent(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        sent = serializer(data=self.request.data)
        sent.is_valid(raise_exception=True)
        return dict(sent.validated_data)

    def _after(self, item: AgendaItem) -> Response:
        return Response(self.show(self.rows().get(pk=item.pk)))


def _section(section: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": section["title"],
        "questions": [
            {
                "key": one["key"],
                "label": str(one["label"]),
                "text": str(one["text"]),
                "files": [{"name": str(file["name"]), "link": str(file["url"])} for file in one["files"]],
            }
            for one in section["questions"]
        ],
    }


def _tally(item: AgendaItem) -> dict[str, Any] | None:
    if not item.is_voted:
        return None
    tally = services.tally_of(item)
    return {
        "score": tally.score,
        "yes": tally.yes,
        "no": tally.no,
        "abstained": tally.abstained,
        "count": len(tally.ballots),
    }
