"""Received: the address a mail came from is the receiver's own word, in whatever form it is written."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import received_hop
from listkeeper.standards.received_hop import Hop

_IP = "192.0.2.25"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            f"from mail.shop.example (mail.shop.example. [{_IP}])\r\n by mx.google.com with ESMTPS id 1 (TLS1_3)",
            Hop("mail.shop.example", _IP, "mx.google.com", "ESMTPS", encrypted=True),
        ),
        (
            f"from mail.shop.example (mail.shop.example [{_IP}]) by mx.test (Postfix) with ESMTP id 4B; Mon",
            Hop("mail.shop.example", _IP, "mx.test", "ESMTP", encrypted=False),
        ),
        # Whoever calls himself an address is known by the one the server saw.
        (
            f"from [203.0.113.9] (unknown [{_IP}]) by mx.test with SMTP; Mon",
            Hop("[203.0.113.9]", _IP, "mx.test", "SMTP", encrypted=False),
        ),
        (
            f"from [{_IP}] (helo=[203.0.113.9]) by mx.test with esmtpsa (Exim 4.97) id 1; Mon",
            Hop(f"[{_IP}]", _IP, "mx.test", "esmtpsa", encrypted=True),
        ),
        (
            f"from unknown (HELO 203.0.113.9) ({_IP}) by mx.test with SMTP; Mon",
            Hop("unknown", _IP, "mx.test", "SMTP", encrypted=False),
        ),
        (
            f"from {_IP} (EHLO mail.shop.example) by atlas.yahoo.com with SMTPs (version=TLS1_3); Mon",
            Hop(_IP, _IP, "atlas.yahoo.com", "SMTPs", encrypted=True),
        ),
        (
            "from mail.shop.example (2001:db8::25) by X.prod.outlook.com (10.1.2.3) with Microsoft SMTP (TLS1_2)",
            Hop("mail.shop.example", "2001:db8::25", "X.prod.outlook.com", "Microsoft", encrypted=True),
        ),
        (
            "from mail.shop.example (mail.shop.example [IPv6:2001:db8:0:0::25]) by mx.test. with UTF8SMTPS id 1",
            Hop("mail.shop.example", "2001:db8::25", "mx.test", "UTF8SMTPS", encrypted=True),
        ),
        # What somebody calls himself, or whom the mail is for, proves no encryption.
        (
            f"from tls.esmtps.example (x [{_IP}] (using TLS)) by mx.test with ESMTP for <a@b.example>; Mon",
            Hop("tls.esmtps.example", _IP, "mx.test", "ESMTP", encrypted=False),
        ),
        ("by 2002:a05:6a10::1 with SMTP id x; Mon", Hop("", "", "2002:a05:6a10::1", "SMTP", encrypted=False)),
        ("(qmail 123 invoked by uid 0); 23 Nov 2026", Hop("", "", "", "", encrypted=False)),
        ("", Hop("", "", "", "", encrypted=False)),
    ],
)
def test_the_forms_of_servers(value: str, expected: Hop) -> None:
    assert received_hop.parse(value) == expected


@pytest.mark.parametrize(
    ("protocol", "secure"),
    [("SMTP", False), ("ESMTP", False), ("ESMTPA", False), ("ESMTPS", True), ("ESMTPSA", True), ("LMTPSA", True)],
)
def test_the_transmission_types_of_rfc_3848(protocol: str, secure: bool) -> None:
    assert received_hop.parse(f"from a by b.test with {protocol} id 1").encrypted is secure


_PIECES = st.sampled_from(
    ["from ", "by ", "with ", "(", ")", "[", "]", "IPv6:", ":", "::", ".", ";", " ", "TLS", _IP, "a"]
)


@given(st.lists(_PIECES | st.text(max_size=5), max_size=40).map("".join))
def test_any_text_is_read_and_an_address_is_one(value: str) -> None:
    hop = received_hop.parse(value)
    assert hop.ip == "" or str(ip_address(hop.ip)) == hop.ip
    assert " " not in hop.by + hop.protocol + hop.name


@given(st.ip_addresses().map(str), st.text("abc.[]()0123456789: ", max_size=30))
def test_what_the_other_side_calls_itself_never_hides_its_address(ip: str, name: str) -> None:
    said = name.replace("(", "").replace(")", "")
    assert received_hop.parse(f"from {said} (host.test [{ip}]) by mx.test with ESMTP; Mon").ip == str(ip_address(ip))
