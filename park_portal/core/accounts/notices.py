from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.outbox.registry import Kind, MergeField

# What can change in how a person signs in, by django-allauth's names of its notices.
SECURITY = {
    "mfa/email/totp_activated": {"zh-hans": "已启用验证器应用。", "en": "An authenticator app was set up."},
    "mfa/email/totp_deactivated": {
        "zh-hans": "已移除验证器应用。",
        "en": "The authenticator app was removed.",
    },
    "mfa/email/webauthn_added": {"zh-hans": "已添加通行密钥。", "en": "A passkey was added."},
    "mfa/email/webauthn_removed": {"zh-hans": "已移除通行密钥。", "en": "A passkey was removed."},
    "mfa/email/recovery_codes_generated": {
        "zh-hans": "已生成新的恢复代码，旧代码全部失效。",
        "en": "New recovery codes were made; the old ones no longer work.",
    },
    "account/email/password_changed": {"zh-hans": "密码已修改。", "en": "The password was changed."},
    "account/email/password_set": {"zh-hans": "密码已设置。", "en": "A password was set."},
    "account/email/password_reset": {
        "zh-hans": "已通过邮件链接重设密码。",
        "en": "The password was set anew by a link sent by mail.",
    },
    "account/email/email_changed": {
        "zh-hans": "登录邮箱已更换。",
        "en": "The e-mail address for signing in was changed.",
    },
    "account/email/email_deleted": {
        "zh-hans": "已移除一个邮箱地址。",
        "en": "An e-mail address was removed.",
    },
    "account/email/email_confirm": {
        "zh-hans": "已确认一个邮箱地址。",
        "en": "An e-mail address was confirmed.",
    },
}
FACTOR_RESET = {
    "zh-hans": "系统管理员重置了您的两步登录：验证器、通行密钥和恢复代码均已失效，所有设备已退出登录。请重新登录并设置。",
    "en": "A system administrator reset your second step: the authenticator app, passkeys and recovery codes no longer work, and you are signed out everywhere. Sign in and set it up again.",
}
OTHER = {"zh-hans": "登录设置有变更。", "en": "Something changed in how you sign in."}

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
    Kind(
        name="account.security",
        label=_("A change in how you sign in"),
        audience=_("the person concerned"),
        group=_("Account"),
        required=True,
        fields={
            "what": MergeField(_("what changed"), SECURITY["mfa/email/totp_activated"]),
            "moment": MergeField(pgettext_lazy("notice", "when"), "2026-03-31 14:05"),
            "address": MergeField(_("network address it came from"), "203.0.113.9"),
        },
        subject={
            "zh-hans": "账号安全提醒：{{ what }}",
            "en": "Your account: {{ what }}",
        },
        body={
            "zh-hans": "您好：\n\n{{ what }}\n\n时间：{{ moment }}；网络地址：{{ address }}。\n\n如非您本人操作，请立即修改密码，并联系园区办公室。",
            "en": "Hello,\n\n{{ what }}\n\nWhen: {{ moment }}. Network address: {{ address }}.\n\nIf it was not you, change your password at once and tell the park office.",
        },
    ),
]
