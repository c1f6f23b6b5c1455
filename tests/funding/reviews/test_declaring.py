"""Before reading: the declaration and the pledge; what reviewers say of themselves; what staff look at."""

from __future__ import annotations

from datetime import timedelta

import pgtrigger
import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from funding.models import Answer, Conflict, Pledge, Publication, Review, Reviewer
from funding.reviews import services
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_organisation, make_project, make_university
from tests.factories.reviews import (
    accept,
    expert_run,
    make_application,
    make_expert,
    make_review,
    make_review_call,
    run_of,
    submitted_review,
)

pytestmark = pytest.mark.django_db

SUMMARY = "用多模态大模型预测药物反应。"


@pytest.fixture
def client_of(client_of):
    def login(who):
        client = client_of(who)
        client.cookies["django_language"] = "en"
        return client

    return login


# --- one invitation


def test_an_invitation_shows_title_and_team_until_declared(client_of, people):
    review = make_review(person=people("reviewer"))
    owner = review.application.organisation.memberships.get().user
    client, accept_url = client_of("reviewer"), reverse("reviews:accept", args=[review.pk])
    page = client.get(review.get_absolute_url()).content.decode()
    assert review.application.title in page
    assert owner.name in page
    assert SUMMARY not in page
    refused = client.post(accept_url)
    assert refused.status_code == 422
    assert "Sign the pledge of integrity first." in refused.content.decode()
    assert SUMMARY not in refused.content.decode()
    assert client.post(accept_url, {"pledge": "on", "next": "read"}).status_code == 302
    review.refresh_from_db()
    assert (review.state, review.pledge.version) == ("assigned", 1)
    assert SUMMARY in client.get(review.get_absolute_url()).content.decode()
    assert client.post(accept_url).status_code == 302
    review.refresh_from_db()
    assert review.state == "accepted"


def test_the_pledge_is_kept_with_its_version_and_time_and_signed_once():
    review = make_review()
    with pytest.raises(DomainError) as refused:
        services.declare_no_conflict(review, actor=review.reviewer, pledge=False)
    assert refused.value.code == "pledge"
    with pytest.raises(DomainError) as refused:
        services.accept_review(review, actor=review.reviewer)
    assert refused.value.code == "not_declared"
    with pytest.raises(IntegrityError, match="no declaration"), transaction.atomic():
        Review.objects.filter(pk=review.pk).update(state="accepted")
    with pytest.raises(Forbidden):
        services.declare_no_conflict(review, actor=make_staff("officer"), pledge=True)
    first = services.declare_no_conflict(review, actor=review.reviewer, pledge=True).declared_at
    Pledge.objects.create(version=2, text_zh_hans="新", text_en="New")
    assert services.declare_no_conflict(review, actor=review.reviewer, pledge=True).declared_at == first
    entry = Entry.objects.get(action="review.declare")
    assert entry.after["pledge"] == 1
    other = make_review()
    assert services.declare_no_conflict(other, actor=other.reviewer, pledge=True).pledge.version == 2


def test_a_suspended_review_says_why_in_plain_words_and_hides_the_text(client_of, people):
    review = accept(make_review(person=people("reviewer")))
    client = client_of("reviewer")
    assert SUMMARY in client.get(review.get_absolute_url()).content.decode()
    services.record_conflict(review.application, review.reviewer, actor=SYSTEM, kind="family")
    page = client.get(review.get_absolute_url()).content.decode()
    assert SUMMARY not in page
    assert "Your review is suspended" in page
    for route in ("accept", "decline", "recuse", "submit"):
        address = reverse(f"reviews:{route}", args=[review.pk])
        assert SUMMARY not in client.get(address, follow=True).content.decode()
    saved = client.post(
        reverse("reviews:save", args=[review.pk, "opinion"]),
        {"raw": "fund", "revision": 1},
        content_type="application/json",
        headers={"accept": "application/json"},
    )
    assert saved.status_code == 400
    with pytest.raises(DomainError) as refused:
        services.submit_review(review, actor=review.reviewer, pledge=True)
    assert refused.value.code == "conflict_of_interest"


# --- all of them


def test_twelve_invitations_are_answered_with_one_signature(client_of, people):
    me = people("reviewer")
    call = make_review_call("expert", "decision")
    reviews = [make_review(expert_run(call, title=f"课题{n}"), me) for n in range(12)]
    foreign = make_review(expert_run(call), people("other_reviewer"))
    client, address = client_of("reviewer"), reverse("reviews:invitations")
    page = client.get(address).content.decode()
    assert all(review.application.title in page for review in reviews)
    assert foreign.application.number not in page
    assert SUMMARY not in page
    answers = {f"answer-{review.pk}": "accept" for review in reviews[:9]}
    answers |= {
        f"answer-{reviews[9].pk}": "clear",
        f"answer-{reviews[10].pk}": "other",
        f"answer-{foreign.pk}": "accept",
    }
    unsigned = client.post(address, answers)
    assert unsigned.status_code == 422
    assert "Say in a few words what the conflict is." in unsigned.content.decode()
    assert set(Review.objects.values_list("state", flat=True)) == {"assigned"}
    answers[f"note-{reviews[10].pk}"] = "同乡"
    assert client.post(address, answers).status_code == 422, "not signed"
    for _ in range(2):
        client.post(address, {**answers, "pledge": "on"})
    states = [Review.objects.get(pk=review.pk).state for review in reviews]
    assert states == ["accepted"] * 9 + ["assigned", "recused", "assigned"]
    assert Review.objects.get(pk=reviews[9].pk).declared_at is not None
    assert Review.objects.get(pk=reviews[11].pk).declared_at is None
    assert Review.objects.get(pk=foreign.pk).state == "assigned"


