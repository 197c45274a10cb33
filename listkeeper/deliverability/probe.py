"""A look from outside: whether the pages that mail leads to answer, and what the DNS says of the domain it comes from.

Made to run on another machine than the one that is watched, without a
database. A look asks and changes nothing: HEAD, or GET where HEAD is not
known, of pages whose GET changes nothing. What it saw goes into a log that
nobody can rewrite unseen (``probe_log``).
"""

from __future__ import annotations

import contextvars
import hashlib
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import clock
from listkeeper.foundation.fetch import Fetcher, Reached, Refused, Unreachable
from listkeeper.standards import canonical_json, dkim_key_record, dmarc, dns, spf_record
from listkeeper.standards.dkim_key_record import KeyRecord
from listkeeper.standards.dmarc import Status
from listkeeper.standards.dns import Answer, NxDomain, Outcome, Remembering, Resolver, TempFail

_FAULT = 400
# A certificate that is renewed by itself is renewed long before.
_SOON = 14
_LONGEST_RECORD = 4_096


@dataclass(frozen=True)
class Watched:
    """What is watched: web addresses by what they are for, a domain, and the selectors of its keys."""

    pages: Mapping[str, str]
    domain: str
    selectors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """What one look saw, as it goes into the log, and how bad that is."""

    seen: dict[str, Any]
    worst: Severity

    def line(self) -> str:
        """Return it for a person."""
        pages = [f"{row['what']} {row['status'] or row['problem']} ({row['ms']} ms)" for row in self.seen["pages"]]
        records = [f"{name} {said}" for name, said in self.seen["records"].items()]
        return f"{self.worst.value:7}  {'; '.join([*pages, *records])}"


def look(watched: Watched, fetcher: Fetcher, resolver: Resolver) -> Look:
    """Ask for every page and every record, side by side. Never raises for what strangers answer."""
    memory = Remembering(resolver)
    with ThreadPoolExecutor(max_workers=max(1, len(watched.pages))) as pool:
        # Each thread speaks the caller's language: reasons are words for people.
        asked = [
            pool.submit(contextvars.copy_context().run, _page, what, url, fetcher)
            for what, url in watched.pages.items()
        ]
        hosts = dict.fromkeys(host for url in watched.pages.values() if (host := _host(url)))
        addresses = dns.ask_all(memory, [(host, kind) for host in hosts for kind in ("A", "AAAA")])
        records = _records(watched, memory)
        pages = [one.result() for one in asked]
    outcomes = sorted(memory.outcomes(), key=lambda one: (one.name.lower(), one.kind))
    rows = [_row(one) for one in outcomes]
    seen = {"pages": pages, "records": records, "dns": rows, "records_sha256": _hash(rows)}
    return Look(seen, max(_severities(pages, records, addresses), key=lambda one: one.rank))


def _page(what: str, url: str, fetcher: Fetcher) -> dict[str, Any]:
    began = time.monotonic()
    outcome = fetcher.head(url)
    row: dict[str, Any] = {"what": what, "url": url, "ms": round((time.monotonic() - began) * 1000)}
    match outcome:
        case Reached():
            secure = outcome.final_url.lower().startswith("https://")
            # A certificate that is not valid is never spoken through.
            ends = outcome.certificate_ends
            days = {"certificate_days": (ends - clock.now()).days} if ends else {}
            return row | {"status": outcome.status, "certificate": "valid" if secure else "none", "problem": "", **days}
        case Unreachable() | Refused():
            return row | {"status": 0, "certificate": "unknown", "problem": outcome.reason}


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _records(watched: Watched, memory: Remembering) -> dict[str, str]:
    """Return for each record of the domain whether it is there: present, absent or unknown."""
    found = {"spf": _spf(memory.query(watched.domain, "TXT"))}
    policy = dmarc.discover(watched.domain, memory).status
    found["dmarc"] = {Status.FOUND: "present", Status.UNKNOWN: "unknown"}.get(policy, "absent")
    for selector in watched.selectors:
        said = memory.query(dkim_key_record.name_of(selector, watched.domain), "TXT")
        found[f"dkim {selector}"] = _state(said, is_there=any(map(_is_key, _of(said))))
    return found


def _spf(said: Outcome) -> str:
    return _state(said, is_there=any(map(spf_record.is_spf, _of(said))))


def _is_key(record: str) -> bool:
    return isinstance(dkim_key_record.parse(record), KeyRecord)


def _of(said: Outcome) -> Sequence[str]:
    return said.records if isinstance(said, Answer) else ()


def _state(said: Outcome, *, is_there: bool) -> str:
    if isinstance(said, TempFail):
        return "unknown"
    return "present" if is_there else "absent"


def _row(said: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {"name": said.name.lower(), "type": said.kind}
    match said:
        case Answer():
            # As text that any reader can hold: an escape for each byte that is no printable ASCII.
            return row | {
                "state": "answer",
                "records": sorted(ascii(one)[1:-1][:_LONGEST_RECORD] for one in said.records),
            }
        case TempFail():
            return row | {"state": "no_answer", "records": []}
        case NxDomain():
            return row | {"state": "no_name", "records": []}
        case _:
            return row | {"state": "no_record", "records": []}


def _hash(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the SHA-256 of all records; empty when some were not told, because then two hashes compare nothing."""
    if any(row["state"] == "no_answer" for row in rows):
        return ""
    return hashlib.sha256(canonical_json.dumps([dict(row) for row in rows])).hexdigest()


def _severities(
    pages: Sequence[Mapping[str, Any]], records: Mapping[str, str], addresses: Sequence[Outcome]
) -> list[Severity]:
    bad = [Severity.ERROR for row in pages if not 0 < row["status"] < _FAULT]
    bad += [Severity.ERROR for said in records.values() if said == "absent"]
    bad += [Severity.WARN for row in pages if row.get("certificate_days", _SOON) < _SOON]
    unknown = [Severity.UNKNOWN for said in records.values() if said == "unknown"]
    unknown += [Severity.UNKNOWN for said in addresses if isinstance(said, TempFail)]
    return [Severity.INFO, *bad, *unknown]
