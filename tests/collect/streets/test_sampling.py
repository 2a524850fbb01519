"""Points along roads: shares by hand, uniformity against lengths that OSMnx and a sphere give."""

import json
import os
from pathlib import Path

import networkx as nx
import numpy as np
import osmnx
import pandas as pd
import pytest
import shapely
from scipy.stats import chisquare, kstest

from kangaroo.cli import main
from kangaroo.collect.streets.networks import Network, network_files, read_network, write_network
from kangaroo.collect.streets.sampling import SampleSettings, sample, shares
from kangaroo.errors import DataError
from kangaroo.geo.distance import haversine_km


@pytest.fixture(scope="module")
def networks():
    folder = os.environ.get("KANGAROO_NETWORKS")
    if not folder:
        pytest.skip("KANGAROO_NETWORKS is not set")
    return Path(folder)


def network(nodes, edges, country="Norway", state="Toy"):
    """``nodes`` name -> (lat, lon); ``edges`` (from, to, tags)."""
    graph = nx.MultiDiGraph(crs="epsg:4326", simplified=True)
    for name, (lat, lon) in nodes.items():
        graph.add_node(name, x=lon, y=lat)
    for u, v, tags in edges:
        graph.add_edge(u, v, highway="primary", **tags)
    return Network(country, state, graph)


# At 60 degrees a degree of longitude is half as long as one of latitude: north 2 parts, east 1 part.
CORNER = {"a": (60.0, 10.0), "north": (60.1, 10.0), "east": (60.0, 10.1)}
TWO_ROADS = [("a", "north", {}), ("a", "east", {})]


def north_of(points):
    return (points["lon"] == 10.0).sum()


def test_a_degree_of_longitude_is_shorter_than_one_of_latitude():
    points = sample([network(CORNER, TWO_ROADS)], SampleSettings(9000))
    lengths = [float(haversine_km(60, 10, *CORNER[end])) for end in ("north", "east")]
    assert lengths[0] / lengths[1] == pytest.approx(2, rel=1e-3)
    expected = 9000 * np.array(lengths) / sum(lengths)
    assert chisquare([north_of(points), 9000 - north_of(points)], expected).pvalue > 0.001
    # Along the road to the north, metres are equally likely too.
    lat = points.loc[points["lon"] == 10.0, "lat"]
    assert kstest((lat - 60) / 0.1, "uniform").pvalue > 0.001


def test_two_directions_are_one_road():
    both = [*TWO_ROADS, ("north", "a", {"oneway": False})]
    once, twice = (sample([network(CORNER, edges)], SampleSettings(500)) for edges in (TWO_ROADS, both))
    pd.testing.assert_frame_equal(once, twice)


@pytest.mark.parametrize("tag", ["yes", "building_passage", ["no", "yes"]])
def test_nothing_in_tunnels(tag):
    edges = [("a", "north", {"tunnel": tag}), ("a", "east", {"tunnel": "no"})]
    points = sample([network(CORNER, edges)], SampleSettings(200))
    assert north_of(points) == 0


def test_points_follow_the_bends():
    bent = shapely.LineString([(10, 60), (10.02, 60.01), (10, 60.02)])
    nodes = {"a": (60, 10), "b": (60.02, 10)}
    points = sample([network(nodes, [("a", "b", {"geometry": bent})])], SampleSettings(300))
    off = shapely.distance(bent, shapely.points(points["lon"], points["lat"]))
    assert off.max() < 2e-6  # degrees: a geodesic of 1.6 km bulges by a few centimetres
    assert points["lon"].between(10.005, 10.02).mean() == pytest.approx(0.75, abs=0.1)


def test_the_same_seed_gives_the_same_points_and_fewer_are_the_first_of_more():
    roads = [network(CORNER, TWO_ROADS)]
    first, again, other = (sample(roads, SampleSettings(50, seed)) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first, again)
    assert not np.intersect1d(first["lat"] + first["lon"], other["lat"] + other["lon"]).size
    pd.testing.assert_frame_equal(sample(roads, SampleSettings(20, 3)), first[:20])


def test_neither_the_order_of_networks_nor_of_edges_matters():
    one = network(CORNER, TWO_ROADS, state="One")
    other = network(CORNER, TWO_ROADS[::-1], state="Other")
    settings = SampleSettings(101, min_spacing=5)
    points = sample([one, other], settings)
    pd.testing.assert_frame_equal(points, sample([other, one], settings))
    alone = sample([network(CORNER, TWO_ROADS[::-1], state="One")], SampleSettings(50))
    pd.testing.assert_frame_equal(alone, sample([one, other], SampleSettings(100))[:50])


