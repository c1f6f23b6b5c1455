"""What stands round every portal page: the menu that the rooms fill, the count of unread notices, the home's cards.

A room adds to both in its ``views.py``, which is imported with the addresses:

    register_nav(NavItem("applications", _("My applications"), "applications:list", order=20, show=applies))

    @home_card(order=20)
    def my_drafts(user: User) -> Card | None: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from park_portal.core.accounts.rules import is_staff
from park_portal.core.accounts.standing import fact
from park_portal.core.accounts.viewing import Viewing, viewing_of
from park_portal.core.due import Due
from park_portal.core.errors import Text
from park_portal.core.outbox.models import Delivery
from park_portal.core.outbox.states import Channel

MANY: Final = 99


def everyone(user: Any) -> bool:
    """Show to every person who is signed in."""
    return True


@dataclass(frozen=True)
class NavItem:
    """One entry of the menu: shown to whom ``show`` says yes; ``name`` is what pages put into their ``nav``."""

    name: str
    label: Text
    route: str
    order: int = 50
    show: Callable[[Any], bool] = everyone
    public: bool = False


@dataclass(frozen=True)
class NavLink:
    """One entry of the menu as a page shows it."""

    name: str
    label: Text
    url: str


@dataclass(frozen=True)
class Task:
    """One line of a home card: a thing, what is to be done with it, and by when if there is a date."""

    title: Text
    url: str
    due: datetime | None = None
    detail: Text = ""
    state: Text = ""
    tone: str = "neutral"
    # Waits for this person, so that it counts among what is due; else it is shown for information only.
    mine: bool = True


@dataclass(frozen=True)
class Card:
    """One block of a person's home."""

    title: Text
    tasks: Iterable[Task] = field(default=())
    empty: Text = ""
    more_url: str = ""
    more_label: Text = ""
    action_url: str = ""
    action_label: Text = ""
    # What waits for the person, counted among all there is: a card that shows only the first tasks must say it.
    due: Due | None = None
    # The list narrowed by ``DueFilter``: the address without its value, such as "/reviews/queue/?due=".
    due_url: str = ""

    def listed(self) -> Card:
        """Return the card with its tasks read, so that they can be gone through twice."""
        return replace(self, tasks=list(self.tasks))


CardMaker = Callable[[Any], Card | None]

_nav: dict[str, NavItem] = {}
_cards: dict[str, tuple[int, CardMaker]] = {}


def register_nav(item: NavItem) -> NavItem:
    """Put ``item`` into the menu."""
    _nav[item.name] = item
    return item


def home_card(*, order: int = 50) -> Callable[[CardMaker], CardMaker]:
    """Put a card on the home: the function gets the person and returns the card, or None when it is not for them.

    One query a card is the rule; a home costs at most twelve.
    """

    def register(maker: CardMaker) -> CardMaker:
        _cards[f"{maker.__module__}.{maker.__qualname__}"] = (order, maker)
        return maker

    return register


def cards_of(user: Any) -> list[Card]:
    """Return the cards of ``user``'s home, in order."""
    made = (maker(user) for _order, maker in sorted(_cards.values(), key=lambda pair: pair[0]))
    return [card for card in made if card is not None]


@fact
def unread_by(person: models.OuterRef) -> Any:
    """How many notices the person has not read; at most one more than is shown as a number."""
    unread = Delivery.objects.filter(recipient_id=person, channel=Channel.INBOX).unread()
    keys = ArraySubquery(unread.order_by().values("pk")[: MANY + 1])
    return models.Func(keys, function="cardinality", output_field=models.IntegerField())


class Frame:
    """The frame of one request, worked out only as far as the page's template asks."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = getattr(request, "user", None)

    @cached_property
    def signed_in(self) -> bool:
        return bool(self.user is not None and self.user.is_authenticated)

    @cached_property
    def nav(self) -> list[NavLink]:
        """The menu entries that exist and are for this person."""
        shown = []
        for item in sorted(_nav.values(), key=lambda one: one.order):
            if not (item.public or (self.signed_in and item.show(self.user))):
                continue
            try:
                shown.append(NavLink(item.name, item.label, reverse(item.route)))
            except NoReverseMatch:
                continue
        return shown

    @cached_property
    def unread(self) -> int:
        """How many notices the person has not read; at most one more than is shown as a number."""
        if self.user is None or not self.signed_in:
            return 0
        counted = getattr(self.user, "unread_counted", None)
        return int(unread_by(self.user) if counted is None else counted)

    @property
    def unread_text(self) -> str:
        return f"{MANY}+" if self.unread > MANY else str(self.unread)

    @property
    def is_staff(self) -> bool:
        return bool(self.signed_in and is_staff(self.user))

    @cached_property
    def viewing(self) -> Viewing | None:
        """Whom a member of the staff views the portal as, if they do."""
        return viewing_of(self.request)

    @property
    def is_local(self) -> bool:
        return bool(settings.LOCAL)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``frame``."""
    return {"frame": Frame(request)}
