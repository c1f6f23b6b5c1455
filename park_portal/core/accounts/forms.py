from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.webauthn import forms as passkey_forms
from django import forms
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from park_portal.core.accounts.states import Language
from park_portal.core.forms import PortalForm, TextField


class ProfileForm(PortalForm):
    name = TextField(label=_("Name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    phone = TextField(
        label=_("Phone"), max_length=32, required=False, widget=forms.TextInput(attrs={"autocomplete": "tel"})
    )
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)


class ViewAsForm(PortalForm):
    reason = TextField(
        label=_("Reason"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept in the audit trail, for example the number of the person's question."),
    )


class AtTheDoor:
    """Makes allauth's forms look like ours: labels instead of placeholders, the rules of a password in one line."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            if name in ("login", "email"):
                field.label = _("E-mail")
            if name == "password1":
                field.help_text = _(
                    "At least 10 characters; not only digits, not a common word, not your own name."
                )
            elif name in ("password", "oldpassword"):
                field.help_text = ""
            elif name == "code":
                field.label = _("Code")
                field.widget.attrs |= {"autocomplete": "one-time-code", "inputmode": "numeric"}


class SignInForm(AtTheDoor, allauth_forms.LoginForm):
    """E-mail and password."""


class RegisterForm(AtTheDoor, allauth_forms.SignupForm):
    """allauth's sign-up with a name; the language is the one the page was read in."""

    name = TextField(label=_("Name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))

    field_order = ["name", "email", "password1", "password2"]
    account_already_exists: bool

    def try_save(self, request: Any) -> Any:
        if self.account_already_exists:
            # As long as for a new account: nobody can tell by the clock whether there is one.
            make_password(self.cleaned_data["password1"])
        try:
            with transaction.atomic():
                return super().try_save(request)
        except IntegrityError:
            # Sent twice at once: the other made the account after this one had looked for it.
            self.account_already_exists = True
            return super().try_save(request)

    def signup(self, request: Any, user: Any) -> None:
        user.name = self.cleaned_data["name"]
        user.language = get_language() or Language.ZH_HANS
        user.save(update_fields=["name", "language"])


class AddEmailForm(AtTheDoor, allauth_forms.AddEmailForm):
    """One more address."""


class ChangePasswordForm(AtTheDoor, allauth_forms.ChangePasswordForm):
    """The old password and a new one."""


class SetPasswordForm(AtTheDoor, allauth_forms.SetPasswordForm):
    """A first password, for who came by an invitation or by single sign-on."""


class ResetPasswordForm(AtTheDoor, allauth_forms.ResetPasswordForm):
    """Asks for the mail with which one sets a new password."""


class ResetPasswordKeyForm(AtTheDoor, allauth_forms.ResetPasswordKeyForm):
    """The new password, behind the link of that mail."""


class ReauthenticateForm(AtTheDoor, allauth_forms.ReauthenticateForm):
    """The password once more, before something that protects the account is changed."""


class CodeForm(AtTheDoor, mfa_forms.AuthenticateForm):
    """The second step: a code of the app, or a recovery code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = _("Six digits from your authenticator app, or a recovery code.")


class CodeAgainForm(AtTheDoor, mfa_forms.ReauthenticateForm):
    """A code once more, before something that protects the account is changed."""


class ActivateAppForm(AtTheDoor, totp_forms.ActivateTOTPForm):
    """The first code of an app shows that it has the secret."""


class AddPasskeyForm(AtTheDoor, passkey_forms.AddWebAuthnForm):
    """A new passkey; the browser fills in what it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = pgettext_lazy("passkey", "Name")
        self.fields["name"].help_text = _("So that you tell it from others: “office laptop”, “blue key”.")
        passwordless = self.fields["passwordless"]
        passwordless.label = _("Sign in with it alone, without a password")
        passwordless.help_text = _("The device then asks for your fingerprint, face or PIN.")


class RenamePasskeyForm(AtTheDoor, passkey_forms.EditWebAuthnForm):
    """Another name for a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = pgettext_lazy("passkey", "Name")
