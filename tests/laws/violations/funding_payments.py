"""Attempts on the rules of payments, batches and bank statements."""

from __future__ import annotations

from datetime import date
from typing import Any

import pgtrigger
from django.utils import timezone

from tests.laws.violations import Breach, breaks, changed, repeated
from tests.laws.violations.rows import part_of, row, update

PAYMENT, BATCH = "funding.Disbursement", "funding.PaymentBatch"
STATEMENT, LINE = "funding.BankStatement", "funding.StatementLine"


def _person() -> Any:
    return row("core.User")


def in_state(state: str, **values: Any) -> Any:
    """Return a payment in this state with four people behind it, put there behind the triggers' back."""
    payment = row(PAYMENT, asked_by=_person())
    given: dict[str, Any] = {"state": state, "checked_by": _person()}
    if state != "checked":
        given |= {"approved_by": _person()}
    if state in ("released", "paid", "bounced"):
        given |= {"released_by": _person()}
    if state == "paid":
        given |= {"paid_on": date(2026, 11, 2), "bank_reference": "B-1"}
    with pgtrigger.ignore():
        update(payment, **{**given, **values})
    payment.refresh_from_db()
    return payment


breaks("disbursement_amount_positive")(
    lambda: {
        "insert: nothing": lambda: row(PAYMENT, amount_fen=0),
        "insert: less than nothing": lambda: row(PAYMENT, amount_fen=-1),
    }
)
breaks("disbursement_account_is_a_number")(
    lambda: {
        "insert: letters": lambda: row(PAYMENT, account_number="62220x345678"),
        "insert: a formula": lambda: row(PAYMENT, account_number="=12345678"),
        "insert: too short": lambda: row(PAYMENT, account_number="1234567"),
    }
)


@breaks("disbursement_checked_by_another")
def checked_by_who_asked() -> dict[str, Breach]:
    payment = row(PAYMENT, asked_by=_person())
    return {"update": lambda: update(payment, checked_by=payment.asked_by)}


@breaks("disbursement_approved_by_another")
def approved_by_who_asked_or_checked() -> dict[str, Breach]:
    payment = in_state("approved")
    return {
        "update: by who asked": lambda: update(payment, approved_by=payment.asked_by),
        "update: by who checked": lambda: update(payment, approved_by=payment.checked_by),
    }


@breaks("disbursement_released_by_another")
def released_by_who_had_a_step() -> dict[str, Breach]:
    payment = in_state("released")
    return {
        f"update: by {step}": lambda step=step: update(payment, released_by=getattr(payment, step))
        for step in ("asked_by", "checked_by", "approved_by")
    }


@breaks("disbursement_has_its_people")
def step_of_nobody() -> dict[str, Breach]:
    released = in_state("released")
    asked = row(PAYMENT)
    return {
        **{
            f"update: without {step}": lambda step=step: update(released, **{step: None})
            for step in ("checked_by", "approved_by", "released_by")
        },
        "update: checked by nobody": lambda: update(asked, state="checked"),
        "update: approved before it is checked": lambda: update(asked, approved_by=_person()),
    }


@breaks("disbursement_paid_as_the_bank_says")
def paid_without_the_bank() -> dict[str, Breach]:
    paid, asked = in_state("paid"), row(PAYMENT)
    return {
        "update: no day": lambda: update(paid, paid_on=None),
        "update: no reference": lambda: update(paid, bank_reference=""),
        "update: a day before it is paid": lambda: update(asked, paid_on=date(2026, 11, 2)),
    }


breaks("disbursement_one_a_tranche")(repeated(PAYMENT, "tranche", "award"))


@breaks("disbursement_of_its_award_s_tranche")
def tranche_of_another_award() -> dict[str, Breach]:
    tranche, award = part_of(row("funding.Award")), row("funding.Award")
    return {"insert": lambda: row(PAYMENT, tranche=tranche, award=award)}


@breaks("disbursement_within_its_tranche")
def more_than_the_tranche() -> dict[str, Breach]:
    payment = row(PAYMENT)
    more = payment.tranche.amount_fen + 1
    tranche = part_of(row("funding.Award"))
    return {
        "update": lambda: update(payment, amount_fen=more),
        "insert": lambda: row(PAYMENT, tranche=tranche, amount_fen=tranche.amount_fen + 1),
    }


