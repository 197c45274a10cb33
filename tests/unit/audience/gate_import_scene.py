"""Verbs that let an import claim somebody's permission, for the gate's cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from listkeeper.audience import consent
from listkeeper.audience.importing.batch import ImportBatch, ImportRow
from listkeeper.foundation import clock
from tests.unit.audience.gate_scene import Arrange, Scene, both, ledger_row, now, put


def claimed(*, undone: bool = False, row: Mapping[str, Any] | None = None, **values: object) -> Arrange:
    """Let an import claim her permission, with no event and no text of ours; ``row`` says what its row does otherwise.

    ``after`` is how far behind the ledger's end the row says that it stands.
    """

    def arrange(scene: Scene) -> None:
        made = ImportBatch(
            organisation_id=1, list_id=scene.house.mailing_list.id, operator="cli", file_sha256="f", file_name="f.csv",
            mapping={}, undone_at=clock.now() if undone else None,
        )  # fmt: skip
        scene.session.add(made)
        scene.session.flush()
        of_import = {"import_id": made.id, "consent_event_id": None, "consent_text_id": None}
        both(ledger_row(0), put("current", **of_import | values))(scene)
        _bring(scene, made.id, **(row or {}))

    return arrange


def _bring(scene: Scene, batch_id: int, *, after: int = 0, **values: Any) -> None:  # noqa: ANN401 - columns
    columns = {
        "part": 1, "row": 1, "line": 2, "key": "", "outcome": "new", "reason": "", "event_id": "e", "position": 0,
        "subject_ref": scene.person.subject_ref, "evidence_commit": "", "evidenced": True, "requested_at": 0,
        "confirmed_at": 0, "event_seq": scene.head.seq + after, "leaf": b"", "made": 0,
    }  # fmt: skip
    scene.session.add(ImportRow(**{"batch_id": batch_id} | columns | values))


def another_batch(scene: Scene) -> None:
    """Move the evidence of an import into a batch that is not the one she rests on."""
    claimed()(scene)
    scene.session.flush()
    [row] = scene.session.scalars(select(ImportRow))
    resting_on = scene.current.import_id
    scene.session.delete(row)
    claimed(import_id=resting_on)(scene)


def taken_back(*, row: Mapping[str, Any] | None = None, whose: str = "", **event: object) -> Arrange:
    """Let her have left what an import claims, and have taken that back by an event like this one."""

    def arrange(scene: Scene) -> None:
        claimed(row={"after": -1, **(row or {})})(scene)
        columns = {
            "organisation_id": 1, "list_id": scene.house.mailing_list.id, "kind": consent.EventKind.GIVEN, "at": now(),
            "method": consent.Method.UNDO, "subject_ref": whose or scene.person.subject_ref,
            "ledger_seq": scene.head.seq, "ledger_id": "b" * 32,
        }  # fmt: skip
        said_again = consent.ConsentEvent(**columns | event)
        scene.session.add(said_again)
        scene.session.flush()
        scene.current.consent_event_id = said_again.id

    return arrange
