"""The portal's doors to review: who sees what, what happens on a click, bad input, and the cost of each page."""

import json
import re
from datetime import timedelta
from secrets import token_hex
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from funding.applications.services import save_answer, submit_application
from funding.models import Conflict, Criterion, Objection, Review, Reviewer, Stage, StageRun
from funding.reviews import services
from park_portal.core.workflow import SYSTEM, advance
from tests.factories.applications import make_call as make_form_call
from tests.factories.applications import make_submitted
from tests.factories.core import make_staff, make_user
from tests.factories.decisions import under_notice
from tests.factories.incubator import make_faculty, make_liaison, make_project, make_university
from tests.factories.reviews import (
    STAGES,
    accept,
    expert_run,
    fill_review,
    make_application,
    make_expert,
    make_review,
    make_review_call,
    run_of,
    submitted_review,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_of(client_of):
    """Clients that read English."""

    def login(who):
        client = client_of(who)
        client.cookies["django_language"] = "en"
        return client

    return login


def liaison_run(**place):
    university = place.pop("university", None) or make_university()
    project = make_project(university=university, **place)
    return run_of(make_application(make_review_call("liaison", "decision"), project=project))


@pytest.fixture
def queue():
    """A run of faculty A with its liaison, and the liaison of faculty B."""
    university = make_university()
    a, b = make_faculty(university), make_faculty(university)
    ours, theirs = make_user("Liaison A"), make_user("Liaison B")
    make_liaison(ours, university, a)
    make_liaison(theirs, university, b)
    return liaison_run(university=university, faculty=a), ours, theirs


# --- the university's queue


def test_a_liaison_sees_their_faculty_only(queue, client_of):
    run, ours, theirs = queue
    address = reverse("reviews:act", args=[run.pk])
    assert run.application.title in client_of(ours).get(reverse("reviews:queue")).content.decode()
    assert run.application.title not in client_of(theirs).get(reverse("reviews:queue")).content.decode()
    page = client_of(ours).get(address)
    assert page.status_code == 200
    assert 'id="a-abstract"' in page.content.decode()
    assert 'id="a-unsuitable"' not in page.content.decode()
    applicant = run.application.project.pi_user
    for someone in (theirs, applicant, "stranger", "reviewer"):
        assert client_of(someone).get(address).status_code == 404
        assert client_of(someone).post(address, {"opinion": "endorse"}).status_code == 404
    assert client_of("stranger").get(reverse("reviews:queue")).status_code == 404
    assert Client().get(address).status_code == 302


def test_endorsing_moves_the_application_on_and_the_second_liaison_is_told(queue, client_of):
    run, ours, _theirs = queue
    second = make_user()
    make_liaison(second, run.application.project.university)
    address = reverse("reviews:act", args=[run.pk])
    assert client_of(ours).post(address, {"opinion": "endorse", "days": "5"}).status_code == 302
    late = client_of(second).post(address, {"opinion": "object", "comment_committee": "No", "days": "5"})
    assert late.status_code == 409
    assert "Liaison A has already dealt with this" in late.content.decode()
    assert list(run.reviews.values_list("opinion", flat=True)) == ["endorse"]
    assert "endorse" in client_of(second).get(address).content.decode()


def test_returning_opens_questions_and_the_difference_is_shown_when_it_comes_back(queue, client_of):
    run, ours, _theirs = queue
    address = reverse("reviews:act", args=[run.pk])
    refused = client_of(ours).post(
        address, {"opinion": "return", "comment_applicant": "Be precise", "days": "5"}
    )
    assert refused.status_code == 422
    assert "Be precise" in refused.content.decode()
    data = {"opinion": "return", "comment_applicant": "Please", "comment-abstract": "Be precise", "days": "3"}
    assert client_of(ours).post(address, data).status_code == 302
    application = run.application
    application.refresh_from_db()
    assert application.state == "returned"
    assert list(application.returns.get().items.values_list("question__question__key", "comment")) == [
        ("abstract", "Be precise")
    ]
    pi = application.project.pi_user
    save_answer(application, "abstract", "A precise summary.", actor=pi, revision=None)
    submit_application(application, actor=pi)
    services.on_resubmitted(application.pk)
    page = client_of(ours).get(address).content.decode()
    assert "What changed from version 1 to version 2" in page
    assert "<ins>" in page


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"opinion": "pass"},
        {"opinion": "endorse", "days": "0"},
        {"opinion": "return", "days": "999", "open-abstract": "on"},
        {"opinion": "object", "days": "5"},
        {"opinion": "endorse", "comment_committee": "字" * 9000},
        {"opinion": "\x00"},
    ],
)
def test_bad_input_is_never_an_error_of_the_server(queue, client_of, data):
    run, ours, _theirs = queue
    response = client_of(ours).post(reverse("reviews:act", args=[run.pk]), data)
    assert response.status_code in (302, 422)
    if response.status_code == 422:
        run.refresh_from_db()
        assert run.state == "active"


