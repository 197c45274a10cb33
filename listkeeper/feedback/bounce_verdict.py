"""What the words of a report are worth: the verdict of the one classifier, and how far second hand is believed.

The server that refuses a mail speaks to the one that hands it over; a report
tells of that talk to a third. So words alone do not give an address up. It is
given up when a code says that the address is the reason (X.1.x), when the words
were said in answer to RCPT TO, where addresses are judged, when they stand in a
part for machines, or when the reporting server keeps the mailboxes itself. And
never while anything in the report says that the mailbox is there.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from listkeeper.deliverability import reply_class
from listkeeper.deliverability.reply_class import ReplyClass, Verdict

# A text of more is a page of advice, which names every reason there is.
_LONGEST_REMARK = 800
_SAYS_SOMETHING = 4
_NO_WORD = re.compile(r"[\d\W_]+")
_ADDRESS = re.compile(r"<[^<>]{0,300}>|[^\s<>@]{1,128}@[^\s<>@]{1,253}")
# Programs that know no better code write these (RFC 3463 section 3.6: "other or undefined").
_VAGUE = re.compile(r"[45]\.[05]\.0")
_ADDRESS_CODE = re.compile(r"(?<![\d.])5\.1\.\d{1,3}(?![\d.]*\d)")
_AT_RCPT = re.compile(
    r"(?:reply to|after|response to|our|>>>|smtp:|\[)\s{0,3}RCPT|"
    r"\bRCPT(?:[ _]TO)?(?::<[^<>]{0,300}>)? (?:command|generated)",
    re.IGNORECASE,
)
_AT_DATA = re.compile(r">>> ?DATA\b[^\n]{0,40}\n(?:[> ]{0,4}<<< [^\n]{0,300}\n){0,5}?[> ]{0,4}<<< 5\d\d", re.IGNORECASE)
_SECOND_HAND = ", at second hand"
_THERE = frozenset({ReplyClass.MAILBOX_FULL, ReplyClass.INACTIVE})


@dataclass(frozen=True, slots=True)
class Hearsay:
    """Who says what of a recipient.

    ``said``: the words of the server; ``status``: the enhanced code beside
    them; ``text``: what the report says to people. ``for_machines``: the words
    stand in a delivery-status part. ``keeps_mailboxes``: the reporting server
    looked the address up itself.
    """

    said: str
    status: str
    text: str
    provider: str | None
    for_machines: bool = False
    keeps_mailboxes: bool = False


def judge(told: Hearsay) -> Verdict:
    """Return what a report means for one recipient."""
    verdict = reply_class.classify(None, told.status or None, told.said, told.provider)
    if verdict.rule == reply_class.UNKNOWN or _by_code_alone(verdict, told):
        # It stands somewhere else: in the talk of the servers below, in a reason given once for all.
        verdict = _in_the_text(told) or verdict
    if not verdict.permanent or verdict.reply_class is not ReplyClass.INVALID_ADDRESS:
        return verdict
    remark = _remark(told)
    if remark is not None:
        return remark
    return verdict if _is_proved(verdict, told) else _at_second_hand(verdict)


def _by_code_alone(verdict: Verdict, told: Hearsay) -> bool:
    """Return whether nothing but a code speaks that says little: a basic one, or that of "other" reasons."""
    is_vague = verdict.rule.startswith("code ") or _VAGUE.fullmatch(told.status) is not None
    return is_vague and not says_something(told.said)


def is_second_hand(verdict: Verdict) -> bool:
    """Return whether words alone would have given an address up."""
    return verdict.rule.endswith(_SECOND_HAND)


def says_something(said: str) -> bool:
    """Return whether there are words beside the codes and addresses."""
    return len(_NO_WORD.sub("", _ADDRESS.sub(" ", said))) >= _SAYS_SOMETHING


def _in_the_text(told: Hearsay) -> Verdict | None:
    code = told.status if told.status and not _VAGUE.fullmatch(told.status) else None
    found = reply_class.classify(None, code, f"{told.said} {told.text}", told.provider)
    return found if found.rule != reply_class.UNKNOWN else None


def _remark(told: Hearsay) -> Verdict | None:
    """Return what the words for people say beside a code when they know the mailbox: they were not written by rote."""
    if not told.for_machines or not told.text.strip() or len(told.text) > _LONGEST_REMARK:
        return None
    found = reply_class.classify(None, None, told.text, told.provider)
    return dataclasses.replace(found, permanent=False) if found.reply_class in _THERE else None


def _is_proved(verdict: Verdict, told: Hearsay) -> bool:
    if verdict.rule.startswith("enhanced") or _ADDRESS_CODE.search(f"{told.status} {told.said}"):
        return True
    if reply_class.is_of_receiver(verdict.rule) or told.keeps_mailboxes:
        return True
    if told.for_machines:
        return _AT_DATA.search(told.text) is None
    return _AT_RCPT.search(told.said) is not None


def _at_second_hand(verdict: Verdict) -> Verdict:
    return dataclasses.replace(
        verdict, reply_class=ReplyClass.INACTIVE, permanent=False, rule=f"{verdict.rule}{_SECOND_HAND}"
    )
