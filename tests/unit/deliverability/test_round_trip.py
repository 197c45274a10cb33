"""What a receiver saw beside what we expect: whose word counts, and what each difference means."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from listkeeper.deliverability import dkim_key, finding, receivers_word, round_trip, sending_domain
from listkeeper.deliverability.dkim_key import KeyState
from listkeeper.deliverability.finding import Severity
from listkeeper.deliverability.proof_row import Agreement, Expected
from listkeeper.deliverability.round_trip import Proof
from listkeeper.standards import dkim, dkim_key_record
from listkeeper.standards.dkim import SigningKey
from listkeeper.standards.dns import StaticResolver
from tests.makers import cafe
from tests.makers.received_mail import GMAIL, OUR_IP, OUTLOOK, SMALL_HOST, YAHOO

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_OURS = Expected("shop.example", ("lk1",), signing=True, egress=(OUR_IP,))
_POLICY = {"_dmarc.shop.example": {"TXT": ["v=DMARC1; p=none"]}}
_ZONE = StaticResolver(_POLICY)


def _proof(text: str | bytes, ours: Expected = _OURS, resolver: StaticResolver = _ZONE) -> Proof:
    return round_trip.compare(text if isinstance(text, bytes) else text.encode(), ours, resolver, _NOW)


def _agreements(proof: Proof) -> dict[str, str]:
    return {row.what: row.agreement.value for row in proof.comparisons}


def _codes(proof: Proof) -> set[tuple[str, str]]:
    return {(row.code, row.severity.value) for row in proof.findings}


@pytest.mark.parametrize(
    ("mail", "server", "taken_by"),
    [
        (GMAIL, "mx.google.com", "mx.google.com"),
        (OUTLOOK, "", "DB7PR01MB5678.eurprd01.prod.outlook.com"),
        (YAHOO, "atlas-production.v2-mail-prod1-ir2.omega.yahoo.com", "atlas302.free.mail.ir2.yahoo.com"),
    ],
)
def test_what_large_providers_say_agrees(mail: str, server: str, taken_by: str) -> None:
    proof = _proof(mail)
    assert (proof.believed, proof.server) == (True, server)
    assert taken_by in proof.whose
    assert _agreements(proof) == dict.fromkeys(["from", "dkim", "spf", "dmarc", "egress", "tls"], "agrees")
    assert _codes(proof) == {("G1", "INFO"), ("G2", "INFO"), ("G4", "INFO")}
    assert (proof.egress, proof.offer) == (OUR_IP, "")


def test_a_forged_header_below_the_lines_of_others_is_not_believed() -> None:
    proof = _proof(SMALL_HOST)
    assert not proof.believed
    assert "below the lines of other servers than mx.small-host.test" in proof.whose
    assert _codes(proof) == {("G1", "UNKNOWN")}
    assert set(_agreements(proof).values()) == {"not_said"}
    assert proof.offer == ""


@pytest.mark.parametrize(
    ("server", "why"),
    [
        ("mx.google.com;", "signed by mx.google.com, but mx.small-host.test took the mail in"),
        ("", "nobody put a name under the results"),
        ("small-host.test.evil.example;", "signed by small-host.test.evil.example"),
    ],
)
def test_a_forged_header_on_top_is_not_believed(server: str, why: str) -> None:
    forged = f"Authentication-Results: {server} dkim=pass header.d=shop.example; dmarc=pass\n"
    proof = _proof(forged + SMALL_HOST)
    assert not proof.believed
    assert why in proof.whose
    assert finding.worst(proof.findings) is Severity.UNKNOWN


def test_what_stands_below_the_receivers_own_header_changes_nothing() -> None:
    bad = GMAIL.replace("dkim=pass", "dkim=fail").replace("dmarc=pass", "dmarc=fail")
    forged = "Authentication-Results: {}; dkim=pass header.d=shop.example header.s=lk1; dmarc=pass\nDKIM-Signature:"
    for server in ("other.test", "mx.google.com"):
        proof = _proof(bad.replace("DKIM-Signature:", forged.format(server), 1))
        assert proof.believed
        assert ("G2", "BLOCK") in _codes(proof)
    assert _proof(bad.replace("DKIM-Signature:", forged.format("other.test"), 1)).passed_over == ("other.test",)


def test_headers_alone_without_the_lines_of_the_way_prove_nothing() -> None:
    lines = "Authentication-Results: mx.google.com; dkim=pass header.d=shop.example; spf=pass; dmarc=pass\n"
    proof = _proof(lines)
    assert not proof.believed
    assert "paste all headers" in proof.whose
    assert _codes(proof) == {("G1", "UNKNOWN")}


def test_one_house_may_write_one_header_for_each_method_under_several_names() -> None:
    text = """Authentication-Results: dmarc.icloud.com; dmarc=pass header.from=shop.example
