"""A domain's page on both databases: what to publish in whose form, what lies behind it, and what is only tried."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import parts, store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.deliverability import dkim_key, key_rotation
from listkeeper.deliverability.domain_check import DomainCheck
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import lanes, sending
from listkeeper.settings import Settings
from tests.architecture import routes
from tests.fakes import dns_server
from tests.fakes.databases import Database
from tests.fakes.dns_server import DnsServer
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

IP = "192.0.2.7"
BARE: dict[str, dict[str, list[str]]] = {
    "cafe.example": {"NS": ["a.ns.cloudflare.com.", "b.ns.cloudflare.com."], "MX": ["10 mx.cafe.example."]},
    "mx.cafe.example": {"A": ["192.0.2.25"]},
    "7.2.0.192.in-addr.arpa": {"PTR": ["out.cafe.example."]},
    "out.cafe.example": {"A": [IP]},
}


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server whose zone has mail and nothing about sending."""
    with dns_server.serving(BARE) as server:
        yield server


@pytest.fixture
def browser(app: Flask, settings: Settings, database: Database, names: DnsServer) -> StudioBrowser:
    """The owner of a café that sends from one address."""
    del database
    known = settings.model_copy(update={"dns_server": names.address, "egress": (IP,)})
    app.config["LISTKEEPER"] = known
    parts.open_all(known)
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


def add(browser: StudioBrowser, name: str = "cafe.example") -> str:
    answer = browser.post("/studio/domains", {"name": name})
    assert answer.status_code == 303, words(answer)
    return str(answer.location)


def publish(app: Flask, names: DnsServer, spf: str = f"v=spf1 ip4:{IP} -all", **more: dict[str, list[str]]) -> None:
    """Publish all that is asked for, with our key as it is."""
    zone = {**BARE, "cafe.example": {**BARE["cafe.example"], "TXT": [spf]}}
    zone["_dmarc.cafe.example"] = {"TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@cafe.example"]}
    with app.app_context(), store.reading() as session:
        domain = session.scalars(select(SendingDomain)).one_or_none()
        for key in session.scalars(select(dkim_key.DkimKey)) if domain else ():
            zone[f"{key.selector}._domainkey.cafe.example"] = {"TXT": [key.record]}
    names.publish(zone | more)


def green(app: Flask, browser: StudioBrowser, names: DnsServer) -> str:
    """Bring the domain to where it is signed for."""
    address = add(browser)
    publish(app, names)
    browser.post(f"{address}/check")
    browser.post(f"{address}/signing", {"sign": "yes"})
    return address


def copied(browser: StudioBrowser, address: str) -> list[str]:
    return re.findall(r'<lk-copy text="([^"]*)"', browser.get(address).text)


def test_the_host_is_named_and_each_record_is_in_its_form(browser: StudioBrowser) -> None:
    address = add(browser)
    shown = words(browser.get(address))
    assert "You can send: no, 3 problems." in shown
    assert "The records of cafe.example are kept by Cloudflare." in shown
    assert "DNS → Records → Add record" in shown
    texts = copied(browser, address)
    # Cloudflare's field takes the name without the zone, and calls the value its content.
    assert {"@", "lk1._domainkey", "_dmarc", f"v=spf1 mx ip4:{IP} ~all", "v=DMARC1; p=none"} <= set(texts)
    assert "Content v=spf1 mx" in shown
    # The others are there, folded.
    assert any(text.startswith("cafe.example. 3600 IN TXT &#34;v=spf1 mx") for text in texts)


def test_what_is_published_already_is_kept_in_the_one_record(browser: StudioBrowser, names: DnsServer) -> None:
    old = "v=spf1 include:relay.example -all"
    names.publish({
        **BARE,
        "cafe.example": {**BARE["cafe.example"], "TXT": [old]},
        "relay.example": {"TXT": ["v=spf1 ip4:198.51.100.0/24 -all"]},
    })  # fmt: skip
    shown = words(browser.get(add(browser)))
    assert f"It takes the place of this record, which must go. There may be only one: {old}" in shown
    assert f"v=spf1 include:relay.example ip4:{IP} -all" in shown
    assert "1 look-up" in shown


def test_a_record_that_would_need_an_eleventh_look_up_is_refused_in_words(
    browser: StudioBrowser, names: DnsServer
) -> None:
    relays = {f"relay{number}.example": {"TXT": ["v=spf1 ip4:198.51.100.1 -all"]} for number in range(11)}
    record = f"v=spf1 {' '.join(f'include:{name}' for name in relays)} -all"
    names.publish({**BARE, "cafe.example": {**BARE["cafe.example"], "TXT": [record, "v=spf1 mx -all"]}, **relays})
    address = add(browser)
    shown = words(browser.get(address))
    assert "No record is proposed." in shown
    assert "look-ups and receivers stop at 10" in shown
    assert not any(text.startswith("v=spf1") for text in copied(browser, address))


