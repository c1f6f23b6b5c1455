"""What the demo's applicants and reviewers write."""

from __future__ import annotations

from random import Random
from typing import Any, Final

FIELD_OF: Final = {
    "ai": ["ai_imaging", "ai_models"],
    "bt": ["biologics", "gene_cell"],
    "ai_bt": ["ai_drug", "omics"],
}

SUMMARY: Final = (
    "本项目围绕“{title}”开展技术与市场双验证。团队已在实验室条件下取得关键数据，拟在{months}个月内完成原理样机的优化、"
    "第三方测试和不少于三家意向用户的试用，形成可核查的技术指标与市场结论，为后续许可或新设企业提供依据。"
)
BASIS: Final = (
    "核心原理：针对现有方法在灵敏度、通量和成本上的不足，我们提出了新的技术路线，并申请了发明专利。\n\n"
    "已有证据：在三批独立样本中重复验证，主要指标较现有方法提高约{gain}%,批间变异系数低于{cv}%。\n\n"
    "本项目要回答的技术问题：在真实场景的样本与数据上，上述性能能否保持；工艺放大后成本能否下降一半；与临床或产业现有流程能否衔接。"
)
NEED: Final = (
    "目标用户为三级医院相关科室、创新药企的研发部门和第三方检测机构。现有替代方案周期长、费用高，且依赖进口设备。"
    "我们访谈了{talks}家潜在用户，其中{wish}家表示愿意参与试用。按长三角地区年需求量测算，可服务市场约{size}亿元,"
    "首批客户的付费意愿与定价区间已初步验证。"
)

COMMITTEE: Final = {
    "strong": [
        "技术路线清晰，前期数据扎实，三批样本重复性好；市场访谈对象选择恰当。建议优先支持。",
        "团队兼具算法和临床背景，验证方案可操作，经费安排合理。个别里程碑的考核指标可再量化。",
        "创新性突出，国际上同类工作仍处于论文阶段；知识产权布局较早。建议支持。",
    ],
    "fair": [
        "方向有价值，但与现有产品的差异论证不够，建议压缩预算并增加对照实验。",
        "技术基础尚可，市场证据偏弱，仅有意向而无试用。可在补充用户验证后支持。",
        "里程碑偏乐观，样本量估计依据不足；团队缺少专职项目经理。",
    ],
    "weak": [
        "关键数据仅来自单批样本，尚不足以支持概念验证；建议先完成重复实验。",
        "同类产品已获批上市，未说明差异化优势，市场测算口径不清。",
        "经费大量用于设备购置，与验证目标关系不大。",
    ],
}
APPLICANT: Final = {
    "strong": [
        "建议在协议中明确第三方测试机构和考核指标，并尽早与注册检验机构沟通。",
        "请补充真实世界数据的来源与合规说明；其余方案可行。",
    ],
    "fair": [
        "请增加与现有方法的对照，并说明样本量的估计依据。",
        "建议配备专职项目经理，并补充至少一家用户的试用报告。",
    ],
    "weak": [
        "建议先完成多批次重复实验，再申请概念验证。",
        "请说明与已上市产品的差异，并核对市场规模的测算依据。",
    ],
}

RETURN_COMMENTS: Final = [
    "请补充检测报告的出具单位和日期，并说明样本来源。",
    "预算中“设备费”的必要性说明不够，请逐项补充。",
    "团队表中缺少项目经理的工作单位，请补齐。",
]
REJECT_REASON: Final = "该内容已获其他财政专项支持，不属于本通知的支持范围。"
WITHDRAW_REASON: Final = "因团队调整，拟完善后参加下一批次申报。"


def answers_of(
    *,
    title: str,
    field: str,
    amount_wan: int,
    trl: int,
    company: bool,
    lead: str,
    employer: str,
    random: Random,
    start: str,
) -> dict[str, Any]:
    """Return what the applicant types into the standard form, {question key: raw answer}."""
    months = random.choice([12, 15, 18, 24])
    shares = _split(amount_wan, random)
    budget = [
        ("materials", "实验耗材与试剂", shares[0]),
        ("testing", "第三方检测与样机加工", shares[1]),
        ("computing", "算力租用与数据标注", shares[2]),
        ("staff", "项目聘用研究人员", shares[3]),
    ]
    touches_people = field != "ai" or random.random() < 0.4
    compliance = ["human"] if touches_people else ["none"]
    if field == "bt" and random.random() < 0.3:
        compliance = ["human", "animal"]
    answers: dict[str, Any] = {
        "title": title,
        "summary": SUMMARY.format(title=title, months=months),
        "fields": FIELD_OF[field],
        "amount": str(amount_wan),
        "start_date": start,
        "duration": str(months),
        "technical_basis": BASIS.format(gain=random.randrange(15, 60), cv=random.randrange(4, 12)),
        "trl_now": str(trl),
        "trl_target": str(min(trl + 2, 9)),
        "ownership": "company" if company else "university",
        "market_need": NEED.format(
            talks=random.randrange(6, 20), wish=random.randrange(3, 6), size=random.randrange(2, 40)
        ),
        "market_evidence": [
            {
                "type": "interview",
                "party": "浦江市第一人民医院检验科",
                "finding": "认可通量优势，关注单次成本",
                "date": "",
            },
            {
                "type": "intent",
                "party": "申江创新药研发中心",
                "finding": "愿意提供样本并参与试用",
                "date": "",
            },
        ],
        "route": "own" if company else random.choice(["licence", "startup", "equity"]),
        "team": [
            {"name": lead, "role": "pi", "employer": employer, "task": "总体负责", "share": "60"},
            {
                "name": "周知行",
                "role": "manager",
                "employer": employer,
                "task": "技术与市场验证推进",
                "share": "100",
            },
        ],
        "milestones": [
            {
                "task": "完成样机优化与内部测试",
                "side": "technical",
                "deliverable": "测试报告，主要指标达标",
                "month": "6",
            },
            {
                "task": "完成三家用户试用",
                "side": "market",
                "deliverable": "试用报告三份",
                "month": str(months),
            },
        ],
        "budget": [
            {"category": category, "purpose": purpose, "amount": str(share)}
            for category, purpose, share in budget
            if share
        ],
        "compliance": compliance,
        "consent": True,
    }
    if "human" in compliance:
        answers["ethics"] = random.choice(["approved", "submitted", "planned"])
    return answers


def _split(total: int, random: Random) -> list[int]:
    """Return four parts of ``total`` that add up to it."""
    first = max(1, total * random.randrange(25, 40) // 100)
    second = max(1, total * random.randrange(15, 30) // 100)
    third = max(1, total * random.randrange(10, 20) // 100)
    return [first, second, third, total - first - second - third]


LESS = "设备购置费按共享仪器标准核减。"
MOVED = "会议评审认为其市场验证证据更充分，排序上调。"
OBJECTION = {
    "name": "何志远",
    "email": "he.zhiyuan@example.com",
    "text": "该项目申报材料中的关键数据与申请人2024年已结题项目高度重合，建议核查是否重复资助。",
}
