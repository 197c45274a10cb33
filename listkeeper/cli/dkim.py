"""``listkeeper dkim``: what the signatures of a message are worth, and one more signature for it (RFC 6376, 8301).

Neither needs an instance: keys come from the DNS and from a file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from listkeeper.cli import dkim_report
from listkeeper.cli.context import emit, with_json
from listkeeper.cli.dkim_report import Report
from listkeeper.cli.nameserver import with_resolver
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address, dkim, dkim_key_record
from listkeeper.standards.dkim import PrivateKey, SigningKey
from listkeeper.standards.dns import LiveResolver, Remembering

_CRLF = b"\r\n"
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
# More than any message that is looked at; the rest of a larger file need not be read.
_MOST_READ = 51_000_000
_SHORTEST_KEY = 1024
_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.group()
def command() -> None:
    """Check the signatures of messages, and sign one."""


@command.command()
@with_resolver
@with_json
@click.argument("files", metavar="[FILE]...", nargs=-1, type=_FILE)
def verify(resolver: LiveResolver, *, files: Sequence[Path], as_json: bool) -> int:
    """Judge every signature of each message FILE, or of standard input.

    Exits with the worst message's code: 0 when one of its signatures passes, 3 when the DNS did not answer about
    the key, 4 when only a part of its body is signed, 5 when no signature is right or there is none.
    """
    memory, now = Remembering(resolver), clock.now()
    reports = [dkim_report.of(str(file), _read(file), memory, now) for file in files or [Path("-")]]
    answer = {
        "messages": [report.as_json() for report in reports],
        "signatures": [{"file": report.file, **row.as_json()} for report in reports for row in report.signatures],
    }
    emit(answer, as_json=as_json, lines=_lines(reports))
    return max((report.severity for report in reports), key=lambda severity: severity.rank).exit_code


def _lines(reports: Sequence[Report]) -> list[str]:
    return [line for report in reports for line in report.lines()]


def _read(file: Path) -> bytes:
    """Return a message with the line ends it had on its way: programs that store mail leave out the CR."""
    with click.open_file(str(file), "rb") as opened:
        return _BARE_LINE_FEED.sub(_CRLF, opened.read(_MOST_READ))


@command.command()
@with_json
@click.argument("file", required=False, type=_FILE, default="-")
@click.option("--key", "key_file", type=_FILE, required=True, help="File with the private key: PEM, RSA or Ed25519.")
@click.option("--domain", required=True, help="The domain that signs.")
@click.option("--selector", required=True, help="The selector under which its public half is published.")
@click.option("--mail-from", default="", metavar="ADDR", help="Sender of the envelope; no signature of today holds it.")
@click.option("--rcpt-to", default="", metavar="ADDR", help="Recipient of the envelope; the same.")
def sign(  # noqa: PLR0913 - one option each
    *, file: Path, key_file: Path, domain: str, selector: str, mail_from: str, rcpt_to: str, as_json: bool
) -> None:
    """Print the message FILE, or standard input, with a signature in front of it; lines end in CRLF, as on the wire.

    With --json: the signature alone, and the record that receivers must find.
    """
    if str(file) == str(key_file) == "-":
        raise click.UsageError("Standard input cannot be both the message and the key.")
    if not dkim_key_record.is_selector(selector):
        raise Invalid("selector", "A selector is made of letters, digits, dashes and dots.")
    key = SigningKey(address.domain_name(domain), selector, _private(key_file))
    message = _whole(_read(file))
    header = dkim.sign(message, mail_from, rcpt_to, key=key, now=clock.now())
    if as_json:
        emit(_as_json(header, key), as_json=True)
        return
    with click.open_file("-", "wb") as out:
        out.write(header + message)


def _whole(message: bytes) -> bytes:
    """Return a message as SMTP hands it over: with an end to its head, and to its last line."""
    ended = message if message.endswith(_CRLF) else message + _CRLF
    return ended if _CRLF * 2 in ended else ended + _CRLF


def _private(file: Path) -> PrivateKey:
    with click.open_file(str(file), "rb") as opened:
        text = opened.read(100_000)
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise Invalid(
            "key",
            f"{file} holds no private key that signs mail. It must be PEM, RSA or Ed25519, without a password: "
            "`openssl genrsa 2048` makes one.",
        )
    if isinstance(key, RSAPrivateKey) and key.key_size < _SHORTEST_KEY:
        raise Invalid("key", f"The key has {key.key_size} bits, and receivers believe none below {_SHORTEST_KEY}.")
    return key


def _as_json(header: bytes, key: SigningKey) -> dict[str, Any]:
    return {
        "header": header.decode("ascii"),
        "algorithm": key.algorithm,
        "record": {
            "name": dkim_key_record.name_of(key.selector, key.domain),
            "type": "TXT",
            "value": dkim_key_record.record_for(key.private),
        },
    }
