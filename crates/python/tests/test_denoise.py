"""D(x, sigma): layouts, types, levels, derivatives."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import tweedie
from conftest import noisy, psnr

SIGMA = 25 / 255


def test_denoising_helps_and_keeps_layouts(gray, color, picture, colorful):
    x = noisy(picture, SIGMA)
    assert psnr(gray(x, SIGMA), picture) > psnr(x, picture) + 7
    flat = gray(x, SIGMA)
    assert flat.shape == x.shape and flat.dtype == np.float32 and flat.flags["C_CONTIGUOUS"]
    assert np.array_equal(gray(x[None, None], SIGMA), flat[None, None])
    assert np.array_equal(gray(x[..., None], SIGMA), flat[..., None])
    assert np.array_equal(gray(x[None], SIGMA, channel_axis=0), flat[None])

    y = noisy(colorful, SIGMA)
    hwc = color(y, SIGMA)
    assert psnr(hwc, colorful) > psnr(y, colorful) + 7
    assert np.array_equal(color(np.moveaxis(y, -1, 0), SIGMA), np.moveaxis(hwc, -1, 0))
    assert np.array_equal(color(y[None], SIGMA, channel_axis=-1), hwc[None])
    assert np.array_equal(color(y.transpose(1, 0, 2).copy().transpose(1, 0, 2), SIGMA), hwc)
    # A gray denoiser takes the channels one by one.
    assert np.array_equal(gray(y, SIGMA)[..., 1], gray(y[..., 1], SIGMA))


def test_types(gray, picture):
    x = noisy(picture, SIGMA)
    double = gray(x.astype(np.float64), SIGMA)
    assert double.dtype == np.float64 and np.array_equal(double, gray(x, SIGMA).astype(np.float64))
    levels = np.round(picture * 255).astype(np.uint8)
    assert np.array_equal(gray(levels, SIGMA), gray((levels / 255).astype(np.float32), SIGMA))
    sixteen = np.round(picture * 65535).astype(np.uint16)
    assert np.array_equal(gray(sixteen, SIGMA), gray((sixteen / 65535).astype(np.float32), SIGMA))
    assert gray(x.tolist(), SIGMA).dtype == np.float64
    with pytest.raises(tweedie.InputError, match="^x: expected an array of real numbers"):
        gray(x.astype(np.complex64), SIGMA)


def test_a_level_for_each_image_and_maps(gray, picture):
    x = np.stack([noisy(picture, SIGMA, n) for n in range(4)])[:, None]
    levels = np.array([10, 25, 25, 50]) / 255
    together = gray(x, levels)
    for n in range(4):
        assert np.allclose(together[n], gray(x[n : n + 1], levels[n])[0], atol=1e-6)
    assert np.array_equal(gray(x, levels.reshape(4, 1, 1, 1)), together)
    assert gray.info.takes_maps
    flat = np.full(picture.shape, SIGMA)
    assert np.allclose(gray(x[0, 0], flat), gray(x[0, 0], SIGMA), atol=1e-6)
    step = flat.copy()
    step[:, 48:] = 0.01
    assert np.abs(gray(x[0, 0], step) - gray(x[0, 0], SIGMA)).max() > 0.05
    with pytest.raises(tweedie.InputError, match="^sigma: .*takes no map"):
        tweedie.load("median")(x[0, 0], flat)


def test_what_is_wrong_is_named(gray, picture):
    for sigma in (25, -0.1, float("nan"), "x", [0.1, 0.2]):
        with pytest.raises(tweedie.InputError, match="^sigma: ") as raised:
            gray(picture, sigma)
        assert raised.value.argument == "sigma" and isinstance(raised.value, ValueError)
    with pytest.raises(tweedie.InputError, match="grey levels are divided by 255"):
        gray(picture, 25)
    # Beyond what it was trained for.
    with pytest.raises(tweedie.InputError, match="noise level"):
        gray(picture, 0.9)
    broken = picture.copy()
    broken[3, 4] = np.nan
    with pytest.raises(tweedie.InputError, match="^x: expected finite values, got 1"):
        gray(broken, SIGMA)
    with pytest.raises(tweedie.InputError, match="^x: expected an image"):
        gray(picture[0], SIGMA)
    with pytest.raises(tweedie.InputError, match="^x: expected an image with pixels"):
        gray(picture[:0], SIGMA)
    with pytest.raises(tweedie.InputError, match="^channel_axis: "):
        gray(np.zeros((8, 9, 10), np.float32), SIGMA)
    with pytest.raises(tweedie.InputError, match="^channel_axis: "):
        gray(picture, SIGMA, channel_axis=5)
    with pytest.warns(tweedie.TweedieWarning, match="divide grey levels by 255"):
        gray(picture * 255, SIGMA)


def test_files(tmp_path):
    with pytest.raises(tweedie.FileError) as raised:
        tweedie.load(str(tmp_path / "missing"))
    assert isinstance(raised.value, OSError) and raised.value.argument == "name"
    with pytest.raises((tweedie.FileError, tweedie.InputError), match="^name: "):
        tweedie.load("no-such-checkpoint")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.toml").write_text("format = 1\n")
    with pytest.raises(tweedie.FileError):
        tweedie.load(broken)
    with pytest.raises(tweedie.FileError, match="missing.png"):
        tweedie.read_image(tmp_path / "missing.png")


def test_vector_jacobian_products(gray, color, picture, colorful):
    generator = np.random.default_rng(1)
    for denoiser, image in ((gray, picture[:24, :20]), (gray, colorful[:24, :20]), (color, colorful[:24, :20])):
        x = noisy(image, SIGMA)
        u, v = (generator.standard_normal(x.shape).astype(np.float32) for _ in range(2))
        denoised, product = denoiser.vjp(x, SIGMA, v)
        assert denoised.shape == x.shape == product.shape
        assert np.allclose(denoised, denoiser(x, SIGMA), atol=1e-5)
        step = 1e-3
        slope = (denoiser(x + step * u, SIGMA) - denoiser(x - step * u, SIGMA)) / (2 * step)
        expected, got = float(np.vdot(slope, v)), float(np.vdot(u, product))
        assert abs(expected - got) < 2e-3 * np.linalg.norm(u) * np.linalg.norm(v), (expected, got)
    with pytest.raises(tweedie.InputError, match="^v: expected the shape of x"):
        gray.vjp(picture, SIGMA, picture[:, :-1])
    with pytest.raises(tweedie.InputError, match="median"):
        tweedie.load("median").vjp(picture, SIGMA, picture)


def test_potentials(picture):
    step = tweedie.load("gray-gs")
    assert step.info.has_potential and not tweedie.load("gray").info.has_potential
    x = noisy(picture[:24, :24], SIGMA)
    gradient = step.potential_grad(x, SIGMA)
    assert np.allclose(x - step(x, SIGMA), gradient, atol=1e-5)
    u = np.random.default_rng(2).standard_normal(x.shape).astype(np.float32)
    slope = (step.potential(x + 1e-3 * u, SIGMA) - step.potential(x - 1e-3 * u, SIGMA)) / 2e-3
    assert slope == pytest.approx(float(np.vdot(gradient, u)), rel=0.02, abs=0.02)
    assert step.potential(np.stack([x, x])[:, None], SIGMA).shape == (2,)
    with pytest.raises(tweedie.InputError, match="gradient-step"):
        tweedie.load("gray").potential(x, SIGMA)


def test_denoise_chooses_level_and_checkpoint(picture, colorful):
    x = noisy(picture, SIGMA)
    assert tweedie.estimate_sigma(x) == pytest.approx(SIGMA, rel=0.1)
    assert psnr(tweedie.denoise(x), picture) > psnr(x, picture) + 7
    assert np.array_equal(tweedie.denoise(x, SIGMA), tweedie.load("gray")(x, SIGMA))
    assert np.array_equal(tweedie.denoise(colorful, SIGMA), tweedie.load("color")(colorful, SIGMA))
    assert np.array_equal(tweedie.denoise(x, SIGMA, denoiser="median"), tweedie.load("median")(x, SIGMA))
    assert tweedie.denoise(x.astype(np.float64), SIGMA).dtype == np.float64
    with pytest.raises(tweedie.InputError, match="^sigma: expected .*'auto'"):
        tweedie.denoise(x, "automatic")


def test_settings(picture):
    x = noisy(picture, SIGMA)
    half = tweedie.load("gray", relaxation=0.5)
    assert np.allclose(half(x, SIGMA), 0.5 * (x + tweedie.load("gray")(x, SIGMA)), atol=1e-6)
    assert np.array_equal(tweedie.load("gray", tile_pixels=2000)(x, SIGMA).shape, x.shape)
    with pytest.raises(tweedie.InputError, match="relaxation: expected a share"):
        tweedie.load("gray", relaxation=2.0)
    with pytest.raises(tweedie.InputError, match="equivariant"):
        tweedie.load("gray", equivariant="some")


def test_names_and_info():
    names = {found.name for found in tweedie.checkpoints()}
    assert {"gray", "color", "gray-gs", "median", "tv"} <= names
    info = tweedie.load("gray").info
    assert info.channels == 1 and info.has_vjp and len(info.weights_sha256) == 64
    assert info.sigma == pytest.approx((0.0, 55 / 255))
    assert "gray" in repr(tweedie.load("gray"))


def test_pickles_and_copies(picture):
    """As a DataLoader needs them that spawns its workers."""
    half = tweedie.load("gray", relaxation=0.5)
    x = noisy(picture, SIGMA)
    again = pickle.loads(pickle.dumps(half))
    assert np.array_equal(again(x, SIGMA), half(x, SIGMA)) and again is not half
    assert copy.deepcopy(half) is half


def test_threads_change_nothing(gray, picture):
    x = noisy(picture, SIGMA)
    with tweedie.threads(1):
        one = gray(x, SIGMA)
    with tweedie.threads(3):
        assert np.array_equal(gray(x, SIGMA), one)
    with pytest.raises(tweedie.InputError, match="^n: "), tweedie.threads(0):
        pass
