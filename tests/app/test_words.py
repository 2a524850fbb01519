import numpy as np
import pandas as pd
import pytest

from kangaroo.app import words
from kangaroo.app.state import State

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "under 0.1 %"), (0.0004, "under 0.1 %"), (0.0012, "0.1 %"), (0.0994, "9.9 %"), (0.0996, "10 %"),
     (0.5, "50 %"), (0.9949, "99 %"), (0.996, "99.6 %"), (0.9996, "over 99.9 %"), (1, "over 99.9 %")],
)  # fmt: skip
def test_percent_is_never_certain(share, text):
    assert words.percent(share) == text.replace(" %", f"{NBSP}%")


def test_either():
    assert words.either(["a"]) == "a"
    assert words.either(["a", "b"]) == "a or b"
    assert words.either(["a", "b", "c"]) == "a, b or c"


def test_a_calibrated_answer(classifier):
    said = words.answer(State(classifier), [0.45, 0.35, 0.2])
    assert "With 90 % coverage: Austria or Czechia." in said  # 0.45 above Czechia, 0.8 above Slovakia
    assert f"only above 50{NBSP}% confidence are at most 20 % of its answers wrong" in said
    assert "Too unsure" not in words.answer(State(classifier), [0.55, 0.25, 0.2])


def test_an_answer_that_is_not_calibrated(classifier):
    assert "Not calibrated" in words.answer(State(classifier.uncalibrated), [0.4, 0.35, 0.25])


def test_names_are_text(tiny):
    state = State(tiny(("<b>", "&", '"')))
    said = words.answer(state, [0.5, 0.3, 0.2], (-33.9, 151.2))
    assert "<strong>&lt;b&gt;</strong>" in said
    assert "33.90° S, 151.20° E" in said
    assert "&lt;i&gt;" in words.refusal("<i>", "no")
    assert "&lt;u&gt;" in words.table(pd.DataFrame({"file": ["<u>"], "confidence": [0.5]}))


def test_the_ranking_says_what_it_leaves_out():
    p = np.linspace(1, 2, 10) / 15
    said = words.ranking([f"class {i}" for i in range(10)], p)
    assert said.count("<li>") == 6
    assert said.index("class 9") < said.index("class 8")
    assert "and 4 more" in said
