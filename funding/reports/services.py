"""Reports: laid out from the agreement, written with expenses and receipts, sent, returned or accepted."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.core.files.base import File
from django.db import models, transaction
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from funding.awards.hooks import counts_spent, stops_acceptance, stops_tranche, when_amended, when_started
from funding.awards.models import Agreement, Award, BudgetCategory, Tranche
from funding.awards.services.people import tell_grantee, tell_staff
from funding.awards.states import AwardState, MilestoneState
from funding.reports.models import TEXTS, Expense, Report, label_of
from funding.reports.states import OPEN, ReportKind, ReportState
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.documents import formats
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import readable, store_document
from park_portal.core.errors import DomainError, IllegalTransition, Problem
from park_portal.core.money import format_yuan
from park_portal.core.policies.services import in_force
from park_portal.core.text import clean
from park_portal.core.workflow import advance, require

# Days after the end of its period by which a report is due, and of a reminder before that.
INTERIM_DAYS: Final = "award.interim_report_days"
FINAL_DAYS: Final = "award.final_report_days"
REMIND_DAYS: Final = "award.report_reminder_days"
RECEIPTS: Final = frozenset({formats.PDF, formats.JPEG, formats.PNG, formats.WEBP})
NEEDED: Final = ("progress", "technical_evidence", "market_evidence")
UNDER_WAY: Final = (AwardState.RUNNING, AwardState.SUSPENDED)
# Also who was stopped tells what was done and spent.
WRITABLE: Final = (*UNDER_WAY, AwardState.TERMINATED)


# --- the schedule


@dataclass(frozen=True)
class Slot:
    """One report as the agreement asks for it."""

    kind: str
    period_from: date
    period_to: date
    due_on: date


def _months_later(day: date, months: int) -> date:
    """Return the same day so many months later; the last of the month where that has none."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def schedule_of(agreement: Agreement) -> list[Slot]:
    """Return the reports that ``agreement`` asks for: one every so many months while it runs, and one on all of it."""
    days = in_force([INTERIM_DAYS, FINAL_DAYS], on=agreement.starts_on)
    interim, final = (timedelta(days=int(days[key].value)) for key in (INTERIM_DAYS, FINAL_DAYS))
    slots, number = [], 1
    while (ends := _months_later(agreement.starts_on, number * agreement.report_months)) <= agreement.ends_on:
        begins = _months_later(agreement.starts_on, (number - 1) * agreement.report_months)
        last = ends - timedelta(days=1)
        slots.append(Slot(ReportKind.INTERIM, begins, last, last + interim))
        number += 1
    slots.append(Slot(ReportKind.FINAL, agreement.starts_on, agreement.ends_on, agreement.ends_on + final))
    return slots


@when_started
@when_amended
def lay_out_reports(award: Award, actor: Actor) -> None:
    """Make the reports of ``award`` what its agreement asks for; those that were begun to be written or sent stay."""
    wanted = {(slot.kind, slot.period_from): slot for slot in schedule_of(Agreement.objects.get(award=award))}
    before = after = 0
    for report in Report.objects.select_for_update().filter(award=award):
        slot = wanted.pop((report.kind, report.period_from), None)
        before += 1
        if slot is not None and report.is_open:
            # What was returned has a day of its own by which it is to be sent again.
            is_due = report.state == ReportState.DUE
            report.period_to, report.due_on = slot.period_to, slot.due_on if is_due else report.due_on
            report.save(update_fields=["period_to", "due_on"])
            after += 1
        elif (
            report.state != ReportState.DUE
            or report.expenses.exists()
            or any(getattr(report, name) for name in TEXTS)
        ):
            after += 1
        else:
            report.delete()
    last = Report.objects.filter(award=award).aggregate(last=models.Max("number"))["last"] or 0
    for number, slot in enumerate(wanted.values(), last + 1):
        Report.objects.create(award=award, number=number, **vars(slot))
    if (before, after) != (after, after + len(wanted)):
        record(
            "award.reports",
            award,
            actor=actor,
            before={"reports": before},
            after={"reports": after + len(wanted)},
        )


# --- what the portal knows already


@dataclass(frozen=True)
class CategoryFigures:
    """One budget category in a report, in fen: its budget, what earlier reports spent, this one, both, and what is left."""

    category: BudgetCategory
    budget_fen: int
    before_fen: int
    now_fen: int

    @property
    def total_fen(self) -> int:
        return self.before_fen + self.now_fen

    @property
    def left_fen(self) -> int:
        return self.budget_fen - self.total_fen


