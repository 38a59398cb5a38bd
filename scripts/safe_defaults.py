#!/usr/bin/env python3
"""Restores pictures with every checkpoint, solver and task at default parameters, and says where a run ends below its start.

    scripts/safe_defaults.py PICTURES --out DIR [--checkpoints gray,gray-gs] [--solvers pnp-admm] [--tasks deblur]
                             [-C solver.strength=0.2]

PICTURES is a folder of clean gray pictures; crops of 128x128 are enough. Levin's first kernel is looked for in
$TWEEDIE_SHARED/data/kernels, by default ../shared/data/kernels beside the repository. Each command's JSON is kept in DIR, and a command
whose JSON is there is not run again. Exit status 1 if any run ends below its start. Python's standard library alone.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNEL = pathlib.Path(os.environ.get("TWEEDIE_SHARED", ROOT / "../shared")).resolve() / "data/kernels/levin09_1.npy"
CHECKPOINTS = "gray,gray-small,gray-gs,gray-lipschitz,gray-ridge"
SOLVERS = (
    "pnp-hqs,pnp-admm,pnp-drs,pnp-pgd,pnp-fista,red-gd,red-fp,red-admm,red-pg,red-dpg,red-apg,red-pro,red-pro-relaxed,"
    "diffpir,gs-pnp,prox-pnp"
)
TASKS = {
    "denoise": "--task denoise --noise 25",
    "motion": f"--task deblur --kernel {KERNEL} --noise 7.65",
    "gaussian": "--task deblur --kernel gaussian:1.6 --noise 7.65",
    "sharp": "--task deblur --kernel gaussian:1.6 --noise 2.55",
    "sr": "--task sr --scale 2 --noise 0",
    "inpaint": "--task inpaint --keep 0.3 --noise 0",
    "noisy-inpaint": "--task inpaint --keep 0.3 --noise 7.65",
    "compressed": "--task compressed --ratio 0.25 --noise 2.55",
}
# The solvers that need a known potential, and the checkpoints that have one.
POTENTIAL = {"gs-pnp", "prox-pnp"}
WITH_POTENTIAL = {"gray-gs", "gray-ridge"}


def restore(arguments, name, command):
    """The results of one command, from its JSON."""
    path = arguments.out / f"{name}.json"
    if not path.is_file():
        part = path.with_suffix(".part")
        line = [os.environ.get("TWEEDIE", ROOT / "target/release/tweedie"), "restore", *command, "--simulate", "--seed", "0"]
        line += ["--threads", "1", "--quiet", "--json", part, "--out", arguments.out / name, *arguments.pictures]
        run = subprocess.run(line, capture_output=True, text=True, cwd=ROOT)
        if run.returncode != 0:
            print(f"{name}: {run.stderr.strip()}", file=sys.stderr)
            return None
        part.rename(path)
    return json.loads(path.read_text())["results"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--checkpoints", default=CHECKPOINTS)
    parser.add_argument("--solvers", default=SOLVERS)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("-C", action="append", default=[], dest="settings")
    parser.add_argument("--options", default="", help="further options of restore")
    arguments = parser.parse_args()
    arguments.pictures = sorted(path.resolve() for path in arguments.folder.glob("*.png"))
    arguments.out = arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    settings = [word for setting in arguments.settings for word in ("-C", setting)] + arguments.options.split()
    below = 0
    print("checkpoint,solver,task,start_db,restored_db,least_gain_db,below_start,diverged,seconds")
    for checkpoint in arguments.checkpoints.split(","):
        for solver in arguments.solvers.split(","):
            if solver in POTENTIAL and checkpoint not in WITH_POTENTIAL:
                continue
            for task in arguments.tasks.split(","):
                command = ["--checkpoint", checkpoint, "--solver", solver, *TASKS[task].split(), *settings]
                results = restore(arguments, f"{checkpoint}.{solver}.{task}", command)
                if not results:
                    continue
                gains = [r["psnr_db"] - r["psnr_input_db"] for r in results]
                worse = sum(gain < 0 for gain in gains)
                below += worse
                mean = lambda key: sum(r[key] for r in results) / len(results)
                diverged = sum(r["stop"] == "diverged" for r in results)
                print(
                    f"{checkpoint},{solver},{task},{mean('psnr_input_db'):.2f},{mean('psnr_db'):.2f},{min(gains):.2f},"
                    f"{worse},{diverged},{mean('seconds'):.2f}",
                    flush=True,
                )
    print(f"{below} runs ended below their start", file=sys.stderr)
    sys.exit(1 if below else 0)


main()
