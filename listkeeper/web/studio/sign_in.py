"""The lock of the studio: Flask-Security, its settings, and the rules it has to live by here.

The library's own pages are used for everything that signs in, out or changes
a key, all by POST; its mails, its tokens, its JSON and its registration stay
off. Its commit is ours: a POST to one of its pages runs in one
``store.transaction()``, anything else only looks.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, cast

from flask import Flask, Response, current_app, redirect, render_template, request, session, url_for
from flask_security import (
    RoleMixin,
    Security,
    SQLAlchemyUserDatastore,
    Totp,
    UserMixin,
    WebauthnUtil,
    current_user,
    password_changed,
    tf_disabled,
    tf_profile_changed,
    user_authenticated,
    wan_deleted,
    wan_registered,
)
from sqlalchemy.orm import Session
from webauthn.helpers.structs import AuthenticatorSelectionCriteria, ResidentKeyRequirement, UserVerificationRequirement

from listkeeper import store
from listkeeper.accounts import audit_log
from listkeeper.foundation import clock, keys
from listkeeper.settings import Settings
from listkeeper.web.studio import lock, page, sign_in_forms, sign_in_words
from listkeeper.web.studio.member import PROGRAM, Member, StudioPasskey

# The library's endpoints are called ``key.login``, ``key.wan_signin`` and so on.
LIBRARY = "key"
_WRITTEN_DOWN = {
    password_changed: "user.password_changed",
    tf_profile_changed: "user.codes_switched_on",
    tf_disabled: "user.codes_switched_off",
    wan_registered: "user.passkey_added",
    wan_deleted: "user.passkey_removed",
}
# Where the second step of signing in is taken: pages for somebody who is not in yet.
_ON_THE_WAY_IN = frozenset(
    f"{LIBRARY}.{page}" for page in ("two_factor_token_validation", "two_factor_rescue", "tf_select", "mf_recovery")
)
_SESSION = timedelta(days=14)
_FRESH = timedelta(hours=12)


class _Keyring(SQLAlchemyUserDatastore):
    """The library's way to the database, without its commit."""

    def commit(self) -> None:
        """Leave the commit to ``store.transaction()``, which surrounds every POST."""

    def mf_delete_recovery_code(self, user: UserMixin, idx: int) -> bool:
        """Take a used code off the list: the library would change the list in place, which no column notices."""
        left = list(user.mf_recovery_codes or [])
        if not 0 <= idx < len(left):
            return False
        del left[idx]
        user.mf_recovery_codes = left
        return True


class _Codes(Totp):
    """Six-digit codes, none of which works twice (RFC 6238 section 5.2)."""

    def get_last_counter(self, user: Any) -> int | None:  # noqa: ANN401 - the library's type
        """Return the counter of the last code this user used."""
        counter: int | None = user.tf_last_counter
        return counter

    def set_last_counter(self, user: Any, tmatch: Any) -> None:  # noqa: ANN401 - as above
        """Remember the counter of the code just used."""
        user.tf_last_counter = tmatch.counter


class _Passkeys(WebauthnUtil):
    """Passkeys that need no user name and ask for the finger, face or code of the device."""

    def authenticator_selection(self, user: Any, usage: str) -> AuthenticatorSelectionCriteria:  # noqa: ANN401, ARG002
        """Take phones and laptops as well as keys on a string: the library's default would refuse the former."""
        return AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        )

    def user_verification(self, user: Any, usage: list[str]) -> UserVerificationRequirement:  # noqa: ANN401, ARG002
        """Ask the device who holds it, so that a passkey is two factors in one."""
        return UserVerificationRequirement.REQUIRED


