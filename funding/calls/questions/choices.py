"""Questions answered by choosing from a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from funding.calls.questions.base import (
    QuestionType,
    Settings,
    check_choices,
    choice_labels,
    in_order,
    tidy,
    whole,
)
from funding.calls.states import QuestionKind
from park_portal.core.errors import DomainError, Problem, Text


def foreign() -> DomainError:
    return DomainError(_("This is not one of the choices. Reload the page and choose again."), code="choice")


class SingleChoice(QuestionType):
    kind = QuestionKind.SINGLE_CHOICE
    grouped = True
    defaults = {"choices": []}

    def clean(self, raw: Any, settings: Settings) -> str | None:
        value = tidy(raw) if raw is not None else ""
        if not value:
            return None
        if value not in choice_labels(settings.get("choices", [])):
            raise foreign()
        return value

    def text(self, value: Any, settings: Settings, language: str) -> str:
        if value is None:
            return ""
        return choice_labels(settings.get("choices", []), language).get(value, str(value))

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        return {
            "options": [
                {"value": value, "label": label, "chosen": value == raw}
                for value, label in choice_labels(settings.get("choices", [])).items()
            ]
        }

    def check_settings(self, settings: Settings) -> list[Problem]:
        return check_choices(settings.get("choices"))


class MultipleChoice(QuestionType):
    """Several of a list, kept in the order of the list."""

    kind = QuestionKind.MULTIPLE_CHOICE
    grouped = True
    # ``exclusive`` is the choice that says none of the others holds.
    defaults = {"choices": [], "min_chosen": None, "max_chosen": None, "exclusive": None}

    def from_post(self, data: Any, prefix: str) -> list[str]:
        return list(data.getlist(prefix))

    def clean(self, raw: Any, settings: Settings) -> list[str] | None:
        if raw is None or raw == "":
            return None
        if not isinstance(raw, list | tuple):
            raw = [raw]
        labels = choice_labels(settings.get("choices", []))
        if len(raw) > 100:
            raise foreign()
        chosen = {tidy(item) for item in raw} - {""}
        if not chosen <= labels.keys():
            raise foreign()
        return [value for value in labels if value in chosen] or None

    def check(self, value: Any, settings: Settings) -> list[Text]:
        low, high = settings.get("min_chosen"), settings.get("max_chosen")
        if low and len(value) < low:
            message = ngettext_lazy("Choose at least one.", "Choose at least %(count)s.", "count")
            return [message % {"count": low}]
        if high and len(value) > high:
            message = ngettext_lazy("Choose at most one.", "Choose at most %(count)s.", "count")
            return [message % {"count": high}]
        alone = settings.get("exclusive")
        if alone is not None and alone in value and len(value) > 1:
            label = choice_labels(settings.get("choices", [])).get(alone, alone)
            return [
                _("Choose either “%(choice)s” or what applies, not both.") % {"choice": label},
            ]
        return []

    def text(self, value: Any, settings: Settings, language: str) -> str:
        labels = choice_labels(settings.get("choices", []), language)
        between = "、" if language.startswith("zh") else "; "
        return between.join(labels.get(item, str(item)) for item in value or [])

    def raw(self, value: Any, settings: Settings) -> list[str]:
        return value or []

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        chosen = raw if isinstance(raw, list | tuple) else [raw]
        return {
            "options": [
                {"value": value, "label": label, "chosen": value in chosen}
                for value, label in choice_labels(settings.get("choices", [])).items()
            ]
        }

    def display(self, value: Any, settings: Settings) -> dict[str, Any]:
        labels = choice_labels(settings.get("choices", []))
        return {"chosen": [labels.get(item, item) for item in value or []]}

    def check_settings(self, settings: Settings) -> list[Problem]:
        return [
            *check_choices(settings.get("choices")),
            *whole(settings, "min_chosen", 0, 100, _("fewest choices")),
            *whole(settings, "max_chosen", 1, 100, _("most choices")),
            *in_order(settings, "min_chosen", "max_chosen"),
            *self._check_exclusive(settings),
        ]

    @staticmethod
    def _check_exclusive(settings: Settings) -> list[Problem]:
        alone, choices = settings.get("exclusive"), settings.get("choices")
        values = [choice.get("value") for choice in choices or () if isinstance(choice, Mapping)]
        if not alone or alone in values:
            return []
        message = _("“%(value)s” is not among the choices.") % {"value": alone}
        return [Problem(message, field="exclusive")]
