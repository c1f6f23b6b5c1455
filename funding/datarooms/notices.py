"""What is told of data rooms: companies and people, never what is in a room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

COMPANY = MergeField(
    _("name of the company"), {"zh-hans": "上海澄光生物科技有限公司", "en": "Chengguang Biotech"}
)
INVESTOR = MergeField(
    _("the investor"), {"zh-hans": "沈若谷 · 青溪资本", "en": "Shen Ruogu · Qingxi Capital"}
)
UNTIL = MergeField(_("the last day"), "2026-12-31")
_INVESTORS = _("the investor")
_OWNERS = _("owners of the company")
_GROUP = _("Data rooms")

KINDS = [
    Kind(
        name="dataroom.granted",
        label=_("A company has shared something with you"),
        audience=_INVESTORS,
        group=_GROUP,
        fields={"company": COMPANY, "until": UNTIL},
        subject={
            "zh-hans": "“{{ company }}”在资料室中向您开放了资料",
            "en": "{{ company }} has shared something with you",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n“{{ company }}”在资料室中向您开放了资料，部分资料的最后查看日为 {{ until }}。\n\n查看：{{ link }}\n\n页面和文件均带有您的姓名水印，每次查看都会记录，企业可以随时收回权限。",
            "en": "Hello {{ name }},\n\n{{ company }} has shared something from its data room with you. The last day for the first of it is {{ until }}.\n\n{{ link }}\n\nPages and files carry your name, each time you open them is noted, and the company may end your access at any time.",
        },
    ),
    Kind(
        name="dataroom.expiring",
        label=_("Your access to a data room ends soon"),
        audience=_INVESTORS,
        group=_GROUP,
        fields={"company": COMPANY, "until": UNTIL},
        subject={
            "zh-hans": "您对“{{ company }}”资料室的权限即将到期",
            "en": "Your access to the data room of {{ company }} ends soon",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n您对“{{ company }}”资料室的部分权限的最后一天是 {{ until }}，此后无法查看。\n\n{{ link }}\n\n如仍需查看，请联系该企业延长。",
            "en": "Hello {{ name }},\n\nSome of your access to the data room of {{ company }} ends after {{ until }}.\n\n{{ link }}\n\nIf you still need it, ask the company to give you more time.",
        },
    ),
    Kind(
        name="dataroom.revoked",
        label=_("Your access to a data room has ended"),
        audience=_INVESTORS,
        group=_GROUP,
        fields={"company": COMPANY},
        subject={
            "zh-hans": "“{{ company }}”收回了资料室权限",
            "en": "{{ company }} has ended access to its data room",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n“{{ company }}”收回了此前在资料室中向您开放的部分或全部资料。请删除已下载的副本。",
            "en": "Hello {{ name }},\n\n{{ company }} has taken back some or all of what it shared with you. Please delete the copies you have downloaded.",
        },
    ),
    Kind(
        name="dataroom.opened",
        label=_("An investor was in your data room"),
        audience=_OWNERS,
        group=_GROUP,
        default="digest",
        fields={"company": COMPANY, "person": INVESTOR},
        subject={
            "zh-hans": "{{ person }} 查看了“{{ company }}”的资料室",
            "en": "{{ person }} was in the data room of {{ company }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n{{ person }} 今天查看了“{{ company }}”资料室中的资料。何时、查看了什么：{{ link }}",
            "en": "Hello {{ name }},\n\n{{ person }} was in the data room of {{ company }} today. When and what: {{ link }}",
        },
    ),
    Kind(
        name="dataroom.requested",
        label=_("Somebody asks for access to your data room"),
        audience=_OWNERS,
        group=_GROUP,
        fields={
            "company": COMPANY,
            "person": MergeField(_("who asks"), {"zh-hans": "沈若谷", "en": "Shen Ruogu"}),
            "email": MergeField(_("e-mail address of the person"), "shen.ruogu@example.com"),
            "firm": MergeField(_("fund or company"), {"zh-hans": "青溪资本", "en": "Qingxi Capital"}),
            "message": MergeField(
                _("what the person wrote"),
                {"zh-hans": "希望了解贵公司的融资计划。", "en": "We would like to learn about your round."},
            ),
        },
        subject={
            "zh-hans": "{{ person }}（{{ firm }}）申请查看“{{ company }}”的资料室",
            "en": "{{ person }} ({{ firm }}) asks for the data room of {{ company }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n{{ person }}（{{ firm }}，{{ email }}）申请查看“{{ company }}”的资料室。\n\n{{ message }}\n\n是否同意由您决定：{{ link }}\n\n对方无从得知资料室里有什么，也不会收到拒绝通知。",
            "en": "Hello {{ name }},\n\n{{ person }} ({{ firm }}, {{ email }}) asks for access to the data room of {{ company }}.\n\n{{ message }}\n\nIt is for you to decide: {{ link }}\n\nThey do not learn what is in the room, nor are they told of a refusal.",
        },
    ),
    Kind(
        name="dataroom.request_accepted",
        label=_("A company lets you into its data room"),
        audience=_INVESTORS,
        group=_GROUP,
        fields={"company": COMPANY},
        subject={
            "zh-hans": "“{{ company }}”同意了您的资料室申请",
            "en": "{{ company }} lets you into its data room",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n“{{ company }}”同意了您的申请。企业向您开放资料后，您可以在这里查看：{{ link }}",
            "en": "Hello {{ name }},\n\n{{ company }} has accepted your request. What it shares with you appears here: {{ link }}",
        },
    ),
]
