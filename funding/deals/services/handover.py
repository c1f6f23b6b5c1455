"""Handing a funded project to a market fund, with its whole file."""

from __future__ import annotations

from django.db import models, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from funding.applications.models import AnswerFile
from funding.awards.models import Award
from funding.deals.models import Deal, Handover
from funding.deals.rules import is_tied
from funding.deals.services.flow import open_deal, person
from funding.funds.models import Fund
from funding.funds.states import FundKind
from funding.reviews.models import Review
from funding.reviews.states import ReviewState
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import Actor, record
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox.services import notify
from park_portal.core.text import both
from park_portal.core.workflow import require


def hand_over(award: Award, *, actor: Actor, to: Fund, note: str) -> Handover:
    """Hand the project of ``award`` to the market fund ``to``: a deal there, and what the file held on this day.

    A deal that is open there already is used. Raises ``DomainError`` for a fund that is no market fund, for its own one,
    and the second time.
    """
    who = person(actor)
    require(actor, "funding.hand_over", award.organisation)
    if who is not None and is_tied(who, company_id=award.organisation_id, project_id=award.project_id):
        raise Forbidden(rule="funding.hand_over")
    if to.kind != FundKind.MARKET or to.pk == award.fund_id:
        raise DomainError(_("Choose a market-based fund to hand the project to."), code="fund", field="to")
    with transaction.atomic():
        Award.objects.select_for_update().get(pk=award.pk)
        if Handover.objects.filter(award=award, fund=to).exists():
            raise DomainError(_("This project has been handed to this fund."), code="handed_over", field="to")
        about = models.Q(company=award.organisation_id) if award.organisation_id else models.Q(company=None)
        found = Deal.objects.open().filter(about, fund=to, project=award.project_id).first()
        deal = found or open_deal(
            to,
            actor=actor,
            company=award.organisation,
            project=award.project,
            reasons={
                language: [text]
                for language, text in both(
                    lambda: (
                        _("Handed over from %(fund)s, award %(number)s.")
                        % {"fund": award.fund, "number": award.number}
                    )
                ).items()
            },
        )
        row = Handover.objects.create(
            award=award, fund=to, deal=deal, note=note.strip(), file=_file_of(award), by=who
        )
        record(
            "deal.hand_over", deal, actor=actor, after={"award": award.number, "fund": to.code}, reason=note
        )
        notify(
            "deal.handed_over",
            recipients=User.objects.with_role(StaffRole.FUND_MANAGER),
            key=str(row.pk),
            link=reverse("admin:funding_deal_change", args=[deal.pk]),
            context={"fund": both(lambda: str(to)), "award": award.number, "title": award.title},
        )
    return row


def _file_of(award: Award) -> dict[str, object]:
    """Return what the file of an award holds: keys of documents and of reviews that were handed in."""
    documents = AnswerFile.objects.filter(application=award.application_id).order_by("document_id")
    reviews = Review.objects.filter(application=award.application_id, state=ReviewState.SUBMITTED).order_by(
        "pk"
    )
    return {
        "application": award.application.number,
        "award": award.number,
        "amount_fen": award.amount_fen,
        "documents": list(documents.values_list("document_id", flat=True)),
        "reviews": list(reviews.values_list("pk", flat=True)),
    }
