"""Ctrl-C, callbacks, threads and forks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tweedie
from conftest import ROOT, noisy
from tweedie import physics

SIGMA = 25 / 255


def large(picture: np.ndarray) -> np.ndarray:
    return np.tile(picture, (6, 4))


def test_ctrl_c_ends_a_restoration_within_an_iteration(picture, gray):
    """The signal comes from another process, as that of a terminal does; the run would take minutes."""
    y = noisy(large(picture), 0.05)
    seen: list[float] = []

    def interrupt() -> None:
        while not seen:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        tweedie.restore(
            y,
            physics.Denoising(),
            denoiser=gray,
            noise=0.05,
            solver="red-gd",
            iterations=100_000,
            progress=lambda row: seen.append(time.monotonic()),
        )
    thread.join()
    assert len(seen) < 100, "it went on for many iterations"
    assert time.monotonic() - started < 60
    # The module goes on.
    assert gray(picture, SIGMA).shape == picture.shape


def test_ctrl_c_without_a_callback(picture):
    """As a script that does nothing else."""
    script = f"""
import sys, numpy as np, tweedie
from tweedie import physics
x = np.full((384, 384), 0.5)
denoiser = tweedie.load("gray")
print("ready", flush=True)
try:
    tweedie.restore(x, physics.Denoising(), denoiser=denoiser, noise=0.05, solver="red-gd", iterations=100000)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output == "interrupted\n" and process.returncode == 0


def test_errors_of_callbacks_end_the_run(picture, gray):
    def fail(row: tweedie.Iteration) -> None:
        if row.iteration == 2:
            raise LookupError("enough")

    calls = []
    with pytest.raises(LookupError, match="enough"):
        tweedie.restore(
            picture,
            physics.Denoising(),
            denoiser=gray,
            noise=0.1,
            iterations=5000,
            progress=lambda row: (calls.append(row), fail(row)),
        )
    assert len(calls) == 2


def test_other_threads_go_on(picture, gray):
    x = large(picture)
    ticks = 0
    over = threading.Event()

    def count() -> None:
        nonlocal ticks
        while not over.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    with tweedie.threads(1):
        gray(x, SIGMA)
    before = ticks
    with tweedie.threads(1):
        for _ in range(3):
            gray(x, SIGMA)
    assert ticks - before > 10
    over.set()
    thread.join()


def test_threads_at_once_agree(picture, gray):
    x = noisy(picture, SIGMA)
    expected = gray(x, SIGMA)
    results: list[np.ndarray] = []

    def work() -> None:
        for _ in range(5):
            results.append(gray(x, SIGMA))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 20 and all(np.array_equal(result, expected) for result in results)


def _denoised_in_child(index: int) -> float:
    """Uses the denoiser that the parent used before it forked, as a worker of torch's DataLoader does."""
    denoiser, x = _shared
    total = 0.0
    for _ in range(3):
        total += float(denoiser(x + index, SIGMA).sum())
    return total


_shared: tuple = ()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_two_workers_that_were_forked_after_a_first_use(picture, gray):
    global _shared
    x = noisy(picture, SIGMA)
    _shared = (gray, x)
    expected = [3 * float(gray(x + index, SIGMA).sum()) for index in range(2)]
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        # Would hang forever on the parent's threads.
        got = pool.map_async(_denoised_in_child, range(2)).get(timeout=120)
    assert got == pytest.approx(expected)
    # The parent's threads are as they were, also while a child is at work.
    assert float(gray(x, SIGMA).sum()) == pytest.approx(expected[0] / 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_may_restore_and_fork_again(picture, gray):
    x = noisy(picture, SIGMA)
    gray(x, SIGMA)

    def restore_in_child(depth: int) -> int:
        child = os.fork()
        if child:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline:
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    return os.waitstatus_to_exitcode(status)
                time.sleep(0.02)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -1
        status = 1
        try:
            result = tweedie.restore(x, physics.Denoising(), denoiser=gray, noise=SIGMA, iterations=2)
            status = 0 if result.image.shape == x.shape else 2
            if depth and status == 0:
                status = restore_in_child(depth - 1)
        finally:
            os._exit(status if status >= 0 else 3)

    assert restore_in_child(1) == 0


def test_import_is_fast():
    """Under 0.2 s of processor time beyond numpy, the best of three."""
    script = "import time, numpy; start = time.process_time(); import tweedie; print(time.process_time() - start)"
    seconds = [float(subprocess.check_output([sys.executable, "-c", script], cwd=ROOT)) for _ in range(3)]
    assert min(seconds) < 0.2, seconds


def test_numpy_is_all_that_is_imported():
    script = "import sys, tweedie; print(sorted({'torch', 'scipy', 'PIL', 'deepinv'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", script], text=True, cwd=ROOT) == "[]\n"
