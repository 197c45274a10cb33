"""Every route of the web, with real values in its places, so that each can be asked as a visitor would."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from listkeeper import parts, store
from listkeeper.accounts import api_key, invitation, organisation, seed_address, sign_in_link, user
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.user import Role
from listkeeper.audience import (
    access_link,
    address_change,
    confirmation,
    privacy_notice,
    profile_link,
    signup_form,
    source,
    source_cost,
    topic,
    unsubscribe,
)
from listkeeper.audience.importing import court
from listkeeper.audience.importing.court import Claims
from listkeeper.audience.profile import How
from listkeeper.audience.proof import evidence_request
from listkeeper.audience.source import Channel
from listkeeper.audience.source_cost import CostPer
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import archive, feed_letter, picture, snippet
from listkeeper.campaigns import link as stored
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.feed_rhythm import Cadence, Rhythm
from listkeeper.deliverability import sending_domain
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import caught_mail, clock, signing
from listkeeper.foundation.table import Table
from listkeeper.insight import channel_draft, profit_scenario
from listkeeper.rendering.feeds.feed import Feed
from listkeeper.rendering.pictures.picture_file import PictureFile
from listkeeper.sending import link_visit, planning
from listkeeper.sending.delivery import Delivery
from listkeeper.web.api import lock as api_lock
from tests.makers import cafe, follow_ups, questions, steering, trouble
from tests.makers.cafe import Cafe
from tests.makers.came_back import Postman
from tests.makers.letters_in import Postbox, written

SAFE = ("GET", "HEAD", "OPTIONS")
STUDIO = "/studio"
API = "/api"
HOOKS = "/hooks"
_MAIL = b"""From: Cafe <hello@cafe.example>
To: anna@example.example
Subject: Rye bread
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<p>Warm from seven.</p>
"""
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True)
class Filled:
    """An instance in which everything exists once, and the names by which routes find it."""

    app: Flask
    places: tuple[tuple[str, dict[str, str]], ...]
    # A key with every scope.
    secret: str

    def address(self, rule: Rule) -> str:
        """Return a real address for a rule; the longest matching prefix of the table says how to fill it."""
        fitting = [values for prefix, values in self.places if rule.rule.startswith(prefix)]
        merged: dict[str, str] = {}
        for values in fitting:
            merged |= values
        missing = rule.arguments - set(merged) - set(rule.defaults or {})
        assert not missing, f"tests/architecture/routes.py must say what {missing} of {rule.rule} may be"
        with self.app.test_request_context():
            built = self.app.url_map.bind("localhost").build(
                rule.endpoint, {name: merged[name] for name in rule.arguments if name in merged}, method=None
            )
        return str(built)


def rules(app: Flask, *methods: str) -> Iterator[tuple[Rule, str]]:
    """Yield every rule with each of the methods it takes; a rule only for building addresses answers nobody."""
    answering = [rule for rule in app.url_map.iter_rules() if not rule.build_only]
    for rule in sorted(answering, key=lambda found: found.rule):
        for method in methods:
            if method in (rule.methods or ()):
                yield rule, method


def fill(app: Flask) -> Filled:
    """Make one of everything, and commit it."""
    with app.app_context(), store.transaction() as session:
        place = _fill(session)
        _made, secret = api_key.make(session, organisation.only_one(session), name="Shop", scopes=tuple(Scope))
    # Nobody but a provider knows the secret of its address.
    hook = ("/hooks/in/", {"provider": "postmark", "secret": "not-the-secret"})
    return Filled(app, (*place, hook), secret)


def _fill(session: Session) -> tuple[tuple[str, dict[str, str]], ...]:
    made = cafe.found(session)
    person = cafe.subscribe(session, made, "anna@example.example")
    waiting = cafe.sign_up(session, made, "bo@example.example")
    draft = cafe.draft(session, made)
    sent = cafe.draft(session, made, subject="Rye bread")
    planning.send_campaign(session, made.organisation, sent, site="http://localhost:8025")
    handed = session.scalars(select(Delivery).where(Delivery.campaign_id == sent.id)).one()
    key = caught_mail.write(
        parts.practice_folder(), _MAIL.replace(b"\n", b"\r\n"), "b@cafe.example", ["anna@example.example"]
    )
    link = sign_in_link.make(session, user.first(session))
    confirm, leave = confirmation.token_of(waiting), unsubscribe.token_for(handed.id)
    change = address_change.ask(session, person, "ann@example.example")
    link_to_own_page = access_link.ask(session, person)
    assert link_to_own_page is not None
    session.flush()
    return (
        *_brand(made),
        ("/f/", {"slug": made.form.slug}),
        ("/t/", {"sha256": signup_form.newest(session, made.form).consent_text.sha256}),
        ("/c/", {"token": confirm}),
        ("/n/", {"token": confirm}),
        ("/u/", {"token": leave}),
        *_links(session, handed),
        *_archive(session, made, sent),
        ("/me/", {"token": access_link.token_of(link_to_own_page)}),
        ("/mine/", {"visit": _visit(session, person), "public_id": made.mailing_list.public_id}),
        ("/a/", {"token": address_change.token_of(change)}),
        ("/a/<token>/cancel", {"token": address_change.cancel_token_of(change)}),
        ("/studio/imports/", {"public_id": _import(session, made)}),
        ("/studio/enter/", {"token": link}),
        ("/studio/letters/", {"public_id": draft.public_id}),
        ("/studio/inbox/", {"key": key}),
        ("/studio/bounces/", {"name": _wave(session, made)}),
        *_behind_locks(session, made, person),
        *steering.places(session, made, person),
    )


def _brand(made: Cafe) -> tuple[tuple[str, dict[str, str]], ...]:
    """Keep a picture where everybody sees it."""
    parts.media_folder().mkdir(exist_ok=True)
    (parts.media_folder() / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return ("/brand/", {"name": f"{made.organisation.public_id}-0"}), ("/media/", {"name": "picture.png"})


def _archive(session: Session, made: Cafe, sent: Campaign) -> tuple[tuple[str, dict[str, str]], ...]:
    """Let anybody read what was sent, and a feed become letters."""
    archive.publish(made.mailing_list, on=True)
    read = Feed("Notes", None, ())
    notes = feed_letter.add(
        session, made.organisation, made.mailing_list, url="https://site.example/feed", read=read,
        rhythm=Rhythm(Cadence.DAILY, 0, 9), zone="UTC",
    )  # fmt: skip
    return (
        ("/archive/", {"slug": made.mailing_list.slug, "public_id": sent.public_id}),
        ("/studio/feeds/", {"public_id": notes.public_id}),
    )


def _links(session: Session, handed: Delivery) -> tuple[tuple[str, dict[str, str]], ...]:
    """Name the links of one letter, and one of the places that it leads to."""
    place = next(iter(stored.numbers(session, handed.revision_id or 0).values()))
    return (
        ("/l/", {"token": link_visit.token_of(handed.id, place)}),
        ("/o/", {"token": link_visit.unnamed_token(link_visit.drawn_number(), place)}),
        ("/p/", {"token": signing.token("preferences", handed.id)}),
        ("/w/", {"token": signing.token("web-view", handed.id), "tapped": "question"}),
        ("/y/", {"token": signing.token("why", handed.id)}),
    )


def _behind_locks(session: Session, made: Cafe, person: Subscriber) -> tuple[tuple[str, dict[str, str]], ...]:
    asked = evidence_request.ask(session, made.organisation, person.subject_ref, made.owner)
    cakes = topic.add(session, made.mailing_list, "Cakes")
    invited = invitation.invite(session, made.organisation, "bo@cafe.example", Role.OWNER, actor=made.owner.actor)
    editor = user.create(session, written="editor@cafe.example", organisation_id=made.organisation.id, role=Role.EDITOR)
    privacy_notice.publish(session, made.organisation, "en", privacy_notice.starter(made.organisation, "en"))
    domain = sending_domain.add(session, made.organisation.id, "cafe.example")
    till, _secret = api_key.make(session, made.organisation, name="Till", scopes=[Scope.READ])
    till_source = source.create(session, made.form, name="Till", channel=Channel.TILL)
    today = clock.now().date()
    paid = source_cost.add(
        session, made.organisation, till_source, written="10", currency="DKK", per=CostPer.ONCE, starts_on=today
    )
    session.flush()
    return (
        *_questions(session, made, person),
        ("/inbox-help/", {"program": "gmail"}),
        ("/look/", {"look_name": "warm", "accent": "7a4b2a", "ink": "auto", "digest": "0"}),
        ("/privacy/", {"name": made.organisation.language}),
        ("/studio/evidence/", {"public_id": asked.public_id}),
        ("/studio/join/", {"token": invitation.token_of(invited)}),
        ("/studio/settings/users/<public_id>/withdraw", {"public_id": invited.public_id}),
        ("/studio/settings/users/<public_id>/remove", {"public_id": editor.public_id}),
        ("/studio/again/", {"token": "not-a-token"}),
        ("/studio/security/", {"token": "not-a-token"}),
        ("/studio/sign-in/", {"token": "not-a-token"}),
        ("/studio/lists/", {"public_id": made.mailing_list.public_id, "name": cakes.public_id}),
        ("/studio/lists/<public_id>/welcome/", {"spoken": made.form.language}),
        ("/studio/people/", {"public_id": person.public_id}),
        ("/studio/forms/", {"public_id": made.form.public_id, "kind": "component", "number": "1"}),
        ("/s/", {"slug": till_source.slug}),
        ("/studio/links/", {"public_id": till_source.public_id}),
        ("/studio/channels/costs/", {"public_id": paid.public_id}),
        ("/studio/domains/", {"public_id": domain.public_id}),
        ("/studio/keys/", {"public_id": till.public_id}),
        ("/api/v1/lists/", {"list_id": made.mailing_list.public_id}),
        ("/api/v1/forms/", {"form_id": made.form.public_id}),
        ("/api/v1/campaigns/", {"campaign_id": cafe.draft(session, made, subject="Of a program").public_id}),
        ("/api/v1/subscribers/", {"subscriber_id": person.public_id}),
    )


def _for_letters(session: Session, made: Cafe) -> tuple[tuple[str, dict[str, str]], ...]:
    """Keep a picture and a piece for letters, and an address that gets every test."""
    seed = seed_address.add(session, made.organisation, "seed@people.example", "Ours")
    file = PictureFile(b"not looked at any more", "png", width=2, height=2)
    kept = picture.keep(session, made.organisation, parts.media_folder(), file, "oven.png")
    piece = snippet.keep(session, made.organisation, "Hours", markdown="From *seven*.")
    return (
        ("/studio/pictures/", {"public_id": kept.public_id}),
        ("/studio/snippets/", {"public_id": piece.public_id}),
        ("/studio/settings/seeds/", {"number": str(seed.id)}),
        ("/studio/letters/", {"number": "1"}),
        ("/guidance/", {"edition": "1", "name": "gmail-phone"}),
    )


def _figures(session: Session, made: Cafe) -> tuple[tuple[str, dict[str, str]], ...]:
    """Keep a calculation of what a channel earns."""
    kept = profit_scenario.create(session, made.organisation, "Christmas", channel_draft.read("DKK", 1, {}).draft)
    return (
        ("/studio/channels/profit/", {"public_id": kept.public_id}),
        ("/studio/channels/growth/", {"name": "months"}),
    )


def _follow_ups(session: Session, made: Cafe) -> tuple[tuple[str, dict[str, str]], ...]:
    """Write a line of letters that is off."""
    line = follow_ups.line(session, made, on=False)
    return (
        ("/studio/follow-ups/", {"public_id": line.public_id, "step_id": follow_ups.steps(session, line)[0].public_id}),
        ("/api/v1/follow-ups/", {"follow_up_id": line.public_id}),
    )


def _conversation(session: Session, made: Cafe, person: Subscriber) -> str:
    box = Postbox(session, made)
    return box.begins(written(sender=person.email_send), box.letter_to(person)).public_id


def _questions(session: Session, made: Cafe, person: Subscriber) -> tuple[tuple[str, dict[str, str]], ...]:
    """Let the list ask a question, which a letter uses, somebody have written to us, and something be out of order."""
    asked = questions.asked(session, made)
    return (
        *trouble.places(session, made),
        *_for_letters(session, made),
        *_figures(session, made),
        *_follow_ups(session, made),
        ("/studio/replies/", {"public_id": _conversation(session, made, person)}),
        ("/q/", {"token": profile_link.token(person.id, asked.id, How.LETTER)}),
        ("/mine/<visit>/answers/", {"question_id": asked.public_id}),
        ("/studio/lists/<public_id>/questions/", {"question_id": asked.public_id}),
        ("/studio/questions/", {"question_id": asked.public_id}),
    )


def is_api(rule: Rule) -> bool:
    """Tell whether a rule is behind the lock of the programs."""
    return rule.rule in {API, api_lock.METRICS} or rule.rule.startswith(f"{API}/")


def is_hook(rule: Rule) -> bool:
    """Tell whether a rule is behind the lock of the mail providers."""
    return rule.rule.startswith(f"{HOOKS}/")


def _wave(session: Session, made: Cafe) -> str:
    """Hold somebody back, and return the name of the wave that is."""
    held = Postman(session, made, cafe.subscribe(session, made, "cleo@example.example"))
    told = held.bounces(ReplyClass.INVALID_ADDRESS, permanent=True)
    return f"{told.id}-{told.id}"


def _import(session: Session, made: Cafe) -> str:
    """Bring a file to the list."""
    parts.imports_folder().mkdir(exist_ok=True)
    file = parts.imports_folder() / "people.csv"
    file.write_text("Email,City\nanna@guest.example,Aarhus\n")
    return court.bring(
        session, made.organisation, made.mailing_list, file, operator="user:1", claims=Claims(), held=True
    ).public_id


def _visit(session: Session, person: Subscriber) -> str:
    """Open a person's own page, as the button of a mailed link does."""
    link = access_link.ask(session, person)
    visit = access_link.use(session, access_link.token_of(link)) if link is not None else None
    assert visit is not None
    return visit


