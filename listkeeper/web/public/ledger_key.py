"""The public half of the key that signs the ledger, for anybody who checks a proof. It tells nothing else."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience.proof import checkpoint
from listkeeper.foundation import keys

blueprint = Blueprint("ledger_key", __name__)


@blueprint.get("/.well-known/listkeeper-ledger-key")
def show() -> Response:
    """Return the signing keys, newest first, and the newest checkpoint."""
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        if owner is None:
            return jsonify({"keys": [], "checkpoint": ""})
        name, newest = checkpoint.key_name(owner), checkpoint.newest(session, owner.id)
        ring = [checkpoint.public_text(key.public_key()) for key in keys.ledger(owner.public_id)]
        return jsonify(
            {
                "keys": [{"name": name, "public_key": public} for public in ring],
                "checkpoint": newest.note if newest is not None else "",
            }
        )
