"""What fund managers are told of deals and holdings."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

_MANAGERS = _("fund manager")
_GROUP = _("Deals and portfolio")
FUND = MergeField(
    _("name of the fund"), {"zh-hans": "青浦硬科技天使基金", "en": "Qingpu Deep Tech Angel Fund"}
)
COMPANY = MergeField(
    _("name of the company"), {"zh-hans": "上海澄光生物科技有限公司", "en": "Chengguang Biotech"}
)

KINDS = [
    Kind(
        name="deal.runway",
        label=_("A company’s cash is running out"),
        audience=_MANAGERS,
        offered_with="funding.keep_portfolio",
        group=_GROUP,
        fields={
            "fund": FUND,
            "company": COMPANY,
            "months": MergeField(_("months left"), "4.5"),
            "day": MergeField(_("day of the figure"), "2026-06-30"),
        },
        subject={
            "zh-hans": "“{{ company }}”现金仅够 {{ months }} 个月",
            "en": "{{ company }} has cash for {{ months }} months",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n{{ fund }} 的在投企业“{{ company }}”截至 {{ day }} 的现金还可使用 {{ months }} 个月，低于预警线。\n\n{{ link }}",
            "en": "Dear {{ name }},\n\n{{ company }}, which {{ fund }} holds a part of, had cash for {{ months }} months on {{ day }}. That is less than the limit for a warning.\n\n{{ link }}",
        },
    ),
    Kind(
        name="deal.handed_over",
        label=_("A project was handed to a fund"),
        audience=_MANAGERS,
        offered_with="funding.open_deal",
        group=_GROUP,
        fields={
            "fund": FUND,
            "award": MergeField(_("number of the award"), "AIBT-2026-0001-A"),
            "title": MergeField(
                _("title"), {"zh-hans": "类器官药敏预测平台", "en": "Organoid drug response platform"}
            ),
        },
        subject={
            "zh-hans": "项目 {{ award }} 已移交 {{ fund }}",
            "en": "{{ award }} was handed to {{ fund }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ title }}》（{{ award }}）已连同全部材料移交 {{ fund }}，请开始筛选。\n\n{{ link }}",
            "en": "Dear {{ name }},\n\n‘{{ title }}’ ({{ award }}) was handed to {{ fund }} with its whole file. It waits for screening.\n\n{{ link }}",
        },
    ),
]
