#!/usr/bin/env python3
"""Prints the JSON files of scripts/reproduce as Markdown tables.

    scripts/markdown_tables.py FOLDER

evaluate.CHECKPOINT.SET.json and restore.CHECKPOINT.SOLVER.TASK.json are what `tweedie evaluate --json` and
`tweedie restore --json` wrote.
"""

import argparse
import json
import statistics
import sys
from collections import Counter
from pathlib import Path


def load(path: Path) -> dict:
    """One JSON file."""
    try:
        return json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        sys.exit(f"error: {path}: {error}")


def mean(results: list[dict], key: str, digits: int) -> str:
    """The mean of a key, empty where no result has it."""
    values = [result[key] for result in results if result.get(key) is not None]
    return f"{statistics.fmean(values):.{digits}f}" if values else ""


def denoising(folder: Path) -> list[str]:
    """Lines of the denoising table: a row for each checkpoint and set, a column for each level."""
    rows, levels = [], []
    for path in sorted(folder.glob("evaluate.*.json")):
        _, checkpoint, images, _ = path.name.split(".")
        content = load(path)
        cells = {result["sigma"]: f"{result['psnr_db']:.2f} / {result['ssim']:.4f}" for result in content["results"]}
        levels += [level for level in cells if level not in levels]
        rows.append((checkpoint, images, len(content["results"][0]["images"]), cells))
    if not rows:
        return []
    levels.sort()
    lines = ["PSNR (dB) / SSIM, mean over the images.", "",
             "| checkpoint | set | " + " | ".join(f"sigma {level:g}" for level in levels) + " |",
             "|---|---|" + "---|" * len(levels)]
    for checkpoint, images, count, cells in rows:
        lines.append(f"| {checkpoint} | {images} ({count}) | " + " | ".join(cells.get(x, "") for x in levels) + " |")
    return lines


def restoration(folder: Path) -> list[str]:
    """Lines of the restoration table: a row for each checkpoint, solver and task."""
    lines = []
    for path in sorted(folder.glob("restore.*.json")):
        _, checkpoint, solver, task, _ = path.name.split(".")
        results = load(path)["results"]
        stops = ", ".join(f"{stop} {count}" for stop, count in sorted(Counter(x["stop"] for x in results).items()))
        lines.append(f"| {task} | {solver} | {checkpoint} | {len(results)} | {mean(results, 'psnr_input_db', 2)} "
                     f"| {mean(results, 'psnr_db', 2)} | {mean(results, 'ssim', 4)} "
                     f"| {mean(results, 'iterations', 0)} | {mean(results, 'denoiser_calls', 0)} | {mean(results, 'seconds', 1)} | {stops} |")
    if not lines:
        return []
    return ["Means over the images; every run counts, also one that diverged.", "",
            "| task | solver | checkpoint | images | measurement (dB) | restored (dB) | SSIM | iterations | denoiser calls "
            "| seconds | stops |", "|---|---|---|---|---|---|---|---|---|---|---|", *sorted(lines)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    tables = [table for table in (denoising(folder), restoration(folder)) if table]
    if not tables:
        sys.exit(f"error: {folder}: no results")
    print("\n\n".join("\n".join(table) for table in tables))


if __name__ == "__main__":
    main()
