"""How each route of the API is asked: with a program's token, and with bodies that are valid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.utils import timezone

from funding.awards.models import Amendment, Award, Clawback
from funding.calls.models import Call
from funding.deals.models import (
    Deal,
    DiligenceItem,
    Distribution,
    Handover,
    Investment,
    Mandate,
    Round,
    RunwayFigure,
    Valuation,
)
from funding.decisions.models import Letter
from funding.decisions.services import mark_of, ranking
from funding.funds.models import BudgetLine, Commitment, Fund
from funding.payments.models import BankStatement, PaymentBatch
from funding.reviews.models import Calculation, Conflict, Objection
from incubator.models import Membership, ProjectMember
from park_portal.core.accounts.models import SavedView
from park_portal.core.admin.acts import Act
from park_portal.core.audit.models import Entry
from park_portal.core.calendar.models import SpecialDay
from park_portal.core.ledger.models import Account, Transfer
from park_portal.core.personal import CONSENTS
from park_portal.core.policies.models import PolicyValue
from tests.factories import datarooms, payments
from tests.factories.incubator import make_code
from tests.policy.asking import Case
from tests.policy.cases import FILLED, ITEM_ACTS, PANELS, for_act, model_acts, nothing
from tests.policy.robot import PDF, fill_form
from tests.policy.world import World

Kwargs = Callable[[World], dict[str, Any]]
Body = Callable[[World, str], Any]
Rows = dict[str, Callable[[World], Any]]


def ask(route: str, whose: str = "-", kwargs: Kwargs | None = None, *methods: str, **fields: Any) -> Case:
    return Case(
        f"api:{route}",
        whose,
        kwargs or (lambda world: {}),
        methods=methods or ("GET",),
        program=True,
        **fields,
    )


def send(**values: Any) -> Body:
    """Return a body with these values; functions are called with the world."""
    return lambda world, method: {
        name: value(world) if callable(value) else value for name, value in values.items()
    }


def upload(world: World, method: str) -> dict[str, Any]:
    return {"file": SimpleUploadedFile("补充材料.pdf", PDF, content_type="application/pdf")}


def rows(kind: str, whose: Iterable[str]) -> Rows:
    """Return the rows of ``world.<kind>`` by whose they are; ``kind`` may lead further down: "submitted.revised"."""

    def row(world: World, one: str) -> Any:
        name, _dot, below = kind.partition(".")
        found = getattr(world, name)
        return (found[below] if below else found)[one]

    return {one: lambda world, one=one: row(world, one) for one in whose}


def first(model: type[models.Model], **lookup: Any) -> Rows:
    return {"any": lambda world: model._base_manager.filter(**lookup).order_by("pk").first()}


def each(
    route: str, found: Rows, *methods: str, arg: str = "pk", attr: str = "pk", more: Any = None, **fields: Any
) -> Iterator[Case]:
    """Yield the case of each of these rows."""
    for whose, row in found.items():

        def kwargs(world: World, row: Callable[[World], Any] = row) -> dict[str, Any]:
            return {arg: str(getattr(row(world), attr)), **(more or {})}

        yield ask(route, whose, kwargs, *methods, **fields)


APPLICATIONS: Final = rows("drafts", ("own", "company", "same", "foreign", "state"))
SUBMITTED: Final = rows("submitted.screening", ("own", "company", "same", "foreign"))
REVISED: Final = rows("submitted.revised", ("own", "company", "foreign"))
REVIEWS: Final = rows("reviews", ("own", "state", "same", "foreign", "invited"))
PROJECTS: Final = rows("projects", ("own", "state", "same", "foreign"))
ORGANISATIONS: Final = rows("organisations", ("own", "state", "foreign"))
LIAISON_RUNS: Final = rows("runs.liaison", ("own", "same", "foreign"))
DECISIONS: Final = rows("decided", ("own", "same", "foreign"))
DECIDED: Final = rows("submitted.decision", ("own", "same", "foreign"))
CALLS: Final = rows("calls", ("own", "state"))


def things(name: str) -> Rows:
    return {whose: lambda world, whose=whose: world.things[f"{name}-{whose}"] for whose in ("own", "foreign")}


def memberships(world: World, whose: str) -> Membership:
    members = world.organisations[whose].memberships.order_by("pk")
    return members.get(user=world.people["editor"]) if whose == "own" else members[0]


MEMBERSHIPS: Final[Rows] = {
    whose: lambda world, whose=whose: memberships(world, whose) for whose in ("own", "foreign")
}
PLACES: Final[Rows] = {
    whose: lambda world, whose=whose: ProjectMember.objects.filter(
        project=world.projects[whose], user__isnull=whose == "own"
    ).last()
    for whose in ("own", "same")
}


def api_cases() -> Iterator[Case]:
    yield ask("docs")
    yield ask("schema", headers={"Accept": "application/json"})
    yield ask("nowhere", "-", lambda world: {"rest": "nothing/"}, "GET", "POST")
    yield from own_cases()
    yield from application_cases()
    yield from review_cases()
    yield from panel_cases()
    yield from room_cases()
    yield from decision_cases()
    yield from award_cases()
    yield from payment_cases()
    yield from park_cases()
    yield from staff_cases()


def own_cases() -> Iterator[Case]:
    """What is everybody's own: their account, notices, jobs, views, webhooks."""
    yield ask("me-list", "-", None, "GET", "PATCH", body=send(name="改名"))
    yield from each("inbox-detail", things("delivery"), arg="public_id", attr="public_id")
    yield from each("inbox-read", things("delivery"), "POST", arg="public_id", attr="public_id")
    yield ask("inbox-list")
    yield ask("inbox-read-many", "-", None, "POST", body=send())
    yield ask("preferences-list")
    yield ask(
        "preferences-detail",
        "-",
        lambda world: {"kind": "job.finished"},
        "GET",
        "PATCH",
        body=send(mode="off"),
    )
    yield ask("saved-views-list", "-", None, "GET", "POST",
              body=send(page="applications:list", name="急", query="q=x"))  # fmt: skip
    views: Rows = {
        whose: lambda world, whose=whose: SavedView.objects.get(name=whose, page="applications:list")
        for whose in ("own", "foreign")
    }
    yield from each("saved-views-detail", views, "GET", "DELETE")
    yield ask("jobs-list")
    yield from each("jobs-detail", things("job"), arg="id", attr="public_id")
    yield from each("jobs-cancel", things("job"), "POST", arg="id", attr="public_id")
    yield from each("jobs-retry", things("failed"), "POST", arg="id", attr="public_id")
    files: Rows = {
        whose: lambda world, whose=whose: world.things[f"{whose}-file"] for whose in ("own", "foreign")
    }
    for route in ("detail", "content"):
        yield from each(f"documents-{route}", files, arg="id", attr="public_id")
    yield from data_cases()
    yield ask("search-list", query="?q=类器官药筛")
    yield ask("calendar-list")
    yield ask("calendar-count", query="?start=2026-01-05&days=3")
    yield from each("calendar-detail", first(SpecialDay))
    hooks: Rows = {
        whose: lambda world, whose=whose: world.things[f"hook-{whose}"] for whose in ("own", "foreign")
    }
    yield ask("webhooks-list", "-", None, "GET", "POST",
              body=send(name="财务", url="https://hooks.example.com/x", kinds=["job.finished"]))  # fmt: skip
    yield from each("webhooks-detail", hooks, "GET", "PATCH", "DELETE", body=send(name="改名"))
    for act in ("pause", "secret", "test"):
        yield from each(f"webhooks-{act}", hooks, "POST")
    yield from each("webhooks-resume", {"own": lambda world: world.things["hook-paused"]}, "POST")
    yield ask("webhook-requests-list")
    for whose in ("own", "foreign"):
        requests = _request_of(whose)
        yield ask("webhook-requests-detail", whose, requests)
        yield ask("webhook-requests-again", whose, requests, "POST")


