"""The portal's pages of organisations and their people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core import signing
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from stdnum.cn import uscc as stdnum_uscc

from incubator.organisations.facts import belongs_to_any, is_liaison_today
from incubator.organisations.forms import (
    InviteForm,
    JoinForm,
    NewOrganisationForm,
    OrganisationForm,
    RoleForm,
)
from incubator.organisations.models import Membership, Organisation
from incubator.organisations.names import normalise_code
from incubator.organisations.services import (
    Candidate,
    change_member_role,
    create_organisation,
    invitations_of,
    invite_member,
    near_duplicates,
    remove_member,
    request_to_join,
    resend_invitation,
    revoke_member_invitation,
    update_organisation,
)
from incubator.organisations.states import Role
from park_portal.core.accounts.facts import came_by_invitation
from park_portal.core.accounts.models import Invitation
from park_portal.core.errors import Text
from park_portal.core.frame import Card, NavItem, Task, home_card, register_nav
from park_portal.core.tones import tone_of
from park_portal.core.views import (
    ActPage,
    Column,
    Crumb,
    DetailPage,
    ListPage,
    PortalMixin,
    StateLine,
    visible_or_404,
    way_on,
)
from park_portal.core.workflow import may

NAV = "organisations"
SHOWN_AT_HOME = 5
JOIN_SALT = "organisations.join"
# A link to ask to join is made for one person, on a page that person has just seen.
JOIN_LASTS = 24 * 3600


def is_no_staff(user: Any) -> bool:
    """Park staff find organisations and projects in the administration."""
    return not user.is_staff


register_nav(NavItem(NAV, gettext_lazy("Organisations"), "organisations:list", order=60, show=is_no_staff))


def is_newcomer(user: Any) -> bool:
    """Whether nobody knows yet what the person came for: they belong to nothing, and no invitation brought them.

    Reviewers come by an invitation, liaisons are appointed; neither has come to register a company.
    """
    return not (is_liaison_today(user) or belongs_to_any(user) or came_by_invitation(user))


@home_card(order=70)
def my_organisations(user: Any) -> Card | None:
    """The organisations one acts for; for newcomers, the way to the first one."""
    if user.is_staff:
        return None
    mine = list(
        Membership.objects.filter(user=user).select_related("organisation").order_by("-id")[:SHOWN_AT_HOME]
    )
    if not mine and not is_newcomer(user):
        return None
    return Card(
        title=gettext_lazy("My organisations"),
        tasks=[
            Task(
                title=str(one.organisation),
                url=one.organisation.get_absolute_url(),
                detail=one.get_role_display(),
                mine=False,
            )
            for one in mine
        ],
        empty=gettext_lazy("Register your company or institute, or ask a colleague to invite you."),
        action_url="" if mine else reverse("organisations:create"),
        action_label="" if mine else gettext_lazy("Register an organisation"),
        more_url=reverse("organisations:list") if mine else "",
        more_label=gettext_lazy("All my organisations") if mine else "",
    )


def here() -> Crumb:
    return Crumb(gettext_lazy("Organisations"), reverse("organisations:list"))


class OrganisationList(ListPage):
    """The organisations one belongs to."""

    model = Organisation
    nav = NAV
    title = gettext_lazy("My organisations")
    lead = gettext_lazy("The companies and institutes in whose name you act on the portal.")
    search_in = ("name_zh_hans", "name_en", "uscc")
    search_label = gettext_lazy("Name or credit code")
    empty_title = gettext_lazy("You belong to no organisation yet")
    empty_text = gettext_lazy("Register yours, or ask a colleague who is its owner to invite you.")
    can_save_views = False
    columns = (
        Column(
            "name", pgettext_lazy("organisation", "Name"), kind="main", url=lambda row: row.get_absolute_url()
        ),
        Column("uscc", gettext_lazy("Credit code")),
        Column("kind", gettext_lazy("Kind"), value="get_kind_display"),
        Column("role", gettext_lazy("Your role"), value=lambda row: Role(row.my_role).label),
        Column(
            "state",
            gettext_lazy("State"),
            value=lambda row: row,
            kind="state",
        ),
    )

    def rows(self) -> models.QuerySet[Organisation]:
        mine = Membership.objects.filter(organisation=models.OuterRef("pk"), user=self.request.user)
        return Organisation.objects.of_member(self.request.user).annotate(
            my_role=models.Subquery(mine.values("role")[:1])
        )

    def actions(self) -> Sequence[tuple[Text, str]]:
        return [(_("Register an organisation"), reverse("organisations:create"))]


class OrganisationPage(DetailPage):
    """What the portal knows of one organisation."""

    model = Organisation
    nav = NAV
    template_name = "incubator/organisations/detail.html"

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(str(self.object))]

    def state_line(self) -> StateLine:
        return StateLine(self.object.get_state_display(), tone_of(self.object))

    def get_context(self, **context: Any) -> dict[str, Any]:
        organisation, user = self.object, self.request.user
        is_member = may(user, "incubator.see_organisation_members", organisation)
        can_edit = may(user, "incubator.edit_organisation", organisation)
        return super().get_context(
            # The room of applications lies above this one; its rows are reached from here.
            is_new=can_edit and not user.is_staff and not organisation.applications.exists(),
            role=Role(role).label if (role := organisation.role_of(user)) else "",
            is_member=is_member,
            members=organisation.memberships.select_related("user")[:6] if is_member else [],
            can_edit=can_edit,
            can_manage=may(user, "incubator.manage_organisation_members", organisation),
            can_join=may(user, "incubator.join_organisation", organisation),
            can_leave=may(user, "incubator.leave_organisation", organisation),
            is_last_owner=organisation.is_last_owner(user),
            join_url=join_url(organisation, user),
            faculties=list(organisation.faculties.all()) if organisation.kind == "university" else [],
            **context,
        )


class OrganisationCreate(ActPage):
    """Registers an organisation, after asking whether it is not here already."""

    permission = "incubator.create_organisation"
    nav = NAV
    title = gettext_lazy("Register an organisation")
    explain = gettext_lazy(
        "Type the credit code first: if your organisation is already here, you only need to ask to join it. "
        "You become its first owner and can invite colleagues."
    )
    form_class = NewOrganisationForm
    template_name = "incubator/organisations/create.html"
    submit_label = pgettext_lazy("record", "Register")
    success = gettext_lazy("The organisation is registered. You are its owner.")

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(self.title)]

    def cancel_url(self) -> str:
        return way_on(self.request) or reverse("organisations:list")

    def success_url(self) -> str:
        return way_on(self.request) or super().success_url()

    def act(self, form: Any) -> Organisation:
        values = {name: form.cleaned_data[name] for name in form.Meta.fields}
        return create_organisation(actor=self.request.user, **values)

    def get_context(self, **context: Any) -> dict[str, Any]:
        form = context.get("form")
        found = candidates_for(self.request.user, form.candidates if form is not None else [])
        return super().get_context(candidates=found, may_confirm=may_confirm(found), **context)


class OrganisationCheck(PortalMixin):
    """The answer, while one types, whether a code is right and an organisation here already."""

    permission = "incubator.create_organisation"
    template_name = "incubator/organisations/_known.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        typed = {
            name: request.GET.get(name, "").replace("\0", "")[:200]
            for name in ("uscc", "name_zh_hans", "name_en")
        }
        code = normalise_code(typed["uscc"])
        found = near_duplicates(name=typed["name_zh_hans"], name_en=typed["name_en"], uscc=code)
        return self.render(
            code=code,
            code_is_valid=code is not None and stdnum_uscc.is_valid(code),
            candidates=(candidates := candidates_for(request.user, found)),
            may_confirm=may_confirm(candidates),
            is_confirmed=bool(request.GET.get("confirmed")),
        )


def may_confirm(candidates: Sequence[dict[str, Any]]) -> bool:
    """Returns whether a person may say that theirs is none of these: not of one with the same code."""
    return bool(candidates) and not any(one["same_code"] for one in candidates)


def join_url(organisation: Organisation, user: Any) -> str:
    """Returns the address at which this person may ask to join an organisation that they do not see otherwise."""
    token = signing.dumps([organisation.pk, user.pk], salt=JOIN_SALT)
    return reverse("organisations:join", args=[token])


def candidates_for(user: Any, found: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Returns what a person may learn of the organisations that theirs may be: name, place and part of the code."""
    return [
        {
            "name": str(one.organisation),
            "district": one.organisation.district,
            "code": f"{one.organisation.uscc[:6]}…{one.organisation.uscc[-4:]}"
            if one.organisation.uscc
            else "",
            "same_code": one.same_code,
            "url": one.organisation.get_absolute_url() if one.organisation.role_of(user) else "",
            "join_url": join_url(one.organisation, user),
        }
        for one in found
    ]


