# ruff: noqa: E501 - the texts of a form are easier to read and to proof in one piece.
"""The standard "AI + BT" concept-validation call: question bank, form, stages, rubric and rules in both languages.

Staff start from it and change what they like; the demo park and the tests use it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from funding.calls.models import Call, CallQuestion, Criterion, EligibilityRule, Question, Section, Stage
from funding.calls.services import create_call
from funding.calls.states import (
    Acts,
    ApplicantKind,
    Blindness,
    Completion,
    CriterionKind,
    OnNegative,
    Purpose,
    QuestionKind,
    RuleKind,
    StageKind,
)
from funding.funds.models import Fund
from funding.funds.states import Track
from incubator.organisations.models import Organisation
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import Actor, record
from park_portal.core.money import wan_to_fen

Kind = QuestionKind


@dataclass(frozen=True)
class BankQuestion:
    """One question as the portal brings it: key, kind, wording in Chinese and English, settings."""

    key: str
    kind: str
    zh: str
    en: str
    help_zh: str = ""
    help_en: str = ""
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Use:
    """One question of the bank as it stands in the standard form."""

    key: str
    required: bool = True
    reviewers_see: bool = True
    purpose: str = Purpose.NONE
    condition: tuple[str, str] | None = None


def _choice(value: str, zh: str, en: str) -> dict[str, str]:
    return {"value": value, "zh": zh, "en": en}


def _column(key: str, kind: str, zh: str, en: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": kind, "zh": zh, "en": en, **more}


STANDARD_QUESTIONS: Final[tuple[BankQuestion, ...]] = (
    BankQuestion(
        "title",
        Kind.SHORT_TEXT,
        "项目名称",
        "Title of the project",
        "简明反映研究对象和验证目标，不超过120个字。",
        "Short and plain: what is validated, and for what; at most 120 characters.",
        {"min_chars": 4, "max_chars": 120},
    ),
    BankQuestion(
        "summary",
        Kind.LONG_TEXT,
        "项目摘要",
        "Summary",
        "评审专家声明无利益冲突后、接受邀请前只能看到这段文字，请勿写入姓名、单位等身份信息。",
        "Reviewers who declared no conflict see only this before they accept; leave out names and institutions.",
        {"min_chars": 50, "max_chars": 800, "rows": 6},
    ),
    BankQuestion(
        "fields",
        Kind.MULTIPLE_CHOICE,
        "技术方向",
        "Fields",
        "最多选三项，用于匹配评审专家。",
        "Up to three; used to find reviewers.",
        {
            "max_chosen": 3,
            "choices": [
                _choice("ai_drug", "AI 药物发现与设计", "AI for drug discovery and design"),
                _choice("ai_imaging", "医学影像与智能诊断", "Medical imaging and AI diagnosis"),
                _choice(
                    "ai_models", "生命科学大模型与算法", "Foundation models and algorithms for life science"
                ),
                _choice("omics", "组学与生物信息", "Omics and bioinformatics"),
                _choice("synthetic", "合成生物学", "Synthetic biology"),
                _choice("gene_cell", "基因与细胞治疗", "Gene and cell therapy"),
                _choice("biologics", "抗体与蛋白药物", "Antibodies and protein drugs"),
                _choice("devices", "医疗器械与体外诊断", "Medical devices and in-vitro diagnostics"),
                _choice("bci", "脑科学与脑机接口", "Brain science and brain-computer interfaces"),
                _choice("other", "其他", "Other"),
            ],
        },
    ),
    BankQuestion(
        "amount",
        Kind.MONEY,
        "申请经费",
        "Amount requested",
        "以万元为单位，应与经费预算表合计一致。",
        "In units of 10,000 yuan; must equal the total of the budget.",
        {"unit": "wan"},
    ),
    BankQuestion(
        "start_date",
        Kind.DATE,
        "计划开始日期",
        "Planned start",
        config={"earliest": "today"},
    ),
    BankQuestion(
        "duration",
        Kind.NUMBER,
        "实施周期",
        "Duration",
        "6至24个月。",
        "6 to 24 months.",
        {"min": 6, "max": 24, "decimals": 0, "unit": {"zh": "个月", "en": "months"}},
    ),
    BankQuestion(
        "technical_basis",
        Kind.LONG_TEXT,
        "技术基础与已有证据（技术验证）",
        "Technical basis and evidence so far (technical validation)",
        "说明核心技术原理、创新点、已完成的实验或测试及关键数据，以及本项目要回答的技术问题。",
        "The core principle, what is new, experiments and key data so far, and the technical question this project answers.",
        {"min_chars": 100, "max_chars": 3000, "rows": 12},
    ),
    BankQuestion(
        "trl_now",
        Kind.TRL,
        "当前技术成熟度",
        "Technology readiness today",
        "参照 GB/T 22900，须有材料佐证。",
        "After GB/T 22900; supported by evidence.",
    ),
    BankQuestion(
        "trl_target",
        Kind.TRL,
        "项目结束时的目标技术成熟度",
        "Technology readiness aimed at",
        config={"not_below": "trl_now"},
    ),
    BankQuestion(
        "ip",
        Kind.IP,
        "知识产权",
        "Intellectual property",
        "列出与本项目直接相关的专利、软件著作权、技术秘密等，含拟申请的。",
        "Patents, software, trade secrets that this project rests on, including those to be filed.",
        {"max_rows": 20},
    ),
    BankQuestion(
        "ownership",
        Kind.SINGLE_CHOICE,
        "成果权属",
        "Who owns the result",
        config={
            "choices": [
                _choice("university", "归高校院所所有", "A university or institute"),
                _choice("empowered", "职务成果已赋权团队", "The team, empowered by its employer"),
                _choice("company", "归申报企业所有", "The applying company"),
                _choice("licensed", "经许可使用", "Used under a licence"),
                _choice("shared", "多方共有", "Several parties jointly"),
            ]
        },
    ),
    BankQuestion(
        "technical_files",
        Kind.FILES,
        "技术证明材料",
        "Technical evidence",
        "论文、检测报告、样机照片、专利证书等。",
        "Papers, test reports, photographs of prototypes, patent certificates.",
        {"max_files": 8, "max_mb": 20, "extensions": ["pdf", "docx", "xlsx", "pptx", "png", "jpg", "jpeg"]},
    ),
    BankQuestion(
        "market_need",
        Kind.LONG_TEXT,
        "应用场景与市场需求（市场验证）",
        "Use and market need (market validation)",
        "说明目标用户、要解决的问题、现有替代方案及差异、市场规模测算依据。",
        "Who needs it, the problem it solves, what they use today, and how the market was estimated.",
        {"min_chars": 100, "max_chars": 2000, "rows": 10},
    ),
    BankQuestion(
        "market_evidence",
        Kind.TABLE,
        "市场证据",
        "Market evidence",
        "“双验证”要求技术证据与市场证据并重：列出与潜在用户、临床或产业方的接触及其结论。",
        "Technical and market evidence weigh the same: list contacts with users, clinics or industry and what came of them.",
        {
            "min_rows": 1,
            "max_rows": 15,
            "columns": [
                _column(
                    "type",
                    "choice",
                    "证据类型",
                    "Kind",
                    required=True,
                    choices=[
                        _choice("interview", "用户访谈", "Interview"),
                        _choice("intent", "合作意向书", "Letter of intent"),
                        _choice("pilot", "试用或中试", "Pilot or trial use"),
                        _choice("order", "订单或合同", "Order or contract"),
                        _choice("expert", "产业或临床专家意见", "Opinion of industry or clinic"),
                        _choice("report", "第三方市场报告", "Third-party market report"),
                    ],
                ),
                _column("party", "text", "对方名称", "Party", required=True),
                _column("finding", "text", "结论", "Finding", required=True),
                _column("date", "date", "日期", "Date"),
            ],
        },
    ),
    BankQuestion(
        "route",
        Kind.SINGLE_CHOICE,
        "拟采用的转化方式",
        "Planned route to the market",
        config={
            "choices": [
                _choice("licence", "许可", "Licence"),
                _choice("assignment", "转让", "Assignment"),
                _choice("equity", "作价入股", "Equity contribution"),
                _choice("startup", "新设企业", "New company"),
                _choice("own", "企业自行产业化", "Own production by the company"),
            ]
        },
    ),
    BankQuestion(
        "team",
        Kind.TABLE,
        "项目团队",
        "Team",
        "须包括项目负责人和项目经理；项目经理负责技术与市场验证的全过程推进。",
        "Name the principal investigator and a project manager, who carries both validations through.",
        {
            "min_rows": 2,
            "max_rows": 20,
            "columns": [
                _column("name", "text", "姓名", "Name", required=True, names_applicant=True),
                _column(
                    "role",
                    "choice",
                    "角色",
                    "Role",
                    required=True,
                    choices=[
                        _choice("pi", "项目负责人", "Principal investigator"),
                        _choice("manager", "项目经理", "Project manager"),
                        _choice("research", "研发人员", "Research and development"),
                        _choice("business", "市场与商务", "Market and business"),
                        _choice("adviser", "顾问", "Adviser"),
                    ],
                ),
                _column("employer", "text", "工作单位", "Employer", required=True, names_applicant=True),
                _column("task", "text", "承担任务", "Task"),
                _column("share", "number", "投入时间（%）", "Time (%)", decimals=0, min=0, max=100),
            ],
        },
    ),
    BankQuestion(
        "milestones",
        Kind.TABLE,
        "任务清单与里程碑",
        "Tasks and milestones",
        "按时间顺序填写，每项应有可核查的交付物。",
        "In order of time; each with a deliverable that can be checked.",
        {
            "min_rows": 2,
            "max_rows": 12,
            "columns": [
                _column("task", "text", "任务", "Task", required=True),
                _column(
                    "side",
                    "choice",
                    "类别",
                    "Kind",
                    required=True,
                    choices=[
                        _choice("technical", "技术验证", "Technical"),
                        _choice("market", "市场验证", "Market"),
                        _choice("ip", "知识产权", "Intellectual property"),
                        _choice("company", "转化与融资", "Transfer and financing"),
                    ],
                ),
                _column("deliverable", "text", "交付物与考核指标", "Deliverable and measure", required=True),
                _column(
                    "month",
                    "number",
                    "完成月份（第几月）",
                    "Due in month",
                    required=True,
                    decimals=0,
                    min=1,
                    max="duration",
                ),
            ],
        },
    ),
    BankQuestion(
        "budget",
        Kind.TABLE,
        "经费预算",
        "Budget",
        "合计应等于申请经费。人员费、设备费须说明必要性。",
        "The total must equal the amount requested. Say why staff and equipment are needed.",
        {
            "min_rows": 1,
            "max_rows": 30,
            "total": "amount",
            "columns": [
                _column(
                    "category",
                    "choice",
                    "科目",
                    "Category",
                    required=True,
                    choices=[
                        _choice("equipment", "设备费", "Equipment"),
                        _choice("materials", "材料费", "Materials"),
                        _choice("testing", "测试化验加工费", "Testing and processing"),
                        _choice("computing", "算力与数据费", "Computing and data"),
                        _choice("staff", "人员费", "Staff"),
                        _choice("travel", "差旅与会议费", "Travel and meetings"),
                        _choice("ip", "知识产权与咨询费", "IP and consulting"),
                        _choice("other", "其他费用", "Other"),
                    ],
                ),
                _column("purpose", "text", "用途说明", "Purpose", required=True),
                _column("amount", "money", "金额", "Amount", required=True, unit="wan"),
            ],
        },
    ),
    BankQuestion(
        "compliance",
        Kind.MULTIPLE_CHOICE,
        "涉及的合规事项",
        "Compliance matters involved",
        "多选；没有的请选“均不涉及”。",
        "Choose all that apply, or “none of these”.",
        {
            "exclusive": "none",
            "choices": [
                _choice(
                    "human", "涉及人的研究（含样本、数据）", "Research with people, their samples or data"
                ),
                _choice("animal", "动物实验", "Animal experiments"),
                _choice("pathogen", "病原微生物", "Pathogenic microorganisms"),
                _choice("hgr", "人类遗传资源", "Human genetic resources"),
                _choice("genai", "面向公众的生成式人工智能服务", "Generative AI offered to the public"),
                _choice("none", "均不涉及", "None of these"),
            ],
        },
    ),
    BankQuestion(
        "ethics",
        Kind.SINGLE_CHOICE,
        "伦理审查情况",
        "Ethics review",
        config={
            "choices": [
                _choice("approved", "已通过", "Approved"),
                _choice("submitted", "已提交，待批准", "Submitted"),
                _choice("planned", "立项后提交", "To be submitted once funded"),
            ]
        },
    ),
    BankQuestion(
        "biosafety_level",
        Kind.SINGLE_CHOICE,
        "所需生物安全实验室级别",
        "Biosafety level needed",
        "一、二级实验室须已向卫生健康主管部门备案。",
        "Laboratories of level 1 and 2 must be filed with the health authority.",
        {
            "choices": [
                _choice("bsl1", "BSL-1", "BSL-1"),
                _choice("bsl2", "BSL-2", "BSL-2"),
                _choice("bsl3", "BSL-3", "BSL-3"),
                _choice("bsl4", "BSL-4", "BSL-4"),
            ]
        },
    ),
    BankQuestion(
        "hgr_foreign",
        Kind.SINGLE_CHOICE,
        "人类遗传资源是否有外方参与",
        "Foreign parties in the use of human genetic resources",
        "外方单位不得在我国境内采集、保藏我国人类遗传资源，不得向境外提供；国际合作须经批准。",
        "Foreign parties may not collect, store or export them; cooperation needs approval.",
        {
            "choices": [
                _choice("no", "无", "No"),
                _choice("approved", "有，已获批准或备案", "Yes, approved or filed"),
                _choice("pending", "有，正在办理", "Yes, under way"),
            ]
        },
    ),
    BankQuestion(
        "unsuitable_experts",
        Kind.TABLE,
        "不宜参加评审的专家",
        "Reviewers who would be unsuitable",
        "最多三人，须说明理由。评审专家看不到此项，园区据此安排回避。填写邮箱可准确识别。",
        "At most three, each with a reason. Reviewers do not see this; the park heeds it when it assigns them. An e-mail "
        "address makes the person certain.",
        {
            "min_rows": 0,
            "max_rows": 3,
            "columns": [
                _column("name", "text", "姓名", "Name", required=True),
                _column("institution", "text", "工作单位", "Institution", required=True),
                _column("email", "text", "邮箱", "E-mail"),
                _column("reason", "text", "理由", "Reason", required=True),
            ],
        },
    ),
    BankQuestion(
        "related_people",
        Kind.TABLE,
        "与本申请有利益关联的人员",
        "People to whom we are tied",
        "近三年的同事、合作者、师生、亲属，以及持有申请单位股份或担任其董事、监事、顾问的专家。评审专家看不到此项，园区据此安排回避。",
        "Colleagues, co-authors, teachers and students of the last three years, family, and experts who hold shares in the "
        "applicant or sit on its board. Reviewers do not see this; the park heeds it when it assigns them.",
        {
            "min_rows": 0,
            "max_rows": 20,
            "columns": [
                _column("name", "text", "姓名", "Name", required=True),
                _column("institution", "text", "工作单位", "Institution", required=True),
                _column("email", "text", "邮箱", "E-mail"),
                _column(
                    "kind",
                    "choice",
                    "关系",
                    "How",
                    required=True,
                    choices=[
                        _choice("employer", "同事", "Colleague"),
                        _choice("coauthor", "合作发表", "Co-author"),
                        _choice("coinvestigator", "合作研究", "Joint research"),
                        _choice("supervisor", "师生", "Teacher or student"),
                        _choice("family", "亲属", "Family"),
                        _choice("shareholder", "持股", "Shareholder"),
                        _choice("board", "董事、监事或顾问", "Board or adviser"),
                        _choice("other", "其他", "Another reason"),
                    ],
                ),
            ],
        },
    ),
    BankQuestion(
        "consent",
        Kind.CONSENT,
        "科研诚信承诺与个人信息告知",
        "Integrity pledge and personal data",
        config={
            "statement": {
                "zh": (
                    "本申请内容真实、完整，不存在抄袭、重复申报和侵犯他人权利的情形；所列团队成员均知情同意。\n"
                    "我们同意园区为受理、评审和资助管理处理申请中的个人信息，并提供给负有保密义务的评审专家；"
                    "可随时查阅、更正，或在不影响已进行的评审的前提下撤回。"
                ),
                "en": (
                    "What this application says is true and complete; it is not copied, not funded elsewhere and violates "
                    "nobody's rights, and everyone named has agreed to be named.\n"
                    "We agree that the park uses the personal data in it to handle, review and administer it and shows it to "
                    "reviewers bound to secrecy. We may see and correct it at any time, or withdraw it as far as review has "
                    "not taken place."
                ),
            }
        },
    ),
)

STANDARD_FORM: Final[tuple[tuple[str, str, tuple[Use, ...]], ...]] = (
    (
        "项目概况",
        "The project",
        (
            Use("title", purpose=Purpose.TITLE),
            Use("summary", purpose=Purpose.SUMMARY),
            Use("fields"),
            Use("amount", purpose=Purpose.AMOUNT),
            Use("start_date"),
            Use("duration"),
        ),
    ),
    (
        "技术验证",
        "Technical validation",
        (
            Use("technical_basis"),
            Use("trl_now"),
            Use("trl_target"),
            Use("ip", required=False),
            Use("ownership"),
            Use("technical_files", required=False),
        ),
    ),
    (
        "市场验证",
        "Market validation",
        (Use("market_need"), Use("market_evidence"), Use("route")),
    ),
    (
        "团队与计划",
        "Team and plan",
        (Use("team"), Use("milestones"), Use("budget", purpose=Purpose.BUDGET)),
    ),
    (
        "伦理与合规",
        "Ethics and compliance",
        (
            Use("compliance"),
            Use("ethics", condition=("compliance", "human")),
            Use("biosafety_level", condition=("compliance", "pathogen")),
            Use("hgr_foreign", condition=("compliance", "hgr")),
        ),
    ),
    (
        "声明",
        "Declarations",
        (
            Use("unsuitable_experts", required=False, reviewers_see=False, purpose=Purpose.UNSUITABLE),
            Use("related_people", required=False, reviewers_see=False, purpose=Purpose.RELATED),
            Use("consent", reviewers_see=False),
        ),
    ),
)

# How each standard question stands in the form, by its key; one added by hand begins so too.
STANDARD_USES: Final = {use.key: use for _zh, _en, uses in STANDARD_FORM for use in uses}

# Checklist of the screening: Chinese, English.
CHECKLIST: Final = (
    ("申请表填写完整，附件清晰可读", "The form is complete and its files can be read"),
    ("申报主体和项目符合申报条件", "Applicant and project are eligible"),
    (
        "预算合计与申请经费一致，科目合理",
        "The budget adds up to the amount requested; its categories are in order",
    ),
    ("伦理、生物安全等合规事项已说明", "Ethics, biosafety and other compliance matters are explained"),
    ("无重复申报", "It has not been submitted twice"),
)

# Rubric of the expert review: Chinese, English, help in both, weight, "not applicable" allowed.
RUBRIC: Final = (
    (
        "创新性",
        "Innovation",
        "相对国内外现有技术的新颖程度和先进性。",
        "How new and how good it is beside what exists.",
        25,
        False,
    ),
    (
        "技术可行性",
        "Technical feasibility",
        "技术证据是否充分，验证方案能否回答关键问题。",
        "Whether the evidence carries and the plan answers the key question.",
        25,
        False,
    ),
    (
        "市场前景",
        "Market",
        "需求是否真实，市场证据是否可信，转化路径是否清晰。",
        "Whether the need is real, the evidence sound and the route clear.",
        20,
        False,
    ),
    (
        "知识产权",
        "Intellectual property",
        "权属是否清晰，保护是否有力；尚无知识产权的可选“不适用”。",
        "Whether ownership is clear and protection strong; “not applicable” where there is none yet.",
        10,
        True,
    ),
    (
        "团队",
        "Team",
        "负责人和项目经理的经历、团队构成与投入。",
        "Experience of the principal investigator and the project manager, and the time given.",
        10,
        False,
    ),
    (
        "计划与经费",
        "Plan and budget",
        "里程碑是否可核查，经费是否必要、合理。",
        "Whether milestones can be checked and costs are needed and fair.",
        10,
        False,
    ),
)

_BODY_ZH: Final = """为推动高校院所和初创企业的“AI+BT”（人工智能+生物技术）早期成果走向市场，现启动概念验证基金申报工作。

