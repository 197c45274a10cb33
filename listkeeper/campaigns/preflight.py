"""What is wrong with a letter, said before anything is planned, one plain sentence each.

``inspect`` looks at what we hold; ``follow_links`` asks the web servers the
letter points at, outside any transaction, because that takes time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import assert_never

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import subscription
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import class_check, domain_gate, letter_checks, letter_history, preview, recipients
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.recipients import Whom
from listkeeper.campaigns.revision import Draft
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid, ListkeeperError
from listkeeper.foundation.fetch import Fetcher, Reached, Refused, Unreachable
from listkeeper.rendering import links, merge_tags
from listkeeper.rendering.content import Filled, Letter
from listkeeper.rendering.links import Link, LinkFault
from listkeeper.rendering.merge_tags import Fault
from listkeeper.standards import list_headers

_WARN_BYTES, _ERROR_BYTES = 80_000, 102_000
_SUBJECT_LIMIT = 50
_LINKS_ASKED = 30
_GONE = 400
_NOTHING_ASKED: Mapping[str, str] = {}
# Sites that ask for a login, or that refuse programs, are no dead links.
_ALIVE_ALL_THE_SAME = frozenset({401, 403, 405, 429, 503})

_LINK_SEVERITY = {
    LinkFault.EMPTY: Severity.ERROR,
    LinkFault.NO_SCHEME: Severity.ERROR,
    LinkFault.NOT_ALLOWED: Severity.ERROR,
    LinkFault.NO_HOST: Severity.ERROR,
    LinkFault.PLACEHOLDER: Severity.ERROR,
    LinkFault.MERGE_TAG: Severity.BLOCK,
    LinkFault.SHORTENER: Severity.WARN,
    LinkFault.MISLEADING: Severity.WARN,
    LinkFault.NOT_HTTPS: Severity.WARN,
    LinkFault.NO_TEXT: Severity.WARN,
    LinkFault.NO_ALT: Severity.WARN,
}
_LINK_CODE = {
    LinkFault.NO_ALT: "F11",
    LinkFault.SHORTENER: "F12a",
    LinkFault.MISLEADING: "F12b",
    LinkFault.MERGE_TAG: "P3",
    LinkFault.NOT_HTTPS: "L1a",
}


@dataclass(frozen=True)
class Inspection:
    """What was found, and the links that still have to be followed."""

    findings: list[Finding]
    links: list[str]


def inspect(  # noqa: PLR0913 - which letter, to whom, and the settings of this instance
    session: Session, campaign: Campaign, *, site: str, practice: bool, gate: Gate, whom: Whom | None = None
) -> Inspection:
    """Look at a campaign's newest revision, its audience, and what was last read of the domain it comes from.

    ``whom`` is to whom it would go as chosen just now; else it is judged by the segment that it has.
    """
    organisation = session.get_one(Organisation, campaign.organisation_id)
    about = campaign.mailing_list
    told = preview.nothing_told(session, about)
    draft = campaigns.newest(session, campaign).draft
    found = inspect_draft(
        draft, organisation, about, site=site, spoken=campaign.language, told=told, kind=campaign.kind
    )
    # A welcome letter waits for whoever comes: that nobody is there yet is nothing wrong with it.
    waits = campaign.kind in {CampaignKind.WELCOME, CampaignKind.FOLLOW_UP}
    about_people = [] if waits else _audience(session, campaign, whom, practice=practice)
    about_domain = domain_gate.inspect(session, campaign, gate)
    mixed = class_check.mismatch(campaign.kind, about)
    findings = [
        *mixed,
        *found.findings,
        *about_people,
        *_one_click(site, practice=practice),
        *about_domain,
        *letter_history.examine(session, campaign, draft.subject),
    ]
    return Inspection(findings, found.links)


def inspect_draft(  # noqa: PLR0913 - which words, whose, in which language, and what they may name
    draft: Draft,
    organisation: Organisation,
    mailing_list: MailingList,
    *,
    site: str,
    spoken: str | None = None,
    told: Mapping[str, str] = _NOTHING_ASKED,
    kind: CampaignKind = CampaignKind.LETTER,
) -> Inspection:
    """Look at words that need not be saved yet.

    ``spoken`` is the language of the frame, if not the business's; ``told`` are the answers they may name
    (``preview.nothing_told``); ``kind`` says what may stand in it (``class_check``).
    """
    letter = preview.letter(draft, organisation, site, spoken)
    findings = [*_words(letter), *_tags(letter, told)]
    written: list[Link] = []
    try:
        written = links.of_letter(letter)
        findings += _written_links(written)
        filled = preview.of_draft(draft, organisation, mailing_list, site, spoken, told=told)
    except Invalid as problem:
        if not any(row.severity is Severity.BLOCK for row in findings):
            findings.append(Finding("P4", Severity.BLOCK, "letter", problem.message, place=problem.place or "letter"))
    else:
        findings += [*_way_out(filled, f"{site}/u/{preview.SAMPLE_TOKEN}"), *_weight(filled)]
        findings += letter_checks.examine(letter, filled, _country(mailing_list))
    findings += class_check.examine(class_check.class_of(kind), letter, written)
    asked = dict.fromkeys(
        link.url for link in written if link.url.startswith(("http://", "https://")) and not link.faults
    )
    return Inspection(findings, list(asked))


def _country(mailing_list: MailingList) -> str:
    """Return whose law readers of a list live under, where it follows the rules of one country."""
    code = mailing_list.jurisdiction or ""
    return code if len(code) == len("DK") and code.isupper() else ""


def ready(findings: Iterable[Finding]) -> bool:
    """Return whether nothing blocks sending."""
    return all(row.severity is not Severity.BLOCK for row in findings)


def _words(letter: Letter) -> list[Finding]:
    found = []
    if not letter.subject:
        sentence = language.text("The letter has no subject.")
        found.append(Finding("C1", Severity.BLOCK, "subject", sentence, place="subject"))
    elif len(letter.subject) > _SUBJECT_LIMIT:
        sentence = language.counted(
            "The subject has %(number)s character; phones show about %(limit)s.",
            "The subject has %(number)s characters; phones show about %(limit)s.",
            len(letter.subject),
            limit=_SUBJECT_LIMIT,
        )
        found.append(Finding("C1a", Severity.WARN, "subject", sentence, place="subject"))
    if not letter.preheader:
        sentence = language.text("There is no preview line; inboxes will show the first words of the letter instead.")
        found.append(Finding("C4", Severity.WARN, "preheader", sentence, place="preheader"))
    if letter.is_empty:
        found.append(Finding("C2", Severity.BLOCK, "letter", language.text("The letter is empty."), place="letter"))
    return found


def _tags(letter: Letter, told: Collection[str]) -> list[Finding]:
    return [
        Finding("P1", Severity.WARN, remark.tag, remark.sentence, place=remark.place)
        if remark.fault is Fault.NO_FALLBACK
        else Finding("P2", Severity.BLOCK, remark.tag, remark.sentence, place=remark.place)
        for remark in merge_tags.examine(letter, told)
    ]


def _written_links(written: Iterable[Link]) -> list[Finding]:
    return [
        Finding(_LINK_CODE.get(fault, "L1"), _LINK_SEVERITY[fault], link.url or link.text, sentence, place=_place(link))
        for link in written
        for fault, sentence in zip(link.faults, link.sentences, strict=True)
    ]


def _place(link: Link) -> str:
    return link.block or "letter"


def _way_out(filled: Filled, url: str) -> list[Finding]:
    """Demand this reader's own way out, in both parts; the footer puts it there, and this proves it."""
    if url in filled.html and url in filled.text:
        return []
    sentence = language.text("The letter has no unsubscribe link that readers can see. It cannot be sent like this.")
    return [Finding("G7", Severity.BLOCK, "unsubscribe", sentence, reference="Gmail, Yahoo, Microsoft, Apple")]


