import pytest
from django.urls import reverse

from incubator.models import ProjectMember, ResearchProject
from park_portal.core.accounts.models import Invitation
from park_portal.core.accounts.services import accept_invitation
from park_portal.core.outbox.models import Message
from tests.factories.core import make_user, token_of
from tests.factories.incubator import (
    make_faculty,
    make_liaison,
    make_project,
    make_project_member,
    make_university,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    """Alice leads a project, Bob works on it and may not edit, Charlie is a stranger."""
    alice, bob, charlie = make_user("Alice"), make_user("Bob"), make_user("Charlie")
    project = make_project("蛋白质语言模型", pi=alice, university=make_university("复旦大学"))
    make_project_member(project, bob)
    return project, alice, bob, charlie


def fields(**values):
    return {"title_zh_hans": "抗体设计", "who": "me", "trl": "", **values}


def test_visible_to_is_the_team_the_liaisons_and_staff(team, people):
    project, alice, bob, charlie = team
    university = project.university
    biology, physics = make_faculty(university), make_faculty(university)
    project.faculty = biology
    project.save()
    whole, part, other = make_user(), make_user(), make_user()
    make_liaison(whole, university)
    make_liaison(part, university, biology)
    make_liaison(other, university, physics)
    seen = {
        user.pk: ResearchProject.objects.visible_to(user).filter(pk=project.pk).exists()
        for user in (alice, bob, whole, part, people("officer"), charlie, other)
    }
    assert list(seen.values()) == [True, True, True, True, True, False, False]


@pytest.mark.parametrize("route", ["detail", "edit", "leave", "team-add"])
def test_pages_of_another_project_do_not_exist_for_strangers(route, team, client_of):
    project, _alice, _bob, charlie = team
    address = reverse(f"projects:{route}", args=[project.pk])
    assert client_of(charlie).get(address).status_code == 404
    assert client_of(charlie).post(address, fields()).status_code == 404


def test_register_ones_own_project(client_of):
    alice, liaison = make_user("Alice"), make_user("Liao")
    university = make_university()
    make_liaison(liaison, university)
    response = client_of(alice).post(
        reverse("projects:create"),
        fields(university=university.pk, keywords_zh="抗体；语言模型, 抗体", amount_fen="50万", trl="4"),
    )
    project = ResearchProject.objects.get()
    assert response.url == project.get_absolute_url()
    assert (project.principal_investigator, project.pi_user, project.trl) == ("Alice", alice, 4)
    assert (project.keywords_zh, project.amount_fen) == (["抗体", "语言模型"], 50_000_000)
    assert project.code.endswith("-0001")
    told = Message.objects.get(payload__kind="project.registered")
    assert told.payload["recipients"] == [liaison.pk]


def test_register_on_behalf_invites_the_principal_investigator(client_of):
    liaison, pi = make_user("Liao"), make_user("Prof", email="prof@example.com")
    university = make_university()
    make_liaison(liaison, university)
    client_of(liaison).post(
        reverse("projects:create"),
        fields(
            who="other", principal_investigator="Prof", pi_email="prof@example.com", university=university.pk
        ),
    )
    project = ResearchProject.objects.get()
    assert list(project.team.values_list("name", "role", "user")) == [("Prof", "pi", None)]
    assert accept_invitation(token_of(Invitation.objects.get()), actor=pi) == project.get_absolute_url()
    project.refresh_from_db()
    assert project.pi_user == pi


def test_register_for_someone_else_keeps_the_registrar_on_the_team(client_of):
    alice = make_user("Alice")
    client_of(alice).post(reverse("projects:create"), fields(who="other", principal_investigator="Prof"))
    project = ResearchProject.objects.get()
    assert set(project.team.values_list("name", "role", "can_edit")) == {
        ("Prof", "pi", True),
        ("Alice", "member", True),
    }


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"title_zh_hans": ""}, "title_zh_hans"),
        ({"who": "other"}, "principal_investigator"),
        ({"amount_fen": "若干"}, "amount_fen"),
        ({"amount_fen": "-5"}, "amount_fen"),
        ({"trl": "10"}, "trl"),
        ({"starts_on": "2026-05-01", "ends_on": "2026-04-01"}, "ends_on"),
        ({"keywords_zh": "长" * 61}, "keywords_zh"),
        ({"approval_year": "99999999999"}, "approval_year"),
        ({"title_zh_hans": "长" * 301}, "title_zh_hans"),
        ({"university": "999999"}, "university"),
    ],
)
def test_register_with_wrong_values_says_where_and_changes_nothing(values, wrong, client_of):
    response = client_of(make_user()).post(reverse("projects:create"), fields(**values))
    assert (response.status_code, list(response.context["form"].errors)) == (422, [wrong])
    assert ResearchProject.objects.count() == 0


def test_a_grant_is_registered_once(client_of):
    make_project(source="NSFC", grant_number="123")
    response = client_of(make_user()).post(
        reverse("projects:create"), fields(source="NSFC", grant_number="123")
    )
    assert response.status_code == 422
    assert ResearchProject.objects.count() == 1


