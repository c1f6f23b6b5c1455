"""What each resource lets whom do: the pages' own rules, asked by program. Always beside the one for whom it is not there."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.test.utils import CaptureQueriesContext

from funding.applications.models import AnswerFile
from funding.decisions.models import Decision
from funding.models import Review
from funding.reviews.models import Objection
from incubator.organisations.models import Membership
from park_portal.core.accounts.models import SavedView
from park_portal.core.accounts.services import save_view
from park_portal.core.audit.models import Entry
from park_portal.core.calendar.services import set_special_day
from park_portal.core.documents.models import Document
from park_portal.core.jobs.models import Job
from park_portal.core.outbox.models import Message, Preference
from park_portal.core.workflow import SYSTEM
from tests.callers import Caller
from tests.factories.applications import PDF
from tests.factories.applications import make_application as make_draft
from tests.factories.awards import make_signed
from tests.factories.decisions import decidable, make_letter, under_notice
from tests.factories.incubator import make_organisation, make_project, make_university
from tests.factories.reviews import (
    expert_run,
    fill_review,
    make_application,
    make_review,
    make_review_call,
    run_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller(people):
    """A program of a persona: `caller("officer").get(…)`; one for each, for tokens are counted."""
    made: dict[str, Caller] = {}
    return lambda who: made.setdefault(who, Caller(people(who)))


@pytest.fixture
def mine(people):
    return people("founder").memberships.get().organisation


def codes(*answers):
    return [answer.status_code for answer in answers]


class TestActs:
    @pytest.fixture
    def submitted(self, mine):
        return make_application(make_review_call("screening", "decision"), organisation=mine)

    def test_what_can_be_done_is_said_to_whom_it_may_concern(self, caller, submitted):
        found = caller("officer").get(f"/applications/{submitted.pk}/acts/").json()["results"]
        assert [one["name"] for one in found] == ["return", "extend", "reject", "withdraw"]
        extend, reject = found[1], found[2]
        assert (extend["allowed"], reject["allowed"], reject["reason"]) == (False, True, None)
        assert "in review" in extend["reason"]
        assert reject["fields"] == [
            {"name": "reason", "label": "Reason", "kind": "text", "required": True, "choices": []}
        ]
        own = caller("founder").get(f"/applications/{submitted.pk}/acts/").json()["results"]
        assert [one["name"] for one in own] == ["withdraw"]

    def test_one_service_call_by_the_same_permission(self, caller, submitted, people):
        address = f"/applications/{submitted.pk}/acts/reject/"
        for who, status in (("stranger", 404), ("founder", 403), ("finance", 403), ("auditor", 403)):
            assert caller(who).post(address, {"reason": "nein"}).status_code == status
        assert caller("officer").post(address, {}).json()["errors"][0]["field"] == "reason"
        wrong = caller("officer").post(address, {"reason": "x", "state": "approved"})
        assert [one["field"] for one in wrong.json()["errors"]] == ["state"]
        assert caller("officer").post(address, ["reason"]).status_code == 400
        submitted.refresh_from_db()
        assert submitted.state == "in_review"
        assert not Entry.objects.filter(action="application.reject").exists()
        done = caller("officer").post(address, {"reason": "材料不实"}, Idempotency_Key="k1")
        assert (done.status_code, done.json()["state"]) == (200, "rejected")
        entry = Entry.objects.get(action="application.reject")
        assert (entry.actor_id, entry.facts["reason"]) == (people("officer").pk, "材料不实")
        again = caller("officer").post(address, {"reason": "材料不实"}, Idempotency_Key="k1")
        assert again["Idempotency-Replayed"] == "true"
        assert caller("officer").post(address, {"reason": "noch einmal"}).status_code == 409

    def test_an_act_that_there_is_not(self, caller, submitted):
        for path in (f"/applications/{submitted.pk}/acts/approve/", "/reviewers/acts/nothing/"):
            assert caller("superuser").post(path, {}).status_code == 404

    def test_from_the_list(self, caller):
        sent = {"email": "expert@labs.example", "name": "林教授", "language": "en"}
        assert caller("founder").post("/reviewers/acts/invite/", sent).status_code == 403
        assert caller("founder").get("/reviewers/acts/").json() == {"results": []}
        assert caller("officer").post("/reviewers/acts/invite/", sent).status_code == 201
        assert Message.objects.filter(payload__kind="account.invitation").count() == 1

    def test_a_public_resource_has_acts_for_who_signed_in(self, caller, submitted, client):
        assert client.get(f"/api/v1/calls/{submitted.call.code}/acts/").status_code == 401
        assert client.post(f"/api/v1/calls/{submitted.call.code}/acts/close/").status_code == 401
        assert caller("founder").post(f"/calls/{submitted.call.code}/acts/close/").status_code == 403
        assert caller("lead").post(f"/calls/{submitted.call.code}/acts/close/").json()["state"] == "closed"


class TestReviews:
    @pytest.fixture
    def review(self, people):
        call = make_review_call("expert", "decision", changes={"expert": {"blindness": "double"}})
        return make_review(expert_run(call), people("reviewer"), accepted=True)

    def test_a_blind_stage_stays_blind(self, caller, review):
        applicant = review.application.organisation.name
        reader = caller("reviewer")
        for path in ("", "application/", "fields/"):
            answer = reader.get(f"/reviews/{review.pk}/{path}")
            assert answer.status_code == 200
            assert applicant not in answer.content.decode()
        read = reader.get(f"/reviews/{review.pk}/application/").json()
        assert (read["applicant"], read["people"]) == ("", [])
        keys = [one["key"] for section in read["sections"] for one in section["questions"]]
        assert keys == ["project-title", "abstract"]
        assert reader.get(f"/applications/{review.application_id}/").status_code == 404

    def test_before_accepting_there_is_enough_to_know_a_conflict(self, caller, people):
        invited = make_review(expert_run(), people("reviewer"))
        read = caller("reviewer").get(f"/reviews/{invited.pk}/application/").json()
        assert read["applicant"] == invited.application.organisation.name
        assert (read["sections"], read["summary"]) == ([], "")
        assert caller("reviewer").get(f"/reviews/{invited.pk}/fields/").status_code == 404
        refused = caller("reviewer").post(f"/reviews/{invited.pk}/accept/")
        assert (refused.status_code, refused.json()["code"]) == (400, "not_declared")
        assert caller("reviewer").get("/reviews/pledge/").json()["version"] == 1
        for path, sent in (("declare", {"pledge": False}), ("declare", {})):
            assert caller("reviewer").post(f"/reviews/{invited.pk}/{path}/", sent).status_code in (400, 422)
        assert caller("reviewer").post(f"/reviews/{invited.pk}/declare/", {"pledge": True}).status_code == 200
        read = caller("reviewer").get(f"/reviews/{invited.pk}/application/").json()
        assert (read["sections"], read["summary"]) == ([], "用多模态大模型预测药物反应。")
        assert caller("reviewer").post(f"/reviews/{invited.pk}/accept/").json()["state"] == "accepted"
        assert caller("reviewer").get(f"/reviews/{invited.pk}/fields/").status_code == 200

    def test_anothers_review_is_not_there_and_a_draft_is_its_writers(self, caller, review):
        fill_review(review)
        for who in ("other_reviewer", "founder", "stranger", "administrator"):
            assert caller(who).get(f"/reviews/{review.pk}/").status_code == 404
            assert caller(who).post(f"/reviews/{review.pk}/decline/", {"reason": "x"}).status_code == 404
        staff = caller("officer").get(f"/reviews/{review.pk}/").json()
        assert (staff["state"], staff["opinion"], staff["comment_committee"]) == ("accepted", None, None)
        for path in ("application/", "fields/"):
            assert caller("officer").get(f"/reviews/{review.pk}/{path}").status_code == 404
        assert caller("officer").post(f"/reviews/{review.pk}/submit/", {"pledge": True}).status_code == 404
        review.refresh_from_db()
        assert review.state == "accepted"

    def test_written_field_by_field_and_submitted_once(self, caller, review):
        writer, address = caller("reviewer"), f"/reviews/{review.pk}"
        fields = writer.get(f"{address}/fields/").json()
        assert fields["revision"] == review.revision
        first = next(one["key"] for one in fields["results"] if one["key"].startswith("criterion-"))
        assert writer.put(f"{address}/fields/{first}/", {"value": "8"}).status_code == 428
        saved = writer.put(f"{address}/fields/{first}/", {"value": "8"}, If_Match=f'"{fields["revision"]}"')
        assert (saved.status_code, saved.json()["revision"]) == (200, review.revision + 1)
        stale = writer.put(f"{address}/fields/{first}/", {"value": "3"}, If_Match=f'"{fields["revision"]}"')
        assert (stale.status_code, stale.json()["code"]) == (412, "version")
        unknown = writer.put(f"{address}/fields/state/", {"value": "submitted"}, If_Match='"9"')
        assert unknown.json()["code"] == "unknown_field"
        refused = writer.post(f"{address}/submit/", {"pledge": True}).json()
        assert refused["code"] == "incomplete"
        fill_review(Review.objects.get(pk=review.pk))
        no_pledge = writer.post(f"{address}/submit/", {"pledge": False}).json()
        assert [one["field"] for one in no_pledge["errors"]] == ["pledge"]
        done = writer.post(f"{address}/submit/", {"pledge": True})
        assert (done.status_code, done.json()["state"]) == (200, "submitted")
        assert writer.post(f"{address}/submit/", {"pledge": True}).status_code == 200
        assert Entry.objects.filter(action="review.submit").count() == 1
        assert caller("officer").get(f"{address}/").json()["opinion"] == "fund"

    def test_the_universitys_opinion(self, caller, people):
        university = people("liaison").liaisons.get().organisation
        run = run_of(
            make_application(
                make_review_call("liaison", "decision"), project=make_project(university=university)
            )
        )
        other = run_of(
            make_application(
                make_review_call("liaison", "decision"), project=make_project(university=make_university())
            )
        )
        reader = caller("liaison")
        assert [one["id"] for one in reader.get("/runs/?state=active").json()["results"]] == [run.pk]
        body = {"opinion": "endorse", "comment_committee": "同意推荐"}
        assert reader.post(f"/runs/{other.pk}/opinion/", body).status_code == 404
        for who, status in (("stranger", 404), ("founder", 404), ("officer", 403), ("auditor", 403)):
            assert caller(who).post(f"/runs/{run.pk}/opinion/", body).status_code == status
        assert (
            reader.post(f"/runs/{run.pk}/opinion/", {"opinion": "fund"}).json()["code"] == "unknown_opinion"
        )
        done = reader.post(f"/runs/{run.pk}/opinion/", body)
        assert (done.status_code, done.json()["state"]) == (200, "passed")

    def test_screening_by_an_officer(self, caller):
        run = run_of(make_application(make_review_call("screening", "decision")))
        criteria = caller("officer").get(f"/runs/{run.pk}/").json()["criteria"]
        body = {"opinion": "pass", "marks": [{"criterion": one["id"], "value": "met"} for one in criteria]}
        assert caller("finance").post(f"/runs/{run.pk}/opinion/", body).status_code == 403
        short = {**body, "marks": body["marks"][:1]}
        assert caller("officer").post(f"/runs/{run.pk}/opinion/", short).status_code == 400
        assert caller("officer").post(f"/runs/{run.pk}/opinion/", body).json()["state"] == "passed"

    def test_experts_conflicts_and_objections_are_the_staffs(self, caller, people, client):
        line = under_notice()
        (shown,) = client.get("/api/v1/notices/").json()["results"]
        assert (shown["id"], [one["id"] for one in shown["lines"]]) == (line.notice_id, [line.pk])
        said = {"line": line.pk, "name": "陈思远", "email": "chen@example.com", "text": "数据来源存疑。"}
        address = f"/notices/{line.notice_id}/objections/"
        assert client.post(f"/api/v1{address}", said, content_type="application/json").status_code == 401
        assert caller("stranger").post(address, said).status_code == 204
        objection = Objection.objects.get()
        for who in ("stranger", "founder", "reviewer", "administrator"):
            for resource in ("objections", "conflicts"):
                assert caller(who).get(f"/{resource}/").json()["results"] == []
            assert caller(who).get(f"/objections/{objection.pk}/").status_code == 404
        resolve = f"/objections/{objection.pk}/acts/resolve/"
        assert caller("auditor").post(resolve, {"upheld": "no", "resolution": "x"}).status_code == 403
        assert (
            caller("officer").post(resolve, {"upheld": "no", "resolution": "已核实"}).json()["upheld"]
            is False
        )
        own = people("reviewer").reviewer
        assert [one["id"] for one in caller("reviewer").get("/reviewers/").json()["results"]] == [own.pk]
        assert caller("stranger").get("/reviewers/").json()["results"] == []
        changed = caller("reviewer").patch(f"/reviewers/{own.pk}/", {"capacity": 3}, If_Match="*")
        assert (changed.status_code, changed.json()["capacity"]) == (200, 3)


class TestDecisions:
    def test_the_board_by_the_api(self, caller):
        call = make_review_call("notice", "decision", budget_fen=300)
        first, second, third = [make_application(call, title=name) for name in "abc"]
        address = f"/rankings/{call.code}/"
        table = caller("officer").get(address).json()
        assert ([one["application"] for one in table["results"]], table["left_fen"]) == (
            [first.pk, second.pk, third.pk],
            300,
        )
        order = {"order": [third.pk, first.pk, second.pk], "mark": table["mark"], "reason": ""}
        assert caller("officer").post(f"{address}order/", order).status_code == 400
        moved = caller("officer").post(f"{address}order/", {**order, "reason": "会议意见"}).json()
        assert [one["placement"] and one["placement"]["reason"] for one in moved["results"]] == [
            "会议意见",
            None,
            None,
        ]
        stale = {**order, "order": [second.pk, first.pk, third.pk], "reason": "x"}
        assert caller("officer").post(f"{address}order/", stale).status_code == 409
        verdict = {"application": first.pk, "verdict": "approve", "amount_fen": 301}
        assert caller("officer").post("/decisions/", verdict).status_code == 201
        assert caller("officer").post(f"{address}publish/", {}).status_code == 400
        money = {"budget_fen": 301, "reason": "追加"}
        assert caller("officer").post(f"{address}budget/", money).status_code == 403
        assert caller("lead").post(f"{address}budget/", money).json()["left_fen"] == 0
        published = caller("officer").post(f"{address}publish/", {})
        assert published.status_code == 201
        (line,) = caller("stranger").get(f"/notices/{published.json()['notice']}/").json()["lines"]
        assert (line["number"], line["amount_fen"]) == (first.number, 301)
        assert caller("officer").post(f"{address}promote/", {}).status_code == 400

    def test_pending_is_nobodys_but_the_staffs(self, caller, people):
        letter = make_letter(lead=people("lead"), note="nur intern")
        decision = letter.decision
        Membership.objects.create(
            organisation=decision.application.organisation, user=people("founder"), role="owner"
        )
        for who in ("founder", "stranger", "administrator"):
            for path in (
                f"decisions/{decision.pk}",
                f"letters/{letter.pk}",
                f"outcomes/{decision.application_id}",
            ):
                assert caller(who).get(f"/{path}/").status_code == 404
        for who, status in (("founder", 403), ("auditor", 403), ("officer", 403)):
            assert caller(who).post("/decisions/release/", {"ids": [decision.pk]}).status_code == status
        lead = caller("lead")
        unchecked = lead.post("/decisions/release/", {"ids": [decision.pk]})
        assert unchecked.status_code == 400
        text = {
            "subject": {"zh-hans": "通知", "en": "Decision"},
            "body": {"zh-hans": "批准。", "en": "Approved."},
        }
        assert caller("auditor").patch(f"/letters/{letter.pk}/", text, If_Match="*").status_code == 403
        assert caller("officer").patch(f"/letters/{letter.pk}/", text, If_Match="*").status_code == 200
        assert caller("officer").post(f"/letters/{letter.pk}/acts/check/").json()["state"] == "checked"
        released = lead.post("/decisions/release/", {"ids": [decision.pk]})
        assert [one["state"] for one in released.json()["results"]] == ["released"]
        told = caller("founder").get(f"/decisions/{decision.pk}/").json()
        assert told["verdict"] == "approve"
        assert not {"note", "decided_by", "decided_at"} & told.keys()
        outcome = caller("founder").get(f"/outcomes/{decision.application_id}/").json()
        assert outcome["decision"]["id"] == decision.pk
        pdf = caller("founder").get(f"/documents/{outcome['letter']}/content/")
        assert b"".join(pdf.streaming_content)[:5] == b"%PDF-"
        assert caller("stranger").get(f"/documents/{outcome['letter']}/content/").status_code == 404
        assert (
            caller("founder").get("/awards/").json()["results"][0]["application"] == decision.application_id
        )

    def test_the_ranking_is_the_staffs_and_says_where_the_budget_ends(self, caller, people):
        call = make_review_call("expert", "decision", budget_fen=150_000_000)
        weak, good = (
            decidable(call, marks=(3, 5), amount=100_000_000),
            decidable(call, marks=(9, 9), amount=100_000_000),
        )
        told = caller("auditor").get(f"/rankings/{call.code}/").json()
        assert told["budget_fen"] == 150_000_000
        assert [(one["application"], one["reviews"], one["verdict"]) for one in told["results"]] == [
            (good.pk, 2, None),
            (weak.pk, 2, None),
        ]
        assert [one["mean"] for one in told["results"]] == ["90.00", "40.00"]
        assert [one["within_budget"] for one in told["results"]] == [True, False]
        for who in ("founder", "stranger", "liaison", "reviewer"):
            assert caller(who).get(f"/rankings/{call.code}/").status_code == 403
        assert caller("auditor").get("/rankings/NONE/").status_code == 404

    def test_proposed_by_those_who_may_and_taken_back_by_version(self, caller):
        application = make_application(make_review_call("decision"))
        body = {"application": application.pk, "verdict": "approve", "amount_fen": 50_000_000}
        for who in ("founder", "auditor", "finance", "administrator"):
            assert caller(who).post("/decisions/", body).status_code == 403
        assert caller("lead").post("/decisions/", {**body, "amount_fen": None}).status_code == 400
        made = caller("lead").post("/decisions/", body)
        assert (made.status_code, made.json()["state"]) == (201, "pending")
        address = f"/decisions/{made.json()['id']}/"
        assert codes(
            caller("lead").send("DELETE", address),
            caller("auditor").send("DELETE", address, If_Match="*"),
            caller("lead").send("DELETE", address, If_Match=made.headers["ETag"]),
        ) == [428, 403, 204]
        assert Decision.objects.count() == 0

    def test_awards_are_moved_on_by_fund_managers(self, caller):
        award = make_signed()
        assert caller("founder").get(f"/awards/{award.pk}/").status_code == 404
        assert caller("officer").post(f"/awards/{award.pk}/acts/start/").status_code == 403
        assert caller("fund_manager").post(f"/awards/{award.pk}/acts/start/").json()["state"] == "running"


class TestFiles:
    def send(self, caller, application, name="计划书.pdf", content=PDF, **headers):
        body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile(name, content)})
        return caller.client.generic(
            "POST",
            f"/api/v1/applications/{application.pk}/answers/plan/files/",
            body,
            content_type=MULTIPART_CONTENT,
            headers={"Authorization": f"Bearer {caller.secret}", "Accept-Language": "en", **headers},
        )

    def test_sent_listed_read_removed(self, caller, mine, people):
        draft = make_draft(organisation=mine)
        AnswerFile.objects.filter(application=draft).delete()
        founder = caller("founder")
        first = self.send(founder, draft, **{"Idempotency-Key": "f1"})
        assert first.status_code == 201, first.content
        again = self.send(founder, draft, **{"Idempotency-Key": "f1"})
        assert (again["Idempotency-Replayed"], again.json()) == ("true", first.json())
        (listed,) = founder.get(f"/applications/{draft.pk}/files/").json()["results"]
        assert (listed["question"], listed["document"]["name"]) == ("plan", "计划书.pdf")
        address = f"/documents/{listed['document']['id']}/content/"
        answer = founder.get(address)
        assert b"".join(answer.streaming_content) == PDF
        assert answer["Content-Disposition"].startswith("attachment")
        for who in ("stranger", "reviewer", "administrator"):
            assert caller(who).get(address).status_code == 404
            assert self.send(caller(who), draft).status_code == 404
        assert self.send(caller("officer"), draft).status_code == 403
        assert self.send(founder, draft, name="bild.svg", content=b"<svg xmlns='x'/>").status_code == 400
        assert founder.post(f"/applications/{draft.pk}/answers/plan/files/", {"file": "x"}).status_code == 415
        assert AnswerFile.objects.filter(application=draft).count() == 1
        gone = founder.post(f"/applications/{draft.pk}/files/{listed['id']}/remove/")
        assert gone.json() == {"results": []}

    def test_the_receipt_and_the_export(self, caller, mine):
        submitted = make_application(make_review_call("screening", "decision"), organisation=mine)
        found = caller("founder").get(f"/applications/{submitted.pk}/versions/1/receipt/")
        assert found.json()["mime"] == "application/pdf"
        assert caller("stranger").get(f"/applications/{submitted.pk}/versions/1/receipt/").status_code == 404
        assert caller("founder").post("/applications/export/", {}).status_code == 403
        job = caller("officer").post("/applications/export/", {"state": "in_review"})
        assert (job.status_code, Job.objects.get().params) == (202, {"keys": [submitted.pk]})
        assert caller("officer").get(f"/jobs/{job.json()['id']}/").json()["state"] == "queued"
        for who in ("lead", "administrator", "founder"):
            assert caller(who).get(f"/jobs/{job.json()['id']}/").status_code == 404
        assert caller("officer").post(f"/jobs/{job.json()['id']}/cancel/").json()["state"] == "cancelled"


class TestMembers:
    def test_owners_invite_change_and_remove(self, caller, mine, people):
        other = Membership.objects.create(organisation=mine, user=people("reviewer"), role="viewer")
        invite = f"/organisations/{mine.pk}/invitations/"
        body = {"email": "neu@labs.example", "role": "editor"}
        assert codes(
            caller("stranger").post(invite, body),
            caller("reviewer").post(invite, body),
            caller("stranger").get(invite),
        ) == [404, 403, 404]
        made = caller("founder").post(invite, body)
        assert (made.status_code, made.json()["open"]) == (201, True)
        assert [one["id"] for one in caller("founder").get(invite).json()["results"]] == [made.json()["id"]]
        revoke = f"{invite}{made.json()['id']}/revoke/"
        foreign = make_organisation(owner=people("stranger"))
        assert (
            caller("stranger")
            .post(f"/organisations/{foreign.pk}/invitations/{made.json()['id']}/revoke/")
            .status_code
            == 404
        )
        assert caller("founder").post(revoke).status_code == 204
        place = f"/memberships/{other.pk}/"
        assert codes(
            caller("stranger").patch(place, {"role": "owner"}, If_Match="*"),
            caller("administrator").get(place),
            caller("reviewer").patch(place, {"role": "owner"}, If_Match="*"),
            caller("founder").patch(place, {"user": 1}, If_Match="*"),
            caller("founder").patch(place, {"role": "editor"}, If_Match="*"),
        ) == [404, 404, 403, 400, 200]
        other.refresh_from_db()
        assert other.role == "editor"
        own = mine.memberships.get(user=people("founder"))
        assert caller("founder").send("DELETE", f"/memberships/{own.pk}/", If_Match="*").status_code == 400
        assert caller("reviewer").send("DELETE", place, If_Match="*").status_code == 204
        assert list(mine.memberships.values_list("user", flat=True)) == [people("founder").pk]

    def test_a_list_costs_the_same_for_many(self, caller, django_assert_num_queries):
        founder = caller("founder")
        founder.get("/organisations/")
        with CaptureQueriesContext(connection) as few:
            founder.get("/organisations/")
        for _number in range(5):
            make_university()
        with django_assert_num_queries(len(few)):
            assert len(founder.get("/organisations/").json()["results"]) == 6

    def test_organisations_and_projects_are_registered(self, caller, people):
        made = caller("stranger").post(
            "/organisations/", {"name_zh_hans": "上海新芯科技有限公司", "kind": "company"}
        )
        assert made.status_code == 201, made.content
        assert people("stranger").memberships.get().role == "owner"
        university = make_university()
        body = {"title_zh_hans": "类器官", "university": university.pk, "mine": True}
        project = caller("stranger").post("/projects/", body)
        assert project.status_code == 201, project.content
        assert project.json()["principal_investigator"] == people("stranger").name
        member = caller("stranger").post(f"/projects/{project.json()['id']}/team/", {"name": "林一"})
        assert member.status_code == 201
        place = f"/team-members/{member.json()['id']}/"
        assert caller("founder").get(place).status_code == 404
        assert caller("stranger").send("DELETE", place, If_Match="*").status_code == 204


class TestOnesOwn:
    def test_the_profile(self, caller, people):
        founder = caller("founder")
        tag = founder.get("/me/").headers["ETag"]
        for column in ("email", "is_staff", "roles", "password"):
            answer = founder.patch("/me/", {column: "x", "name": "Boss"}, If_Match=tag)
            assert [one["field"] for one in answer.json()["errors"]] == [column]
        assert founder.patch("/me/", {"name": "Boss"}).status_code == 428
        changed = founder.patch("/me/", {"name": "Boss", "language": "en"}, If_Match=tag)
        assert (changed.status_code, changed.json()["name"]) == (200, "Boss")
        assert founder.patch("/me/", {"name": "x"}, If_Match=tag).status_code == 412
        turned = founder.patch("/me/", {"name": "Bo\u202ess"}, If_Match=changed.headers["ETag"])
        assert (turned.status_code, turned.json()["name"]) == (200, "Boss")
        people("founder").refresh_from_db()
        assert Entry.objects.filter(action="user.update_profile").count() == 1

    def test_settings_and_views(self, caller, people):
        founder = caller("founder")
        kinds = {one["kind"]: one for one in founder.get("/preferences/").json()["results"]}
        assert kinds["call.cancelled"]["required"] in (True, False)
        chosen = next(name for name, one in kinds.items() if not one["required"])
        fixed = next(name for name, one in kinds.items() if one["required"])
        assert (
            founder.patch(f"/preferences/{chosen}/", {"mode": "digest"}, If_Match="*").json()["mode"]
            == "digest"
        )
        assert (
            founder.patch(f"/preferences/{fixed}/", {"mode": "off"}, If_Match="*").json()["code"]
            == "required_kind"
        )
        assert founder.patch("/preferences/no.kind/", {"mode": "off"}, If_Match="*").status_code == 404
        assert founder.patch(f"/preferences/{chosen}/", {"label": "x"}, If_Match="*").status_code == 400
        assert Preference.objects.get().kind == chosen
        view = save_view(people("founder"), page="applications:list", name="Mine", query="state=draft")
        assert caller("stranger").get(f"/saved-views/{view.pk}/").status_code == 404
        assert caller("stranger").send("DELETE", f"/saved-views/{view.pk}/", If_Match="*").status_code == 404
        again = founder.post("/saved-views/", {"page": "applications:list", "name": "Mine", "query": "q=x"})
        assert (again.status_code, SavedView.objects.get().query) == (201, "q=x")
        assert founder.send("DELETE", f"/saved-views/{view.pk}/", If_Match="*").status_code == 204

    def test_the_inbox_as_a_whole(self, caller, people):
        assert caller("founder").post("/inbox/read/", {}).json() == {"read": 0}
        assert caller("founder").post("/inbox/read/", {"ids": ["x"]}).status_code == 400

    def test_search_finds_what_one_sees(self, caller, mine):
        draft = make_draft(organisation=mine)
        hits = caller("founder").get(f"/search/?q={draft.call.code}").json()["results"]
        assert draft.call.pk in [one["id"] for one in hits if one["kind"] == "funding.call"]
        assert caller("stranger").get(f"/search/?q={mine.uscc}").json()["results"] == []
        assert caller("founder").get("/search/?q=x&kind=core.user").json()["code"] == "unknown_kind"


class TestThePark:
    def test_the_audit_trail(self, caller, mine):
        make_application(make_review_call("screening", "decision"), organisation=mine)
        assert caller("auditor").get("/audit/?action=application.submit").json()["results"] != []
        assert caller("administrator").get("/audit/?action=application.submit").json()["results"] == []
        assert caller("administrator").get("/audit/?action=token.create").json()["results"] != []
        for moment, status in (
            ("1879-03-18T16:51:48-19:19", 200),
            ("0001-01-01T00:00:00%2B14:00", 200),
            ("9999-12-31T23:59:59-14:00", 200),
            ("gestern", 400),
        ):
            assert caller("auditor").get(f"/audit/?since={moment}").status_code == status
        entry = Entry.objects.filter(action="application.submit").latest("pk")
        for who in ("founder", "officer", "finance", "administrator"):
            assert caller(who).get(f"/audit/{entry.pk}/").status_code == 404
        for method in ("PATCH", "DELETE", "POST"):
            assert caller("auditor").send(method, f"/audit/{entry.pk}/", {}).status_code == 405

    def test_people_and_rules(self, caller, people):
        founder = people("founder")
        for who in ("founder", "finance"):
            assert caller(who).get("/people/").json()["results"] == []
        switch = f"/people/{founder.pk}/acts/switch_off/"
        assert caller("officer").post(switch, {"reason": "x"}).status_code == 403
        assert caller("administrator").post(switch, {"reason": "ausgeschieden"}).json()["is_active"] is False
        policies = caller("officer").get("/policies/?on=2026-11-01").json()["results"]
        assert len(policies) == 25
        assert caller("stranger").get("/policies/").json()["results"] == []
        replace = f"/policies/{policies[0]['id']}/acts/replace/"
        assert caller("officer").post(replace, {}).status_code == 403

    def test_working_days(self, client):
        set_special_day(date(2026, 12, 30), working=False, name="调休", actor=SYSTEM)
        found = client.get("/api/v1/calendar/count/?start=2026-12-28&days=2").json()
        assert found == {"start": "2026-12-28", "start_is_worked": True, "end": "2026-12-31", "days": 2}
        assert client.get("/api/v1/calendar/count/?start=1999-01-01").status_code == 400
        assert client.post("/api/v1/calendar/", {}).status_code == 401


def test_a_document_of_nobody_is_not_there(caller):
    assert caller("lead").get("/documents/00000000-0000-4000-8000-000000000000/").status_code == 404
    assert caller("lead").get("/documents/x/").status_code == 404
    assert Document.objects.count() == 0
