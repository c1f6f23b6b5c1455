"""What changed between versions, what reviewers see, what is exported."""

from __future__ import annotations

from datetime import timedelta

import openpyxl
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from funding.applications.diff import compare_texts
from funding.applications.models import Application
from funding.applications.reading import Blinding, answers_of, compare_versions, present_form
from funding.applications.redaction import Names
from funding.applications.services import add_file, return_application, save_answer, submit_application
from funding.calls.standard import STANDARD_QUESTIONS
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import run_job
from park_portal.core.outbox.models import Message
from tests.factories.applications import (
    bulk_applications,
    make_application,
    make_call,
    make_project_application,
    make_submitted,
    pdf,
)
from tests.factories.core import make_staff, make_user


def spans(before, after):
    return [(span.kind, span.text) for span in compare_texts(before, after)]


def test_chinese_is_compared_by_characters():
    assert spans("我们用类器官训练模型", "我们用患者类器官训练大模型") == [
        ("same", "我们用"),
        ("added", "患者"),
        ("same", "类器官训练"),
        ("added", "大"),
        ("same", "模型"),
    ]
    assert spans("", "新") == [("added", "新")]
    assert spans("旧", "") == [("removed", "旧")]
    assert spans("同", "同") == [("same", "同")]


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_runs_give_both_texts_back(before, after):
    found = compare_texts(before, after)
    assert "".join(span.text for span in found if span.kind != "added") == before
    assert "".join(span.text for span in found if span.kind != "removed") == after


def test_very_different_long_texts_are_compared_in_time():
    before, after = "天地玄黄" * 5000, "宇宙洪荒日月盈昃" * 2500
    started = timezone.now()
    compare_texts(before, after)
    assert timezone.now() - started < timedelta(seconds=5)


@pytest.mark.django_db
def test_versions_question_by_question():
    application = make_submitted()
    owner = application.created_by
    return_application(
        application,
        actor=make_staff(),
        items={"abstract": "", "human": "", "plan": ""},
        due_at=timezone.now() + timedelta(days=2),
    )
    save_answer(application, "abstract", "全新的摘要", actor=owner)
    save_answer(application, "human", "yes", actor=owner)
    save_answer(application, "ethics", "已获批准", actor=owner)
    add_file(application, "plan", pdf("补充.pdf"), actor=owner)
    submit_application(application, actor=owner)
    first, second = application.versions.order_by("number")
    found = {change.key: change.kind for change in compare_versions(first, second)}
    assert found == {
        "title": "same",
        "abstract": "changed",
        "trl": "same",
        "amount": "same",
        "budget": "same",
        "human": "changed",
        "ethics": "added",
        "plan": "changed",
        "consent": "same",
    }
    backwards = {change.key: change.kind for change in compare_versions(second, first)}
    assert backwards["ethics"] == "removed"


@pytest.mark.django_db
def test_reviewers_read_what_they_should():
    application = make_submitted(answers={"unsuitable": "王教授"})
    keys = [q["key"] for section in answers_of(application) for q in section["questions"]]
    assert "unsuitable" in keys
    shown = [q for section in answers_of(application, for_reviewers=True) for q in section["questions"]]
    assert "unsuitable" not in [q["key"] for q in shown]
    assert "王教授" not in str(shown)
    blind = answers_of(application, for_reviewers=True, blinding=Blinding(Names(), {}))
    (files,) = [q["files"] for section in blind for q in section["questions"] if q["key"] == "plan"]
    with translation.override("zh-hans"):
        assert [str(file["name"]) for file in files] == ["附件 1"]


