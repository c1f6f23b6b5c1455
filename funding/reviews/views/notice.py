"""Applications under public notice, and objections to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.cache import cache
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from redis.exceptions import RedisError

from funding.applications.models import Application
from funding.calls.states import ApplicantKind, StageKind
from funding.reviews.forms import ObjectionForm
from funding.reviews.models import StageRun
from funding.reviews.services import (
    record_objection,
)
from funding.reviews.states import RunState
from park_portal.core import context as act
from park_portal.core.errors import DomainError
from park_portal.core.views import (
    ActPage,
    Column,
    Crumb,
    ListPage,
)

OBJECTIONS_AN_HOUR = 5


def runs_under_notice() -> models.QuerySet[StageRun]:
    """Return the public notices that run today."""
    return StageRun.objects.filter(
        stage__kind=StageKind.NOTICE, state=RunState.ACTIVE, due_at__gt=timezone.now()
    ).select_related("stage", "application__call", "application__organisation", "application__project")


class NoticeList(ListPage):
    """Applications under public notice, for everyone to read and to object to."""

    public = True
    model = StageRun
    title = gettext_lazy("Public notices")
    nav = "notices"
    lead = gettext_lazy(
        "These applications are proposed for funding. Anyone may object, with a reason, until the day named."
    )
    columns = (
        Column("title", gettext_lazy("Project"), "application.title", kind="main"),
        Column("applicant", gettext_lazy("Applicant"), lambda run: applicant_name(run.application)),
        Column("call", gettext_lazy("Call"), "application.call.title"),
        Column(
            "number", gettext_lazy("Number"), "application.number", order="application__number", kind="code"
        ),
        Column("until", gettext_lazy("Until"), "due_at", order="due_at", kind="deadline"),
        Column(
            "object",
            gettext_lazy("Objection"),
            lambda run: _("Object"),
            url=lambda run: reverse("reviews:object", args=[run.pk]),
        ),
    )
    default_order = "due_at"
    search_in = (
        "application__number",
        "application__title",
        "application__call__title_zh_hans",
        "application__call__title_en",
    )
    can_save_views = False
    empty_title = gettext_lazy("No public notice at the moment")

    def rows(self) -> models.QuerySet[StageRun]:
        return runs_under_notice()


def applicant_name(application: Application) -> str:
    if application.kind == ApplicantKind.ORGANISATION and application.organisation is not None:
        return application.organisation.name
    project = application.project
    return f"{project.principal_investigator} · {project.institution}" if project is not None else ""


class ObjectionPage(ActPage):
    """Object to one application under notice, without an account."""

    public = True
    form_class = ObjectionForm
    template_name = "funding/reviews/objection.html"
    submit_label = gettext_lazy("Send the objection")
    success = gettext_lazy(
        "Your objection has been received. The park office looks into it before the notice can pass."
    )

    def rows(self) -> models.QuerySet[StageRun]:
        return runs_under_notice()

    def get_title(self) -> str:
        return _("Object to %(number)s") % {"number": self.object.application.number}

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("Public notices"), reverse("reviews:notices")), Crumb(self.object.application.number)

    def get_context(self, **context: Any) -> dict[str, Any]:
        return super().get_context(applicant=applicant_name(self.object.application), **context)

    def act(self, form: ObjectionForm) -> Any:
        refuse_too_often()
        return record_objection(self.object, **form.cleaned_data)

    def success_url(self) -> str:
        return reverse("reviews:notices")

    def cancel_url(self) -> str:
        return reverse("reviews:notices")


def refuse_too_often() -> None:
    """Raise ``DomainError`` when the address of this request has objected often within the hour."""
    address = act.current().address or "unknown"
    if _too_often(f"objection:{address}"):
        raise DomainError(
            _("Several objections came from your network within the hour. Please try again later."),
            code="too_often",
        )


def _too_often(key: str) -> bool:
    """Return whether the address has used up its share of the hour; without the cache nobody is held up."""
    try:
        cache.add(key, 0, 3600)
        return bool(cache.incr(key) > OBJECTIONS_AN_HOUR)
    except (RedisError, ValueError):  # the cache is away or the key just ran out: the objection matters more
        return False