支持方向
- 人工智能驱动的药物研发、诊断、影像和生命科学大模型
- 合成生物、基因与细胞治疗、抗体与蛋白药物
- 医疗器械、体外诊断、脑机接口等交叉领域

支持方式
- 对技术和市场实行“双验证”：两方面的证据同等重要
- 每个项目配备项目经理，按任务清单和里程碑分批拨付
- 验证成功的项目优先推荐入孵并对接市场化基金

评审流程
- 在线提交后依次进行形式审查、校方联络人审核（科研团队项目）、专家评审、公示和立项决定
- 每个环节的进展和结果均在本平台通知

联系与咨询请见页面所列联系方式。"""

_BODY_EN: Final = """This call helps early results in “AI + BT” (artificial intelligence and biotechnology) from universities and startups on their way to the market.

What is supported
- AI for drug discovery, diagnosis, imaging and foundation models of life science
- Synthetic biology, gene and cell therapy, antibodies and protein drugs
- Medical devices, in-vitro diagnostics, brain-computer interfaces and other crossings of the two

How
- Two validations: technical and market evidence weigh the same
- Each project has a project manager; money follows a list of tasks and milestones
- Projects that succeed are first in line for the incubator and for market-based funds

Review
- After submission: screening, review by the university's liaison (research teams), expert review, public notice and decision
- Every step is told on this portal

