"""People: roles with the least rights, invitations that expire, an account switched off."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from park_portal.core.accounts import services
from park_portal.core.accounts.models import Invitation, User
from park_portal.core.accounts.states import ROLE_RIGHTS, StaffRole
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.services import handle_message, send_delivery, unseal
from tests.factories.core import make_staff, make_user, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return make_staff("administrator", name="Grace")


class TestRoles:
    def test_each_role_is_a_group_with_exactly_its_rights(self):
        for role, rights in ROLE_RIGHTS.items():
            held = Group.objects.get(name=role).permissions
            for label, verbs in rights.items():
                app, name = label.split(".")
                if name == "*":
                    continue
                found = set(
                    held.filter(content_type__app_label=app, codename__endswith=f"_{name}").values_list(
                        "codename", flat=True
                    )
                )
                assert found >= {f"{verb}_{name}" for verb in verbs}, (role, label)

    def test_administrator_sees_no_application(self):
        grace = make_staff("administrator")
        assert not grace.has_perm("funding.view_application")
        assert grace.has_perm("core.view_user")

    def test_auditor_changes_nothing(self):
        codenames = Group.objects.get(name="auditor").permissions.values_list("codename", flat=True)
        assert {name.split("_")[0] for name in codenames} == {"view"}

    def test_set_roles_is_audited_and_makes_staff(self, admin):
        bob = make_user("Bob")
        services.set_roles(bob, actor=admin, roles=["officer"])
        bob = User.objects.get(pk=bob.pk)
        assert (bob.is_staff, bob.roles) == (True, {"officer"})
        entry = Entry.objects.get(action="user.set_roles")
        assert (entry.before, entry.after, entry.actor_id) == (
            {"roles": []},
            {"roles": ["officer"]},
            admin.pk,
        )
        services.set_roles(bob, actor=admin, roles=[])
        bob = User.objects.get(pk=bob.pk)
        assert (bob.is_staff, bob.roles) == (False, frozenset())

    @pytest.mark.parametrize("role", [role for role in StaffRole.values if role != "administrator"])
    def test_nobody_else_sets_roles(self, role):
        bob = make_user("Bob")
        with pytest.raises(Forbidden):
            services.set_roles(bob, actor=make_staff(role), roles=["lead"])
        assert User.objects.get(pk=bob.pk).roles == frozenset()

    def test_unknown_role(self, admin):
        with pytest.raises(DomainError):
            services.set_roles(make_user(), actor=admin, roles=["king"])

    def test_nobody_changes_their_own_roles(self, admin):
        for roles in (["lead"], ["administrator"], []):
            with pytest.raises(DomainError) as refusal:
                services.set_roles(admin, actor=admin, roles=roles)
            assert refusal.value.code == "own_roles"
        with pytest.raises(DomainError) as refusal:
            services.invite_staff(admin.email.upper(), actor=admin, role="officer")
        assert refusal.value.code == "own_roles"
        assert User.objects.get(pk=admin.pk).roles == {"administrator"}

    def test_own_roles_are_not_offered_and_refused_at_the_door(self, admin, client_of):
        client = client_of(admin)
        address = f"/admin/core/user/{admin.pk}/act/roles/"
        shown = client.get(f"/admin/core/user/{admin.pk}/change/")
        assert (shown.status_code, address in shown.content.decode()) == (200, False)
        assert client.get(address).headers["Location"] == f"/admin/core/user/{admin.pk}/change/"
        assert client.post(address, {"roles": ["lead"], "once": "own"}).status_code == 200
        assert User.objects.get(pk=admin.pk).roles == {"administrator"}

    @pytest.mark.parametrize("other", [role for role in StaffRole.values if role != "administrator"])
    def test_administrator_holds_no_other_role(self, admin, other):
        bob = make_staff(other)
        with pytest.raises(DomainError) as refusal:
            services.set_roles(bob, actor=admin, roles=[other, "administrator"])
        assert refusal.value.code == "roles_combined"
        with pytest.raises(DomainError) as refusal:
            services.invite_staff(bob.email, actor=admin, role="administrator")
        assert refusal.value.code == "roles_combined"
        assert User.objects.get(pk=bob.pk).roles == {other}
        services.set_roles(bob, actor=admin, roles=["administrator"])
        assert User.objects.get(pk=bob.pk).roles == {"administrator"}

    @pytest.mark.parametrize("roles", [("lead", "administrator"), ("administrator", "auditor")])
    def test_the_database_refuses_it_too(self, roles):
        bob = make_user("Bob")
        with pytest.raises(IntegrityError), transaction.atomic():
            bob.groups.add(*Group.objects.filter(name__in=roles))
        bob.groups.add(Group.objects.get(name=roles[0]))
        with pytest.raises(IntegrityError), transaction.atomic():
            bob.groups.add(Group.objects.get(name=roles[1]))
        assert list(bob.groups.values_list("name", flat=True)) == [roles[0]]

    def test_other_roles_go_together_and_other_groups_beside_anything(self, admin):
        bob = make_user("Bob")
        services.set_roles(bob, actor=admin, roles=["lead", "officer", "fund_manager"])
        assert User.objects.get(pk=bob.pk).roles == {"lead", "officer", "fund_manager"}
        admin.groups.add(Group.objects.create(name="choir"))

    def test_the_leads_are_told_of_every_role_given(self, admin):
        lead = make_staff("lead")
        make_staff("officer")
        bob = make_user("Bob")

        def told() -> list[list[int]]:
            found = Message.objects.filter(key__startswith=f"account.staff_role:{bob.pk}:").order_by("pk")
            return [one.payload["recipients"] for one in found]

        services.set_roles(bob, actor=admin, roles=["finance"])
        assert told() == [[lead.pk]]
        notice = Message.objects.get(key__startswith=f"account.staff_role:{bob.pk}:").payload
        assert notice["link"] == f"/admin/core/user/{bob.pk}/change/"
        assert notice["context"]["roles"]["en"] == "finance officer"
        services.set_roles(bob, actor=admin, roles=["finance"])
        services.set_roles(bob, actor=admin, roles=[])
        assert told() == [[lead.pk]]
        services.set_roles(bob, actor=admin, roles=["finance"])
        assert told() == [[lead.pk], [lead.pk]]

    def test_email_is_one_person_whatever_its_case(self):
        make_user(email="someone@example.com")
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create(email="SomeOne@example.com", name="Twin")


class TestSwitchedOff:
    def test_sessions_end_at_once(self, admin, client):
        bob = make_user("Bob")
        client.force_login(bob)
        services.set_active(bob, actor=admin, active=False, reason="left the company")
        assert "_auth_user_id" not in client.session
        assert Entry.objects.get(action="user.set_active").facts == {"reason": "left the company"}

    def test_not_oneself(self, admin):
        with pytest.raises(DomainError):
            services.set_active(admin, actor=admin, active=False)


class TestInvitations:
    def test_only_the_hash_is_kept_and_the_link_works_once_for_the_right_person(self, admin):
        invitation = services.invite_staff("New@Example.com", actor=admin, role="officer")
        token = token_of(invitation)
        assert invitation.token_digest == Invitation.digest(token) != token
        stranger = make_user("Mallory")
        with pytest.raises(DomainError) as refusal:
            services.accept_invitation(token, actor=stranger)
        assert refusal.value.code == "invitation_not_yours"
        assert User.objects.get(pk=stranger.pk).is_staff is False
        new = make_user("New", email="new@example.com")
        assert services.accept_invitation(token, actor=new) == "/admin/"
        assert User.objects.get(pk=new.pk).roles == {"officer"}
        assert services.accept_invitation(token, actor=User.objects.get(pk=new.pk)) == "/admin/"

    def test_only_the_mail_of_an_invitation_holds_its_token(self, admin):
        services.invite_staff("New@Example.com", actor=admin, role="officer")
        new = make_user(email="new@example.com")
        for message in Message.objects.all():
            assert handle_message(message.pk)
        for delivery in Delivery.objects.filter(status="waiting"):
            assert send_delivery(delivery.pk)
        [sent] = [one for one in mail.outbox if one.to == ["new@example.com"]]
        tokens = set(re.findall(r"/invitations/([^/\s]+)/", sent.body))
        assert tokens == set(re.findall(r"/invitations/([^/\s\"]+)/", sent.alternatives[0].content))
        [token] = tokens
        for model in (Message, Delivery, Invitation, Entry):
            assert token not in str(list(model.objects.values()))
        mark = Delivery.objects.get(address="new@example.com").link.rstrip("/").rpartition("/")[2]
        assert services.find_invitation(mark) is None
        assert services.accept_invitation(token, actor=new) == "/admin/"

    def test_the_mark_of_an_invitation_opens_nothing_in_a_mail_to_another(self, admin):
        invitation = services.invite_staff("new@example.com", actor=admin, role="officer")
        mark = Message.objects.get(payload__kind="account.invitation").payload["link"]
        assert unseal(mark, "mallory@example.com") != unseal(mark, "new@example.com") != mark
        assert token_of(invitation) in unseal(mark, "NEW@example.com")

    def test_invitation_to_the_staff_tells_the_leads_and_gives_no_role_back(self, admin):
        lead = make_staff("lead")
        token = token_of(services.invite_staff("new@example.com", actor=admin, role="officer"))
        new = make_user("New", email="new@example.com")
        services.accept_invitation(token, actor=new)
        notice = Message.objects.get(key__startswith=f"account.staff_role:{new.pk}:")
        assert notice.payload["recipients"] == [lead.pk]
        services.set_roles(new, actor=admin, roles=[])
        assert services.accept_invitation(token, actor=User.objects.get(pk=new.pk)) == "/admin/"
        assert User.objects.get(pk=new.pk).roles == frozenset()
        assert User.objects.get(pk=new.pk).is_staff is False

    def test_invitation_gives_no_role_beside_the_administrators(self, admin):
        token = token_of(services.invite_staff("new@example.com", actor=admin, role="administrator"))
        new = make_staff("officer", email="new@example.com")
        with pytest.raises(DomainError) as refusal:
            services.accept_invitation(token, actor=new)
        assert refusal.value.code == "roles_combined"
        assert User.objects.get(pk=new.pk).roles == {"officer"}

    def test_expires(self, admin):
        invitation = services.invite_staff("new@example.com", actor=admin, role="officer")
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        with pytest.raises(DomainError) as refusal:
            services.accept_invitation(token_of(invitation), actor=make_user(email="new@example.com"))
        assert refusal.value.code == "invitation_expired"

    def test_inviting_again_kills_the_old_link(self, admin):
        first = services.invite_staff("new@example.com", actor=admin, role="officer")
        second = services.invite_staff("new@example.com", actor=admin, role="lead")
        new = make_user(email="new@example.com")
        with pytest.raises(DomainError) as refusal:
            services.accept_invitation(token_of(first), actor=new)
        assert refusal.value.code == "invitation_gone"
        services.accept_invitation(token_of(second), actor=new)
        assert User.objects.get(pk=new.pk).roles == {"lead"}

    def test_revoked(self, admin):
        invitation = services.invite_staff("new@example.com", actor=admin, role="officer")
        services.revoke_invitation(invitation, actor=admin)
        with pytest.raises(DomainError):
            services.revoke_invitation(invitation, actor=admin)
        with pytest.raises(DomainError):
            services.accept_invitation(token_of(invitation), actor=make_user(email="new@example.com"))

    def test_officer_cannot_invite_staff(self):
        with pytest.raises(Forbidden):
            services.invite_staff("new@example.com", actor=make_staff("officer"), role="lead")

    def test_unknown_token(self):
        with pytest.raises(DomainError):
            services.accept_invitation("x" * 43, actor=make_user())
        assert services.find_invitation("x" * 43) is None


class TestProfile:
    def test_own_only(self):
        alice, bob = make_user("Alice"), make_user("Bob")
        services.update_profile(alice, actor=alice, name="Alicia", language="en")
        assert (User.objects.get(pk=alice.pk).name, User.objects.get(pk=alice.pk).language) == (
            "Alicia",
            "en",
        )
        with pytest.raises(Forbidden):
            services.update_profile(alice, actor=bob, name="Hacked")
        with pytest.raises(TypeError):
            services.update_profile(alice, actor=alice, is_staff=True)
