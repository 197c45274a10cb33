"""A letter to a thousand, half of them visited by scanners: the human numbers stay those of the humans, within 2 %.

What the humans do is scripted, so it is known. The scanners are those of the field: one that follows all it finds, one
with a browser's name that takes its time, one that fetches ahead, one that asks again and again, picture stores that
fetch what nobody reads; and, for a share of the mails, a true Chromium that renders the mail and runs what it finds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, Error, sync_playwright
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.campaign import Campaign
from listkeeper.feedback import engagement
from listkeeper.feedback.engagement import Engagement
from listkeeper.foundation import clock
from listkeeper.jobs import counting
from listkeeper.sending import planning
from tests.browser.served import served
from tests.fakes import headless
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.works import SITE, Works

LINKS = 6
LETTER = "# Buns\n\n" + "".join(f"[Number {number}](https://cafe.example/{number})\n\n" for number in range(LINKS))
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"
GOOGLE = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
APPLE = "Mozilla/5.0"
_WITHIN = 0.02
_HREF = re.compile(r'href="http://localhost:8025(/l/[^"]+)"')
_CANARY = re.compile(r'href="http://localhost:8025(/l/[^"]+)" tabindex="-1"')
_PICTURE = re.compile(r'src="http://localhost:8025(/o/[^"]+)"')


@dataclass(frozen=True)
class Mail:
    """What lies in one mailbox: the links a reader sees, and all that a program finds."""

    html: str
    links: list[str]
    everything: list[str]
    picture: str | None


@dataclass(frozen=True)
class Asked:
    """One request: when, for what, under which name."""

    after: float
    path: str
    agent: str
    ahead: bool = False


@dataclass
class Done:
    """What the humans did."""

    readers: int = 0
    clicks: int = 0
    opens: int = 0


@pytest.fixture
def mails(works: Works, smtp_sink: SmtpSink, share: Callable[[str, int, int], int]) -> list[Mail]:
    """The mails of a letter, half of them to people who are a number; of the others some are seen by links alone."""
    works.gather(share("mails of a letter that scanners visit", 1_000, 120))

    def choose(session: Session, _house: Cafe) -> None:
        by_name, as_number = ("tracking_since", "opens_since"), ("counted_since",)
        for rest, columns in enumerate((by_name, as_number, by_name[:1], as_number)):
            chosen = update(Subscription).where(Subscription.id % 4 == rest)
            session.execute(chosen.values(dict.fromkeys(columns, clock.now())))

    def send(session: Session, house: Cafe) -> None:
        planning.send_campaign(session, house.organisation, cafe.draft(session, house, markdown=LETTER), site=SITE)

    works.write(choose)
    works.write(send)
    works.drain()
    return [_read(headless.text_of(kept, "html")) for kept in smtp_sink.messages]


def _read(html: str) -> Mail:
    everything, [canary] = list(dict.fromkeys(_HREF.findall(html))), _CANARY.findall(html)
    found = _PICTURE.findall(html)
    return Mail(html, [path for path in everything if path != canary], everything, found[0] if found else None)


def _human(mail: Mail, chance: random.Random, done: Done) -> list[Asked]:
    """Open it some time, follow a link or two, press twice now and then."""
    at, agent = chance.uniform(300, 36_000), chance.choice([BROWSER, PHONE])
    asked = [Asked(at - 20, mail.picture, agent)] if mail.picture else []
    for path in chance.sample(mail.links, chance.choice([1, 1, 1, 2])):
        asked.append(Asked(at, path, agent))
        if chance.random() < 0.1:
            asked.append(Asked(at + 0.7, path, agent))
        at += chance.uniform(15, 900)
    done.readers += 1
    done.clicks += sum(each.path in mail.links for each in asked)
    done.opens += bool(mail.picture)
    return asked


def _follows_all(mail: Mail, chance: random.Random) -> list[Asked]:
    at = chance.uniform(0.5, 90)
    return [Asked(at + number * 0.05, path, "curl/8.5.0") for number, path in enumerate(mail.everything)]


def _takes_its_time(mail: Mail, chance: random.Random) -> list[Asked]:
    """A sandbox with a browser's name and scripts: picture and links, some seconds each, at any hour."""
    at = chance.choice([chance.uniform(1, 60), chance.uniform(3_600, 36_000)])
    paths = [*([mail.picture] if mail.picture else []), *mail.everything]
    return [Asked(at + number * chance.uniform(2, 9), path, BROWSER) for number, path in enumerate(paths)]


def _fetches_ahead(mail: Mail, chance: random.Random) -> list[Asked]:
    at = chance.uniform(60, 36_000)
    return [Asked(at, path, PHONE, ahead=True) for path in chance.sample(mail.links, 2)]


def _asks_again(mail: Mail, chance: random.Random) -> list[Asked]:
    at, path = chance.uniform(1, 60), chance.choice(mail.links)
    return [Asked(at + 5 * number, path, BROWSER) for number in range(8)]


