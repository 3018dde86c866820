"""A real Chromium, from the system: nothing is downloaded."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> "Iterator[Browser]":
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        _give_up("No Chromium or Chrome is installed: install one to run the browser tests.")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _give_up("Playwright is not installed: pip install 'acquisition-funnel[browser]' to run the browser tests.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(SWITCHES))
        yield browser
        browser.close()


def _give_up(reason: str) -> None:
    """Skip, but never in continuous integration: there a browser that went missing would go unseen."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@dataclass
class Visit:
    """A page open in the browser, with every address it asked for and every complaint of the console."""

    page: "Page"
    width: int
    scheme: str = "light"
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def wait_for_charts(self) -> int:
        """Wait until every chart is drawn and return how many there are."""
        figures = self.page.locator("figure[data-chart]")
        for place in range(figures.count()):
            self.page.locator(f"figure[data-chart='{place + 1}'][data-state=drawn]").wait_for(timeout=20_000)
        return figures.count()

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return int(self.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth"))

    def show(self, scheme: str) -> None:
        """Turn the reader's theme to light or dark, and wait until the charts have followed."""
        before = self.colour_of_a_label()
        self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for _ in range(60 if scheme != self.scheme else 0):
            if self.colour_of_a_label() != before:
                break
            self.page.wait_for_timeout(50)
        self.scheme = scheme

    def colour_of_a_label(self) -> str:
        """Return the colour of the first words in a chart."""
        label = self.page.locator(".plot text, .still text").first
        return str(label.evaluate("(text) => getComputedStyle(text).fill"))


def violations(page: "Page") -> list[tuple[str, list[str]]]:
    """Return what axe finds to mend in a page: each rule, and the elements that break it."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in found]


@pytest.fixture(scope="session")
def visit(chromium: "Browser") -> Callable[..., AbstractContextManager[Visit]]:
    @contextmanager
    def open_(path: Path, *, width: int = 1280, script: bool = True, before: str = "") -> Iterator[Visit]:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, reduced_motion="reduce"
        )
        if before:
            context.add_init_script(before)
        visit = Visit(context.new_page(), width)
        visit.page.on("request", lambda request: visit.requests.append(request.url))
        visit.page.on("console", lambda message: visit.complaints.append(message.text))
        visit.page.on("pageerror", lambda problem: visit.complaints.append(str(problem)))
        visit.page.goto(path.as_uri())
        yield visit
        context.close()

    return open_
