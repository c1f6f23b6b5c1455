"""One's own tokens: make one, see when each was last used, revoke it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.errors import DomainError
from park_portal.core.tokens.forms import TokenForm
from park_portal.core.tokens.models import ApiToken
from park_portal.core.tokens.services import create_token, revoke_token
from park_portal.core.views import ActPage, Crumb, PortalMixin


class TokensPage(PortalMixin):
    """The list, and the form of a new one; the secret is shown on the answer to the form and never again."""

    title = _("API tokens")
    template_name = "core/tokens.html"
    permission = "core.create_token"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(**self._lists(), form=TokenForm(user=self.request.user))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = TokenForm(request.POST, user=self.request.user)
        if form.is_valid():
            try:
                token, secret = create_token(actor=self.request.user, **form.cleaned_data)
            except DomainError as error:
                form.take(error)
            else:
                response = self.render(
                    **self._lists(), form=TokenForm(user=self.request.user), made=token, secret=secret
                )
                add_never_cache_headers(response)
                return response
        return self.render(**self._lists(), form=form, status=422)

    def _lists(self) -> dict[str, Any]:
        mine = ApiToken.objects.visible_to(self.request.user)
        return {"tokens": list(mine.usable()), "docs": reverse("api:docs")}


class RevokePage(ActPage):
    """Asks once more, then ends the token."""

    model = ApiToken
    permission = "core.revoke_token"
    title = _("Revoke the token")
    explain = _(
        "Whatever uses it is refused from this moment on. This cannot be undone; make a new token instead."
    )
    submit_label = pgettext_lazy("token", "Revoke")
    submit_tone = "danger"
    success = _("The token is revoked.")

    def rows(self) -> models.QuerySet[ApiToken]:
        return ApiToken.objects.visible_to(self.request.user).usable()

    def get_crumbs(self) -> Sequence[Crumb]:
        return (Crumb(_("API tokens"), reverse("tokens")), Crumb(str(self.object)))

    def act(self, form: Any) -> ApiToken:
        return revoke_token(self.object, actor=self.request.user)

    def success_url(self) -> str:
        return reverse("tokens")

    def cancel_url(self) -> str:
        return reverse("tokens")