def data_cases() -> Iterator[Case]:
    """What is held about oneself, what one asks for, what one agrees to."""
    yield ask("my-data-list")
    yield ask("my-data-requests-list", "-", None, "GET", "POST", body=send(kind="other", text="为何保存地址"))
    for proved in ("erasure", "copy"):
        yield ask("my-data-requests-list", "-", None, "POST", tag=proved, body=send(kind=proved, text="x"))
    requests = things("request-of")
    yield from each("my-data-requests-detail", requests)
    yield from each("my-data-requests-withdraw", requests, "POST")
    yield ask("consents-list")
    yield ask("past-consents-list")
    news = next(iter(CONSENTS))
    yield ask("consents-detail", "-", lambda world: {"purpose": news}, "GET", "PATCH", body=send(given=True))
    yield ask("data-requests-list")
    yield from each("data-requests-detail", requests)
    yield from each("data-requests-hindrances", requests)
    yield ask("retention-list")
    yield ask("retention-run", "-", None, "POST")


def _request_of(whose: str) -> Kwargs:
    return lambda world: {"id": f"msg_{world.things[f'request-{whose}'].public_id.hex}"}


def application_cases() -> Iterator[Case]:
    yield ask("calls-list")
    yield from each("calls-detail", CALLS, arg="code", attr="code")
    yield from each("calls-form", CALLS, arg="code", attr="code")
    for whose, applicant in (
        ("own", {"project": lambda world: world.projects["own"].pk}),
        ("company", {"organisation": lambda world: world.organisations["own"].pk}),
        ("foreign", {"organisation": lambda world: world.organisations["foreign"].pk}),
    ):
        body = send(call=lambda world: world.calls["screening"].code, **applicant)
        yield ask("applications-list", whose, None, "GET", "POST", body=body, query="?size=100")
    yield ask("applications-export", "-", None, "POST", body=send())
    yield from each("applications-detail", APPLICATIONS)
    yield from each("applications-answers", APPLICATIONS)
    yield from each("applications-names", APPLICATIONS)
    yield from each(
        "applications-answer", APPLICATIONS, "PUT", more={"key": "abstract"}, body=send(value="改过的摘要"),
        headers={"If-Match": '"1"'},
    )  # fmt: skip
    yield from each("applications-upload", APPLICATIONS, "POST", more={"key": "plan"}, body=upload)
    yield from each("applications-submit", APPLICATIONS, "POST", body=send())
    yield from each("applications-files", APPLICATIONS)
    yield from each("applications-withdraw", APPLICATIONS, "POST", body=send(reason="另有安排"))
    for whose, holder in (("own", "own"), ("foreign", "foreign"), ("mixed", "own")):
        yield ask(
            "applications-remove-file", whose,
            lambda world, whose=whose, holder=holder: {
                "pk": world.drafts[holder].pk,
                "file": world.drafts["foreign" if whose == "mixed" else holder].files.first().pk,
            },
            "POST",
        )  # fmt: skip
    yield from each("applications-versions", SUBMITTED)
    yield from each("applications-receipt", SUBMITTED, more={"number": 1})


