"""A file that is handed out to be kept, and that nobody on the way keeps."""

from __future__ import annotations

from flask import Response, make_response


def of(content: bytes | str, kind: str, name: str) -> Response:
    """Return the answer; ``name`` holds nothing that needs quoting: letters, digits, points, hyphens."""
    answer = make_response(content)
    answer.content_type = kind
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
