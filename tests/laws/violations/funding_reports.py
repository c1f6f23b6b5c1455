"""Attempts on the rules of reports and their expenses."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone

from park_portal.core.money import MAX_FEN
from tests.laws.violations import Breach, breaks, repeated
from tests.laws.violations.rows import delete, row, update

WHOLE = {"progress": "x", "technical_evidence": "x", "market_evidence": "x", "trl_now": 4}


def sent(**values: Any) -> Any:
    """Return a report that is to be read."""
    report = row("funding.Report", **WHOLE, **values)
    update(report, state="submitted", submitted_at=timezone.now())
    return report


breaks("report_numbered")(repeated("funding.Report", "award", "number"))
breaks("report_one_final")(repeated("funding.Report", "award", "kind", kind="final"))
breaks("report_kind_known")(lambda: {"insert": lambda: row("funding.Report", kind="x")})
breaks("report_period_in_order")(
    lambda: {"insert": lambda: row("funding.Report", period_to=date(2025, 12, 31))}
)
breaks("report_trl_possible")(
    lambda: {
        "insert: none": lambda: row("funding.Report", trl_now=0),
        "insert: beyond": lambda: row("funding.Report", trl_now=10),
    }
)


@breaks("report_sent_whole")
def report_sent_in_part() -> dict[str, Breach]:
    report, now = row("funding.Report"), timezone.now()
    whole = {**WHOLE, "submitted_at": now}
    return {
        f"update: no {name}": lambda name=name, value=value: update(
            report, state="submitted", **{**whole, name: "" if isinstance(value, str) else None}
        )
        for name, value in whole.items()
    }


@breaks("report_decided_by_another")
def report_decided_by_who_sent_it() -> dict[str, Breach]:
    report, person = sent(), row("core.User")
    return {"update": lambda: update(report, submitted_by=person, decided_by=person)}


@breaks("report_accepted_at_a_time")
def report_accepted_never() -> dict[str, Breach]:
    report = sent()
    return {"update": lambda: update(report, state="accepted")}


@breaks("report_texts_fixed")
def report_rewritten() -> dict[str, Breach]:
    report = sent()
    values = {
        **dict.fromkeys(("progress", "results", "technical_evidence", "market_evidence", "problems"), "y"),
        "next_steps": "y",
        "trl_now": 5,
    }
    return {
        f"update: {name}": lambda name=name, value=value: update(report, **{name: value})
        for name, value in values.items()
    }


@breaks("report_kept_once_sent")
def report_taken_away() -> dict[str, Breach]:
    report = sent()
    return {"delete": lambda: delete(report)}


@breaks("expense_amount_positive")
def expense_of_nothing() -> dict[str, Breach]:
    return {
        "insert: nothing": lambda: row("funding.Expense", amount_fen=0),
        "insert: too much": lambda: row("funding.Expense", amount_fen=MAX_FEN + 1),
    }


@breaks("expense_of_its_award")
def expense_of_another_award() -> dict[str, Breach]:
    report, category = row("funding.Report"), row("funding.BudgetCategory")
    return {"insert": lambda: row("funding.Expense", report=report, category=category)}


@breaks("expense_while_report_is_open")
def expense_of_a_sent_report() -> dict[str, Breach]:
    expense = row("funding.Expense")
    update(expense.report, state="submitted", submitted_at=timezone.now(), **WHOLE)
    return {
        "insert": lambda: row("funding.Expense", report=expense.report, category=expense.category),
        "update": lambda: update(expense, amount_fen=6),
        "delete": lambda: delete(expense),
    }


@breaks("expense_receipt_once_or_explained")
def expense_of_the_same_receipt() -> dict[str, Breach]:
    expense = row("funding.Expense")
    again = row("funding.Expense", receipt_sha256=expense.receipt_sha256, duplicate_note="x")
    return {
        "insert": lambda: row("funding.Expense", receipt_sha256=expense.receipt_sha256),
        "update": lambda: update(again, duplicate_note=""),
    }
