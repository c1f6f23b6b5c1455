"""Building a call: its form, rules, stages and texts, as long as it is a draft. Every change leaves an audit entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import models, transaction
from django.utils.translation import gettext as _

from funding.calls.checks import (
    ACTS_OF_STAGE,
    COMPLETION_OF_STAGE,
    PURPOSE_KINDS,
    config_problems,
    number_keys,
)
from funding.calls.models import (
    Call,
    CallQuestion,
    CallText,
    Criterion,
    EligibilityRule,
    Question,
    Section,
    Stage,
)
from funding.calls.questions import type_of
from funding.calls.standard import STANDARD_USES
from funding.calls.states import (
    CONFIDENTIAL,
    CallState,
    CriterionKind,
    OnNegative,
    Purpose,
    QuestionKind,
    StageKind,
)
from park_portal.core.audit.services import Actor, changes_of, record
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError, Problem
from park_portal.core.outbox.registry import KINDS, check_text
from park_portal.core.workflow import require

QUESTION_FIELDS: Final = (
    "section",
    "required",
    "reviewers_see",
    "redacted",
    "purpose",
    "own_label_zh_hans",
    "own_label_en",
    "help_zh_hans",
    "help_en",
    "config",
    "condition_on",
    "condition_value",
)
RULE_FIELDS: Final = ("kind", "applies_to", "value", "policy_key", "organisation", "source")
STAGE_FIELDS: Final = (
    "name_zh_hans",
    "name_en",
    "instructions_zh_hans",
    "instructions_en",
    "working_days",
    "acts",
    "required_count",
    "completion",
    "on_negative",
    "blindness",
)
CRITERION_FIELDS: Final = (
    "kind",
    "label_zh_hans",
    "label_en",
    "help_zh_hans",
    "help_en",
    "weight",
    "max_score",
    "allow_na",
)
MOST_PARTS: Final = 200

# What a new stage of each kind is called and lasts, until staff say otherwise: Chinese, English, working days.
NEW_STAGE: Final[Mapping[str, tuple[str, str, int]]] = {
    StageKind.SCREENING: ("形式审查", "Screening", 5),
    StageKind.LIAISON: ("校方联络人审核", "Liaison review", 5),
    StageKind.EXPERT: ("专家评审", "Expert review", 10),
    StageKind.PANEL: ("会议评审", "Panel", 5),
    StageKind.DILIGENCE: ("尽职调查", "Due diligence", 10),
    StageKind.NOTICE: ("公示", "Public notice", 5),
    StageKind.DECISION: ("立项决定", "Decision", 10),
}


def _editing(call: Call | int, actor: Actor) -> Call:
    """Lock the call and return it; raise unless it is a draft that ``actor`` may build."""
    pk = call if isinstance(call, int) else call.pk
    locked = Call.objects.select_for_update(of=("self",)).get(pk=pk)
    if locked.state != CallState.DRAFT:
        raise DomainError(
            _("The call has been announced: its form, rules and stages are fixed."), code="call_fixed"
        )
    require(actor, "funding.build_call", locked)
    return locked


def _change(obj: models.Model, values: Mapping[str, Any], allowed: Iterable[str], *, actor: Actor) -> None:
    """Set what differs, check and save it with an audit entry; an unchanged row leaves none."""
    if unknown := values.keys() - set(allowed):
        raise TypeError(f"not fields of {obj._meta.model_name}: {sorted(unknown)}")
    before, after = changes_of(obj, values)
    if not after:
        return
    for name, value in values.items():
        setattr(obj, name, value)
    checked(obj)
    obj.save()
    record(f"{obj._meta.model_name}.change", obj, actor=actor, before=before, after=after)


def _add(obj: models.Model, *, actor: Actor, **facts: Any) -> None:
    checked(obj)
    obj.save(force_insert=True)
    record(f"{obj._meta.model_name}.create", obj, actor=actor, after=facts)


def _remove(obj: models.Model, *, actor: Actor) -> None:
    record(f"{obj._meta.model_name}.delete", obj, actor=actor, before={"label": str(obj)})
    obj.delete()


def _number(rows: Sequence[Any]) -> None:
    """Give the rows positions 1, 2, 3 … in their order."""
    for position, row in enumerate(rows, 1):
        if row.position != position:
            row.position = position
            row.save(update_fields=["position"])


def _shift(rows: list[Any], row: Any, by: int) -> bool:
    """Move ``row`` within ``rows`` by one place; return whether there was room."""
    place = next(index for index, other in enumerate(rows) if other.pk == row.pk)
    target = place + (1 if by > 0 else -1)
    if not 0 <= target < len(rows):
        return False
    rows.insert(target, rows.pop(place))
    _number(rows)
    return True


# --- the question bank ---------------------------------------------------------------------------------------------


@transaction.atomic
def add_to_bank(*, actor: Actor, key: str, kind: str, **fields: Any) -> Question:
    """Add a question to the bank and return it; it may still lack settings, which publishing a call will name."""
    require(actor, "funding.build_call")
    question = Question(key=key, kind=kind, **fields)
    _add(question, actor=actor, key=key, kind=kind)
    return question


@transaction.atomic
def change_bank_question(question: Question, *, actor: Actor, **fields: Any) -> Question:
    """Change wording and settings of a question; announced calls keep what they were announced with."""
    require(actor, "funding.build_call")
    locked = Question.objects.select_for_update().get(pk=question.pk)
    if fields.keys() & {"key", "kind"}:
        raise DomainError(_("Key and kind of a question never change."), code="question_fixed", field="key")
    if "config" in fields:
        _check_config(locked.kind, fields["config"])
    names = ("label_zh_hans", "label_en", "help_zh_hans", "help_en", "config", "retired")
    _change(locked, fields, names, actor=actor)
    return locked


def _check_config(kind: str, config: Mapping[str, Any]) -> None:
    if problems := type_of(kind).check_config(config):
        raise DomainError(problems[0].message, code="config", field=problems[0].field, problems=problems)


# --- the form ------------------------------------------------------------------------------------------------------


@transaction.atomic
def add_section(call: Call, *, actor: Actor, title_zh_hans: str, title_en: str = "") -> Section:
    """Add a section at the end of the form and return it."""
    locked = _editing(call, actor)
    section = Section(
        call=locked, title_zh_hans=title_zh_hans, title_en=title_en, position=_next(locked.sections)
    )
    _add(section, actor=actor, call=locked.code)
    return section


def _next(rows: models.Manager[Any]) -> int:
    count = rows.count()
    if count >= MOST_PARTS:
        raise DomainError(_("A call has at most %(most)s of these.") % {"most": MOST_PARTS}, code="too_many")
    return int(rows.aggregate(last=models.Max("position"))["last"] or 0) + 1


@transaction.atomic
def change_section(section: Section, *, actor: Actor, **fields: Any) -> Section:
    _editing(section.call_id, actor)
    _change(section, fields, ("title_zh_hans", "title_en"), actor=actor)
    return section


@transaction.atomic
def move_section(section: Section, *, actor: Actor, by: int) -> bool:
    """Move a section one place up (``by`` < 0) or down; return whether it moved."""
    call = _editing(section.call_id, actor)
    moved = _shift(list(call.sections.order_by("position", "id")), section, by)
    if moved:
        record("section.move", section, actor=actor, after={"by": by})
    return moved


@transaction.atomic
def remove_section(section: Section, *, actor: Actor) -> None:
    """Remove a section with its questions; the bank keeps them."""
    _editing(section.call_id, actor)
    _remove(section, actor=actor)


@transaction.atomic
def add_questions(section: Section, questions: Iterable[Question], *, actor: Actor) -> list[CallQuestion]:
    """Add questions of the bank at the end of a section and return them; those already in the form are refused.

    The portal's own questions come as they stand in the standard form: read as what they are, and hidden from reviewers
    where they must be.
    """
    call = _editing(section.call_id, actor)
    there = set(call.questions.values_list("question_id", flat=True))
    taken = set(call.questions.values_list("purpose", flat=True))
    position, added = _next(section.questions), []
    for question in questions:
        if question.pk in there:
            raise DomainError(
                _("“%(question)s” is already in the form.") % {"question": question.label}, code="twice"
            )
        if question.retired:
            raise DomainError(_("“%(question)s” is retired.") % {"question": question.label}, code="retired")
        row = CallQuestion(call=call, section=section, question=question, position=position)
        if use := STANDARD_USES.get(question.key):
            row.required, row.reviewers_see = use.required, use.reviewers_see
            if use.purpose and use.purpose not in taken and question.kind in PURPOSE_KINDS[use.purpose]:
                row.purpose = use.purpose
                taken.add(use.purpose)
        if question.kind == QuestionKind.CONSENT:
            row.reviewers_see = False
        _add(row, actor=actor, call=call.code, key=question.key)
        there.add(question.pk)
        added.append(row)
        position += 1
    return added


@transaction.atomic
def change_question(question: CallQuestion, *, actor: Actor, **fields: Any) -> CallQuestion:
    """Change how a question stands in the call's form.

    ``config`` holds the whole settings; what equals the bank's is not kept a second time. Raises ``DomainError`` naming
    the field that is wrong.
    """
    call = _editing(question.call_id, actor)
    row = CallQuestion.objects.select_related("question", "section").get(pk=question.pk)
    if "config" in fields:
        fields["config"] = differing(row.question, fields["config"])
        whole = {**row.question.config, **fields["config"]}
        if problems := config_problems(row.kind, whole, number_keys(call)):
            raise DomainError(problems[0].message, code="config", field=problems[0].field, problems=problems)
    section, on = fields.get("section"), fields.get("condition_on")
    if section is not None and section.call_id != call.pk:
        raise DomainError(_("This section belongs to another call."), code="foreign", field="section")
    if on is not None and (on.call_id != call.pk or on.pk == row.pk):
        raise DomainError(
            _("A question can only hang on another one of the same form."),
            code="foreign",
            field="condition_on",
        )
    if fields.get("purpose") in CONFIDENTIAL:
        fields["reviewers_see"] = False
    if fields.get("redacted", row.redacted):
        _check_redacted(row, fields.get("purpose", row.purpose))
    if "condition_on" in fields and on is None:
        fields["condition_value"] = ""
    if section is not None and section.pk != row.section_id:
        row.position = _next(section.questions)
    _change(row, fields, QUESTION_FIELDS, actor=actor)
    return row


def _check_redacted(row: CallQuestion, purpose: str) -> None:
    """Refuse to black out what is no text, or what stands in lists and messages, too."""
    if not type_of(row.kind).redactable:
        text = _(
            "Only texts and tables can have names blacked out; files are always stripped of their authors."
        )
    elif purpose == Purpose.TITLE:
        text = _(
            "The title of the application stands in lists and messages, too, and cannot be blacked out. Applicants are "
            "warned of names in it before they submit."
        )
    else:
        return
    raise DomainError(text, code="redacted", field="redacted")


def differing(bank: Question, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of ``config`` that differ from the bank's; None stands for one that is switched off here.

    Raises ``DomainError`` when the whole makes no sense.
    """
    kind = type_of(bank.kind)

    def meant(settings: Mapping[str, Any], name: str) -> Any:
        value = settings.get(name)
        return kind.defaults.get(name) if value is None or value == "" else value

    found = {
        name: config.get(name)
        for name in (*bank.config, *(name for name in config if name not in bank.config))
        if meant(bank.config, name) != meant(config, name)
    }
    problems = kind.check_config({**bank.config, **found})
    if problems:
        raise DomainError(problems[0].message, code="config", field=problems[0].field, problems=problems)
    return found


