"""Headers out of a message file, and out of what people paste."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import pasted_headers

_HEADERS = (
    "Delivered-To: anna@shop.example\n"
    "Received: by 2001:db8::1 with SMTP id a1;\n"
    "        Mon, 23 Nov 2026 08:15:00 -0800 (PST)\n"
    "Authentication-Results: mx.example;\n"
    "       dkim=pass header.i=@shop.example;\n"
    "       spf=pass (mx.example: domain of a@shop.example is fine) smtp.mailfrom=a@shop.example\n"
    "Subject: Hello: you\n"
)
_READ = [
    ("delivered-to", "anna@shop.example"),
    ("received", "by 2001:db8::1 with SMTP id a1; Mon, 23 Nov 2026 08:15:00 -0800 (PST)"),
    (
        "authentication-results",
        (
            "mx.example; dkim=pass header.i=@shop.example; "
            "spf=pass (mx.example: domain of a@shop.example is fine) smtp.mailfrom=a@shop.example"
        ),
    ),
    ("subject", "Hello: you"),
]
_BODY = "\nReceived: forged\nAuthentication-Results: mx.example; dmarc=pass\n"
_UNFOLDED = "".join(f"{name}: {value}\n" for name, value in _READ)

_FORMS = {
    "a message": _HEADERS + _BODY,
    "with CRLF": (_HEADERS + _BODY).replace("\n", "\r\n"),
    "with CR": (_HEADERS + _BODY).replace("\n", "\r"),
    "unfolded": _UNFOLDED,
    "without the end of the last line": _HEADERS.rstrip("\n"),
    "in an mbox": "From a@shop.example Mon Nov 23 08:15:00 2026\n" + _HEADERS + _BODY,
    "below a mail program's words": (
        "Original Message\n\nMessage ID\t<1@shop.example>\nCreated at:\tMon, 23 Nov\nSPF:\tPASS with IP 192.0.2.1\n"
        "Subject:\tHello\n\nDownload Original\n\nCopy to clipboard\n\n" + _HEADERS + _BODY
    ),
    "quoted": "".join(f"> {line}\n" for line in (_HEADERS + _BODY).split("\n")),
    "quoted after words": "They sent me this:\n\n" + "".join(f"> {line}\n" for line in (_HEADERS + _BODY).split("\n")),
    "indented": "".join(f"    {line}\n" for line in (_HEADERS + _BODY).split("\n")),
    "with hard spaces": _HEADERS.replace(" ", "\xa0"),
    "with the folds lost": _HEADERS.replace("\n       dkim", "\ndkim").replace("\n       spf", "\nspf"),
    "double spaced": _HEADERS.replace("\n", "\n\n"),
    "blank lines above": "\n \n\n" + _HEADERS + _BODY,
    "spaces before the colon": _HEADERS.replace("Authentication-Results:", "Authentication-Results :") + _BODY,
}


@pytest.mark.parametrize("form", _FORMS)
def test_finds_the_headers_and_nothing_below_them(form: str) -> None:
    assert pasted_headers.fields(_FORMS[form].encode()) == _READ


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_reads_what_an_editor_saved(encoding: str) -> None:
    assert pasted_headers.fields(_HEADERS.encode(encoding)) == _READ


@pytest.mark.parametrize("text", ["", "Dear you,\n\nthe mail did not come: why?\n", "From: a\nSubject: b\n\nHello\n"])
def test_where_no_header_of_the_wire_stands_there_are_none(text: str) -> None:
    assert pasted_headers.fields(text.encode()) == []


_NAMES = st.from_regex(r"X-[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)
_VALUES = st.lists(st.from_regex(r"[!-~]{1,10}", fullmatch=True), min_size=1, max_size=5)


@given(st.lists(st.tuples(_NAMES, _VALUES), max_size=5), st.sampled_from(["\n", "\r\n"]), st.binary(max_size=60))
def test_agrees_with_the_library_on_every_message(written: list[tuple[str, list[str]]], end: str, body: bytes) -> None:
    lines = ["Received: x", *(f"{name}: {f'{end} '.join(words)}" for name, words in written)]
    raw = (end.join(lines) + end + end).encode() + body
    theirs = email.message_from_bytes(raw, policy=email.policy.compat32)
    expected = [(name.lower(), " ".join(str(value).split())) for name, value in theirs.items()]
    assert pasted_headers.fields(raw) == expected


@given(st.binary(max_size=300))
def test_any_bytes_give_fields_with_names(raw: bytes) -> None:
    for name, value in pasted_headers.fields(raw):
        assert name == name.lower() != ""
        assert "\n" not in value
