"""Ties as people write them: an organisation by its name, a person by name, address or ORCID."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from django.db.models import Q
from django.utils.translation import gettext as _

from funding.reviews.models import Conflict
from funding.reviews.services.conflicts import record_tie
from funding.reviews.states import ConflictKind
from incubator.organisations.models import Organisation
from incubator.organisations.names import normalise_code, normalise_name
from park_portal.core.accounts.models import User
from park_portal.core.errors import DomainError
from park_portal.core.text import clean
from park_portal.core.workflow import Actor

WITH_ORGANISATION: Final = (
    ConflictKind.EMPLOYER,
    ConflictKind.SHAREHOLDER,
    ConflictKind.BOARD,
)
WITH_PERSON: Final = (
    ConflictKind.SUPERVISOR,
    ConflictKind.COAUTHOR,
    ConflictKind.COINVESTIGATOR,
    ConflictKind.FAMILY,
    ConflictKind.OTHER,
)
KINDS: Final = (*WITH_ORGANISATION, *WITH_PERSON)
_ORCID: Final = re.compile(r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")


def declare_tie(
    person: User,
    *,
    actor: Actor,
    kind: str,
    organisation: str = "",
    name: str = "",
    email: str = "",
    orcid: str = "",
    since: date | None = None,
    until: date | None = None,
    note: str = "",
) -> Conflict:
    """Write down a tie of ``person`` in their own words and return it; twice is the same as once.

    An organisation that the portal knows by this name or code is that organisation; any other is kept by its name, and
    matched when it applies. Raises ``DomainError`` beside the field that is wrong.
    """
    if kind not in KINDS:
        raise DomainError(_("Choose what ties you."), code="unknown_kind", field="kind")
    dates: dict[str, Any] = {"since": since, "until": until, "note": note}
    if kind in WITH_ORGANISATION:
        text = clean(organisation).strip()
        if not text:
            raise DomainError(_("Name the organisation."), code="required", field="organisation")
        if (found := find_organisation(text)) is not None:
            return record_tie(person, actor=actor, kind=kind, organisation=found, **dates)
        return record_tie(person, actor=actor, kind=kind, other_name=text, **dates)
    orcid = orcid.strip().upper().removeprefix("HTTPS://ORCID.ORG/")
    if orcid and not _ORCID.match(orcid):
        raise DomainError(_("An ORCID looks like 0000-0002-1825-0097."), code="orcid", field="orcid")
    if not clean(name).strip() and not email and not orcid:
        raise DomainError(_("Name the person, by name, e-mail or ORCID."), code="required", field="name")
    return record_tie(
        person, actor=actor, kind=kind, other_name=name, other_email=email, other_orcid=orcid, **dates
    )


def find_organisation(text: str) -> Organisation | None:
    """Return the one organisation with this code or name, None where there is none or more than one."""
    key = normalise_name(text)
    same = Q(normalised_name=key) | Q(normalised_name_en=key) | Q(uscc=normalise_code(text))
    rows = list(Organisation.objects.filter(same, merged_into__isnull=True)[:2])
    return rows[0] if len(rows) == 1 else None
