from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition

# A grant is for a time: at most so many days, then it is given anew.
MOST_DAYS: Final = 366
# An investor whose access ends in so many days is told.
WARNED_DAYS: Final = 3
MOST_ITEMS: Final = 200
MOST_INVESTORS: Final = 50
# Requests that one person may send a day.
MOST_REQUESTS: Final = 10


class ItemKind(models.TextChoices):
    DOCUMENT = "document", pgettext_lazy("data room", "document")
    FACT = "fact", pgettext_lazy("data room", "field")


class Folder(models.TextChoices):
    COMPANY = "company", pgettext_lazy("data room", "Company")
    TEAM = "team", pgettext_lazy("data room", "Team")
    PRODUCT = "product", pgettext_lazy("data room", "Product and technology")
    IP = "ip", pgettext_lazy("data room", "Intellectual property")
    FINANCE = "finance", pgettext_lazy("data room", "Finance")
    LEGAL = "legal", pgettext_lazy("data room", "Contracts and compliance")
    OTHER = "other", pgettext_lazy("data room", "Other")


class Source(models.TextChoices):
    """Where the value of a field comes from: typed by the company, or its record, as it is when it is read."""

    TYPED = "typed", _("typed here")
    USCC = "uscc", _("credit code, from the organisation's record")
    FOUNDED = "founded_on", _("founding date, from the organisation's record")
    ADDRESS = "registered_address", _("registered address, from the organisation's record")
    FIELD = "technology_field", _("technology field, from the organisation's record")
    WEBSITE = "website", _("website, from the organisation's record")
    SUMMARY = "summary", _("summary, from the organisation's record")


class Level(models.TextChoices):
    VIEW = "view", pgettext_lazy("data room", "view")
    DOWNLOAD = "download", pgettext_lazy("data room", "view and download")


class What(models.TextChoices):
    """What somebody did with a thing they were granted, or tried to when they no longer were."""

    VIEWED = "viewed", pgettext_lazy("data room", "opened")
    PAGE = "page", pgettext_lazy("data room", "looked at a page")
    DOWNLOADED = "downloaded", pgettext_lazy("data room", "downloaded")
    REFUSED = "refused", pgettext_lazy("data room", "refused: access had ended")


class RequestState(models.TextChoices):
    PENDING = "pending", pgettext_lazy("data room", "sent")
    ACCEPTED = "accepted", pgettext_lazy("data room", "accepted")
    DECLINED = "declined", pgettext_lazy("data room", "declined")


REQUEST_MACHINE = Machine(
    name="data_room_request",
    label=_("Request for a data room"),
    states=RequestState,
    initial=RequestState.PENDING,
    tones={RequestState.PENDING: "wait", RequestState.ACCEPTED: "good"},
    transitions=(
        Transition(
            "accept",
            (RequestState.PENDING,),
            RequestState.ACCEPTED,
            _("Let in"),
            "funding.answer_data_room_request",
        ),
        Transition(
            "decline",
            (RequestState.PENDING,),
            RequestState.DECLINED,
            pgettext_lazy("data room", "Decline"),
            "funding.answer_data_room_request",
        ),
    ),
)
