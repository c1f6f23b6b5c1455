"""The portal with all its processes: healthy together, and honest about a piece that died."""

from django.conf import settings
from django.core.cache.backends.redis import RedisCache

from park_portal import run
from park_portal.health import SILENCE
from tests.personas import person
from tests.stack import Stack

COUNT = "__import__('park_portal.core.models').core.models.User.objects.filter(pk={}).count()"


def test_mail_reaches_the_sink_and_can_be_read(live_stack: Stack):
    live_stack.manage("sendtestemail", "somebody@people.example")
    mail = live_stack.wait_for_mail(to="somebody@people.example")
    assert mail.sender == "portal@park.example"
    assert mail.text == "If you're reading this, it was successful.\r\n"


def test_page_of_kept_mails_shows_them(live_stack: Stack, page):
    live_stack.manage("sendtestemail", "reader@people.example")
    mail = live_stack.wait_for_mail(to="reader@people.example")
    page.goto(f"{live_stack.url}/local/mail/?to=reader")
    page.get_by_role("link", name=mail.subject).first.click()
    assert page.get_by_text("it was successful").first.is_visible()


def grow_old(stack: Stack, name: str) -> None:
    """As if it were long ago that the process left its sign of life: nobody waits for that here."""
    settings_of = {**settings.CACHES["default"], "KEY_PREFIX": stack.database}
    cache = RedisCache(settings_of.pop("LOCATION"), settings_of)
    key = f"health:{name}"
    cache.set(key, cache.get(key) - SILENCE - 1, timeout=60)


def test_a_worker_that_was_killed_is_missed_and_welcomed_back(live_stack: Stack):
    live_stack.stop("worker", kill=True)
    try:
        assert run.health(live_stack.port)["checks"]["worker"]["ok"]
        grow_old(live_stack, "worker")
        assert not run.health(live_stack.port)["checks"]["worker"]["ok"]
        assert run.health(live_stack.port)["status"] == "failing"
    finally:
        live_stack.start("worker")
    live_stack.wait_until_ready()


def test_rows_made_here_are_there_for_the_portal(live_stack: Stack):
    stranger = person("stranger")
    out = live_stack.manage("shell", "--no-imports", "-c", f"print({COUNT.format(stranger.pk)})")
    assert out.strip().splitlines()[-1] == "1"
