"""The text of an SPF record: its terms, and in words what is wrong with them (RFC 7208 sections 4.6, 5, 6, 12).

``parse`` reads the whole record, because a syntax error anywhere spoils it
even after a term that matches (section 4.6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Literal

from listkeeper.foundation import language
from listkeeper.standards import spf_macro

VERSION = "v=spf1"
# The terms that cost a look-up, of which a whole evaluation may use ten (section 4.6.4).
COSTLY = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})

_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)", re.DOTALL)
_LOOKS_LIKE_MODIFIER = re.compile(r"[^:/]*=")
_DIRECTIVE = re.compile(r"([+?~-]?)([A-Za-z0-9]+)(.*)", re.DOTALL)
_CIDR = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_CIDR_START = re.compile(r"/[0-9/]*\Z")
_BITS_4, _BITS_6 = 32, 128

Qualifier = Literal["+", "-", "~", "?"]


@dataclass(frozen=True)
class Mechanism:
    """One directive: what to compare the sender with, and the result when it matches.

    ``target`` is the domain-spec before macro expansion (empty: the current
    domain) or the network of ip4 and ip6; ``bits4`` and ``bits6`` are prefix lengths.
    """

    text: str
    qualifier: Qualifier
    name: str
    target: str = ""
    bits4: int = _BITS_4
    bits6: int = _BITS_6


@dataclass(frozen=True)
class Modifier:
    """``name=value``: redirect, exp, or one that nobody knows and all must ignore."""

    text: str
    name: str
    value: str


@dataclass(frozen=True)
class Problem:
    """One syntax error: the term, and in words what is wrong with it."""

    term: str
    reason: str


@dataclass(frozen=True)
class Record:
    """A record without syntax errors; ``terms`` keep the order of the text."""

    text: str
    terms: tuple[Mechanism | Modifier, ...]

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """The directives in their order of evaluation."""
        return tuple(term for term in self.terms if isinstance(term, Mechanism))

    @property
    def redirect(self) -> Modifier | None:
        """The redirect modifier, when there is one."""
        return self._modifier("redirect")

    @property
    def exp(self) -> Modifier | None:
        """The exp modifier, when there is one."""
        return self._modifier("exp")

    @property
    def all(self) -> Mechanism | None:
        """The first ``all``: what stands after it is never reached."""
        return next((term for term in self.mechanisms if term.name == "all"), None)

    def _modifier(self, name: str) -> Modifier | None:
        return next((term for term in self.terms if isinstance(term, Modifier) and term.name == name), None)


def is_spf(text: str) -> bool:
    """Return whether a TXT record is an SPF record (section 4.5): the version, then a space or the end."""
    return text.lower() == VERSION or text.lower().startswith(f"{VERSION} ")


def several(domain: str, number: int) -> str:
    """Say that a domain has more records than the one it may have (RFC 7208 section 3.2)."""
    return language.counted(
        "%(domain)s has %(number)s SPF record", "%(domain)s has %(number)s SPF records", number, domain=domain
    )


def parse(text: str) -> Record | tuple[Problem, ...]:
    """Read an SPF record. Returns every syntax error, in order, when there is one."""
    terms: list[Mechanism | Modifier] = []
    problems: list[Problem] = []
    for word in text[len(VERSION) :].split(" "):
        if not word:
            continue
        read = read_term(word)
        if isinstance(read, Problem):
            problems.append(read)
        else:
            terms.append(read)
    for name in ("redirect", "exp"):
        named = [term for term in terms if isinstance(term, Modifier) and term.name == name]
        problems += [
            Problem(extra.text, language.text("%(name)s= may stand only once in a record", name=name))
            for extra in named[1:]
        ]
    return tuple(problems) if problems else Record(text, tuple(terms))


def read_term(word: str) -> Mechanism | Modifier | Problem:
    """Read one term of a record."""
    if not word.isascii() or not word.isprintable():
        return Problem(word, language.text("it holds a character that is not plain ASCII"))
    if _LOOKS_LIKE_MODIFIER.match(word):
        return _modifier(word)
    found = _DIRECTIVE.fullmatch(word)
    if found is None:
        return Problem(word, language.text("it is no SPF term"))
    qualifier, name, rest = found.groups()
    return _mechanism(word, qualifier or "+", name.lower(), rest)  # type: ignore[arg-type]


def _modifier(word: str) -> Modifier | Problem:
    found = _MODIFIER.fullmatch(word)
    if found is None:
        return Problem(word, language.text("the name before = must be letters, digits, dots, dashes and underscores"))
    name, value = found.group(1).lower(), found.group(2)
    wrong = spf_macro.domain_problem(value) if name in {"redirect", "exp"} else spf_macro.text_problem(value)
    return Problem(word, wrong) if wrong else Modifier(word, name, value)


def _mechanism(word: str, qualifier: Qualifier, name: str, rest: str) -> Mechanism | Problem:
    match name:
        case "all":
            if rest:
                return Problem(word, language.text("nothing may follow the word all"))
            return Mechanism(word, qualifier, name)
        case "include" | "exists" | "ptr":
            return _with_domain(word, qualifier, name, rest)
        case "a" | "mx":
            return _with_domain_and_bits(word, qualifier, name, rest)
        case "ip4" | "ip6":
            return _network(word, qualifier, name, rest)
        case _:
            return Problem(word, _unknown(name, rest))


def _unknown(name: str, rest: str) -> str:
    if name in {"redirect", "exp"} and rest.startswith(":"):
        return language.text("%(name)s is written with =, not with a colon", name=name)
    if name in {"ipv4", "ipv6", "ip"}:
        return language.text("SPF has no word %(name)s; write ip4: or ip6:", name=name)
    return language.text("SPF has no word %(name)s", name=name)


def _with_domain(word: str, qualifier: Qualifier, name: str, rest: str) -> Mechanism | Problem:
    if not rest and name == "ptr":
        return Mechanism(word, qualifier, name)
    if not rest.startswith(":"):
        return Problem(word, language.text("%(name)s must be followed by a colon and a domain", name=name))
    wrong = spf_macro.domain_problem(rest[1:])
    return Problem(word, wrong) if wrong else Mechanism(word, qualifier, name, rest[1:])


def _with_domain_and_bits(word: str, qualifier: Qualifier, name: str, rest: str) -> Mechanism | Problem:
    start = _CIDR_START.search(rest)
    domain, tail = (rest[: start.start()], start.group()) if start else (rest, "")
    bits = _bits(tail)
    if bits is None:
        return Problem(word, language.text("%(tail)s is no prefix length; write /24, //64 or /24//64", tail=tail))
    if domain:
        wrong = spf_macro.domain_problem(domain[1:]) if domain[0] == ":" else language.text("SPF has no such word")
        if wrong:
            return Problem(word, wrong)
    return Mechanism(word, qualifier, name, domain[1:], *bits)


def _bits(tail: str) -> tuple[int, int] | None:
    found = _CIDR.match(tail)
    if found is None:
        return None
    bits4, bits6 = int(found.group(1) or _BITS_4), int(found.group(2) or _BITS_6)
    if bits4 > _BITS_4 or bits6 > _BITS_6:
        return None
    return bits4, bits6


def _network(word: str, qualifier: Qualifier, name: str, rest: str) -> Mechanism | Problem:
    if not rest.startswith(":"):
        return Problem(word, language.text("%(name)s must be followed by a colon and an address", name=name))
    network, slash, tail = rest[1:].partition("/")
    bits = _bits(f"/{tail}" if name == "ip4" else f"//{tail}") if slash else (_BITS_4, _BITS_6)
    if bits is None or (slash and not tail.isdigit()):
        return Problem(word, language.text("/%(tail)s is no prefix length", tail=tail))
    if not _is_address(name, network):
        family = "IPv4" if name == "ip4" else "IPv6"
        return Problem(word, language.text("%(network)s is no %(family)s address", network=network, family=family))
    return Mechanism(word, qualifier, name, network, *bits)


def _is_address(name: str, network: str) -> bool:
    try:
        # Python also takes a zone after a percent sign, which SPF does not know.
        return bool(IPv4Address(network) if name == "ip4" else IPv6Address(network)) and "%" not in network
    except AddressValueError:
        return False
