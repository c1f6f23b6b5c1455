"""From the decision to a running award: agreement, plan, signatures; then what is changed in it."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from funding.awards import services
from funding.awards.models import AgreementTemplate, Award
from funding.awards.services.agreements import agreement_text
from funding.funds.models import BudgetLine
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from park_portal.core.ledger.models import Account
from park_portal.core.ledger.services import NotEnough, verify_ledger
from park_portal.core.outbox.models import Message
from tests.factories.awards import (
    issued_agreement,
    make_agreement,
    make_amendment,
    make_running,
    pdf_file,
    sign,
    submitted_milestone,
    terms,
)
from tests.factories.calls import make_line
from tests.factories.core import make_staff, make_user
from tests.factories.decisions import TEN_THOUSAND, make_award
from tests.factories.incubator import make_project, make_university
from tests.factories.reviews import make_review_call

pytestmark = pytest.mark.django_db
WAN = TEN_THOUSAND


def shown(award):
    """The figures of an award in 万元, those that are nothing left out."""
    money = services.money_of(award)
    return {name.removesuffix("_fen"): fen // WAN for name, fen in vars(money).items() if fen}


def free_in(line: BudgetLine) -> int:
    return Account.objects.of(line).get().free_fen // WAN


def refused(code):
    class Refusal:
        def __enter__(self):
            self.raises = pytest.raises(DomainError)
            self.error = self.raises.__enter__()
            return self.error

        def __exit__(self, *args):
            done = self.raises.__exit__(*args)
            assert self.error.value.code == code, self.error.value.code
            return done

    return Refusal()


# --- drawing up and signing


def test_agreement_without_a_plan_is_not_issued_and_says_everything_that_is_missing():
    agreement = make_agreement(planned=False)
    with refused("incomplete") as error:
        services.issue_agreement(agreement, actor=make_staff("fund_manager"))
    assert [str(problem.message) for problem in error.value.problems] == [
        "拨款批次合计 ¥0.00，资助金额为 ¥1,000,000.00。",
        "预算科目合计 ¥0.00，资助金额为 ¥1,000,000.00。",
        "还没有里程碑。",
    ]


def change(rows, **values):
    """Change rows past the services, up to the end of the transaction."""
    with transaction.atomic():
        rows.update(**values)
        connection.check_constraints()


def test_tranches_and_budget_that_do_not_come_to_the_award_are_refused_by_the_database_too():
    award = issued_agreement().award
    with pytest.raises(IntegrityError, match="the tranches of award"):
        change(award.tranches.filter(number=1), amount_fen=1)
    with pytest.raises(IntegrityError, match="the budget of award"):
        change(award.categories.filter(kind="equipment"), amount_fen=1)


def test_pdf_is_made_when_it_is_issued_and_the_grantee_is_told():
    agreement = issued_agreement()
    assert agreement.state == "issued"
    assert agreement.document.name == f"{agreement.award.number}.pdf"
    assert Message.objects.filter(key__startswith="award.agreement_issued:").count() == 1
    with pytest.raises(IllegalTransition):
        services.issue_agreement(agreement, actor=make_staff("fund_manager"))
    with pytest.raises(IllegalTransition):
        services.edit_agreement(agreement, actor=make_staff("officer"), **terms())


def test_award_runs_once_all_have_signed():
    award, manager = make_award(), make_staff("fund_manager")
    agreement = issued_agreement(award)
    with refused("not_signed"):
        services.start_award(award, actor=manager)
    officer = make_staff("officer")
    first = {"name": "王敏", "signed_on": timezone.localdate(), "scan": pdf_file()}
    services.note_signature(agreement, actor=officer, party="park", **first)
    with refused("signed"):
        services.note_signature(agreement, actor=officer, party="park", **{**first, "scan": pdf_file()})
    if award.project_id is None:
        with refused("party"):
            services.note_signature(
                agreement, actor=officer, party="university", **{**first, "scan": pdf_file()}
            )
    with refused("future"):
        tomorrow = timezone.localdate() + timedelta(days=1)
        services.note_signature(
            agreement, actor=officer, party="grantee", **{**first, "signed_on": tomorrow, "scan": pdf_file()}
        )
    services.note_signature(agreement, actor=officer, party="grantee", **{**first, "scan": pdf_file()})
    agreement.refresh_from_db()
    assert agreement.state == "signed"
    services.start_award(award, actor=manager)
    award.refresh_from_db()
    assert award.state == "running"
    assert shown(award) == {"promised": 100, "left": 100}


def test_what_was_signed_before_it_was_taken_back_is_signed_again():
    agreement, manager = issued_agreement(), make_staff("fund_manager")
    values = {"party": "park", "name": "王敏", "signed_on": timezone.localdate()}
    services.note_signature(agreement, actor=manager, scan=pdf_file(), **values)
    services.reopen_agreement(agreement, actor=manager)
    agreement = services.edit_agreement(agreement, actor=manager, **terms(pi_name="李强"))
    agreement = services.issue_agreement(agreement, actor=manager)
    assert agreement.version == 2
    services.note_signature(agreement, actor=manager, scan=pdf_file(), **values)
    assert agreement.signatures.count() == 2
    assert sign_rest(agreement).state == "signed"


def sign_rest(agreement):
    services.note_signature(
        agreement,
        actor=make_staff("officer"),
        party="grantee",
        name="张三",
        signed_on=timezone.localdate(),
        scan=pdf_file(),
    )
    agreement.refresh_from_db()
    return agreement


def test_stranger_does_nothing():
    award, stranger = make_award(), make_staff("auditor")
    for act in (
        lambda: services.draft_agreement(award, actor=stranger, **terms()),
        lambda: services.start_award(award, actor=stranger),
        lambda: services.claim_back(
            award, actor=stranger, amount_fen=1, reason="x", due_on=timezone.localdate()
        ),
        lambda: services.close_award(award, actor=stranger),
    ):
        with pytest.raises(Forbidden):
            act()


# --- milestones


def test_milestone_is_met_by_both_kinds_of_evidence_and_another_person():
    award = make_running()
    milestone = award.milestones.order_by("number")[0]
    owner = award.application.people()[0]
    with refused("required") as error:
        services.submit_milestone(
            milestone, actor=owner, technical_evidence="准确率 91 %", market_evidence="  "
        )
    assert error.value.field == "market_evidence"
    services.submit_milestone(
        milestone,
        actor=owner,
        technical_evidence="准确率 91 %",
        market_evidence="三家医院",
        market_file=pdf_file(),
    )
    milestone.refresh_from_db()
    assert (milestone.state, milestone.market_document.name) == ("submitted", "scan.pdf")
    services.return_milestone(milestone, actor=make_staff("officer"), reason="缺少医院盖章")
    milestone.refresh_from_db()
    assert (milestone.state, milestone.answer) == ("planned", "缺少医院盖章")
    services.submit_milestone(
        milestone, actor=owner, technical_evidence="准确率 91 %", market_evidence="已盖章"
    )
    services.meet_milestone(milestone, actor=make_staff("officer"))
    tranche = award.tranches.get(milestone=milestone)
    assert services.stops_of(tranche) == []
    with refused("tranche_stopped") as stopped:
        services.refuse_tranche(award.tranches.get(number=3))
    assert len(stopped.value.problems) == 1


# --- shifts


def test_budget_is_shifted_up_to_a_fifth_and_further_by_a_fund_manager():
    award = make_running()
    rows = {row.kind: row for row in award.categories.all()}
    officer = make_staff("officer")
    shift = {"source": rows["equipment"], "target": rows["materials"], "reason": "试剂涨价"}
    services.shift_categories(award, actor=officer, amount_fen=6 * WAN, **shift)
    services.shift_categories(award, actor=officer, amount_fen=4 * WAN, **shift)
    with refused("shift_limit") as error:  # a fifth of 50 is 10
        services.shift_categories(award, actor=officer, amount_fen=1, **shift)
    assert "¥100,000.00" in str(error.value)
    services.shift_categories(award, actor=make_staff("fund_manager"), amount_fen=5 * WAN, **shift)
    with refused("indirect"):
        services.shift_categories(
            award, actor=officer, amount_fen=1, source=rows["materials"], target=rows["indirect"], reason="x"
        )
    with refused("not_enough"):
        services.shift_categories(
            award,
            actor=officer,
            amount_fen=11 * WAN,
            source=rows["indirect"],
            target=rows["materials"],
            reason="x",
        )
    assert dict(award.categories.values_list("kind", "amount_fen")) == {
        "equipment": 35 * WAN,
        "materials": 55 * WAN,
        "indirect": 10 * WAN,
    }


# --- amendments


def line_and_award(allotted=300) -> tuple[BudgetLine, Award]:
    line = make_line(allotted=allotted * WAN)
    return line, make_running(make_award(make_review_call("decision", fund=line.fund, budget_line=line)))


def test_amendment_that_adds_money_takes_it_from_the_budget_line():
    line, award = line_and_award()
    materials = award.categories.get(kind="materials")
    amendment = make_amendment(award, amount_fen=130 * WAN, category=materials)
    assert (free_in(line), shown(award)) == (200, {"promised": 100, "left": 100})
    services.approve_amendment(amendment, actor=make_staff("fund_manager"))
    connection.check_constraints()
    award.refresh_from_db()
    assert (free_in(line), shown(award)) == (170, {"promised": 130, "left": 130})
    assert award.agreement.amount_fen == 130 * WAN
    assert [t.amount_fen // WAN for t in award.tranches.order_by("number")] == [40, 40, 20, 30]
    materials.refresh_from_db()
    assert materials.amount_fen == 70 * WAN
    assert verify_ledger().findings == []


def test_amendment_that_takes_money_away_gives_it_back_to_the_line():
    line, award = line_and_award()
    last, equipment = award.tranches.get(number=3), award.categories.get(kind="equipment")
    with refused("tranche"):
        make_amendment(award, amount_fen=90 * WAN, category=equipment)
    amendment = make_amendment(award, amount_fen=90 * WAN, category=equipment, tranche=last)
    services.approve_amendment(amendment, actor=make_staff("fund_manager"))
    connection.check_constraints()
    assert (free_in(line), shown(award)) == (210, {"promised": 100, "left": 90, "released": 10})


def test_amendment_beyond_the_budget_line_changes_nothing():
    line, award = line_and_award(allotted=110)
    amendment = make_amendment(award, amount_fen=120 * WAN, category=award.categories.first())
    with pytest.raises(NotEnough):
        services.approve_amendment(amendment, actor=make_staff("fund_manager"))
    amendment.refresh_from_db()
    award.agreement.refresh_from_db()
    assert (amendment.state, award.agreement.amount_fen, free_in(line)) == ("proposed", 100 * WAN, 10)


def test_who_proposes_does_not_decide_and_one_is_open_at_a_time():
    award, manager = make_running(), make_staff("fund_manager")
    later = award.agreement.ends_on + timedelta(days=90)
    amendment = services.propose_amendment(award, actor=manager, reason="样本延期", ends_on=later)
    with refused("own_amendment"):
        services.approve_amendment(amendment, actor=manager)
    with refused("one_at_a_time"):
        make_amendment(award)
    services.approve_amendment(amendment, actor=make_staff("fund_manager"))
    award.agreement.refresh_from_db()
    assert award.agreement.ends_on == later
    other = make_amendment(award)
    services.refuse_amendment(other, actor=manager, reason="不同意")
    award.agreement.refresh_from_db()
    assert (other.agreement.pi_name, award.agreement.pi_name) == ("陈敏", "陈敏")


def test_signed_agreement_does_not_change_by_itself():
    award = make_running()
    for values in ({"amount_fen": 5}, {"ends_on": date(2099, 1, 1)}, {"pi_name": "x"}, {"scope": "x"}):
        with pytest.raises(IntegrityError, match="changes by an amendment only"), transaction.atomic():
            type(award.agreement).objects.filter(award=award).update(**values)


def test_amendment_that_changes_nothing_is_refused():
    award = make_running()
    with pytest.raises(DomainError):
        services.propose_amendment(
            award,
            actor=make_staff("officer"),
            reason="x",
            pi_name=award.agreement.pi_name,
            scope="",
            amount_fen=None,
        )


def test_evidence_cannot_be_found_good_by_who_sent_it():
    lead = make_staff("lead")
    milestone = submitted_milestone()
    type(milestone).objects.filter(pk=milestone.pk).update(submitted_by=lead)
    milestone.refresh_from_db()
    with refused("own_evidence"):
        services.meet_milestone(milestone, actor=lead)


def test_template_of_the_fund_is_used_and_its_fields_are_filled_in():
    agreement = make_agreement()
    AgreementTemplate.objects.create(
        fund=agreement.award.fund, body_zh_hans="甲方资助 {{ amount }}", body_en="x"
    )
    assert agreement_text(agreement) == {"zh-hans": "甲方资助 ¥1,000,000.00", "en": "x"}


def test_university_signs_for_a_research_team():
    university = make_university()
    project = make_project(pi=make_user(), university=university)
    award = make_award(project=project)
    agreement = issued_agreement(award)
    assert str(university) in agreement_text(agreement)["zh-hans"]
    assert str(project) not in agreement_text(agreement)["zh-hans"]
    assert [str(party) for party in agreement.parties] == ["park", "grantee", "university"]
    assert sign(agreement).state == "signed"
