"""The first line of a domain's page: whether letters can be sent as it, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.web.studio.words import Said


def of(findings: Sequence[Finding], *, checked: bool, silent: Sequence[Finding] = ()) -> Said:
    """Say it of the last check; what could not be asked is never a yes. ``silent``: what the DNS left unanswered."""
    number = {severity: sum(row.severity is severity for row in findings) for severity in Severity}
    bad = number[Severity.BLOCK] + number[Severity.ERROR]
    # What no receiver decides by is no reason to doubt.
    unknown = sum(row.severity is Severity.UNKNOWN and not row.is_minor for row in findings)
    if not checked:
        return Said(language.text("You can send: not known, because its records were never read."), "warn")
    if number[Severity.BLOCK]:
        words = language.counted("You can send: no, %(number)s problem.", "You can send: no, %(number)s problems.", bad)
        return Said(words, "bad")
    if bad:
        words = language.counted(
            "You can send, but receivers may refuse it: %(number)s problem.",
            "You can send, but receivers may refuse it: %(number)s problems.",
            bad,
        )
        return Said(words, "bad")
    if any(not row.is_minor for row in silent):
        # The page says how many there are, with those that nobody decides by: one number is enough.
        return Said(language.text("You can send: not known, because the DNS gave no answer."), "warn")
    if unknown:
        words = language.counted(
            "You can send: not known, because %(number)s check could not be made.",
            "You can send: not known, because %(number)s checks could not be made.",
            unknown,
        )
        return Said(words, "warn")
    return Said(language.text("You can send: yes."), "good")
