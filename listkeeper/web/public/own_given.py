"""What she got from us: the letters that gave her something and those that asked, on a person's own page."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for

from listkeeper import parts, store
from listkeeper.campaigns import archive
from listkeeper.campaigns import stance as stances
from listkeeper.foundation import language
from listkeeper.insight import trust_account
from listkeeper.insight.trust_account import Balance, Given
from listkeeper.rendering import archive_copy
from listkeeper.web.public import guest, page
from listkeeper.web.public.guest import Guest

blueprint = Blueprint("own_given", __name__)
blueprint.before_request(page.limit_body)

_A_PAGE = 20


@dataclass(frozen=True)
class Shown:
    """One letter, as the page names it; ``where`` is its place in the public archive, if it has one."""

    subject: str
    day: str
    word: str
    gives: bool
    where: str | None


@blueprint.get("/mine/<visit>/got")
def show(visit: str) -> Response:
    """Show what letters gave her and asked of her in the last twelve months, newest first."""
    with store.reading() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        with language.using(found.spoken):
            rows = trust_account.given_to(session, found.person.id, before=_before(), limit=_A_PAGE + 1)
            public = archive.shown_among(session, [each.campaign.id for each in rows])
            shown = [_shown(found, each, public) for each in rows[:_A_PAGE]]
            words = in_words(trust_account.balance_of_person(session, found.person.id))
        older = rows[_A_PAGE - 1].number if len(rows) > _A_PAGE else None
        return found.answer(
            "own_given",
            words=words,
            letters=shown,
            older=url_for("own_given.show", visit=visit, before=older) if older else None,
        )


def _before() -> int | None:
    typed = request.args.get("before", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= len(str(2**31)) else None


def _shown(found: Guest, each: Given, public: set[int]) -> Shown:
    return Shown(
        archive_copy.line(each.subject, found.business.name),
        language.day(each.at.date()),
        stances.word(each.stance),
        stances.gives(each.stance),
        archive.address_of(each.campaign, parts.settings().site) if each.campaign.id in public else None,
    )


def in_words(balance: Balance) -> str:
    """Say how it stands between her and us."""
    if not balance.gave and not balance.asked:
        return language.text("In the last twelve months no letter gave you anything, and none asked you for anything.")
    if balance.total > 0:
        return language.text(
            "In the last twelve months, letters that gave you something: %(gave)s. Letters that asked you for "
            "something: %(asked)s. We have given more than we asked.",
            gave=balance.gave,
            asked=balance.asked,
        )
    if balance.total < 0:
        return language.text(
            "In the last twelve months, letters that gave you something: %(gave)s. Letters that asked you for "
            "something: %(asked)s. We have asked more than we gave.",
            gave=balance.gave,
            asked=balance.asked,
        )
    return language.text(
        "In the last twelve months, letters that gave you something: %(gave)s, and as many that asked you for "
        "something.",
        gave=balance.gave,
    )
