"""People, their staff roles and the invitations."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as gettext_now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from park_portal.core.accounts.models import Invitation, User
from park_portal.core.accounts.services import (
    INVITATION_KINDS,
    invite_staff,
    refuse_own_account,
    refuse_own_roles,
    refuse_own_second_factor,
    resend_invitation,
    reset_second_factor,
    revoke_invitation,
    set_active,
    set_roles,
)
from park_portal.core.accounts.states import ROLE_RIGHTS, Language, StaffRole
from park_portal.core.admin import Act, ReadOnly, StaffAdmin
from park_portal.core.admin.links import may_open
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError
from park_portal.core.privacy.admin import HoldingsPage
from park_portal.core.workflow import may


class RolesForm(forms.Form):
    roles = forms.MultipleChoiceField(
        label=_("staff roles"), choices=StaffRole.choices, required=False, widget=forms.CheckboxSelectMultiple
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("reason"), max_length=400, widget=forms.Textarea, help_text=_("Kept in the audit trail.")
    )


class InviteStaffForm(forms.Form):
    email = forms.EmailField(label=_("e-mail"))
    name = forms.CharField(label=_("name"), max_length=80, required=False)
    role = forms.ChoiceField(label=_("staff role"), choices=StaffRole.choices)
    language = forms.ChoiceField(
        label=_("language of the mail"), choices=Language.choices, initial=Language.ZH_HANS
    )


class RoleFilter(DropdownFilter):
    title = _("staff role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [*StaffRole.choices, ("none", _("no role"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "none":
            return queryset.filter(is_staff=False)
        return queryset.filter(is_staff=True, groups__name=self.value()) if self.value() else queryset


def _switch_on(user: User, *, actor: Any, reason: str) -> User:
    return set_active(user, actor=actor, active=True, reason=reason)


def _switch_off(user: User, *, actor: Any, reason: str) -> User:
    return set_active(user, actor=actor, active=False, reason=reason)


def _is_on(user: User, actor: Any) -> None:
    if user.is_active:
        raise DomainError(_("Already switched on"))


def _is_off(user: User, actor: Any) -> None:
    refuse_own_account(user, actor)
    if not user.is_active:
        raise DomainError(_("Already switched off"))


def _roles_now(user: User, actor: Any) -> dict[str, Any]:
    return {"roles": sorted(user.roles)}


@admin.register(User)
class UserAdmin(ReadOnly, StaffAdmin):
    """People cannot be edited here: each keeps their own profile, roles and access are given by acts."""

    list_display = ["name_and_email", "roles_held", "language", "on", "date_joined", "last_login"]
    list_filter = [RoleFilter, "is_staff", "is_active", "language"]
    search_fields = ["name", "email"]
    search_help_text = _("Name or e-mail")
    ordering = ["-id"]
    fieldsets = [
        (None, {"fields": ["name", "email", "phone", "language"]}),
        (
            _("Access"),
            {"fields": ["roles_held", "on", "date_joined", "last_login", "audit_link", "view_as_link"]},
        ),
    ]
    readonly_fields = ["roles_held", "on", "audit_link", "view_as_link"]
    pages = [HoldingsPage]
    acts = [
        Act(
            "roles",
            set_roles,
            label=_("Set staff roles"),
            rule="core.manage_accounts",
            form=RolesForm,
            initial=_roles_now,
            icon="badge",
            check=refuse_own_roles,
            done=_("The staff roles are set."),
            explain=_(
                "The person has exactly these roles afterwards; without any, they are no longer staff. "
                "A system administrator holds no other role. The staff leads are told of every role given."
            ),
        ),
        Act(
            "switch_off",
            _switch_off,
            label=_("Switch off"),
            rule="core.manage_accounts",
            form=ReasonForm,
            icon="person_off",
            danger=True,
            check=_is_off,
            done=_("The person is switched off."),
            explain=_(
                "The person is signed out everywhere at once and cannot sign in again. Their records stay."
            ),
        ),
        Act(
            "switch_on",
            _switch_on,
            label=_("Switch on again"),
            rule="core.manage_accounts",
            form=ReasonForm,
            icon="person",
            check=_is_on,
            done=_("The person is switched on again."),
        ),
        Act(
            "reset_second_factor",
            reset_second_factor,
            label=_("Reset the second step"),
            rule="core.manage_accounts",
            form=ReasonForm,
            icon="phonelink_erase",
            danger=True,
            check=refuse_own_second_factor,
            done=_("The second step is reset; the person was told."),
            explain=_(
                "For who lost phone, passkey and recovery codes: all of them stop working, the person is signed out "
                "everywhere, told by mail, and sets up a new second step at the next sign-in. Make sure by another "
                "way, such as a call to a number you know, that it is really this person who asks."
            ),
        ),
        Act(
            "invite_staff",
            invite_staff,
            on="list",
            label=_("Invite to the staff"),
            rule="core.invite_staff",
            form=InviteStaffForm,
            icon="person_add",
            explain=_("The person gets a mail with a link that is valid for 14 days."),
            button=_("Send the invitation"),
            done=_("The invitation is on its way."),
            after=lambda _obj, invitation: reverse("admin:core_invitation_change", args=[invitation.pk]),
        ),
    ]

    def rows_for(self, user: Any) -> models.QuerySet[User]:
        return User.objects.prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        (first, general), (second, access) = super().get_fieldsets(request, obj)
        hidden = set() if may(request.user, "core.view_as", obj) else {"view_as_link"}
        if not may_open(request, Entry):
            hidden.add("audit_link")
        return [
            (first, general),
            (second, {"fields": [name for name in access["fields"] if name not in hidden]}),
        ]

    def acts_on(self, obj: Any, user: Any) -> list[Act]:
        return [act for act in super().acts_on(obj, user) if act.refusal(obj, user) is None]

    @display(description=_("person"), ordering="name", header=True)
    def name_and_email(self, user: User) -> list[str]:
        return [user.name or user.email, user.email]

    @display(description=_("staff roles"))
    def roles_held(self, user: User) -> str:
        if user.is_superuser:
            return str(_("every role (superuser)"))
        if not user.is_staff:
            return "—"
        labels = dict(StaffRole.choices)
        return (
            ", ".join(str(labels[group.name]) for group in user.groups.all() if group.name in labels) or "—"
        )

    @display(description=pgettext_lazy("account", "active"), ordering="is_active", boolean=True)
    def on(self, user: User) -> bool:
        return user.is_active

    @display(description=_("audit trail"))
    def audit_link(self, user: User) -> str:
        try:
            address = reverse("admin:core_entry_changelist")
        except NoReverseMatch:
            return "—"
        return format_html(
            '<a class="text-link" href="{}?actor={}">{}</a>', address, user.pk, _("What this person did")
        )

    @display(description=_("what the person sees"))
    def view_as_link(self, user: User) -> str:
        if user.is_staff or user.is_superuser or not user.is_active:
            return "—"
        address = reverse("view-as", args=[user.pk])
        return format_html(
            '<a class="text-link" href="{}">{}</a>', address, _("View the portal as this person")
        )


class InvitationStateFilter(DropdownFilter):
    title = _("state")
    parameter_name = "now"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return {
            "open": lambda: queryset.open(),
            "accepted": lambda: queryset.filter(accepted_at__isnull=False),
            "revoked": lambda: queryset.filter(revoked_at__isnull=False),
            "expired": lambda: queryset.filter(
                accepted_at__isnull=True, revoked_at__isnull=True, expires_at__lte=timezone.now()
            ),
        }.get(self.value() or "", lambda: queryset)()


STATES = {
    "open": pgettext_lazy("invitation", "open"),
    "accepted": pgettext_lazy("invitation", "accepted"),
    "expired": pgettext_lazy("invitation", "expired"),
    "revoked": pgettext_lazy("invitation", "revoked"),
}


class KindFilter(DropdownFilter):
    title = pgettext_lazy("invitation", "to")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, str(kind.label)) for name, kind in sorted(INVITATION_KINDS.items())]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(kind=self.value()) if self.value() else queryset


def _still_open(invitation: Invitation, actor: Any) -> None:
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        raise DomainError(_("This invitation is no longer open."))


@admin.register(Invitation)
class InvitationAdmin(ReadOnly, StaffAdmin):
    where_from = _(
        "Staff are invited from the list of users, reviewers from the pool, members from the page of their organisation "
        "or project."
    )
    list_display = ["person", "place", "role_held", "now", "invited_by", "created_at", "expires_at"]
    list_filter = [InvitationStateFilter, KindFilter]
    list_select_related = ["invited_by"]
    search_fields = ["email", "name", "target_label"]
    search_help_text = _("Name, e-mail or record")
    fieldsets = [
        (None, {"fields": ["email", "name", "place", "role_held", "language"]}),
        (
            _("Course"),
            {"fields": ["now", "invited_by", "created_at", "expires_at", "accepted_by", "accepted_at"]},
        ),
    ]
    readonly_fields = ["place", "role_held", "now"]
    acts = [
        Act(
            "resend",
            resend_invitation,
            label=_("Send again"),
            done=_("A new invitation is on its way; the link sent before no longer works."),
            rule="core.revoke_invitation",
            icon="forward_to_inbox",
            check=_still_open,
            bulk="each",
            explain=_("A new link goes out and is valid for 14 days; the link sent before no longer works."),
        ),
        Act(
            "revoke",
            revoke_invitation,
            label=pgettext_lazy("invitation", "Revoke"),
            done=_("The invitation is revoked; its link no longer works."),
            rule="core.revoke_invitation",
            icon="link_off",
            danger=True,
            check=_still_open,
            bulk="each",
            explain=_("The link in the mail stops working at once."),
        ),
    ]

    def acts_on(self, obj: Any, user: Any) -> list[Act]:
        return [act for act in super().acts_on(obj, user) if act.refusal(obj, user) is None]

    @display(description=_("person"), ordering="email", header=True)
    def person(self, invitation: Invitation) -> list[str]:
        return [invitation.name or invitation.email, invitation.email]

    @display(description=pgettext_lazy("invitation", "to"))
    def place(self, invitation: Invitation) -> str:
        kind = INVITATION_KINDS.get(invitation.kind)
        return invitation.target_label or str(kind.label if kind else invitation.kind)

    @display(description=pgettext_lazy("invitation", "as"))
    def role_held(self, invitation: Invitation) -> str:
        kind = INVITATION_KINDS.get(invitation.kind)
        return str(kind.role_label(invitation.role)) if kind and invitation.role else "—"

    @display(
        description=_("state"),
        label={"open": "info", "accepted": "success", "expired": "warning", "revoked": "default"},
    )
    def now(self, invitation: Invitation) -> tuple[str, str]:
        if invitation.accepted_at is not None:
            state = "accepted"
        elif invitation.revoked_at is not None:
            state = "revoked"
        else:
            state = "open" if invitation.is_open else "expired"
        return state, str(STATES[state])


admin.site.unregister(Group)
admin.site.unregister(UserSession)  # one's own are under "My account"
admin.site.unregister(Authenticator)  # secrets are nobody's but their owner's
for _model in (SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(
        _model
    )  # the university is named by the settings, and who is who there by the university
admin.site.unregister(EmailAddress)  # addresses are confirmed by mail, never by staff


@admin.register(Group)
class RoleAdmin(ReadOnly, StaffAdmin):
    """The staff roles with what each may see and change; they come with the release."""

    list_display = ["label", "people_count"]
    ordering = ["name"]
    fields = ["label", "rights", "people"]
    readonly_fields = ["label", "rights", "people"]

    def rows_for(self, user: Any) -> models.QuerySet[Group]:
        active = models.Q(user__is_active=True, user__is_staff=True)
        return Group.objects.filter(name__in=StaffRole.values).annotate(
            number=models.Count("user", filter=active)
        )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(
            request, {"crumbs": [(_("Staff roles"), None)], **(extra_context or {})}
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        group = self.get_object(request, object_id)
        label = self.label(group) if group else ""
        crumbs = [(_("Staff roles"), self.address("changelist")), (label, None)]
        extra = {"crumbs": crumbs, "show_history": False, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra)

    @display(description=_("staff role"), ordering="name")
    def label(self, group: Group) -> str:
        return str(dict(StaffRole.choices)[group.name])

    @display(description=_("active people"), ordering="number")
    def people_count(self, group: Any) -> int:
        return int(group.number)

    @display(description=_("rights in the administration"))
    def rights(self, group: Group) -> str:
        verbs = {
            "view": gettext_now("see"),
            "add": gettext_now("add"),
            "change": gettext_now("change"),
            "delete": gettext_now("delete"),
        }
        rows = [
            (_thing(name), ", ".join(verbs[verb] for verb in given))
            for name, given in ROLE_RIGHTS[group.name].items()
        ]
        body = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', rows)
        return format_html('<table class="staff-table"><tbody>{}</tbody></table>', body)

    @display(description=_("people with this role"))
    def people(self, group: Group) -> str:
        found = User.objects.filter(groups=group, is_staff=True, is_active=True).order_by("name")[:200]
        links = [(reverse("admin:core_user_change", args=[one.pk]), one.name or one.email) for one in found]
        return (
            format_html_join(format_html("{}", ", "), '<a class="text-link" href="{}">{}</a>', links) or "—"
        )


def _thing(name: str) -> str:
    app, model = name.split(".")
    config = apps.get_app_config(app)
    if model == "*":
        return gettext_now("everything of: %(app)s") % {"app": config.verbose_name}
    return str(config.get_model(model)._meta.verbose_name_plural)
