from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import KINDS
from park_portal.core.outbox.states import Channel, DeliveryStatus, MessageStatus, Mode

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User


class Message(models.Model):
    """One thing to be done after a commit: a notice to deliver or a piece of work, kept until it is done."""

    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(_("topic"), max_length=80)
    key = models.CharField(_("key"), max_length=200, unique=True)
    payload = models.JSONField(_("payload"), default=dict, encoder=DjangoJSONEncoder)
    status = models.CharField(
        _("status"), max_length=10, choices=MessageStatus, default=MessageStatus.WAITING
    )
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("last error"), blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["due_at"], name="message_waiting", condition=models.Q(status="waiting")),
            models.Index(fields=["status", "-id"], name="message_by_status"),
        ]
        constraints = [
            models.CheckConstraint(
                name="message_done_has_time",
                condition=models.Q(status="done", done_at__isnull=False)
                | (~models.Q(status="done") & models.Q(done_at__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, user: User) -> DeliveryQuerySet:
        """Return the person's own inbox: nobody reads another's."""
        # Who is not signed in has no key, and mails to bare addresses have no recipient.
        return (
            self.filter(recipient_id=user.pk, channel=Channel.INBOX) if user.is_authenticated else self.none()
        )

    def unread(self) -> DeliveryQuerySet:
        return self.filter(read_at__isnull=True)


class Delivery(models.Model):
    """One notice to one person by one channel; the row with channel “inbox” is the inbox item itself."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    message = models.ForeignKey(
        Message, verbose_name=_("message"), on_delete=models.PROTECT, related_name="deliveries"
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recipient"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="deliveries",
    )
    address = models.CharField(_("address"), max_length=254, blank=True)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    kind = models.CharField(_("kind"), max_length=80)
    language = models.CharField(_("language"), max_length=10, default="zh-hans")
    subject = models.JSONField(_("subject"), default=dict)
    body = models.JSONField(_("text"), default=dict)
    link = models.CharField(_("link"), max_length=400, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=DeliveryStatus, default=DeliveryStatus.WAITING
    )
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("last error"), blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "recipient", "address", "channel"],
                name="delivery_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "channel", "-id"], name="delivery_inbox"),
            models.Index(
                fields=["recipient"],
                name="delivery_unread",
                condition=models.Q(channel="inbox", read_at__isnull=True),
            ),
            models.Index(
                fields=["created_at"], name="delivery_waiting", condition=models.Q(status="waiting")
            ),
            models.Index(
                fields=["recipient", "id"], name="delivery_digest", condition=models.Q(status="digest")
            ),
            models.Index(fields=["-id"], name="delivery_failed", condition=models.Q(status="failed")),
        ]

    def __str__(self) -> str:
        return self.subject_text or self.kind

    def _text(self, texts: dict[str, str]) -> str:
        language = get_language() or self.language
        return texts.get(language) or texts.get(self.language) or next(iter(texts.values()), "")

    @property
    def subject_text(self) -> str:
        """The subject in the language being read."""
        return self._text(self.subject)

    @property
    def body_text(self) -> str:
        """The text in the language being read."""
        return self._text(self.body)

    @property
    def mail_id(self) -> str:
        """The Message-ID: the same at every attempt, so that a mail sent twice is shown once."""
        return f"<{self.public_id}@{settings.MAIL_DOMAIN}>"


class Preference(models.Model):
    """How one person wants one kind of notice by e-mail."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences")
    kind = models.CharField(_("kind"), max_length=80)
    mode = models.CharField(_("how"), max_length=10, choices=Mode)

    class Meta:
        verbose_name = _("notification preference")
        verbose_name_plural = _("notification preferences")
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="preference_once")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.get_mode_display()}"

    @property
    def label(self) -> str:
        return str(KINDS[self.kind].label) if self.kind in KINDS else self.kind


class ChatChannel(models.Model):
    """A group chat (WeCom, DingTalk, Feishu) that staff notices of chosen kinds are also posted to."""

    name = models.CharField(_("name"), max_length=80)
    url = models.CharField(
        _("address"),
        max_length=400,
        help_text=_("An Apprise address, such as wecombot://key, dingtalk://token or feishu://token."),
    )
    kinds = models.JSONField(_("kinds"), default=list)
    active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("work chat")
        verbose_name_plural = _("work chats")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
