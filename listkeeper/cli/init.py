"""``listkeeper init``: name the business, the first run without a browser."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, user
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.cli.spoken import Spoken
from listkeeper.settings import Settings


@click.command()
@with_settings
@with_json
@click.option("--name", required=True, help="Legal name of the business.")
@click.option("--address", required=True, help="Postal address; it stands in the footer of every letter.")
@click.option("--from", "from_address", required=True, help="Address that letters come from.")
@click.option(
    "--lang", "spoken", type=Spoken(), default="en", show_default=True, help="Language: en, da, nb, sv, pl, ru or de."
)
@click.option("--from-name", help="Name that letters come from; the legal name when not given.")
@click.option("--witness", default="", help="A mailbox elsewhere that gets a checkpoint of the ledger once a week.")
@click.option("--colour", default=organisation.DEFAULT_COLOUR, show_default=True, help="Brand colour, #rrggbb.")
def command(  # noqa: PLR0913 - one option each
    settings: Settings,
    *,
    name: str,
    address: str,
    from_address: str,
    spoken: str,
    from_name: str | None,
    witness: str,
    colour: str,
    as_json: bool,
) -> None:
    """Name the business: the first run without a browser."""
    with opened(settings, create=True), store.transaction() as session:
        made = organisation.found(
            session,
            legal_name=name,
            postal_address=address.replace("\\n", "\n"),
            from_address=from_address,
            spoken=spoken,
            from_name=from_name,
            brand_colour=colour,
        )
        organisation.choose_witness(made, witness)
        user.joins(user.first(session), made.id, made.from_address)
        audit_log.record(session, made.id, "command", "organisation.founded", made.public_id)
        answer = {"organisation": {"id": made.public_id, "name": made.legal_name, "language": made.language}}
    emit(answer, as_json=as_json, lines=[f"{name} is set up. Next: `listkeeper list create --name …`."])