class OrganisationJoin(ActPage):
    """Asks the owners to let one in."""

    permission = "incubator.join_organisation"
    nav = NAV
    title = gettext_lazy("Ask to join")
    form_class = JoinForm
    submit_label = gettext_lazy("Send the request")
    success = gettext_lazy("Your request was sent. You get an invitation by e-mail when an owner agrees.")

    def prepare(self) -> None:
        try:
            organisation_id, user_id = signing.loads(self.kwargs["token"], salt=JOIN_SALT, max_age=JOIN_LASTS)
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise Http404 from error
        if user_id != self.request.user.pk:
            raise Http404
        self.object = visible_or_404(Organisation.objects.in_use(), pk=organisation_id)

    def get_title(self) -> str:
        return _("Ask to join %(name)s") % {"name": self.object}

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(self.title)]

    def act(self, form: Any) -> None:
        request_to_join(self.object, actor=self.request.user, message=form.cleaned_data["message"])

    def success_url(self) -> str:
        return reverse("organisations:list")

    def cancel_url(self) -> str:
        return reverse("organisations:list")


class OrganisationEdit(ActPage):
    """Changes the record."""

    model = Organisation
    permission = "incubator.edit_organisation"
    nav = NAV
    title = gettext_lazy("Edit the organisation")
    form_class = OrganisationForm
    success = gettext_lazy("Saved.")

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(str(self.object), self.object.get_absolute_url()), Crumb(self.title)]

    def form_kwargs(self) -> dict[str, Any]:
        return {"instance": self.object}

    def act(self, form: Any) -> Organisation:
        values = {name: form.cleaned_data[name] for name in form.changed_data}
        return update_organisation(self.object, actor=self.request.user, **values)


