"""How the list pages of the park are filled."""

from tests.factories import list_page
from tests.factories.incubator import make_faculty, make_organisation, make_project, make_university
from tests.personas import person


@list_page("organisations:list", persona="stranger")
def fill_organisation_list(count):
    for _number in range(count):
        make_organisation(owner=person("stranger"))


@list_page("projects:list", persona="stranger")
def fill_project_list(count):
    university = make_university()
    for _number in range(count):
        make_project(pi=person("stranger"), university=university)


@list_page("projects:care", persona="liaison")
def fill_care_list(count):
    university = person("liaison").liaisons.get().organisation
    faculty = make_faculty(university)
    for _number in range(count):
        make_project(university=university, faculty=faculty)
