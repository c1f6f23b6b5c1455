"""The search page, and the suggestions under the search field."""

from __future__ import annotations

from itertools import groupby

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from park_portal.core.search.services import search

SUGGESTIONS = 8


@require_safe
@login_required
def search_page(request: HttpRequest) -> HttpResponse:
    """Show what the person may see that matches ``q``, by kind of record."""
    text = request.GET.get("q", "").strip()
    hits = search(request.user, text, limit=30)
    order = list(dict.fromkeys(hit.kind.name for hit in hits))
    hits.sort(key=lambda hit: order.index(hit.kind.name))
    groups = [(kind.label, list(found)) for kind, found in groupby(hits, key=lambda hit: hit.kind)]
    return render(request, "core/search/search.html", {"text": text, "groups": groups, "count": len(hits)})


@require_safe
@login_required
def suggest(request: HttpRequest) -> JsonResponse:
    """Return the best few matches of ``q`` as JSON: title, title as HTML with the match marked, kind and
    address.
    """
    hits = search(request.user, request.GET.get("q", "").strip(), limit=SUGGESTIONS)[:SUGGESTIONS]
    found = [
        {"title": hit.title, "html": hit.title_html, "kind": str(hit.label), "code": hit.code, "url": hit.url}
        for hit in hits
    ]
    response = JsonResponse({"results": found})
    response["Cache-Control"] = "private, no-store"
    return response
