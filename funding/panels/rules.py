from __future__ import annotations

from typing import Any

import rules

from funding.panels.states import RUNNERS, VOTERS, PanelRole
from funding.reviews.rules import has_conflict
from park_portal.core.accounts.rules import is_officer, sees_records


def member_of(user: Any, meeting: Any) -> Any:
    """Return the place that ``user`` has on the panel of ``meeting``, or None; asked once of each meeting at hand."""
    held = meeting.__dict__.setdefault("_members_by_person", {})
    if user.pk not in held:
        held[user.pk] = meeting.members.filter(user_id=user.pk, removed_at__isnull=True).first()
    return held[user.pk]


def _member_at(user: Any, item: Any) -> Any:
    return None if item is None else member_of(user, item.meeting)


@rules.predicate
def runs_meeting(user: Any, meeting: Any) -> bool:
    """Chair or secretary of this panel."""
    member = None if meeting is None else member_of(user, meeting)
    return member is not None and member.role in RUNNERS


@rules.predicate
def is_chair(user: Any, meeting: Any) -> bool:
    member = None if meeting is None else member_of(user, meeting)
    return member is not None and member.role == PanelRole.CHAIR


@rules.predicate
def runs_meeting_of(user: Any, item: Any) -> bool:
    return item is not None and runs_meeting(user, item.meeting)


@rules.predicate
def is_recused(user: Any, item: Any) -> bool:
    """Has left the room for this item."""
    member = _member_at(user, item)
    return member is not None and member.recusals.filter(item_id=item.pk).exists()


@rules.predicate
def votes_on(user: Any, item: Any) -> bool:
    member = _member_at(user, item)
    return member is not None and member.role in VOTERS


@rules.predicate
def speaks_on(user: Any, item: Any) -> bool:
    member = _member_at(user, item)
    return member is not None and member.role != PanelRole.OBSERVER


@rules.predicate
def sits_on(user: Any, item: Any) -> bool:
    return _member_at(user, item) is not None


rules.add_perm("funding.see_panels", sees_records)
rules.add_perm("funding.plan_panels", is_officer)
rules.add_perm("funding.run_panel", runs_meeting | is_officer)
rules.add_perm("funding.run_panel_item", (runs_meeting_of | is_officer) & ~is_recused & ~has_conflict)
rules.add_perm("funding.sign_minutes", is_chair)
rules.add_perm("funding.declare_in_panel", sits_on)
rules.add_perm("funding.vote_in_panel", votes_on)
rules.add_perm("funding.speak_in_panel", speaks_on & ~is_recused)
