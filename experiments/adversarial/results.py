"""What the attacks came to: tables, figures, sentences, a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.adversarial.networks import HARDENED, PLAIN, Case
from kangaroo.attack.examples import examples, pick, telling
from kangaroo.attack.robustness import Robustness
from kangaroo.files import atomic, write_json
from kangaroo.pages import elements
from kangaroo.pages.analysis import write_page
from kangaroo.plots import attack as plots
from kangaroo.plots.style import save
from kangaroo.runs.settings import AdversarialSettings

Found = Mapping[str, Mapping[str, Robustness]]
HEAD = ("attack", "epsilon", "accuracy", "loss", "mean change", "no gradient")
FIGURES = {
    "methods": (
        "Accuracy and loss under attack",
        "How many photos are still named rightly when every value may change by up to ε. The report's attack "
        "is one step along the sign of the gradient. Taken through the probability it stops where the model "
        "is certain, because the gradient is exactly zero there.",
    ),
    "training": (
        "Adversarial training",
        "The same network, trained on the same photos, plainly and with every second photo attacked.",
    ),
    "logit": (
        "Through the logit",
        "Photo + change = attacked photo, with the model's answers; the last one resisted, if there is such "
        "a one. The change is drawn much stronger than it is.",
    ),
    "probability": (
        "Through the probability",
        "The same. Of the last photos the model is so certain that the gradient is zero: nothing changes.",
    ),
}


def leave(settings: AdversarialSettings, case: Case, rows: np.ndarray, found: Found) -> dict[str, Any]:
    """Write the run folder, the page last; give what robustness.json holds."""
    data, out = case.data, settings.out
    metrics: dict[str, Any] = {
        "n": len(rows),
        "classes": list(case.classes),
        "subject": data.subject,
        "sweeps": {
            network: {name: sweep.figures() for name, sweep in sweeps.items()}
            for network, sweeps in found.items()
        },
        "result": _result(found),
        "warnings": list(data.warnings),
        "rejected": [vars(bad) for bad in data.manifest.rejected],
    }
    write_json(out / "robustness.json", metrics)
    with atomic(out / "robustness.csv") as temporary:
        _table(found).to_csv(temporary, index=False)
    _draw(out / "figures", case, rows, found)
    write_page(
        settings,
        data,
        f"Attacked photos: {', '.join(case.classes)}",
        metrics["result"],
        warnings=metrics["warnings"],
        figures={
            stem: texts for stem, texts in FIGURES.items() if (out / "figures" / f"{stem}.png").exists()
        },
        tables=[
            elements.table(f"Network: {network}.", HEAD, _lines(sweeps), numeric=True)
            for network, sweeps in found.items()
        ],
    )
    return metrics


def text(settings: AdversarialSettings, metrics: Mapping[str, Any]) -> str:
    """The summary for the console."""
    lines = []
    for network, sweeps in metrics["sweeps"].items():
        width = max(map(len, sweeps))
        epsilons = next(iter(sweeps.values()))["eps"]
        lines.append(
            f"{'accuracy, ' + network:{width}}" + "".join(f"  {epsilon:>6g}" for epsilon in epsilons)
        )
        for name, sweep in sweeps.items():
            lines.append(f"{name:{width}}" + "".join(f"  {value:.4f}" for value in sweep["accuracy"]))
    notes = [f"note: {warning}" for warning in metrics["warnings"]]
    return "\n".join([*lines, *metrics["result"], *notes, f"look at {settings.out / 'report.html'}"])


def _result(found: Found) -> list[str]:
    """What came out, in sentences."""
    once, through, *_ = found[PLAIN].values()
    which, strong = telling(once), found[PLAIN]["PGD"]
    sentences = [
        f"One step of ε = {once.epsilons[which]:g} ({plots.UNITS[once.config.space]}) leaves "
        f"{once.accuracy[which]:.1%} of {once.n} pictures named rightly, PGD {strong.accuracy[which]:.1%}.",
        f"Through the probability the gradient is exactly zero at {through.zero_gradient_fraction:.1%} of "
        f"them, through the logit at {once.zero_gradient_fraction:.1%}.",
    ]
    if HARDENED in found:
        hard = found[HARDENED]
        sentences.append(
            f"The adversarially trained network names {hard['signed gradient'].accuracy[which]:.1%} of them "
            f"rightly after that step, {hard['PGD'].accuracy[which]:.1%} after PGD."
        )
    return sentences


def _draw(folder: Path, case: Case, rows: np.ndarray, found: Found) -> None:
    """Write every figure of the run as folder/*.png."""
    subject, plain = case.data.subject, found[PLAIN]
    figures = {"methods": plots.curves(plain, subject=subject)}
    if HARDENED in found:
        both = {f"{network}, {name}": found[network][name] for network in found for name in found[HARDENED]}
        figures["training"] = plots.curves(both, subject=subject)
    for stem, sweep in zip(("logit", "probability"), plain.values(), strict=False):
        which = telling(sweep)
        chosen = pick(sweep, which, seed=sweep.config.seed)
        shown = examples(
            case.networks[PLAIN],
            case.data.pixels[rows[chosen]],
            sweep.labels[chosen],
            sweep.epsilons[which],
            sweep.config,
        )
        figures[stem] = plots.examples(shown, case.classes, subject=subject)
    for stem, figure in figures.items():
        save(figure, folder / f"{stem}.png")


def _table(found: Found) -> pd.DataFrame:
    """One row a network, attack and epsilon."""
    parts = [
        pd.DataFrame(
            {
                "network": network,
                "attack": name,
                "epsilon": sweep.epsilons,
                **{key: getattr(sweep, key) for key in ("accuracy", "loss", "success")},
                "mean_abs_perturbation": sweep.mean_abs_perturbation,
                "max_abs_perturbation": sweep.max_abs_perturbation,
                "zero_gradient_fraction": sweep.zero_gradient_fraction,
            }
        )
        for network, sweeps in found.items()
        for name, sweep in sweeps.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _lines(sweeps: Mapping[str, Robustness]) -> list[tuple[str, ...]]:
    """The rows under HEAD."""
    return [
        (
            name,
            f"{epsilon:g}",
            f"{sweep.accuracy[i]:.4f}",
            f"{sweep.loss[i]:.4f}",
            f"{sweep.mean_abs_perturbation[i]:.4g}",
            f"{sweep.zero_gradient_fraction:.1%}",
        )
        for name, sweep in sweeps.items()
        for i, epsilon in enumerate(sweep.epsilons)
    ]
