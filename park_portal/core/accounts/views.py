from __future__ import annotations

import base64
from typing import Any, Final

from allauth.account import app_settings
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.stagekit import unstash_login
from allauth.account.models import EmailAddress
from allauth.account.views import ConfirmEmailView, EmailView
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from park_portal.core.accounts.forms import ProfileForm, ViewAsForm
from park_portal.core.accounts.models import User
from park_portal.core.accounts.services import (
    INVITATION_KINDS,
    accept_invitation,
    begin_viewing,
    end_other_sessions,
    end_session,
    find_invitation,
    refuse_viewing,
    sign_ins_of,
    update_profile,
)
from park_portal.core.accounts.viewing import begin, end
from park_portal.core.admin.labels import act_label
from park_portal.core.errors import Text
from park_portal.core.views import ActPage, PortalMixin, visible_or_404
from park_portal.core.workflow import require


class ProfilePage(ActPage):
    """One's own name, phone and language."""

    title = _("My profile")
    template_name = "core/profile.html"
    form_class = ProfileForm
    success = _("Your profile is saved.")
    permission = "core.edit_profile"

    def prepare(self) -> None:
        self.object = self.request.user

    def initial(self) -> dict[str, Any]:
        user = self.request.user
        return {"name": user.name, "phone": user.phone, "language": user.language}

    def act(self, form: ProfileForm) -> Any:
        saved = update_profile(self.request.user, actor=self.request.user, **form.cleaned_data)
        translation.activate(saved.language)
        return saved

    def success_url(self) -> str:
        return reverse("profile")

    def cancel_url(self) -> str:
        return reverse("home")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        if isinstance(response, HttpResponseRedirect):
            # The choice made here counts more than an older one kept in the browser.
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                self.result.language,
                max_age=settings.LANGUAGE_COOKIE_AGE,
                secure=settings.LANGUAGE_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


class ConfirmAddressPage(ConfirmEmailView):
    """Confirms an address; a link used a second time says that it has done its work, wherever it is opened.

    Anyone can sign up with an address that is not theirs. In a browser that knows nothing of the account, who confirms also
    says its password: so nobody gives their address to an account whose password a stranger chose.
    """

    wrong = False

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            owner = self.get_object().email_address.user
        except Http404:
            response: HttpResponse = self.get(*args, **kwargs)
            return response
        password = self.request.POST.get("password", "").replace("\0", "")
        if self.asks_password(owner) and not owner.check_password(password):
            self.wrong = True
            response = self.get(*args, **kwargs)
            return response
        response = super().post(*args, **kwargs)
        return response

    def asks_password(self, owner: Any) -> bool:
        """Return whether this browser has not shown yet that it is the account's."""
        if not owner.has_usable_password():  # It comes by the university, which answers for the address.
            return False
        begun = unstash_login(self.request, peek=True)
        return owner not in (self.request.user, begun and begun.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        found = context["confirmation"]
        return context | {
            "confirmed": None if found else confirmed_by(self.kwargs["key"]),
            "go_on": self.get_next_url() or reverse("home"),
            "asks_password": bool(found) and self.asks_password(found.email_address.user),
            "wrong": self.wrong,
        }


class RecoveryCodesPage(ViewRecoveryCodesView):
    """The recovery codes, in the clear the first time; the file to keep is made of the page, not asked for again."""

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        text = "\n".join(
            [str(_("Recovery codes of the Qingpu Park Portal")), "", *context["unused_codes"], ""]
        )
        return context | {
            "codes_file": f"data:text/plain;charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"
        }


class SessionsPage(PortalMixin):
    """Where one is signed in, and the way to end that."""

    title = _("Signed-in devices")
    template_name = "core/sessions.html"

    def own(self) -> list[UserSession]:
        """Return the sessions that still live, this one first, then the one used last."""
        found: list[UserSession] = UserSession.objects.purge_and_list(self.request.user)
        return sorted(found, key=lambda one: (not one.is_current(), -one.last_seen_at.timestamp()))

    def get(self, request: HttpRequest) -> HttpResponse:
        UserSession.objects.create_from_request(request)
        user = self.request.user
        return self.render(
            sessions=[(one, device_of(one.user_agent)) for one in self.own()],
            sign_ins=[
                (one, act_label(one.action), way_of(str(one.facts.get("by", ""))))
                for one in sign_ins_of(user)
            ],
        )

    @method_decorator(reauthentication_required(app="allauth.mfa"))
    def post(self, request: HttpRequest) -> HttpResponse:
        user = self.request.user
        if request.POST.get("others"):
            ended = end_other_sessions(user, actor=user, keep=request.session.session_key)
            messages.success(
                request,
                ngettext("%d other session has ended.", "%d other sessions have ended.", ended) % ended,
            )
            return HttpResponseRedirect(reverse("usersessions_list"))
        for session in self.own():
            if str(session.pk) == request.POST.get("session"):
                end_session(user, actor=user, session=session)
                messages.success(request, _("That device is signed out."))
        return HttpResponseRedirect(reverse("usersessions_list"))


class AddressesPage(EmailView):
    """One's e-mail addresses: who changes them shows again who they are, for the address is the way to a new password."""

    @method_decorator(
        reauthentication_required(
            app="allauth.mfa", allow_get=True, enabled=lambda request: "action_send" not in request.POST
        )
    )
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        addresses = context["emailaddresses"]
        # The only address cannot be removed and is primary: buttons that can but refuse are not shown.
        context["several"] = len(addresses) > 1
        context["unverified"] = any(not address.verified for address in addresses)
        return context


class ViewAsPage(ActPage):
    """Asks why, then shows the portal as somebody else sees it."""

    title = _("View the portal as this person")
    form_class = ViewAsForm
    submit_label = _("Begin")
    explain = _(
        "You see what the person sees, for half an hour at most. Nothing can be changed meanwhile; beginning, end and "
        "every file you open are noted under your name."
    )

    def prepare(self) -> None:
        # First, so that nobody else learns which accounts there are.
        require(self.request.user, "core.view_as")
        self.object = visible_or_404(User.objects.all(), pk=self.kwargs["pk"])
        refuse_viewing(self.object, self.request.user)

    def get_title(self) -> Text:
        return gettext("View the portal as %(person)s") % {"person": self.object}

    def act(self, form: ViewAsForm) -> Any:
        begin_viewing(self.object, actor=self.request.user, reason=form.cleaned_data["reason"])
        begin(self.request, self.object)

    def success_url(self) -> str:
        return reverse("home")

    def cancel_url(self) -> str:
        return reverse("admin:core_user_change", args=[self.object.pk])


class EndViewPage(PortalMixin):
    """Ends viewing, and goes back to the person's record."""

    def post(self, request: HttpRequest) -> HttpResponse:
        person = end(request, self.request.user, why="ended")
        return HttpResponseRedirect(
            reverse("admin:core_user_change", args=[person.pk]) if person else reverse("home")
        )

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("home"))


