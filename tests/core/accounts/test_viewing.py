"""“View as”: the staff see what somebody sees, change nothing, and are seen doing it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from incubator.organisations.models import Organisation
from park_portal.core import context
from park_portal.core.accounts import services
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.models import Entry
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import READERS, read_document, store_document
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox.models import Delivery, Message
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_organisation

pytestmark = pytest.mark.django_db

PROFILE = "/account/profile/"


def entries() -> list[tuple[str, int, int | None]]:
    found = Entry.objects.filter(action__startswith="user.view_as").order_by("pk")
    return list(found.values_list("action", "actor_id", "object_id"))


@pytest.fixture
def founder():
    person = make_user("陈思远")
    make_organisation(owner=person)
    return person


@pytest.fixture
def officer():
    return make_staff("officer", name="沈嘉宁")


@pytest.fixture
def viewing(client_of, officer, founder):
    """The officer's browser, in which the portal is viewed as the founder."""
    client = client_of(officer)
    answer = client.post(f"/account/view-as/{founder.pk}/", {"reason": "asked why the form is empty"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    return client


def sees_as(client) -> str:
    """Who the pages are for."""
    return client.get(PROFILE).context["request"].user.name


class TestWho:
    @pytest.mark.parametrize("role", [role for role in StaffRole.values if role not in ("officer", "lead")])
    def test_not_every_role(self, client_of, founder, role):
        client = client_of(make_staff(role))
        assert client.get(f"/account/view-as/{founder.pk}/").status_code == 403
        assert client.post(f"/account/view-as/{founder.pk}/", {"reason": "x"}).status_code == 403
        assert entries() == []

    def test_nobody_outside_the_staff_and_no_hint_who_there_is(self, client_of, founder):
        client = client_of(make_user())
        answers = [client.get(f"/account/view-as/{pk}/").status_code for pk in (founder.pk, 999_999_999)]
        assert answers == [403, 403]

    @pytest.mark.parametrize("kind", ["staff", "superuser", "off", "oneself"])
    def test_never_another_member_of_the_staff(self, client_of, officer, kind):
        target = {
            "staff": lambda: make_staff("auditor"),
            "superuser": lambda: make_user(is_superuser=True),
            "off": lambda: make_user(is_active=False),
            "oneself": lambda: officer,
        }[kind]()
        client = client_of(officer)
        assert client.post(f"/account/view-as/{target.pk}/", {"reason": "x"}).status_code == 400
        assert sees_as(client) == officer.name
        with pytest.raises(DomainError):
            services.begin_viewing(target, actor=officer, reason="x")
        assert entries() == []

    def test_a_reason_is_asked(self, client_of, officer, founder):
        client = client_of(officer)
        assert client.post(f"/account/view-as/{founder.pk}/", {"reason": "  "}).status_code == 422
        assert sees_as(client) == officer.name

    def test_the_way_there_stands_on_the_persons_record(self, client_of, officer, founder):
        client, other = client_of(officer), make_staff("auditor")
        address = f"/account/view-as/{founder.pk}/"
        assert address in client.get(f"/admin/core/user/{founder.pk}/change/").content.decode()
        assert "/account/view-as/" not in client.get(f"/admin/core/user/{other.pk}/change/").content.decode()
        for role in ("auditor", "administrator"):
            page = client_of(make_staff(role)).get(f"/admin/core/user/{founder.pk}/change/")
            assert (page.status_code, address in page.content.decode()) == (200, False)


class TestSeeing:
    def test_the_persons_pages_under_a_banner(self, viewing, founder, officer):
        page = viewing.get("/organisations/", follow=True)
        text = page.content.decode()
        assert page.context["request"].user == founder
        assert Organisation.objects.get().name in text
        assert 'class="viewing"' in text
        assert officer.name in text
        assert founder.email in text

    @pytest.mark.parametrize(
        "path", ["/", PROFILE, "/inbox/", "/about/", "/nowhere/at/all/", "/jobs/", "/accounts/logout/"]
    )
    def test_the_banner_is_on_every_page(self, viewing, path):
        assert 'class="viewing"' in viewing.get(path).content.decode()

    @pytest.mark.parametrize(
        "path", ["/admin/", "/admin/core/user/", "/accounts/2fa/", "/accounts/sessions/", "/accounts/email/"]
    )
    def test_neither_the_administration_nor_how_the_person_signs_in(self, viewing, path):
        answer = viewing.get(path)
        assert answer.status_code == 403
        assert 'class="viewing"' in answer.content.decode()

    def test_a_notice_stays_unread(self, viewing, founder):
        message = Message.objects.create(topic="notify", key="a-notice")
        item = Delivery.objects.create(
            message=message,
            recipient=founder,
            channel="inbox",
            kind="job.done",
            subject={"en": "S"},
            body={"en": "B"},
        )
        assert viewing.get(f"/inbox/{item.public_id}/").status_code == 200
        assert Delivery.objects.get(pk=item.pk).read_at is None


class TestChangingNothing:
    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    @pytest.mark.parametrize("path", [PROFILE, "/inbox/", "/", "/account/view-as/1/"])
    def test_no_other_method(self, viewing, founder, method, path):
        answer = getattr(viewing, method)(path, {"name": "Someone Else", "language": "en"})
        assert answer.status_code == 403
        assert User.objects.get(pk=founder.pk).name == "陈思远"

    def test_what_was_typed_is_given_back_and_json_gets_a_code(self, viewing):
        assert (
            "Someone Else Entirely"
            in viewing.post(PROFILE, {"name": "Someone Else Entirely"}).content.decode()
        )
        answer = viewing.post(PROFILE, {"name": "x"}, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (403, "view_only")

    def test_nor_by_a_page_that_writes_when_it_is_opened(self, viewing, founder, monkeypatch):
        from park_portal.core.accounts.views import ProfilePage

        def writes(self, request):
            services.update_profile(request.user, actor=request.user, name="Written by opening")
            raise AssertionError

        monkeypatch.setattr(ProfilePage, "get", writes)
        assert viewing.get(PROFILE).status_code == 403
        assert User.objects.get(pk=founder.pk).name == "陈思远"
        assert not Entry.objects.filter(action="user.update_profile").exists()

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE core_user SET name = 'x'",
            "  delete from core_user",
            "WITH gone AS (DELETE FROM core_savedview RETURNING 1) SELECT * FROM gone",
            "TRUNCATE core_savedview",
            "INSERT INTO core_savedview (name) VALUES ('x')",
        ],
    )
    def test_the_database_is_told_nothing(self, viewing, monkeypatch, sql):
        from park_portal.core.accounts.views import ProfilePage

        def writes(self, request):
            with connection.cursor() as cursor:
                cursor.execute(sql)
            raise AssertionError

        monkeypatch.setattr(ProfilePage, "get", writes)
        assert viewing.get(PROFILE).status_code == 403
        monkeypatch.undo()
        assert viewing.get(PROFILE).status_code == 200

    def test_afterwards_one_writes_again_in_ones_own_name(self, viewing, officer, founder):
        viewing.post("/account/view-as/end/")
        viewing.post(PROFILE, {"name": "沈嘉宁二", "phone": "", "language": "zh-hans"})
        assert User.objects.get(pk=officer.pk).name == "沈嘉宁二"
        assert User.objects.get(pk=founder.pk).name == "陈思远"


class TestFiles:
    @pytest.fixture
    def document(self, founder, monkeypatch):
        company = Organisation.objects.get()
        monkeypatch.setitem(READERS, company._meta.label_lower, [lambda user, _doc: user.pk in self.readers])
        self.readers = {founder.pk}
        return store_document(b"%PDF-1.4\n%%EOF\n", actor=founder, subject=company, kind="x", name="a.pdf")

    def test_none_that_the_viewer_could_not_read(self, viewing, document):
        assert viewing.get(document.get_absolute_url()).status_code == 404
        assert not Entry.objects.filter(action="document.read").exists()

    def test_the_others_and_it_is_noted_who_looked(self, viewing, document, officer, founder):
        self.readers.add(officer.pk)
        assert viewing.get(document.get_absolute_url()).status_code == 200
        entry = Entry.objects.get(action="document.read")
        assert (entry.actor_id, entry.on_behalf_of) == (officer.pk, founder.pk)

    def test_the_service_refuses_too(self, document, officer, founder):
        with (
            context.origin(door="web"),
            context.viewed(by=officer.pk, as_person=founder.pk),
            pytest.raises(Document.DoesNotExist),
        ):
            read_document(document.public_id, user=founder)


class TestEnding:
    def test_by_a_click_noted_with_its_beginning(self, viewing, officer, founder):
        answer = viewing.post("/account/view-as/end/")
        assert answer.headers["Location"] == f"/admin/core/user/{founder.pk}/change/"
        assert sees_as(viewing) == officer.name
        assert entries() == [
            ("user.view_as", officer.pk, str(founder.pk)),
            ("user.view_as_end", officer.pk, str(founder.pk)),
        ]
        assert Entry.objects.get(action="user.view_as").facts == {"reason": "asked why the form is empty"}

    def test_after_half_an_hour(self, client_of, officer, founder):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            client = client_of(officer)
            client.post(f"/account/view-as/{founder.pk}/", {"reason": "x"})
            clock.shift(timedelta(minutes=29, seconds=59))
            assert sees_as(client) == founder.name
            clock.shift(timedelta(seconds=2))
            assert client.get(PROFILE).headers["Location"] == "/"
            assert sees_as(client) == officer.name
        assert Entry.objects.get(action="user.view_as_end").facts == {"why": "time"}

    def test_a_form_sent_too_late_is_not_done_in_the_viewers_name(self, client_of, officer, founder):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            client = client_of(officer)
            client.post(f"/account/view-as/{founder.pk}/", {"reason": "x"})
            clock.shift(timedelta(minutes=31))
            assert client.post(PROFILE, {"name": "Wrong", "language": "en"}).status_code == 403
        assert User.objects.get(pk=officer.pk).name == "沈嘉宁"

    @pytest.mark.parametrize("change", ["viewer", "person"])
    def test_when_a_right_is_gone(self, viewing, officer, founder, change):
        if change == "viewer":
            officer.groups.clear()
            expected = officer.name
        else:
            User.objects.filter(pk=founder.pk).update(is_staff=True)
            expected = officer.name
        assert viewing.get(PROFILE).headers["Location"] == "/"
        assert sees_as(viewing) == expected

    def test_with_signing_out(self, viewing):
        viewing.post("/accounts/logout/")
        assert "_auth_user_id" not in viewing.session
        assert Entry.objects.get(action="user.view_as_end").facts == {"why": "signed out"}

    def test_services_refuse_who_may_not(self, founder):
        with pytest.raises(Forbidden):
            services.begin_viewing(founder, actor=make_user(), reason="x")
