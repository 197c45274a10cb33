"""One record, written as DNS hosts want it typed (RFC 1035 sections 3.3 and 5.1).

Hosts differ in three things: whether the name is written whole or without the
zone, whether a long value is one piece or quoted strings of at most 255
octets, and whether the name of another host ends in a dot. Each way of writing
stands for the same record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from listkeeper.deliverability.dns_host import PARTS, DnsHost, Form
from listkeeper.foundation import language
from listkeeper.standards import dns

Kind = Literal["TXT", "CNAME", "MX", "A", "AAAA"]

_NOT_PLAIN = re.compile(r"[^ -~]")
_IN_ZONE_FILES = frozenset({Form.QUOTED, Form.WHOLE_NAME})
_WHOLE = frozenset({Form.BARE, Form.WHOLE_NAME})


@dataclass(frozen=True)
class Record:
    """One record to publish.

    ``name`` is whole, an A-label without final dot. ``value`` is as in
    ``dns.Answer``: a text in one piece, a host name without final dot, an MX as
    ``10 mail.example``. ``ttl`` is in seconds.
    """

    name: str
    kind: Kind
    value: str
    ttl: int = 3600


def hosted_key(selector: str, domain: str, target: str) -> Record:
    """Return the CNAME that leaves a DKIM key to the service that signs with it (RFC 6376 section 3.6.2)."""
    return Record(f"{selector}._domainkey.{domain}", "CNAME", target.removesuffix("."))


def relative_name(record: Record, zone: str, apex: str = "@") -> str:
    """Return the name in front of the zone, ``apex`` for the zone itself; outside of it the whole name, with a dot."""
    name, zone = record.name.removesuffix("."), zone.removesuffix(".")
    if name.lower() == zone.lower():
        return apex
    if name.lower().endswith(f".{zone.lower()}"):
        return name[: -len(zone) - 1]
    return absolute(name)


def absolute(name: str) -> str:
    """Return a whole name with its final dot."""
    return f"{name.removesuffix('.')}."


def value_in_zone_file(record: Record) -> str:
    """Return the value as zone files take it: quoted strings, host names with a final dot."""
    match record.kind:
        case "TXT":
            # What is not printable ASCII is written as three decimal digits (RFC 1035 section 5.1).
            return _NOT_PLAIN.sub(lambda found: f"\\{ord(found[0]):03d}", dns.quoted_strings(_octets(record.value)))
        case "CNAME":
            return absolute(record.value)
        case "MX":
            priority, host = _mail_host(record)
            return f"{priority} {absolute(host)}"
        case _:
            return record.value


def bind_line(record: Record) -> str:
    """Return the record as one line of a zone file, whatever the zone it stands in."""
    return f"{absolute(record.name)} {record.ttl} IN {record.kind} {value_in_zone_file(record)}"


def _octets(text: str) -> str:
    """Return a text with one character per octet, so that 255 of one are 255 of the other."""
    return text if all(ord(letter) < 256 for letter in text) else text.encode("utf-8", "replace").decode("latin-1")  # noqa: PLR2004


def _mail_host(record: Record) -> tuple[str, str]:
    priority, _, host = record.value.partition(" ")
    return priority, host


@dataclass(frozen=True)
class CopyField:
    """One field of a control panel: which part of the record, the panel's word for it, and what to type."""

    part: str
    label: str
    value: str
    hint: str = ""


@dataclass(frozen=True)
class Written:
    """A record in one form: the fields to copy, in the panel's order."""

    form: Form
    title: str
    fields: tuple[CopyField, ...]


@dataclass(frozen=True)
class Shown:
    """A record as it is shown to who publishes it.

    ``first`` is the form of the zone's host, ``others`` are those that differ
    from it; ``where`` and ``note`` are sentences, empty when there is nothing to say.
    """

    record: Record
    host: str
    where: str
    note: str
    first: Written
    others: tuple[Written, ...]


def shown(record: Record, zone: str, host: DnsHost) -> Shown:
    """Return a record in the form of a zone's host, the other forms below."""
    first = written(record, zone, host, host.form)
    others: list[Written] = []
    for form in Form:
        other = written(record, zone, host, form)
        if all(_typed(other) != _typed(one) for one in (first, *others)):
            others.append(other)
    note = "" if host.known else _about_names(record, zone)
    return Shown(record, host.name, host.where, note, first, tuple(others))


def _typed(one: Written) -> list[tuple[str, str]]:
    return sorted((field.part, field.value) for field in one.fields)


def _about_names(record: Record, zone: str) -> str:
    return language.text(
        "Most control panels put .%(zone)s behind the name themselves. If yours asks for the whole name, "
        "write %(name)s.",
        zone=zone.removesuffix("."),
        name=record.name.removesuffix("."),
    )


def written(record: Record, zone: str, host: DnsHost, form: Form) -> Written:
    """Return a record in one form, with the words of a host's panel where they are known."""
    if form is Form.BIND:
        line = CopyField("line", language.text("Line of the zone file"), bind_line(record))
        return Written(form, _title(form), (line,))
    values = dict(_parts(record, zone, host, form))
    order = [part for part in host.fields if part in values]
    order += [part for part in PARTS if part in values and part not in order]
    return Written(form, _title(form), tuple(_field(part, values[part], host) for part in order))


def _field(part: str, value: str, host: DnsHost) -> CopyField:
    # A CNAME or MX goes into the field of the value where the panel has no other word for it.
    label = host.fields.get(part) or (host.fields.get("value") if part == "target" else None) or _label(part)
    hint = language.text("leave this field empty") if not value else ""
    return CopyField(part, label, value, hint)


def _parts(record: Record, zone: str, host: DnsHost, form: Form) -> Iterator[tuple[str, str]]:
    yield "type", record.kind
    yield "name", _name(record, zone, host, form)
    yield "ttl", str(record.ttl)
    if form in _IN_ZONE_FILES:
        yield "target" if record.kind == "CNAME" else "value", value_in_zone_file(record)
    elif record.kind == "MX":
        priority, target = _mail_host(record)
        yield "priority", priority
        yield "target", target
    else:
        yield "target" if record.kind == "CNAME" else "value", record.value


def _name(record: Record, zone: str, host: DnsHost, form: Form) -> str:
    if form not in _WHOLE:
        return relative_name(record, zone, host.apex)
    return absolute(record.name) if form is Form.WHOLE_NAME else record.name.removesuffix(".")


def _label(part: str) -> str:
    match part:
        case "type":
            return language.text("Type")
        case "name":
            return language.text("Name or host")
        case "target":
            return language.text("Points to")
        case "priority":
            return language.text("Priority")
        case "ttl":
            return language.text("TTL (seconds)")
        case _:
            return language.text("Value")


def _title(form: Form) -> str:
    match form:
        case Form.ONE_STRING:
            return language.text("The name without the domain, the value in one piece")
        case Form.QUOTED:
            return language.text("The name without the domain, the value in quotation marks")
        case Form.BARE:
            return language.text("The whole name, the value in one piece")
        case Form.WHOLE_NAME:
            return language.text("The whole name with a final dot, the value in quotation marks")
        case Form.BIND:
            return language.text("A line for a zone file (BIND)")
