"""What the form's script talks to: one answer or one file at a time, JSON both ways."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.applications.asks import ask, stored
from funding.applications.models import AnswerFile, Application
from funding.applications.services import add_file, remove_file, save_answer
from funding.applications.sheet import Sheet, sheet_of
from funding.applications.typed import check_typist, read_sent
from funding.calls.questions import type_of
from park_portal.core.accounts.models import User
from park_portal.core.errors import Conflict, DomainError
from park_portal.core.views import PortalMixin, refusal, visible_or_404, wants_json

RELATED = ("call", "organisation", "project", "current_stage")


class ApplicationEndpoint(PortalMixin):
    """Finds the application among those the person sees; every answer is JSON when a script asks."""

    application: Application

    @property
    def actor(self) -> User:
        """The person who is signed in: these pages let nobody else in."""
        assert isinstance(self.request.user, User)
        return self.request.user

    def prepare(self) -> None:
        check_typist(self.request)
        rows = Application.objects.visible_to(self.request.user).select_related(*RELATED)
        self.application = visible_or_404(rows, pk=self.kwargs["pk"])

    def state_of(self, sheet: Sheet, **more: Any) -> dict[str, Any]:
        """Return what the page keeps up to date after every save."""
        done, wanted = sheet.progress
        context = {"findings": sheet.findings, "application": self.application, "on_form": True}
        return {
            "saved_at": timezone.localtime().strftime("%H:%M"),
            "asked": sorted(sheet.asked),
            "done": done,
            "wanted": wanted,
            "title": self.application.title,
            "eligibility": render_to_string(
                "funding/applications/_eligibility.html", context, request=self.request
            ),
            **more,
        }


class AnswerEndpoint(ApplicationEndpoint):
    """Save one answer: ``{"raw", "revision"}`` in, the new revision out; 409 with what is stored if stale."""

    def post(self, request: HttpRequest, pk: int, key: str) -> HttpResponse:
        sent = read_sent(request, key=key, too_long=_("This answer is too long to be sent. Shorten it."))
        try:
            answer = save_answer(
                self.application, key, sent.get("raw"), actor=self.actor, revision=sent.get("revision")
            )
        except Conflict as conflict:
            return self.conflict(key, conflict)
        sheet = sheet_of(self.application)
        question = sheet.by_key[key]
        return JsonResponse(
            self.state_of(
                sheet,
                revision=answer.revision,
                raw=type_of(question.kind).raw(answer.value, question.settings),
                problems=[str(problem.message) for problem in sheet.problems_of(key)]
                if answer.value is not None
                else [],
            )
        )

    def conflict(self, key: str, conflict: Conflict) -> HttpResponse:
        sheet = sheet_of(self.application)
        question = sheet.by_key[key]
        answer = conflict.current
        theirs = stored(question, answer, self.actor) if answer is not None else None
        body = {
            "code": "conflict",
            "message": str(conflict),
            "revision": theirs.revision if theirs else 0,
            "raw": type_of(question.kind).raw(answer.value if answer else None, question.settings),
            "text": theirs.text if theirs else "",
            "person": theirs.person if theirs else "",
            "at": theirs.at if theirs else "",
            "own": theirs.own if theirs else False,
        }
        return JsonResponse(body, status=409)


class FileEndpoint(ApplicationEndpoint):
    """Take one file; answers with the question's list of files as HTML."""

    def post(self, request: HttpRequest, pk: int, key: str) -> HttpResponse:
        try:
            upload = request.FILES.get("file")
        except MultiPartParserError:
            upload = None
        if upload is None:
            return refusal(request, DomainError(_("Choose a file first."), code="no_file", field=key))
        add_file(self.application, key, upload, actor=self.actor)
        return self.answer(key)

    def answer(self, key: str) -> HttpResponse:
        if not wants_json(self.request):
            return HttpResponseRedirect(f"{reverse('applications:form', args=[self.application.pk])}#q-{key}")
        sheet = sheet_of(self.application)
        shown = ask(sheet, sheet.by_key[key])
        html = render_to_string(shown.q["widget_template"], {"q": shown.q}, request=self.request)
        return JsonResponse(self.state_of(sheet, files=html))


class RemoveFileEndpoint(FileEndpoint):
    """Take one file out again."""

    def post(self, request: HttpRequest, pk: int, file: int) -> HttpResponse:  # type: ignore[override] # the address names the file
        rows = AnswerFile.objects.filter(application=self.application).select_related(
            "question__question", "application"
        )
        found = visible_or_404(rows, pk=file)
        remove_file(found, actor=self.actor)
        return self.answer(found.question.key)


class Ping(ApplicationEndpoint):
    """Says whether the person is still signed in and may still write: asked before a queue is sent again."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return JsonResponse({"user": request.user.pk})
