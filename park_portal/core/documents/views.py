"""The one door through which a private file leaves."""

from __future__ import annotations

import logging
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from park_portal.core.documents import formats
from park_portal.core.documents.models import Document
from park_portal.core.documents.names import clean_name
from park_portal.core.documents.services import name_for, read_document

log = logging.getLogger(__name__)


@require_safe
def download(request: HttpRequest, public_id: Any) -> HttpResponseBase:
    """Send a document to who may read it, as an attachment that no browser runs; 404 for everyone else.

    Who is not signed in is asked to, whether the document exists or not. With ``X_ACCEL_REDIRECT`` nginx
    sends the bytes.
    """
    try:
        document = read_document(public_id, user=request.user)
    except Document.DoesNotExist:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        raise Http404 from None
    try:
        media_type = _media_type(document)
        content = None if settings.X_ACCEL_REDIRECT else document.open()
    except FileNotFoundError:
        log.error("The content of document %s (%s) is not in the store.", document.pk, document.path)
        raise Http404 from None
    response: HttpResponseBase
    if content is None:
        response = HttpResponse()
        response["X-Accel-Redirect"] = f"{settings.X_ACCEL_REDIRECT.rstrip('/')}/{quote(document.path)}"
    else:
        response = FileResponse(content)
        response["Content-Length"] = str(document.size)
    response["Content-Type"] = media_type
    response["Content-Disposition"] = content_disposition_header(
        True, clean_name(name_for(request.user, document), extension=document.extension)
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    response["Cache-Control"] = "private, no-store"
    return response


def _media_type(document: Document) -> str:
    """Return the media type, and of a text its charset, which whoever sent it did not say."""
    if document.mime != formats.TEXT.mime:
        return document.mime
    with document.open() as content:
        return f"{document.mime}; charset={formats.charset_of(cast(BinaryIO, content)) or 'utf-8'}"
