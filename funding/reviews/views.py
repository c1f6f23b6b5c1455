"""The portal's pages of review: the university's queue, the reviewer's invitations and reviews, the public notice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import django_filters
from django.contrib import messages
from django.core.cache import cache
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.cache import never_cache
from redis.exceptions import RedisError

from funding.applications.models import Application
from funding.applications.rules import is_reviewer
from funding.applications.typed import KeepsTyped, check_typist, read_sent, typist_of
from funding.calls.models import Call
from funding.calls.states import Acts, ApplicantKind, StageKind
from funding.reviews.forms import DeclineForm, ObjectionForm, OpinionForm, ProfileForm, RecuseForm
from funding.reviews.models import Review, Reviewer, StageRun
from funding.reviews.pages import latest_versions, page_of_run
from funding.reviews.reading import answers_for_reviewer, applicant_of, brief_of, latest_version
from funding.reviews.rubric import fields_of, page_of, progress_of
from funding.reviews.services import (
    accept_review,
    act_in_stage,
    decline_review,
    problems_of,
    record_objection,
    recuse,
    save_field,
    score_of_draft,
    submit_review,
    update_reviewer,
)
from funding.reviews.states import ReviewState, RunState
from incubator.organisations.facts import is_liaison_today
from park_portal.core import context as act
from park_portal.core.due import Due, DueFilter
from park_portal.core.errors import Conflict, DomainError, Forbidden, IllegalTransition
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

REVIEWS, QUEUE = "reviews", "queue"
OBJECTIONS_AN_HOUR = 5
FAR: Any = models.Value(datetime(2200, 1, 1, tzinfo=UTC))
# What a reviewer has still to answer or to write.
TO_DO = (ReviewState.ASSIGNED, ReviewState.ACCEPTED)


register_nav(NavItem("notices", gettext_lazy("Public notices"), "reviews:notices", order=15, public=True))
register_nav(
    NavItem(QUEUE, gettext_lazy("University review"), "reviews:queue", order=30, show=is_liaison_today)
)
register_nav(NavItem(REVIEWS, gettext_lazy("My reviews"), "reviews:list", order=32, show=is_reviewer))


# --- the university's queue ------------------------------------------------------------------------------------------


class QueueFilter(django_filters.FilterSet):
    """What the queue is narrowed down by; without a choice it shows what waits."""

    state = django_filters.ChoiceFilter(label=gettext_lazy("State"), choices=RunState)
    call = django_filters.ChoiceFilter(label=gettext_lazy("Call"), field_name="application__call")
    due = DueFilter(label=gettext_lazy("Due"), field_name="due_at")

    class Meta:
        model = StageRun
        fields = ("state", "call")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = self.queryset.order_by().values("application__call")
        self.filters["call"].extra["choices"] = Call.objects.filter(pk__in=mine).as_choices()

    def filter_queryset(self, queryset: models.QuerySet[StageRun]) -> models.QuerySet[StageRun]:
        rows = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data.get("state") else rows.filter(state=RunState.ACTIVE)


def own_runs(user: Any) -> models.QuerySet[StageRun]:
    """Return the liaison stages of the person's university or faculties; staff work in the admin."""
    rows = StageRun.objects.visible_to(user).filter(stage__acts=Acts.LIAISON)
    return rows.select_related("stage", "application__call", "application__project__faculty")


class QueueList(ListPage):
    """What waits for the university's opinion, due first."""

    model = StageRun
    title = gettext_lazy("University review")
    nav = QUEUE
    lead = gettext_lazy("Applications of your university's projects that wait for its opinion.")
    columns = (
        Column(
            "title",
            gettext_lazy("Application"),
            "application.title",
            kind="main",
            url=lambda run: reverse("reviews:act", args=[run.pk]),
        ),
        Column(
            "number", gettext_lazy("Number"), "application.number", order="application__number", kind="code"
        ),
        Column(
            "project", gettext_lazy("Principal investigator"), "application.project.principal_investigator"
        ),
        Column("faculty", gettext_lazy("Faculty"), "application.project.faculty"),
        Column("call", gettext_lazy("Call"), "application.call.title"),
        Column("state", gettext_lazy("State"), lambda run: run, kind="state"),
        Column(
            "due",
            gettext_lazy("Due"),
            lambda run: run.due_at if run.state == "active" else None,
            order="due_at",
            kind="deadline",
        ),
    )
    default_order = "due_at"
    filterset = QueueFilter
    search_in = ("application__number", "application__title", "application__project__principal_investigator")
    search_label = gettext_lazy("Number, title or principal investigator")
    empty_title = gettext_lazy("Nothing waits for you")
    empty_text = gettext_lazy(
        "When a project of your university applies, it appears here and you get a mail."
    )

    def check(self) -> None:
        if not is_liaison_today(self.request.user):
            raise Http404

    def rows(self) -> models.QuerySet[StageRun]:
        return own_runs(self.request.user)


