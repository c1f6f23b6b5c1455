"""Calls with a small form of every kind of question, and applications to them, for tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pgtrigger
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from funding.applications.models import Application, Version
from funding.applications.services import (
    Typed,
    add_file,
    save_answers,
    start_application,
    submit_application,
)
from funding.applications.states import ApplicationState
from funding.calls.models import Call, CallQuestion, EligibilityRule, Question, Section
from funding.calls.states import QuestionKind
from funding.funds.models import Fund
from park_portal.core.accounts.models import User
from park_portal.core.errors import DomainError
from park_portal.core.workflow import SYSTEM, advance
from tests.core.documents import samples
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_organisation, make_project

_numbers = itertools.count(1)

# One empty page: small, and every reader of PDFs opens it.
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\n"
    b"startxref\n164\n%%EOF\n"
)
PNG = samples.PNG

BUDGET = {
    "columns": [
        {"key": "item", "kind": "text", "zh": "科目", "en": "Item", "required": True},
        {"key": "amount", "kind": "money", "unit": "wan", "zh": "金额", "en": "Amount", "required": True},
    ],
    "total": "amount",
    "max_rows": 10,
}
YES_NO = {
    "choices": [{"value": "yes", "zh": "是", "en": "Yes"}, {"value": "no", "zh": "否", "en": "No"}],
}
CONSENT = {"statement": {"zh": "本人承诺所填内容真实。", "en": "What is written here is true."}}

# section, key, kind, Chinese label, English label, settings, further columns of the call's question
FORM: list[tuple[int, str, str, str, str, dict[str, Any], dict[str, Any]]] = [
    (1, "title", QuestionKind.SHORT_TEXT, "项目名称", "Title", {"max_chars": 60}, {"purpose": "title"}),
    (
        1,
        "abstract",
        QuestionKind.LONG_TEXT,
        "项目摘要",
        "Summary",
        {"max_chars": 500},
        {"purpose": "summary"},
    ),
    (1, "trl", QuestionKind.TRL, "技术就绪水平", "Technology readiness", {}, {}),
    (2, "amount", QuestionKind.MONEY, "申请经费", "Amount requested", {"unit": "wan"}, {"purpose": "amount"}),
    (2, "budget", QuestionKind.TABLE, "经费预算", "Budget", BUDGET, {"purpose": "budget"}),
    (3, "human", QuestionKind.SINGLE_CHOICE, "是否涉及人体样本", "Human samples?", YES_NO, {}),
    (
        3,
        "ethics",
        QuestionKind.LONG_TEXT,
        "伦理审查情况",
        "Ethics review",
        {"max_chars": 200},
        {"condition": ("human", "yes")},
    ),
    (
        3,
        "unsuitable",
        QuestionKind.LONG_TEXT,
        "建议回避的专家",
        "Unsuitable reviewers",
        {},
        {"purpose": "unsuitable", "required": False, "reviewers_see": False},
    ),
    (4, "plan", QuestionKind.FILES, "附件", "Attachments", {"max_files": 2, "extensions": ["pdf"]}, {}),
    (4, "consent", QuestionKind.CONSENT, "承诺书", "Declaration", CONSENT, {}),
]

ANSWERS: dict[str, Any] = {
    "title": "面向类器官药筛的多模态大模型",
    "abstract": "我们用类器官图像训练多模态模型，预测药物反应。",
    "trl": "4",
    "amount": "100",
    "budget": [{"item": "设备费", "amount": "60"}, {"item": "材料费", "amount": "40"}],
    "human": "no",
    "consent": True,
}


def make_call(
    code: str = "",
    *,
    opened: bool = True,
    rules: Iterable[dict[str, Any]] = (),
    form: list[Any] = FORM,
    **fields: Any,
) -> Call:
    """Returns a call with the form above, open since yesterday and for a week more."""
    number = next(_numbers)
    now = timezone.now()
    fund, _created = Fund.objects.get_or_create(
        code="aibt", defaults={"name_zh_hans": "AI+BT 专项基金", "name_en": "AI + BT fund"}
    )
    call = Call.objects.create(
        code=code or f"TEST{number}-2026",
        title_zh_hans=fields.pop("title_zh_hans", "2026年度“AI+BT”专项基金"),
        title_en=fields.pop("title_en", "AI + BT fund 2026"),
        fund=fields.pop("fund", fund),
        lead=fields.pop("lead", None) or make_staff("lead"),
        opens_at=fields.pop("opens_at", now - timedelta(days=1)),
        closes_at=fields.pop("closes_at", now + timedelta(days=7)),
        **fields,
    )
    sections: dict[int, Section] = {}
    asked: dict[str, CallQuestion] = {}
    for position, (place, key, kind, zh, en, config, more) in enumerate(form, 1):
        if place not in sections:
            sections[place] = Section.objects.create(
                call=call, title_zh_hans=f"第{place}部分", title_en=f"Part {place}", position=place
            )
        question, _created = Question.objects.get_or_create(
            key=key, defaults={"kind": kind, "label_zh_hans": zh, "label_en": en, "config": config}
        )
        more = dict(more)
        on, value = more.pop("condition", (None, ""))
        asked[key] = CallQuestion.objects.create(
            call=call,
            section=sections[place],
            question=question,
            position=position,
            condition_on=asked[on] if on else None,
            condition_value=value,
            config=config,
            **more,
        )
    for position, rule in enumerate(rules, 1):
        EligibilityRule.objects.create(call=call, position=position, **rule)
    if opened:
        advance(call, "publish", actor=SYSTEM, changes={"published_at": now})
        advance(call, "open", actor=SYSTEM)
    return call


def pdf(name: str = "计划书.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/pdf")


def make_application(
    call: Call | None = None,
    *,
    owner: User | None = None,
    answers: dict[str, Any] | None = None,
    filled: bool = True,
    **applicant: Any,
) -> Application:
    """Returns a draft of a startup (or of ``organisation`` or ``project``), by default ready to be submitted."""
    call = call or make_call()
    if "project" in applicant:
        owner = owner or applicant["project"].pi_user
    elif "organisation" not in applicant:
        owner = owner or make_user()
        applicant["organisation"] = make_organisation(owner=owner, name_en="Qingxin Biotech")
    if owner is None:
        owner = applicant["organisation"].memberships.filter(role="owner").first().user
    application = start_application(call, actor=owner, **applicant)
    if filled:
        fill(application, actor=owner, answers=answers)
    return application


def make_project_application(call: Call | None = None, **kwargs: Any) -> Application:
    """Returns a draft of a university's research team."""
    return make_application(call, project=make_project(pi=kwargs.pop("pi", None) or make_user()), **kwargs)