def review_cases() -> Iterator[Case]:
    yield ask("runs-list", query="?size=100")
    yield from each("runs-detail", LIAISON_RUNS)
    yield from each("runs-names", LIAISON_RUNS)
    yield from each(
        "runs-opinion", LIAISON_RUNS, "POST",
        body=send(opinion="endorse", comment_committee="建议立项，团队扎实。", marks=[]),
    )  # fmt: skip
    yield ask("reviews-list")
    yield from each("reviews-detail", REVIEWS)
    yield from each("reviews-application", REVIEWS)
    yield from each("reviews-fields", REVIEWS)
    yield from each("reviews-match", REVIEWS)
    yield from each(
        "reviews-declare", {**REVIEWS, **rows("reviews", ("new",))}, "POST", body=send(pledge=True)
    )
    yield ask("reviews-pledge")
    yield from each("reviews-accept", REVIEWS, "POST")
    yield from each("reviews-decline", REVIEWS, "POST", body=send(reason="时间冲突"))
    yield from each("reviews-conflict", REVIEWS, "POST", body=send(kind="declared", note="同事"))
    yield from each(
        "reviews-field", REVIEWS, "PUT", more={"key": "comment_committee"}, body=send(value="可行，团队扎实。"),
        headers={"If-Match": '"2"'},
    )  # fmt: skip
    yield from each(
        "reviews-submit", REVIEWS, "POST",
        body=send(pledge=True, revision=lambda world: world.reviews["own"].revision),
    )  # fmt: skip
    yield ask("reviewers-list")
    entries: Rows = {
        "own": lambda world: world.people["reviewer"].reviewer,
        "foreign": lambda world: world.others["second-reviewer"].reviewer,
    }
    yield from each("reviewers-record", entries)
    yield from each("reviewers-detail", entries, "GET", "PATCH", body=send(institution="新研究院"))
    for whose, row in entries.items():
        yield ask(
            "reviewers-match",
            whose,
            lambda world, row=row: {
                "pk": str(row(world).pk), "number": world.submitted["screening"]["own"].number
            },
        )  # fmt: skip
    yield from each(
        "reviewers-publications", entries, "POST", body=send(text="@article{a, title={Another paper}}")
    )
    paper = send(reviewer=lambda world: world.people["reviewer"].reviewer.pk, title="新发表的论文")
    yield ask("publications-list", "-", None, "GET", "POST", body=paper)
    yield from each(
        "publications-detail",
        rows("publications", ("own", "foreign")),
        "GET",
        "PATCH",
        "DELETE",
        body=send(title="改过的题名"),
    )
    yield ask("conflicts-list")
    yield from each("conflicts-detail", first(Conflict))
    ties = rows("ties", ("own", "foreign"))
    yield ask("ties-list", "-", None, "GET", "POST", body=send(kind="family", name="张三"))
    yield from each("ties-detail", ties)
    yield from each("ties-withdraw", ties, "POST")
    yield ask("objections-list")
    yield ask("assignment-plans-list", "-", None, "GET", "POST", body=send(
        stage=lambda world: world.calls["expert"].stages.get(kind="expert").pk, seed=5,
    ))  # fmt: skip
    plans = {"any": lambda world: world.things["plan-ready"]}
    yield from each("assignment-plans-detail", plans, "GET", "PATCH", body=send(seed=8))
    yield from each("assignment-plans-pairs", plans)
    yield from each("assignment-plans-draw", {"any": lambda world: world.things["plan-drawn"]})
    yield ask(
        "assignment-plans-change-pairs", "any",
        lambda world: {
            "pk": str(world.things["plan-ready"].pk), "run": str(world.runs["expert"]["foreign"].pk)
        },
        "POST",
        body=lambda world, method: {
            "people": [world.others["third-reviewer"].pk], "revision": world.things["plan-ready"].revision,
        },
    )  # fmt: skip
    yield ask("calculations-list")
    yield from each("calculations-detail", first(Calculation))
    yield from each("objections-detail", first(Objection))
    notices: Rows = {"any": lambda world: world.things["notice"]}
    objection = send(
        line=lambda world: world.lines["own"].pk,
        name="某人",
        email="nobody@policy.example",
        text="内容不实",
    )
    yield ask("notices-list")
    yield from each("notices-detail", notices)
    yield from each("notices-object", notices, "POST", body=objection)


