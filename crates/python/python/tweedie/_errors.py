"""What is told: errors that name the argument at fault, warnings, notes."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tweedie import _native


#: Notes of jobs: defaults that were taken, levels that were estimated.
log = logging.getLogger("tweedie")


class InputError(ValueError):
    """A value that the job does not take: says what was expected and what was got.

    ``argument`` is the name of the argument at fault, or None where several disagree.
    """

    argument: str | None

    def __init__(self, text: str, argument: str | None = None) -> None:
        super().__init__(text)
        self.argument = argument


class FileError(OSError):
    """A file or folder that is missing, broken or refused by the system.

    ``argument`` is the name of the argument that named it, or None.
    """

    argument: str | None

    def __init__(self, text: str, argument: str | None = None) -> None:
        super().__init__(text)
        self.argument = argument


class TweedieWarning(UserWarning):
    """Something that looks wrong about an input or a result, with the likely cause."""


#: What the library's texts, which have the options of the command line, are called here.
_WORDS: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"-C solver\.(\w+)"), r"parameters['\1']"),
    (re.compile(r"-C denoiser\.(\w+)"), r"\1"),
    (re.compile(r"denoiser\.(relaxation|equivariant|stretch|tile_pixels|tolerance|seed)"), r"\1"),
    (re.compile(r"--noise above 0"), "noise above 0"),
    (re.compile(r"--(noise|kernel|boundary|strength|sigma) (auto(?::[a-z-]+)?|unknown|bicubic|replicate|circular)\b"), r"\1='\2'"),
    (re.compile(r"--task (\w+)"), r"the physics of '\1'"),
    (re.compile(r"--mask-marks known or damaged"), "the mask's complement"),
    (re.compile(r"--(?:seed|patch|samples|tolerance|discrepancy|budget|iterations|steps|minutes|data|out|resume)\b"), lambda m: m[0][2:]),
    (re.compile(r"--([a-z]+)(?:-([a-z]+))?"), lambda m: m[1] if m[2] is None else f"{m[1]}_{m[2]}"),
]

_ARGUMENT = re.compile(r"^([a-z_]+): ")

#: What else tells the argument at fault.
_SIGNS = [
    (re.compile(r"solver '[^']*', (\w+): "), None),
    (re.compile(r"^solver '[^']*': expected one of"), "solver"),
    (re.compile(r"^solver '[^']*' has no parameter"), "parameters"),
    (re.compile(r"^solver '[^']*' needs"), "solver"),
    (re.compile(r"^solver '[^']*': "), "parameters"),
    (re.compile(r"^denoiser '[^']*': expected a noise level"), "sigma"),
    (re.compile(r"^(\w+)='"), None),
]


def in_words_of_python(text: str) -> str:
    """The same with the names of arguments instead of options of the command line."""
    for pattern, replacement in _WORDS:
        text = pattern.sub(replacement, text)
    return text


def error_of(failure: _native.Failure, argument: str | None, names: Mapping[str, str]) -> InputError | FileError:
    """The error for users; ``argument`` is at fault unless the text names another, by the library's name or one of ``names``."""
    kind, text = failure.args
    text = in_words_of_python(text)
    for called, name in names.items():
        if text.startswith(f"{called}: "):
            text = name + text[len(called) :]
    named = _ARGUMENT.match(text)
    sign = next(((found, told) for pattern, told in _SIGNS if (found := pattern.search(text))), None)
    if named:
        argument = named[1]
    elif sign is not None:
        found, told = sign
        argument = told or names.get(found[1], found[1])
        text = f"{argument}: {text}"
    elif argument is not None:
        text = f"{argument}: {text}"
    return FileError(text, argument) if kind == "file" else InputError(text, argument)


@contextmanager
def blaming(argument: str | None, names: Mapping[str, str] = {}) -> Iterator[None]:  # noqa: B006
    """What fails inside is the fault of ``argument``; ``names`` has the arguments that the library calls otherwise."""
    try:
        yield
    except _native.Failure as failure:
        error = error_of(failure, argument, names)
    else:
        return
    raise error
