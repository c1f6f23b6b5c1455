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
]