def figures_of(report: Report) -> list[CategoryFigures]:
    """Return the expenses of ``report`` against the budget, by category; earlier ones are those of accepted reports."""
    mine = _sums(Expense.objects.filter(report=report))
    earlier = _sums(
        Expense.objects.filter(report__award=report.award_id, report__state=ReportState.ACCEPTED).exclude(
            report=report
        )
    )
    return [
        CategoryFigures(one, one.amount_fen, earlier.get(one.pk, 0), mine.get(one.pk, 0))
        for one in BudgetCategory.objects.filter(award=report.award_id).order_by("pk")
    ]


def _sums(rows: models.QuerySet[Expense]) -> dict[int, int]:
    return dict(rows.order_by().values_list("category").annotate(sum=Sum("amount_fen")))


def first_texts(report: Report) -> dict[str, Any]:
    """Return what a report that nobody has begun to write opens with: milestones met, and what the last one announced."""
    if any(getattr(report, name) for name in TEXTS) or report.trl_now is not None:
        return {name: getattr(report, name) for name in (*TEXTS, "trl_now")}
    award, texts = report.award, dict.fromkeys(TEXTS, "")
    last = Report.objects.filter(award=award).exclude(submitted_at=None).order_by("-submitted_at").first()
    met = list(award.milestones.filter(state=MilestoneState.MET).order_by("number"))
    if last is not None and last.next_steps:
        texts["progress"] = _("Announced in the last report: %(text)s") % {"text": last.next_steps}
    for name in ("technical_evidence", "market_evidence"):
        texts[name] = "\n".join(
            f"{milestone}: {getattr(milestone, name)}"
            for milestone in met
            if milestone.submitted_at and timezone.localdate(milestone.submitted_at) >= report.period_from
        )
    levels = [milestone.trl for milestone in met if milestone.trl]
    start = Agreement.objects.filter(award=award).values_list("trl_start", flat=True).first()
    return {**texts, "trl_now": max([*levels, (last.trl_now if last else None) or start or 1])}


@dataclass(frozen=True)
class Duplicate:
    """An expense whose receipt another one uses as well."""

    expense: Expense
    others: list[Expense]


def duplicates_in(report: Report) -> list[Duplicate]:
    """Return the expenses of ``report`` whose receipt is used elsewhere too, with where."""
    mine = list(report.expenses.select_related("category"))
    found: dict[str, list[Expense]] = {}
    others = Expense.objects.filter(receipt_sha256__in={one.receipt_sha256 for one in mine})
    for other in others.select_related("report__award").order_by("pk"):
        found.setdefault(other.receipt_sha256, []).append(other)
    pairs = [Duplicate(one, [o for o in found[one.receipt_sha256] if o.pk != one.pk]) for one in mine]
    return [pair for pair in pairs if pair.others]


# --- writing


def _lock_open(report: Report, actor: Actor) -> Report:
    require(actor, "funding.write_report", report)
    held = (
        Report.objects.select_for_update(of=("self",)).select_related("award__application").get(pk=report.pk)
    )
    if not held.is_open:
        raise IllegalTransition(state=held.state)
    _refuse_over(held)
    return held


def is_writable(report: Report) -> bool:
    """Whether the grantee may still write ``report``: it is not sent, and its award not over."""
    return report.is_open and report.award.state in WRITABLE


def _refuse_over(report: Report) -> None:
    award = report.award
    if award.state not in WRITABLE:
        raise IllegalTransition(
            _("The award is not running: %(state)s.") % {"state": award.get_state_display()},
            state=award.state,
        )


def save_report(report: Report, *, actor: Actor, **values: Any) -> Report:
    """Keep what was written so far; nothing need be complete."""
    with transaction.atomic():
        held = _lock_open(report, actor)
        before = {key: getattr(held, key) for key in values}
        for key, value in values.items():
            setattr(held, key, clean(value).strip() if isinstance(value, str) else value)
        checked(held)
        held.save(update_fields=list(values))
        after = {key: getattr(held, key) for key in values}
        if after != before:
            record(
                "report.write",
                held,
                actor=actor,
                after={"changed": [k for k in after if after[k] != before[k]]},
            )
    return held


