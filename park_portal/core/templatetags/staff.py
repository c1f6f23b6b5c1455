"""What stands on every page of the admin and would take longest to draw with templates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.conf import settings
from django.contrib.admin.views.main import PAGE_VAR
from django.forms.utils import flatatt
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import get_language, get_language_info
from unfold.templatetags.unfold_list import result_headers
from unfold.templatetags.unfold_list import result_list as unfold_result_list

from park_portal.core.admin import rows
from park_portal.core.admin.links import link_to
from park_portal.core.text import escape

register = template.Library()


@register.filter
def crumb(text: Any) -> str:
    """Return one step of the way to a page: words of ours begin with a capital, what people named stays as it is."""
    return str(capfirst(str(text))) if isinstance(text, Promise) else str(text)


@register.simple_tag(takes_context=True)
def staff_link(context: template.Context, obj: Any, text: Any = None) -> SafeString:
    """Return a link to a record's page, or plain text for who may not open it."""
    return link_to(context["request"], obj, text)


@register.simple_tag(takes_context=True)
def staff_result_list(context: template.Context, cl: Any) -> SafeString:
    """Show the rows of a list; lists that are edited in place get Unfold's own table."""
    request = context["request"]
    if not rows.can_draw(cl):
        given = unfold_result_list(context, cl)
        return render_to_string("admin/change_list_results.html", given, request=request)
    if not cl.result_list:
        return render_to_string(
            "admin/_empty_list.html",
            {
                "cl": cl,
                "filtered": bool(cl.query or cl.has_active_filters),
                "has_add_permission": cl.model_admin.has_add_permission(request),
                "where_from": getattr(cl.model_admin, "where_from", ""),
            },
            request=request,
        )
    headers = list(result_headers(cl))
    return render_to_string(
        "admin/_list.html",
        {"headers": headers, "rows": rows.rows(cl), "ticks": "action_checkbox" in cl.list_display, "cl": cl},
    )


@register.simple_tag
def staff_menu(groups: list[dict[str, Any]]) -> SafeString:
    """Draw the menu of ``park_portal.menu.navigation``. It stands on every page; a template took ten times as long."""
    out = []
    for group in groups:
        out.append(f"<h2>{escape(group['title'])}</h2><ul>" if group["title"] else "<ul>")
        for item in group["items"]:
            here = ' class="active" aria-current="page"' if item["active"] else ""
            out.append(
                f'<li><a href="{escape(item["link"])}"{here}><span class="material-symbols-outlined" '
                f'aria-hidden="true">{item["icon"]}</span>{escape(item["title"])}</a></li>'
            )
        out.append("</ul>")
    return mark_safe("".join(out))  # every text was escaped where it was drawn


CHOOSE_ARROW = (
    '<span class="material-symbols-outlined absolute text-white pointer-events-none mr-[12px] right-0 top-1/2 '
    '-translate-y-1/2" aria-hidden="true">expand_more</span>'
)


@register.simple_tag
def staff_choose_act(form: Any) -> SafeString:
    """Draw the acts that can be done to what is ticked; the form's own fields took a fifth of the page's templates."""
    field = form.fields["action"]
    # What is chosen is the browser's own, which keeps it for Back; the style sheet shows the button by it.
    attrs = {name: value for name, value in field.widget.attrs.items() if name != "x-model"}
    options = "".join(
        f'<option value="{escape(str(value))}">{escape(str(label))}</option>'
        for value, label in field.choices
    )
    return mark_safe(  # the acts' names were escaped
        f'<div class="grow relative max-w-2xl"><select name="action"{flatatt(attrs)}>{options}</select>'
        f"{CHOOSE_ARROW}</div>"
        '<input type="hidden" name="select_across" value="0" class="select-across">'
    )


ME_LINE = "mx-1 px-3 py-2 rounded-default hover:bg-base-100 hover:text-base-700 dark:hover:bg-base-700 dark:hover:text-base-200"
ME_RULE = '<div class="border-t border-base-200 mt-1 pt-1 dark:border-base-700"></div>'


@register.simple_tag(takes_context=True)
def staff_languages(context: template.Context) -> SafeString:
    """Draw the languages as buttons, each a form of its own."""
    here, to = get_language(), escape(str(reverse("set_language")))
    out = []
    for code, _name in settings.LANGUAGES:
        on = " text-primary-600 dark:text-primary-500" if code == here else ""
        out.append(
            f'<form action="{to}" method="post" class="flex w-full">'
            f'<input type="hidden" name="csrfmiddlewaretoken" value="{context["csrf_token"]}">'
            f'<input name="language" type="hidden" value="{code}">'
            f'<button type="submit" class="flex grow text-left cursor-pointer {ME_LINE}{on}"'
            f"{' aria-current=true' if on else ''}>"
            f'<span lang="{code}">{get_language_info(code)["name_local"]}</span></button></form>'
        )
    return mark_safe("".join([*out, ME_RULE]))  # the languages are ours


FILTER_LINE = "border-b border-base-200 last:border-b-0 dark:border-base-700"
FILTER_ON = "font-semibold text-primary-600 dark:text-primary-500"
FILTER_OFF = "hover:text-base-700 dark:hover:text-base-200"


@register.simple_tag
def staff_filter(spec: Any, choices: list[dict[str, Any]]) -> SafeString:
    """Draw the values of one filter as links."""
    out = ['<ul class="border border-base-200 flex flex-col rounded-default shadow-xs dark:border-base-700">']
    for choice in choices:
        text = escape(choice["display"])
        on = choice["selected"]
        out.append(
            f'<li class="{FILTER_LINE} {FILTER_ON if on else FILTER_OFF}">'
            f'<a href="{escape(iri_to_uri(choice["query_string"]))}" title="{text}"'
            f"{' aria-current=true' if on else ''}"
            f' class="block px-3 py-2 hover:text-primary-600 dark:hover:text-primary-500">{text}</a></li>'
        )
    out.append("</ul>")
    return mark_safe("".join(out))  # every text was escaped where it was drawn


@register.simple_tag
def staff_page_links(cl: Any, numbers: Iterable[Any]) -> SafeString:
    """Draw the pages of a list near this one; what is no number stands for those left out."""
    rest = cl.get_query_string(remove=[PAGE_VAR])
    start = escape(f"{rest}&" if len(rest) > 1 else "?")
    out = []
    for number in numbers:
        if number == cl.page_num:
            out.append(f'<li><span aria-current="page">{number}</span></li>')
        elif isinstance(number, int):
            out.append(f'<li><a href="{start}{PAGE_VAR}={number}">{number}</a></li>')
        else:
            out.append("<li><span>…</span></li>")
    return SafeString("".join(out))
