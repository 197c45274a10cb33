"""``listkeeper domain check``: what the DNS says of a sending domain, and what receivers make of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.cli.nameserver import SECONDS
from listkeeper.deliverability import domain_check, finding, sending_domain
from listkeeper.deliverability.domain_check import Checked
from listkeeper.deliverability.finding import Finding, Verdict
from listkeeper.deliverability.sending_domain import Question, SendingDomain
from listkeeper.deliverability.surroundings import Surroundings
from listkeeper.foundation.fetch import LiveFetcher
from listkeeper.sending import domain_news
from listkeeper.sending.handing_over import way
from listkeeper.settings import Settings
from listkeeper.standards import address
from listkeeper.standards.dns import LiveResolver, Resolver
from listkeeper.standards.dns_direct import DirectResolver

_HEADS = {Verdict.WRONG: "To mend", Verdict.UNKNOWN: "Not known", Verdict.ADVICE: "Worth doing", Verdict.RIGHT: "Right"}


@click.command("check")
@with_settings
@with_json
@click.argument("domain")
@click.option("--nameserver", metavar="HOST:PORT", help="DNS server to ask (also LISTKEEPER_DNS_SERVER).")
@click.option("--timeout", type=SECONDS, default=2.0, help="Seconds to wait for each answer of the DNS; 2.")
@click.option("--ip", "egress", multiple=True, help="IP address that mail leaves from; may be given several times.")
@click.option("--mail-from", metavar="ADDR", help="Sender of the envelope; that of LISTKEEPER_RETURN_PATH if not said.")
@click.option("--selector", "selectors", multiple=True, help="DKIM selector to look at as well.")
def command(  # noqa: PLR0913 - one option each
    settings: Settings,
    *,
    domain: str,
    nameserver: str | None,
    timeout: float,
    egress: tuple[str, ...],
    mail_from: str | None,
    selectors: tuple[str, ...],
    as_json: bool,
) -> int:
    """Read a domain's records live from the DNS; exits with the worst finding's code.

    Needs no instance. Where there is one that knows the domain, our own DKIM key is checked too. Without
    --nameserver, every name server of the domain is asked whether it says the same.
    """
    label = address.domain_name(domain)
    asked, number = _question(settings, label)
    named = nameserver or settings.dns_server
    checked = domain_check.look(
        asked,
        _resolver(label, named, timeout),
        egress=egress or settings.egress,
        selectors=selectors,
        mail_from=mail_from or parts.envelope_sender(settings),
        around=_surroundings(settings, named, timeout),
    )
    if number is not None and nameserver is None:
        _keep(settings, number, checked)
    findings = checked.findings
    answer = {"domain": label, "findings": [finding.as_json(row) for row in findings]}
    emit(answer, as_json=as_json, lines=_lines(label, findings))
    return finding.exit_code(findings)


def _resolver(domain: str, named: str | None, timeout: float) -> Resolver:
    """Ask the servers in charge of the domain, whose records may be new; or the one that was named, and no other."""
    usual = LiveResolver(named, timeout, whole=timeout)
    return usual if named else DirectResolver(domain, usual, partial(LiveResolver, timeout=timeout, whole=timeout))


def _surroundings(settings: Settings, named: str | None, timeout: float) -> Surroundings:
    connect = None if named else partial(LiveResolver, timeout=timeout, whole=timeout)
    links = parts.links(settings, LiveResolver(named, timeout, whole=timeout))
    through_relay = way.leaves_by_relay(settings.sending_ways)
    return Surroundings(LiveFetcher(settings.private_hosts), connect, through_relay, links=links)


def _question(settings: Settings, label: str) -> tuple[Question, int | None]:
    """Return what to ask, with our own key when this instance knows the domain, and the domain's row number then."""
    if settings.database_url is None and not (settings.data_folder / "listkeeper.db").exists():
        return Question(label, None), None
    with opened(settings), store.reading() as session:
        owner = organisation.maybe_one(session)
        known = sending_domain.by_name(session, owner.id, label) if owner else None
        return (domain_check.question(session, known), known.id) if known else (Question(label, None), None)


def _keep(settings: Settings, number: int, checked: Checked) -> None:
    """Store what our own name server said; what another one says is no reason to sign."""
    with opened(settings), store.transaction() as session:
        domain_news.keep(session, session.get_one(SendingDomain, number), checked, settings.gate)


def _lines(domain: str, findings: Sequence[Finding]) -> list[str]:
    """Say how it stands, then what is to be mended, the worst first, and last what is right."""
    groups = {verdict: [row for row in findings if row.verdict is verdict] for verdict in _HEADS}
    counted = ", ".join(f"{head.lower()} {len(groups[verdict])}" for verdict, head in _HEADS.items())
    lines = [f"{domain}: {counted}."]
    for verdict, head in _HEADS.items():
        lines += ["", head] if groups[verdict] else []
        for row in sorted(groups[verdict], key=lambda row: -row.severity.rank):
            lines.append(f"{row.severity.value:7}  {row.code:4}  {row.message}")
            if row.mend:
                lines += [f"               {line}" for line in row.mend.splitlines()]
    return lines
