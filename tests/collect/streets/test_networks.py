"""Networks in files: a hand-made town in every format, and real ones."""

import math
import os
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import osmnx
import pytest
from pyproj import Geod
from shapely.geometry import box

from kangaroo.collect.streets.networks import (
    Network,
    measure,
    network_files,
    read_graph,
    read_network,
    write_network,
)
from kangaroo.errors import DataError
from kangaroo.geo.distance import haversine_km

# Nodes 1, 2, 3 a bent main road; 3-5 a tunnel on the same road; 5-6 open again; 3-4 a one-way motorway.
NODES = {1: (47.20, 13.00), 2: (47.21, 13.02), 3: (47.20, 13.04), 4: (47.25, 13.04), 5: (47.20, 13.06)}
NODES |= {6: (47.20, 13.08), 7: (47.19, 13.00), 8: (47.22, 13.08), 9: (47.22, 13.10), 10: (47.23, 13.10)}
WAYS = {
    20: ([1, 2, 3], {"highway": "primary"}),
    21: ([3, 4], {"highway": "motorway", "oneway": "yes"}),
    22: ([3, 5], {"highway": "primary", "tunnel": "yes"}),
    23: ([5, 6], {"highway": "primary", "tunnel": "no"}),
    24: ([1, 7], {"highway": "residential"}),
    25: ([6, 8], {"highway": "secondary_link", "oneway": "yes"}),
    26: ([8, 9, 10, 8], {"highway": "primary", "area": "yes"}),
    27: ([7, 9, 10, 7], {"building": "yes"}),
}
XML = "".join(
    [
        "<osm version='0.6'>",
        *(f"<node id='{i}' version='1' lat='{lat}' lon='{lon}'/>" for i, (lat, lon) in NODES.items()),
        *(
            f"<way id='{i}' version='1'>"
            + "".join(f"<nd ref='{node}'/>" for node in nodes)
            + "".join(f"<tag k='{key}' v='{value}'/>" for key, value in tags.items())
            + "</way>"
            for i, (nodes, tags) in WAYS.items()
        ),
        "</osm>",
    ]
)


def km(*nodes):
    """Length of a line of nodes on the sphere, which is within 0.5 % of the ellipsoid."""
    return sum(float(haversine_km(*NODES[a], *NODES[b])) for a, b in pairwise(nodes))


@pytest.fixture
def town(tmp_path):
    folder = tmp_path / "Austria"
    folder.mkdir()
    (folder / "salzburg.osm").write_text(XML, encoding="utf-8")
    return folder / "salzburg.osm"


@pytest.fixture(scope="module")
def networks():
    folder = os.environ.get("KANGAROO_NETWORKS")
    if not folder:
        pytest.skip("KANGAROO_NETWORKS is not set")
    return Path(folder)


def as_pbf(osm):
    osmium = pytest.importorskip("osmium")
    path = osm.with_suffix(".osm.pbf")
    with osmium.SimpleWriter(path) as writer:
        for thing in osmium.FileProcessor(osm):
            writer.add(thing)
    return path


def test_an_osm_file_is_cut_to_the_classes_and_measured(town):
    network = read_network(town)
    statistics = measure(network)
    assert (network.country, network.state) == ("Austria", "Salzburg")
    assert statistics.length_km == pytest.approx(km(1, 2, 3) + km(3, 4) + km(3, 5, 6) + km(6, 8), rel=5e-3)
    assert statistics.tunnel_km == pytest.approx(km(3, 5), rel=5e-3)
    assert dict(statistics.length_km_by_road) == pytest.approx(
        {"motorway": km(3, 4), "primary": km(1, 2, 3) + km(3, 5, 6), "secondary": km(6, 8)}, rel=5e-3
    )
    assert sum(statistics.length_km_by_road.values()) == pytest.approx(statistics.length_km)
    # 2 is no junction; 5 is the mouth of a tunnel. Three two-way edges count twice, two one-way ones once.
    assert (statistics.nodes, statistics.edges) == (6, 8)


