"""What a mail is, in which order it is asked, and whose delivery it is about: proved, not claimed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.feedback import mail_reading
from listkeeper.feedback.mail_reading import MailKind, MailReading
from listkeeper.foundation import keys
from listkeeper.sending import return_path

_PATTERN = "bounce.shop.example"
_PERSON = "Return-Path: <freja@guest.example>\nFrom: Freja <freja@guest.example>\nTo: hello@shop.example\n"
_ANSWER = "Auto-Submitted: auto-replied\n\n"
_ORIGINAL = "Return-Path: <{path}>\nMessage-ID: <1@shop.example>\nTo: freja@guest.example\n\nHello\n"


@pytest.fixture(scope="module", autouse=True)
def _keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("mail-reading") / "keys"
    keys.open_folder(folder)
    yield
    keys.open_folder(folder)


def _dsn(fields: str = "Action: failed\nStatus: 5.1.1\n", *, head: str = "", path: str = "hello@shop.example") -> str:
    return (
        f"{head}From: MAILER-DAEMON@mx.guest.example\nSubject: Undelivered\nAuto-Submitted: auto-replied\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nIt failed.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.guest.example\n\n"
        f"Final-Recipient: rfc822; freja@guest.example\n{fields}\n--b\nContent-Type: message/rfc822\n\n"
        f"{_ORIGINAL.format(path=path)}--b--\n"
    )


def _arf(kind: str) -> str:
    return (
        "From: feedback@guest.example\nContent-Type: multipart/report; boundary=b\n\n"
        f"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nOriginal-Rcpt-To: freja@guest.example\n"
        f"--b\nContent-Type: message/rfc822\n\n{_ORIGINAL.format(path='x@shop.example')}--b--\n"
    )


def _read(mail: str, **more: object) -> MailReading:
    return mail_reading.read(mail.encode(), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mail", "kind", "reason"),
    [
        (_dsn(), MailKind.BOUNCE, "dsn"),
        (_dsn("Action: delayed\nStatus: 4.4.1\n"), MailKind.DELAYED, "dsn"),
        (_dsn("Status: 4.4.1\n"), MailKind.DELAYED, "dsn"),
        (_dsn("Status: 5.4.1\n"), MailKind.BOUNCE, "dsn"),
        (_dsn("Action: delivered\nStatus: 2.0.0\n"), MailKind.OTHER, "dsn delivered"),
        (_dsn("Action: relayed\nStatus: 2.0.0\n"), MailKind.OTHER, "dsn relayed"),
        (_dsn("Action: expanded\n"), MailKind.OTHER, "dsn expanded"),
        (_arf("abuse"), MailKind.COMPLAINT, "arf"),
        (_arf("fraud"), MailKind.COMPLAINT, "arf"),
        (_arf("opt-out"), MailKind.UNSUBSCRIBE, "arf"),
        (_arf("not-spam"), MailKind.OTHER, "arf"),
        (_arf("auth-failure"), MailKind.OTHER, "arf"),
        (_arf("virus"), MailKind.OTHER, "arf"),
        (f"{_PERSON}Subject: Re: buns\n\nLovely.\n", MailKind.REPLY, "person"),
        (f"{_PERSON}Subject: Re: User unknown\n\n550 5.1.1 User unknown\n", MailKind.REPLY, "person"),
        (f"{_PERSON}Subject: Autosvar: buns\n\nUde.\n", MailKind.AUTOREPLY, "subject"),
        (f"{_PERSON}{_ANSWER}freja@guest.example: user unknown\n", MailKind.AUTOREPLY, "auto-submitted"),
        ("Return-Path: <>\nFrom: freja@guest.example\n\nHi.\n", MailKind.OTHER, "null return path"),
        (f"Return-Path: <>\nFrom: <>\n{_ANSWER}a@b.example is no user.\n", MailKind.AUTOREPLY, "auto-submitted"),
        (f"{_PERSON}List-Id: <a.b.example>\n\nNews.\n", MailKind.OTHER, "bulk"),
        (f"{_PERSON}Precedence: bulk\n\nNews.\n", MailKind.OTHER, "bulk"),
        ("From: postmaster@guest.example\nSubject: New rules\n\nRead them.\n", MailKind.OTHER, "mail server"),
        ("Subject: nothing\n\nx\n", MailKind.OTHER, "no sender"),
        ("", MailKind.OTHER, "no sender"),
    ],
)  # fmt: skip
def test_the_kinds(mail: str, kind: MailKind, reason: str) -> None:
    reading = _read(mail)
    assert (reading.kind, reading.reason) == (kind, reason)
    assert (reading.token, reading.token_valid) == (None, None)


def test_what_a_bounce_says() -> None:
    reading = _read(_dsn("Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 <freja@guest.example> full\n"))
    (one,) = reading.recipients
    assert (one.address, one.status) == ("freja@guest.example", "5.2.2")
    assert one.reply == "552 <address> full"
    assert one.verdict is not None
    assert not one.verdict.permanent
    assert reading.message_id == "1@shop.example"
    assert reading.sender == "MAILER-DAEMON@mx.guest.example"


def test_nobody_is_given_up_for_a_delay_or_a_delivery() -> None:
    for fields in ("Action: delayed\nStatus: 5.1.1\n", "Action: delivered\nStatus: 5.1.1\n", "Action: relayed\n"):
        (one,) = _read(_dsn(fields)).recipients
        assert one.verdict is None or not one.verdict.permanent


def test_the_original_recipient_before_the_final_one() -> None:
    (one,) = _read(_dsn("Original-Recipient: rfc822; list@shop.example\nAction: failed\n")).recipients
    assert one.address == "list@shop.example"
    (one,) = _read(_dsn("Original-Recipient: rfc822; freja\nAction: failed\n")).recipients
    assert one.address == "freja@guest.example"


@pytest.mark.parametrize("name", ["Delivered-To", "X-Original-To", "To", "Envelope-To", "Cc"])
def test_the_token_in_the_header(name: str) -> None:
    address = return_path.of_delivery(_PATTERN, 41)
    reading = _read(_dsn(head=f"{name}: Shop <{address}>, other@shop.example\n"))
    assert (reading.token, reading.token_valid) == (41, True)


def test_the_token_of_the_envelope_also_in_wrappers() -> None:
    address = return_path.of_delivery(_PATTERN, 41)
    local, _, domain = address.partition("@")
    for wrapped in (
        address,
        address.upper(),
        f"SRS0=HHH=TT={domain}={local}@fwd.example",
        f"prvs=0123456789={address}",
    ):
        reading = _read(_dsn(), envelope_to=[wrapped])
        assert (reading.token, reading.token_valid) == (41, True), wrapped


def test_a_forged_token_proves_nothing() -> None:
    local, _, domain = return_path.of_delivery(_PATTERN, 41).partition("@")
    forged = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    reading = _read(_dsn(), envelope_to=[forged])
    assert (reading.kind, reading.token, reading.token_valid) == (MailKind.BOUNCE, None, False)
    # One that is right, beside it, is believed.
    both = _read(_dsn(), envelope_to=[forged, return_path.of_delivery(_PATTERN, 42)])
    assert (both.token, both.token_valid) == (42, True)


def test_the_address_for_leaving_proves_no_bounce() -> None:
    leaving = return_path.leaving(_PATTERN, 41)
    reading = _read(_dsn(), envelope_to=[leaving])
    assert (reading.kind, reading.token, reading.token_valid) == (MailKind.BOUNCE, None, None)


def test_the_token_in_the_message_that_came_back() -> None:
    reading = _read(_dsn(path=return_path.of_delivery(_PATTERN, 43)))
    assert (reading.token, reading.token_valid) == (43, True)


def test_a_complaint_with_a_blackened_reader_is_found_by_what_the_letter_bears() -> None:
    blackened = _arf("abuse").replace("Original-Rcpt-To: freja@guest.example", "Original-Rcpt-To: [redacted by us]")
    sender = f"Original-Mail-From: <{return_path.of_delivery(_PATTERN, 44)}>\nOriginal-Rcpt-To"
    assert _read(blackened.replace("Original-Rcpt-To", sender)).token == 44
    leaving = return_path.leaving(_PATTERN, 45)
    header = f"List-Unsubscribe: <https://shop.example/u/1>, <mailto:{leaving}?subject=leave>\nMessage-ID"
    reading = _read(blackened.replace("Message-ID", header))
    assert (reading.kind, reading.token, reading.token_valid) == (MailKind.COMPLAINT, 45, True)
    assert reading.recipients == ()
    # The same proves no bounce: whoever has the letter can read it there.
    assert _read(_dsn().replace("Message-ID", header)).token is None


def test_a_mail_to_the_address_for_leaving_leaves() -> None:
    leaving = return_path.leaving(_PATTERN, 41)
    for head in (
        f"{_PERSON}Subject: unsubscribe\n\n",
        f"{_PERSON}Auto-Submitted: auto-generated\n\n",
        "Return-Path: <>\n\n",
    ):
        reading = _read(head, envelope_to=[leaving])
        assert (reading.kind, reading.token, reading.token_valid) == (MailKind.UNSUBSCRIBE, 41, True)


def test_a_forged_address_for_leaving_is_nobodys() -> None:
    local, _, domain = return_path.leaving(_PATTERN, 41).partition("@")
    forged = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    reading = _read(f"{_PERSON}\nx\n", envelope_to=[forged])
    assert (reading.kind, reading.token, reading.token_valid) == (MailKind.UNSUBSCRIBE, None, False)


def test_an_answer_to_the_return_path_is_of_a_machine() -> None:
    mail = f"{_PERSON}Subject: Thank you for your mail\n\nWe come back to you.\n"
    reading = _read(mail, envelope_to=[return_path.of_delivery(_PATTERN, 41)])
    assert (reading.kind, reading.reason, reading.token) == (MailKind.AUTOREPLY, "return path", 41)
    assert _read(mail).kind is MailKind.REPLY


def test_a_challenge_is_of_a_machine() -> None:
    words = "This account is protected by Filter.  Please click on\nthe following link to have your address added."
    assert _read(f"{_PERSON}Subject: RE: buns\n\n{words}\n").reason == "challenge"
    assert (
        _read(f"{_PERSON}Subject: RE: buns\n\nThe link in your mail is broken, can you confirm?\n").kind
        is MailKind.REPLY
    )


def test_another_address_that_means_leaving() -> None:
    asked = {"leave@shop.example": 7}
    reading = _read(f"{_PERSON}\nx\n".replace("hello@", "leave@"), mailto=asked.get)
    assert (reading.kind, reading.token, reading.reason) == (MailKind.UNSUBSCRIBE, 7, "mailto")
    assert _read(f"{_PERSON}\nx\n", mailto=asked.get).kind is MailKind.REPLY


def test_an_answer_names_the_mail_that_it_answers() -> None:
    assert _read(f"{_PERSON}In-Reply-To: <1@shop.example>\n\nx\n").message_id == "1@shop.example"
    assert _read(f"{_PERSON}References: <0@shop.example>\n <1@shop.example>\n\nx\n").message_id == "1@shop.example"
    assert _read(f"{_PERSON}\nx\n").message_id == ""


def test_the_envelope_is_believed_before_the_header() -> None:
    mail = "From: freja@guest.example\n\nHi.\n"
    assert _read(mail, envelope_from="").kind is MailKind.OTHER
    assert _read(f"Return-Path: <>\n{mail}", envelope_from="freja@guest.example").kind is MailKind.REPLY


def test_a_report_that_a_gateway_wrapped_in_another() -> None:
    mail = (
        "From: Mail Delivery Subsystem <MAILER-DAEMON@gw.example>\nSubject: Returned mail: User unknown\n"
        "Content-Type: multipart/mixed; boundary=o\n\n--o\n\n---- The following addresses had errors ----\n\n"
        f"--o\nContent-Type: message/rfc822\n\n{_dsn()}--o--\n"
    )
    (one,) = _read(mail).recipients
    assert one.address == "freja@guest.example"


def test_json_has_the_fields_that_are_promised() -> None:
    told = mail_reading.as_json("a.eml", _read(_dsn()))
    assert json.loads(json.dumps(told)) == {
        "file": "a.eml",
        "kind": "bounce",
        "recipients": [
            {
                "address": "freja@guest.example", "class": "invalid_address", "permanent": True, "status": "5.1.1",
                "reply": "It failed.", "provider": None,
            }
        ],
        "message_id": "1@shop.example",
        "token_valid": None,
        "feedback_type": "",
        "reason": "dsn",
    }  # fmt: skip
    delivered = mail_reading.as_json("b.eml", _read(_dsn("Action: delivered\n")))["recipients"][0]
    assert (delivered["class"], delivered["permanent"]) == (None, False)


@given(st.text(max_size=200), st.text(max_size=60))
def test_texts_of_strangers_are_masked_short_and_on_one_line(said: str, subject: str) -> None:
    mail = _dsn(
        f"Action: failed\nDiagnostic-Code: smtp; {' '.join(said.split())} ole@guest.example\n",
        head=f"Subject: {' '.join(subject.split())}\n",
    )
    reading = mail_reading.read(mail.encode("utf-8", "replace"))
    assert len(reading.subject.splitlines()) <= 1
    for one in reading.recipients:
        assert "ole@guest.example" not in one.reply
        assert len(one.reply) <= 500
        assert one.reply.isprintable()


@given(st.binary(max_size=800), st.booleans())
def test_no_bytes_raise(junk: bytes, inside: bool) -> None:
    raw = _dsn().encode().replace(b"It failed.", junk) if inside else junk
    reading = mail_reading.read(raw)
    assert reading.kind in MailKind
    if not inside and b"@" not in junk:
        assert reading.kind is MailKind.OTHER or reading.kind is MailKind.AUTOREPLY


def test_fields_of_a_report_in_a_text_are_believed_of_a_mail_server_alone() -> None:
    fields = "Final-Recipient: rfc822; freja@guest.example\nAction: failed\nStatus: 5.1.1\n"
    person = f"{_PERSON}Subject: Delivery failed\n\n{fields}"
    assert _read(person).kind is not MailKind.BOUNCE or not any(
        one.verdict and one.verdict.permanent for one in _read(person).recipients
    )
    (one,) = _read(f"From: MAILER-DAEMON@mx.example\nSubject: Delivery failed\n\n{fields}").recipients
    assert one.verdict is not None
    assert one.verdict.permanent


@pytest.mark.parametrize(
    "subject",
    [
        "Delivery failed",
        "Undelivered order 17",
        "Non-delivery of my order",
        "Message could not be read",
        "Failure",
        "Mail",
    ],
)
def test_a_customer_whose_parcel_did_not_come_writes_no_report(subject: str) -> None:
    words = "My order could not be delivered.\n\nole@guest.example\n\nThe courier says 550: no such user.\n"
    assert _read(f"{_PERSON}Subject: {subject}\n\n{words}").kind is MailKind.REPLY


@pytest.mark.parametrize(
    "words",
    [
        "I have left the shop. Mail to this mailbox is not delivered any more; please write to ole@guest.example.",
        "I have left. Mail to me is not delivered. Ask him:\n\nole@guest.example\n",
        "Ich bin nicht mehr hier. Ihre Nachricht wird nicht zugestellt. Schreiben Sie an ole@guest.example.",
    ],
)
def test_one_who_has_left_and_names_another_is_no_bounce(words: str) -> None:
    mail = f"Return-Path: <>\nFrom: freja@guest.example\nSubject: Gone\n\n{words}\n"
    assert _read(mail).kind is MailKind.OTHER
