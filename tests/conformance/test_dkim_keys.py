"""Key records of another project's corpus: each is read, or refused in words, and told of in a finding."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from listkeeper.deliverability import dkim_audit
from listkeeper.deliverability.finding import Severity
from listkeeper.standards import dkim_key_record, dkim_verify, dns
from listkeeper.standards.dkim_key_record import BadKey, KeyRecord
from listkeeper.standards.dkim_verify import Result
from tests.fakes.corpora import Corpora

_NOW = datetime(2026, 11, 23, tzinfo=UTC)
_RECORDS = 14
# Records no receiver of today can use, and the shortest keys: each must be told from a good one.
_UNUSABLE = {"testbad2", "testbad3", "testbad4", "testbad7", "invalid"}
_SHORT = {"test1", "test3", "test4", "shan", "foo"}


def test_every_key_record_is_read_or_refused_in_words(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    lines = (corpora / "dkim_mail_dkim" / "FAKE_DNS.dat").read_bytes().decode("latin-1").splitlines()
    named = [line.split(None, 1) for line in lines if line.strip() and not line.startswith("#")]
    texts = {name.partition(".")[0]: text for name, text in named if "=" in text}
    read = {selector: dkim_key_record.parse(text) for selector, text in texts.items()}
    refused = {selector: key for selector, key in read.items() if isinstance(key, BadKey)}
    short = {
        selector
        for selector, key in read.items()
        if isinstance(key, KeyRecord) and key.bits < 1024 and key.algorithm == "rsa"
    }
    summarise(f"dkim_mail_dkim keys: {len(texts)} read, {len(refused)} refused in words, {len(short)} too short")
    assert len(texts) == _RECORDS
    assert set(refused) == _UNUSABLE
    assert all(key.reason for key in refused.values())
    assert short == _SHORT


# Each file's key, as an owner would be told of it; that of badkey3 is right, and its signature belongs to another one.
_FINDINGS = {
    "badkey1_ed25519.txt": {("K1", Severity.ERROR)},
    "badkey3_ed25519.txt": set(),
    "badkey4_ed25519.txt": {("K1", Severity.ERROR)},
    "badkey_1.txt": {("K1", Severity.ERROR)},
    "badkey_13.txt": {("K2", Severity.BLOCK)},
    "badkey_14.txt": {("K1", Severity.UNKNOWN)},
    "badkey_15.txt": {("K1", Severity.UNKNOWN)},
    "badkey_4.txt": {("K1", Severity.ERROR)},
    "badkey_5.txt": {("K1", Severity.ERROR)},
    "badkey_6.txt": {("K1", Severity.ERROR)},
    "badkey_7.txt": {("K1", Severity.ERROR)},
    "ignore_5.txt": {("K1b", Severity.WARN), ("K2", Severity.BLOCK)},
    "ignore_8.txt": {("K1b", Severity.WARN), ("K2", Severity.BLOCK)},
}


def test_every_bad_key_is_a_finding_in_words(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora / "dkim_mail_dkim"
    resolver = _zone((folder / "FAKE_DNS.dat").read_bytes().decode("latin-1"))
    files = sorted(path for sort in ("badkey*", "ignore*") for path in (folder / "messages").glob(sort))
    found = {}
    for file in files:
        message = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        (verdict,) = dkim_verify.verify(message, resolver, _NOW)
        told = dkim_audit.audit(verdict.domain, resolver, ours=None, selectors=[verdict.selector], now=_NOW)
        wrong = [row for row in told if row.code != "K3" and row.severity is not Severity.INFO]
        found[file.name] = {(row.code, row.severity) for row in wrong}
        assert verdict.result is not Result.PASS
        assert all(verdict.selector in row.subject and row.message.endswith(".") for row in wrong)
        # What no finding says of the key, the verdict says of the signature.
        assert verdict.reason
    summarise(f"dkim_mail_dkim bad keys: {len(files)} messages, {sum(map(bool, found.values()))} with a finding")
    assert found == _FINDINGS


def _zone(text: str) -> dns.StaticResolver:
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    failing = [name for name, said in lines if said.startswith("~~")]
    return dns.StaticResolver({name: {"TXT": [said]} for name, said in lines if "=" in said}, failing=failing)
