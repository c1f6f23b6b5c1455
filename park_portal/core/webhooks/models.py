from __future__ import annotations

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from park_portal.core.accounts.models import User
from park_portal.core.outbox.models import Message
from park_portal.core.outbox.registry import KINDS
from park_portal.core.tones import tone_of
from park_portal.core.webhooks.states import TEST, WEBHOOK_MACHINE, EventStatus, Failure, WebhookState
from park_portal.core.workflow import may


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def visible_to(self, user: Any) -> WebhookQuerySet:
        """Everyone sees their own alone; the park's are seen by who may make them."""
        if not user.is_authenticated:
            return self.none()
        mine = models.Q(user_id=user.pk, of_park=False)
        return self.filter(mine | models.Q(of_park=True) if may(user, "core.create_park_webhook") else mine)


class Webhook(models.Model):
    """One address of a program that is told, signed, what a person's inbox gets, or what happens in the park."""

    user = models.ForeignKey(
        User, verbose_name=_("made by"), on_delete=models.CASCADE, related_name="webhooks"
    )
    of_park = models.BooleanField(_("of the park"), default=False)
    name = models.CharField(_("what for"), max_length=60)
    url = models.CharField(_("address"), max_length=400)
    kinds = ArrayField(models.CharField(max_length=80), verbose_name=_("tells of"))
    state = models.CharField(_("state"), max_length=10, choices=WebhookState, default=WebhookState.ACTIVE)
    # Encrypted, not hashed: the portal signs with it. See docs/decisions.md.
    secret = models.TextField(editable=False)
    earlier_secret = models.TextField(blank=True, editable=False)
    renewed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    failures = models.PositiveIntegerField(_("refusals in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("refused since"), null=True, blank=True, editable=False)

    objects = WebhookQuerySet.as_manager()
    machine = WEBHOOK_MACHINE

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["-id"]
        default_permissions = ()
        triggers = WEBHOOK_MACHINE.triggers()
        indexes = [models.Index(fields=["user"], name="webhook_active", condition=models.Q(state="active"))]
        constraints = [
            models.CheckConstraint(name="webhook_tells_of_something", condition=models.Q(kinds__len__gt=0)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("webhook", args=[self.pk])

    def get_kinds_display(self) -> str:
        """Return what it tells of, in words."""
        labels = [str(KINDS[kind].label) if kind in KINDS else kind for kind in self.kinds]
        return str(pgettext("between items", ", ")).join(labels)


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    def visible_to(self, user: Any) -> WebhookEventQuerySet:
        return self.filter(webhook__in=Webhook.objects.visible_to(user))


class WebhookEvent(models.Model):
    """One thing that a webhook is told, with the very bytes that are sent; its key is the same at every attempt."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="events")
    # The notice it tells of; none for a test.
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=80)
    body = models.TextField(_("text"))
    status = models.CharField(_("status"), max_length=10, choices=EventStatus, default=EventStatus.WAITING)
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    made = models.PositiveSmallIntegerField(_("attempts"), default=0)
    left = models.PositiveSmallIntegerField(_("attempts left"), default=1)
    next_at = models.DateTimeField(_("next attempt"), null=True, blank=True)

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook request")
        verbose_name_plural = _("webhook requests")
        ordering = ["-id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["webhook", "-id"], name="webhook_event_by_webhook"),
            models.Index(fields=["created_at"], name="webhook_event_by_age"),
        ]
        constraints = [models.UniqueConstraint(fields=["webhook", "message"], name="webhook_event_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.header_id}"

    @property
    def header_id(self) -> str:
        """The ``webhook-id``: whoever gets it twice knows that it is the same."""
        return f"msg_{self.public_id.hex}"

    @property
    def tone(self) -> str:
        """The colour of where it stands."""
        return tone_of(self, "status")

    def get_kind_display(self) -> str:
        if self.kind == TEST:
            return str(pgettext("webhook", "Test"))
        return str(KINDS[self.kind].label) if self.kind in KINDS else self.kind


class WebhookAttempt(models.Model):
    """One request to a webhook, and what came back."""

    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField(_("attempt"))
    at = models.DateTimeField(_("when"), default=timezone.now)
    status = models.PositiveSmallIntegerField(pgettext_lazy("HTTP", "status"), null=True, blank=True)
    milliseconds = models.PositiveIntegerField(_("milliseconds"))
    answer = models.CharField(_("beginning of the answer"), max_length=500, blank=True)
    error = models.CharField(_("error"), max_length=40, choices=Failure, blank=True)

    class Meta:
        verbose_name = _("attempt at a webhook request")
        verbose_name_plural = _("attempts at webhook requests")
        ordering = ["event", "number"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["event", "number"], name="webhook_attempt_once")]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.number}"

    @property
    def result(self) -> str:
        """What came back, in a word: “HTTP 503”, or why nothing did."""
        return f"HTTP {self.status}" if self.status is not None else self.get_error_display()
