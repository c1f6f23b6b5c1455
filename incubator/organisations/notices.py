from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

ORGANISATION = MergeField(
    _("name of the organisation"), {"zh-hans": "上海澄光生物科技有限公司", "en": "Chengguang Biotech"}
)
PERSON = MergeField(_("who it is about"), {"zh-hans": "林晓岚", "en": "Lin Xiaolan"})

KINDS = [
    Kind(
        name="organisation.join_request",
        label=_("Someone asks to join your organisation"),
        audience=_("owners of the organisation"),
        group=_("Organisations"),
        fields={
            "organisation": ORGANISATION,
            "person": PERSON,
            "email": MergeField(_("e-mail address of the person"), "lin.xiaolan@example.com"),
            "message": MergeField(
                _("what the person wrote"), {"zh-hans": "我负责财务。", "en": "I keep the books."}
            ),
        },
        subject={
            "zh-hans": "{{ person }} 申请加入“{{ organisation }}”",
            "en": "{{ person }} asks to join {{ organisation }}",
        },
        body={
            "zh-hans": "{{ name }},您好:\n\n{{ person }}({{ email }})申请加入“{{ organisation }}”。\n\n{{ message }}\n\n"
            "如果同意,请在成员页面邀请此人:\n{{ link }}\n\n如果您不认识此人,无需处理。",
            "en": "Hello {{ name }},\n\n{{ person }} ({{ email }}) asks to join {{ organisation }}.\n\n{{ message }}\n\n"
            "If you agree, invite the person on the members page:\n{{ link }}\n\nIf you do not know them, do nothing.",
        },
    ),
    Kind(
        name="organisation.member_joined",
        label=_("Someone has joined your organisation"),
        audience=_("owners of the organisation"),
        group=_("Organisations"),
        default="digest",
        fields={
            "organisation": ORGANISATION,
            "person": PERSON,
            "role": MergeField(_("role in the organisation"), {"zh-hans": "编辑", "en": "editor"}),
        },
        subject={
            "zh-hans": "{{ person }} 已加入“{{ organisation }}”",
            "en": "{{ person }} has joined {{ organisation }}",
        },
        body={
            "zh-hans": "{{ name }},您好:\n\n{{ person }} 已接受邀请,以“{{ role }}”身份加入“{{ organisation }}”。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n{{ person }} has accepted the invitation and joined {{ organisation }} as {{ role }}."
            "\n\n{{ link }}",
        },
    ),
    Kind(
        name="organisation.place_changed",
        label=_("Your place in an organisation has changed"),
        audience=_("the member"),
        group=_("Organisations"),
        fields={
            "organisation": ORGANISATION,
            "person": MergeField(_("who changed it"), {"zh-hans": "顾文清", "en": "Gu Wenqing"}),
            "change": MergeField(
                _("what changed"), {"zh-hans": "您的角色现在是“编辑”。", "en": "You are now an editor."}
            ),
        },
        subject={
            "zh-hans": "您在“{{ organisation }}”的成员身份有变化",
            "en": "Your place in {{ organisation }} has changed",
        },
        body={
            "zh-hans": "{{ name }},您好:\n\n{{ person }} 更改了您在“{{ organisation }}”的成员身份。{{ change }}\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n{{ person }} has changed your place in {{ organisation }}. {{ change }}\n\n{{ link }}",
        },
    ),
]