def test_two_states_do_not_get_the_same_points():
    points = sample([network(CORNER, TWO_ROADS, state=s) for s in "AB"], SampleSettings(100))
    assert not points.duplicated(["lat", "lon"]).any()


@pytest.mark.parametrize(
    ("weights", "n", "expected"),
    [
        ([1, 1, 1], 10, [4, 3, 3]),  # quotas 3.33: the first of equals gets the one left over
        ([41, 35, 24], 10, [4, 4, 2]),  # quotas 4.1, 3.5, 2.4
        ([100, 1, 1], 1, [1, 0, 0]),
        ([0, 5], 7, [0, 7]),
        (np.sqrt([1, 4, 9]), 60, [10, 20, 30]),
    ],
)
def test_largest_remainders(weights, n, expected):
    assert list(shares(weights, n)) == expected


def test_shares_are_exact_whatever_the_weights():
    rng = np.random.default_rng(0)
    for _ in range(200):
        weights, n = rng.random(rng.integers(1, 20)) ** 3, int(rng.integers(1, 20_000))
        numbers = shares(weights, n)
        assert numbers.sum() == n
        assert (np.abs(numbers - n * weights / weights.sum()) < 1).all()


def test_states_share_by_nodes_length_or_evenly():
    chain = {i: (60 + i / 100, 10.0) for i in range(16)}
    long = network(chain, [(i, i + 1, {}) for i in range(15)], state="Chain")  # 16 nodes, 0.15 degrees
    short = {i: chain[i] for i in (0, 1, 2, 5)}
    small = network(short, [(0, 1, {}), (1, 2, {}), (2, 5, {})], state="Small")  # 4 nodes, 0.05 degrees
    found = {
        share: list(sample([long, small], SampleSettings(1200, share=share)).groupby("state").size())
        for share in ("sqrt-nodes", "length", "even")
    }
    assert found == {"sqrt-nodes": [800, 400], "length": [900, 300], "even": [600, 600]}


def test_a_spacing_is_kept_within_and_between_states():
    pair = [network(CORNER, TWO_ROADS, state=s) for s in "AB"]  # the same roads twice: 16.7 km
    points = sample(pair, SampleSettings(60, min_spacing=100))
    assert len(points) == 60
    lat, lon = points["lat"].to_numpy(), points["lon"].to_numpy()
    metres = 1000 * haversine_km(lat[:, None], lon[:, None], lat, lon)
    assert metres[~np.eye(60, dtype=bool)].min() >= 100


def test_a_spacing_that_leaves_no_room_is_said():
    with pytest.raises(DataError, match=r"only \d+ of 200 points find room in Toy, Norway, 500 m apart"):
        sample([network(CORNER, TWO_ROADS)], SampleSettings(200, min_spacing=500))


def test_one_point_fits_whatever_the_spacing():
    assert len(sample([network(CORNER, TWO_ROADS)], SampleSettings(1, min_spacing=1e9))) == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n": 0}, "0 points"),
        ({"seed": -1}, "seed -1"),
        ({"share": "fair"}, "no share 'fair'"),
        ({"min_spacing": -1.0}, "-1.0 m"),
        ({"min_spacing": float("nan")}, "nan m"),
    ],
)
def test_settings_are_checked(wrong, message):
    with pytest.raises(DataError, match=message):
        SampleSettings(**wrong)


def test_networks_are_checked():
    toy = network(CORNER, TWO_ROADS)
    with pytest.raises(DataError, match="two networks of Toy, Norway"):
        sample([toy, toy], SampleSettings(5))
    with pytest.raises(DataError, match="is in a tunnel"):
        sample([network(CORNER, [("a", "north", {"tunnel": "yes"})])], SampleSettings(5))


