"""How many letters a second one core fills for their readers, beside bare splicing of precompiled bytes.

performance.md section 5 asks for 10,000 a second. The limit is what e2e_limit.py does for one message, without
signing: join the constant parts of head and body with the values of one reader.
"""

from __future__ import annotations

import time

from listkeeper.rendering import filling
from listkeeper.rendering.compiled import CompiledLetter, compile_letter
from listkeeper.rendering.content import Letter, Reader, Sender
from tests.benchmarks import figure
from tests.benchmarks.figure import Figure

_PARAGRAPH = (
    "## Number {number}\n\nDear {{{{ subscriber.first_name | default: 'friend' }}}}, *this week* we bake "
    "[cardamom buns](https://cafe.example/buns/{number}) from seven o'clock, and rye bread the day after. "
    "Come by while they are warm; the coffee is on the house for everybody who brings a friend along.\n\n"
)
_SENDER = Sender(
    name="Café Kardemomme", address="hello@cafe.example", reply_to=None, legal_name="Café Kardemomme ApS",
    postal_address="Havnegade 1\n1058 Copenhagen", brand_colour="#8a4b2a", logo_url=None, language="en",
)  # fmt: skip


def letter() -> CompiledLetter:
    """Return a letter of some 13 kB as it goes over the wire, with six places for the reader's name."""
    words = "".join(_PARAGRAPH.format(number=number) for number in range(1, 7))
    return compile_letter(Letter("News for {{ subscriber.first_name }}", "Warm from seven", words, "en", _SENDER))


def reader(number: int) -> Reader:
    """Return a reader unlike the others."""
    token = f"{number:032x}"
    return Reader(
        address=f"person-{number}@crowd.example", language="en", profile={"first_name": f"Anna {number}"},
        unsubscribe_url=f"https://mail.cafe.example/u/{token}", unsubscribe_mailto=None,
        preferences_url=f"https://mail.cafe.example/p/{token}", web_view_url=f"https://mail.cafe.example/w/{token}",
        why_url=f"https://mail.cafe.example/y/{token}",
        reason="You get this because you said yes on 3 May 2026 on cafe.example.", sees_primary_tab=False,
    )  # fmt: skip


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Fill the letter for a crowd, in turns with splicing."""
    count = 50_000 if full else 10_000
    compiled, readers = letter(), [reader(number) for number in range(count)]
    size = len(filling.fill(compiled, readers[0]).html)

    def fill() -> float:
        start = time.perf_counter()
        for one in readers:
            filling.fill(compiled, one)
        return count / (time.perf_counter() - start)

    program = figure.limit_program("e2e_limit")
    if isinstance(program, str):
        return figure.compare(name, "letters/s", fill, None, repeats=repeats, limit_is=program)
    html = "<html><body>" + "<p style='margin:0'>Ugens nyhed fra butikken</p>\n" * 200 + "</body></html>"
    plan = program.compile_mime(html)

    def splice() -> float:
        start = time.perf_counter()
        for number in range(count):
            program.message(plan, (number, f"k{number}@x.example", f"Anna {number}", f"{number:032x}"), ())
        return count / (time.perf_counter() - start)

    note = f"HTML of {size} characters; the limit splices bytes and knows no Liquid, no escaping and no checks"
    return figure.compare(
        name, "letters/s", fill, splice, repeats=repeats, limit_is="splicing of e2e_limit.py, unsigned", note=note
    )
