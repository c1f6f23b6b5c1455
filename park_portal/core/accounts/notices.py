from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

KINDS = [
    Kind(
        name="account.invitation",
        label=_("Invitation to the portal"),
        audience=_("invited people"),
        group=_("Account"),
        required=True,
        fields={
            "inviter": MergeField(_("who invites"), {"zh-hans": "顾文清", "en": "Gu Wenqing"}),
            "target": MergeField(
                _("what the invitation is to"),
                {"zh-hans": "上海澄光生物科技有限公司", "en": "Chengguang Biotech"},
            ),
            "role": MergeField(_("the place offered"), {"zh-hans": "编辑", "en": "editor"}),
            "until": MergeField(_("valid until"), "2026-03-31"),
            "token_link": MergeField(
                _("address of the invitation"), "https://portal.example.org/invitations/…"
            ),
        },
        subject={
            "zh-hans": "{{ inviter }} 邀请您加入“{{ target }}”",
            "en": "{{ inviter }} invites you to {{ target }}",
        },
        body={
            "zh-hans": "您好：\n\n{{ inviter }} 邀请您以“{{ role }}”身份加入“{{ target }}”。\n\n请点击下面的链接接受邀请：\n{{ token_link }}\n\n链接在 {{ until }} 前有效，仅供您本人使用。如果您不认识邀请人，请忽略本邮件。",
            "en": "Hello,\n\n{{ inviter }} invites you to join {{ target }} as {{ role }}.\n\nAccept here:\n{{ token_link }}\n\nThe link is valid until {{ until }} and is meant for you alone. If you do not know the person, ignore this mail.",
        },
    ),
    Kind(
        name="account.staff_role",
        label=_("Someone was given a staff role"),
        audience=_("staff leads"),
        group=_("Account"),
        required=True,
        fields={
            "person": MergeField(_("who was given it"), {"zh-hans": "沈嘉宁", "en": "Shen Jianing"}),
            "email": MergeField(_("e-mail of that person"), "officer@park.example"),
            "roles": MergeField(_("staff roles given"), {"zh-hans": "项目专员", "en": "programme officer"}),
            "giver": MergeField(_("who gave it"), {"zh-hans": "程景行", "en": "Cheng Jingxing"}),
        },
        subject={
            "zh-hans": "{{ person }} 获得了新的园区人员角色：{{ roles }}",
            "en": "New staff role for {{ person }}: {{ roles }}",
        },
        body={
            "zh-hans": "您好：\n\n{{ giver }} 授予 {{ person }}（{{ email }}）园区人员角色：{{ roles }}。\n\n如您不知情，请立即与系统管理员核实。",
            "en": "Hello,\n\n{{ giver }} gave {{ person }} ({{ email }}) the staff role: {{ roles }}.\n\nIf you did not expect this, ask the system administrator at once.",
        },
    ),
]