@pytest.mark.django_db
def test_a_blind_stage_hides_the_columns_and_questions_that_name_the_applicant():
    team = [{"name": "林若溪", "role": "pi", "employer": "复旦大学", "task": "总体", "share": "50"}]
    ip = [{"type": "invention", "title": "方法", "number": "CN2025", "owner": "复旦大学", "status": "filed"}]
    question = {
        "asked": True,
        "reviewers_see": True,
        "purpose": "",
        "required": True,
        "label": {"zh": "团队", "en": "Team"},
    }
    columns = next(item.config["columns"] for item in STANDARD_QUESTIONS if item.key == "team")
    form = {
        "sections": [
            {
                "title": {"zh": "一", "en": "One"},
                "questions": [
                    {**question, "key": "team", "kind": "table", "settings": {"columns": columns}},
                    {**question, "key": "ip", "kind": "ip", "settings": {}},
                    {
                        **question,
                        "key": "contact",
                        "kind": "short_text",
                        "settings": {"names_applicant": True},
                    },
                    {**question, "key": "story", "kind": "short_text", "settings": {}},
                ],
            }
        ]
    }
    answers = {"team": team, "ip": ip, "contact": "林若溪 13800000000", "story": "很好"}
    (seen,) = present_form(form, answers, for_reviewers=True)
    assert [q["key"] for q in seen["questions"]] == ["team", "ip", "contact", "story"]
    with translation.override("zh-hans"):
        (blind,) = present_form(form, answers, for_reviewers=True, blinding=Blinding(Names(), {}))
    assert [q["key"] for q in blind["questions"]] == ["team", "ip", "story"]
    assert not any(word in str(blind) for word in ("林若溪", "复旦大学", "CN2025", "13800000000"))
    assert [cell["text"] for cell in blind["questions"][0]["shown"]["rows"][0]] == [
        "项目负责人",
        "总体",
        "50",
    ]
    assert [column["key"] for column in blind["questions"][1]["shown"]["columns"]] == [
        "type",
        "title",
        "status",
        "date",
    ]


def as_officer(user=None) -> Client:
    client = Client()
    client.force_login(user or make_staff(), settings.AUTHENTICATION_BACKENDS[1])
    return client


def admin_url(name, *args):
    return reverse(f"admin:funding_application_{name}", args=args)


@pytest.mark.django_db
def test_the_export_holds_every_answer():
    call = make_call("EXP-2026")
    submitted = make_submitted(call)
    make_project_application(call)
    officer = make_staff()
    client = as_officer(officer)
    page = client.get(admin_url("export"), {"call": call.pk})
    assert page.context["count"] == 2
    started = client.post(f"{admin_url('export')}?call={call.pk}")
    job = Job.objects.get()
    assert started.url == reverse("admin:core_job_change", args=[job.pk])
    assert run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("done", "")
    with job.result.open() as file:
        sheet = openpyxl.load_workbook(file).active
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head, *lines = rows
    by_number = {line[0]: dict(zip(head, line, strict=True)) for line in lines}
    line = by_number[submitted.number]
    assert line["项目名称"] == "面向类器官药筛的多模态大模型"
    assert line["申请经费（元）"] == 1_000_000
    assert line["经费预算: 合计（元）"] == 1_000_000
    assert line["经费预算"] == "1. 科目: 设备费；金额: ¥600,000.00\n2. 科目: 材料费；金额: ¥400,000.00"
    assert line["附件"] == "计划书.pdf"
    assert line["是否涉及人体样本"] == "否"
    assert by_number[None]["状态"] == "草稿"


@pytest.mark.django_db
def test_the_export_is_for_those_who_see_records():
    for user in (make_user(), make_staff("administrator")):
        assert as_officer(user).post(admin_url("export")).status_code in (302, 403, 404)
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_the_list_costs_the_same_at_any_length():
    call = make_call()
    bulk_applications(call, 20)
    client = as_officer()

    def cost():
        client.get(admin_url("changelist"))
        with CaptureQueriesContext(connection) as captured:
            assert client.get(admin_url("changelist")).status_code == 200
        assert not any("count(*)" in q["sql"].lower() and "limit" not in q["sql"].lower() for q in captured)
        return len(captured)

    few = cost()
    bulk_applications(call, 480)
    assert cost() == few
    assert few <= 12
    record = admin_url("change", Application.objects.latest("pk").pk)
    client.get(record)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(record).status_code == 200
    assert len(captured) <= 12


