from __future__ import annotations

from typing import Any

import django_filters

from incubator.organisations.models import Organisation
from incubator.organisations.services import FIELDS, update_organisation
from incubator.organisations.states import OrganisationKind, OrganisationState
from park_portal.core.api.resource import Changeable, Resource, ResourceSerializer

OF_MEMBERS = "incubator.see_organisation_members"


class OrganisationSerializer(ResourceSerializer):
    # What everyone may know of a university is not whom to call there.
    private = dict.fromkeys(("contact_name", "contact_phone", "contact_email"), OF_MEMBERS)

    class Meta:
        model = Organisation
        fields = ("id", *FIELDS, "state")
        read_only_fields = ("id", "state")


class OrganisationFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=OrganisationKind.choices)
    state = django_filters.ChoiceFilter(choices=OrganisationState.choices)

    class Meta:
        model = Organisation
        fields = ("kind", "state", "uscc")


class OrganisationResource(Changeable, Resource):
    """The organisations you belong to, and the universities; park staff see all."""

    scope = "organisations"
    model = Organisation
    serializer_class = OrganisationSerializer
    filterset_class = OrganisationFilter
    queryset = Organisation.objects.none()

    def change(self, row: Organisation, values: dict[str, Any]) -> Organisation:
        return update_organisation(row, actor=self.request.user, **values)  # type: ignore[arg-type] # signed in
