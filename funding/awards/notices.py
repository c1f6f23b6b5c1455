from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

_AWARD: Final = {
    "award": MergeField(_("number of the award"), "AIBT-2026-0001-A"),
    "title": MergeField(
        _("title"), {"zh-hans": "类器官药敏预测平台", "en": "Organoid drug response platform"}
    ),
    "holder": MergeField(
        _("who holds it"), {"zh-hans": "上海澄光生物科技有限公司", "en": "Chengguang Biotech"}
    ),
}
_REASON: Final = MergeField(_("reason"), {"zh-hans": "市场证据不足。", "en": "The market evidence is thin."})
_MILESTONE: Final = MergeField(_("milestone"), {"zh-hans": "1 原型验证", "en": "1 Prototype validated"})
_PEOPLE: Final = _("people of the applicant")
_GROUP: Final = _("Awards")

AGREEMENT_TEXT: Final = {
    "zh-hans": """第一条　为支持{{ grantee }}（以下称“乙方”）实施《{{ title }}》，园区（以下称“甲方”）从{{ fund }}中资助 {{ amount }}，项目编号 {{ award }}。

第二条　执行期自{{ starts }}起至{{ ends }}止。项目负责人：{{ pi }}。

第三条　研究内容和目标：{{ scope }} 技术成熟度由 TRL {{ trl_start }} 提升至 TRL {{ trl_target }}。

第四条　里程碑以技术证据和市场证据双验证：两类证据齐备并经甲方核查通过，方为达成。

第五条　资助款按附表分批拨付。乙方在拨款条件达成后申请，甲方按核查、审批、放款分人办理。报告逾期的，暂停后续拨付。

第六条　资助款专款专用，单独核算。预算科目之间在规定比例内可自行调剂；金额、期限、内容和负责人的变更须经甲方批准。

第七条　乙方每 {{ months }} 个月提交一次中期报告，期满后提交结题报告，并附支出票据。

第八条　期满后由甲方组织专家验收。未使用或未获认定的资金退回甲方。

第九条　乙方严重违反本协议的，甲方可以中止或终止资助，并追回已拨付的资金。""",
    "en": """1. To support {{ grantee }} (the grantee) in carrying out ‘{{ title }}’, the park grants {{ amount }} from the {{ fund }} under number {{ award }}.

2. The work begins on {{ starts }} and ends on {{ ends }}. Principal investigator: {{ pi }}.

3. Scope and aim: {{ scope }} The technology readiness level rises from TRL {{ trl_start }} to TRL {{ trl_target }}.

4. Milestones are shown twice: by technical and by market evidence. A milestone is met when the park has checked both and found them good.

5. The grant is paid in the tranches of the annex. The grantee asks once the conditions are met; checking, approval and release are done by different people of the park. While a report is overdue, nothing more is paid.

6. The grant is used for this work only and accounted for separately. Between budget categories the grantee may shift within the share allowed; changes of amount, time, scope or investigator need the park's approval.

7. The grantee sends an interim report every {{ months }} months and a final report after the end, with receipts of all expenses.

8. After the end the park has the work accepted by a panel of experts. What was not spent, or is not recognised, is paid back.

9. If the grantee gravely breaks this agreement, the park may suspend or terminate the grant and claim back what was paid.""",
}

AGREEMENT_KIND: Final = Kind(
    name="award.agreement",
    label=_("Award agreement"),
    audience=_PEOPLE,
    fields={
        "award": _AWARD["award"],
        "title": _AWARD["title"],
        "grantee": _AWARD["holder"],
        "fund": MergeField(_("fund"), {"zh-hans": "概念验证基金", "en": "Concept Validation Fund"}),
        "amount": MergeField(_("amount"), "¥1,500,000.00"),
        "starts": MergeField(_("begins on"), {"zh-hans": "2026年4月1日", "en": "1 April 2026"}),
        "ends": MergeField(_("ends on"), {"zh-hans": "2027年9月30日", "en": "30 September 2027"}),
        "pi": MergeField(_("principal investigator"), {"zh-hans": "陈敏", "en": "Chen Min"}),
        "scope": MergeField(
            _("scope of work"), {"zh-hans": "建立平台原型。", "en": "A prototype of the platform."}
        ),
        "trl_start": MergeField(_("TRL at the start"), "4"),
        "trl_target": MergeField(_("TRL to be reached"), "6"),
        "months": MergeField(_("interim report every (months)"), "6"),
    },
    subject={"zh-hans": "资助协议", "en": "Award agreement"},
    body=AGREEMENT_TEXT,
)


