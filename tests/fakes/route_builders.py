"""Routes compiled once for all applications of a test process.

Nearly every test makes an application of its own, and most of the time that takes goes into werkzeug reading, for
each of some three hundred routes, its words, and compiling the function that builds its address. Both depend on
nothing but the words: the function reads converters from the rule it is bound to.
"""

from __future__ import annotations

from typing import Any

from werkzeug.routing import Rule
from werkzeug.routing.converters import DEFAULT_CONVERTERS

_compile: Any = Rule.compile
_made: dict[tuple[object, ...], dict[str, Any]] = {}
_READ = ("_parts", "_trace", "_converters", "arguments")
_BUILDERS = ("_build", "_build_unknown")


def remember() -> None:
    """Let every rule with the same words share what was read from them."""
    Rule.compile = _remembered  # type: ignore[method-assign,assignment]


def _remembered(rule: Any) -> None:  # noqa: ANN401 - werkzeug's own types
    routes = rule.map
    if rule.defaults or routes.host_matching or routes.converters != DEFAULT_CONVERTERS:
        _compile(rule)
        return
    name = (rule.rule, rule.subdomain, rule.merge_slashes)
    if name not in _made:
        _compile(rule)
        _made[name] = {each: vars(rule)[each] for each in _READ}
        _made[name] |= {each: vars(rule)[each].__func__ for each in _BUILDERS}
        return
    kept = _made[name]
    vars(rule).update((each, kept[each]) for each in _READ)
    vars(rule).update((each, kept[each].__get__(rule, None)) for each in _BUILDERS)
