"""How far a calibrated model can be trusted, and where not."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kangaroo.evaluation.confidence import Answered, Quality
from kangaroo.evaluation.conformal import Sets
from kangaroo.evaluation.elsewhere import Elsewhere
from kangaroo.models.calibrated import Array
from kangaroo.plots.style import GREY, TITLE, colours, headline, label, new_figure, stacked, tidy

MANY = 50
"""Of more classes only those of least coverage are drawn."""


def reliability(before: Quality, after: Quality, *, subject: str = "photos") -> Figure:
    """Accuracy against mean confidence before and after, with 95 % intervals, above the numbers of photos."""
    figure, (upper, lower) = stacked([3.9, 1.6])
    blue, orange, *_ = colours(2)
    upper.plot([0, 1], [0, 1], "--", color=GREY, label="perfectly calibrated")
    for quality, name, colour, marker in ((before, "before", orange, "s"), (after, "after", blue, "o")):
        bins = quality.reliability
        full = bins.count > 0
        low, high = (np.abs(bins.accuracy - end)[full] for end in quality.accuracy_ci95)
        upper.errorbar(
            bins.confidence[full],
            bins.accuracy[full],
            (low, high),
            fmt=f"{marker}-",
            color=colour,
            elinewidth=1,
            ms=4,
            label=f"{name}, ECE {100 * bins.ece:.1f} % (by chance {100 * quality.chance[0]:.1f} %)",
        )
        lower.stairs(bins.count, bins.edges, color=colour, lw=2)
    n = int(after.reliability.count.sum())
    upper.set_title(headline("Reliability before and after calibration", subject, n), fontsize=TITLE)
    upper.set(ylabel="accuracy (share of photos)", ylim=(-0.03, 1.03))
    lower.set(xlabel="confidence (probability of the prediction)", ylabel="number\nof photos")
    lower.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    upper.legend(loc="upper left", fontsize="small")
    for ax in (upper, lower):
        ax.set_xlim(0, 1.01)
        tidy(ax, "both")
    return figure


def risk_coverage(
    before: Quality, after: Quality, answered: Answered | None, *, subject: str = "photos"
) -> Figure:
    """The share of wrong answers against the share of photos answered, the surest first."""
    figure = new_figure(4.2)
    ax = figure.subplots()
    blue, orange, green, red = colours(4)
    n = len(after.curve.risk)
    shares = np.arange(1, n + 1) / n
    error = after.curve.risk[-1]
    ax.axhline(error, color=GREY, ls=":", label=f"random order, area {error:.3f}")
    for curve, name, colour in ((before.curve, "before", orange), (after.curve, "after", blue)):
        ax.plot(shares, curve.risk, color=colour, label=f"{name}, area {curve.aurc:.3f}")
    ideal = after.curve
    ax.plot(shares, ideal.ideal, "--", color=green, label=f"ideal order, area {ideal.ideal_aurc:.3f}")
    if answered and answered.risk is not None:
        text = f"without abstained, {100 * answered.share:.0f} % answered"
        ax.plot(answered.share, answered.risk, "D", color=red, label=text)
    ax.set_title(headline("Wrong answers if the unsure are left out", subject, n), fontsize=TITLE)
    ax.set(xlabel="share of photos answered", ylabel="share of answers that are wrong")
    ax.set(xlim=(0, 1.01), ylim=(0, min(1.0, 1.35 * float(after.curve.risk[n // 20 :].max()) + 0.05)))
    ax.legend(loc="upper left", fontsize="small")
    tidy(ax, "both")
    return figure


def sets(result: Sets, classes: Sequence[str], coverage: float, *, subject: str = "photos") -> Figure:
    """How many sets have how many classes, above how often they hold the truth, class by class.

    ``classes`` are the k names in order, ``coverage`` is what was asked for.
    """
    there = np.flatnonzero(result.photos > 0)
    shown = there[np.argsort(result.of_class[there], kind="stable")[:MANY][::-1]]
    figure, (upper, lower) = stacked([2.6, 1.2 + 0.26 * len(shown)])
    blue, orange, *_ = colours(2)
    sizes = np.arange(1, len(result.sizes) + 1)
    n = int(result.sizes.sum())
    upper.bar(sizes, result.sizes, color=blue)
    what = (
        f"Sets for {100 * coverage:g} %: {result.mean_size:.2f} classes, {100 * result.coverage:.1f} % right"
    )
    upper.set_title(headline(what, subject, n), fontsize=TITLE)
    upper.set(xlabel="classes in the set", ylabel="number of photos")
    upper.xaxis.set_major_locator(MaxNLocator(integer=True))
    upper.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    names = [f"{label(classes[i])}, n = {result.photos[i]:,}" for i in shown]
    lower.axvline(coverage, color=orange, ls="--", label="asked for")
    lower.plot(result.of_class[shown], np.arange(len(shown)), "o", color=blue, label="of the class's photos")
    lower.set_yticks(np.arange(len(shown)), names)
    few = f" ({MANY} of least)" if len(there) > MANY else ""
    lower.set(xlabel=f"share of sets that hold the truth{few}", xlim=(-0.02, 1.02))
    lower.set_ylim(-0.7, len(shown) - 0.3)
    lower.legend(loc="lower left", fontsize="small")
    tidy(upper, "y")
    tidy(lower, "both")
    return figure


def elsewhere(
    confidence: Array,
    sizes: Array,
    others: Mapping[str, Elsewhere],
    least: float | None,
    *,
    subject: str = "photos",
) -> Figure:
    """How sure the model is of the judged photos and of ``others``, by name, above the sizes of their sets.

    ``confidence`` (n,) and ``sizes`` (k,) are those of the judged photos; beyond ``least`` it answers.
    """
    figure, (upper, lower) = stacked([3.4, 2.4])
    own = {"judged": (confidence, sizes)}
    groups = own | {name: (other.confidence, other.sizes) for name, other in others.items()}
    edges = np.linspace(0, 1, 21)
    width = 0.8 / len(groups)
    for i, ((name, (sure, of_size)), colour) in enumerate(zip(groups.items(), colours(3), strict=False)):
        share = np.histogram(sure, edges)[0] / len(sure)
        text = f"{name}, n = {len(sure):,}, mean {sure.mean():.2f}"
        upper.stairs(100 * share, edges, color=colour, lw=2, label=text)
        places = np.arange(1, len(of_size) + 1) + (i - (len(groups) - 1) / 2) * width
        lower.bar(places, 100 * of_size / of_size.sum(), width, color=colour)
    if least is not None:
        upper.axvline(least, color=GREY, ls="--", label="answers beyond this only")
    n = sum(len(other.confidence) for other in others.values())
    upper.set_title(headline("What calibration does not promise", subject, n), fontsize=TITLE)
    upper.set(xlabel="calibrated confidence", ylabel="share of photos (%)", xlim=(0, 1))
    upper.set_ylim(0, 1.15 * upper.get_ylim()[1] + 4)
    lower.set(xlabel="classes in the set", ylabel="share of photos (%)")
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    upper.legend(loc="upper left", fontsize="small")
    tidy(upper, "both")
    tidy(lower, "y")
    return figure