def panel_cases() -> Iterator[Case]:
    stages = ("waiting", "called", "voted", "counted", "postponed")
    meetings, items = rows("panels", PANELS), rows("items", (*PANELS, *stages))
    yield ask("panels-list")
    yield from each("panels-detail", meetings)
    yield from each("panels-room", meetings)
    for act, whose in (
        ("open", "own"),
        ("close", "left"),
        ("close", "waiting"),
        ("reopen", "closed"),
        ("open", "foreign"),
    ):
        yield from each(f"panels-{act}", rows("panels", (whose,)), "POST", body=send())
    yield from each(
        "panels-attendance", {"chaired": meetings["chaired"]}, "POST",
        body=send(member=lambda world: world.panels["chaired"].members.get(role="member").pk, present=False),
    )  # fmt: skip
    yield from each("panels-order", {"own": meetings["own"]}, "POST", body=send(order="line"))
    yield ask("agenda-items-list")
    for name in ("detail", "read"):
        yield from each(f"agenda-items-{name}", rows("items", PANELS))
    for act, whose, sent in ITEM_ACTS:
        name = {"comment": "remark"}.get(act, act)
        values = {
            key: True if value == "on" else int(value) if value.isdecimal() else value
            for key, value in sent.items()
        }
        yield from each(f"agenda-items-{name}", {whose: items[whose]}, "POST", body=send(**values))
    yield from each("agenda-items-conflict", {"own": items["own"]}, "POST", body=send(kind="coauthor"))


