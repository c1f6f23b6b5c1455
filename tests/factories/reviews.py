"""Calls with stages, submitted applications, runs, reviewers and reviews for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from funding.applications.services import Typed, start_application, submit_application
from funding.models import (
    Application,
    Call,
    CallQuestion,
    CleanCopy,
    Conflict,
    Criterion,
    Fund,
    Question,
    Review,
    Reviewer,
    Section,
    Stage,
    StageRun,
)
from funding.reviews import services
from incubator.models import Organisation, ResearchProject
from park_portal.core.accounts.models import User
from park_portal.core.documents.formats import TEXT
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import store_document
from park_portal.core.workflow import SYSTEM, advance
from tests.factories import fill, makes, number
from tests.factories.applications import save_all
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_organisation
from tests.personas import make_person, persona

STAGES: dict[str, dict[str, Any]] = {
    "screening": {"kind": "screening", "acts": "officer", "completion": "count", "working_days": 5},
    "liaison": {"kind": "liaison", "acts": "liaison", "completion": "count", "working_days": 5},
    "expert": {
        "kind": "expert",
        "acts": "expert",
        "completion": "count",
        "required_count": 2,
        "working_days": 15,
    },
    "panel": {"kind": "panel", "acts": "officer", "completion": "count", "working_days": 5},
    "diligence": {"kind": "diligence", "acts": "fund_manager", "completion": "count", "working_days": 10},
    "notice": {"kind": "notice", "acts": "officer", "completion": "time", "working_days": 5},
    "decision": {"kind": "decision", "acts": "lead", "completion": "staff", "working_days": 5},
}
NAMES = {
    "screening": ("形式审查", "Screening"),
    "liaison": ("校方联络人审核", "Liaison review"),
    "expert": ("专家评审", "Expert review"),
    "panel": ("会议评审", "Panel"),
    "diligence": ("尽职调查", "Due diligence"),
    "notice": ("公示", "Public notice"),
    "decision": ("立项决定", "Decision"),
}
QUESTIONS = (
    ("project-title", "short_text", "项目名称", "Title", "title", True),
    ("abstract", "long_text", "摘要", "Summary", "summary", True),
    ("secret-note", "long_text", "仅供园区", "For the park only", "", False),
    ("unsuitable", "long_text", "不宜评审的专家", "Unsuitable reviewers", "unsuitable", False),
)


def make_fund(**fields: Any) -> Fund:
    n = number()
    return Fund.objects.create(
        **{"name_zh_hans": f"专项基金{n}", "name_en": f"Fund {n}", "code": f"fund-{n}", **fields}
    )


def make_review_call(
    *kinds: str, lead: User | None = None, changes: dict[str, dict[str, Any]] | None = None, **fields: Any
) -> Call:
    """Returns an open call with a small form and stages of these kinds in this order; ``changes`` by kind."""
    now = timezone.now()
    call = Call.objects.create(
        **{
            "code": f"CALL{number()}",
            "title_zh_hans": "“AI + BT”概念验证项目",
            "title_en": "AI + BT proof of concept",
            "fund": make_fund(),
            "opens_at": now - timedelta(days=2),
            "closes_at": now + timedelta(days=30),
            "lead": lead or make_staff("lead", name="Lead"),
            **fields,
        }
    )
    section = Section.objects.create(call=call, title_zh_hans="项目", title_en="Project")
    for position, (key, kind, zh, en, purpose, seen) in enumerate(QUESTIONS, 1):
        bank, _new = Question.objects.get_or_create(
            key=key, defaults={"kind": kind, "label_zh_hans": zh, "label_en": en}
        )
        CallQuestion.objects.create(
            call=call,
            section=section,
            question=bank,
            position=position,
            purpose=purpose,
            required=bool(purpose in ("title", "summary")),
            reviewers_see=seen,
        )
    for position, kind in enumerate(kinds or ("screening", "liaison", "expert", "decision"), 1):
        values = {**STAGES[kind], **((changes or {}).get(kind) or {})}
        stage = Stage.objects.create(
            call=call, position=position, name_zh_hans=NAMES[kind][0], name_en=NAMES[kind][1], **values
        )
        _criteria(stage)
    advance(call, "publish", actor=SYSTEM, changes={"published_at": now})
    return advance(call, "open", actor=SYSTEM)


def shared_call(*kinds: str) -> Call:
    """Returns the one open call with these stages that rows share whose call does not matter."""
    code = "-".join(("ALL", *(kind[:3].upper() for kind in kinds)))
    return Call.objects.filter(code=code).first() or make_review_call(*kinds, code=code)


def _criteria(stage: Stage) -> None:
    rows: list[dict[str, Any]] = []
    if stage.kind == "screening":
        rows = [
            {"kind": "check", "label_zh_hans": "材料齐全", "label_en": "Complete"},
            {"kind": "check", "label_zh_hans": "主体符合条件", "label_en": "Eligible", "allow_na": True},
        ]
    elif stage.kind in ("expert", "panel"):
        rows = [
            {"label_zh_hans": "创新性", "label_en": "Novelty", "weight": 2},
            {"label_zh_hans": "可行性", "label_en": "Feasibility", "weight": 1},
            {"label_zh_hans": "伦理", "label_en": "Ethics", "weight": 1, "allow_na": True},
        ]
    for position, row in enumerate(rows, 1):
        Criterion.objects.create(stage=stage, position=position, **row)


def make_application(
    call: Call | None = None,
    *,
    organisation: Organisation | None = None,
    project: ResearchProject | None = None,
    begin: bool = True,
    title: str = "类器官药筛大模型",
    **answers: str,
) -> Application:
    """Returns a submitted application, at the call's first stage unless told not to begin."""
    call = call or make_review_call()
    if organisation is None and project is None:
        organisation = make_organisation(owner=make_user())
    if project is not None:
        actor = project.pi_user
        if actor is None:
            actor = project.pi_user = make_user("陈思远")
            project.save()
            project.team.filter(role="pi").update(user=actor)
        application = start_application(call, actor=actor, project=project)
    else:
        actor = organisation.memberships.get(role="owner").user
        application = start_application(call, actor=actor, organisation=organisation)
    given = {"project-title": title, "abstract": "用多模态大模型预测药物反应。", **answers}
    save_all(application, {key.replace("_", "-"): Typed(text) for key, text in given.items()}, actor=actor)
    submit_application(application, actor=actor)
    if begin:
        services.on_submitted(application.pk)
    application.refresh_from_db()
    return application


