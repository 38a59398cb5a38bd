"""Images from files and back."""

from __future__ import annotations

import os

import numpy as np

from tweedie import _native, _threads
from tweedie._arrays import ArrayLike, FloatArray, batch_of, handed, taken
from tweedie._errors import blaming


def read_image(path: str | os.PathLike[str]) -> FloatArray:
    """An image file (PNG, JPEG, TIFF, .npy) as float32 with white at 1: HW for gray, HWC for colour.

    Raises:
        FileError: if the file is missing, or no image.
    """
    with blaming("path"):
        batch = taken(_native.read_image(os.fspath(path), _threads.current()))
    return batch[0, 0] if batch.shape[1] == 1 else np.ascontiguousarray(np.moveaxis(batch[0], 0, -1))


def write_image(
    path: str | os.PathLike[str], x: ArrayLike, *, depth: int | str | None = None, channel_axis: int | None = None
) -> None:
    """Writes an image; the name's ending chooses the format: ``.png``, ``.tif``, or ``.npy`` with all digits.

    Args:
        path: replaced if it is there.
        x: an image with white at 1; what lies outside [0, 1] is clipped, but in ``.npy``.
        depth: 8 or 16 bit, or ``"float"``; default 8, and all digits for ``.npy``.
        channel_axis: the axis of the channels; see :func:`tweedie.denoise`.

    Raises:
        FileError: if the file cannot be written.
    """
    batch, _ = batch_of(x, "x", channel_axis)
    with blaming("path"):
        _native.write_image(os.fspath(path), handed(batch), None if depth is None else str(depth), _threads.current())
