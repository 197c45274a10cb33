"""Whether mail to a domain may travel in the clear: MTA-STS (RFC 8461).

A TXT record at ``_mta-sts.domain`` says that there is a policy and which issue
of it; the policy is a file on a web server and names the hosts that take the
domain's mail. It protects mail *to* the domain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from listkeeper.foundation import language
from listkeeper.standards import versioned_record

VERSION = "STSv1"
LARGEST_POLICY = 65_536
_LONGEST_LIFE = 31_557_600
_MOST_HOSTS = 200
_SHOWN = 60

_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_LIFE = re.compile(r"[0-9]{1,10}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_PATTERN = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")


class Mode(StrEnum):
    """What a sender does when no host fits the policy (section 5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True)
class Record:
    """The TXT record; ``id`` changes with each issue of the policy."""

    text: str
    id: str


@dataclass(frozen=True)
class Policy:
    """The policy file; ``mx`` are host names or ``*.domain``, ``max_age`` is in seconds."""

    mode: Mode
    mx: tuple[str, ...]
    max_age: int

    def covers(self, host: str) -> bool:
        """Return whether a mail host may take the domain's mail (section 4.1)."""
        return any(matches(pattern, host) for pattern in self.mx)


@dataclass(frozen=True)
class Bad:
    """A record or policy that senders do not use; ``reason`` says why in words."""

    reason: str


def record_name(domain: str) -> str:
    """Return the name the record stands at."""
    return f"_mta-sts.{domain}"


def policy_host(domain: str) -> str:
    """Return the host the policy is fetched from."""
    return f"mta-sts.{domain}"


def policy_url(domain: str) -> str:
    """Return the address of the policy; it must answer by itself, without a redirect (section 3.3)."""
    return f"https://{policy_host(domain)}/.well-known/mta-sts.txt"


def record(texts: Iterable[str]) -> Record | Bad | None:
    """Return the record among the TXT texts at its name, None when there is none (section 3.1). Never raises."""
    found = versioned_record.of_version(texts, VERSION)
    if not found:
        return None
    return parse_record(found[0]) if len(found) == 1 else Bad(versioned_record.several(len(found)))


def parse_record(text: str) -> Record | Bad:
    """Read one record. Never raises, whatever the text holds."""
    fields = versioned_record.fields(text, VERSION)
    if isinstance(fields, str):
        return Bad(fields)
    if not _ID.fullmatch(fields.get("id", "")):
        return Bad(language.text("id= must be there, with 1 to 32 letters and digits"))
    return Record(text, fields["id"])


def parse_policy(body: bytes) -> Policy | Bad:
    """Read a policy file (section 3.2). Never raises, whatever the bytes are."""
    if len(body) > LARGEST_POLICY:
        return Bad(language.text("the file is larger than 64 kB"))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return Bad(language.text("the file is not plain text"))
    fields: dict[str, str] = {}
    hosts: list[str] = []
    for line in filter(None, (line.rstrip(" \t\r") for line in text.split("\n"))):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            return Bad(language.text("the line “%(line)s” is not of the form name: value", line=line[:_SHOWN]))
        if name.strip() == "mx":
            hosts.append(value.strip())
        else:
            # Of a field that stands twice the first counts.
            fields.setdefault(name.strip(), value.strip())
    return _policy(fields, hosts)


def _policy(fields: dict[str, str], hosts: list[str]) -> Policy | Bad:
    mode, life = fields.get("mode", ""), fields.get("max_age", "")
    if fields.get("version") != VERSION:
        return Bad(language.text("it does not say version: STSv1"))
    if mode not in set(Mode):
        return Bad(language.text("mode must be enforce, testing or none"))
    if not _LIFE.fullmatch(life) or int(life) > _LONGEST_LIFE:
        return Bad(language.text("max_age must be a number up to 31557600 (one year in seconds)"))
    wrong = next((host for host in hosts if not _PATTERN.fullmatch(host)), None)
    if wrong is not None:
        return Bad(language.text("“%(host)s” is no host name", host=wrong[:_SHOWN]))
    if len(hosts) > _MOST_HOSTS or (not hosts and mode != Mode.NONE):
        return Bad(language.text("it must name the hosts that take mail, each on a line mx: host"))
    return Policy(Mode(mode), tuple(hosts), int(life))


def matches(pattern: str, host: str) -> bool:
    """Return whether a pattern means a host; ``*.`` stands for exactly one label (section 4.1)."""
    pattern, host = pattern.lower().removesuffix("."), host.lower().removesuffix(".")
    if pattern.startswith("*."):
        first, _, rest = host.partition(".")
        return bool(first) and rest == pattern[2:]
    return bool(pattern) and pattern == host
