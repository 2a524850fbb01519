"""Predictions: checks, derived columns, and the round trip through predictions.csv."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kangaroo.errors import DataError
from kangaroo.evaluation.predictions import Predictions


@pytest.fixture
def three() -> Predictions:
    return Predictions(
        classes=("Austria", "Manawatū-Whanganui"),
        files=("Austria/a, b.jpg", "NA", "Manawatū-Whanganui/c.jpg"),
        places=("p1", "NA", "007"),
        labels=np.array([0, 0, 1]),
        probabilities=np.array([[0.9, 0.1], [1 / 3, 2 / 3], [0.5, 0.5]]),
        lat=np.array([48.0, np.nan, -40.0]),
        lon=np.array([16.0, np.nan, 175.0]),
    )


def test_derived(three: Predictions) -> None:
    assert three.predicted.tolist() == [0, 1, 0]
    assert three.confidence.tolist() == [0.9, 2 / 3, 0.5]
    assert three.correct.tolist() == [True, False, False]


def test_frame(three: Predictions) -> None:
    frame = three.frame()
    assert list(frame.columns) == [
        "file",
        "place",
        "label",
        "prediction",
        "confidence",
        "correct",
        "p_Austria",
        "p_Manawatū-Whanganui",
    ]
    assert frame.iloc[1].tolist() == ["NA", "NA", "Austria", "Manawatū-Whanganui", 2 / 3, False, 1 / 3, 2 / 3]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_round_trip(three: Predictions, tmp_path: Path, dtype: type) -> None:
    written = replace(three, probabilities=three.probabilities.astype(dtype))
    path = tmp_path / "predictions.csv"
    written.frame().to_csv(path, index=False)
    again = Predictions.read(path)
    assert (again.classes, again.files, again.places) == (three.classes, three.files, three.places)
    assert again.labels.tolist() == three.labels.tolist()
    assert again.probabilities.astype(dtype).tolist() == written.probabilities.tolist()
    assert np.isnan(again.lat).all()
    assert np.isnan(again.lon).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": np.array([[0.9, 0.1], [0.5, 0.6], [0.5, 0.5]])}, "NA: probabilities .* sum 1.1"),
        ({"probabilities": np.array([[0.9, 0.1], [0.5, 0.5], [1.2, -0.2]])}, "c.jpg: .* from -0.2 to 1.2"),
        ({"probabilities": np.array([[np.nan, 0.1], [0.5, 0.5], [0.5, 0.5]])}, "a, b.jpg: probabilities"),
        ({"probabilities": np.ones((3, 1))}, r"shape \(3, 1\); \(3, 2\)"),
        ({"labels": np.array([0, 2, 1])}, "NA: label 2 is none of the 2"),
        ({"labels": np.array([0, -1, 1])}, "label -1"),
        ({"labels": np.array([0, 1])}, "labels has 2 entries for 3"),
        ({"places": ("a",)}, "places has 1 "),
        ({"classes": ("Austria", "Austria")}, "twice"),
        ({"files": ()}, "no photo"),
    ],
)
def test_what_does_not_fit_is_named(three: Predictions, change: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(three, **change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no table of predictions"),
        ("file,place,p_A,p_B\n", "no column 'label'"),
        ("file,place,label,p_A,p_B\n", "no photo"),
        ("file,place,label,p_A,p_B\na.jpg,1,C,0.5,0.5\n", "label 'C' has no column p_C"),
        ("file,place,label,p_A,p_B\na.jpg,1,A,0.5,many\n", "many"),
        ("file,place,label,p_A,p_B\na.jpg,1,A,0.5,0.9\n", "a.jpg: .* sum 1.4"),
    ],
)
def test_unusable_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        Predictions.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        Predictions.read(tmp_path / "nowhere.csv")
