"""``listkeeper list clean``: say who never reacted, let them rest, and wake them again."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list, resting
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation.errors import NotFound
from listkeeper.insight import clean_up, clean_up_words
from listkeeper.settings import Settings

_RULE = clean_up.Rule()


@click.command(name="clean")
@with_settings
@with_json
@click.argument("slug", metavar="LIST")
@click.option("--months", type=int, default=_RULE.months, show_default=True, help="On the list for so many months.")
@click.option("--letters", type=int, default=_RULE.letters, show_default=True, help="With so many letters since.")
@click.option("--yes", "sure", is_flag=True, help="Let them rest; without it, only say who it would be.")
@click.option("--undo", "batch_id", metavar="ID", help="Wake all of a clean-up who still rest.")
def command(  # noqa: PLR0913 - one option each
    settings: Settings, *, slug: str, months: int, letters: int, sure: bool, batch_id: str | None, as_json: bool
) -> None:
    """Propose whom of LIST to let rest, because they never reacted; their permission stands."""
    if sure and batch_id is not None:
        raise click.UsageError("Give --yes or --undo, not both.")
    if batch_id is not None:
        _undo(settings, slug, batch_id, as_json=as_json)
        return
    rule = clean_up.rule_of(months, letters)
    if sure:
        _rest(settings, slug, rule, as_json=as_json)
        return
    with opened(settings), store.reading() as session:
        listed = mailing_list.named(session, organisation.only_one(session), slug)
        found, at_rest = clean_up.count(session, listed, rule), resting.count(session, listed)
    lines = [f"{number}: {said}" for said, number in clean_up_words.of(found)]
    lines += [*clean_up_words.changes(found), f"{at_rest} rest already."]
    if found.silent:
        lines.append(f"Add --yes to let {found.silent} rest. Nothing was changed.")
    emit({**found.as_json(), "resting": at_rest, "changed": False}, as_json=as_json, lines=lines)


def _rest(settings: Settings, slug: str, rule: clean_up.Rule, *, as_json: bool) -> None:
    with opened(settings):
        with store.reading() as session:
            counted = clean_up.count(session, mailing_list.named(session, organisation.only_one(session), slug), rule)
        with store.transaction() as session:
            business = organisation.only_one(session)
            made = clean_up.rest(session, mailing_list.named(session, business, slug), counted, actor="cli")
            audit_log.record(session, business.id, "command", "rest.begun", made.public_id)
            answer = {**made.figures, "id": made.public_id, "put_to_rest": made.number, "changed": True}
    said = f"{answer['put_to_rest']} rest now. Wake them with `listkeeper list clean {slug} --undo {answer['id']}`."
    emit(answer, as_json=as_json, lines=[said])


def _undo(settings: Settings, slug: str, batch_id: str, *, as_json: bool) -> None:
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        listed = mailing_list.named(session, business, slug)
        batch = resting.identified(session, business, batch_id)
        if batch.list_id != listed.id:
            raise NotFound("no_rest", "There is no such clean-up of this list. Nothing was changed.")
        number = resting.undo(session, batch)
        audit_log.record(session, business.id, "command", "rest.undone", batch_id)
    emit({"id": batch_id, "woken": number, "changed": True}, as_json=as_json, lines=[f"{number} are awake again."])
