"""Decisions: ranked, kept pending, put into letters, released together; nothing is told before."""

from __future__ import annotations

import io
import threading

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from funding.applications.models import Application
from funding.awards.models import Award
from funding.decisions import services
from funding.decisions.models import Decision, Letter, LetterTemplate
from funding.decisions.services import Proposal
from funding.reviews.services import act_in_stage
from park_portal.core.audit.models import Entry
from park_portal.core.documents.services import read_document
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.services import due_messages, handle_message
from tests.factories.core import make_staff, make_user
from tests.factories.decisions import TEN_THOUSAND, decidable, make_decision, make_letter
from tests.factories.reviews import make_application, make_review_call, run_of, submitted_review

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead():
    return make_staff("lead", name="Lena")


@pytest.fixture
def officer():
    return make_staff("officer", name="Oscar")


@pytest.fixture
def call():
    return make_review_call(
        "expert", "decision", budget_fen=250 * TEN_THOUSAND, max_amount_fen=200 * TEN_THOUSAND
    )


def owner_of(application):
    return application.organisation.memberships.get(role="owner").user


def work_off():
    while ids := list(due_messages().values_list("pk", flat=True)):
        for message_id in ids:
            assert handle_message(message_id), Message.objects.get(pk=message_id).error


def approve(application, lead, amount=100 * TEN_THOUSAND, **values):
    return services.propose_decisions(
        [Proposal(application, "approve", amount_fen=amount, **{"amount_reason": "经费核减", **values})],
        actor=lead,
    )[0]


def make_ready(decisions, lead):
    for letter in services.write_letters(decisions, actor=lead):
        services.check_letter(letter, actor=lead)


def typed_ranking(response):
    """What a browser would send back from the ranked table as it stands."""
    return {
        row["form"][name].html_name: "" if (value := row["form"][name].value()) is None else value
        for row in response.context["rows"]
        if row["form"] is not None
        for name in row["form"].fields
    }


