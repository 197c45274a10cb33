"""Counted links under attack: no other place, no other person, and nothing but a number, however often asked."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience import access_link, tracking, unsubscribe
from listkeeper.campaigns import link
from listkeeper.campaigns.link import CampaignLink, LinkRole
from listkeeper.foundation import signing
from listkeeper.sending import link_visit, planning
from tests.architecture import routes
from tests.makers import cafe, seen, works
from tests.makers.cafe import Cafe
from tests.makers.own import Guest, words
from tests.makers.works import SITE

URL = "https://cafe.example/bread"
EVIL = "https://evil.example/"
HOSTILE = """# Buns

[a](javascript:alert(1)) [b](JAVASCRIPT:alert(1)) [c](data:text/html;base64,PHNjcmlwdD4=) [d](vbscript:x)
[e](//evil.example) [f](https:evil.example) [g](https://cafe.example/%0d%0aSet-Cookie:a=b) [h](https://cafe.example/bread)
<a href="java&#10;script:alert(1)">i</a> <a href=" javascript:alert(1)">j</a> <a href="https://cafe.example/&quot;x">k</a>
"""


@pytest.fixture
def her(guest: Guest) -> Guest:
    """Somebody on the list who lets her links be seen."""
    guest.subscribe()
    seen.agree(guest)
    return guest


def _token(path: str) -> str:
    return path.removeprefix("/l/")


def test_an_altered_link_leads_nowhere_and_says_so_in_the_visitors_language(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    [counted] = seen.counted(her)
    token = _token(counted)
    before = routes.fingerprint(her.works.app)
    flipped = [f"{token[:at]}{'A' if token[at] != 'A' else 'B'}{token[at + 1 :]}" for at in range(0, len(token) - 1, 3)]
    odd = ["x", token[:-1], f"{token}AAAA", token * 30, "ø", "%00", "..%2f..", f"{token}%20", f" {token}"]
    for wrong in (*flipped, *odd):
        for method in ("GET", "HEAD"):
            answer = client.open(f"/l/{wrong}", method=method, headers={"Accept-Language": "da"})
            assert answer.status_code == 404, wrong
            assert "Location" not in answer.headers
    page = client.get(f"/l/{flipped[0]}", headers={"Accept-Language": "da"})
    assert '<html lang="da"' in page.text
    assert "Dette link er ikke gyldigt" in words(page)
    assert routes.fingerprint(her.works.app) == before


def test_a_token_made_for_something_else_is_none(her: Guest, client: FlaskClient) -> None:
    links = her.get_letter()
    [counted] = seen.counted(her)
    number = her.works.read(lambda session: her.letter(session).id)
    with her.works.app.app_context():
        others = [signing.token(purpose, number) for purpose in ("unsubscribe", "preferences", "web-view", "why")]
    others += [path.split("/")[2] for path in links.values() if not path.startswith("/l/")]
    assert {client.get(f"/l/{other}").status_code for other in others} == {404}
    for kind in ("u", "p", "w", "y", "c", "n", "me", "mine", "q", "a"):
        assert client.get(f"/{kind}/{_token(counted)}").status_code == 404, kind
        assert client.post(f"/{kind}/{_token(counted)}").status_code in {404, 405}, kind
    assert her.subscription().state == "confirmed"


def test_another_readers_link_counts_nobody_else(her: Guest, client: FlaskClient) -> None:
    """Her letter passed on: whoever follows the link is counted as her letter, and never as anybody's else."""
    other = Guest(her.works, her.sink, client, "bo@guest.example")
    other.subscribe()
    her.get_letter()
    [counted] = seen.counted(her)
    hers = her.works.read(lambda session: her.letter(session).id)
    his = her.works.read(lambda session: other.letter(session).id)
    with her.works.app.app_context():
        named = link_visit.read(_token(counted))
        assert named is not None
        # A link of a delivery whose reader never agreed, should one ever be made: it leads on and names nobody.
        client.get(f"/l/{link_visit.token_of(his, named.link_id)}")
        client.get(f"/l/{link_visit.token_of(10**15, named.link_id)}")
        assert client.get(f"/l/{link_visit.token_of(hers, 10**15)}").status_code == 404
    client.get(counted)
    assert [number for number, _ in seen.visits(her)] == [None, None, hers]


def test_no_part_of_the_request_decides_where_it_leads(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    [counted] = seen.counted(her)
    asked = (f"{counted}?url={EVIL}&next={EVIL}&to={EVIL}", f"{counted}?{EVIL}", f"{counted}#{EVIL}")
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Referer": EVIL, "X-Original-URL": EVIL}
    for path in asked:
        assert client.get(path, headers=forged).headers["Location"] == URL
    for path in (f"{counted}/{EVIL}", f"{counted}/x", f"/l/{EVIL}", "/l/", f"//l/{_token(counted)}"):
        assert "evil" not in client.get(path).headers.get("Location", ""), path


def test_only_pages_of_the_web_are_ever_led_to(her: Guest, client: FlaskClient) -> None:
    def send(session: Session, house: Cafe) -> None:
        letter = cafe.draft(session, house, markdown=HOSTILE)
        planning.send_campaign(session, house.organisation, letter, site=SITE)

    her.works.write(send)
    her.works.drain()
    written = select(CampaignLink.url).where(CampaignLink.role == LinkRole.LINK)
    stored = her.works.read(lambda session: session.scalars(written).all())
    assert URL in stored
    assert all(re.match(r"https?://[^/\s]", url) and url.isprintable() for url in stored)
    counted = seen.counted(her)
    assert counted
    for path in counted:
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("https://cafe.example/")
        assert "Set-Cookie" not in answer.headers

    def tamper(session: Session, _house: Cafe) -> None:
        session.execute(update(CampaignLink).values(url="javascript:alert(1)"))

    her.works.write(tamper)
    # Of a process that has not looked it up before.
    link._known.clear()  # noqa: SLF001
    assert {client.get(path).status_code for path in (*counted, *seen.unseen(her))} == {404}


@pytest.mark.timeout(300)
def test_a_scanner_that_follows_everything_adds_visits_and_nothing_else(
    her: Guest, client: FlaskClient, share: Callable[[str, int, int], int]
) -> None:
    times = share("visits of each link of a counted letter", 50, 5)
    links = her.get_letter()
    [counted] = seen.counted(her)
    before = routes.fingerprint(her.works.app)
    machine = {"User-Agent": "Mozilla/5.0 (compatible; SafeLinks bot/1.0)"}
    for path in {*links.values(), counted}:
        for _ in range(times):
            for method in routes.SAFE:
                assert client.open(path, method=method, headers=machine).status_code in {200, 302}
    after = routes.fingerprint(her.works.app)
    assert {name for name in after if after[name] != before[name]} == {"link_visit"}
    assert len(seen.visits(her)) == times


def test_visits_raise_no_permission_and_no_clock(her: Guest, client: FlaskClient) -> None:
    """F39: whoever or whatever follows a link, nothing that permission rests on moves by it."""
    her.get_letter()
    [counted] = seen.counted(her)
    was = her.subscription()
    for _ in range(5):
        client.get(counted, headers={"User-Agent": "Mozilla/5.0"})
    now = her.subscription()
    clocks = ("state", "basis", "since", "valid_until", "first_use_deadline", "last_contact_at", "tracking_since")
    assert {name: getattr(now, name) for name in clocks} == {name: getattr(was, name) for name in clocks}


def test_the_letters_link_gives_no_consent(guest: Guest, client: FlaskClient) -> None:
    """Whoever has the letter passed on cannot say yes for her: neither by its link, nor by guessing the other's."""
    guest.subscribe()
    letter = guest.get_letter()["p"]
    shown = guest.works.read(lambda session: _shown(session, guest))
    hers = f"/mine/{letter.split('/')[2]}/lists/{guest.works.read(_list_of)}"
    for path in (f"{letter}/seen", f"{letter}/track", letter, f"{hers}/seen"):
        client.post(path, data={"words": shown, "tracking": "yes", "seen": "yes"})
    assert guest.subscription().tracking_since is None
    # A spent link to her own page opens nothing either.
    page = seen.list_page(guest)
    guest.works.write(lambda session, _house: access_link.close_all(session, guest.person(session).id))
    assert client.post(f"{page}/seen", data={"words": shown}).status_code == 404
    assert guest.subscription().tracking_since is None


def _list_of(session: Session) -> str:
    return works.here(session).mailing_list.public_id


def _shown(session: Session, guest: Guest) -> str:
    house = works.here(session)
    return tracking.text(house.organisation, house.mailing_list, guest.person(session).language).sha256


def test_leaving_by_the_mail_program_while_links_are_followed(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    [counted] = seen.counted(her)
    number = her.works.read(lambda session: her.letter(session).id)
    with her.works.app.app_context():
        out = f"/u/{unsubscribe.token_for(number)}"
    client.get(counted)
    assert client.post(out, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    client.get(counted)
    assert [delivery for delivery, _ in seen.visits(her)] == [number, None]
