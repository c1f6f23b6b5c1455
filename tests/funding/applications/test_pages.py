"""The applicant's pages through their doors, by persona."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from decimal import Decimal

import pypdf
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from funding.applications.models import Answer, AnswerFile, Application, Version
from funding.applications.receipts import receipt_pdf
from funding.applications.services import return_application, save_answer, submit_application
from incubator.organisations.models import Membership
from park_portal.core.documents.models import Document
from tests.factories.applications import (
    PNG,
    fill,
    make_application,
    make_call,
    make_project_application,
    make_submitted,
    pdf,
)
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import (
    make_faculty,
    make_liaison,
    make_organisation,
    make_project,
    make_project_member,
    make_university,
)
from tests.factories.reviews import make_expert

pytestmark = pytest.mark.django_db


def as_(user) -> Client:
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(user)
    return client


def member(application, role):
    user = make_user()
    Membership.objects.create(organisation=application.organisation, user=user, role=role)
    return user


def url(name, application, *args):
    return reverse(f"applications:{name}", args=[application.pk, *args])


def send(client, application, key, raw, revision, **headers):
    return client.post(
        url("answer", application, key),
        json.dumps({"raw": raw, "revision": revision}),
        content_type="application/json",
        headers={"accept": "application/json", **headers},
    )


# --- who sees what


@pytest.mark.parametrize(("name", "args"), [("detail", ()), ("version", (1,)), ("receipt", (1,))])
def test_pages_of_a_submitted_application_by_persona(name, args):
    application = make_submitted()
    people = {
        "owner": application.created_by,
        "editor": member(application, "editor"),
        "viewer": member(application, "viewer"),
        "officer": make_staff(),
        "stranger": make_user(),
        "administrator": make_staff("administrator"),
    }
    found = {who: as_(user).get(url(name, application, *args)).status_code for who, user in people.items()}
    good = 302 if name == "receipt" else 200
    assert found == {
        "owner": good,
        "editor": good,
        "viewer": good,
        "officer": good,
        "stranger": 404,
        "administrator": 404,
    }


def test_the_form_by_persona():
    application = make_application()
    people = {
        "owner": application.created_by,
        "editor": member(application, "editor"),
        "viewer": member(application, "viewer"),
        "officer": make_staff(),
        "stranger": make_user(),
    }
    found = {who: as_(user).get(url("form", application)).status_code for who, user in people.items()}
    # Who only reads is led to the overview.
    assert found == {"owner": 200, "editor": 200, "viewer": 302, "officer": 302, "stranger": 404}


def test_a_liaison_sees_what_was_submitted_and_never_a_draft():
    university = make_university()
    liaison = make_user()
    make_liaison(liaison, university)
    application = make_project_application()
    application.project.university = university
    application.project.save()
    assert as_(liaison).get(url("detail", application)).status_code == 404
    submit_application(application, actor=application.created_by)
    assert as_(liaison).get(url("detail", application)).status_code == 200
    assert as_(liaison).get(url("form", application)).status_code == 302


def test_signed_out_people_are_asked_to_sign_in():
    application = make_application()
    page = Client().get(url("form", application))
    assert (page.status_code, page.url.startswith("/accounts/login/")) == (302, True)
    answer = Client().post(
        url("answer", application, "title"),
        "{}",
        content_type="application/json",
        headers={"accept": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "signed_out")


def test_foreign_and_senseless_numbers_are_not_found():
    client = as_(make_user())
    for number in (0, 999, 2**63, 10**30):
        assert client.get(f"/applications/{number}/").status_code == 404
    assert client.get("/applications/start/NOPE/").status_code == 404
    assert client.get("/applications/start/%00/").status_code == 404


# --- beginning


def test_start_page_offers_what_the_person_may_write_for():
    owner = make_user()
    mine = make_organisation("我的公司", owner=owner)
    make_organisation("只看", owner=make_user(), viewer=owner)
    call = make_call(rules=[{"kind": "in_qingpu", "source": "第三条"}])
    page = as_(owner).get(reverse("applications:start", args=[call.code]))
    entries = {entry["name"]: entry["may_start"] for entry in page.context["applicants"]}
    assert entries == {"我的公司": True, "只看": False}
    text = page.content.decode()
    assert "尚未登记注册地址。" in text
    assert "依据：第三条" in text
    begun = as_(owner).post(
        reverse("applications:start", args=[call.code]), {"applicant": f"organisation-{mine.pk}"}
    )
    application = Application.objects.get()
    assert begun.url == url("form", application)


def test_start_for_somebody_elses_company_is_refused():
    call, stranger = make_call(), make_user()
    theirs = make_organisation(owner=make_user())
    for value in (
        f"organisation-{theirs.pk}",
        "organisation-999999",
        "project-1",
        "x",
        "organisation-" + "9" * 30,
    ):
        page = as_(stranger).post(reverse("applications:start", args=[call.code]), {"applicant": value})
        assert page.status_code == 422
    assert not Application.objects.exists()


# --- saving as typed


def test_an_answer_is_saved_and_the_page_brought_up_to_date():
    application = make_application(filled=False)
    answer = send(as_(application.created_by), application, "title", "新题目", 0)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["revision"], body["raw"], body["title"], body["problems"]) == (1, "新题目", "新题目", [])
    assert (body["done"], body["wanted"]) == (1, 8)
    assert "ethics" not in body["asked"]
    body = send(as_(application.created_by), application, "human", "yes", 0).json()
    assert "ethics" in body["asked"]
    assert (body["done"], body["wanted"]) == (2, 9)


def test_a_stale_save_answers_with_both_texts():
    application = make_application(filled=False)
    owner, editor = application.created_by, member(application, "editor")
    send(as_(owner), application, "abstract", "先写的", 0)
    answer = send(as_(editor), application, "abstract", "后写的", 0)
    body = answer.json()
    assert answer.status_code == 409
    assert (body["code"], body["text"], body["raw"], body["revision"], body["person"]) == (
        "conflict",
        "先写的",
        "先写的",
        1,
        owner.name,
    )
    assert Answer.objects.get().value == "先写的"


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        ("长" * 1_000_000, 400, "too_long"),
        ("空\x00", 400, "refused"),
        ({"a": 1}, 400, "type"),
        ("🧬𠮷", 200, None),
    ],
)
def test_bad_input_is_answered_politely(raw, status, code):
    application = make_application(filled=False)
    answer = send(as_(application.created_by), application, "title", raw, 0)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{", b"\xff\xfe", b'{"raw": "x", "revision": "one"}', b"1"),
        # Without the revision that was written upon, what others typed meanwhile would be lost without a word.
        *(b'{"raw": "x"}', b'{"raw": "x", "revision": null}', b'{"raw": "x", "revision": true}'),
    ],
)
def test_unreadable_messages_are_refused(body):
    application = make_application(filled=False)
    answer = as_(application.created_by).post(
        url("answer", application, "title"),
        body,
        content_type="application/json",
        headers={"accept": "application/json"},
    )
    assert answer.status_code == 400


def test_who_else_signed_in_meanwhile_writes_nothing():
    application = make_application(filled=False)
    owner = application.created_by
    for who in (member(application, "editor"), make_user()):  # the second may not even see the application
        answer = send(as_(who), application, "title", "x", 0, x_typist=str(owner.pk))
        assert (answer.status_code, answer.json()["code"]) == (401, "other_user")
        ping = as_(who).get(
            url("ping", application), headers={"accept": "application/json", "x-typist": str(owner.pk)}
        )
        assert (ping.status_code, ping.json()["code"]) == (401, "other_user")
    assert not Answer.objects.exists()
    ping = as_(owner).get(
        url("ping", application), headers={"accept": "application/json", "x-typist": str(owner.pk)}
    )
    assert ping.json() == {"user": owner.pk}
    assert send(as_(owner), application, "title", "题目甲乙", 0, x_typist=str(owner.pk)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"raw":' + b"[" * 50_000 + b"]" * 50_000 + b',"revision":0}',
        b'{"raw":' + b"[" * 300 + b"]" * 300 + b',"revision":0}',
        b'{"raw":[[[[[1]]]]],"revision":0}',
        b'{"raw":' + b'{"a":' * 300 + b"1" + b"}" * 300 + b',"revision":0}',
        b'{"raw":"x","revision":[]}',
        b"[]",
        b"\xff",
    ],
)
def test_senseless_json_is_refused_in_words(body):
    application = make_application(filled=False)
    client = as_(application.created_by)
    for key in ("title", "team", "fields", "duration", "amount", "start_date"):
        answer = client.post(
            url("answer", application, key),
            body,
            content_type="application/json",
            headers={"accept": "application/json"},
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")
    assert not Answer.objects.exists()


@pytest.mark.parametrize("checks_csrf", [True, False])
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_is_too_long_to_be_sent_stays_on_the_page_before(checks_csrf, content_type):
    application = make_application(filled=False)
    client = Client(enforce_csrf_checks=checks_csrf, headers={"accept-language": "zh-hans"})
    client.force_login(application.created_by)
    client.get(url("form", application))
    if content_type == "multipart/form-data":
        answer = client.post(url("form", application), {"title": "字" * 4_500_000})
    else:
        answer = client.post(
            url("form", application),
            "title=" + "%E5%AD%97" * 1_500_000,
            content_type=content_type,
        )
    text = answer.content.decode()
    assert (answer.status_code, "内容过长" in text, "所填内容仍在" in text) == (400, True, True)
    assert [word for word in ("刷新", "重新加载") if word in text] == []
    assert not Answer.objects.exists()


def test_a_million_characters_are_told_beside_the_question():
    application = make_application(filled=False)
    client = as_(application.created_by)
    sent = {"title": "字" * 1_000_000, "revision-title": "0"}
    answer = client.post(url("form", application), sent)
    text = answer.content.decode()
    assert (answer.status_code, "1,000,000 字" in text) == (422, True)
    assert not Answer.objects.exists()


def test_the_check_begins_with_the_applicant_where_there_is_no_title_and_reads_as_chinese_does():
    application = make_application(filled=False)
    client = as_(application.created_by)
    page = client.get(url("check", application)).content.decode()
    assert f'<p class="lead">{application.organisation.name}</p>' in page
    form = client.get(url("form", application)).content.decode()
    assert "必填项完成情况：" in form
    assert re.search(r'deadline-left">（[^()]+）</span>', form)
    fill(application, actor=application.created_by)
    assert "截止时间：" in client.get(url("check", application)).content.decode()


# --- a session that ended, without a script


def form_data(page, **typed):
    """Return the fields of the form's page as a browser would send them, with some of them typed over."""
    fields = re.findall(r'<input type="hidden" name="((?:revision-|typist)[^"]*)" value="([^"]*)"', page)
    return {**dict(fields), **typed}


