"""Mailboxes elsewhere, read over real TLS: each mail is taken once, and stays where and as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.feedback import inbound, mailbox_address
from listkeeper.feedback.inbound import Inbound
from listkeeper.feedback.mailbox_address import MailboxAddress
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.fetch import Answer
from listkeeper.mailroom import intake, mailbox, receiving
from listkeeper.mailroom.mailbox import Memory, Round
from listkeeper.mailroom.mailbox_line import MailboxTrouble
from listkeeper.mailroom.mailbox_token import Tokens
from listkeeper.sending import return_path
from tests.fakes import imap_server, pop3_server, tls_server
from tests.fakes.databases import Database
from tests.fakes.imap_server import ImapServer
from tests.fakes.pop3_server import Pop3Server
from tests.fakes.queue_server import QueueServer
from tests.fakes.tls_server import Certificate

PASSWORD = 'p@ss wo"rd\\ø'
WRITTEN = "p%40ss%20wo%22rd%5C%C3%B8"
MAIL = b"From: a@relay.example\r\nSubject: back\r\n\r\n.dot\r\n..\r\n" + b"long " * 1_000 + b"\r\n.\tlast\r\n"
Collect = Callable[[MailboxAddress], Round]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return tls_server.certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def imap(shown: Certificate) -> Iterator[ImapServer]:
    with imap_server.serving(shown) as server:
        server.password = PASSWORD
        yield server


@pytest.fixture
def pop3(shown: Certificate) -> Iterator[Pop3Server]:
    with pop3_server.serving(shown) as server:
        server.password = PASSWORD
        yield server


@pytest.fixture
def collect(app: Flask, database: Database, house: None, queue: QueueServer) -> Collect:
    """Look into a mailbox, as the process that mail comes in by does."""
    with store.reading() as session:
        owner = organisation.only_one(session).id
    tokens = receiving.tokens()
    return lambda address: mailbox.collect(address, owner, Memory(queue.client, address), tokens)


def _address(server: ImapServer | Pop3Server, shown: Certificate, *, path: str = "", more: str = "") -> MailboxAddress:
    kind = "imap" if isinstance(server, ImapServer) else "pop3"
    scheme = f"{kind}s" if server.implicit else f"{kind}+starttls"
    return mailbox_address.read(f"{scheme}://b:{WRITTEN}@127.0.0.1:{server.port}{path}?ca={shown.file}{more}")


def _kept() -> list[tuple[str, bytes]]:
    with store.reading() as session:
        rows = session.scalars(select(Inbound.id).order_by(Inbound.id))
        return [(one.way.value, one.content) for number in rows if (one := inbound.opened(session, number)) is not None]


def _answer_to(number: int) -> bytes:
    """Return a mail that is certainly an answer to a letter of ours."""
    token = return_path.of_delivery("bounce.cafe.example", number)
    return f"Delivered-To: {token}\r\nFrom: x@relay.example\r\nSubject: Undelivered {number}\r\n\r\nGone\r\n".encode()


def test_an_imap_folder_is_looked_through_and_left_as_it_was(
    collect: Collect, imap: ImapServer, shown: Certificate
) -> None:
    imap.put(b"old\r\n\r\n", datetime.now(UTC) - timedelta(days=40))
    for content in (MAIL, b"second\r\n\r\n\xff\x00"):
        imap.put(content)
    address = _address(imap, shown)
    assert collect(address) == Round(new=2)
    assert _kept() == [("imap", MAIL), ("imap", b"second\r\n\r\n\xff\x00")]
    imap.put(b"third\r\n\r\n")
    said = len(imap.heard)
    assert collect(address) == Round(new=1)
    assert [words for words in imap.heard[said:] if b"BODY" in words] == [
        words for words in imap.heard[said:] if b"FETCH 104 (BODY.PEEK[])" in words
    ]
    assert [mail.flags for mail in imap.mails] == [set()] * 4
    assert not any(b"STORE" in words or b" SELECT" in words for words in imap.heard)


def test_a_lost_memory_doubles_nothing(
    collect: Collect, imap: ImapServer, shown: Certificate, queue: QueueServer
) -> None:
    imap.put(MAIL)
    assert collect(_address(imap, shown)) == Round(new=1)
    queue.client.flushall()
    assert collect(_address(imap, shown)) == Round(known=1)
    assert len(_kept()) == 1
    imap.validity = 18
    imap.put(b"new numbers\r\n\r\n")
    assert collect(_address(imap, shown)) == Round(new=1, known=1)


def test_a_folder_of_any_name_is_opened(collect: Collect, imap: ImapServer, shown: Certificate) -> None:
    imap.folder = b'R&APg-d &- "gr&APg-d"/\\'
    imap.put(MAIL)
    assert collect(_address(imap, shown, path="/R%C3%B8d%20&%20%22gr%C3%B8d%22%2F%5C")) == Round(new=1)


@pytest.mark.parametrize("abilities", ["IMAP4rev1 UIDPLUS", "IMAP4rev1"])
def test_only_what_is_surely_ours_is_deleted_from_a_folder(
    collect: Collect, imap: ImapServer, shown: Certificate, abilities: str
) -> None:
    imap.abilities, imap.password = f"{abilities} AUTH=PLAIN", PASSWORD
    private, of_somebody = imap.put(b"From: friend@else.example\r\n\r\nHi\r\n"), imap.put(b"Subject: draft\r\n\r\n")
    of_somebody.flags.add(r"\Deleted")
    ours = imap.put(_answer_to(5))
    forged = imap.put(_answer_to(6).replace(b"Delivered-To: b+6", b"Delivered-To: b+7"))
    address = _address(imap, shown, more="&delete=yes")
    found = collect(address)
    assert (found.deleted, found.new) == (1, 3)
    assert ours.flags == {r"\Deleted"}
    assert private.flags == forged.flags == set()
    # What somebody else has marked is not let go by us.
    left = [private, of_somebody, forged] if "UIDPLUS" in abilities else [private, of_somebody, ours, forged]
    assert imap.mails == left
    assert collect(address) == Round()


def test_a_pop3_mailbox_is_looked_through_and_left_as_it_was(
    collect: Collect, pop3: Pop3Server, shown: Certificate
) -> None:
    pop3.mails |= {"uid-1": MAIL, "uid-2": b"\r\n.\r\n..\r\nsecond\r\n"}
    assert collect(_address(pop3, shown)) == Round(new=2)
    assert _kept() == [("pop3", MAIL), ("pop3", b"\r\n.\r\n..\r\nsecond\r\n")]
    del pop3.mails["uid-1"]
    pop3.mails["uid-3"] = b"third\r\n"
    said = len(pop3.heard)
    assert collect(_address(pop3, shown)) == Round(new=1)
    assert [words for words in pop3.heard[said:] if words.startswith(b"RETR")] == [b"RETR 2"]
    assert len(pop3.mails) == 2


def test_only_what_is_surely_ours_is_deleted_from_a_pop3_mailbox(
    collect: Collect, pop3: Pop3Server, shown: Certificate
) -> None:
    pop3.mails |= {"uid-1": b"From: friend@else.example\r\n\r\nHi\r\n", "uid-2": _answer_to(5), "uid-3": _answer_to(6)}
    pop3.dies_at = b"QUIT"
    with pytest.raises(MailboxTrouble):
        collect(_address(pop3, shown, more="&delete=yes"))
    assert len(pop3.mails) == len(_kept()) == 3
    pop3.dies_at = b""
    assert collect(_address(pop3, shown, more="&delete=yes")) == Round(known=2, deleted=2)
    assert list(pop3.mails) == ["uid-1"]
    assert len(_kept()) == 3


@pytest.mark.parametrize("kind", [imap_server, pop3_server])
def test_a_line_is_encrypted_before_anything_secret_is_said(collect: Collect, shown: Certificate, kind: object) -> None:
    with imap_server.serving(shown, implicit=False) as imap, pop3_server.serving(shown, implicit=False) as pop3:
        server = imap if kind is imap_server else pop3
        server.password = PASSWORD
        if isinstance(server, ImapServer):
            server.put(MAIL)
        else:
            server.mails["uid-1"] = MAIL
        address = _address(server, shown)
        assert collect(address) == Round(new=1)
        said = len(server.heard)
        with pytest.raises(MailboxTrouble, match="certificate is not valid"):
            collect(replace(address, authorities=None))
        assert [words.split()[-1] for words in server.heard[said:]] in ([b"CAPABILITY", b"STARTTLS"], [b"STLS"])


def test_a_wrong_password_is_told_without_it(
    collect: Collect, imap: ImapServer, pop3: Pop3Server, shown: Certificate
) -> None:
    for server in (imap, pop3):
        with pytest.raises(MailboxTrouble) as told:
            collect(replace(_address(server, shown), password="another"))
        assert str(told.value) == "It does not let us in: user, password or token are not right."
        assert told.value.__cause__ is None
    imap.abilities = "IMAP4rev1"
    with pytest.raises(MailboxTrouble, match="does not let us in"):
        collect(replace(_address(imap, shown), password="not in ASCII: ø"))


def test_who_does_not_answer_is_told_in_words(collect: Collect, shown: Certificate, imap: ImapServer) -> None:
    address = _address(imap, shown)
    for kind in ("imap", "pop3"):
        with pytest.raises(MailboxTrouble, match="It refuses connections"):
            collect(replace(address, kind=kind, port=1))
        with pytest.raises(MailboxTrouble, match="authorities"):
            collect(replace(address, kind=kind, authorities="/nowhere.pem"))
    with pytest.raises(MailboxTrouble, match="The folder cannot be opened"):
        collect(replace(address, folder="Nowhere"))


@pytest.mark.parametrize("command", [b"SEARCH", b"BODY", b"LOGOUT"])
def test_a_folder_that_goes_away_in_between_loses_and_doubles_nothing(
    collect: Collect, imap: ImapServer, shown: Certificate, command: bytes
) -> None:
    for number in range(3):
        imap.put(b"Subject: %d\r\n\r\n" % number)
    imap.dies_at = command
    with pytest.raises(MailboxTrouble):
        collect(_address(imap, shown))
    imap.dies_at = b""
    collect(_address(imap, shown))
    assert [content for _, content in _kept()] == [b"Subject: %d\r\n\r\n" % number for number in range(3)]


def test_nothing_is_remembered_that_is_not_kept(
    collect: Collect, imap: ImapServer, pop3: Pop3Server, shown: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise TryAgain("database_unavailable", "away")

    imap.put(_answer_to(1))
    pop3.mails["uid-1"] = _answer_to(2)
    monkeypatch.setattr(intake, "keep", away)
    for server in (imap, pop3):
        with pytest.raises(TryAgain):
            collect(_address(server, shown, more="&delete=yes"))
    assert (len(imap.mails), len(pop3.mails), imap.mails[0].flags) == (1, 1, set())
    monkeypatch.undo()
    for server in (imap, pop3):
        assert collect(_address(server, shown)) == Round(new=1)


def test_what_is_too_big_is_passed_over_and_stays(
    collect: Collect, imap: ImapServer, shown: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "SIZE_LIMIT", 1_000)
    imap.put(MAIL)
    imap.put(b"small\r\n\r\n")
    assert collect(_address(imap, shown, more="&delete=yes")) == Round(new=1, too_big=1)
    assert collect(_address(imap, shown)) == Round()
    assert len(imap.mails) == 2


def _by_token(server: ImapServer | Pop3Server, shown: Certificate) -> MailboxAddress:
    scheme = "imaps" if isinstance(server, ImapServer) else "pop3s"
    return mailbox_address.read(
        f"{scheme}://b@127.0.0.1:{server.port}?ca={shown.file}&oauth=google&client_id=c&refresh_token=r"
    )


def test_a_token_opens_a_mailbox(
    app: Flask, house: None, imap: ImapServer, pop3: Pop3Server, shown: Certificate
) -> None:
    for server in (imap, pop3):
        box = mailbox.opened(_by_token(server, shown), _Giver("token").tokens)
        assert box.lying() == []
        box.close()
        giver = _Giver("stale")
        with pytest.raises(MailboxTrouble, match="does not let us in"):
            mailbox.opened(_by_token(server, shown), giver.tokens)
        giver.token = "token"
        mailbox.opened(_by_token(server, shown), giver.tokens).close()
        assert giver.asked == 2


class _Giver:
    """Gives out tokens."""

    def __init__(self, token: str) -> None:
        self.token, self.asked = token, 0
        self.tokens = Tokens(self.post)

    def post(self, _origin: str, _path: str, _body: bytes, _headers: object) -> Answer:
        self.asked += 1
        return Answer(200, {}, f'{{"access_token": "{self.token}", "expires_in": 3599}}'.encode())


def test_every_mailbox_is_looked_into_by_the_process_that_mail_comes_in_by(
    app: Flask, house: None, queue: QueueServer, imap: ImapServer, shown: Certificate
) -> None:
    imap.put(MAIL)
    with store.reading() as session:
        owner = organisation.only_one(session).id
    receiving.look(_address(imap, shown), owner, app.app_context, receiving.tokens())
    assert len(_kept()) == 1


def test_the_memory_tells_nobody_whose_mailbox_it_is(
    collect: Collect, imap: ImapServer, shown: Certificate, queue: QueueServer
) -> None:
    imap.user = "kanariefugl@cafe.example"
    imap.put(MAIL)
    collect(replace(_address(imap, shown), user="kanariefugl@cafe.example"))
    assert queue.client.keys("listkeeper:mailbox:*")
    assert not any(b"kanariefugl" in part for part in queue.contents())
