"""The call's own texts of notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from funding.calls import building
from funding.calls.admin.builder import BuilderPage
from funding.calls.forms import TextForm
from funding.calls.services import texts_of
from park_portal.core.admin.acts import refuse
from park_portal.core.errors import DomainError
from park_portal.core.outbox.registry import COMMON_FIELDS, KINDS, LANGUAGES
from park_portal.core.outbox.services import preview_notice
from park_portal.core.workflow import may


def kinds_of_call() -> list[Any]:
    """Return the kinds of notices whose text a call may have of its own."""
    return sorted((kind for kind in KINDS.values() if kind.per_call), key=lambda kind: kind.name)


class TextsPage(BuilderPage):
    """Every notice that people get about this call, with whose text it is."""

    name, path = "texts", "<int:pk>/texts/"
    title = gettext_lazy("Notices")
    template_name = "admin/funding/call/texts.html"

    def context(self) -> Mapping[str, Any]:
        own = {text.kind for text in self.object.texts.all()}
        language = get_language() or LANGUAGES[0]
        rows = [
            {
                "kind": kind,
                "own": kind.name in own,
                # With sample values, as the preview shows it.
                "subject": preview_notice(kind.name, {}, language)[0],
            }
            for kind in kinds_of_call()
        ]
        return {**super().context(), "rows": rows}


class TextPage(BuilderPage):
    """One notice's text in both languages, with what people will read beside it."""

    name, path = "text", "<int:pk>/texts/<str:kind>/"
    title = gettext_lazy("Text of a notice")
    template_name = "admin/funding/call/text.html"

    def step(self) -> str:
        return "texts"

    @property
    def kind(self) -> Any:
        found = KINDS.get(self.kwargs["kind"])
        if found is None or not found.per_call:
            raise Http404
        return found

    @property
    def editable(self) -> bool:
        return may(self.request.user, "funding.edit_call_texts", self.object)

    def get_title(self) -> Any:
        return self.kind.label

    def show(self, form: Any, texts: Mapping[str, Mapping[str, str]], **context: Any) -> HttpResponseBase:
        previews, wrong = _previews(self.kind, texts)
        values = {
            "kind": self.kind,
            "fields": list({**COMMON_FIELDS, **self.kind.fields}.items()),
            "previews": previews,
            "wrong": wrong,
            "back": self.address("texts", self.object.pk),
        }
        if self.request.headers.get("X-Part") == "preview":
            return render(self.request, "admin/funding/call/_text_preview.html", values)
        return self.form_page(form, **values, **context)

    def get(self) -> HttpResponseBase:
        texts = texts_of(self.object, self.kind.name) or {}
        values = {
            f"{part}_{code}": (texts.get(part) or {}).get(language, "")
            for part in ("subject", "body")
            for language, code in (("zh-hans", "zh_hans"), ("en", "en"))
        }
        form = TextForm(initial=values)
        for part in ("subject", "body"):
            for language, code in (("zh-hans", "zh_hans"), ("en", "en")):
                field = form.fields[f"{part}_{code}"]
                field.widget.attrs["placeholder"] = getattr(self.kind, part)[language]
        return self.show(form, texts)

    def post(self) -> HttpResponseBase:
        if not self.editable:
            raise Http404
        form = TextForm(self.request.POST)
        if not form.is_valid():
            return self.show(form, {})
        typed = form.cleaned_data
        texts = {
            part: {"zh-hans": typed[f"{part}_zh_hans"], "en": typed[f"{part}_en"]}
            for part in ("subject", "body")
        }
        name, _key = self.do()
        if name == "preview":
            return self.show(form, texts)
        try:
            if name == "reset":
                building.save_text(self.object, self.kind.name, actor=self.request.user)
                return self.redirect(message=_("The portal's own text is used again."))
            building.save_text(self.object, self.kind.name, actor=self.request.user, **typed)
        except DomainError as error:
            return self.show(form, texts, problems=refuse(form, error))
        return self.redirect(message=_("Saved."))


def _previews(kind: Any, texts: Mapping[str, Mapping[str, str]]) -> tuple[list[dict[str, str]], list[str]]:
    """Return what people read in each language, and what is wrong with the text instead."""
    try:
        found = [(language, *preview_notice(kind.name, texts, language)) for language in LANGUAGES]
    except DomainError as error:
        return [], [str(problem.message) for problem in error.problems] or [str(error)]
    names = {"zh-hans": "简体中文", "en": "English"}
    return [
        {
            "language": language,
            "lang": "zh-Hans" if language == "zh-hans" else language,
            "name": names[language],
            "subject": subject,
            "body": body,
        }
        for language, subject, body in found
    ], []
