"""The fifth contract, where import-linter cannot see: parts of packages, calls, and the only commit."""

from __future__ import annotations

import pytest

from tests.architecture import source

# One door in four files: what is asked, the addresses, the connection, the posts.
HTTP = tuple(f"listkeeper/foundation/{name}.py" for name in ("fetch", "fetch_address", "fetch_line", "fetch_wire"))
DNS = ("listkeeper/standards/dns.py",)
HAND_OVER = ("listkeeper/sending/handing_over/smtp_relay.py",)
# Names are also resolved where a connection to a checked address is opened.
RESOLVERS = (*HTTP, *DNS, *HAND_OVER)

ONLY_HERE = {
    "http.client": HTTP,
    "urllib.request": HTTP,
    "urllib3": HTTP,
    "requests": HTTP,
    "httpx": HTTP,
    "aiohttp": HTTP,
    "dns": DNS,
    "smtplib": HAND_OVER,
    "aiosmtplib": HAND_OVER,
    "aiosmtpd": ("listkeeper/mailroom/",),
    "imaplib": ("listkeeper/mailroom/",),
    "poplib": ("listkeeper/mailroom/",),
    "flask": ("listkeeper/app.py", "listkeeper/store.py", "listkeeper/parts.py", "listkeeper/web/", "listkeeper/cli/"),
}


@pytest.mark.parametrize("wire", ONLY_HERE)
def test_only_its_own_door_imports(wire: str) -> None:
    elsewhere = [
        f"{file.name}:{line} {name}"
        for file in source.package()
        if not file.name.startswith(ONLY_HERE[wire])
        for line, name in file.imports()
        if name == wire or name.startswith(f"{wire}.")
    ]
    assert elsewhere == []


@pytest.mark.parametrize("name", ["getaddrinfo", "gethostbyname", "gethostbyname_ex", "getnameinfo", "gethostbyaddr"])
def test_names_are_resolved_in_few_places(name: str) -> None:
    elsewhere = [
        f"{file.name}:{line}"
        for file in source.package()
        if not file.name.startswith(RESOLVERS)
        for line, called in file.calls()
        if called in {name, f"socket.{name}"}
    ]
    assert elsewhere == []


def test_only_the_store_commits() -> None:
    elsewhere = [
        f"{file.name}:{line} {called}"
        for file in source.package()
        if file.name != "listkeeper/store.py"
        for line, called in file.calls()
        if called.endswith(".commit")
    ]
    assert elsewhere == []
    assert [called for file in source.package() for _, called in file.calls() if called.endswith(".commit")] == [
        "session.commit"
    ]


def test_time_comes_from_the_clock() -> None:
    """``datetime.now`` stands in the clock alone; the standards are told the time."""
    elsewhere = [
        f"{file.name}:{line} {called}"
        for file in source.package()
        if file.name != "listkeeper/foundation/clock.py"
        for line, called in file.calls()
        if called in {"datetime.now", "datetime.today", "date.today", "time.time", "datetime.datetime.now"}
    ]
    assert elsewhere == []
