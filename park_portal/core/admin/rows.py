"""The rows of a list: what each column is, is worked out once a page, not once a row and cell."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import helpers
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import label_for_field, quote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from park_portal.core.admin.fields import pill
from park_portal.core.money import MoneyField, format_yuan
from park_portal.core.text import escape

Draw = Callable[[Any], str]


@dataclass(frozen=True)
class Column:
    """One column of the page: its name, its heading as text, and what draws a cell (safe HTML)."""

    name: str
    heading: str
    draw: Draw
    linked: bool
    css: str


def can_draw(cl: Any) -> bool:
    """Return whether the list uses nothing that only Unfold's own table knows (editing in the list, nested rows)."""
    admin = cl.model_admin
    return not (
        getattr(cl, "formset", None)
        or getattr(admin, "ordering_field", None)
        or getattr(admin, "list_sections", None)
        or getattr(admin, "actions_row", None)
        or getattr(cl, "is_dataset", False)
    )


def columns_of(cl: Any) -> list[Column]:
    """Return the columns of the list."""
    columns = []
    first = True
    for name in cl.list_display:
        if name == "action_checkbox":
            continue
        links = cl.list_display_links
        linked = links is not None and ((first and not links) or name in links)
        first = False
        key = name.__name__ if callable(name) else str(name)
        heading = str(label_for_field(name, cl.model, model_admin=cl.model_admin))
        draw, number = _drawer(cl, name)
        css = f"field-{key}{' staff-number' if number else ''}"
        columns.append(Column(key, heading[:1].upper() + heading[1:], draw, linked, css))
    return columns


def rows(cl: Any) -> SafeString:
    """Return the body of the table."""
    columns = columns_of(cl)
    ticks = "action_checkbox" in cl.list_display
    tick = str(_("Select record"))
    to_field = str(cl.to_field) if cl.to_field else cl.pk_attname
    starts = [
        f'<td class="{column.css}" data-label="{escape(column.heading)}">' if index else
        f'<th scope="row" class="{column.css}" data-label="{escape(column.heading)}">'
        for index, column in enumerate(columns)
    ]  # fmt: skip
    ends = ["</td>" if index else "</th>" for index in range(len(columns))]
    address = _address_of(cl, _ending(cl))
    out: list[str] = []
    for obj in cl.result_list:
        out.append('<tr class="data-row">')
        if ticks:
            out.append(
                f'<td class="staff-tick"><input type="checkbox" name="{helpers.ACTION_CHECKBOX_NAME}" '
                f'value="{escape(obj.pk)}" class="action-select" aria-label="{escape(tick)}: {escape(str(obj))}"></td>'
            )
        url: str | None = None
        for column, start, end in zip(columns, starts, ends, strict=True):
            cell = column.draw(obj)
            if column.linked:
                if url is None:
                    url = address(obj)
                if url:
                    opener = (
                        f' data-popup-opener="{escape(obj.serializable_value(to_field))}"'
                        if cl.is_popup
                        else ""
                    )
                    cell = f'<a href="{url}"{opener}>{cell}</a>'
            out.append(f"{start}{cell}{end}")
        out.append("</tr>")
    return mark_safe("".join(out))  # every cell was escaped where it was drawn


def _ending(cl: Any) -> str:
    """The filters of the list, kept for the way back from a record."""
    marked = add_preserved_filters({"preserved_filters": cl.preserved_filters, "opts": cl.opts}, "/x/")
    return str(escape(str(marked).removeprefix("/x/")))


def _address_of(cl: Any, ending: str) -> Callable[[Any], str]:
    """Return what gives the address of a record's page; an empty text where it has none."""
    if type(cl).url_for_result is not ChangeList.url_for_result:
        return lambda obj: f"{escape(cl.url_for_result(obj))}{ending}"
    meta, site = cl.opts, cl.model_admin.admin_site.name
    try:
        pattern = reverse(f"{site}:{meta.app_label}_{meta.model_name}_change", args=["0"])
    except NoReverseMatch:
        return lambda obj: ""
    # The address differs by the key alone: it is looked up once, not once a row.
    before, _key, after = pattern.rpartition("/0/")
    attname = cl.pk_attname
    return lambda obj: f"{before}/{escape(quote(getattr(obj, attname)))}/{after}{ending}"


# --- one column