def _weight(filled: Filled) -> list[Finding]:
    size = len(filled.html.encode())
    if size <= _WARN_BYTES:
        return []
    sentence = language.text(
        "The letter weighs %(size)s kB; Gmail cuts letters off at about 102 kB and hides the end.", size=size // 1000
    )
    return [Finding("F8", Severity.ERROR if size > _ERROR_BYTES else Severity.WARN, "letter", sentence)]


def _audience(session: Session, campaign: Campaign, whom: Whom | None, *, practice: bool) -> list[Finding]:
    about = campaign.mailing_list
    try:
        whom = whom or recipients.of_letter(session, campaign)
    except ListkeeperError as problem:
        return [Finding("C3", Severity.BLOCK, about.name, problem.message)]
    planned = recipients.size(session, about, practice=practice, within=whom.within)
    everybody = planned if practice else recipients.size(session, about, practice=True, within=whom.within)
    invented = everybody - planned
    return [*_left_out(session, about, whom, everybody), *_invented(about, invented, planned)]


def _invented(mailing_list: MailingList, invented: int, planned: int) -> list[Finding]:
    """Say that mail that leaves does not go to people the demo made up."""
    if not invented:
        return []
    if not planned:
        sentence = language.text(
            "Only the demo's invented people are on this list, and mail now leaves for real. "
            "Take the demo away with `listkeeper demo --remove`, or unset LISTKEEPER_SMTP_URL to practise."
        )
        return [Finding("C3", Severity.BLOCK, mailing_list.name, sentence)]
    sentence = language.counted(
        "%(number)s invented person of the demo gets nothing, because mail now leaves for real.",
        "%(number)s invented people of the demo get nothing, because mail now leaves for real.",
        invented,
    )
    return [Finding("C6", Severity.INFO, mailing_list.name, sentence)]


