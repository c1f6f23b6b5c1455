"""What every kind of question can do, and the small tools that the kinds share. No database here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from park_portal.core.errors import DomainError, Problem, Text
from park_portal.core.text import clean

Settings = Mapping[str, Any]

# Nothing a person writes is longer; a text beyond it is a mistake or an attack and is not even counted.
LONGEST_TEXT: Final = 200_000
MOST_CHOICES: Final = 100
# Marks and invisible joiners belong to the character before them.
_NOT_COUNTED: Final = frozenset({"Mn", "Mc", "Me", "Cf", "Cc"})
_KEY: Final = re.compile(r"^[a-z][a-z0-9_]{0,39}$")


def count_characters(text: str) -> int:
    """Return the length of ``text`` as 字符数(不计空格): every visible character is one, blanks and breaks are none.

    A Chinese character, a Latin letter, a digit and a punctuation mark count one each, however many bytes or UTF-16
    units they take; combining marks and joiners count nothing. The counter in the browser does the same.
    """
    if text.isascii():
        return sum(map(len, text.split()))
    category = unicodedata.category
    return sum(1 for char in text if not char.isspace() and category(char) not in _NOT_COUNTED)


def in_language(texts: Mapping[str, str] | str | None, language: str | None = None) -> str:
    """Return the text of ``{"zh": …, "en": …}`` in ``language`` (the reader's, if omitted), else the other one."""
    if not texts:
        return ""
    if isinstance(texts, str):
        return texts
    first, second = (
        ("zh", "en") if (language or get_language() or "zh-hans").startswith("zh") else ("en", "zh")
    )
    return texts.get(first) or texts.get(second) or ""


def check_storable(text: str) -> None:
    """Raise ``DomainError`` for what PostgreSQL or UTF-8 cannot hold: null bytes and halves of a surrogate pair."""
    if "\x00" in text:
        raise DomainError(
            _("The text holds a null character, which cannot be stored. Remove it and save again.")
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DomainError(_("The text holds a broken character. Remove it and save again.")) from error


def tidy(raw: Any) -> str:
    """Return what was typed with line ends made alike, control characters dropped and outer blanks cut off.

    Raises ``DomainError`` for anything that is not text or cannot be stored.
    """
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise DomainError(_("This is not a text."), code="type")
    text = str(raw)
    if len(text) > LONGEST_TEXT:
        raise DomainError(
            _("This text has %(count)s characters, more than can be stored. Shorten it and save again.")
            % {"count": f"{len(text):,}"},
            code="too_long",
        )
    check_storable(text)
    return clean(text).strip()


def half_width(text: str) -> str:
    """Return ``text`` with full-width digits and signs as a Chinese input method gives them made half-width."""
    return unicodedata.normalize("NFKC", text)


def is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value is False


# Settings that questions of every kind know: one that names the applicant is hidden from reviewers of double-blind stages.
COMMON: Final[dict[str, Any]] = {"names_applicant": False}


class QuestionType:
    """One kind of question: reads what was typed, says what is wrong with it, shows it.

    A value is JSON: what ``clean`` returned and ``Answer.value`` holds; None when there is no answer.
    """

    kind: ClassVar[str]
    # Settings the kind knows, with their defaults; any other key in a configuration is a mistake.
    defaults: ClassVar[dict[str, Any]] = {}
    # The names of the applicant's team can be blacked out in it.
    redactable: ClassVar[bool] = False
    # The answer takes part in the label's <fieldset>, not in one <input>.
    grouped: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        cls.defaults = {**cls.defaults, **COMMON}

    @property
    def widget_template(self) -> str:
        return f"funding/questions/{self.kind}.html"

    def setting(self, settings: Settings, name: str) -> Any:
        """Return one setting, or its default where neither bank nor call gives one."""
        value = settings.get(name)
        return self.defaults[name] if value is None or value == "" else value

    def from_post(self, data: Any, prefix: str) -> Any:
        """Return what a form posted for the field ``prefix`` (a ``QueryDict``), as ``clean`` takes it."""
        return data.get(prefix)

    def clean(self, raw: Any, settings: Settings) -> Any:
        """Return the value that ``raw`` means, None when it is empty; raise ``DomainError`` when it means nothing.

        What can be stored but is not acceptable yet (too long, too few) is left to ``problems``, so that a draft is
        never lost.
        """
        raise NotImplementedError

    def problems(self, value: Any, settings: Settings, *, required: bool) -> list[Text]:
        """Return what stands against submitting ``value``, in the order in which it is met."""
        if is_empty(value):
            return [self.missing()] if required else []
        return self.check(value, settings)

    def missing(self) -> Text:
        return _("Answer this question.")

    def check(self, value: Any, settings: Settings) -> list[Text]:
        """Return what is wrong with a value that is there."""
        return []

    def text(self, value: Any, settings: Settings, language: str) -> str:
        """Return the value as plain text in ``language``, for PDF, Excel and comparing versions."""
        return "" if is_empty(value) else str(value)

    def raw(self, value: Any, settings: Settings) -> Any:
        """Return the value as it stands in the input field."""
        return "" if value is None else value

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        """Return what the widget template of this kind needs beside the common names."""
        return {}

    def display(self, value: Any, settings: Settings) -> dict[str, Any]:
        """Return what the display template of this kind needs beside ``value`` and ``text``."""
        return {}

    def blinded(self, value: Any, settings: Settings) -> tuple[Any, Settings] | None:
        """Return (value, settings) as reviewers who must not know who applies see them; None when they see nothing."""
        return None if settings.get("names_applicant") else (value, settings)

    def redacted(self, value: Any, settings: Settings, black_out: Callable[[str], str]) -> Any:
        """Return ``value`` with ``black_out`` applied to the texts in it."""
        return value

    def check_config(self, config: Settings) -> list[Problem]:
        """Return what is wrong with the settings of a question of this kind."""
        found = [
            Problem(_("“%(name)s” is not a setting of this kind of question.") % {"name": name}, field=name)
            for name in config
            if name not in self.defaults
        ]
        given = {name: value for name, value in config.items() if value is not None and value != ""}
        return found + self.check_settings({**self.defaults, **given})

    def check_settings(self, settings: Settings) -> list[Problem]:
        return []


def whole(settings: Settings, name: str, low: int, high: int, label: Text) -> list[Problem]:
    """Return a problem unless the setting is None or a whole number from ``low`` to ``high``."""
    value = settings.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and low <= value <= high):
        return []
    message = _("%(label)s: enter a whole number from %(low)s to %(high)s.")
    return [Problem(message % {"label": label, "low": low, "high": high}, field=name)]


def in_order(settings: Settings, low: str, high: str) -> list[Problem]:
    """Return a problem when the lower limit lies above the upper one."""
    smallest, largest = settings.get(low), settings.get(high)
    if type(smallest) is type(largest) is int and smallest > largest:
        return [Problem(_("The lower limit lies above the upper one."), field=low)]
    return []


def check_texts(texts: Any, label: Text, field: str) -> list[Problem]:
    """Return a problem for each language of ``{"zh": …, "en": …}`` that is missing."""
    if not isinstance(texts, Mapping):
        return [Problem(_("%(label)s: write it in both languages.") % {"label": label}, field=field)]
    names = {
        "zh": _("%(label)s: the Chinese text is missing."),
        "en": _("%(label)s: the English text is missing."),
    }
    return [
        Problem(message % {"label": label}, field=field)
        for code, message in names.items()
        if not str(texts.get(code) or "").strip()
    ]


def check_choices(choices: Any, field: str = "choices") -> list[Problem]:
    """Return what is wrong with a list of ``{"value", "zh", "en"}``."""
    if not isinstance(choices, Sequence) or isinstance(choices, str) or len(choices) < 2:
        return [Problem(_("Give at least two choices."), field=field)]
    if len(choices) > MOST_CHOICES:
        return [Problem(_("At most 100 choices."), field=field)]
    found: list[Problem] = []
    seen: set[str] = set()
    said: set[tuple[str, str]] = set()
    for choice in choices:
        if not isinstance(choice, Mapping):
            found.append(Problem(_("Give each choice a value and its text in both languages."), field=field))
            continue
        value = str(choice.get("value") or "")
        if not is_key(value):
            found.append(Problem(not_a_value(value), field=field))
        if value in seen:
            found.append(Problem(_("The value “%(value)s” is there twice.") % {"value": value}, field=field))
        seen.add(value)
        found += check_texts(choice, value, field)
        texts = {(code, as_read(choice.get(code))): choice.get(code) for code in ("zh", "en")}
        found += [
            Problem(twice(text), field=field) for read, text in texts.items() if read[1] and read in said
        ]
        said |= texts.keys()
    return found


def as_read(text: Any) -> str:
    """Return what tells the texts of two choices apart: neither blanks nor the case of letters do."""
    return "".join(str(text or "").split()).casefold()


def twice(text: Any) -> Text:
    """Return what is said of a choice whose text another one has."""
    return _("“%(text)s” is the text of another choice too.") % {"text": text}


def is_key(text: str) -> bool:
    """Return whether ``text`` may name a choice or a column."""
    return bool(_KEY.match(text))


def not_a_key(text: str) -> Text:
    """Return what is said of a text that cannot name a column."""
    message = _("“%(value)s” cannot be a key: lower-case letters, digits and _, beginning with a letter.")
    return message % {"value": text}


def not_a_value(text: str) -> Text:
    """Return what is said of a text that cannot name a choice."""
    message = _("“%(value)s” cannot be a value: lower-case letters, digits and _, beginning with a letter.")
    return message % {"value": text}


def choice_labels(choices: Iterable[Mapping[str, str]], language: str | None = None) -> dict[str, str]:
    """Return {value: label} in ``language``, in the order of the configuration."""
    return {choice["value"]: in_language(choice, language) for choice in choices}
