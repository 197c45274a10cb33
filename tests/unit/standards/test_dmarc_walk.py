"""The tree walk: which names are asked, in what order, where it ends, and whose domain a name is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import dmarc, dmarc_walk
from listkeeper.standards.dmarc_record import Psd
from listkeeper.standards.dmarc_walk import End, Walk
from listkeeper.standards.dns import Outcome, StaticResolver


class _Listening:
    """A zone of DMARC records that remembers which names it was asked for."""

    def __init__(self, records: dict[str, str | list[str]], failing: tuple[str, ...] = ()) -> None:
        zone = {
            f"_dmarc.{name}": {"TXT": [texts] if isinstance(texts, str) else texts} for name, texts in records.items()
        }
        self._zone = StaticResolver(zone, failing=[f"_dmarc.{name}" for name in failing])
        self.asked: list[str] = []

    def query(self, name: str, kind: str, /) -> Outcome:
        assert kind == "TXT"
        self.asked.append(name)
        return self._zone.query(name, kind)


def _walk(domain: str, records: dict[str, str | list[str]], failing: tuple[str, ...] = ()) -> tuple[Walk, list[str]]:
    zone = _Listening(records, failing)
    return dmarc_walk.walk(domain, zone), [name.removeprefix("_dmarc.") for name in zone.asked]


def _organisation(domain: str, records: dict[str, str | list[str]], failing: tuple[str, ...] = ()) -> str | None:
    return _walk(domain, records, failing)[0].organisational


# Rule 1: the first question is about the name itself.


def test_the_domain_itself_is_asked_first_and_then_each_name_above_it() -> None:
    walk, asked = _walk("news.shop.example", {"news.shop.example": "v=DMARC1; p=none"})
    assert asked == ["news.shop.example", "shop.example", "example"]
    assert walk.end is End.TOP
    assert [step.name for step in walk.steps] == ["_dmarc.news.shop.example", "_dmarc.shop.example", "_dmarc.example"]


def test_a_name_of_one_label_is_asked_alone_and_no_name_not_at_all() -> None:
    assert _walk("example", {})[1] == ["example"]
    walk, asked = _walk("", {})
    assert (asked, walk.steps, walk.failure, walk.organisational) == ([], (), None, "")


# Rule 2: eight questions at most.


def test_thirteen_labels_are_cut_to_the_last_seven_after_the_first_question() -> None:
    _, asked = _walk("a.b.c.d.e.f.g.h.i.j.mail.shop.example", {})
    assert asked == [
        "a.b.c.d.e.f.g.h.i.j.mail.shop.example",
        "g.h.i.j.mail.shop.example",
        "h.i.j.mail.shop.example",
        "i.j.mail.shop.example",
        "j.mail.shop.example",
        "mail.shop.example",
        "shop.example",
        "example",
    ]


@pytest.mark.parametrize("labels", range(1, 14))
def test_how_many_names_are_asked_and_how_long_the_second_is(labels: int) -> None:
    domain = ".".join([*(f"l{number}" for number in range(labels - 1)), "example"])
    asked = dmarc_walk.names(domain)
    assert asked[0] == domain
    assert asked[-1] == "example"
    assert len(asked) == min(labels, 8)
    assert [name.count(".") + 1 for name in asked[1:]] == list(range(min(labels - 1, 7), 0, -1))


def test_a_record_between_the_first_and_the_second_question_is_never_found() -> None:
    records: dict[str, str | list[str]] = {
        "b.c.d.e.f.g.shop.example": "v=DMARC1; p=reject; psd=n",
        "shop.example": "v=DMARC1; p=none",
    }
    assert _organisation("mail.a.b.c.d.e.f.g.shop.example", records) == "shop.example"


# Rule 3: psd=n.


def test_psd_n_ends_the_walk_and_names_the_organisation() -> None:
    records: dict[str, str | list[str]] = {
        "b.shop.example": "v=DMARC1; p=reject; psd=n",
        "shop.example": "v=DMARC1; p=none",
    }
    walk, asked = _walk("a.b.shop.example", records)
    assert asked == ["a.b.shop.example", "b.shop.example"]
    assert (walk.end, walk.organisational) == (End.PSD, "b.shop.example")


def test_psd_n_at_the_name_itself_keeps_the_name_above_out() -> None:
    records: dict[str, str | list[str]] = {
        "news.shop.example": "v=DMARC1; p=reject; psd=N",
        "shop.example": "v=DMARC1; p=none",
    }
    walk, asked = _walk("news.shop.example", records)
    assert (asked, walk.organisational) == (["news.shop.example"], "news.shop.example")


# Rule 4: psd=y.


def test_psd_y_ends_the_walk_and_the_organisation_is_one_label_below() -> None:
    records: dict[str, str | list[str]] = {"bank.example": "v=DMARC1; p=reject; psd=y"}
    walk, asked = _walk("mail.giant.bank.example", records)
    assert asked == ["mail.giant.bank.example", "giant.bank.example", "bank.example"]
    assert (walk.end, walk.organisational) == (End.PSD, "giant.bank.example")
    assert _organisation("mail.mega.bank.example", records) == "mega.bank.example"
    assert _organisation("giant.bank.example", records) == "giant.bank.example"


def test_psd_y_of_a_single_label_is_found() -> None:
    assert _organisation("a.mail.agency.example", {"example": "v=DMARC1; psd=y; p=reject"}) == "agency.example"


def test_a_suffix_that_sends_as_itself_is_its_own_organisation() -> None:
    walk, asked = _walk("bank.example", {"bank.example": "v=DMARC1; p=reject; psd=y"})
    assert (asked, walk.organisational) == (["bank.example"], "bank.example")


# Rule 5: neither.


@pytest.mark.parametrize(
    ("records", "organisation"),
    [
        (["mail.shop.example", "shop.example"], "shop.example"),
        (["a.mail.shop.example", "mail.shop.example"], "mail.shop.example"),
        (["a.mail.shop.example"], "a.mail.shop.example"),
        (["shop.example", "example"], "example"),
        ([], "a.mail.shop.example"),
    ],
)
def test_without_psd_the_shortest_name_with_a_record_is_the_organisation(records: list[str], organisation: str) -> None:
    found = _organisation("a.mail.shop.example", dict.fromkeys(records, "v=DMARC1; p=none; psd=u"))
    assert found == organisation


# What the steps hold.


def test_other_txt_records_are_passed_over() -> None:
    records: dict[str, str | list[str]] = {
        "news.shop.example": ["site-verification=x", "v=spf1 -all", "v=dmarc1; p=reject"],
        "shop.example": ["hello", "v=DMARC1; p=quarantine"],
    }
    walk, _ = _walk("news.shop.example", records)
    assert [step.record.text if step.record else None for step in walk.steps] == [None, "v=DMARC1; p=quarantine", None]
    assert [step.words for step in walk.steps] == ["no DMARC record", "a DMARC record", "the name does not exist"]
    assert walk.words == "The search stopped here, because there is no name above."


def test_of_several_records_at_one_name_none_counts_and_the_walk_goes_on() -> None:
    records: dict[str, str | list[str]] = {
        "b.shop.example": ["v=DMARC1; p=reject; psd=n", "v=DMARC1; p=none"],
        "shop.example": "v=DMARC1; p=quarantine",
    }
    walk, asked = _walk("a.b.shop.example", records)
    assert asked == ["a.b.shop.example", "b.shop.example", "shop.example", "example"]
    assert walk.organisational == "shop.example"
    assert walk.steps[0].words == "the name does not exist"
    assert walk.steps[1].has_several
    assert walk.steps[1].words == "2 DMARC records, so that none of them counts"


def test_a_name_without_an_answer_ends_the_walk_and_nothing_is_concluded() -> None:
    walk, asked = _walk("news.shop.example", {"news.shop.example": "v=DMARC1; p=none"}, failing=("shop.example",))
    assert asked == ["news.shop.example", "shop.example"]
    assert (walk.end, walk.organisational) == (End.FAILED, None)
    assert walk.failure
    assert walk.failure.name == "_dmarc.shop.example"
    assert walk.steps[-1].words == "no answer: no answer in time"
    assert walk.words == "The search stopped here, because without an answer the rest proves nothing."


def test_case_the_final_dot_and_letters_beyond_ascii_make_no_difference() -> None:
    records: dict[str, str | list[str]] = {"xn--blbr-roah.example": "v=DMARC1; p=none"}
    for domain in ("Bl\u00e5b\u00e6r.Example.", "xn--BLBR-roah.EXAMPLE"):
        walk, asked = _walk(domain, records)
        assert asked[0] == walk.domain == walk.organisational == "xn--blbr-roah.example"
    assert dmarc_walk.normal("\u2603\u0301..") == "\u2603\u0301."


def test_a_name_that_cannot_exist_is_no_trouble() -> None:
    assert _organisation(f"{'a' * 64}.shop.example", {"shop.example": "v=DMARC1; p=none"}) == "shop.example"


_LABELS = st.lists(st.sampled_from(["a", "b", "c", "bb"]), min_size=1, max_size=11)
_TEXTS = st.sampled_from(
    ["v=DMARC1; p=none", "v=DMARC1; p=none; psd=n", "v=DMARC1; p=none; psd=y", "v=DMARC1; x", "other"]
)


@given(_LABELS, st.dictionaries(st.integers(0, 10), st.lists(_TEXTS, max_size=2)), st.sets(st.integers(0, 10)))
def test_the_organisation_is_the_name_or_above_it_and_at_most_eight_questions_are_asked(
    labels: list[str], at: dict[int, list[str]], failing: set[int]
) -> None:
    domain = ".".join(labels)
    names = [".".join(labels[start:]) for start in range(len(labels))]
    records: dict[str, str | list[str]] = {names[start]: texts for start, texts in at.items() if start < len(names)}
    down = tuple(names[start] for start in failing if start < len(names) and start not in at)
    walk, asked = _walk(domain, records, down)
    assert asked == dmarc_walk.names(domain)[: len(asked)]
    assert len(asked) == len(set(asked)) <= dmarc_walk.MOST_QUERIES
    assert (walk.organisational is None) is (walk.failure is not None)
    if walk.organisational is None:
        return
    assert walk.organisational in names
    assert walk.organisational == dmarc.organisational_domain(domain, _Listening(records, down))
    tagged = [step for step in walk.steps if step.record and step.record.psd is not Psd.UNSAID]
    assert tagged == ([walk.steps[-1]] if walk.end is End.PSD else [])


@given(st.text())
def test_no_domain_crashes_the_walk(domain: str) -> None:
    walk = dmarc_walk.walk(domain, StaticResolver({}))
    assert walk.organisational == walk.domain == dmarc_walk.normal(domain)
    assert len(walk.steps) <= dmarc_walk.MOST_QUERIES
