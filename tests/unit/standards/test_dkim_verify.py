"""What a signature is worth: held against dkimpy both ways, and against every way of being wrong we could think of."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import dkim, dkim_key_record, dkim_verify, dns
from listkeeper.standards.dkim import PrivateKey, SigningKey
from listkeeper.standards.dkim_verify import KnownKey, Result, Verdict

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_RSA = rsa.generate_private_key(65537, 2048)
_ED25519 = Ed25519PrivateKey.generate()
_KEYS: dict[str, PrivateKey] = {"rsa-sha256": _RSA, "ed25519-sha256": _ED25519}
_RECORDS = {name: dkim_key_record.record_for(key) for name, key in _KEYS.items()}
_NAME = "lk1._domainkey.shop.example"
_MESSAGE = (
    b"Received: from nowhere\r\n"
    b"From: =?utf-8?q?Caf=C3=A9?= <news@shop.example>\r\n"
    b"To:   reader@example.net  \r\n"
    b"Subject: A long subject that is\r\n\tfolded   over two lines\r\n"
    b"Date: Mon, 23 Nov 2026 08:00:00 +0000\r\n"
    b"Message-ID: <1@shop.example>\r\n"
    b"\r\n"
    b"Hello \t reader,  \r\n"
    b"\r\n"
    b"until soon.\r\n"
    b"\r\n"
)


def _signed(message: bytes = _MESSAGE, algorithm: str = "ed25519-sha256") -> bytes:
    by = SigningKey("shop.example", "lk1", _KEYS[algorithm])
    return dkim.sign(message, "b@shop.example", "reader@example.net", key=by, now=_NOW) + message


def _by_dkimpy(header_form: str, body_form: str, algorithm: str, message: bytes = _MESSAGE, **more: object) -> bytes:
    private = _KEYS[algorithm]
    if isinstance(private, Ed25519PrivateKey):
        key = base64.b64encode(private.private_bytes_raw())
    else:
        key = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    forms = (header_form.encode(), body_form.encode())
    signature = dkimpy.sign(
        message, b"lk1", b"shop.example", key, canonicalize=forms, signature_algorithm=algorithm.encode(), **more
    )
    return bytes(signature) + message


def _only(message: bytes, algorithm: str = "ed25519-sha256", now: datetime = _NOW) -> Verdict:
    (verdict,) = dkim_verify.verify(message, KnownKey(_RECORDS[algorithm]), now)
    return verdict


def _passes_dkimpy(message: bytes, algorithm: str = "ed25519-sha256") -> bool:
    try:
        return bool(dkimpy.verify(message, dnsfunc=lambda *_, **__: _RECORDS[algorithm].encode()))
    except Exception:  # noqa: BLE001 - it raises whatever it happens upon
        return False


@pytest.mark.parametrize("algorithm", _KEYS)
def test_what_we_sign_passes(algorithm: str) -> None:
    verdict = _only(_signed(algorithm=algorithm), algorithm)
    assert verdict == Verdict(Result.PASS, "the signature is right", "shop.example", "lk1", algorithm)


@pytest.mark.parametrize("algorithm", _KEYS)
@pytest.mark.parametrize("body_form", ["simple", "relaxed"])
@pytest.mark.parametrize("header_form", ["simple", "relaxed"])
def test_what_dkimpy_signs_passes(header_form: str, body_form: str, algorithm: str) -> None:
    signed = _by_dkimpy(header_form, body_form, algorithm)
    assert _only(signed, algorithm).result is Result.PASS
    loose = signed.replace(b"Hello \t reader,  \r\n", b"Hello reader,\r\n")
    assert (_only(loose, algorithm).result is Result.PASS) is (body_form == "relaxed")
    loose = signed.replace(b"To:   reader", b"TO: reader")
    assert (_only(loose, algorithm).result is Result.PASS) is (header_form == "relaxed")


@pytest.mark.parametrize(
    "signed", [_by_dkimpy("simple", "simple", "ed25519-sha256"), _signed()], ids=["dkimpy", "ours"]
)
def test_no_byte_can_be_changed_that_dkimpy_would_not_let_be_changed(signed: bytes) -> None:
    passed = []
    for place, byte in enumerate(signed):
        changed = signed[:place] + bytes([byte ^ 1]) + signed[place + 1 :]
        verdicts = dkim_verify.verify(changed, KnownKey(_RECORDS["ed25519-sha256"]), _NOW)
        if any(verdict.result is Result.PASS for verdict in verdicts):
            passed.append(place)
            assert _passes_dkimpy(changed)
        else:
            # dkimpy takes a line feed alone for the end of a line; a message that travelled has none.
            assert byte == ord("\r") or not _passes_dkimpy(changed)
    # What may change: the field that is not signed, and bits of base64 that stand for nothing.
    free = set(range(signed.index(b"Received"), signed.index(b"From: ")))
    assert len(free - set(passed)) <= 3
    assert len(set(passed) - free) <= 2


_ROOM = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=shop.example; s=lk1; h=from:from; bh={bh}; b={b}"
_BH = dkim.body_hash(b"Hello\r\n")


def _with(tags: str) -> bytes:
    written = tags.format(bh=_BH, b="A" * 86 + "==")
    return f"DKIM-Signature: {written}\r\nFrom: a@shop.example\r\n\r\nHello\r\n".encode()


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("v=1; ", "", "the signature lacks the tag v="),
        ("; b={b}", "", "the signature lacks the tag b="),
        ("v=1", "v=0.5", "v=0.5 is nothing a receiver can use"),
        ("v=1", "v=1; v=1", "the tag v= stands twice"),
        ("v=1", "version 1", "version 1 is not of the form tag=value"),
        ("ed25519-sha256", "rsa-sha1", "it was made with rsa-sha1, which proves nothing any more (RFC 8301)"),
        ("ed25519-sha256", "dsa-sha512", "dsa-sha512 is no algorithm that receivers know"),
        ("relaxed/relaxed", "relaxed/loose", "c=relaxed/loose is nothing a receiver can use"),
        ("d=shop.example", "d=shop", "d=shop is nothing a receiver can use"),
        ("d=shop.example", "d=shop..example", "d=shop..example is nothing a receiver can use"),
        ("s=lk1", "s=l k", "s=l k is nothing a receiver can use"),
        ("s=lk1", "s=lk1; q=dns/a", "q=dns/a is nothing a receiver can use"),
        ("s=lk1", "s=lk1; l=-1", "l=-1 is nothing a receiver can use"),
        ("s=lk1", "s=lk1; l=8", "it covers more of the body than there is"),
        ("s=lk1", "s=lk1; t=20; x=19", "x=19 is nothing a receiver can use"),
        ("s=lk1", "s=lk1; x=19", "it expired on 1970-01-01 00:00 UTC"),
        ("s=lk1", f"s=lk1; x={'9' * 18}", f"x={'9' * 18} is nothing a receiver can use"),
        ("s=lk1", "s=lk1; i=a@other.example", "i=a@other.example is nothing a receiver can use"),
        ("s=lk1", "s=lk1; i=a@notshop.example", "i=a@notshop.example is nothing a receiver can use"),
        ("from:from", "to:subject", "it does not cover From, so it says nothing of who wrote"),
        ("from:from", "from::to", "h=from::to is nothing a receiver can use"),
        ("bh={bh}", "bh=AAAA", "bh=AAAA is nothing a receiver can use"),
        ("b={b}", "b=*", "b=* is nothing a receiver can use"),
        ("b={b}", "b=", "b= is nothing a receiver can use"),
        ("b={b}", f"b={{b}}; z={'x' * 20_000}", "the signature is longer than any that is looked at"),
    ],
)
def test_a_signature_nobody_can_use_says_why(before: str, after: str, reason: str) -> None:
    assert before in _ROOM
    verdict = _only(_with(_ROOM.replace(before, after, 1)))
    assert (verdict.result, verdict.reason) == (Result.PERMERROR, reason)


def test_rsa_sha1_never_passes_though_it_is_right() -> None:
    pem = _RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    signature = dkimpy.sign(_MESSAGE, b"lk1", b"shop.example", pem, signature_algorithm=b"rsa-sha1")
    assert _only(signature + _MESSAGE, "rsa-sha256").result is Result.PERMERROR


def test_a_changed_body_and_a_changed_header_are_told_apart() -> None:
    signed = _signed()
    body = _only(signed.replace(b"soon", b"never"))
    head = _only(signed.replace(b"A long", b"A short"))
    assert (body.result, body.reason) == (Result.FAIL, "the body was changed after it was signed")
    assert (head.result, head.reason) == (
        Result.FAIL,
        "the headers were changed after they were signed, or it was made with another key",
    )
    assert _only(signed.replace(b"To:", b"Subject: Invoice\r\nTo:")).result is Result.FAIL


_SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - just long enough to count


@pytest.mark.parametrize(
    ("record", "result", "reason"),
    [
        ("v=DKIM1; k=ed25519; p=", Result.PERMERROR, f"the key at {_NAME} was withdrawn"),
        ("v=DKIM1; k=rsa", Result.PERMERROR, f"the key at {_NAME} cannot be used: it has no p= with the key"),
        (_RECORDS["rsa-sha256"], Result.PERMERROR, "the key is not of the kind that the signature names"),
        (
            dkim_key_record.record_for(Ed25519PrivateKey.generate()),
            Result.FAIL,
            "the headers were changed after they were signed, or it was made with another key",
        ),
        (_RECORDS["ed25519-sha256"] + "; t=y", Result.PASS, "the signature is right"),
        (_RECORDS["ed25519-sha256"] + "; t=s", Result.PASS, "the signature is right"),
    ],
    # Keys are drawn anew by every process, and all have to name the same tests.
    ids=("withdrawn", "without-key", "other-kind", "other-key", "testing", "strict"),
)
def test_the_key_decides(record: str, result: Result, reason: str) -> None:
    (verdict,) = dkim_verify.verify(_signed(), KnownKey(record), _NOW)
    assert (verdict.result, verdict.reason, verdict.testing) == (result, reason, "t=y" in record)


def test_a_short_key_never_passes() -> None:
    corpus_key = (
        "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2leFxfS/AVJ+dYfY+hXqMsT7l+"
        "MZvvh/RFGP5Cw+IBoBEa8CAwEAAQ=="
    )
    (verdict,) = dkim_verify.verify(_signed(algorithm="rsa-sha256"), KnownKey(corpus_key), _NOW)
    assert verdict.result is Result.PERMERROR
    by = SigningKey("shop.example", "lk1", _SHORT)
    signed = dkim.sign(_MESSAGE, "", "", key=by, now=_NOW) + _MESSAGE
    (longest,) = dkim_verify.verify(signed, KnownKey(dkim_key_record.record_for(_SHORT)), _NOW)
    assert longest.result is Result.PASS


def test_a_key_for_its_domain_alone_is_not_for_what_is_below_it() -> None:
    signed = _by_dkimpy("relaxed", "relaxed", "ed25519-sha256", identity=b"a@mail.shop.example")
    assert _only(signed).result is Result.PASS
    (verdict,) = dkim_verify.verify(signed, KnownKey(f"{_RECORDS['ed25519-sha256']}; t=s"), _NOW)
    assert (verdict.result, "alone" in verdict.reason, verdict.below) == (Result.PERMERROR, True, True)
    (same,) = dkim_verify.verify(_signed(), KnownKey(f"{_RECORDS['ed25519-sha256']}; t=s"), _NOW)
    assert (same.result, same.below) == (Result.PASS, False)


def test_what_the_dns_says_is_believed_and_its_silence_is_not_known() -> None:
    zone = {_NAME: {"TXT": [_RECORDS["ed25519-sha256"]]}}
    found = {
        "published": dns.StaticResolver(zone),
        "two records": dns.StaticResolver({_NAME: {"TXT": ["nonsense", _RECORDS["ed25519-sha256"]]}}),
        "nothing": dns.StaticResolver({}),
        "no text": dns.StaticResolver({_NAME: {"A": ["192.0.2.1"]}}),
        "silent": dns.StaticResolver({}, failing=[_NAME]),
    }
    verdicts = {case: dkim_verify.verify(_signed(), resolver, _NOW)[0] for case, resolver in found.items()}
    assert {case: verdict.result for case, verdict in verdicts.items()} == {
        "published": Result.PASS,
        "two records": Result.PASS,
        "nothing": Result.PERMERROR,
        "no text": Result.PERMERROR,
        "silent": Result.TEMPERROR,
    }
    assert verdicts["silent"].reason == "the DNS gave no answer about the key: no answer in time"
    # What is wrong without any key is known all the same.
    assert dkim_verify.verify(_signed() + b"PS\r\n", found["silent"], _NOW)[0].result is Result.FAIL


def test_a_signature_of_a_part_of_the_body_does_not_count_once_there_is_more() -> None:
    signed = _by_dkimpy("relaxed", "simple", "ed25519-sha256", length=True)
    assert b"l=" in signed
    assert _only(signed).result is Result.PASS
    longer = _only(signed + b"Buy now\r\n")
    assert (longer.result, "are signed, not the rest" in longer.reason) == (Result.POLICY, True)
    assert _passes_dkimpy(signed + b"Buy now\r\n")


def test_a_head_that_others_would_see_end_earlier_is_not_believed() -> None:
    verdict = _only(_signed().replace(b"Received: from", b"no header field from"))
    assert (verdict.result, verdict.reason) == (
        Result.PERMERROR,
        "the head of the message holds a line that is no header field",
    )


def test_it_expires() -> None:
    tags = _ROOM.replace("s=lk1", "s=lk1; t=1795420800; x=1795424400")
    assert _only(_with(tags)).result is Result.FAIL
    late = _only(_with(tags), now=datetime(2026, 11, 23, 9, 0, 1, tzinfo=UTC))
    assert (late.result, late.reason) == (Result.PERMERROR, "it expired on 2026-11-23 09:00 UTC")


def test_of_equal_fields_the_lowest_is_signed_first() -> None:
    twice = _MESSAGE.replace(b"Received: from nowhere\r\n", b"X-A: upper\r\nX-A: lower\r\n")
    signed = _by_dkimpy("relaxed", "relaxed", "ed25519-sha256", twice, include_headers=[b"from", b"x-a"])
    assert _only(signed).result is Result.PASS
    assert _only(signed.replace(b"upper", b"other")).result is Result.PASS
    assert _only(signed.replace(b"lower", b"other")).result is Result.FAIL


def test_each_signature_is_judged_by_itself() -> None:
    signed = _signed(_signed(algorithm="rsa-sha256"), "ed25519-sha256")
    verdicts = dkim_verify.verify(signed, KnownKey(_RECORDS["rsa-sha256"]), _NOW)
    assert [(verdict.algorithm, verdict.result) for verdict in verdicts] == [
        ("ed25519-sha256", Result.PERMERROR),
        ("rsa-sha256", Result.PASS),
    ]
    assert dkim_verify.verify(_MESSAGE, KnownKey(""), _NOW) == []
    assert len(dkim_verify.verify(b"DKIM-Signature: x\r\n" * 50, KnownKey(""), _NOW)) == 20


def test_signature_and_header_may_be_written_oddly() -> None:
    signed = _signed()
    odd = re.sub(rb"DKIM-Signature: v=1;", b"dkim-signature :v = 1 ;\r\n\t", signed, count=1)
    assert _only(odd).result is Result.FAIL
    spaced = _by_dkimpy("simple", "simple", "ed25519-sha256")
    assert (
        _only(re.sub(rb"b=([^;]{10})([^;]*)\r\nReceived", rb"b= \1 \r\n  \2\r\nReceived", spaced)).result is Result.PASS
    )


@given(st.binary(max_size=300), st.sampled_from([b"", b"DKIM-Signature:", b"DKIM-Signature: " + _ROOM.encode()[:120]]))
def test_no_bytes_make_it_raise(raw: bytes, start: bytes) -> None:
    for message in (start + raw, _signed()[: len(raw)] + raw, start + raw.replace(b"\n", b"\r\n") + _signed()):
        found = dkim_verify.verify(message, KnownKey(_RECORDS["ed25519-sha256"]), _NOW)
        assert all(isinstance(verdict.result, Result) and verdict.reason for verdict in found)


@given(st.text(max_size=200))
def test_no_key_record_makes_it_raise(record: str) -> None:
    (verdict,) = dkim_verify.verify(_signed(), KnownKey(record), _NOW)
    assert verdict.result is Result.PERMERROR


def test_large_messages_are_judged_in_reasonable_time_or_not_at_all() -> None:
    (verdict,) = dkim_verify.verify(b"x" * 50_000_001, KnownKey(""), _NOW)
    assert verdict.result is Result.PERMERROR
    spaces = _signed(b"From: a@shop.example\r\n\r\n" + b" " * 1_000_000 + b"x" + b"\r\n" * 500_000)
    assert _only(spaces).result is Result.PASS
