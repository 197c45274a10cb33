"""Bundles that are none, and bundles made to harm: the verifier says so in a sentence, and never falls over."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import canonical_json, merkle, proof
from tests.makers import bundles
from tests.makers.bundles import FREJA

_BOOK = bundles.story()
_FILES = sorted(_BOOK.certificate(FREJA).files)
_LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(40)]
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def _packed(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", method) as packed:
        for name, data in members:
            packed.writestr(name, data)
    return memory.getvalue()


def _with(name: str, data: bytes = b"") -> bytes:
    bundle = _BOOK.certificate(FREJA)
    bundle.files[name] = data
    return bundle.packed()


def _repacked(method: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(_BOOK.ledger().packed())) as packed:
        return _packed(*((name, packed.read(name)) for name in packed.namelist()), method=method)


def _manifest(**changed: object) -> bytes:
    bundle = _BOOK.ledger()
    bundle.manifest |= changed
    return bundle.packed()


def _flagged_as_encrypted() -> bytes:
    data = bytearray(_packed(("proof.json", b"{}")))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    return bytes(data)


def _with_a_broken_checksum() -> bytes:
    data = bytearray(_packed(("proof.json", b'{"format": 1}'), method=zipfile.ZIP_STORED))
    data[data.index(b"format")] ^= 1
    return bytes(data)


_NO_BUNDLES: dict[str, Callable[[], bytes]] = {
    "an empty file": lambda: b"",
    "no ZIP": lambda: b"Dear Sir or Madam",
    "an empty ZIP": _packed,
    "half a ZIP": lambda: _manifest()[:2000],
    "no proof.json": lambda: _packed(("ledger.jsonl", b"")),
    "proof.json is no JSON": lambda: _packed(("proof.json", b"{")),
    "proof.json is no text": lambda: _packed(("proof.json", b"\xff")),
    "proof.json is a list": lambda: _packed(("proof.json", b"[]")),
    "proof.json is deep": lambda: _packed(("proof.json", b"[" * 100_000)),
    "a number beyond reading": lambda: _packed(("proof.json", b'{"version": ' + b"9" * 5000 + b"}")),
    "another format": lambda: _manifest(format="other"),
    "a later version": lambda: _manifest(version=2),
    "a ledger of one person": lambda: _manifest(subject=FREJA),
    "another kind": lambda: _manifest(kind="other"),
    "no checkpoint": lambda: _packed(("proof.json", json.dumps(_BOOK.ledger().manifest | {"files": {}}).encode())),
    "a checkpoint that is none": lambda: _with("checkpoint.txt", b"yes"),
    "a checkpoint of no size": lambda: _with("checkpoint.txt", _BOOK.checkpoint().replace("\n12\n", "\nx\n").encode()),
    "encrypted": _flagged_as_encrypted,
    "a broken checksum": _with_a_broken_checksum,
    "packed by another method": lambda: _repacked(zipfile.ZIP_BZIP2),
    "a path upwards": lambda: _with("../secret"),
    "a path upwards inside": lambda: _with("texts/../../secret"),
    "a path from the root": lambda: _with("/etc/passwd"),
    "a path of Windows": lambda: _with("..\\secret"),
    "a drive of Windows": lambda: _with("C:secret"),
    "a name for terminals": lambda: _with("texts/\x1b[2J"),
    "a folder": lambda: _with("texts/"),
}  # fmt: skip


@pytest.mark.parametrize("make", _NO_BUNDLES.values(), ids=_NO_BUNDLES)
def test_what_is_no_bundle_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[], bytes]
) -> None:
    packed = tmp_path / "bundle.zip"
    packed.write_bytes(make())
    assert proof.main([str(packed)]) == 2
    said = capsys.readouterr()
    assert said.out.startswith("There is no bundle to check, or it cannot be read. ")
    assert (said.out.count("\n"), said.err) == (1, "")
    assert proof.main([str(packed), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["true"] is False


def test_what_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert proof.main([str(tmp_path / "none.zip")]) == 2
    assert proof.main([str(tmp_path)]) == 2
    (tmp_path / "bundle.zip").write_bytes(_manifest())
    assert proof.main([str(tmp_path / "bundle.zip"), "--witness", str(tmp_path / "none.txt")]) == 2
    assert capsys.readouterr().out.count("no bundle to check") == 3


def test_a_zip_that_does_not_squeeze_is_read(tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(_repacked(zipfile.ZIP_STORED))
    assert proof.check(tmp_path / "bundle.zip")["true"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = _packed(("proof.json", b"{}"), ("proof.json", b"{}"))
    (tmp_path / "bundle.zip").write_bytes(data)
    with pytest.raises(proof.Unusable, match="twice"):
        proof.check(tmp_path / "bundle.zip")


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    bomb.write_bytes(_with("bomb.txt", b"0" * 3_000_000))
    assert bomb.stat().st_size < 20_000
    with pytest.raises(proof.Unusable, match="larger than 2000000 bytes"):
        proof.check(bomb, limit=2_000_000)
    assert proof.check(bomb)["true"]
    lying = bytearray(bomb.read_bytes())
    # It says that it is small; what is unpacked beyond that is not read, and the checksum then fails.
    place = lying.rindex(b"PK\x01\x02", 0, lying.rindex(b"bomb.txt"))
    lying[place + 24 : place + 28] = (10).to_bytes(4, "little")
    bomb.write_bytes(lying)
    with pytest.raises(proof.Unusable, match="CRC"):
        proof.check(bomb, limit=2_000_000)


def test_nothing_in_a_bundle_acts_on_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = _BOOK.certificate(FREJA)
    bundle.files["mails/\x9b2J\u202eæ.eml"] = b""
    (tmp_path / "bundle.zip").write_bytes(bundle.packed())
    assert proof.main([str(tmp_path / "bundle.zip")]) == 1
    said = capsys.readouterr().out
    assert r"mails/\x9b2J\u202e\xe6.eml" in said
    assert said.isascii()
    assert all(one.isprintable() or one == "\n" for one in said)


@pytest.mark.parametrize("name", [name for name in _FILES if name.endswith((".jsonl", ".json", ".txt"))])
@pytest.mark.parametrize("data", [b"\xff\n", b"[" * 50_000, b"null\n", b"{}\n", b"\n\n", b'{"path": [1], "seq": 1}\n'])
def test_a_file_of_nonsense_is_a_finding(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / "bundle.zip").write_bytes(_with(name, data))
    try:
        report = proof.check(tmp_path / "bundle.zip")
    except proof.Unusable:
        assert name == "checkpoint.txt"
    else:
        assert not report["true"]
        assert all(finding["sentence"] for finding in report["findings"])


@given(st.sampled_from(_FILES), st.randoms(use_true_random=False))
def test_a_changed_byte_is_always_noticed(tmp_path: Path, name: str, chance: random.Random) -> None:
    bundle = _BOOK.certificate(FREJA)
    table = {file: bundles.sha256(data) for file, data in bundle.files.items()}
    changed = bytearray(bundle.files[name])
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    bundle.files[name] = bytes(changed)
    (tmp_path / "bundle.zip").write_bytes(bundle.packed(table))
    assert proof.main([str(tmp_path / "bundle.zip")]) in {1, 2}


@given(st.sampled_from([name for name in _FILES if name.endswith(".jsonl")]), st.data())
def test_other_values_in_its_place_never_make_it_fall_over(tmp_path: Path, name: str, data: st.DataObject) -> None:
    bundle = _BOOK.certificate(FREJA)
    entries = bundle.entries(name)
    entry = data.draw(st.sampled_from(entries), "entry")
    field = data.draw(st.sampled_from(sorted(entry)), "field")
    old, entry[field] = entry[field], data.draw(_JSON, "value")
    bundle.put(name, entries)
    (tmp_path / "bundle.zip").write_bytes(bundle.packed())
    assert not proof.check(tmp_path / "bundle.zip")["true"] or old == entry[field]


# What the verifier does by itself must be what the program does.


@given(_JSON)
def test_both_write_the_same_canonical_form(value: Any) -> None:  # noqa: ANN401 - any JSON
    try:
        written = canonical_json.dumps(value)
    except ValueError:
        with pytest.raises(ValueError, match=r"\w"):
            proof.canonical(value).encode()
    else:
        assert proof.canonical(value).encode() == written


@pytest.mark.parametrize("size", range(1, 41))
def test_both_follow_a_path_to_the_same_roots(size: int) -> None:
    root = merkle.root(_LEAVES[:size])
    for old in range(1, size + 1):
        leaf, path = _LEAVES[old - 1], merkle.inclusion_path(_LEAVES[:size], old - 1)
        assert proof.roots(old, size, path, leaf=leaf)[1] == root
        known, steps = merkle.root(_LEAVES[:old]), merkle.consistency_path(_LEAVES[:size], old)
        assert proof.roots(old, size, steps, known) == (known, root)
        for wrong in ([*path, root], [root, *path], path[:-1], path[1:]):
            assert wrong == path or _roots(old, size, wrong, leaf=leaf)[1] != root
        for wrong in ([*steps, root], [root, *steps], steps[:-1], steps[1:]):
            assert wrong == steps or _roots(old, size, wrong, known) != (known, root)


def _roots(old: int, new: int, path: list[bytes], known: bytes = b"", leaf: bytes = b"") -> tuple[bytes, bytes]:
    try:
        return proof.roots(old, new, path, known, leaf)
    except ValueError:
        return b"", b""


def test_a_path_cut_elsewhere_leads_nowhere() -> None:
    with pytest.raises(ValueError, match="something else than hashes"):
        proof.roots(1, 2, [_LEAVES[0][16:] + _LEAVES[1]], leaf=_LEAVES[0][:16])
    with pytest.raises(ValueError, match="too short or too long"):
        proof.roots(1, 4, [_LEAVES[0] + _LEAVES[1]], leaf=_LEAVES[2])
