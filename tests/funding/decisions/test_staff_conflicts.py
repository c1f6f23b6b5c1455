"""Staff with a standing conflict of interest: what of a ranking they see, and what others have to do."""

from __future__ import annotations

import pytest
from django.urls import reverse

from funding.decisions import services
from funding.decisions.models import Decision, Letter
from funding.models import Calculation
from funding.reviews import services as reviews
from park_portal.core.errors import Forbidden
from park_portal.core.workflow import SYSTEM
from tests.callers import Caller
from tests.factories.core import make_staff
from tests.factories.decisions import TEN_THOUSAND as WAN
from tests.factories.decisions import decidable
from tests.factories.reviews import make_application, make_review_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead():
    return make_staff("lead")


@pytest.fixture
def other():
    return make_staff("lead")


@pytest.fixture
def call():
    return make_review_call("expert", "decision", budget_fen=100 * WAN)


@pytest.fixture
def theirs(call, lead):
    """The application that the lead has a conflict of interest in; it is the better one."""
    found = decidable(call, marks=(9, 9), title="亲属的项目", amount=100 * WAN)
    reviews.record_conflict(found, lead, actor=SYSTEM, kind="family")
    return found


@pytest.fixture
def free(call):
    return decidable(call, marks=(6, 7), title="别人的项目", amount=80 * WAN)


def page_of(name, *args):
    return reverse(f"admin:funding_decision_{name}", args=args)


def keep(application, actor, verdict="approve", **values):
    proposal = services.Proposal(application, verdict, amount_fen=application.amount_fen, **values)
    (decision,) = services.propose_decisions([proposal], actor=actor)
    return decision


def refused(act):
    with pytest.raises(Forbidden) as found:
        act()
    assert found.value.code == "conflict_of_interest"
    return [problem.anchor for problem in found.value.problems]


def test_the_table_hides_scores_reviews_and_the_pending_verdict(call, theirs, free, lead, other, client_of):
    keep(theirs, other, note="内部意见")
    names = [review.reviewer.name for review in theirs.reviews.all()]
    client = client_of(lead)
    client.cookies["django_language"] = "en"
    page = client.get(page_of("ranking", call.pk))
    text = page.content.decode()
    assert not any(name in text for name in names)
    assert "内部意见" not in text
    assert "You have a conflict of interest in these applications" in text
    first, second = (row["rank"] for row in page.context["rows"])
    assert (first.application, first.rating, first.reviews, first.chance) == (theirs, None, [], None)
    assert (first.pending, first.is_tied) == (None, False)
    assert (second.application, second.rating.value) == (free, pytest.approx(65))
    assert page.context["rows"][0]["form"] is None
    assert f'id="place{free.pk}"' not in text  # the order is for somebody else
    rows = Caller(lead).get(f"/rankings/{call.code}/").json()
    assert [(row["closed"], row["value"], row["mean"], row["verdict"]) for row in rows["results"]] == [
        (True, None, None, None),
        (False, pytest.approx(65), "65.00", None),
    ]
    assert rows["reviewers"] == []
    whole = Caller(other).get(f"/rankings/{call.code}/").json()
    assert [(row["closed"], row["mean"], row["verdict"]) for row in whole["results"]] == [
        (False, "90.00", "approve"),
        (False, "65.00", None),
    ]


def test_the_others_of_the_call_are_still_decided(call, theirs, free, lead, client_of):
    client = client_of(lead)
    form = {f"row{free.pk}-{name}": "" for name in ("seen", "was", "amount_reason", "reserve_place")}
    form |= {f"row{free.pk}-verdict": "approve", f"row{free.pk}-amount": "800000"}
    seen = services.mark_of(services.ranking(call))
    answer = client.post(page_of("ranking", call.pk), {**form, "order_seen": seen, "keep": "1"})
    assert answer.status_code == 302
    assert Decision.objects.get().application == free


def test_the_verdict_page_is_closed(theirs, lead, other, client_of):
    keep(theirs, other, note="内部意见")
    client = client_of(lead)
    client.cookies["django_language"] = "en"
    text = client.get(page_of("verdict", theirs.pk)).content.decode()
    assert "somebody else of the park decides on it" in text
    assert "内部意见" not in text
    assert 'name="verdict"' not in text
    form = {
        "verdict": "decline",
        "seen": "",
        "amount": "",
        "conditions": "",
        "comment_applicant": "",
        "note": "",
    }
    assert client.post(page_of("verdict", theirs.pk), form).status_code == 422
    assert Decision.objects.get().verdict == "approve"