def test_what_is_answered_together_is_kept_together():
    review, other = make_review(), make_review()
    other = Review.objects.get(pk=other.pk)
    with pytest.raises(DomainError) as refused:
        services.answer_invitations(
            {review.pk: services.Answer("accept"), other.pk: services.Answer("accept")},
            actor=review.reviewer,
            pledge=False,
        )
    assert [problem.field for problem in refused.value.problems] == ["pledge"]
    done = services.answer_invitations(
        {review.pk: services.Answer("accept"), other.pk: services.Answer("accept")},
        actor=review.reviewer,
        pledge=True,
    )
    assert done == 1, "another's invitation is not answered"


# --- ties of one's own


def test_reviewers_write_down_their_ties_and_take_back_mistakes(client_of, people):
    me = people("reviewer")
    company = make_organisation("上海澄光生物科技有限公司")
    review = accept(make_review(expert_run(organisation=company_with_owner(company)), me))
    client, add = client_of("reviewer"), reverse("reviews:tie-add")
    for _ in range(2):
        sent = client.post(add, {"kind": "shareholder", "organisation": "澄光生物科技有限公司"})
        assert sent.status_code == 302
    tie = Conflict.objects.get(person=me)
    assert (tie.organisation, tie.source, tie.state, tie.recorded_by) == (company, "person", "standing", me)
    review.refresh_from_db()
    assert review.state == "suspended"
    assert company.name in client.get(reverse("reviews:ties")).content.decode()
    assert company.name not in client_of("other_reviewer").get(reverse("reviews:ties")).content.decode()
    withdraw = reverse("reviews:tie-withdraw", args=[tie.pk])
    assert client_of("other_reviewer").post(withdraw).status_code == 404
    assert client.post(withdraw).status_code == 302
    tie.refresh_from_db()
    assert tie.state == "dismissed"
    assert client_of("founder").get(reverse("reviews:ties")).status_code == 404
    assert client_of("founder").get(add).status_code == 404


def company_with_owner(company):
    company.memberships.create(user=make_user(), role="owner")
    return company


def test_an_employer_that_ended_counts_for_the_years_of_the_rule():
    me, university = make_expert(), make_university("光华大学")
    until = timezone.localdate() - timedelta(days=400)
    tie = services.declare_tie(me, actor=me, kind="employer", organisation="光华大学", until=until)
    assert tie.organisation == university
    assert tie.expires_on == until.replace(year=until.year + 3)
    family = services.declare_tie(me, actor=me, kind="family", name="张三", until=until)
    assert family.expires_on == until


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "employer"}, "organisation"),
        ({"kind": "family"}, "name"),
        ({"kind": "member", "name": "张三"}, "kind"),
        ({"kind": "coauthor", "orcid": "1234"}, "orcid"),
        ({"kind": "family", "name": "张三", "since": timezone.localdate() + timedelta(days=2)}, "since"),
    ],
)
def test_a_tie_that_makes_no_sense_is_refused_beside_its_field(values, field):
    me = make_expert()
    with pytest.raises(DomainError) as refused:
        services.declare_tie(me, actor=me, **values)
    assert refused.value.field == field
    assert not Conflict.objects.exists()


def test_nobody_writes_ties_of_others_but_staff():
    me, other = make_expert(), make_expert()
    with pytest.raises(Forbidden):
        services.declare_tie(me, actor=other, kind="family", name="张三")
    made = services.declare_tie(me, actor=make_staff("officer"), kind="family", name="张三")
    assert made.source == "staff"
    with pytest.raises(Forbidden):
        services.dismiss_conflict(made, actor=me)


# --- names


