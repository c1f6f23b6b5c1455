from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db import models
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.decorators import display

from funding.awards.forms import (
    AcceptanceForm,
    CategoriesForm,
    ClaimForm,
    MilestoneForm,
    ReasonForm,
    RecoveryForm,
    ReserveForm,
    SignatureForm,
    StaffAmendmentForm,
    StaffShiftForm,
    TermsForm,
    TrancheForm,
    first_claim,
    first_terms,
    milestone_as_typed,
    terms_of,
    tranche_as_typed,
)
from funding.awards.models import (
    Agreement,
    AgreementTemplate,
    Amendment,
    Award,
    Clawback,
    Milestone,
    Tranche,
)
from funding.awards.services import (
    add_milestone,
    add_tranche,
    approve_amendment,
    call_to_acceptance,
    claim_back,
    close_award,
    continue_award,
    draft_agreement,
    edit_agreement,
    edit_milestone,
    edit_tranche,
    issue_agreement,
    lapse_award,
    meet_milestone,
    note_recovery,
    note_signature,
    propose_amendment,
    refuse_amendment,
    refuse_drawn,
    refuse_fixed,
    refuse_held,
    refuse_unclosable,
    refuse_unheld,
    refuse_unready,
    refuse_waited_for,
    remove_milestone,
    remove_tranche,
    reopen_agreement,
    reserve_award,
    resume_award,
    return_milestone,
    set_categories,
    shift_categories,
    start_award,
    suspend_award,
    terminate_award,
    withdraw_amendment,
)
from funding.awards.states import AgreementState, AwardState, MilestoneState
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, label_acts, money, state_label
from park_portal.core.admin.home import Line, StaffCard, list_url, staff_card
from park_portal.core.money import format_yuan

label_acts(
    {
        "award.open": _("award opened"),
        "award.reserve": _("money held"),
        "award.budget": _("budget categories set"),
        "award.shift": _("budget shifted"),
        "award.claim_back": _("money claimed back"),
        "award.recovery": _("money paid back"),
        "agreement.draft": _("agreement drawn up"),
        "agreement.edit": _("agreement changed"),
        "agreement.signature": _("signature noted"),
        "amendment.propose": _("amendment proposed"),
        "milestone.add": _("milestone added"),
        "milestone.edit": _("milestone changed"),
        "milestone.remove": _("milestone removed"),
        "tranche.add": _("tranche added"),
        "tranche.edit": _("tranche changed"),
        "tranche.remove": _("tranche removed"),
    }
)
SHOWN: Final = 8
_DRAFTING: Final = (AwardState.AGREEMENT,)
_UNDER_WAY: Final = (AwardState.RUNNING, AwardState.SUSPENDED)


def _to_award(obj: Any, result: Any) -> str:
    """Return the page of the award that something was done for."""
    award = result if isinstance(result, Award) else getattr(obj, "award", obj)
    return reverse("admin:funding_award_change", args=[award.pk])


def _to_result(name: str) -> Any:
    return lambda obj, result: reverse(f"admin:funding_{name}_change", args=[result.pk])


def _link(url: str, text: Any) -> str:
    return format_html('<a class="text-link" href="{}">{}</a>', url, text)


