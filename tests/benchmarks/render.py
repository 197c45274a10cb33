"""How many messages a second one core writes for their readers, beside bare splicing of precompiled bytes.

performance.md section 5 asks for 10,000 a second. The limit is what e2e_limit.py does for one message, without
signing: join the constant parts of head and body with the values of one reader.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from listkeeper.rendering import mime_slots
from listkeeper.rendering.compiled import CompiledLetter, compile_letter
from listkeeper.rendering.content import Letter, Reader, Sender
from listkeeper.rendering.mime_slots import Cut
from listkeeper.standards import list_headers
from listkeeper.standards.dkim import SigningKey
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

_SHARED = (
    list_headers.list_unsubscribe_post(),
    list_headers.list_id("News", "news", "cafe.example"),
    list_headers.feedback_id("c1", "l1", "o1", sender_id="listkeeper"),
)
_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


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
        reason="You get this because you said yes on 3 May 2026 on cafe.example.",
    )  # fmt: skip


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Write the letter for a crowd, in turns with splicing; by CPU time, because it is about one core."""
    count = 50_000 if full else 10_000
    people = [reader(number) for number in range(count)]
    cut = mime_slots.cut(letter(), _SENDER, _SHARED)

    def write() -> float:
        start = time.process_time()
        for number, one in enumerate(people):
            _written(cut, number, one)
        return count / (time.process_time() - start)

    size = len(_written(cut, 0, people[0]))
    program = figure.limit_program("e2e_limit")
    if isinstance(program, str):
        found = figure.compare(name, "messages/s", write, None, repeats=repeats, limit_is=program)
        return replace(found, profile=_profile(cut, people))
    html = "<html><body>" + "<p style='margin:0'>Ugens nyhed fra butikken</p>\n" * 200 + "</body></html>"
    plan = program.compile_mime(html)

    def splice() -> float:
        start = time.process_time()
        for number in range(count):
            program.message(plan, (number, f"k{number}@x.example", f"Anna {number}", f"{number:032x}"), ())
        return count / (time.process_time() - start)

    note = f"messages of {size} bytes; the limit splices bytes and knows no Liquid, no encoding and no checks"
    found = figure.compare(
        name, "messages/s", write, splice, repeats=repeats, limit_is="splicing of e2e_limit.py, unsigned", note=note
    )
    return replace(found, profile=_profile(cut, people))


def _written(cut: Cut, number: int, one: Reader, keys: tuple[SigningKey, ...] = ()) -> bytes:
    return cut.write(
        one, own_headers=[("List-Unsubscribe", f"<{one.unsubscribe_url}>")], recipient=one.address,
        message_id=f"<{number}@cafe.example>", date=_NOW, keys=keys,
    )  # fmt: skip


def _profile(cut: Cut, people: Sequence[Reader]) -> dict[str, float]:
    """Return what a message costs in millionths of a second, and what signing adds to the bare operation of its key.

    Medians of single messages, all kinds in turns: a machine that others use as well shows itself in no median.
    """
    rsa_key, ed25519_key = rsa.generate_private_key(65537, 2048), Ed25519PrivateKey.generate()
    by_rsa = (SigningKey("cafe.example", "lk1", rsa_key),)
    by_ed25519 = (SigningKey("cafe.example", "lk1e", ed25519_key),)
    kinds: dict[str, Callable[[int], bytes]] = {
        "unsigned": lambda number: _written(cut, number, people[number]),
        "rsa": lambda _: rsa_key.sign(b"x" * 900, padding.PKCS1v15(), hashes.SHA256()),
        "signed by rsa": lambda number: _written(cut, number, people[number], by_rsa),
        "ed25519": lambda _: ed25519_key.sign(b"x" * 32),
        "signed by ed25519": lambda number: _written(cut, number, people[number], by_ed25519),
    }
    took: dict[str, list[int]] = {kind: [] for kind in kinds}
    for number in range(min(len(people), 1_000)):
        for kind, work in kinds.items():
            start = time.perf_counter_ns()
            work(number)
            took[kind].append(time.perf_counter_ns() - start)
    found = {kind: statistics.median(each) / 1_000 for kind, each in took.items()}
    for kind in ("rsa", "ed25519"):
        found[f"{kind} over bare"] = found[f"signed by {kind}"] - found["unsigned"] - found[kind]
    return {kind: round(figure, 1) for kind, figure in found.items()}
