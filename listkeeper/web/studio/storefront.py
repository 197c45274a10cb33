"""What the business shows beside its forms: telephone, opening hours, the way, links; told once for all of them."""

from __future__ import annotations

from zoneinfo import available_timezones

from babel.dates import get_day_names
from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, storefront
from listkeeper.accounts.opening_hours import DAYS
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.storefront import Storefront
from listkeeper.audience import mailing_list, signup_form
from listkeeper.audience.forms.form_design import Fact
from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import shop_facts
from listkeeper.web.studio import member, page

blueprint = Blueprint("storefront", __name__, url_prefix=f"{page.ROOT}/settings/storefront")

Typed = dict[str, str]


@blueprint.get("")
def show() -> Response:
    """Show the facts as they are told now."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        return _shown(session, _as_typed(owner, storefront.of(session, owner)))


def _shown(session: Session, typed: Typed, *, problem: Invalid | None = None, status: int = 200) -> Response:
    owner = organisation.only_one(session)
    kept = storefront.of(session, owner)
    names: dict[int, str] = dict(get_day_names("wide", "stand-alone", locale=language.current()))
    return page.answer(
        session,
        "storefront",
        typed=typed,
        problem=problem,
        days=[(name, names[place]) for place, name in enumerate(DAYS)],
        zones=sorted(
            zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/"))
        ),
        facts=shop_facts.of(kept, frozenset(Fact), language.current(), clock.now()),
        forms=_showing(session, owner),
        status=status,
    )


def _showing(session: Session, owner: Organisation) -> list[tuple[SignupForm, bool]]:
    """Return every form, and whether it shows anything of this."""
    return [
        (form, bool(signup_form.newest(session, form).designed.shows - {Fact.LANGUAGES}))
        for each in mailing_list.all_of(session, owner)
        for form in signup_form.all_of(session, each)
    ]


def _as_typed(owner: Organisation, kept: Storefront | None) -> Typed:
    if kept is None:
        return {"time_zone": storefront.zone_for(owner), "place": ", ".join(owner.postal_address.splitlines())}
    hours = kept.opening
    times = {
        f"{name}_{end}{'_2' if number else ''}": at
        for name, spans in zip(DAYS, hours.days, strict=True)
        for number, span in enumerate(spans)
        for end, at in zip(("opens", "shuts"), span.as_text, strict=True)
    }
    return times | {
        "phone": kept.phone,
        "time_zone": kept.time_zone,
        "shut": "\n".join(day.isoformat() for day in sorted(hours.shut)),
        "holidays": kept.holidays,
        "place": kept.place,
        "coordinates": kept.coordinates.replace(",", ", "),
        "links": "\n".join(kept.links),
    }


@blueprint.post("")
def change() -> Response | AnyResponse:
    """Store the facts, all of them or none; every form that shows them shows the new ones at once."""
    typed = {name: value.strip() for name, value in request.form.items()}
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            storefront.tell(session, owner, storefront.read(owner, typed))
            audit_log.record(session, owner.id, member.present().actor, "storefront.changed", owner.public_id)
    except Invalid as problem:
        with store.reading() as session:
            return _shown(session, typed, problem=problem, status=422)
    said = language.text("Saved. Every form that shows it shows it from now on.")
    return page.back_to("storefront.show", said)