class QueuePage(DetailPage):
    """One application as the liaison sees it: answers, project, what changed, and the opinion to give."""

    model = StageRun
    nav = QUEUE
    template_name = "funding/reviews/queue_detail.html"
    object: StageRun

    def rows(self) -> models.QuerySet[StageRun]:
        return own_runs(self.request.user).select_related(
            "application__project__university", "application__organisation", "application__current_stage"
        )

    def get_title(self) -> str:
        return self.object.application.title

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("University review"), reverse("reviews:queue")), Crumb(
            self.object.application.number or ""
        )

    def state_line(self) -> StateLine:
        run = self.object
        yours = run.state == RunState.ACTIVE
        return StateLine(
            run.get_state_display(),
            {"active": "info", "paused": "wait", "passed": "good", "rejected": "bad"}.get(
                run.state, "neutral"
            ),
            turn=_("you") if yours else "",
            is_you=yours,
            due=run.due_at if yours else run.application.due_at if run.state == RunState.PAUSED else None,
            next_step=_("endorse, return or object") if yours else "",
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show()

    def show(self, form: OpinionForm | None = None, status: int = 200) -> HttpResponse:
        return self.render(status=status, **page_of_run(self.object, form))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        versions = latest_versions(self.object.application)
        form = OpinionForm(request.POST, run=self.object, form=versions[0].form if versions else None)
        if not form.is_valid():
            return self.show(form, status=422)
        try:
            act_in_stage(self.object, actor=self.request.user, **form.facts())
        except Forbidden:
            raise
        except DomainError as error:
            form.take(error)
            self.object.refresh_from_db()
            return self.show(form, status=409 if error.status == 409 or error.code == "already_done" else 422)
        messages.success(request, _("Thank you. Your opinion is recorded and the application moves on."))
        return HttpResponseRedirect(reverse("reviews:act", args=[pk]))


# --- reviewers -------------------------------------------------------------------------------------------------------


class ReviewFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("State"), choices=ReviewState)
    due = DueFilter(label=gettext_lazy("Due"), field_name="due_at")

    class Meta:
        model = Review
        fields = ("state",)

    def filter_queryset(self, queryset: models.QuerySet[Review]) -> models.QuerySet[Review]:
        rows = super().filter_queryset(queryset)
        return rows.filter(state__in=TO_DO) if self.form.cleaned_data.get("due") else rows


def own_reviews(user: Any) -> models.QuerySet[Review]:
    """Return what the person was asked to review; opinions given from a queue are not among them."""
    return Review.objects.filter(reviewer_id=user.pk, run__stage__acts=Acts.EXPERT).select_related(
        "application__call", "run__stage"
    )


class ReviewList(ListPage):
    """A reviewer's invitations, drafts and past reviews."""

    model = Review
    title = gettext_lazy("My reviews")
    nav = REVIEWS
    columns = (
        Column(
            "title",
            gettext_lazy("Application"),
            "application.title",
            kind="main",
            url=lambda review: review.get_absolute_url(),
        ),
        Column(
            "number", gettext_lazy("Number"), "application.number", order="application__number", kind="code"
        ),
        Column("call", gettext_lazy("Call"), "application.call.title"),
        Column("state", gettext_lazy("State"), lambda review: review, kind="state"),
        Column(
            "due",
            gettext_lazy("Due"),
            lambda review: review.due_at if review.is_open else None,
            order="due_at",
            kind="deadline",
        ),
        Column("score", gettext_lazy("Score"), "score", kind="number"),
    )
    default_order = "urgency"
    filterset = ReviewFilter
    search_in = ("application__number", "application__title")
    search_label = gettext_lazy("Number or title")
    empty_title = gettext_lazy("No reviews yet")
    empty_text = gettext_lazy("When you are asked for a review it appears here and you get a mail.")

    def rows(self) -> models.QuerySet[Review]:
        # What is to do stands first, by its deadline; then what is over, the newest first.
        over = models.ExpressionWrapper(
            FAR + (FAR - models.F("assigned_at")), output_field=models.DateTimeField()
        )
        urgency = models.Case(models.When(state__in=TO_DO, then=models.F("due_at")), default=over)
        return own_reviews(self.request.user).annotate(urgency=urgency)

    def actions(self) -> Sequence[tuple[Any, str]]:
        if is_reviewer(self.request.user):
            return [(gettext_lazy("My reviewer profile"), reverse("reviews:profile"))]
        return ()

    def empty_action(self) -> None:
        return None


