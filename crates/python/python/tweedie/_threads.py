"""How many threads work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tweedie import _native
from tweedie._errors import InputError

_chosen: ContextVar[int | None] = ContextVar("tweedie_threads", default=None)


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Uses ``n`` threads inside the block: ``with tweedie.threads(2): ...``.

    Without it as many threads work as torch uses where torch is loaded (1 in a worker of its DataLoader), else as many as
    the process may use cores. The number changes no result.

    Raises:
        InputError: unless n is a whole number from 1 to 1024.
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 1024:
        raise InputError(f"n: expected a whole number of threads from 1 to 1024, got {n!r}", "n")
    token = _chosen.set(n)
    try:
        yield
    finally:
        _chosen.reset(token)


def current() -> int:
    """The number of threads that the next job gets."""
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):
        return max(1, int(torch.get_num_threads()))
    return _native.default_threads()
