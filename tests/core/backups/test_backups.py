"""A backup holds everything, says what is wrong with it, and comes back row by row and file by file."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from park_portal.core.accounts.models import User
from park_portal.core.audit.models import Entry, Seal
from park_portal.core.audit.services import seal_entries
from park_portal.core.backups import services
from park_portal.core.backups.tasks import make_backup
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import store_document
from park_portal.core.workflow import SYSTEM
from tests import databases, factories
from tests.core.documents.samples import PDF
from tests.factories.core import make_user
from tests.laws.violations.rows import row

pytestmark = pytest.mark.xdist_group("backups")

OURS = {"core", "incubator", "funding"}


@pytest.fixture(scope="module")
def park(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Park]:
    """A park with rows in every table and two files, and one backup of it."""
    park = Park(
        f"{connection.settings_dict['NAME']}_backup",
        tmp_path_factory.mktemp("media"),
        tmp_path_factory.mktemp("backups"),
    )
    databases.copy_template(park.database)
    with django_db_blocker.unblock():
        with databases.connected_to(park.database, park.media):
            alice = make_user("Alice")
            for number in range(2):
                store_document(
                    PDF + b"%%%d" % number, actor=alice, subject=alice, kind="cv", name=f"履历 {number}.pdf"
                )
            for model in apps.get_models():
                if model._meta.app_label in OURS and model is not Seal and not model._base_manager.exists():
                    # A factory stores the files it speaks of; everything else is a row alone.
                    (factories.make if factories.has_factory(model) else row)(model._meta.label)
            while seal_entries():
                pass
            park.backup = services.make_backup(park.folder)
        yield park
    databases.drop(park.database, park.empty)


@dataclass
class Park:
    database: str
    media: Path
    folder: Path
    backup: services.Backup = None

    @property
    def empty(self) -> str:
        return f"{self.database}_restored"


@pytest.fixture
def place(park, tmp_path, django_db_blocker):
    """An empty database and an empty store, in which the test's connection is."""
    databases.make_empty(park.empty)
    with django_db_blocker.unblock(), databases.connected_to(park.empty, tmp_path / "media"):
        yield tmp_path / "media"


def contents() -> dict[str, str]:
    """Every row of every table, as one hash a table."""
    with connection.cursor() as cursor:
        found = {}
        for table in services.count_rows(cursor):
            cursor.execute(
                f"SELECT count(*), md5(coalesce(string_agg(t::text, E'\n' ORDER BY t::text), '')) FROM {table} t"
            )
            found[table] = cursor.fetchone()
    return found


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def copy_of(backup: services.Backup, folder: Path) -> Path:
    shutil.copytree(backup.path.parent, folder)
    return folder / backup.path.name


def test_everything_comes_back_row_by_row_and_file_by_file(park, place, capsys):
    call_command("restore", str(park.backup.path))
    assert "Restored and verified" in capsys.readouterr().out
    restored = contents()
    numbers = list(Document.objects.order_by("pk").values_list("pk", flat=True))
    assert make_user("Bob").pk > max(User.objects.exclude(name="Bob").values_list("pk", flat=True))
    assert (
        store_document(PDF, actor=SYSTEM, subject=User.objects.first(), kind="cv", name="a.pdf").pk
        > numbers[-1]
    )
    kept = files(place)
    with databases.connected_to(park.database, park.media):
        original = contents()
        # What the original has more is the entry that the backup itself left.
        assert Entry.objects.filter(action="backup.made").count() == 1
    differs = {table for table in original if original[table] != restored[table]}
    assert differs == {"core_entry"}
    assert original["core_entry"][0] == restored["core_entry"][0] + 1
    ours = {model._meta.db_table for model in apps.get_models() if model._meta.app_label in OURS}
    assert [table for table in ours if restored[table][0] == 0] == []
    assert {path: kept[path] for path in files(park.media)} == files(park.media)
    assert len(files(park.media)) >= 2


def test_a_place_that_is_not_empty_is_left_alone_unless_told(park, place):
    services.restore_backup(park.backup.path)
    with pytest.raises(CommandError, match="--replace"):
        call_command("restore", str(park.backup.path))
    Entry.objects.create(action="x", object_type="x", object_id="1", object_label="x", door="shell")
    assert services.restore_backup(park.backup.path, replace=True) == []
    assert Entry.objects.filter(action="x").count() == 0


def test_files_in_the_way_stop_it_before_anything_is_written(park, place):
    (place / "documents").mkdir(parents=True)
    (place / "documents" / "x").write_text("x")
    with pytest.raises(services.BackupError, match="not empty"):
        services.restore_backup(park.backup.path)
    with connection.cursor() as cursor:
        assert services.count_rows(cursor) == {}


