"""The page of what is on record of a ranking: calculations, and lots among those who cannot be told apart."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from funding.decisions.admin.pages import CallPage
from funding.decisions.forms import AnnounceForm, DrawForm
from funding.decisions.services import (
    announce_lottery,
    draw_lottery,
    lottery_of,
    record_ranking,
    table_of,
)
from funding.reviews.admin.shown import closed_to
from funding.reviews.models import Calculation
from funding.reviews.states import CalculationKind
from park_portal.core.admin import dress
from park_portal.core.workflow import may


class RecordPage(CallPage):
    """What was put on record of one call's ranking, and the acts that put it there."""

    name, path = "record", "call/<int:call>/record/"
    title = _("Record and lots")
    template_name = "admin/funding/decision/record.html"

    def forms(self) -> tuple[Any, Any]:
        data = self.request.POST if self.request.method == "POST" else None
        doing = data.get("do") if data else ""
        return (
            dress(AnnounceForm(data if doing == "announce" else None)),
            dress(DrawForm(data if doing == "draw" else None)),
        )

    def context(self) -> dict[str, Any]:
        table, drawn = table_of(self.call), lottery_of(self.call)
        closed = closed_to(self.request.user, (rank.application for rank in table.ranks))
        announce, draw = getattr(self, "_forms", None) or self.forms()
        return {
            "call": self.call,
            "closed": closed,
            "ratings": table.ratings,
            "standing": table.standing,
            "lottery": drawn,
            "is_same": drawn is not None and drawn.numbers == sorted(table.standing.numbers),
            "announce": announce,
            "draw": draw,
            "kept": Calculation.objects.visible_to(self.request.user)
            .filter(call=self.call, kind__in=[CalculationKind.RATING, CalculationKind.CHANCES])
            .select_related("made_by", "call")[:20],
            "may_record": may(self.request.user, "funding.propose_decisions") and not closed,
            "back": self.address("ranking", self.call.pk),
        }

    def post(self) -> HttpResponseBase:
        self._forms = announce, draw = self.forms()
        if self.request.POST.get("do") == "record":
            record_ranking(self.call, actor=self.request.user)
            return self.redirect(message=_("Values and chances are on record."))
        if announce.is_bound:
            if not announce.is_valid():
                return self.render(status=422)
            announce_lottery(self.call, actor=self.request.user, **announce.cleaned_data)
            return self.redirect(message=_("The lottery is announced."))
        if not draw.is_valid():
            return self.render(status=422)
        draw_lottery(self.call, actor=self.request.user, **draw.cleaned_data)
        return self.redirect(message=_("The lots are drawn."))
