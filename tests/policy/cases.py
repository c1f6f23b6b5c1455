"""How each route is asked: with which rows, and with which payloads.

Admin routes follow from the registry (`admin_cases`); every other route has its lines in `CASES`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, Final

import openpyxl
from django.apps import apps
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.utils import timezone

from funding.awards.models import Award
from funding.decisions.models import Letter
from funding.decisions.services import seen_of
from incubator.organisations.views import join_url
from park_portal.core.admin.acts import Act
from park_portal.core.admin.base import StaffAdmin
from park_portal.core.ledger.models import AccountCode
from park_portal.core.outbox.models import Message
from park_portal.core.personal import CONSENTS
from tests.factories import datarooms, payments
from tests.factories.incubator import make_code
from tests.factories.reports import receipt
from tests.policy.asking import Case, Json
from tests.policy.robot import PDF
from tests.policy.world import PASSWORD, World

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Kwargs = Callable[[World], dict[str, Any]]

# Routes that are no door of ours: each with its reason.
LEFT_OUT: Final = {
    "metrics": "for a program with a secret of the machine's own; tests/test_metrics.py",
    "healthz": "open to all; what it answers to GET hangs on the machine",
    "javascript-catalog": "a list of translations, the same for everyone",
    "admin:jsi18n": "likewise",
}


def pk(kind: str, whose: str, *, arg: str = "pk", **more: Any) -> Kwargs:
    """Return the route's arguments: the number of ``world.<kind>[whose]``, and ``more`` (values or functions)."""

    def kwargs(world: World) -> dict[str, Any]:
        row = getattr(world, kind)
        for part in whose.split("."):
            row = row[part]
        others = {key: value(world) if callable(value) else value for key, value in more.items()}
        return {arg: row.pk, **others}

    return kwargs


def thing(name: str, attr: str = "pk", arg: str = "pk") -> Kwargs:
    return lambda world: {arg: getattr(world.things[name], attr)}


def rows_of(route: str, kind: str, whose: Iterable[str], **fields: Any) -> Iterator[Case]:
    """Yield one case of ``route`` for each of these rows of ``world.<kind>``."""
    kwargs = fields.pop("kwargs", {})
    inside = fields.pop("inside", "")
    arg = fields.pop("arg", "pk")
    for one in whose:
        place = f"{inside}.{one}" if inside else one
        yield Case(route, one, pk(kind, place, arg=arg, **kwargs), **fields)


def upload(name: str = "file") -> Callable[[World], dict[str, Any]]:
    return lambda world: {name: SimpleUploadedFile("补充材料.pdf", PDF, content_type="application/pdf")}


def pages(*routes: str, **fields: Any) -> Iterator[Case]:
    for route in routes:
        yield Case(route, **fields)


ALL4: Final = ("own", "company", "same", "foreign")
PROJECT: Final = ("own", "state", "same", "foreign")
ORGANISATION: Final = ("own", "state", "foreign")
REVIEW: Final = ("own", "state", "same", "foreign")


def portal_cases() -> Iterator[Case]:
    """Yield the cases of the portal's pages and of what their scripts ask for."""
    yield from pages("home", "about", "privacy", "accessibility")
    yield Case("set_language", post={"language": "en"})
    yield from account_cases()
    yield from core_cases()
    yield from webhook_cases()
    yield from privacy_cases()
    yield from call_cases()
    yield from application_cases()
    yield from review_cases()
    yield from panel_cases()
    yield from room_cases()
    yield from payment_cases()
    yield from award_cases()
    yield from organisation_cases()
    yield from project_cases()
    yield from pages("local-mail")
    yield Case("local-mail-clear", post={})
    for route in ("local-mail-detail", "local-mail-html"):
        yield Case(route, kwargs=lambda world: {"name": "1-2-3"})


def account_cases() -> Iterator[Case]:
    yield from pages(
        "account_logout", "account_inactive", "account_email_verification_sent", "account_set_password",
        "account_reset_password_done", "account_reset_password_from_key_done",
        "account_reauthenticate", "account_confirm_login_code", "mfa_index", "mfa_authenticate",
        "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn",
        "socialaccount_connections", "socialaccount_login_cancelled", "socialaccount_login_error",
        "socialaccount_signup", "mfa_reauthenticate_webauthn", "mfa_login_webauthn", "usersessions_list", "preferences",
    )  # fmt: skip
    yield Case("profile", change=_renamed)
    password = {"login": "stranger@policy.example", "password": PASSWORD}
    yield Case("account_login", post=password)
    yield Case(
        "account_signup",
        post={
            "email": "newcomer@policy.example",
            "password1": PASSWORD,
            "password2": PASSWORD,
            "name": "新人",
        },
    )
    yield Case("account_email", post={"email": "another@policy.example", "action_add": ""})
    yield Case(
        "account_change_password",
        post={"oldpassword": PASSWORD, "password1": f"{PASSWORD}-2", "password2": f"{PASSWORD}-2"},
    )
    yield Case("account_reset_password", post={"email": "stranger@policy.example"})
    yield Case("account_confirm_email", kwargs=lambda world: {"key": "MQ:none:none"})
    yield Case("account_reset_password_from_key", kwargs=lambda world: {"uidb36": "1", "key": "none-none"})
    for route in ("openid_connect_login", "openid_connect_callback"):
        yield Case(route, kwargs=lambda world: {"provider_id": "university"}, post={})
    for route in ("mfa_remove_webauthn", "mfa_edit_webauthn"):
        yield Case(route, kwargs=lambda world: {"pk": 1})
    yield Case("tokens", post={"name": "报表", "scopes": ["calls:read"], "days": "30"})
    for whose in ("own", "foreign"):
        yield Case("token-revoke", whose, thing(f"token-{whose}"))
    for role in ("owner", "lead", "administrator"):
        yield Case("view-as", role, lambda world, role=role: {"pk": world.people[role].pk})
    yield Case("view-as-end", post={})
    for name in ("stranger", "viewer", "staff"):
        yield Case("invitation", name, lambda world, name=name: {"token": world.tokens[name]})


