"""Restoration: find x from y = A x + noise, with a denoiser as the prior."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tweedie import _native, _threads
from tweedie._arrays import ArrayLike, Batch, FloatArray, batch_of, handed, level_of, taken
from tweedie._denoiser import Denoiser, denoiser_of
from tweedie._errors import InputError, TweedieWarning, in_words_of_python, log
from tweedie._noise import Noise, NoiseLike, PoissonGaussian, asked, noise_of
from tweedie._png import png_of
from tweedie.physics import Physics

class Iteration(NamedTuple):
    """What an iteration of a solver did."""

    #: Its number, from 1.
    iteration: int
    #: Solver time since the start.
    seconds: float
    #: Noise level that the denoiser was given, in [0, 1] units.
    sigma: float
    #: ||T(z) - z|| / sqrt(n) of the iteration's map T: root mean square of what it changed, 1 is white.
    residual: float
    #: ||x_k - x_(k-1)|| / ||x_(k-1)||; None where x_(k-1) = 0.
    relative_change: float | None
    #: The objective, where the solver minimises one.
    objective: float | None
    #: PSNR in dB, where the truth was given.
    psnr_db: float | None
    #: Calls of the denoiser since the start.
    denoiser_calls: int


#: Called after each iteration; what it raises ends the run and is raised by the call that started it.
Progress = Callable[[Iteration], object]


@dataclass(frozen=True, repr=False)
class Result:
    """What a restoration leaves. Notebooks and napari show it: before and after."""

    #: The restored image, in the layout of y.
    image: FloatArray
    #: Each iteration.
    trace: list[Iteration]
    #: Why the run ended: ``max-iters``, ``converged``, ``discrepancy``, ``budget``, ``diverged`` or ``stalled``.
    stop: str
    #: What looks wrong about the result, and what to try; empty if nothing does. Each is also a :class:`TweedieWarning`.
    warnings: list[str]
    #: Defaults that were taken and values that were estimated.
    notes: list[str]
    #: The noise that the measurement was taken to have.
    noise: Noise
    #: The weight of the prior that a rule found, with ``strength="auto"``; else None.
    strength: float | None
    #: PSNR in dB against the truth, where it was given: range 1, the image clipped.
    psnr_db: float | None
    #: SSIM against the truth, where it was given.
    ssim: float | None
    #: Name of the solver.
    solver: str
    #: Solver time.
    seconds: float
    _before: Batch = field(compare=False)
    _after: Batch = field(compare=False)

    def __repr__(self) -> str:
        scores = "" if self.psnr_db is None else f", {self.psnr_db:.2f} dB"
        return (
            f"<tweedie.Result {' x '.join(map(str, self.image.shape))}: {self.solver}, {len(self.trace)} iterations, "
            f"{self.stop}{scores}, {len(self.warnings)} warning(s)>"
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        array = np.asarray(self.image, dtype=dtype)
        return array.copy() if copy else array

    def _repr_png_(self) -> bytes:
        return png_of([self._before, self._after])


def seed_of(seed: int, rng: np.random.Generator | None) -> int:
    """The seed, or one that is drawn from a generator."""
    if rng is not None:
        if not isinstance(rng, np.random.Generator):
            raise InputError(f"rng: expected a numpy.random.Generator, got {rng!r}", "rng")
        return int(rng.integers(2**63 - 1))
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise InputError(f"seed: expected a whole number from 0 to 2^63 - 1, got {seed!r}", "seed")
    return int(seed)


def _physics(physics: Physics) -> Physics:
    if not isinstance(physics, Physics):
        raise InputError(f"physics: expected an object of tweedie.physics, got {physics!r}", "physics")
    return physics


def restore(
    y: ArrayLike,
    physics: Physics,
    *,
    denoiser: Denoiser | str | os.PathLike[str] | None = None,
    solver: str = "pnp-hqs",
    noise: NoiseLike | None = None,
    fidelity: str = "l2",
    strength: float | str | None = None,
    sigma: float | None = None,
    iterations: int | None = None,
    tolerance: float | None = None,
    discrepancy: float | None = None,
    budget: float | None = None,
    parameters: Mapping[str, Any] | None = None,
    truth: ArrayLike | None = None,
    progress: Progress | None = None,
    channel_axis: int | None = None,
    seed: int = 0,
    rng: np.random.Generator | None = None,
    name: str = "image",
) -> Result:
    """Finds the image x behind the measurement y = A x + noise.

    The result is, byte for byte, that of ``tweedie restore`` and of the Rust library with the same options.

    Args:
        y: the measurement: an image HW, HWC or CHW, or a batch ``[1, C, H, W]``, with white at 1.
        physics: the forward model A, such as ``tweedie.physics.Blur(psf)``.
        denoiser: the prior: what :func:`tweedie.load` gives or takes; default ``color`` for colour images, else ``gray``.
        solver: its name, such as ``pnp-hqs``, ``pnp-admm`` or ``red-gd``; see :func:`tweedie.solvers`.
        noise: **standard deviation of the noise in y, in [0, 1] units** (2 grey levels are 2/255); a
            :class:`tweedie.PoissonGaussian`; a map of levels of the shape of y, or ``[H, W]``; or estimated from y: ``"auto"``,
            ``"correlated"``, ``"poisson-gaussian:auto"``. Without it, what suits the physics: an estimate for blur, rounding for
            downsampling, none for the rest.
        fidelity: the data term: ``"l2"`` (Gaussian noise), ``"poisson"``, ``"l1"`` (outliers) or ``"ball"`` (a residual as large as
            the noise).
        strength: weight of the prior, ``"auto"`` or ``"auto:RULE"``: found by a rule; default: the solver's own.
        sigma: the denoiser's level in [0, 1] units, the first one of solvers that lower it; default: the solver's own.
        iterations: how many; default: the solver's own.
        tolerance: stop once the residual (:attr:`Iteration.residual`) is at most this.
        discrepancy: stop once the data are fitted to this many times the noise, at least 1.
        budget: stop after the iteration in which so many seconds have passed.
        parameters: the solver's other parameters by name; see :func:`tweedie.solvers`.
        truth: the clean image, where it is known: it scores the result and the trace, and changes nothing else.
        progress: called with an :class:`Iteration` after each.
        channel_axis: the axis of the channels of y; see :func:`tweedie.denoise`.
        seed: of solvers that draw numbers.
        rng: a generator that the seed is drawn from instead.
        name: what the picture is called in notes; a name that ends in ``.jpg`` says that the file was one.

    Returns:
        The image with its trace and what was noticed. A run that diverges gives its calmest image, and a warning.

    Raises:
        InputError: names the argument.
        KeyboardInterrupt: if Ctrl-C is pressed, after the iteration at hand.
    """
    _physics(physics)
    measured, layout = batch_of(y, "y", channel_axis, picture=not physics.hides_picture)
    if measured.shape[0] != 1:
        raise InputError(f"y: expected one image, got a batch of {measured.shape[0]}; restore them one by one", "y")
    chosen = denoiser_of(denoiser, physics.channels_of(measured))
    clean = None
    if truth is not None:
        clean, _ = batch_of(truth, "truth", channel_axis)
        if clean.shape[0] != 1:
            raise InputError(f"truth: expected one image, got a batch of {clean.shape[0]}", "truth")
    wanted: Any = "auto" if noise is None and physics.needs_noise else None
    if noise is not None:
        wanted = asked(noise, "noise", channel_axis if np.ndim(noise) == np.ndim(y) else None)  # type: ignore[arg-type]
    drawn = seed_of(seed, rng)
    options = {
        "name": name,
        "domain": physics.domain,
        "solver": solver,
        "fidelity": fidelity,
        "strength": None if strength is None else str(strength) if isinstance(strength, str) else repr(float(strength)),
        "sigma": None if sigma is None else level_of(sigma, "sigma"),
        "iterations": None if iterations is None else _count(iterations, "iterations"),
        "tolerance": tolerance,
        "discrepancy": discrepancy,
        "budget": budget,
        "seed": physics.seed if physics.is_random else drawn,
        "solver_seed": drawn,
        "parameters": dict(parameters or {}),
    }
    notes: list[str] = []

    def tell(kind: str, value: Any) -> None:
        if kind == "note":
            notes.append(in_words_of_python(value))
            log.info("%s", notes[-1])
        elif kind == "iteration" and progress is not None:
            progress(Iteration(*value))

    try:
        text = json.dumps(options, default=_plain)
    except TypeError as error:
        raise InputError(f"parameters: expected numbers, texts, lists and dictionaries; {error}", "parameters") from None
    with physics.blamed(None, {name: "y"}):
        image, rows, stop, scores = _native.restore(
            chosen.native,
            physics.native,
            (handed(measured), None if clean is None else handed(clean), wanted),
            text,
            tell,
            _threads.current(),
        )
    after = taken(image)
    facts = json.loads(scores)
    found = [in_words_of_python(warning) for warning in facts["warnings"]]
    if stop == "diverged":
        found.insert(0, "the run diverged; its calmest image is given")
    for warning in found:
        warnings.warn(warning, TweedieWarning, stacklevel=2)
    before = measured if measured.shape[1] in (1, 3) and not physics.hides_picture else _start(physics, measured)
    return Result(
        image=layout.restored(after),
        trace=[Iteration(*row) for row in rows],
        stop=stop,
        warnings=found,
        notes=notes,
        noise=noise_of(facts["noise"]),
        strength=None if facts["strength"] is None else facts["strength"]["value"],
        psnr_db=facts["psnr_db"],
        ssim=facts["ssim"],
        solver=solver,
        seconds=facts["seconds"],
        _before=before,
        _after=after,
    )


def _start(physics: Physics, measured: Batch) -> Batch:
    """What people see of a measurement that is no picture."""
    start, _ = batch_of(physics.start(measured), "y", picture=False)
    return start


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays as JSON has them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"got {value!r}")


def _count(value: int, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value < 2**32:
        raise InputError(f"{name}: expected a whole number above 0, got {value!r}", name)
    return int(value)


def simulate(
    x: ArrayLike,
    physics: Physics,
    *,
    noise: float | PoissonGaussian | ArrayLike = 0.0,
    channel_axis: int | None = None,
    seed: int = 0,
    rng: np.random.Generator | None = None,
    name: str = "image",
) -> tuple[FloatArray, FloatArray]:
    """A measurement y = A x + noise of a clean image, and the part of the image that it shows.

    Args:
        x: an image, with white at 1. Where its sides are no multiples of a downsampling factor, the last pixels are left out.
        physics: the forward model.
        noise: standard deviation of white Gaussian noise, in [0, 1] units; a :class:`tweedie.PoissonGaussian`; or a map of levels.
        channel_axis: the axis of the channels; see :func:`tweedie.denoise`.
        seed: of the noise; the same seed and name give the noise that the command line gives. Where A is random, its own seed
            is that of the noise, too.
        rng: a generator that the seed is drawn from instead.
        name: of the image, which chooses the noise with the seed.

    Returns:
        (y, truth), in the layout of x.

    Raises:
        InputError: names the argument.
    """
    _physics(physics)
    drawn = seed_of(seed, rng)
    if physics.is_random:
        if drawn not in (0, physics.seed):
            raise InputError(f"seed: expected that of the physics, {physics.seed}, which draws the noise, too, got {drawn}", "seed")
        drawn = physics.seed
    clean, layout = batch_of(x, "x", channel_axis)
    if clean.shape[0] != 1:
        raise InputError(f"x: expected one image, got a batch of {clean.shape[0]}", "x")
    if isinstance(noise, str):
        raise InputError(f"noise: expected a standard deviation in [0, 1] units, got {noise!r}", "noise")
    wanted = asked(noise, "noise", channel_axis if np.ndim(noise) == np.ndim(x) else None)  # type: ignore[arg-type]
    with physics.blamed("x"):
        y, truth = _native.simulate(
            physics.native, handed(clean), wanted, drawn, name, _threads.current()
        )
    return layout.restored(taken(y)), layout.restored(taken(truth))


def solvers() -> dict[str, str]:
    """Each solver's name, with what it does, what it assumes and its parameters."""
    return {name: in_words_of_python(text) for name, text in _native.solvers()}