def test_what_was_sent_after_the_session_ended_is_saved_after_signing_in(client):
    application = make_application(filled=False)
    owner, stranger = application.created_by, make_user()
    client = as_(owner)
    sent = form_data(
        client.get(url("form", application)).content.decode(), title="写了很久的题目", next="check"
    )
    client.cookies.pop("sessionid")
    for _click in range(2):  # back, and once more
        answer = client.post(url("form", application), sent)
        assert (answer.status_code, answer.url) == (302, f"/accounts/login/?next={url('form', application)}")
    login = client.get(answer.url).content.decode()
    assert "登录已过期，内容尚未保存" in login
    assert not Answer.objects.exists()

    client.force_login(owner)  # signing in by the page takes the session over as well
    answer = client.get(url("form", application))
    assert (answer.status_code, answer.url) == (302, url("check", application))
    assert Answer.objects.get().value == "写了很久的题目"
    assert "登录前填写的内容已保存" in client.get(answer.url).content.decode()
    assert client.get(url("form", application)).status_code == 200
    assert as_(stranger).get(url("form", application)).status_code == 404


def test_what_waits_for_its_writer_shows_conflicts_and_refusals():
    application = make_application(filled=False)
    owner = application.created_by
    client = as_(owner)
    sent = form_data(client.get(url("form", application)).content.decode(), title="我的题目", amount="很多")
    client.cookies.pop("sessionid")
    client.post(url("form", application), sent)
    save_answer(application, "title", "别人的题目", actor=member(application, "editor"))
    client.force_login(owner)
    for _visit in range(2):
        page = client.get(url("form", application))
        assert page.status_code == 409
        text = page.content.decode()
        assert [words in text for words in ("我的题目", "别人的题目", 'value="很多"')] == [True] * 3
    # Once something newer is sent, what waited is gone.
    again = form_data(text, title="我改过的题目")
    assert client.post(url("form", application), again).status_code == 302
    assert Answer.objects.get().value == "我改过的题目"
    assert client.get(url("form", application)).status_code == 200
    assert Answer.objects.get().value == "我改过的题目"