@transaction.atomic
def move_question(question: CallQuestion, *, actor: Actor, by: int) -> bool:
    """Move a question one place up (``by`` < 0) or down, past the end of its section into the next; say if it moved."""
    call = _editing(question.call_id, actor)
    row = CallQuestion.objects.select_related("section").get(pk=question.pk)
    if not _shift(list(row.section.questions.order_by("position", "id")), row, by):
        sections = list(call.sections.order_by("position", "id"))
        place = next(index for index, other in enumerate(sections) if other.pk == row.section_id)
        target = place + (1 if by > 0 else -1)
        if not 0 <= target < len(sections):
            return False
        others = list(sections[target].questions.order_by("position", "id"))
        row.section = sections[target]
        row.save(update_fields=["section"])
        _number([row, *others] if by > 0 else [*others, row])
    record("callquestion.move", row, actor=actor, after={"by": by})
    return True


@transaction.atomic
def order_questions(section: Section, places: Mapping[int, int], *, actor: Actor) -> bool:
    """Move questions within their section to the places given by key, 1 being the first; return whether any moved.

    Those whose place is the one they have stay in their order around the ones that move.
    """
    _editing(section.call_id, actor)
    rows = list(section.questions.order_by("position", "id"))
    asked = {row.pk: places.get(row.pk, place) for place, row in enumerate(rows, 1)}
    moving = [row for place, row in enumerate(rows, 1) if asked[row.pk] != place]
    order = [row for row in rows if row not in moving]
    for row in sorted(moving, key=lambda row: asked[row.pk]):
        order.insert(max(asked[row.pk], 1) - 1, row)
    if order == rows:
        return False
    _number(order)
    record("section.order", section, actor=actor, after={"questions": [row.key for row in order]})
    return True


