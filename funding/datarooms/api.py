"""Data rooms for programs: the company's side, what is shared with oneself, and asking to be let in."""

from __future__ import annotations

import uuid
from typing import Any

import django_filters
from django.db import models
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from funding.datarooms import services
from funding.datarooms.models import (
    DataRoomAccess,
    DataRoomGrant,
    DataRoomInvestor,
    DataRoomItem,
    DataRoomRequest,
    rooms_of,
)
from funding.datarooms.services import File
from funding.datarooms.states import Folder, Level, RequestState, Source, What
from incubator.organisations.models import Organisation
from park_portal.core.accounts.states import Language
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Changeable, Removable, Resource, ResourceSerializer, Rows
from park_portal.core.errors import DomainError
from park_portal.core.views import visible_or_404

KEY: Any = {"min_value": 1, "max_value": 2**63 - 1}


class InRooms(Rows):
    """Rows of data rooms; for who views the portal as somebody else there are none."""

    scope = "datarooms"

    def rows(self) -> models.QuerySet[Any]:
        found = super().rows()
        return found.none() if services.is_looked_over() else found

    def room(self, number: int) -> Organisation:
        """Return the company that the caller names, of those whose room they fill; 404 for another."""
        if services.is_looked_over():
            raise Http404
        found: Organisation = visible_or_404(rooms_of(self.actor), pk=number)
        return found


class ByUuid(Rows):
    """Rows whose key is a UUID."""

    def _key(self) -> str:
        try:
            return str(uuid.UUID(self.kwargs[self.lookup_url_kwarg or self.lookup_field]))
        except ValueError:
            raise Http404 from None


# --- what is in the room -------------------------------------------------------------------------------------------


class RoomItemSerializer(ResourceSerializer):
    document = serializers.UUIDField(source="document.public_id", read_only=True, allow_null=True)
    value_from = serializers.CharField(source="source", read_only=True)

    class Meta:
        model = DataRoomItem
        fields = (
            *("id", "organisation", "kind", "folder", "title", "document", "pages", "value_from", "value"),
            *("as_of", "version", "created_at", "changed_at"),
        )
        read_only_fields = (
            *("id", "organisation", "kind", "document", "pages", "value_from", "version"),
            *("created_at", "changed_at"),
        )


class RoomFactSerializer(serializers.Serializer[Any]):
    organisation = serializers.IntegerField(**KEY)
    title = serializers.CharField(max_length=120)
    folder = serializers.ChoiceField(choices=Folder.choices, default=Folder.COMPANY)
    value_from = serializers.ChoiceField(
        source="source",
        choices=Source.choices,
        default=Source.TYPED,
        help_text="Typed here, or read from the organisation's record whenever it is shown.",
    )
    value = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    as_of = serializers.DateField(required=False, allow_null=True, default=None)


class RoomDocumentSerializer(serializers.Serializer[Any]):
    organisation = serializers.IntegerField(**KEY)
    title = serializers.CharField(max_length=120)
    folder = serializers.ChoiceField(choices=Folder.choices, default=Folder.COMPANY)
    file = serializers.FileField()


class RoomFileSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()


class RoomItemFilter(django_filters.FilterSet):
    organisation = django_filters.NumberFilter(field_name="organisation_id")
    folder = django_filters.ChoiceFilter(choices=Folder.choices)

    class Meta:
        model = DataRoomItem
        fields = ("organisation", "folder", "kind")


def file_of(request: Request) -> Any:
    found = request.FILES.get("file")
    if found is None:
        raise DomainError(_("Choose a file first."), code="no_file", field="file")
    return found


