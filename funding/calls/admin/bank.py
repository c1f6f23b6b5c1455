"""The bank of questions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.calls import building
from funding.calls.forms import BankForm, config_fields
from funding.calls.models import Question
from park_portal.core.admin import StaffAdmin, dress


class DressedBankForm(BankForm):
    """The bank's form in the admin's look."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@admin.register(Question)
class QuestionAdmin(StaffAdmin):
    form = DressedBankForm
    create = building.add_to_bank
    update = building.change_bank_question
    view_rule = "funding.see_calls"
    add_rule = "funding.build_call"
    change_rule = "funding.edit_call_texts"
    list_display = ["label", "key", "kind", "used", "retired"]
    list_display_links = ["label", "key"]
    list_filter = ["kind", "retired"]
    search_fields = ["key", "label_zh_hans", "label_en"]
    search_help_text = gettext_lazy("Key or question")
    ordering = ["key"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).annotate(uses_count=models.Count("uses"))

    @admin.display(description=gettext_lazy("calls using it"), ordering="uses_count")
    def used(self, obj: Any) -> int:
        return int(obj.uses_count)

    def get_readonly_fields(self, request: HttpRequest, obj: Question | None = None) -> Any:
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "key", "kind"] if obj is not None else fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        first = (
            None,
            {"fields": ["key", "kind", ("label_zh_hans", "label_en"), ("help_zh_hans", "help_en")]},
        )
        if obj is None:
            note = gettext_lazy("The settings of the question follow once it is stored.")
            return [(None, {**first[1], "description": note})]
        settings = list(config_fields(obj.kind)) if self.has_change_permission(request, obj) else []
        found: list[Any] = [first]
        if settings:
            found.append((gettext_lazy("Settings"), {"fields": settings}))
        found.append((gettext_lazy("Use"), {"fields": ["retired"]}))
        return found

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None and self.has_change_permission(request, obj):
            kwargs["form"] = type("BankFormOfKind", (DressedBankForm,), dict(config_fields(obj.kind)))
        return super().get_form(request, obj, change, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A question that is no longer asked is retired: earlier answers are found by its key.
        return False

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, _("The question is in the bank. Set it up next."))
        return HttpResponseRedirect(self.address("change", obj.pk))
