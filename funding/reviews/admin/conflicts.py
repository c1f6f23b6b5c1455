"""Conflicts of interest: recorded, looked at, taken back; what stands around one person and one application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Q
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from funding.applications.models import Application
from funding.calls.models import Call
from funding.reviews.forms import ConflictForm, TieForm
from funding.reviews.models import Conflict, Review, Reviewer, StageRun
from funding.reviews.services import (
    Reason,
    confirm_conflict,
    declare_tie,
    dismiss_conflict,
    match_application,
    reasons_of,
    record_conflict,
    reopen_conflict,
    withdraw_conflict,
)
from funding.reviews.states import ConflictState, ReviewState
from incubator.projects.models import ProjectMember
from park_portal.core.accounts.models import User
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, state_label
from park_portal.core.errors import DomainError
from park_portal.core.jobs.services import start_job

SHOWN = 300  # lines of a table on a page


class RecordForm(ConflictForm):
    """A conflict of a person of the pool."""

    person = forms.ModelChoiceField(label=gettext_lazy("Reviewer"), queryset=User.objects.none())
    field_order = ["person", "application_number", "kind", "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["person"]
        offered.queryset = User.objects.filter(reviewer__isnull=False).order_by("name")

    def clean_application_number(self) -> Application:
        number = self.cleaned_data["application_number"].strip()
        found = Application.objects.filter(number__iexact=number).first()
        if found is None:
            raise forms.ValidationError(_("There is no application with this number."))
        return found


class TieOfForm(TieForm):
    """What ties somebody to an organisation or a person, as staff know it."""

    person_email = forms.EmailField(
        label=gettext_lazy("E-mail of whose tie it is"),
        max_length=254,
        help_text=gettext_lazy("A reviewer, or somebody of an applicant's side."),
    )
    field_order = ["person_email", "kind"]

    def clean_person_email(self) -> User:
        found = User.objects.filter(email__iexact=self.cleaned_data["person_email"]).first()
        if found is None:
            raise forms.ValidationError(_("Nobody has an account with this address."))
        return found


class MatchForm(forms.Form):
    """Whose names are matched."""

    call: Any = forms.ModelChoiceField(label=gettext_lazy("Call"), queryset=Call.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["call"]
        offered.queryset = Call.objects.filter(
            pk__in=Application.objects.under_way().order_by().values("call")
        ).order_by("-opens_at")


class DismissForm(forms.Form):
    """Why a conflict does not stand."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=400, widget=forms.Textarea(attrs={"rows": 3})
    )


def record_one(
    *, actor: User, person: User, application_number: Application, kind: str, note: str
) -> Conflict:
    return record_conflict(application_number, person, actor=actor, kind=kind, note=note)


def tie_one(*, actor: User, person_email: User, **values: Any) -> Conflict:
    return declare_tie(person_email, actor=actor, **values)


def match_one(*, actor: User, call: Call) -> Any:
    return start_job("conflicts.match", actor=actor, params={"call": call.pk})


def _only(*states: str) -> Any:
    def check(conflict: Conflict, actor: Any) -> None:
        if conflict.state not in states:
            raise DomainError(_("This has been decided."), code="decided")

    return check


@admin.register(Conflict)
class ConflictAdmin(ReadOnly, StaffAdmin):
    """Conflicts of interest on record, whoever told of them, and possible ones that wait for a look."""

    view_rule = "funding.see_reviews"
    list_display = [
        "person_shown",
        "end_shown",
        "kind",
        "state_shown",
        "source",
        "note_shown",
        "since",
        "expires_on",
        "recorded_at",
    ]
    list_filter = ["state", "kind", "source", "application__call"]
    search_fields = [
        "person__name",
        "person__email",
        "application__number",
        "organisation__name_zh_hans",
        "other__name",
        "other_name",
    ]
    list_select_related = ["person", "application", "organisation", "faculty", "other", "recorded_by"]
    ordering = ["-pk"]
    fields = [
        "person",
        "end_shown",
        "kind",
        "state",
        "source",
        "note_shown",
        "since",
        "expires_on",
        "recorded_by",
        "recorded_at",
        "decided_by",
        "decided_at",
    ]
    readonly_fields = ["end_shown", "note_shown"]
    state_shown = state_label()
    acts = [
        Act(
            "record",
            record_one,
            label=gettext_lazy("Record a conflict of interest"),
            done=gettext_lazy(
                "The conflict of interest is on record; this person can no longer review the application."
            ),
            rule="funding.record_conflict",
            form=RecordForm,
            on="list",
            icon="add",
            explain=gettext_lazy(
                "A review of this application by this person is suspended at once; both sides are told."
            ),
        ),
        Act(
            "record_tie",
            tie_one,
            label=gettext_lazy("Record a tie"),
            done=gettext_lazy("The tie is on record; reviews that it forbids are suspended."),
            rule="funding.record_conflict",
            form=TieOfForm,
            on="list",
            icon="hub",
            explain=gettext_lazy(
                "Between a person and an organisation or another person: it counts for every application it concerns."
            ),
        ),
        Act(
            "match",
            match_one,
            label=gettext_lazy("Match the names of a call"),
            done=gettext_lazy("Names are being matched; what is found is listed here as possible."),
            rule="funding.record_conflict",
            form=MatchForm,
            on="list",
            icon="compare_arrows",
            explain=gettext_lazy(
                "Compares the pool with everybody named in the call's applications, in characters and in pinyin."
            ),
            after=lambda obj, job: reverse("admin:core_job_change", args=[job.pk]),
        ),
        Act(
            "confirm",
            confirm_conflict,
            label=gettext_lazy("The same person"),
            button=gettext_lazy("It is the same person"),
            done=gettext_lazy("The conflict stands; reviews that it forbids are suspended."),
            rule="funding.record_conflict",
            sources=(ConflictState.POSSIBLE,),
            check=_only(ConflictState.POSSIBLE),
            icon="done",
            bulk="each",
            explain=gettext_lazy("The possible match is right: from now on it forbids the review."),
        ),
        Act(
            "dismiss",
            dismiss_conflict,
            label=gettext_lazy("Not the same person"),
            done=gettext_lazy("Dismissed. The person can be asked."),
            rule="funding.record_conflict",
            form=DismissForm,
            sources=(ConflictState.POSSIBLE,),
            check=_only(ConflictState.POSSIBLE),
            icon="person_off",
            bulk="each",
            explain=gettext_lazy("The possible match is somebody else. It is not put to you again."),
        ),
        Act(
            "withdraw",
            withdraw_conflict,
            label=gettext_lazy("Take it back"),
            done=gettext_lazy("The conflict of interest was taken back; the person can be assigned again."),
            rule="funding.record_conflict",
            form=DismissForm,
            sources=(ConflictState.STANDING,),
            check=_only(ConflictState.STANDING),
            icon="undo",
            danger=True,
            explain=gettext_lazy("Only for what was recorded by mistake; what a reviewer declared stands."),
        ),
        Act(
            "reopen",
            reopen_conflict,
            done=gettext_lazy("It is possible again: confirm it, or dismiss it."),
            icon="restart_alt",
            explain=gettext_lazy("Puts it before you again, as possible."),
        ),
    ]

    @display(description=gettext_lazy("person"), ordering="person__name")
    def person_shown(self, conflict: Conflict) -> str:
        return str(conflict.person)

    @display(description=gettext_lazy("with"))
    def end_shown(self, conflict: Conflict) -> str:
        return conflict.end

    @display(description=gettext_lazy("note"))
    def note_shown(self, conflict: Conflict) -> str:
        return conflict.note_text


