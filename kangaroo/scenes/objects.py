"""The things that stand beside a road, one drawing function a kind, one branch a style.

Shapes are upright boards that face the camera, in metres: x to the right, y up, the foot at (0, 0). A
:class:`Board` puts them on the canvas. Colours that fill large areas come from the shared conditions, so that
a country shows in shapes and small marks, as it does outside.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kangaroo.scenes.canvas import Canvas, Colour, Points
from kangaroo.scenes.conditions import Conditions

RGB = tuple[int, int, int]
WHITE, BLACK, RED, YELLOW, ORANGE = (
    (238, 238, 234),
    (34, 34, 36),
    (196, 28, 34),
    (250, 196, 20),
    (240, 120, 30),
)


@dataclass(frozen=True)
class Board:
    """A spot on the ground from which shapes stand up: ``x`` metres beside the road's centre, ``z`` ahead."""

    canvas: Canvas
    conditions: Conditions
    x: float
    z: float

    def pixels(self, shape: Points | list[tuple[float, float]]) -> Points:
        """A shape (n, 2) in metres to pixels (n, 2)."""
        upright = np.asarray(shape, float) * (self.scale, -self.scale)
        return self.foot + upright @ self.conditions.camera.turn.T

    @cached_property
    def foot(self) -> Points:
        """The spot's pixel (2,)."""
        return self.conditions.camera.ground(self.x, self.z)[0]

    @property
    def scale(self) -> float:
        """Pixels a metre."""
        return self.conditions.camera.focal / self.z

    def fill(
        self,
        shapes: list[Points] | Points | list[tuple[float, float]],
        colour: Colour | RGB,
        shine: float = 1.0,
    ) -> None:
        """Fill one shape, or several of one colour, as the light and the haze show it."""
        several = isinstance(shapes, list) and isinstance(shapes[0], np.ndarray)
        outlines = [self.pixels(s) for s in shapes] if several else self.pixels(shapes)  # type: ignore[arg-type]
        self.canvas.fill(outlines, self.conditions.shade(colour, self.z, shine))

    def line(self, lines: list[Points], colour: Colour | RGB, width: float) -> None:
        """Draw lines ``width`` metres wide."""
        outlines = [self.pixels(line) for line in lines]
        self.canvas.stroke(outlines, self.conditions.shade(colour, self.z), max(width * self.scale, 0.4))


def box(left: float, bottom: float, right: float, top: float) -> Points:
    """The corners of an upright rectangle."""
    return np.array([(left, bottom), (right, bottom), (right, top), (left, top)])


def blob(
    rng: np.random.Generator, x: float, y: float, width: float, height: float, rough: float = 0.16
) -> Points:
    """A leafy outline around (x, y), 22 corners."""
    angle = np.linspace(0, 2 * np.pi, 22, endpoint=False)
    radius = 1 + rng.normal(0, rough, 22)
    return np.stack([x + width / 2 * radius * np.cos(angle), y + height / 2 * radius * np.sin(angle)], axis=1)


def tree(board: Board, rng: np.random.Generator, style: str) -> None:
    """A tree of one style, 4 to 16 m high."""
    lit = -1 if board.conditions.sun_left else 1
    {
        "spruce": _spruce,
        "broadleaf": _broadleaf,
        "eucalyptus": _eucalyptus,
        "cabbage tree": _cabbage_tree,
        "avenue": _avenue_tree,
    }[style](board, rng, lit)


def _spruce(board: Board, rng: np.random.Generator, lit: int) -> None:
    height, tiers = rng.uniform(9, 15), 7
    y = np.linspace(0.08, 1, tiers + 1) * height
    half = np.linspace(0.21, 0.02, tiers + 1) * height * rng.uniform(0.8, 1.1)
    right = np.array(
        [p for i in range(tiers) for p in ((half[i], y[i]), (half[i + 1] * 0.75, y[i + 1] * 0.985))]
    )
    right[:, 0] *= rng.uniform(0.85, 1.15, len(right))
    crown = np.vstack([right, [(0, height)], right[::-1] * (-1, 1)])
    board.fill(box(-0.2, 0, 0.2, 0.1 * height), (84, 66, 52))
    board.fill(crown, board.conditions.leaf, 0.72)
    board.fill(
        np.vstack([right * (0.9 * lit, 1), [(0, height)], [(0, 0.1 * height)]]), board.conditions.leaf, 0.9
    )


def _broadleaf(board: Board, rng: np.random.Generator, lit: int) -> None:
    height = rng.uniform(6, 11)
    board.fill(box(-0.25, 0, 0.25, 0.4 * height), (92, 76, 60))
    for shift, size, shine in ((0.0, 1.0, 0.75), (0.09, 0.72, 0.92), (0.15, 0.4, 1.08)):
        crown = blob(
            rng, lit * shift * height, (0.6 + shift / 2) * height, size * 0.82 * height, size * 0.8 * height
        )
        board.fill(crown, board.conditions.leaf, shine)


