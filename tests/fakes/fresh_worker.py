"""A worker as it is when it has just started, in a process that runs one test after the other."""

from __future__ import annotations

import sys

import pytest


def rest() -> None:
    """Let the next test begin with no line open, nothing remembered of receivers, and no bell about to ring."""
    sending = sys.modules.get("listkeeper.jobs.sending")
    if sending is not None:
        sending.draining.clear()
        sending.hang_up()
        sending.pacing.forget()


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it send fast without a queue server, which it would not in life (tests/unit/sending/test_pace.py)."""
    from listkeeper.sending.pacing import pace_alone  # noqa: PLC0415 - tests of the domain need no application

    monkeypatch.setattr(pace_alone, "_WITHOUT_LIMIT", 1e6)
