"""The call itself: its text and times, and the acts on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from funding.calls.admin.builder import steps_of
from funding.calls.admin.eligibility import RulePage, RulesPage
from funding.calls.admin.overview import CheckPage, PreviewPage
from funding.calls.admin.questions import FormPage, QuestionPage, SectionPage
from funding.calls.admin.stages import StagePage, StagesPage
from funding.calls.admin.texts import TextPage, TextsPage
from funding.calls.checks import problems_of, warnings_of
from funding.calls.facts import applicants_text
from funding.calls.forms import CancelForm, CopyForm, CorrectForm, ExtendForm, StandardForm
from funding.calls.models import Call
from funding.calls.services import (
    FIELDS,
    FIELDS_ONCE_PUBLISHED,
    cancel_call,
    change_call,
    close_call,
    copy_call,
    correct_call,
    create_call,
    extend_call,
    open_call,
    publish_call,
    refuse_correction,
)
from funding.calls.standard import standard_call
from funding.calls.states import ApplicantKind, CallState
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.admin import Act, StaffAdmin, dress, label_acts, money, state_label
from park_portal.core.errors import DomainError

label_acts(
    {
        "call.copy": gettext_lazy("call copied"),
        "call.correct": gettext_lazy("times corrected"),
        "call.extend": gettext_lazy("deadline extended"),
        "call.standard_form": gettext_lazy("standard form put in"),
        "section.move": gettext_lazy("section moved"),
        "section.order": gettext_lazy("questions reordered"),
        "callquestion.move": gettext_lazy("question moved"),
        "stage.move": gettext_lazy("stage of the call moved"),
    }
)


class CallForm(forms.ModelForm):
    """The text, times and limits of a call."""

    applicants = forms.MultipleChoiceField(
        label=gettext_lazy("who may apply"),
        choices=ApplicantKind.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=list(ApplicantKind.values),
    )
    opens_at = forms.DateTimeField(label=gettext_lazy("opens"), widget=forms.DateTimeInput)
    closes_at = forms.DateTimeField(label=gettext_lazy("closes"), widget=forms.DateTimeInput)

    class Meta:
        model = Call
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("applicants", "opens_at", "closes_at"):
            if name in self.fields:
                dress_one(self.fields[name])
        if "title_zh_hans" in self.fields:
            self.fields["title_zh_hans"].required = True
        if "lead" in self.fields:
            # Whoever leads is told what is to be done, and must be able to do it.
            acting = User.objects.with_role(StaffRole.LEAD, StaffRole.OFFICER, StaffRole.FUND_MANAGER)
            lead: Any = self.fields["lead"]
            lead.queryset = User.objects.filter(Q(pk__in=acting.values("pk")) | Q(pk=self.instance.lead_id))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        opens_at, closes_at = cleaned.get("opens_at"), cleaned.get("closes_at")
        if opens_at is not None and closes_at is not None and closes_at <= opens_at:
            self.add_error("closes_at", _("A call closes after it opens."))
        return cleaned


def dress_one(field: forms.Field) -> None:
    """Give one field the admin's look."""

    class One(forms.Form):
        pass

    form = One()
    form.fields["one"] = field
    dress(form)


def _refuse_incomplete(call: Call, actor: Any) -> None:
    if problems := problems_of(call):
        raise DomainError(problems[0].message, problems=problems)


def _publish_context(call: Call, user: Any) -> dict[str, Any]:
    return {
        "call": call,
        "problems": [str(problem.message) for problem in problems_of(call)],
        "warnings": [str(warning.message) for warning in warnings_of(call)],
        "question_count": call.questions.count(),
        "stages": list(call.stages.all()),
    }


def _copy_initial(call: Call, user: Any) -> dict[str, Any]:
    """Offer the same minutes a year later, and the code with the next year in it."""
    code = re.sub(r"20\d\d", lambda year: str(int(year.group()) + 1), call.code, count=1)
    return {
        "code": code if code != call.code else f"{call.code}-2"[:24],
        "opens_at": _year_later(call.opens_at),
        "closes_at": _year_later(call.closes_at),
    }