@admin.register(Award)
class AwardAdmin(ReadOnly, StaffAdmin):
    list_display = ["number", "title", "holder", "amount", "fund", "state_label", "awarded_at"]
    list_filter = ["state", "fund", "application__call"]
    search_fields = ["number", "title"]
    list_select_related = ["fund", "organisation", "project"]
    fieldsets = [
        (None, {"fields": ["number", "title", "holder", "application", "fund", "budget_line", "amount_fen"]}),
        (
            pgettext_lazy("award", "How it stands"),
            {
                "fields": [
                    "state",
                    "state_reason",
                    "life",
                    "agreement_page",
                    "awarded_at",
                    "acceptance_call",
                    "recognised_fen",
                ]
            },
        ),
        (_("Plan"), {"fields": ["plan_milestones", "plan_tranches", "plan_budget"]}),
    ]
    readonly_fields = ["holder", "life", "agreement_page", "plan_milestones", "plan_tranches", "plan_budget"]
    acts = [
        Act(
            "reserve",
            reserve_award,
            label=_("Hold its money"),
            rule="funding.start_award",
            form=ReserveForm,
            icon="lock",
            sources=_DRAFTING,
            explain=_("The amount is held in the budget line until the agreement is signed."),
            check=refuse_held,
            done=_("The money is held."),
        ),
        Act(
            "draft",
            draft_agreement,
            check=refuse_drawn,
            label=_("Draw up the agreement"),
            rule="funding.draft_agreement",
            form=TermsForm,
            initial=first_terms,
            icon="contract_edit",
            sources=_DRAFTING,
            explain=_("Then add milestones, tranches and the budget; the fund manager issues it as a PDF."),
            done=_("The agreement is begun. Now its milestones, tranches and budget."),
        ),
        Act(
            "add_milestone",
            add_milestone,
            check=refuse_fixed,
            label=_("Add a milestone"),
            rule="funding.draft_agreement",
            form=MilestoneForm,
            icon="flag",
            sources=_DRAFTING,
            explain=_("What must be shown technically and on the market, and by when."),
            after=_to_award,
            done=_("The milestone is added."),
        ),
        Act(
            "add_tranche",
            add_tranche,
            check=refuse_fixed,
            label=_("Add a tranche"),
            rule="funding.draft_agreement",
            form=TrancheForm,
            icon="payments",
            sources=_DRAFTING,
            after=_to_award,
            done=_("The tranche is added."),
        ),
        Act(
            "budget",
            set_categories,
            check=refuse_fixed,
            label=_("Set the budget"),
            rule="funding.draft_agreement",
            form=CategoriesForm,
            icon="donut_small",
            sources=_DRAFTING,
            explain=_("The amounts together are the amount of the award."),
            after=_to_award,
            done=_("The budget is set."),
        ),
        Act(
            "start",
            start_award,
            done=_("The award is under way."),
            icon="play_arrow",
            explain=_("The agreement is signed by all: the money is promised to the award."),
            check=refuse_unheld,
        ),
        Act(
            "lapse",
            lapse_award,
            done=_("The award has lapsed; nothing is paid from it."),
            form=ReasonForm,
            icon="block",
            danger=True,
        ),
        Act(
            "shift",
            shift_categories,
            label=_("Shift budget"),
            rule="funding.shift_categories",
            form=StaffShiftForm,
            icon="swap_horiz",
            sources=_UNDER_WAY,
            after=_to_award,
            done=_("The budget is shifted."),
        ),
        Act(
            "amend",
            propose_amendment,
            label=_("Propose an amendment"),
            rule="funding.propose_amendment",
            form=StaffAmendmentForm,
            icon="edit_document",
            sources=_UNDER_WAY,
            explain=_("Leave empty what stays as it is. Another fund manager decides."),
            after=_to_result("amendment"),
            done=_("The amendment is proposed."),
        ),
        Act(
            "suspend",
            suspend_award,
            form=ReasonForm,
            icon="pause",
            danger=True,
            explain=_("Nothing is paid until it is resumed. The grantee is told the reason."),
            done=_("The award is suspended."),
        ),
        Act("resume", resume_award, icon="play_arrow", done=_("The award is under way again.")),
        Act(
            "call_to_acceptance",
            call_to_acceptance,
            check=refuse_unready,
            form=AcceptanceForm,
            icon="fact_check",
            explain=_("The grantee applies in the call; its panel decides like on any application."),
            done=_("The award is called to acceptance; the grantee is told."),
        ),
        Act(
            "continue",
            continue_award,
            form=ReasonForm,
            icon="undo",
            explain=_("The grantee is told what is missing; the award can be called to acceptance again."),
            done=_("The award is under way again."),
        ),
        Act(
            "terminate",
            terminate_award,
            form=ReasonForm,
            icon="cancel",
            danger=True,
            explain=_(
                "Nothing more is paid. What was paid may be claimed back; the rest goes back at closing."
            ),
            done=_("The award is terminated."),
        ),
        Act(
            "claim_back",
            claim_back,
            label=_("Claim money back"),
            rule="funding.claim_back",
            form=ClaimForm,
            initial=first_claim,
            icon="assignment_return",
            sources=(AwardState.SUSPENDED, AwardState.ACCEPTED, AwardState.TERMINATED),
            danger=True,
            after=_to_result("clawback"),
            done=_("The money is claimed back; the grantee is told."),
        ),
        Act(
            "close",
            close_award,
            icon="task_alt",
            explain=_("What is left of the money goes back to the budget line."),
            check=refuse_unclosable,
            done=_("The award is closed."),
        ),
    ]
    state_label = state_label()
    amount = money("amount_fen", _("amount"))

    @admin.display(description=_("who holds it"))
    def holder(self, obj: Award) -> str:
        return str(obj.holder)

    @display(description=_("whole life"))
    def life(self, obj: Award) -> str:
        return _link(obj.get_absolute_url(), _("money, plan, reports, letters on one page"))

    @display(description=_("agreement"))
    def agreement_page(self, obj: Award) -> str:
        agreement: Agreement | None = getattr(obj, "agreement", None)
        if agreement is None:
            return "—"
        return _link(
            reverse("admin:funding_agreement_change", args=[agreement.pk]), agreement.get_state_display()
        )

    def _links(self, rows: Any, name: str, text: Any) -> str:
        links = [_link(reverse(f"admin:funding_{name}_change", args=[row.pk]), text(row)) for row in rows]
        return format_html("{}" + "<br>{}" * (len(links) - 1), *links) if links else "—"

    @display(description=_("milestones"))
    def plan_milestones(self, obj: Award) -> str:
        rows = obj.milestones.order_by("number")
        return self._links(rows, "milestone", lambda m: f"{m} · {m.due_on} · {m.get_state_display()}")

    @display(description=_("tranches"))
    def plan_tranches(self, obj: Award) -> str:
        rows = obj.tranches.select_related("milestone", "award").order_by("number")
        return self._links(
            rows,
            "tranche",
            lambda t: f"{t.number} · {format_yuan(t.amount_fen)} · {t.milestone or _('agreement signed')}",
        )

    @display(description=_("budget categories"))
    def plan_budget(self, obj: Award) -> str:
        rows = [f"{row} {format_yuan(row.amount_fen)}" for row in obj.categories.order_by("pk")]
        return format_html("{}" + "<br>{}" * (len(rows) - 1), *rows) if rows else "—"


