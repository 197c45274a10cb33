"""The block lists that may be chosen (``blocklists.toml``), and the names at which each says something (RFC 5782)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_address
from pathlib import Path

_FILE = Path(__file__).resolve().parent / "blocklists.toml"
_REVERSED = (".in-addr.arpa", ".ip6.arpa")


@dataclass(frozen=True)
class BlockList:
    """One list; ``key`` is the owner's own with its publisher and secret, empty for the public zone."""

    name: str
    title: str
    zone: str
    kind: str
    listed: str
    unlisted: str
    terms: str
    keyed: str = ""
    key: str = ""

    @property
    def holds_domains(self) -> bool:
        """Whether the list takes domains, and never addresses."""
        return self.kind == "domain"

    def place_of(self, subject: str) -> str:
        """Return the name at which the list would say something of an address or a domain; holds no key."""
        return f"{self._front(subject)}.{self.zone}"

    def asked_at(self, subject: str) -> str:
        """Return the name to ask for, with the owner's key in it."""
        return f"{self._front(subject)}.{self.keyed.format(key=self.key)}" if self.key else self.place_of(subject)

    def _front(self, subject: str) -> str:
        if self.holds_domains:
            return subject
        name = ip_address(subject).reverse_pointer
        return next(name.removesuffix(ending) for ending in _REVERSED if name.endswith(ending))

    def memory_of(self, subject: str) -> str:
        """Return under which name what the list said is kept; a key opens another door."""
        return f"{self.name}{'+key' if self.key else ''} {subject}"


@cache
def every() -> Mapping[str, BlockList]:
    """Return the lists that may be chosen, by name."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: BlockList(name=name, **row) for name, row in rows.items()}


def known(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names; ValueError when one is no list's. The settings ask this."""
    strange = [name for name in names if name not in every()]
    if strange:
        raise ValueError(f"names {', '.join(strange)}; there are {', '.join(every())}")
    return tuple(dict.fromkeys(names))


def chosen(names: Sequence[str], key: str | None = None) -> list[BlockList]:
    """Return these lists; those whose publisher gives keys are asked with the owner's."""
    found = [every()[name] for name in known(names)]
    return [replace(one, key=key) if key and one.keyed else one for one in found]