@pytest.mark.django_db
def test_filters_and_search_of_the_list():
    one = make_submitted(make_call("ONE-2026", track="bt"))
    two = make_submitted(make_call("TWO-2026"))
    client = as_officer()

    def found(**query):
        return {obj.pk for obj in client.get(admin_url("changelist"), query).context["cl"].result_list}

    assert found() == {one.pk, two.pk}
    assert found(q=one.number) == {one.pk}
    assert found(q=two.organisation.name) == {two.pk}
    assert found(track="bt") == {one.pk}
    assert found(call=two.call_id) == {two.pk}
    assert found(state="draft") == set()
    assert found(due="over") == set()
    Application.objects.filter(pk=one.pk).update(due_at=timezone.now() - timedelta(days=1))
    assert found(due="over") == {one.pk}
    for senseless in ({"call": "x"}, {"state": "nope"}, {"q": "\x00"}, {"call": "9" * 40}, {"p": "999"}):
        assert client.get(admin_url("changelist"), senseless).status_code in (200, 302)


@pytest.mark.django_db
def test_staff_return_extend_reject_and_withdraw_by_page():
    application = make_submitted()
    officer = as_officer()

    def act(name):
        return admin_url("act", application.pk, name)

    assert officer.get(act("return")).status_code == 200
    refused = officer.post(act("return"), {"due_at": "2099-01-01T12:00", "message": "x"})
    assert refused.status_code == 200
    assert Application.objects.get().state == "in_review"
    officer.post(
        act("return"),
        {"due_at": "2099-01-01T12:00", "open-title": "on", "comment-abstract": "请补充", "message": "请改"},
    )
    application.refresh_from_db()
    assert application.state == "returned"
    assert sorted(application.returns.get().items.values_list("question__question__key", "comment")) == [
        ("abstract", "请补充"),
        ("title", ""),
    ]
    officer.post(act("extend"), {"until": "2099-02-01T12:00", "reason": "疫情"})
    assert application.extensions.get().reason == "疫情"
    unexplained = officer.post(act("reject"), {"reason": ""}).content.decode()
    assert '<li><a href="#id_reason">原因</a> · 该字段是必填项。</li>' in unexplained
    officer.post(act("reject"), {"reason": "不符合"})
    application.refresh_from_db()
    assert application.state == "rejected"
    assert Message.objects.filter(topic="application.rejected").count() == 1
    assert officer.get(admin_url("change", application.pk)).status_code == 200
    assert officer.get(admin_url("changes", application.pk, 1)).status_code == 200
    assert officer.get(admin_url("changes", application.pk, 7)).status_code == 404
    withdrawn = make_submitted()
    officer.post(admin_url("act", withdrawn.pk, "withdraw"), {"reason": "申请方来函"})
    withdrawn.refresh_from_db()
    assert withdrawn.state == "withdrawn"


@pytest.mark.django_db
def test_the_record_is_closed_to_others():
    application = make_application()
    for user in (application.created_by, make_staff("administrator")):
        client = as_officer(user)
        assert client.get(admin_url("change", application.pk)).status_code in (302, 403)
        assert client.post(admin_url("act", application.pk, "extend"), {}).status_code in (302, 403, 404)
    finance = as_officer(make_staff("finance"))
    assert finance.get(admin_url("change", application.pk)).status_code == 200
    assert finance.get(admin_url("act", application.pk, "extend")).status_code == 403


@pytest.mark.django_db
def test_many_are_extended_together():
    call = make_call()
    drafts = [make_application(call, filled=False) for _i in range(3)]
    officer = as_officer()
    address = f"{admin_url('bulk', 'extend')}?call={call.pk}"
    page = officer.get(address)
    assert page.context["total"] == 3
    officer.post(address, {"until": "2099-02-01T12:00", "reason": "系统维护", "expected": "3"})
    assert [draft.extensions.count() for draft in drafts] == [1, 1, 1]
