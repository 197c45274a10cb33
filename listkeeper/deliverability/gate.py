"""What becomes of a finding about the sender's domain when a letter is about to leave."""

from __future__ import annotations

from enum import StrEnum


class Gate(StrEnum):
    """What blocks stops the send, or is a warning for test rigs; in practice mode, all of it is a hint."""

    STOP = "stop"
    WARN = "warn"
    HINT = "hint"