def add_expense(
    report: Report,
    *,
    actor: Actor,
    category: BudgetCategory,
    spent_on: date,
    payee: str,
    purpose: str,
    amount_fen: int,
    receipt: File,
    duplicate_note: str = "",
) -> Expense:
    """Add one expense with its receipt (a photo or PDF).

    Raises ``DomainError`` for a day outside the award's time, a category of another award, and for a receipt that was used
    before, anywhere, unless ``duplicate_note`` says why.
    """
    with transaction.atomic():
        held = _lock_open(report, actor)
        agreement = Agreement.objects.get(award=held.award_id)
        last = min(held.period_to, timezone.localdate())
        if not agreement.starts_on <= spent_on <= last:
            raise DomainError(
                _("The day must be between %(first)s and %(last)s.")
                % {"first": agreement.starts_on.isoformat(), "last": last.isoformat()},
                code="day",
                field="spent_on",
            )
        if category.award_id != held.award_id:
            raise DomainError(_("This category is of another award."), code="category", field="category")
        document = store_document(receipt, actor=actor, subject=held, kind="receipt", allowed=RECEIPTS)
        used = Expense.objects.filter(receipt_sha256=document.sha256).select_related("report__award").first()
        if used is not None and not duplicate_note.strip():
            mine = used.report.award_id == held.award_id
            raise DomainError(
                _("This receipt was used already: %(where)s. Say why it is used again, or leave it out.")
                % {"where": f"{used.report}, {used}" if mine else _("in another award")},
                code="duplicate",
                field="duplicate_note",
            )
        expense = Expense(
            report=held,
            category=category,
            spent_on=spent_on,
            payee=payee,
            purpose=purpose,
            amount_fen=amount_fen,
            receipt=document,
            receipt_sha256=document.sha256,
            duplicate_note=duplicate_note.strip(),
        )
        checked(expense)
        expense.save(force_insert=True)
        record("report.expense", held, actor=actor, after={"amount_fen": amount_fen, "purpose": purpose})
    return expense


def remove_expense(expense: Expense, *, actor: Actor) -> Report:
    """Take an expense out of a report that is still being written."""
    with transaction.atomic():
        held = _lock_open(expense.report, actor)
        record(
            "report.expense_removed",
            held,
            actor=actor,
            before={"amount_fen": expense.amount_fen, "purpose": expense.purpose},
        )
        expense.delete()
    return held


def problems_of_report(report: Report) -> list[Problem]:
    """Return what is missing before ``report`` can be sent."""
    problems = [
        Problem(_("“%(field)s” is empty.") % {"field": label_of(name)}, field=name)
        for name in NEEDED
        if not getattr(report, name)
    ]
    if report.trl_now is None:
        problems.append(Problem(_("Say which TRL is reached now."), field="trl_now"))
    return problems


def submit_report(report: Report, *, actor: Actor) -> Report:
    """Send a report to the park; raises ``DomainError`` with all that is missing."""
    with transaction.atomic():
        require(actor, "funding.write_report", report)
        held = (
            Report.objects.select_for_update(of=("self",))
            .select_related("award__application")
            .get(pk=report.pk)
        )
        _refuse_over(held)
        if held.is_open and (problems := problems_of_report(held)):
            raise DomainError(_("The report is not complete."), code="incomplete", problems=problems)
        now = timezone.now()
        changes = {
            "submitted_by_id": actor.pk,
            "submitted_at": now,
            "decided_by": None,
            "decided_at": None,
            "answer": "",
        }
        done = advance(held, "submit", actor=actor, changes=changes)
        tell_staff(
            "report.sent",
            done.award,
            roles=(StaffRole.OFFICER,),
            key=f"{done.pk}/{now:%Y%m%d%H%M%S}",
            link=reverse("admin:funding_report_change", args=[done.pk]),
            **_named(done),
        )
    return done


def _named(report: Report) -> dict[str, Any]:
    names = {}
    for language in ("zh-hans", "en"):
        with override(language):
            names[language] = str(report)
    return {"report": names, "due": report.due_on.isoformat(), "reason": report.answer}


# --- deciding


def _refuse_own(report: Report, actor: Actor) -> None:
    if actor.pk is not None and report.submitted_by_id == actor.pk:
        raise DomainError(_("Who sent a report does not decide on it."), code="own_report")


