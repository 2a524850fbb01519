import time

import numpy as np
import pandas as pd
import pytest

from kangaroo.data.spatial_split import SplitSettings, counts, gap_km, split_apart
from kangaroo.data.splits import split_by_place
from kangaroo.errors import DataError
from kangaroo.geo.distance import haversine_km

NAN = float("nan")


def photos(n, *, name="A", at=(48.0, 11.0), spread=1.0, each=1, seed=0):
    """Places spread normally (degrees) around a point, with as many photos each."""
    lat, lon = np.array(at)[:, None] + spread * np.random.default_rng(seed).normal(size=(2, n))
    table = pd.DataFrame({"class": name, "place": [f"{name}{i}" for i in range(n)], "lat": lat, "lon": lon})
    return table.loc[table.index.repeat(each)].reset_index(drop=True)


def brute_gap(table, sides):
    known = table[(sides != "") & table["lat"].notna()]
    side = sides[known.index].to_numpy()
    lat, lon = known["lat"].to_numpy(), known["lon"].to_numpy()
    distance = haversine_km(lat[:, None], lon[:, None], lat, lon)
    return distance[side[:, None] != side].min()


def shares(table, sides):
    return pd.crosstab(table["class"], sides, normalize="index")


def whole(keys, sides):
    kept = sides[sides != ""]
    return kept.groupby(keys[kept.index]).nunique().max() == 1


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("validation", "test"), [(0.2, 0), (0.2, 0.1), (0.05, 0.05)])
def test_sides_keep_their_distance_and_every_class_its_shares(validation, test, seed):
    table = pd.concat(
        [
            photos(500, name="scattered", spread=3, each=2),
            photos(700, name="city", at=(47, 12), spread=0.12),
            photos(300, name="next to it", at=(47, 12.5), spread=0.2),
        ],
        ignore_index=True,
    )
    sides = split_apart(table, SplitSettings(validation, test, 1, seed))
    gap = brute_gap(table, sides)
    assert gap >= 1
    assert gap_km(table["lat"], table["lon"], sides) == pytest.approx(gap)
    found = shares(table, sides)
    assert found["validation"].to_numpy() == pytest.approx(validation, rel=0.12)
    if test:
        assert found["test"].to_numpy() == pytest.approx(test, rel=0.12)
    assert (sides == "").mean() < 0.08
    assert whole(table["place"], sides)


def test_nothing_is_left_out_where_blocks_are_small():
    table = photos(400, spread=5, each=4)
    sides = split_apart(table, SplitSettings(0.2, 0.1, 1))
    assert sides.value_counts().to_dict() == {"training": 1120, "validation": 320, "test": 160}


def test_a_city_stays_whole_where_the_country_is_enough():
    table = pd.concat([photos(300, spread=5), photos(300, spread=0.004)], ignore_index=True)
    table["place"] = table.index.astype(str)
    sides = split_apart(table, SplitSettings(0.2, 0.1, 1))
    assert (sides != "").all()
    assert (sides[300:] == "training").all()


def test_of_two_cities_the_one_is_cut_that_can_be():
    dense, wide = photos(900, spread=0.001), photos(800, at=(40.0, 11.0), spread=0.03)
    table = pd.concat([dense, wide], ignore_index=True)
    table["place"] = table.index.astype(str)
    sides = split_apart(table, SplitSettings(0.2, 0, 1))
    assert (sides[:900] == "training").all()
    assert (sides == "validation").sum() == pytest.approx(340, rel=0.1)


def test_a_city_alone_is_cut_and_little_is_lost():
    table = photos(20_000, spread=0.15)  # 17 km
    sides = split_apart(table, SplitSettings(0.2, 0.1, 1))
    assert shares(table, sides).loc["A", ["validation", "test"]].tolist() == pytest.approx(
        [0.2, 0.1], abs=0.005
    )
    assert 0 < (sides == "").mean() < 0.04
    assert gap_km(table["lat"], table["lon"], sides) >= 1


@pytest.mark.parametrize("at", [(-17.0, 179.98), (90.0, 0.0)], ids=["antimeridian", "pole"])
def test_cuts_across_the_antimeridian_and_at_the_pole(at):
    table = photos(1500, at=at, spread=0.03)
    table["lon"] = (table["lon"] + 180) % 360 - 180
    if at[0] > 80:
        table["lon"] = np.random.default_rng(1).uniform(-180, 180, 1500)
        table["lat"] = 90 - (90 - table["lat"]).abs()
    sides = split_apart(table, SplitSettings(0.2, 0.1, 1))
    assert brute_gap(table, sides) >= 1
    assert set(sides) == {"training", "validation", "test", ""}


