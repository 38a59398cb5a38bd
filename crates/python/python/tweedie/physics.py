"""Forward models y = A x + noise, without image sizes: those come with the arrays.

Every model has ``A``, ``A_adjoint`` and ``prox_l2``, on images HW, HWC, CHW and batches NCHW; the result has the layout of the
argument where both are images.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from tweedie import _native, _threads
from tweedie._arrays import ArrayLike, Batch, FloatArray, batch_of, handed, taken
from tweedie._errors import InputError, blaming

__all__ = [
    "Blur",
    "CompressedSensing",
    "Demosaicing",
    "Denoising",
    "Downsampling",
    "Inpainting",
    "MRI",
    "Operator",
    "Physics",
    "Tomography",
    "gaussian_kernel",
]


class Physics:
    """A linear forward model A."""

    #: Whether a restoration needs a noise level above 0.
    needs_noise = False
    #: Whether a seed decides what is measured.
    is_random = False
    #: Whether a measurement is no picture of the scene.
    hides_picture = False

    def __init__(
        self,
        options: dict[str, Any],
        *,
        kernel: tuple[bytes, int, int] | None = None,
        mask: tuple[bytes, int, int] | None = None,
        coils: tuple[bytes, int, int] | None = None,
        seed: int = 0,
        domain: tuple[int, int, int] | None = None,
    ) -> None:
        with blaming(None if kernel or "kernel" not in options else "psf", {"kernel": "psf", "scale": "factor"}):
            native = _native.Physics(json.dumps(options), kernel, mask, coils)
        self._set(native, seed, domain)

    def _set(self, native: _native.Physics, seed: int, domain: tuple[int, int, int] | None) -> None:
        #: The part in Rust, for the module's own use.
        self.native = native
        #: Of what is random in A.
        self.seed = seed
        #: ``[C, H, W]`` of the image, where a measurement does not tell it.
        self.domain = domain
        self._operators: dict[tuple[int, int, int], _native.Operator] = {}

    def __repr__(self) -> str:
        return f"<tweedie.physics.{type(self).__name__}>"

    def A(self, x: ArrayLike, *, channel_axis: int | None = None) -> FloatArray:  # noqa: N802
        """A x, without noise."""
        batch, layout = batch_of(x, "x", channel_axis)
        operator = self._operator(_sizes(batch))
        with self.blamed("x"):
            return layout.restored(taken(operator.apply(handed(batch), _threads.current())))

    def A_adjoint(self, y: ArrayLike, *, channel_axis: int | None = None) -> FloatArray:  # noqa: N802
        """A^T y: <A x, y> = <x, A^T y> for all x and y."""
        batch, layout = batch_of(y, "y", channel_axis, picture=False)
        operator = self._operator(self._domain_of(batch))
        with self.blamed("y"):
            return layout.restored(taken(operator.adjoint(handed(batch), _threads.current())))

    def prox_l2(self, z: ArrayLike, y: ArrayLike, gamma: float, *, channel_axis: int | None = None) -> FloatArray:
        """argmin_x 1/2 ||A x - y||^2 + 1/(2 gamma) ||x - z||^2, in the layout of z."""
        batch, layout = batch_of(z, "z", channel_axis)
        measured, _ = batch_of(y, "y", channel_axis, picture=False)
        operator = self._operator(_sizes(batch))
        with self.blamed("gamma"):
            result = operator.prox_l2(handed(batch), handed(measured), float(gamma), _threads.current())
        return layout.restored(taken(result))

    def start(self, y: ArrayLike, *, channel_axis: int | None = None) -> FloatArray:
        """A first estimate of x from y, where solvers start."""
        batch, layout = batch_of(y, "y", channel_axis, picture=False)
        operator = self._operator(self._domain_of(batch))
        with self.blamed("y"):
            return layout.restored(taken(operator.start(handed(batch), _threads.current())))

    def norm_sq(self, shape: tuple[int, int, int]) -> float:
        """An upper bound on ||A||^2 for images of the shape ``[C, H, W]``; tight where it is cheap to know."""
        return self._operator(shape).norm_sq

    def blamed(self, argument: str | None, names: Mapping[str, str] = {}) -> AbstractContextManager[None]:  # noqa: B006
        """What fails inside is the fault of ``argument``; for the module's own use."""
        return blaming(argument, names)

    def channels_of(self, measured: Batch) -> int:
        """Channels of the image behind a measurement ``[N, C, H, W]``."""
        return self._domain_of(measured)[0]

    def _domain_of(self, measured: Batch) -> tuple[int, int, int]:
        if self.domain is not None:
            return self.domain
        with blaming("y", {"frequencies": "y", "a sensor's image": "y"}):
            return self.native.domain(_sizes(measured))

    def _operator(self, domain: tuple[int, int, int]) -> _native.Operator:
        known = self._operators.get(domain)
        if known is None:
            with blaming("x", {"downsampling": "x"}):
                known = self.native.operator(domain, self.seed, _threads.current())
            self._operators[domain] = known
        return known