def room_cases() -> Iterator[Case]:
    """Data rooms: world._rooms says what is shared with the investor."""
    items = rows("rooms", ("own", "hidden", "foreign"))
    for kind in ("items", "investors", "grants", "accesses", "requests"):
        yield ask(f"data-room-{kind}-list")
    yield from each("data-room-items-detail", items, "GET", "PATCH", "DELETE", body=_item_body)
    yield from each(
        "data-room-items-replace", items, "POST", body=lambda world, method: {"file": datarooms.upload()}
    )
    company = {"organisation": lambda world: world.organisations["own"].pk}
    theirs = {"organisation": lambda world: world.organisations["foreign"].pk}
    for whose, room in (("own", company), ("foreign", theirs)):
        yield ask(
            "data-room-items-list", whose, None, "POST", body=send(**room, title="x", value="x"), tag="add"
        )
        yield ask(
            "data-room-items-upload", whose, None, "POST",
            body=lambda world, method, room=room: {
                "file": datarooms.upload(), "title": "x", "organisation": room["organisation"](world),
            },
        )  # fmt: skip
        yield ask(
            "data-room-investors-list", whose, None, "POST", tag="invite",
            body=send(**room, email="new@policy.example", name="x"),
        )  # fmt: skip
        yield ask(
            "data-room-grants-list", whose, None, "POST", tag="share",
            body=send(
                **room,
                items=lambda world: [str(world.rooms["hidden"].pk)],
                investors=lambda world: [world.rooms["investor-own"].pk],
                until=lambda world: timezone.localdate().isoformat(),
            ),
        )  # fmt: skip
    for kind, name, methods in (
        ("investors", "investor", ("GET", "DELETE")),
        ("grants", "grant", ("GET",)),
        ("requests", "request", ("GET",)),
    ):
        found = {
            whose: rows("rooms", (f"{name}-{whose}",))[f"{name}-{whose}"] for whose in ("own", "foreign")
        }
        yield from each(f"data-room-{kind}-detail", found, *methods)
        acts = {"investors": (), "grants": ("revoke",), "requests": ("accept", "decline")}[kind]
        for act in acts:
            yield from each(f"data-room-{kind}-{act}", found, "POST")
    invited = {
        whose: rows("rooms", (f"invited-{whose}",))[f"invited-{whose}"] for whose in ("own", "foreign")
    }
    yield from each("data-room-investors-again", invited, "POST")
    yield from each("data-room-accesses-detail", {"own": lambda world: world.rooms["access-own"]})
    yield ask(
        "data-room-requests-list",
        "-",
        None,
        "POST",
        tag="ask",
        body=send(uscc=make_code(888_888), firm="基金"),
    )
    yield ask("shared-items-list")
    shared = rows("rooms", ("own", "fact", "hidden", "foreign"))
    yield from each("shared-items-detail", shared, arg="id")
    yield from each("shared-items-value", shared, arg="id")
    yield from each("shared-items-file", shared, arg="id")
    yield from each("shared-items-page", shared, arg="id", more={"number": "1"})


def _item_body(world: World, method: str) -> dict[str, Any] | None:
    return {"title": "x"} if method == "PATCH" else None


