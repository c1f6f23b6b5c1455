"""Where an application stands, as its own people read it: only the stages meant for it, and never late for others."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from funding.applications.progress import StepsLine
from tests.factories.core import make_staff
from tests.factories.incubator import make_project, make_university
from tests.factories.reviews import make_application, make_review_call

pytestmark = pytest.mark.django_db


def page_of(user, path):
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(user)
    return client.get(path).content.decode()


def names(application):
    return [step.name for step in StepsLine.of(application)]


def test_way_of_a_company_leaves_out_the_liaison_and_that_of_a_project_does_not():
    call = make_review_call("screening", "liaison", "expert")
    company = make_application(call)
    project = make_application(call, project=make_project(university=make_university()))
    liaison = "校方联络人审核"
    assert liaison not in names(company)
    assert len(names(company)) == 3
    assert liaison in names(project)
    line = (
        page_of(company.created_by, company.get_absolute_url()).partition("stepper")[2].partition("</ol>")[0]
    )
    assert liaison not in line
    assert liaison in page_of(project.created_by, project.get_absolute_url())


def test_applicant_is_never_late_while_others_are_at_work():
    application = make_application(make_review_call("screening"))
    owner, path = application.created_by, application.get_absolute_url()
    day = f"{timezone.localtime(application.due_at):%Y-%m-%d}"
    for page in (page_of(owner, path), page_of(owner, reverse("applications:list"))):
        assert day in page
        assert "预计" in page
        assert "deadline-left" not in page
    with time_machine.travel(application.due_at + timedelta(days=1), tick=False):
        for page in (page_of(owner, path), page_of(owner, reverse("applications:list"))):
            assert "逾期" not in page
            assert "预计" not in page
        assert "逾期" in page_of(make_staff("officer"), path)
