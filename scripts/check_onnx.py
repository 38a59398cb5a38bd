#!/usr/bin/env python3
"""Runs what `tweedie checkpoints export` wrote as ONNX in onnxruntime and compares it with tweedie's output.

    tweedie checkpoints export gray --out gray.onnx
    tweedie denoise noisy.npy --checkpoint gray --sigma 25 --out denoised.npy
    scripts/check_onnx.py gray.onnx --sigma 25 --noisy noisy.npy --denoised denoised.npy

The arrays are float32, [H, W] or [C, H, W] with as many channels as the checkpoint. Needs onnxruntime and numpy.
"""

import argparse
import sys

import numpy as np
import onnxruntime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--sigma", type=float, required=True, help="in grey levels")
    parser.add_argument("--noisy", required=True)
    parser.add_argument("--denoised", required=True)
    parser.add_argument("--tolerance", type=float, default=1e-5)
    arguments = parser.parse_args()

    session = onnxruntime.InferenceSession(arguments.model)
    noisy, denoised = (np.load(path).astype(np.float32) for path in (arguments.noisy, arguments.denoised))
    channels = session.get_inputs()[0].shape[1]
    height, width = noisy.shape[-2:]
    inputs = {
        "noisy": noisy.reshape(1, channels, height, width),
        "sigma": np.array([arguments.sigma / 255], dtype=np.float32),
    }
    wanted = {entry.name for entry in session.get_inputs()}
    (output,) = session.run(["denoised"], {name: value for name, value in inputs.items() if name in wanted})
    difference = float(np.abs(output.reshape(denoised.shape) - denoised).max())
    print(f"largest difference {difference:.2e}, tolerance {arguments.tolerance:.0e}")
    if not difference <= arguments.tolerance:
        sys.exit(1)


if __name__ == "__main__":
    main()
