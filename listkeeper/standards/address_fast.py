"""Plain addresses read quickly: what a large import mostly holds, with the same answer as ``address.parse``.

Letters, digits and the usual signs before the @, lower or upper case ASCII after
it: for these the full reading (20,000 a second) finds nothing that one pattern
does not, and a test proves it on every corpus and on generated text. Whatever is
not plainly of that kind goes to ``address.parse``, which also says what is wrong.
"""

from __future__ import annotations

import re
from functools import lru_cache

from listkeeper.standards import address
from listkeeper.standards.address import Address

_LONGEST = 200
_SIGNS = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_PLAIN = re.compile(
    rf"([{_SIGNS}]{{1,64}}(?:\.[{_SIGNS}]{{1,64}})*)@([A-Za-z0-9\-]{{1,63}}(?:\.[A-Za-z0-9\-]{{1,63}})+)"
)
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
# Names with a meaning of their own (RFC 6761): the full reading decides about them.
_SPECIAL = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})
_LONGEST_LOCAL = 64


def parse(text: str) -> Address:
    """Read one address, as ``address.parse`` does, quickly when it is plain. Raises Invalid as that does."""
    return plain(text) or address.parse(text)


def plain(text: str) -> Address | None:
    """Return a plain address in its forms; None when it has to be read in full."""
    match = _PLAIN.fullmatch(text)
    if match is None or len(text) > _LONGEST:
        return None
    local, typed = match[1], match[2]
    domain = _plain_domain(typed)
    if domain is None or len(local) > _LONGEST_LOCAL:
        return None
    send = f"{local}@{domain}"
    # All of it is ASCII, where lower() does nothing else.
    return Address(text, send, send.lower(), address.canonical(local, domain), domain, needs_smtputf8=False)


# A list has far fewer domains than people.
@lru_cache(maxsize=65_536)
def _plain_domain(typed: str) -> str | None:
    domain = typed.lower()
    special = domain.rpartition(".")[2] in _SPECIAL
    return domain if not special and "--" not in domain and _DOMAIN.fullmatch(domain) else None
