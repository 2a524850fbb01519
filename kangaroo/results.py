"""What a model says of photos, as objects that draw themselves; no TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kangaroo.errors import DataError
from kangaroo.explain.display import Explained
from kangaroo.explain.settings import NAMES, Settings
from kangaroo.plots import attack as attack_plots
from kangaroo.plots import attribution
from kangaroo.plots.classification import confusion_matrix
from kangaroo.plots.style import TITLE, WIDTH, label, new_axes, png

if TYPE_CHECKING:  # these modules import TensorFlow
    from kangaroo.attack.examples import Examples
    from kangaroo.explain import methods
    from kangaroo.explain.integrated import Attribution


@dataclass(frozen=True, eq=False)
class Explanation:
    """What in one photo speaks for a class, and against it. A notebook shows it as a picture.

    values: float32 (H, W, 3), what each value of the photo adds to ``score``, in its unit; of class
        activation maps float32 (H, W), from 0 up, in no unit.
    photo: the photo as the network sees it, uint8 (H, W, 3).
    prediction, confidence: the network's answer and its probability, not calibrated, because gradients are
        the network's.
    explained: the class that ``values`` speak for; without a wish, the prediction.
    score: of that class, the logit or the probability.

    Of integrated gradients only, else None: ``baseline_score``, that of the picture they start at;
    ``completeness_gap``, how far the sum of all values misses score - baseline_score, from 0 up;
    ``evaluations``, the gradients taken; and ``error``, the estimated error of all values together, as a
    share of all attribution (the sum of the magnitudes). ``reached`` says whether it is within the tolerance
    that was asked for; where it is not, more ``max_steps`` would be needed.
    """

    values: NDArray[np.float32]
    photo: NDArray[np.uint8]
    prediction: str
    confidence: float
    explained: str
    score: float
    baseline_score: float | None
    completeness_gap: float | None
    error: float | None
    evaluations: int | None
    reached: bool
    sum: float | None
    in_words: str
    settings: Settings
    drawn: bool = False
    name: str = ""

    @classmethod
    def of(
        cls,
        photo: NDArray[np.uint8],
        found: "methods.Explanation",
        classes: tuple[str, ...],
        settings: Settings,
        *,
        drawn: bool = False,
        name: str = "",
    ) -> "Explanation":
        """What :func:`kangaroo.explain.methods.explain` found, with the names of the ``classes``.

        ``drawn``: the model knows drawn scenes only; ``name`` is the photo's.
        """
        integral = found.attribution
        return cls(
            values=found.values,
            photo=photo,
            prediction=classes[found.prediction],
            confidence=found.confidence,
            explained=classes[found.explained],
            score=found.score,
            baseline_score=integral.baseline_score if integral else None,
            completeness_gap=integral.completeness_gap if integral else None,
            error=integral.error if integral else None,
            evaluations=integral.evaluations if integral else None,
            reached=integral is None or _reached(integral, settings),
            sum=found.sum,
            in_words=found.in_words,
            settings=settings,
            drawn=drawn,
            name=name,
        )

    @property
    def title(self) -> str:
        """The answer, the method, and what the values add up to, a line each."""
        lines = [
            f"{self.prediction}: {100 * self.confidence:.2f} %",
            f"{NAMES[self.settings.method]} of the {self.settings.target}",
            self.in_words,
            "by a model of drawn scenes" if self.drawn else "",
        ]
        return "\n".join(filter(None, lines))

    def __repr__(self) -> str:
        return f"<explanation for {self.explained}: {self.title.replace(chr(10), ', ')}>"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Colour the photo on ``ax``, or new Axes: blue speaks for the class explained, orange against it."""
        side = f"{self.title}\nblue: for {self.explained}"
        shown = Explained.of(self.photo, self.values)
        return attribution.evidence(
            shown, side + ("" if shown.against is None else "; orange: against"), ax=ax
        )

    def figure(self) -> Figure:
        """The photo, the evidence, and the photo as far as it speaks for the class and against it."""
        shown = Explained.of(self.photo, self.values, self.name)
        return attribution.explained([shown], self.title, name=self.explained)

    def _repr_png_(self) -> bytes:
        return png(self.figure())


def _reached(integral: "Attribution", settings: Settings) -> bool:
    if settings.rule == "doubled":
        return integral.error is not None and integral.error <= settings.tolerance
    return settings.rule != "adaptive" or integral.within(settings.tolerance)


class Answer(NamedTuple):
    """The class that a model names, and its probability."""

    prediction: str
    confidence: float


@dataclass(frozen=True, eq=False)
class AttackedPhoto:
    """A photo changed to make a model misname it. A notebook shows it as a picture.

    photo, attacked: before and after, as the network sees them, uint8 (H, W, 3); no value differs by more
        than ``epsilon``, in levels of 0 to 255.
    before, after: the model's answers, those of ``predict``; ``calibrated`` says whether the confidences are.
    """

    photo: NDArray[np.uint8]
    attacked: NDArray[np.uint8]
    epsilon: float
    before: Answer
    after: Answer
    calibrated: bool
    classes: tuple[str, ...]
    details: "Examples"

    def __repr__(self) -> str:
        before, after = (f"{answer.prediction} {100 * answer.confidence:.2f} %" for answer in self.answers)
        return f"<photo attacked with epsilon {self.epsilon:g}: {before}, after it {after}>"

    @property
    def turned(self) -> bool:
        """Whether the model names another class than before."""
        return self.before.prediction != self.after.prediction

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the attacked photo on ``ax``, or new Axes, with both answers as its title."""
        ax = new_axes(ax, WIDTH)
        ax.imshow(self.attacked)
        ax.set_axis_off()
        before, after = (f"{answer.prediction} {100 * answer.confidence:.2f} %" for answer in self.answers)
        kind = "calibrated" if self.calibrated else "uncalibrated"
        text = f"{label(before, 40)}, attacked with ε = {self.epsilon:g}:\n{label(after, 40)} ({kind})"
        ax.set_title(text, fontsize=TITLE)
        return ax

    @property
    def answers(self) -> tuple[Answer, Answer]:
        """Before and after."""
        return self.before, self.after

    def figure(self) -> Figure:
        """Photo + change = attacked photo, the first and last with the model's answer."""
        return attack_plots.examples(self.details, self.classes, subject="photo")

    def _repr_png_(self) -> bytes:
        return png(self.figure())


class Metrics(dict[str, Any]):
    """Every figure of an evaluation, by name, as ``kangaroo evaluate --json`` prints them.

    A dict, so that ``json.dumps`` takes it as it is; a notebook shows it as a picture. ``subject`` says what
    was judged on: 'photos' or 'drawn scenes'.
    """

    def __init__(self, figures: Mapping[str, Any], *, subject: str = "photos") -> None:
        super().__init__(figures)
        self.subject = subject

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the confusion matrix on ``ax``, or new Axes, under the accuracy and its interval.

        Raises DataError for a model without classes, which is judged by distances alone.
        """
        if "confusion_matrix" not in self:
            raise DataError("judged by distances alone there is no confusion matrix: read metrics['geo']")
        ax = confusion_matrix(self["confusion_matrix"], self["classes"], subject=self.subject, ax=ax)
        low, high = (100 * share for share in self["accuracy_ci95"])
        said = f"accuracy {100 * self['accuracy']:.1f} % ({low:.1f} to {high:.1f} %)"
        ax.set_title(f"{ax.get_title()}\n{said}", fontsize=TITLE)
        return ax

    def _repr_png_(self) -> bytes | None:
        if "confusion_matrix" not in self:
            return None
        figure = self.plot().figure
        return png(figure) if isinstance(figure, Figure) else None