# How somebody showed who they are, as the trail notes it.
WAYS: Final = {
    "password": pgettext_lazy("sign-in by", "password"),
    "totp": pgettext_lazy("sign-in by", "authenticator app"),
    "webauthn": pgettext_lazy("sign-in by", "passkey"),
    "recovery_codes": pgettext_lazy("sign-in by", "recovery code"),
    "socialaccount": pgettext_lazy("sign-in by", "university account"),
}


def way_of(noted: str) -> str:
    """Return in words how somebody signed in."""
    return " + ".join(str(WAYS.get(way, way)) for way in noted.split(", ") if way)


# What a browser says of itself, the telling word first: many name the others, too.
BROWSERS: Final = (
    ("MicroMessenger/", pgettext_lazy("browser", "WeChat")),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS: Final = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str) -> str:
    """Return the browser and the system in two words, as far as the browser tells."""
    found = [
        next((str(name) for word, name in table if word in user_agent), "") for table in (BROWSERS, SYSTEMS)
    ]
    return " · ".join(name for name in found if name) or gettext("unknown device")


def confirmed_by(key: str) -> EmailAddress | None:
    """Return the address that the link with ``key`` has confirmed already, however long ago."""
    try:
        pk = signing.loads(key, salt=app_settings.SALT)
    except signing.BadSignature:
        return None
    return EmailAddress.objects.filter(pk=pk, verified=True).first()


class InvitationPage(PortalMixin):
    """What an invitation is to, and the button that accepts it; the link itself changes nothing."""

    public = True
    title = _("Invitation")
    template_name = "core/invitation.html"

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        invitation = find_invitation(token)
        kind = INVITATION_KINDS.get(invitation.kind) if invitation else None
        signed_in = request.user.is_authenticated
        return self.render(
            invitation=invitation,
            kind_label=kind.label if kind else "",
            role_label=kind.role_label(invitation.role) if kind and invitation and invitation.role else "",
            is_yours=bool(
                signed_in and invitation and invitation.email.lower() == self.request.user.email.lower()
            ),
            path=request.path,
            status=200 if invitation and (invitation.is_open or invitation.accepted_at) else 410,
        )

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        if not request.user.is_authenticated:
            return HttpResponseRedirect(f"{reverse('account_login')}?next={request.path}")
        invitation = find_invitation(token)
        path = accept_invitation(token, actor=request.user)
        if invitation is not None and invitation.accepted_at is None:
            place = invitation.target_label or INVITATION_KINDS[invitation.kind].label
            messages.success(request, _("You have joined %(place)s.") % {"place": place})
        return HttpResponseRedirect(path)
