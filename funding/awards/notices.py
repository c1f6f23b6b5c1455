from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

KINDS = [
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
