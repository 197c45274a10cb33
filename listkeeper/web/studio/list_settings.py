"""What holds for a list: its name, whose rules it follows, and how it ends or becomes part of another one."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import list_rules, mailing_list, merging, signup_form, subscription, topic
from listkeeper.audience.forms import form_family
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.merging import Merged
from listkeeper.audience.segments import segment_meaning
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.campaigns import archive as letter_archive
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.web.studio import member, page

blueprint = Blueprint("list_settings", __name__, url_prefix=page.ROOT)


@blueprint.get("/lists/<public_id>/settings")
def show(public_id: str) -> Response:
    """Show the settings of a list, and what a merge would come to when one is asked for."""
    return _shown(public_id)


def _shown(public_id: str, *, problem: Invalid | Conflict | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = mailing_list.named(session, owner, public_id)
        others = [each for each in mailing_list.all_of(session, owner) if _may_take_in(each, found)]
        into = next((each for each in others if each.public_id == request.values.get("into")), None)
        rules = list_rules.of(found)
        return page.answer(
            session,
            "list_settings",
            mailing_list=found,
            rules=rules,
            topics=[(each, topic.chose(session, each)) for each in topic.every(session, found)],
            kinds=_kinds(),
            profiles=list_rules.every(),
            shut_out=list_rules.shut_out(session, found, rules, found.least_age),
            behind=[form for form in signup_form.all_of(session, found) if _is_behind(session, form)],
            active=found.state is ListState.ACTIVE,
            archive_address=letter_archive.list_address(found, page.settings().site),
            shown_alone=letter_archive.alone(session, found),
            confirmed=subscription.counts(session, found)[SubscriptionState.CONFIRMED],
            others=others,
            into=into,
            forecast=merging.forecast(session, found, into) if into else None,
            problem=problem,
            status=status,
        )


def _may_take_in(target: MailingList, source: MailingList) -> bool:
    return target.id != source.id and target.state is ListState.ACTIVE and target.demo == source.demo


def _is_behind(session: Session, form: signup_form.SignupForm) -> bool:
    return bool(form_family.behind(signup_form.newest(session, form)))


def _kinds() -> list[tuple[str, str]]:
    return [
        ("law", language.text("What the law asks")),
        ("practice", language.text("What courts, receivers and trade bodies look for")),
        ("house", language.text("What listkeeper does in any case")),
    ]


_Act = Callable[[Session, Organisation, MailingList, str], str]


def _do(public_id: str, action: str, act: _Act, *, home: bool = False) -> Response | AnyResponse:
    """Do one thing to a list, whole or not at all, note who did it, and say what was done."""
    who = member.present().actor
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = mailing_list.named(session, owner, public_id)
            said = act(session, owner, found, who)
            audit_log.record(session, owner.id, who, action, found.public_id)
    except (Invalid, Conflict) as problem:
        return _shown(public_id, problem=problem, status=422)
    if home:
        return page.back_to("lists.show", said)
    return page.back_to("list_settings.show", said, public_id=public_id)


@blueprint.post("/lists/<public_id>/name")
def rename(public_id: str) -> Response | AnyResponse:
    """Give the list another name."""

    def act(session: Session, _owner: Organisation, found: MailingList, _who: str) -> str:
        mailing_list.rename(session, found, request.form.get("name", ""))
        return language.text("Saved. Words that people agreed to keep the old name.")

    return _do(public_id, "list.renamed", act)


@blueprint.post("/lists/<public_id>/rules")
def choose_rules(public_id: str) -> Response | AnyResponse:
    """Choose whose rules the list follows."""

    def act(_session: Session, _owner: Organisation, found: MailingList, _who: str) -> str:
        try:
            chosen = list_rules.choose(found, request.form.get("jurisdiction", ""))
        except NotFound as problem:
            raise Invalid(problem.code, problem.message) from problem
        return language.text("Saved. From now on the rules of “%(name)s” hold for this list.", name=chosen.name)

    return _do(public_id, "list.rules_chosen", act)


@blueprint.post("/lists/<public_id>/topics")
def add_topic(public_id: str) -> Response | AnyResponse:
    """Offer one more topic."""

    def act(session: Session, _owner: Organisation, found: MailingList, _who: str) -> str:
        made = topic.add(session, found, request.form.get("name", ""))
        return language.text("“%(name)s” can be chosen from now on. Nobody gets more than before.", name=made.name)

    return _do(public_id, "topic.added", act)


@blueprint.post("/lists/<public_id>/topics/<name>")
def change_topic(public_id: str, name: str) -> Response | AnyResponse:
    """Give a topic another name, or retire it."""
    retiring = "retire" in request.form

    def act(session: Session, _owner: Organisation, found: MailingList, _who: str) -> str:
        chosen = topic.named(session, found, name)
        if retiring:
            topic.retire(chosen)
            return language.text("“%(name)s” is offered no more, and no letter can be about it.", name=chosen.name)
        segment_meaning.rename_topic(session, found, chosen, request.form.get("name", ""))
        return language.text("Saved. Whoever chose it has chosen it still.")

    return _do(public_id, "topic.retired" if retiring else "topic.renamed", act)


@blueprint.post("/lists/<public_id>/archive")
def archive(public_id: str) -> Response | AnyResponse:
    """Close the list, or open it again."""
    reopening = request.form.get("state") == ListState.ACTIVE.value

    def act(_session: Session, _owner: Organisation, found: MailingList, _who: str) -> str:
        if reopening:
            mailing_list.reopen(found)
            return language.text("The list is in use again.")
        mailing_list.archive(found)
        return language.text("The list is closed. Nobody is mailed through it, and everybody can still leave it.")

    return _do(public_id, "list.opened" if reopening else "list.archived", act)


@blueprint.post("/lists/<public_id>/public-archive")
def publish(public_id: str) -> Response | AnyResponse:
    """Let anybody read what is sent to the list, or nobody but who gets it."""
    on = request.form.get("public") == "yes"

    def act(_session: Session, _owner: Organisation, found: MailingList, _who: str) -> str:
        letter_archive.publish(found, on=on)
        if on:
            return language.text("The archive is open: anybody can read what was sent to this list.")
        return language.text("The archive is shut. Its addresses lead nowhere now.")

    return _do(public_id, "list.archive_opened" if on else "list.archive_shut", act)


@blueprint.post("/lists/<public_id>/delete")
def delete(public_id: str) -> Response | AnyResponse:
    """Delete the list; the proof of its people and the wishes of those who left it stay."""

    def act(session: Session, _owner: Organisation, found: MailingList, who: str) -> str:
        if request.form.get("sure") != "yes":
            raise Invalid("not_sure", language.text("Please tick that you are sure. Nothing was changed."))
        mailing_list.tombstone(session, found, actor=who)
        return language.text("The list is deleted. What proves its consents is kept.")

    return _do(public_id, "list.deleted", act, home=request.form.get("sure") == "yes")


@blueprint.post("/lists/<public_id>/merge")
def merge(public_id: str) -> Response | AnyResponse:
    """Let the list become part of another one."""

    def act(session: Session, owner: Organisation, found: MailingList, who: str) -> str:
        into = mailing_list.named(session, owner, request.form.get("into", ""))
        return _told(merging.merge(session, owner, found, into, actor=who), into)

    return _do(public_id, "list.merged", act)


def _told(merged: Merged, into: MailingList) -> str:
    moved = language.counted(
        "%(number)s person moved to “%(list)s”.",
        "%(number)s people moved to “%(list)s”.",
        merged.moved + merged.on_both,
        list=into.name,
    )
    if not merged.stayed:
        return moved
    stayed = language.counted(
        "%(number)s person stayed: the yes was for something else.",
        "%(number)s people stayed: their yes was for something else.",
        merged.stayed,
    )
    return f"{moved} {stayed}"
