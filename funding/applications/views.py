"""The applicant's pages: begin, write, check, submit, follow, withdraw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.cache import never_cache

from funding.applications.asks import asks_of
from funding.applications.autosave import ApplicationEndpoint
from funding.applications.forms import WithdrawForm
from funding.applications.models import AnswerFile, Application, Version
from funding.applications.naming import Left, is_double_blind, names_left, names_of
from funding.applications.progress import StepsLine, expected_by, state_line_of, timeline_of
from funding.applications.reading import answers_of, compare_versions, present_form
from funding.applications.receipts import receipt_pdf
from funding.applications.rules import may_apply_some_day
from funding.applications.services import (
    Typed,
    add_file,
    preview_eligibility,
    remove_file,
    save_answers,
    start_application,
    submit_application,
    withdraw_application,
)
from funding.applications.sheet import Sheet, sheet_of
from funding.applications.snapshot import form_of_application
from funding.applications.states import DECIDED, ApplicationState
from funding.applications.typed import KeepsTyped, typist_of
from funding.calls.models import Call
from funding.calls.questions import type_of
from funding.calls.states import ApplicantKind, QuestionKind, RuleKind
from incubator.organisations.models import Organisation
from incubator.projects.models import ResearchProject
from park_portal.core.accounts.models import User
from park_portal.core.due import Due
from park_portal.core.errors import Conflict, DeadlinePassed, DomainError, Forbidden, IllegalTransition
from park_portal.core.frame import Card, NavItem, Task, home_card, register_nav
from park_portal.core.tones import tone_of
from park_portal.core.views import (
    ActPage,
    Column,
    Crumb,
    DetailPage,
    ListPage,
    PortalMixin,
    StateLine,
    visible_or_404,
)
from park_portal.core.workflow import may

NAV = "applications"


# --- the list ------------------------------------------------------------------------------------------------------


class ApplicationFilter(django_filters.FilterSet):
    """What one's own applications are narrowed down by."""

    state = django_filters.ChoiceFilter(label=gettext_lazy("State"), choices=ApplicationState)
    kind = django_filters.ChoiceFilter(label=gettext_lazy("Applicant"), choices=ApplicantKind)
    call = django_filters.ChoiceFilter(label=gettext_lazy("Call"))

    class Meta:
        model = Application
        fields = ("state", "kind", "call")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = self.queryset.order_by().values("call")
        self.filters["call"].extra["choices"] = Call.objects.filter(pk__in=mine).as_choices()


def _title(application: Application) -> str:
    return application.title or _("Untitled application")


def _applicant(application: Application) -> str:
    if application.organisation is not None:
        return application.organisation.name
    return application.project.title if application.project else ""


def _due(application: Application) -> Any:
    """Return the applicant's deadline; while others are at work, by when an answer is expected, in words."""
    if application.state != ApplicationState.IN_REVIEW:
        return application.shown_due
    expected = expected_by(application)
    if expected is None:
        return None
    return _("expected by %(day)s") % {"day": f"{timezone.localtime(expected):%Y-%m-%d}"}


