"""Making one right SPF record out of what is published and what is wanted (RFC 7208 sections 4.5, 5.1, 6.1).

A domain may hold one SPF record only, so a new sender is added to the record
that is there: a second record would spoil both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from listkeeper.standards.spf_record import VERSION, Mechanism, Modifier, Problem, Qualifier, read_term

_LITTER = "\"',;"
_IP_WORD = re.compile(r"([+?~-]?)(?:ipv?4?|ipv?6?|a)[:=]([0-9A-Fa-f:.]+)(/[0-9]+)?", re.IGNORECASE)
_SWAPPED_SIGN = re.compile(r"([+?~-]?)(redirect|include|exists)[:=](.+)", re.IGNORECASE)


def merge(published: Sequence[str], wanted: Iterable[str] = ()) -> str:
    """Return the one record that says what all ``published`` ones say, and has the ``wanted`` terms too.

    New terms stand in front of ``all``. Common slips are mended, other terms
    that cannot be read are left out. Of several records a redirect becomes an
    include. The record never ends in ``+all`` or ``?all``: it ends in
    ``-all`` when every record did so before, else in ``~all``, because
    mending must not make receivers refuse mail that passes today.
    """
    parts = [_parts(text) for text in published]
    allowed = [term for part in parts for term in part.allowed]
    redirects = [part.redirect for part in parts if part.redirect]
    modifiers = {name: text for part in reversed(parts) for name, text in part.modifiers.items()}
    if redirects and len(parts) == 1:
        end = f"redirect={redirects[0]}"
    else:
        allowed += [f"include:{target}" for target in redirects]
        end = "-all" if parts and all(part.end == "-" for part in parts) else "~all"
    return " ".join(dict.fromkeys([VERSION, *allowed, *wanted, end, *modifiers.values()]))


@dataclass(frozen=True)
class _Parts:
    """The terms of one record by what they do; what stands behind ``all`` is never reached."""

    allowed: list[str]
    end: Qualifier | None
    redirect: str | None
    modifiers: dict[str, str]


def _parts(text: str) -> _Parts:
    terms = [_mended(word) for word in text[len(VERSION) :].split(" ") if word]
    mechanisms = [term for term in terms if isinstance(term, Mechanism)]
    end = next((term for term in mechanisms if term.name == "all"), None)
    reached = mechanisms[: mechanisms.index(end)] if end else mechanisms
    modifiers = [term for term in terms if isinstance(term, Modifier)]
    redirect = next((term.value for term in modifiers if term.name == "redirect"), None)
    return _Parts(
        allowed=[term.text for term in reached],
        end=end.qualifier if end else None,
        # Beside "all" a redirect is never followed.
        redirect=None if end else redirect,
        modifiers={term.name: term.text for term in reversed(modifiers) if term.name != "redirect"},
    )


def _mended(word: str) -> Mechanism | Modifier | None:
    """Return the term, mended if it is one of the slips people make, or None."""
    candidates = [word, word.strip(_LITTER)]
    as_address = _IP_WORD.fullmatch(candidates[-1])
    if as_address:
        candidates.insert(0, _as_network(*as_address.groups(default="")))
    swapped = _SWAPPED_SIGN.fullmatch(candidates[-1])
    if swapped:
        sign = "=" if swapped.group(2).lower() == "redirect" else ":"
        candidates.insert(0, f"{swapped.group(1)}{swapped.group(2)}{sign}{swapped.group(3)}")
    for candidate in candidates:
        read = read_term(candidate)
        if not isinstance(read, Problem):
            return read
    return None


def _as_network(qualifier: str, address: str, bits: str) -> str:
    try:
        return f"{qualifier}ip{ip_address(address).version}:{address}{bits}"
    except ValueError:
        return address


def network_term(ip: str) -> str:
    """Return the term that allows one address: ``ip4:192.0.2.1`` or ``ip6:2001:db8::1``."""
    address = ip_address(ip)
    return f"ip{address.version}:{address}"
