"""What was told of a mail and what was decided, for people: one line of somebody's timeline, in the language in use."""

from __future__ import annotations

from datetime import timedelta

from listkeeper.deliverability import mail_provider
from listkeeper.deliverability.reply_class import ReplyClass, Verdict
from listkeeper.feedback import undelivered
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome
from listkeeper.feedback.undelivered import Limit
from listkeeper.foundation import language

_QUOTED = frozenset({FeedbackKind.BOUNCED, FeedbackKind.DELAYED})


def of(told: FeedbackEvent) -> str:
    """Return what was told, by whom and in which words, what followed from it, and whether that was taken back."""
    return " ".join(part for part in (what(told), _quoted(told), _decided(told), _taken_back(told)) if part)


def what(told: FeedbackEvent) -> str:
    """Return what happened, without what followed from it."""
    if told.kind is FeedbackKind.BOUNCED:
        return of_class(told.reply_class, told.provider, told.rule)
    return {
        FeedbackKind.DELAYED: language.text("The mail is late; it is still being tried."),
        FeedbackKind.DELIVERED: language.text("The mail arrived."),
        FeedbackKind.COMPLAINED: language.text(
            "The mailbox provider passed on that this person called the letter spam."
        ),
        FeedbackKind.UNSUBSCRIBED: language.text("They asked by mail to get no more letters."),
        FeedbackKind.AUTOREPLIED: language.text("A machine answered, as when somebody is on holiday."),
        FeedbackKind.REPLIED: language.text("They wrote back."),
    }.get(told.kind, language.text("Something came in that changes nothing."))


def of_class(found: ReplyClass | None, provider: str | None = None, rule: str = "") -> str:
    """Return what a class of replies says; what nobody could read is temporary."""
    return Verdict(found or ReplyClass.TEMPORARY, permanent=False, rule=rule, provider=provider).sentence


def called(provider: str | None) -> str:
    """Return a mailbox provider's name for people; one in no table is kept as a digest, which says nothing to them."""
    if not provider:
        return language.text("not known")
    return mail_provider.name(provider) or language.text("a small mail server")


def _quoted(told: FeedbackEvent) -> str:
    words = told.reply.strip()
    if told.status and told.status not in words:
        words = f"{told.status} {words}".strip()
    if told.kind not in _QUOTED or not words:
        return ""
    who = mail_provider.name(told.provider or "") or language.text("The receiver")
    return language.text("%(receiver)s said: “%(reply)s”.", receiver=who, reply=words.rstrip("."))


def _decided(told: FeedbackEvent) -> str:
    match told.outcome:
        case Outcome.COUNTED:
            return _counted(told)
        case Outcome.HELD:
            return _held(told)
        case Outcome.LEFT:
            return language.text("They are off the list at once, and only they themselves can come back.")
        case Outcome.UNPROVEN:
            return language.text("Nothing proves that it is about a mail of yours, so nothing follows from it.")
        case _:
            if told.kind is not FeedbackKind.BOUNCED:
                return ""
            return language.text("It is not counted against this address.")


def _held(told: FeedbackEvent) -> str:
    if told.number is None or told.since is None:
        return language.text("Nothing more is sent to this address.")
    return language.text(
        "That was number %(number)s in a row since %(day)s, which is enough: nothing more is sent to this address.",
        number=told.number,
        day=language.day(told.since.date()),
    )


def _counted(told: FeedbackEvent) -> str:
    limit = _limit(told)
    if limit is None or told.number is None or told.since is None:
        return ""
    values = {
        "number": told.number,
        "day": language.day(told.since.date()),
        "enough": limit.enough,
        "time": _length(limit.within or limit.over),
    }
    if limit.within is not None:
        return language.text(
            "That is number %(number)s in a row since %(day)s; after %(enough)s within %(time)s nothing more is sent.",
            **values,
        )
    return language.text(
        "That is number %(number)s in a row since %(day)s; after %(enough)s over %(time)s nothing more is sent.",
        **values,
    )


def _limit(told: FeedbackEvent) -> Limit | None:
    """Return what the mail was counted towards: an address that "does not exist, come back" is a temporary failure."""
    found = told.reply_class or ReplyClass.TEMPORARY
    return undelivered.LIMITS.get(ReplyClass.TEMPORARY if found in undelivered.AT_ONCE else found)


def _length(time: timedelta) -> str:
    return language.counted("%(number)s day", "%(number)s days", time.days)


def _taken_back(told: FeedbackEvent) -> str:
    if told.lifted_at is None:
        return ""
    return language.text("Taken back on %(day)s: it had been a mistake.", day=language.day(told.lifted_at.date()))
