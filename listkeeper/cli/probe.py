"""``listkeeper probe``: a look from another machine each minute, in a log that nobody can rewrite unseen.

Needs no instance and no database.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from listkeeper.cli import probe_files
from listkeeper.cli.context import emit, with_json, with_settings
from listkeeper.deliverability import probe, probe_log
from listkeeper.deliverability.finding import Severity
from listkeeper.deliverability.probe import Watched
from listkeeper.foundation import clock
from listkeeper.foundation.fetch import Fetcher, LiveFetcher
from listkeeper.settings import Settings
from listkeeper.standards import address, dkim_key_record
from listkeeper.standards.dns import LiveResolver, Resolver

if TYPE_CHECKING:
    from types import FrameType

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@with_settings
@click.option("--form", metavar="URL", help="A page with a sign-up form.")
@click.option("--confirm", metavar="URL", help="A page that confirms; only looked at, nobody is confirmed.")
@click.option("--unsubscribe", metavar="URL", help="A page to leave by; only looked at, nobody leaves.")
@click.option("--tracking", metavar="URL", help="A page at the host of counted links.")
@click.option("--domain", help="The domain that mail comes from.")
@click.option("--selector", "selectors", multiple=True, help="DKIM selector of the domain; may be given several times.")
@click.option("--every", type=click.FloatRange(1, 86_400), default=60.0, help="Seconds between two looks; 60.")
@click.option("--count", type=click.IntRange(1), help="End after so many looks; without it, at SIGTERM.")
@click.option("--log", "log_file", type=_FILE, default="probe.jsonl", help="File of the log; probe.jsonl.")
@click.option("--key", "key_file", type=_FILE, default="probe.pem", help="File of the key, made at first; probe.pem.")
@click.option("--nameserver", metavar="HOST:PORT", help="DNS server to ask (also LISTKEEPER_DNS_SERVER).")
def command(  # noqa: PLR0913 - one option each
    settings: Settings,
    *,
    form: str | None,
    confirm: str | None,
    unsubscribe: str | None,
    tracking: str | None,
    domain: str | None,
    selectors: tuple[str, ...],
    every: float,
    count: int | None,
    log_file: Path,
    key_file: Path,
    nameserver: str | None,
) -> int | None:
    """Look at pages and records from outside, each minute, and write what was seen into a signed log.

    Needs no instance. Exits at SIGTERM with 0, and after --count looks with the worst one's code.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return None
    named = {"form": form, "confirm": confirm, "unsubscribe": unsubscribe, "tracking": tracking}
    watched = _watched({what: url for what, url in named.items() if url}, domain, selectors)
    private = probe_files.key(key_file)
    click.echo(f"Public key: {probe_log.public_text(private.public_key())}")
    fetcher, resolver = LiveFetcher(settings.private_hosts), LiveResolver(nameserver or settings.dns_server)
    with _until_told() as told:
        return _looks(watched, fetcher, resolver, log_file, private, every=every, count=count, told=told)


def _watched(pages: dict[str, str], domain: str | None, selectors: tuple[str, ...]) -> Watched:
    if domain is None:
        raise click.UsageError("Name the domain that mail comes from with --domain.")
    if not all(url.isprintable() for url in pages.values()):
        raise click.UsageError("A web address holds no hidden characters.")
    wrong = [selector for selector in selectors if not dkim_key_record.is_selector(selector)]
    if wrong:
        raise click.UsageError("A selector is made of letters, digits, dashes and dots.")
    return Watched(pages, address.domain_name(domain), selectors)


def _looks(  # noqa: PLR0913 - what is looked at, with what, and for how long
    watched: Watched,
    fetcher: Fetcher,
    resolver: Resolver,
    log_file: Path,
    private: Ed25519PrivateKey,
    *,
    every: float,
    count: int | None,
    told: threading.Event,
) -> int:
    worst = Severity.INFO
    with probe_files.log(log_file, private) as log:
        for number in itertools.count(1):
            began = time.monotonic()
            at, seen = clock.now(), probe.look(watched, fetcher, resolver)
            log.write(*probe_log.signed(seen.seen, log.end, at, private))
            click.echo(f"{clock.as_text(at)}  {seen.line()}")
            worst = max(worst, seen.worst, key=lambda one: one.rank)
            if number == count or told.wait(max(0.0, every - (time.monotonic() - began))):
                break
    return 0 if told.is_set() else worst.exit_code


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM and Ctrl-C set; the look that is under way is finished and written."""
    told = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    before = {number: signal.signal(number, tell) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@command.command()
@with_json
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--public-key", "public", required=True, metavar="KEY", help="The public key that the probe printed.")
def verify(*, file: Path, public: str, as_json: bool) -> int:
    """Check a log: lines that were changed, taken out, put in or moved are found; exits 5 when there are any.

    Lines missing at the end are seen by comparing its last line with what you know of it.
    """
    checked = probe_log.verify(probe_files.lines(file), probe_log.public_key(public))
    answer = {
        "true": not checked.faults,
        "lines": checked.lines,
        "first": {"number": checked.first.number, "at": checked.first.at},
        "last": {"number": checked.last.number, "at": checked.last.at, "sha256": checked.last.sha256},
        "findings": [{"line": one.line, "code": one.code, "sentence": one.sentence} for one in checked.faults],
    }
    said = f"True: {checked.lines} lines, from {checked.first.at or 'nowhere'} to {checked.last.at or 'nowhere'}."
    emit(answer, as_json=as_json, lines=[one.sentence for one in checked.faults] or [said])
    return Severity.ERROR.exit_code if checked.faults else 0
