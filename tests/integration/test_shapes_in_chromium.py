"""The shapes of a form on a stranger's site in the machine's Chromium: its policy names our host and nothing inline."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.watched import Watched
from tests.fakes.foreign_site import ForeignSite
from tests.makers import studio
from tests.makers.shapes import Shop

pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(180)]

_IN_APP = {
    "instagram": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 Instagram 334.0.0.42.95 (iPhone14,5; iOS 17_5; da_DK; da; scale=3.00; 1170x2532; 609775437)",
    "facebook": "Mozilla/5.0 (Linux; Android 14; SM-A145R; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/126.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/469.0.0.52.103;]",
    "tiktok": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 musical_ly_35.3.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/da Region/DK",
}
_LANGUAGES = ("da", "pl", "en")


def _press(place: Page | FrameLocator) -> None:
    place.locator("button:visible").first.click()


@pytest.mark.parametrize("spoken", _LANGUAGES)
def test_the_component_leads_from_the_field_to_the_list_without_leaving_the_page(
    people: Watched, shop: Shop, bakery: ForeignSite, spoken: str
) -> None:
    address = bakery.paste(shop.found(spoken)["component"])
    with people.context() as hers:
        page = hers.new_page()
        page.goto(f"{address}?utm_source=instagram&s=what+she+searched")
        field = page.locator("#email")
        field.wait_for()
        assert page.locator("listkeeper-form .box").get_attribute("lang") == spoken
        assert page.evaluate("document.activeElement === document.body")
        people.inspect(page, "form")
        _demand_its_own_look(page)
        field.fill("anna@")
        page.keyboard.press("Enter")
        said = page.locator("#wrong")
        said.wait_for()
        assert field.input_value() == "anna@"
        assert field.get_attribute("aria-describedby") == "wrong"
        assert page.evaluate("document.activeElement.shadowRoot.activeElement.id") == "email"
        people.inspect(page, "wrong address")
        field.fill("anna@gmial.com")
        page.keyboard.press("Enter")
        page.locator("#code").wait_for()
        assert "anna@gmail.com" in page.locator(".note").inner_text()
        assert page.evaluate("document.activeElement.shadowRoot.activeElement.className") == "title"
        people.inspect(page, "look into your mail")
        page.locator(".quiet").click()
        assert field.input_value() == "anna@gmial.com"
        field.fill("anna@gmail.com")
        page.keyboard.press("Enter")
        _types_the_digits(people, page, shop)
        assert page.url.startswith(bakery.origin)
        assert hers.cookies() == []
    assert [(row.origin, row.shape, row.source, row.utm) for row in shop.rows()] == [
        (bakery.origin, "component", None, {"utm_source": "instagram"})
    ] * 2
    people.demand_calm()


def _types_the_digits(people: Watched, page: Page, shop: Shop) -> None:
    code = page.locator("#code")
    code.fill("12")
    page.keyboard.press("Enter")
    page.locator("#wrong").wait_for()
    people.inspect(page, "wrong digits")
    code.fill(shop.code())
    page.keyboard.press("Enter")
    code.wait_for(state="detached")
    people.inspect(page, "on the list")


def _demand_its_own_look(page: Page) -> None:
    """Demand the page's font and colours in both schemes, large targets, and no sideways scroll at double the text."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        look = "element => { const its = getComputedStyle(element); return [its.fontFamily, its.color]; }"
        assert page.locator("#email").evaluate(look) == page.locator("main").evaluate(look)
    heights = page.evaluate(
        "[...document.querySelector('listkeeper-form').shadowRoot.querySelectorAll('input, button, a')]"
        ".map((element) => element.getBoundingClientRect().height)"
    )
    assert heights
    assert min(heights) >= 48
    page.locator("body").evaluate("body => { body.style.fontSize = '36px'; }")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("body").evaluate("body => { body.style.fontSize = ''; }")
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("spoken", _LANGUAGES)
def test_a_frame_grows_with_its_page_and_keeps_all_that_follows_inside(
    people: Watched, shop: Shop, bakery: ForeignSite, spoken: str
) -> None:
    address = bakery.paste(shop.found(spoken)["frame"])
    with people.context() as hers:
        page, frame = hers.new_page(), None
        page.goto(address)
        frame = page.frame_locator("iframe")
        frame.locator("#email").fill("anna@")
        _demand_no_bar(page)
        people.inspect(page, "frame")
        _demand_the_dark_of_its_host(page)
        page.frames[1].evaluate("document.querySelector('form').noValidate = true")
        _press(frame)
        frame.locator("#email-wrong").wait_for()
        assert frame.locator("#email").evaluate("field => field === document.activeElement")
        frame.locator("#email").fill("anna@reader.example")
        _press(frame)
        frame.locator("#code").wait_for()
        _demand_no_bar(page)
        people.inspect(page, "look into your mail, framed")
        frame.locator("#code").fill(shop.code())
        _press(frame)
        frame.locator("#code").wait_for(state="detached")
        _demand_no_bar(page)
        assert page.url == address
        assert hers.cookies() == []
    [row] = shop.rows()
    assert (row.origin, row.shape) == (bakery.origin, "frame")
    people.demand_calm()


