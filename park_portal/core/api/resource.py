"""One resource: pages by cursor, sparse fields, filters, versions. What it does is a service; what it shows is a serializer."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

import django_filters
from django.contrib import admin
from django.core.exceptions import RequestDataTooBig
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import exceptions, serializers, viewsets
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.accounts.models import User
from park_portal.core.api.idempotency import is_upload
from park_portal.core.api.problems import ApiError
from park_portal.core.api.reading import LEFT_OUT, moment, reader_of, serializer_of, shown
from park_portal.core.pages import keyset_page
from park_portal.core.personal import sensitive_columns
from park_portal.core.reads import note_reading
from park_portal.core.text import clean
from park_portal.core.views import visible_or_404
from park_portal.core.workflow import is_of_person, may

DEFAULT_SIZE = 25
MOST = 100
# What every list takes; the rest are the resource's own filters.
OF_LISTS = frozenset({"after", "before", "size", "order", "fields"})


class Strict:
    """Refuses a column that cannot be written, instead of passing over it in silence."""

    def to_internal_value(self: Any, data: Any) -> Any:
        if isinstance(data, Mapping):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := sorted(str(name) for name in data.keys() - writable):
                raise exceptions.ValidationError(
                    {name: [_("This field is not here or cannot be changed.")] for name in unknown}
                )
        if type(data) is dict:
            # As the fields of the pages do it; a null byte stays, for the field to refuse.
            data = {
                name: clean(value) if isinstance(value, str) and "\x00" not in value else value
                for name, value in data.items()
            }
        return super().to_internal_value(data)  # type: ignore[misc] # of the serializer beside it


class ResourceSerializer(Strict, serializers.ModelSerializer[Any]):
    """The columns of one resource. ``private`` names those that only who passes a rule on the row is shown."""

    private: ClassVar[Mapping[str, str]] = {}
    # The columns that the caller asked for; None for all of them.
    only: frozenset[str] | None = None

    def to_representation(self, instance: Any) -> dict[str, Any]:
        only, zone = self.only, self.context.get("zone") or timezone.get_current_timezone()
        shown: dict[str, Any] = {}
        for name, read in self._columns:
            if only is None or name in only:
                value = read(instance)
                if value.__class__ is datetime:
                    value = moment(value, zone)
                if value is not LEFT_OUT:
                    shown[name] = value
        for rule, names in self._guarded:
            if any(name in shown for name in names) and not self._may(rule, instance):
                for name in names:
                    shown.pop(name, None)
        return shown

    def _may(self, rule: str, row: Any) -> bool:
        """Return whether the caller passes ``rule``; what is asked of the person alone is asked once a request."""
        user = self.context["request"].user
        if not is_of_person(rule):
            return may(user, rule, row)
        known: dict[str, bool] = self.context.get("allowed", {})
        if rule not in known:
            known[rule] = may(user, rule, row)
        return known[rule]

    @cached_property
    def _guarded(self) -> list[tuple[str, list[str]]]:
        rules = sorted(set(self.private.values()))
        return [(rule, [name for name, its in self.private.items() if its == rule]) for rule in rules]

    @cached_property
    def _columns(self) -> list[tuple[str, Callable[[Any], Any]]]:
        return [(str(field.field_name), reader_of(field, self.Meta.model)) for field in self._readable_fields]


class Filters(DjangoFilterBackend):
    """The resource's own filters; one that it does not have is refused, not passed over."""

    def filter_queryset(
        self, request: Request, queryset: models.QuerySet[Any], view: Any
    ) -> models.QuerySet[Any]:
        known = set(view.filterset_class.base_filters) if view.filterset_class is not None else set()
        if unknown := set(request.query_params) - known - OF_LISTS:
            raise ApiError(
                400,
                "unknown_filter",
                _("There is no filter %(name)s.") % {"name": min(unknown)[:60]},
                field=min(unknown)[:60],
            )
        if not known & set(request.query_params):
            return queryset
        filters = view.filterset_class(request.query_params, queryset=queryset, request=request)
        if not filters.is_valid():
            raise exceptions.ValidationError(filters.errors)
        return filters.qs


