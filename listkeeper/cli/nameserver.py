"""The options ``--nameserver`` and ``--timeout``: which DNS a command asks, and how long it waits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from listkeeper.cli.context import with_settings
from listkeeper.settings import Settings
from listkeeper.standards.dns import LiveResolver

SECONDS = click.FloatRange(min=0, min_open=True, max=60)


def with_resolver(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Hand a command the ``resolver`` its options name; the settings, without an instance, name the usual one."""

    @with_settings
    @click.option("--nameserver", metavar="HOST:PORT", help="DNS server to ask (also LISTKEEPER_DNS_SERVER).")
    @click.option("--timeout", type=SECONDS, default=2.0, help="Seconds to wait for each answer of the DNS; 2.")
    @functools.wraps(function)
    def run(settings: Settings, *rest: Any, nameserver: str | None, timeout: float, **options: Any) -> int | None:  # noqa: ANN401
        return function(LiveResolver(nameserver or settings.dns_server, timeout, whole=timeout), *rest, **options)

    return run
