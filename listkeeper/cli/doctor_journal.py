"""What the doctor looks at in the journal: whether it is there, closed to others, and agrees with the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import journal_file
from listkeeper.settings import Settings


def journal(settings: Settings, *, is_open: bool) -> Iterator[Finding]:
    """Compare the journal with the database that is open; changes nothing."""
    folder = settings.journal_folder
    subject = str(folder)
    if not is_open:
        yield Finding("journal", Severity.UNKNOWN, subject, "There is no database to compare the journal with yet.")
        return
    if journal_file.is_open_to_others(folder):
        yield Finding(
            "journal_readable", Severity.ERROR, subject,
            f"Other users of this machine may read the journal in {folder}.",
            mend=f"Close it: chmod -R go-rwx {folder}",
        )  # fmt: skip
        return
    yield _compared(settings)


def _compared(settings: Settings) -> Finding:
    from sqlalchemy import select  # noqa: PLC0415 - loaded with the application

    from listkeeper import store  # noqa: PLC0415 - the same
    from listkeeper.accounts.organisation import Organisation  # noqa: PLC0415 - the same
    from listkeeper.audience.proof import checkpoint, witness  # noqa: PLC0415 - the same
    from listkeeper.foundation import key_mark  # noqa: PLC0415 - the same

    folder = settings.journal_folder
    with store.reading() as session:
        known, here = key_mark.journal_of(session), journal_file.identity(folder)
        stopped = bool(witness.stopped(session) or witness.forked(session, folder))
        changed = any(
            checkpoint.is_contradicted(session, number) for number in session.scalars(select(Organisation.id))
        )
    if changed:
        return Finding(
            "ledger_forked", Severity.BLOCK, "ledger",
            "The ledger is not the one that was signed: rows of it were changed or removed. Nothing is sent.",
            mend="`listkeeper consent verify` names the rows. Restore a backup from before, or run `listkeeper restore "
            "--accept` to go on behind the last checkpoint that is still true.",
        )  # fmt: skip
    if stopped:
        return Finding(
            "ledger_forked", Severity.BLOCK, str(folder),
            "This database is older than the journal beside it: a copy of it was put back. Nothing is sent.",
            mend="Run `listkeeper restore --accept`: it applies the journal, and sending goes on.",
        )  # fmt: skip
    if known is not None and known != here:
        return Finding(
            "journal_elsewhere", Severity.WARN, str(folder), "The journal of this database is not kept in this folder.",
            mend="Where it is kept on another machine, all is well. Otherwise put its copy back; if it is lost, "
            "`listkeeper restore --accept` begins a new one with all that the database knows.",
        )  # fmt: skip
    if known is None:
        return Finding("journal", Severity.INFO, str(folder), "Nothing had to be written into the journal yet.")
    return Finding("journal", Severity.INFO, str(folder), "The ledger agrees with what the journal has witnessed.")
