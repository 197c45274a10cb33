"""Reports in the studio: brought, laid beside the send log, said in words; what a stranger wrote is text, no more."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.deliverability import report_intake, sending_domain
from listkeeper.deliverability.dmarc_report import DmarcReport
from listkeeper.deliverability.failure_report import DmarcFailure
from listkeeper.deliverability.report_intake import ReadReport
from listkeeper.deliverability.report_keeping import Refused
from listkeeper.jobs import housekeeping
from listkeeper.settings import Settings
from listkeeper.web.studio import domain_reports
from tests.fakes.databases import Database
from tests.makers import cafe, kept_reports, receiver_reports, studio
from tests.makers.kept_reports import Mail
from tests.makers.studio import StudioBrowser, words

OURS, STRANGER = "192.0.2.1", "192.0.2.90"
SUNDAY = date(2026, 11, 22)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"egress": (OURS,)})


@pytest.fixture
def page(app: Flask, database: Database) -> str:
    """The page of a café's domain, from which 40 mails left on a Sunday."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        domain = sending_domain.add(session, made.organisation.id, "cafe.example")
        kept_reports.left(session, made.organisation, datetime(2026, 11, 22, 9, tzinfo=UTC), 40, domain="cafe.example")
        return f"/studio/domains/{domain.public_id}/reports"


@pytest.fixture
def browser(app: Flask, page: str) -> StudioBrowser:
    return studio.signed_in(app)


def _xml(*mails: Mail, day: date = SUNDAY, number: str = "") -> bytes:
    return kept_reports.xml(day, *mails, domain="cafe.example", number=number)


def _mail(ip: str, count: int, *, passes: bool = True) -> Mail:
    word = "pass" if passes else "fail"
    return Mail(ip, count, word, word, author="cafe.example")


def _bring(browser: StudioBrowser, page: str, *files: tuple[str, bytes], follow: bool = True) -> TestResponse:
    data = {"files": [(io.BytesIO(content), name) for name, content in files]}
    return browser.post(page, data, follow_redirects=follow, content_type="multipart/form-data")


def _kept(app: Flask) -> int:
    with app.app_context(), store.reading() as session:
        return session.scalar(select(func.count()).select_from(DmarcReport)) or 0


def test_without_reports_everything_is_not_known_yet(browser: StudioBrowser, page: str) -> None:
    shown = words(browser.get(page))
    assert "no receiver has reported about mail under cafe.example, so it is not known who sends" in shown
    assert "No receiver has reported yet." in shown
    assert "The policy Not known yet Not known yet whether the policy may be stricter, because no receiver" in shown
    assert "Not known: no sender has reported in the last 30 days." in shown
    assert "<svg viewBox" not in browser.get(page).text


def test_what_was_brought_is_understood(app: Flask, browser: StudioBrowser, page: str) -> None:
    report = _xml(_mail(OURS, 80), _mail(OURS, 3, passes=False), _mail(STRANGER, 17, passes=False))
    tls = kept_reports.tls(("cafe.example", 7, {("mx.cafe.example", "certificate-expired"): 2}))
    failure = receiver_reports.failure(Reported_Domain="cafe.example")
    answer = _bring(browser, page, ("a.xml", report), ("b.gz", receiver_reports.gzipped(report)),
                    ("t.json", tls), ("f.eml", failure))  # fmt: skip
    shown = words(answer)
    assert answer.status_code == 200
    assert "3 reports were added. 1 report was there already and changed nothing." in shown
    assert "17% of the mail under cafe.example in the last 7 days was not yours: 1 source." in shown
    assert "3 mails of your own failed." in shown
    assert f"Look first at: {OURS} (3 mails). Check the domain: mail that left by smtp lacks a proof" in shown
    assert "100 mails · 1 receiver · 20% failed" in shown
    assert "Nov 22, 2026 80 20 40" in shown
    assert f"{OURS} Yours 83 mails 3 failed 3 of 83 have neither" in shown
    assert f"{STRANGER} Not yours 17 mails 17 failed Neither signature (DKIM) nor sender (SPF)" in shown
    assert "dkim · cafe.example · fail" not in shown
    assert "spf · cafe.example · fail" in shown
    assert "192.0.2.9 dmarc reject" in shown
    assert "7 connections were encrypted as they should be. 2 failed." in shown
    assert (
        "mx.cafe.example The certificate of the mail server has expired. Renew it. certificate-expired 2 connections"
        in shown
    )
    with app.app_context(), store.reading() as session:
        acts = select(AuditEntry.subject).where(AuditEntry.action == "report.kept")
        assert list(session.scalars(acts)) == [page.split("/")[3]] * 3


