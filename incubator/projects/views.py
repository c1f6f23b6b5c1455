"""The portal's pages of research projects: for their teams and for the liaisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django.db import models
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from incubator.organisations.facts import is_liaison_today
from incubator.organisations.forms import ReasonForm
from incubator.organisations.models import Faculty, Liaison
from incubator.organisations.views import is_newcomer
from incubator.projects.forms import NewProjectForm, ResearchProjectForm, TeamMemberForm, TeamRoleForm
from incubator.projects.models import ProjectMember, ResearchProject
from incubator.projects.services import (
    add_team_member,
    change_team_member,
    invite_again,
    register_project,
    remove_team_member,
    update_project,
)
from incubator.projects.states import PROJECT_MACHINE, ProjectRole, ProjectState
from park_portal.core.errors import Text
from park_portal.core.frame import Card, NavItem, Task, home_card, register_nav
from park_portal.core.money import format_yuan
from park_portal.core.tones import tone_of
from park_portal.core.views import ActPage, Column, Crumb, DetailPage, ListPage, StateLine, way_on
from park_portal.core.workflow import advance, may

NAV = "projects"
SHOWN_AT_HOME = 5


def is_no_staff(user: Any) -> bool:
    """Park staff find research projects in the administration."""
    return not user.is_staff


register_nav(NavItem(NAV, gettext_lazy("Research projects"), "projects:list", order=61, show=is_no_staff))


@home_card(order=71)
def my_projects(user: Any) -> Card | None:
    """The projects one leads or works on; for newcomers, the way to the first one."""
    if user.is_staff:
        return None
    mine = [one for one in _at_home(user) if one.is_mine]
    if not mine and not is_newcomer(user):
        return None
    return Card(
        title=gettext_lazy("My research projects"),
        tasks=[_task(one) for one in mine],
        empty=gettext_lazy("Register the project of your research team, or ask its leader to invite you."),
        action_url="" if mine else reverse("projects:create"),
        action_label="" if mine else gettext_lazy("Register a research project"),
        more_url=reverse("projects:list") if mine else "",
        more_label=gettext_lazy("All my research projects") if mine else "",
    )


def _at_home(user: Any) -> list[Any]:
    """Returns the newest of one's own projects and, for liaisons, of those in their care: one query for both cards."""
    held = user.__dict__.get("_projects_at_home")
    if held is None:
        mine = ResearchProject.objects.of_member(user).annotate(is_mine=models.Value(True))
        rows = mine.order_by("-id")[:SHOWN_AT_HOME]
        if is_liaison_today(user):
            care = ResearchProject.objects.in_care_of(user).annotate(is_mine=models.Value(False))
            rows = rows.union(care.order_by("-id")[:SHOWN_AT_HOME], all=True)
        # A union comes in no order of its own.
        held = user.__dict__["_projects_at_home"] = sorted(rows, key=lambda one: -one.pk)
    return held


def _task(project: ResearchProject) -> Task:
    return Task(
        title=str(project.title),
        url=project.get_absolute_url(),
        detail=f"{project.code} · {project.principal_investigator}",
        state=project.get_state_display(),
        tone=tone_of(project),
        mine=False,
    )


@home_card(order=72)
def new_in_my_care(user: Any) -> Card | None:
    """For liaisons: what was registered at their faculties lately."""
    if user.is_staff or not is_liaison_today(user):
        return None
    newest = [one for one in _at_home(user) if not one.is_mine]
    return Card(
        title=gettext_lazy("Newly registered at my faculties"),
        tasks=[_task(one) for one in newest],
        empty=gettext_lazy("No research project yet"),
        more_url=reverse("projects:care"),
        more_label=gettext_lazy("Projects of my faculties"),
    )


def here() -> Crumb:
    return Crumb(gettext_lazy("Research projects"), reverse("projects:list"))


class ProjectFilter(django_filters.FilterSet):
    """Narrows a list of projects by state."""

    state = django_filters.ChoiceFilter(choices=ProjectState.choices, label=gettext_lazy("State"))

    class Meta:
        model = ResearchProject
        fields = ["state"]


class CareFilter(ProjectFilter):
    """Narrows a liaison's list, by faculty as well."""

    faculty = django_filters.ModelChoiceFilter(
        queryset=lambda request: Faculty.objects.filter(
            organisation__in=request.user.liaisons.current().values("organisation")
        ),
        label=gettext_lazy("Faculty"),
    )

    class Meta(ProjectFilter.Meta):
        fields = ["faculty", "state"]


