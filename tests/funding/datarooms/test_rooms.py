"""Inviting and asking, being told, programs, the administration, mergers, what is kept and for how long."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from funding.datarooms import services
from funding.datarooms.models import (
    DataRoomAccess,
    DataRoomGrant,
    DataRoomInvestor,
    DataRoomItem,
    DataRoomRequest,
)
from incubator.organisations.services import merge_organisations
from park_portal.core.accounts.models import Invitation
from park_portal.core.accounts.services import accept_invitation
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.services import relay_messages
from park_portal.core.privacy.erasing import erase_person
from park_portal.core.privacy.retention import run_retention
from park_portal.core.rights import APP_ROLE, give_rights
from tests.callers import Caller
from tests.factories.core import make_staff, make_user, token_of
from tests.factories.datarooms import (
    make_company,
    make_document,
    make_fact,
    make_investor,
    owner_of,
    pdf,
    share,
    upload,
)
from tests.factories.incubator import make_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    return make_company(name="上海澄光生物科技有限公司", uscc=make_code())


def told(user) -> list[str]:
    """The kinds of what came to somebody's inbox, in order; what comes with the digest too."""
    while relay_messages():
        pass
    rows = Delivery.objects.filter(recipient=user, channel="inbox").order_by("pk")
    return [kind for kind in rows.values_list("kind", flat=True) if kind.startswith("dataroom.")]


class TestInvited:
    def invite(self, company, email="shen@fund.example"):
        return services.invite_investor(
            company, actor=owner_of(company), email=email, name="沈若谷", firm="青溪资本"
        )

    def test_what_is_shared_waits_for_the_invitation_to_be_accepted(self, client_of, company):
        investor = self.invite(company)
        deck = make_document(company)
        share(deck, investor)
        user = make_user("沈若谷", email="shen@fund.example")
        assert client_of(user).get(f"/data-rooms/items/{deck.pk}/").status_code == 404
        path = accept_invitation(token_of(Invitation.objects.get()), actor=user)
        assert path == f"/data-rooms/shared/{company.pk}/"
        assert client_of(user).get(path).status_code == 200
        assert client_of(user).get(f"/data-rooms/items/{deck.pk}/").status_code == 200
        assert accept_invitation(token_of(Invitation.objects.get()), actor=user) == path, "a second click"

    def test_the_link_serves_nobody_else(self, company):
        self.invite(company)
        with pytest.raises(DomainError) as refused:
            accept_invitation(token_of(Invitation.objects.get()), actor=make_user())
        assert refused.value.code == "invitation_not_yours"
        assert DataRoomInvestor.objects.get().user is None

    def test_a_removed_investor_cannot_accept(self, company):
        investor = self.invite(company)
        token = token_of(Invitation.objects.get())
        services.remove_investor(investor, actor=owner_of(company))
        with pytest.raises(DomainError) as refused:
            accept_invitation(token, actor=make_user(email="shen@fund.example"))
        assert refused.value.code == "invitation_gone"

    def test_once_and_no_member(self, company):
        self.invite(company)
        with pytest.raises(DomainError) as refused:
            self.invite(company, email="SHEN@fund.example")
        assert refused.value.code == "already_investor"
        with pytest.raises(DomainError) as refused:
            self.invite(company, email=owner_of(company).email.upper())
        assert refused.value.code == "already_member"

    def test_sent_again_the_old_link_is_dead(self, client_of, company):
        investor = self.invite(company)
        old = token_of(Invitation.objects.get())
        client = client_of(owner_of(company))
        assert client.post(f"/data-rooms/{company.pk}/investors/{investor.pk}/again/").status_code == 302
        user = make_user(email="shen@fund.example")
        with pytest.raises(DomainError):
            accept_invitation(old, actor=user)
        accept_invitation(token_of(Invitation.objects.get()), actor=user)
        assert DataRoomInvestor.objects.get().user == user


