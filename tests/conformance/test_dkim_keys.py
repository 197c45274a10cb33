"""Key records of another project's corpus: each is read, or refused in words."""

from __future__ import annotations

from collections.abc import Callable

from listkeeper.standards import dkim_key_record
from listkeeper.standards.dkim_key_record import BadKey, KeyRecord
from tests.fakes.corpora import Corpora

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
