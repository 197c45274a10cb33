"""The trust account of a list: its balance, month by month, what counts as what, and its floor."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import stance as stances
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.insight import trust_account
from listkeeper.web.studio import charts, member, page, stance_form
from listkeeper.web.studio.charts import Bars, Told

blueprint = Blueprint("trust", __name__, url_prefix=page.ROOT)

_SHOWN = 100
_TYPED = re.compile(r"[+-]?\d{1,3}", re.ASCII)


@blueprint.get("/lists/<public_id>/trust")
def show(public_id: str) -> Response:
    """Show the account of a list."""
    return _shown(public_id)


def _shown(public_id: str, *, problem: Invalid | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        found = mailing_list.named(session, organisation.only_one(session), public_id)
        balance = trust_account.balance_of_list(session, found.id)
        entries = trust_account.entries(session, found.id)
        return page.answer(
            session,
            "trust",
            mailing_list=found,
            balance=balance,
            total=trust_account.signed(balance.total),
            chart=_chart(session, found),
            entries=[(each, stances.word(each.stance), stances.gives(each.stance)) for each in entries[:_SHOWN]],
            more=max(0, len(entries) - _SHOWN),
            groups=stance_form.groups(),
            typed=request.form.get("floor", str(found.trust_floor)),
            lowest=trust_account.LOWEST,
            highest=trust_account.HIGHEST,
            problem=problem,
            status=status,
        )


def _chart(session: Session, found: MailingList) -> Bars:
    months = trust_account.by_month(session, found.id)
    title = language.text("The balance at the end of each month")
    sentence = language.text("What letters gave, less what they asked, added up over twelve months.")
    heads = [
        language.text("Month"), language.text("Gave"), language.text("Asked"), language.text("Balance"),
    ]  # fmt: skip
    named = [(language.month(each.first), each) for each in months]
    rows = [[name, str(each.gave), str(each.asked), trust_account.signed(each.total)] for name, each in named]
    drawn = [(name, each.total, trust_account.signed(each.total)) for name, each in named]
    return charts.bars(Told(title, sentence, heads, rows), drawn)


@blueprint.post("/lists/<public_id>/trust")
def set_floor(public_id: str) -> Response | AnyResponse:
    """Choose below which balance the owner is asked once more."""
    try:
        with store.transaction() as session:
            found = mailing_list.named(session, organisation.only_one(session), public_id)
            trust_account.set_floor(found, _floor())
            audit_log.record(session, found.organisation_id, member.present().actor, "list.floor_set", found.public_id)
    except Invalid as problem:
        return _shown(public_id, problem=problem, status=422)
    return page.back_to("trust.show", language.text("Saved."), public_id=public_id)


def _floor() -> int:
    typed = request.form.get("floor", "").strip().replace("\N{MINUS SIGN}", "-")
    # More digits than any floor has are no number that anybody means.
    return int(typed) if _TYPED.fullmatch(typed) else trust_account.HIGHEST + 1