Authentication-Results: dkim-verifier.icloud.com; dkim=pass header.d=shop.example header.s=lk1
Authentication-Results: spf.icloud.com; spf=pass smtp.mailfrom=hello@shop.example
Received: from mail.shop.example (mail.shop.example [192.0.2.25])
 by ms-1.p1.icloud-mail.apple.com with ESMTPS id 1; Mon
From: hello@shop.example
"""
    proof = _proof(text)
    assert proof.believed
    assert set(_agreements(proof).values()) == {"agrees"}


def test_a_signature_that_failed_blocks_and_says_why() -> None:
    proof = _proof(GMAIL.replace("dkim=pass header", 'dkim=fail reason="body hash did not verify" header'))
    row = next(row for row in proof.comparisons if row.what == "dkim")
    assert row.agreement is Agreement.DIFFERS
    assert "body hash did not verify" in row.words
    assert ("G1", "BLOCK") in _codes(proof)


def test_a_mail_that_arrived_unsigned_blocks_with_a_mend_for_who_signs_and_who_does_not() -> None:
    text = GMAIL.replace("dkim=pass header.i=@shop.example header.s=lk1 header.b=AbCd1234", "dkim=none")
    (signing,) = [row for row in _proof(text).findings if row.severity is Severity.BLOCK]
    assert "relay" in signing.mend
    (unsigned,) = [
        row
        for row in _proof(text, Expected("shop.example", ("lk1",), signing=False)).findings
        if row.severity is Severity.BLOCK
    ]
    assert unsigned.mend == "Switch signing on for shop.example."


def test_another_key_or_another_signer_is_told_apart() -> None:
    other_key = _proof(GMAIL.replace("header.s=lk1", "header.s=relay7"))
    assert _agreements(other_key)["dkim"] == "differs"
    assert finding.worst(other_key.findings) is Severity.INFO
    assert any("relay7" in row.words for row in other_key.comparisons)
    other = _proof(GMAIL.replace("header.i=@shop.example", "header.i=@relay.test"))
    assert ("G1", "WARN") in _codes(other)
    assert any("Only a signature of relay.test passed" in row.words for row in other.comparisons)


def test_an_envelope_of_the_relay_passes_and_does_not_count() -> None:
    proof = _proof(GMAIL.replace("smtp.mailfrom=hello@shop.example", "smtp.mailfrom=bounce@relay.test"))
    assert _agreements(proof)["spf"] == "differs"
    assert any(
        "envelope of relay.test" in row.words and "signature must carry" in row.words for row in proof.comparisons
    )
    assert finding.worst(proof.findings) is Severity.INFO
    strict = StaticResolver({"_dmarc.shop.example": {"TXT": ["v=DMARC1; p=none; aspf=s"]}})
    below = GMAIL.replace("smtp.mailfrom=hello@shop.example", "smtp.mailfrom=b@bounce.shop.example")
    assert _agreements(_proof(below))["spf"] == "agrees"
    assert _agreements(_proof(below, resolver=strict))["spf"] == "differs"


@pytest.mark.parametrize(("result", "severity"), [("fail", "BLOCK"), ("softfail", "BLOCK"), ("temperror", "UNKNOWN")])
def test_spf_that_did_not_pass(result: str, severity: str) -> None:
    proof = _proof(GMAIL.replace("spf=pass", f"spf={result}"))
    assert ("G1", severity) in _codes(proof)


@pytest.mark.parametrize(
    ("result", "severity"), [("fail", "BLOCK"), ("none", "BLOCK"), ("bestguesspass", "BLOCK"), ("temperror", "UNKNOWN")]
)
def test_dmarc_that_did_not_pass(result: str, severity: str) -> None:
    assert ("G2", severity) in _codes(_proof(GMAIL.replace("dmarc=pass", f"dmarc={result}")))


def test_what_the_receiver_does_not_say_is_unknown() -> None:
    proof = _proof(GMAIL.replace("dkim=pass", "x-a=pass").replace("spf=pass", "x-b=pass").replace("dmarc=", "x-c="))
    said = _agreements(proof)
    assert (said["dkim"], said["dmarc"]) == ("not_said", "not_said")
    # Gmail says it a second time in a header of its own.
    assert said["spf"] == "agrees"
    assert _codes(proof) >= {("G1", "UNKNOWN"), ("G2", "UNKNOWN")}


def test_an_address_that_nobody_named_is_offered_and_never_set() -> None:
    unnamed = _proof(GMAIL, Expected("shop.example", ("lk1",), signing=True))
    assert (unnamed.egress, _agreements(unnamed)["egress"]) == (OUR_IP, "not_said")
    assert f"LISTKEEPER_EGRESS={OUR_IP}" in unnamed.offer
    assert finding.worst(unnamed.findings) is Severity.INFO
    other = _proof(GMAIL, Expected("shop.example", ("lk1",), signing=True, egress=("192.0.2.9",)))
    assert f"LISTKEEPER_EGRESS=192.0.2.9,{OUR_IP}" in other.offer
    assert ("G3d", "WARN") in _codes(other)


def test_a_relay_in_the_receivers_own_house_is_the_address_that_spf_was_asked_about() -> None:
    inside = """Received: from laptop.shop.example (laptop.shop.example [192.0.2.77])
 by smtp-relay.google.com with ESMTPS id 1; Mon
