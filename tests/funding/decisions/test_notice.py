"""The public notice: published from the board, objected to by anyone, over before anything is released."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from funding.applications.services import withdraw_application
from funding.decisions import services
from funding.decisions.models import Decision
from funding.reviews import services as reviews
from funding.reviews.models import NoticeLine, Objection, PublicNotice
from park_portal.core.calendar.services import deadline
from park_portal.core.errors import Conflict, DeadlinePassed, DomainError, Forbidden
from park_portal.core.outbox.models import Message
from tests.factories.core import make_staff
from tests.factories.decisions import TEN_THOUSAND as WAN
from tests.factories.decisions import notice_over, under_notice
from tests.factories.reviews import make_application, make_review_call

pytestmark = pytest.mark.django_db

WORDS = {"name": "何先生", "email": "he@example.com", "text": "数据有误。"}


@pytest.fixture
def officer():
    return make_staff("officer")


@pytest.fixture
def lead():
    return make_staff("lead")


def stages_of(application):
    return list(application.runs.order_by("entered_at", "pk").values_list("stage__kind", "state"))


def letters(decisions, lead):
    for letter in services.write_letters(decisions, actor=lead):
        services.check_letter(letter, actor=lead)


def test_a_notice_holds_what_is_proposed_for_its_working_days(officer):
    call = make_review_call("notice", "decision", changes={"notice": {"working_days": 7}})
    yes, no = make_application(call, title="好"), make_application(call, title="坏")
    services.propose_decisions(
        [services.Proposal(yes, "approve", amount_fen=50 * WAN), services.Proposal(no, "decline")],
        actor=officer,
    )
    plan = services.plan_of_notice(call)
    assert ([one.application for one in plan.ready], plan.working_days, plan.without_verdict) == ([yes], 7, 0)
    notice = services.publish_notice(call, actor=officer, seen=[services.seen_of(plan.ready[0])])
    assert (notice.working_days, notice.ends_at) == (7, deadline(timezone.localtime(notice.published_at), 7))
    assert [(line.application, line.amount_fen) for line in notice.lines.all()] == [(yes, 50 * WAN)]
    yes.refresh_from_db()
    no.refresh_from_db()
    assert (yes.notice_until, yes.due_at, no.notice_until) == (notice.ends_at, notice.ends_at, None)
    assert notice.document.open().read(5) == b"%PDF-"
    assert Message.objects.filter(key=f"review.under_notice:{notice.pk}:{yes.pk}").count() == 1
    with pytest.raises(DomainError) as refused:  # a second click
        services.publish_notice(call, actor=officer)
    assert refused.value.code == "nothing"
    assert PublicNotice.objects.count() == 1


def test_no_notice_is_shorter_than_the_rule(officer):
    call = make_review_call("notice", "decision", changes={"notice": {"working_days": 2}})
    assert under_notice(call).notice.working_days == 5


def test_nothing_is_published_above_the_budget_or_that_nobody_looked_at(officer):
    call = make_review_call("notice", "decision", budget_fen=60 * WAN)
    one, other = make_application(call), make_application(call)
    approve = [services.Proposal(each, "approve", amount_fen=50 * WAN) for each in (one, other)]
    decisions = services.propose_decisions(approve, actor=officer)
    with pytest.raises(Conflict):
        services.publish_notice(call, actor=officer, seen=[services.seen_of(decisions[0])])
    with pytest.raises(DomainError) as refused:
        services.publish_notice(call, actor=officer)
    assert refused.value.code == "over_budget"
    with pytest.raises(Forbidden):
        services.publish_notice(call, actor=make_staff("finance"))
    with pytest.raises(DomainError) as refused:
        services.publish_notice(make_review_call("decision"), actor=officer)
    assert refused.value.code == "nothing"
    assert not NoticeLine.objects.exists()


def test_an_approval_is_released_only_after_its_notice(lead):
    line = under_notice()
    decision = Decision.objects.get(application=line.application)
    letters([decision], lead)
    with override("en"), pytest.raises(DomainError) as refused:
        services.release_decisions([decision], actor=lead)
    assert "under public notice until" in str(refused.value.problems[0].message)
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.filter(pk=decision.pk).update(state="released", released_at=timezone.now())
    assert stages_of(line.application) == [("notice", "active")]
    assert reviews.end_line(line.pk) is False
    assert notice_over(line).state == "passed"
    assert reviews.end_line(line.pk, now=line.notice.ends_at + timedelta(days=1)) is False
    line.application.refresh_from_db()
    assert line.application.notice_until is None
    assert stages_of(line.application) == [("notice", "passed"), ("decision", "active")]
    services.release_decisions([decision], actor=lead)
    line.application.refresh_from_db()
    assert line.application.state == "approved"
    connection.check_constraints()


def test_a_notice_whose_bell_was_lost_is_swept():
    line = under_notice()
    reviews.send_reminders(line.notice.ends_at + timedelta(hours=9))
    line.refresh_from_db()
    assert line.state == "passed"
    assert stages_of(line.application) == [("notice", "passed"), ("decision", "active")]


def test_an_approval_that_was_never_published_is_not_released(lead, officer):
    call = make_review_call("notice", "decision")
    application = make_application(call)
    decisions = services.propose_decisions(
        [services.Proposal(application, "approve", amount_fen=WAN)], actor=officer
    )
    letters(decisions, lead)
    with pytest.raises(DomainError):
        services.release_decisions(decisions, actor=lead)
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.update(state="released", released_at=timezone.now())


def test_what_is_declined_needs_no_notice(lead, officer):
    application = make_application(make_review_call("notice", "decision"))
    decisions = services.propose_decisions([services.Proposal(application, "decline")], actor=officer)
    letters(decisions, lead)
    services.release_decisions(decisions, actor=lead)
    assert stages_of(application) == [("notice", "stopped")]


def test_an_objection_holds_the_notice_until_it_is_answered(officer):
    line = under_notice()
    objection = reviews.record_objection(line, **WORDS)
    assert reviews.record_objection(line, **WORDS) == objection
    assert objection.due_at == deadline(timezone.localtime(objection.received_at), 15)
    assert notice_over(line).state == "posted"
    reviews.resolve_objection(objection, actor=officer, upheld=False, resolution="经核实无误。")
    reviews.resolve_objection(objection, actor=officer, upheld=False, resolution="经核实无误。")
    with pytest.raises(DomainError):
        reviews.resolve_objection(objection, actor=officer, upheld=True, resolution="属实。")
    answer = Message.objects.get(key=f"review.objection_answered:{objection.pk}")
    assert answer.payload["addresses"] == ["he@example.com"]
    assert answer.payload["context"]["found_zh"] == "异议不成立"
    assert notice_over(line).state == "passed"


def test_the_database_lets_no_line_pass_before_its_time_or_against_an_objection():
    line = under_notice()
    early = NoticeLine.objects.filter(pk=line.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        early.update(state="passed", ended_at=line.notice.ends_at - timedelta(seconds=1))
    reviews.record_objection(line, **WORDS)
    with pytest.raises(IntegrityError), transaction.atomic():
        early.update(state="passed", ended_at=line.notice.ends_at)


def test_an_upheld_objection_sends_the_application_back_to_the_board(officer):
    line = under_notice()
    application = line.application
    objection = reviews.record_objection(line, **WORDS)
    reviews.resolve_objection(objection, actor=officer, upheld=True, resolution="属实。")
    line.refresh_from_db()
    application.refresh_from_db()
    assert (line.state, line.reason, application.notice_until) == ("out", "属实。", None)
    assert not Decision.objects.filter(application=application).exists()
    (rank,) = services.ranking(application.call)
    assert (rank.application, rank.pending, rank.notice_line) == (application, None, line)
    # It may be proposed again, and is published again before it is granted.
    services.propose_decisions([services.Proposal(application, "approve", amount_fen=WAN)], actor=officer)
    again = services.publish_notice(application.call, actor=officer).lines.get()
    assert notice_over(again).state == "passed"


def test_what_was_published_does_not_change_under_the_readers_eyes(officer):
    line = under_notice(amount=50 * WAN)
    application = line.application

    def keep(verdict, amount=None):
        return services.propose_decisions(
            [services.Proposal(application, verdict, amount_fen=amount)], actor=officer
        )

    for verdict, amount in (("decline", None), ("reserve", None), ("approve", 51 * WAN)):
        with pytest.raises(DomainError):
            keep(verdict, amount)
    (less,) = keep("approve", 40 * WAN)
    with pytest.raises(DomainError) as refused:
        services.drop_decision(less, actor=officer)
    assert refused.value.code == "under_notice"
    with pytest.raises(DomainError):
        reviews.take_out(line, actor=officer, reason=" ")
    with pytest.raises(Forbidden):
        reviews.take_out(line, actor=make_staff("finance"), reason="误列")
    assert reviews.take_out(line, actor=officer, reason="误列").state == "out"
    assert reviews.take_out(line, actor=officer, reason="误列").state == "out"
    keep("decline")


def test_who_withdraws_leaves_the_notice():
    line = under_notice()
    withdraw_application(line.application, actor=line.application.created_by, reason="另有安排")
    reviews.on_withdrawn(line.application_id)
    reviews.leave_notice(line.application_id)
    reviews.leave_notice(line.application_id)
    line.refresh_from_db()
    assert line.state == "out"


def test_after_the_period_nobody_objects():
    line = under_notice()
    notice_over(line)
    with pytest.raises(DeadlinePassed):
        reviews.record_objection(line, **WORDS)
    with pytest.raises(IntegrityError), transaction.atomic():
        Objection.objects.create(line=line, run=line.application.runs.first(), name="x", text="x")


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"text": " "},
        {"name": "\x00"},
        {"email": "no address"},
        {"email": ""},
        {"text": "x" * 4001},
    ],
)
def test_an_objection_that_says_nothing_is_refused(values):
    with pytest.raises(DomainError):
        reviews.record_objection(under_notice(), **{**WORDS, **values})


def test_the_clock_ends_the_whole_list_and_twice_is_once(officer):
    call = make_review_call("notice", "decision")
    both = [make_application(call), make_application(call)]
    services.propose_decisions(
        [services.Proposal(one, "approve", amount_fen=WAN) for one in both], actor=officer
    )
    notice = services.publish_notice(call, actor=officer)
    reviews.record_objection(notice.lines.get(application=both[0]), **WORDS)
    after = notice.ends_at + timedelta(seconds=1)
    assert reviews.on_notice_due(notice.pk, now=notice.ends_at - timedelta(seconds=1)) == 0
    assert reviews.on_notice_due(notice.pk, now=after) == 1
    assert reviews.on_notice_due(notice.pk, now=after) == 0


def test_a_promoted_reserve_is_published_too(lead, officer):
    call = make_review_call("notice", "decision")
    application = make_application(call)
    decisions = services.propose_decisions([services.Proposal(application, "reserve")], actor=officer)
    letters(decisions, lead)
    services.release_decisions(decisions, actor=lead)
    promoted = services.promote_reserve(call, actor=officer, amount_fen=WAN)
    letters([promoted], lead)
    with pytest.raises(DomainError):
        services.release_decisions([promoted], actor=lead)
    line = services.publish_notice(call, actor=officer).lines.get()
    assert notice_over(line).state == "passed"
    services.release_decisions([promoted], actor=lead)
    application.refresh_from_db()
    assert application.state == "approved"


# --- the pages ------------------------------------------------------------------------------------------------------


def test_from_the_board_to_the_objection_and_back(client, officer):
    call = make_review_call("notice", "decision")
    yes, no = make_application(call, title="好项目"), make_application(call, title="坏项目")
    services.propose_decisions(
        [services.Proposal(yes, "approve", amount_fen=50 * WAN), services.Proposal(no, "decline")],
        actor=officer,
    )
    client.force_login(officer)
    publish = reverse("admin:funding_decision_publish", args=[call.pk])
    assert client.post(publish, {"seen": "0-0"}).status_code == 200
    assert not PublicNotice.objects.exists()
    page = client.get(publish)
    assert client.post(publish, {"seen": page.context["seen"]}).status_code == 302
    line = NoticeLine.objects.get()
    assert client.get(reverse("admin:funding_decision_ranking", args=[call.pk])).status_code == 200
    assert client.get(publish).context["plan"].ready == []

    stranger = Client()
    notice = stranger.get(line.notice.get_absolute_url()).content.decode()
    assert "好项目" in notice
    assert "¥500,000.00" in notice
    assert "坏项目" not in notice
    assert "好项目" not in stranger.get(reverse("reviews:notices")).content.decode()
    pdf = stranger.get(reverse("document", args=[line.notice.document.public_id]))
    assert (pdf.status_code, pdf["Content-Type"]) == (200, "application/pdf")
    address = reverse("reviews:object", args=[line.pk])
    assert stranger.post(address, {**WORDS, "email": ""}).status_code == 422
    assert stranger.post(address, WORDS).status_code == 302
    objection = Objection.objects.get()

    resolve = reverse("admin:funding_objection_act", args=[objection.pk, "resolve"])
    assert client.post(resolve, {"upheld": "yes", "resolution": "属实。"}).status_code == 302
    assert "好项目" not in stranger.get(line.notice.get_absolute_url()).content.decode()
    assert stranger.get(address).status_code == 404
    assert client.get(reverse("admin:funding_decision_ranking", args=[call.pk])).status_code == 200


def test_the_applicant_reads_where_they_stand(client):
    line = under_notice()
    client.force_login(line.application.created_by)
    until = f"{timezone.localtime(line.notice.ends_at):%Y-%m-%d}"
    page = client.get(line.application.get_absolute_url()).content.decode()
    assert f"公示中，至 {until}" in page
    waiting = make_application(make_review_call("notice", "decision"))
    client.force_login(waiting.created_by)
    assert "公示中" not in client.get(waiting.get_absolute_url()).content.decode()


def test_a_line_is_taken_out_by_staff(client, officer):
    line = under_notice()
    address = reverse("admin:funding_noticeline_act", args=[line.pk, "take_out"])
    client.force_login(make_staff("finance"))
    assert client.get(address).status_code in (403, 404)
    client.force_login(officer)
    assert client.post(address, {"reason": "误列"}).status_code == 302
    line.refresh_from_db()
    assert line.state == "out"
    assert client.get(reverse("admin:funding_publicnotice_change", args=[line.notice_id])).status_code == 200


def test_the_page_of_an_objection_says_each_thing_once(client):
    line = under_notice()
    page = client.get(reverse("reviews:object", args=[line.pk])).content.decode()
    assert page.count("拟资助金额") == 1