def sign_in(app: Flask, whom: str | None = None) -> FlaskClient:
    """Return a browser in which the owner (or ``whom``, by address) is signed in, by the link and its button."""
    with app.app_context(), store.transaction() as session:
        wanted = user.addressed(session, whom) if whom else user.first(session)
        assert wanted is not None
        token = sign_in_link.make(session, wanted)
    client = app.test_client()
    address = f"{STUDIO}/enter/{token}"
    answer = client.post(address, data={"csrf_token": csrf_token(client, address)})
    assert answer.status_code in {302, 303}, answer.get_data(as_text=True)[:500]
    return client


def csrf_token(client: FlaskClient, address: str) -> str:
    """Return the token that a page of the studio carries in its forms."""
    found = _TOKEN.search(client.get(address).get_data(as_text=True))
    assert found, f"{address} carries no token"
    return found.group(1)


@contextmanager
def watching(app: Flask) -> Iterator[Callable[[], bool]]:
    """Ask again and again whether anybody has written since: SQLite counts commits, and reading all costs more."""
    with app.app_context():
        file = store.database.engine.url.database
    assert file is not None
    line = sqlite3.connect(file)
    seen: list[object] = []

    def written() -> bool:
        seen.append(line.execute("PRAGMA data_version").fetchone())
        return seen[-1] != seen[-2]

    seen.append(line.execute("PRAGMA data_version").fetchone())
    try:
        yield written
    finally:
        line.close()


def fingerprint(app: Flask) -> dict[str, str]:
    """Return a digest of every row of every table."""
    with app.app_context(), store.reading() as session:
        return {table.name: _digest(session, table) for table in Table.metadata.sorted_tables}


def _digest(session: Session, table: Any) -> str:  # noqa: ANN401 - SQLAlchemy's FromClause
    rows = sorted(repr(tuple(row)) for row in session.execute(select(table)))
    return f"{len(rows)} rows, {hashlib.sha256(chr(10).join(rows).encode()).hexdigest()}"
