"""One's webhooks by page and by program: the secret shown once, the log, who finds what there."""

import re

import pytest
from django.test import Client

from park_portal.core.outbox import services as outbox
from park_portal.core.webhooks import services
from park_portal.core.webhooks.models import Webhook, WebhookEvent
from park_portal.core.webhooks.services import pause_webhook, send_test
from park_portal.core.webhooks.transport import Answer
from tests.callers import Caller
from tests.factories.webhooks import make_webhook

pytestmark = pytest.mark.django_db

FORM = {
    "name": "Lab books",
    "url": "https://hooks.example/park",
    "kinds": ["call.cancelled", "organisation.member_joined"],
}
PAGES = ("", "change/", "pause/", "resume/", "secret/", "remove/")


@pytest.fixture
def other_side(monkeypatch):
    monkeypatch.setattr(
        services, "post", lambda *_args: Answer(milliseconds=42, status=500, text="<script>alert(1)</script>")
    )


def work():
    for message in outbox.due_messages().filter(topic=services.TOPIC):
        outbox.handle_message(message.pk)


class TestPages:
    def test_the_secret_is_on_the_answer_and_never_again(self, client_of):
        founder = client_of("founder")
        made = founder.post("/account/webhooks/", FORM)
        (secret,) = re.findall(r">(whsec_[\w+/=]+)</code>", made.content.decode())
        assert made.headers["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
        webhook = Webhook.objects.get()
        assert (webhook.name, webhook.url, webhook.of_park) == ("Lab books", FORM["url"], False)
        assert webhook.kinds == FORM["kinds"]
        for address in ("/account/webhooks/", webhook.get_absolute_url()):
            assert secret not in founder.get(address).content.decode()
        again = founder.post(f"{webhook.get_absolute_url()}secret/")
        (second,) = re.findall(r">(whsec_[\w+/=]+)</code>", again.content.decode())
        assert second != secret
        assert "no-store" in again.headers["Cache-Control"]

    @pytest.mark.parametrize(
        "wrong", [{"name": ""}, {"url": "http://10.0.0.1/\n"}, {"url": "ftp://x.example/"}, {"kinds": []}, {"kinds": ["all"]}]
    )  # fmt: skip
    def test_what_makes_no_sense_is_said_and_kept(self, client_of, settings, wrong):
        settings.WEBHOOK_LOOPBACK = False
        answer = client_of("founder").post("/account/webhooks/", {**FORM, **wrong})
        assert answer.status_code == 422
        assert "invalid-feedback" in answer.content.decode()
        assert Webhook.objects.count() == 0

    def test_a_park_webhook_is_offered_to_leads_alone(self, client_of):
        assert 'name="of_park"' not in client_of("officer").get("/account/webhooks/").content.decode()
        client_of("officer").post("/account/webhooks/", {**FORM, "of_park": "on"})
        assert Webhook.objects.get().of_park is False
        lead = client_of("lead")
        assert 'name="of_park"' in lead.get("/account/webhooks/").content.decode()
        lead.post("/account/webhooks/", {**FORM, "of_park": "on"})
        assert Webhook.objects.first().of_park is True

    def test_the_log_shows_what_was_answered_as_text(self, people, client_of, other_side):
        webhook, _secret = make_webhook(people("founder"))
        founder, address = client_of("founder"), webhook.get_absolute_url()
        assert founder.post(address, {"test": "1"}).headers["Location"] == address
        work()
        page = founder.get(address).content.decode()
        event = WebhookEvent.objects.get()
        for text in ("HTTP 500", "42 毫秒", event.header_id, "&lt;script&gt;alert(1)&lt;/script&gt;"):
            assert text in page
        assert founder.post(address, {"again": event.pk}).status_code == 302
        assert (
            founder.post(address, {"again": event.pk}).status_code == 400
        )  # a second click: it waits already
        assert founder.post(address, {"again": "x"}).status_code == 404
        work()
        event.refresh_from_db()
        assert event.made == 2

    def test_changing_pausing_resuming_removing(self, people, client_of):
        webhook, _secret = make_webhook(people("founder"))
        founder, address = client_of("founder"), webhook.get_absolute_url()
        assert "https://hooks.example/park" in founder.get(f"{address}change/").content.decode()
        founder.post(f"{address}change/", {**FORM, "url": "https://new.example/", "of_park": "on"})
        webhook.refresh_from_db()
        assert (webhook.url, webhook.of_park, webhook.kinds) == ("https://new.example/", False, FORM["kinds"])
        for act, state in (("pause", "paused"), ("resume", "active")):
            assert founder.get(f"{address}{act}/").status_code == 200
            assert founder.post(f"{address}{act}/").headers["Location"] == address
            assert founder.post(f"{address}{act}/").status_code == 409
            webhook.refresh_from_db()
            assert webhook.state == state
        assert founder.post(f"{address}remove/").headers["Location"] == "/account/webhooks/"
        assert founder.post(f"{address}remove/").status_code == 404

    @pytest.mark.parametrize("other", ["stranger", "administrator", "lead", "superuser"])
    def test_anothers_is_not_there(self, people, client_of, other, other_side):
        webhook, _secret = make_webhook(people("founder"))
        event = send_test(webhook, actor=people("founder"))
        before = Webhook.objects.values().get()
        client = client_of(other)
        for page in PAGES:
            assert client.get(f"{webhook.get_absolute_url()}{page}").status_code == 404
            assert client.post(f"{webhook.get_absolute_url()}{page}", {"again": event.pk}).status_code == 404
        caller = Caller(people(other))
        for method, path in (
            ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "secret/"), ("POST", "pause/"), ("POST", "test/")
        ):  # fmt: skip
            assert caller.send(method, f"/webhooks/{webhook.pk}/{path}", {}, If_Match="*").status_code == 404
        for path in (f"/webhook-requests/{event.header_id}/", f"/webhook-requests/{event.header_id}/again/"):
            assert caller.send("POST" if "again" in path else "GET", path).status_code == 404
        assert caller.get("/webhooks/").json()["results"] == []
        assert caller.get(f"/webhook-requests/?webhook={webhook.pk}").json()["results"] == []
        assert Webhook.objects.values().get() == before

    def test_nobody_comes_in_without_signing_in(self, people):
        webhook, _secret = make_webhook(people("founder"))
        for address in ("/account/webhooks/", webhook.get_absolute_url()):
            assert Client().get(address).status_code == 302
            assert Client().post(address, {"test": "1"}).status_code == 302
        assert Client().get("/api/v1/webhooks/").status_code == 401


