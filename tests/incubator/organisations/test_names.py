import pytest

from incubator.organisations.names import normalise_code, normalise_name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("上海澄光生物科技有限公司", "澄光生物"),
        ("上海市澄光生物科技有限公司", "澄光生物"),
        ("澄光生物科技(上海)有限公司", "澄光生物"),
        ("ＣｈｅｎｇＧｕａｎｇ Bio Co., Ltd.", "chengguangbio"),
        ("Chengguang Bio (Shanghai) Company Limited", "chengguangbio"),
        ("澄光生物股份有限公司", "澄光生物"),
        ("上海大学", "上海大学"),
        ("复旦大学", "复旦大学"),
        ("有限公司", "有限公司"),
        ("", ""),
        (None, ""),
    ],
)
def test_normalise_name_drops_place_and_legal_form(name, plain):
    assert normalise_name(name) == plain


def test_normalise_code_reads_full_width_lower_case_and_spaces():
    assert normalise_code(" ９１３１０１１８ ma1k3-a1x2y ") == "91310118MA1K3A1X2Y"
    assert normalise_code("  ") is None
