"""The mail that tells an owner that somebody abuses a sign-up form, and what stands before it now."""

from __future__ import annotations

from listkeeper.audience.guard.defence import Reason, Stage
from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def compose(  # noqa: PLR0913 - whose form, which one, and what became of it
    *,
    language_code: str,
    legal_name: str,
    postal_address: str,
    form_name: str,
    stage: Stage,
    reason: Reason,
    guard_url: str,
) -> Filled:
    """Return the mail; it names no subscriber."""
    with language.using(language_code):
        subject = language.text("Somebody abuses your sign-up form “%(form)s”", form=form_name)
        words = {"why": why(reason), "now": now(stage), "guard_url": guard_url}
        return notice.printed("defence", subject, legal_name, postal_address, words)


def why(reason: Reason) -> str:
    """Return in a sentence what was seen."""
    return {
        Reason.FEW_CONFIRM: language.text(
            "Many addresses were typed into it, and hardly anybody behind them pressed the button in our mail."
        ),
        Reason.BOUNCES: language.text("Many of the addresses typed into it do not exist."),
        Reason.COMPLAINT: language.text("Somebody whose address was typed into it called our mail spam."),
        Reason.OWNER: language.text("You said that your forms are under attack."),
    }[reason]


def now(stage: Stage) -> str:
    """Return in a sentence what stands before the form now."""
    return {
        Stage.CALM: language.text("It takes sign-ups as always."),
        Stage.WORK: language.text(
            "For a day, every sign-up takes one small step more, which people hardly notice and machines do."
        ),
        Stage.CODE: language.text(
            "For a day, whoever signs up takes one step more, and types the six digits of our mail to confirm."
        ),
        Stage.PAUSED: language.text("It takes no sign-ups for a day, or until you open it again."),
    }[stage]
