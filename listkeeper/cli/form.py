"""``listkeeper form``: make, show and publish signup forms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import allowed_origins, consent_text, mailing_list, signup_form
from listkeeper.audience.consent_text import Wording
from listkeeper.audience.forms.form_design import ButtonInk, Design, Fact, Look, Onward
from listkeeper.audience.guard import defence, watch
from listkeeper.audience.guard.defence import Stage
from listkeeper.audience.signup_form import SignupFormVersion, Words
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock, language
from listkeeper.rendering import form_snapshot, form_snippet
from listkeeper.rendering.form_snippet import Snippet
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Make and show signup forms."""


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
@click.option("--language", "spoken", type=click.Choice(language.LANGUAGES), help="The business's own if not given.")
def create(settings: Settings, *, slug: str, spoken: str | None, as_json: bool) -> None:
    """Make a signup form for a list; its page takes `POST email=…`."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        made = signup_form.create(
            session, business, mailing_list.named(session, business, slug), spoken=spoken, show=form_snapshot.page_of
        )
        audit_log.record(session, business.id, "command", "signup_form.created", made.public_id)
        answer = {"id": made.public_id, "slug": made.slug, "url": f"{settings.site}/f/{made.slug}"}
    emit(answer, as_json=as_json, lines=[answer["url"]])


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
def show(settings: Settings, *, slug: str, as_json: bool) -> None:
    """Show the forms of a list."""
    with opened(settings), store.reading() as session:
        found = mailing_list.named(session, organisation.only_one(session), slug)
        forms = [
            {
                "id": row.public_id,
                "slug": row.slug,
                "url": f"{settings.site}/f/{row.slug}",
                "language": row.language,
                "version": signup_form.newest(session, row).version,
            }
            for row in signup_form.all_of(session, found)
        ]
    emit({"forms": forms}, as_json=as_json, lines=[str(row["url"]) for row in forms] or ["There is no form yet."])


@command.command()
@with_settings
@with_json
@click.argument("form")
@click.option("--title", help="The headline.")
@click.option("--text", "body", help="The sentence people agree to.")
@click.option("--withdrawal", help="The sentence on how to stop.")
@click.option("--button", "button_label", help="What the button says.")
@click.option("--thanks", "thank_you", help="The word of thanks after the confirmation.")
@click.option("--least-age", type=click.IntRange(0, 99), help="Ask for this age; 0 asks nobody.")
@click.option("--look", type=click.Choice([each.value for each in Look]), help="One of the ready looks.")
@click.option("--colour", "accent", help="A colour of the form's own, as #1f6f54; empty takes the business's.")
@click.option("--button-ink", type=click.Choice(["auto", "white", "black"]), help="The writing on the button.")
@click.option("--intro", help="A line below the headline.")
@click.option("--gets", multiple=True, help="One thing people get; give it again for each.")
@click.option("--frequency", help="How often you write.")
@click.option("--answers", help="How soon people hear back when they write.")
@click.option("--already", help="What the mail tells people who are on the list already.")
@click.option(
    "--onward", "onward_url", help="An https address people go on to once they have confirmed; empty for none."
)
@click.option("--onward-label", help="What the button to it says.")
@click.option(
    "--onward-how", "onward", type=click.Choice([each.value for each in Onward]), help="By a button, or at once."
)
@click.option(
    "--show",
    "shows",
    multiple=True,
    type=click.Choice([*(each.value for each in Fact), "nothing"]),
    help="Of the business; again for more.",
)
def publish(settings: Settings, *, form: str, as_json: bool, **said: Any) -> None:  # noqa: ANN401 - click's options
    """Publish changed words as the next version of a form; what is not given stays as it is.

    Whoever said yes before keeps the version they saw.
    """
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = signup_form.identified(session, business, form)
        if said["least_age"] is not None:
            mailing_list.ask_age(found.mailing_list, said["least_age"])
        old = signup_form.newest(session, found)
        made = signup_form.publish_words(
            session, business, found, _words(business, old, said), show=form_snapshot.page_of
        )
        audit_log.record(session, business.id, "command", "form.published", found.public_id)
        answer = {"id": found.public_id, "version": made.version, "sha256": made.sha256}
    emit(answer, as_json=as_json, lines=[f"Version {answer['version']} is published."])


@command.command()
@with_settings
@with_json
@click.argument("form")
@click.option("--shape", type=click.Choice([kind.value for kind in Snippet]), default="html", help="What to paste.")
def snippet(settings: Settings, *, form: str, shape: str, as_json: bool) -> None:
    """Print what puts a form on a site: a plain form, the web component, a frame or the link."""
    with opened(settings), store.reading() as session:
        found = signup_form.identified(session, organisation.only_one(session), form)
        shown = signup_form.describe(session, signup_form.newest(session, found))
        drawn = form_snippet.snippet(shown, Snippet(shape), settings.site)
        answer = {"id": found.public_id, "shape": shape, "version": shown.version.version, "snippet": drawn}
    emit(answer, as_json=as_json, lines=[drawn])


@command.command()
@with_settings
@with_json
@click.argument("form")
@click.option("--allow", "sites", multiple=True, help="A site that may show the form; say it once for each.")
@click.option("--any", "anywhere", is_flag=True, help="Let any site show it.")
def sites(settings: Settings, *, form: str, sites: tuple[str, ...], anywhere: bool, as_json: bool) -> None:
    """Show which sites may show a form, or name them; the list given takes the place of the one before."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = signup_form.identified(session, business, form)
        if sites or anywhere:
            allowed_origins.choose(found, "\n".join(sites))
            audit_log.record(session, business.id, "command", "form.sites_chosen", found.public_id)
        answer = {"id": found.public_id, "allowed_origins": list(allowed_origins.of(found))}
    lines = [str(site) for site in answer["allowed_origins"]] or ["Any site may show it."]
    emit(answer, as_json=as_json, lines=lines)


