"""Who keeps the zone of a domain, and how that host's control panel wants a record typed.

The host is known by the names of the zone's servers (``dns_hosts.toml``). One
that is in no row is shown by the name of its server, with the form most
panels take; a form is a proposal, and only reading the record back shows that
it was typed right.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from listkeeper.foundation import language

_FILE = Path(__file__).resolve().parent / "dns_hosts.toml"


class Form(StrEnum):
    """The ways in which hosts want a record; every record can be written in each."""

    # The name without the zone, the value in one piece.
    ONE_STRING = "one_string"
    # The name without the zone, the value in quoted strings of at most 255 octets.
    QUOTED = "quoted"
    # The whole name, the value as it is.
    BARE = "bare"
    # The whole name with its final dot, the value as in a zone file.
    WHOLE_NAME = "whole_name"
    # One line of a zone file, with the TTL.
    BIND = "bind"


# The parts of a record that a panel has a field for.
PARTS = ("type", "name", "value", "target", "priority", "ttl")


@dataclass(frozen=True)
class DnsHost:
    """Who keeps a zone.

    ``apex`` is what stands for the zone itself in the field of the name,
    ``fields`` are the panel's own words by part in its own order (empty: not
    known), ``path`` is the way through its menus.
    """

    name: str
    form: Form
    known: bool
    apex: str = "@"
    fields: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """In one sentence where records are typed; empty when that is not known for sure."""
        if not self.path:
            return ""
        return language.text("In the control panel of %(host)s: %(path)s.", host=self.name, path=" → ".join(self.path))


def of(servers: Sequence[str]) -> DnsHost:
    """Return who keeps a zone by the names of its servers (its NS records, with or without final dot)."""
    names = [name for name in (_plain(server) for server in servers) if name]
    found = {host.name: host for host in map(_row_of, names) if host is not None}
    unknown = [name for name in names if _row_of(name) is None]
    if len(found) == 1 and not unknown:
        return next(iter(found.values()))
    # Where two share a zone, one of them only copies it, and the names do not tell which.
    shown = [*found, *unknown[:1]]
    generic = _table().generic
    if len(found) == 1:
        [host] = found.values()
        return DnsHost(language.listed(shown), host.form, known=False, apex=host.apex)
    return DnsHost(language.listed(shown) if shown else "", generic.form, known=False, apex=generic.apex)


def hosts() -> list[DnsHost]:
    """Return every host of the table."""
    return [row.host for row in _table().rows]


def _plain(server: str) -> str:
    return server.strip().rstrip(".").lower()


def _row_of(server: str) -> DnsHost | None:
    return next((row.host for row in _table().rows if row.endings.search(server)), None)


@dataclass(frozen=True)
class _Row:
    endings: re.Pattern[str]
    host: DnsHost


@dataclass(frozen=True)
class _Table:
    generic: DnsHost
    rows: tuple[_Row, ...]


@cache
def _table() -> _Table:
    stored = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    generic = DnsHost("", Form(stored["generic"]["form"]), known=False, apex=stored["generic"]["apex"])
    return _Table(generic, tuple(_row(entry, generic) for entry in stored["hosts"]))


def _row(entry: Mapping[str, Any], generic: DnsHost) -> _Row:
    endings = "|".join(re.escape(ending).replace(r"\*", "[a-z0-9-]*") for ending in entry["ns"])
    host = DnsHost(
        entry["name"],
        Form(entry["form"]),
        known=True,
        apex=entry.get("apex", generic.apex),
        fields=entry.get("fields", {}),
        path=tuple(entry.get("where", ())),
    )
    return _Row(re.compile(rf"(?:\A|\.)(?:{endings})\Z"), host)
