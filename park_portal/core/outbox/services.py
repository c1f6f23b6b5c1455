"""The outbox: PostgreSQL holds what is to be done, the broker only rings the bell.

``publish`` writes a message in the caller's transaction. After the commit the relays are rung. A relay claims with
``FOR UPDATE SKIP LOCKED``, does what is asked and marks it done in one transaction, so an effect in the database happens
exactly once. The lock is the claim: when a relay dies, PostgreSQL gives what it had in hand to the next one at once.
Notices are delivered many at a time, everything else one by one. Mail leaves in a second step, one transaction a mail,
under a Message-ID that stays the same if it has to be tried again.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import formataddr, parseaddr
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.mail import get_connection
from django.db import DatabaseError, OperationalError, connection, models, transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from park_portal.core import context as act
from park_portal.core import crash
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError
from park_portal.core.outbox.mails import NoticeMail
from park_portal.core.outbox.models import ChatChannel, Delivery, Message, Preference
from park_portal.core.outbox.registry import (
    COMMON_FIELDS,
    HANDLERS,
    KINDS,
    LANGUAGES,
    LISTENERS,
    SLOW,
    TOGETHER,
    Kind,
    check_text,
    merge,
)
from park_portal.core.outbox.states import Channel, DeliveryStatus, MessageStatus, Mode
from park_portal.core.personal import CONSENTS
from park_portal.core.prepared import Prepared
from park_portal.core.workflow import may

log = logging.getLogger(__name__)

BATCH: Final = 1000
MAX_ATTEMPTS: Final = 8
# Any constant will do, as long as nothing else takes the same advisory lock.
_SLOW_LOCK: Final = 0x510
# What relays listen to.
BELL: Final = "outbox"

_SEALED: Final = re.compile(r"sealed-[0-9a-f]{32}")


def ring() -> None:
    """Wake the relays. A bell that is lost costs them half a second: they look by themselves that often."""
    crash.point("after_commit")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [BELL])
    except DatabaseError:  # it went away after the commit; the message is safe there
        log.warning("The bell could not be rung; the relays will find the message.", exc_info=True)
    crash.point("after_publish")


_by_key: Final = Prepared[Message](lambda key: Message.objects.filter(key=key).order_by(), key="no key")


def publish(
    topic: str, *, key: str, payload: Mapping[str, Any] | None = None, at: datetime | None = None
) -> Message:
    """Write a message in the current transaction and return it; a key already used returns the earlier message."""
    if topic not in HANDLERS:
        raise LookupError(f"nothing handles the topic {topic!r}")
    now = timezone.now()
    message = Message(
        key=key,
        topic=topic,
        payload=dict(payload or {}),
        due_at=at or now,
        request_id=act.current().request_id,
    )
    # Two statements where looking first, and a savepoint for whoever is faster, would be four.
    Message.objects.bulk_create([message], ignore_conflicts=True)
    if at is None or at <= now:
        _ring_after_commit()
    return _by_key.get(key=key)


def _ring_after_commit() -> None:
    """Ring once a transaction, however many messages it wrote."""
    waiting = connection.run_on_commit
    if not any(entry[1] is ring for entry in waiting):
        transaction.on_commit(ring)


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
    calendar: bytes = b"",
) -> Message:
    """Write a notice of ``kind`` to ``recipients`` (users) and bare ``addresses``, delivered after the commit.

    ``context`` fills the merge fields; a value may be a mapping by language. ``link`` is a path of the portal.
    ``texts`` ({"subject": {language: text}, "body": …}) replaces the kind's own text where it has one. ``language`` is
    that of the bare addresses. ``calendar`` is an .ics file that the mails of a kind with a calendar bring along. Raises
    ``KeyError`` for an unknown kind.
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
            **({"calendar": calendar.decode()} if calendar else {}),
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


# --- relays --------------------------------------------------------------------------------------------------------


def due_messages() -> models.QuerySet[Message]:
    """Return the messages that are to be done now, the longest due first."""
    return Message.objects.filter(status=MessageStatus.WAITING, due_at__lte=timezone.now()).order_by(
        "due_at", "id"
    )