def _words(business: Organisation, old: SignupFormVersion, said: dict[str, Any]) -> Words:
    text, second, about = old.consent_text, old.second_text, old.form.mailing_list
    asked = about.least_age
    kept = Wording(second.body, second.button_label, second.withdrawal, kind=second.kind) if second else None
    if kept is None and consent_text.needs_second(about):
        kept = consent_text.second_starter(business, about, old.form.language)
    statement = text.age_statement if asked == (old.least_age or 0) else ""
    return Words(
        said["title"] or old.title,
        said["thank_you"] or old.thank_you,
        Wording(
            said["body"] or text.body,
            said["button_label"] or text.button_label,
            said["withdrawal"] or text.withdrawal,
            statement or consent_text.age_statement(old.form.language, asked),
        ),
        kept,
        _design(old.designed, said),
    )


def _design(old: Design, said: dict[str, Any]) -> Design:
    """Return the design with what was given; an option that is given empty takes its part away."""
    plain = ("accent", "intro", "frequency", "answers", "already", "onward_url", "onward_label")
    chosen: dict[str, Any] = {name: said[name] for name in plain if said[name] is not None}
    if said["look"]:
        chosen["look"] = Look(said["look"])
    if said["onward"]:
        chosen["onward"] = Onward(said["onward"])
    if said["button_ink"]:
        chosen["button_ink"] = ButtonInk(said["button_ink"].removeprefix("auto"))
    if said["gets"]:
        chosen["gets"] = tuple(line for line in said["gets"] if line.strip())
    if said["shows"]:
        chosen["shows"] = frozenset(Fact(name) for name in said["shows"] if name != "nothing")
    return replace(old, **chosen)


@command.command()
@with_settings
@with_json
@click.argument("form")
@click.option("--end", is_flag=True, help="End the defence of this form: all is well.")
@click.option("--attack/--no-attack", default=None, help="Say that all forms are under attack, or are no more.")
def protection(settings: Settings, *, form: str, end: bool, attack: bool | None, as_json: bool) -> None:
    """Show what stands before a form and what it held back in a day."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = signup_form.identified(session, business, form)
        if end:
            defence.end(session, found)
            audit_log.record(session, business.id, "command", "form.defence_ended", found.public_id)
        if attack is not None:
            _say(session, business, attack=attack)
        standing, tally = defence.standing(session, found), watch.tally(session, found)
        answer = {
            "id": found.public_id,
            "stage": (standing.stage if standing else Stage.CALM).value,
            "reason": standing.reason.value if standing else None,
            "until": clock.as_text(standing.until) if standing else None,
            "posts": tally.posts,
            "asked": tally.asked,
            "confirmed": tally.confirmed,
            "bounced": tally.bounced,
            "held": tally.held,
        }
    emit(answer, as_json=as_json, lines=[f"{name}: {value}" for name, value in answer.items() if value is not None])


def _say(session: Session, business: Organisation, *, attack: bool) -> None:
    if attack:
        defence.declare_attack(session, business.id, "command")
    else:
        defence.call_off(session, business.id)
    done = "attack.declared" if attack else "attack.called_off"
    audit_log.record(session, business.id, "command", done, business.public_id)
