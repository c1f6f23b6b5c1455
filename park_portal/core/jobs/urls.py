from django.urls import path

from park_portal.core.jobs.views import job_cancel, job_detail, job_list, job_retry, job_state

urlpatterns = [
    path("jobs/", job_list, name="jobs"),
    path("jobs/<uuid:public_id>/", job_detail, name="job"),
    path("jobs/<uuid:public_id>/state/", job_state, name="job_state"),
    path("jobs/<uuid:public_id>/cancel/", job_cancel, name="job_cancel"),
    path("jobs/<uuid:public_id>/retry/", job_retry, name="job_retry"),
]
