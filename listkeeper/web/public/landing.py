"""The front page: the one form there is, a choice of several, or a plain word that nothing is set up."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, url_for
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, signup_form
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.signup_form import FormState, SignupForm
from listkeeper.web.public import brand, form_view, page, signup_page

blueprint = Blueprint("landing", __name__)


@dataclass(frozen=True)
class Choice:
    """One form to choose."""

    title: str
    address: str


@blueprint.get("/")
def show() -> Response:
    """Show what can be signed up for."""
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        if owner is None:
            return page.answer("not_set_up", page.visitors_language(), None)
        forms = _open_forms(session, owner)
        if len(forms) == 1:
            return signup_page.form_page(form_view.of(session, signup_form.shown(session, forms[0].slug)))
        choices = [
            Choice(signup_form.newest(session, form).title, url_for("signup_page.show", slug=form.slug))
            for form in forms
        ]
        return page.answer("landing", owner.language, brand.business_of(owner), forms=choices)


def _open_forms(session: Session, owner: Organisation) -> list[SignupForm]:
    lists = [each for each in mailing_list.all_of(session, owner) if each.state is ListState.ACTIVE]
    forms = [form for each in lists for form in signup_form.all_of(session, each)]
    return [form for form in forms if form.state is FormState.OPEN]
