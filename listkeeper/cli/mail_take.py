"""``listkeeper mail take``: one mail by standard input.

The exit codes are those that mail servers know (sysexits.h), because a mail
server starts this: 0 it is kept, 75 try again later, 65 it is too big. Any other
would send the mail back to whoever wrote it, so that even a fault of ours is 75.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from listkeeper.cli.context import emit, opened, read_settings, with_json
from listkeeper.foundation.errors import ListkeeperError

_NOT_TAKEN, _LATER = 65, 75


@click.command("take")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder (also LISTKEEPER_DATA).")
@click.option("--from", "sender", help="Who sent it, as the envelope says; empty for what is sent back.")
@click.option("--to", "recipients", multiple=True, help="Whom it came to, as the envelope says; may be said again.")
@with_json
@click.pass_context
def command(
    ctx: click.Context, *, data: Path | None, sender: str | None, recipients: tuple[str, ...], as_json: bool
) -> int:
    """Take one mail from standard input, as a mail server hands it over.

    Exits with 0 when it is kept, 75 when it has to be tried again later, 65 when it is too big.
    """
    from listkeeper.mailroom.brought import SIZE_LIMIT  # noqa: PLC0415 - loads the domain

    content = sys.stdin.buffer.read(SIZE_LIMIT + 1)
    if len(content) > SIZE_LIMIT:
        click.echo("This mail is larger than 30 MB and was not taken.", err=True)
        return _NOT_TAKEN
    try:
        outcome = _taken(data or ctx.find_root().params.get("data"), content, sender, recipients)
    except ListkeeperError as problem:
        click.echo(problem.message, err=True)
        return _LATER
    except Exception as problem:  # noqa: BLE001 - any other exit code would send the mail back
        click.echo(
            f"This is a fault in listkeeper itself ({type(problem).__name__}); the mail was not taken.", err=True
        )
        return _LATER
    if as_json:
        # Nothing else: some mail servers take any word for a fault.
        emit({"outcome": outcome}, as_json=True)
    return 0


def _taken(data: Path | None, content: bytes, sender: str | None, recipients: tuple[str, ...]) -> str:
    from listkeeper.mailroom import pipe  # noqa: PLC0415 - loads the domain

    with opened(read_settings(data=data)):
        return "kept" if pipe.take(content, sender, recipients).value == "new" else "known"
