"""Check a proof bundle of listkeeper without listkeeper: all it says must follow from what was signed.

    python listkeeper_verify.py bundle.zip [--key BASE64] [--witness FILE]... [--json] [--large]

Exit 0: everything is true. 1: something is false, each with its code and a sentence. 2: there is no bundle to check.
This file is all there is to it, for Python 3.10 with ``cryptography``; the program it checks shares no line with it.

A record is a line of JSON in canonical form (RFC 8785). It names the hash of the line before it, and the event before
it of the same person. The records' SHA-256 hashes are the leaves of a Merkle tree (RFC 6962) whose root stands in a
checkpoint signed with Ed25519 (C2SP signed-note). Texts are named by their hash; evidence is what fits the HMAC in its
record. A key is believed when it was given with --key, or is the bundle's newest, or when it and a believed key signed
that one follows the other. The table of files in proof.json is not signed: a PDF in the bundle is no proof by itself.
"""

from __future__ import annotations

import argparse
import hmac
import json
import re
import sys
import zipfile
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LIMIT, LARGE, SHOWN = 200_000_000, 20_000_000_000, 50  # bytes unpacked, the same with --large, findings in words
CITED = {"text_sha256": "texts", "form_sha256": "forms", "mail_sha256": "templates"}
WORDS = "org id type subject list purpose basis method actor evidence_commit supersedes prev " + " ".join(CITED)
RECORD = dict.fromkeys(WORDS.split(), str) | dict.fromkeys(("v", "seq", "ts", "expires_at"), int) | {"details": dict}
MANIFEST = {"format": str, "version": int, "kind": str, "org": str, "subject": str, "made_at": int, "files": dict}
NONSENSE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
Object = dict[str, Any]


class Unusable(Exception):
    """There is nothing to check; the sentence says why."""


def _base64(text: str, size: int = 32) -> bytes:
    data = b64decode(text.encode("ascii"), validate=True)
    if len(data) != size:
        raise ValueError(f"{len(data)} bytes stand where {size} belong")
    return data


def _take(entry: Any, kinds: Mapping[str, type]) -> list[Any]:  # noqa: ANN401 - any JSON
    """Return these values of an object, each of its kind; a list is one of hashes."""
    if type(entry) is not dict or any(type(entry.get(name)) is not kind for name, kind in kinds.items()):
        raise ValueError(f"it does not say {', '.join(kinds)}")
    return [list(map(bytes.fromhex, entry[name])) if kind is list else entry[name] for name, kind in kinds.items()]


