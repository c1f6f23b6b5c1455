"""One item of an agenda: to be declared on, to be read, to be left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from funding.panels.forms import DeclarationsForm
from funding.panels.live import item_context
from funding.panels.models import AgendaItem, PanelMember, Recusal
from funding.panels.reading import brief_for_panel, people_of
from funding.panels.rules import member_of
from funding.panels.services import declare_conflict, pledge_on
from funding.panels.states import STILL_OPEN
from funding.panels.views.meetings import MeetingMixin
from funding.reviews.forms import RecuseForm
from park_portal.core.errors import DomainError
from park_portal.core.views import ActPage, Crumb, visible_or_404


class ItemMixin(MeetingMixin):
    """A page about one item of a meeting that the person sees."""

    item: AgendaItem
    member: PanelMember | None

    def prepare(self) -> None:
        super().prepare()
        rows = self.object.items.select_related(
            "run__stage", "application__call", "application__organisation", "application__project"
        )
        self.item = visible_or_404(rows, pk=self.kwargs["item"])
        self.item.meeting = self.object
        self.member = member_of(self.request.user, self.object)

    def get_title(self) -> str:
        return self.item.application.title

    def get_crumbs(self) -> Sequence[Crumb]:
        return *super().get_crumbs(), Crumb(self.item.application.number or "")

    def show_item(self, *, status: int = 200, **context: Any) -> HttpResponse:
        """Return the item's page."""
        context |= item_context(self.item, self.request.user, self.member)
        if context["access"].must_declare:
            context["brief"] = brief_for_panel(self.item)
        return self.render(
            "funding/panels/item.html", status=status, meeting=self.object, member=self.member, **context
        )


@method_decorator(never_cache, name="dispatch")
class ItemPage(ItemMixin):
    """One application of the agenda, its reviews and what was said; title and team alone until one has declared."""

    def get(self, request: HttpRequest, pk: int, item: int) -> HttpResponse:
        return self.show_item()


class ConflictPage(ItemMixin, ActPage):
    """Declare a conflict of interest, before the meeting or in it."""

    form_class = RecuseForm
    submit_label = gettext_lazy("Declare the conflict")
    submit_tone = "danger"
    explain = gettext_lazy(
        "You leave the room for this item: you see neither the application nor what is said of it, and do not vote on it. "
        "The minutes say so."
    )
    success = gettext_lazy("Your conflict of interest is recorded. You leave the room for this item.")

    def prepare(self) -> None:
        ItemMixin.prepare(self)
        if self.member is None:
            raise Http404

    def get_title(self) -> str:
        return _("Conflict of interest: %(title)s") % {"title": self.item.application.title}

    def act(self, form: RecuseForm) -> Recusal:
        return declare_conflict(self.item, actor=self.request.user, **form.cleaned_data)

    def success_url(self) -> str:
        return self.object.get_absolute_url()

    def cancel_url(self) -> str:
        return self.object.get_absolute_url()


class DeclarePage(MeetingMixin, ActPage):
    """All declarations of one member on one page: title and team of each item, and whether there is a conflict."""

    form_class = DeclarationsForm
    template_name = "funding/panels/declare.html"
    submit_label = gettext_lazy("Sign and declare")

    def prepare(self) -> None:
        MeetingMixin.prepare(self)
        member = member_of(self.request.user, self.object)
        if member is None:
            raise Http404
        self.items = list(
            self.object.items.filter(state__in=STILL_OPEN)
            .exclude(pledges__member=member)
            .exclude(recusals__member=member)
            .select_related(
                "run__stage",
                "application__organisation",
                "application__project__university",
                "application__call",
            )
            .prefetch_related("application__organisation__memberships__user", "application__project__team")
            .order_by("position", "pk")
        )
        for item in self.items:
            item.meeting = self.object

    def get_title(self) -> str:
        return _("Declarations of conflicts of interest")

    def get_crumbs(self) -> Sequence[Crumb]:
        return *MeetingMixin.get_crumbs(self), Crumb(self.get_title())

    def form_kwargs(self) -> dict[str, Any]:
        return {"items": self.items}

    def get_context(self, **context: Any) -> dict[str, Any]:
        lines = []
        for row in context["form"].rows():
            applicant, people = people_of(row["item"])
            lines.append({**row, "applicant": applicant, "people": people})
        return super().get_context(lines=lines, **context)

    def act(self, form: DeclarationsForm) -> int:
        """Take each declaration by itself: one that the portal knows better about does not keep back the others."""
        done = 0
        for item, said, kind, note in form.declared():
            try:
                if said == "conflict":
                    declare_conflict(item, actor=self.request.user, kind=kind, note=note)
                else:
                    pledge_on(item, actor=self.request.user)
                done += 1
            except DomainError as error:
                messages.warning(self.request, str(error))
        if done:
            messages.success(self.request, _("Declared. You can now read these applications."))
        return done

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.items:
            return HttpResponseRedirect(self.object.get_absolute_url())
        return super().post(request, *args, **kwargs)

    def success_url(self) -> str:
        return reverse("panels:detail", args=[self.object.pk])
