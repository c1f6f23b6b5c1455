from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from park_portal.core.accounts.forms import ProfileForm
from park_portal.core.accounts.services import (
    INVITATION_KINDS,
    accept_invitation,
    find_invitation,
    update_profile,
)
from park_portal.core.views import ActPage, PortalMixin


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
                samesite="Lax",
            )
        return response


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
        return HttpResponseRedirect(accept_invitation(token, actor=request.user))