def _eucalyptus(board: Board, rng: np.random.Generator, lit: int) -> None:
    height = rng.uniform(8, 14)
    lean = rng.normal(0, 0.05) * height
    tips = np.stack([lean + np.linspace(-0.3, 0.3, 4) * height, rng.uniform(0.7, 0.95, 4) * height], axis=1)
    fork = np.array([lean * 0.5, 0.45 * height])
    board.line([np.array([(0, 0), fork])], (206, 196, 184), 0.5)
    board.line([np.array([fork, tip]) for tip in tips], (206, 196, 184), 0.26)
    for shine, size in ((0.75, 1.0), (0.98, 0.6)):
        crowns = [
            blob(rng, x + lit * (1 - size), y + 1 - size, 0.34 * height * size, 0.17 * height * size, 0.24)
            for x, y in tips
        ]
        for crown in crowns:
            board.fill(crown, board.conditions.leaf, shine)


def _cabbage_tree(board: Board, rng: np.random.Generator, lit: int) -> None:
    height = rng.uniform(4.5, 8)
    heads = [(0.0, height)] + [(s * 0.24 * height, rng.uniform(0.7, 0.92) * height) for s in (-1, 1)]
    board.line([np.array([(0, 0), (0, 0.5 * height), head]) for head in heads], (118, 104, 88), 0.28)
    for x, y in heads:
        angle = np.linspace(-0.35, np.pi + 0.35, 15) + rng.normal(0, 0.08, 15)
        reach = rng.uniform(0.2, 0.27, 15) * height
        for part, shine in ((slice(0, None, 2), 0.7), (slice(1, None, 2), 1.0)):
            tips = np.stack(
                [x + reach[part] * np.cos(angle[part]), y + reach[part] * np.sin(angle[part])], axis=1
            )
            board.line([np.array([(x, y), tip]) for tip in tips], board.conditions.leaf * shine, 0.17)


def _avenue_tree(board: Board, rng: np.random.Generator, lit: int) -> None:
    height = rng.uniform(4.5, 6)
    board.fill(box(-0.2, 0, 0.2, 0.42 * height), (78, 64, 54))
    board.fill(box(-0.22, 0.04, 0.22, 1.1), WHITE)
    for shift, size, shine in ((0.0, 1.0, 0.75), (0.08, 0.7, 0.98)):
        board.fill(
            blob(rng, lit * shift * height, 0.68 * height, size * 0.62 * height, size * 0.62 * height, 0.07),
            board.conditions.leaf,
            shine,
        )


def house(board: Board, rng: np.random.Generator, style: str) -> None:
    """A house of one style seen from the front; wall and roof colours do not depend on the style."""
    wall = (
        np.array([(232, 224, 206), (222, 206, 170), (206, 200, 192), (214, 184, 156)][rng.integers(4)])
        * board.conditions.wall
    )
    roof = np.array([(158, 84, 62), (104, 98, 96), (128, 76, 60), (96, 108, 104)][rng.integers(4)], float)
    half, eaves, ridge = {
        "gable": (3.8, 3.0, 7.6),
        "chalet": (5.2, 5.0, 7.3),
        "pyramid": (4.3, 5.6, 7.7),
        "low hip": (7.0, 2.6, 4.2),
    }[style]
    grow = rng.uniform(0.9, 1.1)
    half, eaves, ridge = half * grow, eaves * grow, ridge * grow
    body = [(-half, 0), (half, 0), (half, eaves), (0, ridge), (-half, eaves)]
    if style in ("gable", "chalet"):
        over = 0.4 if style == "gable" else 1.3
        drop = over * (ridge - eaves) / half
        board.fill(body, wall)
        rim = [(-half - over, eaves - drop), (0, ridge), (half + over, eaves - drop)]
        board.fill([*rim, *[(x * 0.97, y - 0.55) for x, y in rim[::-1]]], roof)
    else:
        board.fill(box(-half, 0, half, eaves), wall)
        top = 0.0 if style == "pyramid" else 0.55 * half
        over = 0.35 if style == "pyramid" else 0.8
        board.fill([(-half - over, eaves), (half + over, eaves), (top, ridge), (-top, ridge)], roof)
    _house_details(board, style, half, eaves)


def _house_details(board: Board, style: str, half: float, eaves: float) -> None:
    panes = [
        box(x * half - 0.55, y, x * half + 0.55, y + 1.2)
        for x in (-0.55, 0.55)
        for y in np.arange(1.0, eaves - 1.2, 2.4)
    ]
    board.fill(panes, (74, 84, 96))
    if style == "chalet":
        board.fill(box(-half * 1.04, eaves * 0.52, half * 1.04, eaves * 0.52 + 0.9), (112, 74, 46))
    if style == "low hip":
        posts = [box(x * half - 0.08, 0, x * half + 0.08, eaves) for x in np.linspace(-1, 1, 6)]
        board.fill(box(-half, eaves - 0.55, half, eaves), (60, 58, 56))
        board.fill(posts, WHITE)


