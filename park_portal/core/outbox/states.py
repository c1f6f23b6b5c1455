from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(models.TextChoices):
    INBOX = "inbox", _("inbox")
    EMAIL = "email", _("e-mail")
    CHAT = "chat", _("work chat")


class Mode(models.TextChoices):
    AT_ONCE = "at_once", _("at once")
    DIGEST = "digest", _("in the daily digest")
    OFF = "off", _("not at all")


class MessageStatus(models.TextChoices):
    WAITING = "waiting", _("waiting")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting", _("waiting")
    DIGEST = "digest", _("for the digest")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
