"""How django-allauth sends the mails of sign-up and passwords: at once, as their links must not lie in the outbox."""

from __future__ import annotations

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailConfirmationHMAC
from allauth.account.utils import get_next_redirect_url, passthrough_next_redirect_url
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from park_portal.core import context
from park_portal.core.accounts.devices import known_device
from park_portal.core.accounts.models import User
from park_portal.core.accounts.notices import OTHER, SECURITY
from park_portal.core.accounts.services import tell_of_security
from park_portal.core.errors import DomainError
from park_portal.core.outbox.services import sender

log = logging.getLogger(__name__)


class MailDown(DomainError):
    """The mail server does not answer; everything else was done."""

    status = 503
    code = "mail_down"
    default = _(
        "The mail with your link could not be sent just now. Try again in a few minutes; signing in sends it again."
    )


class AccountAdapter(DefaultAccountAdapter):
    """allauth's own ways, but the way on is kept, and a mail server that is down is told in words."""

    def get_email_confirmation_url(
        self, request: HttpRequest, emailconfirmation: EmailConfirmationHMAC
    ) -> str:
        """Return the link of the mail; it knows where the person was going, as the mail may be read elsewhere."""
        url: str = super().get_email_confirmation_url(request, emailconfirmation)
        if request is None or get_next_redirect_url(request) is None:
            return url
        kept: str = passthrough_next_redirect_url(request, url, REDIRECT_FIELD_NAME)
        return kept

    def get_from_email(self) -> str:
        return sender()

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": _(
            "Too many failed attempts. Wait five minutes, or set a new password by mail: that lets you in at once."
        ),
    }

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count an attempt: of a browser its owner used before by itself, so that strangers lock nobody out of it."""
        device = known_device(request, credentials.get("email", ""))
        if not device:
            try:
                super().pre_authenticate(request, **credentials)
            except ValidationError:
                log.warning("A sign-in was refused unheard: too many failed before it")
                raise
            return
        self._login_failed_rl_usage = ratelimit.consume(
            request,
            app="allauth.account",
            action="known_device",
            config={"known_device": settings.KNOWN_DEVICE_LIMIT},
            key=device,
        )
        if not self._login_failed_rl_usage:
            log.warning("A sign-in was refused unheard: too many failed before it")
            raise self.validation_error("too_many_login_attempts")

    def get_login_stages(self) -> list[str]:
        """Return allauth's, but the second step knows of the two that were taken at the university."""
        own = "park_portal.core.accounts.university.SecondStep"
        return [
            own if stage == "allauth.mfa.stages.AuthenticateStage" else stage
            for stage in super().get_login_stages()
        ]

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that the audit trail notes too: the same proxies are believed."""
        return context.current().address or str(super().get_client_ip(request))

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell the person what changed, through the outbox: no link in it is secret, and none must be lost."""
        tell_of_security(user, SECURITY.get(template_prefix, OTHER), address=email or "")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        try:
            super().send_mail(template_prefix, email, context)
        except (SMTPException, OSError) as error:
            log.error("The mail %s was not sent: %s", template_prefix, error)
            raise MailDown from error
