"""What may stand in a message of which class."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list
from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import class_check, notice_letter, notice_starter, preflight, preview
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.notice_starter import StarterName
from listkeeper.campaigns.revision import Draft
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import language
from listkeeper.rendering import document, links
from listkeeper.rendering.content import Letter, Sender
from listkeeper.rendering.document import Mode
from tests.makers import cafe, trouble

SITE = "https://mail.cafe.example"
SENDER = Sender("Café", "hello@cafe.example", None, "Café Kardemomme", "Havnegade 1", "#7a4b2a", None, "en")


def _letter(markdown: str = "", *blocks: dict[str, object], subject: str = "About the till") -> Letter:
    mode = Mode.BLOCKS if blocks else Mode.MARKDOWN
    named = [{"id": f"b{number:010x}", **block} for number, block in enumerate(blocks)]
    return Letter(subject, "", markdown, "en", SENDER, mode=mode, blocks=document.blocks_of(named))


def _found(letter: Letter, of_class: MessageClass = MessageClass.SERVICE, **more: bool) -> list[Finding]:
    written = links.of_letter(letter) if letter.mode is Mode.MARKDOWN else []
    return class_check.examine(of_class, letter, written, **more)


def _codes(letter: Letter, of_class: MessageClass = MessageClass.SERVICE) -> list[str]:
    return [row.code for row in _found(letter, of_class)]


@pytest.mark.parametrize("of_class", [MessageClass.SERVICE, MessageClass.TRANSACTIONAL])
def test_a_notice_tells_what_is_out_of_order_and_nothing_else(of_class: MessageClass) -> None:
    plain = "30 % of the mails are late. You can save your work. Feel free to ask; the order of things stays."
    assert _codes(_letter(plain), of_class) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Take 20 % off today", "N3a"),
        ("Only now: our best offers", "N3a"),
        ("Få 20 % rabat", "N3a"),
        ("Se vårt erbjudande", "N3a"),
        ("Sommerens tilbud", "N3a"),
        ("Jetzt bestellen und sparen", "N3a"),
        ("Wielka wyprzedaż", "N3a"),
        ("Скидка для вас", "N3a"),
        ("Now at 99 kr", "N3"),
        ("Nur 5 € im Monat", "N3"),
        ("Za 10 zł", "N3"),
        ("By the way, sign up for our letters", "N3c"),
        ("Tilmeld dig nyhedsbrevet", "N3c"),
        ("Подпишитесь на новости", "N3c"),
        ("[Look](https://cafe.example/shop/bread)", "N3b"),
        ("[Look](https://shop.cafe.example/)", "N3b"),
        ("[Look](https://cafe.example/sklep)", "N3b"),
    ],
)
def test_what_sells_is_named_with_its_word_and_stops_nothing_by_itself(words: str, code: str) -> None:
    found = _found(_letter(f"The line is down. {words}."))
    assert [row.code for row in found] == [code]
    assert found[0].severity is Severity.ERROR
    assert found[0].evidence or code == "N3b"
    assert _codes(_letter(f"{words}."), MessageClass.MARKETING) == [], "a letter may sell"


@pytest.mark.parametrize("kind", ["offer", "sponsored"])
def test_a_block_that_is_paid_for_stops_a_notice(kind: str) -> None:
    letter = _letter("", {"type": "text", "html": "<p>The line is down.</p>"}, {"type": kind})
    assert [(row.code, row.severity, row.subject) for row in _found(letter)] == [("N2", Severity.BLOCK, "b0000000001")]
    assert _found(letter, MessageClass.MARKETING) == []


def test_only_the_way_a_letter_is_written_counts() -> None:
    letter = _letter("20 % off", {"type": "text", "html": "<p>The line is down.</p>"})
    assert _found(letter) == []


def test_a_notice_without_a_promise_is_better_with_one() -> None:
    assert [(row.code, row.severity) for row in _found(_letter("Down."), promised=False)] == [("N4", Severity.WARN)]


TAPS = "How is it going?\n\n[Fine]({{ links.fine }})\n\n[A problem]({{ links.problem }})"


@pytest.mark.parametrize("extra", ["Take 20 % off", "Bread for 30 kr"])
def test_who_asks_how_somebody_is_sells_nothing_beside_it(extra: str) -> None:
    assert _codes(_letter(TAPS), MessageClass.MARKETING) == []
    found = _found(_letter(f"{TAPS}\n\n{extra}"), MessageClass.MARKETING)
    assert [(row.code, row.severity) for row in found] == [("N5", Severity.ERROR)]


def test_the_same_of_blocks() -> None:
    asks: dict[str, object] = {"type": "taps", "question": "How is it going?", "fine": "Fine"}
    assert _found(_letter("", asks), MessageClass.MARKETING) == []
    found = _found(_letter("", asks, {"type": "offer", "title": "Bread"}), MessageClass.MARKETING)
    assert [(row.code, row.subject) for row in found] == [("N5", "b0000000001")]


def test_a_notice_asks_nothing_and_a_letter_may() -> None:
    poll: dict[str, object] = {"type": "poll", "question": "Which?", "answers": [{"text": "a"}, {"text": "b"}]}
    found = _found(_letter("The line is down.", poll))
    assert [(row.code, row.severity, row.place) for row in found if row.code == "N2a"] == [
        ("N2a", Severity.BLOCK, "b0000000000")
    ]
    assert _found(_letter("", poll), MessageClass.MARKETING) == []
    assert _found(_letter("", poll, {"type": "offer", "title": "Bread"}), MessageClass.MARKETING) == []


@pytest.mark.parametrize("of_class", sorted(set(MessageClass) - {MessageClass.SERVICE, MessageClass.TRANSACTIONAL}))
def test_other_classes_have_checks_of_their_own(of_class: MessageClass) -> None:
    assert _codes(_letter("20 % off"), of_class) == []


@pytest.mark.parametrize("spoken", language.LANGUAGES)
@pytest.mark.parametrize("name", StarterName)
def test_starters_sell_nothing_in_any_language(session: Session, spoken: str, name: StarterName) -> None:
    owner = cafe.found(session, spoken=spoken).organisation
    begins = notice_starter.of(owner, name)
    draft = notice_letter.draft(owner, begins.about, begins.news, notice_letter.Place("Europe/Oslo", f"{SITE}/status"))
    letter = preview.letter(draft, owner, SITE)
    assert class_check.examine(MessageClass.SERVICE, letter, links.of_letter(letter)) == []


def _inspected(session: Session, letter: Campaign) -> dict[str, Severity]:
    found = preflight.inspect(session, letter, site=SITE, practice=False, gate=Gate.HINT).findings
    return {row.code: row.severity for row in found if row.code.startswith("N")}


def test_the_check_before_sending_says_when_purposes_are_mixed(session: Session) -> None:
    made = cafe.found(session)
    room = trouble.room(session, made)
    letter = cafe.draft(session, made)
    assert _inspected(session, letter) == {}
    letter.list_id, letter.mailing_list = room.mailing_list.id, room.mailing_list
    assert _inspected(session, letter) == {"N1": Severity.BLOCK}
    notice = campaigns.create(
        session, made.organisation, room.mailing_list, Draft("Till", "", "20 % off"), kind=CampaignKind.NOTICE
    )
    assert _inspected(session, notice) == {"N3a": Severity.ERROR}
    notice.mailing_list = mailing_list.named(session, made.organisation, "news")
    assert _inspected(session, notice) == {"N1": Severity.BLOCK, "N3a": Severity.ERROR}
