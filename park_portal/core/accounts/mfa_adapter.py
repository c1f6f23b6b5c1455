"""How django-allauth keeps the secrets of the second step, and what it calls the portal."""

from __future__ import annotations

import base64
import logging
import secrets
from typing import Any, Final

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from park_portal.core.boxes import box

log = logging.getLogger(__name__)


PURPOSE: Final = "second factor"


class MFAAdapter(DefaultMFAAdapter):
    """allauth's own ways, but a copy of the database alone makes nobody's codes."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is not right. Codes change every 30 seconds and work once."),
        "unverified_email": _("Confirm all of your e-mail addresses first, or remove the others."),
        "cannot_generate_recovery_codes": _("Set up an authenticator app or a passkey first."),
    }

    def _get_site_name(self) -> str:
        return gettext("Qingpu Park Portal")

    def encrypt(self, text: str) -> str:
        return box(PURPOSE).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return box(PURPOSE).decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            # The key was changed and is no longer among the fallbacks: no code is right, and nothing breaks.
            log.error("A secret of a second step was made with a key that is not known any more.")
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}