def core_cases() -> Iterator[Case]:
    for whose in ("own", "foreign"):
        yield Case("document", whose, thing(f"{whose}-file", "public_id", "public_id"))
        yield Case("job", whose, thing(f"job-{whose}", "public_id", "public_id"))
        yield Case("job_state", whose, thing(f"job-{whose}", "public_id", "public_id"))
        yield Case("job_cancel", whose, thing(f"job-{whose}", "public_id", "public_id"), post={})
        yield Case("job_retry", whose, thing(f"failed-{whose}", "public_id", "public_id"), post={})
        yield Case("inbox_item", whose, thing(f"delivery-{whose}", "public_id", "public_id"))
    yield Case("document", "letter", thing("letter", "public_id", "public_id"))
    yield Case("job_cancel", "state", thing("failed-own", "public_id", "public_id"), post={})
    yield Case("job_retry", "state", thing("job-own", "public_id", "public_id"), post={})
    yield Case("jobs")
    yield Case("inbox", post={"all": "1"})
    yield Case("search", query="?q=类器官药筛")
    yield Case("search", "-", query="?q=有限公司", tag="names")
    yield Case("search_suggest", query="?q=类器官药筛")


def webhook_cases() -> Iterator[Case]:
    yield Case(
        "webhooks", post={"name": "财务", "url": "https://hooks.example.com/x", "kinds": ["job.finished"]}
    )
    for route in ("webhook", "webhook-change", "webhook-pause", "webhook-secret", "webhook-remove"):
        for whose in ("own", "foreign"):
            post = {"test": "1"} if route == "webhook" else None
            yield Case(route, whose, thing(f"hook-{whose}"), post=post, change=_renamed)
    yield Case("webhook-resume", "own", thing("hook-paused"))


def privacy_cases() -> Iterator[Case]:
    """What is held about people, and what they ask about it."""
    yield Case("my-data")
    yield Case("my-consents", post=lambda world: {"give": next(iter(CONSENTS))})
    yield Case("my-data-copy")
    yield Case("my-data-ask", post={"kind": "correction", "text": "姓名有误"})
    yield Case("my-data-erase", post={"sure": "on", "text": ""})
    for whose in ("own", "foreign"):
        yield Case("my-data-withdraw", whose, thing(f"request-of-{whose}"), post={})


def _renamed(world: World) -> dict[str, Any]:
    return {"name": "改名"}


def call_cases() -> Iterator[Case]:
    yield Case("calls:list")
    for whose in ("own", "state"):
        yield Case("calls:detail", whose, lambda world, whose=whose: {"code": world.calls[whose].code})


def application_cases() -> Iterator[Case]:
    yield Case("applications:list", post={"save_view": "我的", "q": ""})
    yield Case(
        "applications:start",
        "own",
        lambda world: {"code": world.calls["screening"].code},
        post=lambda world: {"applicant": f"project-{world.projects['own'].pk}"},
    )
    yield Case(
        "applications:start",
        "company",
        lambda world: {"code": world.calls["screening"].code},
        post=lambda world: {"applicant": f"organisation-{world.organisations['own'].pk}"},
    )
    yield Case(
        "applications:start",
        "foreign",
        lambda world: {"code": world.calls["screening"].code},
        post=lambda world: {"applicant": f"organisation-{world.organisations['foreign'].pk}"},
    )
    yield Case(
        "applications:start",
        "state",
        lambda world: {"code": world.calls["own"].code},
        post=lambda world: {"applicant": f"project-{world.projects['own'].pk}"},
    )
    everyones = ("own", "company", "same", "foreign", "state")
    yield from rows_of("applications:detail", "drafts", everyones)
    yield from rows_of("applications:detail", "submitted", ALL4, inside="screening", tag="submitted")
    yield from rows_of(
        "applications:form", "drafts", everyones,
        post=lambda world: {"revision-abstract": "1", "abstract": "改过的摘要"},
    )  # fmt: skip
    yield from rows_of("applications:check", "drafts", everyones)
    yield from rows_of("applications:withdraw", "drafts", everyones)
    yield from rows_of(
        "applications:withdraw",
        "submitted",
        ALL4,
        inside="screening",
        tag="submitted",
        post={"reason": "另有安排"},
    )
    for route in ("receipt", "version"):
        yield from rows_of(
            f"applications:{route}", "submitted", ALL4, inside="screening", kwargs={"number": 1}
        )
    yield from rows_of(
        "applications:changes",
        "submitted",
        ("own", "company", "foreign"),
        inside="revised",
        kwargs={"number": 2},
    )
    yield from rows_of(
        "applications:answer", "drafts", everyones, kwargs={"key": "abstract"},
        post=Json({"raw": "改过的摘要", "revision": 1}), headers={"Accept": "application/json"},
    )  # fmt: skip
    yield from rows_of(
        "applications:file", "drafts", everyones, kwargs={"key": "plan"},
        post=upload(), headers={"Accept": "application/json"},
    )  # fmt: skip
    for whose in ("own", "company", "foreign", "same"):
        yield Case(
            "applications:remove-file",
            whose,
            pk("drafts", whose, file=lambda world, whose=whose: world.drafts[whose].files.first().pk),
            post={},
            headers={"Accept": "application/json"},
        )
    yield Case(
        "applications:remove-file",
        "mixed",  # another's file under one's own application
        pk("drafts", "own", file=lambda world: world.drafts["foreign"].files.first().pk),
        post={},
        headers={"Accept": "application/json"},
    )
    yield from rows_of("applications:ping", "drafts", everyones, headers={"Accept": "application/json"})
    for whose in ("own", "foreign", "same"):
        yield Case("decisions:outcome", whose, pk("submitted", f"decision.{whose}"))
    yield Case("decisions:outcome", "state", pk("submitted", "screening.own"))


