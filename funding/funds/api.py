from __future__ import annotations

import django_filters

from funding.funds.models import Fund, FundKind
from park_portal.core.api.resource import Resource, ResourceSerializer


class FundSerializer(ResourceSerializer):
    private = {"size_fen": "core.see_records"}

    class Meta:
        model = Fund
        fields = ("id", "code", "name", "kind", "summary", "size_fen", "active")
        read_only_fields = fields


class FundFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=FundKind.choices)

    class Meta:
        model = Fund
        fields = ("kind", "active")


class FundResource(Resource):
    """The funds that calls give from."""

    scope = "calls"
    public = True
    model = Fund
    serializer_class = FundSerializer
    filterset_class = FundFilter
    orders = ("id", "code")
    default_order = "code"
    lookup_field = "code"
    lookup_value_regex = r"[-a-zA-Z0-9_]{1,20}"
    queryset = Fund.objects.none()