def _sizes(batch: Batch) -> tuple[int, int, int]:
    _, c, h, w = batch.shape
    return c, h, w


def _kernel(psf: ArrayLike | str | os.PathLike[str], name: str) -> tuple[str | None, tuple[bytes, int, int] | None]:
    """A kernel as a text or a file, or as an array."""
    if isinstance(psf, (str, os.PathLike)):
        return os.fspath(psf), None
    array = np.asarray(psf, dtype=np.float64)
    if array.ndim != 2 or array.size == 0:
        raise InputError(f"{name}: expected a kernel of two axes, got the shape {array.shape}", name)
    return None, (array.tobytes(), array.shape[0], array.shape[1])


def _mask(mask: ArrayLike, name: str) -> tuple[bytes, int, int]:
    """1 where something is known, else 0."""
    array = np.asarray(mask)
    if array.ndim != 2 or array.size == 0:
        raise InputError(f"{name}: expected a mask of two axes, got the shape {array.shape}", name)
    if not np.isin(array, (0, 1)).all():
        raise InputError(f"{name}: expected True or 1 where something is known, False or 0 elsewhere, got other values", name)
    values = array.astype(np.float32)
    return values.tobytes(), array.shape[0], array.shape[1]


def _boundary(boundary: str) -> str:
    if boundary not in ("unknown", "circular", "replicate"):
        raise InputError(f"boundary: expected 'unknown', 'circular' or 'replicate', got {boundary!r}", "boundary")
    return boundary


def gaussian_kernel(sigma: float, size: int | None = None) -> FloatArray:
    """Weights of a Gaussian blur, of shape ``[size, size]`` with the sum 1.

    Args:
        sigma: its standard deviation in pixels, above 0.
        size: its side; without it 2 ceil(4 sigma) + 1.
    """
    text = f"gaussian:{float(sigma)!r}" + ("" if size is None else f"x{size}")
    with blaming("sigma"):
        rows_columns_values = _native.Physics(json.dumps({"task": "deblur", "kernel": text}), None, None).kernel()
    assert rows_columns_values is not None
    rows, columns, values = rows_columns_values
    return np.asarray(values).reshape(rows, columns)


class Denoising(Physics):
    """A = I: noise alone."""

    needs_noise = True

    def __init__(self) -> None:
        super().__init__({"task": "denoise"})


class Blur(Physics):
    """Convolution with a kernel.

    Args:
        psf: an array ``[r, c]``, divided by its sum; the name of a ``.npy`` or ``.png`` file; ``"gaussian:1.6"`` (standard
            deviation), ``"disc:3"`` (radius), ``"motion:15,30"`` (length and angle in degrees) in pixels; or ``"auto"``: estimated
            from the picture by :func:`tweedie.restore`.
        boundary: how images go on beyond their border. ``"unknown"``, the default, is right for a camera's picture: nothing is
            assumed, so A of an image is smaller than the image by the kernel, and A^T y larger than y. ``"circular"``
            (periodic) is the field's choice in simulations; ``"replicate"`` continues the border's pixels.
    """

    def __init__(self, psf: ArrayLike | str | os.PathLike[str], *, boundary: str = "unknown") -> None:
        text, array = _kernel(psf, "psf")
        options = {"task": "deblur", "boundary": _boundary(boundary)} | ({} if text is None else {"kernel": text})
        super().__init__(options, kernel=array)


