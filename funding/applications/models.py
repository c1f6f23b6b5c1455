from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pgtrigger
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.applications.states import APPLICATION_MACHINE, DECIDED, EDITABLE, ApplicationState
from funding.calls.models import Call, CallQuestion, Stage
from funding.calls.states import Acts, ApplicantKind, CallState
from incubator.organisations.facts import is_liaison_today
from incubator.organisations.merging import moves_only_by_merge
from incubator.organisations.models import Membership, Organisation
from incubator.projects.models import ProjectMember, ResearchProject
from park_portal.core.accounts.rules import sees_records
from park_portal.core.audit.models import append_only
from park_portal.core.documents.models import Document
from park_portal.core.invariants import Agrees, kept
from park_portal.core.money import MoneyField
from park_portal.core.relations import among

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User


class ApplicationQuerySet(models.QuerySet["Application"]):
    def visible_to(self, user: Any) -> ApplicationQuerySet:
        """Staff see all; applicants their own; liaisons what was submitted from their university or faculties.

        Reviewers see an application only through their review.
        """
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        found = self._of_applicant(user)
        if is_liaison_today(user):
            in_care = ResearchProject.objects.in_care_of(user).values("pk")
            found |= among("project", in_care) & models.Q(submitted_at__isnull=False)
        return self.filter(found)

    def of_applicant(self, user: Any) -> ApplicationQuerySet:
        """Return the applications of the organisations and projects that ``user`` belongs to."""
        return self.filter(self._of_applicant(user))

    @staticmethod
    def _of_applicant(user: Any) -> models.Q:
        organisations = Membership.objects.filter(user_id=user.pk).values("organisation")
        projects = ResearchProject.objects.of_member(user).values("pk")
        return models.Q(kind=ApplicantKind.ORGANISATION) & among("organisation", organisations) | models.Q(
            kind=ApplicantKind.PROJECT
        ) & among("project", projects)

    def submitted(self) -> ApplicationQuerySet:
        return self.filter(submitted_at__isnull=False)

    def under_way(self) -> ApplicationQuerySet:
        return self.filter(state__in=[ApplicationState.IN_REVIEW, ApplicationState.RETURNED])


_DECIDED_BY_RELEASE = """
    IF NOT EXISTS (SELECT 1 FROM funding_decision d
                   WHERE d.application_id = NEW.id AND d.state = 'released'
                   AND d.verdict = CASE NEW.state WHEN 'approved' THEN 'approve'
                                                  WHEN 'reserved' THEN 'reserve' ELSE 'decline' END) THEN
        RAISE EXCEPTION 'application % is % without a decision that says so', NEW.id, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_decided_by_release';
    END IF;
    RETURN NULL;
"""


