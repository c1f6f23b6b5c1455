from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

_WHAT = MergeField(_("what is asked"), {"zh-hans": "更正", "en": "correction"})

KINDS = [
    Kind(
        name="privacy.request",
        label=_("Somebody asks about their data"),
        audience=_("staff leads and system administrators"),
        group=_("Account"),
        required=True,
        offered_with="core.see_holdings",
        fields={
            "person": MergeField(_("who asks"), {"zh-hans": "陈思远", "en": "Chen Siyuan"}),
            "what": _WHAT,
            "due": MergeField(_("answer by"), "2026-03-31"),
        },
        subject={
            "zh-hans": "个人信息请求：{{ what }}，请于 {{ due }} 前答复",
            "en": "Request about personal data: {{ what }}, answer by {{ due }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n{{ person }} 提出了个人信息请求：{{ what }}。请于 {{ due }} 前答复：\n{{ link }}",
            "en": "Hello {{ name }},\n\n{{ person }} has made a request about personal data: {{ what }}. Answer it by {{ due }}:\n{{ link }}",
        },
    ),
    Kind(
        name="privacy.answered",
        label=_("Your request about your data is answered"),
        audience=_("who asked"),
        group=_("Account"),
        required=True,
        fields={
            "what": _WHAT,
            "outcome": MergeField(_("what came of it"), {"zh-hans": "已办理", "en": "done"}),
            "answer": MergeField(
                _("the answer"), {"zh-hans": "电话号码已更正。", "en": "The telephone number is corrected."}
            ),
        },
        subject={
            "zh-hans": "您的个人信息请求已答复：{{ what }}（{{ outcome }}）",
            "en": "Your request about your data is answered: {{ what }} ({{ outcome }})",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n您的个人信息请求（{{ what }}）已答复：{{ outcome }}。\n\n{{ answer }}\n\n{{ link }}",
            "en": "Hello {{ name }},\n\nYour request about your data ({{ what }}) is answered: {{ outcome }}.\n\n{{ answer }}\n\n{{ link }}",
        },
    ),
]
