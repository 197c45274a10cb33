"""One measured figure beside its limit, taken in turns, because a shared machine drifts."""

from __future__ import annotations

import importlib
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Figure:
    """What a bench found: medians, how far the runs lay apart, and the ratio to the limit where there is one."""

    name: str
    figure: float
    unit: str
    limit: float | None
    ratio: float | None
    repeats: int
    spread: float
    limit_is: str
    note: str = ""
    # What explains the figure: the parts it is made of, in the unit that their bench names.
    profile: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the figure for JSON."""
        return asdict(self)


def compare(
    name: str, unit: str, ours: Callable[[], float], limit: Callable[[], float] | None, *, repeats: int, limit_is: str,
    note: str = "",
) -> Figure:  # fmt: skip
    """Run ours and the limit in turns; the spread is (largest - smallest) / median of ours."""
    found: list[float] = []
    limits: list[float] = []
    for _ in range(repeats):
        found.append(ours())
        if limit is not None:
            limits.append(limit())
    median = statistics.median(found)
    best = statistics.median(limits) if limits else None
    return Figure(
        name=name,
        figure=round(median, 1),
        unit=unit,
        limit=round(best, 1) if best else None,
        ratio=round(median / best, 3) if best else None,
        repeats=repeats,
        spread=round((max(found) - min(found)) / median, 3),
        limit_is=limit_is,
        note=note,
    )


def limit_program(name: str) -> ModuleType | str:
    """Return a limit program from shared/bench beside or above the checkout, or why there is none."""
    for folder in (CHECKOUT, *CHECKOUT.parents):
        place = folder / "shared" / "bench"
        if (place / f"{name}.py").is_file():
            sys.path.insert(0, str(place))
            try:
                return importlib.import_module(name)
            except ImportError as problem:
                return f"{place / name}.py cannot be loaded: {problem}"
            finally:
                sys.path.remove(str(place))
    return f"shared/bench/{name}.py is neither beside nor above the checkout"
