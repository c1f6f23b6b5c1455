"""One's rights over one's data by program, and what staff answer. What asks anew who one is stays on its page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import django_filters
from django.db import models
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.accounts.models import User
from park_portal.core.admin.labels import act_label
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import (
    Changeable,
    Listed,
    OfStaff,
    Resource,
    ResourceSerializer,
    Retrieved,
    Rows,
    Strict,
)
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError
from park_portal.core.jobs.api import JobSerializer
from park_portal.core.personal import ConsentPurpose
from park_portal.core.policies.models import PolicyValue
from park_portal.core.privacy.erasing import hindrances
from park_portal.core.privacy.forms import AskForm
from park_portal.core.privacy.held import Held, held_about, reads_of
from park_portal.core.privacy.models import Consent, DataRequest
from park_portal.core.privacy.retention import begin_retention, previews
from park_portal.core.privacy.services import (
    ask,
    consents_of,
    give_consent,
    note_viewing,
    withdraw,
    withdraw_consent,
)
from park_portal.core.privacy.states import RequestKind, RequestState
from park_portal.core.workflow import require

# What the page asks for anew who one is: a token shows that somebody has it, not who.
PROVED: Final = (str(RequestKind.ERASURE), "copy")


class OwnData(Rows):
    """What is about the caller and nobody else."""

    scope = "account"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        require(self.actor, "core.use_data_rights")


# --- what is held


class OnErasureSerializer(serializers.Serializer[Any]):
    what = serializers.CharField(help_text="What becomes of these columns when the account is erased.")
    columns = serializers.ListField(child=serializers.CharField())


class HeldSerializer(serializers.Serializer[Any]):
    label = serializers.CharField(help_text="Which records.")  # type: ignore[assignment] # named as the API names it
    purpose = serializers.CharField()
    ground = serializers.CharField()
    keep = serializers.CharField(help_text="How long.")
    number = serializers.IntegerField()
    since = serializers.DateField(allow_null=True)
    columns = serializers.ListField(child=serializers.CharField())
    sensitive = serializers.ListField(
        child=serializers.CharField(), help_text="Columns of which it is noted who reads them."
    )
    on_erasure = OnErasureSerializer(many=True)


class LookSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    who = serializers.CharField(allow_null=True)
    what = serializers.CharField()
    file = serializers.CharField(allow_null=True)


class AboutSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()
    registered = serializers.DateTimeField()


class MyDataSerializer(serializers.Serializer[Any]):
    person = AboutSerializer()
    held = HeldSerializer(many=True)
    looked = LookSerializer(many=True, help_text="Who of the staff looked, newest first.")


class MyDataResource(OwnData):
    """What the portal holds about you."""

    model = User
    serializer_class = MyDataSerializer
    pagination_class = None  # there is one
    filter_backends = ()
    queryset = User.objects.none()

    @extend_schema(responses=forced_singular_serializer(MyDataSerializer))
    def list(self, request: Request) -> Response:
        """What is held, what for, on which ground, since when and how long, and who looked; in words, as on the page."""
        person = self.actor
        note_viewing(person)
        about = {name: getattr(person, name) for name in ("name", "email", "phone")}
        told = {
            "person": {**about, "registered": person.date_joined},
            "held": [_held(line) for lines in held_about(person).values() for line in lines],
            "looked": [_look(entry) for entry in reads_of(person)],
        }
        return Response(MyDataSerializer(told).data)


def _held(line: Held) -> dict[str, Any]:
    return {
        "label": line.label,
        "purpose": line.purpose,
        "ground": line.basis,
        "keep": line.keep,
        "number": line.number,
        "since": _day(line.since),
        "columns": line.columns,
        "sensitive": line.sensitive,
        "on_erasure": [{"what": what, "columns": columns} for what, columns in line.erasure],
    }


def _day(since: date | datetime | None) -> date | None:
    return timezone.localtime(since).date() if isinstance(since, datetime) else since


def _look(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "who": entry.actor and str(entry.actor),
        "what": act_label(entry.action),
        "file": entry.object_label if entry.object_type == "core.document" else None,
    }


# --- requests


class OwnRequestSerializer(ResourceSerializer):
    class Meta:
        model = DataRequest
        fields = ("id", "kind", "text", "state", "asked_at", "due_on", "answer", "answered_at")
        read_only_fields = fields


class NewRequestSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=AskForm.base_fields["kind"].choices)  # type: ignore[attr-defined] # a field of choices
    text = serializers.CharField(
        max_length=4000, help_text="What is wrong and what is right, or what you ask."
    )


class RequestFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=RequestState.choices)
    kind = django_filters.ChoiceFilter(choices=RequestKind.choices)

    class Meta:
        model = DataRequest
        fields = ("state", "kind")


class OwnRequestResource(OwnData, Resource):
    """What you asked the park to do with your data, until when it is answered, and how it was."""

    model = DataRequest
    serializer_class = OwnRequestSerializer
    filterset_class = RequestFilter
    queryset = DataRequest.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return DataRequest.objects.filter(person=self.actor)

    @extend_schema(request=NewRequestSerializer, responses={201: OwnRequestSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Ask. A copy of your data and erasing the account are asked for on their pages, which ask anew who you are."""
        if isinstance(request.data, Mapping) and request.data.get("kind") in PROVED:
            raise DomainError(
                _(
                    "This is asked for under “My data” alone: the page asks anew who you are, and a program cannot "
                    "answer that."
                ),
                code="page_only",
                field="kind",
            )
        sent = NewRequestSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = ask(self.actor, actor=self.actor, **sent.validated_data)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take a request back that is not answered yet."""
        withdraw(self.get_object(), actor=self.actor)
        return Response(self.show(self.get_object()))


class DataRequestSerializer(ResourceSerializer):
    name = serializers.CharField(source="person.name", read_only=True)

    class Meta:
        model = DataRequest
        fields = (
            *("id", "person", "name", "kind", "text", "state", "asked_at", "due_on"),
            *("answer", "answered_by", "answered_at"),
        )
        read_only_fields = fields


class DataRequestFilter(RequestFilter):
    person = django_filters.NumberFilter(field_name="person_id")

    class Meta:
        model = DataRequest
        fields = ("state", "kind", "person")


class HindranceSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    link = serializers.CharField(allow_null=True, help_text="Where it is settled.")


class HindrancesSerializer(serializers.Serializer[Any]):
    results = HindranceSerializer(many=True)


class DataRequestResource(HasActs, OfStaff, Resource):
    """Everybody's requests, for who may open them in the administration; answered by ``acts/``."""

    scope = "people"
    model = DataRequest
    serializer_class = DataRequestSerializer
    filterset_class = DataRequestFilter
    orders = ("id", "due_on")
    queryset = DataRequest.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("person")

    @extend_schema(responses=HindrancesSerializer)
    @action(detail=True, methods=["get"])
    def hindrances(self, request: Request, pk: str) -> Response:
        """What must be settled before the account can be erased; nothing where erasure is not what is asked."""
        row = self.get_object()
        found = hindrances(row.person) if row.kind == RequestKind.ERASURE else []
        return Response({"results": [{"text": str(one.text), "link": one.url or None} for one in found]})