def test_order_and_lots_are_for_somebody_else(call, theirs, free, lead, other):
    keys = [f"application-{theirs.pk}"]
    wanted = [free.pk, theirs.pk]
    assert refused(lambda: services.place_applications(call, wanted, actor=lead, reason="会议意见")) == keys
    services.place_applications(call, wanted, actor=other, reason="会议意见")
    assert refused(lambda: services.reset_order(call, actor=lead)) == keys
    assert services.reset_order(call, actor=other) == 1
    assert refused(lambda: services.announce_lottery(call, actor=lead, source="上证指数")) == keys
    assert refused(lambda: services.record_ranking(call, actor=lead)) == keys
    mark = services.mark_of(services.ranking(call))
    answer = Caller(lead).post(
        f"/rankings/{call.code}/order/", {"order": wanted, "reason": "会议意见", "mark": mark}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "conflict_of_interest")


def test_what_is_on_record_of_the_call_stays_unread(call, theirs, free, lead, other, client_of):
    rating, *_chances = services.record_ranking(call, actor=other)
    assert list(Calculation.objects.visible_to(lead)) == []
    assert Caller(lead).get(f"/calculations/{rating.pk}/").status_code == 404
    page = client_of(lead).get(page_of("record", call.pk))
    assert list(page.context["kept"]) == []
    assert not page.context["may_record"]
    assert rating in Calculation.objects.visible_to(other)


def test_letters_and_release_wait_for_somebody_else(theirs, free, lead, other, client_of):
    held, own = keep(theirs, other), keep(free, other, verdict="decline")
    call = theirs.call
    client = client_of(lead)
    assert list(Decision.objects.visible_to(lead)) == [own]
    assert client.post(page_of("ranking", call.pk), {"letters": "1"}).status_code == 302
    assert [letter.decision for letter in Letter.objects.all()] == [own]
    (letter,) = services.write_letters([held], actor=other)
    assert letter not in Letter.objects.visible_to(lead)
    keys = [f"application-{theirs.pk}"]
    both = dict.fromkeys(("zh-hans", "en"), "文字")
    assert refused(lambda: services.edit_letter(letter, actor=lead, subject=both, body=both)) == keys
    assert refused(lambda: services.check_letter(letter, actor=lead)) == keys
    for one in Letter.objects.all():
        services.check_letter(one, actor=other)
    letter.refresh_from_db()
    assert refused(lambda: services.reopen_letter(letter, actor=lead)) == keys
    client.cookies["django_language"] = "en"
    text = client.get(page_of("release", call.pk)).content.decode()
    assert "somebody else of the park releases the decisions" in text
    assert "2 decisions" not in text
    assert client.post(page_of("release", call.pk), {"seen": []}).status_code == 200
    assert refused(lambda: services.release_decisions([held, own], actor=lead)) == keys
    assert len(services.release_decisions([held, own], actor=other)) == 2
    assert held in Decision.objects.visible_to(lead)  # told to the applicant by now


def test_the_notice_is_published_by_somebody_else(lead, other, client_of):
    call = make_review_call("notice", "decision")
    application = make_application(call)
    services.propose_decisions([services.Proposal(application, "approve", amount_fen=WAN)], actor=other)
    reviews.record_conflict(application, lead, actor=SYSTEM, kind="family")
    assert refused(lambda: services.publish_notice(call, actor=lead)) == [f"application-{application.pk}"]
    client = client_of(lead)
    client.cookies["django_language"] = "en"
    assert "somebody else of the park publishes" in client.get(page_of("publish", call.pk)).content.decode()
    assert services.publish_notice(call, actor=other).lines.count() == 1


def test_the_reserve_list_is_promoted_from_by_somebody_else(theirs, free, lead, other, client_of):
    decisions = [keep(free, other, verdict="reserve"), keep(theirs, other, verdict="reserve")]
    call = theirs.call
    for letter in services.write_letters(decisions, actor=other):
        services.check_letter(letter, actor=other)
    services.release_decisions(decisions, actor=other)
    assert refused(lambda: services.promote_reserve(call, actor=lead)) == [f"application-{theirs.pk}"]
    page = client_of(lead).get(page_of("promote", call.pk))
    assert page.context["form"] is None
    assert page.context["closed"]
    assert services.promote_reserve(call, actor=other).application == free
