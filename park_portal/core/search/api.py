from __future__ import annotations

from typing import Any

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.api.problems import ApiError
from park_portal.core.api.resource import Rows
from park_portal.core.search.models import SearchEntry
from park_portal.core.search.services import KINDS, Hit, search


class HitSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="Such as funding.application.")
    label = serializers.CharField()  # type: ignore[assignment] # named as the API names it
    id = serializers.IntegerField()
    title = serializers.CharField()
    code = serializers.CharField()
    link = serializers.CharField()


class HitsSerializer(serializers.Serializer[Any]):
    results = HitSerializer(many=True)


class SearchResource(Rows):
    """What you may see, by words in Chinese, pinyin or English, or by number."""

    scope = "search"
    model = SearchEntry
    serializer_class = HitSerializer
    pagination_class = None  # the best, not all
    filter_backends = ()
    queryset = SearchEntry.objects.none()

    @extend_schema(
        parameters=[
            OpenApiParameter("q", OpenApiTypes.STR, required=True),
            OpenApiParameter("kind", OpenApiTypes.STR, description="One kind of record only."),
        ],
        responses=forced_singular_serializer(HitsSerializer),
    )
    def list(self, request: Request) -> Response:
        """The best 30 of each kind that match all of ``q``."""
        kind = request.query_params.get("kind")
        if kind is not None and kind not in KINDS:
            raise ApiError(400, "unknown_kind", f"kind: {', '.join(sorted(KINDS))}", field="kind")
        text = request.query_params.get("q", "").replace("\x00", "").strip()
        hits = search(self.actor, text, kinds=[kind] if kind else None, limit=30)
        return Response({"results": [_hit(hit) for hit in hits]})


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "kind": hit.kind.name,
        "label": str(hit.label),
        "id": hit.obj.pk,
        "title": hit.title,
        "code": hit.code,
        "link": hit.url,
    }
