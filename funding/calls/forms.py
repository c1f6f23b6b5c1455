"""What staff type when they build a call: settings of questions in plain fields, never as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from funding.calls.checks import (
    PURPOSE_KINDS,
    VALUED_RULES,
    answers_to_wait_for,
    config_problems,
    number_keys,
)
from funding.calls.lines import KeyedLines, LinesField
from funding.calls.models import Call, CallQuestion, Criterion, EligibilityRule, Question, Section, Stage
from funding.calls.questions import type_of
from funding.calls.questions.base import (
    MOST_CHOICES,
    as_read,
    check_choices,
    is_key,
    not_a_key,
    not_a_value,
    twice,
)
from funding.calls.questions.files import EXTENSIONS
from funding.calls.questions.simple import is_number
from funding.calls.questions.tables import COLUMN_KINDS, MOST_COLUMNS, check_columns
from funding.calls.states import ApplicantKind, Blindness, CallState, Purpose, QuestionKind, RuleKind
from funding.funds.models import Fund
from incubator.organisations.models import Organisation
from park_portal.core.accounts.models import User
from park_portal.core.forms import MoneyInput, TextField
from park_portal.core.policies.models import PolicyValue

UNITS: Final = (("wan", gettext_lazy("10,000 yuan")), ("yuan", pgettext_lazy("unit", "yuan")))

# --- choices and columns -------------------------------------------------------------------------------------------


class ChoiceLine(forms.Form):
    """One choice."""

    zh = forms.CharField(label=pgettext_lazy("field in a language", "Chinese"), max_length=200)
    en = forms.CharField(label=pgettext_lazy("field in a language", "English"), max_length=200)
    value = forms.CharField(label=pgettext_lazy("choice", "value"), required=False, max_length=40)

    def clean_value(self) -> str:
        value: str = self.cleaned_data["value"]
        if value and not is_key(value):
            raise ValidationError(str(not_a_value(value)))
        return value

    def row(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("value", "zh", "en")}


class BaseChoiceLines(KeyedLines):
    key, noun = "value", "choice"

    def clean(self) -> None:
        super().clean()
        for name in ("zh", "en"):
            seen: set[str] = set()
            for line in self.forms:
                text = line.cleaned_data.get(name)
                if not text or line.cleaned_data.get("DELETE"):
                    continue
                if as_read(text) in seen:
                    line.add_error(name, str(twice(text)))
                seen.add(as_read(text))


ChoiceLines = forms.formset_factory(
    ChoiceLine, formset=BaseChoiceLines, extra=3, can_delete=True, can_order=True, max_num=MOST_CHOICES
)


class ChoicesField(LinesField):
    """Choices, a line each."""

    def __init__(self) -> None:
        super().__init__(
            ChoiceLines,
            "admin/funding/call/_rows.html",
            label=gettext_lazy("choices"),
            help_text=gettext_lazy(
                "The value is what is stored and never changes; left empty, it is made from the English text."
            ),
        )


class ColumnLine(forms.Form):
    """One column of a table."""

    zh = forms.CharField(label=pgettext_lazy("field in a language", "Chinese"), max_length=200)
    en = forms.CharField(label=pgettext_lazy("field in a language", "English"), max_length=200)
    key = forms.CharField(
        label=gettext_lazy("key"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("Answers are found by it; left empty, it is made from the English text."),
    )
    kind = forms.ChoiceField(label=gettext_lazy("kind"), choices=list(COLUMN_KINDS.items()), initial="text")
    unit = forms.ChoiceField(label=gettext_lazy("typed in"), required=False, choices=UNITS, initial="wan")
    decimals = forms.IntegerField(label=gettext_lazy("decimals"), required=False, min_value=0, max_value=6)
    min = forms.DecimalField(label=gettext_lazy("smallest"), required=False, max_digits=18, decimal_places=6)
    max = forms.CharField(
        label=gettext_lazy("largest"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("A number, or the key of a question of the form whose answer is the limit."),
    )
    choices = ChoicesField()
    required = forms.BooleanField(label=gettext_lazy("must be filled in"), required=False)
    names_applicant = forms.BooleanField(
        label=gettext_lazy("names the applicant"),
        required=False,
        help_text=gettext_lazy("Hidden from the reviewers of a double-blind stage."),
    )

    @property
    def heading(self) -> str:
        """Return what the folded line is called: its words, as stored or as typed."""
        return " · ".join(filter(None, (self["zh"].value(), self["en"].value()))) or _("New column")

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if key and not is_key(key):
            raise ValidationError(str(not_a_key(key)))
        return key

    def clean_max(self) -> int | float | str | None:
        text: str = self.cleaned_data["max"]
        if is_number(text):
            return _number_of(Decimal(text))
        if text and not is_key(text):
            raise ValidationError(_("A limit must be a number."))
        return text or None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors or not cleaned:
            return cleaned
        if cleaned["kind"] == "choice":
            for problem in check_choices(cleaned["choices"]):
                self.add_error("choices", str(problem.message))
        elif cleaned["choices"]:
            self.add_error(
                "choices", _("Only a column of choices has choices: choose this kind or remove them.")
            )
        if not self.errors:
            row = self.row()
            for problem in check_columns([{**row, "key": row["key"] or "new"}], None):
                self.add_error(None, str(problem.message))
        return cleaned

    def row(self) -> dict[str, Any]:
        """Return the column as it is stored: what its kind does not know is left out."""
        typed = self.cleaned_data
        column = {name: typed[name] for name in ("key", "kind", "zh", "en")}
        match typed["kind"]:
            case "money":
                column["unit"] = typed["unit"] or "wan"
            case "number":
                limits = {"decimals": typed["decimals"], "min": _number_of(typed["min"]), "max": typed["max"]}
                column |= {name: value for name, value in limits.items() if value is not None}
            case "choice":
                column["choices"] = typed["choices"]
        return column | {name: True for name in ("required", "names_applicant") if typed[name]}


class BaseColumnLines(KeyedLines):
    key, noun = "key", "column"


ColumnLines = forms.formset_factory(
    ColumnLine, formset=BaseColumnLines, extra=2, can_delete=True, can_order=True, max_num=MOST_COLUMNS
)


def _number_of(number: Decimal | None) -> int | float | None:
    """Return a number as settings hold it."""
    if number is None:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


# --- settings of each kind of question -----------------------------------------------------------------------------


def _number(label: Any, low: int, high: int, **kwargs: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=low, max_value=high, **kwargs)


def _amount(label: Any) -> MoneyInput:
    return MoneyInput(
        label=label, required=False, help_text=gettext_lazy("In yuan; “50 万” is understood too.")
    )


def _decimal(label: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, required=False, max_digits=18, decimal_places=6)


def _day(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=10,
        help_text=gettext_lazy("A date such as 2026-03-31, or “today”."),
    )


PREFIX: Final = "config_"


def config_fields(kind: str) -> dict[str, forms.Field]:
    """Return the form fields in which the settings of a kind of question are typed, by ``config_<setting>``."""
    fields: dict[str, forms.Field] = {}
    match kind:
        case QuestionKind.SHORT_TEXT | QuestionKind.LONG_TEXT:
            most = 500 if kind == QuestionKind.SHORT_TEXT else 20_000
            fields = {
                "min_chars": _number(gettext_lazy("fewest characters"), 0, most),
                "max_chars": _number(
                    gettext_lazy("most characters"),
                    1,
                    most,
                    help_text=gettext_lazy(
                        "Each Chinese character, letter, digit and mark counts one; blanks do not count."
                    ),
                ),
            }
            if kind == QuestionKind.LONG_TEXT:
                fields["rows"] = _number(gettext_lazy("height in lines"), 2, 40)
        case QuestionKind.NUMBER:
            fields = {
                "min": _decimal(gettext_lazy("smallest")),
                "max": _decimal(gettext_lazy("largest")),
                "decimals": _number(gettext_lazy("decimals"), 0, 6),
                "unit_zh": forms.CharField(
                    label=gettext_lazy("unit in Chinese"), required=False, max_length=20
                ),
                "unit_en": forms.CharField(
                    label=gettext_lazy("unit in English"), required=False, max_length=20
                ),
            }
        case QuestionKind.MONEY:
            fields = {
                "unit": forms.ChoiceField(label=gettext_lazy("typed in"), choices=UNITS),
                "min_fen": _amount(gettext_lazy("smallest amount")),
                "max_fen": _amount(gettext_lazy("largest amount")),
            }
        case QuestionKind.DATE:
            fields = {"earliest": _day(gettext_lazy("earliest")), "latest": _day(gettext_lazy("latest"))}
        case QuestionKind.SINGLE_CHOICE:
            fields = {"choices": ChoicesField()}
        case QuestionKind.MULTIPLE_CHOICE:
            fields = {
                "choices": ChoicesField(),
                "min_chosen": _number(gettext_lazy("fewest choices"), 0, 100),
                "max_chosen": _number(gettext_lazy("most choices"), 1, 100),
                "exclusive": forms.CharField(
                    label=gettext_lazy("choice that stands alone"),
                    required=False,
                    max_length=40,
                    help_text=gettext_lazy("Value of a choice such as “none of these”; empty: none."),
                ),
            }
        case QuestionKind.TABLE:
            fields = {
                "columns": LinesField(
                    ColumnLines, "admin/funding/call/_lines.html", label=gettext_lazy("columns")
                ),
                "total": forms.CharField(
                    label=gettext_lazy("column added up"),
                    required=False,
                    max_length=40,
                    help_text=gettext_lazy("Key of a column of money or numbers; empty: none."),
                ),
                "min_rows": _number(gettext_lazy("fewest rows"), 0, 200),
                "max_rows": _number(gettext_lazy("most rows"), 1, 200),
            }
        case QuestionKind.IP:
            fields = {
                "min_rows": _number(gettext_lazy("fewest rows"), 0, 200),
                "max_rows": _number(gettext_lazy("most rows"), 1, 200),
            }
        case QuestionKind.FILES:
            fields = {
                "extensions": forms.MultipleChoiceField(
                    label=gettext_lazy("kinds of files"),
                    choices=[(name, name) for name in EXTENSIONS],
                    widget=forms.CheckboxSelectMultiple,
                ),
                "min_files": _number(gettext_lazy("fewest files"), 0, 50),
                "max_files": _number(gettext_lazy("most files"), 1, 50),
                "max_mb": _number(gettext_lazy("size of a file (MB)"), 1, 200),
            }
        case QuestionKind.TRL:
            fields = {
                "min": _number(gettext_lazy("lowest level"), 1, 9),
                "max": _number(gettext_lazy("highest level"), 1, 9),
                "not_below": forms.CharField(
                    label=gettext_lazy("not below the level of"),
                    required=False,
                    max_length=40,
                    help_text=gettext_lazy("Key of another question about the level; empty: none."),
                ),
            }
        case QuestionKind.CONSENT:
            area = forms.Textarea(attrs={"rows": 6})
            fields = {
                "statement_zh": TextField(
                    label=gettext_lazy("statement in Chinese"), widget=area, max_length=4000
                ),
                "statement_en": TextField(
                    label=gettext_lazy("statement in English"), widget=area, max_length=4000
                ),
            }
    fields["names_applicant"] = forms.BooleanField(
        label=gettext_lazy("names the applicant"),
        required=False,
        help_text=gettext_lazy("Hidden from the reviewers of a double-blind stage."),
    )
    return {f"{PREFIX}{name}": field for name, field in fields.items()}


def config_initial(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first values of ``config_fields`` for stored settings."""
    whole = {**type_of(kind).defaults, **{key: value for key, value in config.items() if value is not None}}
    values: dict[str, Any] = {}
    for name, value in whole.items():
        if name in ("unit", "statement") and kind != QuestionKind.MONEY:
            texts = value or {}
            values[f"{name}_zh"], values[f"{name}_en"] = texts.get("zh", ""), texts.get("en", "")
        else:
            values[name] = value
    return {f"{PREFIX}{name}": value for name, value in values.items()}


