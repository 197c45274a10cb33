"""Proof of work: what a risky browser computes before its post is taken (altcha's protocol, version 1).

The challenge names its form and its end, and is good for one post: the
library would take an answer as often as it comes, so used ones are remembered.
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import cast

from altcha import v1
from sqlalchemy.orm import Session

from listkeeper.foundation import clock, keys, once

LIFETIME = timedelta(minutes=20)
_KEY = "signup-work"
_TEXTS = ("algorithm", "challenge", "salt", "signature")
_LONGEST = 2_000


def challenge(form: str, most: int) -> dict[str, str | int]:
    """Return what a browser has to find: the number up to ``most`` that hashes to ``challenge`` behind ``salt``."""
    made = v1.create_challenge(
        v1.ChallengeOptions(
            max_number=most, hmac_key=keys.secret(_KEY), expires=clock.now() + LIFETIME, params={"form": form}
        )
    )
    return {
        "algorithm": made.algorithm,
        "challenge": made.challenge,
        "salt": made.salt,
        "signature": made.signature,
        "maxnumber": most,
    }


def is_done(session: Session, form: str, answer: str) -> bool:
    """Return whether an answer (base64 of JSON) proves work for this form, in time and for the first time."""
    said = _read(answer)
    if said is None or v1.extract_params(said).get("form") != [form]:
        return False
    if not any(v1.verify_solution(said, secret)[0] for secret in keys.secrets_of(_KEY)):
        return False
    return once.spend(session, _KEY, said["challenge"], clock.now() + LIFETIME)


def _read(answer: str) -> v1.PayloadType | None:
    """Return what an answer says, or None: the library trusts the types of what it is given."""
    if not answer or len(answer) > _LONGEST:
        return None
    try:
        said = json.loads(base64.b64decode(answer, validate=True))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in _TEXTS):
        return None
    number = said.get("number")
    whole = isinstance(number, int) and not isinstance(number, bool)
    return cast("v1.PayloadType", said) if whole and said["algorithm"] == "SHA-256" else None