def test_the_chart_shows_what_the_table_says(browser: StudioBrowser, page: str) -> None:
    _bring(browser, page, ("a.xml", _xml(_mail(OURS, 50))),
           ("b.xml", _xml(_mail(OURS, 24), _mail(STRANGER, 1, passes=False), day=date(2026, 11, 21))))  # fmt: skip
    bars = re.findall(
        r'<g class="(\w+)"><rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', browser.get(page).text
    )
    assert bars == [
        ("good", "270.0", "54.0", "8.0", "48.0"), ("bad", "270.0", "52.0", "8.0", "2.0"),
        ("good", "280.0", "2.0", "8.0", "100.0"),
    ]  # fmt: skip


EVIL = "&lt;script&gt;alert(1)&lt;/script&gt; https://evil.example/ &lt;a href=x&gt;"


def test_what_strangers_wrote_is_text_and_never_a_link(browser: StudioBrowser, page: str) -> None:
    evil = Mail(STRANGER, 5, "fail", "fail", selector=EVIL, author="cafe.example")
    tls = kept_reports.tls(("cafe.example", 0, {("<a href='https://evil.example/'>x</a>", "<b>y</b>"): 1}))
    failure = receiver_reports.failure(
        Reported_Domain="cafe.example", Auth_Failure="<i>https://e", Delivery_Result='"><img src=x>'
    )
    report = kept_reports.xml(
        SUNDAY, evil, domain="cafe.example", sender=EVIL, number=EVIL, policy=f"<p>{EVIL}</p>"
    ).replace(b"<result>fail", f"<result>{EVIL}".encode())
    answer = _bring(browser, page, ("<b>a.xml", report), ("t.json", tls), ("f.eml", failure))
    assert "3 reports were added." in words(answer)
    text = browser.get(page).text
    for raw in ("<script>alert", "<a href=x", "<a href='https", "<b>y", "<i>https", "<img src=x"):
        assert raw not in text
    assert "&lt;script&gt;alert(1)" in text
    assert re.findall(r'(?:href|src|action)="[^"]*evil', text) == []


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (("empty.xml", b""), "It is empty."),
        (("page.html", b"<html>no</html>"), "It is neither XML, JSON, a gzip or ZIP file nor a mail"),
        (("stranger.xml", kept_reports.xml(SUNDAY, Mail(STRANGER))), "It is about shop.example, which is none of your"),
        (("bomb.gz", receiver_reports.gzipped(b"<feedback>" + b" " * 50_000_000)), "It is "),
        (("bomb.zip", receiver_reports.zipped(receiver_reports.zipped(b"<feedback/>"))), "packed again"),
        (("dtd.xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><feedback>&b;</feedback>'), "It "),
        (("deep.xml", b"<feedback>" + b"<a>" * 100_000), "nested deeper"),
        (("deep.json", b"[" * 200_000), "no well-formed JSON"),
        (("cut.xml", _xml(_mail(OURS, 1))[:-20]), "it is cut off"),
        (("future.xml", _xml(_mail(OURS, 1), day=date(2027, 1, 1))), "still to come"),
        (("many.xml", _xml(_mail(OURS, 999_999_999_999))), "more mail than there can be"),
        (("<img src=x>.xml", b"\x00"), "It is neither"),
    ],
)
def test_a_hostile_file_is_refused_by_its_name_and_the_others_are_kept(
    app: Flask, browser: StudioBrowser, page: str, file: tuple[str, bytes], said: str
) -> None:
    answer = _bring(browser, page, file, ("good.xml", _xml(_mail(OURS, 1))))
    assert answer.status_code == 422
    told = words(answer).partition("In the last 7 days")[0]
    assert f"1 report was added. {file[0]} : " in told
    assert said in told
    assert "<img" not in answer.text
    assert _kept(app) == 1


