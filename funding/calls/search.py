from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from funding.calls.models import Call
from funding.calls.services import title_of
from park_portal.core.search.services import SearchText, searchable


@searchable(Call, label=_("Calls"))
def call_text(call: Call) -> SearchText:
    """Found by both titles, its code, summary and text."""
    title = title_of(call)
    columns = [f"{name}_{code}" for name in ("summary", "body") for code in ("zh_hans", "en")]
    return SearchText(
        title=title,
        names=[name for name in dict.fromkeys(title.values()) if name],
        codes=[call.code],
        body=[getattr(call, column) or "" for column in columns],
    )
