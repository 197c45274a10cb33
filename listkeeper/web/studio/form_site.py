"""Putting a form on a site: what to paste for each kind of site, a page to try it on, and which sites may show it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import allowed_origins, signup_form
from listkeeper.audience.signup_form import FormState
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import form_snippet
from listkeeper.rendering.form_snippet import Snippet
from listkeeper.web import headers
from listkeeper.web.studio import form_guides, member, page

blueprint = Blueprint("form_site", __name__, url_prefix=page.ROOT)

_GUIDES = "guides"


@dataclass(frozen=True)
class Tab:
    """One way to put a form somewhere: what it is called, and for whom it is."""

    name: str
    word: str
    about: str


@blueprint.get("/forms/<public_id>/site")
def show(public_id: str) -> Response:
    """Show what to paste, one way at a time, and where the form may stand."""
    return _shown(public_id)


def _shown(public_id: str, *, typed: str | None = None, problem: Invalid | None = None, status: int = 200) -> Response:
    tabs = {tab.name: tab for tab in _tabs()}
    chosen = tabs.get(request.args.get("shape", ""), tabs[Snippet.COMPONENT])
    with store.reading() as session:
        form = signup_form.identified(session, organisation.only_one(session), public_id)
        shown = signup_form.describe(session, signup_form.newest(session, form))
        kind = Snippet(chosen.name) if chosen.name != _GUIDES else None
        allowed = "\n".join(allowed_origins.of(form))
        return page.answer(
            session,
            "form_site",
            shown=shown,
            open=form.state is FormState.OPEN,
            tabs=list(tabs.values()),
            chosen=chosen,
            snippet=form_snippet.snippet(shown, kind, page.settings().site) if kind else None,
            styles=form_snippet.STYLES if kind is Snippet.HTML else None,
            guides=form_guides.every() if kind is None else [],
            trial=_trial(public_id, form.slug, kind) if kind else None,
            sites=allowed if typed is None else typed,
            problem=problem,
            status=status,
        )


def _tabs() -> list[Tab]:
    return [
        Tab(
            Snippet.COMPONENT,
            language.text("Form in your page"),
            language.text(
                "For your own site. It takes on your font and colours, and people stay on your page until they "
                "are on the list. Where scripts are switched off, the plain form in it is shown."
            ),
        ),
        Tab(
            Snippet.HTML,
            language.text("Plain form"),
            language.text(
                "For every site that takes HTML: no script, no cookie. After the button people come to our page. "
                "When you publish other words, copy it anew; until then people read the new words on our page "
                "and press once more."
            ),
        ),
        Tab(
            Snippet.FRAME,
            language.text("Frame"),
            language.text(
                "For site builders that take nothing else: our page within yours, as high as it needs to be."
            ),
        ),
        Tab(
            Snippet.LINK,
            language.text("Link"),
            language.text(
                "For a profile on Instagram, TikTok or Facebook, a button, or the foot of your mails. "
                "It works everywhere."
            ),
        ),
        Tab(
            _GUIDES,
            language.text("Site builders"),
            language.text("WordPress, Shopify, Wix and Squarespace: where each takes what you copy here."),
        ),
    ]


def _trial(public_id: str, slug: str, kind: Snippet) -> str:
    if kind is Snippet.LINK:
        return url_for("signup_page.show", slug=slug)
    return url_for("form_site.try_out", public_id=public_id, kind=kind.value)


@blueprint.post("/forms/<public_id>/site")
def choose_sites(public_id: str) -> Response | AnyResponse:
    """Name the sites that may show the form; none: any."""
    typed = request.form.get("sites", "")
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            form = signup_form.identified(session, owner, public_id)
            chosen = allowed_origins.choose(form, typed)
            audit_log.record(session, owner.id, member.present().actor, "form.sites_chosen", form.public_id)
    except Invalid as problem:
        return _shown(public_id, typed=typed, problem=problem, status=422)
    named = language.text("Saved. Only these sites and our own page may show the form.")
    said = named if chosen else language.text("Saved. Any site may show the form.")
    return page.back_to("form_site.show", said, public_id=public_id, shape=request.args.get("shape"))


@blueprint.get("/forms/<public_id>/try/<kind>")
def try_out(public_id: str, kind: str) -> Response:
    """Show a page that stands for somebody's site, with what was pasted into it.

    A browser takes a sandboxed page for one of no origin: it is as foreign to us
    as any. Where the form names its sites, such a page would be turned away, and
    in a page of no origin no page that names who may frame it is framed: there
    the page is one of ours.
    """
    wanted = form_snippet.named(kind)
    with store.reading() as session:
        form = signup_form.identified(session, organisation.only_one(session), public_id)
        shown = signup_form.describe(session, signup_form.newest(session, form))
        narrowed = bool(allowed_origins.of(form))
        foreign = not narrowed and wanted is not Snippet.FRAME
        words = {"written_in": form.language, "foreign": foreign, "narrowed": narrowed}
        pasted = form_snippet.pasted(shown, wanted, page.settings().site)
    spoken = language.current()
    drawn = render_template(
        "studio/form_try.html", pasted=pasted, spoken=spoken, direction=language.direction(spoken), **words
    )
    return headers.as_another_site(make_response(drawn), page.settings().site, foreign=foreign)
