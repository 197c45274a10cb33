"""``listkeeper question``: what a list asks its people later, one question at a time, and how they answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, profile_question, profile_told, profile_version
from listkeeper.audience.profile_question import ProfileQuestion
from listkeeper.audience.profile_words import QuestionKind, Wording
from listkeeper.campaigns import question_use
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import language
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Ask people more, one question at a time."""


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
@click.option("--name", required=True, help="What letters call the answer: {{ subscriber.NAME }}.")
@click.option("--question", "asked", required=True, help="The question, as people read it.")
@click.option("--why", required=True, help="Why you ask.")
@click.option("--benefit", required=True, help="What people get by answering.")
@click.option("--choice", "choices", multiple=True, help="An answer to choose; give at least two, or none for words.")
@click.option("--several", is_flag=True, help="People may choose several answers.")
def create(settings: Settings, *, slug: str, name: str, several: bool, as_json: bool, **said: Any) -> None:  # noqa: ANN401 - click's options
    """Store a question in the language of the business; nobody is asked yet."""
    kind = QuestionKind.TEXT
    if said["choices"]:
        kind = QuestionKind.CHOICES if several else QuestionKind.CHOICE
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = mailing_list.named(session, business, slug)
        wording = Wording(said["asked"], said["why"], said["benefit"], said["choices"])
        made = profile_question.create(session, business, found, name, kind=kind, words={business.language: wording})
        audit_log.record(session, business.id, "command", "question.created", made.public_id)
        answer = _short(made)
    line = f"Stored as {answer['id']}. Use it in a letter: {{{{ subscriber.{answer['key']} }}}}, then start asking."
    emit(answer, as_json=as_json, lines=[line])


def _short(question: ProfileQuestion) -> dict[str, Any]:
    return {"id": question.public_id, "key": question.key, "state": question.state.value, "version": question.version}


@command.command()
@with_settings
@with_json
@click.argument("question_id", metavar="ID")
@click.option("--language", "spoken", type=click.Choice(language.LANGUAGES), help="The business's own if not given.")
@click.option("--question", "asked", help="The question, as people read it.")
@click.option("--why", help="Why you ask.")
@click.option("--benefit", help="What people get by answering.")
@click.option("--choice", "choices", multiple=True, help="An answer to choose; those given replace all there were.")
def reword(settings: Settings, *, question_id: str, spoken: str | None, as_json: bool, **said: Any) -> None:  # noqa: ANN401 - click's options
    """Change the words in one language, or add one; what is not given stays, and earlier answers keep their version."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = profile_question.identified(session, business, question_id)
        words = profile_version.worded(profile_version.newest(session, found), business)
        old = words.get(spoken or business.language, Wording(""))
        words[spoken or business.language] = Wording(
            said["asked"] or old.question,
            said["why"] or old.why,
            said["benefit"] or old.benefit,
            said["choices"] or old.choices,
        )
        profile_question.reword(session, business, found, words)
        audit_log.record(session, business.id, "command", "question.reworded", found.public_id)
        answer = _short(found)
    emit(answer, as_json=as_json, lines=[f"Version {answer['version']} is stored."])


@command.command(name="list")
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
def list_(settings: Settings, *, slug: str, as_json: bool) -> None:
    """Show the questions of a list, what uses them, and how people answered."""
    with opened(settings), store.reading() as session:
        business = organisation.only_one(session)
        found = mailing_list.named(session, business, slug)
        rows = [_described(session, business, each) for each in profile_question.every(session, found)]
    lines = [
        f"{row['id']}  {row['state']}  {row['key']}: {row['answered']} answered, {row['declined']} rather not"
        + ("" if row["used_by"] else "; no letter uses it")
        for row in rows
    ]
    emit({"questions": rows}, as_json=as_json, lines=lines or ["This list asks nothing."])


def _described(session: Session, business: Organisation, question: ProfileQuestion) -> dict[str, Any]:
    version, counted = profile_version.newest(session, question), profile_told.counts(session, question)
    return {
        **_short(question),
        "kind": question.kind.value,
        "sha256": version.sha256,
        "words": {code: wording.as_stored for code, wording in profile_version.worded(version, business).items()},
        "choices": version.choice_keys,
        "used_by": [asdict(use) for use in question_use.of(session, question)],
        "answered": counted.answered,
        "declined": counted.declined,
        "answers": counted.by_choice,
    }


@command.command()
@with_settings
@with_json
@click.argument("question_id", metavar="ID")
def start(settings: Settings, *, question_id: str, as_json: bool) -> None:
    """Begin to ask; refused without why and benefit, or when no letter uses the answer."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = profile_question.identified(session, business, question_id)
        uses = question_use.of(session, found)
        profile_question.start(session, business, found, uses)
        audit_log.record(session, business.id, "command", "question.started", found.public_id)
        answer = {"id": found.public_id, "state": found.state.value, "used_by": [asdict(use) for use in uses]}
    emit(answer, as_json=as_json, lines=["From now on people are asked."])


@command.command()
@with_settings
@with_json
@click.argument("question_id", metavar="ID")
def stop(settings: Settings, *, question_id: str, as_json: bool) -> None:
    """Ask nobody any more; answers stay while something uses them."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = profile_question.identified(session, business, question_id)
        profile_question.stop(session, found)
        audit_log.record(session, business.id, "command", "question.stopped", found.public_id)
        answer = {"id": found.public_id, "state": found.state.value}
    emit(answer, as_json=as_json, lines=["Nobody is asked any more."])
