"""SPF beside pyspf over generated zones: the same result, or a difference that RFC 7208 explains.

A difference counts as explained only when pyspf, after the one thing that it
does otherwise is taken away, comes to our result for the same zone.
"""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from unittest.mock import patch

import pytest

from listkeeper.standards import dns, spf
from listkeeper.standards.dns import Answer, StaticResolver, TempFail

with warnings.catch_warnings():
    # Its strings hold escapes that Python warns about, once: when it is compiled on a fresh machine.
    warnings.simplefilter("ignore")
    import spf as pyspf

_NAMES = [f"n{number}.example" for number in range(7)]
_ADDRESSES = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "203.0.113.200"]
_ADDRESSES_6 = ["2001:db8::1", "2001:db8:1::77", "2001:db8::ffff:9"]
_SPECS = [
    "%{d}", "%{d2}", "%{o}", "%{l}.%{d1r}.example", "%{ir}.%{v}.n1.example", "%{h}", "%{l1r-}.n2.example",
    "%{d}.", "%{p}", "n1.example.", "nowhere.example", "a_b.example", "%{i}._spf.%{d2}", "%%%_%-.n3.example",
    "x%{l+}.example", "%{S}.example",
]  # fmt: skip
_WRONG = [
    "a:", "mx:/24", "ip4:192.0.2", "ip6:2001:db8::g", "a/33", "a//129", "all:x", "include", "exists", "ptr/24", "moo",
    "a:%{x}.example", "a:%{d", "exp=", "redirect=", "a:n1", "ip4:192.0.2.1/33", "a:n1.example/024",
    "exp=n1.example exp=n2.example", "redirect=n1.example redirect=n2.example", "-", "=a", "a:n1.1", "%{d}",
]  # fmt: skip
_LONGEST_NAME = 253
_LOCALS = ["news", "a-b", "x+y.z", "%{d}", "a b", ""]


@dataclass
class _Case:
    zone: dict[str, dict[str, list[str]]]
    failing: list[str]
    ip: str
    sender: str
    helo: str


def _spec(chance: random.Random) -> str:
    return chance.choice(_SPECS) if chance.random() < 0.25 else chance.choice(_NAMES)


def _term(chance: random.Random, owner: str) -> str:
    sign = chance.choice(["", "", "", "+", "-", "~", "?"])
    bits = chance.choice(["", "", "", "/24", "/0", "//64", "/16//32", "/32//128"])
    match chance.choice(["a", "a", "mx", "ptr", "exists", "include", "include", "ip4", "ip6"]):
        case "a" | "mx" as name:
            return f"{sign}{name}{chance.choice(['', f':{_spec(chance)}'])}{bits}"
        case "ptr":
            return f"{sign}ptr{chance.choice(['', f':{_spec(chance)}'])}"
        case "ip4":
            return f"{sign}ip4:{chance.choice(_ADDRESSES)}{chance.choice(['', '/32', '/24', '/9', '/0'])}"
        case "ip6":
            return f"{sign}ip6:{chance.choice(_ADDRESSES_6)}{chance.choice(['', '/128', '/32', '/0'])}"
        case "include":
            # One that leads straight back is an exception of its own, below.
            others = [name for name in _NAMES if name != owner]
            return f"{sign}include:{chance.choice([*others, '%{l}.n1.example', 'nowhere.example'])}"
        case name:
            return f"{sign}{name}:{_spec(chance)}"


def _record(chance: random.Random, owner: str) -> str:
    terms = [_term(chance, owner) for _ in range(chance.choice([0, 1, 1, 2, 3, 4, 12]))]
    if chance.random() < 0.08:
        terms.append(chance.choice(_WRONG))
    if chance.random() < 0.3:
        terms.append(f"exp={_spec(chance)}")
    chance.shuffle(terms)
    if chance.random() < 0.2:
        terms.append(f"redirect={_spec(chance)}")
    elif chance.random() < 0.7:
        terms.append(chance.choice(["-all", "~all", "?all", "+all", "all", "-ALL"]))
    if chance.random() < 0.1:
        terms.append(chance.choice(["moo=x", "default=fail", "a.b-c=%{d}"]))
    return (
        chance.choice(["v=spf1", "v=spf1", "V=SPF1"]) + "".join(f" {term}" for term in terms) + chance.choice(["", " "])
    )


