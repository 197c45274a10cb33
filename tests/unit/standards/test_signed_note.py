"""Signed notes: the example of Go's own package, and everything that is no note, not ours, or changed."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import merkle, signed_note
from listkeeper.standards.signed_note import Checkpoint

# The documentation of golang.org/x/mod/sumdb/note; a key published so that others can test with it.
_NAME = "PeterNeumann"
_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
_PUBLIC = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
_NOTE = (
    f"{_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

_KEY = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
_OTHER = Ed25519PrivateKey.from_private_bytes(b"2" * 32)
_OURS = "listkeeper/org_test"


def test_the_example_of_go_is_signed_and_read_as_there() -> None:
    assert signed_note.sign(_TEXT, _NAME, Ed25519PrivateKey.from_private_bytes(_SEED)) == _NOTE
    public = Ed25519PublicKey.from_public_bytes(_PUBLIC)
    assert signed_note.key_id(_NAME, public).hex() == "c74f20a3"
    assert signed_note.verify(_NOTE, _NAME, public) == _TEXT


def test_what_was_signed_is_given_back_with_its_signature() -> None:
    note = signed_note.sign("Kære læser,\n\nfarvel.\n", _OURS, _KEY)
    assert signed_note.verify(note, _OURS, _KEY.public_key()) == "Kære læser,\n\nfarvel.\n"
    [mark] = signed_note.signatures(note)
    assert (mark.name, mark.key_id) == (_OURS, signed_note.key_id(_OURS, _KEY.public_key()))
    assert len(mark.signature) == 64


def test_another_signer_may_stand_beside_ours() -> None:
    note = signed_note.sign("hello\n", _OURS, _KEY)
    both = note + signed_note.sign("hello\n", "witness.example", _OTHER).rpartition("\n\n")[2]
    assert signed_note.verify(both, _OURS, _KEY.public_key()) == "hello\n"
    assert signed_note.verify(both, "witness.example", _OTHER.public_key()) == "hello\n"
    assert [mark.name for mark in signed_note.signatures(both)] == [_OURS, "witness.example"]


def test_another_key_another_name_and_another_text_are_noticed() -> None:
    note = signed_note.sign("hello\n", _OURS, _KEY)
    with pytest.raises(ValueError, match="not signed by this key"):
        signed_note.verify(note, _OURS, _OTHER.public_key())
    with pytest.raises(ValueError, match="not signed by this key"):
        signed_note.verify(note, "listkeeper/org_other", _KEY.public_key())
    with pytest.raises(ValueError, match="not that of its text"):
        signed_note.verify(note.replace("hello", "hullo"), _OURS, _KEY.public_key())
    forged = signed_note.sign("hello\n", _OURS, _OTHER)
    ours, theirs = signed_note.signatures(note)[0], signed_note.signatures(forged)[0]
    mixed = base64.b64encode(ours.key_id + theirs.signature).decode()
    for both in (f"hello\n\n— {_OURS} {mixed}\n", f"{note}— {_OURS} {mixed}\n"):
        with pytest.raises(ValueError, match="not that of its text"):
            signed_note.verify(both, _OURS, _KEY.public_key())


@given(st.data())
def test_a_note_with_one_flipped_bit_is_never_ours(data: st.DataObject) -> None:
    note = signed_note.sign(signed_note.checkpoint("listkeeper/org_test/ledger", 7, b"\x07" * 32), _OURS, _KEY)
    changed = bytearray(note.encode())
    bit = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match=r"\w"):
        signed_note.verify(changed.decode(), _OURS, _KEY.public_key())


_MARK = signed_note.sign("hello\n", _OURS, _KEY).rpartition("\n\n")[2]


@pytest.mark.parametrize(
    "note",
    [
        "", "\n", "hello\n", "hello\n\n", f"hello\n{_MARK}", f"hello\r\n\n{_MARK}", f"he\tllo\n\n{_MARK}",
        f"\x00\n\n{_MARK}",
        f"hello\n\n{_MARK}".rstrip("\n"), f"hello\n\n{_MARK}\n", f"hello\n\n{_MARK}x\n", f"hello\n\n-- {_MARK[2:]}",
        f"hello\n\n{_MARK.replace(' listkeeper', '  listkeeper')}", f"hello\n\n{_MARK.replace('listkeeper/', 'list+')}",
        "hello\n\n— name AAAA\n", "hello\n\n— name !!!!\n", "hello\n\n— name \n", "hello\n\n—  AAAAAAAA\n",
        "hello\n\n— AAAAAAAA\n", "hello\n\n— name AAAAAAB=\n", "hello\n\n— name AAAAAA==BBBB\n",
        "hello\n\n— name ÆØÅ\n",
        f"hello\n\n{_MARK * 17}", "hel\ud800lo\n\n" + _MARK,
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        signed_note.signatures(note)
    with pytest.raises(ValueError, match=r"\w"):
        signed_note.verify(note, _OURS, _KEY.public_key())


@pytest.mark.parametrize(
    ("text", "name"),
    [("no end", "name"), ("", "name"), ("tab\t\n", "name"), ("bell\x07\n", "name"), ("\ud800\n", "name"),
     ("good\n", ""), ("good\n", "two words"), ("good\n", "no\u00a0break"), ("good\n", "a+b"), ("good\n", "line\n"),
     ("good\n", "\ud800")],
)  # fmt: skip
def test_what_would_be_no_note_is_not_signed(text: str, name: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        signed_note.sign(text, name, _KEY)


def test_a_checkpoint_is_three_lines() -> None:
    text = signed_note.checkpoint("listkeeper/org_test/ledger", 0, merkle.EMPTY)
    assert text == "listkeeper/org_test/ledger\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert signed_note.parse_checkpoint(text) == Checkpoint("listkeeper/org_test/ledger", 0, merkle.EMPTY)
    more = signed_note.checkpoint("example.com/log", 2**40, b"\xff" * 32) + "an extension line\n"
    assert signed_note.parse_checkpoint(more) == Checkpoint("example.com/log", 2**40, b"\xff" * 32)


@pytest.mark.parametrize(
    "text",
    [
        "", "a\n1\n", "\n1\n{root}\n", "a\n1\n{root}", "a\n01\n{root}\n", "a\n-1\n{root}\n", "a\n+1\n{root}\n",
        "a\n1_0\n{root}\n",
        "a\n٣\n{root}\n", "a\n\n{root}\n", "a\n1\nAAAA\n", "a\n1\n!\n", "a\n1\n{root} \n", "a\n1\n\n{root}\n",
        "a\n1\n{root}\n\nmore\n", "a\n" + "9" * 5000 + "\n{root}\n",
    ],
    ids=lambda text: ascii(text[:30]),
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        signed_note.parse_checkpoint(text.replace("{root}", base64.b64encode(merkle.EMPTY).decode()))


def test_a_checkpoint_that_nobody_could_read_is_not_written() -> None:
    for origin, size, root in (
        ("", 1, merkle.EMPTY),
        ("a\nb", 1, merkle.EMPTY),
        ("a", -1, merkle.EMPTY),
        ("a", 1, b"x"),
    ):
        with pytest.raises(ValueError, match="a name of one line"):
            signed_note.checkpoint(origin, size, root)
