"""Building a call in the admin, as staff do: every page by its address, every button by its post."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from funding.calls.models import Call, CallQuestion, CallText, Criterion, Question, Section, Stage
from funding.calls.questions import type_of
from funding.calls.services import problems_of, questions_of
from funding.calls.states import QuestionKind
from funding.funds.models import Fund
from park_portal.core.audit.models import Entry
from tests.factories.calls import make_call, make_fund
from tests.funding.calls.typed import choices, columns, lines, shown
from tests.personas import person

pytestmark = pytest.mark.django_db
STAFF_WHO_READ = ("auditor", "finance", "fund_manager")
OUTSIDERS = ("stranger", "administrator")


@pytest.fixture
def officer(client_of) -> Client:
    client = client_of("officer")
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def lead(client_of) -> Client:
    client = client_of("lead")
    client.cookies["django_language"] = "en"
    return client


def at(call: Call, page: str = "change/") -> str:
    return f"/admin/funding/call/{call.pk}/{page}"


def said(response) -> str:
    return " ".join(str(message) for message in response.wsgi_request._messages)


def test_call_is_built_from_nothing(officer, lead):
    fund = make_fund()
    now = timezone.localtime()
    typed = {
        "code": "AIBT-2099",
        "track": "ai_bt",
        "title_zh_hans": "申报通知",
        "title_en": "The call",
        "summary_zh_hans": "摘要",
        "summary_en": "Summary",
        "body_zh_hans": "正文",
        "body_en": "Text",
        "opens_at": (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        "closes_at": (now + timedelta(days=31)).strftime("%Y-%m-%dT%H:%M"),
        "grace_minutes": "5",
        "fund": fund.pk,
        "outcome": "award",
        "budget_fen": "1000 万",
        "scoring": "calibrated",
        "min_amount_fen": "",
        "max_amount_fen": "2,000,000",
        "max_files": "10",
        "max_file_mb": "20",
        "applicants": ["organisation"],
        "contact": "021",
        "lead": person("lead").pk,
    }
    wrong = officer.post("/admin/funding/call/add/", {**typed, "code": "not a code", "max_amount_fen": "-1"})
    assert wrong.status_code == 200
    assert b"Capital letters, digits and hyphens" in wrong.content
    assert b"An amount cannot be negative." in wrong.content
    assert 'value="not a code"' in wrong.content.decode()
    assert Call.objects.count() == 0

    made = officer.post("/admin/funding/call/add/", typed)
    call = Call.objects.get()
    assert made.headers["Location"] == at(call, "form/")
    assert (call.budget_fen, call.max_amount_fen, call.applicants) == (
        1_000_000_000,
        200_000_000,
        ["organisation"],
    )
    assert (call.created_by, call.state) == (person("officer"), "draft")

    # The bank: a question is stored, then set up.
    officer.post(
        "/admin/funding/question/add/",
        {"key": "title", "kind": "short_text", "label_zh_hans": "项目名称", "label_en": "Title"},
    )
    title = Question.objects.get(key="title")
    address = f"/admin/funding/question/{title.pk}/change/"
    officer.post(
        address,
        {"label_zh_hans": "项目名称", "label_en": "Title", "config_min_chars": "2", "config_max_chars": "40"},
    )
    title.refresh_from_db()
    assert title.config == {"min_chars": 2, "max_chars": 40}
    officer.post(
        "/admin/funding/question/add/",
        {"key": "amount", "kind": "money", "label_zh_hans": "金额", "label_en": "Amount"},
    )
    officer.post(
        "/admin/funding/question/add/",
        {"key": "route", "kind": "single_choice", "label_zh_hans": "方式", "label_en": "Route"},
    )
    route = Question.objects.get(key="route")
    address = f"/admin/funding/question/{route.pk}/change/"
    words = {"label_zh_hans": "方式", "label_en": "Route"}
    refused = officer.post(address, {**words, **choices(("a", "甲", ""), ("", "乙", "B"))})
    assert refused.context["adminform"].form.errors == {"config_choices": ["Correct the marked lines."]}
    assert 'name="config_choices-1-zh" value="乙"' in refused.content.decode()
    officer.post(address, {**words, **choices(("a", "甲", "A"), ("", "乙", "B"))})
    route.refresh_from_db()
    assert route.config == {
        "choices": [{"value": "a", "zh": "甲", "en": "A"}, {"value": "b", "zh": "乙", "en": "B"}]
    }

    # The form: a section, questions from the bank, what each is read as.
    officer.post(
        at(call, "form/"), {"do": "section-add", "new-title_zh_hans": "项目", "new-title_en": "Project"}
    )
    section = Section.objects.get()
    chosen = [str(question.pk) for question in Question.objects.all()]
    officer.post(at(call, "form/"), {"do": f"questions-add:{section.pk}", "bank": chosen})
    assert [q.key for q in questions_of(call)] == ["amount", "route", "title"]
    rows = {q.key: q for q in questions_of(call)}
    officer.post(at(call, "form/"), {"do": f"question-up:{rows['title'].pk}"})
    officer.post(at(call, "form/"), {"do": f"question-up:{rows['title'].pk}"})
    assert [q.key for q in questions_of(call)] == ["title", "amount", "route"]
    for key, extra in (
        ("title", {"config_min_chars": "2", "config_max_chars": "30"}),
        ("amount", {"config_unit": "wan", "config_min_fen": "10 万", "config_max_fen": ""}),
    ):
        answer = officer.post(
            at(call, f"form/question/{rows[key].pk}/"),
            {"section": section.pk, "required": "on", "reviewers_see": "on", "purpose": key, **extra},
        )
        assert answer.status_code == 302, answer.context["form"].errors
    rows = {q.key: q for q in questions_of(call)}
    assert (rows["title"].purpose, rows["title"].config) == ("title", {"max_chars": 30})
    assert rows["amount"].settings == {"min_fen": 10_000_000}
    officer.post(
        at(call, f"form/question/{rows['route'].pk}/"),
        {
            "section": section.pk,
            "condition_on": rows["title"].pk,
            **choices(("a", "甲", "A"), ("c", "丙", "C")),
            "own_label_zh_hans": "转化方式",
            "own_label_en": "Way",
        },
    )
    held = {q.key: q for q in questions_of(call)}["route"]
    assert (held.own_label_zh_hans, held.required, held.reviewers_see, held.condition_on.key) == (
        "转化方式",
        False,
        False,
        "title",
    )
    assert [choice["value"] for choice in held.settings["choices"]] == ["a", "c"]

    # Who may apply.
    refused = officer.post(
        at(call, "eligibility/0/"), {"kind": "max_age_months", "applies_to": "organisation"}
    )
    assert b"This rule needs a value or a policy." in refused.content
    officer.post(
        at(call, "eligibility/0/"), {"kind": "max_age_months", "applies_to": "organisation", "value": "60"}
    )
    rule = call.eligibility_rules.get()
    officer.post(
        at(call, f"eligibility/{rule.pk}/"),
        {"kind": "max_age_months", "applies_to": "organisation", "policy_key": "incubatee.age_at_entry"},
    )
    page = officer.get(at(call, "eligibility/")).content.decode()
    assert "Company founded at most 24 months before the call closes" in page
    assert "国科发区〔2018〕300号" in page

    # Stages in any order.
    for kind in ("decision", "expert", "screening"):
        officer.post(at(call, "stages/"), {"do": "add", "kind": kind})
    assert list(call.stages.values_list("kind", flat=True)) == ["expert", "screening", "decision"]
    screening, expert = call.stages.get(kind="screening"), call.stages.get(kind="expert")
    officer.post(at(call, "stages/"), {"do": f"up:{screening.pk}"})
    assert list(call.stages.values_list("kind", flat=True)) == ["screening", "expert", "decision"]
    stage = {
        "name_zh_hans": "专家评审",
        "name_en": "Expert review",
        "working_days": "12",
        "acts": "expert",
        "required_count": "3",
        "completion": "count",
        "on_negative": "continue",
        "blindness": "double",
        "criteria-TOTAL_FORMS": "2",
        "criteria-INITIAL_FORMS": "0",
        "criteria-0-kind": "score",
        "criteria-0-label_zh_hans": "创新",
        "criteria-0-label_en": "Innovation",
        "criteria-0-weight": "60",
        "criteria-0-max_score": "10",
        "criteria-1-kind": "score",
        "criteria-1-weight": "1",
        "criteria-1-max_score": "10",
    }
    answer = officer.post(at(call, f"stages/{expert.pk}/"), stage)
    assert answer.status_code == 302, (answer.context["form"].errors, answer.context["criteria"].errors)
    expert.refresh_from_db()
    assert (expert.working_days, expert.blindness) == (12, "double")
    criterion = Criterion.objects.get()
    assert (criterion.label_en, criterion.weight) == ("Innovation", 60)
    again = {
        **stage,
        "criteria-TOTAL_FORMS": "3",
        "criteria-INITIAL_FORMS": "1",
        "criteria-0-pk": criterion.pk,
        "criteria-0-weight": "40",
        "criteria-0-ORDER": "2",
        "criteria-1-label_zh_hans": "团队",
        "criteria-1-label_en": "Team",
        "criteria-1-allow_na": "on",
        "criteria-1-ORDER": "1",
        "criteria-2-kind": "score",
        "criteria-2-weight": "1",
        "criteria-2-max_score": "10",
    }
    answer = officer.post(at(call, f"stages/{expert.pk}/"), again)
    assert answer.status_code == 302, answer.context["criteria"].errors
    assert list(expert.criteria.values_list("label_en", "weight", "allow_na")) == [
        ("Team", 1, True),
        ("Innovation", 40, False),
    ]
    assert expert.criteria.get(label_en="Innovation").pk == criterion.pk

    # Nothing is missing: publish.
    assert [str(problem.message) for problem in problems_of(call)] == []
    assert b"Nothing is missing" in officer.get(at(call, "check/")).content
    assert officer.post(at(call, "act/publish/"), {}).status_code == 302
    call.refresh_from_db()
    assert call.state == "published"
    assert Entry.objects.filter(object_type="funding.call", object_id=str(call.pk)).count() == 2


def test_publish_page_lists_what_is_missing_and_changes_nothing(officer):
    call = make_call(opens_in=1)
    call.stages.filter(kind="decision").delete()
    Call.objects.filter(pk=call.pk).update(title_en="")
    response = officer.post(at(call, "act/publish/"), {})
    assert response.status_code == 200
    assert b"The last stage must be the decision." in response.content
    check = officer.get(at(call, "check/"))
    links = {row["text"]: row["url"] for group in check.context["missing"] for row in group["rows"]}
    assert links == {
        "Call: “title” is missing in English.": at(call, "change/#id_title_en"),
        "The last stage must be the decision.": at(call, f"stages/#stage-{call.stages.last().pk}"),
    }
    call.refresh_from_db()
    assert call.state == "draft"


def test_new_call_from_the_standard_form(officer):
    fund = make_fund()
    now = timezone.localtime()
    response = officer.post(
        "/admin/funding/call/act/standard/",
        {
            "code": "AIBT-2098",
            "fund": fund.pk,
            "lead": person("lead").pk,
            "opens_at": (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
            "closes_at": (now + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M"),
            "experts": "4",
            "panel": "on",
        },
    )
    call = Call.objects.get(code="AIBT-2098")
    assert response.headers["Location"] == at(call)
    assert problems_of(call) == []
    assert list(call.stages.values_list("kind", "required_count")) == [
        ("screening", 1),
        ("liaison", 1),
        ("expert", 4),
        ("panel", 1),
        ("decision", 1),
    ]


def test_a_call_is_led_by_somebody_who_can_act_on_it(officer, lead):
    for other in ("auditor", "administrator", "finance", "fund_manager"):
        person(other)
    page = officer.get("/admin/funding/call/add/")
    offered = {choice.name for choice in page.context["adminform"].form.fields["lead"].queryset}
    assert offered == {person(one).name for one in ("officer", "lead", "fund_manager")}
    held = make_call(lead=person("auditor"))
    page = officer.get(at(held, "change/"))
    assert person("auditor") in page.context["adminform"].form.fields["lead"].queryset


def test_copy_extend_close_and_cancel_by_their_pages(officer, lead):
    call = make_call(state="open", code="AIBT-2026")
    page = officer.get(at(call, "act/copy/")).content.decode()
    assert 'value="AIBT-2027"' in page
    opens = timezone.localtime(call.opens_at) + timedelta(days=365)
    typed = {"code": "AIBT-2027", "opens_at": opens.strftime("%Y-%m-%dT%H:%M")}
    far = officer.post(at(call, "act/copy/"), {**typed, "closes_at": "9999-12-31T17:00"})
    assert b"This must be a moment from 2000 to" in far.content
    assert b"9999-12-31" in far.content
    done = officer.post(
        at(call, "act/copy/"), {**typed, "closes_at": (opens + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M")}
    )
    copy = Call.objects.get(code="AIBT-2027")
    assert done.headers["Location"] == at(copy, "check/")
    assert (copy.state, copy.copied_from) == ("draft", call)

    later = timezone.localtime(call.closes_at) + timedelta(days=5)
    refused = officer.post(at(call, "act/extend/"), {"closes_at": "2020-01-01T10:00", "reason": "更多时间"})
    assert b"The new closing minute must be later than the present one." in refused.content
    assert "更多时间" in refused.content.decode()
    officer.post(
        at(call, "act/extend/"), {"closes_at": later.strftime("%Y-%m-%dT%H:%M"), "reason": "更多时间"}
    )
    call.refresh_from_db()
    assert timezone.localtime(call.closes_at) == later.replace(second=0, microsecond=0)

    assert officer.get(at(call, "act/correct/")).status_code == 403
    assert 'name="opens_at"' not in lead.get(at(call, "act/correct/")).content.decode()
    sooner = {"closes_at": (later - timedelta(days=9)).strftime("%Y-%m-%dT%H:%M"), "reason": "年份有误"}
    lead.post(at(call, "act/correct/"), sooner)
    call.refresh_from_db()
    assert timezone.localtime(call.closes_at) == (later - timedelta(days=9)).replace(second=0, microsecond=0)
    Call.objects.filter(pk=call.pk).update(last_number=1)
    assert "can only be moved later" in said(lead.get(at(call, "act/correct/")))

    assert officer.get(at(call, "act/close/")).status_code == 403
    lead.post(at(call, "act/close/"), {})
    call.refresh_from_db()
    assert call.state == "closed"
    lead.post(at(copy, "act/cancel/"), {})
    copy.refresh_from_db()
    assert copy.state == "cancelled"


def test_an_announced_call_is_read_only_and_says_why(officer):
    call = make_call(state="open")
    question, stage, section = call.questions.first(), call.stages.first(), call.sections.first()
    for page in ("change/", "eligibility/", "form/", "stages/", "check/", "texts/"):
        response = officer.get(at(call, page))
        assert response.status_code == 200, page
        assert "its text, form, rules and stages are fixed" in response.content.decode(), page
    for page in (
        f"form/question/{question.pk}/",
        f"stages/{stage.pk}/",
        f"form/section/{section.pk}/",
        "eligibility/0/",
    ):
        assert officer.get(at(call, page)).status_code == 403, page
        assert officer.post(at(call, page), {}).status_code == 403, page
    for page, do in (
        ("form/", f"question-remove:{question.pk}"),
        ("form/", f"section-remove:{section.pk}"),
        ("stages/", f"remove:{stage.pk}"),
        ("stages/", "add"),
        ("eligibility/", f"remove:{call.eligibility_rules.first().pk}"),
    ):
        response = officer.post(at(call, page), {"do": do, "kind": "panel"})
        assert response.status_code == 200, (page, do)
        assert "its form, rules and stages are fixed" in said(response), (page, do)
    assert (call.questions.count(), call.stages.count(), call.eligibility_rules.count()) == (25, 5, 5)
    officer.post(
        at(call), {"contact": "021-9", "lead": person("officer").pk, "code": "HACKED", "title_zh_hans": "x"}
    )
    call.refresh_from_db()
    assert (call.contact, call.lead, call.code == "HACKED", call.title_zh_hans == "x") == (
        "021-9",
        person("officer"),
        False,
        False,
    )


def test_readers_read_and_outsiders_do_not(client_of):
    call = make_call()
    question = call.questions.first()
    pages = (
        "change/",
        "eligibility/",
        "form/",
        "stages/",
        "texts/",
        "texts/call.extended/",
        "preview/",
        "check/",
    )
    for name in STAFF_WHO_READ:
        client = client_of(name)
        for page in pages:
            assert client.get(at(call, page)).status_code == 200, (name, page)
        assert client.get(at(call, f"form/question/{question.pk}/")).status_code == 403, name
        assert client.get("/admin/funding/call/add/").status_code == 403, name
        assert client.post(at(call, "texts/call.extended/"), {"do": "save"}).status_code == 404, name
        response = client.post(at(call, "form/"), {"do": f"question-remove:{question.pk}"})
        assert response.status_code in (200, 403), name
        assert client.get(at(call, "act/publish/")).status_code == 403, name
    for name in OUTSIDERS:
        client = client_of(name)
        for page in (*pages, "act/publish/"):
            assert client.get(at(call, page)).status_code in (302, 403, 404), (name, page)
    assert call.questions.count() == 25


def test_rows_of_another_call_are_not_found(officer):
    call, other = make_call(), make_call()
    question, stage, section = other.questions.first(), other.stages.first(), other.sections.first()
    rule = other.eligibility_rules.first()
    for page in (
        f"form/question/{question.pk}/",
        f"stages/{stage.pk}/",
        f"form/section/{section.pk}/",
        f"eligibility/{rule.pk}/",
        "form/question/999999999/",
        "texts/no.such/",
        "texts/call.published/",
    ):
        assert officer.get(at(call, page)).status_code == 404, page
    for page, do in (
        ("form/", f"question-remove:{question.pk}"),
        ("form/", f"section-up:{section.pk}"),
        ("form/", "section-up:99999999999999999999"),
        ("form/", "nonsense"),
        ("stages/", f"remove:{stage.pk}"),
        ("eligibility/", f"remove:{rule.pk}"),
        ("eligibility/", ""),
    ):
        assert officer.post(at(call, page), {"do": do}).status_code == 404, (page, do)
    foreign = officer.post(
        at(call, f"form/question/{call.questions.first().pk}/"),
        {"section": section.pk, "condition_on": question.pk, "config_max_chars": "50"},
    )
    assert foreign.status_code == 200
    assert set(foreign.context["form"].errors) == {"section", "condition_on"}


def test_sections_move_and_go(officer):
    call = make_call()
    first, second = call.sections.all()[:2]
    officer.post(at(call, "form/"), {"do": f"section-down:{first.pk}"})
    assert list(call.sections.values_list("pk", flat=True))[:2] == [second.pk, first.pk]
    # The last question of a section goes on into the next one.
    last = second.questions.order_by("position").last()
    officer.post(at(call, "form/"), {"do": f"question-down:{last.pk}"})
    last.refresh_from_db()
    assert (last.section_id, last.position) == (first.pk, 1)
    officer.post(at(call, f"form/section/{first.pk}/"), {"title_zh_hans": "概况", "title_en": "Overview"})
    first.refresh_from_db()
    assert first.title_en == "Overview"
    count = call.questions.count() - first.questions.count()
    officer.post(at(call, "form/"), {"do": f"section-remove:{first.pk}"})
    assert call.questions.count() == count
    assert Question.objects.count() == 25


def test_a_question_that_others_hang_on_may_go(officer):
    call = make_call()
    compliance = call.questions.get(question__key="compliance")
    officer.post(at(call, "form/"), {"do": f"question-remove:{compliance.pk}"})
    ethics = call.questions.get(question__key="ethics")
    assert (ethics.condition_on, ethics.condition_value) == (None, "")


def test_bad_settings_are_refused_beside_their_field(officer):
    call = make_call()
    budget = call.questions.get(question__key="budget")
    typed = {"section": budget.section_id, "required": "on", "purpose": "budget", "config_max_rows": "999"}
    column = {"zh": "甲", "en": "A", "key": "a"}
    response = officer.post(
        at(call, f"form/question/{budget.pk}/"),
        {**typed, **columns({**column, "kind": "colour"}), "config_total": "a"},
    )
    assert response.status_code == 200
    assert set(response.context["form"].errors) == {"config_max_rows", "config_columns"}
    assert 'name="config_columns-0-zh" value="甲"' in response.content.decode()
    response = officer.post(
        at(call, f"form/question/{budget.pk}/"),
        {**typed, "config_max_rows": "9", **columns(column), "config_total": "a"},
    )
    assert set(response.context["form"].errors) == {"config_total"}
    condition = officer.post(
        at(call, f"form/question/{budget.pk}/"),
        {
            **typed,
            "config_max_rows": "9",
            **columns({**column, "kind": "money", "required": True}),
            "config_total": "a",
            "condition_on": call.questions.get(question__key="route").pk,
            "condition_value": "mars",
        },
    )
    assert set(condition.context["form"].errors) == {"condition_value"}
    assert CallQuestion.objects.get(pk=budget.pk).config == {}


# --- choices and columns, a line each


def doors(call: Call, key: str) -> tuple[str, str]:
    """Return the two addresses at which a question's settings are typed: in the bank and in the call."""
    question = call.questions.get(question__key=key)
    return (
        f"/admin/funding/question/{question.question_id}/change/",
        at(call, f"form/question/{question.pk}/"),
    )