class TestAsked:
    def ask(self, user, code):
        return services.ask_for_room(actor=user, uscc=code, firm="海纳投资", message="想了解融资计划")

    def test_a_request_says_nothing_of_the_company(self, client_of, company):
        make_document(company)
        user = make_user()
        client = client_of(user)
        pages = []
        for code in (company.uscc, make_code()):
            answer = client.post(
                "/data-rooms/ask/", {"uscc": code, "firm": "海纳投资", "message": ""}, follow=True
            )
            text = answer.content.decode().replace(company.uscc, "XCODEX").replace(code, "XCODEX")
            pages.append(text.count("XCODEX"))
            assert company.name not in text
        assert pages == [1, 2], "each code stands in the list of one's own requests, known or not"
        assert list(DataRoomRequest.objects.order_by("pk").values_list("organisation", flat=True)) == [
            company.pk,
            None,
        ]
        assert told(owner_of(company)) == ["dataroom.requested"]

    def test_accepted_one_is_on_the_list_and_sees_nothing_yet(self, client_of, company):
        deck, user = make_document(company, title="融资计划"), make_user()
        asked = self.ask(user, company.uscc)
        client = client_of(owner_of(company))
        assert "海纳投资" in client.get(f"/data-rooms/{company.pk}/").content.decode()
        assert client.post(f"/data-rooms/{company.pk}/requests/{asked.pk}/accept/").status_code == 302
        assert client.post(f"/data-rooms/{company.pk}/requests/{asked.pk}/accept/").status_code == 404
        assert DataRoomInvestor.objects.get().user == user
        page = client_of(user).get(f"/data-rooms/shared/{company.pk}/")
        assert (page.status_code, "融资计划" in page.content.decode()) == (200, False)
        assert client_of(user).get(f"/data-rooms/items/{deck.pk}/").status_code == 404
        assert told(user) == ["dataroom.request_accepted"]

    def test_declined_is_not_told(self, client_of, company):
        user = make_user()
        asked = self.ask(user, company.uscc)
        services.decline_request(asked, actor=owner_of(company))
        assert told(user) == []
        assert "已发送" in client_of(user).get("/data-rooms/").content.decode()
        row = Caller(user).get(f"/data-room-requests/{asked.pk}/").json()
        assert row["state"] == "pending"
        assert Caller(owner_of(company)).get(f"/data-room-requests/{asked.pk}/").json()["state"] == "declined"
        assert self.ask(user, company.uscc) == asked, "asked twice is asked once"

    def test_not_by_everybody_nor_without_end(self, company):
        user = make_user()
        with pytest.raises(DomainError) as refused:
            self.ask(user, "91310118MADEM0000X")
        assert (refused.value.code, refused.value.field) == ("uscc", "uscc")
        for _number in range(10):
            self.ask(user, make_code())
        with pytest.raises(DomainError) as refused:
            self.ask(user, company.uscc)
        assert refused.value.code == "too_many_requests"
        with pytest.raises(Forbidden):
            self.ask(make_staff("administrator"), company.uscc)

    def test_only_an_owner_answers(self, company):
        asked = self.ask(make_user(), company.uscc)
        editor = make_user()
        company.memberships.create(user=editor, role="editor")
        for actor in (editor, make_user(), make_staff("lead")):
            with pytest.raises(Forbidden):
                services.accept_request(asked, actor=actor)
        assert DataRoomInvestor.objects.count() == 0


class TestHome:
    def test_the_first_page_says_who_asks_and_what_is_shared(self, client_of, company):
        investor = make_investor(company)
        services.ask_for_room(actor=make_user("许雨桐"), uscc=company.uscc, firm="海纳投资")
        home = client_of(owner_of(company)).get("/").content.decode()
        assert "许雨桐 · 海纳投资" in home
        assert f"/data-rooms/shared/{company.pk}/" in client_of(investor.user).get("/").content.decode()
        editor = make_user()
        company.memberships.create(user=editor, role="editor")
        for other in (editor, make_user(), make_staff("lead")):
            page = client_of(other).get("/", follow=True).content.decode()
            assert "许雨桐" not in page
            assert "/data-rooms/shared/" not in page