def ties_around(person: User) -> models.QuerySet[Conflict]:
    """Return every tie that somebody is one end of, by account, address or ORCID."""
    found = Q(person=person) | Q(other=person) | Q(other_email__iexact=person.email)
    if (entry := Reviewer.objects.filter(user=person).first()) is not None and entry.orcid:
        found |= Q(other_orcid=entry.orcid)
    rows = Conflict.objects.filter(found)
    return rows.select_related("person", "application", "organisation", "faculty", "other", "recorded_by")


class TiesOfPersonPage(StaffPage):
    """The graph of one reviewer: who and what they are tied to, and which applications under way that forbids."""

    name, path = "ties", "<int:pk>/ties/"
    rule, title, icon = "funding.see_reviews", gettext_lazy("Ties and conflicts"), "hub"
    offered = "record"
    template_name = "admin/funding/reviewer/ties.html"
    object: Reviewer

    def context(self) -> Mapping[str, Any]:
        person = self.object.user
        applications = {
            row.pk: row
            for row in Application.objects.under_way()
            .select_related("call", "organisation", "project__university", "project__faculty")
            .order_by("call", "number")
        }
        found = reasons_of((person.pk, pk) for pk in applications)
        barred: list[tuple[Application, list[Reason]]] = [
            (application, found[pk, person.pk])
            for pk, application in applications.items()
            if (pk, person.pk) in found
        ]
        return {
            "person": person,
            "ties": ties_around(person).order_by("state", "-pk")[:SHOWN],
            "barred": barred[:SHOWN],
            "suspended": Review.objects.filter(reviewer=person, state=ReviewState.SUSPENDED)
            .select_related("application")
            .order_by("-suspended_at")[:SHOWN],
        }


class TiesOfApplicationPage(StaffPage):
    """The graph of one application: its side's ties, possible matches, and whom of the pool it must not meet."""

    name, path = "conflicts", "<int:pk>/conflicts/"
    rule, title, icon = "funding.see_reviews", gettext_lazy("Conflicts of interest"), "hub"
    offered = "record"
    template_name = "admin/funding/stagerun/conflicts.html"
    object: StageRun

    def context(self) -> Mapping[str, Any]:
        application = self.object.application
        pool = {row.user_id: row for row in Reviewer.objects.active().select_related("user")}
        found = reasons_of((person, application.pk) for person in pool)
        side = self._side(application)
        ties = Conflict.objects.filter(
            Q(application=application) | Q(person__in=side, application=None) | Q(other__in=side)
        ).select_related("person", "application", "organisation", "faculty", "other", "recorded_by")
        return {
            "application": application,
            "barred": sorted(
                ((pool[person], reasons) for (_a, person), reasons in found.items()),
                key=lambda line: (line[0].user.name, line[0].pk),
            )[:SHOWN],
            "pool": len(pool),
            "ties": ties.order_by("state", "-pk")[:SHOWN],
            "may_match": self.request.user.has_perm("funding.record_conflict"),
        }

    @staticmethod
    def _side(application: Application) -> set[int]:
        found: set[int] = set()
        if application.organisation is not None:
            found |= set(application.organisation.memberships.values_list("user", flat=True))
        if application.project is not None:
            members = ProjectMember.objects.filter(project=application.project, user__isnull=False)
            found |= set(members.values_list("user", flat=True))
            found |= {application.project.pi_user_id} - {None}  # type: ignore[arg-type] # without an account
        return found

    def post(self) -> HttpResponseBase:
        if not self.request.user.has_perm("funding.record_conflict"):
            return self.render(status=403, problems=[_("You may not do this.")])
        written = match_application(self.object.application)
        text = ngettext("%d match was written down.", "%d matches were written down.", written)
        return self.redirect(message=text % written)


__all__ = ["ConflictAdmin", "TiesOfApplicationPage", "TiesOfPersonPage"]
