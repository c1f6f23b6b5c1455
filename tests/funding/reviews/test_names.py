"""Names across languages: 汉字, pinyin in either order, initials, e-mail, ORCID."""

import pytest

from funding.reviews.names import Level, Match, Person, Why, compare, compare_names


@pytest.mark.parametrize(
    ("one", "two", "why"),
    [
        ("周以宁", "周以宁", "name"),
        ("周 以宁", "周以宁", "name"),
        ("周以宁", "周一宁", ""),
        ("周以宁", "Zhou Yining", "pinyin"),
        ("周以宁", "Yining Zhou", "pinyin"),
        ("周以宁", "Zhou Yi-Ning", "pinyin"),
        ("周以宁", "ZHOU, Yi Ning", "pinyin"),
        ("周以宁", "Zhōu Yǐníng", "pinyin"),
        ("周以宁", "ZhouYining", "pinyin"),
        ("周以宁", "Y. N. Zhou", "initials"),
        ("周以宁", "Zhou YN", "initials"),
        ("周以宁", "Zhou, Y.", "initials"),
        ("周以宁", "Yining Z.", "initials"),
        ("周以宁", "Zhou Yiming", ""),
        ("周以宁", "Zhou", ""),
        ("周以宁", "Y. Z.", ""),
        ("单以宁", "Shan Yining", "pinyin"),
        ("仇英", "Qiu Ying", "pinyin"),
        ("曾荃", "Quan Zeng", "pinyin"),
        ("解明", "Xie Ming", "pinyin"),
        ("查良", "Zha Liang", "pinyin"),
        ("任远", "Ren Yuan", "pinyin"),
        ("吕布", "Lü Bu", "pinyin"),
        ("吕布", "LYU BU", "pinyin"),
        ("吕布", "Lv Bu", "pinyin"),
        ("欧阳修文", "Ouyang Xiuwen", "pinyin"),
        ("欧阳修文", "X. W. Ouyang", "initials"),
        ("周以宁 Zhou Yining", "Yining Zhou", "pinyin"),
        ("Zhou Yining", "Yining Zhou", "name"),
        ("Zhou Yining", "Y. Zhou", "initials"),
        ("Zhou Yi-Ning", "Zhou Y. N.", "initials"),
        ("Zhou Yining", "Zhao Yining", ""),
        ("Person", "Person", ""),
        ("周", "周", ""),
        ("", "Zhou Yining", ""),
        ("", "", ""),
    ],
)
def test_names(one, two, why):
    assert compare_names(one, two) == compare_names(two, one) == why


@pytest.mark.parametrize(
    ("one", "two", "match"),
    [
        (Person("周以宁", "a@x.cn"), Person("王五", "A@X.cn"), Match(Level.SAME, Why.EMAIL)),
        (
            Person("周以宁", orcid="0000-0002-1825-009x"),
            Person("Zhou", orcid="0000-0002-1825-009X"),
            Match(Level.SAME, Why.ORCID),
        ),
        (
            Person("周以宁", orcid="0000-0002-1825-0097", institution="复旦大学"),
            Person("周以宁", orcid="0000-0001-5109-3700", institution="复旦大学"),
            Match(Level.DIFFERENT),
        ),
        (
            Person("周以宁", institution="上海澄光科技有限公司"),
            Person("周以宁", institution="澄光科技有限公司"),
            Match(Level.SAME, Why.NAME_AND_INSTITUTION),
        ),
        (
            Person("周以宁", institution="复旦大学"),
            Person("周以宁", institution="同济大学"),
            Match(Level.NEAR, Why.NAME),
        ),
        (Person("周以宁", institution="复旦大学"), Person("周以宁"), Match(Level.NEAR, Why.NAME)),
        (
            Person("Zhou Yining", institution="复旦大学"),
            Person("Yining Zhou", institution="复旦大学"),
            Match(Level.NEAR, Why.NAME),
        ),
        (
            Person("周以宁", institution="复旦大学"),
            Person("Zhou Yining", institution="复旦大学"),
            Match(Level.NEAR, Why.PINYIN),
        ),
        (Person("周以宁"), Person("王五"), Match(Level.DIFFERENT)),
    ],
)
def test_people(one, two, match):
    assert compare(one, two) == compare(two, one) == match
