"""A mail to whoever looks after the DNS: which records to publish, in their host's own form, why, and how to check.

Plain text without greeting: the owner puts their own words above it. A value
to copy stands alone on its line and is never broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from listkeeper.deliverability.dns_host import Form
from listkeeper.deliverability.record_form import Record, Shown
from listkeeper.foundation import language
from listkeeper.standards import spf_record


@dataclass(frozen=True)
class Wanted:
    """One record to publish, and the records of the same kind at its name that it takes the place of."""

    shown: Shown
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """The mail: its subject and its text, lines ending in LF."""

    subject: str
    text: str


def write(domain: str, wanted: Sequence[Wanted]) -> Request:
    """Return the mail that asks for these records of one domain."""
    subject = language.counted(
        "Please publish %(number)s DNS record for %(domain)s",
        "Please publish %(number)s DNS records for %(domain)s",
        len(wanted),
        domain=domain,
    )
    parts = [*_opening(domain, wanted)]
    for number, one in enumerate(wanted, 1):
        parts.append("\n".join(_record(number, one)))
    parts.append(
        language.text(
            "They count as soon as they are published. Receivers may remember old records for an hour or longer."
        )
    )
    return Request(subject, "\n\n".join(parts) + "\n")


def _opening(domain: str, wanted: Sequence[Wanted]) -> Iterator[str]:
    yield language.text(
        "We send our newsletter as %(domain)s. Gmail, Yahoo and Outlook take it only if these records stand in the "
        "DNS. Please publish them exactly as they are written here, and change nothing else.",
        domain=domain,
    )
    # The records of one domain stand in one zone, so what is true of the first host is true of all.
    first = wanted[0].shown if wanted else None
    if first is not None and first.host:
        servers = language.text("The zone is kept by %(host)s.", host=first.host)
        yield " ".join(filter(None, [servers, first.where]))


def _record(number: int, one: Wanted) -> Iterator[str]:
    shown = one.shown
    yield f"{number}. {_why(shown.record)}"
    for old in one.replaces:
        words = language.text("It takes the place of this record, which must go. There may be only one:")
        yield from ("", words, ascii(old)[1:-1])
    yield ""
    for field in shown.first.fields:
        yield f"{field.label}: {field.value or f'({field.hint})'}"
    if shown.note:
        yield from ("", shown.note)
    zone_file = next((other for other in shown.others if other.form is Form.BIND), None)
    if zone_file is not None:
        yield from ("", language.text("The same as a line of a zone file:"), zone_file.fields[0].value)
    yield from ("", language.text("To check it, this command must show the value:"), _command(shown.record))


def _command(record: Record) -> str:
    return f"nslookup -type={record.kind} {record.name.removesuffix('.')}"


def _why(record: Record) -> str:
    labels = record.name.lower().split(".")
    if record.kind == "TXT" and spf_record.is_spf(record.value):
        return language.text("SPF: says which servers may send as %(name)s.", name=record.name)
    if labels[0] == "_dmarc":
        return language.text("DMARC: says what receivers do with forged mail.")
    if "_domainkey" in labels:
        return language.text("DKIM: the public half of the key that our newsletters are signed with.")
    if record.kind == "MX":
        return language.text(
            "MX: where mail to %(name)s goes, among it the news of letters that did not arrive.", name=record.name
        )
    return language.text("A record that our newsletters need.")