def _records(chance: random.Random, owner: str) -> dict[str, list[str]]:
    texts = [_record(chance, owner) for _ in range(chance.choice([0, 1, 1, 1, 1, 1, 1, 2]))]
    found = {
        "TXT": [*texts, *chance.choice([[], ["v=spf10 -all"], ["%{i} may not send, see %{d}"]])],
        "A": chance.sample(_ADDRESSES, chance.choice([0, 1, 1, 2])),
        "AAAA": chance.sample(_ADDRESSES_6, chance.choice([0, 1, 1])),
        "MX": [f"{number} {host}" for number, host in enumerate(chance.sample(_NAMES, chance.choice([0, 1, 2])))],
    }
    return {kind: records for kind, records in found.items() if records}


def _drawn(chance: random.Random) -> _Case:
    zone = {name: _records(chance, name) for name in _NAMES if chance.random() < 0.9}
    ip = chance.choice(chance.choice([_ADDRESSES, _ADDRESSES, _ADDRESSES_6]))
    reverse = dns.reverse_name(ip)
    if chance.random() < 0.7:
        zone[reverse] = {"PTR": chance.sample([*_NAMES, "nowhere.example"], chance.choice([1, 2, 3]))}
    failing = [name for name in (*_NAMES[1:], reverse) if chance.random() < 0.03]
    for name in failing:
        # One that fails has none of the records that would come before the failure.
        zone.pop(name, None)
    sender = f"{chance.choice(_LOCALS)}@{_NAMES[0]}" if chance.random() < 0.9 else ""
    return _Case(zone, failing, ip, sender, _NAMES[0] if not sender else chance.choice(_NAMES))


def _ours(case: _Case) -> tuple[str, str]:
    domain, sender = spf.identity(case.sender, case.helo)
    resolver = StaticResolver(case.zone, failing=case.failing)
    found = spf.check_host(case.ip, domain, sender, case.helo, resolver, default_explanation="DEFAULT")
    return found.result.value, found.explanation


def _theirs(case: _Case) -> tuple[str, str, str]:
    """Return pyspf's result, its explanation of a fail, and its reason for an error."""
    resolver = StaticResolver(case.zone, failing=case.failing)

    def look_up(name: str, kind: str, *_limits: object) -> Iterator[tuple[tuple[str, str], object]]:
        outcome = resolver.query(name, kind)
        if isinstance(outcome, TempFail):
            raise pyspf.TempError("DNS " + outcome.reason)
        for record in outcome.records if isinstance(outcome, Answer) else ():
            preference, _, host = record.partition(" ")
            match kind:
                case "TXT":
                    yield (name, kind), (record.encode("latin-1"),)
                case "MX":
                    yield (name, kind), (int(preference), host)
                case _:
                    yield (name, kind), record

    with patch.object(pyspf, "DNSLookup", look_up):
        asked = pyspf.query(i=case.ip, s=case.sender, h=case.helo, strict=True)
        asked.set_default_explanation("DEFAULT")
        result, _code, words = (str(part) for part in asked.check())
    return result, words if result == "fail" else "", words


