"""The published calendar of China, against the State Council's notices of each year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from time import perf_counter

import pytest

from park_portal.core.calendar.working_days import FURTHEST, SHANGHAI, WorkingCalendar

CHINA = WorkingCalendar()


def days(text: str) -> set[date]:
    """``"2025-01-28..2025-02-04 2025-06-02"`` as a set of dates."""
    found: set[date] = set()
    for part in text.split():
        first, _, last = part.partition("..")
        day, end = date.fromisoformat(first), date.fromisoformat(last or first)
        while day <= end:
            found.add(day)
            day += timedelta(days=1)
    return found


# Days off and worked weekends of the yearly notices (国务院办公厅关于部分节假日安排的通知).
NOTICES = {
    2024: (
        "2024-01-01 2024-02-10..2024-02-17 2024-04-04..2024-04-06 2024-05-01..2024-05-05 2024-06-10 "
        "2024-09-15..2024-09-17 2024-10-01..2024-10-07",
        "2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12",
    ),
    2025: (
        "2025-01-01 2025-01-28..2025-02-04 2025-04-04..2025-04-06 2025-05-01..2025-05-05 "
        "2025-05-31..2025-06-02 2025-10-01..2025-10-08",
        "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11",
    ),
    2026: (
        "2026-01-01..2026-01-03 2026-02-15..2026-02-23 2026-04-04..2026-04-06 2026-05-01..2026-05-05 "
        "2026-06-19..2026-06-21 2026-09-25..2026-09-27 2026-10-01..2026-10-07",
        "2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10",
    ),
}


@pytest.mark.parametrize("year", NOTICES)
def test_every_day_of_a_year_follows_its_notice(year):
    off, worked = (days(text) for text in NOTICES[year])
    for day in days(f"{year}-01-01..{year}-12-31"):
        expected = day in worked or (day.weekday() < 5 and day not in off)
        assert CHINA.is_working_day(day) is expected, day


@pytest.mark.parametrize(("year", "count"), [(2024, 251), (2025, 248), (2026, 248)])
def test_number_of_working_days_of_a_year(year, count):
    assert CHINA.between(date(year - 1, 12, 31), date(year, 12, 31)) == count


def test_a_working_weekend_announced_for_the_next_year_is_worked():
    assert CHINA.is_working_day(date(2018, 12, 29)) is True  # Saturday, for New Year 2019
    assert CHINA.is_working_day(date(2018, 12, 31)) is False  # Monday


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        ("2025-01-24", 1, "2025-01-26"),  # a Sunday, worked for the Spring Festival
        ("2025-01-26", 1, "2025-01-27"),
        ("2025-01-27", 1, "2025-02-05"),  # over the Spring Festival
        ("2025-01-27", 4, "2025-02-08"),  # Wed, Thu, Fri, worked Saturday
        ("2025-01-27", 5, "2025-02-10"),
        ("2025-09-26", 1, "2025-09-28"),
        ("2025-09-26", 3, "2025-09-30"),
        ("2025-09-26", 4, "2025-10-09"),  # over National Day and Mid-Autumn
        ("2025-09-26", 6, "2025-10-11"),
        ("2025-09-26", 7, "2025-10-13"),
        ("2026-02-13", 1, "2026-02-14"),
        ("2026-02-13", 2, "2026-02-24"),
        ("2026-02-13", 6, "2026-02-28"),
        ("2026-09-18", 1, "2026-09-20"),
        ("2026-09-30", 1, "2026-10-08"),
        ("2026-09-30", 3, "2026-10-10"),
        ("2025-03-15", 1, "2025-03-17"),  # from a Saturday
        ("2025-03-15", 0, "2025-03-17"),
        ("2025-03-14", 0, "2025-03-14"),
        ("2025-10-01", 0, "2025-10-09"),
        ("2025-10-09", -1, "2025-09-30"),
        ("2025-10-09", -3, "2025-09-28"),
        ("2025-10-09", -4, "2025-09-26"),
        ("2025-03-15", -1, "2025-03-14"),
        ("2025-03-03", 15, "2025-03-24"),
        ("2025-01-01", 248, "2025-12-31"),
        ("2025-01-01", 249, "2026-01-04"),  # a worked Sunday
    ],
)
def test_shift_counts_working_days(start, count, expected):
    assert CHINA.shift(date.fromisoformat(start), count) == date.fromisoformat(expected)


def test_shift_refuses_absurd_counts():
    with pytest.raises(ValueError, match="further"):
        CHINA.shift(date(2025, 1, 1), FURTHEST + 1)


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        ("2025-01-27", "2025-02-05", 1),
        ("2025-01-27", "2025-02-04", 0),
        ("2025-01-27", "2025-01-27", 0),
        ("2025-09-26", "2025-10-13", 7),
        ("2025-10-13", "2025-09-26", -7),
    ],
)
def test_between_counts_after_the_start_up_to_the_end(start, end, count):
    assert CHINA.between(date.fromisoformat(start), date.fromisoformat(end)) == count


@pytest.mark.parametrize("count", [1, 2, 3, 7, 15, 60, 247])
def test_between_undoes_shift(count):
    for start in days("2025-01-20..2025-02-12"):
        assert CHINA.between(start, CHINA.shift(start, count)) == count


def test_deadline_is_the_last_second_of_the_day_in_shanghai():
    late_in_london = datetime(2025, 9, 26, 17, 30, tzinfo=UTC)  # already the 27th, a Saturday, in Shanghai
    assert CHINA.deadline(late_in_london, 1) == datetime(2025, 9, 28, 23, 59, 59, tzinfo=SHANGHAI)
    assert CHINA.deadline(date(2025, 9, 26), 4).isoformat() == "2025-10-09T23:59:59+08:00"


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        CHINA.deadline(datetime(2025, 9, 26, 17, 30), 1)  # noqa: DTZ001


def test_the_parks_own_dates_win():
    closed = WorkingCalendar({date(2025, 3, 12): False, date(2025, 3, 15): True, date(2025, 10, 1): True})
    assert closed.is_working_day(date(2025, 3, 12)) is False
    assert closed.is_working_day(date(2025, 3, 15)) is True
    assert closed.is_working_day(date(2025, 10, 1)) is True
    assert closed.shift(date(2025, 3, 11), 1) == date(2025, 3, 13)
    assert closed.shift(date(2025, 3, 14), 1) == date(2025, 3, 15)


def test_arrangement_known_until_the_notice_is_missing():
    assert CHINA.arrangement_known(2026) is True
    assert CHINA.arrangement_known(2090) is False
    assert (
        WorkingCalendar({date(2090, 2, 4): True}).arrangement_known(2090) is True
    )  # a Saturday entered by staff
    # Without a notice the statutory holidays still count: 1 October 2090 is a Sunday, the 2nd a Monday off.
    assert CHINA.is_working_day(date(2090, 10, 2)) is False


def test_counting_in_weeks_is_counting_day_by_day():
    """A thousand spans drawn over two centuries, with the park's own days in between."""
    random = Random(20250225)
    day_one = date(1990, 1, 1)
    for _ in range(60):
        special = {
            day_one + timedelta(days=random.randrange(40_000)): random.random() < 0.5 for _ in range(300)
        }
        book = WorkingCalendar(special)
        for _ in range(20):
            start = day_one + timedelta(days=random.randrange(40_000))
            end = start + timedelta(days=random.choice([0, 1, random.randrange(30), random.randrange(900)]))
            one_by_one = sum(
                book.is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1)
            )
            assert book.between(start, end) == one_by_one, (start, end)
            assert book.between(end, start) == -one_by_one


def test_the_last_day_there_is_costs_no_more_than_the_next_one():
    CHINA.between(date(2026, 1, 1), date.max)  # the published years are worked out once
    began = perf_counter()
    for _ in range(100):
        found = CHINA.between(date(2100, 12, 31), date.max)
    assert perf_counter() - began < 0.5
    assert found == (date.max - date(2100, 12, 31)).days // 7 * 5  # a Friday to a Friday