def test_edit_is_for_the_lead_editors_and_the_liaison(team, client_of):
    project, alice, bob, _charlie = team
    liaison, other = make_user(), make_user()
    make_liaison(liaison, project.university)
    make_liaison(other, make_university())
    address = reverse("projects:edit", args=[project.pk])
    values = {
        "title_zh_hans": "新题目",
        "principal_investigator": "Alice",
        "university": project.university_id,
        "trl": "",
    }
    assert client_of(bob).post(address, values).status_code == 403
    assert client_of(other).post(address, values).status_code == 404
    assert client_of(liaison).post(address, values).status_code == 302
    assert client_of(alice).post(address, {**values, "trl": "5"}).status_code == 302
    project.refresh_from_db()
    assert (project.title_zh_hans, project.trl, project.university_id) == ("新题目", 5, values["university"])


def test_faculty_of_another_university_is_refused(team, client_of):
    project, alice, _bob, _charlie = team
    foreign = make_faculty(make_university())
    response = client_of(alice).post(
        reverse("projects:edit", args=[project.pk]),
        {
            "title_zh_hans": "新题目",
            "principal_investigator": "Alice",
            "university": project.university_id,
            "faculty": foreign.pk,
        },
    )
    assert (response.status_code, list(response.context["form"].errors)) == (422, ["faculty"])


def test_team_is_managed_by_the_lead(team, client_of):
    project, alice, bob, charlie = team
    address = reverse("projects:team-add", args=[project.pk])
    values = {"name": "Charlie", "email": charlie.email, "role": "co_pi", "can_edit": "on", "language": "en"}
    assert client_of(bob).post(address, values).status_code == 403
    assert client_of(alice).post(address, values).status_code == 302
    assert client_of(alice).post(address, values).status_code == 422
    place = project.team.get(name="Charlie")
    assert (place.role, place.can_edit, place.user) == ("co_pi", True, None)
    invitation = Invitation.objects.open().get()
    assert (
        client_of(alice).post(reverse("projects:team-remove", args=[project.pk, place.pk])).status_code == 302
    )
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None


def test_lead_cannot_be_removed_and_members_may_leave(team, client_of):
    project, alice, bob, _charlie = team
    lead = project.team.get(role="pi")
    assert (
        client_of(alice).post(reverse("projects:team-remove", args=[project.pk, lead.pk])).status_code == 400
    )
    assert client_of(alice).post(reverse("projects:leave", args=[project.pk])).status_code == 400
    assert client_of(bob).post(reverse("projects:leave", args=[project.pk])).status_code == 302
    assert list(project.team.values_list("name", flat=True)) == ["Alice"]
    assert client_of(bob).get(reverse("projects:detail", args=[project.pk])).status_code == 404


def test_team_members_of_another_project_cannot_be_touched(team, client_of):
    project, alice, _bob, charlie = team
    foreign = make_project(pi=charlie)
    place = ProjectMember.objects.get(project=foreign)
    for route in ("team-change", "team-remove", "team-invite"):
        address = reverse(f"projects:{route}", args=[project.pk, place.pk])
        assert client_of(alice).post(address, {"role": "member"}).status_code == 404


def test_move_makes_the_transition_and_only_from_the_right_state(team, client_of):
    project, alice, bob, _charlie = team
    start = reverse("projects:move", args=[project.pk, "start"])
    assert client_of(bob).post(start, {}).status_code == 403
    assert client_of(alice).post(start, {"reason": "开题"}).status_code == 302
    assert client_of(alice).post(start, {}).status_code == 409
    assert client_of(alice).get(reverse("projects:move", args=[project.pk, "nonsense"])).status_code == 404
    project.refresh_from_db()
    assert project.state == "active"


def test_care_list_is_for_liaisons_and_filters_by_faculty(client_of):
    liaison = make_user("Liao")
    university = make_university()
    make_liaison(liaison, university)
    biology, physics = make_faculty(university), make_faculty(university)
    make_project("细胞", university=university, faculty=biology)
    make_project("光子", university=university, faculty=physics)
    make_project("别校", university=make_university())
    address = reverse("projects:care")
    assert client_of(make_user()).get(address).status_code == 403
    page = client_of(liaison).get(address, {"faculty": biology.pk}).content.decode()
    assert ("细胞" in page, "光子" in page, "别校" in page) == (True, False, False)
    assert (
        client_of(liaison).get(address, {"faculty": "x", "state": "nonsense", "after": "???"}).status_code
        == 200
    )


def test_home_shows_ones_own_projects_and_those_in_ones_care_apart(client_of):
    dean, university = make_user("Dean"), make_university()
    make_liaison(dean, university)
    own = make_project("院长自己的项目", pi=dean)
    for number in range(6):
        make_project(f"本校项目{number}", university=university)
    cards = {str(card.title): card for card in client_of(dean).get("/").context["cards"]}
    assert [task.title for task in cards["我的科研项目"].tasks] == [own.title]
    care = next(card for title, card in cards.items() if title != "我的科研项目" and card.tasks)
    assert [task.title for task in care.tasks] == [f"本校项目{number}" for number in (5, 4, 3, 2, 1)]
