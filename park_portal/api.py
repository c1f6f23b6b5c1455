"""Every resource of the API: one line each, under /api/v1/."""

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.routers import SimpleRouter

from funding.applications.api import ApplicationResource
from funding.calls.api import CallResource
from incubator.organisations.api import OrganisationResource
from incubator.projects.api import ProjectResource
from park_portal.core.accounts.api import MeResource
from park_portal.core.api import description  # noqa: F401 - registers how one signs in
from park_portal.core.api.problems import problem
from park_portal.core.outbox.api import InboxResource
from park_portal.core.webhooks.api import WebhookRequestResource, WebhookResource

router = SimpleRouter()
router.register("me", MeResource, basename="me")
router.register("inbox", InboxResource, basename="inbox")
router.register("webhooks", WebhookResource, basename="webhooks")
router.register("webhook-requests", WebhookRequestResource, basename="webhook-requests")
router.register("calls", CallResource, basename="calls")
router.register("organisations", OrganisationResource, basename="organisations")
router.register("projects", ProjectResource, basename="projects")
router.register("applications", ApplicationResource, basename="applications")


@csrf_exempt  # There is nothing to forge.
def nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer an address that leads nowhere as the API answers everything else."""
    return problem(request, NotFound())


# The page to try the API on writes sizes into style attributes; it brings no style or script of another place.
docs = csp_update({"style-src-attr": [UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="api:schema", authentication_classes=[])
)

v1: list[URLPattern | URLResolver] = [
    path("", include(router.urls)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", docs, name="docs"),
    re_path(r"^(?P<rest>(?s:.*))$", nowhere, name="nowhere"),
]
urlpatterns = [path("v1/", include((v1, "api")))]