class ApplicationList(ListPage):
    """The applications of the organisations and projects that the person belongs to."""

    model = Application
    title = gettext_lazy("My applications")
    nav = NAV
    lead = gettext_lazy("Applications of your organisations and research projects.")
    columns = (
        Column(
            "title",
            gettext_lazy("Application"),
            _title,
            order="title",
            kind="main",
            url=lambda row: row.get_absolute_url(),
        ),
        Column("number", gettext_lazy("Number"), order="number", kind="code"),
        Column("call", gettext_lazy("Call"), "call.title"),
        Column("applicant", gettext_lazy("Applicant"), "applicant_line"),
        Column("state", gettext_lazy("State"), lambda row: row, kind="state"),
        Column("due", gettext_lazy("Due"), _due, kind="deadline"),
        Column("updated_at", gettext_lazy("Last change"), order="updated_at", kind="date"),
    )
    fields = (
        *("kind", "title", "number", "state", "due_at", "updated_at"),
        *("call__title_zh_hans", "call__title_en", "call__closes_at", "call__grace_minutes"),
        *("organisation__name_zh_hans", "organisation__name_en"),
        *("project__principal_investigator", "project__institution_text"),
        *("project__university__name_zh_hans", "project__university__name_en"),
        *("project__faculty__name_zh_hans", "project__faculty__name_en"),
    )
    default_order = "-updated_at"
    filterset = ApplicationFilter
    search_in = ("number", "title", "call__title_zh_hans", "call__title_en", "call__code")
    search_label = gettext_lazy("Number, title or call")
    empty_title = gettext_lazy("No application yet")
    empty_text = gettext_lazy("Open calls are listed on their own page; each says who may apply.")

    def rows(self) -> models.QuerySet[Application]:
        rows = Application.objects.of_applicant(self.request.user)
        rows = rows.select_related("call", "organisation", "project__university", "project__faculty")
        return rows.prefetch_related("extensions")

    def empty_action(self) -> tuple[Any, str] | None:
        return gettext_lazy("See the open calls"), reverse("calls:list")


# --- beginning -----------------------------------------------------------------------------------------------------


class StartPage(PortalMixin):
    """Choose who applies, see whether the conditions are met, begin."""

    template_name = "funding/applications/start.html"
    nav = "calls"
    call: Call

    @property
    def actor(self) -> User:
        assert isinstance(self.request.user, User)
        return self.request.user

    def prepare(self) -> None:
        rows = Call.objects.visible_to(self.request.user).select_related("fund")
        code = str(self.kwargs["code"]).replace("\x00", "")
        self.call = visible_or_404(rows, code=code)

    def get_title(self) -> str:
        return _("Apply to %(call)s") % {"call": self.call.title}

    def get_crumbs(self) -> Sequence[Crumb]:
        return (
            Crumb(_("Calls"), reverse("calls:list")),
            Crumb(self.call.title, self.call.get_absolute_url()),
            Crumb(pgettext("call", "Apply")),
        )

    def applicants(self) -> list[dict[str, Any]]:
        """Return each organisation and project of the person: whether they may write for it, and the findings."""
        user, found = self.request.user, []
        begun: dict[tuple[Any, Any], list[Application]] = {}
        for one in Application.objects.of_applicant(user).filter(call=self.call).order_by("-pk"):
            if one.state != ApplicationState.WITHDRAWN:
                place = one.organisation_id, one.project_id
                if one.kind == ApplicantKind.PROJECT:
                    place = None, one.project_id
                begun.setdefault(place, []).append(one)
        if ApplicantKind.ORGANISATION in self.call.applicants:
            for organisation in Organisation.objects.of_member(user).in_use():
                found.append(
                    self._entry(
                        f"organisation-{organisation.pk}", organisation, begun, organisation=organisation
                    )
                )
        if ApplicantKind.PROJECT in self.call.applicants:
            for project in ResearchProject.objects.of_member(user).select_related("university"):
                found.append(self._entry(f"project-{project.pk}", project, begun, project=project))
        return found

    def _entry(
        self, value: str, applicant: Any, begun: dict[tuple[Any, Any], list[Application]], **who: Any
    ) -> dict[str, Any]:
        place = (
            who["organisation"].pk if "organisation" in who else None,
            who["project"].pk if "project" in who else None,
        )
        findings = preview_eligibility(self.call, **who)
        earlier = begun.get(place, [])
        draft = next((one for one in earlier if one.state == ApplicationState.DRAFT), None)
        may_write = may(self.request.user, "funding.start_application", applicant)
        # What the limit of the call refuses when it is begun is not offered.
        is_used_up = any(
            finding.rule.kind == RuleKind.MAX_APPLICATIONS and finding.met is False for finding in findings
        )
        return {
            "value": value,
            "name": applicant.name if "organisation" in who else applicant.title,
            "detail": (applicant.uscc or "")
            if "organisation" in who
            else f"{applicant.code} · {applicant.institution}",
            "is_project": "project" in who,
            "may_write": may_write,
            "may_start": may_write and self.call.takes_new_drafts() and not is_used_up,
            "is_used_up": is_used_up,
            "findings": findings,
            "unmet": sum(1 for finding in findings if finding.met is False),
            "draft": draft,
            "sent": [one for one in earlier if one.state != ApplicationState.DRAFT],
        }

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        return self.show()

    def show(self, problem: str = "", status: int = 200) -> HttpResponse:
        applicants = self.applicants()
        choosable = [entry for entry in applicants if entry["may_start"]]
        chosen = self.request.POST.get("applicant") or self.request.GET.get("applicant") or ""
        if not chosen and len(choosable) == 1:
            chosen = choosable[0]["value"]
        return self.render(
            status=status,
            call=self.call,
            applicants=applicants,
            choosable=choosable,
            chosen=chosen,
            problem=problem,
            is_open=self.call.takes_new_drafts(),
            is_coming=timezone.now() < self.call.opens_at,
            is_over=timezone.now() >= self.call.closes_at,
            takes_organisations=ApplicantKind.ORGANISATION in self.call.applicants,
            takes_projects=ApplicantKind.PROJECT in self.call.applicants,
            here=self.request.path,
            takes=[label for value, label in ApplicantKind.choices if value in self.call.applicants],
        )

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        kind, _dash, number = request.POST.get("applicant", "").partition("-")
        who: dict[str, Any] = {}
        # Foreign numbers are as unknown as those that do not exist.
        if number.isascii() and number.isdecimal() and len(number) < 19:
            if kind == "organisation":
                who["organisation"] = Organisation.objects.of_member(request.user).filter(pk=number).first()
            elif kind == "project":
                who["project"] = ResearchProject.objects.of_member(request.user).filter(pk=number).first()
        if not any(who.values()):
            return self.show(_("Choose who applies."), status=422)
        try:
            application = start_application(self.call, actor=self.actor, **who)
        except Forbidden:
            raise
        except DomainError as error:
            return self.show(str(error), status=409 if error.status == 409 else 422)
        return HttpResponseRedirect(reverse("applications:form", args=[application.pk]))


