"""Why a letter stands still, or did not leave: kept as a code with its figures, said in whoever's language asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from listkeeper.foundation import language


def words(halted: Mapping[str, Any]) -> str:
    """Return the reason as a sentence; one that this version does not know still says something."""
    match halted.get("code"):
        case "restored":
            return language.text(
                "It waited to leave when the copy was made that was put back, and may have left since. Look at it, "
                "then order it again."
            )
        case "first_message":
            why = str(halted.get("words", ""))
            return language.text(
                "We read the first message as a receiver does, and its signature is not right: %(why)s "
                "Nothing more was sent. Mend it on the domain's page, then go on.",
                why=why,
            )
        case _:
            return str(halted.get("words", "")) or str(halted.get("code", ""))
