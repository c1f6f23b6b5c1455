"""The pieces that portal pages are made of. Each shows one template of ``templates/components/``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any, Final

from crispy_forms.templatetags.crispy_forms_filters import as_crispy_field
from django import template
from django.db import models
from django.forms import BaseForm, BoundField, Select
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from park_portal.core.calendar.services import working_calendar
from park_portal.core.calendar.working_days import SHANGHAI
from park_portal.core.money import format_wan, format_yuan
from park_portal.core.text import choice_label, escape
from park_portal.core.tones import tone_of

register = template.Library()

ICONS: Final = "vendor/bootstrap-icons-1.13.2/icons.svg"


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """Show an icon; with ``label`` it is read out, without it is decoration."""
    href = f"{static(ICONS)}#{name}"
    if label:
        return format_html(
            '<svg class="icon {}" role="img" aria-label="{}" width="16" height="16"><use href="{}"/></svg>',
            css,
            label,
            href,
        )
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false" width="16" height="16"><use href="{}"/></svg>',
        css,
        href,
    )


@register.simple_tag
def badge(label: Any, tone: str = "neutral") -> SafeString:
    """Show a state in a word; ``tone`` is neutral, info, wait, good, bad or accent."""
    return SafeString(f'<span class="badge-state tone-{tone or "neutral"}">{escape(label)}</span>')


@register.simple_tag
def state_badge(obj: Any) -> SafeString:
    """Show the state of a record that has a state machine."""
    return badge(state_label(obj), tone_of(obj))


def state_label(obj: Any) -> str:
    """Return the state of ``obj`` in words."""
    machine = getattr(type(obj), "machine", None)
    name = machine.field if machine is not None else "state"
    return choice_label(obj, name)


@register.simple_tag(takes_context=True)
def deadline(context: template.Context, when: datetime | date | None, done: bool = False) -> SafeString:
    """Show a moment in Shanghai time and how many working days are left; with ``done`` only the moment."""
    if not when:
        return SafeString("")
    moment = when if isinstance(when, datetime) else datetime.combine(when, time(23, 59, 59), SHANGHAI)
    local, now = moment.astimezone(SHANGHAI), timezone.now().astimezone(SHANGHAI)
    text, tone = "", ""
    if not done:
        text, tone = left(local, now, _calendar(context))
    return format_html(
        '<span class="deadline {}"><time datetime="{}" class="num">{}</time>{}</span>',
        tone,
        local.isoformat(),
        until(local),
        format_html(' <span class="deadline-left">{}</span>', _("(%(left)s)") % {"left": text})
        if text
        else "",
    )


def left(moment: datetime, now: datetime, calendar: Any) -> tuple[str, str]:
    """Return how long there is until ``moment`` in words, and the tone: soon, over or none."""
    if moment < now:
        return _("overdue"), "is-over"
    if moment.date() == now.date():
        hours = int((moment - now).total_seconds() // 3600)
        if hours < 1:
            minutes = max(1, int((moment - now).total_seconds() // 60))
            return ngettext("%d minute left", "%d minutes left", minutes) % minutes, "is-soon"
        return ngettext("today, %d hour left", "today, %d hours left", hours) % hours, "is-soon"
    days = calendar.between(now.date(), moment.date())
    return ngettext(
        "%d working day left", "%d working days left", days
    ) % days, "is-soon" if days <= 3 else ""


def _calendar(context: template.Context) -> Any:
    """Return the working calendar, asked for once a page however many deadlines it shows."""
    request = context.get("request")
    if request is None:
        return working_calendar()
    found = getattr(request, "_working_calendar", None)
    if found is None:
        found = request._working_calendar = working_calendar()
    return found


@register.filter
def moment(when: datetime | None) -> str:
    """Show a moment in Shanghai time: 2026-03-31 16:00."""
    return when.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if when else ""


@register.filter
def until(when: datetime | None, day: str = "%Y-%m-%d") -> str:
    """Show a deadline in Shanghai time; one at the last second of a day is what people call 24:00."""
    if not when:
        return ""
    local = when.astimezone(SHANGHAI)
    clock = "24:00" if (local.hour, local.minute) == (23, 59) else f"{local:%H:%M}"
    return f"{local:{day}} {clock}"


@register.filter
def yuan(fen: int | None) -> str:
    """Show an amount as ¥1,234,567.00."""
    return format_yuan(fen)


@register.filter
def wan(fen: int | None) -> str:
    """Show an amount in 万元 (in English in millions)."""
    return format_wan(fen)


CALLOUT_ICONS: Final = {
    "info": "info-circle-fill",
    "good": "check-circle-fill",
    "wait": "exclamation-triangle-fill",
    "bad": "x-circle-fill",
}


@register.simple_block_tag
def callout(content: str, tone: str = "info", title: Any = "") -> SafeString:
    """Set a paragraph apart: ``{% callout "wait" title=… %} … {% endcallout %}``; tones info, good, wait, bad."""
    head = format_html("<p><strong>{}</strong></p>", title) if title else ""
    return format_html(
        '<div class="callout tone-{}">{}<div>{}{}</div></div>',
        tone,
        icon(CALLOUT_ICONS.get(tone, "info-circle-fill")),
        head,
        content,
    )


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: BaseForm) -> dict[str, Any]:
    """List every error of ``forms`` on top of the page, each linking to its field."""
    items: list[dict[str, str]] = []
    for form in forms:
        if form is None or not form.is_bound:
            continue
        items += [{"text": str(text), "target": ""} for text in form.non_field_errors()]
        for bound in form:
            items += [
                {"text": str(text), "label": str(bound.label), "target": target_of(bound)}
                for text in form.errors.get(bound.name, ())
            ]
    return {"items": items}


def target_of(bound: Any) -> str:
    """Return the id of the element a link to the field must go to."""
    if bound.is_hidden:
        return ""
    return str(bound.id_for_label or bound.auto_id)


@register.inclusion_tag("components/tabs.html")
def tabs(items: Iterable[tuple[str, Any, bool]], label: Any = "") -> dict[str, Any]:
    """Show links as tabs: (address, text, whether it is this page) each."""
    return {"items": items, "label": label}


@register.inclusion_tag("components/timeline.html")
def timeline(items: Iterable[Any]) -> dict[str, Any]:
    """Show what happened and what comes: dicts with title, when, text, by, status (done, now, later, bad)."""
    return {"items": items}


@register.inclusion_tag("components/stepper.html")
def stepper(steps: Iterable[Any], label: Any = "") -> dict[str, Any]:
    """Show numbered steps: dicts with title, status (done, now, later) and perhaps url."""
    return {"steps": steps, "label": label}


@register.inclusion_tag("components/_empty.html")
def empty_state(
    title: Any, text: Any = "", url: str = "", label: Any = "", symbol: str = "inbox"
) -> dict[str, Any]:
    """Show that there is nothing, and what to do next."""
    return {"title": title, "text": text, "action": (label, url) if url else None, "icon_name": symbol}


@register.inclusion_tag("components/facts.html")
def facts(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Show labels with their values; pairs without a value are left out."""
    return {"pairs": [(label, value) for label, value in pairs if value not in (None, "")]}