# --- reviewers


def test_an_invited_reviewer_sees_enough_for_a_conflict_and_no_text(client_of, people):
    run = expert_run(secret_note="park only")
    review = make_review(run, people("reviewer"))
    page = client_of("reviewer").get(review.get_absolute_url()).content.decode()
    assert run.application.title in page
    assert str(run.application.organisation.name) in page
    assert "用多模态大模型预测药物反应。" not in page  # the summary comes once declared
    assert "data-apply" not in page
    for someone in ("other_reviewer", "stranger", "founder"):
        assert client_of(someone).get(review.get_absolute_url()).status_code == 404


def test_a_blind_stage_names_nobody(client_of, people):
    call = make_review_call("expert", "decision", changes={"expert": {"blindness": "double"}})
    run = expert_run(call)
    review = make_review(run, people("reviewer"))
    client = client_of("reviewer")
    organisation = run.application.organisation
    owner = organisation.memberships.get().user
    pages = [client.get(review.get_absolute_url()).content.decode()]
    accept(review)
    pages.append(client.get(review.get_absolute_url()).content.decode())
    for page in pages:
        assert organisation.name not in page
        assert owner.name not in page


def test_an_accepted_reviewer_reads_what_reviewers_see_and_nothing_else(client_of, people):
    run = expert_run(secret_note="park only", unsuitable="某专家")
    review = make_review(run, people("reviewer"), accepted=True)
    page = client_of("reviewer").get(review.get_absolute_url()).content.decode()
    assert "用多模态大模型预测药物反应。" in page
    assert "park only" not in page
    assert "某专家" not in page


def test_accepting_by_click_twice(client_of, people):
    review = make_review(person=people("reviewer"))
    address = reverse("reviews:accept", args=[review.pk])
    for _ in range(2):
        assert client_of("reviewer").post(address, {"pledge": "on"}).status_code == 302
    assert client_of("reviewer").get(address).status_code == 302
    assert client_of("other_reviewer").post(address).status_code == 404
    review.refresh_from_db()
    assert review.state == "accepted"


def test_declining_and_declaring_a_conflict(client_of, people):
    first, second = make_review(person=people("reviewer")), make_review(person=people("reviewer"))
    client = client_of("reviewer")
    decline, recuse = reverse("reviews:decline", args=[first.pk]), reverse("reviews:recuse", args=[second.pk])
    assert client.get(decline).status_code == 200
    assert client.post(decline, {"reason": ""}).status_code == 422
    assert client.post(decline, {"reason": "Travelling"}).status_code == 302
    assert client.post(recuse, {"kind": "other", "note": ""}).status_code == 422
    assert client.post(recuse, {"kind": "nonsense", "note": "x"}).status_code == 422
    assert client.post(recuse, {"kind": "coauthor", "note": ""}).status_code == 302
    assert client.get(recuse).status_code == 302
    assert Conflict.objects.get().kind == "coauthor"
    page = client.get(second.get_absolute_url()).content.decode()
    assert "no longer shown to you" in page
    assert "用多模态大模型预测药物反应。" not in page


