"""Blacking out names: a corpus of how people, organisations and addresses are written, and of what is none of them."""

import pytest

from funding.applications.redaction import MARK, Kind, Names, domains_of, find, redact

TEAM = Names(
    people=frozenset(
        {
            "林若溪",
            "欧阳思远",
            "单雨",
            "吕若彤",
            "陈思远 (Simon Chen)",
            "Anna Maria Schmidt",
            "阿卜杜拉·买买提",
        }
    ),
    organisations=frozenset(
        {
            "上海青芯生物科技有限公司",
            "Qingxin Biotech (Shanghai) Co., Ltd.",
            "复旦大学",
            "Fudan University",
            "上海交通大学",
            "Shanghai Jiao Tong University",
            "上海智能科技有限公司",
        }
    ),
    emails=frozenset({"ruoxi.lin@fudan.edu.cn"}),
    phones=frozenset({"+86 138 0000 1234", "021-59200000"}),
    addresses=frozenset({"上海市青浦区华青路885号3幢502室", "No. 220 Handan Road, Shanghai"}),
    codes=frozenset({"91310118MA1JXAB123", "qingxin-bio.cn"}),
)
NOBODY = Names()


@pytest.mark.parametrize(
    "written",
    [
        "林若溪", "林 若 溪", "林　若溪", "林\u200b若溪", "林·若溪", "林教授", "林老师", "林某博士",
        "Lin Ruoxi", "Ruoxi Lin", "LIN Ruoxi", "Lin, Ruoxi", "Lin Ruo-xi", "Ruo-Xi Lin", "Ruo Xi Lin", "linruoxi", "RuoxiLin",
        "Lín Ruòxī", "Ｌｉｎ Ｒｕｏｘｉ", "lin2 ruo4xi1", "Lam Ruoxi",
        "R. Lin", "R.X. Lin", "R.-X. Lin", "Lin RX", "Lin R.X.", "LIN, RX", "Prof. Lin", "Dr Lin", "Professor Lin",
        "欧阳思远", "Ouyang Siyuan", "Siyuan Ouyang", "Ou-yang Siyuan", "欧阳教授", "S.Y. Ouyang",
        "单雨", "Shan Yu", "SHAN Yu", "Yu Shan",
        "吕若彤", "Lü Ruotong", "Lv Ruotong", "Lyu Ruotong", "Lu Ruotong", "Ruotong LYU",
        "陈思远", "Simon Chen", "Chen, Simon", "S. Chen",
        "Anna Maria Schmidt", "Anna Schmidt", "Anna M. Schmidt", "Schmidt, Anna", "A. M. Schmidt", "A.M. Schmidt",
        "Schmidt A", "Dr. Schmidt", "ANNA SCHMIDT",
        "阿卜杜拉·买买提", "阿卜杜拉买买提",
    ],
)  # fmt: skip
def test_a_person_is_hidden_however_they_are_written(written):
    for text in (f"本项目由{written}负责。", f"The work of {written} shows it.", f"({written})", written):
        hidden = redact(text, TEAM)
        assert hidden == text.replace(written, MARK)


