"""The door of the listener: which addresses are ours. Everything else is refused, so that nothing is ever relayed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.foundation import log
from listkeeper.foundation.errors import Invalid, TryAgain
from listkeeper.mailroom.dialogue import Door
from listkeeper.sending import return_path
from listkeeper.standards import address as addresses

Context = Callable[[], AbstractContextManager[object]]
# Where reports about a domain go, and the one name that every domain has (RFC 5321, 4.5.1).
_POSTMASTER = "postmaster"
_FOR_EVERYBODY = frozenset({"dmarc", "tls", "reports", _POSTMASTER})
_FRESH_SECONDS = 60.0
_log = log.get(__name__)


@dataclass(frozen=True)
class Owner:
    """Whose door it is: the organisation, the domain mail comes back to, and the address letters come from."""

    organisation_id: int
    domain: str
    from_address: str


def owner_of(setting: str | None) -> Owner | None:
    """Return whose door it is, as the database says now; None before the first run. Raises TryAgain."""
    with store.reading() as session:
        business = organisation.maybe_one(session)
        if business is None:
            return None
        domain = (setting or business.from_address).rpartition("@")[2]
        return Owner(business.id, domain.lower(), business.from_address)


def admits(owner: Owner, recipient: str) -> bool:
    """Return whether an address is one of ours; ``recipient`` comes from a stranger and may be anything."""
    if recipient.lower() == _POSTMASTER:
        return True
    token = return_path.delivery_of(recipient)
    if token is not None:
        # Proved by its HMAC, under whatever domain: the return path may have moved since it was written.
        return token.delivery_id is not None
    local, _, domain = recipient.rpartition("@")
    if _ascii(domain) != owner.domain:
        return False
    own_local, _, own_domain = owner.from_address.rpartition("@")
    if local.lower() in _FOR_EVERYBODY:
        return True
    return own_domain.lower() == owner.domain and local.lower() == own_local.lower()


def is_proven(recipients: Sequence[str]) -> bool:
    """Return whether somebody brings back what we made: an address whose proof is right is among these."""
    tokens = (return_path.delivery_of(one) for one in recipients)
    return any(token is not None and token.delivery_id is not None for token in tokens)


def _ascii(domain: str) -> str:
    try:
        return addresses.domain_name(domain)
    except Invalid:
        return ""


class Doorman:
    """Knows whose door it is, also while the database is away, and looks again once a minute."""

    def __init__(self, setting: str | None, context: Context) -> None:
        self.owner: Owner | None = None
        self._setting = setting
        self._context = context
        self._looked_at = 0.0
        self._looking = threading.Lock()

    def look(self) -> None:
        """Ask the database whose door it is; what was known stays true while it is away. It may take long."""
        with self._looking:
            if self.owner is not None and time.monotonic() - self._looked_at < _FRESH_SECONDS:
                return
            try:
                with self._context():
                    self.owner = owner_of(self._setting)
                    self._looked_at = time.monotonic()
            except TryAgain:
                _log.warning("door.not_known", reason="database")
            except Exception:  # noqa: BLE001 - whoever looks does so for ever, and has other things to do as well
                _log.exception("door.not_known", reason="fault")

    def asked(self, recipient: str) -> Door:
        """Answer for one recipient."""
        if self.owner is None:
            return Door.CLOSED
        return Door.OURS if admits(self.owner, recipient) else Door.NOBODY
