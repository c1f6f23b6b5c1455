from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

PROJECT = MergeField(
    _("title of the research project"), {"zh-hans": "蛋白质结构预测", "en": "Protein structure prediction"}
)

KINDS = [
    Kind(
        name="project.registered",
        label=_("A research project was registered at your university"),
        audience=_("liaisons of the university or faculty"),
        offered_with="incubator.see_care_list",
        group=_("Research projects"),
        default="digest",
        fields={
            "project": PROJECT,
            "number": MergeField(_("number of the research project"), "RP-2026-0001"),
            "person": MergeField(_("who registered it"), {"zh-hans": "陈思远", "en": "Chen Siyuan"}),
        },
        subject={
            "zh-hans": "新登记科研项目 {{ number }}:{{ project }}",
            "en": "New research project {{ number }}: {{ project }}",
        },
        body={
            "zh-hans": "{{ name }},您好:\n\n{{ person }} 登记了科研项目“{{ project }}”({{ number }})。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n{{ person }} has registered the research project “{{ project }}” ({{ number }})."
            "\n\n{{ link }}",
        },
    ),
    Kind(
        name="project.member_joined",
        label=_("Someone has joined your research team"),
        audience=_("the principal investigator"),
        group=_("Research projects"),
        default="digest",
        fields={
            "project": PROJECT,
            "person": MergeField(_("who joined"), {"zh-hans": "林晓岚", "en": "Lin Xiaolan"}),
        },
        subject={
            "zh-hans": "{{ person }} 已加入项目团队",
            "en": "{{ person }} has joined your research team",
        },
        body={
            "zh-hans": "{{ name }},您好:\n\n{{ person }} 已接受邀请,加入科研项目“{{ project }}”的团队。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n{{ person }} has accepted the invitation to the team of “{{ project }}”.\n\n{{ link }}",
        },
    ),
]