class ProjectList(ListPage):
    """The projects on whose team one is."""

    model = ResearchProject
    nav = NAV
    title = gettext_lazy("My research projects")
    lead = gettext_lazy(
        "Projects that you lead or work on. An application to the fund can take its facts from here."
    )
    filterset = ProjectFilter
    search_in = ("code", "title_zh_hans", "title_en", "principal_investigator", "grant_number")
    search_label = gettext_lazy("Number, title, investigator or grant number")
    empty_title = gettext_lazy("No research project yet")
    empty_text = gettext_lazy("Register one, or ask its principal investigator to invite you to the team.")
    columns = (
        Column("code", gettext_lazy("Number"), order="code"),
        Column("title", gettext_lazy("Title"), kind="main", url=lambda row: row.get_absolute_url()),
        Column("principal_investigator", gettext_lazy("Principal investigator")),
        Column("institution", gettext_lazy("University or institute"), value=lambda row: row.institution),
        Column("trl", gettext_lazy("TRL"), order="trl", kind="number"),
        Column(
            "state",
            gettext_lazy("State"),
            value=lambda row: row,
            kind="state",
        ),
    )

    def rows(self) -> models.QuerySet[ResearchProject]:
        return ResearchProject.objects.of_member(self.request.user).select_related("university")

    def actions(self) -> Sequence[tuple[Text, str]]:
        actions: list[tuple[Text, str]] = [(_("Register a research project"), reverse("projects:create"))]
        if is_liaison_today(self.request.user):
            actions.append((_("Projects of my faculties"), reverse("projects:care")))
        return actions


class CareList(ProjectList):
    """The projects of the universities and faculties a liaison answers for."""

    title = gettext_lazy("Projects of my faculties")
    lead = gettext_lazy("All research projects of the university or faculties that you are liaison for.")
    permission = "incubator.see_care_list"
    filterset = CareFilter
    empty_title = gettext_lazy("No research project yet")
    empty_text = gettext_lazy("Register the first one of your faculty.")

    def actions(self) -> Sequence[tuple[Text, str]]:
        return [
            (_("Register a research project"), reverse("projects:create")),
            (_("My research projects"), reverse("projects:list")),
        ]

    columns = (
        *ProjectList.columns[:3],
        Column("faculty", gettext_lazy("Faculty"), value="faculty.name"),
        *ProjectList.columns[4:],
    )

    def rows(self) -> models.QuerySet[ResearchProject]:
        return ResearchProject.objects.in_care_of(self.request.user).select_related("university", "faculty")


class ProjectPage(DetailPage):
    """What the portal knows of one research project."""

    model = ResearchProject
    nav = NAV
    template_name = "incubator/projects/detail.html"

    def rows(self) -> models.QuerySet[ResearchProject]:
        return super().rows().select_related("university", "faculty")

    def get_title(self) -> str:
        return str(self.object.title)

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(self.object.code)]

    def state_line(self) -> StateLine:
        return StateLine(self.object.get_state_display(), tone_of(self.object))

    def get_context(self, **context: Any) -> dict[str, Any]:
        project, user = self.object, self.request.user
        place = project.member_for(user)
        may_apply = place is not None and (place.role == ProjectRole.PI or place.can_edit)
        return super().get_context(
            # The room of applications lies above this one; its rows are reached from here.
            is_new=may_apply and not project.applications.exists(),
            team=project.team.all(),
            amount=format_yuan(project.amount_fen),
            can_edit=may(user, "incubator.edit_project", project),
            can_manage=may(user, "incubator.manage_project_team", project),
            can_leave=place is not None and place.role != ProjectRole.PI,
            place=place,
            moves=PROJECT_MACHINE.available(project, user),
            **context,
        )


class ProjectCreate(ActPage):
    """Registers a project, one's own or on behalf of someone."""

    permission = "incubator.register_project"
    nav = NAV
    title = gettext_lazy("Register a research project")
    form_class = NewProjectForm
    submit_label = pgettext_lazy("record", "Register")
    success = gettext_lazy("The research project is registered.")

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(self.title)]

    def cancel_url(self) -> str:
        return way_on(self.request) or reverse("projects:list")

    def success_url(self) -> str:
        return way_on(self.request) or super().success_url()

    def form_kwargs(self) -> dict[str, Any]:
        return {"user": self.request.user}

    def initial(self) -> dict[str, Any]:
        post = Liaison.objects.for_user(self.request.user).first()
        if post is None:
            return {}
        return {"who": "other", "university": post.organisation_id, "faculty": post.faculty_id}

    def act(self, form: Any) -> ResearchProject:
        data, user = form.cleaned_data, self.request.user
        values = {name: data[name] for name in form.Meta.fields}
        if data["who"] == "me":
            return register_project(actor=user, pi_user=user, principal_investigator=user.name, **values)
        return register_project(
            actor=user,
            pi_email=data["pi_email"],
            principal_investigator=data["principal_investigator"],
            **values,
        )


