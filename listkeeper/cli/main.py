"""The command ``listkeeper``: its nouns, and the only map from errors to sentences and exit codes.

Exit codes: 0 done; 1 a fault of ours; 2 wrong arguments or settings; 3 to 6 the
worst finding of a check (unknown, warning, error, block); 10 Invalid,
11 NotFound, 12 Conflict, 13 Forbidden, 14 TryAgain; 130 interrupted.

With ``--json`` standard output is one JSON document, also when something went
wrong: ``{"error": {"code", "message"}}``. Without it, errors are one sentence on
standard error.
"""

from __future__ import annotations

import errno
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from listkeeper import __version__
from listkeeper.foundation import log
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid, ListkeeperError, NotFound, TryAgain

# Noun, module, what `--help` says. The module is imported when its noun is used, so that help and completion are quick;
# each has a click command (or group) named `command`.
NOUNS: dict[str, tuple[str, str]] = {
    "up": ("listkeeper.cli.up", "Start everything on this machine and keep it running."),
    "init": ("listkeeper.cli.init", "Name the business: the first run without a browser."),
    "link": ("listkeeper.cli.link", "Print a link that signs in once."),
    "user": ("listkeeper.cli.user", "Show, invite and remove the people who work in the studio."),
    "list": ("listkeeper.cli.list", "Make, show, close and merge mailing lists."),
    "form": ("listkeeper.cli.form", "Make and show signup forms."),
    "source": ("listkeeper.cli.source", "Make links for the places people come from, with codes and posters."),
    "channel": ("listkeeper.cli.channel", "Note followers and costs, and show what you own of each channel."),
    "board": ("listkeeper.cli.board", "Show the three numbers, choose them, and note what was done."),
    "profit": ("listkeeper.cli.profit", "Work out what e-mail earns beside print and other channels."),
    "growth": ("listkeeper.cli.growth", "Show who came, who stayed, and how the lists grow."),
    "question": ("listkeeper.cli.question", "Ask people more, one question at a time, and see what they answer."),
    "segment": ("listkeeper.cli.segment", "Tell some of a list's people by what they have in common."),
    "campaign": ("listkeeper.cli.campaign", "Write, check, test and send campaigns."),
    "follow-up": ("listkeeper.cli.follow_up", "Show the letters that follow something, and switch them."),
    "notice": ("listkeeper.cli.notice", "Tell people what is out of order, and promise when they hear more."),
    "picture": ("listkeeper.cli.picture", "Bring pictures for letters, and show those that are there."),
    "way": ("listkeeper.cli.way", "Show the ways by which mail leaves, and test one."),
    "hook": ("listkeeper.cli.hook", "Show the addresses at which mail providers tell their events."),
    "mail": ("listkeeper.cli.mail", "Say what a mail is that came back, and take mail in."),
    "queue": ("listkeeper.cli.queue", "Show what waits to leave, since when, and what stands in its way."),
    "reply": ("listkeeper.cli.conversation", "Show who wrote to you and waits, and answer."),
    "bounce": ("listkeeper.cli.bounce", "Show what came back, and take mistaken holds back."),
    "suppression": ("listkeeper.cli.suppression", "Write whom not to mail as the files that mail providers take in."),
    "import": ("listkeeper.cli.import_", "Bring a list from another tool, judge it, load it, take it back."),
    "subscriber": ("listkeeper.cli.subscriber", "Show what is known of a subscriber."),
    "consent": ("listkeeper.cli.consent", "Prove permission, and check proofs."),
    "key": ("listkeeper.cli.key", "Make, show and revoke keys for programs."),
    "domain": ("listkeeper.cli.domain", "Check the DNS of a sending domain."),
    "spf": ("listkeeper.cli.spf", "Say whether an address may send for a domain."),
    "dkim": ("listkeeper.cli.dkim", "Check the signatures of messages, and sign one."),
    "dmarc": ("listkeeper.cli.dmarc", "Read the reports of receivers about mail that names a domain."),
    "tlsrpt": ("listkeeper.cli.tlsrpt", "Read the reports of senders about encrypted mail to a domain."),
    "blocklist": ("listkeeper.cli.blocklist", "Ask the block lists you chose about your addresses and domains."),
    "probe": ("listkeeper.cli.probe", "Look at pages and records from another machine, in a signed log."),
    "keyring": ("listkeeper.cli.keyring", "Show and renew the keys that seal and sign."),
    "demo": ("listkeeper.cli.demo", "Fill an instance with an invented café, and take it away again."),
    "export": ("listkeeper.cli.export", "Take everything out again, in open formats."),
    "backup": ("listkeeper.cli.backup", "Write the whole database into one file."),
    "restore": ("listkeeper.cli.restore", "Bring an archive back into an empty database."),
    "doctor": ("listkeeper.cli.doctor", "Say what is missing or wrong, and how to mend it."),
    "web": ("listkeeper.cli.web", "Run the web server alone."),
    "work": ("listkeeper.cli.work", "Run one worker alone."),
    "timetable": ("listkeeper.cli.timetable", "Run the timetable of periodic jobs alone."),
    "catch": ("listkeeper.cli.catch", "Run the mail server of practice mode alone."),
    "receive": ("listkeeper.cli.receive", "Run alone what takes mail in."),
}

