"""``kangaroo attack``: how small a change of photos makes a model misname them."""

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.attack.settings import CHOICES, EPSILONS, AttackConfig, check_epsilons
from kangaroo.commands import MODEL_HELP, add_labelled_photos, labelled_photos, load_model
from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from kangaroo.attack.robustness import Robustness
    from kangaroo.classifier import Classifier
    from kangaroo.data.images import Pixels
    from kangaroo.data.manifest import Manifest

SUMMARY = "change photos a little to make a model misname them, and count how many it does"
EXAMPLE = "kangaroo attack runs/multinomial/model.keras --images photos --method pgd --eps 0 1 2 --out attack"
DEFAULTS = AttackConfig()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help=MODEL_HELP)
    add_labelled_photos(parser)
    add(
        "--eps",
        "--epsilon",
        "--epsilons",
        type=float,
        nargs="+",
        metavar="E",
        help="how large changes may be, in the units of --space, measured by --norm; 0: none (default: "
        + ", ".join(f"{name} {_words(EPSILONS[name, 'linf'])}" for name in CHOICES["space"])
        + ")",
    )
    _add_attack(parser)
    add(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="of the attack; auto: bfloat16 where the machine has units for it. Photos as they are (epsilon "
        "0) are judged in float32 in any case",
    )
    add(
        "--out", type=Path, metavar="DIR", help="folder for figures and adversarial.csv, every attacked photo"
    )
    add("--json", action="store_true", help="print the figures as JSON")


def _add_attack(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    for name, text in (
        ("method", "signed-gradient: one step; iterative: several; pgd: several from a random start"),
        ("norm", "linf: epsilon bounds the change of each value; l2: the Euclidean norm of all of them"),
        ("space", "pixels: 0 to 255, clipped; standardized: the report's units, not clipped"),
        (
            "through",
            "take the gradient of the logit, or of the probability, which is zero where it is 0 or 1",
        ),
    ):
        add(
            f"--{name}",
            choices=CHOICES[name],
            default=getattr(DEFAULTS, name),
            help=f"{text} (default: %(default)s)",
        )
    add("--target", metavar="CLASS", help="name or number of the class that photos shall be taken for")
    add(
        "--steps",
        type=int,
        default=DEFAULTS.steps,
        metavar="N",
        help="of iterative and pgd (default: %(default)s)",
    )
    add(
        "--step-size",
        type=float,
        metavar="E",
        help="of iterative and pgd, in the units of --eps (default: 2.5 epsilon / steps)",
    )
    add(
        "--seed",
        type=int,
        default=DEFAULTS.seed,
        metavar="N",
        help="of pgd's random start (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> None:
    """Attack the photos of the model's classes, and print the figures."""
    given = {field.name: getattr(args, field.name) for field in fields(AttackConfig)}
    config = AttackConfig(**given | {"target": None})  # what is wrong is said before anything is read
    epsilons = args.eps or EPSILONS[config.space, config.norm]
    check_epsilons(epsilons)
    classifier = load_model(args.model)
    classifier.require_classes()
    config = AttackConfig(**given | {"target": _number(args.target, classifier.classes)})
    from kangaroo.attack.robustness import sweep
    from kangaroo.models.precision import dtype_policy

    manifest, pixels = labelled_photos(
        args, classifier.classes, classifier.image_size, antialias=classifier.card.antialias
    )
    labels = manifest.photos["class"].map(list(classifier.classes).index).to_numpy(int)
    found = sweep(classifier.model, pixels, labels, epsilons, config, policy=dtype_policy(args.precision))
    if args.out:
        _leave(args.out, found, classifier, manifest, pixels)
    if args.json:
        rejected = [vars(bad) for bad in manifest.rejected]
        print_json(found.figures() | {"classes": list(classifier.classes), "rejected": rejected})
    else:
        print(_summary(found, classifier.classes))


def _number(target: str | None, classes: tuple[str, ...]) -> int | None:
    """The class that ``--target`` names, or numbers from 0."""
    if target is None:
        return None
    numbers = {name: i for i, name in enumerate(classes)}
    numbers |= {str(i): i for i in range(len(classes)) if str(i) not in numbers}
    if target not in numbers:
        raise DataError(f"the model has no class {target!r} to aim at: choose from {', '.join(classes)}")
    return numbers[target]


def _leave(
    folder: Path, found: "Robustness", classifier: "Classifier", manifest: "Manifest", pixels: "Pixels"
) -> None:
    """Write the table of attacked photos, and the figures."""
    from kangaroo.attack.examples import examples, pick, telling
    from kangaroo.files import atomic
    from kangaroo.plots import attack as plots
    from kangaroo.plots.style import save

    subject = "drawn scenes" if manifest.drawn else "photos"
    which = telling(found)
    rows = pick(found, which, seed=found.config.seed)
    shown = examples(classifier.model, pixels[rows], found.labels[rows], found.epsilons[which], found.config)
    with atomic(folder / "adversarial.csv") as temporary:
        _table(found, manifest.photos, classifier.classes).to_csv(temporary, index=False)
    save(plots.examples(shown, classifier.classes, subject=subject), folder / "examples.png")
    name = plots.NAMES[found.config.method]
    save(plots.curves({name: found}, subject=subject), folder / "accuracy.png")


def _table(found: "Robustness", photos: "pd.DataFrame", classes: tuple[str, ...]) -> "pd.DataFrame":
    """One row a photo and epsilon."""
    import numpy as np
    import pandas as pd

    names = np.array(classes, dtype=object)
    parts = [
        pd.DataFrame(
            {
                "file": photos["file"],
                "label": photos["class"],
                "epsilon": epsilon,
                "prediction": names[found.judged.predicted[i]],
                "confidence": found.judged.confidence[i],
                "correct": found.judged.predicted[i] == found.labels,
                "zero_gradient": found.zero_gradient,
            }
        )
        for i, epsilon in enumerate(found.epsilons)
    ]
    return pd.concat(parts, ignore_index=True)


def _summary(found: "Robustness", classes: tuple[str, ...]) -> str:
    config = found.config
    aim = "" if config.target is None else f", taken for {classes[config.target]}"
    lines = [
        f"{found.n} photos, {config.method} in {config.space}, {config.norm}, through the {config.through}; "
        f"no gradient at {found.zero_gradient_fraction:.1%} of them",
        f"epsilon   accuracy     loss   mean change{aim}",
    ]
    rows = zip(
        found.epsilons, found.accuracy, found.loss, found.mean_abs_perturbation, found.success, strict=True
    )
    for epsilon, accuracy, loss, change, success in rows:
        hit = "" if config.target is None else f"  {success:.4f}"
        lines.append(f"{epsilon:7g}   {accuracy:8.4f} {loss:8.4f}   {change:11.5f}{hit}")
    return "\n".join(lines)


def _words(numbers: tuple[float, ...]) -> str:
    return " ".join(f"{number:g}" for number in numbers)