@admin.register(Agreement)
class AgreementAdmin(ReadOnly, StaffAdmin):
    list_display = ["award", "state_label", "amount", "starts_on", "ends_on"]
    list_filter = ["state", "award__fund"]
    search_fields = ["award__number", "award__title"]
    list_select_related = ["award"]
    where_from = _("An agreement is drawn up from the page of its award.")
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "award",
                    "state",
                    "version",
                    "amount_fen",
                    "starts_on",
                    "ends_on",
                    "pi_name",
                    "scope",
                ]
            },
        ),
        (None, {"fields": ["trl_start", "trl_target", "report_months", "pdf", "signed"]}),
    ]
    readonly_fields = ["pdf", "signed"]
    acts = [
        Act(
            "edit",
            edit_agreement,
            label=_("Change the terms"),
            rule="funding.draft_agreement",
            form=TermsForm,
            initial=terms_of,
            icon="edit",
            sources=(AgreementState.DRAFT,),
            done=_("The terms are changed."),
        ),
        Act(
            "issue",
            issue_agreement,
            icon="picture_as_pdf",
            explain=_("Makes the PDF and tells the grantee. From here on the terms are fixed."),
            done=_("The agreement is issued."),
        ),
        Act(
            "reopen",
            reopen_agreement,
            icon="undo",
            danger=True,
            explain=_("What was signed so far was another version, and is signed again."),
            done=_("The agreement can be changed again."),
        ),
        Act(
            "signature",
            note_signature,
            label=_("Note a signature"),
            rule="funding.note_signature",
            form=SignatureForm,
            icon="signature",
            sources=(AgreementState.ISSUED,),
            explain=_("With the last signature the agreement is signed."),
            after=lambda obj, result: reverse("admin:funding_agreement_change", args=[obj.pk]),
            done=_("The signature is noted."),
        ),
    ]
    state_label = state_label()
    amount = money("amount_fen", _("amount"))

    @display(description=_("PDF"))
    def pdf(self, obj: Agreement) -> str:
        return _link(obj.document.get_absolute_url(), obj.document.name) if obj.document else "—"

    @display(description=_("signatures"))
    def signed(self, obj: Agreement) -> str:
        rows = obj.signatures.select_related("scan").order_by("version", "id")
        links = [
            _link(
                row.scan.get_absolute_url(),
                f"v{row.version} {row.get_party_display()} · {row.name} · {row.signed_on}",
            )
            for row in rows
        ]
        return format_html("{}" + "<br>{}" * (len(links) - 1), *links) if links else "—"


