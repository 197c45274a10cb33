"""Words that ask to leave, in a short first line and in seven languages; others are no wish."""

from __future__ import annotations

import pytest

from listkeeper.feedback import leaving_wish


@pytest.mark.parametrize(
    "text",
    [
        "STOP", "\n\n unsubscribe\nFreja", "Please unsubscribe me", "take me off this list", "Afmeld", "afmeld mig tak",
        "Vil gerne frameldes", "Avslutt abonnement", "Avsluta", "Avmeld meg", "Bitte abmelden", "abbestellen",
        "Proszę mnie wypisać", "Wypiszcie mnie", "отпишите меня", "Отписаться", "Unsubscribe!", "stopp",
    ],
)  # fmt: skip
def test_a_wish(text: str) -> None:
    assert leaving_wish.is_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "When do you open?", "Do you have a bus stop near the shop, or how do I get there best from the station?",
        "Thank you!\nunsubscribe", "A stopper for the bottle", "Mange tak",
        "The button to unsubscribe in your letter is easy to find, which I like very much.",
    ],
)  # fmt: skip
def test_no_wish(text: str) -> None:
    assert not leaving_wish.is_in(text)