From: Shop"""
    assert (
        _proof(GMAIL.replace("Received: from laptop (localhost", "X-Old: (").replace("From: Shop", inside)).egress
        == OUR_IP
    )
    nothing = GMAIL.replace("192.0.2.25", "10.1.2.3")
    assert (_proof(nothing).egress, _agreements(_proof(nothing))["egress"]) == ("", "not_said")


def test_a_mail_of_somebody_else_says_nothing_about_us() -> None:
    proof = _proof(GMAIL.replace("From: Shop <hello@shop.example>", "From: Shop <hello@other.example>"))
    assert _codes(proof) == {("G1", "UNKNOWN")}
    assert "this mail comes from other.example" in proof.findings[0].message
    assert set(_agreements(proof).values()) == {"not_said"}


def test_a_silent_dns_makes_nothing_wrong() -> None:
    proof = _proof(GMAIL, resolver=StaticResolver({}, failing=("_dmarc.shop.example", "_dmarc.example")))
    assert _agreements(proof)["dkim"] == _agreements(proof)["spf"] == "agrees"


@pytest.fixture(scope="module")
def key() -> SigningKey:
    """A key of the shop."""
    return SigningKey("shop.example", "lk1", rsa.generate_private_key(65537, 2048))


def _signed(key: SigningKey) -> bytes:
    message = b"From: Shop <hello@shop.example>\r\nTo: a@gmail.com\r\nSubject: News\r\n\r\nThe oven is warm.\r\n"
    signed = dkim.sign(message, "hello@shop.example", "a@gmail.com", key=key, now=_NOW) + message
    head = GMAIL[: GMAIL.index("DKIM-Signature:")]
    # Mailboxes save files with bare line feeds.
    return head.encode() + signed.replace(b"\r\n", b"\n")


def test_our_own_verifier_looks_at_the_whole_mail_too(key: SigningKey) -> None:
    name = "lk1._domainkey.shop.example"
    zone = {
        name: {"TXT": [dkim_key_record.record_for(key.private)]},
        "_dmarc.shop.example": {"TXT": ["v=DMARC1; p=none"]},
    }
    whole = _signed(key)
    right = _proof(whole, resolver=StaticResolver(zone))
    assert _agreements(right)["verifier"] == "agrees"
    assert ("K4", "INFO") in _codes(right)
    copied = _proof(whole.replace(b"warm", b"cold"), resolver=StaticResolver(zone))
    assert _agreements(copied)["verifier"] == "differs"
    assert any("Copying changes a mail" in row.words for row in copied.comparisons)
    assert finding.worst(copied.findings) is Severity.INFO
    refused = _proof(whole.replace(b"dkim=pass", b"dkim=fail"), resolver=StaticResolver(zone))
    assert _agreements(refused)["verifier"] == "differs"
    both = _proof(whole.replace(b"warm", b"cold").replace(b"dkim=pass", b"dkim=fail"), resolver=StaticResolver(zone))
    assert _agreements(both)["verifier"] == "agrees"
    silent = _proof(whole, resolver=StaticResolver({}, failing=(name,)))
    assert _agreements(silent)["verifier"] == "not_said"
    assert round_trip.own_verdicts(GMAIL.encode(), _ZONE, _NOW) is None


@pytest.mark.parametrize(("flags", "found"), [("; t=s", [("K1c", "ERROR")]), ("", [])])
def test_a_key_for_one_domain_alone_is_named_where_the_signature_speaks_for_one_below(
    key: SigningKey, flags: str, found: list[tuple[str, str]]
) -> None:
    message = b"From: Shop <hello@shop.example>\r\nTo: a@gmail.com\r\nSubject: News\r\n\r\nThe oven is warm.\r\n"
    private = key.private
    assert isinstance(private, rsa.RSAPrivateKey)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    signature = dkimpy.sign(message, b"lk1", b"shop.example", pem, identity=b"@mail.shop.example")
    record = dkim_key_record.record_for(private) + flags
    zone = StaticResolver({"lk1._domainkey.shop.example": {"TXT": [record]}, **_POLICY})
    proof = _proof(GMAIL[: GMAIL.index("DKIM-Signature:")].encode() + bytes(signature) + message, resolver=zone)
    assert [(row.code, row.severity.value) for row in proof.findings if row.row == "K1"] == found


def test_what_was_found_can_be_kept(key: SigningKey) -> None:
    for raw in (_signed(key), GMAIL.encode(), SMALL_HOST.encode(), b""):
        proof = _proof(raw)
        assert round_trip.from_json(json.loads(json.dumps(proof.as_json()))) == proof


def test_what_is_expected_comes_from_the_keys_that_sign(session: Session) -> None:
    owner = cafe.found(session).organisation
    domain = sending_domain.add(session, owner.id, "shop.example")
    assert round_trip.expected(session, domain, ()) == Expected("shop.example", ("lk1",), signing=False)
    first = dkim_key.of(session, domain.id, "lk1")
    assert first is not None
    dkim_key.move(first, KeyState.SIGNING)
    domain.signing = True
    second = dkim_key.make(session, domain.id, "lk1e", dkim_key.Algorithm.ED25519)
    session.flush()
    assert round_trip.expected(session, domain, (OUR_IP,)).selectors == ("lk1",)
    dkim_key.move(second, KeyState.SIGNING)
    session.flush()
    assert round_trip.expected(session, domain, (OUR_IP,)) == Expected("shop.example", ("lk1", "lk1e"), True, (OUR_IP,))


_LINES = st.sampled_from([*GMAIL.splitlines(), *OUTLOOK.splitlines(), *YAHOO.splitlines(), *SMALL_HOST.splitlines()])


@given(
    st.lists(_LINES | st.text(max_size=30), max_size=40)
    .map("\n".join)
    .map(lambda text: text.encode("utf-8", "replace"))
    | st.binary(max_size=200)
)
def test_any_bytes_are_read_and_nothing_is_green_without_a_word_that_counts(raw: bytes) -> None:
    proof = _proof(raw)
    json.dumps(proof.as_json()).encode("utf-8")
    if not proof.believed:
        assert [row.severity for row in proof.findings] == [Severity.UNKNOWN]
        assert {row.agreement for row in proof.comparisons} == {Agreement.NOT_SAID}


@given(st.sampled_from(["dkim", "spf", "dmarc", "iprev"]), st.sampled_from(["pass", "fail", "none"]))
def test_a_forged_result_never_becomes_the_receivers(method: str, result: str) -> None:
    """Whatever a sender writes into the mail itself, a house that writes no results has said nothing."""
    forged = f"Authentication-Results: mx.google.com; {method}={result} header.d=shop.example\nFrom:"
    word = receivers_word.read(SMALL_HOST.replace("From:", forged).encode())
    assert word.doubt
