"""The table of the admin's lists."""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib.admin.views.main import PAGE_VAR
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from unfold.templatetags.unfold_list import result_headers
from unfold.templatetags.unfold_list import result_list as unfold_result_list

from park_portal.core.admin import rows

register = template.Library()


@register.filter
def crumb(text: Any) -> str:
    """Return one step of the way to a page: words of ours begin with a capital, what people named stays as it is."""
    return str(capfirst(str(text))) if isinstance(text, Promise) else str(text)


@register.simple_tag(takes_context=True)
def staff_result_list(context: template.Context, cl: Any) -> SafeString:
    """Show the rows of a list; lists that are edited in place get Unfold's own table."""
    request = context["request"]
    if not rows.can_draw(cl):
        given = unfold_result_list(context, cl)  # type: ignore[arg-type]
        return render_to_string("admin/change_list_results.html", given, request=request)
    if not cl.result_list:
        return render_to_string(
            "admin/_empty_list.html",
            {
                "cl": cl,
                "filtered": bool(cl.query or cl.has_active_filters),
                "has_add_permission": cl.model_admin.has_add_permission(request),
            },
            request=request,
        )
    headers = list(result_headers(cl))
    return render_to_string(
        "admin/_list.html",
        {"headers": headers, "rows": rows.rows(cl), "ticks": "action_checkbox" in cl.list_display, "cl": cl},
    )


@register.simple_tag
def staff_page_link(cl: Any, number: int) -> str:
    """Return the query string of a page of a list."""
    return str(cl.get_query_string({PAGE_VAR: number}))