class Pages(BasePagination):
    """Pages by cursor: ``{"results", "next", "previous"}``; the last page costs what the first does."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request, query = request, request.query_params
        self.page = keyset_page(
            queryset,
            [_order(request, view)],
            size=_size(request),
            after=query.get("after", ""),
            before=query.get("before", ""),
        )
        if self.page.lost:
            # Given the first rows again, a program would go round in circles.
            raise ApiError(400, "cursor", _("This cursor cannot be read. Follow “next” as it was answered."))
        return self.page.rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "results": data,
                "next": self._beside(after=self.page.after),
                "previous": self._beside(before=self.page.before),
            }
        )

    def _beside(self, **cursor: str | None) -> str | None:
        ((name, value),) = cursor.items()
        if value is None:
            return None
        query = self.request.query_params.copy()
        query.pop("after", None)
        query.pop("before", None)
        query[name] = value
        return self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                "results": schema,
                "next": address,
                "previous": address,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        orders = sorted({order for name in view.orders for order in (name, f"-{name}")})
        return [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            for name, text, schema in (
                ("after", "The page that begins after this cursor, as `next` says.", {"type": "string"}),
                ("before", "The page that ends before this cursor.", {"type": "string"}),
                (
                    "size",
                    "Rows of a page.",
                    {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_SIZE},
                ),
                ("order", "What the rows are ordered by.", {"type": "string", "enum": orders}),
            )
        ]


def _order(request: Request, view: Any) -> str:
    asked = request.query_params.get("order", view.default_order)
    offered = {*view.orders, view.default_order.lstrip("-")}
    if asked.removeprefix("-") not in offered:
        raise ApiError(
            400,
            "unknown_order",
            _("Lists can be ordered by %(names)s.") % {"names": ", ".join(sorted(offered))},
            field="order",
        )
    return str(asked)


def _size(request: Request) -> int:
    asked = request.query_params.get("size", str(DEFAULT_SIZE))
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 5 and 1 <= int(asked) <= MOST):
        raise ApiError(400, "size", _("A page has 1 to %(most)d rows.") % {"most": MOST}, field="size")
    return int(asked)


class Rows(viewsets.GenericViewSet[Any]):
    """Rows of one kind as programs see them: the same ``visible_to``, rules and services as the pages."""

    # The first part of the scopes that a token needs.
    scope: ClassVar[str]
    # Whether everyone may read, signed in or not.
    public: ClassVar[bool] = False
    # Fields of an answer that are told this once, and not in the answer to a repeated request.
    told_once: ClassVar[Sequence[str]] = ()
    model: ClassVar[type[models.Model]]
    filterset_class: type[django_filters.FilterSet] | None = None
    filter_backends: Sequence[Any] = (Filters,)
    pagination_class: Any = Pages
    orders: ClassVar[Sequence[str]] = ("id",)
    default_order: ClassVar[str] = "-id"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if is_upload(request):
            return
        try:
            request._request.body  # noqa: B018 - read before the parser does, so that a repetition can be recognised
        except RequestDataTooBig as error:
            raise ApiError(413, "too_long", _("This is too long to be sent. Shorten it.")) from error

    @property
    def actor(self) -> User:
        """Who asks. Raises ``NotAuthenticated`` for nobody: a public resource has acts that are not."""
        if not isinstance(self.request.user, User):
            raise exceptions.NotAuthenticated
        return self.request.user

    # --- rows

    def rows(self) -> models.QuerySet[Any]:
        """Return the rows that the caller may see, with what the serializer reads joined."""
        return self.model._default_manager.visible_to(self.request.user)  # type: ignore[attr-defined] # every model shown has it

    def get_queryset(self) -> models.QuerySet[Any]:
        return self.rows()

    def get_object(self) -> Any:
        return visible_or_404(self.rows(), **{self.lookup_field: self._key()})

    def _key(self) -> str:
        key = str(self.kwargs[self.lookup_url_kwarg or self.lookup_field])
        if self.lookup_field == "pk" and not (key.isascii() and key.isdecimal() and len(key) < 19):
            raise Http404
        if self.lookup_field == "public_id":
            try:
                return str(uuid.UUID(key))
            except ValueError:
                raise Http404 from None
        return key

    # --- reading

    def show(self, row: Any) -> Any:
        """Return ``row`` as the caller may see it, with the fields they asked for."""
        return self._shown(row, self._asked)

    def note_reading(self, rows: Sequence[Any]) -> None:
        """Note what the caller is shown of people's contact data."""
        if rows and isinstance(rows[0], models.Model) and sensitive_columns(type(rows[0])):
            columns = self._asked or serializer_of(self.get_serializer_class()).fields
            note_reading(rows, shown=set(columns), actor=self.request.user)

    def tag_of(self, row: Any) -> str:
        """Return the version of a row: of all that the caller is shown of it, whichever fields they asked for."""
        whole = json.dumps(self._shown(row), cls=DjangoJSONEncoder, sort_keys=True)
        return f'"{hashlib.sha256(whole.encode()).hexdigest()[:32]}"'

    def get_serializer_context(self) -> dict[str, Any]:
        return self._context

    @cached_property
    def _context(self) -> dict[str, Any]:
        zone = timezone.get_current_timezone()
        return {**super().get_serializer_context(), "zone": zone, "allowed": {}}

    def _shown(self, row: Any, only: frozenset[str] | None = None) -> Any:
        return shown(self.get_serializer_class(), row, self.get_serializer_context(), only)

    @cached_property
    def _asked(self) -> frozenset[str] | None:
        asked = self.request.query_params.get("fields")
        if not asked:
            return None
        names = frozenset(name.strip() for name in asked.split(",") if name.strip())
        if unknown := names - set(serializer_of(self.get_serializer_class()).fields):
            raise ApiError(
                400,
                "unknown_field",
                _("There is no field %(name)s.") % {"name": min(unknown)[:60]},
                field="fields",
            )
        return names


