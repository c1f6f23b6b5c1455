"""The outbox: nothing written is lost, nothing is done twice, and people get what they chose."""

from __future__ import annotations

import threading
from datetime import timedelta
from email.header import decode_header, make_header
from email.utils import parseaddr

import apprise
import pytest
from django.core import mail
from django.db import OperationalError, connection, transaction
from django.utils import timezone, translation

from park_portal.core.errors import DomainError
from park_portal.core.outbox import registry, services
from park_portal.core.outbox.models import ChatChannel, Delivery, Message, Preference
from park_portal.core.outbox.registry import Kind, MergeField
from tests.factories.core import make_staff, make_user


def parse_sender(text):
    name, mailbox = parseaddr(text)
    return str(make_header(decode_header(name))), mailbox


pytestmark = pytest.mark.django_db

NEWS = Kind(
    name="test.news",
    label="News",
    audience="everyone",
    fields={
        "number": MergeField("number", "A-1"),
        "title": MergeField("title", {"zh-hans": "样例", "en": "sample"}),
    },
    subject={"zh-hans": "{{ number }} 有新进展", "en": "News of {{ number }}"},
    body={
        "zh-hans": "{{ name }}:{{ title }}\n\n见 {{ link }}",
        "en": "{{ name }}: {{ title }}\n\nSee {{ link }}",
    },
)
LAW = Kind(**{**NEWS.__dict__, "name": "test.law", "required": True})


@pytest.fixture(autouse=True)
def kinds(monkeypatch):
    monkeypatch.setitem(registry.KINDS, NEWS.name, NEWS)
    monkeypatch.setitem(registry.KINDS, LAW.name, LAW)


@pytest.fixture
def bell(monkeypatch):
    rung = []
    monkeypatch.setattr(services, "ring", lambda: rung.append(1))
    return rung


@pytest.fixture
def topic(monkeypatch):
    done = []
    monkeypatch.setitem(registry.HANDLERS, "test.topic", done.append)
    return done


@pytest.fixture
def alice():
    return make_user("Alice", language="en")


@pytest.fixture
def bob():
    return make_user("鲍勃", language="zh-hans")


def deliver_all():
    while services.relay_messages():
        pass


def due():
    return list(services.due_messages().values_list("pk", flat=True))


def to_send():
    return list(services.due_deliveries().values_list("pk", flat=True))


def news(people, key="1", kind="test.news", **kwargs):
    context = {"number": "AIBT-2026-0001", "title": {"zh-hans": "类器官", "en": "Organoids"}}
    return services.notify(kind, recipients=people, key=key, context=context, link="/inbox/", **kwargs)


