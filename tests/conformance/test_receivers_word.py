"""Real mail of other projects' corpora: whose results count, and which address the receiver saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address

from listkeeper.deliverability import receivers_word
from listkeeper.standards import auth_results
from tests.fakes.corpora import Corpora

_KINDS = {".eml", ".msg", ".txt", ".message"}
_WITH_RESULTS, _BELIEVED, _ADDRESSES = 109, 101, 98
# No house's own word: written by a list's own software, on the way, or without a name where the house has one.
_NOT_BELIEVED = {
    "test.message", "test.bad.message", "test_nop.message", "test.nofrom.message", "102.eml",
    "lhost-office365-03.eml", "lhost-office365-13.eml", "rhost-microsoft-03.eml",
}  # fmt: skip


def test_the_word_of_real_receivers_is_believed_and_no_other(
    corpora: Corpora, summarise: Callable[[str], None]
) -> None:
    counted: Counter[str] = Counter()
    doubted = set()
    for path in sorted((corpora / ".").rglob("*")):
        if path.suffix not in _KINDS or not path.is_file():
            continue
        raw = path.read_bytes()
        word = receivers_word.read(raw)
        if not auth_results.read(raw).results:
            assert word.doubt, path.name
            continue
        counted["with results"] += 1
        if word.doubt:
            doubted.add(path.name)
            continue
        counted["believed"] += 1
        counted["with the address"] += bool(word.came_from and ip_address(word.came_from))
    summarise(
        f"receivers' own word in real mail: {counted['believed']} believed of {counted['with results']}, "
        f"{counted['with the address']} with the address they saw"
    )
    assert doubted == _NOT_BELIEVED
    assert (counted["with results"], counted["believed"]) == (_WITH_RESULTS, _BELIEVED)
    assert counted["with the address"] == _ADDRESSES
