"""tweedie.torch, where torch is there; scripts/python_peers holds it against deepinv."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import tweedie
from conftest import noisy
from tweedie import physics

torch = pytest.importorskip("torch")

SIGMA = 25 / 255


def test_a_module_with_gradients(picture):
    import tweedie.torch

    module = tweedie.torch.Denoiser("gray")
    x = torch.from_numpy(np.stack([noisy(picture[:24, :28], SIGMA, n) for n in range(2)])[:, None])
    levels = torch.tensor([10 / 255, 40 / 255], dtype=torch.float64)
    expected = module.denoiser(x.numpy(), levels.numpy())
    for sigma in (levels, levels.reshape(2, 1, 1, 1), levels.float()):
        assert np.allclose(module(x, sigma).numpy(), expected, atol=1e-6)
    assert np.array_equal(module(x, torch.tensor(SIGMA)).numpy(), module.denoiser(x.numpy(), float(torch.tensor(SIGMA))))
    assert module(x.double(), SIGMA).dtype == torch.float64
    assert list(module.parameters()) == [] and copy.deepcopy(module)(x, SIGMA).shape == x.shape

    y = x.clone().requires_grad_()
    v = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    (module(y, levels) * v).sum().backward()
    assert np.allclose(y.grad.numpy(), module.denoiser.vjp(x.numpy(), levels.numpy(), v.numpy())[1], atol=1e-6)
    with pytest.raises(tweedie.InputError, match="^sigma: expected a level without a gradient"):
        module(x, levels.requires_grad_())
    with pytest.raises(tweedie.InputError, match="^x: expected a tensor"):
        module(x[0], SIGMA)


def test_potentials_have_gradients(picture):
    import tweedie.torch

    module = tweedie.torch.Denoiser("gray-gs")
    x = torch.from_numpy(noisy(picture[:24, :28], SIGMA)[None, None]).requires_grad_()
    g = module.potential(x, SIGMA)
    assert g.shape == (1,)
    (3 * g).sum().backward()
    assert torch.allclose(x.grad, 3 * module.potential_grad(x.detach(), SIGMA))


def test_the_number_of_threads_is_that_of_torch():
    from tweedie import _threads

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert _threads.current() == 1
        with tweedie.threads(3):
            assert _threads.current() == 3
    finally:
        torch.set_num_threads(before)


def test_operators_both_ways(picture):
    pytest.importorskip("deepinv")
    import tweedie.torch

    blur = physics.Blur("gaussian:1.2x7", boundary="circular")
    model = tweedie.torch.to_deepinv(blur)
    x = torch.from_numpy(picture[None, None]).requires_grad_()
    y = model.A(x)
    assert np.array_equal(y.detach().numpy()[0, 0], blur.A(picture))
    v = torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    (y * v).sum().backward()
    assert torch.allclose(x.grad, model.A_adjoint(v), atol=1e-6)
    back = tweedie.torch.from_deepinv(model, (1, *picture.shape))
    assert np.allclose(back.A(picture), blur.A(picture), atol=1e-6)
    z = x.detach()
    assert np.allclose(model.prox_l2(z, y.detach(), 0.7).numpy(), blur.prox_l2(z.numpy(), y.detach().numpy(), 0.7))
