"""The staff's list of applications: who applies is a person with a place, and a deadline reads as everywhere."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from funding.models import Application
from tests.factories.incubator import make_project, make_university
from tests.factories.reviews import make_application

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