class RoomItemResource(InRooms, ByUuid, Changeable, Removable, Resource):
    """What is in the data rooms of your companies: documents and fields."""

    model = DataRoomItem
    serializer_class = RoomItemSerializer
    filterset_class = RoomItemFilter
    orders = ("id", "created_at")
    default_order = "-created_at"
    queryset = DataRoomItem.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        mine = rooms_of(self.request.user).values("pk")
        return super().rows().filter(organisation__in=mine).select_related("document", "organisation")

    def change(self, row: DataRoomItem, values: dict[str, Any]) -> DataRoomItem:
        return services.update_item(row, actor=self.actor, **values)

    def remove(self, row: DataRoomItem) -> None:
        services.remove_item(row, actor=self.actor)

    @extend_schema(request=RoomFactSerializer, responses={201: RoomItemSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Put a field into the room: typed, or read from the organisation's record."""
        sent = RoomFactSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        made = services.add_fact(self.room(values.pop("organisation")), actor=self.actor, **values)
        return self._made(made)

    @extend_schema(
        request={"multipart/form-data": RoomDocumentSerializer}, responses={201: RoomItemSerializer}
    )
    @action(detail=False, methods=["post"], parser_classes=[MultiPartParser])
    @idempotent
    def upload(self, request: Request) -> Response:
        """Put a file into the room, sent as ``file`` of a multipart form."""
        sent = RoomDocumentSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        values["file"] = file_of(request)
        made = services.add_document(self.room(values.pop("organisation")), actor=self.actor, **values)
        return self._made(made)

    @extend_schema(request={"multipart/form-data": RoomFileSerializer}, responses=RoomItemSerializer)
    @action(detail=True, methods=["post"], parser_classes=[MultiPartParser])
    @idempotent
    def replace(self, request: Request, pk: str) -> Response:
        """Put a new version in the place of a document; who may see it sees the new one."""
        row = self.get_object()
        services.replace_document(row, actor=self.actor, file=file_of(request))
        return Response(self.show(self.get_object()))

    def _made(self, made: DataRoomItem) -> Response:
        row = visible_or_404(self.rows(), pk=made.pk)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})


# --- investors -----------------------------------------------------------------------------------------------------


class RoomInvestorSerializer(ResourceSerializer):
    accepted = serializers.SerializerMethodField()

    class Meta:
        model = DataRoomInvestor
        fields = ("id", "organisation", "email", "name", "firm", "accepted", "created_at")
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.BOOL)
    def get_accepted(self, row: DataRoomInvestor) -> bool:
        return row.user_id is not None


class RoomInviteSerializer(serializers.Serializer[Any]):
    organisation = serializers.IntegerField(**KEY)
    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=80)
    firm = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    language = serializers.ChoiceField(choices=Language.choices, default=Language.ZH_HANS)


class RoomInvestorFilter(django_filters.FilterSet):
    organisation = django_filters.NumberFilter(field_name="organisation_id")

    class Meta:
        model = DataRoomInvestor
        fields = ("organisation",)


