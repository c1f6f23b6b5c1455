"""What a call still lacks before it can be published. Reads only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from funding.calls.models import LONGEST, Call, CallQuestion, Section, Stage
from funding.calls.questions import type_of
from funding.calls.questions.base import choice_labels, in_language
from funding.calls.questions.tables import check_named_limits
from funding.calls.states import (
    CONFIDENTIAL,
    Acts,
    Blindness,
    Completion,
    CriterionKind,
    Outcome,
    Purpose,
    QuestionKind,
    RuleKind,
    StageKind,
)
from park_portal.core.errors import DomainError, Problem, Text
from park_portal.core.outbox.registry import KINDS, check_text
from park_portal.core.policies.models import PolicyValue
from park_portal.core.policies.services import policy

# The pages of the builder; a problem names the page on which it is mended.
BASICS: Final = "basics"
ELIGIBILITY: Final = "eligibility"
FORM: Final = "form"
STAGES: Final = "stages"
TEXTS: Final = "texts"

_LANGUAGES: Final = {"zh_hans": "Chinese", "en": "English"}

PURPOSE_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    Purpose.TITLE: (QuestionKind.SHORT_TEXT,),
    Purpose.AMOUNT: (QuestionKind.MONEY,),
    Purpose.SUMMARY: (QuestionKind.LONG_TEXT, QuestionKind.SHORT_TEXT),
    Purpose.BUDGET: (QuestionKind.TABLE,),
    Purpose.UNSUITABLE: (QuestionKind.TABLE,),
    Purpose.RELATED: (QuestionKind.TABLE,),
}
ACTS_OF_STAGE: Final[Mapping[str, tuple[str, ...]]] = {
    StageKind.SCREENING: (Acts.OFFICER, Acts.LEAD),
    StageKind.LIAISON: (Acts.LIAISON,),
    StageKind.EXPERT: (Acts.EXPERT,),
    StageKind.PANEL: (Acts.OFFICER, Acts.LEAD, Acts.FUND_MANAGER),
    StageKind.DILIGENCE: (Acts.OFFICER, Acts.LEAD, Acts.FUND_MANAGER),
    StageKind.NOTICE: (Acts.OFFICER, Acts.LEAD),
    StageKind.DECISION: (Acts.LEAD, Acts.FUND_MANAGER),
}
COMPLETION_OF_STAGE: Final[Mapping[str, tuple[str, ...]]] = {
    StageKind.SCREENING: (Completion.COUNT, Completion.STAFF),
    StageKind.LIAISON: (Completion.COUNT, Completion.STAFF),
    StageKind.EXPERT: (Completion.COUNT, Completion.ALL, Completion.STAFF),
    StageKind.PANEL: (Completion.COUNT, Completion.STAFF),
    StageKind.DILIGENCE: (Completion.COUNT, Completion.STAFF),
    StageKind.NOTICE: (Completion.TIME,),
    StageKind.DECISION: (Completion.STAFF,),
}
_AMOUNT_RULES: Final = (RuleKind.MIN_AMOUNT, RuleKind.MAX_AMOUNT)
_TRL_RULES: Final = (RuleKind.MIN_TRL, RuleKind.MAX_TRL)
# Rules that compare with a figure; the others are met or not.
VALUED_RULES: Final = (
    RuleKind.MAX_AGE,
    RuleKind.MIN_AGE,
    *_TRL_RULES,
    *_AMOUNT_RULES,
    RuleKind.MAX_APPLICATIONS,
)

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)


def time_problems(opens_at: datetime, closes_at: datetime) -> list[Problem]:
    """Return which of a call's two moments cannot be meant: before 2000, more than three years ahead or apart, or in
    the wrong order.
    """
    latest = timezone.now() + LONGEST
    message = _("This must be a moment from 2000 to %(latest)s; check the year.")
    found = [
        Problem(message % {"latest": f"{timezone.localtime(latest):%Y-%m-%d}"}, field=name)
        for name, moment in (("opens_at", opens_at), ("closes_at", closes_at))
        if not EARLIEST <= moment <= latest
    ]
    if not found and closes_at <= opens_at:
        found.append(Problem(_("A call closes after it opens."), field="closes_at"))
    if not found and closes_at - opens_at > LONGEST:
        found.append(Problem(_("A call is open for three years at most."), field="closes_at"))
    return found


def problems_of(call: Call) -> list[Problem]:
    """Return why ``call`` cannot be published yet; ``field`` is the builder's page, ``anchor`` the place on it."""
    questions = [question for section in _sections(call) for question in section.questions.all()]
    return [
        *_basics(call),
        *_eligibility(call, questions),
        *_form(call, questions),
        *_stages(call),
        *_texts(call),
    ]


