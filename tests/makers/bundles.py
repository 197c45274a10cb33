"""A ledger of the tests' own, kept in memory, and the proof bundles that can be cut from it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from listkeeper.standards import canonical_json, merkle, signed_note

ORG = "org_cafe"
NAME = f"listkeeper/{ORG}"
START = 1764000000000
EMPTY: dict[str, object] = {
    "v": 1, "org": ORG, "seq": 0, "id": "", "ts": 0, "type": "", "subject": "", "list": "", "purpose": "", "basis": "",
    "text_sha256": "", "form_sha256": "", "mail_sha256": "", "method": "", "actor": "system", "evidence_commit": "",
    "expires_at": 0, "supersedes": "", "prev": "", "details": {},
}  # fmt: skip
Record = dict[str, Any]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def hexed(text: str) -> str:
    """Return 32 hex digits that stand for a name, always the same."""
    return sha256(text.encode())[:32]


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def lines(values: list[Record]) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


@dataclass
class Bundle:
    """The files of a bundle, to be tampered with; ``packed`` writes the table of files as a forger would."""

    manifest: Record
    files: dict[str, bytes]

    def packed(self, table: dict[str, str] | None = None) -> bytes:
        """Return the ZIP; its table of files is that of the files as they are now, unless another is given."""
        if table is None:
            table = {name: sha256(data) for name, data in self.files.items()}
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("proof.json", json.dumps(self.manifest | {"files": table}))
            for name, data in self.files.items():
                packed.writestr(name, data)
        return memory.getvalue()

    def rows(self) -> list[Record]:
        """Return the ledger's records, to be changed and put back by ``put_rows``."""
        return self.entries("ledger.jsonl")

    def put_rows(self, rows: list[Record]) -> None:
        """Write the ledger's records anew."""
        self.files["ledger.jsonl"] = b"".join(canonical_json.dumps(row) + b"\n" for row in rows)

    def entries(self, name: str) -> list[Record]:
        """Return the lines of a file of JSON lines."""
        return [json.loads(line) for line in self.files[name].splitlines()]

    def put(self, name: str, entries: list[Record]) -> None:
        """Write the lines of a file of JSON lines anew."""
        self.files[name] = lines(entries)


