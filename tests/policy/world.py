"""The small park in which every cell of the table is asked: one row of each kind for each way it can belong to a person.

own       belongs to the applicant's viewer, editor and owner; is of the liaison's faculty; assigned to the reviewer
state     the same, in a state in which the act is over or not yet possible
company   of the applicant's company rather than their research project
same      of the same university, another faculty and another team; another reviewer's at the same application
foreign   of other people altogether
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.test import Client
from django.utils import timezone

from funding.applications.models import Application
from funding.applications.services import (
    return_application,
    save_answer,
    submit_application,
    withdraw_application,
)
from funding.awards.models import Award
from funding.awards.services import (
    add_milestone,
    call_to_acceptance,
    reserve_award,
    suspend_award,
    terminate_award,
)
from funding.calls.models import CallText
from funding.datarooms.services import ask_for_room, invite_investor, open_item
from funding.deals.services import (
    add_distribution,
    add_valuation,
    clear_item,
    move_deal,
    reverse_distribution,
)
from funding.deals.states import DealState
from funding.decisions.models import Decision
from funding.decisions.services import (
    Proposal,
    announce_lottery,
    check_letter,
    propose_decisions,
    publish_notice,
    release_decisions,
    write_letters,
)
from funding.funds.models import Fund
from funding.panels.services import (
    call_item,
    close_meeting,
    count_votes,
    declare_conflict,
    pledge_on,
    postpone_item,
)
from funding.payments.services import make_batch, return_disbursement, take_statement
from funding.reports.services import save_report
from funding.reviews.criteria import PlanCriteria
from funding.reviews.models import Conflict, Publication, Reviewer
from funding.reviews.services import (
    create_plan,
    declare_no_conflict,
    declare_tie,
    dismiss_conflict,
    match_application,
    publish_draw,
    record_objection,
    solve_plan,
    work_out,
)
from incubator.models import Membership, ProjectMember, ResearchProject
from incubator.organisations.services import invite_member
from park_portal.core.accounts.models import Invitation, SavedView, User
from park_portal.core.accounts.services import invite_staff, set_active
from park_portal.core.audit.services import SYSTEM
from park_portal.core.documents.models import Document
from park_portal.core.jobs.models import Job
from park_portal.core.outbox.models import Delivery
from park_portal.core.privacy.services import ask
from park_portal.core.tokens.services import create_token
from park_portal.core.tokens.states import Scope
from park_portal.core.webhooks.services import create_webhook, pause_webhook, send_test
from park_portal.core.workflow import advance
from tests import factories
from tests.factories import (
    applications,
    awards,
    calls,
    datarooms,
    deals,
    decisions,
    panels,
    payments,
    reviews,
)
from tests.factories import reports as report_factory
from tests.factories.core import make_staff, token_of
from tests.factories.incubator import make_faculty, make_liaison, make_organisation, make_university
from tests.policy.roles import ROLES, STAFF

# Letters in the table and what they stand for: the capitals are in titles, the small ones in names of companies and
# people. Long enough never to stand in a token by chance.
CANARIES: Final = {
    "O": "XTOWNX",
    "T": "XTSTAX",
    "C": "XTCOMX",
    "S": "XTSAMX",
    "F": "XTFORX",
    "o": "XNOWNX",
    "s": "XNSAMX",
    "f": "XNFORX",
}
TITLES: Final = {
    "own": "XTOWNX",
    "state": "XTSTAX",
    "company": "XTCOMX",
    "same": "XTSAMX",
    "foreign": "XTFORX",
}
NAMES: Final = {
    "own": "XNOWNX",
    "state": "XNOWNX",
    "company": "XNOWNX",
    "same": "XNSAMX",
    "foreign": "XNFORX",
}
PASSWORD: Final = "correct-horse-battery"

Rows = dict[str, Any]


def title(whose: str) -> str:
    return f"类器官药筛{TITLES[whose]}"


@dataclass
class World:
    """The rows by kind and by whose they are: ``world.projects["own"]``."""

    people: dict[str, User] = field(default_factory=dict)
    others: dict[str, User] = field(default_factory=dict)
    organisations: Rows = field(default_factory=dict)
    projects: Rows = field(default_factory=dict)
    calls: Rows = field(default_factory=dict)
    drafts: Rows = field(default_factory=dict)
    submitted: Rows = field(default_factory=dict)
    runs: Rows = field(default_factory=dict)
    lines: Rows = field(default_factory=dict)
    reviews: Rows = field(default_factory=dict)
    publications: Rows = field(default_factory=dict)
    ties: Rows = field(default_factory=dict)
    decided: Rows = field(default_factory=dict)
    panels: Rows = field(default_factory=dict)
    items: Rows = field(default_factory=dict)
    rooms: Rows = field(default_factory=dict)
    awards: Rows = field(default_factory=dict)
    payments: Rows = field(default_factory=dict)
    reports: Rows = field(default_factory=dict)
    invitations: Rows = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    things: Rows = field(default_factory=dict)
    admin_rows: dict[str, list[models.Model]] = field(default_factory=dict)
    _clients: dict[str, Client] = field(default_factory=dict)
    _programs: dict[str, Client] = field(default_factory=dict)

    def client(self, role: str) -> Client:
        """Return a browser in which the person of this role is signed in, as it was before anything was asked."""
        if role not in self._clients:
            client = Client()
            if role in self.people:
                client.force_login(self.people[role], settings.AUTHENTICATION_BACKENDS[1])
                session = client.session  # Signed in a moment ago: what asks for the password again lets in.
                entered = {"method": "password", "at": time.time() + 3600, "reauthenticated": True}
                session["account_authentication_methods"] = [entered]
                session["account_authentication_methods_user"] = str(self.people[role].pk)
                session.save()
            self._clients[role] = client
        kept = self._clients[role]
        fresh = Client()
        fresh.handler = kept.handler  # Putting the middlewares together costs more than most requests.
        fresh.cookies.load(kept.cookies.output(header="", sep=";"))
        return fresh

    def program(self, role: str) -> Client:
        """Return a program that holds a token of this person with every scope."""
        if role not in self._programs:
            headers = {}
            if role in self.people:
                _token, secret = create_token(
                    actor=self.people[role], name="policy", scopes=Scope.values, days=1
                )
                headers["Authorization"] = f"Bearer {secret}"
            self._programs[role] = Client(headers={**headers, "Accept-Language": "en"})
        return self._programs[role]

    def rows(self, model: type[models.Model]) -> list[Any]:
        """Return the rows of a model, oldest first."""
        return self.admin_rows[model._meta.label]

    @cached_property
    def founder(self) -> User:
        return self.others["founder"]


def make_world() -> World:
    """Make the park; within a transaction that is taken back at the end."""
    world = World()
    _people(world)
    _park(world)
    _applications(world)
    _reviews(world)
    _decisions(world)
    _money(world)
    _awards(world)
    _deals(world)
    _payments(world)
    _panels(world)
    _rooms(world)
    _core(world)
    _plans(world)
    for name, kind in (("batch", "incubator.organisation"), ("project-batch", "incubator.researchproject")):
        world.things[name] = factories.make("core.ImportBatch", kind=kind)
    for model in admin.site._registry:
        if not model._base_manager.exists():
            factories.make(model._meta.label)
        world.admin_rows[model._meta.label] = list(model._base_manager.order_by("pk"))
    for role in ROLES:
        world.client(role), world.program(role)
    return world


def _person(name: str, **fields: Any) -> User:
    user = User.objects.create_user(f"{name}@policy.example", PASSWORD, name=name.title(), **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def _people(world: World) -> None:
    for role in ROLES[1:]:
        world.people[role] = _person(role.replace("_", "-"), is_staff=role in STAFF)
        if role in STAFF:
            world.people[role].groups.add(Group.objects.get(name=role))
    for name in (
        "founder",
        "colleague",
        "professor",
        "rival",
        "second-reviewer",
        "third-reviewer",
        "partner",
        "second-officer",
        "namesake",
    ):
        world.others[name] = _person(name, is_staff=name == "second-officer")
    world.others["namesake"].name = "欧阳望远"
    world.others["namesake"].save()
    world.others["second-officer"].groups.add(Group.objects.get(name="officer"))
    own = Reviewer.objects.create(
        user=world.people["reviewer"], institution="独立研究院", keywords=["类器官"]
    )
    second, *_others = (
        Reviewer.objects.create(user=world.others[name], institution=f"{name}研究院")
        for name in ("second-reviewer", "third-reviewer", "namesake")
    )
    world.publications.update(
        own=Publication.objects.create(reviewer=own, title="类器官药筛"),
        foreign=Publication.objects.create(reviewer=second, title="肿瘤免疫"),
    )


def _park(world: World) -> None:
    people, others = world.people, world.others
    university, elsewhere = make_university("复旦大学"), make_university("同济大学")
    faculties = (
        make_faculty(university, "药学院"),
        make_faculty(university, "化学系"),
        make_faculty(elsewhere, "医学院"),
    )
    make_liaison(people["liaison"], university, faculties[0])
    world.things.update(university=university, faculty=faculties[0])

    world.organisations = {
        "own": make_organisation(
            f"上海{NAMES['own']}生物科技有限公司",
            owner=people["owner"],
            editor=people["editor"],
            viewer=people["viewer"],
        ),
        "state": make_organisation(f"上海旧{NAMES['own']}有限公司", owner=people["owner"]),
        "near": make_organisation(f"上海{NAMES['foreign']}生物", uscc=None),
        "foreign": make_organisation(f"上海{NAMES['foreign']}医药有限公司", owner=others["founder"]),
    }
    advance(world.organisations["state"], "close", actor=SYSTEM)

    for whose, pi, place in (
        ("own", people["owner"], (university, faculties[0])),
        ("state", people["owner"], (university, faculties[0])),
        ("same", others["professor"], (university, faculties[1])),
        ("foreign", others["rival"], (elsewhere, faculties[2])),
    ):
        project = ResearchProject.objects.create(
            code=f"RP-2000-9{len(world.projects):03d}",
            title_zh_hans=title(whose),
            title_en=f"Organoid screening {TITLES[whose]}",
            principal_investigator=f"陈{NAMES[whose]}",
            pi_user=pi,
            university=place[0],
            faculty=place[1],
        )
        ProjectMember.objects.create(
            project=project, user=pi, name=f"陈{NAMES[whose]}", role="pi", can_edit=True
        )
        world.projects[whose] = project
    for whose in ("own", "state"):
        team = world.projects[whose].team
        team.create(user=people["editor"], name="Editor", email=people["editor"].email, can_edit=True)
        team.create(user=people["viewer"], name="Viewer", email=people["viewer"].email)
        if whose == "own":
            team.create(name=others["namesake"].name)
        team.create(name=f"李{NAMES[whose]}", email=f"li-{whose}@policy.example")
    advance(world.projects["state"], "start", actor=SYSTEM)
    advance(world.projects["state"], "stop", actor=SYSTEM)


def _applications(world: World) -> None:
    open_call = applications.make_call("POLICY-2026", lead=world.people["lead"])
    world.calls["own"] = calls.make_call(code="POLICY-DRAFT", lead=world.people["lead"])
    world.calls["state"] = open_call
    world.calls["published"] = calls.make_call(
        code="POLICY-SOON", lead=world.people["lead"], state="published"
    )
    CallText.objects.create(call=open_call, kind="application.received")
    for whose, applicant in (
        ("own", {"project": world.projects["own"]}),
        ("company", {"organisation": world.organisations["own"]}),
        ("same", {"project": world.projects["same"]}),
        ("foreign", {"organisation": world.organisations["foreign"]}),
    ):
        world.drafts[whose] = applications.make_application(
            open_call, answers={"title": title(whose)}, **applicant
        )
    for kind in ("screening", "liaison", "expert", "decision", "notice"):
        call = reviews.make_review_call(kind, lead=world.people["lead"])
        world.calls[kind] = call
        world.submitted[kind] = {
            whose: reviews.make_application(call, title=title(whose), project=world.projects[whose])
            for whose in ("own", "same", "foreign")
        }
        if kind == "liaison":  # which a company's application passes by
            world.runs[kind] = {whose: reviews.run_of(one) for whose, one in world.submitted[kind].items()}
            continue
        world.submitted[kind]["company"] = reviews.make_application(
            call, title=title("company"), organisation=world.organisations["own"]
        )
        world.runs[kind] = {whose: reviews.run_of(one) for whose, one in world.submitted[kind].items()}
    withdrawn = reviews.make_application(
        world.calls["screening"], title=title("state"), project=world.projects["own"]
    )
    withdraw_application(withdrawn, actor=world.people["owner"], reason="x")
    world.submitted["withdrawn"] = {"state": withdrawn}
    world.drafts["state"] = withdrawn
    returned = reviews.make_application(
        world.calls["screening"], title=title("own"), project=world.projects["own"]
    )
    return_application(
        returned,
        actor=world.people["officer"],
        items={"abstract": "x"},
        message="x",
        due_at=timezone.now() + timedelta(days=20),
    )
    world.submitted["returned"] = {"own": returned}
    world.submitted["revised"] = {}
    for whose, applicant in (
        ("own", {"project": world.projects["own"]}),
        ("company", {"organisation": world.organisations["own"]}),
        ("foreign", {"organisation": world.organisations["foreign"]}),
    ):
        revised = reviews.make_application(world.calls["screening"], title=title(whose), **applicant)
        return_application(
            revised, actor=world.people["officer"], items={"abstract": "x"}, message="x",
            due_at=timezone.now() + timedelta(days=20),
        )  # fmt: skip
        save_answer(revised, "abstract", "改过的摘要。", actor=revised.created_by, revision=None)
        submit_application(revised, actor=revised.created_by)
        world.submitted["revised"][whose] = revised
    propose_decisions(
        [
            Proposal(world.submitted["notice"][whose], "approve", amount_fen=5_000_000)
            for whose in ("own", "foreign")
        ],
        actor=world.people["lead"],
    )
    notice = publish_notice(world.calls["notice"], actor=world.people["lead"])
    world.things["notice"] = notice
    propose_decisions(
        [Proposal(world.submitted["notice"]["same"], "approve", amount_fen=5_000_000)],
        actor=world.people["lead"],
    )
    world.lines = {
        whose: notice.lines.get(application=world.submitted["notice"][whose]) for whose in ("own", "foreign")
    }
    world.things["objection"] = record_objection(
        world.lines["foreign"], name="某人", email="nobody@policy.example", text="不实"
    )


def _reviews(world: World) -> None:
    first, second = world.people["reviewer"], world.others["second-reviewer"]
    runs = world.runs["expert"]
    world.reviews["own"] = reviews.fill_review(reviews.make_review(runs["own"], first, accepted=True))
    world.reviews["same"] = reviews.make_review(runs["own"], second, accepted=True)
    world.reviews["invited"] = reviews.make_review(runs["same"], first)
    world.reviews["state"] = reviews.submitted_review(runs["company"], person=first)
    world.reviews["foreign"] = reviews.make_review(runs["foreign"], second)
    declare_no_conflict(world.reviews["invited"], actor=first, pledge=True)
    call = reviews.make_review_call("expert", lead=world.people["lead"])
    undeclared = reviews.make_application(call, title=title("same"), project=world.projects["same"])
    world.reviews["new"] = reviews.make_review(reviews.run_of(undeclared), first)
    for whose, person in (("own", first), ("foreign", second)):
        world.ties[whose] = declare_tie(person, actor=person, kind="family", name=f"{person.name}之兄")
    # One of the team has the name of one of the pool: to be looked at for one application, and dismissed for another.
    for application in (world.submitted["expert"]["own"], world.submitted["decision"]["own"]):
        match_application(application)
    dismiss_conflict(
        Conflict.objects.possible().latest("pk"), actor=world.people["officer"], reason="不是同一人"
    )


def _decisions(world: World) -> None:
    lead = world.people["lead"]
    verdicts = {"own": "approve", "same": "decline", "company": "decline", "foreign": "approve"}
    made: dict[str, Decision] = {}
    for whose, verdict in verdicts.items():
        application: Application = world.submitted["decision"][whose]
        amount = 100_000_000 if verdict == "approve" else None
        (made[whose],) = propose_decisions([Proposal(application, verdict, amount_fen=amount)], actor=lead)
    letters = write_letters(list(made.values()), actor=lead)
    for letter in letters:
        if letter.decision_id != made["same"].pk:
            check_letter(letter, actor=lead)
    release_decisions([made["own"], made["foreign"]], actor=lead)
    world.decided = made
    for name in ("unwritten", "undecided"):
        world.submitted["decision"][name] = reviews.make_application(
            world.calls["decision"], title=title("own"), project=world.projects["own"]
        )
    world.calls["released"] = reviews.make_review_call("decision", lead=lead)
    ready = reviews.make_application(
        world.calls["released"], title=title("same"), project=world.projects["same"]
    )
    (world.decided["ready"],) = propose_decisions([Proposal(ready, "decline")], actor=lead)
    (letter,) = write_letters([world.decided["ready"]], actor=lead)
    check_letter(letter, actor=lead)
    world.calls["reserved"] = reviews.make_review_call("decision", lead=lead)
    waiting = reviews.make_application(
        world.calls["reserved"], title=title("same"), project=world.projects["same"]
    )
    (reserve,) = propose_decisions([Proposal(waiting, "reserve")], actor=lead)
    (letter,) = write_letters([reserve], actor=lead)
    check_letter(letter, actor=lead)
    release_decisions([reserve], actor=lead)
    # The line falls between two with the same scores: in one call to be put on record, in another the lots are announced.
    for name in ("tied", "announced"):
        world.calls[name] = call = reviews.make_review_call(
            "expert", "decision", lead=lead, budget_fen=100_000_000, scoring="mean"
        )
        for whose, marks in (("own", (9, 7)), ("same", (7, 9))):
            decisions.decidable(
                call, marks=marks, amount=100_000_000, title=title(whose), project=world.projects[whose]
            )
    announce_lottery(world.calls["announced"], actor=lead, source="上证综指收盘")
    unwritten = Proposal(world.submitted["decision"]["unwritten"], "decline")
    (world.decided["unwritten"],) = propose_decisions([unwritten], actor=lead)


def _money(world: World) -> None:
    """Money that came to no budget yet, so that it can be taken back; then lines that hold the money of the awards."""
    spare = calls.make_fund("备用基金", code="spare")
    calls.make_commitment(spare, amount_fen=100)
    first, last = Fund.objects.order_by("pk").first(), Award.objects.latest("pk")
    for fund in [first, *Fund.objects.filter(awards__isnull=False).exclude(pk=first.pk).distinct()]:
        line = calls.make_line(fund, allotted=10**11)
        calls.make_line(fund, purpose="research")
        calls.make_line(fund, year=2025, allotted=100)
        calls.make_commitment(fund, amount_fen=10**9)
        for award in fund.awards.order_by("pk"):
            if award.pk == last.pk:  # its money is to be held yet
                world.things["line"] = line
            else:
                reserve_award(award, actor=SYSTEM, line=line)


def _awards(world: World) -> None:
    """Awards at every point of their lives.

    own, foreign  under way, their first report to be written     sent    evidence and a report wait for staff
    amended       an amendment is to be decided                   drawn, issued   its agreement is not signed
    claimed       terminated, money claimed back                  suspended       for a time
    """
    for whose in ("own", "foreign"):
        world.awards[whose] = _award(world, whose)
        world.reports[whose] = world.awards[whose].reports.order_by("due_on")[0]
        report_factory.add_expense(world.reports[whose])
        save_report(world.reports[whose], actor=SYSTEM, **report_factory.WRITTEN)
    sent = world.awards["sent"] = _award(world, "own")
    world.reports["sent"] = report_factory.sent_report(sent)
    awards.submitted_milestone(sent)
    world.awards["amended"] = _award(world, "own")
    awards.make_amendment(world.awards["amended"])
    drawn = awards.make_agreement(_fresh(world, "same"))
    add_milestone(
        drawn.award,
        actor=world.people["officer"],
        title="x",
        due_on=drawn.ends_on,
        technical_goal="x",
        market_goal="x",
    )
    awards.issued_agreement(_fresh(world, "same"))
    awards.make_signed(_fresh(world, "same"))
    suspended = world.awards["suspended"] = _award(world, "same")
    awards.fill_bank(suspended)
    awards.pay(suspended, 1_000_000)
    suspend_award(suspended, actor=world.people["fund_manager"], reason="x")
    awards.make_clawback(_fresh(world, "same"))
    call = reviews.make_review_call("decision", outcome="acceptance", lead=world.people["lead"])
    ready = report_factory.accept_reports(_award(world, "own"))
    called = report_factory.accept_reports(_award(world, "same"))
    call_to_acceptance(called, actor=world.people["officer"], call=call)
    world.things["acceptance-call"] = reviews.make_review_call(
        "decision", outcome="acceptance", lead=world.people["lead"]
    )
    world.awards["ready"] = ready
    over = _award(world, "same")
    terminate_award(over, actor=world.people["fund_manager"], reason="x")


def _fresh(world: World, whose: str) -> Award:
    return decisions.make_award(
        reviews.make_review_call("decision", lead=world.people["lead"]), project=world.projects[whose]
    )


def _payments(world: World) -> None:
    """Payments of the first tranches, one in each state in which something can be done, each step by somebody else."""
    for name, award, state in (
        ("own", world.awards["own"], "asked"),
        ("foreign", world.awards["foreign"], "asked"),
        ("checked", world.awards["sent"], "checked"),
        ("approved", world.awards["amended"], "approved"),
        ("returned", _award(world, "own"), "asked"),
        ("released", _award(world, "same"), "released"),
        ("batched", _award(world, "foreign"), "checked"),
    ):
        awards.fill_bank(award)
        world.payments[name] = payments.make_payment(award, to=state)
    return_disbursement(world.payments["returned"], actor=make_staff("officer"), reason="x")
    world.things["batch"] = make_batch(
        actor=make_staff("finance"),
        fund=world.payments["batched"].award.fund,
        numbers=[world.payments["batched"].number],
    )
    world.things["statement"] = take_statement(
        actor=make_staff("finance"),
        fund=world.payments["released"].award.fund,
        file=payments.csv_statement([payments.paid_row(world.payments["released"])]),
    )


def _award(world: World, whose: str) -> Award:
    """Return an award that began some months ago."""
    return report_factory.running(award=_fresh(world, whose))


def _deals(world: World) -> None:
    """A deal in each state; a fund with a mandate, which a company fits, and with a holding; a round that is planned."""
    fund = deals.make_market_fund()
    deals.make_mandate(fund)
    world.things["fits"] = deals.make_round(deals.make_startup()).company
    for state in DealState.values:
        if state != DealState.PASSED:
            deals.make_deal(fund, upto=state)
    for item in deals.make_deal(fund, upto="diligence").items.all():
        clear_item(item, actor=SYSTEM)
    passed = deals.make_deal(fund)
    move_deal(passed, name="decline", actor=SYSTEM, reason="暂缓")
    clear_item(passed.items.first(), actor=SYSTEM)
    held = deals.invest(fund)
    company, on = held.round.company, timezone.localdate()
    world.things["holding"] = {"fund": fund.pk, "company": company.pk}
    deals.convertible(deals.make_round(company))
    values = {"actor": SYSTEM, "fund": fund, "company": company, "on": on}
    add_valuation(method="comparables", value_fen=5, **values)
    wrong, _kept = (add_distribution(kind="dividend", amount_fen=5, **values) for _number in range(2))
    reverse_distribution(wrong, actor=SYSTEM, reason="重复")


def _panels(world: World) -> None:
    """One meeting for each way a reviewer can stand to it, each with one item.

    own       planned, the reviewer a member who has declared        closed    over, the reviewer was chair
    chaired   in session, the reviewer the chair, a vote open        foreign   other people's
    left      in session, the reviewer has left for the item on the table
    new       planned, nobody has declared yet

    And in session with the reviewer in the chair, the item where an act begins: ``waiting``, ``called``, ``voted``,
    ``counted``, ``postponed``.
    """
    first, second, third = (
        world.people["reviewer"],
        world.others["second-reviewer"],
        world.others["third-reviewer"],
    )
    for whose, chair, member in (
        ("own", second, first),
        ("chaired", first, second),
        ("left", second, first),
        ("closed", first, second),
        ("foreign", second, third),
        ("new", second, first),
    ):
        call = reviews.make_review_call("panel", "decision", lead=world.people["lead"])
        # A conflict that was declared holds for the applicant: not the one whose other items the reviewer is to judge.
        named = "foreign" if whose in ("left", "foreign") else "own"
        reviews.make_application(call, title=title(named), project=world.projects[named])
        meeting = panels.make_meeting(
            0, call=call, chair=chair, people=[member], quorum=1, actor=world.people["officer"]
        )
        item = meeting.items.order_by("position").first()
        if whose == "own":  # one that waits beside the agenda, to be put on it
            reviews.make_application(call, title=title("foreign"), project=world.projects["foreign"])
        if whose == "left":
            declare_conflict(item, actor=first, kind="coauthor")
        if whose in ("own", "foreign"):
            pledge_on(item, actor=member)
        elif whose != "new":
            meeting = panels.open_session(meeting)
            item = panels.voting_item(meeting)
        if whose == "closed":
            panels.concluded(panels.vote_all(item))
            meeting = close_meeting(meeting, actor=chair)
        world.panels[whose], world.items[whose] = meeting, item
    for whose in ("waiting", "called", "voted", "counted"):
        call = reviews.make_review_call("panel", "decision", lead=world.people["lead"])
        for _number in range(2 if whose == "waiting" else 1):
            reviews.make_application(call, title=title("own"), project=world.projects["own"])
        meeting = panels.open_session(
            panels.make_meeting(
                0, call=call, chair=first, people=[second], quorum=1, actor=world.people["officer"]
            )
        )
        item, *rest = meeting.items.order_by("position")
        if whose == "called":
            item = call_item(item, actor=first)
        if whose in ("voted", "counted"):
            item = panels.vote_all(panels.voting_item(meeting))
        if whose == "counted":
            item = count_votes(item, actor=first)
        for other in rest:
            world.panels["postponed"] = meeting
            world.items["postponed"] = postpone_item(other, actor=first, reason="材料待补")
        world.panels[whose], world.items[whose] = meeting, item


def _rooms(world: World) -> None:
    """Two companies' data rooms: the investor is let into one, where they may download one thing and know of no other.

    own       of the applicant's company, shared with the investor      fact      likewise, a field
    hidden    of the same company, shared with somebody else            foreign   another company's, shared with others
    """
    investor, partner = world.people["investor"], world.others["second-reviewer"]
    for whose in ("own", "foreign"):
        company = world.organisations[whose]
        world.rooms[whose] = datarooms.make_document(company, title=title(whose))
        world.rooms[f"investor-{whose}"] = datarooms.make_investor(
            company, investor if whose == "own" else partner
        )
        world.rooms[f"grant-{whose}"] = datarooms.share(
            world.rooms[whose], world.rooms[f"investor-{whose}"], level="download"
        )
        world.rooms[f"request-{whose}"] = ask_for_room(
            actor=world.others["rival"], uscc=company.uscc, firm="基金", message="x"
        )
        world.rooms[f"invited-{whose}"] = invite_investor(
            company, actor=datarooms.owner_of(company), email=f"invited-{whose}@policy.example", name="受邀人"
        )
    company = world.organisations["own"]
    world.rooms["fact"] = datarooms.make_fact(company, title=title("own"))
    world.rooms["hidden"] = datarooms.make_document(company, title=title("state"))
    datarooms.share(world.rooms["fact"], world.rooms["investor-own"])
    datarooms.share(world.rooms["hidden"], datarooms.make_investor(company, world.others["partner"]))
    # The owners are told once a day: not by what is asked here.
    open_item(world.rooms["own"].pk, actor=investor)
    world.rooms["access-own"] = world.rooms["grant-own"].accesses.get()


def _plans(world: World) -> None:
    """Assignments of reviewers: to be confirmed first, then one in each state that an act begins in."""
    stage = world.calls["expert"].stages.get(kind="expert")
    criteria = PlanCriteria(per_application=2, floor="none", one_per_institution=False)
    for name in ("ready", "draft", "draw", "drawn", "solving"):
        method = "draw" if name.startswith("draw") else "optimal"
        plan = create_plan(stage, actor=SYSTEM, method=method, criteria=criteria, seed=1)
        if name == "drawn":
            publish_draw(plan, actor=SYSTEM)
        if name in ("ready", "drawn", "solving"):
            plan = solve_plan(plan, actor=SYSTEM)
        if name in ("ready", "drawn"):
            work_out(plan.pk, plan.revision, lambda *figures: None)
        plan.refresh_from_db()
        world.things[f"plan-{name}"] = plan
    assert world.things["plan-ready"].state == "ready"


def _core(world: World) -> None:
    people, others = world.people, world.others
    Membership.objects.create(organisation=world.organisations["own"], user=others["partner"], role="owner")
    first = invite_member(
        world.organisations["own"], actor=people["owner"], email="invited@policy.example", role="viewer"
    )
    world.invitations["own"] = first
    world.invitations["foreign"] = invite_member(
        world.organisations["foreign"], actor=others["founder"], email="else@policy.example", role="viewer"
    )
    over = Invitation.objects.get(pk=first.pk)
    over.pk, over.email, over.token_digest, over.revoked_at = (
        None,
        "over@policy.example",
        "0" * 64,
        timezone.now(),
    )
    over.save(force_insert=True)
    world.invitations["state"] = over
    for role in ("stranger", "viewer"):
        invitation = invite_member(
            world.organisations["foreign"], actor=others["founder"], email=people[role].email, role="viewer"
        )
        world.tokens[role] = token_of(invitation)
    world.tokens["staff"] = token_of(
        invite_staff(email=people["mentor"].email, actor=people["administrator"], role="officer")
    )
    for name, owner in (("own", people["owner"]), ("foreign", others["founder"])):
        message = factories.make("core.Message")
        world.things[f"delivery-{name}"] = Delivery.objects.create(
            message=message,
            recipient=owner,
            channel="inbox",
            kind="job.done",
            subject={"zh-hans": title(name)},
            body={"zh-hans": "正文"},
            status="sent",
        )
        world.things[f"job-{name}"] = Job.objects.create(kind="applications.export", owner=owner)
        failed = Job.objects.create(kind="applications.export", owner=owner)
        advance(failed, "begin", actor=SYSTEM, changes={"heartbeat_at": timezone.now()})
        advance(failed, "fail", actor=SYSTEM)
        world.things[f"failed-{name}"] = failed
        world.things[f"token-{name}"], _secret = create_token(
            actor=owner, name="x", scopes=Scope.values, days=1
        )
        world.things[f"hook-{name}"], _secret = create_webhook(
            actor=owner, name=name, url="https://hooks.example.com/x", kinds=["job.finished"]
        )
        world.things[f"request-{name}"] = send_test(world.things[f"hook-{name}"], actor=owner)
        SavedView.objects.create(user=owner, page="applications:list", name=name, query="q=x")
    for name, owner in (("own", people["owner"]), ("foreign", others["founder"])):
        world.things[f"request-of-{name}"] = ask(owner, actor=owner, kind="correction", text="姓名有误")
    ask(others["partner"], actor=others["partner"], kind="erasure")
    paused, _secret = create_webhook(
        actor=people["owner"], name="paused", url="https://hooks.example.com/x", kinds=["job.finished"]
    )
    world.things["hook-paused"] = pause_webhook(paused, actor=people["owner"])
    factories.make("core.Message", status="failed")
    Delivery.objects.create(
        message=message, recipient=others["rival"], channel="email", kind="job.done", status="failed", attempts=8,
        address="rival@policy.example", subject={"zh-hans": "x"}, body={"zh-hans": "x"},
    )  # fmt: skip
    set_active(others["professor"], actor=SYSTEM, active=False, reason="x")
    Authenticator.objects.create(user=others["colleague"], type="totp", data={"secret": "x"})
    make_faculty(world.things["university"], "空置学院")
    world.things["own-file"] = world.drafts["own"].files.first().document
    world.things["foreign-file"] = world.drafts["foreign"].files.first().document
    world.things["letter"] = Document.objects.filter(subject_type="funding.letter").order_by("pk").first()
