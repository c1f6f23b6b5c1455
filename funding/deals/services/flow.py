"""Deals on their way through a fund: opened, moved with a reason, examined point by point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.deals.models import Deal, DealMove, DiligenceItem
from funding.deals.rules import is_tied
from funding.deals.states import BEYOND_DILIGENCE, STANDARD_ITEMS, DealState, ItemKind, ItemState
from funding.funds.models import Fund
from incubator.organisations.merging import merges
from incubator.organisations.models import Organisation
from incubator.projects.models import ResearchProject
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import SYSTEM, Actor, record
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.workflow import advance, require


def person(actor: Actor) -> User | None:
    """Return who acts; None where nobody does."""
    return actor if isinstance(actor, User) else None


def open_deal(
    fund: Fund,
    *,
    actor: Actor,
    company: Organisation | None = None,
    project: ResearchProject | None = None,
    reasons: Mapping[str, list[str]] | None = None,
) -> Deal:
    """Open a deal of ``fund`` with its list of due diligence; ``reasons`` say by language what of the mandate fits.

    Raises ``DomainError`` while the fund has an open deal with the same company or project, ``Forbidden`` for who is tied
    to either.
    """
    require(actor, "funding.open_deal", company)
    if (who := person(actor)) is not None and is_tied(
        who, company_id=company.pk if company else None, project_id=project.pk if project else None
    ):
        raise Forbidden(rule="funding.open_deal")
    deal = Deal(fund=fund, company=company, project=project, reasons=dict(reasons or {}), opened_by=who)
    with transaction.atomic():
        Fund.objects.select_for_update().get(
            pk=fund.pk
        )  # Two clicks at once: the second finds the first's deal.
        checked(deal)
        deal.save(force_insert=True)
        DiligenceItem.objects.bulk_create([DiligenceItem(deal=deal, kind=kind) for kind in STANDARD_ITEMS])
        record("deal.open", deal, actor=actor, after={"fund": fund.code, "about": str(company or project)})
    return deal


def check_move(deal: Deal, name: str) -> None:
    """Raise ``DomainError`` where ``deal`` cannot go before the committee yet, naming the open points."""
    if name != "present" or deal.state != DealState.DILIGENCE:
        return
    waiting = [str(item) for item in deal.items.filter(state=ItemState.OPEN)]
    if waiting:
        raise DomainError(
            _("Due diligence is not over. Still open: %(items)s.") % {"items": "; ".join(waiting)},
            code="diligence_open",
        )
    if not deal.items.exists():
        raise DomainError(
            _("Nothing was examined yet: the list of due diligence is empty."), code="diligence_open"
        )


def move_deal(deal: Deal, *, name: str, actor: Actor, reason: str) -> Deal:
    """Make the move ``name`` of the table of states and keep its ``reason``.

    Raises ``DomainError`` without a reason or, before the committee, while points of due diligence are open.
    """
    if not reason.strip():
        raise DomainError(_("Say why."), code="reason", field="reason")
    with transaction.atomic():
        held = Deal.objects.select_for_update().get(pk=deal.pk)
        check_move(held, name)
        source = held.state
        held = advance(held, name, actor=actor, changes={"step": held.step + 1}, reason=reason)
        DealMove.objects.create(
            deal=held,
            number=held.step,
            source=source,
            target=held.state,
            reason=reason.strip(),
            by=person(actor),
        )
    deal.state, deal.step = held.state, held.step
    return deal


def add_item(deal: Deal, *, actor: Actor, kind: str, title: str = "") -> DiligenceItem:
    """Put one more point on the list of a deal; raises ``DomainError`` once due diligence is over."""
    item = DiligenceItem(deal=deal, kind=kind, title=title.strip())
    require(actor, "funding.settle_item", item)
    if kind == ItemKind.OTHER and not item.title:
        raise DomainError(_("Say what is to be cleared."), code="title", field="title")
    with transaction.atomic():
        _refuse_over(deal)
        checked(item)
        item.save(force_insert=True)
        record("diligence_item.add", item, actor=actor, after={"deal": deal.pk, "point": str(item)})
    return item


def clear_item(item: DiligenceItem, *, actor: Actor, note: str = "") -> DiligenceItem:
    """Note that a point is cleared, by whom and when."""
    return _settle(item, "clear", actor, note)


def waive_item(item: DiligenceItem, *, actor: Actor, note: str) -> DiligenceItem:
    """Let a point go without having cleared it; raises ``DomainError`` without a reason."""
    if not note.strip():
        raise DomainError(_("Say why this point is waived."), code="note", field="note")
    return _settle(item, "waive", actor, note)


def _settle(item: DiligenceItem, name: str, actor: Actor, note: str) -> DiligenceItem:
    changes: dict[str, Any] = {
        "note": note.strip(),
        "settled_by": person(actor),
        "settled_at": timezone.now(),
    }
    return advance(item, name, actor=actor, changes=changes, reason=note.strip())


def reopen_item(item: DiligenceItem, *, actor: Actor, note: str) -> DiligenceItem:
    """Open a point again; raises ``DomainError`` once the deal is before the committee or beyond."""
    with transaction.atomic():
        _refuse_over(item.deal)
        changes: dict[str, Any] = {"settled_by": None, "settled_at": None, "note": note.strip()}
        return advance(item, "reopen", actor=actor, changes=changes, reason=note.strip())


def _refuse_over(deal: Deal) -> None:
    refuse_over(Deal.objects.select_for_update().get(pk=deal.pk))


def refuse_over(deal: Deal) -> None:
    """Raise ``DomainError`` once a deal is before the committee or beyond."""
    if deal.state in BEYOND_DILIGENCE:
        raise DomainError(
            _("Due diligence of this deal is over. Take the deal back to it first."), code="diligence_over"
        )


@merges("funding.Deal", "company")
def move_deals(loser: Organisation, survivor: Organisation) -> int:
    """Give the deals of a merged company to the record that stays; where both have an open one in a fund, one is ended."""
    kept = Deal.objects.open().filter(company=survivor).values("fund")
    for deal in Deal.objects.open().filter(company=loser, fund__in=kept):
        move_deal(deal, name="decline", actor=SYSTEM, reason=f"合并至 {survivor} / merged into {survivor}")
    return Deal.objects.filter(company=loser).update(company=survivor)