class TestRanking:
    def test_best_first_with_the_budget_line(self, call, django_assert_num_queries):
        low = decidable(call, marks=(5, 5), amount=100 * TEN_THOUSAND)
        high = decidable(call, marks=(9, 9), amount=120 * TEN_THOUSAND)
        wide = decidable(call, marks=(6, 10), amount=100 * TEN_THOUSAND)
        even = decidable(call, marks=(8, 8), amount=100 * TEN_THOUSAND)
        with django_assert_num_queries(8):
            ranks = services.ranking(call)
        # 80 and 80: the one whose lowest score is higher stands first.
        assert [rank.application for rank in ranks] == [high, even, wide, low]
        assert [rank.summary.mean for rank in ranks] == [90, 80, 80, 50]
        assert [rank.cumulative_fen // TEN_THOUSAND for rank in ranks] == [120, 220, 320, 420]
        assert [rank.within_budget for rank in ranks] == [True, True, False, False]
        assert [rank.crosses_line for rank in ranks] == [False, False, True, False]

    def test_what_is_granted_counts_and_what_is_declined_does_not(self, call, lead):
        first = decidable(call, marks=(9, 9), amount=200 * TEN_THOUSAND)
        second = decidable(call, marks=(8, 8), amount=100 * TEN_THOUSAND)
        third = decidable(call, marks=(7, 7), amount=100 * TEN_THOUSAND)
        approve(first, lead, 120 * TEN_THOUSAND)
        services.propose_decisions([Proposal(second, "decline")], actor=lead)
        assert [
            (rank.application.pk, rank.cumulative_fen // TEN_THOUSAND, rank.within_budget)
            for rank in services.ranking(call)
        ] == [(first.pk, 120, True), (second.pk, 120, True), (third.pk, 220, True)]

    def test_applications_still_in_review_are_not_ranked(self, call):
        make_application(call)
        assert services.ranking(call) == []


class TestProposing:
    def test_kept_pending_and_told_to_nobody(self, call, lead, client):
        application = decidable(call)
        decision = approve(application, lead, comment_applicant="很好")
        application.refresh_from_db()
        assert (decision.state, application.state) == ("pending", "in_review")
        owner = owner_of(application)
        assert Decision.objects.visible_to(owner).count() == 0
        client.force_login(owner)
        assert client.get(reverse("decisions:outcome", args=[application.pk])).status_code == 404

    def test_changed_verdict_needs_a_new_letter(self, call, lead):
        application = decidable(call)
        decision = approve(application, lead)
        make_ready([decision], lead)
        services.propose_decisions([Proposal(application, "decline")], actor=lead)
        decision.refresh_from_db()
        assert (decision.verdict, decision.amount_fen) == ("decline", None)
        assert Letter.objects.count() == 0

    def test_same_verdict_again_changes_nothing(self, call, lead):
        application = decidable(call)
        make_ready([approve(application, lead)], lead)
        entries = Entry.objects.count()
        approve(application, lead)
        assert (Letter.objects.count(), Entry.objects.count()) == (1, entries)

    @pytest.mark.parametrize(
        ("verdict", "amount"),
        [("approve", None), ("approve", 0), ("approve", 201 * TEN_THOUSAND), ("maybe", None)],
    )
    def test_all_or_none(self, call, lead, verdict, amount):
        good, bad = decidable(call), decidable(call)
        with pytest.raises(DomainError) as refusal:
            services.propose_decisions(
                [Proposal(good, "decline"), Proposal(bad, verdict, amount_fen=amount)], actor=lead
            )
        assert [problem.anchor for problem in refusal.value.problems] == [f"application-{bad.pk}"]
        assert bad.number in str(refusal.value.problems[0].message)
        assert Decision.objects.count() == 0

    def test_not_before_its_stage(self, call, lead):
        with pytest.raises(DomainError):
            approve(make_application(call), lead)

    @pytest.mark.parametrize("role", ["finance", "auditor", "administrator"])
    def test_others_may_not(self, call, role):
        application = decidable(call)
        with pytest.raises(Forbidden):
            approve(application, make_staff(role))
        with pytest.raises(Forbidden):
            approve(application, owner_of(application))

    def test_taken_back(self, call, lead):
        decision = approve(decidable(call), lead)
        make_ready([decision], lead)
        services.drop_decision(decision, actor=lead)
        assert (Decision.objects.count(), Letter.objects.count()) == (0, 0)
        with pytest.raises(IllegalTransition):
            services.drop_decision(decision, actor=lead)

    def test_the_database_wants_an_amount_with_an_approval(self, call, lead):
        decision = approve(decidable(call), lead)
        with pytest.raises(DatabaseError), transaction.atomic():
            Decision.objects.filter(pk=decision.pk).update(amount_fen=None)


class TestLetters:
    def test_both_languages_merged_from_the_record(self, call, lead):
        application = decidable(call, title="类器官 <药筛> 大模型")
        decision = approve(application, lead, conditions="三个月内完成伦理备案。")
        (letter,) = services.write_letters([decision], actor=lead)
        assert letter.subject == {"zh-hans": "立项通知书", "en": "Letter of approval"}
        assert f"《类器官 <药筛> 大模型》（编号 {application.number}）" in letter.body["zh-hans"]
        assert "¥1,000,000.00" in letter.body["en"]
        assert "三个月内完成伦理备案。" in letter.body["en"]
        assert "{{" not in letter.body["zh-hans"] + letter.body["en"]
        assert "\n\n\n" not in letter.body["zh-hans"]
        assert services.write_letters([decision], actor=lead) == []

    def test_template_of_the_call_wins_over_the_parks(self, call, lead):
        LetterTemplate.objects.create(
            verdict="approve", subject_zh_hans="园区", subject_en="Park", body_zh_hans="甲", body_en="A"
        )
        decision = approve(decidable(call), lead)
        (letter,) = services.write_letters([decision], actor=lead)
        assert letter.subject["zh-hans"] == "园区"
        LetterTemplate.objects.create(
            call=call,
            verdict="approve",
            subject_zh_hans="专项 {{ number }}",
            subject_en="Call",
            body_zh_hans="乙",
            body_en="B",
        )
        letter.delete()
        (letter,) = services.write_letters([decision], actor=lead)
        assert letter.subject["zh-hans"] == f"专项 {decision.application.number}"

    def test_empty_fields_fall_out_with_their_lines(self, call, lead):
        body = "贵方获批 {{ amount }}。\r\n\r\n条件：{{ conditions }}\r\n意见：{{ comment }}\r\n\r\n\r\n此致"
        LetterTemplate.objects.create(
            call=None,
            verdict="approve",
            subject_zh_hans="通知",
            subject_en="Letter",
            body_zh_hans=body,
            body_en=body,
        )
        without = approve(decidable(call), lead)
        some = approve(decidable(call), lead, comment_applicant="路线清晰。")
        first, second = services.write_letters([without, some], actor=lead)
        assert first.body["zh-hans"] == "贵方获批 ¥1,000,000.00。\n\n此致"
        assert second.body["zh-hans"] == "贵方获批 ¥1,000,000.00。\n\n意见：路线清晰。\n\n此致"

    def test_checked_makes_a_pdf_with_chinese(self, call, lead):
        letter = make_letter(lead=lead)
        services.check_letter(letter, actor=lead)
        letter.refresh_from_db()
        assert (letter.state, letter.checked_by) == ("checked", lead)
        with read_document(letter.document.public_id, user=lead).open() as file:
            content = file.read()
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
        assert "立项通知书" in text
        assert "Letter of approval" in text

    def test_a_checked_letter_is_not_edited(self, lead):
        letter = make_letter(lead=lead)
        texts = {"subject": {"zh-hans": "题", "en": "T"}, "body": {"zh-hans": "文", "en": "B"}}
        services.edit_letter(letter, actor=lead, **texts)
        services.check_letter(letter, actor=lead)
        with pytest.raises(IllegalTransition):
            services.edit_letter(letter, actor=lead, **texts)
        services.reopen_letter(Letter.objects.get(pk=letter.pk), actor=lead)
        services.edit_letter(letter, actor=lead, **texts)

    @pytest.mark.parametrize(
        "texts",
        [
            {"subject": {"zh-hans": "", "en": "T"}, "body": {"zh-hans": "文", "en": "B"}},
            {"subject": {"zh-hans": "题", "en": "T"}, "body": {"zh-hans": "文 {{ secret }}", "en": "B"}},
        ],
    )
    def test_bad_text(self, lead, texts):
        with pytest.raises(DomainError):
            services.edit_letter(make_letter(lead=lead), actor=lead, **texts)

    def test_null_bytes_fall_out(self, lead):
        letter = make_letter(lead=lead)
        texts = {"subject": {"zh-hans": "题\x00", "en": "T"}, "body": {"zh-hans": "文😀𠮷", "en": "B"}}
        letter = services.edit_letter(letter, actor=lead, **texts)
        assert (letter.subject["zh-hans"], letter.body["zh-hans"]) == ("题", "文😀𠮷")
        services.check_letter(letter, actor=lead)


class TestRelease:
    def test_everything_at_once(self, call, lead, client):
        good, reserve, bad = decidable(call), decidable(call), decidable(call)
        decisions = services.propose_decisions(
            [
                Proposal(good, "approve", amount_fen=150 * TEN_THOUSAND, comment_applicant="祝贺"),
                Proposal(reserve, "reserve"),
                Proposal(bad, "decline"),
            ],
            actor=lead,
        )
        make_ready(decisions, lead)
        assert services.release_decisions(decisions, actor=lead) == decisions
        states = {a.pk: a.state for a in Application.objects.filter(pk__in=[good.pk, reserve.pk, bad.pk])}
        assert states == {good.pk: "approved", reserve.pk: "reserved", bad.pk: "declined"}
        award = Award.objects.get()
        assert (award.application, award.number, award.amount_fen, award.state) == (
            good,
            f"{good.number}-A",
            150 * TEN_THOUSAND,
            "agreement",
        )
        assert set(Letter.objects.values_list("state", flat=True)) == {"released"}
        assert list(good.runs.filter(stage__kind="decision").values_list("state", flat=True)) == ["passed"]
        work_off()
        owner = owner_of(good)
        notice = Delivery.objects.get(recipient=owner, kind="decision.approved", channel="inbox")
        assert notice.link == f"/applications/{good.pk}/outcome/"
        assert "¥1,500,000.00" in notice.body["zh-hans"]
        client.force_login(owner)
        page = client.get(notice.link)
        assert page.status_code == 200
        assert "祝贺" in page.content.decode()
        letter = Letter.objects.get(decision__application=good)
        assert client.get(reverse("document", args=[letter.document.public_id])).status_code == 200
        client.force_login(owner_of(bad))
        assert client.get(notice.link).status_code == 404
        assert client.get(reverse("document", args=[letter.document.public_id])).status_code == 404

    def test_second_click_changes_nothing(self, call, lead):
        decision = approve(decidable(call), lead)
        make_ready([decision], lead)
        services.release_decisions([decision], actor=lead)
        before = (Message.objects.count(), Entry.objects.count(), Award.objects.count())
        assert services.release_decisions([decision], actor=lead) == []
        assert (Message.objects.count(), Entry.objects.count(), Award.objects.count()) == before

    def test_an_unchecked_letter_stops_all(self, call, lead):
        first, second = approve(decidable(call), lead), approve(decidable(call), lead)
        make_ready([first], lead)
        services.write_letters([second], actor=lead)
        with pytest.raises(DomainError) as refusal:
            services.release_decisions([first, second], actor=lead)
        assert len(refusal.value.problems) == 1
        assert set(Decision.objects.values_list("state", flat=True)) == {"pending"}
        assert Award.objects.count() == 0

    def test_only_the_lead(self, call, lead, officer):
        decision = approve(decidable(call), lead)
        make_ready([decision], lead)
        with pytest.raises(Forbidden):
            services.release_decisions([decision], actor=officer)

    def test_reserve_can_be_approved_later(self, call, lead):
        application = decidable(call)
        (decision,) = services.propose_decisions([Proposal(application, "reserve")], actor=lead)
        make_ready([decision], lead)
        services.release_decisions([decision], actor=lead)
        application.refresh_from_db()
        later = approve(application, lead)
        make_ready([later], lead)
        services.release_decisions([later], actor=lead)
        application.refresh_from_db()
        assert application.state == "approved"
        assert services.outcome_of(application).decision == later

    def test_what_is_released_is_fixed_by_the_database(self, call, lead):
        decision = approve(decidable(call), lead)
        make_ready([decision], lead)
        services.release_decisions([decision], actor=lead)
        for sql in (
            "UPDATE funding_decision SET amount_fen = 1",
            "DELETE FROM funding_letter",
            "UPDATE funding_letter SET body = '{}'",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)

    def test_reviewers_stay_unnamed_and_committee_comments_inside(self, call, lead, client):
        application = decidable(call)
        decision = approve(application, lead)
        make_ready([decision], lead)
        services.release_decisions([decision], actor=lead)
        client.force_login(owner_of(application))
        page = client.get(reverse("decisions:outcome", args=[application.pk])).content.decode()
        for review in application.reviews.all():
            assert review.reviewer.name not in page
            assert review.comment_committee not in page


@pytest.mark.django_db(transaction=True)
def test_two_releases_at_once_open_one_award():
    lead = make_staff("lead")
    decision = make_decision(lead=lead)
    make_ready([decision], lead)
    released = []
    barrier = threading.Barrier(2)

    def work():
        barrier.wait()
        released.append(len(services.release_decisions([decision], actor=lead)))
        connection.close()

    threads = [threading.Thread(target=work) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(released) == [0, 1]
    assert Award.objects.count() == 1


class TestAdmin:
    def test_from_ranking_to_release_in_the_browser(self, call, lead, client):
        application = decidable(call, amount=100 * TEN_THOUSAND)
        client.force_login(lead)
        assert application.call.code in client.get(reverse("admin:funding_decision_board")).content.decode()
        ranking = reverse("admin:funding_decision_ranking", args=[call.pk])
        assert client.get(ranking).status_code == 200
        prefix = f"row{application.pk}"
        answer = client.post(ranking, {f"{prefix}-verdict": "approve", f"{prefix}-amount": "-5"})
        assert answer.status_code == 200
        assert Decision.objects.count() == 0
        answer = client.post(ranking, {f"{prefix}-verdict": "approve", f"{prefix}-amount": "90万元"})
        assert (answer.status_code, Decision.objects.count()) == (200, 0)  # it does not say why it is less
        less = {
            f"{prefix}-verdict": "approve",
            f"{prefix}-amount": "90万元",
            f"{prefix}-amount_reason": "核减",
        }
        answer = client.post(ranking, less)
        assert answer.status_code == 302
        decision = Decision.objects.get()
        assert (decision.verdict, decision.amount_fen) == ("approve", 90 * TEN_THOUSAND)
        release = reverse("admin:funding_decision_release", args=[call.pk])
        client.post(release)
        assert Award.objects.count() == 0
        client.post(ranking, {"letters": "1"})
        letter = Letter.objects.get()
        assert client.get(reverse("admin:funding_letter_change", args=[letter.pk])).status_code == 200
        text = reverse("admin:funding_letter_text", args=[letter.pk])
        form = client.get(text).context["form"].initial
        assert client.post(text, {**form, "subject_zh_hans": "立项通知", "check": "1"}).status_code == 302
        letter.refresh_from_db()
        assert (letter.state, letter.subject["zh-hans"]) == ("checked", "立项通知")
        page = client.get(release)
        assert page.status_code == 200
        assert client.post(release, {"seen": "0-0"}).status_code == 200
        assert Award.objects.count() == 0
        assert client.post(release, {"seen": page.context["seen"]}).status_code == 302
        assert Award.objects.get().amount_fen == 90 * TEN_THOUSAND
        assert client.get(ranking).status_code == 200

    def test_verdict_page_keeps_what_was_typed(self, call, lead, client):
        application = decidable(call)
        client.force_login(lead)
        address = reverse("admin:funding_decision_verdict", args=[application.pk])
        assert client.get(address).status_code == 200
        page = client.post(address, {"verdict": "approve", "amount": "", "note": "留意伦理"})
        assert page.status_code == 422
        assert "留意伦理" in page.content.decode()
        assert (
            client.post(address, {"verdict": "approve", "amount": "500000", "note": "留意伦理"}).status_code
            == 302
        )
        assert Decision.objects.get().note == "留意伦理"
        seen = client.get(address).context["seen"]
        assert client.post(address, {"drop": "1", "seen": "1-2026"}).status_code == 200
        assert Decision.objects.count() == 1
        assert client.post(address, {"drop": "1", "seen": seen}).status_code == 302
        assert Decision.objects.count() == 0

    def test_stale_ranking_is_refused_and_says_who_decided_what(self, call, lead, officer, client):
        contested, quiet = decidable(call), decidable(call)
        other = Client()
        client.force_login(officer)
        other.force_login(lead)
        client.cookies["django_language"] = other.cookies["django_language"] = "en"
        address = reverse("admin:funding_decision_ranking", args=[call.pk])
        tab = typed_ranking(client.get(address))
        first = {**typed_ranking(other.get(address)), f"row{contested.pk}-verdict": "approve"}
        first[f"row{contested.pk}-amount"] = "1000000"
        for _click in range(2):
            assert other.post(address, first).status_code == 302
        kept = Decision.objects.get()
        chosen = {f"row{contested.pk}-verdict": "decline", f"row{quiet.pk}-verdict": "reserve"}

        answer = client.post(address, {**tab, **chosen})

        page = answer.content.decode()
        when = f"{timezone.localtime(kept.decided_at):%Y-%m-%d %H:%M}"
        assert f"{contested.number}: Lena chose “approve · ¥1,000,000.00” on {when}." in page
        assert "Your own choices are still in the table, not stored" in page
        (held,) = Decision.objects.all()
        assert (held.verdict, held.amount_fen, held.decided_by) == ("approve", 100 * TEN_THOUSAND, lead)
        again = typed_ranking(answer)
        assert again[f"row{contested.pk}-verdict"] == "decline"
        assert again[f"row{quiet.pk}-verdict"] == "reserve"
        # Having read who decided what, they may still decide otherwise.
        assert client.post(address, again).status_code == 302
        assert dict(Decision.objects.values_list("application", "verdict")) == {
            contested.pk: "decline",
            quiet.pk: "reserve",
        }

    def test_stale_lines_that_nobody_touched_are_left_alone(self, call, lead, officer, client):
        changed, mine = decidable(call), decidable(call)
        approve(changed, lead)
        client.force_login(officer)
        address = reverse("admin:funding_decision_ranking", args=[call.pk])
        tab = typed_ranking(client.get(address))
        services.propose_decisions([Proposal(changed, "decline")], actor=lead)

        assert client.post(address, {**tab, f"row{mine.pk}-verdict": "decline"}).status_code == 302

        assert dict(Decision.objects.values_list("application", "decided_by")) == {
            changed.pk: lead.pk,
            mine.pk: officer.pk,
        }
        assert set(Decision.objects.values_list("verdict", flat=True)) == {"decline"}

    def test_stale_verdict_page_keeps_what_was_typed_and_stores_nothing(self, call, lead, officer, client):
        application = decidable(call)
        client.force_login(officer)
        client.cookies["django_language"] = "en"
        address = reverse("admin:funding_decision_verdict", args=[application.pk])
        typed = {
            "seen": client.get(address).context["form"].initial["seen"],
            "verdict": "decline",
            "note": "证据不足",
        }
        approve(application, lead)

        answer = client.post(address, typed)

        assert answer.status_code == 422
        page = answer.content.decode()
        assert "证据不足" in page
        assert "Lena chose “approve · ¥1,000,000.00” on" in page
        assert Decision.objects.get().verdict == "approve"
        form = answer.context["form"]
        again = {name: form[name].value() or "" for name in form.fields}
        assert client.post(address, again).status_code == 302
        assert Decision.objects.get().verdict == "decline"

    def test_screening_is_no_expert_review(self, client, lead):
        call = make_review_call("screening", "expert", "decision", changes={"expert": {"required_count": 3}})
        application = make_application(call)
        run = run_of(application)
        points = {criterion.pk: "met" for criterion in run.stage.criteria.all()}
        act_in_stage(run, actor=lead, opinion="pass", checks=points)
        for mark in (7, 8, 9):
            submitted_review(run_of(application), mark)
        client.force_login(lead)
        client.cookies["django_language"] = "en"
        page = client.get(reverse("admin:funding_decision_ranking", args=[call.pk])).content.decode()
        assert "<summary>3 expert reviews · Screening: pass</summary>" in page
        assert "4 reviews" not in page

    @pytest.mark.parametrize(
        ("role", "status"), [("auditor", 200), ("fund_manager", 200), ("administrator", 403)]
    )
    def test_who_sees_the_ranking(self, call, client, role, status):
        client.force_login(make_staff(role))
        assert client.get(reverse("admin:funding_decision_ranking", args=[call.pk])).status_code == status

    def test_nobody_else(self, call, client):
        client.force_login(make_user())
        assert client.get(reverse("admin:funding_decision_ranking", args=[call.pk])).status_code in (302, 403)

    def test_an_officer_proposes_but_does_not_release(self, call, officer, client):
        decision = approve(decidable(call), officer)
        make_ready([decision], officer)
        client.force_login(officer)
        assert client.post(reverse("admin:funding_decision_release", args=[call.pk])).status_code == 403
        decision.refresh_from_db()
        assert decision.state == "pending"
