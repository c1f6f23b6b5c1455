"""Deals on their way: the list of due diligence, every move with its reason, and what was handed over."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.decorators import display

from funding.deals.forms import HandoverForm, ItemForm, NoteForm, ReasonForm, WaiveForm
from funding.deals.models import Deal, DiligenceItem, Handover
from funding.deals.services import (
    add_item,
    check_move,
    clear_item,
    hand_over,
    move_deal,
    refuse_over,
    reopen_item,
    waive_item,
)
from funding.deals.states import DEAL_MACHINE, OPEN_DEAL, DealState
from park_portal.core.accounts.states import StaffRole
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, label_acts, state_label
from park_portal.core.admin.home import Line, StaffCard, list_url, staff_card
from park_portal.core.money import format_yuan

label_acts(
    {
        "deal.open": _("deal opened"),
        "deal.hand_over": _("project handed over"),
        "diligence_item.add": _("point of due diligence added"),
    }
)

ICONS = {
    "screen": "search",
    "meet": "groups",
    "examine": "fact_check",
    "present": "gavel",
    "reexamine": "undo",
    "offer": "contract",
    "close": "check_circle",
    "decline": "block",
}


def _move(name: str) -> Act:
    def refuse(deal: Deal, _actor: Any) -> None:
        check_move(deal, name)

    return Act(
        name,
        partial(move_deal, name=name),
        form=ReasonForm,
        icon=ICONS[name],
        danger=name == "decline",
        check=refuse if name == "present" else None,
        done=_("The deal has moved; the reason is kept."),
    )


@admin.register(Deal)
class DealAdmin(ReadOnly, StaffAdmin):
    list_display = ["about", "fund", "state_label", "opened_at", "waiting"]
    list_filter = ["state", "fund"]
    search_fields = ["company__name_zh_hans", "company__name_en", "project__code", "project__title_zh_hans"]
    search_help_text = _("Company or research project")
    list_select_related = ["fund", "company", "project"]
    ordering = ["-pk"]
    where_from = _("Deals are opened from the mandate of a fund, or by handing a project over.")
    fieldsets = [
        (None, {"fields": ["fund", "company", "project", "state_label", "opened_by", "opened_at"]}),
        (_("Why it was suggested"), {"fields": ["why"]}),
        (_("Due diligence"), {"fields": ["checklist"]}),
        (_("What happened"), {"fields": ["timeline"]}),
        (_("File handed over"), {"fields": ["file"]}),
    ]
    readonly_fields = ["state_label", "why", "checklist", "timeline", "file"]
    state_label = state_label()
    acts = [
        *(_move(transition.name) for transition in DEAL_MACHINE.transitions),
        Act(
            "point",
            add_item,
            label=_("Add a point of due diligence"),
            rule="funding.settle_item",
            form=ItemForm,
            icon="add_task",
            sources=(DealState.SUGGESTED, DealState.SCREENING, DealState.MEETING, DealState.DILIGENCE),
            done=_("The point is on the list."),
        ),
    ]

    def rows_for(self, user: Any) -> models.QuerySet[Any]:
        rows = Deal.objects.visible_to(user)
        return rows.annotate(
            open_points=models.Count("items", filter=models.Q(items__state="open"), distinct=True)
        )

    @display(description=_("company or project"))
    def about(self, deal: Deal) -> str:
        return str(deal.company or deal.project)

    @display(description=_("points open"))
    def waiting(self, deal: Any) -> int:
        return int(deal.open_points)

    @display(description=_("why"))
    def why(self, deal: Deal) -> Any:
        lines = [(text,) for text in deal.reasons_shown]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", lines)) if lines else "—"

    @display(description=_("points"))
    def checklist(self, deal: Deal) -> Any:
        lines = [
            (
                reverse("admin:funding_diligenceitem_change", args=[item.pk]),
                str(item),
                item.get_state_display(),
                _who(item.settled_by, item.settled_at),
                item.note,
            )
            for item in deal.items.select_related("settled_by")
        ]
        head = (_("point"), pgettext_lazy("diligence", "state"), _("settled"), _("note"))
        return _table(
            head,
            format_html_join(
                "",
                '<tr><th scope="row"><a class="text-link" href="{}">{}</a></th><td>{}</td><td>{}</td><td>{}</td></tr>',
                lines,
            ),
        )

    @display(description=_("moves"))
    def timeline(self, deal: Deal) -> Any:
        lines = [(_who(move.by, move.at), str(move), move.reason) for move in deal.moves.select_related("by")]
        opened = (_who(deal.opened_by, deal.opened_at), DealState.SUGGESTED.label, "")
        head = (_("when"), _("move"), _("Reason"))
        return _table(
            head,
            format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", [opened, *lines]),
        )

    @display(description=_("file"))
    def file(self, deal: Deal) -> Any:
        parts = [
            file_of(row) for row in deal.handovers.select_related("award__application__call", "fund", "by")
        ]
        return format_html_join("", "{}", [(part,) for part in parts]) if parts else "—"


def _table(head: tuple[Any, ...], body: Any) -> Any:
    heads = format_html_join("", '<th scope="col">{}</th>', [(one,) for one in head])
    return format_html(
        '<table class="staff-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', heads, body
    )


def _who(user: Any, at: Any) -> str:
    moment = timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""
    return f"{moment} {user.name if user else ''}".strip() or "—"


def _link(name: str, key: Any, text: Any) -> Any:
    try:
        return format_html('<a class="text-link" href="{}">{}</a>', reverse(name, args=[key]), text)
    except NoReverseMatch:
        return str(text)


def file_of(row: Handover) -> Any:
    """Return the file of a handed-over project as links: award, application, documents, reviews."""
    documents = [
        (_link("admin:core_document_change", key, f"#{key}"),) for key in row.file.get("documents", [])
    ]
    reviews = [(_link("admin:funding_review_change", key, f"#{key}"),) for key in row.file.get("reviews", [])]
    lines = [
        (_("award"), _link("admin:funding_award_change", row.award_id, row.award)),
        (
            _("application"),
            _link("admin:funding_application_change", row.award.application_id, row.award.application.number),
        ),
        (_("amount"), format_yuan(row.award.amount_fen)),
        (_("documents"), format_html_join(" ", "{}", documents) or "—"),
        (_("reviews"), format_html_join(" ", "{}", reviews) or "—"),
        (_("note"), row.note),
    ]
    return format_html(
        '<table class="staff-table"><tbody>{}</tbody></table>',
        format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', lines),
    )


@admin.register(DiligenceItem)
class DiligenceItemAdmin(ReadOnly, StaffAdmin):
    list_display = ["point", "deal", "state_label", "settled_at"]
    list_filter = ["state", "kind", "deal__fund"]
    list_select_related = ["deal__fund", "deal__company", "deal__project"]
    ordering = ["-pk"]
    where_from = _("Each deal is opened with its list.")
    fields = ["deal", "kind", "title", "state_label", "note", "settled_by", "settled_at"]
    readonly_fields = ["state_label"]
    state_label = state_label()
    acts = [
        Act("clear", clear_item, form=NoteForm, icon="check", done=_("The point is cleared.")),
        Act("waive", waive_item, form=WaiveForm, icon="remove_done", done=_("The point is waived.")),
        Act(
            "reopen",
            reopen_item,
            form=WaiveForm,
            icon="undo",
            check=lambda item, _actor: refuse_over(item.deal),
            done=_("The point is open again."),
        ),
    ]

    @display(description=_("point"))
    def point(self, item: DiligenceItem) -> str:
        return str(item)


@admin.register(Handover)
class HandoverAdmin(ReadOnly, StaffAdmin):
    list_display = ["award", "fund", "deal", "by", "at"]
    list_filter = ["fund"]
    search_fields = ["award__number", "award__title"]
    search_help_text = _("Number or title of the award")
    list_select_related = ["award", "fund", "by", "deal__fund", "deal__company", "deal__project"]
    ordering = ["-pk"]
    where_from = _("Hand a project of the dedicated fund to a market fund with the button above.")
    fields = ["award", "fund", "deal", "file_shown", "by", "at"]
    readonly_fields = ["file_shown"]
    acts = [
        Act(
            "hand_over",
            hand_over,
            label=_("Hand a project over"),
            rule="funding.hand_over",
            form=HandoverForm,
            on="list",
            icon="forward",
            explain=_(
                "The project of an award goes to a market fund with its file: application, documents, reviews. "
                "A deal is opened there."
            ),
            done=_("The project is handed over."),
        )
    ]

    @display(description=_("file"))
    def file_shown(self, row: Handover) -> Any:
        return file_of(row)


@staff_card(order=26)
def deals_under_way(user: Any) -> StaffCard | None:
    """For fund managers: deals on their way, those that waited longest first."""
    if StaffRole.FUND_MANAGER not in user.roles:  # A lead's first page is long enough.
        return None
    rows = (
        Deal.objects.filter(state__in=OPEN_DEAL).select_related("fund", "company", "project").order_by("pk")
    )
    lines = [
        Line(
            title=str(deal),
            url=reverse("admin:funding_deal_change", args=[deal.pk]),
            detail=deal.get_state_display(),
            tone="wait" if deal.state == DealState.SUGGESTED else "",
        )
        for deal in rows[:8]
    ]
    if not lines:
        return None
    return StaffCard(
        _("Deals under way"), lines=lines, more_url=list_url("funding.deal"), more_label=_("All deals")
    )