class ReviewMixin(PortalMixin):
    """A page about one review of one's own."""

    nav = REVIEWS
    object: Review

    def prepare(self) -> None:
        check_typist(self.request)
        rows = (
            own_reviews(self.request.user)
            # The applicant, one of two wide tables, is fetched where it is shown: a blind stage never does.
            .prefetch_related("scores", "run__stage__criteria")
        )
        self.object = visible_or_404(rows, pk=self.kwargs["pk"])
        self.object.run.application = self.object.application
        self.object.reviewer = self.request.user

    def get_title(self) -> str:
        return self.object.application.title

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("My reviews"), reverse("reviews:list")), Crumb(self.object.application.number or "")

    def state_line(self) -> StateLine:
        review = self.object
        steps = {
            ReviewState.ASSIGNED: _("accept, decline or declare a conflict"),
            ReviewState.ACCEPTED: _("write and submit"),
        }
        return StateLine(
            review.get_state_display(),
            tone_of(review),
            turn=_("you") if review.is_open else "",
            is_you=review.is_open,
            due=review.due_at if review.is_open else None,
            next_step=steps.get(ReviewState(review.state), ""),
        )

    def get_context(self, **context: Any) -> dict[str, Any]:
        review = self.object
        return super().get_context(
            **{
                "review": review,
                "application": review.application,
                "stage": review.run.stage,
                "call": review.application.call,
                "state_line": self.state_line(),
                **context,
            }
        )


# Going back must ask the server: the fields may have been saved since, one by one.
@method_decorator(never_cache, name="dispatch")
class ReviewPage(KeepsTyped, ReviewMixin):
    """An invitation, a review being written, or one that was submitted: what the reviewer may see depends on it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.show()

    def show(self, status: int = 200, **context: Any) -> HttpResponse:
        review = self.object
        if review.state == ReviewState.ASSIGNED:
            brief = brief_of(review, latest_version(review.application))
            return self.render("funding/reviews/invitation.html", status=status, brief=brief)
        if review.state in (ReviewState.ACCEPTED, ReviewState.SUBMITTED):
            named = {name: context.pop(name, None) for name in ("problems", "typed", "conflicts")}
            parts, is_written = fields_of(review), review.state == ReviewState.ACCEPTED
            done, wanted = progress_of(parts)
            version = latest_version(review.application)
            return self.render(
                "funding/reviews/review.html",
                status=status,
                applicant=applicant_of(review),
                answers=answers_for_reviewer(review, version),
                sections=page_of(
                    review,
                    parts,
                    problems=named["problems"],
                    typed=named["typed"],
                    conflicts=named["conflicts"] or (),
                ),
                is_written=is_written,
                done=done,
                wanted=wanted,
                score=review.score if review.state == ReviewState.SUBMITTED else score_of_draft(review),
                fields=[] if is_written else [field for _part, fields in parts for field in fields],
                conflict_count=len(named["conflicts"] or ()),
                typist=typist_of(self.request.user),
                **context,
            )
        return self.render("funding/reviews/over.html", status=status)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save everything on the page, field by field, so that one that is refused keeps none back."""
        take = request.POST.get("take", "")
        problems: dict[str, list[str]] = {}
        typed: dict[str, Any] = {}
        conflicts: list[str] = []
        stopped = ""
        for _part, fields in fields_of(self.object):
            for field in fields:
                revision = _revision(request, field.key)
                if revision is None or field.key == take:
                    continue
                raw = field.from_post(request.POST)
                try:
                    # Each save raises the revision by itself; what counts is the one the page was made with.
                    save_field(self.object, field.key, raw, actor=self.request.user, revision=revision)
                except Conflict:
                    conflicts.append(field.key)
                    typed[field.key] = raw
                except (Forbidden, IllegalTransition) as error:
                    stopped = str(error)
                except DomainError as error:
                    problems[field.key], typed[field.key] = [str(error)], raw
        self.prepare()
        if stopped:
            messages.error(request, stopped)
            return self.show(status=409)
        if problems or conflicts:
            return self.show(
                status=409 if conflicts else 422, problems=problems, typed=typed, conflicts=conflicts
            )
        if request.POST.get("next") == "check":
            return HttpResponseRedirect(reverse("reviews:submit", args=[pk]))
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(self.object.get_absolute_url())


