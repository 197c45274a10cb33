"""Signing requests to Amazon Web Services: Signature Version 4 for requests with a body and no query.

Pure: what is signed, for whom and when goes in, the headers to send come out.
The steps are those of "Create a signed AWS API request" in the IAM User Guide.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_END = "aws4_request"


@dataclass(frozen=True)
class Signer:
    """Whose key signs, and for which service in which region. ``session_token`` belongs to keys lent for some hours."""

    key_id: str
    secret: str = field(repr=False)
    region: str
    service: str
    session_token: str = field(default="", repr=False)

    def signed(  # noqa: PLR0913 - a request and its moment
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime, *, query: str = ""
    ) -> dict[str, str]:
        """Return the headers with those added that sign them, the path and the body.

        ``headers`` must name the Host; all of them are signed. ``query`` is in canonical form. Amazon takes a
        signature for five minutes.
        """
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        given = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
        given["x-amz-date"] = stamp
        if self.session_token:
            given["x-amz-security-token"] = self.session_token
        names = ";".join(sorted(given))
        canonical = "\n".join((
            method, quote(path), query, *(f"{name}:{given[name]}" for name in sorted(given)), "", names,
            hashlib.sha256(body).hexdigest(),
        ))  # fmt: skip
        scope = f"{stamp[:8]}/{self.region}/{self.service}/{_END}"
        to_sign = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        signature = hmac.new(self._key(stamp[:8]), to_sign.encode(), hashlib.sha256).hexdigest()
        credential = f"{self.key_id}/{scope}"
        authorization = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return given | {"authorization": authorization}

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (day, self.region, self.service, _END):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key