def settings_at(door: str) -> dict[str, Any]:
    pk = door.rstrip("/").removesuffix("/change").rsplit("/", 1)[-1]
    if "/form/" in door:
        return CallQuestion.objects.get(pk=pk).settings
    return Question.objects.get(pk=pk).config


@pytest.mark.parametrize("number", [0, 1])
def test_choices_are_added_changed_ordered_and_removed(officer, number):
    call = make_call()
    door = doors(call, "fields")[number]
    before = settings_at(door)["choices"]
    typed, fixed = shown(officer.get(door))
    count = len(before)
    assert [typed[f"config_choices-{row}-value"] for row in range(count)] == [
        choice["value"] for choice in before
    ]
    assert fixed >= {f"config_choices-{row}-value" for row in range(count)}
    assert f"config_choices-{count}-value" not in fixed
    assert typed["config_choices-TOTAL_FORMS"] == str(count + 3)

    unchanged = officer.post(door, typed)
    assert unchanged.status_code == 302
    assert settings_at(door)["choices"] == before

    officer.post(
        door,
        {
            **typed,
            "config_choices-0-ORDER": "99",
            "config_choices-0-en": "Another wording",
            "config_choices-1-DELETE": "on",
            f"config_choices-{count + 1}-zh": "量子",
            f"config_choices-{count + 1}-en": "Quantum technology",
            f"config_choices-{count + 1}-ORDER": "1",
        },
    )
    assert settings_at(door)["choices"] == [
        {"value": "quantum_technology", "zh": "量子", "en": "Quantum technology"},
        *before[2:],
        {**before[0], "en": "Another wording"},
    ]
    preview = officer.get(at(call, "preview/?as=applicant")).content.decode()
    assert 'value="quantum_technology"' in preview
    assert before[1]["en"] not in preview


