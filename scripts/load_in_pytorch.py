#!/usr/bin/env python3
"""Loads what `tweedie checkpoints export` wrote, builds the network in PyTorch and compares it with tweedie's output.

    tweedie checkpoints export gray --out gray.safetensors
    tweedie denoise noisy.npy --checkpoint gray --sigma 25 --out denoised.npy
    scripts/load_in_pytorch.py gray.safetensors --sigma 25 --noisy noisy.npy --denoised denoised.npy

The arrays are float32, [H, W] or [C, H, W] with as many channels as the checkpoint. Needs torch and numpy.
"""

import argparse
import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def read(path: Path) -> tuple[dict, dict[str, Tensor]]:
    """The architecture and the weights of a safetensors file in float32."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    metadata = header.pop("__metadata__")
    weights = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        weights[name] = torch.frombuffer(bytearray(body[start:end]), dtype=torch.float32).reshape(entry["shape"])
    return json.loads(metadata["tweedie"])["architecture"], weights


class Network:
    """D(x, sigma) for x of [N, C, H, W] in [0, 1] and sigma in the same units."""

    def __init__(self, architecture: dict, weights: dict[str, Tensor]) -> None:
        self.config, self.weights = architecture, weights
        self.circular = architecture.get("padding") == "circular"
        self.strided = architecture.get("resampling") == "strided"

    def conv(self, name: str, x: Tensor) -> Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias")
        if self.circular:
            return functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="circular"), weight, bias)
        return functional.conv2d(x, weight, bias, padding=1)

    def stack(self, x: Tensor) -> Tensor:
        """Convolutions model.0, model.2, ... with ReLU between them."""
        x = self.conv("model.0", x)
        for layer in range(1, self.config["depth"]):
            x = self.conv(f"model.{2 * layer}", functional.relu(x))
        return x

    def activation(self, x: Tensor) -> Tensor:
        return functional.elu(x) if self.config.get("activation") == "elu" else functional.relu(x)

    def down(self, name: str, x: Tensor) -> Tensor:
        if self.strided:
            return functional.conv2d(x, self.weights[f"{name}.weight"], stride=2)
        return self.conv(name, torch.cat([x[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)], 1))

    def up(self, name: str, x: Tensor) -> Tensor:
        if self.strided:
            return functional.conv_transpose2d(x, self.weights[f"{name}.weight"], stride=2)
        x = self.conv(name, x)
        n, c, h, w = x.shape
        return x.reshape(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // 4, 2 * h, 2 * w)

    def blocks(self, name: str, x: Tensor) -> Tensor:
        for block in range(self.config["blocks"]):
            hidden = self.activation(self.conv(f"{name}.{block}.first", x))
            x = x + self.conv(f"{name}.{block}.second", hidden)
        return x

    def unet(self, x: Tensor) -> Tensor:
        x, skips = self.conv("head", x), []
        levels = len(self.config["widths"]) - 1
        for level in range(levels):
            skips.append(x)
            x = self.blocks(f"encoder.{level}.blocks", x)
            x = self.down(f"encoder.{level}.resample", x)
        x = self.blocks("body", x) + x
        for level in range(levels):
            x = self.up(f"decoder.{level}.resample", x)
            x = self.blocks(f"decoder.{level}.blocks", x) + skips.pop()
        return self.conv("tail", x)

    def gradient(self, x: Tensor) -> Tensor:
        """W^T phi(W x) of a convex ridge regulariser."""
        first, second, splines = (self.weights[name] for name in ("first", "second", "splines"))
        margin, last = self.config["kernel"] // 2, self.config["knots"] - 1
        z = functional.conv2d(functional.conv2d(x, first, padding=margin), second, padding=margin)
        place = ((z / self.config["range"] + 1) * last / 2).clamp(0, last)
        knot = place.floor().clamp(max=last - 1)
        channel = torch.arange(z.shape[1]).reshape(1, -1, 1, 1).expand_as(z)
        left, right = splines[channel, knot.long()], splines[channel, knot.long() + 1]
        z = left + (right - left) * (place - knot)
        return functional.conv_transpose2d(functional.conv_transpose2d(z, second, padding=margin), first, padding=margin)

    def crr(self, y: Tensor) -> Tensor:
        strength, mu, bound = (self.config[key] for key in ("lambda", "mu", "lipschitz"))
        x = y - 2 / (bound * mu) * self.gradient(mu * y)
        for _ in range(1, self.config["steps"]):
            x = x - (2 - 1e-8) / (1 + bound * strength * mu) * (x - y + strength * self.gradient(mu * x))
        return x

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        kind, (_, _, h, w) = self.config["kind"], x.shape
        if kind == "crr":
            return self.crr(x)
        if kind not in ("dncnn", "ffdnet", "unet"):
            sys.exit(f"error: expected a dncnn, ffdnet, unet or crr, got a {kind}")
        halve = kind == "ffdnet" or (kind == "unet" and self.config["unshuffle"] == 2)
        multiple = {"dncnn": 1, "ffdnet": 2}.get(kind) or (1 + halve) * 2 ** (len(self.config["widths"]) - 1)
        if self.config.get("sizes") == "quarters" and (h % multiple or w % multiple or min(h, w) < 4 * multiple):
            if min(h, w) >= 8 * multiple:
                sys.exit("error: images of this size are denoised in quarters; scripts/check_deepinv.py compares those")
            multiple *= 2
        y = functional.pad(x, (0, -w % multiple, 0, -h % multiple), mode="replicate")
        y = functional.pixel_unshuffle(y, 2) if halve else y
        if kind != "dncnn" or self.config["conditioning"] == "noise-map":
            y = torch.cat([y, torch.full_like(y[:, :1], sigma)], 1)
        y = self.unet(y) if kind == "unet" else self.stack(y)
        y = functional.pixel_shuffle(y, 2) if halve else y
        y = y[:, :, :h, :w]
        return x - y if self.config["residual"] else y


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--sigma", type=float, required=True, help="in 8-bit grey levels")
    parser.add_argument("--noisy", type=Path, required=True)
    parser.add_argument("--denoised", type=Path, required=True)
    arguments = parser.parse_args()
    architecture, weights = read(arguments.file)
    network = Network(architecture, weights)
    noisy, expected = (torch.from_numpy(np.load(path)).float() for path in (arguments.noisy, arguments.denoised))
    x = noisy.reshape(1, -1, *noisy.shape[-2:])
    with torch.inference_mode():
        got = network(x, arguments.sigma / 255)
    difference = (got.reshape(expected.shape) - expected).abs().max().item()
    print(f"{architecture['kind']}, {sum(w.numel() for w in weights.values())} parameters: "
          f"largest difference {difference:.1e}")
    return 0 if difference < 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
