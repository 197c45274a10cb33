"""`listkeeper dkim`: signed with a key from a file, verified with the key from the DNS, where there is no instance."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from listkeeper.cli import main
from listkeeper.settings import Settings
from listkeeper.standards import dkim_key_record
from listkeeper.standards.dkim import PrivateKey
from tests.fakes import dns_server, typed
from tests.fakes.dns_server import DnsServer
from tests.fakes.typed import Type

_RSA = rsa.generate_private_key(65537, 2048)
_ED25519 = Ed25519PrivateKey.generate()
_KEYS: dict[str, PrivateKey] = {"rsa": _RSA, "ed": _ED25519}
_ZONE = {f"{name}._domainkey.shop.example": {"TXT": [dkim_key_record.record_for(key)]} for name, key in _KEYS.items()}
_MESSAGE = (
    b"From: Shop <news@shop.example>\n"
    b"To: reader@example.net\n"
    b"Subject: News\n"
    b"List-Unsubscribe: <https://mail.shop.example/u/x>\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
    b"\n"
    b"Hello \xc3\xb8\n"
)
Signs = Callable[..., bytes]


def _pem(key: object, encryption: KeySerializationEncryption | None = None) -> bytes:
    assert isinstance(key, rsa.RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server on loopback that publishes both keys."""
    with dns_server.serving(_ZONE) as server:
        yield server


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _no_settings_from_outside: None) -> Type:
    """Type command lines where there is no instance."""
    return typed.typing(monkeypatch, Settings(data=tmp_path / "nothing"))


@pytest.fixture
def signs(bare: Type, tmp_path: Path) -> Signs:
    """Sign a message by the command, which writes bytes."""

    def run(message: bytes = _MESSAGE, selector: str = "rsa", key: bytes | None = None) -> bytes:
        (tmp_path / "key.pem").write_bytes(_pem(_KEYS[selector]) if key is None else key)
        (tmp_path / "message.eml").write_bytes(message)
        words = ["dkim", "sign", str(tmp_path / "message.eml"), "--key", str(tmp_path / "key.pem")]
        out = io.TextIOWrapper(io.BytesIO())
        with contextlib.redirect_stdout(out):
            code = main.main.main([*words, "--domain", "shop.example", "--selector", selector], standalone_mode=False)
        assert code == 0
        return bytes(out.buffer.getvalue())

    return run


@pytest.fixture
def verify(bare: Type, names: DnsServer, tmp_path: Path) -> Callable[..., typed.Said]:
    """Verify messages, each from a file of its own."""

    def run(*messages: bytes, words: tuple[str, ...] = ("--json",)) -> typed.Said:
        files = [tmp_path / f"{number}.eml" for number in range(len(messages))]
        for file, message in zip(files, messages, strict=True):
            file.write_bytes(message)
        return bare("dkim", "verify", *map(str, files), "--nameserver", names.address, *words)

    return run


Verify = Callable[..., typed.Said]


@pytest.mark.parametrize(
    ("selector", "algorithm", "bits"), [("rsa", "rsa-sha256", 2048), ("ed", "ed25519-sha256", 256)]
)
def test_what_is_signed_passes_and_says_what_it_covers(
    signs: Signs, verify: Verify, *, selector: str, algorithm: str, bits: int
) -> None:
    signed = signs(selector=selector)
    assert signed.endswith(_MESSAGE.replace(b"\n", b"\r\n"))
    said = verify(signed)
    assert said.code == 0
    [message], [signature] = said.json["messages"], said.json["signatures"]
    assert (message["result"], message["signatures"]) == ("pass", 1)
    assert "is covered" in message["unsubscribe"]
    assert {key: signature[key] for key in ("result", "reason", "domain", "selector", "algorithm", "key_bits")} == {
        "result": "pass", "reason": "the signature is right", "domain": "shop.example", "selector": selector,
        "algorithm": algorithm, "key_bits": bits,
    }  # fmt: skip
    assert signature["headers"].count("from") == 2
    assert set(signature["oversigned"]) >= {"from", "to", "subject", "date", "list-unsubscribe-post"}
    assert (signature["covers_unsubscribe"], signature["octets"], signature["partly_signed"]) == (True, None, False)


def test_a_stored_message_with_bare_line_feeds_passes_as_well(signs: Signs, verify: Verify) -> None:
    assert verify(signs().replace(b"\r\n", b"\n")).code == 0


