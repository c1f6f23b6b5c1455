"""Webhooks: made, changed, told, tried again, paused. What they tell comes through the outbox, as everything does.

A notice that is delivered writes one event for each webhook that wants it, in the same transaction, and a message of the
outbox for its first attempt. An attempt is one request; what came back is written beside it, and the next one is a
message that is due later. Between the answer and the commit a crash may have the same request sent again: under the same
``webhook-id``, by which the other side knows it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import random
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.fernet import InvalidToken
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import SYSTEM, changes_of, record
from park_portal.core.boxes import box
from park_portal.core.errors import DomainError
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.registry import KINDS, LANGUAGES, Kind, tells
from park_portal.core.outbox.services import absolute, notify, publish, render_notice
from park_portal.core.outbox.states import Channel
from park_portal.core.text import both
from park_portal.core.webhooks.models import Webhook, WebhookAttempt, WebhookEvent
from park_portal.core.webhooks.states import (
    ATTEMPTS,
    BY_HAND,
    FAILING,
    FAILURES,
    KEPT,
    MOST_WEBHOOKS,
    OVERLAP,
    TEST,
    WAITS,
    EventStatus,
    WebhookState,
)
from park_portal.core.webhooks.transport import Answer, checked_url, post
from park_portal.core.workflow import advance, may, require

log = logging.getLogger(__name__)

TOPIC: Final = "webhook.call"
PURPOSE: Final = "webhook"
SECRET_BYTES: Final = 32
GONE: Final = 410  # "Stop sending", says the specification.
CHANGEABLE: Final = ("name", "url", "kinds")
# Notices of one person's account are nothing for the park's programs; nobody's inbox holds an invitation.
_PERSONAL: Final = ("account.", "job.", "webhook.")
_NEVER: Final = frozenset({"account.invitation", "webhook.paused"})


def kinds_offered(user: User, *, of_park: bool) -> list[Kind]:
    """Return the kinds of notices that a webhook of ``user``, or of the park, may tell of, by name."""
    return [
        kind
        for name, kind in sorted(KINDS.items())
        if name not in _NEVER
        and (
            not name.startswith(_PERSONAL)
            if of_park
            else not kind.offered_with or may(user, kind.offered_with)
        )
    ]


# --- Made, changed, removed ----------------------------------------------------------------------------------


def create_webhook(
    *, actor: User, name: str, url: str, kinds: Iterable[str], of_park: bool = False
) -> tuple[Webhook, str]:
    """Make a webhook of ``actor``, or of the park, and return it with its secret, which is told this once.

    Raises ``DomainError`` for an address that may not be called, for kinds that are not offered, or for too many.
    """
    require(actor, "core.create_park_webhook" if of_park else "core.create_webhook")
    values = {"name": name, "url": checked_url(url), "kinds": _checked_kinds(kinds, actor, of_park)}
    secret = _new_secret()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        if Webhook.objects.filter(user=actor, of_park=of_park).count() >= MOST_WEBHOOKS:
            raise DomainError(
                _("You have %(most)d webhooks. Remove one that you no longer need.")
                % {"most": MOST_WEBHOOKS},
                code="too_many",
            )
        webhook = Webhook.objects.create(user=actor, of_park=of_park, secret=_close(secret), **values)
        record("webhook.create", webhook, actor=actor, after={**values, "of_park": of_park})
    return webhook, secret


def update_webhook(webhook: Webhook, *, actor: User, **values: Any) -> Webhook:
    """Change name, address or kinds and return the webhook; the same again changes nothing."""
    if unknown := values.keys() - set(CHANGEABLE):
        raise LookupError(f"a webhook has no {sorted(unknown)} to change")
    require(actor, "core.change_webhook", webhook)
    if "url" in values:
        values["url"] = checked_url(values["url"])
    if "kinds" in values:
        values["kinds"] = _checked_kinds(values["kinds"], actor, webhook.of_park)
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().get(pk=webhook.pk)
        before, after = changes_of(webhook, values)
        if after:
            for key, value in after.items():
                setattr(webhook, key, value)
            webhook.save(update_fields=[*after])
            record("webhook.update", webhook, actor=actor, before=before, after=after)
    return webhook


def remove_webhook(webhook: Webhook, *, actor: User) -> None:
    """Remove a webhook with what is kept of its requests; what waits to be sent is not."""
    require(actor, "core.change_webhook", webhook)
    with transaction.atomic():
        found = Webhook.objects.select_for_update().filter(pk=webhook.pk).first()
        if found is not None:
            record("webhook.remove", found, actor=actor, before={"name": found.name, "url": found.url})
            found.delete()


def renew_secret(webhook: Webhook, *, actor: User) -> tuple[Webhook, str]:
    """Give a webhook a new secret and return both; the earlier one signs, too, for a day."""
    require(actor, "core.change_webhook", webhook)
    secret = _new_secret()
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().get(pk=webhook.pk)
        webhook.earlier_secret, webhook.secret = webhook.secret, _close(secret)
        webhook.renewed_at = timezone.now()
        webhook.save(update_fields=["earlier_secret", "secret", "renewed_at"])
        record("webhook.renew_secret", webhook, actor=actor)
    return webhook, secret


def pause_webhook(webhook: Webhook, *, actor: User) -> Webhook:
    """Tell a webhook nothing until it is resumed."""
    return advance(webhook, "pause", actor=actor)


def resume_webhook(webhook: Webhook, *, actor: User) -> Webhook:
    """Tell a webhook again of what happens from now on."""
    return advance(webhook, "resume", actor=actor, changes={"failures": 0, "failing_since": None})


def _checked_kinds(kinds: Iterable[str], actor: User, of_park: bool) -> list[str]:
    wanted = sorted(set(kinds))
    if not wanted or set(wanted) - {kind.name for kind in kinds_offered(actor, of_park=of_park)}:
        raise DomainError(_("Choose what the webhook is told of."), code="kinds", field="kinds")
    return wanted


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def _close(secret: str) -> str:
    return box(PURPOSE).encrypt(secret.encode()).decode()


# --- What it is told -----------------------------------------------------------------------------------------


@tells
def tell_webhooks(payloads: list[dict[str, Any]]) -> None:
    """Write what the webhooks are told of some notices, in the transaction of their deliveries."""
    wanting = (
        Webhook.objects.filter(state=WebhookState.ACTIVE, kinds__overlap=list({p["kind"] for p in payloads}))
        .filter(models.Q(of_park=True) | models.Q(user__is_active=True))
        .order_by("pk")
    )
    if not (webhooks := list(wanting)):
        return
    notices = {
        (one.message_id, one.recipient_id): one
        for one in Delivery.objects.filter(
            message_id__in=[payload["message_id"] for payload in payloads],
            channel=Channel.INBOX,
            recipient__in={webhook.user_id for webhook in webhooks if not webhook.of_park},
        )
    }
    now = timezone.now()
    for payload in payloads:
        message = Message(pk=payload["message_id"])
        for webhook in webhooks:
            if payload["kind"] not in webhook.kinds:
                continue
            notice = notices.get((message.pk, webhook.user_id))
            if webhook.of_park:
                _write(webhook, payload["kind"], _of_park(payload, webhook), now, message, left=ATTEMPTS)
            elif notice is not None:
                _write(webhook, payload["kind"], _of_inbox(notice), now, message, left=ATTEMPTS)


def _of_inbox(notice: Delivery) -> dict[str, Any]:
    return {
        "id": str(notice.public_id),
        "subject": notice.subject,
        "text": notice.body,
        "link": absolute(notice.link) if notice.link else None,
    }


def _of_park(payload: Mapping[str, Any], webhook: Webhook) -> dict[str, Any]:
    values = {**payload["context"], "name": webhook.name, "link": absolute(payload["link"])}
    texts = {
        language: render_notice(KINDS[payload["kind"]], values, payload["texts"], language)
        for language in LANGUAGES
    }
    return {
        "id": None,
        "subject": {language: text[0] for language, text in texts.items()},
        "text": {language: text[1] for language, text in texts.items()},
        "link": absolute(payload["link"]) if payload["link"] else None,
    }


def _write(
    webhook: Webhook, kind: str, data: Any, now: datetime, message: Message | None, *, left: int
) -> WebhookEvent:
    body = {"type": kind, "timestamp": now, "data": data}
    event = WebhookEvent.objects.create(
        webhook=webhook,
        message=message,
        kind=kind,
        body=json.dumps(body, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")),
        left=left,
        created_at=now,
    )
    _call(event)
    return event


def _call(event: WebhookEvent, *, at: datetime | None = None) -> None:
    number = event.made + 1
    publish(TOPIC, key=f"{TOPIC}:{event.pk}:{number}", payload={"event": event.pk, "number": number}, at=at)


# --- Attempts ------------------------------------------------------------------------------------------------


def signature(secrets_: Iterable[bytes], header_id: str, timestamp: int, body: bytes) -> str:
    """Return the ``webhook-signature`` after the Standard Webhooks specification: one ``v1,…`` for each secret."""
    signed = f"{header_id}.{timestamp}.".encode() + body
    return " ".join(
        f"v1,{base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()}"
        for secret in secrets_
    )


def call_webhook(event_id: int, number: int) -> Answer | None:
    """Make attempt ``number`` at an event and write down what came back; None when it is not to be made (any more)."""
    event = (
        WebhookEvent.objects.select_for_update(of=("self",))
        .select_related("webhook__user")
        .filter(pk=event_id, status=EventStatus.WAITING, made=number - 1)
        .first()
    )
    if event is None:
        return None
    webhook = event.webhook
    if webhook.state != WebhookState.ACTIVE or not (webhook.of_park or webhook.user.is_active):
        event.status, event.next_at = EventStatus.FAILED, None
        event.save(update_fields=["status", "next_at"])
        return None
    try:
        keys = _keys(webhook)
    except InvalidToken:
        log.error("The secret of webhook %s was made with a key that is not known any more.", webhook.pk)
        event.status, event.next_at = EventStatus.FAILED, None
        event.save(update_fields=["status", "next_at"])
        _pause(webhook, lambda: _("It needs a new secret."))
        return None
    now, body = timezone.now(), event.body.encode()
    timestamp = int(now.timestamp())
    answer = post(
        webhook.url,
        body,
        {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "park-portal-webhooks",
            "webhook-id": event.header_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(keys, event.header_id, timestamp, body),
        },
    )
    WebhookAttempt.objects.create(
        event=event,
        number=number,
        at=now,
        status=answer.status,
        milliseconds=answer.milliseconds,
        answer=answer.text,
        error=answer.failure,
    )
    event.made, event.left = number, max(event.left - 1, 0)
    _settle(event, answer)
    return answer


def _settle(event: WebhookEvent, answer: Answer) -> None:
    """Say what follows from an answer: done, another attempt later, or given up."""
    event.next_at = None
    if answer.is_accepted:
        event.status = EventStatus.SENT
    elif event.left == 0 or answer.status == GONE:
        event.status = EventStatus.FAILED
    else:
        # A little apart, so that what failed together does not come back together.
        wait = WAITS[ATTEMPTS - 1 - event.left] * random.uniform(1, 1.1)
        event.next_at = timezone.now() + wait
        _call(event, at=event.next_at)
    event.save(update_fields=["status", "made", "left", "next_at"])
    _count(event, answer)


def _count(event: WebhookEvent, answer: Answer) -> None:
    """Keep how long a webhook has been refusing, and pause one that does not recover."""
    webhook = Webhook.objects.select_for_update(of=("self",)).get(pk=event.webhook_id)
    now = timezone.now()
    if answer.is_accepted:
        if webhook.failures:
            webhook.failures, webhook.failing_since = 0, None
            webhook.save(update_fields=["failures", "failing_since"])
        return
    if event.kind == TEST:
        return
    webhook.failures += 1
    webhook.failing_since = webhook.failing_since or now
    webhook.save(update_fields=["failures", "failing_since"])
    if answer.status == GONE:
        _pause(webhook, lambda: _("The other side asks to be told nothing any more (410)."))
    elif webhook.failures >= FAILURES and now - webhook.failing_since >= FAILING:
        _pause(
            webhook,
            lambda: (
                _("It has accepted nothing for hours, %(count)d requests in a row.")
                % {"count": webhook.failures}
            ),
        )


def _pause(webhook: Webhook, reason: Any) -> None:
    if webhook.state != WebhookState.ACTIVE:
        return
    texts = both(reason)
    advance(webhook, "pause", actor=SYSTEM, reason=texts["en"])
    people = User.objects.with_role(StaffRole.LEAD) if webhook.of_park else [webhook.user]
    notify(
        "webhook.paused",
        recipients=people,
        key=f"{webhook.pk}:{timezone.now().isoformat()}",
        context={"webhook": webhook.name, "reason": texts},
        link=webhook.get_absolute_url(),
    )


def _keys(webhook: Webhook) -> list[bytes]:
    closed = [webhook.secret]
    if webhook.renewed_at is not None and timezone.now() - webhook.renewed_at < OVERLAP:
        closed.append(webhook.earlier_secret)
    opened = [box(PURPOSE).decrypt(one.encode()).decode() for one in closed if one]
    return [base64.b64decode(one.removeprefix("whsec_")) for one in opened]


# --- By hand -------------------------------------------------------------------------------------------------


def send_test(webhook: Webhook, *, actor: User) -> WebhookEvent:
    """Send a webhook something to try it with, once, and return the event."""
    require(actor, "core.change_webhook", webhook)
    with transaction.atomic():
        webhook = _usable(webhook)
        text = both(lambda: _("This is a test of the webhook “%(name)s”.") % {"name": webhook.name})
        subject = both(lambda: _("A test"))
        data = {"id": None, "subject": subject, "text": text, "link": absolute(webhook.get_absolute_url())}
        return _write(webhook, TEST, data, timezone.now(), None, left=1)


def send_again(event: WebhookEvent, *, actor: User) -> WebhookEvent:
    """Send an event once more, unchanged and under its own id; refused while an attempt is still to come."""
    require(actor, "core.change_webhook", event.webhook)
    with transaction.atomic():
        _usable(event.webhook)
        event = WebhookEvent.objects.select_for_update(of=("self",)).get(pk=event.pk)
        if event.status == EventStatus.WAITING:
            raise DomainError(_("It waits to be sent already."), code="waiting")
        event.status, event.left = EventStatus.WAITING, 1
        event.save(update_fields=["status", "left"])
        _call(event)
    return event


def _usable(webhook: Webhook) -> Webhook:
    """Return the webhook, locked, if something may be sent to it on request now."""
    webhook = Webhook.objects.select_for_update().get(pk=webhook.pk)
    if webhook.state != WebhookState.ACTIVE:
        raise DomainError(_("The webhook is paused. Let it go on first."), code="paused")
    lately = timezone.now() - timedelta(minutes=1)
    recent = models.Q(created_at__gte=lately, kind=TEST) | models.Q(attempts__at__gte=lately)
    if webhook.events.filter(recent).distinct().count() >= BY_HAND:
        raise DomainError(_("That was often enough for now. Wait a minute."), code="too_often")
    return webhook


def forget_events() -> int:
    """Delete what was sent and answered longer ago than it is kept and return how many events."""
    old = WebhookEvent.objects.filter(created_at__lt=timezone.now() - KEPT)
    _all, by_model = old.exclude(status=EventStatus.WAITING).delete()
    return by_model.get(WebhookEvent._meta.label, 0)
