"""What we write, Prometheus's own reader reads as it was meant, whatever stands in a label."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from listkeeper.standards import exposition
from listkeeper.standards.exposition import Metric

_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    said=_WORDS,
    samples=st.dictionaries(
        st.tuples(_WORDS, _WORDS), st.floats(allow_nan=False) | st.integers(-(10**18), 10**18), min_size=1, max_size=4
    ),
)
def test_whatever_stands_in_a_label_comes_back(said: str, samples: dict[tuple[str, str], float]) -> None:
    metric = Metric("listkeeper_things", f"Things. {said}")
    for (one, two), value in samples.items():
        metric.add(value, one=one, two=two)
    [family] = text_string_to_metric_families(exposition.text([metric]))
    assert (family.name, family.type) == ("listkeeper_things", "gauge")
    read = {(sample.labels["one"], sample.labels["two"]): sample.value for sample in family.samples}
    assert read == {key: float(value) for key, value in samples.items()}


def test_numbers_are_written_as_they_are() -> None:
    metric = Metric("listkeeper_numbers", "Numbers.")
    for place, value in enumerate((0, 3, -7, 2.5, 1e300, math.inf, -math.inf, math.nan)):
        metric.add(value, place=str(place))
    lines = exposition.text([metric]).splitlines()[2:]
    assert [line.rpartition(" ")[2] for line in lines] == ["0", "3", "-7", "2.5", "1e+300", "+Inf", "-Inf", "NaN"]


def test_the_same_labels_are_added_up_and_a_counter_says_so() -> None:
    metric = Metric("listkeeper_mails_total", "Mails.", "counter").add(1, lane="urgent").add(2, lane="urgent")
    assert exposition.text([metric]) == (
        '# HELP listkeeper_mails_total Mails.\n# TYPE listkeeper_mails_total counter\n'
        'listkeeper_mails_total{lane="urgent"} 3\n'
    )  # fmt: skip


@pytest.mark.parametrize("name", ["", "9lives", "a-b", "a b", "å"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        exposition.text([Metric(name, "x").add(1)])
    with pytest.raises(ValueError, match="no name"):
        exposition.text([Metric("fine", "x").add(1, **{name: "x"})])


def test_a_metric_stands_there_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        exposition.text([Metric("one", "x"), Metric("one", "y")])
