"""A short link in a real browser: the site she came from survives the redirect, as an origin and no more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response
from werkzeug.serving import make_server

from listkeeper import store
from listkeeper.audience import source
from listkeeper.audience.source import Channel
from tests.browser.watched import watched
from tests.makers import cafe

pytestmark = pytest.mark.whole_program


@pytest.fixture
def sites(app: Flask) -> Iterator[tuple[str, str]]:
    """The instance, and a page on another origin that links to it."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    ours = f"http://127.0.0.1:{server.server_port}"
    page = Response(f'<a href="{ours}/s/ig-bio">our letters</a>', content_type="text/html")
    elsewhere = make_server("127.0.0.1", 0, page, threaded=True)
    running = [threading.Thread(target=each.serve_forever, daemon=True) for each in (server, elsewhere)]
    for thread in running:
        thread.start()
    yield ours, f"http://localhost:{elsewhere.server_port}"
    for each in (server, elsewhere):
        each.shutdown()
        each.server_close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("javascript", [True, False])
def test_the_form_knows_which_site_led_to_it(
    app: Flask, chromium: Path, sites: tuple[str, str], *, javascript: bool
) -> None:
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        source.create(session, made.form, name="Bio", channel=Channel.INSTAGRAM, slug="ig-bio")
    ours, elsewhere = sites
    with watched(chromium) as people, people.context(javascript=javascript) as reader:
        page = reader.new_page()
        page.goto(f"{elsewhere}/somebody?secret=1")
        page.get_by_role("link").click()
        page.wait_for_url(f"{ours}/f/news?s=ig-bio")
        assert page.locator("input[name=r]").get_attribute("value") == elsewhere
        assert page.locator("input[name=s]").get_attribute("value") == "ig-bio"
        assert reader.cookies() == []
        people.demand_calm()
