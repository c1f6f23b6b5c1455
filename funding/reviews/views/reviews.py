"""What reviewers do: answer, write, submit; their own entry in the pool."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import django_filters
from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from funding.applications.rules import is_reviewer
from funding.applications.typed import KeepsTyped, check_typist, read_sent, typist_of
from funding.calls.states import Acts
from funding.reviews.forms import DeclineForm, RecuseForm
from funding.reviews.models import Review
from funding.reviews.reading import (
    answers_for_reviewer,
    applicant_of,
    brief_of,
    latest_version,
    waits_for_files,
)
from funding.reviews.rubric import fields_of, page_of, progress_of
from funding.reviews.services import (
    accept_review,
    ask_for_copies,
    current_pledge,
    declare_no_conflict,
    decline_review,
    problems_of,
    recuse,
    save_field,
    score_of_draft,
    submit_review,
)
from funding.reviews.states import ReviewState
from funding.reviews.views.menu import REVIEWS
from park_portal.core.due import DueFilter
from park_portal.core.errors import Conflict, DomainError, Forbidden, IllegalTransition
from park_portal.core.tones import tone_of
from park_portal.core.views import (
    ActPage,
    Column,
    Crumb,
    ListPage,
    PortalMixin,
    StateLine,
    visible_or_404,
)

FAR: Any = models.Value(datetime(2200, 1, 1, tzinfo=UTC))
# What a reviewer has still to answer or to write.
TO_DO = (ReviewState.ASSIGNED, ReviewState.ACCEPTED)


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

    @cached_property
    def plain(self) -> bool:  # type: ignore[override] # worked out from what waits
        return not own_reviews(self.request.user).filter(state=ReviewState.ASSIGNED).exists()

    def actions(self) -> Sequence[tuple[Any, str]]:
        if not is_reviewer(self.request.user):
            return ()
        answer = (
            [] if self.plain else [(gettext_lazy("Answer all invitations"), reverse("reviews:invitations"))]
        )
        return [
            *answer,
            (gettext_lazy("My ties"), reverse("reviews:ties")),
            (gettext_lazy("My record"), reverse("reviews:record")),
            (gettext_lazy("My reviewer profile"), reverse("reviews:profile")),
        ]

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
            return self.render(
                "funding/reviews/invitation.html",
                status=status,
                brief=brief,
                pledge=None if review.declared_at else current_pledge(),
                **context,
            )
        if review.state in (ReviewState.ACCEPTED, ReviewState.SUBMITTED):
            named = {name: context.pop(name, None) for name in ("problems", "typed", "conflicts")}
            parts, is_written = fields_of(review), review.state == ReviewState.ACCEPTED
            done, wanted = progress_of(parts)
            version = latest_version(review.application)
            answers = answers_for_reviewer(review, version)
            if waits_for_files(answers):
                ask_for_copies(review.application)
            return self.render(
                "funding/reviews/review.html",
                status=status,
                applicant=applicant_of(review),
                answers=answers,
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


class AcceptPage(ReviewPage):
    """No conflict and the pledge signed: then the review is accepted, or the summary read first."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        review, person = self.object, self.object.reviewer
        if review.state == ReviewState.ASSIGNED and review.declared_at is None:
            try:
                declare_no_conflict(review, actor=person, pledge=request.POST.get("pledge") == "on")
            except DomainError as error:
                if error.code != "pledge":
                    raise
                self.prepare()
                return self.show(status=422, no_pledge=True)
        if request.POST.get("next") == "read":
            messages.success(request, _("Declared. Read the summary, then accept or decline."))
            return HttpResponseRedirect(review.get_absolute_url())
        accept_review(review, actor=person)
        messages.success(request, _("Accepted. What you type is saved by itself; submit when you are done."))
        return HttpResponseRedirect(review.get_absolute_url())

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
