"""Rules in the studio: whose hold for a list, how lists end and merge, whom nobody mails, what a person can ask."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import jurisdiction, mailing_list, retention_preset, signup_form, subscription, suppression
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Suppression
from listkeeper.foundation import caught_mail, clock
from listkeeper.settings import Settings
from tests.fakes.databases import Database
from tests.makers import cafe, gate, studio
from tests.makers.cafe import Cafe
from tests.makers.studio import StudioBrowser, words

ANNA, BO = "anna@people.example", "bo@people.example"


@pytest.fixture
def browser(app: Flask, database: Database) -> StudioBrowser:
    """The owner of a café with two lists: Anna is on both, Bo on one."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        cafe.subscribe(session, made, ANNA)
        bread = mailing_list.create(session, made.organisation, name="Bread club")
        club = Cafe(made.organisation, made.owner, bread, signup_form.create(session, made.organisation, bread))
        for address in (ANNA, BO):
            cafe.subscribe(session, club, address)
    return studio.signed_in(app)


def _list(app: Flask, slug: str = "news") -> str:
    with app.app_context(), store.reading() as session:
        found = session.scalars(select(MailingList).where(MailingList.slug == slug)).one()
        return f"/studio/lists/{found.public_id}"


def _person(app: Flask, address: str = ANNA) -> str:
    with app.app_context(), store.reading() as session:
        found = session.scalars(select(Subscriber).where(Subscriber.email_key == address)).one()
        return f"/studio/people/{found.public_id}"


def _logged(app: Flask) -> list[str]:
    with app.app_context(), store.reading() as session:
        return [row.action for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def _ledger(app: Flask) -> list[dict[str, object]]:
    with app.app_context(), store.reading() as session:
        return [json.loads(row.record) for row in session.scalars(select(LedgerRow).order_by(LedgerRow.seq))]


def _gate(app: Flask, address: str, slug: str = "news") -> str:
    with app.app_context(), store.transaction() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.email_key == address)).one()
        return gate.says(session, person, session.scalars(select(MailingList).where(MailingList.slug == slug)).one())


# The rules


def test_the_rules_are_told_with_source_and_day_and_what_nobody_checked_is_not_told(
    app: Flask, browser: StudioBrowser
) -> None:
    page = browser.get(f"{_list(app)}/settings")
    shown = words(page)
    assert "Strictest (Denmark, Germany and Poland together)" in shown
    rules = jurisdiction.profile("strictest", clock.now().date()).rules
    for rule in rules:
        if rule.active and rule.verified:
            assert rule.plain in shown
            assert f"{rule.source} · checked on {rule.checked_on}" in shown
    unchecked = [rule for rule in rules if rule.active and not rule.verified]
    assert unchecked
    assert shown.count("Not checked yet. Do not rely on it.") == len(unchecked)
    assert not any(rule.plain and rule.plain in shown for rule in unchecked)


def test_other_rules_hold_at_once_and_say_whom_they_shut_out(app: Flask, browser: StudioBrowser) -> None:
    address = _list(app)
    assert browser.post(f"{address}/rules", {"jurisdiction": "ru"}).status_code == 303
    shown = words(browser.get(f"{address}/settings"))
    assert "1 confirmed person gets no letters" in shown
    assert "The form “news” does not ask for all that the rules want." in shown
    assert _gate(app, ANNA) == "missing_second_consent"
    assert browser.post(f"{address}/rules", {"jurisdiction": "dk"}).status_code == 303
    assert _gate(app, ANNA) == gate.GRANTED
    assert _logged(app)[-1] == "list.rules_chosen"
    assert browser.post(f"{address}/rules", {"jurisdiction": "atlantis"}).status_code == 422


def test_a_list_gets_another_name(app: Flask, browser: StudioBrowser) -> None:
    address = _list(app)
    assert browser.post(f"{address}/name", {"name": "Warm news"}).status_code == 303
    assert "Warm news" in words(browser.get("/studio/lists"))
    assert browser.post(f"{address}/name", {"name": "Bread club"}).status_code == 422
    assert browser.post(f"{address}/name", {"name": ""}).status_code == 422


# The end of a list


def test_a_closed_list_mails_nobody_and_opens_again(app: Flask, browser: StudioBrowser) -> None:
    address = _list(app)
    assert browser.post(f"{address}/archive", {"state": "archived"}).status_code == 303
    assert _gate(app, ANNA) == "list_inactive"
    assert app.test_client().get("/f/news").status_code == 404
    assert "This list is closed" in words(browser.get(address))
    assert browser.post(f"{address}/archive", {"state": "active"}).status_code == 303
    assert _gate(app, ANNA) == gate.GRANTED
    assert _logged(app)[-2:] == ["list.archived", "list.opened"]