@pytest.mark.parametrize("number", [0, 1])
def test_columns_are_added_changed_ordered_and_removed(officer, number):
    call = make_call()
    door = doors(call, "milestones")[number]
    before = settings_at(door)["columns"]
    keys = [column["key"] for column in before]
    assert keys == ["task", "side", "deliverable", "month"]
    typed, fixed = shown(officer.get(door))
    assert {f"config_columns-{row}-key" for row in range(4)} <= fixed
    assert "config_columns-4-key" not in fixed

    assert officer.post(door, typed).status_code == 302
    assert settings_at(door)["columns"] == before

    answer = officer.post(
        door,
        {
            **typed,
            "config_columns-0-en": "Work package",
            "config_columns-2-DELETE": "on",
            "config_columns-1-choices-0-DELETE": "on",
            "config_columns-1-choices-4-zh": "伦理",
            "config_columns-1-choices-4-en": "Ethics",
            "config_columns-4-zh": "交付",
            "config_columns-4-en": "Deliverable",
            "config_columns-4-kind": "choice",
            "config_columns-4-required": "on",
            "config_columns-4-ORDER": "1",
            "config_columns-4-choices-0-zh": "报告",
            "config_columns-4-choices-0-en": "Report",
            "config_columns-4-choices-1-zh": "样机",
            "config_columns-4-choices-1-en": "Prototype",
        },
    )
    assert answer.status_code == 302, answer.context
    assert settings_at(door)["columns"] == [
        {**before[0], "en": "Work package"},
        {
            # The key of the column that goes is not given to another one.
            "key": "deliverable_2",
            "kind": "choice",
            "zh": "交付",
            "en": "Deliverable",
            "required": True,
            "choices": [
                {"value": "report", "zh": "报告", "en": "Report"},
                {"value": "prototype", "zh": "样机", "en": "Prototype"},
            ],
        },
        {
            **before[1],
            "choices": [*before[1]["choices"][1:], {"value": "ethics", "zh": "伦理", "en": "Ethics"}],
        },
        before[3],
    ]
    preview = officer.get(at(call, "preview/?as=applicant")).content.decode()
    assert "Prototype" in preview
    assert "Work package" in preview


