"""DKIM beside two verifiers nobody here wrote: dkimpy, and Debian's opendkim. Each verifies what the other side signs.

The messages are generated: odd folding, bodies without an end or with many,
long lines, repeated fields, bytes above 127, names in odd case.
"""

from __future__ import annotations

import base64
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from listkeeper.foundation import clock
from listkeeper.standards import dkim, dkim_key_record, dkim_verify
from listkeeper.standards.dkim import PrivateKey, SigningKey
from listkeeper.standards.dkim_verify import KnownKey, Result

Share = Callable[[str, int, int], int]
_KEYS: dict[str, PrivateKey] = {
    "rsa-sha256": rsa.generate_private_key(65537, 2048),
    "ed25519-sha256": Ed25519PrivateKey.generate(),
}
_RECORDS = {name: dkim_key_record.record_for(key) for name, key in _KEYS.items()}
_FORMS: list[tuple[str, str]] = [(head, body) for head in ("simple", "relaxed") for body in ("simple", "relaxed")]
_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_ONCE = ["To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Reply-To", "List-Id", "Feedback-ID"]
_MANY = ["Received", "X-Own", "Comments", "Keywords", "To", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post"]
_SPACES = [" ", "  ", "\t", " \t ", "\r\n ", "\r\n\t", "  \r\n   ", "\r\n\t \t"]
_WORDS = ["news", "Café", "=?utf-8?q?=C3=B8?=", "a@shop.example", "æøå", "x" * 300, ":", ";", "b=", '"q"', "\x7f", "0"]
_LINES = [
    "", "", " ", "\t", "Hello  reader", "trailing \t ", "\tleading", ".", "..", "From me", "ø" * 60, "w" * 990,
    "two  spaces \t and tabs\t\t", "From: nobody@shop.example", "DKIM-Signature: v=1; b=x", "=3D=20=",
]  # fmt: skip


def _odd_case(chance: random.Random, name: str) -> str:
    return chance.choice([name, name, name.lower(), name.upper(), name.swapcase()])


def _field(chance: random.Random, name: str, *, plainly: bool) -> str:
    words = [chance.choice(_WORDS) for _ in range(chance.randrange(5))]
    if name == "From":
        # opendkim looks at no message whose writer it cannot find.
        words = [chance.choice(["Shop", '"Shop, news"', "=?utf-8?q?Caf=C3=A9?=", ""]), "<news@shop.example>"]
    value = "".join(chance.choice(_SPACES) + word for word in words)
    if plainly:
        value = " x" + value
    return f"{_odd_case(chance, name)}:{value}{chance.choice(['', ' ', chr(9)])}\r\n"


def _message(chance: random.Random, *, plainly: bool = False) -> bytes:
    """Return a message as SMTP hands it over, with exactly one From; plainly: each field begins with one space."""
    once = chance.sample(_ONCE, chance.randrange(len(_ONCE)))
    names = ["From", *once, *(chance.choice(_MANY) for _ in range(chance.randrange(6)))]
    chance.shuffle(names)
    lines = [chance.choice(_LINES) for _ in range(chance.choice([0, 1, 2, 5, 20]))]
    body = "".join(f"{line}\r\n" for line in lines) + "\r\n" * chance.choice([0, 0, 1, 3])
    head = "".join(_field(chance, name, plainly=plainly) for name in names)
    return f"{head}\r\n{body}".encode(chance.choice(["utf-8", "latin-1"]), "replace")


def _ours(message: bytes, algorithm: str) -> bytes:
    by = SigningKey("shop.example", algorithm.partition("-")[0], _KEYS[algorithm])
    return dkim.sign(message, "b@shop.example", "a@reader.example", key=by, now=clock.now()) + message


def _passes(message: bytes, algorithm: str, counting: tuple[Result, ...] = (Result.PASS,)) -> bool:
    verdicts = dkim_verify.verify(message, KnownKey(_RECORDS[algorithm]), clock.now())
    return any(verdict.result in counting for verdict in verdicts)


def _passes_dkimpy(message: bytes, algorithm: str) -> bool:
    try:
        return bool(dkimpy.verify(message, dnsfunc=lambda *_, **__: _RECORDS[algorithm].encode()))
    except Exception:  # noqa: BLE001 - it raises whatever it happens upon
        return False


def _signed_by_dkimpy(message: bytes, algorithm: str, forms: tuple[str, str], chance: random.Random) -> bytes:
    private = _KEYS[algorithm]
    if isinstance(private, Ed25519PrivateKey):
        key = base64.b64encode(private.private_bytes_raw())
    else:
        key = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    more = {"length": chance.random() < 0.2, "identity": chance.choice([None, b"a@mail.shop.example"])}
    signature = dkimpy.sign(
        message, algorithm.partition("-")[0].encode(), b"shop.example", key,
        canonicalize=(forms[0].encode(), forms[1].encode()), signature_algorithm=algorithm.encode(), **more,
    )  # fmt: skip
    return bytes(signature) + message


@pytest.mark.parametrize("algorithm", _KEYS)
def test_dkimpy_verifies_what_we_sign(
    chance: random.Random, share: Share, summarise: Callable[[str], None], algorithm: str
) -> None:
    count = share(f"generated messages signed here with {algorithm} and verified by dkimpy", 2_000, 100)
    refused = [
        message for message in (_message(chance) for _ in range(count))
        if not _passes_dkimpy(_ours(message, algorithm), algorithm)
    ]  # fmt: skip
    assert refused == []


@pytest.mark.parametrize("algorithm", _KEYS)
def test_what_dkimpy_signs_is_verified(chance: random.Random, share: Share, algorithm: str) -> None:
    count = share(f"generated messages signed by dkimpy with {algorithm} and verified here", 1_000, 60)
    refused = []
    for number in range(count):
        forms = _FORMS[number % len(_FORMS)]
        signed = _signed_by_dkimpy(_message(chance), algorithm, forms, chance)
        if not _passes(signed, algorithm):
            refused.append((forms, signed))
    assert refused == []


def test_of_changed_messages_both_say_the_same(chance: random.Random, share: Share) -> None:
    count = share("changed messages judged beside dkimpy", 5_000, 200)
    algorithm = "ed25519-sha256"
    passed, different = 0, []
    for number in range(count):
        message = _message(chance)
        signed = (
            _ours(message, algorithm)
            if number % 2
            else _signed_by_dkimpy(message, algorithm, chance.choice(_FORMS), chance)
        )
        changed = _changed(chance, signed)
        # A signature of a part of the body is worth nothing to us once there is more (RFC 6376 section 8.2).
        ours = _passes(changed, algorithm, (Result.PASS, Result.POLICY))
        theirs = _passes_dkimpy(changed, algorithm)
        passed += ours
        if ours != theirs:
            different.append((ours, signed, changed))
    assert different == []
    assert 0 < passed < count


def _changed(chance: random.Random, signed: bytes) -> bytes:
    """Change one thing, as relays, lists and forgers do; line ends stay whole, because SMTP keeps them so."""
    match chance.randrange(5):
        case 0:
            return signed + chance.choice([b"\r\n", b"Buy now\r\n", b" \r\n"])
        case 1:
            head, _, body = signed.partition(b"\r\n\r\n")
            return head + b"\r\n" + chance.choice([b"Subject", b"From", b"X-Spam"]) + b": Invoice\r\n\r\n" + body
        case 2:
            return re.sub(rb"(?<=[!-~])  ?(?=[!-~])", chance.choice([b" ", b"  ", b"\t"]), signed, count=3)
        case 3:
            return signed.replace(b"Hello", b"Hallo")
        case _:
            places = [place for place, byte in enumerate(signed) if chr(byte).isalnum() and byte < 128]
            place = chance.choice(places)
            return signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.fail(f"{name} is not on this machine. Install it with `apt-get install {package}` (bin/test does so).")
    return found


class _OpenDkim:
    """Debian's filter in its test mode: it reads messages from files and keys from a file, and asks nobody."""

    def __init__(self, folder: Path) -> None:
        self.program = _program("opendkim", "opendkim")
        self.folder = folder
        lines = [f"{name.partition('-')[0]}._domainkey.shop.example {record}" for name, record in _RECORDS.items()]
        (folder / "keys").write_text("\n".join(lines) + "\n")
        for name, key in _KEYS.items():
            form = PrivateFormat.PKCS8 if isinstance(key, Ed25519PrivateKey) else PrivateFormat.TraditionalOpenSSL
            pem = key.private_bytes(Encoding.PEM, form, NoEncryption())
            self.key_file(name).write_bytes(pem)

    def key_file(self, algorithm: str) -> Path:
        return self.folder / f"{algorithm}.pem"

    def run(self, messages: list[bytes], *, verbose: bool = False, **told: str) -> str:
        """Run it over messages with these lines of configuration; return what it prints."""
        files = [self.folder / f"{number}.eml" for number in range(len(messages))]
        for file, message in zip(files, messages, strict=True):
            file.write_bytes(message)
        lines = {"Syslog": "no", "RequireSafeKeys": "no", "TestPublicKeys": str(self.folder / "keys"), **told}
        configuration = self.folder / "opendkim.conf"
        configuration.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        words = [self.program, "-x", str(configuration), *(["-vv"] if verbose else []), "-t", ",".join(map(str, files))]
        said = subprocess.run(words, capture_output=True, check=False, timeout=120)
        assert said.returncode == 0, said.stderr.decode("latin-1")[-2000:]
        return said.stdout.decode("latin-1") + said.stderr.decode("latin-1")

    def passed(self, messages: list[bytes]) -> list[bool]:
        """Return for each message whether its signature passes."""
        told = re.findall(r"^opendkim: \S+\.eml: (.*)$", self.run(messages, Mode="v"), re.MULTILINE)
        assert len(told) == len(messages), told
        return ["succeeded" in words for words in told]

    def signed(self, messages: list[bytes], algorithm: str, forms: tuple[str, str]) -> list[bytes]:
        """Return messages with its signature in front."""
        said = self.run(
            messages, verbose=True, Mode="s", Domain="shop.example", Selector=algorithm.partition("-")[0],
            KeyFile=str(self.key_file(algorithm)), SignatureAlgorithm=algorithm, Canonicalization="/".join(forms),
            InternalHosts="0.0.0.0/0", OversignHeaders="From",
        )  # fmt: skip
        fields = re.findall(r"hname='DKIM-Signature' hvalue='(.*?)'$", said, re.DOTALL | re.MULTILINE)
        assert len(fields) == len(messages)
        wire = [field.encode("latin-1").replace(b"\n", b"\r\n") for field in fields]
        return [b"DKIM-Signature: " + field + b"\r\n" + m for field, m in zip(wire, messages, strict=True)]


@pytest.fixture
def opendkim(tmp_path: Path) -> _OpenDkim:
    """The filter, with both keys published."""
    return _OpenDkim(tmp_path)


@pytest.mark.parametrize("algorithm", _KEYS)
def test_opendkim_verifies_what_we_sign(
    opendkim: _OpenDkim, chance: random.Random, share: Share, algorithm: str
) -> None:
    count = share(f"generated messages signed here with {algorithm} and verified by opendkim", 500, 60)
    messages = [_ours(_message(chance), algorithm) for _ in range(count)]
    passed = opendkim.passed(messages)
    assert [message for message, passes in zip(messages, passed, strict=True) if not passes] == []
    assert not any(opendkim.passed([message + b"Buy now\r\n" for message in messages[:10]]))


@pytest.mark.parametrize("algorithm", _KEYS)
def test_what_opendkim_signs_is_verified(
    opendkim: _OpenDkim, chance: random.Random, share: Share, algorithm: str
) -> None:
    count = share(f"generated messages signed by opendkim with {algorithm} and verified here", 400, 40)
    for forms in _FORMS:
        # In its test mode it is told of fields without the white space at their beginning, and signs one space.
        messages = [_message(chance, plainly=forms[0] == "simple") for _ in range(count // len(_FORMS))]
        signed = opendkim.signed(messages, algorithm, forms)
        passed = [_passes(message, algorithm) for message in signed]
        assert passed == opendkim.passed(signed)
        # What it signs with Ed25519 over simple fields it does not believe itself, and neither does dkimpy.
        assert all(passed) or (algorithm, forms[0]) == ("ed25519-sha256", "simple")
        assert not any(_passes(message + b"Buy now\r\n", algorithm) for message in signed)


def test_what_signs_with_rsa_sha1_does_not_pass(opendkim: _OpenDkim) -> None:
    head = b"From: a@shop.example\r\nTo: b@reader.example\r\nSubject: x\r\nDate: Mon, 23 Nov 2026 08:00:00 +0000\r\n"
    message = head + b"Message-ID: <1@shop.example>\r\n\r\nHello\r\n"
    program = _program("opendkim-testmsg", "opendkim-tools")
    words = [program, "-C", "-d", "shop.example", "-s", "rsa", "-k", str(opendkim.key_file("rsa-sha256"))]
    signed = subprocess.run(words, input=message, capture_output=True, check=True, timeout=30).stdout
    (verdict,) = dkim_verify.verify(signed, KnownKey(_RECORDS["rsa-sha256"]), _NOW)
    assert (verdict.result, verdict.algorithm) == (Result.PERMERROR, "rsa-sha1")
    assert "proves nothing any more" in verdict.reason