def test_lengths_are_the_ellipsoids(town):
    stretches = read_network(town).stretches
    expected = sum(
        Geod(ellps="WGS84").line_length([NODES[i][1] for i in nodes], [NODES[i][0] for i in nodes])
        for nodes in ([1, 2, 3, 5, 6, 8], [3, 4])
    )
    assert stretches["metres"].sum() == pytest.approx(expected, rel=1e-12)
    assert len(stretches) == 6  # each direction of a two-way road is the same stretch


def test_a_pbf_file_is_the_same_network(town):
    from_osm, from_pbf = read_network(town), read_network(as_pbf(town))
    assert (from_pbf.country, from_pbf.state) == ("Austria", "Salzburg")
    assert measure(from_pbf) == measure(from_osm)
    assert from_pbf.stretches.equals(from_osm.stretches)


def test_other_classes_can_be_asked_for(town):
    assert set(read_network(town, ["motorway"]).stretches["road"]) == {"motorway"}
    assert set(read_network(town, ["secondary"]).stretches["road"]) == {"secondary"}  # a link
    assert measure(read_network(town, ["residential"])).length_km == pytest.approx(km(1, 7), rel=5e-3)


def test_graphml_comes_back_as_it_was(town, tmp_path):
    network = read_network(town)
    path = tmp_path / "elsewhere.graphml"
    write_network(network, path, {"query": "any"})
    back = read_network(path)
    assert (back.country, back.state) == ("Austria", "Salzburg")
    assert back.graph.graph["query"] == "any"
    assert measure(back) == measure(network)
    assert back.stretches.equals(network.stretches)


def test_names_that_are_given_come_first(town):
    network = read_network(town, country="at", state="Pinzgau")
    assert (network.country, network.state, network.name) == ("Austria", "Pinzgau", "Pinzgau, Austria")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Australia/northern_territory.graphml", ("Australia", "Northern Territory")),
        ("new_zealand/Gisborne.graphml", ("New Zealand", "Gisborne")),
        ("nets/Salzburg.graphml", ("Austria", "Salzburg")),
        ("Narnia/Cair Paravel.graphml", ("Narnia", "Cair Paravel")),
        ("Canada/Victoria.graphml", ("Canada", "Victoria")),
    ],
)
def test_names_of_the_path(town, tmp_path, path, expected):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    osmnx.save_graphml(osmnx.graph_from_xml(town), file)
    network = read_network(file)
    assert (network.country, network.state) == expected


def test_projected_graphml_with_other_ids_is_read(town, tmp_path):
    graph = osmnx.project_graph(osmnx.graph_from_xml(town, simplify=False, retain_all=True))
    graph = nx.relabel_nodes(graph, {node: f"n{node}" for node in graph})
    osmnx.save_graphml(graph, tmp_path / "a.graphml")
    back = read_network(tmp_path / "a.graphml", ["primary", "secondary", "motorway"])
    expected = read_network(town).stretches["metres"].sum()
    assert back.stretches["metres"].sum() == pytest.approx(expected, rel=1e-6)


def test_graphml_of_others_is_read_directed_or_not_simplified_or_not(town, tmp_path):
    expected = read_network(town).stretches["metres"].sum()
    raw = osmnx.graph_from_xml(town, simplify=False, retain_all=True)
    simple = read_network(town).graph
    del simple.graph["simplified"]
    for i, graph in enumerate([raw, simple, raw.to_undirected(), osmnx.convert.to_undirected(simple)]):
        osmnx.save_graphml(graph, tmp_path / f"{i}.graphml")
        back = read_network(tmp_path / f"{i}.graphml", ["primary", "secondary", "motorway"])
        assert back.stretches["metres"].sum() == pytest.approx(expected)
        assert measure(back).nodes == 6


