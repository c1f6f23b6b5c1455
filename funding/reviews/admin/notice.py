"""Public notices, what stands in them, and what was objected to it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from funding.reviews.forms import ReasonForm, ResolveForm
from funding.reviews.models import NoticeLine, Objection, PublicNotice
from funding.reviews.services import resolve_objection, take_out
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, money, state_label
from park_portal.core.admin.home import record_url
from park_portal.core.errors import DomainError
from park_portal.core.templatetags.portal import until


@admin.register(PublicNotice)
class PublicNoticeAdmin(ReadOnly, StaffAdmin):
    """What was published, and until when."""

    view_rule = "funding.see_reviews"
    list_display = ["__str__", "call", "published_at", "working_days", "ends_shown", "published_by"]
    list_filter = ["call"]
    list_select_related = ["call", "published_by"]
    fields = ["call", "published_at", "working_days", "ends_shown", "published_by", "list_shown"]
    readonly_fields = fields
    where_from = gettext_lazy("A notice is published from the ranking of its call.")

    @display(description=gettext_lazy("ends"), ordering="ends_at")
    def ends_shown(self, notice: PublicNotice) -> str:
        return until(notice.ends_at)

    @display(description=gettext_lazy("projects"))
    def list_shown(self, notice: PublicNotice) -> Any:
        rows = notice.lines.select_related("application").order_by("application__number")
        return format_html_join(
            "",
            '<div><a href="{}">{}</a> · {}</div>',
            ((record_url(line), line.application, line.get_state_display()) for line in rows),
        )


@admin.register(NoticeLine)
class NoticeLineAdmin(ReadOnly, StaffAdmin):
    """Each application that was published, with what became of it."""

    view_rule = "funding.see_reviews"
    list_display = ["application", "notice", "amount", "state_label", "ended_at"]
    list_filter = ["state", "notice__call"]
    search_fields = ["application__number", "application__title"]
    list_select_related = ["application", "notice__call"]
    fields = ["application", "notice", "amount", "state_label", "ended_at", "reason"]
    readonly_fields = fields
    where_from = gettext_lazy("A notice is published from the ranking of its call.")
    acts = [
        Act(
            "take_out",
            take_out,
            form=ReasonForm,
            danger=True,
            icon="undo",
            explain=gettext_lazy(
                "The application disappears from the public list and goes back to be decided; its pending approval is "
                "taken back. What was objected to it is still answered."
            ),
            done=gettext_lazy("The application is taken out of the notice."),
        ),
    ]

    state_label = state_label()
    amount = money("amount_fen", gettext_lazy("amount proposed"))


@admin.register(Objection)
class ObjectionAdmin(ReadOnly, StaffAdmin):
    """Objections raised during public notices."""

    view_rule = "funding.see_reviews"
    list_display = ["application_shown", "name", "received_at", "due_shown", "found", "resolved_by"]
    list_filter = [("resolved_at", admin.EmptyFieldListFilter), "upheld", "run__application__call"]
    where_from = gettext_lazy("Objections are raised on the page of a public notice.")
    search_fields = ["run__application__number", "name", "text"]
    list_select_related = ["run__application", "resolved_by"]
    ordering = ["-pk"]
    fields = [
        *("run", "line", "name", "email", "text", "received_at", "due_shown"),
        *("found", "resolution", "resolved_by", "resolved_at"),
    ]
    readonly_fields = ["due_shown", "found"]
    acts = [
        Act(
            "resolve",
            resolve_objection,
            label=gettext_lazy("Resolve the objection"),
            done=gettext_lazy("What was found is recorded, and the objection is closed."),
            rule="funding.resolve_objection",
            form=ResolveForm,
            icon="gavel",
            template="admin/funding/objection/_text.html",
            check=lambda objection, actor: _still_open(objection),
        ),
    ]

    @display(description=gettext_lazy("to be answered by"), ordering="due_at")
    def due_shown(self, objection: Objection) -> str:
        return until(objection.due_at) or "—"

    @display(description=gettext_lazy("found"), ordering="upheld")
    def found(self, objection: Objection) -> str:
        if objection.upheld is None:
            return _("not answered yet")
        return _("upheld") if objection.upheld else _("not upheld")

    @display(description=gettext_lazy("application"))
    def application_shown(self, objection: Objection) -> str:
        return str(objection.run.application)


def _still_open(objection: Objection) -> None:
    if objection.upheld is not None:
        raise DomainError(_("This objection has been resolved already."))
