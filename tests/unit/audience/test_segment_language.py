"""The language of segments: what is printed reads back, and every mistake is named at its place."""

from __future__ import annotations

import json
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.audience.segments import segment_tree
from listkeeper.audience.segments.segment_language import Misread, parse, printed, quoted
from listkeeper.audience.segments.segment_phrases import MOST_DAYS, PHRASES, Phrase, Slot
from listkeeper.audience.segments.segment_tree import All, AnyOf, Condition, Not, Tree
from listkeeper.foundation.errors import Invalid

_AWKWARD = ["and", "NOT", "unknown", '"', "\\", "a b", "(", "30", "ß", "Æbler", "'; DROP TABLE segment; --"]
_TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20) | st.sampled_from(_AWKWARD)


_PAUSES = Condition("pauses")


def _slot(slot: Slot) -> st.SearchStrategy[object]:
    return {
        Slot.DAYS: st.integers(0, MOST_DAYS),
        Slot.TIMES: st.integers(1, 1000),
        Slot.DATE: st.dates(min_value=date(1990, 1, 1), max_value=date(2099, 12, 31)).map(str),
        Slot.EVENT: st.from_regex(r"[a-z0-9_-]{1,40}", fullmatch=True),
        Slot.KEY: st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True),
    }.get(slot, _TEXTS)  # fmt: skip


def _condition(phrase: Phrase) -> st.SearchStrategy[Condition]:
    return st.builds(Condition, st.just(phrase.id), **{slot.field: _slot(slot) for slot in phrase.slots})


def _groups(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(several.map(All), several.map(AnyOf), inner.map(Not))


_TREES: st.SearchStrategy[Tree] = st.recursive(
    st.one_of(st.sampled_from(PHRASES).flatmap(_condition), st.just(All()), st.just(AnyOf())), _groups, max_leaves=8
).filter(lambda tree: segment_tree.depth(tree) <= segment_tree.DEEPEST)


def _nots(deep: int) -> dict[str, object]:
    return {"not": _nots(deep - 1)} if deep else {"condition": "pauses"}


@given(tree=_TREES)
def test_what_is_printed_reads_back(tree: Tree) -> None:
    assert parse(printed(tree)) == tree
    assert segment_tree.of_json(json.loads(json.dumps(segment_tree.as_json(tree)))) == tree


@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    problem = _problem_with(text)
    if problem is None:
        assert parse(printed(parse(text))) == parse(text)
    elif isinstance(problem, Misread):
        assert problem.place == f"{problem.line}:{problem.column}"
        assert problem.pointed.endswith("^")
    else:
        assert problem.code in {"segment_too_long", "segment_too_deep"}


def _problem_with(text: str) -> Invalid | None:
    try:
        parse(text)
    except Invalid as problem:
        return problem
    return None


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", All()),
        ("  \n", All()),
        ("everybody", All()),
        ("NOBODY", AnyOf()),
        ("Language IS da", Condition("language_is", "da")),
        ("language is not da", Condition("language_is_not", "da")),
        ("not language is da", Not(Condition("language_is", "da"))),
        ("source is unknown", Condition("source_unknown")),
        ('source is "unknown"', Condition("source_is", "unknown")),
        ("did order never", Condition("did_never", name="order")),
        ("clicked within 1 day", Condition("clicked_within", days=1)),
        ("pauses or pauses and pauses", AnyOf((_PAUSES, All((_PAUSES, _PAUSES))))),
        ("(pauses or pauses) and pauses", All((AnyOf((_PAUSES, _PAUSES)), _PAUSES))),
        ("not pauses and pauses", All((Not(Condition("pauses")), Condition("pauses")))),
        ("((pauses))", Condition("pauses")),
    ],
)  # fmt: skip
def test_not_binds_before_and_and_and_before_or(text: str, tree: Tree) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("langage is da", "1:1", "“langage” cannot stand here. Did you mean “language”?"),
        ("language is da\nand klicked ever", "2:5", "“klicked” cannot stand here. Did you mean “clicked”?"),
        ("language is", "1:12", "The text ends too early."),
        ("language is da or", "1:18", "A condition is needed"),
        ("(language is da", "1:16", "Needed here: and, or, )."),
        ("language is da)", "1:15", "“)” cannot stand here."),
        ("clicked within ten days", "1:16", "Needed here: a number of days."),
        ("clicked within 30", "1:18", "Needed here: days."),
        ("clicked within 99999 days", "1:16", "Here a number from 0 to 3650 is needed."),
        ("clicked within -1 days", "1:16", "Needed here: a number of days."),
        ("clicked within ٣ days", "1:16", "Needed here: a number of days."),
        ("clicked within 9999999999999999999999 days", "1:16", "Needed here: a number of days."),
        ("clicked at least 0 times within 3 days", "1:18", "Here a number from 1 to 1000 is needed."),
        ("joined before 2026-02-30", "1:15", "Here a day is needed"),
        ("joined before 9999-01-01", "1:15", "Here a day is needed"),
        ("joined before yesterday", "1:15", "Here a day is needed"),
        ('language is ""', "1:13", "Here something is missing."),
        (f"language is {'x' * 201}", "1:13", "What stands here is too long"),
        ('language is "da', "1:13", "A quote is opened here and not closed."),
        ('did "Ord er" ever', "1:5", "The name of an event is small letters"),
        ("answer 9 is x", "1:8", "Here the short name of a question is needed"),
        ("language is da; DROP TABLE segment", "1:17", "“DROP” cannot stand here."),
        ("1 = 1", "1:1", "A condition is needed"),
        ("language da", "1:10", "“da” cannot stand here. Needed here: is."),
        ("clicked ever clicked ever", "1:14", "Needed here: and, or."),
    ],
)
def test_a_mistake_is_named_at_its_place(text: str, place: str, said: str) -> None:
    with pytest.raises(Misread) as refused:
        parse(text)
    assert refused.value.place == place
    assert said in refused.value.message
    line, caret = refused.value.pointed.split("\n")
    row, column = map(int, place.split(":"))
    # A long line is shown around the place.
    assert line in text.split("\n")[row - 1]
    assert caret == " " * (column - 1) + "^"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" and ".join(["pauses"] * 65), "segment_too_long"),
        (" and ".join(["everybody"] * 65), "segment_too_long"),
        ("(" * 5_000 + "pauses" + ")" * 4_000, "segment_too_deep"),
        ("not " * 2_000 + "pauses", "segment_too_deep"),
        ("not " * 9 + "pauses", "segment_too_deep"),
        ("x" * 10_000_000, "segment_too_long"),
        ('"' * 10_000_000, "segment_too_long"),
    ],
)
def test_too_much_is_refused_at_once(text: str, code: str) -> None:
    start = time.perf_counter()
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert refused.value.code == code
    assert time.perf_counter() - start < 5