def save(client, review, key, raw, revision, **headers):
    return client.post(
        reverse("reviews:save", args=[review.pk, key]),
        json.dumps({"raw": raw, "revision": revision}),
        content_type="application/json",
        headers={"accept": "application/json", **headers},
    )


def test_each_field_is_saved_as_it_is_typed(client_of, people):
    review = make_review(person=people("reviewer"), accepted=True)
    client = client_of("reviewer")
    criterion = review.run.stage.criteria.get(label_en="Novelty")
    first = save(client, review, f"criterion-{criterion.pk}", "8", 1).json()
    assert (first["revision"], first["done"], first["wanted"]) == (2, 1, 6)
    assert "80.00" in first["eligibility"]
    # Another field, written upon the revision its page was made with, is no conflict.
    assert save(client, review, "comment_committee", "Good\x00", 1).json()["raw"] == "Good"
    stale = save(client, review, f"criterion-{criterion.pk}", "9", 1)
    assert (stale.status_code, stale.json()["code"], stale.json()["raw"]) == (409, "conflict", "8")
    na = review.run.stage.criteria.get(allow_na=True)
    assert save(client, review, f"criterion-{na.pk}", "na", 3).json()["raw"] == "na"
    assert "80.00" in save(client, review, "opinion", "fund", 3).json()["eligibility"]


@pytest.mark.parametrize(
    ("key", "raw", "status"),
    [
        ("opinion", "pass", 400),
        ("opinion", ["fund"], 400),
        ("confidence", {"a": 1}, 400),
        ("comment_committee", ["x"], 400),
        ("comment_committee", "字" * 8001, 400),
        ("nonsense", "x", 400),
        ("criterion-1x", "1", 400),
        ("criterion-999999999", "1", 400),
    ],
)
def test_bad_fields_are_refused_in_words(client_of, people, key, raw, status):
    review = make_review(person=people("reviewer"), accepted=True)
    response = save(client_of("reviewer"), review, key, raw, 1)
    assert response.status_code == status
    assert response.json()["message"]


@pytest.mark.parametrize("raw", ["字" * 1001, {"a": 1}, ["x"], 5, "\ud800"])
def test_a_note_is_kept_as_it_was_written_or_refused(client_of, people, raw):
    review = make_review(person=people("reviewer"), accepted=True)
    criterion = review.run.stage.criteria.get(label_en="Novelty")
    client = client_of("reviewer")
    assert save(client, review, f"criterion-{criterion.pk}-note", "字" * 1000, 1).status_code == 200
    response = save(client, review, f"criterion-{criterion.pk}-note", raw, 2)
    assert response.status_code == 400
    assert response.json()["message"]
    assert review.scores.get(criterion=criterion).note == "字" * 1000


@pytest.mark.parametrize("key", ["comment_committee", "comment_applicant", "opinion", "confidence"])
def test_half_a_character_is_refused_in_words(client_of, people, key):
    review = make_review(person=people("reviewer"), accepted=True)
    response = save(client_of("reviewer"), review, key, "\ud800", 1)
    assert response.status_code == 400
    assert response.json()["message"]


def test_bad_bodies_are_refused(client_of, people):
    review = make_review(person=people("reviewer"), accepted=True)
    address = reverse("reviews:save", args=[review.pk, "opinion"])
    client = client_of("reviewer")
    for body in (b"", b"[]", b"\xff", b'{"revision": "x"}', b"[" * 20000):
        response = client.post(
            address, body, content_type="application/json", headers={"accept": "application/json"}
        )
        assert response.status_code == 400
    assert save(client, review, "opinion", "fund", 1, x_typist="0").status_code == 401
    assert save(client_of("other_reviewer"), review, "opinion", "fund", 1).status_code == 404
    assert save(Client(), review, "opinion", "fund", 1).status_code == 401


def test_what_can_no_longer_be_saved_says_so(client_of, people):
    review = make_review(person=people("reviewer"), accepted=True)
    services.release_reviewer(review, actor=make_staff("officer"))
    response = save(client_of("reviewer"), review, "opinion", "fund", 1)
    assert (response.status_code, response.json()["code"]) == (409, "review_over")


