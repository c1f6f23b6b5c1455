import datetime

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc as stdnum_uscc
from stdnum.exceptions import ValidationError as InvalidCode

from incubator.organisations.merging import moves_only_by_merge
from incubator.organisations.names import normalise_code, normalise_name
from incubator.organisations.states import (
    ORGANISATION_MACHINE,
    OrganisationKind,
    OrganisationState,
    Role,
    TechnologyField,
)
from park_portal.core.accounts.rules import sees_records
from park_portal.core.invariants import Agrees, one_of

CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

# GB 32100-2015: the last character makes the weighted sum of the code divisible by 31.
CHECK_DIGIT = f"""
    total := 0;
    FOR i IN 1..17 LOOP
        total := total + (strpos('{CODE_ALPHABET}', substr(NEW.uscc, i, 1)) - 1) * weight;
        weight := (weight * 3) % 31;
    END LOOP;
    IF substr('{CODE_ALPHABET}', ((31 - total % 31) % 31) + 1, 1) <> substr(NEW.uscc, 18, 1) THEN
        RAISE EXCEPTION 'unified social credit code % has a wrong check character', NEW.uscc
            USING ERRCODE = 'check_violation', CONSTRAINT = 'organisation_uscc_check_character';
    END IF;
    RETURN NEW;
"""

# A merged organisation has handed its members over; a deleted one has none to keep.
KEEP_AN_OWNER = """
    IF EXISTS (SELECT 1 FROM incubator_organisation o WHERE o.id = OLD.organisation_id AND o.state <> 'merged')
       AND NOT EXISTS (SELECT 1 FROM incubator_membership m
                       WHERE m.organisation_id = OLD.organisation_id AND m.role = 'owner') THEN
        RAISE EXCEPTION 'organisation % would be left without an owner', OLD.organisation_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'membership_keeps_an_owner';
    END IF;
    RETURN NULL;
"""


# So that no chain of mergers comes back to where it began; the lock keeps two that would close a circle apart.
STANDS = """
    SELECT state INTO held FROM incubator_organisation WHERE id = NEW.merged_into_id FOR SHARE;
    IF held = 'merged' THEN
        RAISE EXCEPTION 'organisation % cannot be merged into %, which was merged itself', NEW.id, NEW.merged_into_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'organisation_merged_into_one_that_stands';
    END IF;
    RETURN NEW;
"""


def validate_code(code: str) -> None:
    """Raises ValidationError unless the 18 characters are a Unified Social Credit Code (GB 32100)."""
    try:
        stdnum_uscc.validate(code)
    except InvalidCode as error:
        raise ValidationError(
            _(
                "This is not a valid Unified Social Credit Code: 18 characters, the last one checks the others."
            ),
            code="uscc",
        ) from error