def relay_messages(*, limit: int = BATCH) -> int:
    """Do what is due now and no other relay has in hand; return how many messages were looked at."""
    return _relay_together(limit) + _relay_singly(due_messages().exclude(topic__in=TOGETHER | SLOW))


def relay_slow_messages(*, stop: Callable[[], bool] = lambda: False, at_once: int = 8) -> int:
    """Do some of what waits for others outside the portal, ``at_once`` side by side; return how many were done.

    One caller at a time (advisory lock); a second meanwhile returns 0. However long the others take, they hold up one
    relay, for as long as the slowest of them.
    """
    if not SLOW or stop():
        return 0
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SLOW_LOCK])
            if not cursor.fetchone()[0]:
                return 0
        ids = list(due_messages().filter(topic__in=SLOW).values_list("id", flat=True)[:at_once])
        if not ids:
            return 0
        with ThreadPoolExecutor(max_workers=len(ids)) as threads:
            return sum(threads.map(_handle_in_thread, ids))


def _handle_in_thread(message_id: int) -> bool:
    try:
        return handle_message(message_id)
    finally:
        connection.close()  # the thread's own


def _relay_singly(waiting: models.QuerySet[Message], stop: Callable[[], bool] = lambda: False) -> int:
    ids = list(waiting.values_list("id", flat=True)[:50])
    return sum(handle_message(message_id) for message_id in ids if not stop())


def _relay_together(limit: int) -> int:
    """Claim, do and mark done up to ``limit`` messages of the topics that take many at once, in one transaction."""
    began = timezone.now()
    ids: list[int] = []
    try:
        with transaction.atomic():
            rows = list(
                due_messages()
                .filter(topic__in=TOGETHER)
                .select_for_update(skip_locked=True)
                .values_list("id", "topic", "payload")[:limit]
            )
            if not rows:
                return 0
            crash.point("after_claim")
            ids = [row[0] for row in rows]
            for topic in {row[1] for row in rows}:
                HANDLERS[topic](
                    [{**payload, "message_id": pk} for pk, its_topic, payload in rows if its_topic == topic]
                )
            crash.point("after_effect")
            Message.objects.filter(id__in=ids).update(
                status=MessageStatus.DONE, claimed_at=began, done_at=timezone.now(), error=""
            )
    except (
        OperationalError
    ):  # PostgreSQL went away or a lock could not be had: nothing is wrong with the messages
        raise
    except Exception:  # one of them spoils it for all: each by itself, so that only that one is put back
        log.warning("Messages %s … could not be done together.", ids[:3], exc_info=True)
        for message_id in ids:
            handle_message(message_id)
    crash.point("before_ack")
    return len(ids)


def handle_message(message_id: int) -> bool:
    """Do what one message asks and mark it done, in one transaction; return whether this call did it.

    A message that is done, or being handled elsewhere, is left alone. When the handler fails nothing of it stays; the
    message is tried again later, and after ``MAX_ATTEMPTS`` shown to staff as failed.
    """
    began, message = timezone.now(), None
    try:
        with transaction.atomic():
            message = (
                Message.objects.select_for_update(skip_locked=True)
                .filter(pk=message_id, status=MessageStatus.WAITING)
                .first()
            )
            if message is None:
                return False
            crash.point("after_claim")
            payload = {**message.payload, "message_id": message.pk}
            with act.origin(request_id=message.request_id, door="worker"):
                HANDLERS[message.topic]([payload] if message.topic in TOGETHER else payload)
            crash.point("after_effect")
            Message.objects.filter(pk=message_id).update(
                status=MessageStatus.DONE, claimed_at=began, done_at=timezone.now(), error=""
            )
    except (
        Exception
    ) as error:  # whatever a handler raises must leave a trace on the message, not only in a log
        _put_back(message_id, error)
        return False
    crash.point("before_ack")
    return True