def pole(board: Board, rng: np.random.Generator, style: str) -> None:
    """A utility pole with its wires' carriers."""
    height = rng.uniform(7.5, 9.5)
    if style == "concrete pair":
        for side in (-1, 1):
            board.fill(
                [
                    (side * 0.75 - 0.16, 0),
                    (side * 0.75 + 0.16, 0),
                    (side * 0.12 + 0.1, height),
                    (side * 0.12 - 0.1, height),
                ],
                (178, 174, 166),
            )
        board.fill(box(-0.5, 0.45 * height, 0.5, 0.45 * height + 0.22), (178, 174, 166))
        return
    board.fill([(-0.17, 0), (0.17, 0), (0.11, height), (-0.11, height)], (112, 96, 80))
    if style == "crossarm":
        board.fill(box(-1.5, height - 0.75, 1.5, height - 0.5), (96, 82, 70))
        board.fill(
            [box(x - 0.07, height - 0.5, x + 0.07, height - 0.2) for x in (-1.3, -0.8, 0.8, 1.3)],
            (150, 80, 60),
        )
    else:
        board.fill([box(0.1, height - 0.4 - k, 0.42, height - 0.28 - k) for k in (0, 0.45)], (150, 150, 150))


def bollard(board: Board, rng: np.random.Generator, style: str) -> None:
    """A delineator post, 1.05 m high."""
    board.fill(box(-0.085, 0, 0.085, 1.05), WHITE)
    if style == "black cap":
        board.fill([(-0.095, 0.82), (0.095, 0.74), (0.095, 1.08), (-0.095, 1.05)], BLACK)
    elif style == "black band":
        board.fill([(-0.088, 0.66), (0.088, 0.74), (0.088, 0.98), (-0.088, 0.9)], BLACK)
        board.fill(box(-0.06, 0.74, 0.06, 0.89), ORANGE)
    elif style == "red band":
        board.fill(box(-0.09, 0.62, 0.09, 0.86), RED)
    else:
        angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        board.fill(np.stack([0.075 * np.cos(angle), 0.86 + 0.075 * np.sin(angle)], axis=1), RED)


def warning_sign(board: Board, rng: np.random.Generator, style: str) -> None:
    """A warning sign on its post; the symbol inside is the same in every style."""
    side, middle = 1.15, 2.35
    centre = np.array([0, middle])
    board.fill(box(-0.05, 0, 0.05, middle), (132, 134, 136))
    if style == "red triangle":
        shape = np.array([(-0.5, -0.36), (0.5, -0.36), (0, 0.5)]) * side
        board.fill(shape + centre, RED)
        board.fill(shape * 0.66 + centre, WHITE)
    else:
        shape = np.array([(0, -0.62), (0.62, 0), (0, 0.62), (-0.62, 0)]) * side
        board.fill(shape + centre, BLACK)
        board.fill(shape * 0.93 + centre, YELLOW)
    board.fill(
        [(-0.07, middle - 0.2), (0.07, middle - 0.2), (0.1, middle + 0.14), (-0.1, middle + 0.14)], BLACK
    )


def car(board: Board, front: bool, rng: np.random.Generator) -> None:
    """A car seen from the front (white lamps, grille, large windscreen) or from behind (red lamps, plate)."""
    paint = np.array(
        [(206, 208, 210), (60, 64, 70), (140, 34, 34), (44, 70, 116), (236, 236, 232)][rng.integers(5)], float
    )
    half, height = 0.92, 1.5 + rng.choice([0, 0.45])
    board.fill(box(-0.95 * half, 0, -0.6 * half, 0.4), BLACK)
    board.fill(box(0.6 * half, 0, 0.95 * half, 0.4), BLACK)
    board.fill(
        [
            (-half, 0.25),
            (half, 0.25),
            (half, 0.85),
            (0.74 * half, height),
            (-0.74 * half, height),
            (-half, 0.85),
        ],
        paint,
    )
    glass = [
        (-0.82 * half, 0.92),
        (0.82 * half, 0.92),
        (0.66 * half, height - 0.12),
        (-0.66 * half, height - 0.12),
    ]
    board.fill(glass, (70, 84, 98))
    lamps = [box(s * 0.7 * half - 0.2, 0.56, s * 0.7 * half + 0.2, 0.86) for s in (-1, 1)]
    board.fill(lamps, (255, 255, 244) if front else (214, 18, 22), 1.15)
    board.fill(box(-0.42, 0.34, 0.42, 0.62), (26, 26, 28) if front else WHITE)