@pytest.mark.parametrize("number", [0, 1])
def test_a_wrong_line_is_refused_in_its_place_and_nothing_typed_is_lost(officer, number):
    call = make_call()
    door = doors(call, "milestones")[number]
    before = settings_at(door)["columns"]
    typed, _fixed = shown(officer.get(door))
    typed |= {
        "config_columns-0-zh": "工作包",
        "config_columns-4-zh": "交付",
        "config_columns-4-en": "Deliverable",
        "config_columns-4-key": "task",
        "config_columns-4-ORDER": "7",
        "config_columns-5-zh": "方式",
        "config_columns-5-en": "Way",
        "config_columns-5-kind": "choice",
        "config_columns-5-choices-0-zh": "甲",
        "config_columns-5-choices-0-en": "A",
        "config_columns-5-choices-1-zh": "乙",
        # A stored key cannot be changed on the page; one taken out of what is sent is not made anew.
        "config_columns-1-key": "",
    }
    refused = officer.post(door, typed)
    assert refused.status_code == 200
    again, fixed = shown(refused)
    assert {name: again[name] for name in typed if name.startswith("config_columns")} == {
        name: value for name, value in typed.items() if name.startswith("config_columns")
    }
    assert "config_columns-0-key" in fixed
    assert "config_columns-4-key" not in fixed
    page = refused.content.decode()
    assert said_at(page, "config_columns-4-key") == "“task” is there twice."
    assert said_at(page, "config_columns-5-choices-1-en") == "This field is required."
    assert said_at(page, "config_columns-1-key") == "This field is required."
    assert settings_at(door)["columns"] == before


