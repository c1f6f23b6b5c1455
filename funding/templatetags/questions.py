"""The small parts that every question is drawn with; ``q`` is what ``funding.calls.questions.present`` returns.

Written here and not as templates: a form has dozens of questions, a rubric a hundred options, each a few words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

register = template.Library()

Question = Mapping[str, Any]


@register.simple_tag
def question_attributes(q: Question) -> SafeString:
    """Show the attributes that an input has whatever its kind. Never ``required``: a draft is saved with gaps."""
    described = format_html(' aria-describedby="{}"', q["described_by"]) if q["described_by"] else ""
    flags = [
        (' aria-required="true"', q["required"]),
        (' aria-invalid="true"', q["problems"]),
        (" disabled", q["disabled"]),
    ]
    return format_html(
        'id="{}" name="{}"{}{}',
        q["id"],
        q["name"],
        described,
        mark_safe("".join(text for text, wanted in flags if wanted)),  # texts of our own
    )


@register.simple_tag
def question_mark(q: Question) -> SafeString:
    """Show whether the question must be answered."""
    if q["required"]:
        return format_html(
            '<span class="asteriskField" aria-hidden="true">*</span><span class="visually-hidden">{}</span>',
            _("(required)"),
        )
    return format_html('<span class="quiet fw-normal">{}</span>', _("(optional)"))


@register.simple_tag
def question_help(q: Question) -> SafeString:
    """Show the help text, which the inputs name as their description."""
    if not q["help"]:
        return SafeString("")
    return format_html(
        '<div class="form-text user-text question-help" id="{}">{}</div>', q["help_id"], q["help"]
    )


@register.simple_tag
def question_problems(q: Question) -> SafeString:
    """Show what is wrong with the answer; the element is there without problems too, for the script to fill."""
    word = _("Error:")
    return format_html(
        '<div class="invalid-feedback{}" id="{}" data-problems>{}</div>',
        " d-block" if q["problems"] else "",
        q["error_id"],
        format_html_join(
            "",
            '<div><span class="visually-hidden">{}</span> {}</div>',
            ((word, problem) for problem in q["problems"]),
        ),
    )


@register.simple_tag
def question_count(q: Question) -> SafeString:
    """Show the counter under a text.

    A script that finds data-count on the field keeps [data-count-shown] up to date; without one it shows the count as
    of the last save.
    """
    least = (
        " · " + _("at least %(count)s") % {"count": intcomma(q["min_chars"])} if q.get("min_chars") else ""
    )
    return format_html(
        '<div class="count-left" id="{}" data-count-for="{}"><span data-count-shown>{}</span> / {} {}{}</div>',
        q["count_id"],
        q["id"],
        intcomma(q["count"]),
        intcomma(q["max_chars"]),
        pgettext("counter", "characters"),
        least,
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
