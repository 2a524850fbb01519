"""What the explanations came to: figures, tables, sentences, a page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from keras import ops
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.attribution.measures import Chosen, choose, faithfulness, rules
from experiments.attribution.settings import AttributionSettings
from kangaroo.attack.gradient import Attack
from kangaroo.attack.settings import AttackConfig
from kangaroo.explain.display import Explained
from kangaroo.explain.faithfulness import Curves, Faithfulness, table
from kangaroo.explain.integrated import scores
from kangaroo.explain.methods import Explanation, explain_inputs
from kangaroo.explain.settings import NAMES, Settings
from kangaroo.models.classifier import Classifier
from kangaroo.models.graph import takes_pixels
from kangaroo.plots import attribution
from kangaroo.plots import faithfulness as faithfulness_plots
from kangaroo.plots.style import headline
from kangaroo.runs.analysis import Drawn, Findings, PageTable, common_metrics
from kangaroo.runs.figures import figure_of
from kangaroo.runs.photos import Data

REPORTS = ("trapezoid", 50)  # the report's rule and its number of steps
BEST = ("adaptive", 0.01)
KINDS: tuple[Literal["deletion"], Literal["insertion"]] = ("deletion", "insertion")
CAPTIONS: Mapping[str, tuple[str, str]] = {
    "rules": (
        "How exact integrated gradients are",
        "The attributions should sum to the change of the score. By how much they miss it, against the "
        "number of gradients taken. Lines are medians, bands hold the middle half of the photos. The "
        "adaptive rule looks where the gradients miss the score most.",
    ),
    "methods": (
        "Methods side by side",
        "Blue speaks for the predicted class, orange against it. Class activation maps know no against.",
    ),
    "evidence": (
        "On the evidence",
        "Drawn scenes know where their evidence is. The share of positive attribution that lies on it, "
        "beside the share of the picture that it covers.",
    ),
    "deletion": (
        "Deletion",
        "Pixels are blurred, the most important first: the faster the fall, the better.",
    ),
    "insertion": ("Insertion", "Pixels are revealed over a blurred photo: the faster the rise, the better."),
    "randomization": (
        "Random weights",
        "Layer by layer, from the output, what was learned is shuffled. An explanation that stays as it was "
        "does not explain the model.",
    ),
    "path": ("From the baseline to the photo", "Integrated gradients are the mean gradient along this path."),
    "explained": (
        "Explained",
        "Left the photo, right its adversarial copy, each with what speaks for the class that it is named.",
    ),
}


def findings(settings: AttributionSettings, data: Data, classifier: Classifier) -> Findings:
    """Measure; give everything to leave and to say."""
    seed = settings.run.seed
    chosen = choose(data, classifier, settings.photos, seed)
    exactness = rules(classifier, chosen)
    measures, values, chance = faithfulness(classifier, data, chosen, settings.methods, seed)
    comparison = table(measures)
    metrics = _metrics(data, classifier, chosen, exactness, comparison)
    figures = _figures(settings, data, classifier, chosen, exactness, measures, values, chance)
    gaps = ("rule", "setting", "gradients", "median gap", "largest")
    return Findings(
        run=settings.run,
        data=data,
        title=f"Why {' or '.join(classifier.classes)}?",
        metrics=metrics,
        frames={"rules": exactness, "methods": comparison.reset_index()},
        figures={name: Drawn(figure, *CAPTIONS[name.split("_")[0]]) for name, figure in figures},
        tables=[
            PageTable("Means over photos.", ("method", *_HEAD), _rows(comparison)),
            PageTable("Completeness gap.", gaps, _summary(metrics)),
        ],
    )


_HEAD = {
    "deletion": "deletion_area",
    "insertion": "insertion_area",
    "infidelity": "infidelity",
    "random weights": "randomization",
    "on evidence": "evidence_share",
    "its share": "picture_share",
    "hits": "hits",
    "by chance": "chance",
    "seconds": "seconds",
}


def _rows(comparison: pd.DataFrame) -> list[tuple[str, ...]]:
    values = comparison[list(_HEAD.values())]
    cells = [["–" if np.isnan(value) else f"{value:.3f}" for value in row] for row in values.to_numpy(float)]
    return [(NAMES[name], *row) for name, row in zip(comparison.index, cells, strict=True)]


def _medians(exactness: pd.DataFrame) -> pd.DataFrame:
    """One row a rule and setting: rule, setting, evaluations (median), median_gap, max_gap."""
    groups = exactness.groupby(["rule", "setting"], sort=False)
    return groups.agg(
        evaluations=("evaluations", "median"), median_gap=("gap", "median"), max_gap=("gap", "max")
    ).reset_index()


def _summary(metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            row["rule"],
            f"{row['setting']:g}",
            f"{row['evaluations']:.0f}",
            f"{row['median_gap']:.2%}",
            f"{row['max_gap']:.1%}",
        )
        for row in metrics["rules"]
    ]


def _metrics(
    data: Data, classifier: Classifier, chosen: Chosen, exactness: pd.DataFrame, comparison: pd.DataFrame
) -> dict[str, Any]:
    medians = _medians(exactness)
    by_setting = {(row["rule"], row["setting"]): row for row in medians.to_dict("records")}
    reports, best = by_setting[REPORTS], by_setting[BEST]
    result = [
        f"The report's 50 steps of the trapezoid rule miss the change of the logit by "
        f"{reports['median_gap']:.1%} (median of {exactness['photo'].nunique()} {data.subject}; at most "
        f"{reports['max_gap']:.0%}); the adaptive rule by {best['median_gap']:.1%} (at most "
        f"{best['max_gap']:.1%}), with {best['evaluations']:.0f} gradients."
    ]
    if data.manifest.drawn:
        name, first = str(comparison["evidence_share"].idxmax()), comparison["evidence_share"].max()
        result.append(
            f"{NAMES[name]} puts the largest share of its positive attribution on the evidence: {first:.0%}, "
            f"where that covers {comparison['picture_share'].mean():.0%} of the pictures."
        )
    return {
        "n": len(chosen.rows),
        "classes": list(classifier.classes),
        "rules": medians.to_dict("records"),
        "methods": comparison.astype(object).where(comparison.notna(), None).T.to_dict(),
        **common_metrics(data, result),
    }


def _figures(
    settings: AttributionSettings,
    data: Data,
    classifier: Classifier,
    chosen: Chosen,
    exactness: pd.DataFrame,
    measures: Mapping[str, Faithfulness],
    values: Mapping[str, NDArray[np.float32]],
    chance: Curves,
) -> Iterator[tuple[str, Figure]]:
    """Every figure of the page, in its order."""
    subject = data.subject
    axes = {"rules": attribution.gaps(exactness, 0.01, subject=subject)}
    named = {NAMES[name]: found for name, found in measures.items()}
    if on_evidence := {name: found.evidence for name, found in named.items() if found.evidence}:
        axes["evidence"] = faithfulness_plots.evidence(on_evidence, subject=subject)
    curves = {name: found.curves for name, found in named.items() if found.curves}
    for kind in KINDS:
        axes[kind] = faithfulness_plots.perturbation_curves(curves, kind, chance, subject=subject)
    shuffled = {name: found.randomization for name, found in named.items() if found.randomization}
    axes["randomization"] = faithfulness_plots.randomization(shuffled, subject=subject)
    yield from ((name, figure_of(ax)) for name, ax in axes.items())
    shown = _side_by_side(settings, chosen, values)
    yield "methods", attribution.side_by_side(shown, "Methods side by side", subject=subject)
    yield "path", _path(classifier, chosen, subject)
    for i, pair in enumerate(_pairs(settings, classifier, chosen)):
        yield f"explained_{i + 1}", attribution.explained(pair, headline("Integrated gradients", subject, 1))


def _side_by_side(
    settings: AttributionSettings, chosen: Chosen, values: Mapping[str, NDArray[np.float32]]
) -> list[list[Explained]]:
    return [
        [Explained.of(photo, found[i], NAMES[name]) for name, found in values.items()]
        for i, photo in enumerate(chosen.photos[: settings.shown])
    ]


def _path(classifier: Classifier, chosen: Chosen, subject: str) -> Figure:
    """The way of the first photo, in pictures and in probabilities."""
    photo, wanted = chosen.photos[0], int(chosen.classes[0])
    nodes = np.linspace(0, 1, 101)
    start, end = chosen.grey[0], chosen.inputs[0]
    points = (start + nodes[:, None, None, None] * (end - start)).astype(np.float32)
    p = scores(classifier.model, points, np.full(len(nodes), wanted), "probability")
    grey = photo.mean()
    pictures = [(grey + share * (photo - grey)).astype(np.uint8) for share in np.linspace(0, 1, 6)]
    name = classifier.classes[wanted]
    return attribution.path(
        pictures,
        nodes,
        p,
        headline("From the baseline to the photo", subject, 1),
        ylabel=f"probability of {name}",
    )


def _pairs(
    settings: AttributionSettings, classifier: Classifier, chosen: Chosen
) -> Iterator[Sequence[Explained]]:
    """Each shown photo beside its adversarial copy, both explained as the class that the model names."""
    shown = slice(settings.shown)
    photos, inputs, grey = chosen.photos[shown], chosen.inputs[shown], chosen.grey[shown]
    pixels = takes_pixels(classifier.model)
    attack = Attack(classifier.model, AttackConfig(space="pixels" if pixels else "standardized"))
    direction = ops.convert_to_numpy(attack.direction(inputs, chosen.classes[shown].astype(np.int32))[0])
    deviation = photos.reshape(len(photos), -1).std(axis=1)[:, None, None, None]
    step = settings.epsilon * direction
    copies = np.clip(photos + deviation * step, 0, 255).astype(np.uint8)
    attacked = (inputs + (deviation * step if pixels else step)).astype(np.float32)
    sides = (("photo", photos, inputs), ("adversarial", copies, attacked))
    explained = [
        [
            Explained.of(photo, found.values, _heading(side, found, classifier))
            for photo, found in zip(
                pictures, explain_inputs(classifier.model, points, grey, Settings()), strict=True
            )
        ]
        for side, pictures, points in sides
    ]
    yield from zip(*explained, strict=True)


def _heading(side: str, found: Explanation, classifier: Classifier) -> str:
    return f"{side}: {classifier.classes[found.prediction]} {100 * found.confidence:.2f} %; {found.in_words}"