def return_report(report: Report, *, actor: Actor, reason: str, until: date) -> Report:
    """Send a report back with what is to be changed, and until when."""
    if until < timezone.localdate():
        raise DomainError(_("This day is over."), code="past", field="until")
    with transaction.atomic():
        _refuse_own(report, actor)
        now = timezone.now()
        changes = {"decided_by_id": actor.pk, "decided_at": now, "answer": reason[:1000], "due_on": until}
        done = advance(report, "return", actor=actor, reason=reason, changes=changes)
        tell_grantee("report.returned", done.award, key=f"{done.pk}/{now:%Y%m%d%H%M%S}", **_named(done))
    return done


def problems_of_acceptance(report: Report) -> list[Problem]:
    """Return why ``report`` cannot be accepted: more spent than the budget has, receipts used twice unexplained."""
    problems = [
        Problem(
            _(
                "“%(category)s”: %(total)s was spent, %(over)s more than the budget. Shift budget first, or return the report."
            )
            % {
                "category": row.category,
                "total": format_yuan(row.total_fen),
                "over": format_yuan(-row.left_fen),
            }
        )
        for row in figures_of(report)
        if row.left_fen < 0
    ]
    problems += [
        Problem(
            _("The receipt of “%(expense)s” is used elsewhere too, and nobody says why.")
            % {"expense": pair.expense}
        )
        for pair in duplicates_in(report)
        if not pair.expense.duplicate_note and any(other.pk < pair.expense.pk for other in pair.others)
    ]
    return problems


def refuse_unacceptable(report: Report, actor: Actor) -> None:
    """Raise ``DomainError`` with all problems while ``report`` cannot be accepted."""
    if problems := problems_of_acceptance(report):
        raise DomainError(_("This report cannot be accepted."), code="not_acceptable", problems=problems)


def accept_report(report: Report, *, actor: Actor) -> Report:
    """Accept a report: its expenses count against the budget from now on."""
    with transaction.atomic():
        # Two reports of one award, and shifts of its budget, wait for each other: all count against the same amounts.
        Award.objects.select_for_update().get(pk=report.award_id)
        held = (
            Report.objects.select_for_update(of=("self",))
            .select_related("award__application")
            .get(pk=report.pk)
        )
        require(actor, "funding.decide_report", held)
        _refuse_own(held, actor)
        if held.state == ReportState.SUBMITTED:
            refuse_unacceptable(held, actor)
        done = advance(
            held, "accept", actor=actor, changes={"decided_by_id": actor.pk, "decided_at": timezone.now()}
        )
        tell_grantee("report.accepted", done.award, key=f"{done.pk}", **_named(done))
    return done


# --- what others wait for


@counts_spent
def accepted_expenses(category: BudgetCategory) -> int:
    """What accepted reports have spent of a category."""
    rows = Expense.objects.filter(category=category, report__state=ReportState.ACCEPTED)
    return rows.aggregate(sum=Sum("amount_fen"))["sum"] or 0


@stops_tranche
def overdue_reports(tranche: Tranche) -> Iterator[Problem]:
    """Nothing is paid while a report is overdue."""
    late = Report.objects.filter(
        award=tranche.award_id, state__in=OPEN, due_on__lt=timezone.localdate()
    ).select_related("award")
    for report in late:
        yield Problem(
            _("%(report)s is overdue since %(day)s.") % {"report": report, "day": report.due_on.isoformat()}
        )


@stops_acceptance
def reports_missing(award: Award) -> Iterator[Problem]:
    """An award is accepted on the strength of its reports."""
    for report in (
        Report.objects.filter(award=award).exclude(state=ReportState.ACCEPTED).select_related("award")
    ):
        yield Problem(
            _("%(report)s is not accepted: %(state)s.")
            % {"report": report, "state": report.get_state_display()}
        )


def send_reminders(today: date | None = None) -> int:
    """Remind of reports that are due soon, and of those that are overdue, once for each day they are due; return how many."""
    day = today or timezone.localdate()
    soon = day + timedelta(days=int(in_force([REMIND_DAYS], on=day)[REMIND_DAYS].value))
    rows = Report.objects.filter(state__in=OPEN, due_on__lte=soon, award__state__in=UNDER_WAY)
    told = 0
    for report in rows.select_related("award__application", "award__organisation", "award__project"):
        kind = "report.overdue" if report.due_on < day else "report.soon"
        tell_grantee(kind, report.award, key=f"{report.pk}/{report.due_on}", **_named(report))
        told += 1
    return told


@readable("funding.report")
def reads_receipt(user: Any, document: Document) -> bool:
    """Whoever sees the award reads the receipts of its reports."""
    return Report.objects.visible_to(user).filter(pk=document.subject_id).exists()