class WebsiteField(models.URLField):
    """An address on the web; typed without a scheme it means https."""

    def formfield(self, **kwargs):
        return super().formfield(**{"assume_scheme": "https", **kwargs})


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def visible_to(self, user) -> "OrganisationQuerySet":
        """Staff see all; others what they are members of, and the universities, whose names are public."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        mine = Membership.objects.filter(user=user).values("organisation")
        return self.filter(Q(pk__in=mine) | Q(kind=OrganisationKind.UNIVERSITY)).exclude(
            state=OrganisationState.MERGED
        )

    def of_member(self, user) -> "OrganisationQuerySet":
        """Returns the organisations the user belongs to, in whatever role."""
        return self.filter(pk__in=Membership.objects.filter(user=user).values("organisation"))

    def in_use(self) -> "OrganisationQuerySet":
        """Returns all but merged and closed organisations."""
        return self.filter(state=OrganisationState.ACTIVE)

    def universities(self) -> "OrganisationQuerySet":
        return self.filter(kind=OrganisationKind.UNIVERSITY)


class Organisation(models.Model):
    """One legal body the park deals with, the same row as lead, applicant, tenant, award holder and alumna."""

    machine = ORGANISATION_MACHINE

    # One column a language, made by modeltranslation.
    name_zh_hans: str
    name_en: str | None
    summary_zh_hans: str | None
    summary_en: str | None

    name = models.CharField(_("name"), max_length=200)
    uscc = models.CharField(  # noqa: DJ001 - unique where given, so that empty must be null
        _("unified social credit code"), max_length=18, null=True, blank=True, validators=[validate_code]
    )
    kind = models.CharField(
        _("kind"), max_length=20, choices=OrganisationKind, default=OrganisationKind.STARTUP
    )
    technology_field = models.CharField(
        _("technology field"), max_length=10, choices=TechnologyField, default=TechnologyField.OTHER
    )
    founded_on = models.DateField(_("founded on"), null=True, blank=True)
    registered_address = models.CharField(_("registered address"), max_length=300, blank=True)
    district = models.CharField(
        _("district"),
        max_length=60,
        blank=True,
        help_text=_("District of the registered address, for example Qingpu."),
    )
    website = WebsiteField(_("website"), blank=True)
    summary = models.TextField(_("summary"), max_length=2000, blank=True)
    contact_name = models.CharField(_("contact person"), max_length=100, blank=True)
    contact_phone = models.CharField(_("contact phone"), max_length=40, blank=True)
    contact_email = models.EmailField(_("contact e-mail"), blank=True)
    normalised_name = models.CharField(max_length=200, editable=False)
    normalised_name_en = models.CharField(max_length=200, editable=False, blank=True)
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=OrganisationState,
        default=ORGANISATION_MACHINE.initial,
        editable=False,
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="merged_from",
        verbose_name=_("merged into"),
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
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="incubator.Membership", related_name="organisations"
    )

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["uscc"],
                name="organisation_uscc_once",
                violation_error_code="unique",
                violation_error_message=_(
                    "An organisation with this Unified Social Credit Code is already registered."
                ),
            ),
            models.CheckConstraint(
                condition=Q(uscc__isnull=True) | Q(uscc__regex=rf"^[{CODE_ALPHABET}]{{18}}$"),
                name="organisation_uscc_characters",
                violation_error_message=_(
                    "A Unified Social Credit Code has 18 characters: "
                    "digits and capital letters without I, O, S, V and Z."
                ),
            ),
            models.CheckConstraint(
                condition=Q(name_zh_hans__isnull=False) & ~Q(name_zh_hans=""),
                name="organisation_chinese_name",
                violation_error_message=_("The Chinese name is required."),
            ),
            models.CheckConstraint(
                condition=Q(state="merged", merged_into__isnull=False)
                | (~Q(state="merged") & Q(merged_into__isnull=True)),
                name="organisation_merged_into_another",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=models.F("id")),
                name="organisation_not_merged_into_itself",
            ),
            # Its code went to the record that stays.
            models.CheckConstraint(
                condition=~Q(state="merged") | Q(uscc__isnull=True), name="organisation_merged_has_no_code"
            ),
            one_of("organisation_kind_known", "kind", OrganisationKind),
        ]
        indexes = [
            GinIndex(fields=["normalised_name"], opclasses=["gin_trgm_ops"], name="organisation_name_trgm"),
            GinIndex(
                fields=["normalised_name_en"], opclasses=["gin_trgm_ops"], name="organisation_name_en_trgm"
            ),
            models.Index(fields=["kind", "-id"], name="organisation_kind"),
            models.Index(fields=["state", "-id"], name="organisation_state"),
        ]
        triggers = [
            *ORGANISATION_MACHINE.triggers(),
            pgtrigger.Trigger(
                name="uscc_check_character",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("uscc"),
                condition=pgtrigger.Q(new__uscc__isnull=False)
                & pgtrigger.Q(new__uscc__regex=f"^[{CODE_ALPHABET}]{{18}}$"),
                declare=[("total", "integer"), ("weight", "integer := 1"), ("i", "integer")],
                func=CHECK_DIGIT,
            ),
            pgtrigger.Trigger(
                name="organisation_merged_into_one_that_stands",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__merged_into__isnull=False)
                & pgtrigger.Q(old__merged_into__df=pgtrigger.F("new__merged_into")),
                declare=[("held", "text")],
                func=STANDS,
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:
        self.uscc = normalise_code(self.uscc)
        # The dictionary knows the columns of each language; the bare attribute follows the reader's language.
        self.normalised_name = normalise_name(self.__dict__.get("name_zh_hans") or self.name)[:200]
        self.normalised_name_en = normalise_name(self.__dict__.get("name_en"))[:200]
        fields = kwargs.get("update_fields")
        if fields is not None and any(field.startswith("name") for field in fields):
            kwargs["update_fields"] = {*fields, "normalised_name", "normalised_name_en"}
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("organisations:detail", args=[self.pk])

    def clean(self) -> None:
        self.uscc = normalise_code(self.uscc)
        if self.founded_on and self.founded_on > timezone.localdate():
            raise ValidationError({"founded_on": _("The founding date lies in the future.")})

    @property
    def in_qingpu(self) -> bool:
        """True when the registered seat is in Qingpu District, as far as the record says."""
        place = f"{self.district} {self.registered_address}".lower()
        return "青浦" in place or "qingpu" in place

    @property
    def survivor(self) -> "Organisation":
        """Returns the record that stands for this organisation today: itself, unless it was merged."""
        organisation = self
        while organisation.merged_into is not None:
            organisation = organisation.merged_into
        return organisation

    def age_in_months(self, on: datetime.date | None = None) -> int | None:
        """Returns whole months since founding on the given day (default today), or None if unknown."""
        if self.founded_on is None:
            return None
        day = on or timezone.localdate()
        months = (day.year - self.founded_on.year) * 12 + day.month - self.founded_on.month
        return months - (day.day < self.founded_on.day)

    def role_of(self, user) -> str | None:
        """Returns the user's role here, or None; asks the database once an instance and user."""
        roles = self.__dict__.setdefault("_roles", {})
        if user.pk not in roles:
            roles[user.pk] = self.memberships.filter(user=user).values_list("role", flat=True).first()
        return roles[user.pk]

    def remember_role(self, user, role: str | None) -> None:
        """Keeps the user's role here, asked for together with those of other organisations."""
        self.__dict__.setdefault("_roles", {})[user.pk] = role

    def is_last_owner(self, user) -> bool:
        """Returns whether the user is the only owner, who cannot leave before there is another."""
        if self.role_of(user) != Role.OWNER:
            return False
        return not self.memberships.filter(role=Role.OWNER).exclude(user=user).exists()


