"""How the web processes run, in local mode and in production alike."""

import gc
import os
import time

bind = os.environ.get("WEB_BIND") or f"127.0.0.1:{os.environ.get('PORT') or '8000'}"
workers = int(os.environ.get("WEB_WORKERS") or 2)
threads = int(os.environ.get("WEB_THREADS") or 4)
worker_class = "gthread"
wsgi_app = "park_portal.wsgi:application"
preload_app = True
# Seconds that workers serve on without their master, while the next one loads the portal. Only where the socket is
# somebody else's (systemd's, the supervisor's of `make run`): the next master could not take it from them.
ORPHAN = 10 if os.environ.get("LISTEN_FDS") else 0
timeout = 60
graceful_timeout = 10
keepalive = 5
# The most there is: in a search each Chinese character takes nine bytes.
limit_request_line = 8190
max_requests = 20_000  # A slow leak in a library must not become an outage.
max_requests_jitter = 2_000
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
control_socket_disable = True
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS") or "127.0.0.1"
loglevel = os.environ.get("WEB_LOG_LEVEL") or "warning"


def when_ready(server) -> None:
    """Put all that was loaded so far beyond the collector's reach: a full collection then costs a few milliseconds."""
    gc.collect()
    gc.freeze()


def post_fork(server, worker) -> None:
    orphaned = 0.0

    def is_parent_alive() -> bool:
        nonlocal orphaned
        if os.getppid() == worker.ppid:
            return True
        orphaned = orphaned or time.monotonic()
        return time.monotonic() - orphaned < ORPHAN

    worker.is_parent_alive = is_parent_alive


# What it says of itself reads as the portal's own lines do: once Django is set up, its handlers take them.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "park_portal.core.logs.TextFormatter"},
        "json": {"()": "park_portal.core.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": os.environ.get("LOG_FORMAT")
            or ("json" if os.environ.get("PARK_MODE") == "production" else "text"),
        }
    },
    "loggers": {"gunicorn.error": {"handlers": ["console"], "level": loglevel.upper(), "propagate": False}},
}