def test_what_waits_is_nobody_elses():
    application = make_application(filled=False)
    owner, editor = application.created_by, member(application, "editor")
    client = as_(owner)
    sent = form_data(client.get(url("form", application)).content.decode(), title="主人写的题目")
    client.cookies.pop("sessionid")
    client.post(url("form", application), sent)
    client.force_login(editor)
    page = client.get(url("form", application))
    assert (page.status_code, "主人写的题目" in page.content.decode()) == (200, False)
    # The owner's old tab, sent while the editor is signed in, is not saved in the editor's name.
    answer = client.post(url("form", application), sent)
    assert (answer.status_code, "请返回上一页" in answer.content.decode()) == (401, True)
    assert not Answer.objects.exists()


def test_nothing_waits_for_who_was_never_here(client):
    application = make_application(filled=False)
    owner = application.created_by
    page = as_(owner).get(url("form", application)).content.decode()
    for sent in ({"title": "x"}, {"title": "x", "typist": "1:forged"}):
        assert client.post(url("form", application), sent).status_code == 302
        assert "held_form" not in client.session
    large = client.post(url("form", application), form_data(page, title="字" * 400_001))
    assert (large.status_code, "请返回上一页" in large.content.decode()) == (400, True)
    assert "held_form" not in client.session


def test_a_role_withdrawn_mid_session_and_the_stranger():
    application = make_application(filled=False)
    editor = member(application, "editor")
    client = as_(editor)
    assert send(client, application, "title", "x", 0).status_code == 200
    Membership.objects.filter(user=editor).update(role="viewer")
    assert send(client, application, "title", "y", 1).status_code == 403
    Membership.objects.filter(user=editor).delete()
    assert send(client, application, "title", "y", 1).status_code == 404
    assert Answer.objects.get().value == "x"


