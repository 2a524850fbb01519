"""The figures of a run folder, and how to read each of them."""

from collections.abc import Mapping
from pathlib import Path

from kangaroo.pages import elements
from kangaroo.pages.text import words

# How to read each figure. A file's stem is the key, or the key, '_' and something of its own (a class);
# the order here is the order on the page.
FIGURES: Mapping[str, tuple[str, str]] = {
    "confusion_matrix": (
        "Confusion matrix",
        "Each row holds the photos of one class, each column what the model called them. The diagonal is "
        "right; everything beside it shows which classes are taken for which.",
    ),
    "reliability": (
        "Reliability",
        "Where points lie on the diagonal, a confidence of 80 % means right four times out of five. Where "
        "they lie under it, the model is too sure of itself. Bins with few photos (below) say little.",
    ),
    "errors": (
        "Distance errors",
        "The share of photos whose guess lies within a distance of the truth: the further up and to the left "
        "a line runs, the better. Dashed lines are answers that were given without a look at the photo.",
    ),
    "error_map": (
        "Map of errors",
        "Where photos were taken, and how far from there the guess is. Places that are wrong together look "
        "like another part of the map, or were hardly seen in training.",
    ),
    "belief": (
        "Belief",
        "How likely the model finds each part of the map. Two likely parts that lie far apart look alike to "
        "it; an even colour means that it has no idea.",
    ),
    "cells": (
        "Cells",
        "What the model chooses from, by number of training photos. A cell that has none is never guessed, "
        "and a cell that has few is seldom right.",
    ),
    "losses": (
        "Losses",
        "The same network and the same photos with each of the losses. A loss that knows distances should "
        "bring wrong guesses nearer; what it costs in accuracy stands beside it.",
    ),
    "history": (
        "Training",
        "Accuracy should rise, loss and distance should fall. Where validation turns away from training, the "
        "network has begun to learn the training photos by heart. The dotted line marks the epoch that was "
        "kept.",
    ),
    "correct": ("Correct", "Random photos that the model named rightly, with its confidence."),
    "wrong": ("Wrong", "Random mistakes: the right class, what the model called it, and its confidence."),
    "unsure": ("Unsure", "The photos on which the model was least sure: what is hard about them?"),
    "photos_by_state": (
        "Photos by state",
        "Where bars differ much, the model has seen much more of some places than of others.",
    ),
    "locations": (
        "Locations",
        "Each dot is a place, each cross one without a photo. Empty stretches are landscapes that the model "
        "never saw.",
    ),
    "augmentation": (
        "Augmentation",
        "Training photos, and what the network is shown in their place, each time anew. Whoever knows the "
        "place should still know it.",
    ),
    "examples": ("Examples", "Random photos of the data set, chosen without asking the model."),
}

NEIGHBOURHOOD = "neighbourhood.html"


def figures(folder: Path) -> str:
    """Every figure in ``folder``/figures, and a link to the map of cells where ``folder`` has one."""
    return elements.section("Figures", _link(folder / NEIGHBOURHOOD), _embedded(folder / "figures"))


def _link(path: Path) -> str:
    if not path.exists():
        return ""
    return (
        f'<p><a href="{path.name}">What the model takes the photos of each cell for</a>: a map to explore, '
        "in a file of its own that lies beside this page.</p>"
    )


def _embedded(folder: Path) -> str:
    order = list(FIGURES)
    # A name that begins with a dot is a file that was never finished.
    found = [(_key(path.stem), path) for path in sorted(folder.glob("[!.]*.png"))]
    found.sort(key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
    return elements.figures(elements.figure(path, *_caption(key, path.stem)) for key, path in found)


def _key(stem: str) -> str:
    return next((key for key in FIGURES if stem == key or stem.startswith(f"{key}_")), stem)


def _caption(key: str, stem: str) -> tuple[str, str]:
    title, caption = FIGURES.get(key, (words(stem).capitalize(), ""))
    own = stem.removeprefix(key).strip("_")
    return f"{title}: {words(own)}" if own else title, caption
