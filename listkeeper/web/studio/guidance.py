"""What letters ask readers of three mail programs: who sees it and when it stops, as it looks, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import preview
from listkeeper.campaigns import revision as revisions
from listkeeper.feedback import guidance_measure
from listkeeper.feedback.guidance_measure import Compared, Measure, Verdict
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import compiled, filling, guidance
from listkeeper.rendering.content import Filled, Letter, Reader
from listkeeper.rendering.inbox_help import Program
from listkeeper.sending import guided
from listkeeper.web import headers
from listkeeper.web.studio import member, page

blueprint = Blueprint("guidance", __name__, url_prefix=f"{page.ROOT}/guidance")

HOLDOUTS = (20, 10, 5, 2)
_NAMES = {Program.GMAIL: "Gmail", Program.APPLE: "Apple Mail", Program.OUTLOOK: "Outlook"}


@dataclass(frozen=True)
class Asked:
    """One program: whether its readers are asked, and who they are."""

    program: Program
    name: str
    domains: str
    on: bool


@dataclass(frozen=True)
class Came:
    """What came of it in one program, in words."""

    name: str
    measure: Measure
    rows: tuple[tuple[str, Compared, str], ...]


@blueprint.get("")
def show() -> Response:
    """Show who is asked, for how long, and one block as readers see it."""
    return _shown()


def _shown(problem: Invalid | None = None, status: int = 200) -> Response:
    program, code = _program(), _code()
    with store.reading() as session:
        owner = organisation.only_one(session)
        answer = page.answer(
            session,
            "guidance",
            status=status,
            problem=problem,
            asked=_asked(owner),
            letters=guidance.LETTERS_WITH_BLOCK,
            holdouts=HOLDOUTS,
            holdout=owner.guidance_holdout,
            chosen=(program, code),
            names=_NAMES,
            block=guidance.block(program, code),
            evidence=guidance.evidence(program, code),
            see_at=url_for("guidance.see", program=program.value, spoken=code),
        )
    return headers.framing(answer)


def _asked(owner: Organisation) -> list[Asked]:
    on = guided.switched_on(owner)
    said = {
        Program.GMAIL: "gmail.com, googlemail.com",
        Program.APPLE: "icloud.com, me.com, mac.com",
        Program.OUTLOOK: language.text("outlook, hotmail and live with the endings of their countries, and msn.com"),
    }
    return [Asked(program, _NAMES[program], said[program], program in on) for program in Program]


def _program() -> Program:
    wanted = request.args.get("program", "")
    return Program(wanted) if wanted in set(Program) else Program.GMAIL


def _code() -> str:
    return language.known(request.args.get("spoken") or language.current())


@blueprint.post("")
def choose() -> Response | AnyResponse:
    """Say whose readers are asked, and how many of them are held back to be compared with."""
    typed = request.form.get("holdout", "").strip()
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            guided.choose(owner, request.form.getlist("program"), _number(typed))
            who = member.present().actor
            audit_log.record(session, owner.id, who, "guidance.chosen", owner.public_id)
    except Invalid as problem:
        return _shown(problem, status=422)
    return page.back_to("guidance.show", language.text("Saved. It counts from the next letter on."))


def _number(typed: str) -> int | None:
    """Return one in how many; a word that is no number is a number that is refused in words."""
    if not typed:
        return None
    return int(typed) if typed.isdecimal() and len(typed) < len("1000") else 0


@blueprint.get("/block")
def see() -> Response:
    """Serve a letter with the block in it, as readers get it, alone and under the policy of letters."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        filled = _letter(owner, _program(), _code())
    answer = make_response(filled.html)
    answer.content_type = "text/html; charset=utf-8"
    return headers.letter(answer)


def _letter(owner: Organisation, program: Program, code: str) -> Filled:
    site = page.settings().site
    with language.using(code):
        words = language.text("Here stands what you write.")
    letter = Letter(words, "", words, code, revisions.sender_of(owner, site))
    token = preview.SAMPLE_TOKEN
    reader = Reader(
        address="reader@example.com",
        language=code,
        profile={},
        unsubscribe_url=f"{site}/u/{token}",
        unsubscribe_mailto=None,
        preferences_url=f"{site}/p/{token}",
        web_view_url=f"{site}/w/{token}",
        why_url=f"{site}/y/{token}",
        reason="",
        guidance=program,
    )
    return filling.fill(compiled.compile_letter(letter), reader)


@blueprint.get("/measure")
def measure() -> Response:
    """Show what those did who were asked, beside those who were held back."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        counted = guidance_measure.asked(session, owner)
        found = [
            _came(guidance_measure.measure(session, owner, program)) for program in Program if program.value in counted
        ]
        return page.answer(
            session,
            "guidance_measure",
            came=found,
            counted=counted,
            held=guidance.HELD,
            anybody_held=any(name.endswith(guidance.HELD) for name in counted),
            followed=guidance_measure.LETTERS_FOLLOWED,
            least=guidance_measure.LEAST_PEOPLE,
        )


def _came(found: Measure) -> Came:
    rows = tuple((_what(row.what), row, _verdict(row.verdict)) for row in found.rows)
    return Came(_NAMES[found.program], found, rows)


def _what(what: str) -> str:
    return {
        "followed": language.text("Followed a link, of those who let you see it"),
        "wrote": language.text("Wrote to you"),
        "left": language.text("Left every list"),
    }[what]


def _verdict(verdict: Verdict) -> str:
    return {
        Verdict.TOO_FEW: language.text("Too few to say anything."),
        Verdict.NO_DIFFERENCE: language.text("No difference that chance alone would not make."),
        Verdict.MORE: language.text("More of those who were asked. Chance alone does so less than once in a hundred."),
        Verdict.LESS: language.text("Fewer of those who were asked. Chance alone does so less than once in a hundred."),
    }[verdict]
