"""Signing in with the university's identity provider (OpenID Connect).

allauth does the protocol; here stand what it leaves to us: a nonce and a checked signature, who may join an account that
is there already, what counts as two steps, and what the rooms above do with the university's claims:

    follows_claims(grant_by_claims)      called with the person and the values of OIDC_CLAIM at each sign-in
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

import jwt
import requests
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.stages import AuthenticateStage
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.socialaccount.signals import social_account_added, social_account_removed
from django.conf import settings
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render

from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record

log = logging.getLogger(__name__)

# How its tokens may be signed: by a key pair alone, so that nothing it publishes can be taken for a shared secret.
SIGNED_BY: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
)
# In the session, while somebody is on their way to the provider and back: what its answer must repeat.
NONCE: Final = "university_nonce"
# In the session: whose sign-in over there took two steps.
TWO_STEPS: Final = "university_two_steps"

_followers: list[Callable[[User, frozenset[str]], None]] = []


def follows_claims(function: Callable[[User, frozenset[str]], None]) -> Callable[..., None]:
    """Have ``function`` called with the person and what the university says of them, at each sign-in."""
    _followers.append(function)
    return function


def _follow(user: User, login: SocialLogin) -> None:
    values = claim_values(login)
    for function in _followers:
        function(user, values)


def _told(login: SocialLogin) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the claims of the signed token, and those with what the provider adds when asked."""
    data = login.account.extra_data
    signed = data.get("id_token") or {}
    return signed, {**signed, **(data.get("userinfo") or {})}


def claim_values(login: SocialLogin) -> frozenset[str]:
    """Return the values of the claim that rights hang on; it may be one text or a list of them."""
    found = _told(login)[1].get(settings.OIDC_CLAIM) or []
    return frozenset(str(one) for one in (found if isinstance(found, list) else [found]))


def took_two_steps(login: SocialLogin) -> bool:
    """Return whether the signed token says so, by ``amr`` or ``acr``."""
    signed, _all = _told(login)
    amr = signed.get("amr") or []
    said = {str(one) for one in (amr if isinstance(amr, list) else [amr])} | {str(signed.get("acr") or "")}
    return bool(said & set(settings.OIDC_TWO_STEPS))


def two_steps_there(request: HttpRequest, user: Any) -> bool:
    """Return whether ``user`` signed in with two steps at the university, in this session."""
    uid = request.session.get(TWO_STEPS)
    return bool(uid) and SocialAccount.objects.filter(user_id=user.pk, uid=uid).exists()


class SecondStep(AuthenticateStage):
    """Asks for our own second step, but of who has just taken two at the university."""

    def _should_handle(self, request: HttpRequest) -> bool:
        return bool(super()._should_handle(request)) and not two_steps_there(request, self.login.user)


class UniversityOAuth2Adapter(OpenIDConnectOAuth2Adapter):
    """allauth's, but the token's signature is always checked, and so is that it was made for this very sign-in."""

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        if str(self.openid_config["issuer"]).rstrip("/") != settings.OIDC_ISSUER:
            raise OAuth2Error("The provider says that it is another one.")
        try:
            signed_by = jwt.get_unverified_header(id_token).get("alg")
        except jwt.PyJWTError as error:
            raise OAuth2Error("Invalid id_token") from error
        if signed_by not in SIGNED_BY:
            raise OAuth2Error("The token is signed in a way that is not taken.")
        found: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
            verify_signature=True,
        )
        return found

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> SocialLogin:
        wanted = request.session.pop(NONCE, None)
        login: SocialLogin = super().complete_login(request, app, token, **kwargs)
        signed = login.account.extra_data.get("id_token") or {}
        if not wanted or not secrets.compare_digest(str(signed.get("nonce", "")), wanted):
            raise OAuth2Error("The nonce of the token is not that of this sign-in.")
        asked = login.account.extra_data.get("userinfo") or signed
        if asked.get("sub") != signed.get("sub"):
            raise OAuth2Error("The provider speaks of two people.")
        return login


