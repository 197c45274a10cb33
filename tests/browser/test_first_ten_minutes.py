"""The whole path on a phone, 390 by 844: from the printed link to a reader who has left."""

from __future__ import annotations

import json
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from playwright.sync_api import Page, expect

from tests.browser.watched import Watched
from tests.fakes import running_up
from tests.fakes.running_up import Running

READER = "anna@gmail.com"
LETTER = """# Buns from seven

Dear {{ subscriber.first_name | default: "friend" }},

the oven is warm. [See what we bake](https://cafe.example/bread).
"""


class Owner:
    """The owner's browser, with the few things she does again and again."""

    def __init__(self, page: Page, people: Watched, instance: Running) -> None:
        self.page = page
        self.people = people
        self.site = f"http://localhost:{instance.port}"

    def goes_to(self, place: str) -> None:
        self.page.goto(f"{self.site}{place}")

    def reads_mail(self, subject: str) -> EmailMessage:
        """Open the newest mail with this subject in the practice inbox and return its very bytes."""
        found = self.page.get_by_role("link", name=re.compile(subject)).first
        for _ in range(40):
            self.goes_to("/studio/inbox")
            if found.count():
                break
            self.page.wait_for_timeout(250)
        found.click()
        self.people.inspect(self.page, f"mail {subject}")
        with self.page.expect_download() as handed:
            self.page.get_by_role("button", name="Download").click()
        return message_from_bytes(handed.value.path().read_bytes(), EmailMessage, policy=policy.default)


@pytest.mark.timeout(240)
def test_from_the_printed_link_to_a_reader_who_has_left(people: Watched, instance: Running) -> None:
    with people.context() as hers, people.context(javascript=False) as readers:
        owner = Owner(hers.new_page(), people, instance)
        _signs_in(owner, instance.greeting["sign_in"])
        form = _names_the_business(owner)
        _reader_confirms(readers.new_page(), owner, form)
        _sees_the_proof(owner)
        _writes_and_checks(owner)
        _sends_a_test(owner)
        _sends(owner, "Buns from seven")
        mail = owner.reads_mail("Buns from seven")
        _demand_what_a_letter_must_be(mail)
        _reader_leaves(readers.new_page(), people, mail)
        _is_left_out_of_the_next(owner, instance)
        _asks_about_a_domain(owner)
    assert len(people.inspected) >= 18


def _signs_in(owner: Owner, link: str) -> None:
    owner.page.goto(link)
    owner.people.inspect(owner.page, "one-time link")
    owner.page.get_by_role("main").get_by_role("button").click()
    expect(owner.page).to_have_url(re.compile("/studio/setup"))


def _names_the_business(owner: Owner) -> str:
    page = owner.page
    owner.people.inspect(page, "first run")
    page.locator("[name=legal_name]").fill("Café Kardemomme")
    page.locator("[name=postal_address]").fill("Havnegade 1\n1058 Copenhagen")
    page.locator("[name=from_address]").fill("hello@cafe.example")
    page.get_by_role("button", name="Make my list").click()
    expect(page.get_by_text("Your list and its sign-up form are ready").first).to_be_visible()
    owner.people.inspect(page, "sign-up form")
    owner.goes_to("/studio/")
    owner.people.inspect(page, "home")
    form = page.locator("input[readonly][value*='/f/']").first.get_attribute("value")
    assert form
    return form


def _reader_confirms(page: Page, owner: Owner, form: str) -> None:
    page.goto(form)
    assert page.get_by_role("textbox").count() == 1
    page.get_by_label("Your e-mail address").fill("anna@gmail")
    page.get_by_role("button").click()
    expect(page.get_by_label("Your e-mail address")).to_have_value("anna@gmail")
    page.get_by_label("Your e-mail address").fill(READER)
    # No person is quicker, and a machine would be asked for one more step.
    page.wait_for_timeout(2_100)
    page.get_by_role("button").click()
    asked = owner.reads_mail("code")
    assert asked["list-unsubscribe"] is None
    assert asked["auto-submitted"] == "auto-generated"
    plain = asked.get_body(("plain",))
    assert plain is not None
    link = re.search(r"http://localhost:\d+/c/\S+", plain.get_content())
    assert link
    with owner.page.context.expect_page() as opened:
        owner.page.evaluate("address => window.open(address)", link[0])
    for name, looked_at in (("form", form), ("confirm", link[0])):
        opened.value.goto(looked_at)
        owner.people.inspect(opened.value, name)
    opened.value.close()
    page.goto(link[0])
    page.get_by_role("button").click()
    expect(page.get_by_role("heading").first).to_be_visible()
    assert page.context.cookies() == []


