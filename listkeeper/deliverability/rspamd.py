"""The answer of rspamd's scanner to a message (rspamd.com/doc/architecture/protocol.html, ``/checkv2``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from listkeeper.deliverability import spam_answer
from listkeeper.deliverability.spam_answer import NotAsked, Reason, Scored
from listkeeper.foundation import language
from listkeeper.standards import foreign_text

BY = "rspamd"
PATH = "/checkv2"
# All rules are asked, also where a few have said enough: every reason helps whoever wrote the letter.
HEADERS: Mapping[str, str] = MappingProxyType({"User-Agent": "listkeeper", "Pass": "all"})
_OK = 200
_SPAM = frozenset({"reject", "add header", "rewrite subject", "quarantine", "discard"})
# From here on a letter is marked as spam; refusing it takes more.
_MARKED = "add header"
_LONGEST = 120
_MOST_POINTS = 1_000_000_000


def read(status: int, body: bytes) -> Scored | NotAsked:
    """Return what rspamd answered, or why that says nothing of the letter."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if status != _OK or not isinstance(said, dict):
        return _refused(status, said)
    symbols = said.get("symbols")
    reasons = _reasons(symbols if isinstance(symbols, dict) else {})
    if said.get("is_skipped") is True and not reasons:
        return NotAsked(language.text("rspamd did not look at the letter, as its own settings tell it"))
    thresholds = said.get("thresholds")
    marked = _number(thresholds.get(_MARKED)) if isinstance(thresholds, dict) else None
    score = _number(said.get("score"))
    threshold = marked if marked is not None else _number(said.get("required_score"))
    if score is None or threshold is None:
        return NotAsked(language.text("the answer of rspamd cannot be read"))
    action = said.get("action")
    is_spam = action in _SPAM if isinstance(action, str) else score >= threshold
    return Scored(score, threshold, is_spam, reasons, BY)


def _refused(status: int, said: object) -> NotAsked:
    told = said.get("error") if isinstance(said, dict) else None
    if isinstance(told, str) and told.strip():
        error = foreign_text.clean(told, _LONGEST)
        return NotAsked(language.text("rspamd answers %(status)s: %(error)s", status=status, error=error))
    if status != _OK:
        return NotAsked(language.text("rspamd answers %(status)s", status=status))
    return NotAsked(language.text("the answer of rspamd cannot be read"))


def _reasons(symbols: Mapping[str, Any]) -> tuple[Reason, ...]:
    found = []
    for name, symbol in symbols.items():
        known = symbol if isinstance(symbol, dict) else {}
        score, description = _number(known.get("score")), known.get("description")
        told = spam_answer.reason(name, score or 0.0, description if isinstance(description, str) else "")
        found += [told] if told is not None and name else []
    # Rules without points are notes; they count only where nothing else does.
    return tuple([one for one in found if one.score] or found)[: spam_answer.MOST_REASONS]


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < _MOST_POINTS else None  # type: ignore[arg-type]
