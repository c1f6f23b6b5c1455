"""Beginning, writing, submitting once, returning, withdrawing: exact values."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.db.utils import InternalError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from funding.applications.models import Answer, AnswerFile, Application, Return, Version
from funding.applications.services import (
    Typed,
    add_file,
    grant_extension,
    problems_of,
    reject_application,
    remove_file,
    return_application,
    save_answer,
    save_answers,
    start_application,
    submit_application,
    withdraw_application,
)
from funding.applications.sheet import sheet_of
from funding.applications.states import ApplicationState
from incubator.organisations.models import Membership
from park_portal.core.audit.models import Entry
from park_portal.core.documents.services import FileRefused
from park_portal.core.errors import Conflict, DeadlinePassed, DomainError, Forbidden, IllegalTransition
from park_portal.core.outbox.models import Message
from park_portal.core.workflow import may
from tests.factories.applications import (
    PDF,
    PNG,
    fill,
    make_application,
    make_call,
    make_project_application,
    make_submitted,
    pdf,
)
from tests.factories.calls import make_call as make_standard_call
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_organisation, make_project, make_project_member

pytestmark = pytest.mark.django_db


# --- beginning


def test_start_makes_one_draft_however_often():
    call, owner = make_call(), make_user()
    organisation = make_organisation(owner=owner)
    first = start_application(call, actor=owner, organisation=organisation)
    again = start_application(call, actor=owner, organisation=organisation)
    assert first.pk == again.pk
    assert (first.state, first.number, first.kind) == ("draft", None, "organisation")
    assert Entry.objects.filter(action="application.start").count() == 1


def test_a_second_draft_is_refused_by_the_database():
    application = make_application(filled=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        Application.objects.create(
            call=application.call,
            kind="organisation",
            organisation=application.organisation,
            created_by=application.created_by,
        )


def test_start_is_for_owners_and_editors_only():
    call, owner, editor, viewer, stranger = make_call(), make_user(), make_user(), make_user(), make_user()
    organisation = make_organisation(owner=owner, editor=editor, viewer=viewer)
    assert start_application(call, actor=editor, organisation=organisation).created_by == editor
    for person in (viewer, stranger):
        with pytest.raises(Forbidden):
            start_application(call, actor=person, organisation=organisation)


def test_start_outside_the_time_of_the_call():
    now, owner = timezone.now(), make_user()
    organisation = make_organisation(owner=owner)
    late = make_call(closes_at=now - timedelta(minutes=1))
    early = make_call(opens_at=now + timedelta(hours=1))
    with pytest.raises(DeadlinePassed) as refused:
        start_application(late, actor=owner, organisation=organisation)
    assert refused.value.code == "call_closed"
    with pytest.raises(DeadlinePassed) as refused:
        start_application(early, actor=owner, organisation=organisation)
    assert refused.value.code == "call_not_open"
    assert not Application.objects.exists()


def test_start_for_a_kind_the_call_does_not_take():
    pi = make_user()
    with pytest.raises(DomainError) as refused:
        start_application(make_call(applicants=["organisation"]), actor=pi, project=make_project(pi=pi))
    assert refused.value.code == "applicant_kind"


def test_a_project_brings_what_is_known_of_it():
    pi = make_user()
    project = make_project("蛋白质结构预测", pi=pi, trl=5)
    application = start_application(make_call(), actor=pi, project=project)
    typed = dict(application.answers.values_list("question__question__key", "value"))
    assert typed == {"title": "蛋白质结构预测", "trl": 5}
    assert application.title == "蛋白质结构预测"


# --- writing


def test_save_counts_revisions_and_keeps_title_and_amount():
    application = make_application(filled=False)
    owner = application.created_by
    answer = save_answer(application, "title", "  第一稿  ", actor=owner, revision=0)
    assert (answer.value, answer.revision, answer.updated_by) == ("第一稿", 1, owner)
    answer = save_answer(application, "title", "第二稿", actor=owner, revision=1)
    assert (answer.value, answer.revision) == ("第二稿", 2)
    save_answer(application, "amount", "１００.５万元", actor=owner, revision=0)
    application.refresh_from_db()
    assert (application.title, application.amount_fen) == ("第二稿", 100_500_000)


def test_a_stale_save_is_a_conflict_with_what_is_stored():
    application = make_application(filled=False)
    owner, editor = application.created_by, make_user("Editor")
    Membership.objects.create(organisation=application.organisation, user=editor, role="editor")
    save_answer(application, "abstract", "甲写的", actor=owner, revision=0)
    with pytest.raises(Conflict) as refused:
        save_answer(application, "abstract", "乙写的", actor=editor, revision=0)
    assert (refused.value.current.value, refused.value.current.revision) == ("甲写的", 1)
    assert Answer.objects.get(application=application).value == "甲写的"
    kept = save_answer(application, "abstract", "乙写的", actor=editor, revision=1)
    assert (kept.value, kept.revision) == ("乙写的", 2)


def test_a_save_repeated_after_its_reply_was_lost_is_no_conflict():
    application = make_application(filled=False)
    owner = application.created_by
    save_answer(application, "abstract", "内容", actor=owner, revision=0)
    again = save_answer(application, "abstract", "内容", actor=owner, revision=0)
    assert again.revision == 1
    assert Entry.objects.filter(action="answer.save").count() == 1


def test_several_answers_are_saved_each_on_its_own():
    application = make_application(filled=False)
    owner = application.created_by
    save_answer(application, "abstract", "先写的。", actor=owner)
    outcome = save_answers(
        application,
        {
            "title": Typed("题目", 0),
            "abstract": Typed("没看见先写的。", 0),
            "amount": Typed("很多钱", 0),
            "trl": Typed("4", 0),
            "nowhere": Typed("x", 0),
        },
        actor=owner,
    )
    assert [(key, getattr(one, "code", "")) for key, one in outcome.items()] == [
        ("title", ""),
        ("abstract", "conflict"),
        ("amount", outcome["amount"].code),
        ("trl", ""),
        ("nowhere", "unknown_question"),
    ]
    assert isinstance(outcome["amount"], DomainError)
    assert outcome["abstract"].current.value == "先写的。"
    application.refresh_from_db()
    assert (application.title, application.amount_fen) == ("题目", None)
    assert dict(application.answers.values_list("question__question__key", "value")) == {
        "abstract": "先写的。",
        "title": "题目",
        "trl": 4,
    }
    entries = Entry.objects.filter(action="answer.save").order_by("pk")
    assert [(one.facts["question"], one.after["value"], one.actor_id) for one in entries] == [
        ("abstract", "先写的。", owner.pk),
        ("title", "题目", owner.pk),
        ("trl", 4, owner.pk),
    ]


def test_saving_many_new_answers_costs_as_much_as_saving_one():
    def asked(typed: dict[str, Typed]) -> int:
        application = make_application(filled=False)
        with CaptureQueriesContext(connection) as queries:
            save_answers(application, typed, actor=application.created_by)
        return len(queries)

    one = {"abstract": Typed("摘要", 0)}
    assert asked({**one, "title": Typed("题目", 0), "trl": Typed("4", 0), "amount": Typed("9", 0)}) == asked(
        one
    )


def test_two_members_saving_different_questions_do_not_meet():
    application = make_application(filled=False)
    owner = application.created_by
    save_answer(application, "title", "一", actor=owner, revision=0)
    save_answer(application, "abstract", "二", actor=owner, revision=0)
    assert application.answers.count() == 2


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        ("title", "空\x00字符"),
        ("title", "半个\ud83d"),
        ("abstract", "长" * 1_000_000),
        ("amount", "-1"),
        ("amount", "99999999999999"),
        ("amount", "abc"),
        ("amount", {"x": 1}),
        ("title", ["list"]),
        ("budget", "text"),
        ("budget", [{"nope": "1"}]),
        ("budget", [["x"]]),
        ("human", "maybe"),
        ("trl", "12"),
        ("consent", "perhaps"),
        ("plan", [{"id": "1"}]),
        ("unknown", "x"),
        ("ti\x00tle", "x"),
        ("k" * 3000, "x"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(key, raw):
    application = make_application(filled=False)
    with pytest.raises(DomainError):
        save_answer(application, key, raw, actor=application.created_by)
    assert not Answer.objects.exists()


def test_emoji_and_rare_characters_are_kept():
    application = make_application(filled=False)
    text = "🧬 𠮷野家 𪚥 \u200d é"
    assert save_answer(application, "abstract", text, actor=application.created_by).value == text


def test_who_may_write():
    application = make_application(filled=False)
    viewer, stranger = make_user(), make_user()
    Membership.objects.create(organisation=application.organisation, user=viewer, role="viewer")
    for person in (viewer, stranger, make_staff("lead")):
        with pytest.raises(Forbidden):
            save_answer(application, "title", "x", actor=person)


def test_a_role_withdrawn_takes_effect_at_once():
    application = make_application(filled=False)
    editor = make_user()
    place = Membership.objects.create(organisation=application.organisation, user=editor, role="editor")
    save_answer(application, "title", "x", actor=editor)
    place.delete()
    with pytest.raises(Forbidden):
        save_answer(application, "title", "y", actor=editor)


def test_nothing_is_written_after_the_deadline_but_the_text_is_not_touched():
    application = make_application()
    with time_machine.travel(application.call.ends_at + timedelta(seconds=1)):
        with pytest.raises(DeadlinePassed):
            save_answer(application, "title", "zu spät", actor=application.created_by)
        with pytest.raises(DeadlinePassed):
            submit_application(application, actor=application.created_by)
    application.refresh_from_db()
    assert (application.state, application.number) == ("draft", None)


def test_grace_is_for_drafts_begun_before():
    call = make_call(grace_minutes=10)
    application = make_application(call)
    with time_machine.travel(call.closes_at + timedelta(minutes=5)):
        assert submit_application(application, actor=application.created_by).number == 1
        owner = make_user()
        with pytest.raises(DeadlinePassed):
            start_application(call, actor=owner, organisation=make_organisation(owner=owner))


# --- files


def test_a_file_is_kept_with_its_hash_and_taken_out_again():
    application = make_application(filled=False)
    owner = application.created_by
    file = add_file(application, "plan", pdf(), actor=owner)
    assert (file.document.name, file.document.size) == ("计划书.pdf", len(PDF))
    assert file.document.sha256 == hashlib.sha256(PDF).hexdigest()
    remove_file(file, actor=owner)
    remove_file(file, actor=owner)
    assert not application.files.filter(removed_at__isnull=True).exists()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("图.png", PNG, "file_type"),
        ("假.pdf", PNG, "file_type"),
        ("空.pdf", b"", "file_empty"),
        ("大.pdf", PDF + b"\x00" * (1024 * 1024), "file_too_large"),
    ],
)
def test_files_that_are_refused(name, content, code):
    application = make_application(make_call(max_file_mb=1), filled=False)
    with pytest.raises(FileRefused) as refused:
        add_file(application, "plan", pdf(name, content), actor=application.created_by)
    assert refused.value.code == code
    assert not AnswerFile.objects.exists()


def test_number_of_files_of_the_question_and_of_the_call():
    application = make_application(make_call(max_files=1), filled=False)
    owner = application.created_by
    add_file(application, "plan", pdf("1.pdf"), actor=owner)
    with pytest.raises(FileRefused) as refused:
        add_file(application, "plan", pdf("2.pdf"), actor=owner)
    assert str(refused.value) == "此申报通知的每份申请最多 1 个文件。请先移除一个。"


# --- submitting


def test_submit_freezes_numbers_and_tells():
    call = make_call("AIBT-2026")
    application = make_application(call)
    owner = application.created_by
    version = submit_application(application, actor=owner)
    application.refresh_from_db()
    assert (application.state, application.number) == ("in_review", "AIBT-2026-0001")
    assert application.submitted_at == version.submitted_at
    assert (version.number, version.submitted_by, len(version.digest)) == (1, owner, 64)
    assert version.answers["amount"] == 100_000_000
    assert version.answers["plan"][0]["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert "ethics" not in version.answers
    assert version.form["sections"][0]["title"] == {"zh": "第1部分", "en": "Part 1"}
    topics = sorted(Message.objects.values_list("topic", flat=True))
    assert topics.count("application.submitted") == 1
    assert topics.count("application.receipt") == 1
    notice = Message.objects.get(key=f"application.received:{application.pk}:v1")
    assert notice.payload["recipients"] == [owner.pk]
    assert notice.payload["context"]["number"] == "AIBT-2026-0001"


def test_submit_again_is_the_same_submission():
    application = make_application()
    owner = application.created_by
    first = submit_application(application, actor=owner, version=1)
    assert submit_application(application, actor=owner, version=1).pk == first.pk
    assert submit_application(application, actor=owner).pk == first.pk
    assert Version.objects.count() == 1


def test_a_form_sent_again_after_a_return_submits_nothing():
    application = make_submitted()
    return_application(
        application,
        actor=make_staff(),
        items={"abstract": "请写详细"},
        due_at=timezone.now() + timedelta(days=3),
    )
    replay = submit_application(application, actor=application.created_by, version=1)
    application.refresh_from_db()
    assert (replay.number, application.state) == (1, "returned")


def test_numbers_follow_each_other_without_gaps_after_a_refusal():
    call = make_call("GAP-2026")
    incomplete = make_application(call, filled=False)
    with pytest.raises(DomainError):
        submit_application(incomplete, actor=incomplete.created_by)
    assert [make_submitted(call).number for _i in range(2)] == ["GAP-2026-0001", "GAP-2026-0002"]


def test_submit_names_each_problem_with_its_place():
    application = make_application(answers={"human": "yes", "budget": [{"item": "设备费", "amount": "60"}]})
    with pytest.raises(DomainError) as refused:
        submit_application(application, actor=application.created_by)
    assert [(p.field, p.anchor) for p in refused.value.problems] == [
        ("budget", "#q-budget"),
        ("ethics", "#q-ethics"),
    ]
    assert str(refused.value.problems[0].message) == (
        "预算合计 ¥600,000.00，与申请经费 ¥1,000,000.00 不一致，请改为相等。"
    )
    assert not Version.objects.exists()


def test_amount_outside_the_limits_of_the_call():
    application = make_application(
        make_call(min_amount_fen=200_000_000, max_amount_fen=300_000_000),
    )
    assert [problem.anchor for problem in problems_of(application)] == ["#q-amount"]


def test_answers_that_contradict_one_another_are_named():
    owner = make_user()
    application = start_application(
        make_standard_call(state="open"), actor=owner, organisation=make_organisation(owner=owner)
    )
    month = {"task": "预测", "side": "technical", "deliverable": "报告", "month": "99"}
    for key, raw in (
        ("duration", "12"),
        ("milestones", [month, {**month, "month": "12"}]),
        ("trl_now", 5),
        ("trl_target", 3),
        ("compliance", ["human", "none"]),
        ("start_date", "2020-01-01"),
    ):
        save_answer(application, key, raw, actor=owner)
    today = timezone.localdate().isoformat()
    keys = ("duration", "milestones", "trl_now", "trl_target", "compliance", "start_date")
    with override("zh-hans"):
        sheet = sheet_of(application)
        said = {key: [str(problem.message) for problem in sheet.problems_of(key)] for key in keys}
    assert said == {
        "duration": [],
        "milestones": ["第 1 行，完成月份（第几月）：不得大于 12。"],
        "trl_now": [],
        "trl_target": ["“当前技术成熟度”为 TRL 5，请选择不低于该级的成熟度。"],
        "compliance": ["“均不涉及”不能与其他选项同时选择。"],
        "start_date": [f"日期过早，不得早于 {today}。"],
    }
    save_answer(application, "trl_target", 5, actor=owner)
    assert sheet_of(application).problems_of("trl_target") == []


def test_an_unmet_rule_stands_against_submitting():
    call = make_call(rules=[{"kind": "in_qingpu", "source": "申报通知第三条"}])
    application = make_application(call)
    application.organisation.district = "浦东新区"
    application.organisation.save()
    (problem,) = problems_of(Application.objects.get(pk=application.pk))
    assert problem.anchor == "#eligibility"


def test_who_may_submit_and_withdraw():
    application = make_application()
    editor, viewer = make_user(), make_user()
    Membership.objects.create(organisation=application.organisation, user=editor, role="editor")
    Membership.objects.create(organisation=application.organisation, user=viewer, role="viewer")
    with pytest.raises(Forbidden):
        submit_application(application, actor=viewer)
    assert submit_application(application, actor=editor).submitted_by == editor
    with pytest.raises(Forbidden):
        withdraw_application(application, actor=editor, reason="x")
    withdraw_application(application, actor=application.created_by, reason="另有资助")
    assert application.state == "withdrawn"


@pytest.mark.django_db(transaction=True)
def test_many_clicks_at_once_submit_once():
    call = make_call("RACE-2026")
    applications = [make_application(call) for _i in range(3)]
    results: list[tuple[int, int]] = []
    errors: list[Exception] = []
    gate = threading.Barrier(12)

    def click(application: Application) -> None:
        try:
            mine = Application.objects.get(pk=application.pk)
            gate.wait()
            version = submit_application(mine, actor=application.created_by, version=1)
            results.append((application.pk, version.pk))
        except Exception as error:  # told to the test below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(one,)) for one in applications for _i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(results) == 12
    assert len(set(results)) == 3
    assert Version.objects.count() == 3
    numbers = sorted(Application.objects.values_list("number", flat=True))
    assert numbers == ["RACE-2026-0001", "RACE-2026-0002", "RACE-2026-0003"]
    assert Message.objects.filter(topic="application.submitted").count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_begin_one_draft():
    call, owner = make_call(), make_user()
    organisation = make_organisation(owner=owner)
    made: list[int] = []
    gate = threading.Barrier(4)

    def click() -> None:
        try:
            gate.wait()
            made.append(start_application(call, actor=owner, organisation=organisation).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1


@pytest.mark.django_db(transaction=True)
def test_saves_at_once_lose_nothing():
    application = make_application(filled=False)
    owner = application.created_by
    outcomes: list[str] = []
    gate = threading.Barrier(6)

    def type_(text: str) -> None:
        try:
            gate.wait()
            outcomes.append(save_answer(application, "abstract", text, actor=owner, revision=0).value)
        except Conflict as conflict:
            outcomes.append(f"conflict with {conflict.current.value}")
        finally:
            connection.close()

    threads = [threading.Thread(target=type_, args=(f"稿{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = Answer.objects.get(application=application)
    assert stored.revision == 1
    assert sorted(outcomes) == sorted([stored.value] + [f"conflict with {stored.value}"] * 5)


# --- what the database keeps


def test_a_version_never_changes():
    application = make_submitted()
    version = application.versions.get()
    for act in (
        lambda: Version.objects.filter(pk=version.pk).update(digest="0" * 64),
        lambda: Version.objects.filter(pk=version.pk).delete(),
    ):
        with pytest.raises(InternalError), transaction.atomic():
            act()


def test_answers_and_files_are_frozen_once_submitted():
    application = make_submitted()
    answer, file = application.answers.first(), application.files.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Answer.objects.filter(pk=answer.pk).update(value="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        AnswerFile.objects.filter(pk=file.pk).update(removed_at=timezone.now())
    with pytest.raises(IllegalTransition):
        save_answer(application, "title", "x", actor=application.created_by)


# --- returning


def test_return_opens_the_chosen_questions_and_what_hangs_on_them():
    application = make_submitted()
    owner, officer = application.created_by, make_staff()
    due = timezone.now() + timedelta(days=5)
    returned = return_application(
        application, actor=officer, items={"human": "请核实", "abstract": ""}, message="请修改", due_at=due
    )
    application.refresh_from_db()
    assert (application.state, application.due_at) == ("returned", due)
    assert (returned.version.number, returned.returned_by) == (1, officer)
    save_answer(application, "human", "yes", actor=owner, revision=1)
    save_answer(application, "ethics", "已通过伦理审查。", actor=owner, revision=0)
    with pytest.raises(DomainError) as refused:
        save_answer(application, "title", "换题目", actor=owner)
    assert refused.value.code == "question_closed"
    second = submit_application(application, actor=owner, version=2)
    application.refresh_from_db()
    assert (second.number, application.state, application.due_at) == (2, "in_review", None)
    assert application.number == second.application.number
    assert second.answers["ethics"] == "已通过伦理审查。"
    assert Return.objects.get().answered_at is not None
    assert Message.objects.filter(topic="application.resubmitted").count() == 1
    assert Entry.objects.filter(action="application.resubmit").count() == 1


def test_return_wants_questions_of_the_form_and_a_day_to_come():
    application, officer = make_submitted(), make_staff()
    later = timezone.now() + timedelta(days=1)
    for items, due_at in (({}, later), ({"nope": ""}, later), ({"title": ""}, timezone.now())):
        with pytest.raises(DomainError):
            return_application(application, actor=officer, items=items, due_at=due_at)
    for person in (application.created_by, make_user()):
        with pytest.raises(Forbidden):
            return_application(application, actor=person, items={"title": ""}, due_at=later)
    assert not Return.objects.exists()


def test_a_file_of_a_submitted_version_stays_readable_after_it_was_taken_out():
    application = make_submitted()
    return_application(
        application, actor=make_staff(), items={"plan": ""}, due_at=timezone.now() + timedelta(days=1)
    )
    file = application.files.get()
    remove_file(file, actor=application.created_by)
    file.document.refresh_from_db()
    assert file.document.removed_at is None
    assert application.versions.get().answers["plan"][0]["id"] == str(file.document.public_id)


# --- withdrawing, rejecting, extending


def test_withdraw_wants_a_reason_only_after_submission():
    draft = make_application(filled=False)
    assert withdraw_application(draft, actor=draft.created_by).state == ApplicationState.WITHDRAWN
    submitted = make_submitted()
    with pytest.raises(DomainError):
        withdraw_application(submitted, actor=submitted.created_by, reason=" ")
    withdraw_application(submitted, actor=submitted.created_by, reason="合并申报")
    with pytest.raises(IllegalTransition):
        withdraw_application(submitted, actor=submitted.created_by, reason="again")
    with pytest.raises(IllegalTransition):
        submit_application(submitted, actor=submitted.created_by)
    assert Message.objects.filter(topic="application.withdrawn").count() == 1


def test_after_withdrawing_a_draft_another_can_be_begun():
    call = make_call()
    first = make_application(call, filled=False)
    withdraw_application(first, actor=first.created_by)
    second = start_application(call, actor=first.created_by, organisation=first.organisation)
    assert second.pk != first.pk


def test_reject_is_for_staff_with_a_reason():
    application = make_submitted()
    with pytest.raises(Forbidden):
        reject_application(application, actor=application.created_by, reason="x")
    with pytest.raises(DomainError):
        reject_application(application, actor=make_staff(), reason="")
    assert reject_application(application, actor=make_staff(), reason="不在申报范围").state == "rejected"


def test_an_extension_lets_one_application_be_late():
    call = make_call()
    one, other = make_application(call), make_application(call)
    with time_machine.travel(call.ends_at + timedelta(hours=1)):
        until = timezone.now() + timedelta(days=1)
        with pytest.raises(Forbidden):
            grant_extension(one, actor=one.created_by, until=until, reason="x")
        grant_extension(one, actor=make_staff(), until=until, reason="系统维护")
        save_answer(one, "title", "延期后修改", actor=one.created_by)
        assert submit_application(one, actor=one.created_by).number == 1
        with pytest.raises(DeadlinePassed):
            submit_application(other, actor=other.created_by)
    notice = Message.objects.get(key__startswith="application.extended:")
    assert notice.payload["recipients"] == [one.created_by.pk]


def test_an_extension_ends_later_than_without_it():
    application = make_application()
    with pytest.raises(DomainError) as refused:
        grant_extension(
            application,
            actor=make_staff(),
            until=application.call.closes_at - timedelta(days=1),
            reason="x",
        )
    assert refused.value.field == "until"


# --- who sees


def test_rows_by_persona():
    application = make_submitted()
    owner, stranger, viewer = application.created_by, make_user(), make_user()
    Membership.objects.create(organisation=application.organisation, user=viewer, role="viewer")
    project_application = make_project_application(application.call)
    pi, helper = project_application.created_by, make_user()
    make_project_member(project_application.project, helper)

    def seen(user):
        return set(Application.objects.visible_to(user))

    assert seen(owner) == seen(viewer) == {application}
    assert seen(pi) == seen(helper) == {project_application}
    assert seen(stranger) == set()
    assert seen(make_staff()) == {application, project_application}
    assert seen(make_staff("administrator")) == set()
    # The rule of the page says the same as the rows.
    people = (owner, viewer, pi, stranger, make_staff(), make_staff("administrator"))
    may_view = [may(one, "funding.view_application_page", application) for one in people]
    assert may_view == [application in seen(one) for one in people] == [True, True, False, False, True, False]


def test_fill_gives_no_problems():
    application = fill(make_application(filled=False), actor=make_staff()) if False else make_application()
    assert problems_of(application) == []