def review_cases() -> Iterator[Case]:
    yield from pages("reviews:list", "reviews:queue", post={"save_view": "急件", "q": ""})
    yield from pages("reviews:notices", "reviews:profile", "reviews:record")
    yield from pages("reviews:publication-add", post={"title": "新发表的论文"})
    yield from pages("reviews:publication-paste", post={"text": "@article{a, title={Another paper}}"})
    for route in ("change", "remove"):
        post = {"title": "改过的题名"} if route == "change" else None
        yield from rows_of(f"reviews:publication-{route}", "publications", ("own", "foreign"), post=post)
    yield from pages("reviews:ties")
    yield Case(
        "reviews:invitations",
        post=lambda world: {f"answer-{world.reviews['new'].pk}": "accept", "pledge": "on"},
    )
    yield Case(
        "reviews:tie-add", post=lambda world: {"kind": "board", "organisation": "上海远山科技有限公司"}
    )
    yield from rows_of("reviews:tie-withdraw", "ties", ("own", "foreign"))
    everyones = (*REVIEW, "invited")
    opinion = {"revision-comment_committee": "2", "comment_committee": "方案可行，团队扎实，预算合理。"}
    yield from rows_of("reviews:detail", "reviews", everyones, post=lambda world: opinion)
    for route in ("accept", "decline", "recuse"):
        post = {"pledge": "on"} if route == "accept" else None
        yield from rows_of(f"reviews:{route}", "reviews", (*everyones, "new"), post=post)
    yield from rows_of(
        "reviews:save", "reviews", everyones, kwargs={"key": "comment_committee"},
        post=lambda world: Json({"raw": "方案可行。", "revision": world.reviews["own"].revision}),
        headers={"Accept": "application/json"},
    )  # fmt: skip
    yield from rows_of("reviews:match", "reviews", everyones)
    yield from rows_of("reviews:ping", "reviews", everyones, headers={"Accept": "application/json"})
    yield from rows_of(
        "reviews:submit", "reviews", everyones,
        post=lambda world: {"revision": world.reviews["own"].revision, "pledge": "on"},
    )  # fmt: skip
    for whose in ("own", "same", "foreign"):
        yield Case("reviews:act", whose, pk("runs", f"liaison.{whose}"))
    yield Case("reviews:act", "state", pk("runs", "screening.own"))
    for whose in ("own", "foreign"):
        yield Case("reviews:object", whose, pk("lines", whose))
    yield Case("reviews:notice", "any", thing("notice"))


PANELS: Final = ("own", "chaired", "left", "closed", "foreign", "new")


def panel_cases() -> Iterator[Case]:
    """Panel meetings: world._panels says how the reviewer stands to each."""
    yield Case("panels:list", post={"save_view": "我的", "q": ""})
    for route in ("detail", "calendar", "agenda"):
        yield from rows_of(f"panels:{route}", "panels", PANELS)
    for whose in PANELS:
        yield Case("panels:declare", whose, pk("panels", whose), change=_no_conflict(whose))
    yield from rows_of("panels:live", "panels", PANELS, methods=("GET",))
    yield from rows_of(
        "panels:sign",
        "panels",
        PANELS,
        post=lambda world: {"read": "on", "sha256": world.panels["closed"].minutes.sha256},
    )
    for act, whose in (
        ("open", "own"),
        ("close", "left"),
        ("close", "waiting"),
        ("reopen", "closed"),
        ("open", "foreign"),
        ("nothing", "own"),
    ):
        yield Case("panels:act", whose, pk("panels", whose, act=act), ("POST",), post={}, tag=act)
    yield Case(
        "panels:act", "chaired", pk("panels", "chaired", act="attendance"), ("POST",), tag="attendance",
        post=lambda world: {"member": world.panels["chaired"].members.get(role="member").pk, "present": "0"},
    )  # fmt: skip
    for route in ("item", "conflict"):
        for whose in PANELS:
            yield Case(
                f"panels:{route}",
                whose,
                _item(whose),
                post={"kind": "coauthor"} if route == "conflict" else None,
            )
    script = {"HX-Request": "true"}
    for act, whose, sent in ITEM_ACTS:
        yield Case(
            "panels:item-act", whose, _item(whose, act=act), ("POST",), post=sent, tag=act, headers=script
        )


def _item(whose: str, **more: Any) -> Kwargs:
    return lambda world: {"pk": world.panels[whose].pk, "item": world.items[whose].pk, **more}


