"""Where a report ends: by the header of the message that came back, or by the words above it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.feedback import returned_message

_HEADER = (
    "Received: from a.example by b.example\n\tfor <x@y.example>\nMessage-ID: <1@shop.example>\nSubject: 550 buns\n"
)


@pytest.mark.parametrize(
    "above",
    [
        "--- Below this line is a copy of the message.",
        "------ This is a copy of the message, including all the headers. ------",
        "----- Original message -----", "   ----- Original message follows -----", "------- Returned Message --------",
        "Original message follows.", "Message headers follow.", "Below is a copy of the original message:",
        "--- The header of the original message is following. ---", "   ----- Unsent message follows -----",
        "Included is a copy of the message header:",
        "|---- Message text follows: ----|", "--- Mensaje original adjunto.",
        "   -- The header and top 20 lines of the message follows --", "",
    ],
)  # fmt: skip
def test_the_report_ends_above_the_message(above: str) -> None:
    report, fields = returned_message.parted(f"It failed.\n550 no\n\n{above}\n\n{_HEADER}\nHello 552 full\n")
    assert report.strip() == "It failed.\n550 no"
    assert dict(fields)["message-id"] == "<1@shop.example>"


@pytest.mark.parametrize(
    "text",
    [
        "The original message was received at noon\n<a@b.example>\n550 5.1.1 no such user\n",
        "Your message\n\n  To:      Freja\n  Subject: buns\n  Sent:    today\n\ndid not reach: a@b.example\n",
        "To:      <a@b.example>\n\nSubject: buns\n\nDate: today\n\nDid not reach a@b.example\n",
        "Subject: 'buns'\nDate: 'today'\n\n1 error(s): a@b.example\n",
    ],
)
def test_what_is_said_about_a_message_is_no_message(text: str) -> None:
    assert returned_message.parted(text) == (text, ())


def test_an_indented_header_is_read() -> None:
    indented = "".join(f"   {line}\n" for line in _HEADER.split("\n")[:-1])
    report, fields = returned_message.parted(f"Loop.\n\n{indented}")
    assert report.strip() == "Loop."
    assert dict(fields)["subject"] == "550 buns"


@given(st.text(max_size=400), st.sampled_from(["", "Original message follows.\n", _HEADER]))
def test_the_report_is_the_beginning_of_the_text(text: str, behind: str) -> None:
    report, _ = returned_message.parted(f"{text}\n{behind}")
    assert f"{text}\n{behind}".startswith(report)
