"""``listkeeper mail``: what a mail is that came back or came in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from listkeeper.cli import mail_files, mail_take
from listkeeper.cli.context import read_settings, with_json
from listkeeper.cli.report_files import STDIN

if TYPE_CHECKING:
    from listkeeper.feedback.mail_reading import MailReading
    from listkeeper.sending.return_path import Token

# The exit code of Invalid: at least one file could not be read at all.
UNREADABLE = 10


@click.group()
def command() -> None:
    """Say what a mail is that came back, and take mail in."""


@command.command("read")
@with_json
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder (also LISTKEEPER_DATA).")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.pass_context
def read(ctx: click.Context, /, *, files: Sequence[Path], data: Path | None, as_json: bool) -> int:
    """Say of each mail in FILE (or standard input) what it is: a bounce, a complaint, an answer, and about whom.

    FILE is a mail, a mailbox file (mbox) or a folder of mails. With --json each
    mail is one JSON object on a line of its own. Needs no instance and stores
    nothing; with one, its keys prove whose delivery a mail is about. Exits with
    10 when a file could not be opened; the others are read all the same.
    """
    # Loads the domain, which help and mistakes do without.
    from listkeeper.feedback import mail_reading  # noqa: PLC0415

    token_of = _judge(data or ctx.find_root().params.get("data"))
    code = 0
    for name, content in _mails(files):
        if isinstance(content, str):
            click.echo(f"{name}: {content}", err=True)
            code = UNREADABLE
            continue
        reading = mail_reading.read(content, token_of=token_of)
        if as_json:
            click.echo(json.dumps(mail_reading.as_json(name, reading), ensure_ascii=False))
        else:
            click.echo("\n".join(_lines(name, reading)))
    return code


command.add_command(mail_take.command)


def _mails(files: Sequence[Path]) -> Iterator[tuple[str, bytes | str]]:
    """Yield the name of each mail and its beginning, or the sentence why a file has none."""
    for path in files or (STDIN,):
        if path == STDIN:
            yield from mail_files.of_stream("-", sys.stdin.buffer)
        else:
            yield from mail_files.of_path(path)


def _judge(data: Path | None) -> Callable[[str], Token | None]:
    """Return what tells the addresses of ours: with the keys of an instance, where there is one."""
    from listkeeper.foundation import keys  # noqa: PLC0415 - loads the domain
    from listkeeper.sending import return_path  # noqa: PLC0415 - the same

    folder = read_settings(data=data).key_folder
    if not any(folder.glob("master-*.key")):
        return lambda _address: None
    keys.open_folder(folder, may_make=False)
    return return_path.delivery_of


def _lines(name: str, reading: MailReading) -> Iterator[str]:
    about = f", about <{reading.message_id}>" if reading.message_id else ""
    yield f"{name}: {reading.kind.value} ({reading.reason}){about}"
    for one in reading.recipients:
        verdict = one.verdict
        what = verdict.reply_class.value if verdict else "nothing refused"
        last = ", for good" if verdict and verdict.permanent else ""
        code = f" [{one.status}]" if one.status else ""
        yield f"  {one.address or '(nobody named)'}: {what}{last}{code}  {one.reply}".rstrip()
