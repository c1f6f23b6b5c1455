"""What a call says of itself, in sentences: who may apply and why, what each stage takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from funding.calls.body import blocks_of
from funding.calls.models import Call, EligibilityRule, Stage
from funding.calls.services import form_of
from funding.calls.states import (
    Acts,
    ApplicantKind,
    CallState,
    Completion,
    OnNegative,
    RuleKind,
    StageKind,
)
from park_portal.core.money import format_wan
from park_portal.core.policies.models import PolicyValue


@dataclass(frozen=True)
class RuleText:
    """One eligibility rule as people read it."""

    rule: EligibilityRule
    text: str
    audience: str
    source: str
    unconfirmed: bool


def rules_of(call: Call) -> list[RuleText]:
    """Return the call's eligibility rules in words, with source and how sure it is: at most two queries."""
    rules = list(call.eligibility_rules.select_related("organisation"))
    keys = {rule.policy_key for rule in rules if rule.policy_key}
    policies: dict[str, PolicyValue] = {}
    if keys:
        in_force = PolicyValue.objects.in_force(timezone.localdate(call.opens_at))
        policies = {row.key: row for row in in_force.filter(key__in=keys)}
    return [_rule_text(rule, policies.get(rule.policy_key)) for rule in rules]


def _rule_text(rule: EligibilityRule, policy: PolicyValue | None) -> RuleText:
    value = policy.value if policy is not None else rule.value
    text = str(rule.get_kind_display())
    if rule.kind == RuleKind.UNIVERSITY and rule.organisation is not None:
        text = _("project of %(university)s") % {"university": rule.organisation.name}
    elif rule.kind == RuleKind.MAX_APPLICATIONS and value == 1:
        text = _("at most one application to this call")
    elif value is not None:
        text = text.replace("…", _figure(value))
    return RuleText(
        rule=rule,
        text=text[:1].upper() + text[1:],
        audience=str(ApplicantKind(rule.applies_to).label) if rule.applies_to else _("every applicant"),
        source=rule.source or (policy.source if policy is not None else _("this call")),
        unconfirmed=policy is not None and not policy.verified,
    )


def _figure(value: Decimal) -> str:
    return f"{value.normalize():,f}"


@dataclass(frozen=True)
class StageText:
    """One stage as people read it."""

    stage: Stage
    who: str
    days: str
    completes: str
    negative: str


def stages_of(call: Call) -> list[StageText]:
    """Return the stages in order and in words: one query."""
    return [stage_text(stage) for stage in call.stages.all()]


def stage_text(stage: Stage) -> StageText:
    """Return one stage in words."""
    days = ngettext("%(count)d working day", "%(count)d working days", stage.working_days)
    return StageText(
        stage=stage,
        who=_who(stage),
        days=days % {"count": stage.working_days},
        completes=_completes(stage),
        negative=str(stage.get_on_negative_display()) if stage.on_negative == OnNegative.REJECT else "",
    )


def _who(stage: Stage) -> str:
    if stage.kind == StageKind.NOTICE:
        return _("open to everyone")
    if stage.acts == Acts.EXPERT:
        text = ngettext("%(count)d expert", "%(count)d experts", stage.required_count)
        found = text % {"count": stage.required_count}
        if stage.is_double_blind:
            return _("%(experts)s, double-blind") % {"experts": found}
        if stage.is_open:
            return _("%(experts)s, named to the applicant after the decision") % {"experts": found}
        return found
    return str(stage.get_acts_display())


def _completes(stage: Stage) -> str:
    if stage.completion == Completion.COUNT:
        text = ngettext("%(count)d opinion is in", "%(count)d opinions are in", stage.required_count)
        return text % {"count": stage.required_count}
    return str(stage.get_completion_display())


def applicants_text(kinds: Iterable[str]) -> str:
    """Return who may apply, in one line."""
    return str(_(", ")).join(str(ApplicantKind(kind).label) for kind in kinds)


def state_of(call: Call, now: datetime) -> tuple[str, str]:
    """Return the state of a call by the clock, in words, with its tone: the beat may be a few seconds behind."""
    if call.state in (CallState.PUBLISHED, CallState.OPEN):
        if now < call.opens_at:
            return pgettext("call", "Opens soon"), "info"
        if now < call.closes_at:
            return pgettext("call", "Open"), "good"
        return pgettext("call", "Closed"), "neutral"
    return str(call.get_state_display()), "neutral"


def amounts_text(call: Call) -> str:
    """Return the amounts that one project may ask for, in one line."""
    low, high = call.min_amount_fen, call.max_amount_fen
    if low is not None and high is not None:
        return _("%(low)s to %(high)s") % {"low": format_wan(low), "high": format_wan(high)}
    if high is not None:
        return _("up to %(high)s") % {"high": format_wan(high)}
    if low is not None:
        return _("from %(low)s") % {"low": format_wan(low)}
    return ""


def call_context(call: Call, now: datetime) -> dict[str, Any]:
    """Return what the public page of a call shows; the admin's preview shows the same."""
    form = form_of(call)
    return {
        "call": call,
        "blocks": blocks_of(call.body or ""),
        "rules": rules_of(call),
        "stages": stages_of(call),
        "sections": form,
        "question_count": sum(len(section.questions.all()) for section in form),
        "applicants": applicants_text(call.applicants),
        "amounts": amounts_text(call),
        "takes_new": call.takes_new_drafts(now),
        "is_coming": now < call.opens_at and call.state != CallState.CLOSED,
    }
