"""Agreements, plans and running awards for tests."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from funding.awards import accounts, services
from funding.awards.models import (
    Agreement,
    Amendment,
    Award,
    BudgetCategory,
    Clawback,
    Milestone,
    Signature,
    Tranche,
)
from funding.funds.services import bank_of, note_contribution
from incubator.organisations.models import Organisation
from park_portal.core.documents.pdf import render_pdf
from park_portal.core.ledger.services import post_transfer
from park_portal.core.workflow import SYSTEM
from tests.factories import fill, list_page, make, makes, number
from tests.factories.calls import make_commitment
from tests.factories.core import make_staff
from tests.factories.decisions import TEN_THOUSAND, make_award
from tests.factories.reviews import shared_call
from tests.personas import person

# A hundred times ten thousand yuan, as ``make_award`` grants: three tranches and three categories of it.
TRANCHES = (40, 40, 20)
CATEGORIES = {"equipment": 50, "materials": 40, "indirect": 10}


@cache
def _pdf() -> bytes:
    return render_pdf("letter", {"parts": [{"lang": "zh", "title": "扫描件"}]})


def pdf_file(name: str = "scan.pdf") -> ContentFile[bytes]:
    """Returns a small PDF, as a browser uploads it."""
    return ContentFile(_pdf(), name=name)


def terms(**values: Any) -> dict[str, Any]:
    """Returns what an agreement that begins today and runs a year and a half says."""
    starts = timezone.localdate()
    return {
        "starts_on": starts,
        "ends_on": starts + timedelta(days=548),
        "pi_name": "陈敏",
        "scope": "建立类器官药筛平台原型并完成临床样本验证。",
        "trl_start": 4,
        "trl_target": 6,
        "report_months": 6,
        **values,
    }


def make_agreement(award: Award | None = None, *, planned: bool = True, **values: Any) -> Agreement:
    """Returns an agreement that is being drawn up, its plan and budget filled in unless ``planned`` says otherwise."""
    award = award or make_award()
    agreement = services.draft_agreement(award, actor=make_staff("officer"), **terms(**values))
    if planned:
        plan(agreement)
    return agreement


def plan(agreement: Agreement) -> None:
    """Gives the award two milestones, three tranches and three categories."""
    award, officer = agreement.award, make_staff("officer")
    milestones: list[Milestone | None] = [None]
    for place, title in enumerate(("原型完成", "临床样本验证"), 1):
        milestones.append(
            services.add_milestone(
                award,
                actor=officer,
                title=title,
                due_on=agreement.starts_on + timedelta(days=180 * place),
                technical_goal="准确率不低于 85 %",
                market_goal="两家医院签署试用意向",
                trl=4 + place,
            )
        )
    share = award.amount_fen // 100
    for part, milestone in zip(TRANCHES, milestones, strict=True):
        services.add_tranche(award, actor=officer, amount_fen=part * share, milestone=milestone, condition="")
    services.set_categories(
        award, actor=officer, amounts={kind: part * share for kind, part in CATEGORIES.items()}
    )


def issued_agreement(award: Award | None = None, **values: Any) -> Agreement:
    """Returns an agreement that is to be signed."""
    return services.issue_agreement(make_agreement(award, **values), actor=make_staff("fund_manager"))


def sign(agreement: Agreement, *, on: date | None = None) -> Agreement:
    """Has all parties sign an issued agreement and returns it, signed."""
    for party in agreement.parties:
        services.note_signature(
            agreement,
            actor=make_staff("officer"),
            party=party,
            name="张三",
            signed_on=on or timezone.localdate(),
            scan=pdf_file(),
        )
    agreement.refresh_from_db()
    return agreement


def make_signed(award: Award | None = None, **values: Any) -> Award:
    """Returns an award whose agreement all have signed."""
    return sign(issued_agreement(award, **values)).award


def make_running(award: Award | None = None, **values: Any) -> Award:
    """Returns an award that is under way: ¥1,000,000 in tranches of 40, 40 and 20 %."""
    return services.start_award(make_signed(award, **values), actor=make_staff("fund_manager"))


def make_amendment(award: Award | None = None, **values: Any) -> Amendment:
    """Returns an amendment to be decided."""
    values = values or {"pi_name": "李强"}
    return services.propose_amendment(
        award or make_running(), actor=make_staff("officer"), reason="负责人调离", **values
    )


def submitted_milestone(award: Award | None = None) -> Milestone:
    """Returns the first milestone of an award, its evidence to be checked."""
    award = award or make_running()
    milestone = award.milestones.order_by("number")[0]
    return services.submit_milestone(
        milestone, actor=SYSTEM, technical_evidence="准确率 91 %", market_evidence="三家医院签署意向"
    )


def _shared() -> Award:
    return make_award(shared_call("decision"))


@makes("funding.Agreement")
def agreement(**values: Any) -> Agreement:
    return make_agreement(values.pop("award", None) or _shared(), **values)


@makes("funding.Signature")
def signature(**values: Any) -> Signature:
    return make_signed(_shared()).agreement.signatures.all()[0]


@makes("funding.Amendment")
def amendment(**values: Any) -> Amendment:
    return make_amendment(make_running(_shared()))


@makes("funding.Milestone")
def milestone(**values: Any) -> Milestone:
    return make_running(_shared()).milestones.all()[0]


@makes("funding.Tranche")
def tranche(**values: Any) -> Tranche:
    return make_running(_shared()).tranches.all()[0]


@makes("funding.BudgetCategory")
def category(**values: Any) -> BudgetCategory:
    return make_running(_shared()).categories.all()[0]


@makes("funding.BudgetShift")
def shift(**values: Any) -> Any:
    award = make_running(_shared())
    source, target = award.categories.order_by("pk")[:2]
    return services.shift_categories(
        award,
        actor=make_staff("officer"),
        source=source,
        target=target,
        amount_fen=1_000_00,
        reason="试剂涨价",
    )


@makes("funding.AgreementTemplate")
def template(**values: Any) -> Any:
    values.setdefault("fund", make("funding.Fund"))
    return fill("funding.AgreementTemplate", **values)


@list_page("awards:list", persona="founder")
def awards_of_a_founder(count: int) -> None:
    organisation = Organisation.objects.get(memberships__user=person("founder"))
    call = shared_call("decision")
    for _number in range(count):
        make_award(call, organisation=organisation)


@makes("funding.Clawback")
def clawback(**values: Any) -> Clawback:
    """A claim on an award that was paid its first tranche."""
    return make_clawback(_shared())


def pay(award: Award, amount_fen: int) -> None:
    """Books a payment as the bank would: for tests of what comes after it."""
    post_transfer(
        debit=services.committed_account(award, actor=SYSTEM),
        credit=bank_of(award.fund, actor=SYSTEM),
        amount_fen=amount_fen,
        code=accounts.PAY,
        key=f"test-pay-{number()}",
        about=award,
        actor=SYSTEM,
    )


def make_clawback(award: Award | None = None, amount_fen: int = 10 * TEN_THOUSAND) -> Clawback:
    """Returns a claim on a terminated award that was paid its first tranche of ¥400,000."""
    award = make_running(award)
    fill_bank(award)
    pay(award, 40 * TEN_THOUSAND)
    services.terminate_award(award, actor=make_staff("fund_manager"), reason="团队解散")
    return services.claim_back(
        award,
        actor=make_staff("finance"),
        amount_fen=amount_fen,
        reason="设备未购置",
        due_on=timezone.localdate() + timedelta(days=30),
    )


def fill_bank(award: Award, amount_fen: int = 1_000 * TEN_THOUSAND) -> None:
    """Has a partner pay what it promised, so that there is money to be paid out."""
    commitment = make_commitment(award.fund, amount_fen=amount_fen)
    note_contribution(
        commitment,
        actor=make_staff("finance"),
        amount_fen=amount_fen,
        on=timezone.localdate(),
        bank_reference=f"B{number()}",
    )
