"""Training."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tweedie import _native, _threads
from tweedie._denoiser import Denoiser, load
from tweedie._errors import InputError, blaming, log


class Step(NamedTuple):
    """A training step that was done."""

    #: Its number, from 1.
    step: int
    #: Steps of the run; None until a run of some minutes has chosen them.
    steps: int | None
    loss: float


@dataclass(frozen=True)
class Trained:
    """A training run: its folder is a checkpoint."""

    #: The folder.
    checkpoint: Path
    #: Steps that are done.
    steps: int
    #: Images that were trained on.
    images: int
    #: Images that were measured on.
    validation_images: int
    #: The last row of the log: ``step``, ``loss``, ``validation`` and so on.
    last: dict[str, Any] | None

    def load(self) -> Denoiser:
        """The denoiser that was trained."""
        return load(self.checkpoint)


def train(
    config: str | os.PathLike[str] | Mapping[str, Any],
    *,
    data: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    steps: int | None = None,
    minutes: float | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Callable[[Step], object] | None = None,
) -> Trained:
    """Trains a denoiser on photographs, or goes on with a run.

    Args:
        config: a TOML file such as ``datasets/train.toml``, or the same as a dictionary. **Noise levels in it are in grey
            levels**, as in the papers' tables.
        data: folders of images, instead of those of the configuration.
        out: the folder of the run, which is a checkpoint at any moment; default ``runs/`` and the configuration's name.
        resume: go on from the last save in ``out``, if there is one.
        steps: instead of those of the configuration.
        minutes: how long the run shall take, instead of steps.
        settings: values by key, such as ``{"training.batch": 4}``, over those of the configuration.
        progress: called with a :class:`Step` after each.

    Raises:
        FileError: if a file cannot be read or written.
        InputError: names the argument or the key.
        KeyboardInterrupt: if Ctrl-C is pressed; the run is saved first, and goes on with ``resume=True``.
    """
    folders = [data] if isinstance(data, (str, os.PathLike)) else list(data)
    if isinstance(config, Mapping):
        if out is None:
            raise InputError("out: expected a folder for a configuration that is a dictionary, got none", "out")
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "config.toml"
            try:
                path.write_text(_native.toml_of(json.dumps(config, default=os.fspath)), encoding="utf-8")
            except (TypeError, ValueError) as error:
                raise InputError(f"config: expected numbers, texts, lists and dictionaries; {error}", "config") from None
            return _train(path, folders, Path(out), resume, steps, minutes, settings, progress)
    path = Path(config)
    return _train(path, folders, Path("runs") / path.stem if out is None else Path(out), resume, steps, minutes, settings, progress)


def _train(
    config: Path,
    data: Sequence[str | os.PathLike[str]],
    out: Path,
    resume: bool,
    steps: int | None,
    minutes: float | None,
    settings: Mapping[str, Any] | None,
    progress: Callable[[Step], object] | None,
) -> Trained:
    def tell(kind: str, value: Any) -> None:
        if kind == "note":
            log.info("%s", value)
        elif kind == "step" and progress is not None:
            progress(Step(*value))

    changes = [f"{key}={json.dumps(value)}" for key, value in (settings or {}).items()]
    options = {
        "config": os.fspath(config),
        "data": [os.fspath(folder) for folder in data],
        "out": os.fspath(out),
        "resume": bool(resume),
        "steps": steps,
        "minutes": minutes,
        "settings": changes,
    }
    with blaming("config"):
        text = _native.train(json.dumps(options), tell, _threads.current())
    facts = json.loads(text)
    return Trained(
        Path(facts["checkpoint"]), facts["steps"], facts["images"], facts["validation_images"], facts["last"]
    )