@transaction.atomic
def remove_question(question: CallQuestion, *, actor: Actor) -> None:
    """Take a question out of the form; those that hung on it are asked of everyone."""
    _editing(question.call_id, actor)
    CallQuestion.objects.filter(condition_on=question).update(condition_value="")
    _remove(question, actor=actor)


# --- rules ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def add_rule(call: Call, *, actor: Actor, **fields: Any) -> EligibilityRule:
    """Add an eligibility rule at the end and return it."""
    locked = _editing(call, actor)
    rule = EligibilityRule(call=locked, position=_next(locked.eligibility_rules), **fields)
    _add(rule, actor=actor, call=locked.code, kind=rule.kind)
    return rule


@transaction.atomic
def change_rule(rule: EligibilityRule, *, actor: Actor, **fields: Any) -> EligibilityRule:
    _editing(rule.call_id, actor)
    _change(rule, fields, RULE_FIELDS, actor=actor)
    return rule


@transaction.atomic
def remove_rule(rule: EligibilityRule, *, actor: Actor) -> None:
    _editing(rule.call_id, actor)
    _remove(rule, actor=actor)


# --- stages --------------------------------------------------------------------------------------------------------


@transaction.atomic
def add_stage(call: Call, *, actor: Actor, kind: str) -> Stage:
    """Add a stage of ``kind`` with sensible first values, before a closing decision, and return it."""
    locked = _editing(call, actor)
    if kind not in NEW_STAGE:
        raise DomainError(_("There is no such kind of stage."), code="stage_kind", field="kind")
    zh, en, days = NEW_STAGE[kind]
    stage = Stage(
        call=locked,
        position=_next(locked.stages),
        kind=kind,
        name_zh_hans=zh,
        name_en=en,
        working_days=days,
        acts=ACTS_OF_STAGE[kind][0],
        required_count=3 if kind == StageKind.EXPERT else 1,
        completion=COMPLETION_OF_STAGE[kind][0],
        on_negative=OnNegative.REJECT if kind == StageKind.SCREENING else OnNegative.CONTINUE,
    )
    _add(stage, actor=actor, call=locked.code, kind=kind)
    rows = list(locked.stages.order_by("position"))
    if kind != StageKind.DECISION and len(rows) > 1 and rows[-2].kind == StageKind.DECISION:
        _shift(rows, stage, -1)
    stage.refresh_from_db()
    return stage


