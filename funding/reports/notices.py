from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

_FIELDS: Final = {
    "report": MergeField(
        _("report"), {"zh-hans": "AIBT-2026-0001-A 中期报告 1", "en": "AIBT-2026-0001-A interim report 1"}
    ),
    "award": MergeField(_("number of the award"), "AIBT-2026-0001-A"),
    "title": MergeField(
        _("title"), {"zh-hans": "类器官药敏预测平台", "en": "Organoid drug response platform"}
    ),
    "holder": MergeField(
        _("who holds it"), {"zh-hans": "上海澄光生物科技有限公司", "en": "Chengguang Biotech"}
    ),
    "due": MergeField(_("due"), "2026-10-31"),
    "reason": MergeField(_("reason"), {"zh-hans": "支出缺少票据。", "en": "Receipts are missing."}),
}


def _kind(name: str, label: Any, zh: tuple[str, str], en: tuple[str, str], *, staff: bool = False) -> Kind:
    """One notice about a report: to who answers for the award, or to staff."""
    common: Any = {"offered_with": "core.see_records", "default": "digest"} if staff else {"required": True}
    return Kind(
        name=name,
        label=label,
        audience=_("park staff") if staff else _("people of the applicant"),
        group=_("Awards"),
        fields=_FIELDS,
        subject={"zh-hans": zh[0], "en": en[0]},
        body={"zh-hans": "{{ name }}，您好：\n\n" + zh[1], "en": "Dear {{ name }},\n\n" + en[1]},
        **common,
    )


KINDS = [
    _kind(
        "report.soon",
        _("Report due soon"),
        (
            "{{ due }} 前提交：{{ report }}",
            "《{{ title }}》的{{ report }}请在 {{ due }} 前提交。逾期未交，后续拨款将暂停。",
        ),
        (
            "Due by {{ due }}: {{ report }}",
            "The {{ report }} of ‘{{ title }}’ is due by {{ due }}. While a report is overdue, nothing more is paid.",
        ),
    ),
    _kind(
        "report.overdue",
        _("Report overdue"),
        (
            "已逾期：{{ report }}",
            "《{{ title }}》的{{ report }}应于 {{ due }} 前提交，现已逾期。提交之前，后续拨款暂停。",
        ),
        (
            "Overdue: {{ report }}",
            "The {{ report }} of ‘{{ title }}’ was due by {{ due }}. Nothing more is paid until it is sent.",
        ),
    ),
    _kind(
        "report.sent",
        _("Report to be read"),
        ("待审阅：{{ report }}", "{{ holder }} 提交了{{ report }}，请审阅。"),
        ("To be read: {{ report }}", "{{ holder }} has sent the {{ report }}. Please read it."),
        staff=True,
    ),
    _kind(
        "report.returned",
        _("Report returned"),
        (
            "请修改后重新提交：{{ report }}",
            "{{ report }}需要修改：\n\n{{ reason }}\n\n请在 {{ due }} 前重新提交。",
        ),
        (
            "Please change and send again: {{ report }}",
            "The {{ report }} needs changes:\n\n{{ reason }}\n\nPlease send it again by {{ due }}.",
        ),
    ),
    _kind(
        "report.accepted",
        _("Report accepted"),
        ("已通过：{{ report }}", "《{{ title }}》的{{ report }}已通过审阅。"),
        ("Accepted: {{ report }}", "The {{ report }} of ‘{{ title }}’ was accepted."),
    ),
]
