#!/usr/bin/env python3
"""The networks of this project in PyTorch, timed or applied: the peer that scripts/bench_pytorch compares with.

    pytorch_peer.py bench --case dncnn-forward-256 --threads 2 --repeats 10
    pytorch_peer.py denoise INPUT.png --checkpoint FOLDER --sigma 25 --out OUTPUT.png --threads 2

`bench` prints {"results": [{"case": ..., "seconds": [...]}]}, as `tweedie bench` does. Both use what PyTorch's
documentation advises for convolutions on a CPU: channels_last, inference mode, and Adam's fused kernel.
"""

import argparse
import json
import time
import tomllib
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional


class Stack(nn.Module):
    """3x3 convolutions with ReLU between them."""

    def __init__(self, inputs: int, width: int, outputs: int, depth: int, bias: bool,
                 padding: str = "zeros") -> None:
        super().__init__()
        channels = [inputs] + [width] * (depth - 1) + [outputs]
        pairs = zip(channels[:-1], channels[1:])
        self.layers = nn.ModuleList(nn.Conv2d(cin, cout, 3, padding=1, bias=bias, padding_mode=padding)
                                    for cin, cout in pairs)

    def run(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers[:-1]:
            x = functional.relu(layer(x), inplace=True)
        return self.layers[-1](x)


class Dncnn(Stack):
    """DnCNN without batch normalisation; see crates/model/src/networks/dncnn.rs."""

    def __init__(self, channels: int = 1, depth: int = 17, width: int = 64, bias: bool = True, residual: bool = True,
                 conditioning: str = "noise-map", padding: str = "zero") -> None:
        noise_map = conditioning == "noise-map"
        super().__init__(channels + noise_map, width, channels, depth, bias,
                         "circular" if padding == "circular" else "zeros")
        self.noise_map = noise_map
        self.residual = residual

    def forward(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        inputs = torch.cat([x, level_map(sigma, x)], dim=1) if self.noise_map else x
        output = self.run(inputs)
        return x - output if self.residual else output


class Ffdnet(Stack):
    """FFDNet; see crates/model/src/networks/ffdnet.rs. Takes even sizes only."""

    def __init__(self, channels: int = 1, depth: int = 15, width: int = 64, bias: bool = True,
                 residual: bool = False) -> None:
        super().__init__(4 * channels + 1, width, 4 * channels, depth, bias)
        self.residual = residual

    def forward(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        phases = functional.pixel_unshuffle(x, 2)
        output = self.run(torch.cat([phases, level_map(sigma, phases)], dim=1))
        output = functional.pixel_shuffle(output, 2)
        return x - output if self.residual else output


def level_map(sigma: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """One channel of x's size that holds each image's noise level."""
    return sigma.reshape(-1, 1, 1, 1).expand(x.shape[0], 1, x.shape[2], x.shape[3])


# Name: (network, batch, side, whether it is a training step). The same as in `tweedie bench`.
CASES = {
    "dncnn-forward-256": (lambda: Dncnn(conditioning="blind"), 1, 256, False),
    "dncnn-forward-512": (lambda: Dncnn(conditioning="blind"), 1, 512, False),
    "ffdnet-forward-512": (Ffdnet, 1, 512, False),
    "dncnn-train-16x48": (lambda: Dncnn(conditioning="blind"), 16, 48, True),
    "ffdnet-train-32x64": (Ffdnet, 32, 64, True),
}

# Runs before the clock starts: memory is allocated and oneDNN's kernels are generated in the first, weights are
# reordered and caches filled by the second.
WARM_UP = 2


def seconds_of(case: str, repeats: int) -> list[float]:
    """Wall seconds of each of `repeats` forward passes or training steps."""
    build, batch, side, training = CASES[case]
    torch.manual_seed(0)
    network = build().to(memory_format=torch.channels_last)
    clean = torch.rand(batch, 1, side, side).to(memory_format=torch.channels_last)
    sigma = torch.full((batch,), 25 / 255)
    noisy = clean + sigma.reshape(-1, 1, 1, 1) * torch.randn_like(clean)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True) if training else None

    def step() -> None:
        if optimizer is None:
            with torch.inference_mode():
                network(noisy, sigma)
            return
        optimizer.zero_grad(set_to_none=True)
        functional.mse_loss(network(noisy, sigma), clean).backward()
        optimizer.step()

    seconds = []
    for run in range(WARM_UP + repeats):
        start = time.perf_counter()
        step()
        if run >= WARM_UP:
            seconds.append(time.perf_counter() - start)
    return seconds


def load_checkpoint(folder: Path) -> nn.Module:
    """The network of one of this project's checkpoints."""
    from safetensors.torch import load_file

    settings = tomllib.loads((folder / "config.toml").read_text())["architecture"]
    networks = {"dncnn": Dncnn, "ffdnet": Ffdnet}
    kind = settings.pop("kind")
    if kind not in networks:
        raise SystemExit(f"error: {folder}: no PyTorch counterpart of architecture {kind}")
    network = networks[kind](**settings)
    weights = load_file(folder / "model.safetensors")
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    return network


def denoise(path: Path, folder: Path, sigma_grey_levels: float, output: Path) -> None:
    """Denoises one 8-bit picture."""
    import numpy
    from PIL import Image

    network = load_checkpoint(folder).to(memory_format=torch.channels_last)
    pixels = numpy.asarray(Image.open(path), dtype=numpy.float32) / 255
    x = torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        x = network(x.to(memory_format=torch.channels_last), torch.tensor([sigma_grey_levels / 255]))
    levels = (x[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    Image.fromarray(levels.squeeze(-1) if levels.shape[-1] == 1 else levels).save(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    bench = commands.add_parser("bench")
    bench.add_argument("--case", required=True, choices=CASES)
    bench.add_argument("--repeats", type=int, default=10)
    bench.add_argument("--threads", type=int, default=2)
    one = commands.add_parser("denoise")
    one.add_argument("input", type=Path)
    one.add_argument("--checkpoint", type=Path, required=True, help="folder of the checkpoint")
    one.add_argument("--sigma", type=float, required=True, help="noise level in 8-bit grey levels")
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.command == "denoise":
        denoise(arguments.input, arguments.checkpoint, arguments.sigma, arguments.out)
        return
    seconds = seconds_of(arguments.case, arguments.repeats)
    print(json.dumps({"pytorch": torch.__version__, "threads": arguments.threads,
                      "results": [{"case": arguments.case, "seconds": seconds}]}))


if __name__ == "__main__":
    main()
