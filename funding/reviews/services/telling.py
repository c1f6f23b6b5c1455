"""Who is told what: the people behind a stage, and the merge fields of the room's notices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from funding.applications.models import Application
from funding.calls.models import Call, Stage
from funding.calls.services import notify_of_call
from funding.calls.states import Acts
from funding.reviews.models import PlannedPair, Review, StageRun
from funding.reviews.states import PlanState, RunState
from incubator.organisations.models import Liaison
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import Language, StaffRole
from park_portal.core.outbox.services import publish


def in_languages(obj: Model, field: str) -> dict[str, str]:
    """Return a translated field of ``obj`` in each language, falling back to the one that is there."""
    held = {code: getattr(obj, f"{field}_{code.replace('-', '_')}", "") or "" for code in Language.values}
    filled = next((text for text in held.values() if text), "")
    return {code: text or filled for code, text in held.items()}


def day(moment: datetime) -> str:
    """Return the day of ``moment`` in Shanghai as notices write it."""
    return timezone.localtime(moment).strftime("%Y-%m-%d")


def name_of_stage(stage: Stage) -> dict[str, str]:
    found = in_languages(stage, "name")
    for code, text in found.items():
        if not text:
            with override(code):
                found[code] = str(stage.get_kind_display())
    return found


def name_of_applicant(application: Application) -> dict[str, str]:
    if application.organisation is not None and application.kind == "organisation":
        return in_languages(application.organisation, "name")
    assert application.project is not None
    return in_languages(application.project, "title")


def fields_of(application: Application) -> dict[str, Any]:
    """Return the merge fields that every notice of this room has."""
    return {
        "number": application.number or "",
        "title": application.title,
        "call": in_languages(application.call, "title"),
    }


def staff_of(call: Call, *roles: str) -> list[User]:
    """Return the active staff with ``roles`` and the call's lead."""
    found = {person.pk: person for person in User.objects.with_role(*roles)}
    if call.lead.is_active:
        found[call.lead_id] = call.lead
    return list(found.values())


def liaisons_of(application: Application) -> list[User]:
    """Return the people who are liaison today for the project's university or faculty, but not on its team."""
    project = application.project
    if project is None or project.university_id is None:
        return []
    posts = Liaison.objects.for_place(project.university_id, project.faculty_id).filter(user__is_active=True)
    team = set(project.team.filter(user__isnull=False).values_list("user_id", flat=True)) | {
        project.pi_user_id
    }
    return [post.user for post in posts.select_related("user") if post.user_id not in team]


def acting_people(run: StageRun) -> list[User]:
    """Return those whose turn it is in ``run``; for experts, the staff who assign them."""
    acts, call = run.stage.acts, run.application.call
    if acts == Acts.LIAISON:
        return liaisons_of(run.application)
    if acts == Acts.FUND_MANAGER:
        return list(User.objects.with_role(StaffRole.FUND_MANAGER))
    if acts == Acts.LEAD:
        return [call.lead]
    return staff_of(call, StaffRole.OFFICER)


def link_of_run(run: StageRun) -> str:
    """Return where those who act in ``run`` find it: liaisons on the portal, staff in the admin."""
    if run.stage.acts == Acts.LIAISON:
        return reverse("reviews:act", args=[run.pk])
    if run.stage.acts == Acts.EXPERT:
        return reverse("admin:funding_stagerun_assign") + f"?run={run.pk}"
    return reverse("admin:funding_stagerun_work", args=[run.pk])


def tell(
    kind: str,
    *,
    application: Application,
    recipients: Iterable[User],
    key: str,
    link: str = "",
    **context: Any,
) -> None:
    """Write a notice of ``kind`` about ``application``, with the call's own text where staff gave one."""
    people = list(recipients)
    if people:
        notify_of_call(
            application.call,
            kind,
            recipients=people,
            key=key,
            link=link,
            context={**fields_of(application), **context},
        )


def ask_for_replacement(review: Review, *, key: str, why: dict[str, str], reason: Any) -> None:
    """Have somebody else found for ``review``: by the plan that had asked for it, which tells staff whom; else by staff."""
    run = review.run
    asked_by_plan = PlannedPair.objects.filter(
        run=run, person=review.reviewer, plan__state=PlanState.CONFIRMED
    )
    if run.state == RunState.ACTIVE and asked_by_plan.exists():
        publish(
            "review.stepped_back",
            key=f"review.stepped_back:{key}",
            payload={"run": run.pk, "person": review.reviewer_id},
        )
        return
    tell(
        "review.replacement",
        application=review.application,
        recipients=staff_of(review.application.call, StaffRole.OFFICER),
        key=key,
        link=link_of_run(run),
        reviewer=review.reviewer.name,
        why=why,
        reason=reason,
    )


def tell_reviewer(kind: str, review: Review, *, key: str, **context: Any) -> None:
    """Write a notice of ``kind`` to the reviewer of ``review``."""
    link = reverse("reviews:detail", args=[review.pk])
    tell(kind, application=review.application, recipients=[review.reviewer], key=key, link=link, **context)
