"""The inbox and the choices of what one gets by e-mail."""

import re
import uuid

import pytest

from park_portal.core.outbox.models import Delivery, Message, Preference
from park_portal.core.outbox.states import Channel
from tests.factories.reviews import make_expert

pytestmark = pytest.mark.django_db


@pytest.fixture
def notice(people):
    """Put a notice into somebody's inbox."""

    def put(who: str, subject: str = "News", link: str = "/about/") -> Delivery:
        message = Message.objects.create(topic="notify", key=str(uuid.uuid4()))
        return Delivery.objects.create(
            message=message,
            recipient=people(who),
            channel=Channel.INBOX,
            kind="job.finished",
            subject={"zh-hans": f"{subject} 中", "en": f"{subject} en"},
            body={"zh-hans": "正文", "en": "Text"},
            link=link,
        )

    return put


def unread_badge(response) -> str | None:
    found = re.search(r'class="count">([^<]+)<', response.content.decode())
    return found[1] if found else None


def test_inbox_shows_own_notices_only_newest_first(client_of, notice):
    notice("founder", "First")
    notice("founder", "Second")
    notice("stranger", "Foreign")
    response = client_of("founder").get("/inbox/")
    page = response.content.decode()
    assert page.index("Second 中") < page.index("First 中")
    assert "Foreign" not in page
    assert unread_badge(response) == "2"


def test_inbox_opening_a_notice_marks_it_read(client_of, notice):
    item = notice("founder")
    notice("founder", "Other")
    client = client_of("founder")
    response = client.get(f"/inbox/{item.public_id}/")
    assert 'href="/about/"' in response.content.decode()
    item.refresh_from_db()
    assert item.read_at is not None
    listed = client.get("/inbox/?unread=1")
    assert "News" not in listed.content.decode()
    assert unread_badge(listed) == "1"


def test_inbox_foreign_notice_does_not_exist(client_of, notice):
    item = notice("founder")
    stranger = client_of("stranger")
    assert stranger.get(f"/inbox/{item.public_id}/").status_code == 404
    stranger.post("/inbox/", {"item": [str(item.public_id), "rubbish", "\x00"]})
    item.refresh_from_db()
    assert item.read_at is None


def test_inbox_marks_all_read(client_of, notice):
    mine, foreign = [notice("founder"), notice("founder")], notice("stranger")
    client_of("founder").post("/inbox/", {"all": "1"})
    assert Delivery.objects.filter(pk__in=[one.pk for one in mine], read_at__isnull=True).count() == 0
    foreign.refresh_from_db()
    assert foreign.read_at is None


def test_inbox_link_to_another_site_is_not_offered(client_of, notice):
    item = notice("founder", link="https://elsewhere.example/")
    assert "elsewhere.example" not in client_of("founder").get(f"/inbox/{item.public_id}/").content.decode()


def test_inbox_costs_the_same_for_one_and_thirty_notices(client_of, notice, django_assert_num_queries):
    client = client_of("founder")
    notice("founder")
    client.get("/inbox/")
    with django_assert_num_queries(4):
        client.get("/inbox/")
    for _ in range(29):
        notice("founder")
    with django_assert_num_queries(4):
        client.get("/inbox/")


def test_preferences_offer_each_kind_to_its_role_and_to_who_has_had_it(client_of, people):
    def offered(who):
        page = client_of(who).get("/account/notifications/").content.decode()
        kinds = (
            "review.overdue",
            "review.invited",
            "review.task_liaison",
            "call.opened",
            "call.closing_soon",
        )
        return {kind for kind in kinds if f'name="{kind}"' in page}

    assert offered("stranger") == {"call.closing_soon"}
    assert offered("officer") == {"review.overdue", "call.opened", "call.closing_soon"}
    assert offered("liaison") == {"review.task_liaison", "call.closing_soon"}
    assert offered(make_expert()) == {"review.invited", "call.closing_soon"}
    Preference.objects.create(user=people("stranger"), kind="review.overdue", mode="off")
    assert offered("stranger") == {"review.overdue", "call.closing_soon"}


def test_preferences_are_stored_and_required_kinds_cannot_be_switched_off(client_of, people):
    client = client_of("founder")
    response = client.post(
        "/account/notifications/", {"job.finished": "off", "account.invitation": "off"}, follow=True
    )
    assert response.status_code == 200
    held = dict(Preference.objects.filter(user=people("founder")).values_list("kind", "mode"))
    assert held == {"job.finished": "off"}


def test_preferences_refuse_what_is_no_choice_and_keep_the_rest(client_of, people):
    response = client_of("founder").post(
        "/account/notifications/", {"job.failed": "off", "job.finished": "\x00"}
    )
    assert response.status_code == 400
    assert Preference.objects.filter(user=people("founder")).count() == 0
