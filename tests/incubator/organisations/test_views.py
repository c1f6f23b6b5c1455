import pytest
from django.core import signing
from django.urls import reverse

from incubator.models import Membership, Organisation
from incubator.organisations.views import JOIN_SALT
from park_portal.core.accounts.models import Invitation
from park_portal.core.accounts.services import accept_invitation
from tests.factories.applications import make_application
from tests.factories.core import make_user, token_of
from tests.factories.incubator import (
    make_code,
    make_liaison,
    make_organisation,
    make_project,
    make_university,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def trio():
    """Alice owns an organisation, Bob edits it, Charlie is a stranger."""
    alice, bob, charlie = make_user("Alice"), make_user("Bob"), make_user("Charlie")
    return make_organisation("上海澄光生物科技有限公司", owner=alice, editor=bob), alice, bob, charlie


def fields(**values):
    return {
        "uscc": "",
        "name_zh_hans": "上海新芽科技有限公司",
        "kind": "startup",
        "technology_field": "ai",
        **values,
    }


def text_of(response):
    return response.content.decode()


def test_list_shows_only_ones_own(trio, client_of):
    organisation, alice, _bob, charlie = trio
    make_university("复旦大学")
    assert str(organisation) in client_of(alice).get(reverse("organisations:list")).content.decode()
    assert str(organisation) not in client_of(charlie).get(reverse("organisations:list")).content.decode()


@pytest.mark.parametrize("route", ["detail", "edit", "members", "invite", "leave"], ids=lambda route: route)
def test_pages_of_another_organisation_do_not_exist_for_strangers(route, trio, client_of):
    organisation, _alice, _bob, charlie = trio
    address = reverse(f"organisations:{route}", args=[organisation.pk])
    assert client_of(charlie).get(address).status_code == 404
    assert client_of(charlie).post(address, fields()).status_code == 404


def test_universities_are_shown_to_everyone_without_their_people(client_of):
    alice, charlie = make_user("Alice"), make_user("Charlie")
    university = make_university("复旦大学", owner=alice)
    page = client_of(charlie).get(reverse("organisations:detail", args=[university.pk]))
    assert page.status_code == 200
    assert "Alice" not in page.content.decode()
    assert client_of(charlie).get(reverse("organisations:members", args=[university.pk])).status_code == 403


def test_create_makes_the_founder_owner(client_of):
    alice = make_user("Alice")
    response = client_of(alice).post(reverse("organisations:create"), fields(uscc=make_code(1).lower()))
    organisation = Organisation.objects.get()
    assert (response.status_code, response.url) == (302, organisation.get_absolute_url())
    assert organisation.uscc == make_code(1)
    assert Membership.objects.filter(organisation=organisation, user=alice, role="owner").exists()


@pytest.mark.parametrize("code", ["123", "91310118MA1K3A1X20", "九一三一", "9" * 30])
def test_create_with_a_wrong_code_says_so_and_keeps_what_was_typed(code, client_of):
    response = client_of(make_user()).post(reverse("organisations:create"), fields(uscc=code))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["uscc"]
    assert "上海新芽科技有限公司" in response.content.decode()
    assert Organisation.objects.count() == 0


def test_create_asks_once_whether_it_is_not_here_already(trio, client_of):
    organisation, _alice, _bob, charlie = trio
    client, address = client_of(charlie), reverse("organisations:create")
    again = fields(name_zh_hans="澄光生物科技(上海)有限公司")
    response = client.post(address, again)
    assert response.status_code == 422
    [candidate] = response.context["candidates"]
    assert (candidate["name"], candidate["url"]) == (str(organisation), "")
    assert client.get(candidate["join_url"]).status_code == 200
    assert client.post(address, {**again, "confirmed": "on"}).status_code == 302
    assert Organisation.objects.count() == 2


def test_create_with_a_taken_code_offers_to_join_whatever_is_ticked(trio, client_of):
    organisation, _alice, _bob, charlie = trio
    response = client_of(charlie).post(
        reverse("organisations:create"), fields(uscc=organisation.uscc, confirmed="on")
    )
    assert response.status_code == 422
    assert [one["same_code"] for one in response.context["candidates"]] == [True]
    assert Organisation.objects.count() == 1


def test_check_answers_while_one_types(trio, client_of):
    organisation, _alice, _bob, charlie = trio
    client, address = client_of(charlie), reverse("organisations:check")
    assert client.get(address, {"uscc": make_code(900)}).context["code_is_valid"] is True
    assert client.get(address, {"uscc": "123"}).context["code_is_valid"] is False
    found = client.get(address, {"uscc": organisation.uscc}).context["candidates"]
    assert [one["name"] for one in found] == [str(organisation)]
    assert client.get(address, {"name_zh_hans": "\0" * 5 + "x" * 500}).status_code == 200


def test_join_needs_a_link_made_for_this_person(trio, client_of):
    organisation, alice, _bob, charlie = trio
    link = signing.dumps([organisation.pk, charlie.pk], salt=JOIN_SALT)
    address = reverse("organisations:join", args=[link])
    assert client_of(make_user()).get(address).status_code == 404
    assert client_of(charlie).get(reverse("organisations:join", args=["made-up"])).status_code == 404
    assert client_of(charlie).post(address, {"message": "你好"}).status_code == 302
    own = signing.dumps([organisation.pk, alice.pk], salt=JOIN_SALT)
    assert client_of(alice).get(reverse("organisations:join", args=[own])).status_code == 403


def test_edit_is_for_owners_and_editors(trio, client_of):
    organisation, _alice, bob, _charlie = trio
    viewer = make_user("Vera")
    Membership.objects.create(organisation=organisation, user=viewer, role="viewer")
    address = reverse("organisations:edit", args=[organisation.pk])
    values = fields(
        name_zh_hans=organisation.name_zh_hans, uscc=organisation.uscc, website="chengguang.example"
    )
    assert client_of(viewer).post(address, values).status_code == 403
    assert client_of(bob).post(address, values).status_code == 302
    organisation.refresh_from_db()
    assert (organisation.website, organisation.technology_field) == ("https://chengguang.example", "ai")


@pytest.mark.parametrize("website", ["javascript:alert(1)", "data:text/html,x", "\0"])
def test_edit_refuses_addresses_that_are_none(website, trio, client_of):
    organisation, alice, _bob, _charlie = trio
    values = fields(name_zh_hans="甲公司", website=website)
    response = client_of(alice).post(reverse("organisations:edit", args=[organisation.pk]), values)
    assert (response.status_code, list(response.context["form"].errors)) == (422, ["website"])


def test_members_are_managed_by_owners_only(trio, client_of):
    organisation, alice, bob, _charlie = trio
    page = reverse("organisations:members", args=[organisation.pk])
    assert "form" not in client_of(bob).get(page).context
    invite = {"email": "new@example.com", "name": "", "role": "viewer", "language": "en"}
    assert (
        client_of(bob).post(reverse("organisations:invite", args=[organisation.pk]), invite).status_code
        == 403
    )
    assert (
        client_of(alice).post(reverse("organisations:invite", args=[organisation.pk]), invite).status_code
        == 302
    )
    assert "new@example.com" in client_of(alice).get(page).content.decode()


def test_invite_keeps_what_was_typed_when_refused(trio, client_of):
    organisation, alice, bob, _charlie = trio
    response = client_of(alice).post(
        reverse("organisations:invite", args=[organisation.pk]),
        {"email": bob.email, "name": "Bob", "role": "viewer", "language": "en"},
    )
    assert (response.status_code, list(response.context["form"].errors)) == (422, ["email"])


def test_invitation_is_sent_again_revoked_and_accepted(trio, client_of):
    organisation, alice, _bob, charlie = trio
    client = client_of(alice)
    invite = {"email": charlie.email, "name": "Charlie", "role": "editor", "language": "en"}
    client.post(reverse("organisations:invite", args=[organisation.pk]), invite)
    first = Invitation.objects.get()
    assert (
        client.post(reverse("organisations:invitation-resend", args=[organisation.pk, first.pk])).status_code
        == 302
    )
    second = Invitation.objects.open().get()
    assert accept_invitation(token_of(second), actor=charlie) == organisation.get_absolute_url()
    assert organisation.role_of(charlie) == "editor"
    assert (
        client.post(reverse("organisations:invitation-revoke", args=[organisation.pk, second.pk])).status_code
        == 404
    )


def test_invitations_of_another_organisation_cannot_be_touched(trio, client_of):
    organisation, alice, _bob, charlie = trio
    other = make_organisation(owner=charlie)
    client_of(charlie).post(
        reverse("organisations:invite", args=[other.pk]),
        {"email": "x@example.com", "name": "", "role": "viewer", "language": "en"},
    )
    foreign = Invitation.objects.get()
    for route in ("invitation-resend", "invitation-revoke"):
        address = reverse(f"organisations:{route}", args=[organisation.pk, foreign.pk])
        assert client_of(alice).post(address).status_code == 404


def test_member_role_and_removal(trio, client_of):
    organisation, alice, bob, charlie = trio
    place = organisation.memberships.get(user=bob)
    address = reverse("organisations:member-role", args=[organisation.pk, place.pk])
    assert client_of(charlie).post(address, {"role": "owner"}).status_code == 404
    assert client_of(bob).post(address, {"role": "owner"}).status_code == 403
    assert client_of(alice).post(address, {"role": "viewer"}).status_code == 302
    place.refresh_from_db()
    assert place.role == "viewer"
    remove = reverse("organisations:member-remove", args=[organisation.pk, place.pk])
    assert client_of(alice).post(remove).status_code == 302
    assert not organisation.memberships.filter(user=bob).exists()
    assert client_of(bob).get(reverse("organisations:detail", args=[organisation.pk])).status_code == 404


def test_last_owner_cannot_leave_and_is_told_why(trio, client_of):
    organisation, alice, _bob, _charlie = trio
    response = client_of(alice).post(reverse("organisations:leave", args=[organisation.pk]))
    assert response.status_code == 400
    assert organisation.memberships.filter(user=alice, role="owner").exists()


@pytest.mark.parametrize("route", ["detail", "members", "leave"])
def test_the_only_owner_is_not_offered_to_leave(route, trio, client_of):
    organisation, alice, bob, _charlie = trio
    address = reverse(f"organisations:{route}", args=[organisation.pk])
    leave = f'href="{reverse("organisations:leave", args=[organisation.pk])}"'
    page = client_of(alice).get(address).content.decode()
    assert leave not in page
    assert 'class="btn btn-danger"' not in page
    if route != "members":
        assert f'href="{reverse("organisations:members", args=[organisation.pk])}"' in page
    assert (leave in client_of(bob).get(address).content.decode()) is (route != "leave")
    organisation.memberships.filter(user=bob).update(role="owner")
    page = client_of(alice).get(address).content.decode()
    assert leave in page or 'class="btn btn-danger"' in page


def test_registering_leads_back_to_where_one_came_from(client_of):
    alice = make_user("Alice")
    client, address = client_of(alice), reverse("organisations:create")
    back = client.post(f"{address}?next=/applications/start/AIBT-2026/", fields())
    assert back["Location"] == "/applications/start/AIBT-2026/"
    assert 'href="/applications/start/AIBT-2026/"' in text_of(
        client.get(f"{address}?next=/applications/start/AIBT-2026/")
    )
    away = client.post(f"{address}?next=https://evil.example/", fields(name_zh_hans="另一家公司"))
    assert away["Location"] == Organisation.objects.latest("pk").get_absolute_url()


def test_new_organisation_shows_the_way_to_the_calls_until_something_was_applied_for(trio, client_of):
    organisation, alice, _bob, _charlie = trio
    viewer = make_user("Dora")
    Membership.objects.create(organisation=organisation, user=viewer, role="viewer")
    address = reverse("organisations:detail", args=[organisation.pk])
    way_on = 'btn-sm" href="/calls/"'
    assert way_on in text_of(client_of(alice).get(address))
    assert way_on not in text_of(client_of(viewer).get(address))
    make_application(organisation=organisation, owner=alice)
    assert way_on not in text_of(client_of(alice).get(address))


def test_address_that_was_not_given_is_not_shown_as_one(client_of):
    alice = make_user("Alice")
    address = make_organisation(owner=alice, district="青浦", registered_address="").get_absolute_url()
    page = text_of(client_of(alice).get(address))
    assert "青浦" in page
    assert "注册地址" not in page
    assert "青浦区内" not in page


def test_home_offers_what_the_person_may_have_come_for(client_of):
    new, founder, leader, liaison = make_user(), make_user(), make_user(), make_user()
    make_organisation(owner=founder)
    make_project(pi=leader)
    make_liaison(liaison, make_university())
    create, register = reverse("organisations:create"), reverse("projects:create")
    found = {}
    for name, user in {"new": new, "founder": founder, "leader": leader, "liaison": liaison}.items():
        page = text_of(client_of(user).get("/"))
        found[name] = (create in page, register in page)
    assert found == {
        "new": (True, True),
        "founder": (False, False),
        "leader": (False, False),
        "liaison": (False, False),
    }


def test_signed_out_people_are_sent_to_sign_in(trio, client):
    response = client.get(reverse("organisations:detail", args=[trio[0].pk]))
    assert response.status_code == 302
    assert response.url.endswith(f"?next=/organisations/{trio[0].pk}/")
