from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

_CALL = {
    "call": MergeField(
        _("title of the call"),
        {"zh-hans": "2026年度“AI+BT”概念验证基金申报通知", "en": "2026 “AI + BT” Concept Validation Fund"},
    ),
    "code": MergeField(_("code of the call"), "AIBT-2026"),
}
_CLOSES = {
    "closes": MergeField(
        _("closing minute"), {"zh-hans": "2026年4月30日 17:00", "en": "30 April 2026, 17:00"}
    )
}
_GROUP = _("Calls")

KINDS = [
    Kind(
        name="call.published",
        label=_("A call was announced"),
        audience=_("park staff"),
        offered_with="core.see_records",
        group=_GROUP,
        fields={
            **_CALL,
            **_CLOSES,
            "opens": MergeField(
                _("opening minute"), {"zh-hans": "2026年3月2日 09:00", "en": "2 March 2026, 09:00"}
            ),
            "actor": MergeField(_("who published it"), {"zh-hans": "顾文清", "en": "Gu Wenqing"}),
        },
        subject={"zh-hans": "申报通知已发布：{{ call }}", "en": "Call announced: {{ call }}"},
        body={
            "zh-hans": (
                "{{ name }}，您好：\n\n"
                "{{ actor }} 已发布申报通知《{{ call }}》（{{ code }}）。\n\n"
                "开放时间：{{ opens }}\n截止时间：{{ closes }}\n\n"
                "系统将按时自动开放和关闭，无需人工操作。"
            ),
            "en": (
                "Dear {{ name }},\n\n"
                "{{ actor }} has announced the call {{ call }} ({{ code }}).\n\n"
                "Opens: {{ opens }}\nCloses: {{ closes }}\n\n"
                "It opens and closes by itself."
            ),
        },
        default="digest",
    ),
    Kind(
        name="call.opened",
        label=_("A call has opened"),
        audience=_("park staff"),
        offered_with="core.see_records",
        group=_GROUP,
        fields={**_CALL, **_CLOSES},
        subject={"zh-hans": "已开放申报：{{ call }}", "en": "Now open: {{ call }}"},
        body={
            "zh-hans": (
                "{{ name }}，您好：\n\n《{{ call }}》（{{ code }}）已开放在线申报，截止时间为 {{ closes }}。"
            ),
            "en": (
                "Dear {{ name }},\n\n{{ call }} ({{ code }}) is open for applications until {{ closes }}."
            ),
        },
        default="digest",
    ),
    Kind(
        name="call.news",
        label=_("A call has opened that you may apply to"),
        audience=_("people who agreed to hear of new calls"),
        consent="news_of_calls",
        group=_GROUP,
        fields={**_CALL, **_CLOSES},
        subject={"zh-hans": "新的申报通知：{{ call }}", "en": "A new call: {{ call }}"},
        body={
            "zh-hans": (
                "{{ name }}，您好：\n\n《{{ call }}》（{{ code }}）已开放在线申报，截止时间为 {{ closes }}。\n\n"
                "您收到本通知，是因为您同意接收新申报通知；可随时在“我的信息 → 授权同意”中撤回。"
            ),
            "en": (
                "Dear {{ name }},\n\n{{ call }} ({{ code }}) is open for applications until {{ closes }}.\n\n"
                "You get this because you agreed to hear of new calls; withdraw at any time under “My data”, “Consents”."
            ),
        },
    ),
    Kind(
        name="call.closing_soon",
        label=_("A call closes soon and an application is still a draft"),
        audience=_("applicants with a draft"),
        group=_GROUP,
        fields={**_CALL, **_CLOSES, "days": MergeField(_("working days left"), "3")},
        subject={
            "zh-hans": "距截止还有 {{ days }} 个工作日：{{ call }}",
            "en": "{{ days }} working day(s) left: {{ call }}",
        },
        body={
            "zh-hans": (
                "{{ name }}，您好：\n\n"
                "《{{ call }}》将于 {{ closes }} 截止，还有 {{ days }} 个工作日。您的申请仍是草稿，尚未提交。"
                "\n\n"
                "请尽早完成并提交，截止后将不再受理：\n{{ link }}"
            ),
            "en": (
                "Dear {{ name }},\n\n"
                "{{ call }} closes on {{ closes }}: {{ days }} working day(s) left. Your application is "
                "still a draft.\n\n"
                "Please complete and submit it; nothing is taken after that moment:\n{{ link }}"
            ),
        },
        per_call=True,
    ),
    Kind(
        name="call.extended",
        label=_("A call was extended"),
        audience=_("applicants with a draft, park staff"),
        group=_GROUP,
        fields={
            **_CALL,
            **_CLOSES,
            "reason": MergeField(
                _("reason"), {"zh-hans": "应多家企业要求", "en": "At the request of several companies"}
            ),
        },
        subject={"zh-hans": "截止时间延长：{{ call }}", "en": "New closing date: {{ call }}"},
        body={
            "zh-hans": (
                "{{ name }}，您好：\n\n"
                "《{{ call }}》的截止时间延长至 {{ closes }}。\n\n"
                "原因：{{ reason }}\n\n"
                "{{ link }}"
            ),
            "en": (
                "Dear {{ name }},\n\n"
                "{{ call }} now closes on {{ closes }}.\n\n"
                "Reason: {{ reason }}\n\n"
                "{{ link }}"
            ),
        },
        per_call=True,
    ),
    Kind(
        name="call.corrected",
        label=_("The dates of a call were corrected"),
        audience=_("applicants with a draft, park staff"),
        group=_GROUP,
        fields={
            **_CALL,
            **_CLOSES,
            "opens": MergeField(
                _("opening minute"), {"zh-hans": "2026年3月2日 09:00", "en": "2 March 2026, 09:00"}
            ),
            "reason": MergeField(_("reason"), {"zh-hans": "原通知年份有误", "en": "The year was mistyped"}),
        },
        subject={"zh-hans": "申报时间更正：{{ call }}", "en": "Dates corrected: {{ call }}"},
        body={
            "zh-hans": (
                "{{ name }}，您好：\n\n"
                "《{{ call }}》的申报时间更正如下，请以此为准：\n\n"
                "开放时间：{{ opens }}\n截止时间：{{ closes }}\n\n"
                "原因：{{ reason }}\n\n"
                "{{ link }}"
            ),
            "en": (
                "Dear {{ name }},\n\n"
                "The dates of {{ call }} have been corrected:\n\n"
                "Opens: {{ opens }}\nCloses: {{ closes }}\n\n"
                "Reason: {{ reason }}\n\n"
                "{{ link }}"
            ),
        },
        per_call=True,
    ),
    Kind(
        name="call.closed",
        label=_("A call has closed"),
        audience=_("park staff"),
        offered_with="core.see_records",
        group=_GROUP,
        fields={**_CALL, "count": MergeField(_("applications submitted"), "42")},
        subject={"zh-hans": "申报已截止：{{ call }}", "en": "Closed: {{ call }}"},
        body={
            "zh-hans": (
                "{{ name }}，您好：\n\n《{{ call }}》（{{ code }}）已截止申报，共收到 {{ count }} 份申请。"
            ),
            "en": (
                "Dear {{ name }},\n\n"
                "{{ call }} ({{ code }}) has closed with {{ count }} application(s) submitted."
            ),
        },
    ),
    Kind(
        name="call.cancelled",
        label=_("A call was cancelled"),
        audience=_("applicants with a draft, park staff"),
        group=_GROUP,
        fields={
            **_CALL,
            "reason": MergeField(_("reason"), {"zh-hans": "政策调整", "en": "A change of policy"}),
        },
        subject={"zh-hans": "申报取消：{{ call }}", "en": "Cancelled: {{ call }}"},
        body={
            "zh-hans": (
                "{{ name }}，您好：\n\n"
                "《{{ call }}》（{{ code }}）已取消。\n\n"
                "原因：{{ reason }}\n\n"
                "给您带来不便，敬请谅解。"
            ),
            "en": (
                "Dear {{ name }},\n\n"
                "{{ call }} ({{ code }}) has been cancelled.\n\n"
                "Reason: {{ reason }}\n\n"
                "We are sorry for the trouble."
            ),
        },
        per_call=True,
    ),
]
