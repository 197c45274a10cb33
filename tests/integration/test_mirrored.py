"""Right to left: every public page and mail in a mirrored Chromium, as a language with that direction would have it.

No language of ours is written so yet. The direction alone is turned here; the words stay, and the layout must follow.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select

from listkeeper import store
from listkeeper.audience import answering, confirmation, topic, unsubscribe
from listkeeper.foundation import language, signing
from listkeeper.rendering import guidance, inbox_help, notice, primary_tab
from listkeeper.sending import composing, house, notices, planning
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.prepared import Prepared
from tests.browser.served import served
from tests.browser.watched import NARROWEST, PHONE, watched
from tests.makers import cafe
from tests.makers.cafe import LETTER

pytestmark = pytest.mark.whole_program

_WORDS = f"""{LETTER}
> Rye bread, dark and sour.

- one
- two

| Bread | Price |
|---|---|
| Rye | 40 |
"""
_SIDE = """(selector) => {
    const style = getComputedStyle(document.querySelector(selector));
    return [style.borderLeftWidth, style.borderRightWidth, style.paddingLeft, style.paddingRight];
}"""


@pytest.fixture
def mirrored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Turn the direction of every language, and forget what was laid out before and after."""
    monkeypatch.setattr(language, "direction", lambda _code: "rtl")
    kept = (notice._frames, inbox_help.of, guidance.block)  # noqa: SLF001 - a page laid out before would keep its direction
    for made in kept:
        made.cache_clear()
    composing._kept.clear()  # noqa: SLF001 - so would a letter
    yield
    for made in kept:
        made.cache_clear()
    composing._kept.clear()  # noqa: SLF001 - so would a letter


@pytest.fixture
def site(app: Flask, mirrored: None) -> Iterator[str]:
    """The application on loopback, mirrored."""
    del mirrored
    with served(app) as place:
        yield place


