"""The standard call is complete: it can be published as it is, and its form can be filled in."""

from datetime import timedelta

import pytest
from django.utils import timezone

from funding.calls.models import Question
from funding.calls.questions import type_of
from funding.calls.services import form_of, problems_of, publish_call, questions_of, visible_questions
from funding.calls.standard import STANDARD_QUESTIONS, load_bank
from funding.calls.states import CallState, Purpose, QuestionKind
from park_portal.core.workflow import SYSTEM
from tests.factories.calls import answer_values, make_call

pytestmark = pytest.mark.django_db


def test_standard_call_has_nothing_missing():
    call = make_call(opens_in=1, panel=True, diligence=True)
    assert [str(problem.message) for problem in problems_of(call)] == []
    assert publish_call(call, actor=SYSTEM).state == CallState.PUBLISHED


def test_standard_form_uses_every_kind_of_question_and_purpose():
    questions = questions_of(make_call())
    assert {question.kind for question in questions} == set(QuestionKind.values)
    assert {question.purpose for question in questions} == set(Purpose.values)
    assert len(questions) == len(STANDARD_QUESTIONS) == 25


def test_standard_stages_are_in_order():
    plain = make_call()
    assert list(plain.stages.values_list("kind", flat=True)) == [
        "screening",
        "liaison",
        "expert",
        "notice",
        "decision",
    ]
    full = make_call(panel=True, diligence=True, experts=5, blindness="double")
    assert list(full.stages.values_list("kind", flat=True)) == [
        "screening",
        "liaison",
        "expert",
        "panel",
        "diligence",
        "notice",
        "decision",
    ]
    expert = full.stages.get(kind="expert")
    assert (expert.required_count, expert.blindness) == (5, "double")
    assert sum(expert.criteria.values_list("weight", flat=True)) == 100
    assert list(expert.criteria.filter(allow_na=True).values_list("label_zh_hans", flat=True)) == ["知识产权"]


def test_standard_form_can_be_answered():
    call = make_call()
    answers = answer_values(call)
    shown = visible_questions(questions_of(call), answers)
    assert [question.key for question in shown if question.key in ("ethics", "biosafety_level")] == []
    for question in shown:
        found = type_of(question.kind).problems(
            answers.get(question.key), question.settings, required=question.required
        )
        assert [str(problem) for problem in found] == [], question.key


def test_form_of_takes_two_queries(django_assert_num_queries):
    call = make_call()
    with django_assert_num_queries(2):
        for section in form_of(call):
            for question in section.questions.all():
                _ = (question.key, question.settings, question.section.title, question.call.code)
                _ = question.condition_on and question.condition_on.key


def test_load_bank_leaves_what_staff_wrote():
    load_bank()
    Question.objects.filter(key="title").update(label_zh_hans="课题名称")
    load_bank()
    assert Question.objects.get(key="title").label_zh_hans == "课题名称"
    assert Question.objects.count() == 25


def test_title_follows_the_year():
    call = make_call(opens_at=timezone.now() + timedelta(days=2))
    assert call.title_en.endswith(str(timezone.localtime(call.opens_at).year))