def form_of(review, **fields):
    data = {}
    for criterion in review.run.stage.criteria.all():
        data[f"criterion-{criterion.pk}"] = "7"
    data |= {
        "opinion": "fund",
        "confidence": "3",
        "comment_committee": "Sound.",
        "comment_applicant": "Go on.",
        **fields,
    }
    return {**data, **{f"revision-{key}": str(review.revision) for key in data}}


def test_what_was_sent_after_the_session_ended_is_saved_after_signing_in(client_of, people):
    review = make_review(expert_run(), people("reviewer"), accepted=True)
    client = client_of("reviewer")
    page = client.get(review.get_absolute_url()).content.decode()
    typist = re.search(r'name="typist" value="([^"]+)"', page).group(1)
    client.cookies.pop("sessionid")
    sent = {**form_of(review, comment_committee="Written for an hour."), "typist": typist}
    assert client.post(review.get_absolute_url(), sent).status_code == 302
    client.force_login(people("reviewer"))
    answer = client.get(review.get_absolute_url())
    assert (answer.status_code, answer.url) == (302, review.get_absolute_url())
    review.refresh_from_db()
    assert review.comment_committee == "Written for an hour."
    assert client.get(review.get_absolute_url()).status_code == 200
    # Somebody else's old tab, sent in this browser, is not this person's review.
    answer = client_of("other_reviewer").post(review.get_absolute_url(), sent)
    assert (answer.status_code, "nothing was saved" in answer.content.decode()) == (401, True)


def test_without_a_script_one_click_saves_everything_and_another_submits(client_of, people):
    review = make_review(expert_run(), people("reviewer"), accepted=True)
    client = client_of("reviewer")
    check = reverse("reviews:submit", args=[review.pk])
    assert "6 things are missing" in client.get(check).content.decode()
    response = client.post(review.get_absolute_url(), {**form_of(review), "next": "check"})
    assert (response.status_code, response.url) == (302, check)
    review.refresh_from_db()
    assert client.post(check, {"revision": review.revision}).status_code == 422
    for _ in range(2):
        assert client.post(check, {"revision": review.revision, "pledge": "on"}).status_code == 302
    review.refresh_from_db()
    assert (review.state, str(review.score), review.opinion) == ("submitted", "70.00", "fund")
    page = client.get(review.get_absolute_url()).content.decode()
    assert "Sound." in page
    assert "data-apply" not in page
    again = client.post(review.get_absolute_url(), {**form_of(review), "opinion": "do_not_fund"})
    assert again.status_code == 409
    review.refresh_from_db()
    assert review.opinion == "fund"


def test_without_a_script_a_refused_field_keeps_what_was_typed_and_saves_the_rest(client_of, people):
    review = make_review(person=people("reviewer"), accepted=True)
    data = form_of(review, comment_committee="字" * 8001)
    response = client_of("reviewer").post(review.get_absolute_url(), data)
    assert response.status_code == 422
    assert "字" * 8001 in response.content.decode()
    review.refresh_from_db()
    assert (review.opinion, review.comment_committee) == ("fund", "")


def test_without_a_script_two_tabs_are_shown_both_texts(client_of, people):
    review = make_review(person=people("reviewer"), accepted=True)
    data = form_of(review)
    services.save_review(review, actor=review.reviewer, revision=None, comment_committee="Other tab")
    response = client_of("reviewer").post(review.get_absolute_url(), data)
    assert response.status_code == 409
    page = response.content.decode()
    assert "Other tab" in page
    assert "Sound." in page


def test_submitting_what_changed_in_another_tab_is_refused(client_of, people):
    review = fill_review(make_review(person=people("reviewer"), accepted=True))
    services.save_review(review, actor=review.reviewer, revision=None, comment_applicant="later")
    response = client_of("reviewer").post(
        reverse("reviews:submit", args=[review.pk]), {"revision": review.revision - 1, "pledge": "on"}
    )
    assert response.status_code == 409
    review.refresh_from_db()
    assert review.state == "accepted"


