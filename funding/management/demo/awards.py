"""Awards of the demo park: agreements signed, one well under way, one whose agreement waits to be signed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.utils import timezone

from funding.awards.models import Agreement, Award, Milestone
from funding.awards.services import (
    add_milestone,
    add_tranche,
    draft_agreement,
    issue_agreement,
    meet_milestone,
    note_signature,
    propose_amendment,
    set_categories,
    shift_categories,
    start_award,
    submit_milestone,
)
from funding.awards.states import AwardState
from funding.reports.services import add_expense, save_report, submit_report
from park_portal.core.audit.services import SYSTEM
from park_portal.core.documents.pdf import render_pdf

if TYPE_CHECKING:
    from funding.management.demo.build import Demo

# Percent of the award: paid at signing, after each milestone; and what each budget category has of it.
TRANCHES = (40, 40, 20)
CATEGORIES = {"equipment": 30, "materials": 30, "testing": 20, "labour": 10, "indirect": 10}
MILESTONES = (
    ("原型完成", "核心指标达到任务书要求，第三方检测报告", "两家以上意向用户签署试用意向书", 5, 180),
    ("真实场景验证", "在真实样本上完成不少于 500 例验证", "至少一家用户付费试用或签订采购意向", 6, 420),
)


def _paper(title: str) -> ContentFile[bytes]:
    part = {"lang": "zh", "title": title, "kind": "扫描件"}
    return ContentFile(render_pdf("letter", {"parts": [part]}), name=f"{title}.pdf")


def _draw_up(demo: Demo, award: Award) -> Agreement:
    starts = timezone.localdate()
    agreement = draft_agreement(
        award,
        actor=demo.officer,
        starts_on=starts,
        ends_on=starts + timedelta(days=548),
        pi_name=str(award.project.principal_investigator if award.project else "周启明"),
        scope=f"完成《{award.title}》的原型研制、性能测试和真实场景验证，形成可转化的技术方案。",
        trl_start=4,
        trl_target=6,
        report_months=6,
    )
    waits: list[Milestone | None] = [None]
    for title, technical, market, trl, days in MILESTONES:
        waits.append(
            add_milestone(
                award,
                actor=demo.officer,
                title=title,
                due_on=starts + timedelta(days=days),
                technical_goal=technical,
                market_goal=market,
                trl=trl,
            )
        )
    rest = award.amount_fen
    for number, (percent, milestone) in enumerate(zip(TRANCHES, waits, strict=True), 1):
        amount = rest if number == len(TRANCHES) else award.amount_fen * percent // 100
        rest -= amount
        add_tranche(award, actor=demo.officer, amount_fen=amount, milestone=milestone, condition="")
    amounts = {kind: award.amount_fen * percent // 100 for kind, percent in CATEGORIES.items()}
    amounts["equipment"] += award.amount_fen - sum(amounts.values())
    set_categories(award, actor=demo.officer, amounts=amounts)
    return issue_agreement(agreement, actor=demo.fund)


def _sign(demo: Demo, agreement: Agreement, *parties: str) -> None:
    for party in parties or agreement.parties:
        note_signature(
            agreement,
            actor=demo.officer,
            party=party,
            name={"park": "沈国强", "university": "徐文斌"}.get(party, agreement.pi_name),
            signed_on=timezone.localdate(),
            scan=_paper("签署页"),
        )


def sign_awards(demo: Demo) -> None:
    """Sign the agreements of last year's awards, but the last one's: of that, one signature is missing."""
    waiting = list(Award.objects.filter(fund=demo.fund_row, state=AwardState.AGREEMENT).order_by("pk"))
    for award in waiting[:-1]:
        agreement = _draw_up(demo, award)
        _sign(demo, agreement)
        start_award(award, actor=demo.fund)
    for award in waiting[-1:]:
        _sign(demo, _draw_up(demo, award), "park")


def run_awards(demo: Demo) -> None:
    """One award has shown its first milestone, shifted budget, asks for more time, and has written of its first weeks."""
    running = list(Award.objects.filter(fund=demo.fund_row, state=AwardState.RUNNING).order_by("pk")[:2])
    if not running:
        return
    award = running[0]
    people = award.application.people()
    grantee = people[0] if people else SYSTEM
    milestone = award.milestones.order_by("number")[0]
    submit_milestone(
        milestone,
        actor=grantee,
        technical_evidence="原型在公开数据集上准确率 91.2 %，高于任务书要求的 85 %；第三方检测报告见附件。",
        market_evidence="中山医院青浦分院、朱家角人民医院签署试用意向书。",
        technical_file=_paper("第三方检测报告"),
    )
    meet_milestone(milestone, actor=demo.officer)
    rows = {row.kind: row for row in award.categories.all()}
    shift_categories(
        award,
        actor=demo.officer,
        source=rows["equipment"],
        target=rows["materials"],
        amount_fen=rows["equipment"].planned_fen // 20,
        reason="试剂用量高于预期",
    )
    propose_amendment(
        award,
        actor=grantee,
        reason="合作医院伦理审批延期",
        ends_on=award.agreement.ends_on + timedelta(days=90),
    )
    report = award.reports.order_by("due_on")[0]
    save_report(
        report,
        actor=grantee,
        progress="完成样机装配和首轮测试，建立数据采集流程。",
        results="申请发明专利 1 项。",
        technical_evidence="准确率 91.2 %，第三方检测报告已出具。",
        market_evidence="两家医院签署试用意向书。",
        next_steps="扩大样本到 500 例，开展真实场景验证。",
        trl_now=5,
    )
    for kind, purpose, payee, percent in (
        ("materials", "类器官培养试剂", "上海试剂有限公司", 8),
        ("testing", "第三方性能检测", "上海市质检院", 5),
    ):
        add_expense(
            report,
            actor=grantee,
            category=rows[kind],
            spent_on=award.agreement.starts_on + timedelta(days=10),
            payee=payee,
            purpose=purpose,
            amount_fen=award.amount_fen * percent // 1000,
            receipt=_paper(f"发票 {purpose}"),
        )
    submit_report(report, actor=grantee)