def _revision(request: HttpRequest, key: str) -> int | None:
    text = request.POST.get(f"revision-{key}", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


class FieldEndpoint(ReviewMixin):
    """Save one field as it is typed: ``{"raw", "revision"}`` in, as an application's answers are saved."""

    def post(self, request: HttpRequest, pk: int, key: str) -> HttpResponse:
        sent = read_sent(request, key=key, too_long=_("This text is too long to be sent. Shorten it."))
        try:
            review = save_field(
                self.object,
                key,
                sent.get("raw"),
                actor=self.request.user,
                revision=sent.get("revision"),
            )
        except Conflict as conflict:
            return self.conflict(key, conflict)
        field = self.field(review, key)
        parts = fields_of(review)
        done, wanted = progress_of(parts)
        score = score_of_draft(review)
        return JsonResponse(
            {
                "saved_at": timezone.localtime().strftime("%H:%M"),
                "revision": review.revision,
                "raw": field.raw(),
                "problems": [],
                "asked": [one.key for _part, fields in parts for one in fields],
                "done": done,
                "wanted": wanted,
                # The form's script puts what hangs on all answers here: an application's conditions, a review's score.
                "eligibility": render_to_string(
                    "funding/reviews/_score.html", {"score": score}, request=request
                ),
            }
        )

    def field(self, review: Review, key: str) -> Any:
        return next(field for _part, fields in fields_of(review) for field in fields if field.key == key)

    def conflict(self, key: str, conflict: Conflict) -> HttpResponse:
        self.prepare()
        review = self.object
        field = self.field(review, key)
        body = {
            "code": "conflict",
            "message": str(conflict),
            "revision": review.revision,
            "raw": field.raw(),
            "text": field.text(),
            "person": str(review.reviewer),
            "own": True,
            "at": timezone.localtime(review.updated_at).strftime("%H:%M"),
        }
        return JsonResponse(body, status=409)


class Ping(ReviewMixin):
    """Says who is signed in: asked before what was typed meanwhile is sent again."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return JsonResponse({"user": request.user.pk})


class AcceptPage(ReviewMixin):
    """One click: no conflict, confidential, by the deadline."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        accept_review(self.object, actor=self.request.user)
        messages.success(request, _("Accepted. What you type is saved by itself; submit when you are done."))
        return HttpResponseRedirect(self.object.get_absolute_url())

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return HttpResponseRedirect(self.object.get_absolute_url())


class _AnswerPage(ReviewMixin, ActPage):
    """Step back from a review with a word why."""

    template_name = "generic/act.html"
    submit_tone = "danger"

    def prepare(self) -> None:
        ReviewMixin.prepare(self)

    def success_url(self) -> str:
        return reverse("reviews:list")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.object.is_open:
            return HttpResponseRedirect(self.object.get_absolute_url())
        return super().get(request, *args, **kwargs)


class DeclinePage(_AnswerPage):
    form_class = DeclineForm
    submit_label = gettext_lazy("Decline the review")
    explain = gettext_lazy(
        "Thank you for telling us. Someone else will be asked; a review already begun is not used."
    )
    success = gettext_lazy("Declined. Thank you for answering.")

    def get_title(self) -> str:
        return _("Decline: %(title)s") % {"title": self.object.application.title}

    def act(self, form: DeclineForm) -> Review:
        return decline_review(self.object, actor=self.request.user, reason=form.cleaned_data["reason"])


class RecusePage(_AnswerPage):
    form_class = RecuseForm
    submit_label = gettext_lazy("Declare the conflict")
    explain = gettext_lazy(
        "A conflict of interest is nothing to be ashamed of; saying so is good practice. It is kept for this "
        "applicant, and you will not be asked about it again."
    )
    success = gettext_lazy("Your conflict of interest is recorded. Thank you.")

    def get_title(self) -> str:
        return _("Conflict of interest: %(title)s") % {"title": self.object.application.title}

    def act(self, form: RecuseForm) -> Review:
        return recuse(self.object, actor=self.request.user, **form.cleaned_data)


@method_decorator(never_cache, name="dispatch")
class SubmitPage(ReviewMixin):
    """What is still missing, each with a link; else the review once more, the pledge and the button."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        if self.object.state != ReviewState.ACCEPTED:
            return HttpResponseRedirect(self.object.get_absolute_url())
        return self.show()

    def show(self, status: int = 200, **context: Any) -> HttpResponse:
        review = self.object
        parts = [
            (title, [(field.label, field.text()) for field in fields if field.value not in (None, "", False)])
            for title, fields in fields_of(review)
        ]
        return self.render(
            "funding/reviews/submit.html",
            status=status,
            title=_("Check and submit"),
            missing=problems_of(review),
            parts=parts,
            score=score_of_draft(review),
            **context,
        )

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        text = request.POST.get("revision", "")
        revision = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
        try:
            submit_review(
                self.object,
                actor=self.request.user,
                pledge=request.POST.get("pledge") == "on",
                revision=revision,
            )
        except (Forbidden, IllegalTransition):
            raise
        except DomainError as error:
            self.prepare()
            if self.object.state != ReviewState.ACCEPTED:
                messages.error(request, str(error))
                return HttpResponseRedirect(self.object.get_absolute_url())
            pledge = any(problem.field == "pledge" for problem in error.problems)
            return self.show(
                409 if error.status == 409 else 422,
                refused="" if error.problems else str(error),
                no_pledge=pledge,
            )
        messages.success(request, _("Submitted. Thank you for your review."))
        return HttpResponseRedirect(self.object.get_absolute_url())


class ProfilePage(ActPage):
    """A reviewer's own entry in the pool."""

    form_class = ProfileForm
    template_name = "generic/act.html"
    title = gettext_lazy("My reviewer profile")
    nav = REVIEWS
    success = gettext_lazy("Saved.")
    explain = gettext_lazy(
        "It helps the park office to ask you for what you know, and to see conflicts of interest."
    )

    def prepare(self) -> None:
        self.object = visible_or_404(Reviewer.objects.all(), user_id=self.request.user.pk)

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("My reviews"), reverse("reviews:list")), Crumb(self.title)

    def initial(self) -> dict[str, Any]:
        return ProfileForm.initial_of(self.object)

    def act(self, form: ProfileForm) -> Reviewer:
        return update_reviewer(self.object, actor=self.request.user, **form.cleaned_data)

    def success_url(self) -> str:
        return reverse("reviews:profile")

    def cancel_url(self) -> str:
        return reverse("reviews:list")


