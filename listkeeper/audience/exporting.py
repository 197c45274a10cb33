"""What an owner reads of the audience elsewhere: people, permissions with their texts, who must not be mailed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select, true
from sqlalchemy.orm import Session

from listkeeper.audience import source_export
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.importing.batch import ImportBatch, ImportRow
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile import ProfileAnswer
from listkeeper.audience.profile_question import ProfileQuestion
from listkeeper.audience.profile_version import ProfileQuestionVersion
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.audience.source import Source
from listkeeper.audience.source_cost import SourceCost
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.suppression import Suppression
from listkeeper.audience.topic import Topic
from listkeeper.audience.visit import SourceVisit
from listkeeper.foundation import clock, sheet
from listkeeper.foundation.archive import Document
from listkeeper.foundation.table import Table

_AT_ONCE = 2_000
Rows = Select[*tuple[Any, ...]]
Only = Mapping[str, ColumnElement[bool]]
EVERYTHING: Only = {}


def documents(session: Session, only: Only = EVERYTHING) -> Iterator[Document]:
    """Yield one CSV each of subscribers, subscriptions, consent events, claims, suppressions, topics, sources, answers.

    ``only`` says which rows of a table are meant, by its name.
    """
    yield sheet_of(session, "subscribers.csv", _within(_subscribers(), only, Subscriber))
    yield sheet_of(session, "subscriptions.csv", _within(_subscriptions(), only, Subscription))
    yield Document("consent_events.csv", sheet.pieces(_CONSENT, _consent_events(session, only)))
    yield Document("imported_claims.csv", sheet.pieces(_CLAIM, _imported_claims(session, only)))
    yield sheet_of(session, "suppressions.csv", _within(_suppressions(only), only, Suppression))
    yield sheet_of(session, "topics.csv", _within(_topics(), only, Topic))
    yield sheet_of(session, "sources.csv", _within(source_export.sources(), only, Source))
    yield sheet_of(session, "source_visits.csv", _within(source_export.visits(), only, SourceVisit))
    yield sheet_of(session, "source_costs.csv", _within(source_export.costs(), only, SourceCost))
    yield sheet_of(session, "answers.csv", _within(_answers(), only, ProfileAnswer))


def _within(query: Rows, only: Only, table: type[Table]) -> Rows:
    """Narrow a query to the rows that are meant."""
    return query.where(only.get(table.__tablename__, true()))


def sheet_of(session: Session, path: str, query: Rows) -> Document:
    """Return the CSV of a query; the names of its columns are the header."""
    header = [str(column["name"]) for column in query.column_descriptions]
    return Document(path, sheet.pieces(header, streamed(session, query)))


def streamed(session: Session, query: Rows) -> Iterator[Sequence[Any]]:
    """Yield the rows of a query in flat memory."""
    for batch in session.execute(query.execution_options(yield_per=_AT_ONCE)).partitions():
        yield from batch


def _subscribers() -> Rows:
    person = Subscriber
    return select(
        person.public_id.label("id"),
        person.email_send.label("address"),
        person.language,
        person.profile,
        person.created_at,
        person.restricted_at,
        person.subject_ref.label("reference_in_the_ledger"),
        person.demo.label("invented"),
    ).order_by(person.id)


def _subscriptions() -> Rows:
    row = Subscription
    return (
        select(
            Subscriber.public_id.label("subscriber"),
            Subscriber.email_send.label("address"),
            MailingList.slug.label("list"),
            MailingList.name.label("list_name"),
            row.state,
            row.basis,
            row.purpose,
            row.since,
            row.valid_until,
            row.double_opt_in,
            row.frequency,
            row.topics,
            row.snooze_until,
            row.tracking_since.label("links_seen_since"),
            row.opens_since.label("openings_seen_since"),
            row.resting_since,
            row.counted_since.label("links_counted_since"),
            row.ledger_seq.label("number_in_the_ledger"),
            Source.slug.label("first_came_by"),
        )
        .join(Subscriber, Subscriber.id == row.subscriber_id)
        .join(MailingList, MailingList.id == row.list_id)
        .outerjoin(Source, Source.id == row.source_id)
        .order_by(row.id)
    )


_CONSENT = (
    "at",
    "event",
    "method",
    "by",
    "address",
    "reference_in_the_ledger",
    "list",
    "purpose",
    "basis",
    "text",
    "button",
    "text_language",
    "text_version",
    "text_sha256",
    "form",
    "form_version",
    "number_in_the_ledger",
    "id_in_the_ledger",
)


def _consent_events(session: Session, only: Only) -> Iterator[Sequence[Any]]:
    """Yield the events with the exact text each was given on; the few texts there are stay in memory."""
    texts = {text.id: text for text in session.scalars(select(ConsentText))}
    forms = {row[0]: (row[1], row[2]) for row in session.execute(_forms())}
    event = ConsentEvent
    query = (
        select(
            event.at,
            event.kind,
            event.method,
            event.actor,
            Subscriber.email_send,
            event.subject_ref,
            MailingList.slug,
            event.purpose,
            event.basis,
            event.consent_text_id,
            event.form_version_id,
            event.ledger_seq,
            event.ledger_id,
        )
        .join(MailingList, MailingList.id == event.list_id)
        .outerjoin(Subscriber, Subscriber.subject_ref == event.subject_ref)
        .order_by(event.id)
    )
    for *row, text_id, version_id, number, name in streamed(session, _within(query, only, ConsentEvent)):
        text = texts.get(text_id)
        words = (text.whole, text.button_label, text.language, text.version, text.sha256) if text else ("",) * 5
        yield *row, *words, *forms.get(version_id, ("", "")), number, name


def _forms() -> Rows:
    version = SignupFormVersion
    return select(version.id, SignupForm.slug, version.version).join(SignupForm, SignupForm.id == version.form_id)


_CLAIM = (
    "address",
    "reference_in_the_ledger",
    "list",
    "import",
    "file",
    "line",
    "outcome",
    "reason",
    "with_evidence",
    "requested_at",
    "confirmed_at",
    "claimed_basis",
    "claimed_origin",
    "claimed_text",
    "imported_at",
    "number_in_the_ledger",
)


def _imported_claims(session: Session, only: Only) -> Iterator[Sequence[Any]]:
    """Yield what became of each row of the files that were imported; what a file claims is no record of ours."""
    batches = {batch.id: batch for batch in session.scalars(select(ImportBatch))}
    row = ImportRow
    query = (
        select(
            row.batch_id,
            Subscriber.email_send,
            row.subject_ref,
            MailingList.slug,
            row.line,
            row.outcome,
            row.reason,
            row.evidenced,
            row.requested_at,
            row.confirmed_at,
            row.event_seq,
        )
        .join(ImportBatch, ImportBatch.id == row.batch_id)
        .join(MailingList, MailingList.id == ImportBatch.list_id)
        .outerjoin(Subscriber, (Subscriber.subject_ref == row.subject_ref) & (row.subject_ref != ""))
        .order_by(row.batch_id, row.part, row.row)
    )
    found = streamed(session, _within(query, only, ImportRow))
    for number, address, subject, slug, line, outcome, reason, evidenced, asked, yes, seq in found:
        batch = batches[number]
        of_file = (batch.claimed_basis, batch.claimed_origin, batch.claimed_text, batch.created_at)
        moments = (clock.of_milliseconds(asked) if asked else None, clock.of_milliseconds(yes) if yes else None)
        place = (slug, batch.public_id, batch.file_name, line)
        yield address, subject, *place, outcome, reason, evidenced, *moments, *of_file, seq


def _suppressions(only: Only) -> Rows:
    row = Suppression
    # Whoever is not among those that are meant stays a hash.
    known = Subscriber.suppression_key == row.key
    named = (Subscriber.organisation_id == row.organisation_id) & known & only.get("subscriber", true())
    return (
        select(
            Subscriber.email_send.label("address"),
            row.key.label("keyed_hash"),
            row.scope,
            row.reason,
            row.actor.label("by"),
            row.created_at.label("since"),
            row.until,
            row.lifted_at,
        )
        .outerjoin(Subscriber, named)
        .order_by(row.id, Subscriber.id)
    )


def _topics() -> Rows:
    return (
        select(
            Topic.public_id.label("id"), MailingList.slug.label("list"), Topic.name, Topic.created_at, Topic.retired_at
        )
        .join(MailingList, MailingList.id == Topic.list_id)
        .order_by(Topic.id)
    )


def _answers() -> Rows:
    """Return what people answered; a choice is named by its key, and the words of each version are in the tables."""
    row = ProfileAnswer
    return (
        select(
            Subscriber.public_id.label("subscriber"),
            Subscriber.email_send.label("address"),
            MailingList.slug.label("list"),
            ProfileQuestion.public_id.label("question"),
            ProfileQuestion.key.label("name"),
            ProfileQuestionVersion.number.label("question_version"),
            ProfileQuestionVersion.sha256.label("question_sha256"),
            row.value.label("answer"),
            row.declined.label("rather_not"),
            row.how,
            row.given_at,
        )
        .join(Subscriber, Subscriber.id == row.subscriber_id)
        .join(ProfileQuestion, ProfileQuestion.id == row.question_id)
        .join(ProfileQuestionVersion, ProfileQuestionVersion.id == row.version_id)
        .join(MailingList, MailingList.id == ProfileQuestion.list_id)
        .order_by(row.id)
    )