def said_at(page: str, field: str) -> str:
    """Return the error that stands beside a field."""
    found = re.search(rf'id="id_{field}_error"><li>(.*?)</li>', page)
    assert found is not None, field
    return found.group(1)


@pytest.mark.parametrize("number", [0, 1])
def test_a_second_choice_with_the_same_text_is_refused_at_its_line(officer, number):
    call = make_call()
    door = doors(call, "fields")[number]
    before = settings_at(door)["choices"]
    typed, _fixed = shown(officer.get(door))
    count = len(before)
    new = {f"config_choices-{count}-zh": before[0]["zh"], f"config_choices-{count}-en": "New"}
    refused = officer.post(door, {**typed, **new})
    page = refused.content.decode()
    assert said_at(page, f"config_choices-{count}-zh") == (
        f"“{before[0]['zh']}” is the text of another choice too."
    )
    text = before[0]["en"].upper()
    new = {f"config_choices-{count}-zh": "新", f"config_choices-{count}-en": text}
    refused = officer.post(door, {**typed, **new})
    page = refused.content.decode()
    assert said_at(page, f"config_choices-{count}-en") == f"“{text}” is the text of another choice too."
    assert settings_at(door)["choices"] == before
    # The text of one that goes is free.
    assert officer.post(door, {**typed, **new, "config_choices-0-DELETE": "on"}).status_code == 302


@pytest.mark.parametrize("key", ["abc", "title", "milestones"])
def test_a_limit_that_is_no_number_of_the_form_is_refused(officer, key):
    call = make_call()
    bank, door = doors(call, "milestones")
    before = settings_at(door)["columns"]
    typed, _fixed = shown(officer.get(door))
    assert typed["config_columns-3-max"] == "duration"
    refused = officer.post(door, {**typed, "config_columns-3-max": key})
    assert refused.status_code == 200
    assert said_at(refused.content.decode(), "config_columns") == (
        f"Column “{before[3]['en']}”: “{key}” is no limit; enter a number, or the key of a question in this form "
        "that is answered with a number."
    )
    assert settings_at(door)["columns"] == before
    assert officer.post(door, {**typed, "config_columns-3-max": "24"}).status_code == 302
    # The bank knows no form: what may be a key is taken there, and named once it stands in a form.
    typed, _fixed = shown(officer.get(bank))
    refused = officer.post(bank, {**typed, "config_columns-3-max": "so many"})
    assert said_at(refused.content.decode(), "config_columns-3-max") == "A limit must be a number."
    call.questions.filter(question__key="milestones").update(config={})
    assert officer.post(bank, {**typed, "config_columns-3-max": key}).status_code == 302
    text = f"“{key}” is no limit"
    assert [text in str(problem.message) for problem in problems_of(call)] == [True]
    assert text in officer.get(at(call, "form/")).content.decode()
    assert text in officer.get(at(call, "check/")).content.decode()


