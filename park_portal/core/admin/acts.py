"""Acts: what staff do with a record beyond editing it; each has a page of its own, one service call, one permission."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from park_portal.core.admin.fields import dress
from park_portal.core.admin.pages import StaffPage
from park_portal.core.errors import DomainError, Text
from park_portal.core.workflow import Machine, advance, may

if TYPE_CHECKING:
    from park_portal.core.admin.base import StaffAdmin

log = logging.getLogger(__name__)

ONCE: Final = "once"
ONCE_LASTS: Final = 24 * 3600


@dataclass(frozen=True)
class Act:
    """One thing staff may do with a record (or, with ``on="list"``, from the list).

    ``do(obj, *, actor, **form data)`` is the service; from the list ``do(*, actor, **form data)``. When ``name`` is a
    transition of the model's machine, its label, permission and source states come from there, and without ``do`` the
    transition itself is made. ``bulk`` offers it for all that match: "each" (one refusal leaves the others done) or
    "all" (everything or nothing).
    """

    name: str
    do: Callable[..., Any] | None = None
    label: Text = ""
    rule: str = ""
    form: type[forms.BaseForm] | None = None
    explain: Text = ""
    button: Text = ""
    done: Text = ""
    icon: str = ""
    danger: bool = False
    on: str = "record"
    bulk: str = ""
    sources: tuple[str, ...] | None = None
    # check(obj, actor) raises DomainError when the act would be refused: shown before anything is done.
    check: Callable[[Any, Any], None] | None = None
    initial: Callable[[Any, Any], Mapping[str, Any]] | None = None
    # after(obj, result) is the address to go to next; the record's page if omitted.
    after: Callable[[Any, Any], str] | None = None
    # offered(user): whether to offer it for many at once, where ``rule`` needs a record to be answered.
    offered: Callable[[Any], bool] | None = None
    # More for the page: a template shown between the explanation and the form, and its context(obj, user).
    template: str = ""
    context: Callable[[Any, Any], Mapping[str, Any]] | None = None
    select_related: tuple[str, ...] = field(default=())

    def bind(self, machine: Machine | None) -> Act:
        """Return the act with what the model's machine says filled in."""
        transition = None
        if machine is not None and self.on == "record":
            transition = next((t for t in machine.transitions if t.name == self.name), None)
        if transition is None:
            if not (self.do and self.label and self.rule):
                raise TypeError(f"act {self.name!r} is no transition: it needs do, label and rule")
            return self
        return replace(
            self,
            do=self.do or _Advance(self.name),
            label=self.label or transition.label,
            rule=self.rule or transition.rule,
            sources=self.sources if self.sources is not None else transition.sources,
        )

    def possible(self, obj: Any) -> bool:
        """Return whether ``obj`` is in a state in which the act exists."""
        machine: Machine | None = getattr(type(obj), "machine", None)
        return self.sources is None or machine is None or getattr(obj, machine.field) in self.sources

    def allowed(self, obj: Any, user: Any) -> bool:
        """Return whether ``user`` may do it with ``obj`` as it is now."""
        return self.possible(obj) and may(user, self.rule, obj)

    def offered_to(self, user: Any) -> bool:
        """Return whether to offer the act to ``user`` where no single record is at hand."""
        return self.offered(user) if self.offered else may(user, self.rule)

    def refusal(self, obj: Any, actor: Any) -> Text | None:
        """Return why the act would be refused for ``obj``; None when nothing is known against it."""
        machine: Machine | None = getattr(type(obj), "machine", None)
        if not self.possible(obj):
            assert machine is not None
            label = dict(machine.states.choices).get(getattr(obj, machine.field), "")
            return _Format(_("Not possible in this state: %(state)s"), {"state": label})
        if not may(actor, self.rule, obj):
            return _("You may not do this with it")
        if self.check is not None:
            try:
                self.check(obj, actor)
            except DomainError as error:
                return str(error)
        return None

    def perform(self, obj: Any, *, actor: Any, data: Mapping[str, Any]) -> Any:
        """Do it: one service call."""
        assert self.do is not None
        return self.do(actor=actor, **data) if self.on == "list" else self.do(obj, actor=actor, **data)

    def make_form(self, obj: Any, user: Any, *args: Any, **kwargs: Any) -> forms.BaseForm:
        """Return the act's form; one that says ``needs_object = True`` is given ``obj`` and ``user``."""
        form_class = self.form or forms.Form
        if getattr(form_class, "needs_object", False):
            kwargs.update(obj=obj, user=user)
        if self.initial is not None:
            kwargs.setdefault("initial", self.initial(obj, user))
        return dress(form_class(*args, **kwargs))

    @property
    def variant(self) -> ActionVariant:
        return ActionVariant.DANGER if self.danger else ActionVariant.DEFAULT


@dataclass(frozen=True)
class _Advance:
    """The service of a transition that changes nothing but the state."""

    name: str

    def __call__(self, obj: models.Model, *, actor: Any, **facts: Any) -> models.Model:
        return advance(obj, self.name, actor=actor, **facts)


