"""What is measured: pages with their floors, and long work. Add a line for a page that people wait for.

The SQL of a floor fetches the rows that the page shows. `peer` is what the nearest open-source peer takes for the same
page on a machine like this, and `times` how many times faster the portal must be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

APPLICATIONS = """
    SELECT a.id, a.number, a.title, a.state, a.amount_fen, a.submitted_at, o.name, s.name_zh_hans, a.due_at
    FROM funding_application a
    LEFT JOIN incubator_organisation o ON o.id = a.organisation_id
    LEFT JOIN funding_stage s ON s.id = a.current_stage_id
"""

FLOORS: dict[str, list[str]] = {
    "staff list": [APPLICATIONS + " ORDER BY a.id DESC LIMIT 50"],
    "portal list": [
        APPLICATIONS
        + " WHERE a.organisation_id IN (SELECT organisation_id FROM incubator_membership WHERE user_id = %(key)s)"
        " ORDER BY a.id DESC LIMIT 25"
    ],
    "detail": [
        APPLICATIONS + " WHERE a.id = %(key)s",
        "SELECT b.key, w.value FROM funding_answer w JOIN funding_callquestion q ON q.id = w.question_id JOIN funding_question b ON b.id = q.question_id"
        " WHERE w.application_id = %(key)s",
    ],
    "review form": [
        "SELECT r.* FROM funding_review r WHERE r.id = %(key)s",
        "SELECT c.* FROM funding_score s JOIN funding_criterion c ON c.id = s.criterion_id WHERE s.review_id = %(key)s",
        "SELECT b.key, w.value FROM funding_answer w JOIN funding_callquestion q ON q.id = w.question_id JOIN funding_question b ON b.id = q.question_id"
        " JOIN funding_review r ON r.application_id = w.application_id WHERE r.id = %(key)s",
    ],
    "API list": [f"SELECT json_agg(found) FROM ({APPLICATIONS} ORDER BY a.id DESC LIMIT 25) found"],
    "role home": ["SELECT * FROM funding_review WHERE reviewer_id = %(key)s ORDER BY id DESC LIMIT 10"],
    "staff dashboard": [
        "SELECT current_stage_id, count(*) FROM funding_application WHERE state = 'in_review' GROUP BY 1",
        APPLICATIONS + " WHERE a.state = 'in_review' ORDER BY a.due_at LIMIT 10",
    ],
}


COMPANIES = 12  # Of the founder: their applications fill more than one page of 25 at every size.


@dataclass(frozen=True)
class Page:
    """One page: who opens it, where, and the number its floor asks for."""

    name: str
    who: Callable[[], Any]
    where: Callable[[Any], str]
    key: Callable[[Any], int] = lambda user: user.pk
    peer: float | None = None
    times: float = 3
    queries: int = 12
    scope: str = ""  # Asked by a token with this scope, as programs ask; else by a session.
    most: float | None = None  # … of the floor's median, with the most applications.
    flat: bool = (
        True  # Must be no slower with 10,000 applications than with 500; not asked of what counts them.
    )


@dataclass(frozen=True)
class Work:
    """One piece of long work, done in a process of its own: seconds and memory at most."""

    name: str
    run: str  # "module:function", without arguments.
    seconds: float
    peer: float | None = None
    megabytes: float | None = None  # … beyond what the process began with.
    before: str = ""  # Likewise: what it needs is made by a process that is not measured.


def pages() -> list[Page]:
    """Every page that is measured. Imports wait until Django is ready: the floor reads this file without it."""
    from django.db.models import Count
    from django.urls import reverse

    from funding.models import Application, Review
    from incubator.models import Membership
    from park_portal.core.accounts.models import User
    from tests.bench.load import STEP

    def officer() -> User:
        return User.objects.with_role("officer").order_by("pk")[0]

    def founder() -> User:
        """Who has companies enough to fill a page of applications, however many there are in all."""
        most = (
            Application.objects.filter(organisation__isnull=False, pk__lt=STEP)
            .values("organisation")
            .annotate(n=Count("pk"))
            .order_by("-n", "organisation")
            .values_list("organisation", flat=True)
        )
        owner = User.objects.get(pk=Membership.objects.filter(organisation=most[0], role="owner")[0].user_id)
        for organisation in most[:COMPANIES]:
            Membership.objects.get_or_create(
                user=owner, organisation_id=organisation, defaults={"role": "editor"}
            )
        return owner

    def mine(user: User) -> int:
        return int(
            Application.objects.of_applicant(user).filter(submitted_at__isnull=False).order_by("pk")[0].pk
        )

    def review_of(user: User) -> int:
        return int(Review.objects.filter(reviewer=user, state="accepted").order_by("pk")[0].pk)

    def reviewer() -> User:
        return Review.objects.filter(state="accepted").order_by("pk")[0].reviewer

    return [
        Page(
            "staff list",
            officer,
            lambda u: reverse("admin:funding_application_changelist"),
            peer=380,
            times=10,
        ),
        Page("portal list", founder, lambda u: reverse("applications:list"), peer=380, times=10),
        Page("detail", founder, lambda u: reverse("applications:detail", args=[mine(u)]), mine, peer=97),
        Page(
            "review form",
            reviewer,
            lambda u: reverse("reviews:detail", args=[review_of(u)]),
            review_of,
            97,
        ),
        Page("role home", reviewer, lambda u: reverse("home"), peer=286),
        Page(
            "API list", officer, lambda u: "/api/v1/applications/?size=25", scope="applications:read", most=4
        ),
        Page("staff dashboard", officer, lambda u: reverse("admin:index"), peer=286, flat=False),
    ]


WORK = [
    Work("export to Excel", "tests.bench.work:export_applications", seconds=10, peer=75),
    Work("assignment, total, uniform", "tests.bench.assigning:total_uniform", seconds=5, megabytes=2_000),
    Work("assignment, total, topics", "tests.bench.assigning:total_topics", seconds=5, megabytes=2_000),
    Work("assignment, total, tied", "tests.bench.assigning:total_tied", seconds=5, megabytes=2_000),
    Work(
        "assignment, worst first, uniform", "tests.bench.assigning:best_uniform", seconds=60, megabytes=2_000
    ),
    Work("assignment, worst first, topics", "tests.bench.assigning:best_topics", seconds=60, megabytes=2_000),
    Work("assignment, worst first, tied", "tests.bench.assigning:best_tied", seconds=60, megabytes=2_000),
    Work(
        "assignment, 120 × 180, worst first", "tests.bench.assigning:best_small", seconds=15, megabytes=2_000
    ),
    Work(
        "large call, proposal",
        "tests.bench.planning:propose",
        seconds=90,
        megabytes=2_000,
        before="tests.bench.planning:seed",
    ),
    Work("large call, page", "tests.bench.planning:open_page", seconds=5),
    Work("large call, invitations", "tests.bench.planning:confirm", seconds=180, megabytes=2_000),
    Work("large call, draw", "tests.bench.planning:publish_and_draw", seconds=180, megabytes=2_000),
    Work(
        "ledger, 10,000 payments",
        "tests.bench.ledger:pay_ten_thousand",
        seconds=5,
        before="tests.bench.ledger:promise_ten_thousand",
    ),
    Work("calibration, proof", "tests.bench.work:calibrate_fifty_rounds", seconds=10),
    Work("calibration, large", "tests.bench.work:calibrate_a_large_round", seconds=10),
    Work("panel, all see the item", "tests.bench.panel:forty_see_the_item", seconds=3),
    Work("affinity", "tests.bench.work:match_applications", seconds=20, megabytes=2_000),
]