# --- what goes with time


class RetentionSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(source="retention.name")
    label = serializers.CharField(source="retention.label")  # type: ignore[assignment] # named as the API names it
    policy = serializers.CharField(source="rule.key", help_text="The dated rule that it goes by.")
    limit = serializers.DateTimeField(help_text="What is older goes tonight.")
    now = serializers.IntegerField(help_text="How many rows go tonight.")
    soon = serializers.IntegerField(help_text="How many more in the month to come.")
    oldest = serializers.DateTimeField(allow_null=True)


class RetentionsSerializer(serializers.Serializer[Any]):
    results = RetentionSerializer(many=True)


class RetentionResource(Rows):
    """What tonight's run lets go by dated rules, for who keeps them."""

    scope = "people"
    model = PolicyValue
    serializer_class = RetentionsSerializer
    pagination_class = None  # there are few, and they are no rows
    filter_backends = ()
    queryset = PolicyValue.objects.none()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        require(self.actor, "core.keep_retention")

    @extend_schema(responses=forced_singular_serializer(RetentionsSerializer))
    def list(self, request: Request) -> Response:
        """What would go, kind by kind, if the rules were carried out now."""
        return Response(RetentionsSerializer({"results": previews()}).data)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=False, methods=["post"])
    @idempotent
    def run(self, request: Request) -> Response:
        """Let go now what tonight's run would let go; the answer is the job that does it."""
        job = begin_retention(actor=self.actor)
        return Response(JobSerializer(job, context=self.get_serializer_context()).data, status=202)


