"""Four people a payment, each step once, each refusal with what to do."""

import pytest
from django.db import IntegrityError, transaction

from funding.awards.hooks import holds_of_tranche, stops_of_close
from funding.awards.services import suspend_award
from funding.payments import services
from funding.payments.models import Disbursement, PaymentBatch
from park_portal.core.documents.models import Document
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from park_portal.core.ledger.models import Account, Transfer
from park_portal.core.ledger.services import NotEnough
from park_portal.core.outbox.models import Message
from tests.factories import awards
from tests.factories.calls import make_line
from tests.factories.core import make_staff, make_user
from tests.factories.payments import ACCOUNT, grantee_of, make_payment, make_running
from tests.personas import person

pytestmark = pytest.mark.django_db

ASKED = {"purpose": "首期", "payee": "澄光", "bank": "中国银行", "account_number": ACCOUNT}


def notices(kind):
    return Message.objects.filter(key__startswith=f"{kind}:").count()


def test_grantee_asks_once():
    award = make_running()
    owner, (tranche, *_others) = grantee_of(award), award.tranches.order_by("number")
    first = services.ask_disbursement(tranche, actor=owner, amount_fen=100, **ASKED)
    assert services.ask_disbursement(tranche, actor=owner, amount_fen=100, **ASKED) == first
    assert (first.number, first.state, first.asked_by) == (f"{award.number}-P1", "asked", owner)
    assert notices("payment.asked") == 1
    with pytest.raises(DomainError) as other:
        services.ask_disbursement(tranche, actor=owner, amount_fen=101, **ASKED)
    assert (other.value.code, other.value.field) == ("asked_for", "tranche")
    with pytest.raises(Forbidden):
        services.ask_disbursement(tranche, actor=person("stranger"), amount_fen=100, **ASKED)
    services.cancel_disbursement(first, actor=owner, reason="以后再申请")
    again = services.ask_disbursement(tranche, actor=owner, amount_fen=101, **ASKED)
    assert again.number == f"{award.number}-P2"


@pytest.mark.parametrize(
    ("amount", "code"),
    [(0, "amount_positive"), (-1, "amount_positive"), (40_000_001, "too_much"), (10**30, "amount_positive")],
)
def test_amount_that_cannot_be_asked(amount, code):
    award = make_running()
    with pytest.raises(DomainError) as refused:
        services.ask_disbursement(
            award.tranches.get(number=1), actor=grantee_of(award), amount_fen=amount, **ASKED
        )
    assert (refused.value.code, refused.value.field) == (code, "amount_fen")


@pytest.mark.parametrize("number", ["", "1234567", "6222 02x0 1234 5678", "1" * 33, "=1+1"])
def test_account_that_cannot_be(number):
    award = make_running()
    values = {**ASKED, "account_number": number}
    with pytest.raises(DomainError) as refused:
        services.ask_disbursement(
            award.tranches.get(number=1), actor=grantee_of(award), amount_fen=100, **values
        )
    assert refused.value.field == "account_number"


def test_tranche_whose_milestone_is_not_met_is_not_asked_for():
    award = awards.make_running()
    with pytest.raises(DomainError) as refused:
        services.ask_disbursement(
            award.tranches.get(number=2), actor=grantee_of(award), amount_fen=100, **ASKED
        )
    assert refused.value.code == "tranche_stopped"
    assert len(refused.value.problems) == 1


def test_award_that_is_suspended_pays_nothing():
    award = make_running()
    asked, checked_ = make_payment(award), make_payment(award, to="checked")
    suspend_award(award, actor=make_staff("fund_manager"), reason="审计")
    with pytest.raises(DomainError):
        services.check_disbursement(asked, actor=make_staff("officer"))
    with pytest.raises(DomainError) as refused:
        services.approve_disbursement(checked_, actor=make_staff("finance"))
    assert refused.value.code == "not_payable"


def test_award_with_an_open_payment_is_not_closed_and_its_tranche_stays_what_it_is():
    award = make_running()
    payment = make_payment(award)
    assert payment.number in str([*stops_of_close(award)])
    assert [problem.message for problem in holds_of_tranche(payment.tranche)] != []
    services.cancel_disbursement(payment, actor=grantee_of(award), reason="x")
    assert ([*stops_of_close(award)], [*holds_of_tranche(payment.tranche)]) == ([], [])


