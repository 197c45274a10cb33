"""Proof bundles out of the real database: the true one is believed, and each of those that tell another story is not.

The verifier runs as a stranger would run it: the file out of the bundle, in a process of its own.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import consent, consent_text, signup_form, tracking, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.consent_text import Wording
from listkeeper.audience.proof import checkpoint, evidence, ledger, proof_bundle
from listkeeper.audience.proof.ledger import EventType
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import keys
from listkeeper.foundation.errors import NotFound
from listkeeper.rendering.paper import certificate_words
from listkeeper.sending import proof
from listkeeper.standards import proof as verifier
from listkeeper.standards import signed_note
from tests.makers import cafe
from tests.makers.bundle_files import BundleFiles
from tests.makers.cafe import Cafe

SITE = "http://localhost:8025"
ADDRESS = "anna@crowd.example"


@pytest.fixture
def made(session: Session) -> Cafe:
    """A café with three people on its list, and a checkpoint from before the last of them came."""
    made = cafe.found(session)
    cafe.subscribe(session, made, "early@crowd.example")
    checkpoint.make(session, made.organisation)
    cafe.subscribe(session, made, ADDRESS)
    cafe.subscribe(session, made, "late@crowd.example")
    session.commit()
    return made


@pytest.fixture
def person(session: Session, made: Cafe) -> Subscriber:
    """The person whose proof is asked for; she has left again."""
    anna = session.scalars(select(Subscriber).where(Subscriber.email_key == ADDRESS)).one()
    unsubscribe.leave(session, anna.id, made.mailing_list.id, Method.PAGE)
    session.commit()
    return anna


@pytest.fixture
def bundle(session: Session, made: Cafe, person: Subscriber) -> BundleFiles:
    """Her bundle, true and taken apart."""
    content = proof.hand_out(session, made.organisation, person.subject_ref, actor="cli", site=SITE).content
    session.commit()
    return BundleFiles(content)


def verified(bundle: BundleFiles, folder: Path, *options: str) -> tuple[int, list[str]]:
    """Run the verifier that lies in a bundle on the bundle; return its exit code and the codes it found."""
    program = folder / "listkeeper_verify.py"
    program.write_bytes(bundle.files[proof_bundle.VERIFIER])
    path = bundle.packed(folder / "proof.zip")
    ran = subprocess.run(
        [sys.executable, "-I", str(program), str(path), "--json", *options],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in ran.stderr, ran.stderr
    said = json.loads(ran.stdout)
    return ran.returncode, sorted({finding["code"] for finding in said["findings"]})


def test_a_true_bundle_is_believed(bundle: BundleFiles, made: Cafe, tmp_path: Path) -> None:
    assert verified(bundle, tmp_path) == (0, [])
    key = json.loads(bundle.files["keys.json"])["keys"][0]["public_key"]
    assert verified(bundle, tmp_path, "--key", key) == (0, [])
    witness = tmp_path / "witness.txt"
    witness.write_bytes(bundle.files[bundle.below("witnessed/")[0]])
    assert verified(bundle, tmp_path, "--witness", str(witness)) == (0, [])


def test_a_yes_to_being_seen_is_proved_as_one_to_letters_is_and_is_another(
    session: Session, made: Cafe, tmp_path: Path
) -> None:
    her = session.scalars(select(Subscriber).where(Subscriber.email_key == ADDRESS)).one()
    words = tracking.text(made.organisation, made.mailing_list, her.language)
    assert tracking.agree(session, her.id, made.mailing_list.id, seen=words.sha256)
    session.flush()

    given = proof.hand_out(session, made.organisation, her.subject_ref, actor="cli", site=SITE)
    session.commit()
    bundle = BundleFiles(given.content)
    assert verified(bundle, tmp_path) == (0, [])
    assert json.loads(bundle.files[f"texts/{words.sha256}.json"])["kind"] == "tracking"
    assert "tracking.given" in [row["type"] for row in bundle.lines("ledger.jsonl")]
    # What the standards' records say of the letters does not stand under the words of something else.
    for name in ("iso27560.jsonld", "kantara.json"):
        assert words.sha256.encode() not in bundle.files[name]
        assert words.body.encode() not in bundle.files[name]


def test_the_receipt_in_her_mailbox_is_a_witness(
    bundle: BundleFiles, session: Session, made: Cafe, person: Subscriber, tmp_path: Path
) -> None:
    """The file of the mail holds two notes, the receipt and the checkpoint that covers it; each is heard."""
    given = consent.history(session, person)[-1]
    assert given.ledger_id is not None
    signed = checkpoint.receipt(session, made.organisation, given.ledger_id)
    assert signed is not None
    kept = tmp_path / "receipt.txt"
    kept.write_bytes(f"{signed[0]}\n{signed[1].note}".replace("\n", "\r\n").encode())
    assert verified(bundle, tmp_path, "--witness", str(kept)) == (0, [])
    other = f"{signed[0]}\n{signed[1].note}".replace(f"\n{given.ledger_seq}\n", "\n1\n", 1)
    kept.write_text(other)
    exit_code, codes = verified(bundle, tmp_path, "--witness", str(kept))
    assert exit_code == 1
    assert codes


def _own_rows(bundle: BundleFiles) -> list[int]:
    subject = json.loads(bundle.files["proof.json"])["subject"]
    return [place for place, row in enumerate(bundle.lines("ledger.jsonl")) if row["subject"] == subject]


def edit_a_text(bundle: BundleFiles) -> None:
    """Let the page have said something else."""
    (name, *_) = bundle.below("texts/")
    bundle.change(name, lambda text: text | {"body": text["body"].replace("once a week", "ten times a day")})


def edit_a_row(bundle: BundleFiles) -> None:
    """Let her have pressed the button, not unsubscribed."""
    rows = bundle.lines("ledger.jsonl")
    place = next(place for place in _own_rows(bundle) if rows[place]["type"] == "consent.withdrawn")
    rows[place] |= {"type": "consent.renewed"}
    bundle.write_lines("ledger.jsonl", rows)


def remove_a_row(bundle: BundleFiles) -> None:
    """Leave out that she left, with everything that points at it."""
    rows = bundle.lines("ledger.jsonl")
    place = next(place for place in _own_rows(bundle) if rows[place]["type"] == "consent.withdrawn")
    gone = rows.pop(place)
    bundle.write_lines("ledger.jsonl", rows)
    bundle.write_lines("inclusion.jsonl", [one for one in bundle.lines("inclusion.jsonl") if one["seq"] != gone["seq"]])
    bundle.write_lines("evidence.jsonl", [one for one in bundle.lines("evidence.jsonl") if one["event"] != gone["id"]])


def reorder_rows(bundle: BundleFiles) -> None:
    """Let the consent stand before the request."""
    rows = bundle.lines("ledger.jsonl")
    first, second = _own_rows(bundle)[:2]
    rows[first], rows[second] = rows[second], rows[first]
    bundle.write_lines("ledger.jsonl", rows)


def swap_evidence(bundle: BundleFiles) -> None:
    """Let the confirmation have come from the network of the request."""
    one, two, *rest = bundle.lines("evidence.jsonl")
    swapped = [
        one | {"salt": two["salt"], "evidence": two["evidence"]},
        two | {"salt": one["salt"], "evidence": one["evidence"]},
    ]
    bundle.write_lines("evidence.jsonl", [*swapped, *rest])


def sign_with_another_key(bundle: BundleFiles) -> None:
    """Offer a key of one's own, which signed nothing here."""
    bundle.change("keys.json", lambda found: {"keys": [found["keys"][0] | {"public_key": _stranger()}]})


