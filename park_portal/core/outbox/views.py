from __future__ import annotations

import uuid
from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from park_portal.core import context
from park_portal.core.frame import Card, Task, home_card
from park_portal.core.outbox.models import Delivery, Preference
from park_portal.core.outbox.registry import KINDS, Kind
from park_portal.core.outbox.services import mark_read, set_preference
from park_portal.core.outbox.states import Mode
from park_portal.core.pages import keyset_page
from park_portal.core.views import PortalMixin, visible_or_404
from park_portal.core.workflow import may

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User


@home_card(order=90)
def latest_notices(user: User) -> Card | None:
    """The notices the person has not read yet, newest first; none, no card."""
    unread = Delivery.objects.visible_to(user).unread().annotate(count=models.Window(models.Count("pk")))
    items = list(unread.order_by("-pk")[:5])
    # The bell above shows the same number and need not count again.
    user.unread_counted = items[0].count if items else 0  # type: ignore[attr-defined] # read by the frame
    if not items:
        return None
    return Card(
        gettext_lazy("Unread notices"),
        [
            Task(
                item.subject_text,
                reverse("inbox_item", args=[item.public_id]),
                detail=timezone.localtime(item.created_at).strftime("%Y-%m-%d %H:%M"),
                mine=False,
            )
            for item in items
        ],
        more_url=reverse("inbox"),
    )


class InboxPage(PortalMixin):
    """One's own notices, newest first; opening one marks it read and goes to what it is about."""

    title = gettext_lazy("Inbox")
    template_name = "core/inbox.html"
    nav = "inbox"

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = Delivery.objects.visible_to(self.request.user)
        only_unread = request.GET.get("unread") == "1"
        if only_unread:
            rows = rows.unread()
        page = keyset_page(
            rows, ["-pk"], size=25, after=request.GET.get("after", ""), before=request.GET.get("before", "")
        )
        base = "?unread=1&" if only_unread else "?"
        return self.render(
            page=page,
            only_unread=only_unread,
            after_url=f"{base}after={page.after}" if page.after else "",
            before_url=f"{base}before={page.before}" if page.before else "",
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("all") == "1":
            mark_read(request.user)
        else:
            mark_read(request.user, ids=[i for i in map(_uuid, request.POST.getlist("item")) if i])
        return HttpResponseRedirect(request.get_full_path())


class InboxItemPage(PortalMixin):
    """One notice: its text, and the way to what it is about."""

    template_name = "core/inbox_item.html"
    nav = "inbox"

    def prepare(self) -> None:
        self.item = visible_or_404(
            Delivery.objects.visible_to(self.request.user), public_id=self.kwargs["public_id"]
        )

    def get_title(self) -> str:
        return self.item.subject_text

    def get(self, request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        if context.current().viewer is None:
            mark_read(request.user, ids=[self.item.public_id])
        local = url_has_allowed_host_and_scheme(self.item.link, allowed_hosts=None)
        return self.render(item=self.item, link=self.item.link if local else "")


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


class PreferencesPage(PortalMixin):
    """How one wants each kind of notice by e-mail; the inbox has them all."""

    title = gettext_lazy("Notifications")
    template_name = "core/preferences.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        user = self.request.user
        held = dict(Preference.objects.filter(user=user).values_list("kind", "mode"))
        known = set(
            Delivery.objects.visible_to(user).order_by().values_list("kind", flat=True).distinct()
        ) | set(held)
        return self.render(
            had=self._grouped(held, lambda kind: kind.name in known),
            others=self._grouped(
                held,
                lambda kind: (
                    kind.name not in known
                    and not kind.consent
                    and (not kind.offered_with or may(user, kind.offered_with))
                ),
            ),
            modes=Mode.choices,
        )

    @staticmethod
    def _grouped(
        held: dict[str, str], wanted: Callable[[Kind], bool]
    ) -> list[tuple[str, list[tuple[Kind, str]]]]:
        """Return the kinds by group, each with the mode in force."""
        kinds = sorted(filter(wanted, KINDS.values()), key=lambda kind: (str(kind.group), str(kind.label)))
        return [
            (
                group,
                [
                    (kind, Mode.AT_ONCE if kind.required else held.get(kind.name, kind.default))
                    for kind in found
                ],
            )
            for group, found in groupby(kinds, key=lambda kind: str(kind.group))
        ]

    def post(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            for kind in KINDS.values():
                mode = request.POST.get(kind.name)
                if mode is not None and not kind.required:
                    set_preference(request.user, kind=kind.name, mode=mode)
        messages.success(request, _("Your choices are saved."))
        return HttpResponseRedirect(reverse("preferences"))
