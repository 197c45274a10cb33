"""What a receiver's "no" or "not now" means: one classifier for SMTP replies and for bounces.

First what the receiver is known to say, then the words that everybody uses
(both in ``reply_rules.toml``), then the enhanced code (RFC 3463), then the basic
code (RFC 5321). What nobody knows is temporary: a person is never given up for a
reply that could not be read, and never for a fault of the sender's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from listkeeper.deliverability import mail_provider
from listkeeper.foundation import language, log

_FILE = Path(__file__).resolve().parent / "reply_rules.toml"
# A reply is a few lines; what is longer is somebody's whole page.
_READ = 1000
_LATER = range(400, 500)
UNKNOWN = "unknown"
GREYLISTING = "greylisting"


class ReplyClass(StrEnum):
    """What a reply says."""

    INVALID_ADDRESS = "invalid_address"
    INVALID_DOMAIN = "invalid_domain"
    INACTIVE = "inactive"
    MAILBOX_FULL = "mailbox_full"
    TEMPORARY = "temporary"
    RATE = "rate"
    AUTH = "auth"
    REPUTATION = "reputation"
    POLICY = "policy"
    CONTENT = "content"
    SPAM = "spam"
    TOO_BIG = "too_big"
    SYNTAX = "syntax"
    RELAY = "relay"


R = ReplyClass
# The sender is refused, whoever the reader: these score nothing for a person and make a sender incident.
SENDER_FAULT = frozenset({R.AUTH, R.REPUTATION, R.POLICY, R.CONTENT, R.SPAM})
# The letter or our own way to send is at fault: nothing for a person either.
CAMPAIGN_FAULT = frozenset({R.TOO_BIG, R.SYNTAX, R.RELAY})
# What waiting does not mend.
_LASTING = frozenset({R.INVALID_ADDRESS, R.INVALID_DOMAIN})

# By subject and detail of the enhanced code (RFC 3463, 5248, 7293, 7372, 7505); the class before it says for how long.
ENHANCED: dict[str, ReplyClass] = {
    "1.1": R.INVALID_ADDRESS, "1.6": R.INVALID_ADDRESS, "1.10": R.INVALID_ADDRESS, "7.17": R.INVALID_ADDRESS,
    "1.2": R.INVALID_DOMAIN, "4.4": R.INVALID_DOMAIN, "7.18": R.INVALID_DOMAIN,
    "1.3": R.SYNTAX, "5.0": R.SYNTAX, "5.1": R.SYNTAX, "5.2": R.SYNTAX, "5.4": R.SYNTAX, "5.5": R.SYNTAX,
    "6.7": R.SYNTAX,
    "1.7": R.POLICY, "1.8": R.POLICY, "7.0": R.POLICY, "7.1": R.POLICY, "7.2": R.POLICY, "7.9": R.POLICY,
    "2.1": R.INACTIVE, "7.13": R.INACTIVE,
    "2.2": R.MAILBOX_FULL,
    "2.3": R.TOO_BIG, "3.4": R.TOO_BIG,
    "3.0": R.TEMPORARY, "3.1": R.TEMPORARY, "3.2": R.TEMPORARY, "4.1": R.TEMPORARY, "4.2": R.TEMPORARY,
    "4.3": R.TEMPORARY, "4.6": R.TEMPORARY, "4.7": R.TEMPORARY,
    "4.5": R.RATE, "5.3": R.RATE, "7.28": R.RATE,
    "6.0": R.CONTENT, "6.1": R.CONTENT, "6.2": R.CONTENT, "6.3": R.CONTENT, "6.5": R.CONTENT, "6.6": R.CONTENT,
    "7.8": R.RELAY, "7.11": R.RELAY,
    "7.20": R.AUTH, "7.21": R.AUTH, "7.22": R.AUTH, "7.23": R.AUTH, "7.24": R.AUTH, "7.25": R.AUTH, "7.26": R.AUTH,
    "7.27": R.AUTH, "7.29": R.AUTH,
}  # fmt: skip
# 550, 554 and 452 alone say nothing that could be relied on.
BASIC: dict[int, ReplyClass] = {
    500: R.SYNTAX, 501: R.SYNTAX, 502: R.SYNTAX, 503: R.SYNTAX, 504: R.SYNTAX, 553: R.SYNTAX, 555: R.SYNTAX,
    530: R.RELAY, 534: R.RELAY, 535: R.RELAY, 538: R.RELAY,
    521: R.POLICY, 523: R.TOO_BIG, 525: R.INACTIVE,
    551: R.INVALID_ADDRESS, 552: R.MAILBOX_FULL, 556: R.INVALID_DOMAIN,
}  # fmt: skip
_ENHANCED_CODE = re.compile(r"(?<![\d.])([45])\.(\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_BASIC_CODE = re.compile(r"(?<![\d.:-])([45]\d\d)(?=[ -])")
_SPACE = re.compile(r"\s+")
# Letters of a class ("\S") stay as they are.
_CAPITAL = re.compile(r"(?<!\\)[A-Z]")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table, ready for use."""

    name: str
    reply_class: ReplyClass
    words: re.Pattern[str]
    example: str
    # Of one receiver, by ``mail_provider``; None: of all.
    of: str | None
    alone: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reply means, and which rule says so.

    ``permanent`` says that this person's address will not work again; ``alone`` that others to the same
    receiver may go on as they do.
    """

    reply_class: ReplyClass
    permanent: bool
    rule: str
    provider: str | None = None
    alone: bool = False

    @property
    def against_sender(self) -> bool:
        """Whether it is about the sender, and must never count against the subscriber."""
        return self.reply_class in SENDER_FAULT

    @property
    def sentence(self) -> str:
        """The verdict for people, in the language in use."""
        who = mail_provider.name(self.provider or "") or language.text("The receiver")
        return _waits(who) if self.rule == GREYLISTING else _sentence(self.reply_class, who)


def classify(code: int | None, enhanced: str | None, text: str, provider: str | None = None) -> Verdict:
    """Say what a reply means.

    ``code`` is the basic code and ``enhanced`` the enhanced one ("5.1.1"), where they are known: else they are
    looked for in the text. ``provider`` is the receiver by ``mail_provider``, where it is known.
    """
    # The word that stands in for an address must not be taken for one of the receiver's own.
    text = _SPACE.sub(" ", log.mask(text[:_READ])).replace("<address>", "<…>").strip()
    code = code or _first_code(text)
    enhanced = _enhanced(enhanced, text)
    line = " ".join(part for part in (str(code or ""), enhanced or "", text) if part).lower()
    provider = _receiver(provider, line)
    rule = next((rule for rule in _asked(provider) if rule.words.search(line)), None)
    if rule is not None:
        return _verdict(rule.reply_class, rule.name, code, enhanced, provider, alone=rule.alone)
    by_enhanced = ENHANCED.get(enhanced.partition(".")[2]) if enhanced else None
    if by_enhanced is not None:
        return _verdict(by_enhanced, f"enhanced {enhanced}", code, enhanced, provider)
    if code in BASIC:
        return _verdict(BASIC[code], f"code {code}", code, enhanced, provider)
    return _verdict(ReplyClass.TEMPORARY, UNKNOWN, code, enhanced, provider)


def of_reply(code: int, text: str, provider: str | None = None) -> Verdict | None:
    """Say what an SMTP reply means; None for a yes, and for what no server said (code 0)."""
    return classify(code, None, text, provider) if code >= _LATER.start else None


def _verdict(  # noqa: PLR0913 - what, by which rule, said with which codes by whom
    found: ReplyClass, rule: str, code: int | None, enhanced: str | None, provider: str | None, *, alone: bool = False
) -> Verdict:
    # Who says "come back" has not said no, whatever the words: an address is only given up for a reply for good.
    later = code in _LATER if code else (enhanced or "").startswith("4")
    return Verdict(found, found in _LASTING and not later, rule, provider, alone)


def _first_code(text: str) -> int | None:
    found = _BASIC_CODE.search(text)
    return int(found[1]) if found else None


def _enhanced(given: str | None, text: str) -> str | None:
    """Return the code that was given, or the one in the text when that says more than ``5.0.0`` does."""
    known = _ENHANCED_CODE.search(given or "")
    if known is not None and not known[2].startswith("0."):
        return known[0]
    found = _ENHANCED_CODE.search(text)
    return found[0] if found else known[0] if known else None


def _receiver(provider: str | None, line: str) -> str | None:
    """Return who speaks: the receiver that is known by its MX, or the one whose way of speaking it is."""
    if provider in mail_provider.TABLE:
        return provider
    return next((name for name, words in _table().signatures.items() if words.search(line)), provider)


def _asked(provider: str | None) -> Iterator[Rule]:
    table = _table()
    yield from table.of_providers.get(table.same.get(provider or "", provider or ""), ())
    yield from table.of_all


@dataclass(frozen=True, slots=True)
class _Table:
    same: dict[str, str]
    signatures: dict[str, re.Pattern[str]]
    of_providers: dict[str, tuple[Rule, ...]]
    of_all: tuple[Rule, ...]


@cache
def _table() -> _Table:
    stored = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    rules = [
        Rule(
            entry["name"],
            ReplyClass(entry["class"]),
            _small(entry["words"]),
            entry["example"],
            entry.get("of"),
            entry.get("alone", False),
        )
        for entry in stored["rules"]
    ]
    owners = {rule.of for rule in rules if rule.of}
    return _Table(
        stored["same"],
        {name: _small(words) for name, words in stored["signatures"].items()},
        {owner: tuple(rule for rule in rules if rule.of == owner) for owner in owners},
        tuple(rule for rule in rules if rule.of is None),
    )


def _small(words: str) -> re.Pattern[str]:
    """Return an expression for lines in small letters: one that looks at no case takes three times as long."""
    return re.compile(_CAPITAL.sub(lambda found: found[0].lower(), words))


def is_of_receiver(rule: str) -> bool:
    """Return whether a rule, by its name, is about the words of one receiver, whose meaning is known."""
    return any(one.name == rule for own in _table().of_providers.values() for one in own)


def rules() -> list[Rule]:
    """Return every rule of the table, those of the receivers' own first."""
    table = _table()
    return [rule for own in table.of_providers.values() for rule in own] + list(table.of_all)