def test_the_web_person_gets_all_of_it_in_one_text(browser: StudioBrowser) -> None:
    page = browser.get(add(browser)).text
    assert "nslookup -type=TXT lk1._domainkey.cafe.example" in page


def test_it_is_mailed_to_the_web_person_as_it_was_read(
    app: Flask, browser: StudioBrowser, names: DnsServer, smtp_sink: SmtpSink
) -> None:
    address = add(browser)
    shown = re.search(r"<pre class=\"plain\">(We send our newsletter.*?)</pre>", browser.get(address).text, re.DOTALL)
    assert shown is not None
    assert "An address has an @ in it" in words(
        browser.post(f"{address}/request", {"to": "nobody"}, follow_redirects=True)
    )
    sent = browser.post(f"{address}/request", {"to": " web@person.example "}, follow_redirects=True)
    assert "The mail is on its way to web@person.example." in words(sent)
    with app.app_context():
        lanes.work(Lane.URGENT.value)
        sending.hang_up()
    [kept] = smtp_sink.messages
    assert (kept.rcpt_tos, kept.message["Subject"]) == (
        ("web@person.example",), "Please publish 3 DNS records for cafe.example",
    )  # fmt: skip
    plain, page = (kept.message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert page is not None
    written = plain.get_content().replace("\r\n", "\n")
    assert written.startswith(html.unescape(shown.group(1)).rstrip())
    key = next(html.unescape(value) for value in copied(browser, address) if "p=MII" in value)
    assert any(line.endswith(key) for line in written.splitlines())
    assert "white-space: pre-wrap" in page.get_content()
    publish(app, names)
    browser.post(f"{address}/check")
    gone = browser.post(f"{address}/request", {"to": "web@person.example"}, follow_redirects=True)
    assert "There is nothing to publish any more." in words(gone)


def test_what_only_providers_show_is_typed_in_and_stands_on_the_scorecard(browser: StudioBrowser) -> None:
    address = add(browser)
    assert "Type it in from there." in words(browser.get(address))
    saved = browser.post(f"{address}/figures", {"rate": "0,05", "yahoo": "1"}, follow_redirects=True)
    assert "Saved." in words(saved)
    assert "0.05 % of the mails were reported as spam; it must be below 0.10 %." in words(saved)
    assert 'value="0.050"' in saved.text
    refused = browser.post(f"{address}/figures", {"rate": "much"}, follow_redirects=True)
    assert "Write the rate in per cent, from 0 to 100." in words(refused)
    assert "0.05 % of the mails" in words(refused)


def test_requests_count_among_the_tests_of_the_hour(browser: StudioBrowser) -> None:
    address = add(browser)
    answers = [browser.post(f"{address}/request", {"to": "w@p.example"}, follow_redirects=True) for _ in range(21)]
    assert ["The mail is on its way" in words(answer) for answer in answers] == [True] * 20 + [False]
    assert "20 test mails have gone out this hour" in words(answers[-1])


def test_a_sub_domain_is_recommended_where_there_is_other_mail_and_set_up_by_one_press(
    browser: StudioBrowser, names: DnsServer
) -> None:
    names.publish({**BARE, "news.cafe.example": {"A": ["192.0.2.80"]}})
    shown = words(browser.get(add(browser)))
    # "news" is taken by a web server.
    assert "Set up mail.cafe.example" in shown
    below = add(browser, "mail.cafe.example")
    assert "A better name to send as" not in words(browser.get(below))
    # The name does not exist yet, and all it needs is asked for at once, by its name in front of the zone.
    assert "The name itself comes into being" in words(browser.get(below))
    assert {"mail", "lk1._domainkey.mail", f"v=spf1 ip4:{IP} ~all"} <= set(copied(browser, below))
    assert "Something new" not in words(browser.get(f"{below}/live"))
    names.publish({**BARE, "mail.cafe.example": {"TXT": [f"v=spf1 ip4:{IP} ~all"]}})
    assert "Something new" in words(browser.get(f"{below}/live"))


def test_green_is_said_with_its_time_and_nothing_is_left_to_publish(
    app: Flask, browser: StudioBrowser, names: DnsServer
) -> None:
    shown = words(browser.get(green(app, browser, names)))
    assert "You can send: yes. checked" in shown
    assert "Check again" in shown
    assert "Publish this" not in shown
    assert "Receivers are asked to refuse forged mail (reject). That stands at _dmarc.cafe.example." in shown
    assert "d= cafe. example relaxed fits strict fits" in shown
    assert "MAIL FROM cafe. example relaxed fits strict fits" in shown
    assert "signs your letters published" in shown
    assert "There is a DMARC record, and our mail speaks for the domain in From G2 Gmail: passes Yahoo: passes" in shown
    # Complaints cannot be known from records, and are never green by default.
    assert "Few readers report the mail as spam G5 Gmail: not known yet Yahoo: not known yet" in shown
    assert re.search(r"Apple \d+ pass, 0 fail", shown)
    assert "cafe.example Right" in words(browser.get("/studio/domains"))


def test_a_check_that_could_not_be_made_is_never_a_yes(app: Flask, browser: StudioBrowser, names: DnsServer) -> None:
    address = green(app, browser, names)
    names.refused = {"_dmarc.cafe.example"}
    browser.post(f"{address}/check")
    shown = words(browser.get(address))
    assert "You can send: not known, because" in shown
    assert "What could not be checked" in shown
    assert "cafe.example Unknown" in words(browser.get("/studio/domains"))


def test_a_silent_dns_is_said_once_and_its_checks_are_folded(browser: StudioBrowser, names: DnsServer) -> None:
    address = add(browser)
    assert "A better name to send as" in words(browser.get(address))
    names.refused = {"*"}
    browser.post(f"{address}/check")
    page = browser.get(address)
    shown = words(page)
    assert "A better name to send as" not in shown
    assert "You can send: not known, because the DNS gave no answer." in shown
    said = re.search(r"The DNS gave no answer, so (\d+) checks could not be made\.", shown)
    assert said is not None
    part = page.text.partition("What could not be checked")[2].partition("</article>")[0]
    # Each of them is there, behind the one sentence, and nothing beside it.
    before, folded, after = (*part.partition("<details>")[:2], part.rpartition("</details>")[2])
    assert (folded, "Unknown whether" in before, "Unknown whether" in after) == ("<details>", False, False)
    assert part.count("Unknown whether") == int(said.group(1))
    assert "Right" not in part


def test_looking_changes_nothing_and_notices_what_is_new(app: Flask, browser: StudioBrowser, names: DnsServer) -> None:
    address = add(browser)
    before = routes.fingerprint(app)
    answer = browser.get(f"{address}/live?looked=3", headers={"HX-Request": "true"})
    assert "live?looked=4" in answer.text
    publish(app, names)
    answer = browser.get(f"{address}/live?looked=4", headers={"HX-Request": "true"})
    assert "Something new is published." in words(answer)
    assert f'hx-post="{address}/check"' in answer.text
    assert routes.fingerprint(app) == before
    fragment = browser.post(f"{address}/check", {"looked": "5"}, headers={"HX-Request": "true"})
    assert "You can send: yes." in words(fragment)
    assert "<html" not in fragment.text
    assert "live?looked" not in fragment.text


def test_looking_ends_by_itself(browser: StudioBrowser, names: DnsServer) -> None:
    address = add(browser)
    asked = len(names.asked)
    for looked in ("60", "999999999999", "-5x"):
        answer = browser.get(f"{address}/live?looked={looked}")
        assert answer.status_code == 200
        assert ("has stopped looking" in words(answer)) is (looked != "-5x")
    assert len(names.asked) - asked <= 3, "only the one that may still look has asked"
    names.refused = {"*"}
    assert "Something new" not in words(browser.get(f"{address}/live"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Try it"),
        ("hello", "An SPF record begins with v=spf1 and a space."),
        ("v=spf1 +all", "It lets the whole world send as you"),
        ("v=spf1 include:nowhere.example -all", "ends in an error for receivers"),
        (f"v=spf1 ip4:{IP} -all", "Nothing speaks against it"),
        ("v=spf1 " + "x" * 5000, "The record has an error"),
    ],
)
def test_a_record_is_tried_without_being_published(app: Flask, browser: StudioBrowser, typed: str, said: str) -> None:
    address = add(browser)
    before = routes.fingerprint(app)
    whole = browser.get(f"{address}/what-if", query_string={"record": typed})
    part = browser.get(f"{address}/what-if", query_string={"record": typed}, headers={"HX-Request": "true"})
    for answer in (whole, part):
        assert answer.status_code == 200
        assert said in words(answer)
    assert ("<html" in whole.text, "<html" in part.text) == (True, False)
    assert routes.fingerprint(app) == before


def test_a_key_is_changed_step_by_step(app: Flask, browser: StudioBrowser, names: DnsServer) -> None:
    address = add(browser)
    refused = browser.post(f"{address}/key", follow_redirects=True)
    assert "signs with no key yet" in words(refused)
    publish(app, names)
    browser.post(f"{address}/check")
    browser.post(f"{address}/signing", {"sign": "yes"})
    shown = words(browser.post(f"{address}/key", follow_redirects=True))
    assert "The next key is made. Publish its record" in shown
    assert "lk2._domainkey" in copied(browser, address)
    again = browser.post(f"{address}/key", follow_redirects=True)
    assert "is made already" in words(again)
    publish(app, names)
    browser.post(f"{address}/check")
    shown = words(browser.get(address))
    assert "The next key is published. It signs once every receiver can know it: at" in shown
    with app.app_context(), store.reading() as session:
        acts = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "domain.key_made"))
        assert list(acts) == ["domain.key_made"]