class Application(models.Model):
    """One applicant's application to one call, from draft to outcome."""

    machine = APPLICATION_MACHINE

    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="applications"
    )
    kind = models.CharField(_("applicant"), max_length=12, choices=ApplicantKind)
    organisation = models.ForeignKey(
        Organisation,
        verbose_name=_("organisation"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="applications",
    )
    project = models.ForeignKey(
        ResearchProject,
        verbose_name=_("research project"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="applications",
    )
    title = models.CharField(_("title"), max_length=300, blank=True)
    amount_fen = MoneyField(_("amount requested"), null=True, blank=True)
    number = models.CharField(_("number"), max_length=32, unique=True, null=True, blank=True, editable=False)
    state = models.CharField(
        _("state"), max_length=12, choices=ApplicationState, default=ApplicationState.DRAFT, editable=False
    )
    current_stage = models.ForeignKey(
        Stage,
        verbose_name=_("stage"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="applications_here",
    )
    due_at = models.DateTimeField(_("due"), null=True, blank=True, editable=False)
    # While it stands in a public notice whose period is not over: when that ends.
    notice_until = models.DateTimeField(_("under public notice until"), null=True, blank=True, editable=False)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True, editable=False)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("begun by"),
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    created_at = models.DateTimeField(_("begun"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("last change"), default=timezone.now, editable=False)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="application_has_applicant",
                condition=models.Q(kind=ApplicantKind.ORGANISATION, organisation__isnull=False)
                | models.Q(kind=ApplicantKind.PROJECT, project__isnull=False),
            ),
            models.CheckConstraint(
                name="application_numbered_when_submitted",
                condition=models.Q(number__isnull=False, submitted_at__isnull=False)
                | models.Q(number__isnull=True, submitted_at__isnull=True),
            ),
            models.CheckConstraint(
                name="application_in_review_is_submitted",
                condition=models.Q(state__in=[ApplicationState.DRAFT, ApplicationState.WITHDRAWN])
                | models.Q(submitted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="application_amount_positive",
                condition=models.Q(amount_fen__isnull=True) | models.Q(amount_fen__gte=0),
            ),
            models.UniqueConstraint(
                name="application_one_draft_of_organisation",
                fields=["call", "organisation"],
                condition=models.Q(state=ApplicationState.DRAFT, kind=ApplicantKind.ORGANISATION),
            ),
            models.UniqueConstraint(
                name="application_one_draft_of_project",
                fields=["call", "project"],
                condition=models.Q(state=ApplicationState.DRAFT, kind=ApplicantKind.PROJECT),
            ),
        ]
        indexes = [
            models.Index(fields=["call", "state", "-id"], name="application_by_call"),
            models.Index(fields=["state", "-id"], name="application_by_state"),
            models.Index(fields=["organisation", "-id"], name="application_by_organisation"),
            models.Index(fields=["project", "-id"], name="application_by_project"),
            models.Index(fields=["current_stage", "due_at"], name="application_by_stage"),
            models.Index(fields=["due_at"], name="application_due", condition=models.Q(due_at__isnull=False)),
        ]
        triggers = [
            *APPLICATION_MACHINE.triggers(),
            pgtrigger.ReadOnly(
                name="application_identity_fixed",
                fields=["call", "kind", "project", "created_by", "created_at"],
            ),
            moves_only_by_merge("application"),
            Agrees(
                name="application_stage_of_its_call",
                same={"current_stage.call": "call"},
                watch=("current_stage_id",),
            ),
            # When it came in never changes, and what it asks for only while the applicant may write.
            pgtrigger.Protect(
                name="application_submitted_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__submitted_at__isnull=False)
                & (
                    pgtrigger.Q(old__submitted_at__df=pgtrigger.F("new__submitted_at"))
                    | (
                        ~pgtrigger.Q(old__state__in=EDITABLE)
                        & pgtrigger.Q(old__amount_fen__df=pgtrigger.F("new__amount_fen"))
                    )
                ),
            ),
            pgtrigger.Protect(
                name="application_is_kept",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__submitted_at__isnull=False),
            ),
            # At the end of the transaction, for application and decision are released together.
            pgtrigger.Trigger(
                name="application_decided_by_release",
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    f"OLD.state IS DISTINCT FROM NEW.state AND NEW.state IN {tuple(map(str, DECIDED))}"
                ),
                func=_DECIDED_BY_RELEASE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number or _('draft')} {self.title}".strip()

    def get_absolute_url(self) -> str:
        return reverse("applications:detail", args=[self.pk])

    @property
    def applicant(self) -> Organisation | ResearchProject:
        """The organisation or research project that applies."""
        found = self.organisation if self.kind == ApplicantKind.ORGANISATION else self.project
        assert found is not None
        return found

    @property
    def applicant_line(self) -> str:
        """Who applies, in a line: the organisation, or the principal investigator with faculty or institution."""
        if self.kind == ApplicantKind.ORGANISATION:
            return self.organisation.name if self.organisation is not None else ""
        project = self.project
        if project is None:
            return ""
        place = project.faculty.name if project.faculty is not None else project.institution
        return " · ".join(part for part in (project.principal_investigator, place) if part)

    @property
    def is_editable(self) -> bool:
        return self.state in EDITABLE

    @property
    def open_return(self) -> Return | None:
        """The return for changes that the applicant has not answered yet."""
        if self.state != ApplicationState.RETURNED:
            return None
        return self.returns.filter(answered_at__isnull=True).first()

    def submit_until(self) -> datetime | None:
        """Return the moment after which this application is not taken any more; None when it is not open at all.

        A draft has until the call's closing minute and grace, a returned one until the day named there; an extension
        granted for this application may lie later than either. One query, two for a returned one.
        """
        if not self.is_editable:
            return None
        returned = self.open_return
        ends = [returned.due_at if returned else self.call.ends_at]
        if not returned and self.call.state not in (CallState.PUBLISHED, CallState.OPEN):
            ends = [min(self.call.ends_at, timezone.now())]  # closed by hand before its time
        ends += list(self.extensions.values_list("until", flat=True))
        return max(ends)

    @property
    def shown_due(self) -> datetime | None:
        """The moment by which something is due, as lists show it: of a draft, when it can last be submitted.

        Reads ``call`` and, of a draft, ``extensions``: prefetch them for a list.
        """
        if self.state == ApplicationState.DRAFT:
            return max([self.call.ends_at, *(extension.until for extension in self.extensions.all())])
        return self.due_at if self.state in (ApplicationState.IN_REVIEW, ApplicationState.RETURNED) else None

    def goes_through(self, stage: Stage) -> bool:
        """Return whether ``stage`` concerns this application: a liaison only speaks for a university's project."""
        if stage.acts != Acts.LIAISON:
            return True
        return self.project is not None and self.project.university_id is not None

    def role_of(self, user: Any) -> str | None:
        """Return owner, editor or viewer for a person of the applicant's side, None for anyone else.

        Asks the database once an instance and person.
        """
        roles = self.__dict__.setdefault("_roles", {})
        if user.pk not in roles:
            roles[user.pk] = self._role_of(user)
        found: str | None = roles[user.pk]
        return found

    def _role_of(self, user: Any) -> str | None:
        if user.pk is None:
            return None
        if self.organisation_id is not None and self.kind == ApplicantKind.ORGANISATION:
            return (
                Membership.objects.filter(organisation_id=self.organisation_id, user_id=user.pk)
                .values_list("role", flat=True)
                .first()
            )
        assert self.project is not None
        if self.project.pi_user_id == user.pk:
            return "owner"
        member = ProjectMember.objects.filter(project_id=self.project_id, user_id=user.pk).first()
        if member is None:
            return None
        if member.role == "pi":
            return "owner"
        return "editor" if member.can_edit else "viewer"

    def people(self) -> models.QuerySet[User]:
        """Return the active people of the applicant's side who may edit: those who are written to."""
        from park_portal.core.accounts.models import User  # the name is only needed here at run time

        if self.organisation_id is not None and self.kind == ApplicantKind.ORGANISATION:
            found = models.Q(
                pk__in=Membership.objects.filter(
                    organisation_id=self.organisation_id, role__in=["owner", "editor"]
                ).values("user")
            )
        else:
            assert self.project_id is not None
            members = ProjectMember.objects.filter(project_id=self.project_id, user__isnull=False)
            found = models.Q(
                pk__in=members.filter(models.Q(can_edit=True) | models.Q(role="pi")).values("user")
            )
            found |= models.Q(pk__in=ResearchProject.objects.filter(pk=self.project_id).values("pi_user"))
        return User.objects.filter(found, is_active=True)


def only_while_editable(name: str) -> pgtrigger.Trigger:
    """Return the trigger that refuses what is written into an application that is not open for changes, or taken out."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        declare=[("owner", "bigint"), ("held", "text")],
        func=(
            "IF TG_OP = 'DELETE' THEN owner := OLD.application_id; ELSE owner := NEW.application_id; END IF; "
            "SELECT state INTO held FROM funding_application WHERE id = owner; "
            "IF held NOT IN ('draft', 'returned') THEN RAISE EXCEPTION "
            "'application % is not open for changes', owner USING ERRCODE = 'check_violation'; "
            "END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;"
        ),
    )


class Answer(models.Model):
    """The answer to one question of one application as it is typed, with the number of times it was saved."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="answers")
    question = models.ForeignKey(CallQuestion, on_delete=models.PROTECT, related_name="answers")
    value = models.JSONField(_("answer"), null=True, blank=True, encoder=DjangoJSONEncoder)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    updated_at = models.DateTimeField(_("saved"), default=timezone.now)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [models.UniqueConstraint(fields=["application", "question"], name="answer_once")]
        triggers = [
            only_while_editable("answer_only_while_editable"),
            Agrees(name="answer_of_its_call", same={"question.call": "application.call"}),
            pgtrigger.ReadOnly(name="answer_place_fixed", fields=["application", "question"]),
        ]

    def __str__(self) -> str:
        return f"{self.application_id}/{self.question_id}"


class AnswerFile(models.Model):
    """One file given in answer to one question of one application."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="files")
    question = models.ForeignKey(CallQuestion, on_delete=models.PROTECT, related_name="files")
    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="answer_file")
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    class Meta:
        verbose_name = _("file of an application")
        verbose_name_plural = _("files of applications")
        ordering = ["id"]
        indexes = [models.Index(fields=["application", "question"], name="answer_file_by_question")]
        triggers = [
            only_while_editable("answer_file_only_while_editable"),
            Agrees(name="answer_file_of_its_call", same={"question.call": "application.call"}),
            pgtrigger.ReadOnly(
                name="answer_file_place_fixed", fields=["application", "question", "document"]
            ),
        ]

    def __str__(self) -> str:
        return str(self.document)


class Version(models.Model):
    """One submission: what was submitted, frozen, with the form as it stood."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField(_("version"))
    form = models.JSONField(_("form"), encoder=DjangoJSONEncoder)
    answers = models.JSONField(_("answers"), encoder=DjangoJSONEncoder)
    digest = models.CharField(_("SHA-256"), max_length=64)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("submitted by"), on_delete=models.PROTECT, related_name="+"
    )
    submitted_at = models.DateTimeField(_("submitted"), default=timezone.now)

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        ordering = ["application", "number"]
        constraints = [models.UniqueConstraint(fields=["application", "number"], name="version_once")]
        triggers = append_only("version")

    def __str__(self) -> str:
        return f"{self.application.number} v{self.number}"


