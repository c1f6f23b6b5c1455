"""Objections raised during public notices."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from funding.reviews.forms import (
    ResolveForm,
)
from funding.reviews.models import Objection
from funding.reviews.services import (
    resolve_objection,
)
from park_portal.core.admin import Act, ReadOnly, StaffAdmin
from park_portal.core.errors import DomainError


@admin.register(Objection)
class ObjectionAdmin(ReadOnly, StaffAdmin):
    """Objections raised during public notices."""

    view_rule = "funding.see_reviews"
    list_display = ["application_shown", "name", "received_at", "upheld", "resolved_by"]
    list_filter = [("resolved_at", admin.EmptyFieldListFilter), "upheld", "run__application__call"]
    search_fields = ["run__application__number", "name", "text"]
    list_select_related = ["run__application", "resolved_by"]
    ordering = ["-pk"]
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

    @display(description=gettext_lazy("application"))
    def application_shown(self, objection: Objection) -> str:
        return str(objection.run.application)


def _still_open(objection: Objection) -> None:
    if objection.upheld is not None:
        raise DomainError(_("This objection has been resolved already."))
