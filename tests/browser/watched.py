"""A browser that is watched: it asks nobody else, breaks no policy, scrolls nothing sideways, and axe is content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, sync_playwright

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
NARROWEST = 320
_HOSTS = {"localhost", "127.0.0.1"}
# In the journey a page may be looked at many times; each is inspected once per kind.
_GRAVE = {"serious", "critical"}
# In the dark a page is the same but for its colours, so that only what looks at those is asked again.
_OF_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
_FAULTS_ALONE = {"resultTypes": ["violations"]}


@dataclass
class Watched:
    """What went wrong on any page so far, and which pages were inspected."""

    browser: Browser
    faults: list[str] = field(default_factory=list)
    inspected: list[str] = field(default_factory=list)

    @contextmanager
    def context(
        self, *, javascript: bool = True, size: dict[str, int] | None = None, agent: str | None = None
    ) -> Iterator[BrowserContext]:
        """Open a person's browser of its own, without what others left in theirs."""
        opened = self.browser.new_context(
            viewport=size or PHONE,  # type: ignore[arg-type]
            java_script_enabled=javascript,
            user_agent=agent,
            has_touch=True,
            reduced_motion="reduce",
        )
        opened.route("**/*", self._guard)
        opened.on("page", self._listen)
        try:
            yield opened
        finally:
            opened.close()

    def _guard(self, route: Route) -> None:
        host = urlsplit(route.request.url).hostname
        if host in _HOSTS or route.request.url.startswith(("data:", "blob:")):
            route.continue_()
            return
        self.faults.append(f"asked {route.request.url}")
        route.abort()

    def _listen(self, page: Page) -> None:
        page.on("console", lambda message: self._heard(page, message))
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))

    def _heard(self, page: Page, message: ConsoleMessage) -> None:
        # A form that comes back with a sentence beside its field is answered with 422, which Chromium calls an error.
        if message.type == "error" and "status of 422" not in message.text:
            self.faults.append(f"{page.url}: {message.text}")

    def inspect(self, page: Page, name: str) -> None:
        """Look at a page in light and dark with axe, and at 320 px for sideways scrolling."""
        before = page.viewport_size
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=_FAULTS_ALONE | (_OF_COLOURS if scheme == "dark" else {}))
            for violation in found.response["violations"]:
                if violation["impact"] in _GRAVE:
                    where = [node["html"][:160] for node in violation["nodes"][:3]]
                    self.faults.append(f"{name} ({scheme}): {violation['id']}: {where}")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": NARROWEST, "height": 640})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > NARROWEST:
            self.faults.append(f"{name}: {wide} px wide at {NARROWEST} px")
        if before is not None:
            page.set_viewport_size(before)
        self.inspected.append(name)

    def demand_calm(self) -> None:
        """Fail with everything that was seen."""
        if self.faults:
            pytest.fail("\n".join(dict.fromkeys(self.faults)))


@contextmanager
def watched(chromium: Path) -> Iterator[Watched]:
    """Start the machine's Chromium without a sandbox of its own (the tests may run as root)."""
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        )
        try:
            yield Watched(browser)
        finally:
            browser.close()