def test_deleting_asks_whether_one_is_sure_and_keeps_the_proof(app: Flask, browser: StudioBrowser) -> None:
    address, person = _list(app), _person(app)
    refused = browser.post(f"{address}/delete")
    assert refused.status_code == 422
    assert "Nothing was changed" in words(refused)
    assert browser.post(f"{address}/delete", {"sure": "yes"}).status_code == 303
    assert browser.get(address).status_code == 404
    assert "Bread club" in words(browser.get("/studio/lists"))
    assert _gate(app, ANNA) == "list_inactive"
    assert browser.post(f"{person}/proof").status_code == 200
    assert [row["type"] for row in _ledger(app)].count("list.tombstoned") == 1
    with app.app_context(), store.reading() as session:
        states = session.scalars(select(MailingList.state).order_by(MailingList.id)).all()
        assert states == [ListState.TOMBSTONED, ListState.ACTIVE]


def test_a_merge_is_told_before_and_done_by_a_button(app: Flask, browser: StudioBrowser) -> None:
    news, bread = _list(app), _list(app, "bread-club")
    into = news.rpartition("/")[2]
    told = words(browser.get(f"{bread}/settings?into={into}"))
    assert "Move 1 Are on both 1 Have left one 0 Stay here 0" in told
    assert _gate(app, BO) == "no_basis"
    answer = browser.post(f"{bread}/merge", {"into": into})
    assert answer.status_code == 303
    assert "2 people moved to “News”." in words(browser.get(answer.location))
    assert _gate(app, BO) == gate.GRANTED
    assert _logged(app)[-1] == "list.merged"
    assert browser.post(f"{bread}/merge", {"into": bread.rpartition("/")[2]}).status_code == 422
    assert browser.post(f"{bread}/merge", {"into": "lst_nothing"}).status_code == 404


# Permissions


def test_how_long_proof_is_kept_is_chosen_with_a_reason(app: Flask, browser: StudioBrowser) -> None:
    page = words(browser.get("/studio/permissions"))
    for preset in retention_preset.offered(clock.now().date()):
        assert preset.label in page
    assert "You have not chosen yet" in page
    assert browser.post("/studio/permissions/proof", {"preset": "DK-24m", "reason": " "}).status_code == 422
    assert browser.post("/studio/permissions/proof", {"preset": "forever", "reason": "x"}).status_code == 422
    chosen = {"preset": "DK-24m", "reason": "Claims can be made for two years."}
    assert browser.post("/studio/permissions/proof", chosen).status_code == 303
    row = _ledger(app)[-1]
    assert (row["type"], row["details"]) == ("retention.chosen", chosen)
    assert str(row["actor"]).startswith("user:")
    assert "Claims can be made for two years.</textarea>" in browser.get("/studio/permissions").text


def test_the_owner_is_warned_before_permissions_end(app: Flask, browser: StudioBrowser) -> None:
    assert "within 30 days" not in words(browser.get("/studio/"))
    with app.app_context(), store.transaction() as session:
        for held in session.scalars(select(subscription.Subscription)):
            held.valid_until = clock.now() + timedelta(days=10)
    for path in ("/studio/", "/studio/permissions"):
        assert "News 1 permission ends within 30 days" in words(browser.get(path))


def test_an_address_is_looked_up_without_a_trace_of_it(app: Flask, browser: StudioBrowser) -> None:
    before = len(_logged(app))
    answer = browser.post("/studio/permissions/never/search", {"address": "Nobody@people.example"})
    assert answer.status_code == 200
    assert "This address is not on it." in words(answer)
    assert browser.get("/studio/permissions/never/search").status_code == 405
    assert browser.post("/studio/permissions/never/search", {"address": "no address"}).status_code == 422
    assert len(_logged(app)) == before


def test_an_address_is_added_by_hand_for_two_reasons_alone(app: Flask, browser: StudioBrowser) -> None:
    assert browser.post("/studio/permissions/never", {"address": ANNA, "reason": "legal"}).status_code == 303
    assert _gate(app, ANNA) == "suppressed"
    found = words(browser.post("/studio/permissions/never/search", {"address": "ANNA@people.example"}))
    assert "for legal reasons · every letter" in found
    assert "1 for legal reasons" in words(browser.get("/studio/permissions"))
    for reason in ("complaint", "unsub", "erasure", "not_me", "", "x"):
        assert browser.post("/studio/permissions/never", {"address": BO, "reason": reason}).status_code == 422
    assert browser.post("/studio/permissions/never", {"address": "nobody", "reason": "manual"}).status_code == 422
    assert _gate(app, BO, "bread-club") == gate.GRANTED
    with app.app_context(), store.reading() as session:
        (row,) = session.scalars(select(Suppression)).all()
        assert row.actor.startswith("user:")
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (entry.action, "@" in entry.subject) == ("suppression.added", False)


