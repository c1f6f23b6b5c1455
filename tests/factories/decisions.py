"""Decisions, letters and awards for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pgtrigger
from django.utils import timezone

from funding.awards.models import Award
from funding.awards.services import open_award, reserve_award
from funding.calls.models import Call
from funding.decisions import services
from funding.decisions.models import Decision, Letter, Placement
from funding.reviews.models import NoticeLine
from funding.reviews.services import end_line
from incubator.projects.models import ResearchProject
from park_portal.core.accounts.models import User
from park_portal.core.workflow import SYSTEM, advance
from tests.factories import makes
from tests.factories.calls import make_line
from tests.factories.core import make_staff
from tests.factories.reviews import make_application, make_review_call, run_of, shared_call, submitted_review

TEN_THOUSAND = 1_000_000  # fen


def decidable(
    call: Call,
    *,
    marks: tuple[int, ...] = (8, 8),
    title: str = "类器官药筛大模型",
    amount: int | None = None,
    project: ResearchProject | None = None,
    organisation: Any = None,
):
    """Returns an application whose expert review is over and that waits for a decision."""
    application = make_application(call, title=title, project=project, organisation=organisation)
    for mark in marks:
        submitted_review(run_of(application), mark)
    application.refresh_from_db()
    if amount is not None:
        with pgtrigger.ignore("funding.Application:application_submitted_fixed"):
            type(application).objects.filter(pk=application.pk).update(amount_fen=amount)
        application.refresh_from_db()
    return application


def make_decision(
    *,
    lead: User | None = None,
    verdict: str = "approve",
    call: Call | None = None,
    organisation: Any = None,
    project: Any = None,
    **values: Any,
) -> Decision:
    """Returns a pending verdict, after two expert reviews; in a ``call`` that only decides, after none."""
    lead = lead or make_staff("lead")
    marks = (8, 8) if call is None else ()
    amount = 100 * TEN_THOUSAND if verdict == "approve" else None
    application = decidable(
        call or make_review_call("expert", "decision"),
        marks=marks,
        organisation=organisation,
        project=project,
    )
    (decision,) = services.propose_decisions(
        [services.Proposal(application, verdict, amount_fen=amount, **values)], actor=lead
    )
    return decision


def make_letter(**values: Any) -> Letter:
    """Returns a letter to be checked."""
    decision = make_decision(**values)
    (letter,) = services.write_letters([decision], actor=decision.decided_by)
    return letter


def make_award(
    call: Call | None = None, *, held: bool = True, organisation: Any = None, project: Any = None
) -> Award:
    """Returns an award whose agreement is to be signed, with its money held unless ``held`` says otherwise."""
    decision = make_decision(
        call=call or make_review_call("decision"), organisation=organisation, project=project
    )
    advance(decision, "release", actor=SYSTEM, changes={"released_at": timezone.now()})
    award = open_award(decision.application, actor=SYSTEM, amount_fen=100 * TEN_THOUSAND)
    if held and award.budget_line is None:
        line = award.fund.budget_lines.order_by("pk").first() or make_line(
            award.fund, allotted=10_000 * TEN_THOUSAND
        )
        reserve_award(award, actor=SYSTEM, line=line)
    return award


makes("funding.Decision")(lambda **values: make_decision(call=shared_call("decision"), **values))
makes("funding.Letter")(lambda **values: make_letter(call=shared_call("decision"), **values))
makes("funding.Award")(lambda **values: make_award(shared_call("decision")))


def under_notice(call: Call | None = None, *, amount: int = 100 * TEN_THOUSAND, **values: Any) -> NoticeLine:
    """Returns the line of an application whose approval has just been published."""
    call = call or make_review_call("notice", "decision")
    officer = make_staff("officer")
    application = make_application(call, **values)
    services.propose_decisions([services.Proposal(application, "approve", amount_fen=amount)], actor=officer)
    return services.publish_notice(call, actor=officer).lines.get(application=application)


def notice_over(line: NoticeLine) -> NoticeLine:
    """Returns the line after its period."""
    end_line(line.pk, now=line.notice.ends_at + timedelta(seconds=1))
    line.refresh_from_db()
    return line


def make_placement() -> Placement:
    """Returns the second of two applications, put first by hand."""
    call = make_review_call("decision")
    first, second = make_application(call), make_application(call)
    (placed,) = services.place_applications(
        call, [second.pk, first.pk], actor=make_staff("officer"), reason="会议意见"
    )
    return placed


makes("funding.NoticeLine")(lambda: under_notice(shared_call("notice", "decision")))
makes("funding.PublicNotice")(lambda: under_notice(shared_call("notice", "decision")).notice)
makes("funding.Placement")(make_placement)