@pytest.mark.parametrize("part", ["dump", "manifest", "file", "missing"])
def test_a_backup_that_was_touched_is_refused_before_anything_is_written(park, place, tmp_path, part):
    path = copy_of(park.backup, tmp_path / "copy")
    file = next((path.parent / services.FILES).glob("*/*"))
    target = {"dump": path / services.DUMP, "manifest": path / services.MANIFEST}.get(part, file)
    if part == "missing":
        target.unlink()
    else:
        content = bytearray(target.read_bytes())
        content[len(content) // 2] ^= 1
        target.write_bytes(content)
    with pytest.raises(services.BackupError, match=r"is not what was written|is not whole"):
        services.restore_backup(path)
    with connection.cursor() as cursor:
        assert services.count_rows(cursor) == {}
    assert not place.exists()


def test_rows_that_were_lost_on_the_way_are_noticed(park, place, tmp_path):
    path = copy_of(park.backup, tmp_path / "copy")
    manifest = json.loads((path / services.MANIFEST).read_text())
    manifest["database"]["tables"]["core_user"] += 1
    checksum = services._write(path / services.MANIFEST, json.dumps(manifest))
    services._write(path / services.SEAL, f"{checksum}\n")
    with pytest.raises(services.BackupError, match="rows differs in core_user"):
        services.restore_backup(path)


def test_another_secret_key_is_told(park, place, settings):
    settings.SECRET_KEY = "another" * 10
    (said,) = services.restore_backup(park.backup.path)
    assert said.startswith("SECRET_KEY is not the one")


class TestMaking:
    @pytest.fixture(autouse=True)
    def there(self, park, django_db_blocker):
        with django_db_blocker.unblock(), databases.connected_to(park.database, park.media):
            yield

    def test_the_entry_says_size_seconds_and_checksum(self, park):
        entry = Entry.objects.get(action="backup.made")
        assert (entry.facts["bytes"], entry.facts["checksum"], entry.facts["damaged"]) == (
            park.backup.size,
            park.backup.checksum,
            0,
        )
        assert entry.facts["name"] == park.backup.path.name
        assert entry.facts["seconds"] > 0

    def test_no_secret_is_in_it(self, park, settings, monkeypatch):
        assert list(park.backup.manifest["keys"]) == ["SECRET_KEY"]
        text = (park.backup.path / services.MANIFEST).read_text()
        assert settings.SECRET_KEY not in text
        assert services.fingerprint("SECRET_KEY", settings.SECRET_KEY) in text
        assert oct(park.backup.path.stat().st_mode)[-3:] == "700"

    def test_the_oldest_go_and_the_files_that_nobody_mentions(self, tmp_path, settings):
        settings.BACKUP_DIR, settings.BACKUP_KEEP = str(tmp_path), 2
        before = Entry.objects.filter(action="backup.made").count()
        (tmp_path / f"{services.PREFIX}half.part").mkdir()
        make_backup()
        first = services.backups_in(tmp_path)
        stray = tmp_path / services.FILES / "00" / "00ff"
        stray.parent.mkdir(exist_ok=True)
        stray.write_text("x")
        make_backup()
        make_backup()
        assert len(services.backups_in(tmp_path)) == 2
        assert first[0] not in services.backups_in(tmp_path)
        assert not stray.exists()
        assert not list(tmp_path.glob("*.part"))
        for path in services.backups_in(tmp_path):
            services.read_backup(path)
        assert Entry.objects.filter(action="backup.made").count() == before + 3

    def test_two_at_once_do_not_meet(self, tmp_path):
        with services._alone(tmp_path), pytest.raises(services.BackupError, match="Another backup"):
            services.make_backup(tmp_path)

    def test_a_file_that_is_gone_is_said_after_everything_else_was_saved(self, park, tmp_path, capsys):
        name = Document.objects.order_by("pk")[0].path
        with databases.connected_to(park.database, tmp_path / "media"):
            shutil.copytree(park.media, tmp_path / "media")
            (tmp_path / "media" / name).write_bytes(b"%PDF-1.7 something else")
            with pytest.raises(CommandError, match="1 files are missing"):
                call_command("backup", str(tmp_path / "backups"))
        (path,) = services.backups_in(tmp_path / "backups")
        manifest, _checksum = services.read_backup(path)
        assert list(manifest["damaged"]) == [name]
        assert name not in manifest["files"]

    def test_nothing_is_made_where_no_place_is_named(self, settings):
        settings.BACKUP_DIR = ""
        before = Entry.objects.count()
        make_backup()
        with pytest.raises(CommandError, match="BACKUP_DIR"):
            call_command("backup")
        assert Entry.objects.count() == before
