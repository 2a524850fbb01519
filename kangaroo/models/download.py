"""Weights that Keras downloads, once, to its own folder."""

import sys
from contextlib import redirect_stdout
from pathlib import Path

import keras

from kangaroo.errors import ModelError


def weights_file(address: str, network: str, file_hash: str | None = None) -> Path:
    """Keras's copy of the weights of ``network`` at ``address``, checked by ``file_hash`` where it is new.

    Raises ModelError where they can't be downloaded.
    """
    try:
        with redirect_stdout(sys.stderr):  # where Keras says what it downloads
            return Path(keras.utils.get_file(origin=address, cache_subdir="models", file_hash=file_hash))
    except Exception as error:  # Keras wraps what urllib raises into a plain Exception
        raise ModelError(
            f"the ImageNet weights of {network} can't be downloaded here: fetch {address} elsewhere and give "
            "the file with --weights"
        ) from error
