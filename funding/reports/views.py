"""The grantee's pages of reports: what is due, writing, expenses with receipts, sending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.awards.facts import holds_awards
from funding.awards.views import end_of
from funding.reports import services
from funding.reports.forms import ExpenseForm, ReportForm
from funding.reports.models import TEXTS, Expense, Report, label_of
from funding.reports.states import OPEN, ReportKind, ReportState
from park_portal.core.errors import Text
from park_portal.core.frame import Card, Task, home_card
from park_portal.core.tones import tone_of
from park_portal.core.views import ActPage, Column, Crumb, DetailPage, ListPage, StateLine, visible_or_404
from park_portal.core.workflow import may

NAV = "awards"


class ReportFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("State"), choices=ReportState)
    kind = django_filters.ChoiceFilter(label=gettext_lazy("Kind"), choices=ReportKind)

    class Meta:
        model = Report
        fields = ("state", "kind")


class ReportList(ListPage):
    """The reports of the awards that the person belongs to."""

    model = Report
    title = gettext_lazy("Reports")
    nav = NAV
    default_order = "due_on"
    filterset = ReportFilter
    search_in = ("award__number", "award__title")
    search_label = gettext_lazy("Number or title")
    columns = (
        Column("report", gettext_lazy("Report"), str, kind="main", url=lambda row: row.get_absolute_url()),
        Column("award", gettext_lazy("Award"), "award.title"),
        Column("due_on", gettext_lazy("Due"), order="due_on", kind="date"),
        Column("state", gettext_lazy("State"), lambda row: row, kind="state"),
    )
    empty_title = gettext_lazy("No report yet")
    empty_text = gettext_lazy("Reports are laid out when an award begins to run.")

    def rows(self) -> models.QuerySet[Report]:
        return super().rows().select_related("award")


class ReportPage(DetailPage):
    """One report: texts, expenses against the budget, receipts."""

    model = Report
    nav = NAV
    template_name = "funding/reports/detail.html"
    object: Report

    def rows(self) -> models.QuerySet[Report]:
        return super().rows().select_related("award__application", "award__organisation", "award__project")

    def get_crumbs(self) -> Sequence[Crumb]:
        return (
            Crumb(_("Awards"), reverse("awards:list")),
            Crumb(self.object.award.number, self.object.award.get_absolute_url()),
            Crumb(self.get_title()),
        )

    def get_title(self) -> Text:
        return f"{self.object.get_kind_display()} {self.object.number}"

    def state_line(self) -> StateLine:
        report = self.object
        turn: Any = {ReportState.SUBMITTED: _("park office"), ReportState.ACCEPTED: ""}.get(
            ReportState(report.state), _("grantee")
        )
        return StateLine(
            state=report.get_state_display(),
            tone=tone_of(report),
            turn=turn,
            is_you=services.is_writable(report) and may(self.request.user, "funding.write_report", report),
            due=end_of(report.due_on) if report.is_open else None,
        )

    def get_context(self, **context: Any) -> dict[str, Any]:
        report = self.object
        figures = services.figures_of(report)
        return super().get_context(
            report=report,
            award=report.award,
            texts=[(label_of(name), getattr(report, name)) for name in TEXTS],
            figures=figures,
            total=sum(row.now_fen for row in figures),
            expenses=report.expenses.select_related("category", "receipt"),
            duplicates={pair.expense.pk for pair in services.duplicates_in(report)},
            may_write=services.is_writable(report) and may(self.request.user, "funding.write_report", report),
            missing=services.problems_of_report(report),
            **context,
        )


class ReportAct(ActPage):
    """A form about one report."""

    nav = NAV
    model = Report
    permission = "funding.write_report"

    def rows(self) -> models.QuerySet[Report]:
        return super().rows().select_related("award__application")

    def get_crumbs(self) -> Sequence[Crumb]:
        return (
            Crumb(_("Awards"), reverse("awards:list")),
            Crumb(self.object.award.number, self.object.award.get_absolute_url()),
            Crumb(str(self.object), self.object.get_absolute_url()),
            Crumb(self.get_title()),
        )

    def success_url(self) -> str:
        return str(self.object.get_absolute_url())


class WritePage(ReportAct):
    """Write the texts of a report; they are kept as far as they go."""

    title = gettext_lazy("Write the report")
    form_class = ReportForm
    explain = gettext_lazy("What is written is kept; you send it from the page of the report.")
    success = gettext_lazy("The report is saved.")

    def initial(self) -> dict[str, Any]:
        return services.first_texts(self.object)

    def act(self, form: Any) -> Any:
        return services.save_report(self.object, actor=self.request.user, **form.cleaned_data)


class SendPage(ReportAct):
    """Send a report."""

    title = gettext_lazy("Send the report")
    submit_label = gettext_lazy("Send")
    explain = gettext_lazy("Once it is sent, texts and expenses are fixed until the park returns it.")
    success = gettext_lazy("The report is sent; the park office reads it.")

    def act(self, form: Any) -> Any:
        return services.submit_report(self.object, actor=self.request.user)


class ExpenseAdd(ReportAct):
    """Add an expense with its receipt."""

    title = gettext_lazy("Add an expense")
    form_class = ExpenseForm
    submit_label = gettext_lazy("Add")
    success = gettext_lazy("The expense is added.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"report": self.object}

    def act(self, form: Any) -> Any:
        return services.add_expense(self.object, actor=self.request.user, **form.cleaned_data)


class ExpenseRemove(ReportAct):
    """Take an expense out."""

    title = gettext_lazy("Remove the expense")
    submit_label = gettext_lazy("Remove")
    submit_tone = "danger"
    success = gettext_lazy("The expense is removed.")
    expense: Expense

    def prepare(self) -> None:
        super().prepare()
        self.expense = visible_or_404(
            Expense.objects.visible_to(self.request.user), report=self.object, pk=self.kwargs["expense"]
        )

    def act(self, form: Any) -> Any:
        return services.remove_expense(self.expense, actor=self.request.user)


@home_card(order=25)
def my_reports(user: Any) -> Card | None:
    """For who answers for awards: the reports that are due next."""
    if not holds_awards(user):
        return None
    rows = (
        Report.objects.visible_to(user)
        .filter(state__in=OPEN, award__state__in=services.UNDER_WAY)
        .select_related("award")
        .order_by("due_on")[:3]
    )
    tasks = [
        Task(
            str(row),
            row.get_absolute_url(),
            due=end_of(row.due_on),
            detail=row.award.title,
            state=row.get_state_display(),
            tone=tone_of(row),
        )
        for row in rows
    ]
    return Card(
        _("Reports due"),
        tasks,
        empty=_("No report is due."),
        more_url=reverse("reports:list"),
        more_label=_("All reports"),
    )
