"""The audit trail: what is written stays, and what was touched is named."""

from __future__ import annotations

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError

from park_portal.core import context
from park_portal.core.audit import services
from park_portal.core.audit.models import Entry, Seal
from park_portal.core.audit.services import (
    GENESIS,
    SYSTEM,
    changes_of,
    erase_words,
    record,
    seal_entries,
    verify_chain,
)
from tests.factories.core import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user("Alice")


def write(alice, count=3):
    return [
        record("user.test", alice, actor=alice, before={"n": n}, after={"n": n + 1}) for n in range(count)
    ]


def touch(sql, params=()):
    """Change sealed rows as someone with the database's own rights would."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = 'replica'")
        cursor.execute(sql, params)
        cursor.execute("SET LOCAL session_replication_role = 'origin'")


def test_entry_says_who_what_and_from_where(alice):
    with context.origin(request_id="req-12345678", address="203.0.113.7", door="web", on_behalf_of=42):
        entry = record(
            "user.test", alice, actor=alice, before={"a": 1}, after={"a": 2}, reason="typo", empty=""
        )
    entry.refresh_from_db()
    assert (entry.actor_id, entry.on_behalf_of, entry.address, entry.door, entry.request_id) == (
        alice.pk,
        42,
        "203.0.113.7",
        "web",
        "req-12345678",
    )
    assert (entry.object_type, entry.object_id, entry.object_label) == ("core.user", str(alice.pk), "Alice")
    assert (entry.before, entry.after, entry.facts) == ({"a": 1}, {"a": 2}, {"reason": "typo"})


def test_the_portal_itself_is_nobody(alice):
    assert record("user.test", alice, actor=SYSTEM).actor_id is None


def test_null_bytes_do_not_break_an_entry(alice):
    entry = record("user.test", alice, actor=alice, after={"text": "a\x00b"})
    entry.refresh_from_db()
    assert entry.after == {"text": "ab"}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_entry SET action = 'x'",
        "DELETE FROM core_entry",
        "UPDATE core_seal SET digest = 'x'",
        "DELETE FROM core_seal",
    ],
)
def test_the_database_refuses_changes(alice, sql):
    write(alice)
    seal_entries()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert (Entry.objects.count(), Seal.objects.count()) == (3, 3)


def test_the_database_refuses_to_be_emptied(alice):
    write(alice)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL park.allow_truncate = 'off'")
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute("TRUNCATE core_entry CASCADE")
    assert Entry.objects.count() == 3


def test_sealing_is_in_order_and_only_once(alice):
    entries = write(alice)
    assert seal_entries(limit=2) == 2
    assert seal_entries() == 1
    assert seal_entries() == 0
    assert list(Seal.objects.order_by("position").values_list("position", "entry_id")) == [
        (1, entries[0].pk),
        (2, entries[1].pk),
        (3, entries[2].pk),
    ]


def test_intact_chain(alice):
    write(alice)
    seal_entries()
    record("user.later", alice, actor=alice)
    verdict = verify_chain()
    assert verdict.intact
    assert (verdict.sealed, verdict.unsealed) == (3, 1)
    assert verdict.head == Seal.objects.get(position=3).digest


def test_empty_chain_is_intact():
    assert verify_chain().head == GENESIS


def test_a_changed_entry_is_named(alice):
    entries = write(alice, 5)
    seal_entries()
    touch("UPDATE core_entry SET after = '{\"n\": 99}' WHERE id = %s", [entries[2].pk])
    verdict = verify_chain()
    assert (verdict.intact, verdict.broken_at, verdict.sealed) == (False, entries[2].pk, 2)


def test_a_deleted_entry_is_named(alice):
    entries = write(alice, 5)
    seal_entries()
    touch("DELETE FROM core_entry WHERE id = %s", [entries[3].pk])
    assert verify_chain().broken_at == entries[3].pk


def test_a_link_taken_out_is_found(alice):
    entries = write(alice, 5)
    seal_entries()
    touch("DELETE FROM core_seal WHERE position = 3")
    assert verify_chain().broken_at == entries[3].pk


def test_a_cut_end_is_found_with_an_exported_head(alice):
    write(alice, 5)
    seal_entries()
    head = verify_chain().head
    record("user.later", alice, actor=alice)
    seal_entries()
    assert verify_chain(expected_head=head).intact
    touch("DELETE FROM core_seal WHERE position >= 5")
    touch("DELETE FROM core_entry WHERE id IN (SELECT id FROM core_entry ORDER BY id DESC LIMIT 2)")
    assert verify_chain().intact
    assert not verify_chain(expected_head=head).intact


def test_command_prints_and_fails(alice, capsys):
    entries = write(alice)
    call_command("verify_audit", "--seal")
    assert "3 entries sealed, 0 not sealed yet" in capsys.readouterr().out
    touch("UPDATE core_entry SET action = 'user.other' WHERE id = %s", [entries[1].pk])
    with pytest.raises(CommandError, match=f"entry {entries[1].pk}"):
        call_command("verify_audit")


def test_changes_of_names_only_what_differs(alice):
    assert changes_of(alice, {"name": "Alicia", "phone": ""}) == ({"name": "Alice"}, {"name": "Alicia"})


def test_triggers_are_installed():
    names = {trigger.name for model, trigger in pgtrigger.registered() if model is Entry}
    assert names == {"audit_entry_append_only", "audit_entry_no_truncate", "audit_entry_acts_are_final"}


# --- words that the law makes the park erase


def seal_as_before():
    """Seal as the portal did before an entry's words had a fingerprint of their own."""
    last = Seal.objects.order_by("-position").first()
    position, previous = (last.position, last.digest) if last else (0, GENESIS)
    for entry in Entry.objects.exclude(pk__in=Seal.objects.values("entry_id")).order_by("pk"):
        position, previous = position + 1, services._digest_of_whole(previous, entry)
        Seal.objects.create(position=position, entry_id=entry.pk, digest=previous)