def _demand_the_dark_of_its_host(page: Page) -> None:
    """Demand that the frame is dark on a page that is dark in the night, and light on one that is never dark."""
    bright = "parseInt(getComputedStyle(document.body).color.match(/\\d+/)[0]) > 128"
    page.emulate_media(color_scheme="dark")
    page.frames[1].wait_for_function(f"() => {bright}")
    page.locator("iframe").evaluate("frame => { frame.style.colorScheme = 'light'; }")
    page.emulate_media(color_scheme="light")
    page.frames[1].wait_for_function("() => document.documentElement.className == 'light'")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    assert not page.frames[1].evaluate(bright)
    page.locator("iframe").evaluate("frame => { frame.style.colorScheme = ''; }")
    page.emulate_media(color_scheme="light")


def _demand_no_bar(page: Page) -> None:
    page.wait_for_function("() => document.querySelector('iframe').style.height.endsWith('px')", timeout=10_000)
    page.wait_for_timeout(150)
    inner = page.frames[1]
    assert inner.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert inner.evaluate("innerHeight - document.documentElement.getBoundingClientRect().height < 2")


def test_fingers_on_a_keyboard_are_enough(people: Watched, shop: Shop, bakery: ForeignSite) -> None:
    address = bakery.paste(shop.found()["component"])
    with people.context() as hers:
        page = hers.new_page()
        page.goto(address)
        page.locator("#email").wait_for()
        for keys in ("Tab", "anna@reader.example", "Tab", "Enter"):
            page.keyboard.press(keys) if keys in {"Tab", "Enter"} else page.keyboard.type(keys)
        page.locator("#code").wait_for()
        page.keyboard.press("Tab")
        page.keyboard.type(shop.code())
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.locator("#code").wait_for(state="detached")
        assert "News" in page.locator("listkeeper-form .title").inner_text()
    people.demand_calm()


@pytest.mark.parametrize("name", _IN_APP)
def test_the_browsers_of_apps_need_no_window_store_or_cookie(
    people: Watched, shop: Shop, bakery: ForeignSite, name: str
) -> None:
    snippets = shop.found()
    with people.context(agent=_IN_APP[name]) as hers:
        windows: list[Page] = []
        page = hers.new_page()
        hers.on("page", lambda opened: windows.append(opened))  # noqa: PLW0108 - playwright marks it
        page.add_init_script(
            "for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'cookieStore'])"
            "  Object.defineProperty(window, name, { get() { throw new Error(`${name} was asked for`); } });"
            "window.open = () => { throw new Error('a window was opened'); };"
        )
        page.goto(bakery.paste(snippets["component"]))
        page.locator("#email").fill("one@reader.example")
        page.keyboard.press("Enter")
        page.locator("#code").wait_for()
        page.goto(bakery.paste(snippets["frame"], "/frame"))
        frame = page.frame_locator("iframe")
        frame.locator("#email").fill("two@reader.example")
        _press(frame)
        frame.locator("#code").wait_for()
        for number, place in enumerate((bakery.paste(snippets["html"], "/html"), snippets["link"])):
            page.goto(place)
            page.locator("[name=email]").fill(f"more{number}@reader.example")
            _press(page)
            page.locator("#code").wait_for()
        assert hers.cookies() == []
        assert windows == []
    assert [(row.shape, row.in_app) for row in shop.rows()] == [
        (shape, name) for shape in ("component", "frame", "html", "page")
    ]
    people.demand_calm()


