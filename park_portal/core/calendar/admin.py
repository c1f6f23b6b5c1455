"""Working days: the year as the portal counts it, and the days on which the park differs."""

from __future__ import annotations

import calendar
from datetime import date
from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from park_portal.core.admin import StaffAdmin, StaffPage
from park_portal.core.calendar.models import SpecialDay
from park_portal.core.calendar.services import working_calendar


class YearPage(StaffPage):
    """The twelve months with working days and days off."""

    name, path = "year", "year/"
    rule, title, icon = "core.view_specialday", _("The year"), "calendar_month"
    offered = "list"
    template_name = "admin/calendar_year.html"

    def context(self) -> dict[str, Any]:
        asked = self.request.GET.get("year", "")
        year = int(asked) if asked.isdecimal() and 2000 <= int(asked) <= 2100 else timezone.localdate().year
        book = working_calendar()
        special = {day.date: day for day in SpecialDay.objects.filter(date__year=year)}
        months = []
        for number in range(1, 13):
            weeks = [
                [
                    {
                        "day": day.day if day.month == number else None,
                        "working": book.is_working_day(day),
                        "special": special.get(day),
                        "today": day == timezone.localdate(),
                    }
                    for day in week
                ]
                for week in calendar.Calendar().monthdatescalendar(year, number)
            ]
            working = sum(1 for week in weeks for day in week if day["day"] and day["working"])
            months.append({"first": date(year, number, 1), "weeks": weeks, "working": working})
        return {
            "year": year,
            "before": year - 1,
            "after": year + 1,
            "months": months,
            "weekdays": [_weekday(date(2024, 1, number)) for number in range(1, 8)],  # begins on a Monday
            "total": sum(month["working"] for month in months),
        }


def _weekday(day: date) -> tuple[str, str]:
    """Return (one letter or character, the whole name)."""
    name = date_format(day, "l")
    return (name[0] if name.isascii() else name[-1]), name


@admin.register(SpecialDay)
class SpecialDayAdmin(StaffAdmin):
    list_display = ["date", "weekday", "kind", "name", "source"]
    list_filter = ["working"]
    search_fields = ["name_zh_hans", "name_en", "source"]
    fields = ["date", "working", "name", "source"]
    pages = [YearPage]

    @display(description=_("weekday"))
    def weekday(self, day: SpecialDay) -> str:
        return date_format(day.date, "l")

    @display(description=_("counts as"), ordering="working", label={"yes": "info", "no": "warning"})
    def kind(self, day: SpecialDay) -> tuple[str, str]:
        return ("yes", str(_("working day"))) if day.working else ("no", str(_("day off")))