def test_the_deadline_passes_while_typing():
    application = make_application(filled=False)
    client = as_(application.created_by)
    with time_machine.travel(application.call.ends_at + timedelta(seconds=1)):
        client.force_login(application.created_by)
        answer = send(client, application, "title", "zu spät", 0)
        assert (answer.status_code, answer.json()["code"]) == (409, "deadline_passed")
        assert "已于" in answer.json()["message"]
        posted = client.post(url("form", application), {"title": "我写的题目", "revision-title": "0"})
        assert posted.status_code == 409
        assert "我写的题目" in posted.content.decode()
    assert not Answer.objects.exists()


# --- files


def upload(client, application, file, key="plan"):
    return client.post(url("file", application, key), {"file": file}, headers={"accept": "application/json"})


def test_files_come_and_go():
    application = make_application(filled=False)
    client = as_(application.created_by)
    answer = upload(client, application, pdf("方案.pdf"))
    assert answer.status_code == 200
    assert "方案.pdf" in answer.json()["files"]
    file = AnswerFile.objects.get()
    document = client.get(reverse("document", args=[file.document.public_id]))
    assert document.status_code == 200
    assert as_(make_user()).get(reverse("document", args=[file.document.public_id])).status_code == 404
    removed = client.post(url("remove-file", application, file.pk), headers={"accept": "application/json"})
    assert "方案.pdf" not in removed.json()["files"]