# --- the public notice -----------------------------------------------------------------------------------------------


def runs_under_notice() -> models.QuerySet[StageRun]:
    """Return the public notices that run today."""
    return StageRun.objects.filter(
        stage__kind=StageKind.NOTICE, state=RunState.ACTIVE, due_at__gt=timezone.now()
    ).select_related("stage", "application__call", "application__organisation", "application__project")


class NoticeList(ListPage):
    """Applications under public notice, for everyone to read and to object to."""

    public = True
    model = StageRun
    title = gettext_lazy("Public notices")
    nav = "notices"
    lead = gettext_lazy(
        "These applications are proposed for funding. Anyone may object, with a reason, until the day named."
    )
    columns = (
        Column("title", gettext_lazy("Project"), "application.title", kind="main"),
        Column("applicant", gettext_lazy("Applicant"), lambda run: applicant_name(run.application)),
        Column("call", gettext_lazy("Call"), "application.call.title"),
        Column(
            "number", gettext_lazy("Number"), "application.number", order="application__number", kind="code"
        ),
        Column("until", gettext_lazy("Until"), "due_at", order="due_at", kind="deadline"),
        Column(
            "object",
            gettext_lazy("Objection"),
            lambda run: _("Object"),
            url=lambda run: reverse("reviews:object", args=[run.pk]),
        ),
    )
    default_order = "due_at"
    search_in = (
        "application__number",
        "application__title",
        "application__call__title_zh_hans",
        "application__call__title_en",
    )
    can_save_views = False
    empty_title = gettext_lazy("No public notice at the moment")

    def rows(self) -> models.QuerySet[StageRun]:
        return runs_under_notice()


