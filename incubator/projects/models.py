import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from incubator.organisations.models import Faculty, Liaison, Organisation, faculty_of_its_university
from incubator.projects.states import PROJECT_MACHINE, ProjectRole, ProjectState
from park_portal.core.accounts.rules import sees_records
from park_portal.core.invariants import one_of
from park_portal.core.money import MoneyField


class ResearchProjectQuerySet(models.QuerySet["ResearchProject"]):
    def visible_to(self, user) -> "ResearchProjectQuerySet":
        """Staff see all; team members theirs; liaisons those of their university or faculties."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        mine = ProjectMember.objects.filter(user=user).values("project")
        return self.filter(Q(pk__in=mine) | Q(pi_user=user) | self._in_care_of(user))

    def of_member(self, user) -> "ResearchProjectQuerySet":
        """Returns the projects on whose team the user is."""
        return self.filter(
            Q(pk__in=ProjectMember.objects.filter(user=user).values("project")) | Q(pi_user=user)
        )

    def in_care_of(self, user) -> "ResearchProjectQuerySet":
        """Returns the projects of the universities and faculties the user is liaison for today."""
        return self.filter(self._in_care_of(user))

    @staticmethod
    def _in_care_of(user) -> Q:
        posts = Liaison.objects.for_user(user)
        whole = posts.filter(faculty__isnull=True).values("organisation")
        parts = posts.filter(faculty__isnull=False).values("faculty")
        return Q(university__in=whole) | Q(faculty__in=parts)


class ResearchProject(models.Model):
    """One research project of a university or institute, whatever paid for it."""

    machine = PROJECT_MACHINE

    code = models.CharField(_("number"), max_length=20, unique=True, editable=False)
    # One column a language, made by modeltranslation.
    title_zh_hans: str | None
    title_en: str | None
    summary_zh_hans: str | None
    summary_en: str | None

    title = models.CharField(_("title"), max_length=300)
    summary = models.TextField(_("summary"), max_length=5000, blank=True)
    keywords_zh = ArrayField(
        models.CharField(max_length=60), verbose_name=_("keywords in Chinese"), default=list, blank=True
    )
    keywords_en = ArrayField(
        models.CharField(max_length=60), verbose_name=_("keywords in English"), default=list, blank=True
    )
    trl = models.PositiveSmallIntegerField(
        _("technology readiness level"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(9)],
        help_text=_("TRL 1 to 9 after GB/T 22900."),
    )
    university = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="research_projects",
        verbose_name=_("university or institute"),
    )
    faculty = models.ForeignKey(
        Faculty,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="research_projects",
        verbose_name=_("faculty"),
    )
    institution_text = models.CharField(
        _("institution as written"),
        max_length=200,
        blank=True,
        help_text=_("As the source names it, where no organisation of the portal matches."),
    )
    principal_investigator = models.CharField(_("principal investigator"), max_length=100)
    pi_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="led_projects",
        verbose_name=_("account of the principal investigator"),
    )
    source = models.CharField(
        _("source of funding"),
        max_length=60,
        blank=True,
        help_text=_("For example NSFC, the Ministry, a company."),
    )
    programme = models.CharField(
        _("programme"),
        max_length=100,
        blank=True,
        help_text=_("For example General Program, Young Scientists Fund."),
    )
    # Null, not empty: unique where given.
    grant_number = models.CharField(_("grant number"), max_length=60, null=True, blank=True)  # noqa: DJ001
    approval_year = models.PositiveSmallIntegerField(
        _("year of approval"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1949), MaxValueValidator(2100)],
    )
    discipline = models.CharField(_("discipline"), max_length=100, blank=True)
    subject_codes = ArrayField(
        models.CharField(max_length=20),
        verbose_name=_("subject codes"),
        default=list,
        blank=True,
        help_text=_("From the widest to the narrowest, for example C05, C0501, C050101."),
    )
    subject_names = ArrayField(
        models.CharField(max_length=100), verbose_name=_("subjects"), default=list, blank=True
    )
    amount_fen = MoneyField(_("amount"), null=True, blank=True)
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    ends_on = models.DateField(_("ends on"), null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=12, choices=ProjectState, default=PROJECT_MACHINE.initial, editable=False
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = ResearchProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("research project")
        verbose_name_plural = _("research projects")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "grant_number"],
                condition=Q(grant_number__isnull=False),
                name="project_grant_once",
                violation_error_message=_(
                    "A project with this source and grant number is already registered."
                ),
            ),
            models.CheckConstraint(
                condition=Q(grant_number__isnull=True) | ~Q(grant_number=""),
                name="project_grant_number_or_null",
            ),
            models.CheckConstraint(
                condition=(Q(title_zh_hans__isnull=False) & ~Q(title_zh_hans=""))
                | (Q(title_en__isnull=False) & ~Q(title_en="")),
                name="project_has_a_title",
                violation_error_message=_("Give the title in Chinese or in English."),
            ),
            models.CheckConstraint(
                condition=Q(trl__isnull=True) | Q(trl__range=(1, 9)), name="project_trl_from_1_to_9"
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__isnull=True) | Q(amount_fen__gte=0),
                name="project_amount_not_negative",
                violation_error_message=_("An amount cannot be negative."),
            ),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True)
                | Q(ends_on__isnull=True)
                | Q(ends_on__gte=models.F("starts_on")),
                name="project_dates_in_order",
                violation_error_message=_("The end lies before the start."),
            ),
        ]
        indexes = [
            models.Index(fields=["university", "faculty", "-id"], name="project_place"),
            models.Index(fields=["state", "-id"], name="project_state"),
            GinIndex(fields=["subject_codes"], name="project_subject_codes"),
        ]
        triggers = [*PROJECT_MACHINE.triggers(), faculty_of_its_university("project", "university")]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    def save(self, *args, **kwargs) -> None:
        self.grant_number = (self.grant_number or "").strip() or None
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("projects:detail", args=[self.pk])

    def clean(self) -> None:
        self.grant_number = (self.grant_number or "").strip() or None
        if self.faculty is not None and self.faculty.organisation_id != self.university_id:
            raise ValidationError({"faculty": _("This faculty belongs to another university.")})
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": _("The end lies before the start.")})

    @property
    def institution(self) -> str:
        """Returns the name of the university, or what the source called it where none matches."""
        return str(self.university) if self.university_id else self.institution_text

    def member_for(self, user) -> "ProjectMember | None":
        """Returns the user's place on the team, or None; asks the database once an instance and user."""
        places = self.__dict__.setdefault("_places", {})
        if user.pk not in places:
            places[user.pk] = self.team.filter(user=user).first()
        return places[user.pk]