@dataclass
class Book:
    """A ledger: events are added, checkpoints signed, and bundles cut from what is there."""

    keys: list[Ed25519PrivateKey] = field(default_factory=lambda: [key("first")])
    rows: list[Record] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    last: dict[str, str] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    evidence: dict[str, Record] = field(default_factory=dict)
    imported: dict[str, list[Record]] = field(default_factory=dict)
    witnessed: dict[int, str] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, subject: str = "", *, evidence: Record | None = None, **fields: object) -> Record:
        """Append an event, and keep its evidence."""
        seq = len(self.rows) + 1
        name = hexed(f"event {seq}")
        record: Record = EMPTY | {"seq": seq, "id": name, "ts": START + seq * 1000, "type": kind, "subject": subject}
        record |= {"supersedes": self.last.get(subject, ""), "prev": self.leaves[-1].hex() if seq > 1 else ""} | fields
        if evidence is not None:
            salt = hashlib.sha256(name.encode()).digest()[:16]
            commit = hmac.new(salt, canonical_json.dumps(evidence), "sha256").hexdigest()
            record["evidence_commit"] = commit
            self.evidence[name] = {"event": name, "salt": salt.hex(), "evidence": evidence}
        if subject:
            self.last[subject] = name
        self.rows.append(record)
        self.data.append(canonical_json.dumps(record))
        self.leaves.append(merkle.leaf_hash(self.data[-1]))
        return record

    def publish(self, kind: str, folder: str, cited: str, **content: object) -> str:
        """Publish a text, a form or a template, and return its hash."""
        data = canonical_json.dumps(content)
        self.contents[f"{folder}/{sha256(data)}.json"] = data
        self.add(kind, evidence=None, **{cited: sha256(data)})
        return sha256(data)

    def take_in(self, records: list[Record]) -> Record:
        """Append an import of these rows."""
        leaves = [merkle.leaf_hash(canonical_json.dumps(record)) for record in records]
        batch = self.add("import.batch", details={"rows": len(records), "root": merkle.root(leaves).hex()})
        self.imported[batch["id"]] = records
        return batch

    def rotate(self, new: Ed25519PrivateKey) -> None:
        """Go over to a new key, which both sign."""
        old = self.keys[0]
        said = f"listkeeper/rotate/v1\n{ORG}\n{public(old)}\n{public(new)}\n".encode()
        marks = {name: base64.b64encode(one.sign(said)).decode() for name, one in (("old", old), ("new", new))}
        details = {"old_key": public(old), "new_key": public(new)}
        self.add("key.rotated", details=details | {f"{name}_signature": mark for name, mark in marks.items()})
        self.keys.insert(0, new)

    def checkpoint(self, size: int | None = None, signer: Ed25519PrivateKey | None = None) -> str:
        """Sign the ledger as it is, or as it was at an earlier size."""
        leaves = self.leaves[:size]
        text = signed_note.checkpoint(f"{NAME}/ledger", len(leaves), merkle.root(leaves))
        return signed_note.sign(text, NAME, signer or self.keys[0])

    def witness(self) -> str:
        """Sign the ledger as it is now, and keep the note for the bundles to come."""
        self.witnessed[len(self.rows)] = self.checkpoint()
        return self.witnessed[len(self.rows)]

    def receipt(self, event: Record, signer: Ed25519PrivateKey | None = None) -> str:
        """Give a receipt for an event, and keep it."""
        leaf, root = self.leaves[event["seq"] - 1], merkle.root(self.leaves)
        said = [event["id"], str(event["seq"]), base64.b64encode(leaf).decode(), str(len(self.rows))]
        text = "\n".join(["listkeeper/receipt/v1", ORG, *said, base64.b64encode(root).decode(), ""])
        self.receipts[event["id"]] = signed_note.sign(text, NAME, signer or self.keys[0])
        return self.receipts[event["id"]]

    def ledger(self) -> Bundle:
        """Cut the bundle of all events."""
        files = self._common([*range(len(self.rows))])
        return Bundle(self._manifest("ledger", ""), files)

    def certificate(self, subject: str) -> Bundle:
        """Cut the bundle of one person's events, with the events that they rest on."""
        own = [row for row in self.rows if row["subject"] == subject]
        hashes = {row[name] for row in own for name in ("text_sha256", "form_sha256", "mail_sha256")} - {""}
        batches = {batch for batch, rows in self.imported.items() if any(row["subject"] == subject for row in rows)}
        chosen = [
            place
            for place, row in enumerate(self.rows)
            if row["subject"] == subject or row["id"] in batches or row["type"] == "key.rotated"
            or (not row["subject"] and {row["text_sha256"], row["form_sha256"], row["mail_sha256"]} & hashes)
        ]  # fmt: skip
        files = self._common(chosen)
        files["inclusion.jsonl"] = lines([
            {"seq": place + 1, "path": [one.hex() for one in merkle.inclusion_path(self.leaves, place)]}
            for place in chosen
        ])  # fmt: skip
        sizes = {*self.witnessed, *(int(note.split("\n")[5]) for note in self.receipts.values())}
        paths = {size: merkle.consistency_path(self.leaves, size) for size in sorted(sizes)}
        steps = [{"from": size, "to": len(self.rows), "path": [one.hex() for one in paths[size]]} for size in paths]
        files["consistency.jsonl"] = lines(steps)
        files["import_rows.jsonl"] = lines([line for batch in batches for line in self._import_rows(batch, subject)])
        files["certificate.html"] = b"<!doctype html><title>Certificate</title>"
        return Bundle(self._manifest("certificate", subject), files)

    def _manifest(self, kind: str, subject: str) -> Record:
        made = {"made_at": START + len(self.rows) * 1000, "tree_size": len(self.rows)}
        return {"format": "listkeeper-proof", "version": 1, "kind": kind, "org": ORG, "subject": subject} | made

    def _common(self, chosen: list[int]) -> dict[str, bytes]:
        rows = [self.rows[place] for place in chosen]
        names = {row["id"] for row in rows}
        cited = {row[name] for row in rows for name in ("text_sha256", "form_sha256", "mail_sha256")}
        evidence = [entry for name, entry in self.evidence.items() if name in names]
        keys = [{"name": NAME, "public_key": public(one)} for one in self.keys]
        files = {
            "ledger.jsonl": b"".join(self.data[place] + b"\n" for place in chosen),
            "checkpoint.txt": self.checkpoint().encode(),
            "keys.json": json.dumps({"keys": keys}).encode(),
            "evidence.jsonl": lines(evidence),
        }
        files |= {name: data for name, data in self.contents.items() if name.partition("/")[2][:64] in cited}
        files |= {f"witnessed/{size}.txt": note.encode() for size, note in self.witnessed.items()}
        files |= {f"receipts/{name}.txt": note.encode() for name, note in self.receipts.items() if name in names}
        mails = {entry["event"]: entry["evidence"]["mail"] for entry in evidence if "mail" in entry["evidence"]}
        return files | {f"mails/{name}.eml": base64.b64decode(mail) for name, mail in mails.items()}

    def _import_rows(self, batch: str, subject: str) -> list[Record]:
        rows = self.imported[batch]
        leaves = [merkle.leaf_hash(canonical_json.dumps(row)) for row in rows]
        return [
            {
                "batch": batch,
                "row": place,
                "record": row,
                "path": [one.hex() for one in merkle.inclusion_path(leaves, place)],
            }
            for place, row in enumerate(rows)
            if row["subject"] == subject
        ]


