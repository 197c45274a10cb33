"""What she wrote is told from the history below it, as mail programs of seven languages put it there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.feedback import quoted_history

OWN = "Yes, please.\n\nFreja"
QUOTED = "> The oven is warm from seven.\n> Come in."


@pytest.mark.parametrize(
    "line",
    [
        "On Mon, 23 Nov 2026 at 09:00, Café Kardemomme <hello@cafe.example> wrote:",
        "Den man. 23. nov. 2026 kl. 09.00 skrev Café Kardemomme <hello@cafe.example>:",
        "Den 23.11.2026 09:00, skrev Café:",
        "mån 23 nov. 2026 kl. 09:00 skrev Café <hello@cafe.example>:",
        "Am Mo., 23. Nov. 2026 um 09:00 Uhr schrieb Café <hello@cafe.example>:",
        "pon., 23 lis 2026 o 09:00 Café <hello@cafe.example> napisał(a):",
        "W dniu 23.11.2026 o 09:00, Café pisze:",
        "пн, 23 нояб. 2026 г. в 09:00, Café <hello@cafe.example>:\n>",
        "23.11.2026 09:00, Café пишет:",
        "понедельник, 23 ноября 2026 г., Café написал(а):",
        "On Mon, 23 Nov 2026 at 09:00, Café Kardemomme of the long name\n<hello@cafe.example> wrote:",
        "-----Original Message-----\nFrom: Café",
        "-----Oprindelig meddelelse-----",
        "-------- Ursprüngliche Nachricht --------",
        "From: Café <hello@cafe.example>\nSent: Monday, November 23, 2026\nTo: Freja\nSubject: Buns\n",
        "Fra: Café\nSendt: 23. november 2026\nTil: Freja\nEmne: Boller\n",
        "Von: Café\nGesendet: Montag\nAn: Freja\nBetreff: Brötchen\n",
        "От: Café\nОтправлено: 23 ноября\nКому: Freja\nТема: Булочки\n",
        "________________________________\nFrom: Café\nSent: Monday\nTo: Freja",
        "",
    ],
)
def test_history_is_folded(line: str) -> None:
    own, history = quoted_history.parted(f"{OWN}\n\n{line}\n{QUOTED}\n")
    assert own == OWN
    assert history.endswith(QUOTED)


@pytest.mark.parametrize(
    "line", ["On Mon, 23 Nov 2026, Café <hello@cafe.example> wrote:", "-----Original Message-----"]
)
def test_history_without_marks_is_folded_too(line: str) -> None:
    assert quoted_history.parted(f"{OWN}\n\n{line}\nThe oven is warm.\n") == (OWN, f"{line}\nThe oven is warm.")


@pytest.mark.parametrize(
    "text",
    [
        "> The oven is warm.\n\nGood!\n\n> Come in.\n\nI will.",
        "On Monday the baker wrote to me. Why?",
        "From: is a strange word",
        "On 23 Nov, Café <hello@cafe.example> wrote:\n> Come in.\nI will.",
        "> all of it is quoted",
        "5 > 3",
    ],
)
def test_what_she_wrote_between_stays(text: str) -> None:
    assert quoted_history.parted(text) == (text, "")


@pytest.mark.timeout(5)
@pytest.mark.parametrize("line", ["-- original message", "On Monday wrote" + ":" * 100, "On " + "<@" * 20_000])
def test_blanks_and_signs_without_end_cost_nothing(line: str) -> None:
    text = f"Yes.\n{line}{' ' * 60_000}x"
    assert quoted_history.parted(text) == (text, "")


@given(st.text(alphabet=st.sampled_from("ab>: \n-_@<"), max_size=200))
def test_nothing_is_lost(text: str) -> None:
    own, history = quoted_history.parted(text)
    assert "".join(f"{own}{history}".split()) == "".join(text.split())
