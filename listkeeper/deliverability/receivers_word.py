"""What of a mail's headers is the receiver's own word, and what anybody may have written.

Everybody can write the header Authentication-Results, also whoever sent the
mail. Receivers put theirs on top, under the name of their own servers. So only
the topmost one counts, and only when it is signed by the very people who took
the mail in, as the Received headers above it show.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from listkeeper.deliverability import mail_provider
from listkeeper.foundation import language
from listkeeper.standards import auth_results, foreign_text, pasted_headers, public_suffix, received_hop, received_spf
from listkeeper.standards.auth_results import AuthResults, Verdict
from listkeeper.standards.received_hop import Hop
from listkeeper.standards.received_spf import ReceivedSpf

_SHOWN = 100
_MOST_PASSED_OVER = 5
_MOST_FIELDS = 500
# These write results without a name of their own in front.
_NAMELESS = frozenset({"outlook.com"})
_SENDER = re.compile(r"@([^\s<>\"(),;:@]+)>?\s*(?:\([^()]*\)\s*)?$")

# Addresses of machines within one house, which the world never sees.
_INSIDE = [
    ip_network(network)
    for network in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
]  # fmt: skip

_Field = tuple[str, str]


@dataclass(frozen=True)
class Word:
    """What a receiver says of a mail.

    ``server`` is the name under its results, ``taken_by`` the host that took
    the mail in; either may be empty. ``doubt`` says in words why it is not
    believed, and is empty when it is. ``passed_over`` are the names under
    results that do not count. ``hop`` is the step into the receiver's house,
    ``sender`` the domain in From.
    """

    server: str
    taken_by: str
    doubt: str
    verdicts: tuple[Verdict, ...]
    passed_over: tuple[str, ...]
    received_spf: ReceivedSpf | None
    hop: Hop | None
    sender: str

    def first(self, method: str) -> Verdict | None:
        """Return the first verdict of a method."""
        return next((one for one in self.verdicts if one.method == method), None)

    @property
    def came_from(self) -> str:
        """The address the mail came from as the receiver saw it; empty when it is not said or no public one."""
        # Of a relay in the receiver's own house, only this tells which step SPF was asked about.
        named = self.received_spf.pairs.get("client-ip", "") if self.received_spf else ""
        for written in (named, self.hop.ip if self.hop else ""):
            try:
                address = ip_address(written)
            except ValueError:
                continue
            if not any(address in network for network in _INSIDE):
                return str(address)
        return ""


def read(raw: bytes) -> Word:
    """Return the receiver's word in a message, or in headers that were pasted. Never raises."""
    fields = pasted_headers.fields(raw)[:_MOST_FIELDS]
    taken_by, hop, house = _house(fields)
    results = [
        (place, auth_results.parse(value)) for place, (name, value) in enumerate(fields) if name == auth_results.HEADER
    ]
    own = _topmost(results, fields)
    server = own[0].server if own else ""
    return Word(
        foreign_text.clean(server, _SHOWN),
        foreign_text.clean(taken_by, _SHOWN),
        _doubt(results, server, taken_by, house),
        tuple(verdict for one in own for verdict in one.verdicts),
        _passed_over(results, len(own)),
        _spf(fields, taken_by),
        hop,
        _sender(fields),
    )


def _house(fields: Sequence[_Field]) -> tuple[str, Hop | None, int]:
    """Return who took the mail in, the step into that house, and the place of the first step outside of it."""
    taken_by, entered = "", None
    for place, (name, value) in enumerate(fields):
        if name != received_hop.HEADER:
            continue
        hop = received_hop.parse(value)
        if not _is_name(hop.by):
            # A step between two machines inside.
            continue
        if taken_by and not is_same_house(hop.by, taken_by):
            return taken_by, entered, place
        # A step that names no address is one inside.
        taken_by, entered = taken_by or hop.by, hop if hop.ip or entered is None else entered
    return taken_by, entered, len(fields)


def is_same_house(one: str, other: str) -> bool:
    """Return whether two hosts belong to one organisation, or to one mailbox provider that has several names."""
    theirs = {public_suffix.registrable(host.lower()) or host.lower() for host in (one, other)}
    known = {mail_provider.of_host(host) for host in (one, other)}
    return len(theirs) == 1 or (len(known) == 1 and None not in known)


def _is_name(host: str) -> bool:
    return "." in host and not host.replace(".", "").isdigit() and ":" not in host


def _topmost(results: Sequence[tuple[int, AuthResults]], fields: Sequence[_Field]) -> list[AuthResults]:
    """Return the topmost header, and those right below it that the same house wrote: some write one for each method."""
    own: list[AuthResults] = []
    last = 0
    for place, one in results:
        between = {name for name, _ in fields[last + 1 : place]}
        if own and (received_hop.HEADER in between or not is_same_house(one.server, own[0].server)):
            break
        own.append(one)
        last = place
    return own


def _passed_over(results: Sequence[tuple[int, AuthResults]], own: int) -> tuple[str, ...]:
    names = dict.fromkeys(
        foreign_text.clean(one.server, _SHOWN) or language.text("without a name") for _, one in results[own:]
    )
    return tuple(names)[:_MOST_PASSED_OVER]


def _doubt(results: Sequence[tuple[int, AuthResults]], server: str, taken_by: str, house: int) -> str:
    """Return in words why the topmost header is not believed; nothing when it is."""
    if not results:
        return language.text("there is no header Authentication-Results in it")
    if not taken_by:
        return language.text("the Received headers are missing, so nobody can tell whose word it is; paste all headers")
    values = {"server": foreign_text.clean(server, _SHOWN), "host": foreign_text.clean(taken_by, _SHOWN)}
    if results[0][0] > house:
        return language.text("the results stand below the lines of other servers than %(host)s", **values)
    return _mismatch(server, taken_by, values)


def _mismatch(server: str, taken_by: str, values: dict[str, str]) -> str:
    if not server:
        if public_suffix.registrable(taken_by.lower()) in _NAMELESS:
            return ""
        return language.text("nobody put a name under the results, and anybody can write such a header")
    if is_same_house(server, taken_by):
        return ""
    return language.text(
        "the results are signed by %(server)s, but %(host)s took the mail in, and anybody can write such a header",
        **values,
    )


def _spf(fields: Sequence[_Field], taken_by: str) -> ReceivedSpf | None:
    """Return the topmost Received-SPF, if the one who took the mail in says it."""
    value = next((value for name, value in fields if name == received_spf.HEADER), None)
    if value is None or not taken_by:
        return None
    said = received_spf.parse(value)
    names = [said.pairs.get("receiver", ""), said.comment.partition(":")[0].strip()]
    return said if any(_is_name(name) and is_same_house(name, taken_by) for name in names) else None


def _sender(fields: Sequence[_Field]) -> str:
    value = next((value for name, value in fields if name == "from"), "")
    found = _SENDER.search(value)
    return foreign_text.clean(found.group(1).rstrip(".").lower(), _SHOWN) if found else ""
