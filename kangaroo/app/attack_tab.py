"""The tab Attack: how small a change of a photo turns the model's answer, live."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from kangaroo.app import words
from kangaroo.app.photos import UPLOADS, Shown, examples, name_of, picture_url, upload
from kangaroo.app.picking import chosen, dropzone, example_buttons
from kangaroo.app.state import State
from kangaroo.attack.gradient import WHITE, Attack
from kangaroo.attack.settings import AttackConfig
from kangaroo.errors import PhotoError

LARGEST = 16.0
"""The largest epsilon, in pixel values of 255."""
AWAY = "any other answer"
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
INTRO = (
    "Change every pixel value by the same small amount, each in the direction that hurts the answer most, "
    "and watch the answer turn while the photo looks the same."
)
NO_CLASSES = "This model gives coordinates: there is no class for an attack to turn."


@dataclass(frozen=True, eq=False)
class Aimed:
    """A photo, the direction (S, S, 3) of -1, 0 and 1 that leads away from its answer, or to ``target``.

    ``clean`` (k,) is what the model says of the photo as it is. ``turns`` is the smallest epsilon found whose
    step along the direction changes the answer as wanted; None: none up to LARGEST does.
    """

    photo: Shown
    direction: NDArray[np.int8]
    clean: NDArray[np.float64]
    target: int | None
    turns: float | None


class OneStep:
    """The signed gradient of one model, compiled once; a photo's direction serves every epsilon."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._attack = Attack(state.classifier.model, AttackConfig())

    def aim(self, photo: Shown, target: int | None = None) -> Aimed:
        """The direction away from the model's own answer, or towards class number ``target``."""
        clean = self._state.probabilities(photo.pixels[None])[0]
        label = int(clean.argmax()) if target is None else target
        with self._state.network:
            found = np.asarray(
                self._attack.direction(self._attack.units(photo.pixels[None]), np.array([label], np.int32))[0]
            )[0]
        # Away from a class and towards it are opposite directions of its log odds.
        direction = (found if target is None else -found).astype(np.int8)
        aimed = Aimed(photo, direction, clean, target, None)
        return Aimed(photo, direction, clean, target, self._turns(aimed))

    def attacked(self, aimed: Aimed, epsilons: NDArray[np.floating]) -> NDArray[np.float32]:
        """The photo after one step of each size, float32 (n, S, S, 3), within 0 to 255."""
        steps = epsilons[:, None, None, None] * aimed.direction
        return np.clip(aimed.photo.pixels + steps, 0, WHITE).astype(np.float32)

    def probabilities(self, aimed: Aimed, epsilons: NDArray[np.floating]) -> NDArray[np.float64]:
        """What the model says after one step of each size, (n, classes)."""
        return self._state.probabilities(self.attacked(aimed, epsilons))

    def _turned(self, aimed: Aimed, epsilons: NDArray[np.floating]) -> NDArray[np.bool_]:
        found = self.probabilities(aimed, epsilons).argmax(axis=1)
        return found != aimed.clean.argmax() if aimed.target is None else found == aimed.target

    def _turns(self, aimed: Aimed) -> float | None:
        """The first of 16 even steps that turns the answer, then bisected 8 parts at a time to 1/64."""
        low, high = 0.0, LARGEST
        if self._turned(aimed, np.zeros(1))[0]:
            return 0.0
        for parts in (16, 8, 8):
            steps = np.linspace(low, high, parts + 1)[1:]
            turned = self._turned(aimed, steps)
            if not turned.any():
                return None
            first = int(turned.argmax())
            low, high = float(steps[first]) - (high - low) / parts, float(steps[first])
        return high