def decision_cases() -> Iterator[Case]:
    proposal = send(
        application=lambda world: world.submitted["decision"]["undecided"].pk,
        verdict="decline",
        note="排名靠后",
    )
    yield ask("decisions-list", "-", None, "GET", "POST", body=proposal)
    yield from each("decisions-detail", DECISIONS, "GET", "DELETE")
    waiting = send(ids=lambda world: [world.decided["company"].pk])
    yield ask(
        "decisions-letters", "-", None, "POST", body=send(ids=lambda world: [world.decided["unwritten"].pk])
    )
    yield ask("decisions-release", "-", None, "POST", body=waiting)
    yield from each("outcomes-detail", DECIDED)
    ranked: Rows = {"own": lambda world: world.submitted["decision"]["own"].call}
    yield from each("rankings-detail", ranked, arg="code", attr="code")
    tied = {**ranked, **rows("calls", ("tied", "announced"))}
    for act, values in (
        ("record", {}),
        ("announce-lottery", {"seed_from": "上证综指收盘"}),
        ("draw-lottery", {"seed": "3401.25"}),
    ):
        yield from each(f"rankings-{act}", tied, "POST", arg="code", attr="code", body=send(**values))
    order = send(
        order=lambda world: [rank.application.pk for rank in reversed(ranking(world.calls["decision"]))],
        mark=lambda world: mark_of(ranking(world.calls["decision"])),
        reason="会议意见",
    )
    yield from each("rankings-order", ranked, "POST", arg="code", attr="code", body=order)
    money = send(budget_fen=9_000_000_000, reason="追加")
    yield from each("rankings-budget", ranked, "POST", arg="code", attr="code", body=money)
    reserved: Rows = {"own": lambda world: world.calls["reserved"]}
    grant = send(amount_fen=1_000_000)
    yield from each("rankings-promote", reserved, "POST", arg="code", attr="code", body=grant)
    noticed: Rows = {"own": lambda world: world.calls["notice"]}
    yield from each("rankings-publish", noticed, "POST", arg="code", attr="code", body=send())
    letters: Rows = {
        whose: lambda world, whose=whose: Letter.objects.get(decision=world.decided[whose])
        for whose in ("own", "same", "foreign")
    }
    yield ask("letters-list")
    texts = {"zh-hans": "新的内容", "en": "New text"}
    yield from each("letters-detail", letters, "GET", "PATCH", body=send(subject=texts, body=texts))
    yield ask("awards-list")
    awards: Rows = {
        whose: lambda world, whose=whose: Award.objects.get(application=world.submitted["decision"][whose])
        for whose in ("own", "foreign")
    }
    yield from each("awards-detail", awards)
    yield ask("funds-list")
    yield from each("funds-detail", first(Fund), arg="code", attr="code")


def award_cases() -> Iterator[Case]:
    """What hangs on awards, of one's own and of others."""
    for route, name in (
        *(("agreements", "agreement"), ("milestones", "milestones"), ("tranches", "tranches")),
        ("budget-categories", "categories"),
    ):
        found: Rows = {
            whose: lambda world, whose=whose, name=name: _part(world.awards[whose], name)
            for whose in ("own", "foreign")
        }
        yield ask(f"{route}-list")
        yield from each(f"{route}-detail", found)
    two: Rows = {
        whose: lambda world, whose=whose: world.awards[whose].milestones.get(number=2)
        for whose in ("own", "foreign")
    }
    yield from each("milestones-submit", two, "POST", body=send(technical_evidence="x", market_evidence="x"))
    yield ask("amendments-list")
    yield from each("amendments-detail", first(Amendment))
    yield ask("clawbacks-list")
    yield from each("clawbacks-detail", first(Clawback))
    reports = rows("reports", ("own", "foreign"))
    yield ask("reports-list")
    yield from each("reports-detail", reports, "GET", "PATCH", body=send(progress="改过的"))
    yield from each("reports-submit", reports, "POST")
    yield from each("reports-expenses", reports, "POST", body=_expense)
    spent: Rows = {
        whose: lambda world, whose=whose: world.reports[whose].expenses.get() for whose in ("own", "foreign")
    }
    yield ask("expenses-list")
    yield from each("expenses-detail", spent, "GET", "DELETE")


