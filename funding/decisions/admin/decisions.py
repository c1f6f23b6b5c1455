"""Decisions and letters on record."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html, format_html_join, linebreaks
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from funding.decisions.admin.lots import RecordPage
from funding.decisions.admin.pages import (
    BoardPage,
    BudgetPage,
    PromotePage,
    PublishPage,
    RankingPage,
    ReleasePage,
    VerdictPage,
)
from funding.decisions.forms import LetterForm
from funding.decisions.models import Decision, Letter, LetterTemplate
from funding.decisions.notices import LETTER_FIELDS, LETTER_KIND
from funding.decisions.services import (
    check_letter,
    edit_letter,
    reopen_letter,
)
from funding.decisions.states import LetterState
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, dress, label_acts, money, state_label
from park_portal.core.errors import DomainError
from park_portal.core.outbox.registry import check_text
from park_portal.core.workflow import require

label_acts(
    {
        "decision.propose": _("verdict set down"),
        "decision.drop": _("verdict taken back"),
        "calculation.keep": _("calculation put on record"),
        "calculation.announce": _("lottery announced"),
        "calculation.draw": _("lots drawn"),
        "ranking.place": _("order changed by hand"),
        "ranking.reset": _("order of the scores restored"),
        "call.budget": _("budget changed"),
        "letter.write": _("letter written"),
        "letter.edit": _("text of the letter changed"),
    }
)


@admin.register(Decision)
class DecisionAdmin(ReadOnly, StaffAdmin):
    list_display = [
        "number",
        "title",
        "verdict",
        "amount",
        "state_label",
        "decided_by",
        "decided_at",
        "released_at",
    ]
    list_filter = ["state", "verdict", "application__call"]
    search_fields = ["application__number", "application__title"]
    list_select_related = ["application", "decided_by"]
    pages = [
        BoardPage,
        RankingPage,
        RecordPage,
        VerdictPage,
        ReleasePage,
        PublishPage,
        BudgetPage,
        PromotePage,
    ]

    state_label = state_label()
    amount = money("amount_fen", _("amount granted"))

    @admin.display(description=_("number"), ordering="application__number")
    def number(self, obj: Decision) -> str:
        return obj.application.number or ""

    @admin.display(description=_("title"))
    def title(self, obj: Decision) -> str:
        return obj.application.title


class LetterPage(StaffPage):
    """A letter's text in both languages, to be read and mended before it is checked."""

    name, path = "text", "<int:pk>/text/"
    rule, title, icon = "funding.write_letters", _("Edit the text"), "edit"
    offered = "record"
    template_name = "admin/funding/letter/text.html"

    def is_offered(self, user: Any, obj: Any) -> bool:
        return obj.state == LetterState.DRAFT and self.allowed(user, obj)

    def context(self) -> dict[str, Any]:
        form = getattr(self, "_form", None) or dress(LetterForm(initial=LetterForm.initial_of(self.object)))
        return {"form": form, "letter": self.object, "is_draft": self.object.state == LetterState.DRAFT}

    def post(self) -> HttpResponseBase:
        self._form = dress(LetterForm(self.request.POST))
        if not self._form.is_valid():
            return self.render(status=422)
        texts = self._form.texts()
        try:
            edit_letter(self.object, actor=self.request.user, **texts)
            if self.request.POST.get("check"):
                check_letter(self.object, actor=self.request.user)
        except DomainError as error:
            self._form.take(error)
            return self.render(status=422)
        return self.redirect(self.address("changelist"), message=_("The letter is saved."))


@admin.register(Letter)
class LetterAdmin(ReadOnly, StaffAdmin):
    list_display = ["number", "subject_text", "verdict", "state_label", "checked_by", "released_at"]
    list_filter = ["state", "decision__verdict", "decision__application__call"]
    search_fields = ["decision__application__number", "decision__application__title"]
    list_select_related = ["decision__application", "checked_by", "document"]
    fields = ["number", "verdict", "state_label", "texts", "pdf", "checked_by", "checked_at", "released_at"]
    readonly_fields = [
        "number",
        "verdict",
        "state_label",
        "texts",
        "pdf",
        "checked_by",
        "checked_at",
        "released_at",
    ]
    acts = [
        Act(
            "check",
            check_letter,
            done=_("The letter is checked and its PDF made. It goes out when the decision is released."),
            icon="done_all",
            bulk="each",
            explain=_("You have read the letter in both languages and it is right. Its PDF is made now."),
        ),
        Act(
            "reopen",
            reopen_letter,
            done=_("The letter can be changed. Check it again before the decision is released."),
            icon="undo",
            bulk="each",
        ),
    ]
    pages = [LetterPage]

    state_label = state_label()

    @admin.display(description=_("number"), ordering="decision__application__number")
    def number(self, obj: Letter) -> str:
        return obj.decision.application.number or ""

    @admin.display(description=_("subject"))
    def subject_text(self, obj: Letter) -> str:
        return str(obj.subject.get(get_language() or "zh-hans", ""))

    @admin.display(description=_("verdict"), ordering="decision__verdict")
    def verdict(self, obj: Letter) -> str:
        return obj.decision.get_verdict_display()

    @admin.display(description=_("text"))
    def texts(self, obj: Letter) -> Any:
        return format_html_join(
            "",
            '<section class="staff-text"><h3>{}</h3>{}</section>',
            (
                (obj.subject.get(code, ""), SafeString(linebreaks(obj.body.get(code, ""), autoescape=True)))
                for code in obj.body
            ),
        )

    @admin.display(description=_("PDF"))
    def pdf(self, obj: Letter) -> Any:
        if obj.document is None:
            return "—"
        return format_html(
            '<a href="{}">{}</a>', reverse("document", args=[obj.document.public_id]), obj.document.name
        )


@admin.register(LetterTemplate)
class LetterTemplateAdmin(StaffAdmin):
    list_display = ["__str__", "verdict", "call"]
    list_filter = ["verdict", "call"]
    list_select_related = ["call"]
    fields = ["call", "verdict", "subject", "body"]
    change_rule = add_rule = delete_rule = "funding.write_letters"
    change_form_before_template = "admin/funding/lettertemplate/fields.html"

    def save_via(self, request: Any, obj: LetterTemplate, form: Any, change: bool) -> Any:
        require(request.user, "funding.write_letters")
        for code in ("zh_hans", "en"):
            for part in ("subject", "body"):
                check_text(LETTER_KIND, getattr(obj, f"{part}_{code}") or "")
        return super().save_via(request, obj, form, change)

    def changeform_view(
        self, request: Any, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        extra = {
            **(extra_context or {}),
            "merge_fields": [(name, field.label) for name, field in LETTER_FIELDS.items()],
        }
        return super().changeform_view(request, object_id, form_url, extra)
