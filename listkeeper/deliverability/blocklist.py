"""Whether block lists hold an address or a domain of ours: the R rows (RFC 5782). None is asked unless it was chosen.

The lists belong to others, who say how they may be used (``blocklists.toml``
links their terms), and they refuse whoever asks through an open name server or
too often. A refusal comes in the form of a listing and is none: it is said to
be unknown, with the reason. So is every answer of a zone that does not list
its own test point, as of a zone that has died. One list is asked about one
address or domain once in six hours; what it said before stands until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from listkeeper.deliverability import finding
from listkeeper.deliverability.blocklist_zone import BlockList
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import clock, language
from listkeeper.standards.dns import Answer, NoData, NxDomain, Outcome, Resolver, TempFail

_REFERENCE = "RFC 5782 section 2"
_REST = timedelta(hours=6)
# Whatever a list says stands in this network (section 2.1); this part of it holds no listing but what went wrong.
_SAYS, _WRONG = "127.", "127.255.255."


# "list subject" → {"at": moment as text, "finding": as ``finding.as_json`` makes it}
Memory = MutableMapping[str, dict[str, Any]]


def check(  # noqa: PLR0913 - what is asked, of whom, and what is known already
    lists: Sequence[BlockList],
    ips: Sequence[str],
    domains: Sequence[str],
    resolver: Resolver,
    *,
    now: datetime,
    memory: Memory,
) -> list[Finding]:
    """Ask each list about the addresses or the domains, whichever it holds, and write into ``memory`` what it said.

    Addresses are IP addresses, domains A-labels. Never raises for trouble in the DNS.
    """
    found = []
    for one in lists:
        asked = list(dict.fromkeys(domains if one.holds_domains else ips))
        if asked:
            found += list(_of_list(one, asked, resolver, now, memory))
    for subjects, domain in ((ips, False), (domains, True)):
        if subjects and all(one.holds_domains is not domain for one in lists):
            found.append(nobody_asked(", ".join(dict.fromkeys(subjects))))
    return found


def nobody_asked(subject: str) -> Finding:
    """Return the finding where no list of that kind is chosen: nothing was checked, so nothing is known."""
    words = language.text(
        "Unknown whether block lists hold %(subject)s, because none was chosen that could be asked.", subject=subject
    )
    mend = language.text("Read the terms of a list, and name it in LISTKEEPER_BLOCKLISTS.")
    return Finding("R1a", Severity.UNKNOWN, subject, words, mend=mend, reference=_REFERENCE)


def _of_list(
    one: BlockList, subjects: Sequence[str], resolver: Resolver, now: datetime, memory: Memory
) -> Iterator[Finding]:
    distrust: _Doubt | None = None
    is_tried = False
    for subject in subjects:
        kept = _kept(memory.get(one.memory_of(subject)), now)
        if kept is not None:
            yield kept
            continue
        if not is_tried:
            distrust, is_tried = _distrust(one, resolver), True
        said, doubt = _asked(one, subject, resolver, distrust)
        if doubt is None or not doubt.passes:
            memory[one.memory_of(subject)] = {"at": clock.as_text(now), "finding": finding.as_json(said)}
        yield said


@dataclass(frozen=True)
class _Doubt:
    """Why an answer says neither yes nor no, in words; ``passes`` when the DNS was silent, which may be asked again."""

    reason: str
    passes: bool = False


def _kept(entry: Mapping[str, Any] | None, now: datetime) -> Finding | None:
    """Return what was said less than six hours ago."""
    try:
        if entry is None or not timedelta(0) <= now - datetime.fromisoformat(entry["at"]) < _REST:
            return None
        return finding.from_json(entry["finding"])
    except (KeyError, TypeError, ValueError):
        # A memory that somebody wrote into is none.
        return None


def _distrust(one: BlockList, resolver: Resolver) -> _Doubt | None:
    """Return why nothing that a zone says is believed: its test points must come out right."""
    always = resolver.query(one.asked_at(one.listed), "A")
    doubt = _doubt(always)
    if doubt:
        return doubt
    if not isinstance(always, Answer):
        return _Doubt(
            language.text("the list does not hold its own test entry, so it is not in use or not to be reached")
        )
    never = resolver.query(one.asked_at(one.unlisted), "A")
    if isinstance(never, TempFail):
        return _doubt(never)
    if isinstance(never, Answer):
        return _Doubt(language.text("the list holds what it must never hold, so it says yes to everything"))
    return None


def _doubt(outcome: Outcome) -> _Doubt | None:
    """Return why an outcome says neither yes nor no."""
    match outcome:
        case TempFail():
            return _Doubt(language.text("the DNS gave no answer: %(reason)s", reason=outcome.reason), passes=True)
        case Answer():
            return next((_Doubt(why) for record in outcome.records if (why := _wrong(record))), None)
        case NxDomain() | NoData():
            return None


def _wrong(record: str) -> str | None:
    match record:
        case "127.255.255.252":
            return language.text("query refused: the name of the list is written wrong (%(code)s)", code=record)
        case "127.255.255.254":
            return language.text(
                "query refused: the list answers no name server that is open to everybody (%(code)s)", code=record
            )
        case "127.255.255.255":
            return language.text("query refused: too many questions (%(code)s)", code=record)
        case "127.0.1.255":
            return language.text("the list takes domains and no addresses (%(code)s)", code=record)
    if record == "127.0.0.1" or record.startswith(_WRONG) or not record.startswith(_SAYS):
        return language.text("query refused (%(code)s)", code=record)
    return None


def _asked(one: BlockList, subject: str, resolver: Resolver, distrust: _Doubt | None) -> tuple[Finding, _Doubt | None]:
    if distrust is None and one.holds_domains and _is_address(subject):
        distrust = _Doubt(language.text("the list takes domains and no addresses"))
    if distrust:
        return _unknown(one, subject, distrust.reason, ""), distrust
    outcome = resolver.query(one.asked_at(subject), "A")
    seen, doubt = _seen(one.place_of(subject), outcome), _doubt(outcome)
    return (_unknown(one, subject, doubt.reason, seen), doubt) if doubt else (_told(one, subject, outcome, seen), None)


def _told(one: BlockList, subject: str, outcome: Outcome, seen: str) -> Finding:
    values = {"subject": subject, "list": one.title}
    if not isinstance(outcome, Answer):
        words = language.text("%(list)s does not hold %(subject)s.", **values)
        return Finding("R1", Severity.INFO, subject, words, seen, reference=_REFERENCE)
    words = language.text(
        "%(list)s holds %(subject)s: receivers that use the list may refuse or hide your mail.", **values
    )
    mend = language.text(
        "Find out what was sent from there, end it, and ask the list to take %(subject)s off: %(terms)s",
        subject=subject,
        terms=one.terms,
    )
    return Finding("R1", Severity.WARN, subject, words, seen, mend, _REFERENCE)


def _unknown(one: BlockList, subject: str, reason: str, seen: str) -> Finding:
    words = language.text(
        "Unknown whether %(list)s holds %(subject)s, because %(reason)s.",
        list=one.title,
        subject=subject,
        reason=reason,
    )
    mend = language.text("What the list asks of whoever uses it: %(terms)s", terms=one.terms)
    return Finding("R1a", Severity.UNKNOWN, subject, words, seen, mend, _REFERENCE)


def _seen(place: str, outcome: Outcome) -> str:
    """Return the evidence; written here and not by ``evidence``, which shows the name that was asked, with the key."""
    records = outcome.records if isinstance(outcome, Answer) else ()
    return "\n".join(f"{place} A {ascii(record)[1:-1]}" for record in records) or f"{place} A"


def _is_address(subject: str) -> bool:
    try:
        return bool(ip_address(subject))
    except ValueError:
        return False