def test_a_disguised_file_and_a_foreign_one():
    application, other = make_application(filled=False), make_application()
    client = as_(application.created_by)
    answer = upload(client, application, pdf("假.pdf", PNG))
    assert (answer.status_code, answer.json()["code"]) == (400, "file_type")
    theirs = other.files.get()
    assert client.post(url("remove-file", application, theirs.pk)).status_code == 404
    assert client.post(url("remove-file", other, theirs.pk)).status_code == 404
    assert upload(as_(make_user()), application, pdf()).status_code == 404
    assert upload(client, application, pdf(), key="title").status_code == 400
    assert (
        client.post(url("file", application, "plan"), headers={"accept": "application/json"}).status_code
        == 400
    )


def test_a_file_of_a_hundred_megabytes_is_refused_with_a_reason(settings):
    settings.UPLOAD_REQUEST_MAX = 1024 * 1024
    application = make_application(filled=False)
    answer = upload(
        as_(application.created_by), application, pdf("大.pdf", b"%PDF" + b"x" * (2 * 1024 * 1024))
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "file_too_large")
    assert "大.pdf" in answer.json()["message"]
    assert not Document.objects.exists()


# --- without a script


def whole_form(application, **changes):
    page = {"revision-title": "0", "title": "题目", "revision-abstract": "0", "abstract": "摘要", **changes}
    return page


def test_saving_by_a_click_saves_each_answer():
    application = make_application(filled=False)
    client = as_(application.created_by)
    data = {
        "revision-title": "0",
        "title": "题目",
        "revision-budget": "0",
        "budget-0-item": "设备费",
        "budget-0-amount": "60",
        "budget-1-item": "",
        "budget-1-amount": "",
        "revision-human": "0",
        "human": "yes",
        "revision-amount": "0",
        "amount": "很多钱",
        "revision-consent": "0",
        "consent": "on",
        "plan": pdf(),
    }
    page = client.post(url("form", application), data)
    assert page.status_code == 422
    typed = dict(application.answers.values_list("question__question__key", "value"))
    assert typed == {
        "title": "题目",
        "budget": [{"item": "设备费", "amount": 60_000_000}],
        "human": "yes",
        "consent": True,
    }
    assert application.files.count() == 1
    assert "很多钱" in page.content.decode()
    assert page.context["listed"] == [("amount", "申请经费", "请输入以万元为单位的金额，例如 120.5。")]
    data["amount"] = "60"
    for key in ("title", "budget", "human", "consent"):
        data[f"revision-{key}"] = "1"
    del data["plan"]
    saved = client.post(url("form", application), {**data, "next": "check"})
    assert saved.url == url("check", application)


def test_a_conflict_without_a_script_shows_both_and_overwrites_nothing():
    application = make_application(filled=False)
    owner, editor = application.created_by, member(application, "editor")
    save_answer(application, "abstract", "先写的", actor=owner, revision=0)
    client = as_(editor)
    page = client.post(url("form", application), {"revision-abstract": "0", "abstract": "后写的"})
    text = page.content.decode()
    assert page.status_code == 409
    assert "先写的" in text
    assert "后写的" in text
    assert 'name="revision-abstract" value="1"' in text
    client.post(
        url("form", application), {"revision-abstract": "1", "abstract": "后写的", "take": "abstract"}
    )
    assert Answer.objects.get().value == "先写的"
    client.post(url("form", application), {"revision-abstract": "1", "abstract": "后写的"})
    assert Answer.objects.get().value == "后写的"


