"""Messages of another project's corpus: who passes today, now that rsa-sha1 and short keys prove nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from listkeeper.standards import dkim_verify, dns
from listkeeper.standards.dkim_verify import Result
from tests.fakes.corpora import Corpora

_MESSAGES = 37
_NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_every_message_gets_the_verdict_of_today(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora / "dkim_mail_dkim"
    resolver = _zone((folder / "FAKE_DNS.dat").read_bytes().decode("latin-1"))
    wanted = {name: said["today"] for name, said in json.loads((folder / "expected.json").read_text()).items()}
    found = {}
    for name in wanted:
        lines = (folder / "messages" / name).read_bytes().replace(b"\r\n", b"\n")
        verdicts = dkim_verify.verify(lines.replace(b"\n", b"\r\n"), resolver, _NOW)
        assert all(verdict.reason for verdict in verdicts)
        passed = any(verdict.result is Result.PASS for verdict in verdicts)
        found[name] = "pass" if passed else "not_pass" if verdicts else "none"
    agreed = sum(found[name] == wanted[name] for name in wanted)
    summarise(f"dkim_mail_dkim: {len(found)} messages, {agreed} as expected today")
    assert len(wanted) == _MESSAGES
    assert found == wanted


def _zone(text: str) -> dns.StaticResolver:
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    failing = [name for name, said in lines if said.startswith("~~")]
    return dns.StaticResolver({name: {"TXT": [said]} for name, said in lines if "=" in said}, failing=failing)
