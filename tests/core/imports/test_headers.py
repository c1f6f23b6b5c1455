import pytest

from park_portal.core.imports.headers import Heading, match_headings, unit_of

ALIASES = {"title": ["项目名称", "project title"], "amount": ["资助金额", "money"]}


@pytest.mark.parametrize(
    "text",
    ["项目名称", " 项目 名称 ", "项目名称*", "PROJECT_TITLE", "Ｐｒｏｊｅｃｔ　Ｔｉｔｌｅ", "项目名称(必填)"],
)
def test_match_headings_ignores_case_width_spaces_and_marks(text):
    match = match_headings([[text]], ALIASES)
    assert list(match.columns) == ["title"]


def test_match_headings_finds_the_row_below_a_merged_banner():
    rows = [
        ["2019年项目汇总表", None, None],
        ["填报单位:项目名称", None],
        ["项目名称", "备注", "资助金额(万元)"],
        ["甲", "x", 3],
    ]
    match = match_headings(rows, ALIASES)
    assert match.row == 2
    assert match.columns == {
        "title": [Heading(0, "项目名称")],
        "amount": [Heading(2, "资助金额(万元)", "wan")],
    }
    assert match.unknown == [Heading(1, "备注")]


def test_match_headings_keeps_both_columns_of_one_field():
    match = match_headings([["money", "资助金额"]], ALIASES)
    assert [heading.letter for heading in match.columns["amount"]] == ["A", "B"]


def test_match_headings_without_a_known_word_finds_nothing():
    assert match_headings([["甲", "乙"], [1, 2]], ALIASES) is None


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("金额（万元）", "wan"),
        ("金额(元)", "yuan"),
        ("金额/万元", "wan"),
        ("金额", None),
        ("Amount (CNY)", "yuan"),
        ("元素", None),
    ],
)
def test_unit_of_reads_brackets_and_endings(text, unit):
    assert unit_of(text) == unit


def test_heading_letter_counts_as_excel_does():
    assert [Heading(index, "").letter for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
