"""The colour of a state: one table for the portal, the administration and every list."""

from __future__ import annotations

from typing import Any, Final

# States are named alike in all rooms; where a name means something else, the room's machine says so in its ``tones``.
TONES: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "in_review",
            "running",
            "published",
            "active",
            "accepted",
            "reserved",
            "registered",
            "checked",
            "waiting",
        ),
        "info",
    ),
    **dict.fromkeys(("returned", "assigned", "pending", "paused", "undone"), "wait"),
    **dict.fromkeys(
        ("open", "approved", "submitted", "passed", "released", "applied", "done", "sent"), "good"
    ),
    **dict.fromkeys(("declined", "rejected", "failed"), "bad"),
}


def tone_of(obj: Any, field: str = "") -> str:
    """Return the tone (neutral, info, wait, good, bad) of the state of ``obj``, or of what ``field`` says."""
    machine = getattr(type(obj), "machine", None)
    own = machine.tones if machine is not None and field in ("", machine.field) else {}
    state = str(getattr(obj, field or (machine.field if machine is not None else "state"), ""))
    return own.get(state) or TONES.get(state, "neutral")
