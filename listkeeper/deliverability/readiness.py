"""How ready a domain's mail is for the big mailbox providers: rows are their rules, columns are they.

Never green by default: a cell passes when something was looked at that proves
it, and says what. What only results can tell is not known until they are there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from listkeeper.deliverability import finding, freemail, readiness_cell
from listkeeper.deliverability.finding import Finding
from listkeeper.deliverability.readiness_cell import NOT_ASKED, Cell, State, fails, passes, together, unknown
from listkeeper.foundation import language

# Gmail: keep below the first, never reach the second; Yahoo names the second.
_LOW_RATE, _HIGH_RATE = 0.001, 0.003
_BULK = 5_000


class Provider(StrEnum):
    """Who keeps the readers' mailboxes."""

    GMAIL = "Gmail"
    YAHOO = "Yahoo"
    MICROSOFT = "Microsoft"
    APPLE = "Apple"


_GMAIL, _YAHOO, _MICROSOFT, _APPLE = Provider


@dataclass(frozen=True)
class Row:
    """One rule; ``code`` is its row of the tables of checks, ``title`` what it asks for in words."""

    code: str
    title: str
    cells: Mapping[Provider, Cell]


@dataclass(frozen=True)
class Scorecard:
    """All rules, and what each provider would say."""

    rows: tuple[Row, ...]

    def count(self, provider: Provider, state: State) -> int:
        """Return how many cells of a provider say so."""
        return sum(row.cells[provider].state is state for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is printed: code → title and cells by provider."""
        return {
            row.code: {
                "title": row.title,
                "cells": {provider.value: _cell_as_json(cell) for provider, cell in row.cells.items()},
            }
            for row in self.rows
        }


def _cell_as_json(cell: Cell) -> dict[str, Any]:
    return {"state": cell.state.value, "words": cell.words, "findings": [finding.as_json(one) for one in cell.findings]}


def scorecard(  # noqa: PLR0913 - what no record tells, each by name
    findings: Sequence[Finding],
    *,
    from_domain: str | None = None,
    complaint_rate: float | None = None,
    yahoo_complaint_rate: float | None = None,
    encrypted: bool | None = None,
    gmail_last_day: int | None = None,
    yahoo_loop: bool | None = None,
) -> Scorecard:
    """Return the scorecard of a domain from its findings and from what no record tells; None is not known yet.

    ``from_domain`` is an A-label. ``complaint_rate`` is Gmail's as a share of
    one (0.001 is 0.10 per cent), typed in from Postmaster Tools, the other one
    Yahoo's. ``encrypted`` says whether mail was handed over by TLS with a
    verified certificate. ``gmail_last_day`` counts the mails of 24 hours to
    Gmail by all domains of the organisation. ``yahoo_loop`` says whether the
    domain is registered for Yahoo's reports of complaints.
    """
    both = together(readiness_cell.spf(findings), readiness_cell.dkim(findings))
    dmarc, hosts = readiness_cell.dmarc(findings), readiness_cell.names_of_hosts(findings)
    click, everybody = readiness_cell.one_click(findings), tuple(Provider)
    rows = [
        _row("G1", both, everybody),
        _row("G2", dmarc, everybody),
        _row("G3", hosts, (_GMAIL, _APPLE)),
        _row("G4", _encrypted(encrypted, findings), (_GMAIL,)),
        Row("G5", _title("G5"), _complaints(complaint_rate, yahoo_complaint_rate)),
        _row("G6", click, (_GMAIL, _YAHOO)),
        _row("G7", _way_out(), everybody),
        _row("G8", _form(findings), (_GMAIL, _APPLE)),
        _row("G9", _own_domain(from_domain), (_GMAIL,)),
        _row("G10", _counted(gmail_last_day), (_GMAIL,)),
        _row("G11", _list_mail(), (_GMAIL,)),
        _row("M1", together(both, dmarc), (_MICROSOFT,)),
        _row("M2", readiness_cell.takes_answers(findings), (_MICROSOFT,)),
        _row("A1", together(both, dmarc, hosts, _permission()), (_APPLE,)),
        _row("Y1", together(both, dmarc, click, _loop(yahoo_loop)), (_YAHOO,)),
    ]
    return Scorecard(tuple(rows))


def _row(code: str, cell: Cell, asked_by: Collection[Provider]) -> Row:
    return Row(code, _title(code), {one: cell if one in asked_by else NOT_ASKED for one in Provider})


def _title(code: str) -> str:
    return {
        "G1": language.text("SPF lets our mail pass, and our DKIM signature can be verified"),
        "G2": language.text("There is a DMARC record, and our mail speaks for the domain in From"),
        "G3": language.text("Our address has a name that leads back to it"),
        "G4": language.text("Mail is encrypted on its way (TLS)"),
        "G5": language.text("Few readers report the mail as spam"),
        "G6": language.text("One click unsubscribes"),
        "G7": language.text("The unsubscribe link can be seen"),
        "G8": language.text("The message has the right form"),
        "G9": language.text("The sender's domain is our own"),
        "G10": language.text("How many mails Gmail gets in a day"),
        "G11": language.text("Each letter names its list"),
        "M1": language.text("SPF, DKIM and DMARC all pass"),
        "M2": language.text("From can receive answers"),
        "A1": language.text("Readers agreed, leave at once, and the sender can be recognised"),
        "Y1": language.text("SPF, DKIM, DMARC and one click, and complaints are heard of"),
    }[code]


def _encrypted(said: bool | None, findings: Sequence[Finding]) -> Cell:  # noqa: FBT001 - three things may be known
    match said:
        case None if any(row.code == "G4" for row in findings):
            # A receiver saw it, of a mail that was brought back.
            return readiness_cell.rests_on(findings, {"G4"}, {"G4"})
        case None:
            return unknown(language.text("Not known yet: no mail has been handed over since we began to look."))
        case True:
            return passes(language.text("Mail was handed over encrypted, and the certificate was verified."))
        case _:
            return fails(language.text("Mail was handed over without encryption. Set a sending way that has it."))


def _complaints(gmail: float | None, yahoo: float | None) -> dict[Provider, Cell]:
    cells = dict.fromkeys(Provider, NOT_ASKED)
    cells[_GMAIL] = _rate(gmail, _LOW_RATE) or unknown(
        language.text("Not known yet: Gmail shows the rate in Postmaster Tools alone. Type it in from there.")
    )
    cells[_YAHOO] = _rate(yahoo, _HIGH_RATE) or unknown(
        language.text("Not known yet: it follows from the complaints that Yahoo reports.")
    )
    return cells


def _rate(rate: float | None, limit: float) -> Cell | None:
    if rate is None:
        return None
    values = {"rate": _percent(rate), "limit": _percent(limit)}
    if rate < limit:
        return passes(
            language.text("%(rate)s of the mails were reported as spam; it must be below %(limit)s.", **values)
        )
    return fails(
        language.text(
            "%(rate)s of the mails were reported as spam, and it must be below %(limit)s. Write only to those who "
            "still read you, until it is.",
            **values,
        )
    )


def _percent(rate: float) -> str:
    return f"{rate * 100:.2f} %"


def _way_out() -> Cell:
    return passes(language.text("Every letter shows this reader's own unsubscribe link; one without it is not sent."))


def _form(findings: Sequence[Finding]) -> Cell:
    found = readiness_cell.rests_on(findings, {one.row for one in findings if one.row[0] == "F"}, ())
    if found.state is State.FAIL:
        return found
    return passes(language.text("Listkeeper writes each message by RFC 5322, and verifies the first of each letter."))


def _own_domain(domain: str | None) -> Cell:
    if domain is None:
        return unknown(language.text("Not known yet: no sender's domain was chosen."))
    if freemail.is_freemail(domain):
        return fails(
            language.text("%(domain)s belongs to a mailbox provider. Choose a domain of your own.", domain=domain)
        )
    return passes(language.text("%(domain)s is no domain of a mailbox provider.", domain=domain))


def _counted(number: int | None) -> Cell:
    if number is None:
        return unknown(language.text("Not known yet: nothing was counted."))
    values = {"number": language.number(number), "limit": language.number(_BULK)}
    if number >= _BULK:
        return passes(
            language.text(
                "%(number)s in the last 24 hours. From %(limit)s on, Gmail counts a domain as a bulk sender for good, "
                "and all rows here apply.",
                **values,
            )
        )
    return passes(
        language.text(
            "%(number)s in the last 24 hours; from %(limit)s on, a domain is a bulk sender for good.", **values
        )
    )


def _list_mail() -> Cell:
    return passes(language.text("Each letter carries the List-Id of its list, and goes straight to its reader."))


def _permission() -> Cell:
    return passes(
        language.text(
            "Nobody is written to without permission, leaving counts at once, and no import brings back who left."
        )
    )


def _loop(registered: bool | None) -> Cell:  # noqa: FBT001 - one of three things that may be known
    if registered:
        return passes(language.text("The domain is registered for Yahoo's reports of complaints."))
    return unknown(
        language.text(
            "Not known yet whether Yahoo reports complaints: register the domain of your signature (d=) in the "
            "Yahoo Sender Hub."
        )
    )
