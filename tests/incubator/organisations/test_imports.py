import datetime

import pytest

from incubator.models import Organisation
from park_portal.core.imports.services import apply_batch, check_batch, open_batch, undo_batch
from tests.factories.core import make_staff
from tests.factories.incubator import make_code, make_organisation
from tests.incubator.sheets import workbook

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer():
    return make_staff("officer")


def checked(officer, *rows):
    batch = open_batch(workbook(*rows), kind="incubator.organisation", file_name="a.xlsx", actor=officer)
    return check_batch(batch, actor=officer)


def test_chinese_headings_and_words_come_in(officer):
    batch = checked(
        officer,
        ["单位名称*", "统一社会信用代码", "单位性质", "技术领域", "成立日期", "联系电话", "官网", "所在区"],
        [
            "上海澄光生物科技有限公司",
            make_code(1).lower(),
            "初创企业",
            "AI+BT",
            20240315,
            13800001111.0,
            "example.com",
            "青浦区",
        ],
        ["复旦大学", None, None, None, None, None, None, None],
    )
    assert batch.report["errors"] == []
    apply_batch(batch, actor=officer)
    startup, university = Organisation.objects.order_by("id")
    assert (startup.uscc, startup.kind, startup.technology_field, startup.founded_on) == (
        make_code(1), "startup", "ai_bt", datetime.date(2024, 3, 15),
    )  # fmt: skip
    assert (startup.contact_phone, startup.website, startup.in_qingpu) == (
        "13800001111",
        "https://example.com",
        True,
    )
    assert university.kind == "university"
    undo_batch(batch, actor=officer)
    assert Organisation.objects.count() == 0


def test_wrong_codes_kinds_and_repetitions_are_named_by_row_and_column(officer):
    wrong = make_code(1)[:-1] + ("0" if make_code(1)[-1] != "0" else "1")
    batch = checked(
        officer,
        ["Name", "USCC", "Kind", "E-mail"],
        ["甲", wrong, "company", "a@example.com"],
        ["乙", make_code(2), "饭店", None],
        ["丙", make_code(3), None, "no address"],
        ["丁", make_code(3), None, None],
        [None, make_code(4), None, None],
    )
    assert [(error["row"], error["heading"]) for error in batch.report["errors"]] == [
        (2, "USCC"), (3, "Kind"), (4, "E-mail"), (5, None), (6, "Name"),
    ]  # fmt: skip
    assert Organisation.objects.count() == 0


def test_a_known_code_changes_the_record_and_a_like_name_is_remarked(officer):
    known = make_organisation("上海澄光生物科技有限公司", uscc=make_code(1), district="浦东新区")
    batch = checked(
        officer,
        ["名称", "信用代码", "区"],
        ["上海澄光生物科技有限公司", make_code(1), "青浦区"],
        ["澄光生物科技(上海)有限公司", None, None],
    )
    counts = batch.report["counts"]
    assert (counts["created"], counts["updated"], counts["warnings"]) == (1, 1, 1)
    assert batch.report["warnings"][0]["row"] == 3
    apply_batch(batch, actor=officer)
    known.refresh_from_db()
    assert known.district == "青浦区"


def test_a_name_held_by_several_asks_for_the_code(officer):
    make_organisation("同名公司", uscc=None)
    make_organisation("同名公司", uscc=None)
    batch = checked(officer, ["名称", "区"], ["同名公司", "青浦区"])
    assert [(error["row"], error["heading"]) for error in batch.report["errors"]] == [(2, "名称")]