def _no_conflict(whose: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: {f"item-{world.items[whose].pk}": "none"}


# What is done with an item: the act, with which meeting's, and what is sent.
ITEM_ACTS: Final = (
    ("call", "own", {}),
    ("call", "waiting", {}),
    ("open-vote", "own", {}),
    ("open-vote", "called", {}),
    ("count", "chaired", {}),
    ("count", "voted", {}),
    ("vote-again", "chaired", {"reason": "计票有误"}),
    ("vote-again", "left", {"reason": "计票有误"}),
    ("conclude", "chaired", {"opinion": "fund", "summary": "支持。"}),
    ("conclude", "counted", {"opinion": "fund", "summary": "支持。"}),
    ("postpone", "chaired", {"reason": "材料待补"}),
    ("postpone", "left", {"reason": "材料待补"}),
    ("drop", "chaired", {"reason": "材料待补"}),
    ("resume", "own", {}),
    ("resume", "postponed", {}),
    ("pledge", "chaired", {"pledge": "on"}),
    ("pledge", "left", {"pledge": "on"}),
    ("pledge", "new", {"pledge": "on"}),
    ("vote", "chaired", {"score": "80"}),
    ("vote", "left", {"score": "80"}),
    ("vote", "foreign", {"score": "80"}),
    ("comment", "chaired", {"text": "建议资助"}),
    ("comment", "left", {"text": "建议资助"}),
    ("rate", "own", {"review": "1", "value": "4"}),
)


PAID: Final = {
    "amount_fen": "1",
    "purpose": "x",
    "payee": "x",
    "bank": "x",
    "account_number": "31006666101880009",
}


def payment_cases() -> Iterator[Case]:
    """Payments: world._payments says how each stands."""
    yield from pages("payments:list")
    yield Case(
        "payments:ask",
        post=lambda world: {**PAID, "tranche": world.awards["ready"].tranches.get(number=1).pk},
    )
    for whose in ("own", "returned", "foreign"):
        yield Case("payments:detail", whose, pk("payments", whose))
        yield Case("payments:again", whose, pk("payments", whose), post=PAID)
        yield Case("payments:cancel", whose, pk("payments", whose), post={"reason": "x"})


def room_cases() -> Iterator[Case]:
    """Data rooms: world._rooms says what is shared with the investor."""
    yield from pages("datarooms:index", "datarooms:accesses")
    yield Case("datarooms:ask", post={"uscc": make_code(888_888), "firm": "基金", "message": "x"})
    for whose in ("own", "foreign"):
        yield Case("datarooms:shared", whose, pk("organisations", whose, arg="organisation"))
    for whose in ("own", "hidden", "foreign"):
        item = pk("rooms", whose, arg="item")
        yield Case("datarooms:item", whose, item)
        yield Case("datarooms:page", whose, pk("rooms", whose, arg="item", number=1), post={})
        yield Case("datarooms:file", whose, item, post={})
    for whose in ORGANISATION:
        yield Case("datarooms:room", whose, pk("organisations", whose, arg="organisation"))
        for route, post in (
            ("add-file", lambda world: {"title": "x", "folder": "company", "file": datarooms.upload()}),
            ("add-fact", {"title": "x", "folder": "company", "source": "typed", "value": "x"}),
            ("invite", {"email": "new@policy.example", "name": "x", "firm": "", "language": "en"}),
            ("share", _shared),
        ):
            yield Case(f"datarooms:{route}", whose, pk("organisations", whose, arg="organisation"), post=post)
    for whose in ("own", "foreign"):
        for route, name, arg, post in (
            ("item-edit", whose, "item", {"title": "x", "folder": "ip"}),
            ("item-replace", whose, "item", lambda world: {"file": datarooms.upload()}),
            ("item-remove", whose, "item", {}),
            ("investor-again", f"invited-{whose}", "investor", {}),
            ("investor-remove", f"investor-{whose}", "investor", {}),
            ("revoke", f"grant-{whose}", "grant", {}),
            ("accept", f"request-{whose}", "pk", {}),
            ("decline", f"request-{whose}", "pk", {}),
        ):
            yield Case(f"datarooms:{route}", whose, _in_room(whose, name, arg), post=post)


def _in_room(whose: str, name: str, arg: str) -> Kwargs:
    return lambda world: {"organisation": world.organisations[whose].pk, arg: world.rooms[name].pk}


def _shared(world: World) -> dict[str, Any]:
    return {
        "items": [world.rooms["hidden"].pk],
        "investors": [world.rooms["investor-own"].pk],
        "level": "view",
        "until": timezone.localdate().isoformat(),
    }


TERMS: Final = {
    "starts_on": "2026-01-01", "ends_on": "2027-06-30", "pi_name": "x", "scope": "x", "trl_start": "3",
    "trl_target": "5", "report_months": "6",
}  # fmt: skip
EVIDENCE: Final = {"technical_evidence": "准确率 91 %", "market_evidence": "三家医院"}


def award_cases() -> Iterator[Case]:
    """Awards and their reports: world._awards says how each stands."""
    yield from pages("awards:list", "reports:list")
    for whose in ("own", "foreign"):
        yield Case("awards:life", whose, pk("awards", whose))
        yield Case("awards:milestone", whose, pk("awards", whose, number=2), post=EVIDENCE)
        yield Case("awards:shift", whose, pk("awards", whose), post=_shifted(whose))
        yield Case("awards:amend", whose, pk("awards", whose), post={"reason": "调离", "pi_name": "李强"})
        yield Case("reports:detail", whose, pk("reports", whose))
        yield Case("reports:write", whose, pk("reports", whose), post={"progress": "改过的", "trl_now": "5"})
        yield Case("reports:send", whose, pk("reports", whose), post={})
        yield Case("reports:add-expense", whose, pk("reports", whose), post=_spent(whose))
        expense = pk(
            "reports", whose, expense=lambda world, whose=whose: world.reports[whose].expenses.get().pk
        )
        yield Case("reports:remove-expense", whose, expense, post={})
    yield Case("awards:withdraw", "own", pk("awards", "amended", number=1), post={})
    yield Case("awards:withdraw", "foreign", pk("awards", "foreign", number=1), post={})
    yield Case("reports:send", "state", pk("reports", "sent"), post={})


def _shifted(whose: str) -> Callable[[World], dict[str, Any]]:
    def post(world: World) -> dict[str, Any]:
        source, target = world.awards[whose].categories.order_by("pk")[:2]
        return {"source": source.pk, "target": target.pk, "amount_fen": "1", "reason": "x"}

    return post


def _spent(whose: str) -> Callable[[World], dict[str, Any]]:
    def post(world: World) -> dict[str, Any]:
        report = world.reports[whose]
        return {
            "category": report.award.categories.first().pk,
            "spent_on": report.period_from.isoformat(),
            "payee": "x",
            "purpose": "x",
            "amount_fen": "1",
            "receipt": receipt(text=f"票据 {whose}"),
        }

    return post


def organisation_cases() -> Iterator[Case]:
    yield Case("organisations:list")
    yield Case(
        "organisations:create",
        post=lambda world: {
            "uscc": make_code(777_777), "name_zh_hans": "上海新设生物有限公司", "kind": "company", "name_en": "", "technology_field": "other",
        },
    )  # fmt: skip
    yield Case("organisations:check", query="?uscc=")
    yield Case(
        "organisations:join", "foreign",
        lambda world: {"token": _join_token(world)}, post={"message": "我在贵公司工作"},
    )  # fmt: skip
    for route in ("detail", "edit", "leave", "members"):
        yield from rows_of(f"organisations:{route}", "organisations", ORGANISATION)
    yield from rows_of(
        "organisations:invite", "organisations", ORGANISATION,
        post={"email": "colleague-new@policy.example", "role": "editor", "name": "", "language": "zh-hans"},
    )  # fmt: skip
    for route in ("invitation-resend", "invitation-revoke"):
        for whose, place in (("own", "own"), ("state", "own"), ("foreign", "foreign")):
            yield Case(
                f"organisations:{route}",
                whose,
                pk("organisations", place, invitation=lambda world, whose=whose: world.invitations[whose].pk),
            )
        yield Case(
            f"organisations:{route}",
            "mixed",
            pk("organisations", "own", invitation=lambda world: world.invitations["foreign"].pk),
        )
    for route in ("member-role", "member-remove"):
        change = _as_viewer if route == "member-role" else nothing
        yield Case(f"organisations:{route}", "own", _member("own", "editor"), change=change)
        yield Case(f"organisations:{route}", "foreign", _member("foreign", None), change=change)
        yield Case(f"organisations:{route}", "mixed", _member("own", None), change=change)


def _as_viewer(world: World) -> dict[str, Any]:
    return {"role": "viewer"}


def _join_token(world: World) -> str:
    """The link that the founder of the other company gives the stranger."""
    return join_url(world.organisations["foreign"], world.people["stranger"]).rstrip("/").rpartition("/")[2]


def _member(whose: str, role: str | None) -> Kwargs:
    def kwargs(world: World) -> dict[str, Any]:
        organisation = world.organisations[whose]
        place = organisation if role or whose == "foreign" else world.organisations["foreign"]
        members = place.memberships.filter(user=world.people[role]) if role else place.memberships.all()
        return {"organisation": organisation.pk, "pk": members.order_by("pk")[0].pk}

    return kwargs


def project_cases() -> Iterator[Case]:
    yield from pages("projects:list", "projects:care", post={"save_view": "我的", "q": ""})
    yield Case(
        "projects:create",
        post=lambda world: {
            "title_zh_hans": "新立课题", "university": world.things["university"].pk,
            "faculty": world.things["faculty"].pk, "principal_investigator": "陈思远", "who": "me",
        },
    )  # fmt: skip
    for route in ("detail", "edit", "leave"):
        yield from rows_of(f"projects:{route}", "projects", PROJECT)
    for name in ("start", "resume"):
        yield from rows_of("projects:move", "projects", PROJECT, kwargs={"name": name}, tag=name)
    yield from rows_of(
        "projects:team-add", "projects", PROJECT,
        post={"name": "王五", "email": "wangwu@policy.example", "role": "member", "language": "zh-hans"},
    )  # fmt: skip
    for route in ("team-change", "team-remove", "team-invite"):
        change = _may_edit if route == "team-change" else nothing
        last = "name" if route == "team-invite" else "user"
        for whose in ("own", "state", "same"):
            yield Case(f"projects:{route}", whose, _team(whose, whose, last), change=change)
        yield Case(f"projects:{route}", "mixed", _team("own", "same", last), change=change)


def _may_edit(world: World) -> dict[str, Any]:
    return {"role": "member", "can_edit": "on"}


def _team(whose: str, member_of: str, which: str) -> Kwargs:
    def kwargs(world: World) -> dict[str, Any]:
        team = world.projects[member_of].team.order_by("pk")
        found = team.filter(user__isnull=which == "name").last() or team.last()
        return {"project": world.projects[whose].pk, "pk": found.pk}

    return kwargs


# --- the admin ------------------------------------------------------------------------------------------------------


def admin_cases() -> Iterator[Case]:
    """Yield the cases of every admin route: they follow from the registry and from each model's acts."""
    yield Case("admin:search", query="?s=类器官药筛")
    yield from pages(
        "admin:index",
        "admin:system",
        "admin:retention",
        "admin:login",
        "admin:logout",
        "admin:password_change",
        "admin:password_change_done",
    )
    yield Case(
        "admin:autocomplete",
        query="?app_label=incubator&model_name=researchproject&field_name=university&term=大学",
    )
    yield Case("admin:view_on_site", kwargs=lambda world: {"content_type_id": 1, "object_id": 1})
    for label in ("core", "incubator", "funding", "auth"):
        yield Case("admin:app_list", label, lambda world, label=label: {"app_label": label})
    for model, model_admin in admin.site._registry.items():
        yield from _model_cases(model, model_admin)


def _model_cases(model: type[models.Model], model_admin: Any) -> Iterator[Case]:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"

    def key(world: World, arg: str = "object_id") -> dict[str, Any]:
        return {arg: world.rows(model)[0].pk}

    yield Case(
        f"{name}_changelist",
        post=lambda world: {
            "action": "delete_selected",
            "_selected_action": [world.rows(model)[0].pk],
            "index": 0,
        },
    )
    yield Case(f"{name}_add", change=FILLED.get(f"{name}_add", nothing))
    yield Case(f"{name}_history", "any", key)
    yield Case(
        f"{name}_delete", "any", lambda world: {"object_id": world.rows(model)[-1].pk}, post={"post": "yes"}
    )
    yield Case(f"{name}_change", "any", key, change=FILLED.get(f"{name}_change", nothing))
    if not isinstance(model_admin, StaffAdmin):
        return
    for page in model_admin.pages:
        arguments, post = PAGES.get(f"{name}_{page.name}", (None, None))
        takes_row = "<int:pk>" in page.path
        yield Case(
            f"{name}_{page.name}",
            "any" if takes_row else "-",
            arguments or ((lambda world: {"pk": world.rows(model)[0].pk}) if takes_row else nothing),
            post=post,
        )
    # An act that the model does not have, where it has none at all.
    has = {act.on for act in model_acts(model._meta.label)[1]} | {
        "bulk" for act in model_acts(model._meta.label)[1] if act.bulk
    }
    for route, more in (("act", {"pk": 0}), ("list_act", {}), ("bulk", {})):
        if {"act": "record", "list_act": "list"}.get(route, route) in has:
            continue
        yield Case(
            f"{name}_{route}",
            "none",
            lambda world, more=more: {key: world.rows(model)[0].pk for key in more} | {"act": "nothing"},
            post={},
        )
    for act in model_acts(model._meta.label)[1]:
        on, act_name = act.on, act.name
        change = FILLED.get(f"{name}_{'list_act' if on == 'list' else 'act'}[{act_name}]", nothing)
        if on == "list":
            yield Case(f"{name}_list_act", "-", lambda world, act_name=act_name: {"act": act_name},
                       tag=act_name, change=change)  # fmt: skip
            continue
        for whose in ("own", "state"):
            yield Case(
                f"{name}_act",
                whose,
                lambda world, act=act, whose=whose: {
                    "pk": for_act(world, model, act, whose).pk,
                    "act": act.name,
                },
                tag=act_name,
                change=change,
            )
        if act.bulk:
            yield Case(
                f"{name}_bulk",
                "own",
                lambda world, act_name=act_name: {"act": act_name},
                tag=act_name,
                change=lambda world, change=change: {"go": "1", **change(world)},
            )


def model_acts(label: str) -> tuple[type[models.Model], list[Act]]:
    """Return a model and the acts that its admin offers."""
    model = apps.get_model(label)
    return model, list(admin.site.get_model_admin(model)._acts.values())


def for_act(world: World, model: type[models.Model], act: Any, whose: str) -> models.Model:
    """Return a row with which somebody could do the act (``own``), or with which nobody could (``state``)."""
    rows = world.rows(model)
    if model is Message:
        rows = [row for row in rows if (row.status == "failed") == (whose == "own")]
    fits = [row for row in rows if _possible(world, act, row) == (whose == "own")]
    return (fits or rows)[0]


def _possible(world: World, act: Any, row: models.Model) -> bool:
    return any(
        act.refusal(row, world.people[role]) is None
        for role in ("lead", "administrator", "fund_manager", "finance")
    )


def _others_than_planned(world):
    """Whom an application of the plan gets by hand; which of the equally good ones it has hangs on the seed and on keys."""
    held = world.things["plan-ready"].pairs.filter(run=world.runs["expert"]["foreign"])
    third = world.others["third-reviewer"].pk
    return [] if set(held.values_list("person", flat=True)) == {third} else [third]


def _of_draft(**more: Callable[[Any], Any]) -> Kwargs:
    """Return the arguments of a page of the draft call's builder."""

    def kwargs(world: World) -> dict[str, Any]:
        call = world.calls["own"]
        return {"pk": call.pk, **{key: value(call) for key, value in more.items()}}

    return kwargs


def _bank_statement(world: World) -> dict[str, Any]:
    paid = world.payments["released"]
    return {
        "fund": paid.award.fund_id,
        "file": payments.csv_statement([payments.paid_row(paid, reference="B-7")]),
    }


def _sheet(world: World) -> dict[str, Any]:
    return {"file": SimpleUploadedFile("导入.xlsx", _workbook(), content_type=XLSX)}


def _workbook() -> bytes:
    book, memory = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["名称", "统一社会信用代码", "题目"])
    book.active.append(["上海导入有限公司", "", "导入课题"])
    book.save(memory)
    return memory.getvalue()


