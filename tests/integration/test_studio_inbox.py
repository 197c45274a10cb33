"""The practice inbox: every mail exactly as it was handed over, harmless to look at."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import parts, store
from listkeeper.audience import unsubscribe
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import caught_mail
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

MAIL = (
    "From: =?utf-8?q?Caf=C3=A9?= <hello@cafe.example>\r\nTo: anna@people.example\r\n"
    "Subject: =?utf-8?q?R=C3=BCgbr=C3=B8d?=\r\n"
    "List-Unsubscribe: <http://localhost:8025/u/token-of-anna>, <mailto:leave@cafe.example>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/alternative; boundary="x"\r\n\r\n'
    "--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nDark <and> sour\r\n"
    "--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    '<html><body onload="alert(1)"><script>alert(1)</script><h1>Rügbrød</h1>'
    '<a href="https://cafe.example/rye">The <b>recipe</b></a><a href="javascript:alert(1)">bad</a></body></html>\r\n'
    "--x--\r\n"
).encode()


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner of a café."""
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


def caught(raw: bytes = MAIL, to: str = "anna@people.example") -> str:
    return caught_mail.write(parts.practice_folder(), raw, "bounce+1@cafe.example", [to])


def test_an_empty_inbox_says_what_to_do(browser: StudioBrowser) -> None:
    assert "Sign up on your own form" in words(browser.get("/studio/inbox"))


def test_mails_are_listed_newest_first_and_paged(browser: StudioBrowser) -> None:
    for number in range(55):
        caught(f"Subject: Mail {number:02d}\r\n\r\nx\r\n".encode(), to=f"reader{number}@people.example")
    first = browser.get("/studio/inbox")
    assert words(first).index("Mail 54") < words(first).index("Mail 53")
    assert "Mail 04" not in words(first)
    assert "Mail 04" in words(browser.get("/studio/inbox?start=50"))
    only = words(browser.get("/studio/inbox?to=reader7@people.example"))
    assert "Mail 07" in only
    assert "Mail 08" not in only


def test_a_mail_is_shown_with_its_parts_its_links_and_its_headers(browser: StudioBrowser) -> None:
    key = caught()
    answer = browser.get(f"/studio/inbox/{key}")
    shown = words(answer)
    assert "Rügbrød" in shown
    assert "Café <hello@cafe.example>" in shown
    assert "bounce+1@cafe.example" in shown
    assert "Dark <and> sour" in shown
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in shown
    assert '<a href="https://cafe.example/rye" target="_blank" rel="noopener noreferrer">The recipe</a>' in answer.text
    assert "javascript:" not in answer.text
    assert f'src="/studio/inbox/{key}/html" sandbox' in answer.text
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_its_html_is_served_alone_and_can_do_nothing(browser: StudioBrowser) -> None:
    answer = browser.get(f"/studio/inbox/{caught()}/html")
    assert "<h1>Rügbrød</h1>" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox;")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "allow-" not in policy


def test_the_download_is_every_byte_of_it(browser: StudioBrowser) -> None:
    answer = browser.get(f"/studio/inbox/{caught()}/raw")
    assert answer.data == MAIL
    assert answer.content_type == "message/rfc822"
    assert answer.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Subject: =?x-nothing?q?=FF?=\r\n\r\nhello\r\n",
        b"Content-Type: text/html; charset=klingon\r\n\r\n<p>\xff</p>\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
        b"From: <<<\r\nTo: \xff\xfe\r\nSubject: \x00\r\n\r\n\x00\r\n",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Unsubscribe: <https://evil.example/u/1>\r\n\r\nx\r\n",
    ],
)
def test_no_mail_breaks_the_inbox(browser: StudioBrowser, raw: bytes) -> None:
    key = caught(raw)
    assert browser.get("/studio/inbox").status_code == 200
    answer = browser.get(f"/studio/inbox/{key}")
    assert answer.status_code == 200
    assert not any(
        "evil" in part.split(">")[0] or part.startswith(' method="post" action="/u/1"')
        for part in answer.text.split("<form")
    )
    assert browser.get(f"/studio/inbox/{key}/raw").data == raw


@pytest.mark.parametrize("key", ["..%2F..%2Fkeys%2Fmaster-1.key", "1700000000.M000000R000000000000", "x"])
def test_a_made_up_key_finds_nothing(browser: StudioBrowser, key: str) -> None:
    caught()
    for part in ("", "/html", "/raw"):
        assert browser.get(f"/studio/inbox/{key}{part}").status_code == 404


def test_the_mail_programs_button_unsubscribes(app: Flask, browser: StudioBrowser) -> None:
    """It posts what RFC 8058 posts, to the address of the mail itself."""
    with app.app_context(), store.transaction() as session:
        made = studio.the_cafe(session)
        cafe.subscribe(session, made, "anna@people.example")
        letter = cafe.draft(session, made)
        planning.send_campaign(session, made.organisation, letter, site="http://localhost:8025", practice=True)
        planned = session.scalars(select(Delivery.id).where(Delivery.campaign_id == letter.id)).one()
        token = unsubscribe.token_for(planned)
    page = browser.get(f"/studio/inbox/{caught(MAIL.replace(b'token-of-anna', token.encode()))}").text
    assert f'<form method="post" action="/u/{token}" target="_blank">' in page
    assert browser.client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Subscription.state)).one() is SubscriptionState.UNSUBSCRIBED
