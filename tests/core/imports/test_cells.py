import datetime

import pytest
from django.core.exceptions import ValidationError

from park_portal.core.imports.cells import (
    Cell,
    parse_amount,
    parse_boolean,
    parse_date,
    parse_end_date,
    parse_identifier,
    parse_integer,
    parse_levels,
    parse_list,
    parse_text,
)
from park_portal.core.imports.workbook import FormulaWithoutValue

WAN = Cell(unit="wan", options={})
NO_UNIT = Cell(unit=None, options={})


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (202001, datetime.date(2020, 1, 1)),
        ("202012", datetime.date(2020, 12, 1)),
        (202001.0, datetime.date(2020, 1, 1)),
        (20200315, datetime.date(2020, 3, 15)),
        ("2020-03-15", datetime.date(2020, 3, 15)),
        ("2020/3/5", datetime.date(2020, 3, 5)),
        ("2020.3.5", datetime.date(2020, 3, 5)),
        ("2020年3月5日", datetime.date(2020, 3, 5)),
        ("２０２０年３月", datetime.date(2020, 3, 1)),
        ("2020-03-15 00:00:00", datetime.date(2020, 3, 15)),
        (datetime.datetime(2020, 3, 15, 8, 30), datetime.date(2020, 3, 15)),  # noqa: DTZ001 - Excel knows no time zones
        (43905, datetime.date(2020, 3, 15)),
    ],
)
def test_parse_date_reads_what_offices_write(value, day):
    assert parse_date(value, NO_UNIT) == day


def test_parse_end_date_of_a_month_is_its_last_day():
    assert [parse_end_date(value, NO_UNIT) for value in (202112, 202002, "2021年4月")] == [
        datetime.date(2021, 12, 31),
        datetime.date(2020, 2, 29),
        datetime.date(2021, 4, 30),
    ]


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(1899, 12, 31),  # noqa: DTZ001 - Excel knows no time zones
        datetime.time(8, 30),
        0,
        "下半年",
        "2020-13-01",
        "2020-02-30",
        202013,
        True,
        "2020",
        12345678901,
    ],
)
def test_parse_date_refuses_what_is_none(value):
    with pytest.raises(ValidationError):
        parse_date(value, NO_UNIT)


@pytest.mark.parametrize(
    ("value", "fen"),
    [
        (34, 34_000_000),
        (86.5, 86_500_000),
        (0.1 + 0.2, 300_000),
        ("1,234.5", 1_234_500_000),
        ("58 万元", 58_000_000),
        ("500000元", 50_000_000),
    ],
)
def test_parse_amount_takes_the_unit_of_the_heading(value, fen):
    assert parse_amount(value, WAN) == fen


@pytest.mark.parametrize(
    "value", ["若干", "三十四", -3, True, "1e5", "12万3千", datetime.date(2020, 1, 1), "#REF!"]
)
def test_parse_amount_refuses_text_and_negative_amounts(value):
    with pytest.raises(ValidationError):
        parse_amount(value, WAN)


def test_parse_amount_without_a_unit_asks_for_one():
    with pytest.raises(ValidationError) as refused:
        parse_amount(34, NO_UNIT)
    assert refused.value.code == "unit"


def test_parse_amount_obeys_the_unit_chosen_for_the_file():
    assert parse_amount(34, Cell(unit="wan", options={"unit": "yuan"})) == 3400


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (31950410540, "31950410540"),
        (31950410540.0, "31950410540"),
        (" 3195 0410540 ", "31950410540"),
        ("U20A20", "U20A20"),
        ("0042", "0042"),
    ],
)
def test_parse_identifier_keeps_it_as_issued(value, text):
    assert parse_identifier(value, NO_UNIT) == text


@pytest.mark.parametrize("value", [3.5, 1.2345678901234567e17, "9.13101E+17", True])
def test_parse_identifier_refuses_what_excel_has_rounded(value):
    with pytest.raises(ValidationError):
        parse_identifier(value, NO_UNIT)


def test_parse_levels_reads_three_levels_widest_first():
    assert parse_levels("一级：C05，二级：C0501，三级：C050101", NO_UNIT) == ["C05", "C0501", "C050101"]
    assert parse_levels("一级:生物物理,二级:蛋白质,核酸,三级:", NO_UNIT) == ["生物物理", "蛋白质,核酸"]
    assert parse_levels("C05; C0501", NO_UNIT) == ["C05", "C0501"]


def test_parse_list_keeps_order_and_drops_repetition():
    assert parse_list("自噬；膜蛋白，自噬, 冷冻 电镜", NO_UNIT) == ["自噬", "膜蛋白", "冷冻 电镜"]


def test_parse_text_drops_control_characters_and_keeps_rare_ones():
    assert parse_text("𠮷野\x00家\n 🧬", NO_UNIT) == "𠮷野家 🧬"


@pytest.mark.parametrize("value", [FormulaWithoutValue(), "#N/A"])
def test_parse_text_refuses_formulas_without_value_and_excel_errors(value):
    with pytest.raises(ValidationError):
        parse_text(value, NO_UNIT)


def test_parse_integer_reads_readiness_levels():
    assert [parse_integer(value, NO_UNIT) for value in (4, 4.0, "TRL 4", "4级")] == [4, 4, 4, 4]


def test_parse_boolean_reads_words_of_both_languages():
    assert [parse_boolean(value, NO_UNIT) for value in (True, False, "是", "在研", "Yes")] == [
        True,
        False,
        True,
        False,
        True,
    ]