# Words in a question or a column that ask for who somebody is.
_ASKS_WHO: Final = re.compile(
    r"姓名|单位|联系|电话|手机|邮箱|\b(names?|employers?|contact|phone|e-?mail)\b", re.IGNORECASE
)


def warnings_of(call: Call) -> list[Problem]:
    """Return what staff should look at before publishing, though nothing forbids it."""
    if not call.stages.filter(blindness=Blindness.DOUBLE).exists():
        return []
    found = []
    for question in (question for section in _sections(call) for question in section.questions.all()):
        if not seen_by_reviewers(question) or question.redacted or question.settings.get("names_applicant"):
            continue
        place = {"field": FORM, "anchor": f"setup-{question.pk}"}
        named = {"question": question.label}
        if question.kind == QuestionKind.TABLE:
            columns = [
                in_language(column)
                for column in question.settings.get("columns") or ()
                if not column.get("names_applicant")
                and _ASKS_WHO.search(f"{column.get('zh', '')} {column.get('en', '')}")
            ]
            if columns:
                text = _("“%(question)s”: the reviewers of a double-blind stage see %(columns)s.")
                found.append(Problem(text % {**named, "columns": _(", ").join(columns)}, **place))
        elif _ASKS_WHO.search(question.label):
            text = _(
                "“%(question)s”: the reviewers of a double-blind stage see it, and it may say who applies."
            )
            found.append(Problem(text % named, **place))
    return found


def seen_by_reviewers(question: CallQuestion) -> bool:
    """Return whether reviewers see a question where the stage is not blind; never whom the applicant would avoid."""
    return question.reviewers_see and question.purpose not in CONFIDENTIAL


def _sections(call: Call) -> list[Section]:
    return list(Section.objects.filter(call=call).with_questions())


def missing_languages(obj: Any, field: str, *, required: bool) -> list[str]:
    """Return the languages ("zh_hans", "en") in which the text ``field`` is missing.

    A text that is not required may be empty in both languages, but not in one.
    """
    held = {code: bool(str(getattr(obj, f"{field}_{code}") or "").strip()) for code in _LANGUAGES}
    if not required and not any(held.values()):
        return []
    return [code for code, there in held.items() if not there]


def _language(code: str) -> str:
    return {
        "zh_hans": pgettext("field in a language", "Chinese"),
        "en": pgettext("field in a language", "English"),
    }[code]


def _translations(
    obj: Any, fields: Mapping[str, bool], what: str, page: str, anchor: str
) -> Iterator[Problem]:
    for field, required in fields.items():
        for code in missing_languages(obj, field, required=required):
            label = obj._meta.get_field(field).verbose_name
            yield Problem(
                _("%(what)s: “%(label)s” is missing in %(language)s.")
                % {"what": what, "label": label, "language": _language(code)},
                field=page,
                anchor=f"{anchor}{field}_{code}" if page == BASICS else anchor,
            )


def _basics(call: Call) -> Iterator[Problem]:
    yield from _translations(call, {"title": True, "summary": True, "body": True}, _("Call"), BASICS, "id_")
    if call.closes_at <= timezone.now():
        yield Problem(_("The closing minute lies in the past."), field=BASICS, anchor="id_closes_at")
    labels = {field.name: field.verbose_name for field in call._meta.fields}
    for problem in time_problems(call.opens_at, call.closes_at):
        yield Problem(
            f"{labels[problem.field or '']}: {problem.message}", field=BASICS, anchor=f"id_{problem.field}"
        )
    if not call.lead.is_active:
        yield Problem(
            _("The staff lead is no longer active; name someone else."), field=BASICS, anchor="id_lead"
        )
    if not call.fund.active:
        yield Problem(_("The fund is no longer in use."), field=BASICS, anchor="id_fund")