def test_no_file_and_too_much(app: Flask, browser: StudioBrowser, page: str) -> None:
    answer = browser.post(page, {}, content_type="multipart/form-data")
    assert (answer.status_code, "Please choose a file." in words(answer)) == (422, True)
    large = {"CONTENT_LENGTH": str(8 * 1024 * 1024 + 1)}
    kind = "multipart/form-data; boundary=x"
    answer = browser.client.post(page, data=b"--x--", content_type=kind, environ_overrides=large)
    assert (answer.status_code, "too much at once" in words(answer)) == (413, True)
    assert _kept(app) == 0


def test_reading_ends_when_its_time_is_over(
    app: Flask, browser: StudioBrowser, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, read = report_intake.read, []

    def slowly(data: bytes) -> ReadReport | Refused:
        time.sleep(0.06)
        read.append(data)
        return real(data)

    monkeypatch.setattr(domain_reports, "_SECONDS", 0.1)
    monkeypatch.setattr(report_intake, "read", slowly)
    answer = _bring(browser, page, *_files(6))
    assert answer.status_code == 422
    assert 1 <= len(read) <= 3
    assert words(answer).count("It was not read: that was too much at once.") == 6 - len(read)
    assert _kept(app) == len(read)


def _files(number: int) -> Sequence[tuple[str, bytes]]:
    return [(f"{place}.xml", _xml(_mail(OURS, 1), number=str(place))) for place in range(number)]


def test_no_more_than_fifty_files_are_read_at_once(app: Flask, browser: StudioBrowser, page: str) -> None:
    answer = _bring(browser, page, *_files(52))
    assert "50 reports were added." in words(answer)
    assert words(answer).count("It was not read") == 2
    assert _kept(app) == 50


def test_another_domain_has_a_page_of_its_own_and_a_stranger_none(
    app: Flask, browser: StudioBrowser, page: str
) -> None:
    _bring(browser, page, ("a.xml", _xml(_mail(STRANGER, 5, passes=False))))
    with app.app_context(), store.transaction() as session:
        owner = studio.the_cafe(session).organisation
        other = sending_domain.add(session, owner.id, "other.example").public_id
    assert STRANGER not in browser.get(f"/studio/domains/{other}/reports").text
    assert browser.get("/studio/domains/dom_none/reports").status_code == 404
    assert _bring(browser, "/studio/domains/dom_none/reports", ("a.xml", b"x")).status_code == 404


def test_without_egress_the_page_says_what_it_cannot_know(
    app: Flask, browser: StudioBrowser, page: str, settings: Settings
) -> None:
    _bring(browser, page, ("a.xml", _xml(_mail(OURS, 5))))
    assert "It is not known from which addresses" not in words(browser.get(page))
    app.config["LISTKEEPER"] = settings.model_copy(update={"egress": ()})
    shown = words(browser.get(page))
    assert "It is not known from which addresses your own mail leaves" in shown
    assert f"{OURS} A service you use 5 mails" in shown


def test_the_timetable_forgets_what_may_tell_of_a_person(
    app: Flask, browser: StudioBrowser, page: str, frozen_clock: time_machine.Traveller
) -> None:
    _bring(browser, page, ("f.eml", receiver_reports.failure(Reported_Domain="cafe.example")))
    with app.app_context():
        for days, left in ((30, 1), (1, 0)):
            frozen_clock.shift(timedelta(days=days))
            housekeeping.forget_past()
            with store.reading() as session:
                assert session.scalar(select(func.count()).select_from(DmarcFailure)) == left
