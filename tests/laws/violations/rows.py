"""Rows of any model made by the ORM alone, quickly, with as little around them as the database asks for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import connection, models
from django.utils import timezone

from tests.factories import fill, make, number

# What `fill` cannot know, or would make by services. Functions are asked, in order, when a row lacks the value; they are
# given what it has so far.
LIGHT: dict[str, dict[str, Any]] = {
    "core.User": {},
    "core.Seal": {"position": lambda given: number()},
    "core.Document": {"name": "cv.pdf"},
    "core.ApiToken": {
        "scopes": lambda given: ["account:read"],
        "expires_at": lambda given: timezone.now() + timedelta(days=30),
    },
    "core.Webhook": {"kinds": lambda given: ["call.cancelled"]},
    "core.WebhookEvent": {"webhook": lambda given: row("core.Webhook")},
    "core.WebhookAttempt": {"event": lambda given: row("core.WebhookEvent")},
    "funding.Commitment": {"source": "district", "amount_fen": 1_234_567},
    "funding.BudgetLine": {"year": lambda given: 2020 + number() % 80, "track": "ai", "purpose": "research"},
    "funding.AnswerFile": {
        "application": lambda given: row("funding.Application"),
        "question": lambda given: row("funding.CallQuestion", call=given["application"].call),
        "document": lambda given: row("core.Document"),
    },
    "funding.StageRun": {
        "application": lambda given: row(
            "funding.Application", **({"call": given["stage"].call} if "stage" in given else {})
        ),
        "stage": lambda given: row("funding.Stage", call=given["application"].call),
    },
    "funding.Review": {
        "run": lambda given: row("funding.StageRun"),
        "application": lambda given: given["run"].application,
    },
    "funding.Reviewer": {},
    "funding.Conflict": {
        "application": lambda given: (
            None if {"organisation", "other", "other_name"} & given.keys() else row("funding.Application")
        ),
    },
    "funding.Score": {
        "review": lambda given: row(
            "funding.Review",
            run=row(
                "funding.StageRun", **({"stage": given["criterion"].stage} if "criterion" in given else {})
            ),
        ),
        "criterion": lambda given: row("funding.Criterion", stage=given["review"].run.stage),
    },
    "funding.Meeting": {
        "stage": lambda given: row(
            "funding.Stage", kind="panel", **({"call": given["call"]} if "call" in given else {})
        ),
        "call": lambda given: given["stage"].call,
        "quorum": 1,
    },
    "funding.PanelMember": {"meeting": lambda given: row("funding.Meeting")},
    "funding.AgendaItem": {
        "meeting": lambda given: row("funding.Meeting"),
        "run": lambda given: row("funding.StageRun", stage=given["meeting"].stage),
        "application": lambda given: given["run"].application,
    },
    "funding.Attendance": {"member": lambda given: in_session(), "kind": "came"},
    "funding.PanelPledge": {
        "item": lambda given: row("funding.AgendaItem"),
        "member": lambda given: row("funding.PanelMember", meeting=given["item"].meeting),
    },
    "funding.Recusal": {
        "item": lambda given: row("funding.AgendaItem"),
        "member": lambda given: row("funding.PanelMember", meeting=given["item"].meeting),
        "source": "declared",
    },
    "funding.Turnout": {
        "member": lambda given: in_session(),
        "item": lambda given: voting(given["member"]),
        "round": 1,
    },
    "funding.Ballot": {
        "member": lambda given: in_session(),
        "item": lambda given: row("funding.Turnout", member=given["member"]).item,
        "round": 1,
        "score": 50,
    },
    "funding.PanelComment": {
        "item": lambda given: row("funding.AgendaItem"),
        "member": lambda given: row("funding.PanelMember", meeting=given["item"].meeting),
    },
    "funding.UsefulnessRating": {
        "item": lambda given: row("funding.AgendaItem"),
        "member": lambda given: row("funding.PanelMember", meeting=given["item"].meeting),
        "review": lambda given: row("funding.Review", run=given["item"].run),
        "value": 3,
    },
    "funding.PublicNotice": {
        "call": lambda given: row("funding.Call"),
        "working_days": 5,
        "ends_at": lambda given: timezone.now() + timedelta(days=7),
        "published_by": lambda given: row("core.User"),
    },
    "funding.NoticeLine": {
        "application": lambda given: row(
            "funding.Application", **({"call": given["notice"].call} if "notice" in given else {})
        ),
        "notice": lambda given: row("funding.PublicNotice", call=given["application"].call),
    },
    "funding.Objection": {
        "run": lambda given: row(
            "funding.StageRun", **({"application": given["line"].application} if "line" in given else {})
        ),
        "line": lambda given: row("funding.NoticeLine", application=given["run"].application),
    },
    "funding.Placement": {
        "application": lambda given: row(
            "funding.Application", **({"call": given["call"]} if "call" in given else {})
        ),
        "call": lambda given: given["application"].call,
        "place": lambda given: number(),
        "reason": "x",
        "placed_by": lambda given: row("core.User"),
    },
    "funding.AssignmentPlan": {
        "stage": lambda given: given["parent"].stage if "parent" in given else row("funding.Stage"),
        "call": lambda given: given["stage"].call,
    },
    "funding.PlannedPair": {
        "plan": lambda given: row(
            "funding.AssignmentPlan", **({"stage": given["run"].stage} if "run" in given else {})
        ),
        "run": lambda given: row("funding.StageRun", stage=given["plan"].stage),
    },
    "funding.Decision": {"verdict": "decline"},
    "funding.Letter": {"decision": lambda given: release(row("funding.Decision"))},
    "funding.Award": {
        "application": lambda given: row("funding.Application"),
        "fund": lambda given: given["application"].call.fund,
        "organisation": lambda given: given["application"].organisation,
        "amount_fen": lambda given: release(approval(given["application"])).amount_fen,
    },
    "funding.Agreement": {
        "award": lambda given: row("funding.Award"),
        "amount_fen": lambda given: given["award"].amount_fen,
        "starts_on": date(2026, 1, 1),
        "ends_on": date(2027, 1, 1),
        "trl_start": 3,
        "trl_target": 5,
    },
    "funding.Signature": {"version": lambda given: number() % 30_000, "party": "park"},
    "funding.Amendment": {
        "agreement": lambda given: row("funding.Agreement"),
        "number": lambda given: number() % 30_000,
        "pi_name": "x",
    },
    "funding.BudgetCategory": {
        "award": lambda given: row("funding.Award"),
        "kind": "equipment",
        "amount_fen": 5,
    },
    "funding.BudgetShift": {
        "award": lambda given: row("funding.Award"),
        "source": lambda given: row("funding.BudgetCategory", award=given["award"]),
        "target": lambda given: row("funding.BudgetCategory", award=given["award"], kind="labour"),
        "amount_fen": 1,
    },
    "funding.Milestone": {
        "award": lambda given: row("funding.Award"),
        "number": lambda given: number() % 30_000,
    },
    "funding.Disbursement": {
        "tranche": lambda given: part_of(given["award"] if "award" in given else row("funding.Award")),
        "award": lambda given: given["tranche"].award,
        "number": lambda given: f"P-{number()}",
        "amount_fen": 5,
        "account_number": "310066661018800012345",
    },
    "funding.Tranche": {
        "award": lambda given: row("funding.Award"),
        "number": lambda given: number() % 30_000,
        "amount_fen": 5,
    },
    "funding.Report": {
        "award": lambda given: row("funding.Award"),
        "number": lambda given: number() % 30_000,
        "kind": "interim",
        "period_from": date(2026, 1, 1),
        "period_to": date(2026, 6, 30),
    },
    "funding.Expense": {
        "report": lambda given: row(
            "funding.Report", **({"award": given["category"].award} if "category" in given else {})
        ),
        "category": lambda given: row("funding.BudgetCategory", award=given["report"].award),
        "amount_fen": 5,
        "receipt_sha256": lambda given: f"{number():064d}",
    },
    "funding.Clawback": {"award": lambda given: row("funding.Award"), "amount_fen": 5},
}


def row(label: str, **values: Any) -> Any:
    """Return a new row of the model with these values, in order as far as the database can say."""
    given = {key: value() if callable(value) else value for key, value in values.items()}
    light = LIGHT.get(label)
    if light is None:
        return make(label, **given)
    for key, value in light.items():
        if key not in given:
            given[key] = value(given) if callable(value) else value
    return fill(label, **given)


def part_of(award: Any) -> Any:
    """Return a tranche of an award whose plan is being drawn up."""
    return fill("funding.Tranche", award=award, number=number() % 30_000 + 1, amount_fen=1_000)


def in_session(**values: Any) -> Any:
    """Return a voting member who is in the room of a meeting in session; ``values`` are the meeting's."""
    member = row("funding.PanelMember", meeting=row("funding.Meeting", **values))
    update(member.meeting, state="open")
    row("funding.Attendance", member=member, kind="came")
    return member


def voting(member: Any) -> Any:
    """Return an item of the member's meeting that is being voted on for the first time."""
    item = row("funding.AgendaItem", meeting=member.meeting)
    update(item, state="current")
    update(item, state="voting", round=1)
    return item


def approval(application: Any) -> Any:
    """Return the pending decision to grant the application something."""
    return row("funding.Decision", application=application, verdict="approve", amount_fen=5)


def release(decision: Any) -> Any:
    """Return the decision after it has gone out."""
    update(decision, state="released", released_at=timezone.now())
    return decision


def update(obj: models.Model, **values: Any) -> None:
    """Write these values into the row, whatever the model would say."""
    changed = type(obj)._base_manager.filter(pk=obj.pk).update(**values)
    assert changed == 1, f"{obj!r} is gone"


def delete(obj: models.Model) -> None:
    """Delete the row, and only the row."""
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{obj._meta.db_table}" WHERE "{obj._meta.pk.column}" = %s', [obj.pk])
        assert cursor.rowcount == 1, f"{obj!r} is gone"
