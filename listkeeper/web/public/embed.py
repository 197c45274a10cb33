"""What the web component asks: the words of a form, and the two posts of a signup.

``<listkeeper-form>`` stands on pages of other origins, so these three answers,
and no other, allow scripts of any site, or of those the form names, to read
them. They carry no cookie and look at none. The posts are plain form fields,
for which a browser asks no leave beforehand: one way less on a bad line.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, make_response, request

from listkeeper import store
from listkeeper.audience import allowed_origins, answering, confirmation, signup_form
from listkeeper.audience.answering import Answer
from listkeeper.audience.signup_form import ShownForm
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address_typo
from listkeeper.web import headers
from listkeeper.web.public import blur, confirm_page, embed_words, form_view, page, signup_page, signup_post
from listkeeper.web.public.form_view import FormView
from listkeeper.web.public.signup_post import Shape

blueprint = Blueprint("embed", __name__)
blueprint.before_request(page.limit_body)

_NOT_HERE = 403
_LAST_ANSWER = 422
_NOTHING_MORE_TO_SAY = 204
# Beside which part of the component a sentence stands, by the name of that part on the page; else the last purpose.
_FIELDS = {"wrong": "email", "wrong_second": "second_consent", "wrong_age": "age_stated"}


@blueprint.after_request
def _readable(response: Response) -> Response:
    """Let pages read the answer that may show the form; a refusal can be read by the page it is for, to be told."""
    readable_from: str | None = g.get("readable_from")
    response.headers["Cache-Control"] = "no-store"
    return headers.read_from(response, readable_from)


def _welcome(shown: ShownForm) -> bool:
    """Return whether the page that asks may show the form, and note who may read the answer."""
    origin = signup_post.asked_from()
    narrowed = bool(allowed_origins.of(shown.form))
    g.readable_from = (origin or request.host_url.rstrip("/")) if narrowed else None
    return signup_post.may_stand_there(shown.form, origin)


@blueprint.route("/f/<slug>/embed", methods=["OPTIONS"])
@blueprint.route("/f/<slug>/embed/code", methods=["OPTIONS"])
def preflight(slug: str) -> Response:
    """Say what a script of another page may ask, for one that asks beforehand; ours does not need to."""
    with store.reading() as session:
        shown = signup_form.shown(session, slug)
        if not _welcome(shown):
            return _refused(shown)
    answer = make_response("", _NOTHING_MORE_TO_SAY)
    answer.headers["Access-Control-Allow-Methods"] = "GET, POST"
    answer.headers["Access-Control-Allow-Headers"] = "Content-Type"
    answer.headers["Access-Control-Max-Age"] = "600"
    return answer


@blueprint.get("/f/<slug>/embed")
def show(slug: str) -> Response:
    """Return what the component shows; asking changes nothing."""
    with store.reading() as session:
        shown = signup_form.shown(session, slug)
        if not _welcome(shown):
            return _refused(shown)
        return jsonify(_definition(form_view.of(session, shown), shown))


def _definition(view: FormView, shown: ShownForm) -> dict[str, object]:
    """Return everything the component says and sends, in the form's language; it has no word of its own."""
    with language.using(view.language) as spoken:
        return {
            "language": spoken,
            "direction": language.direction(spoken),
            "title": view.title,
            "lead": [said for said in (view.intro, *view.gets, view.frequency, view.answers) if said],
            "texts": [text for text in ("" if view.purposes else view.consent, view.withdrawal) if text]
            + [view.age_statement] * bool(view.age_statement and not view.least_age),
            "choose": embed_words.choose() if view.purposes else None,
            "boxes": embed_words.boxes(view),
            "button": view.button,
            "notice": {"label": embed_words.notice(), "href": view.notice} if view.notice else None,
            "colours": embed_words.colours(shown),
            "words": embed_words.words(),
            "hidden": signup_post.hidden(view.version, view.version_id),
        }


@blueprint.post("/f/<slug>/embed")
def receive(slug: str) -> Response:
    """Store the post; the answer is the same whoever the address belongs to."""
    with store.reading() as session:
        shown, view = form_view.at_hand(session, slug)
        if not _welcome(shown):
            return _refused(shown)
        wish = signup_post.read(session, shown, Shape.COMPONENT)
    if isinstance(wish, Invalid):
        return _put_right(wish, view, _definition(view, shown) if wish.code == "page_too_old" else None)
    taken = signup_post.store(wish)
    if taken.step is not None:
        # The component posts what it has to our own page, in the same tab: that one knows the step.
        return jsonify({"step": "page"})
    return jsonify({"visit": taken.visit, "meant": _meant(view)})


def _meant(view: FormView) -> str | None:
    meant = address_typo.suggest(signup_post.typed())
    with language.using(view.language):
        return language.text("Did you mean %(address)s?", address=meant) if meant else None


def _put_right(wrong: Invalid, view: FormView, again: dict[str, object] | None) -> Response:
    """Say what is wrong and beside what; ``again`` is the form of today, to be read first."""
    place = signup_page.place_of(wrong)
    field = _FIELDS.get(place) or view.purposes[-1][0]
    said = {"code": wrong.code, "field": field, "detail": wrong.message, "form": again}
    # A fault of the server would be tried again and again; this one is an answer.
    return make_response(jsonify(said), min(signup_page.status_of(wrong), _LAST_ANSWER))


@blueprint.post("/f/<slug>/embed/code")
def confirm_by_code(slug: str) -> Response:
    """Take the six digits typed into the component."""
    visit, code = request.form.get("visit", ""), request.form.get("code", "")
    with store.transaction() as session:
        shown = signup_form.shown(session, slug)
        if not _welcome(shown):
            return _refused(shown)
        answered = answering.confirm_by_code(session, visit, code, confirm_page.seen())
        if answered.confirmation is not None and answered.answer in {Answer.CONFIRMED, Answer.ALREADY_CONFIRMED}:
            joined = confirmation.shown_by(session, answered.confirmation)
            return jsonify(embed_words.joined(joined, again=answered.answer is Answer.ALREADY_CONFIRMED))
        spoken = shown.form.language
    blur.wait()
    return make_response(jsonify({"field": "code", "detail": signup_page.wrong_digits(spoken)}), 422)


def _refused(shown: ShownForm) -> Response:
    """Tell a page that may not show the form so, in words for its reader, with the way to our own page."""
    with language.using(shown.form.language):
        said = {
            "code": "site_not_listed",
            "detail": language.text("This form is not for the page you are on. You can sign up on our own page."),
            "label": language.text("Open our page"),
        }
    return make_response(jsonify(said), _NOT_HERE)
