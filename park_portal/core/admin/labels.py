"""What the acts in the audit trail are called, and what changed, as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.formats import localize
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from park_portal.core.errors import Text
from park_portal.core.money import MoneyField, format_yuan
from park_portal.core.workflow import machines

_LABELS: dict[str, Text] = {}
_VERBS: dict[str, Text] = {
    "create": pgettext_lazy("audit", "created"),
    "change": pgettext_lazy("audit", "changed"),
    "delete": pgettext_lazy("audit", "deleted"),
}


def label_acts(labels: Mapping[str, Text]) -> None:
    """Say what people call acts that the audit trail knows by a code, such as ``user.set_roles``."""
    _LABELS.update(labels)


def act_label(action: str) -> str:
    """Return what people call the act; its code when nobody named it."""
    if action in _LABELS:
        return str(_LABELS[action])
    _thing, _dot, verb = action.partition(".")
    if not _LABELS.get("_machines"):
        for _model, machine in machines():
            for transition in machine.transitions:
                _LABELS.setdefault(f"{machine.name}.{transition.name}", transition.label)
        _LABELS["_machines"] = "yes"
        if action in _LABELS:
            return str(_LABELS[action])
    if verb in _VERBS:
        return str(_VERBS[verb])
    return action


def thing_label(object_type: str) -> str:
    """Return what people call a kind of record."""
    model = _model(object_type)
    return str(model._meta.verbose_name) if model else object_type


def changes(object_type: str, before: Any, after: Any) -> list[tuple[str, str, str]]:
    """Return (what, before, after) of each value that an entry holds, by the names people know."""
    before, after = before or {}, after or {}
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [("", _shown(None, before), _shown(None, after))]
    fields = _fields(object_type)
    rows = []
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key), after.get(key)
        field = fields.get(key)
        label = str(field.verbose_name) if field is not None else key
        rows.append((label, _shown(field, old), _shown(field, new)))
    return rows


def _model(object_type: str) -> type[models.Model] | None:
    try:
        return apps.get_model(object_type)
    except (LookupError, ValueError):
        return None


def _fields(object_type: str) -> dict[str, models.Field[Any, Any]]:
    model = _model(object_type)
    if model is None:
        return {}
    return {key: field for field in model._meta.concrete_fields for key in (field.name, field.attname)}


def _shown(field: models.Field[Any, Any] | None, value: Any) -> str:
    if value in (None, "", [], {}):
        return "—"
    if isinstance(field, MoneyField) and isinstance(value, int):
        return format_yuan(value)
    if isinstance(value, bool):
        return pgettext("yes or no", "yes") if value else pgettext("yes or no", "no")
    if field is not None and field.choices and isinstance(value, str | int):
        return str(dict(field.flatchoices).get(value, value))
    if (
        isinstance(field, models.DateTimeField)
        and isinstance(value, str)
        and (moment := parse_datetime(value))
    ):
        return str(localize(localtime(moment)))
    if isinstance(value, list):
        return ", ".join(_shown(None, one) for one in value)
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_shown(None, one)}" for key, one in value.items())
    return str(value)


label_acts(
    {
        "user.set_roles": _("staff roles set"),
        "user.set_active": _("switched on or off"),
        "user.view_as": _("began to view the portal as this person"),
        "user.view_as_end": _("ended viewing the portal as this person"),
        "user.sign_in": _("signed in"),
        "user.sign_in_failed": _("sign-in failed"),
        "user.second_step_failed": _("second step failed"),
        "user.sign_out": _("signed out"),
        "user.session_expired": _("session ended by itself"),
        "user.join_university": _("university account joined"),
        "user.part_from_university": _("university account removed"),
        "user.add_address": _("e-mail address added"),
        "user.remove_address": _("e-mail address removed"),
        "user.change_address": _("signs in under another e-mail address"),
        "user.end_session": _("signed out on a device"),
        "user.end_sessions": _("signed out everywhere else"),
        "user.change_password": _("password changed"),
        "user.reset_password": _("password set anew by mail"),
        "user.add_factor": _("second step set up"),
        "user.remove_factor": _("second step removed"),
        "user.new_recovery_codes": _("new recovery codes made"),
        "user.reset_second_factor": _("second step reset"),
        "user.update_profile": _("profile changed"),
        "invitation.send": _("invitation sent"),
        "invitation.resend": _("invitation sent again"),
        "invitation.revoke": _("invitation revoked"),
        "invitation.accept": _("invitation accepted"),
        "message.retry": _("message tried again"),
        "delivery.retry": _("delivery tried again"),
        "document.stored": _("document stored"),
        "document.removed": _("document removed"),
        "document.read": _("document read"),
        "policy.replaced": _("policy given a new value"),
        "policy.ended": _("policy ended"),
        "policy.shipped": _("policy brought up to date by a release"),
        "calendar.day_set": _("special day set"),
        "calendar.day_removed": _("special day removed"),
        "job.started": _("job started"),
        "import.undo": _("row of an import undone"),
        "backup.made": _("backup made"),
        "token.revoke": _("API token revoked"),
        "webhook.update": _("webhook changed"),
        "webhook.renew_secret": _("signing key of the webhook renewed"),
        "webhook.remove": _("webhook removed"),
    }
)
