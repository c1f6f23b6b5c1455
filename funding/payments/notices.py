"""What is told of payments: whose turn it is, and what became of the money. No account numbers: mails travel far."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

PAYMENT = MergeField(_("number of the payment"), "AIBT-2026-0001-A-P1")
TITLE = MergeField(
    _("title of the award"), {"zh-hans": "类器官药敏预测平台", "en": "Organoid drug response platform"}
)
AMOUNT = MergeField(_("amount"), "¥500,000.00")
REASON = MergeField(_("reason"), {"zh-hans": "缺少发票", "en": "The invoice is missing."})
_FIELDS = {"payment": PAYMENT, "title": TITLE, "amount": AMOUNT}
_OFFICERS = _("programme officer")
_FINANCE = _("finance officer")
_GRANTEE = _("those who answer for the award")
_GROUP = _("Payments")

KINDS = [
    Kind(
        name="payment.asked",
        label=_("A payment is asked for"),
        audience=_OFFICERS,
        offered_with="funding.check_disbursement",
        group=_GROUP,
        fields=_FIELDS,
        subject={
            "zh-hans": "拨付申请 {{ payment }} 待核对依据",
            "en": "Payment {{ payment }}: evidence to be checked",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ title }}》申请拨付 {{ amount }}，编号 {{ payment }}，请核对依据材料。\n\n{{ link }}",
            "en": "Dear {{ name }},\n\n{{ amount }} is asked for ‘{{ title }}’ under number {{ payment }}. Please check the evidence.\n\n{{ link }}",
        },
    ),
    Kind(
        name="payment.checked",
        label=_("A payment is to be approved"),
        audience=_FINANCE,
        offered_with="funding.approve_disbursement",
        group=_GROUP,
        fields=_FIELDS,
        subject={"zh-hans": "拨付 {{ payment }} 待批准", "en": "Payment {{ payment }} is to be approved"},
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ title }}》的拨付 {{ amount }}（{{ payment }}）依据已核对，请批准。\n\n{{ link }}",
            "en": "Dear {{ name }},\n\nThe evidence for {{ amount }} to ‘{{ title }}’ ({{ payment }}) is in order. The payment is to be approved.\n\n{{ link }}",
        },
    ),
    Kind(
        name="payment.approved",
        label=_("A payment is to be released"),
        audience=_FINANCE,
        offered_with="funding.release_disbursement",
        group=_GROUP,
        fields=_FIELDS,
        subject={"zh-hans": "拨付 {{ payment }} 待复核放款", "en": "Payment {{ payment }} is to be released"},
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ title }}》的拨付 {{ amount }}（{{ payment }}）已由另一位财务人员批准，请复核放款。\n\n{{ link }}",
            "en": "Dear {{ name }},\n\n{{ amount }} to ‘{{ title }}’ ({{ payment }}) was approved by another finance officer. The payment is to be released.\n\n{{ link }}",
        },
    ),
    Kind(
        name="payment.batch",
        label=_("A batch of payments is to be released"),
        audience=_FINANCE,
        offered_with="funding.release_disbursement",
        group=_GROUP,
        fields={
            "batch": MergeField(_("number of the batch"), "fudan-20261124-1"),
            "count": MergeField(_("number of payments"), "36"),
            "amount": AMOUNT,
        },
        subject={"zh-hans": "付款批次 {{ batch }} 待复核放款", "en": "Batch {{ batch }} is to be released"},
        body={
            "zh-hans": "{{ name }}，您好：\n\n付款批次 {{ batch }} 共 {{ count }} 笔、合计 {{ amount }}，已批准，请复核放款。\n\n{{ link }}",
            "en": "Dear {{ name }},\n\nBatch {{ batch }} of {{ count }} payments over {{ amount }} was approved. It is to be released by another finance officer.\n\n{{ link }}",
        },
    ),
    Kind(
        name="payment.returned",
        label=_("Your payment was returned for changes"),
        audience=_GRANTEE,
        group=_GROUP,
        fields={**_FIELDS, "reason": REASON},
        subject={
            "zh-hans": "拨付申请 {{ payment }} 被退回修改",
            "en": "Payment {{ payment }} was returned for changes",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ title }}》的拨付申请 {{ payment }}（{{ amount }}）被退回：\n\n{{ reason }}\n\n修改后可重新申请：{{ link }}",
            "en": "Dear {{ name }},\n\nPayment {{ payment }} over {{ amount }} for ‘{{ title }}’ was returned:\n\n{{ reason }}\n\nCorrect it and ask again: {{ link }}",
        },
    ),
    Kind(
        name="payment.cancelled",
        label=_("Your payment was cancelled"),
        audience=_GRANTEE,
        group=_GROUP,
        fields={**_FIELDS, "reason": REASON},
        subject={"zh-hans": "拨付申请 {{ payment }} 已取消", "en": "Payment {{ payment }} was cancelled"},
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ title }}》的拨付申请 {{ payment }}（{{ amount }}）已取消：\n\n{{ reason }}\n\n{{ link }}",
            "en": "Dear {{ name }},\n\nPayment {{ payment }} over {{ amount }} for ‘{{ title }}’ was cancelled:\n\n{{ reason }}\n\n{{ link }}",
        },
    ),
    Kind(
        name="payment.bounced",
        label=_("The bank sent your payment back"),
        audience=_GRANTEE,
        group=_GROUP,
        fields={**_FIELDS, "reason": REASON},
        subject={
            "zh-hans": "拨付 {{ payment }} 被银行退回",
            "en": "The bank sent payment {{ payment }} back",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ title }}》的拨付 {{ payment }}（{{ amount }}）被银行退回：\n\n{{ reason }}\n\n请更正收款信息后重新申请：{{ link }}",
            "en": "Dear {{ name }},\n\nThe bank sent payment {{ payment }} over {{ amount }} for ‘{{ title }}’ back:\n\n{{ reason }}\n\nCorrect the account and ask again: {{ link }}",
        },
    ),
    Kind(
        name="payment.paid",
        label=_("A payment has left the bank"),
        audience=_GRANTEE,
        group=_GROUP,
        fields={
            **_FIELDS,
            "day": MergeField(_("day of the payment"), "2026-11-24"),
            "reference": MergeField(_("bank reference"), "CMB20261124007"),
        },
        subject={"zh-hans": "拨付 {{ payment }} 已支付", "en": "Payment {{ payment }} has left the bank"},
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ title }}》的拨付 {{ amount }}（{{ payment }}）已于 {{ day }} 由银行付出，流水号 {{ reference }}。\n\n{{ link }}",
            "en": "Dear {{ name }},\n\n{{ amount }} for ‘{{ title }}’ ({{ payment }}) left the bank on {{ day }} under reference {{ reference }}.\n\n{{ link }}",
        },
    ),
]
