"""Noise: white, growing with brightness, different at each pixel, correlated; given or estimated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tweedie import _native, _threads
from tweedie._arrays import ArrayLike, batch_of, handed, level_of, require_finite
from tweedie._errors import InputError, blaming, in_words_of_python

#: Ways to estimate noise from the measurement.
ESTIMATED = ("auto", "correlated", "poisson-gaussian:auto")


@dataclass(frozen=True)
class PoissonGaussian:
    """Photon and electronic noise: var = gain * x + sigma**2 at brightness x, everything in [0, 1] units.

    A law in grey levels, var = g x + s^2 for x from 0 to 255, is ``PoissonGaussian(g / 255, s / 255)``.
    """

    gain: float
    sigma: float

    def __post_init__(self) -> None:
        level_of(self.gain, "gain")
        level_of(self.sigma, "sigma")


@dataclass(frozen=True)
class Noise:
    """The noise of an image or a measurement. Levels are standard deviations in [0, 1] units."""

    #: ``white``, ``compressed``, ``correlated``, ``poisson-gaussian`` or ``map``.
    kind: str
    #: The level, or the root mean square one where it varies.
    level: float
    #: The law of the variance, where noise grows with brightness.
    law: PoissonGaussian | None
    #: Levels at full, half and quarter resolution, where they differ from white noise's.
    scales: tuple[float, float, float] | None
    #: Whether it was given, assumed or estimated, and from what.
    rests_on: str


#: What noise may be given as: a level, a law, a map of levels ``[H, W]``, or a way to estimate it (one of ``ESTIMATED``).
NoiseLike: TypeAlias = float | str | PoissonGaussian | ArrayLike


def asked(noise: NoiseLike, name: str, channel_axis: int | None = None) -> Any:
    """Noise as the library takes it."""
    if isinstance(noise, PoissonGaussian):
        return noise.gain, noise.sigma
    if isinstance(noise, str):
        if noise not in ESTIMATED:
            words = ", ".join(map(repr, ESTIMATED))
            raise InputError(
                f"{name}: expected a standard deviation in [0, 1] units, a PoissonGaussian, a map of levels, or one of {words}, "
                f"got {noise!r}",
                name,
            )
        return noise
    if np.ndim(noise) == 0:
        return level_of(noise, name)  # type: ignore[arg-type]
    levels, _ = batch_of(noise, name, channel_axis)
    require_finite(levels, name)
    level_of(float(levels.max()), name)
    if not float(levels.min()) > 0.0:
        raise InputError(f"{name}: expected a map of levels above 0, got {float(levels.min()):g}", name)
    return handed(levels)


def noise_of(facts: dict[str, Any]) -> Noise:
    """Noise as the library tells it, in grey levels."""
    gain, sigma = facts.get("gain_grey_levels"), facts.get("sigma_grey_levels")
    scales = facts.get("scales_grey_levels")
    return Noise(
        kind=facts["kind"],
        level=facts["level_grey_levels"] / 255,
        law=None if gain is None or sigma is None else PoissonGaussian(gain / 255, sigma / 255),
        scales=None if scales is None else (scales[0] / 255, scales[1] / 255, scales[2] / 255),
        rests_on=in_words_of_python(facts["rests_on"]),
    )


def estimate_noise(x: ArrayLike, *, channel_axis: int | None = None) -> Noise:
    """What the noise of an image is: its kind and level, and the law of its variance where there are enough smooth places.

    Args:
        x: an image, with white at 1.
        channel_axis: the axis of the channels; see :func:`tweedie.denoise`.

    Raises:
        InputError: if x is no image, or too small.
    """
    batch, _ = batch_of(x, "x", channel_axis)
    if batch.shape[0] != 1:
        raise InputError(f"x: expected one image, got a batch of {batch.shape[0]}", "x")
    with blaming("x"):
        facts = json.loads(_native.estimate_noise(handed(batch), _threads.current()))
    law = facts.pop("law")
    return noise_of(facts if law is None else facts | {key: law[key] for key in ("gain_grey_levels", "sigma_grey_levels")})


def estimate_sigma(x: ArrayLike, *, channel_axis: int | None = None) -> float:
    """The standard deviation of the noise in an image, in [0, 1] units; see :func:`estimate_noise`.

    Raises:
        InputError: if x is no image, or too small.
    """
    return estimate_noise(x, channel_axis=channel_axis).level
