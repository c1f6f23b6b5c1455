"""Research projects and their teams: every write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, connection, transaction
from django.db.models import IntegerField, Max
from django.db.models.functions import Cast, Substr
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incubator.organisations.models import Liaison
from incubator.organisations.services import clean_or_refuse, set_fields
from incubator.projects.models import ProjectMember, ResearchProject
from incubator.projects.states import ProjectRole
from park_portal.core.accounts.models import Invitation, User
from park_portal.core.accounts.services import accepts, invite, revoke_invitation
from park_portal.core.audit.services import changes_of, record
from park_portal.core.errors import DomainError
from park_portal.core.imports.resource import snapshot
from park_portal.core.outbox.services import notify
from park_portal.core.workflow import Actor, advance, require

INVITATION: Final = "project_member"
FIELDS: Final = (
    "title_zh_hans",
    "title_en",
    "summary_zh_hans",
    "summary_en",
    "keywords_zh",
    "keywords_en",
    "trl",
    "university",
    "faculty",
    "institution_text",
    "principal_investigator",
    "source",
    "programme",
    "grant_number",
    "approval_year",
    "discipline",
    "subject_codes",
    "subject_names",
    "amount_fen",
    "starts_on",
    "ends_on",
)
# Any constant will do, as long as nothing else takes the same advisory lock.
_NUMBER_LOCK: Final = 0x5250


def _next_code() -> str:
    """Returns the next number of the year, RP-2026-0001; one registrar at a time until the transaction ends."""
    prefix = f"RP-{timezone.localdate().year}-"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBER_LOCK])
    highest = (
        ResearchProject.objects.filter(code__startswith=prefix)
        .annotate(number=Cast(Substr("code", len(prefix) + 1), IntegerField()))
        .aggregate(highest=Max("number"))["highest"]
    )
    return f"{prefix}{(highest or 0) + 1:04d}"


def register_project(
    *, actor: User, pi_user: User | None = None, pi_email: str = "", **values: Any
) -> ResearchProject:
    """Registers a research project with its principal investigator and returns it.

    Takes the fields in `FIELDS`. `pi_user` is the account of the principal investigator; without one, `pi_email` gets
    an invitation. Whoever registers for someone else and is neither staff nor liaison joins the team as editor. Raises
    DomainError for invalid values and for a grant already registered.
    """
    require(actor, "incubator.register_project")
    project = ResearchProject(created_by=actor, pi_user=pi_user, code="-")
    set_fields(project, values, FIELDS)
    if pi_user is not None and not project.principal_investigator:
        project.principal_investigator = pi_user.name
    clean_or_refuse(project, exclude=["code"])
    with transaction.atomic():
        lead = _insert(project, actor=actor, email=pi_user.email if pi_user else pi_email)
        liaisons = _liaisons_of(project)
        if pi_user != actor and not actor.is_staff and actor.pk not in {one.user_id for one in liaisons}:
            ProjectMember.objects.create(
                project=project,
                user=actor,
                name=actor.name,
                email=actor.email,
                role=ProjectRole.MEMBER,
                can_edit=True,
            )
        if pi_user is None and pi_email:
            _invite(lead, actor=actor, language="zh-hans")
        notify(
            "project.registered",
            recipients=[one.user for one in liaisons if one.user_id != actor.pk],
            key=str(project.pk),
            link=project.get_absolute_url(),
            context={"project": _titles(project), "number": project.code, "person": actor.name},
        )
    return project


def _insert(project: ResearchProject, *, actor: User, email: str = "") -> ProjectMember:
    try:
        with transaction.atomic():
            project.code = _next_code()
            project.save(force_insert=True)
            after = {name: getattr(project, name) for name in FIELDS if getattr(project, name)}
            record("project.register", project, actor=actor, after=after)
            return ProjectMember.objects.create(
                project=project,
                user=project.pi_user,
                name=project.principal_investigator,
                email=email.lower(),
                role=ProjectRole.PI,
                can_edit=True,
            )
    except IntegrityError as error:
        raise _refused(error) from error


def _refused(error: IntegrityError) -> Exception:
    if "project_grant_once" in str(error):
        return DomainError(
            _("A project with this source and grant number is already registered."),
            code="grant_taken",
            field="grant_number",
        )
    return error


def _liaisons_of(project: ResearchProject) -> list[Liaison]:
    if project.university_id is None:
        return []
    return list(Liaison.objects.for_place(project.university_id, project.faculty_id).select_related("user"))


def _titles(project: ResearchProject) -> dict[str, str]:
    chinese, english = project.title_zh_hans or "", project.title_en or ""
    return {"zh-hans": chinese or english, "en": english or chinese}


def update_project(project: ResearchProject, *, actor: Actor, **values: Any) -> ResearchProject:
    """Changes fields in `FIELDS` or `pi_user` and returns the project; nothing is written where nothing differs."""
    require(actor, "incubator.edit_project", project)
    try:
        with transaction.atomic():
            stored = ResearchProject.objects.select_for_update(of=("self",)).get(pk=project.pk)
            if "grant_number" in values:
                values["grant_number"] = (values["grant_number"] or "").strip() or None
            before, after = changes_of(stored, values)
            if not after:
                return stored
            set_fields(stored, values, (*FIELDS, "pi_user"))
            clean_or_refuse(stored)
            stored.save()
            if after.keys() & {"principal_investigator", "pi_user"}:
                lead = {"name": stored.principal_investigator, "user": stored.pi_user}
                stored.team.filter(role=ProjectRole.PI).update(**lead)
            record("project.update", stored, actor=actor, before=before, after=after)
    except IntegrityError as error:
        raise _refused(error) from error
    return stored


def keep_imported_project(
    project: ResearchProject,
    *,
    is_create: bool,
    actor: User,
    before: Mapping[str, Any],
    finished: bool = False,
) -> list[ProjectMember]:
    """Stores a project that an import has filled and checked; returns the team rows that came with it."""
    require(actor, "incubator.import_projects")
    if is_create:
        project.created_by = actor
        lead = _insert(project, actor=actor)
        if finished:
            advance(project, "complete", actor=actor)
        return [lead]
    project.save()
    after = {
        name: value for name, value in snapshot(project, set(FIELDS)).items() if before.get(name) != value
    }
    changed = {name: before.get(name) for name in after}
    record("project.update", project, actor=actor, before=changed, after=after, by="import")
    return []


# --- the team ------------------------------------------------------------------------------------------------------


def add_team_member(
    project: ResearchProject,
    *,
    actor: User,
    name: str,
    email: str = "",
    role: str = ProjectRole.MEMBER,
    can_edit: bool = False,
    language: str = "zh-hans",
) -> ProjectMember:
    """Adds a person to the team and, with an e-mail address, invites them to the portal."""
    require(actor, "incubator.manage_project_team", project)
    member = ProjectMember(project=project, name=name, email=email.lower(), role=role, can_edit=can_edit)
    with transaction.atomic():
        ResearchProject.objects.select_for_update(of=("self",)).get(pk=project.pk)
        if email and project.team.filter(user__email__iexact=email).exists():
            raise DomainError(_("This person is already on the team."), code="already_member", field="email")
        clean_or_refuse(member)
        member.save()
        record(
            "project.add_member",
            project,
            actor=actor,
            after={"name": name, "role": role, "can_edit": can_edit},
        )
        if email:
            _invite(member, actor=actor, language=language)
    return member


def invite_again(member: ProjectMember, *, actor: User, language: str = "zh-hans") -> Invitation:
    """Sends a team member without an account another invitation; the old link dies."""
    require(actor, "incubator.manage_project_team", member.project)
    if member.user_id is not None:
        raise DomainError(_("This person has already joined."), code="already_member")
    if not member.email:
        raise DomainError(_("There is no e-mail address to send the invitation to."), code="no_address")
    return _invite(member, actor=actor, language=language)


def _invite(member: ProjectMember, *, actor: User, language: str) -> Invitation:
    return invite(
        member.email,
        INVITATION,
        actor=actor,
        target=member.project,
        role=member.role,
        name=member.name,
        language=language,
    )


@accepts(
    INVITATION,
    label=gettext_lazy("a research project"),
    role_label=lambda role: ProjectRole(role).label if role else role,
)
def _accept_place(invitation: Invitation, user: User) -> str:
    project = ResearchProject.objects.select_for_update(of=("self",)).get(pk=invitation.target_id or 0)
    if not project.team.filter(user=user).exists():
        place = project.team.filter(user=None, email__iexact=invitation.email).first()
        if place is None:
            raise DomainError(_("You are no longer on the team of this project."), code="not_member")
        place.user = user
        place.save(update_fields=["user"])
        if place.role == ProjectRole.PI:
            project.pi_user = user
            project.save(update_fields=["pi_user"])
        record("project.join", project, actor=user, after={"role": place.role})
        leads = (
            project.team.filter(role=ProjectRole.PI, user__isnull=False)
            .exclude(user=user)
            .select_related("user")
        )
        notify(
            "project.member_joined",
            recipients=[one.user for one in leads],
            key=str(place.pk),
            link=project.get_absolute_url(),
            context={"project": _titles(project), "person": user.name},
        )
    return project.get_absolute_url()


def change_team_member(member: ProjectMember, *, actor: User, role: str, can_edit: bool) -> ProjectMember:
    """Gives a team member another role and the right to edit, or takes it; the principal investigator keeps theirs."""
    require(actor, "incubator.manage_project_team", member.project)
    with transaction.atomic():
        stored = ProjectMember.objects.select_for_update(of=("self",)).filter(pk=member.pk).first()
        if stored is None:
            raise DomainError(_("This person is no longer on the team."), code="not_member")
        if stored.role == ProjectRole.PI and role != ProjectRole.PI:
            raise DomainError(_("A project keeps its principal investigator."), code="keeps_pi")
        before, after = changes_of(stored, {"role": role, "can_edit": can_edit or role == ProjectRole.PI})
        if not after:
            return stored
        set_fields(stored, after, ("role", "can_edit"))
        clean_or_refuse(stored)
        stored.save(update_fields=[*after])
        record(
            "project.change_member",
            stored.project,
            actor=actor,
            before=before,
            after=after,
            member=stored.name,
        )
    return stored


def remove_team_member(member: ProjectMember, *, actor: User) -> None:
    """Takes a person off the team and revokes an open invitation; people may leave by themselves."""
    project = member.project
    if member.user_id is None or member.user_id != actor.pk:
        require(actor, "incubator.manage_project_team", project)
    with transaction.atomic():
        stored = ProjectMember.objects.select_for_update(of=("self",)).filter(pk=member.pk).first()
        if stored is None:
            raise DomainError(_("This person is no longer on the team."), code="not_member")
        if stored.role == ProjectRole.PI:
            raise DomainError(_("A project keeps its principal investigator."), code="keeps_pi")
        if stored.user_id is None and stored.email:
            for invitation in (
                Invitation.objects.open().for_target(INVITATION, project.pk).filter(email=stored.email)
            ):
                revoke_invitation(invitation, actor=actor)
        record(
            "project.remove_member", project, actor=actor, before={"name": stored.name, "role": stored.role}
        )
        stored.delete()