@admin.register(AgreementTemplate)
class AgreementTemplateAdmin(StaffAdmin):
    list_display = ["fund_or_all"]
    list_select_related = ["fund"]
    fields = ["fund", "body"]
    add_rule = change_rule = delete_rule = "funding.keep_agreement_templates"

    @display(description=_("fund"))
    def fund_or_all(self, obj: AgreementTemplate) -> str:
        return str(obj)


@admin.register(Amendment)
class AmendmentAdmin(ReadOnly, StaffAdmin):
    list_display = ["agreement", "number", "state_label", "proposed_by", "proposed_at"]
    list_filter = ["state"]
    list_select_related = ["agreement__award", "proposed_by"]
    where_from = _("Amendments are proposed from the page of an award, by its people or by staff.")
    fieldsets = [
        (None, {"fields": ["agreement", "number", "state", "reason"]}),
        (_("What changes"), {"fields": ["amount_fen", "category", "tranche", "ends_on", "scope", "pi_name"]}),
        (None, {"fields": ["proposed_by", "proposed_at", "decided_by", "decided_at", "answer"]}),
    ]
    acts = [
        Act(
            "approve",
            approve_amendment,
            icon="check",
            explain=_("Terms, plan, budget and money change at once."),
            done=_("The amendment is approved and carried out."),
        ),
        Act("refuse", refuse_amendment, form=ReasonForm, icon="close", done=_("The amendment is refused.")),
        Act("withdraw", withdraw_amendment, icon="undo", done=_("The amendment is withdrawn.")),
    ]
    state_label = state_label()


