"""The live page of a panel: forty people have it open, the chair calls an item, and all of them see it."""

import http.client
import random
import re
import threading
import time

from django.db.models import F

from funding.models import Meeting
from funding.panels import services
from funding.panels.live import OFTEN
from funding.panels.states import ON_THE_TABLE, ItemState, MeetingState
from park_portal.core.accounts.models import User
from park_portal.core.errors import DomainError

PEOPLE, ROUNDS = 40, 5


class Measured(str):
    """What was done, with the seconds that count."""

    seconds: float


class Viewer(threading.Thread):
    """One browser: asks for news as often as the page's script does, from a moment of its own on."""

    def __init__(self, port: int, headers: dict[str, str], path: str, delay: float) -> None:
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers, self.path, self.delay = headers, path, delay
        self.query, self.saw, self.asked = "", None, False
        self.is_done = threading.Event()
        self.failed = ""

    def run(self) -> None:
        time.sleep(self.delay)
        while not self.is_done.is_set():
            self.connection.request("GET", f"{self.path}{self.query}", headers=self.headers)
            answer = self.connection.getresponse()
            body = answer.read().decode()
            if answer.status == 200:
                self.query = "?" + re.search(r'live/\?([^"]+)"', body)[1].replace("&amp;", "&")
                self.saw = time.perf_counter() if 'id="table-title"' in body else None
            elif answer.status != 204:
                self.failed = f"{self.path} answers {answer.status}"
                return
            self.asked = True
            self.is_done.wait(OFTEN)


def forty_see_the_item() -> Measured:
    """Return how long it took, in the worst of five calls, until the last of forty people had the item before them."""
    # The server is the one that pages are measured with; it stands in the module that runs this one.
    from tests.bench.__main__ import server, signed_in

    meeting = Meeting.objects.filter(state__in=[MeetingState.PLANNED, MeetingState.OPEN]).order_by("pk")[0]
    chair = meeting.members.seated().get(role="chair").user
    people = _seated(meeting)
    if meeting.state == MeetingState.PLANNED:
        services.open_meeting(meeting, actor=chair)
    for item in meeting.items.filter(state__in=ON_THE_TABLE):
        services.postpone_item(item, actor=chair, reason="bench")
    for item in meeting.items.filter(state=ItemState.POSTPONED):
        services.resume_item(item, actor=chair)
    item = meeting.items.filter(state=ItemState.WAITING).first()
    chance = random.Random(1)
    waits: list[float] = []
    with server("park_portal.wsgi:application") as port:
        path = f"{meeting.get_absolute_url()}live/"
        viewers = [
            Viewer(
                port,
                {**signed_in(person, ""), "Host": f"localhost:{port}"},
                path,
                chance.random() * OFTEN,
            )
            for person in people
        ]
        for viewer in viewers:
            viewer.start()
        _until(viewers, lambda viewer: viewer.asked)
        for _round in range(ROUNDS):
            time.sleep(OFTEN + chance.random() * OFTEN)
            began = time.perf_counter()
            services.call_item(item, actor=chair)
            _until(viewers, lambda viewer: viewer.saw is not None)
            waits += [viewer.saw - began for viewer in viewers]
            services.postpone_item(item, actor=chair, reason="bench")
            services.resume_item(item, actor=chair)
            _until(viewers, lambda viewer: viewer.saw is None)
        for viewer in viewers:
            viewer.is_done.set()
        for viewer in viewers:
            viewer.join(10)
    waits.sort()
    found = Measured(
        f"{PEOPLE} people, {ROUNDS} items called: median {waits[len(waits) // 2]:.1f} s, "
        f"p95 {waits[int(len(waits) * 0.95)]:.1f} s, the last {waits[-1]:.2f} s"
    )
    found.seconds = waits[-1]
    return found


def _seated(meeting: Meeting) -> list[User]:
    """Forty people on the panel, experts first, who have declared on everything."""
    there = [member.user for member in meeting.members.seated().select_related("user")]
    others = User.objects.filter(is_active=True).exclude(pk__in=[one.pk for one in there])
    more = list(others.order_by(F("reviewer__pk").asc(nulls_last=True), "pk")[: PEOPLE - len(there)])
    services.seat_members(meeting, more, actor=User.objects.with_role("officer").order_by("pk")[0])
    people = [*there, *more]
    if len(people) < PEOPLE:
        raise SystemExit(f"only {len(people)} people could sit on the panel")
    for item in meeting.items.all():
        for person in people:
            try:
                services.pledge_on(item, actor=person)
            except DomainError:  # a conflict of interest: they see that the item is on the table, and no more
                continue
    return people


def _until(viewers: list[Viewer], holds) -> None:
    end = time.monotonic() + 60
    while not all(holds(viewer) for viewer in viewers):
        if failed := [viewer.failed for viewer in viewers if viewer.failed]:
            raise SystemExit(failed[0])
        if time.monotonic() > end:
            raise SystemExit("a minute was not enough")
        time.sleep(0.01)
