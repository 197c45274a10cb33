"""The page of the board: which three numbers, their targets, who looks after them, and what was done about them."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, user
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError, NotFound
from listkeeper.insight import board as numbers
from listkeeper.insight import board_log, board_number, board_pick, board_target, board_value, clean_up
from listkeeper.insight.board_number import NumberKind
from listkeeper.insight.board_pick import Pick
from listkeeper.web.studio import board_cards, member, page, words

blueprint = Blueprint("board", __name__, url_prefix=f"{page.ROOT}/board")


@blueprint.get("")
def show() -> Response:
    """Show the board with its log, and the form by which it is changed."""
    return _shown()


def _shown(*, problem: ListkeeperError | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        currency = board_target.currency_of(session, owner)
        picked = board_pick.of(session, owner)
        done = board_log.newest(session, owner)
        return page.answer(
            session,
            "board",
            **board_cards.shown(session, owner),
            places=[picked[place] if place < len(picked) else None for place in range(board_pick.MOST)],
            kinds=[(kind, board_number.title(kind), board_number.sentence(kind)) for kind in NumberKind],
            titled=board_number.title,
            typed=lambda pick: board_target.typed(pick.kind, pick.target, currency),
            hint=lambda kind: board_target.hint(kind, currency),
            people=user.everyone(session, owner.id),
            done=[(row, board_log.effect(row)) for row in done],
            days=board_log.DAYS,
            longest=board_log.LONGEST,
            by=lambda actor: words.operator(session, actor),
            problem=problem,
            status=status,
        )


_Act = Callable[[Session, Organisation], str]


def _do(action: str, act: _Act, subject: str = "") -> Response | AnyResponse:
    """Do one thing to the board, or to one note of its log, note who did it, and say what was done."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            said = act(session, owner)
            audit_log.record(session, owner.id, member.present().actor, action, subject or owner.public_id)
    except (Invalid, Conflict, NotFound) as problem:
        return _shown(problem=problem, status=422)
    return page.back_to("board.show", said)


@blueprint.post("/picks")
def pick() -> Response | AnyResponse:
    """Put other numbers on the board, with their targets and who looks after them."""

    def act(session: Session, owner: Organisation) -> str:
        currency = board_target.currency_of(session, owner)
        typed = zip(*(request.form.getlist(name) for name in ("kind", "target", "user")), strict=False)
        board_pick.choose(session, owner, [_picked(*row, currency=currency) for row in typed if row[0]])
        return language.text("The board is changed.")

    return _do("board.picked", act)


def _picked(kind: str, target: str, user_id: str, *, currency: str) -> Pick:
    named = board_pick.kind_named(kind)
    return Pick(named, board_target.read(named, target, currency), user_id)


@blueprint.post("/count")
def count_again() -> AnyResponse:
    """Count the numbers of the board now."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        kinds = [each.kind for each in board_pick.of(session, owner)]
        lists = clean_up.count_all(session, owner) if NumberKind.NEVER_REACTED in kinds else []
    if lists:
        with store.transaction() as session:
            for list_id, found in lists:
                clean_up.keep(session, list_id, found)
    with store.reading() as session:
        owner = organisation.only_one(session)
        measured = board_value.measure_all(session, owner, kinds, practice=page.settings().rehearsing)
    with store.transaction() as session:
        board_value.keep(session, organisation.only_one(session), measured)
    home = request.form.get("from") == "home"
    return page.back_to("home.show" if home else "board.show", language.text("Counted just now."))


@blueprint.post("/<kind>/act")
def act_on(kind: str) -> AnyResponse:
    """Note that somebody set out to do something about a number, and lead to the page that does it."""
    named = board_pick.kind_named(kind)
    with store.transaction() as session:
        owner = organisation.only_one(session)
        found = board_value.newest(session, owner).get(named)
        action = numbers.card(Pick(named), found).action
        if not board_cards.opens(action.path):
            raise NotFound("no_action", language.text("There is no page for that here. Nothing was changed."))
        with language.using(owner.language):
            said = numbers.card(Pick(named), found).action.words
        board_log.note(session, owner, named, said, actor=member.present().actor)
    return redirect(action.path, 303)


@blueprint.post("/log")
def note() -> Response | AnyResponse:
    """Note what was done about a number, in one's own words."""

    def act(session: Session, owner: Organisation) -> str:
        kind = board_pick.kind_named(request.form.get("kind", ""))
        days = request.form.get("days", "", type=str)
        board_log.note(
            session,
            owner,
            kind,
            request.form.get("did", ""),
            actor=member.present().actor,
            days=int(days) if days.isdecimal() and days.isascii() and len(days) <= 3 else 0,  # noqa: PLR2004 - three digits
        )
        return language.text("Noted. What came after it will stand beside it.")

    return _do("board.noted", act)


@blueprint.post("/log/<log_id>/delete")
def delete_note(log_id: str) -> Response | AnyResponse:
    """Delete one note of the log; that it was done is written down, and not what stood in it."""

    def act(session: Session, owner: Organisation) -> str:
        board_log.delete(session, owner, log_id)
        return language.text("The note is deleted.")

    return _do("board.note_deleted", act, log_id)


@blueprint.post("/mail")
def mail() -> Response | AnyResponse:
    """Switch the weekly mail on or off, for oneself."""
    wanted = request.form.get("board_mail") == "on"

    def act(session: Session, owner: Organisation) -> str:
        user.named(session, owner.id, member.present().public_id).board_mail = wanted
        if wanted:
            return language.text("You get the weekly mail.")
        return language.text("You get the weekly mail no more.")

    return _do("board.mail_chosen", act)
