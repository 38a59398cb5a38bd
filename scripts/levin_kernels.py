#!/usr/bin/env python3
"""Extracts the blur kernels of Levin et al. (2009) to the files that `--kernel levin:1` to `levin:8` read.

    pip install numpy h5py
    scripts/levin_kernels.py Levin09.mat FOLDER

Levin09.mat comes from https://github.com/cszn/DPIR; its SHA-256 and those of the results are in datasets/manifest.toml,
set levin09.
"""

import argparse
from pathlib import Path

import h5py
import numpy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mat", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(arguments.mat) as file:
        for number, reference in enumerate(file["kernels"][()].ravel(), start=1):
            # HDF5 shows MATLAB's arrays with reversed axes; C order, so that the file says nothing about the reversal.
            kernel = numpy.ascontiguousarray(file[reference][()].T)
            numpy.save(arguments.folder / f"levin09_{number}.npy", kernel)


if __name__ == "__main__":
    main()