def test_without_a_gap_and_without_a_test_it_is_the_split_of_the_experiments():
    rng = np.random.default_rng(0)
    table = pd.concat([photos(90, name="A"), photos(200, name="B")], ignore_index=True)
    table = table.loc[table.index.repeat(rng.integers(1, 6, len(table)))].reset_index(drop=True)
    expected = split_by_place(table, validation=0.2, seed=3)
    pd.testing.assert_series_equal(split_apart(table, SplitSettings(seed=3)), expected, check_dtype=False)


def test_neither_the_order_of_rows_nor_the_run_matters_but_the_seed_does():
    table = photos(2000, spread=0.1)
    settings = SplitSettings(0.2, 0.1, 0.5)
    sides = split_apart(table, settings)
    mixed = table.sample(frac=1, random_state=1)
    again = split_apart(mixed, settings).set_axis(mixed.index).sort_index()
    assert again.tolist() == sides.tolist()
    scattered = photos(200, spread=5)
    one, other = (split_apart(scattered, SplitSettings(seed=seed)) for seed in (0, 1))
    assert one.tolist() != other.tolist()


def test_panoramas_drives_and_look_alikes_stay_together():
    rng = np.random.default_rng(0)
    table = photos(600, spread=5).assign(
        pano_id=[f"p{i}" if i < 300 else "" for i in rng.integers(0, 400, 600)],
        sequence=[f"s{i}" if i < 50 else "" for i in rng.integers(0, 100, 600)],
    )
    alike = pd.Series([f"l{i}" if i < 100 else "" for i in rng.integers(0, 400, 600)])
    sides = split_apart(table, SplitSettings(0.2, 0.1, 1), alike=alike)
    for keys in (table["pano_id"], table["sequence"], alike):
        assert whole(keys.where(keys != "", keys.index.astype(str)), sides)


def test_photos_without_coordinates_go_with_their_groups():
    table = photos(300, spread=4, each=2)
    table.loc[::2, ["lat", "lon"]] = NAN
    sides = split_apart(table, SplitSettings(0.2, 0.1, 1))
    assert whole(table["place"], sides)
    nowhere = table.assign(lat=NAN, lon=NAN)
    sides = split_apart(nowhere, SplitSettings(0.2, 0.1, 1))
    assert gap_km(nowhere["lat"], nowhere["lon"], sides) is None
    assert set(sides) == {"training", "validation", "test"}


def test_a_place_of_two_classes_counts_for_both():
    table = pd.concat([photos(200, name="A", spread=4), photos(200, name="B", spread=4)], ignore_index=True)
    table["place"] = np.tile(np.arange(200), 2).astype(str)
    sides = split_apart(table, SplitSettings(0.2, 0.1, 1))
    assert whole(table["place"], sides)
    assert (shares(table, sides)["validation"] - 0.2).abs().max() <= 0.01


@pytest.mark.parametrize(
    ("sizes", "validation"), [([1, 1], 0.01), ([1, 1], 0.98), ([50, 3], 0.02), ([5, 5, 5], 0.9)]
)
def test_each_side_has_a_place(sizes, validation):
    places = np.repeat([f"p{i}" for i in range(len(sizes))], sizes)
    table = pd.DataFrame({"class": "A", "place": places, "lat": NAN, "lon": NAN})
    assert set(split_apart(table, SplitSettings(validation))) == {"training", "validation"}


def test_counts_are_by_side_and_class():
    sides = pd.Series(["test", "training", "", "training", "validation"])
    assert counts(pd.Series(list("ABABB")), sides) == {
        "training": {"A": 0, "B": 2},
        "validation": {"A": 0, "B": 1},
        "test": {"A": 1, "B": 0},
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation": 0}, "the shares 0 for validation and 0 for test"),
        ({"validation": 0.7, "test": 0.3}, "leave none for training"),
        ({"test": -0.1}, "give such as"),
        ({"min_gap_km": -1}, "a gap of -1 km"),
        ({"min_gap_km": NAN}, "a gap of nan km"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(DataError, match=message):
        SplitSettings(**settings)


def test_a_class_within_one_gap_is_named():
    table = pd.concat([photos(50, spread=3), photos(50, name="B", spread=0.001)], ignore_index=True)
    with pytest.raises(
        DataError, match=r"^class 'B' has photos of 1 place\(s\) only that are 1 km apart, .*smaller"
    ):
        split_apart(table, SplitSettings(0.2, 0.1, 1))


@pytest.mark.parametrize("kind", ["cities", "country"])
def test_a_hundred_thousand_photos_take_seconds(kind):
    table = photos(100_000, spread=0.2 if kind == "cities" else 5)
    start = time.perf_counter()
    sides = split_apart(table, SplitSettings(0.2, 0.1, 1))
    gap = gap_km(table["lat"], table["lon"], sides)
    assert time.perf_counter() - start < 30
    assert gap >= 1