def nothing(world: World) -> dict[str, Any]:
    return {}


def days(number: int) -> str:
    return (timezone.localtime() + timedelta(days=number)).strftime("%Y-%m-%dT17:00")


# What the forms of the admin hold beside what the robot fills in, by route.
FILLED: Final[dict[str, Callable[[World], dict[str, Any]]]] = {
    "admin:incubator_liaison_add": lambda world: {
        "user": world.people["mentor"].pk, "organisation": world.things["university"].pk,
    },
    "admin:incubator_faculty_add": lambda world: {
        "organisation": world.things["university"].pk, "name_zh_hans": "物理学系",
    },
    "admin:incubator_researchproject_add": lambda world: {"title_zh_hans": "新立课题"},
    "admin:funding_application_act[return]": lambda world: {"comment-abstract": "请补充", "open-abstract": "on"},
    "admin:funding_award_act[draft]": lambda world: TERMS,
    "admin:funding_award_act[add_tranche]": lambda world: {"amount_fen": "1"},
    "admin:funding_award_act[amend]": lambda world: {"pi_name": "李强"},
    "admin:funding_award_act[budget]": lambda world: {"equipment": "1"},
    "admin:funding_award_act[shift]": lambda world: _shifted("own")(world),
    "admin:funding_agreement_act[edit]": lambda world: TERMS,
    "admin:funding_tranche_act[edit]": lambda world: {"amount_fen": "1"},
    "admin:funding_disbursement_act[pay]": lambda world: {
        "on": timezone.localdate().isoformat(), "bank_reference": "B-1",
    },
    "admin:funding_disbursement_act[ask_again]": lambda world: PAID,
    "admin:funding_disbursement_list_act[ask]": lambda world: {
        **PAID, "tranche": world.awards["ready"].tranches.get(number=1).pk,
    },
    "admin:funding_paymentbatch_list_act[make]": lambda world: {
        "fund": world.payments["checked"].award.fund_id,
    },
    "admin:funding_award_act[call_to_acceptance]": lambda world: {"call": world.things["acceptance-call"].pk},
    "admin:funding_award_act[claim_back]": lambda world: {"amount_fen": "1"},
    "admin:funding_clawback_act[note_recovery]": lambda world: {
        "amount_fen": "1", "on": timezone.localdate().isoformat(), "bank_reference": "B-9",
    },
    "admin:funding_agreement_act[signature]": lambda world: {
        "name": "x", "signed_on": timezone.localdate().isoformat(), "scan": receipt(text="签署页"),
    },
    "admin:funding_award_act[reserve]": lambda world: {"line": world.things["line"].pk},
    "admin:core_accountcode_change": lambda world: {
        "kind": "fund.bank", "book": world.rows(AccountCode)[0].book_id, "code": "1002", "name": "基本户",
    },
    "admin:funding_fund_act[close_year]": lambda world: {"year": 2025},
    "admin:funding_mandate_list_act[add]": lambda world: {
        "manager_name": "青浦创投", "ticket_from_fen": "1", "ticket_to_fen": "2", "capital_fen": "3",
    },
    "admin:funding_mandate_act[change]": lambda world: {
        "manager": "", "manager_name": "青浦创投", "ticket_from_fen": "1", "ticket_to_fen": "2", "capital_fen": "3",
    },
    "admin:funding_mandate_act[take_up]": lambda world: {"companies": [world.things["fits"].pk]},
    "admin:funding_mandate_act[open]": lambda world: {"company": world.things["fits"].pk, "project": ""},
    "admin:funding_deal_act[point]": lambda world: {"kind": "other", "title": "环评批复"},
    "admin:funding_handover_list_act[hand_over]": lambda world: {
        "award": world.rows(Award)[0].pk, "to": world.things["holding"]["fund"], "note": "移交",
    },
    "admin:funding_round_list_act[add]": lambda world: {"company": world.things["fits"].pk, "name": "A 轮"},
    "admin:funding_round_act[invest]": lambda world: {
        "fund": "", "organisation": "", "holder_name": "丁", "award": "", "instrument": "safe", "amount_fen": "1",
        "shares": "", "cap_fen": "10", "discount_bp": "", "interest_bp": "", "matures_on": "",
    },
    "admin:funding_round_act[close]": lambda world: {"on": "2026-01-02", "converting": []},
    "admin:funding_valuation_list_act[add]": lambda world: {
        **world.things["holding"], "on": "2026-01-02", "value_fen": "1", "method": "comparables",
    },
    "admin:funding_distribution_list_act[add]": lambda world: {
        **world.things["holding"], "on": "2026-01-02", "amount_fen": "1",
    },
    "admin:funding_runwayfigure_list_act[add]": lambda world: {
        "company": world.things["fits"].pk, "on": "2026-01-02", "cash_fen": "1", "burn_fen": "1",
    },
    "admin:funding_commitment_list_act[commit]": lambda world: {"amount_fen": "1", "agreed_on": "2026-01-01"},
    "admin:funding_commitment_act[contribution]": lambda world: {"amount_fen": "1", "on": "2026-01-02"},
    "admin:funding_budgetline_list_act[open]": lambda world: {"year": 2031},
    "admin:funding_budgetline_act[allot]": lambda world: {"amount_fen": "1"},
    "admin:funding_budgetline_act[return]": lambda world: {"amount_fen": "1"},
    "admin:funding_budgetline_act[shift]": lambda world: {"amount_fen": "1"},
    "admin:funding_question_add": lambda world: {"key": "new-question"},
    "admin:funding_call_add": lambda world: {"code": "NEW-2027", "closes_at": days(60)},
    "admin:funding_call_change": lambda world: {"lead": world.people["officer"].pk},
    "admin:funding_call_act[extend]": lambda world: {"closes_at": days(90), "reason": "延长"},
    "admin:funding_call_act[copy]": lambda world: {
        "code": "COPY-2027", "opens_at": days(30), "closes_at": days(60),
    },
    "admin:incubator_liaisonclaim_add": lambda world: {"organisation": world.things["university"].pk},
    "admin:funding_call_list_act[standard]": lambda world: {"code": "STD-2027", "closes_at": days(60)},
    "admin:funding_fund_add": lambda world: {"code": "new-fund"},
    "admin:funding_publication_add": lambda world: {
        "reviewer": world.people["reviewer"].reviewer.pk, "title": "园区补充的论文",
    },
    "admin:funding_meeting_list_act[plan]": lambda world: {
        "stage": world.panels["own"].stage_id, "chair": world.others["third-reviewer"].pk, "quorum": 1,
    },
    "admin:funding_meeting_act[add_items]": lambda world: {
        "runs": [world.panels["own"].call.applications.latest("pk").runs.get().pk]
    },
    "admin:funding_meeting_act[seat]": lambda world: {"people": [world.others["third-reviewer"].pk]},
    "admin:funding_review_act[replace]": lambda world: {"person": world.others["third-reviewer"].pk},
    "admin:funding_conflict_list_act[record]": lambda world: {
        "application_number": world.submitted["expert"]["own"].number,
        "person": world.others["third-reviewer"].pk,
    },
    "admin:funding_conflict_list_act[record_tie]": lambda world: {
        "person_email": world.others["third-reviewer"].email, "kind": "family", "name": "张三",
    },
    "admin:funding_assignmentplan_act[switch]": lambda world: {"invites_replacements": "on"},
    "admin:funding_stagerun_act[screen_return]": lambda world: {"questions": ["abstract"]},
    "admin:core_chatchannel_add": lambda world: {"url": "wecombot://secret-key"},
    "admin:core_chatchannel_change": lambda world: {"url": "wecombot://secret-key"},
    "admin:core_policyvalue_add": lambda world: {"key": "new.rule"},
}  # fmt: skip


