"""The outbox: PostgreSQL holds what is to be done, the broker only rings the bell.

``publish`` writes a message in the caller's transaction. After the commit the relay is rung; it claims a batch with
``FOR UPDATE SKIP LOCKED`` and passes ids to workers. A worker handles one message and marks it done in one transaction,
so an effect in the database happens exactly once. A sweeper rings again for whatever was left. Mail leaves in a second
step, one transaction a mail, under a Message-ID that stays the same if it has to be tried again.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from email.utils import formataddr, parseaddr
from typing import Any, Final, NamedTuple

import apprise
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection, models, transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from park_portal.core import context as act
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError
from park_portal.core.outbox.models import ChatChannel, Delivery, Message, Preference
from park_portal.core.outbox.registry import (
    COMMON_FIELDS,
    HANDLERS,
    KINDS,
    LANGUAGES,
    Kind,
    check_text,
    merge,
)
from park_portal.core.outbox.states import Channel, DeliveryStatus, MessageStatus, Mode

log = logging.getLogger(__name__)

BATCH: Final = 200
MAX_ATTEMPTS: Final = 8
# A claim older than this was made by a process that died: handling one message takes far less.
CLAIM_LASTS: Final = timedelta(seconds=30)

_SEALED: Final = re.compile(r"sealed-[0-9a-f]{32}")

_doorbell: Callable[[], None] | None = None


def set_doorbell(ring: Callable[[], None]) -> None:
    """Name the function that wakes the relay (tasks.py, above, knows the broker)."""
    global _doorbell
    _doorbell = ring


def _ring() -> None:
    if _doorbell is None:
        return
    try:
        _doorbell()
    except Exception:  # the broker may be away; the message is safe and the sweeper will find it
        log.warning("The broker did not answer; the sweeper will pick the message up.", exc_info=True)


def publish(
    topic: str, *, key: str, payload: Mapping[str, Any] | None = None, at: datetime | None = None
) -> Message:
    """Write a message in the current transaction and return it; a key already used returns the earlier message."""
    if topic not in HANDLERS:
        raise LookupError(f"nothing handles the topic {topic!r}")
    message, created = Message.objects.get_or_create(
        key=key,
        defaults={
            "topic": topic,
            "payload": dict(payload or {}),
            "due_at": at or timezone.now(),
            "request_id": act.current().request_id,
        },
    )
    if created and (at is None or at <= timezone.now()):
        _ring_after_commit()
    return message


def _ring_after_commit() -> None:
    """Ring once a transaction, however many messages it wrote."""
    waiting = connection.run_on_commit
    if not any(entry[1] is _ring for entry in waiting):
        transaction.on_commit(_ring)


def notify(
    kind: str,
    *,
    recipients: Iterable[Any],
    key: str,
    context: Mapping[str, Any] | None = None,
    link: str = "",
    texts: Mapping[str, Mapping[str, str]] | None = None,
    addresses: Iterable[str] = (),
    language: str = "zh-hans",
) -> Message:
    """Write a notice of ``kind`` to ``recipients`` (users) and bare ``addresses``, delivered after the commit.

    ``context`` fills the merge fields; a value may be a mapping by language. ``link`` is a path of the portal.
    ``texts`` ({"subject": {language: text}, "body": …}) replaces the kind's own text where it has one. ``language`` is
    that of the bare addresses. Raises ``KeyError`` for an unknown kind.
    """
    known = KINDS[kind]
    values = dict(context or {})
    unknown = values.keys() - known.fields.keys() - COMMON_FIELDS.keys()
    if unknown:
        raise LookupError(f"{kind} has no merge fields {sorted(unknown)}")
    return publish(
        "notify",
        key=f"{kind}:{key}",
        payload={
            "kind": kind,
            "recipients": sorted({user.pk for user in recipients}),
            "addresses": sorted(set(addresses)),
            "context": values,
            "link": link,
            "texts": texts or {},
            "language": language,
        },
    )


class Sealed(NamedTuple):
    """A secret for one address: ``mark`` may be written into a notice and kept, ``secret`` is what the mail says."""

    mark: str
    secret: str


def seal(address: str) -> Sealed:
    """Return a new secret that only the mail to ``address`` will hold.

    The secret follows from the mark, the address and the portal's key, so it can be sent whenever the mail leaves, and
    nobody finds it in the database.
    """
    mark = f"sealed-{secrets.token_hex(16)}"
    return Sealed(mark, _secret_of(mark, address))


def unseal(text: str, address: str) -> str:
    """Return ``text`` with each mark replaced by its secret, worth something only if it was sealed for ``address``."""
    return _SEALED.sub(lambda mark: _secret_of(mark[0], address), text)


def _secret_of(mark: str, address: str) -> str:
    return salted_hmac("outbox.sealed", f"{mark}:{address.lower()}", algorithm="sha256").hexdigest()


def render_notice(
    kind: Kind, values: Mapping[str, Any], texts: Mapping[str, Mapping[str, str]], language: str
) -> tuple[str, str]:
    """Return (subject, body) of a notice in ``language``."""
    subject = (texts.get("subject") or {}).get(language) or kind.subject[language]
    body = (texts.get("body") or {}).get(language) or kind.body[language]
    return " ".join(merge(subject, values, language).split()), merge(body, values, language).strip()


def preview_notice(kind_name: str, texts: Mapping[str, Mapping[str, str]], language: str) -> tuple[str, str]:
    """Return (subject, body) filled with the samples; raises ``DomainError`` for a name that is no merge field."""
    kind = KINDS[kind_name]
    for part in texts.values():
        for text in part.values():
            check_text(kind, text)
    samples = {name: field.sample for name, field in {**COMMON_FIELDS, **kind.fields}.items()}
    return render_notice(kind, samples, texts, language)


# --- relay and workers ---------------------------------------------------------------------------------------------


def claim_messages(*, limit: int = BATCH) -> list[int]:
    """Claim up to ``limit`` due messages for this relay and return their ids."""
    now = timezone.now()
    with transaction.atomic():
        ids = list(
            Message.objects.select_for_update(skip_locked=True)
            .filter(status=MessageStatus.WAITING, due_at__lte=now)
            .filter(models.Q(claimed_at__isnull=True) | models.Q(claimed_at__lt=now - CLAIM_LASTS))
            .order_by("due_at", "id")
            .values_list("id", flat=True)[:limit]
        )
        Message.objects.filter(id__in=ids).update(claimed_at=now)
    return ids


def handle_message(message_id: int) -> bool:
    """Do what one message asks and mark it done, in one transaction; return whether this call did it.

    A message that is done, or being handled elsewhere, is left alone. When the handler fails nothing of it stays; the
    message is tried again later, and after ``MAX_ATTEMPTS`` shown to staff as failed.
    """
    try:
        with transaction.atomic():
            message = (
                Message.objects.select_for_update(skip_locked=True)
                .filter(pk=message_id, status=MessageStatus.WAITING)
                .first()
            )
            if message is None:
                return False
            with act.origin(request_id=message.request_id, door="worker"):
                HANDLERS[message.topic]({**message.payload, "message_id": message.pk})
            Message.objects.filter(pk=message_id).update(
                status=MessageStatus.DONE, done_at=timezone.now(), error=""
            )
            return True
    except (
        Exception
    ) as error:  # whatever a handler raises must leave a trace on the message, not only in a log
        log.exception("Message %s failed", message_id)
        _put_back(message_id, error)
        return False


def _put_back(message_id: int, error: Exception) -> None:
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        if message.status != MessageStatus.WAITING:
            return
        message.attempts += 1
        message.error = f"{type(error).__name__}: {error}"[:2000]
        message.claimed_at = None
        message.due_at = timezone.now() + timedelta(seconds=min(2**message.attempts, 600))
        if message.attempts >= MAX_ATTEMPTS:
            message.status = MessageStatus.FAILED
        message.save()


def retry_message(message: Message, *, actor: Any) -> Message:
    """Put a failed message back in the queue at once."""
    with transaction.atomic():
        changed = Message.objects.filter(pk=message.pk, status=MessageStatus.FAILED).update(
            status=MessageStatus.WAITING, attempts=0, due_at=timezone.now(), claimed_at=None
        )
        if not changed:
            raise DomainError(_("Only a failed message can be tried again."), code="not_failed")
        record("message.retry", message, actor=actor)
        _ring_after_commit()
    message.refresh_from_db()
    return message


def retry_delivery(delivery: Delivery, *, actor: Any) -> Delivery:
    """Put a mail or chat post that failed back in the queue at once."""
    with transaction.atomic():
        changed = Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.FAILED).update(
            status=DeliveryStatus.WAITING, attempts=0, claimed_at=None
        )
        if not changed:
            raise DomainError(_("Only what failed can be sent again."), code="not_failed")
        record("delivery.retry", delivery, actor=actor)
        _ring_after_commit()
    delivery.refresh_from_db()
    return delivery


def deliver_notice(payload: Mapping[str, Any]) -> None:
    """Write the deliveries of one notice: inbox at once; e-mail at once, for the digest or not, as each one chose."""
    kind = KINDS[payload["kind"]]
    message = Message(pk=payload["message_id"])
    people = _people(payload["recipients"])
    modes = dict(
        Preference.objects.filter(kind=kind.name, user_id__in=[p.pk for p in people]).values_list(
            "user_id", "mode"
        )
    )
    deliveries = []
    for person in people:
        values = {**payload["context"], "name": person.name, "link": absolute(payload["link"])}
        rendered = {lang: render_notice(kind, values, payload["texts"], lang) for lang in LANGUAGES}
        common: dict[str, Any] = {
            "message": message,
            "recipient_id": person.pk,
            "kind": kind.name,
            "language": person.language,
            "subject": {lang: text[0] for lang, text in rendered.items()},
            "body": {lang: text[1] for lang, text in rendered.items()},
            "link": payload["link"],
        }
        deliveries.append(
            Delivery(channel=Channel.INBOX, status=DeliveryStatus.SENT, sent_at=timezone.now(), **common)
        )
        mode = Mode.AT_ONCE if kind.required else modes.get(person.pk, kind.default)
        if mode != Mode.OFF:
            status = DeliveryStatus.DIGEST if mode == Mode.DIGEST else DeliveryStatus.WAITING
            deliveries.append(Delivery(channel=Channel.EMAIL, status=status, address=person.email, **common))
    for address in payload["addresses"]:
        language = payload["language"]
        values = {"name": address, **payload["context"], "link": absolute(payload["link"])}
        subject, body = render_notice(kind, values, payload["texts"], language)
        deliveries.append(
            Delivery(
                message=message,
                channel=Channel.EMAIL,
                address=address,
                kind=kind.name,
                language=language,
                subject={language: subject},
                body={language: body},
                link=payload["link"],
            )
        )
    for chat in ChatChannel.objects.filter(active=True, kinds__contains=[kind.name]):
        values = {**payload["context"], "name": chat.name, "link": absolute(payload["link"])}
        subject, body = render_notice(kind, values, payload["texts"], "zh-hans")
        deliveries.append(
            Delivery(
                message=message,
                channel=Channel.CHAT,
                address=chat.url,
                kind=kind.name,
                subject={"zh-hans": subject},
                body={"zh-hans": body},
                link=payload["link"],
            )
        )
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True, batch_size=1000)
    _ring_after_commit()


def _people(ids: list[int]) -> list[Any]:
    from django.contrib.auth import (
        get_user_model,
    )  # accounts is above the outbox; only its rows are read here

    return list(get_user_model().objects.filter(pk__in=ids, is_active=True))


def absolute(path: str) -> str:
    """Return the full address of a path of the portal."""
    return path if path.startswith(("http://", "https://")) else f"{settings.SITE_URL}{path}"


def claim_deliveries(*, limit: int = BATCH) -> list[int]:
    """Claim up to ``limit`` mails and chat posts that wait to be sent and return their ids."""
    now = timezone.now()
    with transaction.atomic():
        ids = list(
            Delivery.objects.select_for_update(skip_locked=True)
            .filter(status=DeliveryStatus.WAITING)
            .filter(models.Q(claimed_at__isnull=True) | models.Q(claimed_at__lt=now))
            .order_by("created_at", "id")
            .values_list("id", flat=True)[:limit]
        )
        # The claim runs out by itself, so that a mail whose worker died is found again.
        Delivery.objects.filter(id__in=ids).update(claimed_at=now + CLAIM_LASTS)
    return ids


def send_delivery(delivery_id: int) -> bool:
    """Send one mail or chat post and mark it sent, in one transaction; return whether this call did it."""
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("recipient")
            .filter(pk=delivery_id, status=DeliveryStatus.WAITING)
            .first()
        )
        if delivery is None:
            return False
        try:
            if delivery.channel == Channel.CHAT:
                _post_to_chat(delivery)
            else:
                _send_mail(delivery)
        except Exception as error:  # a mail server may fail in any way; the row keeps why, staff see it
            delivery.attempts += 1
            delivery.error = f"{type(error).__name__}: {error}"[:2000]
            delivery.claimed_at = timezone.now() + timedelta(seconds=min(2**delivery.attempts, 600))
            if delivery.attempts >= MAX_ATTEMPTS:
                delivery.status = DeliveryStatus.FAILED
            delivery.save()
            log.warning("Delivery %s was not sent: %s", delivery_id, delivery.error)
            return False
        delivery.status = DeliveryStatus.SENT
        delivery.sent_at = timezone.now()
        delivery.error = ""
        delivery.save()
        return True


def _send_mail(delivery: Delivery) -> None:
    with translation.override(delivery.language):
        _mail(
            to=delivery.address,
            subject=delivery.subject_text,
            body=unseal(delivery.body_text, delivery.address),
            link=unseal(delivery.link, delivery.address),
            message_id=delivery.mail_id,
            footer=delivery.recipient_id is not None,
        )


def _mail(
    *, to: str, subject: str, body: str, link: str, message_id: str, footer: bool, items: Any = None
) -> None:
    values = {
        "subject": subject,
        "body": body,
        "paragraphs": [part for part in body.split("\n\n") if part.strip()],
        "link": absolute(link) if link else "",
        "preferences_link": absolute("/account/notifications/") if footer else "",
        "items": items,
        "portal_url": settings.SITE_URL,
    }
    mail = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string("mail/notice.txt", values),
        from_email=sender(),
        to=[to],
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
        connection=get_connection(),
    )
    mail.attach_alternative(render_to_string("mail/notice.html", values), "text/html")
    mail.send()


def sender() -> str:
    """Return the sender of a mail: the name that ``MAIL_FROM`` gives, else the portal's in the language in force."""
    name, mailbox = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((name or _("Qingpu Park Portal"), mailbox))


