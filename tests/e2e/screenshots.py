"""Draws the pictures that the README shows, from a demo park of its own: `make screenshots`.

Not a test of `make test`: pytest runs it when it is named, because it needs the same running portal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from funding.applications.models import Application
from funding.calls.models import Call
from funding.management.commands.seed_demo import PASSWORD
from funding.reviews.models import Review, StageRun
from park_portal.core.accounts.models import User
from tests.e2e.steps import admin_address
from tests.e2e.visitor import Findings, Visitor
from tests.stack import Stack

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"


class Photographer:
    """Goes where the pictures are, as the people who see them."""

    def __init__(self, stack: Stack, browser: Browser) -> None:
        self.stack, self.browser = stack, browser

    def take(
        self,
        name: str,
        address: str,
        user: User | str = "",
        *,
        language: str = "zh-hans",
        show: str = "",
        **options: Any,
    ) -> None:
        """Keep docs/screenshots/<name>.png: the page as this person sees it, from the part called ``show``."""
        if isinstance(user, User):
            User.objects.filter(pk=user.pk).update(language=language)
        visitor = Visitor(
            name,
            browser=self.browser,
            stack=self.stack,
            language=language,
            findings=Findings(),
            device_scale_factor=1,
            **options,
        )
        if user:
            visitor.sign_in(user, password=PASSWORD)
        visitor.open(address, look=False)
        visitor.page.wait_for_load_state("networkidle")
        if show and visitor.page.locator(show).count():
            visitor.page.locator(show).first.evaluate("one => one.scrollIntoView({block: 'center'})")
        visitor.page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
        visitor.context.close()


def applicant_of(application: Application) -> User:
    if application.organisation is not None:
        return application.organisation.memberships.filter(role="owner")[0].user
    assert application.project is not None
    assert application.project.pi_user is not None
    return application.project.pi_user


def test_pictures_of_the_readme(live_stack: Stack, browser: Browser) -> None:
    live_stack.manage("seed_demo")
    FOLDER.mkdir(parents=True, exist_ok=True)
    camera = Photographer(live_stack, browser)
    lead, officer = (User.objects.get(email=f"{name}@park.example") for name in ("lead", "officer"))
    open_call = Call.objects.filter(state="open").order_by("-closes_at")[0]
    waiting = Application.objects.filter(state="in_review", current_stage__kind="decision")
    deciding = (
        waiting.order_by("-call__closes_at")[0].call
        if waiting.exists()
        else Call.objects.filter(applications__state__in=["approved", "declined"]).order_by("-closes_at")[0]
    )

    camera.take("landing", "/")
    camera.take("landing-en", "/", language="en")
    camera.take("call", f"/calls/{open_call.code}/")
    draft = Application.objects.filter(state="draft", call__state="open", answers__isnull=False).order_by(
        "-pk"
    )[0]
    form = f"/applications/{draft.pk}/form/"
    camera.take("application", form, applicant_of(draft))
    camera.take("application-phone", form, applicant_of(draft), width=360, height=740)
    told = Application.objects.filter(state="approved").order_by("-pk")[0]
    camera.take("outcome", f"/applications/{told.pk}/outcome/", applicant_of(told))
    review = Review.objects.filter(state="accepted", run__stage__acts="expert").order_by("-pk")[0]
    camera.take("review", review.get_absolute_url(), review.reviewer)

    camera.take("staff-home", "/admin/", lead)
    camera.take("call-stages", admin_address("funding_call_stages", open_call.pk), officer)
    camera.take("applications", admin_address("funding_application_changelist"), officer)
    camera.take("ranking", admin_address("funding_decision_ranking", deciding.pk), lead, show=".ranking-line")
    run = StageRun.objects.filter(state="active", stage__acts="expert").order_by("pk").first()
    if run is not None:
        camera.take("assign", f"{admin_address('funding_stagerun_assign')}?run={run.pk}", officer)