PLAN_FORM: Final = {
    "per_application": 1, "max_load": 9, "min_load": 0, "floor": "none", "minimum": 0, "together": 0, "on_time": 0,
}  # fmt: skip

# Own pages of the admin: the route's arguments where they are more than the first row, and what is posted.
PAGES: Final[dict[str, tuple[Kwargs | None, Any]]] = {
    "admin:core_book_close": (None, {"month": "2026-01-01"}),
    "admin:core_transfer_verify": (None, {}),
    "admin:funding_bankstatement_take": (None, _bank_statement),
    "admin:incubator_organisation_import_rows": (None, _sheet),
    "admin:incubator_researchproject_import_rows": (None, _sheet),
    "admin:incubator_organisation_import": (
        lambda world: {"batch_id": world.things["batch"].pk},
        {"act": "discard"},
    ),
    "admin:incubator_researchproject_import": (
        lambda world: {"batch_id": world.things["project-batch"].pk},
        {"act": "discard"},
    ),
    "admin:incubator_organisation_compare": (
        lambda world: {"pk": world.organisations["own"].pk, "other": world.organisations["near"].pk},
        None,
    ),
    "admin:funding_application_changes": (
        lambda world: {"pk": world.submitted["revised"]["own"].pk, "number": 2},
        None,
    ),
    "admin:funding_call_check": (_of_draft(), None),
    "admin:funding_call_eligibility": (_of_draft(), None),
    "admin:funding_call_form": (
        _of_draft(),
        lambda world: {"do": f"section-down:{world.calls['own'].sections.order_by('position').first().pk}"},
    ),
    "admin:funding_call_stages": (_of_draft(), None),
    "admin:funding_call_texts": (_of_draft(), None),
    "admin:funding_call_preview": (_of_draft(), None),
    "admin:funding_call_rule": (
        _of_draft(rule_id=lambda call: 0),
        {"kind": "in_qingpu", "applies_to": "organisation"},
    ),
    "admin:funding_call_section": (_of_draft(section_id=lambda call: call.sections.first().pk), None),
    "admin:funding_call_question": (_of_draft(question_id=lambda call: call.questions.first().pk), None),
    "admin:funding_call_stage": (_of_draft(stage_id=lambda call: call.stages.first().pk), None),
    "admin:funding_call_text": (
        _of_draft(kind=lambda call: "application.received"),
        {
            "do": "save",
            "subject_zh_hans": "已收到",
            "subject_en": "Received",
            "body_zh_hans": "已收到。",
            "body_en": "Received.",
        },
    ),
    "admin:funding_decision_ranking": (lambda world: {"call": world.calls["decision"].pk}, {"letters": "1"}),
    "admin:funding_decision_record": (lambda world: {"call": world.calls["tied"].pk}, {"do": "record"}),
    "admin:funding_decision_verdict": (
        lambda world: {"application": world.submitted["decision"]["same"].pk},
        None,
    ),
    "admin:funding_decision_release": (
        lambda world: {"call": world.calls["released"].pk},
        lambda world: {"seen": [seen_of(world.decided["ready"])]},
    ),
    "admin:funding_decision_publish": (
        lambda world: {"call": world.calls["notice"].pk},
        lambda world: {"seen": [seen_of(world.submitted["notice"]["same"].decisions.get())]},
    ),
    "admin:funding_decision_budget": (
        lambda world: {"call": world.calls["decision"].pk},
        {"budget_fen": "90000000", "reason": "追加"},
    ),
    "admin:funding_decision_promote": (
        lambda world: {"call": world.calls["reserved"].pk},
        {"amount_fen": "10000"},
    ),
    "admin:funding_letter_text": (
        lambda world: {"pk": Letter.objects.get(decision=world.decided["same"]).pk},
        None,
    ),
    "admin:funding_stagerun_work": (
        lambda world: {"pk": world.runs["screening"]["own"].pk},
        {
            "opinion": "reject",
            "comment_committee": "不符合申报条件。",
            "comment_applicant": "不符合申报条件。",
        },
    ),
    "admin:funding_assignmentplan_new": (
        None,
        lambda world: {
            **PLAN_FORM,
            "stage": world.calls["expert"].stages.get(kind="expert").pk,
            "method": "optimal",
        },
    ),
    "admin:funding_assignmentplan_criteria": (None, PLAN_FORM),
    "admin:funding_assignmentplan_plan": (None, {"do": "switch_on"}),
    "admin:funding_assignmentplan_export": (None, {}),
    "admin:funding_assignmentplan_application": (
        lambda world: {"pk": world.things["plan-ready"].pk, "run": world.runs["expert"]["foreign"].pk},
        lambda world: {
            "person": _others_than_planned(world),
            "revision": world.things["plan-ready"].revision,
        },
    ),
    "admin:funding_assignmentplan_draw": (lambda world: {"pk": world.things["plan-drawn"].pk}, None),
    "admin:funding_stagerun_assign": (
        None,
        lambda world: {
            "run": [world.runs["expert"]["same"].pk],
            "person": [world.others["third-reviewer"].pk],
        },
    ),
    "admin:core_entry_verify": (None, {}),
}


def all_cases() -> list[Case]:
    from tests.policy.api_cases import api_cases  # It asks for the same acts.

    return [*portal_cases(), *admin_cases(), *api_cases()]