def test_the_balance_under_the_budget_uses_the_words_of_the_questions_and_of_the_refusal():
    application = make_application()
    save_answer(application, "amount", "100", actor=application.created_by, revision=0)
    page = as_(application.created_by).get(url("form", application), {"section": "2"}).content.decode()
    balance = re.search(r'<p class="balance.*?</p>', page, re.DOTALL)
    assert re.findall(r"<span>(\S+) <output", balance[0]) == ["申请经费", "预算合计"]


def balance_in(page):
    """What stands under the budget: both amounts, and the verdict that is shown."""
    balance = re.search(r'<p class="balance.*?</p>', page, re.DOTALL)[0]
    amounts = re.findall(r"data-balance-(?:wanted|total)>(.*?)</output>", balance)
    verdicts = re.findall(r'<span class="balance-(\w+)" (hidden)?', balance)
    return *amounts, [name for name, hidden in verdicts if not hidden]


@pytest.mark.parametrize(
    ("amount", "cell", "shown"),
    [
        ("100", "100", ("¥1,000,000.00", "¥1,000,000.00", ["equal"])),
        ("100", "60", ("¥1,000,000.00", "¥600,000.00", ["difference"])),
        ("0", "0", ("¥0.00", "¥0.00", ["equal"])),
        ("很多", "不少", ("—", "—", [])),
        ("很多", "100", ("—", "¥1,000,000.00", [])),
        ("100", "不少", ("¥1,000,000.00", "—", [])),
        ("", "", ("—", "—", [])),
        ("100", "", ("¥1,000,000.00", "—", [])),
    ],
)
@pytest.mark.parametrize("filled", [True, False])
def test_the_balance_judges_only_what_can_be_read(amount, cell, shown, filled):
    application = make_application(filled=filled)
    client = as_(application.created_by)
    sent = {"amount": amount, "budget-0-item": "设备费", "budget-0-amount": cell, "title": ""}
    revisions = {
        f"revision-{key}": Answer.objects.get(question__question__key=key).revision if filled else 0
        for key in ("title", "amount", "budget")
    }
    answer = client.post(url("form", application), {**sent, **revisions}, follow=True)
    assert balance_in(answer.content.decode()) == shown


def test_a_link_of_a_condition_leads_into_the_form():
    application = make_application(make_call(rules=[{"kind": "min_trl", "value": Decimal(4)}]), filled=False)
    owner, viewer = as_(application.created_by), as_(member(application, "viewer"))
    form = url("form", application)

    def links(page):
        return re.findall(r'href="([^"]*#q-trl)">', page.content.decode())

    assert links(owner.get(form)) == ["#q-trl"]
    assert send(owner, application, "title", "新", 0).json()["eligibility"].count('href="#q-trl"') == 1
    assert set(links(owner.get(url("check", application)))) == {f"{form}#q-trl"}
    assert links(owner.get(url("detail", application))) == [f"{form}#q-trl"]
    assert links(viewer.get(url("detail", application))) == []


def test_going_back_asks_the_server_for_the_answers():
    application = make_application()
    client = as_(application.created_by)
    for name in ("form", "check"):
        assert "no-store" in client.get(url(name, application))["Cache-Control"]


def test_the_cards_of_a_table_name_required_columns_as_its_headings_do():
    application = make_application(filled=False)
    page = as_(application.created_by).get(url("form", application)).content.decode()
    budget = page[page.index('data-table="budget"') :]
    assert set(re.findall(r'data-label="([^"]*)"', budget[: budget.index("</template>")])) == {
        "科目 *",
        "金额 * (万元)",
    }


def test_the_cell_that_is_refused_is_marked():
    application = make_application(filled=False)
    sent = {
        "revision-budget": 0,
        **{"budget-0-item": "", "budget-0-amount": " "},
        **{"budget-1-item": "设备费", "budget-1-amount": "60"},
        **{"budget-2-item": "材料费", "budget-2-amount": "不少"},
    }
    page = as_(application.created_by).post(url("form", application), sent)
    assert page.status_code == 422
    tags = re.findall(r"<(?:input|textarea|select)[^>]*>", page.content.decode())
    marked = [tag for tag in tags if "is-invalid" in tag]
    assert [re.search('name="(.*?)"', tag)[1] for tag in marked] == ["budget-2-amount"]
    assert 'aria-invalid="true" aria-describedby="error-budget"' in marked[0]


