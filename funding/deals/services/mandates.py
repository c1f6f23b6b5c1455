"""What a fund invests in, and which companies fit that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import models, transaction
from django.utils.translation import gettext as _

from funding.awards.models import Award
from funding.deals.models import Deal, Mandate, Round
from funding.deals.services.flow import open_deal
from funding.deals.states import DealStage, RoundState
from funding.funds.models import Fund
from incubator.organisations.models import Organisation
from incubator.organisations.states import OrganisationKind, TechnologyField
from incubator.projects.models import ResearchProject
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError
from park_portal.core.money import format_yuan
from park_portal.core.text import both
from park_portal.core.workflow import require

MOST_SUGGESTED: Final = 50
# What a mandate in AI + BT takes: companies of both fields, and of either.
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    TechnologyField.AI: (TechnologyField.AI,),
    TechnologyField.BT: (TechnologyField.BT,),
    TechnologyField.AI_BT: (TechnologyField.AI_BT, TechnologyField.AI, TechnologyField.BT),
}


def add_mandate(*, actor: Actor, fund: Fund, **values: Any) -> Mandate:
    """Put on record what ``fund`` invests in; raises ``DomainError`` where it has a mandate."""
    require(actor, "funding.keep_mandate")
    mandate = Mandate(fund=fund, **values)
    checked(mandate)
    with transaction.atomic():
        mandate.save(force_insert=True)
        after = {name: _plain(value) for name, value in values.items()}
        record("mandate.add", mandate, actor=actor, after=after)
    return mandate


def change_mandate(mandate: Mandate, *, actor: Actor, **values: Any) -> Mandate:
    """Change what a fund invests in; deals on their way keep the reasons they were suggested for."""
    with transaction.atomic():
        held = Mandate.objects.select_for_update().get(pk=mandate.pk)
        require(actor, "funding.keep_mandate", held)
        before = {name: _plain(getattr(held, name)) for name in values}
        for name, value in values.items():
            setattr(held, name, value)
        checked(held)
        held.save()
        after = {name: _plain(value) for name, value in values.items()}
        record("mandate.change", held, actor=actor, before=before, after=after)
    return held


def open_for(
    mandate: Mandate,
    *,
    actor: Actor,
    company: Organisation | None = None,
    project: ResearchProject | None = None,
) -> Deal:
    """Open a deal of the mandate's fund that nobody suggested, with what the mandate says of the company."""
    reasons: dict[str, list[str]] = {}
    if company is not None:
        planned = Round.objects.filter(company=company, state=RoundState.PLANNED).order_by("-pk").first()
        reasons = _compared(mandate, company, planned).reasons
    return open_deal(mandate.fund, actor=actor, company=company, project=project, reasons=reasons)


def _plain(value: Any) -> Any:
    return value.pk if isinstance(value, models.Model) else value


# --- which companies fit


@dataclass(frozen=True)
class Fit:
    """One part of a mandate against one company: whether it fits (None: not known), and that in words by language."""

    part: str
    fits: bool | None
    text: Mapping[str, str]


@dataclass(frozen=True)
class Suggestion:
    """One company that a mandate fits, with the parts that were compared."""

    company: Organisation
    fits: tuple[Fit, ...]

    @property
    def score(self) -> int:
        return sum(1 for fit in self.fits if fit.fits)

    @property
    def reasons(self) -> dict[str, list[str]]:
        """What is to be told of it, by language."""
        found: dict[str, list[str]] = {}
        for fit in self.fits:
            for language, text in fit.text.items():
                found.setdefault(language, []).append(text)
        return found


def _track(mandate: Mandate, company: Organisation) -> Fit:
    label: Callable[[], str] = lambda: str(company.get_technology_field_display())  # noqa: E731 - asked in each language
    if not mandate.tracks:
        return Fit(
            "track", True, both(lambda: _("Field: the fund takes any; here %(field)s.") % {"field": label()})
        )
    fits = any(company.technology_field in _FIELDS[track] for track in mandate.tracks)
    if fits:
        return Fit(
            "track",
            True,
            both(lambda: _("Field: %(field)s is what the fund looks for.") % {"field": label()}),
        )
    return Fit(
        "track", False, both(lambda: _("Field: %(field)s is not of the mandate.") % {"field": label()})
    )


