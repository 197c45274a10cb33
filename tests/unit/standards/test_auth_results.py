"""What receivers write about a message: the RFC's own examples, the freedoms large receivers take, and any bytes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import auth_results
from listkeeper.standards.auth_results import AuthResults, Property, Verdict

# Forms of RFC 8601 appendix B, with what they say.
_EXAMPLES = {
    "example.org 1; none": ("example.org", [], []),
    "example.com; spf=pass smtp.mailfrom=example.net": (
        "example.com",
        [("spf", "pass")],
        [("smtp", "mailfrom", "example.net")],
    ),
    "example.com;\r\n\tauth=pass (cram-md5) smtp.auth=sender@example.net;\r\n\tspf=pass smtp.mailfrom=example.net": (
        "example.com",
        [("auth", "pass"), ("spf", "pass")],
        [("smtp", "auth", "sender@example.net"), ("smtp", "mailfrom", "example.net")],
    ),
    'example.com; dkim=pass reason="good signature" header.i=@router.example.net; dkim=fail reason="bad; (body)"': (
        "example.com",
        [("dkim", "pass"), ("dkim", "fail")],
        [("header", "i", "@router.example.net")],
    ),
    (
        "foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
        " policy (A dot can go here) . (like that) expired\r\n (this surprised me)"
        " = (as I wasn't expecting it) 1362471462"
    ): ("foo.example.net", [("dkim", "fail")], [("policy", "expired", "1362471462")]),
}


@pytest.mark.parametrize("value", _EXAMPLES)
def test_reads_the_examples_of_the_rfc(value: str) -> None:
    read = auth_results.parse(value)
    server, verdicts, properties = _EXAMPLES[value]
    assert (read.server, read.version, read.problems) == (server, 1, ())
    assert [(one.method, one.result) for one in read.verdicts] == verdicts
    assert [(it.ptype, it.name, it.value) for one in read.verdicts for it in one.properties] == properties


def test_keeps_reasons_comments_and_versions_apart() -> None:
    [verdict] = auth_results.parse(
        'mx.example; DKIM/2=Fail (1024-bit (short) \\) key) reason="a \\"b\\"; c" header.D=Shop.example'
    ).verdicts
    assert verdict == Verdict(
        "dkim", "fail", 2, 'a "b"; c', "1024-bit (short) ) key", (Property("header", "d", "Shop.example"),)
    )
    assert verdict.value("header", "d") == "Shop.example"
    assert verdict.value("header", "i") is None


# Forms as large receivers write them, in domains of our own.
_GOOGLE = (
    "mx.google.com;\r\n       dkim=pass header.i=@shop.example header.s=lk1 header.b=AbC/dE+1;\r\n"
    "       spf=pass (google.com: domain of b+1@bounce.shop.example designates 192.0.2.1 as permitted sender)"
    ' smtp.mailfrom="b+1"@bounce.shop.example;\r\n'
    "       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=shop.example"
)
_MICROSOFT = (
    "spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=bounce.shop.example; dkim=pass (signature was verified)\r\n"
    " header.d=shop.example;dmarc=bestguesspass action=none\r\n header.from=shop.example;compauth=pass reason=109"
)
_YAHOO = (
    "atlas.mail.example.com;\r\n dkim=pass header.i=@shop.example header.s=lk1;\r\n"
    " spf=pass smtp.mailfrom=shop.example;\r\n dmarc=pass(p=REJECT) header.from=shop.example;"
)


def test_reads_google() -> None:
    read = auth_results.parse(_GOOGLE)
    assert read.problems == ()
    [dkim], [spf], [dmarc] = (read.of(method) for method in ("dkim", "spf", "dmarc"))
    assert dkim.value("header", "b") == "AbC/dE+1"
    assert spf.value("smtp", "mailfrom") == '"b+1"@bounce.shop.example'
    assert "designates 192.0.2.1 as permitted" in spf.comment
    assert (dmarc.result, dmarc.comment) == ("pass", "p=REJECT sp=REJECT dis=NONE")


def test_reads_microsoft_which_leaves_its_name_out() -> None:
    read = auth_results.parse(_MICROSOFT)
    assert (read.server, read.problems) == ("", ("it does not say who wrote it",))
    assert [(one.method, one.result) for one in read.verdicts] == [
        ("spf", "pass"),
        ("dkim", "pass"),
        ("dmarc", "bestguesspass"),
        ("compauth", "pass"),
    ]
    assert read.of("dmarc")[0].value("", "action") == "none"
    assert read.of("compauth")[0].reason == "109"


def test_a_name_that_stands_between_the_results_is_that_of_the_writer() -> None:
    read = auth_results.parse(
        "spf=none (no address) smtp.mailfrom=a.example; mx.example; dkim=none;mx.example; dmarc=none"
    )
    assert (read.server, read.problems) == ("mx.example", ())
    assert [one.method for one in read.verdicts] == ["spf", "dkim", "dmarc"]


def test_reads_yahoo_with_a_semicolon_too_many() -> None:
    read = auth_results.parse(_YAHOO)
    assert read.problems == ()
    assert [(one.method, one.result, one.comment) for one in read.verdicts] == [
        ("dkim", "pass", ""),
        ("spf", "pass", ""),
        ("dmarc", "pass", "p=REJECT"),
    ]


def test_an_empty_value_takes_nothing_from_the_next_property() -> None:
    [verdict] = auth_results.parse("x.example; spf=none smtp.mailfrom= smtp.helo=a.example").verdicts
    assert [(one.name, one.value) for one in verdict.properties] == [("mailfrom", ""), ("helo", "a.example")]


@pytest.mark.parametrize(
    ("value", "problem", "verdicts"),
    [
        ("", "it does not say who wrote it", 0),
        ("x.example 2; spf=pass", "it is written in version 2, which nobody knows", 0),
        ("x.example; spf=pass; ???; dkim=none", "“???” cannot be read", 2),
        ("x.example rubbish; spf=pass", "“rubbish” cannot be read", 1),
        ("x.example; spf=pass (google.com: domain of", "a bracket or quotation mark is never closed", 1),
        ('x.example; spf=pass reason="cut', "a bracket or quotation mark is never closed", 1),
        ("x.example; spf=pass smtp.mailfrom", "“smtp.mailfrom” cannot be read", 1),
    ],
)
def test_says_in_words_what_it_cannot_read(value: str, problem: str, verdicts: int) -> None:
    read = auth_results.parse(value)
    assert read.problems == (problem,)
    assert len(read.verdicts) == verdicts


def test_results_come_top_first_and_by_server_and_arc_is_no_result() -> None:
    message = (
        b"Authentication-Results: MX.example; spf=pass smtp.mailfrom=a.example\r\n"
        b"ARC-Authentication-Results: i=1; mx.example; spf=fail\r\n"
        b"Authentication-Results: other.example; none\r\n"
        b'Received-SPF: pass (mx.example: fine) client-ip=192.0.2.1; envelope-from="a b"@a.example; helo=h.example;\r\n'
        b"X-Authentication-Results: mx.example; dkim=fail\r\n"
        b"Authentication-Results: mx.EXAMPLE; dkim=pass header.d=a.example\r\n\r\n"
        b"Authentication-Results: mx.example; dmarc=pass\r\n"
    )
    read = auth_results.read(message)
    assert [one.server for one in read.results] == ["MX.example", "other.example", "mx.EXAMPLE"]
    by_server = read.by_server()
    assert list(by_server) == ["mx.example", "other.example"]
    assert [one.method for header in by_server["mx.example"] for one in header.verdicts] == ["spf", "dkim"]
    [spf] = read.received_spf
    assert (spf.result, spf.comment) == ("pass", "mx.example: fine")
    assert spf.pairs == {"client-ip": "192.0.2.1", "envelope-from": '"a b"@a.example', "helo": "h.example"}


@pytest.mark.parametrize("value", ["", "maybe client-ip=192.0.2.1", "(pass)", "=pass"])
def test_a_received_spf_that_says_nothing_known_has_no_result(value: str) -> None:
    [spf] = auth_results.read(f"Received-SPF: {value}\n".encode()).received_spf
    assert (spf.result, spf.pairs) == ("", {})


_WORDS = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
_COMMENTS = st.sampled_from([" ", "\r\n\t", " (a (nested; b=c) one) ", '(")', " (x\\)y) \r\n "])
_ANY = st.text(st.characters(codec="ascii", exclude_characters="\r\n\x00"), max_size=12)
_VALUES = st.one_of(
    st.from_regex(r"[A-Za-z0-9@.+/=-]{1,12}", fullmatch=True), _ANY.map(lambda text: f'"{_escaped(text)}"')
)
_PROPERTIES = st.tuples(_WORDS.filter(lambda word: word != "reason"), _WORDS, _VALUES)
_VERDICTS = st.tuples(_WORDS.filter(lambda word: word != "none"), _WORDS, st.lists(_PROPERTIES, max_size=3))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@given(_WORDS, st.lists(_VERDICTS, max_size=3), st.data())
def test_whatever_is_written_by_the_grammar_is_read_back(
    server: str, verdicts: list[tuple[str, str, list[tuple[str, str, str]]]], data: st.DataObject
) -> None:
    def gap() -> str:
        return data.draw(_COMMENTS)

    written = f"{gap()}{server}.example{gap()}"
    for method, result, properties in verdicts:
        written += f";{gap()}{method}{gap()}={gap()}{result}"
        for ptype, name, value in properties:
            written += f"{gap()}{ptype}{gap()}.{gap()}{name}{gap()}={value}"
    read = auth_results.parse(written)
    assert (read.server, read.problems) == (f"{server}.example", ())
    assert [(one.method, one.result) for one in read.verdicts] == [(one[0], one[1]) for one in verdicts]
    found = [[(it.ptype, it.name, it.value) for it in one.properties] for one in read.verdicts]
    assert found == [[(ptype, name, _meant(value)) for ptype, name, value in one[2]] for one in verdicts]


def _meant(value: str) -> str:
    return value[1:-1].replace('\\"', '"').replace("\\\\", "\\") if value.startswith('"') else value


@given(st.text(max_size=300))
def test_any_text_gives_verdicts_or_words(text: str) -> None:
    read = auth_results.parse(text)
    assert isinstance(read, AuthResults)
    assert all(one.method and one.result == one.result.lower() for one in read.verdicts)
    assert all(read.problems)
    # What is neither a verdict nor "none" must be complained about.
    statements = [part for part in text.split(";")[1:] if part.strip()]
    if "(" not in text and '"' not in text and ")" not in text and not read.verdicts and not read.problems:
        assert all(part.strip().lower() == "none" for part in statements)


@given(st.binary(max_size=400))
def test_any_bytes_are_read(raw: bytes) -> None:
    at_the_top = auth_results.read(b"Authentication-Results: mx.example; spf=pass\r\n" + raw)
    assert at_the_top.results[0].server == "mx.example"
    auth_results.read(raw)


@pytest.mark.parametrize("junk", ["a ", "(", '"', ";", "a=", "a.b=c ", "a", "a.", "\\", " ", "\n ", ")", "é"])
def test_a_megabyte_of_junk_takes_no_time(junk: str) -> None:
    raw = junk.encode() * (1_000_000 // len(junk.encode()))
    began = time.perf_counter()
    for header in (b"Authentication-Results: x; a=b ", b"Received-SPF: pass ", b"Received: "):
        auth_results.read(header + raw)
    assert time.perf_counter() - began < 10