@register.simple_tag
def filter_field(field: BoundField) -> SafeString:
    """Show one field above a list. A plain choice is drawn here, as crispy forms would: lists have many, on every page."""
    if field.errors or type(field.field.widget) is not Select:
        return SafeString(as_crispy_field(field))
    chosen, name = str(field.value() or ""), escape(field.id_for_label)
    options = "".join(
        f'<option value="{escape(value)}"{" selected" if str(value) == chosen else ""}>{escape(label)}</option>'
        for value, label in field.field.widget.choices
    )
    return SafeString(
        f'<div id="div_{name}" class="mb-3"><label for="{name}" class="form-label">{escape(field.label)}</label>'
        f'<select name="{escape(field.html_name)}" class="select form-select" id="{name}">{options}</select></div>'
    )


CELL_CLASSES: Final = {
    "number": "is-number",
    "money": "is-number",
    "code": "is-code",
    "date": "is-date",
    "deadline": "is-date",
}
DASH: Final = SafeString('<span class="quiet dash">–</span>')


@register.simple_tag(takes_context=True)
def table_rows(context: template.Context, lines: Iterable[Any], pick: bool = False) -> SafeString:
    """Show the body of a list's table: ``lines`` of a ListPage; with ``pick`` each has a box to pick it.

    Written here and not as a template: a page has hundreds of cells, and each is a few words.
    """
    out: list[str] = []
    starts: dict[int, str] = {}
    if any(item["column"].kind == "deadline" for line in lines for item in line["cells"]):
        # Whether or not a deadline lies ahead: a list costs the same whatever stands in it.
        _calendar(context)
    for line in lines:
        out.append("<tr>")
        if pick:
            label = _("Pick %(row)s") % {"row": line["row"]}
            out.append(
                format_html(
                    '<td class="col-pick"><input class="form-check-input" type="checkbox" name="pick" value="{}"'
                    ' form="bulk" aria-label="{}"></td>',
                    line["row"].pk,
                    label,
                )
            )
        for item in line["cells"]:
            column = item["column"]
            shown = _shown(context, column.kind, item["value"])
            if item["url"]:
                shown = f'<a href="{escape(item["url"])}">{shown}</a>'
            if column.kind == "main":
                out.append(f'<th class="is-main" scope="row">{shown}</th>')
                continue
            start = starts.get(id(column))
            if start is None:
                css = CELL_CLASSES.get(column.kind, "")
                start = starts[id(column)] = f'<td class="{css}" data-label="{escape(column.label)}">'
            out.append(f"{start}{shown}</td>")
        out.append("</tr>")
    return SafeString("".join(out))


def _shown(context: template.Context, kind: str, value: Any) -> str:
    """Return one value as safe HTML."""
    if value is None or value == "":
        return DASH
    if kind == "state":
        if isinstance(value, models.Model):
            return state_badge(value)
        label, tone = value if isinstance(value, tuple) else (value, "neutral")
        return badge(label, tone)
    if kind == "money":
        return f'<span class="num">{format_yuan(value) if isinstance(value, int) else escape(value)}</span>'
    if kind in ("date", "datetime") and isinstance(value, date):
        if isinstance(value, datetime):
            value = value.astimezone(SHANGHAI)
        text = value.strftime("%Y-%m-%d %H:%M" if kind == "datetime" else "%Y-%m-%d")
        return f'<time class="num" datetime="{value.isoformat()}">{text}</time>'
    if kind == "deadline" and not isinstance(value, str):
        return deadline(context, value)
    if isinstance(value, bool):
        return escape(_("yes") if value else _("no"))
    return escape(value) if type(value) is str else conditional_escape(value)
