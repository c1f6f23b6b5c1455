"""What notices hold about the people they are about and go to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.states import DeliveryStatus, MessageStatus
from park_portal.core.personal import Basis, Keep, Purpose, Retention, goes, holds

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User
    from park_portal.core.personal import Marks


def _delete_own(person: User, marks: Marks) -> None:
    """The inbox goes, and what waits to be sent is not."""
    Delivery.objects.filter(models.Q(recipient=person) | models.Q(address__in=marks.emails)).delete()


holds(
    "core.Delivery",
    people=("recipient",),
    purpose=Purpose.NOTICES,
    basis=Basis.CONTRACT,
    keep="privacy.notice_months",
    linked="recipient",
    scrubbed="address subject body link error",
    plain="id public_id message channel kind language status created_at sent_at read_at claimed_at attempts",
    since="created_at",
    deed=_delete_own,
)


def _forget_own(person: User, marks: Marks) -> None:
    """Leave nothing in notices to the person alone, and send none to an address that is gone."""
    notices = Message.objects.select_for_update().filter(topic="notify")
    for message in notices.filter(payload__recipients=[person.pk], payload__addresses=[]):
        message.payload |= {"context": {}, "texts": {}}
        message.save(update_fields=["payload"])
    for message in notices.filter(payload__addresses__contains=[marks.address]):
        message.payload["addresses"].remove(marks.address)
        message.payload |= {"context": {}, "texts": {}} if not message.payload["addresses"] else {}
        message.save(update_fields=["payload"])


holds(
    "core.Message",
    purpose=Purpose.NOTICES,
    basis=Basis.CONTRACT,
    keep="privacy.notice_months",
    scrubbed="key payload error",
    plain="id topic status request_id created_at due_at claimed_at done_at attempts",
    deed=_forget_own,
)
holds(
    "core.Preference",
    people=("user",),
    purpose=Purpose.NOTICES,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user kind mode",
    plain="id",
)
holds("core.ChatChannel", plain="id name url kinds active")


OVER = (DeliveryStatus.SENT, DeliveryStatus.FAILED)


def _old_deliveries(before: Any) -> models.QuerySet[Delivery]:
    return Delivery.objects.filter(created_at__lt=before, status__in=OVER)


def _old_messages(before: Any) -> models.QuerySet[Message]:
    """Those that are done, whose notices are gone and that no webhook still tells of."""
    told = [
        ~models.Exists(
            relation.related_model._base_manager.filter(**{relation.field.name: models.OuterRef("pk")})
        )
        for relation in Message._meta.related_objects
    ]
    return Message.objects.filter(*told, done_at__lt=before, status=MessageStatus.DONE)


goes(
    Retention(
        name="notices",
        label=_("Notices"),
        policy="privacy.notice_months",
        explain=_(
            "Sent longer ago than that, read or not: the inbox item and the text of the mail are deleted."
        ),
        rows=_old_deliveries,
    )
)
goes(
    Retention(
        name="messages",
        label=_("Done work of the outbox"),
        policy="privacy.notice_months",
        explain=_("What was to be done after a commit, done longer ago than that, with the names in it."),
        rows=_old_messages,
        since="done_at",
    )
)