class TestTold:
    def test_granted_opened_ending_revoked(self, company):
        investor = make_investor(company)
        deck, runway = make_document(company), make_fact(company)
        day = timezone.localdate() + timedelta(days=20)
        grant = share([deck, runway], investor, until=day)
        assert told(investor.user) == ["dataroom.granted"]
        services.open_item(deck.pk, actor=investor.user)
        services.open_item(deck.pk, actor=investor.user)
        services.read_facts(services.shared_items(investor.user, company))
        opened = Message.objects.filter(key__startswith="dataroom.opened:")
        assert [message.payload["recipients"] for message in opened] == [[owner_of(company).pk]]
        assert services.warn_of_ends() == 0
        with time_machine.travel(grant.ends_at - timedelta(days=2), tick=False):
            assert services.warn_of_ends() == 1
            services.warn_of_ends()
            assert told(investor.user) == ["dataroom.granted", "dataroom.expiring"]
        services.revoke_grant(grant, actor=owner_of(company))
        assert told(investor.user) == ["dataroom.granted", "dataroom.expiring", "dataroom.revoked"]
        assert (
            str(day) in Message.objects.get(key__startswith="dataroom.granted:").payload["context"]["until"]
        )

    def test_a_grant_of_a_few_days_is_not_followed_by_a_warning(self, company):
        share(make_fact(company), make_investor(company), until=timezone.localdate() + timedelta(days=2))
        assert services.warn_of_ends() == 0


class TestProgram:
    def test_a_company_fills_shares_looks_and_revokes(self, company):
        program = Caller(owner_of(company))
        fact = program.post(
            "/data-room-items/",
            {"organisation": company.pk, "title": "员工人数", "folder": "team", "value": "23"},
        )
        assert fact.status_code == 201, fact.content
        key = fact.json()["id"]
        file = program.client.post(
            "/api/v1/data-room-items/upload/",
            {"organisation": company.pk, "title": "计划", "file": upload(pdf(3))},
            headers={"Authorization": f"Bearer {program.secret}"},
        )
        assert (file.status_code, file.json()["pages"], file.json()["version"]) == (201, 3, 1)
        changed = program.patch(f"/data-room-items/{key}/", {"value": "24"}, If_Match=fact["ETag"])
        assert (changed.status_code, changed.json()["version"]) == (200, 2)
        investor = make_investor(company)
        sent = program.post(
            "/data-room-grants/",
            {
                "organisation": company.pk,
                "items": [key, file.json()["id"]],
                "investors": [investor.pk],
                "until": str(timezone.localdate()),
            },
        )
        assert sent.status_code == 201
        theirs = Caller(investor.user)
        rows = theirs.get("/shared-items/").json()["results"]
        assert {(row["title"], row["pages"]) for row in rows} == {("员工人数", 0), ("计划", 3)}
        assert theirs.get(f"/shared-items/{key}/value/").json() == {"value": "24", "as_of": None}
        picture = theirs.get(f"/shared-items/{file.json()['id']}/pages/3/")
        assert (picture["Content-Type"], picture["Cache-Control"]) == ("image/jpeg", "private, no-store")
        assert theirs.get(f"/shared-items/{file.json()['id']}/file/").status_code == 404
        noted = [row["what"] for row in program.get("/data-room-accesses/").json()["results"]]
        assert noted == ["page", "viewed", "viewed"]
        for row in sent.json()["results"]:
            assert program.post(f"/data-room-grants/{row['id']}/revoke/").json()["revoked_at"]
        assert theirs.get("/shared-items/").json()["results"] == []
        assert theirs.get(f"/shared-items/{key}/").status_code == 404

    def test_nothing_of_another_room(self, company):
        other = make_company()
        program = Caller(owner_of(other))
        deck, investor = make_document(company), make_investor(company)
        grant = share(deck, investor)
        for path in (
            f"/data-room-items/{deck.pk}/",
            f"/data-room-investors/{investor.pk}/",
            f"/data-room-grants/{grant.pk}/",
            f"/shared-items/{deck.pk}/",
            f"/documents/{deck.document.public_id}/",
        ):
            assert program.get(path).status_code == 404, path
        mixed = {"organisation": other.pk, "items": [str(deck.pk)], "investors": [investor.pk]}
        assert (
            program.post("/data-room-grants/", {**mixed, "until": str(timezone.localdate())}).status_code
            == 404
        )
        assert program.get("/data-room-items/not-a-key/").status_code == 404

    def test_a_token_without_the_scope_reads_nothing(self, company):
        program = Caller(owner_of(company), scopes=["organisations:read"])
        assert program.get("/data-room-items/").status_code == 403


