"""Imports: bring a file, see who wrote it and what would become of each row, state what you know, load it, undo it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, request, send_file
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, signup_form
from listkeeper.audience.importing import assigning, court, plan, reasons, undo, verdict
from listkeeper.audience.importing import batch as batches
from listkeeper.audience.importing.batch import ImportBatch, ImportState
from listkeeper.audience.importing.court import Claims
from listkeeper.audience.importing.moments import DateOrder
from listkeeper.audience.importing.plan import Plan
from listkeeper.audience.importing.verdict import Outcome
from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation import ids, language
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError
from listkeeper.web import headers
from listkeeper.web.studio import forms, member, page, words

blueprint = Blueprint("imports", __name__, url_prefix=page.ROOT)
_OPEN = frozenset({ImportState.UPLOADED, ImportState.JUDGED, ImportState.FAILED})


@blueprint.get("/lists/<public_id>/imports")
def show(public_id: str) -> Response:
    """Show where to bring a file, and what was brought before."""
    return _all(public_id)


def _all(public_id: str, *, problem: ListkeeperError | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        shown = mailing_list.named(session, organisation.only_one(session), public_id)
        return page.answer(
            session,
            "imports",
            mailing_list=shown,
            imports=batches.of_list(session, shown),
            say=_state,
            problem=problem,
            status=status,
        )


@blueprint.post("/lists/<public_id>/imports")
def bring(public_id: str) -> Response | AnyResponse:
    """Take a file in, say who wrote it, and go on to the questions."""
    file, opt_outs = _kept("file"), _kept("opt_outs")
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            shown = mailing_list.named(session, owner, public_id)
            made = court.bring(
                session,
                owner,
                shown,
                _demanded(file),
                operator=member.present().actor,
                claims=Claims(),
                opt_outs=opt_outs,
                file_name=request.files["file"].filename or "",
                held=True,
            )
            audit_log.record(session, owner.id, member.present().actor, "import.brought", made.public_id)
            made_id = made.public_id
    except (Invalid, Conflict) as problem:
        for kept in (file, opt_outs):
            if kept is not None:
                kept.unlink(missing_ok=True)
        return _all(public_id, problem=problem, status=422)
    return page.back_to("imports.show_one", public_id=made_id)


def _demanded(file: Path | None) -> Path:
    if file is None:
        raise Invalid("import_no_file", language.text("Please choose a file."))
    return file


def _kept(field: str) -> Path | None:
    """Write an uploaded file into the folder of imports, readable by us alone; None when none came."""
    sent: FileStorage | None = request.files.get(field)
    if sent is None or not sent.filename:
        return None
    folder = parts.imports_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / ids.new("upload")
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        shutil.copyfileobj(sent.stream, target, 1 << 20)
    sent.close()
    return place


@blueprint.get("/imports/<public_id>")
def show_one(public_id: str) -> Response:
    """Show one import as far as it has come; htmx asks for the part that moves."""
    return _one(public_id)


def _one(public_id: str, *, problem: ListkeeperError | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        shown = batches.named(session, owner, public_id)
        on = session.get_one(MailingList, shown.list_id)
        asked = _asked(shown) if shown.state in _OPEN and not shown.counts else None
        sample = plan.sample(asked) if asked else []
        # What was refused is shown again as it was typed.
        typed = _claims() if problem and "attestation" in request.form else None
        return page.answer(
            session,
            "import_part" if page.is_fragment() else "import",
            batch=shown,
            mailing_list=on,
            plan=asked,
            sample=sample,
            columns=_columns(asked, sample, typed) if asked else (),
            meanings=[(meaning, assigning.word(meaning)) for meaning in assigning.MEANINGS],
            stated=typed or _stated_before(shown),
            keepable=verdict.keepable(asked.main.reading.recognised) if asked else (),
            counts=_said(shown.counts or shown.forecast),
            rows=sum((shown.counts or {}).get(outcome.value, 0) for outcome in Outcome),
            moving=_moving(shown),
            forms=[forms.address_of(form) for form in signup_form.all_of(session, on)],
            undone=_undone(session, owner, shown),
            has_report=_report(shown).is_file(),
            S=ImportState,
            say=_state,
            problem=problem,
            status=status,
        )


@dataclass(frozen=True)
class Column:
    """One column of the file: what it is called, how it begins, and what it is taken for."""

    name: str
    first: str
    means: str
    # Whether it tells who has left: that is heard, whatever is chosen.
    tells_who_left: bool


def _columns(asked: Plan, sample: list[list[str]], typed: Claims | None) -> list[Column]:
    recognised = asked.main.reading.recognised
    read = {index: role.value for role, index in recognised.columns.items()}
    said = dict(typed.assigned) if typed else {}
    return [
        Column(
            name,
            next((row[index] for row in sample if index < len(row) and row[index].strip()), ""),
            said.get(name, read.get(index, assigning.NOTHING)),
            recognised.tells_who_left(index),
        )
        for index, name in enumerate(recognised.names)
    ]


def _stated_before(shown: ImportBatch) -> Claims:
    """Return what was stated about a file when it was last tried."""
    return Claims(
        basis=shown.claimed_basis,
        origin=shown.claimed_origin,
        method=shown.claimed_method,
        text=shown.claimed_text,
        collected=shown.claimed_date,
        last_letter_on=shown.last_letter_on,
        attestation=shown.attestation,
        no_opt_outs=shown.no_opt_outs,
        order=DateOrder(shown.date_order) if shown.date_order else None,
        columns=tuple(shown.kept_columns),
    )


def _asked(shown: ImportBatch) -> Plan | None:
    """Return how the file is read now; None when it is not kept any more."""
    try:
        return court.read_as(shown)
    except (Invalid, Conflict):
        return None


@dataclass(frozen=True)
class Undone:
    """What is said of an import that was taken back."""

    by: str
    remains: undo.Remains


def _undone(session: Session, owner: Organisation, shown: ImportBatch) -> Undone | None:
    """Return what was taken back, by whom, and what stays; None while it is under way, or was not."""
    if shown.state is not ImportState.UNDONE:
        return None
    noted = audit_log.last(session, owner.id, "import.undone", shown.public_id)
    return Undone(words.operator(session, noted.actor) if noted else "", undo.remains(session, shown))


def _moving(shown: ImportBatch) -> bool:
    taking_back = shown.undone_at is not None and shown.state is not ImportState.UNDONE
    judging = shown.state is ImportState.UPLOADED and "so_far" in shown.forecast
    return taking_back or judging or shown.state is ImportState.LOADING


def _said(counts: dict[str, int]) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """Return each outcome's word and number, with its reasons in sentences, most frequent first."""
    found = []
    for outcome in Outcome:
        start = f"{outcome.value}:"
        told = [
            (reasons.sentence(code.removeprefix(start)), number)
            for code, number in counts.items()
            if code.startswith(start)
        ]
        if counts.get(outcome.value):
            found.append((reasons.outcome(outcome), counts[outcome.value], sorted(told, key=lambda one: -one[1])))
    return found