def attach(app: Flask, settings: Settings) -> None:
    """Lock the studio of this application; call it once, after ``store.attach``."""
    app.config |= _configuration(settings) | sign_in_words.messages()
    security = Security(
        datastore=_Keyring(store.database, Member, RoleMixin, StudioPasskey),
        totp_cls=_Codes,
        webauthn_util_cls=_Passkeys,
        two_factor_rescue_form=sign_in_forms.Rescue,
        two_factor_setup_form=sign_in_forms.Setup,
        two_factor_select_form=sign_in_forms.Select,
        wan_register_form=sign_in_forms.NewPasskey,
        render_template=_draw,
    )
    security.init_app(app)
    security.i18n_domain = cast("Any", sign_in_words.Words())
    # Sessions alone open the studio: no token in a header or an address, no JSON that hands one out.
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]
    security.want_json(lambda _request: False)
    security.unauthn_handler(lock.show_the_door)
    _keep_transactions_ours(app)
    page.attach(app)
    lock.attach(app)
    user_authenticated.connect(_signed_in, app)
    for signal, action in _WRITTEN_DOWN.items():
        signal.connect(_write_down(action), app, weak=False)


def _configuration(settings: Settings) -> dict[str, Any]:
    https = settings.site.startswith("https://")
    return {
        "SECRET_KEY": keys.session_secret(),
        "SESSION_COOKIE_NAME": "listkeeper_studio",
        "SESSION_COOKIE_PATH": page.ROOT,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        "REMEMBER_COOKIE_PATH": page.ROOT,
        "PERMANENT_SESSION_LIFETIME": _SESSION,
        # The token lives as long as the session; a form left open over lunch must still work.
        "WTF_CSRF_TIME_LIMIT": None,
        # ``lock`` asks for the token on every unsafe request to the studio, and only there.
        "WTF_CSRF_CHECK_DEFAULT": False,
    } | {f"SECURITY_{name}": value for name, value in (_library() | _second_steps() | _addresses()).items()}


def _library() -> dict[str, Any]:
    return {
        "BLUEPRINT_NAME": LIBRARY,
        "STATIC_FOLDER": None,
        "CLI_USERS_NAME": None,
        "CLI_ROLES_NAME": None,
        "API_ENABLED_METHODS": ["session"],
        "JOIN_USER_ROLES": False,
        "RETURN_GENERIC_RESPONSES": True,
        "DATETIME_FACTORY": _moment,
        "EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        "FRESHNESS": _FRESH,
        "FRESHNESS_GRACE_PERIOD": timedelta(hours=1),
        "PASSWORD_HASH": "argon2",
        "PASSWORD_SCHEMES": ["argon2"],
        # What OWASP asks for at least. A hash is made while SQLite's one writer waits, so not more than that.
        "PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__memory_cost": 19_456,
            "argon2__time_cost": 2,
            "argon2__parallelism": 1,
        },
        "PASSWORD_SALT": keys.password_salt(),
        "PASSWORD_LENGTH_MIN": 10,
        "CHANGEABLE": True,
        "SEND_PASSWORD_CHANGE_EMAIL": False,
    }


def _second_steps() -> dict[str, Any]:
    """Say what beside a password may sign in: codes of an app, recovery codes, passkeys."""
    return {
        "TWO_FACTOR": True,
        "TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "TWO_FACTOR_RESCUE_EMAIL": False,
        # Half a minute of clock drift either way; the library's default would take a code for four minutes.
        "TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,
        "TOTP_SECRETS": _numbered("totp"),
        "TOTP_ISSUER": PROGRAM,
        "MULTI_FACTOR_RECOVERY_CODES": True,
        "MULTI_FACTOR_RECOVERY_CODES_N": 8,
        "MULTI_FACTOR_RECOVERY_CODES_KEYS": [
            base64.urlsafe_b64encode(secret) for secret in keys.secrets_of("recovery-codes")
        ],
        "WEBAUTHN": True,
        "WAN_RP_NAME": PROGRAM,
        "WAN_ALLOW_USER_HINTS": False,
        "WAN_ALLOW_AS_VERIFY": ["first"],
    }


