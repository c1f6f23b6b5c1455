"""What deals hold about the staff who work on them, and about investors who are people."""

from __future__ import annotations

from park_portal.core.personal import Basis, Keep, Law, Purpose, holds

holds(
    "funding.Mandate",
    plain="id fund manager manager_name tracks stages regions ticket_from_fen ticket_to_fen capital_fen note",
)


def _by_staff(label: str, who: str, *, since: str, plain: str, kept: str = "") -> None:
    """Declare a table whose rows staff wrote: that they did stays, as the record of the fund's money does."""
    holds(
        label,
        people=(who,),
        purpose=Purpose.PROOF,
        basis=Basis.LAW,
        keep=Keep.PROJECT,
        linked=who,
        kept={Law.ACCOUNTING: kept} if kept else None,
        plain=plain,
        since=since,
    )


_by_staff(
    "funding.Deal",
    "opened_by",
    since="opened_at",
    plain="id fund company project state step reasons opened_at",
)
_by_staff("funding.DealMove", "by", since="at", plain="id deal number source target at", kept="reason")
_by_staff(
    "funding.DiligenceItem",
    "settled_by",
    since="settled_at",
    plain="id deal kind state settled_at",
    kept="title note",
)
_by_staff("funding.Handover", "by", since="at", plain="id award fund deal file at", kept="note")
_by_staff(
    "funding.Conversion",
    "by",
    since="at",
    plain="id investment round amount_fen shares basis worked_out at",
)
_by_staff("funding.Valuation", "by", since="at", plain="id fund company on method value_fen at", kept="note")
_by_staff(
    "funding.Distribution",
    "by",
    since="at",
    plain="id fund company on kind amount_fen reverses at",
    kept="note",
)
_by_staff("funding.RunwayFigure", "by", since="at", plain="id company on cash_fen burn_fen at", kept="note")
holds(
    "funding.Round",
    plain="id company name stage state target_fen pre_money_fen closed_on note created_at",
)
holds(
    "funding.Investment",
    purpose=Purpose.PROOF,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ACCOUNTING: "holder_name"},
    plain=(
        "id round fund organisation award instrument amount_fen shares cap_fen discount_bp interest_bp matures_on"
    ),
)
