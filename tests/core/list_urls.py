"""The portal's addresses, and a list of jobs to try lists on."""

from typing import Any, ClassVar

import django_filters
from django.urls import path

from park_portal.core.jobs.models import Job
from park_portal.core.views import BulkAct, Column, ListPage
from park_portal.urls import urlpatterns as all_of_them


class JobFilter(django_filters.FilterSet):
    class Meta:
        model = Job
        fields: ClassVar = ["state", "kind", "created_at"]


done: list[list[int]] = []


def note(rows: Any, actor: Any) -> int:
    done.append(sorted(rows.values_list("pk", flat=True)))
    return len(done[-1])


class JobList(ListPage):
    model = Job
    title = "Jobs"
    default_order = "-created_at"
    search_in = ("kind", "message")
    filterset = JobFilter
    page_size = 3
    columns = (
        Column("kind", "Kind", kind="main", order="kind", url=lambda row: row.get_absolute_url()),
        Column("state", "State", value=lambda row: row, kind="state"),
        Column("finished", "Finished", value="finished_at", order="finished_at", kind="date"),
    )
    bulk = (
        BulkAct("note", "Note", "core.cancel_job", run=note),
        BulkAct("never", "Never", "core.manage_accounts", run=note),
    )


urlpatterns = [path("test/jobs/", JobList.as_view(), name="test-jobs"), *all_of_them]
