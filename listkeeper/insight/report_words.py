"""The report of a letter in words: what each number says, how it compares, and what a belief was worth."""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.campaigns.assumption import WHOLE, Assumption, Measure, Verdict
from listkeeper.deliverability import mail_provider
from listkeeper.feedback.engagement import Counts
from listkeeper.foundation import language, money
from listkeeper.insight.campaign_report import Judged, Place, Report, Share


@dataclass(frozen=True)
class Headline:
    """One of the three numbers: its name, the number, what it counts, and how it compares."""

    code: str
    name: str
    number: str
    said: str
    compared: str


def headlines(report: Report) -> list[Headline]:
    """Return the three numbers; where nobody lets clicks be counted, that one stands last and says so."""
    clicked, replied, left = report.clicked, report.replied, report.left
    first = Headline("clicked", language.text("Clicked"), _number(clicked), _clicked(clicked), _compared(clicked))
    others = [
        Headline(
            "replied", language.text("Wrote back"), language.number(replied.hits), _replied(replied), _compared(replied)
        ),
        Headline(
            "left", language.text("Left"), language.number(left.hits), _left(left, report.complained), _compared(left)
        ),
    ]
    return [first, *others] if clicked.people else [*others, first]


def _number(share: Share) -> str:
    return language.fine_share(share.value) if share.value is not None else language.text("not known")


def _clicked(share: Share) -> str:
    if not share.people:
        return language.text("Not known: none of them lets clicks be counted.")
    return language.counted(
        "%(hits)s of the %(people)s reader whose clicks are counted followed a link.",
        "%(hits)s of the %(people)s readers whose clicks are counted followed a link.",
        share.people,
        hits=language.number(share.hits),
        people=language.number(share.people),
    )


def _replied(share: Share) -> str:
    if not share.people:
        return _nobody()
    if not share.hits:
        return language.text("Nobody wrote back.")
    return language.counted(
        "%(hits)s of %(people)s reader wrote back: %(share)s.",
        "%(hits)s of %(people)s readers wrote back: %(share)s.",
        share.people,
        **_shared(share),
    )


def _left(share: Share, complained: int) -> str:
    if not share.people and not share.hits:
        return _nobody()
    if not share.hits:
        return language.text("Nobody left by this letter.")
    if complained:
        return language.counted(
            "%(share)s of %(people)s left, %(number)s of them by calling it spam.",
            "%(share)s of %(people)s left, %(number)s of them by calling it spam.",
            complained,
            **_shared(share),
        )
    return language.text("%(share)s of %(people)s left. Nobody called it spam.", **_shared(share))


def _nobody() -> str:
    return language.text("It has reached nobody yet.")


def _shared(share: Share) -> dict[str, str]:
    return {"hits": language.number(share.hits), "people": language.number(share.people), "share": _number(share)}


def _compared(share: Share) -> str:
    """Say how a share compares with the letters before; nothing where there is no share."""
    if share.value is None:
        return ""
    usual = language.fine_share(share.usual) if share.usual is not None else ""
    return {
        Verdict.NOTHING: language.text("There are too few letters before it to compare with."),
        Verdict.TOO_FEW: language.text("Usual here is %(usual)s; of so few readers nobody can say more.", usual=usual),
        Verdict.AS_BELIEVED: language.text("About as usual here (%(usual)s).", usual=usual),
        Verdict.MORE: language.text("More than usual here (%(usual)s).", usual=usual),
        Verdict.LESS: language.text("Less than usual here (%(usual)s).", usual=usual),
    }[share.verdict]


def believed(found: Assumption) -> str:
    """Say what was believed."""
    share = language.fine_share(found.value / WHOLE)
    return {
        Measure.CLICKS: language.text("You believed that %(share)s follow a link.", share=share),
        Measure.REPLIES: language.text("You believed that %(share)s write back.", share=share),
        Measure.LEFT: language.text("You believed that %(share)s leave.", share=share),
        Measure.ORDERS: language.text("You believed that there is an order from %(share)s.", share=share),
    }[found.measure]


def happened(judged: Judged) -> str:
    """Say what came of what was believed."""
    if judged.verdict is Verdict.NOTHING:
        if judged.believed.measure in {Measure.CLICKS, Measure.ORDERS}:
            return language.text("Nobody lets clicks be counted, so nobody can say what came of it.")
        return language.text("It has reached nobody, so there is nothing to say.")
    told = _shared(judged.share)
    return language.text("It was %(hits)s of %(people)s: %(share)s.", **told)


def worth(judged: Judged) -> str:
    """Say what that is worth, as far as chance lets it be said; nothing where nothing came."""
    leaves = {"low": language.fine_share(judged.low), "high": language.fine_share(judged.high)}
    return {
        Verdict.NOTHING: "",
        Verdict.TOO_FEW: language.text(
            "That is too few to say whether you were right: anything from %(low)s to %(high)s would fit.", **leaves
        ),
        Verdict.AS_BELIEVED: language.text(
            "That is about what you believed; chance leaves it between %(low)s and %(high)s.", **leaves
        ),
        Verdict.MORE: language.text(
            "That is more than you believed, and more than chance would make of it: at least %(low)s.", **leaves
        ),
        Verdict.LESS: language.text(
            "That is less than you believed, and less than chance would make of it: at most %(high)s.", **leaves
        ),
    }[judged.verdict]


def clicks(found: Counts) -> str:
    """Say how often a link was followed, people first."""
    return language.counted(
        "%(shown)s click by people", "%(shown)s clicks by people", found.human, shown=language.number(found.human)
    )


def others(found: Counts) -> list[str]:
    """Say what else followed links and is in no figure, a sentence each; nothing where nothing did."""
    said = []
    if found.machine:
        said.append(
            language.counted(
                "Left out: %(shown)s visit by a machine, such as a filter that follows every link.",
                "Left out: %(shown)s visits by machines, such as filters that follow every link.",
                found.machine,
                shown=language.number(found.machine),
            )
        )
    if found.unknown:
        said.append(
            language.counted(
                "Left out: %(shown)s visit of which nobody can tell.",
                "Left out: %(shown)s visits of which nobody can tell.",
                found.unknown,
                shown=language.number(found.unknown),
            )
        )
    return said


def place(found: Place) -> str:
    """Say what a number on the map is about."""
    return f"{found.number}: {clicks(found.clicks)}"


def provider(name: str) -> str:
    """Return a mailbox provider by the name people know."""
    if name == "unknown":
        return language.text("not looked up")
    return mail_provider.name(name) or language.text("others")


def amount(minor: int, currency: str) -> str:
    """Return money as people write it, also a loss."""
    return money.text(minor, currency)
