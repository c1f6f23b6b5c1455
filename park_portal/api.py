"""Every resource of the API: one line each, under /api/v1/."""

from functools import cache
from typing import Any

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from funding.applications.api import ApplicationResource
from funding.awards.api import (
    AgreementResource,
    AmendmentResource,
    AwardResource,
    CategoryResource,
    ClawbackResource,
    MilestoneResource,
    TrancheResource,
)
from funding.calls.api import CallResource
from funding.datarooms.api import (
    RoomAccessResource,
    RoomGrantResource,
    RoomInvestorResource,
    RoomItemResource,
    RoomRequestResource,
    SharedItemResource,
)
from funding.deals.api import (
    DealResource,
    DiligenceItemResource,
    DistributionResource,
    HandoverResource,
    InvestmentResource,
    MandateResource,
    RoundResource,
    RunwayFigureResource,
    ValuationResource,
)
from funding.decisions.api import DecisionResource, LetterResource, OutcomeResource, RankingResource
from funding.funds.api import BudgetLineResource, CommitmentResource, FundResource
from funding.panels.api import ItemResource, MeetingResource
from funding.payments.api import BankStatementResource, PaymentBatchResource, PaymentResource
from funding.reports.api import ExpenseResource, ReportResource
from funding.reviews.api import (
    AssignmentPlanResource,
    CalculationResource,
    ConflictResource,
    NoticeResource,
    ObjectionResource,
    PublicationResource,
    ReviewerResource,
    ReviewResource,
    RunResource,
    TieResource,
)
from incubator.organisations.api import MembershipResource, OrganisationResource
from incubator.projects.api import ProjectResource, TeamResource
from park_portal.core.accounts.api import InvitationResource, MeResource, PersonResource, SavedViewResource
from park_portal.core.api import description  # noqa: F401 - registers how one signs in
from park_portal.core.api.problems import problem
from park_portal.core.audit.api import AuditResource
from park_portal.core.calendar.api import CalendarResource
from park_portal.core.documents.api import DocumentResource
from park_portal.core.jobs.api import JobResource
from park_portal.core.ledger.api import AccountResource, TransferResource
from park_portal.core.outbox.api import InboxResource, PreferenceResource
from park_portal.core.policies.api import PolicyResource
from park_portal.core.privacy.api import (
    ConsentResource,
    DataRequestResource,
    MyDataResource,
    OwnRequestResource,
    PastConsentResource,
    RetentionResource,
)
from park_portal.core.search.api import SearchResource
from park_portal.core.webhooks.api import WebhookRequestResource, WebhookResource


class Router(SimpleRouter):
    """Lets what there is one of be changed at its own address, as ``/me/`` is."""

    def __init__(self) -> None:
        super().__init__()
        listed: Any = self.routes[0]
        self.routes = [
            listed._replace(mapping={**listed.mapping, "patch": "update_listed"}),
            *self.routes[1:],
        ]


