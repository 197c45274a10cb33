"""A DMARC policy record, the TXT record at ``_dmarc.domain`` (RFC 9989 sections 4.7, 4.8 and 4.10.1).

The version decides whether a text is such a record at all. What is wrong after
it never spoils the rest: a part that cannot be read counts as absent. Only the
policies are stricter: where one of them cannot be read, receivers act as if
the record said ``p=none``, and without an address for reports as if there were
no record.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from listkeeper.foundation import language

# Known to RFC 7489 and gone since.
REMOVED = ("pct", "rf", "ri")

_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_NEARLY_VERSION = re.compile(r"\W*(?:v\s*=?\s*)?dmarc\s*[0-9]*[\s,.:;]*", re.IGNORECASE)
_TAG = re.compile(r"[ \t]*([A-Za-z]+)[ \t]*=[ \t]*([\x20-\x3a\x3c-\x7e]*)")
_SIZE = re.compile(r"![0-9]+[kmgtKMGT]?$")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@$&'()*+;=%-]+")
_MAILTO = re.compile(r"mailto:[^@?]+@([a-z0-9._-]+)(?:\?.*)?", re.IGNORECASE)
_FAILURE_OPTIONS = frozenset("01ds")
_POLICIES = frozenset({"p", "sp", "np"})
_SHOWN = 60


class Policy(StrEnum):
    """What a domain asks receivers to do with mail that does not pass."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"

    @property
    def strength(self) -> int:
        """The place in the order of strictness; higher is stricter."""
        return list(Policy).index(self)

    @property
    def weakened(self) -> Policy:
        """The policy one step weaker, which t=y asks for (section 4.7)."""
        return Policy.QUARANTINE if self is Policy.REJECT else Policy.NONE


class Mode(StrEnum):
    """How near two names must be: of one organisation, or the same."""

    RELAXED = "r"
    STRICT = "s"


class Psd(StrEnum):
    """What a record says of its own name: a public suffix, the domain of an organisation, or nothing."""

    YES = "y"
    NO = "n"
    UNSAID = "u"


@dataclass(frozen=True)
class Flaw:
    """A part of a record that counts as absent, its tag (empty when it has none), and why in words."""

    tag: str
    part: str
    reason: str


@dataclass(frozen=True)
class Record:
    """A record as receivers read it.

    ``p`` is None when the record asks for nothing that counts (section
    4.10.1). ``rua`` and ``ruf`` are URIs without the size of old. ``written``
    are the tags that could be read, as they stood; ``unknown`` and ``removed``
    name those that mean nothing today.
    """

    text: str
    p: Policy | None
    sp: Policy | None = None
    np: Policy | None = None
    adkim: Mode = Mode.RELAXED
    aspf: Mode = Mode.RELAXED
    psd: Psd = Psd.UNSAID
    testing: bool = False
    rua: tuple[str, ...] = ()
    ruf: tuple[str, ...] = ()
    fo: str = "0"
    written: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    flaws: tuple[Flaw, ...] = ()

    @property
    def has_readable_policies(self) -> bool:
        """Whether p= is there and neither it nor sp= nor np= is beyond reading."""
        written = dict(self.written)
        return "p" in written and not any(flaw.tag in _POLICIES and flaw.tag not in written for flaw in self.flaws)


def is_dmarc(text: str) -> bool:
    """Return whether a TXT record is a DMARC record: ``v=DMARC1`` first, in these letters, and nothing behind it."""
    return _VERSION.match(text) is not None


def is_nearly_dmarc(text: str) -> bool:
    """Return whether a TXT record was surely meant as a DMARC record and is none."""
    return not is_dmarc(text) and _NEARLY_VERSION.match(text) is not None


@dataclass
class _Reading:
    """A record while it is being read."""

    seen: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)

    def flaw(self, tag: str, part: str, reason: str) -> None:
        """Note a part that counts as absent."""
        self.flaws.append(Flaw(tag, shown(part), reason))

    def take(self, part: str) -> None:
        """Read one part between semicolons."""
        found = _TAG.fullmatch(part)
        if found is None:
            self.flaw("", part, language.text("it is not of the form tag=value"))
            return
        tag, value = found.group(1).lower(), found.group(2)
        if tag == "v" or tag in self.seen:
            self.flaw(tag, part, language.text("%(tag)s= stands twice, and the first one counts", tag=tag))
            return
        self.seen.add(tag)
        if tag in REMOVED:
            self.removed.append(tag)
        elif tag not in _READERS:
            self.unknown.append(tag)
        elif wrong := _READERS[tag](value):
            self.flaw(tag, part, wrong)
        else:
            self.tags[tag] = value