def _addresses() -> dict[str, str]:
    """Say where the library's pages live and how ours that replace its templates are called."""
    return {
        "URL_PREFIX": page.ROOT,
        "LOGIN_URL": "/sign-in",
        "LOGOUT_URL": "/sign-out",
        "VERIFY_URL": "/again",
        "CHANGE_URL": "/security/password",
        "TWO_FACTOR_SETUP_URL": "/security/codes",
        "TWO_FACTOR_TOKEN_VALIDATION_URL": "/sign-in/code",
        "TWO_FACTOR_RESCUE_URL": "/sign-in/lost",
        "TWO_FACTOR_SELECT_URL": "/sign-in/which",
        "MULTI_FACTOR_RECOVERY_CODES_URL": "/security/recovery",
        "MULTI_FACTOR_RECOVERY_URL": "/sign-in/recovery",
        "WAN_REGISTER_URL": "/security/passkeys",
        "WAN_SIGNIN_URL": "/sign-in/passkey",
        "WAN_DELETE_URL": "/security/passkeys/remove",
        "WAN_VERIFY_URL": "/again/passkey",
        "POST_LOGIN_VIEW": "home.show",
        "POST_LOGOUT_VIEW": f"{LIBRARY}.login",
        "POST_CHANGE_VIEW": "security.show",
        "POST_VERIFY_VIEW": "security.show",
        "TWO_FACTOR_POST_SETUP_VIEW": "security.show",
        "WAN_POST_REGISTER_VIEW": "security.show",
        "LOGIN_USER_TEMPLATE": "studio/sign_in.html",
        "VERIFY_TEMPLATE": "studio/sign_in_again.html",
        "CHANGE_PASSWORD_TEMPLATE": "studio/password.html",
        "TWO_FACTOR_SETUP_TEMPLATE": "studio/codes.html",
        "TWO_FACTOR_VERIFY_CODE_TEMPLATE": "studio/sign_in_code.html",
        "TWO_FACTOR_SELECT_TEMPLATE": "studio/sign_in_which.html",
        "MULTI_FACTOR_RECOVERY_CODES_TEMPLATE": "studio/recovery_codes.html",
        "MULTI_FACTOR_RECOVERY_TEMPLATE": "studio/sign_in_recovery.html",
        "WAN_REGISTER_TEMPLATE": "studio/passkey_add.html",
        "WAN_SIGNIN_TEMPLATE": "studio/passkey_ask.html",
        "WAN_VERIFY_TEMPLATE": "studio/passkey_ask.html",
    }


def _moment() -> datetime:
    return clock.now().astimezone(UTC)


def _numbered(purpose: str) -> dict[str, str]:
    """Return the secrets of a purpose as the library numbers them: the highest number is the newest."""
    oldest_first = reversed(keys.secrets_of(purpose))
    return {str(number): secret.hex() for number, secret in enumerate(oldest_first, 1)}


def _draw(template: str, **values: object) -> str:
    """Draw one of the library's pages in our shell; the session is the one its view runs in."""
    open_session: Session = store.database.session()
    return render_template(template, **page.shell(open_session), **values)


def _keep_transactions_ours(app: Flask) -> None:
    for endpoint, view in list(app.view_functions.items()):
        if endpoint.startswith(f"{LIBRARY}."):
            app.view_functions[endpoint] = _in_one_transaction(view)


def _in_one_transaction(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def inside(*arguments: object, **names: object) -> Response:
        if request.method == "POST":
            with store.transaction():
                return current_app.make_response(view(*arguments, **names))
        if request.endpoint in _ON_THE_WAY_IN and current_user.is_authenticated:
            # The library takes this for an attack and signs out; but a GET changes nothing, whoever made her follow it.
            return current_app.make_response(redirect(url_for("home.show"), 303))
        with store.reading():
            return current_app.make_response(view(*arguments, **names))

    return inside


def _write_down(action: str) -> Callable[..., None]:
    def note(_app: Flask, *, user: Member, **_rest: object) -> None:
        audit_log.record(store.database.session(), user.organisation_id, user.actor, action, user.public_id)

    return note


def _signed_in(_app: Flask, *, user: Member, **_rest: object) -> None:
    """Let the session outlive the browser, and write down who came."""
    session.permanent = True
    audit_log.record(store.database.session(), user.organisation_id, user.actor, "user.signed_in", user.public_id)
