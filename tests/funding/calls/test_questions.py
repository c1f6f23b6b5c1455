"""Each kind of question: what it takes, what it refuses, how it reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as portal
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.translation import override

from funding.calls.questions import TYPES, count_characters, present, type_of
from funding.calls.states import QuestionKind
from funding.templatetags.questions import question_shown
from park_portal.core.errors import DomainError

YES_NO = {"choices": [{"value": "yes", "zh": "是", "en": "Yes"}, {"value": "no", "zh": "否", "en": "No"}]}
BUDGET = {
    "columns": [
        {"key": "item", "kind": "text", "zh": "科目", "en": "Item", "required": True},
        {"key": "sort", "kind": "choice", "zh": "类别", "en": "Kind", **YES_NO},
        {"key": "amount", "kind": "money", "zh": "金额", "en": "Amount", "unit": "wan"},
        {"key": "month", "kind": "number", "zh": "月份", "en": "Month", "decimals": 0},
        {"key": "day", "kind": "date", "zh": "日期", "en": "Day"},
    ],
    "total": "amount",
    "max_rows": 3,
}
CONSENT = {"statement": {"zh": "我同意", "en": "I agree"}}
MILLION = "验" * 1_000_000


@pytest.fixture(autouse=True)
def _english():
    with override("en"):
        yield


def clean(kind: str, raw: Any, **settings: Any) -> Any:
    return type_of(kind).clean(raw, settings)


def problems(kind: str, value: Any, required: bool = True, **settings: Any) -> list[str]:
    return [str(problem) for problem in type_of(kind).problems(value, settings, required=required)]


def refusal(kind: str, raw: Any, **settings: Any) -> str:
    with pytest.raises(DomainError) as caught:
        clean(kind, raw, **settings)
    return str(caught.value)


def test_every_kind_has_a_type_and_a_template():
    assert set(TYPES) == set(QuestionKind.values)
    for kind, found in TYPES.items():
        assert found.kind == kind
        assert (Path(portal.BASE_DIR) / "templates" / found.widget_template).exists()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("  \n\t ", 0),
        ("概念验证", 4),
        ("AI + BT", 5),
        ("“AI+BT”专项，2026年。", 16),
        ("𠮷野家", 3),
        ("👍🏽", 2),
        ("e\u0301", 1),
        ("a\u200db", 2),
        ("１２３", 3),
    ],
)
def test_count_characters_suits_chinese(text, count):
    assert count_characters(text) == count


@pytest.mark.parametrize("kind", ["short_text", "long_text"])
def test_texts_keep_emoji_and_four_byte_chinese(kind):
    assert clean(kind, " 𠮷野家😀 ") == "𠮷野家😀"


@pytest.mark.parametrize("kind", ["short_text", "long_text"])
def test_texts_refuse_what_cannot_be_stored(kind):
    null = "The text holds a null character, which cannot be stored. Remove it and save again."
    assert refusal(kind, "a\x00b") == null
    assert refusal(kind, "\ud800") == "The text holds a broken character. Remove it and save again."
    assert refusal(kind, ["a"]) == "This is not a text."
    assert refusal(kind, {"a": 1}) == "This is not a text."


def test_a_million_characters_are_refused():
    said = "This text has 1,000,000 characters, more than can be stored. Shorten it and save again."
    for kind in ("short_text", "long_text", "number", "money", "date", "single_choice", "trl"):
        assert refusal(kind, MILLION, **YES_NO) == said


def test_texts_over_the_limit_are_kept_and_named():
    value = clean("long_text", "验" * 21, max_chars=20)
    assert value == "验" * 21
    assert problems("long_text", value, max_chars=20) == ["One character too many: the limit is 20."]
    assert problems("long_text", "验" * 25, max_chars=20) == ["5 characters too many: the limit is 20."]
    assert problems("long_text", "验" * 20, max_chars=20) == []
    assert problems("long_text", "验 证", min_chars=3) == ["Write at least 3 characters; there are 2 now."]


def test_long_text_keeps_paragraphs_and_short_text_does_not():
    assert clean("long_text", "一\r\n\r\n二\x07") == "一\n\n二"
    assert clean("short_text", "一\n 二") == "一 二"


def test_empty_is_none_and_required_is_said():
    for kind, said in {
        "short_text": "Answer this question.",
        "money": "Answer this question.",
        "table": "Fill in at least one row.",
        "files": "Add at least one file.",
        "consent": "Read the statement and agree to it.",
    }.items():
        assert clean(kind, "", **BUDGET) is None
        assert problems(kind, None) == [said]
        assert problems(kind, None, required=False) == []


@pytest.mark.parametrize(
    ("raw", "value"),
    [("12", "12"), ("１２．５０", "12.5"), ("1,200", "1200"), ("-3", "-3"), ("0", "0"), (7, "7")],
)
def test_number_is_exact(raw, value):
    assert clean("number", raw, decimals=2) == value


@pytest.mark.parametrize("raw", ["1e5", "NaN", "Infinity", "一百", "0x10", "1.2.3", "😀"])
def test_number_refuses_other_things(raw):
    assert refusal("number", raw, decimals=2) == "Enter a number such as 12 or 12.5."


def test_number_says_what_is_wrong_with_it():
    assert refusal("number", "一百") == "Enter a whole number such as 12."
    assert refusal("number", "9" * 21) == "This number is too large."
    assert refusal("number", "9" * 150_000) == "This number is too large."
    assert refusal("number", "0." + "1" * 50, decimals=2) == "At most 2 decimals."
    assert clean("number", "0012.000000000", decimals=2) == "12"


def test_number_limits():
    assert refusal("number", "1.5") == "Enter a whole number."
    assert refusal("number", "1.555", decimals=2) == "At most 2 decimals."
    assert problems("number", "5", min=6, max=24) == ["Enter at least 6."]
    assert problems("number", "25", min=6, max=24) == ["Enter at most 24."]
    assert type_of("number").text("18", {"unit": {"zh": "个月", "en": "months"}}, "zh-hans") == "18 个月"


@pytest.mark.parametrize(
    ("raw", "unit", "fen"),
    [
        ("100", "wan", 100_000_000),
        ("100", "yuan", 10_000),
        ("50 万", "yuan", 50_000_000),
        ("¥1,234.5", "yuan", 123_450),
        ("１００", "wan", 100_000_000),
        ("0.0001", "wan", 100),
    ],
)
def test_money_is_stored_in_fen(raw, unit, fen):
    assert clean("money", raw, unit=unit) == fen


def test_money_refuses_negative_and_huge_amounts():
    assert refusal("money", "-5") == "An amount cannot be negative."
    assert refusal("money", "99999999999") == "This amount is larger than any fund of the park."
    assert refusal("money", "9" * 17) == "This amount is larger than any fund of the park."
    assert refusal("money", "-" + "9" * 17) == "An amount cannot be negative."
    assert clean("money", "-0") == 0
    assert refusal("money", "1e9") == "Enter an amount in 10,000 yuan, such as 120.5."
    assert refusal("money", "1e9", unit="yuan") == "Enter an amount such as 1234567.00."
    few = "Enter at most {} decimals: there is nothing smaller than a fen."
    assert refusal("money", "200.1234567891") == few.format(6)
    assert refusal("money", "200.1234567891", unit="yuan") == few.format(2)
    assert problems("money", 100, min_fen=200) == ["Enter at least ¥2.00."]
    assert problems("money", 300, max_fen=200) == ["Enter at most ¥2.00."]


def test_money_is_shown_in_its_unit():
    found = type_of("money")
    assert found.raw(123_450_000, {"unit": "wan"}) == "123.45"
    assert found.text(123_450_000, {"unit": "wan"}, "zh-hans") == "123.45 万元（¥1,234,500.00）"
    assert found.text(123_450_000, {"unit": "wan"}, "en") == "¥1,234,500.00"
    assert found.text(None, {}, "en") == ""


@pytest.mark.parametrize(
    "raw", ["2026-03-01", "2026/3/1", "2026年3月1日", "2026.03.01", "２０２６-０３-０１"]
)
def test_date_is_understood(raw):
    assert clean("date", raw) == "2026-03-01"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_date_is_shown_as_everywhere(language):
    assert type_of("date").text("2026-03-01", {}, language) == "2026-03-01"


@pytest.mark.parametrize("raw", ["2026-02-30", "tomorrow", "20260301", "😀"])
def test_date_refuses_other_things(raw):
    assert refusal("date", raw) == "Enter a date such as 2026-03-31."


@pytest.mark.parametrize("raw", ["0001-01-01", "9999-12-31"])
def test_date_refuses_years_that_nobody_means(raw):
    assert refusal("date", raw) == "The year must lie between 1900 and 2200."


def test_a_choice_that_excludes_the_others_stands_alone():
    assert problems("multiple_choice", ["yes", "no"], **YES_NO) == []
    assert problems("multiple_choice", ["yes", "no"], exclusive="no", **YES_NO) == [
        "Choose either “No” or what applies, not both."
    ]
    assert problems("multiple_choice", ["no"], exclusive="no", **YES_NO) == []
    wrong = type_of("multiple_choice").check_config({**YES_NO, "exclusive": "none"})
    assert [(str(one.message), one.field) for one in wrong] == [
        ("“none” is not among the choices.", "exclusive")
    ]


def test_a_column_of_numbers_has_limits():
    columns = [{"key": "share", "kind": "number", "zh": "投入", "en": "Time", "min": 0, "max": 100}]
    rows = [{"share": "500"}, {"share": "-20"}, {"share": "100"}, {"share": None}]
    assert problems("table", rows, columns=columns) == [
        "Row 1, Time: Enter at most 100.",
        "Row 2, Time: Enter at least 0.",
    ]
    wrong = [{**columns[0], "min": "low"}, {**columns[0], "min": 5, "max": 1}]
    assert [str(type_of("table").check_config({"columns": [column]})[0].message) for column in wrong] == [
        "A limit must be a number.",
        "The lower limit lies above the upper one.",
    ]
    assert type_of("table").check_config({"columns": [{**columns[0], "max": "duration"}]}) == []


def test_a_column_added_up_that_is_gone_is_named():
    for total, said in (
        ("gone", "The column added up, “gone”, is not there: name another one, or none."),
        ("item", "Only a column of money or numbers can be added up."),
    ):
        found = type_of("table").check_config({**BUDGET, "total": total})
        assert [(str(problem.message), problem.field) for problem in found] == [(said, "total")]


def test_two_choices_differ_in_their_texts():
    one = {"value": "a", "zh": "甲", "en": "Pilot use"}
    for other, said in (
        ({"zh": "乙", "en": "Trial use"}, []),
        ({"zh": " 甲 ", "en": "Trial use"}, ["“ 甲 ” is the text of another choice too."]),
        ({"zh": "乙", "en": "pilot  Use"}, ["“pilot  Use” is the text of another choice too."]),
    ):
        found = type_of("single_choice").check_config({"choices": [one, {"value": "b", **other}]})
        assert [str(problem.message) for problem in found] == said


@time_machine.travel("2026-03-02 23:30:00+08:00", tick=False)
def test_date_limits_follow_the_day_in_shanghai():
    assert problems("date", "2026-03-01", earliest="today") == [
        "The date is too early: not before 2026-03-02."
    ]
    assert problems("date", "2026-03-02", earliest="today") == []
    assert problems("date", "2026-03-03", latest="2026-03-02") == [
        "The date is too late: not after 2026-03-02."
    ]


def test_choices_refuse_foreign_values():
    said = "This is not one of the choices. Reload the page and choose again."
    assert clean("single_choice", "yes", **YES_NO) == "yes"
    assert refusal("single_choice", "maybe", **YES_NO) == said
    assert clean("multiple_choice", ["no", "yes", "no"], **YES_NO) == ["yes", "no"]
    assert refusal("multiple_choice", ["yes", "maybe"], **YES_NO) == said
    assert refusal("multiple_choice", ["yes"] * 101, **YES_NO) == said
    assert problems("multiple_choice", ["yes", "no"], max_chosen=1, **YES_NO) == ["Choose at most one."]
    assert type_of("multiple_choice").text(["yes", "no"], YES_NO, "zh-hans") == "是、否"


def test_trl_takes_one_to_nine():
    assert clean("trl", "4") == 4
    assert clean("trl", "TRL 9") == 9
    for raw in ("0", "10", "4.5", "-1", "四"):
        assert refusal("trl", raw) == "Choose a level from 1 to 9."
    assert problems("trl", 2, min=3, max=7) == ["This call takes levels 3 to 7."]
    assert type_of("trl").text(4, {}, "zh-hans").startswith("TRL 4 · ")


def test_consent_is_given_or_not():
    assert clean("consent", "on", **CONSENT) is True
    assert clean("consent", "", **CONSENT) is None
    assert refusal("consent", "perhaps", **CONSENT) == "Tick the box or leave it empty."
    assert problems("consent", True, **CONSENT) == []


def test_table_reads_a_form_without_scripts():
    data = QueryDict(mutable=True)
    data.update(
        {
            "b-10-item": "后",
            "b-2-item": "前",
            "b-2-amount": "60",
            "b-3-item": "",
            "b-2-evil-x": "1",
            "bb-1-item": "x",
        }
    )
    raw = type_of("table").from_post(data, "b")
    assert raw == [{"item": "前", "amount": "60"}, {"item": ""}, {"item": "后"}]
    value = clean("table", raw, **BUDGET)
    empty = {"sort": None, "amount": None, "month": None, "day": None}
    assert value == [{**empty, "item": "前", "amount": 60_000_000}, {**empty, "item": "后"}]


def test_table_adds_itself_up():
    value = clean("table", [{"item": "a", "amount": "60.5"}, {"item": "b", "amount": "39.5"}], **BUDGET)
    found = type_of("table")
    assert found.total(value, BUDGET) == 100_000_000
    assert found.total_text(value, BUDGET, "zh-hans") == "100 万元（¥1,000,000.00）"
    assert found.text(value, BUDGET, "en").splitlines()[-1] == "Total: ¥1,000,000.00"


def test_table_refuses_bad_cells_by_name():
    with pytest.raises(DomainError) as caught:
        clean("table", [{"item": "a"}, {"item": "b", "amount": "-1"}], **BUDGET)
    assert str(caught.value) == "Row 2, Amount: An amount cannot be negative."
    assert caught.value.field == "1-amount"
    assert refusal("table", [{"sort": "maybe"}], **BUDGET).startswith("Row 1, Kind: This is not one of")
    assert refusal("table", [{"item": "a" * 1001}], **BUDGET) == (
        "Row 1, Item: Write at most 1000 characters in a cell."
    )
    assert refusal("table", [{"item": "a"}] * 4, **BUDGET) == "At most 3 rows; there are 4."
    assert refusal("table", [{"item": "a"}] * 100_000, **BUDGET) == "At most 3 rows; there are 100000."
    assert (
        refusal("table", [{"nope": "a"}], **BUDGET)
        == "The columns of this table have changed. Reload the page."
    )
    assert refusal("table", ["a"], **BUDGET) == "The columns of this table have changed. Reload the page."
    assert refusal("table", "a", **BUDGET) == "This is not a table."
    assert refusal("table", [{"item": "a\x00"}], **BUDGET).startswith("Row 1, Item: The text holds a null")


def test_table_says_what_a_row_lacks():
    value = clean("table", [{"amount": "1"}], **BUDGET)
    assert problems("table", value, **BUDGET) == ["Row 1: fill in Item."]
    assert problems("table", value, min_rows=2, **BUDGET)[0] == "Fill in at least 2 rows."


def test_ip_has_its_own_columns():
    row = {"type": "invention", "title": "方法", "owner": "复旦大学", "status": "filed"}
    value = clean("ip", [row])
    assert value == [{**row, "number": None, "date": None}]
    assert problems("ip", value) == []
    assert "发明专利" in type_of("ip").text(value, {}, "zh-hans")


def test_the_kinds_of_files_are_always_listed_in_one_order():
    widget = type_of("files").widget([], {"extensions": ["zip", "jpg", "docx", "pdf"]})
    assert (widget["extensions"], widget["accept"]) == ("pdf, docx, jpg, zip", ".pdf,.docx,.jpg,.zip")


def test_files_come_from_documents_only():
    one = {"id": "x", "name": "报告.pdf", "bytes": 3}
    assert clean("files", [one]) == [one]
    assert refusal("files", "report.pdf") == "Add files with the button of this question."
    assert problems("files", [one, one], max_files=1) == ["Keep at most one file."]
    assert problems("files", [one], min_files=2) == ["Add at least 2 files."]


@pytest.mark.parametrize(
    ("kind", "config", "said"),
    [
        ("short_text", {"max_chars": 0}, "most characters: enter a whole number from 1 to 500."),
        ("short_text", {"min_chars": 9, "max_chars": 5}, "The lower limit lies above the upper one."),
        ("short_text", {"colour": 1}, "“colour” is not a setting of this kind of question."),
        ("single_choice", {}, "Give at least two choices."),
        (
            "single_choice",
            {"choices": [*YES_NO["choices"], YES_NO["choices"][0]]},
            "The value “yes” is there twice.",
        ),
        (
            "single_choice",
            {"choices": [{"value": "a b", "zh": "甲", "en": "A"}, YES_NO["choices"][0]]},
            "“a b” cannot be a value: lower-case letters, digits and _, beginning with a letter.",
        ),
        (
            "single_choice",
            {"choices": [{"value": "a", "zh": "甲", "en": ""}, YES_NO["choices"][0]]},
            "a: the English text is missing.",
        ),
        ("table", {}, "Give the table at least one column."),
        ("table", {**BUDGET, "total": "item"}, "Only a column of money or numbers can be added up."),
        ("consent", {"statement": {"zh": "同意"}}, "statement: the English text is missing."),
        ("files", {"extensions": ["exe"]}, None),
        ("money", {"unit": "fen"}, "Amounts are typed in yuan or in 10,000 yuan."),
        ("date", {"earliest": "soon"}, "Enter a date such as 2026-03-31, or “today”."),
        ("number", {"min": 5, "max": 1}, "The lower limit lies above the upper one."),
    ],
)
def test_wrong_settings_are_named(kind, config, said):
    found = [str(problem.message) for problem in type_of(kind).check_config(config)]
    assert found
    if said:
        assert said in found


@pytest.mark.parametrize("kind", QuestionKind.values)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_widget_and_display_render(kind, language):
    settings = {"table": BUDGET, "consent": CONSENT}.get(kind, YES_NO if "choice" in kind else {})
    values = {
        "short_text": "<b>标题</b>",
        "long_text": "一\n二",
        "number": "5",
        "money": 100,
        "date": "2026-03-01",
        "single_choice": "yes",
        "multiple_choice": ["yes"],
        "trl": 4,
        "consent": True,
        "table": [{"item": "<i>", "sort": "yes", "amount": 100, "month": "1", "day": None}],
        "ip": [
            {
                "type": "invention",
                "title": "方法",
                "owner": "甲",
                "status": "filed",
                "number": None,
                "date": None,
            }
        ],
        "files": [{"id": "1", "name": "a<b>.pdf", "bytes": 10}],
    }
    with override(language):
        for value in (None, values[kind]):
            q = present(
                key="k",
                kind=kind,
                label="题目",
                help="说明",
                settings=settings,
                value=value,
                required=True,
                problems=["改正"],
            )
            page = render_to_string(q["widget_template"], {"q": q})
            assert 'aria-describedby="' in page
            assert "改正" in page
            assert "<b>" not in page
            assert "<i>" not in page
            shown = question_shown(q)
            assert "<b>" not in shown
            assert "style=" not in page + shown


def test_typed_text_is_shown_again_when_it_could_not_be_taken():
    q = present(key="a", kind="money", label="金额", settings={}, value=100, raw="-5", problems=["no"])
    assert 'value="-5"' in render_to_string(q["widget_template"], {"q": q})


def test_values_are_json():
    value = clean("table", [{"item": "a", "amount": "1", "month": "2", "day": "2026-01-01"}], **BUDGET)
    assert json.loads(json.dumps(value)) == value
