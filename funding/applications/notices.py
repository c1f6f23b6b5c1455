from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

APPLICANT = _("people of the applicant who may edit")
NUMBER = MergeField(_("number of the application"), "AIBT-2026-0001")
TITLE = MergeField(
    _("title of the application"),
    {"zh-hans": "面向类器官药筛的多模态大模型", "en": "Multimodal models for organoid drug screening"},
)
CALL = MergeField(
    _("title of the call"),
    {"zh-hans": "2026年度“AI+BT”专项基金申报通知", "en": "“AI + BT” fund, call of 2026"},
)
DUE = MergeField(_("until when"), "2026-03-31 17:00")

KINDS = [
    Kind(
        name="application.received",
        label=_("Your application has been received"),
        audience=APPLICANT,
        required=True,
        per_call=True,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "time": MergeField(_("time of submission"), "2026-03-02 10:15:30"),
            "version": MergeField(_("number of the version"), "1"),
            "digest": MergeField(_("SHA-256 of what was submitted"), "9f86d081884c7d659a2feaa0c55ad015"),
            "receipt": MergeField(_("address of the receipt"), "https://portal.example.org/receipt/"),
        },
        subject={
            "zh-hans": "已收到您的申请 {{ number }}",
            "en": "We have received your application {{ number }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n"
            "《{{ call }}》的申请《{{ title }}》已于 {{ time }} 提交成功，编号 {{ number }}，第 {{ version }} 版。\n\n"
            "回执（PDF）：{{ receipt }}\n\n"
            "所提交内容的校验码（SHA-256）：{{ digest }}\n\n"
            "审核进展会在此页面更新：{{ link }}",
            "en": "Hello {{ name }},\n\n"
            "Your application ‘{{ title }}’ to {{ call }} was submitted at {{ time }} "
            "under the number {{ number }}, version {{ version }}.\n\n"
            "Receipt (PDF): {{ receipt }}\n\n"
            "Checksum of what was submitted (SHA-256): {{ digest }}\n\n"
            "This page shows where it stands: {{ link }}",
        },
    ),
    Kind(
        name="application.returned",
        label=_("Your application is returned for changes"),
        audience=APPLICANT,
        required=True,
        per_call=True,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "due": DUE,
            "message": MergeField(
                _("what the office wrote"),
                {"zh-hans": "请补充预算说明。", "en": "Please explain the budget in more detail."},
            ),
            "questions": MergeField(
                _("questions opened for changes"), {"zh-hans": "经费预算、团队成员", "en": "Budget, Team"}
            ),
        },
        subject={
            "zh-hans": "申请 {{ number }} 已退回修改，请于 {{ due }} 前重新提交",
            "en": "Application {{ number }} is returned for changes until {{ due }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n"
            "申请《{{ title }}》（{{ number }}）需要修改。开放修改的问题：{{ questions }}。\n\n"
            "{{ message }}\n\n"
            "请于 {{ due }} 前修改并重新提交：{{ link }}",
            "en": "Hello {{ name }},\n\n"
            "Your application ‘{{ title }}’ ({{ number }}) needs changes. Questions opened: {{ questions }}.\n\n"
            "{{ message }}\n\n"
            "Please change them and submit again by {{ due }}: {{ link }}",
        },
    ),
    Kind(
        name="application.withdrawn",
        label=_("An application of yours was withdrawn"),
        audience=APPLICANT,
        required=True,
        per_call=True,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "person": MergeField(_("who withdrew it"), {"zh-hans": "林晓岚", "en": "Lin Xiaolan"}),
            "reason": MergeField(_("reason"), {"zh-hans": "项目已获其他资助。", "en": "Funded elsewhere."}),
        },
        subject={
            "zh-hans": "申请 {{ number }} 已撤回",
            "en": "Application {{ number }} was withdrawn",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n"
            "{{ person }} 撤回了《{{ call }}》的申请《{{ title }}》（{{ number }}）。\n\n"
            "原因：{{ reason }}\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n"
            "{{ person }} withdrew the application ‘{{ title }}’ ({{ number }}) to {{ call }}.\n\n"
            "Reason: {{ reason }}\n\n{{ link }}",
        },
    ),
    Kind(
        name="application.rejected",
        label=_("Your application did not pass the review"),
        audience=APPLICANT,
        required=True,
        per_call=True,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "reason": MergeField(
                _("reason"),
                {"zh-hans": "申请单位不在申报范围内。", "en": "The applicant is outside the scope."},
            ),
        },
        subject={
            "zh-hans": "申请 {{ number }} 未通过审查",
            "en": "Application {{ number }} did not pass the review",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n"
            "很遗憾，《{{ call }}》的申请《{{ title }}》（{{ number }}）未通过审查。\n\n"
            "原因：{{ reason }}\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n"
            "We are sorry: your application ‘{{ title }}’ ({{ number }}) to {{ call }} "
            "did not pass the review.\n\n"
            "Reason: {{ reason }}\n\n{{ link }}",
        },
    ),
    Kind(
        name="application.extended",
        label=_("You may submit an application late"),
        audience=APPLICANT,
        required=True,
        per_call=True,
        fields={
            "title": TITLE,
            "call": CALL,
            "due": DUE,
            "reason": MergeField(
                _("reason"), {"zh-hans": "系统维护影响了提交。", "en": "Maintenance got in the way."}
            ),
        },
        subject={
            "zh-hans": "您的申请可延期至 {{ due }} 提交",
            "en": "Your application may be submitted until {{ due }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n"
            "《{{ call }}》的申请《{{ title }}》获准延期，请于 {{ due }} 前提交。此延期只对这一份申请有效。\n\n"
            "原因：{{ reason }}\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n"
            "Your application ‘{{ title }}’ to {{ call }} may be submitted until {{ due }}. "
            "This holds for this application only.\n\n"
            "Reason: {{ reason }}\n\n{{ link }}",
        },
    ),
]
