"""The whole story in real browsers against the running portal: from the call to the award, in Chinese and in English."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser

from tests.browser import screenshot
from tests.e2e import steps
from tests.e2e.silence import told_of_people
from tests.e2e.steps import Story
from tests.e2e.visitor import Findings
from tests.stack import Stack

CHAPTERS = (
    steps.build_call,
    steps.startup_applies,
    steps.team_applies,
    steps.screening,
    steps.liaison_endorses,
    steps.experts_review,
    steps.decision,
    steps.verify_record,
)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_from_the_call_to_the_award(live_stack: Stack, browser: Browser, language: str):
    findings = Findings(contrast=language == "zh-hans")
    story = Story(live_stack, browser, language, findings)
    try:
        for chapter in CHAPTERS:
            began = time.monotonic()
            chapter(story)
            print(f"{chapter.__name__}: {time.monotonic() - began:.1f} s")  # noqa: T201
    except BaseException:
        for name, visitor in story.visitors.items():
            screenshot(visitor.page, f"story-{story.tag}-{name}")
        print(findings.report())  # noqa: T201
        raise
    finally:
        for name in list(story.visitors):
            story.leave(name)
    assert not findings.wrong, findings.report()
    assert told_of_people(live_stack) == []
