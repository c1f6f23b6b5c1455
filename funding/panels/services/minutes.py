"""The minutes: put together from what was noted, kept as a PDF with its hash, signed by the chair."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override, pgettext

from funding.panels.models import AgendaItem, Meeting, PanelMember
from funding.panels.services.common import lock_meeting
from funding.panels.services.figures import Tally, tally_of
from funding.panels.services.telling import tell_panel
from funding.panels.states import ItemState, MeetingState, Movement, VoteKind
from funding.reviews.models import Calculation
from park_portal.core.accounts.models import User
from park_portal.core.documents.models import Document
from park_portal.core.documents.pdf import render_pdf
from park_portal.core.documents.services import store_document
from park_portal.core.errors import DomainError
from park_portal.core.workflow import Actor, advance, require

KIND = "minutes"
SIGNED_KIND = "minutes-signed"


def minutes_pdf(meeting: Meeting, *, signature: dict[str, Any] | None = None) -> bytes:
    """Return the minutes as a PDF, Chinese first, then English; ``signature`` ({"name", "at", "sha256"}) is put at the end."""
    members = list(
        meeting.members.select_related("user").prefetch_related("movements").order_by("role", "id")
    )
    items = list(
        meeting.items.select_related("application__call")
        .prefetch_related("recusals__member__user", "movements", "comments")
        .order_by("closed_at", "position", "id")
    )
    tallies = {item.pk: tally_of(item) for item in items if item.is_voted}
    calculations = _calculations(meeting)
    parts = []
    for language, short in (("zh-hans", "zh"), ("en", "en")):
        with override(language):
            parts.append(_part(meeting, short, members, items, tallies, calculations, signature))
    return render_pdf("minutes", {"reference": f"{meeting.call.code} · {meeting.pk}", "parts": parts})


def _calculations(meeting: Meeting) -> list[Calculation]:
    """Return the last calculation of each kind that what the panel saw rests on, up to the end of the meeting."""
    rows = Calculation.objects.filter(call=meeting.call, made_at__lte=meeting.closed_at or timezone.now())
    if meeting.ordering_id is None:
        rows = rows.exclude(kind="agenda")
    else:
        rows = rows.exclude(kind="agenda") | Calculation.objects.filter(pk=meeting.ordering_id)
    last: dict[tuple[str, int | None], Calculation] = {}
    for row in rows.order_by("id"):
        last[row.kind, row.stage_id] = row
    return sorted(last.values(), key=lambda row: row.pk)


def _part(
    meeting: Meeting,
    short: str,
    members: list[PanelMember],
    items: list[AgendaItem],
    tallies: dict[int, Tally],
    calculations: list[Calculation],
    signature: dict[str, Any] | None,
) -> dict[str, Any]:
    chair = next(one for one in members if one.role == "chair" and one.removed_at is None)
    facts = [
        [_("Call"), f"{meeting.call.code} {meeting.call.title}"],
        [_("Planned for"), _moment(meeting.starts_at)],
        [pgettext("meeting", "Opened"), _moment(meeting.opened_at)],
        [pgettext("meeting", "Closed"), _moment(meeting.closed_at)],
        [_("Where"), " · ".join(part for part in (meeting.place, meeting.link) if part) or "—"],
        [pgettext("panel", "Chair"), str(chair.user)],
        [_("Quorum"), str(meeting.quorum)],
        [
            _("Vote"),
            f"{meeting.get_vote_kind_display()} · {_('secret ballot') if meeting.secret else _('open vote')}",
        ],
        [_("Order of the agenda"), meeting.get_order_display()],
    ]
    return {
        "lang": short,
        "kind": _("Minutes of a panel meeting"),
        "title": meeting.title,
        "facts": facts,
        "attendance": {
            "title": _("Attendance"),
            "head": [_("Person"), _("Role"), _("In the room")],
            "rows": [[str(one.user), one.get_role_display(), _times(one)] for one in members],
        },
        "items_title": _("Agenda and results"),
        "items": [_item(meeting, number, item, tallies) for number, item in enumerate(items, 1)],
        "calculations": {
            "title": _("How the figures were calculated"),
            "rows": [
                [
                    one.get_kind_display(),
                    one.method_label,
                    f"{_('seed')} {one.seed or '—'} · {_moment(one.made_at)} · {one.inputs_sha256[:16]}",
                ]
                for one in calculations
            ],
            "empty": _("No calculation was used."),
        },
        "signature": _signature(signature),
    }


def _moment(when: Any) -> str:
    return timezone.localtime(when).strftime("%Y-%m-%d %H:%M") if when else "—"


def _times(member: PanelMember) -> str:
    """Return from when until when somebody was in the room: “14:02–15:30, 15:41–16:00”."""
    spans, came = [], None
    for movement in member.movements.all():
        at = timezone.localtime(movement.at).strftime("%H:%M")
        if movement.kind == Movement.CAME:
            came = at
        elif movement.kind == Movement.LEFT and came is not None:
            spans.append(f"{came}–{at}")
            came = None
    if came is not None:
        spans.append(f"{came}–")
    text = ", ".join(spans) or _("absent")
    return f"{text} · {_('taken off the panel')}" if member.removed_at else text


def _item(meeting: Meeting, number: int, item: AgendaItem, tallies: dict[int, Tally]) -> dict[str, Any]:
    application = item.application
    rows: list[list[str]] = [[_("State"), item.get_state_display()]]
    if item.called_at:
        rows.append([pgettext("agenda item", "Called"), _moment(item.called_at)])
    out = [_recused(item, recusal) for recusal in item.recusals.all() if item.called_at]
    if item.called_at:
        rows.append([_("Left the room"), "\n".join(out) or _("nobody")])
    tally = tallies.get(item.pk)
    if tally is not None:
        rows.append([_("Votes"), _votes(meeting, tally)])
        if item.round > 1:
            again = ngettext("voted %(count)d time", "voted %(count)d times", item.round) % {
                "count": item.round
            }
            rows.append([_("Vote held again"), f"{again} · {item.reason_text}" if item.reason else again])
    if item.state == ItemState.CLOSED:
        rows.append([_("Recommendation"), item.get_opinion_display()])
        if item.score is not None:
            rows.append([_("Score of the panel"), f"{item.score}"])
        rows.append([_("Chair's summary"), item.summary])
    elif item.reason:
        rows.append([_("Reason"), item.reason_text])
    return {"title": f"{number}. {application.number} {application.title}", "rows": rows}


def _recused(item: AgendaItem, recusal: Any) -> str:
    spans, out = [], None
    for movement in item.movements.all():
        if movement.member_id != recusal.member_id:
            continue
        at = timezone.localtime(movement.at).strftime("%H:%M")
        if movement.kind == Movement.STEPPED_OUT:
            out = at
        elif out is not None:
            spans.append(f"{out}–{at}")
            out = None
    if out is not None:
        spans.append(f"{out}–")
    when = ", ".join(spans) or _("was not in the room")
    return f"{recusal.member.user} ({recusal.get_source_display()}) {when}"


def _votes(meeting: Meeting, tally: Tally) -> str:
    """Return the count; with names where the vote was open."""
    if meeting.vote_kind == VoteKind.SCORES:
        scores = tally.scores
        text = _("%(count)d ballots · mean %(mean)s · lowest %(lowest)s · highest %(highest)s") % {
            "count": scores.count,
            "mean": scores.mean,
            "lowest": scores.lowest,
            "highest": scores.highest,
        }
    else:
        text = _("yes %(yes)d · no %(no)d · abstained %(abstained)d") % {
            "yes": tally.yes,
            "no": tally.no,
            "abstained": tally.abstained,
        }
    if meeting.secret:
        return text
    named = [f"{ballot.member.user}: {ballot}" for ballot in tally.ballots if ballot.member is not None]
    return "\n".join([text, *sorted(named)])


def _signature(signature: dict[str, Any] | None) -> dict[str, Any] | None:
    if signature is None:
        return None
    return {
        "title": _("Signed by the chair"),
        "rows": [
            [_("Name"), signature["name"]],
            [_("Time"), _moment(signature["at"])],
            [_("SHA-256 of the minutes signed"), signature["sha256"]],
        ],
    }


def write_minutes(meeting: Meeting, *, actor: Actor) -> Document:
    """Make the minutes of a closed meeting (locked by the caller) and keep them; earlier ones are replaced."""
    document = store_document(
        minutes_pdf(meeting),
        actor=actor,
        subject=meeting,
        kind=KIND,
        name=f"{meeting.call.code}-panel-{meeting.pk}.pdf",
        replaces=meeting.minutes,
    )
    meeting.minutes = document
    meeting.save(update_fields=["minutes"])
    return document


def sign_minutes(meeting: Meeting, *, actor: User, sha256: str) -> Meeting:
    """Sign the minutes that have this hash; from now on nothing of the meeting changes. Twice is the same as once.

    The page asks for the password again before it calls this.
    """
    with transaction.atomic():
        held = lock_meeting(meeting.pk)
        require(actor, "funding.sign_minutes", held)
        if held.state == MeetingState.SIGNED:
            return held
        if held.minutes is None:
            raise DomainError(_("The meeting has no minutes yet: close it first."), code="no_minutes")
        if held.minutes.sha256 != sha256:
            raise DomainError(
                _("The minutes were written anew meanwhile. Read them again, then sign."), code="changed"
            )
        now = timezone.now()
        copy = store_document(
            minutes_pdf(held, signature={"name": actor.name, "at": now, "sha256": sha256}),
            actor=actor,
            subject=held,
            kind=SIGNED_KIND,
            name=f"{held.call.code}-panel-{held.pk}-signed.pdf",
        )
        held = advance(
            held,
            "sign",
            actor=actor,
            changes={"signed_by": actor, "signed_at": now, "signed_sha256": sha256, "signed_copy": copy},
        )
        tell_panel(held, "panel.signed", key=str(held.pk))
    return held
