"""Packing a page for the way to a slow telephone: only pages that hold no secret and say the same to everybody.

A packed page's length tells something of its content, so no page that answers
differently to different addresses may be packed, nor one whose address is a secret.
"""

from __future__ import annotations

import gzip

from flask import Response, request

_LEVEL = 6


def packed(answer: Response) -> Response:
    """Return an answer packed for whoever can unpack it."""
    answer.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") > 0 and not answer.direct_passthrough:
        # No moment in it: the same page makes the same bytes.
        answer.set_data(gzip.compress(answer.get_data(), _LEVEL, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
    return answer
