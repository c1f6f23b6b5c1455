"""What a person sees of the long work they asked for."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from park_portal.core.errors import DomainError
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import cancel_job, label_of, retry_job
from park_portal.core.jobs.states import JOB_MACHINE

LISTED = 50


def _own(request: HttpRequest, public_id: Any) -> Job:
    return get_object_or_404(
        Job.objects.visible_to(request.user).select_related("result"), public_id=public_id
    )


def _context(request: HttpRequest, job: Job) -> dict[str, Any]:
    available = {transition.name for transition in JOB_MACHINE.available(job, request.user)}
    return {
        "job": job,
        "label": label_of(job.kind),
        "may_cancel": "cancel" in available,
        "may_retry": "retry" in available,
    }


@require_safe
@login_required
def job_list(request: HttpRequest) -> HttpResponse:
    """Show the latest of the person's own jobs."""
    jobs = list(Job.objects.visible_to(request.user).select_related("result")[:LISTED])
    return render(request, "core/jobs/job_list.html", {"rows": [(job, label_of(job.kind)) for job in jobs]})


@require_safe
@login_required
def job_detail(request: HttpRequest, public_id: Any) -> HttpResponse:
    """Show how far one job is; asked by htmx, only the part of the page that changes."""
    asked_by_htmx = bool(getattr(request, "htmx", False))
    template = "core/jobs/_job.html" if asked_by_htmx else "core/jobs/job.html"
    return render(request, template, _context(request, _own(request, public_id)))


@require_safe
@login_required
def job_state(request: HttpRequest, public_id: Any) -> JsonResponse:
    """Return how far one job is, as JSON."""
    job = _own(request, public_id)
    response = JsonResponse(
        {
            "state": job.state,
            "label": str(label_of(job.kind)),
            "state_label": str(job.get_state_display()),
            "open": job.is_open,
            "done": job.done,
            "total": job.total,
            "percent": job.percent,
            "message": job.message,
            "error": job.error,
            "result": job.result.get_absolute_url() if job.result else None,
        }
    )
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def job_cancel(request: HttpRequest, public_id: Any) -> HttpResponse:
    """Cancel a job and show it."""
    return _act(request, public_id, cancel_job)


@require_POST
@login_required
def job_retry(request: HttpRequest, public_id: Any) -> HttpResponse:
    """Run a job again and show it."""
    return _act(request, public_id, retry_job)


def _act(request: HttpRequest, public_id: Any, service: Any) -> HttpResponse:
    job = _own(request, public_id)
    try:
        service(job, actor=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    return redirect(job)