def test_an_old_key_is_remembered(app: Flask, browser: StudioBrowser, names: DnsServer) -> None:
    address = green(app, browser, names)
    assert "Time for a new key" not in words(browser.get(address))
    with app.app_context(), store.transaction() as session:
        session.scalars(select(dkim_key.DkimKey)).one().created_at = clock.now() - key_rotation.AGE
    assert "Time for a new key" in words(browser.get(address))


def test_what_changed_is_told_and_each_check_is_evidence(app: Flask, browser: StudioBrowser, names: DnsServer) -> None:
    address = add(browser)
    first = json.loads(browser.get(f"{address}/evidence").text)
    assert first["domain"] == "cafe.example"
    assert first["worst"] == "BLOCK"
    assert first["records"]["cafe.example MX"]["records"] == ["10 mx.cafe.example"]
    assert first["records"]["cafe.example MX"]["server"] == names.address
    publish(app, names)
    browser.post(f"{address}/check")
    shown = words(browser.get(address))
    assert f"TXT cafe.example new v=spf1 ip4:{IP} -all" in shown
    answer = browser.get(f"{address}/evidence")
    assert re.fullmatch(
        r'attachment; filename="cafe\.example-\d{8}-\d{6}\.json"', answer.headers["Content-Disposition"]
    )
    newest = json.loads(answer.text)
    assert {change["name"] for change in newest["changed_since_the_check_before"]} >= {"cafe.example"}
    with app.app_context(), store.reading() as session:
        numbers = list(session.scalars(select(DomainCheck.id).order_by(DomainCheck.id)))
    assert json.loads(browser.get(f"{address}/evidence?check={numbers[0]}").text) == first
    unknown = browser.get(f"{address}/evidence?check=999", follow_redirects=True)
    assert "This check is not kept here." in words(unknown)


