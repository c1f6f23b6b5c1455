"""Payments by the doors that people and programs use: the portal, the administration, the API."""

import pytest
from django.urls import reverse
from django.utils import timezone

from funding.awards import services as awards
from funding.payments import services
from funding.payments.models import BankStatement, Disbursement, PaymentBatch
from tests.factories.core import make_staff, make_user
from tests.factories.payments import (
    ACCOUNT,
    csv_statement,
    grantee_of,
    make_payment,
    make_running,
    paid_row,
    xlsx_statement,
)

pytestmark = pytest.mark.django_db


def test_grantee_asks_corrects_and_cancels_on_the_portal(client_of):
    award = make_running()
    owner, stranger = client_of(grantee_of(award)), client_of(make_user())
    tranche = award.tranches.get(number=1)
    page = reverse("payments:ask")
    assert f"tranche={tranche.pk}" not in owner.get(page).content.decode()
    sent = {
        "tranche": tranche.pk,
        "amount_fen": "400,000.01",
        "purpose": "首期",
        "payee": "澄光生物",
        "bank": "中国银行",
        "account_number": "3100 6666 1018 8000",
    }
    refused = owner.post(page, sent)
    assert refused.status_code == 422
    assert "400,000.01" in refused.content.decode()  # nothing typed is lost
    assert owner.post(page, {**sent, "amount_fen": "400,000"}).status_code == 302
    payment = Disbursement.objects.get()
    assert (payment.amount_fen, payment.account_number) == (40_000_000, "3100666610188000")
    assert payment.number in owner.get(reverse("payments:list")).content.decode()
    shown = owner.get(reverse("payments:detail", args=[payment.pk])).content.decode()
    assert "¥400,000.00" in shown
    services.return_disbursement(payment, actor=make_staff("officer"), reason="请附发票")
    assert "请附发票" in owner.get(reverse("home")).content.decode()
    again = reverse("payments:again", args=[payment.pk])
    fixed = {name: value for name, value in sent.items() if name != "tranche"}
    assert owner.post(again, {**fixed, "amount_fen": "1000"}).status_code == 302
    cancel = reverse("payments:cancel", args=[payment.pk])
    for address in (reverse("payments:detail", args=[payment.pk]), again, cancel):
        assert stranger.get(address).status_code == 404
    assert stranger.post(cancel, {"reason": "x"}).status_code == 404
    assert owner.post(cancel, {"reason": "不再需要"}).status_code == 302
    payment.refresh_from_db()
    assert (payment.state, payment.amount_fen, payment.round) == ("cancelled", 100_000, 2)
    assert stranger.get(page).status_code == 403


def test_page_of_the_award_shows_its_payments(client_of):
    award = make_running()
    payment = make_payment(award, to="released")
    page = client_of(grantee_of(award)).get(reverse("awards:life", args=[award.pk])).content.decode()
    assert payment.number in page


def act(client, payment, name, data=None):
    return client.post(reverse("admin:funding_disbursement_act", args=[payment.pk, name]), data or {})


def test_staff_take_each_step_in_the_administration(client_of):
    award = make_running()
    officer, one, two = (client_of(make_staff(role)) for role in ("officer", "finance", "finance"))
    asked = officer.post(
        reverse("admin:funding_disbursement_list_act", args=["ask"]),
        {
            "tranche": award.tranches.get(number=1).pk,
            "amount_fen": "1000",
            "purpose": "首期",
            "payee": "澄光生物",
            "bank": "中国银行",
            "account_number": ACCOUNT,
        },
    )
    assert asked.status_code == 302
    payment = Disbursement.objects.get()
    assert act(officer, payment, "check").status_code == 200  # who asked does not check
    assert act(client_of(make_staff("officer")), payment, "check").status_code == 302
    assert act(officer, payment, "approve").status_code in (302, 403)
    assert act(one, payment, "approve").status_code == 302
    assert act(one, payment, "release").status_code == 200
    assert act(two, payment, "release").status_code == 302
    day = timezone.localdate().isoformat()
    assert act(one, payment, "pay", {"on": day, "bank_reference": "CMB-7"}).status_code == 302
    payment.refresh_from_db()
    assert (payment.state, payment.bank_reference) == ("paid", "CMB-7")
    page = one.get(reverse("admin:funding_disbursement_change", args=[payment.pk]))
    assert "CMB-7" in page.content.decode()