@pytest.mark.parametrize("file", ["Austria/Vorarlberg", "New Zealand/Nelson", "Australia/northern_territory"])
def test_points_fall_on_real_roads_by_their_length(networks, file):
    """Against OSMnx's own undirected, projected edges, found by the nearest one."""
    path = networks / f"{file}.graphml"
    points = sample([read_network(path)], SampleSettings(4000, seed=1))
    graph = osmnx.convert.to_undirected(osmnx.project_graph(osmnx.load_graphml(path)))
    edges = osmnx.convert.graph_to_gdfs(graph, nodes=False)
    if "tunnel" in edges:
        edges = edges[edges["tunnel"].isna()]
    metric = osmnx.projection.project_geometry
    where, _ = metric(shapely.MultiPoint(points[["lon", "lat"]].to_numpy()), to_crs=edges.crs)
    (row, edge), off = edges.sindex.nearest(np.array(where.geoms), return_all=False, return_distance=True)
    assert len(row) == len(points)
    assert off.max() < 3  # metres; a straight line of 14 km is a little bent in another projection
    # Edges in a random order, in some 50 groups of like length, so that every group expects enough points.
    order = np.random.default_rng(0).permutation(len(edges))
    length = edges.length.to_numpy()[order]
    group = np.empty(len(edges), dtype=int)
    group[order] = np.minimum(50 * length.cumsum() / length.sum(), 49.999).astype(int)
    observed = np.bincount(group[edge], minlength=50)
    expected = np.bincount(group, weights=edges.length, minlength=50) / edges.length.sum() * len(points)
    kept = expected > 5
    scale = observed[kept].sum() / expected[kept].sum()
    assert scale == pytest.approx(1, abs=0.01)
    assert chisquare(observed[kept], scale * expected[kept]).pvalue > 0.001


def test_every_real_network_gives_its_share(networks):
    found = [read_network(file) for file in network_files([networks])]
    points = sample(found, SampleSettings(10_000))
    nodes = {(one.country, one.state): one.graph.number_of_nodes() for one in found}
    weight = pd.Series(nodes) ** 0.5
    quota = 10_000 * weight / weight.sum()
    assert len(points) == 10_000
    assert ((points.groupby(["country", "state"]).size() - quota).abs() < 1).all()
    assert list(points.columns) == ["lat", "lon", "country", "state"]


@pytest.fixture
def collect(capsys, tmp_path, monkeypatch):
    """Run the command in a folder that holds two networks."""
    for state, edges in (("Tyrol", TWO_ROADS), ("Vienna", TWO_ROADS[:1])):
        write_network(
            network(CORNER, edges, "Austria", state), tmp_path / f"nets/Austria/{state}.graphml", {}
        )
    monkeypatch.chdir(tmp_path)

    def run(*argv):
        code = main(["collect", "points", *map(str, argv)])
        return code, *capsys.readouterr()

    return run


def test_the_command_writes_the_table_and_says_what_it_did(collect):
    code, out, _ = collect("nets", "--n", 30, "--out", "a/points.csv", "--json", "--plot", "a/points.png")
    result = json.loads(out)
    assert (code, result["points"], result["share"]) == (0, 30, "sqrt-nodes")
    assert [(row["state"], row["nodes"], row["points"]) for row in result["states"]] == [
        ("Tyrol", 3, 17),  # sqrt(3) : sqrt(2) = 16.5 : 13.5
        ("Vienna", 2, 13),
    ]
    text = Path("a/points.csv").read_text()
    assert text.startswith("lat,lon,country,state\n60.0")
    assert len(text.splitlines()) == 31
    assert Path("a/points.png").stat().st_size > 10_000
    again = collect("nets/Austria", "--n", 30, "--out", "b.csv")[1]
    assert "Tyrol, Austria: 17 points on 17 km of road (0 km in tunnels left out)" in again
    assert Path("b.csv").read_text() == text


def test_names_can_be_given(collect):
    file = "nets/Austria/Vienna.graphml"
    collect(file, "--n", 1, "--country", "cz", "--state", "Prague", "--out", "a.csv")
    assert Path("a.csv").read_text().splitlines()[1].endswith(",Czechia,Prague")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["nets", "--n", "0"], "0 points can't be drawn"),
        (["nets", "--share", "fair"], "sqrt-nodes, length, even"),
        (["nets", "--roads", "motorway"], "has no road of class motorway: it has primary"),
        (["nets", "--min-spacing", "5000"], "5000 m apart"),
        (["nets", "--state", "Styria"], "two networks of Styria, Austria"),
        (["nowhere"], "nowhere is no network"),
        (["nowhere.osm"], "no such file: nowhere.osm"),
        (["nets", "--out", "nets"], "nets"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(collect, argv, message):
    code, out, err = collect("--out", "a.csv", *argv)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err
    assert not Path("a.csv").exists()
