from __future__ import annotations

from typing import Any

import pgtrigger
from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.calls.models import Call
from funding.reviews.models.runs import StageRun
from funding.reviews.rules import barred_from
from funding.reviews.states import NOTICE_LINE_MACHINE, NoticeLineState
from park_portal.core.accounts.rules import sees_records
from park_portal.core.documents.models import Document
from park_portal.core.invariants import Agrees, kept
from park_portal.core.money import MoneyField


class PublicNoticeQuerySet(models.QuerySet["PublicNotice"]):
    def visible_to(self, user: Any) -> PublicNoticeQuerySet:
        """Everyone sees what was published."""
        return self

    def running(self) -> PublicNoticeQuerySet:
        """Return the notices whose period is not over, as long as a line of theirs is up."""
        up = NoticeLine.objects.filter(notice=models.OuterRef("pk"), state=NoticeLineState.POSTED)
        return self.filter(models.Exists(up), ends_at__gt=timezone.now())


class PublicNotice(models.Model):
    """One dated list of the applications of a call that are proposed for funding, for anyone to object to."""

    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="public_notices"
    )
    published_at = models.DateTimeField(_("published at"), default=timezone.now)
    working_days = models.SmallIntegerField(_("working days"), validators=[MinValueValidator(1)])
    ends_at = models.DateTimeField(_("ends"))
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("published by"), on_delete=models.PROTECT, related_name="+"
    )
    # As it was put up; written once, for a document needs the notice it belongs to.
    document = models.ForeignKey(
        Document, verbose_name=_("PDF"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = PublicNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("public notice")
        verbose_name_plural = _("public notices")
        ordering = ["-published_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="public_notice_ends_after_it_began",
                condition=models.Q(ends_at__gt=models.F("published_at")),
            ),
            models.CheckConstraint(name="public_notice_lasts_a_day", condition=models.Q(working_days__gte=1)),
        ]
        indexes = [models.Index(fields=["ends_at"], name="public_notice_by_end")]
        triggers = [
            pgtrigger.ReadOnly(
                name="public_notice_fixed",
                fields=["call", "published_at", "working_days", "ends_at", "published_by"],
            ),
            pgtrigger.Protect(
                name="public_notice_document_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__document__isnull=False)
                & pgtrigger.Q(old__document__df=pgtrigger.F("new__document")),
            ),
            kept("public_notice"),
        ]

    def __str__(self) -> str:
        return f"{self.call.code} · {timezone.localtime(self.published_at):%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return reverse("reviews:notice", args=[self.pk])

    @property
    def is_over(self) -> bool:
        """Whether its period is over; objections may still be open."""
        return self.ends_at <= timezone.now()


# A line passes when its period is over and each objection to it was found groundless, whoever asks.
_PASSES_IN_TIME = """
    IF NEW.ended_at < (SELECT ends_at FROM funding_publicnotice WHERE id = NEW.notice_id)
       OR EXISTS (SELECT 1 FROM funding_objection WHERE line_id = NEW.id AND upheld IS NOT FALSE) THEN
        RAISE EXCEPTION 'the notice of application % is not over', NEW.application_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_line_passes_in_time';
    END IF;
    RETURN NEW;
"""


class NoticeLineQuerySet(models.QuerySet["NoticeLine"]):
    def visible_to(self, user: Any) -> NoticeLineQuerySet:
        """Everyone sees what was published; lines that were taken out are the staff's."""
        return self if getattr(user, "is_staff", False) else self.filter(state__in=STANDING)

    def standing(self) -> NoticeLineQuerySet:
        return self.filter(state__in=STANDING)


STANDING = (NoticeLineState.POSTED, NoticeLineState.PASSED)


class NoticeLine(models.Model):
    """One application on a public notice, with the amount proposed for it."""

    machine = NOTICE_LINE_MACHINE

    notice = models.ForeignKey(
        PublicNotice, verbose_name=_("public notice"), on_delete=models.PROTECT, related_name="lines"
    )
    application = models.ForeignKey(
        Application, verbose_name=_("application"), on_delete=models.PROTECT, related_name="notice_lines"
    )
    # Empty on notices from before amounts were published.
    amount_fen = MoneyField(_("amount proposed"), null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=8, choices=NoticeLineState, default=NoticeLineState.POSTED
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    reason = models.TextField(_("reason"), max_length=4000, blank=True)

    objects = NoticeLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("line of a public notice")
        verbose_name_plural = _("lines of public notices")
        ordering = ["notice", "application__number"]
        constraints = [
            models.UniqueConstraint(fields=["notice", "application"], name="notice_line_once"),
            models.UniqueConstraint(
                fields=["application"],
                condition=models.Q(state__in=["posted", "passed"]),
                name="notice_line_one_stands",
            ),
            models.CheckConstraint(
                name="notice_line_ended_has_time",
                condition=models.Q(state="posted", ended_at__isnull=True)
                | (~models.Q(state="posted") & models.Q(ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="notice_line_amount_positive",
                condition=models.Q(amount_fen__isnull=True) | models.Q(amount_fen__gt=0),
            ),
        ]
        triggers = [
            *NOTICE_LINE_MACHINE.triggers(),
            Agrees(name="notice_line_of_its_call", same={"notice.call": "application.call"}),
            pgtrigger.ReadOnly(name="notice_line_fixed", fields=["notice", "application", "amount_fen"]),
            pgtrigger.Trigger(
                name="notice_line_passes_in_time",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__state="passed") & ~pgtrigger.Q(old__state="passed"),
                func=_PASSES_IN_TIME,
            ),
            kept("notice_line"),
        ]

    def __str__(self) -> str:
        return str(self.application)


class ObjectionQuerySet(models.QuerySet["Objection"]):
    def visible_to(self, user: Any) -> ObjectionQuerySet:
        """Staff see all but those against applications that a conflict of interest keeps them from; nobody else any."""
        if not (user.is_authenticated and sees_records(user)):
            return self.none()
        return self.exclude(run__application_id__in=barred_from(user))


class Objection(models.Model):
    """One objection raised against an application during its public notice."""

    run = models.ForeignKey(
        StageRun,
        verbose_name=_("stage of an application"),
        on_delete=models.PROTECT,
        related_name="objections",
    )
    # Never empty: the column may be while the release before it still serves.
    line = models.ForeignKey(
        NoticeLine,
        verbose_name=_("line of a public notice"),
        null=True,
        on_delete=models.PROTECT,
        related_name="objections",
        db_index=False,
    )
    name = models.CharField(_("name"), max_length=80)
    email = models.EmailField(_("e-mail"), blank=True)
    text = models.TextField(_("objection"), max_length=4000)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    # Empty for those received before there was a time to answer in.
    due_at = models.DateTimeField(_("to be answered by"), null=True, blank=True)
    resolution = models.TextField(_("resolution"), max_length=4000, blank=True)
    upheld = models.BooleanField(_("upheld"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("resolved by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    objects = ObjectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("objection")
        verbose_name_plural = _("objections")
        ordering = ["-id"]
        triggers = [
            pgtrigger.ReadOnly(
                name="objection_words_fixed",
                fields=["run", "line", "name", "email", "text", "received_at", "due_at"],
            ),
            Agrees(name="objection_of_its_line", same={"line.application": "run.application"}),
            pgtrigger.Protect(
                name="objection_resolved_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__upheld__isnull=False),
            ),
            pgtrigger.Trigger(
                name="objection_while_posted",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=(
                    "IF NEW.line_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM funding_noticeline l JOIN funding_publicnotice n "
                    "ON n.id = l.notice_id WHERE l.id = NEW.line_id AND l.state = 'posted' "
                    "AND NEW.received_at < n.ends_at) THEN "
                    "RAISE EXCEPTION 'line % is not under notice', NEW.line_id "
                    "USING ERRCODE = 'check_violation', CONSTRAINT = 'objection_while_posted'; END IF; RETURN NEW;"
                ),
            ),
            kept("objection"),
        ]

    def __str__(self) -> str:
        return f"{self.run.application} · {self.name}"
