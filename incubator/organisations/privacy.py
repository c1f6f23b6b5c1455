"""What is held about those who speak for an organisation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from incubator.organisations.models import Membership
from incubator.organisations.states import Role
from park_portal.core.personal import Basis, Hindrance, Keep, Purpose, hinders, holds

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User

holds(
    "incubator.Organisation",
    people=("created_by",),
    purpose=Purpose.PARK,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="created_by",
    scrubbed="contact_name contact_phone contact_email",
    plain="id name name_zh_hans name_en uscc kind technology_field founded_on registered_address district website "
    "summary summary_zh_hans summary_en normalised_name normalised_name_en state merged_into created_at updated_at",
    sensitive="contact_phone contact_email",
    since="created_at",
)
holds(
    "incubator.Membership",
    people=("user",),
    purpose=Purpose.PARK,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user organisation role created_at",
    plain="id",
    since="created_at",
)
holds(
    "incubator.Liaison",
    people=("user",),
    purpose=Purpose.PARK,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="user",
    plain="id organisation faculty active starts_on ends_on by_claim",
    since="starts_on",
)
holds("incubator.LiaisonClaim", plain="id value organisation faculty starts_on ends_on")
holds("incubator.Faculty", plain="id organisation name name_zh_hans name_en code")


@hinders
def owns_alone(person: User) -> Iterable[Hindrance]:
    """An organisation never stands without an owner."""
    for place in Membership.objects.filter(user=person, role=Role.OWNER).select_related("organisation"):
        if place.organisation.is_last_owner(person):
            yield Hindrance(
                format_lazy(
                    _("Only owner of {organisation}: somebody else must become owner first."),
                    organisation=place.organisation.name,
                ),
                place.organisation.get_absolute_url(),
            )
