"""What can be taken away, each by its name: `rule:funding.open_call`, `right:core.view_job`, `rows:funding.Review`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import rules
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.test import RequestFactory
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from rest_framework.exceptions import APIException
from rules.permissions import permissions

from park_portal.core.accounts.backends import RoleBackend
from park_portal.core.accounts.states import FULL, ROLE_RIGHTS
from park_portal.core.admin.site import StaffSite
from park_portal.core.api.authentication import Scoped
from park_portal.core.views import PortalMixin

Touch = Callable[[str], None]

# Guards that are there for the portal alone, which no person can come past.
OF_THE_SYSTEM = frozenset({"rule:core.run_job"})
# These pages ask anew who one is before they come to their door, and of nobody else than who has signed in.
ASKS_ANEW = frozenset({"door:my-data-copy", "door:my-data-erase"})
# Everybody sees all of them: it filters nothing.
SEES_ALL = frozenset({"rows:Fund"})
# Two guards that turn the same people away: one of them alone is not missed, so both are taken.
BESIDE = {
    "right:funding.add_call": "rule:funding.build_call",
    "right:funding.add_lettertemplate": "rule:funding.write_letters",
    "right:funding.add_question": "rule:funding.build_call",
    "right:funding.change_application": "rule:funding.export_applications",
    "right:funding.delete_call": "rule:funding.build_call",
    "right:funding.view_call": "rule:funding.see_calls",
    "rule:funding.see_calls": "right:funding.view_call",
    "rule:funding.see_reviews": "right:funding.view_review",
}


def names() -> list[str]:
    """Return every guard but those of the database."""
    found = {
        # Nobody who is not signed in comes as far as a rule that asks for no more: `may` turns them away.
        *(f"rule:{name}" for name, rule in permissions.items() if rule is not rules.is_authenticated),
        *(f"right:{right}" for right in _rights()),
        *(f"rows:{_label(queryset)}" for queryset in _filtered()),
        *(f"door:{name}" for name in _doors()),
        "gate:staff",
        "gate:program",
    }
    return sorted(found - OF_THE_SYSTEM - ASKS_ANEW - SEES_ALL)


class _Holder(AnonymousUser):
    """Somebody of the staff with these rights, for whom every rule holds."""

    is_active = is_staff = True

    def __init__(self, rights: frozenset[str]) -> None:
        super().__init__()
        self._rights = rights

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return perm in self._rights or rules.perm_exists(perm)


def _rights() -> Iterator[str]:
    """Return the rights that open something in the admin to a role that does not have them."""
    from django.contrib import admin

    request = RequestFactory().get("/")
    held = [frozenset(_held_by(given)) for given in ROLE_RIGHTS.values()]

    def opened(model_admin: Any, rights: frozenset[str]) -> list[bool]:
        request.user = _Holder(rights)
        return [bool(getattr(model_admin, f"has_{act}_permission")(request)) for act in FULL]

    for model, model_admin in admin.site._registry.items():
        for act in model._meta.default_permissions:
            right = f"{model._meta.app_label}.{act}_{model._meta.model_name}"
            if any(opened(model_admin, rights) != opened(model_admin, rights | {right}) for rights in held):
                yield right


def _held_by(given: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Return the rights that a role is given, one by one."""
    for model in apps.get_models():
        meta = model._meta
        for act in {*given.get(meta.label_lower, ()), *given.get(f"{meta.app_label}.*", ())}:
            yield f"{meta.app_label}.{act}_{meta.model_name}"


def _filtered() -> Iterator[type[models.QuerySet[Any]]]:
    """Return the query sets that say whose rows are; of a translated model it stands behind one of the library's own."""
    for model in apps.get_models():
        for queryset in type(model._default_manager.all()).__mro__:
            if "visible_to" in queryset.__dict__:
                yield queryset
                break


def _label(queryset: type[models.QuerySet[Any]]) -> str:
    return queryset.__name__.removesuffix("QuerySet")