def _stage(mandate: Mandate, planned: Round | None) -> Fit:
    if planned is None:
        return Fit("stage", None, both(lambda: _("Stage: not known, no round is planned.")))
    label: Callable[[], str] = lambda: str(DealStage(planned.stage).label)  # noqa: E731 - asked in each language
    if not mandate.stages or planned.stage in mandate.stages:
        return Fit(
            "stage",
            True,
            both(lambda: _("Stage: a round “%(stage)s” is planned, which fits.") % {"stage": label()}),
        )
    return Fit(
        "stage",
        False,
        both(
            lambda: _("Stage: a round “%(stage)s” is planned, not one of the mandate.") % {"stage": label()}
        ),
    )


def _ticket(mandate: Mandate, planned: Round | None) -> Fit:
    if planned is None or planned.target_fen is None:
        return Fit("ticket", None, both(lambda: _("Ticket: not known, no amount is sought.")))
    values = {"amount": format_yuan(planned.target_fen), "least": format_yuan(mandate.ticket_from_fen)}
    if planned.target_fen >= mandate.ticket_from_fen:
        return Fit(
            "ticket",
            True,
            both(lambda: _("Ticket: %(amount)s is sought, room for at least %(least)s.") % values),
        )
    return Fit(
        "ticket",
        False,
        both(lambda: _("Ticket: %(amount)s is sought, less than the least of %(least)s.") % values),
    )


def _region(mandate: Mandate, company: Organisation) -> Fit:
    place = f"{company.district} {company.registered_address}".strip()
    if not mandate.regions:
        return Fit("region", True, both(lambda: _("Region: the fund invests anywhere.")))
    if not place:
        return Fit("region", None, both(lambda: _("Region: not known, no address is on record.")))
    shown = {"place": company.district or company.registered_address}
    if any(region.lower() in place.lower() for region in mandate.regions):
        return Fit("region", True, both(lambda: _("Region: %(place)s is in the mandate.") % shown))
    return Fit("region", False, both(lambda: _("Region: %(place)s is outside the mandate.") % shown))


def suggest_deals(fund: Fund) -> list[Suggestion]:
    """Return the companies that the mandate of ``fund`` fits, those first that it fits in most parts; at most 50.

    Left out: whatever one part speaks against, companies that the fund has or had a deal with, and those of which nothing
    but field and region is known to fit while they have neither a planned round nor an award. Raises ``DomainError``
    where the fund has no mandate. Four queries.
    """
    mandate = Mandate.objects.filter(fund=fund).first()
    if mandate is None:
        raise DomainError(_("Put the fund’s mandate on record first."), code="no_mandate")
    companies = (
        Organisation.objects.in_use()
        .filter(kind__in=[OrganisationKind.STARTUP, OrganisationKind.COMPANY])
        .exclude(pk__in=Deal.objects.filter(fund=fund, company__isnull=False).values("company"))
        .filter(
            models.Exists(Round.objects.filter(company=models.OuterRef("pk"), state=RoundState.PLANNED))
            | models.Exists(Award.objects.filter(organisation=models.OuterRef("pk")))
        )
    )
    planned: dict[int, Round] = {}
    for one in Round.objects.filter(state=RoundState.PLANNED, company__in=companies.values("pk")).order_by(
        "pk"
    ):
        planned[one.company_id] = one
    found = [_compared(mandate, company, planned.get(company.pk)) for company in companies.order_by("pk")]
    fitting = [one for one in found if all(fit.fits is not False for fit in one.fits)]
    fitting.sort(key=lambda one: (-one.score, one.company.pk))
    return fitting[:MOST_SUGGESTED]


def _compared(mandate: Mandate, company: Organisation, planned: Round | None) -> Suggestion:
    return Suggestion(
        company,
        (
            _track(mandate, company),
            _stage(mandate, planned),
            _ticket(mandate, planned),
            _region(mandate, company),
        ),
    )


def take_up(mandate: Mandate, *, actor: Actor, companies: Iterable[int]) -> list[Deal]:
    """Open deals with those of the suggestions whose keys are given; what is no longer suggested is left out."""
    chosen = set(companies)
    with transaction.atomic():
        return [
            open_deal(mandate.fund, actor=actor, company=one.company, reasons=one.reasons)
            for one in suggest_deals(mandate.fund)
            if one.company.pk in chosen
        ]