def _eligibility(call: Call, questions: list[CallQuestion]) -> Iterator[Problem]:
    rules = list(call.eligibility_rules.all())
    keys = {rule.policy_key for rule in rules if rule.policy_key}
    opening = timezone.localdate(call.opens_at)
    in_force = set(
        PolicyValue.objects.in_force(opening).filter(key__in=keys).values_list("key", flat=True)
        if keys
        else ()
    )
    purposes = {question.purpose for question in questions}
    kinds = {question.kind for question in questions}
    for rule in rules:
        place = {"field": ELIGIBILITY, "anchor": f"rule-{rule.pk}"}
        named = {"rule": rule.get_kind_display()}
        if rule.kind in VALUED_RULES and rule.value is None and not rule.policy_key:
            yield Problem(_("“%(rule)s”: give a value or a policy.") % named, **place)
        if rule.policy_key and rule.policy_key not in in_force:
            yield Problem(
                _("“%(rule)s”: the policy %(key)s has no value in force when the call opens.")
                % {**named, "key": rule.policy_key},
                **place,
            )
        if rule.kind == RuleKind.UNIVERSITY and rule.organisation_id is None:
            yield Problem(_("“%(rule)s”: name the university.") % named, **place)
        if rule.kind in _AMOUNT_RULES and Purpose.AMOUNT not in purposes:
            yield Problem(_("“%(rule)s” needs a question read as the amount requested.") % named, **place)
        if rule.kind in _TRL_RULES and QuestionKind.TRL not in kinds:
            yield Problem(_("“%(rule)s” needs a question of the kind TRL.") % named, **place)
        if rule.applies_to and rule.applies_to not in call.applicants:
            yield Problem(_("“%(rule)s” is for applicants whom this call does not take.") % named, **place)


def _form(call: Call, questions: list[CallQuestion]) -> Iterator[Problem]:
    sections = _sections(call)
    if not questions:
        yield Problem(_("The form has no questions yet."), field=FORM)
        return
    for section in sections:
        anchor = f"section-{section.pk}"
        yield from _translations(
            section, {"title": True}, _("Section “%(title)s”") % {"title": section}, FORM, anchor
        )
        if not section.questions.all():
            yield Problem(
                _("Section “%(title)s” has no questions; remove it or add some.") % {"title": section},
                field=FORM,
                anchor=anchor,
            )
    before: dict[int, CallQuestion] = {}
    numbers = {question.key for question in questions if question.kind == QuestionKind.NUMBER}
    for question in questions:
        yield from _question(question, before, numbers)
        before[question.pk] = question
    by_purpose = {question.purpose: question for question in questions if question.purpose}
    needed = [Purpose.TITLE]
    # What is granted, or what of the costs is to be recognised at acceptance.
    if call.outcome in (Outcome.AWARD, Outcome.ACCEPTANCE):
        needed.append(Purpose.AMOUNT)
    if Purpose.BUDGET in by_purpose:
        needed.append(Purpose.AMOUNT)
    for purpose in dict.fromkeys(needed):
        found = by_purpose.get(purpose)
        if found is None:
            fitting = [
                question
                for question in questions
                if not question.purpose and question.kind in PURPOSE_KINDS[purpose]
            ]
            yield Problem(
                _("No question is read as “%(purpose)s”: choose it at “read as” in the question's set-up.")
                % {"purpose": purpose.label},
                field=FORM,
                anchor=f"setup-{fitting[0].pk}" if fitting else "",
            )
        elif not found.required or found.condition_on_id:
            yield Problem(
                _("“%(question)s” is read as “%(purpose)s”: it must be required and asked of everyone.")
                % {"question": found.label, "purpose": purpose.label},
                field=FORM,
                anchor=f"question-{found.pk}",
            )


def config_problems(kind: str, config: Mapping[str, Any], numbers: Collection[str]) -> list[Problem]:
    """Return what is wrong with the settings of a question in a form.

    ``numbers`` are the keys of the form's questions that are answered with a number: a column may take its limit there.
    """
    problems = type_of(kind).check_config(config)
    if not problems and kind == QuestionKind.TABLE:
        problems = check_named_limits(config["columns"], numbers)
    return problems