class TestProgram:
    def test_made_once_and_its_secret_told_once(self, people):
        caller = Caller(people("founder"))
        made = caller.post("/webhooks/", FORM, Idempotency_Key="k1")
        assert made.status_code == 201
        secret = made.json()["secret"]
        again = caller.post("/webhooks/", FORM, Idempotency_Key="k1")
        assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
        assert again.json() == {name: value for name, value in made.json().items() if name != "secret"}
        assert Webhook.objects.count() == 1
        pk = made.json()["id"]
        assert secret not in caller.get(f"/webhooks/{pk}/").content.decode()
        renewed = caller.post(f"/webhooks/{pk}/secret/")
        assert renewed.json()["secret"] not in ("", secret)

    def test_read_changed_and_removed_by_version(self, people):
        webhook, _secret = make_webhook(people("founder"))
        caller, address = Caller(people("founder")), f"/webhooks/{webhook.pk}/"
        tag = caller.get(address).headers["ETag"]
        assert caller.patch(address, {"name": "x"}).status_code == 428
        for column in ("state", "of_park", "secret", "user", "id", "failures"):
            answer = caller.patch(address, {column: True, "name": "x"}, If_Match=tag)
            assert [one["field"] for one in answer.json()["errors"]] == [column]
        changed = caller.patch(
            address, {"name": "Lab", "kinds": ["organisation.member_joined"]}, If_Match=tag
        )
        assert (changed.json()["name"], changed.json()["kinds"]) == ("Lab", ["organisation.member_joined"])
        assert caller.send("DELETE", address).status_code == 428
        assert caller.send("DELETE", address, If_Match=tag).status_code == 412
        assert Webhook.objects.count() == 1
        gone = caller.send("DELETE", address, If_Match=changed.headers["ETag"])
        assert (gone.status_code, gone.content) == (204, b"")
        assert Webhook.objects.count() == 0

    def test_tried_seen_sent_again(self, people, other_side):
        webhook, _secret = make_webhook(people("founder"))
        caller = Caller(people("founder"))
        sent = caller.post(f"/webhooks/{webhook.pk}/test/")
        assert (sent.status_code, sent.json()["status"]) == (202, "waiting")
        assert caller.post(f"/webhook-requests/{sent.json()['id']}/again/").json()["code"] == "waiting"
        work()
        (row,) = caller.get(f"/webhook-requests/?webhook={webhook.pk}&status=failed").json()["results"]
        assert row["id"] == sent.json()["id"]
        (attempt,) = row["attempts"]
        assert (attempt["number"], attempt["status"], attempt["milliseconds"]) == (1, 500, 42)
        again = caller.post(f"/webhook-requests/{row['id']}/again/")
        assert (again.status_code, again.json()["status"]) == (200, "waiting")
        assert caller.post(f"/webhooks/{webhook.pk}/pause/").json()["state"] == "paused"
        assert caller.post(f"/webhooks/{webhook.pk}/pause/").status_code == 409
        assert caller.post(f"/webhooks/{webhook.pk}/test/").json()["code"] == "paused"
        assert caller.post(f"/webhooks/{webhook.pk}/resume/").json()["state"] == "active"

    def test_a_token_needs_the_scope(self, people):
        webhook, _secret = make_webhook(people("founder"))
        caller = Caller(people("founder"), scopes=["webhooks:read"])
        assert caller.get("/webhooks/").status_code == 200
        assert caller.post(f"/webhooks/{webhook.pk}/pause/").json()["code"] == "scope"
        assert Caller(people("founder"), scopes=["inbox:read"]).get("/webhooks/").json()["code"] == "scope"


def test_a_paused_ones_log_stays_readable(people, client_of):
    webhook, _secret = make_webhook(people("founder"))
    event = send_test(webhook, actor=people("founder"))
    pause_webhook(webhook, actor=people("founder"))
    page = client_of("founder").get(webhook.get_absolute_url()).content.decode()
    assert event.header_id in page
    assert 'name="test"' not in page