def forget(entry: Entry) -> bool:
    entry.object_label, entry.before, entry.after = "x", None, None
    return True


@pytest.mark.parametrize("seal", [seal_entries, seal_as_before])
def test_words_are_erased_and_the_chain_still_holds(alice, seal):
    entries = write(alice)
    seal()
    head = verify_chain().head
    assert erase_words(Entry.objects.filter(pk=entries[1].pk), forget, actor=SYSTEM, about=alice) == 1
    seal_entries()
    verdict = verify_chain(expected_head=head)
    assert (verdict.intact, verdict.sealed, verdict.erased) == (True, 4, 1)
    left = Entry.objects.get(pk=entries[1].pk)
    assert (left.object_label, left.before, left.after, left.salt) == ("x", None, None, "")
    assert (left.action, left.actor_id) == ("user.test", alice.pk)
    note = Entry.objects.get(action="audit.erase")
    assert list(note.facts["entries"]) == [str(entries[1].pk)]
    # What is left is sealed as well: to change it again is seen.
    touch("UPDATE core_entry SET object_label = 'y' WHERE id = %s", [entries[1].pk])
    assert verify_chain().broken_at == entries[1].pk


def test_who_did_what_cannot_be_erased(alice):
    entries = write(alice)
    seal_entries()

    def rewrite(entry: Entry) -> bool:
        entry.action = "user.other"
        return True

    erase_words(Entry.objects.filter(pk=entries[0].pk), rewrite, actor=SYSTEM, about=alice)
    assert Entry.objects.get(pk=entries[0].pk).action == "user.test"
    with (
        pgtrigger.ignore("core.Entry:audit_entry_append_only"),
        pytest.raises(DatabaseError, match="acts_are_final"),
        transaction.atomic(),
    ):
        Entry.objects.filter(pk=entries[0].pk).update(action="user.other")
    # And who gets round the database itself is named, though the chain says that the entry's words were erased.
    touch("UPDATE core_entry SET action = 'user.other' WHERE id = %s", [entries[0].pk])
    assert verify_chain().broken_at == entries[0].pk


def test_words_gone_without_a_note_in_the_chain_are_named(alice):
    entries = write(alice)
    seal_entries()
    touch("UPDATE core_entry SET after = NULL, salt = '' WHERE id = %s", [entries[2].pk])
    assert verify_chain().broken_at == entries[2].pk