def _drawer(cl: Any, name: Any) -> tuple[Draw, bool]:
    admin = cl.model_admin
    empty = str(admin.get_empty_value_display())
    field = None
    if isinstance(name, str):
        try:
            found: Any = cl.lookup_opts.get_field(name)
        except FieldDoesNotExist:
            found = None
        if (
            found is not None
            and not found.auto_created
            and not (found.is_relation and (found.many_to_many or found.one_to_many))
        ):
            field = found
    if field is not None:
        return _field_drawer(field, empty), isinstance(
            field, models.IntegerField | models.DecimalField | models.FloatField
        ) and not field.choices
    if callable(name):
        attr, get = name, name
    elif hasattr(admin, name) and name != "__str__":
        attr = get = getattr(admin, name)
    else:
        attr = getattr(cl.model, name, None)
        get = _getter(name)
    if isinstance(attr, property):
        attr = attr.fget
    empty = str(getattr(attr, "empty_value_display", empty))
    return _value_drawer(get, attr, empty), False


def _getter(name: str) -> Callable[[Any], Any]:
    def get(obj: Any) -> Any:
        value = getattr(obj, name)
        return value() if callable(value) else value

    return get


def _field_drawer(field: Any, empty: str) -> Draw:
    attname = field.attname
    if field.choices:
        words = {key: str(conditional_escape(label)) for key, label in field.flatchoices}
        return lambda obj: words.get(getattr(obj, attname), empty)
    if field.is_relation:
        name = field.name

        def related(obj: Any) -> str:
            try:
                value = getattr(obj, name)
            except ObjectDoesNotExist:
                value = None
            return empty if value is None else escape(str(value))

        return related
    if isinstance(field, models.BooleanField):
        return lambda obj: boolean(getattr(obj, attname))
    if isinstance(field, MoneyField):
        return lambda obj: format_yuan(getattr(obj, attname)) or empty
    return lambda obj: _plain(getattr(obj, attname), empty)


def _value_drawer(get: Callable[[Any], Any], attr: Any, empty: str) -> Draw:
    tones = getattr(attr, "label", None)
    header = getattr(attr, "header", False)
    is_boolean = getattr(attr, "boolean", False)

    def draw(obj: Any) -> str:
        try:
            value = get(obj)
        except ObjectDoesNotExist:
            return empty
        if tones:
            return _label(value, tones, empty)
        if header:
            return _two_lines(value, empty)
        if is_boolean:
            return boolean(value)
        return _plain(value, empty)

    return draw


def is_styled(attr: Any) -> bool:
    """Return whether a method's value is more than text: a coloured word, two lines, yes or no."""
    return any(getattr(attr, name, False) for name in ("label", "header", "boolean"))


def shown(field: Any, attr: Any, value: Any, empty: str) -> SafeString:
    """Return one value as a list would show it (safe HTML)."""
    if isinstance(field, MoneyField):
        return mark_safe(format_yuan(value) or empty)  # digits and a sign
    return mark_safe(_value_drawer(lambda _obj: value, attr, empty)(None))  # escaped where it was drawn


def _plain(value: Any, empty: str) -> str:
    if value is None or value == "":
        return empty
    if type(value) is str:
        return escape(value)
    if hasattr(value, "__html__"):
        return str(value.__html__())
    if isinstance(value, bool):
        return boolean(value)
    if isinstance(value, datetime.datetime):
        local = timezone.localtime(value)
        return f'<span class="staff-when">{local:%Y-%m-%d} {local:%H:%M}</span>'
    if isinstance(value, datetime.date):
        return f'<span class="staff-when">{value:%Y-%m-%d}</span>'
    if isinstance(value, int | float):
        return escape(formats.number_format(value, use_l10n=True, force_grouping=abs(value) >= 10000))
    if isinstance(value, list | tuple):
        return escape(", ".join(str(one) for one in value))
    return escape(str(value))


def _label(value: Any, tones: Any, empty: str) -> str:
    tone, text = "", value
    if isinstance(tones, dict):
        if isinstance(value, tuple):
            tone, text = tones.get(value[0], ""), value[1]
        else:
            tone = tones.get(value, "")
    if text in (None, ""):
        return empty
    texts = text if isinstance(text, list | tuple) else [text]
    return " ".join(pill(str(one), tone) for one in texts)


def _two_lines(value: Any, empty: str) -> str:
    parts = [conditional_escape(part) if part not in (None, "") else "" for part in list(value)[:2]]
    if not any(parts):
        return empty
    second = f'<span class="staff-detail">{parts[1]}</span>' if len(parts) > 1 and parts[1] else ""
    return f'<span class="staff-first">{parts[0] or empty}</span>{second}'


def boolean(value: Any) -> str:
    """Return yes, no or unknown as a sign with a name."""
    if value is None:
        word, sign, tone = pgettext("yes or no", "unknown"), "?", "unknown"
    elif value:
        word, sign, tone = pgettext("yes or no", "yes"), "✓", "yes"
    else:
        word, sign, tone = pgettext("yes or no", "no"), "–", "no"
    return str(
        format_html(
            '<span class="staff-sign staff-sign-{}"><span aria-hidden="true">{}</span>'
            '<span class="staff-hidden">{}</span></span>',
            tone,
            sign,
            word,
        )
    )