def payment_cases() -> Iterator[Case]:
    """Payments of one's own and of others; batches and bank statements for staff."""
    body: dict[str, Any] = {
        **{"amount_fen": 1, "purpose": "x", "payee": "x", "bank": "x"},
        "account_number": "31006666101880009",
    }
    yield ask("payments-list")
    for whose in ("own", "foreign"):
        yield ask(
            "payments-list", whose, None, "POST", tag="ask",
            body=send(**body, tranche=lambda world, whose=whose: world.awards["ready" if whose == "own" else "foreign"].tranches.get(number=1).pk),
        )  # fmt: skip
    found = rows("payments", ("own", "returned", "foreign"))
    yield from each("payments-detail", found)
    yield from each("payments-again", found, "POST", body=send(**body))
    for route, model in (("payment-batches", PaymentBatch), ("bank-statements", BankStatement)):
        yield ask(f"{route}-list")
        yield from each(f"{route}-detail", first(model))
    yield from each("payment-batches-files", first(PaymentBatch))
    yield from each("bank-statements-preview", first(BankStatement))
    yield from each("bank-statements-book", first(BankStatement), "POST")
    yield ask("bank-statements-take", "-", None, "POST", body=_statement)


def _statement(world: World, method: str) -> dict[str, Any]:
    payment = world.payments["released"]
    return {"fund": payment.award.fund.code, "file": payments.csv_statement([payments.paid_row(payment)])}


def _part(award: Award, name: str) -> Any:
    found = getattr(award, name)
    return found if name == "agreement" else found.order_by("pk").first()


def _expense(world: World, method: str) -> dict[str, Any]:
    report = world.reports["own"]
    return {
        "category": report.award.categories.order_by("pk").first().pk,
        "spent_on": report.period_from.isoformat(),
        "payee": "x",
        "purpose": "x",
        "amount_fen": 1,
        "receipt": SimpleUploadedFile("票据.pdf", PDF, content_type="application/pdf"),
    }


def park_cases() -> Iterator[Case]:
    new = send(
        uscc=make_code(777_778), name_zh_hans="上海新设有限公司", kind="company", technology_field="other"
    )
    yield ask("organisations-list", "-", None, "GET", "POST", body=new)
    yield from each("organisations-detail", ORGANISATIONS, "GET", "PATCH", body=send(name_en="New name"))
    yield from each(
        "organisations-invitations", ORGANISATIONS, "GET", "POST",
        body=send(email="api-invited@policy.example", role="viewer"),
    )  # fmt: skip
    for act in ("resend", "revoke"):
        for whose, holder in (("own", "own"), ("state", "own"), ("foreign", "foreign"), ("mixed", "own")):
            yield ask(
                f"organisations-{act}", whose,
                lambda world, whose=whose, holder=holder: {
                    "pk": world.organisations[holder].pk,
                    "invitation": world.invitations["foreign" if whose == "mixed" else whose].pk,
                },
                "POST",
            )  # fmt: skip
    yield ask("organisations-join", "foreign", None, "POST",
              body=send(uscc=lambda world: world.organisations["foreign"].uscc, message="我在贵公司"))  # fmt: skip
    yield ask("memberships-list")
    yield from each("memberships-detail", MEMBERSHIPS, "GET", "PATCH", "DELETE", body=send(role="viewer"))
    yield ask(
        "projects-list", "-", None, "GET", "POST",
        body=send(
            title_zh_hans="新课题", principal_investigator="陈思远",
            university=lambda world: world.things["university"].pk,
            faculty=lambda world: world.things["faculty"].pk,
        ),
    )  # fmt: skip
    yield from each("projects-detail", PROJECTS, "GET", "PATCH", body=send(title_en="New title"))
    yield from each("projects-team", PROJECTS, "POST",
                    body=send(name="王五", email="api-wang@policy.example", role="member"))  # fmt: skip
    yield ask("team-members-list")
    yield from each(
        "team-members-detail", PLACES, "GET", "PATCH", "DELETE", body=send(role="member", can_edit=True)
    )
    yield from each("team-members-invite", PLACES, "POST")
    yield ask("invitations-list")
    yield from each("invitations-detail", {"own": lambda world: world.invitations["own"]})
    for role in ("stranger", "staff"):
        yield ask("invitations-accept", role, None, "POST",
                  body=send(token=lambda world, role=role: world.tokens[role]))  # fmt: skip


