"""Letters and readers that nobody would write, for properties that must hold for whatever somebody does write."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import strategies as st

from listkeeper.foundation import language
from listkeeper.rendering import compiled, guidance
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import AnswerLink, AskedQuestion, Letter, Reader
from listkeeper.rendering.counted_links import Spans
from listkeeper.rendering.frame import Frame
from listkeeper.rendering.unseen import Unseen
from tests.unit.rendering.conftest import LETTER, READER

_TAGS = st.sampled_from(
    2
    * [
        "{{ subscriber.first_name }}",
        "{{ subscriber.first_name | default: 'friend' }}",
        '{{ subscriber.city | default: "<&> é" }}',
        "{{ subscriber.city | upcase }}",
        "{{ subscriber.first_name | default: 'x' | append: '  y' }}",
        "{{ sender.name }}",
        "{{ subscriber.city | default: subscriber.first_name }}",
        "{{ links.web_view }}",
        "{{ links.unsubscribe | default: 'x' }}",
        "{{ subscriber.name | truncate: 9 }}",
        "{{ subscriber.name.size }}",
        "{{ '=\\x41 <b>' }}",
        "{{ subscriber.name | default: 'a\nb' }}",
        "{{ letter.subject }}",
        "{% assign place = subscriber.city %}{{ place }}",
        "{%- assign place = 'there' -%}",
        "{% if subscriber.first_name %}{{ subscriber.first_name }}{% endif %}",
        "{% if subscriber.city == 'Oslo' %}long  words about Oslo and what is there{% else %}nothing{% endif %}",
        "{% unless subscriber.city %}\n\n{% endunless %}",
        "{%- if subscriber.name -%}  .{{ subscriber.name }}.  {%- endif -%}",
        "{% for n in (1..3) %}{{ forloop.index }} {{ subscriber.city }}\n{% endfor %}",
        "{% case subscriber.city %}{% when 'Oslo' %}O{% when 'Aarhus' %}Å{% endcase %}",
    ]
    + [
        "{% if subscriber.city %}{% for n in (1..40) %}{% for m in (1..40) %}x{% endfor %}{% endfor %}{% endif %}",
        "{% if subscriber.first_name == 'break' %}{% break %}{% endif %}",
        "{{ place }}",
    ]
)
_LINK = "https://shop.example/counted"
_WORDS = st.sampled_from(
    [
        _LINK,
        f'<a href="{_LINK}">in words</a>',
        "word",
        "brød",
        "=",
        "=3D",
        ".",
        "..",
        "  ",
        " ",
        "\t",
        "\n",
        "\n\n",
        "\n\n\n",
        " \n",
        "\n.",
        "\n..\n",
        "x" * 74,
        "x" * 75,
        "x" * 76,
        "y" * 200,
        "é" * 30,
        "\u200b",
        "\u00a0",
        "\u2003\n",
        "😀",
        "שלום",
        "<b>bold</b>",
        "&amp;",
        "--",
        "From here",
        "a b c d e f g " * 12,
        "\u0301",
        "\r\n",
        "\u2028",
        "=E2=80",
        "_",
        "-- \n",
    ]
)
# What is worth being taken out, before a place, behind one and between two.
_LONG = st.sampled_from(
    [
        "\n\n{% if subscriber.city %}\n\nNews for {{ subscriber.city }}.\n\n{% else %}\n\nMore.\n\n{% endif %}\n\n",
        "\n  indented, and long enough to be taken out of a letter, were it not that it does not begin with a letter\n",
        "\n" + "a line that stands there more than once, with\ttabs and  spaces\n\n\n" * 3,
        "the end of a line, so long that to look it up is worth more than to encode it = again = for everybody\n",
        " an end with é and 😀 and = in every few words = é 😀, so that breaks depend on where it begins = é" * 2,
        '<a href="https://shop.example/counted" style="color:#123456; text-decoration:none" title="a long one">',
        "ø" * 200,
        "." * 160,
    ]
)
_MARKDOWN = st.sampled_from(
    [
        "\n\n# Heading {{ subscriber.first_name }}\n\n",
        "\n\n- one\n- {{ subscriber.city }}\n\n",
        "\n\n---\n\n",
        "**bold**",
        "\n\n> quoted {{ subscriber.name | default: 'you' }}\n\n",
        "[a link](https://shop.example/a?b=c&d=e)",
        "<https://shop.example/plain>",
        "[https://shop.example/plain](https://shop.example/plain) **[x](HTTP://shop.example/b)**",
        "[`https://shop.example/code`](https://shop.example/code)",
        "<h2><a href='https://shop.example/\"q\"?x= y'>https://shop.example/h</a></h2>",
        '<a title=\' href="https://evil.example"\' href="https://shop.example/{{ links.web_view }}">mixed</a>',
        "\n\n> [quoted](https://shop.example/a?b=c&d=e)[again](https://shop.example/a?b=c&d=e)\n\n",
        "![a picture](https://shop.example/p.png)",
        "[leave]({{ links.unsubscribe }})",
        "\n\n| a | b |\n|---|---|\n| {{ subscriber.city }} | x |\n\n",
        "\n\n```\ncode   {{ subscriber.name }}\n```\n\n",
        '<p title="{{ subscriber.name }}">raw</p>',
        "\n\n<table><tr><td>cell</td></tr></table>\n\n",
        "\n\n{% if subscriber.city %}\n\nNews for {{ subscriber.city }}.\n\n{% else %}\n\nMore.\n\n{% endif %}\n\n",
        "[write](mailto:a@shop.example)",
        '[sæt](https://shop.example/ø "{{ subscriber.name }}")',
        "\\\n",
        "  \n",
        "\n1. first\n2. second\n",
    ]
)
_FRAMES = st.sampled_from(
    ["reason", "unsubscribe", "preferences", "web_view", "why", "subject", "preheader", "question", "tab"]
)

_SUBJECTS = st.sampled_from(
    [
        "News",
        "Brød & kaffe",
        "{{ subscriber.first_name | default: 'Hej' }}: news",
        "{{ subscriber.name }}",
        "x" * 90,
        "{% if subscriber.city %}Hi {{ subscriber.city }}{% endif %}",
        " spaced   out ",
        "{{ sender.name }} writes",
    ]
)
_SPOKEN = st.sampled_from(language.LANGUAGES)


def texts(more: st.SearchStrategy[str] = _WORDS) -> st.SearchStrategy[str]:
    """Sources in Liquid, made of what is awkward to encode, to break and to sign."""
    return st.lists(st.one_of(_TAGS, _WORDS, _LONG, more), max_size=14).map("".join)


def _asking() -> st.SearchStrategy[str]:
    """Blocks that ask, with the address of the reader's own page or without."""
    done = st.sampled_from(["", f"{guidance.OWN_PAGE}/inbox", f'<a href="{guidance.OWN_PAGE}/inbox">done</a>\n'])
    return st.tuples(texts(), done, texts()).map("".join)


