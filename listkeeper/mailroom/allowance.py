"""How much a stranger may bring us who proves nothing: anybody may write to ``dmarc@``, and each mail takes room.

A mail to an address whose proof is right counts for nothing here: whoever has it
was written to by us, and one relay may send back very many. LMTP comes from a
mail server of one's own, which has rules of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_WINDOW_SECONDS = 3600.0


@dataclass
class Allowance:
    """What is left of this hour: mails of one network, and octets of all together."""

    mails_of_one_network: int = 100
    octets: int = 300 * 1024 * 1024
    _begun: float = float("-inf")
    _spent: int = 0
    _mails: Counter[str] = field(default_factory=Counter)

    def allows(self, network: str, octets: int, now: float) -> bool:
        """Count one mail, unless it is too much; ``now`` is on the monotonic clock."""
        if now - self._begun >= _WINDOW_SECONDS:
            self._begun, self._spent = now, 0
            self._mails.clear()
        if self._mails[network] >= self.mails_of_one_network or self._spent + octets > self.octets:
            return False
        self._mails[network] += 1
        self._spent += octets
        return True
