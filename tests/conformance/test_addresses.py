"""Addresses of two other projects: what a signup form must refuse, must take, and need not take.

Our policy on what RFC 5322 allows and nobody types: quoted local parts,
comments, address literals, display names and obsolete forms are refused.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address
from tests.fakes.corpora import Corpora

_CONTROLS = 0x2400
# Spaces around an address are a slip of the keyboard, taken off before reading (RFC 5322 would call them CFWS).
_TAKEN_WITHOUT_THEIR_SPACES = {" test@iana.org", "test@iana.org "}
# Two slips at once that begin otherwise: a hint there would also hit domains that are meant.
_NO_HINT = {"ttmail.com", "hotmailmail.com"}


def _taken(text: str) -> bool:
    try:
        address.parse(text)
    except Invalid:
        return False
    return True


def _isemail(folder: Path) -> Iterator[tuple[str, str]]:
    for test in ET.parse(folder / "tests.xml").getroot():  # noqa: S314 - the corpus is ours to trust
        text = test.findtext("address") or ""
        plain = "".join(
            chr(ord(char) - _CONTROLS) if _CONTROLS <= ord(char) < _CONTROLS + 33 else char for char in text
        )
        yield test.findtext("category") or "", plain


def test_isemail(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    cases = list(_isemail(corpora / "email_isemail"))
    taken = {category: [text for kind, text in cases if kind == category and _taken(text)] for category, _ in cases}
    count = {category: sum(kind == category for kind, _ in cases) for category, _ in cases}
    summarise(
        f"email_isemail: {len(cases)} addresses, "
        + ", ".join(f"{kind} {len(taken[kind])}/{count[kind]} taken" for kind in count)
    )
    assert len(cases) == 80
    assert (count["ISEMAIL_ERR"], taken["ISEMAIL_ERR"]) == (27, [])
    assert (count["ISEMAIL_VALID_CATEGORY"], len(taken["ISEMAIL_VALID_CATEGORY"])) == (4, 4)
    assert len(taken["ISEMAIL_DNSWARN"]) == count["ISEMAIL_DNSWARN"] == 6
    assert set(taken["ISEMAIL_CFWS"]) == _TAKEN_WITHOUT_THEIR_SPACES
    assert [text for kind in ("ISEMAIL_RFC5321", "ISEMAIL_RFC5322", "ISEMAIL_DEPREC") for text in taken[kind]] == []


def _lines(file: Path) -> list[str]:
    # Not splitlines(): control characters are part of the cases.
    lines = file.read_bytes().decode("utf-8").split("\n")
    return [re.split(r"\s+#", line)[0] for line in lines if line.strip() and not line.startswith("#")]


def _is_policy(text: str) -> bool:
    """Return whether our policy refuses this valid form: quotes, comments, names, literals, odd domains."""
    domain = text.rpartition("@")[2]
    return bool(set('"(<[') & set(text)) or "." not in domain or not re.search(r"\.[a-z]+$", domain, re.IGNORECASE)


def test_flanker_addresses(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora / "addresses_flanker"
    valid, invalid = _lines(folder / "mailbox_valid.txt"), _lines(folder / "mailbox_invalid.txt")
    refused = [text for text in valid if not _taken(text)]
    summarise(
        f"addresses_flanker: {len(valid) - len(refused)} of {len(valid)} valid taken, {len(invalid)} invalid refused"
    )
    assert (len(valid), len(invalid)) == (81, 43)
    assert [text for text in invalid if _taken(text)] == []
    assert [text for text in refused if not _is_policy(text)] == []


def test_flanker_typos(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora / "addresses_flanker"
    pairs = [line.split(",") for line in _lines(folder / "domain_typos_valid.txt")]
    missed = {typo for typo, meant in pairs if address.suggest(f"ane@{typo}") != f"ane@{meant}"}
    good = _lines(folder / "domain_typos_invalid.txt")
    loud = [domain for domain in good if address.suggest(f"ane@{domain}")]
    hinted = len(pairs) - len(missed)
    summarise(f"addresses_flanker typos: {hinted} of {len(pairs)} hinted, {len(loud)} of {len(good)} good ones")
    assert (len(pairs), len(good)) == (91, 31)
    assert missed == _NO_HINT
    assert loud == []