def _state(shown: ImportBatch) -> tuple[str, str]:
    """Return the word and the tone of a state."""
    if shown.undone_at is not None and shown.state is not ImportState.UNDONE:
        return language.text("being taken back"), "warn"
    said = {
        ImportState.UPLOADED: (language.text("brought"), ""),
        ImportState.JUDGED: (language.text("tried"), ""),
        ImportState.LOADING: (language.text("being loaded"), "warn"),
        ImportState.FINISHED: (language.text("loaded"), "good"),
        ImportState.FAILED: (language.text("stopped"), "bad"),
        ImportState.UNDONE: (language.text("taken back"), ""),
    }
    return said[shown.state]


@blueprint.post("/imports/<public_id>/judge")
def judge(public_id: str) -> Response | AnyResponse:
    """Take what is stated, and let a worker say what would become of each row."""
    try:
        with store.transaction() as session:
            shown = _stated(session, public_id)
            shown.forecast = {"so_far": 0}
            batches.ask(session, shown)
    except (Invalid, Conflict) as problem:
        return _one(public_id, problem=problem, status=422)
    return page.back_to("imports.show_one", public_id=public_id)


@blueprint.post("/imports/<public_id>/load")
def load(public_id: str) -> Response | AnyResponse:
    """Load what was tried; whatever was stated then stands."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            shown = batches.named(session, owner, public_id)
            begun = _begun(session, shown)
            again = begun is not shown
            if not again:
                batches.ask(session, begun)
                audit_log.record(session, owner.id, member.present().actor, "import.begun", public_id)
            begun_id = begun.public_id
    except (Invalid, Conflict) as problem:
        return _one(public_id, problem=problem, status=422)
    said = language.text("This file was imported before. Nothing was changed.") if again else None
    return page.back_to("imports.show_one", said, public_id=begun_id)


def _begun(session: Session, shown: ImportBatch) -> ImportBatch:
    """Begin to load what was tried, or go on with what stopped; return the batch, or the earlier one it repeats."""
    if shown.state is ImportState.FAILED and shown.counts:
        court.resumed(shown)
        return shown
    if shown.state is not ImportState.JUDGED:
        raise Conflict("import_state", language.text("Try it first; then it can be loaded."))
    return court.begin(session, shown, court.plan_of(shown))


@blueprint.post("/imports/<public_id>/undo")
def take_back(public_id: str) -> Response | AnyResponse:
    """Take an import back; a worker does it."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            shown = batches.named(session, owner, public_id)
            undo.begin(session, shown, actor=member.present().actor)
            batches.ask(session, shown)
            audit_log.record(session, owner.id, member.present().actor, "import.undone", public_id)
    except (Invalid, Conflict) as problem:
        return _one(public_id, problem=problem, status=422)
    return page.back_to("imports.show_one", public_id=public_id)