class Downsampling(Physics):
    """Super-resolution: convolution with a kernel, then every factor-th pixel of every factor-th row.

    Args:
        factor: 2 to 16.
        psf: as for :class:`Blur`, or what programs use to make pictures small: ``"bicubic"`` (the default), ``"lanczos"``,
            ``"area"``.
        boundary: as for :class:`Blur`.
    """

    def __init__(
        self, factor: int, psf: ArrayLike | str | os.PathLike[str] = "bicubic", *, boundary: str = "unknown"
    ) -> None:
        if isinstance(factor, bool) or not isinstance(factor, (int, np.integer)) or not 2 <= factor <= 16:
            raise InputError(f"factor: expected a whole number from 2 to 16, got {factor!r}", "factor")
        text, array = _kernel(psf, "psf")
        options = {"task": "sr", "scale": int(factor), "boundary": _boundary(boundary)}
        super().__init__(options | ({} if text is None else {"kernel": text}), kernel=array)


class Inpainting(Physics):
    """Some pixels are known.

    Args:
        mask: an array ``[H, W]``, **True where a pixel is known**.
    """

    def __init__(self, mask: ArrayLike) -> None:
        super().__init__({"task": "inpaint"}, mask=_mask(mask, "mask"))


class Demosaicing(Physics):
    """A Bayer sensor: one colour of each pixel; x has three channels, y one.

    Args:
        pattern: colours of the first 2x2 pixels: ``"rggb"``, ``"bggr"``, ``"grbg"`` or ``"gbrg"``.
    """

    def __init__(self, pattern: str = "rggb") -> None:
        super().__init__({"task": "demosaic", "pattern": pattern})


class MRI(Physics):
    """Magnetic resonance imaging: some frequencies of the unitary Fourier transform of a real image are known.

    x has one channel, y two for each coil: real and imaginary part.

    Args:
        mask: an array ``[H, W]``, True where a frequency is known, with the frequency zero at ``[0, 0]``.
        coils: complex sensitivities ``[coils, H, W]`` of several coils; without them one coil sees the image as it is.
    """

    hides_picture = True

    def __init__(self, mask: ArrayLike, coils: ArrayLike | None = None) -> None:
        handed_coils = None
        if coils is not None:
            array = np.asarray(coils)
            if array.ndim != 3 or array.size == 0 or array.dtype.kind not in "cf":
                raise InputError(f"coils: expected complex sensitivities [coils, H, W], got {array.dtype} {array.shape}", "coils")
            handed_coils = (array.astype(np.complex64).tobytes(), array.shape[1], array.shape[2])
        super().__init__({"task": "csmri"}, mask=_mask(mask, "mask"), coils=handed_coils)


class Tomography(Physics):
    """Parallel-beam tomography: line integrals, one row for each direction.

    Args:
        angles: directions over the half circle, 1 to 100,000.
        shape: ``[C, H, W]`` of the images, which a measurement does not tell.
    """

    hides_picture = True

    def __init__(self, angles: int, shape: tuple[int, int, int]) -> None:
        super().__init__({"task": "radon", "angles": int(angles)}, domain=_shape(shape))


class CompressedSensing(Physics):
    """Some coefficients of a random orthonormal transform are known.

    Args:
        ratio: their share of the pixels, in (0, 1].
        shape: ``[C, H, W]`` of the images, which a measurement does not tell.
        seed: of the transform.
    """

    is_random = True
    hides_picture = True

    def __init__(self, ratio: float, shape: tuple[int, int, int], *, seed: int = 0) -> None:
        super().__init__({"task": "compressed", "ratio": float(ratio)}, domain=_shape(shape), seed=seed)


