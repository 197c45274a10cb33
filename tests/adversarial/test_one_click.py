"""Case 19: the button of mail programs works however it is pressed, and a letter passed on can do no more than that."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from listkeeper.audience import subscription, unsubscribe
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery
from listkeeper.settings import Settings
from tests.fakes import running_up
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe
from tests.makers.own import Guest
from tests.makers.works import HER, Works

_FORM = "Content-Type: application/x-www-form-urlencoded"
_SAID = b"List-Unsubscribe=One-Click"
_COOKIES = "Cookie: session=x; lk_session=forged"
_ELSEWHERE = ["Origin: https://elsewhere.example", "Referer: https://elsewhere.example/", "Sec-Fetch-Site: cross-site"]
# Name → protocol, query, headers, body. {other} is the token of another reader's letter.
POSTS: dict[str, tuple[str, str, list[str], bytes]] = {
    "as the RFC says": ("1.1", "", [_FORM], _SAID),
    "HTTP/1.0": ("1.0", "", [_FORM], _SAID),
    "HTTP/1.0 without a host": ("1.0", "", [_FORM, "-Host"], _SAID),
    "more parameters": ("1.1", "", [_FORM], _SAID + b"&email=bo%40guest.example&list=2&token={other}&undo=x"),
    "another reader in the query": ("1.1", "?token={other}&email=bo@guest.example&List-Unsubscribe=No", [_FORM], _SAID),
    "parameters twice": ("1.1", "", [_FORM], _SAID + b"&" + _SAID + b"&List-Unsubscribe=Stay"),
    "another word": ("1.1", "", [_FORM], b"List-Unsubscribe=Two-Clicks"),
    "no body": ("1.1", "", [], b""),
    "a body of noise": ("1.1", "", ["Content-Type: application/octet-stream"], bytes(range(256))),
    "half a JSON": ("1.1", "", ["Content-Type: application/json"], b'{"a":'),
    "no such charset": ("1.1", "", [f"{_FORM}; charset=klingon"], _SAID),
    "multipart": (
        "1.1", "", ["Content-Type: multipart/form-data; boundary=b"],
        b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
    ),
    "multipart without an end": ("1.1", "", ["Content-Type: multipart/form-data; boundary=b"], b"--b\r\nnonsense"),
    "cookies and a login": ("1.1", "", [_FORM, _COOKIES, "Authorization: Bearer lk_forged", "Origin: null"], _SAID),
    "from a page elsewhere": ("1.1", "", [_FORM, *_ELSEWHERE], _SAID),
    "a proxy's override": ("1.1", "", [_FORM, "X-HTTP-Method-Override: GET"], _SAID),
}  # fmt: skip


@pytest.fixture
def server(works: Works, database: Database, settings: Settings) -> Iterator[int]:
    """The web server that owners run, on the same database; returns its port."""
    port = running_up.free_port()
    told = {"data": str(settings.data), "redis_url": "redis://127.0.0.1:1", "public_url": "http://localhost:8025"}
    told |= {"database_url": database.url} if database.setting else {}
    words = [sys.executable, "-m", "listkeeper.cli.main", "web", "--port", str(port)]
    process = subprocess.Popen(words, cwd=running_up.ROOT, env=running_up.environment(**told))
    try:
        running_up.until(lambda: running_up.answers(f"http://127.0.0.1:{port}/health"))
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _say(port: int, asked: str, protocol: str, headers: list[str], body: bytes) -> tuple[int, str]:
    """Speak HTTP by hand; return status and head of the answer."""
    lines = [f"{asked} HTTP/{protocol}", "Connection: close", f"Content-Length: {len(body)}"]
    lines += ["Host: localhost"] if "-Host" not in headers else []
    lines += [header for header in headers if header != "-Host"]
    with closing(socket.create_connection(("127.0.0.1", port), 10)) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = b""
        while more := line.recv(65_536):
            answer += more
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    return int(head.split(" ", 2)[1]), head.lower()


def _tokens(works: Works) -> dict[str, str]:
    """Return the token of everybody's letter, by address."""

    def look(session: Session) -> dict[str, str]:
        query = select(Subscriber.email_send, Delivery.id).join(Delivery, Delivery.subscriber_id == Subscriber.id)
        found = session.execute(query.where(Delivery.campaign_id.is_not(None)))
        return {row[0]: unsubscribe.token_for(row[1]) for row in found}

    return works.read(look)