def applicant_name(application: Application) -> str:
    if application.kind == ApplicantKind.ORGANISATION and application.organisation is not None:
        return application.organisation.name
    project = application.project
    return f"{project.principal_investigator} · {project.institution}" if project is not None else ""


class ObjectionPage(ActPage):
    """Object to one application under notice, without an account."""

    public = True
    form_class = ObjectionForm
    template_name = "funding/reviews/objection.html"
    submit_label = gettext_lazy("Send the objection")
    success = gettext_lazy(
        "Your objection has been received. The park office looks into it before the notice can pass."
    )

    def rows(self) -> models.QuerySet[StageRun]:
        return runs_under_notice()

    def get_title(self) -> str:
        return _("Object to %(number)s") % {"number": self.object.application.number}

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("Public notices"), reverse("reviews:notices")), Crumb(self.object.application.number)

    def get_context(self, **context: Any) -> dict[str, Any]:
        return super().get_context(applicant=applicant_name(self.object.application), **context)

    def act(self, form: ObjectionForm) -> Any:
        refuse_too_often()
        return record_objection(self.object, **form.cleaned_data)

    def success_url(self) -> str:
        return reverse("reviews:notices")

    def cancel_url(self) -> str:
        return reverse("reviews:notices")


def refuse_too_often() -> None:
    """Raise ``DomainError`` when the address of this request has objected often within the hour."""
    address = act.current().address or "unknown"
    if _too_often(f"objection:{address}"):
        raise DomainError(
            _("Several objections came from your network within the hour. Please try again later."),
            code="too_often",
        )


def _too_often(key: str) -> bool:
    """Return whether the address has used up its share of the hour; without the cache nobody is held up."""
    try:
        cache.add(key, 0, 3600)
        return bool(cache.incr(key) > OBJECTIONS_AN_HOUR)
    except (RedisError, ValueError):  # the cache is away or the key just ran out: the objection matters more
        return False


# --- the home --------------------------------------------------------------------------------------------------------

SHOWN = 6


@home_card(order=20)
def university_card(user: Any) -> Card | None:
    """What waits for a liaison, overdue and due today first."""
    if not is_liaison_today(user):
        return None
    runs, due = Due.among(own_runs(user).filter(state=RunState.ACTIVE), SHOWN)
    return Card(
        title=gettext_lazy("University review"),
        tasks=[
            Task(
                run.application.title,
                reverse("reviews:act", args=[run.pk]),
                due=run.due_at,
                detail=f"{run.application.number} · {applicant_name(run.application)}",
            )
            for run in runs
        ],
        empty=gettext_lazy("Nothing waits for you."),
        more_url=reverse("reviews:queue"),
        due=due,
        due_url=f"{reverse('reviews:queue')}?due=",
    )


@home_card(order=22)
def reviews_card(user: Any) -> Card | None:
    """Invitations and drafts of a reviewer, due first."""
    reviews, due = Due.among(own_reviews(user).filter(state__in=TO_DO), SHOWN)
    if not reviews and not is_reviewer(user):
        return None
    return Card(
        title=gettext_lazy("My reviews"),
        tasks=[
            Task(
                review.application.title,
                review.get_absolute_url(),
                due=review.due_at,
                detail=review.application.number or "",
                state=pgettext_lazy("review", "invitation")
                if review.state == "assigned"
                else review.get_state_display(),
                tone=tone_of(review),
            )
            for review in reviews
        ],
        empty=gettext_lazy("No review is asked of you at the moment."),
        more_url=reverse("reviews:list"),
        due=due,
        due_url=f"{reverse('reviews:list')}?due=",
    )
