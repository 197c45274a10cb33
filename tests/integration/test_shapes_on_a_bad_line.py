"""A form on a bad line, without script, or with ours kept away: no address is lost, and none is signed up twice."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.watched import Watched
from tests.fakes.foreign_site import ForeignSite
from tests.makers.shapes import Shop

pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(180)]


def _without_a_line(people: Watched) -> None:
    """Forget what a browser itself says of a line that was cut on purpose."""
    people.faults = [fault for fault in people.faults if "net::ERR" not in fault]


def test_without_script_the_plain_form_stands_in_the_component_and_a_frame_scrolls(
    people: Watched, shop: Shop, bakery: ForeignSite
) -> None:
    snippets = shop.found("pl")
    with people.context(javascript=False) as hers:
        page = hers.new_page()
        page.goto(bakery.paste(snippets["component"]))
        page.locator("[name=email]").fill("anna@reader.example")
        page.locator("button:visible").first.click()
        assert page.url == snippets["link"]
        expect(page.locator("#code")).to_be_visible()
        page.goto(bakery.paste(snippets["frame"], "/frame"))
        frame = page.frame_locator("iframe")
        frame.locator("#email").fill("bo@reader.example")
        frame.locator("button").first.click()
        expect(frame.locator("#code")).to_be_visible()
    assert [row.shape for row in shop.rows()] == ["html", "frame"]
    people.demand_calm()


def test_where_our_script_is_kept_away_the_plain_form_stands(people: Watched, shop: Shop, bakery: ForeignSite) -> None:
    snippets = shop.found()
    with people.context() as hers:
        page = hers.new_page()
        page.route("**/embed/*.js", lambda route: route.abort())
        page.goto(bakery.paste(snippets["component"]))
        page.locator("[name=email]").fill("anna@reader.example")
        page.locator("button:visible").first.click()
        expect(page.locator("#code")).to_be_visible()
        # The script comes, and then our answers do not: the plain form stands still.
        page.unroute("**/embed/*.js")
        page.route("**/f/news/embed*", lambda route: route.abort())
        page.goto(bakery.origin)
        page.wait_for_timeout(300)
        page.locator("[name=email]").fill("bo@reader.example")
        page.locator("button:visible").first.click()
        expect(page.locator("#code")).to_be_visible()
    assert [row.email_send for row in shop.rows()] == ["anna@reader.example", "bo@reader.example"]
    _without_a_line(people)
    people.demand_calm()


def test_what_is_typed_into_the_plain_form_moves_on_into_the_component(
    people: Watched, shop: Shop, bakery: ForeignSite
) -> None:
    address = bakery.paste(shop.found()["component"])
    held: list[Route] = []
    with people.context() as hers:
        page = hers.new_page()
        page.route("**/f/news/embed?*", lambda route: held.append(route))  # noqa: PLW0108 - playwright marks it
        page.goto(address)
        page.locator("[name=email]").fill("anna@rea")
        page.wait_for_timeout(200)
        held[0].continue_()
        page.locator("#email").wait_for()
        assert page.locator("#email").input_value() == "anna@rea"
        page.keyboard.type("der.example")
        page.keyboard.press("Enter")
        page.locator("#code").wait_for()
    assert [row.email_send for row in shop.rows()] == ["anna@reader.example"]


def test_no_line_loses_no_address_and_a_lost_answer_makes_no_second_signup(
    people: Watched, shop: Shop, bakery: ForeignSite
) -> None:
    address = bakery.paste(shop.found()["component"])
    with people.context() as hers:
        page = hers.new_page()
        page.goto(address)
        field, said = page.locator("#email"), page.locator("listkeeper-form [role=status]")
        field.fill("anna@reader.example")
        hers.set_offline(True)
        page.keyboard.press("Enter")
        expect(said).to_contain_text("kept here")
        assert field.input_value() == "anna@reader.example"
        assert shop.rows() == []
        hers.set_offline(False)
        page.locator("#code").wait_for()
        assert len(shop.rows()) == 1
        # Taken by us, and the answer lost on its way; twice.
        lost = _losing_answers(page, "**/f/news/embed", 2)
        page.locator(".quiet").click()
        field.fill("bo@reader.example")
        page.keyboard.press("Enter")
        expect(said).to_contain_text("kept here")
        page.locator("#code").wait_for(timeout=20_000)
        assert len(lost) == 2
    assert [row.email_send for row in shop.rows()] == ["anna@reader.example", "bo@reader.example"]
    _without_a_line(people)
    people.demand_calm()


def _losing_answers(page: Page, where: str, times: int) -> list[str]:
    """Let posts through and drop what is answered, so many times."""
    lost: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and len(lost) < times:
            route.fetch()
            lost.append(route.request.post_data or "")
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(where, lose)
    return lost


def test_another_address_takes_the_place_of_one_that_waits(people: Watched, shop: Shop, bakery: ForeignSite) -> None:
    address = bakery.paste(shop.found()["component"])
    with people.context() as hers:
        page = hers.new_page()
        page.goto(address)
        field, said = page.locator("#email"), page.locator("listkeeper-form [role=status]")
        field.fill("ana@reader.example")
        hers.set_offline(True)
        page.keyboard.press("Enter")
        expect(said).to_contain_text("kept here")
        field.fill("anna@reader.example")
        expect(said).to_be_empty()
        hers.set_offline(False)
        page.wait_for_timeout(1500)
        assert shop.rows() == []
        page.keyboard.press("Enter")
        page.locator("#code").wait_for()
    assert [row.email_send for row in shop.rows()] == ["anna@reader.example"]


@pytest.mark.parametrize("javascript", [True, False])
def test_our_own_page_keeps_address_and_key_when_there_is_no_line(
    people: Watched, shop: Shop, *, javascript: bool
) -> None:
    link = shop.found()["link"]
    # Not watched: whoever listens in on a browser's requests switches its memory of pages off.
    with people.browser.new_context(java_script_enabled=javascript) as hers:
        page = hers.new_page()
        page.goto(link)
        page.locator("#email").fill("anna@reader")
        page.locator("button").click()
        expect(page.locator("#email-wrong")).to_be_visible()
        page.locator("#email").fill("anna@reader.example")
        key = page.locator("[name=key]").get_attribute("value")
        hers.set_offline(True)
        _press_in_vain(page)
        page.go_back()
        assert page.locator("[name=key]").get_attribute("value") == key
        page.locator("#email").fill("anna@reader.example")
        hers.set_offline(False)
        with shop.losing_answers():
            _press_in_vain(page)
        assert len(shop.rows()) == 1
        page.go_back()
        assert page.locator("#email").input_value() == "anna@reader.example"
        page.locator("button").click()
        page.locator("#code").wait_for()
        assert page.locator("[name=visit]").get_attribute("value")
    [row] = shop.rows()
    assert (row.email_send, row.shape) == ("anna@reader.example", "page")


def _press_in_vain(page: Page) -> None:
    page.locator("button").click(no_wait_after=True)
    expect(page).to_have_url("chrome-error://chromewebdata/")
