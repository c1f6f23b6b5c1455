"""Whether an applicant meets a call's conditions: worked out from what the portal knows, with reason and source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call, CallQuestion, EligibilityRule
from funding.calls.states import ApplicantKind, Purpose, QuestionKind, RuleKind
from incubator.organisations.models import Organisation
from incubator.projects.models import ResearchProject
from park_portal.core.money import FEN_PER_WAN, format_wan
from park_portal.core.policies.models import Unit
from park_portal.core.policies.services import PolicyMissing, PolicyValue, policy

__all__ = ["Case", "Finding", "evaluate", "evaluate_case"]


@dataclass(frozen=True)
class Finding:
    """What came of one rule: met, not met, or not known yet, with the reason in the reader's language.

    ``fix`` is the page (or the anchor in the form) where the applicant can change it; a rule that is not known and has
    none is left to the park office.
    """

    rule: EligibilityRule
    met: bool | None
    reason: str
    source: str = ""
    unconfirmed: bool = False
    fix: str = ""
    # The rule as it reads with its value.
    title: str = ""

    @property
    def is_in_form(self) -> bool:
        """Whether ``fix`` is a place in the application's form, not a page of its own."""
        return self.fix.startswith("#")

    @property
    def blocks(self) -> bool:
        """Whether the application cannot be submitted because of it."""
        return self.met is False or (self.met is None and self.fix != "")

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.rule.kind,
            "title": self.title,
            "met": self.met,
            "reason": self.reason,
            "source": self.source,
            "unconfirmed": self.unconfirmed,
        }


@dataclass(frozen=True)
class Case:
    """Who applies to which call and what is asked for: all that the rules look at.

    ``trl`` is the level given in the application, if any; ``application_id`` the application itself, so that it is not
    counted against its own applicant.
    """

    call: Call
    kind: str
    organisation: Organisation | None = None
    project: ResearchProject | None = None
    amount_fen: int | None = None
    amount_anchor: str = ""
    trl: int | None = None
    trl_anchor: str = ""
    application_id: int | None = None


@dataclass(frozen=True)
class _Value:
    """The figure a rule compares with, and where it comes from."""

    amount: Decimal | None
    source: str
    unconfirmed: bool
    missing: bool = False


# Rules about a company say nothing of a research team, and the other way round.
_ONLY_FOR: Final[dict[str, str]] = {
    RuleKind.MAX_AGE: ApplicantKind.ORGANISATION,
    RuleKind.MIN_AGE: ApplicantKind.ORGANISATION,
    RuleKind.IN_DISTRICT: ApplicantKind.ORGANISATION,
    RuleKind.HAS_USCC: ApplicantKind.ORGANISATION,
    RuleKind.UNIVERSITY: ApplicantKind.PROJECT,
}


def evaluate(application: Application) -> list[Finding]:
    """Return what comes of each rule of the call that concerns this applicant, in the order staff gave them."""
    questions = list(
        application.call.questions.select_related("question").filter(
            question__kind__in=[QuestionKind.TRL, QuestionKind.MONEY]
        )
    )
    values = dict(
        application.answers.filter(question__in=questions).values_list("question__question__key", "value")
    )
    return evaluate_case(case_of(application, questions, values))


def case_of(application: Application, questions: Iterable[CallQuestion], values: Mapping[str, Any]) -> Case:
    """Return what the rules look at for ``application`` as it is typed now: its form and its answers by key."""
    trl, trl_anchor, amount_anchor = None, "", ""
    for question in questions:
        if question.kind == QuestionKind.TRL and not trl_anchor:
            trl_anchor = f"#q-{question.key}"
            trl = _level(values.get(question.key))
        elif question.purpose == Purpose.AMOUNT:
            amount_anchor = f"#q-{question.key}"
    return Case(
        call=application.call,
        kind=application.kind,
        organisation=application.organisation,
        project=application.project,
        amount_fen=application.amount_fen,
        amount_anchor=amount_anchor,
        trl=trl,
        trl_anchor=trl_anchor,
        application_id=application.pk,
    )