def run_of(application: Application) -> StageRun:
    """Returns the run that is under way."""
    return application.runs.under_way().select_related("stage", "application").get()


def make_expert(name: str = "", **fields: Any) -> User:
    """Returns a person of the pool."""
    user = make_user(name)
    Reviewer.objects.create(user=user, **{"institution": "独立研究院", **fields})
    return user


def expert_run(call: Call | None = None, **values: Any) -> StageRun:
    """Returns the run of an application that has reached expert review."""
    call = call or make_review_call("expert", "decision")
    return run_of(make_application(call, **values))


def make_review(run: StageRun | None = None, person: User | None = None, *, accepted: bool = False) -> Review:
    """Returns a review that an officer assigned."""
    person = person or make_expert()
    review = services.assign_reviewer(run or expert_run(), person, actor=SYSTEM)
    return accept(review) if accepted else review


def accept(review: Review) -> Review:
    """Returns the review once its reviewer has declared to have no conflict, pledged and accepted."""
    services.declare_no_conflict(review, actor=review.reviewer, pledge=True)
    return services.accept_review(review, actor=review.reviewer)


def fill_review(review: Review, mark: int = 8, opinion: str = "fund", **fields: Any) -> Review:
    """Returns the review with a complete draft."""
    criteria = review.run.stage.criteria.all()
    return services.save_review(
        review,
        actor=review.reviewer,
        revision=None,
        opinion=opinion,
        confidence=3,
        comment_committee="理由充分。",
        scores={criterion.pk: {"value": mark} for criterion in criteria},
        **fields,
    )


def submitted_review(
    run: StageRun, mark: int = 8, opinion: str = "fund", person: User | None = None
) -> Review:
    """Returns a submitted review."""
    review = fill_review(make_review(run, person, accepted=True), mark, opinion)
    return services.submit_review(review, actor=review.reviewer, pledge=True)


makes("funding.StageRun")(lambda **values: run_of(make_application(shared_call("screening", "decision"))))


@makes("funding.Review")
def review(**values: Any) -> Review:
    run = values.pop("run", None) or expert_run(shared_call("expert", "decision"))
    return make_review(run, **values)


makes("funding.Reviewer")(lambda **values: make_expert().reviewer)


@makes("funding.Conflict")
def conflict(**values: Any) -> Conflict:
    if not {"application", "organisation", "other", "other_name"} & values.keys():
        values["application"] = make_application(shared_call("screening", "decision"))
    return fill("funding.Conflict", **values)


@makes("funding.CleanCopy")
def clean_copy(**values: Any) -> CleanCopy:
    application = shared_call("expert", "decision").applications.first() or make_application(
        shared_call("expert", "decision")
    )
    if "original" not in values:
        values["original"] = make_file(application, "answer:plan")
    if "document" not in values:
        values["document"] = make_file(application, "copy:plan")
    return CleanCopy.objects.create(**values)


def make_file(application: Application, kind: str) -> Document:
    """Returns a small file of the application."""
    name = f"{number()}.txt"
    return store_document(
        name.encode(), actor=SYSTEM, subject=application, kind=kind, name=name, allowed={TEXT}
    )


# --- people


@persona("reviewer")
def reviewer() -> User:
    """An expert of the pool."""
    user = make_person("reviewer")
    Reviewer.objects.create(user=user, institution="独立研究院", keywords=["类器官", "大模型"])
    return user


@persona("other_reviewer")
def other_reviewer() -> User:
    """Another expert of the pool: to a review of the first, a stranger."""
    user = make_person("other_reviewer")
    Reviewer.objects.create(user=user, institution="另一研究院")
    return user
