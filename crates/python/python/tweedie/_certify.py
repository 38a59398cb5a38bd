"""Certificates: what a denoiser is measured and proven to be, and which theorems that serves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tweedie import _native, _threads
from tweedie._arrays import ArrayLike, batch_of, handed, level_of
from tweedie._denoiser import Denoiser, _load
from tweedie._errors import InputError, blaming
from tweedie._restore import seed_of


@dataclass(frozen=True)
class Estimate:
    """A measure over patches."""

    mean: float
    max: float
    #: Standard error of the mean; None for one patch.
    stderr: float | None


@dataclass(frozen=True)
class Condition:
    """A condition of a theorem, with what is known about it."""

    statement: str
    #: ``proven`` by construction, ``measured`` (no sample violated it: no proof), ``fails`` (a sample did) or ``not-decided``.
    status: str
    evidence: str


@dataclass(frozen=True)
class Theorem:
    """A theorem with its conditions on the denoiser."""

    name: str
    source: str
    conditions: list[Condition]
    #: What it asks of the data and the solver besides.
    asks: str


@dataclass(frozen=True)
class Level:
    """The measures at a noise level; J is the Jacobian of D at a noisy patch."""

    #: In [0, 1] units.
    sigma: float
    #: Patches that were measured.
    samples: int
    #: Whether all iterations for norms converged; else these are lower bounds.
    converged: bool
    #: By name, such as ``jacobian_asymmetry`` (||J - J^T||_F^2 / ||J||_F^2) and ``spectral_norm_residual`` (||J - I||).
    measures: dict[str, Estimate]


@dataclass(frozen=True)
class Certificate:
    """What was measured of a denoiser, and what follows."""

    levels: list[Level]
    theorems: list[Theorem]

    def __str__(self) -> str:
        lines = []
        for theorem in self.theorems:
            lines.append(theorem.name)
            lines += [f"  {one.statement}: {one.status} ({one.evidence})" for one in theorem.conditions]
        return "\n".join(lines)


def certify(
    denoiser: Denoiser | str | os.PathLike[str],
    images: ArrayLike | Sequence[ArrayLike],
    *,
    sigma: float | Iterable[float] = (15 / 255, 25 / 255, 50 / 255),
    patch: int = 16,
    samples: int = 17,
    channel_axis: int | None = None,
    seed: int = 0,
    rng: np.random.Generator | None = None,
) -> Certificate:
    """Checks the conditions that the theory of RED and plug-and-play needs.

    Whole Jacobians on noisy patches of clean images. A measurement refutes a condition where it finds a counter-example, and
    never proves one.

    Args:
        denoiser: what :func:`tweedie.load` gives or takes.
        images: a clean image, or a list of them, with the denoiser's channels.
        sigma: one noise level or several, in [0, 1] units.
        patch: side of the patches in pixels, 2 to 64.
        samples: patches for each level, 1 to 10000.
        channel_axis: the axis of the channels; see :func:`tweedie.denoise`.
        seed: of places and noise.
        rng: a generator that the seed is drawn from instead.

    Raises:
        InputError: names the argument.
        KeyboardInterrupt: if Ctrl-C is pressed, after the level at hand.
    """
    chosen = denoiser if isinstance(denoiser, Denoiser) else _load(denoiser, {}, certifying=True)
    levels = [level_of(one, "sigma") for one in ([sigma] if isinstance(sigma, (int, float)) else sigma)]
    if not levels:
        raise InputError("sigma: expected at least one level, got none", "sigma")
    for value, name, most in ((patch, "patch", 64), (samples, "samples", 10_000)):
        least = 2 if name == "patch" else 1
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
            raise InputError(f"{name}: expected a whole number from {least} to {most}, got {value!r}", name)
    listed: list[Any] = list(images) if isinstance(images, (list, tuple)) else [images]
    batches = [batch_of(image, "images", channel_axis)[0] for image in listed]
    singles = [batch[n : n + 1] for batch in batches for n in range(batch.shape[0])]
    own = chosen.info.channels
    for image in singles:
        if min(image.shape[2:]) < patch:
            raise InputError(f"images: expected at least {patch}x{patch} pixels, the side of a patch, got {image.shape[2:]}", "images")
        if own not in (0, image.shape[1]):
            raise InputError(f"images: expected {own} channel(s) for '{chosen.info.name}', got {image.shape[1]}", "images")
    with blaming("images"):
        certifying = _native.Certifying(
            chosen.native,
            [handed(image) for image in singles],
            int(patch),
            int(samples),
            seed_of(seed, rng),
            _threads.current(),
        )
        measured = [_level(one, certifying.measure(one, _threads.current())) for one in levels]
        theorems = json.loads(certifying.theorems(_threads.current()))
    return Certificate(measured, [_theorem(one) for one in theorems])


def _level(sigma: float, text: str) -> Level:
    facts = json.loads(text)
    measures = {name: Estimate(**value) for name, value in facts.items() if isinstance(value, dict)}
    return Level(sigma, facts["samples"], facts["converged"], measures)


def _theorem(facts: dict[str, object]) -> Theorem:
    conditions = facts["conditions"]
    assert isinstance(conditions, list)
    return Theorem(
        name=str(facts["name"]),
        source=str(facts["source"]),
        conditions=[Condition(one["statement"], one["status"], one["evidence"]) for one in conditions],
        asks=str(facts["asks"]),
    )
