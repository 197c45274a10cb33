"""``listkeeper restore``: an archive into an empty database, or the way on after a database was put back by hand."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from listkeeper.cli.context import emit, opened, prepare_folder, progress, with_json, with_settings
from listkeeper.feedback import traces
from listkeeper.foundation import archive_reading, journal_file
from listkeeper.foundation.archive_reading import Archive
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from listkeeper.audience.proof.journal_replay import Replayed
    from listkeeper.sending.restoring import Places, Restored

# As the doctor's: nothing can be sent; something is wrong.
_FORKED, _FALSE = 6, 5


@click.command()
@with_settings
@with_json
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Do all of it, say what came of it, and take it back.")
@click.option(
    "--accept", is_flag=True, help="Go on although this is older than the journal beside it: apply the journal first."
)
def command(settings: Settings, *, file: Path | None, dry_run: bool, accept: bool, as_json: bool) -> int:
    """Bring an archive of `listkeeper backup` or `listkeeper export` back into an empty database of either kind."""
    if file is None:
        if dry_run or not accept:
            raise Invalid("restore_options", "Name the archive: `listkeeper restore FILE`.")
        return _accept(settings, as_json=as_json)
    with archive_reading.opened(file) as archive:
        done = _restore(settings, archive, dry_run=dry_run)
        answer = _described(archive, done, dry_run=dry_run)
    if done.forked and accept and not dry_run:
        _accept(settings, as_json=True, quiet=True)
        answer["forked"] = []
    emit(answer, as_json=as_json, lines=_lines(answer))
    return _FORKED if answer["forked"] else _FALSE if answer["findings"] else 0


def _restore(settings: Settings, archive: Archive, *, dry_run: bool) -> Restored:
    from listkeeper.cli import migrate  # noqa: PLC0415 - takes a second to load
    from listkeeper.sending import exporting, restoring  # noqa: PLC0415 - the same

    if archive.kind not in {exporting.BACKUP, exporting.EXPORT}:
        raise Invalid(
            "archive_of_a_list",
            "This is the export of one list, and no backup: it holds neither the ledger nor the evidence. "
            "Nothing was changed.",
        )
    if not migrate.is_known(archive.revision):
        raise Conflict(
            "archive_newer",
            f"This archive was made by a newer listkeeper (migration {archive.revision}). Nothing was changed; "
            "restore it with that version.",
        )
    with progress("Checking", archive.rows) as tell:
        archive.verify(tell)
    pictures = dict(archive.pictures())
    restoring.require_its_keys(archive, settings.key_folder)
    prepare_folder(settings)
    with opened(settings, create=True):
        done = _in_one_piece(settings, archive, dry_run=dry_run)
        if not dry_run:
            _keep_pictures(settings.data_folder / "media", pictures)
            _keep_journal(settings)
    return done


def _in_one_piece(settings: Settings, archive: Archive, *, dry_run: bool) -> Restored:
    from listkeeper import store  # noqa: PLC0415 - loaded with the application
    from listkeeper.cli import migrate  # noqa: PLC0415 - the same
    from listkeeper.sending import restoring  # noqa: PLC0415 - the same

    def migrate_to(session: Session, revision: str) -> None:
        migrate.bring_to(session.connection(), revision)

    with progress("Restoring", archive.rows) as tell, store.transaction() as session:
        done = restoring.restore(
            session, archive, places(settings), migrate_to=migrate_to, newest=store.newest_revision(), tell=tell
        )
        if dry_run:
            session.rollback()
    return done


def places(settings: Settings) -> Places:
    """Return what of an instance lies outside its database."""
    from listkeeper.sending.restoring import Places  # noqa: PLC0415 - loaded with the application

    folder = settings.data_folder
    practice = folder / "practice"
    return Places(settings.journal_folder, folder / "media", practice, traces.forgetter(practice))


def _keep_pictures(folder: Path, pictures: dict[str, bytes]) -> None:
    """Put the pictures back; one that is there already has the same name because it has the same content."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in pictures.items():
        draft = folder / f".{secrets.token_hex(8)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        draft.replace(folder / name)


