"""What a receiver saw when it checked a message: the header Authentication-Results (RFC 8601).

Written by the receiver's own servers, and by anybody else who likes to: what
a header is worth depends on who added it, and receivers add theirs on top. So
the results come in the order of the message, each with the name its writer
gave itself. ARC-Authentication-Results are a forwarder's memory and no result
of this delivery: they are left out.

Large receivers take freedoms with the grammar (no name at the front, properties
without a type, base64 without quotation marks); what they mean is read all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from listkeeper.foundation import language
from listkeeper.standards import pasted_headers, received_spf, structured_header
from listkeeper.standards.received_spf import ReceivedSpf
from listkeeper.standards.structured_header import Part, Parts

HEADER = "authentication-results"
VERSION = 1
_MOST_HEADERS = 100
_SHOWN = 60

_WORD = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
_METHOD = re.compile(rf"(?P<method>{_WORD}) ?(?:/ ?(?P<version>\d{{1,9}}) ?)?= ?(?P<result>{_WORD})(?= |$)")
_NAME = rf"(?:(?P<ptype>{_WORD}) ?\. ?)?(?P<name>{_WORD}) ?="
# A value is quoted, or a quoted local part with its domain, or whatever stands there up to a space.
_VALUE = r"""(?P<value>(?:"(?:[^"\\]|\\.)*+"|[^\s"])*+)"""
_PROPERTY = re.compile(rf" ?{_NAME}(?: (?!(?:{_WORD} ?\. ?)?{_WORD} ?=))?{_VALUE}", re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SERVER = re.compile(r'(?P<server>"(?:[^"\\]|\\.)*+"|[^\s"=]+)(?: (?P<version>\d{1,9}))?(?P<rest>.*)', re.DOTALL)


@dataclass(frozen=True)
class Property:
    """One thing the receiver looked at: ``header`` ``d`` = ``shop.example``. Type and name are in lower case."""

    ptype: str
    name: str
    value: str


@dataclass(frozen=True)
class Verdict:
    """What one method came to: ``dkim`` = ``pass``, both in lower case.

    ``reason`` is the receiver's own, ``comment`` all that stood in brackets.
    """

    method: str
    result: str
    version: int
    reason: str
    comment: str
    properties: tuple[Property, ...]

    def value(self, ptype: str, name: str) -> str | None:
        """Return the first value of a property, as ``value("header", "d")``."""
        found = (one.value for one in self.properties if (one.ptype, one.name) == (ptype, name))
        return next(found, None)


@dataclass(frozen=True)
class AuthResults:
    """One header. ``server`` is its authserv-id, empty when the writer left it out; ``problems`` are words for people.

    A header that says ``none``, and one of a version we do not know, has no verdicts.
    """

    server: str
    version: int
    verdicts: tuple[Verdict, ...]
    problems: tuple[str, ...] = ()

    def of(self, method: str) -> list[Verdict]:
        """Return the verdicts of one method; a message with two signatures has two of ``dkim``."""
        return [verdict for verdict in self.verdicts if verdict.method == method]


@dataclass(frozen=True)
class Reading:
    """All that a message says of its own checks, the topmost header first."""

    results: tuple[AuthResults, ...]
    received_spf: tuple[ReceivedSpf, ...]

    def by_server(self) -> dict[str, list[AuthResults]]:
        """Return the headers by their writer's name in lower case, writers in the order of the message."""
        return by_server(self.results)


def read(message: bytes) -> Reading:
    """Return every result in a message, or in headers that were pasted from a mail program. Never raises."""
    fields = pasted_headers.fields(message)
    results = [value for name, value in fields if name == HEADER][:_MOST_HEADERS]
    spf = [value for name, value in fields if name == received_spf.HEADER][:_MOST_HEADERS]
    return Reading(tuple(map(parse, results)), tuple(map(received_spf.parse, spf)))


def by_server(results: Iterable[AuthResults]) -> dict[str, list[AuthResults]]:
    """Return headers by their writer's name in lower case, in the order they came."""
    found: dict[str, list[AuthResults]] = {}
    for one in results:
        found.setdefault(one.server.lower(), []).append(one)
    return found


def parse(value: str) -> AuthResults:
    """Read the value of one header, folded or not. Never raises."""
    whole = structured_header.split(value)
    problems = [language.text("a bracket or quotation mark is never closed")] if whole.unclosed else []
    server, version, statements = _front(whole, problems)
    if version != VERSION:
        problems.append(language.text("it is written in version %(version)s, which nobody knows", version=version))
        return AuthResults(server, version, (), tuple(problems))
    verdicts = [_verdict(part, problems) for part in statements if _says_something(part, server)]
    return AuthResults(server, version, tuple(one for one in verdicts if one), tuple(problems))


def _says_something(part: Part, server: str) -> bool:
    return part.text.lower() not in {"", "none", server.lower()}


def _front(whole: Parts, problems: list[str]) -> tuple[str, int, Sequence[Part]]:
    """Return the writer's name, the version, and the parts that follow."""
    first, *others = whole.parts
    found = _SERVER.fullmatch(first.text)
    if found is None or found.group("rest").lstrip().startswith("="):
        # Some receivers begin with the first result, and put their name between two others or nowhere.
        server = next((part.text for part in others if _HOST.fullmatch(part.text)), "")
        problems += [] if server else [language.text("it does not say who wrote it")]
        return server, VERSION, whole.parts
    if found.group("rest").strip():
        problems.append(_unreadable(found.group("rest")))
    return structured_header.unquoted(found.group("server")), int(found.group("version") or VERSION), others


def _verdict(part: Part, problems: list[str]) -> Verdict | None:
    said = _METHOD.match(part.text)
    if said is None:
        problems.append(_unreadable(part.text))
        return None
    properties = _properties(part.text, said.end(), problems)
    reasons = [one.value for one in properties if (one.ptype, one.name) == ("", "reason")]
    return Verdict(
        said.group("method").lower(),
        said.group("result").lower(),
        int(said.group("version") or 1),
        reasons[0] if reasons else "",
        "; ".join(filter(None, part.comments)),
        tuple(one for one in properties if (one.ptype, one.name) != ("", "reason")),
    )


def _properties(text: str, at: int, problems: list[str]) -> list[Property]:
    found = []
    while at < len(text):
        one = _PROPERTY.match(text, at)
        if one is None:
            problems.append(_unreadable(text[at:]))
            break
        value = structured_header.unquoted(one.group("value"))
        found.append(Property((one.group("ptype") or "").lower(), one.group("name").lower(), value))
        at = one.end()
    return found


def _unreadable(text: str) -> str:
    return language.text("“%(words)s” cannot be read", words=text.strip()[:_SHOWN])