def _stranger() -> str:
    return checkpoint.public_text(Ed25519PrivateKey.generate().public_key())


def forge_a_receipt(bundle: BundleFiles) -> None:
    """Let the receipt be for another row, under the old signature."""
    (name, *_) = bundle.below("receipts/")
    lines = bundle.files[name].decode().split("\n")
    lines[4] = base64.b64encode(bytes(32)).decode()
    bundle.files[name] = "\n".join(lines).encode()


def drop_a_text(bundle: BundleFiles) -> None:
    """Keep what the page said to oneself."""
    del bundle.files[bundle.below("texts/")[0]]


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (edit_a_text, "edited_text"),
        (edit_a_row, "edited_record"),
        (remove_a_row, "removed_row"),
        (reorder_rows, "reordered_rows"),
        (swap_evidence, "swapped_evidence"),
        (sign_with_another_key, "wrong_key"),
        (forge_a_receipt, "forged_receipt"),
        (drop_a_text, "missing_text"),
    ],
)
def test_a_tampered_bundle_is_refused_with_its_reason(
    bundle: BundleFiles, tmp_path: Path, tamper: Callable[[BundleFiles], None], code: str
) -> None:
    tamper(bundle)
    exit_code, codes = verified(bundle, tmp_path)
    assert exit_code == 1
    assert code in codes


def test_a_tail_cut_off_shows_against_a_checkpoint_somebody_kept(
    session: Session, made: Cafe, bundle: BundleFiles, tmp_path: Path
) -> None:
    newer = checkpoint.make(session, made.organisation)
    cut = BundleFiles(_ledger(session, made))
    size = newer.size - 3
    cut.write_lines("ledger.jsonl", cut.lines("ledger.jsonl")[:size])
    # Even with a checkpoint over what is left, signed by the owner's own key, the witness knows better.
    cut.files["checkpoint.txt"] = _signed(session, made, size)
    cut.change("proof.json", lambda cover: cover | {"tree_size": size})
    for name in cut.below("witnessed/"):
        del cut.files[name]
    witness = tmp_path / "kept.txt"
    witness.write_text(newer.note)
    exit_code, codes = verified(cut, tmp_path, "--witness", str(witness))
    assert exit_code == 1
    assert "truncated_tail" in codes


def _ledger(session: Session, made: Cafe) -> bytes:
    out = io.BytesIO()
    proof_bundle.ledger_bundle(session, made.organisation, out)
    return out.getvalue()


