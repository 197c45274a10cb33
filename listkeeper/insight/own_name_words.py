"""Who sends under our name, in words: the sentence of the week, and for each source who it is and what to do."""

from __future__ import annotations

from typing import assert_never

from sqlalchemy.orm import Session

from listkeeper.foundation import language
from listkeeper.insight import own_name
from listkeeper.insight.own_name import OwnName, Source, Who


def weekly(session: Session, organisation_id: int, domain: str, *, egress: tuple[str, ...] = ()) -> str:
    """Return the sentence of the last seven days about a domain, for its owner."""
    return sentence(own_name.look(session, organisation_id, domain, egress=egress, days=own_name.WEEK))


def sentence(seen: OwnName) -> str:
    """Say in one line, or two, what receivers saw under a domain within a week."""
    if not seen.messages:
        return language.text(
            "In the last 7 days no receiver has reported about mail under %(domain)s, so it is not known who sends "
            "under your name.",
            domain=seen.domain,
        )
    return " ".join(part for part in (_strangers(seen), _own(seen)) if part)


def _strangers(seen: OwnName) -> str:
    others = seen.others
    if not others:
        return language.counted(
            "In the last 7 days receivers saw %(shown)s mail under %(domain)s, and none that was not yours.",
            "In the last 7 days receivers saw %(shown)s mails under %(domain)s, and none that was not yours.",
            seen.messages,
            shown=language.number(seen.messages),
            domain=seen.domain,
        )
    return language.counted(
        "%(share)s of the mail under %(domain)s in the last 7 days was not yours: %(number)s source.",
        "%(share)s of the mail under %(domain)s in the last 7 days was not yours: %(number)s sources.",
        len(others),
        share=_share(seen, sum(source.count for source in others)),
        domain=seen.domain,
    )


def _own(seen: OwnName) -> str:
    failing = sum(source.failing for source in seen.of(Who.OURS))
    if not failing:
        return ""
    return language.counted(
        "%(shown)s mail of your own failed.", "%(shown)s mails of your own failed.", failing,
        shown=language.number(failing),
    )  # fmt: skip


def _share(seen: OwnName, number: int) -> str:
    """Return a share as per cent; what is there is never nought."""
    return language.share(max(1, seen.share(number) or 0))


def who(source: Source) -> str:
    """Say in a word whose mail a source sends."""
    match source.who:
        case Who.OURS:
            return language.text("Yours")
        case Who.ALLOWED:
            return language.text("A service you use")
        case Who.FORWARDER:
            return language.text("Passes mail on")
        case Who.OTHER:
            return language.text("Not yours")
        case _:
            assert_never(source.who)


def fails(source: Source) -> str:
    """Say what of the two proofs is missing, and of how much."""
    if not source.failing:
        return _one_missing(source)
    if source.failing == source.count:
        return language.text("Neither signature (DKIM) nor sender (SPF) belongs to your domain.")
    return language.text(
        "%(failing)s of %(count)s have neither a signature (DKIM) nor a sender (SPF) of your domain.",
        failing=language.number(source.failing),
        count=language.number(source.count),
    )


def _one_missing(source: Source) -> str:
    if source.without_spf:
        return language.text("Nothing fails: the signature (DKIM) is right. The sender (SPF) is not of your domain.")
    if source.without_dkim:
        return language.text("Nothing fails: the sender (SPF) is right. The signature (DKIM) is missing or broken.")
    return language.text("Nothing fails.")


def advice(source: Source) -> str:
    """Say what to do about a source."""
    match source.who:
        case Who.OURS:
            return _about_own(source)
        case Who.ALLOWED:
            return _about_allowed(source)
        case Who.FORWARDER:
            return language.text(
                "Nothing to do: a mailbox or mailing list passes your mail on, and your signature survives that."
            )
        case Who.OTHER:
            return _about_other(source)
        case _:
            assert_never(source.who)


def _about_own(source: Source) -> str:
    if source.failing:
        ways = language.listed(source.ways)
        return language.text(
            "Check the domain: mail that left by %(ways)s lacks a proof that receivers accept.", ways=ways
        )
    if source.without_dkim:
        return language.text("Let listkeeper sign: mail that is passed on fails without a signature.")
    return language.text("Nothing to do.")


def _about_allowed(source: Source) -> str:
    if source.own_address:
        return language.text(
            "Nothing to do: it is an address of yours, on days when nothing left here. Another program sends there."
        )
    return language.text(
        "Nothing to do if you know this service. If not, change your keys, and take it out of your SPF record."
    )


def _about_other(source: Source) -> str:
    if source.own_address:
        return language.text(
            "It is an address of yours, on days when nothing left here: look for another program that sends there."
        )
    return language.text(
        "Find out whether it is a service of yours. If so, let it sign with a key of your domain; if not, a stricter "
        "policy stops it."
    )