def _keep_journal(settings: Settings) -> None:
    """Keep the journal in this data folder from now on; a new one gets all that was ever written down."""
    from listkeeper import store  # noqa: PLC0415 - loaded with the application
    from listkeeper.audience.proof import journal  # noqa: PLC0415 - the same

    with store.transaction() as session:
        journal.adopt(session, settings.journal_folder)
    for _ in _until_nothing_waits(settings):
        pass


def _until_nothing_waits(settings: Settings) -> Iterator[int]:
    from listkeeper import store  # noqa: PLC0415 - loaded with the application
    from listkeeper.audience.proof import journal  # noqa: PLC0415 - the same

    while True:
        with store.transaction() as session:
            written = journal.write_down(session, settings.journal_folder)
        if not written:
            return
        yield written


def _accept(settings: Settings, *, as_json: bool, quiet: bool = False) -> int:
    """Apply the journal to the database as it is, and begin a new epoch of its ledger."""
    with opened(settings):
        from listkeeper import store  # noqa: PLC0415 - loaded with the application
        from listkeeper.audience.proof import journal, witness  # noqa: PLC0415 - the same
        from listkeeper.sending import restoring  # noqa: PLC0415 - the same

        with store.transaction() as session:
            replayed, accepted = restoring.accept(session, places(settings), actor="cli")
            lines = [witness.accepted(owner, last) for owner, last in accepted]
            lines += [journal.end_of(session, owner.id, owner.public_id) for owner, _last in accepted]
            answer: dict[str, Any] = {
                "accepted": [{"organisation": owner.public_id, "good_size": last.size} for owner, last in accepted],
                "erased_again": replayed.erased,
                "suppressed_again": replayed.suppressed,
                "unsubscribed_again": replayed.unsubscribed,
                **_restrained(replayed),
            }
        # Only now: a new epoch that the database had not kept would hide the fork.
        if lines:
            if journal_file.identity(settings.journal_folder) is None:
                # A ledger that was changed by hand contradicts itself, without any journal.
                _keep_journal(settings)
            journal_file.append(settings.journal_folder, lines)
        _keep_journal(settings)
    if not quiet:
        said = "A new epoch of the ledger has begun; sending goes on." if lines else "The ledger has not forked."
        emit(answer, as_json=as_json, lines=[said, *_again(answer)])
    return 0


def _described(archive: Archive, done: Restored, *, dry_run: bool) -> dict[str, Any]:
    return {
        "kind": archive.kind,
        "made_at": archive.made_at,
        "rows": done.rows,
        "dry_run": dry_run,
        "erased_again": done.replayed.erased,
        "suppressed_again": done.replayed.suppressed,
        "unsubscribed_again": done.replayed.unsubscribed,
        **_restrained(done.replayed),
        "in_doubt": done.in_doubt,
        "forked": list(done.forked),
        "findings": [{"code": fault.code, "sentence": fault.sentence} for fault in done.faults],
    }


def _restrained(replayed: Replayed) -> dict[str, int]:
    found = replayed.restrained
    return {"restricted_again": found.restricted, "deleted_again": found.deleted, "narrowed_again": found.narrowed}


def _lines(answer: dict[str, Any]) -> list[str]:
    done = "could be restored; nothing was kept" if answer["dry_run"] else "restored"
    lines = [f"{answer['rows']} rows of the {answer['kind']} of {answer['made_at']} {done}."]
    lines += _again(answer)
    if answer["in_doubt"]:
        lines.append(f"{answer['in_doubt']} mails waited then and may have left since: in doubt, and not sent again.")
    lines += [f"Its ledger is false: {found['code']}: {found['sentence']}" for found in answer["findings"]]
    lines.append("What was written, changed or sent after that moment is not in it.")
    if answer["forked"]:
        lines.append("The journal knows more than this archive. Nothing is sent until `listkeeper restore --accept`.")
    return lines


def _again(answer: dict[str, Any]) -> list[str]:
    again = (answer["erased_again"], answer["suppressed_again"], answer["unsubscribed_again"])
    held = (answer["restricted_again"], answer["narrowed_again"], answer["deleted_again"])
    lines = []
    if any(again):
        said = "From the journal: {} people erased again, {} opt-outs and {} subscriptions ended again."
        lines.append(said.format(*again))
    if any(held):
        said = "From the journal: {} people restricted again, {} pauses and rarer letters, {} lists deleted again."
        lines.append(said.format(*held))
    return lines