def _put_back(message_id: int, error: Exception) -> None:
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        with act.origin(request_id=message.request_id if message else None, door="worker"):
            log.error("Message %s failed", message_id, exc_info=error)
        if message.status != MessageStatus.WAITING:
            return
        message.attempts += 1
        message.error = f"{type(error).__name__}: {error}"[:2000]
        message.due_at = timezone.now() + timedelta(seconds=min(2**message.attempts, 600))
        if message.attempts >= MAX_ATTEMPTS:
            message.status = MessageStatus.FAILED
        message.save()


def retry_message(message: Message, *, actor: Any) -> Message:
    """Put a failed message back in the queue at once."""
    with transaction.atomic():
        changed = Message.objects.filter(pk=message.pk, status=MessageStatus.FAILED).update(
            status=MessageStatus.WAITING, attempts=0, due_at=timezone.now()
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


# Everyone's inbox item, and their mail as they chose, of many notices at once. The texts come rendered in both languages;
# where a text names its reader, %(mark)s stands for the name.
_DELIVER: Final = """
    INSERT INTO core_delivery (public_id, message_id, recipient_id, address, channel, kind, language, subject, body,
                               link, status, created_at, sent_at, attempts, error)
    SELECT gen_random_uuid(), notice.message, reader.id, CASE channel WHEN 'email' THEN reader.email ELSE '' END,
           channel, notice.kind, reader.language,
           CASE WHEN notice.personal
                THEN replace(notice.subject::text, %(mark)s, name.line)::jsonb
                ELSE notice.subject END,
           CASE WHEN notice.personal THEN replace(notice.body::text, %(mark)s, name.text)::jsonb
                ELSE notice.body END,
           notice.link,
           CASE WHEN channel = 'inbox' THEN 'sent' WHEN chosen.mode = 'digest' THEN 'digest' ELSE 'waiting' END,
           %(now)s, CASE channel WHEN 'inbox' THEN %(now)s END, 0, ''
    FROM jsonb_to_recordset(%(notices)s)
         AS notice (message bigint, kind text, subject jsonb, body jsonb, link text, required bool, mode text,
                    personal bool, consent text, version int)
    JOIN core_message message ON message.id = notice.message
    CROSS JOIN LATERAL jsonb_array_elements_text(message.payload -> 'recipients') AS written (id)
    JOIN core_user reader ON reader.id = written.id::bigint AND reader.is_active
    LEFT JOIN core_preference preference ON preference.user_id = reader.id AND preference.kind = notice.kind
    CROSS JOIN LATERAL (
        SELECT CASE WHEN notice.required THEN 'at_once' ELSE coalesce(preference.mode, notice.mode) END
    ) AS chosen (mode)
    CROSS JOIN LATERAL (  -- as they stand between the quotation marks of a JSON string
        SELECT trim(leading '"' FROM left(to_json(reader.name)::text, -1)),
               trim(leading '"' FROM left(to_json(regexp_replace(reader.name, '\\s+', ' ', 'g'))::text, -1))
    ) AS name (text, line)
    CROSS JOIN LATERAL (
        SELECT 'inbox' UNION ALL SELECT 'email' WHERE chosen.mode <> 'off'
    ) AS way (channel)
    WHERE notice.consent = '' OR EXISTS (
        SELECT FROM core_consent given WHERE given.person_id = reader.id AND given.purpose = notice.consent
            AND given.version = notice.version AND given.withdrawn_at IS NULL
    )
    ON CONFLICT DO NOTHING
"""


def deliver_notices(payloads: list[dict[str, Any]]) -> None:
    """Write the deliveries of notices: inbox at once; e-mail at once, for the digest or not, as each one chose."""
    mark = f"[{secrets.token_hex(8)}]"
    chats = list(ChatChannel.objects.filter(active=True))
    notices, others = [], []
    for payload in payloads:
        kind = KINDS[payload["kind"]]
        if payload["recipients"]:
            notices.append(_notice(kind, payload, mark))
        others += [_to_address(kind, payload, address) for address in payload["addresses"]]
        others += [_to_chat(kind, payload, chat) for chat in chats if kind.name in chat.kinds]
    if notices:
        values: dict[str, Any] = {
            "mark": mark,
            "now": timezone.now(),
            "notices": json.dumps(notices, ensure_ascii=False),
        }
        with connection.cursor() as cursor:
            cursor.execute(_DELIVER, values)
    if others:
        Delivery.objects.bulk_create(others, ignore_conflicts=True, batch_size=1000)
    for tell in LISTENERS:
        tell(payloads)


def _notice(kind: Kind, payload: Mapping[str, Any], mark: str) -> dict[str, Any]:
    values = {**payload["context"], "name": mark, "link": absolute(payload["link"])}
    texts = {language: render_notice(kind, values, payload["texts"], language) for language in LANGUAGES}
    return {
        "message": payload["message_id"],
        "kind": kind.name,
        "subject": {language: text[0] for language, text in texts.items()},
        "body": {language: text[1] for language, text in texts.items()},
        "link": payload["link"],
        "required": kind.required,
        "mode": kind.default,
        "personal": any(mark in part for text in texts.values() for part in text),
        "consent": kind.consent,
        "version": CONSENTS[kind.consent].version if kind.consent else 0,
    }


def _to_address(kind: Kind, payload: Mapping[str, Any], address: str) -> Delivery:
    language = payload["language"]
    values = {"name": address, **payload["context"], "link": absolute(payload["link"])}
    subject, body = render_notice(kind, values, payload["texts"], language)
    return Delivery(
        message_id=payload["message_id"],
        channel=Channel.EMAIL,
        address=address,
        kind=kind.name,
        language=language,
        subject={language: subject},
        body={language: body},
        link=payload["link"],
    )


def _to_chat(kind: Kind, payload: Mapping[str, Any], chat: ChatChannel) -> Delivery:
    values = {**payload["context"], "name": chat.name, "link": absolute(payload["link"])}
    subject, body = render_notice(kind, values, payload["texts"], "zh-hans")
    return Delivery(
        message_id=payload["message_id"],
        channel=Channel.CHAT,
        address=chat.url,
        kind=kind.name,
        subject={"zh-hans": subject},
        body={"zh-hans": body},
        link=payload["link"],
    )


def absolute(path: str) -> str:
    """Return the full address of a path of the portal."""
    return path if path.startswith(("http://", "https://")) else f"{settings.SITE_URL}{path}"


def due_deliveries() -> models.QuerySet[Delivery]:
    """Return the mails and chat posts that are to be sent now, oldest first."""
    # `claimed_at` of one that failed is when it may be tried again.
    return Delivery.objects.filter(
        models.Q(claimed_at__isnull=True) | models.Q(claimed_at__lt=timezone.now()),
        status=DeliveryStatus.WAITING,
    ).order_by("created_at", "id")


# Taken and marked sent by one statement; that it was is known to nobody else before the commit, after the mail left.
_TAKE: Final = """
    UPDATE core_delivery SET status = 'sent', sent_at = clock_timestamp(), error = '' WHERE id = (
        SELECT id FROM core_delivery
        WHERE status = 'waiting' AND {which}
        ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING *
"""
_TAKE_NEXT: Final = _TAKE.format(which="(claimed_at IS NULL OR claimed_at < now())")
_TAKE_THIS: Final = _TAKE.format(which="id = %s")


def send_waiting(*, limit: int = 200, stop: Callable[[], bool] = lambda: False) -> int:
    """Send what waits, over one connection to the mail server, until ``stop``; return how many were tried."""
    server, tried = get_connection(), 0
    try:
        while tried < limit and not stop() and _send_next(_TAKE_NEXT, [], server) is not None:
            tried += 1
    finally:
        server.close()
    return tried


def send_delivery(delivery_id: int) -> bool:
    """Send one mail or chat post and mark it sent, in one transaction; return whether this call did it."""
    return bool(_send_next(_TAKE_THIS, [delivery_id], None))


def _send_next(take: str, values: list[Any], server: Any) -> bool | None:
    """Send one, in a transaction of its own, over ``server`` if there is one, which is left open; None: none waits."""
    with transaction.atomic():
        delivery = next(iter(Delivery.objects.raw(take, values)), None)
        if delivery is None:
            return None
        try:
            if delivery.channel == Channel.CHAT:
                _post_to_chat(delivery)
            else:
                _send_mail(delivery, server)
        except Exception as error:  # a mail server may fail in any way; the row keeps why, staff see it
            if server is not None:
                server.connection = None  # whatever state it is in, the next mail does not begin there
            delivery.attempts += 1
            delivery.error = f"{type(error).__name__}: {error}"[:2000]
            delivery.claimed_at = timezone.now() + timedelta(seconds=min(2**delivery.attempts, 600))
            failed = delivery.attempts >= MAX_ATTEMPTS
            delivery.status = DeliveryStatus.FAILED if failed else DeliveryStatus.WAITING
            delivery.sent_at = None
            delivery.save()
            log.warning("Delivery %s was not sent: %s", delivery.pk, delivery.error)
            return False
        crash.point("after_250")
    return True


def _send_mail(delivery: Delivery, server: Any = None) -> None:
    with translation.override(delivery.language):
        _mail(
            to=delivery.address,
            subject=delivery.subject_text,
            body=unseal(delivery.body_text, delivery.address),
            link=unseal(delivery.link, delivery.address),
            message_id=delivery.mail_id,
            footer=delivery.recipient_id is not None,
            calendar=_calendar_of(delivery),
            server=server,
        )


def _calendar_of(delivery: Delivery) -> str:
    """Return the appointment that the mail brings along; only kinds that have one are looked up."""
    kind = KINDS.get(delivery.kind)
    if kind is None or not kind.calendar:
        return ""
    return str(delivery.message.payload.get("calendar", ""))


def _mail(
    *,
    to: str,
    subject: str,
    body: str,
    link: str,
    message_id: str,
    footer: bool,
    items: Any = None,
    calendar: str = "",
    server: Any = None,
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
    mail = NoticeMail(
        subject=subject,
        body=render_to_string("mail/notice.txt", values),
        from_email=sender(),
        to=[to],
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
        connection=server or get_connection(),
    )
    mail.attach_alternative(render_to_string("mail/notice.html", values), "text/html")
    if calendar:
        method = "CANCEL" if "METHOD:CANCEL" in calendar else "PUBLISH"
        mail.attach_alternative(calendar, f"text/calendar; method={method}")
    if server is not None:
        server.open()  # what was open before a mail stays open after it
    mail.send()


def sender() -> str:
    """Return the sender of a mail: the name that ``MAIL_FROM`` gives, else the portal's in the language in force."""
    name, mailbox = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((name or _("Qingpu Park Portal"), mailbox))


def _post_to_chat(delivery: Delivery) -> None:
    import apprise  # Knows a hundred services, and takes long to be loaded.

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


def drop_unsent(person: Any, *, consent: str) -> int:
    """Let nothing leave any more that ``person`` gets by ``consent`` alone; return how many were not sent."""
    kinds = [kind.name for kind in KINDS.values() if kind.consent == consent]
    waiting = Delivery.objects.filter(
        recipient=person, kind__in=kinds, status__in=[DeliveryStatus.WAITING, DeliveryStatus.DIGEST]
    )
    return waiting.delete()[0]


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


def preferences_of(user: Any) -> list[tuple[Kind, str]]:
    """Return the kinds that concern ``user`` (their role's, and those they have had or chosen), with how each is sent."""
    held = dict(Preference.objects.filter(user=user).values_list("kind", "mode"))
    had = set(Delivery.objects.visible_to(user).order_by().values_list("kind", flat=True).distinct())
    return [
        (kind, str(Mode.AT_ONCE) if kind.required else held.get(name, kind.default))
        for name, kind in sorted(KINDS.items())
        if name in held
        or name in had
        or (not kind.consent and (not kind.offered_with or may(user, kind.offered_with)))
    ]
