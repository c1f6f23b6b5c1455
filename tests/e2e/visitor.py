"""A person at their own browser: opens pages, reads and fills them in their language, and notes what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.utils import translation
from playwright.sync_api import Browser, Locator, Page, Response

from park_portal.core.accounts.models import User
from tests.browser import accessibility_violations, new_context, parts_of, screenshot
from tests.personas import PASSWORD
from tests.stack import Stack

LOCALES = {"zh-hans": "zh-CN", "en": "en-US"}
NUMBERS = re.compile(r"[0-9a-f-]{36,}|\d+")


@dataclass
class Findings:
    """What is wrong with the pages that were visited: told all together at the end."""

    # Whether colours are looked at, too: once, since they know no language.
    contrast: bool = True
    # The pages that were looked at, and the parts of which they were made.
    looked_at: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def report(self) -> str:
        return "\n".join(dict.fromkeys(self.wrong))


def let_in(user: User) -> User:
    """Give a person made by a test a password that the running portal can check."""
    hasher = Argon2PasswordHasher()
    user.password = hasher.encode(PASSWORD, hasher.salt())
    user.save(update_fields=["password"])
    return user


class Visitor:
    """One person's browser."""

    def __init__(
        self,
        name: str,
        *,
        browser: Browser,
        stack: Stack,
        language: str,
        findings: Findings,
        **options: Any,
    ) -> None:
        self.name, self.stack, self.language, self.findings = name, stack, language, findings
        self.context = new_context(browser, language=LOCALES[language], **options)
        self.runs_scripts = options.get("java_script_enabled", True)
        self.page: Page = self.context.new_page()
        self.page.on("response", self._answered)

    def close(self) -> None:
        self.findings.wrong += [f"{self.name}: {text}" for text in self.page.complaints]  # type: ignore[attr-defined]
        self.context.close()

    def _answered(self, response: Response) -> None:
        if response.status >= 500 or (response.status == 404 and "/static/" in response.url):
            self.findings.wrong.append(f"{self.name}: {response.status} {response.url}")

    # --- words ------------------------------------------------------------------------------------------------------

    def say(self, text: str, context: str = "", **values: Any) -> str:
        """Return a text of the portal in this person's language."""
        with translation.override(self.language):
            found = translation.pgettext(context, text) if context else translation.gettext(text)
        return found % values if values else found

    def say_many(self, one: str, many: str, count: int) -> str:
        with translation.override(self.language):
            return translation.ngettext(one, many, count)

    def both(self, zh: str, en: str) -> str:
        """Return what this person writes: the first in Chinese, the second in English."""
        return zh if self.language == "zh-hans" else en

    # --- going about ------------------------------------------------------------------------------------------------

    def open(self, address: str, *, look: bool = True) -> Visitor:
        """Open a page of the portal, or the address in a mail."""
        self.page.goto(address if address.startswith("http") else self.stack.url + address)
        if look:
            self.look()
        return self

    @contextmanager
    def going(self) -> Iterator[None]:
        """Wait for the page to which what happens inside leads, and look at it."""
        with self.page.expect_navigation():
            yield
        self.look()

    def press(self, text: str, *, within: Locator | None = None, role: Any = "button") -> None:
        """Press the button with this name, and look at the page it leads to."""
        with self.going():
            self.find(text, within=within, role=role).click()

    def follow(self, text: str, *, within: Locator | None = None) -> None:
        """Follow the link with this name."""
        self.press(text, within=within, role="link")

    def follow_download(self, text: str) -> None:
        """Press a link that leads to a file, not to a page."""
        self.page.get_by_role("link", name=text).first.click()

    def find(self, text: str, *, within: Locator | None = None, role: Any = "button") -> Locator:
        return (within or self.page).get_by_role(role, name=text, exact=True).first

    def fill(self, **values: Any) -> None:
        """Fill fields by their names; True and False tick and untick."""
        for name, value in values.items():
            fields = self.page.locator(f"[name='{name}']:not([type=hidden])")
            kind = fields.first.get_attribute("type")
            if isinstance(value, bool):
                fields.first.set_checked(value)
            elif kind in ("radio", "checkbox"):
                self.page.locator(f"[name='{name}'][value='{value}']").check()
            elif fields.first.evaluate("one => one.tagName") == "SELECT":
                fields.first.select_option(str(value))
            else:
                fields.first.fill(str(value))

    def sees(self, text: str, *, within: Locator | None = None) -> None:
        """Wait until the text is on the page; fails when it does not come."""
        (within or self.page).get_by_text(text).first.wait_for()

    def path(self) -> str:
        return self.page.url.removeprefix(self.stack.url)

    def wait(self, condition: Callable[[], Any], what: str, *, seconds: float = 30) -> None:
        """Wait for something that happens elsewhere; fails with the logs when it does not."""
        if not self.stack.wait(condition, seconds=seconds):
            pytest.fail(f"Waited {seconds} seconds in vain: {what}\n{self.stack.logs(8)}")

    # --- looking ----------------------------------------------------------------------------------------------------

    def look(self, state: str = "") -> None:
        """Let axe look at the page as it is now; where it did before, only at the parts that it has not seen anywhere."""
        page = self.page
        page.wait_for_load_state("load")
        if not self.runs_scripts:  # Nor would axe run.
            return
        place = NUMBERS.sub("#", re.split("[?#]", self.path())[0])
        parts = parts_of(page)
        new = {part for part in parts if f"{part}{state}" not in self.findings.parts}
        known = place in self.findings.looked_at
        if known and not new:
            return
        self.findings.looked_at.add(place)
        self.findings.parts |= {f"{part}{state}" for part in new}
        if page.locator("main, [role=main], #content, #main").count() == 0:
            self.findings.wrong.append(f"{self.name} {self.path()}: not a page of the portal")
        for found in accessibility_violations(
            page,
            only_serious="/admin/" in page.url,
            parts=new if known else None,
            contrast=self.findings.contrast,
        ):
            self.findings.wrong.append(
                f"{self.name} {self.path()}: {found['rule']} ({found['impact']}): {found['help']} {found['elements'][:3]}"
            )

    def picture(self, name: str) -> None:
        screenshot(self.page, name)

    # --- the door ---------------------------------------------------------------------------------------------------

    def sign_in(self, user: User | str, *, to: str = "/", password: str = PASSWORD) -> Visitor:
        """Sign in by the page, as everyone does."""
        email = user if isinstance(user, str) else user.email
        self.open(f"/accounts/login/?next={to}")
        self.fill(login=email, password=password)
        self.press(self.say("Sign in"), within=self.page.locator("main"))
        assert "/accounts/" not in self.page.url, self.page.locator("main").inner_text()
        return self

    def sign_up(self, email: str, name: str) -> None:
        """Create an account on the page that is open, follow the mail, and sign in."""
        self.fill(name=name, email=email, password1=PASSWORD, password2=PASSWORD)
        self.press(self.say("Create an account"), within=self.page.locator("main"))
        self.sees(self.say("Check your mail"))
        before = len(self.stack.mails(to=email))
        mail = self.stack.wait_for_mail(to=email, after=max(0, before - 1))
        links = [link for link in self.stack.links(mail) if "/confirm-email/" in link]
        assert links, mail.text
        self.open(links[0])
        with self.going():
            self.page.locator("main form button[type=submit]").first.click()
