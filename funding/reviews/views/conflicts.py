"""What reviewers say about themselves: all invitations answered with one signature, and what ties them to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from funding.applications.rules import is_reviewer
from funding.reviews.forms import DECLARABLE, TieForm
from funding.reviews.models import Conflict, Review
from funding.reviews.reading import brief_of
from funding.reviews.services import (
    Answer,
    answer_invitations,
    current_pledge,
    declare_tie,
    withdraw_conflict,
)
from funding.reviews.states import ConflictKind, ConflictState, ReviewState
from funding.reviews.views.menu import REVIEWS
from funding.reviews.views.reviews import own_reviews
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.forms import PortalForm
from park_portal.core.views import ActPage, Column, Crumb, ListPage, PortalMixin, visible_or_404

SHOWN = 60  # invitations on one page; the rest come when these are answered


class InvitationsPage(PortalMixin):
    """Every invitation with an answer, one signature below all of them."""

    title = gettext_lazy("Answer all invitations")
    nav = REVIEWS

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("My reviews"), reverse("reviews:list")), Crumb(self.title)

    def waiting(self) -> list[Review]:
        rows = own_reviews(self.request.user).filter(state=ReviewState.ASSIGNED)
        rows = rows.select_related(
            "application__call",
            "application__organisation",
            "application__project__university",
            "application__project__faculty",
            "run__stage",
        ).prefetch_related(
            "application__versions",
            "application__organisation__memberships__user",
            "application__project__team",
        )
        return list(rows.order_by("due_at", "pk")[:SHOWN])

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show()

    def show(self, status: int = 200, **context: Any) -> HttpResponse:
        typed, problems = context.pop("typed", {}), context.pop("problems", [])
        by_field = {problem.field: str(problem.message) for problem in problems}
        lines = []
        for review in self.waiting():
            versions = list(review.application.versions.all())
            brief = brief_of(review, max(versions, key=lambda version: version.number))
            answer = typed.get(review.pk, Answer())
            lines.append(
                {
                    "review": review,
                    "brief": brief,
                    "answer": answer,
                    "problem": by_field.get(f"review-{review.pk}", ""),
                }
            )
        return self.render(
            "funding/reviews/invitations.html",
            status=status,
            lines=lines,
            kinds=[(kind.value, kind.label) for kind in DECLARABLE],
            pledge=current_pledge(),
            problems=problems,
            no_pledge="pledge" in by_field,
            **context,
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        answers = {
            review.pk: Answer(
                request.POST.get(f"answer-{review.pk}", ""), request.POST.get(f"note-{review.pk}", "")[:400]
            )
            for review in self.waiting()
        }
        try:
            count = answer_invitations(answers, actor=self.user(), pledge=request.POST.get("pledge") == "on")
        except Forbidden:
            raise
        except DomainError as error:
            if not error.problems:
                messages.error(request, str(error))
            return self.show(status=422, typed=answers, problems=list(error.problems))
        text = ngettext("%d invitation answered. Thank you.", "%d invitations answered. Thank you.", count)
        messages.success(request, text % count)
        return HttpResponseRedirect(reverse("reviews:list"))

    def user(self) -> Any:
        return self.request.user


class TieList(ListPage):
    """What somebody of the pool has said of themselves."""

    model = Conflict
    title = gettext_lazy("My ties")
    nav = REVIEWS
    lead = gettext_lazy(
        "Employers of the last three years, shares and seats, family, teachers and students, co-authors: whoever is tied "
        "to an applicant is not asked to review it. Only the park office reads this."
    )
    columns = (
        Column("end", gettext_lazy("With"), lambda tie: tie.end, kind="main"),
        Column("kind", gettext_lazy("Kind"), lambda tie: ConflictKind(tie.kind).label),
        Column("since", gettext_lazy("Since"), "since", kind="date"),
        Column("until", gettext_lazy("Counts until"), "expires_on", kind="date"),
        Column("note", gettext_lazy("Note"), "note"),
        Column("recorded", gettext_lazy("Written down"), "recorded_at", order="id", kind="date"),
        Column(
            "withdraw",
            gettext_lazy("Act"),
            lambda tie: _("Take it back") if tie.application_id is None else "",
            url=lambda tie: (
                reverse("reviews:tie-withdraw", args=[tie.pk]) if tie.application_id is None else ""
            ),
        ),
    )
    default_order = "-id"
    can_save_views = False
    empty_title = gettext_lazy("Nothing written down yet")
    empty_text = gettext_lazy("Write down where you work, what you hold and who is close to you.")

    def check(self) -> None:
        if not is_reviewer(self.request.user):
            raise Http404

    def rows(self) -> models.QuerySet[Conflict]:
        rows = Conflict.objects.filter(person=self.request.user, recorded_by=self.request.user)
        return rows.filter(state=ConflictState.STANDING).select_related(
            "application", "organisation", "faculty", "other"
        )

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("My reviews"), reverse("reviews:list")), Crumb(self.title)

    def actions(self) -> Sequence[tuple[Any, str]]:
        return [(gettext_lazy("Add a tie"), reverse("reviews:tie-add"))]

    def empty_action(self) -> None:
        return None


class TiePage(ActPage):
    """Write one down."""

    form_class = TieForm
    template_name = "generic/act.html"
    title = gettext_lazy("Add a tie")
    nav = REVIEWS
    success = gettext_lazy("Written down. Reviews that it forbids are given to somebody else.")
    explain = gettext_lazy(
        "You will not be asked to review what it concerns. A review already under way is suspended."
    )

    def prepare(self) -> None:
        if not is_reviewer(self.request.user):
            raise Http404

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("My reviews"), reverse("reviews:list")), Crumb(_("My ties"), reverse("reviews:ties"))

    def act(self, form: TieForm) -> Conflict:
        person: Any = self.request.user
        return declare_tie(person, actor=person, **form.cleaned_data)

    def success_url(self) -> str:
        return reverse("reviews:ties")

    def cancel_url(self) -> str:
        return reverse("reviews:ties")


class TieWithdrawPage(ActPage):
    """Take one's own word back: it was a mistake."""

    form_class = PortalForm
    template_name = "generic/act.html"
    nav = REVIEWS
    submit_label = gettext_lazy("Take it back")
    submit_tone = "danger"
    explain = gettext_lazy(
        "For what was written down by mistake. What has ended is not taken back: it counts until its day."
    )
    success = gettext_lazy("Taken back.")
    object: Conflict

    def prepare(self) -> None:
        person: Any = self.request.user
        rows = Conflict.objects.filter(person=person, recorded_by=person, application=None)
        self.object = visible_or_404(rows.filter(state=ConflictState.STANDING), pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return _("Take back: %(tie)s") % {"tie": self.object.end}

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("My ties"), reverse("reviews:ties")), Crumb(self.object.end)

    def act(self, form: PortalForm) -> Conflict:
        person: Any = self.request.user
        return withdraw_conflict(self.object, actor=person)

    def success_url(self) -> str:
        return reverse("reviews:ties")

    def cancel_url(self) -> str:
        return reverse("reviews:ties")
