from __future__ import annotations

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from funding.awards.models import Award
from funding.awards.services import lapse_award, start_award
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, label_acts, money, state_label

label_acts({"award.open": _("award opened")})


class LapseForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=400)


@admin.register(Award)
class AwardAdmin(ReadOnly, StaffAdmin):
    list_display = ["number", "title", "holder", "amount", "fund", "state_label", "awarded_at"]
    list_filter = ["state", "fund", "application__call"]
    search_fields = ["number", "title"]
    list_select_related = ["fund", "organisation", "project"]
    acts = [
        Act(
            "start",
            start_award,
            done=_("The agreement is noted as signed; the award is under way."),
            icon="play_arrow",
            explain=_("The agreement is signed by both sides."),
        ),
        Act(
            "lapse",
            lapse_award,
            done=_("The award has lapsed; nothing is paid from it."),
            form=LapseForm,
            icon="block",
            danger=True,
        ),
    ]

    state_label = state_label()
    amount = money("amount_fen", _("amount"))

    @admin.display(description=_("who holds it"))
    def holder(self, obj: Award) -> str:
        return str(obj.organisation or obj.project)