def _left_out(session: Session, mailing_list: MailingList, whom: Whom, planned: int) -> list[Finding]:
    if planned == 0:
        sentence = language.text("There is nobody on this list who may be mailed now.")
        if whom.segment is not None:
            sentence = language.text(
                "Nobody who may be mailed is in the segment “%(segment)s” now.", segment=whom.segment.name
            )
        return [Finding("C3", Severity.BLOCK, mailing_list.name, sentence)]
    states = subscription.counts(session, mailing_list)
    left_out = sum(states.values()) - planned
    if not left_out:
        return []
    waiting = states[SubscriptionState.PENDING]
    sentence = _get_nothing(whom, left_out)
    return [Finding("C5", Severity.INFO, mailing_list.name, sentence, evidence=f"pending {waiting}")]


def _get_nothing(whom: Whom, number: int) -> str:
    if whom.segment is None:
        return language.counted(
            "%(number)s person on this list gets nothing: not confirmed, or has left.",
            "%(number)s people on this list get nothing: not confirmed, or have left.",
            number,
        )
    return language.counted(
        "%(number)s person on this list gets nothing: not in the segment “%(segment)s”, not confirmed, or has left.",
        "%(number)s people on this list get nothing: not in the segment “%(segment)s”, not confirmed, or have left.",
        number,
        segment=whom.segment.name,
    )


def _one_click(site: str, *, practice: bool) -> list[Finding]:
    if site.startswith("https://"):
        return []
    sentence = language.text(
        "The one-click unsubscribe address does not begin with https://, so Gmail and Yahoo will not offer it. "
        "Set LISTKEEPER_PUBLIC_URL before you write to real people."
    )
    severity = Severity.INFO if practice else Severity.ERROR
    try:
        list_headers.list_unsubscribe(f"{site}/u/{preview.SAMPLE_TOKEN}")
    except Invalid:
        # A stranger's mail program would send the unsubscribe over an open line: such a header is never written.
        severity = Severity.BLOCK
    return [Finding("U1", severity, site, sentence, reference="RFC 8058 section 3.1")]


def follow_links(urls: list[str], fetcher: Fetcher | None) -> list[Finding]:
    """Ask the servers behind the links; what could not be asked is unknown, never fine."""
    if fetcher is None:
        return [_not_followed(url, language.text("link checks are switched off")) for url in urls]
    # Each thread gets the context of this one: the reasons are words, in the language in use here.
    errands = [(copy_context(), url) for url in urls[:_LINKS_ASKED]]
    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(lambda errand: errand[0].run(fetcher.head, errand[1]), errands))
    found = [row for url, answer in zip(urls, answers, strict=False) if (row := _judged(url, answer)) is not None]
    too_many = language.text("the letter has very many links")
    return found + [_not_followed(url, too_many) for url in urls[_LINKS_ASKED:]]


def _judged(url: str, answer: Reached | Unreachable | Refused) -> Finding | None:
    match answer:
        case Reached(status) if status < _GONE or status in _ALIVE_ALL_THE_SAME:
            return None
        case Reached(status):
            sentence = language.text("The link %(url)s is broken: the site answers %(status)s.", url=url, status=status)
            return Finding("L2", Severity.ERROR, url, sentence)
        case Unreachable(reason) | Refused(reason):
            return _not_followed(url, reason)
        case _:
            assert_never(answer)


def _not_followed(url: str, reason: str) -> Finding:
    sentence = language.text("Whether the link %(url)s works is not known: %(reason)s.", url=url, reason=reason)
    return Finding("L2", Severity.UNKNOWN, url, sentence)