def _doors() -> dict[str, URLPattern]:
    """Return the routes of pages that ask for signing in, by name."""
    found: dict[str, URLPattern] = {}

    def walk(resolver: URLResolver, space: tuple[str, ...]) -> None:
        for pattern in resolver.url_patterns:
            if isinstance(pattern, URLResolver):
                walk(pattern, (*space, *([pattern.namespace] if pattern.namespace else [])))
                continue
            view = getattr(pattern.callback, "view_class", None)
            if isinstance(view, type) and issubclass(view, PortalMixin) and not view.public:
                found[":".join([*space, pattern.name or ""])] = pattern

    walk(get_resolver(), ())
    return found


@contextmanager
def without(name: str) -> Iterator[None]:
    """Serve what is within without this guard."""
    with ExitStack() as stack:
        for one in filter(None, (name, BESIDE.get(name))):
            kind, _colon, what = one.partition(":")
            stack.enter_context(_KINDS[kind](what))
        yield


def _rule(name: str) -> AbstractContextManager[Any]:
    return patch.dict(permissions, {name: rules.always_true})


def _right(name: str) -> AbstractContextManager[Any]:
    asked = RoleBackend.has_perm

    def has_perm(self: Any, user: Any, perm: str, obj: Any = None) -> bool:
        return bool(user.is_active and user.is_staff) if perm == name else asked(self, user, perm, obj)

    return patch.object(RoleBackend, "has_perm", has_perm)


def _rows(label: str) -> AbstractContextManager[Any]:
    queryset = next(one for one in _filtered() if _label(one) == label)
    return patch.object(queryset, "visible_to", lambda self, user: self.all())


def _door(name: str) -> AbstractContextManager[Any]:
    return patch.object(_doors()[name].callback.view_class, "public", True)


def _gate(name: str) -> AbstractContextManager[Any]:
    if name == "staff":
        return patch.object(StaffSite, "has_permission", lambda self, request: True)
    return patch.object(Scoped, "has_permission", lambda self, request, view: True)


_KINDS: dict[str, Callable[[str], AbstractContextManager[Any]]] = {
    "rule": _rule,
    "right": _right,
    "rows": _rows,
    "door": _door,
    "gate": _gate,
}


@contextmanager
def watched(touch: Touch) -> Iterator[None]:
    """Call ``touch`` with the name of each guard that turns what is within away, and of each filter that it comes past.

    Without a guard that lets pass, nothing goes otherwise. Doors are known by their routes.
    """
    test_rule, has_perm = type(permissions).test_rule, RoleBackend.has_perm
    staff, program = StaffSite.has_permission, Scoped.has_permission

    def noted(name: str, passed: bool) -> bool:
        if not passed:
            touch(name)
        return passed

    def tested(self: Any, name: str, *args: Any, **kwargs: Any) -> bool:
        return noted(f"rule:{name}", test_rule(self, name, *args, **kwargs))

    def had(self: Any, user: Any, perm: str, obj: Any = None) -> bool:
        return noted(f"right:{perm}", has_perm(self, user, perm, obj))

    def let_in(self: Any, request: Any) -> bool:
        return noted("gate:staff", staff(self, request))

    def scoped(self: Any, request: Any, view: Any) -> bool:
        try:
            return noted("gate:program", program(self, request, view))
        except APIException:
            touch("gate:program")
            raise

    with ExitStack() as stack:
        stack.enter_context(patch.object(type(permissions), "test_rule", tested))
        stack.enter_context(patch.object(RoleBackend, "has_perm", had))
        stack.enter_context(patch.object(StaffSite, "has_permission", let_in))
        stack.enter_context(patch.object(Scoped, "has_permission", scoped))
        for queryset in _filtered():
            stack.enter_context(_watched_rows(queryset, touch))
        yield


def _watched_rows(queryset: type[models.QuerySet[Any]], touch: Touch) -> AbstractContextManager[Any]:
    visible_to: Any = queryset.__dict__["visible_to"]

    def watched_rows(self: Any, user: Any) -> Any:
        touch(f"rows:{_label(queryset)}")
        return visible_to(self, user)

    return patch.object(queryset, "visible_to", watched_rows)


_for_good = ExitStack()  # Held: what nobody holds is closed, and the guard is back.


def apply_for_good(name: str) -> None:
    """Take a guard away for the rest of this process."""
    _for_good.enter_context(without(name))
    sys.stderr.write(f"This process runs without {name}.\n")
