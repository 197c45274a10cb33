"""The Merkle tree of a log that only grows (RFC 6962 §2.1, RFC 9162 §2.1).

A tree over n leaves is a tree over the first k and one over the rest, k being
the greatest power of two below n. A leaf's hash is SHA-256(0x00 ‖ data), a
node's SHA-256(0x01 ‖ left ‖ right), so neither can pass for the other. Every
function takes hashes of leaves (32 bytes each) and counts them from 0.

``TiledTree`` gives the same answers for a long log of which only the hashes of
its full 256-leaf subtrees ("tiles") are at hand: it asks for the leaves of the
one or two tiles that a path leads through, and for no others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

TILE = 256
EMPTY = hashlib.sha256(b"").digest()

_sha256 = hashlib.sha256
_Subtree = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf (§2.1)."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others (§2.1)."""
    return _sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the hash of the tree over these leaves; that of no leaves is SHA-256 of nothing."""
    if not hashes:
        return EMPTY
    level = list(hashes)
    while len(level) > 1:
        # Pairs from the left, the odd one rising as it is, make the same tree as the RFC's splits from above.
        above = [_sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root, lowest first (§2.1.1)."""
    return _inclusion(lambda start, stop: root(hashes[start:stop]), index, len(hashes))


def consistency_path(hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the hashes that show the tree of the first ``old_size`` leaves inside this one (§2.1.2)."""
    return _consistency(lambda start, stop: root(hashes[start:stop]), old_size, len(hashes))


class TiledTree:
    """A tree of ``size`` leaves, known by its full tiles and, on asking, by a run of its leaves.

    ``tiles`` holds at least the hash of each full subtree of 256 leaves, in
    order; ``leaves(start, stop)`` returns that run of leaf hashes. Both must
    stay as they are while the tree is in use: a run is asked for once.
    """

    def __init__(self, size: int, tiles: Sequence[bytes], leaves: Callable[[int, int], list[bytes]]) -> None:
        if size < 0 or len(tiles) < size // TILE:
            raise ValueError(f"A tree of {size} leaves has {size // TILE} full tiles; {len(tiles)} were given.")
        self.size = size
        self._tiles = tiles
        self._leaves = leaves
        self._runs: dict[int, list[bytes]] = {}

    def root(self) -> bytes:
        """Return the hash of the whole tree."""
        return self._subtree(0, self.size)

    def inclusion_path(self, index: int) -> list[bytes]:
        """Return what ``inclusion_path`` would for all the leaves."""
        return _inclusion(self._subtree, index, self.size)

    def consistency_path(self, old_size: int) -> list[bytes]:
        """Return what ``consistency_path`` would for all the leaves."""
        return _consistency(self._subtree, old_size, self.size)

    def _subtree(self, start: int, stop: int) -> bytes:
        """Return the hash over a run of leaves; runs longer than a tile begin with one, as the RFC splits them."""
        first, last = start // TILE, stop // TILE
        if start == stop:
            return EMPTY
        if start % TILE or (first == last and stop % TILE):
            run = self._run(first)
            return root(run[start - first * TILE : stop - first * TILE])
        hashes = list(self._tiles[first:last])
        if stop % TILE:
            hashes.append(root(self._run(last)[: stop - last * TILE]))
        return root(hashes)

    def _run(self, tile: int) -> list[bytes]:
        if tile not in self._runs:
            start, stop = tile * TILE, min((tile + 1) * TILE, self.size)
            run = self._leaves(start, stop)
            if len(run) != stop - start:
                raise ValueError(f"Asked for the leaves {start} to {stop}, and got {len(run)}.")
            self._runs[tile] = run
        return self._runs[tile]


def _split(size: int) -> int:
    """Return the greatest power of two below a size of at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _inclusion(subtree: _Subtree, index: int, size: int) -> list[bytes]:
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(subtree(middle, stop))
            stop = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def _consistency(subtree: _Subtree, old_size: int, size: int) -> list[bytes]:
    if not 0 <= old_size <= size:
        raise ValueError(f"A tree of {size} leaves was never one of {old_size}.")
    if old_size in {0, size}:
        return []
    path: list[bytes] = []
    start, stop = 0, size
    while stop != old_size:
        middle = start + _split(stop - start)
        if old_size <= middle:
            path.append(subtree(middle, stop))
            stop = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    if start:
        # The verifier knows the old root itself; any other subtree that ends with the old tree must be told.
        path.append(subtree(start, stop))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Return whether a path leads from this leaf hash at this place to the root (RFC 9162 §2.1.3.2)."""
    sides = _sides(index, size - 1, len(path)) if 0 <= index < size else None
    if sides is None or not _are_hashes([leaf, *path]):
        return False
    reached = leaf
    for one, left in zip(path, sides, strict=True):
        reached = node_hash(one, reached) if left else node_hash(reached, one)
    return reached == root


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Return whether the larger tree begins with all of the smaller one (RFC 9162 §2.1.4.2).

    A tree of no leaves is the beginning of every tree; its path is empty.
    """
    if not 0 < old_size < new_size:
        same = old_size == new_size and old_root == new_root
        return not path and (same or (old_size == 0 < new_size and old_root == EMPTY))
    steps = list(path)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    # Both trees share what lies below the last full subtree of the old one.
    shared = (old_size & -old_size).bit_length() - 1
    sides = _sides((old_size - 1) >> shared, (new_size - 1) >> shared, len(steps) - 1) if steps else None
    if sides is None or not _are_hashes(steps):
        return False
    old = new = steps[0]
    for one, left in zip(steps[1:], sides, strict=True):
        old = node_hash(one, old) if left else old
        new = node_hash(one, new) if left else node_hash(new, one)
    return (old, new) == (old_root, new_root)


def _are_hashes(values: Sequence[bytes]) -> bool:
    """Return whether each has 32 bytes: of other lengths, two could be cut where a node's two were not."""
    return all(len(one) == len(EMPTY) for one in values)


def _sides(place: int, last: int, steps: int) -> list[bool] | None:
    """Return for each step up from a place whether its hash stands left; None when so many steps miss the root."""
    sides = []
    for _ in range(steps):
        if not last:
            return None
        left = place % 2 == 1 or place == last
        while left and place and place % 2 == 0:
            place, last = place >> 1, last >> 1
        sides.append(left)
        place, last = place >> 1, last >> 1
    return sides if last == 0 else None
