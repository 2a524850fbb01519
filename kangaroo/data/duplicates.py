"""The same picture twice: perceptual hashes that differ in few bits, found without comparing all pairs."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from kangaroo.data.measures import CROP_SHARE
from kangaroo.errors import DataError

Hashes: TypeAlias = npt.NDArray[np.uint64]
Rows: TypeAlias = npt.NDArray[np.int64]
Values: TypeAlias = npt.NDArray[np.float32]

_BITS = 64
_AGREEING = 3
_PENDING = 2**22  # pairs found before repeated ones are dropped
_BATCH = 512  # pairs whose pictures are compared at once
_SIDE = 24  # pixels: of the pictures that are compared
_OFFSETS = 5


def near_duplicate_groups(phash: Sequence[str], max_distance: int) -> Rows:
    """The group of each photo, n numbers: chains of hashes that differ in at most ``max_distance`` bits.

    ``phash``: 16 hexadecimal digits each, or '' where unknown: such a photo is a group by itself. Groups
    count from 0 in the order of their first photo. Up to 4 bits it is one picture, nearly always; at 8 there
    are also pictures that only look alike. DataError: a hash is none.
    """
    known = np.array([text != "" for text in phash], bool)
    hashes, which = np.unique(parse_hashes([text for text in phash if text]), return_inverse=True)
    labels = np.arange(len(hashes))
    for first, second in close_pairs(hashes, max_distance):
        new = labels[first] != labels[second]
        labels = _joined(labels, first[new], second[new])
    groups = np.arange(len(hashes), len(hashes) + len(known))
    groups[known] = labels[which]
    _, start, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(start))[inverse]


def parse_hashes(phash: Sequence[str]) -> Hashes:
    """Hashes of 16 hexadecimal digits as numbers. DataError: one is none."""
    for text in phash:
        if not re.fullmatch("[0-9a-fA-F]{16}", text):
            raise DataError(f"phash {text!r} is not 16 hexadecimal digits: kangaroo data check fills it")
    return np.frombuffer(bytes.fromhex("".join(phash)), ">u8").astype(np.uint64)


def candidate_pairs(phash: Sequence[str], crops: Sequence[bytes], max_distance: int) -> Rows:
    """All pairs of photos that may be one picture: (k, 2) rows, the smaller first, in order.

    The hash of the one photo differs in at most ``max_distance`` bits from that of the other or of one of its
    ``crops`` (8 bytes for each hash, as many for each photo): a picture that lost its margin has another hash
    than before, but nearly that of one of these crops.
    """
    n = len(phash)
    if n < 2:
        return np.empty((0, 2), np.int64)
    cut = np.frombuffer(b"".join(crops), ">u8").astype(np.uint64).reshape(n, -1)
    found, pending = np.empty(0, np.int64), list[Rows]()
    for first, second in close_pairs(np.concatenate([parse_hashes(phash), cut.T.ravel()]), max_distance):
        useful = ((first < n) | (second < n)) & (first % n != second % n)
        one, other = first[useful] % n, second[useful] % n
        pending.append(np.minimum(one, other) * n + np.maximum(one, other))
        if sum(map(len, pending)) > _PENDING:
            found, pending = np.unique(np.concatenate([found, *pending])), []
    found = np.unique(np.concatenate([found, *pending]))
    return np.stack(np.divmod(found, n), axis=1)


def close_pairs(hashes: Hashes, max_distance: int) -> Iterator[tuple[Rows, Rows]]:
    """All pairs of rows whose hashes differ in at most ``max_distance`` bits, in parts; one may come again.

    The 64 bits are cut into ``max_distance`` + 3 chunks, of which such a pair agrees on three at least
    (pigeonhole principle; Norouzi et al. 2012, "Fast search in Hamming space with multi-index hashing"). So
    for every three chunks, only rows that agree there are compared.
    """
    chunks = min(max_distance + _AGREEING, _BITS)
    bits = np.uint64(1) << np.arange(_BITS, dtype=np.uint64)
    masks = [np.bitwise_or.reduce(bits[start::chunks]) for start in range(chunks)]
    for chosen in combinations(masks, max(chunks - max_distance, 0)):
        keys = hashes & np.bitwise_or.reduce(np.array([0, *chosen], np.uint64))
        order = np.argsort(keys, kind="stable")
        yield from _close_in_runs(keys[order], order, hashes[order], max_distance)


def likeness(thumbnails: npt.NDArray[np.uint8], pairs: Rows) -> Values:
    """How alike two photos of (n, side, side) grey thumbnails are, for (k, 2) ``pairs``: k numbers up to 1.

    The correlation of the gradients of the one, whole, and the other, whole or without a twentieth of its
    width and height, whichever of 25 such crops fits best. Gradients, because sky above and road below make
    most street-level photos alike.
    """
    if not len(pairs):
        return np.empty(0, np.float32)
    scores = [
        np.maximum(_fit(thumbnails[batch[:, 0]], thumbnails[batch[:, 1]]), 0)
        for batch in np.array_split(pairs, range(_BATCH, len(pairs), _BATCH))
    ]
    return np.concatenate(scores)


def _fit(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Values:
    one, other = (_views(pictures.astype(np.float32)) for pictures in (first, second))
    fits = (np.einsum("pvx,px->pv", a, b[:, 0]) for a, b in ((one, other), (other, one)))
    return np.maximum(*(fit.max(axis=1) for fit in fits))


def _views(pictures: Values) -> Values:
    """Gradients of each picture whole and of its crops, (n, 26, pixels), of mean 0 and length 1."""
    offsets = np.linspace(0, 1 - CROP_SHARE, _OFFSETS)
    whole = _resampling(0, 1, pictures.shape[-1])
    crops = np.stack([_resampling(offset, CROP_SHARE, pictures.shape[-1]) for offset in offsets])
    shrunk = whole @ pictures @ whole.T
    cut = crops[:, None] @ pictures[:, None, None] @ crops.transpose(0, 2, 1)
    views = np.concatenate([shrunk[:, None], cut.reshape(len(pictures), _OFFSETS**2, _SIDE, _SIDE)], axis=1)
    down, right = np.diff(views, axis=-2)[..., :-1], np.diff(views, axis=-1)[..., :-1, :]
    flat = np.stack([down, right], axis=2).reshape(*views.shape[:2], -1)
    flat -= flat.mean(axis=-1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-6)


def _resampling(start: float, share: float, side: int) -> Values:
    """The (24, side) matrix that resamples a stretch of ``side`` pixels linearly; its rows sum to 1."""
    step = share * side / _SIDE
    centres = start * side + (np.arange(_SIDE) + 0.5) * step - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(side) - centres[:, None]) / max(step, 1))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _close_in_runs(
    keys: Hashes, order: Rows, hashes: Hashes, max_distance: int
) -> Iterator[tuple[Rows, Rows]]:
    """The close pairs among rows with equal keys, which lie together: neighbours, next but one, and so on."""
    left = np.arange(len(keys))
    step = 0
    while len(left):
        step += 1
        left = left[left + step < len(keys)]
        left = left[keys[left] == keys[left + step]]
        close = left[np.bitwise_count(hashes[left] ^ hashes[left + step]) <= max_distance]
        if len(close):
            yield order[close], order[close + step]


def _joined(labels: Rows, first: Rows, second: Rows) -> Rows:
    """Labels after the groups of these pairs became one."""
    if not len(first):
        return labels
    size = len(labels)
    edges = (np.ones(len(first), bool), (labels[first], labels[second]))
    _, merged = connected_components(coo_array(edges, shape=(size, size)), directed=False)
    return merged[labels]
