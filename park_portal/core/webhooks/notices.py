from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

KINDS = [
    Kind(
        name="webhook.paused",
        label=_("A webhook was paused"),
        audience=_("who made it; for the park's, the staff leads"),
        group=_("Account"),
        fields={
            "webhook": MergeField(_("name of the webhook"), {"zh-hans": "实验记录系统", "en": "Lab books"}),
            "reason": MergeField(
                _("the reason"),
                {"zh-hans": "连续多次没有得到接受。", "en": "It was refused many times in a row."},
            ),
        },
        subject={
            "zh-hans": "Webhook“{{ webhook }}”已暂停",
            "en": "The webhook “{{ webhook }}” was paused",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\nWebhook“{{ webhook }}”已暂停，不再向它发送。{{ reason }}\n\n查看发送记录、排除问题后可恢复使用；暂停期间的通知仍在收件箱中：\n{{ link }}",
            "en": "Hello {{ name }},\n\nThe webhook “{{ webhook }}” was paused; nothing is sent to it any more. {{ reason }}\n\nSee what it answered, mend it, and let it go on. What happens meanwhile is in your inbox as always:\n{{ link }}",
        },
    ),
]
