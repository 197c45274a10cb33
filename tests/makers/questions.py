"""Questions of the café: one that is asked, because a letter of its list uses the answer."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.audience import profile_question
from listkeeper.audience.profile_question import ProfileQuestion
from listkeeper.audience.profile_words import QuestionKind, Wording
from listkeeper.campaigns import question_use
from tests.makers import cafe
from tests.makers.cafe import Cafe

WHY, BENEFIT = "So that we bake the right thing.", "News of what you like, and less of the rest."
BREAD = Wording("Bread or cakes?", WHY, BENEFIT, ("Rye bread", "Cakes"))
DOG = Wording("What do you call your dog?", WHY, BENEFIT)


def drafted(
    session: Session,
    house: Cafe,
    name: str = "favourite",
    *,
    kind: QuestionKind = QuestionKind.CHOICE,
    words: Wording | None = None,
) -> ProfileQuestion:
    """Store a question that nobody is asked yet."""
    said = words or (DOG if kind is QuestionKind.TEXT else BREAD)
    spoken = house.organisation.language
    return profile_question.create(
        session, house.organisation, house.mailing_list, name, kind=kind, words={spoken: said}
    )


def use(session: Session, house: Cafe, name: str = "favourite") -> None:
    """Write a letter that uses the answer."""
    tag = f'{{{{ subscriber.{name} | default: "buns" }}}}'
    cafe.draft(session, house, subject=f"About {name}", markdown=f"# Today\n\nWe bake {tag}.\n")


def asked(
    session: Session, house: Cafe, name: str = "favourite", *, kind: QuestionKind = QuestionKind.CHOICE
) -> ProfileQuestion:
    """Store a question, use its answer in a letter, and begin to ask."""
    made = drafted(session, house, name, kind=kind)
    use(session, house, name)
    profile_question.start(session, house.organisation, made, question_use.of(session, made))
    session.flush()
    return made
