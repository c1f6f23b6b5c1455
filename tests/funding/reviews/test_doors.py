"""Blindness by every door at once: all pages that one finds by following links, all lists of the API, all messages."""

from __future__ import annotations

import re
from html import unescape

import pytest

from funding.calls.states import Blindness
from funding.reviews import services
from park_portal.api import router
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.services import handle_message
from park_portal.core.workflow import SYSTEM
from tests.callers import Caller
from tests.core.documents import authored
from tests.factories.reviews import accept, fill_review, make_expert, run_of
from tests.funding.reviews.test_blindness import blind_call, submitted

pytestmark = pytest.mark.django_db

WHO = ("青芯", "Qingxin", "赵若溪", "59200001")
LEAVES = re.compile(r"logout|/static/|/media/|/set-language|\.ics$")


def pages_of(client, *begin):
    """Yield (address, text) of every page that is reached by links from the first ones, each once."""
    waiting, seen = [*begin], set()
    while waiting:
        address = waiting.pop(0)
        if address in seen:
            continue
        seen.add(address)
        assert len(seen) < 400, "the crawl does not end"
        page = client.get(address)
        if page.status_code in (301, 302):
            waiting.append(page.url)
            continue
        if not page["Content-Type"].startswith(("text/", "application/json")):
            continue
        text = page.content.decode()
        yield address, unescape(text)
        if page["Content-Type"].startswith("text/html"):
            links = (unescape(one) for one in re.findall(r'href="(/[^"#]*)', text))
            waiting += [one for one in links if not LEAVES.search(one)]


def lists_of(person):
    """Yield (address, text) of every list of the API and of every row in it."""
    caller = Caller(person)
    for prefix, *_rest in router.registry:
        answer = caller.get(f"/{prefix}/")
        if answer.status_code != 200:
            continue
        yield prefix, answer.content.decode("unicode_escape", "replace") + str(answer.json())
        for row in answer.json().get("results", [])[:10]:
            if "id" in row:
                one = caller.get(f"/{prefix}/{row['id']}/")
                yield f"{prefix}/{row['id']}", str(one.json())


def messages_of(person):
    for message in Message.objects.filter(status="waiting").order_by("pk"):
        handle_message(message.pk)
    for one in Delivery.objects.filter(recipient=person):
        yield f"message {one.pk}", f"{one.subject} {one.body}"


def leaks(found, secrets):
    return [(address, secret) for address, text in found for secret in secrets if secret in text]


@pytest.fixture
def applied():
    """An application with a file that names its author, in a double-blind stage."""
    return submitted(blind_call(Blindness.DOUBLE), ("青芯-赵若溪-计划.pdf", authored.pdf()))


def test_a_reviewer_learns_nowhere_who_applies(applied, client_of):
    person = make_expert("评审人甲")
    review = services.assign_reviewer(run_of(applied), person, actor=SYSTEM)
    client = client_of(person)
    invited = list(pages_of(client, "/", "/reviews/", review.get_absolute_url()))
    assert applied.number not in client.get("/search/?q=青芯").content.decode()
    assert len(invited) > 10
    accept(review)
    fill_review(review, 7)
    reading = list(pages_of(client, review.get_absolute_url(), f"/search/?q={applied.number}"))
    assert any("青" in text and applied.title in text for _address, text in reading)
    found = [*invited, *reading, *lists_of(person), *messages_of(person)]
    # The open directory of the park lists its companies to everyone; that they applied it does not say.
    found = [(address, text) for address, text in found if not address.startswith("/organisations/")]
    assert leaks(found, WHO) == []


def test_an_applicant_learns_nowhere_who_reviews(applied, client_of):
    person, other = make_expert("评审人甲"), make_expert("评审人乙")
    run = run_of(applied)
    review = accept(services.assign_reviewer(run, person, actor=SYSTEM))
    fill_review(review, 7, comment_applicant="请补充市场证据。")
    services.submit_review(review, actor=person, pledge=True)
    services.decline_review(services.assign_reviewer(run, other, actor=SYSTEM), actor=other, reason="busy")
    services.complete_run(run, actor=SYSTEM, outcome="passed", note="已足够")
    applied.refresh_from_db()
    applicant = applied.created_by
    client = client_of(applicant)
    begin = ("/", applied.get_absolute_url(), "/search/?q=评审人", "/reviews/")
    found = [*pages_of(client, *begin), *lists_of(applicant), *messages_of(applicant)]
    assert len(found) > 20
    assert leaks(found, ("评审人甲", "评审人乙", person.email, other.email)) == []
