"""Pictures for the tests, which need numpy alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tweedie

#: Of the repository.
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def gray() -> tweedie.Denoiser:
    return tweedie.load("gray")


@pytest.fixture(scope="session")
def color() -> tweedie.Denoiser:
    return tweedie.load("color")


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """A photograph of 64 x 96 pixels, gray."""
    image = tweedie.read_image(ROOT / "datasets/samples/camera.png")
    return np.ascontiguousarray(image[100:164, 90:186])


@pytest.fixture(scope="session")
def colorful() -> np.ndarray:
    """A photograph of 64 x 80 pixels, HWC."""
    image = tweedie.read_image(ROOT / "datasets/samples/astronaut.png")
    return np.ascontiguousarray(image[40:104, 100:180])


def noisy(image: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return (image + sigma * generator.standard_normal(image.shape)).astype(np.float32)


def psnr(estimate: np.ndarray, truth: np.ndarray) -> float:
    error = np.mean((np.clip(estimate, 0, 1).astype(np.float64) - truth) ** 2)
    return float(-10 * np.log10(error))
