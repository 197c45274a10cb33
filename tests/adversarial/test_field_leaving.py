"""F12, F13, F15, F16, F17 and F42: what a letter in strange hands can do, and that every way out works."""

from __future__ import annotations

import re
from datetime import timedelta

import dkim as dkimpy
import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list, signup_form, subscriber
from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns import campaign
from listkeeper.deliverability import dkim_key, sending_domain
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import coming_in
from listkeeper.sending import incident, planning
from listkeeper.standards import dkim_key_record
from tests.architecture import routes
from tests.fakes.smtp_sink import Received
from tests.makers import attack, cafe
from tests.makers.cafe import Cafe
from tests.makers.own import Guest, actions
from tests.makers.works import HER, SITE, Works, make_due

BO = "bo@guest.example"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
WISHES = {
    "email": "thief@elsewhere.example", "how": "everything", "sure": "yes", "name": "Mallory", "first_name": "Mallory",
    "confirm": "true", "code": "000000", "days": "30", "frequency": "monthly", "language": "en",
}  # fmt: skip


def _club(session: Session, house: Cafe) -> None:
    """Found a second list with the same reader on it."""
    club = mailing_list.create(session, house.organisation, name="Bread club")
    club.purpose = "bread"
    form = signup_form.create(session, house.organisation, club)
    cafe.subscribe(session, Cafe(house.organisation, house.owner, club, form), HER)


@pytest.fixture
def her(guest: Guest) -> Guest:
    """Somebody on the list."""
    guest.subscribe()
    return guest


def _club_of(works: Works) -> int:
    return works.list_id + 1


def test_field_f12_a_letter_passed_on_leaves_its_own_purpose_at_most_and_she_can_undo_it(her: Guest) -> None:
    her.works.write(_club)
    letter = her.get_letter()
    before = attack.state(her.works.app)
    for rule, method in routes.rules(her.works.app, "GET", "POST"):
        if not {"token", "visit"} & rule.arguments or rule.rule.startswith(("/studio", "/api", "/u/", "/p/")):
            continue
        for path in letter.values():
            place = re.sub(r"<[^>]+>", path.split("/")[2], rule.rule)
            answer = her.client.open(place, method=method, data=WISHES if method == "POST" else None)
            assert HER not in answer.text
            assert answer.mimetype == "text/html"
    # Nothing was erased, exported, renamed or confirmed by any page that is not the letter's own.
    assert attack.changed(before, attack.state(her.works.app)) == set()
    gone = her.client.post(letter["u"])
    assert attack.standing(her.works.app, her.works.list_id) == {HER: "unsubscribed"}
    assert attack.standing(her.works.app, _club_of(her.works)) == {HER: "confirmed"}
    [undo] = [action for action in actions(gone) if action.endswith("/undo")]
    secrets = re.findall(r'name="undo" value="([^"]+)"', gone.text)
    assert her.client.post(undo, data={"undo": secrets}).status_code == 200
    assert attack.standing(her.works.app, her.works.list_id) == {HER: "confirmed"}


def test_field_f13_typing_somebodys_address_takes_nobody_off(her: Guest) -> None:
    """At every public door that takes a POST, in every field that one might think of."""
    fields = dict.fromkeys(("email", "address", "subscriber", "to", "e", "u", "typed"), HER) | ONE_CLICK
    wishes = fields | {"how": "everything", "sure": "yes", "unsubscribe": "1", "action": "unsubscribe", "confirm": "1"}
    before, tried = attack.state(her.works.app, "access_link"), 0
    for rule, _method in routes.rules(her.works.app, "POST"):
        if rule.rule.startswith(("/studio", "/api")):
            continue
        path = re.sub(r"<[^>]+>", HER, rule.rule.replace("<slug>", "news"))
        for asked in (path, f"{path}?email={HER}"):
            assert her.client.post(asked, data=wishes).status_code < 500
            tried += 1
    her.works.work(Lane.URGENT, 3)
    assert tried > 50
    after = attack.state(her.works.app, "access_link")
    # It can cause what a form causes, an entry that leads to nothing and a mail to her own mailbox.
    assert attack.changed(before, after) <= {"signup", "confirmation", "delivery"}
    assert attack.standing(her.works.app, her.works.list_id) == {HER: "confirmed"}
    assert {to for kept in her.sink.messages for to in kept.rcpt_tos} == {HER}


def _every_mail(her: Guest, frozen_clock: time_machine.Traveller) -> list[Received]:
    """Let a mail of each class go out."""
    works = her.works
    works.post(BO)
    frozen_clock.shift(timedelta(minutes=2))
    works.work(Lane.URGENT, 3)
    her.client.post("/f/news", data={"email": HER})
    visit = her.enter()
    her.client.post(f"{visit}/address", data={"email": "freja@new.example"})
    works.work(Lane.URGENT, 3)
    her.get_letter()

    def test_it(session: Session, house: Cafe) -> None:
        letter = campaign.all_of(session, house.organisation)[0]
        planning.mail_test(session, house.organisation, letter, "owner@cafe.example", site=SITE, per_hour=20)

    works.write(test_it)
    works.work(Lane.URGENT, 2)
    return her.sink.messages


