"""The mark on links to the owner's shop, put on while somebody is led on (``feedback.conversion_ref``)."""

from __future__ import annotations

import time
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from listkeeper import store
from listkeeper.accounts import organisation, shop_hosts
from listkeeper.feedback import conversion_ref
from listkeeper.sending.link_visit import Named

# So long another process may not know yet what the owner has just chosen.
_REMEMBERED_SECONDS = 10.0
# Until when, which number of changes of this process it was read at, and what.
_Known = tuple[float, int, frozenset[str]]
_hosts: WeakKeyDictionary[Engine, _Known] = WeakKeyDictionary()


def marked(named: Named, url: str) -> str:
    """Return where a link leads, with the mark if it leads to the owner's shop and the owner wants that."""
    hosts = _marked_hosts()
    if not hosts or (urlsplit(url).hostname or "") not in hosts:
        return url
    return _joined(url, conversion_ref.token(named))


def _marked_hosts() -> frozenset[str]:
    known = _hosts.get(store.database.engine)
    changes = store.changes()
    if known is None or known[0] < time.monotonic() or known[1] != changes:
        with store.reading() as session:
            owner = organisation.maybe_one(session)
            chosen = frozenset(shop_hosts.of(owner)) if owner is not None and owner.marks_shop_links else frozenset()
        known = _hosts[store.database.engine] = (time.monotonic() + _REMEMBERED_SECONDS, changes, chosen)
    return known[2]


def _joined(url: str, token: str) -> str:
    before, after = _around(url)
    return f"{before}{conversion_ref.PARAMETER}={token}{after}"


@lru_cache(maxsize=1024)
def _around(url: str) -> tuple[str, str]:
    """Return an address up to where the mark goes, without an older one, and its fragment."""
    parts = urlsplit(url)
    name = f"{conversion_ref.PARAMETER}="
    others = [each for each in parts.query.split("&") if each and not each.startswith(name)]
    bare = urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "&".join(others), ""))
    return f"{bare}{'&' if others else '?'}", f"#{parts.fragment}" if parts.fragment else ""
