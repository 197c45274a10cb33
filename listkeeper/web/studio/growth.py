"""Growth: who came by month and source, who stayed, how large the list was, and how much of a following is owned."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation import language, sheet
from listkeeper.foundation.errors import NotFound
from listkeeper.insight import growth, growth_count, growth_sheet
from listkeeper.web import attachment
from listkeeper.web.studio import growth_charts, page

blueprint = Blueprint("growth", __name__, url_prefix=f"{page.ROOT}/channels/growth")


@blueprint.get("/")
def show() -> Response:
    """Show the growth of one list, or of all together."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        lists = growth_count.lists_of(session, owner)
        chosen = _chosen(lists)
        found = growth.of(session, owner, chosen)
        return page.answer(
            session,
            "growth",
            lists=lists,
            chosen=chosen[0] if len(chosen) == 1 else None,
            growth=found,
            charts_of=growth_charts.of(found, called=_called(lists, chosen)),
            sources=growth_sheet.sources(found),
            heads=growth_sheet.source_heads(),
            zone=storefront.zone_of(session, owner),
            share=growth.share_said,
        )


def _chosen(lists: Sequence[MailingList]) -> Sequence[MailingList]:
    """Return the list that is asked for, or all. Raises NotFound."""
    wanted = request.args.get("list", "")
    if not wanted:
        return lists
    found = [each for each in lists if each.public_id == wanted]
    if not found:
        raise NotFound("no_list", language.text("There is no such list."))
    return found


def _called(lists: Sequence[MailingList], chosen: Sequence[MailingList]) -> str:
    return chosen[0].name if len(chosen) == 1 and len(lists) > 1 else ""


@blueprint.get("/<name>.csv")
def as_csv(name: str) -> Response:
    """Hand out one of the tables for a spreadsheet."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        head, rows = _sheet(session, owner, name)
    return attachment.of(b"".join(sheet.pieces(head, rows)), "text/csv; charset=utf-8", f"growth-{name}.csv")


def _sheet(session: Session, owner: Organisation, name: str) -> growth_sheet.Sheet:
    if name not in growth_sheet.SHEETS:
        raise NotFound("no_sheet", language.text("There is no such table."))
    return growth_sheet.SHEETS[name](growth.of(session, owner, _chosen(growth_count.lists_of(session, owner))))