def test_field_f15_every_one_click_header_that_goes_out_works(her: Guest, frozen_clock: time_machine.Traveller) -> None:
    frozen_clock.shift(timedelta(days=2))
    sent = _every_mail(her, frozen_clock)
    classes = {row.message_id: row.message_class for row in her.works.deliveries()}
    found = {kind: [kept for kept in sent if classes[str(kept.message["Message-ID"])] is kind] for kind in MessageClass}
    assert {kind for kind, mails in found.items() if mails} == {
        MessageClass.DOI, MessageClass.SERVICE, MessageClass.MARKETING, MessageClass.TEST,
    }  # fmt: skip
    for kind in (MessageClass.DOI, MessageClass.SERVICE):
        # A header that would change nothing is not there to be pressed.
        assert not any("List-Unsubscribe" in name for kept in found[kind] for name in kept.message)
    [letter], [test] = found[MessageClass.MARKETING], found[MessageClass.TEST]
    before = attack.state(her.works.app)
    answer = her.client.post(_one_click(test), data=ONE_CLICK)
    assert answer.status_code == 200
    assert "test" in answer.text.lower()
    assert attack.changed(before, attack.state(her.works.app)) == set()
    assert her.client.post(_one_click(letter), data=ONE_CLICK).status_code == 200
    assert attack.standing(her.works.app, her.works.list_id)[HER] == "unsubscribed"


def _one_click(mail: Received) -> str:
    assert str(mail.message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    [path] = re.findall(rf"<{re.escape(SITE)}(/u/[\w-]+)>", str(mail.message["List-Unsubscribe"]))
    return str(path)


def test_field_f16_every_letter_has_both_headers_its_own_token_and_a_signature_over_them(
    works: Works, her: Guest
) -> None:
    records: dict[bytes, bytes] = {}

    def sign(session: Session, house: Cafe) -> None:
        cafe.subscribe(session, house, BO)
        domain = sending_domain.add(session, house.organisation.id, house.organisation.from_domain)
        sending_domain.keep(domain, [Finding("K3", Severity.INFO, "lk1", "The key is published.")])
        sending_domain.start_signing(session, domain)
        key = dkim_key.of(session, domain.id, domain.selector)
        assert key is not None
        name = dkim_key_record.name_of(domain.selector, domain.name)
        records[f"{name}.".encode()] = dkim_key.ours(key).record.encode()

    works.write(sign)
    for subject in ("Buns", "Rye"):
        works.start(subject)
        works.drain()
    letters = [kept for kept in her.sink.messages if kept.message["List-Id"]]
    assert len(letters) == 4
    assert len({_one_click(kept) for kept in letters}) == 4
    for kept in letters:
        signed = "".join(str(kept.message["DKIM-Signature"]).split()).lower()
        [names] = re.findall(r";h=([^;]+);", signed)
        assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(names.split(":"))
        assert dkimpy.verify(kept.content, dnsfunc=lambda name, **_: records.get(name))
        without = re.sub(rb"(?m)^List-Unsubscribe-Post:[^\n]*\n", b"", kept.content)
        assert without != kept.content
        assert not dkimpy.verify(without, dnsfunc=lambda name, **_: records.get(name))


def test_field_f17_one_click_leaves_the_list_it_names_and_no_other(her: Guest) -> None:
    her.works.write(_club)
    her.get_letter()
    letter = her.sink.to(HER)[-1].message
    assert str(letter["List-Id"]).startswith("News <news.")
    assert her.client.post(_one_click(her.sink.to(HER)[-1]), data=ONE_CLICK).status_code == 200
    assert attack.standing(her.works.app, her.works.list_id) == {HER: "unsubscribed"}
    assert attack.standing(her.works.app, _club_of(her.works)) == {HER: "confirmed"}

    def write_to_club(session: Session, house: Cafe) -> None:
        club = session.get_one(mailing_list.MailingList, _club_of(her.works))
        letter = cafe.draft(session, Cafe(house.organisation, house.owner, club, house.form), subject="To the club")
        planning.send_campaign(session, house.organisation, letter, site=SITE)

    her.works.write(write_to_club)
    her.works.drain()
    assert str(her.sink.to(HER)[-1].message["Subject"]) == "To the club"


# F42


def _wave(guest: Guest, count: int) -> list[str]:
    """Let everybody behind one gateway leave within a second of the letter; return what the goodbye pages held."""
    guest.works.gather(count)
    guest.works.write(lambda session, house: cafe.subscribe(session, house, HER))
    guest.works.start()
    guest.works.drain()
    mails = [kept for kept in guest.sink.messages if kept.message["List-Id"] and HER not in kept.rcpt_tos]
    return [guest.client.post(_one_click(kept)).text for kept in mails]


def test_field_f42_a_wave_of_leaves_behind_one_gateway_raises_an_alarm_and_restores_nobody(guest: Guest) -> None:
    _wave(guest, 8)
    for lane in (Lane.URGENT, Lane.BACKGROUND):
        guest.works.work(lane, 3)
    with guest.works.app.app_context():
        coming_in.look()
    words = guest.works.read(lambda session: [row.words for row in incident.standing(session)])
    assert [said for said in words if "crowd.example" in said], "nobody was told that a gateway seems to have pressed"
    standing = attack.standing(guest.works.app, guest.works.list_id)
    assert {standing.pop(HER)} == {"confirmed"}
    assert set(standing.values()) == {"unsubscribed"}


def test_each_goodbye_page_of_a_wave_offers_undo_and_the_operator_can_restore_nobody(guest: Guest) -> None:
    """What of F42 holds already."""
    pages = _wave(guest, 5)
    assert len(pages) == 5
    assert all(re.search(r'name="undo" value="[^"]+"', page) for page in pages)

    def bring_back(session: Session, house: Cafe) -> None:
        for number in range(1, 6):
            person = subscriber.named(session, house.organisation, f"person-{number}@crowd.example")
            subscriber.restrict(session, person, actor="user:1")
            subscriber.unrestrict(session, person, actor="user:1")

    guest.works.write(bring_back)
    guest.works.write(make_due)
    guest.works.drain()
    assert list(attack.standing(guest.works.app, guest.works.list_id).values()).count("unsubscribed") == 5