def _told(
    name: str,
    label: Any,
    fields: dict[str, MergeField],
    zh: tuple[str, str],
    en: tuple[str, str],
    *,
    staff: bool = False,
) -> Kind:
    """One notice about an award: to who answers for it, or to staff."""
    common: Any = {"offered_with": "core.see_records", "default": "digest"} if staff else {"required": True}
    return Kind(
        name=name,
        label=label,
        audience=_("park staff") if staff else _PEOPLE,
        group=_GROUP,
        **common,
        fields={**_AWARD, **fields},
        subject={"zh-hans": zh[0], "en": en[0]},
        body={"zh-hans": "{{ name }}，您好：\n\n" + zh[1], "en": "Dear {{ name }},\n\n" + en[1]},
    )


KINDS = [
    _told(
        "award.agreement_issued",
        _("Agreement to be signed"),
        {"ends": MergeField(_("ends on"), "2027-09-30")},
        (
            "请签署资助协议：{{ title }}（{{ award }}）",
            "《{{ title }}》（{{ award }}）的资助协议已出具，执行期至 {{ ends }}。请在项目页面下载协议，签字盖章后交回园区。",
        ),
        (
            "Agreement to be signed: {{ title }} ({{ award }})",
            "The agreement of ‘{{ title }}’ ({{ award }}), which ends on {{ ends }}, is ready. Please download it on the page of the award, sign and seal it, and send it back to the park.",
        ),
    ),
    _told(
        "award.milestone_sent",
        _("Milestone: evidence to be checked"),
        {"milestone": _MILESTONE},
        (
            "待核查里程碑证据：{{ award }} {{ milestone }}",
            "{{ holder }} 提交了 {{ award }} 的里程碑“{{ milestone }}”的技术证据和市场证据，请核查。",
        ),
        (
            "Evidence to be checked: {{ award }} {{ milestone }}",
            "{{ holder }} has sent technical and market evidence of milestone ‘{{ milestone }}’ of {{ award }}. Please check it.",
        ),
        staff=True,
    ),
    _told(
        "award.milestone_met",
        _("Milestone met"),
        {"milestone": _MILESTONE, "reason": _REASON},
        (
            "里程碑已达成：{{ milestone }}",
            "{{ award }} 的里程碑“{{ milestone }}”已核查通过。对应批次的拨款现在可以申请。",
        ),
        (
            "Milestone met: {{ milestone }}",
            "Milestone ‘{{ milestone }}’ of {{ award }} was found good. The tranche that waits for it can be asked for now.",
        ),
    ),
    _told(
        "award.milestone_returned",
        _("Milestone: evidence does not do"),
        {"milestone": _MILESTONE, "reason": _REASON},
        (
            "里程碑证据需补充：{{ milestone }}",
            "{{ award }} 的里程碑“{{ milestone }}”未通过核查：\n\n{{ reason }}\n\n请在项目页面补充后重新提交。",
        ),
        (
            "More evidence needed: {{ milestone }}",
            "Milestone ‘{{ milestone }}’ of {{ award }} was not found good:\n\n{{ reason }}\n\nPlease send it again on the page of the award.",
        ),
    ),
    _told(
        "award.amendment_proposed",
        _("Amendment to be decided"),
        {"reason": _REASON},
        ("待批准的协议变更：{{ award }}", "{{ holder }} 的 {{ award }} 申请变更协议：\n\n{{ reason }}"),
        (
            "Amendment to be decided: {{ award }}",
            "A change of the agreement of {{ award }} ({{ holder }}) was asked for:\n\n{{ reason }}",
        ),
        staff=True,
    ),
    _told(
        "award.amendment_decided",
        _("Amendment decided"),
        {
            "decision": MergeField(_("decision"), {"zh-hans": "已批准", "en": "approved"}),
            "reason": _REASON,
        },
        ("协议变更{{ decision }}：{{ award }}", "{{ award }} 的协议变更{{ decision }}。\n\n{{ reason }}"),
        (
            "Amendment {{ decision }}: {{ award }}",
            "The amendment of the agreement of {{ award }} was {{ decision }}.\n\n{{ reason }}",
        ),
    ),
    _told(
        "award.stands",
        _("Award suspended, resumed, ended"),
        {
            "standing": MergeField(_("how it stands"), {"zh-hans": "已中止", "en": "suspended"}),
            "reason": _REASON,
        },
        ("项目{{ standing }}：{{ award }}", "《{{ title }}》（{{ award }}）{{ standing }}。\n\n{{ reason }}"),
        ("Award {{ standing }}: {{ award }}", "‘{{ title }}’ ({{ award }}): {{ standing }}.\n\n{{ reason }}"),
    ),
    _told(
        "award.acceptance",
        _("Called to acceptance"),
        {
            "call": MergeField(
                _("title of the call"), {"zh-hans": "2027年度项目验收", "en": "Acceptance 2027"}
            ),
            "until": MergeField(_("closes"), "2027-11-30 17:00"),
        },
        (
            "请申请验收：{{ title }}（{{ award }}）",
            "《{{ title }}》（{{ award }}）进入验收。请在 {{ until }} 前在“{{ call }}”中提交验收申请。",
        ),
        (
            "Please apply for acceptance: {{ title }} ({{ award }})",
            "‘{{ title }}’ ({{ award }}) is called to acceptance. Please apply under ‘{{ call }}’ by {{ until }}.",
        ),
    ),
    _told(
        "award.claimed_back",
        _("Money claimed back"),
        {
            "amount": MergeField(_("amount"), "¥120,000.00"),
            "until": MergeField(_("to be paid back by"), "2027-12-31"),
            "reason": _REASON,
        },
        (
            "请退回资金：{{ award }} {{ amount }}",
            "请在 {{ until }} 前将 {{ award }} 的 {{ amount }} 退回基金账户。\n\n原因：{{ reason }}",
        ),
        (
            "Money to be paid back: {{ award }} {{ amount }}",
            "Please pay {{ amount }} of {{ award }} back to the fund by {{ until }}.\n\nReason: {{ reason }}",
        ),
    ),
    Kind(
        name="award.opened",
        label=_("Award opened"),
        audience=_("fund manager and finance"),
        offered_with="core.see_records",
        group=_("Awards"),
        default="digest",
        fields={
            "award": MergeField(_("number of the award"), "AIBT-2026-0001-A"),
            "title": MergeField(
                _("title"), {"zh-hans": "类器官药敏预测平台", "en": "Organoid drug response platform"}
            ),
            "holder": MergeField(
                _("who holds it"), {"zh-hans": "上海澄光生物科技有限公司", "en": "Chengguang Biotech"}
            ),
            "amount": MergeField(_("amount"), "¥1,500,000.00"),
        },
        subject={
            "zh-hans": "新资助项目 {{ award }}，待签约",
            "en": "New award {{ award }}, agreement to be signed",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n{{ holder }} 的《{{ title }}》已获资助 {{ amount }}，编号 {{ award }}，现在等待签约。",
            "en": "Dear {{ name }},\n\n‘{{ title }}’ of {{ holder }} was awarded {{ amount }} under number {{ award }}. The agreement is to be signed now.",
        },
    ),
]