For questions see the contact on this page."""


@transaction.atomic
def load_bank() -> dict[str, Question]:
    """Add the standard questions that the bank lacks, leave the others as staff wrote them; return all by key."""
    found: dict[str, Question] = {}
    for item in STANDARD_QUESTIONS:
        found[item.key], _created = Question.objects.get_or_create(
            key=item.key,
            defaults={
                "kind": item.kind,
                "label_zh_hans": item.zh,
                "label_en": item.en,
                "help_zh_hans": item.help_zh,
                "help_en": item.help_en,
                "config": item.config,
            },
        )
    return found


@transaction.atomic
def standard_call(
    *,
    actor: Actor,
    code: str,
    fund: Fund,
    lead: User,
    opens_at: datetime,
    closes_at: datetime,
    university: Organisation | None = None,
    experts: int = 3,
    blindness: str = Blindness.SINGLE,
    panel: bool = False,
    diligence: bool = False,
    notice: bool = True,
    **fields: Any,
) -> Call:
    """Create the standard call as a draft that can be published as it is, and return it.

    ``university`` limits research projects to one university. ``fields`` replace columns of the call (see
    ``services.FIELDS``); ``panel``, ``diligence`` and ``notice`` say which of the optional stages it has.
    """
    year = opens_at.year
    values: dict[str, Any] = {
        "title_zh_hans": f"{year}年度“AI+BT”概念验证基金申报通知",
        "title_en": f"“AI + BT” Concept Validation Fund {year}",
        "summary_zh_hans": "面向高校科研团队和初创企业，资助“AI+BT”早期成果开展技术与市场“双验证”，单个项目最高200万元。",
        "summary_en": "Up to ¥2 million a project for research teams and startups to validate early “AI + BT” results, in "
        "the laboratory and in the market.",
        "body_zh_hans": _BODY_ZH,
        "body_en": _BODY_EN,
        "track": Track.AI_BT,
        "budget_fen": wan_to_fen(2000),
        "min_amount_fen": wan_to_fen(20),
        "max_amount_fen": wan_to_fen(200),
        "contact": "021-5920 0000 · fund@park.example",
    }
    call = create_call(
        actor=actor,
        code=code,
        fund=fund,
        lead=lead,
        opens_at=opens_at,
        closes_at=closes_at,
        **{**values, **fields},
    )
    add_standard_form(call)
    _add_rules(call, university)
    _add_stages(call, experts=experts, blindness=blindness, panel=panel, diligence=diligence, notice=notice)
    record("call.standard_form", call, actor=actor, after={"questions": call.questions.count()})
    return call


def add_standard_form(call: Call) -> None:
    """Put the standard sections and questions into an empty form."""
    bank = load_bank()
    used: dict[str, CallQuestion] = {}
    for place, (zh, en, uses) in enumerate(STANDARD_FORM, 1):
        section = Section.objects.create(call=call, title_zh_hans=zh, title_en=en, position=place)
        for position, use in enumerate(uses, 1):
            on, value = use.condition or (None, "")
            used[use.key] = CallQuestion.objects.create(
                call=call,
                section=section,
                question=bank[use.key],
                position=position,
                required=use.required,
                reviewers_see=use.reviewers_see,
                purpose=use.purpose,
                condition_on=used[on] if on else None,
                condition_value=value,
            )


def _add_rules(call: Call, university: Organisation | None) -> None:
    organisation, project = ApplicantKind.ORGANISATION, ApplicantKind.PROJECT
    rows: list[dict[str, Any]] = [
        {"kind": RuleKind.HAS_USCC, "applies_to": organisation},
        {"kind": RuleKind.MAX_AGE, "applies_to": organisation, "policy_key": "incubatee.stay_biotech"},
        {"kind": RuleKind.MIN_TRL, "value": Decimal(3)},
        {"kind": RuleKind.MAX_APPLICATIONS, "value": Decimal(1)},
        {"kind": RuleKind.NO_OPEN_AWARD},
    ]
    if university is not None:
        rows.insert(
            0,
            {
                "kind": RuleKind.UNIVERSITY,
                "applies_to": project,
                "organisation": university,
            },
        )
    for position, row in enumerate(rows, 1):
        EligibilityRule.objects.create(call=call, position=position, **row)


def _add_stages(
    call: Call, *, experts: int, blindness: str, panel: bool, diligence: bool, notice: bool
) -> None:
    plan: list[dict[str, Any]] = [
        {
            "kind": StageKind.SCREENING,
            "name_zh_hans": "形式审查",
            "name_en": "Screening",
            "instructions_zh_hans": "逐项核对清单。材料可补正的退回修改并注明问题；不符合申报条件的不予通过并说明理由。",
            "instructions_en": "Go through the checklist. Return what can be mended, with a comment at each question; reject "
            "what is not eligible, with the reason.",
            "working_days": 5,
            "acts": Acts.OFFICER,
            "completion": Completion.COUNT,
            "on_negative": OnNegative.REJECT,
        },
        {
            "kind": StageKind.LIAISON,
            "name_zh_hans": "校方联络人审核",
            "name_en": "Liaison review",
            "instructions_zh_hans": "核实成果权属、团队成员身份和学校支持意见；企业申请不经过本环节。",
            "instructions_en": "Check who owns the result, that the team are who they say, and that the university stands "
            "behind it. Applications of companies skip this stage.",
            "working_days": 5,
            "acts": Acts.LIAISON,
            "completion": Completion.COUNT,
            "on_negative": OnNegative.CONTINUE,
        },
        {
            "kind": StageKind.EXPERT,
            "name_zh_hans": "专家评审",
            "name_en": "Expert review",
            "instructions_zh_hans": "请按评分标准独立打分，并分别填写给评审委员会和给申请人的意见。存在利益冲突的请在查看全文前声明回避。",
            "instructions_en": "Score each criterion on your own, and write separately for the committee and for the "
            "applicant. Declare a conflict of interest before you open the text.",
            "working_days": 10,
            "acts": Acts.EXPERT,
            "required_count": experts,
            "completion": Completion.COUNT,
            "on_negative": OnNegative.CONTINUE,
            "blindness": blindness,
        },
    ]
    if panel:
        plan.append(
            {
                "kind": StageKind.PANEL,
                "name_zh_hans": "会议评审",
                "name_en": "Panel",
                "instructions_zh_hans": "结合专家评审意见集中讨论，形成推荐意见。",
                "instructions_en": "Discuss the reviews together and recommend.",
                "working_days": 5,
                "acts": Acts.LEAD,
                "completion": Completion.STAFF,
                "on_negative": OnNegative.CONTINUE,
            }
        )
    if diligence:
        plan.append(
            {
                "kind": StageKind.DILIGENCE,
                "name_zh_hans": "尽职调查",
                "name_en": "Due diligence",
                "instructions_zh_hans": "核查主体资格、知识产权和财务情况。",
                "instructions_en": "Check legal standing, intellectual property and accounts.",
                "working_days": 10,
                "acts": Acts.FUND_MANAGER,
                "completion": Completion.COUNT,
                "on_negative": OnNegative.CONTINUE,
            }
        )
    if notice:
        plan.append(
            {
                "kind": StageKind.NOTICE,
                "name_zh_hans": "公示",
                "name_en": "Public notice",
                "instructions_zh_hans": "公示期内任何人均可提出异议；异议处理完毕后方可作出立项决定。",
                "instructions_en": "Anyone may object while the notice is up; objections are resolved before the decision.",
                "working_days": 5,
                "acts": Acts.OFFICER,
                "completion": Completion.TIME,
                "on_negative": OnNegative.CONTINUE,
            }
        )
    plan.append(
        {
            "kind": StageKind.DECISION,
            "name_zh_hans": "立项决定",
            "name_en": "Decision",
            "instructions_zh_hans": "根据排序、预算线和评审意见统一作出立项、不立项或备选的决定。",
            "instructions_en": "Approve, decline or reserve together, by rank, budget line and reviews.",
            "working_days": 10,
            "acts": Acts.LEAD,
            "completion": Completion.STAFF,
            "on_negative": OnNegative.CONTINUE,
        }
    )
    for position, values in enumerate(plan, 1):
        stage = Stage.objects.create(call=call, position=position, **values)
        if stage.kind == StageKind.SCREENING:
            for place, (zh, en) in enumerate(CHECKLIST, 1):
                Criterion.objects.create(
                    stage=stage, kind=CriterionKind.CHECK, label_zh_hans=zh, label_en=en, position=place
                )
        elif stage.kind == StageKind.EXPERT:
            for place, (zh, en, help_zh, help_en, weight, allow_na) in enumerate(RUBRIC, 1):
                Criterion.objects.create(
                    stage=stage,
                    kind=CriterionKind.SCORE,
                    label_zh_hans=zh,
                    label_en=en,
                    help_zh_hans=help_zh,
                    help_en=help_en,
                    weight=weight,
                    max_score=10,
                    allow_na=allow_na,
                    position=place,
                )