def evaluate_case(case: Case) -> list[Finding]:
    """Return the findings of ``case``; used for the form and for the preview before anything is begun."""
    findings = []
    for rule in case.call.eligibility_rules.select_related("organisation"):
        if rule.applies_to and rule.applies_to != case.kind:
            continue
        if _ONLY_FOR.get(rule.kind, case.kind) != case.kind:
            continue
        value = _value_of(rule, on=timezone.localdate(case.call.closes_at))
        title = _title(rule, value.amount)
        if value.missing:
            reason = _(
                "The dated rule that this relies on has no value in force; the park office will check."
            )
            findings.append(Finding(rule, None, reason, value.source, unconfirmed=True, title=title))
            continue
        met, reason, fix = _CHECKS[rule.kind](case, rule, value.amount)
        findings.append(Finding(rule, met, reason, value.source, value.unconfirmed, fix, title))
    return findings


def _title(rule: EligibilityRule, value: Decimal | None) -> str:
    """Return the rule as a sentence with its value, such as “Company founded at most 24 months before…”."""
    number = f"{value.normalize():f}" if value is not None else "…"
    texts: dict[str, str] = {
        RuleKind.MAX_AGE: _("Company founded at most %(number)s months before the call closes"),
        RuleKind.MIN_AGE: _("Company founded at least %(number)s months before the call closes"),
        RuleKind.IN_DISTRICT: _("Registered in Qingpu District"),
        RuleKind.HAS_USCC: _("Unified Social Credit Code on file"),
        RuleKind.UNIVERSITY: _("Project of %(university)s"),
        RuleKind.MIN_TRL: _("TRL %(number)s or higher"),
        RuleKind.MAX_TRL: _("TRL %(number)s or lower"),
        RuleKind.MIN_AMOUNT: _("Amount requested of at least %(amount)s"),
        RuleKind.MAX_AMOUNT: _("Amount requested of at most %(amount)s"),
        RuleKind.MAX_APPLICATIONS: ngettext(
            "At most %(number)s application of one applicant to this call",
            "At most %(number)s applications of one applicant to this call",
            int(value or 0),
        ),
        RuleKind.NO_OPEN_AWARD: _("No running award of the same fund"),
    }
    amount = format_wan(int(value * FEN_PER_WAN)) if value is not None else "…"
    university = str(rule.organisation) if rule.organisation_id else "…"
    return texts[rule.kind] % {"number": number, "amount": amount, "university": university}


def _value_of(rule: EligibilityRule, *, on: date) -> _Value:
    """Return the figure of ``rule``: the dated policy it names, in the rule's own unit, or the value staff wrote."""
    if not rule.policy_key:
        return _Value(rule.value, rule.source, unconfirmed=False)
    try:
        row: PolicyValue = policy(rule.policy_key, on=on)
    except PolicyMissing:
        return _Value(None, rule.policy_key, unconfirmed=True, missing=True)
    amount = row.value
    if rule.kind in (RuleKind.MAX_AGE, RuleKind.MIN_AGE) and row.unit == Unit.YEARS:
        amount *= 12
    if rule.kind in (RuleKind.MIN_AMOUNT, RuleKind.MAX_AMOUNT) and row.unit == Unit.YUAN:
        amount /= 10_000
    return _Value(amount, rule.source or row.source, unconfirmed=not row.verified)


Outcome = tuple[bool | None, str, str]
Check = Callable[[Case, EligibilityRule, Decimal | None], Outcome]


def _level(value: Any) -> int | None:
    """Return the TRL that an answer of that kind holds: a bare number or a record with one."""
    if isinstance(value, dict):
        value = value.get("level", value.get("trl"))
    try:
        return int(value) if value is not None else None
    except (TypeError, ValueError):
        return None


def _page(name: str, *args: Any) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:  # an installation without these pages still has the rule
        return ""


def _profile(organisation: Organisation) -> str:
    return _page("organisations:edit", organisation.pk) or _page("organisations:detail", organisation.pk)


def _age(case: Case, number: Decimal | None, *, at_most: bool) -> Outcome:
    organisation = case.organisation
    assert organisation is not None
    closing = timezone.localdate(case.call.closes_at)
    months = organisation.age_in_months(closing)
    if months is None or number is None:
        return None, _("The founding date of the company is not on file."), _profile(organisation)
    text = ngettext(
        "Founded on %(date)s: %(months)d month old when the call closes.",
        "Founded on %(date)s: %(months)d months old when the call closes.",
        months,
    ) % {"date": organisation.founded_on, "months": months}
    if not at_most:
        return months >= number, text, ""
    # “At most 24 months” is over the day after the 24th month is full, not a month later.
    founded = organisation.founded_on
    assert founded is not None
    exactly = months == number and founded.day == closing.day
    return months < number or exactly, text, ""


