"""Tweedie: learned denoisers D(x, sigma) as priors in image restoration.

    >>> import tweedie
    >>> denoiser = tweedie.load("gray")
    >>> clean = denoiser(noisy, 25 / 255)
    >>> result = tweedie.restore(blurred, tweedie.physics.Blur("gaussian:1.6"), noise=2 / 255)
    >>> result.image

Images are arrays HW, HWC, CHW or NCHW with white at 1. **Every noise level is a standard deviation in the same [0, 1] units**:
25 grey levels are 25/255 (the command line takes grey levels).

``tweedie.torch`` has the denoisers for PyTorch and deepinv; it is imported when it is asked for.
"""

from __future__ import annotations

from pathlib import Path as _Path

from tweedie import _native, physics
from tweedie._certify import Certificate, Condition, Estimate, Level, Theorem, certify
from tweedie._denoiser import Denoiser, Found, Info, checkpoints, denoise, load
from tweedie._errors import FileError, InputError, TweedieWarning
from tweedie._evaluate import Evaluation, Score, evaluate
from tweedie._files import read_image, write_image
from tweedie._noise import Noise, PoissonGaussian, estimate_noise, estimate_sigma
from tweedie._restore import Iteration, Result, restore, simulate, solvers
from tweedie._threads import threads
from tweedie._train import Step, Trained, train

__version__: str = _native.VERSION

__all__ = [
    "Certificate",
    "Condition",
    "Denoiser",
    "Estimate",
    "Evaluation",
    "FileError",
    "Found",
    "Info",
    "InputError",
    "Iteration",
    "Level",
    "Noise",
    "PoissonGaussian",
    "Result",
    "Score",
    "Step",
    "Theorem",
    "Trained",
    "TweedieWarning",
    "certify",
    "checkpoints",
    "denoise",
    "estimate_noise",
    "estimate_sigma",
    "evaluate",
    "load",
    "physics",
    "read_image",
    "restore",
    "simulate",
    "solvers",
    "threads",
    "train",
    "write_image",
]

_native.bring(str(_Path(__file__).parent))


def __getattr__(name: str) -> object:
    if name == "torch":
        import importlib

        return importlib.import_module("tweedie.torch")
    raise AttributeError(f"module 'tweedie' has no attribute {name!r}")
