"""The forms of reports in plain words: each reads its own message, and a person who writes the same is not taken in."""

from __future__ import annotations

import pytest

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import bounce, bounce_form, opened_mail

FORMS = bounce_form.forms()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_reads_its_own_message(form: bounce_form.Form) -> None:
    raw = form.example.encode()
    found = bounce_form.read(opened_mail.opened(raw))
    assert found is not None
    assert (found.form, found.delayed) == (form.name, form.delayed)
    assert tuple(entry.address for entry in found.entries) == form.recipients
    told = bounce.classify(raw)
    assert told is not None
    assert (told.refused, told.delayed) == (not form.delayed, form.delayed)
    assert tuple(one.verdict.reply_class.value for one in told.recipients if one.verdict) == form.means


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_the_words_of_a_person_are_no_report(form: bounce_form.Form) -> None:
    body = form.example.partition("\n\n")[2]
    quoted = "\n".join(f"> {line}" for line in body.split("\n"))
    for text in (body, quoted):
        raw = f"Return-Path: <ole@guest.example>\nFrom: Ole <ole@guest.example>\nSubject: Re: buns\n\n{text}".encode()
        assert bounce.classify(raw) is None


def test_the_table_is_whole() -> None:
    assert len({form.name for form in FORMS}) == len(FORMS) >= 25
    assert all(len(form.means) == len(form.recipients) > 0 for form in FORMS)
    assert {form.otherwise for form in FORMS} == {None, ReplyClass.POLICY, ReplyClass.INACTIVE}
    # A form that is known by nothing at all would read every mail.
    assert [form.name for form in FORMS if not (form.text or form.subject or form.header or form.only_daemon)] == []


def test_words_between_two_recipients_are_of_the_first() -> None:
    (form,) = [form for form in FORMS if form.name == "postfix"]
    found = bounce_form.read(opened_mail.opened(form.example.encode()))
    assert found is not None
    assert "User unknown" in found.entries[0].words
    assert "Over quota" not in found.entries[0].words
    assert dict(found.returned)["message-id"] == "<letter-1@shop.example>"
    assert "Cardamom" not in found.report


def test_one_who_is_named_twice_is_one_recipient() -> None:
    text = "<freja@guest.example>:\n550 5.1.1 no\n\n<freja@guest.example>:\nquota exceeded\n"
    raw = f"From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\nHi. This is the qmail-send program\n\n{text}"
    found = bounce_form.read(opened_mail.opened(raw.encode()))
    assert found is not None
    (entry,) = found.entries
    assert "quota" in entry.words
    assert "5.1.1" in entry.words


def test_a_report_without_words_is_a_report_about_nobody() -> None:
    raw = b"From: MAILER-DAEMON@mx.example\nSubject: Returned mail: see transcript\n\n<<< No Message Collected >>>\n"
    told = bounce.classify(raw)
    assert told is not None
    assert [one.address for one in told.recipients] == [""]
    assert told.recipients[0].verdict is not None
    assert told.recipients[0].verdict.reply_class is ReplyClass.TEMPORARY


def test_whoever_gets_the_report_is_not_reported_unless_alone() -> None:
    head = "From: MAILER-DAEMON@mx.example\nTo: me@shop.example\nSubject: failure notice\n\nThe qmail-send program\n\n"
    both = bounce_form.read(
        opened_mail.opened(f"{head}<me@shop.example>:\nx\n\n<ole@guest.example>:\n550 no\n".encode())
    )
    alone = bounce_form.read(opened_mail.opened(f"{head}<me@shop.example>:\n550 no\n".encode()))
    assert both is not None
    assert [entry.address for entry in both.entries] == ["ole@guest.example"]
    assert alone is not None
    assert [entry.address for entry in alone.entries] == ["me@shop.example"]
