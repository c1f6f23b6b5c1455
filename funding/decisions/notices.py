from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

# The merge fields of a letter and of the notice that it is there.
LETTER_FIELDS: Final = {
    "number": MergeField(_("number of the application"), "AIBT-2026-0001"),
    "title": MergeField(
        _("title of the application"),
        {"zh-hans": "类器官药敏预测平台", "en": "Organoid drug response platform"},
    ),
    "applicant": MergeField(
        _("who applied"), {"zh-hans": "上海澄光生物科技有限公司", "en": "Chengguang Biotech"}
    ),
    "call": MergeField(
        _("title of the call"), {"zh-hans": "“AI+BT”概念验证专项", "en": "“AI + BT” concept validation"}
    ),
    "fund": MergeField(_("fund"), {"zh-hans": "概念验证基金", "en": "Concept Validation Fund"}),
    "amount": MergeField(_("amount granted"), "¥1,500,000.00"),
    "partial": MergeField(
        _("share granted, where it is less than asked for, and why"),
        {
            "zh-hans": "申请金额 ¥2,000,000.00，资助比例 75 %。设备费核减。",
            "en": "Requested: ¥2,000,000.00; granted: 75 %. Less equipment.",
        },
    ),
    "conditions": MergeField(
        _("conditions"), {"zh-hans": "三个月内完成伦理备案。", "en": "Ethics filing within three months."}
    ),
    "comment": MergeField(
        _("comment for the applicant"),
        {"zh-hans": "评审认为技术路线清晰。", "en": "The reviewers found the plan clear."},
    ),
    "date": MergeField(_("date of the decision"), {"zh-hans": "2026年3月31日", "en": "31 March 2026"}),
}

_APPLICANTS = _("people of the applicant")

KINDS = [
    Kind(
        name="decision.approved",
        label=_("Decision: approved"),
        audience=_APPLICANTS,
        required=True,
        per_call=True,
        fields=LETTER_FIELDS,
        subject={
            "zh-hans": "立项通知：{{ title }}（{{ number }}）",
            "en": "Approved: {{ title }} ({{ number }})",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n恭喜！《{{ title }}》（{{ number }}）已获{{ fund }}立项，资助金额 {{ amount }}。\n\n立项通知书和专家意见可在申请页面查看、下载。下一步：签署资助协议，园区工作人员将与您联系。",
            "en": "Dear {{ name }},\n\nCongratulations. ‘{{ title }}’ ({{ number }}) has been approved by the {{ fund }} with {{ amount }}.\n\nThe letter and the reviewers' comments are on the page of the application. Next: the award agreement; the park office will be in touch.",
        },
    ),
    Kind(
        name="decision.reserved",
        label=_("Decision: reserve list"),
        audience=_APPLICANTS,
        required=True,
        per_call=True,
        fields=LETTER_FIELDS,
        subject={
            "zh-hans": "列入备选：{{ title }}（{{ number }}）",
            "en": "On the reserve list: {{ title }} ({{ number }})",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ title }}》（{{ number }}）已列入备选名单。如有经费释出，我们将按名次递补并通知您，您无需再做任何操作。\n\n通知书和专家意见可在申请页面查看。",
            "en": "Dear {{ name }},\n\n‘{{ title }}’ ({{ number }}) is on the reserve list. If money becomes free, the list is taken in order and we will write to you. There is nothing you need to do.\n\nThe letter and the reviewers' comments are on the page of the application.",
        },
    ),
    Kind(
        name="decision.declined",
        label=_("Decision: declined"),
        audience=_APPLICANTS,
        required=True,
        per_call=True,
        fields=LETTER_FIELDS,
        subject={
            "zh-hans": "申请结果：{{ title }}（{{ number }}）",
            "en": "Outcome of your application: {{ title }} ({{ number }})",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n感谢申报。《{{ title }}》（{{ number }}）本次未获立项。\n\n通知书和专家意见可在申请页面查看，希望对您有所帮助。欢迎关注下一批次。",
            "en": "Dear {{ name }},\n\nThank you for applying. ‘{{ title }}’ ({{ number }}) was not approved this time.\n\nThe letter and the reviewers' comments are on the page of the application; we hope they help. You are welcome in the next round.",
        },
    ),
]

# The portal's own letters, used where staff wrote no template.
LETTERS: Final[dict[str, dict[str, dict[str, str]]]] = {
    "approve": {
        "subject": {"zh-hans": "立项通知书", "en": "Letter of approval"},
        "body": {
            "zh-hans": "贵方申报的《{{ title }}》（编号 {{ number }}）经评审和公示，现批准立项，由{{ fund }}资助人民币 {{ amount }}。\n\n{{ partial }}\n\n{{ conditions }}\n\n{{ comment }}\n\n请在收到本通知后与园区签署资助协议；协议签署后，经费按里程碑分批拨付。",
            "en": "Your application ‘{{ title }}’ (number {{ number }}) has been approved after review. The {{ fund }} supports it with RMB {{ amount }}.\n\n{{ partial }}\n\n{{ conditions }}\n\n{{ comment }}\n\nPlease sign the award agreement with the park on receipt of this letter. The money is then paid in tranches, milestone by milestone.",
        },
    },
    "reserve": {
        "subject": {"zh-hans": "备选通知书", "en": "Letter of reserve"},
        "body": {
            "zh-hans": "贵方申报的《{{ title }}》（编号 {{ number }}）经评审列入本批次备选名单。如有经费释出，将按名次递补，届时另行通知。\n\n{{ comment }}",
            "en": "Your application ‘{{ title }}’ (number {{ number }}) has been placed on the reserve list of this call. Should money become free, the list is taken in order and you will be told.\n\n{{ comment }}",
        },
    },
    "decline": {
        "subject": {"zh-hans": "评审结果通知书", "en": "Letter of decision"},
        "body": {
            "zh-hans": "感谢贵方申报《{{ call }}》。《{{ title }}》（编号 {{ number }}）经评审，本批次未予立项。\n\n{{ comment }}\n\n欢迎完善后参加下一批次申报。",
            "en": "Thank you for applying to {{ call }}. After review, ‘{{ title }}’ (number {{ number }}) has not been approved in this round.\n\n{{ comment }}\n\nYou are welcome to apply again.",
        },
    },
}

LETTER_KIND: Final = Kind(
    name="decision.letter",
    label=_("Letter"),
    audience=_APPLICANTS,
    fields=LETTER_FIELDS,
    subject=LETTERS["decline"]["subject"],
    body=LETTERS["decline"]["body"],
)
