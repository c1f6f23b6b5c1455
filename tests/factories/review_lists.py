"""How the list pages of the reviews are filled."""

from funding.reviews.models import Reviewer
from funding.reviews.services import declare_tie
from tests.factories import list_page
from tests.factories.decisions import under_notice
from tests.factories.incubator import make_faculty, make_project
from tests.factories.reviews import expert_run, make_application, make_review, make_review_call
from tests.personas import person


@list_page("reviews:list", persona="stranger")
def fill_review_list(count):
    reviewer = person("stranger")
    Reviewer.objects.get_or_create(user=reviewer, defaults={"institution": "独立研究院"})
    call = make_review_call("expert", "decision")
    for _number in range(count):
        make_review(expert_run(call), reviewer)


@list_page("reviews:ties", persona="stranger")
def fill_tie_list(count):
    reviewer = person("stranger")
    Reviewer.objects.get_or_create(user=reviewer, defaults={"institution": "独立研究院"})
    for number in range(count):
        declare_tie(reviewer, actor=reviewer, kind="coauthor", name=f"合作者{number}")


@list_page("reviews:queue", persona="liaison")
def fill_liaison_queue(count):
    university = person("liaison").liaisons.get().organisation
    faculty = make_faculty(university)
    call = make_review_call("liaison", "decision")
    for _number in range(count):
        make_application(call, project=make_project(university=university, faculty=faculty))


@list_page("reviews:notices", persona="stranger")
def fill_notice_list(count):
    for _number in range(count):
        under_notice()