def _year_later(moment: Any) -> Any:
    local = timezone.localtime(moment)
    try:
        return local.replace(year=local.year + 1)
    except ValueError:  # 29 February
        return local.replace(year=local.year + 1, day=28)


# What is shown instead of these once the call is announced and nobody types them any more.
SHOWN_AS = {
    "title": "title_both",
    "summary": "summary_both",
    "body": "body_both",
    "budget_fen": "budget_fen_yuan",
    "min_amount_fen": "min_amount_fen_yuan",
    "max_amount_fen": "max_amount_fen_yuan",
    "applicants": "applicants_shown",
}


def both_languages(field: str) -> Any:
    """Return a read-only field that shows a text in both languages, one below the other."""

    def show(model_admin: Any, obj: Any) -> Any:
        rows = [
            (lang, text)
            for lang, code in (("zh-Hans", "zh_hans"), ("en", "en"))
            if (text := getattr(obj, f"{field}_{code}"))
        ]
        return format_html_join("", '<div lang="{}" class="builder-mail-body">{}</div>', rows) or "—"

    show.__name__ = f"{field}_both"
    label = Call._meta.get_field(field).verbose_name  # type: ignore[union-attr]
    return admin.display(description=label)(show)


# What no longer changes once a call is published, with the texts in the reader's language.
FIXED = (*(name for name in FIELDS if name not in FIELDS_ONCE_PUBLISHED), "title", "summary", "body")


def _shown(fields: Sequence[Any]) -> list[Any]:
    return [
        tuple(SHOWN_AS.get(one, one) for one in name) if isinstance(name, tuple) else SHOWN_AS.get(name, name)
        for name in fields
    ]


