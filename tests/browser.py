"""A real browser for tests: the system's Chromium, driven by Playwright, and axe to look at each page."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
# The one without a window of its own comes first: it takes a third less of the processor.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What the policy of a page forbade in this test, whichever page it was: no test that passes has any.
FORBIDDEN: list[str] = []
SCREENSHOTS = Path(__file__).resolve().parent.parent / ".local" / "screenshots"


def chromium() -> str:
    """The path of the system's Chromium. Fails the test when there is none: a test that is skipped proves nothing."""
    for name in (os.environ.get("PARK_CHROMIUM", ""), *NAMES):
        found = shutil.which(name) if name else None
        if found:
            return found
    pytest.fail(
        "The browser tests need Chromium. `make test` installs it where it may; or set PARK_CHROMIUM."
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for the whole run."""
    # Playwright's loop runs in this thread; Django would take that for asynchronous code and refuse the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield running
        running.close()


@pytest.fixture(autouse=True)
def nothing_forbidden() -> Iterator[None]:
    """Fails a test in which any page of any browser tried what its Content-Security-Policy forbids."""
    FORBIDDEN.clear()
    yield
    assert FORBIDDEN == []


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own, 1366 px wide, in Chinese; what its scripts complain about fails the test."""
    context = new_context(browser)
    one = context.new_page()
    yield one
    complaints = one.complaints  # type: ignore[attr-defined]
    context.close()
    assert complaints == []


def new_context(
    browser: Browser, *, language: str = "zh-CN", width: int = 1366, height: int = 900, **options: Any
) -> BrowserContext:
    """A context like a person's own browser: nothing shared with another person's."""
    context = browser.new_context(
        locale=language, timezone_id="Asia/Shanghai", viewport={"width": width, "height": height}, **options
    )
    context.set_default_timeout(15_000)
    context.on("page", _listen)
    context.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error("
        "`Content-Security-Policy ${e.effectiveDirective}: ${e.blockedURI} ${e.sourceFile}:${e.lineNumber} ${e.sample}`))"
    )
    return context


def _listen(page: Page) -> None:
    complaints: list[str] = []
    page.complaints = complaints  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("console", lambda message: _said(page, message))


# What the test asked for itself, and requests for an element that a newer answer has replaced: htmx gives them up.
NO_COMPLAINTS = ("Failed to load resource", ": htmx:afterRequest,", ": htmx:sendAbort,")


def _said(page: Page, message: ConsoleMessage) -> None:
    text = f"{page.url}: {message.text}"
    # Also where the browser reports it as less than an error.
    if "Content-Security-Policy" in text or "Content Security Policy" in text:
        FORBIDDEN.append(text)
        page.complaints.append(text)  # type: ignore[attr-defined]
    elif message.type == "error" and not any(said in text for said in NO_COMPLAINTS):
        page.complaints.append(text)  # type: ignore[attr-defined]


# What an element is, for axe: most pages are made of the same parts.
PART = "one => one.tagName + '.' + one.className"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = f"""([parts, rules, contrast]) => axe.run(
    parts ? {{include: [...document.querySelectorAll('*')].filter(one => parts.includes(({PART})(one)))}} : document,
    {{resultTypes: ['violations'], runOnly: rules, rules: {{'color-contrast': {{enabled: contrast}}}}}}
)"""


def parts_of(page: Page) -> set[str]:
    """The kinds of elements that the page is made of."""
    return set(page.evaluate(f"() => [...new Set([...document.querySelectorAll('*')].map({PART}))]"))


def accessibility_violations(
    page: Page, *, only_serious: bool = False, parts: set[str] | None = None, contrast: bool = True
) -> list[dict[str, Any]]:
    """What axe finds on this page, or in these parts of it: rule, impact, and the elements.

    `only_serious` leaves out what is minor; `contrast` off, what takes axe longest and is the same in every language.
    """
    page.evaluate(AXE.read_text())
    result = page.evaluate(LOOK, [sorted(parts) if parts else None, RULES, contrast])
    return [
        {
            "rule": one["id"],
            "impact": one["impact"],
            "help": one["help"],
            "elements": [node["html"][:200] for node in one["nodes"][:5]],
        }
        for one in result["violations"]
        if not only_serious or one["impact"] in ("serious", "critical")
    ]


def assert_accessible(page: Page) -> None:
    """No violation on the portal, none serious on the staff admin."""
    found = accessibility_violations(page, only_serious="/admin/" in page.url)
    assert found == [], f"{page.url}: {found}"


def screenshot(page: Page, name: str) -> Path:
    """Keep a picture of the whole page under .local/screenshots/."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=str(path), full_page=True)
    return path
