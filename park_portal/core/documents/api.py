from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.api.resource import Rows
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import name_for
from park_portal.core.documents.views import download


class DocumentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    mime = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    created_at = serializers.DateTimeField()


def describe_document(document: Document, user: Any) -> dict[str, Any]:
    """Return what is said of a document, under the name by which ``user`` may read it."""
    return {**DocumentSerializer(document).data, "name": name_for(user, document)}


class DocumentResource(Rows):
    """One private file, for who may read it. Records name their files; there is no list of all."""

    scope = "documents"
    model = Document
    serializer_class = DocumentSerializer
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    pagination_class = None  # there is no list
    queryset = Document.objects.none()

    def get_object(self) -> Document:
        document = Document.objects.filter(public_id=self._key()).first()
        if document is None or not name_for(self.actor, document):
            raise Http404
        return document

    def show(self, row: Document) -> Any:
        return describe_document(row, self.actor)

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """What the file is called, how large it is, and the SHA-256 of its bytes."""
        return Response(self.show(self.get_object()))

    @extend_schema(responses={(200, "*/*"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def content(self, request: Request, id: str) -> HttpResponseBase:
        """The bytes, as an attachment. That you read it is noted."""
        return download(request._request, self.get_object().public_id)
