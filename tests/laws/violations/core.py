"""Attempts on the rules of the ground floor."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import STANDS_ALONE
from park_portal.core.tokens.states import MOST_DAYS
from tests.laws.violations import (
    Breach,
    breaks,
    changed,
    core_ledger,  # noqa: F401 - registers its attempts
    repeated,
)
from tests.laws.violations.generated import below_zero
from tests.laws.violations.rows import row, update

RoleHeld = User.groups.through
Right = User.user_permissions.through


# --- people

breaks("core_user_email_key", behind=("user_email_once",))(repeated("core.User", "email"))


@breaks("user_email_once")
def same_address_in_capitals() -> dict[str, Breach]:
    email = row("core.User").email.upper()
    return {"insert": lambda: row("core.User", email=email)}


@breaks("core_user_groups_user_id_group_id_c82fcad1_uniq")
def same_role_twice() -> dict[str, Breach]:
    held = RoleHeld.objects.create(user=row("core.User"), group=Group.objects.get(name="officer"))
    return {"insert": lambda: RoleHeld.objects.bulk_create([RoleHeld(user=held.user, group=held.group)])}


@breaks("core_user_user_permissions_user_id_permission_id_73ea0daa_uniq")
def same_right_twice() -> dict[str, Breach]:
    given = Right.objects.create(user=row("core.User"), permission=Permission.objects.all()[0])
    return {
        "insert": lambda: Right.objects.bulk_create([Right(user=given.user, permission=given.permission)])
    }


@breaks("administrator_stands_alone")
def administrator_beside_another_role() -> dict[str, Breach]:
    user, officer, lead, administrator = (
        row("core.User"),
        *(Group.objects.get(name=name) for name in ("officer", "lead", STANDS_ALONE)),
    )
    held = RoleHeld.objects.create(user=user, group=officer)
    RoleHeld.objects.create(user=user, group=lead)
    alone = RoleHeld.objects.create(user=row("core.User"), group=administrator)
    return {
        "insert": lambda: RoleHeld.objects.bulk_create([RoleHeld(user=user, group=administrator)]),
        "insert: the other way round": lambda: RoleHeld.objects.bulk_create(
            [RoleHeld(user=alone.user, group=officer)]
        ),
        "update": lambda: update(held, group=administrator),
    }


@breaks("invitation_open_once")
def invited_twice() -> dict[str, Breach]:
    first = row("core.Invitation")
    return {"insert": lambda: row("core.Invitation", email=first.email.upper(), kind=first.kind)}


breaks("invitation_accepted_or_revoked")(
    changed("core.Invitation", accepted_at=timezone.now(), revoked_at=timezone.now())
)
breaks("saved_view_once")(repeated("core.SavedView", "user", "page", "name"))
breaks("idempotent_answer_once")(repeated("core.IdempotentAnswer", "user", "key"))
breaks("token_scopes_shaped")(
    lambda: {"insert": lambda: row("core.ApiToken", scopes=["account:read", "everything"])}
)


@breaks("token_expires_within_a_year")
def token_for_too_long_or_over() -> dict[str, Breach]:
    now = timezone.now()
    late = now + timedelta(days=MOST_DAYS, seconds=1)
    return {
        "insert: too long": lambda: row("core.ApiToken", created_at=now, expires_at=late),
        "insert: over before it began": lambda: row("core.ApiToken", created_at=now, expires_at=now),
    }


@breaks("token_identity_fixed")
def token_widened() -> dict[str, Breach]:
    token = row("core.ApiToken")
    values = {
        "user": row("core.User"),
        "start": "other",
        "digest": "0" * 64,
        "scopes": ["account:read", "account:write"],
        "created_at": token.created_at - timedelta(days=1),
        "expires_at": token.expires_at + timedelta(days=1),
    }
    return {
        f"update: {field}": lambda field=field, value=value: update(token, **{field: value})
        for field, value in values.items()
    }


# --- documents

breaks("document_not_empty")(lambda: {"insert": lambda: row("core.Document", size=0)})
# One that has no predecessor is the first version, so that a version below zero is never right.
breaks("core_document_version_check", behind=("document_versions_count_up",))(
    below_zero("core.Document", "version")
)


@breaks("document_versions_count_up")
def version_without_predecessor() -> dict[str, Breach]:
    first = row("core.Document")
    return {
        "insert: second of none": lambda: row("core.Document", version=2),
        "insert: first of another": lambda: row("core.Document", replaces=first),
    }


@breaks("core_document_replaces_id_key")
def replaced_twice() -> dict[str, Breach]:
    first = row("core.Document")
    row("core.Document", replaces=first, version=2)
    return {"insert": lambda: row("core.Document", replaces=first, version=2)}


@breaks("document_content_is_final")
def other_content() -> dict[str, Breach]:
    first, other = row("core.Document"), row("core.Document")
    document = row("core.Document", replaces=first, version=2)
    values = {
        "public_id": uuid.uuid4(),
        "subject_type": "core.other",
        "subject_id": "0",
        "kind": "other",
        "name": "other.pdf",
        "mime": "text/plain",
        "size": document.size + 1,
        "sha256": "0" * 64,
        "path": "other",
        "version": 3,
        "replaces": other,
        "uploaded_by": row("core.User"),
        "created_at": timezone.now(),
    }
    return {
        f"update: {field}": lambda field=field, value=value: update(document, **{field: value})
        for field, value in values.items()
    }


# --- work after the commit

breaks("job_running_has_a_heartbeat")(changed("core.Job", state="running"))
breaks("delivery_once")(repeated("core.Delivery", "message", "recipient", "address", "channel"))
breaks("preference_once")(repeated("core.Preference", "user", "kind"))
breaks("search_entry_once")(repeated("core.SearchEntry", "kind", "object_id"))
breaks("webhook_tells_of_something")(changed("core.Webhook", kinds=[]))
breaks("webhook_event_once")(
    repeated("core.WebhookEvent", "webhook", "message", message=lambda: row("core.Message"))
)
breaks("audit_entry_acts_are_final", behind=("audit_entry_append_only",))(
    changed("core.Entry", action="user.other")
)
breaks("data_request_one_erasure")(repeated("core.DataRequest", "person", kind="erasure"))
breaks("data_request_answered_has_time")(changed("core.DataRequest", answered_at=timezone.now()))
breaks("consent_once_in_force")(repeated("core.Consent", "person", "purpose"))
breaks("consent_withdrawn_after_given")(
    changed("core.Consent", withdrawn_at=timezone.now() - timedelta(days=1))
)
breaks("webhook_attempt_once")(repeated("core.WebhookAttempt", "event", "number"))


@breaks("message_done_has_time")
def done_at_no_time() -> dict[str, Breach]:
    message = row("core.Message")
    return {
        "update: done at no time": lambda: update(message, status="done"),
        "update: a time and not done": lambda: update(message, done_at=timezone.now()),
    }


# --- dated rules

# Without it, the range of the other rule would be no range: an error that names no constraint.
breaks("policy_ends_after_it_begins", behind=("policy_one_value_a_day",))(
    changed("core.PolicyValue", effective_to=lambda value: value.effective_from - timedelta(days=1))
)


@breaks("policy_one_value_a_day")
def two_values_on_a_day() -> dict[str, Breach]:
    value = row("core.PolicyValue", key="test.days")
    update(value, effective_to=value.effective_from + timedelta(days=9))
    return {
        "insert: on its last day": lambda: row(
            "core.PolicyValue", key="test.days", effective_from=value.effective_from + timedelta(days=9)
        )
    }