def test_a_column_added_up_that_is_removed_is_named(officer):
    call = make_call()
    for door in doors(call, "budget"):
        before = settings_at(door)["columns"]
        typed, _fixed = shown(officer.get(door))
        number = [column["key"] for column in before].index(typed["config_total"])
        refused = officer.post(door, {**typed, f"config_columns-{number}-DELETE": "on"})
        assert said_at(refused.content.decode(), "config_total") == (
            "The column added up, “amount”, is not there: name another one, or none."
        )
        assert settings_at(door)["columns"] == before


def test_a_new_call_is_refused_once_at_the_field_that_is_wrong(officer):
    call = make_call(code="AIBT-2026")
    door = at(call, "act/copy/")
    typed, _fixed = shown(officer.get(door))
    for wrong, errors in (
        ({"code": "AIBT-2026"}, {"code": ["Another call has this code."]}),
        (
            {"code": "aibt 1"},
            {"code": ["Capital letters, digits and hyphens, such as AIBT-2026."]},
        ),
        ({"closes_at": typed["opens_at"]}, {"closes_at": ["A call closes after it opens."]}),
    ):
        refused = officer.post(door, {**typed, **wrong})
        assert refused.context["form"].errors == errors
    assert Call.objects.count() == 1
    edit = at(call)
    typed, _fixed = shown(officer.get(edit))
    refused = officer.post(edit, {**typed, "closes_at": typed["opens_at"]})
    assert refused.context["adminform"].form.errors == {"closes_at": ["A call closes after it opens."]}


def test_too_few_choices_and_a_list_that_was_not_sent(officer):
    call = make_call()
    for door, where in zip(doors(call, "fields"), ("adminform", "form"), strict=True):
        typed, _fixed = shown(officer.get(door))
        rows = [name for name in typed if re.fullmatch(r"config_choices-\d+-value", name)]
        answer = officer.post(door, {**typed, **{name.replace("value", "DELETE"): "on" for name in rows[1:]}})
        form = answer.context[where].form if where == "adminform" else answer.context[where]
        assert form.errors == {"config_choices": ["Give at least two choices."]}
        rest = {name: value for name, value in typed.items() if not name.startswith("config_choices")}
        answer = officer.post(door, rest)
        assert answer.status_code == 200
        assert len(settings_at(door)["choices"]) == len(rows) - 3


@pytest.mark.parametrize(
    "text", ["\x00", "😀𠮷", "验" * 1_000_000], ids=["null byte", "beyond the BMP", "a million characters"]
)
def test_bad_text_never_breaks_a_page(officer, text):
    call = make_call()
    question = call.questions.get(question__key="title")
    for page, data in (
        ("form/", {"do": "section-add", "new-title_zh_hans": text, "new-title_en": text}),
        ("form/", {"do": text}),
        (
            f"form/question/{question.pk}/",
            {"section": question.section_id, "own_label_en": text, "help_en": text},
        ),
        ("texts/call.extended/", {"do": "save", "body_zh_hans": text, "body_en": text}),
        ("texts/call.extended/", {"do": "preview", "subject_zh_hans": text}),
        ("eligibility/0/", {"kind": text, "value": text}),
        ("stages/", {"do": "add", "kind": text}),
        (f"stages/{call.stages.first().pk}/", {"name_zh_hans": text, "name_en": text}),
        ("act/extend/", {"reason": text, "closes_at": text}),
        ("act/copy/", {"code": text, "opens_at": text, "closes_at": text}),
        ("change/", {"code": text, "title_zh_hans": text, "budget_fen": text}),
    ):
        assert officer.post(at(call, page), data).status_code in (200, 302, 400, 404), page


# --- notices


def test_notice_text_with_preview(officer):
    call = make_call(state="open")
    page = officer.get(at(call, "texts/call.extended/")).content.decode()
    assert "New closing date: 2026 “AI + BT” Concept Validation Fund" in page
    typed = {
        "subject_zh_hans": "延长:{{ code }}",
        "subject_en": "Longer: {{ code }}",
        "body_zh_hans": "{{ name }}",
        "body_en": "{{ name }}",
    }
    part = officer.post(
        at(call, "texts/call.extended/"), {**typed, "do": "preview"}, headers={"X-Part": "preview"}
    )
    assert "Longer: AIBT-2026" in part.content.decode()
    assert "Chen Siyuan" in part.content.decode()
    assert "<html" not in part.content.decode()
    assert CallText.objects.count() == 0
    wrong = officer.post(at(call, "texts/call.extended/"), {**typed, "body_en": "{{ secret }}", "do": "save"})
    assert "“secret” is not a merge field of this notice." in wrong.content.decode()
    assert CallText.objects.count() == 0
    officer.post(at(call, "texts/call.extended/"), {**typed, "do": "save"})
    text = CallText.objects.get()
    assert (text.kind, text.subject_en, text.body_zh_hans) == (
        "call.extended",
        "Longer: {{ code }}",
        "{{ name }}",
    )
    assert "this call&#x27;s own" in officer.get(at(call, "texts/")).content.decode().replace("'", "&#x27;")
    officer.post(at(call, "texts/call.extended/"), {**typed, "do": "reset"})
    assert CallText.objects.count() == 0


# --- previews


