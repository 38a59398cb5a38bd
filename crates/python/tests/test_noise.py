"""Noise: kinds, estimates, data terms."""

from __future__ import annotations

import numpy as np
import pytest
import tweedie
from conftest import noisy, psnr
from tweedie import PoissonGaussian, physics

SIGMA = 25 / 255


def test_estimates(picture):
    white = tweedie.estimate_noise(noisy(picture, SIGMA))
    assert white.kind == "white" and white.level == pytest.approx(SIGMA, rel=0.1) and white.rests_on
    assert tweedie.estimate_sigma(noisy(picture, SIGMA)) == white.level
    with pytest.raises(tweedie.InputError, match="^x: "):
        tweedie.estimate_noise(picture[:3, :3])
    with pytest.raises(tweedie.InputError, match="^x: expected one image"):
        tweedie.estimate_noise(np.stack([picture, picture])[:, None])


def test_simulated_kinds(picture):
    law = PoissonGaussian(0.02, 0.01)
    flat = np.full((64, 96), 0.5, np.float32)
    grown, _ = tweedie.simulate(flat, physics.Denoising(), noise=law)
    assert np.std(grown) == pytest.approx((0.02 * 0.5 + 0.01**2) ** 0.5, rel=0.05)
    levels = np.full(flat.shape, 0.01, np.float32)
    levels[:, 48:] = 0.1
    mapped, _ = tweedie.simulate(flat, physics.Denoising(), noise=levels)
    assert np.std(mapped[:, :48]) == pytest.approx(0.01, rel=0.1) and np.std(mapped[:, 48:]) == pytest.approx(0.1, rel=0.1)
    with pytest.raises(tweedie.InputError, match="^noise: "):
        tweedie.simulate(flat, physics.Denoising(), noise="auto")
    with pytest.raises(tweedie.InputError, match="^noise: expected a map of levels above 0"):
        tweedie.simulate(flat, physics.Denoising(), noise=0 * levels)
    with pytest.raises(tweedie.InputError, match="^gain: "):
        PoissonGaussian(5.0, 0.01)


def test_restoration_knows_the_kinds(picture, gray):
    blur = physics.Blur("gaussian:1.2x7")
    law = PoissonGaussian(0.002, 0.005)
    y, truth = tweedie.simulate(picture, blur, noise=law)
    known = tweedie.restore(y, blur, denoiser=gray, noise=law, truth=truth)
    assert known.noise.kind == "poisson-gaussian" and known.noise.law is not None
    assert known.noise.law.gain == pytest.approx(0.002) and known.noise.law.sigma == pytest.approx(0.005)
    assert known.psnr_db > psnr(y, truth) + 1
    counts = tweedie.restore(y, blur, denoiser=gray, noise=law, fidelity="poisson", solver="pnp-admm", truth=truth)
    assert counts.psnr_db > psnr(y, truth) + 1 and not np.array_equal(counts.image, known.image)
    levels = np.full(y.shape, 0.02)
    levels[:, 40:] = 0.08
    mapped = tweedie.restore(y, blur, denoiser=gray, noise=levels)
    assert mapped.noise.kind == "map" and 0.02 < mapped.noise.level < 0.08
    with pytest.raises(tweedie.InputError, match="^fidelity: "):
        tweedie.restore(y, blur, denoiser=gray, noise=law, fidelity="l3")
    with pytest.raises(tweedie.InputError, match="^noise: .*'auto'"):
        tweedie.restore(y, blur, denoiser=gray, noise="photons")
    # A measurement that does not tell its size.
    sensing = physics.Tomography(40, (1, *picture.shape))
    sinogram, _ = tweedie.simulate(picture, sensing, noise=0.5)
    assert tweedie.restore(sinogram, sensing, noise="auto", iterations=2).noise.level > 0.1


def test_denoising_of_unknown_kinds(picture):
    grown, _ = tweedie.simulate(picture, physics.Denoising(), noise=PoissonGaussian(0.02, 0.01))
    assert psnr(tweedie.denoise(grown, "auto"), picture) > psnr(grown, picture) + 3
    try:
        fitted = tweedie.denoise(grown, "poisson-gaussian:auto")
    except tweedie.InputError as error:
        # The picture is small.
        assert "smooth" in str(error)
    else:
        assert psnr(fitted, picture) > psnr(grown, picture) + 3
