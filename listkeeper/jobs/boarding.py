"""The board's job: counts its numbers, looks for the effect of what was done, and posts the mail of the week."""

from __future__ import annotations

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.foundation import log
from listkeeper.insight import board_letter, board_log, board_pick, board_value, clean_up
from listkeeper.insight.board_number import NumberKind

_log = log.get(__name__)


def look() -> None:
    """Count what is due, with no transaction open for writing, and keep it; then write the week's mail if it is due."""
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        if owner is None:
            return
        due = board_value.due(session, owner, [pick.kind for pick in board_pick.of(session, owner)])
        mail_due = board_letter.week_due(session, owner) is not None
        counted = clean_up.count_all(session, owner) if NumberKind.NEVER_REACTED in due else []
    if counted:
        with store.transaction() as session:
            for list_id, found in counted:
                clean_up.keep(session, list_id, found)
    if due:
        _count(due)
    if mail_due:
        with store.transaction() as session:
            posted = board_letter.post_due(session, organisation.only_one(session))
        _log.info("board_mail.posted", number=len(posted))


def _count(due: list[NumberKind]) -> None:
    practice = parts.settings().rehearsing
    with store.reading() as session:
        measured = board_value.measure_all(session, organisation.only_one(session), due, practice=practice)
    with store.transaction() as session:
        owner = organisation.only_one(session)
        board_value.keep(session, owner, measured)
        board_log.fill_in(session, owner)
