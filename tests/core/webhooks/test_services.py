"""What a webhook is told, how it is signed, how often it is tried, when it is paused, and who may do what."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox import services as outbox
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.services import notify
from park_portal.core.webhooks import services
from park_portal.core.webhooks.models import Webhook, WebhookAttempt, WebhookEvent
from park_portal.core.webhooks.services import (
    call_webhook,
    create_webhook,
    forget_events,
    pause_webhook,
    remove_webhook,
    renew_secret,
    resume_webhook,
    send_again,
    send_test,
    signature,
    update_webhook,
)
from park_portal.core.webhooks.states import ATTEMPTS, BY_HAND, KEPT, MOST_WEBHOOKS, WAITS
from park_portal.core.webhooks.transport import Answer
from tests.core.webhooks.receiver import receiving
from tests.factories.webhooks import make_webhook

pytestmark = pytest.mark.django_db


def publish(*people, key="1", kind="call.cancelled"):
    """A notice, delivered to its readers."""
    fields = outbox.KINDS[kind].fields
    message = notify(kind, recipients=people, key=key, context=dict.fromkeys(fields, "x"), link="/calls/")
    outbox.handle_message(message.pk)
    return message


def due():
    """What the outbox would have called now."""
    return list(outbox.due_messages().filter(topic=services.TOPIC).order_by("pk"))


def work():
    """Make the attempts that are due; how many there were."""
    found = due()
    for message in found:
        assert outbox.handle_message(message.pk)
    return len(found)


@pytest.fixture
def answers(monkeypatch):
    """What the other side answers, one after the other (the last one for ever); what was sent is kept."""
    found = {"list": [Answer(milliseconds=7, status=200, text="thanks")], "sent": []}

    def post(url, body, headers):
        found["sent"].append((url, body, headers))
        return found["list"].pop(0) if len(found["list"]) > 1 else found["list"][0]

    monkeypatch.setattr(services, "post", post)
    return found


REFUSED = Answer(milliseconds=5, status=503, text="later")


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As the specification tells a receiver to, in its own words rather than ours."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    wanted = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


class TestSigning:
    def test_as_the_specification_has_it(self):
        """The example of the Standard Webhooks reference libraries."""
        key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        signed = signature([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
        assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_the_earlier_secret_signs_for_a_day(self, people, answers):
        founder = people("founder")
        webhook, first = make_webhook(founder)
        _webhook, second = renew_secret(webhook, actor=founder)
        send_test(webhook, actor=founder)
        work()
        _url, body, headers = answers["sent"][0]
        assert (verify(first, headers, body), verify(second, headers, body)) == (True, True)
        with time_machine.travel(timezone.now() + timedelta(hours=25)):
            send_test(webhook, actor=founder)
            work()
        _url, body, headers = answers["sent"][1]
        assert (verify(first, headers, body), verify(second, headers, body)) == (False, True)

    def test_no_secret_is_in_the_database(self, people):
        webhook, secret = make_webhook(people("founder"))
        renewed, second = renew_secret(webhook, actor=people("founder"))
        stored = str(Webhook.objects.values().get(pk=renewed.pk)) + str(list(Entry.objects.values()))
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret[6:])) == 32
        assert secret[6:] not in stored
        assert second[6:] not in stored

    def test_a_key_that_is_lost_pauses_it(self, people, settings, answers):
        webhook, _secret = make_webhook(people("founder"))
        send_test(webhook, actor=people("founder"))
        settings.SECRET_KEY = "another-key" * 6
        work()
        webhook.refresh_from_db()
        assert (webhook.state, answers["sent"]) == ("paused", [])
        assert webhook.events.get().status == "failed"


class TestTold:
    def test_a_real_program_gets_what_the_inbox_gets_and_can_check_it(self, people):
        founder = people("founder")
        with receiving() as receiver:
            _webhook, secret = make_webhook(founder, url=receiver.url)
            message = publish(founder)
            assert work() == 1
            path, headers, body = receiver.got[0]
        notice = Delivery.objects.get(message=message, recipient=founder, channel="inbox")
        event = WebhookEvent.objects.get()
        assert path == "/park?from=portal"
        assert headers["Content-Type"] == "application/json; charset=utf-8"
        assert headers["webhook-id"] == event.header_id
        assert verify(secret, headers, body)
        assert not verify(secret, headers, body + b" ")
        told = json.loads(body)
        assert told == {
            "type": "call.cancelled",
            "timestamp": told["timestamp"],
            "data": {
                "id": str(notice.public_id),
                "subject": notice.subject,
                "text": notice.body,
                "link": outbox.absolute("/calls/"),
            },
        }
        attempt = WebhookAttempt.objects.get()
        assert (event.status, attempt.status, attempt.answer, attempt.error) == ("sent", 200, "thanks", "")
        assert due() == []

    def test_only_the_readers_hooks_that_want_it_and_are_in_use(self, people, answers):
        founder, stranger = people("founder"), people("stranger")
        wanted, _secret = make_webhook(founder)
        make_webhook(founder, kinds=["account.security"])
        paused, _secret = make_webhook(founder)
        pause_webhook(paused, actor=founder)
        make_webhook(stranger)
        publish(founder)
        assert list(WebhookEvent.objects.values_list("webhook", flat=True)) == [wanted.pk]

    def test_the_parks_is_told_of_everybodys_without_a_name(self, people, answers):
        webhook, _secret = make_webhook(people("lead"), of_park=True)
        publish(people("founder"), people("stranger"))
        work()
        (_url, body, _headers), told = answers["sent"][0], json.loads(answers["sent"][0][1])
        assert len(answers["sent"]) == 1
        assert told["data"]["id"] is None
        assert people("founder").name not in body.decode()
        assert webhook.name in told["data"]["text"]["en"]

    def test_who_is_disabled_is_told_nothing(self, people, answers):
        founder = people("founder")
        make_webhook(founder)
        publish(founder)
        founder.is_active = False
        founder.save(update_fields=["is_active"])
        work()
        assert (answers["sent"], WebhookEvent.objects.get().status) == ([], "failed")

    def test_a_notice_that_is_handled_again_tells_nothing_twice(self, people, answers):
        founder = people("founder")
        make_webhook(founder)
        message = publish(founder)
        assert outbox.handle_message(message.pk) is False
        with pytest.raises(IntegrityError), transaction.atomic():
            WebhookEvent.objects.create(
                webhook=Webhook.objects.get(), message=message, kind="call.cancelled", body="{}"
            )
        assert WebhookEvent.objects.count() == 1


class TestTries:
    def test_again_and_again_over_hours_under_the_same_id_then_given_up(self, people, answers):
        founder = people("founder")
        make_webhook(founder)
        answers["list"] = [REFUSED]
        now = timezone.now()
        with time_machine.travel(now, tick=False) as clock:
            publish(founder)
            waited = timedelta()
            for number in range(1, ATTEMPTS + 1):
                assert work() == 1
                assert due() == []
                event = WebhookEvent.objects.get()
                assert event.made == number
                if number < ATTEMPTS:
                    wait = event.next_at - timezone.now()
                    assert WAITS[number - 1] <= wait <= WAITS[number - 1] * 1.1
                    waited += wait
                    clock.move_to(event.next_at)
        assert (event.status, event.next_at, event.left) == ("failed", None, 0)
        assert timedelta(hours=20) < waited < timedelta(hours=24)
        assert {headers["webhook-id"] for _url, _body, headers in answers["sent"]} == {event.header_id}
        assert len({body for _url, body, _headers in answers["sent"]}) == 1
        stamps = [int(headers["webhook-timestamp"]) for _url, _body, headers in answers["sent"]]
        assert stamps == sorted(set(stamps))
        assert not Message.objects.filter(topic=services.TOPIC, status="waiting").exists()

    def test_what_is_accepted_at_last_is_done_and_clears_the_count(self, people, answers):
        founder = people("founder")
        webhook, _secret = make_webhook(founder)
        answers["list"] = [REFUSED, Answer(milliseconds=1, status=204)]
        publish(founder)
        work()
        webhook.refresh_from_db()
        assert (webhook.failures, webhook.failing_since is None) == (1, False)
        with time_machine.travel(timezone.now() + timedelta(seconds=12)):
            work()
        webhook.refresh_from_db()
        assert (webhook.failures, webhook.failing_since) == (0, None)
        assert WebhookEvent.objects.get().status == "sent"
        assert list(WebhookAttempt.objects.values_list("number", "status")) == [(1, 503), (2, 204)]

    def test_an_attempt_is_made_once_however_often_it_is_asked_for(self, people, answers):
        founder = people("founder")
        make_webhook(founder)
        answers["list"] = [REFUSED]
        publish(founder)
        work()
        event = WebhookEvent.objects.get()
        with transaction.atomic():
            assert call_webhook(event.pk, 1) is None
            assert call_webhook(event.pk, 3) is None
        assert len(answers["sent"]) == 1

    def test_a_crash_before_the_commit_sends_the_same_again(self, people, monkeypatch):
        founder = people("founder")
        with receiving() as receiver:
            make_webhook(founder, url=receiver.url)
            publish(founder)
            settle = services._settle
            monkeypatch.setattr(services, "_settle", lambda *_args: 1 / 0)
            (message,) = due()
            assert outbox.handle_message(message.pk) is False
            assert WebhookAttempt.objects.count() == 0
            monkeypatch.setattr(services, "_settle", settle)
            with time_machine.travel(timezone.now() + timedelta(seconds=5)):
                work()
            assert len(receiver.ids) == 2
            assert len(set(receiver.ids)) == 1
        assert WebhookEvent.objects.get().status == "sent"

    def test_hours_of_refusals_pause_it_and_the_owner_is_told(self, people, answers):
        founder = people("founder")
        webhook, _secret = make_webhook(founder)
        answers["list"] = [REFUSED]
        now = timezone.now()
        with time_machine.travel(now, tick=False) as clock:
            for number in range(9):
                publish(founder, key=f"n{number}")
            assert work() == 9
            webhook.refresh_from_db()
            assert (webhook.state, webhook.failures) == ("active", 9)
            clock.shift(timedelta(hours=3, minutes=1))
            work()
            webhook.refresh_from_db()
        assert (webhook.state, webhook.failures) == ("paused", 10)
        assert len(answers["sent"]) == 10
        assert not WebhookEvent.objects.filter(status="sent").exists()
        told = Message.objects.get(payload__kind="webhook.paused")
        assert told.payload["recipients"] == [founder.pk]
        assert told.payload["link"] == f"/account/webhooks/{webhook.pk}/"
        entry = Entry.objects.get(action="webhook.pause")
        assert (entry.actor_id, entry.facts["reason"]) == (
            None,
            "It has accepted nothing for hours, 10 requests in a row.",
        )
        resume_webhook(webhook, actor=founder)
        webhook.refresh_from_db()
        assert (webhook.state, webhook.failures, webhook.failing_since) == ("active", 0, None)

    def test_gone_is_believed_at_once_and_the_leads_hear_of_the_parks(self, people, answers):
        lead = people("lead")
        webhook, _secret = make_webhook(lead, of_park=True)
        answers["list"] = [Answer(milliseconds=1, status=410)]
        publish(people("founder"))
        work()
        webhook.refresh_from_db()
        assert (webhook.state, WebhookEvent.objects.get().status) == ("paused", "failed")
        assert Message.objects.get(payload__kind="webhook.paused").payload["recipients"] == [lead.pk]

    def test_what_was_said_is_forgotten_after_a_month(self, people, answers):
        founder = people("founder")
        webhook, _secret = make_webhook(founder)
        send_test(webhook, actor=founder)
        work()
        assert forget_events() == 0
        with time_machine.travel(timezone.now() + KEPT + timedelta(minutes=1)):
            assert forget_events() == 1
        assert WebhookAttempt.objects.count() == 0


class TestByHand:
    def test_a_test_is_sent_once_and_counts_nothing(self, people, answers):
        founder = people("founder")
        webhook, _secret = make_webhook(founder)
        answers["list"] = [REFUSED]
        send_test(webhook, actor=founder)
        work()
        assert json.loads(answers["sent"][0][1])["type"] == "webhook.test"
        webhook.refresh_from_db()
        assert (webhook.failures, WebhookEvent.objects.get().status, due()) == (0, "failed", [])

    def test_sent_again_unchanged_under_its_own_id_once_a_click(self, people, answers):
        founder = people("founder")
        make_webhook(founder)
        publish(founder)
        work()
        event = WebhookEvent.objects.get()
        send_again(event, actor=founder)
        with pytest.raises(DomainError) as refused:
            send_again(event, actor=founder)
        assert refused.value.code == "waiting"
        work()
        assert [headers["webhook-id"] for _url, _body, headers in answers["sent"]] == [event.header_id] * 2
        event.refresh_from_db()
        assert (event.status, event.made) == ("sent", 2)

    def test_not_as_a_hammer(self, people, answers):
        founder = people("founder")
        webhook, _secret = make_webhook(founder)
        for _number in range(BY_HAND):
            send_test(webhook, actor=founder)
        with pytest.raises(DomainError) as refused:
            send_test(webhook, actor=founder)
        assert refused.value.code == "too_often"
        with time_machine.travel(timezone.now() + timedelta(seconds=61)):
            send_test(webhook, actor=founder)

    def test_not_while_it_is_paused(self, people, answers):
        founder = people("founder")
        webhook, _secret = make_webhook(founder)
        pause_webhook(webhook, actor=founder)
        with pytest.raises(DomainError) as refused:
            send_test(webhook, actor=founder)
        assert refused.value.code == "paused"


class TestWho:
    @pytest.mark.parametrize("other", ["stranger", "administrator", "lead", "superuser"])
    def test_nobody_else_does_anything_with_it(self, people, other):
        webhook, _secret = make_webhook(people("founder"))
        actor = people(other)
        for act in (
            lambda: update_webhook(webhook, actor=actor, name="Mine"),
            lambda: renew_secret(webhook, actor=actor),
            lambda: pause_webhook(webhook, actor=actor),
            lambda: send_test(webhook, actor=actor),
            lambda: remove_webhook(webhook, actor=actor),
        ):
            if other != "superuser":
                with pytest.raises(Forbidden):
                    act()
        assert list(Webhook.objects.visible_to(actor)) == []

    @pytest.mark.parametrize("other", ["founder", "officer", "finance", "auditor", "administrator"])
    def test_the_parks_is_made_and_changed_by_leads_alone(self, people, other):
        with pytest.raises(Forbidden):
            make_webhook(people(other), of_park=True)
        webhook, _secret = make_webhook(people("lead"), of_park=True)
        with pytest.raises(Forbidden):
            renew_secret(webhook, actor=people(other))
        assert list(Webhook.objects.visible_to(people(other))) == []
        assert list(Webhook.objects.visible_to(people("lead"))) == [webhook]

    def test_the_parks_hears_nothing_of_anyones_account(self, people):
        with pytest.raises(DomainError) as refused:
            make_webhook(people("lead"), of_park=True, kinds=["account.security"])
        assert refused.value.code == "kinds"

    @pytest.mark.parametrize("kinds", [[], ["nothing"], ["call.cancelled", "webhook.paused"]])
    def test_kinds_that_are_not_offered(self, people, kinds):
        with pytest.raises(DomainError) as refused:
            make_webhook(people("founder"), kinds=kinds)
        assert (refused.value.code, Webhook.objects.count()) == ("kinds", 0)

    def test_so_many_at_most(self, people):
        founder = people("founder")
        for _number in range(MOST_WEBHOOKS):
            webhook, _secret = make_webhook(founder)
        with pytest.raises(DomainError) as refused:
            make_webhook(founder)
        assert refused.value.code == "too_many"
        remove_webhook(webhook, actor=founder)
        make_webhook(founder)

    def test_every_write_is_in_the_audit_trail_once(self, people):
        founder = people("founder")
        webhook, _secret = create_webhook(
            actor=founder, name="Books", url="https://hooks.example/", kinds=["call.cancelled"]
        )
        update_webhook(webhook, actor=founder, name="Lab")
        update_webhook(webhook, actor=founder, name="Lab")
        pause_webhook(webhook, actor=founder)
        resume_webhook(webhook, actor=founder)
        renew_secret(webhook, actor=founder)
        remove_webhook(webhook, actor=founder)
        remove_webhook(webhook, actor=founder)
        found = Entry.objects.filter(action__startswith="webhook.", actor_id=founder.pk).order_by("pk")
        assert [entry.action for entry in found] == [
            *("webhook.create", "webhook.update", "webhook.pause"),
            *("webhook.resume", "webhook.renew_secret", "webhook.remove"),
        ]
        assert (found[1].before, found[1].after) == ({"name": "Books"}, {"name": "Lab"})


@pytest.mark.django_db(transaction=True)
def test_slow_ones_are_called_side_by_side_by_one_relay(people, monkeypatch):
    """In threads of their own, as the relay does it: eight receivers that wait for one another are all served."""
    together = threading.Barrier(3, timeout=20)

    def post(url, body, headers):
        together.wait()
        return Answer(milliseconds=1, status=200)

    monkeypatch.setattr(services, "post", post)
    founder = people("founder")
    for number in range(3):
        webhook, _secret = make_webhook(founder, name=f"Hook {number}")
        send_test(webhook, actor=founder)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [outbox._SLOW_LOCK])
        held = []
        other = threading.Thread(target=lambda: held.append(_relay_slow()))
        other.start()
        other.join()
        assert held == [0]
        cursor.execute("SELECT pg_advisory_unlock(%s)", [outbox._SLOW_LOCK])
    assert outbox.relay_slow_messages() == 3
    assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"sent"}


def _relay_slow() -> int:
    try:
        return outbox.relay_slow_messages()
    finally:
        connection.close()
