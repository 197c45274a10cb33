"""Who gets through: a session, a token on every form, and a limit on trying.

The lock hangs on the path, not on the pages: whatever is served below
``/studio`` is shut unless ``doors.OPEN`` names it.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, current_app, flash, g, redirect, request, session, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.foundation import language, throttle
from listkeeper.foundation.errors import Forbidden, TryAgain
from listkeeper.settings import Settings
from listkeeper.web import doors, network
from listkeeper.web.studio import page, roles

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Every POST to one of these tries a secret.
_TRYING = frozenset(
    {
        "entrance.enter",
        "joining.join",
        "key.login",
        "key.verify",
        "key.change_password",
        "key.wan_signin_response",
        "key.wan_verify_response",
        "key.two_factor_token_validation",
        "key.mf_recovery",
    }
)
# What a user without a business may open: naming it, their own keys, and the way out.
_BEFORE_THE_BUSINESS = ("setup.", "security.", "key.", "speech.")
_PER_ACCOUNT = 20
_HOUR = timedelta(hours=1)
_csrf = CSRFProtect()


def attach(app: Flask) -> None:
    """Stand before every request to the studio."""
    _csrf.init_app(app)
    app.before_request(_speak)
    app.before_request(_let_through)
    app.after_request(_keep_private)
    app.teardown_request(_fall_silent)


def _here() -> bool:
    return request.path == page.ROOT or request.path.startswith(f"{page.ROOT}/")


def _speak() -> None:
    if _here():
        g.speaking = language.using(_wanted_language())
        g.speaking.__enter__()


def _fall_silent(_error: BaseException | None) -> None:
    speaking = g.pop("speaking", None)
    if speaking is not None:
        speaking.__exit__(None, None, None)


def _wanted_language() -> str:
    own = current_user.language if current_user.is_authenticated else None
    return own or session.get("language") or language.best_of(request.headers.get("Accept-Language", ""))


def _let_through() -> AnyResponse | None:
    if not _here():
        return None
    if request.method in _UNSAFE:
        _check_token()
    if request.method == "POST" and request.endpoint in _TRYING:
        _count_try()
    if request.endpoint is None or request.endpoint in doors.OPEN:
        return None
    if not current_user.is_authenticated:
        return show_the_door()
    roles.demand(request.endpoint, owns=current_user.owns)
    return _name_the_business_first()


def _check_token() -> None:
    try:
        _csrf.protect()
    except CSRFError:
        raise Forbidden(
            "page_too_old",
            language.text(
                "This page no longer belongs to your session. Nothing was changed. "
                "Copy what you typed, reload the page and try again."
            ),
        ) from None


def _count_try() -> None:
    settings: Settings = current_app.config["LISTKEEPER"]
    account = (request.form.get("email") or session.get("tf_user_id") or session.get("_user_id") or "").strip().lower()
    with store.transaction() as opened:
        allowed = throttle.allow(opened, "sign-in", network.of(request) or "unknown", settings.sign_ins_per_hour, _HOUR)
        if account:
            allowed &= throttle.allow(opened, "sign-in-account", account, _PER_ACCOUNT, _HOUR)
    if not allowed:
        raise TryAgain(
            "too_many_sign_ins",
            language.text("There were too many attempts to sign in. Please wait an hour, then try again."),
        )


def show_the_door(*_methods: object, **_options: object) -> AnyResponse:
    """Send somebody without a session to the sign-in page; a program gets the reason instead."""
    if page.is_fragment():
        return _tell_htmx()
    if page.wants_json():
        said = language.text("You have been signed out. Sign in in another tab, then save again.")
        raise Forbidden("signed_out", said)
    if request.method != "GET":
        flash(language.text("Please sign in first. Nothing was changed."), "info")
        return redirect(url_for("key.login"), 303)
    back = request.full_path.rstrip("?") if request.path != url_for("home.show") else None
    return redirect(url_for("key.login", next=back), 303)


def _tell_htmx() -> AnyResponse:
    """Send the whole page to the door; but never one on which something may have been typed."""
    answer = current_app.response_class(status=204)
    if request.blueprint != "composer":
        answer.headers["HX-Redirect"] = url_for("key.login")
    return answer


def _name_the_business_first() -> AnyResponse | None:
    if (request.endpoint or "").startswith(_BEFORE_THE_BUSINESS):
        return None
    with store.reading() as opened:
        named = organisation.maybe_one(opened) is not None
    return None if named else redirect(url_for("setup.show"), 303)


def _keep_private(response: Response) -> Response:
    if _here():
        response.headers["Cache-Control"] = "no-store"
    return response
