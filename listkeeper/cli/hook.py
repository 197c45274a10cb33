"""``listkeeper hook``: the addresses at which mail providers tell their events."""

from __future__ import annotations

import click

from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.feedback import esp_address
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Show the addresses at which mail providers tell their events."""


@command.command(name="list")
@with_settings
@with_json
def list_all(settings: Settings, *, as_json: bool) -> None:
    """Show the address to give to each provider of LISTKEEPER_HOOKS; each holds a secret."""
    with opened(settings):
        found = [
            {"provider": provider, "url": esp_address.of(settings.site, provider)} for provider, _ in settings.hooks
        ]
    lines = [f"{one['provider']}  {one['url']}" for one in found]
    emit({"hooks": found}, as_json=as_json, lines=lines or ["No provider is named in LISTKEEPER_HOOKS."])