def test_a_site_that_is_not_named_is_told_so_and_no_reader_is_lost(
    people: Watched, shop: Shop, bakery: ForeignSite
) -> None:
    snippets = shop.found()
    shop.allow("https://cafe.example")
    with people.context() as hers:
        page = hers.new_page()
        page.goto(bakery.paste(snippets["component"]))
        page.locator("listkeeper-form a.button").wait_for()
        people.inspect(page, "component on a site that is not named")
        page.locator("listkeeper-form a.button").click()
        assert page.url == snippets["link"]
        page.goto(bakery.paste(snippets["frame"], "/frame"))
        page.frame_locator("iframe").locator("a.button").click()
        page.wait_for_url(snippets["link"])
        page.goto(bakery.paste(snippets["html"], "/html"))
        page.locator("[name=email]").fill("anna@reader.example")
        _press(page)
        assert page.locator("#email").input_value() == "anna@reader.example"
        assert shop.rows() == []
        _press(page)
        page.locator("#code").wait_for()
    people.faults = [fault for fault in people.faults if "status of 40" not in fault]
    people.demand_calm()
    shop.allow(bakery.origin)
    with people.context() as hers:
        page = hers.new_page()
        page.goto(f"{bakery.origin}/")
        page.locator("#email").wait_for()
        page.goto(f"{bakery.origin}/frame")
        page.frame_locator("iframe").locator("#email").wait_for()
    people.demand_calm()


def test_no_browser_sends_the_trap_of_a_pasted_form_even_where_a_site_shows_everything(
    people: Watched, shop: Shop, bakery: ForeignSite
) -> None:
    address = bakery.paste(shop.found()["html"])
    with people.context() as hers:
        page = hers.new_page()
        page.goto(address)
        assert page.locator("input:visible").count() == 1
        for hidden in page.locator("datalist, datalist input").all():
            hidden.evaluate("element => { element.style.display = 'block'; }")
        expect(page.locator("[name=homepage]")).to_be_disabled()
        page.locator("[name=email]").fill("anna@reader.example")
        with page.expect_request(re.compile("/f/news$")) as sent:
            _press(page)
        page.locator("#code").wait_for()
        assert "homepage" not in (sent.value.post_data or "homepage")
    assert [row.decision.value for row in shop.rows()] == ["waiting"]


def test_a_step_that_the_component_does_not_know_is_taken_on_our_own_page(
    people: Watched, shop: Shop, bakery: ForeignSite
) -> None:
    address = bakery.paste(shop.found()["component"])
    with people.context() as hers:
        page = hers.new_page()
        page.goto(address)
        page.locator("#email").fill("anna@reader.example")
        allow = {"Access-Control-Allow-Origin": "*"}
        page.route("**/f/news/embed", lambda route: route.fulfill(json={"step": "puzzle"}, headers=allow))
        with page.expect_request(re.compile("/f/news$")) as sent:
            page.keyboard.press("Enter")
        page.locator("#code").wait_for()
        assert "key=" in (sent.value.post_data or "")
        assert page.url == f"{shop.site}/f/news"
    [row] = shop.rows()
    assert row.email_send == "anna@reader.example"
    people.demand_calm()


def test_the_owner_tries_each_shape_on_a_page_that_stands_for_somebodys_site(people: Watched, shop: Shop) -> None:
    shop.found()
    place = f"{shop.site}/studio/forms/{shop.form}/try"
    with people.context() as hers:
        page = hers.new_page()
        page.goto(f"{shop.site}/studio/enter/{studio.fresh_link(shop.app)}")
        page.get_by_role("main").get_by_role("button").first.click()
        page.goto(f"{place}/component")
        assert page.evaluate("self.origin") == "null"
        page.locator("#email").fill("one@reader.example")
        page.keyboard.press("Enter")
        page.locator("#code").wait_for()
        page.goto(f"{place}/frame")
        frame = page.frame_locator("iframe")
        frame.locator("#email").fill("two@reader.example")
        # Not the one of no origin: for that axe makes styles of its own, which the page's policy refuses.
        people.inspect(page, "somebody's site")
        _press(frame)
        frame.locator("#code").wait_for()
        for tab in ("component", "html", "guides"):
            page.goto(f"{shop.site}/studio/forms/{shop.form}/site?shape={tab}")
            people.inspect(page, f"put it on your site: {tab}")
        page.goto(f"{place}/html")
        page.locator("[name=email]").fill("three@reader.example")
        _press(page)
        page.locator("#code").wait_for()
    assert [row.shape for row in shop.rows()] == ["component", "frame", "html"]
    people.demand_calm()