def add(state: State) -> None:
    """Lay the tab out, with the first example already attacked; call it inside ``with gr.Tab(...)``."""
    classes = state.classifier.classes
    if not classes:
        gr.HTML(f'<p class="intro">{NO_CLASSES}</p>')
        return
    photos, step = examples(state), OneStep(state)
    start = step.aim(photos[0])
    gr.HTML(f'<p class="intro">{INTRO}</p>')
    aimed = gr.State(start, time_to_live=3600)
    with gr.Row(elem_classes="columns"):
        with gr.Column(min_width=300):
            picture, photo = dropzone("attack-photo")
            example = example_buttons(photos, elem_id="attack-examples")
        with gr.Column(min_width=300):
            epsilon = gr.Slider(
                0,
                LARGEST,
                value=1,
                step=0.25,
                label="Epsilon: change of each pixel value, of 255",
                elem_id="attack-epsilon",
                buttons=[],
            )
            target = gr.Dropdown([AWAY, *classes], value=AWAY, label="Turn it into", elem_id="attack-target")
            said = gr.HTML(_said(state, start), elem_id="attack-said")
    outcome = gr.HTML(_outcome(state, step, start, 1), elem_id="attack-outcome")

    def aim(photo: Shown, name: str, size: float) -> tuple[Any, ...]:
        found = step.aim(photo, classes.index(name) if name in classes else None)
        return None, found, _said(state, found), _outcome(state, step, found, size)

    def sent(payload: Any, name: str, size: float) -> tuple[Any, ...]:
        try:
            return aim(upload(payload, state), name, size)
        except PhotoError as error:
            return None, gr.skip(), words.refusal(name_of(payload), error), gr.skip()

    outputs, options = [picture, aimed, said, outcome], [target, epsilon]
    photo.change(sent, [photo, *options], outputs, preprocess=False, concurrency_id=UPLOADS, **QUIET)
    example.select(
        lambda number, *rest: aim(chosen(number, photos), *rest), [example, *options], outputs, **QUIET
    )
    target.input(lambda now, *rest: aim(now.photo, *rest), [aimed, *options], outputs, **QUIET)
    epsilon.change(
        lambda now, size: _outcome(state, step, now, size),
        [aimed, epsilon],
        outcome,
        trigger_mode="always_last",  # of the places that the slider passes, the server sees the last
        **QUIET,
    )


def _said(state: State, aimed: Aimed) -> str:
    """HTML: the smallest epsilon that turns the answer."""
    classes = state.classifier.classes
    own = classes[int(aimed.clean.argmax())]
    goal = f"another answer than {own}" if aimed.target is None else classes[aimed.target]
    if aimed.turns is None:
        text = f"No step along this direction, up to {LARGEST:g} of 255, leads to {goal}."
    elif aimed.turns == 0:
        text = f"The model says {goal} without any change."
    else:
        text = f"From an epsilon of {aimed.turns:.2f} of 255 on, the model says {goal}."
    return words.line(text)


def _outcome(state: State, step: OneStep, aimed: Aimed, epsilon: Any) -> str:
    """HTML: photo, change and sum, and what the model says before and after."""
    size = float(np.clip(epsilon, 0, LARGEST)) if isinstance(epsilon, int | float) else 0.0
    attacked = step.attacked(aimed, np.array([size]))
    p = state.probabilities(attacked)[0]
    classes, turned = state.classifier.classes, p.argmax() != aimed.clean.argmax()
    before = words.ranking(classes, aimed.clean, most=4)
    figures = (
        _figure(picture_url(aimed.photo.pixels), "The photo as it is", "Before", before),
        _change(attacked[0] - aimed.photo.pixels, size),
        _figure(
            picture_url(np.rint(attacked[0]).astype(np.uint8)),
            "The photo after the change",
            "After",
            words.ranking(classes, p, most=4),
            "turned" if turned else "",
        ),
    )
    return f'<div class="triptych">{"".join(figures)}</div>'


def _change(change: NDArray[np.floating], size: float) -> str:
    """HTML: the perturbation (S, S, 3) enlarged until ``size`` is black or white, with its scale."""
    gain = 127 / size if size else 0.0
    enlarged = np.clip(np.rint(128 + gain * change), 0, 255).astype(np.uint8)
    scale = (
        f'<p class="scale"><span>\N{MINUS SIGN}{size:g}</span><span class="ramp" aria-hidden="true"></span>'
        f"<span>+{size:g}</span></p>"
        f"<p>Change of red, green and blue, {gain:.0f} times enlarged; grey is none.</p>"
    )
    alt = f"What was added: each value changed by up to {size:g} of 255"
    return _figure(
        picture_url(enlarged, "PNG"), alt, "Added", scale if size else "<p>No change.</p>", "added"
    )


def _figure(url: str, alt: str, title: str, below: str, kind: str = "") -> str:
    picture = f'<img src="{url}" alt="{alt}">'
    return f'<figure class="{kind}"><figcaption>{title}</figcaption>{picture}{below}</figure>'
