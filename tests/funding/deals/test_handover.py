"""A funded project goes to a market fund with its whole file, once."""

import pgtrigger
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from funding.awards.services import open_award
from funding.deals import services
from funding.deals.models import Deal, Handover
from incubator.organisations.models import Membership
from park_portal.core.audit.services import SYSTEM
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox.models import Message
from park_portal.core.workflow import advance
from tests.factories import make
from tests.factories.calls import make_fund
from tests.factories.core import make_staff
from tests.factories.deals import make_deal, make_market_fund
from tests.factories.decisions import make_decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    return make_staff("fund_manager")


@pytest.fixture
def award():
    """The award of an application that two experts have reviewed."""
    decision = make_decision()
    advance(decision, "release", actor=SYSTEM, changes={"released_at": timezone.now()})
    return open_award(decision.application, actor=SYSTEM, amount_fen=decision.amount_fen)


def test_deal_opens_with_the_file(manager, award):
    fund = make_market_fund()
    with pgtrigger.ignore("funding.AnswerFile:answer_file_only_while_editable"):
        file = make(
            "funding.AnswerFile",
            application=award.application,
            question=award.application.call.questions.first(),
        )
    row = services.hand_over(award, actor=manager, to=fund, note="技术验证完成")
    assert (row.award, row.fund, row.note, row.by) == (award, fund, "技术验证完成", manager)
    assert (row.deal.fund, row.deal.company, row.deal.project, row.deal.state) == (
        fund,
        award.organisation,
        award.project,
        "suggested",
    )
    assert award.number in row.deal.reasons["en"][0]
    assert award.number in row.deal.reasons["zh-hans"][0]
    assert row.file == {
        "application": award.application.number,
        "award": award.number,
        "amount_fen": award.amount_fen,
        "documents": [file.document_id],
        "reviews": sorted(award.application.reviews.values_list("pk", flat=True)),
    }
    assert len(row.file["reviews"]) == 2
    (message,) = Message.objects.filter(key=f"deal.handed_over:{row.pk}")
    assert message.payload["recipients"] == [manager.pk]
    client = Client()
    client.force_login(manager)
    page = client.get(reverse("admin:funding_deal_change", args=[row.deal.pk])).content.decode()
    assert reverse("admin:funding_award_change", args=[award.pk]) in page
    assert reverse("admin:core_document_change", args=[file.document_id]) in page


def test_open_deal_of_the_fund_is_used(manager, award):
    deal = make_deal(company=award.organisation, upto="meeting")
    row = services.hand_over(award, actor=manager, to=deal.fund, note="移交")
    assert (row.deal, Deal.objects.count()) == (deal, 1)


def test_once_a_fund(manager, award):
    fund = make_market_fund()
    services.hand_over(award, actor=manager, to=fund, note="移交")
    with pytest.raises(DomainError, match="has been handed"):
        services.hand_over(award, actor=manager, to=fund, note="再次")
    services.hand_over(award, actor=manager, to=make_market_fund(), note="另一基金")
    assert Handover.objects.count() == 2


def test_to_market_funds_alone_and_by_who_is_apart(manager, award):
    with pytest.raises(DomainError, match="market-based"):
        services.hand_over(award, actor=manager, to=make_fund(), note="移交")
    fund = make_market_fund()
    Membership.objects.create(user=manager, organisation=award.organisation, role="viewer")
    for person in (manager, make_staff("officer"), make_staff("finance")):
        with pytest.raises(Forbidden):
            services.hand_over(award, actor=person, to=fund, note="移交")
    assert (Handover.objects.count(), Deal.objects.count()) == (0, 0)
