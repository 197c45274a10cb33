"""Cases 43 and 44: evidence handed out by somebody inside, and pages whose address is a secret."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from listkeeper import store
from listkeeper.accounts import organisation, user
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.user import User
from listkeeper.audience import confirmation
from listkeeper.audience.proof import evidence_request
from listkeeper.audience.proof.evidence_request import EvidenceRequest
from listkeeper.audience.proof.ledger import EventType
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.foundation.outbox import Lane
from tests.fakes.database_doors import shut
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe, studio
from tests.makers.own import Guest
from tests.makers.studio import StudioBrowser
from tests.makers.works import HER, Works

# Case 43


@pytest.fixture
def browser(app: Flask, database: Database) -> StudioBrowser:
    """Somebody who works at the café, signed in; one person is on the list."""
    del database
    with app.app_context(), store.transaction() as session:
        cafe.subscribe(session, cafe.found(session), HER)
    return studio.signed_in(app)


def _page(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return f"/studio/people/{session.scalars(select(Subscriber.public_id)).one()}"


def _log(app: Flask) -> list[tuple[str, str]]:
    with app.app_context(), store.reading() as session:
        return [(row.action, row.actor) for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def _exported(app: Flask) -> int:
    return attack.events(app)[EventType.EVIDENCE_EXPORTED.value]


def test_case_43_who_takes_evidence_is_written_down_or_gets_none(
    app: Flask, database: Database, browser: StudioBrowser
) -> None:
    address = _page(app)
    before = _log(app)
    for path in (f"{address}/proof", f"{address}/evidence"):
        assert browser.get(path).status_code == 405
        assert app.test_client().post(path).status_code in {302, 303, 400, 401, 403}
    assert (_log(app), _exported(app)) == (before, 0)
    # When it cannot be written down, it is not handed out.
    for act, table in (("INSERT", "audit_log"), ("INSERT", "ledger")):
        with shut(database, act, _named(database, table)):
            tried = _tried(browser, f"{address}/proof")
            assert b"PK\x03\x04" not in tried
            assert b"192.0.2.1" not in tried
    assert _exported(app) == 0
    answer = browser.post(f"{address}/proof")
    assert answer.data.startswith(b"PK\x03\x04")
    [(action, actor)] = _log(app)[len(before) :]
    assert action == "evidence.exported"
    assert actor.startswith("user:")
    with app.app_context(), store.reading() as session:
        row = attack.newest(session, EventType.EVIDENCE_EXPORTED.value)
    assert row["actor"] == actor


def _named(database: Database, table: str) -> str:
    del database
    return AuditEntry.__tablename__ if table == "audit_log" else table


def _tried(browser: StudioBrowser, path: str) -> bytes:
    """Return what came, which is nothing when the program broke."""
    browser.token()
    browser.app.testing = False
    try:
        return bytes(browser.post(path).data)
    finally:
        browser.app.testing = True


def _four_eyes(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        user.create(session, written="bo@cafe.example", organisation_id=organisation.only_one(session).id)
    browser.post("/studio/settings/evidence", {"needs_two": "1"})


def test_case_43_with_four_eyes_nobody_releases_to_himself(app: Flask, browser: StudioBrowser) -> None:
    _four_eyes(app, browser)
    address = _page(app)
    for path in (f"{address}/proof", f"{address}/evidence"):
        for _ in range(3):
            answer = browser.post(path)
            assert answer.status_code == 303
            assert b"192.0.2.1" not in answer.data
    with app.app_context(), store.transaction() as session:
        waiting = [row.public_id for row in session.scalars(select(EvidenceRequest))]
        me = session.scalars(select(User).where(User.address == "owner@cafe.example")).one()
        for public_id in waiting:
            with pytest.raises(ListkeeperError):
                evidence_request.release(session, organisation.only_one(session), public_id, me)
    for public_id in waiting:
        assert browser.post(f"/studio/evidence/{public_id}/release").status_code == 403
    assert browser.post("/studio/evidence/evr_forged/release").status_code in {403, 404}
    assert _exported(app) == 0
    assert "evidence.exported" not in {action for action, _ in _log(app)}
    assert "evidence.asked" in {action for action, _ in _log(app)}


def test_case_43_a_release_is_for_one_person_once_and_for_who_asked(app: Flask, browser: StudioBrowser) -> None:
    _four_eyes(app, browser)
    address = _page(app)
    browser.post(f"{address}/proof")
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        karl = cafe.subscribe(session, house, "karl@guest.example").public_id
        other = session.scalars(select(User).where(User.address == "bo@cafe.example")).one()
        asked = session.scalars(select(EvidenceRequest)).one()
        evidence_request.release(session, house.organisation, asked.public_id, other)
    # Not for somebody else's evidence.
    assert browser.post(f"/studio/people/{karl}/proof").status_code == 303
    assert browser.post(f"{address}/proof").data.startswith(b"PK\x03\x04")
    assert browser.post(f"{address}/proof").status_code == 303
    assert _exported(app) == 1


# Case 44

_LOADED = re.compile(
    r"<(?:link|img|script|iframe|source|video|audio|object|embed|form|base|meta)\b[^>]*>", re.IGNORECASE
)
_TARGET = re.compile(r"(?:src|href|srcset|data|action|content)=[\"']?([^\"' >]+)", re.IGNORECASE)
_LINKS = re.compile(r"<a\b[^>]*href=\"([^\"]+)\"[^>]*>", re.IGNORECASE)


def _secret_pages(works: Works, sink: SmtpSink, client: FlaskClient) -> list[str]:
    """Return the address of every kind of page whose address is a secret, each of them alive."""
    told: list[str] = []
    works.write(
        lambda session, house: told.append(confirmation.token_of(cafe.sign_up(session, house, "bo@guest.example")))
    )
    guest = Guest(works, sink, client)
    guest.subscribe()
    letter = guest.get_letter()
    visit = guest.enter()
    client.post(f"{visit}/address", data={"email": "freja@new.example"})
    works.work(Lane.URGENT, 2)
    change = Guest(works, sink, client, "freja@new.example").links()["a"]
    return [f"/c/{told[0]}", f"/n/{told[0]}", letter["u"], letter["p"], letter["w"], visit, f"{visit}/erase", change]


def test_case_44_no_cache_keeps_the_page_and_the_page_loads_nothing_foreign(
    works: Works, smtp_sink: SmtpSink, client: FlaskClient
) -> None:
    for path in _secret_pages(works, smtp_sink, client):
        for answer in (client.get(path), client.head(path)):
            assert answer.status_code == 200, path
            # Neither a browser nor a CDN may keep it, and it is never answered with "not modified".
            assert answer.headers["Cache-Control"] == "no-store", path
            assert not {"ETag", "Last-Modified", "Expires", "Set-Cookie"} & set(answer.headers.keys()), path
            # No page after this one learns its address.
            assert answer.headers["Referrer-Policy"] == "no-referrer", path
            assert "noindex" in answer.headers["X-Robots-Tag"], path
        page = client.get(path, headers={"If-None-Match": "*", "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"})
        assert page.status_code == 200
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "//" not in policy, path
        assert "*" not in policy, path
        loaded = [target for tag in _LOADED.findall(page.text) for target in _TARGET.findall(tag)]
        assert not [target for target in loaded if "//" in target and not target.startswith("http://localhost")], path


def test_case_44_the_secret_goes_to_no_other_page(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> None:
    """A link that leads away carries no secret, and neither the picture nor the style sheet has one in its address."""
    for path in _secret_pages(works, smtp_sink, client):
        secret = path.split("/")[2]
        text = client.get(path).text
        away = [target for target in _LINKS.findall(text) if target.startswith("http")]
        assert not [target for target in away if secret in target and not target.startswith("http://localhost")], path
        for tag in re.findall(r"<(?:img|link|script)\b[^>]*>", text):
            assert secret not in tag, path


def test_case_44_a_page_that_was_kept_does_nothing_for_who_gets_it(
    works: Works, smtp_sink: SmtpSink, client: FlaskClient
) -> None:
    """A cache gives her page to others a thousand times, and to her: nobody is confirmed but by the button."""
    told: list[str] = []
    works.write(lambda session, house: told.append(confirmation.token_of(cafe.sign_up(session, house, HER))))
    settled = attack.state(works.app)
    path = f"/c/{told[0]}"
    for number in range(20):
        stranger = works.app.test_client()
        stranger.get(path, headers={"Referer": f"https://cdn.example/{number}", "Via": "1.1 cdn"})
        # Whoever found the address in a log of referrers looks at it too.
        stranger.get("/", headers={"Referer": f"http://localhost:8025{path}"})
        stranger.options(path)
    assert attack.state(works.app) == settled
    assert client.post(path).status_code == 200
    kept = attack.state(works.app)
    # The page of thanks, kept and sent again.
    for _ in range(3):
        works.app.test_client().post(path)
    assert attack.state(works.app) == kept
    assert smtp_sink.to(HER) == []


def test_case_44_other_hosts_do_not_make_our_pages_theirs(
    works: Works, smtp_sink: SmtpSink, client: FlaskClient
) -> None:
    """A poisoned cache: whatever host a request names, no page points there."""
    for path in _secret_pages(works, smtp_sink, client)[:4]:
        for header in ("X-Forwarded-Host", "Forwarded", "X-Original-URL", "X-Host"):
            answer = client.get(
                path, headers={header: "host=evil.example" if header == "Forwarded" else "evil.example"}
            )
            assert b"evil.example" not in answer.data
            assert "evil.example" not in str(answer.headers)
        answer = client.get(path, base_url="http://evil.example")
        assert b"evil.example" not in answer.data
    works.write(lambda session, _house: session.execute(update(Subscriber).values(language="en")))
