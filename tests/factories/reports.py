"""Reports of awards for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from funding.awards.models import Award
from funding.reports import services
from funding.reports.models import Expense, Report
from incubator.organisations.models import Organisation
from park_portal.core.documents.pdf import render_pdf
from park_portal.core.workflow import SYSTEM
from tests.factories import list_page, makes, number
from tests.factories.awards import make_running
from tests.factories.core import make_staff
from tests.factories.decisions import make_award
from tests.factories.reviews import shared_call
from tests.personas import person

WRITTEN = {
    "progress": "完成样机装配",
    "technical_evidence": "准确率 91 %",
    "market_evidence": "三家医院签署意向",
    "trl_now": 5,
}


class Paper(ContentFile):  # type: ignore[type-arg] # has none when it runs
    """A file that is uploaded again and again."""

    def read(self, *args: Any) -> bytes:
        content: bytes = super().read(*args)
        if not args:
            self.seek(0)
        return content


def receipt(name: str = "发票.pdf", text: str = "") -> Paper:
    """Returns a receipt: another one each time, unless the text is the same."""
    part = {"lang": "zh", "title": text or f"发票 {number()}"}
    return Paper(render_pdf("letter", {"parts": [part]}), name=name)


def running(**values: Any) -> Award:
    """Returns an award that began some seven months ago: its first report is due."""
    return make_running(starts_on=timezone.localdate() - timedelta(days=200), **values)


def first_report(award: Award | None = None) -> Report:
    """Returns the first report of an award, due in some days."""
    return (award or running()).reports.order_by("due_on")[0]


def add_expense(report: Report, amount_fen: int = 1_000_00, **values: Any) -> Expense:
    """Adds an expense for materials to a report."""
    return services.add_expense(
        report,
        actor=SYSTEM,
        **{
            "category": report.award.categories.get(kind="materials"),
            "spent_on": report.period_from,
            "payee": "上海试剂有限公司",
            "purpose": "试剂",
            "amount_fen": amount_fen,
            "receipt": receipt(),
            **values,
        },
    )


def sent_report(award: Award | None = None) -> Report:
    """Returns a report with one expense that is to be read."""
    report = first_report(award)
    services.save_report(report, actor=SYSTEM, **WRITTEN)
    add_expense(report)
    return services.submit_report(report, actor=SYSTEM)


def accept_reports(award: Award) -> Award:
    """Has all reports of an award written, sent and accepted."""
    for report in award.reports.filter(state="due").order_by("due_on"):
        services.save_report(report, actor=SYSTEM, **WRITTEN)
        services.accept_report(services.submit_report(report, actor=SYSTEM), actor=make_staff("officer"))
    return award


@makes("funding.Report")
def report(**values: Any) -> Report:
    return first_report(running(award=make_award(shared_call("decision"))))


@makes("funding.Expense")
def expense(**values: Any) -> Expense:
    return add_expense(first_report(running(award=make_award(shared_call("decision")))))


@list_page("reports:list", persona="founder")
def reports_of_a_founder(count: int) -> None:
    organisation = Organisation.objects.get(memberships__user=person("founder"))
    for _number in range(count):
        award = make_award(shared_call("decision"), organisation=organisation)
        Report.objects.create(
            award=award,
            kind="interim",
            number=1,
            period_from=timezone.localdate(),
            period_to=timezone.localdate(),
            due_on=timezone.localdate(),
        )
