"""Asking the DNS whether the domains of new addresses take mail, before anything is decided about them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from listkeeper import parts, store
from listkeeper.audience import signup
from listkeeper.deliverability import mail_host
from listkeeper.deliverability.mail_host import MailHostState
from listkeeper.foundation import log

_QUIET_SECONDS = 30.0
_log = log.get(__name__)
# When name servers were silent, sign-ups do not wait for them for a while: the flood must not stand still.
_asked_again_at = 0.0


def ask(signup_ids: Sequence[int]) -> None:
    """Learn what is not known yet of these signups' domains; what cannot be learned in two seconds is left."""
    global _asked_again_at  # noqa: PLW0603 - one process, one line to its name servers
    settings = parts.settings()
    # While mail ends on this machine, people try things out with domains that nobody has.
    if settings.rehearsing or not settings.check_mail_domains or time.monotonic() < _asked_again_at:
        return
    with store.reading() as session:
        domains = signup.unknown_domains(session, signup_ids)
    if not domains:
        return
    found = mail_host.ask(parts.resolver(), domains)
    if all(state is MailHostState.UNKNOWN for state in found.values()):
        _log.warning("name_servers.silent", domains=len(found))
        _asked_again_at = time.monotonic() + _QUIET_SECONDS
    with store.transaction() as session:
        mail_host.remember(session, found)
