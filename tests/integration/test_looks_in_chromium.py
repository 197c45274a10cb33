"""Each look in the machine's Chromium, and the numbers of the phone check against those that Chromium measures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from flask import Flask
from lxml import html as lxml_html
from playwright.sync_api import Page
from sqlalchemy.orm import Session

from listkeeper import store, web
from listkeeper.accounts import storefront
from listkeeper.audience import confirmation, signup_form
from listkeeper.audience.forms.form_design import Design, Fact, Look, Onward
from listkeeper.rendering import form_snapshot, look, phone_check
from listkeeper.rendering.css.cascade import Cascade
from tests.browser.served import served
from tests.browser.watched import NARROWEST, watched
from tests.makers import cafe, studio
from tests.makers.cafe import Cafe

pytestmark = pytest.mark.whole_program

ACCENT = "#e0a43c"
TOLD = {
    "phone": "+48 12 345 67 89", "place": "ul. Piekarska 1, 31-067 Kraków", "time_zone": "Europe/Warsaw",
    "links": "https://www.instagram.com/piekarnia\nhttps://www.facebook.com/piekarnia", "holidays": "W Wigilię do 13.",
    "mon_opens": "6:00", "mon_shuts": "12:00", "mon_opens_2": "13:00", "mon_shuts_2": "18:30", "shut": "2099-12-24",
    "sat_opens": "6:00", "sat_shuts": "14:00",
}  # fmt: skip
# What a person can see of an element: its words' colour, the ground below, its letters, its height and its edge.
_MEASURED = """(query) => [...document.querySelectorAll(query)].map((element) => {
  const hex = (said) => {
    const [red, green, blue, seen = 1] = said.match(/[\\d.]+/g).map(Number);
    return seen ? "#" + [red, green, blue].map((n) => n.toString(16).padStart(2, "0")).join("") : "";
  };
  let ground = "";
  for (let each = element; each && !ground; each = each.parentElement) {
    ground = hex(getComputedStyle(each).backgroundColor);
  }
  const style = getComputedStyle(element);
  const high = element.getBoundingClientRect().height;
  return [hex(style.color), ground, parseFloat(style.fontSize), high, hex(style.borderTopColor)];
})"""
_TAPPED = ("input[type=email]", "button", ".button", ".ways a", "footer a")
_READ = ("h1", ".lead", ".gets li", ".terms dt", ".agree p", ".now", ".hours th", ".shop h2", "header", "footer p")


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application on loopback, in a bakery with one form a look, in Polish, whose words are long."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session, spoken="pl", list_name="Wiadomości z piekarni")
        storefront.tell(session, made.organisation, storefront.read(made.organisation, TOLD))
        signup_form.create(session, made.organisation, made.mailing_list, spoken="da")
        for kind in Look:
            _make(session, made, kind)
    with served(app) as place:
        yield place


def _make(session: Session, made: Cafe, kind: Look) -> None:
    design = Design(
        look=kind, accent=ACCENT, intro="Prosto z pieca, w każdy czwartek", gets=("Chleb tygodnia", "Bułka"),
        frequency="W czwartki", answers="Odpowiadamy w ciągu dnia", shows=frozenset(Fact),
    )  # fmt: skip
    form = signup_form.create(session, made.organisation, made.mailing_list, spoken="pl")
    form.slug = kind.value
    session.flush()
    words = replace(signup_form.starter(made.organisation, made.mailing_list, "pl"), design=design)
    signup_form.publish_words(session, made.organisation, form, words, show=form_snapshot.page_of)


@pytest.mark.timeout(180)
def test_every_look_is_calm_narrow_light_and_dark_and_measured_rightly(chromium: Path, site: str) -> None:
    with watched(chromium) as people, people.context(size={"width": NARROWEST, "height": 640}) as reader:
        page = reader.new_page()
        for kind in Look:
            page.goto(f"{site}/f/{kind.value}")
            weight = page.evaluate(
                'performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))'
                ".reduce((sum, entry) => sum + entry.transferSize, 0)"
            )
            assert weight <= 15 * 1024
            people.inspect(page, kind.value)
            for scheme in ("light", "dark"):
                _compare(page, kind, scheme)
        assert reader.cookies() == []
        people.demand_calm()


def _compare(page: Page, kind: Look, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    public = (Path(web.__file__).parent / "static" / "public.css").read_text()
    tree = lxml_html.document_fromstring(page.content())
    ours = Cascade(tree, [public, look.css(kind, ACCENT)], NARROWEST, dark=scheme == "dark")
    assert ours.unread == []
    compared = 0
    for query in (*_TAPPED, *_READ):
        elements = tree.cssselect(query)
        for element, (colour, ground, font, height, edge) in zip(
            elements, page.evaluate(_MEASURED, query), strict=True
        ):
            where = (kind.value, scheme, query)
            assert (ours.colour(element), ours.ground(element)) == (colour, ground), where
            assert ours.font_px(element) == pytest.approx(font, abs=0.1), where
            if query in _TAPPED:
                # At least as high as computed, and no higher than one more line of words makes it.
                assert ours.height_px(element) - 0.6 <= height <= ours.height_px(element) + 2 * font, where
            if element.tag == "input":
                assert phone_check.as_edge(ours, element) == edge, where
            compared += 1
    assert compared > 25


@pytest.mark.timeout(180)
def test_the_builder_and_its_pages_are_calm_and_show_what_is_typed(chromium: Path, app: Flask, site: str) -> None:
    with app.app_context(), store.reading() as session:
        form = f"{site}/studio/forms/{studio.the_cafe(session).form.public_id}"
    with watched(chromium) as people, people.context() as owner:
        page = owner.new_page()
        page.goto(f"{site}/studio/enter/{studio.fresh_link(app)}")
        page.get_by_role("button").first.click()
        page.goto(f"{form}/draft")
        page.locator("[name=intro]").fill("Ciepły chleb")
        page.locator("[name=look][value=bold]").check()
        page.locator("[data-state=saved]").wait_for()
        page.locator("[data-shows=see]").click()
        frame = page.frame_locator("iframe[data-preview]:not(.coming)")
        frame.get_by_text("Ciepły chleb").wait_for()
        for name, address in (
            ("builder", f"{form}/draft"),
            ("publish", f"{form}/publish"),
            ("version", f"{form}/versions/1"),
            ("phone", f"{form}/phone"),
            ("storefront", f"{site}/studio/settings/storefront"),
            ("form", form),
        ):
            page.goto(address)
            people.inspect(page, name)
        page.goto(f"{form}/publish")
        page.locator("form[action$=publish] button").click()
        page.wait_for_url(form)
        page.goto(f"{site}/f/wiadomosci-z-piekarni")
        assert "Ciepły chleb" in page.content()
        people.demand_calm()


@pytest.mark.timeout(120)
def test_chromium_goes_on_at_once_only_after_the_button(chromium: Path, app: Flask, site: str) -> None:
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        design = Design(onward_url="https://cafe.example/menu", onward=Onward.AT_ONCE)
        words = replace(signup_form.starter(house.organisation, house.mailing_list, "pl"), design=design)
        signup_form.publish_words(session, house.organisation, house.form, words, show=form_snapshot.page_of)
        token = confirmation.token_of(cafe.sign_up(session, house, "anna@people.example"))
    with watched(chromium) as people, people.context() as reader:
        page, asked = reader.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{site}/c/{token}")
        assert "https://cafe.example/menu" not in asked
        # The policy of the page holds redirects too: one that did not name this origin would stop here.
        with page.expect_request("https://cafe.example/menu", timeout=10_000):
            page.get_by_role("button").first.click(no_wait_after=True)