def test_each_step_is_somebody_else_s():
    award = make_running()
    officer, one, two = make_staff("officer"), make_staff("finance"), make_staff("finance")
    own = services.ask_disbursement(award.tranches.get(number=1), actor=officer, amount_fen=100, **ASKED)
    with pytest.raises(DomainError) as refused:
        services.check_disbursement(own, actor=officer)
    assert refused.value.code == "four_eyes"
    both = make_staff("officer", "finance")
    payment = services.check_disbursement(own, actor=both)
    with pytest.raises(DomainError):
        services.approve_disbursement(payment, actor=both)
    with pytest.raises(Forbidden):
        services.approve_disbursement(payment, actor=make_staff("officer"))
    services.approve_disbursement(payment, actor=one)
    for actor in (one, both):
        with pytest.raises(DomainError) as refused:
            services.release_disbursement(payment, actor=actor)
        assert refused.value.code == "four_eyes"
    services.release_disbursement(payment, actor=two)
    payment.refresh_from_db()
    assert [payment.asked_by, payment.checked_by, payment.approved_by, payment.released_by] == [
        *(officer, both, one, two)
    ]
    for step, person_ in (("approved_by", both), ("released_by", one), ("released_by", officer)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Disbursement.objects.filter(pk=payment.pk).update(**{step: person_})


def test_second_click_does_nothing_again():
    payment = make_payment()
    officer, one, two = make_staff("officer"), make_staff("finance"), make_staff("finance")
    for _click in range(2):
        services.check_disbursement(payment, actor=officer)
    for _click in range(2):
        services.approve_disbursement(payment, actor=one)
    for _click in range(2):
        services.release_disbursement(payment, actor=two)
    assert Transfer.objects.about(payment).count() == 1
    assert [notices(kind) for kind in ("payment.checked", "payment.approved")] == [1, 1]
    with pytest.raises(IllegalTransition):
        services.check_disbursement(payment, actor=officer)


def test_approval_beyond_what_is_in_the_bank_is_refused():
    award = make_running(cash_fen=9_999_999)
    payment = make_payment(award, to="checked", amount_fen=10_000_000)
    with pytest.raises(NotEnough) as refused:
        services.approve_disbursement(payment, actor=make_staff("finance"))
    assert "¥99,999.99" in str(refused.value)
    payment.refresh_from_db()
    assert payment.state == "checked"


@pytest.mark.parametrize("how", ["return", "cancel"])
def test_what_goes_no_further_holds_nothing(how):
    award = make_running()
    payment = make_payment(award, to="approved")
    bank = Account.objects.get(book=award.fund.book, kind="fund.bank")
    assert bank.held_fen == payment.amount_fen
    if how == "return":
        services.return_disbursement(payment, actor=make_staff("officer"), reason="发票不清")
        services.return_disbursement(payment, actor=make_staff("officer"), reason="发票不清")
    else:
        services.cancel_disbursement(payment, actor=grantee_of(award), reason="不再需要")
        services.cancel_disbursement(payment, actor=grantee_of(award), reason="不再需要")
    bank.refresh_from_db()
    assert bank.held_fen == 0
    assert notices("payment.returned" if how == "return" else "payment.cancelled") == 1


# --- batches


def checked(count, **values):
    line = make_line(allotted=10**10)
    payments = []
    for place in range(count):
        award = make_running(line=line, cash_fen=100_000_000 if place == 0 else 0)
        payments.append(
            make_payment(award, to="checked", account_number=f"3100666610188{place:04d}", **values)
        )
    return line.fund, payments


def test_batch_is_approved_whole_or_not_at_all():
    fund, payments = checked(3)
    # The bank sent a payment to the second one's account back.
    bounced = make_payment(
        payments[0].award, to="released", account_number=payments[1].account_number, amount_fen=1
    )
    services.bounce_disbursement(bounced, actor=make_staff("finance"), reason="账号不存在")
    with pytest.raises(DomainError) as refused:
        services.make_batch(actor=make_staff("finance"), fund=fund)
    assert [problem.anchor for problem in refused.value.problems] == [payments[1].number]
    assert payments[1].number in str(refused.value)
    assert {one.state for one in Disbursement.objects.filter(pk__in=[p.pk for p in payments])} == {"checked"}
    assert PaymentBatch.objects.count() == 0
    batch = services.make_batch(
        actor=make_staff("finance"), fund=fund, numbers=[payments[0].number, payments[2].number]
    )
    assert batch.payments.count() == 2


def test_batch_of_a_wrong_number_names_it():
    fund, payments = checked(1)
    with pytest.raises(DomainError) as refused:
        services.make_batch(actor=make_staff("finance"), fund=fund, numbers=[payments[0].number, "X-P9"])
    assert [problem.anchor for problem in refused.value.problems] == ["X-P9"]
    with pytest.raises(Forbidden):
        services.make_batch(actor=make_staff("officer"), fund=fund)


def test_batch_is_released_whole_or_not_at_all():
    fund, payments = checked(2)
    one, two = make_staff("finance"), make_staff("finance")
    batch = services.make_batch(actor=one, fund=fund)
    with pytest.raises(DomainError) as own:
        services.release_batch(batch, actor=one)
    assert [problem.anchor for problem in own.value.problems] == [one_.number for one_ in payments]
    with pytest.raises(DomainError) as single:
        services.release_disbursement(payments[0], actor=two)
    assert single.value.code == "in_batch"
    award = payments[1].award
    bounced = make_payment(payments[0].award, to="released", account_number=ACCOUNT, amount_fen=1)
    services.bounce_disbursement(bounced, actor=make_staff("finance"), reason="账号不存在")
    Disbursement.objects.filter(pk=bounced.pk).update(account_number=payments[1].account_number)
    with pytest.raises(DomainError) as refused:
        services.release_batch(batch, actor=two)
    assert [problem.anchor for problem in refused.value.problems] == [payments[1].number]
    assert {one_.state for one_ in batch.payments.all()} == {"approved"}
    assert Document.objects.filter(subject_type="funding.paymentbatch").count() == 0
    services.return_disbursement(batch.payments.get(award=award), actor=two, reason="账号错误")
    services.release_batch(batch, actor=two)
    assert [one_.number for one_ in batch.payments.filter(state="released")] == [payments[0].number]


def test_batch_costs_as_many_statements_for_many(django_assert_max_num_queries):
    fund, _payments = checked(8)
    one, two = make_staff("finance"), make_staff("finance")
    with django_assert_max_num_queries(45):
        batch = services.make_batch(actor=one, fund=fund)
    with django_assert_max_num_queries(45):
        services.release_batch(batch, actor=two)


def test_files_of_a_batch_are_for_staff(client_of):
    fund, payments = checked(1)
    batch = services.make_batch(actor=make_staff("finance"), fund=fund)
    services.release_batch(batch, actor=make_staff("finance"))
    (_form, document), *_others = services.files_of(batch)
    assert client_of(make_staff("finance")).get(document.get_absolute_url()).status_code == 200
    for who in (make_user(), grantee_of(payments[0].award), make_staff("administrator")):
        assert client_of(who).get(document.get_absolute_url()).status_code == 404
