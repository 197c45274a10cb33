"""What belongs to one list, table by table: for an export of that list alone.

Her people, what they agreed to with the texts they saw, what they answered
when they were asked more, what was claimed of them when they were brought, and
the hashes of everybody whom a letter to this list must not reach. No evidence,
no ledger, no other list.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, or_, select

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import suppression
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.importing.batch import ImportBatch, ImportRow
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile import ProfileAnswer
from listkeeper.audience.profile_question import ProfileQuestion
from listkeeper.audience.profile_version import ProfileQuestionVersion
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.audience.source import Source
from listkeeper.audience.source_cost import SourceCost
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.suppression import Suppression
from listkeeper.audience.topic import Topic
from listkeeper.audience.visit import SourceVisit


def rows(mailing_list: MailingList) -> dict[str, ColumnElement[bool]]:
    """Return which rows of which tables belong to a list; a table that is not named has none."""
    number = mailing_list.id
    forms = select(SignupForm.id).where(SignupForm.list_id == number)
    sources = select(Source.id).where(Source.form_id.in_(forms))
    questions = select(ProfileQuestion.id).where(ProfileQuestion.list_id == number)
    batches = select(ImportBatch.id).where(ImportBatch.list_id == number)
    return {
        Organisation.__tablename__: Organisation.id == mailing_list.organisation_id,
        MailingList.__tablename__: MailingList.id == number,
        Topic.__tablename__: Topic.list_id == number,
        Segment.__tablename__: Segment.list_id == number,
        ProfileQuestion.__tablename__: ProfileQuestion.list_id == number,
        ProfileQuestionVersion.__tablename__: ProfileQuestionVersion.question_id.in_(questions),
        ProfileAnswer.__tablename__: ProfileAnswer.question_id.in_(questions),
        Subscription.__tablename__: Subscription.list_id == number,
        Subscriber.__tablename__: _people(number),
        ConsentEvent.__tablename__: ConsentEvent.list_id == number,
        ConsentText.__tablename__: ConsentText.list_id == number,
        SignupForm.__tablename__: SignupForm.list_id == number,
        SignupFormVersion.__tablename__: SignupFormVersion.form_id.in_(forms),
        Source.__tablename__: Source.form_id.in_(forms),
        SourceVisit.__tablename__: SourceVisit.source_id.in_(sources),
        SourceCost.__tablename__: SourceCost.source_id.in_(sources),
        ImportBatch.__tablename__: ImportBatch.list_id == number,
        ImportRow.__tablename__: ImportRow.batch_id.in_(batches),
        Suppression.__tablename__: (Suppression.organisation_id == mailing_list.organisation_id)
        & Suppression.scope.in_(suppression.marketing_scopes(number, mailing_list.purpose)),
    }


def of_some(mailing_list: MailingList, people: Select[int]) -> dict[str, ColumnElement[bool]]:
    """Return the same of some people of a list alone; whom a letter must not reach is told whole."""
    hers = Subscriber.id.in_(people)
    subjects = select(Subscriber.subject_ref).where(hers)
    of_list = rows(mailing_list)
    return of_list | {
        Subscriber.__tablename__: hers,
        Subscription.__tablename__: of_list[Subscription.__tablename__] & Subscription.subscriber_id.in_(people),
        ConsentEvent.__tablename__: of_list[ConsentEvent.__tablename__] & ConsentEvent.subject_ref.in_(subjects),
        ProfileAnswer.__tablename__: of_list[ProfileAnswer.__tablename__] & ProfileAnswer.subscriber_id.in_(people),
        ImportRow.__tablename__: of_list[ImportRow.__tablename__] & ImportRow.subject_ref.in_(subjects),
    }


def _people(number: int) -> ColumnElement[bool]:
    """Return whether somebody is on the list, or ever answered for it."""
    return or_(
        Subscriber.id.in_(select(Subscription.subscriber_id).where(Subscription.list_id == number)),
        Subscriber.subject_ref.in_(select(ConsentEvent.subject_ref).where(ConsentEvent.list_id == number)),
    )