class RoomInvestorResource(InRooms, Removable, Resource):
    """Whom your companies let into their data rooms. Removing one ends all their access."""

    model = DataRoomInvestor
    serializer_class = RoomInvestorSerializer
    filterset_class = RoomInvestorFilter
    queryset = DataRoomInvestor.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("organisation")

    def remove(self, row: DataRoomInvestor) -> None:
        services.remove_investor(row, actor=self.actor)

    @extend_schema(request=RoomInviteSerializer, responses={201: RoomInvestorSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Invite an investor by mail."""
        sent = RoomInviteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        made = services.invite_investor(self.room(values.pop("organisation")), actor=self.actor, **values)
        row = visible_or_404(self.rows(), pk=made.pk)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    @extend_schema(request=None, responses=RoomInvestorSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def again(self, request: Request, pk: str) -> Response:
        """Send an invitation again with a new link; the old one dies."""
        return Response(self.show(services.invite_again(self.get_object(), actor=self.actor)))


# --- grants and accesses -------------------------------------------------------------------------------------------


class RoomGrantSerializer(ResourceSerializer):
    organisation = serializers.IntegerField(source="item.organisation_id", read_only=True)

    class Meta:
        model = DataRoomGrant
        fields = (
            *("id", "organisation", "item", "investor", "level", "unmarked", "starts_at", "ends_at"),
            "revoked_at",
        )
        read_only_fields = fields


class RoomShareSerializer(serializers.Serializer[Any]):
    organisation = serializers.IntegerField(**KEY)
    items = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=200)
    investors = serializers.ListField(child=serializers.IntegerField(**KEY), min_length=1, max_length=50)
    level = serializers.ChoiceField(choices=Level.choices, default=Level.VIEW)
    until = serializers.DateField(help_text="The last day, in Shanghai.")
    unmarked = serializers.BooleanField(
        default=False, help_text="Files that cannot carry a watermark may leave as they are."
    )


class RoomSharedSerializer(serializers.Serializer[Any]):
    results = RoomGrantSerializer(many=True)


class RoomGrantFilter(django_filters.FilterSet):
    organisation = django_filters.NumberFilter(field_name="item__organisation_id")

    class Meta:
        model = DataRoomGrant
        fields = ("organisation", "item", "investor", "level")


class RoomGrantResource(InRooms, Resource):
    """What is granted to whom, and until when: of your companies; leads and auditors of the park see all, not what it is."""

    model = DataRoomGrant
    serializer_class = RoomGrantSerializer
    filterset_class = RoomGrantFilter
    queryset = DataRoomGrant.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("item__organisation", "investor")

    @extend_schema(request=RoomShareSerializer, responses={201: RoomSharedSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Share items with investors; what they hold of an item already is replaced."""
        sent = RoomShareSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        room = self.room(values.pop("organisation"))
        items = DataRoomItem.objects.filter(organisation=room, removed_at__isnull=True)
        investors = DataRoomInvestor.objects.filter(organisation=room, removed_at__isnull=True)
        made = services.grant_items(
            room,
            actor=self.actor,
            items=[visible_or_404(items, pk=one) for one in values.pop("items")],
            investors=[visible_or_404(investors, pk=one) for one in values.pop("investors")],
            **values,
        )
        rows = self.rows().filter(pk__in=[one.pk for one in made]).order_by("pk")
        return Response({"results": [self.show(row) for row in rows]}, status=201)

    @extend_schema(request=None, responses=RoomGrantSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def revoke(self, request: Request, pk: str) -> Response:
        """End a grant now."""
        return Response(self.show(services.revoke_grant(self.get_object(), actor=self.actor)))


class RoomAccessSerializer(ResourceSerializer):
    item = serializers.UUIDField(source="grant.item_id", read_only=True)
    investor = serializers.IntegerField(source="grant.investor_id", read_only=True)

    class Meta:
        model = DataRoomAccess
        fields = ("id", "grant", "item", "investor", "what", "at", "version", "page", "opening")
        read_only_fields = fields


class RoomAccessFilter(django_filters.FilterSet):
    organisation = django_filters.NumberFilter(field_name="grant__item__organisation_id")
    investor = django_filters.NumberFilter(field_name="grant__investor_id")
    what = django_filters.ChoiceFilter(choices=What.choices)

    class Meta:
        model = DataRoomAccess
        fields = ("organisation", "investor", "what", "grant")


class RoomAccessResource(InRooms, Resource):
    """Each time that an investor opened, paged through or downloaded something of your companies, or was refused it."""

    model = DataRoomAccess
    serializer_class = RoomAccessSerializer
    filterset_class = RoomAccessFilter
    queryset = DataRoomAccess.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("grant")


# --- what is shared with oneself -----------------------------------------------------------------------------------


class SharedItemSerializer(ResourceSerializer):
    id = serializers.UUIDField(source="item_id", read_only=True)
    organisation = serializers.IntegerField(source="item.organisation_id", read_only=True)
    company = serializers.CharField(source="item.organisation.name", read_only=True)
    kind = serializers.CharField(source="item.kind", read_only=True)
    folder = serializers.CharField(source="item.folder", read_only=True)
    title = serializers.CharField(source="item.title", read_only=True)
    pages = serializers.IntegerField(source="item.pages", read_only=True)
    version = serializers.IntegerField(source="item.version", read_only=True)

    class Meta:
        model = DataRoomGrant
        fields = (
            *("id", "organisation", "company", "kind", "folder", "title", "pages", "version", "level"),
            "ends_at",
        )
        read_only_fields = fields


class RoomValueSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    as_of = serializers.DateField(allow_null=True)


def sent(file: File | None) -> HttpResponse:
    """Return a marked copy as an answer; 404 where there is none for the caller."""
    if file is None:
        raise Http404
    response = HttpResponse(file.content, content_type=file.mime)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = "attachment"
    return response


class SharedItemResource(ByUuid, Resource):
    """What companies share with you at this moment. Each time that you open something, the company sees it."""

    scope = "datarooms"
    model = DataRoomGrant
    serializer_class = SharedItemSerializer
    lookup_field = "item"
    lookup_url_kwarg = "id"
    queryset = DataRoomGrant.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        if not self.request.user.is_authenticated:
            return DataRoomGrant.objects.none()
        return services.granted_to(self.actor)

    @extend_schema(responses=RoomValueSerializer)
    @action(detail=True, methods=["get"])
    def value(self, request: Request, id: str) -> Response:
        """The value of a field. That you read it is noted."""
        found = services.read_facts([self.get_object()])
        if not found:
            raise Http404
        ((item, value),) = found
        return Response({"value": value, "as_of": item.as_of})

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"], url_path=r"pages/(?P<number>[0-9]{1,4})")
    def page(self, request: Request, id: str, number: str) -> HttpResponse:
        """One page of a document as a picture with your name across it. That you looked at it is noted."""
        picture = services.show_page(uuid.UUID(self._key()), int(number), actor=self.actor)
        return sent(None if picture is None else File(picture, "image/jpeg", ""))

    @extend_schema(responses={(200, "*/*"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def file(self, request: Request, id: str) -> HttpResponse:
        """A copy with your name on every page, where you were granted one. That you took it is noted."""
        return sent(services.download_item(uuid.UUID(self._key()), actor=self.actor))


# --- asking to be let in -------------------------------------------------------------------------------------------


class RoomRequestSerializer(ResourceSerializer):
    """A request; to who asked, one that was declined is one that was sent."""

    name = serializers.CharField(source="person.name", read_only=True)
    email = serializers.CharField(source="person.email", read_only=True)

    class Meta:
        model = DataRoomRequest
        fields = ("id", "uscc", "firm", "message", "name", "email", "state", "created_at")
        read_only_fields = fields

    def to_representation(self, instance: DataRoomRequest) -> dict[str, Any]:
        shown = super().to_representation(instance)
        is_own = instance.person_id == self.context["request"].user.pk
        if is_own and shown.get("state") == RequestState.DECLINED:
            shown["state"] = RequestState.PENDING
        return shown


class RoomAskSerializer(serializers.Serializer[Any]):
    uscc = serializers.CharField(max_length=30, help_text="The code on the company's business licence.")
    firm = serializers.CharField(max_length=120)
    message = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class RoomRequestResource(InRooms, Resource):
    """Requests for access to a company's data room: yours, and those to the companies that you own."""

    model = DataRoomRequest
    serializer_class = RoomRequestSerializer
    queryset = DataRoomRequest.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("person", "organisation")

    @extend_schema(request=RoomAskSerializer, responses={201: RoomRequestSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Ask a company, named by its code. The answer is the same whether the company is here or not."""
        given = RoomAskSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.ask_for_room(actor=self.actor, **given.validated_data)
        return Response(self.show(visible_or_404(self.rows(), pk=made.pk)), status=201)

    @extend_schema(request=None, responses=RoomRequestSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def accept(self, request: Request, pk: str) -> Response:
        """Put the person on the company's list of investors."""
        return Response(self.show(services.accept_request(self.get_object(), actor=self.actor)))

    @extend_schema(request=None, responses=RoomRequestSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def decline(self, request: Request, pk: str) -> Response:
        """Put the request aside; who asked is not told."""
        return Response(self.show(services.decline_request(self.get_object(), actor=self.actor)))
