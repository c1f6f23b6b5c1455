"""Who learns what of whom: single, double and open stages, by every door; the files that double-blind reviewers get."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from funding.applications.redaction import MARK
from funding.applications.services import add_file, remove_file, submit_application
from funding.calls import building
from funding.calls.questions import type_of
from funding.calls.states import Blindness
from funding.decisions import services as decisions
from funding.models import CallQuestion, CleanCopy, Criterion, Review, Stage
from funding.reviews import services
from park_portal.core.audit.models import Entry
from park_portal.core.documents.models import Document
from park_portal.core.errors import DomainError
from park_portal.core.outbox.models import Message
from park_portal.core.workflow import SYSTEM, advance
from tests.callers import Caller
from tests.core.documents import authored
from tests.core.documents.samples import compound
from tests.factories.applications import FORM, make_application, make_call
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_organisation
from tests.factories.reviews import (
    STAGES,
    expert_run,
    fill_review,
    make_expert,
    make_review,
    make_review_call,
)

pytestmark = pytest.mark.django_db

FILES = {"extensions": ["pdf", "docx", "xlsx", "doc"], "max_files": 5}


def blind_call(blindness=Blindness.DOUBLE, *, redacted=()):
    """An open call with an expert stage and a question of files of any kind."""
    form = [(*row[:5], FILES if row[1] == "plan" else row[5], row[6]) for row in FORM]
    call = make_call(opened=False, form=form, lead=make_staff("lead", name="Lead"))
    CallQuestion.objects.filter(call=call, question__key__in=redacted).update(redacted=True)
    stage = Stage.objects.create(
        call=call, position=1, name_zh_hans="评审", **{**STAGES["expert"], "blindness": blindness}
    )
    Criterion.objects.create(stage=stage, position=1, label_zh_hans="创新性", label_en="Novelty")
    advance(call, "publish", actor=SYSTEM, changes={"published_at": timezone.now()})
    return advance(call, "open", actor=SYSTEM)


def submitted(call, *files, **answers):
    """An application of 上海青芯生物科技有限公司 with these files (name, content), whose copies are made."""
    organisation = make_organisation(
        "上海青芯生物科技有限公司",
        owner=make_user("赵若溪"),
        name_en="Qingxin Biotech Co., Ltd.",
        contact_phone="021-59200001",
    )
    application = make_application(call, organisation=organisation, answers=answers)
    if files:
        remove_file(application.files.get(), actor=application.created_by)
    for name, content in files:
        add_file(application, "plan", ContentFile(content, name=name), actor=application.created_by)
    submit_application(application, actor=application.created_by)
    services.on_submitted(application.pk)
    application.refresh_from_db()
    return application


def made(application):
    return services.make_copies(application.versions.get())


def review_of(application, person):
    return make_review(application.runs.get(), person, accepted=True)


# --- the files


def test_reviewers_of_a_double_blind_stage_get_clean_copies_and_nothing_else(client_of, people):
    application = submitted(
        blind_call(),
        ("林若溪-计划书.pdf", authored.pdf()),
        ("青芯.docx", authored.docx()),
        ("b.xlsx", authored.xlsx()),
    )
    assert made(application) == 3
    review = review_of(application, people("reviewer"))
    originals = [file.document for file in application.files.filter(removed_at__isnull=True).order_by("pk")]
    copies = [original.clean_copy.document for original in originals]
    client, api = client_of("reviewer"), Caller(people("reviewer"))
    page = client.get(review.get_absolute_url()).content.decode()
    said = api.get(f"/reviews/{review.pk}/application/").json()
    for original, copy in zip(originals, copies, strict=True):
        for text in (page, str(said)):
            assert copy.get_absolute_url() in text
            for word in (str(original.public_id), original.name, original.sha256):
                assert word not in text
        # The original by no door, also where its address is guessed.
        assert client.get(original.get_absolute_url()).status_code == 404
        assert api.get(f"/documents/{original.public_id}/").status_code == 404
        assert api.get(f"/documents/{original.public_id}/content/").status_code == 404
        sent = client.get(copy.get_absolute_url())
        content = b"".join(sent.streaming_content)
        assert not [
            mark
            for mark in authored.MARKS
            if mark.lower().encode() in authored.everything_in(content).lower()
        ]
        assert sent["Content-Disposition"] == f'attachment; filename="{copy.name}"'
        assert copy.name.startswith(f"{application.number}-file-")
        assert client_of("other_reviewer").get(copy.get_absolute_url()).status_code == 404
        assert client_of("stranger").get(copy.get_absolute_url()).status_code == 404
        # The applicant has no business with copies: their names tell when and that somebody looks.
        assert client_of(application.created_by).get(copy.get_absolute_url()).status_code == 404
        assert client_of("officer").get(copy.get_absolute_url()).status_code == 200
    assert [copy.name.rpartition(".")[2] for copy in copies] == ["pdf", "docx", "xlsx"]


def test_until_the_copy_is_there_nothing_is_shown_and_it_is_asked_for(client_of, people):
    application = submitted(blind_call(), ("plan.pdf", authored.pdf()))
    review = review_of(application, people("reviewer"))
    Message.objects.filter(topic="review.copies").delete()
    original = application.files.get(removed_at__isnull=True).document
    client = client_of("reviewer")
    page = client.get(review.get_absolute_url()).content.decode()
    assert "It is being prepared for you." in page
    assert str(original.public_id) not in page
    assert client.get(original.get_absolute_url()).status_code == 404
    # First access asks for it, once.
    client.get(review.get_absolute_url())
    (message,) = Message.objects.filter(topic="review.copies")
    assert message.payload == {"version": application.versions.get().pk}


def test_copies_are_asked_for_on_submission_and_made_once(people):
    application = submitted(blind_call(), ("plan.pdf", authored.pdf()))
    assert Message.objects.filter(topic="review.copies").count() == 1
    assert (made(application), made(application)) == (1, 0)
    assert Document.objects.filter(kind__startswith="copy:").count() == 1
    # An earlier revision of the cleaning is made anew.
    CleanCopy.objects.update(revision=0)
    assert made(application) == 1
    assert Document.objects.filter(kind__startswith="copy:").current().count() == 1


@pytest.fixture
def client_of(client_of):
    """Clients that read English."""

    def login(who):
        client = client_of(who)
        client.cookies["django_language"] = "en"
        return client

    return login


@pytest.mark.parametrize("blindness", [Blindness.SINGLE, Blindness.OPEN])
def test_where_reviewers_see_who_applies_they_get_the_files_as_sent(blindness, client_of, people):
    application = submitted(blind_call(blindness), ("计划.pdf", authored.pdf()))
    assert (made(application), Message.objects.filter(topic="review.copies").count()) == (0, 0)
    review = review_of(application, people("reviewer"))
    document = application.files.get(removed_at__isnull=True).document
    page = client_of("reviewer").get(review.get_absolute_url()).content.decode()
    assert "计划.pdf" in page
    assert client_of("reviewer").get(document.get_absolute_url()).status_code == 200


def test_a_file_that_cannot_be_cleaned_is_shown_to_nobody_and_staff_are_told_once(client_of, people):
    officer = people("officer")
    application = submitted(
        blind_call(), ("旧版.doc", compound("WordDocument")), ("plan.pdf", authored.pdf())
    )
    assert made(application) == 2
    assert made(application) == 0
    copy = CleanCopy.objects.get(problem="old_format")
    assert copy.document is None
    review = review_of(application, people("reviewer"))
    page = client_of("reviewer").get(review.get_absolute_url()).content.decode()
    assert "It cannot be shown without telling who applies. The park office has been told." in page
    assert "旧版" not in page
    assert client_of("reviewer").get(copy.original.get_absolute_url()).status_code == 404
    (notice,) = Message.objects.filter(key__startswith="review.file_unclean:")
    assert officer.pk in notice.payload["recipients"]
    assert "旧版.doc" in notice.payload["context"]["files"]["zh-hans"]


# --- blacking out


def test_names_are_blacked_out_where_the_question_says_so(client_of, people):
    text = "青芯生物的林若溪用类器官做药筛，电话 021-59200001。"
    application = submitted(blind_call(redacted=["abstract"]), abstract=text)
    review = review_of(application, people("reviewer"))
    page = client_of("reviewer").get(review.get_absolute_url()).content.decode()
    hidden = f'<span class="blacked-out"><span aria-hidden="true">{MARK}</span><span class="visually-hidden">hidden</span></span>'
    assert f"{hidden}的林若溪用类器官做药筛，电话 {hidden}。" in page
    said = Caller(people("reviewer")).get(f"/reviews/{review.pk}/application/").json()
    texts = [q["text"] for section in said["sections"] for q in section["questions"]]
    assert f"{MARK}的林若溪用类器官做药筛，电话 {MARK}。" in texts
    for word in ("青芯", "59200001"):
        assert word not in page
        assert word not in str(said)


def test_the_team_itself_is_blacked_out(client_of, people):
    application = submitted(blind_call(redacted=["abstract"]))
    owner = application.created_by
    answers = application.versions.get().answers
    assert owner.name
    review = review_of(application, people("reviewer"))
    page = client_of("reviewer").get(review.get_absolute_url()).content.decode()
    assert owner.name not in page
    assert answers["abstract"] in page


@pytest.mark.parametrize("blindness", [Blindness.SINGLE, Blindness.OPEN])
def test_nothing_is_blacked_out_where_reviewers_see_who_applies(blindness, client_of, people):
    text = "青芯生物用类器官做药筛。"
    application = submitted(blind_call(blindness, redacted=["abstract"]), abstract=text)
    review = review_of(application, people("reviewer"))
    page = client_of("reviewer").get(review.get_absolute_url()).content.decode()
    assert text in page
    assert MARK not in page


# --- open stages


def decided(blindness):
    """A review with a comment for the applicant, and the decision on it."""
    call = make_review_call(
        "expert", "decision", changes={"expert": {"blindness": blindness, "required_count": 1}}
    )
    run = expert_run(call)
    person = make_expert("评审人甲")
    review = fill_review(make_review(run, person, accepted=True), comment_applicant="Well argued.")
    services.submit_review(review, actor=person, pledge=True)
    lead = make_staff("lead")
    run.application.refresh_from_db()
    (decision,) = decisions.propose_decisions([decisions.Proposal(run.application, "decline")], actor=lead)
    return decision, lead


@pytest.mark.parametrize("blindness", Blindness.values)
def test_applicants_learn_who_reviewed_after_the_decision_of_an_open_stage_only(blindness, client_of):
    decision, lead = decided(blindness)
    application = decision.application
    applicant = application.created_by
    doors = (
        reverse("decisions:outcome", args=[application.pk]),
        application.get_absolute_url(),
        reverse("applications:version", args=[application.pk, 1]),
    )
    client, api = client_of(applicant), Caller(applicant)
    before = [client.get(door).content.decode() for door in doors]
    assert not [page for page in before if "评审人甲" in page]
    assert api.get(f"/outcomes/{application.pk}/").status_code == 404
    (letter,) = decisions.write_letters([decision], actor=lead)
    decisions.check_letter(letter, actor=lead)
    decisions.release_decisions([decision], actor=lead)
    pages = [client.get(door).content.decode() for door in doors]
    said = api.get(f"/outcomes/{application.pk}/").json()
    is_open = blindness == Blindness.OPEN
    assert [("评审人甲" in page) for page in pages] == [is_open, False, False]
    assert said["reviewers"] == (["评审人甲"] if is_open else [])
    assert said["comments"] == [{"text": "Well argued.", "reviewer": "评审人甲" if is_open else ""}]


@pytest.mark.parametrize(
    ("blindness", "told"),
    [
        (Blindness.SINGLE, "applicants are never told who reviewed"),
        (Blindness.DOUBLE, "you are not told who applies"),
        (Blindness.OPEN, "your name is told to the applicant"),
    ],
)
def test_reviewers_are_told_before_they_accept(blindness, told, client_of, people):
    call = make_review_call("expert", "decision", changes={"expert": {"blindness": blindness}})
    review = make_review(expert_run(call), people("reviewer"))
    page = client_of("reviewer").get(review.get_absolute_url()).content.decode()
    assert told in page.lower().replace("\n", " ")
    assert Caller(people("reviewer")).get(f"/reviews/{review.pk}/").json()["blindness"] == blindness


# --- names left


def test_before_submitting_applicants_are_warned_of_names_and_may_submit_all_the_same(client_of):
    call = blind_call()
    organisation = make_organisation("上海青芯生物科技有限公司", owner=make_user("赵若溪"))
    application = make_application(
        call, organisation=organisation, answers={"abstract": "赵若溪团队与青芯生物合作，用类器官做药筛。"}
    )
    client, check = client_of(application.created_by), reverse("applications:check", args=[application.pk])
    page = client.get(check).content.decode()
    assert "2 places seem to tell reviewers who you are" in page
    assert f'href="{reverse("applications:form", args=[application.pk])}#q-abstract"' in page
    assert "<mark>赵若溪</mark>团队与青芯生物合作" in page
    said = Caller(application.created_by).get(f"/applications/{application.pk}/names/").json()
    assert [(one["key"], one["kind"], one["text"]) for one in said["results"]] == [
        ("abstract", "person", "赵若溪"),
        ("abstract", "organisation", "青芯生物"),
    ]
    assert client.post(check, {"version": "1"}).status_code == 302
    application.refresh_from_db()
    assert application.state == "in_review"


def test_no_names_are_looked_for_where_reviewers_see_who_applies(client_of):
    call = blind_call(Blindness.SINGLE)
    organisation = make_organisation("上海青芯生物科技有限公司", owner=make_user("赵若溪"))
    application = make_application(call, organisation=organisation, answers={"abstract": "赵若溪团队。"})
    page = client_of(application.created_by).get(reverse("applications:check", args=[application.pk]))
    assert "<mark>" not in page.content.decode()
    assert Caller(application.created_by).get(f"/applications/{application.pk}/names/").json() == {
        "results": []
    }


def test_what_is_blacked_out_or_hidden_is_not_warned_of():
    call = blind_call(redacted=["abstract"])
    organisation = make_organisation("上海青芯生物科技有限公司", owner=make_user("赵若溪"))
    application = make_application(
        call, organisation=organisation, answers={"abstract": "赵若溪", "unsuitable": "赵若溪的老师"}
    )
    said = Caller(application.created_by).get(f"/applications/{application.pk}/names/").json()
    assert said == {"results": []}


def test_staff_see_where_names_stand_in_answers_and_files(client_of, people):
    application = submitted(
        blind_call(),
        ("计划.pdf", authored.pdf("Written by Zhao Ruoxi")),
        ("旧.doc", compound("WordDocument")),
        ("表.xlsx", authored.xlsx("赵若溪")),
        abstract="青芯生物做药筛。",
    )
    made(application)
    run = application.runs.get()
    page = client_of("officer").get(reverse("admin:funding_stagerun_work", args=[run.pk])).content.decode()
    assert "…<mark>青芯生物</mark>做药筛。…" in page
    assert "page 1 <mark>Zhao Ruoxi</mark>" in page
    assert "sheet “Data” <mark>赵若溪</mark>" in page
    assert "It is in an old Office format (.doc, .xls, .ppt)." in page
    said = Caller(people("officer")).get(f"/runs/{run.pk}/names/").json()
    assert [one["text"] for one in said["answers"]] == ["青芯生物"]
    assert [(one["name"], one["problem"], one["names"]) for one in said["files"]] == [
        ("计划.pdf", "", [{"place": "page 1", "text": "Zhao Ruoxi"}]),
        ("旧.doc", "old_format", []),
        ("表.xlsx", "", [{"place": "sheet “Data”", "text": "赵若溪"}]),
    ]
    for someone in ("reviewer", "founder", "liaison", "stranger"):
        assert Caller(people(someone)).get(f"/runs/{run.pk}/names/").status_code in (403, 404)


def test_files_and_titles_cannot_be_blacked_out(people):
    call = make_call(opened=False, lead=make_staff("lead", name="Lead"))
    for key in ("plan", "title", "amount"):
        question = call.questions.get(question__key=key)
        with pytest.raises(DomainError) as refused:
            building.change_question(question, actor=people("officer"), redacted=True)
        assert (refused.value.code, refused.value.field) == ("redacted", "redacted")
    question = building.change_question(
        call.questions.get(question__key="abstract"), actor=people("officer"), redacted=True
    )
    assert question.redacted


def test_tables_are_blacked_out_cell_by_cell():
    columns = [
        {"key": "who", "kind": "text", "zh": "谁", "en": "Who"},
        {"key": "share", "kind": "number", "zh": "占比", "en": "Share"},
    ]
    rows = [{"who": "赵若溪", "share": "50"}, {"who": None, "share": None}]
    shown = type_of("table").redacted(rows, {"columns": columns}, lambda text: text.replace("赵若溪", MARK))
    assert shown == [{"who": MARK, "share": "50"}, {"who": None, "share": None}]
    assert type_of("number").redacted("5", {}, lambda text: MARK) == "5"


def test_what_was_blind_before_is_double_blind_and_answers_have_their_time():
    """Of announced calls, too, whose stages are fixed."""
    filled = import_module("funding.migrations.0016_blindness_filled")
    blind, other = (make_review_call("expert", "decision").stages.get(kind="expert") for _ in range(2))
    declined = make_review(expert_run(make_review_call("expert", "decision")))
    services.decline_review(declined, actor=declined.reviewer, reason="Travelling")
    accepted = make_review(expert_run(make_review_call("expert", "decision")), accepted=True)
    Review.objects.update(answered_at=None)
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE funding_stage DISABLE TRIGGER USER")
        cursor.execute("UPDATE funding_stage SET blind = true WHERE id = %s", [blind.pk])
        cursor.execute("ALTER TABLE funding_stage ENABLE TRIGGER USER")
        cursor.execute(filled.FILL_STAGES)
        cursor.execute(filled.FILL_REVIEWS)
    for row in (blind, other, declined, accepted):
        row.refresh_from_db()
    assert (blind.blindness, other.blindness) == (Blindness.DOUBLE, Blindness.SINGLE)
    assert accepted.answered_at == accepted.accepted_at
    assert declined.answered_at == Entry.objects.get(action="review.decline").at
    with pytest.raises(IntegrityError), transaction.atomic():
        Stage.objects.filter(pk=blind.pk).update(blindness=Blindness.SINGLE)  # fixed again
