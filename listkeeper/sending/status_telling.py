"""Telling an update of a status notice: the entry of its timeline and the letter that carries it, in one transaction.

What is told is looked at first (``look``): the very letter, how many get it, and
what has no place in it. Words that sound like advertising do not stop it, once
whoever sends it has said that they are none.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import class_check, domain_gate, notice_letter, preflight, preview, recipients, status_notice
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.status_notice import About, News, StatusNotice, StatusUpdate, UpdateState
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.rendering import links
from listkeeper.sending import planning


@dataclass(frozen=True)
class Instance:
    """What this instance was told to be: its address, whether mail leaves, and how strict it is about its domain."""

    site: str
    practice: bool
    gate: Gate


@dataclass(frozen=True)
class Seen:
    """What would be told, as it stands now: the letter (none for the page alone), to how many, and what was found."""

    draft: Draft
    planned: int
    findings: list[Finding]

    @property
    def doubts(self) -> list[Finding]:
        """What somebody has to say is no advertising before it is told."""
        return [row for row in self.findings if row.severity is Severity.ERROR and row.code.startswith("N")]


def look(  # noqa: PLR0913, PLR0917 - whose notice, for whom, what it says, and where from
    session: Session,
    organisation: Organisation,
    mailing_list: MailingList | None,
    about: About,
    news: News,
    instance: Instance,
    *,
    notice: StatusNotice | None = None,
) -> Seen:
    """Look at an update before it is told. Raises Invalid for words that will not do, or for the wrong list."""
    status_notice.demand_service(mailing_list)
    said, told = status_notice.checked(about), status_notice.checked_news(news, clock.now())
    place = notice_letter.place_of(session, organisation, instance.site, notice)
    draft = notice_letter.draft(organisation, said, told, place)
    promised = told.next_update_at is not None or told.state is UpdateState.RESOLVED
    letter = preview.letter(draft, organisation, instance.site)
    findings = class_check.examine(MessageClass.SERVICE, letter, links.of_letter(letter), promised=promised)
    if mailing_list is None:
        return Seen(draft, 0, findings)
    found = preflight.inspect_draft(draft, organisation, mailing_list, site=instance.site, kind=CampaignKind.NOTICE)
    known = {(row.code, row.subject) for row in findings}
    findings += [row for row in found.findings if (row.code, row.subject) not in known]
    return Seen(draft, recipients.size(session, mailing_list, practice=instance.practice), findings)


def begin(  # noqa: PLR0913, PLR0917 - whose notice, for whom, what it says, where from, and who says so
    session: Session,
    organisation: Organisation,
    mailing_list: MailingList | None,
    about: About,
    news: News,
    instance: Instance,
    *,
    actor: str,
    user_id: int | None = None,
    request_key: str | None = None,
    sure: bool = False,
) -> StatusUpdate:
    """Begin a notice and send its first letter. Raises Invalid or Conflict, and nothing is told."""
    _demand_no_doubt(look(session, organisation, mailing_list, about, news, instance), sure=sure)
    told = status_notice.begin(
        session, organisation, mailing_list, about, news, actor=actor, user_id=user_id, request_key=request_key
    )
    return _mail(session, organisation, told, instance, sure=sure)


def update(  # noqa: PLR0913 - which notice, what is new, where from, and who says so
    session: Session,
    organisation: Organisation,
    notice: StatusNotice,
    news: News,
    instance: Instance,
    *,
    actor: str,
    seen: int | None = None,
    by_mail: bool = True,
    sure: bool = False,
) -> StatusUpdate:
    """Tell more, or that it is over; without ``by_mail`` it stands on the page alone. Raises Invalid or Conflict."""
    about, mailing_list = notice_letter.about_of(notice), notice.mailing_list if by_mail else None
    _demand_no_doubt(look(session, organisation, mailing_list, about, news, instance, notice=notice), sure=sure)
    told = status_notice.update(session, notice, news, actor=actor, seen=seen)
    return _mail(session, organisation, told, instance, sure=sure) if by_mail else told


def _demand_no_doubt(seen: Seen, *, sure: bool) -> None:
    blocking = [row for row in seen.findings if row.severity is Severity.BLOCK]
    if blocking:
        raise Conflict("not_ready", blocking[0].message)
    if seen.doubts and not sure:
        raise Conflict("advertises", " ".join(dict.fromkeys(row.message for row in seen.doubts)))


def _mail(
    session: Session, organisation: Organisation, told: StatusUpdate, instance: Instance, *, sure: bool
) -> StatusUpdate:
    """Send the letter of an update, if its list holds anybody; told twice, it is sent once."""
    mailing_list = told.notice.mailing_list
    if mailing_list is None or told.campaign_id is not None:
        return told
    if not recipients.size(session, mailing_list, practice=instance.practice):
        # Nobody is there to be told; the page tells whoever looks.
        return told
    letter = notice_letter.write(session, organisation, told, instance.site)
    _demand_ready(session, letter, instance, sure=sure)
    planning.send_campaign(
        session, organisation, letter, site=instance.site, practice=instance.practice, important=True
    )
    return told


def _demand_ready(session: Session, letter: Campaign, instance: Instance, *, sure: bool) -> None:
    found = preflight.inspect(
        session, letter, site=instance.site, practice=instance.practice, gate=instance.gate
    ).findings
    blocking = next((row for row in found if row.severity is Severity.BLOCK), None)
    if blocking is not None:
        raise Conflict("not_ready", blocking.message)
    domain_gate.demand_known(found, instance.gate, accepted=sure)
