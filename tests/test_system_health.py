"""The page of system health: what it says, for whom, and what one can do from it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone, translation

from park_portal import health, system
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import SYSTEM, record
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import start_job
from park_portal.core.jobs.states import JobState
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.workflow import advance
from park_portal.system_health import how_long
from tests.factories.core import make_user

pytestmark = pytest.mark.django_db

PAGE = "/admin/system/"


@pytest.mark.parametrize("who", [*StaffRole.values, "superuser", "stranger", "liaison", None])
def test_only_the_system_administrator_opens_it(client, client_of, who):
    if who is not None:
        client = client_of(who)
    answer = client.get(PAGE)
    allowed = who in ("administrator", "superuser")
    assert answer.status_code == (200 if allowed else 302 if who in ("stranger", "liaison", None) else 403)
    if who == "officer":
        assert PAGE not in client.get("/admin/").content.decode()
    if who == "administrator":
        assert PAGE in client.get("/admin/").content.decode()
        assert client.post(PAGE).status_code == 405


def test_with_nothing_wrong_it_says_so_in_words(client_of):
    for name in health.CHECKS:
        health.leave_sign_of_life(name)
    client = client_of("administrator")
    with translation.override("zh-hans"):
        answer = client.get(PAGE)
    text = answer.content.decode()
    assert [said for _label, _ok, said, _took in answer.context["pieces"]] == ["正常"] * len(health.CHECKS)
    assert answer.context["all_well"] is True
    assert {(queue.number, queue.late) for queue in answer.context["queues"]} == {(0, False)}
    assert text.count("没有。") == 3
    assert "从未" in text
    assert "尚未收到任何备份记录" in text
    assert "Django" in text


def failed_job(owner) -> Job:
    job = (
        start_job("core.bulk", actor=SYSTEM)
        if owner is None
        else Job.objects.create(kind="core.bulk", owner=owner)
    )
    advance(job, "fail", actor=SYSTEM, changes={"error": "no rows", "finished_at": timezone.now()})
    return job


def test_what_failed_stands_there_and_is_tried_again(client_of, people):
    someone = make_user("张伟")
    job = failed_job(someone)
    now = timezone.now()
    message = Message.objects.create(
        topic="notify", key="k", status="failed", error="refused a@b.cn", attempts=8
    )
    old = Message.objects.create(topic="notify", key="l", due_at=now - timedelta(minutes=7))
    mail = Delivery.objects.create(
        message=message, recipient=someone, address=someone.email, channel="email", kind="job.finished",
        status="failed", attempts=8, error="SMTPServerDisconnected",
    )  # fmt: skip
    client = client_of("administrator")
    answer = client.get(PAGE)
    text = answer.content.decode()
    assert "张伟" not in text
    assert "a@b.cn" not in text
    assert [(lines[0].why, more) for _title, lines, more, _all in answer.context["failed"]] == [
        ("no rows", 0),
        ("refused …@…", 0),
        ("SMTPServerDisconnected", 0),
    ]
    late = [(str(queue.number), queue.age) for queue in answer.context["queues"] if queue.late]
    assert late == [("1", "7 分钟")]
    for again in [lines[0].again for _title, lines, _more, _all in answer.context["failed"]]:
        assert client.post(again, {"once": uuid4().hex}).status_code == 302
    job.refresh_from_db()
    message.refresh_from_db()
    mail.refresh_from_db()
    assert (job.state, message.status, mail.status) == (JobState.QUEUED, "waiting", "waiting")
    acts = set(Entry.objects.filter(actor=people("administrator")).values_list("action", flat=True))
    assert {"job.retry", "message.retry", "delivery.retry"} <= acts
    assert old.pk in Message.objects.filter(status="waiting").values_list("pk", flat=True)
    # What was put right is gone from the page.
    assert [lines for _title, lines, _more, _all in client.get(PAGE).context["failed"]] == [[], [], []]


def test_its_cost_does_not_grow_with_what_failed(client_of, django_assert_max_num_queries):
    someone = make_user()
    for number in range(12):
        message = Message.objects.create(topic="notify", key=f"k{number}", status="failed")
        Delivery.objects.create(
            message=message, recipient=someone, channel="email", kind="job.failed", status="failed"
        )
        failed_job(someone)
    client = client_of("administrator")
    client.get(PAGE)
    with django_assert_max_num_queries(24):
        answer = client.get(PAGE)
    assert [(len(lines), more) for _title, lines, more, _all in answer.context["failed"]] == [(10, 2)] * 3
    for _title, _lines, _more, address in answer.context["failed"]:
        assert client.get(address).context["cl"].result_count == 12


def test_the_last_backup_is_the_newest_entry_that_says_so(client_of, people):
    record(system.BACKUP_MADE, people("officer"), actor=SYSTEM)
    newest = record(system.BACKUP_MADE, people("officer"), actor=SYSTEM)
    record("user.set_active", people("officer"), actor=SYSTEM)
    answer = client_of("administrator").get(PAGE)
    assert (answer.context["backup"], answer.context["backup_is_old"]) == (newest, False)


def test_a_broker_that_is_away_is_said_and_the_rest_is_shown(client_of, settings):
    client = client_of("administrator")
    settings.REDIS_URL = "unix:///nowhere/valkey.sock?db=0"
    answer = client.get(PAGE)
    assert [queue.number for queue in answer.context["queues"]][:2] == [None, 0]
    assert "Redis 没有响应" in answer.content.decode()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "—"), (0, "0 秒"), (59.9, "59 秒"), (60, "1 分钟"), (7199, "1 小时"), (86400 * 3, "3 天")],
)
def test_how_long(seconds, words):
    assert how_long(seconds) == words