@pytest.mark.parametrize(
    "message", [b"From: a@shop.example", b"From: a@shop.example\n\nno end", b"From: a@shop.example\n\n\n\n"]
)
def test_a_signed_message_is_whole(signs: Signs, verify: Verify, message: bytes) -> None:
    signed = signs(message)
    assert b"\r\n\r\n" in signed
    assert signed.endswith(b"\r\n")
    assert verify(signed).code == 0


def test_the_worst_message_gives_the_exit_code(signs: Signs, verify: Verify, names: DnsServer) -> None:
    good, changed = signs(), signs().replace(b"Hello", b"Hallo")
    said = verify(good, changed, _MESSAGE)
    assert said.code == 5
    assert [message["result"] for message in said.json["messages"]] == ["pass", "fail", "none"]
    assert [row["file"][-5:] for row in said.json["signatures"]] == ["0.eml", "1.eml"]
    assert said.json["signatures"][1]["reason"] == "the body was changed after it was signed"
    names.silent.add("*")
    silent = verify(good, words=("--json", "--timeout", "0.2"))
    assert (silent.code, silent.json["messages"][0]["result"]) == (3, "temperror")
    assert silent.json["signatures"][0]["key_bits"] is None


def test_one_right_signature_is_enough(signs: Signs, verify: Verify) -> None:
    twice = signs(signs(), "ed").replace(b"t=", b"t=1", 1)
    said = verify(twice)
    assert said.code == 0
    assert [row["result"] for row in said.json["signatures"]] == ["fail", "pass"]


def test_a_partly_signed_body_and_uncovered_unsubscribing_are_told(verify: Verify) -> None:
    message = _MESSAGE.replace(b"\n", b"\r\n")
    key = _RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    signature = dkimpy.sign(message, b"rsa", b"shop.example", key, length=True)
    whole = verify(signature + message)
    assert whole.code == 0
    [row] = whole.json["signatures"]
    assert (row["octets"], row["partly_signed"], row["covers_unsubscribe"]) == (10, False, False)
    assert "does not count" in whole.json["messages"][0]["unsubscribe"]
    partly = verify(signature + message + b"Buy now\r\n")
    assert partly.code == 4
    assert (partly.json["messages"][0]["result"], partly.json["signatures"][0]["partly_signed"]) == ("policy", True)
    assert "only the first 10 octets of the body are signed" in verify(signature + message + b"PS\r\n", words=()).out


def test_people_get_the_verdict_first(signs: Signs, verify: Verify) -> None:
    lines = verify(signs(), words=()).out.splitlines()
    assert lines[0].endswith("0.eml: pass")
    assert lines[1:3] == ["  pass: the signature is right.", "      key rsa of shop.example, rsa-sha256, 2,048 bits"]
    assert lines[3].startswith("      signed: from, to, subject, ")
    assert "  It has no DKIM signature." in verify(_MESSAGE, words=()).out.splitlines()


def test_what_a_stranger_wrote_does_not_steer_the_terminal(verify: Verify) -> None:
    said = verify(b"DKIM-Signature: v=1; d=\x1b[2J; s=\x9b; a=\x07; b=; bh=; h=\r\n" + _MESSAGE, words=())
    assert said.code == 5
    assert not set(said.out) & {"\x1b", "\x9b", "\x07"}


@pytest.mark.parametrize("raw", [b"", b"\0" * 100, b"\r\n\r\n", b"DKIM-Signature:", bytes(range(256)) * 50])
def test_any_bytes_get_a_verdict(verify: Verify, raw: bytes) -> None:
    assert verify(raw).code == 5


def test_standard_input_is_a_message(
    bare: Type, names: DnsServer, signs: Signs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in ((), ("-",)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(signs())))
        said = bare("dkim", "verify", *words, "--nameserver", names.address, "--json")
        assert (said.code, said.json["messages"][0]["file"]) == (0, "-")