def test_case_19_one_click_however_it_is_pressed(works: Works, smtp_sink: SmtpSink, server: int) -> None:
    """Each way takes off its own reader, at once, with a plain 200 and no cookie, and nobody else."""
    works.gather(len(POSTS) + 3)
    works.start()
    works.drain()
    tokens = _tokens(works)
    untouched, asks_only, *others = sorted(tokens)
    readers = dict(zip(POSTS, others, strict=False))
    before = attack.state(works.app)
    for method in ("GET", "HEAD", "OPTIONS"):
        for protocol in ("1.0", "1.1"):
            path = f"/u/{tokens[asks_only]}?List-Unsubscribe=One-Click"
            status, _head = _say(server, f"{method} {path}", protocol, [_FORM], _SAID)
            assert status == 200, f"{method} {protocol}"
    assert attack.changed(before, attack.state(works.app)) == set()
    left: set[str] = set()
    for name, (protocol, query, headers, body) in POSTS.items():
        other = tokens[untouched]
        path = f"/u/{tokens[readers[name]]}{query.replace('{other}', other)}"
        status, head = _say(server, f"POST {path}", protocol, headers, body.replace(b"{other}", other.encode()))
        left.add(readers[name])
        assert status == 200, (name, head)
        assert "\nlocation:" not in head, name
        assert "\nset-cookie:" not in head, name
        gone = {who for who, state in attack.standing(works.app, works.list_id).items() if state == "unsubscribed"}
        assert gone == left, name
    assert _methods(works).keys() <= {Method.ONE_CLICK, Method.PAGE}
    assert sum(_methods(works).values()) == len(POSTS)


def _methods(works: Works) -> dict[Method, int]:
    def look(session: Session) -> list[Method]:
        return list(session.scalars(select(ConsentEvent.method).where(ConsentEvent.kind == EventKind.WITHDRAWN)))

    found = works.read(look)
    return {method: found.count(method) for method in found}


# Passed on

WISHES = {
    "email": "thief@elsewhere.example", "how": "everything", "sure": "yes", "days": "30", "frequency": "monthly",
    "language": "en", "why": "other", "words": "ha", "confirm": "true", "code": "000000",
}  # fmt: skip
# All that a stranger with the letter may bring about: less mail, in her name, which she can take back.
AT_MOST = {"consent.withdrawn", "consent.narrowed", "suppression.added"}


def _routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        if (
            {"token", "visit"} & rule.arguments
            and not rule.rule.startswith(("/studio", "/api"))
            and not rule.build_only
        ):
            for method in sorted({"GET", "POST"} & (rule.methods or set())):
                yield rule, method


def test_case_19_a_letter_passed_on_wipes_exports_and_changes_nothing(
    works: Works, smtp_sink: SmtpSink, client: FlaskClient
) -> None:
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    works.write(lambda session, house: cafe.subscribe(session, house, "bo@guest.example"))
    letter = guest.get_letter()
    before, told, of_her = attack.state(works.app), attack.events(works.app), works.read(_of_her(guest))
    list_id = works.read(lambda session: _list_id(session, guest))
    for rule, method in sorted(_routes(works.app), key=lambda found: (found[0].rule.startswith("/u/"), found[0].rule)):
        for path in letter.values():
            place = re.sub(r"<(?:token|visit)>", path.split("/")[2], rule.rule)
            place = re.sub(r"<[^>]+>", list_id, place)
            answer = client.open(place, method=method, data=WISHES if method == "POST" else None)
            assert answer.status_code < 500
            assert HER not in answer.text, f"{method} {rule.rule} shows the address"
            assert answer.mimetype in {"text/html", "text/css"}, f"{method} {rule.rule} hands something out"
    after = attack.state(works.app)
    assert set((attack.events(works.app) - told).keys()) <= AT_MOST
    assert attack.changed(before, after) <= {
        "subscription", "consent_event", "suppression", "ledger", "access_link", "delivery", "leaving_reason",
        "subscriber",
    }  # fmt: skip
    # Of herself nothing but that she is not asked about her inbox any more.
    assert works.read(_of_her(guest)) == of_her
    assert attack.standing(works.app, works.list_id) == {HER: "unsubscribed", "bo@guest.example": "confirmed"}
    # The only mail it can cause is the fresh link, and that goes to her alone, unused.
    works.work(Lane.URGENT, 2)
    assert {to for kept in smtp_sink.messages for to in kept.rcpt_tos} == {HER, "bo@guest.example"}
    assert client.get("/mine/x").status_code == 404


def _of_her(guest: Guest) -> Callable[[Session], dict[str, object]]:
    def look(session: Session) -> dict[str, object]:
        person = guest.person(session)
        kept = (each.name for each in Subscriber.__table__.c if each.name != "inbox_done_at")
        return {name: getattr(person, name) for name in kept}

    return look


def _list_id(session: Session, guest: Guest) -> str:
    [(_current, mailing_list)] = subscription.all_of(session, guest.person(session))
    return mailing_list.public_id
