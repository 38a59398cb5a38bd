"""Tweedie for PyTorch and deepinv: denoisers as modules with gradients, forward models as deepinv's physics.

Imported when it is asked for: ``import tweedie.torch``. Work is done on the CPU; tensors of other devices are copied there and back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch

from tweedie._denoiser import Denoiser as _Denoiser
from tweedie._denoiser import load
from tweedie._errors import InputError
from tweedie._restore import Result
from tweedie._restore import restore as _restore
from tweedie.physics import Operator, Physics

__all__ = ["Denoiser", "from_deepinv", "restore", "to_deepinv"]


class Denoiser(torch.nn.Module):
    """D(x, sigma) as a module: what ``deepinv.optim.prior.PnP`` and ``RED`` take as their denoiser.

    Gradients flow to x by the library's vector-Jacobian product, once (no second derivatives); none flow to sigma.

    Args:
        denoiser: what :func:`tweedie.load` gives or takes.
    """

    def __init__(self, denoiser: _Denoiser | str | os.PathLike[str] = "gray") -> None:
        super().__init__()
        #: The denoiser of arrays.
        self.denoiser = denoiser if isinstance(denoiser, _Denoiser) else load(denoiser)

    def extra_repr(self) -> str:
        return repr(self.denoiser)

    def forward(self, x: torch.Tensor, sigma: torch.Tensor | float) -> torch.Tensor:
        """D(x, sigma) for x ``[B, C, H, W]``.

        sigma is a number, a tensor ``[B]`` (or ``[B, 1, 1, 1]``) with a level for each image, or a map ``[B, 1, H, W]``, standard
        deviations in the units of x, where white is 1.
        """
        levels = _levels(sigma)
        result = _Denoise.apply(x, levels, self.denoiser)  # type: ignore[no-untyped-call]
        return cast(torch.Tensor, result)

    def potential(self, x: torch.Tensor, sigma: torch.Tensor | float, *args: Any, **kwargs: Any) -> torch.Tensor:
        """g(x, sigma) of each image, ``[B]``, where D = x - grad g; for gradient-step denoisers such as ``gray-gs``.

        Differentiable once: its gradient is x - D(x, sigma).
        """
        result = _Potential.apply(x, _levels(sigma), self.denoiser)  # type: ignore[no-untyped-call]
        return cast(torch.Tensor, result)

    def potential_grad(self, x: torch.Tensor, sigma: torch.Tensor | float, *args: Any, **kwargs: Any) -> torch.Tensor:
        """grad g(x, sigma) = x - D(x, sigma), without a gradient of its own."""
        return _tensor(self.denoiser.potential_grad(_array(x), _levels(sigma)), x)


def _array(x: torch.Tensor) -> npt.NDArray[np.float32]:
    """The values, without a copy if they are f32 on the CPU in their order."""
    if x.ndim != 4:
        raise InputError(f"x: expected a tensor [B, C, H, W], got the shape {tuple(x.shape)}", "x")
    if not x.dtype.is_floating_point:
        raise InputError(f"x: expected floating-point values, got {x.dtype}", "x")
    array: npt.NDArray[np.float32] = x.detach().to(device="cpu", dtype=torch.float32).contiguous().numpy()
    return array


def _tensor(values: npt.NDArray[Any], like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(values).to(device=like.device, dtype=like.dtype)


def _levels(sigma: torch.Tensor | float) -> npt.ArrayLike:
    if isinstance(sigma, torch.Tensor):
        if sigma.requires_grad and torch.is_grad_enabled():
            raise InputError("sigma: expected a level without a gradient, since none flows to it; use sigma.detach()", "sigma")
        levels: npt.NDArray[Any] = sigma.detach().to(device="cpu", dtype=torch.float64).numpy()
        return float(levels.reshape(())) if levels.size == 1 else levels
    return float(sigma)


class _Denoise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, sigma: npt.ArrayLike, denoiser: _Denoiser) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.sigma, ctx.denoiser = sigma, denoiser
        return _tensor(denoiser(_array(x), sigma), x)

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, v: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (x,) = ctx.saved_tensors
        _, product = ctx.denoiser.vjp(_array(x), ctx.sigma, _array(v))
        return _tensor(product, x), None, None


class _Potential(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, sigma: npt.ArrayLike, denoiser: _Denoiser) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.sigma, ctx.denoiser = sigma, denoiser
        return _tensor(denoiser.potential(_array(x), sigma), x)

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, v: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (x,) = ctx.saved_tensors
        gradient = _tensor(ctx.denoiser.potential_grad(_array(x), ctx.sigma), x)
        return v.reshape(-1, 1, 1, 1).to(gradient) * gradient, None, None


class _Linear(torch.autograd.Function):
    """A linear map with its adjoint as the gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, apply: Callable[..., Any], adjoint: Callable[..., Any]) -> torch.Tensor:
        ctx.there, ctx.back = apply, adjoint
        return _tensor(apply(_array(x)), x)

    @staticmethod
    def backward(ctx: Any, v: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        result = _Linear.apply(v, ctx.back, ctx.there)  # type: ignore[no-untyped-call]
        return cast(torch.Tensor, result), None, None


def to_deepinv(physics: Physics, **options: Any) -> Any:
    """A forward model of ours as a ``deepinv.physics.LinearPhysics``, with gradients and the proximal step of ours.

    Args:
        physics: such as ``tweedie.physics.Blur(psf, boundary="circular")``.
        options: of ``LinearPhysics``, such as ``noise_model``.
    """
    import deepinv

    class Ours(deepinv.physics.LinearPhysics):  # type: ignore[misc]
        def A(self, x: torch.Tensor, **kwargs: Any) -> torch.Tensor:  # noqa: N802
            result = _Linear.apply(x, physics.A, physics.A_adjoint)  # type: ignore[no-untyped-call]
            return cast(torch.Tensor, result)

        def A_adjoint(self, y: torch.Tensor, **kwargs: Any) -> torch.Tensor:  # noqa: N802
            result = _Linear.apply(y, physics.A_adjoint, physics.A)  # type: ignore[no-untyped-call]
            return cast(torch.Tensor, result)

        def prox_l2(self, z: Any, y: torch.Tensor, gamma: Any, **kwargs: Any) -> torch.Tensor:
            needs = isinstance(z, torch.Tensor) and z.requires_grad or y.requires_grad
            if torch.is_grad_enabled() and needs:
                # With the gradients that deepinv gives it.
                inherited: torch.Tensor = super().prox_l2(z, y, gamma, **kwargs)
                return inherited
            start = z if isinstance(z, torch.Tensor) else torch.full_like(self.A_adjoint(y), float(z or 0.0))
            return _tensor(physics.prox_l2(_array(start), _array(y), float(gamma)), start)

    return Ours(**options)


def from_deepinv(physics: Any, shape: tuple[int, int, int]) -> Operator:
    """A ``deepinv.physics.LinearPhysics`` as a forward model of ours, for :func:`restore` and :func:`tweedie.restore`.

    Args:
        physics: whose A takes real tensors ``[B, C, H, W]`` and gives real tensors; measurements with other than four axes become
            ``[B, 1, 1, M]``.
        shape: ``[C, H, W]`` of the images.

    Raises:
        InputError: if A gives no tensor, or A_adjoint is not its adjoint.
    """
    size: list[tuple[int, ...]] = []

    def forward(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.no_grad():
            y = physics.A(torch.from_numpy(np.ascontiguousarray(x)))
        if not isinstance(y, torch.Tensor) or y.is_complex():
            raise InputError(f"physics: expected A to give a real tensor, got {type(y).__name__}", "physics")
        if not size:
            size.append(tuple(y.shape[1:]))
        return _measured(y)

    def adjoint(y: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.no_grad():
            x = physics.A_adjoint(torch.from_numpy(np.ascontiguousarray(y)).reshape(len(y), *size[0]))
        result: npt.NDArray[np.float32] = x.detach().to(device="cpu", dtype=torch.float32).numpy()
        return result

    return Operator(forward, adjoint, shape)


def _measured(y: torch.Tensor) -> npt.NDArray[np.float32]:
    """A measurement ``[B, C, H, W]``, or ``[B, 1, 1, M]``."""
    y = y.detach().to(device="cpu", dtype=torch.float32)
    values: npt.NDArray[np.float32] = (y if y.ndim == 4 else y.reshape(y.shape[0], 1, 1, -1)).contiguous().numpy()
    return values


def restore(y: torch.Tensor, physics: Any, shape: tuple[int, int, int] | None = None, **options: Any) -> Result:
    """:func:`tweedie.restore` of a tensor, ``[1, C, H, W]`` or what deepinv's physics gives.

    Args:
        y: the measurement of one image.
        physics: of :mod:`tweedie.physics`, or a ``deepinv.physics.LinearPhysics``.
        shape: ``[C, H, W]`` of the image, for deepinv's physics; default: that of A_adjoint(y).
        options: of :func:`tweedie.restore`.

    Returns:
        The result, whose image is an array ``[1, C, H, W]``.
    """
    if not isinstance(physics, Physics):
        if shape is None:
            with torch.no_grad():
                _, c, h, w = physics.A_adjoint(y).shape
            shape = c, h, w
        physics = from_deepinv(physics, shape)
    denoiser = options.get("denoiser")
    if isinstance(denoiser, Denoiser):
        options["denoiser"] = denoiser.denoiser
    return _restore(_measured(y), physics, **options)
