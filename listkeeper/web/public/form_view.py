"""What the pages of a form show, taken out of the session, and kept for as long as nothing it rests on has changed."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass

from flask import url_for
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import signup_form
from listkeeper.audience.forms import form_stamp
from listkeeper.audience.signup_form import ShownForm
from listkeeper.rendering.shop_facts import Link, ShopFacts
from listkeeper.web.public import hosted, onward, reply_promise
from listkeeper.web.public.brand import Business

_KEPT_LIMIT = 256
_kept: dict[Hashable, tuple[ShownForm, FormView]] = {}
# How long a form that was just looked at is looked at no more, in seconds, unless this process changed anything: a
# flood of posts asks once. Whoever closes a form by another process finds it closed a moment later.
_LOOKED_AGAIN = 0.2
_lately: dict[str, tuple[float, int, tuple[ShownForm, FormView]]] = {}


@dataclass(frozen=True)
class FormView:
    """What the page shows of a form, taken out of the session."""

    slug: str
    language: str
    version: int
    version_id: int
    business: Business
    title: str
    # The boxes of several purposes, each with its name and words; none where the button is the act.
    purposes: tuple[tuple[str, str], ...]
    consent: str
    withdrawal: str
    age_statement: str
    button: str
    # The separate consent with a box of its own; empty for none.
    second_consent: str
    least_age: int
    # Where the privacy notice is; empty for none.
    notice: str
    # What the owner says beside the text, and what the business shows.
    intro: str
    gets: tuple[str, ...]
    frequency: str
    answers: str
    # Within which time who writes is answered, and how often it was so; empty where the owner does not wish it shown.
    promise: str
    shop: ShopFacts
    sisters: tuple[Link, ...]
    onward_origin: str


def of(session: Session, shown: ShownForm) -> FormView:
    """Return what the page shows of a form; call it while the session is open."""
    second, spoken, design = shown.second, shown.form.language, shown.version.designed
    return FormView(
        slug=shown.form.slug,
        language=shown.form.language,
        version=shown.version.version,
        version_id=shown.version.id,
        business=hosted.business_of(shown),
        title=shown.version.title,
        purposes=tuple((offer.box, offer.text.body) for offer in shown.boxes),
        consent=shown.text.body,
        withdrawal="\n".join(dict.fromkeys(offer.text.withdrawal for offer in shown.purposes)),
        age_statement=shown.text.age_statement,
        button=shown.text.button_label,
        second_consent=second.whole if second else "",
        least_age=shown.version.least_age or 0,
        notice=url_for("notice_page.show", name=spoken) if shown.version.notice_sha256 else "",
        intro=design.intro,
        gets=design.gets,
        frequency=design.frequency,
        answers=design.answers,
        promise=reply_promise.sentence(session, shown.organisation, spoken),
        shop=hosted.facts_of(session, shown),
        sisters=hosted.sisters_of(session, shown),
        onward_origin=onward.origin_of(shown),
    )


def kept(session: Session, slug: str) -> FormView:
    """Return what the page of a form shows now, by one small question when it was asked before.

    Raises NotFound when there is no form. What depends on the hour, as opening times do, is made anew each time.
    """
    return at_hand(session, slug)[1]


def at_hand(session: Session, slug: str) -> tuple[ShownForm, FormView]:
    """Return a form and what its pages show, taken out of the session: to be looked at, also by others, not changed.

    Raises NotFound when there is no form.
    """
    moment, changes = time.monotonic(), store.changes()
    seen = _lately.get(slug)
    if seen is not None and seen[0] > moment and seen[1] == changes:
        return seen[2]
    stamp = form_stamp.of(session, slug)
    known = _kept.get(stamp) if stamp is not None else None
    if known is not None:
        _lately[slug] = moment + _LOOKED_AGAIN, changes, known
        return known
    with store.aside() as own:
        shown = signup_form.shown(own, slug)
        made = shown, of(own, shown)
    if stamp is not None and not made[1].shop and not made[1].sisters and not made[1].promise:
        if len(_kept) >= _KEPT_LIMIT:
            _kept.clear()
            _lately.clear()
        _kept[stamp] = made
    return made
