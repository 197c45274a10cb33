"""Who this worker is, and whether another one is still alive on this machine."""

from __future__ import annotations

from listkeeper.foundation.process import is_dead, me

__all__ = ["is_dead", "me"]