@blueprint.get("/imports/<public_id>/verdicts.csv")
def verdicts(public_id: str) -> Response | AnyResponse:
    """Hand out the verdict of each row, as long as it is kept."""
    with store.reading() as session:
        shown = batches.named(session, organisation.only_one(session), public_id)
        place = _report(shown)
    if not place.is_file():
        said = language.text("The verdicts are kept for a day. Try the file again to see them.")
        return page.back_to("imports.show_one", said, "warn", public_id=public_id)
    answer = send_file(place, "text/csv; charset=utf-8", as_attachment=True, download_name=f"{public_id}.csv")
    return headers.private(answer)


def _report(shown: ImportBatch) -> Path:
    return parts.imports_folder() / f"{shown.public_id}.csv"


def _stated(session: Session, public_id: str) -> ImportBatch:
    """Take what the form states about a file, and read it that way."""
    shown = batches.named(session, organisation.only_one(session), public_id)
    opt_outs = _kept("opt_outs")
    made = court.restate(shown, _claims(), opt_outs)
    plan.demand_answers(made)
    return shown


def _claims() -> Claims:
    form = request.form
    order = form.get("date_order", "")
    return Claims(
        basis="consent" if form.get("basis") == "consent" else "none",
        origin=form.get("origin", ""),
        method=form.get("method", ""),
        text=form.get("text", ""),
        collected=form.get("collected", ""),
        last_letter_on=form.get("last_letter", ""),
        attestation=form.get("attestation", ""),
        no_opt_outs=form.get("no_opt_outs") == "1",
        order=DateOrder(order) if order in set(DateOrder) else None,
        columns=tuple(form.getlist("columns")),
        assigned=tuple(zip(form.getlist("column"), form.getlist("means"), strict=False)),
    )
