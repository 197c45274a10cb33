"""SPF as another project's verifier expects it: all of it, or a named exception where RFC 7208 says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from listkeeper.standards import spf
from listkeeper.standards.dns import StaticResolver
from listkeeper.standards.spf import Result
from tests.fakes.corpora import Corpora

_EXPECTATIONS, _SCENARIOS, _FILES = 64, 17, 3
# What they expect and we do not say: (domain, address) → what the RFC makes of it.
_EXCEPTIONS = {
    # Ten names of which none exists. Section 4.6.4: more than two void look-ups are a permerror.
    ("ok.test.org", "172.168.0.1"): "permerror",
    # Eleven MX hosts, of which the eighth would match. Section 4.6.4 allows ten; we count before we look, as pyspf
    # does, so that the result does not depend on the order of hosts of equal preference.
    ("mx.test.org", "10.0.0.8"): "permerror",
}


@dataclass
class _Scenario:
    zone: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    tests: list[dict[str, str]] = field(default_factory=list)

    def publish(self, kind: str, name: str, value: str) -> None:
        """Add one line of records."""
        at = self.zone.setdefault(name, {})
        match kind:
            case "spf" | "txt" | "exp":
                at.setdefault("TXT", []).append(value)
            case "mx":
                # Their zone gives addresses where hosts belong: each becomes a host of its own.
                for number, address in enumerate(value.split(","), 1):
                    host = f"host{number}.{name}"
                    at.setdefault("MX", []).append(f"{number} {host}")
                    self.publish("aaaa" if ":" in address else "a", host, address)
            case _:
                at.setdefault(kind.upper(), []).extend(part.strip().removesuffix(".") for part in value.split(","))


def _scenarios(path: Path) -> Iterator[_Scenario]:
    for document in path.read_text("utf-8").split("\n---"):
        made, inside = _Scenario(), ""
        for line in document.splitlines():
            key, _, value = line.strip().removeprefix("- ").partition(":")
            if not key or key.startswith("#"):
                continue
            if not line.startswith(" "):
                inside = key
            elif inside == "records":
                name, _, rest = value.strip().partition(" ")
                made.publish(key, name if key != "ptr" else _reverse(name), rest)
            else:
                if line.strip().startswith("- "):
                    made.tests.append({})
                made.tests[-1][key] = value.strip()
        yield made


def _reverse(address: str) -> str:
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


class _Zone(StaticResolver):
    """The scenario's zone; what has a label ``_dns_error`` cannot be looked up."""

    def __init__(self, scenario: _Scenario) -> None:
        asked = [test["domain"] for test in scenario.tests]
        texts = " ".join(text for at in scenario.zone.values() for text in at.get("TXT", []))
        included = [term.partition(":")[2] for term in texts.split() if term.startswith("include:")]
        super().__init__(scenario.zone, failing=[name for name in (*asked, *included) if "_dns_error" in name])


def _said(test: dict[str, str], resolver: StaticResolver) -> str:
    """Return what a receiver concludes that looks at HELO first, and at MAIL FROM unless that decided (section 2.4)."""
    helo, sender = test["domain"], test["sender"]
    found = spf.check_host(test["ip"], helo, sender, helo, resolver)
    domain, _ = spf.identity(sender, helo)
    if domain != helo and found.result is not Result.FAIL:
        found = spf.check_host(test["ip"], domain, sender, helo, resolver)
    return f"{found.result} {found.explanation}".strip()


def test_a_second_opinion_is_ours_or_has_a_named_exception(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    files = sorted((corpora / "spf_stalwart").glob("*.yml"))
    scenarios = [scenario for path in files for scenario in _scenarios(path)]
    differences, agreed = {}, 0
    for scenario in scenarios:
        resolver = _Zone(scenario)
        for test in scenario.tests:
            said = _said(test, resolver)
            if said == test["expect"]:
                agreed += 1
            else:
                differences[test["domain"], test["ip"]] = said
    asked = sum(len(scenario.tests) for scenario in scenarios)
    summarise(f"spf_stalwart: {asked} expectations, {agreed} agreed, {len(differences)} named exceptions")
    assert (len(files), len(scenarios), asked) == (_FILES, _SCENARIOS, _EXPECTATIONS)
    assert differences == _EXCEPTIONS
    assert agreed == _EXPECTATIONS - len(_EXCEPTIONS)
