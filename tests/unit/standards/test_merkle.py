"""Merkle trees: the vectors of certificate-transparency, every size up to 70, and trees known by their tiles alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import merkle
from listkeeper.standards.merkle import TiledTree

# certificate-transparency-go, the eight inputs of its Merkle tests and the roots of the trees over the first n.
_INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
_VECTOR = [merkle.leaf_hash(data) for data in _INPUTS]
_LEAVES = [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(1100)]
_ACROSS_TILES = [255, 256, 257, 511, 512, 513, 767, 768, 1023, 1024, 1025, 1100]


def _hexed(path: list[bytes]) -> list[str]:
    return [one.hex() for one in path]


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_vectors(size: int) -> None:
    assert merkle.root(_VECTOR[:size]).hex() == _ROOTS[size]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert merkle.EMPTY == hashlib.sha256(b"").digest() == merkle.root([])


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ],
)  # fmt: skip
def test_inclusion_of_the_vectors(index: int, size: int, path: list[str]) -> None:
    assert _hexed(merkle.inclusion_path(_VECTOR[:size], index)) == path
    found = [bytes.fromhex(one) for one in path]
    assert merkle.verify_inclusion(_VECTOR[index], index, size, found, bytes.fromhex(_ROOTS[size]))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, []),
        (1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
        (2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
    ],
)  # fmt: skip
def test_consistency_of_the_vectors(old: int, new: int, path: list[str]) -> None:
    assert _hexed(merkle.consistency_path(_VECTOR[:new], old)) == path
    found = [bytes.fromhex(one) for one in path]
    assert merkle.verify_consistency(old, new, bytes.fromhex(_ROOTS[old]), bytes.fromhex(_ROOTS[new]), found)


@pytest.mark.parametrize("size", [*range(1, 71), *_ACROSS_TILES])
def test_every_leaf_is_found_in_its_place_and_in_no_other(size: int) -> None:
    leaves = _LEAVES[:size]
    root = merkle.root(leaves)
    for index in _sample(size):
        path = merkle.inclusion_path(leaves, index)
        assert merkle.verify_inclusion(leaves[index], index, size, path, root)
        assert not merkle.verify_inclusion(leaves[index], index - 1, size, path, root)
        assert not merkle.verify_inclusion(leaves[index], index + 1, size, path, root)
        assert not merkle.verify_inclusion(leaves[index], index, size, [*path, root], root)
        assert not merkle.verify_inclusion(leaves[index], index, size, [root, *path], root)
        assert not path or not merkle.verify_inclusion(leaves[index], index, size, path[:-1], root)
        assert not path or not merkle.verify_inclusion(leaves[index], index, size, path[1:], root)


@pytest.mark.parametrize("size", [*range(71), *_ACROSS_TILES])
def test_every_earlier_tree_is_the_beginning_of_a_later_one(size: int) -> None:
    leaves = _LEAVES[:size]
    new = merkle.root(leaves)
    for old_size in {0, size, *_sample(size)}:
        old = merkle.root(leaves[:old_size])
        path = merkle.consistency_path(leaves, old_size)
        assert merkle.verify_consistency(old_size, size, old, new, path)
        assert not merkle.verify_consistency(old_size, size, old, new, [*path, new])
        assert not path or not merkle.verify_consistency(old_size, size, old, new, path[:-1])
        assert not path or not merkle.verify_consistency(old_size, size, old, new, path[1:])
        assert not path or not merkle.verify_consistency(old_size, size, new, new, path)
        other = merkle.root([*leaves[:old_size][:-1], _LEAVES[-1]]) if old_size else new
        assert not merkle.verify_consistency(old_size, size, other, new, path) or other == old


def _sample(size: int) -> list[int]:
    """Return every place of a small tree, and those around the borders of a large one."""
    if size <= 70:
        return list(range(size))
    return sorted(
        {0, 1, 100, 254, 255, 256, 257, 300, 511, 512, 700, 1023, 1024, size - 2, size - 1} & set(range(size))
    )


@given(st.data())
def test_one_flipped_bit_anywhere_is_noticed(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300), "size")
    index = data.draw(st.integers(0, size - 1), "index")
    leaves = _LEAVES[:size]
    root, path = merkle.root(leaves), merkle.inclusion_path(leaves, index)
    place = data.draw(st.integers(0, (len(path) + 2) * 256 - 1), "bit")
    leaf, *changed, top = _flipped([leaves[index], *path, root], place)
    assert not merkle.verify_inclusion(leaf, index, size, changed, top)


@given(st.data())
def test_one_flipped_bit_between_two_trees_is_noticed(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300), "size")
    old_size = data.draw(st.integers(1, size), "old size")
    leaves = _LEAVES[:size]
    path = merkle.consistency_path(leaves, old_size)
    place = data.draw(st.integers(0, (len(path) + 2) * 256 - 1), "bit")
    old, *changed, new = _flipped([merkle.root(leaves[:old_size]), *path, merkle.root(leaves)], place)
    assert not merkle.verify_consistency(old_size, size, old, new, changed)


def _flipped(hashes: list[bytes], bit: int) -> list[bytes]:
    number, place = divmod(bit, 256)
    changed = bytearray(hashes[number])
    changed[place // 8] ^= 1 << place % 8
    return [*hashes[:number], bytes(changed), *hashes[number + 1 :]]


class _Log:
    """A log that remembers which leaves it was asked for."""

    def __init__(self, size: int) -> None:
        self.leaves = _LEAVES[:size]
        self.asked: list[tuple[int, int]] = []
        tiles = [merkle.root(self.leaves[start : start + 256]) for start in range(0, size - 255, 256)]
        self.tree = TiledTree(size, tiles, self._read)

    def _read(self, start: int, stop: int) -> list[bytes]:
        self.asked.append((start, stop))
        return self.leaves[start:stop]


@pytest.mark.parametrize("size", [0, 1, 2, 7, 70, *_ACROSS_TILES])
def test_a_tree_known_by_its_tiles_gives_the_same_answers(size: int) -> None:
    whole: Sequence[bytes] = _LEAVES[:size]
    assert _Log(size).tree.root() == merkle.root(whole)
    for index in _sample(size):
        log = _Log(size)
        assert log.tree.inclusion_path(index) == merkle.inclusion_path(whole, index)
        assert len(log.asked) <= 2
        assert all(stop - start <= 256 and start % 256 == 0 for start, stop in log.asked)
    for old_size in {0, size, *_sample(size)}:
        log = _Log(size)
        assert log.tree.consistency_path(old_size) == merkle.consistency_path(whole, old_size)
        assert len(log.asked) <= 2


@given(st.integers(0, 1100), st.data())
def test_tiles_and_leaves_agree_on_any_tree(size: int, data: st.DataObject) -> None:
    whole, tree = _LEAVES[:size], _Log(size).tree
    old_size = data.draw(st.integers(0, size), "old size")
    assert tree.consistency_path(old_size) == merkle.consistency_path(whole, old_size)
    if size:
        index = data.draw(st.integers(0, size - 1), "index")
        assert tree.inclusion_path(index) == merkle.inclusion_path(whole, index)


def test_a_path_of_other_lengths_than_hashes_is_refused() -> None:
    """Cut elsewhere, the two halves below a node would make a path through any leaf of an attacker's choosing."""
    two = merkle.root(_LEAVES[:2])
    assert merkle.node_hash(_LEAVES[0], _LEAVES[1]) == merkle.node_hash(b"", _LEAVES[0] + _LEAVES[1]) == two
    assert not merkle.verify_inclusion(b"", 0, 2, [_LEAVES[0] + _LEAVES[1]], two)
    assert not merkle.verify_inclusion(_LEAVES[0][:16], 0, 2, [_LEAVES[0][16:] + _LEAVES[1]], two)
    three = [_LEAVES[2], _LEAVES[0] + _LEAVES[1]]
    assert not merkle.verify_consistency(2, 3, b"", merkle.root(_LEAVES[:3]), three)
    assert not merkle.verify_consistency(3, 4, two, two, [b"", _LEAVES[0] + _LEAVES[1], b""])


def test_what_is_not_in_a_tree_is_refused() -> None:
    for index in (-1, 3):
        with pytest.raises(ValueError, match="no leaf"):
            merkle.inclusion_path(_LEAVES[:3], index)
    for old_size in (-1, 4):
        with pytest.raises(ValueError, match="never one"):
            merkle.consistency_path(_LEAVES[:3], old_size)
    with pytest.raises(ValueError, match="full tiles"):
        TiledTree(512, _LEAVES[:1], lambda start, stop: _LEAVES[start:stop])
    with pytest.raises(ValueError, match="got 0"):
        TiledTree(3, [], lambda _start, _stop: []).root()
    assert not merkle.verify_inclusion(_LEAVES[0], 0, 0, [], _LEAVES[0])
    assert not merkle.verify_consistency(2, 1, merkle.root(_LEAVES[:2]), _LEAVES[0], [])
    assert not merkle.verify_consistency(-1, 1, merkle.EMPTY, _LEAVES[0], [])
    assert not merkle.verify_consistency(3, 7, merkle.root(_LEAVES[:3]), merkle.root(_LEAVES[:7]), [])
