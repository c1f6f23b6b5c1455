"""The staff's list of applications: who applies is a person with a place, and a deadline reads as everywhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from funding.applications.services import return_application
from funding.models import Application
from tests.factories.core import make_staff
from tests.factories.incubator import make_project, make_university
from tests.factories.reviews import make_application, make_review_call, run_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows_of(client_of):
    def rows(role):
        client = client_of(role)
        client.cookies["django_language"] = "en"
        return client.get(reverse("admin:funding_application_changelist")).content.decode()

    return rows


def test_research_team_is_named_by_its_investigator_and_place(rows_of):
    university = make_university()
    university.name_en = "Fudan University"
    university.save()
    make_application(project=make_project("蛋白质设计", university=university), title="酶的生成模型")
    page = rows_of("officer")
    assert "陈思远 · Fudan University" in page
    assert "蛋白质设计" not in page


def test_deadline_at_the_end_of_a_day_reads_24_00(rows_of):
    application = make_application()
    due = datetime(2031, 3, 31, 23, 59, 59, tzinfo=ZoneInfo("Asia/Shanghai"))
    Application.objects.filter(pk=application.pk).update(due_at=due)
    page = rows_of("officer")
    assert "2031-03-31 24:00" in strip_tags(page)
    assert "23:59" not in page


@pytest.fixture
def steps_for(client_of):
    """The ways on that the record offers to a role."""

    def steps(role, application):
        client = client_of(role)
        client.cookies["django_language"] = "en"
        address = reverse("admin:funding_application_change", args=[application.pk])
        buttons = client.get(address).context["actions_detail"]
        return [button["path"] for button in buttons if "/act/" not in button["path"]]

    return steps


def test_record_leads_to_the_page_where_its_stage_is_decided(steps_for):
    application = make_application(make_review_call("screening", "decision"))
    page = reverse("admin:funding_stagerun_work", args=[run_of(application).pk])
    assert steps_for("officer", application) == [page]
    assert steps_for("auditor", application) == [page]


def test_record_in_expert_review_leads_to_assigning_reviewers_and_to_their_opinions(steps_for):
    application = make_application(make_review_call("expert", "decision"))
    run = run_of(application)
    pool = f"{reverse('admin:funding_stagerun_assign')}?run={run.pk}#pool"
    opinions = reverse("admin:funding_stagerun_work", args=[run.pk])
    assert steps_for("officer", application) == [pool, opinions]
    assert steps_for("fund_manager", application) == [opinions]


def test_record_that_waits_for_its_decision_leads_to_the_ranking(steps_for):
    application = make_application(make_review_call("decision"))
    ranking = reverse("admin:funding_decision_ranking", args=[application.call_id])
    assert steps_for("lead", application) == [ranking]


def test_record_with_the_applicant_leads_nowhere(steps_for):
    application = make_application(make_review_call("screening", "decision"))
    return_application(
        application,
        actor=make_staff("officer"),
        items={"abstract": ""},
        due_at=timezone.now() + timedelta(days=9),
    )
    assert steps_for("officer", application) == []