@breaks("disbursement_of_the_batch_s_fund")
def batch_of_another_fund() -> dict[str, Breach]:
    payment, batch = row(PAYMENT), row(BATCH)
    return {
        "update": lambda: update(payment, batch=batch),
        "insert": lambda: row(PAYMENT, batch=batch),
    }


@breaks("disbursement_terms_fixed")
def terms_changed_after_the_check() -> dict[str, Breach]:
    changes = {"amount_fen": 1, "payee": "x", "bank": "x", "account_number": "99999999", "purpose": "x"}
    payment = in_state("checked")
    return {
        f"update: {name}": lambda name=name, value=value: update(payment, **{name: value})
        for name, value in changes.items()
    }


@breaks("disbursement_attempts_count_up")
def attempt_counted_wrong() -> dict[str, Breach]:
    asked, bounced = row(PAYMENT), in_state("bounced")
    nobody = dict.fromkeys(("checked_by", "approved_by", "released_by"))
    return {
        "update: counted without asking": lambda: update(asked, round=2),
        "update: asked again, not counted": lambda: update(bounced, state="asked", **nobody),
    }


@breaks("disbursement_joins_an_open_batch")
def joins_a_released_batch() -> dict[str, Breach]:
    payment = row(PAYMENT)
    batch = row(BATCH, fund=payment.award.fund)
    update(batch, state="released", released_by=_person(), released_at=timezone.now())
    return {"update": lambda: update(payment, batch=batch)}


@breaks("disbursement_leaves_no_released_batch")
def leaves_its_batch() -> dict[str, Breach]:
    payment = in_state("released")
    batch = row(BATCH, fund=payment.award.fund)
    with pgtrigger.ignore():
        update(payment, batch=batch)
    return {"update": lambda: update(payment, batch=None)}


@breaks("disbursement_stands_on_the_ledger")
def state_without_its_transfer() -> dict[str, Breach]:
    checked, approved, released = in_state("checked"), in_state("approved"), in_state("released")
    paid = {"state": "paid", "paid_on": date(2026, 11, 2), "bank_reference": "B-1"}
    return {
        "update: approved, nothing held": lambda: update(checked, state="approved", approved_by=_person()),
        "update: released, nothing held": lambda: update(approved, state="released", released_by=_person()),
        "update: paid, nothing posted": lambda: update(released, **paid),
    }


# --- batches and statements

breaks("payment_batch_released_by_another")(
    changed(BATCH, state="released", released_at=timezone.now(), released_by=lambda obj: obj.made_by)
)


@breaks("payment_batch_released_by_somebody")
def batch_released_by_nobody() -> dict[str, Breach]:
    batch = row(BATCH)
    return {
        "update: by nobody": lambda: update(batch, state="released", released_at=timezone.now()),
        "update: at no time": lambda: update(batch, state="released", released_by=_person()),
        "update: while it is open": lambda: update(batch, released_by=_person(), released_at=timezone.now()),
    }


@breaks("payment_batch_released_whole")
def batch_with_a_payment_left_behind() -> dict[str, Breach]:
    payment = in_state("approved")
    batch = row(BATCH, fund=payment.award.fund)
    update(payment, batch=batch)
    return {
        "update": lambda: update(batch, state="released", released_by=_person(), released_at=timezone.now())
    }


breaks("bank_statement_in_order")(lambda: {"insert": lambda: row(STATEMENT, until=date(2026, 10, 31))})


@breaks("bank_statement_booked_by_somebody")
def statement_booked_by_nobody() -> dict[str, Breach]:
    statement = row(STATEMENT)
    return {
        "update: by nobody": lambda: update(statement, booked_at=timezone.now()),
        "update: at no time": lambda: update(statement, booked_by=_person()),
    }


@breaks("bank_statement_booked_once")
def statement_booked_again() -> dict[str, Breach]:
    statement = row(STATEMENT)
    update(statement, booked_at=timezone.now(), booked_by=_person())
    return {"update": lambda: update(statement, booked_at=None, booked_by=None)}


breaks("statement_line_once")(repeated(LINE, "statement", "place"))
breaks("statement_line_amount_positive")(lambda: {"insert": lambda: row(LINE, amount_fen=0)})
breaks("statement_line_matches_something")(lambda: {"insert": lambda: row(LINE, verdict="matched")})


@breaks("statement_line_settles_once")
def payment_settled_twice() -> dict[str, Breach]:
    payment = row(PAYMENT)
    first = row(LINE, verdict="matched", disbursement=payment)
    return {"insert": lambda: row(LINE, statement=first.statement, verdict="matched", disbursement=payment)}