class Listed(Rows):
    """Rows that are listed."""

    def rows_of_list(self) -> models.QuerySet[Any]:
        """Return the rows as a list reads them: with ``only`` what it shows, where a row holds much more."""
        return self.rows()

    def prepare(self, rows: Sequence[Any]) -> None:
        """Ask at once for what showing each row of a page would ask for."""

    def list(self, request: Request) -> Response:
        """One page of rows, newest first; follow ``next`` until it is null."""
        rows = self.paginate_queryset(self.filter_queryset(self.rows_of_list())) or []
        self.prepare(rows)
        self.note_reading(rows)
        return self.get_paginated_response([self.show(row) for row in rows])


class Retrieved(Rows):
    """Rows that are read one by one."""

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """One row, with its version as ETag."""
        row = self.get_object()
        tag = self.tag_of(row)
        if request.headers.get("If-None-Match") == tag:
            return Response(status=304, headers={"ETag": tag})
        self.note_reading([row])
        return Response(self.show(row), headers={"ETag": tag})


class Resource(Listed, Retrieved):
    """Rows that are listed, and read one by one."""


class OfStaff:
    """Rows of the administration: for who may open them there; for everyone else there are none."""

    def rows(self: Any) -> models.QuerySet[Any]:
        """Return the rows that the caller finds in the administration."""
        staff: Any = admin.site.get_model_admin(self.model)
        user = self.request.user
        if not (user.is_authenticated and user.is_staff and staff.has_view_permission(self.request)):
            nothing: models.QuerySet[Any] = self.model._default_manager.none()
            return nothing
        found: models.QuerySet[Any] = staff.rows_for(user)
        return found


class Versioned:
    """Writes that name the version they are about: ``If-Match``."""

    def check_version(self: Any, row: Any) -> None:
        """Raise 428 without ``If-Match``, 412 when it names another version."""
        given = self.request.headers.get("If-Match", "").strip()
        if not given:
            raise ApiError(
                428, "version_required", _("Send the ETag of what you change in an If-Match header.")
            )
        if given != "*" and self.tag_of(row) not in [one.strip() for one in given.split(",")]:
            raise ApiError(
                412, "version", _("Somebody changed this meanwhile. Fetch it again and decide anew.")
            )

    def locked(self: Any) -> Any:
        """Return the row, locked, in the version that the caller knows; call it inside a transaction."""
        self.get_object()  # Who may not see it learns nothing from the lock.
        rows = self.rows().select_for_update(of=("self",))
        row = visible_or_404(rows, **{self.lookup_field: self._key()})
        self.check_version(row)
        return row


class Removable(Versioned):
    """Adds DELETE to a resource: ``remove`` calls the service."""

    def remove(self, row: Any) -> None:
        """End ``row`` by the service of this resource."""
        raise NotImplementedError

    def destroy(self: Any, request: Request, **kwargs: Any) -> Response:
        """Remove it. Needs the row's ETag in If-Match."""
        with transaction.atomic():
            self.remove(self.locked())
        return Response(status=204)


class Changes(Versioned):
    """What changing a row is: ``If-Match`` names the version that is changed; ``change`` calls the service."""

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        """Write ``values`` by the service of this resource and return the row as stored."""
        raise NotImplementedError

    def make_change(self: Any, request: Request) -> Response:
        """Change what was sent and return the answer."""
        with transaction.atomic():
            row = self.locked()
            serializer = self.get_serializer(row, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            self.change(row, dict(serializer.validated_data))
        stored = self.get_object()
        return Response(self.show(stored), headers={"ETag": self.tag_of(stored)})


class Changeable(Changes):
    """Adds PATCH to a resource."""

    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        """Change some fields. Needs the row's ETag in If-Match; 412 when somebody changed it meanwhile."""
        return self.make_change(request)