def _max_age(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    return _age(case, number, at_most=True)


def _min_age(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    return _age(case, number, at_most=False)


def _in_district(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    organisation = case.organisation
    assert organisation is not None
    place = " ".join(part for part in (organisation.district, organisation.registered_address) if part)
    if not place:
        return None, _("The registered address is not on file."), _profile(organisation)
    if organisation.in_qingpu:
        return True, _("Registered at: %(place)s.") % {"place": place}, ""
    return False, _("Registered at: %(place)s, which is not in Qingpu.") % {"place": place}, ""


def _has_uscc(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    organisation = case.organisation
    assert organisation is not None
    if organisation.uscc:
        return True, _("On file: %(code)s.") % {"code": organisation.uscc}, ""
    return None, _("The Unified Social Credit Code is not on file."), _profile(organisation)


def _university(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    project, wanted = case.project, rule.organisation
    assert project is not None
    if project.university is None:
        return (
            None,
            _("The project names no university that the portal knows."),
            _page("projects:edit", project.pk),
        )
    met = wanted is None or project.university.survivor.pk == wanted.survivor.pk
    return met, _("Project of %(university)s.") % {"university": project.university}, ""


def _trl(case: Case, number: Decimal | None, *, at_most: bool) -> Outcome:
    level = case.trl
    if level is None and case.project is not None:
        level = case.project.trl
    if level is None:
        fix = case.trl_anchor or (_page("projects:edit", case.project.pk) if case.project else "")
        return None, _("The technology readiness level is not given yet."), fix
    met = number is None or (level <= number if at_most else level >= number)
    return met, _("TRL given: %(level)d.") % {"level": level}, case.trl_anchor


def _min_trl(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    return _trl(case, number, at_most=False)


def _max_trl(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    return _trl(case, number, at_most=True)


def _amount(case: Case, number: Decimal | None, *, at_most: bool) -> Outcome:
    if case.amount_fen is None:
        return None, _("The amount requested is not given yet."), case.amount_anchor
    limit = int((number or 0) * FEN_PER_WAN)
    met = case.amount_fen <= limit if at_most else case.amount_fen >= limit
    return (
        met,
        _("Amount requested: %(amount)s.") % {"amount": format_wan(case.amount_fen)},
        case.amount_anchor,
    )


def _min_amount(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    return _amount(case, number, at_most=False)


def _max_amount(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    return _amount(case, number, at_most=True)


def _max_applications(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    others = Application.objects.filter(call=case.call, kind=case.kind)
    if case.application_id is not None:
        others = others.exclude(pk=case.application_id)
    if case.kind == ApplicantKind.ORGANISATION:
        others = others.filter(organisation=case.organisation)
    else:
        others = others.filter(project=case.project)
    # A draft takes a place only once it is submitted; what was withdrawn gives its place back.
    count = others.exclude(state__in=[ApplicationState.DRAFT, ApplicationState.WITHDRAWN]).count()
    met = number is None or count + 1 <= number
    if not count:
        return met, _("This applicant has sent no other application to this call."), ""
    text = ngettext(
        "This applicant has sent %(count)d other application to this call.",
        "This applicant has sent %(count)d other applications to this call.",
        count,
    )
    return met, text % {"count": count}, ""


def _no_open_award(case: Case, rule: EligibilityRule, number: Decimal | None) -> Outcome:
    applicant = case.organisation if case.kind == ApplicantKind.ORGANISATION else case.project
    assert applicant is not None
    # The room of awards lies above this one; its rows are reached from the applicant's side.
    running = applicant.awards.filter(fund_id=case.call.fund_id).exclude(state="lapsed").first()
    if running is None:
        return True, _("No award of this fund is running."), ""
    return False, _("Award %(number)s of this fund is running.") % {"number": running.number}, ""


_CHECKS: Final[dict[str, Check]] = {
    RuleKind.MAX_AGE: _max_age,
    RuleKind.MIN_AGE: _min_age,
    RuleKind.IN_DISTRICT: _in_district,
    RuleKind.HAS_USCC: _has_uscc,
    RuleKind.UNIVERSITY: _university,
    RuleKind.MIN_TRL: _min_trl,
    RuleKind.MAX_TRL: _max_trl,
    RuleKind.MIN_AMOUNT: _min_amount,
    RuleKind.MAX_AMOUNT: _max_amount,
    RuleKind.MAX_APPLICATIONS: _max_applications,
    RuleKind.NO_OPEN_AWARD: _no_open_award,
}