@transaction.atomic
def change_stage(stage: Stage, *, actor: Actor, **fields: Any) -> Stage:
    _editing(stage.call_id, actor)
    _change(stage, fields, STAGE_FIELDS, actor=actor)
    return stage


@transaction.atomic
def move_stage(stage: Stage, *, actor: Actor, by: int) -> bool:
    """Move a stage one place earlier (``by`` < 0) or later; return whether it moved."""
    call = _editing(stage.call_id, actor)
    moved = _shift(list(call.stages.order_by("position")), stage, by)
    if moved:
        record("stage.move", stage, actor=actor, after={"by": by})
    return moved


@transaction.atomic
def remove_stage(stage: Stage, *, actor: Actor) -> None:
    call = _editing(stage.call_id, actor)
    _remove(stage, actor=actor)
    _number(list(call.stages.order_by("position")))


@transaction.atomic
def set_criteria(stage: Stage, rows: Sequence[Mapping[str, Any]], *, actor: Actor) -> list[Criterion]:
    """Replace the rubric or checklist of a stage by ``rows`` (``CRITERION_FIELDS``, ``pk`` for one that stays)."""
    _editing(stage.call_id, actor)
    if len(rows) > 40:
        raise DomainError(_("A stage has at most 40 criteria."), code="too_many")
    held = {criterion.pk: criterion for criterion in stage.criteria.all()}
    kept: list[Criterion] = []
    for position, row in enumerate(rows, 1):
        values = {name: row[name] for name in CRITERION_FIELDS if name in row}
        criterion = held.pop(row["pk"], None) if row.get("pk") else None
        if criterion is None:
            criterion = Criterion(stage=stage, position=position, **values)
            _add(criterion, actor=actor, stage=stage.pk)
        else:
            _change(criterion, values, CRITERION_FIELDS, actor=actor)
            if criterion.position != position:
                criterion.position = position
                criterion.save(update_fields=["position"])
        kept.append(criterion)
    for criterion in held.values():
        _remove(criterion, actor=actor)
    return kept


