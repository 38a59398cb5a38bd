"""Forward models and restoration."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import tweedie
from conftest import noisy, psnr
from tweedie import physics

NOISE = 2.55 / 255


def models(shape):
    mask = np.random.default_rng(0).random(shape) < 0.4
    kernel = np.random.default_rng(1).random((5, 4)) + 0.1
    return [
        (physics.Denoising(), 1),
        (physics.Blur(kernel), 1),
        (physics.Blur(kernel, boundary="circular"), 1),
        (physics.Blur("gaussian:1.6", boundary="replicate"), 1),
        (physics.Downsampling(2), 1),
        (physics.Downsampling(2, kernel, boundary="circular"), 3),
        (physics.Inpainting(mask), 3),
        (physics.Demosaicing("grbg"), 3),
        (physics.MRI(mask), 1),
        (physics.MRI(mask, np.exp(1j * np.linspace(0, 3, 3 * mask.size).reshape(3, *shape)) / np.sqrt(3)), 1),
        (physics.Tomography(9, (1, *shape)), 1),
        (physics.CompressedSensing(0.3, (1, *shape), seed=4), 1),
    ]


def test_adjoints_and_proximal_steps():
    shape = (24, 32)
    generator = np.random.default_rng(2)
    for model, channels in models(shape):
        x = generator.random((2, channels, *shape), dtype=np.float32)
        ax = model.A(x)
        y = generator.standard_normal(ax.shape).astype(np.float32)
        adjoint = model.A_adjoint(y)
        assert adjoint.shape == x.shape, model
        left, right = float(np.vdot(ax, y)), float(np.vdot(x, adjoint))
        assert abs(left - right) < 1e-4 * np.linalg.norm(ax) * np.linalg.norm(y), model
        gamma = 0.7
        prox = model.prox_l2(x, y, gamma)
        # A^T (A p - y) + (p - x) / gamma = 0.
        slope = model.A_adjoint(model.A(prox) - y) + (prox - x) / gamma
        assert np.linalg.norm(slope) < 1e-3 * np.linalg.norm(x), model
        assert model.start(y).shape == x.shape
        norm = np.linalg.norm(ax) ** 2 / np.linalg.norm(x) ** 2
        assert norm <= model.norm_sq((channels, *shape)) * 1.0001, model


def test_layouts_of_models(picture, colorful):
    blur = physics.Blur("gaussian:1.6x9", boundary="circular")
    hwc = blur.A(colorful)
    assert hwc.shape == colorful.shape
    assert np.allclose(hwc[..., 0], blur.A(colorful[..., 0]), atol=1e-6)
    # What lies beyond the border is unknown: only what the picture determines is kept.
    camera = physics.Blur("gaussian:1.6x9")
    assert camera.A(picture).shape == (56, 88)
    assert np.allclose(camera.A(picture), blur.A(picture)[4:-4, 4:-4], atol=1e-6)
    assert physics.Demosaicing().A(colorful).shape == (64, 80, 1)
    assert physics.Demosaicing().A_adjoint(picture).shape == (64, 96, 3)
    kernel = physics.gaussian_kernel(1.6, 9)
    assert kernel.shape == (9, 9) and kernel.sum() == pytest.approx(1)
    assert np.allclose(physics.Blur(kernel).A(picture), camera.A(picture), atol=1e-6)


def test_deblurring(picture, gray):
    model = physics.Blur("gaussian:1.6")
    y, truth = tweedie.simulate(picture, model, noise=NOISE)
    assert y.shape == truth.shape
    seen = []
    result = tweedie.restore(y, model, denoiser=gray, noise=NOISE, truth=truth, progress=seen.append)
    assert result.image.shape == y.shape and result.image.dtype == np.float32
    assert psnr(result.image, truth) > psnr(y, truth) + 2
    assert result.psnr_db == pytest.approx(psnr(result.image, truth), abs=1e-6)
    assert seen == result.trace and [row.iteration for row in seen] == list(range(1, 9))
    assert result.stop == "max-iters" and result.warnings == [] and result.noise.level == pytest.approx(NOISE)
    again = tweedie.restore(y, model, denoiser=gray, noise=NOISE)
    assert np.array_equal(again.image, result.image) and again.psnr_db is None


def test_other_models(picture, colorful):
    mask = np.random.default_rng(3).random(colorful.shape[:2]) < 0.4
    holes, truth = tweedie.simulate(colorful, physics.Inpainting(mask))
    filled = tweedie.restore(holes, physics.Inpainting(mask), solver="pnp-admm")
    assert filled.image.shape == colorful.shape and psnr(filled.image, truth) > psnr(holes, truth) + 10
    mosaic, truth = tweedie.simulate(colorful, physics.Demosaicing())
    assert mosaic.shape == (64, 80, 1)
    full = tweedie.restore(mosaic[..., 0], physics.Demosaicing())
    assert full.image.shape == colorful.shape and psnr(full.image, truth) > 30
    small, truth = tweedie.simulate(picture, physics.Downsampling(2))
    large = tweedie.restore(small, physics.Downsampling(2), truth=truth)
    assert large.image.shape == truth.shape and large.psnr_db > 25
    sensing = physics.CompressedSensing(0.3, (1, *picture.shape), seed=4)
    y, truth = tweedie.simulate(picture, sensing, seed=4)
    restored = tweedie.restore(y, sensing)
    assert restored.image.shape == picture.shape and psnr(restored.image, truth) > 18
    frequencies = np.zeros(picture.shape, bool)
    frequencies[np.fft.fftfreq(64, 1 / 64).astype(int) % 4 != 1] = True
    y, truth = tweedie.simulate(picture, physics.MRI(frequencies), channel_axis=None)
    assert y.shape == (64, 96, 2)
    scan = tweedie.restore(y, physics.MRI(frequencies), channel_axis=-1)
    assert psnr(scan.image[..., 0] if scan.image.ndim == 3 else scan.image, truth) > 25


def test_an_operator_of_ones_own(picture, gray):
    blur = physics.Blur("gaussian:1.2x7", boundary="circular")
    def apply(x):
        with tweedie.threads(1):
            return blur.A(x)

    own = physics.Operator(apply, blur.A_adjoint, (1, *picture.shape))
    assert np.allclose(own.A(picture), blur.A(picture), atol=1e-6)
    assert 1 <= own.norm_sq((1, *picture.shape)) < 1.05
    y, truth = tweedie.simulate(picture, blur, noise=NOISE)
    assert np.array_equal(tweedie.simulate(picture, own, noise=NOISE)[0], y)
    # Without a closed form: by conjugate gradients.
    options = {"denoiser": gray, "noise": NOISE, "solver": "pnp-hqs", "iterations": 6, "truth": truth}
    mine, ours = tweedie.restore(y, own, **options), tweedie.restore(y, blur, **options)
    assert mine.psnr_db == pytest.approx(ours.psnr_db, abs=0.3)

    # One thread suffices, although the operator's functions are jobs themselves.
    with tweedie.threads(1):
        assert np.array_equal(tweedie.restore(y, own, **options).image, mine.image)

    calls = 0

    def fail(x):
        nonlocal calls
        calls += 1
        if calls > 3:
            raise LookupError("no more")
        return blur.A(x)

    with pytest.raises(LookupError, match="no more"):
        tweedie.restore(y, physics.Operator(fail, blur.A_adjoint, (1, *picture.shape), norm_sq=1.0), noise=NOISE)
    with pytest.raises(tweedie.InputError, match="^A_adjoint: expected <A x, y>"):
        physics.Operator(blur.A, lambda y: 2 * blur.A_adjoint(y), (1, *picture.shape))
    with pytest.raises(tweedie.InputError, match="^A: expected a result"):
        physics.Operator(lambda x: x[0], lambda y: y, (1, *picture.shape))
    with pytest.raises(tweedie.InputError, match="^x: "):
        own.A(picture[:-1])
    with pytest.raises(tweedie.InputError, match="^y: "):
        tweedie.restore(y[:-1], own, noise=NOISE)


def test_options(picture, gray):
    model = physics.Blur("gaussian:1.6", boundary="circular")
    y, truth = tweedie.simulate(picture, model, noise=NOISE)
    options = {"denoiser": gray, "noise": NOISE}
    plain = tweedie.restore(y, model, **options)
    for changed in (
        {"strength": 2.0},
        {"sigma": 0.1},
        {"iterations": 3},
        {"solver": "red-gd", "iterations": 5},
        {"parameters": {"sigma": np.array([0.1, 0.05])}},
    ):
        assert not np.array_equal(tweedie.restore(y, model, **options, **changed).image, plain.image), changed
    found = tweedie.restore(y, model, **options, strength="auto:discrepancy", iterations=4)
    assert found.strength is not None and found.strength > 0
    for wrong, argument in (
        ({"solver": "pnp"}, "solver"),
        ({"strength": "best"}, "strength"),
        ({"noise": 2.55}, "noise"),
        ({"noise": "unknown"}, "noise"),
        ({"fidelity": "l3"}, "fidelity"),
        ({"sigma": 12.0}, "sigma"),
        ({"iterations": 0}, "iterations"),
        ({"iterations": 2.5}, "iterations"),
        ({"parameters": {"strength": 1.0}, "strength": 1.0}, "strength"),
        ({"parameters": {"stregth": 1.0}}, "parameters"),
        ({"parameters": {"sigma": object()}}, "parameters"),
        ({"parameters": {"sigma": "x"}}, "parameters"),
        ({"discrepancy": 0.5}, "discrepancy"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"budget": 0.0}, "budget"),
        ({"sigma": 0.9}, "sigma"),
        ({"denoiser": 3}, "denoiser"),
        ({"truth": truth[:10]}, "truth"),
        ({"seed": -1}, "seed"),
        ({"rng": 3}, "rng"),
    ):
        with pytest.raises(tweedie.InputError) as raised:
            tweedie.restore(y, model, **{**options, **wrong})
        assert "--" not in str(raised.value), raised.value
        assert argument is None or raised.value.argument == argument, (wrong, raised.value)
    with pytest.raises(tweedie.InputError, match="^physics: "):
        tweedie.restore(y, "blur")
    with pytest.raises(tweedie.InputError, match="^y: expected one image, got a batch of 2"):
        tweedie.restore(np.stack([y, y])[:, None], model)
    for make, argument in (
        (lambda: physics.Blur(np.zeros((3, 3))), "psf"),
        (lambda: physics.Blur(np.ones(3)), "psf"),
        (lambda: physics.Blur("gauss:1"), "psf"),
        (lambda: physics.Blur("missing.npy"), "psf"),
        (lambda: physics.Downsampling(2, "auto"), "psf"),
        (lambda: physics.Blur("disc:3", boundary="mirror"), "boundary"),
        (lambda: physics.Downsampling(1), "factor"),
        (lambda: physics.Inpainting(picture), "mask"),
        (lambda: physics.Demosaicing("rgb"), "pattern"),
        (lambda: physics.CompressedSensing(1.5, (1, 8, 8)), "ratio"),
        (lambda: physics.Tomography(0, (1, 8, 8)), "angles"),
        (lambda: physics.Tomography(5, (8, 8)), "shape"),
    ):
        with pytest.raises((tweedie.InputError, tweedie.FileError)) as raised:
            make()
        assert raised.value.argument == argument, raised.value


def test_what_looks_wrong_is_said(picture, gray):
    y, _ = tweedie.simulate(picture, physics.Blur("gaussian:2.5", boundary="circular"), noise=NOISE)
    with pytest.warns(tweedie.TweedieWarning) as warned:
        result = tweedie.restore(y, physics.Blur("disc:6", boundary="circular"), denoiser=gray, noise=0.0)
    assert result.warnings and result.warnings == [str(one.message) for one in warned]
    assert "--" not in " ".join(result.warnings), result.warnings


def test_noise_is_estimated_or_told(picture):
    x = noisy(picture, 25 / 255)
    result = tweedie.restore(x, physics.Denoising())
    assert result.noise.level == pytest.approx(25 / 255, rel=0.1)
    y, _ = tweedie.simulate(picture, physics.Blur("gaussian:1.6"), noise=NOISE)
    estimated = tweedie.restore(y, physics.Blur("gaussian:1.6"))
    assert estimated.notes and "noise" in estimated.notes[0] and estimated.noise.level > 0


def test_results_show_before_and_after(picture, gray):
    y, _ = tweedie.simulate(picture, physics.Blur("gaussian:1.6"), noise=NOISE)
    result = tweedie.restore(y, physics.Blur("gaussian:1.6"), denoiser=gray, noise=NOISE)
    png = result._repr_png_()
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert png.startswith(b"\x89PNG") and (height, width) == (y.shape[0], 2 * y.shape[1] + 4)
    start = png.index(b"IDAT")
    size = int.from_bytes(png[start - 4 : start], "big")
    rows = np.frombuffer(zlib.decompress(png[start + 4 : start + 4 + size]), np.uint8).reshape(height, -1)
    assert np.abs(rows[:, 1 : 1 + 3 * y.shape[1] : 3] / 255 - np.clip(y, 0, 1)).max() < 0.003
    assert np.abs(rows[:, -3 * y.shape[1] :: 3] / 255 - np.clip(result.image, 0, 1)).max() < 0.003
    assert np.array_equal(np.asarray(result), result.image)
    assert "pnp-hqs" in repr(result)


def test_random_solvers_follow_the_seed(picture, gray):
    mask = np.random.default_rng(3).random(picture.shape) < 0.5
    y, _ = tweedie.simulate(picture, physics.Inpainting(mask))

    def run(**options):
        return tweedie.restore(y, physics.Inpainting(mask), denoiser=gray, solver="diffpir", iterations=5, **options).image

    assert np.array_equal(run(seed=1), run(seed=1)) and not np.array_equal(run(seed=1), run(seed=2))
    assert np.array_equal(run(rng=np.random.default_rng(5)), run(rng=np.random.default_rng(5)))
