"""Writing the message of one delivery, from what its row points at.

Everything but the address is gathered before the gate is asked; the address
comes from the grant, at the last moment. The letter itself was compiled with
its revision: here only places are filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import tracking
from listkeeper.audience.consent import ConsentEvent, Method
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.tracking import Counting
from listkeeper.campaigns import preview
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import clock, language
from listkeeper.foundation.among import among
from listkeeper.foundation.compiled_once import CompiledOnce
from listkeeper.foundation.errors import ListkeeperError, NotFound
from listkeeper.rendering import filling, footer, poll_words, web_view
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import AskedQuestion
from listkeeper.rendering.mails import receipt_mail
from listkeeper.rendering.message import Attachment
from listkeeper.sending import asking_more, counted_copy, delivery, house, notices, reply_mail
from listkeeper.sending.counted_copy import Stored
from listkeeper.sending.delivery import AnyDelivery, Delivery
from listkeeper.sending.house import House
from listkeeper.sending.letter_copy import About, Copy, Edition, Told
from listkeeper.sending.notices import Question
from listkeeper.sending.prepared import Letters, Message, Prepare, Prepared
from listkeeper.standards import list_headers
from listkeeper.standards.list_headers import Header

_SENDER_ID = "listkeeper"


# Values, not rows: the message is written after the transaction has ended, and a
# row would open the database again in the middle of the conversation with a server.


@dataclass(frozen=True)
class _List:
    """The list a message belongs to."""

    id: int
    name: str
    slug: str
    purpose: str


class _Person(NamedTuple):
    """What a subscriber told us, and when she said yes to the list this message is for."""

    language: str
    profile: Mapping[str, str]
    said_yes_at: datetime | None
    # By which act; an import when nothing but a file says so.
    said_by: Method | None
    # What she lets us count of this list's letters.
    counting: Counting
    # Whether, with her name, that is what she opens, too.
    opens: bool


@dataclass(frozen=True)
class _Window:
    """What the messages of one window are written from, read once."""

    houses: dict[int, House]
    lists: dict[int, _List]
    people: dict[int, _Person]
    letters: dict[int, CompiledLetter | ListkeeperError]
    # What a letter asks its reader, by delivery.
    asked: Mapping[int, AskedQuestion]
    # What the mails that ask for a yes are about, by question.
    questions: Mapping[int, Question]
    abouts: dict[int, About]
    # The stored links of each letter; none where nobody lets hers be counted.
    links: Mapping[int, Stored]
    # What copies share, by what makes them copies of one letter; put together for the first of them.
    editions: dict[object, Edition] = field(default_factory=dict)


def preparer(site: str, back_to: str | None = None) -> Prepare:
    """Return the function that prepares a window's messages.

    ``site`` is this instance's address, ``back_to`` where what cannot be delivered comes back to (``return_path``).
    """

    def prepare(session: Session, rows: Sequence[Delivery]) -> dict[int, Message]:
        window = _window(session, rows, site, back_to)
        return {row.id: _prepared_or_why_not(session, row, window) for row in rows}

    return prepare


def letters(session: Session, ids: Sequence[int], site: str, back_to: str | None = None) -> Letters:
    """Read and prepare the letters of campaigns among these rows, before the windows they leave in.

    The gate decides in the transaction of the hand-over all the same; only what a letter says was read earlier.
    """
    rows = delivery.letters_among(session, ids)
    if not rows:
        return {}
    window = _window(session, rows, site, back_to)
    return {row.id: (row, _prepared_or_why_not(session, row, window)) for row in rows}


def _prepared_or_why_not(session: Session, row: AnyDelivery, window: _Window) -> Message:
    try:
        return _prepare(session, row, window)
    except ListkeeperError as problem:
        return problem


def _window(session: Session, rows: Sequence[AnyDelivery], site: str, back_to: str | None) -> _Window:
    letters = {
        number: _letter_or_why_not(session, number) for number in {row.revision_id for row in rows if row.revision_id}
    }
    about = select(Campaign.id, Campaign.category, Campaign.important, Campaign.topic).where(
        Campaign.id.in_({row.campaign_id for row in rows if row.campaign_id})
    )
    people = _people(session, rows, letters)
    counts = any(person.counting is not Counting.NOTHING for person in people.values())
    return _Window(
        {number: house.of(session, number, site, back_to) for number in {row.organisation_id for row in rows}},
        {number: _list(session, number) for number in {row.list_id for row in rows if row.list_id is not None}},
        people,
        letters,
        asking_more.questions(session, rows, site),
        notices.questions(session, rows),
        {row[0]: About(row[1], row[2], row[3]) for row in session.execute(about)},
        {number: counted_copy.stored(session, number) for number in letters} if counts else {},
    )


def _letter_or_why_not(session: Session, revision_id: int) -> CompiledLetter | ListkeeperError:
    try:
        return _compiled(session, revision_id)
    except ListkeeperError as problem:
        return problem


def _list(session: Session, list_id: int) -> _List:
    found = session.get_one(MailingList, list_id)
    return _List(found.id, found.name, found.slug, found.purpose)


def _people(
    session: Session, rows: Sequence[AnyDelivery], letters: Mapping[int, CompiledLetter | ListkeeperError]
) -> dict[int, _Person]:
    sound = {number: letter for number, letter in letters.items() if isinstance(letter, CompiledLetter)}
    # What she said herself goes before what a file says of her.
    answers = asking_more.answers(session, rows, sound)
    return {
        number: _Person(
            spoken,
            _printed(profile) | answers[number],
            at or since,
            by or _claim(claim),
            _counting(seen, counted),
            bool(opens),
        )
        for number, spoken, profile, at, by, since, claim, seen, counted, opens in _PEOPLE.rows(
            session.connection(), {"ids": [row.id for row in rows]}
        )
    }


# The tables themselves, not what is mapped onto them: nothing of this becomes an object.
_delivery, _subscriber, _held, _event = (
    table.__table__.c for table in (Delivery, Subscriber, Subscription, ConsentEvent)
)
_PEOPLE = CompiledOnce(
    select(
        _delivery.id,
        _subscriber.language,
        _subscriber.profile,
        _event.at,
        _event.method,
        _held.since,
        _held.import_id,
        tracking.stands(),
        tracking.counts(),
        tracking.opens(),
    )
    .join(Subscriber.__table__, _subscriber.id == _delivery.subscriber_id)
    .outerjoin(Subscription.__table__, (_held.subscriber_id == _subscriber.id) & (_held.list_id == _delivery.list_id))
    .outerjoin(ConsentEvent.__table__, _event.id == _held.consent_event_id)
    .where(among(_delivery.id, "ids"))
)


def _counting(seen: object, counted: object) -> Counting:
    if seen:
        return Counting.PERSON
    return Counting.NUMBER if counted else Counting.NOTHING


def _printed(profile: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in profile.items()}


def _claim(import_id: int | None) -> Method | None:
    return Method.IMPORT if import_id is not None else None


def _compiled(session: Session, revision_id: int) -> CompiledLetter:
    name = session.scalar(select(Revision.compiled_for).where(Revision.id == revision_id))
    known = _kept.get((revision_id, name))
    if known is None:
        if len(_kept) >= _KEPT_LIMIT:
            _kept.clear()
        known = _kept[revision_id, name] = revisions.frozen(session.get_one(Revision, revision_id))
    return known


# Compiled letters are read from their row once per process, not once per window.
_kept: dict[tuple[int, str | None], CompiledLetter] = {}
_KEPT_LIMIT = 32


def _prepare(session: Session, row: AnyDelivery, window: _Window) -> Prepared:
    match row.message_class:
        case MessageClass.TEST if row.notice is not None:
            return notices.prepare(session, row, window.houses[row.organisation_id])
        case MessageClass.MARKETING | MessageClass.TEST:
            return _letter(session, row, window)
        case MessageClass.SERVICE if row.notice is NoticeKind.STATUS:
            return _letter(session, row, window)
        case MessageClass.DOI | MessageClass.SERVICE | MessageClass.SYSTEM:
            return notices.prepare(session, row, window.houses[row.organisation_id], window.questions)
        case MessageClass.REPLY:
            return reply_mail.prepare(session, row, window.houses[row.organisation_id])
        case other:
            raise NotFound("no_composer", f"Nothing knows how to write a message of class {other}.")


def _letter(session: Session, row: AnyDelivery, window: _Window) -> Prepared:
    edition = _edition(row, window)
    told = _told(session, row, edition, window)
    counted = counted_copy.of(row, told.counted.how, pictured=told.counted.pictured)
    copy = Copy(edition, row, told)
    attachment = _receipt_with(session, row)
    if attachment is None and not edition.trial:
        return copy.prepared(counted)
    about = edition.about
    made = house.prepared(
        row,
        edition.ours,
        edition.compiled.sha256,
        edition.purpose,
        copy.filled,
        category=about.category,
        important=about.important,
        topic=about.topic,
        attachment=attachment,
    )
    return made._replace(counted=counted)


def _edition(row: AnyDelivery, window: _Window) -> Edition:
    which = (row.revision_id, row.list_id, row.campaign_id, row.message_class, row.notice)
    known = window.editions.get(which)
    if known is not None:
        return known
    ours = window.houses[row.organisation_id]
    compiled, mailing_list = window.letters.get(row.revision_id or 0), window.lists.get(row.list_id or 0)
    if compiled is None or mailing_list is None:
        raise NotFound("no_revision", "The letter of this delivery does not exist any more.")
    if isinstance(compiled, ListkeeperError):
        raise compiled
    made = window.editions[which] = Edition(
        ours,
        compiled,
        mailing_list.purpose,
        _list_headers(row, ours, mailing_list),
        window.abouts.get(row.campaign_id or 0, About()),
        trial=row.message_class is MessageClass.TEST,
    )
    return made


def _told(session: Session, row: AnyDelivery, edition: Edition, window: _Window) -> Told:
    ours, compiled, person = edition.ours, edition.compiled, window.people.get(row.id)
    reason = _reason(session, row, ours, window.lists[row.list_id or 0], person, compiled.language)
    asked = window.asked.get(row.id)
    if person is None:
        return Told(ours.language, {}, reason, asked)
    # A test goes to nobody who agreed to be counted, and a notice of trouble measures nobody.
    measures = not edition.trial and row.notice is not NoticeKind.STATUS
    how = person.counting if measures else Counting.NOTHING
    known = window.links.get(row.revision_id or 0)
    counted = counted_copy.made(ours.site, row.id, compiled, known, how, opens=person.opens)
    return Told(person.language, person.profile, reason, asked, counted)


def in_browser(session: Session, row: Delivery, site: str) -> bytes:
    """Return the page that shows a letter in a browser: what its reader got, without what was asked of her.

    The guidance block and the question are left out: both are for whoever has the mail before her.

    Raises NotFound when the delivery was not a letter, or the letter does not exist any more.
    """
    if row.revision_id is None or row.list_id is None:
        raise NotFound("no_revision", language.text("This letter does not exist any more."))
    ours, mailing_list = house.of(session, row.organisation_id, site), _list(session, row.list_id)
    compiled = _compiled(session, row.revision_id)
    person = _people(session, [row], {row.revision_id: compiled}).get(row.id)
    reason = _reason(session, row, ours, mailing_list, person, compiled.language)
    told = Told(person.language, person.profile, reason) if person else Told(ours.language, {}, reason)
    edition = Edition(ours, compiled, mailing_list.purpose, _list_headers(row, ours, mailing_list), About())
    # The page needs no address, and asks nobody what a poll asks.
    filled = filling.fill(compiled, Copy(edition, row, told).looking())
    return web_view.page(replace(filled, html=poll_words.without_links(filled.html)))


def _reason(  # noqa: PLR0913, PLR0917 - which mail, whose, to whom, in which language
    session: Session, row: AnyDelivery, ours: House, mailing_list: _List, person: _Person | None, spoken: str
) -> str:
    """Say why somebody gets a letter; of who came with a file only what the sender states of her."""
    if row.notice is NoticeKind.WELCOME:
        return _the_yes_itself(session, row, ours, mailing_list)
    at = (person.said_yes_at if person else None) or clock.now()
    match person.said_by if person else None:
        case Method.IMPORT:
            return footer.claimed(at, ours.sender.legal_name, spoken)
        case Method.UNDO:
            return footer.came_back(at, spoken)
        case _:
            return preview.reason_for(mailing_list.name, at.date(), spoken)


def _the_yes_itself(session: Session, row: AnyDelivery, ours: House, mailing_list: _List) -> str:
    """Say what the receipt says: a welcome letter is the receipt of the yes it follows as well."""
    event, text = notices.consent_of(session, row)
    with language.using(text.language):
        moment = f"{language.moment(event.at)} UTC"
    return receipt_mail.sentence(
        language_code=text.language,
        legal_name=ours.sender.legal_name,
        list_name=mailing_list.name,
        consent_text=text.whole,
        moment=moment,
    )


def _receipt_with(session: Session, row: AnyDelivery) -> Attachment | None:
    if row.notice is not NoticeKind.WELCOME:
        return None
    return notices.signed_receipt(session, row, notices.consent_of(session, row)[0])


def _list_headers(row: AnyDelivery, ours: House, mailing_list: _List) -> tuple[Header, ...]:
    # What a letter is part of: a campaign, or (beginning with w) the welcome of its list.
    part = f"w{mailing_list.id}" if row.notice is NoticeKind.WELCOME else f"c{row.campaign_id or 0}"
    headers = _about_list(part, mailing_list, ours.id, ours.domain)
    # Who is away need not answer a notice (RFC 3834 section 5).
    return (*headers, list_headers.auto_submitted()) if row.notice is NoticeKind.STATUS else headers


@lru_cache(maxsize=256)
def _about_list(part: str, mailing_list: _List, house_id: int, domain: str) -> tuple[Header, ...]:
    return (
        list_headers.list_unsubscribe_post(),
        list_headers.list_id(mailing_list.name, mailing_list.slug, domain),
        list_headers.feedback_id(part, f"l{mailing_list.id}", f"o{house_id}", sender_id=_SENDER_ID),
    )