def test_rows_and_files_are_removed_by_a_click():
    application = make_application()
    file = application.files.get()
    client = as_(application.created_by)
    client.post(url("form", application), {"remove": str(file.pk)})
    assert application.files.get().removed_at is not None
    assert client.post(url("form", application), {"remove": "999999"}).status_code == 404
    assert client.post(url("form", application), {"remove": "x" * 40}).status_code == 302


# --- submitting


def test_the_check_links_to_each_problem():
    application = make_application(answers={"human": "yes"})
    page = as_(application.created_by).get(url("check", application))
    assert [problem["url"] for problem in page.context["problems"]] == [
        f"{url('form', application)}#q-ethics"
    ]
    refused = as_(application.created_by).post(url("check", application), {"version": "1"})
    assert refused.status_code == 422
    assert not Version.objects.exists()


def test_submit_by_page_twice_is_once():
    application = make_application(make_call("WEB-2026"))
    client = as_(application.created_by)
    for _click in range(2):
        page = client.post(url("check", application), {"version": "1"})
        assert page.url == f"{url('detail', application)}?submitted=1"
    assert Version.objects.count() == 1
    detail = client.get(page.url).content.decode()
    assert "编号 WEB-2026-0001" in detail
    assert client.get(url("check", application)).url == url("detail", application)


def test_viewers_and_strangers_do_not_submit():
    application = make_application()
    assert as_(member(application, "viewer")).post(url("check", application), {}).status_code == 403
    assert as_(make_user()).post(url("check", application), {}).status_code == 404
    assert not Version.objects.exists()


def test_a_returned_application_opens_its_questions_with_comments():
    application = make_submitted()
    return_application(
        application,
        actor=make_staff(),
        items={"abstract": "请写得更具体"},
        message="总体良好",
        due_at=timezone.now() + timedelta(days=3),
    )
    client = as_(application.created_by)
    detail = client.get(url("detail", application)).content.decode()
    assert "总体良好" in detail
    assert "请写得更具体" in detail
    page = client.get(url("form", application))
    asks = {
        ask.key: (ask.editable, ask.comment) for section in page.context["sections"] for ask in section.asks
    }
    assert asks["abstract"] == (True, "请写得更具体")
    assert asks["title"] == (False, "")
    assert send(client, application, "title", "x", 1).status_code == 400
    assert send(client, application, "abstract", "更具体的摘要", 1).status_code == 200
    client.post(url("check", application), {"version": "2"})
    changes = client.get(url("changes", application, 2))
    assert [(change.key, change.kind) for change in changes.context["changes"]] == [("abstract", "changed")]
    spans = [(span.kind, span.text) for span in changes.context["changes"][0].spans]
    assert "".join(text for kind, text in spans if kind != "removed") == "更具体的摘要"
    assert client.get(url("changes", application, 1)).status_code == 404
    assert client.get(url("changes", application, 9)).status_code == 404


def test_withdraw_by_page():
    application = make_submitted()
    editor = as_(member(application, "editor"))
    assert editor.get(url("withdraw", application)).status_code == 403
    owner = as_(application.created_by)
    refused = owner.post(url("withdraw", application), {"reason": ""})
    assert refused.status_code == 422
    assert owner.post(url("withdraw", application), {"reason": "空\x00"}).status_code == 422
    owner.post(url("withdraw", application), {"reason": "另有资助"})
    application.refresh_from_db()
    assert application.state == "withdrawn"
    assert owner.get(url("withdraw", application)).status_code == 409


# --- receipt, list


