"""Four forms of the login library, cut to what this studio offers.

Three of the library's fields offer their choices as tuples, which WTForms 3.4
will refuse. Ours have nothing to choose from: the templates' buttons say what
they are, and the library checks what comes back.
"""

from __future__ import annotations

from typing import Any

from flask_security import TwoFactorRescueForm, TwoFactorSelectForm, TwoFactorSetupForm, WebAuthnRegisterForm
from wtforms import RadioField, StringField


class Rescue(TwoFactorRescueForm):
    """Only recovery codes rescue; the library's "write to the administrator" would send mail past the gate."""

    help_setup = RadioField(choices=[])


class Setup(TwoFactorSetupForm):
    """Which kind of code: the app, or none."""

    setup = StringField(default="")  # type: ignore[assignment]


class Select(TwoFactorSelectForm):
    """Which second step, where a user has several."""

    which = StringField(default="")  # type: ignore[assignment]


class NewPasskey(WebAuthnRegisterForm):
    """The name of a new passkey, which is always two steps in one."""

    usage = StringField(default="first")  # type: ignore[assignment]

    def validate(self, **options: Any) -> bool:  # noqa: ANN401 - the library's type
        """Take the name, and no other use than the one passkeys have here."""
        self.usage.data = "first"
        return bool(super().validate(**options))
