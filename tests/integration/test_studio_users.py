"""More than one user: invited by a mail, let in by its button, held to a role, shut out at once."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import user
from listkeeper.accounts.invitation import LIFETIME, Invitation
from listkeeper.accounts.sign_in_link import SignInLink
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import housekeeping
from listkeeper.sending.delivery import Delivery
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words
from tests.makers.works import HER, Works

GERD = "gerd@cafe.example"


@pytest.fixture
def owner(works: Works) -> StudioBrowser:
    """The owner of a café with one reader."""
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    return studio.signed_in(works.app)


def _invite(works: Works, owner: StudioBrowser, sink: SmtpSink, role: str) -> str:
    answer = owner.post("/studio/settings/users", {"address": GERD, "role": role})
    assert answer.status_code == 303, words(answer)
    works.work(Lane.URGENT, 2)
    mail = [kept for kept in sink.messages if GERD in kept.rcpt_tos][-1]
    body = mail.message.get_body(("plain",))
    assert body is not None
    found = re.search(r"http://localhost:8025(/studio/join/[\w-]+)", body.get_content())
    assert found, body.get_content()
    return found.group(1)


def _join(app: Flask, link: str) -> StudioBrowser:
    browser = StudioBrowser(app)
    answer = browser.post(link)
    assert answer.status_code == 303, words(answer)
    browser._token = None  # noqa: SLF001 - the session is another one now
    return browser


def test_an_invited_editor_comes_in_once_and_is_held_to_the_role(
    works: Works, owner: StudioBrowser, smtp_sink: SmtpSink
) -> None:
    link = _invite(works, owner, smtp_sink, "editor")
    assert GERD in words(owner.get("/studio/settings/users"))
    # The secret of the link is nowhere in the database, and looking at the page uses nothing up.
    token = link.rpartition("/")[2]
    with works.app.app_context(), store.reading() as session:
        (row,) = session.scalars(select(Invitation))
        assert token not in {row.seed, row.digest}
    for _ in range(2):
        assert "Work with Café Kardemomme" in words(StudioBrowser(works.app).get(link))
    gerd = _join(works.app, link)
    assert StudioBrowser(works.app).post(link).status_code == 403
    assert "Hello" in words(gerd.get("/studio/"))
    refused = gerd.post("/studio/settings/users", {"address": "bo@cafe.example", "role": "owner"})
    assert (refused.status_code, "Only an owner" in words(refused)) == (403, True)
    shown = gerd.get("/studio/").text
    for shut in ("/studio/settings", "/studio/domains", "/studio/inbox", "/studio/forms/"):
        assert f'href="{shut}' not in shown
    assert gerd.get("/studio/security").status_code == 200
    chosen = re.search(r'name="list" value="(\w+)"', gerd.get("/studio/letters/new").text)
    assert chosen
    begun = gerd.post("/studio/letters", {"start": "welcome", "list": chosen.group(1)})
    assert gerd.get(str(begun.location)).status_code == 200
    # The same address is not invited twice, and an address that is over is forgotten.
    again = owner.post("/studio/settings/users", {"address": GERD.upper(), "role": "editor"})
    assert (again.status_code, "works here already" in words(again)) == (422, True)
    with works.app.app_context(), store.reading() as session:
        assert session.scalars(select(Invitation.address)).all() == [None]
        assert session.scalars(select(Delivery.message_class).order_by(Delivery.id.desc())).first() == "system"


def test_whoever_is_removed_is_out_at_once_and_the_last_owner_stays(
    works: Works, owner: StudioBrowser, smtp_sink: SmtpSink
) -> None:
    gerd = _join(works.app, _invite(works, owner, smtp_sink, "owner"))
    assert gerd.get("/studio/settings").status_code == 200
    with works.app.app_context(), store.reading() as session:
        people = {each.address: each.public_id for each in user.everyone(session, 1)}
    removed = owner.post(f"/studio/settings/users/{people[GERD]}/remove", follow_redirects=True)
    assert "Removed." in words(removed)
    assert gerd.get("/studio/").status_code == 303
    with works.app.app_context(), store.reading() as session:
        gone = user.addressed(session, GERD)
        assert gone is not None
        assert (gone.active, gone.password) == (False, None)
    last = owner.post(f"/studio/settings/users/{people['owner@cafe.example']}/remove")
    assert (last.status_code, "This is the last owner." in words(last)) == (422, True)
    # What cannot be done is not offered.
    assert "/remove" not in owner.get("/studio/settings/users").text
    # Invited again, as an editor this time: nothing of before comes back.
    back = _join(works.app, _invite(works, owner, smtp_sink, "editor"))
    assert back.get("/studio/settings").status_code == 403


def test_a_withdrawn_invitation_opens_nothing(works: Works, owner: StudioBrowser, smtp_sink: SmtpSink) -> None:
    link = _invite(works, owner, smtp_sink, "editor")
    with works.app.app_context(), store.reading() as session:
        name = session.scalars(select(Invitation.public_id)).one()
    assert owner.post(f"/studio/settings/users/{name}/withdraw").status_code == 303
    assert StudioBrowser(works.app).get(link).status_code == 403
    assert StudioBrowser(works.app).post(link).status_code == 403
    # One that nobody takes up is worthless after a week, and its address is forgotten.
    late = _invite(works, owner, smtp_sink, "editor")
    with works.app.app_context():
        with store.transaction() as session:
            for row in session.scalars(select(Invitation)):
                row.created_at -= LIFETIME
        assert StudioBrowser(works.app).post(late).status_code == 403
        housekeeping.forget_past()
        with store.reading() as session:
            assert session.scalars(select(Invitation)).all() == []
    assert owner.post("/studio/settings/users", {"address": "not an address", "role": "editor"}).status_code == 422
    assert owner.post("/studio/settings/users", {"address": GERD, "role": "king"}).status_code == 422


def test_two_users_are_four_eyes_from_the_studio(works: Works, owner: StudioBrowser, smtp_sink: SmtpSink) -> None:
    gerd = _join(works.app, _invite(works, owner, smtp_sink, "editor"))
    assert "Saved." in words(owner.post("/studio/settings/evidence", {"needs_two": "1"}, follow_redirects=True))
    with works.app.app_context(), store.reading() as session:
        public_id = session.scalars(select(Subscriber).where(Subscriber.email_key == HER)).one().public_id
    person = f"/studio/people/{public_id}"
    assert "Somebody else must release it" in words(owner.post(f"{person}/proof", follow_redirects=True))
    # The second pair of eyes is told on the first screen, may release, and sees nothing of it.
    assert f'href="{person}"' in gerd.get("/studio/").text
    page = gerd.get(person)
    release = re.search(r'action="(/studio/evidence/\w+/release)"', page.text)
    assert release
    assert "Download the proof" not in words(page)
    assert gerd.post(release.group(1)).status_code == 303
    assert gerd.post(f"{person}/proof").status_code == 403
    assert owner.post(f"{person}/proof").content_type == "application/zip"


def test_the_command_line_invites_lists_and_removes(
    works: Works, owner: StudioBrowser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_ = typed.typing(monkeypatch, settings)
    assert type_("user", "invite", GERD, "--json").json["role"] == "editor"
    said = type_("user", "list", "--json").json
    assert [each["role"] for each in said["users"]] == ["owner"]
    assert [each["address"] for each in said["invited"]] == [GERD]
    assert type_("user", "remove", "owner@cafe.example", "--json").error == "last_owner"
    assert type_("user", "remove", "nobody@cafe.example", "--json").error == "no_user"
    with works.app.app_context(), store.transaction() as session:
        user.create(session, written="karl@cafe.example", organisation_id=1, role=user.Role.EDITOR)
    assert (
        type_("link", "--user", "karl@cafe.example", "--json").json["url"].startswith("http://localhost:8025/studio/")
    )
    assert type_("user", "remove", "Karl@cafe.example", "--json").json["removed"] is True
    with works.app.app_context(), store.reading() as session:
        # The link that was printed for him is dead as well.
        assert all(row.used_at for row in session.scalars(select(SignInLink).where(SignInLink.user_id != 1)))
