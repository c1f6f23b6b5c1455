from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path


def become(request: HttpRequest, name: str, verified: int) -> HttpResponse:
    """Sign in as ``name`` without a password: how the provider knows people is not what is tested."""
    user, _made = get_user_model().objects.get_or_create(
        username=name, defaults={"email": f"{name}@fudan.example", "first_name": name.title()}
    )
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": bool(verified), "primary": True}
    )
    login(request, user, "django.contrib.auth.backends.ModelBackend")
    return HttpResponse("in")


urlpatterns = [
    path("become/<str:name>/<int:verified>/", become),
    path("elsewhere/<path:rest>", lambda request, rest: HttpResponseRedirect(f"/{rest}")),
    path("", include("allauth.idp.urls")),
]
