"""Layouts and types of arrays: HW, HWC, CHW and NCHW in, the same out."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from tweedie import _native
from tweedie._errors import InputError, TweedieWarning

#: What numpy makes an array of.
ArrayLike = npt.ArrayLike
#: Results are float32, or float64 where the input was.
FloatArray = npt.NDArray[np.floating[Any]]
#: f32 values in the order [N, C, H, W].
Batch = npt.NDArray[np.float32]

#: Beyond this a float image is taken for one in grey levels: noise and over-shoot stay far below.
_LARGEST = 8.0


@dataclass(frozen=True)
class Layout:
    """How the axes of an array are meant, and of which type the result is."""

    dimensions: int
    channel_axis: int | None
    dtype: np.dtype[np.floating[Any]]

    def restored(self, batch: Batch) -> FloatArray:
        """A batch ``[N, C, H, W]`` in this layout."""
        x: npt.NDArray[np.floating[Any]] = batch
        if self.dimensions == 2:
            # Several channels of a gray input are a result that has its own layout, HWC.
            x = x[0, 0] if x.shape[1] == 1 else np.moveaxis(x[0], 0, -1)
        elif self.dimensions == 3:
            x = np.moveaxis(x[0], 0, self.channel_axis if self.channel_axis is not None else -1)
        elif self.channel_axis not in (1, None):
            x = np.moveaxis(x, 1, self.channel_axis)
        return np.ascontiguousarray(x, dtype=self.dtype)


def as_floats(x: ArrayLike, name: str) -> FloatArray:
    """x as floats, white at 1: integers are divided by the largest value of their type."""
    array = np.asarray(x)
    if array.dtype.kind == "b":
        return array.astype(np.float32)
    if array.dtype.kind in "ui":
        return (array / np.float64(np.iinfo(array.dtype).max)).astype(np.float32)
    if array.dtype == np.float64:
        return array
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    raise InputError(f"{name}: expected an array of real numbers, got the type {array.dtype}", name)


def batch_of(x: ArrayLike, name: str, channel_axis: int | None = None, picture: bool = True) -> tuple[Batch, Layout]:
    """x as ``[N, C, H, W]``, and the way back.

    Two axes are HW. Three are HWC or CHW as ``channel_axis`` says (-1 or 0); without it, the first or the last axis is that of
    the channels if it alone has 1 or 3 entries. Four are NCHW, or as ``channel_axis`` says (1 or -1).

    Raises:
        InputError: names the array, or ``channel_axis``.
    """
    array = as_floats(x, name)
    dtype = np.dtype(np.float64) if array.dtype == np.float64 else np.dtype(np.float32)
    dimensions = array.ndim
    if channel_axis is not None and (isinstance(channel_axis, bool) or not isinstance(channel_axis, (int, np.integer))):
        raise InputError(f"channel_axis: expected a whole number or None, got {channel_axis!r}", "channel_axis")
    if channel_axis is not None and not -dimensions <= channel_axis < dimensions:
        raise InputError(f"channel_axis: expected an axis of {name}, which has {dimensions}, got {channel_axis}", "channel_axis")
    axis = None if channel_axis is None else int(channel_axis) % dimensions
    if dimensions == 2 and axis is None:
        values = array[None, None]
    elif dimensions == 3:
        axis = _channels_of(array.shape, name, picture) if axis is None else axis
        values = np.moveaxis(array, axis, 0)[None]
    elif dimensions == 4 and axis != 0:
        axis = 1 if axis is None else axis
        values = np.moveaxis(array, axis, 1)
    else:
        raise InputError(f"{name}: expected an image HW, HWC or CHW or a batch NCHW, got the shape {array.shape}", name)
    if 0 in values.shape:
        raise InputError(f"{name}: expected an image with pixels, got the shape {array.shape}", name)
    batch = np.ascontiguousarray(values, dtype=np.float32)
    require_finite(batch, name)
    if picture and float(np.abs(batch).max()) > _LARGEST:
        warnings.warn(
            f"{name}: expected values in [0, 1] (white at 1), got up to {float(np.abs(batch).max()):.4g}; divide grey levels by 255",
            TweedieWarning,
            stacklevel=4,
        )
    return batch, Layout(dimensions, axis, dtype)


def _channels_of(shape: tuple[int, ...], name: str, picture: bool) -> int:
    # Measurements may also be complex: two channels.
    numbers = (1, 3) if picture else (1, 2, 3)
    candidates = [axis for axis in (0, 2) if shape[axis] in numbers]
    if len(candidates) != 1:
        raise InputError(
            f"channel_axis: expected -1 (HWC) or 0 (CHW), since the shape {shape} of {name} does not tell", "channel_axis"
        )
    return candidates[0]


def require_finite(batch: Batch, name: str) -> None:
    """Refuses NaN and infinities."""
    # A sum is one pass; it overflows for no picture.
    if not math.isfinite(float(batch.sum(dtype=np.float64))):
        wrong = int(batch.size - np.isfinite(batch).sum())
        raise InputError(f"{name}: expected finite values, got {wrong} that are NaN or infinite", name)


def handed(batch: Batch) -> tuple[bytes, tuple[int, int, int, int]]:
    """A batch as the library takes it."""
    n, c, h, w = batch.shape
    return batch.tobytes(), (n, c, h, w)


def taken(array: _native.Array) -> Batch:
    """What the library gives, without a copy."""
    # numpy knows the interface, its stubs do not.
    batch: Batch = np.asarray(cast(Any, array))
    return batch


def level_of(value: float, name: str) -> float:
    """A standard deviation in [0, 1] units."""
    try:
        level = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name}: expected a standard deviation in [0, 1] units, got {value!r}", name) from None
    if not 0.0 <= level <= 1.0:
        hint = f"; grey levels are divided by 255, {level:g}/255 = {level / 255:.4f}" if level > 1.0 else ""
        raise InputError(f"{name}: expected a standard deviation in [0, 1] units (white is 1), got {level:g}{hint}", name)
    return level
