"""Long work: done once and whole, or failed with a reason and nothing changed."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
import rules
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from park_portal.core.accounts.models import User
from park_portal.core.audit.models import Entry
from park_portal.core.calendar.models import SpecialDay
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import may_read, store_document
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition, Problem
from park_portal.core.jobs import services, tasks
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.progress import Progress, Stopped
from park_portal.core.jobs.services import cancel_job, job, retry_job, run_job, start_job, sweep_jobs
from park_portal.core.jobs.states import JOB_MACHINE, JobState
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.services import handle_message
from park_portal.core.workflow import SYSTEM, advance
from tests.core.documents.samples import PDF

pytestmark = pytest.mark.django_db


def mark(day: str) -> None:
    """An effect in the database that a test can look for."""
    SpecialDay.objects.create(date=day, working=True, name="x")


def deliver() -> None:
    for message in Message.objects.filter(topic="notify", status="waiting"):
        assert handle_message(message.pk)


def test_a_job_is_done_whole_and_its_owner_told(alice):
    @job("test.letters", label="Letters")
    def letters(job, progress):
        progress(1, 2, "first")
        mark("2025-01-01")
        progress(2)
        return store_document(PDF, actor=alice, subject=job, kind="result", name="letters.pdf")

    started = start_job("test.letters", actor=alice, params={"call": 7})
    assert (started.state, started.owner, started.params) == (JobState.QUEUED, alice, {"call": 7})
    assert run_job(started.pk) is True
    started.refresh_from_db()
    assert (started.state, started.done, started.total, started.percent, started.error) == (
        "done",
        2,
        2,
        100,
        "",
    )
    assert started.result.name == "letters.pdf"
    assert (started.attempt, started.finished_at is not None) == (1, True)
    assert SpecialDay.objects.count() == 1
    deliver()
    delivery = Delivery.objects.get(recipient=alice, channel="inbox")
    assert (delivery.kind, delivery.subject["en"], delivery.link) == (
        "job.finished",
        "Letters: done",
        f"/jobs/{started.public_id}/",
    )
    assert list(
        Entry.objects.filter(object_type="core.job").order_by("pk").values_list("action", flat=True)
    ) == [
        "job.started",
        "job.begin",
        "job.finish",
    ]


def test_running_twice_does_it_once(alice):
    calls = []

    @job("test.once", label="Once")
    def once(job, progress):
        calls.append(job.pk)

    started = start_job("test.once", actor=alice)
    assert [run_job(started.pk), run_job(started.pk), run_job(0)] == [True, False, False]
    assert calls == [started.pk]


def test_a_second_click_starts_nothing(alice, charlie):
    @job("test.once", label="Once")
    def once(job, progress):
        return None

    first = start_job("test.once", actor=alice, params={"a": 1})
    assert start_job("test.once", actor=alice, params={"a": 1}) == first
    assert start_job("test.once", actor=alice, params={"a": 2}) != first
    assert start_job("test.once", actor=charlie, params={"a": 1}) != first
    run_job(first.pk)
    assert start_job("test.once", actor=alice, params={"a": 1}) != first


def test_a_refusal_is_shown_as_it_is_and_changes_nothing(alice):
    @job("test.refuse", label="Import")
    def refuse(job, progress):
        mark("2025-01-01")
        raise DomainError(
            "Two rows are wrong.", problems=[Problem("Row 3: no name"), Problem("Row 9: no date")]
        )

    started = start_job("test.refuse", actor=alice)
    assert run_job(started.pk) is True
    started.refresh_from_db()
    assert (started.state, started.result) == ("failed", None)
    assert started.error == "Two rows are wrong.\nRow 3: no name\nRow 9: no date"
    assert SpecialDay.objects.count() == 0
    deliver()
    delivery = Delivery.objects.get(recipient=alice, channel="inbox")
    assert delivery.subject["en"] == "Import: failed"
    assert "Two rows are wrong." in delivery.body["en"]


def test_a_crash_hides_its_insides_and_changes_nothing(alice):
    @job("test.crash", label="Crash")
    def crash(job, progress):
        mark("2025-01-01")
        raise RuntimeError("secret path /etc/shadow")

    started = start_job("test.crash", actor=alice)
    assert run_job(started.pk) is True
    started.refresh_from_db()
    assert started.state == "failed"
    assert started.error.startswith("Something went wrong on our side. Nothing was changed. Quote ")
    assert "secret" not in started.error
    assert SpecialDay.objects.count() == 0


def test_a_database_error_fails_cleanly(alice):
    @job("test.sql", label="Sql")
    def sql(job, progress):
        mark("2025-01-01")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    started = start_job("test.sql", actor=alice)
    assert run_job(started.pk) is True
    started.refresh_from_db()
    assert (started.state, SpecialDay.objects.count()) == ("failed", 0)


def test_a_kind_that_is_gone_fails_with_a_reason(alice):
    @job("test.gone", label="Gone")
    def gone(job, progress):
        return None

    started = start_job("test.gone", actor=alice)
    del services.JOBS["test.gone"]
    assert run_job(started.pk) is True
    started.refresh_from_db()
    assert (started.state, started.error) == ("failed", "The portal no longer knows this kind of job.")


def test_the_portal_itself_may_start_one(alice):
    @job("test.nightly", label="Nightly")
    def nightly(job, progress):
        return None

    started = start_job("test.nightly", actor=SYSTEM)
    assert run_job(started.pk) is True
    assert (started.owner, Message.objects.filter(topic="notify").count()) == (None, 0)


def test_permission_is_asked_at_the_start_and_again_when_it_runs(alice, charlie, monkeypatch):
    allowed = {alice.pk}
    rules.set_perm("core.test_export", rules.predicate(lambda user: user.pk in allowed))

    @job("test.export", label="Export", rule="core.test_export")
    def export(job, progress):
        return store_document(PDF, actor=alice, subject=job, kind="result", name="export.pdf")

    with pytest.raises(Forbidden):
        start_job("test.export", actor=charlie)
    first = start_job("test.export", actor=alice)
    run_job(first.pk)
    first.refresh_from_db()
    assert [may_read(user, first.result) for user in (alice, charlie)] == [True, False]
    second = start_job("test.export", actor=alice, params={"again": True})
    allowed.clear()  # the role is withdrawn while it waits
    run_job(second.pk)
    second.refresh_from_db()
    assert (second.state, second.result) == ("failed", None)
    assert may_read(alice, first.result) is False
    rules.remove_perm("core.test_export")


def test_cancelling_a_waiting_job(alice, charlie):
    @job("test.slow", label="Slow")
    def slow(job, progress):
        mark("2025-01-01")

    started = start_job("test.slow", actor=alice)
    with pytest.raises(Forbidden):
        cancel_job(started, actor=charlie)
    cancel_job(started, actor=alice)
    assert run_job(started.pk) is False
    assert (started.state, SpecialDay.objects.count()) == ("cancelled", 0)
    with pytest.raises(IllegalTransition):
        cancel_job(started, actor=alice)


def test_cancelling_a_running_job_undoes_what_it_did(alice):
    @job("test.slow", label="Slow")
    def slow(job, progress):
        mark("2025-01-01")
        cancel_job(Job.objects.get(pk=job.pk), actor=SYSTEM)  # as somebody else would, meanwhile

    started = start_job("test.slow", actor=alice)
    assert run_job(started.pk) is False
    assert SpecialDay.objects.count() == 0


def test_running_again_after_a_failure(alice, charlie):
    fail = [True]

    @job("test.flaky", label="Flaky")
    def flaky(job, progress):
        progress(5, 10)
        if fail:
            raise DomainError("No.")

    started = start_job("test.flaky", actor=alice)
    run_job(started.pk)
    fail.clear()
    started.refresh_from_db()
    with pytest.raises(Forbidden):
        retry_job(started, actor=charlie)
    retry_job(started, actor=alice)
    assert (started.state, started.error, started.done) == ("queued", "", 0)
    assert Message.objects.filter(topic="job.run").count() == 2
    assert run_job(started.pk) is True
    started.refresh_from_db()
    assert (started.state, started.attempt) == ("done", 2)


def running(owner, kind="test.dead", *, silent: int, attempt: int = 1) -> Job:
    """A job whose worker has been silent for so many seconds."""
    started = start_job(kind, actor=owner, params={"n": Job.objects.count()})
    now = timezone.now()
    advance(
        started, "begin", actor=SYSTEM, changes={"attempt": attempt, "started_at": now, "heartbeat_at": now}
    )
    Job.objects.filter(pk=started.pk).update(heartbeat_at=now - timedelta(seconds=silent))
    return started


def test_the_sweeper_puts_back_what_a_dead_worker_left_and_gives_up_in_the_end(alice):
    @job("test.dead", label="Dead", attempts=2)
    def dead(job, progress):
        return None

    living = running(alice, silent=30)
    first = running(alice, silent=61)
    last = running(alice, silent=61, attempt=2)
    assert sweep_jobs() == []
    for each in (living, first, last):
        each.refresh_from_db()
    assert [each.state for each in (living, first, last)] == ["running", "queued", "failed"]
    assert last.error == "The job was interrupted more than once and was given up. Nothing was changed."
    assert Message.objects.filter(topic="job.run", payload__job_id=first.pk).count() == 2
    assert run_job(first.pk) is True
    first.refresh_from_db()
    assert (first.state, first.attempt) == ("done", 2)


def test_the_sweeper_rings_again_for_a_job_that_no_worker_took(alice):
    @job("test.dead", label="Dead")
    def dead(job, progress):
        return None

    started = start_job("test.dead", actor=alice)
    assert sweep_jobs() == []
    Job.objects.filter(pk=started.pk).update(queued_at=timezone.now() - timedelta(seconds=61))
    assert sweep_jobs() == [started.pk]


def test_a_worker_taken_for_dead_commits_nothing(alice):
    @job("test.zombie", label="Zombie")
    def zombie(job, progress):
        if job.attempt == 1:  # meanwhile the sweeper gave the job to another worker, which is at it
            mark("2025-01-01")
            stored = Job.objects.get(pk=job.pk)
            advance(stored, "put_back", actor=SYSTEM)
            now = timezone.now()
            advance(stored, "begin", actor=SYSTEM, changes={"attempt": 2, "heartbeat_at": now})

    started = start_job("test.zombie", actor=alice)
    assert run_job(started.pk) is False
    assert SpecialDay.objects.count() == 0


@pytest.mark.parametrize("source", JobState.values)
@pytest.mark.parametrize("target", JobState.values)
def test_the_database_refuses_every_illegal_change_of_state(alice, source, target):
    @job("test.any", label="Any")
    def anything(job, progress):
        return None

    path = {
        "queued": [],
        "running": ["begin"],
        "done": ["begin", "finish"],
        "failed": ["fail"],
        "cancelled": ["cancel"],
    }[source]
    started = start_job("test.any", actor=alice)
    for name in path:
        advance(started, name, actor=SYSTEM, changes={"heartbeat_at": timezone.now()})
    change = Job.objects.filter(pk=started.pk)
    if source == target or (source, target) in JOB_MACHINE.pairs():
        with transaction.atomic():
            change.update(state=target, heartbeat_at=timezone.now())
    else:
        with pytest.raises(DatabaseError), transaction.atomic():
            change.update(state=target, heartbeat_at=timezone.now())


def test_the_message_rings_a_worker_after_its_own_commit(
    alice, monkeypatch, django_capture_on_commit_callbacks
):
    @job("test.ring", label="Ring")
    def ring(job, progress):
        return None

    rung = []
    monkeypatch.setattr(tasks.run, "apply_async", lambda args, **options: rung.append(args))
    started = start_job("test.ring", actor=alice)
    message = Message.objects.get(topic="job.run")
    with django_capture_on_commit_callbacks(execute=True):
        assert handle_message(message.pk) is True
    assert rung == [(started.pk,)]


def test_a_dead_broker_does_not_break_the_message(alice, monkeypatch, django_capture_on_commit_callbacks):
    @job("test.ring", label="Ring")
    def ring(job, progress):
        return None

    def dead(*args, **options):
        raise ConnectionError

    monkeypatch.setattr(tasks.run, "apply_async", dead)
    start_job("test.ring", actor=alice)
    with django_capture_on_commit_callbacks(execute=True):
        assert handle_message(Message.objects.get(topic="job.run").pk) is True


# --- progress, with real transactions
# ------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_progress_is_seen_while_the_job_runs():
    alice = User.objects.create_user("alice@example.org", "Harbour-7-lantern", name="Alice", language="en")
    seen: list[tuple[str, int, int | None, str, int]] = []
    go_on = threading.Event()

    @job("test.long", label="Long")
    def long(job, progress):
        mark("2025-01-01")
        progress(3, 10, "third")
        assert go_on.wait(20)

    started = start_job("test.long", actor=alice)

    def worker():
        try:
            run_job(started.pk)
        finally:
            connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    for _turn in range(200):
        now = Job.objects.get(pk=started.pk)
        if now.done:
            seen.append((now.state, now.done, now.total, now.message, SpecialDay.objects.count()))
            break
        time.sleep(0.05)
    go_on.set()
    thread.join()
    assert seen == [("running", 3, 10, "third", 0)]  # the figures are out, the effect is not
    started.refresh_from_db()
    assert (started.state, SpecialDay.objects.count()) == ("done", 1)


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_job_stops_at_its_next_sign_of_progress():
    alice = User.objects.create_user("alice@example.org", "Harbour-7-lantern", name="Alice", language="en")
    begun, turns = threading.Event(), []

    @job("test.endless", label="Endless")
    def endless(job, progress):
        mark("2025-01-01")
        for turn in range(400):
            turns.append(turn)
            progress(turn, 400)
            begun.set()
            time.sleep(0.05)

    started = start_job("test.endless", actor=alice)

    def worker():
        try:
            run_job(started.pk)
        finally:
            connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    assert begun.wait(20)
    cancel_job(started, actor=alice)
    thread.join(20)
    assert len(turns) < 100
    started.refresh_from_db()
    assert (started.state, SpecialDay.objects.count()) == ("cancelled", 0)


def test_progress_costs_next_to_nothing(alice):
    held = Job(pk=0, attempt=1)
    progress = Progress(held)
    begin = time.perf_counter()
    for number in range(200_000):
        progress(number, 200_000)
    assert time.perf_counter() - begin < 1
    progress._stopped.set()
    with pytest.raises(Stopped):
        progress(1)


def test_a_result_is_its_owners_alone(client, alice, charlie):
    @job("test.mine", label="Mine")
    def mine(job, progress):
        return store_document(PDF, actor=alice, subject=job, kind="result", name="mine.pdf")

    started = start_job("test.mine", actor=alice)
    run_job(started.pk)
    address = Document.objects.get().get_absolute_url()
    client.force_login(charlie)
    assert client.get(address).status_code == 404
    client.force_login(alice)
    assert client.get(address).status_code == 200