@pytest.mark.parametrize(
    "written",
    [
        "上海青芯生物科技有限公司", "青芯生物科技有限公司", "青芯生物科技", "青芯生物", "青芯", "上海青芯",
        "上海青芯生物科技　有限公司",
        "Qingxin Biotech (Shanghai) Co., Ltd.", "QINGXIN BIOTECH", "Qingxin",
        "复旦大学", "复旦", "Fudan University", "Fudan", "FUDAN UNIVERSITY",
        "上海交通大学", "上海交大", "交大", "Shanghai Jiao Tong University", "SJTU",
        "上海智能科技有限公司",
    ],
)  # fmt: skip
def test_an_organisation_is_hidden_by_its_full_and_its_short_names(written):
    for text in (f"样本来自{written}。", f"Samples of {written} were used."):
        assert redact(text, TEAM) in (text.replace(written, MARK), text.replace(written, f"上海{MARK}"))


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("ruoxi.lin@fudan.edu.cn", Kind.EMAIL),
        ("Someone.Else@example.com", Kind.EMAIL),
        ("ruoxi.lin (at) fudan.edu.cn", Kind.EMAIL),
        ("13800001234", Kind.PHONE),
        ("138-0000-1234", Kind.PHONE),
        ("+86 138 0000 1234", Kind.PHONE),
        ("021-59200000", Kind.PHONE),
        ("(021) 5920 0000", Kind.PHONE),
        ("15912345678", Kind.PHONE),
        ("0000-0002-1825-0097", Kind.CODE),
        ("91310118ma1jxab123", Kind.CODE),
        ("qingxin-bio.cn", Kind.CODE),
        ("上海市青浦区华青路885号3幢502室", Kind.ADDRESS),
        ("华青路885号3幢502室", Kind.ADDRESS),
        ("华青路 885 号", Kind.ADDRESS),
        ("No. 220 Handan Road, Shanghai", Kind.ADDRESS),
    ],
)
def test_ways_to_reach_the_team_are_hidden(written, kind):
    text = f"联系：{written}，谢谢。"
    assert redact(text, TEAM) == f"联系：{MARK}，谢谢。"
    (hit,) = find(text, TEAM)
    assert (hit.start, hit.end, hit.text, hit.kind) == (3, 3 + len(written), written, kind)


@pytest.mark.parametrize(
    "text",
    [
        "我们用类器官图像训练多模态模型，预测药物反应，准确率 92.5%，p < 0.001。",
        "We link genes to drugs; the linear model and Linux cluster were used. Chen-like kernels.",
        "上海的企业和大学合作，使用人工智能技术研发生物医药。",
        "University hospitals in Shanghai use AI technology; the first author annotates.",
        "样本 2025-11-23，编号 310118-2025-0001，金额 1234567 元，10.1038/s41586-020-2649-2。",
        "The annals show yuan values; shanyu grass and Lucy's shy R line. Analysis of R & D",
        "树林若干，溪流旁；林场教学；思远方。",
        "",
    ],
)
def test_what_names_nobody_stays(text):
    assert redact(text, TEAM) == text
    assert find(text, TEAM) == []


def test_neighbours_become_one_mark_and_length_tells_nothing():
    assert redact("林若溪欧阳思远", TEAM) == MARK
    assert redact("林若溪、欧阳思远", TEAM) == f"{MARK}、{MARK}"
    assert redact("Dr. Anna Maria Schmidt, Fudan University", TEAM) == f"{MARK}, {MARK}"


def test_without_names_only_what_reaches_people_is_hidden():
    assert redact("林若溪 ruoxi@x.cn", NOBODY) == f"林若溪 {MARK}"


def test_places_are_those_of_the_text_as_it_was_written():
    text = "①　Ｌｉｎ\u200b Ruòxī！"
    (hit,) = find(text, TEAM)
    assert text[hit.start : hit.end] == hit.text == "Ｌｉｎ\u200b Ruòxī"


def test_decomposed_tones_go_with_their_letters():
    text = "Li\u0301n Ruo\u0300xi\u0304 leads"
    assert redact(text, TEAM) == f"{MARK} leads"


@pytest.mark.parametrize(
    "name", ["", " ", "·", "林", "()", "L", "[a-z]+", "李(((", "\\", "张*", "🙂", "A B", "ng"]
)
def test_odd_names_break_nothing(name):
    names = Names(
        people=frozenset({name}),
        organisations=frozenset({name}),
        phones=frozenset({name}),
        addresses=frozenset({name}),
    )
    assert redact("一句普通的话 and a plain sentence.", names) == "一句普通的话 and a plain sentence."


def test_public_mailboxes_are_no_domain_of_the_team():
    assert domains_of(["a@qq.com", "b@fudan.edu.cn", "odd"], ["https://www.qingxin-bio.cn/about", ""]) == {
        "fudan.edu.cn",
        "qingxin-bio.cn",
    }