class Operator(Physics):
    """A linear operator of your own.

    Args:
        A: a function from a batch ``[N, C, H, W]`` of float32 to one of the shape ``[N, C', H', W']``, the same for each image.
        A_adjoint: its adjoint: <A x, y> = <x, A^T y>.
        shape: ``[C, H, W]`` of the images.
        norm_sq: an upper bound on ||A||^2, which sets the steps of solvers that descend; without it 1.02 times the result of a
            power iteration.

    Raises:
        InputError: unless A_adjoint is the adjoint of A, up to 1e-3.
    """

    hides_picture = True

    def __init__(
        self,
        A: Callable[[Batch], ArrayLike],  # noqa: N803
        A_adjoint: Callable[[Batch], ArrayLike],  # noqa: N803
        shape: tuple[int, int, int],
        *,
        norm_sq: float | None = None,
    ) -> None:
        self._raised: BaseException | None = None
        domain = _shape(shape)
        generator = np.random.default_rng(0)
        x = generator.standard_normal((1, *domain)).astype(np.float32)
        y = _image_of(A(x), "A")
        codomain = _sizes(y)
        v = generator.standard_normal(y.shape).astype(np.float32)
        back = _image_of(A_adjoint(v), "A_adjoint")
        if back.shape != x.shape:
            raise InputError(f"A_adjoint: expected a result of the shape {x.shape}, got {back.shape}", "A_adjoint")
        left, right = float(np.vdot(y, v)), float(np.vdot(x, back))
        scale = float(np.linalg.norm(y) * np.linalg.norm(v) + np.linalg.norm(x) * np.linalg.norm(back))
        if not abs(left - right) <= 1e-3 * scale:
            raise InputError(f"A_adjoint: expected <A x, y> = <x, A^T y>, got {left:.6g} and {right:.6g}", "A_adjoint")
        bound = _norm_sq(A, A_adjoint, x) if norm_sq is None else float(norm_sq)
        if not 0.0 < bound < float("inf"):
            raise InputError(f"norm_sq: expected a finite bound above 0, got {bound}", "norm_sq")
        native = _native.Physics.of_functions(self._called(A, "A"), self._called(A_adjoint, "A_adjoint"), domain, codomain, bound)
        self._set(native, 0, domain)

    def _called(
        self, function: Callable[[Batch], ArrayLike], name: str
    ) -> Callable[[_native.Array], tuple[bytes, tuple[int, int, int, int]]]:
        def call(array: _native.Array) -> tuple[bytes, tuple[int, int, int, int]]:
            try:
                return handed(_image_of(function(taken(array)), name))
            except BaseException as error:
                self._raised = error
                raise

        return call

    @contextmanager
    def _reraising(self, argument: str | None, names: Mapping[str, str]) -> Iterator[None]:
        self._raised = None
        try:
            with blaming(argument, names):
                yield
        except (InputError, OSError):
            raised, self._raised = self._raised, None
            if raised is not None:
                raise raised from None
            raise

    def blamed(self, argument: str | None, names: Mapping[str, str] = {}) -> AbstractContextManager[None]:  # noqa: B006
        """What A and A_adjoint raise is raised as it is."""
        return self._reraising(argument, names)


def _image_of(values: ArrayLike, name: str) -> Batch:
    batch = np.ascontiguousarray(values, dtype=np.float32)
    if batch.ndim != 4 or 0 in batch.shape:
        raise InputError(f"{name}: expected a result [N, C, H, W], got the shape {batch.shape}", name)
    return batch


def _norm_sq(apply: Callable[[Batch], ArrayLike], adjoint: Callable[[Batch], ArrayLike], x: Batch) -> float:
    """1.02 times the largest eigenvalue of A^T A as a power iteration from x has it."""
    value = 0.0
    for _ in range(200):
        x = x / np.float32(np.linalg.norm(x) or 1.0)
        x = _image_of(adjoint(_image_of(apply(x), "A")), "A_adjoint")
        before, value = value, float(np.linalg.norm(x))
        if abs(value - before) <= 1e-4 * value:
            break
    return 1.02 * value


def _shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    sizes = tuple(int(size) for size in shape)
    if len(sizes) != 3 or min(sizes) < 1:
        raise InputError(f"shape: expected [C, H, W], got {shape!r}", "shape")
    return sizes[0], sizes[1], sizes[2]
