"""The weekly mail as it leaves: read by a real parser, once a week, also after a month in which the machine slept."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage
from html.parser import HTMLParser

import time_machine

from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import boarding
from listkeeper.sending.delivery import DeliveryState
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, studio
from tests.makers.works import Works

OWNER = "owner@cafe.example"


class _Table(HTMLParser):
    """The cells of a mail's table, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.links: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"td", "th"}:
            self.cells.append("")
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")
        self.pictures += tag in {"img", "svg", "picture"}

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += " ".join(data.split())


def _look(works: Works, times: int = 2) -> None:
    for _ in range(times):
        with works.app.app_context():
            boarding.look()
    works.work(Lane.URGENT, 2)


def _mails(sink: SmtpSink) -> list[EmailMessage]:
    return [kept.message for kept in sink.messages if kept.rcpt_tos == (OWNER,)]


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_on_monday_the_numbers_and_one_thing_to_do_arrive(
    works: Works, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    works.write(lambda session, house: cafe.subscribe(session, house, "anna@guest.example"))
    _look(works)
    assert _mails(smtp_sink) == [], "the business was founded after eight"
    frozen_clock.shift(timedelta(days=7))
    _look(works)
    [mail] = _mails(smtp_sink)
    assert mail.defects == []
    assert (mail["To"], mail["Auto-Submitted"]) == (OWNER, "auto-generated")
    assert mail["Subject"] == "Your numbers, and one thing to do"
    plain, table = _part(mail, "plain"), _Table()
    table.feed(_part(mail, "html"))
    assert table.pictures == 0
    assert [cell for cell in table.cells if cell in {"New this week", "Clicked the last letter", "Trust account"}] == [
        "New this week", "Clicked the last letter", "Trust account",
    ]  # fmt: skip
    buttons = [link for link in table.links if link]
    assert len(buttons) == 1, "one suggestion, and no more"
    assert buttons[0] in plain
    assert re.search(r"New this week: 0 \(Not there yet\)", plain)
    assert "Share the sign-up link" in plain
    assert "{" not in plain
    assert "guest.example" not in plain
    # Its button opens a page of the studio.
    browser = studio.signed_in(works.app)
    assert browser.get(buttons[0].removeprefix("http://localhost:8025")).status_code == 200


def test_after_a_slept_month_one_mail_alone(
    works: Works, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    frozen_clock.shift(timedelta(days=7))
    _look(works)
    frozen_clock.shift(timedelta(days=30))
    _look(works, 3)
    assert len(_mails(smtp_sink)) == 2
    frozen_clock.shift(timedelta(days=2))
    _look(works, 3)
    assert len(_mails(smtp_sink)) == 2


def test_whoever_switched_it_off_meanwhile_gets_nothing(
    works: Works, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    frozen_clock.shift(timedelta(days=7))
    with works.app.app_context():
        boarding.look()
    works.write(lambda _session, house: setattr(house.owner, "board_mail", False))
    works.work(Lane.URGENT, 2)
    assert _mails(smtp_sink) == []
    [row] = [each for each in works.deliveries() if each.message_class == "system"]
    assert row.state is DeliveryState.REFUSED


def test_in_the_language_of_the_business(
    works: Works, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    works.write(lambda _session, house: setattr(house.organisation, "language", "da"))
    frozen_clock.shift(timedelta(days=7))
    _look(works)
    [mail] = _mails(smtp_sink)
    assert 'lang="da"' in _part(mail, "html")


def test_the_job_counts_and_the_effect_is_filled_in(works: Works, frozen_clock: time_machine.Traveller) -> None:
    browser = studio.signed_in(works.app)
    _look(works, 1)
    browser.post("/studio/board/log", {"kind": "new_confirmed", "did": "Code on the till", "days": "7"})
    frozen_clock.shift(timedelta(hours=1))
    for name in "abcdefgh":
        works.write(lambda session, house, name=name: cafe.subscribe(session, house, f"{name}@guest.example"))  # type: ignore[misc]
    frozen_clock.shift(timedelta(days=5, hours=23))
    _look(works, 1)
    assert "The effect is looked for on" in studio.words(browser.get("/studio/board"))
    frozen_clock.shift(timedelta(days=1))
    _look(works, 1)
    shown = studio.words(studio.signed_in(works.app).get("/studio/board"))
    assert "Better +8 a week: 0 then, 8 after." in shown
