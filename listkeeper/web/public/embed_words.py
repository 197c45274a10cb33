"""The words and colours of the web component, which has none of its own: each as the page of the form has them."""

from __future__ import annotations

from listkeeper.audience.signup_form import ShownForm
from listkeeper.foundation import language
from listkeeper.rendering import look
from listkeeper.web.public import brand, onward
from listkeeper.web.public.form_view import FormView

# Where the component puts the address that was typed; the answer of the server holds none.
_TYPED = "{address}"


def words() -> dict[str, str]:
    """Return what the component says on its way, in the language of the moment."""
    return {
        "email": language.text("Your e-mail address"),
        "sending": language.text("One moment…"),
        "kept": language.text("No connection. Your address is kept here, and we are trying again."),
        "sent": language.text("Almost there: check your mail"),
        "look": language.text(
            "We have sent a short e-mail to %(address)s. Open it and press the button, and you are on the list.",
            address=_TYPED,
        ),
        "code": language.text("Or type the six digits from the e-mail"),
        "confirm": language.text("Confirm"),
        "wait": language.text(
            "It can take a minute or two. Look in Spam too, and under the other tabs of your inbox. "
            "If you have joined before, there may be no new e-mail."
        ),
        "again": language.text("Was the address wrong? Type it again"),
    }


def notice() -> str:
    """Return what the link to the privacy notice says."""
    return language.text("How we use your data")


def choose() -> str:
    """Return what the boxes of several purposes are about."""
    return language.text("What would you like to get?")


def boxes(view: FormView) -> list[dict[str, object]]:
    """Return the boxes of the form, none of them ticked; ``free`` are those that one may leave empty."""
    found: list[dict[str, object]] = [{"name": name, "label": words, "free": True} for name, words in view.purposes]
    found += [{"name": "second_consent", "label": view.second_consent}] if view.second_consent else []
    if view.least_age:
        stated = view.age_statement or language.counted(
            "I am %(num)s year old or older.", "I am %(num)s years old or older.", view.least_age, num=view.least_age
        )
        found.append({"name": "age_stated", "label": stated})
    return found


def colours(shown: ShownForm) -> list[str]:
    """Return the ground and the letters of the button, where the page does not choose others."""
    ground = look.accent_of(shown.version.designed, shown.organisation.brand_colour)
    return [ground, brand.text_on(ground)]


def joined(shown: ShownForm, *, again: bool) -> dict[str, object]:
    """Return what is said to somebody who has just confirmed, or had before."""
    with language.using(shown.form.language):
        welcome = language.text("Welcome to “%(list)s”", list=shown.list_names)
        title = language.text("You are on the list already") if again else welcome
        leave = language.text("You can stop at any time: every e-mail has a link for it at the end.")
    way = onward.of(shown.version)
    return {
        "title": title,
        "text": onward.told(shown.version, again=again),
        "onward": [(way.address, way.name)] if way is not None else [],
        "leave": leave,
    }