def number_keys(call: Call) -> set[str]:
    """Return the keys of the questions of a call's form that are answered with a number."""
    return set(
        call.questions.filter(question__kind=QuestionKind.NUMBER).values_list("question__key", flat=True)
    )


def question_problems(question: CallQuestion, numbers: Collection[str]) -> list[str]:
    """Return what is wrong with the settings of one question; ``numbers`` as in ``config_problems``."""
    return [str(problem.message) for problem in config_problems(question.kind, question.settings, numbers)]


def _question(
    question: CallQuestion, before: Mapping[int, CallQuestion], numbers: Collection[str]
) -> Iterator[Problem]:
    anchor = f"question-{question.pk}"
    named = {"question": question.label}
    wording = {"label": question if _has(question, "own_label") else question.question}
    field = "own_label" if _has(question, "own_label") else "label"
    for code in missing_languages(wording["label"], field, required=True):
        yield Problem(
            _("“%(question)s” (%(key)s): the question is missing in %(language)s.")
            % {**named, "key": question.key, "language": _language(code)},
            field=FORM,
            anchor=anchor,
        )
    helper = question if _has(question, "help") else question.question
    for code in missing_languages(helper, "help", required=False):
        yield Problem(
            _("“%(question)s”: the help is missing in %(language)s.")
            % {**named, "language": _language(code)},
            field=FORM,
            anchor=anchor,
        )
    for message in question_problems(question, numbers):
        yield Problem(f"“{question.label}”: {message}", field=FORM, anchor=anchor)
    if question.purpose and question.kind not in PURPOSE_KINDS[question.purpose]:
        yield Problem(
            _("“%(question)s” cannot be read as “%(purpose)s”: it is of another kind.")
            % {**named, "purpose": Purpose(question.purpose).label},
            field=FORM,
            anchor=anchor,
        )
    if question.purpose == Purpose.BUDGET and not _adds_up_money(question):
        yield Problem(
            _("“%(question)s”: a budget needs a column of money that is added up.") % named,
            field=FORM,
            anchor=anchor,
        )
    if question.purpose == Purpose.UNSUITABLE and question.kind == QuestionKind.TABLE:
        yield from (
            Problem(f"“{question.label}”: {message}", field=FORM, anchor=anchor)
            for message in _unsuitable_problems(question)
        )
    if question.condition_on_id:
        on = before.get(question.condition_on_id)
        if on is None:
            yield Problem(
                _("“%(question)s” hangs on a question that comes later or is gone.") % named,
                field=FORM,
                anchor=anchor,
            )
        elif question.condition_value and not _can_answer(on, question.condition_value):
            yield Problem(
                _("“%(question)s” waits for “%(value)s”, which “%(on)s” cannot be answered with.")
                % {**named, "value": question.condition_value, "on": on.label},
                field=FORM,
                anchor=anchor,
            )


def _has(question: CallQuestion, field: str) -> bool:
    return any(str(getattr(question, f"{field}_{code}") or "").strip() for code in _LANGUAGES)


def _unsuitable_problems(question: CallQuestion) -> Iterator[Text]:
    """Yield what keeps the list of unsuitable reviewers from being one: limited in number, each with a reason."""
    columns = {column["key"]: column for column in question.settings.get("columns") or ()}
    if missing := [key for key in ("name", "institution", "email", "reason") if key not in columns]:
        yield _("the table needs the columns %(columns)s.") % {"columns": ", ".join(missing)}
    elif not columns["reason"].get("required"):
        yield _("the reason must be asked of every row.")
    most = int(policy("conflict.unsuitable_max").number)
    if (question.settings.get("max_rows") or most + 1) > most:
        yield _("at most %(most)d people may be named.") % {"most": most}


def _adds_up_money(question: CallQuestion) -> bool:
    if question.kind != QuestionKind.TABLE:
        return False
    settings = question.settings
    return any(
        column.get("key") == settings.get("total") and column.get("kind") == "money"
        for column in settings.get("columns") or ()
    )