def config_read(kind: str, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the cleaned ``config_fields`` mean; what equals the default is left out."""
    typed = {name.removeprefix(PREFIX): value for name, value in cleaned.items() if name.startswith(PREFIX)}
    defaults = type_of(kind).defaults
    config: dict[str, Any] = {}
    for name, default in defaults.items():
        if name in ("unit", "statement") and kind != QuestionKind.MONEY:
            zh, en = typed.get(f"{name}_zh") or "", typed.get(f"{name}_en") or ""
            value: Any = {"zh": zh, "en": en} if zh or en else None
        else:
            value = typed.get(name)
        if isinstance(value, Decimal):
            value = _number_of(value)
        if value in (None, "") or value == default:
            continue
        config[name] = value
    return config


class ConfigMixin:
    """Shows the settings of one kind of question as fields and reads them back as ``cleaned_data["config"]``."""

    fields: dict[str, forms.Field]
    initial: Any

    def show_config(self, kind: str, config: Mapping[str, Any]) -> None:
        self.kind = kind
        self.fields.update(config_fields(kind))
        self.initial.update(config_initial(kind, config))

    def read_config(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """Replace the fields of settings in ``cleaned`` by ``config``, with errors beside the fields."""
        if any(name.startswith(PREFIX) for name in self.errors):  # type: ignore[attr-defined]
            return cleaned
        config = config_read(self.kind, cleaned)
        for problem in type_of(self.kind).check_config(config):
            name = f"{PREFIX}{problem.field}"
            if name not in self.fields:
                name = f"{name}_zh"
            self.add_error(name if name in self.fields else None, str(problem.message))  # type: ignore[attr-defined]
        kept = {name: value for name, value in cleaned.items() if not name.startswith(PREFIX)}
        return {**kept, "config": config}


class BankForm(ConfigMixin, forms.ModelForm):
    """A question of the bank; its settings appear once its kind is stored."""

    class Meta:
        model = Question
        fields = ("key", "kind", "label_zh_hans", "label_en", "help_zh_hans", "help_en", "retired")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("label_zh_hans", "label_en"):
            if name in self.fields:
                self.fields[name].required = True
        if self.instance.pk:
            self.show_config(self.instance.kind, self.instance.config)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk and hasattr(self, "kind"):
            cleaned = self.read_config(cleaned)
        return cleaned

    @property
    def changed_data(self) -> list[str]:
        """Say ``config`` where one of its fields changed: that is the column a service stores."""
        names = super().changed_data
        own = [name for name in names if not name.startswith(PREFIX)]
        return [*own, "config"] if len(own) < len(names) else own


class CallQuestionForm(ConfigMixin, forms.Form):
    """How one question stands in one call's form."""

    section: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=gettext_lazy("section"), queryset=Section.objects.none()
    )
    required = forms.BooleanField(label=gettext_lazy("required"), required=False)
    reviewers_see = forms.BooleanField(label=gettext_lazy("reviewers see it"), required=False)
    redacted = forms.BooleanField(
        label=gettext_lazy("names are blacked out"),
        required=False,
        help_text=gettext_lazy(
            "For the reviewers of a double-blind stage: names, addresses, telephone numbers and organisations of the "
            "applicant's team are shown as ■■■."
        ),
    )
    purpose = forms.ChoiceField(
        label=gettext_lazy("read as"),
        required=False,
        help_text=gettext_lazy("What the portal itself takes this answer for."),
    )
    condition_on: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=gettext_lazy("only if"),
        queryset=CallQuestion.objects.none(),
        required=False,
        empty_label=gettext_lazy("always asked"),
        help_text=gettext_lazy("A question that comes earlier in the form."),
    )
    condition_value = forms.CharField(
        label=gettext_lazy("is answered"),
        required=False,
        max_length=80,
        help_text=gettext_lazy("The value of the choice; empty: anything."),
    )
    own_label_zh_hans = forms.CharField(
        label=gettext_lazy("question in this call, in Chinese"), required=False, max_length=200
    )
    own_label_en = forms.CharField(
        label=gettext_lazy("question in this call, in English"), required=False, max_length=200
    )
    help_zh_hans = TextField(
        label=gettext_lazy("help in this call, in Chinese"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    help_en = TextField(
        label=gettext_lazy("help in this call, in English"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self, *args: Any, question: CallQuestion, earlier: list[CallQuestion], **kwargs: Any
    ) -> None:
        names = (
            "section",
            "required",
            "reviewers_see",
            "redacted",
            "purpose",
            "condition_on",
            "condition_value",
            "own_label_zh_hans",
            "own_label_en",
            "help_zh_hans",
            "help_en",
        )
        kwargs["initial"] = {name: getattr(question, name) for name in names}
        super().__init__(*args, **kwargs)
        self.question = question
        self.fields["section"].queryset = question.call.sections.all()  # type: ignore[attr-defined]
        on = self.fields["condition_on"]
        on.queryset = CallQuestion.objects.filter(  # type: ignore[attr-defined]
            pk__in=[row.pk for row in earlier]
        ).select_related("question")
        self.fields["purpose"].choices = [  # type: ignore[attr-defined]
            (value, label)
            for value, label in Purpose.choices
            if not value or question.kind in PURPOSE_KINDS[value]
        ]
        for own, there in (("own_label", "label"), ("help", "help")):
            for code in ("zh_hans", "en"):
                bank = getattr(question.question, f"{there}_{code}") or ""
                self.fields[f"{own}_{code}"].widget.attrs["placeholder"] = bank
        values = sorted({value for row in earlier for value in answers_to_wait_for(row)})
        self.known_values = values
        if not type_of(question.kind).redactable:
            del self.fields["redacted"]
        self.show_config(question.kind, question.settings)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        on, value = cleaned.get("condition_on"), cleaned.get("condition_value")
        if on is not None and value:
            known = answers_to_wait_for(on)
            if known and value not in known:
                self.add_error(
                    "condition_value",
                    _("“%(on)s” can be answered with: %(values)s.")
                    % {"on": on.label, "values": ", ".join(known)},
                )
        self.cleaned_data = self.read_config(cleaned)
        if self.kind == QuestionKind.TABLE and not self.errors:
            numbers = number_keys(self.question.call)
            for problem in config_problems(self.kind, self.cleaned_data["config"], numbers):
                self.add_error(f"{PREFIX}{problem.field}", str(problem.message))
        return self.cleaned_data


class SectionForm(forms.Form):
    """The heading of a section."""

    title_zh_hans = forms.CharField(label=gettext_lazy("title in Chinese"), max_length=120)
    title_en = forms.CharField(label=gettext_lazy("title in English"), max_length=120)


class RuleForm(forms.Form):
    """One eligibility rule."""

    kind = forms.ChoiceField(label=gettext_lazy("rule"), choices=RuleKind.choices)
    applies_to = forms.ChoiceField(
        label=gettext_lazy("for"),
        required=False,
        choices=[("", gettext_lazy("every applicant")), *ApplicantKind.choices],
    )
    value = forms.DecimalField(
        label=gettext_lazy("value"), required=False, max_digits=14, decimal_places=2, min_value=0
    )
    policy_key = forms.ChoiceField(
        label=gettext_lazy("or from the policy"),
        required=False,
        help_text=gettext_lazy("Takes its value and source from the dated rules."),
    )
    organisation: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=gettext_lazy("university"), required=False, queryset=Organisation.objects.none()
    )
    source = forms.CharField(
        label=gettext_lazy("source"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Where it says so: the call itself, a law, a policy document."),
    )

    def __init__(self, *args: Any, rule: EligibilityRule | None = None, **kwargs: Any) -> None:
        if rule is not None:
            names = ("kind", "applies_to", "value", "policy_key", "organisation", "source")
            kwargs["initial"] = {name: getattr(rule, name) for name in names}
        super().__init__(*args, **kwargs)
        policies = PolicyValue.objects.order_by("key").values_list("key", "label").distinct()
        self.fields["policy_key"].choices = [  # type: ignore[attr-defined]
            ("", gettext_lazy("none")),
            *((key, f"{label} ({key})") for key, label in policies),
        ]
        universities = Organisation.objects.universities().in_use()
        self.fields["organisation"].queryset = universities  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind = cleaned.get("kind")
        if kind in VALUED_RULES and cleaned.get("value") is None and not cleaned.get("policy_key"):
            self.add_error("value", _("This rule needs a value or a policy."))
        if cleaned.get("value") is not None and cleaned.get("policy_key"):
            self.add_error("policy_key", _("Give either a value or a policy, not both."))
        if kind == "of_university" and cleaned.get("organisation") is None:
            self.add_error("organisation", _("Name the university."))
        return cleaned


class StageForm(forms.ModelForm):
    """One stage: what it is called, who acts, how many, until when, what completes it."""

    class Meta:
        model = Stage
        fields = (
            "name_zh_hans",
            "name_en",
            "instructions_zh_hans",
            "instructions_en",
            "working_days",
            "acts",
            "required_count",
            "completion",
            "on_negative",
            "blindness",
        )
        widgets = {
            "instructions_zh_hans": forms.Textarea(attrs={"rows": 3}),
            "instructions_en": forms.Textarea(attrs={"rows": 3}),
        }
        labels = {
            "name_zh_hans": gettext_lazy("name in Chinese"),
            "name_en": gettext_lazy("name in English"),
            "instructions_zh_hans": gettext_lazy("instructions in Chinese"),
            "instructions_en": gettext_lazy("instructions in English"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("name_zh_hans", "name_en"):
            self.fields[name].required = True


class CriterionForm(forms.ModelForm):
    """One line of a rubric or checklist."""

    class Meta:
        model = Criterion
        fields = (
            "kind",
            "label_zh_hans",
            "label_en",
            "help_zh_hans",
            "help_en",
            "weight",
            "max_score",
            "allow_na",
        )
        widgets = {
            "help_zh_hans": forms.Textarea(attrs={"rows": 2}),
            "help_en": forms.Textarea(attrs={"rows": 2}),
        }
        labels = {
            "label_zh_hans": gettext_lazy("criterion in Chinese"),
            "label_en": gettext_lazy("criterion in English"),
            "help_zh_hans": gettext_lazy("help in Chinese"),
            "help_en": gettext_lazy("help in English"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("label_zh_hans", "label_en"):
            self.fields[name].required = True

    @property
    def heading(self) -> str:
        """Return what the folded line is called: its words, as stored or as typed."""
        return self["label_zh_hans"].value() or _("New criterion")


class TextForm(forms.Form):
    """The call's own text of one kind of notice."""

    subject_zh_hans = forms.CharField(
        label=gettext_lazy("subject in Chinese"), required=False, max_length=200
    )
    body_zh_hans = TextField(
        label=gettext_lazy("text in Chinese"),
        required=False,
        max_length=10000,
        widget=forms.Textarea(attrs={"rows": 12}),
    )
    subject_en = forms.CharField(label=gettext_lazy("subject in English"), required=False, max_length=200)
    body_en = TextField(
        label=gettext_lazy("text in English"),
        required=False,
        max_length=10000,
        widget=forms.Textarea(attrs={"rows": 12}),
    )


# --- acts ----------------------------------------------------------------------------------------------------------


class NewTimes(forms.Form):
    """Code and times of a new call."""

    code = forms.CharField(
        label=gettext_lazy("code"),
        max_length=24,
        help_text=gettext_lazy("Begins the number of each application: AIBT-2026 gives AIBT-2026-0001."),
    )
    opens_at = forms.DateTimeField(
        label=gettext_lazy("opens"), widget=forms.DateTimeInput, help_text=gettext_lazy("Asia/Shanghai")
    )
    closes_at = forms.DateTimeField(
        label=gettext_lazy("closes"), widget=forms.DateTimeInput, help_text=gettext_lazy("Asia/Shanghai")
    )


class CopyForm(NewTimes):
    """A new call like an earlier one."""


class StandardForm(NewTimes):
    """A new call with the standard form."""

    fund: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=gettext_lazy("fund"), queryset=Fund.objects.filter(active=True)
    )
    lead = forms.ModelChoiceField(
        label=gettext_lazy("staff lead"),
        queryset=User.objects.filter(is_staff=True, is_active=True),
        help_text=gettext_lazy("Is told when something is overdue."),
    )
    university: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=gettext_lazy("research teams of"),
        required=False,
        queryset=Organisation.objects.filter(kind="university"),
        empty_label=gettext_lazy("any university"),
    )
    experts = forms.IntegerField(
        label=gettext_lazy("expert reviews each"), min_value=1, max_value=9, initial=3
    )
    blindness = forms.TypedChoiceField(
        label=gettext_lazy("who sees whom"),
        choices=Blindness.choices,
        initial=Blindness.SINGLE,
        required=False,
        empty_value=Blindness.SINGLE,
    )
    panel = forms.BooleanField(label=gettext_lazy("with a panel"), required=False)
    diligence = forms.BooleanField(label=gettext_lazy("with due diligence"), required=False)
    notice = forms.BooleanField(label=gettext_lazy("with a public notice"), required=False, initial=True)

    field_order = ("code", "fund", "lead", "opens_at", "closes_at")


class ExtendForm(forms.Form):
    """A later closing minute and why."""

    needs_object = True
    closes_at = forms.DateTimeField(
        label=gettext_lazy("new closing minute"),
        widget=forms.DateTimeInput,
        help_text=gettext_lazy("Asia/Shanghai"),
    )
    reason = forms.CharField(
        label=gettext_lazy("reason"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Sent to everyone with a draft."),
    )

    def __init__(self, *args: Any, obj: Call | None = None, user: Any = None, **kwargs: Any) -> None:
        if obj is not None:
            kwargs.setdefault("initial", {"closes_at": obj.closes_at})
        super().__init__(*args, **kwargs)


class CorrectForm(ExtendForm):
    """The right minutes of a call whose dates were mistyped; one that has opened keeps its opening minute."""

    opens_at = forms.DateTimeField(
        label=gettext_lazy("opens"), widget=forms.DateTimeInput, help_text=gettext_lazy("Asia/Shanghai")
    )
    closes_at = forms.DateTimeField(
        label=gettext_lazy("closes"), widget=forms.DateTimeInput, help_text=gettext_lazy("Asia/Shanghai")
    )
    field_order = ("opens_at", "closes_at", "reason")

    def __init__(self, *args: Any, obj: Call | None = None, user: Any = None, **kwargs: Any) -> None:
        if obj is not None:
            kwargs.setdefault("initial", {"opens_at": obj.opens_at, "closes_at": obj.closes_at})
        super().__init__(*args, obj=obj, user=user, **kwargs)
        if obj is not None and obj.state != CallState.PUBLISHED:
            del self.fields["opens_at"]


class CancelForm(forms.Form):
    """Why a call is given up."""

    reason = forms.CharField(
        label=gettext_lazy("reason"),
        required=False,
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Required once the call was announced: people are told."),
    )
