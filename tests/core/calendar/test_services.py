"""The park's own days, as staff set them, over the published calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import SYSTEM
from park_portal.core.calendar.models import SpecialDay
from park_portal.core.calendar.services import (
    add_working_days,
    deadline,
    is_working_day,
    remove_special_day,
    set_special_day,
    working_calendar,
    working_days_between,
)

pytestmark = pytest.mark.django_db


def test_staff_dates_win_until_they_are_removed():
    day = date(2025, 3, 12)
    assert is_working_day(day) is True
    set_special_day(day, working=False, name="园区停电检修", source="园区通知〔2025〕3号", actor=SYSTEM)
    assert is_working_day(day) is False
    assert add_working_days(date(2025, 3, 11), 1) == date(2025, 3, 13)
    assert working_days_between(date(2025, 3, 11), date(2025, 3, 13)) == 1
    remove_special_day(day, actor=SYSTEM)
    assert is_working_day(day) is True


def test_setting_a_day_twice_changes_the_one_row_and_leaves_both_entries():
    day = date(2027, 2, 13)  # a Saturday
    set_special_day(day, working=True, name="调休上班", actor=SYSTEM)
    set_special_day(day, working=False, name="照常休息", actor=SYSTEM)
    assert list(SpecialDay.objects.values_list("date", "working", "name")) == [(day, False, "照常休息")]
    entries = Entry.objects.filter(action="calendar.day_set").order_by("pk")
    assert [entry.before for entry in entries] == [
        None,
        {"working": True, "name": "调休上班", "source": ""},
    ]


def test_removing_a_day_that_is_not_there_does_nothing():
    remove_special_day(date(2027, 2, 13), actor=SYSTEM)
    assert Entry.objects.filter(action="calendar.day_removed").count() == 0


def test_deadline_counts_from_the_shanghai_date_and_ends_at_midnight():
    start = datetime(2025, 9, 26, 17, 30, tzinfo=UTC)  # 01:30 on Saturday the 27th in Shanghai
    assert deadline(start, 1).isoformat() == "2025-09-28T23:59:59+08:00"
    set_special_day(date(2025, 9, 28), working=False, name="台风停工", actor=SYSTEM)
    assert deadline(start, 1).isoformat() == "2025-09-29T23:59:59+08:00"


def test_add_working_days_keeps_the_time_of_day():
    start = datetime(2025, 9, 30, 8, 15, tzinfo=UTC)
    assert add_working_days(start, 1).isoformat() == "2025-10-09T16:15:00+08:00"
    assert add_working_days(start, -3).isoformat() == "2025-09-26T16:15:00+08:00"


def test_one_query_serves_many_dates(django_assert_num_queries):
    with django_assert_num_queries(1):
        calendar = working_calendar()
        for start in range(1, 29):
            deadline(date(2025, 3, start), 5, calendar=calendar)


def test_names_are_kept_in_both_languages():
    row = set_special_day(date(2025, 3, 12), working=False, name="停电检修", actor=SYSTEM)
    row.name_en = "Power maintenance"
    row.save()
    assert SpecialDay.objects.values("name_zh_hans", "name_en").get() == {
        "name_zh_hans": "停电检修",
        "name_en": "Power maintenance",
    }
