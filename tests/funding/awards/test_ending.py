"""How awards stop, are accepted, give money back and are closed: with figures to be checked by hand."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, InternalError, transaction
from django.utils import timezone

from funding.awards import services
from funding.decisions import services as decisions
from park_portal.core.errors import DomainError, IllegalTransition
from park_portal.core.ledger.models import Transfer
from park_portal.core.ledger.services import NotEnough, reverse_transfer, verify_ledger
from tests.factories.awards import fill_bank, make_clawback, make_running, pay
from tests.factories.core import make_staff
from tests.factories.decisions import TEN_THOUSAND, make_award, make_decision
from tests.factories.reports import accept_reports
from tests.factories.reviews import make_application, make_review_call
from tests.funding.awards.test_agreements import free_in, line_and_award, refused, shown

pytestmark = pytest.mark.django_db
WAN = TEN_THOUSAND


def books_close() -> None:
    assert verify_ledger().findings == []


def test_three_tranches_and_a_reversal():
    """¥1,000,000 in 40, 40 and 20; the second was booked twice and put right: 0, 40, 80, 120 refused, 80, 100."""
    line, award = line_and_award()
    fill_bank(award, 200 * WAN)
    assert shown(award) == {"promised": 100, "left": 100}
    pay(award, 40 * WAN)
    assert shown(award) == {"promised": 100, "paid": 40, "left": 60}
    pay(award, 40 * WAN)
    with pytest.raises(NotEnough):
        pay(award, 40 * WAN)  # more than was promised
    pay(award, 20 * WAN)
    assert shown(award) == {"promised": 100, "paid": 100}
    # The last one was paid to somebody else's account: taken back, and paid again.
    last = Transfer.objects.about(award).filter(code="award.pay").order_by("-pk")[0]
    reverse_transfer(last, actor=make_staff("finance"), reason="收款账户有误，银行退回")
    assert shown(award) == {"promised": 100, "paid": 80, "left": 20}
    pay(award, 20 * WAN)
    assert shown(award) == {"promised": 100, "paid": 100}
    assert free_in(line) == 200
    books_close()


def test_suspended_award_pays_nothing_until_it_is_resumed():
    award, manager = make_running(), make_staff("fund_manager")
    first = award.tranches.get(number=1)
    assert services.stops_of(first) == []
    services.suspend_award(award, actor=manager, reason="主要成员离职")
    first.award.refresh_from_db()
    assert len(services.stops_of(first)) == 1
    services.resume_award(first.award, actor=manager)
    assert services.stops_of(award.tranches.get(number=1)) == []
    services.suspend_award(award, actor=manager, reason="再次中止")


def test_clawback_after_payment():
    """40 of 100 paid, terminated, 10 claimed back: 3 come, then 7; the rest of 60 and those 10 are free again."""
    line, award = line_and_award()
    claim = make_clawback_on(award)
    assert shown(award) == {"promised": 100, "paid": 40, "left": 60, "claimed": 10}
    assert free_in(line) == 200  # what is claimed is not there yet
    finance = make_staff("finance")
    with refused("open_ends") as error:
        services.close_award(award, actor=finance)
    assert len(error.value.problems) == 1
    today = timezone.localdate()
    services.note_recovery(claim, actor=finance, amount_fen=3 * WAN, on=today, bank_reference="R1")
    services.note_recovery(
        claim, actor=finance, amount_fen=3 * WAN, on=today, bank_reference="R1"
    )  # second click
    assert (free_in(line), shown(award)["recovered"]) == (203, 3)
    with pytest.raises(NotEnough):
        services.note_recovery(claim, actor=finance, amount_fen=8 * WAN, on=today, bank_reference="R2")
    services.note_recovery(claim, actor=finance, amount_fen=7 * WAN, on=today, bank_reference="R3")
    claim.refresh_from_db()
    assert claim.state == "recovered"
    services.close_award(award, actor=finance)
    award.refresh_from_db()
    assert award.state == "closed"
    assert free_in(line) == 270
    assert shown(award) == {"promised": 100, "paid": 40, "released": 60, "claimed": 10, "recovered": 10}
    books_close()


def make_clawback_on(award):
    fill_bank(award, 200 * WAN)
    pay(award, 40 * WAN)
    services.terminate_award(award, actor=make_staff("fund_manager"), reason="团队解散")
    return services.claim_back(
        award,
        actor=make_staff("finance"),
        amount_fen=10 * WAN,
        reason="设备未购置",
        due_on=timezone.localdate() + timedelta(days=30),
    )


def test_more_than_was_paid_is_not_claimed_back():
    claim = make_clawback()
    with refused("more_than_paid"):
        services.claim_back(
            claim.award,
            actor=make_staff("finance"),
            amount_fen=30 * WAN + 1,
            reason="x",
            due_on=timezone.localdate(),
        )
    with pytest.raises(IllegalTransition):
        services.claim_back(
            make_running(), actor=make_staff("finance"), amount_fen=1, reason="x", due_on=timezone.localdate()
        )


def test_award_is_not_closed_past_its_money():
    claim = make_clawback()
    with pytest.raises(IntegrityError, match="still open"), transaction.atomic():
        type(claim.award).objects.filter(pk=claim.award_id).update(state="closed")
    with pytest.raises(IntegrityError, match="not paid back"), transaction.atomic():
        type(claim).objects.filter(pk=claim.pk).update(state="recovered")


# --- acceptance


def acceptance_call(**values):
    return make_review_call("decision", outcome="acceptance", **values)


def decide(award, call, recognised_fen: int, verdict: str = "approve"):
    """The grantee applies in the call, and the decision goes out."""
    application = make_application(call, organisation=award.organisation, project=award.project)
    lead = make_staff("lead")
    amount = recognised_fen if verdict == "approve" else None
    (decision,) = decisions.propose_decisions(
        [decisions.Proposal(application, verdict, amount_fen=amount)], actor=lead
    )
    (letter,) = decisions.write_letters([decision], actor=lead)
    decisions.check_letter(letter, actor=make_staff("officer"))
    decisions.release_decisions([decision], actor=lead)
    return application


def test_award_is_accepted_by_a_decision_and_closed_with_the_rest_given_back():
    """60 of 100 paid, 55 recognised: 5 are claimed back, 40 were never paid; free at the end 200 + 40 + 5."""
    line, award = line_and_award()
    fill_bank(award, 200 * WAN)
    pay(award, 40 * WAN)
    pay(award, 20 * WAN)
    call = acceptance_call()
    services.call_to_acceptance(accept_reports(award), actor=make_staff("officer"), call=call)
    application = decide(award, call, 55 * WAN)
    award.refresh_from_db()
    assert (award.state, award.acceptance, award.recognised_fen) == ("accepted", application, 55 * WAN)
    finance = make_staff("finance")
    with refused("open_ends") as error:
        services.close_award(award, actor=finance)
    assert "¥50,000.00" in str(error.value.problems[0].message)
    today = timezone.localdate()
    claim = services.claim_back(award, actor=finance, amount_fen=5 * WAN, reason="未认定", due_on=today)
    services.note_recovery(claim, actor=finance, amount_fen=5 * WAN, on=today, bank_reference="R9")
    services.close_award(award, actor=finance)
    assert free_in(line) == 245
    assert shown(award) == {"promised": 100, "paid": 60, "released": 40, "claimed": 5, "recovered": 5}
    books_close()


def test_more_than_was_paid_is_not_recognised():
    _line, award = line_and_award()
    fill_bank(award, 200 * WAN)
    pay(award, 40 * WAN)
    call = acceptance_call()
    services.call_to_acceptance(accept_reports(award), actor=make_staff("officer"), call=call)
    with refused("more_than_paid"):
        decide(award, call, 41 * WAN)
    award.refresh_from_db()
    assert award.state == "acceptance"


def test_award_that_was_not_accepted_goes_back_to_work():
    _line, award = line_and_award()
    call = acceptance_call()
    officer = make_staff("officer")
    services.call_to_acceptance(accept_reports(award), actor=officer, call=call)
    decide(award, call, 0, verdict="decline")
    award.refresh_from_db()
    assert award.state == "acceptance"
    services.continue_award(award, actor=officer, reason="补充临床数据")
    award.refresh_from_db()
    assert (award.state, award.acceptance_call, award.state_reason) == ("running", None, "补充临床数据")
    services.call_to_acceptance(award, actor=officer, call=acceptance_call())


def test_only_a_call_for_acceptance_that_is_open_takes_awards():
    award, officer = make_running(), make_staff("officer")
    with refused("call"):
        services.call_to_acceptance(award, actor=officer, call=make_review_call("decision"))


def test_decision_in_a_call_for_acceptance_without_an_award_is_not_released():
    call = acceptance_call()
    decision = make_decision(call=call)
    (letter,) = decisions.write_letters([decision], actor=decision.decided_by)
    decisions.check_letter(letter, actor=make_staff("officer"))
    with pytest.raises(DomainError) as error:
        decisions.release_decisions([decision], actor=decision.decided_by)
    assert error.value.code == "no_award"


def test_award_accepted_without_a_decision_is_refused_by_the_database():
    award = accept_reports(make_running(make_award()))
    services.call_to_acceptance(award, actor=make_staff("officer"), call=acceptance_call())
    with pytest.raises(InternalError), transaction.atomic():
        type(award).objects.filter(pk=award.pk).update(state="accepted")