@pytest.fixture
def pages(app: Flask, site: str) -> dict[str, str]:
    """The pages a reader meets, in German, whose words are long."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session, spoken="de", list_name="Neuigkeiten aus der Bäckerei")
        for name in ("Brot", "Kuchen"):
            topic.add(session, made.mailing_list, name)
        anna = cafe.subscribe(session, made, "anna@gmail.com")
        waiting = confirmation.token_of(cafe.sign_up(session, made, "bo@shop.example"))
        known = cafe.sign_up(session, made, "cleo@gmail.com")
        done = confirmation.token_of(known)
        answering.confirm(session, done)
        planning.send_campaign(session, made.organisation, cafe.draft(session, made, markdown=_WORDS), site=site)
        row = session.scalars(select(Delivery).where(Delivery.subscriber_id == anna.id)).one()
        return {
            "form": f"/f/{made.form.slug}",
            "confirm": f"/c/{waiting}",
            "thanks": f"/c/{done}",
            "not me": f"/n/{waiting}",
            "help": "/inbox-help?language=de",
            "leave": f"/u/{unsubscribe.token_for(row.id)}",
            "preferences": f"/p/{signing.token('preferences', row.id)}",
            "why": f"/y/{signing.token('why', row.id)}",
            "letter": f"/w/{signing.token('web-view', row.id)}",
        }


def _demand_no_sideways_scroll(page: Page, name: str) -> None:
    for width in (NARROWEST, PHONE["width"], 1280):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name}: {wide} px wide at {width} px"
        # In a mirrored page what sticks out to the left could be scrolled to.
        page.evaluate("window.scrollTo(-500, 0)")
        assert page.evaluate("window.scrollX") == 0, f"{name}: scrolls to the left at {width} px"


def _sides(page: Page, selector: str) -> tuple[list[str], list[str]]:
    left_edge, right_edge, left_pad, right_pad = page.evaluate(_SIDE, selector)
    return [left_edge, right_edge], [left_pad, right_pad]


@pytest.mark.timeout(180)
def test_every_page_is_mirrored_and_stays_within_the_screen(chromium: Path, site: str, pages: dict[str, str]) -> None:
    with watched(chromium) as people, people.context() as reader:
        page = reader.new_page()
        for name, path in pages.items():
            page.goto(f"{site}{path}")
            assert page.evaluate("document.dir") == "rtl", name
            _demand_no_sideways_scroll(page, name)
            if name != "letter":
                people.inspect(page, f"{name}, mirrored")
        page.goto(f"{site}{pages['thanks']}")
        (bare, edge), _ = _sides(page, ".note")
        assert (bare, edge) == ("0px", "4px")
        _, (left, right) = _sides(page, "ol")
        assert (left, right) == ("0px", "22px")
        turned = page.evaluate("getComputedStyle(document.querySelector('.device img')).transform")
        assert turned == "matrix(-1, 0, 0, 1, 0, 0)"
        # The picture stands where a reader begins: to the right of its steps.
        beside = page.evaluate(
            "[document.querySelector('.device img'), document.querySelector('.device ol')]"
            ".map((element) => element.getBoundingClientRect().left)"
        )
        assert beside[0] > beside[1]
        page.goto(f"{site}{pages['preferences']}")
        _, (left, right) = _sides(page, ".of-it")
        assert (left, right) == ("0px", "28px")
        page.goto(f"{site}{pages['form']}")
        trap = page.evaluate("document.querySelector('.elsewhere').getBoundingClientRect().left")
        assert trap >= page.viewport_size["width"]  # type: ignore[index]
        people.demand_calm()


def _mail(app: Flask, site: str, wanted: str) -> email.message.EmailMessage:
    with app.app_context(), store.reading() as session:
        rows = session.scalars(select(Delivery).order_by(Delivery.id)).all()
        row = next(each for each in rows if (each.revision_id is not None) == (wanted == "letter"))
        if wanted == "letter":
            prepared = composing.preparer(site)(session, [row])[row.id]
        else:
            prepared = notices.prepare(session, row, house.of(session, row.organisation_id, site))
        assert isinstance(prepared, Prepared)
        raw = prepared.compose("anna@gmail.com")
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, email.message.EmailMessage)
    return parsed


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("wanted", "quote"), [("letter", ".letter blockquote"), ("question", ".quote")])
def test_every_mail_is_mirrored_where_mail_programs_know_no_logical_sides(
    app: Flask, pages: dict[str, str], chromium: Path, *, wanted: str, quote: str
) -> None:
    del pages
    if wanted == "question":
        with app.app_context(), store.transaction() as session:
            asked = session.scalars(select(confirmation.Confirmation).order_by(confirmation.Confirmation.id)).first()
            assert asked is not None
            planning.mail_confirmation(session, asked.id)
    part = _mail(app, "https://mail.cafe.example", wanted).get_body(("html",))
    assert part is not None
    html = str(part.get_content())
    assert 'lang="de" dir="rtl"' in html
    assert "border-left" not in html
    with watched(chromium) as people, people.context(javascript=True) as reader:
        page = reader.new_page()
        page.set_content(html)
        _demand_no_sideways_scroll(page, wanted)
        (left, right), (_, pad) = _sides(page, quote)
        assert (left, right) == ("0px", "3px")
        assert pad in {"16px", "18px"}
        if wanted == "letter":
            assert page.evaluate("getComputedStyle(document.querySelector('.letter th')).textAlign") == "right"
            assert _sides(page, ".letter ul")[1] == ["0px", "26px"]
            assert page.evaluate("document.querySelector('.tab').dir") == "rtl"


def test_left_to_right_is_as_it_was(app: Flask) -> None:
    """The other direction must not leak: without the turn every side is where it always was."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        cafe.subscribe(session, made, "anna@shop.example")
        planning.send_campaign(
            session, made.organisation, cafe.draft(session, made, markdown=_WORDS), site="https://x.example"
        )
    part = _mail(app, "https://x.example", "letter").get_body(("html",))
    assert part is not None
    html = str(part.get_content())
    assert 'dir="ltr"' in html
    assert "border-right" not in html
    assert primary_tab.block("en").direction == "ltr"