def _is_in_a_hurry(mail: Mail, chance: random.Random) -> list[Asked]:
    """It knows the canary, and looks at the first links before the mail is put into the mailbox."""
    return [Asked(1 + number * 0.2, path, BROWSER) for number, path in enumerate(mail.links[: chance.choice([3, 4])])]


def _stores_pictures(mail: Mail, chance: random.Random) -> list[Asked]:
    at = chance.uniform(1, 3_600)
    return [Asked(at, mail.picture, chance.choice([GOOGLE, APPLE]))] if mail.picture else []


SCANNERS = (_follows_all, _takes_its_time, _fetches_ahead, _asks_again, _is_in_a_hurry, _stores_pictures)


def _ask(client: FlaskClient, begins: datetime, asked: list[Asked]) -> None:
    for each in sorted(asked, key=lambda one: one.after):
        headers = {"User-Agent": each.agent} | ({"Sec-Purpose": "prefetch;prerender"} if each.ahead else {})
        with time_machine.travel(begins + timedelta(seconds=each.after), tick=False):
            assert client.get(each.path, headers=headers).status_code in {200, 302}


def _judged(works: Works, begins: datetime) -> Engagement:
    with time_machine.travel(begins + timedelta(hours=14), tick=False), works.app.app_context():
        counting.judge()
        counting.look_after()
    letter = works.read(lambda session: session.scalars(select(Campaign.id)).one())
    return works.read(lambda session: engagement.of_campaign(session, letter))


def _is_about(found: int, done: int) -> bool:
    return abs(found - done) <= _WITHIN * done


@pytest.mark.timeout(600)
def test_scanners_leave_the_human_numbers_as_they_are(
    works: Works, client: FlaskClient, mails: list[Mail], chance: random.Random, summarise: Callable[[str], None]
) -> None:
    begins, done = clock.now(), Done()
    asked = [each for mail in mails if chance.random() < 0.4 for each in _human(mail, chance, done)]
    for mail in mails:
        if chance.random() < 0.7:
            for scanner in chance.sample(SCANNERS, chance.choice([1, 2])):
                asked += scanner(mail, chance)
    _ask(client, begins, asked)
    found = _judged(works, begins)
    summarise(
        f"scanned campaign: {len(mails)} mails, {len(asked)} requests; humans {done.readers}, found {found.clickers}; "
        f"their clicks {done.clicks}, found {found.clicks.human} beside {found.clicks.machine} of machines"
    )
    assert found.counted == len(mails)
    assert found.pictured == sum(mail.picture is not None for mail in mails) < len(mails)
    assert _is_about(found.clickers, done.readers), (found, done)
    assert _is_about(found.clicks.human, done.clicks), (found, done)
    assert _is_about(found.opens.human, done.opens), (found, done)
    assert found.clicks.machine > 2 * done.clicks
    # Of what stood in doubt nothing was added to anybody.
    assert found.clicks.unknown + found.clicks.human + found.clicks.machine <= len(asked)


@pytest.mark.timeout(1_800)
def test_a_true_chromium_that_opens_all_of_it_is_no_reader(  # noqa: PLR0917 - fixtures
    app: Flask, works: Works, client: FlaskClient, mails: list[Mail], chance: random.Random, chromium: Path,
    share: Callable[[str, int, int], int], summarise: Callable[[str], None],
) -> None:  # fmt: skip
    scanned, done = chance.sample(mails, share("mails opened by a scanner with Chromium", 500, 6)), Done()
    begins = clock.now()
    with served(app) as site, sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--host-resolver-rules=MAP cafe.example ~NOTFOUND"]
        )
        # With the name of any browser, it is known by nothing but what it does.
        context = opened.new_context(user_agent=BROWSER)
        for mail in scanned:
            _scan(context, mail, site)
        opened.close()
    lasted = (clock.now() - begins).total_seconds()
    # Whoever reads comes later; mails that were scanned are read as well.
    asked = [each for mail in mails if chance.random() < 0.4 for each in _human(mail, chance, done)]
    _ask(client, begins + timedelta(seconds=lasted), asked)
    found = _judged(works, begins + timedelta(seconds=lasted))
    summarise(
        f"Chromium over {len(scanned)} of {len(mails)} mails in {lasted:.0f} s; humans {done.readers}, found "
        f"{found.clickers}; their clicks {done.clicks}, found {found.clicks.human} beside {found.clicks.machine}"
    )
    assert found.clicks.machine >= len(scanned) * LINKS
    assert _is_about(found.clickers, done.readers), (found, done)
    assert _is_about(found.clicks.human, done.clicks), (found, done)
    assert _is_about(found.opens.human, done.opens), (found, done)


def _scan(context: BrowserContext, mail: Mail, site: str) -> None:
    """Render a mail with its pictures and go wherever it leads."""
    page = context.new_page()
    page.set_content(mail.html.replace(SITE, site), wait_until="load")
    page.close()
    for path in mail.everything:
        page = context.new_page()
        # The shop is not on this machine; that it was asked for is enough. The canary leads to a page of ours.
        with suppress(Error):
            page.goto(f"{site}{path}", wait_until="commit")
        page.close()
