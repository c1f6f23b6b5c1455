"""Builds the demo park by the portal's own services, at the moments when things happened.

Everything is dated relative to the day it is built, so that deadlines are always near; the same seed gives the same
people, titles and outcomes. Mails of the past are not sent again: their deliveries are marked as sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import time_machine
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.db import models, transaction
from django.utils import timezone

from funding.applications.models import Application
from funding.applications.services import (
    Typed,
    add_file,
    save_answers,
    start_application,
    submit_application,
    withdraw_application,
)
from funding.awards.models import Award
from funding.calls.building import change_question
from funding.calls.models import Call
from funding.calls.services import publish_call, questions_of, run_clock
from funding.calls.standard import load_bank, standard_call
from funding.calls.states import Acts, Blindness, Scoring, StageKind
from funding.decisions.services import (
    Proposal,
    check_letter,
    mark_of,
    place_applications,
    propose_decisions,
    publish_notice,
    ranking,
    release_decisions,
    write_letters,
)
from funding.funds.models import Fund
from funding.management.demo import park, texts
from funding.management.demo.datarooms import data_rooms
from funding.management.demo.deals import deals_and_portfolio
from funding.management.demo.money import line_of, open_money, run_money
from funding.management.demo.panels import panel_call
from funding.management.demo.papers import PROFILES
from funding.management.demo.people import DOMAIN, Cast
from funding.reviews.models import AssignmentPlan, Publication, PublicNotice, Review, Reviewer, StageRun
from funding.reviews.services import (
    accept_review,
    act_in_stage,
    assign_reviewer,
    confirm_by_worker,
    confirm_plan,
    create_plan,
    declare_no_conflict,
    decline_review,
    on_notice_due,
    record_conflict,
    record_objection,
    record_tie,
    recuse,
    save_review,
    solve_plan,
    submit_review,
    work_out,
    write_tie,
)
from funding.reviews.states import ReviewerKind, ReviewState, RunState
from incubator.organisations.models import Faculty, Liaison, Membership, Organisation
from incubator.projects.models import ProjectMember, ResearchProject
from incubator.projects.services import register_project
from park_portal.core import context
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import seal_entries
from park_portal.core.calendar.services import deadline
from park_portal.core.errors import DomainError
from park_portal.core.ledger.services import seal_transfers
from park_portal.core.money import wan_to_fen
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.services import due_messages, handle_message
from park_portal.core.outbox.states import DeliveryStatus, MessageStatus
from park_portal.core.workflow import SYSTEM

SEED: Final = 20250225  # the day the agreement on the park was signed
REVIEWS: Final = 300
# From where the reviewers look, in turn.
KINDS: Final = (*[ReviewerKind.ACADEMIA] * 3, ReviewerKind.INDUSTRY, ReviewerKind.INVESTMENT)
# One empty page.
PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\n"
    b"startxref\n164\n%%EOF\n"
)
# In double-blind calls: the texts in which teams like to name themselves.
BLACKED_OUT: Final = ("summary", "milestones")


@dataclass
class Demo:
    """The park while it is being built."""

    password: str | None
    say: Callable[[str], None]
    random: Random = field(default_factory=lambda: Random(SEED))
    today: datetime = field(
        default_factory=lambda: timezone.localtime().replace(hour=10, minute=0, second=0, microsecond=0)
    )

    def __post_init__(self) -> None:
        self.cast = Cast(self.random, self.password)
        self.logins: list[tuple[str, User]] = []
        self.companies: list[tuple[Organisation, User, park.Company]] = []
        self.projects: list[tuple[ResearchProject, User, park.Project]] = []
        self.experts: list[User] = []
        # Which applicants have applied to the call at hand.
        self.used: set[tuple[int, int]] = set()
        self.calls = 0
        # The applications by the order they were written in: what happens to one must not hang on its key.
        self.order: dict[int, int] = {}

    # --- time

    @contextmanager
    def at(self, days: float, hour: int = 10) -> Iterator[datetime]:
        """Run the block ``days`` before today (negative: after), then do what it left in the outbox."""
        moment = self.today - timedelta(days=days) + timedelta(hours=hour - 10)
        with time_machine.travel(moment.timestamp(), tick=True), context.origin(door="shell"):
            yield moment
            self.work_off()

    def work_off(self) -> None:
        """Handle what is due, but neither send mails nor draw receipts: those are made when somebody asks."""
        now = timezone.now()
        handled = False
        Message.objects.filter(topic="application.receipt", status=MessageStatus.WAITING).update(
            status=MessageStatus.DONE, done_at=now
        )
        while ids := list(due_messages().values_list("pk", flat=True)):
            handled = True
            for message_id in ids:
                if not handle_message(message_id):
                    raise RuntimeError(Message.objects.get(pk=message_id).error)
        if handled:
            Delivery.objects.filter(status__in=[DeliveryStatus.WAITING, DeliveryStatus.DIGEST]).update(
                status=DeliveryStatus.SENT, sent_at=now
            )

    # --- people and places

    def staff(self) -> None:
        """The park's staff, one for each role."""
        roles = [
            ("lead", "顾文清", "staff lead"),
            ("officer", "沈嘉宁", "programme officer"),
            ("fund", "陆明哲", "fund manager"),
            ("finance", "蒋书瑶", "finance officer"),
            ("auditor", "姚怀瑾", "auditor"),
            ("admin", "程景行", "system administrator"),
        ]
        groups = {"fund": "fund_manager", "admin": "administrator"}
        for address, name, label in roles:
            user = self.cast.person(email=f"{address}@{DOMAIN}", name=name, is_staff=True)
            user.groups.add(Group.objects.get(name=groups.get(address, address)))
            setattr(self, address, user)
            self.logins.append((label, user))
        self.lead: User
        self.fund: User
        self.finance: User
        self.officer: User
        self.officer2 = self.cast.person(email=f"officer2@{DOMAIN}", is_staff=True)
        self.finance2 = self.cast.person(email=f"finance2@{DOMAIN}", is_staff=True)
        self.finance2.groups.add(Group.objects.get(name="finance"))
        self.officer2.groups.add(Group.objects.get(name="officer"))

    def university(self) -> None:
        """Fudan with its faculties and liaisons; two more universities without projects."""
        self.fudan = Organisation.objects.create(
            name_zh_hans="复旦大学",
            name_en="Fudan University",
            kind="university",
            district="杨浦区",
            created_by=self.officer,
        )
        self.faculties = {}
        for code, name, name_en in park.FACULTIES:
            self.faculties[code] = Faculty.objects.create(
                organisation=self.fudan, name_zh_hans=name, name_en=name_en, code=code
            )
        self.liaison = self.cast.person(email=f"liaison@{DOMAIN}", name="许知夏")
        since = (self.today - timedelta(days=400)).date()
        Liaison.objects.create(user=self.liaison, organisation=self.fudan, starts_on=since)
        self.logins.append(("university liaison", self.liaison))
        for code in ("LIFE", "CS", "MED"):
            Liaison.objects.create(
                user=self.cast.person(),
                organisation=self.fudan,
                faculty=self.faculties[code],
                starts_on=since,
            )

    def companies_of_the_park(self) -> None:
        """Fifty-eight companies and one of them a second time; with the university that makes sixty organisations."""
        for number, company in enumerate(park.COMPANIES[:58]):
            age = self.random.randrange(14, 46)
            owner = self.cast.person(
                **({"email": f"founder@{DOMAIN}", "name": "陈思远"} if number == 0 else {}),
                language="en" if number % 9 == 4 else "zh-hans",
            )
            organisation = Organisation.objects.create(
                name_zh_hans=f"上海{company.brand}{company.trade}有限公司",
                name_en=f"Shanghai {company.brand_en} {company.trade_en} Co., Ltd.",
                uscc=credit_code(number),
                kind="startup",
                technology_field=company.field,
                founded_on=(self.today - timedelta(days=30 * age)).date(),
                registered_address=f"上海市青浦区{self.random.choice(park.STREETS)}{self.random.randrange(10, 2000)}号",
                district="青浦区" if number % 7 else "徐汇区",
                summary_zh_hans=f"从事{company.product}的研发与产业化。",
                summary_en=f"Develops and brings to market: {company.product_en}.",
                contact_name=owner.name,
                contact_phone=owner.phone,
                contact_email=owner.email,
                created_by=owner,
            )
            Membership.objects.create(organisation=organisation, user=owner, role="owner")
            if number % 3 == 0:
                Membership.objects.create(
                    organisation=organisation,
                    user=self.cast.person(**({"email": f"editor@{DOMAIN}"} if number == 0 else {})),
                    role="editor",
                )
            if number % 5 == 0:
                Membership.objects.create(organisation=organisation, user=self.cast.person(), role="viewer")
            self.companies.append((organisation, owner, company))
        # A colleague wrote one of them down again by a shorter name and without its code: staff are to merge the two.
        twice = park.COMPANIES[4]
        Organisation.objects.create(
            name_zh_hans=f"{twice.brand}{twice.trade}",
            name_en=f"{twice.brand_en} {twice.trade_en}",
            kind="startup",
            technology_field=twice.field,
            district="青浦区",
            created_by=self.officer2,
        )
        self.logins.append(("founder of a startup", self.companies[0][1]))

    def research_projects(self) -> None:
        """Forty projects of the university."""
        for number, project in enumerate(park.PROJECTS):
            pi = self.cast.person(
                **({"email": f"pi@{DOMAIN}", "name": "林若溪"} if number == 0 else {}),
                language="en" if number % 11 == 5 else "zh-hans",
            )
            row = register_project(
                actor=self.officer,
                pi_user=pi,
                title_zh_hans=project.title,
                title_en=project.title_en,
                summary_zh_hans=f"研究{project.title}的关键科学问题与技术路径，已形成可供验证的成果。",
                summary_en=f"{project.title_en}: key questions and a route that is ready to be validated.",
                keywords_zh=project.keywords.split(),
                keywords_en=[word.strip() for word in project.keywords_en.split(";")],
                trl=project.trl,
                university=self.fudan,
                faculty=self.faculties[project.faculty],
                principal_investigator=pi.name,
                source="自然科学基金（演示）",
                grant_number=f"DEMO{number + 1:06d}",
                amount_fen=wan_to_fen(self.random.randrange(30, 300)),
                starts_on=(self.today - timedelta(days=700)).date(),
                ends_on=(self.today + timedelta(days=400)).date(),
            )
            if number % 2 == 0:
                ProjectMember.objects.create(
                    project=row,
                    user=self.cast.person(),
                    name=self.cast.name(),
                    role="member",
                    can_edit=number % 4 == 0,
                )
            self.projects.append((row, pi, project))
        self.logins.append(("principal investigator", self.projects[0][1]))

    def reviewers(self) -> None:
        """Thirty experts of other institutions."""
        for number in range(30):
            institution, _english = park.INSTITUTIONS[number % len(park.INSTITUTIONS)]
            person = self.cast.person(
                **({"email": f"reviewer@{DOMAIN}", "name": "梁素心"} if number == 0 else {}),
                language="en" if number % 6 == 5 else "zh-hans",
            )
            profile = PROFILES[number] if number < len(PROFILES) else None
            entry = Reviewer.objects.create(
                user=person,
                institution=institution,
                kind=KINDS[number % len(KINDS)],
                statement=profile.statement if profile else "",
                title=self.random.choice(["教授", "研究员", "主任医师", "副教授"]),
                keywords=park.PROJECTS[number].keywords.split(),
                capacity=self.random.choice([8, 10, 12]),
            )
            Publication.objects.bulk_create(
                Publication(
                    reviewer=entry,
                    title=paper.title,
                    abstract=paper.abstract,
                    authors=[person.name, *paper.with_others],
                    source=paper.source,
                    year=self.today.year - paper.years_ago,
                )
                for paper in (profile.papers if profile else ())
            )
            self.experts.append(person)
        self.logins.append(("expert reviewer", self.experts[0]))

    # --- calls

    def call(self, code: str, *, opens: float, closes: float, **values: Any) -> Call:
        """Announce and, when its time has come, open a call."""
        self.calls += 1
        with self.at(max(opens + 12, 3)):
            year = (self.today - timedelta(days=opens)).year
            round_zh, round_en = {
                "A": ("（第一批）", ", first round"),
                "B": ("（第二批）", ", second round"),
            }.get(code[-1], ("", "") if code[-1].isdigit() else ("（第三批）", ", third round"))
            call = standard_call(
                actor=self.officer,
                code=code,
                title_zh_hans=f"{year}年度“AI+BT”概念验证基金申报通知{round_zh}",
                title_en=f"“AI + BT” Concept Validation Fund {year}{round_en}",
                fund=self.fund_row,
                lead=self.lead,
                university=self.fudan,
                budget_line=line_of(self, year),
                opens_at=self.today - timedelta(days=opens),
                closes_at=(self.today - timedelta(days=closes)).replace(hour=17),
                **values,
            )
            if call.stages.filter(blindness=Blindness.DOUBLE).exists():
                for question in call.questions.filter(question__key__in=BLACKED_OUT):
                    change_question(question, actor=self.officer, redacted=True)
            publish_call(call, actor=self.officer)
        if opens > 0:
            with self.at(opens, 11):
                run_clock()
        return call

    def draft(
        self, call: Call, number: int, day: float, *, is_company: bool, submit: bool = True
    ) -> Application:
        """Write one application to ``call`` on a day, and submit it the same day."""
        if is_company:
            organisation, actor, line = self._free(self.companies, number)
            target: dict[str, Any] = {"organisation": organisation}
            title, employer, trl = line.product, organisation.name_zh_hans, self.random.randrange(3, 6)
        else:
            project, actor, line = self._free(self.projects, number)
            target = {"project": project}
            title, employer, trl = line.title, self.fudan.name_zh_hans, line.trl
        with self.at(day, self.random.randrange(9, 17)) as moment:
            application = start_application(call, actor=actor, **target)
            self.order[application.pk] = len(self.order) + 1
            start = (moment + timedelta(days=150)).date().isoformat()
            raw = texts.answers_of(
                title=title,
                field=line.field,
                amount_wan=self.random.randrange(40, 195, 5),
                trl=max(trl, 3),
                company=is_company,
                lead=actor.name,
                employer=employer,
                random=self.random,
                start=start,
            )
            self._type(
                application, actor, raw if submit else dict(list(raw.items())[: self.random.randrange(4, 12)])
            )
            if submit:
                file = ContentFile(PDF + str(application.pk).encode(), name="检测报告.pdf")
                add_file(application, "technical_files", file, actor=actor)
                submit_application(application, actor=actor)
        application.refresh_from_db()
        return application

    def _free(self, applicants: list[Any], number: int) -> Any:
        """Return the applicant in turn, or the next one after it that holds no award: holders may not apply."""
        holders = {(a.organisation_id, a.project_id) for a in Award.objects.all()}
        for step in range(len(applicants)):
            found = applicants[(number + step) % len(applicants)]
            held = {(found[0].pk, None), (None, found[0].pk)}
            if not held & holders and (found[1].pk, self.calls) not in self.used:
                self.used.add((found[1].pk, self.calls))
                return found
        raise LookupError("every applicant holds an award")

    def _type(self, application: Application, actor: User, raw: dict[str, Any]) -> None:
        typed = {
            question.key: Typed(raw[question.key])
            for question in questions_of(application.call)
            if question.key in raw
        }
        for outcome in save_answers(application, typed, actor=actor).values():
            if isinstance(outcome, DomainError):
                raise outcome

    # --- review

    def screen(self, application: Application, day: float, opinion: str = "pass") -> None:
        with self.at(day):
            run = run_of(application)
            checks = {c.pk: "met" for c in run.stage.criteria.all()}
            values: dict[str, Any] = {}
            if opinion == "reject":
                checks[min(checks)] = "not_met"
                values = {"comment_applicant": texts.REJECT_REASON}
            if opinion == "return":
                values = {
                    "items": {
                        "technical_basis": texts.RETURN_COMMENTS[0],
                        "budget": texts.RETURN_COMMENTS[1],
                    },
                    "comment_applicant": "材料基本齐全，请就以下两处补充后重新提交。",
                    "due_at": deadline(timezone.localtime(), 5),
                }
            actor = self.officer if self.order[application.pk] % 3 else self.officer2
            act_in_stage(run, actor=actor, opinion=opinion, checks=checks, **values)

    def endorse(self, application: Application, day: float) -> None:
        if application.runs.filter(stage__kind=StageKind.LIAISON, state=RunState.ACTIVE).exists():
            with self.at(day):
                act_in_stage(
                    run_of(application),
                    actor=self.liaison,
                    opinion="endorse",
                    comment_committee="成果归属清晰，同意推荐。",
                )

    def experts_for(self, application: Application, count: int) -> list[User]:
        start = (self.order[application.pk] * 7) % len(self.experts)
        return [self.experts[(start + step * 11) % len(self.experts)] for step in range(count)]

    def experts_in_common(self, place: int, count: int) -> list[User]:
        """Experts of a small group, so that each shares applications with many others: scores can be calibrated."""
        group = self.experts[-12:]
        return [group[(place * 5 + step * (1 + place % 4)) % len(group)] for step in range(count)]

    def review(
        self, application: Application, person: User, *, asked: float, done: float | None, accept: bool = True
    ) -> Review:
        """Ask one expert and, unless ``done`` is None, let them submit."""
        with self.at(asked):
            review = assign_reviewer(run_of(application), person, actor=self.officer)
        if not accept:
            return review
        with self.at(asked - 1, 14):
            declare_no_conflict(review, actor=person, pledge=True)
            accept_review(review, actor=person)
        with self.at(done if done is not None else max(asked - 3, 0.1), 16):
            quality = (self.order[application.pk] * 37) % 10
            level = "strong" if quality >= 6 else "fair" if quality >= 3 else "weak"
            base = {"strong": 8, "fair": 6, "weak": 4}[level]
            if application.call.scoring == Scoring.CALIBRATED:
                # Some are strict, some generous: what calibration takes off.
                base += (-2, 0, 0, 1)[self.experts.index(person) % 4]
            marks: dict[int, dict[str, Any]] = {}
            for criterion in review.run.stage.criteria.all():
                if criterion.allow_na and self.random.random() < 0.2:
                    marks[criterion.pk] = {"not_applicable": True}
                else:
                    marks[criterion.pk] = {
                        "value": max(1, min(10, base + self.random.choice([-1, 0, 0, 1, 2])))
                    }
            if done is None:  # a draft
                save_review(review, actor=person, revision=None, scores=dict(list(marks.items())[:2]))
                return review
            save_review(
                review,
                actor=person,
                revision=None,
                scores=marks,
                opinion={"strong": "fund", "fair": "fund_with_changes", "weak": "do_not_fund"}[level],
                confidence=self.random.choice([2, 3, 3, 4]),
                comment_committee=self.random.choice(texts.COMMITTEE[level]),
                comment_applicant=self.random.choice(texts.APPLICANT[level]),
            )
            submit_review(review, actor=person, pledge=True)
        return review

    def assignment(self, call: Call) -> AssignmentPlan:
        """Return the best match of reviewers for the applications of ``call`` in expert review, to be confirmed."""
        plan = create_plan(call.stages.get(acts=Acts.EXPERT), actor=self.officer, seed=SEED)
        solve_plan(plan, actor=self.officer)
        plan.refresh_from_db()
        work_out(plan.pk, plan.revision, quiet)
        plan.refresh_from_db()
        return plan

    def finish_notices(self, day: float) -> None:
        """Let the public notices end whose period is over by a day."""
        with self.at(day):
            for notice in PublicNotice.objects.filter(ends_at__lte=timezone.now()):
                on_notice_due(notice.pk)

    # --- the four calls

    def last_year(self) -> None:
        """A call that is over: forty-four applications, all decided."""
        call = self.call(
            f"AIBT-{self.today.year - 1}", opens=340, closes=300, experts=3, budget_fen=wan_to_fen(1500)
        )
        applications = [self.draft(call, n, 335 - n * 0.7, is_company=n % 9 < 5) for n in range(44)]
        with self.at(299):
            run_clock()
        for application in applications[:2]:
            self._withdraw(application, 298)
        for application in applications[2:5]:
            self.screen(application, 296, "reject")
        rest = applications[5:]
        for number, application in enumerate(rest):
            self.screen(application, 296 - number * 0.05)
        for application in rest:
            self.endorse(application, 291)
        with self.at(286):
            plan = self.assignment(call)
            confirm_plan(plan, actor=self.officer)
            plan.refresh_from_db()
            confirm_by_worker(plan.pk, plan.revision, actor=self.officer, progress=quiet)
        for application in rest:
            asked = Review.objects.filter(application=application, run__stage=plan.stage).order_by("pk")
            for place, review in enumerate(asked.select_related("reviewer")):
                self.review(application, review.reviewer, asked=286, done=278 - place)
        self._decide(call, 255, released=235)

    def this_spring(self) -> None:
        """A call in the middle of its review: forty applications, some of them waiting for the decision."""
        # Less than what is asked for, so that the line through the ranking means something.
        call = self.call(
            f"AIBT-{self.today.year}A",
            opens=95,
            closes=62,
            experts=3,
            budget_fen=wan_to_fen(500),
            scoring=Scoring.CALIBRATED,
        )
        applications = [self.draft(call, 50 + n, 92 - n * 0.7, is_company=n % 5 < 3) for n in range(40)]
        with self.at(61):
            run_clock()
        self._withdraw(applications[0], 60)
        for application in applications[1:4]:
            self.screen(application, 59, "reject")
        for application in applications[4:6]:
            self.screen(application, 58, "return")
        rest = applications[6:]
        for application in rest:
            self.screen(application, 57)
        waiting, rest = rest[:6], rest[6:]
        for application in rest:
            self.endorse(application, 54)
        late = [a for a in waiting if a.project_id]
        for application in [a for a in waiting if not a.project_id]:
            rest.append(application)
        decided, reviewing = rest[:14], rest[14:]
        for number, application in enumerate(decided):
            for place, person in enumerate(self.experts_in_common(number, 3)):
                self.review(application, person, asked=50, done=40 - place)
        self._propose(call, 2)
        # The rest is under way: reviews submitted, drafted, not answered, declined, one conflict declared.
        left = REVIEWS - Review.objects.count() - self.planned_screenings
        for number, application in enumerate(reviewing):
            for place, person in enumerate(self.experts_for(application, 3)):
                if left <= 0:
                    break
                left -= 1
                turn = (number * 3 + place) % 7
                if turn < 3:
                    self.review(application, person, asked=18, done=6 - place)
                elif turn < 5:
                    self.review(application, person, asked=12, done=None)
                else:
                    review = self.review(application, person, asked=8, done=None, accept=False)
                    if turn == 6 and number % 2:
                        with self.at(7):
                            if number % 4 == 1:
                                recuse(
                                    review, actor=person, kind="coauthor", note="近三年与申请人合作发表论文。"
                                )
                            else:
                                decline_review(review, actor=person, reason="近期出差，无法按期完成。")
        self._ties(call)
        self.stuck = late

    def _ties(self, call: Call) -> None:
        """One tie that a reviewer declares, one match of names for staff to look at, one review that a conflict suspends."""
        rows = Review.objects.filter(application__call=call).select_related("reviewer", "application")
        first, second, *_rest = (
            rows.filter(state=ReviewState.ACCEPTED)
            .exclude(reviewer__email=f"reviewer@{DOMAIN}")
            .order_by("pk")
        )
        with self.at(5):
            record_tie(first.reviewer, actor=first.reviewer, kind="supervisor", other_name="沈亦舟")
            write_tie(
                second.reviewer,
                actor=SYSTEM,
                kind="coauthor",
                source="publications",
                ends={"application": second.application},
                values={"note": "pinyin:Shen Yizhou"},
                stands=False,
            )
        with self.at(4):
            record_conflict(first.application, first.reviewer, actor=self.officer, kind="shareholder")

    planned_screenings = 12

    def open_now(self) -> None:
        """A call that is open: thirty-six applications, many of them drafts."""
        call = self.call(
            f"AIBT-{self.today.year}B", opens=20, closes=-12, experts=3, blindness=Blindness.DOUBLE
        )
        for number in range(16):
            self.draft(call, number, 16 - number * 0.8, is_company=number % 2 == 0, submit=False)
        submitted = [self.draft(call, 100 + n, 15 - n * 0.6, is_company=n % 2 == 1) for n in range(20)]
        for application in submitted[:3]:
            self.screen(application, 2, "return")
        for application in submitted[3 : 3 + self.planned_screenings]:
            self.screen(application, 1.5)
        with self.at(1):  # proposed yesterday, to be confirmed
            self.assignment(call)

    def next_year(self) -> None:
        """A call that is announced and not open yet."""
        opens = self.today + timedelta(days=18)
        self.call(f"AIBT-{opens.year}C", opens=-18, closes=-60, experts=5, panel=True, diligence=True)

    # --- ends

    def _withdraw(self, application: Application, day: float) -> None:
        with self.at(day):
            withdraw_application(application, actor=application.created_by, reason=texts.WITHDRAW_REASON)

    def _verdicts(self, call: Call) -> list[Proposal]:
        """Verdicts down the ranked table as far as the budget goes."""
        proposals, spent = [], 0
        for rank in ranking(call):
            application = rank.application
            amount = application.amount_fen or 0
            granted = amount * 9 // 10 // 1_000_000 * 1_000_000
            good = rank.summary is not None and rank.summary.mean is not None and rank.summary.mean >= 60
            if good and spent + granted <= (call.budget_fen or 0):
                spent += granted
                proposals.append(
                    Proposal(
                        application,
                        "approve",
                        amount_fen=granted,
                        amount_reason=texts.LESS,
                        conditions="签约前完成伦理备案。",
                    )
                )
            elif good and len([p for p in proposals if p.verdict == "reserve"]) < 5:
                proposals.append(Proposal(application, "reserve"))
            else:
                proposals.append(Proposal(application, "decline"))
        return proposals

    def _move_up(self, call: Call, came: int, to: int) -> None:
        """Move one application up the ranked table by hand."""
        ranks = ranking(call)
        order = [rank.application.pk for rank in ranks]
        order.insert(to - 1, order.pop(came - 1))
        place_applications(call, order, actor=self.officer, reason=texts.MOVED, seen=mark_of(ranks))

    def _decide(self, call: Call, day: float, *, released: float) -> None:
        """Decide as far as the budget goes, publish what is proposed, and release everything when the notice is over."""
        with self.at(day):
            self._move_up(call, 4, 2)
            decisions = propose_decisions(self._verdicts(call), actor=self.lead)
            publish_notice(call, actor=self.lead)
        self.finish_notices(released)
        with self.at(released):
            for letter in write_letters(decisions, actor=self.officer):
                check_letter(letter, actor=self.officer)
            release_decisions(decisions, actor=self.lead)

    def _propose(self, call: Call, day: float) -> None:
        """Publish the best, to one of which somebody objects; the verdicts on the others are still open."""
        with self.at(day):
            self._move_up(call, 9, 6)
            best = self._verdicts(call)[:4]
            propose_decisions(best, actor=self.lead)
            notice = publish_notice(call, actor=self.officer)
        with self.at(day - 1):
            line = notice.lines.order_by("application__number").first()
            assert line is not None
            record_objection(line, **texts.OBJECTION)

    def build(self) -> None:
        """Build the whole park."""
        steps: list[tuple[str, Callable[[], None]]] = [
            ("staff, university, companies, projects, reviewers", self._place),
            ("last year's call, decided", self.last_year),
            ("agreements signed, months closed", lambda: run_money(self)),
            ("a call in review", self.this_spring),
            ("an open call", self.open_now),
            ("an announced call", self.next_year),
            ("a call before its panel", lambda: panel_call(self)),
            ("a data room", lambda: data_rooms(self)),
            ("market funds, deals, rounds and holdings", lambda: deals_and_portfolio(self)),
        ]
        for label, step in steps:
            self.say(f"  {label}")
            step()
        # Older notices have been read.
        Delivery.objects.filter(read_at__isnull=True, created_at__lt=self.today - timedelta(days=12)).update(
            read_at=models.F("created_at") + timedelta(hours=5)
        )
        while seal_entries() or seal_transfers():
            pass

    def _place(self) -> None:
        with self.at(380), transaction.atomic():
            self.staff()
            self.university()
            self.companies_of_the_park()
            self.research_projects()
            self.reviewers()
            load_bank()
            self.fund_row = Fund.objects.create(
                code="aibt",
                kind="dedicated",
                name_zh_hans="青浦“AI+BT”概念验证基金",
                name_en="Qingpu “AI + BT” Concept Validation Fund",
                summary_zh_hans="支持复旦“AI+BT”成果与在孵企业开展技术与市场双验证。",
                summary_en="Supports Fudan results and startups in validating “AI + BT” technology and its market.",
            )
            open_money(self)


def quiet(done: int, total: int | None = None, message: object = "") -> None:
    """What a worker would show of its progress; nobody watches the past."""


def run_of(application: Application) -> StageRun:
    """Return the stage that the application is in."""
    return application.runs.under_way().select_related("stage", "application").get()


def credit_code(number: int) -> str:
    """Return a valid Unified Social Credit Code (GB 32100) of a company in Qingpu that does not exist."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"91310118MADEM{number:04d}"
    total = sum(alphabet.index(char) * pow(3, place, 31) for place, char in enumerate(body))
    return body + alphabet[(31 - total % 31) % 31]
