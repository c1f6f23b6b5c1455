"""What several tables of this room have the database refuse."""

from __future__ import annotations

from collections.abc import Iterable

import pgtrigger

# Whether the member ``{member}`` (an SQL expression of its id) is in the room as of the last that was noted.
PRESENT = (
    "COALESCE((SELECT a.kind = 'came' FROM funding_attendance a WHERE a.member_id = {member} "
    "AND a.kind IN ('came', 'left') ORDER BY a.id DESC LIMIT 1), false)"
)


def while_meeting(
    name: str, meeting: str, states: Iterable[str], operation: pgtrigger.Operation
) -> pgtrigger.Trigger:
    """Return the trigger that refuses rows unless their meeting is in one of ``states``.

    ``meeting`` is an SQL expression of the meeting's id with NEW for the row.
    """
    allowed = ", ".join(f"'{state}'" for state in states)
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=operation,
        declare=[("held", "text")],
        func=(
            f"SELECT state INTO held FROM funding_meeting WHERE id = {meeting}; "
            f"IF held NOT IN ({allowed}) THEN RAISE EXCEPTION 'the meeting of this % is %', TG_TABLE_NAME, held "
            "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
        ),
    )


def not_recused(name: str, operation: pgtrigger.Operation) -> pgtrigger.Trigger:
    """Return the trigger that refuses what a member says of an item that they have left the room for."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=operation,
        func=(
            "IF EXISTS (SELECT 1 FROM funding_recusal r WHERE r.item_id = NEW.item_id AND r.member_id = NEW.member_id) "
            "THEN RAISE EXCEPTION 'member % has left the room for item %', NEW.member_id, NEW.item_id "
            "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
        ),
    )
