"""A form drawn from what is typed, fit to be published or not: the page's own template, and nothing stored."""

from __future__ import annotations

from babel import Locale
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent_text, privacy_notice, signup_form
from listkeeper.audience.forms import form_design, form_draft, form_family
from listkeeper.audience.forms.form_design import Design, Fact
from listkeeper.audience.proof import dossier
from listkeeper.audience.proof.certificate import ShownForm, ShownText
from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import colour, form_snapshot, shop_facts
from listkeeper.rendering.form_snapshot import Beside
from listkeeper.rendering.shop_facts import Link
from listkeeper.web import logo
from listkeeper.web.studio import form_further, form_look, form_words
from listkeeper.web.studio.form_words import Typed


def fields_of(session: Session, form: SignupForm) -> Typed:
    """Return what was typed last, or what the form says today; with a second text begun where the rules want one."""
    draft = form_draft.of(session, form)
    today = form_words.of_version(signup_form.newest(session, form), form.mailing_list)
    # A draft from before a field existed has today's value for it.
    fields = today | draft.fields if draft else today
    if fields["second_body"] or not consent_text.needs_second(form.mailing_list):
        return fields
    owner = organisation.only_one(session)
    words = consent_text.second_starter(owner, form.mailing_list, form.language)
    return fields | {"second_body": words.body, "second_withdrawal": words.withdrawal}


def accent(fields: Typed, owner: Organisation) -> str:
    """Return the colour a form would have, that of the business where the typed one is none."""
    try:
        return colour.checked(_lenient(fields).accent or owner.brand_colour)
    except Invalid:
        return colour.checked(owner.brand_colour)


def _lenient(fields: Typed) -> Design:
    """Return a design that can be drawn: what is not fit to be published yet is left as it is, or left out."""
    try:
        design = form_look.design(fields)
    except Invalid:
        return form_design.NONE
    try:
        if design.accent:
            colour.checked(design.accent)
    except Invalid:
        return form_look.design(fields | {"own_colour": ""})
    return design


def drawn(session: Session, form: SignupForm, fields: Typed) -> bytes:
    """Return the page as people would see it now, with what the business shows today."""
    owner = organisation.only_one(session)
    design = _lenient(fields)
    sisters = form_family.sisters(session, form) if Fact.LANGUAGES in design.shows else []
    return form_snapshot.render(
        dossier.controller(owner),
        _shown(session, form, fields, design),
        owner.brand_colour,
        draft=Beside(
            shop_facts.of(storefront.of(session, owner), design.shows, form.language, clock.now()),
            tuple(Link(_native(each.language), "#", each.language) for each in sisters),
            logo.address_of(owner.logo),
        ),
    )


def _native(code: str) -> str:
    return (Locale.parse(code).get_display_name(code) or code).capitalize()


def _shown(session: Session, form: SignupForm, fields: Typed, design: Design) -> ShownForm:
    try:
        age = form_words.least_age(fields)
    except Invalid:
        age = 0
    statement = fields["age_statement"] or consent_text.age_statement(form.language, age)
    notice = privacy_notice.newest(session, form.mailing_list.organisation_id, form.language)
    second = None
    if fields["second_body"]:
        second = _text(form, fields["second_body"], fields["second_withdrawal"] or fields["withdrawal"], fields, "")
    return ShownForm(
        sha256="",
        public_id=form.public_id,
        slug=form.slug,
        language=form.language,
        version=0,
        title=fields["title"],
        thank_you=fields["thank_you"],
        least_age=age,
        published_at=0,
        text=_text(form, fields["body"], fields["withdrawal"], fields, statement),
        second_text=second,
        notice_sha256=notice.sha256 if notice else "",
        design=design.as_json(),
        further=tuple(
            _text(form, said.body, said.withdrawal, fields, said.age_statement)
            for said in form_further.words(session, form, fields["further"])
        ),
    )


def _text(form: SignupForm, body: str, withdrawal: str, fields: Typed, age_statement: str) -> ShownText:
    return ShownText(
        sha256="",
        language=form.language,
        version=0,
        kind="",
        body=body,
        withdrawal=withdrawal,
        age_statement=age_statement,
        button_label=fields["button_label"],
        controller="",
        published_at=0,
    )
