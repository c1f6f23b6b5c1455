"""Decisions: the ranked table, verdicts kept pending together, letters checked, everything released at once."""

from funding.decisions.services.board import (
    change_budget,
    place_applications,
    promote_reserve,
    reserve_list,
    reset_order,
)
from funding.decisions.services.letters import (
    check_letter,
    edit_letter,
    letter_context,
    letter_pdf,
    letter_text,
    reads_letter,
    reopen_letter,
    write_letters,
)
from funding.decisions.services.lots import (
    LONGEST_SEED,
    Lottery,
    Table,
    announce_lottery,
    draw_lottery,
    lottery_of,
    record_ranking,
    table_of,
)
from funding.decisions.services.notice import NoticePlan, has_notice, plan_of_notice, publish_notice
from funding.decisions.services.outcome import OutcomePage, outcome_of
from funding.decisions.services.ranking import (
    ON_THE_BOARD,
    Rank,
    budget_of,
    draw_line,
    mark_of,
    ranking,
    reserves_of,
)
from funding.decisions.services.release import problems_of_release, release_decisions
from funding.decisions.services.standing import Standing, standing_of
from funding.decisions.services.verdicts import (
    Proposal,
    decided_facts,
    drop_decision,
    propose_decisions,
    seen_of,
)

__all__ = [
    "LONGEST_SEED",
    "ON_THE_BOARD",
    "Lottery",
    "NoticePlan",
    "OutcomePage",
    "Proposal",
    "Rank",
    "Standing",
    "Table",
    "announce_lottery",
    "budget_of",
    "change_budget",
    "check_letter",
    "decided_facts",
    "draw_line",
    "draw_lottery",
    "drop_decision",
    "edit_letter",
    "has_notice",
    "letter_context",
    "letter_pdf",
    "letter_text",
    "lottery_of",
    "mark_of",
    "outcome_of",
    "place_applications",
    "plan_of_notice",
    "problems_of_release",
    "promote_reserve",
    "propose_decisions",
    "publish_notice",
    "ranking",
    "reads_letter",
    "record_ranking",
    "release_decisions",
    "reopen_letter",
    "reserve_list",
    "reserves_of",
    "reset_order",
    "seen_of",
    "standing_of",
    "table_of",
    "write_letters",
]