# Their output is a log.
STAY = {"web", "work", "timetable", "catch", "receive"}

CRASH, USAGE, INTERRUPTED = 1, 2, 130
EXIT_CODES: dict[type[ListkeeperError], int] = {Invalid: 10, NotFound: 11, Conflict: 12, Forbidden: 13, TryAgain: 14}


class Listkeeper(click.Group):
    """The group of all nouns."""

    def main(self, args: Sequence[str] | None = None, *_: Any, standalone_mode: bool = True, **options: Any) -> Any:  # noqa: ANN401
        """Run one command line; every way out has its exit code here."""
        words = list(sys.argv[1:] if args is None else args)
        options["prog_name"] = "listkeeper"
        run = super().main
        stays = bool(words) and words[0] in STAY
        code = _guarded(lambda: run(words, standalone_mode=False, **options), as_json="--json" in words, stays=stays)
        if standalone_mode:
            sys.exit(code)
        return code

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the nouns in the order of the table: the order in which a new owner meets them."""
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the noun's file and return its command."""
        if cmd_name not in NOUNS:
            return None
        command: click.Command = importlib.import_module(NOUNS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of nouns without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(noun, sentence) for noun, (_, sentence) in NOUNS.items()])


def _guarded(run: Callable[[], Any], *, as_json: bool, stays: bool) -> int:
    try:
        result = run()
    except click.ClickException as mistake:
        if as_json:
            return _report("usage", mistake.format_message(), USAGE, as_json=True)
        mistake.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone; closing the rest would complain again.
        sys.stderr.close()
        return 0
    except Exception as problem:  # noqa: BLE001 - the last place where a traceback can be kept from a person
        return _explained(problem, as_json=as_json, stays=stays)
    return result if isinstance(result, int) else 0


def _explained(problem: Exception, *, as_json: bool, stays: bool) -> int:
    known = problem if isinstance(problem, ListkeeperError) else _kind_of(problem)
    if known is None:
        # The log of a process that stays, and whoever asks for it, get the details; people at a keyboard a sentence.
        if stays or _log_level() == "DEBUG":
            log.get(__name__).error("command.crashed", exc_info=problem)
        if stays:
            return CRASH
        message = (
            f"This is a fault in listkeeper itself ({type(problem).__name__}); what was begun has been undone. "
            "Run the command again with LISTKEEPER_LOG_LEVEL=DEBUG to see the details."
        )
        return _report("fault", message, CRASH, as_json=as_json)
    of_its_kind = next(code for kind, code in EXIT_CODES.items() if isinstance(known, kind))
    code = USAGE if known.code == "settings" else of_its_kind
    return _report(known.code, known.message, code, as_json=as_json)


def _log_level() -> str:
    from listkeeper import settings  # noqa: PLC0415 - only a crash needs it

    try:
        return settings.read().log_level
    except Invalid:
        return "DEBUG"


def _kind_of(problem: Exception) -> ListkeeperError | None:
    """Name what libraries raise when something outside the program fails."""
    home = type(problem).__module__.partition(".")[0]
    if home == "redis":
        return TryAgain("queue_unavailable", "The queue server does not answer. Start it with `listkeeper up`.")
    if home == "sqlalchemy":
        return _kind_of_database_trouble(problem)
    if isinstance(problem, UnicodeEncodeError):
        return Invalid("not_text", "What was typed holds bytes that are not UTF-8 text. Nothing was changed.")
    return _kind_of_system_trouble(problem) if isinstance(problem, OSError) else None


def _kind_of_system_trouble(problem: OSError) -> ListkeeperError:
    place = f" ({problem.filename})" if problem.filename else ""
    if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return TryAgain("disk_full", f"The disk is full{place}. Nothing was changed; free some space and try again.")
    if isinstance(problem, PermissionError):
        return Forbidden("no_access", f"This user may not read or write what is needed{place}.")
    return TryAgain("system", f"The system refused: {problem.strerror or problem}{place}. Nothing was changed.")


def _kind_of_database_trouble(problem: Exception) -> ListkeeperError | None:
    from sqlalchemy.exc import DatabaseError, OperationalError  # noqa: PLC0415 - loaded, or it could not have failed

    from listkeeper import store  # noqa: PLC0415 - the same

    if isinstance(problem, OperationalError):
        return TryAgain("database_unavailable", store.plain(problem))
    if type(problem).__name__ == "TimeoutError":
        return TryAgain("database_unavailable", "The database is too busy. Nothing was changed; try again in a moment.")
    words = str(problem).lower()
    if isinstance(problem, DatabaseError) and ("not a database" in words or "malformed" in words):
        return Invalid(
            "database_damaged",
            "The database file is damaged, or is no database. Nothing was changed; put a backup of it in its place.",
        )
    return None


def _report(code: str, message: str, exit_code: int, *, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False))
    else:
        click.echo(message, err=True)
    return exit_code


@click.group(
    cls=Listkeeper,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Permission-based e-mail on a list its owner keeps.",
    epilog="Settings come from the environment (LISTKEEPER_…) and are listed in README.md.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data folder (also LISTKEEPER_DATA); may stand after the command as well.",
)
@click.version_option(__version__, prog_name="listkeeper")
def main(data: Path | None) -> None:
    """Take the options that all nouns share; ``context`` reads them from here."""
    del data


if __name__ == "__main__":
    main()