class _Format(Promise):
    """A translatable text with its values, put together when it is read."""

    def __init__(self, text: Any, values: Mapping[str, Any]) -> None:
        self.text, self.values = text, values

    def __str__(self) -> str:
        return str(self.text) % {key: str(value) for key, value in self.values.items()}

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


# --- the same form sent twice


def first_time(request: HttpRequest) -> bool:
    """Return whether the form in ``request`` arrives for the first time; ``again`` makes it new."""
    token = request.POST.get(ONCE, "")
    if not token:
        return True
    try:
        return bool(cache.add(_key(request), "1", ONCE_LASTS))
    except Exception:  # without the cache the services' own guards still hold
        log.warning("The cache did not answer.", exc_info=True)
        return True


def again(request: HttpRequest) -> None:
    """Let the form in ``request`` be sent again: nothing was done."""
    if request.POST.get(ONCE):
        try:
            cache.delete(_key(request))
        except Exception:  # it runs out by itself
            log.warning("The cache did not answer.", exc_info=True)


def _key(request: HttpRequest) -> str:
    return f"once:{request.user.pk}:{request.POST.get(ONCE, '')[:40]}"


def new_token() -> str:
    return uuid.uuid4().hex


# --- the page


def refuse(form: forms.BaseForm, error: DomainError) -> list[str]:
    """Put a refusal where it belongs in ``form``; return further lines to list above it."""
    if error.field and error.field in form.fields:
        form.add_error(error.field, str(error))
    else:
        form.add_error(None, str(error))
    lines = []
    for problem in error.problems:
        if (str(problem.message), problem.field) == (str(error), error.field):
            continue
        if problem.field and problem.field in form.fields:
            form.add_error(problem.field, str(problem.message))
        elif str(problem.message) != str(error):
            lines.append(str(problem.message))
    return lines


class ActPage(StaffPage):
    """The page of one act: what it does, its form, its button."""

    name = "act"
    path = "<int:pk>/act/<slug:act>/"
    template_name = "admin/act.html"
    rule = ""

    @property
    def act(self) -> Act:
        assert self.admin is not None
        try:
            return self.admin.act(self.kwargs["act"], on="record")
        except KeyError:
            raise Http404 from None

    def allowed(self, user: Any, obj: models.Model | None) -> bool:
        return may(user, self.act.rule, obj)

    def get_title(self) -> Text:
        return self.act.label

    def back(self) -> str:
        return self.address("change", self.object.pk)

    def extra(self) -> Mapping[str, Any]:
        return self.act.context(self.object, self.request.user) if self.act.context else {}

    def show(self, form: forms.BaseForm, **context: Any) -> HttpResponseBase:
        return self.render(
            act=self.act, form=form, back=self.back(), token=new_token(), **{**self.extra(), **context}
        )

    def get(self) -> HttpResponseBase:
        act = self.act
        reason = act.refusal(self.object, self.request.user) if self.object is not None else None
        if reason:
            return self.redirect(self.back(), message=reason, level=messages.WARNING)
        return self.show(act.make_form(self.object, self.request.user))

    def post(self) -> HttpResponseBase:
        act = self.act
        form = act.make_form(self.object, self.request.user, self.request.POST, self.request.FILES)
        if not form.is_valid():
            return self.show(form)
        if not first_time(self.request):
            return self.redirect(self.back(), message=_("This was already done."), level=messages.INFO)
        try:
            result = act.perform(self.object, actor=self.request.user, data=form.cleaned_data)
        except DomainError as error:
            again(self.request)
            return self.show(form, problems=refuse(form, error))
        except BaseException:
            again(self.request)
            raise
        if isinstance(result, HttpResponse):
            return result
        to = act.after(self.object, result) if act.after else self.next(result)
        return self.redirect(to, message=act.done or _Format(_("“%(act)s” is done."), {"act": act.label}))

    def next(self, result: Any) -> str:
        return self.back()


class ListActPage(ActPage):
    """The page of an act that needs no record: it makes one, or does something for the whole list."""

    name = "list_act"
    path = "act/<slug:act>/"

    @property
    def act(self) -> Act:
        assert self.admin is not None
        try:
            return self.admin.act(self.kwargs["act"], on="list")
        except KeyError:
            raise Http404 from None

    def back(self) -> str:
        return self.address("changelist")

    def next(self, result: Any) -> str:
        assert self.admin is not None
        if isinstance(result, self.admin.model) and self.admin.has_view_permission(self.request, result):
            return self.address("change", result.pk)
        return self.back()


def navigation(model_admin: StaffAdmin, acts: list[Act], link: Callable[[Act], str]) -> list[dict[str, Any]]:
    """Return buttons for ``acts`` as the admin's header wants them."""
    return [
        {
            "title": act.label,
            "icon": act.icon or None,
            "variant": act.variant,
            "attrs": {},
            "dialog": None,
            "path": link(act),
        }
        for act in acts
    ]
