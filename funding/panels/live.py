"""What the live page shows: worked out once, for the page and for the part of it that asks for news again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from funding.panels.models import AgendaItem, Meeting, PanelMember
from funding.panels.reading import (
    access_to,
    answers_for_panel,
    applicant_for_panel,
    reads_minutes,
    reviews_for_panel,
    summary_for_panel,
)
from funding.panels.rules import member_of
from funding.panels.services import allowed_opinions, room_of, tally_of
from funding.panels.services.common import is_reviewable
from funding.panels.states import ON_THE_TABLE, ItemState, MeetingState, PanelRole
from funding.reviews.services import conflict_with, kept_from, ratings_of
from park_portal.core.workflow import may

SOON = timedelta(days=1)
OFTEN, SELDOM = 1.5, 30  # seconds; with what forty pages cost at once, all of them are there within three


def stamp_of(rows: models.QuerySet[Meeting], pk: int, user: Any) -> str | None:
    """Return what changes when this person's live page should, in one query; None for a meeting they do not see.

    A conflict of interest that is recorded elsewhere counts, too: the text goes at once.
    """
    on_the_table = AgendaItem.objects.filter(meeting=models.OuterRef("pk"), state__in=ON_THE_TABLE)
    barred = on_the_table.annotate(kind=conflict_with(user.pk, models.F("application_id"))).filter(
        kind__isnull=False
    )
    found = rows.filter(pk=pk).annotate(barred=models.Exists(barred)).values_list("version", "barred").first()
    return None if found is None else f"{found[0]}-{int(found[1])}"


def live_context(meeting: Meeting, user: Any, *, has_text: str = "") -> dict[str, Any]:
    """Return what the live part shows to ``user``; ``has_text`` names the text that their page holds already."""
    member = member_of(user, meeting)
    items = list(meeting.items.select_related("application__call", "run__stage").order_by("position", "pk"))
    table = next((item for item in items if item.is_on_the_table), None)
    runs = may(user, "funding.run_panel", meeting) and meeting.is_under_way
    said = _said(items, user, member)
    for item in items:
        item.meeting = meeting
    context: dict[str, Any] = {
        "meeting": meeting,
        "member": member,
        "runs": runs,
        "is_live": meeting.is_under_way,
        "every": OFTEN
        if meeting.state == MeetingState.OPEN or meeting.starts_at - timezone.now() < SOON
        else SELDOM,
        "room": room_of(meeting, table),
        "lines": [
            {
                "item": item,
                "said": said.get(item.pk, ""),
                "is_closed": said.get(item.pk) in ("recused", "barred"),
                "is_over": not is_reviewable(item) and item.state != ItemState.CLOSED,
                "is_table": item is table,
            }
            for item in items
            if item.state != ItemState.DROPPED or runs
        ],
        "owed": sum(
            1
            for item in items
            if member is not None
            and member.role != PanelRole.OBSERVER
            and item.state in (ItemState.WAITING, *ON_THE_TABLE)
            and item.pk not in said
        ),
        "waiting": next((item for item in items if item.state == ItemState.WAITING), None),
        "table": table,
        "may_minutes": reads_minutes(meeting, user, member),
        "may_reopen": meeting.state == MeetingState.CLOSED and may(user, "funding.run_panel", meeting),
    }
    seat = context["room"].seat_of(user.pk)
    context["seat"] = seat
    if table is not None:
        context |= item_context(table, user, member, has_text=has_text)
        context["runs_item"] = runs and may(user, "funding.run_panel_item", table)
    return context


def _said(items: list[AgendaItem], user: Any, member: PanelMember | None) -> dict[int, str]:
    """Return {item id: "pledged" or "recused"} of what the member has declared, or was noted of them.

    "barred" is what a conflict of interest keeps staff from who look on.
    """
    if member is None:
        barred = kept_from(user, [item.application_id for item in items])
        return {item.pk: "barred" for item in items if item.application_id in barred}
    said = dict.fromkeys(member.pledges.values_list("item_id", flat=True), "pledged")
    return said | dict.fromkeys(member.recusals.values_list("item_id", flat=True), "recused")


def item_context(
    item: AgendaItem, user: Any, member: PanelMember | None, *, has_text: str = ""
) -> dict[str, Any]:
    """Return what a person on the panel sees of one item, nothing of it where they have left the room."""
    access = access_to(item, user, member, on_the_table=item.is_on_the_table)
    context: dict[str, Any] = {"access": access, "item": item}
    if not access.may_read:
        return context
    # The text stays as it is on the screen, unless it is another item's or what was said of its reviews has changed.
    said = item.usefulness_ratings.filter(member=member).order_by("review_id") if member is not None else ()
    text_key = "-".join(
        str(one) for one in (item.pk, *(rating.review_id * 10 + rating.value for rating in said))
    )
    comments = list(item.comments.select_related("member__user").order_by("id"))
    context |= {
        "text_key": text_key,
        "is_text_held": has_text == text_key,
        "comments": comments,
        "own_remarks": sum(member is not None and one.member_id == member.pk for one in comments),
        "may_speak": member is not None
        and item.meeting.state == MeetingState.OPEN
        and may(user, "funding.speak_in_panel", item),
        "may_rate": member is not None
        and item.meeting.is_under_way
        and may(user, "funding.speak_in_panel", item),
        "marks": range(1, 6),
    }
    if has_text != text_key:
        ratings = ratings_of(item.application.call)
        context |= {
            "answers": answers_for_panel(item),
            "reviews": reviews_for_panel(item, member),
            "summary": summary_for_panel(item),
            "applicant": applicant_for_panel(item),
            "rating": ratings.applications.get(item.application_id) if not item.is_voted else None,
            "method": ratings.method_label,
        }
    if item.is_voted:
        tally = tally_of(item)
        context |= {
            "tally": tally,
            "opinions": [(one.value, one.label) for one in allowed_opinions(item.meeting, tally)],
        }
    return context
