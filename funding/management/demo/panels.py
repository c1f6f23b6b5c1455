"""A call before its panel: one meeting that is over, its minutes signed, and one that is planned."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from funding.calls.services import run_clock
from funding.calls.states import StageKind
from funding.panels import services
from funding.panels.models import AgendaItem, Meeting
from funding.panels.states import AgendaOrder, ItemState
from funding.reviews.services import summaries_of
from park_portal.core.accounts.models import User
from park_portal.core.calendar.services import add_working_days
from park_portal.core.money import wan_to_fen

if TYPE_CHECKING:
    from funding.management.demo.build import Demo

DISCUSSED: Final = 3
REMARKS: Final = (
    "数据来源与伦理批件需要在立项前补齐，其余方案可行。",
    "市场验证部分的客户意向书只有一份，建议追加。",
    "团队在这一方向积累扎实，建议关注与既有项目的重复。",
)
SUMMARIES: Final = {
    "fund": "评审组认为技术路线清晰，概念验证目标可考核，建议予以资助。",
    "fund_with_changes": "评审组认为方案总体可行，建议压缩设备预算并补充市场验证安排后资助。",
    "do_not_fund": "评审组认为关键技术的证据不足，建议补充预实验后再次申报。",
}


def panel_call(demo: Demo) -> None:
    """Six applications past their experts' reviews: half of them through the panel, half on the next agenda."""
    year = demo.today.year
    call = demo.call(f"AIBT-{year}P", opens=75, closes=52, experts=2, panel=True, budget_fen=wan_to_fen(400))
    applications = [demo.draft(call, 7 + n, 70 - n, is_company=n % 2 == 0) for n in range(6)]
    with demo.at(51):
        run_clock()
    for application in applications:
        demo.screen(application, 48)
    for application in applications:
        demo.endorse(application, 46)
    for application in applications:
        for place, person in enumerate(demo.experts_for(application, 2)):
            demo.review(application, person, asked=44, done=36 - place)
    stage = call.stages.get(kind=StageKind.PANEL)
    reader, chair, *members = (demo.experts[number] for number in (0, 3, 5, 12, 17))
    with demo.at(21):
        meeting = services.plan_meeting(
            stage,
            actor=demo.officer,
            chair=chair,
            members=[reader, *members],
            secretary=demo.officer,
            starts_at=(demo.today - timedelta(days=14)).replace(hour=14),
            place="复旦科技园青浦创新中心 A 座 301",
            quorum=3,
            order=AgendaOrder.SPREAD,
        )
    _hold(demo, meeting, chair)
    with demo.at(6):
        planned = services.plan_meeting(
            stage,
            actor=demo.officer,
            chair=reader,
            members=[chair, *members],
            secretary=demo.officer,
            starts_at=add_working_days(demo.today, 4).replace(hour=14),
            place="复旦科技园青浦创新中心 A 座 301",
            link="https://meeting.example.org/aibt-panel",
            quorum=3,
            vote_kind="yes_no",
            secret=True,
            order=AgendaOrder.LINE,
        )
    with demo.at(4):
        for person in (chair, members[0]):
            _declare(planned, person)


def _declare(meeting: Meeting, person: User) -> None:
    for item in meeting.items.exclude(recusals__member__user=person):
        services.pledge_on(item, actor=person)


def _hold(demo: Demo, meeting: Meeting, chair: User) -> None:
    """Hold the first meeting: three items are voted on, the rest is not reached."""
    with demo.at(16):
        for member in meeting.members.select_related("user"):
            _declare(meeting, member.user)
    with demo.at(14, 14):
        services.open_meeting(meeting, actor=chair)
        for member in meeting.members.all():
            services.note_attendance(member, actor=demo.officer, present=True)
        for number in range(DISCUSSED):
            _discuss(demo, meeting, number)
        meeting = services.close_meeting(meeting, actor=chair)
    assert meeting.minutes is not None
    with demo.at(13):
        services.sign_minutes(meeting, actor=chair, sha256=meeting.minutes.sha256)


def _discuss(demo: Demo, meeting: Meeting, number: int) -> None:
    item: AgendaItem = meeting.items.filter(state=ItemState.WAITING).order_by("position")[0]
    runner = demo.officer
    item = services.call_item(item, actor=runner)
    voters = [
        member.user
        for member in meeting.members.voting().select_related("user").order_by("pk")
        if not item.recusals.filter(member=member).exists()
    ]
    services.comment_on(item, actor=voters[number % len(voters)], text=REMARKS[number % len(REMARKS)])
    mean = summaries_of([item.application_id])[item.application_id].mean or 60
    for place, review in enumerate(item.application.reviews.filter(score__isnull=False)):
        for person in voters:
            if person.pk != review.reviewer_id:
                services.rate_review(item, review, actor=person, value=3 + (place + person.pk) % 3)
    services.open_vote(item, actor=runner)
    for place, person in enumerate(voters):
        services.cast_ballot(item, actor=person, score=max(0, min(100, round(mean) + (place * 5) % 13 - 6)))
    item = services.count_votes(item, actor=runner)
    score = services.tally_of(item).score or 0
    opinion = "fund" if score >= 75 else "fund_with_changes" if score >= 60 else "do_not_fund"
    services.conclude_item(item, actor=runner, opinion=opinion, summary=SUMMARIES[opinion])
