"""``listkeeper keyring``: the secrets of this instance, and how a new one is added to them."""

from __future__ import annotations

import click

from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Show and renew the keys that seal and sign."""


@command.command()
@with_settings
@with_json
def show(settings: Settings, *, as_json: bool) -> None:
    """Show where the keys lie, how many there are, and the public half of the one that signs the ledger."""
    with opened(settings):
        from listkeeper import store  # noqa: PLC0415 - loaded with the application
        from listkeeper.accounts import organisation  # noqa: PLC0415
        from listkeeper.audience.proof import checkpoint  # noqa: PLC0415
        from listkeeper.foundation import keys  # noqa: PLC0415

        with store.reading() as session:
            owner = organisation.only_one(session)
            ring = [checkpoint.public_text(key.public_key()) for key in keys.ledger(owner.public_id)]
    answer = {"folder": str(settings.key_folder), "fingerprint": keys.fingerprint(), "ledger_keys": ring}
    lines = [f"folder: {settings.key_folder}", f"keys: {len(ring)}", f"signs the ledger: {ring[0]}"]
    emit(answer, as_json=as_json, lines=lines)


@command.command()
@with_settings
@with_json
def rotate(settings: Settings, *, as_json: bool) -> None:
    """Add a new key. Old ones stay: what they sealed, hashed and signed must stay readable.

    Running processes go on with the keys they opened; start them again afterwards.
    """
    with opened(settings):
        from listkeeper import store  # noqa: PLC0415 - loaded with the application
        from listkeeper.accounts import organisation  # noqa: PLC0415
        from listkeeper.audience.proof import checkpoint  # noqa: PLC0415
        from listkeeper.foundation import keys  # noqa: PLC0415

        added = keys.add(settings.key_folder)
        keys.open_folder(settings.key_folder, may_make=False)
        with store.transaction() as session:
            # The old key signs for the new one in the ledger, before the new one signs anything else.
            checkpoint.make(session, organisation.only_one(session))
    lines = [f"{added} was added. Copy the key folder to where you keep its copy, then start listkeeper again."]
    emit({"added": str(added)}, as_json=as_json, lines=lines)
