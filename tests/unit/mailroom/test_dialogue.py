"""The conversation of the listener: what is taken, what is refused, and that a mail ends in one way only."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.feedback.inbound import Way
from listkeeper.mailroom import dialogue
from listkeeper.mailroom.brought import Brought
from listkeeper.mailroom.dialogue import Dialogue, Door, House, Kept, Room

OURS = "b+1.aaaa@bounce.example"
BEGUN = b"EHLO relay.example\r\nMAIL FROM:<>\r\nRCPT TO:<b+1.aaaa@bounce.example>\r\nDATA\r\n"


def _door(recipient: str) -> Door:
    if recipient == "wait@bounce.example":
        return Door.CLOSED
    return Door.OURS if recipient.endswith("@bounce.example") else Door.NOBODY


def _house(way: Way = Way.SMTP, *, size_limit: int = 10_000, room: Room | None = None) -> House:
    return House("bounce.example", way, _door, room or Room(1_000_000), size_limit)


def _talk(house: House, *said: bytes, kept: Kept = Kept.KEPT) -> tuple[list[str], list[Brought], Dialogue]:
    """Say this in these pieces, every mail being kept at once; return the answers and the mails."""
    line, answers, mails = Dialogue(house), bytearray(), []
    for piece in said:
        answers += line.hear(piece)
        while line.mail is not None:
            mails.append(line.mail)
            answers += line.answer(kept)
    return answers.decode().splitlines(), mails, line


def _codes(answers: list[str]) -> list[str]:
    return [one[:3] for one in answers if one[3:4] == " "]


def test_a_mail_is_taken_as_it_came() -> None:
    answers, mails, _ = _talk(_house(), BEGUN, b"Subject: x\r\n\r\n..hidden\r\n.\tx\r\nbare\nlf\r\n.\r\nQUIT\r\n")
    assert _codes(answers) == ["250", "250", "250", "354", "250", "221"]
    [mail] = mails
    assert mail.content == b"Subject: x\r\n\r\n.hidden\r\n\tx\r\nbare\nlf\r\n"
    assert (mail.way, mail.sender, mail.recipients) == (Way.SMTP, "", (OURS,))


def test_what_it_offers_is_what_it_does() -> None:
    answers, _, line = _talk(_house(), b"EHLO relay.example\r\n")
    assert line.greeting() == b"220 bounce.example ESMTP\r\n"
    assert [one[4:] for one in answers] == [
        "bounce.example", "PIPELINING", "SIZE 10000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES",
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["AUTH PLAIN AGEAYg==", "STARTTLS", "BDAT 5 LAST", "EXPN list", "ETRN x"])
def test_what_is_not_offered_is_refused(command: str) -> None:
    answers, _, _ = _talk(_house(), b"EHLO x\r\n", command.encode() + b"\r\n")
    assert answers[-1].startswith("502 5.5.1 ")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("RCPT TO:<someone@elsewhere.example>", "550 5.1.1"),
        ("RCPT TO:<wait@bounce.example>", "451 4.3.0"),
        ("RCPT TO:<>", "501 5.1.3"),
        ("RCPT TO:b@bounce.example", "501 5.1.3"),
        ("RCPT TO:<b@bounce.example> NOTIFY=NEVER", "555 5.5.4"),
        ("RCPT TO:<b@bounce.example", "501 5.1.3"),
        ("MAIL FROM:<>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("VRFY anna", "252 2.1.5"),
        ("VRFY", "501 5.5.4"),
        ("HELP", "214 2.0.0"),
        ("NOOP x", "250 2.0.0"),
        ("LHLO x", "500 5.5.1"),
        ("", "500 5.5.1"),
        ("GET / HTTP/1.1", "500 5.5.1"),
        ("RCPT TO:<@relay.example,@two.example:b@bounce.example>", "250 2.1.5"),
        ("RCPT TO:<b\x00@bounce.example>", "500 5.5.2"),
    ],
)
def test_each_command_has_its_answer(command: str, code: str) -> None:
    answers, _, _ = _talk(_house(), b"EHLO x\r\nMAIL FROM:<>\r\n", command.encode() + b"\r\n")
    assert answers[-1].startswith(code), answers[-1]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("SIZE=10000 BODY=8BITMIME SMTPUTF8", "250"),
        ("size=10001", "552"),
        ("SIZE=many", "501"),
        ("SIZE=" + "9" * 400, "552"),
        ("BODY=BINARYMIME", "501"),
        ("RET=HDRS", "555"),
        ("SMTPUTF8=yes", "501"),
        ("=", "501"),
    ],
)
def test_the_parameters_of_a_mail(parameters: str, code: str) -> None:
    answers, _, _ = _talk(_house(), b"EHLO x\r\n", f"MAIL FROM:<a@b.example> {parameters}\r\n".encode())
    assert answers[-1].startswith(code), answers[-1]


def test_nobody_is_heard_before_greeting() -> None:
    answers, _, _ = _talk(_house(), b"MAIL FROM:<>\r\nRCPT TO:<b@bounce.example>\r\nDATA\r\n")
    assert _codes(answers) == ["503", "503", "503"]


def test_by_lmtp_each_recipient_gets_an_answer() -> None:
    said = b"EHLO x\r\nLHLO x\r\nMAIL FROM:<>\r\n" + b"".join(
        b"RCPT TO:<%s>\r\n" % name for name in (b"a@bounce.example", b"x@elsewhere.example", b"b@bounce.example")
    )
    answers, mails, _ = _talk(_house(Way.LMTP), said + b"DATA\r\nx\r\n.\r\nQUIT\r\n")
    assert _codes(answers) == ["500", "250", "250", "250", "550", "250", "354", "250", "250", "221"]
    assert mails[0].recipients == ("a@bounce.example", "b@bounce.example")
    answers, mails, _ = _talk(_house(Way.LMTP, size_limit=100), said + b"DATA\r\n" + b"x\r\n" * 90 + b".\r\nNOOP\r\n")
    assert _codes(answers)[6:] == ["354", "552", "552", "250"]
    assert mails == []


def test_a_mail_that_cannot_be_kept_comes_again() -> None:
    answers, mails, _ = _talk(_house(), BEGUN, b"x\r\n.\r\n", kept=Kept.LATER)
    assert answers[-1].startswith("451 4.3.0 ")
    assert len(mails) == 1


def test_too_many_recipients_are_told_to_come_in_a_second_mail() -> None:
    many = b"".join(b"RCPT TO:<b%d@bounce.example>\r\n" % number for number in range(101))
    answers, mails, _ = _talk(_house(), b"EHLO x\r\nMAIL FROM:<>\r\n", many, b"DATA\r\n.\r\n")
    assert _codes(answers).count("250") == 103
    assert [one for one in answers if one.startswith("4")] == ["452 4.5.3 That are enough recipients for one mail"]
    assert len(mails[0].recipients) == 100
    assert mails[0].content == b""


def test_a_mail_that_is_too_big_is_refused_after_it_has_come_and_the_next_is_taken() -> None:
    house = _house()
    big = [b"y" * 1000 + b"\r\n"] * 30
    answers, mails, _ = _talk(house, BEGUN, *big, b".\r\n", BEGUN[20:], b"small\r\n.\r\n")
    assert _codes(answers) == ["250", "250", "250", "354", "552", "250", "250", "354", "250"]
    assert [mail.content for mail in mails] == [b"small\r\n"]
    assert house.room.held == 0


def test_who_never_ends_is_hung_up_on() -> None:
    house = _house()
    _, mails, line = _talk(house, BEGUN, *[b"y" * 5_000] * 12)
    assert line.over
    assert mails == []
    assert house.room.held < 100


def test_all_conversations_together_have_bounded_room() -> None:
    house = _house(room=Room(15_000))
    first, second = Dialogue(house), Dialogue(house)
    for line in (first, second):
        line.hear(BEGUN)
    first.hear(b"x" * 9_000)
    second.hear(b"x" * 9_000)
    assert second.hear(b"\r\n.\r\n").startswith(b"452 4.3.1 ")
    first.hear(b"\r\n.\r\n")
    assert first.mail is not None
    assert first.answer(Kept.KEPT).startswith(b"250")
    assert house.room.held == 0
    first.close()
    second.close()


def test_a_line_that_ends_with_a_bare_lf_ends_the_conversation() -> None:
    for said in (b"EHLO x\n", b"EHLO x\rMAIL FROM:<>\r\n", b"EHLO x\r\nMAIL FROM:<>\nRCPT TO:<b@bounce.example>\r\n"):
        answers, _, line = _talk(_house(), said)
        assert answers[-1] == "521 5.5.2 A line ends with CR and LF"
        assert line.over


def test_a_line_without_end_ends_the_conversation() -> None:
    _, _, line = _talk(_house(), *[b"E" * 100] * 30)
    assert line.over


def test_too_many_mistakes_end_the_conversation() -> None:
    answers, _, line = _talk(_house(), *[b"RCPT TO:<x>\r\n"] * 60)
    assert answers[-1] == "421 4.7.0 Too many mistakes"
    assert len(answers) == dialogue.MISTAKE_LIMIT
    assert line.over


@pytest.mark.parametrize(
    "ending", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n\x00.\r\n", b"\r\n. \r\n"]
)
def test_no_other_end_of_a_mail_is_an_end(ending: bytes) -> None:
    """What hides a second mail in a first one (CVE-2023-51764 and its kin)."""
    hidden = b"MAIL FROM:<boss@cafe.example>\r\nRCPT TO:<b@bounce.example>\r\nDATA\r\nforged\r\n"
    answers, mails, _ = _talk(_house(), BEGUN, b"real", ending, hidden, b".\r\nQUIT\r\n")
    assert len(mails) == 1
    assert b"forged" in mails[0].content
    assert _codes(answers) == ["250", "250", "250", "354", "250", "221"]


_PIECES = st.lists(
    st.sampled_from(
        [
            b"EHLO x\r\n", b"HELO x\r\n", b"MAIL FROM:<>\r\n", b"MAIL FROM:<a@b.example> SIZE=5\r\n", b"RSET\r\n",
            b"RCPT TO:<a@bounce.example>\r\n", b"RCPT TO:<a@elsewhere.example>\r\n", b"DATA\r\n", b".\r\n", b"..\r\n",
            b"Subject: x\r\n", b"\r\n", b"\n", b"\r", b".", b"x", b"\x00", b"\xff\r\n", b"QUIT\r\n", b"NOOP\r\n",
            b"VRFY \xc3\xb8\r\n", b"y" * 300,
        ]
    ),
    max_size=40,
)  # fmt: skip


@given(_PIECES, st.lists(st.integers(1, 60), max_size=60), st.sampled_from([Way.SMTP, Way.LMTP]))
def test_how_the_bytes_were_cut_makes_no_difference(pieces: list[bytes], cuts: list[int], way: Way) -> None:
    said, parts = b"".join(pieces), []
    rest = said
    for cut in cuts:
        parts.append(rest[:cut])
        rest = rest[cut:]
    room_whole, room_cut = Room(1_000_000), Room(1_000_000)
    whole, mails_whole, one = _talk(_house(way, room=room_whole, size_limit=700), said)
    pieced, mails_cut, two = _talk(_house(way, room=room_cut, size_limit=700), *parts, rest)
    assert (whole, mails_whole, one.over) == (pieced, mails_cut, two.over)
    assert room_whole.held == room_cut.held
    one.close()
    assert room_whole.held == 0


@given(_PIECES)
def test_every_answer_is_one_and_every_mail_ended_by_its_dot(pieces: list[bytes]) -> None:
    said = b"".join(pieces)
    answers, mails, _ = _talk(_house(), BEGUN, said)
    assert all(re.fullmatch(r"[2345]\d\d[ -][ -~]{1,200}", one) for one in answers)
    ended = said.count(b"\r\n.\r\n") + said.startswith(b".\r\n")
    assert len(mails) <= ended
    assert all(set(mail.recipients) <= {OURS, "a@bounce.example"} and mail.recipients for mail in mails)


@given(st.binary(max_size=400))
def test_any_bytes_are_answered(said: bytes) -> None:
    answers, _, _ = _talk(_house(), said)
    assert all(re.fullmatch(r"[2345]\d\d[ -][ -~]+", one) for one in answers)