class ProjectAct(ActPage):
    """An act on one project."""

    model = ResearchProject
    nav = NAV

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(self.object.code, self.object.get_absolute_url()), Crumb(self.title)]


class ProjectEdit(ProjectAct):
    """Changes the record."""

    permission = "incubator.edit_project"
    title = gettext_lazy("Edit the research project")
    form_class = ResearchProjectForm
    success = gettext_lazy("Saved.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"instance": self.object, "user": self.request.user}

    def act(self, form: Any) -> ResearchProject:
        values = {name: form.cleaned_data[name] for name in {*form.changed_data, "university", "faculty"}}
        return update_project(self.object, actor=self.request.user, **values)


class ProjectMove(ProjectAct):
    """Makes one transition of the project."""

    permission = "incubator.move_project"
    form_class = ReasonForm

    def prepare(self) -> None:
        super().prepare()
        try:
            self.transition = PROJECT_MACHINE.get(self.kwargs["name"])
        except KeyError as error:
            raise Http404 from error
        self.title = self.submit_label = self.transition.label  # type: ignore[misc] # by the act that was asked for

    def get_title(self) -> str:
        return str(self.transition.label)

    def act(self, form: Any) -> ResearchProject:
        return advance(
            self.object, self.transition.name, actor=self.request.user, reason=form.cleaned_data["reason"]
        )


# --- the team ------------------------------------------------------------------------------------------------------


class TeamAdd(ProjectAct):
    """Adds a person to the team."""

    permission = "incubator.manage_project_team"
    title = gettext_lazy("Add a team member")
    form_class = TeamMemberForm
    submit_label = gettext_lazy("Add")
    success = gettext_lazy("The team member is added.")

    def act(self, form: Any) -> None:
        add_team_member(self.object, actor=self.request.user, **form.cleaned_data)

    def success_url(self) -> str:
        return str(self.object.get_absolute_url())


class TeamAct(ActPage):
    """An act on one team member."""

    model = ProjectMember
    permission = "incubator.manage_project_team"
    nav = NAV

    def rows(self) -> models.QuerySet[ProjectMember]:
        return (
            ProjectMember.objects.visible_to(self.request.user)
            .filter(project=self.kwargs["project"])
            .select_related("project", "user")
        )

    def permission_object(self) -> ResearchProject:
        return self.object.project

    def get_title(self) -> str:
        return f"{self.title}: {self.object.name}"

    def get_crumbs(self) -> Sequence[Crumb]:
        project = self.object.project
        return [here(), Crumb(project.code, project.get_absolute_url()), Crumb(self.title)]

    def success_url(self) -> str:
        return reverse("projects:detail", args=[self.kwargs["project"]])

    cancel_url = success_url


class TeamChange(TeamAct):
    title = gettext_lazy("Change the role")
    form_class = TeamRoleForm
    success = gettext_lazy("The role is changed.")

    def initial(self) -> dict[str, Any]:
        return {"role": self.object.role, "can_edit": self.object.can_edit}

    def act(self, form: Any) -> None:
        change_team_member(self.object, actor=self.request.user, **form.cleaned_data)


class TeamRemove(TeamAct):
    title = gettext_lazy("Take off the team")
    explain = gettext_lazy("The person no longer sees the project; an open invitation stops working.")
    submit_label = gettext_lazy("Take off the team")
    submit_tone = "danger"
    success = gettext_lazy("The team member is removed.")

    def act(self, form: Any) -> None:
        remove_team_member(self.object, actor=self.request.user)


class TeamInvite(TeamAct):
    title = gettext_lazy("Send the invitation again")
    explain = gettext_lazy("A new link is sent; the old one stops working.")
    submit_label = gettext_lazy("Send again")
    success = gettext_lazy("The invitation is on its way.")

    def act(self, form: Any) -> None:
        invite_again(self.object, actor=self.request.user)


class TeamLeave(ProjectAct):
    """Takes oneself off the team."""

    title = gettext_lazy("Leave the team")
    explain = gettext_lazy("You no longer see the project.")
    submit_label = gettext_lazy("Leave")
    submit_tone = "danger"
    success = gettext_lazy("You have left the team.")

    def prepare(self) -> None:
        super().prepare()
        if self.object.member_for(self.request.user) is None:
            raise Http404

    def act(self, form: Any) -> None:
        remove_team_member(self.object.member_for(self.request.user), actor=self.request.user)

    def success_url(self) -> str:
        return reverse("projects:list")
