"""Decisions: the ranked table, verdicts kept pending together, letters checked, everything released at once."""

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
from funding.decisions.services.outcome import OutcomePage, outcome_of
from funding.decisions.services.ranking import Rank, ranking
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
    "Lottery",
    "OutcomePage",
    "Proposal",
    "Rank",
    "Standing",
    "Table",
    "announce_lottery",
    "check_letter",
    "decided_facts",
    "draw_lottery",
    "drop_decision",
    "edit_letter",
    "letter_context",
    "letter_pdf",
    "letter_text",
    "lottery_of",
    "outcome_of",
    "problems_of_release",
    "propose_decisions",
    "ranking",
    "reads_letter",
    "record_ranking",
    "release_decisions",
    "reopen_letter",
    "seen_of",
    "standing_of",
    "table_of",
    "write_letters",
]
