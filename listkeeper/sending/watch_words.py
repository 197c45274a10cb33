"""What the watch has seen, in words: said anew in the language of whoever reads, from the facts of an incident."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from listkeeper.foundation import language
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.incident import Incident, IncidentKind

Facts = dict[str, Any]


def of(row: Incident) -> str:
    """Return the words of an incident, in the language in use where its facts are known."""
    return said(row.kind, row.facts) if row.facts is not None and row.kind in _SAYINGS else row.words


def said(kind: IncidentKind, facts: Facts) -> str:
    """Return what stands still and what to do, of a kind that the watch sees."""
    return _SAYINGS[kind](facts)


def lane(name: str) -> str:
    """Return what a lane carries."""
    return {
        Lane.URGENT: language.text("confirmations and single mails"),
        Lane.SENDING: language.text("letters"),
        Lane.BACKGROUND: language.text("work in the background"),
    }[Lane(name)]


def _nobody_works(facts: Facts) -> str:
    if len(facts["lanes"]) == len(Lane):
        return language.text(
            "No worker runs, so no mail leaves; it waits. Start `listkeeper up`, or `listkeeper work` on any machine."
        )
    return language.text(
        "Nobody works on this: %(lanes)s. It waits. Start one more `listkeeper work`.",
        lanes=language.listed([lane(name) for name in facts["lanes"]]),
    )


def _stuck(facts: Facts) -> str:
    return language.counted(
        "A letter stands still: %(letters)s. Mails of it are due, and none has come to its end for %(number)s minute.",
        "A letter stands still: %(letters)s. Mails of it are due, and none has come to its end for %(number)s minutes.",
        facts["minutes"],
        letters=language.listed([f"“{subject}”" for subject in facts["letters"]]),
    )


def _late(facts: Facts) -> str:
    return language.counted(
        "Somebody who signed up has waited for the mail that asks for a yes for %(number)s minute.",
        "Somebody who signed up has waited for the mail that asks for a yes for %(number)s minutes.",
        facts["minutes"],
    )


def _burst(facts: Facts) -> str:
    return language.counted(
        "%(number)s person at %(receiver)s left the letter “%(letter)s” within %(seconds)s seconds.",
        "%(number)s people at %(receiver)s left the letter “%(letter)s” within %(seconds)s seconds. That looks like a "
        "scanner that presses every button. They stay off the list: only they themselves can take it back, on the page "
        "that said good-bye.",
        facts["number"],
        receiver=facts["receiver"],
        letter=facts["letter"],
        seconds=facts["seconds"],
    )


def _doubts(facts: Facts) -> str:
    return language.counted(
        "Within an hour %(number)s mail came to be in doubt: it was handed over, and the answer was lost. It is not "
        "sent again by itself.",
        "Within an hour %(number)s mails came to be in doubt: they were handed over, and the answers were lost. They "
        "are not sent again by themselves.",
        facts["number"],
    )


def _disk_low(facts: Facts) -> str:
    return language.text(
        "The disk of the data folder is almost full: %(free)s MB are free. Below %(least)s MB nothing is sent, because "
        "the answers could not be written down. Free some space.",
        free=language.number(facts["megabytes"]),
        least=language.number(facts["least"]),
    )


def _disk_full(facts: Facts) -> str:
    return language.text(
        "The disk of the data folder is full: %(free)s MB are free, and %(least)s MB are needed. Nothing is sent, "
        "because the answers could not be written down. It goes on by itself when there is room again.",
        free=language.number(facts["megabytes"]),
        least=language.number(facts["least"]),
    )


def _reply_due(facts: Facts) -> str:
    if facts["minutes"] < 0:
        return language.counted(
            "%(number)s person who wrote to you waits for an answer longer than you promised.",
            "%(number)s people who wrote to you wait for an answer; the first of them longer than you promised.",
            facts["number"],
        )
    return language.counted(
        "%(number)s person who wrote to you waits for an answer, and the time you promised is nearly over: %(left)s.",
        "%(number)s people who wrote to you wait for an answer, and the time you promised is nearly over: %(left)s.",
        facts["number"],
        left=language.span(timedelta(minutes=facts["minutes"])),
    )


def _notice_overdue(facts: Facts) -> str:
    return language.counted(
        "You promised to tell more about “%(title)s”, and that was due %(late)s ago. Say what you know, even if it is "
        "that nothing is new.",
        "You promised to tell more about %(number)s matters, and it is due; the first of them is “%(title)s”, since "
        "%(late)s. Say what you know, even if it is that nothing is new.",
        facts["number"],
        title=facts["title"],
        late=language.span(timedelta(minutes=facts["minutes"])),
    )


_SAYINGS: dict[IncidentKind, Callable[[Facts], str]] = {
    IncidentKind.NO_WORKER: _nobody_works,
    IncidentKind.CAMPAIGN_STUCK: _stuck,
    IncidentKind.CONFIRMATIONS_LATE: _late,
    IncidentKind.DOUBT_GREW: _doubts,
    IncidentKind.LEAVE_BURST: _burst,
    IncidentKind.DISK_LOW: _disk_low,
    IncidentKind.DISK_FULL: _disk_full,
    IncidentKind.REPLY_DUE: _reply_due,
    IncidentKind.NOTICE_OVERDUE: _notice_overdue,
}