def test_the_receipt_is_made_once_and_says_what_was_submitted():
    application = make_submitted(make_call("PDF-2026"))
    version = application.versions.get()
    first, second = receipt_pdf(version), receipt_pdf(version)
    assert first.pk == second.pk
    with first.open() as file:
        pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(file.read())).pages]
    text = "\n".join(pages)
    assert "申请受理回执" in text
    assert "PDF-2026-0001" in text
    assert "Receipt of an application" in text
    assert "设备费" in text
    assert version.digest[:8] in text
    client = as_(application.created_by)
    sent = client.get(url("receipt", application, 1), follow=True)
    assert sent["Content-Type"] == "application/pdf"
    assert as_(make_user()).get(reverse("document", args=[first.public_id])).status_code == 404


def test_the_list_shows_ones_own(django_assert_num_queries):
    owner = make_user()
    application = make_submitted(owner=owner, organisation=make_organisation(owner=owner))
    make_submitted()
    page = as_(owner).get(reverse("applications:list"))
    assert [line["row"].pk for line in page.context["lines"]] == [application.pk]
    assert as_(owner).get(reverse("applications:list"), {"state": "nope", "call": "x"}).status_code == 200


def test_the_list_names_the_applicant_and_not_the_title_once_more():
    pi, university = make_user("周敏"), make_university("复旦大学")
    faculty = make_faculty(university, "药学院")
    make_application(project=make_project("离子通道", pi=pi, university=university, faculty=faculty))
    make_application(project=make_project("另一项目", pi=pi, university=university))
    make_application(project=make_project("再一项目", pi=pi, institution_text="某研究所"))
    make_application(owner=pi, organisation=make_organisation("沪知科技", owner=pi))
    page = as_(pi).get(reverse("applications:list"))
    column = [column.name for column in page.context["view"].columns].index("applicant")
    assert {line["cells"][column]["value"] for line in page.context["lines"]} == {
        "周敏 · 药学院",
        "周敏 · 复旦大学",
        "周敏 · 某研究所",
        "沪知科技",
    }


def test_my_applications_stand_in_the_menu_of_who_may_apply_and_not_of_who_came_for_something_else():
    def shown(user) -> bool:
        page = as_(user).get(reverse("account_email"))
        return "applications" in [item.name for item in page.context["frame"].nav]

    liaison, expert, stranger = make_user(), make_expert(), make_user()
    make_liaison(liaison, make_university())
    assert (shown(liaison), shown(expert), shown(stranger), shown(make_staff("officer"))) == (
        False,
        False,
        True,
        False,
    )
    make_organisation(owner=expert)
    project = make_project()
    make_project_member(project, liaison)
    assert (shown(liaison), shown(expert)) == (True, True)


def test_the_menu_asks_once_where_a_person_stands():
    liaison = make_user()
    make_liaison(liaison, make_university())
    for user in (make_user(), liaison, make_expert()):
        with CaptureQueriesContext(connection) as captured:
            as_(user).get(reverse("account_email"))
        asked = [query["sql"] for query in captured if "core_user" in query["sql"]]
        assert sum("funding_reviewer" in sql for sql in asked) == 1
        assert sum("incubator_liaison" in query["sql"] for query in captured) == 1


def _queries(client, address):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_pages_cost_a_fixed_number_of_queries():
    owner = make_user()
    organisation = make_organisation(owner=owner)
    application = make_submitted(owner=owner, organisation=organisation)
    client = as_(owner)
    client.get(reverse("applications:list"))
    one = _queries(client, reverse("applications:list"))
    for _i in range(4):
        make_submitted(owner=owner, organisation=organisation)
    assert _queries(client, reverse("applications:list")) == one
    assert one <= 12
    call, university = make_call(), make_university()

    def begin_for_a_project():
        faculty = make_faculty(university)
        make_application(call, project=make_project(pi=owner, university=university, faculty=faculty))
        make_project_application(call, pi=owner)

    begin_for_a_project()
    some = _queries(client, reverse("applications:list"))
    for _i in range(3):
        begin_for_a_project()
    assert _queries(client, reverse("applications:list")) == some
    assert _queries(client, url("detail", application)) <= 16
