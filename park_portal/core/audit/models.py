from __future__ import annotations

import secrets
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def append_only(name: str) -> list[pgtrigger.Trigger]:
    """Return triggers that refuse every change and deletion of a row once written."""
    return [
        pgtrigger.Protect(name=f"{name}_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        pgtrigger.Trigger(
            name=f"{name}_no_truncate",
            operation=pgtrigger.Truncate,
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            # A test database is emptied between tests; only there is the setting on (tests/conftest.py).
            func=(
                "IF coalesce(current_setting('park.allow_truncate', true), '') <> 'on' THEN "
                "RAISE EXCEPTION 'cannot empty %', TG_TABLE_NAME USING ERRCODE = 'check_violation'; END IF; RETURN NULL;"
            ),
        ),
    ]


# What an entry says of people in words. It is sealed by a fingerprint of its own, so that it can be taken out when the law
# asks for it while the rest of the entry, and the chain, stay as they were.
ERASABLE = ("object_label", "before", "after", "facts", "address", "salt")
FINAL = ("id", "at", "action", "actor", "on_behalf_of", "object_type", "object_id", "door", "request_id")


def new_salt() -> str:
    """Return what makes the fingerprint of an entry's words impossible to guess once it is gone."""
    return secrets.token_hex(16)


class Entry(models.Model):
    """One act: who did what to which record, from where, with the values before and after."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("time"), default=timezone.now)
    action = models.CharField(_("act"), max_length=80)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        help_text=_("Empty: the portal itself."),
    )
    on_behalf_of = models.BigIntegerField(_("viewed as"), null=True, blank=True)
    object_type = models.CharField(_("record type"), max_length=80)
    object_id = models.CharField(_("record"), max_length=64)
    object_label = models.CharField(_("record name"), max_length=200)
    before = models.JSONField(_("before"), null=True, blank=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(_("after"), null=True, blank=True, encoder=DjangoJSONEncoder)
    facts = models.JSONField(_("facts"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    door = models.CharField(_("door"), max_length=16)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    # Empty: sealed before there were salts, or its words were erased.
    salt = models.CharField(max_length=32, default=new_salt, db_default="", blank=True, editable=False)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["object_type", "object_id", "-id"], name="audit_by_object"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            BrinIndex(fields=["at"], name="audit_by_time"),
        ]
        triggers: ClassVar = [
            *append_only("audit_entry"),
            # Holds even while words are erased: who did what, to which record, when and from which door.
            pgtrigger.ReadOnly(name="audit_entry_acts_are_final", fields=list(FINAL)),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.at):%Y-%m-%d %H:%M} {self.action} {self.object_label}"


class Seal(models.Model):
    """One link of the hash chain: the position of an entry and the hash over it and the link before."""

    position = models.BigIntegerField(_("position"), primary_key=True)
    entry_id = models.BigIntegerField(_("entry"), unique=True)
    digest = models.CharField(_("SHA-256"), max_length=64)
    # The fingerprint of the entry's words alone; empty in links that seal the whole entry as one.
    content = models.CharField(_("SHA-256 of the words"), max_length=64, db_default="", blank=True)

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        ordering = ["position"]
        triggers = append_only("audit_seal")

    def __str__(self) -> str:
        return f"{self.position}: {self.digest[:12]}"
