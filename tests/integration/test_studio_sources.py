"""The studio's pages about where people come from and what of it one owns: made, shared, counted, paid for."""

from __future__ import annotations

import io
import re

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import followers, signup, source, source_cost, subscriber, visit
from listkeeper.audience.signup import Visit
from listkeeper.audience.source import SOCIAL, Channel, Source
from tests.fakes.databases import Database
from tests.makers import cafe, signups, studio
from tests.makers.studio import StudioBrowser, words


@pytest.fixture
def browser(app: Flask, database: Database) -> StudioBrowser:
    """The owner of a café without any link yet."""
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


def _links(browser: StudioBrowser) -> str:
    page = browser.get("/studio/lists").text
    return "/studio/lists/lst_" + page.split("/studio/lists/lst_")[1].split('"')[0].split("/")[0] + "/links"


def _made(browser: StudioBrowser, **typed: str) -> str:
    answer = browser.post(_links(browser), {"name": "Till", "channel": "till", **typed})
    assert answer.status_code == 303, words(answer)
    return str(answer.location)


def _the_source(browser: StudioBrowser) -> Source:
    with browser.app.app_context(), store.reading() as session:
        found = session.scalars(select(Source)).one()
        session.expunge(found)
        return found


def test_one_press_makes_a_link_for_each_social_channel(browser: StudioBrowser) -> None:
    address = _links(browser)
    assert "One press makes a link for each of these" in words(browser.get(address))
    assert browser.post(f"{address}/ready").status_code == 303
    page = browser.get(address)
    for slug in SOCIAL.values():
        assert f'value="http://localhost:8025/s/{slug}"' in page.text
    assert "One press makes a link" not in words(page)
    assert "0 visits 0 asked 0 confirmed" in words(page)


def test_a_link_is_made_found_changed_archived_and_used_again(browser: StudioBrowser) -> None:
    one = _made(browser, slug="till")
    page = browser.get(one)
    assert 'value="http://localhost:8025/s/till"' in page.text
    assert "These links work on this machine only." in words(page)
    said = browser.post(one, {"name": "Counter", "channel": "market", "utm_source": "counter"}, follow_redirects=True)
    assert "Saved. The address stays as it is" in words(said)
    found = _the_source(browser)
    assert (found.name, found.channel, found.slug, found.utm) == (
        "Counter", Channel.MARKET, "till", {"utm_source": "counter"},
    )  # fmt: skip
    browser.post(f"{one}/state", {"state": "archived"})
    listed = words(browser.get(_links(browser)))
    assert "Archived (1)" in listed
    assert "Counter /s/till · 0 confirmed" in listed
    browser.post(f"{one}/state", {"state": "used"})
    assert "Archived" not in words(browser.get(_links(browser)))
    with browser.app.app_context(), store.reading() as session:
        done = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("source."))).all()
    assert done == ["source.created", "source.changed", "source.archived", "source.reopened"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "Please give the link a name"),
        ({"slug": "no spaces"}, "Use small letters, digits and hyphens"),
        ({"channel": "carrier pigeon"}, "Please choose what kind of place it is."),
        ({"form": "frm_of_nobody"}, "Please choose a sign-up form of this list."),
    ],
)
def test_what_cannot_be_is_said_beside_what_was_typed(
    browser: StudioBrowser, typed: dict[str, str], sentence: str
) -> None:
    answer = browser.post(_links(browser), {"name": "Kept name", "channel": "till", **typed})
    assert answer.status_code == 422
    assert sentence in words(answer)
    if "name" not in typed:
        assert 'value="Kept name"' in answer.text