def test_as_much_as_is_allowed_is_read() -> None:
    assert parse(" or ".join(["pauses"] * 64)) == AnyOf((Condition("pauses"),) * 64)
    assert parse("not " * 8 + "pauses") is not None


@pytest.mark.parametrize(
    "tree",
    [
        None, [], "all", {}, {"all": []} | {"any": []}, {"all": None}, {"not": None}, {"condition": "sql"},
        {"condition": "language_is"}, {"condition": "language_is", "value": 3}, {"condition": "pauses", "value": "x"},
        {"condition": "clicked_within", "days": True}, {"condition": "clicked_within", "days": 1e300},
        {"condition": "clicked_within", "days": -1}, {"condition": "language_is", "value": "\x00"},
        {"condition": "joined_before", "date": "2026-13-01"}, {"all": [{"all": [{"not": {}}]}]},
        {"all": [{"condition": "pauses"}] * 65}, _nots(9),
    ],
)  # fmt: skip
def test_json_that_is_no_tree_is_refused(tree: object) -> None:
    with pytest.raises(Invalid):
        segment_tree.of_json(tree)


def test_json_names_the_place() -> None:
    with pytest.raises(Invalid) as refused:
        segment_tree.of_json(
            {"all": [{"condition": "pauses"}, {"not": {"condition": "clicked_within", "days": 99_999}}]}
        )
    assert refused.value.place == "all[1].not."


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("da", "da"),
        ("ig-bio", "ig-bio"),
        ("rye bread", '"rye bread"'),
        ("and", '"and"'),
        ('a"b\\', '"a\\"b\\\\"'),
        ("Æ", '"Æ"'),
    ],
)
def test_a_value_is_quoted_when_it_must_be(value: str, written: str) -> None:
    assert quoted(value) == written


def test_every_phrase_can_be_told_from_every_other() -> None:
    words = [tuple("{}" if isinstance(part, Slot) else part for part in phrase.parts) for phrase in PHRASES]
    assert len(set(words)) == len(words)
    assert len({phrase.id for phrase in PHRASES}) == len(PHRASES)