class TestStaff:
    def test_auditors_see_that_there_is_a_grant_and_not_what_it_is(self, client_of, company):
        investor = make_investor(company, make_user("沈若谷"))
        grant = share([make_document(company, title="融资计划")], investor)
        services.open_item(grant.item_id, actor=investor.user)
        client = client_of(make_staff("auditor"))
        for path in ("/admin/funding/dataroomgrant/", f"/admin/funding/dataroomgrant/{grant.pk}/change/"):
            page = client.get(path).content.decode()
            assert company.name in page
            assert "沈若谷" in page
            assert "融资计划" not in page
            assert str(grant.item_id) not in page
        for role in ("officer", "fund_manager", "finance", "administrator"):
            assert client_of(make_staff(role)).get("/admin/funding/dataroomgrant/").status_code == 403, role

    def test_there_is_no_admin_of_items(self, client_of, company):
        make_fact(company)
        client = client_of(make_staff("lead"))
        for model in ("dataroomitem", "dataroominvestor", "dataroomaccess", "dataroomrequest"):
            assert client.get(f"/admin/funding/{model}/").status_code == 404


class TestKept:
    def test_two_records_of_one_company_become_one(self, client_of, company):
        double = make_company(uscc=None)
        both, one = make_user(), make_user()
        kept = make_investor(company, both)
        twice, other = make_investor(double, both), make_investor(double, one)
        deck = make_document(double)
        share(deck, twice)
        stays = share(deck, other)
        merge_organisations(double, actor=make_staff("officer"), into=company)
        assert set(DataRoomInvestor.objects.filter(removed_at__isnull=True)) == {kept, other}
        assert set(DataRoomGrant.objects.live()) == {stays}
        assert client_of(one).get(f"/data-rooms/shared/{company.pk}/").status_code == 200
        assert client_of(both).get(f"/data-rooms/items/{deck.pk}/").status_code == 404
        services.replace_document(DataRoomItem.objects.get(), actor=owner_of(company), file=upload())

    def test_an_erased_investor_is_a_number_without_access(self, company):
        investor = make_investor(company, make_user("沈若谷", email="shen@fund.example"))
        share(make_document(company), investor)
        erase_person(investor.user, actor=make_staff("lead"))
        investor.refresh_from_db()
        assert (investor.firm, "erased" in investor.email, "沈" in investor.name) == ("", True, False)
        assert not DataRoomGrant.objects.live().exists()

    def test_accesses_go_after_three_years_and_not_before(self, company):
        investor = make_investor(company)
        grant = share(make_document(company), investor)
        ago = {"kept": timedelta(days=3 * 365 - 2), "gone": timedelta(days=3 * 366 + 2)}
        rows = {
            name: DataRoomAccess.objects.create(grant=grant, what="viewed", at=timezone.now() - age)
            for name, age in ago.items()
        }
        DataRoomAccess.objects.create(
            grant=grant, what="page", page=1, opening=rows["gone"], at=rows["gone"].at + timedelta(seconds=5)
        )
        give_rights("default")
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {APP_ROLE}")  # as workers serve
        assert run_retention()["data-room-accesses"] == 2
        assert list(DataRoomAccess.objects.all()) == [rows["kept"]]


@pytest.mark.django_db(transaction=True)
def test_two_who_share_the_same_thing_at_once_leave_one_grant():
    company = make_company()
    deck, investor = make_document(company), make_investor(company)
    both = threading.Barrier(2)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            both.wait(10)
            share(deck, investor)
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert DataRoomGrant.objects.count() == 2
    assert DataRoomGrant.objects.live().count() == 1


@pytest.mark.parametrize("page", ["room", "shared", "index"])
def test_a_page_costs_the_same_for_many_things(client_of, company, page):
    investor = make_investor(company)
    path = {
        "room": f"/data-rooms/{company.pk}/",
        "shared": f"/data-rooms/shared/{company.pk}/",
        "index": "/data-rooms/",
    }
    client = client_of(owner_of(company) if page == "room" else investor.user)
    items = [make_fact(company), make_document(company)]
    share(items, investor)
    client.get(path[page])
    with CaptureQueriesContext(connection) as few:
        client.get(path[page])
    more = [make_fact(company, title=f"字段 {number}") for number in range(20)]
    others = [make_investor(company) for _number in range(5)]
    share(more, investor)
    for other in others:
        share(more[:3], other)
    with CaptureQueriesContext(connection) as many:
        client.get(path[page])
    assert len(many) == len(few) <= 16
