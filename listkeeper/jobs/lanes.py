"""The one job the bell rings for: look at a lane, react to its facts, hand over what is due."""

from __future__ import annotations

import time

from listkeeper import parts
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import reactions, sending, shift

# Short, so that a confirmation never waits behind a campaign for longer.
SLICE_SECONDS = 1.0


def work(lane_name: str) -> None:
    """Work on a lane for a slice of time; ring again when more waits."""
    lane = Lane(lane_name)
    more_facts = reactions.react(lane, time.monotonic() + SLICE_SECONDS)
    # A slice of its own: however many facts wait, some mail leaves; but what was promised to be decided goes first.
    with shift.on(lane):
        more_mail = sending.deliver(lane, time.monotonic() + (SLICE_SECONDS / 4 if more_facts else SLICE_SECONDS))
    if more_facts or more_mail:
        parts.ring([lane])
