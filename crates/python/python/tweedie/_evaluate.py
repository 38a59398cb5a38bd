"""Denoising in numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tweedie import _native, _threads
from tweedie._arrays import ArrayLike, batch_of, handed, level_of
from tweedie._denoiser import Denoiser, denoiser_of
from tweedie._errors import InputError, blaming, log
from tweedie._restore import seed_of


@dataclass(frozen=True)
class Score:
    """An image at a noise level."""

    name: str
    #: Range 1, the estimate clipped to [0, 1].
    psnr_db: float
    #: Gaussian window of 11 pixels.
    ssim: float
    #: Time of the denoiser.
    seconds: float
    #: PSNR of the noisy image.
    psnr_input_db: float


@dataclass(frozen=True)
class Evaluation:
    """All images at a noise level."""

    #: In [0, 1] units.
    sigma: float
    #: Mean over the images.
    psnr_db: float
    #: Mean over the images.
    ssim: float
    images: list[Score]


def evaluate(
    denoiser: Denoiser | str | os.PathLike[str],
    data: str | os.PathLike[str] | ArrayLike | Sequence[ArrayLike] | Sequence[str | os.PathLike[str]],
    *,
    sigma: float | Iterable[float] = (15 / 255, 25 / 255, 50 / 255),
    channel_axis: int | None = None,
    seed: int = 0,
    rng: np.random.Generator | None = None,
) -> list[Evaluation]:
    """PSNR and SSIM of denoising clean images with added white Gaussian noise.

    Args:
        denoiser: what :func:`tweedie.load` gives or takes.
        data: a folder or a file, or a list of them; or an image or a list of images, called "0", "1", ...
        sigma: one noise level or several, in [0, 1] units.
        channel_axis: the axis of the channels of images; see :func:`tweedie.denoise`.
        seed: of the noise, which an image's name chooses with it.
        rng: a generator that the seed is drawn from instead.

    Returns:
        An evaluation for each level.

    Raises:
        FileError: if a file cannot be read.
        InputError: names the argument.
    """
    levels = [level_of(one, "sigma") for one in ([sigma] if isinstance(sigma, (int, float)) else sigma)]
    drawn = seed_of(seed, rng)
    listed: list[Any] = list(data) if isinstance(data, (list, tuple)) else [data]
    if not listed:
        raise InputError("data: expected at least one image, got none", "data")
    if all(isinstance(one, (str, os.PathLike)) for one in listed):
        chosen = denoiser_of(denoiser, 1)
        return [_of_files(chosen, [os.fspath(one) for one in listed], level, drawn) for level in levels]
    batches = [batch_of(image, "data", channel_axis)[0] for image in listed]
    singles = [batch[n : n + 1] for batch in batches for n in range(batch.shape[0])]
    chosen = denoiser_of(denoiser, singles[0].shape[1])
    evaluations = []
    for level in levels:
        scores = []
        for index, image in enumerate(singles):
            with blaming("data"):
                text = _native.evaluate_image(
                    chosen.native, str(index), handed(image), level, drawn, _threads.current()
                )
            scores.append(Score(**json.loads(text)))
        evaluations.append(_evaluation(level, scores))
    return evaluations


def _of_files(denoiser: Denoiser, data: list[str], sigma: float, seed: int) -> Evaluation:
    def tell(kind: str, value: Any) -> None:
        if kind == "note":
            log.info("%s", value)

    with blaming("data"):
        text = _native.evaluate_files(denoiser.native, data, sigma, seed, tell, _threads.current())
    return _evaluation(sigma, [Score(**one) for one in json.loads(text)["images"]])


def _evaluation(sigma: float, scores: list[Score]) -> Evaluation:
    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    return Evaluation(sigma, mean([one.psnr_db for one in scores]), mean([one.ssim for one in scores]), scores)