FREJA, BO = hexed("Freja"), hexed("Bo")


def story() -> Book:
    """Return a small ledger with one of everything: two people, a changed text, an import, a change of key."""
    book = Book()
    text = book.publish(
        "text.published", "texts", "text_sha256", body="Ja tak til nyheder fra Café Ærø.", language="da"
    )
    form = book.publish("form.published", "forms", "form_sha256", title="Nyheder \U0001f600 og דש", text=text)
    mail = book.publish("template.published", "templates", "mail_sha256", body="Bekræft her", text=text)
    own = {"list": "lst_news", "purpose": "newsletter", "basis": "consent", "text_sha256": text, "form_sha256": form}
    asked = {"address": "freja@guest.example", "ip": "192.0.2.1"}
    book.add("consent.requested", FREJA, actor="subscriber", evidence=asked, **own)
    letter = base64.b64encode(b"Subject: Bekr\xc3\xa6ft\r\n\r\nHej\r\n").decode()
    book.add("doi.handed", FREJA, mail_sha256=mail, evidence={"mail": letter, "server": "mx.guest.example"})
    book.witness()
    book.add("consent.requested", BO, actor="subscriber", evidence={"address": "bo@guest.example"}, **own)
    given = book.add("consent.given", FREJA, actor="subscriber", method="button", evidence={"ip": "192.0.2.7"}, **own)
    book.receipt(given)
    book.add("consent.given", BO, actor="subscriber", method="button", evidence={"ip": "192.0.2.8"}, **own)
    book.rotate(key("second"))
    book.witness()
    book.take_in(
        [{"subject": who, "row": row, "basis": "soft_opt_in"} for row, who in enumerate([BO, FREJA, BO, FREJA, BO])]
    )
    book.add("suppression.added", FREJA, details={"scope": "list", "until": 0})
    book.add("consent.withdrawn", FREJA, actor="subscriber", method="one_click", evidence={"ip": "192.0.2.9"}, **own)
    return book