def parse(text: str) -> Record | None:
    """Read a record; None when the text is no DMARC record. Never raises, whatever the text holds."""
    version = _VERSION.match(text)
    if version is None:
        return None
    reading = _Reading()
    for part in text[version.end() :].split(";"):
        if part.strip(" \t"):
            reading.take(part.strip(" \t"))
    return _record(text, reading)


def _record(text: str, reading: _Reading) -> Record:
    tags = reading.tags
    rua = _addresses(tags.get("rua", ""))
    unreadable = {flaw.tag for flaw in reading.flaws if flaw.tag not in tags} & _POLICIES
    p = _policy(tags, "p")
    if p is None or unreadable:
        p = Policy.NONE if rua else None
    for tag in ("rua", "ruf"):
        for address in _refused(tags.get(tag, "")):
            reading.flaw(tag, address, language.text("it is no address for reports; write mailto:name@example.com"))
    return Record(
        text,
        p,
        sp=_policy(tags, "sp"),
        np=_policy(tags, "np"),
        adkim=Mode(tags.get("adkim", "r").lower()),
        aspf=Mode(tags.get("aspf", "r").lower()),
        psd=Psd(tags.get("psd", "u").lower()),
        testing=tags.get("t", "n").lower() == "y",
        rua=rua,
        ruf=_addresses(tags.get("ruf", "")),
        fo=tags.get("fo", "0"),
        written=tuple(tags.items()),
        unknown=tuple(dict.fromkeys(reading.unknown)),
        removed=tuple(dict.fromkeys(reading.removed)),
        flaws=tuple(reading.flaws),
    )


def _policy(tags: dict[str, str], tag: str) -> Policy | None:
    return Policy(tags[tag].lower()) if tag in tags else None


def _one_of(*words: str) -> Callable[[str], str]:
    """Return a reader that says what is wrong with a value, and nothing when it is one of the words."""

    def wrong(value: str) -> str:
        if value.lower() in words:
            return ""
        return language.text("it must be one of these: %(words)s", words=", ".join(words))

    return wrong


def _wrong_failure_options(value: str) -> str:
    options = value.lower().split(":")
    if set(options) <= _FAILURE_OPTIONS and len(set(options)) == len(options) and not {"0", "1"} <= set(options):
        return ""
    return language.text("it must be 0, 1, d or s, or several of them with colons between")


def _wrong_addresses(value: str) -> str:
    if _addresses(value):
        return ""
    return language.text("it holds no address for reports; write mailto:name@example.com")


_READERS: dict[str, Callable[[str], str]] = {
    "p": _one_of(*Policy),
    "sp": _one_of(*Policy),
    "np": _one_of(*Policy),
    "adkim": _one_of(*Mode),
    "aspf": _one_of(*Mode),
    "psd": _one_of(*Psd),
    "t": _one_of("y", "n"),
    "rua": _wrong_addresses,
    "ruf": _wrong_addresses,
    "fo": _wrong_failure_options,
}


def _each(value: str) -> list[str]:
    """Return the URIs of a list, without the size that RFC 7489 let stand behind each (section 4.8)."""
    return [_SIZE.sub("", one.strip(" \t")) for one in value.split(",") if one.strip(" \t")]


def _addresses(value: str) -> tuple[str, ...]:
    return tuple(uri for uri in _each(value) if host_of(uri) is not None)


def _refused(value: str) -> list[str]:
    return [uri for uri in _each(value) if host_of(uri) is None]


def host_of(uri: str) -> str | None:
    """Return the host that reports would go to, in lower case; None when the URI is not well formed (RFC 3986)."""
    if _URI.fullmatch(uri) is None:
        return None
    if uri.lower().startswith("mailto:"):
        found = _MAILTO.fullmatch(uri)
        return found.group(1).lower().removesuffix(".") or None if found else None
    try:
        return urlsplit(uri).hostname
    except ValueError:
        return None


def shown(text: str) -> str:
    """Return a piece of a record as it may be shown: short, and its bytes beyond printable ASCII as escapes."""
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return ascii(cut)[1:-1]


def mended(record: Record, **changes: str) -> str:
    """Return a record that says the same without its flaws, with some tags set anew: ``mended(record, p="reject")``."""
    tags = dict(record.written) | changes
    ordered = {"p": tags.pop("p", Policy.NONE.value)} | tags
    if "rua" in ordered:
        ordered["rua"] = ",".join(_addresses(ordered["rua"]))
    if "ruf" in ordered:
        ordered["ruf"] = ",".join(_addresses(ordered["ruf"]))
    return "; ".join(["v=DMARC1", *(f"{tag}={value}" for tag, value in ordered.items())])


def meant(text: str) -> str:
    """Return the record that a text which is nearly one was meant to be."""
    read = parse(f"v=DMARC1; {_NEARLY_VERSION.sub('', text, count=1)}")
    return mended(read) if read else "v=DMARC1; p=none"
