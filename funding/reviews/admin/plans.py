"""Assignments of reviewers as staff list them and act on them."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.decorators import display

from funding.reviews.admin.plan_pages import CriteriaPage, NewPlanPage, PlannedApplicationPage, PlanPage
from funding.reviews.admin.plan_records import DrawPage, ExportPage, PoolPage
from funding.reviews.models import AssignmentPlan
from funding.reviews.services import (
    change_plan,
    confirm_plan,
    discard_plan,
    publish_draw,
    solve_plan,
    stop_solving,
)
from funding.reviews.states import PlanState
from park_portal.core.accounts.models import User
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, label_acts, state_label
from park_portal.core.errors import DomainError

label_acts(
    {
        "assignment_plan.create": gettext_lazy("assignment begun"),
        "assignment_plan.update": gettext_lazy("criteria changed"),
        "assignment_plan.publish": gettext_lazy("pool and seed published"),
        "assignment_plan.edit": pgettext_lazy("plan", "changed by hand"),
    }
)


class SwitchForm(forms.Form):
    """Whether replacements are invited without asking."""

    invites_replacements = forms.BooleanField(
        label=gettext_lazy("Invite replacements by itself"), required=False
    )


def switch(plan: AssignmentPlan, *, actor: User, invites_replacements: bool) -> AssignmentPlan:
    return change_plan(plan, actor=actor, invites_replacements=invites_replacements)


def _only_draws(plan: AssignmentPlan) -> None:
    if not plan.is_draw:
        raise DomainError(_("Only a random draw has a pool to be published."), code="no_draw")


@admin.register(AssignmentPlan)
class AssignmentPlanAdmin(ReadOnly, StaffAdmin):
    """Every assignment of reviewers, from criteria to invitations; those given up stay on record."""

    view_rule = "funding.see_reviews"
    where_from = gettext_lazy("“New assignment” begins one for an expert stage in which applications are.")
    list_display = [
        "plan_shown",
        "call",
        "stage",
        "method",
        "state_shown",
        "replaces",
        "created_by",
        "created_at",
    ]
    list_display_links = None
    list_filter = ["state", "method", "call"]
    list_select_related = ["call", "stage", "created_by"]
    search_fields = ["call__code"]
    ordering = ["-pk"]
    fields = [
        *("call", "stage", "method", "state", "parent", "criteria", "seed", "published_at", "due_at"),
        *("invites_replacements", "figures", "diagnosis", "created_by", "created_at", "solved_at"),
        *("confirmed_by", "confirmed_at"),
    ]
    pages = [
        NewPlanPage,
        PlanPage,
        CriteriaPage,
        PlannedApplicationPage,
        PoolPage,
        DrawPage,
        ExportPage,
    ]
    state_shown = state_label()
    acts = [
        Act(
            "publish",
            publish_draw,
            label=gettext_lazy("Publish pool and seed"),
            done=gettext_lazy("A small pool is published now, a large one as soon as it has been read."),
            rule="funding.assign_reviews",
            icon="campaign",
            sources=(PlanState.DRAFT, PlanState.FAILED),
            check=lambda plan, actor: _only_draws(plan),
            explain=gettext_lazy(
                "For a random draw: from now on nobody can change who may be drawn, or the seed."
            ),
        ),
        Act(
            "solve",
            solve_plan,
            done=gettext_lazy("The assignment is being worked out."),
            icon="calculate",
            explain=gettext_lazy("A worker looks for the best assignment; nobody is invited yet."),
        ),
        Act(
            "stop",
            stop_solving,
            done=gettext_lazy("The work is stopped."),
            icon="stop_circle",
            explain=gettext_lazy("The criteria stay; the assignment can be worked out again."),
        ),
        Act(
            "confirm",
            confirm_plan,
            done=gettext_lazy("The assignment is confirmed; the invitations are on their way."),
            icon="send",
            explain=gettext_lazy("Everyone whom the assignment names anew is invited, or nobody is."),
        ),
        Act(
            "switch",
            switch,
            label=gettext_lazy("Replacements by themselves or not"),
            done=gettext_lazy("The setting is kept."),
            rule="funding.assign_reviews",
            form=SwitchForm,
            icon="autorenew",
            initial=lambda plan, user: {"invites_replacements": plan.invites_replacements},
        ),
        Act(
            "discard",
            discard_plan,
            done=gettext_lazy("The assignment is discarded; it stays on record."),
            icon="delete",
            danger=True,
            explain=gettext_lazy("Nobody is invited by it."),
        ),
    ]

    @display(description=gettext_lazy("assignment"), ordering="pk")
    def plan_shown(self, plan: AssignmentPlan) -> str:
        return format_html('<a href="{}">{}</a>', self.address("plan", plan.pk), plan.pk)

    @display(description=gettext_lazy("replaces reviewers of"), ordering="parent")
    def replaces(self, plan: AssignmentPlan) -> str:
        return str(plan.parent_id) if plan.parent_id is not None else "—"
