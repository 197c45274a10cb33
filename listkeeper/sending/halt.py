"""Why a letter stands still, or did not leave: kept as a code with its figures, said in whoever's language asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from listkeeper.foundation import language


class HaltCode(StrEnum):
    """The reasons that have figures."""

    PERMANENT = "permanent"
    COMPLAINTS = "complaints"
    DEFERRED = "deferred"


@dataclass(frozen=True)
class Figures:
    """``number`` of ``of``, where ``limit`` thousandths is the threshold."""

    code: HaltCode
    number: int
    of: int
    limit: int

    def as_json(self) -> dict[str, Any]:
        """Return what is kept on the letter."""
        return {"code": self.code.value, "number": self.number, "of": self.of, "limit": self.limit}

    @property
    def share(self) -> int:
        """How many thousandths it is."""
        return round(1000 * self.number / max(self.of, 1))


def words(halted: Mapping[str, Any]) -> str:
    """Return the reason as a sentence; one that this version does not know still says something."""
    code = halted.get("code")
    if code in set(HaltCode):
        return _stopped(Figures(HaltCode(code), halted["number"], halted["of"], halted["limit"]))
    if code == "restored":
        return language.text(
            "It waited to leave when the copy was made that was put back, and may have left since. Look at it, "
            "then order it again."
        )
    if code == "first_message":
        return language.text(
            "We read the first message as a receiver does, and its signature is not right: %(why)s "
            "Nothing more was sent. Mend it on the domain's page, then go on.",
            why=str(halted.get("words", "")),
        )
    return str(halted.get("words", "")) or str(code)


def _stopped(figures: Figures) -> str:
    known = {"share": language.share(figures.share), "limit": language.share(figures.limit)}
    match figures.code:
        case HaltCode.PERMANENT:
            return language.counted(
                "It paused by itself: %(number)s address does not exist, which is %(share)s; more than %(limit)s says "
                "that something is wrong with the list.",
                "It paused by itself: %(number)s addresses do not exist, which is %(share)s; more than %(limit)s says "
                "that something is wrong with the list.",
                figures.number,
                **known,
            )
        case HaltCode.COMPLAINTS:
            return language.counted(
                "It paused by itself: %(number)s person called it spam, which is %(share)s; from %(limit)s on "
                "receivers turn away all mail of a sender.",
                "It paused by itself: %(number)s people called it spam, which is %(share)s; from %(limit)s on "
                "receivers turn away all mail of a sender.",
                figures.number,
                **known,
            )
        case HaltCode.DEFERRED:
            return language.counted(
                "It paused by itself: the server of %(number)s person said “not now”, which is %(share)s of those "
                "tried; %(limit)s is too much to go on.",
                "It paused by itself: the servers of %(number)s people said “not now”, which is %(share)s of those "
                "tried; %(limit)s is too much to go on.",
                figures.number,
                **known,
            )


def warning(figures: Figures) -> str:
    """Say what should be looked at before it stops the letter."""
    share = language.share(figures.share)
    if figures.code is HaltCode.COMPLAINTS:
        return language.counted(
            "%(number)s person called it spam (%(share)s).",
            "%(number)s people called it spam (%(share)s).",
            figures.number,
            share=share,
        )
    return language.counted(
        "%(number)s address does not exist (%(share)s).",
        "%(number)s addresses do not exist (%(share)s).",
        figures.number,
        share=share,
    )