class MembershipQuerySet(models.QuerySet["Membership"]):
    def visible_to(self, user) -> "MembershipQuerySet":
        """Staff see all; members see the members of their own organisations."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        return self.filter(organisation__in=Membership.objects.filter(user=user).values("organisation"))


class Membership(models.Model):
    """One person's place in one organisation."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("organisation")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="memberships",
        verbose_name=_("person"),
    )
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.VIEWER)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering = ["organisation", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "user"],
                name="membership_once",
                violation_error_message=_("This person is already a member."),
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role"),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="membership_person_fixed", fields=["user"]),
            moves_only_by_merge("membership"),
            pgtrigger.Trigger(
                name="keeps_an_owner",
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__role="owner"),
                func=KEEP_AN_OWNER,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


class FacultyQuerySet(models.QuerySet["Faculty"]):
    def visible_to(self, user) -> "FacultyQuerySet":
        """The names of faculties are public to everyone who has logged in."""
        return self if user.is_authenticated else self.none()


class Faculty(models.Model):
    """One faculty, school or institute of a university."""

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="faculties",
        limit_choices_to={"kind": OrganisationKind.UNIVERSITY},
        verbose_name=_("university"),
    )
    name_zh_hans: str
    name_en: str | None

    name = models.CharField(_("name"), max_length=200)
    code = models.CharField(_("code"), max_length=20, blank=True)

    objects = FacultyQuerySet.as_manager()

    class Meta:
        verbose_name = _("faculty")
        verbose_name_plural = _("faculties")
        ordering = ["organisation", "code", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "name_zh_hans"],
                name="faculty_name_once",
                violation_error_message=_("This university already has a faculty of that name."),
            ),
            models.UniqueConstraint(
                fields=["organisation", "code"],
                condition=~Q(code=""),
                name="faculty_code_once",
                violation_error_message=_("This university already has a faculty with that code."),
            ),
        ]
        triggers = [moves_only_by_merge("faculty")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.organisation_id and self.organisation.kind != OrganisationKind.UNIVERSITY:
            raise ValidationError({"organisation": _("Only a university has faculties.")})


def faculty_of_its_university(name: str, university: str = "organisation") -> Agrees:
    """Returns the trigger that refuses the faculty of another university; a merger moves both in one transaction."""
    return Agrees(
        name=f"{name}_faculty_of_its_university",
        same={"faculty.organisation": university},
        watch=("faculty_id", f"{university}_id"),
        deferred=True,
    )


class LiaisonClaimQuerySet(models.QuerySet["LiaisonClaim"]):
    def current(self, on: datetime.date | None = None) -> "LiaisonClaimQuerySet":
        """Returns what holds on the given day, by default today."""
        day = on or timezone.localdate()
        return self.filter(Q(starts_on__lte=day) & (Q(ends_on__isnull=True) | Q(ends_on__gte=day)))

    def visible_to(self, user) -> "LiaisonClaimQuerySet":
        """For staff alone."""
        return self if user.is_authenticated and user.is_staff else self.none()


class LiaisonClaim(models.Model):
    """One word of the university's identity provider that makes who carries it liaison of a place, while it holds."""

    value = models.CharField(
        _("claim"),
        max_length=200,
        help_text=_("As the identity provider writes it, such as “life-sciences-research-office”."),
    )
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="liaison_claims",
        limit_choices_to={"kind": OrganisationKind.UNIVERSITY},
        verbose_name=_("university"),
    )
    faculty = models.ForeignKey(
        Faculty,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="liaison_claims",
        verbose_name=_("faculty"),
        help_text=_("Empty: the whole university."),
    )
    starts_on = models.DateField(_("from"), default=timezone.localdate)
    ends_on = models.DateField(_("until"), null=True, blank=True)

    objects = LiaisonClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim of the university")
        verbose_name_plural = _("claims of the university")
        ordering = ["value", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["value", "organisation", "faculty"],
                nulls_distinct=False,
                name="liaison_claim_once",
                violation_error_message=_("This claim already makes liaisons there."),
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on")),
                name="liaison_claim_dates_in_order",
                violation_error_message=_("The end lies before the start."),
            ),
        ]
        triggers = [faculty_of_its_university("liaison_claim")]

    def __str__(self) -> str:
        return f"{self.value} → {self.faculty or self.organisation}"

    def clean(self) -> None:
        self.value = self.value.strip()
        if self.organisation_id and self.organisation.kind != OrganisationKind.UNIVERSITY:
            raise ValidationError({"organisation": _("Only a university has liaisons.")})
        if self.faculty is not None and self.faculty.organisation_id != self.organisation_id:
            raise ValidationError({"faculty": _("This faculty belongs to another university.")})


