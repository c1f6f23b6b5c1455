"""The small parts that every question is drawn with; ``q`` is what ``funding.calls.questions.present`` returns.

Written here and not as templates: a form has dozens of questions, a rubric a hundred options, each a few words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django import template
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from funding.applications.redaction import MARK
from park_portal.core.text import escape

register = template.Library()

Question = Mapping[str, Any]


@register.simple_tag
def ask_attributes(ask: Any) -> SafeString:
    """Show what the frame of one question of a form has: its name, and what the scripts read there."""
    known = f'data-kind="{escape(ask.q["kind"])}" data-label="{escape(ask.q["label"])}"'
    on = (
        f' data-on="{escape(ask.condition_on)}" data-is="{escape(ask.condition_value)}"'
        if ask.condition_on
        else ""
    )
    return SafeString(
        f'class="{"ask" if ask.editable else "ask is-fixed"}" id="ask-{escape(ask.key)}" data-ask="{escape(ask.key)}"'
        f' {known} data-revision="{escape(ask.revision)}" data-purpose="{escape(ask.purpose)}"{on}'
        f"{' hidden' if ask.hidden else ''}"
    )


@register.simple_tag
def question_open(q: Question, group: str = "") -> SafeString:
    """Begin a question: its frame, its label, its help. With ``group`` it is answered in several inputs."""
    marks = f'class="question" data-question="{escape(q["key"])}" data-kind="{escape(q["kind"])}"'
    label, name = f"{escape(q['label'])}{question_mark(q)}", escape(q["id"])
    if not group:
        head = f'<div {marks}><label class="form-label" for="{name}">{label}</label>'
    else:
        described = f' aria-describedby="{escape(q["described_by"])}"' if q["described_by"] else ""
        off = " disabled" if q["disabled"] else ""
        head = (
            f'<fieldset {marks} id="{name}" tabindex="-1"{described}{off}>'
            f'<legend class="form-label">{label}</legend>'
        )
    return SafeString(f"{head}{question_help(q)}")


@register.simple_tag
def question_close(q: Question, group: str = "") -> SafeString:
    """End what ``question_open`` began: what is wrong with the answer stands last."""
    return SafeString(f"{question_problems(q)}{'</fieldset>' if group else '</div>'}")


@register.simple_tag
def question_attributes(q: Question) -> SafeString:
    """Show the attributes that an input has whatever its kind. Never ``required``: a draft is saved with gaps."""
    described = f' aria-describedby="{escape(q["described_by"])}"' if q["described_by"] else ""
    flags = [
        (' aria-required="true"', q["required"]),
        (' aria-invalid="true"', q["problems"]),
        (" disabled", q["disabled"]),
    ]
    own = "".join(text for text, wanted in flags if wanted)
    return SafeString(f'id="{escape(q["id"])}" name="{escape(q["name"])}"{described}{own}')


def question_mark(q: Question) -> str:
    """Return whether the question must be answered, as HTML."""
    if q["required"]:
        word = escape(_("(required)"))
        return f'<span class="asteriskField" aria-hidden="true">*</span><span class="visually-hidden">{word}</span>'
    return f'<span class="quiet fw-normal">{escape(_("(optional)"))}</span>'


def question_help(q: Question) -> str:
    """Return the help text, which the inputs name as their description, as HTML."""
    if not q["help"]:
        return ""
    return f'<div class="form-text user-text question-help" id="{escape(q["help_id"])}">{escape(q["help"])}</div>'


def question_problems(q: Question) -> str:
    """Return what is wrong with the answer as HTML; the element is there without problems too, for the script."""
    word = escape(_("Error:"))
    lines = "".join(
        f'<div><span class="visually-hidden">{word}</span> {escape(problem)}</div>'
        for problem in q["problems"]
    )
    css = "invalid-feedback d-block" if lines else "invalid-feedback"
    return f'<div class="{css}" id="{escape(q["error_id"])}" data-problems>{lines}</div>'


@register.simple_tag
def question_counted(q: Question) -> SafeString:
    """Show the attributes by which a script finds the counter of a text and its limits."""
    return SafeString(
        f'data-count="{escape(q["count_id"])}" data-count-min="{q["min_chars"]}"'
        f' data-count-max="{q["max_chars"]}"'
    )


@register.simple_tag
def question_count(q: Question) -> SafeString:
    """Show the counter under a text.

    A script that finds data-count on the field keeps [data-count-shown] up to date; without one it shows the count as
    of the last save.
    """
    least = f" · {_('at least %(count)s') % {'count': format(q['min_chars'], ',')}}" if q["min_chars"] else ""
    return SafeString(
        f'<div class="count-left" id="{escape(q["count_id"])}" data-count-for="{escape(q["id"])}">'
        f"<span data-count-shown>{q['count']:,}</span> / {q['max_chars']:,} "
        f"{escape(pgettext('counter', 'characters'))}{escape(least)}</div>"
    )


@register.simple_tag
def question_options(q: Question, kind: str) -> SafeString:
    """Show the options of a choice as inputs of type ``kind``: radio or checkbox."""
    name, first = escape(q["name"]), escape(q["id"])
    rows = []
    for number, option in enumerate(q["options"]):
        checked = " checked" if option["chosen"] else ""
        rows.append(
            f'<div class="form-check"><input type="{kind}" class="form-check-input" name="{name}"'
            f' id="{first}-{number}" value="{escape(option["value"])}"{checked}>'
            f'<label class="form-check-label" for="{first}-{number}">{escape(option["label"])}</label></div>'
        )
    return mark_safe("".join(rows))  # every part was escaped above


# --- an answer to read


@register.simple_tag
def question_shown(q: Question) -> SafeString:
    """Show an answer to read; what was blacked out is read out as a word."""
    shown = _SHOWN.get(q["kind"], _text_shown)(q)
    return SafeString(shown.replace(MARK, hidden_mark()) if q["redacted"] else shown)


def hidden_mark() -> str:
    """Return what stands for a name that was blacked out, as HTML."""
    word = escape(pgettext("name in an answer", "hidden"))
    return (
        f'<span class="blacked-out"><span aria-hidden="true">{MARK}</span>'
        f'<span class="visually-hidden">{word}</span></span>'
    )


def _nothing(word: str) -> str:
    return f'<p class="quiet mb-0">{escape(word)}</p>'


def _text_shown(q: Question) -> str:
    return _nothing(_("No answer")) if q["empty"] else f'<p class="mb-0">{escape(q["text"])}</p>'


def _long_text_shown(q: Question) -> str:
    return _nothing(_("No answer")) if q["empty"] else f'<div class="user-text">{escape(q["text"])}</div>'


def _choices_shown(q: Question) -> str:
    if q["empty"]:
        return _nothing(_("No answer"))
    return f'<ul class="mb-0">{"".join(f"<li>{escape(item)}</li>" for item in q["shown"]["chosen"])}</ul>'


def _consent_shown(q: Question) -> str:
    agreed = _nothing(_("Not agreed")) if q["empty"] else f'<p class="mb-0">{escape(q["text"])}</p>'
    return f'<div class="user-text consent-statement">{escape(q["shown"]["statement"])}</div>{agreed}'


def _files_shown(q: Question) -> str:
    """Files as they are stored now have an address; of a version only name and size are kept."""
    lines = []
    for file in q["files"] or q["value"] or ():
        name, url = escape(file["name"]), file.get("url")
        link = f'<a href="{escape(url)}">{name}</a>' if url else name
        # A file that its readers do not get: why.
        said = file.get("note") or filesizeformat(file["bytes"])
        lines.append(f'<li>{link} <span class="quiet num">{escape(said)}</span></li>')
    return f'<ul class="file-list">{"".join(lines)}</ul>' if lines else _nothing(_("No files"))


def _table_shown(q: Question) -> str:
    if q["empty"]:
        return _nothing(_("No answer"))
    shown = q["shown"]
    heads = "".join(
        f'<th scope="col"{NUMERIC if column["numeric"] else ""}>{escape(column["label"])}</th>'
        for column in shown["columns"]
    )
    rows = "".join(
        f'<tr><th scope="row" class="col-number quiet">{number}</th>'
        + "".join(
            f'<td data-label="{escape(cell["label"])}"{NUMERIC if cell["numeric"] else ""}>{escape(cell["text"])}</td>'
            for cell in row
        )
        + "</tr>"
        for number, row in enumerate(shown["rows"], 1)
    )
    foot = ""
    if shown["total_column"]:
        foot = (
            f'<tfoot><tr><th scope="row" colspan="{len(shown["columns"])}" class="text-end">'
            f"{escape(pgettext('table', 'Total'))}</th>"
            f'<td class="is-number fw-semibold">{escape(shown["total_text"])}</td></tr></tfoot>'
        )
    return (
        f'<div class="table-frame question-table" tabindex="0" role="region" aria-label="{escape(q["label"])}">'
        '<table class="table-list table-stack"><thead><tr><th scope="col" class="col-number">'
        f'<span class="visually-hidden">{escape(pgettext("table", "Row"))}</span></th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody>{foot}</table></div>"
    )


NUMERIC: Final = ' class="is-number"'

_SHOWN: Final[Mapping[str, Callable[[Question], str]]] = {
    "long_text": _long_text_shown,
    "multiple_choice": _choices_shown,
    "consent": _consent_shown,
    "files": _files_shown,
    "table": _table_shown,
    "ip": _table_shown,
}
