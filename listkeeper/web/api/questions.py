"""What a list asks its people later, and how they answered, as numbers; who answered what is in the exports."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, profile_question, profile_told, profile_version
from listkeeper.audience.profile_question import ProfileQuestion, QuestionState
from listkeeper.audience.profile_words import QuestionKind
from listkeeper.campaigns import question_use
from listkeeper.foundation import clock
from listkeeper.web.api import lock
from listkeeper.web.api.shape import Digest, ListId, Moment, QuestionId, Shape

blueprint = APIBlueprint("api_questions", __name__, url_prefix=lock.NOW, tag="Lists")


class Wording(Shape):
    """A question in one language."""

    question: str = Field(examples=["Bread or cakes?"])
    why: str = Field(description="Why it is asked, as people read it.", examples=["So that we bake the right thing."])
    benefit: str = Field(description="What people get by answering.", examples=["News of what you like."])
    choices: list[str] = Field(description="What the choices are called, in the order of their keys.")


class Used(Shape):
    """One thing that uses the answers."""

    kind: str = Field(examples=["letter"])
    id: str = Field(description="Its public id.", examples=["cmp_7k2v9m4c0x8q3w6n1t5z"])
    name: str = Field(examples=["Rye bread"])


class Question(Shape):
    """A question of a list, in the words of its newest version."""

    id: QuestionId
    key: str = Field(description="What letters call the answer.", examples=["favourite"])
    kind: QuestionKind
    state: QuestionState
    version: int = Field(examples=[1])
    sha256: Digest
    asked_since: Moment | None
    choices: list[str] = Field(description="The keys of the choices.", examples=[["bread", "cakes"]])
    words: dict[str, Wording] = Field(description="By language.")
    used_by: list[Used] = Field(description="What uses the answers now.")
    answered: int = Field(description="How many people answered.", examples=[41])
    declined: int = Field(description="How many would rather not, in the last 90 days.", examples=[3])
    answers: Annotated[
        dict[str, int],
        Field(description="How often each choice was given; of answers in own words nothing.", examples=[{"bread": 9}]),
    ]
    list: ListId


class Questions(Shape):
    """All questions of a list."""

    questions: list[Question]


@blueprint.get("/lists/<list_id>/questions")
@lock.needs(Scope.READ)
@blueprint.output(Questions)
def show(list_id: str) -> Questions:
    """Show what a list asks its people, in the order it is asked."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        found = mailing_list.named(session, owner, list_id)
        rows = profile_question.every(session, found)
        return Questions(questions=[_shown(session, owner, found.public_id, each) for each in rows])


def _shown(session: Session, owner: Organisation, list_id: str, each: ProfileQuestion) -> Question:
    version, counted = profile_version.newest(session, each), profile_told.counts(session, each)
    return Question(
        id=each.public_id,
        list=list_id,
        key=each.key,
        kind=each.kind,
        state=each.state,
        version=version.number,
        sha256=version.sha256,
        asked_since=clock.as_text(each.asked_since) if each.asked_since else None,
        choices=version.choice_keys,
        words={
            code: Wording(
                question=wording.question, why=wording.why, benefit=wording.benefit, choices=list(wording.choices)
            )
            for code, wording in profile_version.worded(version, owner).items()
        },
        used_by=[Used(kind=use.kind, id=use.public_id, name=use.name) for use in question_use.of(session, each)],
        answered=counted.answered,
        declined=counted.declined,
        answers=counted.by_choice,
    )
