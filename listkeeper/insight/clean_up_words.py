"""What a clean-up would change, in sentences: who was looked at, who cannot be judged, and what is not known."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.insight.clean_up import ENOUGH_COMPLAINTS, Group, Proposal


def group(of: Group) -> str:
    """Say what can be told of the people of a group."""
    return {
        Group.REACTED: language.text("Clicked, wrote, answered or bought"),
        Group.NEW: language.text("On the list for too short a time"),
        Group.UNSEEN: language.text("Cannot be judged: you may not see their clicks, or not for long enough"),
        Group.FEW: language.text("Got too few letters"),
        Group.SILENT: language.text("Never reacted"),
    }[of]


def of(found: Proposal) -> list[tuple[str, int]]:
    """Return each group in words with its number, the silent first."""
    return [(group(each), found.groups[each]) for each in reversed(Group)]


def changes(found: Proposal) -> list[str]:
    """Say what it would change to let the silent rest: how many mails, complaints, and money."""
    return [_mails(found), _complaints(found), _money()]


def _mails(found: Proposal) -> str:
    if not found.letters:
        return language.text("No letter went to this list in 90 days, so it saves no mails.")
    return language.counted(
        "Roughly %(mails)s mail less a month, by the letters of the last 90 days.",
        "Roughly %(mails)s mails less a month, by the letters of the last 90 days.",
        found.mails_a_month,
        mails=language.number(found.mails_a_month),
    )


def _complaints(found: Proposal) -> str:
    if found.rate_then is None or found.rate_now is None:
        return language.counted(
            "What it does to complaints is not known: %(number)s in a year is too few to tell. It takes %(least)s.",
            "What it does to complaints is not known: %(number)s in a year are too few to tell. It takes %(least)s.",
            found.complaints,
            least=ENOUGH_COMPLAINTS,
        )
    return language.text(
        "Complaints of 10,000 mails: %(now)s in the last year, roughly %(then)s without these people. They are taken "
        "to complain as often as everybody who never reacted.",
        now=language.number(found.rate_now),
        then=language.number(found.rate_then),
    )


def _money() -> str:
    return language.text("What it saves in money is not known here: nobody typed in what a mail costs.")