def new_criterion_kind(stage: Stage) -> str:
    """Return the kind of criterion a stage usually has: experts score, everyone else checks."""
    return CriterionKind.SCORE if stage.kind in (StageKind.EXPERT, StageKind.PANEL) else CriterionKind.CHECK


# --- texts of notices ----------------------------------------------------------------------------------------------


@transaction.atomic
def save_text(
    call: Call,
    kind: str,
    *,
    actor: Actor,
    subject_zh_hans: str = "",
    subject_en: str = "",
    body_zh_hans: str = "",
    body_en: str = "",
) -> CallText | None:
    """Store the call's own text of a kind of notice, in whatever state the call is; all empty: the portal's again.

    Raises ``DomainError`` for a name that is no merge field, or a text that is there in one language only.
    """
    locked = Call.objects.select_for_update(of=("self",)).get(pk=call.pk)
    require(actor, "funding.edit_call_texts", locked)
    known = KINDS.get(kind)
    if known is None or not known.per_call:
        raise DomainError(_("There is no such notice."), code="unknown_kind")
    values = {
        "subject_zh_hans": " ".join(subject_zh_hans.split()),
        "subject_en": " ".join(subject_en.split()),
        "body_zh_hans": body_zh_hans.strip(),
        "body_en": body_en.strip(),
    }
    text = CallText.objects.filter(call=locked, kind=kind).first()
    if not any(values.values()):
        if text is not None:
            _remove(text, actor=actor)
        return None
    _check_texts(kind, values)
    if text is None:
        text = CallText(call=locked, kind=kind, **values)
        _add(text, actor=actor, **values)
    else:
        _change(text, values, values.keys(), actor=actor)
    return text


def _check_texts(kind: str, values: Mapping[str, str]) -> None:
    problems = []
    for part in ("subject", "body"):
        zh, en = values[f"{part}_zh_hans"], values[f"{part}_en"]
        if bool(zh) != bool(en):
            message = _("Write it in both languages, or leave both empty to use the portal's text.")
            problems.append(Problem(message, field=f"{part}_en" if zh else f"{part}_zh_hans"))
    for name, value in values.items():
        try:
            check_text(KINDS[kind], value)
        except DomainError as error:
            problems += [Problem(problem.message, field=name) for problem in error.problems]
    if problems:
        raise DomainError(problems[0].message, code="text", field=problems[0].field, problems=problems)
