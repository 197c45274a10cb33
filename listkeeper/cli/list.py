"""``listkeeper list``: make and show mailing lists, close and merge them, and read whose rules they follow."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import list_rules, mailing_list, merging, subscription, topic
from listkeeper.audience.segments import segment_meaning
from listkeeper.cli import list_clean, list_publish, list_trust, list_welcome
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Make and show mailing lists."""


command.add_command(list_welcome.command)
command.add_command(list_publish.command)
command.add_command(list_clean.command)
command.add_command(list_trust.command)


@command.command()
@with_settings
@with_json
@click.option("--name", required=True, help="Name of the list, as subscribers see it.")
@click.option("--service", is_flag=True, help="For status notices: its people get no letters, and nobody else notices.")
def create(settings: Settings, *, name: str, service: bool, as_json: bool) -> None:
    """Make a mailing list."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        purpose = mailing_list.SERVICE if service else mailing_list.PURPOSE
        made = mailing_list.create(session, business, name=name, purpose=purpose)
        audit_log.record(session, business.id, "command", "mailing_list.created", made.public_id)
        answer = {"id": made.public_id, "slug": made.slug, "name": made.name}
    emit(
        answer,
        as_json=as_json,
        lines=[f"List “{name}” is made. Next: `listkeeper form create --list {answer['slug']}`."],
    )


@command.command()
@with_settings
@with_json
def show(settings: Settings, *, as_json: bool) -> None:
    """Show the lists and how many people are in which state."""
    with opened(settings), store.reading() as session:
        rows = [
            (row, {state.value: count for state, count in subscription.counts(session, row).items() if count})
            for row in mailing_list.all_of(session, organisation.only_one(session))
        ]
        lists = [{"id": row.public_id, "slug": row.slug, "name": row.name, "people": people} for row, people in rows]
        lines = [f"{row.slug}: {row.name}, {_people(people)}" for row, people in rows]
    emit({"lists": lists}, as_json=as_json, lines=lines or ["There is no list yet."])


@command.command()
@with_settings
@with_json
@click.argument("slug", metavar="LIST")
@click.option("--add", "added", metavar="NAME", help="Offer one more topic.")
@click.option("--rename", "renamed", nargs=2, metavar="OLD NEW", help="Give a topic another name.")
@click.option("--retire", "retired", metavar="NAME", help="Offer a topic no more.")
def topics(  # noqa: PLR0913 - one option each
    settings: Settings,
    *,
    slug: str,
    added: str | None,
    renamed: tuple[str, str] | None,
    retired: str | None,
    as_json: bool,
) -> None:
    """Show a list's topics, or change them: parts of what its people agreed to, never more."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = mailing_list.named(session, business, slug)
        if added:
            topic.add(session, found, added)
        if renamed:
            segment_meaning.rename_topic(session, found, topic.named(session, found, renamed[0]), renamed[1])
        if retired:
            topic.retire(topic.named(session, found, retired))
        if added or renamed or retired:
            audit_log.record(session, business.id, "command", "topic.changed", found.public_id)
        rows = [
            {"id": row.public_id, "name": row.name, "retired": row.retired_at is not None, "chosen_by": number}
            for row, number in ((each, topic.chose(session, each)) for each in topic.every(session, found))
        ]
    lines = [f"{row['id']}  {row['name']}{' (retired)' if row['retired'] else ''}" for row in rows]
    emit({"topics": rows}, as_json=as_json, lines=lines or ["This list has no topics: everybody gets every letter."])


@command.command()
@with_settings
@with_json
@click.argument("slug", metavar="LIST")
@click.option("--reopen", is_flag=True, help="Open an archived list again.")
def archive(settings: Settings, *, slug: str, reopen: bool, as_json: bool) -> None:
    """Close a list: nobody is mailed through it, everybody can still leave it."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = mailing_list.named(session, business, slug)
        if reopen:
            mailing_list.reopen(found)
        else:
            mailing_list.archive(found)
        done = "mailing_list.reopened" if reopen else "mailing_list.archived"
        audit_log.record(session, business.id, "command", done, found.public_id)
        answer = {"id": found.public_id, "state": found.state.value}
    emit(answer, as_json=as_json, lines=[f"“{slug}” is {answer['state']}."])


@command.command()
@with_settings
@with_json
@click.argument("slug", metavar="LIST")
@click.option("--yes", "sure", is_flag=True, help="Say that you are sure: a deleted list stays deleted.")
def delete(settings: Settings, *, slug: str, sure: bool, as_json: bool) -> None:
    """Delete a list; the proof of its people and the wishes of those who left it are kept."""
    if not sure:
        raise Invalid("not_sure", "A deleted list stays deleted. Add --yes if you are sure. Nothing was changed.")
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = mailing_list.named(session, business, slug)
        mailing_list.tombstone(session, found, actor="cli")
        audit_log.record(session, business.id, "command", "mailing_list.deleted", found.public_id)
        answer = {"id": found.public_id, "state": found.state.value}
    emit(answer, as_json=as_json, lines=[f"“{slug}” is deleted. What proves its consents is kept."])


@command.command()
@with_settings
@with_json
@click.argument("source")
@click.argument("target")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
def merge(settings: Settings, *, source: str, target: str, dry_run: bool, as_json: bool) -> None:
    """Let SOURCE become part of TARGET; who said yes to something else stays, who left one has left both."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        old, new = (mailing_list.named(session, business, slug) for slug in (source, target))
        if dry_run:
            merged = merging.forecast(session, old, new)
        else:
            merged = merging.merge(session, business, old, new, actor="cli")
            audit_log.record(session, business.id, "command", "mailing_list.merged", old.public_id)
    answer = {"merged": not dry_run, **vars(merged)}
    told = (
        f"{merged.moved} moved, {merged.on_both} were on both, {merged.left_one} had left one, {merged.stayed} stayed"
    )
    emit(answer, as_json=as_json, lines=[f"Would be: {told}." if dry_run else f"Done: {told}."])


@command.command()
@with_settings
@with_json
@click.argument("slug", metavar="LIST")
@click.option("--choose", "code", help="Let the list follow these rules from now on: dk, de, strictest …")
def rules(settings: Settings, *, slug: str, code: str | None, as_json: bool) -> None:
    """Show whose rules a list follows, in plain words, with their source and when they were checked."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = mailing_list.named(session, business, slug)
        if code is not None:
            list_rules.choose(found, code)
            audit_log.record(session, business.id, "command", "mailing_list.rules_chosen", found.public_id)
        profile = list_rules.of(found)
    held = [rule for rule in profile.rules if rule.active]
    told = [
        {
            "rule": rule.field,
            "says": rule.shown,
            "source": rule.source,
            "checked_on": rule.checked_on.isoformat(),
            "verified": rule.verified,
        }
        for rule in held
    ]
    lines = [f"{profile.code}: {profile.name}"]
    lines += [f"  {rule.label}: {rule.shown} ({rule.source}; checked on {rule.checked_on})" for rule in held]
    emit({"code": profile.code, "name": profile.name, "rules": told}, as_json=as_json, lines=lines)


def _people(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "nobody yet"
