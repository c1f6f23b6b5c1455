"""Reports: laid out from the agreement, written, sent, returned, accepted; what waits for them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from funding.awards import services as awards
from funding.awards.hooks import turns_of
from funding.awards.models import Award
from funding.reports import services
from funding.reports.models import Expense, Report
from funding.reports.services import _months_later
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from park_portal.core.outbox.models import Message
from park_portal.core.workflow import SYSTEM
from tests.factories.awards import make_amendment, make_running
from tests.factories.core import make_staff
from tests.factories.decisions import TEN_THOUSAND
from tests.factories.reports import WRITTEN, add_expense, first_report, receipt, running, sent_report
from tests.funding.awards.test_agreements import refused
from tests.funding.awards.test_ending import acceptance_call

pytestmark = pytest.mark.django_db
WAN = TEN_THOUSAND


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 4, 1), 6, date(2026, 10, 1)),
    ],
)
def test_months_end_on_days_that_exist(day, months, later):
    assert _months_later(day, months) == later


def laid_out(award):
    return [
        (r.number, r.kind, r.period_from, r.period_to, r.due_on) for r in award.reports.order_by("due_on")
    ]


def test_reports_are_laid_out_from_the_agreement():
    """Eighteen months from 1 April 2026, every six months: three interim ones and the final one."""
    award = make_running(starts_on=date(2026, 4, 1), ends_on=date(2027, 10, 1))
    assert laid_out(award) == [
        (1, "interim", date(2026, 4, 1), date(2026, 9, 30), date(2026, 10, 30)),
        (2, "interim", date(2026, 10, 1), date(2027, 3, 31), date(2027, 4, 30)),
        (3, "interim", date(2027, 4, 1), date(2027, 9, 30), date(2027, 10, 30)),
        (4, "final", date(2026, 4, 1), date(2027, 10, 1), date(2027, 11, 30)),
    ]


def test_longer_award_gets_another_report_and_a_later_final_one():
    award = make_running(starts_on=date(2026, 4, 1), ends_on=date(2027, 10, 1))
    sent = services.save_report(award.reports.get(number=1), actor=SYSTEM, **WRITTEN)
    services.submit_report(sent, actor=SYSTEM)
    amendment = make_amendment(award, ends_on=date(2028, 4, 1))
    awards.approve_amendment(amendment, actor=make_staff("fund_manager"))
    assert [(row[0], row[1], row[3]) for row in laid_out(award)] == [
        (1, "interim", date(2026, 9, 30)),
        (2, "interim", date(2027, 3, 31)),
        (3, "interim", date(2027, 9, 30)),
        (5, "interim", date(2028, 3, 31)),
        (4, "final", date(2028, 4, 1)),
    ]
    # And shorter again: what nobody has begun to write goes.
    amendment = make_amendment(award, ends_on=date(2027, 3, 31))
    awards.approve_amendment(amendment, actor=make_staff("fund_manager"))
    assert [(row[0], row[1]) for row in laid_out(award)] == [(1, "interim"), (4, "final")]


def test_report_opens_with_what_the_portal_knows():
    award = running()
    milestone = award.milestones.get(number=1)
    awards.submit_milestone(
        milestone, actor=SYSTEM, technical_evidence="准确率 91 %", market_evidence="三家医院"
    )
    awards.meet_milestone(milestone, actor=make_staff("officer"))
    report = first_report(award)
    first = services.first_texts(report)
    assert (first["technical_evidence"], first["trl_now"]) == ("1 原型完成: 准确率 91 %", 5)
    services.save_report(report, actor=SYSTEM, **WRITTEN, next_steps="扩大样本")
    services.submit_report(report, actor=SYSTEM)
    later = award.reports.order_by("due_on")[1]
    assert "扩大样本" in services.first_texts(later)["progress"]
    services.save_report(later, actor=SYSTEM, progress="自己写的")
    later.refresh_from_db()
    assert services.first_texts(later)["progress"] == "自己写的"


def test_expenses_stand_against_the_budget_by_category():
    """Materials: 40 budgeted, 10 in an accepted report, 25 now, 5 left; then 36 in all is one too many."""
    award = running()
    report = first_report(award)
    services.save_report(report, actor=SYSTEM, **WRITTEN)
    add_expense(report, 10 * WAN)
    services.submit_report(report, actor=SYSTEM)
    services.accept_report(report, actor=make_staff("officer"))
    later = award.reports.order_by("due_on")[1]
    services.save_report(later, actor=SYSTEM, **WRITTEN)
    add_expense(later, 25 * WAN, spent_on=report.period_from)
    row = next(one for one in services.figures_of(later) if one.category.kind == "materials")
    assert (row.budget_fen, row.before_fen, row.now_fen, row.left_fen) == (
        40 * WAN,
        10 * WAN,
        25 * WAN,
        5 * WAN,
    )
    add_expense(later, 6 * WAN, spent_on=report.period_from)
    services.submit_report(later, actor=SYSTEM)
    with refused("not_acceptable") as error:
        services.accept_report(later, actor=make_staff("officer"))
    assert "¥10,000.00" in str(error.value.problems[0].message)
    later.refresh_from_db()
    assert later.state == "submitted"


def test_receipt_used_twice_needs_a_reason_and_is_found_in_other_awards():
    mine, other = first_report(), first_report()
    add_expense(other, receipt=receipt(text="同一张发票"))
    with refused("duplicate") as error:
        add_expense(mine, receipt=receipt(text="同一张发票"))
    assert other.award.number not in str(error.value)  # whose it is, is not told to strangers
    expense = add_expense(mine, receipt=receipt(text="同一张发票"), duplicate_note="两个项目分摊")
    (pair,) = services.duplicates_in(mine)
    assert (pair.expense, [one.report for one in pair.others]) == (expense, [other])


def test_expense_outside_the_award_s_time_is_refused():
    report = first_report()
    for day in (report.period_from - timedelta(days=1), timezone.localdate() + timedelta(days=1)):
        with refused("day"):
            add_expense(report, spent_on=day)
    assert Expense.objects.count() == 0


def test_report_is_sent_whole_and_once():
    report = first_report()
    with refused("incomplete") as error:
        services.submit_report(report, actor=SYSTEM)
    assert [problem.field for problem in error.value.problems] == [
        "progress",
        "technical_evidence",
        "market_evidence",
        "trl_now",
    ]
    services.save_report(report, actor=SYSTEM, **WRITTEN)
    services.submit_report(report, actor=SYSTEM)
    with pytest.raises(IllegalTransition):
        services.submit_report(report, actor=SYSTEM)
    with pytest.raises(IllegalTransition):
        services.save_report(report, actor=SYSTEM, progress="后来改的")
    with pytest.raises(IllegalTransition):
        add_expense(report)


def test_returned_report_is_changed_and_sent_again():
    report, officer = sent_report(), make_staff("officer")
    until = timezone.localdate() + timedelta(days=14)
    services.return_report(report, actor=officer, reason="支出缺少票据", until=until)
    report.refresh_from_db()
    assert (report.state, report.due_on, report.answer) == ("returned", until, "支出缺少票据")
    services.remove_expense(report.expenses.get(), actor=SYSTEM)
    services.submit_report(report, actor=SYSTEM)
    services.accept_report(report, actor=officer)
    report.refresh_from_db()
    assert (report.state, report.answer) == ("accepted", "")


def test_who_sent_a_report_does_not_accept_it_and_strangers_do_nothing():
    lead = make_staff("lead")
    report = sent_report()
    type(report).objects.filter(pk=report.pk).update(submitted_by=lead)
    with refused("own_report"):
        services.accept_report(report, actor=lead)
    for act in (
        lambda: services.accept_report(report, actor=make_staff("finance")),
        lambda: services.save_report(report, actor=make_staff("officer"), progress="x"),
    ):
        with pytest.raises(Forbidden):
            act()


def test_overdue_report_stops_the_next_tranche_until_it_is_sent():
    award = running()
    tranche = award.tranches.get(number=1)
    assert awards.stops_of(tranche) == []
    report = first_report(award)
    type(report).objects.filter(pk=report.pk).update(due_on=timezone.localdate() - timedelta(days=1))
    with refused("tranche_stopped") as error:
        awards.refuse_tranche(tranche)
    assert "逾期" in str(error.value.problems[0].message)
    services.save_report(report, actor=SYSTEM, **WRITTEN)
    services.submit_report(report, actor=SYSTEM)
    assert awards.stops_of(tranche) == []


def test_award_is_called_to_acceptance_once_all_reports_are_accepted():
    award = running()
    with refused("not_ready") as error:
        awards.call_to_acceptance(award, actor=make_staff("officer"), call=acceptance_call())
    assert len(error.value.problems) == award.reports.count()


def test_reminders_are_sent_once_for_each_day_due():
    report = first_report()
    today = report.due_on - timedelta(days=7)
    assert services.send_reminders(today - timedelta(days=1)) == 0
    services.send_reminders(today)
    services.send_reminders(today + timedelta(days=1))
    assert Message.objects.filter(key__startswith="report.soon:").count() == 1
    services.send_reminders(report.due_on + timedelta(days=1))
    services.send_reminders(report.due_on + timedelta(days=2))
    assert Message.objects.filter(key__startswith="report.overdue:").count() == 1


# --- what is spent stays covered


def spent(wan: int):
    """An award whose first report, accepted, spent this much on materials, of 40."""
    award = running()
    report = first_report(award)
    services.save_report(report, actor=SYSTEM, **WRITTEN)
    add_expense(report, wan * WAN)
    services.submit_report(report, actor=SYSTEM)
    services.accept_report(report, actor=make_staff("officer"))
    return award


def test_budget_is_not_shifted_away_from_under_what_was_spent():
    award = spent(35)
    shift = {
        "source": award.categories.get(kind="materials"),
        "target": award.categories.get(kind="equipment"),
        "reason": "x",
    }
    manager = make_staff("fund_manager")
    with refused("not_enough") as error:
        awards.shift_categories(award, actor=manager, amount_fen=5 * WAN + 1, **shift)
    assert "¥50,000.00" in str(error.value)
    awards.shift_categories(award, actor=manager, amount_fen=5 * WAN, **shift)


def test_amendment_does_not_take_what_was_spent():
    award = spent(35)
    cut = {"category": award.categories.get(kind="materials"), "tranche": award.tranches.get(number=3)}
    amendment = make_amendment(award, amount_fen=80 * WAN, **cut)
    with refused("spent"):
        awards.approve_amendment(amendment, actor=make_staff("fund_manager"))
    amendment.refresh_from_db()
    assert amendment.state == "proposed"


@pytest.mark.django_db(transaction=True)
def test_two_reports_accepted_at_once_count_against_the_same_budget():
    """25 and 25 of 40: whoever comes second waits, and is told."""
    award = running()
    reports = list(award.reports.order_by("due_on")[:2])
    for report in reports:
        services.save_report(report, actor=SYSTEM, **WRITTEN)
        add_expense(report, 25 * WAN, spent_on=award.agreement.starts_on)
        services.submit_report(report, actor=SYSTEM)
    officers = [make_staff("officer"), make_staff("officer")]
    done: list[str] = []

    def accept(number: int) -> None:
        try:
            services.accept_report(reports[number], actor=officers[number])
            done.append("accepted")
        except DomainError as error:
            done.append(error.code)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(accept, range(2)))
    assert sorted(done) == ["accepted", "not_acceptable"]


def test_returned_report_follows_the_agreement_and_keeps_its_own_day():
    award = make_running(starts_on=date(2025, 4, 1), ends_on=date(2026, 10, 1))
    final = award.reports.get(kind="final")
    services.save_report(final, actor=SYSTEM, **WRITTEN)
    services.submit_report(final, actor=SYSTEM)
    until = timezone.localdate() + timedelta(days=5)
    services.return_report(final, actor=make_staff("officer"), reason="x", until=until)
    amendment = make_amendment(award, ends_on=date(2027, 10, 1))
    awards.approve_amendment(amendment, actor=make_staff("fund_manager"))
    final.refresh_from_db()
    assert (final.period_to, final.due_on) == (date(2027, 10, 1), until)


def test_award_that_is_over_has_no_reports_to_be_written():
    award = running()
    report = first_report(award)
    awards.terminate_award(award, actor=make_staff("fund_manager"), reason="x")
    services.save_report(
        Report.objects.get(pk=report.pk), actor=SYSTEM, progress="终止前的工作"
    )  # still to be told
    awards.close_award(award, actor=make_staff("finance"))
    report = Report.objects.get(pk=report.pk)
    with pytest.raises(IllegalTransition):
        services.save_report(report, actor=SYSTEM, progress="x")
    with pytest.raises(IllegalTransition):
        services.submit_report(report, actor=SYSTEM)
    assert turns_of(Award.objects.get(pk=award.pk)) == []
