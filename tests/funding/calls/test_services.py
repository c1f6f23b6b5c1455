"""The life of a call: made, announced, opened and closed to the minute, extended, copied, given up."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import override

from funding.calls import building
from funding.calls.models import Call, CallQuestion, CallText, Question, Section, Stage
from funding.calls.services import (
    cancel_call,
    change_call,
    close_call,
    condition_met,
    copy_call,
    correct_call,
    create_call,
    extend_call,
    followers_of,
    minute_text,
    notify_of_call,
    open_call,
    problems_of,
    publish_call,
    questions_of,
    remind_of_closing,
    run_clock,
    texts_of,
    visible_keys,
)
from funding.calls.states import CallState
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from park_portal.core.outbox.models import Message
from park_portal.core.workflow import SYSTEM
from tests.factories.calls import make_call, make_fund
from tests.personas import person

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")
OPENS = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
CLOSES = datetime(2026, 4, 30, 17, 0, tzinfo=SHANGHAI)


@pytest.fixture(autouse=True)
def _english():
    with override("en"):
        yield


def announced(**fields) -> Call:
    with time_machine.travel("2026-02-20 10:00:00+08:00", tick=False):
        return make_call(state="published", opens_at=OPENS, closes_at=CLOSES, **fields)


def notices(kind: str) -> list[Message]:
    return list(Message.objects.filter(key__startswith=f"{kind}:").order_by("pk"))


# --- making


def test_create_call_needs_an_officer_and_keeps_the_minute():
    values = {
        "code": "AIBT-2026",
        "fund": make_fund(),
        "lead": person("lead"),
        "opens_at": OPENS.replace(second=31),
        "closes_at": CLOSES,
        "title_zh_hans": "申报通知",
    }
    for stranger in ("stranger", "auditor", "finance", "fund_manager", "administrator"):
        with pytest.raises(Forbidden):
            create_call(actor=person(stranger), **values)
    call = create_call(actor=person("officer"), **values)
    assert (call.state, call.opens_at, call.created_by) == ("draft", OPENS, person("officer"))
    assert Entry.objects.filter(action="call.create", object_id=str(call.pk)).count() == 1


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"code": "aibt 2026"}, "code", "Capital letters, digits and hyphens, such as AIBT-2026."),
        ({"closes_at": OPENS}, "closes_at", "A call closes after it opens."),
        ({"applicants": []}, "applicants", None),
        (
            {"min_amount_fen": 200, "max_amount_fen": 100},
            None,
            "The largest amount is smaller than the smallest.",
        ),
        ({"title_zh_hans": ""}, "title", None),
        ({"grace_minutes": 5000}, "grace_minutes", None),
    ],
)
def test_create_call_names_what_is_wrong(fields, field, said):
    values = {
        "code": "AIBT-2026",
        "fund": make_fund(),
        "lead": person("lead"),
        "opens_at": OPENS,
        "closes_at": CLOSES,
        "title_zh_hans": "申报通知",
        **fields,
    }
    with pytest.raises(DomainError) as caught:
        create_call(actor=person("officer"), **values)
    if said:
        assert (field, said) in [(problem.field, str(problem.message)) for problem in caught.value.problems]
    assert Call.objects.count() == 0


def test_change_call_is_for_drafts():
    call = make_call(opens_in=5)
    change_call(call, actor=person("officer"), title_zh_hans="新标题")
    assert Call.objects.get(pk=call.pk).title_zh_hans == "新标题"
    publish_call(call, actor=person("officer"))
    with pytest.raises(DomainError) as caught:
        change_call(call, actor=person("officer"), title_zh_hans="再改")
    assert caught.value.code == "call_fixed"
    change_call(call, actor=person("officer"), contact="021-1111")
    assert Call.objects.get(pk=call.pk).contact == "021-1111"


# --- announcing


def test_publish_lists_everything_missing():
    call = make_call(opens_in=1)
    Section.objects.filter(call=call, position=1).update(title_en="")
    CallQuestion.objects.filter(call=call, purpose="title").delete()
    Question.objects.filter(key="budget").update(help_en="")
    call.stages.filter(kind="decision").delete()
    call.stages.get(kind="expert").criteria.all().delete()
    call.stages.filter(kind="notice").update(completion="count")
    Call.objects.filter(pk=call.pk).update(summary_en="")
    CallText.objects.create(
        call=call, kind="call.extended", subject_zh_hans="延长", body_zh_hans="{{ nonsense }}"
    )
    with pytest.raises(DomainError) as caught:
        publish_call(call, actor=person("officer"))
    assert [(problem.field, str(problem.message)) for problem in caught.value.problems] == [
        ("basics", "Call: “summary” is missing in English."),
        ("form", "Section “项目概况”: “title” is missing in English."),
        ("form", "“Budget”: the help is missing in English."),
        (
            "form",
            "No question is read as “title of the application”: choose it at “read as” in the question's set-up.",
        ),
        ("stages", "The last stage must be the decision."),
        ("stages", "“Expert review” needs a rubric: at least one criterion with a score."),
        ("stages", "“Public notice” cannot be complete when the required number of opinions is in."),
        ("texts", "The text of “A call was extended” is incomplete in English."),
        ("texts", "The text of “A call was extended” is incomplete in English."),
        ("texts", "The text of “A call was extended”: “nonsense” is not a merge field of this notice."),
    ]
    assert Call.objects.get(pk=call.pk).state == "draft"


def test_a_public_notice_comes_directly_before_the_decision():
    call, officer = make_call(opens_in=1), person("officer")
    notice = call.stages.get(kind="notice")
    assert problems_of(call) == []
    building.move_stage(notice, actor=officer, by=-1)
    (problem,) = problems_of(call)
    assert (problem.anchor, str(problem.message)) == (
        f"stage-{notice.pk}",
        "The public notice comes directly before the decision; move “Public notice” there.",
    )
    building.move_stage(notice, actor=officer, by=1)
    building.add_stage(call, actor=officer, kind="notice")
    assert [problem.anchor for problem in problems_of(call)] == [f"stage-{notice.pk}"]


def test_publishing_names_a_limit_that_is_no_question_of_the_form():
    call = make_call(opens_in=1)
    assert problems_of(call) == []
    building.remove_question(call.questions.get(question__key="duration"), actor=person("officer"))
    said = [(problem.anchor, str(problem.message)) for problem in problems_of(call)]
    milestones = call.questions.get(question__key="milestones")
    limit = (
        "Column “Due in month”: “duration” is no limit; enter a number, or the key of a question in this form that is "
        "answered with a number."
    )
    assert said == [(f"question-{milestones.pk}", f"“{milestones.label}”: {limit}")]
    with pytest.raises(DomainError) as caught:
        building.change_question(milestones, actor=person("officer"), config=milestones.settings)
    assert str(caught.value) == limit


def test_publish_names_rules_and_conditions_that_cannot_work():
    call = make_call(opens_in=1)
    officer = person("officer")
    building.add_rule(call, actor=officer, kind="max_age_months")
    building.add_rule(call, actor=officer, kind="min_amount", policy_key="no.such")
    building.add_rule(call, actor=officer, kind="of_university")
    ethics = call.questions.get(question__key="ethics")
    CallQuestion.objects.filter(pk=ethics.pk).update(condition_value="martian")
    title = call.questions.get(question__key="title")
    CallQuestion.objects.filter(pk=title.pk).update(condition_on=ethics)
    said = [str(problem.message) for problem in problems_of(call)]
    assert said == [
        "“company founded at most … months before the call closes”: give a value or a policy.",
        "“amount requested at least … (10,000 yuan)”: the policy no.such has no value in force when the call opens.",
        "“project of the named university”: name the university.",
        "“Title of the project” hangs on a question that comes later or is gone.",
        "“Ethics review” waits for “martian”, which “Compliance matters involved” cannot be answered with.",
        "“Title of the project” is read as “title of the application”: it must be required and asked of everyone.",
    ]


def test_publish_needs_an_officer_and_happens_once():
    call = make_call(opens_in=1)
    for stranger in ("stranger", "auditor", "fund_manager", "finance"):
        with pytest.raises(Forbidden):
            publish_call(call, actor=person(stranger))
    publish_call(call, actor=person("officer"))
    assert call.published_at is not None
    with pytest.raises(IllegalTransition):
        publish_call(call, actor=person("officer"))
    assert len(notices("call.published")) == 1


def test_publishing_fixes_the_wording():
    call = make_call(state="published", opens_in=1)
    bank = Question.objects.get(key="duration")
    building.change_bank_question(
        bank, actor=person("officer"), label_zh_hans="周期", label_en="How long", config={"max": 36}
    )
    held = next(question for question in questions_of(call) if question.key == "duration")
    assert held.label == "Duration"
    assert (held.settings["max"], held.settings["min"]) == (24, 6)
    assert held.help_text == "6 to 24 months."


# --- the database's own guard


@pytest.mark.parametrize("state", ["published", "open", "closed", "cancelled"])
def test_form_rules_and_stages_are_fixed_in_the_database(state):
    call = make_call(opens_in=-1, state=state)
    draft = make_call()
    rows = [
        Section.objects.filter(call=call),
        CallQuestion.objects.filter(call=call),
        Stage.objects.filter(call=call),
        call.eligibility_rules.all(),
        call.stages.get(kind="expert").criteria.all(),
    ]
    for found in rows:
        row = found.first()
        assert row is not None
        copy = type(row).objects.get(pk=row.pk)
        copy.pk = None
        for act in (
            lambda f=found: f.update(position=99),
            row.delete,
            lambda c=copy: c.save(force_insert=True),
        ):
            with pytest.raises(IntegrityError, match="are fixed"), transaction.atomic():
                act()
    with pytest.raises(IntegrityError, match="are fixed"), transaction.atomic():
        Section.objects.filter(call=call).update(call=draft)
    with pytest.raises(IntegrityError, match="are fixed"), transaction.atomic():
        Section.objects.filter(call=draft).update(call=call)
    Section.objects.filter(call=draft).update(position=3)


def test_terms_are_fixed_in_the_database():
    call = make_call(opens_in=-1, state="open")
    Call.objects.filter(pk=call.pk).update(last_number=1)
    for values in (
        {"code": "OTHER"},
        {"max_amount_fen": 1},
        {"applicants": ["project"]},
        {"closes_at": call.closes_at - timedelta(minutes=1)},
    ):
        with pytest.raises(IntegrityError, match="terms of call"), transaction.atomic():
            Call.objects.filter(pk=call.pk).update(**values)
    Call.objects.filter(pk=call.pk).update(contact="x", closes_at=call.closes_at + timedelta(minutes=1))


def test_key_and_kind_of_a_question_never_change():
    make_call()
    for values in ({"key": "other"}, {"kind": "files"}):
        with pytest.raises(Exception, match="question"), transaction.atomic():
            Question.objects.filter(key="title").update(**values)


# --- the clock


def test_opens_and_closes_at_the_minute():
    call = announced(grace_minutes=5)
    with time_machine.travel("2026-03-02 08:59:59+08:00", tick=False):
        assert run_clock() == (0, 0)
        assert not call.accepts()
    with time_machine.travel("2026-03-02 09:00:00+08:00", tick=False):
        assert call.accepts()
        assert run_clock() == (1, 0)
        assert run_clock() == (0, 0)
        call.refresh_from_db()
        assert (call.state, call.opens_at) == (CallState.OPEN, OPENS)
    with time_machine.travel("2026-04-30 16:59:59+08:00", tick=False):
        assert call.takes_new_drafts()
    with time_machine.travel("2026-04-30 17:00:00+08:00", tick=False):
        assert not call.takes_new_drafts()
        assert call.accepts()
        assert run_clock() == (0, 0)
    with time_machine.travel("2026-04-30 17:04:59+08:00", tick=False):
        assert call.accepts()
    with time_machine.travel("2026-04-30 17:05:00+08:00", tick=False):
        assert not call.accepts()
        assert run_clock() == (0, 1)
        assert run_clock() == (0, 0)
    call.refresh_from_db()
    assert call.state == CallState.CLOSED
    assert (len(notices("call.opened")), len(notices("call.closed"))) == (1, 1)


def test_a_clock_that_stood_still_catches_up():
    call = announced()
    with time_machine.travel("2026-06-01 00:00:00+08:00", tick=False):
        assert run_clock() == (1, 1)
    call.refresh_from_db()
    assert call.state == CallState.CLOSED


def test_open_now_moves_the_opening():
    call = announced()
    with time_machine.travel("2026-02-25 08:00:00+08:00", tick=False):
        with pytest.raises(Forbidden):
            open_call(call, actor=person("officer"))
        open_call(call, actor=person("lead"))
        assert call.accepts()
    call.refresh_from_db()
    assert call.opens_at == datetime(2026, 2, 25, 8, 0, tzinfo=SHANGHAI)


def test_close_now_needs_the_lead():
    call = make_call(state="open")
    with pytest.raises(Forbidden):
        close_call(call, actor=person("officer"))
    close_call(call, actor=person("lead"))
    assert not call.accepts()


def test_extend_open_and_closed_calls():
    call = announced()
    later = CLOSES + timedelta(days=7)
    with time_machine.travel("2026-03-10 09:00:00+08:00", tick=False):
        run_clock()
        call.refresh_from_db()
        for moment, code in ((CLOSES, "earlier"), (CLOSES - timedelta(days=1), "earlier")):
            with pytest.raises(DomainError) as caught:
                extend_call(call, actor=person("officer"), closes_at=moment, reason="x")
            assert caught.value.code == code
        with pytest.raises(DomainError) as caught:
            extend_call(call, actor=person("officer"), closes_at=later, reason=" ")
        assert caught.value.field == "reason"
        with pytest.raises(Forbidden):
            extend_call(call, actor=person("stranger"), closes_at=later, reason="x")
        extend_call(call, actor=person("officer"), closes_at=later, reason="更多时间")
        assert Call.objects.get(pk=call.pk).closes_at == later
    with time_machine.travel(later, tick=False):
        assert run_clock() == (0, 1)
        call.refresh_from_db()
        again = later + timedelta(hours=1)
        extend_call(call, actor=person("officer"), closes_at=again, reason="系统故障")
        assert (call.state, call.accepts()) == (CallState.OPEN, True)
    sent = notices("call.extended")
    assert [message.payload["context"]["reason"] for message in sent] == ["更多时间", "系统故障"]
    assert sent[0].payload["context"]["closes"] == {
        "zh-hans": "2026年5月7日 17:00",
        "en": "7 May 2026, 17:00",
    }


def test_extend_refuses_a_draft():
    call = make_call(opens_in=1)
    with pytest.raises(IllegalTransition):
        extend_call(call, actor=person("lead"), closes_at=call.closes_at + timedelta(days=1), reason="x")


def test_cancel_tells_people_once_announced():
    draft, call = make_call(opens_in=1), announced()
    cancel_call(draft, actor=person("lead"))
    assert notices("call.cancelled") == []
    with pytest.raises(DomainError) as caught:
        cancel_call(call, actor=person("lead"), reason="")
    assert caught.value.field == "reason"
    cancel_call(call, actor=person("lead"), reason="政策调整")
    assert len(notices("call.cancelled")) == 1
    with pytest.raises(IllegalTransition):
        cancel_call(make_call(state="open"), actor=person("lead"), reason="x")


# --- copying


def test_copy_takes_everything_and_changes_nothing():
    call = make_call(state="open", panel=True, blindness="double")
    building.save_text(
        call,
        "call.extended",
        actor=person("officer"),
        subject_zh_hans="延长",
        subject_en="Longer",
        body_zh_hans="{{ reason }}",
        body_en="{{ reason }}",
    )
    Question.objects.filter(key="title").update(label_en="Name of the project")
    with pytest.raises(Forbidden):
        copy_call(call, actor=person("stranger"), code="NEXT-1", opens_at=OPENS, closes_at=CLOSES)
    copy = copy_call(
        call,
        actor=person("officer"),
        code="AIBT-NEXT",
        opens_at=call.opens_at + timedelta(days=365),
        closes_at=call.closes_at + timedelta(days=365),
    )
    copy.refresh_from_db()
    assert (copy.state, copy.copied_from, copy.last_number) == ("draft", call, 0)
    assert problems_of(copy) == []
    old, new = questions_of(call), questions_of(copy)
    assert [(q.key, q.required, q.purpose, q.settings, q.condition_value) for q in new] == [
        (q.key, q.required, q.purpose, q.settings, q.condition_value) for q in old
    ]
    # The wording of last year stays where the bank has moved on, and only there.
    assert {q.key: q.own_label_en for q in new if q.own_label_en} == {"title": "Title of the project"}
    assert all(q.config == {} for q in new)
    ethics = next(q for q in new if q.key == "ethics")
    assert (ethics.condition_on.key, ethics.condition_on.call_id) == ("compliance", copy.pk)
    assert [(s.kind, s.blindness, s.criteria.count()) for s in copy.stages.all()] == [
        (s.kind, s.blindness, s.criteria.count()) for s in call.stages.all()
    ]
    assert copy.eligibility_rules.count() == call.eligibility_rules.count()
    assert texts_of(copy, "call.extended") == texts_of(call, "call.extended")


def test_copy_refuses_a_code_that_is_taken():
    call = make_call()
    with pytest.raises(DomainError) as caught:
        copy_call(call, actor=person("officer"), code=call.code, opens_at=OPENS, closes_at=CLOSES)
    assert caught.value.field == "code"
    assert str(caught.value) == "Another call has this code."
    assert Call.objects.count() == 1


# --- reading and notices


def test_visible_to():
    draft, live, gone = make_call(), make_call(state="open"), make_call(state="cancelled")
    from django.contrib.auth.models import AnonymousUser

    for outsider in (AnonymousUser(), person("stranger"), person("administrator")):
        assert set(Call.objects.visible_to(outsider)) == {live}
    assert set(Call.objects.visible_to(person("auditor"))) == {draft, live, gone}


def test_notify_of_call_uses_the_calls_own_text():
    call = make_call(state="open")
    message = notify_of_call(
        call, "call.extended", recipients=[person("stranger")], key="a", context={"reason": "r"}
    )
    assert message.payload["texts"] == {}
    assert message.payload["context"]["call"] == {"zh-hans": call.title_zh_hans, "en": call.title_en}
    building.save_text(
        call, "call.extended", actor=person("officer"), subject_zh_hans="延", subject_en="Later"
    )
    message = notify_of_call(
        call, "call.extended", recipients=[person("stranger")], key="b", context={"reason": "r"}
    )
    assert message.payload["texts"] == {"subject": {"zh-hans": "延", "en": "Later"}, "body": {}}


def test_save_text_refuses_half_a_text_and_unknown_fields():
    call = make_call(state="open")
    officer = person("officer")
    with pytest.raises(DomainError) as caught:
        building.save_text(call, "call.extended", actor=officer, subject_en="Later")
    assert caught.value.field == "subject_zh_hans"
    with pytest.raises(DomainError) as caught:
        building.save_text(call, "call.extended", actor=officer, body_zh_hans="{{ x }}", body_en="{% now %}")
    assert {problem.field for problem in caught.value.problems} == {"body_zh_hans", "body_en"}
    with pytest.raises(DomainError):
        building.save_text(call, "call.published", actor=officer, body_zh_hans="a", body_en="a")
    with pytest.raises(Forbidden):
        building.save_text(call, "call.extended", actor=person("auditor"), body_zh_hans="a", body_en="a")
    assert CallText.objects.count() == 0


def test_reminders_go_out_three_and_one_working_days_before(monkeypatch):
    from funding.calls import services

    call = announced()
    stranger = person("stranger")
    monkeypatch.setattr(services, "_following", [lambda call: [stranger]])
    with time_machine.travel(OPENS, tick=False):
        run_clock()
    # 30 April 2026 is a Thursday: three working days before is Monday the 27th.
    for day, written in ((24, 0), (26, 0), (27, 1), (28, 0), (29, 1), (30, 0)):
        with time_machine.travel(datetime(2026, 4, day, 9, 5, tzinfo=SHANGHAI), tick=False):
            assert remind_of_closing() == written, day
            assert remind_of_closing() == written, day
    assert [message.payload["context"]["days"] for message in notices("call.closing_soon")] == ["3", "1"]
    assert followers_of(call) == [stranger]


def test_people_with_drafts_follow_a_call(client_of):
    from funding.applications.models import Application
    from tests.factories.incubator import make_organisation

    call = make_call(state="open")
    owner, viewer = person("stranger"), person("auditor")
    organisation = make_organisation(owner=owner, viewer=viewer)
    Application.objects.create(call=call, kind="organisation", organisation=organisation, created_by=owner)
    assert followers_of(call) == [owner]
    assert followers_of(make_call(state="open")) == []


def test_minute_text():
    assert minute_text(CLOSES) == {"zh-hans": "2026年4月30日 17:00", "en": "30 April 2026, 17:00"}


# --- conditions


@pytest.mark.parametrize(
    ("answer", "expected", "met"),
    [
        (None, "", False),
        ("", "", False),
        ("yes", "", True),
        ("yes", "yes", True),
        ("no", "yes", False),
        (["a", "b"], "b", True),
        ([], "b", False),
        (True, "true", True),
        (False, "true", False),
        (4, "4", True),
        (4, "5", False),
    ],
)
def test_condition_met(answer, expected, met):
    assert condition_met(answer, expected) is met


def test_conditions_chain_and_never_loop():
    conditions = {
        "a": (None, ""),
        "b": ("a", "yes"),
        "c": ("b", ""),
        "x": ("y", ""),
        "y": ("x", ""),
        "z": ("gone", ""),
    }
    assert visible_keys(conditions, {"a": "yes", "b": "1"}) == {"a", "b", "c"}
    assert visible_keys(conditions, {"a": "no", "b": "1"}) == {"a"}
    assert visible_keys(conditions, {"x": "1", "y": "1", "gone": "1"}) == {"a"}


def test_system_needs_no_role():
    call = make_call(opens_in=1)
    assert publish_call(call, actor=SYSTEM).published_at <= timezone.now()


# --- dates that cannot be meant ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opens", "closes", "field"),
    [
        ("2026-03-02", "9999-12-31", "closes_at"),
        ("2026-03-02", "2029-03-03", "closes_at"),
        ("9999-03-02", "9999-12-31", "opens_at"),
        ("1999-12-30", "2026-04-30", "opens_at"),
        ("0001-01-01", "2026-04-30", "opens_at"),
        ("2022-03-02", "2026-04-30", "closes_at"),
    ],
)
def test_dates_far_from_today_are_refused_wherever_they_are_typed(opens, closes, field):
    typed = {
        "opens_at": datetime.fromisoformat(opens).replace(tzinfo=SHANGHAI),
        "closes_at": datetime.fromisoformat(closes).replace(tzinfo=SHANGHAI),
    }
    with time_machine.travel("2026-02-20 10:00:00+08:00", tick=False):
        call = make_call(opens_at=OPENS, closes_at=CLOSES)
        officer = person("officer")
        for act in (
            lambda: make_call(**typed),
            lambda: change_call(call, actor=officer, **typed),
            lambda: copy_call(call, actor=officer, code="AIBT-2027", **typed),
        ):
            with pytest.raises(DomainError) as caught, transaction.atomic():
                act()
            assert (caught.value.code, caught.value.field) == ("times", field)
    call = Call.objects.get()
    assert (call.opens_at, call.closes_at) == (OPENS, CLOSES)


def test_the_database_refuses_calls_of_more_than_three_years():
    call = make_call()
    with pytest.raises(IntegrityError, match="call_times_possible"), transaction.atomic():
        Call.objects.filter(pk=call.pk).update(closes_at=datetime(9999, 12, 31, tzinfo=SHANGHAI))
    with pytest.raises(IntegrityError, match="call_times_possible"), transaction.atomic():
        Call.objects.filter(pk=call.pk).update(opens_at=datetime(1999, 12, 31, tzinfo=SHANGHAI))


def test_publishing_and_extending_refuse_a_far_closing_date():
    with time_machine.travel("2026-02-20 10:00:00+08:00", tick=False):
        call = make_call(opens_at=OPENS + timedelta(days=1000), closes_at=CLOSES + timedelta(days=1000))
    with time_machine.travel("2025-02-20 10:00:00+08:00", tick=False):
        said = [str(problem.message) for problem in problems_of(call)]
        assert said == [
            "opens: This must be a moment from 2000 to 2028-02-23; check the year.",
            "closes: This must be a moment from 2000 to 2028-02-23; check the year.",
        ]
    call = announced()
    with time_machine.travel("2026-03-10 09:00:00+08:00", tick=False), pytest.raises(DomainError) as caught:
        extend_call(call, actor=person("officer"), closes_at=CLOSES.replace(year=9999), reason="x")
    assert str(caught.value) == "This must be a moment from 2000 to 2029-03-12; check the year."
    assert Call.objects.get(pk=call.pk).closes_at == CLOSES


def test_the_lead_corrects_mistyped_dates_until_somebody_has_applied():
    with time_machine.travel("2026-02-20 10:00:00+08:00", tick=False):
        call = make_call(state="published", opens_at=OPENS, closes_at=CLOSES.replace(year=2028))
        lead, meant = person("lead"), {"closes_at": CLOSES, "reason": "年份有误"}
        for other in ("stranger", "officer", "auditor", "administrator"):
            with pytest.raises(Forbidden):
                correct_call(call, actor=person(other), **meant)
        with pytest.raises(DomainError) as caught:
            correct_call(call, actor=lead, closes_at=CLOSES, reason=" ")
        assert caught.value.field == "reason"
        with pytest.raises(DomainError) as caught:
            correct_call(call, actor=lead, closes_at=OPENS, reason="x")
        assert (caught.value.code, caught.value.field) == ("order", "closes_at")
        correct_call(call, actor=lead, opens_at=OPENS + timedelta(hours=1), **meant)
        call = Call.objects.get(pk=call.pk)
        assert (call.opens_at, call.closes_at) == (OPENS + timedelta(hours=1), CLOSES)
        entry = Entry.objects.get(action="call.correct")
        assert (entry.actor_id, entry.facts["reason"]) == (lead.pk, "年份有误")
        assert len(notices("call.corrected")) == 1
        # The second click.
        with pytest.raises(DomainError) as caught:
            correct_call(call, actor=lead, opens_at=call.opens_at, **meant)
        assert caught.value.code == "same"
    with time_machine.travel("2026-03-10 09:00:00+08:00", tick=False):
        run_clock()
        # Open: the opening minute has passed and stays.
        earlier = CLOSES - timedelta(days=7)
        correct_call(call, actor=lead, opens_at=OPENS, closes_at=earlier, reason="x")
        call = Call.objects.get(pk=call.pk)
        assert (call.state, call.opens_at, call.closes_at) == ("open", OPENS + timedelta(hours=1), earlier)
        with pytest.raises(DomainError) as caught:
            correct_call(call, actor=lead, closes_at=timezone.now(), reason="x")
        assert caught.value.code == "past"
        Call.objects.filter(pk=call.pk).update(last_number=1)
        with pytest.raises(DomainError) as caught:
            correct_call(call, actor=lead, closes_at=earlier - timedelta(days=1), reason="x")
        assert caught.value.code == "submitted"
    with pytest.raises(IntegrityError, match="fixed"), transaction.atomic():
        Call.objects.filter(pk=call.pk).update(closes_at=earlier - timedelta(days=1))