def test_the_profile_takes_lists_as_people_write_them(client_of, people):
    client = client_of("reviewer")
    address = reverse("reviews:profile")
    data = {"institution": "Institute", "title": "", "keywords": "AI，大模型、AI\nBT", "capacity": "4"}
    assert client.get(address).status_code == 200
    assert client.post(address, data).status_code == 302
    entry = Reviewer.objects.get(user=people("reviewer"))
    assert (entry.keywords, entry.capacity, entry.active) == (["AI", "大模型", "BT"], 4, False)
    assert client.post(address, {**data, "keywords": ",".join(map(str, range(30)))}).status_code == 422
    assert client.post(address, {**data, "capacity": "-1"}).status_code == 422
    assert client_of("stranger").get(address).status_code == 404


# --- the public notice


def test_anyone_reads_the_notice_and_objects_while_it_runs():
    line = under_notice()
    waiting = make_application(line.notice.call, title="Not to be seen")
    page = Client().get(reverse("reviews:notices")).content.decode()
    assert line.notice.get_absolute_url() in page
    page = Client().get(line.notice.get_absolute_url()).content.decode()
    assert line.application.title in page
    assert waiting.title not in page
    address = reverse("reviews:object", args=[line.pk])
    assert Client().get(address).status_code == 200
    assert Client().post(address, {"name": "", "text": "x"}).status_code == 422
    data = {"name": "He", "email": "he@example.com", "text": "Copied from a paper. 🧪"}
    assert Client().post(address, {**data, "name": "He\x00"}).status_code == 422
    here = f"2001:db8::{token_hex(2)}"
    assert Client().post(address, data, REMOTE_ADDR=here).status_code == 302
    objection = Objection.objects.get()
    assert (objection.name, objection.text) == ("He", "Copied from a paper. 🧪")
    services.take_out(line, actor=make_staff("officer"), reason="x")
    assert Client().get(address).status_code == 404


def test_a_flood_of_objections_is_slowed_down(client_of):
    first, second = (f"2001:db8::{token_hex(2)}:{n}" for n in (1, 2))
    address = reverse("reviews:object", args=[under_notice().pk])
    said = {"name": "He", "email": "he@example.com"}
    codes = [
        Client().post(address, {**said, "text": f"No {n}"}, REMOTE_ADDR=first).status_code for n in range(7)
    ]
    assert codes == [302] * 5 + [422] * 2
    assert Client().post(address, {**said, "text": "No"}, REMOTE_ADDR=second).status_code == 302


# --- the home, files, cost


def test_the_home_says_what_is_due(client_of, people, queue):
    run, ours, theirs = queue
    review = make_review(person=people("reviewer"))
    assert run.application.title in client_of(ours).get("/").content.decode()
    assert run.application.number not in client_of(theirs).get("/").content.decode()
    assert review.application.number in client_of("reviewer").get("/").content.decode()
    assert review.application.number not in client_of("other_reviewer").get("/").content.decode()


def test_the_home_counts_more_than_it_lists_and_leads_to_the_queue(client_of, queue):
    run, ours, theirs = queue
    project = run.application.project
    runs = [
        run,
        *(liaison_run(university=project.faculty.organisation, faculty=project.faculty) for _ in range(8)),
    ]
    for number, one in enumerate(runs):
        days = -1 if number < 7 else 3 if number == 7 else 30
        StageRun.objects.filter(pk=one.pk).update(due_at=timezone.now() + timedelta(days=days))
    client = client_of(ours)
    home, address = client.get("/"), reverse("reviews:queue")
    assert [(one.name, one.number, one.url) for one in home.context["figures"]] == [
        ("over", 7, f"{address}?due=over"),
        ("today", 0, ""),
        ("week", 1, f"{address}?due=week"),
    ]
    assert f'href="{address}?due=over"' in home.content.decode()
    for name, number in (("over", 7), ("today", 0), ("week", 1), ("nonsense", 9)):
        assert len(client.get(f"{address}?due={name}").context["lines"]) == number, name
    assert [one.number for one in client_of(theirs).get("/").context["figures"]] == [0, 0, 0]