# --- consents


class ConsentSerializer(Strict, serializers.Serializer[Any]):
    """One purpose, and whether you agree to it."""

    purpose = serializers.CharField(read_only=True)
    label = serializers.CharField(read_only=True)  # type: ignore[assignment] # named as the API names it
    text = serializers.CharField(read_only=True, help_text="What is agreed to, in your language.")
    version = serializers.IntegerField(read_only=True, help_text="Of the text.")
    given = serializers.BooleanField(help_text="Whether you agree to the text as it stands.")
    given_at = serializers.DateTimeField(read_only=True, allow_null=True)


class ConsentsSerializer(serializers.Serializer[Any]):
    results = ConsentSerializer(many=True)


class ConsentResource(Changeable, OwnData, Retrieved):
    """What is done only with your consent. Nothing is agreed to beforehand; withdrawing stops it at once."""

    model = Consent
    serializer_class = ConsentSerializer
    pagination_class = None  # there are few, and they are no rows
    filter_backends = ()
    lookup_field = "purpose"
    lookup_value_regex = r"[a-z_]{1,40}"
    queryset = Consent.objects.none()

    @extend_schema(responses=forced_singular_serializer(ConsentsSerializer))
    def list(self, request: Request) -> Response:
        """Every purpose with its text, and whether you agree."""
        return Response({"results": [self.show(_offer(*one)) for one in consents_of(self.actor)]})

    def get_object(self) -> dict[str, Any]:
        for purpose, held in consents_of(self.actor):
            if purpose.name == self.kwargs["purpose"]:
                return _offer(purpose, held)
        raise Http404

    def locked(self) -> dict[str, Any]:
        # As ``give_consent`` locks: of two at once the second finds another version.
        User.objects.select_for_update(no_key=True).get(pk=self.actor.pk)
        row = self.get_object()
        self.check_version(row)
        return row

    def change(self, row: dict[str, Any], values: dict[str, Any]) -> None:
        if "given" in values:
            act = give_consent if values["given"] else withdraw_consent
            act(self.actor, actor=self.actor, purpose=row["purpose"])

    @extend_schema(request=ConsentSerializer, responses=ConsentSerializer)
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        """Agree (``given``: true) or withdraw. ``If-Match`` is the ETag of the text that you agree to."""
        return self.make_change(request)


def _offer(purpose: ConsentPurpose, held: Consent | None) -> dict[str, Any]:
    return {
        "purpose": purpose.name,
        "label": str(purpose.label),
        "text": purpose.text_shown,
        "version": purpose.version,
        "given": held is not None,
        "given_at": held and held.given_at,
    }


class PastConsentSerializer(ResourceSerializer):
    label = serializers.CharField(source="__str__", read_only=True)  # type: ignore[assignment] # named as the API names it
    text = serializers.CharField(source="text_shown", read_only=True)

    class Meta:
        model = Consent
        fields = ("id", "purpose", "label", "text", "version", "given_at", "withdrawn_at")
        read_only_fields = fields


class PastConsentResource(OwnData, Listed):
    """The consents that you gave and withdrew, with the text as it was shown."""

    model = Consent
    serializer_class = PastConsentSerializer
    queryset = Consent.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().filter(withdrawn_at__isnull=False)