def _waits(who: str) -> str:
    return language.text("%(receiver)s asks a sender it does not know to come back in some minutes.", receiver=who)


def _sentence(found: ReplyClass, who: str) -> str:  # noqa: PLR0911 - one sentence each
    match found:
        case R.INVALID_ADDRESS:
            return language.text("There is no such address.")
        case R.INVALID_DOMAIN:
            return language.text("The domain of this address does not exist, or takes no mail.")
        case R.INACTIVE:
            return language.text("The mailbox is switched off, or takes mail from few.")
        case R.MAILBOX_FULL:
            return language.text("The mailbox is full.")
        case R.TEMPORARY:
            return language.text("%(receiver)s cannot take the mail now.", receiver=who)
        case R.RATE:
            return language.text("%(receiver)s asks us to slow down.", receiver=who)
        case R.TOO_BIG:
            return language.text("The letter is too big for this receiver.")
        case R.SYNTAX:
            return language.text(
                "%(receiver)s could not read what our program said; this is ours to mend.", receiver=who
            )
        case R.RELAY:
            return language.text(
                "The mail server does not pass our mail on; look at its settings and our sign-in there."
            )
        case _:
            return f"{_refused(found, who)} {language.text('This is about the sender, not about the reader.')}"


def _refused(found: ReplyClass, who: str) -> str:
    match found:
        case R.AUTH:
            return language.text("%(receiver)s refuses the proof that our domain sent this.", receiver=who)
        case R.REPUTATION:
            return language.text("%(receiver)s does not trust our domain or our mail server's address.", receiver=who)
        case R.SPAM:
            return language.text("%(receiver)s takes the letter for spam.", receiver=who)
        case R.CONTENT:
            return language.text("%(receiver)s refuses something inside the letter.", receiver=who)
        case _:
            return language.text("%(receiver)s refuses the mail by a rule of its own.", receiver=who)
