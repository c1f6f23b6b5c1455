"""The menu of the staff admin: by the work people do, never more than they may open."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, resolve, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# What each line opens: a model ("funding.call") or, with a colon, a page by its address name ("admin:today").
# (title or None for the model's own name, what, icon)
Line = tuple[Any, str, str]
MENU: Final[tuple[tuple[Any, tuple[Line, ...]], ...]] = (
    (None, ((_("Today"), "admin:index", "today"),)),
    (
        pgettext_lazy("menu", "Calls"),
        (
            (None, "funding.call", "campaign"),
            (None, "funding.question", "quiz"),
            (None, "funding.fund", "savings"),
        ),
    ),
    (pgettext_lazy("menu", "Applications"), ((None, "funding.application", "description"),)),
    (
        pgettext_lazy("menu", "Reviews"),
        (
            (None, "funding.stagerun", "rule"),
            (None, "funding.assignmentplan", "hub"),
            (_("Ask single reviewers by hand"), "admin:funding_stagerun_assign", "person_add"),
            (None, "funding.review", "rate_review"),
            (None, "funding.reviewer", "school"),
            (None, "funding.publication", "article"),
            (None, "funding.conflict", "gpp_maybe"),
            (None, "funding.pledge", "handshake"),
            (None, "funding.meeting", "groups"),
            (None, "funding.objection", "record_voice_over"),
        ),
    ),
    (
        pgettext_lazy("menu", "Decisions"),
        (
            (_("Ranking and decisions"), "admin:funding_decision_board", "leaderboard"),
            (None, "funding.decision", "gavel"),
            (None, "funding.publicnotice", "campaign"),
            (None, "funding.noticeline", "format_list_numbered"),
            (None, "funding.objection", "record_voice_over"),
            (None, "funding.letter", "mail"),
            (None, "funding.lettertemplate", "draft"),
            (None, "funding.calculation", "calculate"),
        ),
    ),
    (
        pgettext_lazy("menu", "Awards"),
        (
            (None, "funding.award", "workspace_premium"),
            (None, "funding.agreement", "contract"),
            (None, "funding.milestone", "flag"),
            (None, "funding.report", "summarize"),
            (None, "funding.amendment", "edit_document"),
            (None, "funding.clawback", "assignment_return"),
            (None, "funding.agreementtemplate", "draft"),
        ),
    ),
    (
        pgettext_lazy("menu", "Money"),
        (
            (None, "funding.disbursement", "payments"),
            (None, "funding.paymentbatch", "inventory"),
            (None, "funding.bankstatement", "receipt_long"),
            (None, "funding.commitment", "handshake"),
            (None, "funding.budgetline", "donut_small"),
            (None, "core.account", "account_balance_wallet"),
            (None, "core.transfer", "swap_horiz"),
            (None, "core.book", "menu_book"),
            (None, "core.accountcode", "tag"),
        ),
    ),
    (
        pgettext_lazy("menu", "Deals and portfolio"),
        (
            (None, "funding.mandate", "target"),
            (None, "funding.deal", "handshake"),
            (None, "funding.diligenceitem", "fact_check"),
            (None, "funding.handover", "forward"),
            (None, "funding.round", "paid"),
            (None, "funding.investment", "add_card"),
            (None, "funding.valuation", "query_stats"),
            (None, "funding.distribution", "output"),
            (None, "funding.runwayfigure", "hourglass_bottom"),
        ),
    ),
    (
        pgettext_lazy("menu", "The park"),
        (
            (None, "incubator.organisation", "apartment"),
            (None, "incubator.researchproject", "science"),
            (None, "incubator.liaison", "handshake"),
            (None, "incubator.liaisonclaim", "key"),
            (None, "incubator.faculty", "account_balance"),
            (None, "funding.dataroomgrant", "lock_person"),
            (None, "core.importbatch", "upload_file"),
        ),
    ),
    (
        pgettext_lazy("menu", "People"),
        (
            (None, "core.user", "group"),
            (None, "core.invitation", "outgoing_mail"),
            (_("Staff roles"), "auth.group", "badge"),
            (None, "core.datarequest", "shield_person"),
            (_("Retention"), "admin:retention", "auto_delete"),
        ),
    ),
    (
        pgettext_lazy("menu", "System"),
        (
            (_("System health"), "admin:system", "monitor_heart"),
            (None, "core.job", "pending_actions"),
            (None, "core.message", "forward_to_inbox"),
            (None, "core.delivery", "mark_email_read"),
            (None, "core.chatchannel", "forum"),
            (None, "core.policyvalue", "policy"),
            (None, "core.specialday", "event"),
            (None, "core.document", "folder_open"),
            (None, "core.entry", "history"),
        ),
    ),
)


@lru_cache(maxsize=200)
def _address(name: str, prefix: str) -> str | None:
    """Return the address called ``name``; None where there is none. It is the same as long as the process lives."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


@lru_cache(maxsize=200)
def _rule(address: str) -> str:
    """Return the rule of the page at ``address``; an empty text where it has none."""
    page = getattr(resolve(address).func, "page", None)
    return page.rule if page is not None else ""


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu with only those lines that the person may open; a group without lines is left out."""
    if not request.user.is_authenticated:
        return []
    models = {model._meta.label_lower: model_admin for model, model_admin in admin.site._registry.items()}
    groups = []
    for title, lines in MENU:
        items = []
        for label, what, icon in lines:
            if ":" in what:
                address = _page_address(request, what)
            else:
                model_admin = models.get(what)
                if model_admin is None or not model_admin.has_view_permission(request):
                    continue
                address = _address(f"admin:{what.replace('.', '_')}_changelist", get_script_prefix())
                label = label or model_admin.model._meta.verbose_name_plural
            if address is not None:
                items.append({"title": _capitalised(label), "icon": icon, "link": address})
        if items:
            groups.append({"title": title, "items": items, "separator": False})
    return groups


def _page_address(request: HttpRequest, name: str) -> str | None:
    """Return the address of a page; None for who may not open it."""
    address = _address(name, get_script_prefix())
    rule = _rule(address) if address else ""
    return address if not rule or request.user.has_perm(rule) else None


def _capitalised(label: Any) -> str:
    text = str(label)
    return text[:1].upper() + text[1:]