def _sees_the_proof(owner: Owner) -> None:
    owner.goes_to("/studio/lists")
    owner.people.inspect(owner.page, "people")
    owner.page.get_by_role("main").get_by_role("link", name=re.compile("News")).first.click()
    owner.people.inspect(owner.page, "list")
    owner.page.get_by_role("link", name=READER).first.click()
    expect(owner.page.get_by_text("Consent proof").first).to_be_visible()
    expect(owner.page.get_by_text("Yes please: Café Kardemomme may send me").first).to_be_visible()
    owner.people.inspect(owner.page, "person")


def _writes_and_checks(owner: Owner) -> None:
    page = owner.page
    owner.goes_to("/studio/letters/new")
    owner.people.inspect(page, "new letter")
    page.get_by_role("button", name="Write").click()
    expect(page).to_have_url(re.compile("/studio/letters/cmp_"))
    page.get_by_role("link", name="Check").click()
    expect(page.get_by_text("The letter has no subject.")).to_be_visible()
    owner.people.inspect(page, "checks")
    page.get_by_role("link", name="Write", exact=True).click()
    page.locator("#markdown").fill("Dear {{ subscriber.first_name }}, [here](https://)")
    expect(page.locator("[data-state]")).to_have_attribute("data-state", "saved")
    page.get_by_role("link", name="Check").click()
    expect(page.get_by_text("leaves a hole when subscriber.first_name is not known").first).to_be_visible()
    expect(page.get_by_text("names no website").first).to_be_visible()
    page.get_by_role("link", name="Write", exact=True).click()
    page.locator("#subject").fill("Buns from seven")
    page.locator("#preheader").fill("Warm, and only today")
    page.locator("#markdown").fill(LETTER)
    expect(page.locator("[data-state]")).to_have_attribute("data-state", "saved")
    page.get_by_role("link", name="See").click()
    expect(page.frame_locator("iframe").first.get_by_role("heading", name="Buns from seven")).to_be_visible()
    owner.people.inspect(page, "preview")


def _sends_a_test(owner: Owner) -> None:
    page = owner.page
    letter = page.url
    page.get_by_role("link", name="Check").click()
    page.get_by_label("Send a test to").fill("me@cafe.example")
    page.get_by_role("button", name="Send test").click()
    test = owner.reads_mail(r"\[TEST\] Buns from seven")
    assert test["to"] == "me@cafe.example"
    page.goto(letter)


def _sends(owner: Owner, subject: str) -> None:
    page = owner.page
    page.get_by_role("button", name=re.compile("Send…")).click()
    owner.people.inspect(page, f"send {subject}")
    page.get_by_role("button", name="Send it to 1 person").click()
    # For ten minutes it could be taken back; she does not wait.
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    owner.people.inspect(page, "held")
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_text("1 of 1 sent")).to_be_visible(timeout=20_000)
    owner.people.inspect(page, "progress")


def _demand_what_a_letter_must_be(mail: EmailMessage) -> None:
    assert mail.defects == []
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Unsubscribe", "List-Id"):
        assert len(mail.get_all(name, [])) == 1, name
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    for part in (plain.get_content(), html.get_content()):
        assert "Havnegade 1" in part
        assert "You get this because you said yes" in " ".join(part.split())
        assert "Primary" in part
        assert "Dear friend" in part
        assert "{{" not in part
    assert re.search(r"<h1[^>]* style=", html.get_content())


def _reader_leaves(page: Page, people: Watched, mail: EmailMessage) -> None:
    address = mail["list-unsubscribe"].strip("<>")
    page.goto(address)
    page.get_by_role("button").first.click()
    expect(page.get_by_role("heading").first).to_be_visible()
    assert page.context.cookies() == []
    with people.context() as looking:
        second = looking.new_page()
        second.goto(address)
        people.inspect(second, "unsubscribe")


def _is_left_out_of_the_next(owner: Owner, instance: Running) -> None:
    shown = running_up.command("subscriber", "show", READER, "--data", str(instance.data), "--json")
    assert [row["state"] for row in json.loads(shown.stdout)["subscriptions"]] == ["unsubscribed"]
    owner.goes_to("/studio/letters/new")
    owner.page.get_by_role("button", name="Begin with it").last.click()
    owner.page.get_by_role("button", name=re.compile("Send…")).click()
    expect(owner.page.get_by_text("nobody on this list who may be mailed").first).to_be_visible()
    assert owner.page.get_by_role("button", name=re.compile("Send it to")).count() == 0
    owner.people.inspect(owner.page, "nothing to send")


def _asks_about_a_domain(owner: Owner) -> None:
    for place, name in (
        ("/studio/domains", "domains"),
        ("/studio/settings", "settings"),
        ("/studio/security", "security"),
        ("/studio/letters", "letters"),
        ("/studio/inbox", "inbox"),
    ):
        owner.goes_to(place)
        owner.people.inspect(owner.page, name)