def test_htmx_gets_the_numbers_alone(browser: StudioBrowser) -> None:
    _made(browser, slug="till")
    with browser.app.app_context(), store.transaction() as session:
        visit.count(session, session.scalars(select(Source.id)).one())
    part = browser.get(_links(browser), headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "1 visit 0 asked 0 confirmed" in words(part)


def test_codes_and_posters_are_downloaded_under_good_names(browser: StudioBrowser) -> None:
    one = _made(browser, slug="till")
    expected = {
        "qr.svg": ("image/svg+xml", "till-qr.svg"),
        "qr.png": ("image/png", "till-qr.png"),
        "poster-a4.pdf": ("application/pdf", "till-poster-a4.pdf"),
        "poster-a6.pdf": ("application/pdf", "till-poster-a6.pdf"),
    }
    got = {name: browser.get(f"{one}/{name}") for name in expected}
    assert {
        name: (
            answer.content_type.partition(";")[0],
            re.findall('filename="(.*)"', answer.headers["Content-Disposition"])[0],
        )
        for name, answer in got.items()
    } == expected
    picture = Image.open(io.BytesIO(got["qr.png"].data)).convert("L")
    [found] = zxingcpp.read_barcodes(picture)
    assert found.text == "http://localhost:8025/s/till"


def test_the_poster_says_what_the_owner_wants(browser: StudioBrowser) -> None:
    one = _made(browser)
    said = browser.post(f"{one}/poster", {"headline": "Warm buns", "line": "Every month"}, follow_redirects=True)
    assert "Saved. Download the poster" in words(said)
    [page] = PdfReader(io.BytesIO(browser.get(f"{one}/poster-a4.pdf").data)).pages
    assert {"Warm", "buns", "Every", "month"} <= set(page.extract_text().split())
    long = browser.post(f"{one}/poster", {"headline": "x" * 81, "line": ""})
    assert long.status_code == 422
    assert "Please shorten the words on the poster to one line." in words(long)


def test_a_person_shows_where_she_came_from(browser: StudioBrowser) -> None:
    _made(browser, name="Instagram bio", channel="instagram", slug="ig-bio")
    with browser.app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        row, _receipt = signups.post(
            session,
            house,
            "anna@guest.example",
            Visit(source="ig-bio", referrer="https://l.instagram.com", utm={"utm_source": "ig"}),
        )
        signup.decide(session, row.id, cafe.NO_BRAKES)
        bo = cafe.subscribe(session, house, "bo@guest.example").public_id
        anna = subscriber.named(session, house.organisation, "anna@guest.example").public_id
    shown = words(browser.get(f"/studio/people/{anna}"))
    assert "came by Instagram bio" in shown
    assert "· from https://l.instagram.com · utm_source: ig" in shown
    assert "came by the form itself" in words(browser.get(f"/studio/people/{bo}"))


def _own(browser: StudioBrowser) -> str:
    return words(browser.get("/studio/channels"))


def test_the_page_of_what_you_own_begins_with_a_link(browser: StudioBrowser) -> None:
    shown = _own(browser)
    assert "Start with a link for each place" in shown
    assert "0 people a letter would reach today" in shown


def test_followers_and_costs_are_typed_in_and_taken_away(browser: StudioBrowser) -> None:
    one = _made(browser, name="Instagram", channel="instagram")
    number = one.rpartition("/")[2]
    for day, count in (("2026-01-01", "2.100"), ("2026-02-01", "2450")):
        typed = {"channel": "instagram", "number": count, "counted_on": day}
        assert browser.post("/studio/channels/followers", typed).status_code == 303
    cost = {"source": number, "amount": "1.250,50", "currency": "DKK", "per": "once", "starts_on": "2026-01-01"}
    assert browser.post("/studio/channels/costs", cost).status_code == 303
    shown = _own(browser)
    assert "If Instagram closed today, you would still reach 0 of the people who came from it, and 0 in all." in shown
    assert "Followers 2,450 Feb 1, 2026 On your list 0% of them Grown by 350 since Jan 1, 2026" in shown
    assert "Cost so far DKK 1,250.50 For each who confirmed nobody yet" in shown.replace("\u00a0", " ")
    wrong = browser.post("/studio/channels/costs", cost | {"currency": "EUR"})
    assert (wrong.status_code, "Your other costs are in DKK." in words(wrong)) == (422, True)
    forgotten = {"channel": "instagram", "counted_on": "2026-02-01", "forget": "1"}
    assert browser.post("/studio/channels/followers", forgotten).status_code == 303
    with browser.app.app_context(), store.reading() as session:
        owner = studio.the_cafe(session).organisation
        assert [row.number for row in followers.history(session, owner)[Channel.INSTAGRAM]] == [2100]
        [kept] = source_cost.every(session, owner)
        kept_id = kept.public_id
    assert browser.post(f"/studio/channels/costs/{kept_id}", {"end": "1"}).status_code == 422
    assert browser.post(f"/studio/channels/costs/{kept_id}", {"remove": "1"}).status_code == 303
    assert "Cost so far" not in _own(browser)


@pytest.mark.parametrize(
    ("where", "typed"),
    [
        ("followers", {"channel": "till", "number": "5"}),
        ("followers", {"channel": "instagram", "number": "many"}),
        ("followers", {"channel": "instagram", "number": "5", "counted_on": "tomorrow"}),
        ("followers", {"channel": "instagram", "number": "5", "counted_on": "9999-01-01"}),
        ("costs", {"source": "src_of_nobody", "amount": "5", "currency": "DKK"}),
        ("costs/cst_of_nobody", {"remove": "1"}),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(browser: StudioBrowser, where: str, typed: dict[str, str]) -> None:
    answer = browser.post(f"/studio/channels/{where}", typed)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    with browser.app.app_context(), store.reading() as session:
        owner = studio.the_cafe(session).organisation
        assert followers.history(session, owner) == {}
        assert source.every(session, owner) == []