class UniversityProvider(OpenIDConnectProvider):
    """The university, as allauth's settings name it."""

    oauth2_adapter_class = UniversityOAuth2Adapter
    package = "allauth.socialaccount.providers.openid_connect"  # where its addresses stand

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, Any]:
        """Return what is sent along; nothing of it comes from whoever made the link."""
        request.session[NONCE] = secrets.token_urlsafe(24)
        return {**self.get_auth_params(), "nonce": request.session[NONCE]}

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        return list(self.get_scope())

    def redirect(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Lead to the university; one that does not answer is told in words."""
        try:
            response: HttpResponseBase = super().redirect(request, *args, **kwargs)
        except requests.RequestException as error:
            log.warning("The university's identity provider does not answer: %s", error)
            response = render_authentication_error(request, self, exception=error)
        return response


def callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Answer who comes back from the university; in the place of allauth's, for the sake of the adapter above."""
    try:
        view = OAuth2CallbackView.adapter_view(UniversityOAuth2Adapter(request, provider_id))
        response: HttpResponseBase = view(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    return response


class SocialAdapter(DefaultSocialAccountAdapter):
    """Nobody gets into an account by an address alone: who has one already signs in to it and joins them there."""

    def list_apps(self, request: Any, provider: str | None = None, client_id: str | None = None) -> Any:
        """Return what the settings name: providers are never kept in the database."""
        wanted: list[dict[str, Any]] = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
        return [
            SocialApp(provider="openid_connect", **one)
            for one in wanted
            if provider in (None, "openid_connect", one["provider_id"])
            and client_id in (None, one["client_id"])
        ]

    def get_requests_session(self) -> requests.Session:
        """Return what asks the provider; one that sends on to another address is not followed."""
        session: requests.Session = super().get_requests_session()
        session.max_redirects = 0
        return session

    def generate_state_param(self, state: dict[str, Any]) -> str:
        return secrets.token_urlsafe(24)

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if took_two_steps(sociallogin):
            request.session[TWO_STEPS] = sociallogin.account.uid
        else:
            request.session.pop(TWO_STEPS, None)
        confirmed = {one.email.lower() for one in sociallogin.email_addresses if one.verified}
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            own = EmailAddress.objects.filter(user=request.user, verified=True).values_list(
                "email", flat=True
            )
            if not confirmed & {email.lower() for email in own}:
                raise self._refused(request, "other")
            return
        if sociallogin.is_existing:
            _follow(sociallogin.user, sociallogin)
        elif not confirmed:
            raise self._refused(request, "unconfirmed")
        elif (
            User.objects.filter(email__in=confirmed).exists()
            or EmailAddress.objects.filter(email__in=confirmed).exists()
        ):
            raise self._refused(request, "known")

    def _refused(self, request: HttpRequest, why: str) -> ImmediateHttpResponse:
        return ImmediateHttpResponse(
            render(request, "core/university_refused.html", {"why": why}, status=409)
        )

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        person: User = sociallogin.user
        told = _told(sociallogin)[1]
        person.name = str(told.get("name") or person.email.partition("@")[0])[:80]
        saved: User = super().save_user(request, sociallogin, form)
        record("user.join_university", saved, actor=saved)
        _follow(saved, sociallogin)
        return saved


@receiver(social_account_added)
def joined(sociallogin: SocialLogin, **kwargs: Any) -> None:
    record("user.join_university", sociallogin.user, actor=sociallogin.user)
    _follow(sociallogin.user, sociallogin)


@receiver(social_account_removed)
def parted(socialaccount: SocialAccount, **kwargs: Any) -> None:
    """Note it; what hung on the university's word ends with it."""
    record("user.part_from_university", socialaccount.user, actor=socialaccount.user)
    for function in _followers:
        function(socialaccount.user, frozenset())
