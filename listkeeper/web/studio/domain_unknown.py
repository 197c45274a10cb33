"""What could not be checked: what one silence of the DNS explains is said once, and everything else by itself.

The cause is read from what the check asked and what came back, never from the
words of a finding, which stand in the language they were made in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language

# A line of evidence begins with its question: "_dmarc.cafe.example TXT" (``evidence.of``).
_QUESTION = re.compile(r"^(\S+) ([A-Z]+)\b", re.MULTILINE)
# Whether anybody answers for a domain at all; where nobody does, nothing more is asked (``dns_audit``).
_FIRST_KINDS = ("TXT", "MX", "A", "AAAA")
# Whether all name servers of a zone say the same: where none is found, that row has no evidence.
_NAME_SERVERS = "X4"


@dataclass(frozen=True)
class Unknown:
    """The checks that could not be made: those that share the silence of the DNS, and the others."""

    silent: tuple[Finding, ...]
    others: tuple[Finding, ...]

    @property
    def words(self) -> str:
        """What the silence means, for its owner; empty where nothing is said once for several."""
        if not self.silent:
            return ""
        return language.counted(
            "The DNS gave no answer, so %(number)s check could not be made. That does not mean that anything is "
            "wrong: press “Check again” in a few minutes.",
            "The DNS gave no answer, so %(number)s checks could not be made. That does not mean that anything is "
            "wrong: press “Check again” in a few minutes.",
            len(self.silent),
        )


def of(findings: Sequence[Finding], domain: str, records: Mapping[str, Mapping[str, Any]]) -> Unknown:
    """Return the unknown ones among a check's findings; ``records`` are what the DNS said then (``domain_check``)."""
    unknown = [row for row in findings if row.severity is Severity.UNKNOWN]
    silent = [row for row in unknown if _is_of_silence(row, domain.lower(), records)]
    if len(silent) < 2:  # noqa: PLR2004 - one says as much as the sentence would
        return Unknown((), tuple(unknown))
    return Unknown(tuple(silent), tuple(row for row in unknown if row not in silent))


def _is_of_silence(row: Finding, domain: str, records: Mapping[str, Mapping[str, Any]]) -> bool:
    is_mute = all(_is_silent(records.get(f"{domain} {kind}")) for kind in _FIRST_KINDS)
    if is_mute and row.row == _NAME_SERVERS:
        return True
    asked = [f"{name.lower()} {kind}" for name, kind in _QUESTION.findall(row.evidence)]
    # What was not asked, because nobody answered for the domain, has no answer for the same reason.
    return any(_is_silent(records[one]) if one in records else is_mute for one in asked)


def _is_silent(seen: Mapping[str, Any] | None) -> bool:
    return seen is not None and seen["state"] == "no_answer"
