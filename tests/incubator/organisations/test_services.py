import pytest
from django.db import transaction

from incubator.models import Liaison, Membership, Organisation
from incubator.organisations.merging import MOVERS, merges
from incubator.organisations.services import (
    change_member_role,
    create_organisation,
    invite_member,
    merge_organisations,
    near_duplicates,
    pairs_alike,
    remove_member,
    request_to_join,
    resend_invitation,
    update_organisation,
)
from park_portal.core.accounts.models import Invitation
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox.models import Message
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import (
    make_code,
    make_faculty,
    make_liaison,
    make_organisation,
    make_project,
    make_university,
)

pytestmark = pytest.mark.django_db


def test_create_organisation_makes_the_founder_its_owner():
    alice = make_user("Alice")
    organisation = create_organisation(
        actor=alice, name_zh_hans="上海澄光生物科技有限公司", uscc=make_code(1).lower()
    )
    assert (organisation.uscc, organisation.normalised_name) == (make_code(1), "澄光生物")
    assert list(organisation.memberships.values_list("user", "role")) == [(alice.pk, "owner")]
    assert Entry.objects.filter(action="organisation.create", object_id=str(organisation.pk)).count() == 1


def test_create_organisation_by_staff_has_no_owner():
    assert create_organisation(actor=make_staff(), name_zh_hans="某公司").memberships.count() == 0


def test_create_organisation_refuses_a_taken_code():
    make_organisation(uscc=make_code(1))
    with pytest.raises(DomainError) as refused:
        create_organisation(actor=make_user(), name_zh_hans="另一公司", uscc=make_code(1))
    assert refused.value.field in ("uscc", None)
    assert Organisation.objects.count() == 1


def test_create_organisation_refuses_a_wrong_code_in_both_languages(settings):
    from django.utils.translation import override

    texts = {}
    for language in ("zh-hans", "en"):
        with override(language), pytest.raises(DomainError) as refused:
            create_organisation(actor=make_user(), name_zh_hans="甲", uscc="91310118MA1K3A1X20")
        texts[language] = str(refused.value)
    assert refused.value.field == "uscc"
    assert Organisation.objects.count() == 0


def test_update_organisation_is_for_editors_and_staff():
    alice, viewer, charlie = make_user("Alice"), make_user("Vera"), make_user("Charlie")
    organisation = make_organisation(owner=alice, viewer=viewer)
    for person in (viewer, charlie):
        with pytest.raises(Forbidden):
            update_organisation(organisation, actor=person, district="青浦区")
    changed = update_organisation(organisation, actor=alice, district="青浦区")
    assert changed.district == "青浦区"
    entry = Entry.objects.get(action="organisation.update")
    assert (entry.before, entry.after) == ({"district": ""}, {"district": "青浦区"})


def test_update_organisation_with_nothing_new_writes_nothing():
    organisation = make_organisation(owner=(alice := make_user()), district="青浦区")
    update_organisation(organisation, actor=alice, district="青浦区")
    assert not Entry.objects.filter(action="organisation.update").exists()


def test_near_duplicates_sees_through_place_form_and_width():
    stored = make_organisation("上海澄光生物科技有限公司", uscc=None)
    make_organisation("上海远山机器人有限公司")
    for name in ("澄光生物科技（上海）有限公司", "上海市澄光生物股份有限公司", "澄光 生物"):
        assert [one.organisation for one in near_duplicates(name=name)] == [stored]
    assert near_duplicates(name="完全不同的名字") == []


def test_near_duplicates_leaves_out_other_legal_bodies_unless_the_name_is_the_same():
    stored = make_organisation("上海澄光生物科技有限公司", uscc=make_code(1))
    assert near_duplicates(name="澄光生物医药", uscc=make_code(2)) == []
    assert [one.organisation for one in near_duplicates(name="别的", uscc=make_code(1))] == [stored]


def test_pairs_alike_lists_each_pair_once():
    a, b = make_organisation("上海澄光生物科技有限公司", uscc=None), make_organisation("澄光生物股份有限公司")
    make_organisation("远山机器人有限公司")
    assert [(left, right) for left, right, _likeness in pairs_alike()] == [(a, b)]


def test_invite_member_sends_one_and_resending_kills_the_old_link():
    alice = make_user("Alice")
    organisation = make_organisation(owner=alice)
    first = invite_member(organisation, actor=alice, email="new@example.com", role="editor")
    second = resend_invitation(organisation, first, actor=alice)
    first.refresh_from_db()
    assert first.revoked_at is not None
    assert list(Invitation.objects.open()) == [second]
    assert second.role == "editor"


def test_invite_member_is_for_owners_and_refuses_members():
    alice, bob = make_user("Alice"), make_user("Bob")
    organisation = make_organisation(owner=alice, editor=bob)
    with pytest.raises(Forbidden):
        invite_member(organisation, actor=bob, email="x@example.com", role="viewer")
    with pytest.raises(DomainError) as refused:
        invite_member(organisation, actor=alice, email=bob.email.upper(), role="viewer")
    assert refused.value.code == "already_member"