class TestPublish:
    def test_rings_once_after_the_commit(self, bell, topic, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            services.publish("test.topic", key="a")
            services.publish("test.topic", key="b")
            assert bell == []
        assert bell == [1]

    def test_same_key_is_the_same_message(self, bell, topic):
        first = services.publish("test.topic", key="a", payload={"n": 1})
        assert services.publish("test.topic", key="a", payload={"n": 2}) == first
        assert Message.objects.get().payload == {"n": 1}

    def test_unknown_topic_is_a_programming_error(self):
        with pytest.raises(LookupError):
            services.publish("test.nobody", key="a")

    def test_a_bell_that_does_not_ring_fails_no_request(
        self, monkeypatch, topic, django_capture_on_commit_callbacks, caplog
    ):
        def dead(*args, **kwargs):
            raise OperationalError("server closed the connection")

        with django_capture_on_commit_callbacks() as callbacks:
            services.publish("test.topic", key="a")
        with monkeypatch.context() as patch:
            patch.setattr(services.connection, "cursor", dead)
            for callback in callbacks:
                callback()
        assert len(callbacks) == 1
        assert "bell could not be rung" in caplog.text
        assert due() == [Message.objects.get().pk]

    def test_later_is_not_due_yet(self, bell, topic):
        services.publish("test.topic", key="a", at=timezone.now() + timedelta(minutes=5))
        assert due() == []


class TestHandle:
    def test_does_it_once_and_marks_it_done(self, bell, topic):
        message = services.publish("test.topic", key="a", payload={"n": 1})
        assert services.handle_message(message.pk) is True
        assert services.handle_message(message.pk) is False
        message.refresh_from_db()
        assert topic == [{"n": 1, "message_id": message.pk}]
        assert (message.status, message.done_at is not None) == ("done", True)

    def test_one_notice_that_fails_does_not_hold_up_the_others(self, bell, topic, alice, bob):
        wrong, right = news([alice], key="1"), news([bob], key="2")
        other = services.publish("test.topic", key="a")
        Message.objects.filter(pk=wrong.pk).update(payload={**wrong.payload, "kind": "test.gone"})
        assert services.relay_messages() == 3
        assert dict(Message.objects.values_list("pk", "status")) == {
            wrong.pk: "waiting",
            right.pk: "done",
            other.pk: "done",
        }
        wrong.refresh_from_db()
        assert (wrong.attempts, wrong.error) == (1, "KeyError: 'test.gone'")
        assert [item.recipient_id for item in Delivery.objects.filter(channel="inbox")] == [bob.pk]

    def test_everybody_is_named_in_their_own_copy(self, bell, alice, bob, monkeypatch):
        greeting = Kind(**{**NEWS.__dict__, "subject": {"zh-hans": "{{ name }}:好", "en": "Dear {{ name }}"}})
        monkeypatch.setitem(registry.KINDS, "test.news", greeting)
        alice.name = 'Al "the\\ice" [x]\r\nBcc: a@b.c'
        alice.save()
        news([alice, bob])
        deliver_all()
        told = {item.recipient_id: item for item in Delivery.objects.filter(channel="inbox")}
        assert told[alice.pk].subject["en"] == 'Dear Al "the\\ice" [x] Bcc: a@b.c'
        assert told[alice.pk].body["en"].startswith(f"{alice.name}: Organoids\n\nSee http")
        assert told[bob.pk].subject == {"zh-hans": "鲍勃:好", "en": "Dear 鲍勃"}

    def test_failure_leaves_nothing_and_is_tried_again(self, bell, monkeypatch, alice):
        def half(payload):
            alice.name = "half done"
            alice.save()
            raise RuntimeError("out of paper")

        monkeypatch.setitem(registry.HANDLERS, "test.topic", half)
        message = services.publish("test.topic", key="a")
        assert services.handle_message(message.pk) is False
        message.refresh_from_db()
        alice.refresh_from_db()
        assert alice.name == "Alice"
        assert (message.status, message.attempts, message.error) == (
            "waiting",
            1,
            "RuntimeError: out of paper",
        )
        assert message.due_at > timezone.now()

    def test_gives_up_visibly_and_can_be_retried(self, bell, monkeypatch):
        monkeypatch.setitem(registry.HANDLERS, "test.topic", lambda payload: 1 / 0)
        message = services.publish("test.topic", key="a")
        for _attempt in range(services.MAX_ATTEMPTS):
            services.handle_message(message.pk)
        message.refresh_from_db()
        assert (message.status, message.attempts) == ("failed", services.MAX_ATTEMPTS)
        services.retry_message(message, actor=make_staff("administrator"))
        assert (message.status, message.attempts) == ("waiting", 0)
        with pytest.raises(DomainError):
            services.retry_message(message, actor=make_staff("administrator"))


@pytest.mark.django_db(transaction=True)
def test_two_workers_handle_a_message_once(monkeypatch):
    done = []
    barrier = threading.Barrier(2)
    monkeypatch.setitem(
        registry.HANDLERS, "test.topic", lambda payload: (done.append(1), threading.Event().wait(0.2))
    )
    message = services.publish("test.topic", key="a")
    answers = []

    def work():
        barrier.wait()
        answers.append(services.handle_message(message.pk))
        connection.close()

    threads = [threading.Thread(target=work) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, True]
    assert done == [1]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_service_leaves_no_message(monkeypatch):
    monkeypatch.setitem(registry.HANDLERS, "test.topic", lambda payload: None)

    def fail_after_publishing():
        with transaction.atomic():
            services.publish("test.topic", key="a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_publishing()
    assert Message.objects.count() == 0


class TestNotices:
    def test_each_one_in_their_language(self, bell, alice, bob):
        news([alice, bob])
        deliver_all()
        assert list(
            Delivery.objects.filter(channel="inbox").order_by("recipient").values_list("recipient", "status")
        ) == [(alice.pk, "sent"), (bob.pk, "sent")]
        for delivery_id in to_send():
            assert services.send_delivery(delivery_id)
        letters = {letter.to[0]: letter for letter in mail.outbox}
        assert letters[alice.email].subject == "News of AIBT-2026-0001"
        assert letters[bob.email].subject == "AIBT-2026-0001 有新进展"
        assert "鲍勃:类器官" in letters[bob.email].body
        assert "http://" in letters[bob.email].body

    def test_handling_a_notice_again_delivers_nothing_twice(self, bell, alice):
        message = news([alice])
        deliver_all()
        Message.objects.update(status="waiting", done_at=None, claimed_at=None)
        assert services.handle_message(message.pk)
        assert Delivery.objects.count() == 2

    def test_message_id_stays_the_same_at_every_attempt(self, bell, alice, monkeypatch):
        news([alice])
        deliver_all()
        (delivery_id,) = to_send()
        with monkeypatch.context() as patch:
            patch.setattr(services, "get_connection", lambda: 1 / 0)
            assert services.send_delivery(delivery_id) is False
        delivery = Delivery.objects.get(pk=delivery_id)
        assert (delivery.status, delivery.attempts) == ("waiting", 1)
        assert to_send() == []  # it waits a moment before the next try
        assert services.send_delivery(delivery_id) is True
        assert services.send_delivery(delivery_id) is False
        assert [letter.extra_headers["Message-ID"] for letter in mail.outbox] == [delivery.mail_id]

    def test_off_means_inbox_only_and_digest_waits(self, bell, alice, bob):
        services.set_preference(alice, kind="test.news", mode="off")
        services.set_preference(bob, kind="test.news", mode="digest")
        news([alice, bob], key="1")
        news([alice, bob], key="2")
        deliver_all()
        assert to_send() == []
        assert Delivery.objects.filter(channel="inbox").count() == 4
        assert services.send_digests() == 1
        assert services.send_digests() == 0
        (letter,) = mail.outbox
        assert letter.to == [bob.email]
        assert letter.subject.count("2") == 1
        assert letter.body.count("AIBT-2026-0001") == 2

    def test_what_the_law_requires_is_always_sent(self, bell, alice):
        Preference.objects.create(user=alice, kind="test.law", mode="off")
        with pytest.raises(DomainError):
            services.set_preference(alice, kind="test.law", mode="off")
        news([alice], kind="test.law")
        deliver_all()
        assert Delivery.objects.filter(channel="email", status="waiting").count() == 1

    def test_nobody_who_was_switched_off(self, bell, alice):
        alice.is_active = False
        alice.save()
        news([alice])
        deliver_all()
        assert Delivery.objects.count() == 0

    def test_own_text_of_a_call(self, bell, bob):
        news([bob], texts={"subject": {"zh-hans": "青浦专项:{{ number }}"}})
        deliver_all()
        inbox = Delivery.objects.get(channel="inbox")
        assert inbox.subject == {"zh-hans": "青浦专项:AIBT-2026-0001", "en": "News of AIBT-2026-0001"}
        with translation.override("en"):
            assert str(inbox) == "News of AIBT-2026-0001"

    def test_a_value_with_braces_is_not_merged_again(self, bell, alice):
        services.notify(
            "test.news", recipients=[alice], key="x", context={"number": "{{ name }}", "title": "{% x %}"}
        )
        deliver_all()
        assert Delivery.objects.filter(channel="inbox").get().subject["en"] == "News of {{ name }}"

    def test_header_injection_is_flattened(self, bell, alice):
        services.notify(
            "test.news", recipients=[alice], key="x", context={"number": "1\r\nBcc: x@y.z", "title": ""}
        )
        deliver_all()
        for delivery_id in to_send():
            assert services.send_delivery(delivery_id)
        assert mail.outbox[0].subject == "News of 1 Bcc: x@y.z"

    @pytest.mark.parametrize(
        ("mail_from", "names"),
        [
            ("portal@park.example", {"zh-hans": "青浦园区平台", "en": "Qingpu Park Portal"}),
            ("Our Park <portal@park.example>", {"zh-hans": "Our Park", "en": "Our Park"}),
        ],
    )
    def test_sender_is_named_in_the_readers_language(self, bell, alice, bob, settings, mail_from, names):
        settings.DEFAULT_FROM_EMAIL = mail_from
        news([alice, bob])
        deliver_all()
        for delivery_id in to_send():
            services.send_delivery(delivery_id)
        language = {person.email: person.language for person in (alice, bob)}
        assert {message.to[0]: parse_sender(message.from_email) for message in mail.outbox} == {
            address: (names[code], "portal@park.example") for address, code in language.items()
        }

    def test_unknown_merge_value_is_a_programming_error(self, alice):
        with pytest.raises(LookupError):
            services.notify("test.news", recipients=[alice], key="x", context={"nonsense": "1"})

    def test_work_chat_gets_the_kinds_it_chose(self, bell, alice, monkeypatch):
        posted = []
        monkeypatch.setattr(
            apprise.Apprise, "notify", lambda self, **kwargs: posted.append(kwargs["title"]) or True
        )
        ChatChannel.objects.create(name="项目组", url="json://127.0.0.1/x", kinds=["test.news"])
        ChatChannel.objects.create(name="别的", url="json://127.0.0.1/y", kinds=["test.law"])
        news([alice])
        deliver_all()
        for delivery_id in to_send():
            assert services.send_delivery(delivery_id)
        assert posted == ["AIBT-2026-0001 有新进展"]


class TestTexts:
    def test_preview_fills_the_samples(self):
        assert services.preview_notice("test.news", {}, "zh-hans") == (
            "A-1 有新进展",
            "陈思远:样例\n\n见 https://portal.example.org/",
        )

    @pytest.mark.parametrize(
        "text", ["{{ password }}", "{% include 'x' %}", "{{ number|safe }}", "{{ number", "}}"]
    )
    def test_only_listed_names_and_never_code(self, text):
        with pytest.raises(DomainError):
            services.preview_notice("test.news", {"body": {"en": text}}, "en")


class TestInbox:
    def test_only_ones_own(self, bell, alice, bob):
        news([alice, bob])
        deliver_all()
        own = Delivery.objects.visible_to(alice)
        assert [item.recipient_id for item in own] == [alice.pk]
        foreign = Delivery.objects.visible_to(bob).get().public_id
        assert services.mark_read(alice, ids=[foreign]) == 0
        assert services.mark_read(alice) == 1
        assert Delivery.objects.visible_to(bob).unread().count() == 1
