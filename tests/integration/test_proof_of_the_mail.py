"""The mail that asked for the yes, in the proof: the very bytes that left, the receiver's answer, and what it said."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import answering, confirmation
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.proof import proof_bundle
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import proof
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.bundle_files import BundleFiles
from tests.makers.cafe import Cafe
from tests.makers.works import HER, Works


def _handed_out(works: Works) -> BundleFiles:
    made: list[bytes] = []

    def act(session: Session, house: Cafe) -> None:
        asked = session.scalars(select(Confirmation)).one()
        answering.confirm(session, confirmation.token_of(asked))
        person = session.scalars(select(Subscriber).where(Subscriber.email_key == HER)).one()
        site = "http://localhost:8025"
        made.append(proof.hand_out(session, house.organisation, person.subject_ref, actor="cli", site=site).content)

    works.write(act)
    return BundleFiles(made[0])


def test_the_mail_that_asked_is_in_the_proof_byte_for_byte(works: Works, smtp_sink: SmtpSink, tmp_path: Path) -> None:
    works.post()
    works.work(Lane.URGENT, 4)
    bundle = _handed_out(works)
    (name,) = bundle.below("mails/")
    (letter,) = smtp_sink.to(HER)
    assert bundle.files[name].rstrip(b"\r\n") == letter.content.rstrip(b"\r\n")
    rows = {row["id"]: row for row in bundle.lines("ledger.jsonl")}
    taken = rows[name.removeprefix("mails/").removesuffix(".eml")]
    assert taken["type"] == "doi.accepted"
    assert {row["type"] for row in rows.values()} >= {"doi.handed", "doi.accepted", "template.published"}
    # What the mail said is named by the row and stands in the bundle.
    assert f"templates/{taken['mail_sha256']}.json" in bundle.files
    shown = next(one["evidence"] for one in bundle.lines("evidence.jsonl") if one["event"] == taken["id"])
    assert base64.b64decode(shown["mail"]) == bundle.files[name]
    parsed = email.message_from_bytes(bundle.files[name], policy=email.policy.default)
    assert parsed["Message-ID"] == shown["message_id"]
    page = bundle.files["certificate.html"].decode()
    assert "The receiving server took the confirmation mail" in page
    assert shown["message_id"].strip("<>") in page
    assert shown["reply"] in page
    _verified(bundle, tmp_path)


def _verified(bundle: BundleFiles, folder: Path) -> None:
    program = folder / "listkeeper_verify.py"
    program.write_bytes(bundle.files[proof_bundle.VERIFIER])
    path = bundle.packed(folder / "proof.zip")
    command = [sys.executable, str(program), str(path), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, json.loads(ran.stdout)["findings"]) == (0, [])