# --- members -------------------------------------------------------------------------------------------------------


class MembersMixin(PortalMixin):
    """What the members page shows, whichever form on it was sent."""

    object: Organisation
    nav = NAV
    template_name = "incubator/organisations/members.html"

    def get_crumbs(self) -> Sequence[Crumb]:
        organisation = self.object
        return [here(), Crumb(str(organisation), organisation.get_absolute_url()), Crumb(_("Members"))]

    def get_title(self) -> str:
        return _("Members of %(name)s") % {"name": self.object}

    def get_context(self, **context: Any) -> dict[str, Any]:
        organisation, user = self.object, self.request.user
        can_manage = may(user, "incubator.manage_organisation_members", organisation)
        if can_manage:
            context.setdefault("form", InviteForm())
            context["invitations"] = invitations_of(organisation)
        return super().get_context(
            members=organisation.memberships.select_related("user").order_by("id"),
            roles=Role.choices,
            is_last_owner=organisation.is_last_owner(user),
            can_manage=can_manage,
            **context,
        )


class MembersPage(MembersMixin, DetailPage):
    """Who belongs to the organisation, who is invited."""

    model = Organisation
    permission = "incubator.see_organisation_members"


class MemberInvite(MembersMixin, ActPage):
    """Invites a person by e-mail."""

    model = Organisation
    permission = "incubator.manage_organisation_members"
    form_class = InviteForm
    success = gettext_lazy("The invitation is on its way.")

    def act(self, form: Any) -> Invitation:
        return invite_member(self.object, actor=self.request.user, **form.cleaned_data)

    def success_url(self) -> str:
        return reverse("organisations:members", args=[self.object.pk])


