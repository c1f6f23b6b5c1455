from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from incubator.organisations.models import Organisation
from incubator.organisations.states import OrganisationState
from park_portal.core.search.services import SearchText, searchable


@searchable(Organisation, label=_("Organisations"))
def organisation_text(organisation: Organisation) -> SearchText | None:
    """Found by both names, its code, place and summary; a merged record is found as its survivor."""
    if organisation.state == OrganisationState.MERGED:
        return None
    chinese, english = organisation.name_zh_hans or "", organisation.name_en or ""
    return SearchText(
        title={"zh-hans": chinese or english, "en": english or chinese},
        names=[name for name in (chinese, english) if name],
        codes=[organisation.uscc] if organisation.uscc else [],
        body=[
            organisation.district,
            organisation.registered_address,
            organisation.contact_name,
            organisation.summary_zh_hans or "",
            organisation.summary_en or "",
        ],
    )
