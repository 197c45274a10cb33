"""The tests of the public suffix list's own project: 78 names and what a person registers above each."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from listkeeper.standards import public_suffix
from tests.fakes.corpora import Corpora

_CASES = 78
_CHECK = re.compile(r"checkPublicSuffix\((null|'[^']*'), (null|'[^']*')\);")


def test_every_name_has_its_registrable_domain(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora / "psl"
    calls = [_CHECK.fullmatch(line) for line in _lines((folder / "test_psl.txt").read_bytes())]
    cases = [(_value(call.group(1)), _value(call.group(2))) for call in calls if call]
    plain = [line.split(" ") for line in _lines((folder / "tests.txt").read_bytes())]
    found = [public_suffix.registrable(name or "") for name, _ in cases]
    agreed = sum(here == wanted for here, (_, wanted) in zip(found, cases, strict=True))
    summarise(f"psl: {len(cases)} names, {agreed} as expected")
    assert len(cases) == len(calls) == _CASES
    # The same cases stand there twice, in two forms.
    assert [[name or "null", wanted or "null"] for name, wanted in cases] == plain
    assert {name: here for here, (name, wanted) in zip(found, cases, strict=True) if here != wanted} == {}


def _lines(raw: bytes) -> list[str]:
    lines = (line.strip() for line in raw.decode("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("//")]


def _value(text: str) -> str | None:
    return None if text == "null" else str(ast.literal_eval(text))
