"""Every answer of the public door: one template, one language, the look of one business, no cookie."""

from __future__ import annotations

from flask import Response, make_response, render_template, request

from listkeeper.foundation import language
from listkeeper.web import headers
from listkeeper.web.public.brand import Business

# A form with one address and a few marks fits many times over; more is somebody trying us out.
BODY_LIMIT = 16 * 1024
# The same pages within a page of somebody else's.
_FRAME = "form_frame"


def answer(template: str, spoken: str, business: Business | None, *, status: int = 200, **values: object) -> Response:
    """Return a page in a language."""
    with language.using(spoken):
        return make_response(
            render_template(
                f"public/{template}.html",
                spoken=language.current(),
                direction=language.direction(language.current()),
                business=business,
                framed=framed(),
                **values,
            ),
            status,
        )


def secret_answer(
    template: str, spoken: str, business: Business | None, *, status: int = 200, **values: object
) -> Response:
    """Return a page whose address holds a token."""
    return headers.private(answer(template, spoken, business, status=status, **values))


def framed() -> bool:
    """Return whether this page is shown in a frame, where all that follows it stays as well.

    Some site builders put a pasted form into a frame of their own, which the browser says with its post.
    """
    pasted_into_one = request.endpoint == "signup_page.receive" and request.headers.get("Sec-Fetch-Dest") == "iframe"
    return request.blueprint == _FRAME or pasted_into_one


def visitors_language() -> str:
    """Return the language a visitor's browser asks for, where no form says which."""
    return language.best_of(request.headers.get("Accept-Language", ""))


def limit_body() -> None:
    """Refuse more than a form's worth of bytes; every page that takes a POST asks for this first."""
    request.max_content_length = BODY_LIMIT
    request.max_form_memory_size = BODY_LIMIT
    request.max_form_parts = 50
