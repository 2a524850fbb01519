import math

import numpy as np
import pandas as pd
import pytest

from kangaroo.data.balance import BalanceSettings, plan, read_target, thin
from kangaroo.data.manifest import write_manifest
from kangaroo.errors import DataError

COUNTS = {"A": 100, "B": 60, "C": 4, "D": 9}
TARGET = {"A": 0.5, "B": 0.25, "C": 0.25}


@pytest.mark.parametrize(
    ("settings", "wanted", "kept"),
    [
        ({}, [8, 4, 4, 0], [8, 4, 4, 0]),
        ({"minimum": 5}, [100, 50, 0, 0], [100, 50, 0, 0]),
        ({"minimum": 5, "slack": 1.5}, [150, 75, 0, 0], [100, 60, 0, 0]),
        ({"slack": 2}, [16, 8, 8, 0], [16, 8, 4, 0]),
        ({"minimum": 5, "cap": 30}, [30, 15, 0, 0], [30, 15, 0, 0]),
        ({"minimum": 5, "total": 75}, [50, 25, 0, 0], [50, 25, 0, 0]),
        ({"minimum": 5, "total": 76}, [50.67, 25.33, 0, 0], [51, 25, 0, 0]),
        ({"minimum": 5, "slack": 1.5, "total": 159}, None, [100, 59, 0, 0]),
    ],
)
def test_the_rule_by_hand(settings, wanted, kept):
    table = plan(COUNTS, TARGET, BalanceSettings(**settings))
    assert table["kept"].tolist() == kept
    if wanted:
        assert table["wanted"].tolist() == pytest.approx(wanted, abs=0.01)
    assert table["source"].tolist() == [100, 60, 4, 9]


def test_what_is_dropped_says_why():
    table = plan(COUNTS, TARGET, BalanceSettings(minimum=5))
    assert table["reason"].to_dict() == {"A": "", "B": "", "C": "fewer than 5", "D": "not in the target"}


@pytest.mark.parametrize(
    ("target", "kept"),
    [("source", [100, 60, 4, 9]), ("uniform", [4, 4, 4, 4]), ("sqrt", [20, round(2 * math.sqrt(60)), 4, 6])],
)
def test_targets_without_a_file(target, kept):
    assert plan(COUNTS, target, BalanceSettings())["kept"].tolist() == kept


def test_a_cap_alone_leaves_small_classes_as_they_are():
    assert plan(COUNTS, "source", BalanceSettings(cap=50))["kept"].tolist() == [50, 50, 4, 9]


def test_the_distribution_is_the_target_and_every_total_is_met():
    rng = np.random.default_rng(0)
    counts = {f"c{i}": int(n) for i, n in enumerate(rng.integers(20, 5000, 60))}
    weights = {name: float(w) for name, w in zip(counts, rng.dirichlet(np.ones(60)) + 0.002, strict=True)}
    exact = plan(counts, weights, BalanceSettings())
    assert (exact["kept"] - exact["wanted"]).abs().max() <= 0.5
    assert (exact["kept"] == exact["source"]).any()  # it can't be larger
    shares = exact["wanted"] / exact["wanted"].sum()
    np.testing.assert_allclose(shares, pd.Series(weights)[shares.index] / sum(weights.values()))
    most = plan(counts, weights, BalanceSettings(slack=3))
    assert (most["kept"] >= (most["wanted"] / 3).clip(lower=1).round() - 1).all()
    assert (most["kept"] <= most["source"]).all()
    for total in (60, 61, 137, 1000, most["kept"].sum() - 1, most["kept"].sum()):
        table = plan(counts, weights, BalanceSettings(slack=3, total=int(total)))
        assert table["kept"].sum() == total
        assert (table["kept"] >= 1).all()
        assert (table["kept"] <= most["kept"]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"total": 17}, r"^17 photos are not possible, 3 \(one a class\) to 16 are: for more take"),
        ({"total": 2}, "^2 photos are not possible"),
        ({"minimum": 101}, "no class of the target has 101 photos"),
    ],
)
def test_what_is_not_possible_is_said(settings, message):
    with pytest.raises(DataError, match=message):
        plan(COUNTS, TARGET, BalanceSettings(**settings))


