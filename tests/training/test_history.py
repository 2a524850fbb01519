from pathlib import Path

import pytest

from kangaroo.training import Epoch, History

VALUES = [(0.5, 0.8), (0.4, 0.9), (0.3, 0.9), (0.1, 0.7), (0.3, 0.9)]
ROWS = tuple(Epoch(i, 1.0, 0.5, *value, 1.0) for i, value in enumerate(VALUES, 1))


@pytest.mark.parametrize(
    ("measure", "keep", "best"),
    [
        ("accuracy", "accuracy", 3),  # the highest; of these the lowest loss, and of those the first
        ("km", "km", 4),  # the lowest
        ("accuracy", "loss", 4),
        ("km", "loss", 4),
    ],
)
def test_best_epoch(measure: str, keep: str, best: int) -> None:
    assert History(ROWS, measure, keep).best_epoch == best


def test_of_equal_losses_the_better_measure() -> None:
    rows = (Epoch(1, 1, 0, 0.3, 0.8, 1), Epoch(2, 1, 0, 0.3, 0.9, 1), Epoch(3, 1, 0, 0.3, 0.9, 1))
    assert History(rows, "accuracy", "loss").best_epoch == 2
    assert History(rows, "km", "loss").best_epoch == 1


@pytest.mark.parametrize("measure", ["accuracy", "km"])
def test_file_and_frame(measure: str, tmp_path: Path) -> None:
    history = History(ROWS, measure, "loss")
    frame = history.frame()
    columns = ["epoch", "loss", measure, "val_loss", f"val_{measure}", "seconds"]
    assert frame.columns.tolist() == columns
    assert History((), measure).frame().columns.tolist() == columns
    frame.to_csv(tmp_path / "history.csv", index=False)
    assert History.read(tmp_path / "history.csv", "loss") == history
    assert History.read(tmp_path / "history.csv").keep == measure


def test_accuracy_by_its_name() -> None:
    row = Epoch(1, 0.7, 0.5, 0.6, 0.75, 1.0)
    assert (row.accuracy, row.val_accuracy) == (0.5, 0.75)
