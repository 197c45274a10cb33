"""The verifier says yes to a true bundle, also when it stands alone, and to a tampered one no, with the reason."""

from __future__ import annotations

import ast
import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from listkeeper.standards import canonical_json, merkle, proof, signed_note
from tests.makers import bundles
from tests.makers.bundles import BO, FREJA, NAME, Book, Bundle

_FILE = Path(proof.__file__)
_BOOK = bundles.story()
_GIVEN = next(row["id"] for row in _BOOK.rows if row["type"] == "consent.given" and row["subject"] == FREJA)
_HANDED = next(row["id"] for row in _BOOK.rows if row["type"] == "doi.handed")


def _certificate() -> Bundle:
    return _BOOK.certificate(FREJA)


@pytest.fixture
def examine(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Examine a bundle, with what a person may have kept elsewhere."""

    def check(bundle: Bundle | bytes, *witnesses: str, key: str = "") -> dict[str, Any]:
        packed, kept = tmp_path / "bundle.zip", []
        packed.write_bytes(bundle if isinstance(bundle, bytes) else bundle.packed())
        for number, note in enumerate(witnesses):
            kept.append(tmp_path / f"witness{number}.txt")
            kept[-1].write_text(note)
        return proof.check(packed, base64.b64decode(key) or None, kept)

    return check


@pytest.mark.parametrize("cut", [_certificate, _BOOK.ledger], ids=["certificate", "ledger"])
def test_a_true_bundle_is_true(examine: Callable[..., dict[str, Any]], cut: Callable[[], Bundle]) -> None:
    kept = [_BOOK.witnessed[5], _BOOK.witnessed[9], _BOOK.receipts[_GIVEN], _BOOK.checkpoint()]
    report = examine(cut(), *kept, key=bundles.public(_BOOK.keys[0]))
    assert (report["true"], report["findings"], report["notes"]) == (True, [], [])
    assert any("12 records is signed. 7 other notes agree" in said for said in report["checked"])


@pytest.mark.parametrize("cut", [_certificate, _BOOK.ledger], ids=["certificate", "ledger"])
def test_it_stands_alone(tmp_path: Path, cut: Callable[[], Bundle]) -> None:
    alone, bundle = tmp_path / "alone" / "listkeeper_verify.py", tmp_path / "bundle.zip"
    alone.parent.mkdir()
    shutil.copy(_FILE, alone)
    bundle.write_bytes(cut().packed())
    words = [sys.executable, "-I", str(alone), str(bundle), "--key", bundles.public(_BOOK.keys[0])]
    done = subprocess.run(words, cwd=alone.parent, env={"PYTHONPATH": ""}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("TRUE: all of it follows from what was signed\n")
    bundle.write_bytes(cut().packed(table={}))
    assert subprocess.run(words, env=os.environ, capture_output=True, check=False).returncode == 1


def test_it_imports_nothing_of_ours() -> None:
    tree = ast.parse(_FILE.read_text(encoding="utf-8"))
    named = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {name.partition(".")[0] for name in named} <= sys.stdlib_module_names | {"cryptography"}


# What a forger may do to the files. Each names the codes that must be found, and all of them.


def _edit(bundle: Bundle, seq: int, **fields: object) -> None:
    rows = bundle.rows()
    next(row for row in rows if row["seq"] == seq).update(fields)
    bundle.put_rows(rows)


def _lose(bundle: Bundle, seq: int, name: str) -> None:
    bundle.put_rows([{n: row[n] for n in row if row["seq"] != seq or n != name} for row in bundle.rows()])


def _drop(bundle: Bundle, seq: int) -> None:
    """Take a record out, and its evidence with it."""
    gone = next(row["id"] for row in bundle.rows() if row["seq"] == seq)
    bundle.put_rows([row for row in bundle.rows() if row["seq"] != seq])
    bundle.put("evidence.jsonl", [entry for entry in bundle.entries("evidence.jsonl") if entry["event"] != gone])
    for name in (f"mails/{gone}.eml", f"receipts/{gone}.txt"):
        bundle.files.pop(name, None)


def _swap(bundle: Bundle, place: int) -> None:
    rows = bundle.rows()
    rows[place], rows[place + 1] = rows[place + 1], rows[place]
    bundle.put_rows(rows)


def _chain_anew(bundle: Bundle) -> None:
    rows, prev = bundle.rows(), ""
    for seq, row in enumerate(rows, 1):
        row |= {"seq": seq, "prev": prev}
        prev = merkle.leaf_hash(canonical_json.dumps(row)).hex()
    bundle.put_rows(rows)


def _edit_and_chain_anew(bundle: Bundle) -> None:
    _edit(bundle, 5, method="box")
    bundle.files.pop(f"receipts/{_GIVEN}.txt")
    _chain_anew(bundle)


def _drop_and_chain_anew(bundle: Bundle) -> None:
    _drop(bundle, 5)
    bundle.files.pop(f"receipts/{_GIVEN}.txt")
    _chain_anew(bundle)


def _write(name: str, data: bytes) -> Callable[[Bundle], None]:
    return lambda bundle: bundle.files.update({name: data})


def _replace(name: str, old: bytes, new: bytes) -> Callable[[Bundle], None]:
    def change(bundle: Bundle) -> None:
        assert old in bundle.files[name]
        bundle.files[name] = bundle.files[name].replace(old, new)

    return change


_TEXT = next(name for name in _BOOK.contents if name.startswith("texts/"))


def _rename_text(bundle: Bundle) -> None:
    data = bundle.files.pop(_TEXT).replace(b"nyheder", b"alt")
    bundle.files[f"texts/{bundles.sha256(data)}.json"] = data


def _swap_evidence(bundle: Bundle) -> None:
    first, second, *rest = bundle.entries("evidence.jsonl")
    first["event"], second["event"] = second["event"], first["event"]
    bundle.files.pop(f"mails/{_HANDED}.eml")
    bundle.put("evidence.jsonl", [first, second, *rest])


def _swap_import_rows(bundle: Bundle) -> None:
    first, second = bundle.entries("import_rows.jsonl")
    first["record"], second["record"] = second["record"], first["record"]
    bundle.put("import_rows.jsonl", [first, second])


_STRANGER = bundles.key("stranger")
_ROOT = base64.b64encode(merkle.root(_BOOK.leaves)).decode()
_TAMPERED: list[tuple[str, Callable[[], Bundle], Callable[[Bundle], object], set[str]]] = [
    ("a text", _BOOK.ledger, _replace(_TEXT, b"nyheder", b"alt"), {"edited_text"}),
    ("a text of a certificate", _certificate, _replace(_TEXT, b"nyheder", b"alt"), {"edited_text"}),
    ("a text under its new hash", _certificate, _rename_text, {"missing_text"}),
    ("a text is gone", _BOOK.ledger, lambda bundle: bundle.files.pop(_TEXT), {"missing_text"}),
    ("a record", _BOOK.ledger, lambda bundle: _edit(bundle, 8, method="box"), {"edited_record"}),
    ("the last record", _BOOK.ledger, lambda bundle: _edit(bundle, 12, method="box"), {"edited_record"}),
    ("a record, and all after it", _BOOK.ledger, _edit_and_chain_anew, {"edited_record"}),
    ("a record of a certificate", _certificate, lambda bundle: _edit(bundle, 12, method="box"), {"edited_record"}),
    ("a record of another ledger", _certificate, lambda bundle: _edit(bundle, 12, org="org_x"), {"edited_record"}),
    ("an id twice", _BOOK.ledger, lambda bundle: _edit(bundle, 11, id=_BOOK.rows[9]["id"]), {"edited_record"}),
    ("no path to a record", _certificate, _write("inclusion.jsonl", b""), {"edited_record"}),
    ("a record taken out", _BOOK.ledger, lambda bundle: _drop(bundle, 5), {"removed_row"}),
    ("a record of no person taken out", _BOOK.ledger, lambda bundle: _drop(bundle, 10), {"removed_row"}),
    ("a record taken out of a certificate", _certificate, lambda bundle: _drop(bundle, 7), {"removed_row"}),
    ("the first of a certificate", _certificate, lambda bundle: _drop(bundle, 4), {"removed_row"}),
    ("a record taken out, all renumbered", _BOOK.ledger, _drop_and_chain_anew, {"removed_row"}),
    ("all records of the person", _certificate, lambda bundle: bundle.manifest.update(subject="f" * 32),
     {"removed_row"}),
    ("two records swapped", _BOOK.ledger, lambda bundle: _swap(bundle, 4), {"reordered_rows"}),
    ("two records swapped in a certificate", _certificate, lambda bundle: _swap(bundle, 5), {"reordered_rows"}),
    ("the last record cut off", _BOOK.ledger, lambda bundle: _drop(bundle, 12), {"truncated_tail"}),
    ("evidence swapped", _certificate, _swap_evidence, {"swapped_evidence"}),
    ("evidence edited", _certificate, _replace("evidence.jsonl", b"192.0.2.7", b"192.0.2.77"), {"swapped_evidence"}),
    ("salt edited", _BOOK.ledger, _replace("evidence.jsonl", b'"salt": "', b'"salt": "00'), {"swapped_evidence"}),
    ("a mail of nobody", _certificate, _write("mails/0.eml", b"Subject: yes\r\n"), {"swapped_evidence"}),
    ("a mail edited", _certificate, _write(f"mails/{_HANDED}.eml", b"Subject: no\r\n"), {"edited_file"}),
    ("another key named", _certificate, _write("keys.json", b'{"keys": [{"public_key": "%s"}]}'
     % bundles.public(_STRANGER).encode()), {"wrong_key", "forged_receipt"}),
    ("signed by a stranger", _BOOK.ledger, _write("checkpoint.txt", _BOOK.checkpoint(None, _STRANGER).encode()),
     {"wrong_key"}),
    ("the root edited", _BOOK.ledger, _replace("checkpoint.txt", _ROOT.encode(), b"A" + _ROOT.encode()[1:]),
     {"bad_checkpoint", "edited_record"}),
    ("the size edited", _BOOK.ledger, _replace("checkpoint.txt", b"\n12\n", b"\n11\n"), {"bad_checkpoint"}),
    ("a checkpoint of another ledger", _BOOK.ledger, _write("checkpoint.txt", signed_note.sign(
        signed_note.checkpoint("listkeeper/org_x/ledger", 12, merkle.root(_BOOK.leaves)), NAME, _BOOK.keys[0]
     ).encode()), {"bad_checkpoint"}),
    ("a checkpoint of fewer", _BOOK.ledger, _write("checkpoint.txt", _BOOK.checkpoint(11).encode()),
     {"bad_checkpoint"}),
    ("an earlier checkpoint edited", _certificate, _replace("witnessed/5.txt", b"\n5\n", b"\n6\n"), {"bad_checkpoint"}),
    ("an earlier checkpoint that is none", _certificate, _write("witnessed/5.txt", b"yes\n"), {"bad_checkpoint"}),
    ("no path from an earlier one", _certificate, _write("consistency.jsonl", b""), {"bad_checkpoint"}),
    ("a receipt edited", _certificate, _replace(f"receipts/{_GIVEN}.txt", b"\n7\n", b"\n8\n"), {"forged_receipt"}),
    ("a receipt that is none", _BOOK.ledger, _write(f"receipts/{_GIVEN}.txt", b"yes\n"), {"forged_receipt"}),
    ("an imported row edited", _certificate, _replace("import_rows.jsonl", b"soft_opt_in", b"consent"),
     {"bad_import_row"}),
    ("imported rows swapped", _certificate, _swap_import_rows, {"bad_import_row"}),
    ("an imported row of another kind", _certificate,
     _replace("import_rows.jsonl", b'"row": 1, "record"', b'"row": true, "record"'), {"bad_import_row"}),
    ("a row of another import", _certificate, _replace("import_rows.jsonl", b'"batch": "', b'"batch": "0'),
     {"bad_import_row"}),
    ("a record with a space", _BOOK.ledger, _replace("ledger.jsonl", b'"seq":11', b'"seq": 11'), {"not_canonical"}),
    ("a record with a float", _certificate, _replace("ledger.jsonl", b'"seq":11', b'"seq":11.0'), {"not_canonical"}),
    ("a name twice", _BOOK.ledger, _replace("ledger.jsonl", b'"seq":11', b'"seq":1,"seq":11'), {"not_canonical"}),
    ("a record of version 2", _BOOK.ledger, lambda bundle: _edit(bundle, 11, v=2), {"not_canonical"}),
    ("a record without its method", _BOOK.ledger, lambda bundle: _lose(bundle, 11, "method"), {"not_canonical"}),
    ("an empty line", _BOOK.ledger, lambda bundle: bundle.files.update(
        {"ledger.jsonl": bundle.files["ledger.jsonl"] + b"\n"}), {"not_canonical"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cut", "tamper", "codes"), [case[1:] for case in _TAMPERED], ids=[case[0] for case in _TAMPERED]
)
def test_tampering_is_named(
    examine: Callable[..., dict[str, Any]],
    cut: Callable[[], Bundle],
    tamper: Callable[[Bundle], object],
    codes: set[str],
) -> None:
    bundle = cut()
    tamper(bundle)
    report = examine(bundle)
    assert not report["true"]
    assert set(report["codes"]) == codes
    assert not codes & {"edited_text", "missing_text"} or not any("texts, forms" in said for said in report["checked"])
    assert all(finding["sentence"].endswith(".") for finding in report["findings"])


def test_a_file_for_people_is_covered_by_the_table(examine: Callable[..., dict[str, Any]]) -> None:
    table = {name: bundles.sha256(data) for name, data in _certificate().files.items()}
    for change in (
        {"certificate.html": b"<!doctype html><title>Changed</title>"},
        {"certificate.pdf": b"not in the table"},
    ):
        bundle = _certificate()
        bundle.files |= change
        assert examine(bundle.packed(table))["codes"] == {"edited_file": 1}
    bundle = _certificate()
    bundle.files.pop("certificate.html")
    assert examine(bundle.packed(table))["codes"] == {"edited_file": 1}


# What the owner of the ledger may do, who has the key.


def test_a_tail_cut_off_and_signed_anew_is_seen_by_a_witness(examine: Callable[..., dict[str, Any]]) -> None:
    book, longer = bundles.story(), bundles.story()
    longer.add("consent.objected", BO)
    for cut in (book.ledger, lambda: book.certificate(FREJA)):
        assert examine(cut())["true"]
        assert examine(cut(), longer.checkpoint())["codes"] == {"truncated_tail": 1}


def test_a_rewritten_ledger_is_seen_by_checkpoints_and_receipts_kept_elsewhere(
    examine: Callable[..., dict[str, Any]],
) -> None:
    other = Book(keys=[bundles.key("first")])
    for row in _BOOK.rows:
        kept = {name: value for name, value in row.items() if name not in {"type", "subject", "seq", "prev", "id"}}
        if row["type"] == "key.rotated":
            other.keys.insert(0, bundles.key("second"))
        other.add(row["type"], row["subject"], **kept | ({"method": "box"} if row["id"] == _GIVEN else {}))
    other.contents, other.evidence, other.imported = _BOOK.contents, _BOOK.evidence, _BOOK.imported
    for bundle in (other.ledger(), other.certificate(FREJA)):
        assert examine(bundle)["true"]
        assert examine(bundle, _BOOK.checkpoint())["codes"] == {"forked": 1}
        assert examine(bundle, _BOOK.receipts[_GIVEN])["codes"] == {"edited_record": 1}
    assert examine(other.ledger(), _BOOK.witnessed[9])["codes"] == {"forked": 1}
    assert examine(other.ledger(), _BOOK.witnessed[5])["true"]
    certificate = other.certificate(FREJA)
    certificate.files["witnessed/9.txt"] = _BOOK.witnessed[9].encode()
    path = [one.hex() for one in merkle.consistency_path(other.leaves, 9)]
    certificate.put("consistency.jsonl", [{"from": 9, "to": 12, "path": path}])
    assert examine(certificate)["codes"] == {"forked": 1}


def test_a_key_is_believed_through_signatures_of_both(examine: Callable[..., dict[str, Any]]) -> None:
    first, second = bundles.public(bundles.key("first")), bundles.public(bundles.key("second"))
    assert examine(_certificate(), key=first)["true"]
    assert examine(_certificate(), key=second)["true"]
    assert set(examine(_certificate(), key=bundles.public(_STRANGER))["codes"]) == {"wrong_key", "forged_receipt"}
    assert examine(_certificate())["notes"] == [f"No --key given. Compare with its owner's: {second}"]
    bundle = _certificate()
    bundle.files["keys.json"] = json.dumps({"keys": [{"public_key": bundles.public(_STRANGER)}]}).encode()
    assert examine(bundle, key=second)["codes"] == {"wrong_key": 1}
    unsigned = Book()
    unsigned.add(
        "key.rotated", details=_BOOK.rows[8]["details"] | {"old_signature": base64.b64encode(b"x" * 64).decode()}
    )
    unsigned.keys.insert(0, bundles.key("second"))
    report = examine(unsigned.ledger())
    assert set(report["codes"]) == {"wrong_key"}
    assert "not signed by both" in report["findings"][0]["sentence"]


def test_a_receipt_of_a_strangers_hand_is_forged(examine: Callable[..., dict[str, Any]]) -> None:
    book = bundles.story()
    book.receipt(next(row for row in book.rows if row["id"] == _GIVEN), _STRANGER)
    assert examine(book.certificate(FREJA))["codes"] == {"forged_receipt": 1}
    bundle = _certificate()
    true = bundle.files[f"receipts/{_GIVEN}.txt"]
    for other in (true, true.replace(_GIVEN.encode(), _HANDED.encode()), _BOOK.checkpoint().encode()):
        bundle.files[f"receipts/{_HANDED}.txt"] = other
        assert examine(bundle)["codes"] == {"forged_receipt": 1}


@pytest.mark.parametrize(
    ("fields", "code", "sentence"),
    [
        ({"ts": bundles.START}, "reordered_rows", "Record 13 stands behind record 12, which is later."),
        ({"prev": "0" * 64}, "edited_record", "Record 12, or what record 13 says of it, was changed."),
        ({"org": "org_x"}, "edited_record", "Record 13 is of another ledger, or its id stands there twice."),
        ({"id": _BOOK.rows[9]["id"]}, "edited_record", "Record 13 is of another ledger, or its id stands there twice."),
        ({"subject": BO, "supersedes": _HANDED}, "removed_row",
         "Before record 13, another event of the same person is missing."),
    ],
    ids=["dated back", "broken chain", "another ledger", "an id twice", "an event left out"],
)  # fmt: skip
def test_a_record_that_does_not_fit_is_seen_though_it_is_signed(
    examine: Callable[..., dict[str, Any]], fields: dict[str, Any], code: str, sentence: str
) -> None:
    book = bundles.story()
    book.add("clock.skew", **fields)
    assert examine(book.ledger())["findings"] == [{"code": code, "sentence": sentence}]


def test_what_cannot_be_told_is_said(examine: Callable[..., dict[str, Any]]) -> None:
    bundle = _certificate()
    bundle.put("evidence.jsonl", [])
    bundle.files.pop(f"mails/{_HANDED}.eml")
    report = examine(bundle)
    assert report["true"]
    assert "The evidence of 4 records is withheld or erased." in report["notes"]


def test_a_hundred_thousand_records_are_checked_in_half_a_minute(
    examine: Callable[..., dict[str, Any]], share: Callable[[str, int, int], int], summarise: Callable[[str], None]
) -> None:
    book, count = Book(), share("records of a ledger", 100_000, 2_000)
    for number in range(count):
        book.add("consent.given", bundles.hexed(f"person {number % 700}"), purpose="newsletter", method="button")
    packed = book.ledger().packed()
    began = time.process_time()
    assert examine(packed)["true"]
    rate = count / (time.process_time() - began)
    summarise(f"listkeeper-verify: {rate:,.0f} records/s, so 100,000 in {100_000 / rate:.1f} s")
    assert rate > 100_000 / 30


def test_the_command_says_it_for_people_and_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = tmp_path / "bundle.zip"
    packed.write_bytes(_certificate().packed())
    assert proof.main([str(packed)]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert (first, last) == ("kind: certificate", "TRUE: all of it follows from what was signed")
    packed.write_bytes(_certificate().packed(table={}))
    assert proof.main([str(packed)]) == 1
    *_, sentence, summary = capsys.readouterr().out.splitlines()
    assert sentence.startswith("  FALSE  edited_file: ")
    assert summary == f"NOT TRUE: edited_file ({len(_certificate().files)})"
    assert proof.main([str(packed), "--json", "--witness", str(packed)]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["true"], set(report["codes"])) == (False, {"edited_file", "bad_checkpoint"})
    for no_key in ("no key", "AAAA"):
        with pytest.raises(SystemExit, match="2"):
            proof.main([str(packed), "--key", no_key])
