"""The name of an IP address, and whether that name leads back to it (RFC 1035 section 3.5, RFC 3596 section 2.5).

Anybody may write any name for an address they hold. A name counts when it is
confirmed: when it has an address record with the address it was found at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from listkeeper.standards.dns import Answer, Outcome, Resolver, TempFail, ask_all, reverse_name

MOST_NAMES = 10
"""How many names of one address are looked up; receivers stop early as well (RFC 7208 section 5.5)."""

_FEWEST_OCTETS = 3
_FEWEST_NIBBLES = 16
_SEPARATORS = re.compile(r"[._x]")


@dataclass(frozen=True)
class Confirmed:
    """``names`` lead back to the address; ``others`` do not, or could not be looked up."""

    names: tuple[str, ...]
    others: tuple[str, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Unconfirmed:
    """The address has names and none of them leads back."""

    names: tuple[str, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Nameless:
    """The address has no name."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class NotKnown:
    """The DNS gave no answer; ``reason`` says why in words."""

    reason: str
    outcomes: tuple[Outcome, ...]


Confirmation = Confirmed | Unconfirmed | Nameless | NotKnown


def confirm(ip: str, resolver: Resolver) -> Confirmation:
    """Look up the names of an address and whether they lead back: one query, and one for each of ten names.

    Raises ValueError when ``ip`` is no address.
    """
    address = _plain(ip)
    pointer = resolver.query(reverse_name(str(address)), "PTR")
    if isinstance(pointer, TempFail):
        return NotKnown(pointer.reason, (pointer,))
    names = _names(pointer)
    if not names:
        return Nameless((pointer,))
    kind = "A" if isinstance(address, IPv4Address) else "AAAA"
    forward = ask_all(resolver, [(name, kind) for name in names])
    outcomes = (pointer, *forward)
    good = tuple(name for name, said in zip(names, forward, strict=True) if _leads_to(said, address))
    if good:
        return Confirmed(good, tuple(name for name in names if name not in good), outcomes)
    failed = next((said for said in forward if isinstance(said, TempFail)), None)
    return NotKnown(failed.reason, outcomes) if failed else Unconfirmed(names, outcomes)


def _plain(ip: str) -> IPv4Address | IPv6Address:
    """Return the address as receivers see it: without a zone, and IPv4 as IPv4."""
    address = ip_address(ip.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _names(pointer: Outcome) -> tuple[str, ...]:
    records = pointer.records if isinstance(pointer, Answer) else ()
    return tuple(name for name in dict.fromkeys(records) if name)[:MOST_NAMES]


def _leads_to(said: Outcome, address: IPv4Address | IPv6Address) -> bool:
    return isinstance(said, Answer) and any(_is(record, address) for record in said.records)


def _is(record: str, address: IPv4Address | IPv6Address) -> bool:
    try:
        return ip_address(record) == address
    except ValueError:
        return False


def holds_digits_of(name: str, ip: str) -> bool:
    """Return whether a name was made by counting: three or four octets of the address, or half of an IPv6 one, in it.

    Such names stand for connections of households and for machines nobody
    gave a name. Raises ValueError when ``ip`` is no address.
    """
    address = _plain(ip)
    written = _SEPARATORS.sub("-", name.lower())
    spelled = _of_ipv4(address) if isinstance(address, IPv4Address) else _of_ipv6(address)
    return any(_stands_in(digits, written) for digits in spelled)


def _stands_in(digits: str, written: str) -> bool:
    """Return whether digits stand in a name and are not the middle of a longer number."""
    return re.search(rf"(?<![0-9]){re.escape(digits)}(?![0-9])", written) is not None


def _of_ipv4(address: IPv4Address) -> list[str]:
    octets = [str(octet) for octet in address.packed]
    spelled = [f"{address.packed.hex()}", str(int(address))]
    for some in (octets, octets[-_FEWEST_OCTETS:], octets[:_FEWEST_OCTETS]):
        for ordered in (some, some[::-1]):
            padded = [octet.zfill(3) for octet in ordered]
            spelled += ["-".join(ordered), "-".join(padded), "".join(padded)]
    return spelled


def _of_ipv6(address: IPv6Address) -> list[str]:
    nibbles = address.packed.hex()
    groups = address.exploded.split(":")
    short = [group.lstrip("0") or "0" for group in groups]
    spelled = ["-".join(some) for some in (groups, short, groups[4:], groups[:4])]
    spelled += [nibbles, nibbles[:_FEWEST_NIBBLES], nibbles[_FEWEST_NIBBLES:], "-".join(nibbles)]
    return [*spelled, "-".join(reversed(nibbles)), _compressed(address)]


def _compressed(address: IPv6Address) -> str:
    return address.compressed.replace(":", "-")
