"""Denoisers D(x, sigma)."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tweedie import _native, _threads
from tweedie._arrays import ArrayLike, Batch, FloatArray, Layout, as_floats, batch_of, handed, level_of, require_finite, taken
from tweedie._errors import InputError, TweedieWarning, blaming, in_words_of_python, log
from tweedie._noise import asked


@dataclass(frozen=True)
class Info:
    """Facts about a denoiser."""

    #: Of the checkpoint, or of the method without weights.
    name: str
    #: Channels of its images: 1 (gray), 3 (RGB), or 0 for any. Images with others are adapted.
    channels: int
    #: Least and largest noise level, standard deviations in [0, 1] units; None for a blind denoiser.
    sigma: tuple[float, float] | None
    #: Side length in pixels of what one output pixel depends on; 0 if unbounded or unknown.
    receptive_field: int
    #: sha256 of the weights, where there are weights.
    weights_sha256: str | None
    #: Where it is, or what it is.
    origin: str
    #: Whether :meth:`Denoiser.vjp` works.
    has_vjp: bool
    #: Whether :meth:`Denoiser.potential` works: D = x - grad g with g known.
    has_potential: bool
    #: Whether sigma may be a map with a level for each pixel.
    takes_maps: bool


class Denoiser:
    """D(x, sigma), an estimate of a clean image from x = clean + sigma * n, n ~ N(0, I).

    Made by :func:`load`. x is an image HW, HWC or CHW, or a batch NCHW, with white at 1; **sigma is a standard deviation in
    the same units**, so 25 grey levels are 25/255. The result has the layout of x, and is float64 if x is, else float32; it
    is computed in float32.
    """

    #: What is known of it.
    info: Info

    def __init__(self, native: _native.Denoiser, name: str, settings: dict[str, Any]) -> None:
        #: The part in Rust, for the module's own use.
        self.native = native
        self._loaded = name, settings
        facts = json.loads(native.info())
        if facts["sigma"] is not None:
            facts["sigma"] = tuple(facts["sigma"])
        self.info = Info(**facts)

    def __repr__(self) -> str:
        return f"<tweedie.Denoiser {self.info.name}: {self.info.origin}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its name and settings: the weights are read again where it arrives, so it must be found there, too."""
        return _load, self._loaded

    def __deepcopy__(self, memo: object) -> Denoiser:
        # It never changes.
        return self

    def __call__(self, x: ArrayLike, sigma: ArrayLike, *, channel_axis: int | None = None) -> FloatArray:
        """D(x, sigma).

        Args:
            x: an image or a batch; see the class.
            sigma: a number; an array of shape ``[N]`` with a level for each image of a batch; or a map with a level for each
                pixel, of shape ``[H, W]``, ``[1, H, W]``, ``[N, H, W]`` or ``[N, 1, H, W]`` (``info.takes_maps``).
            channel_axis: -1 for HWC, 0 for CHW; see :func:`tweedie.denoise`.

        Raises:
            InputError: for shapes, channels and levels that the denoiser does not take.
        """
        batch, layout = batch_of(x, "x", channel_axis)
        levels = self._levels(sigma, batch)
        with blaming(None):
            if isinstance(levels, list):
                result = self.native.denoise(handed(batch), levels, _threads.current())
            else:
                result = self.native.denoise_map(handed(batch), handed(levels), _threads.current())
        return layout.restored(taken(result))

    def vjp(
        self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike, *, channel_axis: int | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """D(x, sigma) and the vector-Jacobian product J^T v, J being the Jacobian of D(., sigma) at x.

        Args:
            x: as for a call.
            sigma: a number, or an array of shape ``[N]``.
            v: an array of the shape of x.

        Raises:
            InputError: for denoisers without derivatives (``info.has_vjp``), maps, and shapes that do not fit.
        """
        batch, layout = batch_of(x, "x", channel_axis)
        other, _ = batch_of(v, "v", channel_axis, picture=False)
        if other.shape != batch.shape:
            raise InputError(f"v: expected the shape of x, {np.shape(x)}, got {np.shape(v)}", "v")
        levels = self._numbers(sigma, batch, "vjp")
        with blaming(None):
            denoised, product = self.native.vjp(handed(batch), levels, handed(other), _threads.current())
        return layout.restored(taken(denoised)), layout.restored(taken(product))

    def potential(self, x: ArrayLike, sigma: ArrayLike, *, channel_axis: int | None = None) -> npt.NDArray[np.float64]:
        """g(x, sigma) of each image, where D = x - grad g: an array of shape ``[N]``, or ``[]`` for one image.

        Raises:
            InputError: unless the denoiser is a gradient step (``info.has_potential``), such as ``gray-gs``.
        """
        batch, layout = batch_of(x, "x", channel_axis)
        levels = self._numbers(sigma, batch, "potential")
        with blaming(None):
            values, _ = self.native.potential(handed(batch), levels, _threads.current())
        return np.asarray(values if layout.dimensions == 4 else values[0], dtype=np.float64)

    def potential_grad(self, x: ArrayLike, sigma: ArrayLike, *, channel_axis: int | None = None) -> FloatArray:
        """grad g(x, sigma) = x - D(x, sigma), in the layout of x.

        Raises:
            InputError: as :meth:`potential`.
        """
        batch, layout = batch_of(x, "x", channel_axis)
        levels = self._numbers(sigma, batch, "potential_grad")
        with blaming(None):
            _, gradient = self.native.potential(handed(batch), levels, _threads.current())
        return layout.restored(taken(gradient))

    def _numbers(self, sigma: ArrayLike, batch: Batch, method: str) -> list[float]:
        levels = self._levels(sigma, batch)
        if isinstance(levels, list):
            return levels
        raise InputError(f"sigma: expected a number or a level for each image for {method}, got a map", "sigma")

    def _levels(self, sigma: ArrayLike, batch: Batch) -> list[float] | Batch:
        """A level for each image, or a map ``[N, 1, H, W]``."""
        if isinstance(sigma, (int, float)):
            return [level_of(sigma, "sigma")]
        array = as_floats(sigma, "sigma") if np.asarray(sigma).dtype.kind == "f" else np.asarray(sigma)
        n, _, h, w = batch.shape
        if array.size == 1:
            return [level_of(array.reshape(()).item(), "sigma")]
        if array.shape in ((n,), (n, 1), (n, 1, 1, 1)):
            return [level_of(level, "sigma") for level in array.reshape(n).tolist()]
        shapes = ((h, w), (1, h, w), (n, h, w), (1, 1, h, w), (n, 1, h, w))
        if array.shape not in shapes:
            raise InputError(f"sigma: expected a number, {n} levels, or a map [{h}, {w}], got the shape {array.shape}", "sigma")
        if not self.info.takes_maps:
            raise InputError(f"sigma: expected a number, since '{self.info.name}' takes no map", "sigma")
        levels = np.broadcast_to(array.astype(np.float32).reshape((-1, 1, h, w)), (n, 1, h, w))
        require_finite(levels, "sigma")
        level_of(float(levels.max()), "sigma")
        return np.ascontiguousarray(levels)


def load(
    name: str | os.PathLike[str] = "gray",
    *,
    relaxation: float | str | None = None,
    equivariant: str | None = None,
    stretch: bool | None = None,
    tile_pixels: int | None = None,
    tolerance: float | None = None,
    seed: int | None = None,
) -> Denoiser:
    """The denoiser of a name or in a folder.

    Args:
        name: a checkpoint that comes along (``gray``, ``color``, ... see :func:`checkpoints`), one in ``checkpoints/`` of the
            working folder or in the folder that the environment variable ``TWEEDIE_CHECKPOINTS`` names, the path of a
            checkpoint's folder, or a denoiser without weights: ``median``, ``haar``, ``nlm``, ``tv``, ``gaussian:WIDTH``.
        relaxation: the share w of (1 - w) x + w D(x), in (0, 1], or ``"auto"``: the largest that is proven to be firmly
            nonexpansive.
        equivariant: ``"all"``: the mean over flips and turns; ``"random"``: one of them for each call, drawn by ``seed``.
        stretch: stretch each image to [0, 1] first, for a DnCNN that does not take the level.
        tile_pixels: pixels of one pass of the network; larger images are cut into tiles.
        tolerance: of the iteration of ``tv``.
        seed: of ``equivariant="random"``.

    Raises:
        FileError: if a file of the checkpoint is missing or broken.
        InputError: if there is no denoiser of this name, or it takes no such setting.
    """
    given = {
        "relaxation": relaxation,
        "equivariant": equivariant,
        "stretch": stretch,
        "tile_pixels": tile_pixels,
        "tolerance": tolerance,
        "seed": seed,
    }
    return _load(name, {key: value for key, value in given.items() if value is not None})


def _load(name: str | os.PathLike[str], settings: dict[str, Any], certifying: bool = False) -> Denoiser:
    text = os.fspath(name)
    with blaming("name"):
        native = _native.Denoiser.load(text, json.dumps(settings), certifying, _threads.current())
    return Denoiser(native, text, settings)


def denoiser_of(denoiser: Denoiser | str | os.PathLike[str] | None, channels: int) -> Denoiser:
    """The denoiser that was given or named, or the shipped one for images of so many channels."""
    if isinstance(denoiser, Denoiser):
        return denoiser
    if denoiser is None:
        return load("color" if channels == 3 else "gray")
    if isinstance(denoiser, (str, os.PathLike)):
        return load(denoiser)
    raise InputError(f"denoiser: expected a name, a path or what tweedie.load gives, got {denoiser!r}", "denoiser")


@dataclass(frozen=True)
class Found:
    """A checkpoint that is found by its name."""

    #: What :func:`load` takes.
    name: str
    #: Its folder; None for a denoiser without weights.
    folder: str | None
    #: Of its images; 0: any.
    channels: int
    #: Kind of network.
    architecture: str
    #: Least and largest noise level in [0, 1] units; None for a blind denoiser.
    sigma: tuple[float, float] | None


def checkpoints() -> list[Found]:
    """The denoisers that :func:`load` finds by name."""
    found = []
    with blaming(None):
        listed = json.loads(_native.checkpoints(_threads.current()))
    for one in listed:
        low, high = one["sigma_min"], one["sigma_max"]
        sigma = None if low is None or high is None else (low / 255, high / 255)
        found.append(Found(one["name"], one["folder"], one["channels"], one["architecture"], sigma))
    return found


def denoise(
    x: ArrayLike,
    sigma: ArrayLike | str = "auto",
    *,
    denoiser: Denoiser | str | os.PathLike[str] | None = None,
    channel_axis: int | None = None,
) -> FloatArray:
    """Removes white Gaussian noise of the level sigma.

    Args:
        x: an image HW, HWC or CHW, or a batch NCHW, with white at 1; integers are divided by the largest value of their type.
        sigma: **standard deviation in [0, 1] units** (25 grey levels are 25/255), for a batch also one for each image, or a map,
            or estimated from the image, and moved into the denoiser's range: ``"auto"``, ``"correlated"``,
            ``"poisson-gaussian:auto"``.
        denoiser: what :func:`load` gives or takes; default ``color`` for images with three channels, else ``gray``.
        channel_axis: the axis of the channels. Without it three axes are HWC or CHW as the first or the last has 1 or 3
            entries, and four are NCHW.

    Returns:
        The denoised image in the layout of x; float64 if x is, else float32. Nothing is clipped.

    Raises:
        InputError: names the argument.
    """
    batch, layout = batch_of(x, "x", channel_axis)
    chosen = denoiser_of(denoiser, batch.shape[1])
    if isinstance(sigma, str):
        return _estimated(chosen, batch, layout, asked(sigma, "sigma"))
    return layout.restored(chosen(batch, sigma).astype(np.float32, copy=False))


def _estimated(denoiser: Denoiser, batch: Batch, layout: Layout, option: str) -> FloatArray:
    def tell(kind: str, value: Any) -> None:
        if kind == "note":
            log.info("%s", in_words_of_python(value))

    with blaming("x"):
        result, _, found = _native.denoise_unknown(denoiser.native, handed(batch), option, tell, _threads.current())
    for warning in found:
        warnings.warn(in_words_of_python(warning), TweedieWarning, stacklevel=3)
    return layout.restored(taken(result))
