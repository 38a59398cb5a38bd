"""Certificates, evaluation, training."""

from __future__ import annotations

import pytest
import tweedie
from conftest import ROOT

SIGMA = 25 / 255


def test_certificates(picture):
    certificate = tweedie.certify("gray-ridge", picture, sigma=SIGMA, patch=8, samples=3)
    (level,) = certificate.levels
    assert level.sigma == SIGMA and level.samples == 3
    assert level.measures["jacobian_asymmetry"].max < 1e-6
    assert level.measures["spectral_norm_j"].max <= 1 + 1e-5
    assert certificate.theorems and certificate.theorems[0].conditions
    statuses = {one.status for theorem in certificate.theorems for one in theorem.conditions}
    assert statuses <= {"proven", "measured", "fails", "not-decided"} and "proven" in statuses
    assert certificate.theorems[0].name in str(certificate)
    asymmetric = tweedie.certify("gray", [picture, picture], sigma=[SIGMA], patch=8, samples=2, seed=1)
    assert asymmetric.levels[0].measures["jacobian_asymmetry"].mean > 1e-4
    for wrong in ({"patch": 1}, {"samples": 0}, {"sigma": 25}, {"sigma": []}):
        with pytest.raises(tweedie.InputError, match=f"^{next(iter(wrong))}: "):
            tweedie.certify("gray", picture, **wrong)
    with pytest.raises(tweedie.InputError, match="^images: "):
        tweedie.certify("color", picture, sigma=SIGMA)


def test_evaluation(picture, tmp_path):
    tweedie.write_image(tmp_path / "0.npy", picture)
    (of_array,) = tweedie.evaluate("gray", picture, sigma=SIGMA)
    assert 27 < of_array.psnr_db < 36 and 0.5 < of_array.ssim < 1
    # -20 log10(25/255) = 20.17, and a little more, since noise beyond black and white is clipped.
    assert 20.1 < of_array.images[0].psnr_input_db < 21.2
    levels = tweedie.evaluate("gray", tmp_path, sigma=[SIGMA, 2 * SIGMA])
    assert [level.sigma for level in levels] == [SIGMA, 2 * SIGMA] and levels[0].psnr_db > levels[1].psnr_db
    with pytest.raises((tweedie.FileError, tweedie.InputError), match="missing"):
        tweedie.evaluate("gray", tmp_path / "missing", sigma=SIGMA)
    with pytest.raises(tweedie.InputError, match="^data: "):
        tweedie.evaluate("gray", [], sigma=SIGMA)


CONFIG = {
    "seed": 1,
    "architecture": {"kind": "dncnn", "channels": 1, "depth": 3, "width": 8},
    "data": {"folders": [str(ROOT / "datasets/samples")], "patch": 16},
    "noise": {"min": 0.0, "max": 50.0},
    "training": {"steps": 6, "batch": 2},
    "validation": {"folders": [], "sigma": [25.0], "every": 3, "images": 1},
    "save": {"steps": 0, "minutes": 5.0},
}


def test_training(tmp_path, picture):
    seen = []
    trained = tweedie.train(CONFIG, out=tmp_path / "run", progress=seen.append)
    assert trained.steps == 6 and [step.step for step in seen] == list(range(1, 7)) and seen[0].loss > 0
    assert trained.load()(picture, SIGMA).shape == picture.shape
    with pytest.raises((tweedie.InputError, tweedie.FileError), match="resume"):
        tweedie.train(CONFIG, out=tmp_path / "run")
    with pytest.raises(tweedie.InputError, match="^out: "):
        tweedie.train(CONFIG)
    with pytest.raises((tweedie.InputError, tweedie.FileError), match="deepness"):
        tweedie.train({**CONFIG, "architecture": {"kind": "dncnn", "deepness": 3}}, out=tmp_path / "other")


def test_an_interrupted_training_goes_on(tmp_path):
    def stop(step: tweedie.Step) -> None:
        if step.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tweedie.train(CONFIG, out=tmp_path / "run", steps=5000, progress=stop)
    resumed = tweedie.train(CONFIG, out=tmp_path / "run", steps=12, resume=True)
    assert resumed.steps == 12


def test_every_public_name_is_documented_and_typed():
    import inspect

    for module in (tweedie, tweedie.physics):
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.ismodule(found):
                continue
            assert found.__doc__, name
            if inspect.isfunction(found):
                assert "return" in found.__annotations__, name
