from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

_JOB = MergeField(_("what was asked for"), {"zh-hans": "导出申请", "en": "Export of applications"})

KINDS = [
    Kind(
        name="job.finished",
        label=_("A job is done"),
        audience=_("who started it"),
        group=_("Work"),
        default="off",
        fields={"job": _JOB},
        subject={"zh-hans": "{{ job }}：已完成", "en": "{{ job }}: done"},
        body={
            "zh-hans": "{{ name }}，您好：\n\n“{{ job }}”已完成，结果在此查看：\n{{ link }}",
            "en": "Hello {{ name }},\n\n{{ job }} is done. The result is here:\n{{ link }}",
        },
    ),
    Kind(
        name="job.failed",
        label=_("A job has failed"),
        audience=_("who started it"),
        group=_("Work"),
        default="off",
        fields={
            "job": _JOB,
            "reason": MergeField(_("the reason"), {"zh-hans": "文件无法读取。", "en": "No rows."}),
        },
        subject={"zh-hans": "{{ job }}：未能完成", "en": "{{ job }}: failed"},
        body={
            "zh-hans": (
                "{{ name }}，您好：\n\n“{{ job }}”未能完成，没有留下任何改动。\n\n"
                "{{ reason }}\n\n详情：{{ link }}"
            ),
            "en": (
                "Hello {{ name }},\n\n{{ job }} could not be done; nothing was changed.\n\n"
                "{{ reason }}\n\n{{ link }}"
            ),
        },
    ),
]
