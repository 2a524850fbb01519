"""The same in PyTorch, with what was fastest of its settings on a CPU, and kangaroo's decoded photos."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.side import BATCH, SIZE, Case, Work
from kangaroo.data.cache import decode_photos
from kangaroo.data.folders import read_folders
from kangaroo.data.images import decode_many

EPSILONS = (0.001, 0.01, 0.1, 1.0)
STEPS = 128  # even midpoints need so many gradients where the adaptive rule needs 57 (see RESULTS.md)


def epoch_cold(case: Case) -> Work:
    """Decode, then train in float32, channels last."""
    train = _trainer()
    train(torch.zeros(BATCH, SIZE, SIZE, 3, dtype=torch.uint8), torch.zeros(BATCH))
    return lambda: _epoch(train, *_decoded(case))


def epoch_warm(case: Case) -> Work:
    """Train an epoch of photos that are decoded."""
    train, photos = _trainer(), _decoded(case)
    train(torch.zeros(BATCH, SIZE, SIZE, 3, dtype=torch.uint8), torch.zeros(BATCH))
    return lambda: _epoch(train, *photos)


def evaluation(case: Case) -> Work:
    """Inference in bfloat16, compiled."""
    infer, (pixels, _) = _compiled(), _decoded(case)
    infer(torch.from_numpy(pixels[:BATCH].copy()))

    def work() -> None:
        for start in range(0, len(pixels), BATCH):
            infer(torch.from_numpy(pixels[start : start + BATCH].copy()))

    return work


def prediction(case: Case) -> Work:
    """Decoded in threads, scaled while decoding, while the network works."""
    infer, (files, _) = _compiled(), case.files()
    infer(torch.zeros(BATCH, SIZE, SIZE, 3, dtype=torch.uint8))

    def work() -> None:
        batch: list[Any] = []
        for photo in decode_many(files, SIZE):
            batch.append(photo)
            if len(batch) == BATCH:
                infer(torch.from_numpy(np.stack(batch)))
                batch = []
        if batch:
            infer(torch.from_numpy(np.stack(batch)))

    return work


def sweep(case: Case) -> Work:
    """One gradient for all epsilons, the attacked photos judged in bfloat16."""
    model = _network().eval()
    gradient_of, infer = _input_gradient(model), _on_inputs(model)

    def work() -> None:
        for pixels, labels in _in_batches(*_decoded(case)):
            x = _standardized(pixels)
            signs = gradient_of(x, labels).sign()
            for epsilon in (0.0, *EPSILONS):
                infer(x + epsilon * signs)

    return work


def integrated_gradients(case: Case) -> Work:
    """Even midpoints of the same network, in batches of 16."""
    files, _ = case.files()
    card = json.loads(case.model.with_suffix(".json").read_text(encoding="utf-8"))
    antialias = "not antialiased" not in card["preprocessing"]["resize"]
    photos: list[Any] = list(decode_many(files, SIZE, antialias=antialias))
    model, x = _with_weights_of(case.model).eval(), _standardized(torch.from_numpy(np.stack(photos)))

    def score(points: torch.Tensor) -> torch.Tensor:
        return model(points)[:, 0]

    def work() -> float:
        nodes, total = (torch.arange(STEPS) + 0.5) / STEPS, torch.zeros_like(x)
        for i, photo in enumerate(x):
            for part in nodes.split(16):
                points = (part[:, None, None, None] * photo).requires_grad_()
                total[i] += torch.autograd.grad(score(points).sum(), points)[0].sum(dim=0) / STEPS
        with torch.no_grad():
            change = score(x) - score(0 * x)
        gaps = (((total * x).sum(dim=(1, 2, 3)) - change).abs() / change.abs().clamp(min=1)).tolist()
        return median(gaps)

    return work


integrated_gradients_rough = integrated_gradients


def _network() -> Any:
    torch.manual_seed(0)
    parts: list[nn.Module] = []
    for channels in (3, *[32] * 5):
        parts += [nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    side = SIZE // 64
    parts += [nn.Flatten(), nn.Linear(32 * side * side, 100), nn.Dropout(0.1), nn.Linear(100, 1)]
    network: Any = nn.Sequential(*parts)
    return network.to(memory_format=torch.channels_last)


def _with_weights_of(file: Path) -> Any:
    """The network with the weights of a model file of the report's kind."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    weights = iter(keras.models.load_model(file, compile=False).get_weights())
    network = _network()
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.Conv2d):
                layer.weight.copy_(torch.from_numpy(next(weights).transpose(3, 2, 0, 1)))
            elif isinstance(layer, nn.Linear):
                kernel, side = next(weights), SIZE // 64
                if len(kernel) > 100:  # Keras flattens rows, columns, channels, PyTorch channels first
                    kernel = kernel.reshape(side, side, 32, -1).transpose(2, 0, 1, 3).reshape(len(kernel), -1)
                layer.weight.copy_(torch.from_numpy(kernel.T))
            else:
                continue
            layer.bias.copy_(torch.from_numpy(next(weights)))
    return network


def _standardized(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 (b, H, W, 3) -> float32 (b, 3, H, W), each photo by itself, channels last in memory."""
    x = pixels.float()
    x -= x.mean(dim=(1, 2, 3), keepdim=True)
    x /= x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1 / x[0].numel() ** 0.5)
    return x.permute(0, 3, 1, 2)


def _trainer() -> Any:
    model = _network().train()
    optimizer = torch.optim.Adam(model.parameters(), 0.001)
    loss = nn.BCEWithLogitsLoss()

    def train(pixels: torch.Tensor, labels: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss(model(_standardized(pixels))[:, 0], labels).backward()
        optimizer.step()

    return train


def _epoch(train: Any, pixels: np.ndarray, labels: np.ndarray) -> None:
    for photos, names in _in_batches(pixels, labels):
        train(photos, names)


def _compiled() -> Any:
    infer = _on_inputs(_network().eval())
    return lambda pixels: infer(_standardized(pixels))


def _on_inputs(model: nn.Module) -> Any:
    compiled = torch.compile(model)

    def infer(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            return compiled(x).sigmoid()

    return infer


def _input_gradient(model: nn.Module) -> Any:
    loss = nn.BCEWithLogitsLoss(reduction="sum")

    def gradient(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        points = x.detach().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            value = loss(model(points)[:, 0].float(), labels)
        return torch.autograd.grad(value, points)[0]

    return gradient


def _decoded(case: Case) -> tuple[np.ndarray, np.ndarray]:
    manifest, pixels = decode_photos(read_folders([case.root], case.classes), SIZE)
    labels = manifest.photos["class"].map(case.classes.index).to_numpy(np.float32)
    return pixels[: case.n], labels[: case.n]


def _in_batches(pixels: np.ndarray, labels: np.ndarray) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for start in range(0, len(pixels), BATCH):
        part = slice(start, start + BATCH)
        yield torch.from_numpy(pixels[part].copy()), torch.from_numpy(labels[part].copy())