def test_previews_show_what_each_role_sees(officer):
    call = make_call(opens_in=1, blindness="double")
    applicant = officer.get(at(call, "preview/?as=applicant")).content.decode()
    assert "Reviewers who would be unsuitable" in applicant
    assert 'name="budget-0-amount"' in applicant
    assert "<form" not in applicant.split("<main")[1].split("</main>")[0]
    reviewer = officer.get(at(call, "preview/?as=reviewer")).content.decode()
    assert "Reviewers who would be unsuitable" not in reviewer
    assert "3 questions are hidden from reviewers." in reviewer
    assert "Double-blind: reviewers see neither" in reviewer
    assert "(without author, under a neutral name)" in reviewer
    for blindness, said in (
        ("single", "Single-blind: reviewers see who applies"),
        ("open", "Open: reviewers see"),
    ):
        other = officer.get(at(call, f"preview/?as=reviewer&blindness={blindness}")).content.decode()
        assert said in other
        assert "(without author, under a neutral name)" not in other
    odd = officer.get(at(call, "preview/?as=reviewer&blindness=nonsense")).content.decode()
    assert "Double-blind: reviewers see neither" in odd
    assert "weight 25, 0–10" in reviewer
    liaison = officer.get(at(call, "preview/?as=liaison")).content.decode()
    assert "Reviewers who would be unsuitable" in liaison
    public = officer.get(at(call, "preview/")).content.decode()
    assert "How applications are reviewed" in public
    assert "/applications/start/" not in public
    assert officer.get(at(call, "preview/?as=nobody")).status_code == 200


def test_diagram_is_drawn_without_inline_style(officer):
    call = make_call(panel=True)
    page = officer.get(at(call, "stages/")).content.decode()
    svg = page[page.index('<svg class="diagram"') :].split("</svg>")[0]
    assert "style=" not in svg
    assert svg.count('class="diagram-box diagram-stage"') == 6
    for text in (
        "1. Screening",
        "3 experts · 10 working days",
        "complete when: 3 opinions are in",
        "Reserve list",
        "Rejected",
    ):
        assert text in svg, text


# --- lists


def test_lists_cost_a_fixed_number_of_queries(lead, django_assert_max_num_queries):
    for address in ("/admin/funding/call/", "/admin/funding/question/", "/admin/funding/fund/"):
        make_call(state="open")
        with django_assert_max_num_queries(12):
            assert lead.get(address).status_code == 200
    assert lead.get("/admin/funding/call/?q=AIBT&state__exact=open").status_code == 200


def test_funds(client_of):
    lead = client_of("fund_manager")
    fund = make_fund(name="旧名")
    lead.post(
        f"/admin/funding/fund/{fund.pk}/change/",
        {
            "name_zh_hans": "新名",
            "name_en": "New",
            "code": fund.code,
            "kind": "market",
            "size_fen": "1 万",
            "active": "on",
        },
    )
    fund.refresh_from_db()
    assert (fund.name_zh_hans, fund.kind, fund.size_fen) == ("新名", "market", 1_000_000)
    assert client_of("stranger").get("/admin/funding/fund/").status_code in (302, 403)
    assert (
        client_of("lead").post(f"/admin/funding/fund/{fund.pk}/delete/", {"post": "yes"}).status_code == 403
    )
    assert Fund.objects.filter(pk=fund.pk).exists()


def test_bank_question_keeps_key_and_kind(officer):
    make_call()
    question = Question.objects.get(key="title")
    officer.post(
        f"/admin/funding/question/{question.pk}/change/",
        {
            "key": "other",
            "kind": "files",
            "label_zh_hans": "名",
            "label_en": "Name",
            "config_max_chars": "50",
        },
    )
    question.refresh_from_db()
    assert (question.key, question.kind, question.label_en, question.config) == (
        "title",
        "short_text",
        "Name",
        {"max_chars": 50},
    )


def test_stage_needs_its_call(officer):
    call = make_call()
    stage = Stage.objects.get(call=call, kind="notice")
    assert officer.get(at(call, f"stages/{stage.pk}/")).status_code == 200


# --- what reviewers of a blind stage see ---------------------------------------------------------------------------


def test_the_preview_of_a_blind_stage_leaves_out_who_applies(officer):
    open_call, blind = make_call(), make_call(blindness="double")
    team = Question.objects.get(key="team")
    page = officer.get(at(open_call, "preview/?as=reviewer")).content.decode()
    assert "without" not in page
    page = officer.get(at(blind, "preview/?as=reviewer")).content.decode()
    assert "(without Name, Employer)" in page
    assert "(without Application or registration no., Owner)" in page
    assert "3 questions are hidden from reviewers." in page
    officer.post(
        f"/admin/funding/question/{team.pk}/change/",
        {
            **bank_values(officer, team),
            "config_names_applicant": "on",
        },
    )
    page = officer.get(at(blind, "preview/?as=reviewer")).content.decode()
    assert "(without Name, Employer)" not in page
    assert "4 questions are hidden from reviewers." in page


def bank_values(client, question) -> dict:
    """What the browser sends back when the bank's form is saved as it stands."""
    form = client.get(f"/admin/funding/question/{question.pk}/change/").context["adminform"].form
    return values_of(form)


def values_of(form) -> dict:
    found = {}
    for field in form:
        value = field.value()
        if field.name == "config_choices":
            found |= lines(field.name, value, stored=len(value))
        elif field.name == "config_columns":
            found |= columns(*value, stored=len(value))
        elif value is True:
            found[field.html_name] = "on"
        elif value not in (None, False, ""):
            found[field.html_name] = value
    return found


def test_the_check_warns_of_a_team_table_in_a_blind_stage(officer):
    call = make_call(blindness="double")
    page = officer.get(at(call, "check/")).content.decode()
    assert "Nothing is missing: the call can be published." in page
    assert "Look at this before publishing" not in page
    question = call.questions.get(question__key="team")
    columns = [{**column, "names_applicant": None} for column in question.settings["columns"]]
    CallQuestion.objects.filter(pk=question.pk).update(config={"columns": columns})
    for path in ("check/", "act/publish/"):
        page = officer.get(at(call, path)).content.decode()
        assert "“Team”: the reviewers of a double-blind stage see Name, Employer." in page, path
    assert (
        f"{at(call, f'form/question/{question.pk}/')}#id_purpose"
        in officer.get(at(call, "check/")).content.decode()
    )
    Stage.objects.filter(call=call).update(blindness="single")
    assert "Look at this before publishing" not in officer.get(at(call, "check/")).content.decode()