def answers_to_wait_for(question: CallQuestion) -> dict[str, str]:
    """Return {value: label} of what a condition on ``question`` may wait for; empty when any answer will do."""
    if question.kind in (QuestionKind.SINGLE_CHOICE, QuestionKind.MULTIPLE_CHOICE):
        return choice_labels(question.settings.get("choices") or ())
    if question.kind == QuestionKind.CONSENT:
        return {"true": _("Agreed")}
    if question.kind == QuestionKind.TRL:
        return {str(level): f"TRL {level}" for level in range(1, 10)}
    return {}


def _can_answer(question: CallQuestion, value: str) -> bool:
    known = answers_to_wait_for(question)
    return not known or value in known


def _stages(call: Call) -> Iterator[Problem]:
    stages = list(call.stages.prefetch_related("criteria"))
    if not stages:
        yield Problem(_("The call has no stages yet."), field=STAGES)
        return
    if stages[-1].kind != StageKind.DECISION:
        yield Problem(
            _("The last stage must be the decision."), field=STAGES, anchor=f"stage-{stages[-1].pk}"
        )
    for stage in stages[:-1]:
        if stage.kind == StageKind.DECISION:
            yield Problem(
                _("Nothing comes after the decision; move “%(stage)s” to the end.") % {"stage": stage},
                field=STAGES,
                anchor=f"stage-{stage.pk}",
            )
        # What is decided is what was published: nothing may come between.
        if stage.kind == StageKind.NOTICE and stage.pk != stages[-2].pk:
            yield Problem(
                _("The public notice comes directly before the decision; move “%(stage)s” there.")
                % {"stage": stage},
                field=STAGES,
                anchor=f"stage-{stage.pk}",
            )
    for stage in stages:
        yield from _stage(stage)


def _stage(stage: Stage) -> Iterator[Problem]:
    anchor = f"stage-{stage.pk}"
    named = {"stage": str(stage)}
    place = {"field": STAGES, "anchor": anchor}
    yield from _translations(
        stage, {"name": True, "instructions": False}, _("Stage “%(stage)s”") % named, STAGES, anchor
    )
    if stage.acts not in ACTS_OF_STAGE[stage.kind]:
        yield Problem(
            _("“%(stage)s”: %(acts)s do not act in a stage of this kind.")
            % {**named, "acts": stage.get_acts_display()},
            **place,
        )
    if stage.completion not in COMPLETION_OF_STAGE[stage.kind]:
        yield Problem(
            _("“%(stage)s” cannot be complete when %(completion)s.")
            % {**named, "completion": stage.get_completion_display()},
            **place,
        )
    criteria = list(stage.criteria.all())
    for criterion in criteria:
        yield from _translations(
            criterion,
            {"label": True, "help": False},
            _("Stage “%(stage)s”, criterion “%(criterion)s”") % {**named, "criterion": criterion},
            STAGES,
            anchor,
        )
    scored = [item for item in criteria if item.kind == CriterionKind.SCORE]
    if stage.kind == StageKind.EXPERT and not scored:
        yield Problem(_("“%(stage)s” needs a rubric: at least one criterion with a score.") % named, **place)
    if scored and all(item.allow_na for item in scored):
        yield Problem(
            _("“%(stage)s”: at least one criterion must not allow “not applicable”.") % named, **place
        )


def _texts(call: Call) -> Iterator[Problem]:
    for text in call.texts.all():
        kind = KINDS.get(text.kind)
        if kind is None:
            continue
        named = {"notice": kind.label}
        for code in missing_languages(text, "subject", required=False) + missing_languages(
            text, "body", required=False
        ):
            yield Problem(
                _("The text of “%(notice)s” is incomplete in %(language)s.")
                % {**named, "language": _language(code)},
                field=TEXTS,
                anchor=text.kind,
            )
        for part in _written(text):
            try:
                check_text(kind, part)
            except DomainError as error:
                yield Problem(
                    _("The text of “%(notice)s”: %(problem)s") % {**named, "problem": error},
                    field=TEXTS,
                    anchor=text.kind,
                )


def _written(text: Any) -> Iterable[str]:
    return [getattr(text, f"{field}_{code}") or "" for field in ("subject", "body") for code in _LANGUAGES]