def _explained(case: _Case, ours: tuple[str, str], words: str) -> str | None:
    """Return what pyspf does otherwise and the section that speaks of it, where that alone is the difference."""
    if "Void lookup limit" in words and _theirs_within(case, MAX_VOID_LOOKUPS=1000) == ours:
        return "4.6.4: it counts a host of an MX, and a name of the address, as void look-ups of their own"
    if "Too many DNS lookups" in words and _theirs_within(case, MAX_LOOKUP=30) == ours:
        return "6.1: it counts a redirect that is not followed"
    if "look" in words and _theirs_within(case, MAX_VOID_LOOKUPS=1000, MAX_LOOKUP=30) == ours:
        return "4.6.4 and 6.1: both of these"
    if words.startswith("SPF Temporary Error"):
        # A name that fails finds nothing instead, which may or may not be one void look-up too many.
        sound = replace(case, failing=[])
        if ours in {_theirs_within(sound), _theirs_within(sound, MAX_VOID_LOOKUPS=1000)}:
            return "4.6.2, 5.4, 5.5: it asks for more than is needed to decide, and stops where a PTR fails"
    if ours[0] == "fail" and len(ours[1]) > _LONGEST_NAME and ours[1].endswith(words):
        return "7.3: it shortens an explanation as if it were a name"
    return None


def _theirs_within(case: _Case, **limits: int) -> tuple[str, str]:
    """Return what pyspf says with other limits."""
    with ExitStack() as changed:
        for name, limit in limits.items():
            changed.enter_context(patch.object(pyspf, name, limit))
        return _theirs(case)[:2]


def test_our_result_is_that_of_pyspf_or_explained_by_the_rfc(
    chance: random.Random, share: Callable[[str, int, int], int], summarise: Callable[[str], None]
) -> None:
    agreed: Counter[str] = Counter()
    explained: Counter[str] = Counter()
    different = []
    zones = share("generated zones beside pyspf", 20_000, 600)
    for number in range(zones):
        case = _drawn(chance)
        ours, (result, explanation, words) = _ours(case), _theirs(case)
        if ours == (result, explanation):
            agreed[result] += 1
        elif why := _explained(case, ours, words):
            explained[why] += 1
        else:
            different.append((number, ours, words, case))
    summarise(
        f"pyspf: {zones} zones, {agreed.total()} agreed, "
        + ", ".join(f"{count} by RFC 7208 {why.partition(':')[0]}" for why, count in sorted(explained.items()))
    )
    assert different == []
    assert agreed.total() > 0.9 * zones
    # A generator that only makes errors would show little.
    assert all(agreed[result] >= zones / 100 for result in ("pass", "fail", "softfail", "neutral", "none", "permerror"))


def _case(record: str, *, sender: str = "a@n0.example", **more: dict[str, list[str]]) -> _Case:
    zone: dict[str, dict[str, list[str]]] = {f"{name}.example": dict(at) for name, at in more.items()}
    zone.setdefault("n0.example", {})["TXT"] = [record]
    return _Case(zone, [], "192.0.2.1", sender, "n0.example")


@pytest.mark.parametrize(
    ("case", "ours", "theirs"),
    [
        # Section 7.3: "If a DIGIT is specified, the value MUST be nonzero."
        (_case("v=spf1 a:%{d0} -all", n0={"A": ["192.0.2.9"]}), "permerror", "fail"),
        # Section 4.6.2: mechanisms are evaluated from left to right, and one that matches ends it.
        (_case("v=spf1 ip4:192.0.2.1 include:n0.example -all"), "pass", "permerror"),
        (_case("v=spf1 include:n0.example -all"), "permerror", "permerror"),
        # Section 6.1: redirect counts where it is followed.
        (_case("v=spf1" + " a:n1.example" * 10 + " ip4:192.0.2.1 redirect=n2.example", n1={"A": ["192.0.2.9"]}),
         "pass", "permerror"),
        # Section 4.6.4: what is void is the question for the MX records, not that for each of their hosts.
        (_case("v=spf1 mx ip4:192.0.2.1 -all", n0={"MX": [f"{number} n{number}.example" for number in range(1, 5)]}),
         "pass", "permerror"),
        (_case("v=spf1 a:n1.example mx a:n2.example ip4:192.0.2.1 -all"), "permerror", "permerror"),
    ],
)  # fmt: skip
def test_each_known_difference_is_as_the_rfc_has_it(case: _Case, ours: str, theirs: str) -> None:
    assert (_ours(case)[0], _theirs(case)[0]) == (ours, theirs)
