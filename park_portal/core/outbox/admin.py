"""What goes out: messages, deliveries and the work chats; what failed can be tried again."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from park_portal.core.accounts.rules import sees_records
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, in_language, pretty_json, state_label
from park_portal.core.errors import DomainError
from park_portal.core.outbox.models import ChatChannel, Delivery, Message
from park_portal.core.outbox.registry import HANDLERS, KINDS
from park_portal.core.outbox.services import retry_delivery, retry_message
from park_portal.core.outbox.states import DeliveryStatus, MessageStatus

HIDDEN = _("Not shown: it belongs to the park's records, which the system administrator does not see.")


class TopicFilter(DropdownFilter):
    title = _("topic")
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(topic, topic) for topic in sorted(HANDLERS)]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(topic=self.value()) if self.value() else queryset


class KindFilter(DropdownFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, str(kind.label)) for name, kind in sorted(KINDS.items())]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(kind=self.value()) if self.value() else queryset


def _failed(row: Message | Delivery, actor: Any) -> None:
    if row.status not in (MessageStatus.FAILED, DeliveryStatus.FAILED):
        raise DomainError(_("Only what failed can be tried again."))


class Retriable(ReadOnly, StaffAdmin):
    """Rows that can be tried again once they failed."""

    def acts_on(self, obj: Any, user: Any) -> list[Act]:
        return [act for act in super().acts_on(obj, user) if act.refusal(obj, user) is None]

    @display(description=_("last error"))
    def short_error(self, row: Any) -> str:
        return row.error[:80] or "—"


@admin.register(Message)
class MessageAdmin(Retriable):
    list_display = [
        "topic_and_key",
        "status_label",
        "attempts",
        "short_error",
        "created_at",
        "due_at",
        "done_at",
    ]
    list_filter = ["status", TopicFilter]
    search_fields = ["=request_id", "key__startswith"]
    search_help_text = _("Key (its beginning) or number of the request")
    fieldsets = [
        (None, {"fields": ["topic", "key", "status_label", "attempts", "error"]}),
        (_("Course"), {"fields": ["created_at", "due_at", "claimed_at", "done_at", "request_id"]}),
        (_("Content"), {"fields": ["content"]}),
    ]
    readonly_fields = ["status_label", "content"]
    acts = [
        Act(
            "retry",
            retry_message,
            label=_("Try again"),
            done=_("The message is in the queue again and is tried at once."),
            rule="core.retry_message",
            icon="replay",
            check=_failed,
            bulk="each",
        ),
    ]
    status_label = state_label("status", label=_("status"))

    @display(description=_("topic"), ordering="topic", header=True)
    def topic_and_key(self, message: Message) -> list[str]:
        return [message.topic, message.key]

    @display(description=_("payload"))
    def content(self, message: Message) -> Any:
        return pretty_json(message.payload) if self._open(message.topic, message.payload) else HIDDEN

    def _open(self, topic: str, payload: dict[str, Any]) -> bool:
        return sees_records(self.request.user) or str(payload.get("kind", topic)).startswith(
            ("account.", "job.")
        )


@admin.register(Delivery)
class DeliveryAdmin(Retriable):
    list_display = [
        "kind_and_channel",
        "to",
        "status_label",
        "attempts",
        "short_error",
        "created_at",
        "sent_at",
    ]
    list_filter = ["status", "channel", KindFilter]
    list_select_related = ["recipient"]
    search_fields = ["address", "recipient__name", "recipient__email"]
    search_help_text = _("Recipient or address")
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "kind_label",
                    "channel",
                    "recipient",
                    "address",
                    "status_label",
                    "attempts",
                    "error",
                ]
            },
        ),
        (_("Course"), {"fields": ["created_at", "sent_at", "read_at", "message"]}),
        (_("Text"), {"fields": ["subject_shown", "body_shown", "link"]}),
    ]
    readonly_fields = ["kind_label", "status_label", "subject_shown", "body_shown"]
    acts = [
        Act(
            "retry",
            retry_delivery,
            label=_("Send again"),
            done=_("It is in the queue again and is sent at once."),
            rule="core.retry_message",
            icon="replay",
            check=_failed,
            bulk="each",
        ),
    ]
    status_label = state_label("status", label=_("status"))

    def rows_for(self, user: Any) -> models.QuerySet[Delivery]:
        return Delivery.objects.all()

    @display(description=_("kind"), ordering="kind")
    def kind_label(self, delivery: Delivery) -> str:
        return str(KINDS[delivery.kind].label) if delivery.kind in KINDS else delivery.kind

    @display(description=_("kind"), ordering="kind", header=True)
    def kind_and_channel(self, delivery: Delivery) -> list[str]:
        return [self.kind_label(delivery), delivery.get_channel_display()]

    @display(description=_("recipient"), ordering="recipient__name")
    def to(self, delivery: Delivery) -> str:
        if delivery.channel == "chat":
            return str(_("work chat"))
        return str(delivery.recipient or delivery.address)

    @display(description=_("subject"))
    def subject_shown(self, delivery: Delivery) -> Any:
        return in_language(delivery.subject) if self._open(delivery) else HIDDEN

    @display(description=_("text"))
    def body_shown(self, delivery: Delivery) -> Any:
        if not self._open(delivery):
            return HIDDEN
        return format_html('<div class="staff-text">{}</div>', in_language(delivery.body))

    def _open(self, delivery: Delivery) -> bool:
        # An invitation's mail holds the link that accepts it: nobody but the invited may have it.
        if delivery.kind == "account.invitation":
            return False
        return sees_records(self.request.user) or delivery.kind.startswith("job.")


# Services whose address is theirs; Apprise knows others that would have the portal call any address, inside or outside.
CHATS: Final = ("wecombot", "dingtalk", "feishu", "lark")


class ChatForm(forms.ModelForm):
    kinds = forms.MultipleChoiceField(
        label=_("notices posted there"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = ChatChannel
        fields = ["name", "url", "kinds", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kinds" in self.fields:
            self.fields["kinds"].choices = [  # type: ignore[attr-defined] # a field of choices
                (name, f"{kind.label} ({kind.audience})") for name, kind in sorted(KINDS.items())
            ]

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if url.partition("://")[0].lower() not in CHATS:
            raise forms.ValidationError(
                _("Possible here: %(names)s."),
                params={"names": ", ".join(f"{name}://" for name in CHATS)},
                code="chat",
            )
        return url


@admin.register(ChatChannel)
class ChatChannelAdmin(StaffAdmin):
    form = ChatForm
    list_display = ["name", "service", "kinds_count", "active"]
    fields = ["name", "url", "kinds", "active"]

    @display(description=pgettext_lazy("work chat", "service"))
    def service(self, channel: ChatChannel) -> str:
        # The rest of the address is a key.
        return f"{channel.url.partition('://')[0]}://…"

    @display(description=pgettext_lazy("work chat", "kinds of notices"))
    def kinds_count(self, channel: ChatChannel) -> int:
        return len(channel.kinds)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return ["name", "service", "kinds", "active"]
        return super().get_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_readonly_fields(request, obj), "service"]
