"""A moment of a length that nobody knows, before an answer whose time could tell who somebody is.

The same is done whether a question waits or not, but a row that is there takes some millionths of a second longer to
read than one that is not. In a moment of up to four thousandths nobody finds them again with the tries there are.
"""

from __future__ import annotations

import secrets
import time

_LONGEST_MICROSECONDS = 4_000


def wait() -> None:
    """Wait for that moment; call it with no transaction open."""
    time.sleep(secrets.randbelow(_LONGEST_MICROSECONDS) / 1_000_000)
