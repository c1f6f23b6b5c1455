"""Long work: how far it is, what came of it, and running it again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from park_portal.core.accounts.rules import is_administrator, is_auditor
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, state_label
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.registry import JOBS
from park_portal.core.jobs.services import cancel_job, label_of, retry_job


class KindFilter(DropdownFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, str(kind.label)) for name, kind in sorted(JOBS.items())]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Job)
class JobAdmin(ReadOnly, StaffAdmin):
    where_from = _("Exports, and acts on more than 50 records at once, run here with their progress.")
    change_form_template = "admin/job.html"
    list_display = ["kind_label", "state_label", "progress", "owner", "created_at", "finished_at"]
    list_filter = ["state", KindFilter]
    list_select_related = ["owner"]
    fieldsets = [
        (None, {"fields": ["kind_label", "state_label", "owner", "error", "result_link"]}),
        (_("Course"), {"fields": ["created_at", "started_at", "finished_at", "attempt", "request_id"]}),
    ]
    readonly_fields = ["kind_label", "state_label", "result_link"]
    acts = [
        Act(
            "cancel",
            cancel_job,
            done=_("The job is cancelled and what it did is undone. It can be begun again here."),
            icon="cancel",
            danger=True,
            explain=_("What it did so far is undone."),
        ),
        Act(
            "retry",
            retry_job,
            done=_("The job begins again; who started it is told when it has finished."),
            icon="replay",
            explain=_("It begins again, from the beginning."),
        ),
    ]
    state_label = state_label()

    def rows_for(self, user: Any) -> models.QuerySet[Job]:
        """Return one's own jobs; who keeps the system going, or audits it, sees that the others' exist."""
        return (
            Job.objects.all() if is_administrator(user) or is_auditor(user) else Job.objects.visible_to(user)
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        job = self.get_object(request, object_id)
        title = label_of(job.kind) if job else ""
        crumbs = [(Job._meta.verbose_name_plural, self.address("changelist")), (title, None)]
        return super().change_view(request, object_id, form_url, {"crumbs": crumbs, **(extra_context or {})})

    @display(description=_("kind"), ordering="kind")
    def kind_label(self, job: Job) -> str:
        return str(label_of(job.kind))

    @display(description=pgettext_lazy("job", "progress"))
    def progress(self, job: Job) -> str:
        return "—" if job.percent is None else f"{job.percent} %"

    @display(description=_("result"))
    def result_link(self, job: Job) -> str:
        if job.result_id is None:
            return "—"
        if job.owner_id != self.request.user.pk:
            return str(_("Only who asked for it can open it."))
        assert job.result is not None
        address = reverse("document", args=[job.result.public_id])
        return format_html('<a class="text-link" href="{}">{}</a>', address, job.result)
