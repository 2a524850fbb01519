import numpy as np
import pytest
from PIL import Image

from kangaroo.data.duplicates import (
    candidate_pairs,
    close_pairs,
    likeness,
    near_duplicate_groups,
    parse_hashes,
)
from kangaroo.errors import DataError


def hashes(n, copies, seed=0):
    """Random hashes, and copies of some of them with up to a dozen bits turned."""
    rng = np.random.default_rng(seed)
    found = rng.integers(0, 2**64, n, np.uint64)
    near = rng.choice(found, copies)
    for turned in rng.integers(0, 64, (12, copies), np.uint64):
        near ^= np.where(rng.random(copies) < 0.5, np.uint64(1) << turned, np.uint64(0))
    return rng.permutation(np.concatenate([found, near, near[:5]]))


def distances(found):
    return np.bitwise_count(found[:, None] ^ found)


@pytest.mark.parametrize("limit", [0, 1, 4, 8, 10])
def test_close_pairs_are_those_of_brute_force(limit):
    found = hashes(1500, 500)
    expected = np.argwhere(np.triu(distances(found) <= limit, 1))
    pairs = {
        (min(pair), max(pair)) for parts in close_pairs(found, limit) for pair in zip(*parts, strict=True)
    }
    assert pairs == set(map(tuple, expected.tolist()))
    assert limit < 4 or len(pairs) > 50


@pytest.mark.parametrize("limit", [0, 4, 8])
def test_groups_are_the_connected_parts_of_brute_force(limit):
    found = hashes(300, 200)
    reach = distances(found) <= limit
    for _ in range(10):  # the transitive closure by squaring
        reach = (reach.astype(int) @ reach) > 0
    first = reach.argmax(axis=1)
    groups = near_duplicate_groups([f"{value:016x}" for value in found], limit)
    assert groups.tolist() == [np.unique(first).tolist().index(value) for value in first]


def test_groups_of_known_and_unknown_hashes():
    phash = ["ffffffffffffffff", "", "0000000000000000", "FFFFFFFFFFFFFFFE", "", "000000000000000f"]
    assert near_duplicate_groups(phash, 1).tolist() == [0, 1, 2, 0, 3, 4]
    assert near_duplicate_groups(phash, 4).tolist() == [0, 1, 2, 0, 3, 2]
    assert near_duplicate_groups(["", ""], 4).tolist() == [0, 1]
    assert near_duplicate_groups([], 4).tolist() == []


@pytest.mark.parametrize("text", ["xyz", "123", "0x00000000000001", "0" * 17])
def test_what_is_no_hash_is_named(text):
    with pytest.raises(DataError, match=text):
        parse_hashes(["0" * 16, text])


def test_candidates_are_those_of_brute_force():
    rng = np.random.default_rng(1)
    whole = hashes(200, 100)
    crops = rng.choice(hashes(300, 500, seed=2), (len(whole), 4))
    crops[:50, 1] = whole[100:150] ^ np.uint64(5)
    pairs = candidate_pairs(
        [f"{value:016x}" for value in whole], [row.astype(">u8").tobytes() for row in crops], 4
    )
    to_all = np.bitwise_count(whole[:, None, None] ^ np.column_stack([whole, crops])).min(axis=2)
    near = np.argwhere(np.triu(np.minimum(to_all, to_all.T) <= 4, 1))
    assert pairs.tolist() == near.tolist()
    assert len(pairs) >= 50
    assert candidate_pairs([], [], 4).shape == (0, 2)


def picture(seed):
    """Something with edges of all sizes: blocks of random levels, coarse and fine."""
    rng = np.random.default_rng(seed)
    parts = [
        Image.fromarray(rng.integers(0, 256, (n, n), np.uint8)).resize((320, 320), 0) for n in (4, 9, 20)
    ]
    return Image.fromarray(np.mean([np.asarray(part, float) for part in parts], axis=0).astype(np.uint8))


def test_likeness_of_copies_crops_and_others():
    one, other = picture(0), picture(1)
    shown = [one, one.crop((0, 0, 304, 304)), one.crop((10, 5, 314, 309)), other, Image.new("L", (320, 320))]
    thumbnails = np.stack([np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR)) for image in shown])
    pairs = np.array([[0, 0], [0, 1], [2, 0], [0, 3], [0, 4], [4, 4]])
    same, corner, inside, another, blank, nothing = likeness(thumbnails, pairs)
    assert same == pytest.approx(1)
    assert corner == pytest.approx(likeness(thumbnails, pairs[1:2, ::-1])[0])
    assert min(corner, inside) > 0.95
    assert another < 0.5
    assert blank == nothing == 0


def test_many_pairs_are_as_alike_as_each_by_itself():
    thumbnails = np.random.default_rng(0).integers(0, 256, (9, 32, 32), np.uint8)
    pairs = np.random.default_rng(1).integers(0, 9, (1100, 2))
    singly = [likeness(thumbnails, pair[None])[0] for pair in pairs[::100]]
    assert likeness(thumbnails, pairs)[::100] == pytest.approx(singly, abs=1e-5)
    assert likeness(thumbnails, pairs[:0]).shape == (0,)
