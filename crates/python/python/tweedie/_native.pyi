"""The part of tweedie that is written in Rust: batches ``[N, C, H, W]`` of f32 as bytes with their shape."""

from collections.abc import Callable
from typing import Any, TypeAlias, final

__all__ = [
    "Array",
    "Certifying",
    "Denoiser",
    "Failure",
    "Operator",
    "Physics",
    "VERSION",
    "bring",
    "checkpoints",
    "default_threads",
    "estimate_noise",
    "evaluate_files",
    "evaluate_image",
    "read_image",
    "restore",
    "simulate",
    "solvers",
    "toml_of",
    "train",
    "write_image",
]

VERSION: str

_Batch: TypeAlias = tuple[bytes, tuple[int, int, int, int]]
_Plane: TypeAlias = tuple[bytes, int, int]
_Row: TypeAlias = tuple[int, float, float, float, float | None, float | None, float | None, int]
_Tell: TypeAlias = Callable[[str, Any], object]

class Failure(Exception): ...

@final
class Array:
    @property
    def __array_interface__(self) -> dict[str, Any]: ...

@final
class Denoiser:
    @staticmethod
    def load(name: str, settings: str, certifying: bool, threads: int) -> Denoiser: ...
    def info(self) -> str: ...
    def denoise(self, x: _Batch, sigma: list[float], threads: int) -> Array: ...
    def denoise_map(self, x: _Batch, map: _Batch, threads: int) -> Array: ...
    def vjp(self, x: _Batch, sigma: list[float], v: _Batch, threads: int) -> tuple[Array, Array]: ...
    def potential(self, x: _Batch, sigma: list[float], threads: int) -> tuple[list[float], Array]: ...

@final
class Physics:
    def __new__(cls, options: str, kernel: _Plane | None = None, mask: _Plane | None = None) -> Physics: ...
    @staticmethod
    def of_functions(
        apply: Callable[[Array], _Batch],
        adjoint: Callable[[Array], _Batch],
        domain: tuple[int, int, int],
        codomain: tuple[int, int, int],
        norm_sq: float,
    ) -> Physics: ...
    def domain(self, codomain: tuple[int, int, int]) -> tuple[int, int, int]: ...
    def operator(self, domain: tuple[int, int, int], seed: int, threads: int) -> Operator: ...
    def kernel(self) -> tuple[int, int, list[float]] | None: ...

@final
class Operator:
    @property
    def domain(self) -> tuple[int, int, int]: ...
    @property
    def codomain(self) -> tuple[int, int, int]: ...
    @property
    def norm_sq(self) -> float: ...
    def apply(self, x: _Batch, threads: int) -> Array: ...
    def adjoint(self, y: _Batch, threads: int) -> Array: ...
    def start(self, y: _Batch, threads: int) -> Array: ...
    def prox_l2(self, z: _Batch, y: _Batch, gamma: float, threads: int) -> Array: ...

@final
class Certifying:
    def __new__(
        cls, denoiser: Denoiser, images: list[_Batch], patch: int, samples: int, seed: int, threads: int
    ) -> Certifying: ...
    def measure(self, sigma: float, threads: int) -> str: ...
    def theorems(self, threads: int) -> str: ...

def bring(folder: str) -> None: ...
def checkpoints(threads: int) -> str: ...
def default_threads() -> int: ...
def estimate_noise(x: _Batch, threads: int) -> float: ...
def evaluate_files(
    denoiser: Denoiser, data: list[str], sigma: float, seed: int, tell: _Tell, threads: int
) -> str: ...
def evaluate_image(denoiser: Denoiser, name: str, clean: _Batch, sigma: float, seed: int, threads: int) -> str: ...
def read_image(path: str, threads: int) -> Array: ...
def restore(
    denoiser: Denoiser,
    physics: Physics,
    y: _Batch,
    truth: _Batch | None,
    options: str,
    tell: _Tell,
    threads: int,
) -> tuple[Array, list[_Row], str, str, float]: ...
def simulate(
    physics: Physics, clean: _Batch, noise: float, seed: int, name: str, threads: int
) -> tuple[Array, Array]: ...
def solvers() -> list[tuple[str, str]]: ...
def toml_of(json: str) -> str: ...
def train(
    config: str,
    data: list[str],
    out: str,
    resume: bool,
    steps: int | None,
    minutes: float | None,
    settings: list[str],
    tell: _Tell,
    threads: int,
) -> str: ...
def write_image(path: str, image: _Batch, depth: str | None, threads: int) -> None: ...
