"""What is held about the use that people make of their rights."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from park_portal.core.personal import Basis, Purpose, Retention, goes, holds
from park_portal.core.privacy.models import Consent, DataRequest
from park_portal.core.privacy.states import RequestState

holds(
    "core.DataRequest",
    people=("person",),
    purpose=Purpose.RIGHTS,
    basis=Basis.LAW,
    keep="privacy.request_years",
    linked="person answered_by",
    scrubbed="text answer",
    plain="id kind state asked_at due_on answered_at",
    since="asked_at",
)
holds(
    "core.Consent",
    people=("person",),
    purpose=Purpose.RIGHTS,
    basis=Basis.LAW,
    keep="privacy.request_years",
    linked="person",
    plain="id purpose version text given_at withdrawn_at",
    since="given_at",
)


def _old_requests(before: datetime) -> models.QuerySet[DataRequest]:
    withdrawn = models.Q(state=RequestState.WITHDRAWN, asked_at__lt=before)
    return DataRequest.objects.filter(withdrawn | models.Q(answered_at__lt=before))


def _old_consents(before: datetime) -> models.QuerySet[Consent]:
    return Consent.objects.filter(withdrawn_at__lt=before)


goes(
    Retention(
        name="requests",
        label=_("Requests about one’s data"),
        policy="privacy.request_years",
        explain=_("Answered or taken back longer ago than that: the request and its answer are deleted."),
        rows=_old_requests,
        since="asked_at",
    )
)
goes(
    Retention(
        name="consents",
        label=_("Withdrawn consents"),
        policy="privacy.request_years",
        explain=_("Withdrawn longer ago than that: the consent and the text as it was shown are deleted."),
        rows=_old_consents,
        since="withdrawn_at",
    )
)