@st.composite
def forms(draw: st.DrawFn) -> CompiledLetter:
    """Compiled letters that no compiler made: any body in any frame."""
    names = ("first_name", "name", "city")
    html_body, text_body = draw(texts()), draw(texts())
    blocks = {code: draw(_asking()) if code == "da" else f"\n{code} block\n" for code in language.LANGUAGES}
    blocks["apple:da"] = draw(_asking())
    return CompiledLetter(
        version=compiled.VERSION,
        language="en",
        sender_name=draw(st.sampled_from(["Shop", "Café <&>", ""])),
        subject=draw(_SUBJECTS),
        preheader=draw(_SUBJECTS),
        html_body=html_body,
        html_frame=draw(_frames()),
        text_body=text_body,
        text_frame=draw(_frames()),
        html_tabs=blocks,
        text_tabs=blocks,
        names=tuple(f"subscriber.{name}" for name in names),
        html_question=Frame(("<p>", "question", "\n", "answers", "</p>\n")),
        links=(_LINK,),
        html_links=_spans(html_body),
        text_links=_spans(text_body),
        html_answer=Frame(('<a href="', "url", '">', "label", "</a>")),
    )


def form(html_body: str = "", text_body: str = "", subject: str = "News") -> CompiledLetter:
    """Return a compiled letter that is nothing but its bodies."""
    frame = Frame(("", "body", ""))
    return CompiledLetter(
        version=compiled.VERSION,
        language="en",
        sender_name="Shop",
        subject=subject,
        preheader="",
        html_body=html_body,
        html_frame=frame,
        text_body=text_body,
        text_frame=Frame(("", "body", "\n\n", "question", "\nend\n")),
        html_tabs={},
        text_tabs={},
        names=("subscriber.first_name",),
    )


