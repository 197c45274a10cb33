"""Why a row became what it became, in a sentence for the person who brings the file."""

from __future__ import annotations

from collections.abc import Mapping

from listkeeper.audience.importing.verdict import Outcome
from listkeeper.foundation import language


def outcome(found: Outcome) -> str:
    """Return the word for what became of a row."""
    words = {
        Outcome.NEW: language.text("new"),
        Outcome.UPDATED: language.text("updated"),
        Outcome.UNCHANGED: language.text("unchanged"),
        Outcome.SUPPRESSED: language.text("not to be written to"),
        Outcome.UNVERIFIED: language.text("kept, without proof"),
        Outcome.REJECTED: language.text("not taken"),
    }
    return words[found]


def sentence(code: str) -> str:
    """Return the sentence of a reason; an unknown one is shown as it is."""
    return _all().get(code, code)


def _all() -> Mapping[str, str]:
    return _of_rows() | _of_addresses() | _of_evidence() | _of_suppression() | _of_remarks()


def _of_rows() -> dict[str, str]:
    return {
        "row_cells": language.text("The row has more or fewer cells than the headings."),
        "row_quote": language.text("A quotation mark in the row is not closed."),
        "row_nul": language.text("The row holds a sign that no text has."),
        "row_letters": language.text("Letters in the row are damaged."),
        "row_long": language.text("The row is far too long."),
        "duplicate": language.text("The address stands in the file more than once."),
        "evidence": language.text("The file now brings the proof that was missing."),
        "profile": language.text("What was missing about this person was added."),
    }


def _of_addresses() -> dict[str, str]:
    return {
        "address_missing": language.text("There is no address."),
        "address_no_at": language.text("The address has no @."),
        "address_space": language.text("The address has a space in it."),
        "address_several": language.text("There is more than one address in the cell."),
        "address_brackets": language.text("There is a name beside the address."),
        "address_too_long": language.text("The address is too long."),
        "address_control": language.text("The address holds a hidden sign."),
        "address_incomplete": language.text("The address is not complete."),
        "address_domain": language.text("The part after the @ is not right."),
        "address_local": language.text("The part before the @ is not right."),
    }


def _of_evidence() -> dict[str, str]:
    return {
        "no_basis": language.text("No consent is claimed for this file."),
        "status": language.text("The other tool does not call this person an active subscriber."),
        "source": language.text("This tool's export says nothing about consent."),
        "no_time": language.text("It is not said when the person agreed."),
        "unreadable_time": language.text("The time of consent cannot be read."),
        "no_time_of_day": language.text("The day of consent is there, but not the time of day."),
        "future": language.text("The time of consent is in the future."),
        "before_request": language.text("The confirmation is older than the request."),
        "no_confirmation": language.text("There is no confirmation by the person, which the rules here ask for."),
        "same_moment": language.text("Request and confirmation are the same moment, which proves nothing."),
        "no_origin": language.text("It is not said where the person agreed."),
        "no_method": language.text("It is not said how the person agreed."),
        "no_text": language.text("It is not said to which words the person agreed."),
    }


def _of_suppression() -> dict[str, str]:
    return {
        "unsub": language.text("This person has unsubscribed."),
        "objection": language.text("This person has objected to advertising."),
        "complaint": language.text("This person has complained."),
        "hard_bounce": language.text("This mailbox does not exist."),
        "erasure": language.text("This person has asked to be forgotten."),
        "manual": language.text("This address was blocked."),
        "legal": language.text("This address is blocked for legal reasons."),
        "not_me": language.text("The owner of this address never signed up."),
        "unsubscribed": language.text("This person has left this list."),
        "complained": language.text("This person has complained."),
        "bounced": language.text("This mailbox does not exist."),
        "refused": language.text("The owner of this address never signed up."),
        "expired": language.text("This person was asked and did not confirm."),
        "lapsed": language.text("The permission of this person has run out."),
    }


def _of_remarks() -> dict[str, str]:
    return {
        "role": language.text("a shared mailbox, not a person's own"),
        "disposable": language.text("a throw-away address"),
        "smtputf8": language.text("only some mail servers can reach it"),
    }
