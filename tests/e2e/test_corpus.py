"""What was taken from somebody who means harm, opened in a browser: it is saved, never shown, and no script of it runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from playwright.sync_api import Browser, BrowserContext, Page, Route
from playwright.sync_api import Error as BrowserError

from park_portal.core.documents import formats, services
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import store_document
from tests.browser import FORBIDDEN, new_context
from tests.core.documents import corpus
from tests.e2e.test_autosave import sign_in
from tests.factories.core import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

# A page of somebody else's that tries to make the portal's files run, in every way a page has.
ELSEWHERE = "http://evil.example/"
TRAP = """<!doctype html><title>trap</title><script>window.onerror = () => {}; window.alert = () => document.title = 'ran'</script>"""
PARTS = (
    '<script src="{0}"></script><link rel="stylesheet" href="{0}"><iframe src="{0}"></iframe>'
    '<object data="{0}"></object><embed src="{0}"><img src="{0}">'
)


@pytest.fixture
def documents(settings, tmp_path, monkeypatch) -> tuple[Any, dict[str, Document]]:
    """Someone, and all of the corpus that was taken from them."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setitem(
        services.READERS, "core.user", [lambda user, document: str(user.pk) == document.subject_id]
    )
    owner = make_user()
    return owner, {
        case: store_document(
            ContentFile(corpus.made(given), name=name),
            actor=owner,
            subject=owner,
            kind="cv",
            allowed=frozenset(formats.FORMATS),
        )
        for case, (given, name) in corpus.ACCEPTED.items()
    }


@pytest.fixture
def ran() -> list[str]:
    return []


def watched(browser: Browser, live_server: Any, owner: Any, ran: list[str]) -> tuple[BrowserContext, Page]:
    context = new_context(browser, accept_downloads=True)
    sign_in(context, live_server.url, owner)
    page = context.new_page()
    page.on("dialog", lambda dialog: (ran.append(f"{page.url}: {dialog.message}"), dialog.dismiss()))
    return context, page


def test_what_was_taken_is_saved_and_runs_nowhere(browser: Browser, live_server: Any, documents, ran):
    owner, kept = documents
    context, page = watched(browser, live_server, owner, ran)
    page.goto(f"{live_server.url}/about/")
    for case, document in kept.items():
        # A navigation that becomes a download is none.
        refused = pytest.raises(BrowserError, match=r"Download is starting|ERR_ABORTED")
        with page.expect_download() as coming, refused:
            page.goto(f"{live_server.url}{document.get_absolute_url()}")
        assert coming.value.suggested_filename == document.name, case
        assert page.url == f"{live_server.url}/about/", case

    # A page elsewhere, without any policy, in the browser of the same person.
    parts = "".join(PARTS.format(f"{live_server.url}{one.get_absolute_url()}") for one in kept.values())
    context.route(ELSEWHERE, lambda route: route.fulfill(body=TRAP + parts, content_type="text/html"))
    page.goto(ELSEWHERE)
    page.wait_for_timeout(500)
    assert (page.title(), ran) == ("trap", [])
    context.close()


def test_even_a_browser_that_would_show_them_runs_nothing(browser: Browser, live_server: Any, documents, ran):
    """Without ``attachment``, as if a proxy had lost it: type, ``nosniff`` and ``sandbox`` hold by themselves."""
    owner, kept = documents
    context, page = watched(browser, live_server, owner, ran)

    def show(route: Route) -> None:
        answer = route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name != "content-disposition"}
        route.fulfill(response=answer, headers=headers)

    context.route("**/documents/**", show)
    shown = 0
    for document in kept.values():
        try:
            page.goto(f"{live_server.url}{document.get_absolute_url()}")
        except BrowserError:
            continue  # saved after all: this browser shows no such type
        shown += 1
        assert page.title() != "ran"
        page.wait_for_timeout(50)
    assert shown >= 5
    assert ran == []
    FORBIDDEN.clear()  # The browser's own frame around a picture, which the policy of a document does not let it style.
    context.close()


def test_the_trap_would_hold(browser: Browser, ran):
    """What the two above look for does happen where nothing forbids it."""
    context = new_context(browser)
    page = context.new_page()
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    context.route(ELSEWHERE, lambda route: route.fulfill(body=corpus.PAGE, content_type="text/html"))
    page.goto(ELSEWHERE)
    page.wait_for_timeout(200)
    assert (page.title(), "ran" in ran) == ("ran", True)
    context.close()