def canonical(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the RFC 8785 form of text, whole numbers, objects and lists; ValueError for anything else."""
    if type(value) is str:
        return json.encoder.encode_basestring(value)
    if type(value) is int and abs(value) < 2**53:
        return str(value)
    if type(value) is dict:
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join([f"{canonical(name)}:{canonical(value[name])}" for name in names]) + "}"
    if type(value) is list:
        return "[" + ",".join([canonical(one) for one in value]) + "]"
    raise ValueError("it holds more than text, whole numbers, objects and lists")


def _record(line: bytes) -> Object | None:
    try:
        record: Object = json.loads(line)
        _take(record, RECORD)
        return record if canonical(record).encode() == line and record["v"] == 1 and record["seq"] > 0 else None
    except NONSENSE:
        return None


def _signed(key: bytes, mark: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(mark, text)
    except InvalidSignature:
        return False
    return True


def _node(left: bytes, right: bytes) -> bytes:
    if {len(left), len(right)} != {32}:
        raise ValueError("a path holds something else than hashes")
    return sha256(b"\x01" + left + right).digest()


def roots(old: int, new: int, path: Sequence[bytes], known: bytes = b"", leaf: bytes = b"") -> tuple[bytes, bytes]:
    """Return the roots at two sizes that a path leads to, or twice that above a leaf at ``old``, counted from 1."""
    ends = new == 1 if leaf else old == new
    if not 0 < old <= new or (ends and len(path) != (not known + leaf)) or not (ends or path):
        raise ValueError("a path through the tree is missing, too short or too long")
    if ends:
        return (known or leaf or path[0],) * 2
    left = 1 << (new - 1).bit_length() - 1
    if old <= left:
        small, large = roots(old, left, path[:-1], known, leaf)
        return small, _node(large, path[-1])
    small, large = roots(old - left, new - left, path[:-1], leaf=leaf)
    return _node(path[-1], small), _node(path[-1], large)


class Bundle:
    """The files of a ZIP, each read once and only into memory. One that would harm whoever unpacks it is refused."""

    def __init__(self, path: Path, limit: int) -> None:
        self.members, self.digests = dict[str, zipfile.ZipInfo](), dict[str, str]()
        size, self._zip = path.stat().st_size, zipfile.ZipFile(path)
        for name, member in [(member.filename, member) for member in self._zip.infolist()]:
            if member.flag_bits & 1 or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise Unusable(f"The file {name} is packed in a way that is not read here.")
            if name in self.members or re.search(r"[\\:\x00-\x1f]|(^|/)\.{0,2}(/|$)", name):
                raise Unusable(f"The file {name} stands there twice, or would not be unpacked as a file in its folder.")
            self.members[name] = member
            size += member.file_size
        if size > limit:
            raise Unusable(f"It is larger than {limit} bytes. If you know where it comes from, use --large.")

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield a file's lines with their ends, and remember its hash."""
        digest = sha256()
        with self._zip.open(name) as stream:
            for line in stream:
                digest.update(line)
                yield line
        self.digests[name] = digest.hexdigest()

    def read(self, name: str) -> bytes:
        """Return a file's content, and remember its hash."""
        return b"".join(self.lines(name))

    def entries(self, name: str, kinds: Mapping[str, type]) -> Iterator[list[Any]]:
        """Yield the values of each line of a file of JSON lines, if the bundle has it."""
        return (_take(json.loads(line), kinds) for line in (self.lines(name) if name in self.members else ()))


class Head:
    """A signed note that names a ledger, its size and its root: a checkpoint, or a receipt for one of its records."""

    def __init__(self, where: str, data: bytes) -> None:
        text, _, below = data.decode("utf-8").replace("\r\n", "\n").removesuffix("\n").rpartition("\n\n")
        self.where, self.text, self.receipt = where, f"{text}\n".encode(), tuple[Any, ...]()
        self.marks = [(name, _base64(mark, 68)) for _, name, mark in (one.split(" ") for one in below.split("\n"))]
        origin, size, root, *_ = text.split("\n")
        if origin == "listkeeper/receipt/v1":
            _, org, event, seq, leaf, size, root = text.split("\n")
            origin, self.receipt = f"listkeeper/{org}/ledger", (event, int(seq), _base64(leaf))
        self.origin, self.size, self.root = origin, int(size), _base64(root)


class Proof:
    """A bundle under examination. Each check returns what it found true; ``examine`` runs them in their order."""

    def __init__(self, bundle: Bundle, key: bytes | None, outside: list[tuple[str, bytes]]) -> None:
        manifest = json.loads(bundle.read("proof.json"))
        form, version, kind, self.org, self.subject, made_at, self.files = _take(manifest, MANIFEST)
        if (form, version, kind) != ("listkeeper-proof", 1, "certificate" if self.subject else "ledger"):
            raise Unusable("It is not a listkeeper proof of version 1.")
        self.bundle, self.key, self.name = bundle, key, f"listkeeper/{self.org}"
        self.facts = {"kind": kind, "org": self.org, "subject": self.subject, "made_at": made_at}
        self.codes, self.findings, self.true, self.notes = Counter[str](), list[Object](), list[str](), list[str]()
        self.events, self.cited = dict[str, tuple[int, bytes, str]](), dict[str, int]()
        self.details, self.last, self.seqs, self.gaps = dict[str, Object](), dict[str, str](), set[int](), list[int]()
        self.keys, self.roots = dict[bytes, bytes](), {0: sha256(b"").digest()}
        # What was signed is read before the records are: the sizes that it names are wanted on the way through them.
        self.top = Head("checkpoint.txt", bundle.read("checkpoint.txt"))
        self.heads = [self.top]
        inside = [name for name in bundle.members if name.startswith(("witnessed/", "receipts/"))]
        for where, data in [(name, bundle.read(name)) for name in inside] + outside:
            try:
                head = Head(where, data)
                if where.startswith("receipts/") and where != f"receipts/{head.receipt[0]}.txt":
                    raise ValueError("it is a receipt for another event")
                self.heads.append(head)
            except NONSENSE:
                code = "forged_receipt" if where.startswith("receipts/") else "bad_checkpoint"
                self._wrong(code, f"{where} is not a signed note of a ledger.")

    def examine(self) -> Object:
        """Run every check and report. What cannot be read is found under the code of the check that needed it."""
        checks = {
            self._records: "not_canonical", self._whose_keys: "wrong_key", self._promises: "bad_checkpoint",
            self._inclusion: "edited_record", self._texts: "edited_text", self._imports: "bad_import_row",
            self._evidence: "swapped_evidence", self._table: "edited_file",
        }  # fmt: skip
        for check, code in checks.items():
            found = len(self.findings)
            try:
                said = check()
                self.true += [said] if said and found == len(self.findings) else []
            except NONSENSE as error:
                self._wrong(code, f"What this check needs cannot be read: {error}.")
        verdict = {"true": not self.codes, "codes": dict(self.codes), "findings": self.findings}
        return self.facts | verdict | {"checked": self.true, "notes": self.notes}

    def _wrong(self, code: str, sentence: str) -> None:
        self.codes[code] += 1
        self.findings.append({"code": code, "sentence": sentence})

    def _records(self) -> str:
        sizes, peaks, size = {head.size for head in self.heads if not self.subject}, list[bytes](), 0
        before: Object = {"seq": 0, "ts": 0, "leaf": ""}
        for size, line in enumerate(self.bundle.lines("ledger.jsonl"), 1):
            leaf = sha256(b"\x00" + line.removesuffix(b"\n")).digest()
            peaks.append(leaf)
            for _ in range((size & -size).bit_length() - 1):
                peaks[-2:] = [_node(*peaks[-2:])]
            if size in sizes:
                self.roots[size] = reduce(lambda right, left: _node(left, right), reversed(peaks))
            record = _record(line.removesuffix(b"\n"))
            if record:
                self._keep(record, leaf, before)
                before = record | {"leaf": leaf.hex()}
            else:
                self._wrong("not_canonical", f"Line {size} of ledger.jsonl is not a record in canonical form.")
        self._complete(size)
        return f"{size} records are in canonical form and in their order, and no person's events have a gap."

    def _keep(self, record: Object, leaf: bytes, before: Object) -> None:
        seq, behind, event, subject = record["seq"], before["seq"], record["id"], record["subject"]
        if seq <= behind or record["ts"] < before["ts"]:
            self._wrong("reordered_rows", f"Record {seq} stands behind record {behind}, which is later.")
        elif seq == behind + 1 and record["prev"] != before["leaf"]:
            self._wrong("edited_record", f"Record {behind}, or what record {seq} says of it, was changed.")
        if record["org"] != self.org or event in self.events:
            self._wrong("edited_record", f"Record {seq} is of another ledger, or its id stands there twice.")
        self.events[event] = (seq, leaf, record["evidence_commit"])
        self.seqs.add(seq)
        self.cited |= {f"{folder}/{record[name]}.json": seq for name, folder in CITED.items() if record[name]}
        if record["type"] in {"key.rotated", "import.batch"}:
            self.details[event] = record["details"]
        if subject and self.subject in {"", subject}:
            self.gaps += [seq] if record["supersedes"] != self.last.get(subject, "") else []
            self.last[subject] = event

    def _complete(self, size: int) -> None:
        here, whole = self.seqs, not self.subject
        damage = {"edited_record", "removed_row", "reordered_rows", "not_canonical"}
        missing = max(here, default=0) - len(here) if whole and not self.codes["not_canonical"] else 0
        if missing > 0:
            self._wrong("removed_row", f"Missing records: {missing}; first {min({*range(1, len(here) + 2)} - here)}.")
        for seq in () if damage & self.codes.keys() else self.gaps:
            self._wrong("removed_row", f"Before record {seq}, another event of the same person is missing.")
        if self.subject and self.subject not in self.last:
            self._wrong("removed_row", "No record of the person whom the bundle is about is here.")
        if whole and size != self.top.size and not damage & self.codes.keys():
            code = "truncated_tail" if size < self.top.size else "bad_checkpoint"
            self._wrong(code, f"The checkpoint is of {self.top.size} records, and {size} are here.")
        elif whole and not damage & self.codes.keys() and self.roots[size] != self.top.root:
            self._wrong("edited_record", "The records do not come to the root in the checkpoint: some were changed.")
        # What the records come to is held against earlier promises only where nothing is wrong with them.
        self.roots = ({0: self.roots[0]} if damage & self.codes.keys() else self.roots) | {self.top.size: self.top.root}

    def _whose_keys(self) -> str:
        newest = _base64(json.loads(self.bundle.read("keys.json"))["keys"][0]["public_key"])
        believed, pairs = {self.key or newest}, list[tuple[bytes, bytes]]()
        for details in [one for one in self.details.values() if "old_key" in one]:
            old, new, *marks = [details[one] for one in ("old_key", "new_key", "old_signature", "new_signature")]
            pairs.append((_base64(old), _base64(new)))
            said = f"listkeeper/rotate/v1\n{self.org}\n{old}\n{new}\n".encode()
            if not all(_signed(key, _base64(mark, 64), said) for key, mark in zip(pairs[-1], marks, strict=True)):
                raise ValueError("a change of key is not signed by both keys")
        for pair in (*pairs[::-1], *pairs):
            believed |= set(pair) if believed & set(pair) else set()
        if newest not in believed:
            self._wrong("wrong_key", "The bundle's key is neither the one that was given nor linked with it.")
        self.notes += [] if self.key else [f"No --key given. Compare with its owner's: {b64encode(newest).decode()}"]
        self.keys = {sha256(f"{self.name}\n\x01".encode() + key).digest()[:4]: key for key in believed}
        return ""

    def _promises(self) -> str:
        steps = self.bundle.entries("consistency.jsonl", {"from": int, "to": int, "path": list})
        self.paths = {old: path for old, new, path in steps if new == self.top.size}
        for head in self.heads:
            ours = [mark for name, mark in head.marks if name == self.name and mark[:4] in self.keys]
            if not ours:
                code, said = "wrong_key", "is not signed by a key that is believed here"
            elif not all(_signed(self.keys[mark[:4]], mark[4:], head.text) for mark in ours):
                code, said = "bad_checkpoint", "was changed after it was signed"
            elif head.origin != f"{self.name}/ledger":
                code, said = "bad_checkpoint", "is of another ledger"
            elif head.receipt and self.events.get(head.receipt[0], ())[:2] != head.receipt[1:]:
                code, said = "edited_record", "is a receipt for another record than the one here"
            elif head.size > self.top.size:
                code, said = "truncated_tail", f"is of {head.size} records: these were cut off, or it is younger"
            elif self._root_at(head) != head.root:
                code, said = "forked", f"signs another root for {head.size} records than that of those here"
            else:
                continue
            forged = head.where.startswith("receipts/") and code in {"wrong_key", "bad_checkpoint"}
            self._wrong("forged_receipt" if forged else code, f"{head.where} {said}.")
        return f"The checkpoint of {self.top.size} records is signed. {len(self.heads) - 1} other notes agree with it."

    def _root_at(self, head: Head) -> bytes:
        if self.subject and head.size not in self.roots:
            both = roots(head.size, self.top.size, self.paths.get(head.size, ()), head.root)
            self.roots[head.size] = head.root if both == (head.root, self.top.root) else b""
        return self.roots.get(head.size, head.root)

    def _inclusion(self) -> str:
        paths = dict(self.bundle.entries("inclusion.jsonl", {"seq": int, "path": list}))
        for seq, leaf, _ in self.events.values() if self.subject else ():
            if seq not in paths or roots(seq, self.top.size, paths[seq], leaf=leaf)[1] != self.top.root:
                self._wrong("edited_record", f"Record {seq} is not the one in the ledger that the checkpoint signs.")
        return f"{len(paths)} records are in that ledger; only all of it can show later ones." if self.subject else ""

    def _texts(self) -> str:
        names = [name for name in self.bundle.members if name.startswith(tuple(f"{one}/" for one in CITED.values()))]
        for name in names:
            if sha256(self.bundle.read(name)).hexdigest() not in name:
                self._wrong("edited_text", f"{name} does not say any more what it was cited for.")
        for name, seq in self.cited.items():
            if name not in names:
                self._wrong("missing_text", f"{name}, which record {seq} cites, is not here.")
        return f"{len(names)} texts, forms and templates have the hash by which they are cited."

    def _evidence(self) -> str:
        shown, kinds = set[str](), {"event": str, "salt": str, "evidence": dict}
        for event, salt, evidence in self.bundle.entries("evidence.jsonl", kinds):
            mark = hmac.new(bytes.fromhex(salt), canonical(evidence).encode(), "sha256").hexdigest()
            if mark != self.events.get(event, (0, b"", ""))[2]:
                self._wrong("swapped_evidence", f"The evidence of event {event} is not what its record commits to.")
            mail = f"mails/{event}.eml"
            if mail in self.bundle.members and self.bundle.read(mail) != b64decode(evidence.get("mail", "")):
                self._wrong("edited_file", f"{mail} is not the message in the evidence.")
            shown.add(event)
        for name in self.bundle.members:
            if name.startswith("mails/") and name[6:-4] not in shown:
                self._wrong("swapped_evidence", f"{name} belongs to no evidence here.")
        withheld = sum(1 for event, (_, _, commit) in self.events.items() if commit and event not in shown)
        self.notes += [f"The evidence of {withheld} records is withheld or erased."] if withheld else []
        return f"{len(shown)} pieces of evidence are what their records commit to."

    def _imports(self) -> str:
        rows, kinds = 0, {"batch": str, "row": int, "record": dict, "path": list}
        for rows, (batch, row, record, path) in enumerate(self.bundle.entries("import_rows.jsonl", kinds), 1):  # noqa: B007
            size, root = _take(self.details.get(batch), {"rows": int, "root": str})
            leaf = sha256(b"\x00" + canonical(record).encode()).digest()
            if roots(row + 1, size, path, leaf=leaf)[1].hex() != root:
                self._wrong("bad_import_row", f"Row {row} is not in the import {batch}.")
            self.events.setdefault(str(record.get("id")), (0, b"", record.get("evidence_commit", "")))
        return f"{rows} imported rows are in the root of their import." if rows else ""

    def _table(self) -> str:
        for name in sorted({*self.bundle.members, *self.files} - {"proof.json"}):
            if name in self.bundle.members and name not in self.bundle.digests:
                self.bundle.read(name)
            if self.bundle.digests.get(name) != self.files.get(name):
                self._wrong("edited_file", f"{name} is not the file in the bundle's table of files.")
        return f"{len(self.files)} files are those of the bundle's own table, which is not signed."


def check(path: Path, key: bytes | None = None, witnesses: Sequence[Path] = (), limit: int = LIMIT) -> Object:
    """Return what is true and what is false of a bundle; Unusable, whatever is wrong with it, when it is none."""
    try:
        kept = [(str(at), one) for at in witnesses for one in re.split(rb"\r?\n\r?\n(?=listkeeper/)", at.read_bytes())]
        return Proof(Bundle(path, limit), key, kept).examine()
    except Exception as error:  # a hostile file may break any part of the ZIP reader, and must end in a sentence
        raise Unusable(f"There is no bundle to check, or it cannot be read. {error}") from error


def _text(report: Object) -> str:
    lines = [f"{name}: {report[name]}" for name in ("kind", "org", "subject", "made_at") if report[name] != ""]
    lines += [f"  true   {said}" for said in report["checked"]] + [f"  note   {said}" for said in report["notes"]]
    lines += [f"  FALSE  {one['code']}: {one['sentence']}" for one in report["findings"][:SHOWN]]
    codes = ", ".join(f"{code} ({count})" for code, count in report["codes"].items())
    return "\n".join([*lines, f"NOT TRUE: {codes}" if codes else "TRUE: all of it follows from what was signed"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the bundle that the command line names; return 0, 1 or 2."""
    parser = argparse.ArgumentParser(prog="listkeeper-verify", description="Check a proof bundle of listkeeper.")
    parser.add_argument("bundle", type=Path, help="the ZIP")
    parser.add_argument("--key", type=_base64, metavar="BASE64", help="the public key that its owner publishes")
    parser.add_argument("--witness", type=Path, action="append", default=[], help="a checkpoint or receipt you kept")
    parser.add_argument("--json", action="store_true", help="report as JSON")
    parser.add_argument("--large", action="store_true", help=f"read more than {LIMIT} bytes")
    asked = parser.parse_args(arguments)
    try:
        report = check(asked.bundle, asked.key, asked.witness, LARGE if asked.large else LIMIT)
        said, code = json.dumps(report, indent=2) if asked.json else _text(report), 0 if report["true"] else 1
    except Unusable as why:
        said, code = json.dumps({"true": False, "unusable": str(why)}) if asked.json else str(why), 2
    # What stands in a bundle must not act on a terminal.
    sys.stdout.write("".join(one if " " <= one <= "~" or one == "\n" else ascii(one)[1:-1] for one in f"{said}\n"))
    return code


if __name__ == "__main__":
    sys.exit(main())