@pytest.mark.parametrize(
    "settings", [{"slack": 0.5}, {"slack": math.nan}, {"cap": 0}, {"total": -1}, {"minimum": 0}]
)
def test_settings_out_of_range(settings):
    with pytest.raises(DataError, match=next(iter(settings))):
        BalanceSettings(**settings)


def test_a_weight_must_be_positive():
    with pytest.raises(DataError, match="weight 0 of 'B'"):
        plan(COUNTS, {"A": 1, "B": 0}, BalanceSettings())


@pytest.mark.parametrize("column", ["count", "share"])
def test_a_target_from_a_table(tmp_path, column):
    (tmp_path / "t.csv").write_text(f"class,{column}\nA,3\nNA,0.5\n")
    assert read_target(tmp_path / "t.csv") == {"A": 3, "NA": 0.5}


def test_a_target_from_a_manifest_counts_its_usable_photos(tmp_path):
    records = photos({"A": 3, "B": 2})
    records.loc[0, "reject_reason"] = "blurred"
    write_manifest(tmp_path / "t.parquet", records.assign(country=["Austria"] * 5))
    assert read_target(tmp_path / "t.parquet") == {"A": 2, "B": 2}
    assert read_target(tmp_path / "t.parquet", "country") == {"Austria": 4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,n\nA,1\n", "has the columns name, n: give class,count"),
        ("class,count\nA,1\nB,-2\n", "line 3: 'B' with count '-2'"),
        ("class,count\nA,many\n", "line 2: 'A' with count 'many'"),
        ("class,count\nA,1\nA,2\n", "line 3: 'A'"),
        ("", "is no table"),
    ],
)
def test_an_unusable_target_is_named(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_target(tmp_path / "t.csv")


def photos(counts):
    rows = [(f"/here/{name}/{i}.jpg", name) for name, n in counts.items() for i in range(n)]
    table = pd.DataFrame(rows, columns=["path", "class"])
    return table.assign(sha256=[f"{i:064x}" for i in range(len(table))], reject_reason="")


def test_as_many_are_kept_as_planned_whatever_the_order_of_the_rows():
    records = photos({"A": 50, "B": 30, "C": 5})
    kept = thin(records, {"A": 20, "B": 30})
    assert kept.groupby(records["class"]).sum().to_dict() == {"A": 20, "B": 30, "C": 0}
    mixed = records.sample(frac=1, random_state=0)
    pd.testing.assert_series_equal(thin(mixed, {"A": 20, "B": 30}).sort_index(), kept)
    assert not thin(records, {"A": 20, "B": 30}, seed=1).equals(kept)


@pytest.mark.parametrize("hashed", [True, False])
def test_the_same_photos_are_kept_wherever_they_lie(hashed):
    records = photos({"A": 50})
    if not hashed:
        records["sha256"] = ""
    moved = records.assign(path=records["path"].str.replace("/here", "/far/away/photos"))
    assert thin(records, {"A": 20}).tolist() == thin(moved, {"A": 20}).tolist()
    if hashed:  # nor does the name matter, where the picture is known
        renamed = records.assign(path=[f"x/{i}.jpg" for i in range(50)])
        assert thin(records, {"A": 20}).tolist() == thin(renamed, {"A": 20}).tolist()


def test_the_most_informative_are_kept_and_ties_are_drawn():
    records = photos({"A": 100}).assign(information=[7.0] * 60 + [5.0] * 30 + [math.nan] * 10)
    kept = thin(records, {"A": 30}, informative=True)
    assert kept[:60].sum() == 30
    assert not kept[:30].all()  # drawn, and not the first
    kept = thin(records, {"A": 95}, informative=True)
    assert kept[:90].all()
    assert kept[90:].sum() == 5
