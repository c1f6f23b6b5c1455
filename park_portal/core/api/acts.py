"""Acts by program: what the staff's pages offer to do with a record, one door for all of it.

The administration keeps one table of acts a model: name, permission, states, form, service. The API reads the same table,
so an act that a room adds is here as well, asked for by the same permission and checked by the same form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.http import Http404, HttpResponse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.admin.acts import Act
from park_portal.core.api.idempotency import idempotent
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from park_portal.core.workflow import may

MOST_CHOICES: Final = 200


class ChoiceSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # named as the API names it


class ActFieldSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # named as the API names it
    kind = serializers.ChoiceField(
        choices=["text", "number", "boolean", "date", "moment", "choice", "choices"]
    )
    required = serializers.BooleanField()  # type: ignore[assignment] # named as the API names it
    choices = ChoiceSerializer(many=True)


class ActSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # named as the API names it
    allowed = serializers.BooleanField(help_text="Whether it would be done now.")
    reason = serializers.CharField(allow_null=True, help_text="Why not.")
    fields = ActFieldSerializer(many=True)  # type: ignore[assignment] # named as the API names it


class ActsSerializer(serializers.Serializer[Any]):
    results = ActSerializer(many=True)


class HasActs:
    """Adds to a resource what the staff's pages offer to do with one of its rows."""

    @extend_schema(responses=ActsSerializer)
    @action(detail=True, methods=["get"])
    def acts(self: Any, request: Request, **kwargs: Any) -> Response:
        """What can be done with it: by which name, with which fields, and whether you may now."""
        row, user = self.get_object(), self.actor
        return Response(
            {
                "results": [
                    _described(act, row, user, reason)
                    for act in _acts_of(self.model, "record")
                    if may(user, act.rule, row)
                    for reason in [act.refusal(row, user)]
                ]
            }
        )

    @extend_schema(request=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"], url_path=r"acts/(?P<act>[a-z_]+)")
    @idempotent
    def act(self: Any, request: Request, act: str, **kwargs: Any) -> Response:
        """Do one of its ``acts/``, with that act's fields. 204 when you no longer see the row afterwards."""
        row, user = self.get_object(), self.actor
        chosen = _find(self.model, act, "record")
        if not may(user, chosen.rule, row):
            raise Forbidden(rule=chosen.rule)
        if not chosen.possible(row):
            raise IllegalTransition(transition=act)
        if chosen.check is not None:
            chosen.check(row, user)
        _perform(chosen, row, user, request.data)
        key = {self.lookup_field: self._key()}
        found = self.rows().filter(**key).first()
        return Response(status=204) if found is None else Response(self.show(found))


class HasListActs:
    """Adds what the staff's pages offer to do from the list: making a row, mostly."""

    @extend_schema(responses=ActsSerializer)
    @action(detail=False, methods=["get"], url_path="acts", url_name="list-acts")
    def list_acts(self: Any, request: Request, **kwargs: Any) -> Response:
        """What can be done without naming a row."""
        user = self.actor
        acts = [act for act in _acts_of(self.model, "list") if may(user, act.rule)]
        return Response({"results": [_described(act, None, user, None) for act in acts]})

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: OpenApiTypes.OBJECT})
    @action(detail=False, methods=["post"], url_path=r"acts/(?P<act>[a-z_]+)", url_name="list-act")
    @idempotent
    def list_act(self: Any, request: Request, act: str, **kwargs: Any) -> Response:
        """Do one of them. The answer is the row that was made, if it is one of these and yours to see; else empty."""
        user, chosen = self.actor, _find(self.model, act, "list")
        if not may(user, chosen.rule):
            raise Forbidden(rule=chosen.rule)
        made = _perform(chosen, None, user, request.data)
        found = self.rows().filter(pk=made.pk).first() if isinstance(made, self.model) else None
        return Response({} if found is None else self.show(found), status=201)


def _acts_of(model: Any, on: str) -> list[Act]:
    staff: Any = admin.site.get_model_admin(model)
    found: list[Act] = staff.all_acts(on=on)
    return found


def _find(model: Any, name: str, on: str) -> Act:
    for act in _acts_of(model, on):
        if act.name == name:
            return act
    raise Http404


def _form(act: Act, row: Any, user: Any, data: Any = None) -> forms.BaseForm:
    form_class = act.form or forms.Form
    about = {"obj": row, "user": user} if getattr(form_class, "needs_object", False) else {}
    return form_class(data, **about)


def _perform(act: Act, row: Any, user: Any, sent: Any) -> Any:
    if not isinstance(sent, Mapping):
        raise exceptions.ValidationError(_("Send the fields of the act as an object."))
    form = _form(act, row, user, _typed(sent))
    if unknown := sorted(str(name) for name in sent.keys() - form.fields.keys()):
        raise exceptions.ValidationError({name: [_("This act has no such field.")] for name in unknown})
    if not form.is_valid():
        raise exceptions.ValidationError(
            {
                "non_field_errors" if name == "__all__" else name: [str(error) for error in errors]
                for name, errors in form.errors.items()
            }
        )
    done = act.perform(row, actor=user, data=form.cleaned_data)
    if isinstance(done, HttpResponse):
        raise DomainError(_("This can be done on its page alone."), code="page_only")
    return done


def _typed(sent: Mapping[str, Any]) -> MultiValueDict[str, Any]:
    """Return the values as a form on a page would send them."""
    typed: MultiValueDict[str, Any] = MultiValueDict()
    for name, value in sent.items():
        if value is None or value is False:
            continue
        if isinstance(value, list):
            typed.setlist(str(name), [str(one) for one in value])
        else:
            typed[str(name)] = "on" if value is True else str(value)
    return typed


def _described(act: Act, row: Any, user: Any, reason: Any) -> dict[str, Any]:
    return {
        "name": act.name,
        "label": str(act.label),
        "allowed": reason is None,
        "reason": None if reason is None else str(reason),
        "fields": [_field(name, field) for name, field in _form(act, row, user).fields.items()],
    }


def _field(name: str, field: forms.Field) -> dict[str, Any]:
    kinds: list[tuple[type[forms.Field], str]] = [
        (forms.BooleanField, "boolean"),
        (forms.MultipleChoiceField, "choices"),
        (forms.ModelMultipleChoiceField, "choices"),
        (forms.ChoiceField, "choice"),
        (forms.ModelChoiceField, "choice"),
        (forms.DateTimeField, "moment"),
        (forms.DateField, "date"),
        (forms.IntegerField, "number"),
    ]
    kind = next((word for cls, word in kinds if isinstance(field, cls)), "text")
    choices = []
    if kind in ("choice", "choices") and not isinstance(field, forms.ModelChoiceField):
        choices = [
            {"value": str(value), "label": str(label)}
            for value, label in list(field.choices)[:MOST_CHOICES]  # type: ignore[attr-defined] # a field of choices
            if value not in ("", None)
        ]
    return {
        "name": name,
        "label": str(field.label or name),
        "kind": kind,
        "required": field.required,
        "choices": choices,
    }
