#!/usr/bin/env python3
"""Compares an imported DRUNet or GSDRUNet with deepinv, at any size: makes weights, a noisy picture and deepinv's result.

    scripts/check_deepinv.py make /tmp/drunet --channels 3 --size 333 500
    tweedie import /tmp/drunet/weights.pth --as /tmp/drunet/checkpoint --noise 0..50
    tweedie denoise /tmp/drunet/noisy.npy --checkpoint /tmp/drunet/checkpoint --sigma 25 --out /tmp/drunet/denoised.npy
    scripts/check_deepinv.py compare /tmp/drunet

Random weights (seeded) stand in for published ones, which are not needed for equality. With --weights FILE, deepinv loads that
file instead. Needs torch, numpy and deepinv 0.5.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

LEVEL = 25 / 255


def make(arguments: argparse.Namespace) -> None:
    from deepinv.models import DRUNet, GSDRUNet

    torch.manual_seed(arguments.seed)
    kind = GSDRUNet if arguments.gradient_step else DRUNet
    options = {
        "in_channels": arguments.channels,
        "out_channels": arguments.channels,
        "nc": tuple(arguments.widths),
        "nb": arguments.blocks,
        "pretrained": None if arguments.weights is None else str(arguments.weights),
        "device": "cpu",
    }
    network = kind(**options).eval()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), arguments.folder / "weights.pth")
    generator = np.random.RandomState(arguments.seed)
    height, width = arguments.size
    rows, columns = np.mgrid[:height, :width]
    # A smooth picture with edges, and noise.
    picture = 0.5 + 0.3 * np.sin(rows / 17)[None] * np.cos(columns / 23)[None] + 0.2 * ((rows // 40 + columns // 56) % 2)[None]
    shape = (arguments.channels, height, width)
    noisy = (picture + LEVEL * generator.standard_normal(shape)).astype(np.float32)
    with torch.no_grad():
        result = network(torch.from_numpy(noisy)[None], LEVEL)[0].numpy()
    squeeze = (lambda x: x[0]) if arguments.channels == 1 else (lambda x: x)
    np.save(arguments.folder / "noisy.npy", squeeze(noisy))
    np.save(arguments.folder / "deepinv.npy", squeeze(result))
    print(f"{arguments.folder}: weights.pth, noisy.npy and deepinv.npy for --sigma 25")


def compare(arguments: argparse.Namespace) -> None:
    expected = np.load(arguments.folder / "deepinv.npy")
    got = np.load(arguments.folder / "denoised.npy").reshape(expected.shape)
    difference = float(np.abs(got - expected).max())
    print(f"largest difference {difference:.2e}, tolerance {arguments.tolerance:.0e}")
    # Also for NaN.
    if not difference <= arguments.tolerance:
        sys.exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    made = commands.add_parser("make")
    made.add_argument("folder", type=Path)
    made.add_argument("--channels", type=int, default=3)
    made.add_argument("--size", type=int, nargs=2, default=[333, 500], help="height and width")
    made.add_argument("--widths", type=int, nargs="+", default=[64, 128, 256, 512])
    made.add_argument("--blocks", type=int, default=4)
    made.add_argument("--gradient-step", action="store_true")
    made.add_argument("--weights", type=Path)
    made.add_argument("--seed", type=int, default=0)
    made.set_defaults(run=make)
    compared = commands.add_parser("compare")
    compared.add_argument("folder", type=Path)
    compared.add_argument("--tolerance", type=float, default=1e-5)
    compared.set_defaults(run=compare)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
