"""A reviewer's own entry in the pool, with their publications; and why they were asked for a review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from funding.reviews.forms import PasteForm, ProfileForm, PublicationForm
from funding.reviews.models import Publication, Reviewer
from funding.reviews.services import (
    Pasted,
    add_publication,
    explain_match,
    paste_publications,
    remove_publication,
    update_publication,
    update_reviewer,
)
from funding.reviews.states import ReviewState
from funding.reviews.views.menu import REVIEWS
from funding.reviews.views.reviews import ReviewMixin
from park_portal.core.views import ActPage, Crumb, visible_or_404


class OfOwnEntry(ActPage):
    """A page about one's own entry; for who is not in the pool there is none."""

    nav = REVIEWS
    reviewer: Reviewer

    def prepare(self) -> None:
        self.reviewer = visible_or_404(Reviewer.objects.all(), user_id=self.request.user.pk)

    def get_crumbs(self) -> Sequence[Crumb]:
        return (
            Crumb(_("My reviews"), reverse("reviews:list")),
            Crumb(_("My reviewer profile"), reverse("reviews:profile")),
            Crumb(self.get_title()),
        )

    def success_url(self) -> str:
        return reverse("reviews:profile") + "#publications"

    def cancel_url(self) -> str:
        return self.success_url()


class ProfilePage(OfOwnEntry):
    """What the pool says of oneself, and the list of one's publications below."""

    form_class = ProfileForm
    template_name = "funding/reviews/profile.html"
    title = gettext_lazy("My reviewer profile")
    success = gettext_lazy("Saved.")
    explain = gettext_lazy(
        "It helps the park office to ask you for what you know, and to see conflicts of interest."
    )

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("My reviews"), reverse("reviews:list")), Crumb(self.get_title())

    def get_context(self, **context: Any) -> dict[str, Any]:
        return super().get_context(publications=self.reviewer.publications.all(), **context)

    def initial(self) -> dict[str, Any]:
        return ProfileForm.initial_of(self.reviewer)

    def act(self, form: ProfileForm) -> Reviewer:
        return update_reviewer(self.reviewer, actor=self.request.user, **form.cleaned_data)

    def success_url(self) -> str:
        return reverse("reviews:profile")

    def cancel_url(self) -> str:
        return reverse("reviews:list")


class PublicationAdd(OfOwnEntry):
    """A publication, typed."""

    form_class = PublicationForm
    title = gettext_lazy("Add a publication")
    success = gettext_lazy("The publication is on your list.")

    def act(self, form: PublicationForm) -> Publication:
        return add_publication(self.reviewer, actor=self.request.user, **form.cleaned_data)


class OfOwnPublication(OfOwnEntry):
    """A page about one publication of one's own."""

    def prepare(self) -> None:
        super().prepare()
        self.object = visible_or_404(self.own(), pk=self.kwargs["pk"])

    def own(self) -> models.QuerySet[Publication]:
        return self.reviewer.publications.select_related("reviewer")


class PublicationChange(OfOwnPublication):
    """A publication, changed."""

    form_class = PublicationForm
    title = gettext_lazy("Change a publication")
    success = gettext_lazy("Saved.")

    def initial(self) -> dict[str, Any]:
        return PublicationForm.initial_of(self.object)

    def act(self, form: PublicationForm) -> Publication:
        return update_publication(self.object, actor=self.request.user, **form.cleaned_data)


class PublicationRemove(OfOwnPublication):
    """A publication, taken off the list."""

    title = gettext_lazy("Remove a publication")
    template_name = "funding/reviews/publication_remove.html"
    submit_label = pgettext_lazy("publication", "Remove")
    submit_tone = "danger"
    success = gettext_lazy("The publication is no longer on your list.")

    def act(self, form: None) -> None:
        remove_publication(self.object, actor=self.request.user)


class PublicationPaste(OfOwnEntry):
    """Many publications at once."""

    form_class = PasteForm
    title = gettext_lazy("Paste a list of publications")
    submit_label = gettext_lazy("Add them")

    def act(self, form: PasteForm) -> Pasted:
        done = paste_publications(self.reviewer, actor=self.request.user, **form.cleaned_data)
        messages.success(self.request, said_of(done))
        return done


def said_of(done: Pasted) -> str:
    """Return what became of a pasted list, in words."""
    count = len(done.added)
    said = [ngettext("%d publication was added.", "%d publications were added.", count) % count]
    if done.known:
        said.append(
            ngettext("%d was on the list already.", "%d were on the list already.", done.known) % done.known
        )
    if done.unread:
        said.append(
            ngettext(
                "%d entry could not be read; please add it by hand.",
                "%d entries could not be read; please add them by hand.",
                done.unread,
            )
            % done.unread
        )
    return " ".join(said)


class MatchPage(ReviewMixin):
    """Why one was asked: the terms that one's profile and the application share, as far as one may read it."""

    title = gettext_lazy("Why you were asked")

    def get_title(self) -> str:
        return str(self.title)

    def get_crumbs(self) -> Sequence[Crumb]:
        application = self.object.application
        return (
            Crumb(_("My reviews"), reverse("reviews:list")),
            Crumb(application.number or "", self.object.get_absolute_url()),
            Crumb(self.get_title()),
        )

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        reviewer = Reviewer.objects.filter(user_id=self.object.reviewer_id).first()
        if reviewer is None or self.object.state not in MATCH_SHOWN:
            raise Http404
        only_title = self.object.state == ReviewState.ASSIGNED
        match = explain_match(self.object.application, reviewer, only_title=only_title)
        return self.render("funding/reviews/match.html", match=match, only_title=only_title)


MATCH_SHOWN = (ReviewState.ASSIGNED, ReviewState.ACCEPTED, ReviewState.SUBMITTED)