def test_nothing_can_be_lifted_and_the_page_says_why(app: Flask, browser: StudioBrowser) -> None:
    page = words(browser.get("/studio/permissions"))
    assert "Nothing can be taken off here." in page
    assert "they sign up again and confirm it" in page
    verbs = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/studio/permissions")}
    assert verbs == {
        "/studio/permissions", "/studio/permissions/proof", "/studio/permissions/never",
        "/studio/permissions/never/search",
    }  # fmt: skip


# For a person who asks


def test_somebody_held_back_gets_nothing_until_it_ends(app: Flask, browser: StudioBrowser) -> None:
    address = _person(app)
    assert browser.post(f"{address}/restrict").status_code == 303
    assert _gate(app, ANNA) == "restricted"
    assert "Held back: nothing is sent and nothing is deleted." in words(browser.get(address))
    assert browser.post(f"{address}/unrestrict").status_code == 303
    assert _gate(app, ANNA) == gate.GRANTED
    assert _logged(app)[-2:] == ["subscriber.restricted", "subscriber.unrestricted"]
    told = [row for row in _ledger(app) if str(row["type"]).startswith("subscriber.")]
    assert [str(row["actor"]).partition(":")[0] for row in told] == ["user", "user"]


def test_somebody_taken_off_everything_comes_back_by_herself_alone(app: Flask, browser: StudioBrowser) -> None:
    address = _person(app)
    assert browser.post(f"{address}/stop").status_code == 303
    for slug in ("news", "bread-club"):
        assert _gate(app, ANNA, slug) == "withdrawn"
    assert "Never mailed: unsubscribed." in words(browser.get(address))
    assert _logged(app)[-1] == "subscriber.stopped"
    with app.app_context(), store.transaction() as session:
        cafe.subscribe(session, studio.the_cafe(session), ANNA)
    assert _gate(app, ANNA) == gate.GRANTED
    assert _gate(app, ANNA, "bread-club") == "withdrawn"


def test_forgetting_asks_first_and_leaves_no_address(app: Flask, browser: StudioBrowser, settings: Settings) -> None:
    address = _person(app)
    practice = settings.data_folder / "practice"
    mail = f"To: {ANNA}\r\nSubject: Buns\r\n\r\nWarm.\r\n".encode()
    caught_mail.write(practice, mail, "hello@cafe.example", [ANNA])
    page = words(browser.get(f"{address}/erase"))
    assert "What goes, for good" in page
    assert "What stays, and why" in page
    assert browser.post(f"{address}/erase").status_code == 422
    assert browser.get(address).status_code == 200
    assert browser.post(f"{address}/erase", {"sure": "yes"}).status_code == 303
    assert browser.get(address).status_code == 404
    with app.app_context(), store.reading() as session:
        key = suppression.key_of(studio.the_cafe(session).organisation.id, ANNA)
        reasons = suppression.reasons(session, studio.the_cafe(session).organisation.id, key)
        assert [row.reason.value for row in reasons] == ["erasure"]
        assert [person.email_key for person in session.scalars(select(Subscriber))] == [BO]
    assert ANNA not in "".join(path.read_text(errors="replace") for path in practice.rglob("*") if path.is_file())
    assert _logged(app)[-1] == "subscriber.erased"
    assert browser.post(f"{address}/erase", {"sure": "yes"}).status_code == 404


@pytest.mark.parametrize("act", ["restrict", "unrestrict", "stop", "erase"])
def test_nothing_is_done_to_a_person_by_looking_or_without_the_token(
    app: Flask, browser: StudioBrowser, act: str
) -> None:
    address = f"{_person(app)}/{act}"
    assert browser.client.post(address, data={"sure": "yes"}).status_code in {302, 303, 400, 403}
    assert app.test_client().post(address, data={"sure": "yes"}).status_code in {302, 303, 400, 401, 403}
    if act != "erase":
        assert browser.get(address).status_code == 405
    assert _gate(app, ANNA) == gate.GRANTED


def test_the_people_of_the_demo_are_left_alone(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        session.scalars(select(Subscriber).where(Subscriber.email_key == ANNA)).one().demo = True
    address, before = _person(app), len(_ledger(app))
    assert "When they ask you" not in words(browser.get(address))
    for act in ("restrict", "stop", "erase"):
        assert browser.post(f"{address}/{act}", {"sure": "yes"}).status_code == 409
    assert len(_ledger(app)) == before