def save_all(application: Application, given: dict[str, Typed], *, actor: User) -> None:
    """Saves all of these answers, or raises what stands against the first that is refused."""
    for outcome in save_answers(application, given, actor=actor).values():
        if isinstance(outcome, DomainError):
            raise outcome


def fill(application: Application, *, actor: User, answers: dict[str, Any] | None = None) -> Application:
    """Answers every question; ``answers`` over the usual ones."""
    given = {key: Typed(raw) for key, raw in {**ANSWERS, **(answers or {})}.items()}
    save_all(application, given, actor=actor)
    if not application.files.filter(removed_at__isnull=True).exists():
        add_file(application, "plan", pdf(), actor=actor)
    application.refresh_from_db()
    return application


def make_submitted(call: Call | None = None, **kwargs: Any) -> Application:
    """Returns an application that was submitted."""
    application = make_application(call, **kwargs)
    submit_application(application, actor=application.created_by)
    return application


def bulk_applications(
    call: Call, number: int, *, state: str = ApplicationState.IN_REVIEW
) -> list[Application]:
    """Returns so many submitted applications of as many startups, each with a version, made in a few statements.

    For measuring and counting: the review knows nothing of them. Triggers on the birth state are set aside for it.
    """
    from incubator.organisations.models import Organisation

    now, first = timezone.now(), next(_numbers)
    creator = call.lead
    organisations = Organisation.objects.bulk_create(
        Organisation(name_zh_hans=f"上海第{first}-{i}号科技有限公司", normalised_name=f"第{first}-{i}号科技")
        for i in range(number)
    )
    start = call.last_number
    base = make_application(call) if not call.applications.exists() else call.applications.first()
    from funding.applications.reading import typed_snapshot

    form, answers = typed_snapshot(base)
    ignored = [f"funding.Application:{t.name}" for t in Application._meta.triggers if "initial" in t.name]
    with pgtrigger.ignore(*ignored):
        made = Application.objects.bulk_create(
            [
                Application(
                    call=call,
                    kind="organisation",
                    organisation=organisation,
                    title=f"{ANSWERS['title']}（{i}）",
                    amount_fen=100_000_000 + i,
                    number=f"{call.code}-{start + i + 1:04d}",
                    state=state,
                    submitted_at=now - timedelta(minutes=i),
                    due_at=now + timedelta(days=i % 30 - 5),
                    created_by=creator,
                )
                for i, organisation in enumerate(organisations)
            ],
            batch_size=1000,
        )
    Version.objects.bulk_create(
        [
            Version(
                application=application,
                number=1,
                form=form,
                answers={**answers, "title": application.title},
                digest=f"{application.pk:064d}",
                submitted_by=creator,
            )
            for application in made
        ],
        batch_size=1000,
    )
    Call.objects.filter(pk=call.pk).update(last_number=start + number)
    call.refresh_from_db()
    return made