class ProjectMemberQuerySet(models.QuerySet["ProjectMember"]):
    def visible_to(self, user) -> "ProjectMemberQuerySet":
        """Whoever sees a project sees its team."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        return self.filter(project__in=ResearchProject.objects.visible_to(user))


class ProjectMember(models.Model):
    """One person's place on the team of one research project, with an account or without."""

    project = models.ForeignKey(
        ResearchProject, on_delete=models.CASCADE, related_name="team", verbose_name=_("research project")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="project_places",
        verbose_name=_("account"),
    )
    name = models.CharField(_("name"), max_length=100)
    email = models.EmailField(_("e-mail"), blank=True)
    role = models.CharField(_("role"), max_length=10, choices=ProjectRole, default=ProjectRole.MEMBER)
    can_edit = models.BooleanField(_("may edit the project"), default=False)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    objects = ProjectMemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("team member")
        verbose_name_plural = _("team members")
        ordering = ["project", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "user"],
                condition=Q(user__isnull=False),
                name="project_member_once",
                violation_error_message=_("This person is already on the team."),
            ),
            models.UniqueConstraint(
                "project",
                models.functions.Lower("email"),
                condition=~Q(email=""),
                name="project_member_email_once",
                violation_error_message=_("Someone with this e-mail address is already on the team."),
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(role="pi"),
                name="project_has_one_pi",
                violation_error_message=_("The project already has a principal investigator."),
            ),
            one_of("project_member_role_known", "role", ProjectRole),
        ]
        triggers = [pgtrigger.ReadOnly(name="project_member_project_fixed", fields=["project"])]

    def __str__(self) -> str:
        return f"{self.name} · {self.get_role_display()}"
