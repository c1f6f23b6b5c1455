from __future__ import annotations

import hashlib
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import pgtrigger
from django.contrib.auth import get_backends
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group, Permission, PermissionsMixin
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models.functions import Concat, Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from park_portal.core.accounts.standing import Facts
from park_portal.core.accounts.states import STANDS_ALONE, Language, StaffRole

_LISTED = ", ".join(f"'{role}'" for role in StaffRole.values)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create and return a person; without a password they can only set one by the reset mail."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)

    def with_role(self, *roles: str) -> models.QuerySet[User]:
        """Return the active staff who have one of ``roles``."""
        return self.filter(is_active=True, is_staff=True, groups__name__in=roles).distinct()


class User(AbstractBaseUser, PermissionsMixin):
    """One person, known by an e-mail address; what they may do follows from roles, memberships and assignments."""

    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=80)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=Language, default=Language.ZH_HANS)
    is_staff = models.BooleanField(
        _("park staff"), default=False, help_text=_("May sign in to the administration.")
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Switch off instead of deleting."))
    date_joined = models.DateTimeField(_("registered"), default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once",
                violation_error_message=_("This e-mail address is already registered."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Return whether a rule or a role gives the right.

        Django's own looks the backends up anew for each question, of which one page of the staff asks a hundred.
        """
        return self.is_active and (
            self.is_superuser or any(backend.has_perm(self, perm, obj) for backend in _backends())
        )

    @cached_property
    def roles(self) -> frozenset[str]:
        """The staff roles held; empty for everyone outside the staff."""
        if not self.is_staff:
            return frozenset()
        return frozenset(roles_held(self))


@lru_cache(maxsize=1)
def _backends() -> tuple[Any, ...]:
    """Return what decides on rights: the backends that say something of them themselves."""
    return tuple(backend for backend in get_backends() if "has_perm" in vars(type(backend)))


_rights = Facts("_rights")


def roles_of(person: models.OuterRef) -> Any:
    """The names of the staff roles that the person holds."""
    return ArraySubquery(Group.objects.filter(user=person, name__in=StaffRole.values).values("name"))


roles_held = _rights(roles_of)


def keep_roles(person: User, roles: list[str]) -> None:
    """Note on a person the roles that the query which loaded them found by ``roles_of``."""
    _rights.keep(person, roles_of, roles)


@_rights
def rights_by_role(person: models.OuterRef) -> Any:
    """What the person's groups allow, as Django writes it: “funding.view_call”."""
    right = Concat("content_type__app_label", models.Value("."), "codename")
    return ArraySubquery(Permission.objects.filter(group__user=person).order_by().values_list(right))


class RoleHeld(User.groups.through):  # type: ignore[name-defined] # Django makes that class
    """One staff role of one person: a row of the table between people and groups."""

    class Meta:
        proxy = True
        verbose_name = _("staff role held")
        verbose_name_plural = _("staff roles held")
        default_permissions = ()
        triggers: ClassVar = [
            # The person's row is locked, so that of two roles given at the same moment one sees the other.
            pgtrigger.Trigger(
                name="administrator_stands_alone",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                declare=[("wanted", "text"), ("beside", "text[]")],
                func=f"""
                    SELECT name INTO wanted FROM auth_group WHERE id = NEW.group_id;
                    IF wanted NOT IN ({_LISTED}) THEN RETURN NEW; END IF;
                    PERFORM 1 FROM core_user WHERE id = NEW.user_id FOR UPDATE;
                    SELECT array_agg(held.name) INTO beside
                        FROM core_user_groups own JOIN auth_group held ON held.id = own.group_id
                        WHERE own.user_id = NEW.user_id AND own.id IS DISTINCT FROM NEW.id
                            AND held.name IN ({_LISTED}) AND held.name <> wanted;
                    IF beside IS NOT NULL
                        AND (wanted = '{STANDS_ALONE}' OR '{STANDS_ALONE}' = ANY(beside)) THEN
                        RAISE EXCEPTION 'the role {STANDS_ALONE} cannot be held beside another: % and %',
                            wanted, beside USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now())

    def for_target(self, kind: str, target_id: int) -> InvitationQuerySet:
        return self.filter(kind=kind, target_id=target_id)


class Invitation(models.Model):
    """One invitation by e-mail to take a place (member, reviewer, staff) until a date; only its token's hash is kept."""

    email = models.EmailField(_("e-mail"), max_length=254)
    name = models.CharField(_("name"), max_length=80, blank=True)
    kind = models.CharField(_("to"), max_length=40)
    target_id = models.BigIntegerField(_("record"), null=True, blank=True)
    target_label = models.CharField(_("record name"), max_length=200, blank=True)
    role = models.CharField(_("as"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=Language, default=Language.ZH_HANS)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        User, verbose_name=_("invited by"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("sent"), default=timezone.now)
    expires_at = models.DateTimeField(_("valid until"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        User, verbose_name=_("accepted by"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-id"]
        indexes = [models.Index(fields=["kind", "target_id"], name="invitation_by_target")]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                "kind",
                "target_id",
                name="invitation_open_once",
                nulls_distinct=False,
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
            ),
            models.CheckConstraint(
                name="invitation_accepted_or_revoked",
                condition=models.Q(accepted_at__isnull=True) | models.Q(revoked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} → {self.target_label or self.kind}"

    @staticmethod
    def digest(token: str) -> str:
        """Return what is stored of a token."""
        return hashlib.sha256(token.encode()).hexdigest()

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > timezone.now()


class SavedView(models.Model):
    """One person's saved filters of one list page."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(_("page"), max_length=80)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(_("filters"), max_length=2000, blank=True)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "page", "name"], name="saved_view_once")]

    def __str__(self) -> str:
        return self.name