def test_days_stand_in_the_chart_by_their_worst(app: Flask, browser: StudioBrowser) -> None:
    address = add(browser)
    with app.app_context(), store.transaction() as session:
        check = session.scalars(select(DomainCheck)).one()
        check.at = clock.now() - timedelta(days=3)
    page = browser.get(address).text
    bars = re.findall(r'<rect x="(\d+)"[^>]*class="(\w+)"><title>([^<]*)</title>', page)
    assert [(x, tone) for x, tone, _ in bars] == [("260", "bad")]
    assert bars[0][2].endswith(": Blocks sending")


def test_a_domain_that_was_never_checked_opens_and_promises_nothing(app: Flask, browser: StudioBrowser) -> None:
    address = add(browser)
    with app.app_context(), store.transaction() as session:
        domain = session.scalars(select(SendingDomain)).one()
        domain.last_checked_at, domain.findings = None, []
        session.delete(session.scalars(select(DomainCheck)).one())
    shown = words(browser.get(address))
    assert "You can send: not known, because its records were never read." in shown
    assert "Right" not in shown
    assert browser.get(f"{address}/evidence").status_code == 303


def test_hostile_records_are_shown_and_do_no_harm(browser: StudioBrowser, names: DnsServer) -> None:
    texts = ["v=spf1 <b>x</b>\x00\xff'\"\\ -all", "<script>alert(1)</script>"]
    names.publish({
        **BARE,
        "cafe.example": {**BARE["cafe.example"], "TXT": texts},
        "_dmarc.cafe.example": {"TXT": ["v=DMARC1; p=<i>", "v=DMARC1;\\x41"]},
    })  # fmt: skip
    answer = browser.get(add(browser))
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<b>x" not in answer.text