def staff_cases() -> Iterator[Case]:
    yield ask("audit-list")
    yield from each("audit-detail", {"any": lambda world: Entry.objects.order_by("pk").first()})
    yield ask("policies-list")
    yield from each("policies-detail", first(PolicyValue))
    for route, model in (
        *(("accounts", Account), ("transfers", Transfer), ("commitments", Commitment)),
        ("budget-lines", BudgetLine),
        *(
            ("mandates", Mandate),
            ("deals", Deal),
            ("diligence-items", DiligenceItem),
            ("handovers", Handover),
        ),
        *(("rounds", Round), ("investments", Investment), ("valuations", Valuation)),
        *(("distributions", Distribution), ("runway-figures", RunwayFigure)),
    ):
        yield ask(f"{route}-list")
        yield from each(f"{route}-detail", first(model))
    yield from each("mandates-portfolio", first(Mandate))
    yield from each("rounds-cap-table", first(Round))
    yield from each("accounts-statement", first(Account))
    yield from each("funds-standing", first(Fund), arg="code", attr="code")
    yield ask("people-list")
    yield from each("people-detail", {"any": lambda world: world.people["owner"]})
    for route, model in ACTS.items():
        yield from act_cases(route, model)


# The resources with acts, and the model whose admin lists them.
ACTS: Final[dict[str, str]] = {
    "applications": "funding.Application",
    "awards": "funding.Award",
    "payments": "funding.Disbursement",
    "payment-batches": "funding.PaymentBatch",
    "calls": "funding.Call",
    "conflicts": "funding.Conflict",
    "data-requests": "core.DataRequest",
    "invitations": "core.Invitation",
    "letters": "funding.Letter",
    "objections": "funding.Objection",
    "assignment-plans": "funding.AssignmentPlan",
    "agreements": "funding.Agreement",
    "amendments": "funding.Amendment",
    "milestones": "funding.Milestone",
    "tranches": "funding.Tranche",
    "clawbacks": "funding.Clawback",
    "reports": "funding.Report",
    "budget-lines": "funding.BudgetLine",
    "calculations": "funding.Calculation",
    "commitments": "funding.Commitment",
    "organisations": "incubator.Organisation",
    "panels": "funding.Meeting",
    "people": "core.User",
    "policies": "core.PolicyValue",
    "projects": "incubator.ResearchProject",
    "publications": "funding.Publication",
    "reviewers": "funding.Reviewer",
    "reviews": "funding.Review",
    "runs": "funding.StageRun",
    "transfers": "core.Transfer",
    "deals": "funding.Deal",
    "diligence-items": "funding.DiligenceItem",
    "distributions": "funding.Distribution",
    "handovers": "funding.Handover",
    "investments": "funding.Investment",
    "mandates": "funding.Mandate",
    "rounds": "funding.Round",
    "runway-figures": "funding.RunwayFigure",
    "valuations": "funding.Valuation",
}


def act_cases(route: str, label: str) -> Iterator[Case]:
    """Yield what staff may do with the rows of one resource, act by act."""
    model, acts = model_acts(label)
    arg, attr = ("code", "code") if model is Call else ("pk", "pk")
    on_record = [act for act in acts if act.on == "record"]
    if on_record:
        yield from each(f"{route}-acts", {"any": lambda world: world.rows(model)[0]}, arg=arg, attr=attr)
    for act in on_record:
        for whose in ("own", "state"):
            yield ask(
                f"{route}-act", whose,
                lambda world, act=act, whose=whose: {
                    arg: str(getattr(for_act(world, model, act, whose), attr)), "act": act.name
                },
                "POST", tag=act.name, body=_act_body(label, act),
            )  # fmt: skip
    on_list = [act for act in acts if act.on == "list"]
    if on_list:
        yield ask(f"{route}-list-acts")
    for act in on_list:
        yield ask(f"{route}-list-act", "-", lambda world, act=act: {"act": act.name}, "POST",
                  tag=act.name, body=_act_body(label, act))  # fmt: skip


def _act_body(label: str, act: Act) -> Body:
    app, model_name = label.lower().split(".")
    change = FILLED.get(
        f"admin:{app}_{model_name}_{'list_act' if act.on == 'list' else 'act'}[{act.name}]", nothing
    )

    def body(world: World, method: str) -> Any:
        model, _acts = model_acts(label)
        row = None if act.on == "list" else for_act(world, model, act, "own")
        return {**fill_form(act.make_form(row, world.people["lead"])), **change(world)}

    return body