def test_going_back_asks_the_server_for_what_was_written(client_of, people):
    review = make_review(person=people("reviewer"), accepted=True)
    for name in ("detail", "submit"):
        page = client_of("reviewer").get(reverse(f"reviews:{name}", args=[review.pk]))
        assert (page.status_code, "no-store" in page["Cache-Control"]) == (200, True)


def test_only_an_accepted_reviewer_reads_files_and_only_those_shown(people):
    from funding.reviews.reading import may_read_file

    review = make_review(person=people("reviewer"))
    number = str(review.application_id)
    assert may_read_file(people("reviewer"), number, "no-such") is False
    assert may_read_file(people("stranger"), number, "x") is False
    assert may_read_file(people("reviewer"), "x", "x") is False


@pytest.mark.parametrize("blind", [True, False])
def test_a_file_of_a_blind_stage_does_not_name_its_applicant(blind, client_of, people):
    call = make_form_call(opened=False)
    stage = Stage.objects.create(
        call=call,
        position=1,
        name_zh_hans="评审",
        **{**STAGES["expert"], "blindness": "double" if blind else "single"},
    )
    Criterion.objects.create(stage=stage, position=1, label_zh_hans="创新性", label_en="Novelty")
    advance(call, "publish", actor=SYSTEM, changes={"published_at": timezone.now()})
    application = make_submitted(advance(call, "open", actor=SYSTEM))
    services.on_submitted(application.pk)
    review = make_review(application.runs.get(), people("reviewer"), accepted=True)
    document = application.files.get().document
    services.make_copies(application.versions.get())
    shown = document.clean_copy.document if blind else document
    page = client_of("reviewer").get(review.get_absolute_url()).content.decode()
    assert shown.get_absolute_url() in page
    sent = client_of("reviewer").get(shown.get_absolute_url())["Content-Disposition"]
    application.refresh_from_db()
    if blind:
        assert sent == f'attachment; filename="{application.number}-file-1.pdf"'
        assert document.name not in page
    else:
        assert quote(document.name) in sent
    assert client_of("other_reviewer").get(document.get_absolute_url()).status_code == 404
    owner = client_of(application.created_by).get(document.get_absolute_url())["Content-Disposition"]
    assert quote(document.name) in owner


def test_pages_cost_a_fixed_number_of_queries(client_of, people, queue):
    run, ours, _theirs = queue
    review = make_review(person=people("reviewer"), accepted=True)
    invited = make_review(person=people("reviewer"))
    done = submitted_review(expert_run(), person=people("reviewer"))
    for who, address in (
        (ours, reverse("reviews:act", args=[run.pk])),
        ("reviewer", review.get_absolute_url()),
        ("reviewer", invited.get_absolute_url()),
        ("reviewer", done.get_absolute_url()),
        ("reviewer", reverse("reviews:submit", args=[review.pk])),
    ):
        client = client_of(who)
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        assert len(captured) <= 12, "\n".join([address, *(q["sql"][:150] for q in captured)])


def test_reviews_of_strangers_are_not_listed(client_of, people):
    review = make_review(person=people("other_reviewer"))
    assert (
        review.application.number not in client_of("reviewer").get(reverse("reviews:list")).content.decode()
    )
    assert Review.objects.visible_to(people("reviewer")).count() == 0
    assert make_expert is not None


def test_reviewers_own_list_begins_with_what_is_due_first(client_of, people):
    me = people("reviewer")
    old, done = submitted_review(expert_run(), person=me), submitted_review(expert_run(), person=me)
    late = make_review(person=me, accepted=True)
    invited, soon = make_review(person=me), make_review(person=me)
    now = timezone.now()
    for review, days in ((late, -3), (soon, 1), (invited, 9)):
        Review.objects.filter(pk=review.pk).update(due_at=now + timedelta(days=days))
    Review.objects.filter(pk=old.pk).update(assigned_at=now - timedelta(days=300))

    rows = client_of("reviewer").get(reverse("reviews:list")).context["page"].rows

    assert rows == [late, soon, invited, done, old]
