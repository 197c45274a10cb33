"""What a letter is, on the send page: chosen from two groups, with the account of its list beside it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from sqlalchemy.orm import Session

from listkeeper.campaigns import stance as stances
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Revision
from listkeeper.campaigns.stance import Stance
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.insight import trust_account
from listkeeper.insight.trust_account import Balance
from listkeeper.web.studio import audience_choice


@dataclass(frozen=True)
class Choice:
    """What the page shows: the stances in their groups, which is chosen, and what an ask would do to the account."""

    groups: list[tuple[str, list[tuple[str, str]]]]
    chosen: str
    balance: Balance
    said: str
    why_asked: str


def choice(session: Session, letter: Campaign, newest: Revision) -> Choice:
    """Return the choice for a letter, with what was typed or what is suggested chosen."""
    balance = trust_account.balance_of_list(session, letter.list_id, without=letter.id)
    suggested = trust_account.of_letter(letter, newest.draft, None)
    to_all = audience_choice.chosen(session, letter).whom.segment is None
    return Choice(
        groups(),
        request.form.get("stance", suggested.value),
        balance,
        trust_account.signed(balance.total),
        trust_account.why_asked(session, letter, Stance.OFFER, to_all=to_all),
    )


def groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the stances, in the words of this studio."""
    return [
        (language.text("It gives"), [(each.value, stances.word(each)) for each in stances.GIVING]),
        (language.text("It asks"), [(each.value, stances.word(each)) for each in stances.ASKING]),
    ]


def take(session: Session, letter: Campaign, newest: Revision) -> None:
    """Note what was chosen. Raises Invalid for nothing, Conflict for an ask below the floor without a tick."""
    typed = request.form.get("stance")
    if typed is not None and not typed.strip():
        raise Invalid("stance", language.text("Please say whether the letter gives or asks. Nothing was sent."))
    chosen = trust_account.of_letter(letter, newest.draft, typed)
    trust_account.declare(session, letter, chosen, below_floor="below_floor" in request.form)
