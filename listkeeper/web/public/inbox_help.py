"""Where our e-mails land, and how a reader keeps them in the first place: a page anybody may open, and letters link to.

It knows nobody: the language is the one that the address says, or the one the
browser asks for, and the program that is unfolded is a guess by the browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, Response, request, url_for

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound
from listkeeper.rendering import inbox_help
from listkeeper.rendering.inbox_help import Help, Program
from listkeeper.web.public import brand, page

blueprint = Blueprint("inbox_help", __name__)


@dataclass(frozen=True)
class Keeping:
    """What a page says about keeping our mail: for one program when it is known, else for each, the likely one open."""

    known: Help | None
    every: list[Help]
    likely: Program
    from_address: str
    # Where the mail can be found at once; the address of the page about the other programs.
    search: str
    other: str


def keeping(address: str, from_address: str, spoken: str) -> Keeping:
    """Return what to say to somebody whose mail goes to an address."""
    program = inbox_help.of_address(address)
    return Keeping(
        known=inbox_help.of(program, spoken) if program else None,
        every=inbox_help.every(spoken),
        likely=_likely(),
        from_address=from_address,
        search=_search(from_address) if program is Program.GMAIL else "",
        other=url_for("inbox_help.show", language=spoken),
    )


def _likely() -> Program:
    return inbox_help.likely(request.headers.get("User-Agent", ""))


def _search(from_address: str) -> str:
    return f"https://mail.google.com/mail/u/0/#search/{quote(f'from:{from_address} in:anywhere', safe='')}"


@blueprint.get("/inbox-help")
def show() -> Response:
    """Show all programs, folded but for the likely one."""
    return _answer(None)


@blueprint.get("/inbox-help/<program>")
def show_one(program: str) -> Response:
    """Show one program."""
    if program not in set(Program):
        raise NotFound("no_program", language.text("There is no page here"))
    return _answer(Program(program))


def _answer(program: Program | None) -> Response:
    wanted = request.args.get("language")
    spoken = language.known(wanted) if wanted else page.visitors_language()
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        return page.answer(
            "inbox_help",
            spoken,
            brand.business_of(owner) if owner else None,
            one=inbox_help.of(program, spoken) if program else None,
            every=inbox_help.every(spoken),
            likely=_likely(),
            from_address=owner.from_address if owner else "",
        )
