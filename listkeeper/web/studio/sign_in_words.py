"""What the login library says to people: its sentences in the words of this house, in every language."""

from __future__ import annotations

from listkeeper.foundation import language

_TONES = {
    "PASSWORD_CHANGE": "good",
    "REAUTHENTICATION_SUCCESSFUL": "good",
    "TWO_FACTOR_LOGIN_SUCCESSFUL": "good",
    "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": "good",
    "TWO_FACTOR_DISABLED": "good",
    "WEBAUTHN_CREDENTIAL_DELETED": "good",
    "WEBAUTHN_REGISTER_SUCCESSFUL": "good",
    "UNAUTHENTICATED": "info",
    "REAUTHENTICATION_REQUIRED": "info",
}


class Words:
    """The library's sentences, through our catalogues; stands in the place of its own."""

    @staticmethod
    def gettext(string: str, **variables: object) -> str:
        """Translate a sentence of the library."""
        return language.text(string, **variables)

    @staticmethod
    def ngettext(one: str, many: str, num: int, **values: object) -> str:
        """Translate a counted sentence of the library."""
        return language.counted(one, many, num, num=num, **values)

    @staticmethod
    def format_list(items: list[str], **_options: object) -> str:
        """Join words by commas."""
        return ", ".join(items)


def messages() -> dict[str, tuple[str, str]]:
    """Return the library's sentences that a person can meet, in the words of this house.

    In English here, where nobody is asking yet; ``Words`` translates them when somebody is.
    """
    with language.using(language.DEFAULT):
        said = _sentences()
    return {f"SECURITY_MSG_{name}": (sentence, _TONES.get(name, "bad")) for name, sentence in said.items()}


def _sentences() -> dict[str, str]:
    return {
        "GENERIC_AUTHN_FAILED": language.text("That did not work: the address or the password is not right."),
        "INVALID_PASSWORD": language.text("This password is not right."),
        "PASSWORD_NOT_PROVIDED": language.text("Please type a password."),
        "PASSWORD_INVALID_LENGTH": language.text("A password needs at least %(length)s characters."),
        "RETYPE_PASSWORD_MISMATCH": language.text("The two passwords differ. Please type the new one twice."),
        "PASSWORD_IS_THE_SAME": language.text("This is the password you already have."),
        "PASSWORD_CHANGE": language.text("Your password is set. Every other session has ended."),
        "UNAUTHENTICATED": language.text("Please sign in first."),
        "REAUTHENTICATION_REQUIRED": language.text("This concerns your keys. Please show once more that it is you."),
        "REAUTHENTICATION_SUCCESSFUL": language.text("Thank you. You can go on."),
        "TWO_FACTOR_INVALID_TOKEN": language.text("This code is not right or has been used. Wait for the next one."),
        "TWO_FACTOR_LOGIN_SUCCESSFUL": language.text("Welcome back."),
        "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": language.text("From now on signing in asks for a code from your app."),
        "TWO_FACTOR_DISABLED": language.text("Signing in no longer asks for a code."),
        "TWO_FACTOR_PERMISSION_DENIED": language.text("This step took too long. Please sign in again."),
        "TWO_FACTOR_SETUP_EXPIRED": language.text("This step took too long. Nothing was changed; please start again."),
        "INVALID_RECOVERY_CODE": language.text("This recovery code is not right, or it has been used."),
        "NO_RECOVERY_CODES_SETUP": language.text("You have no recovery codes yet."),
        "API_ERROR": language.text("That did not work. Nothing was changed; please start again."),
        "WEBAUTHN_EXPIRED": language.text("This step took too long. Nothing was changed; please start again."),
        "WEBAUTHN_NAME_REQUIRED": language.text("Please give the passkey a name, for example “My phone”."),
        "WEBAUTHN_NAME_INUSE": language.text("You already have a passkey called “%(name)s”."),
        "WEBAUTHN_NAME_NOT_FOUND": language.text("You have no passkey called “%(name)s”."),
        "WEBAUTHN_NAME_DISALLOWED_CHARACTERS": language.text("A name may have letters, digits, spaces and dashes."),
        "WEBAUTHN_CREDENTIAL_DELETED": language.text("The passkey “%(name)s” no longer opens the studio."),
        "WEBAUTHN_REGISTER_SUCCESSFUL": language.text("The passkey “%(name)s” opens the studio from now on."),
        "WEBAUTHN_CREDENTIAL_ID_INUSE": language.text("This passkey is already in use here."),
        "WEBAUTHN_UNKNOWN_CREDENTIAL_ID": language.text("This passkey is not known here."),
        "WEBAUTHN_MISMATCH_USER_HANDLE": language.text("This passkey is not known here."),
        "WEBAUTHN_NO_VERIFY": language.text("The passkey could not be checked. Nothing was changed; please try again."),
        "INVALID_REDIRECT": language.text("This link leads elsewhere. It was not followed."),
    }
