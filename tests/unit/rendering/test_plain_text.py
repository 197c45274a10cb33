"""The text part reads well by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from listkeeper.rendering import compiled, filling, plain_text
from listkeeper.rendering.content import Letter, Reader
from tests.unit.rendering.conftest import READER, attempt

Making = Callable[..., Letter]
Readers = Callable[..., Reader]

MARKDOWN = """\
# Brød & kaffe, {{ subscriber.first_name | default: "du" }}

Vi åbner **klokken syv** på lørdag. Se [hele menuen](https://cafe.example/menu)
eller skriv til [os](mailto:hej@cafe.example), <https://cafe.example>.

{% if subscriber.city == "Aarhus" %}
Kom forbi i *Aarhus*!
{% endif %}

{% if subscriber.city == "Oslo" %}
Vi sender.
{% endif %}

## To ting

- Første punkt er langt og skal ombrydes pænt under sit eget bogstav, så det kan læses
  - indre [punkt](https://a.example)
- andet

1. en
2. to

> Et citat, der er langt nok til at skulle ombrydes, fordi det er længere end en linje.
>
> > indre

![En kande kaffe](https://cafe.example/k.jpg) ![](https://cafe.example/x.jpg)

| Dag | Tid |
|---|--:|
| Mandag | 7–18 |
| Lørdag | 8–16 |

---

```
kode  her
```

Slut\\
Anna
"""

TEXT = """\
Brød & kaffe, Åse
======================

Vi åbner klokken syv på lørdag. Se hele menuen
<https://cafe.example/menu> eller skriv til os <hej@cafe.example>,
https://cafe.example.

Kom forbi i Aarhus!

To ting
-------

* Første punkt er langt og skal ombrydes pænt under sit eget bogstav, så
  det kan læses
  + indre punkt <https://a.example>
* andet

1. en
2. to

> Et citat, der er langt nok til at skulle ombrydes, fordi det er
> længere end en linje.
>
> > indre

[En kande kaffe]

Dag     Tid
Mandag  7–18
Lørdag  8–16

* * *

kode  her

Slut
Anna

----------------------------------------
"""


def test_a_whole_letter_as_text(letter_of: Making, reader_of: Readers) -> None:
    filled = filling.fill(compiled.compile_letter(letter_of(MARKDOWN)), reader_of())
    assert filled.text[: len(TEXT)] == TEXT


def test_the_end_of_the_text_part(letter_of: Making, reader_of: Readers) -> None:
    filled = filling.fill(compiled.compile_letter(letter_of("Hi", language="en")), reader_of(reason="You said yes."))
    assert filled.text == (
        "Hi\n\n----------------------------------------\n\nYou said yes.\n\n"
        "Kaffe Fuglsang ApS\nMejlgade 12\n8000 Aarhus C\n\n"
        "Unsubscribe: https://n.fuglsang.example/u/abc?a=1&b=2\n"
        "Choose what you get: https://n.fuglsang.example/p/abc\n"
        "View in browser: https://n.fuglsang.example/w/abc\n"
        "Why did I get this? https://n.fuglsang.example/y/abc\n"
    )


def test_no_line_is_long_but_for_an_address(letter_of: Making, reader_of: Readers) -> None:
    long_url = "https://cafe.example/" + "very-long-" * 20
    markdown = f"{'word ' * 60}\n\n[here]({long_url})\n\n- {'word ' * 60}"
    text = filling.fill(compiled.compile_letter(letter_of(markdown)), reader_of(guidance="gmail")).text
    assert [line for line in text.split("\n") if len(line) > plain_text.WIDTH] == [f"<{long_url}>"]


def test_rows_between_tags_are_told_to_the_right_reader(letter_of: Making, reader_of: Readers) -> None:
    markdown = (
        "<table><tbody>{% if subscriber.city == 'Oslo' %}<tr><td>first</td></tr>{% endif %}"
        "<tr><td>a</td><td>b</td></tr>{% if subscriber.city == 'Aarhus' %}<tr><td>c</td><td>d</td></tr>"
        "{% else %}<tr><td>e</td></tr>{% endif %}</tbody></table>"
    )
    made = compiled.compile_letter(letter_of(markdown))
    here = filling.fill(made, reader_of(profile={"city": "Aarhus"})).text
    there = filling.fill(made, reader_of(profile={"city": "Oslo"})).text
    assert [line.split() for line in here.split("\n")[:2]] == [["a", "b"], ["c", "d"]]
    assert [line.split() for line in there.split("\n")[:3]] == [["first"], ["a", "b"], ["e"]]


@pytest.mark.parametrize("opening", ["<div>", "<blockquote>", "<ul><li>", "<b>", "> "])
def test_deep_nesting_is_written_or_refused_and_never_loses_the_end(
    letter_of: Making, reader_of: Readers, opening: str
) -> None:
    for depth in (5, 20):
        filled = filling.fill(compiled.compile_letter(letter_of(f"{opening * depth}deep")), reader_of())
        assert "deep" in filled.text
        assert "</html>" in filled.html
    for depth in (300, 5_000):
        letter = letter_of(f"{opening * depth}deep")
        made, refusal = attempt(lambda letter=letter: compiled.compile_letter(letter))  # type: ignore[misc]
        if made is None:
            assert refusal == "letter_too_deep"
        else:
            assert READER.unsubscribe_url in filling.fill(made, reader_of()).text