def test_joined_edges_count_under_their_highest_class_and_as_tunnel():
    graph = nx.MultiDiGraph(crs="epsg:4326", simplified=True)
    graph.add_node("a", x=0.0, y=0.0)
    graph.add_node("b", x=0.0, y=0.1)
    graph.add_node("c", x=0.0, y=0.3)
    graph.add_edge("a", "b", highway=["secondary", "motorway_link"], tunnel=["no", "avalanche_protector"])
    graph.add_edge("b", "c", highway="tertiary", tunnel="no")
    graph.add_edge("c", "b", highway="tertiary")
    statistics = measure(Network("X", "Y", graph))
    by_road = statistics.length_km_by_road
    assert list(by_road) == ["motorway", "tertiary"]
    assert by_road["tertiary"] == pytest.approx(2 * by_road["motorway"], rel=1e-4)
    assert statistics.tunnel_km == pytest.approx(by_road["motorway"])


def test_cut_keeps_what_lies_inside(town):
    east = read_graph(
        town, within=box(13.01, 47, 13.07, 47.22)
    )  # 2 is no junction, but the last point inside
    assert set(east) == {2, 3, 5}
    with pytest.raises(DataError, match=r"salzburg.osm has no road inside"):
        read_graph(town, within=box(0, 0, 1, 1))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.graphml", "no XML", "is no street network"),
        ("b.graphml", "<graphml xmlns='http://graphml.graphdrawing.org/xmlns'></graphml>", "b.graphml"),
        ("c.osm", "<osm></osm>", "c.osm"),
        ("d.osm", "no XML", "is no street network"),
        ("e.osm", XML.replace("<node id='3'", "<node id='33'"), "is no street network"),
        ("f.pbf", "no PBF", "is no street network"),
        ("g.txt", "text", "give a file that ends in .graphml, .osm, .pbf"),
        ("h.osm", XML.replace("motorway", "x").replace("primary", "y").replace("secondary", "z"), "--roads"),
        ("i.osm", XML.replace("lat='47", "lat='147"), "no degrees"),
    ],
)
def test_a_file_that_is_no_network_is_named(tmp_path, name, content, message):
    if name.endswith(".pbf"):
        pytest.importorskip("osmium")
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as error:
        read_network(tmp_path / name)
    assert message in str(error.value)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_class_that_is_not_there_or_none(town):
    with pytest.raises(DataError, match="it has motorway, primary, residential, secondary"):
        read_network(town, ["trunk"])
    with pytest.raises(DataError, match="no road class 'alley'"):
        read_network(town, ["alley"])
    with pytest.raises(DataError, match="no such file"):
        read_network(town.with_name("no.osm"))


def test_folders_hold_networks(town, tmp_path):
    (tmp_path / "Austria" / ".Tyrol.1.part.graphml").touch()
    assert network_files([tmp_path, town]) == [town]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no networks in"):
        network_files([tmp_path / "empty"])


@pytest.mark.parametrize("file", ["Austria/Vorarlberg", "New Zealand/Nelson", "Australia/northern_territory"])
def test_real_networks_are_as_long_as_osmnx_finds_them(networks, file):
    path = networks / f"{file}.graphml"
    statistics = measure(read_network(path))
    graph = osmnx.load_graphml(path)
    edges = osmnx.convert.graph_to_gdfs(osmnx.convert.to_undirected(osmnx.project_graph(graph)), nodes=False)
    # UTM's scale runs from 0.9996 to 1.005 over the Northern Territory.
    assert statistics.length_km == pytest.approx(edges.length.sum() / 1000, rel=1e-3)
    assert (statistics.nodes, statistics.edges) == (len(graph), graph.number_of_edges())
    tag = edges.get("tunnel", np.full(len(edges), np.nan))
    tunnel = [not (isinstance(value, float) and math.isnan(value)) for value in tag]
    assert statistics.tunnel_km == pytest.approx(edges.length[tunnel].sum() / 1000, rel=1e-3)