class InvitationAct(ActPage):
    """An act on an open invitation of the organisation."""

    model = Organisation
    permission = "incubator.manage_organisation_members"
    nav = NAV

    def prepare(self) -> None:
        super().prepare()
        self.invitation = visible_or_404(invitations_of(self.object), pk=self.kwargs["invitation"])

    def get_title(self) -> str:
        return f"{self.title}: {self.invitation.email}"

    def success_url(self) -> str:
        return reverse("organisations:members", args=[self.object.pk])

    cancel_url = success_url


class InvitationResend(InvitationAct):
    title = gettext_lazy("Send the invitation again")
    explain = gettext_lazy("A new link is sent; the old one stops working.")
    submit_label = gettext_lazy("Send again")
    success = gettext_lazy("The invitation is on its way.")

    def act(self, form: Any) -> None:
        resend_invitation(self.object, self.invitation, actor=self.request.user)


class InvitationRevoke(InvitationAct):
    title = gettext_lazy("Revoke the invitation")
    explain = gettext_lazy("The link in the mail stops working.")
    submit_label = gettext_lazy("Revoke")
    submit_tone = "danger"
    success = gettext_lazy("The invitation is revoked.")

    def act(self, form: Any) -> None:
        revoke_member_invitation(self.object, self.invitation, actor=self.request.user)


class MemberAct(ActPage):
    """An act on one member."""

    model = Membership
    permission = "incubator.manage_organisation_members"
    nav = NAV

    def rows(self) -> models.QuerySet[Membership]:
        return (
            Membership.objects.visible_to(self.request.user)
            .filter(organisation=self.kwargs["organisation"])
            .select_related("organisation", "user")
        )

    def permission_object(self) -> Organisation:
        return self.object.organisation

    def get_title(self) -> str:
        return f"{self.title}: {self.object.user}"

    def get_crumbs(self) -> Sequence[Crumb]:
        organisation = self.object.organisation
        return [
            here(),
            Crumb(str(organisation), organisation.get_absolute_url()),
            Crumb(_("Members"), reverse("organisations:members", args=[organisation.pk])),
            Crumb(self.title),
        ]

    def success_url(self) -> str:
        return reverse("organisations:members", args=[self.kwargs["organisation"]])

    cancel_url = success_url


class MemberRole(MemberAct):
    title = gettext_lazy("Change the role")
    form_class = RoleForm
    success = gettext_lazy("The role is changed.")

    def initial(self) -> dict[str, Any]:
        return {"role": self.object.role}

    def act(self, form: Any) -> None:
        change_member_role(self.object, actor=self.request.user, role=form.cleaned_data["role"])


class MemberRemove(MemberAct):
    title = gettext_lazy("Remove the member")
    explain = gettext_lazy("The person loses access to the organisation's record and applications at once.")
    submit_label = gettext_lazy("Remove")
    submit_tone = "danger"
    success = gettext_lazy("The member is removed.")

    def act(self, form: Any) -> None:
        remove_member(self.object, actor=self.request.user)


class MemberLeave(ActPage):
    """Ends one's own membership."""

    model = Organisation
    permission = "incubator.leave_organisation"
    nav = NAV
    title = gettext_lazy("Leave the organisation")
    explain = gettext_lazy(
        "You lose access to its record and applications at once. An owner can invite you again."
    )
    submit_label = gettext_lazy("Leave")
    submit_tone = "danger"
    template_name = "incubator/organisations/leave.html"

    def get_context(self, **context: Any) -> dict[str, Any]:
        return super().get_context(is_last_owner=self.object.is_last_owner(self.request.user), **context)

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(str(self.object), self.object.get_absolute_url()), Crumb(self.title)]

    def act(self, form: Any) -> None:
        remove_member(self.object.memberships.get(user=self.request.user), actor=self.request.user)
        messages.success(self.request, _("You have left %(name)s.") % {"name": self.object})

    def success_url(self) -> str:
        return reverse("organisations:list")