class Return(models.Model):
    """One return for changes: what to change, until when, and when it came back."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="returns")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="returns")
    stage = models.ForeignKey(Stage, null=True, on_delete=models.PROTECT, related_name="+")
    message = models.TextField(_("message"), max_length=4000, blank=True)
    due_at = models.DateTimeField(_("due"))
    returned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("returned by"), on_delete=models.PROTECT, related_name="+"
    )
    returned_at = models.DateTimeField(_("returned"), default=timezone.now)
    answered_at = models.DateTimeField(_("came back"), null=True, blank=True)

    class Meta:
        verbose_name = _("return for changes")
        verbose_name_plural = _("returns for changes")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["application"], condition=models.Q(answered_at__isnull=True), name="return_open_once"
            )
        ]
        triggers = [
            Agrees(
                name="return_of_its_application",
                same={"version.application": "application", "stage.call": "application.call"},
            ),
            pgtrigger.ReadOnly(
                name="return_terms_fixed",
                fields=["application", "version", "stage", "message", "due_at", "returned_by", "returned_at"],
            ),
            kept("return"),
        ]

    def __str__(self) -> str:
        return f"{self.application} {self.returned_at:%Y-%m-%d}"


class ReturnItem(models.Model):
    """One question opened by a return for changes, with what is asked there."""

    returned = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="items")
    question = models.ForeignKey(CallQuestion, on_delete=models.PROTECT, related_name="+")
    comment = models.TextField(_("comment"), max_length=2000, blank=True)

    class Meta:
        verbose_name = _("opened question")
        verbose_name_plural = _("opened questions")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["returned", "question"], name="return_item_once")]
        triggers = [
            pgtrigger.ReadOnly(name="return_item_fixed", fields=["returned", "question", "comment"]),
            kept("return_item"),
            Agrees(name="return_item_of_its_call", same={"question.call": "returned.application.call"}),
        ]

    def __str__(self) -> str:
        return self.question.label


class Extension(models.Model):
    """One leave for one application to be submitted after its call has closed."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="extensions")
    until = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=400)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("granted by"), on_delete=models.PROTECT, related_name="+"
    )
    granted_at = models.DateTimeField(_("granted"), default=timezone.now)

    class Meta:
        verbose_name = _("extension")
        verbose_name_plural = _("extensions")
        ordering = ["-until"]
        triggers = append_only("extension")

    def __str__(self) -> str:
        return f"{self.application} {self.until:%Y-%m-%d %H:%M}"
