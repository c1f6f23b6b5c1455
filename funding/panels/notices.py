from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.outbox.registry import Kind, MergeField

MEETING = MergeField(
    _("title of the meeting"),
    {"zh-hans": "“AI + BT”概念验证项目 · 会议评审", "en": "AI + BT proof of concept · Panel"},
)
CALL = MergeField(
    _("title of the call"), {"zh-hans": "“AI + BT”概念验证项目", "en": "AI + BT proof of concept"}
)
WHEN = MergeField(_("when it begins"), "2026-03-13 14:00")
PLACE = MergeField(_("where"), "A 座 301 · https://meeting.example.org/301")
ITEMS = MergeField(_("how many applications are on the agenda"), "12")
OWED = MergeField(_("declarations still missing"), "2")
REASON = MergeField(_("reason"), {"zh-hans": "主持人临时出差。", "en": "The chair has to travel."})

GROUP = pgettext_lazy("notices", "Panel meetings")
PANEL = _("the panel")
COMMON = {"meeting": MEETING, "call": CALL, "when": WHEN, "place": PLACE, "items": ITEMS}

KINDS = [
    Kind(
        name="panel.invited",
        label=_("You are invited to a panel meeting"),
        audience=PANEL,
        group=GROUP,
        required=True,
        per_call=True,
        calendar=True,
        fields=COMMON,
        subject={
            "zh-hans": "邀请您参加会议评审：{{ when }}",
            "en": "Invitation to a panel meeting: {{ when }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n诚邀您参加“{{ meeting }}”。\n\n时间：{{ when }}\n地点：{{ place }}\n议题：{{ items }} 项申请\n\n"
            "请在会前登录园区平台，逐项声明有无利益冲突并签署廉洁承诺，之后即可查阅申请材料和评审意见。"
            "会议页面上可将会议添加到您的日历。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\nyou are invited to “{{ meeting }}”.\n\nWhen: {{ when }}\nWhere: {{ place }}\n"
            "On the agenda: {{ items }} applications\n\nBefore the meeting, please declare on each application whether you "
            "have a conflict of interest and sign the integrity pledge; then you can read the applications and their reviews. "
            "The meeting's page also puts it into your calendar.\n\n{{ link }}",
        },
    ),
    Kind(
        name="panel.changed",
        label=_("A panel meeting was moved"),
        audience=PANEL,
        group=GROUP,
        required=True,
        per_call=True,
        calendar=True,
        fields=COMMON,
        subject={
            "zh-hans": "会议评审时间或地点有变：{{ when }}",
            "en": "The panel meeting has a new time or place: {{ when }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n“{{ meeting }}”的安排有变动，现为：\n\n时间：{{ when }}\n地点：{{ place }}\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n“{{ meeting }}” was moved. It now takes place:\n\nWhen: {{ when }}\nWhere: {{ place }}\n\n{{ link }}",
        },
    ),
    Kind(
        name="panel.cancelled",
        label=_("A panel meeting was cancelled"),
        audience=PANEL,
        group=GROUP,
        required=True,
        per_call=True,
        calendar=True,
        fields={**COMMON, "reason": REASON},
        subject={"zh-hans": "会议评审已取消：{{ meeting }}", "en": "Cancelled: {{ meeting }}"},
        body={
            "zh-hans": "{{ name }}，您好：\n\n原定于 {{ when }} 举行的“{{ meeting }}”已取消。\n\n原因：{{ reason }}\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n“{{ meeting }}”, planned for {{ when }}, does not take place.\n\nReason: {{ reason }}\n\n{{ link }}",
        },
    ),
    Kind(
        name="panel.removed",
        label=_("You are no longer on a panel"),
        audience=PANEL,
        group=GROUP,
        required=True,
        per_call=True,
        fields=COMMON,
        subject={
            "zh-hans": "您不再参加“{{ meeting }}”",
            "en": "You are no longer on the panel of {{ meeting }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n您不再参加 {{ when }} 的“{{ meeting }}”，无需再做准备。感谢您的支持。",
            "en": "Hello {{ name }},\n\nyou are no longer on the panel of “{{ meeting }}” ({{ when }}) and need not prepare anything. Thank you.",
        },
    ),
    Kind(
        name="panel.reminder",
        label=_("A panel meeting is near"),
        audience=PANEL,
        group=GROUP,
        per_call=True,
        fields={**COMMON, "owed": OWED},
        subject={"zh-hans": "提醒：{{ when }} 会议评审", "en": "Reminder: panel meeting on {{ when }}"},
        body={
            "zh-hans": "{{ name }}，您好：\n\n“{{ meeting }}”即将举行。\n\n时间：{{ when }}\n地点：{{ place }}\n议题：{{ items }} 项申请\n"
            "您尚未声明利益冲突的议题：{{ owed }} 项\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n“{{ meeting }}” takes place soon.\n\nWhen: {{ when }}\nWhere: {{ place }}\n"
            "On the agenda: {{ items }} applications\nDeclarations of yours still missing: {{ owed }}\n\n{{ link }}",
        },
    ),
    Kind(
        name="panel.to_sign",
        label=_("Minutes wait for your signature"),
        audience=_("the chair of the panel"),
        group=GROUP,
        required=True,
        per_call=True,
        fields=COMMON,
        subject={"zh-hans": "请签署会议纪要：{{ meeting }}", "en": "Please sign the minutes: {{ meeting }}"},
        body={
            "zh-hans": "{{ name }}，您好：\n\n“{{ meeting }}”已结束，会议纪要已生成。请核对后签署。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n“{{ meeting }}” is over and its minutes are written. Please read and sign them.\n\n{{ link }}",
        },
    ),
    Kind(
        name="panel.signed",
        label=_("The minutes of a panel meeting are signed"),
        audience=PANEL,
        group=GROUP,
        default="digest",
        per_call=True,
        fields=COMMON,
        subject={"zh-hans": "会议纪要已签署：{{ meeting }}", "en": "The minutes are signed: {{ meeting }}"},
        body={
            "zh-hans": "{{ name }}，您好：\n\n“{{ meeting }}”的会议纪要已由主持人签署，感谢您的参与。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\nthe chair has signed the minutes of “{{ meeting }}”. Thank you for taking part.\n\n{{ link }}",
        },
    ),
]