def test_change_member_role_keeps_an_owner():
    alice, bob = make_user("Alice"), make_user("Bob")
    organisation = make_organisation(owner=alice, editor=bob)
    own = organisation.memberships.get(user=alice)
    with pytest.raises(DomainError) as refused:
        change_member_role(own, actor=alice, role="editor")
    assert refused.value.code == "last_owner"
    change_member_role(organisation.memberships.get(user=bob), actor=alice, role="owner")
    change_member_role(own, actor=alice, role="editor")
    assert dict(organisation.memberships.values_list("user__name", "role")) == {
        "Alice": "editor",
        "Bob": "owner",
    }
    assert Message.objects.filter(payload__kind="organisation.place_changed").count() == 1


def test_remove_member_lets_people_leave_but_not_the_last_owner():
    alice, bob, charlie = make_user("Alice"), make_user("Bob"), make_user("Charlie")
    organisation = make_organisation(owner=alice, viewer=bob)
    with pytest.raises(DomainError):
        remove_member(organisation.memberships.get(user=alice), actor=alice)
    with pytest.raises(Forbidden):
        remove_member(organisation.memberships.get(user=bob), actor=charlie)
    remove_member(organisation.memberships.get(user=bob), actor=bob)
    assert list(organisation.memberships.values_list("user__name", flat=True)) == ["Alice"]


def test_request_to_join_tells_the_owners_once_a_day():
    alice, charlie = make_user("Alice"), make_user("Charlie")
    organisation = make_organisation(owner=alice)
    request_to_join(organisation, actor=charlie, message="你好")
    request_to_join(organisation, actor=charlie, message="你好")
    assert Message.objects.filter(payload__kind="organisation.join_request").count() == 1
    assert Message.objects.get(payload__kind="organisation.join_request").payload["recipients"] == [alice.pk]


def test_merge_moves_members_projects_liaisons_and_leaves_a_pointer():
    alice, bob, officer = make_user("Alice"), make_user("Bob"), make_staff()
    keep = make_university("复旦大学", owner=alice, uscc=None)
    gone = make_university(
        "复旦大学(重复)", editor=alice, owner=bob, website="https://fudan.edu.cn", uscc=make_code(9)
    )
    same, other = make_faculty(keep, "生命科学学院"), make_faculty(gone, "物理学系")
    double = make_faculty(gone, "生命科学学院")
    project = make_project(university=gone, faculty=double)
    make_liaison(make_user(), gone, double)

    merge_organisations(gone, actor=officer, into=keep)

    gone.refresh_from_db()
    keep.refresh_from_db()
    project.refresh_from_db()
    assert (gone.state, gone.merged_into, gone.uscc) == ("merged", keep, None)
    assert (keep.uscc, keep.website) == (make_code(9), "https://fudan.edu.cn")
    assert dict(keep.memberships.values_list("user__name", "role")) == {"Alice": "owner", "Bob": "owner"}
    assert (project.university, project.faculty) == (keep, same)
    assert set(keep.faculties.all()) == {same, other}
    assert [(one.organisation, one.faculty) for one in Liaison.objects.all()] == [(keep, same)]
    assert gone.survivor == keep
    entry = Entry.objects.get(action="organisation.merge_from")
    assert entry.facts["merged"] == gone.pk


def test_merge_refuses_two_legal_bodies_and_leaves_both_as_they_were():
    a, b = make_organisation(uscc=make_code(1)), make_organisation(uscc=make_code(2))
    with pytest.raises(DomainError) as refused:
        merge_organisations(a, actor=make_staff(), into=b)
    assert refused.value.code == "merge_codes"
    a.refresh_from_db()
    assert (a.state, a.uscc) == ("active", make_code(1))


def test_merge_is_for_officers():
    alice = make_user("Alice")
    a, b = make_organisation(owner=alice, uscc=None), make_organisation(owner=alice)
    with pytest.raises(Forbidden):
        merge_organisations(a, actor=alice, into=b)


def test_merge_refuses_a_record_already_merged():
    officer = make_staff()
    a, b, c = (make_organisation(uscc=None) for _number in range(3))
    merge_organisations(a, actor=officer, into=b)
    with pytest.raises(DomainError), transaction.atomic():
        merge_organisations(a, actor=officer, into=c)
    merge_organisations(b, actor=officer, into=c)
    a.refresh_from_db()
    assert a.merged_into == c


def test_merges_lets_another_room_say_how_its_rows_move():
    called = []

    @merges("incubator.Liaison", "organisation")
    def move(loser, survivor):
        called.append((loser.pk, survivor.pk))
        return 0

    try:
        a, b = make_organisation(uscc=None), make_organisation()
        merge_organisations(a, actor=make_staff(), into=b)
    finally:
        del MOVERS["incubator.liaison", "organisation"]
    assert called == [(a.pk, b.pk)]
    assert Membership.objects.count() == 0
