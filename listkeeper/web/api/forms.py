"""The signup forms: what a program names when it asks a person to subscribe, with the text she agrees to."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import current_app
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import allowed_origins, mailing_list, signup_form
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.forms import form_design
from listkeeper.audience.forms.form_design import ButtonInk, Fact, Look, Onward
from listkeeper.audience.signup_form import FormState, SignupForm
from listkeeper.foundation import clock
from listkeeper.rendering import form_snippet
from listkeeper.settings import Settings
from listkeeper.web.api import lock
from listkeeper.web.api.shape import Digest, FormId, ListId, Moment, Shape

blueprint = APIBlueprint("api_forms", __name__, url_prefix=lock.NOW, tag="Forms")


class Text(Shape):
    """What a person agrees to, word for word."""

    language: str = Field(description="BCP 47.", examples=["da"])
    version: int = Field(examples=[1])
    body: str = Field(description="The sentence of consent.")
    withdrawal: str = Field(description="The sentence that says how to stop.")
    age_statement: str = Field(description="The sentence about age; empty when there is none.")
    button_label: str = Field(description="What the button says.")
    controller: str = Field(description="Who asked, and where they are.")
    sha256: Digest
    published_at: Moment


class Design(Shape):
    """How the form looks, and what it says beside the text."""

    look: Look
    colour: str = Field(description="The form's own colour; empty for that of the business.", examples=["#1f6f54"])
    button_ink: ButtonInk = Field(description="The writing on the button; empty for whichever can be read.")
    intro: str
    gets: list[str] = Field(description="What people get, a line each.")
    frequency: str
    answers: str = Field(description="How soon people hear back when they write.")
    already: str = Field(description="What the mail tells people who are on the list already.")
    onward_url: str = Field(description="Where people go on to once they have confirmed; empty for nowhere.")
    onward_label: str
    onward: Onward
    shows: list[Fact] = Field(description="What of the business stands beside the field on the form's own page.")


class Purpose(Shape):
    """One of several purposes of a form, with a box of its own that nobody has ticked."""

    list: ListId
    text: Text


class OneForm(Shape):
    """A signup form as it is now. A page that offers it shows `text` whole, above the button."""

    id: FormId
    list: ListId
    slug: str = Field(examples=["news"])
    url: str = Field(description="The form's own page.", examples=["https://mail.cafe.example/f/news"])
    language: str = Field(examples=["da"])
    state: FormState
    version: int = Field(examples=[1])
    title: str
    text: Text
    second_text: Text | None = Field(description="A separate consent with a box of its own, where a law asks for it.")
    purposes: tuple[Purpose, ...] = Field(
        description="Where the form offers more than its own list: what each box is about, its own first. Empty where "
        "the button is the act."
    )
    least_age: int | None = Field(description="The youngest age that the form has a box for.", examples=[None])
    design: Design


class Snippets(Shape):
    """What is pasted to put the form somewhere, as the studio shows it."""

    link: str = Field(description="The form's own page.")
    html: str = Field(description="A plain form: no script, no cookie. It names the version it was made from.")
    component: str = Field(description="The web component, with the plain form inside it.")
    frame: str = Field(description="A frame, and the script that gives it its height.")


class WholeForm(OneForm):
    """A signup form with what puts it on a site."""

    allowed_origins: list[str] = Field(
        description="The sites that may show it; empty for any.", examples=[["https://cafe.example"]]
    )
    snippets: Snippets


class Forms(Shape):
    """All signup forms."""

    forms: list[OneForm]


@blueprint.get("/forms")
@lock.needs(Scope.READ)
@blueprint.output(Forms)
def show() -> Forms:
    """Show the signup forms of all lists."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        return Forms(
            forms=[
                _shown(session, form, each.public_id)
                for each in mailing_list.all_of(session, owner)
                for form in signup_form.all_of(session, each)
            ]
        )


@blueprint.get("/forms/<form_id>")
@lock.needs(Scope.READ)
@blueprint.output(WholeForm)
def show_one(form_id: str) -> WholeForm:
    """Show one signup form, with what is pasted to put it on a site."""
    settings: Settings = current_app.config["LISTKEEPER"]
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        form = signup_form.identified(session, owner, form_id)
        shown = signup_form.describe(session, signup_form.newest(session, form))
        return WholeForm(
            **_shown(session, form, shown.mailing_list.public_id).model_dump(),
            allowed_origins=list(allowed_origins.of(form)),
            snippets=Snippets(**form_snippet.all_of(shown, settings.site)),
        )


def _shown(session: Session, form: SignupForm, list_id: str) -> OneForm:
    settings: Settings = current_app.config["LISTKEEPER"]
    newest = signup_form.newest(session, form)
    return OneForm(
        id=form.public_id,
        list=list_id,
        slug=form.slug,
        url=f"{settings.site}/f/{form.slug}",
        language=form.language,
        state=form.state,
        version=newest.version,
        title=newest.title,
        text=worded(newest.consent_text),
        second_text=worded(newest.second_text) if newest.second_text else None,
        purposes=tuple(
            Purpose(list=offer.mailing_list.public_id, text=worded(offer.text))
            for offer in signup_form.describe(session, newest).boxes
        ),
        least_age=newest.least_age,
        design=_designed(newest.designed),
    )


def _designed(design: form_design.Design) -> Design:
    return Design(
        look=design.look,
        colour=design.accent,
        button_ink=design.button_ink,
        intro=design.intro,
        gets=list(design.gets),
        frequency=design.frequency,
        answers=design.answers,
        already=design.already,
        onward_url=design.onward_url,
        onward_label=design.onward_label,
        onward=design.onward,
        shows=sorted(design.shows),
    )


def worded(text: ConsentText) -> Text:
    """Return a consent text as programs see it."""
    return Text(
        language=text.language,
        version=text.version,
        body=text.body,
        withdrawal=text.withdrawal,
        age_statement=text.age_statement,
        button_label=text.button_label,
        controller=text.controller,
        sha256=text.sha256,
        published_at=clock.as_text(text.published_at),
    )
