"""Everything goes out again: the owner's export as one download, whoever had it written down."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, stream_with_context

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience.segments import segment
from listkeeper.audience.segments.segment import Segment
from listkeeper.foundation import archive, clock
from listkeeper.sending import exporting
from listkeeper.web import headers
from listkeeper.web.studio import member, page

blueprint = Blueprint("export", __name__, url_prefix=page.ROOT)


@blueprint.post("/settings/export")
def download() -> Response:
    """Write down who takes everything out, then send it piece by piece while it is read."""
    who = member.present().actor
    with store.transaction() as session:
        exporting.write_down(session, who)
    answer = Response(stream_with_context(_pieces()), content_type="application/zip")
    name = f"listkeeper-export-{clock.now():%Y%m%d-%H%M%S}.zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return headers.private(answer)


def _pieces() -> Iterator[bytes]:
    media = page.settings().data_folder / "media"
    with store.snapshot() as session:
        what = exporting.contents(session, exporting.EXPORT, revision=store.newest_revision(), media=media)
        yield from archive.pieces(session.connection(), what)


@blueprint.post("/segments/<segment_id>/export")
def of_segment(segment_id: str) -> Response:
    """Write down who takes out the people of a segment, then send them."""
    who = member.present().actor
    with store.transaction() as session:
        owner = organisation.only_one(session)
        number = segment.identified(session, owner, segment_id).id
        audit_log.record(session, owner.id, who, "segment.exported", segment_id)
    answer = Response(stream_with_context(_of_segment(number)), content_type="application/zip")
    name = f"listkeeper-segment-{clock.now():%Y%m%d-%H%M%S}.zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return headers.private(answer)


def _of_segment(number: int) -> Iterator[bytes]:
    with store.snapshot() as session:
        found = session.get_one(Segment, number)
        what = exporting.of_segment(session, found, revision=store.newest_revision())
        yield from archive.pieces(session.connection(), what)
