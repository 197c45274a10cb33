"""The text that Prometheus reads, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).

A few lines of our own: the client library counts within one process, and what
is said here is read from the database at each look.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

# Labels as pairs in a fixed order, so that equal ones are equal.
Labels = tuple[tuple[str, str], ...]


@dataclass
class Metric:
    """One metric: what it is called, what it says, and a number for each set of labels."""

    name: str
    help: str
    kind: Literal["counter", "gauge"] = "gauge"
    samples: dict[Labels, float] = field(default_factory=dict)

    def add(self, value: float, **labels: str) -> Metric:
        """Add a number to the sample with these labels."""
        key = tuple(labels.items())
        self.samples[key] = self.samples.get(key, 0) + value
        return self


def each(name: str, help_text: str, label: str, numbers: Mapping[str, float]) -> Metric:
    """Return a gauge with one number for each value of one label."""
    return Metric(name, help_text, samples={((label, word),): number for word, number in numbers.items()})


def text(metrics: Iterable[Metric]) -> str:
    """Return all metrics as text. Raises ValueError for a name that is none, or one that comes twice."""
    seen: set[str] = set()
    lines: list[str] = []
    for metric in metrics:
        if metric.name in seen:
            raise ValueError(f"{metric.name} comes twice")
        seen.add(metric.name)
        lines += _lines(metric)
    return "".join(f"{line}\n" for line in lines)


def _lines(metric: Metric) -> Iterator[str]:
    if not _NAME.fullmatch(metric.name):
        raise ValueError(f"{metric.name} is no name of a metric")
    said = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    yield f"# HELP {metric.name} {said}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for labels, value in metric.samples.items():
        yield f"{metric.name}{_labels(labels)} {_number(value)}"


def _labels(labels: Labels) -> str:
    for name, _value in labels:
        if not _LABEL.fullmatch(name) or name.startswith("__"):
            raise ValueError(f"{name} is no name of a label")
    written = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{written}}}" if written else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))  # noqa: PLR2004 - exact