def test_standard_questions_come_from_the_bank_as_what_they_are(officer):
    call = make_call()
    call.questions.all().delete()
    call.sections.all().delete()
    officer.post(at(call, "form/"), {"do": "section-add", "new-title_zh_hans": "一", "new-title_en": "One"})
    section = call.sections.get()
    keys = ("amount", "budget", "consent", "summary", "team", "title", "unsuitable_experts")
    bank = [Question.objects.get(key=key).pk for key in keys]
    officer.post(at(call, "form/"), {"do": f"questions-add:{section.pk}", "bank": bank})
    assert {
        row.key: (row.purpose, row.required, row.reviewers_see)
        for row in call.questions.select_related("question")
    } == {
        "amount": ("amount", True, True),
        "budget": ("budget", True, True),
        "consent": ("", True, False),
        "summary": ("summary", True, True),
        "team": ("", True, True),
        "title": ("title", True, True),
        "unsuitable_experts": ("unsuitable", False, False),
    }
    # One that is no longer read as it should be is led to where that is mended.
    title = call.questions.get(question__key="title")
    CallQuestion.objects.filter(pk=title.pk).update(purpose="")
    page = officer.get(at(call, "check/")).content.decode()
    assert f'href="{at(call, f"form/question/{title.pk}/")}#id_purpose"' in page


def test_saving_the_set_up_as_it_stands_changes_nothing(officer):
    """Every question of the standard form, and one of each kind with nothing but its defaults."""
    call = make_call()
    section = call.sections.first()
    bare = {
        "short_text": {},
        "long_text": {},
        "number": {},
        "money": {},
        "date": {},
        "single_choice": {"choices": TWO_CHOICES},
        "multiple_choice": {"choices": TWO_CHOICES},
        "table": {"columns": [{"key": "a", "kind": "text", "zh": "甲", "en": "A"}]},
        "files": {},
        "ip": {},
        "trl": {},
        "consent": {"statement": {"zh": "同意", "en": "Agreed"}},
    }
    assert set(bare) == set(QuestionKind.values)
    for kind, config in bare.items():
        question = Question.objects.create(
            key=f"bare_{kind}", kind=kind, label_zh_hans="问", label_en="Ask", config=config
        )
        CallQuestion.objects.create(call=call, section=section, question=question, required=False)
    assert problems_of(call) == []
    for row in call.questions.select_related("question"):
        address = at(call, f"form/question/{row.pk}/")
        form = officer.get(address).context["form"]
        assert officer.post(address, values_of(form)).status_code == 302, row.key
        held = CallQuestion.objects.get(pk=row.pk)
        assert (held.config, held.purpose) == ({}, row.purpose), row.key
        bank = row.question
        assert (
            officer.post(f"/admin/funding/question/{bank.pk}/change/", bank_values(officer, bank)).status_code
            == 302
        ), row.key
        stored = Question.objects.get(pk=bank.pk)
        assert type_of(stored.kind).check_config(stored.config) == []
    assert problems_of(call) == []


TWO_CHOICES = [{"value": "a", "zh": "甲", "en": "A"}, {"value": "b", "zh": "乙", "en": "B"}]


# --- finding one's way ---------------------------------------------------------------------------------------------


def test_questions_take_the_places_that_were_typed(officer, client_of):
    call = make_call()
    section = call.sections.order_by("position").first()
    pks = list(section.questions.order_by("position").values_list("pk", flat=True))
    a, b, c, d, e, f = pks

    def order() -> list[int]:
        return list(section.questions.order_by("position").values_list("pk", flat=True))

    def save(**places):
        typed = {f"place-{pk}": place for place, pk in enumerate(order(), 1)}
        typed |= {name.replace("_", "-"): place for name, place in places.items()}
        return officer.post(at(call, "form/"), {"do": f"questions-order:{section.pk}", **typed})

    page = officer.get(at(call, "form/")).content.decode()
    assert f'name="place-{f}" value="6" min="1" max="6"' in page
    save(**{f"place_{f}": 2})
    assert order() == [a, f, b, c, d, e]
    save(**{f"place_{a}": 99, f"place_{e}": 1})
    assert order() == [e, f, b, c, d, a]
    # Saved as it stands, emptied, or filled with nonsense: nothing moves.
    assert "as it was" in said(officer.get(save().headers["Location"]))
    save(**{f"place_{a}": "", f"place_{b}": "-1", f"place_{c}": "x"})
    assert order() == [e, f, b, c, d, a]
    assert Entry.objects.filter(action="section.order").count() == 2
    # A stranger, and another call's section.
    for who in ("auditor", "stranger"):
        client_of(who).post(at(call, "form/"), {"do": f"questions-order:{section.pk}", f"place-{a}": 1})
    other = make_call()
    assert officer.post(at(other, "form/"), {"do": f"questions-order:{section.pk}"}).status_code == 404
    assert order() == [e, f, b, c, d, a]


def test_the_list_of_notices_shows_sample_values(officer):
    page = officer.get(at(make_call(), "texts/")).content.decode()
    assert "{{" not in page
    assert "2026 “AI + BT” Concept Validation Fund" in page


def test_the_overview_says_whom_to_ask(officer, lead):
    call, words = (
        make_call(state="open"),
        "Only a staff lead can correct the dates, close the call or cancel it",
    )
    assert words in officer.get(at(call, "check/")).content.decode()
    assert words not in lead.get(at(call, "check/")).content.decode()
    draft = make_call()
    page = officer.get(at(draft, "check/")).content.decode()
    assert words not in page
    # One page has one name: tab, heading and button.
    assert "Check and publish" not in page
    assert [step["label"] for step in officer.get(at(draft, "check/")).context["steps"]][-1] == "Overview"
