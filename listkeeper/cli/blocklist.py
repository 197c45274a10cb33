"""``listkeeper blocklist``: whether block lists that the owner chose hold our addresses or domains."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import click

from listkeeper.cli.context import emit, with_json, with_settings
from listkeeper.deliverability import blocklist, blocklist_zone, finding
from listkeeper.deliverability.blocklist_book import Book
from listkeeper.deliverability.blocklist_zone import BlockList
from listkeeper.deliverability.finding import Finding
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings
from listkeeper.standards import address
from listkeeper.standards.dns import LiveResolver


@click.group()
def command() -> None:
    """Ask block lists about our addresses and domains; none is asked that was not chosen."""


@command.command()
@with_settings
@with_json
@click.option("--ip", "ips", multiple=True, help="IP address to ask about; those of LISTKEEPER_EGRESS when not given.")
@click.option("--domain", "domains", multiple=True, help="Domain to ask about; may be given several times.")
@click.option("--nameserver", metavar="HOST:PORT", help="DNS server to ask (also LISTKEEPER_DNS_SERVER).")
def check(
    settings: Settings, *, ips: tuple[str, ...], domains: tuple[str, ...], nameserver: str | None, as_json: bool
) -> int:
    """Ask the lists of LISTKEEPER_BLOCKLISTS; exits with the worst finding's code.

    Needs no instance. Where there is one, no list is asked about the same address or domain again within six hours.
    """
    asked = [_ip(each) for each in ips or settings.egress]
    labels = [address.domain_name(each) for each in domains]
    lists = blocklist_zone.chosen(settings.blocklists, settings.blocklist_key)
    if lists and not asked and not labels:
        raise click.UsageError("Name an address with --ip or a domain with --domain, or set LISTKEEPER_EGRESS.")
    resolver = LiveResolver(nameserver or settings.dns_server)
    book = Book(settings.data_folder)
    findings = blocklist.check(lists, asked, labels, resolver, now=clock.now(), memory=book)
    findings = findings or [blocklist.nobody_asked("your mail")]
    emit(_answer(lists, findings), as_json=as_json, lines=_lines(lists, findings))
    return finding.exit_code(findings)


def _ip(typed: str) -> str:
    try:
        return str(ip_address(typed.strip()))
    except ValueError:
        raise Invalid("ip", f"{typed} is no IP address.") from None


def _answer(lists: list[BlockList], findings: list[Finding]) -> dict[str, Any]:
    shown = lists or list(blocklist_zone.every().values())
    return {
        "lists": [{"name": one.name, "title": one.title, "terms": one.terms, "asked": bool(lists)} for one in shown],
        "findings": [finding.as_json(row) for row in findings],
    }


def _lines(lists: list[BlockList], findings: list[Finding]) -> list[str]:
    lines = []
    for row in findings:
        lines.append(f"{row.severity.value:7}  {row.code:4}  {row.message}")
        if row.mend:
            lines.append(f"               {row.mend}")
    head = "Asked by these terms:" if lists else "Lists to choose from, and their terms:"
    return [*lines, head, *(f"  {one.name}: {one.terms}" for one in lists or blocklist_zone.every().values())]
