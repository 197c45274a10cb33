"""What strangers may bring who prove nothing: so many mails of one network, so much of all, anew each hour."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from listkeeper.mailroom.allowance import Allowance


def test_one_network_has_its_share_and_no_more() -> None:
    left = Allowance(mails_of_one_network=2, octets=1_000)
    assert [left.allows("192.0.2.1", 10, now) for now in (0.0, 1.0, 2.0)] == [True, True, False]
    assert left.allows("192.0.2.2", 10, 3.0)
    assert left.allows("192.0.2.1", 10, 3_600.0)


def test_all_together_have_so_much_room() -> None:
    left = Allowance(octets=100)
    assert [left.allows(f"192.0.2.{number}", 60, 5.0) for number in range(2)] == [True, False]
    # What is smaller still fits.
    assert left.allows("192.0.2.9", 40, 6.0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.integers(0, 900)), max_size=60))
def test_within_an_hour_nobody_gets_more(asked: list[tuple[str, int, int]]) -> None:
    left, moment, let_in = Allowance(mails_of_one_network=5, octets=200), 0.0, []
    for network, octets, pause in asked:
        moment += pause
        if left.allows(network, octets, moment):
            let_in.append((moment, network, octets))
    for begun in range(0, int(moment) + 1, 3_600):
        # A window begins with a mail, so that an hour of the clock may see parts of two.
        within = [one for one in let_in if begun <= one[0] < begun + 3_600]
        assert sum(octets for _, _, octets in within) <= 2 * 200
        assert all(sum(name == network for _, name, _ in within) <= 2 * 5 for network in "abc")
