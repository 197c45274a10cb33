"""The openspf.org suite for RFC 7208: 203 cases that nobody here wrote."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from listkeeper.standards import spf
from listkeeper.standards.dns import StaticResolver
from tests.fakes.corpora import Corpora

_CASES = 203
_DEFAULT = "DEFAULT"


class _SuiteResolver(StaticResolver):
    """The suite's zone: names that begin with ``error.`` time out, as do those marked TIMEOUT."""

    def __init__(self, zonedata: dict[str, list[Any]]) -> None:
        failing = [name for name, records in zonedata.items() if "TIMEOUT" in records or name.startswith("error.")]
        super().__init__({name: _records(records) for name, records in zonedata.items()}, failing=failing)


def _records(entries: list[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in entries:
        if isinstance(entry, dict):
            [(kind, value)] = entry.items()
            found.setdefault(kind, []).append(_text(kind, value))
    copied = found.pop("SPF", [])
    if copied and "TXT" not in found:
        found["TXT"] = copied
    if found.get("TXT") == ["NONE"]:
        del found["TXT"]
    return found


def _text(kind: str, value: Any) -> str:  # noqa: ANN401 - whatever the YAML holds
    if kind == "MX":
        return f"{value[0]} {value[1].rstrip('.')}"
    if isinstance(value, list):
        return "".join(value)
    return str(value) if kind in {"TXT", "SPF"} else str(value).rstrip(".")


def _cases(folder: Path) -> Iterator[tuple[str, dict[str, Any], StaticResolver]]:
    text = (folder / "rfc7208-tests.yml").read_bytes()
    for scenario in yaml.safe_load_all(text):
        resolver = _SuiteResolver(scenario["zonedata"])
        for name, case in scenario["tests"].items():
            yield f"{scenario['description']}: {name}", case, resolver


def _difference(case: dict[str, Any], resolver: StaticResolver) -> str | None:
    domain, sender = spf.identity(case["mailfrom"], case["helo"])
    said = spf.check_host(case["host"], domain, sender, case["helo"], resolver, default_explanation=_DEFAULT)
    wanted = case["result"] if isinstance(case["result"], list) else [case["result"]]
    if said.result not in wanted:
        return f"{said.result} ({said.reason}) instead of {' or '.join(wanted)}"
    if said.result == "fail" and "explanation" in case and said.explanation != case["explanation"]:
        return f"explains {said.explanation!r} instead of {case['explanation']!r}"
    return None


def test_every_case_of_the_rfc_7208_suite(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    cases = list(_cases(corpora / "spf_rfc7208"))
    began = time.perf_counter()
    answers = [(name, _difference(case, resolver)) for name, case, resolver in cases]
    seconds = time.perf_counter() - began
    disagreed = [f"{name}: {words}" for name, words in answers if words]
    summarise(f"spf_rfc7208: {len(cases)} cases run, {len(cases) - len(disagreed)} agreed")
    assert disagreed == []
    assert len(cases) == _CASES
    assert seconds < 1
