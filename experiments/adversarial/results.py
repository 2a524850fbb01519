"""What the attacks came to: tables, figures, sentences, a page."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.adversarial.networks import HARDENED, PLAIN, Case
from experiments.adversarial.settings import AdversarialSettings
from kangaroo.attack.examples import examples, pick, telling
from kangaroo.attack.robustness import Robustness
from kangaroo.plots import attack as plots
from kangaroo.runs.analysis import Drawn, Findings, PageTable, common_metrics

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


def findings(settings: AdversarialSettings, case: Case, rows: np.ndarray, found: Found) -> Findings:
    """Everything to leave and to say."""
    metrics: dict[str, Any] = {
        "n": len(rows),
        "classes": list(case.classes),
        "subject": case.data.subject,
        "sweeps": {
            network: {name: sweep.figures() for name, sweep in sweeps.items()}
            for network, sweeps in found.items()
        },
        **common_metrics(case.data, _result(found)),
    }
    drawn = _draw(case, rows, found)
    return Findings(
        run=settings.train.run,
        data=case.data,
        title=f"Attacked photos: {', '.join(case.classes)}",
        metrics=metrics,
        metrics_file="robustness.json",
        frames={"robustness": _table(found)},
        figures={stem: Drawn(drawn[stem], *texts) for stem, texts in FIGURES.items() if stem in drawn},
        tables=[PageTable(f"Network: {network}.", HEAD, _lines(sweeps)) for network, sweeps in found.items()],
        lines=list(_accuracies(metrics)),
    )


def _accuracies(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Lines for the console: the accuracy by attack and epsilon."""
    for network, sweeps in metrics["sweeps"].items():
        width = max(map(len, sweeps))
        epsilons = next(iter(sweeps.values()))["eps"]
        yield f"{'accuracy, ' + network:{width}}" + "".join(f"  {epsilon:>6g}" for epsilon in epsilons)
        for name, sweep in sweeps.items():
            yield f"{name:{width}}" + "".join(f"  {value:.4f}" for value in sweep["accuracy"])


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


def _draw(case: Case, rows: np.ndarray, found: Found) -> dict[str, Figure]:
    """Every figure of the run, by the stem of its file."""
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
    return figures


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
