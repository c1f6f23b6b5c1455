"""Public notices, and objections to what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.cache import cache
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from redis.exceptions import RedisError

from funding.reviews.forms import ObjectionForm
from funding.reviews.models import NoticeLine, PublicNotice
from funding.reviews.models.notice import STANDING
from funding.reviews.services import lines_of, record_objection, words_of
from funding.reviews.states import NoticeLineState
from park_portal.core import context as act
from park_portal.core.errors import DomainError
from park_portal.core.views import (
    ActPage,
    Column,
    Crumb,
    DetailPage,
    ListPage,
)

OBJECTIONS_AN_HOUR = 5


def lines_under_notice() -> models.QuerySet[NoticeLine]:
    """Return the lines that anyone may object to today."""
    return NoticeLine.objects.filter(
        state=NoticeLineState.POSTED, notice__ends_at__gt=timezone.now()
    ).select_related(
        "notice__call",
        "application__call",
        "application__organisation",
        "application__project__university",
        "application__project__faculty",
    )


class NoticeList(ListPage):
    """What was put up for everyone to read and to object to, latest first."""

    public = True
    model = PublicNotice
    title = gettext_lazy("Public notices")
    nav = "notices"
    lead = gettext_lazy(
        "Lists of projects proposed for funding. Anyone may object, with a reason, until the day named."
    )
    columns = (
        Column(
            "call", gettext_lazy("Call"), "call.title", kind="main", url=lambda one: one.get_absolute_url()
        ),
        Column("published", gettext_lazy("Published"), "published_at", order="published_at", kind="datetime"),
        Column("projects", gettext_lazy("Projects"), "projects", kind="number"),
        Column("until", gettext_lazy("Until"), "ends_at", order="ends_at", kind="datetime"),
        Column("state", gettext_lazy("State"), lambda one: state_of(one), kind="state"),
    )
    default_order = "-published_at"
    search_in = ("call__code", "call__title_zh_hans", "call__title_en")
    can_save_views = False
    empty_title = gettext_lazy("No public notice at the moment")

    def rows(self) -> models.QuerySet[PublicNotice]:
        standing = models.Count("lines", filter=models.Q(lines__state__in=STANDING))
        return super().rows().annotate(projects=standing).filter(projects__gt=0).select_related("call")


def state_of(notice: PublicNotice) -> tuple[str, str]:
    """Return whether the notice runs, in words, with its tone."""
    if notice.is_over:
        return pgettext("public notice", "over"), "neutral"
    return pgettext("public notice", "running"), "wait"


class NoticePage(DetailPage):
    """One list as it was published: number, project, applicant and amount, and until when one may object."""

    public = True
    model = PublicNotice
    template_name = "funding/reviews/notice.html"
    nav = "notices"

    def rows(self) -> models.QuerySet[PublicNotice]:
        return super().rows().select_related("call", "document")

    def get_title(self) -> str:
        return _("Public notice: %(call)s") % {"call": self.object.call.title}

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("Public notices"), reverse("reviews:notices")), Crumb(self.object.call.code)

    def get_context(self, **context: Any) -> dict[str, Any]:
        lines = lines_of(self.object)
        return super().get_context(
            lines=lines,
            words=words_of(self.object),
            total=sum(line.amount_fen or 0 for line in lines),
            state=state_of(self.object),
            posted=NoticeLineState.POSTED,
            **context,
        )


class ObjectionPage(ActPage):
    """Object to one application under notice, without an account."""

    public = True
    form_class = ObjectionForm
    template_name = "funding/reviews/objection.html"
    submit_label = gettext_lazy("Send the objection")
    success = gettext_lazy(
        "Your objection has been received. The park office looks into it before anything is decided, and answers you by "
        "e-mail."
    )

    def rows(self) -> models.QuerySet[NoticeLine]:
        return lines_under_notice()

    def get_title(self) -> str:
        return _("Object to %(number)s") % {"number": self.object.application.number}

    def get_crumbs(self) -> Sequence[Crumb]:
        return (
            Crumb(_("Public notices"), reverse("reviews:notices")),
            Crumb(str(self.object.notice), self.object.notice.get_absolute_url()),
            Crumb(self.object.application.number),
        )

    def get_context(self, **context: Any) -> dict[str, Any]:
        return super().get_context(applicant=self.object.application.applicant_line, **context)

    def act(self, form: ObjectionForm) -> Any:
        refuse_too_often()
        return record_objection(self.object, **form.cleaned_data)

    def success_url(self) -> str:
        return self.object.notice.get_absolute_url()

    def cancel_url(self) -> str:
        return self.object.notice.get_absolute_url()


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
