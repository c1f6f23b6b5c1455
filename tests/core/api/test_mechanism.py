"""What every resource of the API does alike: who may ask, refusals, pages, fields, versions, repeated requests."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.serializers import ModelSerializer

from funding.funds.models import Fund
from funding.reviews.models import StageRun as Run
from incubator.organisations.models import Organisation
from park_portal.api import router
from park_portal.core.api.idempotency import forget_answers
from park_portal.core.api.models import IdempotentAnswer
from park_portal.core.api.resource import ResourceSerializer
from park_portal.core.audit.models import Entry
from park_portal.core.tokens.services import revoke_token
from park_portal.core.tokens.states import Scope
from tests.callers import Caller
from tests.factories.applications import make_application, make_call
from tests.factories.decisions import make_award
from tests.factories.incubator import make_organisation

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine(people):
    return make_organisation(owner=people("founder"), name="上海青芯生物科技有限公司")


class TestWhoAsks:
    def test_without_a_token_nothing_private_is_read(self):
        answer = Client().get("/api/v1/organisations/", headers={"Accept-Language": "en"})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="park"'
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "not_authenticated"

    @pytest.mark.parametrize("secret", ["", "park_wrong", "x" * 5000, "park_\u00e9"])
    def test_a_wrong_token_is_refused(self, secret):
        answer = Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {secret}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")

    def test_a_revoked_token_is_refused(self, people):
        caller = Caller(people("founder"))
        assert caller.get("/me/").status_code == 200
        revoke_token(caller.token, actor=people("founder"))
        assert caller.get("/me/").status_code == 401

    def test_a_token_does_what_its_scopes_name(self, people, mine):
        caller = Caller(people("founder"), scopes=["organisations:read", "account:read"])
        assert caller.get("/me/").json()["scopes"] == ["account:read", "organisations:read"]
        assert caller.get(f"/organisations/{mine.pk}/").status_code == 200
        for answer in (
            caller.get("/projects/"),
            caller.patch(f"/organisations/{mine.pk}/", {"district": "青浦"}, If_Match="*"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "scope")
        mine.refresh_from_db()
        assert mine.district == ""

    def test_every_scope_is_asked_for_by_a_resource(self):
        asked = {resource.scope for _prefix, resource, _name in router.registry}
        assert {scope.partition(":")[0] for scope in Scope.values} == asked

    def test_a_session_needs_the_forms_secret(self, people, mine):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(people("founder"))
        assert browser.get(f"/api/v1/organisations/{mine.pk}/").status_code == 200
        answer = browser.patch(f"/api/v1/organisations/{mine.pk}/", {}, content_type="application/json")
        assert answer.status_code == 403

    def test_calls_are_read_by_everyone(self):
        call = make_call("OPEN-2026")
        answer = Client().get("/api/v1/calls/")
        assert [one["code"] for one in answer.json()["results"]] == [call.code]
        assert Client().get("/api/v1/calls/OPEN-2026/form/").status_code == 401


class TestRefusals:
    def test_in_the_language_of_who_asks(self, people):
        founder = people("founder")
        assert Caller(founder, language="en").get("/organisations/1/").json()["title"] == (
            "There is nothing here, or nothing that you may see."
        )
        chinese = Caller(founder, language="zh-hans").get("/organisations/1/")
        assert chinese.json()["title"] == "这里没有内容，或者您无权查看。"

    def test_without_a_language_in_the_persons(self, people):
        founder = people("founder")
        founder.language = "en"
        founder.save(update_fields=["language"])
        caller = Caller(founder)
        answer = caller.client.get(
            "/api/v1/organisations/1/", headers={"Authorization": f"Bearer {caller.secret}"}
        )
        assert answer.json()["title"] == "There is nothing here, or nothing that you may see."

    def test_says_what_where_and_which_request(self, people):
        answer = Caller(people("founder")).get("/nothing/", X_Request_ID="asked-by-a-test")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json() == {
            "type": "urn:park:problem:not_found",
            "title": "There is nothing here, or nothing that you may see.",
            "status": 404,
            "code": "not_found",
            "instance": "/api/v1/nothing/",
            "request_id": "asked-by-a-test",
        }

    def test_what_cannot_be_read_is_said_in_the_callers_language(self, people, mine):
        founder = Caller(people("founder"), language="zh-hans")
        answer = founder.send("PATCH", f"/organisations/{mine.pk}/", "{", If_Match="*").json()
        assert answer["title"] == "无法读取请求内容，格式有误。"
        assert answer["detail"].startswith("JSON parse error")

    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "code"),
        [
            ("PATCH", "/organisations/{pk}/", "{", 400, "parse_error"),
            ("PATCH", "/organisations/{pk}/", "[]", 400, "invalid"),
            ("DELETE", "/organisations/{pk}/", "", 405, "method_not_allowed"),
            ("GET", "/organisations/?size=0", "", 400, "size"),
            ("GET", "/organisations/?size=101", "", 400, "size"),
            ("GET", "/organisations/?after=zzz", "", 400, "cursor"),
            ("GET", "/organisations/?before=W10", "", 400, "cursor"),
            ("GET", "/organisations/?order=uscc", "", 400, "unknown_order"),
            ("GET", "/organisations/?colour=red", "", 400, "unknown_filter"),
            ("GET", "/organisations/?kind=palace", "", 400, "invalid"),
            ("GET", "/organisations/?fields=id,password", "", 400, "unknown_field"),
            ("GET", "/organisations/99999999999999999999/", "", 404, "not_found"),
            ("GET", "/organisations/x/", "", 404, "not_found"),
            ("GET", "/inbox/not-a-uuid/", "", 404, "not_found"),
        ],
    )
    def test_bad_requests(self, people, mine, method, path, body, status, code):
        answer = Caller(people("founder")).send(method, path.format(pk=mine.pk), body, If_Match="*")
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    def test_a_foreign_row_is_not_there(self, people, mine):
        stranger = Caller(people("stranger"))
        assert stranger.get(f"/organisations/{mine.pk}/").status_code == 404
        assert stranger.patch(f"/organisations/{mine.pk}/", {}, If_Match="*").status_code == 404


class TestReading:
    def test_pages_follow_one_another_and_hold_everything_once(self, people):
        founder = people("founder")
        for _number in range(6):
            make_organisation(owner=founder)
        wanted = set(founder.memberships.values_list("organisation", flat=True))
        caller, address, seen = Caller(people("founder")), "/organisations/?size=3&fields=id", []
        while address:
            page = caller.get(address.removeprefix("http://testserver")).json()
            seen.append([row["id"] for row in page["results"]])
            address = page["next"]
        assert [len(page) for page in seen] == [3, 3, 1]
        assert [pk for page in seen for pk in page] == sorted(wanted, reverse=True)
        back = caller.get(page["previous"].removeprefix("http://testserver")).json()
        assert [row["id"] for row in back["results"]] == seen[1]

    def test_only_the_fields_asked_for(self, people, mine):
        answer = Caller(people("founder")).get(f"/organisations/{mine.pk}/?fields=id,uscc")
        assert answer.json() == {"id": mine.pk, "uscc": mine.uscc}

    def test_what_is_private_is_shown_to_who_may_see_it(self, people, mine):
        mine.contact_phone = "021-5555 1234"
        mine.save()
        assert Caller(people("founder")).get(f"/organisations/{mine.pk}/").json()["contact_phone"] == (
            "021-5555 1234"
        )
        assert "contact_phone" not in Caller(people("administrator")).get(f"/organisations/{mine.pk}/").json()

    def test_an_unchanged_row_is_not_sent_again(self, people, mine):
        caller = Caller(people("founder"))
        tag = caller.get(f"/organisations/{mine.pk}/").headers["ETag"]
        again = caller.get(f"/organisations/{mine.pk}/", If_None_Match=tag)
        assert (again.status_code, again.content) == (304, b"")
        mine.district = "青浦"
        mine.save()
        assert caller.get(f"/organisations/{mine.pk}/", If_None_Match=tag).status_code == 200


class TestShowing:
    """A thread keeps one serializer of each kind: nothing of one request may be in the next."""

    def test_one_callers_view_is_not_the_nexts(self, people, mine):
        mine.contact_phone = "021-5555 1234"
        mine.save()
        founder, other = Caller(people("founder")), Caller(people("administrator"))
        address = f"/organisations/{mine.pk}/"
        whole = founder.get(address).json()
        assert founder.get(f"{address}?fields=id").json() == {"id": mine.pk}
        assert "contact_phone" not in other.get(address).json()
        assert founder.get(f"{address}?fields=colour").status_code == 400
        assert founder.get(address).json() == whole
        assert whole["contact_phone"] == "021-5555 1234"

    def test_every_column_reads_as_its_field_shows_it(self, people, mine, rf):
        """What is read straight from the row is what Django REST framework itself would show."""
        request = rf.get("/")
        request.user, request.auth = people("officer"), None
        award = make_award()
        rows = [
            *(mine, award, award.application, award.application.call, make_application(organisation=mine)),
            *(
                people("founder"),
                Caller(people("founder")).token.user,
                *Run.objects.all(),
                *Fund.objects.all(),
            ),
        ]
        seen = set()
        for _prefix, resource, _name in router.registry:
            kind = resource.serializer_class
            if not issubclass(kind, ResourceSerializer) or "queryset" not in resource.__dict__:
                continue
            for row in (one for one in rows if isinstance(one, kind.Meta.model)):
                context = {"request": request, "view": None}
                serializer = kind(context=context)
                serializer.private = {}
                ours = ResourceSerializer.to_representation(serializer, row)
                assert ours == ModelSerializer.to_representation(serializer, row), kind
                seen.add(kind.__name__)
        assert seen >= {
            "OrganisationSerializer",
            "ApplicationSerializer",
            "CallSerializer",
            "AwardSerializer",
        }

    def test_a_role_that_was_withdrawn_counts_at_the_next_request(self, people, mine):
        officer = Caller(people("officer"))
        assert officer.get(f"/organisations/{mine.pk}/").status_code == 200
        people("officer").groups.clear()
        assert officer.get(f"/organisations/{mine.pk}/").status_code == 404


class TestChanging:
    def test_needs_the_version_that_is_changed(self, people, mine):
        caller = Caller(people("founder"))
        address = f"/organisations/{mine.pk}/"
        missing = caller.patch(address, {"district": "青浦"})
        assert (missing.status_code, missing.json()["code"]) == (428, "version_required")
        tag = caller.get(address).headers["ETag"]
        changed = caller.patch(address, {"district": "青浦"}, If_Match=tag)
        assert (changed.status_code, changed.json()["district"]) == (200, "青浦")
        stale = caller.patch(address, {"district": "徐汇"}, If_Match=tag)
        assert (stale.status_code, stale.json()["code"]) == (412, "version")
        assert (
            caller.patch(address, {"district": "徐汇"}, If_Match=changed.headers["ETag"]).status_code == 200
        )
        mine.refresh_from_db()
        assert mine.district == "徐汇"

    @pytest.mark.parametrize(
        "column", ["state", "id", "normalised_name", "merged_into", "created_at", "nothing"]
    )
    def test_any_other_column_is_refused_and_nothing_changed(self, people, mine, column):
        before = Organisation.objects.filter(pk=mine.pk).values().get()
        answer = Caller(people("founder")).patch(
            f"/organisations/{mine.pk}/", {column: "1", "district": "青浦"}, If_Match="*"
        )
        assert answer.status_code == 400
        assert [one["field"] for one in answer.json()["errors"]] == [column]
        assert Organisation.objects.filter(pk=mine.pk).values().get() == before
        assert not Entry.objects.filter(action="organisation.update").exists()

    def test_the_rule_of_the_page_holds(self, people, mine):
        """A viewer reads, and changes nothing."""
        from incubator.organisations.models import Membership

        Membership.objects.create(organisation=mine, user=people("stranger"), role="viewer")
        answer = Caller(people("stranger")).patch(
            f"/organisations/{mine.pk}/", {"district": "青浦"}, If_Match="*"
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    def test_a_wrong_value_is_named(self, people, mine):
        answer = Caller(people("founder")).patch(
            f"/organisations/{mine.pk}/", {"uscc": "91310000MA1FL00000"}, If_Match="*"
        )
        assert answer.status_code == 400
        assert [one["field"] for one in answer.json()["errors"]] == ["uscc"]


class TestOnce:
    def start(self, people, mine, call, **headers):
        body = {"call": call.code, "organisation": mine.pk}
        return Caller(people("founder")).post("/applications/", body, **headers)

    def test_a_repeated_request_is_answered_the_same(self, people, mine):
        call = make_call()
        first = self.start(people, mine, call, Idempotency_Key="k1")
        again = self.start(people, mine, call, Idempotency_Key="k1")
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert (first.has_header("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (False, "true")
        assert Entry.objects.filter(action="application.start").count() == 1

    def test_the_same_key_for_another_request_is_refused(self, people, mine):
        self.start(people, mine, make_call(), Idempotency_Key="k1")
        answer = self.start(people, mine, make_call(), Idempotency_Key="k1")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")

    def test_a_refused_request_may_be_tried_again(self, people, mine):
        now = timezone.now()
        call = make_call(opens_at=now + timedelta(hours=1), closes_at=now + timedelta(days=2))
        assert self.start(people, mine, call, Idempotency_Key="k1").status_code == 409
        assert IdempotentAnswer.objects.count() == 0
        with time_machine.travel(now + timedelta(hours=2)):
            assert self.start(people, mine, call, Idempotency_Key="k1").status_code == 201

    def test_anothers_key_is_anothers(self, people, mine):
        call = make_call()
        self.start(people, mine, call, Idempotency_Key="k1")
        answer = Caller(people("stranger")).post(
            "/applications/", {"call": call.code, "organisation": mine.pk}, Idempotency_Key="k1"
        )
        assert answer.status_code == 404

    def test_answers_are_forgotten_after_a_day(self, people, mine):
        self.start(people, mine, make_call(), Idempotency_Key="k1")
        assert forget_answers() == 0
        with time_machine.travel(timezone.now() + timedelta(hours=25)):
            assert forget_answers() == 1


@pytest.mark.parametrize("path", ["applications/0.5/submit/", "calls/%0Ax/form/", "nowhere/", ""])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_address_that_leads_nowhere_says_so_as_everything_else(people, method, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(people("founder"))
    answer = getattr(client, method)(f"/api/v1/{path}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_the_description_names_every_address():
    schema = Client().get("/api/v1/schema/?format=json").json()
    assert schema["openapi"].startswith("3.1")
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    listed = schema["paths"]["/api/v1/applications/"]["get"]
    assert {one["name"] for one in listed["parameters"]} == {
        *("after", "before", "call", "fields", "kind", "order", "size", "state")
    }
    page = schema["components"]["schemas"]["PaginatedApplicationList"]
    assert sorted(page["properties"]) == ["next", "previous", "results"]
    for address, operations in schema["paths"].items():
        for method, operation in operations.items():
            headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
            wanted = {
                "patch": {"If-Match"},
                "put": {"If-Match"},
                "delete": {"If-Match"},
                "post": {"Idempotency-Key"},
            }
            assert headers == wanted.get(method, set()), f"{method} {address}"
            assert "application/problem+json" in operation["responses"]["default"]["content"]
    told = schema["webhooks"]["notice"]["post"]
    assert [one["name"] for one in told["parameters"]] == [
        *("webhook-id", "webhook-timestamp", "webhook-signature")
    ]
    assert set(schema["paths"]) >= {
        "/api/v1/applications/",
        "/api/v1/applications/{id}/submit/",
        "/api/v1/calls/{code}/",
        "/api/v1/inbox/{public_id}/read/",
        "/api/v1/me/",
        "/api/v1/organisations/{id}/",
        "/api/v1/projects/{id}/",
    }


def test_the_page_to_try_it_has_no_script_or_style_of_its_own():
    page = Client().get("/api/v1/docs/").content.decode()
    assert "<style" not in page
    assert re.findall(r"<script(?! src=)", page) == []