def _signed(session: Session, made: Cafe, size: int) -> bytes:
    root = ledger.tree(session, made.organisation.id, size).root()
    text = signed_note.checkpoint(checkpoint.origin(made.organisation), size, root)
    key = keys.ledger(made.organisation.public_id)[0]
    return signed_note.sign(text, checkpoint.key_name(made.organisation), key).encode()


def test_a_page_changed_in_the_bundle_shows_in_its_table(bundle: BundleFiles, tmp_path: Path) -> None:
    path = bundle.packed(tmp_path / "true.zip")
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["certificate.html"] = files["certificate.html"].replace(b"Withdrawn", b"Consent in force")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    ran = subprocess.run(
        [sys.executable, "-I", str(Path(verifier.__file__)), str(path), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "edited_file" in ran.stdout


def test_the_whole_ledger_is_believed_and_names_nobody(
    session: Session, made: Cafe, person: Subscriber, tmp_path: Path
) -> None:
    whole = BundleFiles(_ledger(session, made))
    assert verified(whole, tmp_path) == (0, [])
    assert len(whole.lines("ledger.jsonl")) == ledger.size(session, made.organisation.id)
    assert not any(b"crowd.example" in content for content in whole.files.values())


def test_it_holds_all_that_was_recorded(bundle: BundleFiles, person: Subscriber) -> None:
    assert {
        "README.txt", "certificate.pdf", "certificate.html", "certificate.json", "iso27560.jsonld", "kantara.json",
        "ledger.jsonl", "inclusion.jsonl", "evidence.jsonl", "checkpoint.txt", "keys.json", "proof.json",
    } <= set(bundle.files)  # fmt: skip
    events = {row["type"] for row in bundle.lines("ledger.jsonl")}
    assert {"consent.requested", "consent.given", "consent.withdrawn", "text.published", "form.published"} <= events
    asked = next(one["evidence"] for one in bundle.lines("evidence.jsonl") if "address" in one["evidence"])
    assert (asked["address"], asked["network"], asked["browser"]) == (ADDRESS, "192.0.2.1", "Test")
    pages = PdfReader(io.BytesIO(bundle.files["certificate.pdf"])).pages
    text = "\n".join(page.extract_text() for page in pages)
    assert ADDRESS in text
    assert "192.0.2.1" in text


def test_two_bundles_of_the_same_moment_are_the_same_bytes(
    session: Session, made: Cafe, person: Subscriber, frozen_clock: object
) -> None:
    one = proof.bundle(session, made.organisation, person.subject_ref, site=SITE)
    two = proof.bundle(session, made.organisation, person.subject_ref, site=SITE)
    assert one.content == two.content


def test_handing_out_is_written_into_ledger_and_audit_log(session: Session, made: Cafe, person: Subscriber) -> None:
    proof.hand_out(session, made.organisation, person.subject_ref, actor="user:7", site=SITE)
    row = ledger.of_subject(session, made.organisation.id, person.subject_ref)[-1]
    assert (row.type, ledger.fields_of(row)["actor"]) == (EventType.EVIDENCE_EXPORTED.value, "user:7")
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.actor, entry.action, entry.subject) == ("user:7", "evidence.exported", person.public_id)


def test_an_edited_form_leaves_the_old_certificate_with_the_old_words(
    session: Session, made: Cafe, person: Subscriber
) -> None:
    old = signup_form.newest(session, made.form)
    words = "Café Kardemomme may send me news and offers by e-mail every day."
    wording = Wording(words, "Yes to all", old.consent_text.withdrawal)
    text = consent_text.publish(session, made.organisation, made.mailing_list, "en", wording)
    signup_form.publish(session, made.form, text, title="Everything", thank_you="Thanks")
    certificate = proof.bundle(session, made.organisation, person.subject_ref, site=SITE).certificate
    assert {form.sha256 for form in certificate.forms} == {old.sha256}
    assert [shown.body for shown in certificate.texts] == [old.consent_text.body]


def test_after_the_vault_forgot_the_rows_are_still_true(
    session: Session, made: Cafe, person: Subscriber, tmp_path: Path
) -> None:
    evidence.destroy(session, person.subject_ref)
    forgotten = proof.bundle(session, made.organisation, person.subject_ref, site=SITE)
    files = BundleFiles(forgotten.content)
    assert files.lines("evidence.jsonl") == []
    assert verified(files, tmp_path) == (0, [])


def test_nobody_known_is_said_so(session: Session, made: Cafe) -> None:
    with pytest.raises(NotFound, match="nothing to prove"):
        proof.hand_out(session, made.organisation, "0" * 32, actor="cli", site=SITE)


def test_every_event_of_hers_is_on_the_page_to_the_millisecond(
    session: Session, made: Cafe, person: Subscriber
) -> None:
    certificate = proof.bundle(session, made.organisation, person.subject_ref, site=SITE).certificate
    rows = ledger.of_subject(session, made.organisation.id, person.subject_ref)
    assert [each.seq for each in certificate.happenings] == [row.seq for row in rows]
    page = proof.papers(certificate, "#7a4b2a", SITE)["certificate.html"].decode()
    assert all(certificate_words.moment(row.at) in page for row in rows)