def test_the_applicants_list_bars_who_is_certain_and_asks_about_who_is_near():
    call = make_review_call("expert", "decision")
    by_mail, by_name, near, other = (
        make_expert("周以宁"),
        make_expert("何不宜", institution="远山研究所"),
        make_expert("Shan Yi-Ning"),
        make_expert("王无关"),
    )
    application = make_application(call, begin=False)
    question = call.questions.get(purpose="unsuitable")
    rows = [
        {"name": "周某", "institution": "某大学", "email": by_mail.email.upper(), "reason": "竞争"},
        {"name": "何不宜", "institution": "远山研究所", "email": "", "reason": "竞争"},
        {"name": "单以宁", "institution": "某大学", "email": "", "reason": "竞争"},
    ]
    with_table(application, question, rows)
    services.on_submitted(application.pk)
    found = {
        row.person_id: (row.state, row.kind, row.source)
        for row in Conflict.objects.filter(application=application)
    }
    assert found == {
        by_mail.pk: ("standing", "unsuitable", "applicant"),
        by_name.pk: ("standing", "unsuitable", "applicant"),
        near.pk: ("possible", "unsuitable", "applicant"),
    }
    people = [by_mail, by_name, near, other]
    assert set(services.conflicts_for(application, people)) == {by_mail.pk, by_name.pk}
    assert set(services.possible_of([application], people)) == {(application.pk, near.pk)}
    assert services.match_call(call) == 0, "twice is the same as once"


def with_table(application, question, rows):
    with pgtrigger.ignore("funding.Answer:answer_only_while_editable"):
        Answer.objects.update_or_create(application=application, question=question, defaults={"value": rows})


def test_staff_confirm_or_dismiss_what_is_possible():
    project = make_project(pi=make_user("陈思远"), university=make_university())
    project.team.create(name="Zhou Yining", role="member")
    project.team.create(name="单以宁", role="member")
    first, second = make_expert("周以宁"), make_expert("Yining Shan")
    run = run_of(make_application(make_review_call("expert", "decision"), project=project))
    reviews = [make_review(run, first), make_review(run, second)]
    possible = {row.person_id: row for row in Conflict.objects.possible()}
    assert set(possible) == {first.pk, second.pk}
    assert possible[first.pk].note == "pinyin:Zhou Yining"
    officer = make_staff("officer")
    for _ in range(2):
        services.confirm_conflict(possible[first.pk], actor=officer)
        services.dismiss_conflict(possible[second.pk], actor=officer, reason="同音")
    with pytest.raises(Forbidden):
        services.confirm_conflict(possible[second.pk], actor=second)
    assert [Review.objects.get(pk=review.pk).state for review in reviews] == ["suspended", "assigned"]
    services.match_application(run.application)
    assert Conflict.objects.get(pk=possible[second.pk].pk).state == "dismissed", "not asked again"
    services.reopen_conflict(possible[second.pk], actor=officer)
    assert Conflict.objects.possible().get().person == second


def test_a_tie_by_name_is_matched_with_the_team_and_one_to_an_organisation_with_the_applicant():
    me, other = make_expert(), make_expert()
    services.declare_tie(me, actor=me, kind="coauthor", name="Zhou Y. N.")
    services.declare_tie(other, actor=other, kind="board", organisation="上海未来组织有限公司")
    project = make_project(pi=make_user("周以宁"))
    application = make_application(make_review_call("expert", "decision"), project=project)
    assert [
        (row.person, row.kind, row.state) for row in Conflict.objects.filter(application=application)
    ] == [(me, "coauthor", "possible")]
    company = company_with_owner(make_organisation("未来组织"))
    application = make_application(make_review_call("expert", "decision"), organisation=company)
    assert [
        (row.person, row.kind, row.state) for row in Conflict.objects.filter(application=application)
    ] == [(other, "board", "standing")]


def test_an_author_of_a_recent_paper_with_a_name_of_the_team_is_possible():
    me, this_year = make_expert("王五"), timezone.localdate().year
    for year, author in ((this_year, "Y. N. Zhou"), (this_year - 9, "陈思远")):
        Publication.objects.create(
            reviewer=me.reviewer, title=f"论文{year}", year=year, authors=["Wu Wang", author]
        )
    project = make_project(pi=make_user("周以宁"))
    project.team.create(name="陈思远", role="member")
    application = make_application(make_review_call("expert", "decision"), project=project)
    found = Conflict.objects.get(application=application)
    assert (found.person, found.kind, found.source, found.state) == (
        me,
        "coauthor",
        "publications",
        "possible",
    )
    assert (found.note, found.expires_on.year) == ("initials:Y. N. Zhou", this_year + 3)


# --- staff pages


def test_staff_read_the_graph_of_a_person_and_of_an_application(client_of, people):
    review = submitted_review(expert_run(), person=people("reviewer"))
    services.record_conflict(review.application, review.reviewer, actor=SYSTEM, kind="family", note="兄弟")
    entry = Reviewer.objects.get(user=review.reviewer)
    addresses = (
        reverse("admin:funding_reviewer_ties", args=[entry.pk]),
        reverse("admin:funding_stagerun_conflicts", args=[review.run_id]),
        reverse("admin:funding_conflict_changelist") + "?state__exact=standing",
    )
    for address in addresses:
        page = client_of("officer").get(address)
        assert page.status_code == 200
        assert "兄弟" in page.content.decode()
        assert client_of("founder").get(address).status_code in (302, 403, 404)
    assert client_of("officer").post(addresses[1]).status_code == 302
