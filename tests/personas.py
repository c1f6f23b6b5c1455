"""The people of the tests: the same names everywhere, and always a stranger.

    person("officer")     makes Ou Officer when first asked for in a test, and returns the same row afterwards

Rooms add their own (a liaison needs a university, a founder a company) in their factories:

    @persona("liaison")
    def liaison() -> User: ...
"""

from collections.abc import Callable

from django.contrib.auth.models import Group

from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from tests.factories.incubator import make_liaison, make_organisation, make_project, make_university

PASSWORD = "correct-horse-battery"  # Of every persona.

_personas: dict[str, Callable[[], User]] = {}


def persona(name: str) -> Callable[[Callable[[], User]], Callable[[], User]]:
    """Register how a persona is made."""

    def register(maker: Callable[[], User]) -> Callable[[], User]:
        if name in _personas:
            raise ValueError(f"there are two personas called {name}")
        _personas[name] = maker
        return maker

    return register


def person(name: str) -> User:
    """The persona called `name`; KeyError when there is none."""
    if name not in _personas:
        raise KeyError(f"no persona {name!r}; there are {', '.join(sorted(_personas))}")
    return User.objects.filter(email=address(name)).first() or _personas[name]()


def persona_names() -> list[str]:
    """Every persona, in alphabetical order."""
    return sorted(_personas)


def address(name: str) -> str:
    """The e-mail address of a persona."""
    return f"{name.replace('_', '-')}@people.example"


def make_person(name: str, *roles: str, **fields) -> User:
    """Make a persona who has verified the e-mail address; `roles` make staff of them."""
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(
        address(name), PASSWORD, name=fields.pop("full_name", name.replace("_", " ").title()), **fields
    )
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    if roles:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
        user.groups.add(*Group.objects.filter(name__in=roles))
    return user


def _staff(role: str) -> None:
    persona(str(role))(lambda: make_person(str(role), role))


for _role in StaffRole.values:
    _staff(_role)


@persona("superuser")
def superuser() -> User:
    """Who may do everything: for tests that are not about permission."""
    return make_person("superuser", is_staff=True, is_superuser=True)


@persona("stranger")
def stranger() -> User:
    """Somebody with an account and nothing else."""
    return make_person("stranger")


# --- People outside the staff ---------------------------------------------------------------------------------


@persona("founder")
def founder() -> User:
    """Owner of a startup."""
    user = make_person("founder")
    make_organisation(owner=user)
    return user


@persona("liaison")
def liaison() -> User:
    """Liaison of a whole university."""
    user = make_person("liaison")
    make_liaison(user, make_university())
    return user


@persona("investigator")
def investigator() -> User:
    """Leads a research project of a university."""
    user = make_person("investigator")
    make_project(pi=user, university=make_university())
    return user