router = Router()
router.register("me", MeResource, basename="me")
router.register("inbox", InboxResource, basename="inbox")
router.register("webhooks", WebhookResource, basename="webhooks")
router.register("webhook-requests", WebhookRequestResource, basename="webhook-requests")
router.register("preferences", PreferenceResource, basename="preferences")
router.register("saved-views", SavedViewResource, basename="saved-views")
router.register("my-data", MyDataResource, basename="my-data")
router.register("my-data-requests", OwnRequestResource, basename="my-data-requests")
router.register("consents", ConsentResource, basename="consents")
router.register("past-consents", PastConsentResource, basename="past-consents")
router.register("jobs", JobResource, basename="jobs")
router.register("documents", DocumentResource, basename="documents")
router.register("search", SearchResource, basename="search")
router.register("calendar", CalendarResource, basename="calendar")
router.register("policies", PolicyResource, basename="policies")
router.register("audit", AuditResource, basename="audit")
router.register("invitations", InvitationResource, basename="invitations")
router.register("people", PersonResource, basename="people")
router.register("data-requests", DataRequestResource, basename="data-requests")
router.register("retention", RetentionResource, basename="retention")
router.register("funds", FundResource, basename="funds")
router.register("calls", CallResource, basename="calls")
router.register("organisations", OrganisationResource, basename="organisations")
router.register("memberships", MembershipResource, basename="memberships")
router.register("projects", ProjectResource, basename="projects")
router.register("team-members", TeamResource, basename="team-members")
router.register("applications", ApplicationResource, basename="applications")
router.register("runs", RunResource, basename="runs")
router.register("assignment-plans", AssignmentPlanResource, basename="assignment-plans")
router.register("reviews", ReviewResource, basename="reviews")
router.register("reviewers", ReviewerResource, basename="reviewers")
router.register("publications", PublicationResource, basename="publications")
router.register("conflicts", ConflictResource, basename="conflicts")
router.register("ties", TieResource, basename="ties")
router.register("calculations", CalculationResource, basename="calculations")
router.register("notices", NoticeResource, basename="notices")
router.register("objections", ObjectionResource, basename="objections")
router.register("panels", MeetingResource, basename="panels")
router.register("agenda-items", ItemResource, basename="agenda-items")
router.register("data-room-items", RoomItemResource, basename="data-room-items")
router.register("data-room-investors", RoomInvestorResource, basename="data-room-investors")
router.register("data-room-grants", RoomGrantResource, basename="data-room-grants")
router.register("data-room-accesses", RoomAccessResource, basename="data-room-accesses")
router.register("data-room-requests", RoomRequestResource, basename="data-room-requests")
router.register("shared-items", SharedItemResource, basename="shared-items")
router.register("decisions", DecisionResource, basename="decisions")
router.register("rankings", RankingResource, basename="rankings")
router.register("outcomes", OutcomeResource, basename="outcomes")
router.register("letters", LetterResource, basename="letters")
router.register("commitments", CommitmentResource, basename="commitments")
router.register("budget-lines", BudgetLineResource, basename="budget-lines")
router.register("awards", AwardResource, basename="awards")
router.register("agreements", AgreementResource, basename="agreements")
router.register("amendments", AmendmentResource, basename="amendments")
router.register("budget-categories", CategoryResource, basename="budget-categories")
router.register("milestones", MilestoneResource, basename="milestones")
router.register("tranches", TrancheResource, basename="tranches")
router.register("clawbacks", ClawbackResource, basename="clawbacks")
router.register("reports", ReportResource, basename="reports")
router.register("expenses", ExpenseResource, basename="expenses")
router.register("mandates", MandateResource, basename="mandates")
router.register("deals", DealResource, basename="deals")
router.register("diligence-items", DiligenceItemResource, basename="diligence-items")
router.register("handovers", HandoverResource, basename="handovers")
router.register("rounds", RoundResource, basename="rounds")
router.register("investments", InvestmentResource, basename="investments")
router.register("valuations", ValuationResource, basename="valuations")
router.register("distributions", DistributionResource, basename="distributions")
router.register("runway-figures", RunwayFigureResource, basename="runway-figures")
router.register("payments", PaymentResource, basename="payments")
router.register("payment-batches", PaymentBatchResource, basename="payment-batches")
router.register("bank-statements", BankStatementResource, basename="bank-statements")
router.register("accounts", AccountResource, basename="accounts")
router.register("transfers", TransferResource, basename="transfers")


@csrf_exempt  # There is nothing to forge.
def nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer an address that leads nowhere as the API answers everything else."""
    return problem(request, NotFound())


class SchemaView(SpectacularAPIView):
    """The description of the API, which is the same for everyone: made once a language, for it takes a second."""

    def _get_schema_response(self, request: Request) -> Response:
        name = self._get_filename(request, None)
        return Response(
            data=_description(get_language() or ""),
            headers={"Content-Disposition": f'inline; filename="{name}"'},
        )


@cache
def _description(language: str) -> Any:
    return SchemaView.generator_class(api_version=None).get_schema(request=None, public=True)


# The page to try the API on writes sizes into style attributes; it brings no style or script of another place.
docs = csp_update({"style-src-attr": [UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="api:schema", authentication_classes=[])
)

v1: list[URLPattern | URLResolver] = [
    path("", include(router.urls)),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", docs, name="docs"),
    re_path(r"^(?P<rest>(?s:.*))$", nowhere, name="nowhere"),
]
urlpatterns = [path("v1/", include((v1, "api")))]
