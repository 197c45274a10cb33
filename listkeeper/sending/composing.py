"""Writing the message of one delivery, from what its row points at.

Everything but the address is gathered before the gate is asked; the address
comes from the grant, at the last moment. The letter itself was compiled with
its revision: here only places are filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import tracking, unsubscribe
from listkeeper.audience.consent import ConsentEvent, Method
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns import link, preview
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import clock, language, signing
from listkeeper.foundation.among import among
from listkeeper.foundation.errors import ListkeeperError, NotFound
from listkeeper.rendering import filling, footer, mime_slots, primary_tab, receipt_mail, trial_letter, web_view
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import AskedQuestion, Filled, Reader
from listkeeper.rendering.message import Attachment
from listkeeper.sending import asking_more, delivery, house, link_visit, notices
from listkeeper.sending.delivery import AnyDelivery, Delivery
from listkeeper.sending.house import Headers, House, WriteWhole
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


@dataclass(frozen=True)
class _Person:
    """What a subscriber told us, and when she said yes to the list this message is for."""

    language: str
    profile: Mapping[str, str]
    said_yes_at: datetime | None
    # By which act; an import when nothing but a file says so.
    said_by: Method | None
    # Whether she lets us see which links of this list's letters she follows.
    is_seen: bool


@dataclass(frozen=True)
class _About:
    """What a campaign is about, as the gate asks: some permissions cover that alone."""

    category: str | None = None
    important: bool = False
    topic: str | None = None


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
    abouts: dict[int, _About]
    # The stored links of each letter, number by address; none where nobody lets hers be seen.
    links: Mapping[int, Mapping[str, int]]


def preparer(site: str) -> Prepare:
    """Return the function that prepares a window's messages; ``site`` is this instance's address."""

    def prepare(session: Session, rows: Sequence[Delivery]) -> dict[int, Message]:
        window = _window(session, rows, site)
        return {row.id: _prepared_or_why_not(session, row, window) for row in rows}

    return prepare


def letters(session: Session, ids: Sequence[int], site: str) -> Letters:
    """Read and prepare the letters of campaigns among these rows, before the windows they leave in.

    The gate decides in the transaction of the hand-over all the same; only what a letter says was read earlier.
    """
    rows = delivery.letters_among(session, ids)
    if not rows:
        return {}
    window = _window(session, rows, site)
    return {row.id: (row, _prepared_or_why_not(session, row, window)) for row in rows}


def _prepared_or_why_not(session: Session, row: AnyDelivery, window: _Window) -> Message:
    try:
        return _prepare(session, row, window)
    except ListkeeperError as problem:
        return problem


def _window(session: Session, rows: Sequence[AnyDelivery], site: str) -> _Window:
    letters = {
        number: _letter_or_why_not(session, number) for number in {row.revision_id for row in rows if row.revision_id}
    }
    about = select(Campaign.id, Campaign.category, Campaign.important, Campaign.topic).where(
        Campaign.id.in_({row.campaign_id for row in rows if row.campaign_id})
    )
    people = _people(session, rows, letters)
    seen = any(person.is_seen for person in people.values())
    return _Window(
        {number: house.of(session, number, site) for number in {row.organisation_id for row in rows}},
        {number: _list(session, number) for number in {row.list_id for row in rows if row.list_id is not None}},
        people,
        letters,
        asking_more.questions(session, rows, site),
        notices.questions(session, rows),
        {row[0]: _About(row[1], row[2], row[3]) for row in session.execute(about)},
        {number: link.numbers(session, number) for number in letters} if seen else {},
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
        number: _Person(spoken, _told(profile) | answers[number], at or since, by or _claim(claim), bool(seen))
        for number, spoken, profile, at, by, since, claim, seen in session.connection().execute(
            _PEOPLE, {"ids": [row.id for row in rows]}
        )
    }


# The tables themselves, not what is mapped onto them: nothing of this becomes an object.
_delivery, _subscriber, _held, _event = (
    table.__table__.c for table in (Delivery, Subscriber, Subscription, ConsentEvent)
)
_PEOPLE = (
    select(
        _delivery.id,
        _subscriber.language,
        _subscriber.profile,
        _event.at,
        _event.method,
        _held.since,
        _held.import_id,
        tracking.stands(),
    )
    .join(Subscriber.__table__, _subscriber.id == _delivery.subscriber_id)
    .outerjoin(Subscription.__table__, (_held.subscriber_id == _subscriber.id) & (_held.list_id == _delivery.list_id))
    .outerjoin(ConsentEvent.__table__, _event.id == _held.consent_event_id)
    .where(among(_delivery.id, "ids"))
)


def _told(profile: Mapping[str, object]) -> dict[str, str]:
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
        case MessageClass.DOI | MessageClass.SERVICE | MessageClass.SYSTEM:
            return notices.prepare(session, row, window.houses[row.organisation_id], window.questions)
        case other:
            raise NotFound("no_composer", f"Nothing knows how to write a message of class {other}.")


def _letter(session: Session, row: AnyDelivery, window: _Window) -> Prepared:
    ours = window.houses[row.organisation_id]
    compiled, mailing_list = window.letters.get(row.revision_id or 0), window.lists.get(row.list_id or 0)
    if compiled is None or mailing_list is None:
        raise NotFound("no_revision", "The letter of this delivery does not exist any more.")
    if isinstance(compiled, ListkeeperError):
        raise compiled
    testing = row.message_class is MessageClass.TEST
    person = window.people.get(row.id)
    reason = _reason(session, row, ours, mailing_list, person, compiled.language)
    reader_for = _reader_maker(
        row, ours, person, reason, window.asked.get(row.id), _counted(row, ours, person, compiled, window)
    )
    about_list = _list_headers(row, ours, mailing_list)

    def write(recipient: str) -> tuple[Filled, Headers]:
        reader = reader_for(recipient)
        filled = filling.fill(compiled, reader)
        way_out = list_headers.list_unsubscribe(reader.unsubscribe_url, reader.unsubscribe_mailto)
        return trial_letter.marked(filled) if testing else filled, [way_out, *about_list]

    about = window.abouts.get(row.campaign_id or 0, _About())
    return house.prepared(
        row,
        ours,
        compiled.sha256,
        mailing_list.purpose,
        write,
        category=about.category,
        important=about.important,
        topic=about.topic,
        attachment=_receipt_with(session, row),
        whole=None if testing else _whole(compiled, ours, reader_for, about_list),
    )


def _counted(
    row: AnyDelivery, ours: House, person: _Person | None, compiled: CompiledLetter, window: _Window
) -> Callable[[int], str] | None:
    """Return what gives the counted address of each link, for who agreed to be seen; a test goes to nobody who did."""
    if person is None or not person.is_seen or row.message_class is MessageClass.TEST:
        return None
    return link_visit.counted(ours.site, row.id, compiled.links, window.links.get(row.revision_id or 0, {}))


def _whole(
    compiled: CompiledLetter, ours: House, reader_for: Callable[[str], Reader], about_list: tuple[Header, ...]
) -> WriteWhole:
    """Return the quick way to the same letter."""
    keys = ours.signer.keys if ours.signer else ()

    def write(recipient: str, message_id: str, moment: datetime) -> bytes:
        reader = reader_for(recipient)
        way_out = list_headers.list_unsubscribe(reader.unsubscribe_url, reader.unsubscribe_mailto)
        cut = mime_slots.cut(compiled, ours.sender, about_list)
        return cut.write(
            reader, own_headers=[way_out], recipient=recipient, message_id=message_id, date=moment, keys=keys
        )

    return write


def in_browser(session: Session, row: Delivery, site: str) -> bytes:
    """Return the page that shows a letter in a browser: what its reader got, without what was asked of her.

    The request about Gmail's tabs and the question are left out: both are for whoever has the mail before her.

    Raises NotFound when the delivery was not a letter, or the letter does not exist any more.
    """
    if row.revision_id is None or row.list_id is None:
        raise NotFound("no_revision", language.text("This letter does not exist any more."))
    ours, mailing_list = house.of(session, row.organisation_id, site), _list(session, row.list_id)
    compiled = _compiled(session, row.revision_id)
    person = _people(session, [row], {row.revision_id: compiled}).get(row.id)
    reason = _reason(session, row, ours, mailing_list, person, compiled.language)
    # The page needs no address, and without one nobody is taken for a reader of Gmail.
    reader = _reader_maker(row, ours, person, reason)("")
    return web_view.page(filling.fill(compiled, reader))


def _reader_maker(  # noqa: PLR0913, PLR0917 - whose letter, and all that is hers alone in it
    row: AnyDelivery,
    ours: House,
    person: _Person | None,
    reason: str,
    asked: AskedQuestion | None = None,
    counted: Callable[[int], str] | None = None,
) -> Callable[[str], Reader]:
    number, letters_before = row.id, row.letters_before

    def make(recipient: str) -> Reader:
        return Reader(
            address=recipient,
            language=person.language if person else ours.language,
            profile=person.profile if person else {},
            unsubscribe_url=f"{ours.site}/u/{unsubscribe.token_for(number)}",
            unsubscribe_mailto=None,
            preferences_url=f"{ours.site}/p/{signing.token('preferences', number)}",
            web_view_url=f"{ours.site}/w/{signing.token('web-view', number)}",
            why_url=f"{ours.site}/y/{signing.token('why', number)}",
            reason=reason,
            sees_primary_tab=primary_tab.is_for(recipient, earlier_campaigns=letters_before),
            asked=asked,
            counted=counted,
        )

    return make


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
    return _about_list(part, mailing_list, ours.id, ours.domain)


@lru_cache(maxsize=256)
def _about_list(part: str, mailing_list: _List, house_id: int, domain: str) -> tuple[Header, ...]:
    return (
        list_headers.list_unsubscribe_post(),
        list_headers.list_id(mailing_list.name, mailing_list.slug, domain),
        list_headers.feedback_id(part, f"l{mailing_list.id}", f"o{house_id}", sender_id=_SENDER_ID),
    )
