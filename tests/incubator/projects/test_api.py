"""Research projects through the API: the same rows and rules as the pages."""

import pytest

from park_portal.core.audit.models import Entry
from tests.callers import Caller
from tests.factories.incubator import make_project, make_project_member, make_university

pytestmark = pytest.mark.django_db


def test_who_sees_which(people):
    university = make_university()
    mine = make_project(pi=people("investigator"), university=university)
    assert Caller(people("investigator")).get(f"/projects/{mine.pk}/").json()["code"] == mine.code
    assert Caller(people("officer")).get(f"/projects/{mine.pk}/").status_code == 200
    assert Caller(people("stranger")).get(f"/projects/{mine.pk}/").status_code == 404


def test_a_team_member_edits_only_when_allowed_to(people):
    project = make_project(pi=people("investigator"), university=make_university())
    place = make_project_member(project, people("stranger"), can_edit=False)
    caller = Caller(people("stranger"))
    address = f"/projects/{project.pk}/"
    assert caller.patch(address, {"trl": 5}, If_Match="*").status_code == 403
    place.can_edit = True
    place.save()
    changed = caller.patch(address, {"trl": 5}, If_Match=caller.get(address).headers["ETag"])
    assert (changed.status_code, changed.json()["trl"]) == (200, 5)
    assert Entry.objects.get(action="project.update").after == {"trl": 5}


@pytest.mark.parametrize("value", [0, 10, "x", -1, 10**30])
def test_a_level_that_is_none_is_refused(people, value):
    project = make_project(pi=people("investigator"), university=make_university())
    before = project.trl
    answer = Caller(people("investigator")).patch(f"/projects/{project.pk}/", {"trl": value}, If_Match="*")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "trl")
    project.refresh_from_db()
    assert project.trl == before