def test_batch_and_statement_in_the_administration(client_of):
    award = make_running()
    payments = [make_payment(award, to="checked") for _number in range(2)]
    one, two = client_of(make_staff("finance")), client_of(make_staff("finance"))
    make = reverse("admin:funding_paymentbatch_list_act", args=["make"])
    wrong = one.post(make, {"fund": award.fund_id, "numbers": f"{payments[0].number}\nNONE-P1"})
    assert "NONE-P1" in wrong.content.decode()
    assert one.post(make, {"fund": award.fund_id, "numbers": ""}).status_code == 302
    batch = PaymentBatch.objects.get()
    home = two.get(reverse("admin:index")).content.decode()
    assert batch.number in home
    release = reverse("admin:funding_paymentbatch_act", args=[batch.pk, "release"])
    assert two.post(release).status_code == 302
    page = two.get(reverse("admin:funding_paymentbatch_change", args=[batch.pk])).content.decode()
    assert [document.get_absolute_url() in page for _form, document in services.files_of(batch)] == [True] * 2

    take = reverse("admin:funding_bankstatement_take")
    bad = one.post(take, {"fund": award.fund_id, "file": csv_statement([paid_row(payments[0], "-1")])})
    assert (bad.status_code, BankStatement.objects.count()) == (422, 0)
    assert "2" in bad.content.decode()
    sent = one.post(take, {"fund": award.fund_id, "file": xlsx_statement([paid_row(payments[0])])})
    statement = BankStatement.objects.get()
    preview = reverse("admin:funding_bankstatement_preview", args=[statement.pk])
    assert sent.headers["Location"] == preview
    shown = one.get(preview).content.decode()
    assert payments[0].number in shown
    assert payments[1].number in shown  # released, and not in the statement
    auditor = client_of(make_staff("auditor"))
    assert auditor.get(preview).status_code == 200
    assert auditor.post(preview).status_code == 403
    assert one.post(preview).status_code == 302
    assert {payment.state for payment in Disbursement.objects.filter(award=award)} == {"paid", "released"}


def test_programs_ask_and_see_their_own(client_of):
    award = make_running()
    tranche = award.tranches.get(number=1)
    body = {
        "tranche": tranche.pk,
        "amount_fen": 100,
        "purpose": "首期",
        "payee": "澄光生物",
        "bank": "中国银行",
        "account_number": ACCOUNT,
    }
    owner, stranger = client_of(grantee_of(award)), client_of(make_user())
    address = "/api/v1/payments/"
    assert stranger.post(address, body, content_type="application/json").status_code == 404
    made = owner.post(address, body, content_type="application/json")
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["state"], "checked_by" in row, "asked_by" in row) == ("asked", False, False)
    assert stranger.get(f"{address}{row['id']}/").status_code == 404
    officer = client_of(make_staff("officer"))
    done = officer.post(f"{address}{row['id']}/acts/check/", {}, content_type="application/json")
    assert (done.status_code, done.json()["state"]) == (200, "checked")


def test_programs_take_a_statement_in(client_of):
    award = make_running()
    payment = make_payment(award, to="released")
    finance, officer = client_of(make_staff("finance")), client_of(make_staff("officer"))
    address = "/api/v1/bank-statements/"
    file = csv_statement([paid_row(payment)], encoding="gbk")
    assert officer.post(f"{address}take/", {"fund": award.fund.code, "file": file}).status_code == 403
    bad = csv_statement([paid_row(payment, "0")])
    refused = finance.post(f"{address}take/", {"fund": award.fund.code, "file": bad})
    assert refused.status_code == 400
    file.seek(0)
    made = finance.post(f"{address}take/", {"fund": award.fund.code, "file": file})
    assert made.status_code == 201, made.content
    key = made.json()["id"]
    preview = finance.get(f"{address}{key}/preview/").json()
    assert [line["payment"] for line in preview["matched"]] == [payment.number]
    assert finance.post(f"{address}{key}/book/").status_code == 200
    payment.refresh_from_db()
    assert payment.state == "paid"


def test_suspended_award_offers_no_tranche(client_of):
    award = make_running()
    awards.suspend_award(award, actor=make_staff("fund_manager"), reason="审计")
    assert client_of(grantee_of(award)).get(reverse("payments:ask")).status_code == 403
