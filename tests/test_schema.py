"""The whole description of the API, asked as every role: no fault of ours, and no answer that is not described.

What is asked is made up by schemathesis from the description, right and wrong, always the same; half of it names rows
that there are. A longer look: ``SCHEMA_EXAMPLES=50 make test ARGS=tests/test_schema.py``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import schemathesis
from django.contrib import admin
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from funding.datarooms.services import ask_for_room, open_item
from funding.reviews import services as reviews
from park_portal.core.accounts.services import save_view
from park_portal.core.audit.models import Entry
from park_portal.core.calendar.services import set_special_day
from park_portal.core.jobs.services import start_job
from park_portal.core.outbox import services as outbox
from park_portal.core.outbox.models import Delivery
from park_portal.core.outbox.services import notify
from park_portal.core.policies.models import PolicyValue
from park_portal.core.privacy.services import ask
from park_portal.core.webhooks.services import send_test
from park_portal.core.workflow import SYSTEM
from tests.callers import Caller
from tests.factories import datarooms
from tests.factories.applications import make_application as make_draft
from tests.factories.decisions import make_award, make_letter, under_notice
from tests.factories.reviews import expert_run, make_application, make_review, make_review_call, run_of
from tests.factories.webhooks import make_webhook
from tests.personas import person

pytestmark = pytest.mark.django_db

EVE = date(2026, 12, 31)
# Of each operation.
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "2"))
ROLES = (
    *("founder", "liaison", "reviewer"),
    *("officer", "lead", "finance", "auditor", "administrator"),
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def rows() -> dict[str, dict[str, Any]]:
    """Something of everything, so that what is asked finds it: the values in addresses, by resource."""
    founder, reviewer, lead = person("founder"), person("reviewer"), person("lead")
    organisation = founder.memberships.get().organisation
    project = person("investigator").project_places.get().project
    draft = make_draft(organisation=organisation)
    submitted = make_application(make_review_call("screening", "decision"), organisation=organisation)
    review = make_review(expert_run(), reviewer, accepted=True)
    university = person("liaison").liaisons.get().organisation
    run = run_of(
        make_application(
            make_review_call("liaison", "decision"), project=type(project).objects.get(pk=project.pk)
        )
    )
    type(project).objects.filter(pk=project.pk).update(university=university)
    line = under_notice()
    objection = reviews.record_objection(line, name="陈思远", email="chen@example.com", text="数据来源存疑。")
    conflict = reviews.record_conflict(
        submitted, reviewer, actor=person("officer"), kind="declared", note="同门"
    )
    letter, award = make_letter(lead=lead), make_award()
    webhook, _secret = make_webhook(founder)
    event = send_test(webhook, actor=founder)
    message = notify("call.cancelled", recipients=[founder], key="schema", context={}, link="/calls/")
    outbox.handle_message(message.pk)
    job = start_job("applications.export", actor=lead, params={"keys": [submitted.pk]})
    asked = ask(founder, actor=founder, kind="correction", text="学位有误。")
    grant = datarooms.share(
        datarooms.make_document(organisation), datarooms.make_investor(organisation), level="download"
    )
    access = open_item(grant.item_id, actor=grant.investor.user).accesses.get()
    room_request = ask_for_room(actor=reviewer, uscc=organisation.uscc, firm="青溪资本")
    shared = datarooms.share(
        datarooms.make_document(other := datarooms.make_company()),
        datarooms.make_investor(other, reviewer),
        level="download",
    )
    set_special_day(EVE, working=False, name="调休", actor=SYSTEM)
    return {
        "applications": {"id": draft.pk, "key": "title", "number": 1},
        "audit": {"id": Entry.objects.latest("pk").pk},
        "awards": {"id": award.pk},
        "calendar": {"id": 1},
        "calls": {"code": draft.call.code},
        "conflicts": {"id": conflict.pk},
        "consents": {"purpose": "news_of_calls"},
        "data-requests": {"id": asked.pk},
        "data-room-accesses": {"id": access.pk},
        "data-room-grants": {"id": grant.pk},
        "data-room-investors": {"id": grant.investor_id},
        "data-room-items": {"id": grant.item_id},
        "data-room-requests": {"id": room_request.pk},
        "decisions": {"id": letter.decision_id},
        "documents": {"id": "00000000-0000-4000-8000-000000000000"},
        "funds": {"code": draft.call.fund.code},
        "inbox": {"public_id": Delivery.objects.get(message=message, channel="inbox").public_id},
        "invitations": {"id": 1},
        "jobs": {"id": job.public_id},
        "letters": {"id": letter.pk},
        "memberships": {"id": founder.memberships.get().pk},
        "my-data-requests": {"id": asked.pk},
        "notices": {"id": line.notice_id},
        "objections": {"id": objection.pk},
        "organisations": {"id": organisation.pk},
        "outcomes": {"id": submitted.pk},
        "people": {"id": reviewer.pk},
        "policies": {"id": PolicyValue.objects.earliest("pk").pk},
        "preferences": {"kind": "call.cancelled"},
        "projects": {"id": project.pk},
        "rankings": {"code": letter.decision.application.call.code},
        "reviewers": {"id": reviewer.reviewer.pk},
        "reviews": {"id": review.pk, "key": "opinion"},
        "runs": {"id": run.pk},
        "shared-items": {"id": shared.item_id, "number": 1},
        "saved-views": {"id": save_view(founder, page="applications:list", name="Mine", query="").pk},
        "team-members": {"id": project.team.earliest("pk").pk},
        "webhook-requests": {"id": event.header_id},
        "webhooks": {"id": webhook.pk},
    }


def models_of_acts() -> dict[str, list[str]]:
    """The names of the acts of each resource."""
    from park_portal.api import router

    found = {}
    for prefix, resource, _name in router.registry:
        staff: Any = admin.site._registry.get(getattr(resource, "model", None))
        if staff is not None:
            found[prefix] = sorted({act.name for on in ("record", "list") for act in staff.all_acts(on=on)})
    return found


def some(operation: Any) -> list[Any]:
    """Some requests of one operation."""
    made: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def collect(case: Any) -> None:
        made.append(case)

    collect()
    return made


def cases(schema: Any, rows: dict[str, dict[str, Any]]) -> Iterator[tuple[bool, Any]]:
    """What is asked: of each operation some examples, and whether it is about rows that there are."""
    acts = models_of_acts()
    for operation in [result.ok() for result in schema.get_all_operations()]:
        resource = operation.path.split("/")[3]
        for number, case in enumerate(some(operation)):
            parameters = case.path_parameters or {}
            if number % 2 == 0:
                known = rows.get(resource, {})
                parameters |= {name: str(known[name]) for name in parameters.keys() & known.keys()}
            if "act" in parameters and acts.get(resource):
                parameters["act"] = acts[resource][number % len(acts[resource])]
            yield number % 2 == 0, case


@pytest.fixture
def one_connection() -> Iterator[None]:
    """A request that ends closes what the test's transaction is in; Django's own test client sees to the same."""
    request_finished.disconnect(close_old_connections)
    request_started.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


def test_the_schema_holds_for_everyone(rows, one_connection):
    logging.disable(logging.CRITICAL)
    try:
        app = WSGIHandler()
        schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", app)
        callers = {"nobody": {}} | {
            role: {"Authorization": f"Bearer {Caller(person(role)).secret}"} for role in ROLES
        }
        broken, answers = [], dict.fromkeys(callers, 0)
        for number, (is_known, case) in enumerate(cases(schema, rows)):
            # What names no rows is the same for most: a few roles in turn are enough.
            asking = [who for turn, who in enumerate(callers) if is_known or turn % 4 == number % 4]
            for who in asking:
                headers = callers[who]
                # Nobody finds what another did.
                with transaction.atomic():
                    answer = case.call(headers={**headers, "Accept-Language": "en", "If-Match": "*"})
                    transaction.set_rollback(True)
                answers[who] += answer.status_code < 400
                try:
                    case.validate_response(answer, checks=CHECKS)
                except FailureGroup as found:
                    broken += [f"{who}: {case.operation.label}: {one}"[:600] for one in found.exceptions]
    finally:
        logging.disable(logging.NOTSET)
    assert broken == [], "\n".join(dict.fromkeys(broken))
    # What is asked is not all refused.
    assert min(answers.values()) > 5, answers
    assert answers["lead"] > 60, answers
