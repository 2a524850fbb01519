"""What a trial of the search's tests runs in place of an experiment: known curves in no time, and faults.

Epoch e of E has the accuracy q(1 - 2^-e) with q = 1 - |validation - 1/2|; the loss is what is missing to 1.
Batch size 13 diverges, 7 is killed, 5 has no coordinates. A line in starts.txt tells of each start.
"""

import argparse
import csv
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from kangaroo.runs.search.trial import _end_with_the_search

COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")


def accuracy(validation: float, epoch: int) -> float:
    return (1 - abs(validation - 0.5)) * (1 - 2.0**-epoch)


def command(experiment: str, words: Sequence[str]) -> list[str]:
    """To stand in for that of kangaroo.runs.search.trial."""
    return [sys.executable, __file__, experiment, *words]


def write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def train(args: argparse.Namespace) -> None:
    history = args.out / "history.csv"
    rows = list(csv.reader(history.open(encoding="utf-8")))[1:] if history.exists() else []
    for epoch in range(len(rows) + 1, args.epochs + 1):
        time.sleep(float(os.environ.get("FAKE_SECONDS", 0)))
        value = accuracy(args.validation, epoch)
        rows.append([epoch, 1 - value, value, 1 - value, value, 0.1])
        write(history, "\n".join(",".join(map(str, row)) for row in [COLUMNS, *rows]) + "\n")
        write(args.out / f"checkpoint-{epoch:04d}.keras", "a checkpoint")
        with (args.out / "epochs.txt").open("a") as file:
            print(epoch, file=file)


def leave(args: argparse.Namespace) -> None:
    value = accuracy(args.validation, args.epochs)
    metrics = {
        "n": 100,
        "accuracy": value,
        "accuracy_ci95": [value - 0.05, value + 0.05],
        "loss": 1 - value,
        "geo": {"median_km": 1000 * (1 - value)} if args.batch_size != 5 else None,
    }
    write(args.out / "metrics.json", json.dumps(metrics))
    write(args.out / "model.json", json.dumps({"data": {"drawn": False}}))
    write(args.out / "model.keras", "a model")


def main() -> None:
    Thread(target=_end_with_the_search, daemon=True).start()
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--validation", type=float, default=0.2)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true", required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "starts.txt").open("a") as file:
        print(os.getpid(), file=file)
    if args.batch_size == 13:
        print("something\rerror: the loss became nan in epoch 1: train anew", file=sys.stderr)
        sys.exit(2)
    if args.batch_size == 7:
        print("about to be killed", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    train(args)
    leave(args)


if __name__ == "__main__":
    main()