# --- one application -----------------------------------------------------------------------------------------------


class ApplicationMixin(ApplicationEndpoint):
    """A page about one application that the person sees."""

    nav = NAV

    def permission_object(self) -> models.Model:
        return self.application

    def get_crumbs(self) -> Sequence[Crumb]:
        return (
            Crumb(_("My applications"), reverse("applications:list")),
            Crumb(self.application.number or _title(self.application), self.application.get_absolute_url()),
            Crumb(self.get_title()),
        )

    def get_context(self, **context: Any) -> dict[str, Any]:
        return super().get_context(
            application=self.application,
            call=self.application.call,
            applicant=_applicant(self.application),
            **context,
        )


# Going back must ask the server: the answers may have been saved since, one by one.
@method_decorator(never_cache, name="dispatch")
class FormPage(KeepsTyped, ApplicationMixin):
    """The form. A script saves each answer as it is typed; without one a click saves them all, answer by answer."""

    template_name = "funding/applications/form.html"

    def get_title(self) -> str:
        return _title(self.application)

    def get_crumbs(self) -> Sequence[Crumb]:
        return (*super().get_crumbs()[:2], Crumb(pgettext("application", "Fill in")))

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not may(request.user, "funding.edit_application", self.application):
            return HttpResponseRedirect(self.application.get_absolute_url())
        return self.show(sheet_of(self.application))

    def show(self, sheet: Sheet, *, status: int = 200, **context: Any) -> HttpResponse:
        until = self.application.submit_until()
        done, wanted = sheet.progress
        named = {name: context.pop(name, None) for name in ("problems", "typed", "conflicts")}
        return self.render(
            status=status,
            sheet=sheet,
            sections=asks_of(sheet, reader=self.request.user, **named),
            findings=sheet.findings,
            until=until,
            is_over=until is None or until <= timezone.now(),
            done=done,
            wanted=wanted,
            returned=sheet.returned,
            state_line=state_line_of(self.application, self.request.user, until=until),
            listed=_listed(sheet, named["problems"] or {}),
            typist=typist_of(self.actor),
            conflict_count=len(named["conflicts"] or ()),
            **context,
        )

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save everything that was typed: each answer on its own, so that one that is refused keeps none back."""
        sheet = sheet_of(self.application)
        take = request.POST.get("take", "")
        problems: dict[str, list[str]] = {}
        sent: dict[str, Typed] = {}
        typed: dict[str, Any] = {}
        conflicts: dict[str, Any] = {}
        stopped: DomainError | None = None
        for question in sheet.questions:
            key = question.key
            if key not in sheet.open_keys or key == take:
                continue
            if question.kind == QuestionKind.FILES:
                self._take_files(key, problems)
            elif f"revision-{key}" in request.POST:
                sent[key] = Typed(
                    type_of(question.kind).from_post(request.POST, key), _revision(request, key)
                )
        try:
            outcome = save_answers(self.application, sent, actor=self.actor) if sent else {}
        except (Forbidden, IllegalTransition, DeadlinePassed) as error:
            stopped, typed = error, {key: one.raw for key, one in sent.items()}
        else:
            for key, saved in outcome.items():
                if isinstance(saved, Conflict):
                    conflicts[key] = saved.current
                elif isinstance(saved, DomainError):
                    problems[key] = [str(saved)]
            typed = {key: one.raw for key, one in sent.items() if key in conflicts or key in problems}
        self._remove_file(problems)
        self.application.refresh_from_db()
        if stopped is None and not problems and not conflicts:
            if request.POST.get("next") == "check":
                return HttpResponseRedirect(reverse("applications:check", args=[pk]))
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(f"{request.path}{_anchor(request)}")
        sheet = sheet_of(self.application)
        if stopped is not None and not sheet.open_keys:
            # Nothing can be written any more: show what was typed, to be copied, instead of losing it.
            sheet.__dict__["open_keys"] = set(typed)
        return self.show(
            sheet,
            status=409 if conflicts or stopped else 422,
            problems=problems,
            typed=typed,
            conflicts=conflicts,
            stopped=str(stopped) if stopped else "",
        )

    def _take_files(self, key: str, problems: dict[str, list[str]]) -> None:
        for upload in self.request.FILES.getlist(key):
            try:
                add_file(self.application, key, upload, actor=self.actor)
            except DomainError as error:
                problems.setdefault(key, []).append(str(error))

    def _remove_file(self, problems: dict[str, list[str]]) -> None:
        number = self.request.POST.get("remove", "")
        if not (number.isascii() and number.isdecimal() and len(number) < 19):
            return
        rows = AnswerFile.objects.filter(application=self.application).select_related(
            "question__question", "application"
        )
        file = rows.filter(pk=number).first()
        if file is None:
            raise Http404
        try:
            remove_file(file, actor=self.actor)
        except DomainError as error:
            problems.setdefault(file.question.key, []).append(str(error))


def _listed(sheet: Sheet, problems: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    """The refused answers as (key, question, message), for the list on top."""
    return [(key, sheet.by_key[key].label, message) for key, found in problems.items() for message in found]


def _revision(request: HttpRequest, key: str) -> int:
    text = request.POST.get(f"revision-{key}", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _anchor(request: HttpRequest) -> str:
    place = request.POST.get("section", "")
    return f"#section-{place}" if place.isascii() and place.isdecimal() else ""


@method_decorator(never_cache, name="dispatch")
class CheckPage(ApplicationMixin):
    """What is still missing, each with a link; else what will be submitted, and the button."""

    template_name = "funding/applications/check.html"
    permission = "funding.edit_application"

    def get_title(self) -> str:
        return _("Check and submit")

    def check(self) -> None:
        # Once it is submitted, whoever comes back here by a second click sees where it stands.
        if self.application.is_editable:
            super().check()

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.application.is_editable:
            return HttpResponseRedirect(self.application.get_absolute_url())
        return self.show()

    def show(self, *, error: DomainError | None = None, status: int = 200) -> HttpResponse:
        sheet = sheet_of(self.application)
        until = self.application.submit_until()
        return self.render(
            status=status,
            sheet=sheet,
            problems=self._links(sheet),
            findings=sheet.findings,
            sections=answers_of(self.application)
            if self.application.submitted_at is None
            else self._typed(sheet),
            names=self._names(sheet),
            until=until,
            is_over=until is None or until <= timezone.now(),
            version=self.application.versions.count() + 1,
            error=error,
        )

    def _names(self, sheet: Sheet) -> list[Left]:
        """Return where reviewers who must not know who applies would read it: a warning, nothing that hinders."""
        if not is_double_blind(self.application):
            return []
        form = form_of_application(self.application, sheet.sections, sheet.asked)
        return names_left(form, sheet.asked_answers, names_of(self.application, form, sheet.asked_answers))

    def _typed(self, sheet: Sheet) -> list[dict[str, Any]]:
        form = form_of_application(self.application, sheet.sections, sheet.asked)
        return present_form(form, sheet.asked_answers)

    def _links(self, sheet: Sheet) -> list[dict[str, str]]:
        form = reverse("applications:form", args=[self.application.pk])
        links = []
        for problem in sheet.problems:
            anchor = problem.anchor or ""
            label = sheet.by_key[problem.field].label if problem.field in sheet.by_key else ""
            url = f"{form}{anchor}" if anchor.startswith("#") else anchor or form
            links.append({"label": label, "message": str(problem.message), "url": url})
        return links

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        text = request.POST.get("version", "")
        version = int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else None
        try:
            made = submit_application(self.application, actor=self.actor, version=version)
        except Forbidden:
            raise
        except DomainError as error:
            return self.show(error=error, status=409 if error.status == 409 else 422)
        return HttpResponseRedirect(f"{self.application.get_absolute_url()}?submitted={made.number}")


class ApplicationPage(ApplicationMixin, DetailPage):
    """Where an application stands, what was submitted, what happened."""

    template_name = "funding/applications/detail.html"
    permission = "funding.view_application_page"

    def prepare(self) -> None:
        super().prepare()
        self.object = self.application

    def get_title(self) -> str:
        return _title(self.application)

    def get_crumbs(self) -> Sequence[Crumb]:
        return (
            Crumb(_("My applications"), reverse("applications:list")),
            Crumb(self.application.number or _title(self.application)),
        )

    def state_line(self) -> StateLine:
        return state_line_of(self.application, self.request.user)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        application, user = self.application, request.user
        versions = list(application.versions.select_related("submitted_by").order_by("-number"))
        is_member = application.role_of(user) is not None
        open_return = application.open_return if is_member else None
        until = application.submit_until()
        return self.render(
            versions=versions,
            sections=answers_of(versions[0] if versions else application),
            findings=None if versions else sheet_of(application).findings,
            eligibility=versions[0].form.get("eligibility", {}) if versions else {},
            returned=open_return,
            items=list(open_return.items.select_related("question__question")) if open_return else [],
            steps=StepsLine.of(application),
            timeline=timeline_of(application, for_applicant=is_member and not user.is_staff),
            is_member=is_member,
            may_edit=may(user, "funding.edit_application", application),
            may_withdraw=is_member and _may_withdraw(application, user),
            until=until,
            is_over=until is not None and until <= timezone.now(),
            has_outcome=application.state in DECIDED,
            just_submitted=bool(versions) and request.GET.get("submitted") == str(versions[0].number),
        )


def _may_withdraw(application: Application, user: Any) -> bool:
    return any(t.name == "withdraw" for t in Application.machine.available(application, user))


class ReceiptPage(ApplicationMixin):
    """Sends the receipt of a version; it is made now if the worker has not come to it yet."""

    permission = "funding.view_application_page"

    def get(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        version = visible_or_404(self.application.versions.select_related("application__call"), number=number)
        return HttpResponseRedirect(reverse("document", args=[receipt_pdf(version).public_id]))


class VersionMixin(ApplicationMixin):
    """A page about one version."""

    permission = "funding.view_application_page"
    version: Version

    def prepare(self) -> None:
        super().prepare()
        rows = self.application.versions.select_related("submitted_by")
        self.version = visible_or_404(rows, number=self.kwargs["number"])


class VersionPage(VersionMixin):
    """What was submitted as one version."""

    template_name = "funding/applications/version.html"

    def get_title(self) -> str:
        return _("Version %(number)d") % {"number": self.version.number}

    def get(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        return self.render(version=self.version, sections=answers_of(self.version))


class ChangesPage(VersionMixin):
    """What changed from the version before to this one."""

    template_name = "funding/applications/changes.html"

    def get_title(self) -> str:
        return _("Changes in version %(number)d") % {"number": self.version.number}

    def get(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        before = visible_or_404(self.application.versions.all(), number=self.version.number - 1)
        changes = compare_versions(before, self.version)
        return self.render(
            version=self.version,
            before=before,
            changes=[change for change in changes if change.kind != "same"],
            same=sum(1 for change in changes if change.kind == "same"),
        )


class WithdrawPage(ApplicationMixin, ActPage):
    """Withdraw for good, after being asked."""

    permission = "funding.withdraw_application"
    form_class = WithdrawForm
    title = gettext_lazy("Withdraw the application")
    explain = gettext_lazy("A withdrawn application is not reviewed and cannot be taken up again.")
    submit_label = gettext_lazy("Withdraw")
    submit_tone = "danger"
    success = gettext_lazy("The application was withdrawn.")

    def prepare(self) -> None:
        super().prepare()
        self.object = self.application

    def check(self) -> None:
        super().check()
        if not _may_withdraw(self.application, self.request.user):
            raise IllegalTransition

    def form_kwargs(self) -> dict[str, Any]:
        return {"submitted": self.application.submitted_at is not None}

    def act(self, form: Any) -> Application:
        return withdraw_application(self.application, actor=self.actor, **form.cleaned_data)


# --- menu and home -------------------------------------------------------------------------------------------------

register_nav(
    NavItem(
        NAV,
        gettext_lazy("My applications"),
        "applications:list",
        order=20,
        show=lambda user: not user.is_staff and may_apply_some_day(user),
    )
)


@home_card(order=10)
def applications_due(user: Any) -> Card | None:
    """Drafts and returned applications that wait for the person's side, the most urgent first; then the others."""
    if user.is_staff:
        return None
    rows = list(
        Application.objects.of_applicant(user)
        .select_related("call")
        .prefetch_related("extensions")
        .order_by("-updated_at")[:30]
    )
    if not rows:
        return None
    now = timezone.now()
    waiting = [row for row in rows if row.is_editable and row.shown_due and row.shown_due > now]
    waiting.sort(key=lambda row: row.shown_due or now)
    others = [row for row in rows if row not in waiting]
    tasks = [
        Task(
            _title(row),
            reverse("applications:form", args=[row.pk]),
            due=row.shown_due,
            detail=_("Change and submit again")
            if row.state == ApplicationState.RETURNED
            else _("Finish and submit"),
            state=row.get_state_display(),
            tone=tone_of(row),
        )
        for row in waiting[:6]
    ]
    tasks += [
        Task(
            _title(row),
            row.get_absolute_url(),
            detail=row.number or row.call.title,
            state=row.get_state_display(),
            tone=tone_of(row),
            mine=False,
        )
        for row in others[: max(0, 6 - len(tasks))]
    ]
    return Card(
        _("My applications"),
        tasks,
        more_url=reverse("applications:list"),
        more_label=_("All my applications"),
        due=Due.of((row.shown_due for row in waiting if row.shown_due), now),
    )