@admin.register(Call)
class CallAdmin(StaffAdmin):
    form = CallForm
    create = create_call
    update = change_call
    add_rule = "funding.build_call"
    change_rule = "funding.edit_call_texts"
    delete_rule = "funding.build_call"
    view_rule = "funding.see_calls"
    list_display = ["code", "title", "state_shown", "track", "opens_at", "closes_at", "last_number", "lead"]
    list_display_links = ["code", "title"]
    list_filter = ["state", "track", "fund"]
    list_select_related = ["lead"]
    search_fields = ["code", "title_zh_hans", "title_en"]
    search_help_text = gettext_lazy("Code or title")
    ordering = ["-opens_at", "-id"]
    date_hierarchy = None
    change_form_outer_before_template = "admin/funding/call/_steps.html"
    autocomplete_fields: Sequence[str] = ()
    fieldsets = [
        (None, {"fields": [("code", "track"), "title", "summary", "body"]}),
        (
            gettext_lazy("Times (Asia/Shanghai)"),
            {"fields": ["opens_at", "closes_at", "grace_minutes"]},
        ),
        (
            gettext_lazy("Fund and limits"),
            {
                "fields": [
                    ("fund", "outcome"),
                    ("budget_fen", "budget_line"),
                    "scoring",
                    ("min_amount_fen", "max_amount_fen"),
                    ("max_files", "max_file_mb"),
                ]
            },
        ),
        (gettext_lazy("People"), {"fields": ["applicants", "contact", "lead"]}),
        (
            gettext_lazy("Record"),
            {"fields": [("state", "published_at"), ("created_by", "created_at"), "copied_from"]},
        ),
    ]
    readonly_fields = ["published_at", "created_by", "created_at", "copied_from"]
    pages = [
        CheckPage,
        RulesPage,
        RulePage,
        FormPage,
        SectionPage,
        QuestionPage,
        StagesPage,
        StagePage,
        TextsPage,
        TextPage,
        PreviewPage,
    ]
    acts = [
        Act(
            "publish",
            publish_call,
            icon="campaign",
            explain=gettext_lazy(
                "The call is announced on the portal and opens and closes by itself. From then on its form, rules and "
                "stages are fixed; it can be extended, and the texts of its notices can still be changed."
            ),
            template="admin/funding/call/_publish.html",
            context=_publish_context,
            done=gettext_lazy("The call has been announced."),
        ),
        Act(
            "extend",
            extend_call,
            label=pgettext_lazy("call", "Extend"),
            rule="funding.extend_call",
            sources=(CallState.PUBLISHED, CallState.OPEN, CallState.CLOSED),
            form=ExtendForm,
            icon="more_time",
            explain=gettext_lazy(
                "Moves the closing minute later; a call that has closed opens again. Everyone with a draft is told."
            ),
            done=gettext_lazy("The call was extended."),
        ),
        Act(
            "correct",
            correct_call,
            label=gettext_lazy("Correct the dates"),
            rule="funding.correct_call",
            sources=(CallState.PUBLISHED, CallState.OPEN),
            form=CorrectForm,
            check=refuse_correction,
            icon="edit_calendar",
            explain=gettext_lazy(
                "For dates that were mistyped: they may be moved earlier too, as long as no application has been "
                "submitted. Everyone with a draft is told."
            ),
            done=gettext_lazy("The dates were corrected."),
        ),
        Act(
            "open",
            open_call,
            icon="lock_open",
            explain=gettext_lazy("Opens the call now instead of at its minute."),
            done=gettext_lazy("The call is open."),
        ),
        Act(
            "close",
            close_call,
            icon="lock",
            danger=True,
            explain=gettext_lazy(
                "Closes the call now, before its minute. Drafts can no longer be submitted, unless an extension is "
                "granted for one of them."
            ),
            done=gettext_lazy("The call is closed."),
        ),
        Act(
            "cancel",
            cancel_call,
            form=CancelForm,
            icon="cancel",
            danger=True,
            explain=gettext_lazy("Gives the call up for good. It disappears from the portal."),
            done=gettext_lazy("The call was cancelled."),
        ),
        Act(
            "copy",
            copy_call,
            label=gettext_lazy("Copy"),
            rule="funding.copy_call",
            form=CopyForm,
            icon="content_copy",
            initial=_copy_initial,
            explain=gettext_lazy("Makes a new draft with the same text, form, rules, stages and notices."),
            after=lambda call, copy: reverse("admin:funding_call_check", args=[copy.pk]),
            done=gettext_lazy("The copy is a draft: look it over and publish it."),
        ),
        Act(
            "standard",
            standard_call,
            on="list",
            label=gettext_lazy("New call from the standard form"),
            rule="funding.build_call",
            form=StandardForm,
            icon="library_add",
            explain=gettext_lazy(
                "Makes a draft of the “AI + BT” concept-validation call in both languages: text, form, rules, stages, "
                "rubric. Change what you like, then publish it."
            ),
            done=gettext_lazy("The draft is ready: look it over and publish it."),
        ),
    ]
    state_shown = state_label(label=gettext_lazy("state"))
    title_both = both_languages("title")
    summary_both = both_languages("summary")
    body_both = both_languages("body")
    budget_fen_yuan = money("budget_fen", gettext_lazy("budget"))
    min_amount_fen_yuan = money("min_amount_fen", gettext_lazy("smallest amount"))
    max_amount_fen_yuan = money("max_amount_fen", gettext_lazy("largest amount"))

    def get_readonly_fields(self, request: HttpRequest, obj: Call | None = None) -> Any:
        fields = list(super().get_readonly_fields(request, obj))
        if obj is not None and obj.state != CallState.DRAFT:
            fields += [*FIXED, *SHOWN_AS.values()]
        return fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.state != CallState.DRAFT:
            groups: Any = self.fieldsets
            return [(name, {**options, "fields": _shown(options["fields"])}) for name, options in groups]
        found = super().get_fieldsets(request, obj)
        # A new call has no record yet.
        return found if obj is not None else found[:-1]

    @admin.display(description=gettext_lazy("who may apply"))
    def applicants_shown(self, obj: Call) -> str:
        return applicants_text(obj.applicants)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        obj = kwargs.get("obj")
        if obj is not None:
            context |= {
                "steps": steps_of(self, obj, "change"),
                "call": obj,
                "is_draft": obj.state == CallState.DRAFT,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        if "_continue" in request.POST or "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, _("The call is a draft. Build its form next."))
        return HttpResponseRedirect(self.address("form", obj.pk))
