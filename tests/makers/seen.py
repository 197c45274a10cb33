"""Somebody who lets her links be seen, by the button of her own page; and the counted links of her mail."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import subscription
from listkeeper.sending.link_visit import Agent, LinkVisit
from tests.fakes import headless
from tests.makers.own import Guest, actions

Visits = list[tuple[int | None, Agent]]
_COUNTED = re.compile(r"http://localhost:8025(/l/[A-Za-z0-9_-]+)")
_CANARY = re.compile(r'<a href="http://localhost:8025(/l/[A-Za-z0-9_-]+)" tabindex="-1" aria-hidden="true"></a>')
_PICTURE = re.compile(r'<img src="http://localhost:8025(/o/[A-Za-z0-9_-]+)" alt=""')


def list_page(guest: Guest) -> str:
    """Open her own page by a fresh link and return the address of the page of her list."""
    visit = guest.enter()

    def look(session: Session) -> str:
        [(_current, mailing_list)] = subscription.all_of(session, guest.person(session))
        return mailing_list.public_id

    return f"{visit}/lists/{guest.works.read(look)}"


def agree(guest: Guest, way: str = "seen") -> None:
    """Press the button under the words: to be seen by name, or (``counted``) to be counted as a number."""
    press(guest, list_page(guest), way)


def press(guest: Guest, page: str, way: str) -> None:
    """Press one of the two on the page of her list."""
    shown = guest.client.get(page)
    [button] = [action for action in actions(shown) if action.endswith(f"/{way}")]
    [words] = re.findall(rf'action="{button}"><input type="hidden" name="words" value="([0-9a-f]{{64}})"', shown.text)
    answer = guest.client.post(button, data={"words": words})
    assert answer.status_code == 200
    assert any(action.endswith("/unseen") for action in actions(answer))


def counted(guest: Guest) -> list[str]:
    """Return the counted links of her newest mail, each once."""
    newest = guest.sink.to(guest.address)[-1]
    whole = "".join(headless.text_of(newest, kind) for kind in ("plain", "html"))
    return [link for link in dict.fromkeys(_COUNTED.findall(whole)) if link not in unseen(guest)]


def unseen(guest: Guest) -> list[str]:
    """Return what nobody sees in her newest mail: its canary, and its picture if it has one."""
    html = headless.text_of(guest.sink.to(guest.address)[-1], "html")
    return [*_CANARY.findall(html), *_PICTURE.findall(html)]


def visits(guest: Guest) -> Visits:
    """Return every visit to her instance."""
    return guest.works.read(stored)


def stored(session: Session) -> Visits:
    """Return every visit: of which delivery, if it says so, and by what."""
    found = session.execute(select(LinkVisit.delivery_id, LinkVisit.agent).order_by(LinkVisit.id))
    return [(row[0], row[1]) for row in found]
