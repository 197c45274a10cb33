"""A change to a letter is one value that can be repeated: on a bad line it comes twice, or late, or from two people."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import letter_change
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.rendering import document
from listkeeper.rendering.document import Mode
from tests.makers import cafe

A, B, C, NEW = (f"b{number:010x}" for number in range(1, 5))


def text(name: str, words: str) -> dict[str, Any]:
    """Return a text block as programs send it."""
    return {"id": name, "type": "text", "html": f"<p>{words}</p>"}


def three() -> Draft:
    """Return a letter of three blocks."""
    blocks = document.blocks_of([text(A, "a"), text(B, "b"), text(C, "c")])
    return Draft("Hej", "", mode=Mode.BLOCKS, blocks=blocks)


def order(draft: Draft) -> list[str]:
    """Return the names of the blocks in order."""
    return [block.id for block in draft.blocks]


def change(**values: Any) -> letter_change.Change:  # noqa: ANN401 - JSON values
    """Return a change as it is read."""
    return letter_change.read(values)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"op": "insert", "block": text(NEW, "n"), "after": None}, [NEW, A, B, C]),
        ({"op": "insert", "block": text(NEW, "n"), "after": B}, [A, B, NEW, C]),
        ({"op": "insert", "block": text(NEW, "n"), "after": "b00000000ff"}, [A, B, C, NEW]),
        ({"op": "insert", "block": text(A, "a"), "after": None}, [A, B, C]),
        ({"op": "move", "id": C, "after": None}, [C, A, B]),
        ({"op": "move", "id": A, "after": B}, [B, A, C]),
        ({"op": "move", "id": A, "after": A}, [A, B, C]),
        ({"op": "remove", "id": B}, [A, C]),
        ({"op": "remove", "id": NEW}, [A, B, C]),
        ({"op": "set", "block": text(B, "x")}, [A, B, C]),
    ],
)
def test_where_the_blocks_stand_after_a_change(asked: dict[str, Any], expected: list[str]) -> None:
    once = letter_change.apply(three(), change(**asked))
    assert order(once) == expected
    assert letter_change.apply(once, change(**asked)) == once


def test_a_block_that_is_gone_is_a_conflict_that_names_it() -> None:
    with pytest.raises(Conflict) as gone:
        letter_change.apply(three(), change(op="set", block=text(NEW, "x")))
    assert (gone.value.code, gone.value.place) == ("block_gone", NEW)
    with pytest.raises(Conflict):
        letter_change.apply(three(), change(op="move", id=NEW, after=None))


@pytest.mark.parametrize("kind", ["guidance", "question"])
def test_what_the_frame_prints_has_one_place_at_most(kind: str) -> None:
    once = letter_change.apply(three(), change(op="insert", block={"id": NEW, "type": kind}, after=A))
    assert order(letter_change.apply(once, change(op="move", id=NEW, after=C))) == [A, B, C, NEW]
    second = {"id": "b00000000fe", "type": kind}
    for asked in ({"op": "insert", "block": second, "after": None}, {"op": "set", "block": {"id": B, "type": kind}}):
        with pytest.raises(Invalid) as twice:
            letter_change.apply(once, change(**asked))
        assert twice.value.code == "block_once"
    gone = letter_change.apply(once, change(op="remove", id=NEW))
    assert order(letter_change.apply(gone, change(op="insert", block=second, after=None)))[0] == second["id"]


def test_another_block_under_a_name_that_is_taken_is_a_conflict() -> None:
    with pytest.raises(Conflict) as there:
        letter_change.apply(three(), change(op="insert", block=text(A, "other"), after=None))
    assert there.value.code == "block_there"


@pytest.mark.parametrize("op", [{"op": "body", "markdown": "x"}, {"op": "body", "html": "x"}])
def test_a_text_for_another_mode_is_a_conflict(op: dict[str, Any]) -> None:
    with pytest.raises(Conflict) as other:
        letter_change.apply(three(), change(**op))
    assert other.value.code == "other_mode"
    with pytest.raises(Conflict):
        letter_change.apply(Draft("a", "b", "c"), change(op="remove", id=A))


@pytest.mark.parametrize(
    "wrong",
    [None, [], {}, {"op": "explode"}, {"op": "set"}, {"op": "head", "subject": "x"}, {"op": "move", "id": "1; DROP"},
     {"op": "head", "subject": "x" * 2000, "preheader": ""}, {"op": "restore", "number": 0},
     {"op": "switch", "mode": "pdf"}, {"op": "remove", "id": A, "more": 1}],
)  # fmt: skip
def test_what_is_no_change_is_refused(wrong: Any) -> None:  # noqa: ANN401
    with pytest.raises(Invalid) as refused:
        letter_change.read(wrong)
    assert refused.value.code == "document_refused"


@given(st.lists(st.sampled_from([A, B, C, NEW]), max_size=12), st.randoms(use_true_random=False))
def test_blocks_are_never_lost_or_doubled_by_moving(names: list[str], chance: Any) -> None:  # noqa: ANN401
    draft = three()
    for name in names:
        after = chance.choice([None, A, B, C, NEW])
        try:
            draft = letter_change.apply(draft, change(op="move", id=name, after=after))
        except Conflict:
            assert name == NEW
        assert sorted(order(draft)) == [A, B, C]


def _made(session: Session) -> Campaign:
    house = cafe.found(session)
    made = campaigns.create(session, house.organisation, house.mailing_list, three())
    session.flush()
    return made


def _do(session: Session, letter: Campaign, base: int, name: str, **asked: Any) -> letter_change.Made:  # noqa: ANN401
    return letter_change.make(session, letter, change(**asked), base=base, name=name)


def test_asked_for_twice_it_is_done_once(session: Session) -> None:
    letter = _made(session)
    first = _do(session, letter, 1, "k1", op="remove", id=B)
    again = _do(session, letter, 1, "k1", op="remove", id=B)
    assert (first.before, again.before) == (False, True)
    assert again.revision.number == first.revision.number == letter.version == 2


def test_one_name_is_one_change(session: Session) -> None:
    letter = _made(session)
    _do(session, letter, 1, "k1", op="remove", id=B)
    with pytest.raises(Invalid) as reused:
        _do(session, letter, 2, "k1", op="remove", id=A)
    assert reused.value.code == "idempotency_key_reused"


def test_on_an_old_version_nothing_is_stored(session: Session) -> None:
    letter = _made(session)
    _do(session, letter, 1, "mine", op="head", subject="Mine", preheader="")
    with pytest.raises(Conflict) as changed:
        _do(session, letter, 1, "theirs", op="head", subject="Theirs", preheader="")
    assert changed.value.code == "changed_elsewhere"
    assert campaigns.newest(session, letter).subject == "Mine"


def test_an_earlier_version_comes_back_as_a_new_one(session: Session) -> None:
    letter = _made(session)
    _do(session, letter, 1, "k1", op="remove", id=A)
    _do(session, letter, 2, "k2", op="switch", mode="blocks")
    back = _do(session, letter, 2, "k3", op="restore", number=1)
    assert order(back.revision.draft) == [A, B, C]
    assert back.revision.number == 3
    with pytest.raises(NotFound):
        _do(session, letter, 3, "k4", op="restore", number=99)


def test_the_last_fifty_are_kept_and_every_one_that_left(session: Session) -> None:
    letter = _made(session)
    for number in range(1, 60):
        if number == 3:
            revisions.numbered(session, letter.id, 3).compiled_for = "x" * 64
        _do(session, letter, number, f"k{number}", op="head", subject=f"S{number}", preheader="")
    kept = [each.number for each in revisions.newest_first(session, letter.id)]
    assert kept == [*range(60, 10, -1), 3]