@admin.register(Milestone)
class MilestoneAdmin(ReadOnly, StaffAdmin):
    list_display = ["award", "title", "due_on", "state_label", "submitted_at"]
    list_filter = ["state", "award__fund"]
    search_fields = ["title", "award__number"]
    list_select_related = ["award"]
    where_from = _("Milestones are added from the page of an award while its agreement is drawn up.")
    fieldsets = [
        (None, {"fields": ["award", "number", "title", "due_on", "trl", "state", "answer"]}),
        (_("Technical"), {"fields": ["technical_goal", "technical_evidence", "technical_document"]}),
        (_("Market"), {"fields": ["market_goal", "market_evidence", "market_document"]}),
        (None, {"fields": ["submitted_by", "submitted_at", "checked_by", "checked_at"]}),
    ]
    acts = [
        Act(
            "meet",
            meet_milestone,
            icon="check",
            explain=_("Both the technical and the market evidence are good."),
            done=_("The milestone is met."),
        ),
        Act(
            "return",
            return_milestone,
            form=ReasonForm,
            icon="undo",
            explain=_("Say what is missing; the grantee sends it again."),
            done=_("The grantee is told what is missing."),
        ),
        Act(
            "edit",
            edit_milestone,
            check=refuse_fixed,
            label=_("Change the milestone"),
            rule="funding.draft_agreement",
            form=MilestoneForm,
            initial=milestone_as_typed,
            icon="edit",
            sources=(MilestoneState.PLANNED,),
            done=_("The milestone is changed."),
        ),
        Act(
            "remove",
            remove_milestone,
            check=refuse_waited_for,
            label=_("Remove the milestone"),
            rule="funding.draft_agreement",
            icon="delete",
            danger=True,
            sources=(MilestoneState.PLANNED,),
            after=_to_award,
            done=_("The milestone is removed."),
        ),
    ]
    state_label = state_label()


@admin.register(Tranche)
class TrancheAdmin(ReadOnly, StaffAdmin):
    list_display = ["award", "number", "amount", "milestone"]
    list_filter = ["award__fund"]
    search_fields = ["award__number"]
    list_select_related = ["award", "milestone"]
    where_from = _("Tranches are added from the page of an award while its agreement is drawn up.")
    fields = ["award", "number", "amount_fen", "milestone", "condition"]
    acts = [
        Act(
            "edit",
            edit_tranche,
            check=refuse_fixed,
            label=_("Change the tranche"),
            rule="funding.draft_agreement",
            form=TrancheForm,
            initial=tranche_as_typed,
            icon="edit",
            done=_("The tranche is changed."),
        ),
        Act(
            "remove",
            remove_tranche,
            check=refuse_fixed,
            label=_("Remove the tranche"),
            rule="funding.draft_agreement",
            icon="delete",
            danger=True,
            after=_to_award,
            done=_("The tranche is removed."),
        ),
    ]
    amount = money("amount_fen", _("amount"))


@admin.register(Clawback)
class ClawbackAdmin(ReadOnly, StaffAdmin):
    list_display = ["award", "amount", "due_on", "state_label"]
    list_filter = ["state", "award__fund"]
    search_fields = ["award__number"]
    list_select_related = ["award"]
    where_from = _("Money is claimed back from the page of an award.")
    fields = ["award", "amount_fen", "reason", "due_on", "state", "claimed_by", "claimed_at"]
    acts = [
        Act(
            "note_recovery",
            note_recovery,
            label=_("Note a repayment"),
            rule="funding.claim_back",
            form=RecoveryForm,
            icon="payments",
            explain=_("As the bank statement says: amount, day and the bank's own number."),
            done=_("The repayment is booked; the money is free in the budget again."),
        ),
    ]
    state_label = state_label()
    amount = money("amount_fen", _("amount"))


@staff_card(order=24)
def awards_to_sign(user: Any) -> StaffCard | None:
    """For fund managers: awards whose agreement is to be signed, those without money first."""
    if not user.has_perm("funding.start_award"):
        return None
    waiting = Award.objects.filter(state=AwardState.AGREEMENT).order_by(
        models.F("budget_line").asc(nulls_first=True), "awarded_at"
    )
    lines = [
        Line(
            title=str(award),
            url=reverse("admin:funding_award_change", args=[award.pk]),
            detail=_("agreement to be signed") if award.budget_line_id else _("no money held"),
            tone="" if award.budget_line_id else "wait",
        )
        for award in waiting[:SHOWN]
    ]
    if not lines:
        return None
    return StaffCard(
        _("Awards to be signed"),
        lines=lines,
        more_url=list_url("funding.award", state__exact=AwardState.AGREEMENT.value),
        more_label=_("All awards"),
    )
