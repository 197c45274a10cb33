"""Routes compiled once for all applications of a test process.

Nearly every test makes an application of its own, and most of the time that takes goes into werkzeug compiling, for
each of some three hundred routes, the function that builds its address. That function depends on nothing but the
route's words: it reads converters from the rule it is bound to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

_compile: Callable[..., Any] = Rule._compile_builder  # noqa: SLF001 - what is remembered
_made: dict[tuple[object, ...], Any] = {}


def remember() -> None:
    """Let every rule with the same words share its builder."""
    Rule._compile_builder = _remembered  # type: ignore[assignment,method-assign]  # noqa: SLF001


def _remembered(rule: Any, append_unknown: bool = True) -> Any:  # noqa: ANN401 - werkzeug's own types
    if rule.defaults:
        return _compile(rule, append_unknown)
    # The trace holds the words; the rule's own text says which converters they meet.
    name = (rule.rule, tuple(rule._trace), append_unknown)  # noqa: SLF001
    if name not in _made:
        _made[name] = _compile(rule, append_unknown)
    return _made[name]