def _spans(source: str) -> Spans:
    return tuple((match.start(), match.end(), 0) for match in re.finditer(re.escape(_LINK), source))


@st.composite
def _frames(draw: st.DrawFn) -> Frame:
    names = [*draw(st.lists(_FRAMES, max_size=5)), "body", *draw(st.lists(_FRAMES, max_size=5))]
    filling = [draw(st.lists(st.one_of(_WORDS, _LONG), max_size=4).map("".join)) for _ in range(len(names) + 1)]
    return Frame(tuple(piece for pair in zip(filling, [*names, ""], strict=True) for piece in pair)[:-1])


@st.composite
def letters(draw: st.DrawFn) -> Letter:
    """Letters as an owner might paste them; many cannot be compiled."""
    return replace(
        LETTER,
        subject=draw(_SUBJECTS),
        preheader=draw(_SUBJECTS),
        markdown=draw(texts(_MARKDOWN)),
        language=draw(_SPOKEN),
    )


_NAMES = st.one_of(
    st.sampled_from(
        3
        * [
            "",
            " ",
            "Åse",
            'Tom "T" O\'Neil',
            "<b>&",
            "😀 Ada",
            "שלום עולם",
            "a" * 300,
            "é" * 90,
            ".",
            "..",
            "=20",
            "Oslo",
            "Aarhus",
            "a  b\t c",
            "=\u00a0=",
            "\u00ad",
            "From",
            "-- ",
        ]
        + ["break", "line\nbreak", "\u2028", "\x01", "bell\x07"]
    ),
    st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40),
)
_ASKED = AskedQuestion(
    "da",
    "Hvor bor du?",
    "Så vi kan skrive om din by.",
    "Ingen breve om andre byer.",
    (
        AnswerLink("Oslo", "https://n.fuglsang.example/q/1"),
        AnswerLink("Århus & omegn", "https://n.fuglsang.example/q/2"),
    ),
)


UNSEEN = Unseen("https://a.example/l/c4n4ry", f"https://a.example/o/{'p' * 90}")


def counted(number: int) -> str:
    """Where a link leads that is counted."""
    return f"https://n.example/c/{number}?a='b'&c=d"


def _counted_far_away(number: int) -> str:
    return f"https://n.example/{'k' * 90}/{number}"


_PLANNED = st.sampled_from(["gmail", "apple", "gmail:held", None])
_ADDRESSES = st.sampled_from(
    6 * ["aase@post.example", "åse@økologi.example", "x@gmail.com", "x@gmail.com", "x@me.com"]
    + ["not one", "x@y.example\n"]
)
_URLS = st.sampled_from(
    6 * [READER.unsubscribe_url, f"https://n.example/u/{'k' * 120}", ""] + ["https://n.example/ \n"]
)


@st.composite
def readers(draw: st.DrawFn) -> Reader:
    """Readers with any name, some of them unprintable."""
    address = draw(_ADDRESSES)
    keys = draw(st.lists(st.sampled_from(["first_name", "name", "city"]), unique=True))
    return READER._replace(
        address=address,
        language=draw(_SPOKEN),
        profile={key: draw(_NAMES) for key in keys},
        unsubscribe_url=draw(_URLS),
        reason=draw(st.sampled_from([READER.reason, "", "Because  of\u00a0it.", "x " * 60])),
        guidance=guidance.seen(draw(_PLANNED), address),
        asked=draw(st.sampled_from([None, None, _ASKED])),
        counted=draw(st.sampled_from([None, None, counted, _counted_far_away])),
        unseen=draw(st.sampled_from([None, None, UNSEEN, Unseen(canary=UNSEEN.canary)])),
    )