def _post_to_chat(delivery: Delivery) -> None:
    sender = apprise.Apprise()
    if not sender.add(delivery.address):
        raise DomainError(_("The address of this work chat is not understood."), code="chat_address")
    link = f"\n{absolute(delivery.link)}" if delivery.link else ""
    if not sender.notify(title=delivery.subject_text, body=delivery.body_text + link):
        raise DomainError(_("The work chat did not take the message."), code="chat_refused")


def send_digests() -> int:
    """Send each person who has notices waiting for it one digest mail; return how many mails."""
    people = list(
        Delivery.objects.filter(status=DeliveryStatus.DIGEST)
        .values_list("recipient_id", flat=True)
        .distinct()
    )
    return sum(send_digest(person) for person in people)


def send_digest(user_id: int) -> bool:
    """Send one person the digest of what waits for it; return whether a mail was sent."""
    with transaction.atomic():
        waiting = list(
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("recipient")
            .filter(status=DeliveryStatus.DIGEST, recipient_id=user_id)
            .order_by("id")[:200]
        )
        if not waiting:
            return False
        person = waiting[0].recipient
        assert person is not None
        with translation.override(person.language):
            count = len(waiting)
            _mail(
                to=person.email,
                subject=_("%(count)d notices from the park portal") % {"count": count},
                body=_("Here is what happened since your last digest."),
                link="/inbox/",
                message_id=f"<digest-{waiting[0].public_id}@{settings.MAIL_DOMAIN}>",
                footer=True,
                items=[
                    {
                        "subject": item.subject_text,
                        "body": item.body_text,
                        "link": absolute(item.link or "/inbox/"),
                    }
                    for item in waiting
                ],
            )
        Delivery.objects.filter(pk__in=[item.pk for item in waiting]).update(
            status=DeliveryStatus.SENT, sent_at=timezone.now()
        )
        return True


# --- what a person does with the inbox -----------------------------------------------------------------------------


def mark_read(user: Any, *, ids: Iterable[Any] | None = None) -> int:
    """Mark the person's inbox items with these public ids (all of them when None) read; return how many."""
    items = Delivery.objects.visible_to(user).unread()
    if ids is not None:
        items = items.filter(public_id__in=list(ids))
    return items.update(read_at=timezone.now())


def set_preference(user: Any, *, kind: str, mode: str) -> Preference | None:
    """Store how ``user`` wants notices of ``kind``; raises ``DomainError`` for one that is always sent."""
    known = KINDS.get(kind)
    if known is None or mode not in Mode.values:
        raise DomainError(_("There is no such kind of notice."), code="unknown_kind")
    if known.required and mode != Mode.AT_ONCE:
        raise DomainError(_("This notice is always sent at once."), code="required_kind")
    preference, _created = Preference.objects.update_or_create(user=user, kind=kind, defaults={"mode": mode})
    return preference