class LiaisonQuerySet(models.QuerySet["Liaison"]):
    def current(self, on: datetime.date | None = None) -> "LiaisonQuerySet":
        """Returns the appointments in force on the given day, by default today."""
        day = on or timezone.localdate()
        return self.filter(
            Q(active=True, starts_on__lte=day) & (Q(ends_on__isnull=True) | Q(ends_on__gte=day))
        )

    def for_user(self, user) -> "LiaisonQuerySet":
        """Returns the user's own appointments in force today."""
        return self.current().filter(user=user) if user.is_authenticated else self.none()

    def for_place(self, organisation_id: int | None, faculty_id: int | None = None) -> "LiaisonQuerySet":
        """Returns the appointments in force today that answer for a faculty of a university, or for all of it."""
        places = Q(faculty__isnull=True)
        if faculty_id:
            places |= Q(faculty=faculty_id)
        return self.current().filter(places, organisation=organisation_id)

    def visible_to(self, user) -> "LiaisonQuerySet":
        """Staff see all; a liaison sees the colleagues of the same university."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        return self.filter(organisation__in=Liaison.objects.for_user(user).values("organisation"))


class Liaison(models.Model):
    """One appointment of a person as a university's liaison, for one faculty or for the whole university."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="liaisons", verbose_name=_("person")
    )
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="liaisons",
        limit_choices_to={"kind": OrganisationKind.UNIVERSITY},
        verbose_name=_("university"),
    )
    faculty = models.ForeignKey(
        Faculty,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="liaisons",
        verbose_name=_("faculty"),
        help_text=_("Empty: the whole university."),
    )
    active = models.BooleanField(_("active"), default=True)
    starts_on = models.DateField(_("from"), default=timezone.localdate)
    ends_on = models.DateField(_("until"), null=True, blank=True)
    by_claim = models.ForeignKey(
        LiaisonClaim,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="liaisons",
        verbose_name=_("by the university's claim"),
        help_text=_("Set while the appointment stands on what the identity provider says at sign-in."),
    )

    objects = LiaisonQuerySet.as_manager()

    class Meta:
        verbose_name = _("liaison")
        verbose_name_plural = _("liaisons")
        ordering = ["organisation", "faculty", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation", "faculty"],
                condition=Q(active=True),
                nulls_distinct=False,
                name="liaison_once",
                violation_error_message=_("This person already is liaison there."),
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on")),
                name="liaison_dates_in_order",
                violation_error_message=_("The end lies before the start."),
            ),
        ]
        triggers = [faculty_of_its_university("liaison")]

    def __str__(self) -> str:
        return f"{self.user} · {self.faculty or self.organisation}"

    def clean(self) -> None:
        if self.organisation_id and self.organisation.kind != OrganisationKind.UNIVERSITY:
            raise ValidationError({"organisation": _("Only a university has liaisons.")})
        if self.faculty is not None and self.faculty.organisation_id != self.organisation_id:
            raise ValidationError({"faculty": _("This faculty belongs to another university.")})
