"""Program, Rust library and Python give the same bytes for the same job."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tweedie
from conftest import ROOT, noisy
from tweedie import physics


def built(name: str) -> Path:
    """What cargo built for the program, in the folder that TWEEDIE_BUILT names or in target/release."""
    folder = Path(os.environ.get("TWEEDIE_BUILT", ROOT / "target/release"))
    if not (folder / name).is_file():
        pytest.skip(f"{folder / name} is not built")
    return folder / name


def run(program: Path, *arguments: object) -> None:
    subprocess.run([program, *map(str, arguments)], check=True, cwd=ROOT, capture_output=True)


def test_denoise(tmp_path, picture, colorful):
    for checkpoint, image in (("gray", picture), ("color", colorful)):
        x = noisy(image, 25 / 255)
        np.save(tmp_path / "noisy.npy", x)
        out = tmp_path / "denoised.npy"
        run(built("tweedie"), "denoise", tmp_path / "noisy.npy", "--sigma", 25, "--checkpoint", checkpoint, "--out", out)
        # The program writes colour arrays as CHW.
        got = tweedie.denoise(np.moveaxis(x, -1, 0) if x.ndim == 3 else x, 25 / 255, denoiser=checkpoint)
        assert got.shape == np.load(out).shape and got.tobytes() == np.load(out).tobytes()


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, []),
        ({"solver": "red-gd", "strength": 0.5, "iterations": 7}, ["--solver", "red-gd", "--strength", 0.5, "--iterations", 7]),
        ({"sigma": 20 / 255, "solver": "pnp-admm"}, ["--sigma", 20, "--solver", "pnp-admm"]),
        ({"strength": "auto", "iterations": 3}, ["--strength", "auto", "--iterations", 3]),
    ],
)
@pytest.mark.parametrize("boundary", ["unknown", "circular"])
def test_restore(tmp_path, picture, options, arguments, boundary):
    kernel = physics.gaussian_kernel(1.6, 9)
    np.save(tmp_path / "kernel.npy", kernel)
    model = physics.Blur(kernel, boundary=boundary)
    y, _ = tweedie.simulate(picture, model, noise=7.65 / 255, seed=3)
    np.save(tmp_path / "blurred.npy", y)
    task = ["--task", "deblur", "--kernel", tmp_path / "kernel.npy", "--boundary", boundary, "--noise", 7.65]
    out = tmp_path / "restored"
    common = ["--checkpoint", "gray", "--depth", "float", "--out", out]
    run(built("tweedie"), "restore", tmp_path / "blurred.npy", *task, *common, *arguments)
    expected = np.load(out / "blurred.npy")
    got = tweedie.restore(y, model, denoiser="gray", noise=7.65 / 255, name="blurred.npy", **options).image
    assert got.tobytes() == np.ascontiguousarray(expected.reshape(got.shape)).tobytes()


def test_the_example_of_the_library(tmp_path, picture):
    kernel = physics.gaussian_kernel(1.6, 9)
    y, _ = tweedie.simulate(picture, physics.Blur(kernel), noise=2.55 / 255)
    tweedie.write_image(tmp_path / "blurred.png", y)
    run(built("examples/restore"), tmp_path / "blurred.png", tmp_path / "rust.png")
    result = tweedie.restore(
        tweedie.read_image(tmp_path / "blurred.png"),
        physics.Blur(kernel),
        denoiser="gray",
        noise=2.55 / 255,
        strength="auto:discrepancy",
    )
    tweedie.write_image(tmp_path / "python.png", result.image)
    assert (tmp_path / "python.png").read_bytes() == (tmp_path / "rust.png").read_bytes()


def test_versions_agree():
    version = subprocess.check_output([built("tweedie"), "--version"], text=True)
    assert version.split()[-1] == tweedie.__version__
