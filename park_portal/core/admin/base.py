"""The admin of every room stands on ``StaffAdmin``: one way of rights, saving, auditing, acting and listing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import quote, urlencode

import unfold.forms
from django import forms
from django.contrib import messages
from django.contrib.admin.options import IS_POPUP_VAR, IncorrectLookupParameters, ShowFacets
from django.contrib.admin.utils import flatten_fieldsets, lookup_field
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import DatabaseError, IntegrityError, models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.enums import ActionVariant
from unfold.fields import UnfoldAdminReadonlyField

from park_portal.core.admin import history, rows
from park_portal.core.admin.acts import Act, ActPage, ListActPage, navigation, refuse
from park_portal.core.admin.bulk import IDS, BulkPage
from park_portal.core.admin.changelist import PAGE_DIGITS, CappedPaginator, StaffChangeList, leave_out_wrong
from park_portal.core.admin.fields import (
    FORMFIELDS,
    label_translated,
    limit_text,
    pretty_json,
    say_plainly,
    side_by_side,
    translated_fields,
)
from park_portal.core.admin.links import link_to
from park_portal.core.admin.pages import StaffPage
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError
from park_portal.core.money import MoneyField
from park_portal.core.reads import note_reading
from park_portal.core.workflow import Machine, may

SECRET: Final = frozenset({"password", "token_digest"})
# Sources of "check_violation", raised by constraints and triggers alike.
REFUSED_BY_DATABASE: Final = _(
    "The database refuses this change: the record was moved on, or something else depends on it. Reload the page."
)
BUTTONS: Final = 4

_request: ContextVar[HttpRequest] = ContextVar("request")


class ReadonlyField(UnfoldAdminReadonlyField):
    """A field that is only shown: as it is shown in lists, money in yuan, JSON readably; a record as a link for who may
    open it.
    """

    def get_admin_url(self, remote_field: Any, remote_obj: Any) -> str:
        request = _request.get(None)
        return str(remote_obj) if request is None else link_to(request, remote_obj)

    def _get_contents(self) -> Any:
        try:
            field, attr, value = lookup_field(self.field["field"], self.form.instance, self.model_admin)
        except (AttributeError, ValueError, ObjectDoesNotExist):
            return super()._get_contents()
        if isinstance(field, models.JSONField):
            return pretty_json(value)
        if isinstance(field, MoneyField) or (field is None and rows.is_styled(attr)):
            return rows.shown(field, attr, value, str(self.empty_value_display))
        return super()._get_contents()


# The place where Unfold's forms look it up; there is no setting for it.
unfold.forms.UnfoldAdminReadonlyField = ReadonlyField


if TYPE_CHECKING:  # what the mixins are mixed into
    from unfold.admin import ModelAdmin as _Options
else:
    _Options = object


class Bilingual(_Options):
    """Texts in two languages side by side, each labelled with its language; money in yuan."""

    model: type[models.Model]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return side_by_side(self.model, super().get_fields(request, obj))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            (name, {**options, "fields": side_by_side(self.model, options["fields"])})
            for name, options in super().get_fieldsets(request, obj)
        ]

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        formfield = super().formfield_for_dbfield(db_field, request, **kwargs)
        if formfield is not None:
            label_translated(db_field, formfield)
            limit_text(formfield)
            say_plainly(formfield)
        return formfield


class StaffInline(Bilingual):
    """What all inlines share. Their rows leave audit entries like every other row that the admin saves."""

    extra = 0
    show_change_link = False
    # The rule (a permission string) that lets people change the rows; without it Django's model rights decide.
    rule: ClassVar[str] = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.formfield_overrides = {**self.formfield_overrides, **FORMFIELDS}  # type: ignore[has-type] # Django's

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return _with_state(self.model, super().get_readonly_fields(request, obj))

    def _may(self, request: HttpRequest, obj: Any, right: bool) -> bool:
        return right and (not self.rule or may(request.user, self.rule, obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj, super().has_add_permission(request, obj))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj, super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj, super().has_delete_permission(request, obj))


class StaffTabularInline(StaffInline, TabularInline):
    """Rows of a record as a table below it."""


class StaffStackedInline(StaffInline, StackedInline):
    """Rows of a record as blocks below it."""


class ReadOnly:
    """Nothing can be added, changed or deleted by form; acts still can."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StaffAdmin(Bilingual, ModelAdmin):
    """The admin of one model; see docs/admin-pages.md."""

    acts: ClassVar[Iterable[Act]] = ()
    pages: ClassVar[Iterable[type[StaffPage]]] = ()
    # Rules (permission strings) asked beside Django's model rights, with the record where there is one.
    view_rule: ClassVar[str] = ""
    add_rule: ClassVar[str] = ""
    change_rule: ClassVar[str] = ""
    delete_rule: ClassVar[str] = ""
    # create(actor=…, **values) and update(obj, actor=…, **changed values): the services that save, where there are any.
    create: ClassVar[Callable[..., Any] | None] = None
    update: ClassVar[Callable[..., Any] | None] = None
    remove: ClassVar[Callable[..., Any] | None] = None

    # The fields that the list's columns read, of joined tables too; empty fetches every field.
    list_fields: ClassVar[Sequence[str]] = ()

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # each would count the whole table
    list_per_page = 50
    list_max_show_all = 0
    list_filter_submit = False
    list_fullwidth = True
    preserve_filters = True
    save_on_top = False
    warn_unsaved_form = True
    view_on_site = False

    def __init__(self, model: type[models.Model], admin_site: Any) -> None:
        super().__init__(model, admin_site)
        self.formfield_overrides = {**self.formfield_overrides, **FORMFIELDS}  # type: ignore[has-type] # Django's
        self.machine: Machine | None = model.__dict__.get("machine")
        self._acts = {(act.on, act.name): act.bind(self.machine) for act in self.acts}

    # An admin is one object for all threads, and unfold keeps the request on it: each thread must find its own.
    @property
    def request(self) -> HttpRequest:
        try:
            return _request.get()
        except LookupError:
            raise AttributeError("no request is being served") from None

    @request.setter
    def request(self, request: HttpRequest) -> None:
        _request.set(request)

    # --- who sees and does what

    def rows_for(self, user: Any) -> models.QuerySet[Any]:
        """Return the records that ``user`` sees here: those of ``visible_to``, where the model has it."""
        rows = self.model._default_manager.all()
        return rows.visible_to(user) if hasattr(rows, "visible_to") else rows

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = self.rows_for(request.user)
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and self._rule(self.view_rule, request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and self._rule(self.add_rule, request, None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        # Without a record the question is whether any could be changed: the rule is asked about the record itself.
        return allowed and (obj is None or self._rule(self.change_rule, request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or self._rule(self.delete_rule, request, obj))

    @staticmethod
    def _rule(rule: str, request: HttpRequest, obj: Any) -> bool:
        return not rule or may(request.user, rule, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return _with_state(self.model, super().get_readonly_fields(request, obj))

    # --- acts and pages

    def act(self, name: str, *, on: str = "record") -> Act:
        """Return the act called ``name``; ``KeyError`` when there is none."""
        return self._acts[on, name]

    def all_acts(self, *, on: str) -> list[Act]:
        """Return every act on a record, or on the list, whoever may do it."""
        return [act for (where, _name), act in self._acts.items() if where == on]

    def acts_on(self, obj: Any, user: Any) -> list[Act]:
        """Return the acts that ``user`` may do with ``obj`` as it is now."""
        return [act for (on, _name), act in self._acts.items() if on == "record" and act.allowed(obj, user)]

    def address(self, name: str, *args: Any) -> str:
        """Return the address of one of this model's admin pages."""
        meta = self.model._meta
        return reverse(f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_{name}", args=args)

    def get_urls(self) -> list[URLPattern]:
        pages: tuple[type[StaffPage], ...] = (*self.pages, BulkPage, ListActPage, ActPage)
        own = [page.url(self.admin_site, self) for page in pages]
        return [*own, *super().get_urls()]

    def _page_buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        wanted = "list" if obj is None else "record"
        return [
            {
                "title": page.title,
                "icon": page.icon,
                "variant": ActionVariant.DEFAULT,
                "attrs": {},
                "dialog": None,
                "path": self.address(page.name, *([] if obj is None else [obj.pk])),
            }
            for page in self.pages
            if page.offered == wanted and page(self.admin_site, self).is_offered(request.user, obj)
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> TemplateResponse:
        obj = kwargs.get("obj")
        # The record's own name, or what is about to be made; Django writes "Change application" before it.
        context["title"] = str(obj) if obj is not None else _New(self.opts.verbose_name)
        context["subtitle"] = None
        if obj is not None and not context.get("is_popup"):
            acts = self.acts_on(obj, request.user)
            buttons = navigation(self, acts, lambda act: self.address("act", obj.pk, act.name))
            buttons = [*self._page_buttons(request, obj), *buttons]
            context["actions_detail"] = [*(context.get("actions_detail") or []), *_grouped(buttons)]
        if obj is not None and request.method == "GET":
            shown = flatten_fieldsets(self.get_fieldsets(request, obj))
            note_reading([obj], shown=shown, actor=request.user)
        response: TemplateResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "GET" and request.GET.get(ERROR_FLAG) == "1":
            # Django came here from an address it could not use.
            messages.warning(
                request, _("That address asked for something that is not there. This is the whole list.")
            )
        response = super().changelist_view(request, extra_context)
        if getattr(request, "has_wrong_filter", False):
            query, wrong = leave_out_wrong(self, request)
            if wrong:
                messages.warning(
                    request,
                    _("This list has no such filter, and shows what matches without it: %(wrong)s")
                    % {"wrong": "; ".join(wrong)},
                )
                return HttpResponseRedirect(f"{request.path}{'?' if query else ''}{query.urlencode()}")
        if not isinstance(response, TemplateResponse) or response.context_data is None:
            return response
        changes = response.context_data.get("cl")
        if changes is not None and not changes.is_popup:
            response.context_data["title"] = changes.title = capfirst(self.opts.verbose_name_plural)
        if changes is None or changes.is_popup:
            return response
        acts = [
            act for (on, _name), act in self._acts.items() if on == "list" and may(request.user, act.rule)
        ]
        buttons = navigation(self, acts, lambda act: self.address("list_act", act.name))
        buttons = [*self._page_buttons(request, None), *buttons]
        shown = [*(response.context_data.get("actions_list") or []), *_grouped(buttons)]
        bulk = self._bulk_acts(request)
        if bulk and changes.result_count:
            query = request.GET.copy()
            for key in ("p", "o"):
                query.pop(key, None)
            ending = f"?{query.urlencode()}" if query else ""
            shown.append(
                {
                    "title": _AllMatching(changes.result_count),
                    "icon": "done_all",
                    "variant": ActionVariant.DEFAULT,
                    "method_name": "Matching",
                    "attrs": {},
                    "items": navigation(self, bulk, lambda act: self.address("bulk", act.name) + ending),
                }
            )
        response.context_data["actions_list"] = shown
        return response

    def _bulk_acts(self, request: HttpRequest) -> list[Act]:
        return [
            act
            for (on, _name), act in self._acts.items()
            if on == "record" and act.bulk and act.offered_to(request.user)
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the acts on many for the rows ticked, or for all that match; nothing is deleted in passing."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        if IS_POPUP_VAR in request.GET:
            return {}
        for act in self._bulk_acts(request):
            actions[f"act_{act.name}"] = (_Ticked(act), f"act_{act.name}", act.label)
        return actions

    # --- lists

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[StaffChangeList]:
        return StaffChangeList

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters:
            request.has_wrong_filter = True  # type: ignore[attr-defined] # read by changelist_view
            raise

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> Any:
        page = request.GET.get("p", "1")
        number = int(page) if page.isdecimal() and len(page) <= PAGE_DIGITS else 1
        return self.paginator(queryset, per_page, *args, page=number, **kwargs)

    # --- saving

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if not hasattr(request, "refusal"):
            return form
        refusal: DomainError = request.refusal

        class Refused(form):  # type: ignore[misc, valid-type] # made while running
            """The same form, sent back with the reason why what it asks was refused."""

            def _post_clean(self) -> None:
                super()._post_clean()
                for line in refuse(self, refusal):
                    self.add_error(None, line)

        return Refused

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        self.request = request
        try:
            # A savepoint of our own, so that the page can be shown again after the database refused.
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as error:
            request.refusal = error  # type: ignore[attr-defined] # read by get_form above
        except DatabaseError as error:
            if not _is_refusal(error):
                raise
            request.refusal = DomainError(REFUSED_BY_DATABASE, code="database")  # type: ignore[attr-defined] # as above
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_via(self, request: HttpRequest, obj: Any, form: forms.BaseForm, change: bool) -> Any:
        """Save through a service and return what it returned; ``NotImplemented`` lets the row be saved as it is."""
        cls = type(self)
        if change and cls.update is not None:
            values = {name: form.cleaned_data[name] for name in form.changed_data}
            stored = self.model._base_manager.get(pk=obj.pk)
            return cls.update(stored, actor=request.user, **values)
        if not change and cls.create is not None:
            return cls.create(actor=request.user, **form.cleaned_data)
        return NotImplemented

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        saved = self.save_via(request, obj, form, change)
        if saved is NotImplemented:
            save_row(obj, actor=request.user, change=change)
        elif isinstance(saved, self.model):
            for column in self.model._meta.concrete_fields:
                setattr(obj, column.attname, getattr(saved, column.attname))
            obj._state.adding = False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        names = [field.name for field in self.model._meta.many_to_many if field.name in form.changed_data]
        before = {name: _links(form.instance, name) for name in names} if change else {}
        super().save_related(request, form, formsets, change)
        if names:
            after = {name: _links(form.instance, name) for name in names}
            record(
                f"{self.opts.model_name}.change",
                form.instance,
                actor=request.user,  # type: ignore[arg-type] # nobody else gets in here
                before=before,
                after=after,
            )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for row in formset.deleted_objects:
            delete_row(row, actor=request.user)
        for row, _changed in formset.changed_objects:
            save_row(row, actor=request.user, change=True)
        for row in formset.new_objects:
            save_row(row, actor=request.user, change=False)
        formset.save_m2m()

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        try:
            with transaction.atomic():
                return super().delete_view(request, object_id, extra_context)
        except DomainError as error:
            messages.error(request, str(error))
        except DatabaseError as error:
            if not _is_refusal(error):
                raise
            messages.error(request, REFUSED_BY_DATABASE)
        return HttpResponseRedirect(self.address("change", quote(object_id)))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        remove = type(self).remove
        if remove is not None:
            remove(obj, actor=request.user)
        else:
            delete_row(obj, actor=request.user)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    # The audit trail says who changed what: Django's own log beside it would only say less.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        return None

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        # Django would go to the first page and call the rest of a wrong address a record's number.
        raise Http404

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        obj = self.get_queryset(request).filter(pk=object_id).first() if object_id.isdecimal() else None
        if obj is None:
            raise Http404
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        return TemplateResponse(
            request,
            "admin/object_history.html",
            {
                **self.admin_site.each_context(request),
                "title": _("History"),
                "opts": self.opts,
                "object": obj,
                "original": obj,
                **history.of(obj, request.GET.get("before", "")),
                **(extra_context or {}),
            },
        )


# --- rows saved as they are


def save_row(obj: models.Model, *, actor: Any, change: bool) -> None:
    """Save one row as it is, with its audit entry in the same transaction; an unchanged row leaves none."""
    name = obj._meta.model_name
    with transaction.atomic():
        before = _values(type(obj)._base_manager.get(pk=obj.pk)) if change else {}
        obj.save()
        obj.refresh_from_db(fields=[field.attname for field in _columns(obj)])
        after = _values(obj)
        if not change:
            record(
                f"{name}.create",
                obj,
                actor=actor,
                after={k: v for k, v in after.items() if v not in (None, "")},
            )
        elif changed := [key for key in after if before[key] != after[key]]:
            old, new = {key: before[key] for key in changed}, {key: after[key] for key in changed}
            record(f"{name}.change", obj, actor=actor, before=old, after=new)


def delete_row(obj: models.Model, *, actor: Any) -> None:
    """Delete one row, with its audit entry in the same transaction."""
    with transaction.atomic():
        record(f"{obj._meta.model_name}.delete", obj, actor=actor, before=_values(obj))
        obj.delete()


def _columns(obj: models.Model) -> list[Any]:
    pairs = translated_fields(type(obj))
    return [
        field for field in obj._meta.concrete_fields if field.name not in pairs and field.name not in SECRET
    ]


def _values(obj: models.Model) -> dict[str, Any]:
    return {
        field.attname: field.value_from_object(obj)
        for field in _columns(obj)
        if not isinstance(field, models.BinaryField)
    }


def _links(obj: models.Model, name: str) -> list[str]:
    return sorted(str(one) for one in getattr(obj, name).all())


def _with_state(model: type[models.Model], fields: Any) -> list[Any]:
    """Only a transition moves a state: no form does."""
    machine: Machine | None = model.__dict__.get("machine")
    found = list(fields)
    if machine is not None and machine.field not in found:
        found.append(machine.field)
    return found


def _is_refusal(error: DatabaseError) -> bool:
    cause = error.__cause__
    code = getattr(cause, "pgcode", None) or ""
    # 23…: a constraint; P0001: RAISE EXCEPTION without a code of its own, as pgtrigger's Protect does.
    return isinstance(error, IntegrityError) or code.startswith("23") or code == "P0001"


# --- buttons


def _grouped(buttons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first few buttons as they are, the rest in one menu."""
    if len(buttons) <= BUTTONS:
        return buttons
    rest = {
        "title": _("More"),
        "icon": None,
        "variant": ActionVariant.DEFAULT,
        "method_name": "More",
        "attrs": {},
        "items": buttons[BUTTONS - 1 :],
    }
    return [*buttons[: BUTTONS - 1], rest]


class _New:
    """“New call”, put together when it is read."""

    def __init__(self, name: Any) -> None:
        self.name = name

    def __str__(self) -> str:
        return str(_("New %(name)s") % {"name": self.name})


class _AllMatching:
    """“All 1,204 that match”, put together when it is read."""

    def __init__(self, count: Any) -> None:
        self.count = count

    def __str__(self) -> str:
        return str(_("All %(count)s that match") % {"count": str(self.count)})


class _Ticked:
    """The list's own action: goes to the act's page with the rows ticked, or with the filters when all are meant."""

    def __init__(self, act: Act) -> None:
        self.act = act
        self.__name__ = f"act_{act.name}"

    def __call__(self, model_admin: StaffAdmin, request: HttpRequest, queryset: Any) -> HttpResponse:
        address = model_admin.address("bulk", self.act.name)
        query: Mapping[str, Any]
        if request.POST.get("select_across") == "1":
            query = {key: request.GET.getlist(key) for key in request.GET if key not in ("p", "o")}
        else:
            query = {IDS: ",".join(str(key) for key in queryset.values_list("pk", flat=True)[:1000])}
        return HttpResponseRedirect(f"{address}?{urlencode(query, doseq=True)}")