def test_json_gives_the_signature_and_the_record_to_publish(
    bare: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key.pem").write_bytes(_pem(_RSA))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(_MESSAGE)))
    words = ("--key", str(tmp_path / "key.pem"), "--domain", "Café.example", "--selector", "rsa", "--json")
    answer = bare("dkim", "sign", *words, "--mail-from", "b@shop.example", "--rcpt-to", "a@b.example").json
    assert answer["header"].startswith("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=xn--caf-dma.example;")
    assert answer["record"] == {
        "name": "rsa._domainkey.xn--caf-dma.example", "type": "TXT", "value": dkim_key_record.record_for(_RSA),
    }  # fmt: skip


# 768 bits, made for this test alone.
_SHORT = b"""-----BEGIN RSA PRIVATE KEY-----
MIIBygIBAAJhALBNaACjSDX+znj22mc0QJ2Q8ciLlSlJtqquJjEMHd/faajrn9wQ
xNJJp6iKKmKeaR87A3rl6I/NhTKhQbiDYn0zqooFJnb4LYgaHvgu/1bJzbjHJTfY
5IhYRM55bSSR+wIDAQABAmBVsZo+zR75V9wmQd6Q0X4i2GQdlXMwOWs3dSSNLJWM
zrw95iGyxtfUWwbKTjYh71rcqdsHZT6BkEippy6tcnKAM/hi49qDoNHYejS1kR/1
LB3QlvV8WvntmXZlkb8TyMECMQDdCHg6ZUySwVkpjXON1a1cmn/6Lus9wj4TUAUO
BFz3QPwk4bdCuRgIqRXO9dc6CCECMQDMMWe+vHcggYKIKp45dN3LXkt2zS3Y1dcU
UeYpeo9rwdprjiMrCWxUlPX2ofM05psCMASAoqpV2+x1YdKV3g+6lZB4WTkIcaRN
a6RLEf9KGXaz7S73JhuG17V9dENGAL9e4QIxALzSwxlCtva8TLUWlBKV27SAklBe
FJN7y9Til3CsAYyoSw9C9YqKwD7HMVzNDlZRGQIwCmpaJXGMeN8Kmue2lTVdPW/6
U/RReY3S1TrUVIUEyyJbU8SI4w6AFpkmOunfAj8a
-----END RSA PRIVATE KEY-----
"""
_OTHER_KEYS: dict[str, Callable[[], bytes]] = {
    "no key": lambda: b"hello",
    "nothing": lambda: b"",
    "curve": lambda: _pem(ec.generate_private_key(ec.SECP256R1())),
    "locked": lambda: _pem(_RSA, BestAvailableEncryption(b"secret")),
    "public": lambda: _RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "cut off": lambda: _pem(_RSA)[:400],
    "short": lambda: _SHORT,
}


@pytest.mark.parametrize("kind", _OTHER_KEYS)
def test_a_key_that_signs_nothing_is_one_sentence(bare: Type, tmp_path: Path, kind: str) -> None:
    key, message = tmp_path / "key.pem", tmp_path / "message.eml"
    key.write_bytes(_OTHER_KEYS[kind]())
    message.write_bytes(_MESSAGE)
    said = bare("dkim", "sign", str(message), "--key", str(key), "--domain", "shop.example", "--selector", "a")
    assert said.code == 10
    assert ("768 bits" if kind == "short" else "holds no private key") in said.sentence


@pytest.mark.parametrize(
    ("message", "words", "error"),
    [
        (b"To: a@b.example\n\nx", (), "not_one_from"),
        (b"", (), "not_one_from"),
        (b"From: a@shop.example\n\nx\ry", (), "bare_line_end"),
        (_MESSAGE, ("--selector", "a_b"), "selector"),
        (_MESSAGE, ("--domain", "no domain"), "domain"),
        (_MESSAGE, ("--key", "/nowhere.pem"), "usage"),
    ],
)
def test_what_cannot_be_signed_is_one_sentence(
    bare: Type, tmp_path: Path, *, message: bytes, words: tuple[str, ...], error: str
) -> None:
    key, file = tmp_path / "key.pem", tmp_path / "message.eml"
    key.write_bytes(_pem(_ED25519))
    file.write_bytes(message)
    given = ("--key", str(key), "--domain", "shop.example", "--selector", "a", *words)
    assert bare("dkim", "sign", str(file), *given, "--json").error == error


def test_key_and_message_cannot_both_be_standard_input(bare: Type) -> None:
    said = bare("dkim", "sign", "--key", "-", "--domain", "shop.example", "--selector", "a", "--json")
    assert (said.code, said.error) == (2, "usage")


def test_a_file_that_is_not_there_is_wrong_usage(bare: Type) -> None:
    assert bare("dkim", "verify", "/nowhere.eml", "--json").error == "usage"
