"""One's own webhooks, and for staff leads the park's: make one, see what was sent and answered, try it, end it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from park_portal.core.errors import DomainError
from park_portal.core.pages import keyset_page
from park_portal.core.views import ActPage, Crumb, DetailPage, PortalMixin, StateLine, visible_or_404
from park_portal.core.webhooks.forms import WebhookForm
from park_portal.core.webhooks.models import Webhook
from park_portal.core.webhooks.services import (
    create_webhook,
    pause_webhook,
    remove_webhook,
    renew_secret,
    resume_webhook,
    send_again,
    send_test,
    update_webhook,
)
from park_portal.core.webhooks.states import KEPT
from park_portal.core.workflow import may


def _crumbs(webhook: Webhook) -> tuple[Crumb, ...]:
    return (
        Crumb(gettext_lazy("Webhooks"), reverse("webhooks")),
        Crumb(str(webhook), webhook.get_absolute_url()),
    )


class WebhooksPage(PortalMixin):
    """The list, and the form of a new one; the secret is shown on the answer to the form and never again."""

    title = gettext_lazy("Webhooks")
    template_name = "core/webhooks/list.html"
    permission = "core.create_webhook"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(webhooks=self._rows(), form=self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self._form(request.POST)
        if form.is_valid():
            try:
                webhook, secret = create_webhook(actor=self.request.user, **form.cleaned_data)
            except DomainError as error:
                form.take(error)
            else:
                response = self.render(webhooks=self._rows(), form=self._form(), made=webhook, secret=secret)
                add_never_cache_headers(response)
                return response
        return self.render(webhooks=self._rows(), form=form, status=422)

    def _form(self, data: Any = None) -> WebhookForm:
        user = self.request.user
        return WebhookForm(data, user=user, park=may(user, "core.create_park_webhook"))

    def _rows(self) -> list[Webhook]:
        return list(Webhook.objects.visible_to(self.request.user).select_related("user"))


class WebhookPage(DetailPage):
    """One webhook: what it is told of, what was sent and answered; tests and repetitions."""

    model = Webhook
    permission = "core.change_webhook"
    template_name = "core/webhooks/webhook.html"

    def rows(self) -> models.QuerySet[Webhook]:
        return Webhook.objects.visible_to(self.request.user).select_related("user")

    def get_crumbs(self) -> Sequence[Crumb]:
        return (_crumbs(self.object)[0], Crumb(str(self.object)))

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        page = keyset_page(
            self.object.events.prefetch_related("attempts"),
            ["-pk"],
            size=25,
            after=request.GET.get("after", ""),
            before=request.GET.get("before", ""),
        )
        return self.render(
            page=page,
            kept=KEPT.days,
            after_url=f"?after={page.after}" if page.after else "",
            before_url=f"?before={page.before}" if page.before else "",
        )

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a test, or one request again."""
        if "test" in request.POST:
            send_test(self.object, actor=self.request.user)
            messages.success(request, _("A test is on its way. Reload the page to see what was answered."))
        else:
            event = visible_or_404(self.object.events, pk=request.POST.get("again") or 0)
            send_again(event, actor=self.request.user)
            messages.success(
                request, _("It is sent again at once. Reload the page to see what was answered.")
            )
        return HttpResponseRedirect(self.object.get_absolute_url())

    def state_line(self) -> StateLine:
        return StateLine(
            self.object.get_state_display(), tone="good" if self.object.state == "active" else "wait"
        )


class OfOne(ActPage):
    """An act on one webhook."""

    model = Webhook
    permission = "core.change_webhook"

    def get_crumbs(self) -> Sequence[Crumb]:
        return (*_crumbs(self.object), Crumb(self.get_title()))

    def success_url(self) -> str:
        return str(self.object.get_absolute_url())


class ChangePage(OfOne):
    form_class = WebhookForm
    title = gettext_lazy("Change the webhook")
    success = gettext_lazy("The webhook is changed.")

    def initial(self) -> dict[str, Any]:
        return {"name": self.object.name, "url": self.object.url, "kinds": self.object.kinds}

    def form_kwargs(self) -> dict[str, Any]:
        return {"user": self.request.user, "park": self.object.of_park, "of_park": self.object.of_park}

    def act(self, form: Any) -> Webhook:
        return update_webhook(self.object, actor=self.request.user, **form.cleaned_data)


class PausePage(OfOne):
    title = gettext_lazy("Pause the webhook")
    explain = gettext_lazy(
        "Nothing is sent until it is resumed; what waits is given up. Your inbox has everything."
    )
    submit_label = pgettext_lazy("webhook", "Pause")
    success = gettext_lazy("The webhook is paused.")

    def act(self, form: Any) -> Webhook:
        return pause_webhook(self.object, actor=self.request.user)


class ResumePage(OfOne):
    title = gettext_lazy("Resume the webhook")
    explain = gettext_lazy("It is told of what happens from now on.")
    submit_label = pgettext_lazy("webhook", "Resume")
    success = gettext_lazy("The webhook is in use again.")

    def act(self, form: Any) -> Webhook:
        return resume_webhook(self.object, actor=self.request.user)


class SecretPage(OfOne):
    """Asks first; the answer to the form shows the new secret once."""

    title = gettext_lazy("A new secret")
    explain = gettext_lazy(
        "For a day, requests are signed with the new secret and with the earlier one; then with the new one alone."
    )
    submit_label = gettext_lazy("Make a new secret")
    template_name = "core/webhooks/secret.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        _webhook, secret = renew_secret(self.object, actor=self.request.user)
        response = self.render("core/webhooks/secret.html", secret=secret)
        add_never_cache_headers(response)
        return response


class RemovePage(OfOne):
    title = gettext_lazy("Remove the webhook")
    explain = gettext_lazy(
        "Nothing more is sent, and the record of what was sent is deleted. This cannot be undone."
    )
    submit_label = pgettext_lazy("webhook", "Remove")
    submit_tone = "danger"
    success = gettext_lazy("The webhook is removed.")

    def act(self, form: Any) -> None:
        remove_webhook(self.object, actor=self.request.user)

    def success_url(self) -> str:
        return reverse("webhooks")
