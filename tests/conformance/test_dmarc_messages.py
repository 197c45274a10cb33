"""Messages of another project's corpus: the verdict, the policy and the place of the record that counts.

The labels are of 2024. Where RFC 9989 reads a record in another way, the
message is named below with the section.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from listkeeper.standards import dkim, dkim_key_record, dkim_verify, dmarc
from listkeeper.standards.dkim import SigningKey
from listkeeper.standards.dmarc import Identifier, Result, Verdict
from listkeeper.standards.dmarc_record import Policy
from listkeeper.standards.dns import StaticResolver
from tests.fakes.corpora import Corpora

_MESSAGES = 8
_NOW = datetime(2026, 11, 23, tzinfo=UTC)
_PLAIN = "test.message"
# File: our verdict, and why it is not that of 2024.
_EXCEPTIONS = {
    "test.bad.message": ("fail", "RFC 9989 section 4.8: a part that is no tag is passed over, and the rest counts")
}
_PLACE = re.compile(r"(_dmarc\.\S+)(?: \((np|sp)\b.*| \(psd=y.*)?")


def test_every_message_gets_its_verdict(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora / "authheaders"
    expected = json.loads((folder / "expected.json").read_text())
    wanted: dict[str, dict[str, Any]] = expected["messages"]
    zone = _zone(expected["dns_txt"], (folder / "test.txt").read_text())
    found = {name: _judge(folder / name, said.get("dkim_given"), zone) for name, said in wanted.items()}
    differing = {name for name, verdict in found.items() if verdict.result.value != wanted[name]["dmarc"]}
    for name, verdict in found.items():
        said = wanted[name]
        assert (verdict.from_domain or None) == said["header_from"], name
        assert (verdict.policy or Policy.NONE).value == said.get("policy", "none"), name
        assert verdict.result.value == _EXCEPTIONS.get(name, (said["dmarc"], ""))[0], name
        _check_place(name, verdict, said.get("found_at"))
    plain = _judge(folder / _PLAIN, None, zone)
    assert (plain.result, plain.disposition) == (Result.FAIL, Policy.REJECT)
    assert differing == set(_EXCEPTIONS)
    assert len(found) + 1 == _MESSAGES
    named = ", ".join(f"{name} ({reason})" for name, (_, reason) in _EXCEPTIONS.items())
    summarise(
        f"authheaders: {_MESSAGES} messages, {len(found) - len(differing)} of {len(found)} verdicts as labelled, "
        f"policies and places all, 1 without a label; excepted: {named}"
    )


def test_a_plain_message_signed_by_us_passes_where_unsigned_it_fails(corpora: Corpora) -> None:
    folder = corpora / "authheaders"
    private = rsa.generate_private_key(65537, 2048)
    texts = json.loads((folder / "expected.json").read_text())["dns_txt"]
    zone = _zone(texts, dkim_key_record.record_for(private))
    lines = (folder / _PLAIN).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    key = SigningKey("example.com", "test", private)
    header = dkim.sign(lines, "news@example.com", "reader@example.net", key=key, now=_NOW)
    assert _of_message(header + lines, None, zone).result is Result.PASS
    assert _of_message(header + lines + b"more\r\n", None, zone).result is Result.FAIL


def _zone(texts: dict[str, str], key: str) -> StaticResolver:
    zone: dict[str, dict[str, list[str]]] = {
        name: {"A": ["192.0.2.1"]} if text == "exists" else {"TXT": [text]}
        for name, text in texts.items()
        if text != "NXDOMAIN"
    }
    return StaticResolver(zone | {"test._domainkey.example.com": {"TXT": [key.strip()]}})


def _judge(path: Path, given: list[str] | None, zone: StaticResolver) -> Verdict:
    return _of_message(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), given, zone)


def _of_message(lines: bytes, given: list[str] | None, zone: StaticResolver) -> Verdict:
    if given is None:
        verdicts = dkim_verify.verify(lines, zone, _NOW)
        signed = [Identifier("dkim", one.domain, one.result is dkim_verify.Result.PASS) for one in verdicts]
    else:
        pairs = [one.split(" ") for one in given]
        signed = [Identifier("dkim", domain, said == "pass") for domain, said in pairs]
    message = message_from_bytes(lines, policy=policy.compat32)
    addresses = [address for _, address in getaddresses([str(value) for value in message.get_all("From", [])])]
    domains = [address.rpartition("@")[2] for address in addresses if "@" in address]
    return dmarc.evaluate_each(domains, signed, zone)


def _check_place(name: str, verdict: Verdict, said: str | None) -> None:
    """Compare the name the record was found at, the tag that spoke, and the organisation below a suffix."""
    if said is None:
        own = f"_dmarc.{verdict.from_domain}"
        assert verdict.discovery is None or verdict.discovery.found_at == own, name
        return
    place = _PLACE.fullmatch(said)
    assert place, said
    assert verdict.discovery, name
    assert verdict.discovery.found_at == place.group(1), name
    if place.group(2):
        assert verdict.discovery.tag == place.group(2), name
    if "psd=y" in said:
        assert verdict.discovery.organisational == verdict.from_domain, name
